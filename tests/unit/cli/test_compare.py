"""`allpath compare` and `allpath sweep`: what they print, refuse and write."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.unit.cli.in_process import (
    Allpath,
    quick,
)


def test_compare_opens_with_the_answer(allpath: Allpath, ward: Path, tmp_path: Path) -> None:
    other = tmp_path / "quick.yaml"
    other.write_text(
        f"format: 1\ntitle: A quick ward\nbased_on: {ward}\n"
        "changes: {pathway.stages.ward.events.home.after.exponential.mean: 5 days}\n"
    )
    ended = allpath("compare", ward, other, "--at", "1 year")
    assert ended.status == 0
    told = " ".join(ended.out.split())
    assert told.startswith(
        "A ward against A quick ward 40 patients in each, seed 1, horizon 2 years arm Overall survival at 1 year"
    )
    full = allpath("compare", ward, other, "--at", "1 year", "--full").out
    assert " ".join(full.split()).startswith("Overall survival 1 year after the start is ")
    assert max(len(line) for line in ended.out.splitlines()) <= 80


@pytest.mark.parametrize("columns", ["0", "20", "40", "80"])
def test_a_narrow_terminal_loses_no_column(
    columns: str, allpath: Allpath, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    told = allpath("run", ward, "--at", "6 months", "--full").out
    assert "│" not in told
    assert "…" not in told
    assert all(word in told for word in ("estimate", "interval", "risk"))
    assert re.search(r"^6 months +\d+\.\d%", told, re.MULTILINE)


def test_outcomes_that_are_named_are_printed_alone(allpath: Allpath, ward: Path, tmp_path: Path) -> None:
    two = tmp_path / "two.yaml"
    two.write_text(
        f"format: 1\ntitle: Two outcomes\nbased_on: {ward}\nadd: {{outcomes.gone_home: {{ever: {{stage: home}}}}}}\n"
    )
    for words in (["run", two], ["compare", two, two]):
        both = allpath(*words).out
        one = allpath(*words, "--outcome", "gone_home").out
        assert "Gone home" in one
        assert "Overall survival" in both
        assert "Overall survival" not in one
        refused = allpath(*words, "--outcome", "gone_hom")
        assert refused.status == 2
        assert "did you mean `gone_home`?" in refused.err


def test_compare_writes_its_table(allpath: Allpath, ward: Path, tmp_path: Path) -> None:
    ended = allpath("compare", ward, ward, "--json", tmp_path / "c.json")
    assert ended.status == 0
    results = json.loads((tmp_path / "c.json").read_text())
    assert [arm["name"] for arm in results["run"]["arms"]] == [ward.stem, f"{ward.stem} 2"]
    assert {row["arm"] for row in results["differences"]} == {f"{ward.stem} 2"}
    assert json.loads(allpath("compare", ward, ward, "--json", "-").out) == results


def test_compare_refuses_one_scenario_and_other_patients(
    allpath: Allpath, ward: Path, tmp_path: Path
) -> None:
    assert allpath("compare", ward).status == 2
    other = tmp_path / "other.yaml"
    other.write_text(f"format: 1\ntitle: Others\nbased_on: {ward}\nchanges: {{horizon: 3 years}}\n")
    ended = allpath("compare", ward, other)
    assert ended.status == 2
    assert "the horizon is 2 years in the first and 3 years in the second" in ended.err


def test_saved_runs_are_compared_as_their_scenarios_would_be(allpath: Allpath, ward: Path) -> None:
    other, runs = quick(ward), [ward.with_name("ward"), ward.with_name("quick")]
    for file, folder in zip((ward, other), runs, strict=True):
        assert allpath("run", file, "--seed", 4, "--replications", 3, "--out", folder).status == 0
    fresh = json.loads(allpath("compare", ward, other, "--seed", 4, "--replications", 3, "--json", "-").out)
    for arms in ((*runs,), (runs[0], other), (ward, runs[1])):
        results = json.loads(allpath("compare", *arms, "--json", "-").out)
        for table in ("estimates", "differences"):
            assert results[table] == fresh[table]
    refused = allpath("compare", runs[0], other, "--seed", 5)
    assert (refused.status, "the seed is 4 in the first and 5 in the second" in refused.err) == (2, True)
    refused = allpath("compare", runs[0], other, "--set", "horizon=1 years")
    assert (refused.status, "horizon=1 years cannot change it" in refused.err) == (2, True)


def test_a_saved_run_of_another_scenario_is_told(allpath: Allpath, ward: Path) -> None:
    folder = ward.with_name("saved")
    allpath("run", ward, "--out", folder)
    (folder / "scenario.yaml").write_text(
        (folder / "scenario.yaml").read_text().replace("90 days", "91 days")
    )
    ended = allpath("compare", folder, ward)
    assert ended.status == 1
    assert "its scenario is no longer the one that was run" in ended.err


def test_trace_of_two_scenarios_shows_where_the_trajectories_diverge(allpath: Allpath, ward: Path) -> None:
    other = quick(ward)
    results = json.loads(allpath("compare", ward, other, "--json", "-").out)
    first = results["run"]["arms"][1]["divergences"][0]
    ended = allpath("trace", ward, other, "--patient", first["patient"])
    assert ended.status == 0
    assert f"The two trajectories diverge here, in {first['differs_in']}." in ended.out
    assert allpath("trace", ward, other, ward, "--patient", 0).status == 2
    page = ward.parent / "patient.html"
    traced = allpath("trace", ward, other, "--patient", 0, "--report", page)
    assert traced.out.splitlines()[-1] == f"Written to {page}"
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert allpath("trace", ward, other, "--patient", 40).status == 2


def test_trace_takes_the_seed_of_a_saved_run(allpath: Allpath, ward: Path) -> None:
    folder = ward.with_name("saved")
    allpath("run", ward, "--seed", 9, "--out", folder)
    saved, file = (
        allpath("trace", folder, "--patient", 3),
        allpath("trace", ward, "--seed", 9, "--patient", 3),
    )
    assert saved.status == 0
    assert saved.out == file.out
    assert allpath("trace", folder, ward, "--patient", 3).status == 0


def test_sweep_prints_a_table_for_each_outcome(allpath: Allpath, ward: Path, tmp_path: Path) -> None:
    path = "pathway.stages.ward.events.home.after.exponential.mean"
    over = ("--over", f"{path}=5 days,20 days,80 days")
    ended = allpath("sweep", ward, *over, "--csv", tmp_path / "s.csv", "--json", tmp_path / "s.json")
    assert (ended.status, ended.err) == (0, "")
    assert max(len(line) for line in ended.out.splitlines()) <= 80
    assert re.search(r"^20 days +\d+\.\d%\n\(the reference\)$", ended.out, re.MULTILINE)
    results = json.loads((tmp_path / "s.json").read_text())
    assert results["run"]["arms"][0]["name"] == f"{path}=20 days"
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 1 + 3 * 4
    assert json.loads(allpath("sweep", ward, *over, "--json", "-").out) == results


def test_sweep_tells_which_unit_saves_most(allpath: Allpath, ward: Path, tmp_path: Path) -> None:
    busy = tmp_path / "busy.yaml"
    text = ward.read_text().replace("    ward:\n", "    ward:\n      needs: bed\n")
    busy.write_text(text + "resources: {bed: {capacity: 3}}\n")
    page = tmp_path / "page.html"
    ended = allpath("sweep", busy, "--one-more", "--replications", 4, "--report", page)
    assert ended.status == 0
    assert "One more bed saves most waiting days" in page.read_text()
    assert ended.out.startswith("One more bed saves most waiting days: ")
    assert max(len(line) for line in ended.out.splitlines()) <= 80


def test_sweep_refuses_what_is_no_cell(allpath: Allpath, ward: Path, tmp_path: Path) -> None:
    ended = allpath("sweep", ward, "--over", "horizn=1 year", "--csv", tmp_path / "s.csv")
    assert ended.status == 2
    assert "did you mean `horizon`?" in ended.err
    assert not (tmp_path / "s.csv").exists()
    assert allpath("sweep", ward).status == 2


def test_sweep_tells_the_cells_that_failed_and_keeps_the_others(allpath: Allpath, ward: Path) -> None:
    ward.write_text(ward.read_text() + "never: [{stage: home, when: {grade: 3}}]\n")
    path = "pathway.stages.ward.events.home.do"
    never = ("--set", f"{path}=[{{set: {{grade: 2}}}}]", "--cell", f"{path}=[{{set: {{grade: 3}}}}]")
    ended = allpath("sweep", ward, *never, "--cell", "pathway.stages.ward.events.death.chance=0.5")
    assert ended.status == 1
    assert "Overall survival" in ended.out
    assert ended.err.startswith(f"failed: {path}=")
