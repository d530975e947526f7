"""Patients that a change does not affect are the same to the last bit; and changes with a known effect.

One pathway with most of the language in it is changed in one place; patients are compared by the
names of what happened to them, so that codes may move.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from sim.engine import compiled_engine, simpy_replications
from sim.engine.run import simulate
from sim.event_log.log import EventLog
from tests.cohorts import (
    columns,
    compiled,
    differing,
    entered,
    happened,
    run,
    simulate_stages,
    stage_at,
    stories,
    written,
)

STAGES = """
first:
  on_entry: [{draw: {grade: {categorical: {0: 0.5, 1: 0.3, 2: rest}, follows: {age: 0.4}}}}, {stamp: mark}]
  events:
    go: {after: {weibull: {shape: 1.2, scale: 20 days}, hazard_ratios: [{per: grade, value: 1.3}]}, to: {second: 0.7, first: rest}}
    dose: {every: {gamma: {shape: 3, mean: 5 days}}, chance: 0.7, do: [{reassess: go}, {add: {doses: 1}}], to: stay}
    end: {after: {exponential: {mean: 90 days}}, to: dead}
second:
  events:
    back: {when: {fit: true}, after: {lognormal: {median: 25 days, sigma: 0.7}}, do: [{start: visit}], to: board}
    end: {after: {mixture_cure: {cured: 0.3, of: {exponential: {mean: 40 days}}}}, to: dead}
board: {decide: [{name: early, when: {since.mark: {below: 40}}, to: {first: 0.5, second: rest}}, {to: second}]}
dead: {terminal: true}
"""
CLOCKS = {
    "death": "{after: {gompertz: {shape: 0.05 per year, rate: 0.1 per year}, already: since.start}, to: dead}",
    "visit": "{in: [second], after: {fixed: 9 days}, do: [{draw: {fit: {bernoulli: 0.5}}}, {reassess: back}], to: stay}",
}
ATTRIBUTES = {
    "age": "{triangular: [18, 45, 80]}",
    "fit": "{bernoulli: 0.6, odds_ratios: [{per: age, centre: 50, value: 0.98}]}",
    "grade": "0",
    "doses": "0",
}


def flow(parts: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {text}" for name, text in parts.items()) + "}"


def text(stages: str = STAGES, **changed: Any) -> str:
    """The pathway above with parts changed."""
    parts: dict[str, Any] = {
        "number": 300,
        "horizon": "2000 days",
        "clocks": flow(CLOCKS),
        "attributes": flow(ATTRIBUTES),
        "on_start": "[{start: [death, visit]}]",
    }
    return written(stages, **(parts | changed))


def log_of(scenario: str, **options: Any) -> EventLog:
    """The log of a scenario, the same from both engines."""
    one = run(scenario, engine="independent", **options).log
    assert differing(one, run(scenario, engine="shared", **options).log) == []
    return one


@pytest.fixture(scope="module")
def before() -> list[list[tuple[Any, ...]]]:
    found = stories(log_of(text()))
    events = {row[1] for rows in found for row in rows}
    assert events == {"start", "decide", "first.go", "first.dose", "first.end", "second.back", "second.end", "clock.death", "clock.visit"}  # fmt: skip
    return found


# ---------------------------------------------------------------- additions

WARD = "ward: {events: {x: {after: {fixed: 1 days}, to: first}}}"
NOT_REACHED = STAGES.replace("decide: [", "decide: [{when: {grade: 7}, to: ward}, ")
ADDED = {
    "a stage that nobody enters": {"stages": NOT_REACHED.replace("board:", f"{WARD}\nboard:")},
    "a stage before all others": {"stages": f"{WARD}\n{NOT_REACHED.strip()}", "start": "first"},
    "an event that does not come up": {
        "stages": STAGES.replace("    end: {after: {exp", "    x: {chance: 0, after: {exponential: {mean: 1 days}}, to: dead}\n    end: {after: {exp"),
    },
    "an event beyond the horizon, before all others": {
        "stages": STAGES.replace("    back:", "    x: {after: {uniform: [3000 days, 4000 days]}, to: dead}\n    back:"),
    },
    "an event whose condition never holds": {
        "stages": STAGES.replace("    back:", "    x: {when: {grade: 7}, every: {fixed: 1 days}, to: stay}\n    back:"),
    },
    "a clock that is stopped at once, before all others": {
        "clocks": flow({"late": "{after: {exponential: {mean: 9 days}}, to: dead}", **CLOCKS}),
        "on_start": "[{start: late}, {stop: late}, {start: [death, visit]}]",
    },
    "an attribute at the end": {"attributes": flow({**ATTRIBUTES, "weight": "{normal: {mean: 70, sd: 9}}"})},
    "an attribute before all others": {"attributes": flow({"weight": "{normal: {mean: 70, sd: 9}}", **ATTRIBUTES})},
    "a resource without limit": {
        "stages": STAGES.replace("second:\n", "second:\n  needs: bed\n"),
        "resources": "{bed: {capacity: unlimited}}",
    },
    "a resource nobody needs": {"resources": "{bed: {capacity: unlimited}}"},
}  # fmt: skip


@pytest.mark.parametrize("what", ADDED)
def test_a_change_that_affects_no_patient(what: str, before: list[list[tuple[Any, ...]]]) -> None:
    assert stories(log_of(text(**ADDED[what]))) == before


def test_a_parameter(before: list[list[tuple[Any, ...]]]) -> None:
    """A parameter in place of its value changes nothing, with or without uncertainty."""
    named = text(STAGES.replace("mean: 90 days", "mean: $meantime"))
    parameters = "parameters: {meantime: {value: 90 days, uncertainty: {lognormal: {sigma: 0.2}}}}\n"
    assert stories(log_of(named.replace("clocks:", parameters + "clocks:", 1))) == before


def test_one_more_patient(before: list[list[tuple[Any, ...]]]) -> None:
    assert stories(log_of(text(number=301)))[:300] == before


def test_one_more_replication(before: list[list[tuple[Any, ...]]]) -> None:
    log = log_of(text(), replications=2)
    both = stories(log)
    assert both[:300] == before
    assert sum(a == b for a, b in zip(both[300:], before, strict=True)) == 0


def test_a_longer_horizon_only_adds_rows(before: list[list[tuple[Any, ...]]]) -> None:
    longer = stories(log_of(text(horizon="4000 days")))
    assert [[row for row in rows if row[0] < 2000] for rows in longer] == before
    assert longer != before


def test_an_affected_patient_differs_only_from_the_event_on(before: list[list[tuple[Any, ...]]]) -> None:
    """A death that comes up in one of ten visits: until it happens, all is as it was."""
    stages = STAGES.replace(
        "    back:", "    x: {chance: 0.1, after: {uniform: [0 days, 9 days]}, to: dead}\n    back:"
    )
    touched = 0
    for rows, old in zip(stories(log_of(text(stages))), before, strict=True):
        if any(row[1] == "second.x" for row in rows):
            touched += 1
            assert rows[:-1] == old[: len(rows) - 1]
        else:
            assert rows == old
    assert 10 < touched < 200


def test_another_seed_is_another_cohort(before: list[list[tuple[Any, ...]]]) -> None:
    other = stories(log_of(text(), seed=2))
    assert sum(a == b for a, b in zip(other, before, strict=True)) == 0


# ---------------------------------------------------------------- how the work is split


def test_neither_workers_nor_batches_change_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    pathway = compiled(text())
    expected = columns(simulate(pathway, workers=1, replications=3).log)
    for block, workers in ((1, 1), (7, 3), (299, 2), (10_000, 4)):
        monkeypatch.setattr(compiled_engine, "BLOCK", block)
        monkeypatch.setattr(simpy_replications, "TOGETHER", block)
        for engine in ("independent", "shared"):
            log = simulate(pathway, engine=engine, workers=workers, replications=3).log
            assert columns(log) == expected


def test_a_full_buffer_is_continued_in_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A patient who does not fit into the rest of a buffer is simulated again in a new one."""
    pathway = compiled(text())
    expected = columns(simulate(pathway, workers=1).log)
    roomy = compiled_engine.new_buffer
    monkeypatch.setattr(
        compiled_engine, "new_buffer", lambda *, rows, changes: roomy(rows=rows // 64, changes=changes // 64)
    )
    assert columns(simulate(pathway, workers=1).log) == expected


# ---------------------------------------------------------------- changes whose effect is known


def one_event(
    ratios: str, distribution: str = "weibull: {shape: 1.2, scale: 20 days}", modifiers: str = ""
) -> str:
    return f"""
        a:
          events:
            x: {{after: {{{distribution}, hazard_ratios: [{ratios}]{modifiers}}}, to: dead}}
        dead: {{terminal: true}}
    """


DISTRIBUTIONS = {
    "weibull": "weibull: {shape: 1.2, scale: 20 days}",
    "exponential": "exponential: {mean: 20 days}",
    "gompertz": "gompertz: {shape: -0.01 per day, rate: 0.05 per day}",
    "lognormal": "lognormal: {median: 20 days, sigma: 0.7}",
    "loglogistic": "loglogistic: {shape: 1.5, scale: 20 days}",
    "gamma": "gamma: {shape: 4, mean: 20 days}",
    "generalised_gamma": "generalised_gamma: {mu: 3, sigma: 0.9, Q: 0.5, unit: days}",
    "royston_parmar": "royston_parmar: {scale: hazard, gamma: [-4, 1.1, 0.05], knots: [0.1, 2.5, 4.2], unit: days}",
    "normal": "normal: {mean: 20 days, sd: 15 days}",
    "uniform": "uniform: [5 days, 50 days]",
    "triangular": "triangular: [5 days, 9 days, 50 days]",
    "pert": "pert: [5 days, 9 days, 50 days]",
    "piecewise_exponential": "piecewise_exponential: {0 days: 0.01 per day, 30 days: 0.1 per day}",
    "survival_table": "survival_table: {0 days: 1, 10 days: 0.6, 50 days: 0.3}",
    "mixture_cure": "mixture_cure: {cured: 0.3, of: {exponential: {mean: 20 days}}}",
    "categorical": "categorical: {7 days: 0.5, 14 days: 0.3, 21 days: rest}",
}
BESIDE = {
    "alone": "",
    "already": ", already: 3 days",
    "between": ", between: [8 days, 30 days]",
    "plus": ", plus: 2 days",
}


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_larger_hazard_ratio_delays_no_patient(distribution: str, beside: str) -> None:
    times = [
        happened(
            simulate_stages(
                one_event(f"{{value: {ratio}}}", DISTRIBUTIONS[distribution], BESIDE[beside]), number=500
            ),
            "a.x",
        )
        for ratio in (0.2, 0.6, 1, 1.01, 3)
    ]
    point = 2.0**-20
    for slower, faster in pairwise(times):
        assert np.all((faster <= slower + point) | (slower == np.inf))
    assert np.any(times[-1] < times[0])


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_hazard_ratio_of_one_changes_no_byte(distribution: str) -> None:
    """For a permanent ratio, a temporary one, one with a false condition, and one with zero steps."""
    plain = simulate_stages(
        one_event("{value: 1}", DISTRIBUTIONS[distribution]).replace(", hazard_ratios: [{value: 1}]", ""),
        number=300,
    )
    for ratio in (
        "{value: 1}",
        "{value: 1, from: 3 days, until: 9 days}",
        "{value: 1, wane: [3 days, 9 days]}",
        "{when: {days_in_stage: {above: 1}}, value: 3}",
        "{per: days_in_stage, value: 3}",
        "{value: 1}, {value: 1}",
    ):
        assert (
            differing(plain, simulate_stages(one_event(ratio, DISTRIBUTIONS[distribution]), number=300)) == []
        )


def test_a_larger_temporary_ratio_delays_no_patient() -> None:
    for limits in ("until: 9 days", "from: 5 days", "wane: [3 days, 30 days]", "wane: [0 days, 1 days]"):
        times = [
            happened(simulate_stages(one_event(f"{{value: {ratio}, {limits}}}"), number=2000), "a.x")
            for ratio in (0, 0.4, 1, 2, 9)
        ]
        for slower, faster in pairwise(times):
            assert np.all(faster <= slower + 2.0**-19)


def test_with_sufficient_capacity_nobody_waits_and_nothing_else_changes() -> None:
    """Capacity for all: apart from the grants, the same events as without the resource."""
    needing = STAGES.replace("second:\n", "second:\n  needs: bed\n")
    free = run(text(needing, resources="{bed: {capacity: unlimited}}"), engine="shared").log
    finite = run(text(needing, resources="{bed: {capacity: 300}}")).log
    granted = [[row for row in rows if row[1] == "granted"] for rows in stories(finite)]
    assert sum(map(len, granted)) > 100
    for rows, plain in zip(stories(finite), stories(free), strict=True):
        asked = [row[0] for row in rows if row[5] == 2]
        assert [row[0] for row in rows if row[1] == "granted"] == asked
        assert [row[:2] for row in rows if row[1] != "granted"] == [row[:2] for row in plain]
    assert np.array_equal(free.at_end, finite.at_end)


@pytest.mark.parametrize("factor", [2, 4])
def test_scaling_all_times_leads_to_the_same_stages(factor: int) -> None:
    """Powers of two, so that all but the rounding to the grid is exact; none here comes that near."""

    def scaled(by: float) -> str:
        return f"""
            a:
              events:
                x: {{after: {{exponential: {{rate: {0.02 / by} per day}}}}, to: {{b: 0.6, c: rest}}}}
                y: {{after: {{weibull: {{shape: 0.8, scale: {60 * by} days}}, hazard_ratios: [{{value: 1.4, until: {20 * by} days}}]}}, to: dead}}
            b: {{events: {{z: {{after: {{uniform: [{by} days, {30 * by} days]}}, to: a}}, w: {{after: {{fixed: {16 * by} days}}, to: c}}}}}}
            c: {{events: {{v: {{every: {{lognormal: {{median: {8 * by} days, sigma: 0.5}}}}, to: {{stay: 0.5, a: rest}}}}}}}}
            dead: {{terminal: true}}
        """

    base = simulate_stages(scaled(1), number=3000, horizon="512 days")
    other = simulate_stages(scaled(1 / factor), number=3000, horizon=f"{512 / factor} days")
    assert np.array_equal(base.stage_to, other.stage_to)
    assert np.array_equal(base.event, other.event)
    assert np.allclose(base.time, factor * other.time, rtol=0, atol=factor * 40 * 2.0**-20)
    for t in (16, 128, 500):
        assert np.array_equal(stage_at(base, t), stage_at(other, t / factor))


def test_the_order_of_events_matters_only_for_equal_times() -> None:
    lines = STAGES.strip().splitlines()
    first = lines.index("first:")
    swapped = [*lines]
    swapped[first + 3 : first + 6] = reversed(lines[first + 3 : first + 6])
    assert sorted(swapped) == sorted(lines)
    assert stories(log_of(text("\n".join(swapped)))) == stories(log_of(text()))


def test_a_treatment_effect_leaves_all_other_random_numbers_unchanged() -> None:
    """With a ratio on one event, every other first draw of each patient is unchanged."""
    stages = """
        a: {{events: {{relapse: {{after: {{exponential: {{mean: 30 days}}, hazard_ratios: [{{value: {ratio}}}]}}, to: b}}, end: {{after: {{weibull: {{shape: 2, scale: 60 days}}}}, to: dead}}}}}}
        b: {{events: {{end: {{after: {{lognormal: {{median: 9 days, sigma: 1}}}}, to: dead}}}}}}
        dead: {{terminal: true}}
    """
    treated, control = (simulate_stages(stages.format(ratio=ratio), number=3000) for ratio in (0.5, 1))
    both = (entered(treated, "b") < np.inf) & (entered(control, "b") < np.inf)
    assert both.sum() > 500
    stays = [happened(log, "b.end")[both] - entered(log, "b")[both] for log in (treated, control)]
    assert np.array_equal(*stays)
    neither = (entered(treated, "b") == np.inf) & (entered(control, "b") == np.inf)
    assert np.array_equal(happened(treated, "a.end")[neither], happened(control, "a.end")[neither])
    assert np.all(entered(treated, "b") >= entered(control, "b"))
