"""Coverage: how often 95% intervals, of one arm and of paired differences, hold the truth.

The truth is known in closed form: from `ill` two exponentials compete, `better` at rate a and `death`
at rate b; in the other arm `better` comes at 1.5 times the rate. Whoever is better dies at rate c.
"""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest

from sim.engine.run import simulate
from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.comparison.paired import compare
from sim.pathway.tables import compile_pathway
from sim.scenario import load

SEEDS, PATIENTS = 1000, 600
A, B, C, RATIO = 0.8, 0.6, 0.25, 1.5  # per year
HORIZON, YEAR = 4.0, 365.25

SCENARIO = f"""\
format: 1
title: Two ways to go
horizon: {HORIZON:g} years
states: {{ill: {{}}, well: {{}}, dead: {{}}}}
patients: {{number: {PATIENTS}}}
parameters: {{a: {{value: {A} per year, status: assumed}}}}
pathway:
  start: ill
  stages:
    ill:
      state: ill
      events:
        better: {{after: {{exponential: {{rate: $a}}}}, to: well}}
        death:  {{after: {{exponential: {{rate: {B} per year}}}}, to: dead}}
    well: {{state: well, events: {{death: {{after: {{exponential: {{rate: {C} per year}}}}, to: dead}}}}}}
    dead: {{state: dead, terminal: true}}
outcomes:
  ill: {{from: start, until: {{any: [{{state: well}}, {{state: dead}}]}}}}
  better: {{from: start, until: {{state: well}}, competing: {{death: {{state: dead}}}}}}
  ever_better: {{ever: {{stage: well}}}}
  days_ill: {{time_in: {{stage: ill}}}}
  well: {{occupancy: {{state: well}}}}
  survival_of_the_better: {{ever: {{state: dead}}, among: {{ever: {{stage: well}}}}}}
"""


def truth(a: float) -> dict[tuple[str, ...], float]:
    """What each number is in the long run, for one rate of getting better."""
    r = a + B

    def well(t: float) -> float:
        """In `well` at t: one transition at s < t, and none after it."""
        return a / (r - C) * (exp(-C * t) - exp(-r * t))

    ever = a / r * (1 - exp(-r * HORIZON))
    return {
        ("ill", "at", "1 years"): exp(-r),
        ("ill", "at", "2 years"): exp(-2 * r),
        ("ill", "median"): log(2) / r * YEAR,
        ("ill", "restricted_mean"): (1 - exp(-2 * r)) / r * YEAR,
        ("better", "at", "1 years"): a / r * (1 - exp(-r)),
        ("better", "causes", "death", "at", "1 years"): B / r * (1 - exp(-r)),
        ("ever_better",): ever,
        ("days_ill",): (1 - exp(-r * HORIZON)) / r * YEAR,
        ("well", "at", "2 years"): well(2.0),
        ("survival_of_the_better",): 1 - well(HORIZON) / ever,
    }


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The comparison of each seed."""
    file = tmp_path_factory.mktemp("coverage") / "two_ways.yaml"
    file.write_text(SCENARIO)
    pathways = [
        compile_pathway(load(file, settings=[f"parameters.a.value={rate:g} per year"]))
        for rate in (A, A * RATIO)
    ]
    found = []
    for seed in range(SEEDS):
        arms = []
        for name, pathway in zip(("one", "other"), pathways, strict=True):
            result = simulate(pathway, seed=seed, workers=1)
            arms.append(Arm(name, pathway.scenario, result.log, result.use, seed, 1))
        found.append(compare(arms, at=(YEAR, 2 * YEAR)))
    return found


def at(entry, path):
    for key in path:
        entry = entry[key]
    return entry


def interval_of_run(entry, path):
    """The limits of a number in an arm; a median's may be open."""
    if path and path[-1] in ("median", "restricted_mean"):
        return at(entry, path[:-1])[f"{path[-1]}_interval"]
    return at(entry, path)["interval"]


def coverage(limits, value: float) -> float:
    """The share of intervals that hold a value."""
    held = [(low is None or low <= value) and (high is None or value <= high) for low, high in limits]
    assert len(held) == SEEDS
    return float(np.mean(held))


@pytest.mark.parametrize("path", truth(A), ids=".".join)
def test_intervals_hold_the_truth_as_often_as_they_say(tables, path):
    """Between 93% and 97% of 1,000, single and paired: a standard error wrong by a sixth is seen."""
    outcome, rest = path[0], path[1:]
    one, other = truth(A)[path], truth(A * RATIO)[path]
    single = {
        name: coverage([interval_of_run(t["arms"][name]["outcomes"][outcome], rest) for t in tables], value)
        for name, value in (("one", one), ("other", other))
    }
    differences = [at(t["outcomes"][outcome]["differences"]["other"], rest)["interval"] for t in tables]
    paired = coverage(differences, other - one)
    for held in (*single.values(), paired):
        assert 0.93 <= held <= 0.97


def test_the_interval_of_the_hazard_ratio_holds_it(tables):
    """The hazard of leaving `ill` is a + b in the one, 1.5 a + b in the other."""
    ratios = [t["outcomes"]["ill"]["differences"]["other"]["hazard_ratio"] for t in tables]
    held = coverage([ratio["interval"] for ratio in ratios], (A * RATIO + B) / (A + B))
    assert 0.93 <= held <= 0.97


def test_pairing_gains_what_it_says(tables):
    """The spread of the differences over the seeds is that of their standard errors, not of independent runs.

    Over 1,000 seeds the variance of a difference is known to sqrt(2 / 999), 5 of which are 22%.
    """
    for path in (("ill", "at", "1 years"), ("ever_better",), ("days_ill",), ("ill", "restricted_mean")):
        leaves = [at(t["outcomes"][path[0]]["differences"]["other"], path[1:]) for t in tables]
        spread = np.var([leaf["difference"] for leaf in leaves], ddof=1)
        told = np.mean([leaf["standard_error"] ** 2 for leaf in leaves])
        assert told == pytest.approx(spread, rel=5 * np.sqrt(2 / 999))
        assert np.mean([leaf["variance_ratio"] for leaf in leaves]) > 3
