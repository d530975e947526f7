"""Work in several processes: what is done when one is killed, or the caller stops waiting."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sim.engine import simpy_replications
from sim.engine.precompile import smallest
from sim.engine.processes import in_order, worker_threads
from sim.engine.run import Result, simulate
from sim.errors import RunError
from sim.pathway.tables import compile_pathway


def simulated(
    monkeypatch: pytest.MonkeyPatch, *, workers: int, progress: Callable[[float], None], n: int = 40
) -> Result:
    """Replications of three patients who share a bed."""
    monkeypatch.setattr(simpy_replications, "WORTH_A_PROCESS", 1)
    pathway = compile_pathway(smallest(shares=True))
    return simulate(pathway, replications=n, workers=workers, progress=progress)


def test_the_number_of_processes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    two = simulated(monkeypatch, workers=2, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    one = simulated(monkeypatch, workers=1, progress=lambda share: None)
    for name in ("time", "event", "stage_to", "ends", "replication", "patient"):
        assert np.array_equal(getattr(one.log, name), getattr(two.log, name))
    for name in ("time", "in_use", "queue", "replication"):
        assert np.array_equal(getattr(one.use, name), getattr(two.use, name))


def test_an_interrupt_ends_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(share: float) -> None:
        assert multiprocessing.active_children()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulated(monkeypatch, workers=2, progress=interrupted)
    assert multiprocessing.active_children() == []


def test_an_error_leaves_other_children_of_the_program_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60.0,))
    other.start()

    def failed(share: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        simulated(monkeypatch, workers=2, progress=failed)
    assert other.is_alive()
    other.kill()
    other.join()


def test_a_killed_process_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(share: float) -> None:
        process = multiprocessing.active_children()[0]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(RunError, match="a worker process was killed\n    where memory is short"):
        simulated(monkeypatch, workers=2, progress=killed, n=5000)
    assert multiprocessing.active_children() == []


KILLED = """
import os, signal, sys
from sim.engine import simpy_replications
from sim.engine.precompile import smallest
from sim.engine.run import simulate
from sim.pathway.tables import compile_pathway

def kill(share):
    print("working", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

simpy_replications.WORTH_A_PROCESS = 1
simulate(compile_pathway(smallest(shares=True)), replications=5000, workers=2, progress=kill)
"""


def test_no_process_outlives_a_killed_parent(tmp_path: Path) -> None:
    """The workers have the standard output of their parent: it closes when the last of them has ended.

    They remove the temporary files that they had from it.
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", KILLED], env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"working\n"
        assert parent.wait() == -signal.SIGKILL
        assert select.select([parent.stdout], [], [], 10.0)[0], "a worker is still there"
        assert parent.stdout.read() == b""
    assert list(tmp_path.iterdir()) == []


def test_threads_leave_what_has_not_begun_after_an_error() -> None:
    done: list[int] = []

    def work(part: int) -> None:
        time.sleep(0.02)
        done.append(part)

    def interrupted() -> None:
        with worker_threads(1) as pool:
            for _ in in_order(pool, work, range(1000), ahead=100):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(done) < 10
