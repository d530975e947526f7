"""95% intervals of planted parameters contain them at the nominal rate.

Of 100 intervals with coverage 0.95 at least 86 contain the truth with probability 0.9998; of 100 with coverage
0.75 as many do with probability 0.006. So the bound holds for eight parameters, and catches intervals
that are 40% too short.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from sim.calibration.observations import Observations
from sim.calibration.survival_fit import fit_family
from tests.survival_examples import observations

DATA_SETS, FEWEST = 100, 86
Planted = dict[tuple[str, str], float]
"""The truth by family and parameter."""
Draw = Callable[[np.random.Generator], dict[str, Observations]]
"""A data set for each family."""


def test_the_bounds_are_those_stated() -> None:
    assert stats.binom.sf(FEWEST - 1, DATA_SETS, 0.95) > 0.9998
    assert stats.binom.sf(FEWEST - 1, DATA_SETS, 0.75) < 0.006
    wide, short = stats.norm.ppf(0.975), stats.norm.ppf(0.875)
    assert short / wide < 0.6


def covered(draw: Draw, truth: Planted, *, seed: int, data_sets: int) -> dict[tuple[str, str], int]:
    """How many intervals contain the truth, for each parameter."""
    rng = np.random.default_rng(seed)
    found = dict.fromkeys(truth, 0)
    for _ in range(data_sets):
        for family, data in draw(rng).items():
            fit = fit_family(family, data)
            assert not fit.reason, fit.reason
            for one in fit.parameters:
                found[family, one.name] += one.low <= truth[family, one.name] <= one.high
    return found


def late_weibull(rng: np.random.Generator) -> dict[str, Observations]:
    """300 patients who are followed from a random time on, if they reach it, until a random time."""
    time, entry = 20.0 * rng.weibull(1.4, 300), rng.uniform(0.0, 15.0, 300)
    stop = entry + rng.uniform(5.0, 30.0, 300)
    end = np.minimum(time, stop)
    kept = time > entry
    return {"weibull": observations(end[kept], (time <= stop)[kept], entry=entry[kept])}


def competing(rng: np.random.Generator) -> dict[str, Observations]:
    """Two causes, Weibull and exponential; each is censored by the other and by the end of follow-up."""
    first, second = 30.0 * rng.weibull(0.8, 200), rng.exponential(50.0, 200)
    end = np.minimum(np.minimum(first, second), 60.0)
    return {"weibull": observations(end, first <= end), "exponential": observations(end, second <= end)}


def cured(rng: np.random.Generator) -> dict[str, Observations]:
    """A third is cured; follow-up is three times the scale of the others and more."""
    time = np.where(rng.uniform(size=300) < 1.0 / 3.0, np.inf, 12.0 * rng.weibull(1.5, 300))
    stop = rng.uniform(36.0, 60.0, 300)
    return {"mixture_cure.weibull": observations(np.minimum(time, stop), time <= stop)}


CURE = "mixture_cure.weibull"
MODELS: dict[str, tuple[Draw, Planted]] = {
    "late entry": (late_weibull, {("weibull", "shape"): 1.4, ("weibull", "scale"): 20.0}),
    "competing": (
        competing,
        {("weibull", "shape"): 0.8, ("weibull", "scale"): 30.0, ("exponential", "rate"): 1.0 / 50.0},
    ),
    "cured": (cured, {(CURE, "cured"): 1.0 / 3.0, (CURE, "shape"): 1.5, (CURE, "scale"): 12.0}),
}


@pytest.mark.long
@pytest.mark.parametrize("model", MODELS)
def test_intervals_contain_planted_parameters(model: str) -> None:
    draw, truth = MODELS[model]
    found = covered(draw, truth, seed=20, data_sets=DATA_SETS)
    assert min(found.values()) >= FEWEST, found


@pytest.mark.parametrize("model", MODELS)
def test_one_large_data_set_finds_planted_parameters(model: str) -> None:
    """Twenty data sets in one: within four standard errors, which are below 6% of the parameters."""
    draw, truth = MODELS[model]
    rng = np.random.default_rng(4)
    many = [draw(rng) for _ in range(20)]
    for family in many[0]:
        sets = [one[family] for one in many]
        columns = [
            np.concatenate([getattr(one, name) for one in sets])
            for name in ("entry", "low", "high", "weight")
        ]
        fit = fit_family(family, Observations(*columns, np.zeros((len(columns[0]), 0))))
        for one in fit.parameters:
            assert abs(one.value - truth[family, one.name]) < 4.0 * one.standard_error, one.name
            assert one.standard_error < 0.06 * one.value, one.name
