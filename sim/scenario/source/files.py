"""Reads the files that a scenario names: regular files of bounded size, never a pipe or a device."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from sim.errors import InputError

MIB = 2**20

_INPUTS: ContextVar[list[str] | None] = ContextVar("inputs", default=None)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The paths of all files that `read_regular` reads in the block, whatever names them."""
    inputs: list[str] = []
    token = _INPUTS.set(inputs)
    try:
        yield inputs
    finally:
        _INPUTS.reset(token)


def read_regular(path: str | os.PathLike[str], *, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises: OSError or ValueError as `open` does; InputError for a pipe or device, or a larger file.
    """
    inputs = _INPUTS.get()
    if inputs is not None:
        inputs.append(os.fspath(path))
    _check(Path(path).stat(), most)  # before it is opened: to open a pipe waits, to open a device may act
    with Path(path).open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _too_large(most)
    return content


def _check(status: os.stat_result, most: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise InputError(
            "is not a regular file", "pipes and devices are not read: save the content as a file"
        )
    if status.st_size > most:
        raise _too_large(most)


def _too_large(most: int) -> InputError:
    return InputError(f"is larger than {most // MIB} MiB")
