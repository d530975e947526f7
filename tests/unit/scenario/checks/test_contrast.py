"""What differs between two scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.scenario import load
from sim.scenario.checks.together import contrast

BASE = """\
format: 1
title: Base
horizon: 1 years
states: {alive: {}, dead: {}}
patients: {number: 10}
parameters:
  p: {value: 0.5, status: assumed}
pathway:
  start: ward
  stages:
    ward:
      state: alive
      events:
        death: {after: {exponential: {rate: 1 per year}}, chance: $p, to: dead}
        leave: {after: {fixed: 100 days}, chance: $p, to: dead}
    dead: {state: dead, terminal: true}
outcomes: {os: {from: start, until: {state: dead}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    for name, value in (("x", 0.6), ("y", 0.7)):
        changes = f"{{parameters.p.value: {value}, horizon: 2 years}}"
        (tmp_path / f"{name}.yaml").write_text(
            f"format: 1\ntitle: {name}\nbased_on: base.yaml\nchanges: {changes}\n"
        )
    (tmp_path / "again.yaml").write_text(
        BASE.replace("100 days", "90 days").replace("title: Base", "title: Again")
    )
    return tmp_path


def told(one, other) -> list[tuple[str, str, str]]:
    return [(change.path, change.old, change.new) for change in contrast(one, other)]


def test_a_layer_is_named_as_it_is_written(folder: Path) -> None:
    base, x = load(folder / "base.yaml"), load(folder / "x.yaml")
    assert told(base, x) == [("parameters.p.value", "0.5", "0.6"), ("horizon", "1 years", "2 years")]
    assert told(x, base) == [("parameters.p.value", "0.6", "0.5"), ("horizon", "2 years", "1 years")]


def test_two_layers_on_one_base(folder: Path) -> None:
    assert told(load(folder / "x.yaml"), load(folder / "y.yaml")) == [("parameters.p.value", "0.6", "0.7")]


def test_settings_count_where_they_differ(folder: Path) -> None:
    base = folder / "base.yaml"
    assert told(load(base, settings=["parameters.p.value=0.1"]), load(base)) == [
        ("parameters.p.value", "0.1", "0.5")
    ]
    assert told(load(base, settings=["horizon=3 years"]), load(base, settings=["horizon=3 years"])) == []


def test_files_of_their_own_are_compared_as_resolved(folder: Path) -> None:
    found = told(load(folder / "base.yaml"), load(folder / "again.yaml"))
    assert found == [("pathway.stages.ward.events.leave.after.fixed", "100 days", "90 days")]


def test_what_only_one_has(folder: Path) -> None:
    text = BASE.replace("outcomes: {os:", "outcomes: {died: {ever: {stage: dead}}, os:").replace(
        ", number: 10", ""
    )
    (folder / "more.yaml").write_text(text)
    base, more = load(folder / "base.yaml"), load(folder / "more.yaml")
    assert told(base, more) == [("outcomes.died", "", "{label: died, ever: {stage: dead}}")]
    assert told(more, base) == [("outcomes.died", "{label: died, ever: {stage: dead}}", "")]
