"""The first screen of a page: a table of the arms with the headline, and its curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sim.outcomes.results import Results
from sim.report.page.arms import PageArm, shared_outcomes
from sim.report.page.document import Item
from sim.report.page.pictures import curve_picture
from sim.report.tables.comparison_table import compared_outcomes
from sim.report.tables.economic_tables import BY_YEAR
from sim.report.tables.headline_table import comparison_table, run_table
from sim.report.tables.model import Cell, Row, Table, Value, lines_of

MOST_ROWS = 5
"""Rows of a single run that leave room for the curve on a phone."""


def headline_items(results: Results, arms: Sequence[PageArm]) -> tuple[Item, ...]:
    """The table that the command prints, and the first outcome over time where there is one."""
    if len(arms) == 1:
        table = run_table(results, [one for one in results.reference.outcomes if one.name != BY_YEAR])
        notes = ("The other outcomes are below.",) if len(table.rows) > MOST_ROWS or table.notes else ()
        table = replace(table, rows=table.rows[:MOST_ROWS], notes=notes)
    else:
        outcomes = [one for one in compared_outcomes(results) if one.name != BY_YEAR]
        table = comparison_table(results, outcomes, chosen=False)
        rows = tuple(tuple(map(_in_two_lines, row)) for row in table.rows if not _is_further_time(row))
        below = f"Below: difference from {results.reference.label} (95% interval, simulation only)"
        table = Table("", table.columns, rows, below)
    curves = [outcome for outcome in shared_outcomes(arms) if outcome.kind == "time_to_event"][:1]
    tables = [table] if table.rows else []
    return (*tables, *(curve_picture(results, arms, outcome) for outcome in curves))


def _is_further_time(row: Row) -> bool:
    """Whether a row has an arm at a further time; the curve beside the table shows these."""
    return lines_of(row[0])[0].startswith("  at ")


def _in_two_lines(cell: Cell) -> Cell:
    """A number with the difference and its interval in one line below it; the name of an arm alone."""
    first, *below = lines_of(cell) or [""]
    if isinstance(cell, str):
        return first
    return Value(first, f"{below[0]} ({below[1]})" if len(below) == 2 else "".join(below))
