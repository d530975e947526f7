"""The page of a probabilistic sensitivity analysis, as HTML text; the caller writes the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from sim.report.page.arms import words
from sim.report.page.document import Fold, Section, document
from sim.report.page.psa_pictures import (
    convergence_picture,
    decision_picture,
    evpi_picture,
    evppi_picture,
    plane_picture,
    survival_picture,
)
from sim.report.page.sections import provenance
from sim.report.tables import number_format, psa_table
from sim.report.tables.model import Row, Table, Value, texts
from sim.report.text.protocol import STATUSES, mean_and_limits
from sim.scenario.language.model import Parameter
from sim.scenario.source.citations import citations
from sim.uncertainty.model import ArmModel
from sim.uncertainty.results import PsaResults, PsaRow


def psa_page(results: PsaResults, facts: Mapping[str, object]) -> str:
    """The page of an analysis. facts: how it was made, as names and values."""
    arms = results.psa.model.arms
    first, *tables = psa_table.headline_tables(results, None)
    decision = list(psa_table.decision_tables(results))
    fan = survival_picture(results)
    interval_note, *notes = psa_table.caveats(results)
    return document(
        title=heading(arms),
        subtitle=psa_table.about(results),
        answer=answer(results),
        headline=(first, *decision, *([fan] if fan else [])),
        interval_note=interval_note,
        notes=[note.removesuffix(".") for note in notes],
        sections=tuple(
            section
            for section in (
                _decision(results),
                _information(results, tables[len(decision) :]),
                _convergence(results),
                _numbers(results),
                _parameters(results),
                provenance(
                    [
                        *((key, str(value)) for key, value in facts.items()),
                        *((f"scenario, {arm.label}", arm.scenario.file) for arm in arms),
                        *((f"digest, {arm.label}", arm.scenario.digest) for arm in arms),
                    ]
                ),
            )
            if section.items
        ),
    )


def heading(arms: Sequence[ArmModel]) -> str:
    """The question that a scenario asks; else the title of a single one, or the labels of the arms."""
    titles = [arm.scenario.title for arm in arms]
    if question := next((title for title in titles if title.endswith("?")), ""):
        return question
    return titles[0] if len(arms) == 1 else " against ".join(arm.label for arm in arms)


# ---------------------------------------------------------------- the answer


def answer(results: PsaResults) -> str:
    """The first difference with its parameter interval, and which arm is best; one line each."""
    return "\n".join([*_first_number(results), *_best(results)])


def _first_number(results: PsaResults) -> Iterator[str]:
    """The first outcome at its last time in each of two arms and their difference, or in a single one."""
    arms = results.psa.model.arms
    if len(arms) > 2:
        return
    rows = [row for row in results.estimates if row.measure in psa_table.HEADLINES and not row.part]
    if not rows:
        return
    key = psa_table.key_of([row for row in rows if row.outcome == rows[0].outcome and not row.reference][-1])
    *own, last = [row for row in rows if psa_table.key_of(row) == key]
    label = psa_table.label_of(key)
    text = label[:1].upper() + label[1:]
    if isnan(last.mean):
        yield f"{text} is unknown{' in an arm' if own else ''}: no two draws have patients whom it is about."
        return
    values = " and ".join(
        f"{number_format.amount(row.mean, row.unit)} with {arm.label}"
        for arm, row in zip(arms, own, strict=False)
    )
    difference = f"{values}, a difference of " if own else ""
    yield f"{text}: {difference}{_with_interval(last)}."


def _with_interval(row: PsaRow) -> str:
    write = number_format.change if row.reference else number_format.amount
    points = " percentage points" if row.reference and row.unit in number_format.SHARES else ""
    limits = number_format.interval((row.low, row.high), row.mean, row.unit)
    return f"{write(row.mean, row.unit)}{points} ({limits}, 95% interval of the parameters)"


def _best(results: PsaResults) -> Iterator[str]:
    """The arm with the largest mean benefit, how probably it is best and what it may lose."""
    if not results.benefits:
        return
    labels = {arm.name: arm.label for arm in results.psa.model.arms}
    at, n = results.main_benefit, len(labels)
    row = next(row for row in results.decision[at * n : (at + 1) * n] if row.frontier)
    step = f"at {psa_table.step_label(results, at)}"
    if row.probability_best != row.probability_best:
        reason = row.note.split(":")[0]
        yield f"{labels[row.arm]} has the largest mean benefit {step}; how often it is best {reason}."
        return
    yield (
        f"{labels[row.arm]} is best with probability {number_format.share(row.probability_best)} {step}; "
        f"choosing it loses {psa_table.loss_text(results, row.expected_loss)} per patient on average."
    )


# ---------------------------------------------------------------- sections


def _decision(results: PsaResults) -> Section:
    """The plane and the probability that each arm is best."""
    pictures = (plane_picture(results), decision_picture(results))
    return Section("decision", "Decision", tuple(one for one in pictures if one))


def _information(results: PsaResults, tables: list[Table]) -> Section:
    """What knowing parameters is worth, in pictures; a table where one of these has nothing to show."""
    pictures = (evpi_picture(results), evppi_picture(results))
    items = [one for one in pictures if one]
    return Section("information", "Worth of information", (*items, *(tables if None in pictures else ())))


def _convergence(results: PsaResults) -> Section:
    picture = convergence_picture(results)
    return Section("convergence", "Are the draws enough?", (picture,) if picture else ())


def _numbers(results: PsaResults) -> Section:
    tables = psa_table.outcome_tables(results).items()
    return Section("outcomes", "All outcomes", tuple(Fold(words(name), (table,)) for name, table in tables))


def _parameters(results: PsaResults) -> Section:
    """What was drawn, by status, the weakest evidence first."""
    arms = results.psa.model.arms
    every = list({one.name: one for arm in reversed(arms) for one in arm.parameters}.values())
    known = citations(file for arm in arms for file in arm.scenario.inputs)
    items = []
    for status, heading in STATUSES.items():
        group = [one for one in every if one.status == status]
        if group:
            rows = tuple(_parameter_row(one, known) for one in group)
            title = f"{heading}: {len(group)} of {len(every)}"
            columns = texts("parameter", "value", "distribution", "source")
            items.append(Fold(title, (Table(title, columns, rows),), is_linked=True))
    return Section("parameters", "Parameters that were drawn", tuple(items))


def _parameter_row(one: Parameter, known: Mapping[str, str]) -> Row:
    return (
        one.name,
        one.text,
        Value(one.uncertainty or "assumed spread", mean_and_limits(one)),
        Value(one.source or "no source", known.get(one.source, "")),
    )
