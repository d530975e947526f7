"""The rows that the kernel writes, and the event log made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.engine.arrivals import Cohort
from sim.event_log.log import START, STAYS, EventLog
from sim.numerics.compilation import compiled, inlined
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables
from sim.pathway.names import Names


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
def note_resources(T: Tables, k: Ints, L: LogBuffer, which: int, waits: int) -> None:
    """Write for each resource of these units how many are held; waits: 1 where the patient waits for more."""
    P = T.program
    first = P[0, at.HEAD_N_ATTRIBUTES] + P[0, at.HEAD_N_STAMPS]
    for resource in range(P[at.MORE, at.MORE_N_RESOURCES]):
        bits = P[P[at.MORE, at.MORE_RESOURCES] + resource, at.RESOURCE_BITS]
        if which & bits:
            held, units = k[at.HELD] & bits, 0
            while held:
                held &= held - 1
                units += 1
            write_change(k, L, first + resource, float(2 * units + waits))


def new_buffer(*, rows: int, changes: int) -> LogBuffer:
    """An empty buffer with room for so many rows and changes."""
    table = np.empty((rows, ROW_WIDTH), dtype=np.int64)
    table[0, COUNT_ROWS], table[0, COUNT_CHANGES] = 1, 0
    return LogBuffer(table, np.empty((changes, 2)))


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Rows in the order they were written.

    row: int16 [n, 5] event, rule, from, to, does; patient: int64 [n], the number; n_changes: int64 [n];
    what, value: each change.
    """

    time: Floats
    row: NDArray[np.int16]
    patient: NDArray[np.int32]
    n_changes: NDArray[np.int32]
    what: NDArray[np.int16]
    value: Floats

    @classmethod
    def of(cls, buffer: LogBuffer) -> LogChunk:
        """A copy of what a buffer holds."""
        n, changes = buffer.rows[0, COUNT_ROWS], buffer.rows[0, COUNT_CHANGES]
        rows = buffer.rows[1:n]
        return cls(
            rows[:, ROW_TIME] / GRID,
            rows[:, ROW_EVENT : ROW_DOES + 1].astype(np.int16),
            rows[:, ROW_PATIENT].astype(np.int32),
            np.diff(rows[:, ROW_CHANGE], append=changes).astype(np.int32),
            buffer.changes[:changes, 0].astype(np.int16),
            buffer.changes[:changes, 1].copy(),
        )

    @classmethod
    def joined(cls, chunks: Sequence[LogChunk]) -> LogChunk:
        """The chunks, one after the other."""
        if len(chunks) == 1:
            return chunks[0]
        return cls(
            np.concatenate([p.time for p in chunks]),
            np.concatenate([p.row for p in chunks]),
            np.concatenate([p.patient for p in chunks]),
            np.concatenate([p.n_changes for p in chunks]),
            np.concatenate([p.what for p in chunks]),
            np.concatenate([p.value for p in chunks]),
        )

    def by_patient(self) -> LogChunk:
        """The same rows sorted by patient, each patient's in the order written."""
        order = np.argsort(self.patient, kind="stable")
        n_changes = self.n_changes[order]
        starts = np.cumsum(self.n_changes, dtype=np.int64) - self.n_changes
        ends = np.cumsum(n_changes, dtype=np.int64)
        total = int(ends[-1]) if len(ends) else 0
        changes = np.repeat(starts[order] - (ends - n_changes), n_changes) + np.arange(total)
        return LogChunk(
            self.time[order],
            self.row[order],
            self.patient[order],
            n_changes,
            self.what[changes],
            self.value[changes],
        )


@dataclass(frozen=True, slots=True)
class SimulatedPatients:
    """A run of patients and their outcome; chunk is sorted by patient.

    at_start, at_end: float64 [n_patients, n_attributes]; ends: float64 [n_patients], days.
    """

    chunk: LogChunk
    at_start: Floats
    at_end: Floats
    ends: Floats


def event_log(names: Names, cohort: Cohort, batches: Sequence[SimulatedPatients]) -> EventLog:
    """The event log of a cohort from its runs of patients, in order; its arrays are frozen."""
    chunk = LogChunk.joined([batch.chunk for batch in batches])
    row = chunk.row
    log = EventLog(
        names=names,
        replication=cohort.replication,
        patient=cohort.number,
        begins=cohort.begins,
        ends=np.concatenate([batch.ends for batch in batches]),
        follow_up=cohort.follow_up,
        at_start=np.concatenate([batch.at_start for batch in batches]),
        at_end=np.concatenate([batch.at_end for batch in batches]),
        row_of=np.append(np.flatnonzero(row[:, 0] == START), len(row)),
        time=chunk.time,
        event=np.ascontiguousarray(row[:, 0]),
        rule=np.ascontiguousarray(row[:, 1]),
        stage_from=np.ascontiguousarray(row[:, 2]),
        stage_to=np.ascontiguousarray(row[:, 3]),
        does=row[:, 4].astype(np.int8),
        change_of=np.concatenate([[0], np.cumsum(chunk.n_changes, dtype=np.int64)]).astype(np.int64),
        change_what=chunk.what,
        change_value=chunk.value,
    )
    for name in EventLog.__slots__:
        column = getattr(log, name)
        if isinstance(column, np.ndarray):
            column.setflags(write=False)
    return log
