"""A sweep as tables: cells with their differences, the answer of one more unit, CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from sim.outcomes.estimates import DifferenceRow, Differences, EstimateRow, Estimates
from sim.outcomes.results import ArmFacts, Description, Key, OutcomeFacts, Results
from sim.report.tables.comparison_table import change_cell
from sim.report.tables.run_table import value_cell
from sim.report.tables.sweep_table import (
    answers,
    by_effect,
    csv_text,
    effect_of,
    number_of,
    print_sweep,
    raised,
    short_names,
)
from sim.runs.grid import variations
from sim.runs.run import RunRequest
from sim.runs.sweep import run_sweep
from tests.example_runs import OVERLOAD, TWO_DESKS

CENTRE = """\
format: 1
title: A centre
horizon: 2 years
states: {ill: {}, well: {}, dead: {}}
patients: {arrive: {poisson: 0.2 per day, warm_up: 100 days}, number: 150}
clocks: {death: {after: {exponential: {mean: 200 days}}, to: died}}
resources: {slot: {capacity: 2}, bed: {capacity: 3}}
pathway:
  start: slot
  on_start: [{start: death}]
  stages:
    slot: {state: ill, needs: slot, events: {done: {after: {gamma: {shape: 4, mean: 10 days}}, to: bed}}}
    bed: {state: ill, needs: bed, events: {done: {after: {gamma: {shape: 4, mean: 8 days}}, to: home}}}
    home: {state: well, on_entry: [{stop: death}], events: {death: {after: {exponential: {mean: 3 years}}, to: died}}}
    died: {state: dead, terminal: true}
outcomes:
  survival: {from: start, until: {state: dead}}
  slot_wait: {waiting_for: slot}
"""


def swept(
    folder: Path, text: str, over: Sequence[str] = (), *, one_more: bool = False, replications: int = 1
) -> Results:
    """The results of a sweep of this scenario."""
    file = folder / "centre.yaml"
    file.write_text(text)
    request = RunRequest(file, replications=replications)
    scenario = request.load()
    varied = variations(scenario, over, (), one_more=one_more)
    return run_sweep(request, scenario, varied, find_best=one_more).results


def printed(results: Results, *, one_more: bool = False, full: bool = True) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    print_sweep(results, console, one_more=one_more, full=full)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


# ---------------------------------------------------------------- one more unit


def test_the_unit_that_saves_most_stands_first(tmp_path: Path) -> None:
    results = swept(tmp_path, CENTRE, one_more=True, replications=5)
    ranked = by_effect(results, "waiting_days")
    assert [raised(arm) for arm in ranked] == [
        ("resources.slot.capacity", "3"),
        ("resources.bed.capacity", "4"),
    ]
    slot, bed = (effect_of(results, "waiting_days", arm)[0] for arm in ranked)
    row = results.differences.where(outcome="waiting_days", reference=results.reference.name)
    assert slot == pytest.approx(-100 * min(one.difference for one in row))
    assert slot > bed
    first = next(answers(results))
    assert first.startswith("One more slot saves most waiting days: ")
    assert "(95% interval " in first
    lines = printed(results, one_more=True)
    assert max(map(len, lines)) <= 80
    assert lines.index("A centre") < lines.index("One more unit, per 100 patients")
    assert next(line for line in lines if line.startswith("slot ")).split()[1] == "3"


def test_one_replication_shows_no_largest_effect(tmp_path: Path) -> None:
    (sentence,) = answers(swept(tmp_path, TWO_DESKS, one_more=True))
    assert sentence.startswith("One replication does not show which single unit does most: use several")


def test_the_largest_effect_is_named_with_those_that_may_be_as_large(tmp_path: Path) -> None:
    """Two equal desks, each with four patients for five it could serve; then one with one for five."""
    alike = next(answers(swept(tmp_path, TWO_DESKS, one_more=True, replications=6)))
    pattern = r"One more (left|right) saves most waiting days: .*, not distinguishable from (left|right)\."
    assert re.fullmatch(pattern, alike)
    text = TWO_DESKS.replace("1.6 per day", "1 per day").replace("left: 0.5", "left: 0.8")
    apart = next(answers(swept(tmp_path, text, one_more=True, replications=6)))
    assert apart.startswith("One more left saves most waiting days: ")
    assert apart.endswith(").")


def test_where_the_largest_effect_is_uncertain_the_certain_ones_are_named() -> None:
    described = Description(Key("mean"), "days", "mean days in queues")
    outcome = OutcomeFacts("waiting_days", "burden", "waiting days", None, (), "", described)
    saved = {"bed": np.array([9.0, -5.0, 4.0, 0.0, 2.0]), "slot": np.array([1.0, 1.1, 0.9, 1.2, 0.8])}
    differences, arms = [], [ArmFacts("base case", "", "", 1, 1.0, (outcome,))]
    for name, values in saved.items():
        half = 2.776 * float(np.std(values, ddof=1)) / 5**0.5  # Student's, of five values
        mean, path = -float(values.mean()), f"resources.{name}.capacity"
        arms.append(ArmFacts(name, "", "", 1, 1.0, (outcome,), changes=((path, "1", "2"),)))
        labels = ("waiting_days", name, "base case", "", "", "mean", float("nan"), "days")
        differences.append(DifferenceRow(*labels, mean, half / 2.776, mean - half, mean + half))
    results = Results(tuple(arms), 1, 5, Estimates.of(()), Differences.of(differences), ())
    assert list(answers(results)) == [
        "It is not known which single unit saves most waiting days; shown to make a difference: slot."
    ]


def test_one_more_unit_that_is_not_enough_has_a_note(tmp_path: Path) -> None:
    text = OVERLOAD.replace("poisson: 2 per day", "poisson: 4 per day")
    results = swept(tmp_path, text, one_more=True, replications=2)
    (note,) = results.notes
    assert f"Note: {note}" in " ".join(" ".join(printed(results, one_more=True)).split())


# ---------------------------------------------------------------- cells


def test_each_outcome_is_a_table_of_cells(tmp_path: Path) -> None:
    results = swept(tmp_path, CENTRE, ["resources.slot.capacity=2,3"], replications=3)
    lines = printed(results)
    assert max(map(len, lines)) <= 80
    begin = lines.index("slot_wait: slot wait")
    rows = [line.split() for line in lines[begin : begin + 8]]
    estimates = {arm.name: results.estimates.find("slot_wait", "mean", arm=arm.name) for arm in results.arms}
    for name, row in estimates.items():
        assert row is not None
        value = name.partition("=")[2]
        assert next(words for words in rows if words[:1] == [value])[1] == f"{row.estimate:.1f}"
    assert "waiting_days" not in lines, "the burden of waiting is printed for one more unit"


def test_cells_with_a_queue_that_does_not_settle_are_named(tmp_path: Path) -> None:
    results = swept(tmp_path, OVERLOAD, ["resources.server.capacity=1,3,4"], replications=2)
    (note,) = results.notes
    text = " ".join(" ".join(printed(results)).split())
    assert f"Note: {note}" in text
    assert "the queue for server does not settle: these waits are of no steady state" in text


def test_paths_have_the_shortest_distinct_names() -> None:
    assert short_names(["resources.a.capacity", "resources.b.capacity"]) == ["a.capacity", "b.capacity"]
    assert short_names(["x.a.after.mean", "y.a.after.mean"]) == ["x.a.after.mean", "y.a.after.mean"]
    assert short_names(["horizon"]) == ["horizon"]


def test_a_failed_cell_is_printed_with_its_reason(tmp_path: Path) -> None:
    results = swept(tmp_path, TWO_DESKS, ["resources.left.capacity=2"])
    failed = replace(results.arms[1], name="resources.left.capacity=3", failed="it took too long")
    lines = printed(replace(results, arms=(*results.arms, failed)))
    assert lines[-1] == "Failed: resources.left.capacity=3: it took too long"
    assert any(line.startswith("3 cells, ") for line in lines)


def test_the_base_case_is_printed_where_all_other_cells_failed(tmp_path: Path) -> None:
    results = swept(tmp_path, TWO_DESKS, ["resources.left.capacity=2"])
    failed = replace(results.arms[1], failed="it took too long")
    alone = replace(results, arms=(results.arms[0], failed), differences=Differences.of(()))
    outcome = alone.reference.outcomes[0]
    shown = value_cell(alone.headline(outcome.name, arm=alone.reference.name)).text
    for full in (True, False):
        assert any(shown in line for line in printed(alone, full=full))


def test_by_default_one_table_has_the_first_outcomes_with_their_differences(tmp_path: Path) -> None:
    results = swept(tmp_path, TWO_DESKS, ["resources.left.capacity=2"], replications=3)
    lines = printed(results, full=False)
    assert sum(set(line) == {"─"} for line in lines) == 1
    outcome, arm = results.reference.outcomes[0], results.arms[1]
    own, pair = number_of(results, outcome, arm)
    assert value_cell(own).text in " ".join(lines)
    assert all(text in " ".join(lines) for text in change_cell(pair))


# ---------------------------------------------------------------- CSV


def test_csv_has_a_row_for_each_cell_and_outcome(tmp_path: Path) -> None:
    over = ["resources.slot.capacity=2,3", "resources.bed.capacity=3,4"]
    results = swept(tmp_path, CENTRE, over, replications=3)
    rows = list(csv.DictReader(io.StringIO(csv_text(results))))
    assert len(rows) == 4 * (2 + 3)
    assert [row["is_reference"] for row in rows[:6]] == ["true"] * 5 + ["false"]
    row = next(r for r in rows if r["resources.slot.capacity"] == "3" and r["outcome"] == "slot_wait")
    own = results.estimates.find("slot_wait", "mean", arm=row["cell"])
    (pair,) = results.differences.where(outcome="slot_wait", arm=row["cell"])
    assert isinstance(own, EstimateRow)
    assert float(row["estimate"]) == own.estimate
    assert float(row["difference_low"]) == pair.low
    assert row["resources.bed.capacity"] == row["cell"][-1]


def test_csv_protects_text_that_a_spreadsheet_would_execute(tmp_path: Path) -> None:
    text = CENTRE.replace("slot_wait: {", "=cmd: {label: '@SUM(1)', ")
    results = swept(tmp_path, text, ["resources.slot.capacity=2,3"], replications=3)
    rows = list(csv.DictReader(io.StringIO(csv_text(results))))
    assert {row["outcome"] for row in rows} >= {"'=cmd", "survival"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "@"))]
    (changed,) = [row for row in rows if row["outcome"] == "'=cmd" and row["is_reference"] == "false"]
    assert float(changed["difference"]) < 0  # a number, with its sign
