"""Logarithm, exponential and normal distribution against exact decimals, the library and scipy."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sim.numerics import normal as normal_lines
from sim.numerics import portable as lines
from tests.command import output_of_python
from tests.machine_code import MachineCode

portable, normal = MachineCode(lines), MachineCode(normal_lines)

RANDOM = np.random.default_rng(20240501)


def units_off(found: float, exact: Decimal) -> float:
    """The error in units of the last place of the exact value."""
    return abs(float((Decimal(found) - exact) / Decimal(math.ulp(float(exact)))))


def exact(function: str, x: float) -> Decimal:
    """The function of a number to forty digits."""
    with localcontext() as context:
        context.prec = 60
        given_number = Decimal(x)
        match function:
            case "log":
                return given_number.ln()
            case "log1p":
                return (1 + given_number).ln()
            case "exp":
                return given_number.exp()
            case _:
                return given_number.exp() - 1


def spread(low: float, high: float, n: int = 1500) -> list[float]:
    return [float(x) for x in RANDOM.uniform(low, high, n)]


@pytest.mark.parametrize(
    ("name", "arguments", "most"),
    [
        ("log", [math.exp(x) for x in spread(-740.0, 709.0)], 0.51),
        ("log", spread(0.5, 2.0), 0.55),
        ("log", [1.0 + x for x in spread(-1e-3, 1e-3)], 0.75),
        ("log", [5e-324, 2.2e-308, 1.7976931348623157e308, 1.0 - 2.0**-53, 1.0 + 2.0**-52], 0.75),
        ("exp", spread(-708.0, 709.7), 0.55),
        ("exp", spread(-1.0, 1.0), 0.55),
        ("exp", [709.78, -708.3, 1e-300, -1e-17], 0.55),
        ("log1p", spread(-0.9999, 3.0), 1.0),
        ("log1p", [math.copysign(math.exp(-abs(x)), x) for x in spread(-40.0, 40.0) if abs(x) > 0.01], 1.0),
        ("expm1", spread(-37.0, 700.0), 1.5),
        ("expm1", [math.copysign(math.exp(-abs(x)), x) for x in spread(-40.0, 40.0)], 1.5),
    ],
)
def test_within_units_of_the_last_place(name: str, arguments: list[float], most: float) -> None:
    function = getattr(portable, name)
    worst = max(units_off(function(x), exact(name, x)) for x in arguments)
    assert worst <= most


@pytest.mark.parametrize(
    ("name", "x", "value"),
    [
        ("log", 1.0, 0.0),
        ("log", 0.0, -math.inf),
        ("log", math.inf, math.inf),
        ("log1p", 0.0, 0.0),
        ("log1p", -1.0, -math.inf),
        ("log1p", math.inf, math.inf),
        ("exp", 0.0, 1.0),
        ("exp", -math.inf, 0.0),
        ("exp", -746.0, 0.0),
        ("exp", -745.0, 5e-324),
        ("exp", 709.79, math.inf),
        ("exp", math.inf, math.inf),
        ("expm1", 0.0, 0.0),
        ("expm1", -math.inf, -1.0),
        ("expm1", math.inf, math.inf),
        ("normal_quantile", 0.5, 0.0),
        ("normal_quantile", 0.0, -math.inf),
        ("normal_quantile", 1.0, math.inf),
        ("normal_cdf", 0.0, 0.5),
        ("normal_cdf", -math.inf, 0.0),
        ("normal_cdf", math.inf, 1.0),
        ("normal_score", 0.0, -math.inf),
        ("normal_score", math.inf, math.inf),
        ("normal_hazard", -math.inf, 0.0),
        ("normal_hazard", math.inf, math.inf),
        ("round_to_grid", math.inf, math.inf),
    ],
)
def test_at_the_ends(name: str, x: float, value: float) -> None:
    assert getattr(normal if name.startswith("normal") else portable, name)(x) == value


@pytest.mark.parametrize(("name", "x"), [("log", -1.0), ("log1p", -2.0), ("normal_quantile", 1.5)])
def test_no_value_outside(name: str, x: float) -> None:
    assert math.isnan(getattr(normal if name.startswith("normal") else portable, name)(x))
    assert math.isnan(getattr(normal if name.startswith("normal") else portable, name)(math.nan))


@given(st.integers(0, 2**52 - 1))
def test_the_hazard_of_a_draw_is_minus_the_log_of_what_is_left(leading: int) -> None:
    u = (leading + 0.5) * 2.0**-52
    assert units_off(portable.unit_hazard(u), -exact("log1p", -u)) <= 1.0


@given(st.floats(1e-17, 0.999))
def test_the_hazard_of_any_share(u: float) -> None:
    assert units_off(portable.unit_hazard(u), -exact("log1p", -u)) <= 1.0


def test_power() -> None:
    for x, y in [(2.0, 0.5), (0.3, -4.0), (1e300, 1.01), (7.0, 100.0), (1e-5, 20.0)]:
        assert math.isclose(portable.power(x, y), x**y, rel_tol=3e-16 * max(1.0, abs(y * math.log(x))))
    assert [portable.power(0.0, y) for y in (2.0, 0.0, -1.0)] == [0.0, 1.0, math.inf]


@given(st.floats(-1e9, 1e9))
def test_times_are_rounded_to_the_nearest_point_half_to_even(days: float) -> None:
    assert portable.round_to_grid(days) == float(Fraction(round(Fraction(days) * 2**20), 2**20))


@pytest.mark.parametrize(("half_steps", "points"), [(1, 0), (3, 2), (5, 2), (-1, 0), (-3, -2)])
def test_a_half_goes_to_the_even_point(half_steps: int, points: int) -> None:
    assert portable.round_to_grid(half_steps * 2.0**-21) == points * 2.0**-20


# ---------------------------------------------------------------- normal distribution


def test_normal_quantile() -> None:
    """AS 241 promises about one part in 10^16; the library has the same algorithm, scipy another."""
    for p in [*spread(1e-12, 1.0), *(math.exp(x) for x in spread(-700.0, -1.0))]:
        assert math.isclose(normal.normal_quantile(p), NormalDist().inv_cdf(p), rel_tol=2e-15, abs_tol=1e-16)
        assert math.isclose(normal.normal_quantile(p), special.ndtri(p), rel_tol=2e-15, abs_tol=1e-15)


def lower_tail(z: float) -> float:
    """The normal distribution function below 0; the exponential exact, the square not rounded."""
    with localcontext() as context:
        context.prec = 60
        falling = (-(Decimal(z) ** 2) / 2).exp()
        return float(falling * Decimal(float(special.erfcx(-z / math.sqrt(2.0)))) / 2)


def test_normal_distribution_function() -> None:
    for z in [*spread(-8.0, 0.0), *spread(-37.0, -8.0)]:
        assert math.isclose(normal.normal_cdf(z), lower_tail(z), rel_tol=2e-15)
        assert normal.normal_tail(-z) == normal.normal_cdf(z)
        assert math.isclose(normal.normal_cdf(-z), 1.0 - lower_tail(z), rel_tol=6e-16)


def test_normal_hazard() -> None:
    for z in [*spread(-37.0, 8.0), *spread(8.0, 1000.0)]:
        assert math.isclose(normal.normal_hazard(z), -special.log_ndtr(-z), rel_tol=3e-13)


@given(st.floats(1e-280, 1e6))
def test_score_and_hazard_are_inverse(hazard: float) -> None:
    score = normal.normal_score(hazard)
    slope = max(abs(score), 1.0)
    assert math.isclose(normal.normal_hazard(score), hazard, rel_tol=1e-14 * slope * slope)


@given(st.floats(2.0**-53, 1.0 - 2.0**-53))
def test_score_of_a_hazard_is_the_quantile_of_its_share(u: float) -> None:
    hazard = portable.unit_hazard(u)
    assert math.isclose(normal.normal_score(hazard), normal.normal_quantile(u), rel_tol=1e-14, abs_tol=1e-15)


def test_compiled_or_not_the_bits_are_the_same() -> None:
    program = (
        "from sim.numerics import normal, portable\n"
        "from tests.machine_code import MachineCode\n"
        "a, n = MachineCode(portable), MachineCode(normal)\n"
        "x = 0.37\n"
        "for i in range(400):\n"
        "    x = (x * 7.3 + 0.011) % 1.0\n"
        "    wide = (x - 0.5) * 1400.0\n"
        "    found = [a.log(x * 10.0 ** (i - 200)), a.exp(wide), a.log1p(-x), a.unit_hazard(x),\n"
        "             a.expm1(wide), a.expm1(x - 0.5), n.normal_quantile(x * 10.0**-(i % 300)),\n"
        "             n.normal_quantile(x), n.normal_cdf(20.0 * x - 10.0),\n"
        "             n.normal_hazard(80.0 * x - 30.0), n.normal_score(900.0 * x),\n"
        "             a.power(x, wide), a.round_to_grid(wide)]\n"
        "    print([value.hex() for value in found])"
    )
    assert output_of_python(program) == output_of_python(program, is_compiled=False)
