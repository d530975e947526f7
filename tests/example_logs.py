"""Event logs written by hand, row by row, and the scenarios that go with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.errors import Place, Where
from sim.event_log.log import ASKS, ENTERS, LEAVES, STAYS, EventLog, Names, ResourceUse
from sim.scenario.language import model as m

HERE = Where(Place("by hand"), "")
DOES = {"stays": STAYS, "enters": ENTERS, "asks": ASKS, "leaves": LEAVES}


@dataclass
class Row:
    """A row of a log; `changes` name attributes, stamps and resources with their new values."""

    time: float
    event: str
    does: str
    to: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    rule: str | None = None


def enters(time: float, to: str, event: str = "", *, rule: str | None = None, **changes: Any) -> Row:
    return Row(time, event or ("start" if time == 0 else "a.next"), "enters", to, changes, rule)


def stays(time: float, event: str, **changes: Any) -> Row:
    return Row(time, event, "stays", None, changes)


def asks(time: float, to: str, event: str = "", **changes: Any) -> Row:
    return Row(time, event or ("start" if time == 0 else "a.next"), "asks", to, changes)


def granted(time: float, to: str, **changes: Any) -> Row:
    return Row(time, "granted", "enters", to, changes)


def leaves(time: float, to: str) -> Row:
    return Row(time, "left_queue", "leaves", to)


@dataclass
class Patient:
    """A patient's rows; `start` has the attributes that differ from their declared initial values."""

    rows: Sequence[Row]
    start: Mapping[str, Any] = field(default_factory=dict)
    begins: float = 0.0
    replication: int = 0
    follow_up: float | None = None


def stage(
    name: str,
    state: str | None = None,
    *,
    terminal: bool = False,
    decision: bool = False,
    needs: Sequence[m.Need] = (),
) -> m.Stage:
    decide = m.Goto(name, HERE) if decision else None
    return m.Stage(name, "", state, terminal, None, None, tuple(needs), (), (), (), decide, HERE)


def number(name: str) -> m.Attribute:
    return m.Attribute(name, "number", (), 0.0, HERE)


def yes_no(name: str) -> m.Attribute:
    return m.Attribute(name, "yes_no", ("false", "true"), False, HERE)


def category(name: str, *categories: str) -> m.Attribute:
    return m.Attribute(name, "category", categories, categories[0], HERE)


def resource(name: str, capacity: int | None = 1, calendar: Any = None) -> m.Resource:
    steps = None if capacity is None else ((0.0, capacity),)
    return m.Resource(name, steps, calendar, "on_leaving", None, None, None, HERE)


def scenario(
    stages: Sequence[m.Stage],
    *,
    attributes: Sequence[m.Attribute] = (),
    horizon: float = 1000.0,
    follow_up: float | None = None,
    warm_up: float = 0.0,
    resources: Sequence[m.Resource] = (),
    outcomes: Sequence[m.Outcome] = (),
    never: Sequence[m.EventSelector] = (),
) -> m.Scenario:
    arrivals = m.Arrivals("together", (), None, (), None, warm_up, HERE)
    states = dict.fromkeys(s.state for s in stages if s.state is not None)
    return m.Scenario(
        title="By hand",
        horizon=horizon,
        states=tuple(m.State(name, "", None) for name in states),
        economics=None,
        patients=m.Patients(None, arrivals, follow_up, tuple(attributes), None),
        clocks=(),
        start=stages[0].name,
        on_start=(),
        stages=tuple(stages),
        resources=tuple(resources),
        never=tuple(never),
        outcomes=tuple(outcomes),
    )


def event_log(
    of: m.Scenario,
    patients: Sequence[Patient],
    *,
    events: Sequence[str] = ("a.next",),
    rules: Sequence[str] = (),
    stamps: Sequence[str] = (),
) -> EventLog:
    """The log of these patients, who are sorted by replication."""
    names = Names(
        stages=tuple(s.name for s in of.stages),
        states=tuple(s.name for s in of.states),
        events=("start", "granted", "left_queue", "decide", *events),
        rules=tuple(rules),
        attributes=tuple(a.name for a in of.patients.attributes),
        categories=tuple(a.categories for a in of.patients.attributes),
        stamps=tuple(stamps),
        resources=tuple(r.name for r in of.resources),
    )
    rows = [row for patient in patients for row in patient.rows]
    at_start = [
        [_code(names, a.name, p.start.get(a.name, a.initial)) for a in of.patients.attributes]
        for p in patients
    ]
    at_end = [_at_end(names, start, p.rows) for start, p in zip(at_start, patients, strict=True)]
    follow_up = [_follow_up(of, p) for p in patients]
    counted: dict[int, int] = {}
    number_of = []
    for p in patients:
        number_of.append(counted.get(p.replication, 0))
        counted[p.replication] = number_of[-1] + 1
    what, value = _changes(names, rows)
    stage_from, stage_to = _stages(names, patients)
    n_attributes = len(of.patients.attributes)
    return EventLog(
        names=names,
        replication=np.array([p.replication for p in patients], np.int32),
        patient=np.array(number_of, np.int32),
        begins=np.array([p.begins for p in patients], np.float64),
        ends=np.array([_ends(of, p, f) for p, f in zip(patients, follow_up, strict=True)], np.float64),
        follow_up=np.array(follow_up, np.float64),
        at_start=np.array(at_start, np.float64).reshape(len(patients), n_attributes),
        at_end=np.array(at_end, np.float64).reshape(len(patients), n_attributes),
        row_of=np.cumsum([0, *(len(p.rows) for p in patients)]),
        time=np.array([row.time for row in rows], np.float64),
        event=np.array([names.events.index(row.event) for row in rows], np.int16),
        rule=np.array([-1 if row.rule is None else names.rules.index(row.rule) for row in rows], np.int16),
        stage_from=stage_from,
        stage_to=stage_to,
        does=np.array([DOES[row.does] for row in rows], np.int8),
        change_of=np.cumsum([0, *(len(row.changes) for row in rows)]),
        change_what=what,
        change_value=value,
    )


def no_use() -> ResourceUse:
    """The use of resources where there are no queues."""
    return resource_use([])


def resource_use(changes: Sequence[tuple[int, float, int, int, int, int]]) -> ResourceUse:
    """Rows of replication, time, resource, in use, queue, capacity; sorted."""
    columns = list(zip(*changes, strict=True)) or [()] * 6
    kinds = (np.int32, np.float64, np.int16, np.int32, np.int32, np.int32)
    return ResourceUse(*(np.array(c, kind) for c, kind in zip(columns, kinds, strict=True)))


def happens(
    kind: str, name: str = "", *, when: m.Condition | None = None, within: float | None = None
) -> m.EventSelector:
    return m.EventSelector(kind, name, (), when, within, HERE)


def either(*items: m.EventSelector, when: m.Condition | None = None) -> m.EventSelector:
    return m.EventSelector("any", "", items, when, None, HERE)


def test(name: str, operator: str, value: Any, kind: str = "attribute") -> m.Test:
    return m.Test(m.Covariate(kind, name), operator, value, HERE)


test.__test__ = False  # type: ignore[attr-defined]


def outcome(kind: str, name: str = "it", **fields: Any) -> m.Outcome:
    return m.Outcome(name, kind, HERE, **fields)


def _code(names: Names, attribute: str, value: Any) -> float:
    categories = names.categories[names.attributes.index(attribute)]
    return float(categories.index(value)) if isinstance(value, str) else float(value)


def _changes(names: Names, rows: Sequence[Row]) -> tuple[Any, Any]:
    what, values = [], []
    for row in rows:
        for name, value in row.changes.items():
            if name in names.attributes:
                what.append(names.attributes.index(name))
                values.append(_code(names, name, value))
            else:
                others = (*names.stamps, *names.resources)
                what.append(len(names.attributes) + others.index(name))
                values.append(float(value))
    return np.array(what, np.int16), np.array(values, np.float64)


def _stages(names: Names, patients: Sequence[Patient]) -> tuple[Any, Any]:
    begin, end = [], []
    for patient in patients:
        now = -1
        for row in patient.rows:
            begin.append(now)
            end.append(-1 if row.to is None else names.stages.index(row.to))
            if row.does == "enters":
                now = end[-1]
    return np.array(begin, np.int16), np.array(end, np.int16)


def _follow_up(of: m.Scenario, patient: Patient) -> float:
    if patient.follow_up is not None:
        return patient.follow_up
    left = of.horizon - patient.begins
    return left if of.patients.follow_up is None else min(left, of.patients.follow_up)


def _ends(of: m.Scenario, patient: Patient, follow_up: float) -> float:
    terminal = {s.name for s in of.stages if s.terminal}
    last = patient.rows[-1]
    return last.time if last.does == "enters" and last.to in terminal else follow_up


def _at_end(names: Names, start: Sequence[float], rows: Sequence[Row]) -> list[float]:
    values = list(start)
    for row in rows:
        for name, value in row.changes.items():
            if name in names.attributes:
                values[names.attributes.index(name)] = _code(names, name, value)
    return values
