"""Survival with one kind of end: Kaplan-Meier estimate, median, restricted mean."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.results import NORMAL_975, UNKNOWN, Estimate, log_log

ROUNDING = 1e-12
"""A product of fractions that should be one half may miss it by this much."""


@dataclass(frozen=True, slots=True, eq=False)
class RiskTable:
    """The times of ends, with the patients at risk just before.

    Shape [n_times]: time (days, increasing), events (of all kinds), at_risk. n: all patients;
    last: the longest time observed, nan for no patients.
    """

    time: Floats
    events: Indices
    at_risk: Indices
    n: int
    last: float


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """Steps of the Kaplan-Meier estimate: survival [n_times] from each time of `table` on.

    greenwood [n_times]: the sum of d / (n (n - d)) up to each time, so that the variance of
    log S is that sum. Sources: Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452;
    Greenwood 1926.
    """

    table: RiskTable
    survival: Floats
    greenwood: Floats


def risk_table(durations: Floats, ended: NDArray[np.bool_]) -> RiskTable:
    """The patients at risk at each time of an end; censored patients leave after the ends."""
    ends = np.sort(durations[ended])
    first = (
        np.flatnonzero(np.concatenate([[True], ends[1:] != ends[:-1]]))
        if len(ends)
        else np.empty(0, np.int64)
    )
    time = ends[first]
    censored = np.sort(durations[~ended])
    gone = first + np.searchsorted(censored, time, side="left")
    last = float(durations.max()) if len(durations) else nan
    return RiskTable(time, np.diff(first, append=len(ends)), len(durations) - gone, len(durations), last)


def steps_up_to(time: Floats, durations: Floats, order: Indices) -> Indices:
    """The number of these times (increasing) up to each duration, shape [n_patients].

    order: the indices that sort the durations, so that the search stays in the cache.
    """
    steps = np.empty(len(durations), np.int64)
    steps[order] = np.searchsorted(time, durations[order], side="right")
    return steps


def kaplan_meier(table: RiskTable) -> SurvivalCurve:
    """The product-limit estimate of being free of every end in the table."""
    d, n = table.events, table.at_risk
    survivors = n - d
    terms = np.divide(d, n * survivors.astype(np.float64), out=np.zeros(len(d)), where=survivors > 0)
    return SurvivalCurve(
        table, np.cumprod(survivors / n, dtype=np.float64), np.cumsum(terms, dtype=np.float64)
    )


def survival_at(curve: SurvivalCurve, time: float) -> Estimate:
    """S(time) with its log-log interval.

    Unknown after the longest time observed, unless no patient was left then.
    """
    table = curve.table
    if table.n == 0:
        return UNKNOWN
    step = int(np.searchsorted(table.time, time, side="right")) - 1
    value = float(curve.survival[step]) if step >= 0 else 1.0
    if time > table.last and value > 0.0:
        return UNKNOWN
    if not 0.0 < value < 1.0:
        return Estimate(value, n=table.n)
    return log_log(value, sqrt(float(curve.greenwood[step])) / -float(np.log(value)), table.n)


def median(curve: SurvivalCurve) -> Estimate:
    """The first time with S <= 1/2; its limits are where the log-log limits of S get there.

    Source: Brookmeyer and Crowley 1982, doi:10.2307/2530286.
    """
    s = curve.survival
    centre = first_time(curve.table.time, s <= 0.5 + ROUNDING)
    inside = (s > 0.0) & (s < 1.0)
    logs = np.log(s, out=np.full(len(s), -1.0), where=inside)
    wide = np.exp(NORMAL_975 * np.sqrt(curve.greenwood) / -logs)
    low = np.where(inside, s**wide, s)
    high = np.where(inside, s ** (1 / wide), s)
    return Estimate(
        centre,
        first_time(curve.table.time, low <= 0.5 + ROUNDING),
        first_time(curve.table.time, high <= 0.5 + ROUNDING),
        n=curve.table.n,
    )


def restricted_mean(curve: SurvivalCurve, until: float) -> Estimate:
    """The area under S up to `until` days, with a normal interval inside [0, until].

    Source: Klein and Moeschberger 2003, section 4.5, doi:10.1007/b97377.
    """
    if curve.table.n == 0 or survival_at(curve, until).value != survival_at(curve, until).value:
        return UNKNOWN
    inside = int(np.searchsorted(curve.table.time, until, side="left"))
    edges = np.concatenate([[0.0], curve.table.time[:inside], [until]])
    areas = np.diff(edges) * np.concatenate([[1.0], curve.survival[:inside]])
    after = np.cumsum(areas[::-1])[::-1]
    terms = np.diff(curve.greenwood[:inside], prepend=0.0)
    error = sqrt(float(np.sum(after[1:] ** 2 * terms)))
    area = float(after[0])
    if error == 0.0:
        return Estimate(area, n=curve.table.n)
    low, high = max(0.0, area - NORMAL_975 * error), min(until, area + NORMAL_975 * error)
    return Estimate(area, low, high, error, curve.table.n)


def first_time(time: Floats, reached: NDArray[np.bool_]) -> float:
    """The first of `time` where `reached`, nan where it never is."""
    return float(time[np.argmax(reached)]) if reached.any() else nan


def defined_until(table: RiskTable) -> float:
    """How long the curves of a table are defined, days; infinite where no patient is left."""
    left = table.at_risk[-1] - table.events[-1] if len(table.time) else table.n
    return inf if left == 0 else table.last
