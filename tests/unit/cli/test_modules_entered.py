"""A newcomer who follows one run reads few modules: those of which it calls a function."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FIRST = str(ROOT / "scenarios" / "first_steps.yaml")
COUNT = f"""
import sys, threading
entered = set()
def watch(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_flags & 1 and code.co_filename.startswith({str(ROOT / "sim")!r}):
        entered.add(code.co_filename)
from sim.cli.main import run_command
sys.setprofile(watch)
threading.setprofile(watch)
assert run_command() == 0
sys.setprofile(None)
print(len(entered), file=sys.stderr)
"""
"""Counts the modules of sim of which a function is called; the body of a class or module has no flag 1."""


@pytest.mark.parametrize(("arguments", "most"), [(("run", FIRST), 55), (("compare", FIRST, FIRST), 61)])
def test_a_command_enters_few_modules(arguments: tuple[str, ...], most: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # a first run enters the modules that compile, too
    subprocess.run([sys.executable, "-m", "sim.engine.precompile"], env=environment, check=True)
    done = subprocess.run(
        [sys.executable, "-c", COUNT, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 20 < int(done.stderr.split()[-1]) <= most
