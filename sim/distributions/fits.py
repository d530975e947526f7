"""Arguments as papers print them: a mean, median, quartiles or survival in place of a family's own.

Each fit is exact: it finds the distribution with the printed numbers, or says why there is none. What
is solved for is rounded to fourteen digits, so that every machine agrees on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import scipy

from sim.distributions.arguments import OWN, PRINTED, checked, complete, listed, wanted
from sim.distributions.moments import gompertz_variance, scaled_e1
from sim.distributions.scaled import SCALED, Extra, Scaled
from sim.distributions.steps import survival_steps
from sim.numerics.normal import normal_quantile
from sim.numerics.portable import expm1, log, log1p

NARROWEST, WIDEST = 1e-4, 1e3
"""The range of spreads of a fit; beyond it a distribution is a point, or has no middle."""

Given = Mapping[str, Any]


def own_arguments(family: str, arguments: Given) -> dict[str, Any]:
    """The family's own arguments, checked, and solved for where the distribution is given by printed numbers.

    Raises: ValueError, "fact: nearest fix".
    """
    given = checked(family, arguments)
    printed = [name for name in given if name in PRINTED and name not in OWN[family]]
    if family == "piecewise_exponential" and (printed or "then" in given):
        return complete(family, {"steps": piecewise_steps(given)})
    if not printed:
        return complete(family, given)
    check_consistent(family, given)
    return complete(family, fitted(family, given))


def fitted(family: str, given: Given) -> dict[str, Any]:
    """The own arguments of a family given by the numbers that a paper prints."""
    if family == "exponential":
        return {"rate": exponential_rate(given)}
    if family == "gompertz":
        return gompertz(given)
    if family == "normal_number":
        return normal_number(given)
    if family == "normal":
        return normal(given)
    if family == "beta":
        return beta(given)
    return scaled(family, given)


def check_consistent(family: str, given: Given) -> None:
    """Raises: ValueError where the printed numbers are too many or too few."""
    middles = [name for name in ("mean", "median", "iqr", "survival") if name in given]
    if family in ("normal", "normal_number") and middles != ["mean"]:
        middles = [name for name in middles if name != "mean"] or middles
    if len(middles) > 1:
        fix = "give one of them"
        if middles == ["median", "survival"]:
            fix = "write the median as a point of survival, 0.5 at its time"
        raise ValueError(f"{listed(middles)} together are too much for {family}: {fix}")
    if "sd" in given and not {"mean", "median"} & set(middles) and "sd" not in OWN[family]:
        raise ValueError(f"sd does not go with {listed(middles) if middles else 'this'}: {wanted(family)}")


def rounded(value: float) -> float:
    """To fourteen significant digits."""
    return float(f"{value:.13e}")


def rising_root(function: Callable[[float], float], low: float, high: float) -> float:
    """The root of a rising function between low and high, by bisection; it may be inf at the end."""
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if function(middle) < 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def points_of(family: str, given: Given, free: int) -> tuple[tuple[float, float], ...]:
    """The (time, probability of the event by then) points, as many as there are free arguments.

    Raises: ValueError where there are more or fewer.
    """
    if "iqr" in given:
        if free < 2:
            raise ValueError(f"iqr leaves nothing else of {family} to give: {wanted(family)}")
        return ((given["iqr"][0], 0.25), (given["iqr"][1], 0.75))
    points = given["survival"]
    if len(points) != free:
        times = "one time" if len(points) == 1 else f"{len(points)} times"
        left = "one argument is" if free == 1 else "two arguments are"
        fix = (
            "use piecewise_exponential or survival_table for more points"
            if len(points) > free
            else wanted(family)
        )
        raise ValueError(f"survival is given at {times}, but {left} free in {family}: {fix}")
    return tuple((time, 1.0 - survival) for time, survival in points)


# ---------------------------------------------------------------- families with a scale


def scaled(family: str, given: Given) -> dict[str, Any]:
    """Spread and scale of a family that is a scale times a variable."""
    form = SCALED[family]
    if form.scale in given:
        name = next(name for name in given if name in PRINTED)
        raise ValueError(f"{form.scale} and {name} are too much for {family}: {wanted(family)}")
    missing = [name for name in form.extra if name not in given]
    if missing:
        raise ValueError(f"{family} lacks {listed(missing)}: {wanted(family)}")
    extra = tuple(float(given[name]) for name in form.extra)
    if form.shape in given:
        if "sd" in given:
            raise ValueError(f"{form.shape} and sd are too much for {family}: {wanted(family)}")
        spread = form.spread(given)
    else:
        spread = spread_of(family, form, extra, given)
    log_scale = log_scale_of(family, form, extra, spread, given)
    shape, scale = form.own(spread, log_scale)
    own = {form.shape: given.get(form.shape, rounded(shape)), form.scale: scale}
    return {**own, **dict(zip(form.extra, extra, strict=True))}


def log_scale_of(family: str, form: Scaled, extra: Extra, spread: float, given: Given) -> float:
    """The log scale that gives a variable of this spread its mean, median or first point."""
    if "mean" in given:
        if not spread < form.widest(extra, 1.0):
            raise ValueError(f"a {family} with so wide a spread has no mean: give its median")
        return float(log(given["mean"]) - form.log_moment(spread, extra, 1.0))
    if "median" in given:
        return float(log(given["median"]) - form.log_quantile(spread, extra, 0.5))
    time, p = points_of(family, given, 1 if form.shape in given else 2)[0]
    return float(log(time) - form.log_quantile(spread, extra, p))


def spread_of(family: str, form: Scaled, extra: Extra, given: Given) -> float:
    """The spread at which a family has the ratio printed: of sd to mean or median, or of two times."""
    high = WIDEST
    if "iqr" in given or "survival" in given:
        (first, p), (second, q) = points_of(family, given, 2)
        sought = log(second / first)
        printed = f"passes through {1 - p:g} at {first:g} and {1 - q:g} at {second:g} days"

        def off(spread: float) -> float:
            return float(form.log_quantile(spread, extra, q) - form.log_quantile(spread, extra, p) - sought)

    elif "sd" in given:
        middle = "mean" if "mean" in given else "median"
        sought = log(given["sd"] / given[middle])
        printed = f"has {middle} {given[middle]:g} and sd {given['sd']:g}"
        high = min(WIDEST, form.widest(extra, 2.0) * (1.0 - 1e-12))

        def off(spread: float) -> float:
            return log_relative_sd(form, spread, extra, middle) - sought

    else:
        raise ValueError(f"{family} lacks {form.shape}: {wanted(family)}")
    low = NARROWEST
    if off(low) > 0.0 or off(high) < 0.0:
        raise ValueError(f"no {family} {printed}: take another family, or other numbers")
    return rounded(math.exp(rising_root(lambda x: off(math.exp(x)), math.log(low), math.log(high))))


def log_relative_sd(form: Scaled, spread: float, extra: Extra, middle: str) -> float:
    """Logarithm of sd over mean, or over median."""
    first, second = form.log_moment(spread, extra, 1.0), form.log_moment(spread, extra, 2.0)
    if second == math.inf:
        return math.inf
    excess = second - 2.0 * first
    half = 0.5 * (math.log(math.expm1(excess)) if excess < 30.0 else excess) if excess > 0.0 else -math.inf
    return half if middle == "mean" else half + first - form.log_quantile(spread, extra, 0.5)


# ---------------------------------------------------------------- the others


def exponential_rate(given: Given) -> float:
    """The rate of an exponential."""
    if "rate" in given:
        raise ValueError("rate and another are too much for exponential: give one of them")
    if "sd" in given:
        raise ValueError("sd is not free in exponential, it equals the mean: give mean alone, or use gamma")
    if "mean" in given:
        return 1.0 / float(given["mean"])
    if "median" in given:
        return 0.6931471805599453 / float(given["median"])
    ((time, p),) = points_of("exponential", given, 1)
    return float(-log1p(-p)) / time


def gompertz(given: Given) -> dict[str, Any]:
    """Shape and rate of a Gompertz form."""
    if "rate" in given:
        raise ValueError(f"rate and another are too much for gompertz: {wanted('gompertz')}")
    if "shape" in given:
        if "sd" in given:
            raise ValueError(f"shape and sd are too much for gompertz: {wanted('gompertz')}")
        shape = float(given["shape"])
        if "mean" in given:
            return {"shape": shape, "rate": gompertz_rate_of_mean(shape, given["mean"])}
        time, p = (given["median"], 0.5) if "median" in given else points_of("gompertz", given, 1)[0]
        return {"shape": shape, "rate": gompertz_rate(shape, time, p)}
    if "sd" in given:
        return gompertz_of_sd(given)
    if "mean" in given or "median" in given:
        raise ValueError(f"gompertz lacks shape: {wanted('gompertz')}")
    (first, p), (second, q) = points_of("gompertz", given, 2)
    sought = log(log1p(-q) / log1p(-p))

    def off(shape: float) -> float:
        """Logarithm of H(second) / H(first), less what it should be; it rises with the shape."""
        x, y = shape * first, shape * second
        if abs(x) < 1e-8:
            return math.log(second / first) + 0.5 * (y - x) - sought
        if x > 0.0:
            return (y - x) + math.log(math.expm1(-y) / math.expm1(-x)) - sought
        return math.log(math.expm1(y) / math.expm1(x)) - sought

    shape = rounded(rising_root(off, -700.0 / first, 700.0 / first))
    return {"shape": shape, "rate": gompertz_rate(shape, first, p)}


def gompertz_rate(shape: float, time: float, p: float) -> float:
    """The rate with probability p of the event by a time."""
    hazard = float(-log1p(-p))
    return hazard / time if shape == 0.0 else float(hazard * shape / expm1(shape * time))


def gompertz_rate_of_mean(shape: float, mean: float) -> float:
    """The rate that has this mean."""
    if shape < 0.0:
        raise ValueError("a gompertz with a negative shape is improper and has no mean: give its median")
    if shape == 0.0:
        return 1.0 / mean
    sought = mean * shape
    if not scaled_e1(1e-300) > sought:
        raise ValueError(f"no gompertz with shape {shape:g} has mean {mean:g}: give a smaller shape")
    eta = math.exp(rising_root(lambda x: sought - scaled_e1(math.exp(x)), -690.0, 690.0))
    return rounded(eta * shape)


def gompertz_of_sd(given: Given) -> dict[str, Any]:
    """Shape and rate from sd and mean or median: their ratio depends on rate / shape alone."""
    middle = "mean" if "mean" in given else "median"
    sought: float = given["sd"] / given[middle]

    def centre(eta: float) -> float:
        return scaled_e1(eta) if middle == "mean" else math.log1p(math.log(2.0) / eta)

    def off(x: float) -> float:
        eta = math.exp(x)
        return math.sqrt(gompertz_variance(eta)) / centre(eta) - sought

    low, high = -60.0, 12.0
    if off(low) > 0.0 or off(high) < 0.0:
        raise ValueError(
            f"no gompertz has {middle} {given[middle]:g} and sd {given['sd']:g}: "
            "its sd is below that of an exponential"
        )
    eta = math.exp(rising_root(off, low, high))
    shape = centre(eta) / given[middle]
    return {"shape": rounded(shape), "rate": rounded(eta * shape)}


def normal_number(given: Given) -> dict[str, Any]:
    """Mean and sd of a normal that may be negative."""
    if "median" in given:
        return {"mean": given["median"], **{name: given[name] for name in given if name == "sd"}}
    fixed = [name for name in ("mean", "sd") if name in given]
    points = points_of("normal", given, 2 - len(fixed))
    scores = [float(normal_quantile(p)) for _, p in points]
    if fixed == ["sd"]:
        return {"mean": points[0][0] - scores[0] * given["sd"], "sd": given["sd"]}
    if fixed == ["mean"]:
        points, scores = ((given["mean"], 0.5), *points), [0.0, *scores]
        if not (points[1][0] - points[0][0]) * scores[1] > 0.0:
            raise ValueError(
                f"no normal with mean {given['mean']:g} passes through {points[1][0]:g}: "
                "half of a normal lies on either side of its mean"
            )
    sd = (points[1][0] - points[0][0]) / (scores[1] - scores[0])
    return {"mean": points[0][0] - scores[0] * sd, "sd": sd}


def normal(given: Given) -> dict[str, Any]:
    """Mean and sd of the normal that is given to be positive."""
    if "mean" in given:
        raise ValueError("mean and another are too much for normal: give mean and sd alone")
    if "sd" in given:
        sd = float(given["sd"])
        time, p = (given["median"], 0.5) if "median" in given else points_of("normal", given, 1)[0]
        c = positive_root(lambda c: positive_quantile(c, p) - time / sd)
        return {"mean": rounded(c * sd), "sd": sd}
    if "median" in given:
        raise ValueError("normal lacks sd: give median with sd")
    (first, p), (second, q) = points_of("normal", given, 2)

    def off(c: float) -> float:
        return second / first - positive_quantile(c, q) / positive_quantile(c, p)

    c = positive_root(off)
    sd = first / positive_quantile(c, p)
    return {"mean": rounded(c * sd), "sd": rounded(sd)}


def positive_root(off: Callable[[float], float]) -> float:
    """The mean over sd at which a rising function crosses 0."""
    low, high = -36.0, 1e6
    if off(low) > 0.0 or off(high) < 0.0:
        raise ValueError(
            "no normal, given that it is positive, has what is printed: use weibull or lognormal"
        )
    return rising_root(off, low, high)


def positive_quantile(c: float, p: float) -> float:
    """The p-quantile of a normal with mean c and sd 1, given that it is positive."""
    log_tail = math.log1p(-p) + float(scipy.special.log_ndtr(c))
    if log_tail < -0.7:
        return c - float(scipy.special.ndtri_exp(log_tail))
    return c + float(scipy.special.ndtri(-math.expm1(log_tail)))


def beta(given: Given) -> dict[str, Any]:
    """The a and b of a beta with a mean and sd."""
    if "a" in given or "b" in given or "mean" not in given or "sd" not in given:
        raise ValueError(f"a beta is not given by {listed(sorted(given))}: {wanted('beta')}")
    mean, sd = given["mean"], given["sd"]
    n = mean * (1.0 - mean) / (sd * sd) - 1.0
    if not n > 0.0:
        most = math.sqrt(mean * (1.0 - mean))
        raise ValueError(f"no beta has mean {mean:g} and sd {sd:g}: give an sd below {most:.4g}")
    return {"a": rounded(mean * n), "b": rounded((1.0 - mean) * n)}


def piecewise_steps(given: Given) -> tuple[tuple[float, float], ...]:
    """Steps through points of survival, and the rate after the last."""
    if "steps" in given:
        raise ValueError("rates by time and survival are too much: give one of them")
    if "survival" not in given or "then" not in given:
        missing = "survival (or risk)" if "survival" not in given else "then"
        raise ValueError(f"piecewise_exponential lacks {missing}: {wanted('piecewise_exponential')}")
    return survival_steps(given["survival"], then=given["then"])
