"""Strategies change what is done, never who the patients are; and waiting costs lives."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.event_log.log import EventLog
from sim.scenario import load
from tests.published.columns import Columns
from tests.published.strategy_tables import (
    SCENARIOS,
    SETTINGS,
    STRATEGIES,
    WAITS,
    of_strategies,
    run,
    waits,
)

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_strategy_treats_the_same_patients_another_way(path: Path) -> None:
    base, other = run(SCENARIOS / SETTINGS[path.parent.name], 2000), run(path, 2000)
    assert other.names.attributes == base.names.attributes
    assert np.array_equal(other.at_start, base.at_start)
    assert not np.array_equal(other.ends, base.ends)


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_strategy_keeps_the_rules_and_the_outcomes_of_its_setting(path: Path) -> None:
    base, other = load(SCENARIOS / SETTINGS[path.parent.name]), load(path)
    assert [outcome.name for outcome in other.outcomes] == [outcome.name for outcome in base.outcomes]
    assert len(other.never) == len(base.never)


NAMES = [
    "overall_survival",
    "overall_survival_from_infusion",
    "overall_survival_from_transplant",
    "event_free_survival",
    "event_free_survival_from_infusion",
    "event_free_survival_from_transplant",
    "marrow_relapse",
    "marrow_relapse_from_infusion",
    "csf_relapse",
    "csf_relapse_from_infusion",
    "relapse_free_survival",
    "remission_duration_first",
    "death_by_cause",
    "marrow_remission_day28",
    "csf_remission_day28",
    "complete_remission_day28",
    "infused",
    "second_car_t",
    "donor_derived_car_t",
    "transplanted",
    "severe_crs",
    "severe_icans",
    "crs_grade_first_product",
    "icans_grade_first_product",
    "acute_gvhd_2_4",
    "chronic_gvhd",
    "eligible_to_infused_days",
    "infusion_to_transplant_days",
    "index_case_road",
]


@pytest.mark.parametrize("file", [*SETTINGS.values(), "cns_relapse_academic.yaml", "index_case.yaml"])
def test_outcomes_have_the_same_names_everywhere(file: str) -> None:
    assert set(NAMES) <= {outcome.name for outcome in load(SCENARIOS / file).outcomes}


def test_every_scenario_stands_in_the_table() -> None:
    table = (SCENARIOS.parent / "docs" / "scenarios.md").read_text("utf-8")
    assert [path.name for path in SCENARIOS.rglob("*.yaml") if f"`{path.name}`" not in table] == []


def test_what_each_strategy_is_about_differs() -> None:
    infused, products, transplants, agents = {}, {}, {}, {}
    for path in STRATEGIES:
        rows = Columns(run(path, 4000))
        name = f"{path.parent.name}-{path.stem}"
        had_cns = np.isin(rows.patient, np.flatnonzero(at_start(rows.log, "cns_history") == 1))
        has_cns = had_cns | ~rows.among("csf", "cns1")
        infused[name] = (rows.enters("infusion") & has_cns).any()
        products[name] = rows.count(rows.enters("infusion")).max()
        after_car_t = rows.enters("transplant") & rows.among("remission_by", "car_t")
        transplants[name] = after_car_t.any()
        first = rows.enters("salvage") & (rows.value("salvage_lines") == 1) & (rows.value("car_t_lines") == 0)
        agents[name] = {
            agent for agent in ("blinatumomab", "inotuzumab") if (first & rows.among("agent", agent)).any()
        }
    assert {name for name, some in infused.items() if not some} == {n for n in infused if "withheld" in n}
    assert {name for name, most in products.items() if most == 1} == {n for n in products if "one_line" in n}
    assert {name for name, some in transplants.items() if not some} == {
        n for n in transplants if n.endswith(("no_bridging", "no_transplant"))
    }
    assert agents["academic-blinatumomab"] == {"blinatumomab"}
    assert "inotuzumab" in agents["commercial-inotuzumab"]


def at_start(log: EventLog, attribute: str) -> NDArray[np.float64]:
    return log.at_start[:, log.names.attributes.index(attribute)]


@pytest.mark.parametrize("setting", SETTINGS)
def test_survival_falls_as_the_wait_for_apheresis_grows(setting: str) -> None:
    """The same 40,000 patients with the same luck wait longer, and nothing else is touched.

    The smallest step, of twelve days, costs about a patient in a hundred. The page tells what is found.
    """
    shares = np.array(waits(setting))
    assert (np.diff(shares, axis=0) < 0).all()
    assert (shares[0] - shares[-1] > 0.05).all()
    tables = numbers(PAGE.read_text().partition("## The effect of the wait for apheresis")[2])
    told = tables[: len(WAITS)] if setting == "academic" else tables[len(WAITS) :]
    assert np.abs(np.array(told)[:, 1:] - 100 * shares).max() < 1


def test_the_page_of_strategies_tells_what_is_simulated() -> None:
    """To a point: rounding, and changes of parameters too small to write the page anew for."""
    told, found = (
        numbers(text.partition("## The effect of the wait for apheresis")[0])
        for text in (PAGE.read_text(), of_strategies("academic"))
    )
    assert len(told) == len(STRATEGIES) + len(SETTINGS)
    for said, is_so in zip(told, found, strict=False):
        assert np.abs(np.array(said[:5]) - np.array(is_so[:5])).max() <= 1


def numbers(text: str) -> list[list[float]]:
    """The numbers of each row of the tables, heads left out."""
    rows = [line for line in text.splitlines() if line.startswith("|") and re.search(r"\d%", line)]
    return [[float(n) for n in re.findall(r"[-+]?\d+(?:\.\d+)?", row)] for row in rows]
