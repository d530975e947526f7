"""Survival estimators against lifelines, published tables and a direct sum."""

from __future__ import annotations

import warnings
from math import exp, log, sqrt

import numpy as np
import pytest

from sim.outcomes.results import NORMAL_975
from sim.outcomes.survival.estimators import (
    aalen_johansen,
    incidence_at,
    kaplan_meier,
    median,
    restricted_mean,
    risk_table,
    survival_at,
    time_to_half,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lifelines import AalenJohansenFitter, KaplanMeierFitter
    from lifelines.utils import median_survival_times, restricted_mean_survival_time


def data(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Times as printed in tables: `*` marks a censored one."""
    words = text.split()
    return np.array([float(w.rstrip("*")) for w in words]), np.array(["*" not in w for w in words])


# Gehan 1965, doi:10.1093/biomet/52.1-2.203; aml: Miller 1997, Survival Analysis, p. 49.
PLACEBO = data("1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23")
SIX_MP = data("6 6 6 6* 7 9* 10 10* 11* 13 16 17* 19* 20* 22 23 25* 32* 32* 34* 35*")
MAINTAINED = data("9 13 13* 18 23 28* 31 34 45* 48 161*")
NON_MAINTAINED = data("5 5 8 8 12 16* 23 27 30 33 43 45")

PUBLISHED = {
    "placebo": (PLACEBO, {1: 0.904762, 2: 0.809524, 3: 0.761905, 4: 0.666667, 5: 0.571429, 8: 0.380952,
                          11: 0.285714, 12: 0.190476, 15: 0.142857, 17: 0.095238, 22: 0.047619, 23: 0.0}),
    "6-MP": (SIX_MP, {6: 0.857143, 7: 0.806723, 10: 0.752941, 13: 0.690196, 16: 0.627451, 22: 0.537815,
                      23: 0.448179}),
    "maintained": (MAINTAINED, {9: 0.9091, 13: 0.8182, 18: 0.7159, 23: 0.6136, 31: 0.4909, 34: 0.3682,
                                48: 0.1841}),
    "non-maintained": (NON_MAINTAINED, {5: 0.83333, 8: 0.66667, 12: 0.58333, 23: 0.48611, 27: 0.38889,
                                        30: 0.29167, 33: 0.19444, 43: 0.09722, 45: 0.0}),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_curves(name):
    (times, ended), steps = PUBLISHED[name]
    curve = kaplan_meier(risk_table(times, ended))
    for time, value in steps.items():
        digits = 6 if name in ("placebo", "6-MP") else 4
        assert survival_at(curve, time).value == pytest.approx(value, abs=0.5001 * 10**-digits)


def test_published_medians_and_restricted_means():
    placebo, six_mp = (kaplan_meier(risk_table(*arm)) for arm in (PLACEBO, SIX_MP))
    assert median(placebo).value == 8
    assert median(six_mp).value == 23
    for arm, until, area, error in [
        (placebo, 20, 8.42857, 1.26808),
        (six_mp, 20, 16.11653, 1.25156),
        (kaplan_meier(risk_table(*MAINTAINED)), 45, 30.74, 4.114),
        (kaplan_meier(risk_table(*NON_MAINTAINED)), 45, 22.71, 4.181),
    ]:
        found = restricted_mean(arm, until)
        digits = 1e-5 if until == 20 else 5e-3
        assert found.value == pytest.approx(area, abs=digits)
        assert (found.value - found.low) / NORMAL_975 == pytest.approx(error, abs=digits / 2)


def test_published_standard_error():
    for time, error in ((6, 0.0763604), (23, 0.1345915)):
        curve = kaplan_meier(risk_table(*SIX_MP))
        step = np.searchsorted(curve.table.time, time)
        assert curve.survival[step] * sqrt(curve.greenwood[step]) == pytest.approx(error, abs=5e-8)


def random_cohort(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Times with ties and censoring, cause 0 (censored), 1 or 2."""
    random = np.random.default_rng(seed)
    times = np.round(random.weibull(0.8, n) * 300) + 1
    return np.minimum(times, 700.0), np.where(times >= 700, 0, random.choice(3, n, p=[0.3, 0.5, 0.2]))


@pytest.mark.parametrize("seed", range(5))
def test_kaplan_meier_is_that_of_lifelines(seed):
    times, cause = random_cohort(seed)
    theirs = KaplanMeierFitter().fit(times, cause > 0)
    limits = theirs.confidence_interval_survival_function_
    ours = kaplan_meier(risk_table(times, cause > 0))
    for time in (0.5, 1, 10, 33, 100, 365, 650):
        found = survival_at(ours, time)
        assert found.value == pytest.approx(float(theirs.predict(time)), abs=1e-10)
        row = limits.loc[:time].iloc[-1]
        if found.has_interval:
            assert (found.low, found.high) == pytest.approx(tuple(row), abs=1e-10)
    at_risk = theirs.event_table["at_risk"].loc[ours.table.time]
    assert ours.table.at_risk.tolist() == at_risk.tolist()
    assert restricted_mean(ours, 500).value == pytest.approx(
        restricted_mean_survival_time(theirs, t=500), abs=1e-10 * 500
    )


@pytest.mark.parametrize("seed", range(5))
def test_median_and_its_interval_are_those_of_lifelines(seed):
    times, cause = random_cohort(seed)
    theirs = KaplanMeierFitter().fit(times, cause > 0)
    low, high = median_survival_times(theirs.confidence_interval_).to_numpy()[0]
    found = median(kaplan_meier(risk_table(times, cause > 0)))
    assert found.value == theirs.median_survival_time_
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("of", [1, 2])
def test_aalen_johansen_is_that_of_lifelines(seed, of):
    """lifelines knows no ties, so here no two ends share a time."""
    times, cause = random_cohort(seed)
    times = times + np.arange(len(times)) / 2**20
    theirs = AalenJohansenFitter().fit(times, cause, event_of_interest=of)
    limits = theirs.confidence_interval_
    ours = aalen_johansen(kaplan_meier(risk_table(times, cause > 0)), times, cause == of)
    for time in (5, 50, 100, 365, 600):
        found = incidence_at(ours, time)
        assert found.value == pytest.approx(float(theirs.predict(time)), abs=1e-10)
        assert sorted((found.low, found.high)) == pytest.approx(sorted(limits.loc[:time].iloc[-1]), abs=1e-10)


def test_ties_of_several_causes_share_the_number_at_risk():
    """A direct sum over the times, with its variance, for a cohort full of ties."""
    times, cause = random_cohort(7)
    times = np.ceil(times / 50) * 50
    curve = aalen_johansen(kaplan_meier(risk_table(times, cause > 0)), times, cause == 1)
    value, variance = direct_incidence(times, cause, until=400.0)
    found = incidence_at(curve, 400.0)
    assert found.value == pytest.approx(value, abs=1e-12)
    error = sqrt(variance) / (value * -log(value))
    assert found.low == pytest.approx(value ** exp(NORMAL_975 * error), abs=1e-10)


def direct_incidence(times: np.ndarray, cause: np.ndarray, until: float) -> tuple[float, float]:
    """F_1 and its variance by the formulas as printed, one term at a time (Collett 2015, p. 411)."""
    terms, survival, f = [], 1.0, 0.0
    for t in sorted(set(times[cause > 0])):
        if t > until:
            break
        n, d = int((times >= t).sum()), int(((times == t) & (cause > 0)).sum())
        mine = int(((times == t) & (cause == 1)).sum())
        f += survival * mine / n
        terms.append((f, n, d, mine, survival))
        survival *= 1 - d / n
    variance = sum(
        (f - g) ** 2 * d / (n * (n - d)) + s**2 * k * (n - k) / n**3 - 2 * (f - g) * s * k / n**2
        for g, n, d, k, s in terms
    )
    return f, variance


def test_incidences_and_survival_sum_to_one():
    times, cause = random_cohort(3)
    free = kaplan_meier(risk_table(times, cause > 0))
    for time in (1, 20, 90, 400, 700):
        parts = [incidence_at(aalen_johansen(free, times, cause == k), time).value for k in (1, 2)]
        assert sum(parts) + survival_at(free, time).value == pytest.approx(1.0, abs=1e-12)


def test_time_to_half():
    """Of 200 patients the first 140 ends are of the cause of interest: half are there at the 100th."""
    times = np.arange(1.0, 201.0)
    cause = np.array([1] * 140 + [2] * 60)
    free = kaplan_meier(risk_table(times, cause > 0))
    found = time_to_half(aalen_johansen(free, times, cause == 1))
    assert found.value == 100
    for limit, side in ((found.low, "high"), (found.high, "low")):
        before, at = (incidence_at(aalen_johansen(free, times, cause == 1), t) for t in (limit - 1, limit))
        assert getattr(before, side) < 0.5 <= getattr(at, side)
    assert np.isnan(time_to_half(aalen_johansen(free, times, cause == 2)).value)


def test_exactly_one_half_is_the_median():
    """The product of n / 2 fractions is one half but for rounding, and above it for some of these n."""
    for n in (6, 24, 38, 44, 46, 98):
        curve = kaplan_meier(risk_table(np.arange(1.0, n + 1), np.ones(n, bool)))
        assert median(curve).value == n // 2


NOBODY = (np.empty(0), np.empty(0, bool))
ALL_CENSORED = (np.array([3.0, 5.0, 5.0]), np.zeros(3, bool))
ALL_AT_ONCE = (np.array([4.0, 4.0, 4.0]), np.ones(3, bool))


@pytest.mark.filterwarnings("error")
def test_nobody():
    curve = kaplan_meier(risk_table(*NOBODY))
    for found in (survival_at(curve, 1.0), median(curve), restricted_mean(curve, 1.0)):
        assert not found.is_known
    assert not incidence_at(aalen_johansen(curve, *NOBODY), 1.0).is_known


@pytest.mark.filterwarnings("error")
def test_all_censored():
    curve = kaplan_meier(risk_table(*ALL_CENSORED))
    assert survival_at(curve, 5.0).value == 1.0
    assert not survival_at(curve, 5.0).has_interval
    assert not survival_at(curve, 5.5).is_known, "nobody was observed for so long"
    assert not median(curve).is_known
    assert restricted_mean(curve, 5.0).value == 5.0
    assert not restricted_mean(curve, 6.0).is_known
    assert incidence_at(aalen_johansen(curve, *ALL_CENSORED), 4.0).value == 0.0


@pytest.mark.filterwarnings("error")
def test_all_at_once():
    curve = kaplan_meier(risk_table(*ALL_AT_ONCE))
    assert survival_at(curve, 3.9).value == 1.0
    assert survival_at(curve, 4.0).value == 0.0
    assert survival_at(curve, 100.0).value == 0.0, "nobody is left: the curve stays at 0"
    assert median(curve).value == 4.0
    assert restricted_mean(curve, 10.0).value == 4.0
    assert incidence_at(aalen_johansen(curve, *ALL_AT_ONCE), 100.0).value == 1.0
