"""Compiled code on disk, in a folder that belongs to the user and that nobody else can write to.

Reading compiled code means running it, so no file is read from a folder that somebody else may have
filled. Where there is no such folder, code is compiled again in each process. A damaged file is
compiled again and replaced.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import platform
import shutil
import stat
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core import serialize
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult

pickled: Any = serialize.dumps
NOTES = logging.getLogger("allpath")
SIM = Path(__file__).parents[1]
KEPT = 3
"""Folders kept: one for each of the newest states of the sources."""


def compiled_sources() -> list[Path]:
    """The files whose lines end up in compiled code."""
    constants = [SIM / "pathway" / "layout.py", SIM / "pathway" / "names.py", SIM / "event_log" / "log.py"]
    mark = b"from sim.numerics.compilation import"
    return constants + [path for path in sorted(SIM.rglob("*.py")) if mark in path.read_bytes()]


@cache
def cache_folder() -> Path | None:
    """The folder for compiled code of the present sources, Python and Numba; None: there is no safe one."""
    digest = hashlib.sha256(
        f"{platform.python_version()} {numba.__version__} {llvmlite.__version__}".encode()
    )
    for source in compiled_sources():
        digest.update(source.read_bytes())
    try:
        chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
        root = chosen if chosen.is_absolute() else Path.home() / ".cache"
        root.mkdir(parents=True, exist_ok=True)
        folder = _own(_own(root / "allpath") / digest.hexdigest()[:16])
        prune(folder)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        NOTES.warning("note: compiled code is not kept on disk: %s", error)
        return None
    return folder


def _own(folder: Path) -> Path:
    """A folder of the user's own, made where it is missing. Raises: OSError where it is somebody else's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder} is not a folder")
    if hasattr(os, "geteuid"):
        if found.st_uid != os.geteuid():
            raise PermissionError(f"{folder} belongs to another user")
        if found.st_mode & 0o022:
            raise PermissionError(f"others can write to {folder}")
        folder.chmod(0o700)
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} cannot be written to")
    return folder


def prune(folder: Path) -> None:
    """Mark a folder as the newest, and remove all beside it but the newest few."""
    os.utime(folder)
    beside = [(path.lstat().st_mtime, path) for path in folder.parent.iterdir() if path != folder]
    for _, path in sorted(beside, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(path, ignore_errors=True)


def is_kept(function: str) -> bool:
    """Whether the compiled code of an entry, `MODULE.FUNCTION`, is in the folder of this installation."""
    folder = cache_folder()
    return folder is not None and any(folder.glob(f"{function}-*"))


class KernelCache(NullCache):
    """The cache of one entry, a file for each signature and processor: a checksum, then the code."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = f"{function.__module__}.{function.__qualname__}"

    def file_of(self, signature: Any, context: Any) -> Path | None:
        """The file for a signature on this processor."""
        folder = cache_folder()
        key = hashlib.sha256(repr((signature, context.codegen().magic_tuple())).encode()).hexdigest()[:16]
        return None if folder is None else folder / f"{self.name}-{key}"

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled before; None where there is nothing, or nothing that is whole."""
        target_context.refresh()
        file = self.file_of(sig, target_context)
        try:
            if file is None or not file.exists():
                return None
            checksum, code = (data := file.read_bytes())[:32], data[32:]
            if hashlib.sha256(code).digest() != checksum:
                raise ValueError("it is damaged")
            rebuild: Any = CompileResult._rebuild
            return rebuild(target_context, *pickle.loads(code))  # noqa: S301 - the folder is the user's own
        except Exception as error:  # whatever is wrong with the file, the sources are there
            NOTES.warning("note: compiled again, because %s cannot be read: %s", file, error)
            return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep what was compiled; where the disk does not take it, this process has it all the same."""
        file = self.file_of(sig, cres.target_context)
        if file is None:
            return
        code: bytes = pickled(cres._reduce())
        unfinished = file.with_name(f".{uuid.uuid4().hex}")
        try:
            unfinished.write_bytes(hashlib.sha256(code).digest() + code)
            unfinished.replace(file)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            NOTES.warning("note: compiled code is not kept on disk: %s", error)
