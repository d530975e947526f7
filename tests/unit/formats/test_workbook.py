"""The workbook: sheets, text that stays text, and formulas that give the numbers beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim import api
from sim.errors import InputError
from tests.valued import priced

openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")

STAGES = """
    well:
      state: well
      cost: {per_year: {"=1+1": 1000}}
      events: {dies: {after: {exponential: {mean: 5 years}, hazard_ratios: [{value: 1}]}, to: dead}}
    dead: {state: dead, terminal: true}
"""
ECONOMICS = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual, threshold: 30000, price_year: 2024}"


@pytest.fixture
def arms(tmp_path: Path) -> list[Path]:
    states = "{well: {utility: 0.9}, dead: {}}"
    old = tmp_path / "old.yaml"
    old.write_text(priced(STAGES, states=states, economics=ECONOMICS, number=60, horizon="20 years"))
    new = tmp_path / "new.yaml"
    ratio = "pathway.stages.well.events.dies.after.hazard_ratios: [{value: 0.5}]"
    new.write_text(f"format: 1\ntitle: New\nbased_on: old.yaml\nchanges: {{{ratio}}}\n")
    return [old, new]


def test_a_comparison_as_a_workbook(arms: list[Path], tmp_path: Path) -> None:
    found = api.compare(*arms)
    found.to_xlsx(tmp_path / "found.xlsx")
    book = openpyxl.load_workbook(tmp_path / "found.xlsx")
    assert book.sheetnames == [
        "About", "Inputs", "Outcomes", "Differences", "Costs by category", "Incremental analysis",
    ]  # fmt: skip
    sheet = book["Incremental analysis"]
    assert sheet["B1"].value == 30000
    assert sheet["F5"].value == '=IF(E5=0,"",D5/E5)'
    values = openpyxl.load_workbook(tmp_path / "found.xlsx", data_only=True)["Incremental analysis"]
    row = list(found.results.incremental)[1]
    assert values["D5"].value == pytest.approx(row.incremental_cost)
    assert values["F5"].value == pytest.approx(row.icer)
    assert values["G5"].value == pytest.approx(row.net_benefit)
    assert values["H5"].value == pytest.approx(row.net_benefit / 30000)
    about = dict(book["About"].iter_rows(values_only=True))
    old = found.results.reference.label
    assert about[f"{old}: called in the column arm"] == "old"
    assert (about[f"{old}: currency"], about[f"{old}: price year"], about[f"{old}: perspective"]) == (
        "GBP",
        2024,
        "not stated",
    )


def test_parameters_and_no_threshold(arms: list[Path], tmp_path: Path) -> None:
    """Without a threshold there is no net benefit; of the second arm only what differs is listed."""
    old, new = arms
    text = old.read_text().replace(", threshold: 30000", "").replace("{mean: 5 years}", "{mean: $mean}")
    old.write_text(text + "parameters:\n  mean: {value: 5 years, source: a paper}\n  ratio: {value: 1}\n")
    old.write_text(old.read_text().replace("[{value: 1}]", "[{value: $ratio}]"))
    new.write_text("format: 1\ntitle: New\nbased_on: old.yaml\nchanges: {parameters.ratio.value: 0.5}\n")
    found = api.compare(old, new)
    found.to_xlsx(tmp_path / "found.xlsx")
    book = openpyxl.load_workbook(tmp_path / "found.xlsx", data_only=True)
    inputs = [row[:3] for row in book["Inputs"].iter_rows(min_row=2, values_only=True)]
    names = [arm.label for arm in found.results.arms]
    assert inputs == [(names[0], "mean", "5 years"), (names[0], "ratio", "1"), (names[1], "ratio", "0.5")]
    sheet = book["Incremental analysis"]
    assert sheet["B1"].value is None
    assert sheet["F5"].value == pytest.approx(list(found.results.incremental)[1].icer)
    assert not sheet["G5"].value
    assert not sheet["H5"].value


def test_notes_of_a_run(arms: list[Path], tmp_path: Path) -> None:
    text = arms[0].read_text().replace("dead: {}}", "dead: {}, tired: {utility: 0.5}}")
    arms[0].write_text(text)
    api.run(arms[0]).to_xlsx(tmp_path / "found.xlsx")
    about = openpyxl.load_workbook(tmp_path / "found.xlsx")["About"]
    (note,) = (text for what, text in about.iter_rows(values_only=True) if what == "note")
    assert note.startswith("no stage has the state `tired`")


def test_text_of_a_scenario_is_never_a_formula(arms: list[Path], tmp_path: Path) -> None:
    found = api.run(arms[0])
    found.to_xlsx(tmp_path / "found.xlsx")
    book = openpyxl.load_workbook(tmp_path / "found.xlsx")
    cell = book["Costs by category"]["A3"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    assert "Incremental analysis" not in book.sheetnames
    assert book["Costs by category"]["B3"].value == pytest.approx(book["Costs by category"]["B2"].value)


def test_a_workbook_that_cannot_be_written(arms: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"old\.yaml is no folder"):
        api.run(arms[0]).to_xlsx(tmp_path / "old.yaml" / "found.xlsx")
