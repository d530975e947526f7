"""Where the paths of the same patient part in two arms: the first row in which two logs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.engine.event_log import EventLog, Indices
from sim.outcomes.history import NEVER, Flags

HAPPENS, WHEN, CHANGES = 0, 1, 2
"""What differs in the row: what happens, only when it does, or only an attribute."""


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
    lengths = np.diff(one.row_of), np.diff(other.row_of)
    common = np.minimum(*lengths)
    first = np.cumsum(common) - common
    whose = np.repeat(np.arange(one.n_patients), common)
    sequence = np.arange(len(whose)) - first[whose]
    rows = one.row_of[whose] + sequence, other.row_of[whose] + sequence
    happens = _other_happening(one, other, rows)
    when = one.time[rows[0]] != other.time[rows[1]]
    found = np.where(lengths[0] != lengths[1], common, NEVER)
    differs = np.zeros(one.n_patients, np.int8)
    at = np.flatnonzero(happens | when)
    begins = at[np.flatnonzero(np.diff(whose[at], prepend=-1))]
    found[whose[begins]] = sequence[begins]
    at = np.flatnonzero((found != NEVER) & (found < common))
    only_when = at[~happens[first[at] + found[at]]]
    differs[only_when] = WHEN
    for name in one.names.attributes:
        if name in other.names.attributes:
            patients, steps = _other_changes(one, other, name)
            earlier = np.full(one.n_patients, NEVER)
            np.minimum.at(earlier, patients, steps)
            sooner = earlier < found
            found[sooner], differs[sooner] = earlier[sooner], CHANGES
    return Parting(found, differs)


def _other_happening(one: EventLog, other: EventLog, rows: tuple[Indices, Indices]) -> Flags:
    """Whether something else happens in the rows of the one than in those of the other."""
    names = one.names, other.names
    differs: Flags = one.does[rows[0]] != other.does[rows[1]]
    for of, column in (
        ("events", "event"),
        ("rules", "rule"),
        ("stages", "stage_from"),
        ("stages", "stage_to"),
    ):
        code_of = common_codes(getattr(names[0], of), getattr(names[1], of))
        differs |= getattr(one, column)[rows[0]] != code_of[getattr(other, column)[rows[1]]]
    return differs


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


def _other_changes(one: EventLog, other: EventLog, attribute: str) -> tuple[Indices, Indices]:
    """The rows (whose, sequence) that change an attribute in one log only, or to another value."""
    keys, values = zip(*(_changes(log, attribute) for log in (one, other)), strict=True)
    categories = [log.names.categories[log.names.attributes.index(attribute)] for log in (one, other)]
    second = values[1]
    if categories[0] != categories[1] and all(categories) and len(second):
        second = common_codes(*categories)[second.astype(np.int64)].astype(np.float64)
    alone = np.setxor1d(keys[0], keys[1], assume_unique=True)
    both, i, j = np.intersect1d(keys[0], keys[1], assume_unique=True, return_indices=True)
    different = both[values[0][i] != second[j]]
    found = np.concatenate([alone, different])
    return found >> 32, found & 0xFFFFFFFF


def _changes(log: EventLog, attribute: str) -> tuple[Indices, NDArray[np.float64]]:
    """Where an attribute gets a new value, as patient << 32 | sequence (increasing), and the value.

    A change to the value that it had is none.
    """
    what = log.names.attributes.index(attribute)
    at = np.flatnonzero(log.change_what == what)
    rows = np.searchsorted(log.change_of, at, side="right") - 1
    last = np.append(rows[1:] != rows[:-1], True)[: len(rows)]
    rows, values = rows[last], log.change_value[at[last]]
    whose = np.searchsorted(log.row_of, rows, side="right") - 1
    before = np.append(0.0, values[:-1])[: len(values)]
    is_first = np.append(True, whose[1:] != whose[:-1])[: len(whose)]
    before = np.where(is_first, log.at_start[whose, what], before)
    new = values != before
    return (whose[new] << 32) | (rows[new] - log.row_of[whose[new]]), values[new]
