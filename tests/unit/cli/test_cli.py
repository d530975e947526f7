"""The command line: what each verb prints, refuses, writes and ends with."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from rich.console import Console

import sim.cli.output
import sim.runs.run
from sim.cli.main import main, run_command
from sim.engine.run import simulate_in_batches
from sim.errors import RunError
from sim.runs.store import FILES

ROOT = Path(__file__).parents[3]
SCENARIO = """\
format: 1
title: A ward
horizon: 2 years
states: {alive: {label: alive}, dead: {label: dead}}
patients:
  number: 40
  attributes: {grade: 1}
pathway:
  start: ward
  stages:
    ward:
      state: alive
      events:
        home: {after: {exponential: {mean: 20 days}}, do: [{set: {grade: 3}}], to: home}
        death: {after: {exponential: {mean: 90 days}}, to: dead}
    home: {state: alive, events: {death: {after: {exponential: {mean: 1 year}}, to: dead}}}
    dead: {state: dead, terminal: true}
outcomes:
  overall_survival: {from: start, until: {state: dead}}
"""


@dataclass
class Ended:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


Allpath = Callable[..., Ended]


@pytest.fixture
def allpath(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Allpath:
    """The command, run in this process."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["allpath", *map(str, arguments)])
        capfd.readouterr()
        status = run_command()
        sys.stdout.flush()
        printed = capfd.readouterr()
        return Ended(status, printed.out, printed.err)

    return run


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    file = tmp_path / "ward.yaml"
    file.write_text(SCENARIO)
    return file


def stops_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: Any, **kwargs: Any) -> None:
        raise error

    instead_of_simulating(stop, monkeypatch)


def instead_of_simulating(act: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.runs.run, "simulate_in_batches", act)


def names_in(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


# ---------------------------------------------------------------- run


def test_run_prints_the_outcomes(allpath: Allpath, ward: Path) -> None:
    ended = allpath("run", ward)
    assert ended.status == 0
    assert ended.out.startswith("A ward\n40 patients, seed 1")
    assert re.search(r"Overall survival at 1 year +\d+\.\d%", ended.out)
    assert names_in(ward.parent) == ["ward.yaml"]


def test_run_prints_nothing_on_stderr_where_it_is_no_terminal(allpath: Allpath, ward: Path) -> None:
    allpath("run", ward)
    assert allpath("run", ward).err == ""


def test_options_reach_the_run(allpath: Allpath, ward: Path) -> None:
    options = ("--seed", 7, "--replications", 3, "--engine", "shared", "--at", "6 months", "--patients", 11)
    results = json.loads(allpath("run", ward, *options, "--json", "-").out)
    assert list(results) == ["run", "estimates", "differences", "incremental", "notes"]
    assert (results["run"]["seed"], results["run"]["replications"]) == (7, 3)
    assert results["run"]["arms"][0]["patients"] == 33
    times = {row["time_days"] for row in results["estimates"] if row["measure"] == "survival"}
    assert times == {182.625}
    longer = allpath("run", ward, "--set", "horizon=1 year", "--set", "patients.number=5", "--json", "-")
    (arm,) = json.loads(longer.out)["run"]["arms"]
    assert (arm["horizon_days"], arm["patients"]) == (365.25, 5)


def test_a_report_is_one_file_and_the_tables_are_printed_too(allpath: Allpath, ward: Path) -> None:
    page = ward.parent / "page.html"
    ended = allpath("run", ward, "--report", page, "--seed", 5)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.endswith(f"Written to {page}\n")
    assert ended.out.startswith("A ward\n40 patients, seed 5")
    assert names_in(ward.parent) == ["page.html", "ward.yaml"]
    text = page.read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert f"allpath run {ward} --report {page} --seed 5" in text


NOTHING = """\
format: 1
title: Nothing happens
horizon: 30 days
states: {well: {}, dead: {}}
patients: {number: 20, attributes: {grade: 1}}
pathway:
  start: home
  stages:
    home: {state: well, events: {falls_ill: {after: {fixed: 90 days}, to: care}}}
    care: {state: well, needs: nurse, events: {death: {after: {fixed: 90 days}, to: gone}}}
    gone: {state: dead, terminal: true}
resources: {nurse: {capacity: unlimited, open: {monday: [8 hours, 16 hours]}}}
outcomes:
  survival: {from: start, until: {state: dead}}
  grade: {attribute: grade}
  wait: {waiting_for: nurse}
"""


def test_a_report_has_no_picture_of_what_did_not_happen(allpath: Allpath, ward: Path) -> None:
    """No stay that ended, no wait, no grade but one; the nurses have no capacity to draw."""
    ward.write_text(NOTHING)
    page = ward.parent / "page.html"
    ended = allpath("run", ward, "--report", page)
    assert (ended.status, ended.err) == (0, "")
    assert re.search(r"Survival at 30 days +100\.0% +20\n", ended.out)
    text = page.read_text("utf-8")
    captions = " ".join(re.findall(r"<figcaption[^>]*>(.*?)</figcaption>", text, re.DOTALL))
    assert "survival: probability of not reaching dead" in captions
    for caption in ("Time in each stage", "share of patients with each value", "waits for nurse"):
        assert caption not in captions
    ward.write_text(SCENARIO)
    allpath("run", ward, "--replications", 3, "--report", page)
    assert "3 replications, 120 simulated patients in all" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("{categorical: {1: 0.2, 2: 0.2, 3: 0.2, 4: 0.2, 5: rest}}", "overall_survival by grade\n"),
        (
            f"{{one_of: [{', '.join(f'c{i}' for i in range(51))}], start: c3}}",
            "grade has more than 50 different values",
        ),
    ],
)
def test_many_groups_are_in_the_full_tables_alone(
    values: str, told: str, allpath: Allpath, ward: Path
) -> None:
    """Five are too many for the first table, 51 for any."""
    by = SCENARIO.replace("grade: 1", f"grade: {values}").replace(", do: [{set: {grade: 3}}]", "")
    ward.write_text(by.replace("{state: dead}}", "{state: dead}, by: grade}"))
    assert "all patients" not in allpath("run", ward).out
    assert not re.search(r"grade(:| is) ", allpath("compare", ward, ward).out)
    full = allpath("run", ward, "--full").out
    assert told in full
    assert ("overall_survival by grade" in full) == told.startswith("overall")


def test_a_report_beside_json_on_stdout(allpath: Allpath, ward: Path) -> None:
    page = ward.parent / "page.html"
    ended = allpath("run", ward, "--report", page, "--json", "-")
    assert json.loads(ended.out)["run"]["seed"] == 1
    assert page.exists()


def test_a_run_and_a_comparison_until_precision_say_what_it_took(allpath: Allpath, ward: Path) -> None:
    longer = ward.parent / "longer.yaml"
    longer.write_text(SCENARIO.replace("mean: 20 days", "mean: 30 days"))
    for words in (("run", ward), ("compare", ward, longer)):
        ended = allpath(*words, "--until-precision", "overall_survival@1 year=0.2")
        assert (ended.status, ended.err) == (0, "")
        *_, last = ended.out.splitlines()
        assert re.fullmatch(
            r"overall_survival@1 year=0\.2: took 40 patients in one round, half-width 0\.[01]\d+", last
        )


def test_without_outcomes_the_patients_are_simulated_and_a_sentence_says_so(
    allpath: Allpath, ward: Path
) -> None:
    bare, other = ward.parent / "bare.yaml", ward.parent / "other.yaml"
    bare.write_text(SCENARIO[: SCENARIO.index("outcomes:")])
    other.write_text(SCENARIO.replace("overall_survival:", "other:"))
    page = ward.parent / "page.html"
    assert "\nThe scenario has no outcomes.\n" in allpath("run", bare, "--report", page).out
    assert "The scenario has no outcomes." in page.read_text("utf-8")
    told = allpath("compare", ward, other).out
    assert "\nThe arms have no outcome in common.\n" in told
    assert "Note: outcomes not compared, only other has: other" in told
    assert allpath("compare", ward, other, "--report", page).status == 0


def test_an_outcome_of_another_kind_is_no_row_of_the_comparison(allpath: Allpath, ward: Path) -> None:
    other = ward.parent / "other.yaml"
    days = "  days: {time_in: {state: alive}}\n"
    ward.write_text(SCENARIO + days)
    other.write_text(SCENARIO.replace("{from: start, until: {state: dead}}", "{ever: {stage: home}}") + days)
    page = ward.parent / "page.html"
    told = allpath("compare", ward, other, "--full", "--report", page).out
    assert "other defines differently from ward: overall_survival" in " ".join(told.split())
    overview = page.read_text("utf-8").partition("All outcomes</")[2].partition("</table>")[0]
    assert "days" in overview
    assert "overall survival" not in overview.lower()


def test_a_run_and_a_comparison_have_a_workbook(allpath: Allpath, ward: Path) -> None:
    pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
    book = ward.parent / "book.xlsx"
    for words in (("run", ward), ("compare", ward, ward)):
        ended = allpath(*words, "--to", "xlsx", book)
        assert (ended.status, ended.err) == (0, "")
        assert ended.out.endswith(f"Written to {book}\n")
        assert book.read_bytes()[:2] == b"PK"
        book.unlink()


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


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--engine", "indepndent"], "--engine: indepndent is none of auto, independent, shared\n    did you mean `independent`?\n"),
        (["--at", "6"], "--at: "),
        (["--at", "0 days"], "--at: curves are read after the start"),
        (["--seed", "-1"], "--seed: must be a whole number from"),
        (["--patients", "0"], "--patients: must be a whole number from"),
        (["--replications", "0"], "--replications: must be a whole number from"),
        (["--workers", "0"], "--workers: must be a whole number from"),
        (["--seed", str(2**70)], "--seed: must be a whole number from 0 to 9,223,372,036,854,775,807, not 1180"),
        (["--until-precision", "overall_survival@0 days=0.1"], "--until-precision: curves are read after the start"),
        (["--set", "horizn=1 year"], "horizn"),
        (["--set", "nothing"], "nothing"),
        (["--bogus"], "--bogus"),
    ],
)  # fmt: skip
def test_wrong_options_end_with_two(options: list[str], told: str, allpath: Allpath, ward: Path) -> None:
    ended = allpath("run", ward, *options, "--out", ward.parent / "run")
    assert (ended.status, ended.out) == (2, "")
    assert told in ended.err
    assert "Traceback" not in ended.err
    assert "│" not in ended.err
    assert names_in(ward.parent) == ["ward.yaml"]


@pytest.mark.parametrize("verb", ["run", "check", "describe"])
def test_a_wrong_scenario_ends_with_two(verb: str, allpath: Allpath, ward: Path) -> None:
    ward.write_text(SCENARIO.replace("to: dead", "to: ded", 1).replace("mean: 20 days", "mean: 20"))
    ended = allpath(verb, ward)
    assert (ended.status, ended.out) == (2, "")
    assert f"{ward}:14:" in ended.err
    assert f"{ward}:15:" in ended.err
    assert "`dead`" in ended.err
    missing = allpath(verb, ward.parent / "none.yaml")
    assert missing.status == 2
    assert "none.yaml: there is no such file" in missing.err


def test_what_there_is_not_ends_with_two(allpath: Allpath) -> None:
    assert allpath("rnu").status == 2
    assert "run" in allpath("rnu").err
    assert allpath().status == 2
    assert allpath("run").err == "Missing argument 'SCENARIO'.\n    `allpath run --help` shows the options\n"


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "not enough memory\n    simulate fewer"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "{run}: no space left on device; nothing was written",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "there"),
            "there: permission denied; nothing was written",
        ),
        (RunError("a life cannot go on"), "a life cannot go on"),
    ],
)
def test_a_failure_ends_with_one(
    error: BaseException, told: str, allpath: Allpath, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops_with(error, monkeypatch)
    ended = allpath("run", ward, "--out", ward.parent / "run")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(told.format(run=ward.parent / "run"))
    assert "Traceback" not in ended.err
    assert names_in(ward.parent) == ["ward.yaml"]


def test_an_internal_mistake_is_not_hidden(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stops_with(ZeroDivisionError(), monkeypatch)
    monkeypatch.setattr(sys, "argv", ["allpath", "run", str(ward)])
    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize("options", [[], ["--json", "-"]])
def test_nobody_reads_on(options: list[str], ward: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "sim.cli.main", "run", str(ward), *options],
        cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_output_that_cannot_be_written_ends_with_one(ward: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sim.cli.main", "check", str(ward)],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "no space left on device\n")


# ---------------------------------------------------------------- other verbs


def test_a_run_prints_the_cost_of_a_scenario_with_prices(allpath: Allpath, ward: Path) -> None:
    assert "mean cost" not in allpath("run", ward, "--full").out
    economics = "economics: {currency: EUR, discount: {cost: 0, qaly: 0}, convention: annual}\n"
    priced = SCENARIO.replace("terminal: true", "terminal: true, cost: {on_entry: 7}")
    ward.write_text(priced + economics, "utf-8")
    assert "mean cost in EUR per patient" in " ".join(allpath("run", ward, "--full").out.split())


def test_check_reads_several_and_tells_all(allpath: Allpath, ward: Path) -> None:
    wrong = ward.parent / "wrong.yaml"
    wrong.write_text(SCENARIO.replace("terminal: true", "terminl: true"))
    ended = allpath("check", wrong, ward)
    assert ended.status == 2
    assert re.fullmatch(rf"{ward}: valid \(3 stages, 1 outcome, digest [0-9a-f]{{12}}\)\n", ended.out)
    assert "unknown key `terminl`" in ended.err


def test_check_prints_a_fault_of_the_common_base_once(allpath: Allpath, ward: Path) -> None:
    variant = ward.parent / "variant.yaml"
    variant.write_text(f"format: 1\ntitle: Later\nbased_on: {ward.name}\nchanges: {{horizon: 9 years}}\n")
    ward.write_text(SCENARIO.replace("terminal: true", "terminl: true"))
    ended = allpath("check", ward, variant)
    assert ended.status == 2
    assert ended.err.count("unknown key `terminl`") == SCENARIO.count("terminal: true")


def test_the_resolved_form_resolves_to_itself(allpath: Allpath, ward: Path) -> None:
    resolved = allpath("check", "--resolved", "--set", "horizon=1 year", ward).out
    assert "horizon: 365.25 days" in resolved
    ward.write_text(resolved)
    assert allpath("check", "--resolved", ward).out == resolved
    assert allpath("check", "--resolved", ward, ward).out == f"{resolved}---\n{resolved}"


def test_describe_tells_what_the_scenario_says(allpath: Allpath, ward: Path) -> None:
    ended = allpath(
        "describe", ward, "--set", "pathway.stages.ward.events.home.after.exponential.mean=10 days"
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"A ward\n{ward}\ndigest ")
    assert "  home: after exponential, mean 10 days (mean 10 days, median 6.93 days)\n" in ended.out
    assert "mean=20" not in ended.out
    assert ".mean: 20 days -> 10 days" in ended.out


def test_describe_works_for_a_spline_with_a_knot_beyond_the_longest_time(
    allpath: Allpath, ward: Path
) -> None:
    """A knot stands in log time: exp(800) days is more than a number holds."""
    spline = "{royston_parmar: {scale: odds, gamma: [-4, 1.1], knots: [0.1, 800], unit: days}}"
    ended = allpath("describe", ward, "--set", f"pathway.stages.ward.events.home.after={spline}")
    assert (ended.status, ended.err) == (0, "")
    text = " ".join(ended.out.split())
    assert "(mean 12.6 months, median 38 days)" in text, "those of a loglogistic with shape 1.1"


def test_describe_draws_the_diagram(allpath: Allpath, ward: Path) -> None:
    drawn = allpath("describe", ward, "--diagram", "mermaid").out
    assert drawn.startswith('---\ntitle: "A ward"\nconfig: ')
    assert "\n---\nflowchart TD\n" in drawn
    assert 's0 -->|"home"| s1' in drawn
    wrong = allpath("describe", ward, "--diagram", "mermiad")
    assert (wrong.status, wrong.out) == (2, "")
    assert "did you mean `mermaid`?" in wrong.err


def test_trace_tells_the_patient_that_the_run_would_have(allpath: Allpath, ward: Path) -> None:
    out = ward.parent / "run"
    allpath("run", ward, "--seed", 5, "--replications", 2, "--out", out)
    ended = allpath("trace", ward, "--seed", 5, "--patient", 7, "--replication", 1)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("A ward\nPatient 7 of replication 1\nAt the start: grade 1\n")
    table = parquet.read_table(out / "events.parquet").to_pylist()
    rows = [row for row in table if (row["replication"], row["patient"]) == (1, 7)]
    told = re.findall(r"^ *day ([\d,.]+) ", ended.out, flags=re.MULTILINE)
    days = [float(day.replace(",", "")) for day in told]
    assert days[: len(rows)] == [round(row["time_days"], 1) for row in rows]


def test_trace_writes_a_page_of_one_life_and_not_over_what_it_reads(allpath: Allpath, ward: Path) -> None:
    page = ward.parent / "life.html"
    ended = allpath("trace", ward, "--patient", 7, "--report", page)
    assert ended.out.splitlines()[-1] == f"Written to {page}"
    assert "Patient 7: " in page.read_text()
    assert allpath("trace", ward, "--patient", 7, "--report", ward).status == 2
    assert ward.read_text() == SCENARIO


def test_trace_of_nobody_ends_with_two(allpath: Allpath, ward: Path) -> None:
    ended = allpath("trace", ward, "--patient", 40, "--report", ward.parent / "life.html")
    assert names_in(ward.parent) == ["ward.yaml"]
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "--patient: there is no patient 40; the numbers go from 0 to 39\n"


def test_what_is_forbidden_is_told_with_the_story_of_who_did_it(allpath: Allpath, ward: Path) -> None:
    ward.write_text(SCENARIO + "never: [{stage: home, when: {grade: 3}}]\n")
    out = ward.parent / "run"
    ended = allpath("run", ward, "--out", out, "--json", ward.parent / "summary.json")
    assert (ended.status, ended.out) == (1, "")
    first = ended.err.splitlines()[0]
    told = re.fullmatch(
        rf"{ward}: entering home where grade is 3 is forbidden by `never`, and happened to "
        r"patient (\d+) of replication 0; nothing was written",
        first,
    )
    assert told
    assert f"Patient {told[1]}\n" in ended.err
    assert "grade 1 -> 3" in ended.err
    assert names_in(ward.parent) == ["ward.yaml"]


def test_schema_is_json(allpath: Allpath) -> None:
    assert json.loads(allpath("schema").out)["type"] == "object"


def test_version_and_help(allpath: Allpath) -> None:
    assert allpath("--version").out.startswith("allpath ")
    told = allpath("--help")
    assert told.status == 0
    for verb in ("run", "check", "describe", "trace", "reproduce", "schema"):
        assert f"\n  {verb} " in told.out
        assert allpath(verb, "--help").status == 0


# ---------------------------------------------------------------- waiting


def shown(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, quiet: float) -> str:
    monkeypatch.setattr(sim.cli.output, "QUIET_SECONDS", quiet)
    screen = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    with sim.cli.output.progress(screen) as progress:
        progress.step("engine")
        time.sleep(0.3)
        progress.share(0.5)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_a_bar_shows_what_takes_long_and_goes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "simulating" in shown(monkeypatch, terminal=True, quiet=0.0)
    assert shown(monkeypatch, terminal=True, quiet=60.0) == ""
    assert shown(monkeypatch, terminal=False, quiet=0.0) == ""


def test_the_bar_is_told_the_share_that_is_done(
    allpath: Allpath, ward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []

    def watched(*args: Any, progress: Callable[[float], None], **kwargs: Any) -> Any:
        simulate_in_batches(*args, progress=shares.append, **kwargs)

    instead_of_simulating(watched, monkeypatch)
    allpath("run", ward)
    assert shares[-1] == 1.0


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


def quick(ward: Path) -> Path:
    other = ward.with_name("quick.yaml")
    other.write_text(
        f"format: 1\ntitle: A quick ward\nbased_on: {ward.name}\n"
        "changes: {pathway.stages.ward.events.home.after.exponential.mean: 5 days}\n"
    )
    return other


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
