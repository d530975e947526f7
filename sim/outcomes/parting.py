"""Where the paths of the same patient part in two arms: the first row in which two logs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.engine.event_log import EventLog, Floats, Indices
from sim.outcomes.history import NEVER, Flags

HAPPENS, WHEN, CHANGES = 0, 1, 2
"""What differs in the row: what happens, only when it does, or only an attribute."""

COLUMNS = (("events", "event"), ("rules", "rule"), ("stages", "stage_from"), ("stages", "stage_to"))
"""The names and the codes of what stands in a row."""
BLOCK = 8192
"""Patients compared at once: their rows stay near at hand."""


@dataclass(frozen=True, slots=True, eq=False)
class Parting:
    """Where each patient's paths part, shape [n_patients].

    sequence: the first row (from 0 for each patient) in which the two logs differ, NEVER where
    none does; one of the logs may have ended before it. differs: HAPPENS, WHEN or CHANGES.
    """

    sequence: Indices
    differs: NDArray[np.int8]

    @property
    def parts(self) -> Flags:
        parts: Flags = self.sequence != NEVER
        return parts


def part(one: EventLog, other: EventLog) -> Parting:
    """Compare two logs of the same patients, by the names of what stands in them.

    A row differs where its time, event, rule, stages or doing do, or where an attribute that both
    logs have is changed in one, or to another value.
    """
    found = np.empty(one.n_patients, np.int64)
    differs = np.empty(one.n_patients, np.int8)
    codes = [common_codes(getattr(one.names, of), getattr(other.names, of)) for of, _ in COLUMNS]
    for begin in range(0, one.n_patients, BLOCK):
        block = slice(begin, begin + BLOCK)
        found[block], differs[block] = _other_rows(one, other, codes, block)
    common_attributes = [name for name in one.names.attributes if name in other.names.attributes]
    if common_attributes and len(one.change_what) + len(other.change_what) > 0:
        changes = _Changes(one), _Changes(other)
        for name in common_attributes:
            patients, steps = _other_changes(*changes, name)
            earlier = np.full(one.n_patients, NEVER)
            np.minimum.at(earlier, patients, steps)
            sooner = earlier < found
            found[sooner], differs[sooner] = earlier[sooner], CHANGES
    return Parting(found, differs)


def _other_rows(
    one: EventLog, other: EventLog, codes: Sequence[NDArray[np.int16]], patients: slice
) -> tuple[Indices, NDArray[np.int8]]:
    """Where each of these patients has another row in the other log, and in what, attributes apart.

    codes: of the one for those of the other, for each of COLUMNS.
    """
    begins = one.row_of[:-1][patients], other.row_of[:-1][patients]
    lengths = one.row_of[1:][patients] - begins[0], other.row_of[1:][patients] - begins[1]
    common = np.minimum(*lengths)
    first = np.cumsum(common) - common
    whose = np.repeat(np.arange(len(common)), common)
    sequence = np.arange(len(whose)) - first[whose]
    rows = begins[0][whose] + sequence, begins[1][whose] + sequence
    happens: Flags = one.does[rows[0]] != other.does[rows[1]]
    for (_, column), code_of in zip(COLUMNS, codes, strict=True):
        happens |= getattr(one, column)[rows[0]] != code_of[getattr(other, column)[rows[1]]]
    found = np.where(lengths[0] != lengths[1], common, NEVER)
    differs = np.zeros(len(common), np.int8)
    at = np.flatnonzero(happens | (one.time[rows[0]] != other.time[rows[1]]))
    at = at[np.flatnonzero(np.diff(whose[at], prepend=-1))]
    found[whose[at]] = sequence[at]
    differs[whose[at[~happens[at]]]] = WHEN
    return found, differs


def common_codes(one: Sequence[str], other: Sequence[str]) -> NDArray[np.int16]:
    """The codes of the one for the codes of the other; what only the other has comes after.

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
    """The changes of a log, each with its patient and its row's number in that patient's life."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        whose = np.repeat(np.arange(log.n_patients), np.diff(log.row_of))
        keys = (whose << 32) | (np.arange(log.n_rows) - log.row_of[whose])
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
        whose, values = keys >> 32, log.change_value[at]
        before = np.append(0.0, values[:-1])[: len(values)]
        is_first = np.append(True, whose[1:] != whose[:-1])[: len(whose)]
        before = np.where(is_first, log.at_start[whose, what], before)
        new = values != before
        return keys[new], values[new]


def _other_changes(one: _Changes, other: _Changes, attribute: str) -> tuple[Indices, Indices]:
    """The rows (whose, sequence) that change an attribute in one log only, or to another value."""
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
