"""Outcomes that are a mean over patients, or a sum over a replication; values of an attribute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from sim.event_log.log import Floats, Indices
from sim.outcomes import labels
from sim.outcomes.endpoints.proportions import EVENTS, LEFT_OUT, SHARE, Categories, Proportion
from sim.outcomes.history.event_selection import rows
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.intervals import Estimate, Figures, Influence, Key, mean
from sim.outcomes.results import Description
from sim.outcomes.survival.influence import of_ratio
from sim.scenario.language.model import Outcome

MEAN, TOTAL = Key("mean"), Key("total")


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean of a value over patients, shape [n_patients], nan for patients left out."""

    description: Description
    group_rows: Indices
    values: Floats
    method: str | None = "Student"

    def figures(self, chosen: Indices) -> Figures:
        values = self.values[chosen]
        known = values[~np.isnan(values)]
        n = len(known)
        influences: dict[Key, Influence] = {MEAN: partial(self._influence, chosen)} if n > 1 else {}
        return Figures(n, {MEAN: mean(known)}, {LEFT_OUT: len(chosen) - n}, influences)

    def _influence(self, chosen: Indices) -> Floats:
        known = ~np.isnan(self.values[chosen])
        return of_ratio(np.where(known, self.values[chosen], 0.0), known.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Total:
    """The number of events of all patients together; counts [n_patients]."""

    description: Description
    group_rows: Indices
    counts: Indices
    method: str | None = None

    def figures(self, chosen: Indices) -> Figures:
        total, n = int(self.counts[chosen].sum()), len(chosen)
        return Figures(n, {TOTAL: Estimate(float(total), n=n)}, {LEFT_OUT: 0, EVENTS: total})


def count(history: History, outcome: Outcome) -> Mean:
    """The number of events per patient."""
    assert outcome.happening is not None
    times = history.counts(rows(history, outcome.happening)).astype(np.float64)
    text = f"mean count per patient of {labels.event(outcome.happening)}"
    return Mean(Description(MEAN, "per patient", text), history.starts, times)


def total(history: History, outcome: Outcome) -> Total:
    """The number of events in one replication."""
    assert outcome.happening is not None
    times = history.counts(rows(history, outcome.happening))
    text = f"count per replication of {labels.event(outcome.happening)}"
    return Total(Description(TOTAL, "per replication", text), history.starts, times)


def attribute(history: History, outcome: Outcome) -> Mean | Proportion | Categories:
    """An attribute just after the first `at`, else at the patient's end."""
    names = history.log.names
    column = names.attributes.index(outcome.attribute)
    if outcome.at is None:
        values, when, excluded = history.log.at_end[:, column].copy(), "at the end", ""
    else:
        first = history.first_of_each(rows(history, outcome.at))
        known = first != NEVER
        values = np.full(history.log.n_patients, np.nan)
        values[known] = history.attribute(outcome.attribute, first[known])
        event = labels.event(outcome.at)
        when, excluded = f"just after {event}", f"patients without {event}"
    categories = names.categories[column]
    if not categories:
        text = f"mean of {outcome.attribute} {when}"
        return Mean(Description(MEAN, "", text, excluded=excluded), history.starts, values)
    if categories == ("false", "true"):
        text = f"share of patients with {outcome.attribute} true {when}"
        described = Description(SHARE, "share", text, excluded=excluded)
        return Proportion(described, history.starts, values == 1.0, ~np.isnan(values))
    text = f"share of patients in each category of {outcome.attribute} {when}"
    code = np.where(np.isnan(values), -1.0, values).astype(np.int64)
    described = Description(SHARE, "share", text, excluded=excluded)
    return Categories(described, history.starts, code, categories)
