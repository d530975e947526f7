"""Deadlocks: every resource of a ring is waited for while the one before it is held."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sim.scenario import load

HEAD = """\
format: 1
title: Two wards
horizon: 1 years
states: {here: {}, gone: {}}
patients: {arrive: {poisson: 0.5 per day, for: 300 days}, attributes: {first_a: {bernoulli: 0.5}}}
outcomes: {out: {ever: {stage: out}}}
"""
TWO = "{bed_a: {capacity: 1}, bed_b: {capacity: 1}}"
KEPT = "{bed_a: {capacity: 1, release: when_next_granted}, bed_b: {capacity: 1, release: when_next_granted}}"
A_TO_B = "who holds `bed_a` may wait for `bed_b`"


def stage(name: str, needs: str, to: str, more: str = "") -> str:
    return (
        f"    {name}: {{state: here, needs: {needs}, "
        f"events: {{done_{name}: {{after: {{exponential: {{mean: 1 days}}}}, to: {to}}}}}{more}}}"
    )


def notes(tmp_path: Path, resources: str, *stages: str, extra: str = "") -> Sequence[str]:
    """The notes of a scenario whose patients begin in the stages `a` and `b`."""
    file = tmp_path / "wards.yaml"
    file.write_text(
        "\n".join(
            [
                HEAD + extra + "pathway:\n  start: which\n  stages:",
                "    which: {state: here, decide: [{name: is_a, when: {first_a: true}, to: a}, {name: is_b, to: b}]}",
                *stages,
                "    out: {state: gone, terminal: true}",
                f"resources: {resources}\n",
            ]
        )
    )
    return load(file).notes


def test_each_first_takes_what_the_other_takes_second(tmp_path: Path) -> None:
    both = stage("both", "[bed_a, bed_b]", "out")
    (note,) = notes(tmp_path, TWO, stage("a", "bed_a", "both"), stage("b", "bed_b", "both"), both)
    assert (
        f"{A_TO_B} (from `a` to `both`), and a patient who holds `bed_b` for `bed_a` (from `b` to `both`)"
        in note
    )


def test_all_in_one_order_never_wait_for_one_another(tmp_path: Path) -> None:
    both = stage("both", "[bed_a, bed_b]", "out")
    assert notes(tmp_path, TWO, stage("a", "bed_a", "both"), stage("b", "bed_a", "both"), both) == ()


def test_what_is_asked_for_together_is_not_held_meanwhile(tmp_path: Path) -> None:
    assert (
        notes(tmp_path, TWO, stage("a", "[bed_a, bed_b]", "out"), stage("b", "[bed_b, bed_a]", "out")) == ()
    )


@pytest.mark.parametrize(("resources", "noted"), [(TWO, 0), (KEPT, 1)])
def test_an_exchange_of_beds_stands_still_where_they_are_kept(
    tmp_path: Path, resources: str, noted: int
) -> None:
    found = notes(tmp_path, resources, stage("a", "bed_a", "b"), stage("b", "bed_b", "{a: 0.5, out: rest}"))
    assert len(found) == noted


def test_a_bed_that_is_needed_all_along_is_there_on_the_way_back(tmp_path: Path) -> None:
    """The remedy: who comes back finds the bed kept, and waits for nothing."""
    ward, care = stage("a", "bed_a", "b"), stage("b", "[bed_a, bed_b]", "{a: 0.5, out: rest}")
    assert notes(tmp_path, KEPT, ward, care) == ()


@pytest.mark.parametrize("bed_b", ["{capacity: unlimited}", "{capacity: unlimited, open: weekdays}"])
def test_without_a_limit_every_wait_ends_by_itself(tmp_path: Path, bed_b: str) -> None:
    both = stage("both", "[bed_a, bed_b]", "out")
    resources = f"{{bed_a: {{capacity: 1}}, bed_b: {bed_b}}}"
    assert notes(tmp_path, resources, stage("a", "bed_a", "both"), stage("b", "bed_b", "both"), both) == ()


def test_decisions_are_gone_through(tmp_path: Path) -> None:
    board = "    board: {decide: [{name: young, when: {first_a: true}, to: b}, {name: old, to: [{name: back, when: {first_a: false}, to: a}, {to: out}]}]}"
    (note,) = notes(tmp_path, KEPT, stage("a", "bed_a", "board"), stage("b", "bed_b", "board"), board)
    assert (
        f"{A_TO_B} (from `a` to `b`), and a patient who holds `bed_b` for `bed_a` (from `b` to `a`)" in note
    )


def test_clocks_lead_on_as_events_do(tmp_path: Path) -> None:
    clock = "clocks: {worse: {in: [b], after: {fixed: 1 days}, to: a}}\n"
    starts = stage("a", "bed_a", "b", ", on_entry: [{start: worse}]")
    ends = stage("b", "bed_b", "out")
    (note,) = notes(tmp_path, KEPT, starts, ends, extra=clock)
    assert "who holds `bed_b` for `bed_a` (from `b` to `a`)" in note


def test_a_queue_may_be_left_for_another(tmp_path: Path) -> None:
    """From `a` one waits for `hall`, and out of that queue for `b`, all the time with bed_a in hand."""
    resources = KEPT.replace("}}", "}, hall: {capacity: 1}}")
    gives_up = ", while_waiting: {gives_up: {after: {fixed: 1 days}, to: b}}"
    hall = stage("hall", "hall", "out", gives_up)
    found = notes(tmp_path, resources, stage("a", "bed_a", "hall"), stage("b", "bed_b", "a"), hall)
    assert [A_TO_B in note and "(from `a` to `b`)" in note for note in found] == [True]


def test_a_ring_of_three(tmp_path: Path) -> None:
    resources = KEPT.replace("}}", "}, bed_c: {capacity: 2, release: when_next_granted}}")
    c = stage("c", "bed_c", "{a: 0.5, out: rest}")
    (note,) = notes(tmp_path, resources, stage("a", "bed_a", "b"), stage("b", "bed_b", "c"), c)
    ring = "for `bed_b` (from `a` to `b`), and a patient who holds `bed_b` for `bed_c` (from `b` to `c`), and a patient who holds `bed_c` for `bed_a`"
    assert ring in note


def test_the_same_condition_holds_in_both_stages(tmp_path: Path) -> None:
    """Who needs bed_a there had it here; another condition may be one that did not hold here."""
    mine = "{when: {first_a: true}, resource: bed_a}"
    other = mine.replace("true", "false")
    a, back = stage("a", f"[{mine}, bed_b]", "c"), stage("b", "bed_a", "d")
    d = stage("d", "[bed_a, bed_b]", "out")
    assert notes(tmp_path, TWO, a, back, stage("c", f"[{mine}, bed_b]", "out"), d) == ()
    assert len(notes(tmp_path, TWO, a, back, stage("c", f"[{other}, bed_b]", "out"), d)) == 1


def test_a_stage_that_nobody_reaches_is_not_asked(tmp_path: Path) -> None:
    both = stage("both", "[bed_a, bed_b]", "out")
    unused = "leftovers: true\n"
    found = notes(
        tmp_path,
        TWO,
        stage("a", "bed_a", "both"),
        stage("b", "bed_a", "out"),
        stage("nobody", "bed_b", "both"),
        both,
        extra=unused,
    )
    assert found == ("the stage `nobody` cannot be reached",)
