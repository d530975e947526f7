"""Outcomes that are a mean over patients, or a sum over a replication; values of an attribute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.history.history import NEVER, Flags, History, rows
from sim.outcomes.results import Description, Estimate, Figures, Influence, Key, event_in_words, mean, share
from sim.outcomes.survival.estimators import of_ratio
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
        """The numbers of the outcome for these patients (indices, increasing)."""
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
        """The numbers of the outcome for these patients (indices, increasing)."""
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
    assert outcome.event is not None
    flags = history.first_of_each(rows(history, outcome.event)) != NEVER
    text = f"share of patients {event_in_words(outcome.event)} at least once"
    return Proportion(Description(SHARE, "share", text), history.starts, flags, np.ones(len(flags), bool))


MEAN, TOTAL = Key("mean"), Key("total")


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The mean of a value over patients, shape [n_patients], nan for patients left out."""

    description: Description
    group_rows: Indices
    values: Floats
    method: str | None = "Student"

    def figures(self, chosen: Indices) -> Figures:
        """The numbers of the outcome for these patients (indices, increasing)."""
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
        """The numbers of the outcome for these patients (indices, increasing)."""
        total, n = int(self.counts[chosen].sum()), len(chosen)
        return Figures(n, {TOTAL: Estimate(float(total), n=n)}, {LEFT_OUT: 0, EVENTS: total})


def count(history: History, outcome: Outcome) -> Mean:
    """The number of events per patient."""
    assert outcome.event is not None
    times = history.counts(rows(history, outcome.event)).astype(np.float64)
    text = f"mean count per patient of {event_in_words(outcome.event)}"
    return Mean(Description(MEAN, "per patient", text), history.starts, times)


def total(history: History, outcome: Outcome) -> Total:
    """The number of events in one replication."""
    assert outcome.event is not None
    times = history.counts(rows(history, outcome.event))
    text = f"count per replication of {event_in_words(outcome.event)}"
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
        event = event_in_words(outcome.at)
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
