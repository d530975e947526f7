"""The event log, the patients and the use of resources as Arrow tables, names in place of codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.engine.event_log import ASKS, ENTERS, LEAVES, STAYS, EventLog, Floats, ResourceUse

ROWS_IN_GROUP = 2**17
"""Rows made, written and read at once."""

DOES = {STAYS: "stays", ENTERS: "enters", ASKS: "asks", LEAVES: "leaves"}
YES_NO = ("false", "true")


def event_tables(log: EventLog, rows_in_group: int = ROWS_IN_GROUP) -> Iterator[pa.Table]:
    """The log as tables of so many rows, in order; an empty log gives one empty table."""
    changed = changed_columns(log)
    for first in range(0, max(log.n_rows, 1), rows_in_group):
        yield event_table(log, first, min(first + rows_in_group, log.n_rows), changed=changed)


def changed_columns(log: EventLog) -> tuple[int, ...]:
    """The attributes and stamps that ever change, as the log counts them (see EventLog)."""
    return tuple(int(what) for what in np.unique(log.change_what))


def event_table(log: EventLog, first: int, after: int, *, changed: Sequence[int]) -> pa.Table:
    """The rows first to after (not included) of the log.

    Columns: replication, patient, sequence (from 0 for each patient), time_days (since the
    patient's start), event, rule, from_stage, to_stage (null: none), does, and for each of
    `changed` its value after the row where the row changed it, else null.
    """
    rows = np.arange(first, after)
    whose = np.searchsorted(log.row_of, rows, side="right") - 1
    here = slice(first, after)
    names = log.names
    columns = {
        "replication": pa.array(log.replication[whose]),
        "patient": pa.array(log.patient[whose]),
        "sequence": pa.array((rows - log.row_of[whose]).astype(np.int32)),
        "time_days": pa.array(log.time[here]),
        "event": named(log.event[here], names.events),
        "rule": named(log.rule[here], names.rules),
        "from_stage": named(log.stage_from[here], names.stages),
        "to_stage": named(log.stage_to[here], names.stages),
        "does": named(log.does[here], [DOES[code] for code in sorted(DOES)]),
    }
    for what in changed:
        columns[column_name(log, what)] = _changes(log, first, after, what)
    return pa.table(columns)


def column_name(log: EventLog, what: int) -> str:
    """`attributes.NAME` or `stamps.NAME`."""
    n_attributes = len(log.names.attributes)
    if what < n_attributes:
        return f"attributes.{log.names.attributes[what]}"
    return f"stamps.{log.names.stamps[what - n_attributes]}"


def _changes(log: EventLog, first: int, after: int, what: int) -> pa.Array:
    """The new values of one attribute or stamp; of several in one row the last."""
    changes = slice(log.change_of[first], log.change_of[after])
    mine = log.change_what[changes] == what
    rows = np.repeat(np.arange(after - first), np.diff(log.change_of[first : after + 1]))[mine]
    values = np.zeros(after - first)
    values[rows] = log.change_value[changes][mine]
    missing = np.ones(after - first, bool)
    missing[rows] = False
    categories = log.names.categories[what] if what < len(log.names.attributes) else ()
    return valued(values, categories, missing)


def patient_table(log: EventLog) -> pa.Table:
    """One row for each patient, sorted by replication and number.

    Columns: replication, patient, start_day (on the common calendar), end_days and follow_up_days
    (since the patient's start), last_stage (null: none was ever entered), and each attribute
    `at_start.NAME` (before any effect) and `at_end.NAME`.
    """
    names = log.names
    columns = {
        "replication": pa.array(log.replication),
        "patient": pa.array(log.patient),
        "start_day": pa.array(log.begins),
        "end_days": pa.array(log.ends),
        "follow_up_days": pa.array(log.follow_up),
        "last_stage": named(last_stages(log), names.stages),
    }
    for when, values in (("at_start", log.at_start), ("at_end", log.at_end)):
        for i, name in enumerate(names.attributes):
            columns[f"{when}.{name}"] = valued(values[:, i], names.categories[i])
    return pa.table(columns)


def last_stages(log: EventLog) -> NDArray[np.int16]:
    """The stage each patient entered last, shape [n_patients]; -1 where none was entered."""
    entries = np.flatnonzero(log.does == ENTERS)
    last = np.searchsorted(entries, log.row_of[1:]) - 1
    stages = np.full(log.n_patients, -1, np.int16)
    some = last >= 0
    some[some] = entries[last[some]] >= log.row_of[:-1][some]
    stages[some] = log.stage_to[entries[last[some]]]
    return stages


def use_table(use: ResourceUse, resources: Sequence[str]) -> pa.Table:
    """Every change in the use of a resource: its time_days on the common calendar, what was true after."""
    return pa.table(
        {
            "replication": pa.array(use.replication),
            "time_days": pa.array(use.time),
            "resource": named(use.resource, resources),
            "in_use": pa.array(use.in_use),
            "queue": pa.array(use.queue),
            "capacity": pa.array(use.capacity),
        }
    )


def named(codes: NDArray[Any], names: Sequence[str]) -> pa.DictionaryArray:
    """Codes as the names they stand for, -1 as null.

    Of equal names one is kept: `clock.x` may be a clock, and an event of a stage called `clock`.
    """
    different = list(dict.fromkeys(names))
    code_of = np.array([different.index(name) for name in names] or [0], np.int16)
    missing = codes < 0
    kept = code_of[np.where(missing, 0, codes)]
    return pa.DictionaryArray.from_arrays(
        pa.array(kept, pa.int16(), mask=missing), pa.array(different, pa.string())
    )


def valued(values: Floats, categories: tuple[str, ...], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Values as the log codes them: as numbers, as yes/no, or as the categories they stand for."""
    if categories == YES_NO:
        return pa.array(values != 0, mask=missing)
    if categories:
        codes = values.astype(np.int16)
        return named(codes if missing is None else np.where(missing, -1, codes), categories)
    return pa.array(values, mask=missing)
