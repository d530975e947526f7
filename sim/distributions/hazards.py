"""Log hazard and cumulative hazard of each family at many times: what a likelihood needs.

The cumulative hazard is that of `leaves.leaf_hazard`, without tables over the normal score, so that it is
smooth in the arguments. Own arguments are those of `arguments.OWN`, in any unit of time; times are above 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim.distributions.tabulated import f_degrees

Floats = NDArray[np.float64]
Own = Mapping[str, Any]
Hazards = tuple[Floats, Floats]
"""The logarithm of the hazard, and the cumulative hazard."""

LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)
SMALLEST_Q, SMALLEST_P = 1e-6, 1e-9
"""Below them a generalised gamma is a lognormal, and a generalised F a generalised gamma."""


def hazards(family: str, own: Own, time: Floats) -> Hazards:
    """Log hazard and cumulative hazard of a family, each of shape [n_times].

    own: `mixture_cure` has `cured`, and `of`, a family with its own arguments. What no float holds is
    inf or nan, without a warning. Raises: KeyError for a family that has no density in closed form.
    """
    with np.errstate(all="ignore"):
        return OF_FAMILY[family](own, time)


def _exponential(own: Own, time: Floats) -> Hazards:
    return np.full(len(time), np.log(own["rate"])), own["rate"] * time


def _weibull(own: Own, time: Floats) -> Hazards:
    return _power(own["shape"], -own["shape"] * np.log(own["scale"]), time)


def _weibull_ph(own: Own, time: Floats) -> Hazards:
    return _power(own["shape"], np.log(own["scale"]), time)


def _power(shape: float, log_factor: float, time: Floats) -> Hazards:
    log_hazard = log_factor + shape * np.log(time)
    return np.log(shape) + log_hazard - np.log(time), np.exp(log_hazard)


def _gompertz(own: Own, time: Floats) -> Hazards:
    shape, rate = own["shape"], own["rate"]
    reached = np.expm1(shape * time) / shape if shape != 0.0 else time
    return np.log(rate) + shape * time, rate * reached


def _lognormal(own: Own, time: Floats) -> Hazards:
    z = (np.log(time) - own["meanlog"]) / own["sdlog"]
    reached = -special.log_ndtr(-z)
    return _log_normal_density(z) - np.log(own["sdlog"]) - np.log(time) + reached, reached


def _log_normal_density(z: Floats) -> Floats:
    return -0.5 * z**2 - LOG_ROOT_TWO_PI


def _loglogistic(own: Own, time: Floats) -> Hazards:
    odds = own["shape"] * (np.log(time) - np.log(own["scale"]))
    reached = np.logaddexp(0.0, odds)
    return np.log(own["shape"]) - np.log(time) + odds - reached, reached


def _normal(own: Own, time: Floats) -> Hazards:
    mean, sd = own["mean"], own["sd"]
    z = (time - mean) / sd
    left = special.log_ndtr(-z)
    return _log_normal_density(z) - np.log(sd) - left, special.log_ndtr(mean / sd) - left


def _gamma(own: Own, time: Floats) -> Hazards:
    shape, x = own["shape"], own["rate"] * time
    reached = _gamma_hazard(shape, x)
    return shape * np.log(x) - x - special.gammaln(shape) - np.log(time) + reached, reached


def _gamma_hazard(shape: float, x: Floats, *, upwards: bool = True) -> Floats:
    """Minus the log of the probability that a gamma variable is above x, or below it."""
    above: Floats = np.asarray(special.gammaincc(shape, x), dtype=np.float64)
    below: Floats = np.asarray(special.gammainc(shape, x), dtype=np.float64)
    left, gone = (above, below) if upwards else (below, above)
    if upwards:  # the first term of the series in 1 / x
        beyond = x - (shape - 1.0) * np.log(x) + special.gammaln(shape)
    else:  # the first term of the series in x
        beyond = special.gammaln(shape + 1.0) - shape * np.log(x)
    return _minus_log(left, gone, beyond)


def _minus_log(left: Floats, gone: Floats, beyond: Floats) -> Floats:
    """Minus the log of a probability from it and its complement; `beyond` where it is below all floats."""
    return np.where(gone < 0.5, -np.log1p(-gone), np.where(left > 0.0, -np.log(left), beyond))


def _generalised_gamma(own: Own, time: Floats) -> Hazards:
    """Prentice 1974, doi:10.1093/biomet/61.3.539; the log density by Stirling's series where Q is small."""
    mu, sigma, q = own["mu"], own["sigma"], own["Q"]
    if abs(q) < SMALLEST_Q:
        return _lognormal({"meanlog": mu, "sdlog": sigma}, time)
    a = 1.0 / q**2
    bent = q * (np.log(time) - mu) / sigma
    reached = _gamma_hazard(a, a * np.exp(bent), upwards=q > 0.0)
    constant = math.log(abs(q)) + a * math.log(a) - a - special.gammaln(a)
    if abs(q) < 0.01:
        constant = -LOG_ROOT_TWO_PI - 1.0 / (12.0 * a) + 1.0 / (360.0 * a**3)
    density = constant - a * _beyond_linear(bent) - np.log(sigma) - np.log(time)
    return density + reached, reached


def _beyond_linear(x: Floats) -> Floats:
    """exp(x) - 1 - x."""
    series = x**2 * (1.0 / 2 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120 + x / 720))))
    return np.where(np.abs(x) < 0.01, series, np.expm1(x) - x)


def _generalised_f(own: Own, time: Floats) -> Hazards:
    """Prentice 1975, doi:10.1093/biomet/62.3.607."""
    if own["P"] < SMALLEST_P:
        return _generalised_gamma(own, time)
    s1, s2, delta = f_degrees(own["Q"], own["P"])
    w = delta * (np.log(time) - own["mu"]) / own["sigma"] + math.log(s1 / s2)
    share, rest = special.expit(w), special.expit(-w)
    log_beta = special.betaln(s1, s2)
    beyond = s2 * w + math.log(s2) + log_beta
    reached = _minus_log(special.betainc(s2, s1, rest), special.betainc(s1, s2, share), beyond)
    density = s1 * w - (s1 + s2) * np.logaddexp(0.0, w) - log_beta
    return density + np.log(delta) - np.log(own["sigma"]) - np.log(time) + reached, reached


def _royston_parmar(own: Own, time: Floats) -> Hazards:
    """Royston and Parmar 2002, doi:10.1002/sim.1203; the log hazard is nan where the spline falls."""
    x = np.log(time)
    values, slopes = spline_basis(x, own["knots"])
    value, slope = values @ np.asarray(own["gamma"]), slopes @ np.asarray(own["gamma"])
    start = np.log(slope) - x
    if own["scale"] == "hazard":
        return start + value, np.exp(value)
    if own["scale"] == "odds":
        reached = np.logaddexp(0.0, value)
        return start + value - reached, reached
    reached = -special.log_ndtr(-value)
    return start + _log_normal_density(value) + reached, reached


def spline_basis(x: Floats, knots: Sequence[float]) -> tuple[Floats, Floats]:
    """The natural cubic spline basis at log times, and its slopes, each of shape [n_times, n_knots]."""
    first, last = knots[0], knots[-1]
    values, slopes = [np.ones(len(x)), x], [np.zeros(len(x)), np.ones(len(x))]
    for knot in knots[1:-1]:
        weight = (last - knot) / (last - first)
        parts = [(1.0, knot), (-weight, first), (weight - 1.0, last)]
        beyond = [(share, np.maximum(x - corner, 0.0)) for share, corner in parts]
        values.append(sum((share * d**3 for share, d in beyond), np.zeros(len(x))))
        slopes.append(sum((3.0 * share * d**2 for share, d in beyond), np.zeros(len(x))))
    return np.column_stack(values), np.column_stack(slopes)


def _piecewise_exponential(own: Own, time: Floats) -> Hazards:
    begins, rates = (np.array(column, dtype=np.float64) for column in zip(*own["steps"], strict=True))
    piece = np.searchsorted(begins, time, side="left") - 1  # a time on a border belongs to the piece before
    reached = np.concatenate([[0.0], np.cumsum(np.diff(begins) * rates[:-1])])
    return np.log(rates)[piece], reached[piece] + rates[piece] * (time - begins[piece])


def _mixture_cure(own: Own, time: Floats) -> Hazards:
    """Survival is cured + (1 - cured) S(t). Boag 1949, doi:10.1111/j.2517-6161.1949.tb00020.x."""
    family, of = own["of"]
    log_hazard, reached = hazards(family, of, time)
    uncured = np.log1p(-own["cured"])
    left = np.logaddexp(np.log(own["cured"]), uncured - reached)
    return uncured + log_hazard - reached - left, -left


OF_FAMILY: Mapping[str, Callable[[Own, Floats], Hazards]] = {
    "exponential": _exponential,
    "gamma": _gamma,
    "generalised_f": _generalised_f,
    "generalised_gamma": _generalised_gamma,
    "gompertz": _gompertz,
    "loglogistic": _loglogistic,
    "lognormal": _lognormal,
    "mixture_cure": _mixture_cure,
    "normal": _normal,
    "piecewise_exponential": _piecewise_exponential,
    "royston_parmar": _royston_parmar,
    "weibull": _weibull,
    "weibull_ph": _weibull_ph,
}
