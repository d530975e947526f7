"""The table model: nothing is cropped on a terminal, every text is escaped in HTML."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sim.outcomes.comparison.paired import compare
from sim.outcomes.results import Results
from sim.report.tables.model import Table, Value, numbers, print_table, texts
from sim.report.tables.notebook import html, table_html
from tests.example_runs import FIRST, arm_of, simulated


def printed(table: Table, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    print_table(table, console)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_columns_that_do_not_fit_stand_below_each_other_without_empty_rows() -> None:
    heads = [f"column_{i}_of_some_length" for i in range(5)]
    rows = (("first", *("1.0" for _ in heads)), ("last", "", "", "", "", "7.0"))
    lines = printed(Table("Wide", numbers("row", *heads), rows))
    assert max(map(len, lines)) <= 80
    assert [word for line in lines if line.startswith("row") for word in line.split()[1:]] == heads
    assert [line.split() for line in lines if line.startswith("last")] == [["last", "7.0"]]


def test_a_head_wraps_where_its_column_is_narrow() -> None:
    heads = ["fewer patients lost in a queue"] * 4
    lines = printed(Table("", numbers("", *heads), (("bed", "1", "2", "3", "4"),)))
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()).count("fewer") == 4
    assert [line.split() for line in lines if line.startswith("bed")] == [["bed", "1", "2", "3", "4"]]


def test_text_wraps_and_loses_no_word() -> None:
    words = [f"word{i}" for i in range(60)]
    lines = printed(Table("", texts("a", "b"), ((" ".join(words), " ".join(words)),)), width=50)
    assert max(map(len, lines)) <= 50
    shown = " ".join(lines)
    assert all(shown.count(f"{word} ") + shown.count(f"{word}\n") >= 1 for word in words[:-1])


def test_a_number_longer_than_the_terminal_stays_whole() -> None:
    lines = printed(Table("", numbers("", "x"), (("short", "9" * 100),)))
    assert any("9" * 100 in line for line in lines)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
def test_no_number_is_cropped_or_wrapped(width: int) -> None:
    cells = tuple(Value(f"{10**i / 7:,.4f}", f"{-(10**i) / 7:.3f} to {10**i / 7:.3f}") for i in range(6))
    head = "a long head of a column of numbers"
    lines = printed(Table("T", numbers("what", *[head] * 6), (("some words of a row", *cells),)), width)
    shown = "\n".join(lines)
    assert all(text in shown for cell in cells for text in cell)
    assert width < 40 or max(map(len, lines)) <= width


def test_html_escapes_every_text_and_keeps_indentation() -> None:
    evil = "</td><script>alert(1)</script>"
    table = Table(evil, numbers(evil, evil), ((Value(evil, evil), evil), (f"  {evil}", "")), evil, (evil,))
    text = table_html(table)
    assert "<script>" not in text
    assert text.count("&lt;script&gt;") == 10
    assert text.count("&emsp;") == 1


@pytest.fixture(scope="module")
def comparison() -> Results:
    runs = [simulated(FIRST, "patients.number=300"), simulated(FIRST, "patients.number=300", "title=<b>")]
    return compare([arm_of(run, name) for run, name in zip(runs, ("one", "<i>"), strict=True)], at=(180.0,))


def test_a_run_shows_itself_in_a_notebook() -> None:
    results = simulated(FIRST, "patients.number=300").results
    text = html(results)
    row = results.headline("overall_survival")
    assert row is not None
    assert text.startswith("<p><b>overall survival at 180 days: ")
    assert f"<td>{100 * row.estimate:.1f}%</td>" in text


def test_a_comparison_shows_itself_in_a_notebook(comparison: Results) -> None:
    text = html(comparison)
    assert f"&lt;b&gt; less {comparison.reference.label}</th>" in text
    assert "<i>" not in text
