"""Outcomes that are shares of patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes import labels
from sim.outcomes.history.event_selection import rows
from sim.outcomes.history.history import NEVER, Flags, History
from sim.outcomes.intervals import UNKNOWN, Estimate, Figures, Influence, Path, share
from sim.outcomes.survival.influence import of_ratio
from sim.scenario.language.model import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Proportion:
    """The share of patients with a flag, of those who are `known`; both [n_patients]."""

    facts: Mapping[Path, Any]
    group_rows: Indices
    flags: Flags
    known: Flags
    interval_kind: str | None = "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        about = chosen[self.known[chosen]]
        events = int(np.count_nonzero(self.flags[about]))
        counts: dict[Path, int] = {
            ("n",): len(about),
            ("left_out",): len(chosen) - len(about),
            ("events",): events,
        }
        influences: dict[Path, Influence] = {}
        if len(about) > 1:
            influences["estimate",] = partial(self._influence, chosen)
        return Figures({("estimate",): share(events, len(about))}, counts, influences)

    def _influence(self, chosen: Indices) -> Floats:
        known = self.known[chosen]
        return of_ratio((known & self.flags[chosen]).astype(np.float64), known.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """The share of patients in each category: code [n_patients], -1 for who is left out."""

    facts: Mapping[Path, Any]
    group_rows: Indices
    code: NDArray[np.int64]
    categories: tuple[str, ...]
    interval_kind: str | None = "Wilson"

    def figures(self, chosen: Indices) -> Figures:
        code = self.code[chosen]
        found = np.bincount(code[code >= 0], minlength=len(self.categories))
        n = int(found.sum())
        estimates: dict[Path, Estimate] = {("estimate",): UNKNOWN}
        counts: dict[Path, int] = {("n",): n, ("left_out",): len(chosen) - n}
        for name, count in zip(self.categories, found.tolist(), strict=True):
            estimates["shares", name, "estimate"] = share(count, n)
            counts["shares", name, "count"] = count
        influences: dict[Path, Influence] = {}
        if n > 1:
            for i, name in enumerate(self.categories):
                influences["shares", name, "estimate"] = partial(self._influence, i, chosen)
        return Figures(estimates, counts, influences)

    def _influence(self, category: int, chosen: Indices) -> Floats:
        code = self.code[chosen]
        return of_ratio((code == category).astype(np.float64), (code >= 0).astype(np.float64))


def ever(history: History, outcome: Outcome) -> Proportion:
    """The share of patients to whom something happens at least once."""
    assert outcome.happening is not None
    flags = history.first_of_each(rows(history, outcome.happening)) != NEVER
    words = f"share of patients {labels.happening(outcome.happening)} at least once"
    facts: dict[Path, Any] = {("unit",): "share", ("estimate_of",): words}
    return Proportion(facts, history.starts, flags, np.ones(len(flags), bool))
