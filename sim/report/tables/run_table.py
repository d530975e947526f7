"""The results of a run as tables: curves, single numbers, funnels, single replications, resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Generic, TypeVar

from rich.console import Console

from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.outcomes.estimates import Table as OutcomeTable
from sim.outcomes.results import (
    MEDIAN,
    PERCENTILE_90,
    OutcomeFacts,
    Results,
    group_label,
    group_value,
    time_in_prose,
)
from sim.report.tables import number_format
from sim.report.tables.economic_tables import BY_YEAR, year_table
from sim.report.tables.model import BOLD, FAINT, Cell, Table, Value, numbers, print_table, printed, prose
from sim.report.tables.model import Row as TableRow

AnyRow = TypeVar("AnyRow", EstimateRow, DifferenceRow)


class Rows(dict[tuple[str, str], list[AnyRow]], Generic[AnyRow]):
    """The rows of an outcome in one arm and group, by measure and part, in order of time."""

    def __missing__(self, key: tuple[str, str]) -> list[AnyRow]:
        return []


ALSO = {"median": "median", "quantile_25%": "25% by", "quantile_75%": "75% by"}
"""Labels of what stands below the times of a curve."""
QUANTILES = {"quantile_25%": "25%", "quantile_50%": "50%", "quantile_75%": "75%"}
"""Labels of quantiles over patients."""
LENGTHS = {"mean": "mean", "median": "median", "percentile_90": "90% within"}
"""Numbers of waits and of stays, and the heads of their columns."""
MOST_GROUPS = 4
"""Groups that the answer has room for."""
SINGLE_REPLICATIONS = ("replication_5%", "replication_50%", "replication_95%")


def print_run(results: Results, console: Console, outcomes: Sequence[str] | None = None) -> None:
    """Print each outcome with its estimate, interval, number and meaning, then resources and notes.

    outcomes: names of those to print, None for all.
    """
    printed(console, lambda to: _print(results, to, outcomes))


def _print(results: Results, console: Console, outcomes: Sequence[str] | None) -> None:
    prose(console, results.reference.title, BOLD)
    prose(console, about(results), FAINT)
    for table in run_tables(results, outcomes):
        console.print()
        print_table(table, console)
    if found := methods(results):
        console.print()
        prose(console, found, FAINT)
    for note in results.notes:
        prose(console, f"Note: {note}")


def about(results: Results) -> str:
    """Patients, replications, seed and horizon."""
    arm = results.reference
    return ", ".join(
        [
            f"{arm.patients:,} patients",
            *([f"{results.replications:,} replications"] if results.replications > 1 else []),
            f"seed {results.seed}",
            f"horizon {number_format.time(arm.horizon)}",
        ]
    )


def methods(results: Results) -> str:
    """How the intervals are made, in the order of the outcomes."""
    if results.replications > 1:
        return f"95% intervals: Student, over {results.replications:,} replications"
    found = dict.fromkeys(row.method for row in results.estimates if row.method)
    return f"95% intervals over patients: {', '.join(found)}" if found else ""


def answer(results: Results) -> str:
    """The first outcome in a sentence, with its interval; of a few groups each."""
    arm = results.reference
    if not arm.outcomes:
        return "The scenario has no outcomes."
    outcome = arm.outcomes[0]
    rows, row = rows_of(results.estimates, outcome.name), results.headline(outcome.name)
    if row is None:
        return f"{outcome.label}: {outcome.description.text}, in {arm.patients:,} simulated patients."
    when = "" if isnan(row.time_days) else f" at {time_in_prose(row.time_days)}"
    n, counted = total(outcome, rows), outcome.description.counted
    of = f"in {n} simulated patients" if counted == "patients" else f"of {n} {counted}"
    if 1 < len(outcome.groups) <= MOST_GROUPS:
        own = (
            headline(outcome, rows_of(results.estimates, outcome.name, group=one)) for one in outcome.groups
        )
        pairs = zip(outcome.groups, map(_with_interval, own), strict=True)
        values = "; ".join(f"{value} where {outcome.by} is {group_value(group)}" for group, value in pairs)
        return f"{outcome.label}{when}: {values}, {of}."
    median = f"; median {value_cell(rows['median', ''][0]).text}" if rows["median", ""] else ""
    return f"{outcome.label}{when}: {_with_interval(row)}{median}, {of}."


def _with_interval(row: EstimateRow | None) -> str:
    value = value_cell(row)
    return f"{value.text} (95% interval {value.below})" if value.below else value.text


def run_tables(results: Results, outcomes: Sequence[str] | None = None) -> Iterator[Table]:
    """Every table of a run."""
    shown = [one for one in results.reference.outcomes if not outcomes or one.name in outcomes]
    single = [one for one in shown if not one.description.curve and one.kind != "funnel"]
    single = [one for one in single if one.name != BY_YEAR]
    for outcome in shown:
        if outcome.description.curve:
            yield from curve_tables(results, outcome)
    if single:
        yield overview(results, single)
    if any(one.name == BY_YEAR for one in shown) and (years := year_table(results)):
        yield years
    for outcome in shown:
        if outcome.kind == "funnel":
            yield from funnel_tables(results, outcome)
    yield from replication_tables(results, shown)
    yield from resource_tables(results)


# ---------------------------------------------------------------- rows and cells


def rows_of(table: OutcomeTable[AnyRow], outcome: str, arm: str = "", group: str = "") -> Rows[AnyRow]:
    """The rows of an outcome in an arm and a group."""
    found: Rows[AnyRow] = Rows()
    for row in table.where(outcome=outcome, arm=arm, group=group):
        found.setdefault((row.measure, row.part), []).append(row)
    return found


def labelled(outcome: OutcomeFacts, rows: Rows[AnyRow], end: str = "") -> Iterator[tuple[str, AnyRow]]:
    """The numbers of an outcome with their labels: of a curve, or its headline (without label) and parts.

    end: the competing end that a curve is of.
    """
    measure = outcome.description.headline.measure
    if outcome.description.curve:
        yield from ((time_in_prose(row.time_days), row) for row in rows[measure, end])
        for kind, label in (*ALSO.items(), ("restricted_mean", restricted_mean_name(outcome))):
            yield from ((label, row) for row in rows[kind, end])
        return
    for kind, label in (("share" if outcome.kind == "funnel" else measure, ""), *QUANTILES.items()):
        for (found, part), own in rows.items():
            if found == kind:
                yield part or label, own[0]


def counterpart(rows: Rows[EstimateRow], row: EstimateRow | DifferenceRow, part: str | None = None) -> Value:
    """The same number in other rows, at another time where it has none at this; part: of another part."""
    own = rows[row.measure, row.part if part is None else part]
    same = [one for one in own if one.time_days == row.time_days] or own
    return value_cell(same[0] if same else None)


def headline(outcome: OutcomeFacts, rows: Rows[EstimateRow]) -> EstimateRow | None:
    """The number that stands for an outcome, among its rows."""
    measure, part, time = outcome.description.headline
    return next((row for row in rows[measure, part] if time is None or row.time_days == time), None)


def total(outcome: OutcomeFacts, rows: Rows[EstimateRow]) -> str:
    """The number of patients (or waits) that an outcome is about."""
    found = rows["left_out", ""]
    row = found[0] if found else headline(outcome, rows)
    return number_format.count(row.n if row is not None else 0)


def value_cell(row: EstimateRow | None, unit: str | None = None) -> Value:
    """An estimate with its interval; empty where there is no such estimate. unit: None for its own."""
    if row is None:
        return Value("")
    limits, unit = (row.low, row.high), row.unit if unit is None else unit
    text = number_format.amount(row.estimate, unit, limits)
    if row.measure == "median" and not row.is_known and row.n > 0:
        text = "not reached"
    if row.n == 1 and unit in number_format.SHARES and row.estimate in (0.0, 1.0):
        text = f"{row.estimate:g} of 1"  # a share of one patient says no more than the patient
    return Value(text, number_format.interval(limits, row.estimate, unit))


def headline_label(outcome: OutcomeFacts, row: EstimateRow | None) -> str:
    """The label of an outcome, with the time of its headline."""
    when = "" if row is None or isnan(row.time_days) else f" at {time_in_prose(row.time_days)}"
    return f"{outcome.label[:1].upper()}{outcome.label[1:]}{when}"


def count_cell(rows: Sequence[EstimateRow]) -> str:
    """A count of patients; empty where there is none."""
    return number_format.count(rows[0].estimate) if rows else ""


def title_of(outcome: OutcomeFacts) -> str:
    """The name of an outcome, with its label where it has one."""
    return outcome.name if outcome.label == outcome.name else f"{outcome.name}: {outcome.label}"


def restricted_mean_name(outcome: OutcomeFacts) -> str:
    """The name of the restricted mean: where ends compete it is the time to the first of them."""
    competes = outcome.description.headline.measure == "cumulative_incidence"
    return "mean to any end" if competes else "restricted mean"


def notes(outcome: OutcomeFacts, rows: Rows[EstimateRow]) -> Iterator[str]:
    """What to know of an outcome beside its numbers."""
    row = headline(outcome, rows) or next(iter(rows.values()))[0]
    if counts := event_counts(outcome, rows):
        yield counts
    steady = outcome.steady_state_note
    if reason := row.note.removesuffix(steady).removesuffix("; "):
        yield reason if row.has_interval else f"no interval: {reason}"
    if steady:
        yield steady
    for measure, excluded in (
        ("left_out", outcome.description.excluded or "patients"),
        ("replications_left_out", "replications in which no patient qualifies"),
    ):
        if rows[measure, ""] and rows[measure, ""][0].estimate:
            yield f"left out: {count_cell(rows[measure, ''])} {excluded}"
    if outcome.groups_note:
        yield outcome.groups_note
    if meaning := outcome.description.meanings.get(("restricted_mean", "")):
        yield f"{restricted_mean_name(outcome)}: {meaning}"


def event_counts(outcome: OutcomeFacts, rows: Rows[EstimateRow]) -> str:
    """The patients of a time to an event, with and without it; empty for other outcomes."""
    if not (censored := rows["censored", ""]):
        return ""
    events = count_cell(rows["events", ""])
    return f"{total(outcome, rows)} patients, {events} with the event, {count_cell(censored)} censored"


# ---------------------------------------------------------------- curves and funnels


def curve_tables(results: Results, outcome: OutcomeFacts) -> Iterator[Table]:
    """An outcome at several times: for all patients, competing ends beside each other, then for groups."""
    rows, described = rows_of(results.estimates, outcome.name), outcome.description
    ends = [end for measure, end in rows if measure == described.headline.measure]
    said = tuple(notes(outcome, rows))
    if len(ends) > 1:
        columns = numbers("time", *(end or outcome.name for end in ends))
        cells = _side_by_side(outcome, [(rows, end) for end in ends])
    else:
        at_risk = {row.time_days: row.estimate for row in rows["at_risk", ""]}
        columns = numbers("time", "estimate", "95% interval", "at risk" if at_risk else "n")
        cells = [
            (label, *value_cell(row), number_format.count(at_risk.get(row.time_days, row.n)))
            if row.measure == described.headline.measure
            else (label, *value_cell(row), "")
            for label, row in labelled(outcome, rows)
        ]
    yield Table(title_of(outcome), columns, tuple(cells), described.curve, said)
    if outcome.groups:
        each = [rows_of(results.estimates, outcome.name, group=group) for group in outcome.groups]
        cells = _side_by_side(outcome, [(rows, "") for rows in each])
        cells.append(("n", *(total(outcome, rows) for rows in each)))
        yield Table(
            f"{outcome.name} by {outcome.by}",
            numbers("time", *map(group_value, outcome.groups)),
            tuple(cells),
        )


def _side_by_side(outcome: OutcomeFacts, sources: Sequence[tuple[Rows[EstimateRow], str]]) -> list[TableRow]:
    """Curves of an end each in columns, the interval below each estimate."""
    first, end = sources[0]
    cells: list[TableRow] = [
        (label, *(counterpart(rows, row, part) for rows, part in sources))
        for label, row in labelled(outcome, first, end)
    ]
    if first["events", end]:
        cells.append(("events", *(count_cell(rows["events", part]) for rows, part in sources)))
    return cells


def funnel_tables(results: Results, outcome: OutcomeFacts) -> Iterator[Table]:
    """A row for each step: for all patients, then for each group."""
    columns = numbers("step", "patients", "of the step before", "of the first")
    for group in ("", *outcome.groups):
        rows = rows_of(results.estimates, outcome.name, group=group)
        cells = tuple(
            (
                step,
                count_cell(rows["count", step]),
                value_cell(row),
                value_cell(rows["share_of_first", step][0]).text,
            )
            for step, row in labelled(outcome, rows)
        )
        if group:
            yield Table(f"{outcome.name} where {outcome.by} is {group_value(group)}", columns, cells)
        else:
            said = tuple(notes(outcome, rows))
            yield Table(title_of(outcome), columns, cells, outcome.description.text, said)


# ---------------------------------------------------------------- single numbers


def overview(results: Results, outcomes: Sequence[OutcomeFacts], title: str = "") -> Table:
    """Outcomes as one number each, with their parts and groups, or the median of a curve."""
    cells: list[TableRow] = []
    said: dict[str, list[str]] = {}
    for outcome in outcomes:
        rows, is_single = rows_of(results.estimates, outcome.name), outcome.description.curve == ""
        name = Value(title_of(outcome), outcome.description.text)
        cells += _number_rows(outcome, rows, name, "  ")
        for group in outcome.groups if is_single else ():
            of_group = rows_of(results.estimates, outcome.name, group=group)
            cells += _number_rows(outcome, of_group, f"  {group_label(outcome.by, group)}", "    ")
        for note in notes(outcome, rows) if is_single else ():
            said.setdefault(note, []).append(outcome.name)
    lines = tuple(
        note if len(names) == len(outcomes) else f"{', '.join(names)}: {note}" for note, names in said.items()
    )
    return Table(title, numbers("outcome", "estimate", "95% interval", "n"), tuple(cells), notes=lines)


def _number_rows(
    outcome: OutcomeFacts, rows: Rows[EstimateRow], label: Cell, indent: str
) -> Iterator[TableRow]:
    row = headline(outcome, rows)
    yield label, *(value_cell(row) if row else (number_format.NOTHING, "")), total(outcome, rows)
    for part, row in parts(outcome, rows):
        count = (
            "" if row.measure == "median" else count_cell(rows["count", part]) or number_format.count(row.n)
        )
        yield f"{indent}{part}", *value_cell(row), count


def parts(outcome: OutcomeFacts, rows: Rows[EstimateRow]) -> Iterator[tuple[str, EstimateRow]]:
    """What stands below the headline of an outcome: percentiles, categories, or kinds of waits."""
    if outcome.description.curve:
        yield from (("median", row) for row in rows["median", ""])
    elif outcome.kind != "funnel":
        yield from ((part, row) for part, row in labelled(outcome, rows) if row.part)
        for kind in (MEDIAN, PERCENTILE_90):
            yield from ((LENGTHS[kind], row) for row in rows[kind, ""])


def replication_tables(results: Results, outcomes: Sequence[OutcomeFacts]) -> Iterator[Table]:
    """The range of the headline over single replications; the other intervals are of the mean over all."""
    cells: list[TableRow] = []
    for outcome in outcomes:
        rows = rows_of(results.estimates, outcome.name)
        each = [row for kind in SINGLE_REPLICATIONS for row in rows[kind, outcome.description.headline.part]]
        if each:
            when = "" if isnan(each[0].time_days) else f" at {number_format.time(each[0].time_days)}"
            cells.append((f"{outcome.name}{when}", *(value_cell(row).text for row in each)))
    if cells:
        columns = numbers("outcome", "5%", "half of them", "95%")
        yield Table("Single replications: the range of one of them", columns, tuple(cells))


# ---------------------------------------------------------------- resources


def resource_tables(results: Results) -> Iterator[Table]:
    """Use of each resource that can be waited for, its waits and how they ended, and how long it is held."""
    used: list[TableRow] = []
    waits: list[TableRow] = []
    stays: list[TableRow] = []
    for resource in results.reference.resources:
        rows = rows_of(results.estimates, f"resources.{resource.name}")

        def cell(measure: str, part: str = "", rows: Rows[EstimateRow] = rows) -> Value:
            return value_cell(rows[measure, part][0])

        averages = (cell("in_use"), cell("utilisation"), cell("queue"), cell("grants_per_year"))
        used.append((resource.name, *averages))
        days = (cell(f"{kind}_wait").text for kind in LENGTHS)
        waits.append((resource.name, "", *days, count_cell(rows["waits_ended", ""])))
        blank = ("",) * (len(LENGTHS) + 1)
        waits += [(f"  {way}", cell("share_of_waits", way), *blank) for way in resource.ways]
        stays.append((resource.name, *(cell(f"{kind}_stay").text for kind in LENGTHS)))
    if used:
        columns = numbers("resource", "in use", "utilisation", "queue", "granted a year")
        grows = [one.name for one in results.reference.resources if not one.settles]
        said = (f"of the time simulated, not of a long run: {', '.join(grows)}",) if grows else ()
        yield Table("Use of resources, averaged over time", columns, tuple(used), notes=said)
        columns = numbers("resource, and what ended the wait", "share", *LENGTHS.values(), "n")
        yield Table("Waits for resources", columns, tuple(waits))
        columns = numbers("resource", *LENGTHS.values())
        yield Table("How long a patient holds a resource", columns, tuple(stays))


def short_resource_table(results: Results) -> Table | None:
    """A row for each resource that can be waited for: its use, queue and waits; None where there is none."""
    rows: list[TableRow] = []
    for resource in results.reference.resources:
        own = rows_of(results.estimates, f"resources.{resource.name}")
        measures = ("utilisation", "queue", *(f"{kind}_wait" for kind in LENGTHS))
        cells = (value_cell(own[measure, ""][0]).text for measure in measures)
        rows.append((resource.name, *cells))
    heads = ("utilisation", "queue", "mean wait", *list(LENGTHS.values())[1:])
    return Table("", numbers("resource", *heads), tuple(rows)) if rows else None
