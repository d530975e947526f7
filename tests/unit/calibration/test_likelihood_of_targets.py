"""The residuals of targets: half their sum of squares is the negative log-likelihood, up to a constant."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.calibration.objective import Form, Objective, deviance_residuals, normal_term, objective_of
from sim.calibration.targets import Figure, Use
from sim.outcomes.results import Key


def figure(**keys: Any) -> Figure:
    given = {"target": "T", "name": "a", "outcome": "o", "scenario": "s", "published": 0.5}
    if "count" in keys:
        given["published"] = keys["count"] / keys["n"]
    return Figure(**{**given, **keys})


def objective(*figures: Figure, measure: str = "share") -> Objective:
    """With so many simulated patients that nothing is added to the variance."""
    keys = tuple(Key(measure, "", one.at) for one in figures)
    used = np.array([one.use is Use.CALIBRATION for one in figures])
    model: Any = SimpleNamespace(figures=figures, keys=keys, is_used=used)
    some = np.full((1, len(figures)), 0.3)
    values: Any = SimpleNamespace(estimates=some, errors=0.0 * some, patients=np.full_like(some, 1e9))
    return objective_of(model, values)


def log_likelihoods(one: Objective, points: np.ndarray) -> np.ndarray:
    found: np.ndarray = -0.5 * np.sum(one.residuals(points) ** 2, axis=1)
    return found - found[0]


def test_a_count_is_binomial() -> None:
    p = np.array([0.2, 0.35, 0.6])
    found = log_likelihoods(objective(figure(count=7, n=20)), p[:, None])
    expected = stats.binom.logpmf(7, 20, p)
    assert found == pytest.approx(expected - expected[0])


@pytest.mark.parametrize("count", [0, 20])
def test_a_count_of_none_or_all_is_binomial(count: int) -> None:
    p = np.array([0.2, 0.35, 0.6])
    found = log_likelihoods(objective(figure(count=count, n=20)), p[:, None])
    expected = stats.binom.logpmf(count, 20, p)
    assert found == pytest.approx(expected - expected[0])


POINTS = np.array([[0.2, 0.3, 0.1], [0.5, 0.1, 0.2], [0.05, 0.4, 0.3]])


@pytest.mark.parametrize(("counts", "exclusive"), [((30, 50, 20), False), ((30, 40, 5), True)])
def test_categories_are_multinomial(counts: tuple[int, ...], exclusive: bool) -> None:
    """Three categories that are all of n, and three that are said to be exclusive and leave some."""
    figures = [figure(name=str(k), outcome=str(k), count=k, n=100, exclusive=exclusive) for k in counts]
    points = POINTS if exclusive else POINTS / POINTS.sum(axis=1, keepdims=True)
    rest = 1.0 - points.sum(axis=1, keepdims=True)
    expected = stats.multinomial.logpmf(
        [*counts, 100 - sum(counts)], 100, np.concatenate([points, np.maximum(rest, 0.0)], axis=1)
    )
    assert log_likelihoods(objective(*figures), points) == pytest.approx(expected - expected[0])


def test_categories_of_one_attribute_are_multinomial() -> None:
    """Two of its values, 30 and 40 of 100: 30 have others."""
    figures = [figure(name=k, category=k, count=n, n=100) for k, n in (("a", 30), ("b", 40))]
    points = POINTS[:, :2]
    rest = 1.0 - points.sum(axis=1, keepdims=True)
    expected = stats.multinomial.logpmf([30, 40, 30], 100, np.concatenate([points, rest], axis=1))
    assert log_likelihoods(objective(*figures), points) == pytest.approx(expected - expected[0])


@pytest.mark.parametrize("measure", ["survival", "cumulative_incidence"])
def test_two_times_of_a_curve_are_multinomial(measure: str) -> None:
    """60 of 100 without the event at the first time and 45 at the second: 40, 15 and 45."""
    alive = np.array([[0.7, 0.5], [0.5, 0.45], [0.8, 0.3]])
    counts = (60, 45) if measure == "survival" else (40, 55)
    figures = [figure(name=str(t), at=float(t), count=k, n=100) for t, k in zip((1, 2), counts, strict=True)]
    points = alive if measure == "survival" else 1.0 - alive
    p = np.stack([1 - alive[:, 0], alive[:, 0] - alive[:, 1], alive[:, 1]], axis=1)
    expected = stats.multinomial.logpmf([40, 15, 45], 100, p)
    found = log_likelihoods(objective(*figures, measure=measure), points)
    assert found == pytest.approx(expected - expected[0])


def test_figures_that_are_neither_are_independent() -> None:
    """Nested ones, such as any grade and grade 3, do not sum to n."""
    terms = objective(figure(name="any", count=72, n=78), figure(name="3", count=20, n=78)).terms
    assert [term.form for term in terms] == [Form.SHARE, Form.SHARE]


def test_what_is_held_back_has_no_term() -> None:
    terms = objective(figure(count=7, n=20), figure(name="b", count=7, n=20, use=Use.VALIDATION)).terms
    assert [term.figure for term in terms] == [0]


@pytest.mark.parametrize(
    ("keys", "form"),
    [
        ({"published": 0.31, "interval": (0.25, 0.37)}, Form.IDENTITY),
        ({"published": 8.0, "unit": "months", "interval": (4.0, 16.0)}, Form.LOG),
        ({"published": 0.9, "interval": (0.692307, 0.972973)}, Form.LOGIT),
        ({"published": 20.7, "unit": "months", "interval": (6.4, np.inf)}, Form.LOG),
        ({"published": 0.02, "interval": (0.0, 0.04)}, Form.IDENTITY),
    ],
)
def test_an_interval_is_normal_where_it_is_symmetric(keys: dict[str, Any], form: Form) -> None:
    """(4, 16) around 8 by logarithms; odds 2.25 and 36 around 9 by logits. Its end is 1.96 away."""
    one = figure(**keys)
    assert normal_term(0, one).form is form
    assert one.interval is not None
    ends = np.array([[x] for x in one.interval if np.isfinite(x) and x > 0.0])
    assert np.abs(objective(one).residuals(ends)[:, 0]) == pytest.approx(1.96, abs=0.01)


def test_the_sign_of_a_residual_is_that_of_simulated_less_published() -> None:
    p = np.array([[0.2], [0.5]])
    found = deviance_residuals(p, observed=np.array([0.3]), n=np.array([100.0]))
    assert found[0, 0] < 0 < found[1, 0]


def test_simulation_error_widens_a_binomial_by_the_ratio_of_the_samples() -> None:
    """100 published and 400 simulated patients: the variance is 1 + 1 / 4 times as large."""
    one = figure(count=30, n=100)
    model: Any = SimpleNamespace(figures=(one,), keys=(Key("share"),), is_used=np.array([True]))
    p = np.array([[0.3]])
    values: Any = SimpleNamespace(
        estimates=p, errors=np.sqrt(p * (1 - p) / 400), patients=np.array([[400.0]])
    )
    assert objective_of(model, values).variance == pytest.approx([0.25], rel=0.01)
