"""The event log patient by patient, with names in place of codes and dates in place of days."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np

from sim.event_log.arrow_tables import YES_NO
from sim.event_log.log import EventLog, Floats

EPOCH = "2000-01-03T00:00:00.000+00:00"
"""Day 0 of the common calendar, a Monday: formats of process mining require dates."""

PATIENTS_AT_ONCE = 2**12

Value: TypeAlias = float | bool | str


class Row(NamedTuple):
    """A row of the log; "" where there is no rule or stage.

    days: since the patient's start. date: the same on the calendar, to the millisecond. changes: the
    attributes that changed, with their new values.
    """

    days: float
    date: str
    event: str
    rule: str
    from_stage: str
    to_stage: str
    does: int
    changes: list[tuple[str, Value]]


class Patient(NamedTuple):
    """A patient: index in the log, name `REPLICATION.PATIENT`, date of the start, rows in order."""

    log_index: int
    name: str
    start: str
    rows: list[Row]


def iterate_patients(log: EventLog) -> Iterator[Patient]:
    """Every patient in the order of the log, read in blocks of PATIENTS_AT_ONCE."""
    for first in range(0, log.n_patients, PATIENTS_AT_ONCE):
        after = min(first + PATIENTS_AT_ONCE, log.n_patients)
        starts = dates(log.begins[first:after])
        rows = _rows(log, first, after)
        bounds = (log.row_of[first : after + 1] - log.row_of[first]).tolist()
        for i, (begin, end) in enumerate(pairwise(bounds)):
            index = first + i
            name = f"{log.replication[index]}.{log.patient[index]}"
            yield Patient(index, name, starts[i], rows[begin:end])


def dates(days: Floats) -> list[str]:
    """Days of the common calendar as dates in UTC (ISO 8601), rounded to the millisecond."""
    since = np.rint(days * 86_400_000.0).astype("timedelta64[ms]")
    moments = np.datetime64("2000-01-03", "ms") + since
    return [f"{date}+00:00" for date in np.datetime_as_string(moments).tolist()]


def attribute_value(log: EventLog, attribute: int, number: float) -> Value:
    """The value of an attribute, stored as `number`: a number, yes/no, or a category."""
    categories = log.names.categories[attribute]
    if not categories:
        return number
    return bool(number) if categories == YES_NO else categories[int(number)]


def _rows(log: EventLog, first: int, after: int) -> list[Row]:
    """The rows of the patients from `first` to before `after`."""
    rows = slice(log.row_of[first], log.row_of[after])
    names = log.names
    n_rows = np.diff(log.row_of[first : after + 1])
    columns = zip(
        log.time[rows].tolist(),
        dates(log.time[rows] + np.repeat(log.begins[first:after], n_rows)),
        _decode(log.event[rows].tolist(), names.events),
        _decode(log.rule[rows].tolist(), names.rules),
        _decode(log.stage_from[rows].tolist(), names.stages),
        _decode(log.stage_to[rows].tolist(), names.stages),
        log.does[rows].tolist(),
        _changes(log, rows),
        strict=True,
    )
    return [Row(*column) for column in columns]


def _decode(codes: list[int], names: tuple[str, ...]) -> list[str]:
    name_of = [*names, ""]  # code -1 is the last
    return [name_of[code] for code in codes]


def _changes(log: EventLog, rows: slice) -> Iterator[list[tuple[str, Value]]]:
    """For each row the changes of attributes; stamps are omitted, since the log has their times."""
    attributes = log.names.attributes
    bounds = log.change_of[rows.start : rows.stop + 1].tolist()
    what = log.change_what[bounds[0] : bounds[-1]].tolist()
    values = log.change_value[bounds[0] : bounds[-1]].tolist()
    for begin, end in pairwise(bounds):
        yield [
            (attributes[what[i]], attribute_value(log, what[i], values[i]))
            for i in range(begin - bounds[0], end - bounds[0])
            if what[i] < len(attributes)
        ]
