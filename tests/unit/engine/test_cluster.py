"""A Dask scheduler and three workers as processes: the bytes are those of one worker, whatever is killed."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sim.engine import cluster as clusters
from sim.engine.cluster import DaskCluster, facts, fault, read_block
from sim.errors import InputError, Place, Problem, RunError, ScenarioError, Where
from sim.runs.run import RuleViolation, RunRequest, run_scenario
from sim.scenario import load
from tests.command import ROOT, error_of, output_of
from tests.faults_survived.commands import QUEUE as LARGER_QUEUE
from tests.psa_models import written as psa_written

ENV = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
SCHEDULER = """
import asyncio
from distributed import Scheduler
async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(main())
"""
WORKER = """
import asyncio, sys
from distributed import Worker
async def main():
    async with Worker(sys.argv[1], nthreads=1, local_directory=sys.argv[2]) as worker:
        print(worker.address, flush=True)
        await worker.finished()
asyncio.run(main())
"""
DIES_BEFORE_REPLACE = """
import os, pathlib, signal
replace = pathlib.Path.replace
def dies(self, target):
    if pathlib.Path(target).name.startswith("simulate_"):
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
pathlib.Path.replace = dies
"""
OTHER_SOURCES = """
import sim.engine.cluster as cluster
own = dict(cluster.facts())
cluster.facts = lambda: tuple({**own, "sources": "0123456789ab"}.items())
"""
SEES_ANOTHER_DISK = """
import pathlib
exists = pathlib.Path.exists
pathlib.Path.exists = lambda self, **more: "allpath-blocks" not in str(self) and exists(self, **more)
"""
CLIENT = """
import sys
import sim.runs.run
from sim.cli.main import main
sim.runs.run.BATCH = 500
main()
"""
"""The command, with batches that are small enough for a test."""

QUEUE = LARGER_QUEUE.replace("number: 200", "number: 40")


@contextmanager
def process(code: str, *arguments: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A Python program, and the first line that it prints; it is killed after the block."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, stderr=quiet, text=True) as started:
        try:
            assert started.stdout is not None
            yield started, started.stdout.readline().strip()
        finally:
            started.kill()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with three workers that stay."""
    folder = tmp_path_factory.mktemp("dask")
    with (
        process(SCHEDULER) as (_, address),
        process(WORKER, address, folder),
        process(WORKER, address, folder),
        process(WORKER, address, folder),
    ):
        yield address


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runs.run.BATCH", 500)
    monkeypatch.setattr("sim.engine.compiled_engine.BLOCK_ON_CLUSTER", 300)
    monkeypatch.setattr("sim.engine.simpy_replications.WORTH_A_PROCESS", 100)
    monkeypatch.setattr("sim.uncertainty.psa.TOGETHER", 500)


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the blocks that are sent to workers."""
    names: list[str] = []
    submit = DaskCluster._submit

    def noted(self: DaskCluster, block: clusters.Block) -> Any:
        names.append(Path(block.file).name)
        return submit(self, block)

    monkeypatch.setattr(DaskCluster, "_submit", noted)
    return names


FIRST = str(ROOT / "scenarios" / "first_steps.yaml")


@pytest.mark.parametrize(
    ("words", "blocks"),
    [
        (("run", FIRST, "--patients", "200", "--replications", "8"), 3),
        (("run", FIRST, "--patients", "1000"), 4),
        (("run", "queue.yaml", "--replications", "6"), 2),
        (("compare", "base.yaml", "better.yaml", "--patients", "700"), 6),
        pytest.param(
            ("compare", "queue.yaml", "wider.yaml", "--replications", "6"), 4, marks=pytest.mark.long
        ),
        (("sweep", "queue.yaml", "--over", "resources.bed.capacity=3,5", "--replications", "2"), 3),
        (("psa", "base.yaml", "better.yaml", "--draws", "12", "--patients", "100", "--at", "2 years"), 3),
        pytest.param(
            ("sensitivity", "base.yaml", "--patients", "100", "--at", "2 years"), 1, marks=pytest.mark.long
        ),
    ],
)
def test_the_bytes_are_those_of_one_worker(
    words: tuple[str, ...],
    blocks: int,
    scheduler: str,
    submitted: list[str],
    small_blocks: None,
    tmp_path: Path,
) -> None:
    psa_written(tmp_path)
    psa_written(tmp_path, queue=QUEUE, wider=QUEUE.replace("capacity: 4", "capacity: 5"))
    one = output_of(*words, "--json", "-", "--workers", "1", folder=tmp_path)
    before = set(tmp_path.iterdir())
    assert output_of(*words, "--json", "-", "--cluster", scheduler, folder=tmp_path) == one
    assert len(submitted) >= blocks
    assert set(tmp_path.iterdir()) == before


def files_of(run: Path) -> dict[str, bytes]:
    """The files of a saved run; its record has the command and the seconds."""
    return {file.name: file.read_bytes() for file in run.iterdir() if file.name != "provenance.json"}


RUN = ("run", FIRST, "--patients", "500", "--replications", "40")


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of RUN by one worker."""
    folder = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.runs.run.BATCH", 500)
        output_of(*RUN, "--workers", "1", "--out", "out", folder=folder)
    return files_of(folder / "out")


def killed_after(n: int, address: str, folder: Path) -> list[Path]:
    """The finished blocks of RUN after its command was killed, when there were n of them or more."""
    words = (*RUN, "--out", "out", "--cluster", address)
    command = [sys.executable, "-c", CLIENT, *words]
    with subprocess.Popen(command, env=ENV, cwd=folder, stdout=subprocess.DEVNULL) as client:
        while len(done := list(folder.glob("allpath-blocks/*/simulate_batch-*"))) < n:
            assert client.poll() is None, "ended before it was killed"
            time.sleep(0.005)
        client.kill()
        client.wait()
    assert not (folder / "out").exists()
    return done


def test_a_worker_and_then_the_client_are_killed_and_the_command_goes_on(
    scheduler: str, small_blocks: None, submitted: list[str], one_worker: dict[str, bytes], tmp_path: Path
) -> None:
    with process(WORKER, scheduler, tmp_path / "dask") as (worker, _):
        assert worker.poll() is None

        def kill() -> None:
            while not list(tmp_path.glob("allpath-blocks/*/simulate_batch-*")):
                time.sleep(0.005)
            os.kill(worker.pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        done = killed_after(6, scheduler, tmp_path)
        killer.join()
        assert worker.wait() == -signal.SIGKILL
    damaged = done.pop()
    damaged.write_bytes(damaged.read_bytes()[:-1])
    output_of(*RUN, "--out", "out", "--cluster", scheduler, folder=tmp_path)
    assert files_of(tmp_path / "out") == one_worker
    assert damaged.name in submitted
    assert len(done) >= 5
    assert {path.name for path in done} & set(submitted) == set()
    assert [path.name for path in tmp_path.iterdir() if path.name != "dask"] == ["out"]


def test_a_worker_that_dies_between_write_and_replace_costs_a_block(
    scheduler: str, small_blocks: None, one_worker: dict[str, bytes], tmp_path: Path
) -> None:
    with process(DIES_BEFORE_REPLACE + WORKER, scheduler, tmp_path / "dask") as (worker, _):
        output_of(*RUN, "--out", "out", "--cluster", scheduler, folder=tmp_path)
        assert worker.wait(10) == -signal.SIGKILL
    assert files_of(tmp_path / "out") == one_worker
    assert not (tmp_path / "allpath-blocks").exists()


def test_digests_that_died_with_their_worker_are_read_again(
    scheduler: str, small_blocks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block is on disk; the worker that runs it again returns its digest and computes nothing."""
    file = tmp_path / "blocks" / "of" / "triple-0"
    file.parent.mkdir(parents=True)
    (file.parent / "whole").write_bytes(pickle.dumps((pow, 2)))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    digest = clusters.run_block(clusters.Block(str(file), 10, facts(), ()))
    (file.parent / "whole").unlink()
    assert clusters.run_block(clusters.Block(str(file), 10, facts(), ())) == digest
    assert (digest, pickle.loads(read_block(file)[1])) == (read_block(file)[0], 1024)


def test_a_block_in_the_place_of_another_is_run_again(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two blocks of one command the first is copied over the second."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    one, other = (tmp_path / f"triple-{i}" for i in (0, 1))
    (tmp_path / "whole").write_bytes(pickle.dumps((pow, 2)))
    clusters.run_block(clusters.Block(str(one), 10, facts(), ()))
    other.write_bytes(one.read_bytes())
    with pytest.raises(ValueError, match="is damaged"):
        read_block(other)
    clusters.run_block(clusters.Block(str(other), 11, facts(), ()))
    assert [pickle.loads(read_block(file)[1]) for file in (one, other)] == [1024, 2048]


# ---------------------------------------------------------------- errors


def cluster_error(address: str, folder: Path, *words: str) -> str:
    """The error of a run on a cluster, which leaves nothing behind."""
    before = set(folder.iterdir())
    error = error_of("run", FIRST, "--cluster", address, "--out", "out", *words, folder=folder)
    assert set(folder.iterdir()) == before
    return error


def test_there_is_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT", 1)
    error = cluster_error("tcp://127.0.0.1:9", tmp_path)
    assert error.startswith("--cluster: no scheduler answers at tcp://127.0.0.1:9\n    start one with")


@pytest.mark.parametrize(
    "address", ["localhost", "", "tcp://127.0.0.1", "http://127.0.0.1:8786", "inproc://x"]
)
def test_an_address_that_is_none(address: str, tmp_path: Path) -> None:
    assert cluster_error(address, tmp_path) == (
        f"--cluster: `{address}` is no address of a scheduler\n"
        "    write it as `dask scheduler` prints it: tcp://HOST:8786\n"
    )


def test_certificates_are_needed(tmp_path: Path) -> None:
    assert cluster_error("tls://127.0.0.1:8786", tmp_path).startswith(
        "--cluster: tls://127.0.0.1:8786 needs certificates\n"
    )


def test_another_command_removes_the_blocks(scheduler: str, tmp_path: Path) -> None:
    with DaskCluster(scheduler, tmp_path / "blocks") as workers:
        path = tmp_path / "blocks" / "of" / "pow-0"
        path.parent.mkdir()
        (path.parent / "whole").write_bytes(pickle.dumps((pow, 2)))
        block = clusters.Block(str(path), 10, facts(), ())
        future = workers._submit(block)
        future.result()
        shutil.rmtree(path.parent)
        with pytest.raises(RunError, match="another command has removed"):
            workers._result(block, future)


def test_the_scheduler_goes_away_while_the_command_connects(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise OSError("timed out trying to connect")

    monkeypatch.setattr(DaskCluster, "_check_workers", gone)
    with pytest.raises(RunError, match=f"the scheduler at {scheduler} is gone\n    start it"):
        DaskCluster(scheduler, tmp_path / "blocks").__enter__()


def test_there_is_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "JOIN", 0.2)
    with process(SCHEDULER) as (_, address):
        error = cluster_error(address, tmp_path)
    assert error == (
        f"--cluster: no worker has joined the scheduler at {address}\n"
        f"    start one with `dask worker {address} --nthreads 1`\n"
    )


def test_distributed_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    error = cluster_error("tcp://127.0.0.1:9", tmp_path)
    assert (
        error == '--cluster: the library distributed is not installed\n    pip install "allpath[cluster]"\n'
    )


@pytest.mark.parametrize(
    ("planted", "fact"),
    [
        (OTHER_SOURCES, "has other sources of allpath (0123456789ab) than this command"),
        (SEES_ANOTHER_DISK, "cannot write in the folder "),
    ],
)
def test_a_worker_that_cannot_take_part(planted: str, fact: str, scheduler: str, tmp_path: Path) -> None:
    with process(planted + WORKER, scheduler, tmp_path / "dask") as (_, worker):
        error = cluster_error(scheduler, tmp_path)
    assert error.startswith(f"--cluster: worker {worker} {fact}")
    assert error.count("\n") == 2


@pytest.mark.parametrize("name", ["Python", "numpy"])
def test_a_worker_has_other_versions(name: str, tmp_path: Path) -> None:
    expected = tuple((one, "0.1" if one == name else value) for one, value in facts())
    found = fault(expected, str(tmp_path))
    assert found is not None
    assert found.fact == f"has {name} {dict(facts())[name]}, and this command 0.1"


def test_a_folder_that_is_none(scheduler: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("")
    assert cluster_error(scheduler, tmp_path, "--blocks", "text").startswith("--blocks: ")
    assert cluster_error(scheduler, tmp_path, "--blocks", "no/where").startswith("--blocks: ")


def test_options_that_exclude_each_other(tmp_path: Path) -> None:
    assert "workers of its own" in cluster_error("tcp://127.0.0.1:9", tmp_path, "--workers", "2")
    error = error_of("run", FIRST, "--blocks", "there", folder=tmp_path)
    assert error == "--blocks: is the folder of a cluster\n    give --cluster ADDRESS too\n"


def test_errors_come_back_from_a_worker_as_they_are() -> None:
    scenario, place = load(FIRST), Where(Place("a.yaml", 1, 2), "title")
    log = run_scenario(RunRequest(Path(FIRST), patients=5), keep_log=True).arm
    assert log is not None
    for error in (
        InputError("a fact", "a fix"),
        ScenarioError([Problem(place, "a fact", "a fix")]),
        RuleViolation(scenario, log.log, 2, "a relapse"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))


def test_a_rule_that_a_patient_breaks_is_reported_as_without_a_cluster(
    scheduler: str, small_blocks: None, tmp_path: Path
) -> None:
    (tmp_path / "queue.yaml").write_text(QUEUE + "never: [{stage: gone}]\n")
    request = RunRequest(tmp_path / "queue.yaml", replications=60, workers=1)
    with pytest.raises(RuleViolation) as alone:
        run_scenario(request)
    with (
        pytest.raises(RuleViolation) as found,
        DaskCluster(scheduler, tmp_path / "blocks") as workers,
    ):
        run_scenario(replace(request, workers=workers))
    assert str(found.value) == str(alone.value)
