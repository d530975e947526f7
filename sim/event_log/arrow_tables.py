"""The event log, the patients and the use of resources as Arrow tables, names in place of codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from sim.event_log.log import (
    ASKS,
    ENTERS,
    LEAVES,
    STAYS,
    EventLog,
    Floats,
    Names,
    ResourceUse,
)
from sim.scenario.language.model import MOST_UNITS_HELD

ROWS_IN_GROUP = 2**17
"""Rows made, written and read at once."""

DOES = {STAYS: "stays", ENTERS: "enters", ASKS: "asks", LEAVES: "leaves"}
TO_RESOURCE = ("free of it", "waits for it", "holds it")
"""What a patient has to do with a resource of which nobody needs more than one unit, by its code."""
YES_NO = ("false", "true")


def event_tables(log: EventLog, rows_in_group: int = ROWS_IN_GROUP) -> Iterator[pa.Table]:
    """The log as tables of so many rows, in order; an empty log gives one empty table."""
    for first in range(0, max(log.n_rows, 1), rows_in_group):
        yield event_table(log, first, min(first + rows_in_group, log.n_rows))


def event_table(log: EventLog, first: int, after: int, *, with_changes: bool = True) -> pa.Table:
    """The rows first to after (not included) of the log.

    Columns: replication, patient, sequence (from 0 for each patient), time_days (since the
    patient's start), event, rule, from_stage, to_stage (null: none), does, and with_changes for each
    attribute, stamp and resource its value after the row where the row changed it, else null.
    """
    rows = np.arange(first, after)
    patient_index = np.searchsorted(log.row_of, rows, side="right") - 1
    here = slice(first, after)
    names = log.names
    columns = {
        "replication": pa.array(log.replication[patient_index]),
        "patient": pa.array(log.patient[patient_index]),
        "sequence": pa.array((rows - log.row_of[patient_index]).astype(np.int32)),
        "time_days": pa.array(log.time[here]),
        "event": named(log.event[here], names.events),
        "rule": named(log.rule[here], names.rules),
        "from_stage": named(log.stage_from[here], names.stages),
        "to_stage": named(log.stage_to[here], names.stages),
        "does": named(log.does[here], [DOES[code] for code in sorted(DOES)]),
    }
    if with_changes:
        for what in range(len(names.attributes) + len(names.stamps) + len(names.resources)):
            columns[column_name(names, what)] = _changes(log, first, after, what)
    return pa.table(columns)


def column_name(names: Names, what: int) -> str:
    """`attributes.NAME`, `stamps.NAME` or `resources.NAME`."""
    n_attributes, n_stamps = len(names.attributes), len(names.stamps)
    if what < n_attributes:
        return f"attributes.{names.attributes[what]}"
    if what < n_attributes + n_stamps:
        return f"stamps.{names.stamps[what - n_attributes]}"
    return f"resources.{names.resources[what - n_attributes - n_stamps]}"


def _changes(log: EventLog, first: int, after: int, what: int) -> pa.Array:
    """The new values of one attribute, stamp or resource; of several in one row the last."""
    changes = slice(log.change_of[first], log.change_of[after])
    mask = log.change_what[changes] == what
    rows = np.repeat(np.arange(after - first), np.diff(log.change_of[first : after + 1]))[mask]
    values = np.zeros(after - first)
    values[rows] = log.change_value[changes][mask]
    missing = np.ones(after - first, bool)
    missing[rows] = False
    return valued(values, categories_of(log.names, what, largest=values.max(initial=0.0)), missing)


def categories_of(names: Names, what: int, *, largest: float) -> tuple[str, ...]:
    """The values that an attribute, stamp or resource can have in words, () for numbers.

    largest: the largest code of a resource.
    """
    if what < len(names.attributes):
        return names.categories[what]
    if what < len(names.attributes) + len(names.stamps):
        return ()
    units = range(1, int(largest) // 2 + 1)
    more = [text for n in units for text in (f"holds {n} of it", f"holds {n} of it, waits for more")]
    return (*TO_RESOURCE, *more[1 : max(int(largest) - 1, 1)])


def patient_table(log: EventLog) -> pa.Table:
    """One row for each patient, sorted by replication and number.

    Columns: replication, patient, id (where a table of patients has it), start_day (on the common
    calendar), end_days and follow_up_days (since the patient's start), last_stage (null: none was ever
    entered), and each attribute `at_start.NAME` (before any effect) and `at_end.NAME`.
    """
    names = log.names
    columns = {
        "replication": pa.array(log.replication),
        "patient": pa.array(log.patient),
        **patient_ids(log, log.patient),
        "start_day": pa.array(log.begins),
        "end_days": pa.array(log.ends),
        "follow_up_days": pa.array(log.follow_up),
        "last_stage": named(last_stages(log), names.stages),
    }
    for when, values in (("at_start", log.at_start), ("at_end", log.at_end)):
        for i, name in enumerate(names.attributes):
            columns[f"{when}.{name}"] = valued(values[:, i], names.categories[i])
    return pa.table(columns)


def patient_ids(log: EventLog, patients: NDArray[Any]) -> dict[str, pa.Array]:
    """The column `id` of these patients (numbers) from a table of patients; none where the table has none."""
    if not log.names.ids:
        return {}
    return {"id": pa.array([log.names.id_of(patient) or None for patient in patients.tolist()], pa.string())}


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


# ---------------------------------------------------------------- Parquet files


class TableFile:
    """A Parquet file of tables with one schema, each a row group; it exists from the first on.

    file: its path, or a file that is open for writing bytes.
    """

    def __init__(self, file: Path | IO[bytes]) -> None:
        self._file = file
        self._writer: parquet.ParquetWriter | None = None

    def add(self, table: pa.Table) -> None:
        """Write one more row group."""
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._file, table.schema, compression="zstd")
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))

    def close(self) -> None:
        """Complete the file."""
        if self._writer is not None:
            self._writer.close()


# ---------------------------------------------------------------- back again


def event_log(events: Iterable[pa.Table], patients: pa.Table, names: Names) -> EventLog:
    """The log that these tables (see event_tables, patient_table) were made of.

    events: one table or more, taken one after another, so that only one is there at a time.
    names: of the pathway that was run. Where a row had changed an attribute several times, the last
    is what is left of it. Raises: ValueError where the tables are not of this pathway.
    """
    rows = _RowsRead(*map(np.concatenate, zip(*(_rows_read(table, names) for table in events), strict=True)))
    begins = np.flatnonzero(rows.sequence == 0)
    if len(begins) != patients.num_rows or rows.sequence[:1].any():
        raise ValueError(f"{patients.num_rows:,} patients, and rows of {len(begins):,}")
    attributes = range(len(names.attributes))
    return EventLog(
        names=names,
        replication=patients["replication"].to_numpy().astype(np.int32),
        patient=patients["patient"].to_numpy().astype(np.int32),
        begins=patients["start_day"].to_numpy(),
        ends=patients["end_days"].to_numpy(),
        follow_up=patients["follow_up_days"].to_numpy(),
        at_start=_attributes_read(patients, names, [f"at_start.{names.attributes[i]}" for i in attributes]),
        at_end=_attributes_read(patients, names, [f"at_end.{names.attributes[i]}" for i in attributes]),
        row_of=np.append(begins, len(rows.sequence)).astype(np.int64),
        time=rows.time,
        event=rows.event,
        rule=rows.rule,
        stage_from=rows.stage_from,
        stage_to=rows.stage_to,
        does=rows.does,
        change_of=np.concatenate([[0], np.cumsum(rows.n_changes)]).astype(np.int64),
        change_what=rows.change_what,
        change_value=rows.change_value,
    )


class _RowsRead(NamedTuple):
    """The columns of some rows; change_what and change_value have n_changes items for each."""

    sequence: NDArray[np.int32]
    time: Floats
    event: NDArray[np.int16]
    rule: NDArray[np.int16]
    stage_from: NDArray[np.int16]
    stage_to: NDArray[np.int16]
    does: NDArray[np.int8]
    n_changes: NDArray[np.int64]
    change_what: NDArray[np.int16]
    change_value: Floats


def _rows_read(events: pa.Table, names: Names) -> _RowsRead:
    return _RowsRead(
        events["sequence"].to_numpy(),
        events["time_days"].to_numpy(),
        codes(events["event"], names.events),
        codes(events["rule"], names.rules),
        codes(events["from_stage"], names.stages),
        codes(events["to_stage"], names.stages),
        codes(events["does"], [DOES[code] for code in sorted(DOES)]).astype(np.int8),
        *_changes_read(events, names),
    )


def resource_use(table: pa.Table, names: Names) -> ResourceUse:
    """The use of resources that this table (see use_table) was made of."""
    whole = {name: table[name].to_numpy().astype(np.int32) for name in ("in_use", "queue", "capacity")}
    return ResourceUse(
        table["replication"].to_numpy().astype(np.int32),
        table["time_days"].to_numpy(),
        codes(table["resource"], names.resources),
        **whole,
    )


def codes(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int16]:
    """The codes of names, null as -1. Raises: ValueError for a name that is none of these, or two of them."""
    array = column.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # of no rows
        return np.zeros(0, np.int16)
    known = array.dictionary.to_pylist()
    twice = [name for name in known if list(names).count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]} is the name of an event and of a clock")
    code_of = np.array([*(list(names).index(name) for name in known), -1], np.int16)
    found: NDArray[np.int16] = code_of[array.indices.fill_null(-1).to_numpy()]
    return found


def _attributes_read(patients: pa.Table, names: Names, columns: Sequence[str]) -> Floats:
    """Values as the log codes them, shape [n_patients, n_attributes]."""
    values = [_numbers(patients[column], of) for column, of in zip(columns, names.categories, strict=True)]
    return np.column_stack(values) if values else np.zeros((patients.num_rows, 0))


def _numbers(column: pa.ChunkedArray, categories: tuple[str, ...]) -> Floats:
    if categories and categories != YES_NO:
        return codes(column, categories).astype(np.float64)
    numbers: Floats = column.to_numpy().astype(np.float64)
    return numbers


def _changes_read(events: pa.Table, names: Names) -> tuple[NDArray[np.int64], NDArray[np.int16], Floats]:
    """How many changes each row has, then of each change what it is and its new value."""
    rows, what, values = [], [], []
    kinds = {"attributes": names.attributes, "stamps": names.stamps, "resources": names.resources}
    columns = [f"{kind}.{name}" for kind, of in kinds.items() for name in of]
    for code, column in enumerate(columns):
        if column in events.column_names:
            there = events[column].is_valid().to_numpy()
            rows.append(np.flatnonzero(there))
            what.append(np.full(len(rows[-1]), code, np.int16))
            categories = categories_of(names, code, largest=2.0 * MOST_UNITS_HELD + 1.0)
            values.append(_numbers(events[column].drop_null(), categories))
    if not rows:
        return np.zeros(events.num_rows, np.int64), np.zeros(0, np.int16), np.zeros(0)
    order = np.argsort(np.concatenate(rows), kind="stable")
    counts = np.bincount(np.concatenate(rows), minlength=events.num_rows)
    return counts, np.concatenate(what)[order], np.concatenate(values)[order]
