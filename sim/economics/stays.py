"""Every patient's time cut into stretches in which utility and daily costs are constant."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.economics.discounting import Discount
from sim.event_log.log import ASKS, ENTERS, GRANTED, Codes, Floats, Indices, units_held
from sim.outcomes.history.choices import covariates, units_needed
from sim.outcomes.history.history import Flags, History
from sim.scenario.language.model import Covariate, Resource, Value

UNTIL_GRANTED = "when_next_granted"


class Stays:
    """Stretches of all patients, in the order of the log, each to the next or the end of follow-up.

    row: the row that begins each; patient: its patient; begin, end: days since the start; stage,
    state: codes, -1 for none. Shape [n_stretches]. A waiting patient is in the stage left, before the
    first stage in that one.
    """

    def __init__(self, history: History, values: Iterable[Value[Any]], resources: Iterable[str]) -> None:
        """values: those that accrue over time. resources: names of those held in a stay."""
        self.history = history
        log = history.log
        self._changes = {name: _holding(history, name) for name in resources}
        begins = np.zeros(log.n_rows, bool)
        begins[history.starts] = True
        stages, states = history.stage_spells, history.state_spells
        for spells in (stages, states):
            begins[spells.row] = True
        for rows, _ in self._changes.values():
            begins[rows] = True
        read = {covariate for value in values for covariate in covariates(value)}
        for covariate in read:
            begins |= _may_change(history, covariate)
        self.row: Indices = np.flatnonzero(begins)
        self._position = np.cumsum(begins) - 1
        self.patient: Indices = history.patients(self.row).astype(np.int64)
        self._is_first = np.append(True, self.patient[1:] != self.patient[:-1])
        self.stage: Codes = self.filled(stages.row, stages.code, np.int16(-1))
        self.state: Codes = self.filled(states.row, states.code, np.int16(-1))

    def filled(self, rows: Indices, codes: NDArray[Any], otherwise: np.generic) -> NDArray[Any]:
        """In each stretch the code of the last of these rows; `otherwise` before the first."""
        found = np.full(len(self.row), otherwise)
        source = np.where(self._is_first, np.arange(len(self.row), dtype=np.int32), np.int32(0))
        at = self._position[rows]
        found[at] = codes
        source[at] = at
        return found[np.maximum.accumulate(source)]

    @cached_property
    def first(self) -> Indices:
        """The first stretch of each patient, shape [n_patients]."""
        return np.flatnonzero(self._is_first)

    @cached_property
    def begin(self) -> Floats:
        """Days since the patient's start at which each stretch begins."""
        return self.history.log.time[self.row]

    @cached_property
    def end(self) -> Floats:
        """Days since the patient's start at which each stretch ends."""
        return self._ends(self.begin, self.history.log.follow_up)

    def _ends(self, at_begin: Floats, at_follow_up: Floats) -> Floats:
        """The value at the end of each stretch, from those at its begin and at the patient's end."""
        ends = np.append(at_begin[1:], 0.0)
        last = np.append(self._is_first[1:], True)
        ends[last] = at_follow_up[self.patient[last]]
        return ends

    def weights(self, discount: Discount) -> Floats:
        """What a flow of 1 a day is worth in each stretch, in days at the patient's start."""
        begin = discount.factors(self.begin)
        end = self._ends(begin, discount.factors(self.history.log.follow_up))
        return discount.between(self.begin, self.end, (begin, end))

    def units_held(self, resource: str) -> Floats:
        """The units of a resource that are held in each stretch."""
        rows, held = self._changes[resource]
        found: Floats = self.filled(rows, held, np.float64(0.0))
        return found

    def grants(self, resource: str) -> tuple[Indices, Floats]:
        """The rows at which units are granted, and how many; today's patients hold theirs already."""
        rows, held = self._changes[resource]
        patient = self.history.patients(rows)
        before = np.append(0.0, np.where(patient[1:] == patient[:-1], held[:-1], 0.0))[: len(rows)]
        is_grant = (held > before) & ~was_there_before(self.history, rows)
        return rows[is_grant], (held - before)[is_grant]


def was_there_before(history: History, rows: Indices) -> Flags:
    """Whether each row is the start of a patient who was in care when the calendar began."""
    table, log = history.scenario.patients.table, history.log
    if table is None or not table.is_today:
        return np.zeros(len(rows), bool)
    patient = history.patients(rows)
    was_there = np.array([stage is not None for stage in table.column("stage")])
    number = log.patient[patient]
    found: Flags = (rows == history.starts[patient]) & (number < len(was_there))
    found[found] = was_there[number[found]]
    return found


def _may_change(history: History, covariate: Covariate) -> Flags:
    """The rows after which a covariate may have another value, shape [n_rows]."""
    log = history.log
    if covariate.kind == "stage":
        return np.zeros(log.n_rows, bool)
    if covariate.kind != "attribute":
        return np.ones(log.n_rows, bool)
    changes = np.zeros(log.n_rows, bool)
    changes[history.attribute_changes(covariate.name)] = True
    return changes


# ---------------------------------------------------------------- resources held


def _holding(history: History, name: str) -> tuple[Indices, Floats]:
    """Rows after which a resource may have begun or ceased to be held, and how many units are held then."""
    resource = next(one for one in history.scenario.resources if one.name == name)
    if not resource.is_free:
        rows, what = history.resource_changes(name)
        return rows, units_held(what)
    return _holding_unlimited(history, resource)


def _holding_unlimited(history: History, resource: Resource) -> tuple[Indices, Floats]:
    """The same of a resource that leaves no rows in the log: read from what stages need.

    It is held from entering a stage that needs it until the patient comes to a stage that does not;
    with `release: when_next_granted` until that stage is entered. Who waits for something else is not
    given it before the grant, but keeps it where the stage waited for needs it.
    """
    log = history.log
    needs = [
        (stage.name, n)
        for stage in history.scenario.stages
        for n in stage.needs
        if n.resource == resource.name
    ]
    if all(n.when is None and n.units == 1.0 for _, n in needs) and not (log.does == ASKS).any():
        users = np.isin(log.names.stages, [name for name, _ in needs]).astype(np.float64)
        return history.stage_spells.row, users[history.stage_spells.code]  # nobody waits for anything
    moves = (log.does == ASKS) | (log.does == ENTERS)
    rows = np.flatnonzero(moves)
    rows = rows[~history.is_decision[log.stage_to[rows]]]
    asks = log.does[rows] == ASKS
    is_grant = ~asks & (log.event[rows] == GRANTED)
    needed = np.zeros(len(rows))
    arrives = np.flatnonzero(~is_grant)
    needed[arrives] = units_needed(history, resource.name, rows[arrives])
    needed[is_grant] = needed[np.flatnonzero(is_grant) - 1]
    lets_go = asks & (needed == 0.0) & (resource.release != UNTIL_GRANTED)
    patient = history.patients(rows)
    is_first = np.append(True, patient[1:] != patient[:-1])
    settled = ~asks | is_first
    source = np.maximum.accumulate(np.where(settled, np.arange(len(rows)), 0))
    let_go = np.cumsum(lets_go)
    kept = np.where(~asks[source] & (let_go == let_go[source]), needed[source], 0.0)
    return rows, np.where(asks, kept, needed)
