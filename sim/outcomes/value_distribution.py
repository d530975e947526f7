"""Distributions of values over patients: time in stages, waits, attributes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.endpoints.means import MEAN, SHARE, attribute
from sim.outcomes.history.history import History, qualify
from sim.outcomes.queues.waiting import CUT_OFF, SERVED, waiting_for
from sim.outcomes.results import Estimate, share
from sim.scenario.language.model import Outcome
from sim.scenario.language.wording import scalar

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class ValueDistribution:
    """Quantiles of a time, days, at QUANTILES; n: number of times; cut_off: number left out because
    observation ended first.
    """

    name: str
    quantiles: tuple[float, ...]
    n: int
    cut_off: int


def stays(history: History, about: Indices) -> tuple[ValueDistribution, ...]:
    """Days in each stage that takes time, per visit, for visits that ended.

    In the order of the scenario, without stages that no visit left, such as terminal stages. A wait
    counts to the stage left.
    """
    log = history.log
    is_about = np.zeros(log.n_patients, bool)
    is_about[about] = True
    found = []
    for code, name in enumerate(log.names.stages):
        patient, begins, ends, is_last = history.stretches(history.stage_spells, code)
        mask = is_about[patient]
        begins, ends, over = begins[mask], ends[mask], ~is_last[mask]
        if over.any():
            found.append(
                value_distribution(name, ends[over] - begins[over], cut_off=int(np.count_nonzero(~over)))
            )
    return tuple(found)


def value_distribution(name: str, days: Floats, *, cut_off: int = 0) -> ValueDistribution:
    """The quantiles of at least one time; linear between order statistics."""
    quantiles: Floats = np.quantile(days, QUANTILES)
    return ValueDistribution(name, tuple(quantiles.tolist()), len(days), cut_off)


@dataclass(frozen=True, slots=True)
class Share:
    """The share of patients with a value, as a reader sees it."""

    value: str
    estimate: Estimate
    count: int


MOST_VALUES = 12
"""A number with more values than these is no grade."""


def value_shares(history: History, outcome: Outcome, about: Indices) -> tuple[Share, ...]:
    """The shares of the values of an `attribute` outcome, of those who have one.

    Categories in the order declared, numbers increasing; nothing for a yes/no, and for a number
    that takes one value or more than MOST_VALUES. Wilson's intervals, as for independent patients;
    none where they share a resource.
    """
    measure = attribute(history, outcome)
    chosen = about[qualify(history, outcome.among)[about]]
    found: list[tuple[str, Estimate, int]] = []
    if MEAN in measure.parts:
        different, counts = np.unique(measure.parts[MEAN][0][chosen], return_counts=True)
        counts, different = counts[~np.isnan(different)], different[~np.isnan(different)]
        if 1 < len(different) <= MOST_VALUES:
            n = int(counts.sum())
            found = [
                (scalar(float(value)), share(count, n), count)
                for value, count in zip(different, counts.tolist(), strict=True)
            ]
    elif SHARE not in measure.parts:
        figures = measure.figures(chosen)
        counted = figures.estimates.items() if figures.n else ()
        found = [(key.part, one, figures.counts[measure.counts[key]]) for key, one in counted]
    is_shared = bool(history.scenario.shared)
    return tuple(Share(name, Estimate(one.value) if is_shared else one, count) for name, one, count in found)


def ended_waits(history: History, outcome: Outcome, about: Indices) -> tuple[Floats, NDArray[np.bool_]]:
    """Days of all waits of a `waiting_for` outcome that ended, and whether by a grant."""
    measure = waiting_for(history, outcome)
    is_about = np.zeros(history.log.n_patients, bool)
    is_about[about] = True
    is_about &= qualify(history, outcome.among)
    mask = is_about[measure.patient] & (measure.end != CUT_OFF)
    return measure.days[mask], measure.end[mask] == SERVED
