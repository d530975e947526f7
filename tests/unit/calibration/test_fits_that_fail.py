"""Fits without a maximum, and curves that stay above one half: what is reported of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.calibration.maximum_likelihood import maximum
from sim.calibration.observations import Observations
from sim.calibration.survival_fit import fit_family


def observed(times: list[float], *, censored: int = 0, covariate: np.ndarray | None = None) -> Observations:
    """Events at these times, the last of them censored."""
    low = np.array(times)
    seen = np.arange(len(low)) < len(low) - censored
    matrix = np.zeros((len(low), 0)) if covariate is None else covariate[:, None]
    return Observations(np.zeros(len(low)), low, np.where(seen, low, math.inf), np.ones(len(low)), matrix)


CHANCE = np.random.default_rng(1)
WEIBULL = (20.0 * CHANCE.weibull(1.5, 60)).tolist()
NARROW = CHANCE.uniform(1.0, 1.01, 60).tolist()


@pytest.mark.parametrize(
    ("family", "times", "reason"),
    [
        ("mixture_cure.exponential", WEIBULL, "cured tends to 0: the data have no plateau"),
        ("weibull", [5.0] * 6, "shape grows without limit"),
        ("lognormal", [5.0] * 6, "sdlog tends to 0"),
        ("generalised_f", NARROW, "P tends to 0: the fit is that of generalised_gamma"),
        ("royston_parmar", [1.0] * 6 + [2.0, 3.0], "two of its knots fall on one time"),
    ],
)
def test_a_fit_at_a_bound_names_the_parameter(family: str, times: list[float], reason: str) -> None:
    assert fit_family(family, observed(times)).reason == reason


@pytest.mark.parametrize("family", ["mixture_cure.exponential", "gompertz"])
def test_a_curve_that_stays_above_one_half_has_no_median(family: str) -> None:
    fit = fit_family(family, observed([*sorted(WEIBULL)[:10], *[200.0] * 30], censored=30))
    assert not fit.reason
    assert fit.median == math.inf
    assert fit.survival(np.array([1e6]))[0] == pytest.approx(0.75, abs=0.02)


def test_a_likelihood_that_rises_for_ever_has_no_maximum() -> None:
    found = maximum(lambda place: math.log(place[0]) if place[0] > 0.0 else -math.inf, [np.array([1.0])])
    assert found.reason == "the likelihood still rises after 30 steps"


def test_the_curve_of_many_patients_is_the_mean_of_theirs() -> None:
    """With 900 covariates, of which the curve takes 400: within one point."""
    chance = np.random.default_rng(2)
    covariate = chance.uniform(-2.0, 2.0, 900)
    times = chance.exponential(20.0 * np.exp(-0.7 * covariate)).tolist()
    fit = fit_family("exponential", observed(times, covariate=covariate), covariates=("x",))
    for time in (5.0, 20.0, 60.0):
        each = np.exp(-time * fit.values["rate"] * np.exp(fit.coefficients[0] * covariate))
        assert fit.survival(np.array([time]))[0] == pytest.approx(each.mean(), abs=0.01)
