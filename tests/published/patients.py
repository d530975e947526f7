"""Patients of a clinical scenario, read from the event log row by row, without the code of the outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
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
    """One row: its time, the event, the stage entered ("" if none), the attributes before and after.

    Rows between two changes of attributes share one mapping.
    """

    time: float
    event: str
    enters: str
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass
class Patient:
    """The steps of a patient in order."""

    number: int
    steps: list[Step] = field(default_factory=list)

    def entering(self, *stages: str) -> Iterator[Step]:
        return (step for step in self.steps if step.enters in stages)


def patients_of(log: EventLog) -> Iterator[Patient]:
    """Each patient of a log, one at a time."""
    names = log.names

    def value(attribute: int, number: float) -> Any:
        categories = names.categories[attribute]
        return categories[int(number)] if categories else float(number)

    for index in range(log.n_patients):
        patient = Patient(int(log.patient[index]))
        now = {name: value(a, log.at_start[index, a]) for a, name in enumerate(names.attributes)}
        for row in range(log.row_of[index], log.row_of[index + 1]):
            before = now
            for change in range(log.change_of[row], log.change_of[row + 1]):
                what = int(log.change_what[change])
                if what < len(names.attributes):
                    now = now if now is not before else dict(before)
                    now[names.attributes[what]] = value(what, log.change_value[change])
            entered = names.stages[log.stage_to[row]] if log.does[row] == ENTERS else ""
            event = names.events[log.event[row]]
            patient.steps.append(Step(float(log.time[row]), event, entered, before, now))
        yield patient


def cohort(file: str, settings: tuple[str, ...] = (), *, number: int = 4000) -> Iterator[Patient]:
    """The patients of a clinical scenario under these settings."""
    scenario = load(SCENARIOS / file, settings=(f"patients.number={number}", *settings))
    return patients_of(simulate(compile_pathway(scenario), seed=7).log)
