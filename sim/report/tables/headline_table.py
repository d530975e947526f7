"""What a command prints by default: the question, one table of headline numbers, caveats, what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from math import isnan, nan

from rich.console import Console

from sim.outcomes.estimates import EstimateRow
from sim.outcomes.results import ArmFacts, OutcomeFacts, Results, group_label, time_in_prose
from sim.report.tables import number_format
from sim.report.tables.comparison_table import (
    about,
    change_cell,
    compared_outcomes,
    headline_difference,
    random_error_note,
    unsettled,
)
from sim.report.tables.economic_tables import BY_YEAR, CAPACITY_COST, COST, QALY, ratio_cells
from sim.report.tables.model import BOLD, FAINT, Cell, Column, Row, Table, Value, print_table, printed, prose
from sim.report.tables.run_table import (
    ALSO,
    headline_label,
    parts,
    rows_of,
    short_resource_table,
    total,
    value_cell,
)
from sim.report.tables.run_table import about as run_about
from sim.scenario.language.model import Scenario

MOST_OUTCOMES, MOST_ROWS, MOST_TIMES, MOST_GROUPS, MOST_NOTES = 3, 9, 3, 4, 2
"""Columns of a comparison, rows of a run, times of a curve, groups and notes that are shown."""
MOST_ROWS_BESIDE_QUEUES = 5
"""Rows of a run that leave room for the table of its resources."""
DIFFERENCES = "below: the difference from the reference (of shares in percentage points), 95% interval"
MORE_REPLICATIONS = "--replications 20 gives one"


def print_headline(
    results: Results, scenarios: Sequence[Scenario], console: Console, outcomes: Sequence[str] | None = None
) -> None:
    """Print the short answer of a run or a comparison.

    scenarios: of the arms. outcomes: names of those to print, None for the first ones.
    """
    is_run = len(results.arms) == 1
    every = results.reference.outcomes if is_run else compared_outcomes(results)
    known = [one for one in every if one.name != BY_YEAR]
    shown = [one for one in known if one.name in outcomes] if outcomes else known
    table = run_table(results, shown) if is_run else comparison_table(results, shown, chosen=bool(outcomes))
    queues = short_resource_table(results) if is_run and not outcomes else None

    def write(to: Console) -> None:
        prose(to, results.heading, BOLD)
        follow_up = scenarios[0].patients.follow_up
        followed = f", follow-up {number_format.time(follow_up)}" if follow_up is not None else ""
        prose(to, (run_about(results) if is_run else about(results)) + followed, FAINT)
        to.print()
        if table.rows:
            print_table(table, to)
        else:
            prose(to, "The scenario has no outcomes." if is_run else "The arms have no outcome in common.")
        to.print()
        if queues is not None:
            print_table(queues, to)
            to.print()
        if results.certainty:
            from sim.report.tables.certainty_table import certainty_sentences, certainty_table

            print_table(certainty_table(results), to)
            for line in certainty_sentences(results):
                prose(to, line)
            to.print()
        most_notes = MOST_NOTES if queues is None else MOST_NOTES - 1
        for line in caveats(results, scenarios, {one.name for one in shown}, most_notes):
            prose(to, line)
        prose(to, _next(results, len(known)), FAINT)

    printed(console, write)


def caveats(
    results: Results, scenarios: Sequence[Scenario], outcomes: Set[str], most_notes: int
) -> Iterator[str]:
    """What the intervals cover or why there are none, queues that do not settle, and the first notes.

    outcomes: the names of those in the table.
    """
    numbers = results.estimates if len(results.arms) == 1 else results.differences
    has_intervals = any(row.has_interval for row in numbers if row.outcome in outcomes)
    if has_intervals:
        yield random_error_note(results, scenarios)
    if not has_intervals and results.replications == 1 and (shared := scenarios[0].shared):
        names = ", ".join(one.name for one in shared)
        yield f"No intervals: patients share {names}; {MORE_REPLICATIONS}."
    yield from unsettled(results)
    queues = {one.name for arm in results.arms for one in arm.resources if not one.settles}
    notes = [note for note in results.notes if not any(f"queue for {name} " in note for name in queues)]
    yield from (f"Note: {note}" for note in notes[:most_notes])
    if (rest := len(notes) - most_notes) > 0:
        yield f"{rest} more note{'s' * (rest > 1)} with --full"


def _next(results: Results, known: int) -> str:
    what = "every outcome" if known > 1 else "all numbers"
    if len(results.arms) > 1:
        what += ", what differs between the arms and where paths diverge"
    return f"--full prints {what}; --report FILE.html draws charts"


# ---------------------------------------------------------------- one run


def run_table(results: Results, outcomes: Sequence[OutcomeFacts]) -> Table:
    """A row for each number, the first outcome at several times; groups of patients in columns."""
    by, groups = next(((one.by, one.groups) for one in outcomes if one.groups), (None, ()))
    if len(groups) > MOST_GROUPS:
        by, groups = None, ()
    rows: list[Row] = []
    hidden = 0
    most = MOST_ROWS_BESIDE_QUEUES if results.reference.resources else MOST_ROWS
    for outcome in outcomes:
        found = list(_numbers(results, outcome, is_first=outcome is outcomes[0]))
        if len(rows) + len(found) > most and rows:
            hidden += 1
            continue
        own = groups if outcome.by == by else ()
        for label, row in found:
            if not groups:
                rows.append((label, *value_cell(row), number_format.count(row.n)))
                continue
            alike = [_same(results, row, group) for group in own] or [None] * len(groups)
            rows.append((label, value_cell(row), *(value_cell(one) for one in alike)))
    if groups:
        columns: tuple[str, ...] = ("all patients", *(group_label(by, group) for group in groups))
        counted = [rows_of(results.estimates, outcomes[0].name, group=group) for group in ("", *groups)]
        rows.append(("patients", *(total(outcomes[0], found) for found in counted)))
    else:
        columns = ("estimate", "95% interval", "n")
        if not any(row[2] for row in rows):
            columns, rows = ("estimate", "n"), [(row[0], row[1], row[3]) for row in rows]
    notes = (f"not in this table: {hidden} more outcome{'s' * (hidden > 1)}",) if hidden else ()
    return Table("", (Column("outcome", is_text=True), *map(Column, columns)), tuple(rows), notes=notes)


def _numbers(results: Results, outcome: OutcomeFacts, *, is_first: bool) -> Iterator[tuple[str, EstimateRow]]:
    """The rows of an outcome with their labels: a curve at its last times, or the headline with its parts."""
    rows, (measure, part, _) = rows_of(results.estimates, outcome.name), outcome.description.headline
    name = headline_label(outcome, None)
    if outcome.description.curve and is_first:
        for row in rows[measure, part][-MOST_TIMES:]:
            yield f"{name} at {time_in_prose(row.time_days)}", row
        if any(row.is_known for row in rows["median", part]):
            yield "  " + ALSO["median"], rows["median", part][0]
        return
    if (headline := results.headline(outcome.name)) is not None:
        yield headline_label(outcome, headline), headline
    if not outcome.description.curve and outcome.kind != "funnel":
        yield from ((f"  {label}", row) for label, row in parts(outcome, rows) if row.part)


def _same(results: Results, row: EstimateRow, group: str) -> EstimateRow | None:
    time = None if isnan(row.time_days) else row.time_days
    return results.estimates.find(row.outcome, row.measure, group=group, part=row.part, time_days=time)


# ---------------------------------------------------------------- arms beside each other


def comparison_table(
    results: Results, outcomes: Sequence[OutcomeFacts], *, chosen: bool, at_all_times: bool = True
) -> Table:
    """A row for each arm: its headline numbers, and below each the difference from the reference.

    chosen: show all of these outcomes, not only the first ones with costs and QALYs.
    at_all_times: show the first outcome also at times before that of its headline, if these are few.
    """
    shown = outcomes if chosen else _first_outcomes(results, outcomes)
    valued = [one for one in shown if one.name in (COST, QALY)]
    ratios = ratio_cells(results) if len(valued) == 2 else {}
    rows: list[Row] = []
    for arm in results.arms:
        name = f"{arm.label}\n(the reference)" if arm is results.reference else arm.label
        cells = [arm_cell(results, one, arm) for one in shown]
        rows.append((name, *cells, *((ratios.get(arm.name, ""),) if ratios else ())))
        below = [
            *(_at_earlier_times(results, shown[:1], arm) if at_all_times else ()),
            *_in_groups(results, shown[:1], arm),
        ]
        rows += [(*row, *[""] * (len(rows[-1]) - 2)) for row in below]
    heads = [_head(results, one) for one in shown] + ["cost per QALY"] * bool(ratios)
    notes = [DIFFERENCES, *(one.description.text for one in valued)]
    if valued and any(arm.outcome(CAPACITY_COST) for arm in results.arms):
        notes.append(f"cost contains no {CAPACITY_COST}: that is of the service, not of a patient")
    if ratios and len(results.arms) > 2:
        notes.append("cost per QALY: against the arm before it on the frontier")
    elif ratios and any(row.incremental_cost < 0 and row.incremental_qaly < 0 for row in results.incremental):
        notes.append("cost per QALY: what the cheaper arm saves for each QALY that it loses")
    if hidden := len(outcomes) - len(shown):
        notes.append(f"not in this table: {hidden} more outcome{'s' * (hidden > 1)}")
    columns = (Column("arm", is_text=True), *map(Column, heads))
    return Table("", columns, tuple(rows) if shown else (), notes=tuple(notes))


def _first_outcomes(results: Results, outcomes: Sequence[OutcomeFacts]) -> list[OutcomeFacts]:
    """The outcomes for which there is room: the first ones, or the first with costs and QALYs."""
    valued = [one for one in outcomes if one.name in (COST, QALY)] if len(results.incremental) else []
    others = [one for one in outcomes if one not in valued]
    return [*others[: 1 if valued else MOST_OUTCOMES], *valued]


def _at_earlier_times(
    results: Results, outcomes: Sequence[OutcomeFacts], arm: ArmFacts
) -> Iterator[tuple[str, Cell]]:
    """An outcome in an arm at earlier times than its headline, if they are few."""
    for outcome in outcomes:
        times = _earlier_times(results, outcome)
        if len(times) * len(results.arms) < MOST_ROWS:
            for time in times:
                yield f"  at {time_in_prose(time)}", arm_cell(results, outcome, arm, at=time)


def _in_groups(
    results: Results, outcomes: Sequence[OutcomeFacts], arm: ArmFacts
) -> Iterator[tuple[str, Cell]]:
    """An outcome in an arm in each group of patients, if they are few."""
    for outcome in outcomes:
        if len(outcome.groups) * len(results.arms) < MOST_ROWS:
            for group in outcome.groups:
                yield f"  {group_label(outcome.by, group)}", arm_cell(results, outcome, arm, group=group)


def _earlier_times(results: Results, outcome: OutcomeFacts) -> tuple[float, ...]:
    """The times of a curve before the one of its headline; none where they are too many to print."""
    measure, part, last = outcome.description.headline
    if not outcome.description.curve or last is None:
        return ()
    rows = rows_of(results.estimates, outcome.name, results.reference.name)[measure, part]
    times = tuple(row.time_days for row in rows if row.time_days < last)
    return times if len(times) < MOST_TIMES else ()


def _head(results: Results, outcome: OutcomeFacts) -> str:
    row = results.headline(outcome.name, arm=results.reference.name)
    unit = f" ({row.unit})" if row is not None and outcome.name == COST else ""
    return headline_label(outcome, row) + unit


def arm_cell(
    results: Results, outcome: OutcomeFacts, arm: ArmFacts, *, group: str = "", at: float | None = None
) -> Cell:
    """The headline of an outcome in an arm, and below it the difference from the reference.

    at: another time of a curve, in days.
    """
    if arm is results.reference:
        measure, part, time = outcome.description.headline
        time = time if at is None else at
        row = results.estimates.find(
            outcome.name, measure, arm=arm.name, group=group, part=part, time_days=time
        )
        return Value(_alone(row) if row is not None else number_format.NOTHING)
    found = headline_difference(results, outcome, arm, group=group, at=at)
    if found is None:
        return number_format.NOTHING
    _, own, difference = found
    change = change_cell(difference)
    below = "\n".join(filter(None, change)) if difference.is_known else ""
    return Value(_alone(own), below)


def _alone(row: EstimateRow) -> str:
    """An estimate without its interval, which would give it more decimals."""
    return value_cell(row._replace(low=nan, high=nan)).text
