"""The files that commands write: none takes the place of another, a saved run is reproduced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.runs.store import FILES
from tests.unit.cli.in_process import (
    SCENARIO,
    Allpath,
    names_in,
    stops_with,
)

ROOT = Path(__file__).parents[3]


def test_a_comparison_has_a_report_too(allpath: Allpath, ward: Path) -> None:
    page, longer = ward.parent / "page.html", ward.parent / "longer.yaml"
    longer.write_text(SCENARIO.replace("mean: 20 days", "mean: 30 days"))
    ended = allpath("compare", ward, longer, "--report", page)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith(f"Written to {page}\n")
    assert "longer less ward" in page.read_text("utf-8")


def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    allpath: Allpath, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops_with(AssertionError("it has run"), monkeypatch)
    other = ward.with_name("other.txt")
    other.touch()
    ended = allpath("run", ward, "--report", other / "page.html")
    assert ended.status == 2
    assert ended.err == f"{other / 'page.html'}: {other} is no folder\n    choose another name\n"


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (["--json", "{ward}"], 2, "would replace an input"),
        (["--report", "{ward}"], 2, "would replace an input"),
        (["--json", "{folder}/one", "--report", "{folder}/one"], 2, "two outputs have this name"),
        (["--report", "-"], 2, "only --json=- is standard output"),
        (["--out", "{folder}/q", "--report", "{folder}/q"], 2, "two outputs have this name"),
        (["--out", "{folder}", "--force"], 2, "holds files that are no part of a run"),
        (["--report", "{folder}"], 2, "is a folder"),
        (["--to", "xlsx", "{ward}"], 2, "would replace an input"),
        (["--to", "csv", "{folder}/one"], 2, "--to csv: results are written as xlsx\n    write `--to xlsx {folder}/one`"),
        (["--json", "{folder}/not_there/one.json"], 2, "there is no folder {folder}/not_there"),
    ],
)  # fmt: skip
def test_no_file_takes_the_place_of_another_and_no_run_is_spent_on_what_cannot_be_written(
    options: list[str], status: int, told: str, allpath: Allpath, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops_with(AssertionError("it has run"), monkeypatch)
    names = {"ward": ward, "folder": ward.parent}
    ended = allpath("run", ward, *(option.format(**names) for option in options))
    assert (ended.status, ended.out) == (status, "")
    assert told.format(**names) in ended.err
    assert ward.read_text("utf-8") == SCENARIO
    assert names_in(ward.parent) == ["ward.yaml"]


def test_no_input_of_any_layer_is_replaced(allpath: Allpath, ward: Path) -> None:
    """The file that a scenario is based on, and a table that it reads, as little as its own file."""
    table = ward.with_name("patients.csv")
    table.write_text("grade\n1\n2\n")
    base = ward.with_name("base.yaml")
    base.write_text(SCENARIO.replace("  number: 40\n", "  from_file: patients.csv\n"))
    ward.write_text("format: 1\ntitle: Above\nbased_on: base.yaml\n")
    before = {path: path.read_text() for path in (ward, base, table)}
    assert allpath("check", ward).err == ""
    for path in before:
        for words in (["run", ward], ["compare", ward, ward], ["sweep", ward, "--over", "horizon=1 year"]):
            ended = allpath(*words, "--json", path)
            assert (ended.status, "would replace an input" in ended.err) == (2, True), (words, path)
    assert {path: path.read_text() for path in before} == before


def test_nothing_is_written_into_a_saved_run_that_is_compared(allpath: Allpath, ward: Path) -> None:
    saved = ward.parent / "saved"
    assert allpath("run", ward, "--out", saved).status == 0
    ended = allpath("compare", ward, saved, "--json", saved / "summary.json")
    assert (ended.status, names_in(saved)) == (2, sorted(FILES))
    assert allpath("reproduce", saved).status == 0


def test_a_run_is_written_and_reproduced(allpath: Allpath, ward: Path) -> None:
    out = ward.parent / "run"
    options = ("--seed", 3, "--replications", 2, "--at", "100 days", "--patients", 9)
    ended = allpath("run", ward, "--out", out, "--json", ward.parent / "s.json", *options)
    assert ended.out.endswith(f"Written to {out}\n")
    assert names_in(out) == sorted(FILES)
    assert (ward.parent / "s.json").read_text() == (out / "summary.json").read_text()
    ward.write_text("the file that it came from has changed")
    again = allpath("reproduce", out)
    assert (again.status, again.err) == (0, "")
    assert again.out.startswith(f"{out}: identical (18 patients, ")


def test_the_record_says_how_a_run_was_made(allpath: Allpath, ward: Path) -> None:
    out = ward.parent / "run"
    allpath("run", ward, "--out", out, "--set", "horizon=1 year")
    record = json.loads((out / "provenance.json").read_text())
    assert record["command"] == ["allpath", "run", str(ward), "--out", str(out), "--set", "horizon=1 year"]
    assert set(record["versions"]) == {
        "allpath", "python", "numpy", "numba", "simpy", "scipy", "pandas", "pyarrow",
    }  # fmt: skip
    assert set(record["seconds"]) == {"load", "engine", "outcomes", "write", "total"}
    assert sum(record["seconds"].values()) <= 2 * record["seconds"]["total"] + 0.001
    assert record["peak_mib"] > 10
    assert record["changes"][0]["path"] == "horizon"
    assert record["changes"][0]["old"] == "2 years"
    assert record["digest"] == json.loads((out / "summary.json").read_text())["run"]["arms"][0]["digest"]


def test_a_run_that_was_changed_is_not_the_same(allpath: Allpath, ward: Path) -> None:
    out = ward.parent / "run"
    allpath("run", ward, "--out", out)
    record = json.loads((out / "provenance.json").read_text())
    (out / "provenance.json").write_text(json.dumps(record | {"seed": 2}))
    again = allpath("reproduce", out)
    assert (again.status, again.out) == (1, "")
    assert again.err.startswith(f"{out}: not the same\n    events.parquet: ")
    assert "summary: run.seed: was 1, is 2" in again.err


def test_an_existing_folder_is_kept(allpath: Allpath, ward: Path) -> None:
    out = ward.parent / "run"
    allpath("run", ward, "--out", out)
    before = (out / "summary.json").read_text()
    ended = allpath("run", ward, "--seed", 2, "--out", out)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == f"{out}: exists\n    choose another name, or replace this run with --force\n"
    assert (out / "summary.json").read_text() == before
    assert allpath("run", ward, "--seed", 2, "--out", out, "--force").status == 0
    assert json.loads((out / "summary.json").read_text())["run"]["seed"] == 2


@pytest.mark.parametrize(
    "scenario", ["first_steps.yaml", "populations/cns_combined.yaml", "uk_us_commercial.yaml"]
)
def test_shipped_scenarios_run(scenario: str, allpath: Allpath) -> None:
    ended = allpath("run", ROOT / "scenarios" / scenario, "--patients", 50)
    assert (ended.status, ended.err) == (0, "")
