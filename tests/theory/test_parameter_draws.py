"""Draws of parameters against theory: distributions, shares, correlations, covariances.

Bounds are five standard errors of the statistic at the number of draws; a comment gives the smallest error
that a bound finds.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from sim.uncertainty.parameter_draws import columns, draw_parameters
from tests.parameters import read_parameters

N = 20_000
SEED = 20_261


def drawn(text: str, n: int = N) -> dict[tuple[str, str], np.ndarray]:
    parameters = read_parameters(text)
    found = draw_parameters(parameters, seed=SEED, draws=range(n))
    return dict(zip(columns(parameters), found.T, strict=True))


def moments_of(x: np.ndarray, reference: stats.rv_continuous) -> None:
    """Mean and standard deviation within five standard errors: sd / sqrt(n), and by the fourth moment."""
    sd, kurtosis = reference.std(), float(reference.stats(moments="k"))
    assert abs(x.mean() - reference.mean()) < 5 * sd / math.sqrt(len(x))
    assert abs(x.std() / sd - 1) < 5 * math.sqrt((kurtosis + 2) / (4 * len(x)))


@pytest.mark.parametrize(
    ("value", "uncertainty", "reference"),
    [
        ("0.8", "{beta: {n: 50}}", stats.beta(40, 10)),
        ("0.005", "{beta: [0.5, 134.5]}", stats.beta(0.5, 134.5)),
        ("2500", "{gamma: {sd: 500}}", stats.gamma(25, scale=100)),
        ("1701", "{gamma: {sd: 1701}}", stats.expon(scale=1701)),
        ("14 days", "{lognormal: {sigma: 0.2}}", stats.lognorm(0.2, scale=14)),
        ("3", "{normal: {sd: 2}}", stats.norm(3, 2)),
        ("60", "{uniform: [55, 65]}", stats.uniform(55, 10)),
        ("3", "{triangular: [1, 2, 5]}", stats.triang(0.25, 1, 4)),
        ("3", "{pert: [1, 2, 5]}", stats.beta(2, 4, loc=1, scale=4)),
    ],
)
def test_a_family(value: str, uncertainty: str, reference: stats.rv_continuous) -> None:
    """Kolmogorov-Smirnov: 2.5 / sqrt(n) is passed by chance in 1 of 130,000, 2 exp(-2 x 2.5^2).

    With 20,000 draws a distribution function that is off by 0.03 anywhere is found with 99%, and a mean that
    is off by 0.052 standard deviations.
    """
    x = drawn(f"p: {{value: {value}, uncertainty: {uncertainty}}}")["p", ""]
    assert stats.kstest(x, reference.cdf).statistic < 2.5 / math.sqrt(N)
    moments_of(x, reference)


COUNTS = {"A": (1251, 350, 116, 17), "B": (731, 512, 15), "C": (1312, 437)}
"""Transitions in a year, Chancellor et al. 1997, as in Briggs, Claxton, Sculpher, example 4.7."""


@pytest.mark.parametrize("row", COUNTS)
def test_rows_of_the_hiv_model(row: str) -> None:
    """Case H3: shares m with variance m (1 - m) / (n + 1) and covariance -m m' / (n + 1)."""
    counts = np.array(COUNTS[row], dtype=float)
    n, means = counts.sum(), counts / counts.sum()
    keys = [f"to{i}" for i in range(len(counts))]
    value = ", ".join(f"{key}: {mean!r}" for key, mean in zip(keys, means.tolist(), strict=True))
    given = ", ".join(f"{key}: {count}" for key, count in zip(keys, counts.tolist(), strict=True))
    found = drawn(f"p: {{value: {{{value}}}, uncertainty: {{dirichlet: {{{given}}}}}}}")
    x = np.column_stack([found["p", key] for key in keys])
    for i, (count, mean) in enumerate(zip(counts, means, strict=True)):
        marginal = stats.beta(count, n - count)
        assert marginal.mean() == pytest.approx(mean)
        assert stats.kstest(x[:, i], marginal.cdf).statistic < 2.5 / math.sqrt(N)
    covariance = (np.diag(means) - np.outer(means, means)) / (n + 1)
    sd = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(sd, sd)
    # standard error of a correlation (1 - rho^2) / sqrt(n): one that is off by 0.036 is found
    error = np.abs(np.corrcoef(x.T) - correlation)[~np.eye(len(sd), dtype=bool)]
    assert error.max() < 5 / math.sqrt(N)


def test_relative_risk_and_costs_of_the_hiv_model() -> None:
    """Case H3: ln RR normal with mean ln 0.509 and sd (ln 0.710 - ln 0.365) / 3.92; gamma costs with sd = mean."""
    sdlog = (math.log(0.710) - math.log(0.365)) / 3.92
    found = drawn(
        f"rr: {{value: 0.509, uncertainty: {{lognormal: {{sigma: {sdlog!r}}}}}}}\n"
        "medical: {value: 6948, uncertainty: {gamma: {sd: 6948}}}"
    )
    logs = stats.norm(-0.67530726, 0.16973976)
    assert stats.kstest(np.log(found["rr", ""]), logs.cdf).statistic < 2.5 / math.sqrt(N)
    moments_of(np.log(found["rr", ""]), logs)
    moments_of(found["medical", ""], stats.expon(scale=6948))
    # independent: a correlation of 0.036 is found
    assert abs(np.corrcoef(found["rr", ""], found["medical", ""])[0, 1]) < 5 / math.sqrt(N)


@pytest.mark.parametrize("counts", [(138, 15, 9), (0.5, 1, 0.25), (3, 0, 5)])
def test_a_dirichlet(counts: tuple[float, ...]) -> None:
    """Few counts too, of which one below 1, and one of 0 that stays 0."""
    total = sum(counts)
    value = ", ".join(f"{key}: {count / total!r}" for key, count in zip("abc", counts, strict=True))
    given = ", ".join(f"{key}: {count}" for key, count in zip("abc", counts, strict=True))
    found = drawn(f"p: {{value: {{{value}}}, uncertainty: {{dirichlet: {{{given}}}}}}}")
    for key, count in zip("abc", counts, strict=True):
        x = found["p", key]
        if count == 0:
            assert (x == 0).all()
        else:
            assert stats.kstest(x, stats.beta(count, total - count).cdf).statistic < 2.5 / math.sqrt(N)


@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.5, 0.95, 1.0])
def test_coupled_parameters(rho: float) -> None:
    """Spearman's correlation of a Gaussian copula is 6 / pi asin(rho / 2); both keep their distributions.

    Kruskal, Ordinal measures of association, JASA 53 (1958), 814-861, doi:10.1080/01621459.1958.10501481.
    A chain of two multiplies the correlations.
    """
    found = drawn(
        "first: {value: 3, uncertainty: {gamma: {shape: 2}}}\n"
        f"second: {{value: 0.2, uncertainty: {{beta: {{n: 8}}, follows: {{first: {rho}}}}}}}\n"
        "third: {value: 14 days, uncertainty: {lognormal: {sigma: 0.4}, follows: {second: 0.6}}}"
    )
    first, second, third = (found[name, ""] for name in ("first", "second", "third"))
    for x, y, r in ((first, second, rho), (second, third, 0.6), (first, third, 0.6 * rho)):
        expected = 6 / math.pi * math.asin(r / 2)
        # its standard error is at most 1 / sqrt(n): a correlation that is off by 0.035 is found
        assert abs(stats.spearmanr(x, y).statistic - expected) < 5 / math.sqrt(N)
    assert stats.kstest(second, stats.beta(1.6, 6.4).cdf).statistic < 2.5 / math.sqrt(N)
    assert stats.kstest(third, stats.lognorm(0.4, scale=14).cdf).statistic < 2.5 / math.sqrt(N)


def test_a_joint_normal() -> None:
    """Means, and the covariance of values and logarithms; a singular one too.

    The standard error of a covariance is sqrt((s_ii s_jj + s_ij^2) / n): with 20,000 draws one that is off
    by 5% of sqrt(s_ii s_jj) is found.
    """
    covariance = np.array([[0.04, 0.012, 0.02], [0.012, 0.09, 0.006], [0.02, 0.006, 0.01]])
    written = covariance.tolist()
    found = drawn(
        "p: {value: {shape: 1.2, scale: 300 days, shift: 0.1},"
        f" uncertainty: {{normal: {{covariance: {written}, log: [shape, scale]}}}}}}"
    )
    x = np.column_stack([np.log(found["p", "shape"]), np.log(found["p", "scale"]), found["p", "shift"]])
    assert np.linalg.matrix_rank(covariance, tol=1e-9) == 2  # the third is half the first
    variances = np.diag(covariance)
    assert np.abs(x.mean(axis=0) - [math.log(1.2), math.log(300), 0.1]).max() < 5 * np.sqrt(
        variances.max() / N
    )
    error = np.sqrt((np.outer(variances, variances) + covariance**2) / N)
    assert (np.abs(np.cov(x.T) - covariance) < 5 * error).all()
    for i, sd in enumerate(np.sqrt(variances)):
        standard = (x[:, i] - [math.log(1.2), math.log(300), 0.1][i]) / sd
        assert stats.kstest(standard, "norm").statistic < 2.5 / math.sqrt(N)


def test_draws_are_independent_of_each_other() -> None:
    """Of one name from draw to draw, and of two names in one draw; a correlation of 0.036 is found."""
    found = drawn(
        "p: {value: 0, uncertainty: {normal: {sd: 1}}}\nq: {value: 0, uncertainty: {normal: {sd: 1}}}"
    )
    p, q = found["p", ""], found["q", ""]
    for x, y in ((p[1:], p[:-1]), (p, q), (p[1:], q[:-1])):
        assert abs(np.corrcoef(x, y)[0, 1]) < 5 / math.sqrt(N)
