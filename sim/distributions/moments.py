"""Means and medians of leaves, for the description of a scenario, and the moments that fits need."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import integrate, special

from sim.distributions.laws import leaf_hazard, leaf_quantile
from sim.distributions.scaled import SCALED
from sim.distributions.steps import filled, life_table_steps, survival_steps
from sim.numerics.portable import exp

if TYPE_CHECKING:
    from sim.distributions.families import Leaf

LONGEST_LOG = 709.0
"""The logarithm of about the longest time that a float holds."""


def leaf_median(leaf: Leaf) -> float:
    """The median (the lower one of a list of values); inf where the event occurs for less than half."""
    if leaf.family == "categorical":
        own = dict(leaf.own)
        return listed_median(own["times"], filled(own["probabilities"]))
    return float(leaf_quantile(leaf.kind, np.array(leaf.numbers), 0, 0.5))


def leaf_mean(leaf: Leaf) -> float:
    """The mean; inf where it does not exist, or where the distribution is improper."""
    own = dict(leaf.own)
    if leaf.family in SCALED:
        family = SCALED[leaf.family]
        extra = tuple(own[name] for name in family.extra)
        spread = family.spread(own)
        if not spread < family.widest(extra, 1.0):
            return math.inf
        return exp(family.log_scale(own) + family.log_moment(spread, extra, 1.0))
    if leaf.family == "royston_parmar":
        return spline_mean(leaf)
    return plain_mean(leaf.family, own)


def plain_mean(family: str, own: Mapping[str, Any]) -> float:
    """The mean of a family with a closed form of its own."""
    match family:
        case "fixed" | "constant":
            return float(own["value"])
        case "uniform":
            return float(0.5 * (own["low"] + own["high"]))
        case "triangular":
            return float((own["low"] + own["mode"] + own["high"]) / 3.0)
        case "pert":
            return float((own["low"] + 4.0 * own["mode"] + own["high"]) / 6.0)
        case "exponential":
            return 1.0 / own["rate"] if own["rate"] > 0.0 else math.inf
        case "gompertz":
            return gompertz_mean(own["shape"], own["rate"])
        case "normal":
            return positive_normal_mean(own["mean"], own["sd"])
        case "normal_number" | "poisson":
            return float(own["mean"])
        case "beta":
            return float(own["a"] / (own["a"] + own["b"]))
        case "categorical":
            shares = filled(own["probabilities"])
            return math.fsum(time * share for time, share in zip(own["times"], shares, strict=True))
        case "piecewise_exponential":
            return steps_mean(own["steps"])
        case "survival_table":
            return steps_mean(survival_steps(own["points"], then=None))
        case "life_table":
            return steps_mean(life_table_steps(own["ages"], own["rates"]))
    raise AssertionError(family)


def gompertz_mean(shape: float, rate: float) -> float:
    """exp(eta) E1(eta) / shape with eta = rate / shape; inf where the distribution is improper."""
    if rate <= 0.0 or shape < 0.0:
        return math.inf
    if shape == 0.0:
        return 1.0 / rate
    return scaled_e1(rate / shape) / shape


def scaled_e1(eta: float) -> float:
    """exp(eta) E1(eta), the mean of a Gompertz variable with shape 1 and rate eta."""
    if eta < 500.0:
        return float(math.exp(eta) * special.exp1(eta))
    return 1.0 / eta * (1.0 - 1.0 / eta * (1.0 - 2.0 / eta * (1.0 - 3.0 / eta * (1.0 - 4.0 / eta))))


def gompertz_variance(eta: float) -> float:
    """Variance of a Gompertz variable with shape 1 and rate eta, by quadrature."""
    mean = scaled_e1(eta)
    end = math.log1p(745.0 / eta)

    def tail(x: float) -> float:
        return x * math.exp(-eta * math.expm1(x))

    second, _ = integrate.quad(
        tail, 0.0, end, epsabs=0.0, epsrel=1e-12, limit=200, points=[min(mean, end / 2.0)]
    )
    return float(2.0 * second - mean**2)


def positive_normal_mean(mean: float, sd: float) -> float:
    """Mean of a normal given that it is positive."""
    c = mean / sd
    return mean + sd * math.exp(-0.5 * c * c - 0.5 * math.log(2.0 * math.pi) - float(special.log_ndtr(c)))


def steps_mean(steps: tuple[tuple[float, float], ...]) -> float:
    """Mean of a distribution with a piecewise constant hazard."""
    total, survival = 0.0, 1.0
    for (begin, rate), (end, _) in pairwise(steps):
        width = end - begin
        total += survival * (-math.expm1(-rate * width) / rate if rate > 0.0 else width)
        survival *= math.exp(-rate * width)
    last = steps[-1][1]
    return total + survival / last if last > 0.0 else math.inf


def spline_mean(leaf: Leaf) -> float:
    """Mean of a spline distribution, by quadrature of survival over log time; inf where it is infinite."""
    numbers = np.array(leaf.numbers)
    last = float(numbers[1 + int(numbers[1])])
    slope = float(numbers[-3])
    if slope <= 0.0 or (leaf.numbers[0] == 1.0 and slope <= 1.0):
        return math.inf

    def tail(x: float) -> float:
        return math.exp(x - leaf_hazard(leaf.kind, numbers, 0, math.exp(x)))

    knots = [float(knot) for knot in numbers[2 : 2 + int(numbers[1])]]
    ends = [min(knots[0] - 40.0, -40.0), *knots, last + 5.0, last + 20.0, last + 200.0]
    within = [end for end in ends if end < LONGEST_LOG]
    if len(within) < len(ends):
        within.append(LONGEST_LOG)
    parts = [integrate.quad(tail, a, b, epsrel=1e-10, limit=200)[0] for a, b in pairwise(within)]
    total = math.fsum(parts)
    if len(within) < len(ends) and not tail(LONGEST_LOG) < 1e-10 * total:
        return math.inf
    return total


def listed_median(values: tuple[float, ...], shares: list[float]) -> float:
    """The first value at which half of a list is reached."""
    reached = 0.0
    for value, share in sorted(zip(values, shares, strict=True)):
        reached += share
        if reached >= 0.5 - 1e-12:
            return value
    return max(values)
