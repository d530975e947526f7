"""A sweep: what its options mean, what its cells are, and how each differs from the reference."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import sim.runs.sweep
from sim.errors import InputError, RunError, ScenarioError
from sim.event_log.log import ASKS, ENTERS, LEAVES, STAYS, EventLog
from sim.files import json_text
from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.report.tables.sweep_table import answers, csv_text, print_sweep, short_names
from sim.runs.comparison import request_source, run_comparison
from sim.runs.grid import BASE_CASE, Variation, grid, one_more_unit, variations
from sim.runs.run import Run, RunRequest, run_scenario
from sim.runs.sweep import Sweep, run_sweep
from tests.example_runs import OVERLOAD, TWO_DESKS

WARD = """\
format: 1
title: A ward
horizon: 3 years
states: {ill: {}, well: {}, dead: {}}
patients: {number: 300, attributes: {age: {uniform: [20, 60]}, grade: {categorical: {low: 0.5, high: 0.5}}}}
parameters: {p_home: {value: 0.7, source: A, status: assumed}}
pathway:
  start: ward
  stages:
    ward:
      state: ill
      events: {done: {after: {exponential: {mean: 60 days}}, to: {home: $p_home, died: rest}}}
    home: {state: well, events: {death: {after: {exponential: {mean: 1 year}}, to: died}}}
    died: {state: dead, terminal: true}
outcomes:
  survival: {from: start, until: {state: dead}}
  ever_home: {ever: {stage: home}}
  days_well: {time_in: {state: well}}
  grades: {attribute: grade}
"""
BURDEN = ("waiting_days", "lost_waiting", "life_years")
CENTRE = """\
format: 1
title: A centre
horizon: 2 years
states: {ill: {}, well: {}, dead: {}}
patients: {arrive: {poisson: 0.2 per day, warm_up: 100 days}, number: 150}
clocks: {death: {after: {exponential: {mean: 200 days}}, to: died}}
resources: {slot: {capacity: 2}, bed: {capacity: 3}, chair: {capacity: unlimited}}
pathway:
  start: slot
  on_start: [{start: death}]
  stages:
    slot: {state: ill, needs: slot, events: {done: {after: {gamma: {shape: 4, mean: 10 days}}, to: bed}}}
    bed:
      state: ill
      needs: bed
      events:
        done: {after: {gamma: {shape: 4, mean: 8 days}}, to: home}
        gives_up: {waiting: true, after: {exponential: {mean: 90 days}}, to: home}
    home: {state: well, needs: chair, on_entry: [{stop: death}], events: {death: {after: {exponential: {mean: 3 years}}, to: died}}}
    died: {state: dead, terminal: true}
outcomes:
  survival: {from: start, until: {state: dead}}
  slot_wait: {waiting_for: slot}
"""


def swept(
    folder: Path,
    text: str,
    over: Sequence[str] = (),
    *,
    cells: Sequence[str] = (),
    one_more: bool = False,
    outcomes: Sequence[str] = (),
    **options: Any,
) -> Sweep:
    request = RunRequest(written(folder, text), **options)
    scenario = request.load()
    varied = variations(scenario, over, cells, one_more=one_more)
    done = run_sweep(request, scenario, varied, outcomes=outcomes, find_best=one_more)
    json.dumps(done.results.as_json(), allow_nan=False)
    return done


def headline(done: Sweep, cell: str, outcome: str) -> EstimateRow:
    """The headline number of an outcome in a cell."""
    row = done.results.headline(outcome, arm=cell)
    assert row is not None
    return row


def difference(done: Sweep, cell: str, outcome: str) -> DifferenceRow:
    """The difference of the headline number of an outcome from the reference."""
    reference = done.results.reference.name
    (row,) = done.results.differences.where(outcome=outcome, arm=cell, reference=reference)
    return row


def written(folder: Path, text: str) -> Path:
    file = folder / "ward.yaml"
    file.write_text(text)
    return file


def alone(folder: Path, text: str, *settings: str, **options: Any) -> Run:
    return run_scenario(RunRequest(written(folder, text), settings=settings, **options), keep_log=True)


# ---------------------------------------------------------------- what is varied


def test_a_grid_is_the_product_of_its_values_and_then_the_cells() -> None:
    found = grid(["a.b=1, 2", "c={0 days: 6, 2 years: 8},28 days"], ["a.b=3; c=1 days"])
    assert [variation.changes for variation in found] == [
        (("a.b", "1"), ("c", "{0 days: 6, 2 years: 8}")),
        (("a.b", "1"), ("c", "28 days")),
        (("a.b", "2"), ("c", "{0 days: 6, 2 years: 8}")),
        (("a.b", "2"), ("c", "28 days")),
        (("a.b", "3"), ("c", "1 days")),
    ]


def test_a_value_that_stands_twice_is_one_cell() -> None:
    assert len(grid(["a=1,1,2"], ["a=2"])) == 2


@pytest.mark.parametrize(
    ("over", "cells", "fact"),
    [
        (["a"], [], "over: a has no value"),
        (["=1"], [], "over: =1 has no value"),
        (["a=1", "a=2"], [], "over: a is given twice"),
        (["a=1,[2"], [], "over: a: "),
        ([], ["a=1,2"], "cells: a has several values"),
        ([], ["b"], "cells: b has no value"),
    ],
)
def test_what_is_no_grid_is_refused(over: list[str], cells: list[str], fact: str) -> None:
    with pytest.raises(InputError) as refused:
        grid(over, cells)
    assert refused.value.fact.startswith(fact)
    assert refused.value.fix


def test_one_unit_more_of_every_finite_resource_in_every_step(tmp_path: Path) -> None:
    scenario = alone(tmp_path, CENTRE).scenario
    assert [variation.name for variation in one_more_unit(scenario)] == [
        "resources.slot.capacity=3",
        "resources.bed.capacity=4",
    ]
    slot = replace(scenario.resources[0], capacity=((0.0, 2), (365.25, 4)))
    stepped = one_more_unit(replace(scenario, resources=(slot,)))
    assert stepped == [Variation((("resources.slot.capacity", "{0 days: 3, 365.25 days: 5}"),))]

    shifts = replace(slot, capacity=((0.0, 0), (0.25, 3), (0.75, 1)), repeat=1.0)
    (more,) = one_more_unit(replace(scenario, resources=(shifts,)))
    assert more.changes[0][1] == "{0 days: 0, 0.25 days: 4, 0.75 days: 2, repeat: 1 day}"


def test_one_unit_more_of_nothing_finite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no resource is finite"):
        swept(tmp_path, WARD, one_more=True)
    with pytest.raises(InputError, match="excludes over and cells"):
        swept(tmp_path, CENTRE, ["horizon=1 year"], one_more=True)
    with pytest.raises(InputError, match="nothing is varied"):
        swept(tmp_path, WARD)


def test_a_swept_value_takes_the_place_of_a_setting(tmp_path: Path) -> None:
    settings = ("resources.slot.capacity=1", "resources.bed.capacity=5")
    done = swept(tmp_path, CENTRE, ["resources.slot.capacity=1,2"], settings=settings)
    assert done.results.reference.name == "resources.slot.capacity=1"
    arm = done.results.arm("resources.slot.capacity=2")
    assert arm.changes == (("resources.slot.capacity", "1", "2"),)
    assert arm.digest == alone(tmp_path, CENTRE, arm.name, "resources.bed.capacity=5").scenario.digest


# ---------------------------------------------------------------- what a cell is


@pytest.mark.parametrize(("text", "replications"), [(WARD, 1), (WARD, 3), (CENTRE, 3)])
def test_a_cell_is_the_scenario_run_alone_to_the_byte(tmp_path: Path, text: str, replications: int) -> None:
    path = "parameters.p_home.value=0.5,0.9" if text is WARD else "resources.slot.capacity=3,4"
    done = swept(tmp_path, text, [path], replications=replications)
    assert done.results.arms[0].name == BASE_CASE
    for arm in done.results.arms:
        settings = [] if arm.name == BASE_CASE else [arm.name]
        run = alone(tmp_path, text, *settings, replications=replications)
        found = done.results.estimates.where(arm=arm.name).relabelled(arm="").records()
        assert [row for row in found if row["outcome"] not in BURDEN] == run.results.estimates.records()
        assert arm.digest == run.scenario.digest


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"replications": 3, "one_more": True}
    one = swept(tmp_path, CENTRE, workers=1, **options)
    monkeypatch.setattr(sim.runs.sweep, "WORTH_A_PROCESS", 1)
    used = []
    in_parts = sim.runs.sweep.in_parts
    monkeypatch.setattr(
        sim.runs.sweep, "in_parts", lambda *args, **kw: (used.append(1), in_parts(*args, **kw))
    )
    assert json_text(swept(tmp_path, CENTRE, workers=2, **options).results.as_json()) == json_text(
        one.results.as_json()
    )
    assert used


def test_a_value_that_changes_nothing_is_the_reference(tmp_path: Path) -> None:
    done = swept(tmp_path, WARD, ["parameters.p_home.value=0.6,0.7"])
    names = [arm.name for arm in done.results.arms]
    assert names == ["parameters.p_home.value=0.7", "parameters.p_home.value=0.6"]
    assert done.results.differences.present("arm") == ("parameters.p_home.value=0.6",)


# ---------------------------------------------------------------- differences


@pytest.mark.parametrize(("text", "replications"), [(WARD, 1), (WARD, 4), (CENTRE, 4)])
def test_differences_are_those_of_a_comparison(tmp_path: Path, text: str, replications: int) -> None:
    setting = "parameters.p_home.value=0.8" if text is WARD else "resources.slot.capacity=4"
    done = swept(tmp_path, text, [setting], replications=replications)
    request = RunRequest(written(tmp_path, text), replications=replications)
    sources = [
        request_source("ward", request),
        request_source(setting, replace(request, settings=(setting,))),
    ]
    both = run_comparison(sources, at=request.at).results.differences
    rows = [row for row in done.results.differences if row.outcome not in BURDEN]
    assert "grades" not in [row.outcome for row in rows]  # shares of categories are no one number
    assert len(rows) >= 2
    for row in rows:
        other = both.find(
            row.outcome, row.measure, arm=setting, part=row.part, time_days=time_of(row.time_days)
        )
        assert other is not None
        assert row.standard_error > 0
        assert row._replace(reference="", note="", time_days=0.0) == other._replace(
            reference="", note="", time_days=0.0
        )


def time_of(days: float) -> float | None:
    return None if np.isnan(days) else days


def test_other_patients_are_paired_over_replications_alone(tmp_path: Path) -> None:
    rate = "patients.arrive.poisson=0.4 per day"
    one = swept(
        tmp_path,
        CENTRE.replace("slot: {capacity: 2}", "slot: {capacity: unlimited}").replace(
            "bed: {capacity: 3}", "bed: {capacity: unlimited}"
        ),
        [rate],
    )
    row = difference(one, rate, "survival")
    assert not row.has_interval
    assert row.note.startswith("its patients are not those of the reference (arrivals)")
    several = swept(tmp_path, CENTRE, [rate], replications=3)
    row = difference(several, rate, "slot_wait")
    assert row.low < row.difference < row.high


def test_categories_are_paired_by_name_not_by_code(tmp_path: Path) -> None:
    """With the categories the other way round a patient has another grade under the same code."""
    swapped = "patients.attributes.grade.categorical={high: 0.5, low: 0.5}"
    row = difference(swept(tmp_path, WARD, cells=[swapped]), swapped, "survival")
    assert not row.has_interval
    assert row.note.startswith("its patients are not those of the reference (grade)")


def test_other_times_and_other_outcomes_have_no_difference(tmp_path: Path) -> None:
    outcome = "outcomes.survival={from: start, until: {state: well}}"
    done = swept(tmp_path, WARD, cells=["horizon=2 years", outcome])
    row = difference(done, "horizon=2 years", "ever_home")
    assert not row.is_known
    assert row.note == "the horizon is 3 years in the reference and 2 years in this cell"
    assert difference(done, outcome, "survival").note == "this cell defines it differently"
    assert difference(done, outcome, "ever_home").difference == 0.0


def test_a_shared_resource_in_one_replication_has_no_interval(tmp_path: Path) -> None:
    done = swept(tmp_path, CENTRE, one_more=True)
    row = difference(done, "resources.slot.capacity=3", "waiting_days")
    assert not headline(done, "resources.slot.capacity=3", "waiting_days").has_interval
    assert not row.has_interval
    assert row.note.startswith("patients share slot, bed")


def test_curves_are_read_where_somebody_who_counts_is_observed(tmp_path: Path) -> None:
    # everybody who could be observed for two years starts in the warm-up
    text = CENTRE.replace("number: 150", "number: 400").replace("warm_up: 100 days", "warm_up: 1 years")
    row = alone(tmp_path, text, replications=2).results.headline("survival")
    assert row is not None
    assert row.time_days == 182.625
    assert row.is_known


# ---------------------------------------------------------------- what waiting does


def test_the_burden_of_waiting_counted_by_hand(tmp_path: Path) -> None:
    done = swept(tmp_path, CENTRE, one_more=True)
    arm = alone(tmp_path, CENTRE).arm
    assert arm is not None
    log = arm.log
    counted = [i for i in range(log.n_patients) if log.begins[i] >= 100]
    found = [counted_by_hand(log, i) for i in counted]
    days, lost, alive = (sum(column) / len(found) for column in zip(*found, strict=True))
    assert days > 10
    assert lost > 0.05
    assert headline(done, BASE_CASE, "waiting_days").estimate == pytest.approx(days)
    assert headline(done, BASE_CASE, "lost_waiting").estimate == pytest.approx(lost)
    assert headline(done, BASE_CASE, "life_years").estimate == pytest.approx(alive / 365.25)


def counted_by_hand(log: EventLog, i: int) -> tuple[float, bool, float]:
    """Days in queues, whether lost in one, and days alive of a patient, row by row."""
    follow_up = float(log.follow_up[i])
    asked: float | None = None
    waited, is_lost, alive = 0.0, False, follow_up
    for row in range(log.row_of[i], log.row_of[i + 1]):
        time, does = float(log.time[row]), log.does[row]
        if asked is not None and does != STAYS:
            waited += time - asked
            is_lost |= does == LEAVES
            asked = None
        if does == ASKS:
            asked = time
        if does == ENTERS and log.names.stages[log.stage_to[row]] == "died":
            alive = time
    return waited + (follow_up - asked if asked is not None else 0.0), is_lost, alive


def test_the_unit_that_saves_most_stands_first(tmp_path: Path) -> None:
    done = swept(tmp_path, CENTRE, one_more=True, replications=5)
    slot, bed = (
        -difference(done, name, "waiting_days").difference
        for name in ("resources.slot.capacity=3", "resources.bed.capacity=4")
    )
    assert slot > bed
    first = next(iter(answers(done.results)))
    assert first.startswith("One more slot saves most waiting days: ")
    assert "(95% interval " in first


def test_the_best_unit_is_compared_with_the_others_over_replications(tmp_path: Path) -> None:
    """Two desks alike, each with four patients for five it could serve; then one with one for five."""
    names = ("resources.left.capacity=2", "resources.right.capacity=2")

    def from_best(text: str) -> DifferenceRow:
        found = swept(tmp_path, text, one_more=True, replications=6).results.differences
        (row,) = [row for row in found if row.outcome == "waiting_days" and row.reference in names]
        return row

    alike = from_best(TWO_DESKS)
    assert {alike.arm, alike.reference} == set(names)
    assert alike.low < 0 < alike.high
    unlike = from_best(TWO_DESKS.replace("1.6 per day", "1 per day").replace("left: 0.5", "left: 0.8"))
    assert unlike.reference == names[0]
    assert unlike.low > 0


def test_one_replication_compares_no_unit_with_the_best(tmp_path: Path) -> None:
    done = swept(tmp_path, TWO_DESKS, one_more=True)
    assert done.results.differences.present("reference") == (BASE_CASE,)


# ---------------------------------------------------------------- queues that do not settle


def test_cells_whose_queues_do_not_settle_are_named(tmp_path: Path) -> None:
    done = swept(tmp_path, OVERLOAD, ["resources.server.capacity=1,3,4"], replications=2)
    names = [arm.name for arm in done.results.arms]
    grows = [name for name in names if "does not settle" in headline(done, name, "wait").note]
    assert grows == ["resources.server.capacity=1"]
    (note,) = done.results.notes
    assert note.startswith(
        "the queue for server does not settle in 1 of 3 cells (resources.server.capacity=1): "
    )
    for name in names[1:]:
        assert difference(done, name, "wait").note.startswith("in the reference, the queue")
        assert "settle" not in headline(done, name, "served").note
    assert f"Note: {note}" in shown(done)


def test_one_more_unit_that_is_too_little_says_so(tmp_path: Path) -> None:
    text = OVERLOAD.replace("poisson: 2 per day", "poisson: 4 per day")
    done = swept(tmp_path, text, one_more=True, replications=2)
    (note,) = done.results.notes
    assert note.startswith("the queue for server does not settle in any cell: ")
    assert f"Note: {note}" in shown(done, one_more=True)


def test_nothing_is_noted_where_every_queue_settles(tmp_path: Path) -> None:
    three = OVERLOAD.replace("capacity: 1", "capacity: 3")
    assert swept(tmp_path, three, ["resources.server.capacity=4"], replications=2).results.notes == ()


def shown(done: Sweep, *, one_more: bool = False) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_sweep(done.results, console, one_more=one_more, full=True)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


# ---------------------------------------------------------------- what goes wrong


def test_every_cell_that_is_no_scenario_is_told_before_any_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sim.runs.sweep, "simulate_cell", lambda *args, **kw: pytest.fail("a cell was simulated")
    )
    with pytest.raises(ScenarioError) as error:
        swept(tmp_path, WARD, ["parameters.p_home.value=0.5,1.5", "horizn=3 years,5 years"])
    told = str(error.value)
    assert "horizn=3 years: the scenario has no `horizn`\n    did you mean `horizon`?" in told
    with pytest.raises(ScenarioError) as error:
        swept(tmp_path, WARD, ["parameters.p_home.value=0.5,1.5"])
    told = str(error.value)
    assert "parameters.p_home.value=1.5" in told
    assert "value=0.5" not in told


def test_a_fault_elsewhere_names_its_cell(tmp_path: Path) -> None:
    text = WARD.replace("home: $p_home, died: rest", "home: $p_home, died: 0.3")
    with pytest.raises(ScenarioError, match=r"\(in the cell parameters.p_home.value=0.5\)"):
        swept(tmp_path, text, ["parameters.p_home.value=0.5,0.7"])


def test_a_cell_that_fails_is_told_and_the_others_kept(tmp_path: Path) -> None:
    text = WARD + "never: [{stage: home}]\n"
    done = swept(tmp_path, text, ["parameters.p_home.value=0,1"], settings=("parameters.p_home.value=0",))
    assert done.failed == ("parameters.p_home.value=1",)
    failed = done.results.arm("parameters.p_home.value=1").failed
    assert failed.startswith("entering home is forbidden by `never`, and happened to patient ")
    assert headline(done, "parameters.p_home.value=0", "survival").is_known
    with pytest.raises(RunError, match="is forbidden"):
        swept(tmp_path, text, ["parameters.p_home.value=0.8"])


def test_an_outcome_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean `survival`"):
        swept(tmp_path, WARD, ["horizon=2 years"], outcomes=["surviving"])


# ---------------------------------------------------------------- tables


def test_the_long_table_has_a_row_for_each_cell_and_outcome(tmp_path: Path) -> None:
    over = ["resources.slot.capacity=2,3", "resources.bed.capacity=3,4"]
    done = swept(tmp_path, CENTRE, over, outcomes=["slot_wait"], replications=3)
    rows = list(csv.DictReader(io.StringIO(csv_text(done.results))))
    assert len(rows) == 4 * (1 + 3)
    assert [row["is_reference"] for row in rows[:4]] == ["true"] * 4
    row = next(r for r in rows if r["resources.slot.capacity"] == "3" and r["outcome"] == "slot_wait")
    assert float(row["difference_low"]) == difference(done, row["cell"], "slot_wait").low
    assert float(row["estimate"]) == headline(done, row["cell"], "slot_wait").estimate


def test_paths_are_called_by_what_tells_them_apart() -> None:
    assert short_names(["resources.a.capacity", "resources.b.capacity"]) == ["a.capacity", "b.capacity"]
    assert short_names(["x.a.after.mean", "y.a.after.mean"]) == ["x.a.after.mean", "y.a.after.mean"]
    assert short_names(["horizon"]) == ["horizon"]
