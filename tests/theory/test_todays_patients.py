"""Times of prevalent patients: P(T > d + t | T > d), for distributions with and without modifiers.

The reference are patients who enter the same stage, and of them those who are still in it after d days:
the same distribution without the code that conditions on the time elapsed.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sim.engine.run import simulate
from sim.pathway.tables import compile_pathway
from tests.cohorts import count, entered, read, simulate_stages, written
from tests.example_runs import log_results

LASTED = 40.0
ROWS, REPLICATIONS = 1000, 20
N = ROWS * REPLICATIONS
"""Patients of a table: a short table, replicated, because reading one takes longer than the simulation."""

DISTRIBUTIONS = {
    "weibull": "{weibull: {shape: 1.7, scale: 60 days}}",
    "lognormal, stretched": "{lognormal: {median: 50 days, sigma: 0.7}, time_ratios: [{value: 1.4}]}",
    "gamma, a ratio that ends": "{gamma: {shape: 3, mean: 60 days}, hazard_ratios: [{value: 3, until: 55 days}]}",
    "a ratio that wanes": "{weibull: {shape: 0.8, scale: 80 days}, hazard_ratios: [{value: 0.3, wane: [20 days, 90 days]}]}",
    "already and between": "{gompertz: {shape: 0.01 per day, rate: 0.01 per day}, already: 30 days, between: [10 days, 120 days]}",
    "plus": "{exponential: {mean: 40 days}, plus: 25 days}",
    "plus, not yet over": "{exponential: {mean: 40 days}, plus: 60 days}",
    "mixture cure": "{mixture_cure: {cured: 0.3, of: {loglogistic: {shape: 2, scale: 50 days}}}}",
    "a list": "{categorical: {10 days: 0.2, 45 days: 0.3, 41 days: 0.1, 90 days: rest}, odds_ratios: [{value: 3, of: [90 days]}]}",
    "current age": "{gompertz: {shape: 0.09 per year, rate: 0.05 per year}, already: current_age}",
}


def stage(distribution: str, chance: str = "") -> str:
    return (
        f"ward: {{state: ill, events: {{done: {{after: {distribution}, {chance}to: died}}, left: {{after: {{exponential: {{mean: 200 days}}}}, to: died}}}}}}\n"
        "died: {state: dead, terminal: true}"
    )


def table(head: str, row: str) -> str:
    """A table of patients with the same row for each."""
    return 'table: "' + "\\n".join([head, *[row] * ROWS]) + '"'


def remaining(distribution: str, chance: str) -> tuple[np.ndarray, np.ndarray]:
    """Days from day 40 to the end of the stage: of prevalent patients, and of those who entered on day 0."""
    attributes = "attributes: {age: 50}"
    patients = (
        f"{{{table('stage,days_in_stage,age', f'ward,{LASTED},{50 + LASTED / 365.25!r}')}, {attributes}}}"
    )
    stages = stage(distribution, chance)
    today = simulate_stages(stages, patients=patients, horizon="2000 days", seed=2, replications=REPLICATIONS)
    before = simulate_stages(
        stages, patients=f"{{number: {4 * N}, {attributes}}}", horizon="2040 days", seed=3
    )
    ends = entered(before, "died")
    return np.minimum(entered(today, "died"), 2000), np.minimum(ends[ends > LASTED] - LASTED, 2000)


@pytest.mark.parametrize("chance", ["", "chance: 0.6, "], ids=["", "chance"])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_remaining_time(name: str, chance: str) -> None:
    """Kolmogorov-Smirnov test at a level of 1e-6: finds a difference of 4 points at any time."""
    found, known = remaining(DISTRIBUTIONS[name], chance)
    n = len(found) * len(known) / (len(found) + len(known))
    distance = stats.ks_2samp(found, known).statistic
    bound = np.sqrt(-np.log(1e-6 / 2) / 2 / n)
    assert bound < 0.04
    assert distance < bound


def test_a_running_clock_is_conditional_on_its_elapsed_time() -> None:
    """A clock that has run for 40 days, in a patient who enters the stage only now."""
    distribution = DISTRIBUTIONS["weibull"]
    bare = "ward: {state: ill, events: {never: {after: {fixed: 9000 days}, to: died}}}\ndied: {state: dead, terminal: true}"
    log = simulate_stages(
        bare,
        patients=f"{{{table('days.limit', str(LASTED))}}}",
        clocks=f"{{limit: {{after: {distribution}, to: died}}}}",
        on_start="[{start: limit}]",
        horizon="9000 days",
        replications=REPLICATIONS,
    )
    exact = lambda t: 1 - np.exp(-(((t + LASTED) / 60) ** 1.7) + (LASTED / 60) ** 1.7)  # noqa: E731
    assert stats.kstest(entered(log, "died"), exact).statistic < np.sqrt(-np.log(1e-6 / 2) / 2 / N)
    assert count(log, "clock.limit").sum() == N


def test_a_reassessed_time_keeps_its_random_number() -> None:
    """Halfway a hazard ratio of 2 begins: S(t) = S0(t) until day 10, then its square from there on."""
    stages = """
ward:
  state: ill
  events:
    worse: {after: {fixed: 50 days}, to: stay, do: [{set: {sick: true}}, {reassess: done}]}
    done:  {after: {weibull: {shape: 1.7, scale: 60 days}, hazard_ratios: [{when: {sick: true}, value: 2}]}, to: died}
died: {state: dead, terminal: true}
"""
    patients = f"{{{table('stage,days_in_stage', f'ward,{LASTED}')}, attributes: {{sick: false}}}}"
    log = simulate_stages(stages, patients=patients, horizon="9000 days", replications=REPLICATIONS)

    def exact(t: np.ndarray) -> np.ndarray:
        hazard = lambda d: (d / 60) ** 1.7  # noqa: E731
        first = hazard(np.minimum(t, 10) + LASTED) - hazard(LASTED)
        return 1 - np.exp(-first - 2 * (hazard(np.maximum(t, 10) + LASTED) - hazard(50)))

    assert stats.kstest(entered(log, "died"), exact).statistic < np.sqrt(-np.log(1e-6 / 2) / 2 / N)


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        (
            "stage,days_in_stage\\nward,3\\n",
            "no column `days.limit`, `days.review`: such a clock runs from day 0",
        ),
        ("stage,days.limit\\nward,3\\n", "no column `days.review`: such a clock"),
        ("stage,days.limit,days.review\\nward,3,\\n", ""),
        ("sick\\ntrue\\n", ""),
    ],
)
def test_a_clock_without_a_column_in_the_table_is_noted(rows: str, note: str) -> None:
    text = written(
        "ward: {state: ill, events: {end: {after: {exponential: {mean: 9 days}}, to: died}}}\n"
        "died: {state: dead, terminal: true}",
        patients=f'{{table: "{rows}", attributes: {{sick: false}}}}',
        clocks="{limit: {after: {fixed: 9 days}, to: died}, review: {after: {fixed: 5 days}, to: died}}",
        on_start="[{start: limit}, {start: review}]",
    )
    scenario = read(text)
    result = simulate(compile_pathway(scenario))
    run_notes = log_results(result.log, result.use, scenario).notes
    for notes in (scenario.notes, run_notes):
        assert [note in found for found in notes if "table of today" in found] == ([True] if note else [])


def test_a_certain_event_past_its_fixed_time_occurs_as_without_a_chance() -> None:
    """Nobody who enters today is still there after its time: of the two explanations, never and late, `chance: 1` excludes never."""
    patients = f"{{{table('stage,days_in_stage', f'ward,{LASTED}')}}}"
    plain, certain = (
        simulate_stages(
            stage("{fixed: 30 days}", chance), patients=patients, horizon="2000 days", replications=1
        )
        for chance in ("", "chance: 1, ")
    )
    assert (entered(plain, "died") == entered(certain, "died")).all()
    assert count(certain, "ward.done").sum() == count(plain, "ward.done").sum() > 0
