"""`allpath run`: what it prints and passes on, its page and workbook, the bar while it runs."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import sim.cli.output
import sim.runs.run
from sim.engine.run import simulate_in_batches
from tests.unit.cli.in_process import (
    SCENARIO,
    Allpath,
    instead_of_simulating,
    names_in,
)


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
