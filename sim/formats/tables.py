"""Plain tables of a run: patients (wide), events (long) and the use of resources, as CSV or Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv

from sim.event_log.arrow_tables import (
    ROWS_IN_GROUP,
    TableFile,
    event_table,
    named,
    patient_ids,
    patient_table,
    use_table,
    valued,
)
from sim.event_log.log import Codes, Indices
from sim.outcomes.history.history import NEVER, History

TABLES = ("patients", "events", "resource_use")
FORMULA_STARTS = "=+-@\t\r'"
"""First characters of a text that a spreadsheet executes as a formula; the apostrophe prevents that."""
NUMBER = r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?"


def files(kind: str) -> tuple[str, ...]:
    """The names of the files; resource_use exists only where patients can wait for a resource."""
    return tuple(f"{name}.{kind}" for name in TABLES)


def write(folder: Path, histories: Iterable[History], *, kind: str) -> None:
    """Write the tables as files of a kind, `csv` or `parquet`, into an existing folder.

    histories: of a run, or of one batch of its replications after the other.
    """
    make = CsvFile if kind == "csv" else TableFile
    with ExitStack() as opened:
        files = {name: opened.enter_context(closing(make(folder / f"{name}.{kind}"))) for name in TABLES}
        for history in histories:
            files["patients"].add(wide(history))
            for table in long(history):
                files["events"].add(table)
            if len(history.use.time):
                files["resource_use"].add(use_table(history.use, history.log.names.resources))


def wide(history: History) -> pa.Table:
    """One row for each patient: the patients' table of a run with further columns.

    last_state (null: no state was entered), and for each stage and health state the days from the
    patient's start to its first entry, `first.stage.NAME` and `first.state.NAME` (null: never). A
    patient who waits for the first stage is in its state without having entered it.
    """
    names = history.log.names
    table = patient_table(history.log)
    last = history.log.row_of[1:] - 1
    table = table.append_column("last_state", named(states(history, last), names.states))
    for name in names.stages:
        table = table.append_column(f"first.stage.{name}", _first_times(history, history.entries(name)))
    for name in names.states:
        entries = history.entries_into_state(name)
        table = table.append_column(f"first.state.{name}", _first_times(history, entries))
    return table


def long(history: History, rows_in_group: int = ROWS_IN_GROUP) -> Iterator[pa.Table]:
    """One row for each event, as tables of `rows_in_group` rows, in order.

    Columns: those of the event table of a run up to `does`; stage and state just after the row (for a
    waiting patient the stage left; null: none); the patient's `id`, where a table has it; each
    `attributes.NAME` just after the row, and each `stamps.NAME` (days since the patient's start; null:
    never set).
    """
    log, names = history.log, history.log.names
    for first in range(0, max(log.n_rows, 1), rows_in_group):
        rows = np.arange(first, min(first + rows_in_group, log.n_rows))
        table = event_table(log, first, first + len(rows), with_changes=False)
        table = table.append_column("stage", named(history.stage(rows), names.stages))
        table = table.append_column("state", named(states(history, rows), names.states))
        for name, ids in patient_ids(log, log.patient[history.patients(rows)]).items():
            table = table.append_column(name, ids)
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


def _first_times(history: History, rows: Indices) -> pa.Array:
    """The time of each patient's first of these rows, null where there is none."""
    first = history.first_of_each(rows)
    never = first == NEVER
    times = np.append(history.log.time, 0.0)[np.where(never, -1, first)]
    return pa.array(times, mask=never)


# ---------------------------------------------------------------- CSV


class CsvFile:
    """A CSV file (RFC 4180) of tables with one schema; it exists from the first on.

    Null is empty, yes/no is `true` and `false`, and text is protected as in `without_formula`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: csv.CSVWriter | None = None

    def add(self, table: pa.Table) -> None:
        """Write the rows of one more table."""
        plain = pa.table([_plain(column) for column in table.columns], names=table.column_names)
        if self._writer is None:
            self._writer = csv.CSVWriter(self._path, plain.schema)
        self._writer.write_table(plain)

    def close(self) -> None:
        """Complete the file."""
        if self._writer is not None:
            self._writer.close()


def write_csv(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write tables of one schema as one CSV file."""
    with closing(CsvFile(path)) as file:
        for table in tables:
            file.add(table)


def without_formula(text: str) -> str:
    """The text with an apostrophe before it if it begins with one of FORMULA_STARTS and is no number.

    Spreadsheets would execute such a text. To restore it, remove one leading apostrophe.
    """
    is_formula = text.startswith(tuple(FORMULA_STARTS)) and not re.fullmatch(NUMBER, text)
    return f"'{text}" if is_formula else text


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without dictionaries, its text as in `without_formula`."""
    text = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    if not pa.types.is_string(text.type):
        return text
    is_formula = compute.match_substring_regex(text, rf"^[{FORMULA_STARTS.replace('-', '')}-]")
    is_formula = compute.and_not(is_formula, compute.match_substring_regex(text, f"^({NUMBER})$"))
    if not compute.any(is_formula).as_py():
        return text
    return compute.if_else(is_formula, compute.binary_join_element_wise("'", text, ""), text)
