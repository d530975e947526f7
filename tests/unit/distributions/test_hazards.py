"""The hazards of a likelihood are those that the kernel simulates with."""

from __future__ import annotations

import numpy as np
import pytest

from sim.distributions.families import leaf
from sim.distributions.hazards import OF_FAMILY, hazards
from sim.distributions.leaves import leaf_hazard

FAMILIES = [
    ("exponential", {"rate": 0.03}),
    ("weibull", {"shape": 1.4, "scale": 30.0}),
    ("weibull", {"shape": 0.6, "scale": 30.0}),
    ("weibull_ph", {"shape": 1.4, "scale": 0.01}),
    ("gompertz", {"shape": 0.02, "rate": 0.01}),
    ("gompertz", {"shape": -0.05, "rate": 0.03}),
    ("gompertz", {"shape": 0.0, "rate": 0.03}),
    ("lognormal", {"meanlog": 3.0, "sdlog": 0.8}),
    ("loglogistic", {"shape": 1.7, "scale": 25.0}),
    ("gamma", {"shape": 2.3, "rate": 0.08}),
    ("gamma", {"shape": 0.4, "rate": 0.02}),
    ("normal", {"mean": 30.0, "sd": 12.0}),
    ("normal", {"mean": 3.0, "sd": 12.0}),
    ("generalised_gamma", {"mu": 3.2, "sigma": 0.7, "Q": 0.6}),
    ("generalised_gamma", {"mu": 3.2, "sigma": 0.7, "Q": -0.9}),
    ("generalised_gamma", {"mu": 3.2, "sigma": 0.7, "Q": 0.004}),
    ("generalised_gamma", {"mu": 3.2, "sigma": 0.7, "Q": 0.0}),
    ("generalised_f", {"mu": 3.2, "sigma": 0.7, "Q": 0.5, "P": 1.2}),
    ("generalised_f", {"mu": 3.2, "sigma": 0.7, "Q": -0.5, "P": 0.3}),
    ("generalised_f", {"mu": 3.2, "sigma": 0.7, "Q": 0.6, "P": 0.0}),
    ("royston_parmar", {"scale": "hazard", "gamma": (-4.0, 1.4, 0.05), "knots": (0.5, 2.5, 4.2)}),
    ("royston_parmar", {"scale": "odds", "gamma": (-4.0, 1.4, 0.05), "knots": (0.5, 2.5, 4.2)}),
    ("royston_parmar", {"scale": "normal", "gamma": (-2.5, 0.8, 0.02), "knots": (0.5, 2.5, 4.2)}),
    ("piecewise_exponential", {"steps": ((0.0, 0.02), (11.3, 0.05), (40.1, 0.01))}),
]
TIMES = np.array([0.05, 1.0, 7.0, 11.0, 23.0, 40.0, 41.0, 90.0, 150.0])


@pytest.mark.parametrize(("family", "own"), FAMILIES)
def test_the_cumulative_hazard_is_that_of_the_kernel(family: str, own: dict[str, object]) -> None:
    """Tables over the normal score have an error of 2e-10 in the log time."""
    made = leaf(family, own)
    expected = [leaf_hazard(made.kind, np.array(made.numbers), 0, time) for time in TIMES]
    _, found = hazards(family, own, TIMES)
    np.testing.assert_allclose(found, expected, rtol=2e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("family", "own"),
    [*FAMILIES, ("mixture_cure", {"cured": 0.3, "of": ("weibull", {"shape": 1.4, "scale": 30.0})})],
)
def test_the_hazard_is_its_slope(family: str, own: dict[str, object]) -> None:
    """Five-point differences: an error of order h^4."""
    h = 1e-3 * TIMES
    reached = {k: hazards(family, own, TIMES + k * h)[1] for k in (-2, -1, 1, 2)}
    slope = (8.0 * (reached[1] - reached[-1]) - reached[2] + reached[-2]) / (12.0 * h)
    found, _ = hazards(family, own, TIMES)
    np.testing.assert_allclose(np.exp(found), slope, rtol=1e-7, atol=1e-12)


def test_those_who_are_cured_never_have_the_event() -> None:
    _, reached = hazards(
        "mixture_cure", {"cured": 0.3, "of": ("exponential", {"rate": 1.0})}, np.array([1e3])
    )
    assert np.exp(-reached[0]) == pytest.approx(0.3)


def test_far_tails_are_finite() -> None:
    """Where survival is below all floats the cumulative hazard goes on."""
    for family, own in FAMILIES:
        log_hazard, reached = hazards(family, own, np.array([2e4, 3e4]))
        assert np.isfinite(reached).all(), family
        assert reached[1] >= reached[0], family
        assert np.isfinite(log_hazard).all() or family == "piecewise_exponential", family
    assert set(OF_FAMILY) == {family for family, _ in FAMILIES} | {"mixture_cure"}
