"""Sequences of events of one patient: the steps reached, and their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import inf

import numpy as np

from sim.event_log.log import Floats, Indices
from sim.outcomes.endpoints.means import LEFT_OUT, SHARE, Proportion
from sim.outcomes.history.history import NEVER, Flags, History, rows
from sim.outcomes.results import (
    Description,
    Estimate,
    Figures,
    Influence,
    Key,
    event_in_words,
    share,
    time_in_prose,
)
from sim.outcomes.survival.estimators import of_ratio
from sim.scenario.language.model import EventSelector, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """The patients who had each step and every one before it, shape [n_steps, n_patients]."""

    description: Description
    group_rows: Indices
    had: Flags
    steps: tuple[str, ...]
    method: str | None = "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        """The numbers of the outcome for these patients (indices, increasing)."""
        found = [int(np.count_nonzero(had[chosen])) for had in self.had]
        first = found[0]
        estimates: dict[Key, Estimate] = {}
        counts = {LEFT_OUT: len(chosen) - first}
        influences: dict[Key, Influence] = {}
        for i, (step, count) in enumerate(zip(self.steps, found, strict=True)):
            before = found[i - 1] if i else len(chosen)
            for measure, base, total in (("share", i - 1, before), ("share_of_first", 0, first)):
                estimates[Key(measure, step)] = share(count, total)
                if total > 1:
                    influences[Key(measure, step)] = partial(self._influence, i, base, chosen)
            counts[Key("count", step)] = count
        return Figures(first, estimates, counts, influences)

    def _influence(self, step: int, base: int, chosen: Indices) -> Floats:
        """On the share with one step among those with another, -1 for all patients."""
        below = np.ones(len(chosen)) if base < 0 else self.had[base, chosen].astype(np.float64)
        return of_ratio(self.had[step, chosen].astype(np.float64), below)


def funnel(history: History, outcome: Outcome) -> Funnel:
    """Each event among the patients who had the one before, in whatever order they came."""
    firsts = [history.first_of_each(rows(history, event)) != NEVER for event in outcome.sequence]
    had = np.logical_and.accumulate(np.array(firsts), axis=0)
    texts = [event_in_words(event) for event in outcome.sequence]
    steps = tuple(f"{i}. {text}" for i, text in enumerate(texts, start=1))
    meanings = {
        ("share", step): "share of those who had the step before" if i else "share of all"
        for i, step in enumerate(steps)
    }
    described = Description(
        Key("share_of_first", steps[-1]),
        "share",
        f"share of patients with every step from {texts[0]} to {texts[-1]}, of those with the first",
        meanings=meanings,
        excluded=f"patients without {texts[0]}",
    )
    return Funnel(described, history.starts, had, steps)


def pathway(history: History, outcome: Outcome) -> Proportion:
    """The share of patients with these events in this order, gaps allowed.

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
    text = f"share of patients with in this order: {', then '.join(map(_step, outcome.sequence))}"
    return Proportion(Description(SHARE, "share", text), history.starts, flags, np.ones(len(flags), bool))


def _step(event: EventSelector) -> str:
    text = event_in_words(event)
    return text if event.within is None else f"{text} within {time_in_prose(event.within)}"
