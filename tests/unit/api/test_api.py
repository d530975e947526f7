"""Python: the frames of runs, comparisons and sweeps, and everything that the command line can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sim
from sim.api import ComparisonResults
from sim.errors import InputError, RunError, ScenarioError
from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.runs.store import FILES
from tests.example_runs import QUEUE, WARD
from tests.psa_models import written

QUICK = "pathway.stages.ward.events.home.after.exponential.mean=20 days"


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    file = tmp_path / "ward.yaml"
    file.write_text(WARD)
    return file


@pytest.fixture
def both(ward: Path) -> ComparisonResults:
    return sim.compare(ward, sim.load(ward, settings=[QUICK]), at=["1 year", 730.5])


def test_every_estimate_is_a_row(ward: Path) -> None:
    found = sim.run(ward, at=["1 year"])
    frame = found.estimates
    assert tuple(frame.columns) == EstimateRow._fields
    labels = ["outcome", "arm", "group", "part", "measure", "time_days"]
    assert not frame.duplicated(labels).any()
    assert len(frame) == len(found.as_json()["estimates"])
    row = frame.query("outcome == 'survival' and group == 'male' and time_days == 365.25").iloc[0]
    other = found.results.estimates.find("survival", "survival", group="male", time_days=365.25)
    assert other is not None
    assert [row["estimate"], row["low"], row["high"], row["n"]] == [
        other.estimate, other.low, other.high, other.n,
    ]  # fmt: skip


def test_outcomes_are_the_headlines(ward: Path, both: ComparisonResults) -> None:
    found = sim.run(ward, at=["1 year"])
    frame = found.outcomes.set_index("outcome")
    assert frame.loc["survival", "estimate"] == found.results.headline("survival").estimate
    assert list(both.outcomes.query("outcome == 'survival'")["arm"]) == ["ward", "ward 2"]


def test_every_difference_of_a_comparison_is_a_row(both: ComparisonResults) -> None:
    frame = both.differences
    assert tuple(frame.columns) == DifferenceRow._fields
    assert len(frame) == len(both.results.differences)
    known = frame[(frame["standard_error"] > 0) & (frame["measure"] != "hazard_ratio")]
    assert (known["low"] < known["difference"]).all()
    assert (known["difference"] < known["high"]).all()
    assert (known["independent_high"] - known["independent_low"]).notna().all()


def test_patients_of_a_comparison_stand_beside_each_other(both: ComparisonResults) -> None:
    frame = both.patients
    assert len(frame) == 300
    wanted = {"at_start.age", "last_stage.ward", "end_days.ward 2", "diverges_days.ward 2"}
    assert wanted <= set(frame.columns)
    counts = frame["change.ward 2"].value_counts()
    changes = both.results.estimates.where(outcome="patient_changes", arm="ward 2")
    for kind in ("better", "same", "worse"):
        row = next(row for row in changes if row.part == kind)
        assert counts.get(kind, 0) in (row.estimate, round(row.estimate * 300))
    same_end = frame["end_days.ward"] == frame["end_days.ward 2"]
    assert same_end[frame["diverges_days.ward 2"].isna()].all()


def test_the_incremental_analysis_is_a_frame(tmp_path: Path) -> None:
    files = written(tmp_path)
    frame = sim.compare(*files, patients=50).economics
    reference, other = (frame[frame.analysis == "reference"].iloc[i] for i in range(2))
    assert (reference["arm"], other["arm"], other["compared_with"]) == ("base", "better", "base")
    assert other["incremental_cost"] == pytest.approx(other["cost"] - reference["cost"])


def test_without_an_outcome_that_decides_no_patient_is_better_or_worse(tmp_path: Path, ward: Path) -> None:
    counts = WARD[: WARD.index("outcomes:")] + "outcomes: {visits: {count: {event: home.clinic}}}\n"
    ward.write_text(counts)
    found = sim.compare(ward, sim.load(ward, settings=[QUICK]))
    assert "diverges_days.ward 2" in found.patients.columns
    assert not [name for name in found.patients.columns if name.startswith("change.")]


def test_events_and_patients_are_the_tables_of_a_saved_run(ward: Path) -> None:
    found = sim.run(ward, patients=20)
    assert found.events["patient"].nunique() == len(found.patients) == 20
    assert found.events["event"].iloc[0] == "start"
    assert found.resource_use.empty


def test_a_run_can_be_compared_again(ward: Path) -> None:
    seeded = sim.run(ward, seed=7, replications=2)
    found = sim.compare(seeded, ward)
    assert found.results.seed == 7
    differences = found.differences[~found.differences["measure"].str.contains("ratio|rank")]
    assert (differences["difference"].dropna() == 0.0).all()
    assert list(found.runs) == ["ward", "ward 2"]
    assert found.runs["ward"].as_json()["estimates"] == seeded.as_json()["estimates"]


def test_until_an_interval_is_narrow_enough(ward: Path) -> None:
    found = sim.run(ward, patients=100, until_precision="survival@1 years=0.03")
    assert found.precision is not None
    assert found.precision["patients"] == len(found.patients) > 100
    row = found.results.estimates.find("survival", "survival", time_days=365.25)
    assert row is not None
    assert (row.high - row.low) / 2 == found.precision["half_width"] <= 0.03
    assert sim.run(ward, patients=100).precision is None
    quick = sim.load(ward, settings=[QUICK])
    for call in (sim.run, lambda arm, **options: sim.compare(ward, arm, **options)):
        with pytest.raises(InputError, match="is loaded, its patients are fixed"):
            call(quick, until_precision="survival@1 years=0.03")
    both = sim.compare(ward, quick, replications=5, until_precision="survival@1 years=0.01")
    assert both.precision is not None
    assert both.precision["replications"] == both.results.replications >= 10


def test_a_run_is_saved_opened_exported_and_reproduced(ward: Path, tmp_path: Path) -> None:
    found = sim.run(ward, seed=3, patients=30, at="1 year")
    found.save(tmp_path / "run")
    assert sorted(item.name for item in (tmp_path / "run").iterdir()) == sorted(FILES)
    with pytest.raises(InputError, match="run: exists"):
        found.save(tmp_path / "run")
    found.save(tmp_path / "run", force=True)
    opened = sim.open_run(tmp_path / "run")
    assert opened.as_json() == found.as_json()
    assert opened.events.equals(found.events)
    assert sim.reproduce(tmp_path / "run") == []
    sim.export(tmp_path / "run", tmp_path / "a", to="csv")
    found.export(tmp_path / "b", to="csv")
    for name in ("events.csv", "patients.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    with pytest.raises(InputError, match="to: xml is none of csv"):
        sim.export(found, tmp_path / "c", to="xml")
    sim.export(found, tmp_path / "c.xes", to="xes")
    assert callable(sim.export)


def test_a_sweep_has_frames_and_files(tmp_path: Path) -> None:
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE)
    found = sim.sweep(file, over={"resources.bed.capacity": [1, 2]}, replications=2, outcomes="waits")
    assert [arm.name for arm in found.results.arms] == [
        "resources.bed.capacity=1",
        "resources.bed.capacity=2",
    ]
    assert set(found.differences["arm"]) == {"resources.bed.capacity=2"}
    assert found.failed == ()
    found.write_csv(tmp_path / "s.csv")
    found.write_json(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text()) == json.loads(json.dumps(found.as_json()))
    one_more = sim.sweep(file, one_more=True, replications=2)
    one_more.report(tmp_path / "page.html")
    assert "bed" in (tmp_path / "page.html").read_text("utf-8")
    with pytest.raises(InputError, match="a loaded scenario cannot be varied"):
        sim.sweep(sim.load(file), over="resources.bed.capacity=1,2")  # type: ignore[arg-type]


def test_a_trace_tells_one_patient_or_two_pathways(ward: Path, tmp_path: Path) -> None:
    one = sim.trace(ward, patient=7)
    assert "Patient 7" in str(one)
    two = sim.trace(ward, sim.load(ward, settings=[QUICK]), patient=7)
    assert str(two) != str(one)
    two.report(tmp_path / "page.html")
    assert "Patient 7" in (tmp_path / "page.html").read_text("utf-8")
    with pytest.raises(InputError, match="there is no patient 300; the numbers go from 0 to 299"):
        sim.trace(ward, patient=300)


def test_results_show_themselves_in_a_notebook(ward: Path, both: ComparisonResults, tmp_path: Path) -> None:
    run = sim.run(ward, patients=50)
    for shown in (run, both):
        html = shown._repr_html_()
        assert html.count("<table") >= 1
        assert "survival" in html.lower()
        shown.report(tmp_path / "page.html")
        assert (tmp_path / "page.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_scenario_is_described(ward: Path) -> None:
    assert "exponential" in sim.describe(ward)


def test_what_is_wrong_is_refused(ward: Path, tmp_path: Path) -> None:
    loaded = sim.load(ward)
    with pytest.raises(InputError, match="nothing to be compared with"):
        sim.compare(ward)
    with pytest.raises(InputError, match="the scenario is loaded"):
        sim.run(loaded, patients=5)
    with pytest.raises(
        InputError, match="ward is a loaded scenario: horizon=1 years cannot change it; give files"
    ):
        sim.compare(loaded, ward, settings=["horizon=1 years"])
    with pytest.raises(InputError, match=r"is a loaded scenario: patients.number=5 cannot change it"):
        sim.compare(ward, loaded, patients=5)
    for call in (sim.run, sim.sweep, sim.compare):
        with pytest.raises(TypeError, match="sede"):
            call(*(ward, ward)[: 2 if call is sim.compare else 1], sede=1)
    with pytest.raises(InputError, match="`soon` is not a time"):
        sim.run(ward, at=["soon"])
    with pytest.raises(ScenarioError):
        sim.run(tmp_path / "none.yaml")
    never = tmp_path / "never.yaml"
    never.write_text(WARD + "never: [{stage: home}]\n")
    with pytest.raises(RunError, match="entering home is forbidden by `never`, and happened to patient"):
        sim.run(never)
    with pytest.raises(RunError, match="entering home is forbidden"):
        sim.compare(ward, never)


@pytest.mark.parametrize("scenario", [{"format": 1}, 7, None])
def test_what_is_no_scenario_is_an_input_error(scenario):
    with pytest.raises(InputError, match="is no scenario"):
        sim.run(scenario)
