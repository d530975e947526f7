"""Blocks of the clinical base scenario in a process pool and on local Dask workers, side by side.

`python -m benchmarks.cluster [PATIENTS] [BLOCKS] [ROUNDS]`: the same blocks by both in turns, with 1 and 2
workers. Seconds of the clock, and of the processors of all processes; the processes of the pool begin anew in
each round, and the workers of Dask are there already.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from sim.engine.cluster import DaskCluster
from sim.engine.processes import in_parts, in_processes
from sim.pathway.tables import compile_pathway
from sim.runs.run import BatchWork, RunRequest, SimulatedBatch, simulate_batch

CLINICAL = Path(__file__).parents[1] / "scenarios" / "cn_academic.yaml"


def cpu() -> float:
    """Seconds of processors of this process and of its children that have ended."""
    own, ended = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def measure(patients: int, blocks: int, rounds: int) -> None:
    """Print a line for each number of workers."""
    from distributed import Client, LocalCluster

    request = RunRequest(CLINICAL, patients=patients, replications=blocks, workers=1)
    work = BatchWork(request, compile_pathway(request.load()), {}, False)
    parts = [range(i, i + 1) for i in range(blocks)]
    print(
        f"{blocks} blocks of {patients:,} patients; median seconds of {rounds} rounds, processors in brackets"
    )
    for n in (1, 2):
        times: dict[str, list[tuple[float, float]]] = {"pool": [], "Dask": []}
        local = LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None)
        with local, Client(local) as client:
            for _ in range(rounds):
                taken: list[SimulatedBatch] = []
                began, spent = time.perf_counter(), cpu()
                in_processes(simulate_batch, work, parts, workers=n, take=taken.append)
                times["pool"].append((time.perf_counter() - began, cpu() - spent))
                before = sum(client.run(time.process_time).values())
                with tempfile.TemporaryDirectory() as folder:
                    began, spent = time.perf_counter(), cpu()
                    with DaskCluster(local.scheduler_address, Path(folder) / "blocks") as workers:
                        in_parts(simulate_batch, work, parts, workers=workers, take=taken.append)
                    wall, own = time.perf_counter() - began, cpu() - spent
                times["Dask"].append((wall, own + sum(client.run(time.process_time).values()) - before))
        text = (
            f"{name} {median(wall for wall, _ in pairs):.1f} ({median(spent for _, spent in pairs):.1f})"
            for name, pairs in times.items()
        )
        print(f"{n} workers: {', '.join(text)}", flush=True)


if __name__ == "__main__":
    measure(*(int(given) for given in (*sys.argv[1:], *("65536", "8", "3")[len(sys.argv) - 1 :])))
