"""Time in a stage or a health state, and who is there when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes import labels
from sim.outcomes.endpoints.means import Mean
from sim.outcomes.history.history import Flags, History
from sim.outcomes.intervals import Estimate, Figures, Influence, Path, share
from sim.outcomes.survival.influence import of_ratio
from sim.scenario.language.model import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Occupancy:
    """Who is in a place at each time asked for: there, observed [n_times, n_patients]."""

    facts: Mapping[Path, Any]
    group_rows: Indices
    at: tuple[float, ...]
    there: Flags
    observed: Flags
    interval_kind: str | None = "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        estimates: dict[Path, Estimate] = {}
        counts: dict[Path, int] = {}
        influences: dict[Path, Influence] = {}
        for i, time in enumerate(self.at):
            about = chosen[self.observed[i, chosen]]
            there = int(np.count_nonzero(self.there[i, about]))
            estimates["at", labels.time(time), "estimate"] = share(there, len(about))
            counts["at", labels.time(time), "n"] = len(about)
            if len(about) > 1:
                influences["at", labels.time(time), "estimate"] = partial(self._influence, i, chosen)
        last = labels.time(self.at[-1])
        estimates["estimate",] = estimates["at", last, "estimate"]
        counts["n",] = counts["at", last, "n"]
        counts["left_out",] = len(chosen) - counts["n",]
        if ("at", last, "estimate") in influences:
            influences["estimate",] = influences["at", last, "estimate"]
        return Figures(estimates, counts, influences)

    def _influence(self, time: int, chosen: Indices) -> Floats:
        observed = self.observed[time, chosen].astype(np.float64)
        return of_ratio(observed * self.there[time, chosen], observed)


def _stretches(history: History, outcome: Outcome) -> tuple[NDArray[np.int32], Floats, Floats]:
    """When patients are in the outcome's place: whose, from, until (days)."""
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
    whose, begins, ends = _stretches(history, outcome)
    lengths: Floats = ends - begins
    days = np.bincount(whose, weights=lengths, minlength=history.log.n_patients)
    words = f"mean days in {_place(outcome)} until the end of follow-up"
    return Mean({("unit",): "days", ("estimate_of",): words}, history.starts, days.astype(np.float64))


def occupancy(history: History, outcome: Outcome, at: Sequence[float]) -> Occupancy:
    """The share of patients in a stage or state at each time.

    It is taken of those whose follow-up is not shorter; at its very end a patient is where the
    last spell was.
    """
    whose, begins, ends = _stretches(history, outcome)
    follow_up = history.log.follow_up
    ends = np.where(ends == follow_up[whose], inf, ends)
    there = np.zeros((len(at), history.log.n_patients), bool)
    for i, time in enumerate(at):
        there[i, whose[(begins <= time) & (time < ends)]] = True
    observed = follow_up >= np.array(at)[:, np.newaxis]
    last = at[-1]
    facts: dict[Path, Any] = {
        ("unit",): "share",
        (
            "estimate_of",
        ): f"share of patients in {_place(outcome)} {labels.time_in_prose(last)} after the start",
        ("curve_of",): f"share of patients in {_place(outcome)}",
        ("estimate_days",): last,
        ("left_out_are",): f"patients who cannot be observed for {labels.time_in_prose(last)}",
    }
    for time in at:
        facts["at", labels.time(time), "days"] = time
    return Occupancy(facts, history.starts, tuple(at), there, observed)
