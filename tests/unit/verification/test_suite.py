"""The comparison with theory: agreement, power, and the command without a scenario."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest
from scipy import stats

from sim.calibration.targets import read_targets
from sim.cli.examples import RESULTS
from sim.report.tables.suite_table import remarks, suite_tables, summary
from sim.verification import suite
from sim.verification.battery import Verdict
from sim.verification.power import detected, errors_that_agree, judged
from sim.verification.suite import Comparison, Suite, compared, compared_with_published, verify_program
from sim.verification.theory import times
from sim.verification.theory.case import Case
from tests.command import ended


def first() -> Case:
    """An exponential time with a rate of 0.3 per day."""
    return next(times.cases())


@pytest.mark.parametrize(
    ("difference", "error", "verdict"),
    [
        (0.0, 0.001, Verdict.PASS),
        (0.0034, 0.001, Verdict.PASS),
        (0.0036, 0.001, Verdict.FAIL),
        (0.0, 0.003, Verdict.NO_POWER),
        (0.5, 0.003, Verdict.FAIL),
        (0.0, nan, Verdict.NO_POWER),
        (nan, 0.001, Verdict.FAIL),
        (inf, 0.001, Verdict.FAIL),
    ],
)
def test_verdicts(difference: float, error: float, verdict: Verdict) -> None:
    """A difference of 0.01 matters: (3.5 + 1.28) x 0.002 detects it, x 0.003 does not."""
    assert judged(difference, 3.5 * error, error, 0.01) is verdict
    assert judged(-difference, 3.5 * error, error, 0.01) is verdict


def test_what_is_detected_is_found_in_nine_of_ten_runs() -> None:
    """P(N(d, 1) > 3.5) = 0.9 at d = 3.5 + 1.2816."""
    assert detected(3.5, 1.0) == pytest.approx(4.7815516)
    assert errors_that_agree(1) == 3.5
    assert stats.t(19).sf(errors_that_agree(20)) == pytest.approx(stats.norm.sf(3.5))
    assert errors_that_agree(100_000) == pytest.approx(3.5, abs=0.001)


def changed(old: str, new: str) -> Case:
    text = first().text
    assert old in text
    return replace(first(), text=text.replace(old, new))


def test_a_program_that_simulates_another_rate_fails() -> None:
    verdicts = [one.verdict for one in compared("", changed("rate: 0.3 per", "rate: 0.31 per"), workers=1)]
    assert verdicts == [Verdict.FAIL] * 4


def test_few_patients_have_no_power() -> None:
    verdicts = [one.verdict for one in compared("", changed("number: 100000", "number: 500"), workers=1)]
    assert verdicts == [Verdict.NO_POWER] * 4


Made = Callable[[], Iterator[Case]]


def with_cases(monkeypatch: pytest.MonkeyPatch, *cases: Case) -> None:
    monkeypatch.setattr(suite, "PARTS", {"times to one event": lambda: iter(cases)})
    monkeypatch.setattr("sim.cli.examples.RESULTS", Path("no folder"))


def test_the_command_ends_with_0_where_all_agree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_cases(monkeypatch, first())
    page, file = tmp_path / "page.html", tmp_path / "found.json"
    status, printed, message = ended(
        "verify", "--workers", "1", "--report", str(page), "--json", str(file), folder=tmp_path
    )
    assert (status, message) == (0, "")
    assert "exponential time: median" in printed
    assert "5 of 5 comparisons pass" in printed
    comparisons = json.loads(file.read_text())["comparisons"]
    assert [one["verdict"] for one in comparisons] == ["pass"] * 5
    assert all(one["low"] <= one["simulated"] <= one["high"] for one in comparisons)
    _, printed, _ = ended("verify", "--workers", "1", "--json", "-", folder=tmp_path)
    assert json.loads(printed)["comparisons"] == comparisons
    html = page.read_text("utf-8")
    assert "5 of 5 comparisons pass" in html
    assert "10.18637/jss.v070.i08" in html


def test_the_command_ends_with_1_where_one_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_cases(monkeypatch, changed("rate: 0.3 per", "rate: 0.31 per"))
    status, printed, message = ended("verify", "--workers", "1", folder=tmp_path)
    assert (status, message) == (1, "verify: 1 of 5 comparisons pass; 4 fail\n")
    assert "exponential time: median fails: off by" in printed


def test_what_has_no_power_is_neither_a_pass_nor_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_cases(monkeypatch, changed("number: 100000", "number: 500"))
    status, printed, message = ended("verify", "--workers", "1", folder=tmp_path)
    assert (status, message) == (0, "")
    assert "exponential time: median has no power: it detects" in printed
    assert printed.splitlines()[-1] == "1 of 5 comparisons pass; 4 have no power"


def test_published_results_are_compared_with_their_sources() -> None:
    (file,) = read_targets([RESULTS / "remaining_time.yaml"])
    found = list(compared_with_published(file, workers=1))
    assert len(found) == sum(len(target.applicable) for target in file.targets)
    assert {one.verdict for one in found} <= {Verdict.PASS, Verdict.EXPLAINED}
    assert all(one.source and one.part == "published models" for one in found)


def test_a_difference_with_a_reason_is_explained() -> None:
    one = Comparison("published models", "a", "b", 10.0, 11.0, 0.01, 0.035, 0.5, "somebody", "Yearly cycles.")
    found = Suite(1, (one,))
    assert one.verdict is Verdict.EXPLAINED
    assert not found.failed
    assert summary(found) == "0 of 1 comparisons pass; 1 differs with a reason"
    assert list(remarks(found)) == ["a: b differs: Yearly cycles."]
    assert replace(one, note="").verdict is Verdict.FAIL
    assert replace(one, simulated=10.01).verdict is Verdict.PASS


def test_without_an_error_nothing_is_said_to_be_detected() -> None:
    """The column is empty; a reference of 0 has no relative difference."""
    one = Comparison("published models", "a", "b", 10.0, 10.0, nan, 0.1, 0.5, "somebody")
    found = Suite(1, (one, replace(one, reference=0.0, simulated=0.0, error=0.01)))
    (table,) = suite_tables(found, full=True)
    at = [column.head for column in table.columns].index("detects")
    first, second = (row[at : at + 2] for row in table.rows)
    assert first == ("", "5.0%")
    assert second[1] == "0.5"


def test_any_number_of_workers_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cases(monkeypatch, first())
    published = [RESULTS / "remaining_time.yaml"]
    assert verify_program(published, workers=2) == verify_program(published, workers=1)


def test_other_random_numbers_agree_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with_cases(monkeypatch, first())
    found = verify_program(seed=7, workers=1)
    assert summary(found) == "5 of 5 comparisons pass"
    assert found.comparisons[0].simulated != next(compared("", first(), workers=1)).simulated


@pytest.mark.parametrize("option", [("--patients", "5"), ("--set", "patients.number=5"), ("--at", "1 year")])
def test_options_of_a_scenario_need_one(option: tuple[str, str], tmp_path: Path) -> None:
    status, printed, message = ended("verify", *option, folder=tmp_path)
    assert (status, printed) == (2, "")
    assert message == f"{option[0]}: is an option of a scenario\n    name the scenario file too\n"
