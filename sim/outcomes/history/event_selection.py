"""Event selectors: the rows of the log that a scenario names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.event_log.log import ASKS, ENTERS, GRANTED, EventLog, Floats, Indices, ResourceUse
from sim.outcomes.history.history import NEVER, Flags, History
from sim.scenario.language.model import (
    AllOf,
    Among,
    AnyOf,
    Condition,
    Covariate,
    EventSelector,
    NoneOf,
    Scalar,
    Scenario,
    Test,
)
from sim.units import DAYS_IN

COMPARE: dict[str, Callable[[Floats, float], Flags]] = {
    "is": np.equal,
    "is_not": np.not_equal,
    "at_least": np.greater_equal,
    "at_most": np.less_equal,
    "above": np.greater,
    "below": np.less,
}


def holds(history: History, condition: Condition | None, rows: Indices) -> Flags:
    """Whether a condition holds just after each row, shape [len(rows)]; None always does."""
    if condition is None:
        return np.ones(len(rows), bool)
    if isinstance(condition, Test):
        return _passes(history, condition, rows)
    parts = [holds(history, item, rows) for item in condition.items]
    if isinstance(condition, AllOf):
        return np.logical_and.reduce(parts) if parts else np.ones(len(rows), bool)
    held = np.logical_or.reduce(parts) if parts else np.zeros(len(rows), bool)
    assert isinstance(condition, AnyOf | NoneOf)
    return held if isinstance(condition, AnyOf) else ~held


def _passes(history: History, test: Test, rows: Indices) -> Flags:
    """A stamp never set (nan) fails every comparison, `is_not` too."""
    values = covariate(history, test.covariate, rows)
    if isinstance(test.value, tuple):
        wanted = [code(history, test.covariate, value) for value in test.value]
        return np.isin(values, wanted)
    passed = COMPARE[test.operator](values, code(history, test.covariate, test.value))
    return passed & ~np.isnan(values)


def covariate(history: History, what: Covariate, rows: Indices) -> Floats:
    """The value that a condition reads just after each row: float64, categories and stages as codes."""
    match what.kind:
        case "attribute":
            return history.attribute(what.name, rows)
        case "stage":
            return history.stage(rows).astype(np.float64)
        case "current_age":
            age = history.log.names.attributes.index("age")
            at_start: Floats = history.log.at_start[history.patients(rows), age]
            return at_start + history.log.time[rows] / DAYS_IN["year"]
        case "days_in_stage":
            return history.days_in_stage(rows)
        case "visits":
            return history.visits(what.name, rows).astype(np.float64)
        case "since":
            return history.log.time[rows] - history.stamp(what.name, rows)
        case "waited":
            return history.waited(what.name, rows)
        case "queue" | "free":
            return _of_resource(history, what, rows)
    raise ValueError(f"unknown covariate {what}")


def code(history: History, what: Covariate, value: Scalar) -> float:
    """A constant of a condition, as coded in the log."""
    names = history.log.names
    if what.kind == "stage":
        return float(names.stages.index(str(value)))
    if what.kind == "attribute" and isinstance(value, str):
        return float(names.categories[names.attributes.index(what.name)].index(value))
    return float(value)


def _of_resource(history: History, what: Covariate, rows: Indices) -> Floats:
    """Patients waiting for a resource, or its free units, at the end of the moment of each row."""
    log, use = history.log, history.use
    resource = next(r for r in history.scenario.resources if r.name == what.name)
    if resource.is_free:
        return np.full(len(rows), 0.0 if what.kind == "queue" else np.inf)
    own_rows = np.flatnonzero(use.resource == log.names.resources.index(what.name))
    patients = history.patients(rows)
    now = log.begins[patients] + log.time[rows]
    replications = np.arange(int(log.replication[0]), int(log.replication[-1]) + 2)
    of_rows = np.searchsorted(log.replication[patients], replications)
    of_changes = np.searchsorted(use.replication[own_rows], replications)
    last = np.empty(len(rows), np.int64)
    for i in range(len(replications) - 1):
        changes = own_rows[of_changes[i] : of_changes[i + 1]]
        here = slice(of_rows[i], of_rows[i + 1])
        last[here] = changes[np.searchsorted(use.time[changes], now[here], side="right") - 1]
    if what.kind == "queue":
        return use.queue[last].astype(np.float64)
    if resource.capacity is None:
        return np.full(len(rows), np.inf)
    return (use.capacity[last] - use.in_use[last]).astype(np.float64)


def rows(history: History, selector: EventSelector) -> Indices:
    """The rows of an event selector, in log order; `when` is read just after each."""
    if selector not in history.rows_of:
        found = _rows(history, selector)
        if selector.when is not None:
            found = found[holds(history, selector.when, found)]
        history.rows_of[selector] = found
    return history.rows_of[selector]


def _rows(history: History, selector: EventSelector) -> Indices:
    log, name = history.log, selector.name
    match selector.kind:
        case "start":
            return history.starts
        case "stage":
            return history.entries(name)
        case "asked":
            coming = (log.does == ASKS) | ((log.does == ENTERS) & (log.event != GRANTED))
            return np.flatnonzero(coming & (log.stage_to == log.names.stages.index(name)))
        case "state":
            return _into_state(history, name)
        case "event":
            return np.flatnonzero(log.event == log.names.events.index(name))
        case "clock":
            return np.flatnonzero(log.event == _clock(log, name))
        case "rule":
            return np.flatnonzero(log.rule == log.names.rules.index(name))
        case "any":
            found = np.zeros(log.n_rows, bool)
            for item in selector.items:
                found[rows(history, item)] = True
            return np.flatnonzero(found)
    raise ValueError(f"no selector is called {selector.kind}")


def _clock(log: EventLog, name: str) -> int:
    """Clocks come last, so that a stage may be called `clock`."""
    last = len(log.names.events) - 1
    return last - log.names.events[::-1].index(f"clock.{name}")


def _into_state(history: History, name: str) -> Indices:
    """Terminal stages are entered from outside only, so that their rows need no history."""
    stages = [stage for stage in history.scenario.stages if stage.state == name]
    if not all(stage.terminal for stage in stages):
        return history.entries_into_state(name)
    log = history.log
    found = np.zeros(log.n_rows, bool)
    for stage in stages:
        found |= log.stage_to == log.names.stages.index(stage.name)
    return np.flatnonzero(found & (log.does == ENTERS))


def qualify(history: History, among: Among | None) -> Flags:
    """The patients an outcome is about, shape [n_patients]; a condition is read just after the start."""
    if among is None:
        return np.ones(history.log.n_patients, bool)
    if among.ever is not None:
        ever: Flags = history.first_of_each(rows(history, among.ever)) != NEVER
        return ever
    return holds(history, among.condition, history.starts)


def first_violation(log: EventLog, use: ResourceUse, scenario: Scenario) -> tuple[int, EventSelector] | None:
    """The index of the first patient with an event that `never` forbids, and the selector.

    Of several for that patient the first in the log, then in the file; None if there is none.
    """
    history = History(log, use, scenario)
    found = [(int(rows(history, never)[0]), never) for never in scenario.never if len(rows(history, never))]
    if not found:
        return None
    row, never = min(found, key=lambda item: item[0])
    return int(history.patients(np.array([row]))[0]), never
