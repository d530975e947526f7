"""Costs, QALYs and life-years against closed forms, matrix algebra and published cohort models."""

from __future__ import annotations

from math import exp, log, log1p

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm

from tests.valued import assert_close, priced, valued

ANNUAL = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual}"
CONTINUOUS = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: continuous}"


# ---------------------------------------------------------------- D: multi-state models


ILLNESS_DEATH = """
    healthy:
      state: well
      utility: 1
      cost: {{per_year: 2000}}
      events:
        falls_ill: {{after: {{exponential: {{rate: 0.15 per year}}, hazard_ratios: [{{value: {ratio}}}]}}, to: sick}}
        dies: {{after: {{exponential: {{rate: 0.02 per year}}, hazard_ratios: [{{value: {ratio}}}]}}, to: dead}}
    sick:
      state: well
      utility: 0.7
      cost: {{per_year: 8000}}
      events:
        recovers: {{after: {{exponential: {{rate: 0.30 per year}}}}, to: healthy}}
        dies: {{after: {{exponential: {{rate: 0.10 per year}}}}, to: dead}}
    dead: {{state: dead, terminal: true}}
"""


@pytest.mark.parametrize(
    ("ratio", "qaly", "cost"), [(1.0, 13.04878049, 50243.902439), (0.7, 15.45901136, 52195.271722)]
)
def test_d1_reversible_illness_and_death(ratio: float, qaly: float, cost: float) -> None:
    valuation = valued(priced(ILLNESS_DEATH.format(ratio=ratio), number=40_000))
    assert_close(valuation.qaly.discounted, qaly)
    assert_close(valuation.total_cost.discounted, cost)


@pytest.mark.parametrize(
    ("factor", "qaly", "cost", "free", "after"),
    [(1.0, 3.482559, 7222.673, 2.631514, 2.295580), (1.3, 4.370892, 8981.932, 3.352625, 2.814654)],
)
def test_d4_partitioned_survival_as_a_pathway(
    factor: float, qaly: float, cost: float, free: float, after: float
) -> None:
    """Progression with the hazard of progression-free survival less that of death leaves both Weibull."""
    scale = (3**-1.2 - 6**-1.2) ** (-1 / 1.2)
    stages = f"""
        free:
          state: well
          utility: 0.8
          cost: {{per_year: 1000}}
          events: {{progresses: {{after: {{weibull: {{shape: 1.2, scale: {scale!r} years}}, time_ratios: [{{value: {factor}}}]}}, to: progressed}}}}
        progressed: {{state: well, utility: 0.6, cost: {{per_year: 2000}}}}
        dead: {{state: dead, terminal: true}}
    """
    dies = f"{{dies: {{after: {{weibull: {{shape: 1.2, scale: 6 years}}, time_ratios: [{{value: {factor}}}]}}, to: dead}}}}"
    valuation = valued(priced(stages, clocks=dies, on_start="[{start: dies}]", number=80_000))
    assert_close(valuation.qaly.discounted, qaly)
    assert_close(valuation.total_cost.discounted, cost)
    by_stage = valuation.cost_by_stage
    assert_close(by_stage["free"].discounted, 1000 * free)
    assert_close(by_stage["progressed"].discounted, 2000 * after)


LEUKAEMIA = {
    "chemo": ("{remission: 1.2, relapse: 1.0, dead: 0.6}", 0.55),
    "remission": ("{transplant: 0.9, relapse: 0.8, dead: 0.15}", 0.8),
    "transplant": ("{relapse: 0.25, dead: 0.2}", 0.75),
    "relapse": ("{chemo: 0.5, dead: 1.5}", 0.4),
}


def markov_stages(rates: dict[str, dict[str, float]], values: dict[str, str]) -> str:
    """Stages that patients leave at constant rates per year; values: utility and cost of each."""
    lines = []
    for name, to in rates.items():
        events = ", ".join(
            f"to_{other}: {{after: {{exponential: {{rate: {rate!r} per year}}}}, to: {other}}}"
            for other, rate in to.items()
        )
        lines.append(f"{name}: {{state: well, {values[name]}, events: {{{events}}}}}")
    return "\n".join([*lines, "dead: {state: dead, terminal: true}"])


def test_d5_leukaemia_shaped_markov_chain() -> None:
    rates = {
        "chemo": {"remission": 1.2, "relapse": 1.0, "dead": 0.6},
        "remission": {"transplant": 0.9, "relapse": 0.8, "dead": 0.15},
        "transplant": {"relapse": 0.25, "dead": 0.2},
        "relapse": {"chemo": 0.5, "dead": 1.5},
    }
    utility = {"chemo": 0.55, "remission": 0.8, "transplant": 0.75, "relapse": 0.4}
    values = {name: f"utility: {u}, cost: {{per_year: 1}}" for name, u in utility.items()}
    valuation = valued(priced(markov_stages(rates, values), economics=ANNUAL, number=150_000))
    assert_close(valuation.life_years.undiscounted, 1.65337955)
    assert_close(valuation.life_years.discounted, 1.55071279)
    assert_close(valuation.qaly.discounted, 0.96278815)
    for stage, years in {"chemo": 0.41828336, "relapse": 0.37116589}.items():
        assert_close(valuation.cost_by_stage[stage].discounted, years)


# ---------------------------------------------------------------- E, F, H: cohort tutorials


SICK_SICKER = {
    "healthy": {"sick": 0.15, "dead": 0.002},
    "sick": {"healthy": 0.5, "sicker": 0.105, "dead": 0.006},
    "sicker": {"dead": 0.02},
}


@pytest.mark.parametrize(
    ("extra_cost", "utility_sick", "ratio"),
    [(0, 0.75, 1.0), (12000, 0.95, 1.0), (13000, 0.75, 0.6), (25000, 0.95, 0.6)],
    ids=["standard", "A", "B", "AB"],
)
def test_e1_sick_sicker_in_continuous_time(extra_cost: float, utility_sick: float, ratio: float) -> None:
    """The limit of the cohort model as its cycle shrinks; 75 years, 3% a year."""
    rates = {name: dict(to) for name, to in SICK_SICKER.items()}
    rates["sick"]["sicker"] *= ratio
    cost = {"healthy": 2000.0, "sick": 4000.0 + extra_cost, "sicker": 15000.0 + extra_cost}
    utility = {"healthy": 1.0, "sick": utility_sick, "sicker": 0.5}
    values = {name: f"utility: {utility[name]}, cost: {{per_year: {cost[name]}}}" for name in rates}
    economics = "{currency: USD, discount: {cost: 0.03, qaly: 0.03}, convention: annual}"
    text = priced(markov_stages(rates, values), economics=economics, horizon="75 years", number=20_000)
    valuation = valued(text)
    assert_close(valuation.total_cost.discounted, in_continuous_time(rates, cost))
    assert_close(valuation.qaly.discounted, in_continuous_time(rates, utility))


def in_continuous_time(rates: dict[str, dict[str, float]], values: dict[str, float]) -> float:
    """The integral of the discounted value to 75 years: v (sub-generator less discount)^-1."""
    names = list(rates)
    generator = np.zeros((3, 3))
    for i, name in enumerate(names):
        for other, rate in rates[name].items():
            generator[i, i] -= rate
            if other in names:
                generator[i, names.index(other)] += rate
    killed = generator - log(1.03) * np.eye(3)
    integral = np.linalg.solve(killed, expm(75 * killed) - np.eye(3))
    return float((integral @ np.array([values[name] for name in names]))[0])


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


# ---------------------------------------------------------------- N, T: remaining time, cycles


@pytest.mark.parametrize(
    ("ratio", "extra", "years", "qaly", "cost"),
    [(0.7, 1000, 10.8946, 6.7842, 69331.72), (1.0, 0, 10.7733, 6.4415, 61348.75)],
)
def test_n1_remaining_time_to_death_is_shortened(
    ratio: float, extra: float, years: float, qaly: float, cost: float
) -> None:
    stages = f"""
        sick:
          state: well
          utility: 0.8
          cost: {{per_year: {{care: 3000, drug: {extra}}}}}
          events: {{worsens: {{after: {{exponential: {{rate: 0.2 per year}}, hazard_ratios: [{{value: {ratio}}}]}}, to: sicker}}}}
        sicker:
          state: well
          utility: 0.5
          cost: {{per_year: {{care: 7000, drug: {extra}}}}}
          on_entry: [{{reassess: dies}}]
        dead: {{state: dead, terminal: true}}
    """
    dies = "{dies: {after: {exponential: {rate: 0.05 per year}, time_ratios: [{when: {visits.sicker: {at_least: 1}}, value: 0.8}]}, to: dead}}"
    text = priced(stages, economics=ANNUAL, clocks=dies, on_start="[{start: dies}]", number=40_000)
    valuation = valued(text)
    force, worse = log1p(0.035), 0.2 * ratio
    first = 1 / (worse + 0.05 + force)
    second = worse * first / (0.05 / 0.8 + force)
    assert first + second == pytest.approx(years, abs=5e-5)
    assert_close(valuation.life_years.discounted, first + second)
    assert 0.8 * first + 0.5 * second == pytest.approx(qaly, abs=5e-5)
    assert_close(valuation.qaly.discounted, 0.8 * first + 0.5 * second)
    assert_close(valuation.total_cost.discounted, cost)
    assert_close(valuation.cost["care"].discounted, 3000 * first + 7000 * second)
    assert valuation.cost["drug"].discounted.sum() == pytest.approx(
        extra * valuation.life_years.discounted.sum()
    )


def test_t4_cost_of_each_cycle_at_its_start() -> None:
    stages = """
        cycle:
          state: well
          cost: {on_entry: 1000}
          events: {ends: {after: {fixed: 28 days}, to: {remission: 0.35, dead: 0.06, refractory: 0.10, go_on: rest}}}
        go_on: {decide: [{when: {visits.cycle: 4}, to: car_t}, {to: cycle}]}
        remission: {state: well, terminal: true}
        refractory: {state: well, terminal: true}
        car_t: {state: well, terminal: true}
        dead: {state: dead, terminal: true}
    """
    text = priced(stages, economics=ANNUAL, horizon="10 years", number=40_000)
    assert_close(valued(text).total_cost.discounted, 1844.268296)


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


# ---------------------------------------------------------------- one patient, by numerical integration


ONE_PATIENT = """
    home:
      utility: 0.9
      state: well
      cost: {per_day: {care: 3}}
      events: {comes: {after: {fixed: 100 days}, to: ward, cost: {transport: 40}, qaly: -0.01}}
    ward:
      state: well
      utility: {by: grade, 0: 0.8, 1: 0.5, rest: 0.2}
      cost: {on_entry: {care: 500}, per_day: {care: [{when: {grade: {at_least: 1}}, value: 90}, {value: 60}]}}
      events:
        worsens: {every: {fixed: 30 days}, do: [{add: {grade: 1}}], to: stay, cost: {drug: {by: grade, 0: 1, 1: 70, 2: 700, rest: 7000}}}
        leaves: {after: {fixed: 75 days}, to: after}
    after: {state: well, utility: 0.7, terminal: true}
"""


@pytest.mark.parametrize("convention", ["annual", "continuous"])
def test_both_conventions_against_numerical_integration(convention: str) -> None:
    economics = f"{{currency: GBP, discount: {{cost: 0.04, qaly: 0.02}}, convention: {convention}}}"
    text = priced(ONE_PATIENT, economics=economics, horizon="300 days", attributes="{grade: 0}")
    valuation = valued(text)

    def worth(rate: float, days: float) -> float:
        years = days / 365.25
        return float((1 + rate) ** -years if convention == "annual" else exp(-rate * years))

    def flow(rate: float, begin: float, end: float) -> float:
        return float(quad(lambda t: worth(rate, t), begin, end, epsabs=1e-12, epsrel=1e-12)[0])

    utilities = [(0, 100, 0.9), (100, 130, 0.8), (130, 160, 0.5), (160, 175, 0.2), (175, 300, 0.7)]
    qaly = sum(u * flow(0.02, a, b) for a, b, u in utilities) / 365.25 - 0.01 * worth(0.02, 100)
    assert valuation.qaly.discounted == pytest.approx([qaly], rel=1e-12)
    care = [(0, 100, 3), (100, 130, 60), (130, 175, 90)]
    expected = {
        "care": sum(c * flow(0.04, a, b) for a, b, c in care) + 500 * worth(0.04, 100),
        "transport": 40 * worth(0.04, 100),
        "drug": 70 * worth(0.04, 130) + 700 * worth(0.04, 160),
    }
    for category, cost in expected.items():
        assert valuation.cost[category].discounted == pytest.approx([cost], rel=1e-12), category
    assert valuation.total_cost.undiscounted == pytest.approx([300 + 500 + 1800 + 4050 + 40 + 770])


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
