"""Digests of event logs and results. They do not show that these are right: they only detect that they changed.

One scenario has every family and modifier in one pathway. After an intended change of results, replace
its digest in `every_family.sha256` by the one printed here, and write **Changes results** in CHANGELOG.md.
The bytes must be the same on every processor and in every environment: they are computed as ordinary
Python, with other settings of hashing, locale and time zone, with several workers, and by code compiled
for the plainest processor of the kind, without the vector instructions of numpy.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__

from sim.engine import compiled_engine
from sim.engine.run import simulate
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.golden import recorded

HERE = Path(__file__).parent
MOST_NAMED = 10
"""Of what has changed; the rest is not computed."""
GOLDEN = HERE / "every_family.sha256"
ELSEWHERE = {"PYTHONHASHSEED": "4711", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Pacific/Kiritimati"}
PLAINEST = {
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "",
    "NPY_DISABLE_CPU_FEATURES": " ".join(__cpu_dispatch__),
}


def digest(workers: int = 1) -> str:
    """That of the log of the scenario with every family."""
    pathway = compile_pathway(load(HERE / "every_family.yaml"))
    return recorded.log_digest(simulate(pathway, seed=2, workers=workers).log)


def digest_elsewhere(environment: dict[str, str]) -> str:
    """The digest computed by another process with these environment variables."""
    done = subprocess.run(
        [sys.executable, "-c", "from tests.golden.test_golden import digest; print(digest())"],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_log_is_unchanged() -> None:
    assert digest() == GOLDEN.read_text("utf-8").strip()


def test_logs_and_results_are_those_recorded() -> None:
    lines = recorded.FILE.read_text("utf-8").splitlines()
    then = {name: found for found, _, name in (line.partition("  ") for line in lines)}
    changed = []
    for name, found in recorded.digests():
        if then.pop(name, "") != found:
            changed.append(name)
        if len(changed) == MOST_NAMED:
            break
    assert changed == []
    assert then == {}, "recorded, but no longer there"


@pytest.mark.parametrize("workers", [2, 7])
def test_several_workers_write_the_same_log(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_engine, "BLOCK", 100)  # patients that a worker simulates at a time
    assert digest(workers) == GOLDEN.read_text("utf-8").strip()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"NUMBA_DISABLE_JIT": "1"}, id="not compiled"),
        pytest.param(ELSEWHERE, id="other hash seed, locale and time zone"),
        pytest.param(PLAINEST, id="plainest processor", marks=pytest.mark.long),  # compiles anew
    ],
)
def test_the_log_is_the_same_in_another_environment(environment: dict[str, str]) -> None:
    assert digest_elsewhere(environment) == GOLDEN.read_text("utf-8").strip()
