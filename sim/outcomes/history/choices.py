"""Values that depend on the patient, read on many rows of the log at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sim.errors import RunError
from sim.event_log.log import ENTERS, GRANTED, Codes, Floats, Indices
from sim.outcomes.history.history import History, code, covariate, holds
from sim.scenario.language.model import (
    Amount,
    By,
    Cases,
    Condition,
    Covariate,
    Effect,
    Event,
    Test,
    Value,
    events_of,
)


def evaluate(history: History, value: Value[float], rows: Indices) -> Floats:
    """The value just after each row, shape [len(rows)].

    Raises: RunError where a choice by an attribute has no entry for a patient's value.
    """
    if isinstance(value, By):
        return _by(history, value, rows)
    if isinstance(value, Cases):
        return _cases(history, value, rows)
    return np.full(len(rows), float(value))


def _by(history: History, value: By[float], rows: Indices) -> Floats:
    found = np.empty(len(rows))
    codes = covariate(history, value.covariate, rows)
    is_open = np.ones(len(rows), bool)
    for key, entry in value.entries:
        mask = is_open & (codes == code(history, value.covariate, key))
        found[mask] = evaluate(history, entry, rows[mask])
        is_open &= ~mask
    if is_open.any():
        if value.rest is None:
            missing = codes[is_open][0]
            raise RunError(f"{value.where}: no entry for {value.covariate} {missing:g}, which a patient has")
        found[is_open] = evaluate(history, value.rest, rows[is_open])
    return found


def _cases(history: History, value: Cases[float], rows: Indices) -> Floats:
    found = np.empty(len(rows))
    is_open = np.arange(len(rows))
    for condition, item in value.items:
        mask = holds(history, condition, rows[is_open])
        found[is_open[mask]] = evaluate(history, item, rows[is_open[mask]])
        is_open = is_open[~mask]
    return found


def by_category(amount: Amount | None, *, other: str) -> Iterator[tuple[str, Value[float]]]:
    """The categories of a cost with the amount of each; `other` for an amount without one."""
    if isinstance(amount, Mapping):
        yield from amount.items()
    elif amount is not None:
        yield other, amount


def covariates(value: Value[Any]) -> Iterator[Covariate]:
    """Every covariate that a value may read."""
    if isinstance(value, By):
        yield value.covariate
        for entry in (*(item for _, item in value.entries), value.rest):
            if entry is not None:
                yield from covariates(entry)
    elif isinstance(value, Cases):
        for condition, item in value.items:
            yield from _of_condition(condition)
            yield from covariates(item)


def _of_condition(condition: Condition | None) -> Iterator[Covariate]:
    if isinstance(condition, Test):
        yield condition.covariate
    elif condition is not None:
        for item in condition.items:
            yield from _of_condition(item)


class WhileLeaving(History):
    """A history read after an event's `do` and before the next stage's `on_entry`.

    A row of the log has the changes of both, in their order. A change belongs to the one that can make
    it; where both can change the same attribute, the first changes belong to `do`, as many as it has
    actions.
    """

    def __init__(self, history: History) -> None:
        # Columns known so far are the same; the rows of selectors depend on when a row is read
        vars(self).update(vars(history), rows_of={})
        scenario, names = history.scenario, history.log.names
        events = dict(events_of(scenario))
        self._do = [_effects(events, name, scenario.on_start) for name in names.events]
        self._on_entry = [scenario.stage(name).on_entry for name in names.stages]

    def attribute(self, name: str, rows: Indices) -> Floats:
        """The value of an attribute after the `do` of each row's event."""
        what = self.log.names.attributes.index(name)
        before = self.log.at_start[self.patients(rows), what]
        return self._after_do(what, name, ("set", "add", "copy", "draw"), rows, before)

    def stamp(self, name: str, rows: Indices) -> Floats:
        """The time of a stamp after the `do` of each row's event, nan where it was never set."""
        if name == "start":
            return np.zeros(len(rows))
        what = len(self.log.names.attributes) + self.log.names.stamps.index(name)
        return self._after_do(what, name, ("stamp",), rows, np.full(len(rows), np.nan))

    def _after_do(
        self, what: int, name: str, words: tuple[str, ...], rows: Indices, at_start: Floats
    ) -> Floats:
        log = self.log
        is_first = rows == self.starts[self.patients(rows)]
        before = np.where(is_first, at_start, self._filled(what, np.maximum(rows - 1, 0), at_start))
        own = np.array([_actions(effects, name, words) for effects in self._do])[log.event[rows]]
        entry = np.array([_actions(effects, name, words) for effects in self._on_entry])
        enters = (log.does[rows] == ENTERS) & (log.event[rows] != GRANTED)
        entered = np.where(enters, entry[log.stage_to[rows]], 0)
        found = np.where(entered == 0, self._filled(what, rows, at_start), before)
        both = np.flatnonzero((entered > 0) & (own > 0))
        if len(both):
            changed = np.flatnonzero(log.change_what == what)
            of_row = np.searchsorted(log.change_of, changed, side="right") - 1
            first = np.searchsorted(of_row, rows[both])
            n = np.searchsorted(of_row, rows[both], side="right") - first
            n_own = np.minimum(n, own[both])
            last = np.append(changed, 0)[np.maximum(first + n_own - 1, 0)]
            found[both] = np.where(n_own > 0, np.append(log.change_value, 0.0)[last], before[both])
        return found

    def stage(self, rows: Indices) -> Codes:
        """The stage that each row leaves, or stays in."""
        left = self.log.stage_from[rows]
        return np.where(left >= 0, left, super().stage(rows))

    def days_in_stage(self, rows: Indices) -> Floats:
        """Days since that stage was entered; 0 for a decision."""
        before = np.maximum(rows - 1, self.starts[self.patients(rows)])
        position = self.latest(self.stage_spells.row, before)
        begun = self.stage_spells.row[position]
        days = np.where(position >= 0, self.log.time[rows] - self.log.time[begun], 0.0)
        is_first = (position >= 0) & (begun == self.starts[self.patients(rows)])
        days += np.where(is_first, self.days_before[self.patients(rows)], 0.0)
        left = self.log.stage_from[rows]
        return np.where((left >= 0) & self.is_decision[left], 0.0, days)

    def visits(self, stage: str, rows: Indices) -> Indices:
        """Entries into the stage before each row."""
        code_of_stage = self.log.names.stages.index(stage)
        enters = (self.log.does[rows] == ENTERS) & (self.log.stage_to[rows] == code_of_stage)
        before: Indices = super().visits(stage, rows) - enters
        return before

    def waited(self, stage: str, rows: Indices) -> Floats:
        """Days of the last wait for a stage that had ended before each row, else 0."""
        is_first = rows == self.starts[self.patients(rows)]
        return np.where(is_first, 0.0, super().waited(stage, np.maximum(rows - 1, 0)))


def _effects(events: Mapping[str, Event], name: str, on_start: Sequence[Effect]) -> Sequence[Effect]:
    """What an event of the log does; `start` runs `on_start`, the engine's own events run nothing."""
    if name in events:
        return events[name].do
    return on_start if name == "start" else ()


def _actions(effects: Sequence[Effect], name: str, words: tuple[str, ...]) -> int:
    """The number of actions that may change an attribute, or set a stamp."""
    return sum(
        action.target == name and action.word in words for effect in effects for action in effect.actions
    )


def units_needed(history: History, resource: str, rows: Indices) -> Floats:
    """The units of a resource that each row's next stage needs, read before it is entered."""
    log, leaving = history.log, WhileLeaving(history)
    found = np.zeros(len(rows))
    for index, name in enumerate(log.names.stages):
        for need in history.scenario.stage(name).needs:
            if need.resource == resource:
                here = np.flatnonzero(log.stage_to[rows] == index)
                here = here[holds(leaving, need.when, rows[here])]
                found[here] += evaluate(leaving, need.units, rows[here])
    return found
