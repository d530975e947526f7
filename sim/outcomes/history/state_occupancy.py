"""State occupancy: the share of patients in each stage or health state over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.history.history import NEVER, Flags, History

WAITING = "(waiting)"
"""The place of patients who wait for a stage."""


@dataclass(frozen=True, slots=True, eq=False)
class StateOccupancy:
    """The occupancy of each place, among the patients observed for so long.

    time [n_times]: days since the patient's start. names: of the stages or states, and WAITING where patients
    wait. share [n_names, n_times]: nan where no patient is observed; a patient in no health state is in
    none of them. observed [n_times]: the number of patients.
    """

    time: Floats
    names: tuple[str, ...]
    share: Floats
    observed: Indices


def state_occupancy(history: History, about: Indices, time: Floats, *, of: str = "state") -> StateOccupancy:
    """The shares of patients `about` in every stage or state at each time, increasing from 0.

    of: "stage", where a waiting patient is in WAITING, not in the stage left, or "state". As for an
    `occupancy` outcome the share is among patients with follow-up until then; at its very end a patient is in
    the last spell.
    """
    log = history.log
    spells = history.stage_spells if of == "stage" else history.state_spells
    names = log.names.stages if of == "stage" else log.names.states
    is_about = np.zeros(log.n_patients, bool)
    is_about[about] = True
    gone = np.searchsorted(time, log.follow_up[about], side="right")
    observed = len(about) - np.cumsum(np.bincount(gone, minlength=len(time) + 1))[: len(time)]
    there = np.zeros((len(names), len(time)))
    for code in range(len(names)):
        there[code] = _present(time, is_about, *history.stretches(spells, code))
    if of == "stage" and len(waits := history.waits.asked):
        ended = history.waits.ended
        waiting = log.follow_up[history.patients(waits)].copy()
        waiting[ended != NEVER] = log.time[ended[ended != NEVER]]
        left = history.stage_spells.code[history.latest(history.stage_spells.row, waits)]
        everyone = np.zeros(len(time))
        for code in range(len(names)):
            here = left == code
            stretches = (history.patients(waits), log.time[waits], waiting, ended == NEVER)
            present = _present(time, is_about, *(column[here] for column in stretches))
            there[code] -= present
            everyone += present
        names, there = (*names, WAITING), np.vstack([there, everyone])
    share = np.divide(there, observed, out=np.full_like(there, np.nan), where=observed > 0)
    return StateOccupancy(time, names, share, observed)


def _present(
    time: Floats,
    is_about: Flags,
    patient: NDArray[np.integer],
    begins: Floats,
    ends: Floats,
    is_last: Flags,
) -> Floats:
    """How many of these stretches include each time; the last of a patient includes its end."""
    mask = is_about[patient]
    begins, ends, is_last = begins[mask], ends[mask], is_last[mask]
    leaves = np.searchsorted(time, ends, side="left")
    leaves[is_last] = np.searchsorted(time, ends[is_last], side="right")
    comes = np.bincount(np.searchsorted(time, begins, side="left"), minlength=len(time) + 1)
    present: Floats = np.cumsum(comes - np.bincount(leaves, minlength=len(time) + 1))[: len(time)]
    return present
