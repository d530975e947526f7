"""Value of information against closed forms: normal and bilinear net benefits."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from sim.uncertainty.benefit import net_benefit
from sim.uncertainty.decision import decide
from sim.uncertainty.regression import DrawRegression
from sim.uncertainty.value_of_information import evppi
from tests.decision_models import MEAN, NAIVE, SIGNAL, SLOPES, TRUTH, gain, hidden_by_noise, two_arms

DRAWS = 20_000
SIGMAS = 5.0


def test_perfect_information_on_a_sum_of_two_normal_parameters() -> None:
    """INB = 1000 + X1 + X2, sd 3000 and sqrt(7e6): E max(0, INB) - 1000 is the unit normal loss integral.

    Catches an error of 7% of the EVPI and of 13% of the EVPPI.
    """
    generator = np.random.default_rng(5)
    parameters = generator.standard_normal((DRAWS, 2)) * (3000.0, sqrt(7e6))
    benefit = two_arms(1000.0 + np.sum(parameters, axis=1))
    every = DrawRegression.on(parameters)
    decision = decide(benefit, every)
    found = [
        (decision.evpi, 1145.378793, 0.07),
        (evppi(benefit, DrawRegression.on(parameters[:, :1])), 762.708343, 0.11),
        (evppi(benefit, DrawRegression.on(parameters[:, 1:])), 630.010190, 0.13),
        (evppi(benefit, every), 1145.378793, 0.07),
    ]
    assert gain(1000.0, 4000.0) == pytest.approx(1145.378793)
    for estimate, truth, catches in found:
        assert SIGMAS * estimate.standard_error < catches * truth
        assert abs(estimate.value - truth) < SIGMAS * estimate.standard_error
    row = decision.rows[1]
    assert abs(row.probability_best - 0.598706) < SIGMAS * row.probability_standard_error < 0.02


BIVARIATE = [
    # threshold, mean and sd of the incremental net benefit, P(new is best), EVPI
    (0.0, -5000.0, 3000.0, 0.047790, 59.4797),
    (10_000.0, -2000.0, 3162.2777, 0.263545, 505.7938),
    (20_000.0, 1000.0, 4358.8989, 0.590727, 1284.5112),
    (30_000.0, 4000.0, 6000.0, 0.747507, 906.7179),
    (50_000.0, 10_000.0, 9695.3597, 0.848828, 760.5866),
    (100_000.0, 25_000.0, 19467.9223, 0.900458, 916.5995),
]


@pytest.mark.parametrize(("threshold", "mean", "sd", "probability", "evpi"), BIVARIATE)
@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_acceptability_and_perfect_information_of_normal_cost_and_qaly(
    threshold: float, mean: float, sd: float, probability: float, evpi: float, noise: float
) -> None:
    """dCost ~ N(5000, 3000^2), dQALY ~ N(.3, .2^2), correlation .25; noise: of this part of their variance.

    The errors of the two arms are correlated (they share patients), and so are those of cost and QALYs.
    Catches an error of .04 of the probability, and of 30% of the EVPI (70% where it is small).
    """
    generator = np.random.default_rng(6)
    joint = np.array([[3000.0**2, 0.25 * 3000 * 0.2], [0.25 * 3000 * 0.2, 0.2**2]])
    factor = np.linalg.cholesky(joint).T
    scores = generator.standard_normal((DRAWS // 2, 2))
    true = (5000.0, 0.3) + scores @ factor
    shared, own = (sqrt(noise) * generator.standard_normal((DRAWS // 2, 2)) @ factor for _ in range(2))
    # the first arm has the shared error, the second the shared and its own
    cost, qaly = (np.column_stack([shared[:, i], true[:, i] + shared[:, i] + own[:, i]]) for i in range(2))
    arms = np.array([[1.0, 1.0], [1.0, 2.0]])
    covariance = np.broadcast_to(noise * np.kron(joint, arms), (DRAWS // 2, 4, 4))
    benefit = net_benefit(
        ("old", "new"), cost=cost, qaly=qaly, covariance=covariance, threshold=threshold, patients=100
    )
    decision = decide(benefit, DrawRegression.on(scores))
    assert (gain(mean, sd), norm.cdf(mean / sd)) == pytest.approx((evpi, probability), rel=1e-4)
    row = decision.rows[1]
    assert abs(row.probability_best - probability) < SIGMAS * row.probability_standard_error < 0.04
    found = decision.evpi
    assert SIGMAS * found.standard_error < (0.7 if evpi < 100 else 0.3) * evpi
    assert abs(found.value - evpi) < SIGMAS * found.standard_error
    assert decision.rows[int(mean > 0)].frontier
    assert not decision.rows[int(mean <= 0)].frontier


def test_partial_information_on_a_product_of_two_parameters() -> None:
    """INB = X1 X2, independent normal: E(INB | X1) = X1 mean(X2), and both together give the EVPI."""
    (mean_1, sd_1), (mean_2, sd_2) = (0.5, 1.0), (2.0, 1.0)
    generator = np.random.default_rng(7)
    parameters = generator.standard_normal((DRAWS, 2)) * (sd_1, sd_2) + (mean_1, mean_2)
    benefit = two_arms(parameters[:, 0] * parameters[:, 1])
    # given X1 = x the product is N(x mean_2, (x sd_2)^2); E max(0, product) follows by integration over x
    positive = quad(
        lambda x: (
            norm.pdf(x, mean_1, sd_1)
            * (max(x * mean_2, 0.0) + (gain(x * mean_2, abs(x) * sd_2) if x else 0.0))
        ),
        -8.0,
        8.0,
        points=[0.0],
    )[0]
    both = positive - mean_1 * mean_2
    first, second = gain(mean_1 * mean_2, sd_1 * mean_2), gain(mean_1 * mean_2, sd_2 * mean_1)
    for columns, truth in (([0], first), ([1], second), ([0, 1], both)):
        found = evppi(benefit, DrawRegression.on(parameters[:, columns]))
        assert abs(found.value - truth) < SIGMAS * found.standard_error < 0.1
    found = decide(benefit, DrawRegression.on(parameters)).evpi
    assert abs(found.value - both) < SIGMAS * found.standard_error < 0.05


def test_a_parameter_without_influence_has_no_value() -> None:
    """With a mean of 100 and a standard deviation of 1,409 the EVPI is 513, and 500 draws are few.

    The estimate is 0 in most seeds and rarely above two standard errors. Its mean over 200 seeds is below
    0.7% of the EVPI; the largest fitted values, cross-fitted too, have a mean of 1% and are seldom 0.
    """
    found = []
    for seed in range(200):
        noisy, parameters = hidden_by_noise(seed, 500, patients=10**9)
        benefit = two_arms(noisy.values[:, 1] - 900.0)
        found.append(evppi(benefit, DrawRegression.on(parameters[:, [4]])))
    values = np.array([estimate.value for estimate in found])
    errors = np.array([estimate.standard_error for estimate in found])
    assert np.mean(values > 1.96 * errors) <= 0.05
    assert np.mean(values == 0.0) > 0.8
    assert np.mean(values) < 0.007 * gain(MEAN - 900.0, SIGNAL)


def test_the_noise_of_the_inner_simulation_is_removed() -> None:
    """A model with an EVPI of 198 that seems to be 1,013 with 100 patients in each draw."""
    benefit, parameters = hidden_by_noise(1, 4000)
    naive = np.mean(np.max(benefit.values, axis=1)) - np.max(np.mean(benefit.values, axis=0))
    assert naive == pytest.approx(NAIVE, rel=0.1)
    decision = decide(benefit, DrawRegression.on(parameters))
    assert abs(decision.evpi.value - TRUTH) < 1.96 * decision.evpi.standard_error < 0.5 * TRUTH
    row = decision.rows[1]
    truth = norm.cdf(MEAN / SIGNAL)
    assert abs(row.probability_best - truth) < 3.0 * row.probability_standard_error < 0.1
    assert row.probability_best - np.mean(benefit.values[:, 1] > 0.0) > 0.05


def test_noise_that_hides_the_value_is_named_with_the_patients_it_takes() -> None:
    benefit, parameters = hidden_by_noise(1, 150)
    decision = decide(benefit, DrawRegression.on(parameters))
    assert np.isnan(decision.evpi.value)
    assert np.isnan(decision.evpi.standard_error)
    assert decision.evpi.note.startswith("cannot be known: the error of the simulation hides it (at most ")
    assert {row.note for row in decision.rows} == {decision.evpi.note}
    assert np.isnan(decision.rows[0].expected_loss)


def test_the_patients_that_are_asked_for_suffice() -> None:
    noisy, parameters = hidden_by_noise(1, 150)
    note = decide(noisy, DrawRegression.on(parameters)).evpi.note
    patients = int(note.split("it takes ")[1].split(" patients")[0].split()[-1].replace(",", ""))
    assert 500 <= patients <= 5_000
    known, parameters = hidden_by_noise(1, 150, patients=patients)
    found = decide(known, DrawRegression.on(parameters)).evpi
    assert abs(found.value - TRUTH) < 1.96 * found.standard_error


@pytest.mark.long
@pytest.mark.parametrize(("patients", "least"), [(100, 0.90), (1_000_000_000, 0.925)])
def test_the_standard_errors_cover_the_truth(patients: int, least: float) -> None:
    """Of 200 seeds 93 to 97% have the truth within 1.96 standard errors, 92% where most variance is noise."""
    slope = float(SLOPES[0])
    truth = (TRUTH, float(norm.cdf(MEAN / SIGNAL)), gain(MEAN, slope))
    covered = []
    for seed in range(200):
        benefit, parameters = hidden_by_noise(seed, 1000, patients=patients)
        decision = decide(benefit, DrawRegression.on(parameters))
        first = evppi(benefit, DrawRegression.on(parameters[:, [0]]))
        row = decision.rows[1]
        found = (
            (decision.evpi.value, decision.evpi.standard_error),
            (row.probability_best, row.probability_standard_error),
            (first.value, first.standard_error),
        )
        if not np.isnan(decision.evpi.value):
            covered.append(
                [abs(value - true) < 1.96 * error for (value, error), true in zip(found, truth, strict=True)]
            )
    assert len(covered) >= 180
    shares = np.mean(covered, axis=0)
    assert np.all((least <= shares) & (shares <= 0.975))
