"""The first screen of a page: a table of the arms with the headline, and its curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sim.outcomes.results import Results
from sim.report.page.arms import PageArm, shared_outcomes
from sim.report.page.document import Item
from sim.report.page.pictures import curve_picture
from sim.report.tables.certainty_table import with_certainty
from sim.report.tables.comparison_table import compared_outcomes
from sim.report.tables.economic_tables import BY_YEAR
from sim.report.tables.headline_table import DIFFERENCES, comparison_table, run_table
from sim.report.tables.model import Cell, Table, Value, lines_of

MOST_ROWS = 5
"""Rows of a single run that leave room for the curve on a phone."""


def headline_items(results: Results, arms: Sequence[PageArm]) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """The table that the command prints, the first outcome over time where there is one, and notes.

    The curve has the further times of the table; notes are for below it, so that it is on the first screen.
    """
    below: tuple[str, ...] = ()
    if len(arms) == 1:
        table = run_table(results, [one for one in results.reference.outcomes if one.name != BY_YEAR])
        notes = ("The other outcomes are below.",) if len(table.rows) > MOST_ROWS or table.notes else ()
        table = replace(table, rows=table.rows[:MOST_ROWS], notes=notes)
    else:
        outcomes = [one for one in compared_outcomes(results) if one.name != BY_YEAR]
        table = comparison_table(results, outcomes, chosen=False, at_all_times=False)
        below = tuple(note for note in table.notes if note != DIFFERENCES)
        meaning = f"Below: difference from {results.reference.label} (95% interval, simulation only)"
        rows = tuple(tuple(map(_in_two_lines, row)) for row in table.rows)
        table = with_certainty(results, Table("", table.columns, rows, meaning))
    curves = [outcome for outcome in shared_outcomes(arms) if outcome.kind == "time_to_event"][:1]
    tables = [table] if table.rows else []
    return (*tables, *(curve_picture(results, arms, outcome) for outcome in curves)), below


def _in_two_lines(cell: Cell) -> Cell:
    """A number with the difference and its interval in one line below it; the name of an arm alone."""
    first, *below = lines_of(cell) or [""]
    if isinstance(cell, str):
        return first
    return Value(first, f"{below[0]} ({below[1]})" if len(below) == 2 else "".join(below))
