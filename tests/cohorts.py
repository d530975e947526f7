"""Cohorts for tests: scenarios written inside a test, their simulation, and queries of the event log by name."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.engine.run import Result, simulate
from sim.event_log.log import ENTERS, EventLog
from sim.pathway.tables import Pathway, compile_pathway
from sim.scenario import load
from sim.scenario.language.model import Scenario

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def sizes(short: int, *, long: int) -> list[Any]:
    """Values of one parameter of a test: a size for `make test`, and a larger one for `make test-long`."""
    return [pytest.param(short, id=str(short)), pytest.param(long, id=str(long), marks=pytest.mark.long)]


def written(
    stages: str,
    *,
    number: int = 1000,
    horizon: str = "100000 days",
    start: str = "",
    on_start: str = "[]",
    clocks: str = "{}",
    attributes: str = "{}",
    patients: str = "",
    resources: str = "{}",
) -> str:
    """The text of a scenario with these stages; it starts in the first of them."""
    lines = dedent(stages).strip()
    who = patients or f"{{number: {number}, attributes: {attributes}}}"
    return (
        f"format: 1\ntitle: A test\nhorizon: {horizon}\nstates: {{ill: {{}}, dead: {{}}}}\n"
        f"patients: {who}\nclocks: {clocks}\nresources: {resources}\n"
        f"pathway:\n  start: {start or lines.partition(':')[0]}\n  on_start: {on_start}\n  stages:\n"
        f"{indent(lines, '    ')}\n"
    )


def read(text: str) -> Scenario:
    """The scenario of a text."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "scenario.yaml")
        file.write_text(text, encoding="utf-8")
        return load(file)


def compiled(text: str) -> Pathway:
    """The pathway of a text."""
    return compile_pathway(read(text))


def run(text: str, **options: Any) -> Result:
    """Simulate the scenario of a text, on one worker by default."""
    return simulate(compiled(text), **{"workers": 1, **options})


def simulate_stages(
    stages: str, *, engine: str = "auto", seed: int = 1, replications: int = 1, **parts: Any
) -> EventLog:
    """The event log of the scenario with these stages; parts: see `written`."""
    return run(written(stages, **parts), engine=engine, seed=seed, replications=replications).log


# ---------------------------------------------------------------- queries of a log


def columns(log: EventLog) -> dict[str, bytes]:
    """Every array of a log as bytes, preceded by its type and shape."""
    arrays = {f.name: getattr(log, f.name) for f in fields(log) if f.name != "names"}
    return {name: f"{a.dtype.str}{a.shape}".encode() + a.tobytes() for name, a in arrays.items()}


def differing(one: EventLog, other: EventLog) -> list[str]:
    """The columns in which two logs differ in any byte."""
    others = columns(other)
    return [name for name, here in columns(one).items() if here != others[name]]


def rows_of(log: EventLog, event: str) -> NDArray[np.bool_]:
    """Which rows are of an event (`STAGE.EVENT`, `clock.CLOCK`, `start`, ...)."""
    return np.asarray(log.event == log.names.events.index(event))


def first_of(log: EventLog, which: NDArray[np.bool_]) -> Floats:
    """For each patient the time of the first of these rows; inf without one."""
    found = np.full(log.n_patients, np.inf)
    np.minimum.at(found, log.patient_of_row()[which], log.time[which])
    return found


def happened(log: EventLog, event: str) -> Floats:
    """For each patient the first time of an event; inf if it does not occur."""
    return first_of(log, rows_of(log, event))


def entered(log: EventLog, stage: str) -> Floats:
    """For each patient the first time in a stage; inf if it is not entered."""
    return first_of(log, (log.stage_to == log.names.stages.index(stage)) & (log.does == ENTERS))


def count(log: EventLog, event: str, *, until: float = np.inf) -> Counts:
    """For each patient the number of times an event occurs, up to a time."""
    which = rows_of(log, event) & (log.time <= until)
    return np.bincount(log.patient_of_row()[which], minlength=log.n_patients)


def stage_at(log: EventLog, time: float) -> NDArray[np.str_]:
    """For each patient the name of the stage at a time; a stage entered at this time counts."""
    which = np.flatnonzero((log.does == ENTERS) & (log.time <= time))
    last = np.full(log.n_patients, -1)
    np.maximum.at(last, log.patient_of_row()[which], which)
    return np.array(log.names.stages)[log.stage_to[last]]


def story(log: EventLog, patient: int) -> list[tuple[Any, ...]]:
    """The rows of a patient with names in place of codes, which do not depend on the order of the codes."""
    names = log.names
    rows: list[tuple[Any, ...]] = []
    for row in range(log.row_of[patient], log.row_of[patient + 1]):
        changes = []
        for change in range(log.change_of[row], log.change_of[row + 1]):
            what, value = int(log.change_what[change]), float(log.change_value[change])
            n = len(names.attributes)
            if what >= n + len(names.stamps):
                changes.append((f"to {names.resources[what - n - len(names.stamps)]}", value))
            elif what >= n:
                changes.append((f"since.{names.stamps[what - n]}", value))
            else:
                kinds = names.categories[what]
                changes.append((names.attributes[what], kinds[int(value)] if kinds else value))
        event, rule = names.events[log.event[row]], log.rule[row]
        stages = [names.stages[s] if s >= 0 else "" for s in (log.stage_from[row], log.stage_to[row])]
        rows.append(
            (
                float(log.time[row]),
                event,
                names.rules[rule] if rule >= 0 else "",
                *stages,
                int(log.does[row]),
                tuple(changes),
            )
        )
    return rows


def stories(log: EventLog) -> list[list[tuple[Any, ...]]]:
    """The story of every patient, in order."""
    return [story(log, i) for i in range(log.n_patients)]


# ---------------------------------------------------------------- statistics


def times_of(distribution: str, *, number: int, **parts: Any) -> Floats:
    """For each patient a time drawn from this distribution (`after` of an event); inf if it never occurs."""
    stages = f"""
        a: {{events: {{x: {{after: {distribution}, to: dead}}}}}}
        dead: {{terminal: true}}
    """
    return happened(simulate_stages(stages, number=number, **parts), "a.x")


def assert_share(observed: NDArray[np.bool_], expected: float) -> None:
    """A share is within five standard errors of its expected value; exact for 0 and 1."""
    share, n = float(np.mean(observed)), len(observed)
    bound = 5.0 * float(np.sqrt(expected * (1.0 - expected) / n))
    assert abs(share - expected) <= bound, f"{share:.6f}, expected {expected:.6f} within {bound:.6f}"


def assert_mean(observed: Any, expected: float) -> None:
    """A mean over independent patients or replications is within five of its standard errors."""
    sample = np.asarray(observed, dtype=np.float64)
    bound = 5.0 * float(np.std(sample, ddof=1) / np.sqrt(len(sample)))
    assert abs(sample.mean() - expected) <= bound, (
        f"{sample.mean():.6f}, expected {expected:.6f} within {bound:.6f}"
    )


def assert_survival(times: Floats, survival: Any, at: Any) -> None:
    """At each of some times, the share of later times is as expected. survival: a function, or the values."""
    expected = [survival(t) for t in at] if callable(survival) else survival
    for t, probability in zip(at, expected, strict=True):
        assert_share(times > t, float(probability))
