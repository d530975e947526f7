"""The warm-up of a series, queues that do not settle, and how waits end."""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine.run import simulate
from sim.outcomes.queues.warm_up import batches_of, growth, mser
from sim.outcomes.results import ResourceFacts, Results
from sim.pathway.tables import compile_pathway
from sim.scenario.language.model import Scenario
from tests.cohorts import read, written
from tests.example_runs import log_results
from tests.rows import OutcomeRows, limits

# ---------------------------------------------------------------- MSER-5


def by_definition(batches: np.ndarray) -> int | None:
    """The statistic of the paper, for every number of batches left out but the last five."""
    n = len(batches)
    errors = [np.sum((batches[d:] - batches[d:].mean()) ** 2) / (n - d) ** 2 for d in range(n - 5)]
    best = int(np.argmin(errors))
    return best if best <= n // 2 else None


@pytest.mark.parametrize("seed", range(10))
def test_mser_equals_its_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    observations = random.normal(size=503) + 5 * np.exp(-np.arange(503) / random.integers(5, 400)) + 1000
    assert mser(batches_of(observations)) == by_definition(batches_of(observations))


def test_a_series_with_a_jump_is_cut_at_the_jump() -> None:
    noise = np.random.default_rng(1).normal(size=1000)
    noise[:200] += 20
    assert mser(batches_of(noise)) == 40


def test_a_series_that_never_settles_has_no_warm_up() -> None:
    assert mser(batches_of(np.arange(1000.0))) is None


# ---------------------------------------------------------------- queues that grow


def test_growth_of_a_series() -> None:
    assert growth(np.arange(1000.0)) == pytest.approx(500)
    assert growth(np.full(1000, 7.0)) is None
    assert growth(1000.0 - np.arange(1000.0)) is None
    assert growth(np.zeros(1000)) is None
    assert growth(np.arange(19.0)) is None, "too few for a line"
    assert growth(100.0 + 0.01 * np.arange(1000.0)) is None, "significant, but only a twentieth of its mean"


BED = """
bedded: {state: ill, needs: bed, events: {done: {after: {exponential: {mean: 1 days}}, to: died}}}
died: {state: dead, terminal: true}
"""
ONE = "{bed: {capacity: 1}}"


def results_of(scenario: Scenario, replications: int, *, seed: int = 1) -> Results:
    result = simulate(compile_pathway(scenario), seed=seed, replications=replications, workers=1)
    return log_results(result.log, result.use, scenario, replications=replications)


def bed_of(results: Results) -> tuple[ResourceFacts, OutcomeRows]:
    """The facts and the rows of the only resource."""
    (facts,) = results.reference.resources
    return facts, OutcomeRows(results, "resources.bed")


def queue_of(rate: float, *, days: int, replications: int = 1, seed: int = 1, loss: str = "") -> Results:
    """A queue with one server and a service of 1 day in the mean."""
    stages = f"bedded: {{state: ill, needs: bed, {loss}events: {{done: {{after: {{exponential: {{mean: 1 days}}}}, to: died}}}}}}\ndied: {{state: dead, terminal: true}}"
    patients = f"{{arrive: {{poisson: {rate} per day, for: {days} days}}}}"
    text = written(stages, patients=patients, resources="{bed: {capacity: 1}}", horizon=f"{days} days")
    scenario = read(text + "outcomes: {wait: {waiting_for: bed}, again: {total: {stage: bedded}}}\n")
    return results_of(scenario, replications, seed=seed)


@pytest.mark.parametrize(("rate", "replications"), [(1.3, 1), (1.3, 5), (3.0, 1)])
def test_an_overloaded_queue_has_no_steady_state(rate: float, replications: int) -> None:
    """For three years more patients arrive than are served."""
    found = queue_of(rate, days=1096, replications=replications)
    bed, rows = bed_of(found)
    assert not bed.settles
    # arrivals less services of the last half, within five standard deviations
    assert bed.grows_by == pytest.approx((rate - 1) * 548, abs=5 * np.sqrt((rate + 1) * 548 / replications))
    served = {"in_use": 1.0, "utilisation": 1.0, "queue": (rate - 1) * 548, "mean_wait": None}
    for measure, exact in served.items():
        row = rows.row(measure)
        assert row.is_known, "a time that ends has an average"
        assert row.note == "the queue for bed does not settle: of the time simulated"
        assert exact is None or row.estimate == pytest.approx(exact, rel=0.3)
    assert rows.value("unit_days") > 1000, "a total is known all the same"
    assert bed.queue[-1] > bed.queue[25] > 100 * (rate - 1)
    steady = "the queue for bed does not settle: these waits are of no steady state"
    assert OutcomeRows(found, "wait").headline.note.endswith(steady)
    assert "does not settle" not in OutcomeRows(found, "again").headline.note
    assert any("queue for bed does not settle" in note for note in found.notes)


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
def test_overload_is_found_whenever_arrivals_end(
    patients: str, horizon: int, end: int, replications: int
) -> None:
    """Two patients arrive for each served; after the last arrival the queue falls and is empty by the horizon."""
    scenario = read(written(BED, patients=f"{{{patients}}}", resources=ONE, horizon=f"{horizon} days"))
    bed, _ = bed_of(results_of(scenario, replications))
    assert not bed.settles
    begin, until = bed.grows_over
    # a thousandth of the run is a stretch; the thousandth arrival of a Poisson process has a deviation of 16 days
    assert until == pytest.approx(end, abs=5 * 16)
    assert begin == pytest.approx(until / 2, abs=2)
    # arrivals less services of the last half, within five standard deviations
    assert bed.grows_by == pytest.approx(until / 2, abs=5 * np.sqrt(3 * until / 2 / replications))


def test_a_queue_that_falls_after_the_last_arrival_settles() -> None:
    """Three patients arrive for every four that could be served, for a third of the run."""
    text = written(
        BED, patients="{arrive: {poisson: 0.75 per day, for: 1000 days}}", resources=ONE, horizon="3000 days"
    )
    assert all(bed_of(results_of(read(text), 1, seed=seed))[0].settles for seed in range(20))


def test_the_time_after_the_last_arrival_does_not_count() -> None:
    """Two patients arrive a day for one served: grants are the service rate, which the emptying must not dilute.

    The standard error of 500 days of services is 1 / sqrt(500), 4.5%; until the horizon they would be 67%.
    """
    patients = "{arrive: {poisson: 2 per day, for: 500 days}}"
    scenario = read(written(BED, patients=patients, resources=ONE, horizon="1500 days"))
    _, rows = bed_of(results_of(scenario, 1))
    assert rows.value("grants_per_year") == pytest.approx(365.25, rel=5 / np.sqrt(500))


@pytest.mark.parametrize("horizon", [1100, 4000])
def test_the_warm_up_is_that_of_the_time_of_arrivals(horizon: int) -> None:
    """A queue that settles at once has a short warm-up, however long the calendar goes on after the arrivals."""
    patients = "{arrive: {poisson: 0.5 per day, for: 1000 days}}"
    scenario = read(written(BED, patients=patients, resources=ONE, horizon=f"{horizon} days"))
    found = results_of(scenario, 20)
    bed, _ = bed_of(found)
    assert bed.suggested_warm_up is not None
    assert bed.suggested_warm_up < 200
    assert bed.series_stretch * len(bed.series) == pytest.approx(1000, abs=2 * bed.series_stretch)
    assert not any("too short" in note for note in found.notes)


def test_no_queue_grows_where_all_patients_start_together() -> None:
    text = written(BED, patients="{number: 500}", resources=ONE, horizon="1000 days")
    assert bed_of(results_of(read(text), 1))[0].settles


@pytest.mark.parametrize("rate", [0.5, 0.8])
def test_a_queue_that_settles_is_not_reported_to_grow(rate: float) -> None:
    """With 20 seeds, none of which may be wrong: a false alarm is rare."""
    assert all(bed_of(queue_of(rate, days=3000, seed=seed))[0].settles for seed in range(20))


def test_patients_who_leave_keep_an_overloaded_queue_finite() -> None:
    loss = "while_waiting: {loss: {after: {exponential: {mean: 10 days}}, to: died}}, "
    found = queue_of(1.5, days=3000, loss=loss)
    bed, rows = bed_of(found)
    assert bed.settles
    assert "does not settle" not in OutcomeRows(found, "wait").headline.note
    # in the long run as many leave as arrive: 1.5 = served + left
    ended = {way: row.estimate for way, row in rows.parts("share_of_waits").items()}
    assert set(bed.ways) == set(ended)
    assert set(ended) == {"granted", "bedded.loss"}
    assert sum(ended.values()) == pytest.approx(1)
    assert ended["granted"] == pytest.approx(2 / 3, abs=0.03)


def test_the_waits_and_grants_of_a_resource_add_up() -> None:
    loss = "while_waiting: {loss: {after: {exponential: {mean: 3 days}}, to: died}}, "
    found = queue_of(1.2, days=700, loss=loss, replications=4)
    (bed, rows), wait = bed_of(found), OutcomeRows(found, "wait")
    assert rows.value("waits_ended") == wait.headline.n
    assert rows.value("waits_cut_off") == wait.value("left_out")
    assert rows.value("mean_wait") == pytest.approx(wait.headline.estimate)
    assert limits(rows.row("mean_wait")) == pytest.approx(limits(wait.headline))
    served = OutcomeRows(found, "again").headline.estimate
    assert rows.value("grants_per_year") == pytest.approx(served / 700 * 365.25)
    assert rows.value("unit_days") == pytest.approx(rows.value("in_use") * 700)
    assert np.mean(bed.queue) == pytest.approx(rows.value("queue"), rel=1e-5)
    assert np.mean(bed.in_use) == pytest.approx(rows.value("in_use"), rel=1e-5)
    assert bed.warm_up == 0
    assert len(bed.series) == 200
