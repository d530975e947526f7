"""The command line: wrong input, failures, and the commands beside run, compare and sweep."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from sim.cli.main import main
from sim.errors import RunError
from tests.unit.cli.in_process import (
    SCENARIO,
    Allpath,
    names_in,
    stops_with,
)

ROOT = Path(__file__).parents[3]


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
