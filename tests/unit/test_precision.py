"""Simulating until an interval is narrow enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import InputError, RunError
from sim.runs.comparison import Comparison, Source
from sim.runs.request import RunRequest
from sim.runs.sequential_stopping import MOST_PATIENTS, compare_until, run_until
from sim.runs.simulation import BrokenRun, Simulation
from tests.simulated import OVERLOAD
from tests.unit.outcomes.comparison.test_paired import SCENARIO

QUIET = {"step": lambda name: None, "share": lambda share: None}
BED = SCENARIO.replace("outcomes:", "resources: {bed: {capacity: 40}}\noutcomes:").replace(
    "      state: ill\n", "      state: ill\n      needs: bed\n"
)


@pytest.fixture
def ward(tmp_path: Path) -> RunRequest:
    file = tmp_path / "ward.yaml"
    file.write_text(SCENARIO)
    return RunRequest(file)


def arms(of: RunRequest) -> list[Source]:
    change = "pathway.stages.ward.events.home.after.exponential.mean=20 days"
    return [
        Source("ward", of),
        Source(
            "quick", RunRequest(of.file, (*of.settings, change), seed=of.seed, replications=of.replications)
        ),
    ]


def test_patients_are_added_until_the_interval_is_narrow_enough(ward):
    reached = run_until("survival@1 years=0.02", ward, **QUIET)
    assert isinstance(reached.done, Simulation)
    low, high = reached.done.summary["outcomes"]["survival"]["at"]["1 years"]["interval"]
    assert (high - low) / 2 == reached.half_width <= 0.02
    assert reached.of == "patients"
    assert reached.done.summary["patients"] == reached.size > 300
    assert reached.rounds == 2
    # Greenwood's without censoring is the binomial's: with p(1 - p) <= 1/4 it takes at most this many
    assert reached.size <= 1.2 * 1.96**2 / 4 / 0.02**2


def test_what_is_precise_at_once_takes_one_round(ward):
    reached = run_until("ever_home=0.2", ward, **QUIET)
    assert (reached.size, reached.rounds) == (300, 1)


@pytest.mark.parametrize(
    "target", ["survival@median=30 days", "survival@restricted_mean=10", "days_well=20 days"]
)
def test_times_are_as_precise_as_asked(ward, target):
    reached = run_until(target, ward, **QUIET)
    assert reached.half_width <= reached.target.half_width
    assert reached.size > 300


def test_a_time_that_was_not_asked_for_is_read(ward):
    reached = run_until("well@200 days=0.05", ward, **QUIET)
    assert isinstance(reached.done, Simulation)
    assert "200 days" in reached.done.summary["outcomes"]["well"]["at"]


def test_the_difference_is_as_precise_in_every_arm_as_asked(ward):
    reached = compare_until("survival@1 years=0.01", arms(ward), ward, **QUIET)
    assert isinstance(reached.done, Comparison)
    told = reached.done.table
    low, high = told["outcomes"]["survival"]["differences"]["quick"]["at"]["1 years"]["interval"]
    assert (high - low) / 2 == reached.half_width <= 0.01
    assert told["precision"] == {
        "asked": "survival@1 years=0.01",
        "half_width": reached.half_width,
        "patients": told["patients"],
        "rounds": reached.rounds,
    }


def test_where_resources_are_shared_replications_are_added(tmp_path):
    file = tmp_path / "ward.yaml"
    file.write_text(BED)
    reached = run_until("ever_home=0.012", RunRequest(file, ("patients.number=100",)), **QUIET)
    assert isinstance(reached.done, Simulation)
    assert reached.of == "replications"
    assert reached.done.summary["replications"] == reached.size > 10
    assert reached.done.summary["patients"] == 100 * reached.size
    compared = compare_until(
        "ever_home=0.02", arms(RunRequest(file, ("patients.number=100",))), RunRequest(file), **QUIET
    )
    assert compared.of == "replications"


def test_a_cap_ends_it_as_soon_as_it_is_known(ward):
    with pytest.raises(RunError, match=f"it would take about .*, more than {MOST_PATIENTS:,}"):
        run_until("survival@1 years=0.00001", ward, **QUIET)


@pytest.mark.parametrize(
    ("target", "fact"),
    [
        ("survival", "is no target"),
        ("survivall=0.1", "there is no outcome survivall"),
        ("survival@soon=0.1", "`soon` is not a time"),
        ("survival=0", "a half-width is above 0"),
        ("survival=narrow", "`narrow` is not a time"),
        ("ever_home@1 years=0.1", "ever_home is not read at a time"),
    ],
)
def test_what_is_no_target_is_refused(ward, target, fact):
    with pytest.raises(InputError) as refused:
        run_until(target, ward, **QUIET)
    assert fact in refused.value.fact
    assert refused.value.fix


def test_where_there_is_no_interval_it_is_told(ward):
    with pytest.raises(RunError, match="there is no interval"):
        run_until("survival@9 years=0.1", ward, **QUIET)


def test_no_wait_in_a_queue_that_does_not_settle_is_made_precise(ward):
    """However many replications: the number goes with the horizon."""
    ward.file.write_text(OVERLOAD)
    with pytest.raises(RunError, match=r"wait=50 days: the queue for server does not settle"):
        run_until("wait=50 days", ward, **QUIET)
    three = Source("three", RunRequest(ward.file, ("resources.server.capacity=3",)))
    with pytest.raises(RunError, match=r"wait=50 days: with ward, the queue for server does not settle"):
        compare_until("wait=50 days", [Source("ward", ward), three], ward, **QUIET)
    assert run_until("served=0.2", ward, **QUIET).half_width < 0.2


def test_what_is_forbidden_ends_it(ward):
    ward.file.write_text(SCENARIO + "never: [{stage: home}]\n")
    assert isinstance(run_until("survival=0.01", ward, **QUIET).done, BrokenRun)
    assert isinstance(compare_until("survival=0.01", arms(ward), ward, **QUIET).done, BrokenRun)


@pytest.mark.parametrize("width", ["5 days", "0.5", "50"])
def test_a_share_has_no_half_width_of_days_nor_of_one_half(ward, width):
    with pytest.raises(InputError, match="survival is a share"):
        run_until(f"survival@1 years={width}", ward, **QUIET)
    assert run_until("survival@restricted_mean=50 days", ward, **QUIET).half_width <= 50


def test_where_nobody_tells_the_arms_apart_there_is_nothing_to_be_precise_about(ward):
    same = [Source("ward", ward), Source("again", ward)]
    with pytest.raises(RunError, match="no patient tells the arms apart in this: fewer than 3 in 300 do"):
        compare_until("survival@1 years=0.02", same, ward, **QUIET)
