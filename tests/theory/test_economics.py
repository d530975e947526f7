"""Costs, QALYs and life-years against closed forms; tests/published_models has published models."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from tests.valued import assert_close, priced, valued

ANNUAL = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual}"
CONTINUOUS = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: continuous}"


# ---------------------------------------------------------------- S: discounting


@pytest.mark.parametrize(
    ("economics", "expected"),
    [
        (CONTINUOUS, 4.69203670),
        (ANNUAL, 4.70612677),
        (CONTINUOUS.replace("0.035", "0.03"), 4.81117974),
        (ANNUAL.replace("0.035", "0.03"), 4.82185211),
    ],
)
def test_s_flow_between_two_times(economics: str, expected: float) -> None:
    stages = """
        before: {state: well, events: {on: {after: {fixed: 2.3 years}, to: flow}}}
        flow: {state: well, cost: {per_year: 1}, events: {off: {after: {fixed: 5.6 years}, to: after}}}
        after: {state: well, terminal: true}
    """
    cost = valued(priced(stages, economics=economics)).total_cost
    assert cost.discounted == pytest.approx([expected], abs=1e-7)
    assert cost.undiscounted == pytest.approx([5.6], rel=1e-8)


@pytest.mark.parametrize(("economics", "expected"), [(CONTINUOUS, 0.92265490), (ANNUAL, 0.92392601)])
def test_s_lump_at_its_time(economics: str, expected: float) -> None:
    stages = """
        before: {state: well, events: {pays: {after: {fixed: 2.3 years}, to: after, cost: 1}}}
        after: {state: well, terminal: true}
    """
    cost = valued(priced(stages, economics=economics)).total_cost
    assert cost.discounted == pytest.approx([expected], abs=5e-9)
    assert cost.undiscounted == pytest.approx([1.0], abs=0)


@pytest.mark.parametrize(("economics", "expected"), [(CONTINUOUS, 11.76470588), (ANNUAL, 11.84814095)])
def test_s_life_expectancy_with_a_constant_hazard(economics: str, expected: float) -> None:
    stages = """
        alive: {state: well, events: {dies: {after: {exponential: {rate: 0.05 per year}}, to: dead}}}
        dead: {state: dead, terminal: true}
    """
    assert_close(valued(priced(stages, economics=economics, number=30_000)).life_years.discounted, expected)


@pytest.mark.parametrize(("economics", "base"), [(CONTINUOUS, exp(0.035)), (ANNUAL, 1.035)])
def test_s_thirteen_lumps_every_28_days(economics: str, base: float) -> None:
    """12.79303890 and 12.79653969."""
    stages = """
        course:
          state: well
          cost: {on_entry: 1}
          events: {dose: {every: {fixed: 28 days}, to: stay, cost: 1}, dies: {after: {fixed: 9 years}, to: dead}}
        dead: {state: dead, terminal: true}
    """
    cost = valued(priced(stages, economics=economics, horizon="340 days")).total_cost
    assert cost.discounted == pytest.approx([sum(base ** (-28 * k / 365.25) for k in range(13))], rel=1e-14)
    assert cost.undiscounted.tolist() == [13.0]


# ---------------------------------------------------------------- paired differences


def test_pairing_reduces_the_variance_of_incremental_costs_and_qalys_at_least_fourfold() -> None:
    """Adjuvant treatment of colon cancer in shape: one hazard ratio on recurrence, a price, death after it."""

    def arm(ratio: float, drug: float) -> str:
        stages = f"""
            free:
              state: well
              utility: 0.8
              cost: {{on_entry: {drug}, per_year: 1000}}
              events: {{recurs: {{after: {{weibull: {{shape: 0.8, scale: 8 years}}, hazard_ratios: [{{value: {ratio}}}]}}, to: recurrence}}}}
            recurrence:
              state: well
              utility: 0.6
              cost: {{per_year: 9000}}
              events: {{dies: {{after: {{exponential: {{mean: 2 years}}}}, to: dead}}}}
            dead: {{state: dead, terminal: true}}
        """
        dies = "{background: {after: {gompertz: {rate: 0.00003 per year, shape: 0.09 per year}, already: current_age}, to: dead}}"
        return priced(
            stages,
            economics=ANNUAL,
            clocks=dies,
            on_start="[{start: background}]",
            attributes="{age: {triangular: [40, 62, 80]}}",
            number=20_000,
        )

    reference, treated = valued(arm(1.0, 0)), valued(arm(0.61, 6000))
    for one, other in (
        (reference.qaly, treated.qaly),
        (reference.total_cost, treated.total_cost),
    ):
        a, b = one.discounted, other.discounted
        assert (np.var(a) + np.var(b)) / np.var(b - a) > 4.0
