"""Several happenings of one patient: how far they come, and in what order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import numpy as np

from sim.event_log.log import Floats, Indices
from sim.outcomes import labels
from sim.outcomes.endpoints.proportions import Proportion
from sim.outcomes.history.event_selection import rows
from sim.outcomes.history.history import NEVER, Flags, History
from sim.outcomes.intervals import Estimate, Figures, Influence, Path, share
from sim.outcomes.survival.influence import of_ratio
from sim.scenario.language.model import EventSelector, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """Who had each step and every one before it, shape [n_steps, n_patients]."""

    facts: Mapping[Path, Any]
    group_rows: Indices
    had: Flags
    interval_kind: str | None = "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        found = [int(np.count_nonzero(had[chosen])) for had in self.had]
        estimates: dict[Path, Estimate] = {("estimate",): share(found[-1], found[0])}
        counts: dict[Path, int] = {("n",): found[0], ("left_out",): len(chosen) - found[0]}
        influences: dict[Path, Influence] = {}
        for i, count in enumerate(found):
            before = found[i - 1] if i else len(chosen)
            if before > 1:
                influences["steps", i, "estimate"] = partial(self._influence, i, i - 1, chosen)
            if found[0] > 1:
                influences["steps", i, "of_first"] = partial(self._influence, i, 0, chosen)
            estimates["steps", i, "estimate"] = share(count, before)
            estimates["steps", i, "of_first"] = share(count, found[0])
            counts["steps", i, "count"] = count
        if found[0] > 1:
            influences["estimate",] = influences["steps", len(found) - 1, "of_first"]
        return Figures(estimates, counts, influences)

    def _influence(self, step: int, of: int, chosen: Indices) -> Floats:
        """On the share with one step of those with another, -1 for all."""
        below = np.ones(len(chosen)) if of < 0 else self.had[of, chosen].astype(np.float64)
        return of_ratio(self.had[step, chosen].astype(np.float64), below)


def funnel(history: History, outcome: Outcome) -> Funnel:
    """Each happening among those who had the one before, in whatever order they came."""
    firsts = [history.first_of_each(rows(history, what)) != NEVER for what in outcome.sequence]
    had = np.logical_and.accumulate(np.array(firsts), axis=0)
    words = [labels.happening(what) for what in outcome.sequence]
    facts: dict[Path, Any] = {
        ("unit",): "share",
        (
            "estimate_of",
        ): f"share of patients with every step from {words[0]} to {words[-1]}, of those with the first",
        ("left_out_are",): f"patients without {words[0]}",
    }
    for i, text in enumerate(words):
        facts["steps", i, "of"] = text
        facts["steps", i, "estimate_of"] = "share of those who had the step before" if i else "share of all"
    return Funnel(facts, history.starts, had)


def pathway(history: History, outcome: Outcome) -> Proportion:
    """The share of patients with these happenings in this order, gaps allowed.

    Each is a later row than the one before, at most its `within` after it. The latest fitting row
    before is also the nearest in time, so it is enough to look whether that one is near enough.
    """
    time = history.log.time
    reached = rows(history, outcome.sequence[0])
    for step in outcome.sequence[1:]:
        candidates = rows(history, step)
        before = np.searchsorted(reached, candidates, side="left") - 1
        candidates, before = candidates[before >= 0], before[before >= 0]
        same = history.patients(reached[before]) == history.patients(candidates)
        candidates, before = candidates[same], before[same]
        gap = time[candidates] - time[reached[before]]
        reached = candidates[gap <= (inf if step.within is None else step.within)]
    flags = history.first_of_each(reached) != NEVER
    words = f"share of patients with in this order: {', then '.join(map(_step, outcome.sequence))}"
    facts: dict[Path, Any] = {("unit",): "share", ("estimate_of",): words}
    return Proportion(facts, history.starts, flags, np.ones(len(flags), bool))


def _step(what: EventSelector) -> str:
    text = labels.happening(what)
    return text if what.within is None else f"{text} within {labels.time_in_prose(what.within)}"
