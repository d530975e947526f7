"""Every family against its formula: values as flexsurv prints them, and scipy's quantiles.

Families and parameters are those of R's flexsurv (doi:10.18637/jss.v070.i08); where a number stands
here it is what flexsurv 2 prints for the arguments beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, special, stats

from sim.distributions import (
    Leaf,
    leaf,
    leaf_hazard,
    leaf_hazard_before,
    leaf_mean,
    leaf_median,
    leaf_quantile,
    leaf_time,
)
from tests.command import output_of_python
from tests.machine_code import machine_code

Floats = NDArray[np.float64]

# ---------------------------------------------------------------- asking a leaf


ARRAYS: dict[int, tuple[Leaf, Floats]] = {}


def numbers_of(one: Leaf) -> Floats:
    """The numbers as an array, made once a leaf (which is kept, so that its id stays its own)."""
    if id(one) not in ARRAYS:
        ARRAYS[id(one)] = (one, np.array(one.numbers))
    return ARRAYS[id(one)][1]


def quantile(one: Leaf, u: float) -> float:
    return float(machine_code(leaf_quantile)(one.kind, numbers_of(one), 0, u))


def time_at(one: Leaf, hazard: float) -> float:
    return float(machine_code(leaf_time)(one.kind, numbers_of(one), 0, hazard))


def hazard_at(one: Leaf, time: float) -> float:
    return float(machine_code(leaf_hazard)(one.kind, numbers_of(one), 0, time))


def hazard_before(one: Leaf, time: float) -> float:
    return float(machine_code(leaf_hazard_before)(one.kind, numbers_of(one), 0, time))


def survival(one: Leaf, time: float) -> float:
    return math.exp(-hazard_at(one, time))


def restricted_mean(one: Leaf, until: float) -> float:
    area, _ = integrate.quad(lambda t: survival(one, t), 0.0, until, epsabs=1e-11, epsrel=1e-11, limit=200)
    return float(area)


# ---------------------------------------------------------------- printed values

SURVIVAL_TIMES = (0.5, 1.0, 2.0, 5.0, 10.0)
PRINTED = {
    "exponential": (
        leaf("exponential", {"rate": 0.3}),
        (0.86070798, 0.74081822, 0.54881164, 0.22313016, 0.04978707),
        (0.958940, 2.310491, 4.620981),
        3.333333,
        (2.589566, 3.167376),
    ),
    "weibull": (
        leaf("weibull", {"shape": 1.2, "scale": 6.0}),
        (0.95056662, 0.89005574, 0.76522871, 0.44776186, 0.15787623),
        (2.124444, 4.420850, 7.877060),
        5.643935,
        (3.567796, 4.974605),
    ),
    "weibull_ph": (
        leaf("weibull_ph", {"shape": 1.1, "scale": 0.08}),
        (0.96336654, 0.92311635, 0.84241395, 0.62509754, 0.36526202),
        (3.201057, 7.120111, 13.370586),
        9.586914,
        (4.035423, 6.460823),
    ),
    "gamma": (
        leaf("gamma", {"shape": 2.0, "rate": 0.5}),
        (0.97350098, 0.90979599, 0.73575888, 0.28729750, 0.04042768),
        (1.922558, 3.356694, 5.385269),
        4.0,
        (3.261235, 3.905669),
    ),
    "lognormal": (
        leaf("lognormal", {"meanlog": 0.8, "sdlog": 1.1}),
        (0.91267396, 0.76647055, 0.53869197, 0.23091019, 0.08597161),
        (1.059780, 2.225541, 4.673642),
        4.075527,
        (2.613076, 3.324901),
    ),
    "loglogistic": (
        leaf("loglogistic", {"shape": 1.5, "scale": 2.0}),
        (0.88888889, 0.73879613, 0.5, 0.20190407, 0.08209952),
        (0.961500, 2.0, 4.160168),
        4.836798,
        (2.447281, 3.086019),
    ),
    "gompertz": (
        leaf("gompertz", {"shape": 0.1, "rate": 0.005}),
        (0.99743973, 0.99475526, 0.98899091, 0.96808434, 0.91767306),
        (19.100818, 26.988711, 33.577987),
        25.944303,
        (4.926405, 9.650142),
    ),
    "gompertz, improper": (
        leaf("gompertz", {"shape": -0.4, "rate": 0.5}),
        (0.79725033, 0.66225809, 0.50240998, 0.33931347, 0.29313986),
        (0.6538848705, 2.021494658, math.inf),
        math.inf,
        (2.581470805, 4.123994812),
    ),
    "generalised_gamma": (
        leaf("generalised_gamma", {"mu": 0.8, "sigma": 0.9, "Q": 0.5}),
        (0.89996069, 0.74365575, 0.47975295, 0.12858724, 0.01819627),
        (0.979460, 1.907943, 3.457782),
        2.619150,
        (2.289850, 2.565907),
    ),
}


@pytest.mark.parametrize("row", PRINTED.values(), ids=PRINTED)
def test_values_as_flexsurv_prints_them(
    row: tuple[Leaf, tuple[float, ...], tuple[float, ...], float, tuple[float, float]],
) -> None:
    """Survival at five times, quartiles, mean, and means restricted to 5 and 10; to the digits printed."""
    one, survivals, quartiles, mean, restricted = row
    for time, printed_value in zip(SURVIVAL_TIMES, survivals, strict=True):
        assert abs(survival(one, time) - printed_value) <= 6e-9
    for p, printed_value in zip((0.25, 0.5, 0.75), quartiles, strict=True):
        assert quantile(one, p) == pytest.approx(printed_value, abs=6e-7)
    assert leaf_median(one) == quantile(one, 0.5)
    assert leaf_mean(one) == pytest.approx(mean, abs=6e-7)
    for until, printed_value in zip((5.0, 10.0), restricted, strict=True):
        assert restricted_mean(one, until) == pytest.approx(printed_value, abs=6e-7)


def test_a_negative_gompertz_shape_leaves_some_uncured_for_ever() -> None:
    """S goes to exp(rate / shape)."""
    one = PRINTED["gompertz, improper"][0]
    assert survival(one, math.inf) == pytest.approx(math.exp(0.5 / -0.4), rel=1e-15)
    assert round(survival(one, math.inf), 10) == 0.2865047969
    assert quantile(one, 0.7134) < math.inf
    assert quantile(one, 0.7136) == math.inf


@pytest.mark.parametrize(
    ("one", "reached", "median"),
    [
        (leaf("weibull", {"shape": 1.2, "scale": 6.0}), 3.0, 6.63556161),
        (leaf("gompertz", {"shape": 0.1, "rate": 0.005}), 40.0, 42.26265608),
    ],
    ids=["weibull", "gompertz"],
)
def test_medians_of_those_who_have_come_so_far(one: Leaf, reached: float, median: float) -> None:
    """The median given T > t solves H = H(t) + log 2; numbers from flexsurv."""
    assert time_at(one, hazard_at(one, reached) + math.log(2.0)) == pytest.approx(median, abs=6e-9)


def test_piecewise_exponential() -> None:
    """S = exp of minus the area under the rates; numbers from R's msm::ppexp."""
    steps = ((0.0, 0.0067), (5.0, 0.0193), (15.0, 0.0535), (25.0, 0.1548))
    one = leaf("piecewise_exponential", {"steps": steps})
    survivals = (0.96705491, 0.87809543, 0.79731934, 0.61018078, 0.46696545, 0.21534799, 0.04579868)
    for time, printed_value in zip((5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0), survivals, strict=True):
        assert abs(survival(one, time) - printed_value) <= 6e-9
    assert leaf_mean(one) == pytest.approx(22.903178, abs=6e-7)


# ---------------------------------------------------------------- scipy's quantiles

PROBABILITIES = np.array([1e-12, 1e-6, 0.001, 0.01, 0.1, 0.25, 0.4, 0.5, 0.7, 0.9, 0.99, 0.9999, 1 - 1e-9])
SCIPY: dict[str, tuple[str, dict[str, float], Callable[[Floats], Floats]]] = {
    "uniform": ("uniform", {"low": 2.0, "high": 28.0}, stats.uniform(2.0, 26.0).ppf),
    "triangular": (
        "triangular",
        {"low": 18.0, "mode": 35.0, "high": 65.0},
        stats.triang(17.0 / 47.0, 18.0, 47.0).ppf,
    ),
    "triangular, mode low": (
        "triangular",
        {"low": 1.0, "mode": 1.0, "high": 4.0},
        stats.triang(0.0, 1.0, 3.0).ppf,
    ),
    "pert": ("pert", {"low": 1.0, "mode": 3.0, "high": 9.0}, stats.beta(2.0, 4.0, 1.0, 8.0).ppf),
    "exponential": ("exponential", {"rate": 0.04}, stats.expon(scale=25.0).ppf),
    "weibull": ("weibull", {"shape": 0.7, "scale": 300.0}, stats.weibull_min(0.7, scale=300.0).ppf),
    "gompertz": (
        "gompertz",
        {"shape": 0.1, "rate": 0.02},
        lambda p: np.log1p(-np.log1p(-p) * 0.1 / 0.02) / 0.1,
    ),
    "gompertz without shape": ("gompertz", {"shape": 0.0, "rate": 0.02}, stats.expon(scale=50.0).ppf),
    "lognormal": (
        "lognormal",
        {"meanlog": 3.5, "sdlog": 0.4},
        stats.lognorm(0.4, scale=math.exp(3.5)).ppf,
    ),
    "loglogistic": (
        "loglogistic",
        {"shape": 2.5, "scale": 40.0},
        lambda p: 40.0 * (p / (1.0 - p)) ** (1.0 / 2.5),
    ),
    "gamma": ("gamma", {"shape": 4.0, "rate": 0.1}, stats.gamma(4.0, scale=10.0).ppf),
    "gamma by scale": ("gamma", {"shape": 9.0, "scale": 3.0}, stats.gamma(9.0, scale=3.0).ppf),
    "gamma of small shape": ("gamma", {"shape": 0.2, "rate": 1.0}, stats.gamma(0.2).ppf),
    "gamma of large shape": ("gamma", {"shape": 5e4, "rate": 1.0}, stats.gamma(5e4).ppf),
    "normal": (
        "normal",
        {"mean": 5.0, "sd": 4.0},
        lambda p: 5.0 - 4.0 * special.ndtri((1.0 - p) * special.ndtr(1.25)),
    ),
    "normal_number": ("normal_number", {"mean": -5.0, "sd": 2.0}, stats.norm(-5.0, 2.0).ppf),
    "beta": ("beta", {"a": 2.0, "b": 5.0}, stats.beta(2.0, 5.0).ppf),
    "beta, two peaks": ("beta", {"a": 0.3, "b": 0.4}, stats.beta(0.3, 0.4).ppf),
}


@pytest.mark.parametrize(("family", "arguments", "ppf"), SCIPY.values(), ids=SCIPY)
def test_quantiles_are_scipys(
    family: str, arguments: dict[str, float], ppf: Callable[[Floats], Floats]
) -> None:
    one = leaf(family, arguments)
    found = np.array([quantile(one, float(p)) for p in PROBABILITIES])
    np.testing.assert_allclose(found, ppf(PROBABILITIES), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("q", [3.0, 0.9, 0.02, 0.005, 1e-6, -0.003, -0.5, -2.0])
def test_generalised_gamma(q: float) -> None:
    """exp(mu + sigma / Q log(Q^2 G)), G gamma with shape 1 / Q^2, in the other tail for Q below 0."""
    one = leaf("generalised_gamma", {"mu": 0.8, "sigma": 0.9, "Q": q})
    distribution = stats.gamma(q**-2.0)
    if abs(q) < 1e-4:
        z = special.ndtri(PROBABILITIES)
        log_time = 0.8 + 0.9 * (z - q * (z**2 + 2.0) / 6.0)
    else:
        log_time = 0.8 + 0.9 / q * np.log(
            q**2 * (distribution.ppf if q > 0.0 else distribution.isf)(PROBABILITIES)
        )
    found = [math.log(quantile(one, float(u))) for u in PROBABILITIES]
    np.testing.assert_allclose(found, log_time, rtol=0.0, atol=2e-9)


def test_generalised_gamma_has_its_special_cases() -> None:
    """Q 0 lognormal, Q 1 Weibull, Q sigma gamma, Q -1 inverse Weibull."""
    mu, sigma = 1.3, 0.6
    cases = [
        (0.0, leaf("lognormal", {"meanlog": mu, "sdlog": sigma})),
        (1.0, leaf("weibull", {"shape": 1.0 / sigma, "scale": math.exp(mu)})),
        (sigma, leaf("gamma", {"shape": sigma**-2.0, "rate": math.exp(-mu) * sigma**-2.0})),
    ]
    for q, other in cases:
        one = leaf("generalised_gamma", {"mu": mu, "sigma": sigma, "Q": q})
        for p in PROBABILITIES:
            assert quantile(one, float(p)) == pytest.approx(quantile(other, float(p)), rel=1e-9)
    inverse = leaf("generalised_gamma", {"mu": mu, "sigma": sigma, "Q": -1.0})
    for p in (0.01, 0.5, 0.99):
        assert quantile(inverse, p) == pytest.approx(math.exp(mu) * (-math.log(p)) ** -sigma, rel=1e-9)


@pytest.mark.parametrize(("q", "p"), [(0.5, 0.6), (-1.5, 2.0), (0.0, 1.0), (1.2, 1e-3), (-2.0, 6.0)])
def test_generalised_f(q: float, p: float) -> None:
    """exp(mu + sigma / delta log F), F with 2 s1 and 2 s2 degrees of freedom, as flexsurv has them."""
    delta = math.sqrt(q * q + 2.0 * p)
    s1, s2 = 2.0 / (q * q + 2.0 * p + q * delta), 2.0 / (q * q + 2.0 * p - q * delta)
    one = leaf("generalised_f", {"mu": 0.8, "sigma": 0.9, "Q": q, "P": p})
    u = PROBABILITIES[2:-1]
    found = [math.log(quantile(one, float(x))) for x in u]
    np.testing.assert_allclose(found, 0.8 + 0.9 / delta * np.log(stats.f(2 * s1, 2 * s2).ppf(u)), atol=2e-9)


def test_generalised_f_without_p_is_generalised_gamma() -> None:
    gamma = leaf("generalised_gamma", {"mu": 0.8, "sigma": 0.9, "Q": 0.5})
    assert leaf("generalised_f", {"mu": 0.8, "sigma": 0.9, "Q": 0.5, "P": 0.0}).numbers == gamma.numbers


@pytest.mark.parametrize("mean", [0.3, 3.0, 200.0, 40_000.0])
def test_poisson(mean: float) -> None:
    one = leaf("poisson", {"mean": mean})
    for p in (1e-9, 0.01, 0.25, 0.5, 0.75, 0.99, 1 - 1e-9):
        assert quantile(one, p) == stats.poisson(mean).ppf(p)
    k = float(stats.poisson(mean).ppf(0.6))
    assert survival(one, k) == pytest.approx(stats.poisson(mean).sf(k), rel=1e-9)
    assert hazard_before(one, k) == hazard_at(one, k - 1.0) == hazard_at(one, k - 0.5)


# ---------------------------------------------------------------- splines


def royston_parmar(x: Floats, gamma: tuple[float, ...], knots: tuple[float, ...]) -> Floats:
    """The natural cubic spline as flexsurv writes it, doi:10.1002/sim.1203, equation 4."""
    total = gamma[0] + gamma[1] * x
    low, high = knots[0], knots[-1]
    for g, knot in zip(gamma[2:], knots[1:-1], strict=True):
        share = (high - knot) / (high - low)
        total = total + g * (
            np.maximum(x - knot, 0.0) ** 3
            - share * np.maximum(x - low, 0.0) ** 3
            - (1.0 - share) * np.maximum(x - high, 0.0) ** 3
        )
    return total


SPLINE_GAMMA, SPLINE_KNOTS = (-6.0, 1.3, 0.03, -0.02), (1.0, 3.0, 4.5, 7.0)


@pytest.mark.parametrize(
    ("scale", "to_survival"),
    [
        ("hazard", lambda s: np.exp(-np.exp(s))),
        ("odds", lambda s: 1.0 / (1.0 + np.exp(s))),
        ("normal", lambda s: special.ndtr(-s)),
    ],
)
def test_royston_parmar(scale: str, to_survival: Callable[[Floats], Floats]) -> None:
    one = leaf("royston_parmar", {"scale": scale, "gamma": SPLINE_GAMMA, "knots": SPLINE_KNOTS})
    times = np.exp(np.linspace(-1.0, 8.0, 200))
    expected = to_survival(royston_parmar(np.log(times), SPLINE_GAMMA, SPLINE_KNOTS))
    np.testing.assert_allclose([survival(one, float(t)) for t in times], expected, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize(
    ("scale", "other"),
    [
        ("hazard", leaf("weibull", {"shape": 1.3, "scale": math.exp(6.0 / 1.3)})),
        ("odds", leaf("loglogistic", {"shape": 1.3, "scale": math.exp(6.0 / 1.3)})),
        ("normal", leaf("lognormal", {"meanlog": 6.0 / 1.3, "sdlog": 1.0 / 1.3})),
    ],
)
def test_a_spline_without_inner_knots_is_a_straight_line(scale: str, other: Leaf) -> None:
    one = leaf("royston_parmar", {"scale": scale, "gamma": (-6.0, 1.3), "knots": (1.0, 7.0)})
    for p in PROBABILITIES:
        assert quantile(one, float(p)) == pytest.approx(quantile(other, float(p)), rel=1e-12)
    assert leaf_mean(one) == pytest.approx(leaf_mean(other), rel=1e-8)


@pytest.mark.parametrize(
    ("scale", "slope", "other"),
    [
        ("hazard", 0.02, leaf("weibull_ph", {"shape": 0.02, "scale": math.exp(-1.0)})),
        ("odds", 1.001, leaf("loglogistic", {"shape": 1.001, "scale": math.exp(1.0 / 1.001)})),
        ("normal", 0.05, leaf("lognormal", {"meanlog": 20.0, "sdlog": 20.0})),
    ],
)
def test_a_spline_with_a_long_tail_has_the_mean_of_all_of_it(scale: str, slope: float, other: Leaf) -> None:
    one = leaf("royston_parmar", {"scale": scale, "gamma": (-1.0, slope), "knots": (0.0, 1.0)})
    assert leaf_mean(one) == pytest.approx(leaf_mean(other), rel=1e-10)


@pytest.mark.parametrize(("scale", "slope"), [("hazard", 1e-6), ("odds", 1.0), ("normal", 1e-6)])
def test_a_spline_that_nearly_levels_off_has_no_mean(scale: str, slope: float) -> None:
    one = leaf("royston_parmar", {"scale": scale, "gamma": (-1.0, slope), "knots": (0.0, 1.0)})
    assert leaf_mean(one) == math.inf


def test_a_spline_that_falls_is_refused() -> None:
    with pytest.raises(ValueError, match="survival would rise"):
        leaf("royston_parmar", {"scale": "hazard", "gamma": (-4.0, 1.2, 0.1), "knots": (0.0, 2.0, 5.0)})


# ---------------------------------------------------------------- tables


def test_survival_table() -> None:
    """The hazard is constant between the points, and the last goes on."""
    one = leaf("survival_table", {"points": ((0.0, 1.0), (182.0, 0.73), (365.0, 0.5))})
    assert survival(one, 182.0) == pytest.approx(0.73, rel=1e-15)
    assert survival(one, 91.0) == pytest.approx(math.sqrt(0.73), rel=1e-15)
    assert survival(one, 365.0 + 183.0) == pytest.approx(0.5 * 0.5 / 0.73, rel=1e-15)
    assert quantile(one, 0.5) == pytest.approx(365.0, rel=1e-15)


def test_survival_may_stay_as_it_is() -> None:
    one = leaf("piecewise_exponential", {"survival": ((10.0, 0.8), (20.0, 0.8)), "then": 0.0})
    assert quantile(one, 0.19) < 10.0
    assert hazard_at(one, 12.0) == hazard_at(one, 19.0) == hazard_at(one, math.inf)
    assert quantile(one, 0.21) == math.inf == leaf_mean(one)


def test_life_table_counts_from_birth() -> None:
    """Rates per year from ages in years on; 365.25 days a year; the last row is open."""
    one = leaf("life_table", {"ages": (0.0, 1.0, 50.0), "rates": (0.01, 0.001, 0.02)})
    assert hazard_at(one, 0.5 * 365.25) == pytest.approx(0.005, rel=1e-14)
    assert hazard_at(one, 50.0 * 365.25) == pytest.approx(0.01 + 49 * 0.001, rel=1e-14)
    assert hazard_at(one, 150.0 * 365.25) == pytest.approx(0.01 + 49 * 0.001 + 100 * 0.02, rel=1e-14)
    years = (1 - math.exp(-0.01)) / 0.01
    years += math.exp(-0.01) * (1 - math.exp(-0.049)) / 0.001 + math.exp(-0.059) / 0.02
    assert leaf_mean(one) == pytest.approx(years * 365.25, rel=1e-14)


def test_a_life_table_may_end_with_certainty() -> None:
    """Deaths of the closing year are spread evenly: S = exp(-1) (1 - t) t years after the age of 100."""
    one = leaf("life_table", {"ages": (0.0, 100.0), "rates": (0.01, math.inf)})
    end = 101 * 365.25
    assert hazard_at(one, 36525.0) == pytest.approx(1.0, rel=1e-14)
    for part in (0.25, 0.5, 0.9):
        t = (100 + part) * 365.25
        assert survival(one, t) == pytest.approx(math.exp(-1.0) * (1 - part), rel=1e-12)
        assert time_at(one, hazard_at(one, t)) == pytest.approx(t, rel=1e-14)
    assert hazard_at(one, end) == hazard_before(one, end) == math.inf
    assert time_at(one, math.inf) == end
    years = (1 - math.exp(-1.0)) / 0.01 + 0.5 * math.exp(-1.0)
    assert leaf_mean(one) == pytest.approx(years * 365.25, rel=1e-14)


def test_a_survival_table_may_end_with_0() -> None:
    """Survival falls in a straight line from the last point above 0."""
    one = leaf("survival_table", {"points": ((0.0, 1.0), (12.0, 0.4), (24.0, 0.0))})
    assert survival(one, 6.0) == pytest.approx(math.sqrt(0.4), rel=1e-14)
    assert survival(one, 18.0) == pytest.approx(0.2, rel=1e-14)
    assert quantile(one, 0.9) == pytest.approx(21.0, rel=1e-14)
    assert survival(one, 24.0) == survival(one, 30.0) == 0.0
    assert quantile(one, 1 - 2.0**-53) <= 24.0
    mean = 12 * (1 - 0.4) / -math.log(0.4) + 0.4 * 6
    assert leaf_mean(one) == pytest.approx(mean, rel=1e-14)


def test_a_list_of_times_is_drawn_in_the_order_written() -> None:
    one = leaf("categorical", {"times": (7.0, 1.0, 2.0), "probabilities": (0.2, 0.5, "rest")})
    assert [quantile(one, u) for u in (0.1, 0.21, 0.69, 0.71)] == [7.0, 1.0, 1.0, 2.0]
    assert [time_at(one, -math.log(s)) for s in (0.9, 0.51, 0.49, 0.21, 0.19)] == [1.0, 1.0, 2.0, 2.0, 7.0]
    assert survival(one, 1.0) == pytest.approx(0.5)
    assert survival(one, 1.5) == pytest.approx(0.5)
    assert hazard_before(one, 2.0) == hazard_at(one, 1.0)
    assert (hazard_before(one, 1.0), hazard_at(one, 7.0)) == (0.0, math.inf)
    assert leaf_mean(one) == pytest.approx(0.2 * 7.0 + 0.5 + 0.6)
    assert leaf_median(one) == 1.0


def test_a_fixed_time() -> None:
    one = leaf("fixed", {"value": 28.0})
    assert quantile(one, 0.3) == time_at(one, 0.0) == time_at(one, 40.0) == leaf_mean(one) == 28.0
    assert (hazard_at(one, 27.9), hazard_before(one, 28.0), hazard_at(one, 28.0)) == (0.0, 0.0, math.inf)


@pytest.mark.parametrize("family", ["triangular", "pert"])
def test_limits_that_meet_give_a_fixed_time(family: str) -> None:
    one = leaf(family, {"low": 3.0, "mode": 3.0, "high": 3.0})
    assert quantile(one, 0.01) == quantile(one, 0.99) == leaf_mean(one) == leaf_median(one) == 3.0


# ---------------------------------------------------------------- quantile, time and hazard agree

EVERY = {
    **{name: leaf(family, arguments) for name, (family, arguments, _) in SCIPY.items()},
    **{name: row[0] for name, row in PRINTED.items()},
    "generalised_gamma, negative Q": leaf("generalised_gamma", {"mu": 5.0, "sigma": 0.9, "Q": -0.7}),
    "generalised_f": leaf("generalised_f", {"mu": 5.0, "sigma": 0.9, "Q": 0.5, "P": 0.6}),
    "spline of hazards": leaf(
        "royston_parmar", {"scale": "hazard", "gamma": SPLINE_GAMMA, "knots": SPLINE_KNOTS}
    ),
    "spline of odds": leaf("royston_parmar", {"scale": "odds", "gamma": SPLINE_GAMMA, "knots": SPLINE_KNOTS}),
    "spline of scores": leaf(
        "royston_parmar", {"scale": "normal", "gamma": SPLINE_GAMMA, "knots": SPLINE_KNOTS}
    ),
    "survival_table": leaf("survival_table", {"points": ((0.0, 1.0), (182.0, 0.73), (365.0, 0.5))}),
    "life_table": leaf("life_table", {"ages": (0.0, 1.0, 50.0), "rates": (0.01, 0.001, 0.02)}),
}
BOUNDED = ("uniform", "triangular", "triangular, mode low", "pert", "beta", "beta, two peaks")


@pytest.mark.parametrize("one", EVERY.values(), ids=EVERY)
@settings(max_examples=40)
@given(u=st.integers(0, 2**52 - 1).map(lambda leading: (leading + 0.5) * 2.0**-52))
def test_quantile_and_time_agree(one: Leaf, u: float) -> None:
    assert quantile(one, u) == pytest.approx(time_at(one, -math.log1p(-u)), rel=1e-12)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in BOUNDED])
@settings(max_examples=40)
@given(hazard=st.floats(1e-12, 700.0))
def test_hazard_and_time_are_inverse(name: str, hazard: float) -> None:
    """To rounding: 1e-12 of the time, and of the hazard where the time's own digits allow."""
    one = EVERY[name]
    time = time_at(one, hazard)
    if time == math.inf:
        assert name == "gompertz, improper"
        assert hazard > 1.25 - 1e-9
        return
    assert time_at(one, hazard_at(one, time)) == pytest.approx(time, rel=1e-12, abs=1e-14)
    assert hazard_at(one, time) == pytest.approx(hazard, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("name", BOUNDED)
@settings(max_examples=40)
@given(hazard=st.floats(1e-12, 12.0))
def test_hazard_and_time_are_inverse_between_bounds(name: str, hazard: float) -> None:
    one = EVERY[name]
    time = time_at(one, hazard)
    assert time_at(one, hazard_at(one, time)) == pytest.approx(time, rel=1e-12)


@pytest.mark.parametrize("one", EVERY.values(), ids=EVERY)
@settings(max_examples=40)
@given(hazards=st.tuples(st.floats(0.0, 700.0), st.floats(0.0, 700.0)).map(sorted))
def test_more_hazard_is_never_earlier(one: Leaf, hazards: list[float]) -> None:
    earlier, later = time_at(one, hazards[0]), time_at(one, hazards[1])
    assert earlier <= later * (1.0 + 1e-12) or earlier <= later + 1e-12


def test_far_upper_tails() -> None:
    """At H = 600 the logs of survival are what scipy's log survival functions say, solved for."""
    tails = [
        ("lognormal", {"meanlog": 3.5, "sdlog": 0.4}, stats.lognorm(0.4, scale=math.exp(3.5)).logsf),
        ("loglogistic", {"shape": 2.5, "scale": 40.0}, lambda t: -np.log1p((t / 40.0) ** 2.5)),
        ("gamma", {"shape": 4.0, "rate": 0.1}, lambda t: np.log(special.gammaincc(4.0, 0.1 * t))),
        ("weibull", {"shape": 1.2, "scale": 6.0}, lambda t: -((t / 6.0) ** 1.2)),
    ]
    for family, arguments, logsf in tails:
        one = leaf(family, arguments)
        assert -float(logsf(time_at(one, 600.0))) == pytest.approx(600.0, rel=1e-9)
        assert hazard_at(one, time_at(one, 600.0)) == pytest.approx(600.0, rel=1e-9)


@pytest.mark.parametrize("one", EVERY.values(), ids=EVERY)
def test_mean_is_the_area_under_the_quantiles(one: Leaf) -> None:
    if quantile(one, 1.0 - 1e-9) == math.inf:
        assert leaf_mean(one) == math.inf
        return
    scores = np.linspace(-9.0, 36.0, 9_001)
    times = [time_at(one, float(hazard)) for hazard in -special.log_ndtr(-scores)]
    area = integrate.simpson(times * np.exp(-0.5 * scores**2) / math.sqrt(2.0 * math.pi), x=scores)
    assert leaf_mean(one) == pytest.approx(area, rel=1e-6)


@pytest.mark.parametrize("family", ["gamma", "weibull", "lognormal"])
def test_an_offset_changes_nothing(family: str) -> None:
    arguments = {"lognormal": {"meanlog": 1.0, "sdlog": 0.5}}.get(family, {"shape": 1.5})
    one = leaf(family, {**arguments, **({"mean": 9.0} if family != "lognormal" else {})})
    numbers = np.array([7.0, 8.0, 9.0, *one.numbers, 3.0])
    assert machine_code(leaf_quantile)(one.kind, numbers, 3, 0.3) == quantile(one, 0.3)
    assert machine_code(leaf_hazard)(one.kind, numbers, 3, 5.0) == hazard_at(one, 5.0)


def test_compiled_or_not_the_bits_are_the_same() -> None:
    program = (
        "import numpy as np\n"
        "from tests.theory.test_distributions import EVERY, hazard_at, quantile, time_at\n"
        "for name, one in EVERY.items():\n"
        "    found = [quantile(one, (i + 0.5) / 40) for i in range(40)]\n"
        "    found += [time_at(one, 1.7**i) for i in range(-40, 12)]\n"
        "    found += [hazard_at(one, float(t)) for t in found if np.isfinite(t)]\n"
        "    print(name, [value.hex() for value in found])"
    )
    assert output_of_python(program) == output_of_python(program, is_compiled=False)
