"""Tornado, threshold and Sobol indices of simulated pathways against closed forms and quadrature.

Alive or dead with rate r: survival at t is exp(-r t), and with common random numbers a patient with the
uniform U is alive at t if U < exp(-r t). So the difference between two rates is a share d of the patients,
with standard error sqrt(d (1 - d) / n).
"""

from __future__ import annotations

from math import exp, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from sim.uncertainty.sensitivity_results import SensitivityResults, analyse_parameters
from tests.psa_models import BETTER, TWO_STATES, written
from tests.theory.test_sensitivity import BY, risks_truth

RATE = stats.gamma(4.0, scale=0.1)
BASE, YEARS = 0.4, 2.0


def analysed(files: list[Path], *, patients: int, sobol: int | None = None, **options) -> SensitivityResults:
    return analyse_parameters(
        files, patients=patients, sobol=sobol, at=f"{YEARS:g} years", workers=1, **options
    )


def test_bar_ends_of_two_states(tmp_path: Path) -> None:
    """20,000 patients: errors of 0.0035 at most, a fifth of the effect of 5% in place of 2.5%."""
    found = analysed(written(tmp_path, base=TWO_STATES), patients=20_000, outcome="survival")
    (rate,) = [row for row in found.tornado if row.parameter == "rate"]
    assert (rate.unit, rate.base_value) == ("per year", pytest.approx(BASE))
    ends = (
        (0.025, rate.low_value, rate.low_difference, rate.low_error),
        (0.975, rate.high_value, rate.high_difference, rate.high_error),
    )
    for p, value, difference, error in ends:
        assert value == pytest.approx(RATE.ppf(p), rel=1e-9)
        truth = exp(-RATE.ppf(p) * YEARS) - exp(-BASE * YEARS)
        assert abs(difference - truth) < 5.0 * error
        assert error == pytest.approx(sqrt(abs(difference) * (1.0 - abs(difference)) / 20_000), rel=1e-3)
    price = found.tornado[-1]
    assert (price.parameter, price.width, price.width_error, price.visible) == ("price", 0.0, 0.0, False)


def test_a_bar_of_a_tenth_of_a_point_is_visible(tmp_path: Path) -> None:
    """A rate between 0.3988 and 0.4012 per year moves survival by 0.2 points; unpaired errors are 0.5."""
    text = TWO_STATES.replace(
        "{gamma: {shape: 4}}", "{uniform: {low: 0.3987 per year, high: 0.4013 per year}}"
    )
    found = analysed(written(tmp_path, base=text), patients=10_000, outcome="survival")
    row = found.tornado[0]
    truth = exp(-0.3987 * YEARS) - exp(-0.4013 * YEARS)
    assert truth < 0.0024
    assert row.visible
    assert abs(row.low_difference - row.high_difference - truth * 0.95) < 5.0 * row.width_error
    assert row.width_error < 0.0006


def test_threshold_of_two_states(tmp_path: Path) -> None:
    """A treatment for 300 with hazard ratio q: (800 - 100) (L(q r) - L(r)) = 300, L(r) = (1 - exp(-10 r)) / r.

    20,000 patients: a standard error of the ratio below 0.01.
    """
    treated = BETTER + "  pathway.stages.care.cost: {on_entry: 300, per_year: $price}\n"
    files = written(tmp_path, base=TWO_STATES, better=treated)
    found = analysed(files, patients=20_000, threshold="ratio")

    def life_years(rate: float) -> float:
        return -np.expm1(-10.0 * rate) / rate

    truth = brentq(lambda q: 700.0 * (life_years(q * BASE) - life_years(BASE)) - 300.0, 0.4, 1.0)
    (row,) = found.thresholds
    assert abs(row.value - truth) < 5.0 * row.error
    assert row.error < 0.01
    assert (row.below, row.above) == ("better", "base")
    assert found.tornado == ()


COMPETING = """\
format: 1
title: Two competing events
horizon: 5 years
states: {well: {}, one: {}, other: {}}
parameters:
  r1: {value: 0.45 per year, uncertainty: {gamma: {shape: 9}}, source: an example, status: assumed}
  r2: {value: 0.5 per year, uncertainty: {lognormal: {sigma: 0.4}}, source: an example, status: assumed}
  unused: {value: 1, uncertainty: {normal: {sd: 0.1}}, source: an example, status: assumed}
patients: {number: 100, attributes: {mark: $unused}}
pathway:
  start: well
  stages:
    well: {state: well, events: {first: {after: {exponential: {rate: $r1}}, to: one}, second: {after: {exponential: {rate: $r2}}, to: other}}}
    one: {state: one, terminal: true}
    other: {state: other, terminal: true}
outcomes:
  event: {from: start, until: {stage: one}, competing: {other: {stage: other}}}
"""


def test_sobol_indices_of_competing_risks(tmp_path: Path) -> None:
    """256 base points, 1,000 patients: every index to 0.06 and five standard errors; quadrature for the truth.

    The parameter without influence has indices of exactly 0.
    """
    assert BY == YEARS
    found = analysed(written(tmp_path, base=COMPETING), patients=1000, sobol=8)
    assert found.study.measure.measure == "cumulative_incidence"
    rows = {row.factor: row for row in found.variance}
    assert list(rows) == ["r1", "r2", "unused"] or list(rows) == ["r2", "r1", "unused"]
    for factor, (first, total) in risks_truth().items():
        row = rows[factor]
        for value, error, truth in ((row.first, row.first_error, first), (row.total, row.total_error, total)):
            assert abs(value - truth) <= min(5.0 * error, 0.06)
    assert rows["unused"][3:] == (0.0, 0.0, 0.0, 0.0)
    assert [row.total for row in found.ranks] == [1.0, 2.0, 3.0]
