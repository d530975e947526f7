"""A sweep: what its options mean, what its cells are, and how each differs from the reference."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from sim.report.tables.sweep_tables import (
    answers,
    by_effect,
    long_table,
    print_one_more,
    print_sweep,
    short_names,
)

import sim.runs.sweep
from sim.errors import InputError, RunError, ScenarioError
from sim.event_log.log import ASKS, ENTERS, LEAVES, STAYS, EventLog
from sim.files import json_text
from sim.runs import comparison
from sim.runs.request import RunRequest
from sim.runs.simulation import Simulation, live
from sim.runs.simulation import carry_out as run
from sim.runs.sweep import AS_IT_STANDS, Sweep, Variation, carry_out, grid, one_unit_more, variations
from tests.simulated import OVERLOAD

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
    asked = RunRequest(written(folder, text), **options)
    varied = variations(asked, over, cells, one_more=one_more)
    done = carry_out(asked, varied, outcomes=outcomes, step=lambda name: None, share=lambda share: None)
    json.dumps(done.table, allow_nan=False)
    return done


def written(folder: Path, text: str) -> Path:
    file = folder / "ward.yaml"
    file.write_text(text)
    return file


def alone(folder: Path, text: str, *settings: str, **options: Any) -> Simulation:
    asked = RunRequest(written(folder, text), settings=settings, **options)
    done = run(asked, step=lambda name: None, share=lambda share: None)
    assert isinstance(done, Simulation)
    return done


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
    assert [variation.name for variation in one_unit_more(scenario)] == [
        "resources.slot.capacity=3",
        "resources.bed.capacity=4",
    ]
    slot = replace(scenario.resources[0], capacity=((0.0, 2), (365.25, 4)))
    stepped = one_unit_more(replace(scenario, resources=(slot,)))
    assert stepped == [Variation((("resources.slot.capacity", "{0.0 days: 3, 365.25 days: 5}"),))]


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
    assert done.table["reference"] == "resources.slot.capacity=1"
    assert done.table["as_it_stands"] == {"resources.slot.capacity": "1"}
    same = alone(tmp_path, CENTRE, "resources.slot.capacity=2", "resources.bed.capacity=5").summary
    assert done.table["cells"]["resources.slot.capacity=2"]["summary"] == same


# ---------------------------------------------------------------- what a cell is


@pytest.mark.parametrize(("text", "replications"), [(WARD, 1), (WARD, 3), (CENTRE, 3)])
def test_a_cell_is_the_scenario_run_alone_to_the_byte(tmp_path: Path, text: str, replications: int) -> None:
    path = "parameters.p_home.value=0.5,0.9" if text is WARD else "resources.slot.capacity=3,4"
    done = swept(tmp_path, text, [path], replications=replications)
    assert next(iter(done.table["cells"])) == AS_IT_STANDS
    for name, cell in done.table["cells"].items():
        settings = [] if name == AS_IT_STANDS else [name]
        summary = alone(tmp_path, text, *settings, replications=replications).summary
        assert json_text(cell["summary"]) == json_text(summary)
        for outcome, told in cell["outcomes"].items():
            entry = summary["outcomes"][outcome]
            assert (told["estimate"], told["interval"]) == (entry["estimate"], entry["interval"])


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"replications": 3, "one_more": True}
    one = swept(tmp_path, CENTRE, workers=1, **options)
    monkeypatch.setattr(sim.runs.sweep, "WORTH_A_PROCESS", 1)
    used = []
    in_processes = sim.runs.sweep.in_processes
    monkeypatch.setattr(
        sim.runs.sweep, "in_processes", lambda *args, **kw: (used.append(1), in_processes(*args, **kw))
    )
    assert json_text(swept(tmp_path, CENTRE, workers=2, **options).table) == json_text(one.table)
    assert used


def test_a_value_that_changes_nothing_is_the_reference(tmp_path: Path) -> None:
    done = swept(tmp_path, WARD, ["parameters.p_home.value=0.6,0.7"])
    assert done.table["reference"] == "parameters.p_home.value=0.7"
    assert list(done.table["cells"]) == ["parameters.p_home.value=0.6", "parameters.p_home.value=0.7"]
    reference = done.table["cells"]["parameters.p_home.value=0.7"]["outcomes"]
    assert {told["difference"]["difference"] for told in reference.values()} == {0.0}


# ---------------------------------------------------------------- differences


@pytest.mark.parametrize(("text", "replications"), [(WARD, 1), (WARD, 4), (CENTRE, 4)])
def test_differences_are_those_of_a_comparison(tmp_path: Path, text: str, replications: int) -> None:
    setting = "parameters.p_home.value=0.8" if text is WARD else "resources.slot.capacity=4"
    cell = swept(tmp_path, text, [setting], replications=replications).table["cells"][setting]
    asked = RunRequest(written(tmp_path, text), replications=replications)
    arms = [
        comparison.Source(name, replace(asked, settings=settings))
        for name, settings in (("ward", ()), ("ward 2", (setting,)))
    ]
    both = comparison.carry_out(arms, at=asked.at, step=lambda name: None, share=lambda share: None)
    assert isinstance(both, comparison.Comparison)
    assert "grades" not in cell["outcomes"]  # shares of categories are no one number
    for name, told in cell["outcomes"].items():
        expected = both.table["outcomes"][name]["differences"]["ward 2"]
        assert told["difference"]["standard_error"] > 0
        for key in ("difference", "standard_error", "interval", "independent_interval", "interval_kind"):
            assert told["difference"][key] == expected[key]


def test_other_patients_are_paired_over_replications_alone(tmp_path: Path) -> None:
    rate = "patients.arrive.poisson=0.4 per day"
    one = swept(
        tmp_path,
        CENTRE.replace("slot: {capacity: 2}", "slot: {capacity: unlimited}").replace(
            "bed: {capacity: 3}", "bed: {capacity: unlimited}"
        ),
        [rate],
    )
    told = one.table["cells"][rate]["outcomes"]["survival"]["difference"]
    assert told["interval"] is None
    assert told["interval_note"].startswith("its patients are not those of the reference (arrivals)")
    several = swept(tmp_path, CENTRE, [rate], replications=3)
    told = several.table["cells"][rate]["outcomes"]["slot_wait"]["difference"]
    assert told["interval"][0] < told["difference"] < told["interval"][1]


def test_other_times_and_other_outcomes_have_no_difference(tmp_path: Path) -> None:
    outcome = "outcomes.survival={from: start, until: {state: well}}"
    table = swept(tmp_path, WARD, cells=["horizon=2 years", outcome]).table["cells"]
    told = table["horizon=2 years"]["outcomes"]["ever_home"]["difference"]
    assert told["difference"] is None
    assert told["interval_note"] == "the horizon is 3 years in the reference and 2 years in this cell"
    told = table[outcome]["outcomes"]["survival"]["difference"]
    assert told["interval_note"] == "this cell defines it otherwise"
    assert table[outcome]["outcomes"]["ever_home"]["difference"]["difference"] == 0.0


def test_a_shared_resource_in_one_replication_has_no_interval(tmp_path: Path) -> None:
    table = swept(tmp_path, CENTRE, one_more=True).table
    told = table["cells"]["resources.slot.capacity=3"]["burden"]["waiting_days"]
    assert (told["interval"], told["difference"]["interval"]) == (None, None)
    assert told["difference"]["interval_note"].startswith("patients share slot, bed")


def test_curves_are_read_where_somebody_who_counts_is_observed(tmp_path: Path) -> None:
    # everybody who could be observed for two years starts in the warm-up
    text = CENTRE.replace("number: 150", "number: 400").replace("warm_up: 100 days", "warm_up: 1 years")
    told = alone(tmp_path, text, replications=2).summary["outcomes"]["survival"]
    assert told["estimate_days"] == 182.625
    assert told["estimate"] is not None


# ---------------------------------------------------------------- what waiting does


def test_the_burden_of_waiting_counted_by_hand(tmp_path: Path) -> None:
    burden = swept(tmp_path, CENTRE, one_more=True).table["cells"][AS_IT_STANDS]["burden"]
    asked_for = RunRequest(tmp_path / "ward.yaml")
    _, result, _ = live(asked_for, step=lambda name: None, share=lambda share: None)
    log = result.log
    counted = [i for i in range(log.n_patients) if log.begins[i] >= 100]
    lives = [counted_by_hand(log, i) for i in counted]
    days, lost, alive = (sum(column) / len(lives) for column in zip(*lives, strict=True))
    assert days > 10
    assert lost > 0.05
    assert burden["waiting_days"]["estimate"] == pytest.approx(days)
    assert burden["lost_waiting"]["estimate"] == pytest.approx(lost)
    assert burden["life_years"]["estimate"] == pytest.approx(alive / 365.25)


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
    table = swept(tmp_path, CENTRE, one_more=True, replications=5).table
    ranked = [next(iter(of["changes"])) for _, of in by_effect(table, "waiting_days")]
    assert ranked == ["resources.slot.capacity", "resources.bed.capacity"]
    saved = [
        -of["burden"]["waiting_days"]["difference"]["difference"]
        for _, of in by_effect(table, "waiting_days")
    ]
    assert saved[0] > saved[1]
    first = next(answers(table))
    assert first.startswith("One more slot saves most waiting days: ")
    assert "(95% interval " in first


TWO_DESKS = """\
format: 1
title: Two desks
horizon: 300 days
states: {here: {}, gone: {}}
patients: {arrive: {poisson: 1.6 per day, for: 300 days}}
pathway:
  start: choice
  stages:
    choice: {decide: {left: 0.5, right: rest}}
    left: {state: here, needs: left, events: {done: {after: {exponential: {mean: 1 days}}, to: out}}}
    right: {state: here, needs: right, events: {done: {after: {exponential: {mean: 1 days}}, to: out}}}
    out: {state: gone, terminal: true}
resources: {left: {capacity: 1}, right: {capacity: 1}}
outcomes: {served: {ever: {stage: out}}}
"""


def test_one_replication_names_no_unit_as_the_one_that_does_most(tmp_path: Path) -> None:
    (said,) = answers(swept(tmp_path, TWO_DESKS, one_more=True).table)
    assert said.startswith("One replication cannot tell which single unit does most")
    assert "`--replications 20`" in said


def test_the_unit_that_does_most_is_told_with_those_it_is_not_told_apart_from(tmp_path: Path) -> None:
    """Two desks alike, each with four patients for five it could serve; then one with one for five."""
    alike = next(answers(swept(tmp_path, TWO_DESKS, one_more=True, replications=6).table))
    assert re.fullmatch(
        r"One more (left|right) saves most waiting days: .*, but is not told apart from (left|right)\.", alike
    )
    text = TWO_DESKS.replace("1.6 per day", "1 per day").replace("left: 0.5", "left: 0.8")
    told = swept(tmp_path, text, one_more=True, replications=6).table
    apart = next(answers(told))
    assert apart.startswith("One more left saves most waiting days: ")
    assert apart.endswith(").")
    for of in told["cells"].values():
        burden = of["burden"]["waiting_days"]
        assert len(burden["by_replication"]) == 6
        assert sum(burden["by_replication"]) / 6 == pytest.approx(burden["estimate"])


def test_where_the_first_is_not_sure_those_that_are_stand_for_it() -> None:
    def cell(name: str, *saved: float) -> dict[str, Any]:
        values = np.array(saved)
        half = 2.776 * np.std(values, ddof=1) / np.sqrt(len(values))  # Student's, of five values
        apart = {"difference": -values.mean(), "interval": [-values.mean() - half, -values.mean() + half]}
        waiting = {"difference": apart, "by_replication": [9.0 - days for days in saved]}
        return {"changes": {f"resources.{name}.capacity": "2"}, "burden": {"waiting_days": waiting}}

    bed, slot = cell("bed", 9.0, -5.0, 4.0, 0.0, 2.0), cell("slot", 1.0, 1.1, 0.9, 1.2, 0.8)
    told = {"reference": "r", "replications": 5, "cells": {"r": {}, "b": bed, "s": slot}}
    assert list(answers(told)) == [
        "Not told is which single unit saves most waiting days; shown to make a difference: slot."
    ]


# ---------------------------------------------------------------- queues that do not settle


def test_cells_whose_queues_do_not_settle_are_named(tmp_path: Path) -> None:
    told = swept(tmp_path, OVERLOAD, ["resources.server.capacity=1,3,4"], replications=2).table
    grows = [name for name, of in told["cells"].items() if "steady_state_note" in of["outcomes"]["wait"]]
    assert grows == ["resources.server.capacity=1"]
    (note,) = told["notes"]
    assert note.startswith(
        "the queue for server does not settle in 1 of 3 cells (resources.server.capacity=1): "
    )
    for name, of in told["cells"].items():
        apart = of["outcomes"]["wait"]["difference"]["steady_state_note"]
        assert apart.startswith("the queue" if name in grows else "in the reference, the queue")
        assert "steady_state_note" not in of["outcomes"]["served"]
    assert f"Note: {note}" in shown(print_sweep, told)


def test_one_unit_more_that_is_too_little_says_so(tmp_path: Path) -> None:
    text = OVERLOAD.replace("poisson: 2 per day", "poisson: 4 per day")
    told = swept(tmp_path, text, one_more=True, replications=2).table
    (note,) = told["notes"]
    assert note.startswith("the queue for server does not settle in any cell: ")
    assert f"Note: {note}" in shown(print_one_more, told)


def test_nothing_is_noted_where_every_queue_settles(tmp_path: Path) -> None:
    three = OVERLOAD.replace("capacity: 1", "capacity: 3")
    told = swept(tmp_path, three, ["resources.server.capacity=4"], replications=2).table
    assert told["notes"] == []


def shown(prints: Callable[[Any, Console], None], told: Any) -> str:
    console = Console(file=io.StringIO(), width=80)
    prints(told, console)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().split())


# ---------------------------------------------------------------- what goes wrong


def test_every_cell_that_is_no_scenario_is_told_before_any_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sim.runs.sweep, "simulate", lambda *args, **kw: pytest.fail("a cell was simulated"))
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
    failed = done.table["cells"]["parameters.p_home.value=1"]["failed"]
    assert failed.startswith("entering home is forbidden by `never`, and happened to patient ")
    assert "summary" in done.table["cells"]["parameters.p_home.value=0"]
    with pytest.raises(RunError, match="is forbidden"):
        swept(tmp_path, text, ["parameters.p_home.value=0.8"])


def test_an_outcome_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean `survival`"):
        swept(tmp_path, WARD, ["horizon=2 years"], outcomes=["surviving"])


# ---------------------------------------------------------------- tables


def test_the_long_table_has_a_row_for_each_cell_and_outcome(tmp_path: Path) -> None:
    over = ["resources.slot.capacity=2,3", "resources.bed.capacity=3,4"]
    done = swept(tmp_path, CENTRE, over, outcomes=["slot_wait"], replications=3)
    rows = list(csv.DictReader(io.StringIO(long_table(done.table))))
    assert len(rows) == 4 * (1 + 3)
    assert [row["is_reference"] for row in rows[:4]] == ["true"] * 4
    row = next(r for r in rows if r["resources.slot.capacity"] == "3" and r["outcome"] == "slot_wait")
    told = done.table["cells"][row["cell"]]["outcomes"]["slot_wait"]
    assert float(row["difference_low"]) == told["difference"]["interval"][0]
    assert float(row["estimate"]) == told["estimate"]


def test_paths_are_called_by_what_tells_them_apart() -> None:
    assert short_names(["resources.a.capacity", "resources.b.capacity"]) == ["a.capacity", "b.capacity"]
    assert short_names(["x.a.after.mean", "y.a.after.mean"]) == ["x.a.after.mean", "y.a.after.mean"]
    assert short_names(["horizon"]) == ["horizon"]
