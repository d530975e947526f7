"""A sweep as tables: each outcome over the cells, what one more unit of each resource does, and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain
from math import isnan, nan
from typing import NamedTuple

from rich.console import Console

from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.outcomes.results import ArmFacts, OutcomeFacts, Results
from sim.report.tables import number_format
from sim.report.tables.comparison_table import change_cell
from sim.report.tables.model import (
    BOLD,
    FAINT,
    Column,
    Table,
    Value,
    numbers,
    print_table,
    printed,
    prose,
    texts,
)
from sim.report.tables.model import Row as TableRow
from sim.report.tables.number_format import Limits
from sim.report.tables.run_table import headline_label, title_of, value_cell

LEGEND = (
    "difference: the cell less the reference, 95% interval over the same patients (with several "
    "replications over the same replications) in both"
)
MOST_OUTCOMES = 3
"""Outcomes in the table that is printed by default."""
PER = 100
"""Patients to whom the effects of one more unit are scaled."""
BURDEN = "burden"
"""The kind of the outcomes of what waiting does to patients."""


class Effect(NamedTuple):
    """What one more unit does to an outcome: in a head, in a sentence, and the sign of an improvement."""

    head: str
    sentence: str
    sign: int


EFFECTS = {
    "waiting_days": Effect("waiting days saved", "saves most waiting days", -1),
    "lost_waiting": Effect("fewer lost in a queue", "keeps most patients from being lost in a queue", -1),
    "life_years": Effect("life-years gained", "gains most life-years", 1),
}


def print_sweep(
    results: Results, console: Console, outcomes: Sequence[str] | None = None, *, one_more: bool, full: bool
) -> None:
    """Print one table of the first outcomes over the cells, or what one more unit of each resource does.

    outcomes: those asked for, all shown. full: print a table for each outcome.
    """
    if one_more:
        printed(console, lambda to: _print_one_more(results, to))
    else:
        most = None if outcomes else MOST_OUTCOMES
        printed(console, lambda to: _print_cells(results, to, most=most, full=full))


def _print_cells(results: Results, console: Console, *, most: int | None, full: bool) -> None:
    _print_head(results, console)
    found = swept_outcomes(results)
    tables = [cell_table(results, one) for one in found] if full else [grid_table(results, found[:most])]
    for table in tables:
        console.print()
        print_table(table, console)
    console.print()
    prose(console, LEGEND, FAINT)
    _print_lines(console, [f"Note: {note}" for note in results.notes], failures(results))
    if not full:
        rest = len(found) - len(found[:most])
        more = f" ({rest} more)" if rest else ""
        prose(
            console, f"--full prints a table for each outcome{more}; --report FILE.html draws charts", FAINT
        )


def _print_one_more(results: Results, console: Console) -> None:
    for sentence in answers(results):
        prose(console, sentence, BOLD)
    _print_lines(console, [f"Note: {note}" for note in results.notes])
    console.print()
    _print_head(results, console)
    console.print()
    print_table(one_more_table(results), console)
    _print_lines(console, failures(results))


def _print_head(results: Results, console: Console) -> None:
    prose(console, results.reference.title, BOLD)
    prose(console, about(results), FAINT)


def about(results: Results) -> str:
    """Cells, patients, replications, seed and horizon."""
    reference = results.reference
    found = [f"{len(results.arms)} cells", f"{reference.patients:,} patients in the reference"]
    if results.replications > 1:
        found.append(f"{results.replications:,} replications")
    return ", ".join([*found, f"seed {results.seed}", f"horizon {number_format.time(reference.horizon)}"])


def _print_lines(console: Console, *lines: Sequence[str]) -> None:
    for line in chain(*lines):
        prose(console, line)


def failures(results: Results) -> list[str]:
    """The cells without results, and why."""
    return [f"Failed: {arm.name}: {arm.failed}" for arm in results.arms if arm.failed]


# ---------------------------------------------------------------- cells


def cells(results: Results) -> list[ArmFacts]:
    """The cells that have results, the reference first."""
    return [arm for arm in results.arms if not arm.failed]


def swept_outcomes(results: Results) -> list[OutcomeFacts]:
    """The outcomes of the scenario that are one number."""
    named = set(results.differences.present("outcome"))
    found = (one for one in results.reference.outcomes if one.kind != BURDEN)
    return [one for one in found if one.name in named or len(cells(results)) == 1]


def varied(results: Results) -> list[str]:
    """The paths that differ between the cells."""
    return [path for path, _, _ in results.reference.changes]


def values_of(results: Results, arm: ArmFacts) -> list[str]:
    """The value of a cell at each varied path; `default` for a default that is not written."""
    return [value or "default" for _, _, value in arm.changes]


def short_names(paths: Sequence[str]) -> list[str]:
    """Each path by the fewest last words that distinguish it from the others, two at least."""
    words = [path.split(".") for path in paths]
    for n in range(2, max(map(len, words), default=0) + 1):
        short = [".".join(path[-n:]) for path in words]
        if len(set(short)) == len(short):
            return short
    return list(paths)


def number_of(
    results: Results, outcome: OutcomeFacts, arm: ArmFacts
) -> tuple[EstimateRow | None, DifferenceRow | None]:
    """The headline of an outcome in a cell, at the time of the reference, and its difference."""
    measure, part, time = outcome.description.headline
    own = results.estimates.find(outcome.name, measure, arm=arm.name, part=part, time_days=time)
    return own, difference_from(results, results.reference, outcome.name, arm)


def difference_from(
    results: Results, reference: ArmFacts, outcome: str, arm: ArmFacts
) -> DifferenceRow | None:
    """The difference of an outcome between two cells."""
    pairs = results.differences.where(outcome=outcome, arm=arm.name, reference=reference.name)
    return next(iter(pairs), None)


def cell_table(results: Results, outcome: OutcomeFacts) -> Table:
    """An outcome in each cell, with the difference from the reference."""
    rows: list[TableRow] = []
    said: dict[str, None] = {}
    for arm in cells(results):
        own, pair = number_of(results, outcome, arm)
        is_reference = arm is results.reference
        rows.append(
            (*values_of(results, arm), value_cell(own), "reference" if is_reference else change_cell(pair))
        )
        if pair is not None and pair.note:
            said[f"note: {pair.note}"] = None
    heads = (*short_names(varied(results)), "estimate", "difference")
    return Table(
        title_of(outcome), tuple(map(Column, heads)), tuple(rows), outcome.description.text, tuple(said)
    )


def grid_table(results: Results, outcomes: Sequence[OutcomeFacts]) -> Table:
    """A row for each cell: its values, each outcome, and below that the difference from the reference."""
    rows: list[TableRow] = []
    for arm in cells(results):
        found = [number_of(results, outcome, arm) for outcome in outcomes]
        below = [
            "\n".join(filter(None, change_cell(pair))) if pair and pair.is_known else "" for _, pair in found
        ]
        numbers = (Value(value_cell(own).text, text) for (own, _), text in zip(found, below, strict=True))
        mark = "\n(the reference)" if arm is results.reference else ""
        first, *others = values_of(results, arm) or [arm.label]
        rows.append((first + mark, *others, *numbers))
    heads = [headline_label(one, results.headline(one.name, arm=results.reference.name)) for one in outcomes]
    columns = (*texts(*(short_names(varied(results)) or ["cell"])), *map(Column, heads))
    return Table("", columns, tuple(rows))


# ---------------------------------------------------------------- one more unit


def answers(results: Results) -> Iterator[str]:
    """For each effect the resource with the largest effect of one more unit, in a sentence.

    Resources with an effect that may be as large are named, too. One replication gives no answer.
    """
    if results.replications == 1:
        yield "One replication does not show which single unit does most: use several (replications, 20 say)."
        return
    for name, effect in EFFECTS.items():
        ranked = by_effect(results, name)
        shown = [arm for arm in ranked if effect_of(results, name, arm)[1][0] > 0]
        if not ranked:
            continue
        if not shown:
            yield f"No single unit is shown to make a difference in {effect.head}."
        elif shown[0] is not ranked[0]:
            yield (
                f"It is not known which single unit {effect.sentence}; shown to make a difference: "
                f"{_resources(shown)}."
            )
        else:
            near = [arm for arm in ranked[1:] if not _is_distinct(results, ranked[0], name, arm)]
            value, limits, _ = effect_of(results, name, ranked[0])
            interval = number_format.interval(limits, value, "")
            yield (
                f"One more {_resources(ranked[:1])} {effect.sentence}: {number_format.plain(value)} "
                f"per {PER} patients (95% interval {interval})"
                f"{', not distinguishable from ' if near else ''}{_resources(near)}."
            )


def _is_distinct(results: Results, best: ArmFacts, name: str, arm: ArmFacts) -> bool:
    """Whether an outcome surely differs between the best cell and another."""
    pair = difference_from(results, best, name, arm)
    return pair is not None and (pair.low > 0.0 or pair.high < 0.0)


def _resources(arms: Sequence[ArmFacts]) -> str:
    return ", ".join(resource_of(raised(arm)[0]) for arm in arms)


def raised(arm: ArmFacts) -> tuple[str, str]:
    """The path that a cell with one more unit changes, and its value."""
    return next((path, value or "") for path, old, value in arm.changes if value != old)


def resource_of(path: str) -> str:
    """The resource in `resources.NAME.capacity`."""
    return path.split(".")[1]


def by_effect(results: Results, name: str) -> list[ArmFacts]:
    """The cells but the reference, the one with the largest effect first."""
    own = {arm.name: effect_of(results, name, arm)[0] for arm in cells(results)[1:]}
    found = [arm for arm in cells(results)[1:] if results.reference.outcome(name) is not None]
    return sorted(found, key=lambda arm: 0.0 if isnan(own[arm.name]) else -own[arm.name])


def effect_of(results: Results, name: str, arm: ArmFacts) -> tuple[float, Limits, Limits]:
    """What is saved or gained per PER patients, its interval, and the interval without pairing."""
    pair = difference_from(results, results.reference, name, arm)
    if pair is None or not pair.is_known:
        return nan, number_format.NONE, number_format.NONE
    scale = PER * EFFECTS[name].sign

    def scaled(*ends: float) -> Limits:
        low, high = sorted(scale * end + 0.0 for end in ends)  # adding 0 makes -0 0
        return low, high

    unpaired = scaled(pair.independent_low, pair.independent_high)
    return scale * pair.difference + 0.0, scaled(pair.low, pair.high), unpaired


def one_more_table(results: Results) -> Table:
    """What one more unit of each resource does, the largest saving of waiting days first."""
    known = [outcome for name in EFFECTS if (outcome := results.reference.outcome(name)) is not None]
    rows: list[TableRow] = []
    notes: list[str] = []
    for outcome in known:
        own = results.headline(outcome.name, arm=results.reference.name)
        base = number_format.plain(PER * own.estimate) if own is not None else number_format.NOTHING
        notes.append(f"base case {base}: {PER} times the {outcome.description.text}")
    for arm in by_effect(results, known[0].name):
        path, units = raised(arm)
        effects = []
        for outcome in known:
            value, limits, _ = effect_of(results, outcome.name, arm)
            interval = number_format.interval(limits, value, "")
            effects.append(Value(number_format.plain(value, limits), interval))
            pair = difference_from(results, results.reference, outcome.name, arm)
            if pair is not None and not pair.has_interval and pair.note:
                notes.append(f"note: {pair.note}")
        rows.append((resource_of(path), units, *effects))
    columns = numbers("one more", "units then", *(EFFECTS[one.name].head for one in known))
    title = f"One more unit, per {PER} patients"
    return Table(title, columns, tuple(rows), notes=tuple(dict.fromkeys(notes)))


# ---------------------------------------------------------------- for other programs


def csv_text(results: Results) -> str:
    """CSV: a row for each cell and outcome, the varied values in columns of their own.

    Text is protected from spreadsheets as in the CSV exports.
    """
    from sim.formats.tables import without_formula

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbers = ("estimate", "low", "high", "difference", "difference_low", "difference_high", "standard_error")
    writer.writerow(["cell", "is_reference", *varied(results), "outcome", "unit", *numbers, "estimate_of"])
    shown = [*swept_outcomes(results), *(one for one in results.reference.outcomes if one.kind == BURDEN)]
    for arm in cells(results):
        for outcome in shown:
            own, pair = number_of(results, outcome, arm)
            values = (own.estimate, own.low, own.high) if own is not None else (nan,) * 3
            gap = (pair.difference, pair.low, pair.high, pair.standard_error) if pair else (nan,) * 4
            is_reference = "true" if arm is results.reference else "false"
            head = (arm.name, is_reference, *values_of(results, arm), outcome.name, outcome.description.unit)
            known = ("" if isnan(value) else value for value in (*values, *gap))
            cells_of_row = (*head, *known, outcome.description.text)
            writer.writerow(without_formula(c) if isinstance(c, str) else c for c in cells_of_row)
    return text.getvalue()
