"""Acceptability, expected loss and value of information on draws that can be checked by hand."""

from __future__ import annotations

from math import exp, isnan, nan

import numpy as np
import pytest

from sim.economics.discounting import UNDISCOUNTED, Discount
from sim.errors import InputError
from sim.event_log.log import Floats
from sim.uncertainty.benefit import Benefit, net_benefit
from sim.uncertainty.decision import decide
from sim.uncertainty.regression import DrawRegression
from sim.uncertainty.simulation_noise import change_of_covariance
from sim.uncertainty.value_of_information import discounted_patients, evppi, value_of_information

GENERATOR = np.random.default_rng(3)
PARAMETERS = GENERATOR.standard_normal((400, 3))
ARMS = ("a", "b", "c")


def benefit_of(values: Floats, noise: float = 0.0) -> Benefit:
    n_draws, n_arms = values.shape
    covariance = np.broadcast_to(noise * np.eye(n_arms), (n_draws, n_arms, n_arms))
    return Benefit(ARMS[:n_arms], values, covariance, 50, 20_000.0)


def three_arms(noise: float = 0.0) -> Benefit:
    values = np.column_stack([np.zeros(400), PARAMETERS[:, 0], 0.3 + PARAMETERS[:, 1]])
    return benefit_of(values + noise**0.5 * np.random.default_rng(4).standard_normal((400, 3)), noise)


def test_probabilities_losses_and_the_frontier_follow_from_the_draws() -> None:
    values = np.tile([[1.0, 2.0], [3.0, 0.0], [1.0, 2.0], [1.0, 2.0]], (10, 1))
    decision = decide(benefit_of(values), DrawRegression.on(PARAMETERS[:40]))
    a, b = decision.rows
    assert (a.probability_best, b.probability_best) == (pytest.approx(0.25), pytest.approx(0.75))
    assert (a.expected_loss, b.expected_loss) == (pytest.approx(0.75), pytest.approx(0.75))
    assert (a.frontier, b.frontier) == (True, True)
    assert decision.evpi.value == pytest.approx(0.75)
    # of a probability p from n draws: sqrt(p (1 - p) / n)
    assert a.probability_standard_error == pytest.approx((0.25 * 0.75 / 40) ** 0.5, rel=0.2)


def test_equal_arms_share_their_probability() -> None:
    values = np.tile([[1.0, 1.0, 0.0], [0.0, 2.0, 2.0], [3.0, 3.0, 3.0], [1.0, 0.0, 0.0]], (10, 1))
    rows = decide(benefit_of(values), DrawRegression.on(PARAMETERS[:40])).rows
    thirds = 1 / 3
    expected = [(0.5 + thirds + 1) / 4, (0.5 + 0.5 + thirds) / 4, (0.5 + thirds) / 4]
    assert [row.probability_best for row in rows] == pytest.approx(expected)


def test_arms_with_the_same_noisy_benefit_share_their_probability() -> None:
    noisy = three_arms(0.2)
    values = noisy.values[:, [0, 1, 1]]
    copied = np.eye(3)[:, [0, 1, 1]]
    noise = np.broadcast_to(0.2 * copied.T @ copied, (400, 3, 3))
    rows = decide(Benefit(ARMS, values, noise, 50), DrawRegression.on(PARAMETERS)).rows
    assert rows[1].probability_best == pytest.approx(rows[2].probability_best)
    assert sum(row.probability_best for row in rows) == pytest.approx(1.0)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_the_order_of_the_arms_changes_nothing(noise: float) -> None:
    benefit, regression = three_arms(noise), DrawRegression.on(PARAMETERS)
    rows = decide(benefit, regression).rows
    order = [2, 0, 1]
    turned = Benefit(
        ("c", "a", "b"), benefit.values[:, order], benefit.noise[:, order][:, :, order], 50, 20_000.0
    )
    others = decide(turned, regression).rows
    for i, row in zip(order, others, strict=True):
        assert row.arm == rows[i].arm
        assert row.probability_best == pytest.approx(rows[i].probability_best, abs=1e-9)
        assert row.expected_loss == pytest.approx(rows[i].expected_loss, abs=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_what_all_arms_of_a_draw_have_in_common_changes_nothing(noise: float) -> None:
    benefit, regression = three_arms(noise), DrawRegression.on(PARAMETERS)
    common = 50.0 * np.random.default_rng(5).standard_normal((400, 1))
    shared = Benefit(ARMS, benefit.values + common, benefit.noise + 2500.0 * (noise > 0), 50)
    first, second = (decide(of, regression).evpi for of in (benefit, shared))
    assert second.value == pytest.approx(first.value, rel=1e-6)


def test_less_noise_is_left_the_smaller_it_was() -> None:
    """With an error of one millionth of the variance the correction is not visible."""
    exact, noisy = three_arms(), three_arms(1e-6)
    regression = DrawRegression.on(PARAMETERS)
    first, second = decide(exact, regression).evpi, decide(noisy, regression).evpi
    assert second.value == pytest.approx(first.value, rel=0.02)
    assert second.note == ""


def test_one_arm_that_is_always_best_leaves_no_loss() -> None:
    values = np.column_stack([PARAMETERS[:, 0], PARAMETERS[:, 0] + 1.0])
    decision = decide(benefit_of(values), DrawRegression.on(PARAMETERS))
    assert (decision.evpi.value, decision.evpi.standard_error) == (0.0, 0.0)
    assert decision.evpi.note == "the same arm is best in every draw"
    assert decision.rows[0].expected_loss == pytest.approx(1.0)
    found = evppi(benefit_of(values), DrawRegression.on(PARAMETERS))
    assert (found.value, found.note) == (0.0, "no value of the parameters changes the decision")


def test_the_rows_name_the_parameters_and_have_one_value() -> None:
    rows = value_of_information(
        [three_arms()], parameters=PARAMETERS, groups={"effect": (0, 1), "unused": (2,)}
    )
    assert [(row.threshold, row.parameters) for row in rows] == [
        (20_000.0, ""),
        (20_000.0, "effect"),
        (20_000.0, "unused"),
    ]
    assert [isnan(row.evpi) for row in rows] == [False, True, True]
    assert [isnan(row.evppi) for row in rows] == [True, False, False]
    assert rows[1].evppi == pytest.approx(rows[0].evpi, rel=0.05)
    assert rows[2].evppi <= 2.0 * rows[2].standard_error


@pytest.mark.parametrize("scale", [np.exp, lambda x: 5.0 - 2.0 * x, lambda x: x**3])
def test_a_monotone_scale_of_a_parameter_changes_little(scale: object) -> None:
    """Only the order of the values counts; turned round, odd polynomials change their sign."""
    first = evppi(three_arms(), DrawRegression.on(PARAMETERS))
    second = evppi(three_arms(), DrawRegression.on(scale(PARAMETERS)))  # type: ignore[operator]
    assert second.value == pytest.approx(first.value, rel=1e-6)


def test_a_constant_parameter_has_no_value() -> None:
    found = evppi(three_arms(), DrawRegression.on(np.ones((400, 1))))
    assert (found.value, found.standard_error) == (0.0, 0.0)


def test_the_regression_predicts_a_draw_without_using_it() -> None:
    """A huge outcome of one draw changes the predictions of other folds only."""
    outcome = PARAMETERS[:, :1] + PARAMETERS[:, 1:2]
    changed = outcome.copy()
    changed[7] = 1e6
    regression = DrawRegression.on(PARAMETERS)
    difference = np.abs(regression.predict(changed) - regression.predict(outcome))[:, 0]
    assert np.all(difference[7::10] == 0.0)
    assert np.all(difference[8::10] > 0.0)


def test_more_columns_than_draws_predict_as_few_do() -> None:
    """Sixty copies of a column hold what two copies hold: predictions differ by less than 0.5% of their spread.

    60 draws; the outcome is twice the column with an error of 0.1.
    """
    rng = np.random.default_rng(1)
    column = rng.normal(size=(60, 1))
    outcome = 2.0 * column + 0.1 * rng.normal(size=(60, 1))
    few, many = (DrawRegression.on(np.repeat(column, n, axis=1)).predict(outcome) for n in (2, 60))
    assert np.abs(few - many).max() < 0.005 * float(np.std(outcome))
    assert np.corrcoef(many[:, 0], outcome[:, 0])[0, 1] > 0.98


def test_the_regression_finds_products_and_curves() -> None:
    outcome = PARAMETERS[:, [0]] * PARAMETERS[:, [1]] + PARAMETERS[:, [2]] ** 2
    left = outcome - DrawRegression.on(PARAMETERS).predict(outcome)
    assert np.var(left) < 0.05 * np.var(outcome)


def test_the_change_of_covariance_gives_the_positive_part() -> None:
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    old = rotation @ np.diag([5.0, 2.0, 1.0]) @ rotation.T
    new = np.diag([3.0, 1.0, -1.0])
    change = change_of_covariance(old, new)
    assert change.T @ old @ change == pytest.approx(np.diag([3.0, 1.0, 0.0]), abs=1e-9)
    assert change == pytest.approx(change.T)
    assert change_of_covariance(old, old) == pytest.approx(np.eye(3))


def test_patients_are_discounted_evenly_over_time() -> None:
    """Integral of 1000 exp(-r t) over 10 years."""
    discount = Discount.at_rate(0.035, convention="continuous")
    expected = 1000.0 * (1.0 - exp(-0.35)) / 0.035
    assert discounted_patients(1000.0, 10.0, discount=discount) == pytest.approx(expected)
    assert discounted_patients(1000.0, 10.0, discount=UNDISCOUNTED) == pytest.approx(10_000.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((400, 1)), "one arm leaves nothing to decide; give at least two arms"),
        (np.zeros((39, 2)), "39 draws are too few; make at least 40, better 1,000"),
        (np.where(np.arange(800).reshape(400, 2) == 7, nan, 0.0), "draw 3 of b has no benefit or no noise"),
    ],
)
def test_draws_that_cannot_be_used_are_named(values: Floats, message: str) -> None:
    with pytest.raises(InputError, match=message):
        benefit_of(values)


def test_shapes_that_disagree_are_named() -> None:
    with pytest.raises(InputError, match=r"benefit has the shape \(400, 2\) and its noise"):
        Benefit(ARMS, np.zeros((400, 2)), np.zeros((400, 2, 2)), 50)
    with pytest.raises(InputError, match=r"their covariance \(400, 2, 2\); give"):
        net_benefit(
            ARMS[:2],
            cost=np.zeros((400, 2)),
            qaly=np.zeros((400, 2)),
            covariance=np.zeros((400, 2, 2)),
            threshold=1.0,
            patients=1,
        )
    with pytest.raises(InputError, match="400 draws have a benefit and 399 have parameters"):
        value_of_information([three_arms()], parameters=PARAMETERS[1:], groups={})


def test_the_noise_of_net_benefit_has_the_covariances_of_costs_and_qalys() -> None:
    """Var(k (q2 - q1) - (c2 - c1)) = w' S w with w = (1, -1, -k, k)."""
    root = np.random.default_rng(2).standard_normal((4, 4))
    covariance = np.broadcast_to(root @ root.T, (40, 4, 4))
    zeros = np.zeros((40, 2))
    benefit = net_benefit(ARMS[:2], cost=zeros, qaly=zeros, covariance=covariance, threshold=3.0, patients=1)
    noise = benefit.noise[7]
    difference = noise[0, 0] + noise[1, 1] - 2.0 * noise[0, 1]
    weights = np.array([1.0, -1.0, -3.0, 3.0])
    assert difference == pytest.approx(weights @ root @ root.T @ weights)
