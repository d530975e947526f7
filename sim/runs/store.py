"""The folder of a run: written whole or not at all, and read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from sim.engine.run import Result
from sim.errors import RunError
from sim.event_log.arrow_tables import (
    TableFile,
    event_log,
    event_tables,
    patient_table,
    resource_use,
    use_table,
)
from sim.event_log.log import Names
from sim.files import check_folder, json_text, whole_folder
from sim.scenario.language.model import Scenario

EVENTS, PATIENTS, RESOURCE_USE = "events.parquet", "patients.parquet", "resource_use.parquet"
SUMMARY, SCENARIO, PROVENANCE = "summary.json", "scenario.yaml", "provenance.json"
TABLES = (EVENTS, PATIENTS, RESOURCE_USE)
FILES = (*TABLES, SUMMARY, SCENARIO, PROVENANCE)


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run read back; its tables stay on disk until they are asked for."""

    folder: Path
    summary: dict[str, Any]
    provenance: dict[str, Any]

    @property
    def scenario_file(self) -> Path:
        return self.folder / SCENARIO

    def result(self, names: Names) -> Result:
        """What the run gave; names: of the pathway of its scenario.

        Raises: RunError where its tables cannot be read, or are not of this pathway.
        """
        events, patients, use = (self.table(name) for name in (EVENTS, PATIENTS, RESOURCE_USE))
        try:
            groups = (events.read_row_group(i) for i in range(events.num_row_groups))
            log = event_log(groups, patients.read(), names)
            return Result(log, resource_use(use.read(), names), str(self.provenance["engine"]))
        except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
            raise RunError(f"{self.folder}: its tables cannot be read back ({error})") from error

    def table(self, name: str) -> parquet.ParquetFile:
        """One of EVENTS, PATIENTS, RESOURCE_USE. Raises: RunError where it cannot be read."""
        try:
            return parquet.ParquetFile(self.folder / name)
        except (OSError, pa.ArrowInvalid) as error:
            raise RunError(f"{self.folder / name}: cannot be read ({error})") from error


# ---------------------------------------------------------------- writing


def write_run(
    folder: Path,
    *,
    scenario: Scenario,
    result: Result,
    summary: Mapping[str, Any],
    provenance: Callable[[], Mapping[str, Any]],
    force: bool = False,
) -> None:
    """Write a run: all its files, or none.

    provenance is called when all the rest is written, so that it can tell how long that took.
    Raises: RunError where the folder exists (see check_folder) or cannot be written.
    """
    with opened_run(folder, force=force) as files:
        files.add(result)
        files.finish(scenario, summary, provenance)


@contextmanager
def opened_run(folder: Path, *, force: bool = False) -> Iterator[RunFiles]:
    """The files of a run to write piece by piece; the folder is there when the block is done, or not at all.

    Raises: RunError as in write_run.
    """
    check_folder(folder, force=force, files=FILES)
    with whole_folder(folder) as new:
        with ExitStack() as opened:
            yield RunFiles(new, *(opened.enter_context(closing(TableFile(new / name))) for name in TABLES))
        check_folder(folder, force=force, files=FILES)  # another program may have made it meanwhile


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of a run that is being written, in a folder that is there."""

    folder: Path
    events: TableFile
    patients: TableFile
    resource_use: TableFile

    def add(self, result: Result) -> None:
        """More of what the run gave: replications that come after those before."""
        for table in event_tables(result.log):
            self.events.add(table)
        self.patients.add(patient_table(result.log))
        self.resource_use.add(use_table(result.use, result.log.names.resources))

    def finish(
        self, scenario: Scenario, summary: Mapping[str, Any], provenance: Callable[[], Mapping[str, Any]]
    ) -> None:
        """What is told of all of it; provenance is called when all the rest is written."""
        (self.folder / SUMMARY).write_text(json_text(summary), "utf-8")
        (self.folder / SCENARIO).write_text(scenario.text, "utf-8")
        (self.folder / PROVENANCE).write_text(json_text(provenance()), "utf-8")


# ---------------------------------------------------------------- reading


def read_run(folder: Path) -> SavedRun:
    """A run as it was written.

    Raises: RunError where the folder is missing, not whole, or not a run.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run\n    name a folder that `allpath run --out` has written")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise RunError(f"{folder}: not a whole run, it has no {', '.join(missing)}")
    return SavedRun(folder, _read_json(folder / SUMMARY), _read_json(folder / PROVENANCE))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise RunError(f"{path}: is not what a run writes")
    return value
