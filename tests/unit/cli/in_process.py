"""The command run in this process, and what its tests have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sim.runs.run

SCENARIO = """\
format: 1
title: A ward
horizon: 2 years
states: {alive: {label: alive}, dead: {label: dead}}
patients:
  number: 40
  attributes: {grade: 1}
pathway:
  start: ward
  stages:
    ward:
      state: alive
      events:
        home: {after: {exponential: {mean: 20 days}}, do: [{set: {grade: 3}}], to: home}
        death: {after: {exponential: {mean: 90 days}}, to: dead}
    home: {state: alive, events: {death: {after: {exponential: {mean: 1 year}}, to: dead}}}
    dead: {state: dead, terminal: true}
outcomes:
  overall_survival: {from: start, until: {state: dead}}
"""


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


Allpath = Callable[..., Ended]


def stops_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: Any, **kwargs: Any) -> None:
        raise error

    instead_of_simulating(stop, monkeypatch)


def instead_of_simulating(act: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sim.runs.run, "simulate_in_batches", act)


def names_in(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def quick(ward: Path) -> Path:
    other = ward.with_name("quick.yaml")
    other.write_text(
        f"format: 1\ntitle: A quick ward\nbased_on: {ward.name}\n"
        "changes: {pathway.stages.ward.events.home.after.exponential.mean: 5 days}\n"
    )
    return other
