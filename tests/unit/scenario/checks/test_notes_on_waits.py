"""Waiting lists and outcomes of waits where nobody has to wait: `check` says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.scenario import load

TEXT = """format: 1
title: Three wait for one slot on day 0
horizon: 60 days
states: {waiting: {}, away: {}}
patients: {number: 3, from_file: today.csv, arrive: {every: 10 days}, attributes: {age: 50}}
pathway:
  start: surgery
  stages:
    surgery: {state: waiting, needs: slot, events: {done: {after: {fixed: 7 days}, to: gone}}}
    gone: {state: away, terminal: true}
resources: {slot: {capacity: CAPACITY}}
outcomes: {wait: {waiting_for: slot}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "today.csv").write_text(
        "waiting_for,days_waiting,age\nsurgery,40,61\nsurgery,30,62\nsurgery,10,63\n"
    )
    return tmp_path


def notes(folder: Path, capacity: str) -> list[str]:
    file = folder / "a.yaml"
    file.write_text(TEXT.replace("CAPACITY", capacity))
    return [note for note in load(file).notes if "slot" in note]


def test_a_waiting_list_for_what_is_unlimited_is_noted(folder: Path) -> None:
    assert notes(folder, "unlimited") == [
        "the outcome `wait` is 0 days: `slot` is unlimited, so nobody waits for it: give it a `capacity`",
        "today's 3 patients who wait for `surgery` enter it on day 0: it needs `slot`, without a finite `capacity`",
    ]
    assert notes(folder, "1") == []
