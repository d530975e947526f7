"""Run a program compiled, in this process, or as ordinary Python, in another process."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed(program: str, *, jit: bool) -> str:
    """The output of a program, compiled or as ordinary Python; warnings are errors."""
    if jit:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(program, {})
        return output.getvalue()
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
