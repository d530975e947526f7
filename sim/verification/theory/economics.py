"""Costs, QALYs and life-years: Markov chains in closed form, survival curves, and sums of one patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp, inf, log, log1p

import numpy as np
from scipy import integrate, linalg

from sim.units import DAYS_IN
from sim.verification.theory.case import Case, Known, amount, scenario_text
from sim.verification.theory.pathways import generator, markov_stages

YEAR = DAYS_IN["year"]


def cases() -> Iterator[Case]:
    """Every valued pathway."""
    for ratio in (1.0, 0.7):
        yield _illness_death(ratio)
    for factor in (1.0, 1.3):
        yield _two_curves(factor)
    for name, strategy in STRATEGIES.items():
        yield _finite_chain(name, *strategy)
    for ratio in (1.0, 0.7):
        yield _remaining_time(ratio)
    for convention in ("annual", "continuous"):
        yield _one_patient(convention)


def _economics(rate: float, convention: str) -> str:
    return f"{{currency: GBP, discount: {{cost: {rate}, qaly: {rate}}}, convention: {convention}}}"


def _totals(cost: float, qaly: float, life_years: float | None = None) -> tuple[Known, ...]:
    """Discounted totals."""
    found = [
        amount("cost, discounted", cost, "cost", "discounted"),
        amount("QALYs, discounted", qaly, "qaly", "discounted"),
    ]
    if life_years is not None:
        found.append(amount("life-years, discounted", life_years, "life_years", "discounted"))
    return tuple(found)


def _illness_death(ratio: float) -> Case:
    """There and back at constant rates; discounted time in the states solves a linear system."""
    rates = {"a": {"b": 0.15 * ratio, "gone": 0.02 * ratio}, "b": {"a": 0.30, "gone": 0.10}}
    living = generator(rates)[:-1, :-1]
    years = np.linalg.solve((0.03 * np.eye(2) - living).T, [1.0, 0.0])
    values = {"a": "utility: 1, cost: {per_year: 2000}", "b": "utility: 0.7, cost: {per_year: 8000}"}
    text = scenario_text(
        "Illness and death, reversible",
        markov_stages(rates, values),
        outcomes={"entries": "{count: {stage: b}}"},
        economics=_economics(0.03, "continuous"),
        horizon="4000 years",
        number=40_000,
    )
    known = _totals(float(years @ [2000, 8000]), float(years @ [1, 0.7]), float(years.sum()))
    return Case(f"reversible illness, hazard ratio {ratio:g}", text, known, "(discount - generator)^-1")


def _two_curves(factor: float) -> Case:
    """Two survival curves as a pathway: progression has the hazard between them."""
    shape, discount, scales = 1.2, 0.03, (3.0, 6.0)
    between = (scales[0] ** -shape - scales[1] ** -shape) ** (-1 / shape)
    free, alive = (
        float(
            integrate.quad(
                lambda t, s=scale: exp(-discount * t - (t / (s * factor)) ** shape), 0, inf, epsabs=1e-11
            )[0]
        )
        for scale in scales
    )
    ratio = f"time_ratios: [{{value: {factor}}}]"
    stages = f"""
        a:
          state: alive
          utility: 0.8
          cost: {{per_year: 1000}}
          events:
            progresses: {{after: {{weibull: {{shape: {shape}, scale: {between!r} years}}, {ratio}}}, to: b}}
        b: {{state: alive, utility: 0.6, cost: {{per_year: 2000}}}}
        gone: {{state: dead, terminal: true}}
    """
    text = scenario_text(
        "Two survival curves",
        stages,
        outcomes={"progression": "{ever: {stage: b}}"},
        clocks=f"{{dies: {{after: {{weibull: {{shape: 1.2, scale: 6 years}}, {ratio}}}, to: gone}}}}",
        on_start="[{start: dies}]",
        economics=_economics(discount, "continuous"),
        horizon="4000 years",
        number=40_000,
    )
    after = alive - free
    known = _totals(1000 * free + 2000 * after, 0.8 * free + 0.6 * after, alive)
    return Case(
        f"two survival curves, time ratio {factor:g}", text, known, "int exp(-rt) S(t) dt, by quadrature"
    )


STRATEGIES: dict[str, tuple[float, float, float]] = {
    "no treatment": (0.0, 0.75, 1.0),
    "better utility": (12_000.0, 0.95, 1.0),
    "slower progression": (13_000.0, 0.75, 0.6),
    "both": (25_000.0, 0.95, 0.6),
}
"""Cost a year of whoever is ill, utility of b, ratio of the rate from b to c."""


def _finite_chain(name: str, extra: float, utility: float, ratio: float) -> Case:
    """Three living states until a horizon of 75 years."""
    rates = {
        "a": {"b": 0.15, "gone": 0.002},
        "b": {"a": 0.5, "c": 0.105 * ratio, "gone": 0.006},
        "c": {"gone": 0.02},
    }
    killed = generator(rates)[:-1, :-1] - log(1.03) * np.eye(3)
    years = np.linalg.solve(killed, linalg.expm(75 * killed) - np.eye(3))[0]
    costs, utilities = (2000.0, 4000 + extra, 15_000 + extra), (1.0, utility, 0.5)
    values = {
        stage: f"utility: {u}, cost: {{per_year: {cost}}}"
        for stage, u, cost in zip(rates, utilities, costs, strict=True)
    }
    text = scenario_text(
        "Three states until a horizon",
        markov_stages(rates, values),
        outcomes={"ill": "{ever: {stage: c}}"},
        economics=_economics(0.03, "annual"),
        horizon="75 years",
        number=20_000,
    )
    known = _totals(float(years @ costs), float(years @ utilities), float(years.sum()))
    return Case(f"three states for 75 years, {name}", text, known, "(Q - r)^-1 (exp(75 (Q - r)) - 1)")


SHORTER = "time_ratios: [{when: {visits.b: {at_least: 1}}, value: 0.8}]"


def _remaining_time(ratio: float) -> Case:
    """On entering b the time that is left until death is multiplied by 0.8."""
    worse, death, force, extra = 0.2 * ratio, 0.05, log1p(0.035), 1000.0 if ratio < 1 else 0.0
    first = 1 / (worse + death + force)
    second = worse * first / (death / 0.8 + force)
    stages = f"""
        a:
          state: alive
          utility: 0.8
          cost: {{per_year: {3000 + extra}}}
          events:
            worse:
              after: {{exponential: {{rate: 0.2 per year}}, hazard_ratios: [{{value: {ratio}}}]}}
              to: b
        b:
          state: alive
          utility: 0.5
          cost: {{per_year: {7000 + extra}}}
          on_entry: [{{reassess: dies}}]
        gone: {{state: dead, terminal: true}}
    """
    text = scenario_text(
        "A remaining time that is shortened",
        stages,
        outcomes={"worse": "{ever: {stage: b}}"},
        clocks=f"{{dies: {{after: {{exponential: {{rate: 0.05 per year}}, {SHORTER}}}, to: gone}}}}",
        on_start="[{start: dies}]",
        economics=_economics(0.035, "annual"),
        horizon="4000 years",
        number=40_000,
    )
    cost = (3000 + extra) * first + (7000 + extra) * second
    known = _totals(cost, 0.8 * first + 0.5 * second, first + second)
    return Case(
        f"remaining time shortened, hazard ratio {ratio:g}", text, known, "A + B, A = 1 / (l + d + r)"
    )


# ---------------------------------------------------------------- one patient, exactly


ONE_PATIENT = """
    a:
      utility: 0.9
      state: alive
      cost: {per_day: {care: 3}}
      events: {comes: {after: {fixed: 100 days}, to: b, cost: {transport: 40}, qaly: -0.01}}
    b:
      state: alive
      utility: {by: grade, 0: 0.8, 1: 0.5, rest: 0.2}
      cost: {on_entry: {care: 500}, per_day: {care: [{when: {grade: {at_least: 1}}, value: 90}, {value: 60}]}}
      events:
        worsens:
          every: {fixed: 30 days}
          do: [{add: {grade: 1}}]
          to: stay
          cost: {drug: {by: grade, 0: 1, 1: 70, 2: 700, rest: 7000}}
        leaves: {after: {fixed: 75 days}, to: c}
    c: {state: alive, utility: 0.7, events: {dies: {after: {fixed: 500 days}, to: gone}}}
    gone: {state: dead, terminal: true}
"""


def _one_patient(convention: str) -> Case:
    """Everybody has the same fixed times: no random error, so the sums must agree."""
    factor: Callable[[float, float], float] = (
        (lambda rate, years: (1 + rate) ** -years)
        if convention == "annual"
        else (lambda rate, years: exp(-rate * years))
    )

    def flow(rate: float, begin: float, end: float) -> float:
        return float(
            integrate.quad(lambda t: factor(rate, t / YEAR), begin, end, epsabs=1e-12, epsrel=1e-12)[0]
        )

    def lump(rate: float, day: float) -> float:
        return factor(rate, day / YEAR)

    utilities = [(0, 100, 0.9), (100, 130, 0.8), (130, 160, 0.5), (160, 175, 0.2), (175, 300, 0.7)]
    qaly = sum(u * flow(0.02, a, b) for a, b, u in utilities) / YEAR - 0.01 * lump(0.02, 100)
    daily = [(0, 100, 3), (100, 130, 60), (130, 175, 90)]
    lumps = [(100, 540), (130, 70), (160, 700)]
    cost = sum(c * flow(0.04, a, b) for a, b, c in daily) + sum(c * lump(0.04, day) for day, c in lumps)
    text = scenario_text(
        "Fixed times",
        ONE_PATIENT,
        outcomes={"b": "{time_in: {stage: b}}"},
        economics=f"{{currency: GBP, discount: {{cost: 0.04, qaly: 0.02}}, convention: {convention}}}",
        horizon="300 days",
        attributes="{grade: 0}",
        number=2,
    )
    known = (
        *_totals(cost, qaly, flow(0.02, 0, 300) / YEAR),
        amount("cost, undiscounted", 300 + 500 + 1800 + 4050 + 40 + 770, "cost", "undiscounted"),
    )
    return Case(
        f"fixed times, {convention} discounting", text, known, "int (1 + r)^-t dt or exp(-rt), by quadrature"
    )
