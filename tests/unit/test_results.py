"""The frames of runs and comparisons: every number of the summary once, at its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sim
from sim.api import DIFFERENCE_COLUMNS, OUTCOME_COLUMNS, Compared
from sim.errors import InputError, RunError, ScenarioError
from tests.unit.outcomes.comparison.test_paired import SCENARIO, leaves


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    file = tmp_path / "ward.yaml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture
def both(ward: Path) -> Compared:
    quick = sim.load(ward, settings=["pathway.stages.ward.events.home.after.exponential.mean=20 days"])
    return sim.compare(ward, quick, at=["1 year", 730.5])


def test_every_number_of_a_summary_is_a_row_of_outcomes(ward: Path) -> None:
    found = sim.run(ward, at=["1 year"])
    frame = found.outcomes
    assert tuple(frame.columns) == OUTCOME_COLUMNS
    assert not frame.duplicated(["outcome", "group", "part", "measure", "time_days"]).any()
    survival = found.summary["outcomes"]["survival"]
    row = frame.query("outcome == 'survival' and group == 'male' and time_days == 365.25").iloc[0]
    cell = survival["groups"]["male"]["at"]["1 years"]
    assert [row["estimate"], row["low"], row["high"], row["n"]] == [
        cell["estimate"],
        *cell["interval"],
        cell["at_risk"],
    ]
    parts = set(frame.query("outcome == 'home'")["part"])
    assert parts == {"", "death"}
    assert set(frame.query("outcome == 'road'")["measure"]) == {"estimate", "of_first"}
    assert set(frame.query("outcome == 'sexes'")["part"]) == {"male", "female"}
    assert set(frame["outcome"]) == set(found.summary["outcomes"])


def test_every_difference_of_a_comparison_is_a_row(both: Compared) -> None:
    frame = both.differences
    assert tuple(frame.columns) == DIFFERENCE_COLUMNS
    told = list(leaves(both.summary["outcomes"]))
    # a curve's headline is one of its times, a funnel's a step, that of categories none: no rows of their own
    doubled = [path for path, leaf in told if path[-1] not in ("median", "restricted_mean", "of_first")]
    headlines = [p for p in doubled if p[:1] in (("survival",), ("home",), ("well",), ("road",), ("sexes",))]
    repeated = [p for p in headlines if not {"at", "steps", "shares", "quantiles"} & set(p)]
    assert len(frame) == len(told) - len(repeated)
    assert np.allclose(frame["value"] - frame["reference"], frame["difference"], equal_nan=True)
    known = frame[frame["standard_error"] > 0]
    assert (known["low"] < known["difference"]).all() and (known["difference"] < known["high"]).all()
    assert (known["independent_high"] - known["independent_low"]).notna().all()


def test_patients_of_a_comparison_have_both_lives(both: Compared) -> None:
    frame = both.patients
    assert len(frame) == 300
    assert {"at_start.age", "last_stage.ward", "end_days.ward 2", "parts_days.ward 2"} <= set(frame.columns)
    lives = both.summary["lives"]["ward 2"]
    counts = frame["life.ward 2"].value_counts()
    assert {name: counts[name] for name in counts.index} == {n: lives[n]["count"] for n in counts.index}
    assert frame["parts_days.ward 2"].isna().sum() == lives["unchanged"]["count"]
    same_end = frame["end_days.ward"] == frame["end_days.ward 2"]
    assert same_end[frame["parts_days.ward 2"].isna()].all()


def test_events_and_patients_are_the_tables_of_a_saved_run(ward: Path) -> None:
    found = sim.run(ward, patients=20)
    assert found.events["patient"].nunique() == len(found.patients) == 20
    assert found.events["event"].iloc[0] == "start"
    assert found.resource_use.empty


def test_a_run_can_be_compared_again(ward: Path) -> None:
    seeded = sim.run(ward, seed=7, replications=2)
    found = sim.compare(seeded, ward)
    assert found.summary["seed"] == 7
    assert (found.differences["difference"].dropna() == 0.0).all()
    assert list(found.runs) == ["ward", "ward 2"]
    assert found.runs["ward"].summary == seeded.summary


def test_until_an_interval_is_narrow_enough(ward: Path) -> None:
    found = sim.run(ward, patients=100, until_precision="survival@1 years=0.03")
    assert found.precision is not None
    assert found.precision["patients"] == len(found.patients) > 100
    low, high = found.summary["outcomes"]["survival"]["at"]["1 years"]["interval"]
    assert (high - low) / 2 == found.precision["half_width"] <= 0.03
    assert sim.run(ward, patients=100).precision is None
    quick = sim.load(ward, settings=["pathway.stages.ward.events.home.after.exponential.mean=10 days"])
    with pytest.raises(InputError, match="has been loaded, and gets no more patients"):
        sim.run(quick, until_precision="survival@1 years=0.03")
    with pytest.raises(InputError, match="has been loaded, and gets no more patients"):
        sim.compare(ward, quick, until_precision="survival@1 years=0.03")
    both = sim.compare(ward, quick, replications=5, until_precision="survival@1 years=0.01")
    assert both.summary["precision"]["replications"] == both.summary["replications"] >= 10
    assert both.runs["ward"].patients["replication"].nunique() == both.summary["replications"]


def test_what_is_wrong_is_refused(ward: Path, tmp_path: Path) -> None:
    loaded = sim.load(ward)
    with pytest.raises(InputError, match="nothing to be compared with"):
        sim.compare(ward)
    with pytest.raises(InputError, match="the scenario is loaded"):
        sim.run(loaded, patients=5)
    with pytest.raises(InputError, match="cannot be changed by horizon=1 years"):
        sim.compare(loaded, ward, settings=["horizon=1 years"])
    with pytest.raises(InputError, match="`soon` is not a time"):
        sim.run(ward, at=["soon"])
    with pytest.raises(ScenarioError):
        sim.run(tmp_path / "none.yaml")
    never = tmp_path / "never.yaml"
    never.write_text(SCENARIO + "never: [{stage: home}]\n")
    with pytest.raises(RunError, match="entering home is forbidden by `never`, and happened to patient"):
        sim.run(never)
    with pytest.raises(RunError, match="entering home is forbidden"):
        sim.compare(ward, never)
