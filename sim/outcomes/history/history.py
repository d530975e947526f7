"""The event log with what follows from it: the patient of each row, and the state just after it.

The log keeps changes only. This module fills in the rest on demand, column by column: attributes,
stamps, the stage and the health state, visits and waits; and finds the rows of event selectors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import ASKS, ENTERS, GRANTED, STAYS, Codes, EventLog, Floats, Indices, ResourceUse
from sim.scenario.language.model import (
    AllOf,
    Among,
    AnyOf,
    Condition,
    Covariate,
    EventSelector,
    Scalar,
    Scenario,
    Test,
)
from sim.units import DAYS_IN

Flags = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
"""The row of an event that does not occur: later than every row."""


@dataclass(frozen=True, slots=True, eq=False)
class Spells:
    """Periods in which a code (a stage, a health state) holds, until the next begins.

    Shape [n_spells], in the order of the log: row that begins it, code (-1: none).
    """

    row: Indices
    code: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Waits:
    """Every wait in a queue. Shape [n_waits], in the order of the log.

    asked, ended: rows (ended NEVER where the horizon cut it off); stage waited for; granted; before: days
    waited before the calendar began.
    """

    asked: Indices
    ended: Indices
    stage: Codes
    granted: Flags
    before: Floats


class History:
    """A log, the use of resources beside it, and the columns that follow from them.

    `rows` are int64 indices of rows of the log; patients are given by their index.
    """

    def __init__(self, log: EventLog, use: ResourceUse, scenario: Scenario) -> None:
        self.log = log
        self.use = use
        self.scenario = scenario
        self.rows_of: dict[EventSelector, Indices] = {}
        self._changes: dict[int, tuple[Indices, Floats]] = {}

    # ------------------------------------------------------------ rows and patients

    @cached_property
    def starts(self) -> Indices:
        """The first row of each patient."""
        return self.log.row_of[:-1]

    @cached_property
    def _patient_of_row(self) -> NDArray[np.int32]:
        return self.log.patient_of_row().astype(np.int32)

    def patients(self, rows: Indices) -> NDArray[np.int32]:
        """The patient of each row."""
        return self._patient_of_row[rows]

    def first_of_each(self, rows: Indices) -> Indices:
        """The first of these rows for each patient, shape [n_patients]; NEVER where there is none."""
        first = np.full(self.log.n_patients, NEVER)
        if len(rows):
            patient = self.patients(rows)
            begins = np.concatenate([[True], patient[1:] != patient[:-1]])
            first[patient[begins]] = rows[begins]
        return first

    def first_after(self, rows: Indices, after: Indices) -> Indices:
        """The first of these rows beyond row `after` [n_patients] of the same patient, or NEVER."""
        return self.first_of_each(rows[rows > after[self.patients(rows)]])

    def counts(self, rows: Indices) -> Indices:
        """The number of these rows for each patient, shape [n_patients]."""
        return np.bincount(self.patients(rows), minlength=self.log.n_patients)

    def latest(self, among: Indices, rows: Indices) -> Indices:
        """For each row the position in `among` (sorted rows) of the last one that is not later.

        -1 where the patient has none by then.
        """
        position = np.searchsorted(among, rows, side="right") - 1
        if len(among):
            position[among[position] < self.starts[self.patients(rows)]] = -1
        return position

    def _changes_of(self, what: int) -> tuple[Indices, Floats]:
        """The rows after which attribute or stamp `what` has a new value, and the value."""
        if what not in self._changes:
            at = np.flatnonzero(self.log.change_what == what)
            rows = np.searchsorted(self.log.change_of, at, side="right") - 1
            is_last = np.concatenate([rows[1:] != rows[:-1], [True]]) if len(rows) else np.empty(0, bool)
            self._changes[what] = rows[is_last], self.log.change_value[at[is_last]]
        return self._changes[what]

    def attribute(self, name: str, rows: Indices) -> Floats:
        """The value of an attribute just after each row, as the log codes it."""
        what = self.log.names.attributes.index(name)
        before = self.log.at_start[:, what].copy()[self.patients(rows)]  # close together in memory
        return self._filled(what, rows, before)

    def stamp(self, name: str, rows: Indices) -> Floats:
        """The time of a stamp just after each row, nan where it was never set."""
        if name == "start":
            return np.zeros(len(rows))
        names = self.log.names
        what = len(names.attributes) + names.stamps.index(name)
        return self._filled(what, rows, np.full(len(rows), np.nan))

    def resource_changes(self, name: str) -> tuple[Indices, Floats]:
        """The rows after which a patient is free of a resource, waits for it or holds it; and the code."""
        names = self.log.names
        return self._changes_of(len(names.attributes) + len(names.stamps) + names.resources.index(name))

    def _filled(self, what: int, rows: Indices, before: Floats) -> Floats:
        changed, values = self._changes_of(what)
        if not len(changed):
            return before
        position = self.latest(changed, rows)
        return np.where(position >= 0, values[position], before)

    @cached_property
    def is_decision(self) -> Flags:
        """For each stage code whether it takes no time."""
        by_name = {stage.name: stage.decide is not None for stage in self.scenario.stages}
        return np.array([by_name[name] for name in self.log.names.stages], bool)

    @cached_property
    def state_of_stage(self) -> Codes:
        """For each stage code the code of its health state, -1 where it leaves it as it was."""
        names = self.log.names
        by_name = {stage.name: stage.state for stage in self.scenario.stages}
        states = [by_name[name] for name in names.stages]
        return np.array([-1 if s is None else names.states.index(s) for s in states], np.int16)

    @cached_property
    def stage_spells(self) -> Spells:
        """Time in stages; a waiting patient is in the stage left, before the first stage in that one."""
        return self._spells(np.where(self.is_decision, -1, np.arange(len(self.is_decision))))

    @cached_property
    def state_spells(self) -> Spells:
        """Time in health states; a stage without one changes nothing."""
        return self._spells(self.state_of_stage)

    def _spells(self, code_of_stage: NDArray[np.integer]) -> Spells:
        """A spell begins with each row that enters a stage with a code.

        A patient who waits for the first stage that takes time is in its spell already.
        """
        log = self.log
        rows = np.flatnonzero(log.does == ENTERS)
        code = code_of_stage.astype(np.int16)[log.stage_to[rows]]
        if (code_of_stage < 0).any():
            rows, code = rows[code >= 0], code[code >= 0]
        asking = np.flatnonzero(log.does == ASKS)
        if len(asking):
            entering = np.flatnonzero(log.does == ENTERS)
            timed = entering[~self.is_decision[log.stage_to[entering]]]
            first = self.first_of_each(asking)
            early = first[(first < self.first_of_each(timed)) & (first < self.first_of_each(rows))]
            rows = np.concatenate([rows, early])
            code = np.concatenate([code, code_of_stage[log.stage_to[early]].astype(np.int16)])
            order = np.argsort(rows, kind="stable")
            rows, code = rows[order], code[order]
        return Spells(rows, code)

    def stretches(self, spells: Spells, code: int) -> tuple[NDArray[np.int32], Floats, Floats, Flags]:
        """The spells with a code: patient, begin and end (days since the start), and whether it is the last.

        The last spell of a patient ends with the follow-up; one before it may end then, too.
        """
        log = self.log
        here = np.flatnonzero(spells.code == code)
        row, following = spells.row[here], np.append(spells.row, log.n_rows)[here + 1]
        patient = self.patients(row)
        goes_on = following < log.row_of[patient + 1]
        ends = log.follow_up[patient]
        ends[goes_on] = log.time[following[goes_on]]
        return patient, log.time[row], ends, ~goes_on

    def stage(self, rows: Indices) -> Codes:
        """The stage just after each row; for a waiting patient the last that took time."""
        position = self.latest(self.stage_spells.row, rows)
        stage = np.where(position >= 0, self.stage_spells.code[position], np.int16(-1))
        entering = self.log.does[rows] == ENTERS
        return np.where(entering, self.log.stage_to[rows], stage)

    def days_in_stage(self, rows: Indices) -> Floats:
        """Days since that stage was entered."""
        position = self.latest(self.stage_spells.row, rows)
        begun = self.stage_spells.row[position]
        entered = np.where(position >= 0, self.log.time[begun], 0.0)
        is_entry = (self.log.does[rows] == ENTERS) & (rows != self.starts[self.patients(rows)])
        is_first = (position >= 0) & (begun == self.starts[self.patients(rows)])
        before = np.where(is_first, self.days_before[self.patients(rows)], 0.0)
        return np.where(is_entry, 0.0, self.log.time[rows] - entered + before)

    @cached_property
    def days_before(self) -> Floats:
        """Days each patient had been in the first stage before the start, shape [n_patients]."""
        return self.of_today("days_in_stage")

    def of_today(self, kind: str) -> Floats:
        """A column of days in the table of today's patients, 0 where it has no value, shape [n_patients]."""
        days = np.zeros(self.log.n_patients)
        table = self.scenario.patients.table
        if table is not None and table.is_today:
            values = np.nan_to_num(np.array(table.column(kind), dtype=np.float64))
            today = self.log.patient < len(values)
            days[today] = values[self.log.patient[today]]
        return days

    def entries_into_state(self, name: str) -> Indices:
        """The rows at which the health state becomes this one, the start included."""
        spells, code = self.state_spells, self.log.names.states.index(name)
        here = np.flatnonzero(spells.code == code)
        before = np.maximum(here - 1, 0)
        goes_on = (spells.code[before] == code) & (before != here)
        goes_on &= self.patients(spells.row[before]) == self.patients(spells.row[here])
        entering: Indices = spells.row[here[~goes_on]]
        return entering

    def visits(self, stage: str, rows: Indices) -> Indices:
        """The number of entries into the stage by each row, that row included."""
        entries = self.entries(stage)
        by_then: Indices = np.searchsorted(entries, rows, side="right")
        before: Indices = np.searchsorted(entries, self.starts[self.patients(rows)], side="left")
        return by_then - before

    def entries(self, stage: str) -> Indices:
        """The rows that enter a stage."""
        code = self.log.names.stages.index(stage)
        return np.flatnonzero((self.log.stage_to == code) & (self.log.does == ENTERS))

    @cached_property
    def waits(self) -> Waits:
        """Every wait, with the row that ended it."""
        log = self.log
        asked = np.flatnonzero(log.does == ASKS)
        moves = np.flatnonzero(log.does != STAYS)
        after = np.searchsorted(moves, asked, side="right")
        ended = np.append(moves, log.n_rows)[after]
        ended = np.where(ended < log.row_of[self.patients(asked) + 1], ended, NEVER)
        known = ended != NEVER
        granted = known.copy()
        granted[known] = (log.event[ended[known]] == GRANTED) & (log.does[ended[known]] == ENTERS)
        is_first = log.time[asked] == 0.0
        is_first &= self.first_of_each(asked)[self.patients(asked)] == asked
        before = np.where(is_first, self.of_today("days_waiting")[self.patients(asked)], 0.0)
        return Waits(asked, ended, log.stage_to[asked], granted, before)

    def waited(self, stage: str, rows: Indices) -> Floats:
        """Days of the last wait for a stage that had ended with its grant by each row, else 0."""
        code = self.log.names.stages.index(stage)
        waits = self.waits
        mask = (waits.stage == code) & waits.granted
        entries = self.entries(stage)
        at_once = entries[self.log.event[entries] != GRANTED]
        ended = np.concatenate([waits.ended[mask], at_once])
        lasted = self.log.time[waits.ended[mask]] - self.log.time[waits.asked[mask]] + waits.before[mask]
        days = np.concatenate([lasted, np.zeros(len(at_once))])
        order = np.argsort(ended, kind="stable")
        position = self.latest(ended[order], rows)
        return np.where(position >= 0, np.append(days[order], 0.0)[position], 0.0)


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
        case "clock":  # clocks come last, so that a stage may be called `clock`
            events = log.names.events
            return np.flatnonzero(log.event == len(events) - 1 - events[::-1].index(f"clock.{name}"))
        case "rule":
            return np.flatnonzero(log.rule == log.names.rules.index(name))
        case "any":
            found = np.zeros(log.n_rows, bool)
            for item in selector.items:
                found[rows(history, item)] = True
            return np.flatnonzero(found)
    raise ValueError(f"no selector is called {selector.kind}")


def _into_state(history: History, name: str) -> Indices:
    """Terminal stages are entered from outside only, so that their rows need no history."""
    stages = [stage for stage in history.scenario.stages if stage.state == name]
    if not stages or not all(stage.terminal for stage in stages):
        return history.entries_into_state(name)
    return np.sort(np.concatenate([history.entries(stage.name) for stage in stages]))


def qualify(history: History, among: Among | None) -> Flags:
    """The patients an outcome is about, shape [n_patients]; a condition is read just after the start."""
    if among is None:
        return np.ones(history.log.n_patients, bool)
    if among.ever is not None:
        ever: Flags = history.first_of_each(rows(history, among.ever)) != NEVER
        return ever
    return holds(history, among.condition, history.starts)
