"""Files and folders that are written as a whole or not at all, and the checks before a run."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import isfinite
from pathlib import Path
from platform import node
from typing import Any

from sim.errors import InputError, RunError

PROCESSES = Path("/proc")
"""Where Linux lists the processes."""
UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<host>[^.]*)-(?P<process>\d+)-(?P<start>\d+)-\d+\.unfinished")
"""The name of a file or folder while it is written, with the process that writes it."""
_written_in: set[Path] = set()
"""Folders in which this process has written."""


# ---------------------------------------------------------------- before a run


def check_folder(folder: Path, *, force: bool, files: Sequence[str], noun: str = "run") -> None:
    """Check before a run that a folder with these files can be written here.

    Raises: InputError where the folder exists (with force: where it holds other files than these), or
    where its parent is not writable.
    """
    folder = folder.absolute()
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder}: exists and is no folder", "choose another name")
    if folder.exists():
        if not force:
            raise InputError(
                f"{folder}: exists", f"choose another name, or replace this {noun} with force=True"
            )
        _check_other_files(folder, files, noun)
    check_parent(folder)


def check_file(path: Path, *, force: bool) -> None:
    """Check that a file can be written here. Raises: InputError as in `check_folder`."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder", "name a file")
    if path.exists() and not force and not _is_stream(path):
        raise InputError(f"{path}: exists", "choose another name, or replace it with force=True")
    check_parent(path)


def check_parent(path: Path) -> None:
    """Check the nearest existing parent of an output.

    Raises: InputError where nothing can be written in it, or the name is no UTF-8.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in str(path.absolute())):
        raise InputError(f"{path}: the name is not UTF-8", "choose another name")
    parent = next(p for p in path.absolute().parents if p.exists())
    if not parent.is_dir():
        raise InputError(f"{path}: {parent} is no folder", "choose another name")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: no permission to write in {parent}", "choose another folder")


def check_yaml(path: Path) -> None:
    """Check the name of a YAML file that is written. Raises: InputError for another ending."""
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"{path}: is no name of a YAML file", f"write {path.with_suffix('.yaml')}")


def check_outputs(files: Iterable[Path], *, inputs: Iterable[Path | str], folder: Path | None = None) -> None:
    """Check before a run the files that a command writes, and the folder of the run.

    inputs: files and folders that the command reads; no output may replace them.
    Raises: InputError for an output that is an input, is named twice or cannot be written.
    """
    read = {Path(os.path.realpath(path)) for path in inputs}
    written: list[Path] = []
    if folder is not None:
        real = Path(os.path.realpath(folder))
        if read & {real, *real.parents} or any(real in path.parents for path in read):
            raise InputError(f"{folder}: would replace an input of this run", "choose another name")
        written.append(real)
    for path in files:
        if path.name == "-":
            raise InputError(f"{path}: is no file", "only json=- is standard output; name a file")
        if _is_stream(path):
            continue
        real = Path(os.path.realpath(path))
        if read & {real, *real.parents} or _is_one_of(path, read):
            raise InputError(f"{path}: would replace an input of this run", "choose another name")
        if {real, *real.parents} & set(written):
            raise InputError(f"{path}: two outputs have this name", "choose another name for one of them")
        written.append(real)
        if path.is_dir():
            raise InputError(f"{path}: is a folder", "name a file")
        check_parent(real)
        if not real.parent.is_dir():
            raise InputError(f"{path}: there is no folder {real.parent}", "make it first")


def _is_one_of(path: Path, others: Iterable[Path]) -> bool:
    """Whether a path is another name (a hard link, other letter case) of one of these files."""
    return path.exists() and any(other.is_file() and path.samefile(other) for other in others)


def _check_other_files(folder: Path, files: Sequence[str], noun: str) -> None:
    """Raises: InputError where replacing the folder would remove files that are no part of it."""
    other = [name for name in sorted(item.name for item in folder.iterdir()) if name not in files]
    if other:
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        a = "an" if noun[0] in "aeiou" else "a"
        raise InputError(
            f"{folder}: holds files that are no part of {a} {noun}: {', '.join(other[:3])}{more}",
            f"force=True replaces {a} {noun} only; move these away or choose another name",
        )


# ---------------------------------------------------------------- writing


def write_whole(path: Path, text: str) -> None:
    """Write a text file, so that the path holds either all of it or its former content.

    Raises: RunError where the system cannot write it.
    """
    with whole_file(path) as file:
        file.write(text)


@contextmanager
def whole_file(path: Path, *, binary: bool = False) -> Iterator[Any]:
    """A file to write piece by piece; it takes its place when the block ends without an error.

    It is a text file, unless binary. A symbolic link is followed: its target is replaced. A device, FIFO
    or socket is written to directly. Raises: RunError where the system cannot write it.
    """
    new = None
    kind: dict[str, Any] = {"mode": "wb"}
    if not binary:
        kind = {"mode": "w", "encoding": "utf-8", "errors": "backslashreplace"}
    try:
        if _is_stream(path):
            with path.open(**kind) as file:
                yield file
            return
        real = Path(os.path.realpath(path))
        remove_abandoned(real.parent)
        new, handle = _new(real, lambda name: os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        with os.fdopen(handle, **kind) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if real.exists():
            new.chmod(stat.S_IMODE(real.stat().st_mode))
        new.replace(real)
    except OSError as error:
        raise RunError(f"{path}: {reason(error)}; it was not written") from error
    finally:
        if new is not None:
            new.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside this one, which takes its place when the block ends without an error.

    An old folder of this name is removed only after the new one is complete and on disk. Raises:
    RunError where the system cannot write it.
    """
    folder = folder.absolute()
    new = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder.parent)
        new, _ = _new(folder, os.mkdir)
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


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """A folder of this user alone in that of the system for temporary files; it is removed with the block."""
    parent = Path(tempfile.gettempdir())
    remove_abandoned(parent)
    folder, _ = _new(parent / name, lambda path: Path(path).mkdir(0o700))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_unfinished() -> None:
    """Remove what this process, which is interrupted, has not finished. Nothing else may write any more."""
    for parent in filter(Path.is_dir, _written_in):
        remove_abandoned(parent, is_over=lambda process, _start: process == os.getpid())


def remove_abandoned(parent: Path, *, is_over: Callable[[int, int], bool] | None = None) -> None:
    """Remove unfinished files and folders that a killed process of this machine left in a folder.

    An old folder that was moved aside goes back where no new one has taken its place.
    is_over: whether the process of this number and start has ended, by default as the system has it.
    """
    is_over = is_over or _has_ended
    with os.scandir(parent) as items:
        paths = [Path(item.path) for item in items if item.name.startswith(".")]
    for path in paths:
        found = UNFINISHED.fullmatch(path.name.removesuffix(".old"))
        if not found or found["host"] != _host() or not is_over(int(found["process"]), int(found["start"])):
            continue
        with suppress(OSError):  # in a folder that users share it may be somebody else's
            if path.suffix == ".old" and not (parent / found["name"]).exists():
                path.rename(parent / found["name"])
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_stream(path: Path) -> bool:
    """Whether a path is a device, FIFO or socket: it is written to, never replaced."""
    if not path.exists():
        return False
    mode = path.stat().st_mode
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _new(path: Path, make: Callable[[str], Any]) -> tuple[Path, Any]:
    """Make an unfinished file or folder beside a path; the system applies the umask."""
    _written_in.add(path.parent)  # first: an interrupt may come as soon as it is made
    process, number = os.getpid(), 0
    while True:
        name = f".{path.name}.{_host()}-{process}-{_start(process)}-{number}.unfinished"
        try:
            return path.with_name(name), make(str(path.with_name(name)))
        except FileExistsError:
            number += 1


def _host() -> str:
    return node().replace(".", "_").replace("/", "_")[:30]


def _start(process: int) -> int:
    """When a process began, in ticks since the machine did; 0 where the system does not say (not Linux).

    Raises: FileNotFoundError on Linux where there is no such process.
    """
    if not (PROCESSES / "self/stat").exists():
        return 0
    fields = (PROCESSES / f"{process}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    return int(fields[19])


def _has_ended(process: int, start: int) -> bool:
    """Whether a process has ended; False where this cannot be found out (Windows)."""
    if (PROCESSES / "self/stat").exists():
        try:
            return _start(process) != start
        except OSError:
            return True
    if os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


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


def _to_disk(path: Path) -> None:
    """Wait until a file, or on POSIX systems a folder, is on disk."""
    is_folder = path.is_dir()
    if is_folder and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ---------------------------------------------------------------- texts


def json_text(value: Mapping[str, Any], *, ascii_only: bool = False) -> str:
    """A mapping as JSON, with a line for each entry; keys keep their order.

    A byte of a file name that is no UTF-8 is escaped, as JSON has it.
    """
    text = json.dumps(value, indent=2, ensure_ascii=ascii_only, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode()


def for_json(value: Any) -> Any:
    """A value ready for JSON, mappings and lists included: None for what is infinite or does not exist."""
    if isinstance(value, Mapping):
        return {key: for_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [for_json(item) for item in value]
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    return None if isinstance(value, float) and not isfinite(value) else value


def path_from(file: Path, other: Path) -> str:
    """How a file names another one beside it or elsewhere: relative to its folder, with slashes."""
    return Path(os.path.relpath(other.absolute(), file.absolute().parent)).as_posix()


def reason(error: OSError) -> str:
    """The system's description of an error, without its number and without what a library adds."""
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
