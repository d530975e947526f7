"""The command `allpath` and Python programs, run in this process: a new one takes seconds for the imports."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from sim.cli.main import run_command

ROOT = Path(__file__).parents[1]


def output_of(*words: str, folder: Path = ROOT) -> str:
    """The standard output of `allpath`, given in a folder; its exit status must be 0."""
    status, output, errors = ended(*words, folder=folder)
    assert status == 0, errors
    return output


def error_of(*words: str, folder: Path = ROOT) -> str:
    """The error of `allpath`, given in a folder with wrong input; its exit status must be 2."""
    status, output, errors = ended(*words, folder=folder)
    assert (status, output) == (2, ""), output
    return errors


def ended(*words: str, folder: Path = ROOT) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    output, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        contextlib.chdir(folder),
        patch.object(sys, "argv", ["allpath", *words]),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        status = run_command()
    return status, text_of(output), text_of(errors)


def text_of(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def output_of_python(program: str, *, folder: Path = ROOT, is_compiled: bool = True) -> str:
    """The standard output of a Python program that is started in a folder; warnings are errors.

    With `is_compiled` false it runs in another process, with the kernel as ordinary Python.
    """
    if is_compiled:
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as output:
            exec(compile(program, "program", "exec"), {"__name__": "__main__"})
        return output.getvalue()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
