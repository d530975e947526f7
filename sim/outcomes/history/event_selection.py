"""Event selectors: the rows of the log that a scenario names."""

from __future__ import annotations

import numpy as np

from sim.event_log.log import ASKS, ENTERS, GRANTED, EventLog, Indices, ResourceUse
from sim.outcomes.history.conditions import holds
from sim.outcomes.history.history import NEVER, Flags, History
from sim.scenario.language.model import Among, EventSelector, Scenario


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


def broken_never(log: EventLog, use: ResourceUse, scenario: Scenario) -> tuple[int, EventSelector] | None:
    """The index of the first patient with an event that `never` forbids, and the selector.

    Of several for that patient the first in the log, then in the file; None if there is none.
    """
    history = History(log, use, scenario)
    found = [(int(rows(history, never)[0]), never) for never in scenario.never if len(rows(history, never))]
    if not found:
        return None
    row, never = min(found, key=lambda item: item[0])
    return int(history.patients(np.array([row]))[0]), never
