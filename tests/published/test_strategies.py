"""Strategies change the treatment, never the patients; and survival falls as the wait grows."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.engine.run import simulate
from sim.event_log.log import EventLog
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.scenario.language.model import Scenario
from tests.cohorts import sizes
from tests.published import product_table
from tests.published.columns import Columns
from tests.published.strategy_tables import (
    PATIENTS,
    SCENARIOS,
    SEED,
    SETTINGS,
    STRATEGIES,
    WAITS,
    of_strategies,
    table,
    waits,
)
from tests.shipped import SHIPPED

PAGE = Path(__file__).parents[2] / "docs" / "strategies.md"


BASES = {setting: SCENARIOS / file for setting, file in SETTINGS.items()}


@cache
def simulated(path: Path) -> tuple[Scenario, EventLog]:
    """A scenario and its event log with 4,000 patients."""
    scenario = load(path, settings=("patients.number=4000",))
    return scenario, simulate(compile_pathway(scenario), seed=SEED).log


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_strategy_treats_the_same_patients_differently(path: Path) -> None:
    base, other = simulated(BASES[path.parent.name])[1], simulated(path)[1]
    assert other.names.attributes == base.names.attributes
    assert np.array_equal(other.at_start, base.at_start)
    assert not np.array_equal(other.ends, base.ends)


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_strategy_keeps_the_rules_and_the_outcomes_of_its_setting(path: Path) -> None:
    base, other = simulated(BASES[path.parent.name])[0], simulated(path)[0]
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


@pytest.mark.parametrize(
    "path", [*BASES.values(), SCENARIOS / "populations/cns_combined.yaml", SCENARIOS / "index_case.yaml"]
)
def test_outcomes_have_the_same_names_in_every_setting(path: Path) -> None:
    scenario = simulated(path)[0] if path in BASES.values() else load(path)
    assert set(NAMES) <= {outcome.name for outcome in scenario.outcomes}


def test_every_scenario_is_in_the_table() -> None:
    table = (SCENARIOS.parent / "docs" / "scenarios.md").read_text("utf-8")
    assert [path.name for path in SHIPPED if f"`{path.name}`" not in table] == []


def test_each_strategy_changes_the_treatment_in_its_name() -> None:
    infused, products, transplants, agents = {}, {}, {}, {}
    for path in STRATEGIES:
        rows = Columns(simulated(path)[1])
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


@pytest.mark.parametrize("number", sizes(10_000, long=PATIENTS))
@pytest.mark.parametrize("setting", ["academic", pytest.param("commercial", marks=pytest.mark.long)])
def test_survival_falls_as_the_wait_for_apheresis_grows(setting: str, number: int) -> None:
    """The same patients with the same random numbers wait longer, and nothing else changes.

    The smallest step, of twelve days, costs about one patient in a hundred: 10,000 pairs show it, with
    a standard error below 0.15 points. The shares agree with the page to `error_of_page`.
    """
    shares = np.array(waits(setting, number))
    assert (np.diff(shares, axis=0) < 0).all()
    assert (shares[0] - shares[-1] > 0.05).all()
    tables = numbers(PAGE.read_text().partition("## The effect of the wait for apheresis")[2])
    printed = tables[: len(WAITS)] if setting == "academic" else tables[len(WAITS) :]
    assert np.abs(np.array(printed)[:, 1:] - 100 * shares).max() < error_of_page(number)


@pytest.mark.parametrize("number", sizes(5000, long=PATIENTS))
def test_the_page_of_strategies_shows_what_is_simulated(number: int) -> None:
    printed, found = (
        numbers(text.partition("## How sure the comparison is")[0])
        for text in (PAGE.read_text(), of_strategies("academic", number))
    )
    assert len(printed) == len(STRATEGIES) + len(SETTINGS)
    for row, simulated_row in zip(printed, found, strict=False):
        assert np.abs(np.array(row[:5]) - np.array(simulated_row[:5])).max() <= error_of_page(number)


def error_of_page(number: int) -> float:
    """The error that is found, in percentage points.

    One point with as many patients as the page (rounding, and small changes of parameters); with fewer
    patients, five standard errors of a share of one half more.
    """
    return 1 + (0 if number == PATIENTS else 250 / number**0.5)


def numbers(text: str) -> list[list[float]]:
    """The numbers of each row of the tables, heads left out."""
    rows = [line for line in text.splitlines() if line.startswith("|") and re.search(r"\d%", line)]
    return [[float(n) for n in re.findall(r"[-+]?\d+(?:\.\d+)?", row)] for row in rows]


def test_the_table_of_products_is_that_of_the_parameters() -> None:
    page = (SCENARIOS.parent / "docs" / "scenarios.md").read_text("utf-8")
    assert table(product_table.HEAD, product_table.rows()) in page
