"""Families that are a scale times a variable with one spread parameter: T = scale x Y(spread).

spread is 1 / shape for weibull and loglogistic, sdlog, sigma, and 1 / sqrt(shape) for gamma. The
logarithm of a quantile of Y rises with the spread in its upper half against its lower, as does the
ratio of sd to mean, so that a fit is one root. Moments are those of flexsurv's families,
doi:10.18637/jss.v070.i08.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from sim.distributions import tabulated
from sim.distributions.score_tables import Tabulated
from sim.numerics.normal import normal_quantile
from sim.numerics.portable import exp, log, log1p

Extra = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scaled:
    """How a family is a scale times a variable.

    shape, scale: the own arguments that carry spread and scale; extra: those that carry neither.
    spread, log_scale: read from the own arguments. own: shape and scale, from spread and log scale.
    log_quantile(spread, extra, p) and log_moment(spread, extra, r), the log of the mean of Y^r,
    inf where there is none. widest(extra, r): spreads below it have a mean of Y^r.
    """

    shape: str
    scale: str
    extra: tuple[str, ...]
    spread: Callable[[Mapping[str, Any]], float]
    log_scale: Callable[[Mapping[str, Any]], float]
    own: Callable[[float, float], tuple[float, float]]
    log_quantile: Callable[[float, Extra, float], float]
    log_moment: Callable[[float, Extra, float], float]
    widest: Callable[[Extra, float], float]


DECIMALS = 14
"""Logarithms from special functions are rounded to these, so that their last bits make no difference."""


def log_gamma_ratio(a: float, s: float) -> float:
    """Logarithm of gamma(a + s) / gamma(a) / a^s; by Stirling's series where a is large."""
    if not a + s > 0.0:
        return math.inf
    if a < 1e5:
        return round(math.lgamma(a + s) - math.lgamma(a) - s * math.log(a), DECIMALS)
    return round((a + s - 0.5) * math.log1p(s / a) - s + (1.0 / (a + s) - 1.0 / a) / 12.0, DECIMALS)


def extreme(spread: float, _: Extra, p: float) -> float:
    """Weibull: log quantile."""
    return spread * log(-log1p(-p))


def extreme_moment(spread: float, _: Extra, r: float) -> float:
    """Weibull: log moment."""
    return round(math.lgamma(1.0 + r * spread), DECIMALS)


def logistic(spread: float, _: Extra, p: float) -> float:
    """Loglogistic: log quantile."""
    return spread * (log(p) - log1p(-p))


def logistic_moment(spread: float, _: Extra, r: float) -> float:
    """Loglogistic: log moment."""
    angle = math.pi * r * spread
    return round(math.log(angle / math.sin(angle)), DECIMALS) if angle < math.pi else math.inf


def gamma_quantile(spread: float, _: Extra, p: float) -> float:
    """Gamma: log quantile at rate 1."""
    return at_probability(tabulated.log_gamma(1.0 / (spread * spread)), p)


def gamma_moment(spread: float, _: Extra, r: float) -> float:
    """Gamma: log moment at rate 1."""
    a = 1.0 / (spread * spread)
    return (log_gamma_ratio(a, r) if r != 1.0 else 0.0) + r * log(a)


def generalised_gamma_quantile(spread: float, extra: Extra, p: float) -> float:
    """Generalised gamma: log quantile at mu 0."""
    (q,) = extra
    if q == 0.0:
        return spread * normal_quantile(p)
    return spread * at_probability(tabulated.generalised_gamma(0.0, 1.0, q), p)


def generalised_gamma_moment(spread: float, extra: Extra, r: float) -> float:
    """Generalised gamma: log moment at mu 0."""
    (q,) = extra
    if q == 0.0:
        return (r * spread) ** 2 / 2.0
    return log_gamma_ratio(1.0 / (q * q), r * spread / q)


def generalised_f_quantile(spread: float, extra: Extra, p: float) -> float:
    """Generalised F: log quantile at mu 0."""
    q, f = extra
    if f == 0.0:
        return generalised_gamma_quantile(spread, (q,), p)
    return spread * at_probability(tabulated.generalised_f(0.0, 1.0, q, f), p)


def generalised_f_moment(spread: float, extra: Extra, r: float) -> float:
    """Generalised F: log moment at mu 0."""
    q, f = extra
    if f == 0.0:
        return generalised_gamma_moment(spread, (q,), r)
    s1, s2, delta = tabulated.f_degrees(q, f)
    return log_gamma_ratio(s1, r * spread / delta) + log_gamma_ratio(s2, -r * spread / delta)


def generalised_widest(extra: Extra, r: float) -> float:
    """Spreads below it have a mean of Y^r."""
    q, f = (*extra, 0.0)[:2]
    if f == 0.0:
        return math.inf if q >= 0.0 else -1.0 / (q * r)
    _, s2, delta = tabulated.f_degrees(q, f)
    return s2 * delta / r


def at_probability(table: Tabulated, p: float) -> float:
    """The value of a tabulated distribution at one probability."""
    with np.errstate(all="ignore"):
        value, _, _ = table(np.array([scipy.special.ndtri(p)]))
    return round(float(value[0]), DECIMALS)


def always(_: Extra, __: float) -> float:
    """Every spread has all moments."""
    return math.inf


SCALED: Mapping[str, Scaled] = {
    "weibull": Scaled(
        "shape",
        "scale",
        (),
        lambda own: 1.0 / own["shape"],
        lambda own: log(own["scale"]),
        lambda spread, log_scale: (1.0 / spread, exp(log_scale)),
        extreme,
        extreme_moment,
        always,
    ),
    "weibull_ph": Scaled(
        "shape",
        "scale",
        (),
        lambda own: 1.0 / own["shape"],
        lambda own: -log(own["scale"]) / own["shape"],
        lambda spread, log_scale: (1.0 / spread, exp(-log_scale / spread)),
        extreme,
        extreme_moment,
        always,
    ),
    "loglogistic": Scaled(
        "shape",
        "scale",
        (),
        lambda own: 1.0 / own["shape"],
        lambda own: log(own["scale"]),
        lambda spread, log_scale: (1.0 / spread, exp(log_scale)),
        logistic,
        logistic_moment,
        lambda _, r: 1.0 / r,
    ),
    "lognormal": Scaled(
        "sdlog",
        "meanlog",
        (),
        lambda own: float(own["sdlog"]),
        lambda own: float(own["meanlog"]),
        lambda spread, log_scale: (spread, log_scale),
        lambda spread, _, p: spread * normal_quantile(p),
        lambda spread, _, r: (r * spread) ** 2 / 2.0,
        always,
    ),
    "gamma": Scaled(
        "shape",
        "rate",
        (),
        lambda own: 1.0 / math.sqrt(own["shape"]),
        lambda own: -log(own["rate"]),
        lambda spread, log_scale: (1.0 / (spread * spread), exp(-log_scale)),
        gamma_quantile,
        gamma_moment,
        always,
    ),
    "generalised_gamma": Scaled(
        "sigma",
        "mu",
        ("Q",),
        lambda own: float(own["sigma"]),
        lambda own: float(own["mu"]),
        lambda spread, log_scale: (spread, log_scale),
        generalised_gamma_quantile,
        generalised_gamma_moment,
        generalised_widest,
    ),
    "generalised_f": Scaled(
        "sigma",
        "mu",
        ("Q", "P"),
        lambda own: float(own["sigma"]),
        lambda own: float(own["mu"]),
        lambda spread, log_scale: (spread, log_scale),
        generalised_f_quantile,
        generalised_f_moment,
        generalised_widest,
    ),
}
