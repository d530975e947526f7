"""Incremental analysis: cost per QALY gained, dominance, the frontier and net benefit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, isnan, nan, sqrt

import numpy as np
from scipy.special import stdtrit

from sim.event_log.log import Floats


class Status(StrEnum):
    """Where a strategy stands in an incremental analysis."""

    REFERENCE = "reference"
    FRONTIER = "on the frontier"
    DOMINANT = "dominant"
    DOMINATED = "dominated"
    EXTENDEDLY_DOMINATED = "extendedly dominated"
    EQUAL = "equal cost and effect"
    COST_EFFECTIVE = "cost-effective at the threshold"
    NOT_COST_EFFECTIVE = "not cost-effective at the threshold"
    MORE_FOR_MORE = "more effective, more costly"
    LESS_FOR_LESS = "less effective, less costly"
    UNKNOWN = "unknown"


class SetKind(StrEnum):
    """The form of a confidence set for a ratio."""

    INTERVAL = "interval"
    TWO_RAYS = "two rays"
    EVERYTHING = "everything"
    NONE = ""


# ---------------------------------------------------------------- two strategies


@dataclass(frozen=True, slots=True)
class JointDifference:
    """An incremental cost and effect with their variances and covariance.

    freedom: degrees of freedom of Student's distribution; variances nan where there is no error.
    """

    cost: float
    effect: float
    cost_variance: float = nan
    effect_variance: float = nan
    covariance: float = nan
    freedom: float = nan

    @property
    def icer(self) -> float:
        """Incremental cost per unit of effect; nan where the effects are equal."""
        return self.cost / self.effect if self.effect else nan

    @property
    def correlation(self) -> float:
        """Of the errors of incremental cost and effect; nan where one has none."""
        product = self.cost_variance * self.effect_variance
        return self.covariance / sqrt(product) if product > 0.0 else nan

    def net_benefit(self, threshold: float) -> tuple[float, float]:
        """Incremental net monetary benefit at a threshold, and its standard error."""
        variance = (
            threshold * threshold * self.effect_variance
            - 2.0 * threshold * self.covariance
            + self.cost_variance
        )
        return threshold * self.effect - self.cost, sqrt(max(variance, 0.0)) if variance == variance else nan


def joint_difference(cost: Floats, effect: Floats) -> JointDifference:
    """The mean differences of paired units (patients or replications) [n], and their joint error."""
    n = len(cost)
    means = float(np.mean(cost)), float(np.mean(effect))
    if n < 2:
        return JointDifference(*means)
    deviations = cost - means[0], effect - means[1]
    scale = n * (n - 1)
    return JointDifference(
        *means,
        float(np.sum(deviations[0] * deviations[0])) / scale,
        float(np.sum(deviations[1] * deviations[1])) / scale,
        float(np.sum(deviations[0] * deviations[1])) / scale,
        n - 1,
    )


@dataclass(frozen=True, slots=True)
class ConfidenceSet:
    """A 95% confidence set for a ratio.

    INTERVAL: [low, high]. TWO_RAYS: up to `low`, and from `high`. EVERYTHING: every ratio agrees with
    the data. NONE: there is no error to make one from, or no ratio.
    """

    kind: SetKind
    low: float = nan
    high: float = nan

    @property
    def note(self) -> str:
        """What to say of a set that is not an interval, "" for one that is."""
        if self.kind in (SetKind.INTERVAL, SetKind.NONE):
            return ""
        if self.kind is SetKind.EVERYTHING:
            return "unbounded: the data agree with every ratio"
        return "unbounded: the effects may be equal, so the data agree with every ratio beyond the limits"


def fieller(difference: JointDifference, *, level: float = 0.95) -> ConfidenceSet:
    """Fieller's confidence set for the incremental cost-effectiveness ratio.

    The ratios r for which cost - r effect does not differ from 0. It is bounded only if the effect
    differs from 0 at that level. Source: Fieller 1954, Journal of the Royal Statistical Society B
    16:175-185; Willan and O'Brien 1996, doi:10.1002/(SICI)1099-1050(199607/08)5:4<297::AID-HEC216>3.0.CO;2-T.
    """
    d = difference
    if isnan(d.cost_variance) or isnan(d.effect_variance) or isnan(d.covariance):
        return ConfidenceSet(SetKind.NONE)
    t2 = float(stdtrit(d.freedom, 0.5 + level / 2)) ** 2
    a = d.effect * d.effect - t2 * d.effect_variance
    b = d.cost * d.effect - t2 * d.covariance
    c = d.cost * d.cost - t2 * d.cost_variance
    root = b * b - a * c
    if a > 0.0:
        half = sqrt(max(root, 0.0))
        return ConfidenceSet(SetKind.INTERVAL, (b - half) / a, (b + half) / a)
    if a == 0.0:
        if b == 0.0:
            return ConfidenceSet(SetKind.EVERYTHING if c <= 0.0 else SetKind.NONE)
        limit = c / (2.0 * b)
        return ConfidenceSet(SetKind.TWO_RAYS, *((-inf, limit) if b > 0.0 else (limit, inf)))
    if root <= 0.0:
        return ConfidenceSet(SetKind.EVERYTHING)
    half = sqrt(root)
    return ConfidenceSet(SetKind.TWO_RAYS, (b + half) / a, (b - half) / a)


def pairwise_status(cost: float, effect: float, threshold: float | None = None) -> Status:
    """Where a strategy stands against another, from its incremental cost and effect.

    threshold: what a unit of effect is worth; None: none is given.
    """
    if isnan(cost) or isnan(effect):
        return Status.UNKNOWN
    if cost == 0.0 == effect:
        return Status.EQUAL
    if cost <= 0.0 and effect >= 0.0:
        return Status.DOMINANT
    if cost >= 0.0 and effect <= 0.0:
        return Status.DOMINATED
    if threshold is None:
        return Status.MORE_FOR_MORE if effect > 0.0 else Status.LESS_FOR_LESS
    is_worth_it = threshold * effect - cost >= 0.0
    return Status.COST_EFFECTIVE if is_worth_it else Status.NOT_COST_EFFECTIVE


# ---------------------------------------------------------------- several strategies


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy with its mean cost and effect."""

    name: str
    cost: float
    effect: float


@dataclass(frozen=True, slots=True)
class IncrementalStep:
    """A strategy in the full incremental analysis.

    compared_with: the strategy before it on the frontier; "" for the cheapest one there, and for those
    off the frontier. icer: nan where compared with none.
    """

    strategy: Strategy
    status: Status
    compared_with: str = ""
    icer: float = nan


def frontier(strategies: Sequence[Strategy]) -> list[IncrementalStep]:
    """The full incremental analysis, by increasing cost, then decreasing effect.

    A strategy is dominated if another costs no more and has at least its effect; extendedly dominated
    if a mixture of two others is. Of equal ones the first stays. Source: Briggs, Claxton and Sculpher
    2006, Decision Modelling for Health Economic Evaluation, chapter 2; Drummond et al. 2015.
    """
    ordered = sorted(strategies, key=lambda one: (one.cost, -one.effect))
    off: dict[str, Status] = {}
    efficient: list[Strategy] = []
    for one in ordered:
        if efficient and one.effect <= efficient[-1].effect:
            last = efficient[-1]
            is_equal = one.effect == last.effect and one.cost == last.cost
            off[one.name] = Status.EQUAL if is_equal else Status.DOMINATED
            continue
        while len(efficient) > 1 and _icer(efficient[-1], one) <= _icer(efficient[-2], efficient[-1]):
            off[efficient.pop().name] = Status.EXTENDEDLY_DOMINATED
        efficient.append(one)
    before = dict(zip((one.name for one in efficient[1:]), efficient, strict=False))
    return [_step(one, off, before) for one in ordered]


def _icer(one: Strategy, other: Strategy) -> float:
    return (other.cost - one.cost) / (other.effect - one.effect)


def _step(one: Strategy, off: dict[str, Status], before: dict[str, Strategy]) -> IncrementalStep:
    if one.name in off:
        return IncrementalStep(one, off[one.name])
    if one.name not in before:
        return IncrementalStep(one, Status.FRONTIER)
    last = before[one.name]
    return IncrementalStep(one, Status.FRONTIER, last.name, _icer(last, one))
