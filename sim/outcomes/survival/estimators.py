"""Estimators of survival and cumulative incidence, and the influence of each patient on them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.results import NORMAL_975, UNKNOWN, WIDEST, Estimate, log_log

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


def log_log_limits(curve: SurvivalCurve) -> tuple[Floats, Floats]:
    """The 95% log-log limits of each step, [n_times]; at 0 and 1 the estimate itself."""
    s = curve.survival
    inside = (s > 0.0) & (s < 1.0)
    logs = np.log(s, out=np.full(len(s), -1.0), where=inside)
    wide = np.exp(np.minimum(NORMAL_975 * np.sqrt(curve.greenwood) / -logs, WIDEST))
    return np.where(inside, s**wide, s), np.where(inside, s ** (1.0 / wide), s)


def median(curve: SurvivalCurve) -> Estimate:
    """The first time with S <= 1/2; its limits are where the log-log limits of S get there.

    Source: Brookmeyer and Crowley 1982, doi:10.2307/2530286.
    """
    centre = first_time(curve.table.time, curve.survival <= 0.5 + ROUNDING)
    low, high = log_log_limits(curve)
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


def of_ratio(above: Floats, below: Floats) -> Floats:
    """Influences on sum(above) / sum(below), shape [n_patients]; a mean is a sum over a count.

    They are scaled by sqrt(n / (n - 1)) over the n patients with something below, so that for a
    mean they give the usual variance. Source: Cochran 1977, section 6.4. Needs n > 1.
    """
    whole = float(below.sum())
    n = int(np.count_nonzero(below))
    return (above - float(above.sum()) / whole * below) * (sqrt(n / (n - 1)) / whole)


class CurveInfluence:
    """Influences on what is read from the curves of a risk table, each of shape [n_patients].

    durations (days), ended [n_patients]: what the table was made of; order: the indices that sort the
    durations, where they are known. A patient's influence on a curve
    at a time is the contribution of the own end less what was expected up to it, or up to the time if
    that is earlier: so it is a sum of a few columns that are the same for every time.
    """

    def __init__(
        self,
        curve: SurvivalCurve,
        durations: Floats,
        ended: NDArray[np.bool_],
        order: Indices | None = None,
    ) -> None:
        table = curve.table
        self._curve, self._ended = curve, ended
        self._by = steps_up_to(table.time, durations, np.argsort(durations) if order is None else order)
        """For each patient the number of the table's times up to the own: k means times[:k]."""
        self._greenwood = np.concatenate([[0.0], curve.greenwood])
        survivors = (table.at_risk - table.events).astype(np.float64)
        own = np.divide(1.0, survivors, out=np.zeros(len(survivors)), where=survivors > 0)
        self._own = np.concatenate([[0.0], own])
        self._apart = self._of_patients(self._greenwood, self._greenwood - self._own)
        """Expected of the patient less the own end, as shares of the survivors."""
        self._causes: dict[int, tuple[IncidenceCurve, Floats, Floats]] = {}

    def _steps(self, time: float, *, side: Literal["left", "right"] = "right") -> int:
        return int(np.searchsorted(self._curve.table.time, time, side=side))

    def survival_at(self, time: float) -> Floats:
        """On S(time): -S(time) times the patient's own end less what was expected of it."""
        k = self._steps(time)
        survival = float(self._curve.survival[k - 1]) if k else 1.0
        found: Floats = np.where(self._by <= k, self._apart, self._greenwood[k])
        found *= survival
        return found

    def restricted_mean(self, until: float) -> Floats:
        """On the area under S up to `until` days."""
        curve, k = self._curve, self._steps(until, side="left")
        edges = np.concatenate([[0.0], curve.table.time[:k], [until]])
        areas = np.diff(edges) * np.concatenate([[1.0], curve.survival[:k]])
        after = np.zeros(len(self._own))
        after[: k + 1] = np.cumsum(areas[::-1])[::-1]
        after[0] = 0.0
        expected = np.cumsum(after * np.diff(self._greenwood, prepend=0.0))
        return self._of_patients(expected, expected - after * self._own)

    def quantile(self, level: float) -> Floats | None:
        """On the first time with S <= 1 - level: that on S there over the density.

        The density is the slope of S between its limits, 1.96 standard errors off 1 - level; None
        where there are no such limits. Sources: Woodruff 1952,
        doi:10.1080/01621459.1952.10483443; Francisco and Fuller 1991, doi:10.1214/aos/1176347993.
        """
        s, time = self._curve.survival, self._curve.table.time
        left = 1.0 - level
        centre = first_time(time, s <= left + ROUNDING)
        if np.isnan(centre):
            return None
        step = self._steps(centre) - 1
        half = NORMAL_975 * float(s[step]) * sqrt(float(self._curve.greenwood[step]))
        early, late = (first_time(time, s <= left + side * half + ROUNDING) for side in (1, -1))
        if half == 0.0 or not late > early:
            return None
        return self.survival_at(centre) * ((late - early) / (2 * half))

    def incidence_at(self, curve: IncidenceCurve, is_cause: NDArray[np.bool_], time: float) -> Floats:
        """On the cumulative incidence of one cause at a time.

        With F at the time and F_i at the patient's end: F times what it is on -log S, and the rest,
        which does not depend on the time.
        """
        k = self._steps(time)
        at_end, rest = self._of_cause(curve, is_cause)
        incidence = float(curve.incidence[k - 1]) if k else 0.0
        found: Floats = incidence * self._apart
        found += rest
        found[self._by > k] = incidence * self._greenwood[k] - at_end[k]
        return found

    def _of_cause(self, curve: IncidenceCurve, is_cause: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """What is taken off up to each step [n_times + 1], and with the own end for each patient."""
        if id(curve) not in self._causes:
            n = self._curve.table.at_risk.astype(np.float64)
            before = np.concatenate([[1.0], self._curve.survival])[: len(n)]
            incidence = np.concatenate([[0.0], curve.incidence])
            at_end = np.cumsum(incidence * np.diff(self._greenwood, prepend=0.0))
            at_end += np.cumsum(np.concatenate([[0.0], np.diff(incidence) / n]))
            rest = self._of_patients(-at_end, incidence * self._own - at_end)
            rest[is_cause] += (before / n)[self._by[is_cause] - 1]
            self._causes[id(curve)] = curve, at_end, rest
        return self._causes[id(curve)][1:]

    def time_to(self, curve: IncidenceCurve, is_cause: NDArray[np.bool_], level: float) -> Floats | None:
        """On the first time at which an incidence is `level`, as `quantile` does it."""
        f, time = curve.incidence, curve.table.time
        centre = first_time(time, f >= level - ROUNDING)
        if np.isnan(centre):
            return None
        half = NORMAL_975 * sqrt(float(curve.variance[self._steps(centre) - 1]))
        early, late = (first_time(time, f >= level + side * half - ROUNDING) for side in (-1, 1))
        if half == 0.0 or not late > early:
            return None
        return self.incidence_at(curve, is_cause, centre) * (-(late - early) / (2 * half))

    def _of_patients(self, censored: Floats, ended: Floats) -> Floats:
        """The value at each patient's step, for censored patients and for those with an end."""
        found: Floats = censored[self._by]
        found[self._ended] = ended[self._by[self._ended]]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class IncidenceCurve:
    """Steps of one cumulative incidence: incidence and variance [n_times] from each time on.

    Sources: Aalen and Johansen 1978; the variance is that of Marubini and Valsecchi 1995,
    section 10.2.4, as in Collett 2015, p. 411, doi:10.1201/b18041.
    """

    table: RiskTable
    incidence: Floats
    variance: Floats


def aalen_johansen(curve: SurvivalCurve, durations: Floats, is_cause: NDArray[np.bool_]) -> IncidenceCurve:
    """The cumulative incidence of one cause of the ends in `curve`.

    durations, is_cause [n]: times, and whether the end was of this cause; ties of several causes share
    one number at risk.
    """
    table = curve.table
    position = np.searchsorted(table.time, np.sort(durations[is_cause]))
    d = np.bincount(position, minlength=len(table.time)).astype(np.float64)
    n = table.at_risk.astype(np.float64)
    before = np.concatenate([[1.0], curve.survival])[: len(n)]
    incidence = np.cumsum(before * d / n)
    return IncidenceCurve(table, incidence, _variance(incidence, curve.greenwood, before, d, n))


def _variance(incidence: Floats, greenwood: Floats, before: Floats, d: Floats, n: Floats) -> Floats:
    """The sums over earlier times t_j of the formula, with (F - F_j)^2 and (F - F_j) multiplied out."""
    terms = np.diff(greenwood, prepend=0.0)
    first = (
        incidence**2 * greenwood
        - 2 * incidence * np.cumsum(incidence * terms)
        + np.cumsum(incidence**2 * terms)
    )
    second = np.cumsum(before**2 * d * (n - d) / n**3)
    rate = before * d / n**2
    third = incidence * np.cumsum(rate) - np.cumsum(incidence * rate)
    return np.maximum(first + second - 2 * third, 0.0)


def incidence_at(curve: IncidenceCurve, time: float) -> Estimate:
    """F(time) with its log-log interval; unknown after the longest time observed."""
    table = curve.table
    if table.n == 0 or time > defined_until(table):
        return UNKNOWN
    step = int(np.searchsorted(table.time, time, side="right")) - 1
    value = min(float(curve.incidence[step]), 1.0) if step >= 0 else 0.0
    if not 0.0 < value < 1.0:
        return Estimate(value, n=table.n)
    error = float(np.sqrt(curve.variance[step])) / (value * -float(np.log(value)))
    return log_log(value, error, table.n)


def time_to_half(curve: IncidenceCurve) -> Estimate:
    """The first time with F >= 1/2; its limits are where the log-log limits of F get there."""
    f = curve.incidence
    centre = first_time(curve.table.time, f >= 0.5 - ROUNDING)
    inside = (f > 0.0) & (f < 1.0)
    logs = np.log(f, out=np.full(len(f), -1.0), where=inside)
    error = np.divide(np.sqrt(curve.variance), f * -logs, out=np.zeros(len(f)), where=inside)
    wide = np.exp(np.minimum(NORMAL_975 * error, WIDEST))
    low = np.where(inside, f**wide, f)
    high = np.where(inside, f ** (1 / wide), f)
    return Estimate(
        centre,
        first_time(curve.table.time, high >= 0.5 - ROUNDING),
        first_time(curve.table.time, low >= 0.5 - ROUNDING),
        n=curve.table.n,
    )
