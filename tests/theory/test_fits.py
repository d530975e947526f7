"""Distributions fitted to published summaries have these summaries; impossible summaries are errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from sim.distributions import Leaf, leaf, leaf_hazard, leaf_mean, leaf_median, leaf_quantile, leaf_time


def quantile(one: Leaf, u: float) -> float:
    return float(leaf_quantile(one.kind, np.array(one.numbers), 0, u))


def survival(one: Leaf, time: float) -> float:
    return math.exp(-float(leaf_hazard(one.kind, np.array(one.numbers), 0, time)))


def own(family: str, **arguments: Any) -> dict[str, Any]:
    """The arguments of the family that were found."""
    return dict(leaf(family, arguments).own)


def standard_deviation(one: Leaf) -> float:
    """From the quantiles, by Simpson's rule over the normal score up to 36."""
    scores = np.linspace(-9.0, 36.0, 45_001)
    numbers = np.array(one.numbers)
    hazards = -special.log_ndtr(-scores)
    times = np.array([leaf_time(one.kind, numbers, 0, float(hazard)) for hazard in hazards])
    weights = np.exp(-0.5 * scores**2) / math.sqrt(2.0 * math.pi)
    mean = integrate.simpson(times * weights, x=scores)
    return math.sqrt(integrate.simpson((times - mean) ** 2 * weights, x=scores))


# ---------------------------------------------------------------- published arithmetic


def test_two_points_of_survival() -> None:
    """S(1) = 0.6 and S(5) = 0.2: log(-log S) (log odds) is a straight line in log time."""
    points = ((1.0, 0.6), (5.0, 0.2))
    weibull = own("weibull", survival=points)
    shape = math.log(math.log(0.2) / math.log(0.6)) / math.log(5.0)
    assert weibull["shape"] == pytest.approx(shape, rel=1e-12)
    assert (round(weibull["shape"], 9), round(weibull["scale"], 9)) == (0.713051419, 2.565223621)
    loglogistic = own("loglogistic", survival=points)
    shape = math.log((0.8 / 0.2) / (0.4 / 0.6)) / math.log(5.0)
    assert loglogistic["shape"] == pytest.approx(shape, rel=1e-12)
    assert (round(loglogistic["shape"], 9), round(loglogistic["scale"], 9)) == (1.113282753, 1.439371793)


def test_moments_of_a_paper() -> None:
    assert own("beta", mean=0.7, sd=0.05) == pytest.approx({"a": 58.1, "b": 24.9}, rel=1e-12)
    assert own("beta", mean=0.05, sd=0.02) == pytest.approx({"a": 5.8875, "b": 111.8625}, rel=1e-12)
    assert own("gamma", mean=2500.0, sd=500.0) == pytest.approx({"shape": 25.0, "rate": 0.01}, rel=1e-12)
    lognormal = own("lognormal", mean=2500.0, sd=500.0)
    assert round(lognormal["meanlog"], 8) == 7.80443565
    assert round(lognormal["sdlog"], 8) == 0.19804220


def test_closed_forms() -> None:
    assert own("exponential", mean=90.0) == {"rate": 1.0 / 90.0}
    assert own("exponential", median=90.0)["rate"] == pytest.approx(math.log(2.0) / 90.0, rel=1e-15)
    assert own("exponential", risk=((100.0, 0.045),))["rate"] == pytest.approx(-math.log(0.955) / 100.0)
    assert own("lognormal", median=35.0, sigma=0.4) == {
        "meanlog": pytest.approx(math.log(35.0)),
        "sdlog": 0.4,
    }
    assert own("gamma", shape=4.0, mean=45.0)["rate"] == pytest.approx(4.0 / 45.0, rel=1e-14)
    assert own("gamma", shape=4.0, scale=5.0) == {"shape": 4.0, "rate": 0.2}
    assert own("weibull", shape=2.0, mean=100.0)["scale"] == pytest.approx(100.0 / math.gamma(1.5), rel=1e-13)
    ph = own("weibull_ph", shape=1.2, median=50.0)
    assert ph["scale"] == pytest.approx(math.log(2.0) / 50.0**1.2, rel=1e-13)
    gompertz = own("gompertz", shape=0.1, median=30.0)
    assert gompertz["rate"] == pytest.approx(0.1 * math.log(2.0) / math.expm1(3.0), rel=1e-13)
    assert own("gompertz", shape=0.0, mean=30.0) == {"shape": 0.0, "rate": 1.0 / 30.0}
    normal = own("normal_number", sd=2.0, survival=((2.0, 0.2),))
    assert normal == {"mean": pytest.approx(2.0 - 2.0 * special.ndtri(0.8)), "sd": 2.0}
    normal = own("normal_number", mean=1.0, survival=((2.0, 0.2),))
    assert normal == {"mean": 1.0, "sd": pytest.approx(1.0 / special.ndtri(0.8))}
    assert own("normal_number", iqr=(-5.0, 80.0))["mean"] == pytest.approx(37.5)
    assert own("normal_number", median=3.0, sd=2.0) == {"mean": 3.0, "sd": 2.0}


# ---------------------------------------------------------------- fits have the summaries they are given

EXTRA: dict[str, list[dict[str, float]]] = {
    "weibull": [{}],
    "weibull_ph": [{}],
    "lognormal": [{}],
    "loglogistic": [{}],
    "gamma": [{}],
    "generalised_gamma": [{"Q": 0.0}, {"Q": 0.6}, {"Q": -0.4}],
    "generalised_f": [{"Q": 0.3, "P": 0.5}, {"Q": 0.3, "P": 0.0}],
    "gompertz": [{}],
    "normal": [{}],
}
SPREAD = {"lognormal": "sdlog", "generalised_gamma": "sigma", "generalised_f": "sigma"}
CASES = [(family, extra) for family, extras in EXTRA.items() for extra in extras]
NAMES = [f"{family} {extra or ''}" for family, extra in CASES]
SHAPED = [case for case in CASES if case[0] != "normal"]


@pytest.mark.parametrize(("family", "extra"), SHAPED)
@pytest.mark.parametrize("middle", ["mean", "median"])
def test_middle_and_sd(family: str, extra: dict[str, float], middle: str) -> None:
    one = leaf(family, {**extra, middle: 60.0, "sd": 18.0})
    found = leaf_mean(one) if middle == "mean" else leaf_median(one)
    assert found == pytest.approx(60.0, rel=1e-9)
    assert standard_deviation(one) == pytest.approx(18.0, rel=1e-6)


def test_median_of_a_normal_that_is_positive() -> None:
    """sd, like mean, is that of the normal before it is given to be positive."""
    one = leaf("normal", {"median": 30.0, "sd": 25.0})
    assert leaf_median(one) == pytest.approx(30.0, rel=1e-11)
    assert dict(one.own)["sd"] == 25.0
    assert dict(one.own)["mean"] < 30.0


@pytest.mark.parametrize(("family", "extra"), CASES, ids=NAMES)
@settings(max_examples=25)
@given(quartiles=st.tuples(st.floats(10.0, 100.0), st.floats(1.1, 4.0)).map(lambda q: (q[0], q[0] * q[1])))
def test_quartiles(family: str, extra: dict[str, float], quartiles: tuple[float, float]) -> None:
    one = leaf(family, {**extra, "iqr": quartiles})
    assert quantile(one, 0.25) == pytest.approx(quartiles[0], rel=1e-9)
    assert quantile(one, 0.75) == pytest.approx(quartiles[1], rel=1e-9)


@pytest.mark.parametrize(("family", "extra"), SHAPED)
@settings(max_examples=25)
@given(
    times=st.tuples(st.floats(1.0, 100.0), st.floats(1.5, 5.0)),
    shares=st.tuples(st.floats(0.5, 0.95), st.floats(0.2, 0.9)),
)
def test_two_points(
    family: str, extra: dict[str, float], times: tuple[float, float], shares: tuple[float, float]
) -> None:
    """Any two falling points are on some member of these families; a risk is one minus a survival."""
    points = ((times[0], shares[0]), (times[0] * times[1], shares[0] * shares[1]))
    one = leaf(family, {**extra, "survival": points})
    for time, share in points:
        assert survival(one, time) == pytest.approx(share, rel=1e-8)
    risks = tuple((time, 1.0 - share) for time, share in points)
    assert dict(leaf(family, {**extra, "risk": risks}).own) == pytest.approx(dict(one.own), rel=1e-7)


@pytest.mark.parametrize(("family", "extra"), SHAPED)
@settings(max_examples=25)
@given(spread=st.floats(0.3, 2.5), time=st.floats(1.0, 1000.0), share=st.floats(0.05, 0.95))
def test_one_point_for_one_free_argument(
    family: str, extra: dict[str, float], spread: float, time: float, share: float
) -> None:
    shape = {SPREAD.get(family, "shape"): spread / 100.0 if family == "gompertz" else spread}
    one = leaf(family, {**extra, **shape, "survival": ((time, share),)})
    assert survival(one, time) == pytest.approx(share, rel=1e-8)
    one = leaf(family, {**extra, **shape, "median": time})
    assert leaf_median(one) == pytest.approx(time, rel=1e-9)


@pytest.mark.parametrize(("family", "extra"), SHAPED)
def test_mean_for_one_free_argument(family: str, extra: dict[str, float]) -> None:
    shape = {SPREAD.get(family, "shape"): {"gompertz": 0.02, "loglogistic": 2.5}.get(family, 0.5)}
    assert leaf_mean(leaf(family, {**extra, **shape, "mean": 45.0})) == pytest.approx(45.0, rel=1e-11)


def test_a_point_of_a_normal_that_is_positive() -> None:
    one = leaf("normal", {"sd": 30.0, "survival": ((10.0, 0.9),)})
    assert survival(one, 10.0) == pytest.approx(0.9, rel=1e-11)
    one = leaf("normal", {"survival": ((10.0, 0.9), (60.0, 0.3))})
    assert survival(one, 10.0) == pytest.approx(0.9, rel=1e-10)
    assert survival(one, 60.0) == pytest.approx(0.3, rel=1e-10)


def test_a_gompertz_through_points_that_level_off_has_a_negative_shape() -> None:
    one = leaf("gompertz", {"survival": ((1.0, 0.6), (5.0, 0.5))})
    assert dict(one.own)["shape"] < 0.0
    assert survival(one, 5.0) == pytest.approx(0.5, rel=1e-12)
    assert leaf_mean(one) == math.inf


def test_a_gompertz_through_points_of_an_exponential_has_no_shape() -> None:
    found = own("gompertz", survival=((10.0, 0.5), (20.0, 0.25)))
    assert found["shape"] == pytest.approx(0.0, abs=1e-12)
    assert found["rate"] == pytest.approx(math.log(2.0) / 10.0)


def test_points_with_a_rate_thereafter() -> None:
    one = leaf("piecewise_exponential", {"risk": ((100.0, 0.045), (365.0, 0.2)), "then": 0.001})
    assert survival(one, 100.0) == pytest.approx(0.955, rel=1e-14)
    assert survival(one, 365.0) == pytest.approx(0.8, rel=1e-14)
    assert survival(one, 1365.0) == pytest.approx(0.8 * math.exp(-1.0), rel=1e-14)


def test_survival_1_at_time_0_says_nothing() -> None:
    with_start = leaf("weibull", {"survival": ((0.0, 1.0), (1.0, 0.6), (5.0, 0.2))})
    assert with_start.numbers == leaf("weibull", {"survival": ((1.0, 0.6), (5.0, 0.2))}).numbers


# ---------------------------------------------------------------- errors

INVALID: list[tuple[str, dict[str, Any], str]] = [
    ("nope", {}, "there is no family 'nope': use one of"),
    ("weibull", {"shape": 1.0}, "weibull lacks scale: give shape with scale, mean, median"),
    ("weibull", {"shap": 1.0, "scale": 3.0}, "weibull has no argument 'shap': give shape with"),
    ("weibull", {"shape": 0.0, "scale": 3.0}, "shape must be above 0, not 0: give a larger shape"),
    ("weibull", {"shape": 1.0, "scale": -3.0}, "scale must be above 0, not -3: give a larger scale"),
    ("weibull", {"shape": math.nan, "scale": 3.0}, "shape is nan: give a finite number"),
    ("weibull", {"shape": math.inf, "scale": 3.0}, "shape is inf: give a finite number"),
    ("weibull", {"mean": 4.0, "median": 3.0}, "mean and median together are too much for weibull: give one"),
    ("weibull", {"shape": 1.0, "scale": 3.0, "median": 3.0}, "scale and median are too much for weibull:"),
    ("weibull", {"shape": 1.0, "mean": 3.0, "sd": 1.0}, "shape and sd are too much for weibull:"),
    ("weibull", {"mean": 3.0}, "weibull lacks shape: give shape with"),
    ("weibull", {"sd": 3.0}, "sd does not go with this: give shape with"),
    ("weibull", {"mean": 3.0, "sd": 0.0}, "sd must be above 0, not 0: give a larger sd"),
    ("weibull", {"mean": -3.0, "sd": 1.0}, "mean must be above 0, not -3: give a larger mean"),
    ("weibull", {"iqr": (80.0, 50.0)}, "no weibull has quartiles 80 and 50: give the lower first"),
    ("weibull", {"iqr": (-1.0, 50.0)}, "the lower quartile -1 is not above 0: a weibull is positive"),
    ("weibull", {"shape": 2.0, "iqr": (50.0, 80.0)}, "iqr leaves nothing else of weibull to give:"),
    ("weibull", {"survival": ((1.0, 0.6),)}, "survival is given at one time, but two arguments are free in"),
    (
        "weibull",
        {"survival": ((1.0, 0.6), (5.0, 0.2), (6.0, 0.1))},
        "survival is given at 3 times, but two arguments are free in weibull: use piecewise_exponential",
    ),
    ("weibull", {"survival": ((1.0, 0.2), (5.0, 0.6))}, "survival goes from 0.2 at 1 days to 0.6 at 5 days:"),
    ("weibull", {"survival": ((5.0, 0.6), (1.0, 0.2))}, "1 days comes after 5 days: give the times in"),
    ("weibull", {"survival": ((1.0, 0.6), (5.0, 0.0))}, "survival 0 at 5 days is not between 0 and 1:"),
    ("weibull", {"survival": ((0.0, 0.6), (5.0, 0.2))}, "survival at time 0 is 0.6: it begins at 1"),
    ("weibull", {"median": 3.0, "survival": ((1.0, 0.6),)}, "median and survival together are too much"),
    (
        "weibull",
        {"risk": ((1.0, 0.6),), "survival": ((1.0, 0.4),)},
        "risk and survival say the same: give one",
    ),
    (
        "lognormal",
        {"median": 3.0, "sigma": 0.0},
        "sdlog must be above 0, not 0: give a larger sdlog, or take",
    ),
    ("lognormal", {"meanlog": 3.0, "sigma": 1.0, "sdlog": 1.0}, "sigma and sdlog say the same: give one of"),
    ("gamma", {"shape": 3.0, "rate": 1.0, "scale": 1.0}, "scale and rate say the same: give one of them"),
    ("loglogistic", {"shape": 0.8, "mean": 3.0}, "a loglogistic with so wide a spread has no mean: give its"),
    ("exponential", {}, "exponential lacks rate: give rate, mean, median, or survival at one time"),
    ("exponential", {"rate": -1.0}, "rate -1 is negative: give 0 or more"),
    ("exponential", {"mean": 3.0, "sd": 4.0}, "sd is not free in exponential, it equals the mean: give mean"),
    ("exponential", {"rate": 1.0, "mean": 1.0}, "rate and another are too much for exponential: give one"),
    (
        "gompertz",
        {"shape": -0.1, "mean": 3.0},
        "a gompertz with a negative shape is improper and has no mean: give",
    ),
    ("gompertz", {"shape": 0.1, "rate": -1.0}, "rate -1 is negative: give 0 or more"),
    ("gompertz", {"mean": 3.0, "sd": 4.0}, "no gompertz has mean 3 and sd 4: its sd is below that of an"),
    ("gompertz", {"median": 3.0}, "gompertz lacks shape: give shape with rate, mean, median"),
    ("uniform", {"low": 3.0, "high": 2.0}, "low 3 is above high 2: give the smaller first"),
    ("uniform", {"low": 3.0}, "uniform lacks high: give low and high"),
    ("triangular", {"low": 3.0, "mode": 2.0, "high": 9.0}, "low 3 is above mode 2: give the smaller first"),
    ("pert", {"low": 3.0, "mode": 12.0, "high": 9.0}, "mode 12 is above high 9: give the smaller first"),
    ("beta", {"mean": 0.7, "sd": 0.5}, "no beta has mean 0.7 and sd 0.5: give an sd below 0.4583"),
    ("beta", {"mean": 1.7, "sd": 0.5}, "mean 1.7 is not between 0 and 1: a beta lies between 0 and 1"),
    ("beta", {"mean": 0.7}, "a beta is not given by mean: give mean and sd, or a and b"),
    ("poisson", {"mean": -1.0}, "mean -1 is not between 0 and 1e+06: use a normal for large counts"),
    ("normal", {"mean": -100.0, "sd": 1.0}, "a normal with mean -100 and sd 1 is never positive:"),
    ("normal", {"iqr": (10.0, 800.0)}, "no normal, given that it is positive, has what is printed: use"),
    ("normal_number", {"mean": 3.0, "survival": ((2.0, 0.2),)}, "no normal with mean 3 passes through 2:"),
    ("generalised_gamma", {"mean": 9.0, "sd": 3.0}, "generalised_gamma lacks Q: give Q and sigma with mu"),
    ("generalised_f", {"mu": 9.0, "sigma": 3.0, "Q": 0.1, "P": -1.0}, "P -1 is negative: give 0 or more"),
    (
        "royston_parmar",
        {"scale": "odds", "median": 3.0},
        "royston_parmar has no argument 'median': give scale,",
    ),
    (
        "royston_parmar",
        {"scale": "log", "gamma": (1.0, 2.0), "knots": (1.0, 2.0)},
        "there is no scale 'log': use hazard, odds or normal",
    ),
    (
        "royston_parmar",
        {"scale": "odds", "gamma": (1.0, 2.0, 3.0), "knots": (1.0, 2.0)},
        "3 gamma and 2 knots do not go together: give one gamma a knot",
    ),
    (
        "royston_parmar",
        {"scale": "odds", "gamma": (1.0, 2.0), "knots": (2.0, 1.0)},
        "knots do not increase: give them in increasing order",
    ),
    ("survival_table", {"points": ((0.0, 1.0),)}, "it has no point after the start: give at least one time"),
    (
        "survival_table",
        {"points": ((0.0, 1.0), (5.0, 0.5), (6.0, 0.6))},
        "survival goes from 0.5 at 5 days to",
    ),
    (
        "survival_table",
        {"points": ((0.0, 1.0), (5.0, 0.0), (9.0, 0.0))},
        "survival is 0 at 5 days already: leave out the times after it",
    ),
    (
        "survival_table",
        {"points": ((0.0, 1.0), (5.0, -0.1))},
        "survival -0.1 at 5 days is not between 0 and 1:",
    ),
    ("piecewise_exponential", {"survival": ((5.0, 0.5),)}, "piecewise_exponential lacks then: give rates"),
    (
        "piecewise_exponential",
        {"steps": ((5.0, 0.5),)},
        "its steps do not begin at time 0: give the rate from",
    ),
    (
        "piecewise_exponential",
        {"steps": ((0.0, -0.5),)},
        "the rate -0.5 from 0 days on is impossible: give 0",
    ),
    (
        "life_table",
        {"ages": (0.0, 1.0), "rates": (0.1,)},
        "2 ages and 1 rates do not go together: give a rate",
    ),
    ("life_table", {"ages": (0.0, 1.0), "rates": (0.1, -1.0)}, "a rate of -1 is impossible: give 0 or more"),
    (
        "life_table",
        {"ages": (1.0, 1.0), "rates": (0.1, 1.0)},
        "ages do not increase: give them in increasing",
    ),
    ("categorical", {"times": (1.0, 2.0), "probabilities": (0.5, 0.6)}, "probabilities sum to 1.1: mark one"),
    (
        "weibull",
        {"survival": ((1.0, 0.6), (1e9, 0.5999999))},
        "no weibull passes through 0.6 at 1 and 0.6 at 1e+09 days: take another family",
    ),
    ("loglogistic", {"mean": 3.0, "sd": 1e9}, "no loglogistic has mean 3 and sd 1e+09: take another family"),
    ("weibull", {"iqr": (1.0,)}, "iqr is not two finite quartiles: give `[lower, upper]`"),
    (
        "gompertz",
        {"rate": 0.1, "mean": 3.0},
        "rate and another are too much for gompertz: give shape with rate",
    ),
    (
        "gompertz",
        {"shape": 0.1, "mean": 3.0, "sd": 2.0},
        "shape and sd are too much for gompertz: give shape",
    ),
    (
        "gompertz",
        {"shape": 1.0, "mean": 700.0},
        "no gompertz with shape 1 has mean 700: give a smaller shape",
    ),
    (
        "normal",
        {"mean": 1.0, "iqr": (2.0, 3.0)},
        "mean and another are too much for normal: give mean and sd",
    ),
    ("normal", {"median": 1.0}, "normal lacks sd: give median with sd"),
    (
        "normal",
        {"mean": 3.0},
        "normal lacks sd: give mean and sd, median and sd, iqr, or survival at two times",
    ),
    (
        "royston_parmar",
        {"scale": "odds", "gamma": (1.0, math.nan), "knots": (1.0, 2.0)},
        "nan is impossible among gamma: give finite numbers",
    ),
    (
        "royston_parmar",
        {"scale": "odds", "gamma": (1.0,), "knots": (1.0,)},
        "a spline needs at least two knots: give the outer ones too",
    ),
    (
        "survival_table",
        {"points": ((0.0, 1.0), (math.inf, 0.5))},
        "inf days is no time of a survival: give a time above 0",
    ),
    (
        "piecewise_exponential",
        {"steps": ((0.0, 0.1),), "survival": ((1.0, 0.5),), "then": 0.1},
        "rates by time and survival are too much: give one of them",
    ),
    (
        "piecewise_exponential",
        {"steps": ((0.0, 0.1), (5.0, 0.2), (5.0, 0.3))},
        "5 days comes after 5 days: give the times in increasing order",
    ),
    (
        "life_table",
        {"ages": (-1.0, 0.0), "rates": (0.1, 0.2)},
        "-1 is impossible among ages: give finite numbers, 0 or more",
    ),
    (
        "categorical",
        {"times": (1.0, 2.0), "probabilities": (0.5,)},
        "values and probabilities do not go together: give a probability for each value",
    ),
    (
        "categorical",
        {"times": (1.0, 2.0), "probabilities": ("rest", "rest")},
        "more than one part is `rest`: mark one",
    ),
    (
        "categorical",
        {"times": (1.0, 2.0), "probabilities": (1.5, -0.5)},
        "a probability is not between 0 and 1: give a number between them",
    ),
]


@pytest.mark.parametrize(("family", "arguments", "text"), INVALID)
def test_an_error_gives_the_fact_and_the_nearest_fix(
    family: str, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=": ") as error:
        leaf(family, arguments)
    assert str(error.value).startswith(text)


def test_a_mean_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="has no mean: give its median"):
        leaf("generalised_gamma", {"Q": -0.5, "sigma": 3.0, "mean": 3.0})
