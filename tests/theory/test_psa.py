"""A pathway with a gamma prior on its rate: mean and variance of survival and QALYs in closed form."""

from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from sim.uncertainty.psa import Design
from sim.uncertainty.variance import crossed, nested
from tests.psa_models import TWO_STATES, analysed, written

SHAPE, MEAN = 4.0, 0.4  # of the rate per year
UTILITY, HORIZON = 0.8, 10.0


def moments(of_rate) -> tuple[float, float]:
    """Mean and standard deviation of a function of the rate under its gamma prior."""
    prior = stats.gamma(SHAPE, scale=MEAN / SHAPE)
    first, second = (
        integrate.quad(lambda rate, p=p: of_rate(rate) ** p * prior.pdf(rate), 0, 10, limit=200)[0]
        for p in (1, 2)
    )
    return first, sqrt(second - first**2)


def survival_at(years: float) -> tuple[float, float]:
    """E exp(-r t) = (1 + t mean / shape)^-shape; its second moment is that of 2 t."""
    first, second = ((1.0 + k * years * MEAN / SHAPE) ** -SHAPE for k in (1, 2))
    return first, sqrt(second - first**2)


@pytest.mark.parametrize("design", list(Design))
def test_two_states(tmp_path: Path, design: Design) -> None:
    """Means within five standard errors; parameter standard deviations within five of theirs.

    1,500 draws of 200 fresh patients catch an error of a fifth in the standard deviation. The same 200
    patients in all draws give the variance of the parameters less exactly.
    """
    found = analysed(written(tmp_path, base=TWO_STATES), draws=1500, patients=200, design=design)
    qaly = moments(
        lambda rate: UTILITY * (1.0 - np.exp(-rate * HORIZON)) / rate if rate > 0 else UTILITY * HORIZON
    )
    expected = {("survival", years * 365.25): survival_at(years) for years in (1.0, 2.0, 5.0)}
    expected["qaly", None] = qaly
    for k, measure in enumerate(found.model.measures):
        time = None if np.isnan(measure.time) else measure.time
        if (measure.outcome, time) not in expected or measure.measure not in ("survival", "discounted"):
            continue
        mean, sd = expected.pop((measure.outcome, time))
        if design is Design.SAME:
            components = crossed([block[0][k] for block in found.sums])
        else:
            components = nested(found.estimates[:, 0, k], found.noise[:, k, 0, 0], n_patients=200)
        assert abs(components.mean - mean) < 5.0 * components.standard_error
        variance = components.parameter
        error = (variance.high - variance.low) / 3.92
        assert abs(variance.variance - sd**2) < 5.0 * error
        assert error < (0.3 if design is Design.SAME else 0.08) * sd**2
        assert components.simulation_error < components.standard_error
    assert not expected
