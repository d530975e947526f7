"""The outline of a scenario fits few pages, and its phases show every stage once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.errors import InputError
from sim.pathway.diagram import mermaid
from sim.report.text.outline import outline
from sim.scenario import load
from tests.command import error_of, output_of

ROOT = Path(__file__).parents[3]
SETTING = ROOT / "scenarios" / "cn_academic.yaml"
LINES, PAGES = 66, 4
"""Of a printed page of 80 columns, and how many pages a clinician reads."""


def phases() -> list[list[str]]:
    """The phases of the clinical pathway, as the page of scenarios lists them."""
    page = (ROOT / "docs" / "scenarios.md").read_text("utf-8").partition("| phase | stages |")[2]
    found: list[list[str]] = []
    for line in page.splitlines()[2:]:
        if not line.startswith("|"):
            break
        found.append(line.split("`")[1].split(","))
    return found


@pytest.mark.parametrize("file", ["cn_academic.yaml", "uk_us_commercial.yaml", "centre_academic.yaml"])
def test_the_outline_of_a_clinical_setting_has_at_most_four_pages(file: str) -> None:
    lines = output_of("describe", f"scenarios/{file}", "--brief").splitlines()
    assert 60 < len(lines) <= LINES * PAGES
    assert max(map(len, lines)) <= 80


def test_the_outline_names_every_stage_that_takes_part() -> None:
    scenario = load(SETTING)
    (pathway,) = (section for section in outline(scenario) if section.heading == "Pathway")
    starts = {re.match(r"\w+", line.text)[0] for line in pathway.lines}  # type: ignore[index]
    assert {stage.name for stage in scenario.stages if not stage.terminal} <= starts


def test_the_phases_draw_every_stage_once_on_a_page_each() -> None:
    drawn = [name for phase in phases() for name in phase]
    assert sorted(drawn) == sorted(stage.name for stage in load(SETTING).stages if not stage.terminal)
    scenario = load(ROOT / "scenarios" / "uk_us_commercial.yaml")
    for phase in phases():
        text = mermaid(scenario, only=phase)
        boxes = re.findall(r"^    s\d+(?:\[|\{\{|\(\[)", text, flags=re.MULTILINE)
        assert len(phase) - 1 <= len(boxes) <= 12  # nobody gives cells in this setting


def test_a_way_out_of_a_phase_is_a_line_where_it_begins() -> None:
    text = mermaid(load(SETTING), only=["relapse", "after_relapse"])
    assert "car_t_planned, to CAR-T eligibility" in text
    assert "start" not in text.partition("flowchart")[2]


def test_a_stage_that_is_not_there_cannot_be_drawn() -> None:
    with pytest.raises(InputError, match="there is no stage `relapsed`"):
        mermaid(load(SETTING), only=["relapsed"])
    assert "add --diagram mermaid" in error_of("describe", str(SETTING), "--stages", "relapse")
