"""When a published number and a simulated one agree, differ or cannot be compared."""

from __future__ import annotations

from math import nan
from pathlib import Path

import pytest
from scipy.stats import norm, t

from sim.calibration.targets import Figure, read_targets
from sim.errors import ScenarioError
from sim.verification.battery import Verdict
from sim.verification.published import agreement, compare_with_published

EXACT = Figure("a", "all", 10.0, rounding=0.2)


@pytest.mark.parametrize(
    ("figure", "value", "error", "verdict"),
    [
        (EXACT, 10.27, 0.05, Verdict.PASS),
        (EXACT, 10.46, 0.1, Verdict.FAIL),
        (EXACT, 10.4, 0.1, Verdict.NO_POWER),
        (EXACT, 10.0, nan, Verdict.NO_POWER),
        (Figure("a", "all", 10.0, error=0.1), 10.34, 0.0, Verdict.PASS),
        (Figure("a", "all", 10.0, error=0.1), 10.36, 0.0, Verdict.FAIL),
        (Figure("a", "all", 10.0, within=0.04), 10.3, 0.0, Verdict.PASS),
        (Figure("a", "all", 10.0, within=0.04), 10.5, 0.0, Verdict.FAIL),
        (Figure("a", "all", 10.0, interval=(9.804, 10.196)), 10.3, 0.0, Verdict.PASS),
        (Figure("a", "all", 10.0, rounding=0.2, miss="Another cycle."), 12.0, 0.1, Verdict.EXPLAINED),
        (Figure("a", "all", 10.0, rounding=0.2, miss="Another cycle."), 10.0, 0.05, Verdict.PASS),
        (Figure("a", "all", 10.0, rounding=0.2, detects=0.1), 10.4, 0.12, Verdict.PASS),
    ],
)
def test_verdicts(figure: Figure, value: float, error: float, verdict: Verdict) -> None:
    """3.5 standard errors, and half a unit of the last digit; 5% must be found with a probability of 90%."""
    assert agreement(figure, value, error).verdict is verdict


def test_few_replications_are_given_the_width_that_students_distribution_has() -> None:
    """3.5 normal standard errors leave 0.0233% in each tail; with 4 degrees of freedom that takes 10.5."""
    tail = norm.sf(3.5)
    expected = 0.1 + 0.1 * t.isf(tail, 4)
    assert agreement(EXACT, 10.0, 0.1, replications=5).tolerance == pytest.approx(expected)
    assert t.isf(tail, 4) == pytest.approx(10.5, abs=0.05)


SCENARIO = """\
format: 1
title: A ward
horizon: 1 years
states: {ill: {}}
patients: {number: 100}
pathway: {start: ward, stages: {ward: {state: ill, events: {leaves: {after: {exponential: {mean: 9 days}}, to: home}}}, home: {state: ill, terminal: true}}}
outcomes: {stay: {time_in: {stage: ward}}}
"""


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("outcome: stya, measure: mean", "s.yaml has no mean of stya"),
        ("outcome: stay, measure: total", "s.yaml has no total of stay"),
        ("outcome: incremental, measure: icer", "s.yaml is compared with nothing"),
    ],
)
def test_a_number_that_is_not_there_is_an_error(figure: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)
    target = "{population: all, endpoint: stay, source: here, figures: {all: {published: 9, unit: days, rounding: 1, scenario: s, FIGURE}}}"
    (tmp_path / "t.yaml").write_text(
        f"format: 1\ntitle: T\nscenarios: {{s: s.yaml}}\ntargets: {{a: {target.replace('FIGURE', figure)}}}\n"
    )
    (file,) = read_targets([tmp_path / "t.yaml"])
    with pytest.raises(ScenarioError, match=message):
        compare_with_published(file, workers=1)
