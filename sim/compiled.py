"""How the law is compiled: Numba, kept on disk under the digest of the sources it was made from.

Numba's own cache looks at one file at a time, so code inlined from another file would go stale;
here every source of compiled code is part of the folder's name.
With NUMBA_DISABLE_JIT=1 the same lines run as ordinary Python.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import config

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parent
SOURCES = sorted(
    [*_HERE.glob("*.py"), *_HERE.glob("distributions/*.py"), *_HERE.glob("engine/*.py"), _HERE / "pathway/layout.py"]
)


def cache_folder() -> Path:
    """Where the compiled law is kept: one folder for each state of its sources."""
    digest = hashlib.sha256()
    for source in SOURCES:
        digest.update(source.read_bytes())
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "allpath" / digest.hexdigest()[:16]


_FOLDER = str(cache_folder())


def compiled(function: F) -> F:
    """Compile on first use, without the interpreter's lock, and keep the result on disk."""
    theirs = config.CACHE_DIR
    config.CACHE_DIR = _FOLDER
    try:
        made = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = theirs
    return cast(F, made)
