"""Plain tables of a run: a row a patient, a row a happening, a row a change in the use of a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from sim.event_log.arrow_tables import (
    ROWS_IN_GROUP,
    event_table,
    named,
    patient_table,
    use_table,
    valued,
    write_tables,
)
from sim.event_log.log import Codes, Floats, Indices
from sim.outcomes.history.history import NEVER, History

TABLES = ("patients", "events", "resource_use")


def files(kind: str) -> tuple[str, ...]:
    """The names of the files; resource_use is there where something can be waited for."""
    return tuple(f"{name}.{kind}" for name in TABLES)


def write(folder: Path, history: History, *, kind: str) -> None:
    """The tables as files of a kind, `csv` or `parquet`, in a folder that is there."""
    write_one = write_csv if kind == "csv" else write_tables
    write_one(folder / f"patients.{kind}", [wide(history)])
    write_one(folder / f"events.{kind}", long(history))
    if len(history.use.time):
        use = use_table(history.use, history.log.names.resources)
        write_one(folder / f"resource_use.{kind}", [use])


def wide(history: History) -> pa.Table:
    """One row for each patient: the patients' table of a run, and more columns after it.

    last_state (null: none was ever entered), and for each stage and health state the days from the
    patient's start until it was first entered, `first.stage.NAME` and `first.state.NAME` (null:
    never). Who waits for the first stage is in its state, and has not entered it.
    """
    names = history.log.names
    table = patient_table(history.log)
    last = history.log.row_of[1:] - 1
    table = table.append_column("last_state", named(states(history, last), names.states))
    for name in names.stages:
        table = table.append_column(f"first.stage.{name}", _first(history, history.entries(name)))
    for name in names.states:
        table = table.append_column(f"first.state.{name}", _first(history, history.entries_into_state(name)))
    return table


def long(history: History, rows_in_group: int = ROWS_IN_GROUP) -> Iterator[pa.Table]:
    """One row for each happening, as tables of so many rows, in order.

    Columns: those of the event table of a run up to `does`; stage and state just after the row (of
    who waits the stage left; null: none); each `attributes.NAME` just after the row, and each
    `stamps.NAME` (days since the patient's start; null: never set).
    """
    log, names = history.log, history.log.names
    for first in range(0, max(log.n_rows, 1), rows_in_group):
        rows = np.arange(first, min(first + rows_in_group, log.n_rows))
        table = event_table(log, first, first + len(rows), with_changes=False)
        table = table.append_column("stage", named(history.stage(rows), names.stages))
        table = table.append_column("state", named(states(history, rows), names.states))
        for name, categories in zip(names.attributes, names.categories, strict=True):
            values = valued(history.attribute(name, rows), categories)
            table = table.append_column(f"attributes.{name}", values)
        for name in names.stamps:
            times = history.stamp(name, rows)
            table = table.append_column(f"stamps.{name}", pa.array(times, mask=np.isnan(times)))
        yield table


def states(history: History, rows: Indices) -> Codes:
    """The health state just after each row, -1 where there is none yet."""
    spells = history.state_spells
    position = history.latest(spells.row, rows)
    return np.where(position >= 0, np.append(spells.code, np.int16(-1))[position], np.int16(-1))


def _first(history: History, rows: Indices) -> pa.Array:
    first = history.first_of_each(rows)
    never = first == NEVER
    times: Floats = np.append(history.log.time, 0.0)[np.where(never, -1, first)]
    return pa.array(times, mask=never)


def write_csv(path: Path, tables: Iterable[pa.Table]) -> None:
    """Tables of one schema as one CSV file (RFC 4180); null is empty, yes/no `true` and `false`."""
    writer = None
    try:
        for table in tables:
            plain = _without_dictionaries(table)
            writer = writer or csv.CSVWriter(path, plain.schema)
            writer.write_table(plain)
    finally:
        if writer is not None:
            writer.close()


def _without_dictionaries(table: pa.Table) -> pa.Table:
    fields = [
        pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema
    ]
    return table.cast(pa.schema(fields))
