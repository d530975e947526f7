"""Attrition by intention to treat: patients lost between the steps of a funnel, their end, and when."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import ENTERS, Indices
from sim.outcomes.history.history import NEVER, History, rows
from sim.scenario.language.model import Outcome


@dataclass(frozen=True, slots=True)
class Loss:
    """Patients who had a step (and all before it) but not the next one.

    end: their terminal stage; "" for patients still followed when observation ends. last: the stage
    that took time before that, "" where there was none. days: median from
    the first time of the step to that end.
    """

    end: str
    last: str
    patients: int
    days: float


def attrition(history: History, outcome: Outcome, about: Indices) -> tuple[tuple[Loss, ...], ...]:
    """The losses after each step of a funnel but the last, largest first."""
    log = history.log
    firsts = [history.first_of_each(rows(history, what)) for what in outcome.sequence]
    end, last = _ends(history)
    found = []
    left = about
    for step, following in pairwise(firsts):
        left = left[step[left] != NEVER]
        lost = left[following[left] == NEVER]
        days = log.ends[lost] - log.time[step[lost]]
        found.append(tuple(_by_reason(history, end[lost], last[lost], days)))
    return tuple(found)


def _by_reason(
    history: History, end: NDArray[np.int16], last: NDArray[np.int16], days: NDArray[np.float64]
) -> list[Loss]:
    names = history.log.names.stages
    pairs, which, counts = np.unique(
        np.stack([end, last], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    found = [
        Loss(
            names[ending] if ending >= 0 else "",
            names[before] if before >= 0 else "",
            int(counts[i]),
            float(np.median(days[which == i])),
        )
        for i, (ending, before) in enumerate(pairs.tolist())
    ]
    return sorted(found, key=lambda loss: -loss.patients)


def _ends(history: History) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """The terminal stage of each patient (-1: none), and the last stage that took time."""
    log = history.log
    terminal = {stage.name for stage in history.scenario.stages if stage.terminal}
    is_terminal = np.array([name in terminal for name in log.names.stages])
    row = log.row_of[1:] - 1
    ended = (log.does[row] == ENTERS) & is_terminal[log.stage_to[row]]
    end = np.where(ended, log.stage_to[row], np.int16(-1))
    before = np.where(ended, row - 1, row)
    spells = history.stage_spells
    position = np.searchsorted(spells.row, before, side="right") - 1
    known = (position >= 0) & (spells.row[position] >= history.starts)
    return end.astype(np.int16), np.where(known, spells.code[position], np.int16(-1))
