"""The arguments of each family: which there are, and what each may be.

Every error is a ValueError, "fact: nearest fix".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from sim.distributions.splines import SCALES
from sim.distributions.steps import MOST_POISSON, filled

Points = tuple[tuple[float, float], ...]

OWN: Mapping[str, tuple[str, ...]] = {
    "beta": ("a", "b"),
    "categorical": ("times", "probabilities"),
    "constant": ("value",),
    "exponential": ("rate",),
    "fixed": ("value",),
    "gamma": ("shape", "rate"),
    "generalised_f": ("mu", "sigma", "Q", "P"),
    "generalised_gamma": ("mu", "sigma", "Q"),
    "gompertz": ("shape", "rate"),
    "life_table": ("ages", "rates"),
    "loglogistic": ("shape", "scale"),
    "lognormal": ("meanlog", "sdlog"),
    "normal": ("mean", "sd"),
    "normal_number": ("mean", "sd"),
    "pert": ("low", "mode", "high"),
    "piecewise_exponential": ("steps",),
    "poisson": ("mean",),
    "royston_parmar": ("scale", "gamma", "knots"),
    "survival_table": ("points",),
    "triangular": ("low", "mode", "high"),
    "uniform": ("low", "high"),
    "weibull": ("shape", "scale"),
    "weibull_ph": ("shape", "scale"),
}
"""A family's own arguments."""

PRINTED = frozenset({"mean", "median", "sd", "iqr", "survival", "risk"})
"""What a paper may print in their place."""

FITTED = frozenset(
    {
        "exponential",
        "gamma",
        "generalised_f",
        "generalised_gamma",
        "gompertz",
        "loglogistic",
        "lognormal",
        "normal",
        "normal_number",
        "weibull",
        "weibull_ph",
    }
)
"""Families that take all of it; `beta` takes mean and sd, `piecewise_exponential` survival or risk."""

LARGEST: Mapping[str, float] = {
    **dict.fromkeys(("shape", "P", "gamma"), 1e12),
    **dict.fromkeys(("mu", "meanlog", "sigma", "sdlog", "Q", "knots"), 1e6),
    **dict.fromkeys(("a", "b", "low", "mode", "high", "mean", "sd"), 1e150),
}
"""The largest size of an argument; beyond it powers of it overflow. Rates and scales have no limit."""
SMALLEST_SHAPE, SMALLEST_Q = 1e-12, 1e-100

ABOVE_ZERO = frozenset({"sd", "sdlog", "sigma", "a", "b", "median"})
SCALED_SHAPES = frozenset({"weibull", "weibull_ph", "loglogistic", "gamma"})
MAY_BE_NEGATIVE = frozenset({"normal", "normal_number"})


def checked(family: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under the names of OWN and PRINTED, each within its range.

    `sigma` of a lognormal becomes sdlog, `scale` of a gamma rate, `risk` survival; a point at time
    0 with survival 1 says nothing and is left out.
    """
    given = renamed(family, arguments)
    for name in given:
        if name not in allowed(family):
            raise ValueError(f"{family} has no argument {name!r}: {wanted(family)}")
    for name, value in given.items():
        check_argument(family, name, value)
    for name in ("low", "mode"):
        upper = "mode" if name == "low" and "mode" in given else "high"
        if name in given and upper in given and given[name] > given[upper]:
            raise ValueError(
                f"{name} {given[name]:g} is above {upper} {given[upper]:g}: give the smaller first"
            )
    return given


def complete(family: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a family that is given by all of its own.

    Raises: ValueError where one is missing.
    """
    missing = [name for name in OWN[family] if name not in given]
    if missing:
        raise ValueError(f"{family} lacks {listed(missing)}: {wanted(family)}")
    own = {name: given[name] for name in OWN[family]}
    check_sizes(family, own)
    if family == "royston_parmar":
        check_spline(own["gamma"], own["knots"])
    if family == "normal" and own["mean"] < -37.0 * own["sd"]:
        raise ValueError(
            f"a normal with mean {own['mean']:g} and sd {own['sd']:g} is never positive: "
            "give a mean that is not so many sd below 0"
        )
    if family == "life_table" and len(own["ages"]) != len(own["rates"]):
        raise ValueError(
            f"{len(own['ages'])} ages and {len(own['rates'])} rates do not go together: "
            "give a rate for each age"
        )
    if family == "categorical":
        check_probabilities(own["times"], own["probabilities"])
    return own


def allowed(family: str) -> tuple[str, ...]:
    """Every name that may stand among a family's arguments, once renamed."""
    extra: tuple[str, ...] = ()
    if family in FITTED:
        extra = ("mean", "median", "sd", "iqr", "survival")
    elif family == "beta":
        extra = ("mean", "sd")
    elif family == "piecewise_exponential":
        extra = ("survival", "then")
    return (*OWN[family], *extra)


def renamed(family: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments under one name each."""
    given = dict(arguments)
    if family == "lognormal" and "sigma" in given:
        check_only_one(given, "sigma", "sdlog")
        given["sdlog"] = given.pop("sigma")
    if family == "gamma" and "scale" in given:
        check_only_one(given, "scale", "rate")
        check_above(family, "scale", given["scale"])
        given["rate"] = 1.0 / given.pop("scale")
    if "risk" in given and "survival" in allowed(family):
        check_only_one(given, "risk", "survival")
        given["survival"] = tuple((time, 1.0 - risk) for time, risk in given.pop("risk"))
    if "survival" in given and "survival" in allowed(family):
        given["survival"] = tuple(point for point in given["survival"] if tuple(point) != (0.0, 1.0))
    return given


def check_only_one(given: Mapping[str, Any], one: str, other: str) -> None:
    """Raises: ValueError where both names are given."""
    if one in given and other in given:
        raise ValueError(f"{one} and {other} say the same: give one of them")


# ---------------------------------------------------------------- each argument


def check_argument(family: str, name: str, value: Any) -> None:
    """Raises: ValueError where an argument is not what it must be."""
    if name in ("survival", "points"):
        is_table = name == "points"
        check_points(value, at_most_one=is_table or family == "piecewise_exponential", closes=is_table)
    elif name == "steps":
        check_steps(value)
    elif name == "iqr":
        check_quartiles(family, value)
    elif name in ("gamma", "knots", "ages", "rates", "times"):
        check_vector(family, name, value)
    elif name == "scale" and family == "royston_parmar":
        if value not in SCALES:
            raise ValueError(f"there is no scale {value!r}: use hazard, odds or normal")
    elif name != "probabilities":
        check_number(family, name, value)


def check_number(family: str, name: str, value: float) -> None:
    """Raises: ValueError where a single number is out of its range."""
    if not math.isfinite(value):
        raise ValueError(f"{name} is {value:g}: give a finite number")
    if name == "median" and family in MAY_BE_NEGATIVE:
        return
    shape = name == "shape" and family in SCALED_SHAPES
    scale = name == "scale" or (name == "rate" and family == "gamma")
    if name in ABOVE_ZERO or shape or scale:
        check_above(family, name, value)
    if name in ("rate", "P", "then") and value < 0.0:
        raise ValueError(f"{name} {value:g} is negative: give 0 or more")
    if name == "mean" and family == "poisson":
        if not 0.0 <= value <= MOST_POISSON:
            raise ValueError(
                f"mean {value:g} is not between 0 and {MOST_POISSON:g}: use a normal for large counts"
            )
    elif name == "mean" and family == "beta":
        if not 0.0 < value < 1.0:
            raise ValueError(f"mean {value:g} is not between 0 and 1: a beta lies between 0 and 1")
    elif name == "mean" and family not in MAY_BE_NEGATIVE:
        check_above(family, name, value)


def check_sizes(family: str, own: Mapping[str, Any]) -> None:
    """Raises: ValueError where an argument is so large or small that no number holds the distribution."""
    for name, value in own.items():
        if isinstance(value, str) or name not in LARGEST:
            continue
        values = value if isinstance(value, Sequence) else [value]
        largest = max(values, key=abs)
        limit = LARGEST[name]
        if abs(largest) > limit:
            raise ValueError(
                f"{name} {largest:g} is too large: give a number between {-limit:g} and {limit:g}"
            )
        if name == "shape" and family in SCALED_SHAPES and value < SMALLEST_SHAPE:
            raise ValueError(f"shape {value:g} is too small: give at least {SMALLEST_SHAPE:g}")
        if name == "Q" and 0.0 < abs(value) < SMALLEST_Q:
            raise ValueError(f"Q {value:g} is too small: give 0")


def check_above(family: str, name: str, value: float) -> None:
    """Raises: ValueError unless a number is above 0."""
    if not value > 0.0:
        hint = ""
        if name in ("sd", "sdlog", "sigma"):
            hint = ", or take `fixed` for a value without spread"
        raise ValueError(f"{name} must be above 0, not {value:g}: give a larger {name}{hint}")


def check_points(points: Sequence[tuple[float, float]], *, at_most_one: bool, closes: bool) -> None:
    """Raises: ValueError unless times increase and survival falls within (0, 1).

    at_most_one: survival may be 1, and may stay as it is from one time to the next. closes: it may be 0
    at the last time.
    """
    if not points or points[-1][0] == 0.0:
        raise ValueError("it has no point after the start: give at least one time with its survival")
    for time, survival in points:
        if not (math.isfinite(time) and time >= 0.0):
            raise ValueError(f"{time:g} days is no time of a survival: give a time above 0")
        if time == 0.0 and survival != 1.0:
            raise ValueError(f"survival at time 0 is {survival:g}: it begins at 1")
        is_closing = closes and survival == 0.0
        if is_closing and (time, survival) != tuple(points[-1]):
            raise ValueError(f"survival is 0 at {time:g} days already: leave out the times after it")
        if not 0.0 < survival < 1.0 and not (at_most_one and survival == 1.0) and not is_closing:
            raise ValueError(
                f"survival {survival:g} at {time:g} days is not between 0 and 1: "
                "leave out times at which all or none survive"
            )
    for (before, more), (after, less) in pairwise(points):
        if after <= before:
            raise ValueError(
                f"{after:g} days comes after {before:g} days: give the times in increasing order"
            )
        if less > more or (less == more and not at_most_one):
            raise ValueError(
                f"survival goes from {more:g} at {before:g} days to {less:g} at {after:g} days: it must fall"
            )


def check_steps(steps: Sequence[tuple[float, float]]) -> None:
    """Raises: ValueError unless steps begin at 0, increase, and have rates of 0 or more."""
    if not steps or steps[0][0] != 0.0:
        raise ValueError("its steps do not begin at time 0: give the rate from `0 days` on")
    for (before, _), (after, _) in pairwise(steps):
        if not after > before:
            raise ValueError(
                f"{after:g} days comes after {before:g} days: give the times in increasing order"
            )
    for time, rate in steps:
        if not 0.0 <= rate < math.inf or time == math.inf:
            raise ValueError(f"the rate {rate:g} from {time:g} days on is impossible: give 0 or more")


def check_quartiles(family: str, quartiles: Sequence[float]) -> None:
    """Raises: ValueError unless there are two, the lower first."""
    if len(quartiles) != 2 or not all(math.isfinite(quartile) for quartile in quartiles):
        raise ValueError("iqr is not two finite quartiles: give `[lower, upper]`")
    lower, upper = quartiles
    if not lower < upper:
        raise ValueError(f"no {family} has quartiles {lower:g} and {upper:g}: give the lower first")
    if lower <= 0.0 and family != "normal_number":
        raise ValueError(f"the lower quartile {lower:g} is not above 0: a {family} is positive")


def check_vector(family: str, name: str, values: Sequence[float]) -> None:
    """Raises: ValueError unless a list is what its name says."""
    if len(values) == 0:
        raise ValueError(f"{name} is empty: give at least one")
    if name in ("knots", "ages") and any(not b > a for a, b in pairwise(values)):
        raise ValueError(f"{name} do not increase: give them in increasing order")
    for value in values:
        if name == "rates" and (not value >= 0.0 or (value == math.inf and value != values[-1])):
            raise ValueError(f"a rate of {value:g} is impossible: give 0 or more")
        if (name != "rates" and not math.isfinite(value)) or (name == "ages" and value < 0.0):
            above = ", 0 or more" if name == "ages" else ""
            raise ValueError(f"{value:g} is impossible among {name}: give finite numbers{above}")


def check_spline(gamma: Sequence[float], knots: Sequence[float]) -> None:
    """Raises: ValueError unless there is a gamma for each of at least two knots."""
    if len(knots) < 2:
        raise ValueError("a spline needs at least two knots: give the outer ones too")
    if len(gamma) != len(knots):
        raise ValueError(
            f"{len(gamma)} gamma and {len(knots)} knots do not go together: "
            "give one gamma a knot, the outer knots included"
        )


def check_probabilities(values: Sequence[float], probabilities: Sequence[Any]) -> None:
    """Raises: ValueError unless the probabilities of a list of values sum to 1."""
    if len(values) != len(probabilities):
        raise ValueError("values and probabilities do not go together: give a probability for each value")
    if sum(isinstance(p, str) for p in probabilities) > 1:
        raise ValueError("more than one part is `rest`: mark one")
    shares = filled(probabilities)
    if any(not 0.0 <= share <= 1.0 for share in shares):
        raise ValueError("a probability is not between 0 and 1: give a number between them")
    total = math.fsum(shares)
    if abs(total - 1.0) > 1e-9:
        raise ValueError(f"probabilities sum to {total:g}: mark one `rest` to take what is left")


# ---------------------------------------------------------------- words


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def wanted(family: str) -> str:
    """What a family can be given by, as the fix of an error."""
    own = list(OWN[family])
    if family == "exponential":
        return "give rate, mean, median, or survival at one time"
    if family in ("normal", "normal_number"):
        return "give mean and sd, median and sd, iqr, or survival at two times"
    if family == "beta":
        return "give mean and sd, or a and b"
    if family == "piecewise_exponential":
        return "give rates from `0 days` on, or survival at some times with `then`"
    if family not in FITTED:
        return f"give {listed(own)}"
    scale = {"lognormal": "meanlog", "gamma": "rate (or scale)", "gompertz": "rate"}.get(family, "scale")
    spread = {"lognormal": "sdlog (or sigma)"}.get(family, "shape")
    others = ""
    if family.startswith("generalised"):
        scale, spread = "mu", "sigma"
        others = f"{listed(own[2:])} and "
    return (
        f"give {others}{spread} with {scale}, mean, median or survival at one time, "
        f"or {others}sd with mean or median, iqr, or survival at two times"
    )
