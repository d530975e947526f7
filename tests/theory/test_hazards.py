"""Log-rank test, hazard ratio and Wasserstein distance against published figures, lifelines and scipy."""

from __future__ import annotations

import warnings
from math import exp

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.outcomes.comparison import arm_statistics
from sim.outcomes.comparison.arm_statistics import hazard_ratio, log_rank, pooled
from sim.outcomes.survival.estimators import kaplan_meier, restricted_mean, risk_table
from tests.theory.test_survival import MAINTAINED, NON_MAINTAINED, PLACEBO, SIX_MP, random_cohort

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifelines import CoxPHFitter
    from lifelines.statistics import logrank_test


def apart(one, other):
    """The patients of two arms that have none in common, and how many there are."""
    n, m = len(one[0]), len(other[0])
    return (np.arange(n), np.arange(n, n + m)), n + m


def paired_cohort(seed: int, *, ties: bool, n: int = 300):
    """Two arms with the same patients: half of them with the same time in both; censored at 250."""
    random = np.random.default_rng(seed)
    first = random.exponential(100, n)
    second = np.where(random.random(n) < 0.5, first, random.exponential(150, n))
    times = [np.ceil(t / 10) * 10 if ties else t + random.uniform(0, 1e-6, n) for t in (first, second)]
    return [(np.minimum(t, 250.0), t < 250) for t in times]


@pytest.mark.parametrize(
    ("one", "other", "chi_squared", "p"),
    [(PLACEBO, SIX_MP, 16.7929, 4.169e-05), (NON_MAINTAINED, MAINTAINED, 3.396, 0.0653)],
)
def test_published_log_rank_tests(one, other, chi_squared, p):
    """R's survdiff on the data of Gehan 1965 and on `aml`."""
    found = log_rank(pooled(one, other), *apart(one, other))
    assert found.chi_squared == pytest.approx(chi_squared, abs=5.1e-4 if chi_squared < 10 else 5.1e-5)
    assert found.p_value == pytest.approx(p, rel=2e-4 if p < 0.001 else 1e-3)


def test_expected_ends_of_the_published_log_rank_test():
    """R's survdiff: 21 and 9 observed, 10.7495 and 19.2505 expected."""
    table = pooled(PLACEBO, SIX_MP)
    expected = (table.ends.sum(axis=0) * table.at_risk / table.at_risk.sum(axis=0)).sum(axis=1)
    assert table.ends.sum(axis=1).tolist() == [21, 9]
    assert expected == pytest.approx([10.7495, 19.2505], abs=5.1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_log_rank_is_that_of_lifelines(seed):
    times, cause = random_cohort(seed)
    arms = [(times[i::2], cause[i::2] > 0) for i in (0, 1)]
    theirs = logrank_test(arms[0][0], arms[1][0], arms[0][1], arms[1][1])
    found = log_rank(pooled(*arms), *apart(*arms))
    assert found.chi_squared == pytest.approx(theirs.test_statistic, rel=1e-10)
    assert found.p_value == pytest.approx(theirs.p_value, rel=1e-9)


def test_published_hazard_ratio():
    """R's coxph on the data of Gehan 1965, ties as Efron has them: -1.572125149."""
    found = hazard_ratio(pooled(PLACEBO, SIX_MP), *apart(PLACEBO, SIX_MP))
    assert found.estimate.value == pytest.approx(-1.572125149, abs=5.1e-10)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ties", [True, False])
def test_hazard_ratio_is_that_of_lifelines(seed, ties):
    """lifelines' own robust errors treat ties otherwise, so they are compared where there are none."""
    arms = paired_cohort(seed, ties=ties)
    n = len(arms[0][0])
    frame = pd.DataFrame(
        {
            "time": np.concatenate([t for t, _ in arms]),
            "ended": np.concatenate([e for _, e in arms]),
            "arm": np.repeat([0.0, 1.0], n),
            "patient": np.tile(np.arange(n), 2),
        }
    )
    found = hazard_ratio(pooled(*arms), (np.arange(n), np.arange(n)), n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = CoxPHFitter().fit(frame, "time", "ended", cluster_col="patient")
        alone = CoxPHFitter().fit(frame.drop(columns="patient"), "time", "ended", robust=True)
    assert found.estimate.value == pytest.approx(theirs.params_["arm"], abs=1e-7)
    if not ties:
        assert found.error == pytest.approx(theirs.standard_errors_["arm"], rel=1e-6)
        ratio = alone.standard_errors_["arm"] ** 2 / theirs.standard_errors_["arm"] ** 2
        assert found.variance_ratio == pytest.approx(ratio, rel=1e-6)


def direct_residuals(arms, beta):
    """Score residuals with Efron's ties by their sums as printed (Therneau and Grambsch 2000, doi:10.1007/978-1-4757-3294-8)."""
    times = np.concatenate([t for t, _ in arms])
    ended = np.concatenate([e for _, e in arms])
    x = np.repeat([0.0, 1.0], len(arms[0][0]))
    weight = np.exp(beta * x)
    found, information = np.zeros(len(x)), 0.0
    for t in sorted(set(times[ended])):
        risk, here = times >= t, (times == t) & ended
        d = int(here.sum())
        for k in range(d):
            gone = k / d
            left = np.where(risk, weight, 0.0) * np.where(here, 1 - gone, 1.0)
            mean = (left * x).sum() / left.sum()
            information += mean * (1 - mean)
            found[here] += (x[here] - mean) / d
            found -= left * (x - mean) / left.sum()
    return found / information


def test_errors_with_ties_by_a_direct_sum():
    arms = paired_cohort(4, ties=True, n=80)
    found = hazard_ratio(pooled(*arms), (np.arange(80), np.arange(80)), 80)
    parts = direct_residuals(arms, found.estimate.value)
    both = parts[:80] + parts[80:]
    assert found.error**2 == pytest.approx(both @ both, rel=1e-9)
    assert found.variance_ratio == pytest.approx(parts @ parts / (both @ both), rel=1e-9)


def test_the_paired_test_is_the_sum_over_patients():
    """O - E and the variance of its sum over patients, by their definition."""
    arms = paired_cohort(6, ties=True, n=80)
    times = np.concatenate([t for t, _ in arms])
    ended = np.concatenate([e for _, e in arms])
    x = np.repeat([0.0, 1.0], 80)
    parts = np.zeros(160)
    for t in sorted(set(times[ended])):
        risk, here = times >= t, (times == t) & ended
        mean = x[risk].mean()
        parts += here * (x - mean) - risk * (x - mean) * here.sum() / risk.sum()
    both = parts[:80] + parts[80:]
    found = log_rank(pooled(*arms), (np.arange(80), np.arange(80)), 80)
    assert found.paired_chi_squared == pytest.approx(parts.sum() ** 2 / (both @ both), rel=1e-9)


def test_no_finite_ratio():
    """Where one arm has no ends, or all of its ends come when nobody of the other is left."""
    some = (np.array([1.0, 2.0, 3.0]), np.ones(3, bool))
    none = (np.array([5.0, 5.0, 5.0]), np.zeros(3, bool))
    later = (np.array([4.0, 5.0, 6.0]), np.ones(3, bool))
    for arms in ((some, none), (some, later), (later, some)):
        assert np.isnan(hazard_ratio(pooled(*arms), *apart(*arms)).estimate.value)
    assert np.isnan(log_rank(pooled(none, none), *apart(none, none)).chi_squared)


def test_the_same_arm_twice_has_a_ratio_of_one():
    arm = paired_cohort(8, ties=True)[0]
    n = len(arm[0])
    found = hazard_ratio(pooled(arm, arm), (np.arange(n), np.arange(n)), n)
    assert found.estimate.value == 0.0
    assert found.error == 0.0


def test_proportional_hazards_are_found():
    """Exponentials of rates 1 and 1.5: the log ratio within 5 standard errors of log 1.5, sqrt(2 / n)."""
    random = np.random.default_rng(3)
    arms = [(random.exponential(1 / rate, 20_000), np.ones(20_000, bool)) for rate in (1.0, 1.5)]
    found = hazard_ratio(pooled(*arms), *apart(*arms))
    assert exp(found.estimate.value) == pytest.approx(1.5, rel=5 * np.sqrt(2 / 20_000))
    assert found.error == pytest.approx(np.sqrt(2 / 20_000), rel=0.05)


def test_the_distance_of_samples_is_that_of_scipy():
    random = np.random.default_rng(9)
    one, other = random.gamma(2, 10, 200), random.gamma(3, 10, 150)
    both = np.concatenate([one, other])
    steps = arm_statistics.steps_of_values(one), arm_statistics.steps_of_values(other)
    found = arm_statistics.wasserstein(*steps, begin=both.min(), end=both.max())
    assert found == pytest.approx(stats.wasserstein_distance(one, other), rel=1e-12)


def test_the_distance_of_curves_that_do_not_cross_is_the_difference_of_restricted_means():
    curves = [kaplan_meier(risk_table(*arm)) for arm in (PLACEBO, SIX_MP)]
    means = [restricted_mean(curve, 20.0).value for curve in curves]
    steps = [arm_statistics.steps_of_survival(curve) for curve in curves]
    assert arm_statistics.wasserstein(*steps, begin=0.0, end=20.0) == pytest.approx(
        means[1] - means[0], rel=1e-12
    )
