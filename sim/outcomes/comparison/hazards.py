"""The log-rank test and the hazard ratio of two arms, with and without pairing of patients.

Every patient is in both arms. Without pairing the arms count as different patients, as trials report
them; with pairing the two contributions of a patient are added first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, nan

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from sim.event_log.log import Floats, Indices
from sim.outcomes.comparison.differences import Difference, squares, student_difference, welch
from sim.outcomes.results import Estimate
from sim.outcomes.survival.kaplan_meier import steps_up_to

Arm = tuple[Floats, NDArray[np.bool_]]
"""Durations (days) and whether the end occurred, shape [n_patients] each."""

MOST_STEPS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """The times of an end in either arm.

    Shape [n_times]: time (days, increasing); ends and at_risk (just before), [2, n_times]. Of each
    arm, shape [n_patients]: steps, the number of times up to the patient's own, and ended.
    """

    time: Floats
    ends: Floats
    at_risk: Floats
    steps: tuple[Indices, Indices]
    ended: tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class LogRank:
    """Chi-squared of one degree of freedom with its p-value, and the same with patients paired."""

    chi_squared: float
    p_value: float
    paired_chi_squared: float
    paired_p_value: float


def pooled(reference: Arm, arm: Arm, orders: tuple[Indices, Indices] | None = None) -> Pooled:
    """The patients at risk in each arm at each time of an end; censored patients leave after the ends.

    orders: the indices that sort the durations of each, where they are known.
    """
    time = np.unique(np.concatenate([durations[ended] for durations, ended in (reference, arm)]))
    n = len(time)
    ends, at_risk, steps = np.zeros((2, n)), np.zeros((2, n)), []
    for i, (durations, ended) in enumerate((reference, arm)):
        order = orders[i] if orders is not None else np.argsort(durations)
        steps.append(steps_up_to(time, durations, order))
        ends[i] = np.bincount(steps[i][ended] - 1, minlength=n)
        # a patient past k times is no longer at risk at the next
        at_risk[i] = len(durations) - np.cumsum(np.bincount(steps[i], minlength=n + 1))[:n]
    return Pooled(time, ends, at_risk, (steps[0], steps[1]), (reference[1], arm[1]))


def log_rank(table: Pooled, patients: tuple[Indices, Indices], n_patients: int) -> LogRank:
    """Ends in the arm against those expected with equal hazards.

    patients: those of the durations in each arm, as indices below n_patients.
    Sources: Mantel 1966; the paired variance is that of the sum of the score's parts over each
    patient, as in Lee, Wei and Amato 1992, doi:10.1007/978-94-015-7983-4_14.
    """
    d, n = table.ends.sum(axis=0), table.at_risk.sum(axis=0)
    share = table.at_risk[1] / n
    excess = float((table.ends[1] - d * share).sum())
    several = n > 1
    spread = (d * share * (1 - share) * (n - d))[several] / (n - 1)[several]
    hazard = d / n
    parts = np.zeros(n_patients)
    for x, index in enumerate(patients):
        running = (x - share) * hazard
        parts[index] += _residuals(table, x, own=x - share, running=running, last=running)
    return LogRank(*_chi_squared(excess, float(spread.sum())), *_chi_squared(excess, squares(parts)))


def _chi_squared(score: float, variance: float) -> tuple[float, float]:
    if not variance > 0.0:
        return nan, nan
    value = score**2 / variance
    return value, float(chdtrc(1, value))


def hazard_ratio(table: Pooled, patients: tuple[Indices, Indices], n_patients: int) -> Difference:
    """The log hazard ratio of the arm over the reference in Cox's model, with ties by Efron's method.

    Its errors are robust to hazards that are not proportional, where the ratio is an average over the
    time observed, and, paired, to each patient being in both arms. nan where no finite ratio fits, as
    where one arm has no ends.
    Sources: Efron 1977, doi:10.1080/01621459.1977.10480613; Lin and Wei 1989,
    doi:10.1080/01621459.1989.10478874; Lee, Wei and Amato 1992, doi:10.1007/978-94-015-7983-4_14.
    """
    ties = _Ties(table)
    beta = ties.fitted()
    if beta is None:
        return Difference(Estimate(nan))
    parts: list[Floats] = []
    for x, index in enumerate(patients):
        every = np.zeros(n_patients)
        every[index] = ties.residuals(beta, x)
        parts.append(every)
    variances = squares(parts[0]), squares(parts[1])
    both = parts[0] + parts[1]
    n = max(len(index) for index in patients)
    freedom = welch(variances, n)
    return student_difference(beta, squares(both), n - 1, apart=sum(variances), apart_freedom=freedom)


class _Ties:
    """The ends of a pooled table one by one: at the l-th of d ties the share l/d is no longer at risk."""

    def __init__(self, table: Pooled) -> None:
        d = table.ends.sum(axis=0).astype(np.int64)
        self._table = table
        self._first = np.cumsum(d) - d
        self._of = np.repeat(np.arange(len(d)), d)
        self._gone = (np.arange(len(self._of)) - self._first[self._of]) / d[self._of]
        self._left = table.at_risk[:, self._of] - self._gone * table.ends[:, self._of]

    def _denominators(self, beta: float) -> tuple[Floats, Floats]:
        """At each end the weight of all patients at risk, and the arm's share of it."""
        weight = self._left[0] + exp(beta) * self._left[1]
        return weight, exp(beta) * self._left[1] / weight

    def fitted(self) -> float | None:
        """The log ratio at which the score is 0, by Newton's method; None where it diverges."""
        observed = float(self._table.ends[1].sum())
        if not 0.0 < observed < len(self._of):
            return None
        beta = 0.0
        for _ in range(MOST_STEPS):
            _, share = self._denominators(beta)
            information = float((share * (1 - share)).sum())
            if not information > 0.0:
                return None
            step = (observed - float(share.sum())) / information
            beta += max(-2.0, min(2.0, step))
            if abs(step) < 1e-12 * max(1.0, abs(beta)):
                return beta if abs(beta) < log(1e6) else None
        return None

    def residuals(self, beta: float, x: int) -> Floats:
        """The part of each patient of one arm (x: 0 or 1) in the error of the log ratio."""
        weight, share = self._denominators(beta)
        information = float((share * (1 - share)).sum())
        pull = exp(beta * x) * (x - share) / weight
        own = x - self._at_each(share) / self._table.ends.sum(axis=0)
        running, last = self._at_each(pull), self._at_each(pull * (1 - self._gone))
        return _residuals(self._table, x, own=own, running=running, last=last) / information

    def _at_each(self, values: Floats) -> Floats:
        """Sums over the ends at each time."""
        return np.add.reduceat(values, self._first) if len(values) else values


def _residuals(table: Pooled, x: int, *, own: Floats, running: Floats, last: Floats) -> Floats:
    """Score residuals in one arm (x: 0 or 1): `own` at the patient's end, less the sum up to it.

    running [n_times]: subtracted for being at risk at a time; last: the same for patients who end at it.
    """
    steps = table.steps[x]
    upto = np.concatenate([[0.0], np.cumsum(running)])
    at_end = np.concatenate([[0.0], own + running - last])
    found: Floats = np.where(table.ended[x], at_end[steps], 0.0) - upto[steps]
    return found


def ratio_interval(log_ratio: Estimate) -> Estimate:
    """The interval of a ratio from that of its logarithm."""
    return Estimate(exp(log_ratio.value), exp(log_ratio.low), exp(log_ratio.high))
