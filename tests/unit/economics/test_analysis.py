"""Economic outcomes of runs, comparisons and sweeps: rows of the tables, paired, over replications."""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim.runs.sweep
from sim import api
from sim.economics.analysis import ArmTotals, incremental_rows
from sim.economics.endpoints import COST, QALY
from sim.errors import InputError
from sim.outcomes.estimates import Incremental, IncrementalRow
from sim.outcomes.evaluation import Arm
from sim.runs.comparison import ArmSource, simulate_arm
from sim.runs.grid import variations
from sim.runs.run import RunRequest, run_scenario
from sim.runs.sweep import run_sweep
from tests.valued import priced

ECONOMICS = "{currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual, threshold: 30000}"
STAGES = """
    well:
      state: well
      cost: {per_year: {drug: 1000}}
      events:
        falls_ill: {after: {exponential: {mean: 6 years}, hazard_ratios: [{value: 1}]}, to: ill}
        dies: {after: {exponential: {mean: 30 years}}, to: dead}
    ill:
      state: ill
      needs: bed
      cost: {on_entry: {admission: 3000}, per_day: {care: 12}}
      events: {dies: {after: {exponential: {mean: 4 years}}, to: dead}}
    dead: {state: dead, terminal: true}
"""
STATES = "{well: {utility: 0.9}, ill: {utility: 0.6}, dead: {}}"


def scenario(
    folder: Path, *, number: int = 300, capacity: str = "unlimited", economics: str = ECONOMICS
) -> Path:
    text = priced(
        STAGES,
        states=STATES,
        economics=economics,
        horizon="40 years",
        number=number,
        resources=f"{{bed: {{capacity: {capacity}}}}}",
    )
    (folder / "old.yaml").write_text(text)
    return folder / "old.yaml"


def layer(folder: Path, name: str, changes: str) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(f"format: 1\ntitle: {name}\nbased_on: old.yaml\nchanges: {changes}\n")
    return file


DRUG = "pathway.stages.well.cost.per_year.drug"
RATIO = "pathway.stages.well.events.falls_ill.after.hazard_ratios"


def test_a_comparison_has_paired_costs_and_qalys_and_the_ratio(tmp_path: Path) -> None:
    old = scenario(tmp_path)
    new = layer(tmp_path, "new", f"{{{DRUG}: 3000, {RATIO}: [{{value: 0.7}}]}}")
    found = api.compare(old, new)
    differences = found.results.differences
    cost = differences.find(COST, "discounted", arm="new")
    qaly = differences.find(QALY, "discounted", arm="new")
    assert cost is not None
    assert qaly is not None
    assert cost.unit == "GBP"
    assert qaly.variance_ratio > 4
    parts = differences.where(outcome=COST, measure="discounted").present("part")
    assert parts == ("", "drug", "admission", "care")
    reference, row = found.results.incremental
    assert (reference.status, row.compared_with) == ("reference", "old")
    assert row.incremental_cost == pytest.approx(cost.difference)
    assert (row.cost_error, row.qaly_error) == pytest.approx((cost.standard_error, qaly.standard_error))
    assert row.icer == pytest.approx(cost.difference / qaly.difference)
    assert row.low < row.icer < row.high
    net = differences.find("net_benefit", "discounted", arm="new")
    assert net is not None
    assert (row.net_benefit, row.net_benefit_error) == pytest.approx((net.difference, net.standard_error))
    assert row.status == "cost-effective at the threshold"
    assert found.results.as_json()["incremental"][1]["confidence_set"] == "interval"


def test_equal_arms_differ_by_exactly_nothing(tmp_path: Path) -> None:
    old = scenario(tmp_path)
    found = api.compare(old, layer(tmp_path, "same", f"{{{DRUG}: 1000}}"))
    rows = [
        row for row in found.results.differences if row.outcome in (COST, QALY, "life_years", "net_benefit")
    ]
    assert len(rows) == 14
    assert {(row.difference, row.standard_error) for row in rows} == {(0.0, 0.0)}
    row = list(found.results.incremental)[1]
    assert (row.status, row.confidence_set) == ("equal cost and effect", "")
    assert isnan(row.icer)
    assert "no patient differs" in row.note


def test_three_arms_have_a_frontier(tmp_path: Path) -> None:
    old = scenario(tmp_path)
    good = layer(tmp_path, "good", f"{{{DRUG}: 2000, {RATIO}: [{{value: 0.6}}]}}")
    poor = layer(tmp_path, "poor", f"{{{DRUG}: 4000, {RATIO}: [{{value: 0.8}}]}}")
    rows = [row for row in api.compare(old, good, poor).results.incremental if row.analysis == "frontier"]
    assert [(row.arm, row.status, row.compared_with) for row in rows] == [
        ("old", "on the frontier", ""),
        ("good", "on the frontier", "old"),
        ("poor", "dominated", ""),
    ]
    assert rows[1].low < rows[1].icer < rows[1].high


def test_two_currencies_are_an_error(tmp_path: Path) -> None:
    old = scenario(tmp_path)
    other = layer(tmp_path, "dollars", "{economics.currency: USD}")
    with pytest.raises(InputError, match="the currency is GBP in the first and USD in the second"):
        api.compare(old, other)


def test_over_replications_of_a_queue(tmp_path: Path) -> None:
    old = scenario(tmp_path, number=40, capacity="6")
    new = layer(tmp_path, "new", f"{{{DRUG}: 3000, {RATIO}: [{{value: 0.7}}]}}")
    found = api.compare(old, new, replications=12)
    row = list(found.results.incremental)[1]
    cost = found.results.differences.find(COST, "discounted", arm="new")
    assert cost is not None
    assert row.incremental_cost == pytest.approx(cost.difference)
    assert row.cost_error == pytest.approx(cost.standard_error)
    alone = list(api.compare(old, new).results.incremental)[1]
    assert alone.confidence_set == ""
    assert "share bed" in alone.note


def test_a_streamed_run_has_the_same_estimates(tmp_path: Path) -> None:
    file = scenario(tmp_path, number=40, capacity="6")
    whole = api.run(file, replications=5).results
    streamed = run_scenario(RunRequest(file, replications=5))
    assert streamed.results.estimates.records() == whole.estimates.records()
    years = whole.estimates.where(outcome="cost_by_year", measure="undiscounted")
    total = whole.estimates.find(COST, "undiscounted")
    assert total is not None
    assert len(years) == 40
    assert sum(row.estimate for row in years) == pytest.approx(total.estimate)


def test_a_sweep_over_prices_has_cost_differences(tmp_path: Path) -> None:
    file = scenario(tmp_path)
    request = RunRequest(file)
    loaded = request.load()
    done = run_sweep(request, loaded, variations(loaded, [f"{DRUG}=1000,2000"], [], one_more=False))
    (row,) = (row for row in done.results.differences if row.outcome == COST)
    dearer = api.run(file, settings=[f"{DRUG}=2000"]).results.estimates.find(COST, "discounted")
    cheaper = api.run(file).results.estimates.find(COST, "discounted")
    assert dearer is not None
    assert cheaper is not None
    assert row.difference == pytest.approx(dearer.estimate - cheaper.estimate)


def test_cells_that_differ_in_prices_only_are_simulated_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = RunRequest(scenario(tmp_path))
    loaded = request.load()
    simulated: list[str] = []

    def simulate(source: ArmSource, **options: Any) -> Arm:
        simulated.append(source.name)
        return simulate_arm(source, **options)

    monkeypatch.setattr(sim.runs.sweep, "simulate_arm", simulate)
    prices = [f"{DRUG}=1500,2000", "states.well.utility=0.8"]
    run_sweep(request, loaded, variations(loaded, prices, [], one_more=False))
    assert len(simulated) == 1
    simulated.clear()
    run_sweep(
        request,
        loaded,
        variations(loaded, [f"{DRUG}=1500,2000", f"{RATIO}=[{{value: 0.5}}]"], [], one_more=False),
    )
    assert len(simulated) == 2


def test_the_mean_cost_is_that_of_patients_after_the_warm_up(tmp_path: Path) -> None:
    text = priced(
        STAGES,
        states=STATES,
        economics=ECONOMICS,
        horizon="10 years",
        patients="{number: 60, arrive: {every: 30 days, warm_up: 600 days}}",
        resources="{bed: {capacity: unlimited}}",
    )
    (tmp_path / "late.yaml").write_text(text)
    found = api.run(tmp_path / "late.yaml").results.estimates.find(COST, "discounted")
    assert found is not None
    assert found.n == 40


def test_capacity_costs_whether_or_not_it_is_used(tmp_path: Path) -> None:
    """Two beds, three from day 60; patients on days 0, 50 and 100 each stay 30 days; 10 a bed and day."""
    stages = """
        ward: {state: well, needs: bed, events: {out: {after: {fixed: 30 days}, to: dead}}}
        dead: {state: dead, terminal: true}
    """
    bed = "{bed: {capacity: {0 days: 2, 60 days: 3}, cost: {per_day_of_capacity: {room: 7, staff: 3}}}}"
    text = priced(stages, horizon="120 days", patients="{number: 3, arrive: {every: 50 days}}", resources=bed)
    (tmp_path / "beds.yaml").write_text(text)
    found = {
        (row.part, row.measure): row.estimate
        for row in api.run(tmp_path / "beds.yaml").results.estimates.where(outcome="capacity_cost")
        if row.unit == "GBP"
    }
    all_units, in_use = 10 * (2 * 60 + 3 * 60), 10 * (30 + 30 + 20)
    assert found == {
        ("", "undiscounted"): all_units,
        ("", "idle"): all_units - in_use,
        ("bed", "undiscounted"): all_units,
        ("bed", "idle"): all_units - in_use,
    }


def arm(name: str, cost: list[float], qaly: list[float], why: str = "") -> ArmTotals:
    return ArmTotals(name, np.array(cost), np.array(qaly), why)


def test_a_replication_without_patients_is_left_out() -> None:
    one = arm("one", [1.0, 2.0, 3.0, np.nan], [1.0, 1.0, 2.0, np.nan])
    other = arm("other", [2.0, 5.0, 5.0, 7.0], [2.0, 1.5, 3.0, 7.0])
    row = list(incremental_rows([one, other], currency="GBP"))[1]
    assert row.incremental_cost == pytest.approx(2.0)
    assert row.incremental_qaly == pytest.approx(2.5 / 3)


def test_rows_are_a_table_ready_for_json() -> None:
    one, other = arm("one", [1.0, 2.0, 4.0], [1.0, 1.0, 2.0]), arm("other", [2.0, 5.0, 5.0], [1.0, 1.1, 1.9])
    table = Incremental.of(incremental_rows([one, other], currency="GBP", threshold=10.0))
    record = table.records()[1]
    assert record["arm"] == "other"
    assert list(record) == list(IncrementalRow._fields)
    assert record["status"] == "dominated"
    assert table.records()[0]["icer"] is None
    assert replace(table) is not table
