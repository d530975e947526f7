"""Where the paths of the same patient diverge in two arms: the first row in which two logs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Codes, EventLog, Floats, Indices
from sim.numerics.compilation import entry
from sim.outcomes.history.history import NEVER, Flags

HAPPENS, WHEN, CHANGES = 0, 1, 2
"""What differs in the row: the event, only its time, or only an attribute."""


@dataclass(frozen=True, slots=True, eq=False)
class Divergences:
    """Where each patient's paths diverge, shape [n_patients].

    sequence: the first row (from 0 for each patient) in which the two logs differ, NEVER where
    none does; one of the logs may have ended before it. differs: HAPPENS, WHEN or CHANGES.
    """

    sequence: Indices
    differs: NDArray[np.int8]

    @property
    def diverges(self) -> Flags:
        diverges: Flags = self.sequence != NEVER
        return diverges


def diverge(one: EventLog, other: EventLog) -> Divergences:
    """Compare two logs of the same patients, by names, not codes.

    A row differs in its time, event, rule, stages or action, or where an attribute that both
    logs have is changed in one, or to another value.
    """
    found = np.full(one.n_patients, NEVER)
    differs = np.zeros(one.n_patients, np.int8)
    events = common_codes(one.names.events, other.names.events)
    rules = common_codes(one.names.rules, other.names.rules)
    stages = common_codes(one.names.stages, other.names.stages)
    _diverge(_rows(one), _rows(other), events, rules, stages, found, differs)
    common_attributes = [name for name in one.names.attributes if name in other.names.attributes]
    if common_attributes and len(one.change_what) + len(other.change_what) > 0:
        changes = _Changes(one), _Changes(other)
        for name in common_attributes:
            patients, steps = _other_changes(*changes, name)
            earlier = np.full(one.n_patients, NEVER)
            np.minimum.at(earlier, patients, steps)
            sooner = earlier < found
            found[sooner], differs[sooner] = earlier[sooner], CHANGES
    return Divergences(found, differs)


class _Rows(NamedTuple):
    """The columns of a log that show where paths diverge."""

    row_of: Indices
    time: Floats
    does: NDArray[np.int8]
    event: Codes
    rule: Codes
    stage_from: Codes
    stage_to: Codes


def _rows(log: EventLog) -> _Rows:
    return _Rows(*(getattr(log, name) for name in _Rows._fields))


@entry
def _diverge(
    one: _Rows,
    other: _Rows,
    events: Codes,
    rules: Codes,
    stages: Codes,
    found: Indices,
    differs: NDArray[np.int8],
) -> None:
    """Walk through both logs of each patient, and record the first row that differs and how.

    events, rules, stages: the codes of the one for those of the other, the last for none (-1).
    """
    for i in range(len(found)):
        a, b = one.row_of[i], other.row_of[i]
        n, m = one.row_of[i + 1] - a, other.row_of[i + 1] - b
        for k in range(min(n, m)):
            row, twin = a + k, b + k
            if (
                one.does[row] != other.does[twin]
                or one.event[row] != events[other.event[twin]]
                or one.rule[row] != rules[other.rule[twin]]
                or one.stage_from[row] != stages[other.stage_from[twin]]
                or one.stage_to[row] != stages[other.stage_to[twin]]
            ):
                found[i], differs[i] = k, HAPPENS
                break
            if one.time[row] != other.time[twin]:
                found[i], differs[i] = k, WHEN
                break
        else:
            if n != m:
                found[i], differs[i] = min(n, m), HAPPENS


def common_codes(one: Sequence[str], other: Sequence[str]) -> NDArray[np.int16]:
    """The codes of the first for the codes of the second; names only in the second come after.

    A name that stands twice (a clock's, and that of an event of a stage called `clock`) is matched
    in order. The last code is -1 for none.
    """
    left = list(one)
    codes = []
    for name in other:
        if name in left:
            codes.append(left.index(name))
            left[codes[-1]] = ""
        else:
            codes.append(len(left))
            left.append("")
    return np.array([*codes, -1], np.int16)


class _Changes:
    """The changes of a log, each with its patient and the number of its row for that patient."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        patient = np.repeat(np.arange(log.n_patients), np.diff(log.row_of))
        keys = (patient << 32) | (np.arange(log.n_rows) - log.row_of[patient])
        self._keys = np.repeat(keys, np.diff(log.change_of))
        self._order = np.argsort(log.change_what, kind="stable")
        kinds = np.arange(len(log.names.attributes) + 1)
        self._bounds = np.searchsorted(log.change_what[self._order], kinds)

    def of(self, attribute: str) -> tuple[Indices, Floats]:
        """Where an attribute gets a new value, as patient << 32 | sequence (increasing), and the value.

        A change to the value that it had is none; of several in one row the last counts.
        """
        log = self.log
        what = log.names.attributes.index(attribute)
        at = self._order[self._bounds[what] : self._bounds[what + 1]]
        keys = self._keys[at]
        last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
        keys, at = keys[last], at[last]
        patient, values = keys >> 32, log.change_value[at]
        before = np.append(0.0, values[:-1])[: len(values)]
        is_first = np.append(True, patient[1:] != patient[:-1])[: len(patient)]
        before = np.where(is_first, log.at_start[patient, what], before)
        new = values != before
        return keys[new], values[new]


def _other_changes(one: _Changes, other: _Changes, attribute: str) -> tuple[Indices, Indices]:
    """The rows (patient, sequence) that change an attribute in one log only, or to another value."""
    (keys, values), (other_keys, other_values) = one.of(attribute), other.of(attribute)
    kinds = [of.log.names.categories[of.log.names.attributes.index(attribute)] for of in (one, other)]
    if kinds[0] != kinds[1] and all(kinds) and len(other_values):
        other_values = common_codes(*kinds)[other_values.astype(np.int64)].astype(np.float64)
    if np.array_equal(keys, other_keys):
        found = keys[values != other_values]
    else:
        alone = np.setxor1d(keys, other_keys, assume_unique=True)
        both, i, j = np.intersect1d(keys, other_keys, assume_unique=True, return_indices=True)
        found = np.concatenate([alone, both[values[i] != other_values[j]]])
    return found >> 32, found & 0xFFFFFFFF
