"""Moments of families that have no scale: Gompertz, positive normal, piecewise exponential."""

from __future__ import annotations

import math
from itertools import pairwise

import scipy

from sim.distributions.steps import EVENLY


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
        return float(math.exp(eta) * scipy.special.exp1(eta))
    return 1.0 / eta * (1.0 - 1.0 / eta * (1.0 - 2.0 / eta * (1.0 - 3.0 / eta * (1.0 - 4.0 / eta))))


def gompertz_variance(eta: float) -> float:
    """Variance of a Gompertz variable with shape 1 and rate eta, by quadrature."""
    mean = scaled_e1(eta)
    end = math.log1p(745.0 / eta)

    def tail(x: float) -> float:
        return x * math.exp(-eta * math.expm1(x))

    second, _ = scipy.integrate.quad(
        tail, 0.0, end, epsabs=0.0, epsrel=1e-12, limit=200, points=[min(mean, end / 2.0)]
    )
    return float(2.0 * second - mean**2)


def positive_normal_mean(mean: float, sd: float) -> float:
    """Mean of a normal given that it is positive."""
    c = mean / sd
    return mean + sd * math.exp(
        -0.5 * c * c - 0.5 * math.log(2.0 * math.pi) - float(scipy.special.log_ndtr(c))
    )


def steps_mean(steps: tuple[tuple[float, float], ...]) -> float:
    """Mean of a distribution with a piecewise constant hazard."""
    total, survival = 0.0, 1.0
    for (begin, rate), (end, _) in pairwise(steps):
        width = end - begin
        if rate == EVENLY:
            return total + 0.5 * survival * width
        total += survival * (-math.expm1(-rate * width) / rate if rate > 0.0 else width)
        survival *= math.exp(-rate * width)
    last = steps[-1][1]
    return total + survival / last if last > 0.0 else math.inf
