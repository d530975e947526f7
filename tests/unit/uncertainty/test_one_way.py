"""Tornado, threshold and ranking on functions with known answers."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, isnan, log, nan

import numpy as np
import pytest

from sim.uncertainty.one_way import Bar, BarEnd, preference_changes, rank_factors, threshold, tornado


def bar(name: str, low: float, high: float, *, error: float = 0.01) -> Bar:
    return Bar(name, BarEnd(0.1, low, error), BarEnd(0.9, high, error), error)


def test_bars_are_ordered_by_width():
    bars = [
        bar("narrow", -0.1, 0.1),
        bar("one side", 0.2, 0.5),
        bar("wide", 0.4, -0.3),
        bar("unknown", nan, 0.1),
    ]
    assert [one.parameter for one in tornado(bars)] == ["wide", "one side", "narrow", "unknown"]
    assert [one.width for one in tornado(bars)[:3]] == pytest.approx([0.7, 0.5, 0.2])


def test_a_bar_is_visible_beyond_its_paired_error():
    assert bar("a", -0.0005, 0.0005, error=0.0004).is_visible
    assert not bar("a", -0.0005, 0.0005, error=0.0006).is_visible
    assert Bar("bent", BarEnd(0.1, 0.3, 0.01), BarEnd(0.9, 0.3, 0.01), 0.01).is_visible


def test_a_paired_bar_of_a_tenth_of_a_point_is_visible():
    """Survival at t of exponential times with rates 1 and 1.0027: 0.1 points apart, 20,000 same patients.

    Paired, the error is sqrt(0.001 / 20,000) = 0.02 points; independent patients have 0.48.
    """
    scores = np.random.default_rng(1).exponential(size=20_000)
    base, high = (scores / rate > 1.0 for rate in (1.0, 1.0 + 0.001 * exp(1.0)))
    change = high.astype(float) - base
    paired = float(np.std(change, ddof=1)) / np.sqrt(20_000)
    apart = np.sqrt((np.var(base) + np.var(high)) / 20_000)
    end = BarEnd(1.0027, float(np.mean(change)), paired)
    assert Bar("rate", BarEnd(1.0, 0.0, 0.0), end, paired).is_visible
    assert not Bar("rate", BarEnd(1.0, 0.0, 0.0), BarEnd(1.0027, end.difference, apart), apart).is_visible


def test_threshold_of_a_closed_form():
    """exp(-x) = 1/4 at log 4; the slope there is -1/4, so an error of 0.01 becomes 0.04."""
    found = threshold(lambda x: (exp(-x) - 0.25, 0.01), 0.0, 5.0, tolerance=1e-6)
    assert found.value == pytest.approx(log(4.0), abs=1e-5)
    assert found.error == pytest.approx(0.04, rel=0.02)
    assert found.note == ""
    assert found.n_evaluations < 15


def test_error_of_a_threshold_is_its_spread_over_patients():
    """Expected gain x - E/2 with E exponential: threshold 1/2, error 0.5 / sqrt(400); 300 sets of patients."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(300):
        gains = -rng.exponential(size=400) / 2.0
        error = float(np.std(gains, ddof=1)) / 20.0
        found.append(threshold(gain_function(float(np.mean(gains)), error), 0.0, 2.0))
    assert np.std([one.value for one in found]) == pytest.approx(0.5 / 20.0, rel=0.15)
    assert np.mean([one.error for one in found]) == pytest.approx(0.5 / 20.0, rel=0.05)
    assert abs(np.mean([one.value for one in found]) - 0.5) < 5.0 * 0.025 / np.sqrt(300)


def gain_function(mean: float, error: float) -> Callable[[float], tuple[float, float]]:
    return lambda x: (x + mean, error)


@pytest.mark.parametrize(
    ("difference", "note"),
    [
        (1.0, "no change of sign: the difference is positive at both ends of the range"),
        (-1.0, "no change of sign: the difference is negative at both ends of the range"),
        (0.0, "no difference at either end of the range"),
    ],
)
def test_no_threshold_in_the_range_is_reported(difference, note):
    found = threshold(lambda x: (difference, 0.1), 0.0, 1.0)
    assert isnan(found.value)
    assert isnan(found.error)
    assert (found.note, found.n_evaluations) == (note, 2)


def test_a_threshold_at_an_end_of_the_range_is_found():
    assert threshold(lambda x: (x, 0.1), 0.0, 1.0).value == 0.0
    assert threshold(lambda x: (x - 1.0, 0.1), 0.0, 1.0).value == 1.0


def test_wrong_ranges_and_unknown_differences_are_errors():
    with pytest.raises(ValueError, match=r"must have low < high; it is \[1, 1\]"):
        threshold(lambda x: (x, 0.1), 1.0, 1.0)
    with pytest.raises(ValueError, match="not a number at 0"):
        threshold(lambda x: (nan, 0.1), 0.0, 1.0)


def test_preferred_strategies_change_where_lines_cross():
    """Net benefits 1, x and 3 x - 5, and -1 throughout: changes at 1 and at 2.5."""

    def benefits(x: float) -> np.ndarray:
        return np.array([-1.0, 3.0 * x - 5.0, 1.0, x])

    changes = preference_changes(benefits, [0.0, 10.0], tolerance=1e-9)
    assert [(one.below, one.above) for one in changes] == [(2, 3), (3, 1)]
    assert [one.value for one in changes] == pytest.approx([1.0, 2.5])
    assert preference_changes(benefits, [3.0, 5.0, 10.0]) == []


def test_factors_are_ranked_by_the_first_measure_then_the_next():
    ranked = rank_factors(
        ["a", "b", "c", "d"],
        {"total": np.array([0.1, 0.6, 0.1, nan]), "width": np.array([0.2, 0.1, 0.3, 0.9])},
    )
    assert [one.factor for one in ranked] == ["b", "c", "a", "d"]
    assert ranked[1].ranks == {"total": 2.5, "width": 2.0}
