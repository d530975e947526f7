"""Outcomes that are shares of patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes import labels
from sim.outcomes.history.event_selection import rows
from sim.outcomes.history.history import NEVER, Flags, History
from sim.outcomes.intervals import Estimate, Figures, Influence, Key, share
from sim.outcomes.results import Description
from sim.outcomes.survival.influence import of_ratio
from sim.scenario.language.model import Outcome

SHARE = Key("share")
LEFT_OUT, EVENTS = Key("left_out"), Key("events")


@dataclass(frozen=True, slots=True, eq=False)
class Proportion:
    """The share of patients with a flag, among those who are `known`; both [n_patients]."""

    description: Description
    group_rows: Indices
    flags: Flags
    known: Flags
    method: str | None = "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        known = chosen[self.known[chosen]]
        events, n = int(np.count_nonzero(self.flags[known])), len(known)
        influences: dict[Key, Influence] = {SHARE: partial(self._influence, chosen)} if n > 1 else {}
        return Figures(n, {SHARE: share(events, n)}, {LEFT_OUT: len(chosen) - n, EVENTS: events}, influences)

    def _influence(self, chosen: Indices) -> Floats:
        known = self.known[chosen]
        return of_ratio((known & self.flags[chosen]).astype(np.float64), known.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """The share of patients in each category: code [n_patients], -1 for patients left out."""

    description: Description
    group_rows: Indices
    code: NDArray[np.int64]
    categories: tuple[str, ...]
    method: str | None = "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        code = self.code[chosen]
        found = np.bincount(code[code >= 0], minlength=len(self.categories))
        n = int(found.sum())
        estimates: dict[Key, Estimate] = {}
        counts = {LEFT_OUT: len(chosen) - n}
        influences: dict[Key, Influence] = {}
        for i, (name, count) in enumerate(zip(self.categories, found.tolist(), strict=True)):
            estimates[Key("share", name)] = share(count, n)
            counts[Key("count", name)] = count
            if n > 1:
                influences[Key("share", name)] = partial(self._influence, i, chosen)
        return Figures(n, estimates, counts, influences)

    def _influence(self, category: int, chosen: Indices) -> Floats:
        code = self.code[chosen]
        return of_ratio((code == category).astype(np.float64), (code >= 0).astype(np.float64))


def ever(history: History, outcome: Outcome) -> Proportion:
    """The share of patients with an event at least once."""
    assert outcome.happening is not None
    flags = history.first_of_each(rows(history, outcome.happening)) != NEVER
    text = f"share of patients {labels.event(outcome.happening)} at least once"
    return Proportion(Description(SHARE, "share", text), history.starts, flags, np.ones(len(flags), bool))
