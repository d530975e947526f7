"""From the rows the law writes to the event log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.engine.arrivals import Cohort
from sim.engine.event_log import START, EventLog, Floats, Indices
from sim.engine.law import LogBuffer
from sim.pathway.names import Names


def new_buffer(*, rows: int, changes: int) -> LogBuffer:
    """An empty buffer with room for so many rows and changes."""
    return LogBuffer(
        np.empty(rows),
        np.empty((rows, 5), dtype=np.int16),
        np.empty((rows, 2), dtype=np.int64),
        np.empty(changes, dtype=np.int16),
        np.empty(changes),
        np.zeros(2, dtype=np.int64),
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows in the order they were written.

    row: int16 [n, 5] as in LogBuffer; patient: int64 [n], the number; n_changes: int64 [n].
    """

    time: Floats
    row: NDArray[np.int16]
    patient: Indices
    n_changes: Indices
    what: NDArray[np.int16]
    value: Floats

    @classmethod
    def of(cls, buffer: LogBuffer) -> Piece:
        """A copy of what a buffer holds."""
        n, changes = int(buffer.cursor[0]), int(buffer.cursor[1])
        return cls(
            buffer.time[:n].copy(),
            buffer.row[:n].copy(),
            buffer.of[:n, 1].copy(),
            np.diff(buffer.of[:n, 0], append=changes),
            buffer.what[:changes].copy(),
            buffer.value[:changes].copy(),
        )

    @classmethod
    def joined(cls, pieces: Sequence[Piece]) -> Piece:
        """One piece after the other."""
        if len(pieces) == 1:
            return pieces[0]
        return cls(
            np.concatenate([p.time for p in pieces]),
            np.concatenate([p.row for p in pieces]),
            np.concatenate([p.patient for p in pieces]),
            np.concatenate([p.n_changes for p in pieces]),
            np.concatenate([p.what for p in pieces]),
            np.concatenate([p.value for p in pieces]),
        )

    def by_patient(self) -> Piece:
        """The same rows sorted by patient, each patient's in the order written."""
        order = np.argsort(self.patient, kind="stable")
        n_changes = self.n_changes[order]
        starts = np.cumsum(self.n_changes) - self.n_changes
        ends = np.cumsum(n_changes)
        total = int(ends[-1]) if len(ends) else 0
        changes = np.repeat(starts[order] - (ends - n_changes), n_changes) + np.arange(total)
        return Piece(
            self.time[order],
            self.row[order],
            self.patient[order],
            n_changes,
            self.what[changes],
            self.value[changes],
        )


@dataclass(frozen=True, slots=True)
class Lives:
    """A run of patients and what became of them; piece is sorted by patient.

    at_start, at_end: float64 [n_patients, n_attributes]; ends: float64 [n_patients], days.
    """

    piece: Piece
    at_start: Floats
    at_end: Floats
    ends: Floats


def event_log(names: Names, cohort: Cohort, lives: Sequence[Lives]) -> EventLog:
    """The event log of a cohort from its runs of patients, in order; its arrays are frozen."""
    piece = Piece.joined([one.piece for one in lives])
    row = piece.row
    log = EventLog(
        names=names,
        replication=cohort.replication,
        patient=cohort.number,
        begins=cohort.begins,
        ends=np.concatenate([one.ends for one in lives]),
        follow_up=cohort.follow_up,
        at_start=np.concatenate([one.at_start for one in lives]),
        at_end=np.concatenate([one.at_end for one in lives]),
        row_of=np.append(np.flatnonzero(row[:, 0] == START), len(row)),
        time=piece.time,
        event=np.ascontiguousarray(row[:, 0]),
        rule=np.ascontiguousarray(row[:, 1]),
        stage_from=np.ascontiguousarray(row[:, 2]),
        stage_to=np.ascontiguousarray(row[:, 3]),
        does=row[:, 4].astype(np.int8),
        change_of=np.concatenate([[0], np.cumsum(piece.n_changes)]).astype(np.int64),
        change_what=piece.what,
        change_value=piece.value,
    )
    for name in EventLog.__slots__:
        column = getattr(log, name)
        if isinstance(column, np.ndarray):
            column.setflags(write=False)
    return log
