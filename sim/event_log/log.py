"""The event log: what an engine writes and everything downstream reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.pathway.names import DECIDE, GRANTED, LEFT_QUEUE, START, Names

__all__ = [
    "ASKS",
    "DECIDE",
    "ENTERS",
    "FREE_OF",
    "GRANTED",
    "HOLDS",
    "LEAVES",
    "LEFT_QUEUE",
    "START",
    "STAYS",
    "WAITS_FOR",
    "Codes",
    "EventLog",
    "Floats",
    "Indices",
    "Names",
    "ResourceUse",
    "is_waiting",
    "units_held",
]

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.int64]
Codes: TypeAlias = NDArray[np.int16]

STAYS, ENTERS, ASKS, LEAVES = 0, 1, 2, 3
"""What a row does: the patient stays, enters `to`, asks for `to` (its wait begins), or leaves the
queue for `to` without it."""

FREE_OF, WAITS_FOR, HOLDS = 0.0, 1.0, 2.0
"""What a patient has to do with a resource, as a change says it: 2 for each unit held, and 1 for a wait."""


def units_held(changes: Floats) -> Floats:
    """The units of a resource that a patient holds after changes of it."""
    units: Floats = changes // HOLDS
    return units


def is_waiting(changes: Floats) -> NDArray[np.bool_]:
    """Whether a patient waits for a resource after changes of it."""
    waits: NDArray[np.bool_] = changes % HOLDS == WAITS_FOR
    return waits


@dataclass(frozen=True, slots=True)
class EventLog:
    """Every event of every patient, sorted by (replication, patient, sequence); frozen.

    Per patient, shape [n_patients]: replication and patient (numbers from 0), begins (days on the
    common calendar), ends (days since the patient's start: when the last stage was terminal the
    time of entering it, else the end of follow-up or the horizon), follow_up (days since the
    patient's start that could be observed, whether or not a terminal stage came first),
    at_start and at_end [n_patients, n_attributes] (categories as their index, yes/no as 0 and 1;
    at_start before any effect). row_of [n_patients + 1]: patient i has rows row_of[i]:row_of[i+1].
    Per row, shape [n_rows]: time (float64, days since the patient's start, on the grid), event,
    rule, stage_from, stage_to (-1: the patient stays), does (STAYS, ENTERS, ASKS, LEAVES).
    The first row of each patient is `start`, time 0, ENTERS or ASKS the first stage.
    Changes: what is new after the row, change_of [n_rows + 1] like row_of; change_what is an
    attribute's index, n_attributes + a stamp's, or n_attributes + n_stamps + a resource's;
    change_value the new value (a stamp: its time; a resource: see HOLDS; until
    the end of follow-up at the latest). Effects on entering a stage belong to the row that enters it.
    """

    names: Names
    replication: NDArray[np.int32]
    patient: NDArray[np.int32]
    begins: Floats
    ends: Floats
    follow_up: Floats
    at_start: Floats
    at_end: Floats
    row_of: Indices
    time: Floats
    event: Codes
    rule: Codes
    stage_from: Codes
    stage_to: Codes
    does: NDArray[np.int8]
    change_of: Indices
    change_what: Codes
    change_value: Floats

    @property
    def n_patients(self) -> int:
        """The number of patients."""
        return len(self.patient)

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return len(self.time)

    def patient_of_row(self) -> Indices:
        """The index (not the number) of each row's patient, shape [n_rows]."""
        return np.repeat(np.arange(self.n_patients), np.diff(self.row_of))


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """Every change in the use of a resource that can be waited for, sorted by (replication, time).

    Shape [n_changes]: replication, time (days on the common calendar), resource (index into
    Names.resources), in_use, queue, capacity after the change; one row for each at time 0.
    """

    replication: NDArray[np.int32]
    time: Floats
    resource: Codes
    in_use: NDArray[np.int32]
    queue: NDArray[np.int32]
    capacity: NDArray[np.int32]
