"""The checklist STRESS-DES has every item, what the scenario says of it, and marked gaps, never an invention."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from sim.report.text.stress import stress
from sim.scenario import load
from tests.command import error_of, output_of

ROOT = Path(__file__).parents[3]
ITEMS = "1.1 1.2 1.3 2.1 2.2 2.3 2.4 2.5.1 2.5.2 2.5.3 2.5.4 2.5.5 3.1 3.2 3.3 3.4 4.1 4.2 4.3 5.1 5.2 5.3 5.4 6.1"
"""Monks et al. 2019, the checklist for discrete-event simulation."""
GAP = "To be stated by the author"


def items_of(text: str) -> dict[str, str]:
    """The text of each item by its number."""
    parts = re.split(r"^### ([\d.]+) .*$|^## .*$", text, flags=re.MULTILINE)[1:]
    return {number: part.strip() for number, part in zip(parts[::2], parts[1::2], strict=True) if number}


@pytest.mark.parametrize(
    "file", ["first_steps.yaml", "cn_academic.yaml", "centre_academic.yaml", "examples/day_ward.yaml"]
)
def test_every_item_has_a_text_and_every_name_of_the_scenario_stands_in_its_item(file: str) -> None:
    scenario = load(ROOT / "scenarios" / file)
    items = items_of(stress(scenario))
    assert list(items) == ITEMS.split()
    assert all(items.values())
    assert {stage.name for stage in scenario.stages} <= set(re.findall(r"^- (\w+)", items["2.5.2"], re.M))
    assert {one.name for one in scenario.resources} <= set(re.findall(r"^- (\w+)", items["2.5.3"], re.M))
    assert {one.name for one in scenario.outcomes} <= set(re.findall(r"^- (\w+)", items["1.2"], re.M))
    for one in scenario.parameters:
        assert f"- {one.name} = {one.text}" in items["3.3"]
        assert re.search(rf"\b{one.name}\b", items["3.1"])
        assert (f"- {one.name} = {one.text}" in items["3.4"]) == (one.status == "assumed")


def test_items_that_only_the_author_can_complete_are_gaps_and_no_others() -> None:
    items = items_of(stress(load(ROOT / "scenarios" / "first_steps.yaml")))
    gaps = {number for number, text in items.items() if GAP in text}
    assert gaps == {"1.1", "1.3", "2.3", "2.4", "3.1", "3.2", "3.3", "3.4", "4.3", "5.4", "6.1"}


def test_a_queue_has_its_order_those_who_leave_and_intervals_over_replications() -> None:
    items = items_of(output_of_stress("scenarios/examples/day_ward.yaml"))
    assert "chair: first come, first served" in items["2.5.4"]
    assert "waits for preparation, these can occur: withdrawn" in items["2.5.4"]
    assert "needed by preparation, infusion" in items["2.5.3"]
    assert "day 0: 8 prevalent patients" in items["4.1"]
    assert "over replications, because patients share resources" in items["4.3"]
    assert items["5.3"].startswith("- Process interaction (SimPy)")
    assert "table: scenarios/examples/day_ward.csv" in items["3.1"]


def test_without_a_queue_the_intervals_are_over_patients() -> None:
    items = items_of(output_of_stress("scenarios/first_steps.yaml"))
    assert items["2.5.3"] == "- none"
    assert items["2.5.4"].startswith("- none")
    assert "95% intervals over patients" in items["4.3"]
    assert items["5.3"].startswith("- Each patient alone")
    assert "2,000 patients" in items["4.3"]
    assert "horizon 10 years" in items["4.2"]


def test_a_strategy_lists_what_it_changes_and_a_warm_up_asks_for_its_reason(tmp_path: Path) -> None:
    items = items_of(stress(load(ROOT / "scenarios/strategies/academic/one_line.yaml")))
    assert GAP not in items["2.3"]
    assert "- parameters.max_car_t: " in items["2.3"]
    centre = items_of(stress(load(ROOT / "scenarios/centre_academic.yaml")))
    warm = [a for a, b in pairwise(centre["4.1"].splitlines()) if GAP in b]
    assert re.fullmatch(r"- warm-up: \d+ years?; patients who start in it are excluded from outcomes", *warm)


def test_one_view_at_a_time() -> None:
    assert "--stress: excludes --brief" in error_of(
        "describe", "scenarios/first_steps.yaml", "--brief", "--stress"
    )


def output_of_stress(file: str) -> str:
    return output_of("describe", file, "--stress")
