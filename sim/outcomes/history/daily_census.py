"""The census of every stage on any day of the calendar, in one replication."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.event_log.log import ASKS, ENTERS, Floats, Indices
from sim.outcomes.history.history import Flags, History

GONE = -1
"""The place of patients no longer followed."""


@dataclass(frozen=True, slots=True, eq=False)
class DailyCensus:
    """Every move of every patient of a replication.

    stages: names. patient [n_patients]: numbers. Moves of patient i stand in
    move_of[i]:move_of[i + 1]: day (on the common calendar, increasing) and place from then on: a
    stage's code, that code plus the number of stages while the patient waits for it, or GONE.
    Of several moves at one moment the last counts. Before the first move the patient has not started.
    """

    stages: tuple[str, ...]
    patient: Indices
    move_of: Indices
    day: Floats
    place: Indices


def daily_census(history: History, replication: int = 0) -> DailyCensus:
    """The moves of one replication; decisions, which take no time, are no places."""
    log = history.log
    n_stages = len(log.names.stages)
    index = np.flatnonzero(log.replication == replication)
    enters = (log.does == ENTERS) & ~history.is_decision[np.maximum(log.stage_to, 0)]
    rows = np.flatnonzero(enters | (log.does == ASKS))
    rows = rows[log.replication[history.patients(rows)] == replication]
    patient = history.patients(rows).astype(np.int64)
    place = log.stage_to[rows].astype(np.int64) + n_stages * (log.does[rows] == ASKS)
    day = log.begins[patient] + log.time[rows]
    open_ended = index[~_is_over(history)[index]]
    patient = np.concatenate([patient, open_ended])
    day = np.concatenate([day, log.begins[open_ended] + log.ends[open_ended]])
    place = np.concatenate([place, np.full(len(open_ended), GONE)])
    order = np.lexsort((np.arange(len(patient)), day, patient))
    patient, day, place = patient[order], day[order], place[order]
    is_last = np.append((patient[1:] != patient[:-1]) | (day[1:] != day[:-1]), True)[: len(patient)]
    patient, day, place = patient[is_last], day[is_last], place[is_last]
    move_of = np.searchsorted(patient, np.append(index, log.n_patients))
    return DailyCensus(log.names.stages, log.patient[index].astype(np.int64), move_of, day, place)


def _is_over(history: History) -> Flags:
    """Patients whose last row enters a terminal stage, shape [n_patients]."""
    log = history.log
    terminal = {stage.name for stage in history.scenario.stages if stage.terminal}
    is_terminal = np.array([name in terminal for name in log.names.stages])
    last = log.row_of[1:] - 1
    over: Flags = (log.does[last] == ENTERS) & is_terminal[log.stage_to[last]]
    return over


def census_on(of: DailyCensus, day: float) -> Indices:
    """The patients in each place on a day, shape [2 * n_stages]: in stages, then waiting for them.

    A move at this very moment is included.
    """
    n = len(of.stages)
    moved = of.day <= day
    after = np.concatenate([[0], np.cumsum(moved)])[of.move_of]
    made = np.diff(after)
    last = of.move_of[:-1] + made - 1
    place = of.place[last[made > 0]]
    return np.bincount(place[place != GONE], minlength=2 * n)
