"""Sequences of events of one patient: the steps reached, and their order."""

from __future__ import annotations

from math import inf

import numpy as np

from sim.outcomes.endpoints.means import Averages, Part, share_of
from sim.outcomes.history.history import NEVER, History, rows
from sim.outcomes.results import Description, Key, event_in_words, time_in_prose
from sim.scenario.language.model import EventSelector, Outcome


def funnel(history: History, outcome: Outcome) -> Averages:
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
    parts: dict[Key, Part] = {}
    for i, step in enumerate(steps):
        parts[Key("share", step)] = had[i], had[i - 1] if i else np.ones(had.shape[1], bool)
        parts[Key("share_of_first", step)] = had[i], had[0]
    counts = {Key("share", step): Key("count", step) for step in steps}
    return Averages(described, history.starts, parts, counts)


def pathway(history: History, outcome: Outcome) -> Averages:
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
    return share_of(history, flags, text)


def _step(event: EventSelector) -> str:
    text = event_in_words(event)
    return text if event.within is None else f"{text} within {time_in_prose(event.within)}"
