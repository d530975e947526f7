"""Influences against the variances they must add up to, and against derivatives taken one by one."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from sim.outcomes.comparison.differences import over_patients, over_replications
from sim.outcomes.results import NORMAL_975
from sim.outcomes.survival.estimators import (
    CurveInfluence,
    aalen_johansen,
    incidence_at,
    kaplan_meier,
    of_ratio,
    restricted_mean,
    risk_table,
    survival_at,
)
from tests.theory.test_survival import MAINTAINED, NON_MAINTAINED, PLACEBO, SIX_MP, random_cohort

TIMES = (10.0, 33.0, 100.0, 365.0, 650.0)
PUBLISHED = {"placebo": PLACEBO, "6-MP": SIX_MP, "maintained": MAINTAINED, "non-maintained": NON_MAINTAINED}


def of_curve(times: np.ndarray, ended: np.ndarray) -> CurveInfluence:
    return CurveInfluence(kaplan_meier(risk_table(times, ended)), times, ended)


@pytest.mark.parametrize("name", PUBLISHED)
def test_squares_add_up_to_greenwoods_variance(name):
    times, ended = PUBLISHED[name]
    curve, influence = kaplan_meier(risk_table(times, ended)), of_curve(times, ended)
    for time in (2, 6, 8, 15, 22, 23, 33, 60):
        found = influence.survival_at(time)
        step = np.searchsorted(curve.table.time, time, side="right") - 1
        greenwood = curve.survival[step] ** 2 * curve.greenwood[step] if step >= 0 else 0.0
        assert found.sum() == pytest.approx(0.0, abs=1e-12)
        assert found @ found == pytest.approx(greenwood, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_squares_add_up_to_the_variance_of_the_restricted_mean(seed):
    times, cause = random_cohort(seed)
    found = of_curve(times, cause > 0).restricted_mean(500.0)
    area = restricted_mean(kaplan_meier(risk_table(times, cause > 0)), 500.0)
    assert found.sum() == pytest.approx(0.0, abs=1e-9)
    assert sqrt(found @ found) == pytest.approx((area.value - area.low) / NORMAL_975, rel=1e-10)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("of", [1, 2])
def test_squares_add_up_to_the_variance_of_an_incidence(seed, of):
    times, cause = random_cohort(seed)
    free = kaplan_meier(risk_table(times, cause > 0))
    curve = aalen_johansen(free, times, cause == of)
    influence = of_curve(times, cause > 0)
    for time in TIMES:
        found = influence.incidence_at(curve, cause == of, time)
        step = np.searchsorted(free.table.time, time, side="right") - 1
        assert found.sum() == pytest.approx(0.0, abs=1e-12)
        assert found @ found == pytest.approx(curve.variance[step], rel=1e-10)


def weighted_incidence(times, cause, weights, of, time) -> tuple[float, float]:
    """S and F of one cause at a time by a sum over the times, each patient with a weight."""
    survival, incidence = 1.0, 0.0
    for t in sorted(set(times[cause > 0])):
        if t > time:
            break
        at_risk = weights[times >= t].sum()
        here = times == t
        incidence += survival * weights[here & (cause == of)].sum() / at_risk
        survival *= 1 - weights[here & (cause > 0)].sum() / at_risk
    return survival, incidence


def test_influences_are_derivatives_with_respect_to_the_weights():
    """For a cohort of 60 with ties; two-sided differences in each patient's weight."""
    times, cause = random_cohort(5, 60)
    times = np.ceil(times / 40) * 40
    free = kaplan_meier(risk_table(times, cause > 0))
    influence = of_curve(times, cause > 0)
    curve = aalen_johansen(free, times, cause == 1)
    found = influence.survival_at(300.0), influence.incidence_at(curve, cause == 1, 300.0)
    for i in range(len(times)):
        step = 1e-5
        sides = []
        for sign in (1, -1):
            weights = np.ones(len(times))
            weights[i] += sign * step
            sides.append(weighted_incidence(times, cause, weights, 1, 300.0))
        for which in (0, 1):
            slope = (sides[0][which] - sides[1][which]) / (2 * step)
            assert found[which][i] == pytest.approx(slope, abs=1e-8)
    assert survival_at(free, 300.0).value == pytest.approx(
        weighted_incidence(times, cause, np.ones(60), 1, 300.0)[0]
    )
    assert incidence_at(curve, 300.0).value == pytest.approx(
        weighted_incidence(times, cause, np.ones(60), 1, 300.0)[1]
    )


def test_a_paired_difference_of_means_equals_that_of_the_paired_t_test():
    random = np.random.default_rng(1)
    one = random.gamma(2.0, 30.0, 50)
    other = one + random.normal(3.0, 5.0, 50)
    all_patients = np.ones(50)
    found = over_patients(
        other.mean() - one.mean(), of_ratio(one, all_patients), of_ratio(other, all_patients), 50
    )
    paired = stats.ttest_rel(other, one)
    apart = stats.ttest_ind(other, one, equal_var=False)
    assert found.estimate.value / found.error == pytest.approx(paired.statistic, rel=1e-12)
    assert (found.estimate.low, found.estimate.high) == pytest.approx(
        tuple(paired.confidence_interval()), rel=1e-12
    )
    assert (found.independent.low, found.independent.high) == pytest.approx(
        tuple(apart.confidence_interval()), rel=1e-12
    )
    again = over_replications(one, other)
    assert (again.error, again.estimate.low, again.variance_ratio) == pytest.approx(
        (found.error, found.estimate.low, found.variance_ratio), rel=1e-12
    )


def test_the_same_patients_twice_have_no_difference():
    times, cause = random_cohort(2)
    first, second = (of_curve(times, cause > 0).survival_at(200.0) for _ in range(2))
    found = over_patients(0.0, first, second, len(times))
    assert found.error == 0.0
    assert (found.estimate.low, found.estimate.high) == (0.0, 0.0)
    assert found.note("patient", 30) == (
        "none of the 30 patients differs between the arms: of others at most 3 in 30 would"
    )
    assert found.note("replication", 3) == "no replication differs between the arms"
    assert found.independent.high > 0.0


def test_patients_who_all_differ_by_the_same_amount_leave_no_interval():
    influence = of_ratio(np.ones(50), np.ones(50))
    found = over_patients(-1.0, influence, influence, 50)
    assert found.error == 0.0
    assert not found.estimate.has_interval
    assert not found.independent.has_interval
    assert found.note("patient", 50) == "every patient differs by the same amount, so there is no interval"


@pytest.mark.parametrize("n", [1, 4, 30])
def test_number_of_discordant_patients(n):
    """Of 1,000 patients n have the event in one arm only: to within their share of all."""
    has = np.zeros(1000)
    has[:n] = 1.0
    none, all_patients = of_ratio(np.zeros(1000), np.ones(1000)), np.ones(1000)
    found = over_patients(n / 1000, none, of_ratio(has, all_patients), 1000)
    assert found.discordant == pytest.approx(n, rel=0.1)
    differ = "1 patient differs" if n == 1 else f"{n} patients differ"
    few = f"only about {differ} between the arms: the interval may be too narrow"
    assert found.note("patient", 1000) == (few if n < 10 else "")
    assert found.note("replication", 1000) == ""


@pytest.mark.parametrize("level", [0.25, 0.5, 0.75])
def test_the_quantile_of_a_uniform_distribution(level):
    """The p-quantile of n draws has variance p (1 - p) / (n f^2): of uniforms on [0, 1000] with f 1/1000.

    Source: van der Vaart 1998, corollary 21.5, doi:10.1017/CBO9780511802256. Over 400 cohorts of 400 the
    mean of the variances that the influences give must be within 5 standard errors of it: a density wrong
    by a sixth would fail.
    """
    random = np.random.default_rng(11)
    variances = []
    for _ in range(400):
        found = of_curve(random.uniform(0.0, 1000.0, 400), np.ones(400, bool)).quantile(level)
        variances.append(found @ found)
    truth = level * (1 - level) * 1000.0**2 / 400
    spread = np.std(variances) / sqrt(400) / truth
    assert spread < 0.03
    assert np.mean(variances) == pytest.approx(truth, rel=5 * spread + 0.01)


def test_the_time_to_a_level_of_an_incidence():
    """Where all ends have one cause, its incidence is 1 - S and the time to a level is the quantile."""
    times = np.random.default_rng(4).exponential(100.0, 300)
    ended = times < 300.0
    times = np.minimum(times, 300.0)
    curve = aalen_johansen(kaplan_meier(risk_table(times, ended)), times, ended)
    influence = of_curve(times, ended)
    for level in (0.25, 0.5, 0.75):
        both = influence.quantile(level), influence.time_to(curve, ended, level)
        assert both[0] == pytest.approx(both[1], rel=1e-9)
    assert influence.quantile(0.99) is None


def test_the_error_of_a_quantile_is_unknown_where_many_patients_share_a_time():
    times = np.repeat([10.0, 20.0, 30.0], 100)
    assert of_curve(times, np.ones(300, bool)).quantile(0.5) is None
