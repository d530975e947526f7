"""The warm-up that a series asks for, queues that never settle, and how waits end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.engine.run import simulate
from sim.outcomes.queues.warm_up import batches_of, growth, mser
from sim.outcomes.summary import summarise
from sim.pathway.tables import compile_pathway
from sim.scenario.language.model import Scenario
from tests.cohorts import read, written

# ---------------------------------------------------------------- MSER-5


def by_definition(batches: np.ndarray) -> int | None:
    """The statistic of the paper, for every number left out but the last five."""
    n = len(batches)
    errors = [np.sum((batches[d:] - batches[d:].mean()) ** 2) / (n - d) ** 2 for d in range(n - 5)]
    best = int(np.argmin(errors))
    return best if best <= n // 2 else None


@pytest.mark.parametrize("seed", range(10))
def test_mser_is_its_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    observations = random.normal(size=503) + 5 * np.exp(-np.arange(503) / random.integers(5, 400)) + 1000
    assert mser(batches_of(observations)) == by_definition(batches_of(observations))


def test_what_has_a_jump_is_cut_at_the_jump() -> None:
    noise = np.random.default_rng(1).normal(size=1000)
    noise[:200] += 20
    assert mser(batches_of(noise)) == 40


def test_what_never_settles_gives_no_warm_up() -> None:
    assert mser(batches_of(np.arange(1000.0))) is None


# ---------------------------------------------------------------- queues that grow


def test_growth() -> None:
    assert growth(np.arange(1000.0)) == pytest.approx(500)
    assert growth(np.full(1000, 7.0)) is None
    assert growth(1000.0 - np.arange(1000.0)) is None
    assert growth(np.zeros(1000)) is None
    assert growth(np.arange(19.0)) is None, "too few to lay a line through"
    assert growth(100.0 + 0.01 * np.arange(1000.0)) is None, "surely, but by a twentieth of its mean"


BED = """
bedded: {state: ill, needs: bed, events: {done: {after: {exponential: {mean: 1 days}}, to: died}}}
died: {state: dead, terminal: true}
"""
ONE = "{bed: {capacity: 1}}"


def summary_of(scenario: Scenario, replications: int, *, seed: int = 1) -> dict[str, Any]:
    result = simulate(compile_pathway(scenario), seed=seed, replications=replications, workers=1)
    return summarise(result.log, result.use, scenario, about={"replications": replications})


def queue_of(
    rate: float, *, days: int, replications: int = 1, seed: int = 1, loss: str = ""
) -> dict[str, Any]:
    stages = f"bedded: {{state: ill, needs: bed, {loss}events: {{done: {{after: {{exponential: {{mean: 1 days}}}}, to: died}}}}}}\ndied: {{state: dead, terminal: true}}"
    patients = f"{{arrive: {{poisson: {rate} per day, for: {days} days}}}}"
    text = written(stages, patients=patients, resources="{bed: {capacity: 1}}", horizon=f"{days} days")
    scenario = read(text + "outcomes: {wait: {waiting_for: bed}, again: {total: {stage: bedded}}}\n")
    return summary_of(scenario, replications, seed=seed)


@pytest.mark.parametrize(("rate", "replications"), [(1.3, 1), (1.3, 5), (3.0, 1)])
def test_overload_runs_to_the_end_and_claims_no_steady_state(rate: float, replications: int) -> None:
    """Three arrivals for every two that are served, and more, for three years."""
    found = queue_of(rate, days=1096, replications=replications)
    bed = found["resources"]["bed"]
    assert not bed["settles"]
    # arrivals less services of the last half, within five standard deviations
    assert bed["grows_by"] == pytest.approx(
        (rate - 1) * 548, abs=5 * np.sqrt((rate + 1) * 548 / replications)
    )
    for figure in ("in_use", "utilisation", "queue"):
        assert (bed[figure]["estimate"], bed[figure]["interval"]) == (None, None)
    assert bed["waits"]["days"]["estimate"] is None
    assert bed["unit_days"]["estimate"] > 1000, "what happened is told all the same"
    assert bed["over_time"]["queue"][-1] > bed["over_time"]["queue"][25] > 100 * (rate - 1)
    assert "does not settle" in found["outcomes"]["wait"]["steady_state_note"]
    assert "steady_state_note" not in found["outcomes"]["again"]
    assert any("queue for bed does not settle" in note for note in found["notes"])


DAYS = ", ".join(f"{day // 2} days" for day in range(1000))
"""Two a day."""


@pytest.mark.parametrize(
    ("patients", "horizon", "end"),
    [
        ("arrive: {poisson: 2 per day, for: 500 days}", 1500, 500),
        ("arrive: {poisson: 2 per day}, number: 1000", 1500, 500),
        ("arrive: {every: 0.5 days}, number: 1000", 1500, 500),
        (f"arrive: {{days: [{DAYS}]}}", 1500, 500),
        (f"arrive: {{days: [{DAYS}], for: 1000 days}}", 1500, 500),
        ("arrive: {poisson: 2 per day, for: 1000 days}", 400, 400),
    ],
    ids=["for a time", "a number", "a number, evenly", "on days", "on days, for a time", "to the horizon"],
)
@pytest.mark.parametrize("replications", [1, 3])
def test_overload_is_seen_wherever_arrivals_end(
    patients: str, horizon: int, end: int, replications: int
) -> None:
    """Two arrive for each who is served; after the end the queue falls, and is empty by the horizon."""
    scenario = read(written(BED, patients=f"{{{patients}}}", resources=ONE, horizon=f"{horizon} days"))
    bed = summary_of(scenario, replications)["resources"]["bed"]
    assert not bed["settles"]
    begin, until = bed["grows_over_days"]
    # a thousandth of the run is a stretch; the thousandth arrival of a Poisson process has a deviation of 16 days
    assert until == pytest.approx(end, abs=5 * 16)
    assert begin == pytest.approx(until / 2, abs=2)
    # arrivals less services of the last half, within five standard deviations
    assert bed["grows_by"] == pytest.approx(until / 2, abs=5 * np.sqrt(3 * until / 2 / replications))


def test_a_queue_that_falls_after_the_last_arrival_settles() -> None:
    """Three for every four that could be served, for a third of the run."""
    text = written(
        BED, patients="{arrive: {poisson: 0.75 per day, for: 1000 days}}", resources=ONE, horizon="3000 days"
    )
    assert all(summary_of(read(text), 1, seed=seed)["resources"]["bed"]["settles"] for seed in range(20))


def test_where_all_are_there_at_once_no_queue_grows() -> None:
    text = written(BED, patients="{number: 500}", resources=ONE, horizon="1000 days")
    assert summary_of(read(text), 1)["resources"]["bed"]["settles"]


@pytest.mark.parametrize("rate", [0.5, 0.8])
def test_a_queue_that_settles_is_not_said_to_grow(rate: float) -> None:
    """At 20 seeds, of which none is wrong: the chance of a false alarm is small."""
    assert all(queue_of(rate, days=3000, seed=seed)["resources"]["bed"]["settles"] for seed in range(20))


def test_who_leaves_keeps_an_overloaded_queue_finite() -> None:
    loss = "while_waiting: {loss: {after: {exponential: {mean: 10 days}}, to: died}}, "
    found = queue_of(1.5, days=3000, loss=loss)
    bed = found["resources"]["bed"]
    assert bed["settles"]
    assert "steady_state_note" not in found["outcomes"]["wait"]
    # in the long run what comes in goes out: 1.5 = served + left
    ended = {name: share["estimate"] for name, share in bed["waits"]["ended_by"].items()}
    assert set(ended) == {"granted", "bedded.loss"}
    assert sum(ended.values()) == pytest.approx(1)
    assert ended["granted"] == pytest.approx(2 / 3, abs=0.03)


def test_the_waits_and_grants_of_a_resource_add_up() -> None:
    loss = "while_waiting: {loss: {after: {exponential: {mean: 3 days}}, to: died}}, "
    found = queue_of(1.2, days=700, loss=loss, replications=4)
    bed, wait = found["resources"]["bed"], found["outcomes"]["wait"]
    assert bed["waits"]["n"] == wait["n"]
    assert bed["waits"]["cut_off"] == wait["left_out"]
    assert bed["waits"]["days"]["estimate"] == pytest.approx(wait["estimate"])
    assert bed["waits"]["days"]["interval"] == pytest.approx(wait["interval"])
    served = found["outcomes"]["again"]["estimate"]
    assert bed["grants_per_year"]["estimate"] == pytest.approx(served / 700 * 365.25)
    assert bed["unit_days"]["estimate"] == pytest.approx(bed["in_use"]["estimate"] * 700)
    shown = bed["over_time"]
    assert np.mean(shown["queue"]) == pytest.approx(bed["queue"]["estimate"], rel=1e-5)
    assert bed["warm_up"]["days"] == 0
    assert len(bed["warm_up"]["series"]) == 200
