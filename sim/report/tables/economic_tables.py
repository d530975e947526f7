"""Costs and QALYs as tables: the incremental analysis, and the cost of each year."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isinf
from typing import TypeAlias

from sim.outcomes.estimates import IncrementalRow
from sim.outcomes.results import Results
from sim.report.tables import number_format
from sim.report.tables.model import Row, Table, Value, numbers
from sim.units import DAYS_IN

Label: TypeAlias = "Callable[[str], str]"
"""The label of the arm of a name."""

COST, QALY, BY_YEAR, CAPACITY_COST = "cost", "qaly", "cost_by_year", "capacity_cost"
FIRST_YEARS = 10
"""Years that have a row of their own."""


def incremental_tables(results: Results) -> Iterator[Table]:
    """Each arm against the reference and, with three arms or more, the full analysis; none without costs."""
    rows = list(results.incremental)
    if not rows:
        return
    currency = rows[0].currency
    for analysis, title in (
        ("reference", f"Incremental analysis against {results.reference.label}"),
        ("frontier", "Full incremental analysis, by increasing cost"),
    ):
        own = [row for row in rows if row.analysis == analysis]
        if own:
            heads = ("cost", "QALYs", "incremental cost", "incremental QALYs", "cost per QALY")
            yield Table(
                title,
                numbers("arm", *heads),
                tuple(_incremental_row(row, results.label) for row in own),
                f"means per patient, discounted; costs in {currency}; 95% intervals, of the cost per QALY "
                "Fieller's confidence set",
                tuple(_notes(own, results.label)),
            )


def _incremental_row(row: IncrementalRow, label: Label) -> Row:
    against = (
        f"against {label(row.compared_with)}: " if row.analysis == "frontier" and row.compared_with else ""
    )
    return (
        Value(label(row.arm), f"{against}{row.status}"),
        number_format.plain(row.cost),
        number_format.plain(row.qaly),
        _change(row.incremental_cost, row.cost_error),
        _change(row.incremental_qaly, row.qaly_error),
        _ratio(row),
    )


def _change(value: float, error: float) -> Value:
    if value != value:
        return Value(number_format.NOTHING)
    return Value(
        number_format.change(value, ""), f"SE {number_format.plain(error)}" if error == error else ""
    )


def _ratio(row: IncrementalRow) -> Value:
    """The cost per QALY with its confidence set; none where an arm dominates."""
    if row.icer != row.icer or row.status in ("dominant", "dominated"):
        return Value(number_format.NOTHING, _set(row) if row.icer == row.icer else "")
    return Value(number_format.plain(row.icer), _set(row))


def ratio_cells(results: Results) -> dict[str, Value]:
    """The cost per QALY by arm, or that it is dominated; of three arms or more on the frontier."""
    analysis = "frontier" if len(results.arms) > 2 else "reference"
    found = {}
    for row in results.incremental:
        if row.analysis == analysis and row.status != "reference":
            is_ratio = row.icer == row.icer and "domina" not in row.status
            text = number_format.plain(row.icer) if is_ratio else row.status
            has_errors = row.cost_error == row.cost_error and row.qaly_error == row.qaly_error
            compares = row.incremental_cost == row.incremental_cost
            below = "no interval" if compares and not has_errors else _set(row) if is_ratio else ""
            found[row.arm] = Value(text, below)
    return found


def _set(row: IncrementalRow) -> str:
    low, high = (number_format.plain(limit) for limit in (row.low, row.high))
    if row.confidence_set == "interval":
        return f"{low} to {high}"
    if row.confidence_set == "two rays":
        ends = [] if isinf(row.low) else [f"up to {low}"]
        return ", or ".join([*ends, *([] if isinf(row.high) else [f"from {high}"])])
    return "any ratio" if row.confidence_set == "everything" else ""


def _notes(rows: Sequence[IncrementalRow], label: Label) -> Iterator[str]:
    yield from (f"{label(row.arm)}: {row.note}" for row in rows if row.note)
    threshold = rows[0].threshold
    known = [row for row in rows if row.net_benefit == row.net_benefit]
    if threshold == threshold and known:
        found = (f"{label(row.arm)} {number_format.change(row.net_benefit, '')}" for row in known)
        yield f"incremental net benefit at {threshold:,.10g} per QALY: {', '.join(found)}"


def year_table(results: Results) -> Table | None:
    """The undiscounted cost of each year since the start in each arm; None without costs."""
    names = ["" if len(results.arms) == 1 else arm.name for arm in results.arms]
    columns = [
        [row.estimate for row in results.estimates.where(outcome=BY_YEAR, arm=name, measure="undiscounted")]
        for name in names
    ]
    if not all(columns):
        return None
    rows: list[Row] = [
        (str(year + 1), *(number_format.plain(column[year]) for column in columns))
        for year in range(min(FIRST_YEARS, len(columns[0])))
    ]
    if len(columns[0]) > FIRST_YEARS:
        rows.append(("later", *(number_format.plain(sum(column[FIRST_YEARS:])) for column in columns)))
    return Table(
        "Cost of each year since the start",
        numbers("year", *(results.label(name) if name else "cost" for name in names)),
        tuple(rows),
        "mean per patient, not discounted; the dead are counted too",
    )


def cumulative_cost(results: Results, arm: str) -> tuple[list[float], list[float]]:
    """Years since the start, and the undiscounted cost per patient up to each."""
    rows = list(results.estimates.where(outcome=BY_YEAR, arm=arm, measure="undiscounted"))
    total, found = 0.0, [0.0]
    for row in rows:
        total += row.estimate
        found.append(total)
    return [0.0, *(row.time_days / DAYS_IN["year"] for row in rows)], found
