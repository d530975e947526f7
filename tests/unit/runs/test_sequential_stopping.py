"""Simulating until an interval is narrow enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sim.errors import InputError, RunError
from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.outcomes.results import Results
from sim.runs import sequential_stopping
from sim.runs.comparison import Comparison, request_source
from sim.runs.run import RuleViolation, Run, RunRequest
from sim.runs.sequential_stopping import MOST_PATIENTS, StoppingResult
from tests.example_runs import OVERLOAD, WARD

BED = WARD.replace("outcomes:", "resources: {bed: {capacity: 40}}\noutcomes:").replace(
    "      state: ill\n", "      state: ill\n      needs: bed\n"
)


@pytest.fixture
def ward(tmp_path: Path) -> RunRequest:
    file = tmp_path / "ward.yaml"
    file.write_text(WARD)
    return RunRequest(file)


CHANGE = "pathway.stages.ward.events.home.after.exponential.mean=20 days"


def run_until(text: str, request: RunRequest) -> StoppingResult[Run]:
    return sequential_stopping.run_until(text, request, request.load())


def compare_until(text: str, reference: RunRequest, arm: RunRequest) -> StoppingResult[Comparison]:
    sources = [request_source("ward", reference), request_source("quick", arm)]
    return sequential_stopping.compare_until(text, sources, at=reference.at)


def quick(request: RunRequest) -> RunRequest:
    return replace(request, settings=(*request.settings, CHANGE))


def row_of(
    results: Results, outcome: str, *, arm: str = "", time: float | None = None
) -> EstimateRow | DifferenceRow:
    """The row of an outcome for all patients; of its difference where an arm is named."""
    table = results.differences if arm else results.estimates
    facts = results.reference.outcome(outcome)
    assert facts is not None
    key = facts.description.headline
    row = table.find(outcome, key.measure, arm=arm, part=key.part, time_days=time or key.time)
    assert row is not None
    return row


def test_patients_are_added_until_the_interval_is_narrow_enough(ward):
    reached = run_until("survival@1 years=0.02", ward)
    row = row_of(reached.done.results, "survival", time=365.25)
    assert (row.high - row.low) / 2 == reached.half_width <= 0.02
    assert reached.unit == "patients"
    assert reached.done.patients == reached.size > 300
    assert reached.done.results.precision == reached.values
    assert reached.rounds == 2
    # Greenwood's without censoring is the binomial's: with p(1 - p) <= 1/4 it takes at most this many
    assert reached.size <= 1.2 * 1.96**2 / 4 / 0.02**2


def test_what_is_precise_at_once_takes_one_round(ward):
    reached = run_until("ever_home=0.2", ward)
    assert (reached.size, reached.rounds) == (300, 1)


@pytest.mark.parametrize(
    "target", ["survival@median=30 days", "survival@restricted_mean=10", "days_well=20 days"]
)
def test_times_are_as_precise_as_asked(ward, target):
    reached = run_until(target, ward)
    assert reached.half_width <= reached.target.half_width
    assert reached.size > 300


def test_a_time_that_was_not_asked_for_is_read(ward):
    reached = run_until("well@200 days=0.05", ward)
    assert row_of(reached.done.results, "well", time=200.0).has_interval


def test_the_difference_is_as_precise_in_every_arm_as_asked(ward):
    reached = compare_until("survival@1 years=0.01", ward, quick(ward))
    row = row_of(reached.done.results, "survival", arm="quick", time=365.25)
    assert (row.high - row.low) / 2 == reached.half_width <= 0.01
    assert reached.done.results.precision == {
        "asked": "survival@1 years=0.01",
        "half_width": reached.half_width,
        "patients": reached.done.results.reference.patients,
        "rounds": reached.rounds,
    }


def test_where_resources_are_shared_replications_are_added(tmp_path):
    file = tmp_path / "ward.yaml"
    file.write_text(BED)
    request = RunRequest(file, patients=100)
    reached = run_until("ever_home=0.012", request)
    assert reached.unit == "replications"
    assert reached.done.results.replications == reached.size > 10
    assert reached.done.patients == 100 * reached.size
    assert compare_until("ever_home=0.02", request, quick(request)).unit == "replications"


def test_a_cap_ends_it_as_soon_as_it_is_known(ward):
    with pytest.raises(RunError, match=f"it would take about .*, more than {MOST_PATIENTS:,}"):
        run_until("survival@1 years=0.00001", ward)


@pytest.mark.parametrize(
    ("target", "fact"),
    [
        ("survival", "is no target"),
        ("survivall=0.1", "there is no outcome survivall"),
        ("survival@soon=0.1", "`soon` is not a time"),
        ("survival@0 days=0.1", "curves are read after the start, not at 0 days"),
        ("survival=0", "a half-width is above 0"),
        ("survival=narrow", "`narrow` is not a time"),
        ("ever_home@1 years=0.1", "ever_home is not read at a time"),
    ],
)
def test_what_is_no_target_is_refused(ward, target, fact):
    with pytest.raises(InputError) as refused:
        run_until(target, ward)
    assert fact in refused.value.fact
    assert refused.value.fix


def test_where_there_is_no_interval_it_is_told(ward):
    with pytest.raises(RunError, match="there is no interval"):
        run_until("survival@9 years=0.1", ward)


def test_no_wait_in_a_queue_that_does_not_settle_is_made_precise(ward):
    """However many replications: the number goes with the horizon."""
    ward.file.write_text(OVERLOAD)
    with pytest.raises(RunError, match=r"wait=50 days: the queue for server does not settle"):
        run_until("wait=50 days", ward)
    three = replace(ward, settings=("resources.server.capacity=3",))
    with pytest.raises(RunError, match=r"wait=50 days: with ward, the queue for server does not settle"):
        compare_until("wait=50 days", ward, three)
    assert run_until("served=0.2", ward).half_width < 0.2


def test_what_is_forbidden_ends_it(ward):
    ward.file.write_text(WARD + "never: [{stage: home}]\n")
    with pytest.raises(RuleViolation):
        run_until("survival=0.01", ward)
    with pytest.raises(RuleViolation):
        compare_until("survival=0.01", ward, quick(ward))


@pytest.mark.parametrize("width", ["5 days", "0.5", "50"])
def test_a_share_has_no_half_width_of_days_nor_of_one_half(ward, width):
    with pytest.raises(InputError, match="survival is a share"):
        run_until(f"survival@1 years={width}", ward)
    assert run_until("survival@restricted_mean=50 days", ward).half_width <= 50


def test_where_no_patient_differs_there_is_nothing_to_be_precise_about(ward):
    with pytest.raises(RunError, match="there is no interval"):
        compare_until("survival@1 years=0.02", ward, ward)


def test_a_loaded_scenario_gets_no_more_patients(ward):
    loaded = replace(ward, scenario=ward.load())
    with pytest.raises(InputError, match="is loaded, its patients are fixed"):
        run_until("survival@1 years=0.02", loaded)


def test_the_scenario_is_loaded_once_more_only_where_patients_are_added(ward, monkeypatch):
    loads: list[int | None] = []
    load = RunRequest.load
    monkeypatch.setattr(RunRequest, "load", lambda self: loads.append(self.patients) or load(self))
    run_until("ever_home=0.2", ward)
    assert loads == [None]
