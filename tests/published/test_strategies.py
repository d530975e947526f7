"""Strategies change what is done, never who the patients are; and waiting costs lives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.engine.event_log import EventLog
from sim.engine.run import simulate
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.published.columns import Columns

SCENARIOS = Path(__file__).parents[2] / "scenarios"
BASES = {"academic": "cn_academic.yaml", "commercial": "uk_us_commercial.yaml"}
STRATEGIES = sorted((SCENARIOS / "strategies").rglob("*.yaml"))


def run(path: Path, patients: int, *settings: str) -> EventLog:
    scenario = load(path, settings=(f"patients.number={patients}", *settings))
    return simulate(compile_pathway(scenario), seed=9).log


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_strategy_treats_the_same_patients_another_way(path: Path) -> None:
    base, other = run(SCENARIOS / BASES[path.parent.name], 2000), run(path, 2000)
    assert other.names.attributes == base.names.attributes
    assert np.array_equal(other.at_start, base.at_start)
    assert not np.array_equal(other.ends, base.ends)


@pytest.mark.parametrize("path", STRATEGIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_strategy_keeps_the_rules_and_the_outcomes_of_its_setting(path: Path) -> None:
    base, other = load(SCENARIOS / BASES[path.parent.name]), load(path)
    assert [outcome.name for outcome in other.outcomes] == [outcome.name for outcome in base.outcomes]
    assert len(other.never) == len(base.never)


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


WAITS = (2, 14, 30, 60, 120, 240)
"""Days, the median wait for a day of apheresis."""


@pytest.mark.parametrize("file", BASES.values())
def test_survival_falls_as_the_wait_for_apheresis_grows(file: str) -> None:
    """With common random numbers, 40,000 patients; the smallest step costs 1 in 100 lives.

    The same patients with the same luck wait longer, and nothing else is touched: survival at two and at
    five years falls with each step.
    """
    alive = np.array(
        [
            [(log.ends > years * 365.25).mean() for years in (2, 5)]
            for log in (
                run(SCENARIOS / file, 40_000, f"parameters.slot_wait={{value: {days} days}}")
                for days in WAITS
            )
        ]
    )
    assert (np.diff(alive, axis=0) < 0).all()
    assert (alive[0] - alive[-1] > 0.05).all()
