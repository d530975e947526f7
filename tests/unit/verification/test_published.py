"""When a published number and a simulated one agree, differ or cannot be compared."""

from __future__ import annotations

from math import log, nan
from pathlib import Path

import pytest
from scipy.stats import norm, t

from sim.calibration.targets import Figure, TargetFile, read_targets
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


def targets(folder: Path, figure: str, *, unit: str = "days") -> TargetFile:
    """A file of targets with this figure of the scenario."""
    (folder / "s.yaml").write_text(SCENARIO)
    (folder / "t.yaml").write_text(
        "format: 1\ntitle: T\nscenarios: {s: s.yaml}\n"
        "targets: {a: {population: all, endpoint: stay, source: here, figures: "
        f"{{all: {{published: 9, unit: {unit}, rounding: 1, scenario: s, {figure}}}}}}}}}\n"
    )
    (file,) = read_targets([folder / "t.yaml"])
    return file


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("outcome: stya, measure: mean", "s.yaml has no mean of stya"),
        ("outcome: stya", r"s.yaml has no outcome stya\n    did you mean `stay`\?"),
        ("outcome: stay, measure: total", "s.yaml has no total of stay"),
        ("outcome: incremental, measure: icer", "s.yaml is compared with nothing"),
    ],
)
def test_a_number_that_is_not_there_is_an_error(figure: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=message):
        compare_with_published(targets(tmp_path, figure), workers=1)


def test_a_time_without_a_measure_is_a_median(tmp_path: Path) -> None:
    """Of an exponential with mean 9 days, in weeks: five standard errors of 100 patients."""
    (found,) = compare_with_published(targets(tmp_path, "outcome: stay", unit="weeks"), workers=1)
    assert found.simulated == pytest.approx(9 * log(2) / 7, abs=5 * 9 / 7 / 100**0.5)
