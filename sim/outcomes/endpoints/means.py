"""Outcomes that are a mean over patients, or a sum over a replication; values of an attribute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.history.history import NEVER, Flags, History, rows
from sim.outcomes.results import (
    Description,
    Estimate,
    Figures,
    Influence,
    Key,
    event_in_words,
    mean,
    percentiles,
    share,
)
from sim.outcomes.survival.estimators import of_ratio
from sim.scenario.language.model import Outcome

MEAN, SHARE, TOTAL = Key("mean"), Key("share"), Key("total")
LEFT_OUT, EVENTS = Key("left_out"), Key("events")

Part: TypeAlias = tuple[NDArray[Any], Flags]
"""The value (float64) or the flag (bool) of each patient, and who counts, shape [n_patients] each."""


@dataclass(frozen=True, slots=True, eq=False)
class Averages:
    """Means of values, or shares of flags, each over the patients who count.

    parts: by key; the patients of the last are those of the outcome. counts: for a share the key under
    which the patients with the flag are counted.
    """

    description: Description
    group_rows: Indices
    parts: Mapping[Key, Part]
    counts: Mapping[Key, Key] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """How intervals are made: for shares or for means."""
        return "Wilson" if all(values.dtype == bool for values, _ in self.parts.values()) else "Student"

    def figures(self, chosen: Indices) -> Figures:
        """The numbers of the outcome for these patients (indices, increasing)."""
        estimates: dict[Key, Estimate] = {}
        influences: dict[Key, Influence] = {}
        counts, n = {LEFT_OUT: 0}, 0
        for key, (values, counted) in self.parts.items():
            known = values[chosen[counted[chosen]]]
            n = len(known)
            if values.dtype == bool:
                events = int(np.count_nonzero(known))
                estimates[key] = share(events, n)
                if key in self.counts:
                    counts[self.counts[key]] = events
            else:
                estimates[key] = mean(known)
                if self.description.unit == "days":
                    estimates |= percentiles(known)
            if n > 1:
                influences[key] = partial(self._influence, key, chosen)
        counts[LEFT_OUT] = len(chosen) - n
        return Figures(n, estimates, counts, influences)

    def _influence(self, key: Key, chosen: Indices) -> Floats:
        values, counted = self.parts[key]
        known = counted[chosen]
        above = np.where(known, values[chosen], 0.0)
        return of_ratio(above.astype(np.float64), known.astype(np.float64))


def mean_of(history: History, values: Floats, text: str, *, unit: str, excluded: str = "") -> Averages:
    """The mean of a value of each patient, nan for patients left out."""
    described = Description(MEAN, unit, text, excluded=excluded)
    return Averages(described, history.starts, {MEAN: (values, ~np.isnan(values))})


def share_of(
    history: History, flags: Flags, text: str, *, counted: Flags | None = None, excluded: str = ""
) -> Averages:
    """The share of patients with a flag. counted: who counts, None for all."""
    described = Description(SHARE, "share", text, excluded=excluded)
    everyone = np.ones(len(flags), bool) if counted is None else counted
    return Averages(described, history.starts, {SHARE: (flags, everyone)}, {SHARE: EVENTS})


def ever(history: History, outcome: Outcome) -> Averages:
    """The share of patients with an event at least once."""
    assert outcome.event is not None
    flags = history.first_of_each(rows(history, outcome.event)) != NEVER
    return share_of(history, flags, f"share of patients {event_in_words(outcome.event)} at least once")


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


def count(history: History, outcome: Outcome) -> Averages:
    """The number of events per patient."""
    assert outcome.event is not None
    times = history.counts(rows(history, outcome.event)).astype(np.float64)
    text = f"mean count per patient of {event_in_words(outcome.event)}"
    return mean_of(history, times, text, unit="per patient")


def total(history: History, outcome: Outcome) -> Total:
    """The number of events in one replication."""
    assert outcome.event is not None
    times = history.counts(rows(history, outcome.event))
    text = f"count per replication of {event_in_words(outcome.event)}"
    return Total(Description(TOTAL, "per replication", text), history.starts, times)


def attribute(history: History, outcome: Outcome) -> Averages:
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
        return mean_of(history, values, text, unit="", excluded=excluded)
    counted = ~np.isnan(values)
    if categories == ("false", "true"):
        text = f"share of patients with {outcome.attribute} true {when}"
        return share_of(history, values == 1.0, text, counted=counted, excluded=excluded)
    text = f"share of patients in each category of {outcome.attribute} {when}"
    return Averages(
        Description(SHARE, "share", text, excluded=excluded),
        history.starts,
        {Key("share", name): (values == code, counted) for code, name in enumerate(categories)},
        {Key("share", name): Key("count", name) for name in categories},
    )
