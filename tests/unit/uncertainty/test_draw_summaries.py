"""Draws as charts show them: without the noise of the patients, against closed forms."""

from __future__ import annotations

from dataclasses import replace
from math import exp, sqrt
from pathlib import Path

import numpy as np
import pytest

from sim.uncertainty.draw_summaries import convergence, cost_effectiveness_draws, survival_curves
from sim.uncertainty.psa import Design
from sim.uncertainty.results import PsaResults
from sim.uncertainty.variance import parameter_quantiles
from sim.units import DAYS_IN
from tests.psa_models import TWO_STATES, analysed, written


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> PsaResults:
    """Two arms, 60 draws of 40 patients."""
    return PsaResults(analysed(written(tmp_path_factory.mktemp("psa")), draws=60, patients=40))


def test_quantiles_without_noise_are_those_of_the_parameters() -> None:
    """Normal draws of variance 1 with noise of variance 1: the quartile is 0.6745, with noise in it 0.954.

    It must catch an error of 0.1; the standard error with 20,000 draws is below 0.02.
    """
    rng = np.random.default_rng(1)
    draws = rng.normal(size=20_000) + rng.normal(size=20_000)
    low, middle, high = parameter_quantiles(draws, 1.0, float(np.var(draws, ddof=1)) - 1.0, (0.25, 0.5, 0.75))
    assert (low, middle, high) == pytest.approx((-0.6745, 0.0, 0.6745), abs=0.1)


def test_curve_is_the_mixture_of_exponentials(tmp_path: Path) -> None:
    """The rate is gamma with shape 4 and mean 0.4 a year: survival falls with it, so that quantiles are exact.

    The median over draws at time t is exp(-median(rate) t). 400 draws of 400 patients, bound five standard
    errors of a sample median (1.25 sd / sqrt(400)); without removal of noise the test of quantiles fails.
    """
    psa = analysed(written(tmp_path, base=TWO_STATES), draws=400, patients=400)
    rows = list(survival_curves(PsaResults(psa)))
    assert [row.time_days for row in rows] == sorted(row.time_days for row in rows)
    assert len(rows) == 19 + 3
    from scipy.stats import gamma

    rates = gamma(4, scale=0.1).ppf([0.5, 0.75, 0.25, 0.975, 0.025])
    for row in rows:
        expected = np.exp(-rates * row.time_days / DAYS_IN["year"])
        sd = (row.high_95 - row.low_95) / 3.92
        assert row.median == pytest.approx(expected[0], abs=5 * 1.25 * sd / 20)
        assert row.low_50 == pytest.approx(expected[1], abs=5 * 1.36 * sd / 20)
        assert row.high_50 == pytest.approx(expected[2], abs=5 * 1.36 * sd / 20)


def test_curve_equals_the_interval_of_the_table(results: PsaResults) -> None:
    """At a time that is asked for the band is the interval of the estimates; other times are no estimates."""
    table = {
        (row.arm, row.time_days): (row.low, row.high)
        for row in results.estimates
        if row.measure == "survival" and not row.reference
    }
    times = {time for _, time in table}
    assert times == {DAYS_IN["year"], 2 * DAYS_IN["year"], 5 * DAYS_IN["year"]}
    rows = [row for row in survival_curves(results) if row.time_days in times]
    assert {(row.arm, row.time_days): (row.low_95, row.high_95) for row in rows} == table


def test_the_bands_are_of_the_first_survival_outcome(tmp_path: Path) -> None:
    """Not of a second one; nine draws are too few for a running mean."""
    two = TWO_STATES + "  alive: {from: start, until: {stage: gone}}\n"
    found = PsaResults(analysed(written(tmp_path, base=two), draws=9, patients=10))
    rows = list(survival_curves(found))
    assert {row.outcome for row in rows} == {"survival"}
    assert len(rows) == 19 + 3
    assert list(convergence(found)) == []


def test_with_the_same_patients_the_band_has_their_interaction_removed(tmp_path: Path) -> None:
    """The median is that of the closed form within five errors of 40 patients that all draws share."""
    psa = analysed(written(tmp_path, base=TWO_STATES), draws=100, patients=40, design=Design.SAME)
    rows = list(survival_curves(PsaResults(psa)))
    for row in rows:
        assert row.low_95 <= row.low_50 <= row.median <= row.high_50 <= row.high_95
        expected = exp(-0.367 * row.time_days / DAYS_IN["year"])  # median of the gamma of shape 4, mean 0.4
        assert row.median == pytest.approx(expected, abs=5 * 0.5 / sqrt(40))


def test_plane_has_the_covariance_between_draws_less_that_of_the_noise(results: PsaResults) -> None:
    """The mean is that of the draws; with the same patients in all draws the dots are the draws."""
    psa = results.psa
    cost, qaly = psa.model.cost_and_qaly
    draws = (psa.estimates[:, 1] - psa.estimates[:, 0])[:, [cost, qaly]]
    rows = list(cost_effectiveness_draws(results))
    points = np.array([row[2:] for row in rows])
    assert {row.arm for row in rows} == {"better"}
    noise = np.mean(psa.economic, axis=0)
    change = np.array([[-1.0, 1.0, 0.0, 0.0], [0.0, 0.0, -1.0, 1.0]])
    wanted = np.cov(draws.T) - change @ noise @ change.T
    assert (np.linalg.eigvalsh(wanted) > 0).all(), "else the positive part would be compared"
    assert points.mean(axis=0) == pytest.approx(draws.mean(axis=0))
    assert np.cov(points.T) == pytest.approx(wanted, rel=1e-6)
    same = PsaResults(replace(psa, request=replace(psa.request, design=Design.SAME)))
    assert np.array([row[2:] for row in cost_effectiveness_draws(same)]) == pytest.approx(draws)


def test_running_mean_ends_at_the_mean_of_all_draws(results: PsaResults) -> None:
    """Mean and error of the first n draws, of the difference in net benefit."""
    benefit = results.benefits[results.main_benefit].values
    difference = benefit[:, 1] - benefit[:, 0]
    rows = list(convergence(results))
    assert [rows[0].draws, rows[-1].draws] == [10, 60]
    for row in (rows[0], rows[7], rows[-1]):
        own = difference[: row.draws]
        assert row.mean == pytest.approx(own.mean())
        assert row.standard_error == pytest.approx(own.std(ddof=1) / sqrt(len(own)))
