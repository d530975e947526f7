"""How the law is compiled: Numba, kept on disk under the digest of the sources it was made from.

Numba's own cache looks at one file at a time, so code inlined from another file would go stale;
here every source of compiled code is part of the folder's name.
With NUMBA_DISABLE_JIT=1 the same lines run as ordinary Python.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import config

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parents[1]


def compiled_sources() -> list[Path]:
    """Every file whose lines end up in compiled code."""
    layout = [
        _HERE / "pathway" / "layout.py",
        _HERE / "pathway" / "names.py",
        _HERE / "event_log" / "log.py",
    ]
    users = [
        p
        for p in sorted(_HERE.rglob("*.py"))
        if "from sim.numerics.compilation import" in p.read_text("utf-8")
    ]
    return layout + users


def cache_folder() -> Path:
    """Where the compiled law is kept: one folder for each state of its sources.

    It is in the user's cache, or, where that cannot be written to, among temporary files.
    """
    digest = hashlib.sha256()
    for source in compiled_sources():
        digest.update(source.read_bytes())
    name = Path("allpath") / digest.hexdigest()[:16]
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    try:
        (root / name).mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / name
    return root / name if os.access(root / name, os.W_OK) else Path(tempfile.gettempdir()) / name


_FOLDER = str(cache_folder())


def compiled(function: F) -> F:
    """Compile on first use, without the interpreter's lock, and keep the result on disk.

    No memory is counted or allocated in compiled code: counting references to the tables at every
    call costs more than the law itself.
    """
    return _made(function)


def inlined(function: F) -> F:
    """As `compiled`, and written out wherever it is called: arrays are costly to hand on."""
    return _made(function, inline="always")


def _made(function: F, **options: Any) -> F:
    settings: Any = config
    theirs = settings.CACHE_DIR
    settings.CACHE_DIR = _FOLDER
    try:
        njit: Any = numba.njit
        made = njit(cache=True, nogil=True, error_model="numpy", _nrt=False, **options)(function)
    finally:
        settings.CACHE_DIR = theirs
    return cast(F, made)
