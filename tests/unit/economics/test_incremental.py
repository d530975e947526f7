"""Incremental analysis: published frontiers, Fieller's set, dominance and net benefit."""

from __future__ import annotations

from itertools import pairwise
from math import inf, isnan, nan, sqrt

import numpy as np
import pytest
from scipy.special import stdtrit

from sim.economics.incremental import (
    JointDifference,
    SetKind,
    Status,
    Strategy,
    fieller,
    frontier,
    joint_difference,
    pairwise_status,
)

# ---------------------------------------------------------------- R: frontiers


def test_r1_dampack_strategies() -> None:
    costs = {"UC": 5000, "A": 12000, "B": 10000, "C": 25000, "D": 35000, "E": 55000}
    effects = {"UC": 1, "A": 1.5, "B": 2, "C": 3, "D": 4, "E": 5}
    steps = frontier([Strategy(name, costs[name], effects[name]) for name in costs])
    assert [step.strategy.name for step in steps] == ["UC", "B", "A", "C", "D", "E"]
    on = {step.strategy.name: step.icer for step in steps if step.status is Status.FRONTIER}
    assert isnan(on.pop("UC"))
    assert on == {"B": 5000.0, "D": 12500.0, "E": 20000.0}
    off = {step.strategy.name: step.status for step in steps if step.status is not Status.FRONTIER}
    assert off == {"A": Status.DOMINATED, "C": Status.EXTENDEDLY_DOMINATED}


def test_r2_hiv_screening() -> None:
    costs = {"none": 26000, "once": 27000, "5 years": 28020, "3 years": 28440, "annual": 29440}
    months = {"none": 277.25, "once": 277.57, "5 years": 277.78, "3 years": 277.83, "annual": 277.76}
    steps = {
        step.strategy.name: step
        for step in frontier([Strategy(name, costs[name], months[name] / 12) for name in costs])
    }
    assert steps["once"].icer == pytest.approx(37500, abs=0.005)
    assert steps["5 years"].icer == pytest.approx(58285.71, abs=0.005)
    assert steps["3 years"].icer == pytest.approx(100800, abs=0.005)
    assert steps["annual"].status is Status.DOMINATED


CDIFF = {
    "s3": (57336.006, 12.939964),
    "s27": (57541.2526, 13.0140641),
    "s33": (57642.2588, 13.0389116),
    "s31": (57934.0744, 13.0966258),
    "s43": (58072.1137, 13.1128577),
    "s44": (58665.7823, 13.1283328),
    "s39": (57814.6471, 13.0462790),
    "s4": (57887.4815, 12.9970657),
    "s13": (58018.6252, 13.0650412),
    "s37": (58081.7948, 13.1029712),
    "s20": (58634.2026, 13.1100569),
}


def test_r3_clostridium_difficile() -> None:
    steps = {s.strategy.name: s for s in frontier([Strategy(name, *v) for name, v in CDIFF.items()])}
    expected = {"s27": 2769.8547, "s33": 4065.0311, "s31": 5056.2216, "s43": 8504.2161, "s44": 38362.6520}
    for name, icer in expected.items():
        assert steps[name].status is Status.FRONTIER
        # costs are printed to 4 decimals, effects to 7
        assert steps[name].icer == pytest.approx(icer, rel=1e-5), name
    assert steps["s39"].status is Status.EXTENDEDLY_DOMINATED
    assert {n for n, s in steps.items() if s.status is Status.DOMINATED} == {"s4", "s13", "s37", "s20"}
    assert [steps[n].compared_with for n in expected] == ["s3", "s27", "s33", "s31", "s43"]


def test_frontier_has_the_best_strategy_at_every_threshold() -> None:
    """Over random strategies: best at some threshold means on the frontier, and the other way round."""
    rng = np.random.default_rng(3)
    for _ in range(50):
        strategies = [
            Strategy(str(i), c, e) for i, (c, e) in enumerate(zip(rng.random(6), rng.random(6), strict=True))
        ]
        on = [step for step in frontier(strategies) if step.status is Status.FRONTIER]
        icers = [0.0, *(step.icer for step in on[1:])]
        assert all(a < b for a, b in pairwise(icers))
        for step, low, high in zip(on, icers, [*icers[1:], icers[-1] + 2.0], strict=True):
            threshold = (low + high) / 2
            best = max(strategies, key=lambda one, worth=threshold: worth * one.effect - one.cost)
            assert best == step.strategy


def test_equal_strategies_stay_once() -> None:
    steps = frontier([Strategy("one", 5.0, 1.0), Strategy("same", 5.0, 1.0), Strategy("more", 9.0, 2.0)])
    assert [step.status for step in steps] == [Status.FRONTIER, Status.EQUAL, Status.FRONTIER]
    assert steps[2].icer == 4.0


# ---------------------------------------------------------------- two strategies


@pytest.mark.parametrize(
    ("cost", "effect", "threshold", "status"),
    [
        (-1.0, 1.0, None, Status.DOMINANT),
        (0.0, 1.0, 20.0, Status.DOMINANT),
        (1.0, -1.0, None, Status.DOMINATED),
        (1.0, 0.0, 20.0, Status.DOMINATED),
        (0.0, 0.0, 20.0, Status.EQUAL),
        (10.0, 1.0, 20.0, Status.COST_EFFECTIVE),
        (30.0, 1.0, 20.0, Status.NOT_COST_EFFECTIVE),
        (-30.0, -1.0, 20.0, Status.COST_EFFECTIVE),
        (-10.0, -1.0, 20.0, Status.NOT_COST_EFFECTIVE),
        (10.0, 1.0, None, Status.MORE_FOR_MORE),
        (-10.0, -1.0, None, Status.LESS_FOR_LESS),
        (nan, 1.0, None, Status.UNKNOWN),
    ],
)
def test_words_of_a_pair(cost: float, effect: float, threshold: float | None, status: Status) -> None:
    assert pairwise_status(cost, effect, threshold) is status


def test_joint_difference_is_the_covariance_of_the_means() -> None:
    rng = np.random.default_rng(5)
    cost, effect = rng.normal(100, 20, 40), rng.normal(0.5, 0.1, 40)
    found = joint_difference(cost, effect)
    expected = np.cov(cost, effect, ddof=1) / 40
    assert (found.cost, found.effect) == (cost.mean(), effect.mean())
    assert [found.cost_variance, found.covariance, found.effect_variance] == pytest.approx(
        [expected[0, 0], expected[0, 1], expected[1, 1]]
    )
    assert found.correlation == pytest.approx(np.corrcoef(cost, effect)[0, 1])


def test_fieller_limits_are_where_the_net_benefit_is_just_significant() -> None:
    """The definition: at either limit the net benefit lies t standard errors from 0."""
    difference = JointDifference(5000.0, 0.3, 1500.0**2, 0.04**2, 0.25 * 1500 * 0.04, 99)
    found = fieller(difference)
    assert found.kind is SetKind.INTERVAL
    assert found.low < difference.icer < found.high
    for limit in (found.low, found.high):
        value, error = difference.net_benefit(limit)
        assert abs(value) == pytest.approx(float(stdtrit(99, 0.975)) * error)


def test_fieller_set_is_unbounded_where_the_effect_may_be_nil() -> None:
    difference = JointDifference(5000.0, 0.05, 500.0**2, 0.04**2, 0.0, 99)
    found = fieller(difference)
    assert found.kind is SetKind.TWO_RAYS
    assert found.low < 0 < found.high < difference.icer
    assert found.note.endswith("beyond the limits")
    for limit in (found.low, found.high):
        value, error = difference.net_benefit(limit)
        assert abs(value) == pytest.approx(float(stdtrit(99, 0.975)) * error)


def test_fieller_set_is_everything_where_nothing_differs() -> None:
    found = fieller(JointDifference(100.0, 0.01, 500.0**2, 0.04**2, 0.0, 99))
    assert found.kind is SetKind.EVERYTHING
    assert found.note.endswith("every ratio")


def test_fieller_set_of_a_cost_without_effect_is_empty() -> None:
    assert fieller(JointDifference(100.0, 0.0, 1.0, 0.0, 0.0, 99)).kind is SetKind.NONE
    assert fieller(JointDifference(0.0, 0.0, 0.0, 0.0, 0.0, 99)).kind is SetKind.EVERYTHING


def test_fieller_set_of_an_effect_at_the_edge_of_significance_is_one_ray() -> None:
    """Where |effect| is exactly t standard errors, ratios from half the limit on agree: (1 - r t)^2 <= t^2 r^2."""
    t = float(stdtrit(99, 0.975))
    assert fieller(JointDifference(1.0, t, 0.0, 1.0, 0.0, 99)).high == pytest.approx(1 / (2 * t))
    assert fieller(JointDifference(1.0, t, 0.0, 1.0, 0.0, 99)).low == -inf
    other = fieller(JointDifference(-1.0, t, 0.0, 1.0, 0.0, 99))
    assert (other.kind, other.low, other.high) == (SetKind.TWO_RAYS, pytest.approx(-1 / (2 * t)), inf)


def test_one_pair_of_patients_has_differences_without_errors() -> None:
    found = joint_difference(np.array([300.0]), np.array([0.5]))
    assert (found.cost, found.effect) == (300.0, 0.5)
    assert isnan(found.cost_variance)
    assert fieller(found).kind is SetKind.NONE


def test_fieller_covers_the_truth() -> None:
    """95% of sets hold the true ratio, bounded or not; within five standard errors over 2,000 trials."""
    rng = np.random.default_rng(11)
    covered = []
    for _ in range(2000):
        cost, effect = rng.multivariate_normal([1000.0, 0.1], [[9e6, 100.0], [100.0, 0.25]], 60).T
        found = fieller(joint_difference(cost, effect))
        inside = found.low <= 10000.0 <= found.high
        covered.append(
            {SetKind.INTERVAL: inside, SetKind.EVERYTHING: True}.get(
                found.kind, not (found.low < 10000.0 < found.high)
            )
        )
    assert np.mean(covered) == pytest.approx(0.95, abs=5 * sqrt(0.95 * 0.05 / 2000))


def test_without_errors_there_is_no_set() -> None:
    assert fieller(JointDifference(1.0, 1.0)).kind is SetKind.NONE


def test_r6_net_benefit_over_thresholds() -> None:
    difference = JointDifference(5000.0, 0.3, 3000.0**2, 0.2**2, 0.25 * 3000 * 0.2, inf)
    expected = {0: (-5000, 3000), 10000: (-2000, 3162.2777), 20000: (1000, 4358.8989), 30000: (4000, 6000)}
    expected |= {50000: (10000, 9695.3597), 100000: (25000, 19467.9223)}
    for threshold, (value, error) in expected.items():
        assert difference.net_benefit(threshold) == pytest.approx((value, error), abs=5e-5)
