"""Influence functions: the part of each patient in the error of an estimate, for paired differences.

The influence of patient i is (estimate - truth) to first order in that patient's data: the
influences of an estimate add up to 0, their squares to its variance, and the squares of the
differences of two estimates' influences in the same patients to the variance of their difference.
For curves they are the derivatives of the estimate in the patients' weights (the infinitesimal
jackknife), whose squares add up to Greenwood's variance, and to that of Aalen-Johansen, exactly.
Sources: Efron 1982, doi:10.1137/1.9781611970319; for curves Reid 1981, Annals of Statistics 9:78-92.
"""

from __future__ import annotations

from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats, Indices
from sim.outcomes.results import NORMAL_975
from sim.outcomes.survival.aalen_johansen import IncidenceCurve
from sim.outcomes.survival.kaplan_meier import ROUNDING, SurvivalCurve, first_time, steps_up_to


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
