"""Patients' lives read off the event log row by row, with none of the code of the outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from sim.engine.run import simulate
from sim.event_log.log import ENTERS, EventLog
from sim.pathway.tables import compile_pathway
from sim.scenario import load

SCENARIOS = Path(__file__).parents[2] / "scenarios"
YEAR = 365.25


@dataclass
class Step:
    """One row: its time, the event, the stage entered ("" if none), the values before and after."""

    time: float
    event: str
    enters: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass
class Life:
    """A patient's steps in order."""

    number: int
    steps: list[Step] = field(default_factory=list)

    def entering(self, *stages: str) -> Iterator[Step]:
        return (step for step in self.steps if step.enters in stages)


def lives(log: EventLog) -> list[Life]:
    names = log.names

    def value(attribute: int, number: float) -> Any:
        categories = names.categories[attribute]
        return categories[int(number)] if categories else float(number)

    found = []
    for patient in range(log.n_patients):
        life = Life(int(log.patient[patient]))
        now = {name: value(a, log.at_start[patient, a]) for a, name in enumerate(names.attributes)}
        for row in range(log.row_of[patient], log.row_of[patient + 1]):
            before, now = now, dict(now)
            for change in range(log.change_of[row], log.change_of[row + 1]):
                what = int(log.change_what[change])
                if what < len(names.attributes):
                    now[names.attributes[what]] = value(what, log.change_value[change])
            entered = names.stages[log.stage_to[row]] if log.does[row] == ENTERS else ""
            event = names.events[log.event[row]]
            life.steps.append(Step(float(log.time[row]), event, entered, before, now))
        found.append(life)
    return found


@cache
def cohort(file: str, settings: tuple[str, ...] = (), patients: int = 4000) -> tuple[Life, ...]:
    """The lives of a clinical scenario under these settings."""
    scenario = load(SCENARIOS / file, settings=(f"patients.number={patients}", *settings))
    return tuple(lives(simulate(compile_pathway(scenario), seed=7).log))
