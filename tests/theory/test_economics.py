"""Costs, QALYs and life-years against closed forms, matrix algebra and published cohort models."""

from __future__ import annotations

from math import exp, log1p

import numpy as np
import pytest

from tests.valued import assert_close, priced, valued

ANNUAL = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual}"
CONTINUOUS = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: continuous}"


# ---------------------------------------------------------------- F, H: cohort tutorials


def yearly(draw: str, cost: str, qaly: str, first: str) -> str:
    """One stage in which a state is drawn each year, and counted after the draw."""
    return f"""
        alive:
          state: well
          utility: 0
          events:
            begins: {{after: {{fixed: 0 days}}, to: stay, {first}}}
            year:
              every: {{fixed: 1 years}}
              do: [{{draw: {{health: {{categorical: {draw}}}}}}}]
              cost: {cost}
              qaly: {qaly}
              to: [{{when: {{health: dead}}, to: dead}}, {{to: stay}}]
        dead: {{state: dead, terminal: true}}
    """


@pytest.mark.parametrize(
    ("treated", "cost", "qaly"), [(False, 75976.149, 15.8388478), (True, 141623.028, 16.4004056)]
)
def test_f2_microsimulation_with_yearly_cycles(treated: bool, cost: float, qaly: float) -> None:
    rate = -log1p(-0.005)
    death = {"h": 0.005, "s1": 1 - exp(-3 * rate), "s2": 1 - exp(-10 * rate)}
    draw = (
        f"{{by: health, h: {{dead: {death['h']}, s1: 0.15, h: rest}}, "
        f"s1: {{dead: {death['s1']!r}, h: 0.5, s2: 0.105, s1: rest}}, "
        f"s2: {{dead: {death['s2']!r}, s2: rest}}, dead: {{dead: 1}}}}"
    )
    extra = 12000 if treated else 0
    text = priced(
        yearly(
            draw,
            f"{{by: health, h: 2000, s1: {4000 + extra}, s2: {15000 + extra}, dead: 0}}",
            f"{{by: health, h: 1, s1: {0.95 if treated else 0.75}, s2: 0.5, dead: 0}}",
            "cost: 2000, qaly: 1",
        ),
        economics="{currency: USD, discount: {cost: 0.03, qaly: 0.03}, convention: annual}",
        horizon="10958 days",
        attributes="{health: {one_of: [h, s1, s2, dead], start: h}}",
        number=30_000,
    )
    valuation = valued(text)
    assert_close(valuation.total_cost.discounted, cost)
    assert_close(valuation.qaly.discounted, qaly)


@pytest.mark.parametrize(
    ("combination", "years", "cost"), [(False, 7.9912066, 44663.4536), (True, 8.9373889, 50601.6513)]
)
def test_h1_hiv_therapy_with_yearly_counts(combination: bool, years: float, cost: float) -> None:
    counts = {"a": (1251, 350, 116, 17), "b": (0, 731, 512, 15), "c": (0, 0, 1312, 437)}
    names = ("a", "b", "c", "dead")

    def rows(ratio: float) -> str:
        found = []
        for state, numbers in counts.items():
            moves = {
                to: ratio * n / sum(numbers)
                for to, n in zip(names, numbers, strict=True)
                if to != state and n > 0
            }
            parts = ", ".join(f"{to}: {p!r}" for to, p in moves.items())
            found.append(f"{state}: {{{parts}, {state}: rest}}")
        return f"{{by: health, {', '.join(found)}, dead: {{dead: 1}}}}"

    early = "{since.start: {at_most: 2 years}}"
    draw = f"[{{when: {early}, value: {rows(0.509)}}}, {{value: {rows(1.0)}}}]" if combination else rows(1.0)
    care = {"a": 1701 + 1055, "b": 1774 + 1278, "c": 6948 + 2059}

    def costs(drugs: float) -> str:
        return "{by: health, " + ", ".join(f"{s}: {c + drugs}" for s, c in care.items()) + ", dead: 0}"

    price = costs(2278)
    if combination:
        price = f"[{{when: {early}, value: {costs(2278 + 2086.5)}}}, {{value: {costs(2278)}}}]"
    text = priced(
        yearly(draw, price, "{by: health, dead: 0, rest: 1}", "qaly: 0"),
        economics="{currency: GBP, discount: {cost: 0.06, qaly: 0}, convention: annual}",
        horizon="7306 days",
        attributes="{health: {one_of: [a, b, c, dead], start: a}}",
        number=30_000,
    )
    valuation = valued(text)
    assert_close(valuation.qaly.undiscounted, years)
    assert_close(valuation.total_cost.discounted, cost)


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
