"""Distributions tabulated over the normal score: gamma, generalised gamma and F, beta.

Each function gives value, slope and curvature at scores z. With F the distribution function and g
its density on the scale of the value y, F(y) = cdf(z) makes the slope phi(z) / g and the curvature
slope x (-z - (log g)' x slope). Infinities that do not reach the result are left to numpy.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import scipy
from numpy.polynomial import Polynomial
from numpy.typing import NDArray

from sim.distributions.score_tables import Tabulated

Floats = NDArray[np.float64]

LARGE = 1e4
"""Shapes of a gamma above it are taken from a series in 1 / sqrt(shape), to the ORDER below."""
ORDER = 10
TINY = 1e-12
"""Below it a gamma or beta quantile is taken from the first term of its series."""


def with_derivatives(
    z: Floats, value: Floats, log_density: Floats, its_slope: Floats
) -> tuple[Floats, Floats, Floats]:
    """Value, slope and curvature from the log density on the value's scale and its derivative."""
    slope = np.exp(-0.5 * z**2 - 0.5 * math.log(2.0 * math.pi) - log_density)
    return value, slope, slope * (-z - its_slope * slope)


def log_gamma(shape: float) -> Tabulated:
    """The logarithm of a gamma variable with rate 1."""
    if shape > LARGE:
        near = near_normal(1.0 / math.sqrt(shape))
        return moved(near, by=math.log(shape), times=1.0 / math.sqrt(shape))

    def at_scores(z: Floats) -> tuple[Floats, Floats, Floats]:
        y = np.where(
            z <= 0.0,
            scipy.special.gammaincinv(shape, scipy.special.ndtr(z)),
            scipy.special.gammainccinv(shape, scipy.special.ndtr(-z)),
        )
        series = (scipy.special.log_ndtr(z) + scipy.special.gammaln(shape + 1.0)) / shape
        value = np.where(y > TINY, np.log(y), series)
        density = shape * value - np.exp(value) - scipy.special.gammaln(shape)
        return with_derivatives(z, value, density, shape - np.exp(value))

    return at_scores


def near_normal(q: float) -> Tabulated:
    """log(q^2 G) / q, G gamma with shape 1 / q^2, for a small q > 0: a series in q about the score itself."""
    value = sum((q**k * term for k, term in enumerate(series_terms())), Polynomial([0.0]))
    slope, curvature = value.deriv(), value.deriv(2)
    return lambda z: (value(z), slope(z), curvature(z))


@cache
def series_terms() -> tuple[Polynomial, ...]:
    """The polynomials p_k of w(z) = z + q p_1(z) + q^2 p_2(z) + ..., in which w is log(q^2 G) / q.

    With f the density of w, w' = phi(z) / f(w) reads, in logarithms,
    log w' = w^2/2 - z^2/2 + q w^3/3! + q^2 w^4/4! + ... + q^2/12 - q^6/360 + q^10/1260, the last
    from Stirling's series; at order k, p_k' - z p_k is what the lower orders leave.
    """
    zero, z = Polynomial([0.0]), Polynomial([0.0, 1.0])
    stirling = {2: 1.0 / 12.0, 6: -1.0 / 360.0, 10: 1.0 / 1260.0}
    terms = [z]
    for k in range(1, ORDER + 1):
        w = [*terms, zero]
        left = Polynomial([stirling.get(k, 0.0)])
        power = w
        for m in range(2, k + 3):
            power = [sum((power[i] * w[j - i] for i in range(j + 1)), zero) for j in range(k + 1)]
            left += power[k + 2 - m] / math.factorial(m)
        slopes = [zero, *(term.deriv() for term in terms[1:]), zero]
        logs = [zero] * (k + 1)
        for j in range(1, k + 1):
            known = sum((i * logs[i] * slopes[j - i] for i in range(1, j)), zero)
            logs[j] = slopes[j] - known / j
        terms.append(solved(left - logs[k], degree=k + 1))
    return tuple(terms)


def solved(left: Polynomial, *, degree: int) -> Polynomial:
    """The polynomial p with p'(z) - z p(z) = left(z)."""
    known = np.zeros(degree + 3)
    known[: len(left.coef)] = left.coef[: degree + 3]
    found = np.zeros(degree + 3)
    for j in range(degree + 1, 0, -1):
        found[j - 1] = (j + 1) * found[j + 1] - known[j]
    return Polynomial(found[: degree + 1])


def moved(table: Tabulated, *, by: float, times: float = 1.0) -> Tabulated:
    """A table with its values multiplied and moved."""

    def at_scores(z: Floats) -> tuple[Floats, Floats, Floats]:
        value, slope, curvature = table(z)
        return by + times * value, times * slope, times * curvature

    return at_scores


def generalised_gamma(mu: float, sigma: float, q: float) -> Tabulated:
    """The log of a generalised gamma variable: mu + sigma / Q log(Q^2 G), G gamma with shape 1 / Q^2.

    Prentice's parameterisation, Biometrika 61 (1974), 539-544, doi:10.1093/biomet/61.3.539.
    """
    size = abs(q)
    if 1.0 / size**2 > LARGE:
        standard = near_normal(size)
    else:
        standard = moved(log_gamma(1.0 / size**2), by=2.0 * math.log(size) / size, times=1.0 / size)
    if q > 0.0:
        return moved(standard, by=mu, times=sigma)

    def mirrored(z: Floats) -> tuple[Floats, Floats, Floats]:
        value, slope, curvature = standard(-z)
        return mu - sigma * value, sigma * slope, -sigma * curvature

    return mirrored


def generalised_f(mu: float, sigma: float, q: float, p: float) -> Tabulated:
    """The log of a generalised F variable: mu + sigma / delta log F with 2 s1 and 2 s2 degrees of freedom.

    Prentice, Biometrika 62 (1975), 607-614, doi:10.1093/biomet/62.3.607; as in flexsurv.
    """
    s1, s2, delta = f_degrees(q, p)
    factor = sigma / delta

    def at_scores(z: Floats) -> tuple[Floats, Floats, Floats]:
        log_b, log_rest = log_beta_parts(s1, s2, z)
        value = log_b - log_rest + math.log(s2 / s1)
        density = s1 * log_b + s2 * log_rest - scipy.special.betaln(s1, s2)
        own, slope, curvature = with_derivatives(
            z, value, density, s1 * np.exp(log_rest) - s2 * np.exp(log_b)
        )
        return mu + factor * own, factor * slope, factor * curvature

    return at_scores


def f_degrees(q: float, p: float) -> tuple[float, float, float]:
    """s1, s2 and delta of a generalised F with Q and P > 0."""
    delta = math.sqrt(q * q + 2.0 * p)
    # q^2 + 2p - |q| delta loses digits; the product of both is 2 p (q^2 + 2 p)
    large = q * q + 2.0 * p + abs(q) * delta
    small = 2.0 * p * (q * q + 2.0 * p) / large
    return (2.0 / large, 2.0 / small, delta) if q >= 0.0 else (2.0 / small, 2.0 / large, delta)


def log_beta_parts(a: float, b: float, z: Floats) -> tuple[Floats, Floats]:
    """Logarithms of B and 1 - B at scores z, for B with a beta distribution."""
    below, above = scipy.special.ndtr(z), scipy.special.ndtr(-z)
    lower = z <= 0.0
    part = np.where(lower, scipy.special.betaincinv(a, b, below), scipy.special.betainccinv(a, b, above))
    rest = np.where(lower, scipy.special.betainccinv(b, a, below), scipy.special.betaincinv(b, a, above))
    first = (scipy.special.log_ndtr(z) + math.log(a) + scipy.special.betaln(a, b)) / a
    second = (scipy.special.log_ndtr(-z) + math.log(b) + scipy.special.betaln(a, b)) / b
    small, small_rest = TINY / (1.0 + b), TINY / (1.0 + a)
    log_part = np.where(part > small, np.log(part), np.minimum(first, math.log(small)))
    log_rest = np.where(rest > small_rest, np.log(rest), np.minimum(second, math.log(small_rest)))
    return (
        np.where(part < 0.5, log_part, np.log1p(-np.exp(log_rest))),
        np.where(rest < 0.5, log_rest, np.log1p(-np.exp(log_part))),
    )


def beta(a: float, b: float, low: float, high: float) -> Tabulated:
    """A beta variable stretched to [low, high]."""

    def at_scores(z: Floats) -> tuple[Floats, Floats, Floats]:
        log_b, log_rest = log_beta_parts(a, b, z)
        value = np.where(log_b < math.log(0.5), np.exp(log_b), -np.expm1(log_rest))
        density = (a - 1.0) * log_b + (b - 1.0) * log_rest - scipy.special.betaln(a, b)
        # slope phi / g; the curvature in a form that does not divide by what may be 0
        log_slope = -0.5 * z**2 - 0.5 * math.log(2.0 * math.pi) - density
        slope = np.exp(log_slope)
        bend = (a - 1.0) * np.exp(2.0 * log_slope - log_b) - (b - 1.0) * np.exp(2.0 * log_slope - log_rest)
        width = high - low
        return low + width * value, width * slope, width * (-z * slope - bend)

    return at_scores
