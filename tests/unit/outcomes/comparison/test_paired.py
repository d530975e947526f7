"""Results of a comparison, and what cannot be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.errors import InputError
from sim.outcomes.comparison.comparability import arm_labels
from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.runs.comparison import Comparison, request_source, run_comparison
from sim.runs.run import RunRequest, run_scenario
from tests import example_runs as runs
from tests.example_runs import FIRST, OVERLOAD, WARD, simulated
from tests.rows import OutcomeRows, limits

NAMES = ("ward", "ward 2")
STATISTICS = (
    "hazard_ratio", "log_rank_chi_squared", "log_rank_p_value",
    "paired_log_rank_chi_squared", "paired_log_rank_p_value",
)  # fmt: skip
"""The measures of two arms together that are no differences."""


def compared(folder: Path, *settings: str, text: str = WARD, **options) -> Comparison:
    """The scenario against itself with other settings."""
    file = folder / "ward.yaml"
    file.write_text(text)
    asked = RunRequest(file, **options)
    other = replace(asked, settings=(*asked.settings, *settings))
    sources = [request_source("ward", asked), request_source("ward 2", other)]
    done = run_comparison(sources, at=asked.at)
    json.dumps(done.results.as_json(), allow_nan=False)
    return done


def rows_of(done: Comparison, outcome: str) -> OutcomeRows:
    """The rows of an outcome in the arm that is compared."""
    return OutcomeRows(done.results, outcome, done.arms[1].name)


def quantiles_of(
    done: Comparison, outcome: str, level: str
) -> tuple[EstimateRow, EstimateRow, DifferenceRow]:
    """The quantile in the reference and in the arm, and its difference."""
    reference, arm = (OutcomeRows(done.results, outcome, one.name) for one in done.arms)
    measure = f"quantile_{level}"
    return reference.row(measure), arm.row(measure), arm.difference(measure)


@pytest.mark.parametrize("replications", [1, 3])
def test_an_arm_against_itself_differs_by_exactly_zero(tmp_path, replications):
    done = compared(tmp_path, replications=replications)
    found = done.results.differences
    assert set(found.present("outcome")) == {one.name for one in done.results.arm("ward").outcomes}
    known = [row for row in found if row.is_known and row.measure not in STATISTICS]
    assert len(known) > 40
    for row in known:
        assert row.difference == 0.0
        assert row.standard_error == 0.0 or np.isnan(row.standard_error)
        assert limits(row) in ((0.0, 0.0), None)
    assert rows_of(done, "survival").difference().standard_error == 0.0
    ratios = found.where(measure="hazard_ratio")
    assert ratios.present("outcome") == ("survival", "home")
    assert [(row.difference, row.low, row.high) for row in ratios] == [(1.0, 1.0, 1.0)] * len(ratios)


def test_an_arm_has_the_results_of_a_run(tmp_path):
    done = compared(tmp_path).results
    alone = run_scenario(RunRequest(tmp_path / "ward.yaml"))
    arm = done.estimates.where(arm="ward").relabelled(arm="").records()
    own = [row for row in arm if not row["measure"].startswith("quantile")]
    assert own == alone.results.estimates.records()
    assert {row["measure"] for row in arm} - {row["measure"] for row in own} == {
        "quantile_25%", "quantile_50%", "quantile_75%",
    }  # fmt: skip
    assert replace(done.reference, name="", label=done.reference.title) == alone.results.reference


def test_the_difference_of_a_share_is_that_of_its_patients(tmp_path):
    change = "pathway.stages.ward.events.home.after.exponential.mean=30 days"
    done = compared(tmp_path, change)
    one, other = (set(np.flatnonzero(ever_home(arm))) for arm in done.arms)
    found = rows_of(done, "ever_home").difference()
    gained, lost = len(other - one), len(one - other)
    assert gained > 10
    assert found.difference == pytest.approx((gained - lost) / 300)
    # the variance of the mean of +1, -1 and 0 (McNemar's, with n - 1)
    mean = (gained - lost) / 300
    assert found.standard_error**2 == pytest.approx(((gained + lost) / 300 - mean**2) / 299)
    assert found.variance_ratio > 1


def ever_home(arm) -> np.ndarray:
    rows = np.flatnonzero(arm.log.stage_to == arm.log.names.stages.index("home"))
    return np.bincount(arm.log.patient_of_row()[rows], minlength=arm.log.n_patients) > 0


def test_quantiles_are_those_of_values_counted_by_hand(tmp_path):
    done = compared(tmp_path, "pathway.stages.ward.events.home.after.exponential.mean=30 days")
    days = [days_well(arm) for arm in done.arms]
    for level, q in (("25%", 0.25), ("50%", 0.5), ("75%", 0.75)):
        sides = [float(np.quantile(d, q, method="inverted_cdf")) for d in days]
        reference, arm, difference = quantiles_of(done, "days_well", level)
        assert (reference.estimate, arm.estimate) == pytest.approx(sides)
        assert difference.difference == pytest.approx(sides[1] - sides[0])
    home = rows_of(done, "home")
    half, median = home.difference("quantile_50%"), home.difference("median")
    assert half.difference == median.difference < 0
    assert half.standard_error == median.standard_error > 0


def days_well(arm) -> np.ndarray:
    home = arm.log.names.stages.index("home")
    found = np.zeros(arm.log.n_patients)
    for i in range(arm.log.n_patients):
        rows = range(arm.log.row_of[i], arm.log.row_of[i + 1])
        moves = [(arm.log.time[r], arm.log.stage_to[r]) for r in rows if arm.log.stage_to[r] >= 0]
        ends = [*(t for t, _ in moves[1:]), arm.log.follow_up[i]]
        found[i] = sum(end - t for (t, stage), end in zip(moves, ends, strict=True) if stage == home)
    return found


def test_a_quantile_that_some_replication_does_not_reach_is_unknown(tmp_path):
    done = compared(
        tmp_path, "pathway.stages.ward.events.home.after.exponential.mean=30 days", replications=3
    )
    assert quantiles_of(done, "survival", "25%")[2].is_known
    _, arm, difference = quantiles_of(done, "survival", "75%")
    assert (arm.is_known, difference.is_known) == (False, False)


REJECTED = {
    "horizon=4 years": "the horizon is 3 years in the first and 4 years in the second",
    "patients.number=299": "they have 300 and 299 patients in the first replication",
    "patients.follow_up=1 years": "the follow-up is to the horizon in the first and 1 year in the second",
    "patients.attributes.age={uniform: [20, 61]}": "patient 0 starts with age",
    "patients.attributes.sex={categorical: {man: 0.5, female: 0.5}}": "starts with sex male in the first and man in the second",
    "outcomes.survival.from={stage: home}": "survival counts from the start in the first and entering home in the second",
    "patients.arrive={every: 1 days}": "patient 1 starts on day 0 in the first and 1 in the second",
}


@pytest.mark.parametrize("setting", REJECTED)
def test_arms_that_cannot_be_compared_raise_an_error_with_the_reason(tmp_path, setting):
    with pytest.raises(InputError) as rejected:
        compared(tmp_path, setting)
    assert REJECTED[setting] in rejected.value.fact
    assert rejected.value.fact.startswith("ward and ward 2 cannot be compared: ")
    assert rejected.value.fix


@pytest.mark.parametrize("setting", ["patients.attributes.grade=1", "patients.attributes.sex=male"])
def test_a_value_that_an_arm_fixes_is_an_intervention(tmp_path, setting):
    """The patients are the same but for it, and what follows from it: all else stays as it was drawn."""
    done = compared(tmp_path, setting)
    one, other = (arm.log for arm in done.arms)
    fixed = setting.split(".")[2].split("=")[0]
    for i, name in enumerate(one.names.attributes):
        assert np.array_equal(one.at_start[:, i], other.at_start[:, i]) == (name != fixed)


def test_other_draws_name_where_an_intervention_is_written(tmp_path):
    with pytest.raises(InputError) as rejected:
        compared(tmp_path, "patients.attributes.age={uniform: [20, 61]}")
    assert "`pathway.on_start: [{set: {age: ...}}]`" in rejected.value.fix


UNRELATED = {
    "a stage that few patients enter": (
        "      state: well\n      events:\n",
        "      state: well\n      events:\n        away: {chance: 0.05, after: {fixed: 30 days}, to: abroad}\n",
        "    dead: {state: dead, terminal: true}\n",
        "    dead: {state: dead, terminal: true}\n    abroad: {state: well, terminal: true}\n",
    ),
    "a capacity for which no patient waits": (
        "outcomes:\n",
        "resources: {theatre: {capacity: 3}}\noutcomes:\n",
    ),
    "a cost": (
        "{fixed: 90 days}, to: stay}",
        "{fixed: 90 days}, to: stay, cost: 120}",
        "horizon: 3 years\n",
        "horizon: 3 years\neconomics: {currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual}\n",
    ),
}


@pytest.mark.parametrize("change", UNRELATED)
def test_patients_whom_a_change_does_not_affect_are_identical(tmp_path, change):
    text = WARD
    for old, new in zip(UNRELATED[change][::2], UNRELATED[change][1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "ward.yaml").write_text(WARD)
    (tmp_path / "other.yaml").write_text(text)
    names = ("ward", "other")
    sources = [request_source(name, RunRequest(tmp_path / f"{name}.yaml")) for name in names]
    done = run_comparison(sources, at=(365.25,))
    one, other = (arm.log for arm in done.arms)
    affected = np.zeros(300, bool)
    if change == "a stage that few patients enter":
        rows = other.stage_to == other.names.stages.index("abroad")
        affected[other.patient_of_row()[rows]] = True
        assert 0 < affected.sum() < 60
    changes = OutcomeRows(done.results, "patient_changes", "other")
    assert changes.value("count", "unchanged") == 300 - affected.sum()
    for i in np.flatnonzero(~affected):
        first, second = (slice(log.row_of[i], log.row_of[i + 1]) for log in (one, other))
        assert one.time[first].tobytes() == other.time[second].tobytes()
    if not affected.any():
        rows = [row for row in done.results.differences if row.measure not in STATISTICS]
        assert len(rows) > 40
        assert all(row.difference == 0.0 or not row.is_known for row in rows)


def test_outcomes_that_arms_do_not_share_are_noted(tmp_path):
    done = compared(tmp_path, "outcomes.road={funnel: [start, {stage: home}]}")
    assert "road" not in done.results.differences.present("outcome")
    assert done.results.notes == ("outcomes not compared, ward 2 defines differently from ward: road",)
    reference, arm = (set(done.results.estimates.where(arm=name).present("outcome")) for name in NAMES)
    assert arm == reference | {"patient_changes"}
    assert "road" in reference


def test_where_patients_share_a_resource_one_replication_gives_no_interval(tmp_path):
    text = WARD.replace("outcomes:", "resources: {bed: {capacity: 40}}\noutcomes:").replace(
        "      state: ill\n", "      state: ill\n      needs: bed\n"
    )
    done = compared(tmp_path, "resources.bed.capacity=400", text=text)
    found = rows_of(done, "ever_home").difference()
    assert found.difference > 0
    numbers = (found.standard_error, found.low, found.high, found.independent_low, found.independent_high)
    assert np.isnan(numbers).all()
    assert found.note.startswith("patients share bed")
    several = compared(tmp_path, "resources.bed.capacity=400", text=text, replications=4)
    found = rows_of(several, "ever_home").difference()
    assert found.method == "Student, over paired replications"
    assert found.low < found.difference < found.high


def test_waits_in_a_queue_that_grows_in_one_arm_have_a_note_that_names_the_arm(tmp_path):
    for reference, who in ((1, "ward"), (3, "ward 2")):
        text = OVERLOAD.replace("capacity: 1", f"capacity: {reference}")
        done = compared(tmp_path, f"resources.server.capacity={4 - reference}", text=text, replications=2)
        waits = rows_of(done, "wait").difference()
        assert f"with {who}, the queue for server does not settle: " in waits.note
        assert "does not settle" not in rows_of(done, "served").difference().note
        (note,) = done.results.notes
        assert note.startswith(f"with {who}, the queue for server does not settle: it grows by ")


TRANSPLANT_IN_A_FIFTH = "pathway.stages.remission.events.transplant.chance=0.2"


def test_numbers_without_interval_by_nature_have_no_note():
    """The Wasserstein distance and the log-rank test are known, and have no interval to explain."""
    arms = [
        ("one", simulated(FIRST, "patients.number=400")),
        ("other", simulated(FIRST, "patients.number=400", TRANSPLANT_IN_A_FIFTH)),
    ]
    found = runs.compared(*arms).results.differences
    for measure in ("wasserstein_distance", "log_rank_p_value"):
        row = found.find("overall_survival", measure, arm="other")
        assert row is not None
        assert row.is_known
        assert row.note == ""


def test_arms_are_called_by_label_and_by_name_in_brackets_where_two_have_one(tmp_path):
    done = compared(tmp_path, "label=Ward")
    assert [arm.label for arm in done.results.arms] == ["A ward", "Ward"]
    assert done.results.label("ward") == "A ward"
    both = {arm.name: replace(arm, scenario=replace(arm.scenario, label="Ward")) for arm in done.arms}
    assert list(arm_labels(list(both.values())).values()) == [f"Ward ({name})" for name in both]
    same = [replace(arm, scenario=replace(arm.scenario, title="T", label=None)) for arm in done.arms]
    assert list(arm_labels(same).values()) == [arm.name for arm in done.arms]
