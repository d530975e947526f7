"""The rows that the law writes, as they are written."""

from __future__ import annotations

from typing import NamedTuple

from sim.event_log.log import STAYS
from sim.numerics.compilation import compiled, inlined
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables


class LogBuffer(NamedTuple):
    """Rows as they are written.

    rows: int64 [n, 8], see ROW_*; row 0 counts the rows and changes written, itself included.
    changes: float64 [n, 2], what changed (an attribute's index, n_attributes + a stamp's, or
    n_attributes + n_stamps + a resource's) and to which value.
    """

    rows: Ints
    changes: Floats


ROW_TIME = 0  # in points of the grid
ROW_EVENT = 1
ROW_RULE = 2
ROW_FROM = 3
ROW_TO = 4
ROW_DOES = 5
ROW_CHANGE = 6  # its first change
ROW_PATIENT = 7
ROW_WIDTH = 8
COUNT_ROWS, COUNT_CHANGES = 0, 1  # in row 0
GRID = 2.0**20


@inlined
def open_row(k: Ints, L: LogBuffer, time: float, event: int, stage_from: int) -> None:
    """Begin a row; what changes from now on belongs to it."""
    n = L.rows[0, COUNT_ROWS]
    if n >= len(L.rows):
        k[at.STATUS] = at.LOG_FULL
        return
    L.rows[n, ROW_TIME] = int(time * GRID)
    L.rows[n, ROW_EVENT] = event
    L.rows[n, ROW_RULE] = at.NONE
    L.rows[n, ROW_FROM] = stage_from
    L.rows[n, ROW_TO] = at.NONE
    L.rows[n, ROW_DOES] = STAYS
    L.rows[n, ROW_CHANGE] = L.rows[0, COUNT_CHANGES]
    L.rows[n, ROW_PATIENT] = k[at.NUMBER_]
    L.rows[0, COUNT_ROWS] = n + 1


@inlined
def close_row(k: Ints, L: LogBuffer, rule: int, stage_to: int, does: int) -> None:
    """Say in the latest row what it did, and by which rule."""
    if k[at.STATUS] == at.LOG_FULL:
        return
    n = L.rows[0, COUNT_ROWS] - 1
    L.rows[n, ROW_RULE] = rule
    L.rows[n, ROW_TO] = stage_to
    L.rows[n, ROW_DOES] = does


@inlined
def write_change(k: Ints, L: LogBuffer, what: int, value: float) -> None:
    """Note that an attribute or a stamp has a new value."""
    n = L.rows[0, COUNT_CHANGES]
    if n >= len(L.changes):
        k[at.STATUS] = at.LOG_FULL
        return
    L.changes[n, 0] = float(what)
    L.changes[n, 1] = value
    L.rows[0, COUNT_CHANGES] = n + 1


@compiled
def note_resources(T: Tables, k: Ints, L: LogBuffer, which: int, value: float) -> None:
    """Write for each of these resources (a bit each) whether the patient waits for it or holds it."""
    P = T.program
    first = P[0, at.HEAD_N_ATTRIBUTES] + P[0, at.HEAD_N_STAMPS]
    for resource in range(P[at.MORE, at.MORE_N_RESOURCES]):
        if (which >> resource) & 1:
            write_change(k, L, first + resource, value)
