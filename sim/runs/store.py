"""The folder of a run: written whole or not at all, and read back."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
from pyarrow import parquet

from sim.engine.run import Result
from sim.errors import InputError, RunError
from sim.event_log.arrow_tables import event_log, event_tables, patient_table, resource_use, use_table
from sim.event_log.log import Names
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


# ---------------------------------------------------------------- before a run


def refuse_unusable(folder: Path, *, force: bool, files: Sequence[str] = FILES, noun: str = "run") -> None:
    """Find out before the work is done whether its result, these files, can be put here.

    Raises: RunError where the folder exists (with force: where it holds more than these files), or
    where nothing can be written beside it.
    """
    folder = folder.absolute()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RunError(f"{folder}: exists and is no folder\n    choose another name with --out")
    if folder.exists():
        if not force:
            raise RunError(f"{folder}: exists\n    choose another name, or replace this {noun} with --force")
        _refuse_more_than(files, folder, noun)
    refuse_unwritable(folder)


def refuse_unusable_file(path: Path, *, force: bool) -> None:
    """The same for a result that is one file.

    Raises: RunError where the path is a folder, or is there (unless force), or cannot be written.
    """
    if path.is_dir():
        raise RunError(f"{path}: is a folder\n    name a file with --out")
    if path.exists() and not force:
        raise RunError(f"{path}: exists\n    choose another name, or replace it with --force")
    refuse_unwritable(path)


def refuse_unwritable(path: Path) -> None:
    """Raises: RunError where nothing can be written in the folder that is to hold this path."""
    parent = next(p for p in path.absolute().parents if p.exists())
    if not parent.is_dir():
        raise RunError(f"{path}: {parent} is no folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise RunError(f"{path}: no permission to write in {parent}")


def refuse_files(files: Sequence[Path], *, read: Sequence[Path]) -> None:
    """Files that are to be written, before the time is spent on what stands in them.

    read: the files and folders that the command reads, which none of them may replace.
    Raises: InputError for one that is read or named twice; RunError for one that cannot be written.
    """
    kept = [path.resolve() for path in read]
    folders = [path for path in kept if path.is_dir()]
    for n, path in enumerate(files):
        if path.name == "-":
            raise InputError(f"{path}: is no file", "only --json writes to stdout; name a file")
        if path.resolve() in kept or path.resolve().parent in folders:
            raise InputError(f"{path}: would be written over what is read, or into it", "choose another name")
        if path.resolve() in [other.resolve() for other in files[:n]]:
            raise InputError(
                f"{path}: two files would be written under this name", "choose another name for one"
            )
        if path.is_dir():
            raise RunError(f"{path}: is a folder\n    name a file")
        refuse_unwritable(path)
        if not path.parent.is_dir():
            raise RunError(f"{path}: there is no folder {path.parent}\n    make it first")


def _refuse_more_than(files: Sequence[str], folder: Path, noun: str) -> None:
    """--force replaces what it is for, and never takes anything else away with it."""
    there = sorted(item.name for item in folder.iterdir())
    other = [name for name in there if name not in files]
    if other:
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        a = "an" if noun[0] in "aeiou" else "a"
        raise RunError(
            f"{folder}: holds what is no part of {a} {noun}: {', '.join(other[:3])}{more}\n"
            f"    --force replaces {a} {noun} only; move these away or choose another name"
        )


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
    Raises: RunError where the folder exists (see refuse_unusable) or cannot be written.
    """
    with opened_run(folder, force=force) as files:
        files.add(result)
        files.finish(scenario, summary, provenance)


@contextmanager
def opened_run(folder: Path, *, force: bool = False) -> Iterator[RunFiles]:
    """The files of a run to write piece by piece; the folder is there when the block is done, or not at all.

    Raises: RunError as in write_run.
    """
    refuse_unusable(folder, force=force)
    with replaced_whole(folder) as new:
        with ExitStack() as opened:
            yield RunFiles(new, *(opened.enter_context(closing(TableFile(new / name))) for name in TABLES))
        refuse_unusable(folder, force=force)  # somebody may have put something there meanwhile


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


@contextmanager
def replaced_whole(folder: Path) -> Iterator[Path]:
    """A temporary folder beside this one, which takes its place when the block is done.

    An old folder of this name goes only after the new one is whole and on disk; where anything
    goes wrong before, the temporary folder goes. Raises: RunError for what the disk refuses.
    """
    folder = folder.absolute()
    new = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".unfinished", dir=folder.parent))
        new.chmod(0o777 & ~_umask())
        yield new
        for file in new.iterdir():
            _to_disk(file)
        _to_disk(new)
        _move_into_place(new, folder)
    except OSError as error:
        is_elsewhere = error.filename is not None and (new is None or new not in Path(error.filename).parents)
        where = error.filename if is_elsewhere else folder
        raise RunError(f"{where}: {reason(error)}; nothing was written") from error
    finally:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)


def _move_into_place(new: Path, folder: Path) -> None:
    old = None
    if folder.exists():
        old = folder.with_name(f"{new.name}.old")
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if old is not None:
            old.rename(folder)
        raise
    _to_disk(folder.parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that the path holds all of it or what was there before.

    Raises: RunError for what the disk refuses.
    """
    with opened_whole(path) as file:
        file.write(text)


@contextmanager
def opened_whole(path: Path) -> Iterator[TextIO]:
    """A text file to write piece by piece; it takes its place when the block is done, or not at all.

    Raises: RunError for what the disk refuses.
    """
    path = path.absolute()
    new = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".unfinished", dir=path.parent)
        new = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.chmod(0o666 & ~_umask())
        new.replace(path)
    except OSError as error:
        raise RunError(f"{path}: {reason(error)}; it was not written") from error
    finally:
        if new is not None:
            new.unlink(missing_ok=True)


def json_text(value: Mapping[str, Any]) -> str:
    """A mapping as JSON, with a line to each entry; keys keep their order."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def reason(error: OSError) -> str:
    """What the system says went wrong, without its number."""
    return (error.strerror or str(error)).lower()


class TableFile:
    """Tables of one schema in one file, each a row group; there is none before the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: parquet.ParquetWriter | None = None

    def add(self, table: pa.Table) -> None:
        """One more row group."""
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()


def write_tables(path: Path, tables: Iterable[pa.Table]) -> None:
    """Tables of one schema, each as a row group."""
    with closing(TableFile(path)) as file:
        for table in tables:
            file.add(table)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


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
