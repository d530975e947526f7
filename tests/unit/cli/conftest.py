"""The command and a scenario for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sim.cli.main import run_command
from tests.unit.cli.in_process import SCENARIO, Allpath, Ended


@pytest.fixture
def allpath(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Allpath:
    """The command, run in this process."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["allpath", *map(str, arguments)])
        capfd.readouterr()
        status = run_command()
        sys.stdout.flush()
        printed = capfd.readouterr()
        return Ended(status, printed.out, printed.err)

    return run


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    file = tmp_path / "ward.yaml"
    file.write_text(SCENARIO)
    return file
