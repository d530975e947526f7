"""One digest of one log. It says nothing of what is right: it only detects that something changed.

The log is of every family and modifier on one path. Where a change of results is meant, the digest
in `every_family.sha256` is replaced by the one told here, and CHANGELOG.md says **Changes results**.
The bytes are to be the same on every processor: they are computed here as ordinary Python, and by
code compiled for the plainest processor of the kind, with numpy's vector instructions switched off.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__

from sim.engine.run import simulate
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.cohorts import columns

HERE = Path(__file__).parent
GOLDEN = HERE / "every_family.sha256"
PLAINEST = {
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "",
    "NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__),
}


def digest() -> str:
    """SHA-256 of the columns of the log, one after the other in their order."""
    log = simulate(compile_pathway(load(HERE / "every_family.yaml")), seed=2, workers=1).log
    return hashlib.sha256(b"".join(columns(log).values())).hexdigest()


def digest_elsewhere(environment: dict[str, str]) -> str:
    """The digest, computed by another process under this environment."""
    done = subprocess.run(
        [sys.executable, "-c", "from tests.golden.test_golden import digest; print(digest())"],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_log_is_the_one_it_was() -> None:
    assert digest() == GOLDEN.read_text("utf-8").strip()


@pytest.mark.parametrize(
    "environment", [{"NUMBA_DISABLE_JIT": "1"}, PLAINEST], ids=["not compiled", "plainest"]
)
def test_on_another_processor(environment: dict[str, str]) -> None:
    assert digest_elsewhere(environment) == GOLDEN.read_text("utf-8").strip()
