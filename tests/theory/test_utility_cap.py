"""Utilities limited to those of the population at each age, against closed forms."""

from __future__ import annotations

from itertools import pairwise
from math import exp, log1p

import numpy as np
import pytest

from tests.theory.test_economics import ANNUAL, CONTINUOUS
from tests.valued import assert_close, priced, valued

LIMITS = {"male": {0: 1.0, 50: 0.85, 60: 0.7}, "female": {48: 0.6, 62: 0.9}}


@pytest.mark.parametrize("economics", [ANNUAL, CONTINUOUS], ids=["annual", "continuous"])
@pytest.mark.parametrize("sex", LIMITS)
def test_a_utility_above_that_of_the_population_is_limited(sex: str, economics: str) -> None:
    """Constant hazard from age 40; each band of ages adds the integral of its utility over exp(-(h + d) t)."""
    text = priced(
        """
        alive: {state: well, utility: 0.88, events: {dies: {after: {exponential: {rate: 0.05 per year}}, to: dead}}}
        dead: {state: dead, terminal: true}
        """,
        economics=economics.replace("}, conv", f"}}, utility_cap: {capped_by_sex()}, conv"),
        attributes=f"{{age: 40, sex: {{one_of: [male, female], start: {sex}}}}}",
        number=60_000,
    )
    force = 0.05 + (log1p(0.035) if economics == ANNUAL else 0.035)
    steps = [(40, 1.0), *((age, limit) for age, limit in LIMITS[sex].items() if age > 40), (10_000, 0.0)]
    expected = sum(
        min(0.88, limit) * (exp(-force * (begin - 40)) - exp(-force * (end - 40))) / force
        for (begin, limit), (end, _) in pairwise(steps)
    )
    assert expected < 0.97 * 0.88 / force  # without limits, at least ten standard errors off
    assert_close(valued(text).qaly.discounted, expected)


def capped_by_sex() -> str:
    entries = (
        f"{sex}: {{{', '.join(f'{age}: {limit}' for age, limit in steps.items())}}}"
        for sex, steps in LIMITS.items()
    )
    return f"{{by: sex, {', '.join(entries)}}}"


def test_limits_of_one_patient_to_the_last_digits() -> None:
    """Ages 30 to 70: 0.9 to 50, then 0.85 to 60, 0.7 to 62; then 0.6, below every limit."""
    text = priced(
        """
        fit: {state: well, utility: 0.9, events: {declines: {after: {fixed: 32 years}, to: unfit}}}
        unfit: {state: well, utility: 0.6, events: {dies: {after: {fixed: 8 years}, to: dead}}}
        dead: {state: dead, terminal: true}
        """,
        economics=ANNUAL.replace("}, conv", "}, utility_cap: {0: 1, 50: 0.85, 60: 0.7}, conv"),
        attributes="{age: 30}",
    )
    valuation = valued(text)
    qaly = valuation.qaly
    spans = [(0, 20, 0.9), (20, 30, 0.85), (30, 32, 0.7), (32, 40, 0.6)]
    assert qaly.undiscounted == pytest.approx([sum(u * (b - a) for a, b, u in spans)], rel=1e-12)
    by_year = valuation.qaly_by_year(np.array([0]))
    assert by_year[[0, 19, 20, 30, 32, 39]] == pytest.approx([0.9, 0.9, 0.85, 0.7, 0.6, 0.6], rel=1e-9)
    assert by_year.sum() == pytest.approx(qaly.undiscounted[0])
    worth = [u * (1.035**-a - 1.035**-b) / log1p(0.035) for a, b, u in spans]
    assert qaly.discounted == pytest.approx([sum(worth)], rel=1e-12)
