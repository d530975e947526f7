"""What `allpath psa` prints: each number with both its intervals, the decision, what is worth knowing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import TypeAlias

from rich.console import Console

from sim.outcomes.results import time_in_prose
from sim.report.tables import number_format
from sim.report.tables.model import Column, Row, Table, Value, numbers, print_results
from sim.uncertainty.results import PsaResults, PsaRow
from sim.uncertainty.value_of_information import InformationRow

MOST_MEASURES, MOST_PARAMETERS = 3, 5
"""Columns of the first table, rows of the table of parameters."""
NumberKey: TypeAlias = tuple[str, str, str, float]
"""Outcome, part, measure, and time (-1 for none) of a number."""
MORE = "--full prints every number with the standard error of its mean; --out DIR keeps the draws"
HEADLINES = ("survival", "cumulative_incidence", "discounted", "share", "mean")


def print_psa(
    results: PsaResults, console: Console, outcomes: Sequence[str] | None = None, *, full: bool = False
) -> None:
    """Print the results of an analysis. outcomes: names of those to print. full: every measure."""
    print_results(
        console,
        heading(results),
        about=[about(results)],
        tables=full_tables(results, outcomes) if full else headline_tables(results, outcomes),
        notes=caveats(results),
        more="" if full else MORE,
    )


def heading(results: PsaResults) -> str:
    """The title of one scenario; of several the reference, and how many it is compared with."""
    first, *others = results.psa.model.arms
    if not others:
        return first.scenario.title
    return f"{first.label} against " + (
        others[0].label if len(others) == 1 else f"{len(others)} alternatives"
    )


def about(results: PsaResults) -> str:
    """How many draws, patients and parameters, and which patients."""
    psa, n = results.psa, len(results.groups)
    parameters = f"{n} parameter{'s' * (n != 1)}"
    design = (
        "fresh patients in each draw" if psa.request.design == "fresh" else "the same patients in all draws"
    )
    return (
        f"{psa.request.draws:,} draws of {parameters}, {psa.model.n_patients:,} patients "
        f"a draw and arm, {design} (design {psa.request.design}), seed {psa.request.seed}"
    )


def headline_tables(results: PsaResults, outcomes: Sequence[str] | None) -> Iterator[Table]:
    """The first numbers of each arm, the decision, and the parameters that are worth knowing."""
    rows = [
        row for row in _chosen(results.estimates, outcomes) if row.part == "" and row.measure in HEADLINES
    ]
    keys = list(dict.fromkeys(key_of(row) for row in rows if not row.reference))
    yield headline_table(results, rows, _first_keys(keys))
    yield from decision_tables(results)
    yield from information_tables(results)


def _first_keys(keys: list[NumberKey]) -> list[NumberKey]:
    """The first outcome at its last times, costs and QALYs; other outcomes where there is room."""
    worth = [key for key in keys if key[0] in ("cost", "qaly")]
    first = [key for key in keys if key[0] == keys[0][0]][-(MOST_MEASURES - len(worth)) :]
    others = [key for key in keys if key not in worth and key[0] != keys[0][0]]
    return (first + worth + others)[:MOST_MEASURES]


def headline_table(results: PsaResults, rows: Sequence[PsaRow], keys: Sequence[NumberKey]) -> Table:
    """A row for each arm: means with their parameter intervals, below them the difference from the first."""
    arms = results.psa.model.arms
    found = {(row.arm, row.reference, key_of(row)): row for row in rows}
    lines: list[Row] = []
    for arm in arms:
        cells = []
        for key in keys:
            own, change = (found.get((arm.name, reference, key)) for reference in ("", arms[0].name))
            below = [_interval(own), *([_change(change).text, _interval(change)] if change else [])]
            cells.append(Value(_estimate(own).text, "\n".join(below)))
        lines.append(
            (Value(arm.label, "(the reference)" if arm is arms[0] and len(arms) > 1 else ""), *cells)
        )
    meaning = "means over draws with the 95% interval of the parameters"
    if len(arms) > 1:
        meaning += "; below, the difference from the reference (of shares in percentage points) with its own"
    return Table("", numbers("arm", *map(label_of, keys)), tuple(lines), meaning)


def _interval(row: PsaRow | None) -> str:
    return "" if row is None else number_format.interval((row.low, row.high), row.mean, row.unit)


def full_tables(results: PsaResults, outcomes: Sequence[str] | None) -> Iterator[Table]:
    """Every number, then the decision and all parameters."""
    yield from outcome_tables(results, outcomes).values()
    yield from decision_tables(results)
    yield from information_tables(results, most=None)


def outcome_tables(results: PsaResults, outcomes: Sequence[str] | None = None) -> dict[str, Table]:
    """Every number of each outcome, by its name."""
    rows = _chosen(results.estimates, outcomes)
    found = {}
    for outcome in dict.fromkeys(row.outcome for row in rows):
        own = [row for row in rows if row.outcome == outcome]
        found[outcome] = arms_table(results, own, list(dict.fromkeys(key_of(row) for row in own)))
    return found


def _chosen(rows: Sequence[PsaRow], outcomes: Sequence[str] | None) -> list[PsaRow]:
    return [row for row in rows if not outcomes or row.outcome in outcomes]


def key_of(row: PsaRow) -> NumberKey:
    """What distinguishes the numbers of an arm: outcome, part, measure, and time (-1 for none)."""
    return row.outcome, row.part, row.measure, -1.0 if isnan(row.time_days) else row.time_days


def arms_table(results: PsaResults, rows: Sequence[PsaRow], keys: Sequence[NumberKey]) -> Table:
    """A row for each measure; for each arm the mean, its parameter interval and its standard error."""
    labels = {arm.name: arm.label for arm in results.psa.model.arms}
    found = {(row.arm, row.reference, key_of(row)): row for row in rows}
    names = list(labels)
    lines: list[Row] = []
    for key in keys:
        cells = [_estimate(found.get((name, "", key))) for name in names]
        changes = [_change(found.get((name, names[0], key))) for name in names[1:]]
        lines.append((label_of(key), *cells, *changes))
    heads = [*labels.values(), *(f"difference: {labels[name]}" for name in names[1:])]
    meaning = (
        "mean over draws, below it the 95% interval of the parameters and the standard error of the mean"
    )
    return Table("", (Column("", is_text=True), *map(Column, heads)), tuple(lines), meaning)


def label_of(key: NumberKey) -> str:
    """A number in words: `overall survival at 2 years`."""
    outcome, part, measure, time = key
    words = [outcome.replace("_", " "), part.replace("_", " ")]
    if measure == "restricted_mean":
        words.append("restricted mean")
    words.append(f"at {time_in_prose(time)}" if time >= 0 and measure != "restricted_mean" else "")
    return " ".join(filter(None, words))


def _estimate(row: PsaRow | None) -> Value:
    if row is None or isnan(row.mean):
        return Value(number_format.NOTHING)
    limits = (row.low, row.high)
    interval = number_format.interval(limits, row.mean, row.unit)
    return Value(number_format.amount(row.mean, row.unit), f"{interval}\n{_error(row)}".strip())


def _change(row: PsaRow | None) -> Value:
    if row is None or isnan(row.mean):
        return Value(number_format.NOTHING)
    interval = number_format.interval((row.low, row.high), row.mean, row.unit)
    return Value(number_format.change(row.mean, row.unit), f"{interval}\n{_error(row)}".strip())


def _error(row: PsaRow) -> str:
    return (
        f"SE {number_format.amount(row.standard_error, row.unit)}"
        if row.standard_error == row.standard_error
        else ""
    )


def decision_tables(results: PsaResults) -> Iterator[Table]:
    """The probability that each arm is best and what is lost by choosing it; none for one arm."""
    arms = results.psa.model.arms
    steps = {
        number: results.decision[number * len(arms) : (number + 1) * len(arms)]
        for number in _shown_steps(results)
    }
    if not steps:
        return
    lines: tuple[Row, ...] = tuple(
        (arm.label, *(_best(results, number, i) for number in steps)) for i, arm in enumerate(arms)
    )
    what = "net benefit" if results.by_money else results.decided_measures[0][1].outcome.replace("_", " ")
    notes = list(dict.fromkeys(row.note for step in steps.values() for row in step if row.note))
    if notes:
        notes = [f"shares of draws hold the noise of the simulation; the expected loss {notes[0]}"]
    yield Table(
        f"Probability that each arm is best, by {what}",
        numbers("arm", *(step_label(results, number) for number in steps)),
        lines,
        "below it the expected loss per patient of choosing it; * the arm with the largest mean",
        tuple(notes[:1]),
    )


def _shown_steps(results: PsaResults) -> list[int]:
    """Half the threshold, the threshold and its double; else the last three times."""
    n = len(results.benefits)
    if not results.by_money:
        return list(range(n))[-3:]
    middle = results.main_benefit
    return [middle // 2, middle, n - 1] if n else []


def _best(results: PsaResults, number: int, arm: int) -> Value:
    """The probability of being best, or the share of draws where the noise cannot be removed from it."""
    row = results.decision[number * len(results.psa.model.arms) + arm]
    star = " *" if row.frontier else ""
    if isnan(row.probability_best):
        return Value(f"{number_format.share(results.shares_of_draws(number)[arm])} of draws{star}")
    return Value(
        f"{number_format.share(row.probability_best)}{star}", f"loss {loss_text(results, row.expected_loss)}"
    )


def step_label(results: PsaResults, number: int) -> str:
    """The threshold or the time of a decision."""
    if results.by_money:
        return f"{results.benefits[number].threshold:,.0f} a QALY"
    time = results.decided_measures[number][1].time
    return time_in_prose(time) if time == time else "overall"


def loss_text(results: PsaResults, value: float) -> str:
    """A loss or a worth in the unit of the decision."""
    unit = "" if results.by_money else results.decided_measures[0][1].unit
    return number_format.amount(value, unit)


def information_tables(results: PsaResults, *, most: int | None = MOST_PARAMETERS) -> Iterator[Table]:
    """What perfect information is worth at the threshold of the scenario: of all parameters, of each."""
    own = information_rows(results)
    if not own:
        return
    every, singles = own[0], sorted(own[1:], key=lambda row: -row.evppi)
    worth = [row for row in singles if row.evppi > 2.0 * row.standard_error]
    lines: list[Row] = [
        ("all parameters", Value(loss_text(results, every.evpi)), loss_text(results, every.standard_error))
    ]
    lines += [
        (
            row.parameters.replace("_", " "),
            Value(loss_text(results, row.evppi)),
            loss_text(results, row.standard_error),
        )
        for row in worth[:most]
    ]
    none = "" if worth else "no single parameter has a value that differs from 0"
    more = f"and {len(worth) - most} more" if most is not None and len(worth) > most else ""
    yield Table(
        f"Worth of knowing a parameter exactly, per patient ({step_label(results, results.main_benefit)})",
        numbers("parameter", "worth", "standard error"),
        tuple(lines),
        notes=tuple(filter(None, (every.note, none, more))),
    )


def information_rows(results: PsaResults) -> Sequence[InformationRow]:
    """The worth of all parameters, then of each, at the decision that the scenario asks for."""
    n = len(results.groups) + 1
    return results.value_of_information[results.main_benefit * n :][:n]


def caveats(results: PsaResults) -> Iterator[str]:
    """What the intervals cover, and the numbers of draws from which they can be believed."""
    yield "Intervals are of the parameters alone: the noise of the simulated patients is removed."
    yield from dict.fromkeys(row.note for row in results.estimates if row.note)
    yield from results.notes
    half = results.half_error
    if half is not None:
        what = "difference in " if len(results.psa.model.arms) > 1 else ""
        yield (
            f"{half.draws:,} draws of {half.patients:,} patients take the least time to halve the standard "
            f"error of the mean {what}{half.outcome.replace('_', ' ')}."
        )
    if results.psa.request.draws < 1000:
        yield f"{results.psa.request.draws:,} draws are fewer than a publication needs (1,000 or more)."
