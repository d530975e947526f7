"""Competing ends: Aalen-Johansen cumulative incidences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats
from sim.outcomes.results import NORMAL_975, UNKNOWN, WIDEST, Estimate, log_log
from sim.outcomes.survival.kaplan_meier import ROUNDING, RiskTable, SurvivalCurve, defined_until, first_time


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
