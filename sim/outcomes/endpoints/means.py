"""Outcomes that are a mean over patients, or a sum over a replication; values of an attribute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sim.event_log.log import Floats, Indices
from sim.outcomes import labels
from sim.outcomes.endpoints.proportions import Categories, Proportion
from sim.outcomes.history.event_selection import rows
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.intervals import Estimate, Figures, Influence, Path, mean
from sim.outcomes.survival.influence import of_ratio
from sim.scenario.language.model import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean of a value over patients, shape [n_patients], nan for who is left out."""

    facts: Mapping[Path, Any]
    group_rows: Indices
    values: Floats
    interval_kind: str | None = "Student"

    def figures(self, chosen: Indices) -> Figures:
        values = self.values[chosen]
        known = values[~np.isnan(values)]
        counts: dict[Path, int] = {("n",): len(known), ("left_out",): len(chosen) - len(known)}
        influences: dict[Path, Influence] = {}
        if len(known) > 1:
            influences["estimate",] = partial(self._influence, chosen)
        return Figures({("estimate",): mean(known)}, counts, influences)

    def _influence(self, chosen: Indices) -> Floats:
        known = ~np.isnan(self.values[chosen])
        return of_ratio(np.where(known, self.values[chosen], 0.0), known.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """How often something happens to all patients together; counts [n_patients]."""

    facts: Mapping[Path, Any]
    group_rows: Indices
    counts: Indices
    interval_kind: str | None = None

    def figures(self, chosen: Indices) -> Figures:
        total = int(self.counts[chosen].sum())
        counts: dict[Path, int] = {("n",): len(chosen), ("left_out",): 0, ("events",): total}
        return Figures({("estimate",): Estimate(float(total))}, counts)


def count(history: History, outcome: Outcome) -> Mean:
    """How often something happens to a patient."""
    assert outcome.happening is not None
    times = history.counts(rows(history, outcome.happening)).astype(np.float64)
    words = f"mean count per patient of {labels.happening(outcome.happening)}"
    return Mean({("unit",): "per patient", ("estimate_of",): words}, history.starts, times)


def total(history: History, outcome: Outcome) -> Total:
    """How often something happens in one replication."""
    assert outcome.happening is not None
    times = history.counts(rows(history, outcome.happening))
    words = f"count per replication of {labels.happening(outcome.happening)}"
    return Total({("unit",): "per replication", ("estimate_of",): words}, history.starts, times)


def attribute(history: History, outcome: Outcome) -> Mean | Proportion | Categories:
    """An attribute just after the first `at`, else at the patient's end."""
    names = history.log.names
    what = names.attributes.index(outcome.attribute)
    if outcome.at is None:
        values = history.log.at_end[:, what].copy()
        when = "at the end"
    else:
        first = history.first_of_each(rows(history, outcome.at))
        known = first != NEVER
        values = np.full(history.log.n_patients, np.nan)
        values[known] = history.attribute(outcome.attribute, first[known])
        when = f"just after {labels.happening(outcome.at)}"
    categories = names.categories[what]
    facts: dict[Path, Any] = {("unit",): "share"}
    if outcome.at is not None:
        facts["left_out_are",] = f"patients without {labels.happening(outcome.at)}"
    if not categories:
        facts |= {("unit",): "", ("estimate_of",): f"mean of {outcome.attribute} {when}"}
        return Mean(facts, history.starts, values)
    if categories == ("false", "true"):
        facts["estimate_of",] = f"share of patients with {outcome.attribute} true {when}"
        return Proportion(facts, history.starts, values == 1.0, ~np.isnan(values))
    facts["estimate_of",] = f"share of patients in each category of {outcome.attribute} {when}"
    code = np.where(np.isnan(values), -1.0, values).astype(np.int64)
    return Categories(facts, history.starts, code, categories)
