"""Time in a stage or a health state, and the patients there at each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.endpoints.means import LEFT_OUT, MEAN, Mean
from sim.outcomes.history.history import Flags, History
from sim.outcomes.results import Description, Estimate, Figures, Influence, Key, share, time_in_prose
from sim.outcomes.survival.estimators import of_ratio
from sim.scenario.language.model import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Occupancy:
    """The patients in a place at each time: there, observed [n_times, n_patients]."""

    description: Description
    group_rows: Indices
    at: tuple[float, ...]
    there: Flags
    observed: Flags
    method: str | None = "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        """The numbers of the outcome for these patients (indices, increasing)."""
        estimates: dict[Key, Estimate] = {}
        influences: dict[Key, Influence] = {}
        n = 0
        for i, time in enumerate(self.at):
            observed = chosen[self.observed[i, chosen]]
            n = len(observed)
            estimates[Key("share", "", time)] = share(int(np.count_nonzero(self.there[i, observed])), n)
            if n > 1:
                influences[Key("share", "", time)] = partial(self._influence, i, chosen)
        return Figures(n, estimates, {LEFT_OUT: len(chosen) - n}, influences)

    def _influence(self, time: int, chosen: Indices) -> Floats:
        observed = self.observed[time, chosen].astype(np.float64)
        return of_ratio(observed * self.there[time, chosen], observed)


def _stretches(history: History, outcome: Outcome) -> tuple[NDArray[np.int32], Floats, Floats]:
    """When patients are in the outcome's place: patient, from, until (days)."""
    assert outcome.place is not None
    kind, name = outcome.place
    names = history.log.names
    spells = history.stage_spells if kind == "stage" else history.state_spells
    code = (names.stages if kind == "stage" else names.states).index(name)
    return history.stretches(spells, code)


def _place(outcome: Outcome) -> str:
    assert outcome.place is not None
    kind, name = outcome.place
    return f"the {kind} {name}"


def time_in(history: History, outcome: Outcome) -> Mean:
    """Days in a stage or state until the end of follow-up; a wait counts to the stage left."""
    patient, begins, ends = _stretches(history, outcome)
    lengths: Floats = ends - begins
    days = np.bincount(patient, weights=lengths, minlength=history.log.n_patients)
    text = f"mean days in {_place(outcome)} until the end of follow-up"
    return Mean(Description(MEAN, "days", text), history.starts, days.astype(np.float64))


def occupancy(history: History, outcome: Outcome, at: Sequence[float]) -> Occupancy:
    """The share of patients in a stage or state at each time.

    The share is among patients whose follow-up is not shorter; at its very end a patient is where the
    last spell was.
    """
    patient, begins, ends = _stretches(history, outcome)
    follow_up = history.log.follow_up
    ends = np.where(ends == follow_up[patient], inf, ends)
    there = np.zeros((len(at), history.log.n_patients), bool)
    for i, time in enumerate(at):
        there[i, patient[(begins <= time) & (time < ends)]] = True
    observed = follow_up >= np.array(at)[:, np.newaxis]
    last = at[-1]
    when, share_of = time_in_prose(last), f"share of patients in {_place(outcome)}"
    described = Description(
        Key("share", "", last),
        "share",
        f"{share_of} {when} after the start",
        curve=share_of,
        excluded=f"patients who cannot be observed for {when}",
    )
    return Occupancy(described, history.starts, tuple(at), there, observed)
