"""The patients of a log one after another, names in place of codes, on a calendar."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np

from sim.event_log.arrow_tables import YES_NO
from sim.event_log.log import EventLog, Floats

EPOCH = "2000-01-03T00:00:00.000+00:00"
"""Day 0 of the common calendar, a Monday; formats for process mining know no other time than dates."""

PATIENTS_AT_ONCE = 2**12

Value: TypeAlias = float | bool | str


class Row(NamedTuple):
    """A row of the log; "" where there is no rule or stage. changes: attributes with their new values.

    days: since the patient's start. date: the same on the calendar, to the millisecond.
    """

    days: float
    date: str
    event: str
    rule: str
    from_stage: str
    to_stage: str
    does: int
    changes: list[tuple[str, Value]]


class Life(NamedTuple):
    """A patient: where it stands in the log, its name `REPLICATION.PATIENT`, its start, its rows in order."""

    at: int
    name: str
    start: str
    rows: list[Row]


def lives(log: EventLog) -> Iterator[Life]:
    """Every patient in the order of the log; only so many are made at once."""
    for first in range(0, log.n_patients, PATIENTS_AT_ONCE):
        after = min(first + PATIENTS_AT_ONCE, log.n_patients)
        starts = dates(log.begins[first:after])
        made = _rows(log, first, after)
        begins = (log.row_of[first : after + 1] - log.row_of[first]).tolist()
        for i in range(after - first):
            name = f"{log.replication[first + i]}.{log.patient[first + i]}"
            yield Life(first + i, name, starts[i], made[begins[i] : begins[i + 1]])


def dates(days: Floats) -> list[str]:
    """Days of the common calendar as dates in UTC (ISO 8601), rounded to the millisecond."""
    since = np.rint(days * 86_400_000.0).astype("timedelta64[ms]")
    return [
        f"{date}+00:00" for date in np.datetime_as_string(np.datetime64("2000-01-03", "ms") + since).tolist()
    ]


def attribute_value(log: EventLog, what: int, number: float) -> Value:
    """A value of an attribute as it is meant: a number, yes/no, or a category."""
    categories = log.names.categories[what]
    if not categories:
        return number
    return bool(number) if categories == YES_NO else categories[int(number)]


def _rows(log: EventLog, first: int, after: int) -> list[Row]:
    here = slice(log.row_of[first], log.row_of[after])
    names = log.names
    n_rows = np.diff(log.row_of[first : after + 1])
    columns = zip(
        log.time[here].tolist(),
        dates(log.time[here] + np.repeat(log.begins[first:after], n_rows)),
        _named(log.event[here].tolist(), names.events),
        _named(log.rule[here].tolist(), names.rules),
        _named(log.stage_from[here].tolist(), names.stages),
        _named(log.stage_to[here].tolist(), names.stages),
        log.does[here].tolist(),
        _changes(log, here),
        strict=True,
    )
    return [Row(*column) for column in columns]


def _named(codes: list[int], names: tuple[str, ...]) -> list[str]:
    known = [*names, ""]  # code -1 is the last
    return [known[code] for code in codes]


def _changes(log: EventLog, here: slice) -> Iterator[list[tuple[str, Value]]]:
    """For each row its changes of attributes; stamps are times of the log, and are left out."""
    attributes = log.names.attributes
    bounds = log.change_of[here.start : here.stop + 1].tolist()
    what = log.change_what[bounds[0] : bounds[-1]].tolist()
    values = log.change_value[bounds[0] : bounds[-1]].tolist()
    for begin, end in pairwise(bounds):
        yield [
            (attributes[what[i]], attribute_value(log, what[i], values[i]))
            for i in range(begin - bounds[0], end - bounds[0])
            if what[i] < len(attributes)
        ]
