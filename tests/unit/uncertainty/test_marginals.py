"""The distribution of each number: quantiles and moments against scipy's distributions."""

import numpy as np
import pytest
from scipy import stats

from sim.uncertainty.marginals import Marginal, marginals, off_centre
from tests.parameters import read_parameters

P = np.array([1e-6, 0.0005, 0.025, 0.1, 0.3, 0.5, 0.77, 0.975, 0.9995, 1 - 1e-9])
WEEK, YEAR = 7.0, 365.25
FORMS = [
    ("0.8", "{beta: {n: 50}}", stats.beta(40, 10)),
    ("0.4", "{beta: [3, 5]}", stats.beta(3, 5)),
    ("0.7", "{beta: {mean: 0.7, sd: 0.05}}", stats.beta(58.1, 24.9)),
    ("0.05", "{beta: {mean: 0.05, sd: 0.02}}", stats.beta(5.8875, 111.8625)),
    ("0.005", "{beta: [0.5, 134.5]}", stats.beta(0.5, 134.5)),
    ("2500", "{gamma: {sd: 500}}", stats.gamma(25, scale=100)),
    ("2500", "{gamma: {mean: 2500, sd: 500}}", stats.gamma(25, scale=100)),
    ("2500", "{gamma: {shape: 25}}", stats.gamma(25, scale=100)),
    ("2500", "{gamma: {mean: 2500, shape: 25}}", stats.gamma(25, scale=100)),
    ("2500", "{gamma: {shape: 25, scale: 100}}", stats.gamma(25, scale=100)),
    ("2500", "{gamma: {shape: 25, rate: 0.01}}", stats.gamma(25, scale=100)),
    ("3", "{gamma: {sd: 3}}", stats.gamma(1, scale=3)),
    ("2 weeks", "{gamma: {sd: 1 week}}", stats.gamma(4, scale=WEEK / 2)),
    ("0.509", "{lognormal: {meanlog: -0.67530726, sigma: 0.16973976}}", stats.lognorm(0.16973976, scale=0.509)),
    ("2500", "{lognormal: {mean: 2500, sd: 500}}", stats.lognorm(0.19804220, scale=np.exp(7.80443565))),
    ("14 days", "{lognormal: {sigma: 0.2}}", stats.lognorm(0.2, scale=14)),
    ("3", "{lognormal: {median: 3, sigma: 0.5}}", stats.lognorm(0.5, scale=3)),
    ("3", "{lognormal: {mean: 3, sigma: 0.5}}", stats.lognorm(0.5, scale=3 * np.exp(-0.125))),
    ("2 per year", "{normal: {sd: 0.5 per year}}", stats.norm(2 / YEAR, 0.5 / YEAR)),
    ("2", "{normal: {mean: 2.1, sd: 0.5}}", stats.norm(2.1, 0.5)),
    ("60", "{uniform: [55, 65]}", stats.uniform(55, 10)),
    ("2", "{triangular: [1, 2, 4]}", stats.triang(1 / 3, 1, 3)),
    ("2", "{triangular: [2, 2, 4]}", stats.triang(0, 2, 2)),
    ("3", "{triangular: [2, 4, 4]}", stats.triang(1, 2, 2)),
    ("2", "{pert: [1, 2, 5]}", stats.beta(2, 4, loc=1, scale=4)),
]  # fmt: skip


def marginal(value: str, uncertainty: str) -> Marginal:
    (one,) = read_parameters(f"p: {{value: {value}, uncertainty: {uncertainty}}}")
    return marginals(one)[""]


@pytest.mark.parametrize(("value", "uncertainty", "reference"), FORMS)
def test_quantiles_and_moments(value: str, uncertainty: str, reference: stats.rv_continuous) -> None:
    """Includes the conversions of mean and sd of verification case S, to the digits printed there."""
    found = marginal(value, uncertainty)
    assert found.quantiles(P) == pytest.approx(reference.ppf(P), rel=2e-8)
    assert (found.mean, found.sd) == pytest.approx((reference.mean(), reference.std()), rel=2e-8)
    assert found.quantile(P[3]) == found.quantiles(P)[3]


def test_the_shares_of_a_dirichlet_are_betas() -> None:
    (one,) = read_parameters(
        "p: {value: {a: 0.3, b: 0.7, c: 0}, uncertainty: {dirichlet: {a: 3, b: 7, c: 0}}}"
    )
    found = marginals(one)
    assert found["a"].quantiles(P) == pytest.approx(stats.beta(3, 7).ppf(P))
    assert found["b"].quantiles(P) == pytest.approx(stats.beta(7, 3).ppf(P))
    assert found["c"] == Marginal("fixed", (0.0,))


def test_the_entries_of_a_joint_normal() -> None:
    (one,) = read_parameters(
        "p: {value: {a: 2 weeks, b: 3, c: 1},"
        " uncertainty: {normal: {covariance: [[4, 0, 0], [0, 0.09, 0], [0, 0, 0]], log: [b]}}}"
    )
    found = marginals(one)
    assert found["a"].quantiles(P) == pytest.approx(stats.norm(14, 14).ppf(P))
    assert found["b"].quantiles(P) == pytest.approx(stats.lognorm(0.3, scale=3).ppf(P))
    assert (found["c"].mean, found["c"].sd, found["c"].quantile(0.9)) == (1, 0, 1)


def test_each_value_of_a_sample_is_as_probable() -> None:
    found = marginal("4", "{empirical: [6, 1, 5, 4]}")
    assert found.quantiles(np.array([0.01, 0.24, 0.26, 0.49, 0.51, 0.76, 0.99])).tolist() == [
        1,
        1,
        4,
        4,
        5,
        6,
        6,
    ]
    assert (found.mean, found.sd) == (4, np.std([6, 1, 5, 4]))


@pytest.mark.parametrize(
    ("parameter", "is_off"),
    [
        ("{value: 0.42, uncertainty: {beta: [95, 131]}}", False),
        ("{value: 0.45, uncertainty: {beta: [95, 131]}}", False),
        ("{value: 0.46, uncertainty: {beta: [95, 131]}}", True),
        ("{value: 20 days, uncertainty: {lognormal: {median: 14 days, sigma: 0.2}}}", True),
        ("{value: 16 days, uncertainty: {lognormal: {median: 14 days, sigma: 0.2}}}", False),
        ("{value: 2 per year, uncertainty: {normal: {mean: 1 per year, sd: 0.9 per year}}}", True),
        ("{value: 2 per year, uncertainty: {normal: {mean: 1 per year, sd: 1.1 per year}}}", False),
        ("{value: {a: 0.8, b: 0.2}, uncertainty: {dirichlet: {a: 80, b: 20}}}", False),
        ("{value: {a: 0.7, b: 0.3}, uncertainty: {dirichlet: {a: 80, b: 20}}}", True),
        ("{value: 0.99, uncertainty: {beta: {n: 2}}}", False),
        ("{value: 0.99}", False),
    ],
)
def test_an_uncertainty_that_was_left_behind(parameter: str, *, is_off: bool) -> None:
    (one,) = read_parameters(f"p: {parameter}")
    assert (off_centre(one) is not None) is is_off


def test_what_is_said_of_an_uncertainty_that_was_left_behind() -> None:
    (one,) = read_parameters("p: {value: 0.5, uncertainty: {beta: [95, 131]}}")
    assert str(off_centre(one)) == (
        "f:3:14: parameters.p: the uncertainty is centred on 0.4204 with a standard deviation of "
        "0.03276, the value is 0.5\n    change the uncertainty together with the value"
    )
