"""Distributions of values over patients: time in stages, waits, attributes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.endpoints.means import Categories, Mean, attribute
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
        patient, begins, ends = history.stretches(history.stage_spells, code)
        mask = is_about[patient]
        patient, begins, ends = patient[mask], begins[mask], ends[mask]
        over = ends < log.follow_up[patient]
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
    mask = about[qualify(history, outcome.among)[about]]
    if isinstance(measure, Categories):
        code = measure.code[mask]
        values, counts = (
            list(measure.categories),
            np.bincount(code[code >= 0], minlength=len(measure.categories)),
        )
    elif isinstance(measure, Mean):
        different, counts = np.unique(measure.values[mask], return_counts=True)
        counts, different = counts[~np.isnan(different)], different[~np.isnan(different)]
        values = [scalar(float(value)) for value in different] if 1 < len(different) <= MOST_VALUES else []
    else:
        return ()
    n, is_shared = int(counts.sum()), bool(history.scenario.shared)
    if not values or not n:
        return ()
    found = [share(count, n) for count in counts.tolist()]
    estimates = [Estimate(one.value) if is_shared else one for one in found]
    return tuple(map(Share, values, estimates, counts.tolist()))


def ended_waits(history: History, outcome: Outcome, about: Indices) -> tuple[Floats, NDArray[np.bool_]]:
    """Days of all waits of a `waiting_for` outcome that ended, and whether by a grant."""
    measure = waiting_for(history, outcome)
    is_about = np.zeros(history.log.n_patients, bool)
    is_about[about] = True
    is_about &= qualify(history, outcome.among)
    mask = is_about[measure.patient] & (measure.end != CUT_OFF)
    return measure.days[mask], measure.end[mask] == SERVED
