"""The folder of a run: written as a whole or not at all, and read back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from sim.engine.processes import Cluster, on_this_machine
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
from sim.event_log.log import EventLog, Names, ResourceUse
from sim.files import check_folder, json_text, whole_folder
from sim.outcomes.evaluation import Arm
from sim.outcomes.history.history import History
from sim.pathway.tables import Pathway, compile_pathway
from sim.runs.provenance import provenance
from sim.runs.run import QUIET, Progress, Run, RunRequest, run_scenario
from sim.scenario import load
from sim.scenario.language.model import Scenario

EVENTS, PATIENTS, RESOURCE_USE = "events.parquet", "patients.parquet", "resource_use.parquet"
SUMMARY, SCENARIO, PROVENANCE = "summary.json", "scenario.yaml", "provenance.json"
TABLES = (EVENTS, PATIENTS, RESOURCE_USE)
FILES = (*TABLES, SUMMARY, SCENARIO, PROVENANCE)


# ---------------------------------------------------------------- writing


def write_run(folder: Path, run: Run, *, command: Sequence[str] = (), force: bool = False) -> None:
    """Write a run whose log was kept: all its files, or none.

    Raises: InputError where the folder exists (see check_folder), RunError where it cannot be written.
    """
    assert run.arm is not None
    with opened_run(folder, force=force) as files:
        run.timer.begin("write")
        files.add(Result(run.arm.log, run.arm.use, run.engine))
        files.finish(run, command=command)


def run_into(
    folder: Path,
    request: RunRequest,
    scenario: Scenario,
    *,
    command: Sequence[str] = (),
    force: bool = False,
    progress: Progress = QUIET,
) -> Run:
    """Run a scenario, and write its folder batch by batch. Raises: as `run_scenario` and `write_run`."""
    with opened_run(folder, force=force) as files:
        run = run_scenario(request, scenario, progress=progress, sink=files)
        files.finish(run, command=command)
    return run


def check_run_folder(folder: Path, *, force: bool) -> None:
    """Check before a run that its folder can be written. Raises: InputError as `check_folder`."""
    check_folder(folder, force=force, files=FILES)


@contextmanager
def opened_run(folder: Path, *, force: bool = False) -> Iterator[RunFiles]:
    """The files of a run to write batch by batch; the folder exists when the block ends without an error.

    Raises: as write_run.
    """
    check_run_folder(folder, force=force)
    with whole_folder(folder) as new:
        with ExitStack() as opened:
            tables = {name: opened.enter_context(closing(TableFile(new / name))) for name in TABLES}
            yield RunFiles(new, tables)
        check_run_folder(folder, force=force)  # another program may have made it meanwhile


def tables_of(result: Result) -> Iterator[tuple[str, pa.Table]]:
    """The tables of some replications with the names of their files; that of the events in parts."""
    for table in event_tables(result.log):
        yield EVENTS, table
    yield PATIENTS, patient_table(result.log)
    yield RESOURCE_USE, use_table(result.use, result.log.names.resources)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of a run that is being written into an unfinished folder."""

    folder: Path
    tables: Mapping[str, TableFile]

    def add(self, result: Result) -> None:
        """Write replications that follow those before."""
        for name, table in tables_of(result):
            self.tables[name].add(table)

    def finish(self, run: Run, *, command: Sequence[str]) -> None:
        """Write the results, the resolved scenario and the record of the run, which has its seconds."""
        (self.folder / SUMMARY).write_text(json_text(run.results.as_json()), "utf-8")
        (self.folder / SCENARIO).write_text(run.scenario.text, "utf-8")
        (self.folder / PROVENANCE).write_text(json_text(record(run, command)), "utf-8")


def record(run: Run, command: Sequence[str]) -> dict[str, Any]:
    """The record of a run, ready for JSON: its request, and the circumstances it ran in."""
    run.timer.begin("write")
    seconds, workers = dict(run.timer.seconds), run.request.workers
    request = {
        "seed": run.request.seed,
        "replications": run.request.replications,
        "engine": run.engine,
        "workers": str(workers) if isinstance(workers, Cluster) else on_this_machine(workers),
        "patients": run.patients,
        "at_days": list(run.request.at),
    }
    seconds["total"] = sum(seconds.values())
    return provenance(run.scenario, run=request, command=command, seconds=seconds)


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class SavedRun:
    """A run read back; its tables are read when they are asked for."""

    folder: Path
    summary: dict[str, Any]
    provenance: dict[str, Any]

    def request(self) -> RunRequest:
        """The request that runs it again, from its resolved scenario.

        Raises: RunError where its record does not say how it was run.
        """
        record = self.provenance
        try:
            return RunRequest(
                self.folder / SCENARIO,
                seed=int(record["seed"]),
                replications=int(record["replications"]),
                engine=str(record["engine"]),
                at=tuple(float(time) for time in record["at_days"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise RunError(f"{self.folder}: its record does not say how it was run ({error})") from error

    def load(self) -> Scenario:
        """Its scenario. Raises: ScenarioError; RunError where it is not the one that was run."""
        scenario = load(self.folder / SCENARIO)
        if scenario.digest != self.provenance.get("digest"):
            raise RunError(f"{self.folder}: its scenario is no longer the one that was run")
        return scenario

    def arm(self, pathway: Pathway | None = None) -> Arm:
        """Its log. pathway: of its scenario, where it is compiled already.

        Raises: ScenarioError, RunError where its files cannot be read or do not belong together.
        """
        pathway = pathway or compile_pathway(self.load())
        request = self.request()
        log, use = self.tables(pathway.names)
        name = self.folder.absolute().name
        return Arm(name, pathway.scenario, log, use, request.seed, request.replications)

    def tables(self, names: Names) -> tuple[EventLog, ResourceUse]:
        """Its log and use of resources. names: of the pathway of its scenario.

        Raises: RunError where they cannot be read, or are not of this pathway.
        """
        events, patients, use = (self.table(name) for name in TABLES)
        with self._readable():
            groups = (events.read_row_group(i) for i in range(events.num_row_groups))
            log = event_log(groups, patients.read(), names)
            return log, resource_use(use.read(), names)

    def histories(self) -> Iterator[History]:
        """The histories of its patients, one batch of replications after the other. Raises: as `arm`."""
        pathway = compile_pathway(self.load())
        events, patients, use = (self.table(name) for name in TABLES)
        begun = {EVENTS: 0, RESOURCE_USE: 0}
        for batch in range(patients.num_row_groups):
            _, last = _replications(patients, batch)
            own: dict[str, list[int]] = {}
            for name, file in ((EVENTS, events), (RESOURCE_USE, use)):
                first = begun[name]
                while begun[name] < file.num_row_groups and _replications(file, begun[name])[0] <= last:
                    begun[name] += 1
                own[name] = list(range(first, begun[name]))
            with self._readable():
                groups = (events.read_row_group(i) for i in own[EVENTS])
                log = event_log(groups, patients.read_row_group(batch), pathway.names)
                rows = resource_use(use.read_row_groups(own[RESOURCE_USE]), pathway.names)
            yield History(log, rows, pathway.scenario)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
            raise RunError(f"{self.folder}: its tables cannot be read back ({error})") from error

    def table(self, name: str) -> parquet.ParquetFile:
        """One of EVENTS, PATIENTS, RESOURCE_USE. Raises: RunError where it cannot be read."""
        try:
            return parquet.ParquetFile(self.folder / name)
        except (OSError, pa.ArrowInvalid) as error:
            raise RunError(f"{self.folder / name}: cannot be read ({error})") from error


def _replications(file: parquet.ParquetFile, group: int) -> tuple[float, float]:
    """The first and the last replication of the rows in a row group; -inf where it has none."""
    rows = file.metadata.row_group(group)
    if not rows.num_rows:
        return -inf, -inf
    statistics = rows.column(file.schema_arrow.get_field_index("replication")).statistics
    return statistics.min, statistics.max


def read_run(folder: Path) -> SavedRun:
    """A run as it was written. Raises: RunError where the folder is missing, incomplete, or not a run."""
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run\n    name a folder that `allpath run --out` has written")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise RunError(f"{folder}: is no complete run, it has no {', '.join(missing)}")
    return SavedRun(folder, _read_json(folder / SUMMARY), _read_json(folder / PROVENANCE))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise RunError(f"{path}: is not what a run writes")
    return value
