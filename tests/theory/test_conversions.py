"""Probabilities, rates and ratios as papers print them, against closed forms."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.distributions import leaf
from tests import cohorts
from tests.valued import assert_close

N = 250_000


def exponential(**printed: object) -> float:
    """The rate of an exponential distribution given as printed."""
    return float(dict(leaf("exponential", printed).own)["rate"])


def stages(law: str) -> str:
    return cohorts.written(
        f"""
        alive: {{state: ill, events: {{dies: {{after: {law}, to: dead}}}}}}
        dead: {{state: dead, terminal: true}}
        """,
        number=N,
        horizon="1 year",
    )


def dead(text: str) -> NDArray[np.float64]:
    """1 for each patient who dies within the horizon, else 0."""
    return (cohorts.entered(cohorts.run(text).log, "dead") < np.inf).astype(np.float64)


def test_a_probability_over_five_years_as_a_rate() -> None:
    rate = exponential(risk=((5.0, 0.3),))
    assert rate == pytest.approx(0.07133499, abs=5e-9)
    assert 1 - exp(-rate / 12) == pytest.approx(0.00592695, abs=5e-9)


def test_a_median_of_14_months_as_a_rate() -> None:
    assert exponential(median=14.0) == pytest.approx(0.04951051, abs=5e-9)


def test_a_hazard_ratio_acts_on_the_hazard_not_on_the_probability() -> None:
    """0.15853364 of 0.25 with a hazard ratio of 0.6; not 0.15."""
    law = "{exponential: {risk: {1 years: 0.25}}, hazard_ratios: [{value: 0.6}]}"
    assert pytest.approx(0.15853364, abs=5e-9) == 1 - 0.75**0.6
    assert_close(dead(stages(law)), 1 - 0.75**0.6)


def test_an_odds_ratio_of_two_makes_a_quarter_two_fifths() -> None:
    law = """
        begins: {decide: {ill: rest, dead: 0.25, odds_ratios: [{of: [dead], value: 2}]}}
        ill: {state: ill, terminal: true}
        dead: {state: dead, terminal: true}
    """
    assert_close(dead(cohorts.written(law, number=N, horizon="1 year")), 0.4)
