"""A saved run and the same run simulated again: whether they are identical, and where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from sim.engine.processes import Workers
from sim.engine.run import Result
from sim.errors import RunError
from sim.files import json_text
from sim.runs.run import QUIET, Progress, Run, run_scenario
from sim.runs.store import EVENTS, TABLES, SavedRun, tables_of


class Reproduction:
    """A saved run beside the same run as it is simulated again, batch by batch.

    Raises: RunError where a table of the saved run cannot be read.
    """

    def __init__(self, saved: SavedRun) -> None:
        self._saved = saved
        self._tables = {name: _ComparedTable(saved, name) for name in TABLES}

    def add(self, result: Result) -> None:
        """Compare replications that follow those before."""
        for name, table in tables_of(result):
            self._tables[name].add(table)

    @property
    def n_rows(self) -> int:
        """Rows of the new event log."""
        return self._tables[EVENTS].n

    def differences(self, summary: Mapping[str, Any], digest: str) -> list[str]:
        """Every difference in words, when all has been added; none where the runs are identical.

        summary, digest: of the new run.
        """
        found = []
        before = self._saved.provenance.get("digest")
        if before != digest:
            found.append(f"scenario: the digest was {before}, it is {digest}")
        for name, table in self._tables.items():
            found += [f"{name}: {difference}" for difference in table.differences()]
        now = json.loads(json_text(summary))
        found += [f"summary: {difference}" for difference in _differences(self._saved.summary, now, "")]
        return found


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A run that was run again. differences: from the saved run, in words; none where it is identical."""

    run: Run
    n_rows: int
    differences: list[str]


def reproduce(saved: SavedRun, *, workers: Workers = None, progress: Progress = QUIET) -> Reproduced:
    """Run a saved run again and compare. Raises: RunError where either cannot be read or fails."""
    again = Reproduction(saved)
    run = run_scenario(replace(saved.request(), workers=workers), progress=progress, sink=again)
    precision = saved.summary["run"].get("precision") if isinstance(saved.summary.get("run"), dict) else None
    summary = replace(run.results, precision=precision).as_json()
    return Reproduced(run, again.n_rows, again.differences(summary, run.scenario.digest))


class _ComparedTable:
    """A saved table beside the same table of the new run, compared up to the first row that differs."""

    def __init__(self, saved: SavedRun, name: str) -> None:
        self.n = 0
        self._where = saved.folder / name
        self._file = saved.table(name)
        self._groups = iter(range(self._file.num_row_groups))
        self._left = self._file.schema_arrow.empty_table()
        self._difference = ""

    def _next_group(self) -> pa.Table | None:
        """None after the last."""
        group = next(self._groups, None)
        try:
            return None if group is None else self._file.read_row_group(group)
        except (OSError, pa.ArrowInvalid) as error:
            raise RunError(f"{self._where}: cannot be read ({error})") from error

    def add(self, now: pa.Table) -> None:
        if not self._difference:
            self._difference = _other_columns(self._file.schema_arrow, now.schema)
        n, self.n = self.n, self.n + now.num_rows
        while now.num_rows and not self._difference:
            if not self._left.num_rows:
                more = self._next_group()
                if more is None:
                    return
                self._left = more
            both = min(now.num_rows, self._left.num_rows)
            first = _first_difference(self._left.slice(0, both), now.slice(0, both))
            if first is not None:
                self._difference = f"row {n + first[0]:,}: {first[1]}"
            self._left, now, n = self._left.slice(both), now.slice(both), n + both

    def differences(self) -> Iterator[str]:
        """The number of rows, then the columns or the first row that differs."""
        if self._file.metadata.num_rows != self.n:
            yield f"had {self._file.metadata.num_rows:,} rows, has {self.n:,}"
        if self._difference:
            yield self._difference


def _other_columns(then: pa.Schema, now: pa.Schema) -> str:
    """How the columns differ, "" where they do not."""
    if then.names != now.names:
        return f"had the columns {', '.join(then.names)}, has {', '.join(now.names)}"
    other = next((name for name in now.names if then.field(name).type != now.field(name).type), None)
    return f"{other} was {then.field(other).type}, is {now.field(other).type}" if other is not None else ""


def _first_difference(then: pa.Table, now: pa.Table) -> tuple[int, str] | None:
    """The first row in which two tables of the same columns differ, and how."""
    if then.equals(now):
        return None
    first: tuple[int, str] | None = None
    for name in now.column_names:
        a, b = then[name].to_pylist(), now[name].to_pylist()
        row = next((i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y), None)
        if row is not None and (first is None or row < first[0]):
            first = row, f"{name} was {a[row]}, is {b[row]}"
    return first


def _differences(then: Any, now: Any, path: str) -> Iterator[str]:
    """Every value of the results that differs, with its path."""
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*then, *now]):
            deeper = f"{path}.{key}" if path else str(key)
            if key not in then or key not in now:
                yield f"{deeper}: {'is new' if key in now else 'is gone'}"
            else:
                yield from _differences(then[key], now[key], deeper)
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for i, (old, new) in enumerate(zip(then, now, strict=True)):
            yield from _differences(old, new, f"{path}.{i}")
    elif then != now:
        yield f"{path}: was {then}, is {now}"
