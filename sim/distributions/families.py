"""The families of the language: from the arguments of a distribution to a leaf.

Parameterisations are those of R's flexsurv (Jackson, Journal of Statistical Software 70 (2016) 8,
doi:10.18637/jss.v070.i08). Times in days, rates per day. Errors are ValueErrors whose text is
the fact, a colon, and the nearest fix.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import scipy

from sim.distributions import leaves, tabulated
from sim.distributions.fits import own_arguments
from sim.distributions.leaves import leaf_hazard, leaf_quantile
from sim.distributions.moments import gompertz_mean, positive_normal_mean, steps_mean
from sim.distributions.scaled import SCALED
from sim.distributions.score_tables import score_table
from sim.distributions.splines import spline_numbers
from sim.distributions.steps import (
    categorical_numbers,
    filled,
    life_table_steps,
    poisson_numbers,
    steps_numbers,
    survival_steps,
)
from sim.numerics.normal import normal_hazard
from sim.numerics.portable import exp, log

LONGEST_LOG = 709.0
"""The logarithm of about the longest time that a float holds."""

Own = Mapping[str, Any]
"""A family's own arguments."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A distribution without choices or modifiers.

    kind, numbers: what the compiled kernel reads, as in `leaves`. family, own: the family and its own
    arguments, sorted by name, for mean and median.
    """

    kind: int
    numbers: tuple[float, ...]
    family: str = ""
    own: tuple[tuple[str, Any], ...] = ()


def leaf(family: str, arguments: Mapping[str, Any]) -> Leaf:
    """The leaf of a family with these arguments, all plain numbers (see `language.model.Arguments`).

    Families besides those of section "Times" of the reference: `constant` (value) is `fixed`,
    `normal_number` a normal that may be negative, `beta`, `poisson`, and `categorical` (times,
    probabilities; at most one of these the word `rest`).
    Raises: ValueError, "fact: nearest fix".
    """
    return _made(family, _own(family, arguments))


def checked_leaf(family: str, arguments: Mapping[str, Any]) -> Leaf:
    """The leaf, checked as `leaf` does, but without the table where one is sure to exist.

    Raises: ValueError, as `leaf`.
    """
    own = _own(family, arguments)
    if family in TABLED and all(low <= own[name] <= high for name, (low, high) in TABLED[family].items()):
        return Leaf(leaves.LOG_SCORES, (), family)
    return _made(family, own)


def _own(family: str, arguments: Mapping[str, Any]) -> Own:
    if family not in MAKERS:
        raise ValueError(f"there is no family {family!r}: use one of {', '.join(sorted(MAKERS))}")
    return own_arguments(family, arguments)


def _made(family: str, own: Own) -> Leaf:
    kind, numbers = MAKERS[family](own)
    return Leaf(kind, tuple(float(number) for number in numbers), family, tuple(sorted(own.items())))


# ---------------------------------------------------------------- one maker a family

Made = tuple[int, tuple[float, ...]]


def _constant(own: Own) -> Made:
    return leaves.CONSTANT, (own["value"],)


def _uniform(own: Own) -> Made:
    low, high = own["low"], own["high"]
    return (leaves.CONSTANT, (low,)) if low == high else (leaves.UNIFORM, (low, high))


def _triangular(own: Own) -> Made:
    low, mode, high = own["low"], own["mode"], own["high"]
    return (leaves.CONSTANT, (low,)) if low == high else (leaves.TRIANGULAR, (low, mode, high))


def _pert(own: Own) -> Made:
    low, mode, high = own["low"], own["mode"], own["high"]
    if low == high:
        return leaves.CONSTANT, (low,)
    a, b = 1.0 + 4.0 * (mode - low) / (high - low), 1.0 + 4.0 * (high - mode) / (high - low)
    return leaves.SCORES, score_table(tabulated.beta(a, b, low, high), low=low, high=high, last=12.0)


def _beta(own: Own) -> Made:
    return leaves.SCORES, score_table(
        tabulated.beta(own["a"], own["b"], 0.0, 1.0), low=0.0, high=1.0, last=12.0
    )


def _exponential(own: Own) -> Made:
    rate = own["rate"]
    return leaves.EXPONENTIAL, (rate, 1.0 / rate if rate > 0.0 else math.inf)


def _weibull(own: Own) -> Made:
    return leaves.WEIBULL, (1.0 / own["shape"], log(own["scale"]), own["shape"])


def _weibull_ph(own: Own) -> Made:
    return leaves.WEIBULL, (1.0 / own["shape"], -log(own["scale"]) / own["shape"], own["shape"])


def _gompertz(own: Own) -> Made:
    return leaves.GOMPERTZ, (own["shape"], own["rate"])


def _lognormal(own: Own) -> Made:
    return leaves.LOGNORMAL, (own["meanlog"], own["sdlog"])


def _loglogistic(own: Own) -> Made:
    return leaves.LOGLOGISTIC, (1.0 / own["shape"], log(own["scale"]), own["shape"])


def _gamma(own: Own) -> Made:
    table = tabulated.moved(tabulated.log_gamma(own["shape"]), by=-log(own["rate"]))
    return leaves.LOG_SCORES, score_table(table)


def _generalised_gamma(own: Own) -> Made:
    if own["Q"] == 0.0:
        return leaves.LOGNORMAL, (own["mu"], own["sigma"])
    return leaves.LOG_SCORES, score_table(tabulated.generalised_gamma(own["mu"], own["sigma"], own["Q"]))


def _generalised_f(own: Own) -> Made:
    if own["P"] == 0.0:
        return _generalised_gamma(own)
    return leaves.LOG_SCORES, score_table(
        tabulated.generalised_f(own["mu"], own["sigma"], own["Q"], own["P"])
    )


def _royston_parmar(own: Own) -> Made:
    return leaves.SPLINE, spline_numbers(own["scale"], own["gamma"], own["knots"])


def _normal(own: Own) -> Made:
    mean, sd = own["mean"], own["sd"]
    return leaves.POSITIVE_NORMAL, (mean, sd, normal_hazard(-mean / sd))


def _normal_number(own: Own) -> Made:
    return leaves.NORMAL, (own["mean"], own["sd"])


def _poisson(own: Own) -> Made:
    return leaves.DISCRETE, poisson_numbers(own["mean"])


def _piecewise_exponential(own: Own) -> Made:
    return leaves.STEPS, steps_numbers(own["steps"])


def _survival_table(own: Own) -> Made:
    return leaves.STEPS, steps_numbers(survival_steps(own["points"], then=None))


def _life_table(own: Own) -> Made:
    return leaves.STEPS, steps_numbers(life_table_steps(own["ages"], own["rates"]))


def _categorical(own: Own) -> Made:
    return leaves.LISTED, categorical_numbers(own["times"], own["probabilities"])


MAKERS: Mapping[str, Callable[[Own], Made]] = {
    "beta": _beta,
    "categorical": _categorical,
    "constant": _constant,
    "exponential": _exponential,
    "fixed": _constant,
    "gamma": _gamma,
    "generalised_f": _generalised_f,
    "generalised_gamma": _generalised_gamma,
    "gompertz": _gompertz,
    "life_table": _life_table,
    "loglogistic": _loglogistic,
    "lognormal": _lognormal,
    "normal": _normal,
    "normal_number": _normal_number,
    "pert": _pert,
    "piecewise_exponential": _piecewise_exponential,
    "poisson": _poisson,
    "royston_parmar": _royston_parmar,
    "survival_table": _survival_table,
    "triangular": _triangular,
    "uniform": _uniform,
    "weibull": _weibull,
    "weibull_ph": _weibull_ph,
}

TABLED: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "gamma": {"shape": (0.02, 1e8), "rate": (1e-15, 1e15)},
    "generalised_gamma": {"mu": (-30.0, 30.0), "sigma": (0.01, 10.0), "Q": (-3.0, 3.0)},
}
"""Arguments within which a table over the normal score has no figure beyond what numbers can hold."""


# ---------------------------------------------------------------- means and medians


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


def spline_mean(leaf: Leaf) -> float:
    """Mean of a spline distribution, by quadrature of survival over log time; inf where it is infinite."""
    numbers = np.array(leaf.numbers)
    last = float(numbers[1 + int(numbers[1])])
    slope = float(numbers[-3])
    is_of_odds = leaf.numbers[0] == 1.0
    if is_of_odds and slope <= 1.0:
        return math.inf

    def tail(x: float) -> float:
        return math.exp(x - leaf_hazard(leaf.kind, numbers, 0, math.exp(x)))

    knots = [float(knot) for knot in numbers[2 : 2 + int(numbers[1])]]
    ends = [min(knots[0] - 40.0, -40.0), *knots, last + 5.0, last + 20.0, last + 200.0]
    within = [*(end for end in ends if end < LONGEST_LOG), LONGEST_LOG]
    parts = [
        scipy.integrate.quad(tail, a, b, epsrel=1e-10, limit=200, full_output=1)[0]  # 1: without warnings
        for a, b in pairwise(within)
    ]
    total, last_part = math.fsum(parts), tail(LONGEST_LOG)
    if is_of_odds:  # so far out survival equals its odds, a power of time
        return total + last_part / (slope - 1.0)
    return total if last_part < 1e-10 * total else math.inf


def listed_median(values: tuple[float, ...], shares: list[float]) -> float:
    """The first value at which half of a list is reached."""
    ordered = sorted(zip(values, shares, strict=True))
    reached = accumulate(share for _, share in ordered)
    return next(value for (value, _), total in zip(ordered, reached, strict=True) if total >= 0.5 - 1e-12)
