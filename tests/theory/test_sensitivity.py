"""Sensitivity indices against closed forms and quadrature, and against SALib on the same design.

Ishigami's function (Ishigami and Homma 1990, doi:10.1109/ISUMA.1990.151285), x uniform on (-pi, pi):
f = sin x1 + a sin^2 x2 + b x3^4 sin x1, V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2,
V1 = (1 + b pi^4/5)^2 / 2, V2 = a^2/8, V3 = 0, V13 = b^2 pi^8 (1/18 - 1/50).

Competing risks: events 1 and 2 at rates r1 (gamma) and r2 (lognormal). The probability of event 1 by t is
r1 / (r1 + r2) (1 - exp(-(r1 + r2) t)). Its indices follow from quadrature over both distributions.
"""

from __future__ import annotations

from functools import cache
from math import sqrt

import numpy as np
import pytest
from SALib.analyze import sobol as salib
from scipy import stats

from sim.uncertainty.given_data import factor_bases, given_data_indices
from sim.uncertainty.sobol import Index, SobolIndices, sobol_design, sobol_indices

A, B = 7.0, 0.1
ISHIGAMI = {"x1": [0], "x2": [1], "x3": [2], "unused": [3]}


def ishigami(points: np.ndarray) -> np.ndarray:
    x = (2.0 * points - 1.0) * np.pi
    return np.sin(x[:, 0]) * (1.0 + B * x[:, 2] ** 4) + A * np.sin(x[:, 1]) ** 2


def ishigami_truth() -> dict[str, tuple[float, float]]:
    """First and total order index of each factor."""
    whole = A**2 / 8 + B * np.pi**4 / 5 + B**2 * np.pi**8 / 18 + 0.5
    one, two = (1.0 + B * np.pi**4 / 5) ** 2 / 2 / whole, A**2 / 8 / whole
    both = B**2 * np.pi**8 * (1 / 18 - 1 / 50) / whole
    return {"x1": (one, one + both), "x2": (two, two), "x3": (0.0, both), "unused": (0.0, 0.0)}


RATES = (stats.gamma(9.0, scale=0.05), stats.lognorm(0.4, scale=0.5))
"""Per year."""
RISKS = {"r1": [0], "r2": [1], "unused": [2]}
BY = 2.0


def incidence(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    total = first + second
    return first / total * -np.expm1(-total * BY)


def competing_risks(points: np.ndarray) -> np.ndarray:
    return incidence(RATES[0].ppf(points[:, 0]), RATES[1].ppf(points[:, 1]))


@cache
def risks_truth() -> dict[str, tuple[float, float]]:
    """By Gauss-Legendre quadrature over quantiles, 400 points in each direction."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    u, w = (nodes + 1.0) / 2.0, weights / 2.0
    values = incidence(RATES[0].ppf(u)[:, np.newaxis], RATES[1].ppf(u))
    mean = w @ values @ w
    whole = w @ (values - mean) ** 2 @ w
    one, two = (w @ (values @ w - mean) ** 2) / whole, (w @ (w @ values - mean) ** 2) / whole
    return {"r1": (one, 1.0 - two), "r2": (two, 1.0 - one), "unused": (0.0, 0.0)}


MODELS = {
    "Ishigami": (ISHIGAMI, ishigami, ishigami_truth),
    "competing risks": (RISKS, competing_risks, risks_truth),
}


def within(index: Index, truth: float, *, at_least: float = 1e-9) -> bool:
    return abs(index.value - truth) <= max(5.0 * index.error, at_least)


# ---------------------------------------------------------------- a design of its own


@pytest.mark.parametrize("name", MODELS)
def test_sobol_indices_of_known_models(name):
    """4,096 base points, scrambled: every index to 0.01, which is less than its printed error."""
    factors, model, truth = MODELS[name]
    design = sobol_design(factors, power=12, seed=1)
    found = {one.factor: one for one in sobol_indices(design, model(design.points))}
    assert list(found) == list(factors)
    for factor, (first, total) in truth().items():
        assert abs(found[factor].first.value - first) < 0.01
        assert abs(found[factor].total.value - total) < 0.01
        assert within(found[factor].first, first)
        assert within(found[factor].total, total)


def test_the_error_of_an_index_is_its_spread_over_independent_points():
    """The delta method to 8%, on base points that are independent, 400 seeds."""
    rng = np.random.default_rng(3)
    design = sobol_design(RISKS, power=9, seed=1)
    firsts, totals = [], []
    for _ in range(400):
        one, two = rng.random((2, 512, 3))
        blocks = [one, two]
        for column in range(3):
            blocks.append(one.copy())
            blocks[-1][:, column] = two[:, column]
        found = sobol_indices(design, competing_risks(np.concatenate(blocks)))[0]
        firsts.append(found.first)
        totals.append(found.total)
    for indices in (firsts, totals):
        spread = np.std([index.value for index in indices], ddof=1)
        assert np.mean([index.error for index in indices]) == pytest.approx(spread, rel=0.08)


@pytest.mark.parametrize("name", MODELS)
def test_indices_are_those_of_salib_on_the_same_design(name):
    """SALib orders the points by base point, here they are in blocks."""
    factors, model, _ = MODELS[name]
    design = sobol_design(factors, power=8, seed=2)
    results = model(design.points)
    blocks = results.reshape(len(factors) + 2, design.n_base)
    interleaved = np.stack([blocks[0], *blocks[2:], blocks[1]], axis=1).ravel()
    problem = {"num_vars": len(factors), "names": list(factors), "bounds": [[0, 1]] * len(factors)}
    theirs = salib.analyze(problem, interleaved, calc_second_order=False, num_resamples=2, seed=1)
    ours = sobol_indices(design, results)
    np.testing.assert_allclose([one.first.value for one in ours], theirs["S1"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose([one.total.value for one in ours], theirs["ST"], rtol=1e-10, atol=1e-12)


def test_columns_of_one_factor_are_exchanged_together():
    """x1 and x3 as one factor have no interaction outside of it: its indices are 1 less that of x2."""
    design = sobol_design({"both": [0, 2], "x2": [1], "unused": [3]}, power=12, seed=4)
    both, two, _ = sobol_indices(design, ishigami(design.points))
    share = ishigami_truth()["x2"][0]
    for index, truth in ((both.first, 1 - share), (both.total, 1 - share), (two.first, share)):
        assert abs(index.value - truth) < 0.01


N_PATIENTS = 50


def simulated(points: np.ndarray, rng: np.random.Generator, *, is_same: bool) -> np.ndarray:
    """Share of patients with event 1 by time t, of the same patients at all points or of fresh ones."""
    rates = np.column_stack([RATES[0].ppf(points[:, 0]), RATES[1].ppf(points[:, 1])])
    scores = rng.exponential(size=(1 if is_same else len(points), N_PATIENTS, 2))
    times = scores / rates[:, np.newaxis]
    return np.mean((times[..., 0] < times[..., 1]) & (times[..., 0] <= BY), axis=1)


def test_independent_noise_lifts_total_indices_and_the_same_patients_do_not():
    """With noise variance w the expected total index is (T V + w) / (V + w); w from the binomial.

    With 50 fresh patients r2 has 0.49 in place of 0.28, and the parameter without influence 0.30. With the
    same patients it has exactly 0, and r2 over 20 sets of patients 0.31: what is left is the share of true
    interactions between patients and parameters, a 50th of it.
    """
    design, rng = sobol_design(RISKS, power=9, seed=6), np.random.default_rng(7)
    exact = competing_risks(design.points)
    whole = float(np.var(exact))
    noise = float(np.mean(exact * (1.0 - exact))) / N_PATIENTS
    fresh = sobol_indices(design, simulated(design.points, rng, is_same=False))
    for one, (_, truth) in zip(fresh, risks_truth().values(), strict=True):
        assert within(one.total, (truth * whole + noise) / (whole + noise))
        assert one.total.value - truth > 2.0 * one.total.error or one.factor == "r1"
    same = [sobol_indices(design, simulated(design.points, rng, is_same=True)) for _ in range(20)]
    assert all(one[2] == SobolIndices("unused", Index(0.0, 0.0), Index(0.0, 0.0)) for one in same)
    for i, factor in enumerate(("r1", "r2")):
        assert abs(np.mean([one[i].total.value for one in same]) - risks_truth()[factor][1]) < 0.06


# ---------------------------------------------------------------- given data


@pytest.mark.parametrize("n_draws", [400, 2000])
@pytest.mark.parametrize("name", MODELS)
def test_given_data_indices_are_unbiased_and_their_errors_are_right(name, n_draws):
    """300 analyses with noise as large as a third of the variance: bias below 0.012, errors to 20%."""
    factors, model, truth = MODELS[name]
    rng = np.random.default_rng(8)
    found = []
    for _ in range(300 if n_draws == 400 else 100):
        points = rng.random((n_draws, max(column for group in factors.values() for column in group) + 1))
        results = model(points)
        noise = np.var(results) / 3.0 * np.exp(rng.normal(size=n_draws) * 0.3 - 0.045)
        results = results + rng.normal(size=n_draws) * np.sqrt(noise)
        found.append(given_data_indices(factor_bases(points, factors), results, noise=noise))
    for factor, (first, _) in truth().items():
        values = np.array([one[factor].value for one in found])
        errors = np.array([one[factor].error for one in found])
        assert abs(values.mean() - first) < 0.012
        assert 0.8 < errors.mean() / values.std(ddof=1) < 1.25 if first else errors.mean() < 0.05


def test_given_data_index_of_a_vector_has_the_products_within_it():
    """y = z1 z2 + x, z of correlation 1/2: z1 z2 has variance 1 + 1/4; splines alone explain less of it."""
    rng = np.random.default_rng(9)
    one, two, other = rng.normal(size=(3, 4000))
    two = 0.5 * one + sqrt(0.75) * two
    results = one * two + sqrt(1.25) * other
    columns = np.column_stack([one, two, other])
    found = given_data_indices(factor_bases(columns, {"z": [0, 1], "x": [2]}), results, noise=0.0)
    assert within(found["z"], 0.5)
    assert within(found["x"], 0.5)
    assert found["z"].error < 0.03


def test_noise_in_the_denominator_is_removed():
    """y = x + noise of three times the variance: the index of x is 1, not 1/4."""
    rng = np.random.default_rng(10)
    x = rng.normal(size=(5000, 1))
    results = x[:, 0] + rng.normal(size=5000) * sqrt(3.0)
    found = given_data_indices(factor_bases(x, {"x": [0]}), results, noise=3.0)["x"]
    assert within(found, 1.0)
    assert found.error < 0.08


def test_a_lognormal_parameter_is_fitted_to_its_tail():
    """y = exp(z): all of the variance is the parameter's; the linear tails of the splines lose at most 2%."""
    z = np.random.default_rng(11).normal(size=(2000, 1)) * 0.6
    found = given_data_indices(factor_bases(np.exp(z), {"x": [0]}), np.exp(z[:, 0]), noise=0.0)["x"]
    assert 0.98 < found.value <= 1.0 + 1e-9
