"""What a target of the Makefile would run, so that tests run the same."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def recipe(target: str, command: str) -> list[str]:
    """The arguments that a target gives to a command of the virtual environment, the first time."""
    dry = ["make", "--dry-run", "--silent", target]
    done = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.replace("\\\n", " ").splitlines()
    return shlex.split(next(line for line in lines if line.startswith(f".venv/bin/{command} ")))[1:]
