"""An analysis whose process is killed goes on where it was, with other numbers of workers too."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.command import ROOT, output_of
from tests.psa_models import written

COMMAND = ("psa", "base.yaml", "better.yaml", "--draws", "24", "--patients", "8000", "--at", "2 years")
"""In blocks of 5 draws: 80,000 patients, some tenths of a second each."""


def kill_during(words: tuple[str, ...], folder: Path, *, out: str, blocks: int, seconds: float) -> None:
    """Start the command and kill it and its workers so long after it has written so many blocks."""
    command = [sys.executable, "-m", "sim.cli.main", *words, "--out", out]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=folder, env=env, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        while process.poll() is None and len(list((folder / out).glob("blocks/*.parquet"))) < blocks:
            time.sleep(0.01)
        time.sleep(seconds)
        assert process.poll() is None, "ended before it was killed"
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("design", "before", "after"),
    [
        ("fresh", "1", "1"),
        pytest.param("fresh", "2", "7", marks=pytest.mark.long),
        pytest.param("same", "2", "7", marks=pytest.mark.long),
    ],
)
def test_killed(tmp_path: Path, design: str, before: str, after: str) -> None:
    """All files have the bytes of an analysis that one worker did without a stop."""
    written(tmp_path)
    words = (*COMMAND, "--design", design)
    output_of(*words, "--workers", "1", "--out", "whole", folder=tmp_path)
    moment = np.random.default_rng().uniform(0.0, 0.3)
    killed = (*words, "--workers", before)
    kill_during(killed, tmp_path, out="again", blocks=1, seconds=moment)
    left = list((tmp_path / "again" / "blocks").glob("*.parquet"))
    assert left
    assert not (tmp_path / "again" / "results.json").exists()
    output_of(*words, "--workers", after, "--out", "again", folder=tmp_path)
    whole, again = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("whole", "again")
    )
    assert len(whole) == 4
    assert whole == again, f"killed {moment:.3f} s after the first block"
