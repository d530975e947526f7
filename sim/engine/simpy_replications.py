"""Environments of patients who share resources, and the processes that simulate them.

A replication is an environment. Where nothing is shared, patients are taken in environments of a
thousand: a long list of future events costs more than the events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise

import numpy as np

from sim.engine.arrivals import Cohort
from sim.engine.log_writer import SimulatedPatients, event_log
from sim.engine.processes import Cluster, Workers, in_parts
from sim.engine.simpy_engine import SimpyEngine
from sim.event_log.log import EventLog, Floats, ResourceUse
from sim.pathway.tables import Pathway

TOGETHER = 1000
"""Patients in one environment where nothing is shared."""
WORTH_A_PROCESS = 20_000
"""Patients below which other processes cost more than they save."""


def simulate_environments(
    whole: tuple[Pathway, int], cohorts: Sequence[Cohort]
) -> list[tuple[SimulatedPatients, Floats]]:
    """The patients of each cohort in an environment of its own. whole: the pathway, the seed."""
    pathway, seed = whole
    return [SimpyEngine(pathway, cohort, seed).run() for cohort in cohorts]


def environments(pathway: Pathway, cohort: Cohort) -> list[Cohort]:
    """The cohorts that share an environment: a replication, or a thousand where nothing is shared."""
    edges = [0, *(np.flatnonzero(np.diff(cohort.replication)) + 1).tolist(), len(cohort)]
    if not pathway.shared_resources:
        finer = [range(a, b, TOGETHER) for a, b in pairwise(edges)]
        edges = [*(i for steps in finer for i in steps), len(cohort)]
    return [cohort.part(a, b) for a, b in pairwise(edges)]


def in_groups(cohorts: Sequence[Cohort], size: int) -> Iterator[Sequence[Cohort]]:
    """Consecutive cohorts together, until they have so many patients."""
    first, n = 0, 0
    for i, cohort in enumerate(cohorts, 1):
        n += len(cohort)
        if n >= size or i == len(cohorts):
            yield cohorts[first:i]
            first, n = i, 0


@dataclass(slots=True)
class _Begun:
    """A cohort that is being simulated, and the results of its environments so far, in order."""

    cohort: Cohort
    environments: list[Cohort]
    done: list[tuple[SimulatedPatients, Floats]] = field(default_factory=list)
    n_simulated: int = 0


def simulate_shared(
    pathway: Pathway,
    cohorts: Iterable[Cohort],
    *,
    seed: int,
    workers: Workers,
    take: Callable[[EventLog, ResourceUse], None],
    progress: Callable[[float], None],
) -> None:
    """Every patient of one cohort after another; environments go to other processes or a cluster.

    `take` receives the results of each cohort, `progress` the share of the present one that is done.
    Raises: RunError where a patient cannot go on, or a process that did part of the work was killed.
    """
    begun = deque[_Begun]()
    every = iter(cohorts)
    first, second = next(every), next(every, None)

    def parts() -> Iterator[Sequence[Cohort]]:
        size = WORTH_A_PROCESS if isinstance(workers, Cluster) else 1
        for cohort in chain([first], [second] if second is not None else [], every):
            begun.append(_Begun(cohort, environments(pathway, cohort)))
            yield from in_groups(begun[-1].environments, size)

    def collect(results: Sequence[tuple[SimulatedPatients, Floats]]) -> None:
        now = begun[0]
        now.done += results
        now.n_simulated += sum(len(simulated.ends) for simulated, _ in results)
        progress(now.n_simulated / len(now.cohort))
        if len(now.done) == len(now.environments):
            begun.popleft()
            take(*_put_together(pathway, now))

    is_one = second is None and len(environments(pathway, first)) == 1
    in_parts(
        simulate_environments,
        (pathway, seed),
        parts(),
        workers=workers,
        take=collect,
        is_worth_processes=not is_one and len(first) >= WORTH_A_PROCESS,
    )


def _put_together(pathway: Pathway, begun: _Begun) -> tuple[EventLog, ResourceUse]:
    replications = [int(environment.replication[0]) for environment in begun.environments]
    use = resource_use(replications, [rows for _, rows in begun.done])
    return event_log(pathway.names, begun.cohort, [batch for batch, _ in begun.done]), use


def resource_use(replications: Sequence[int], rows: Sequence[Floats]) -> ResourceUse:
    """The changes in use of every replication, one after the other."""
    table = np.concatenate(rows)
    replication = np.repeat(np.array(replications, dtype=np.int32), [len(part) for part in rows])
    ints = table[:, 2:].astype(np.int32)
    return ResourceUse(
        replication, table[:, 0].copy(), table[:, 1].astype(np.int16), ints[:, 0], ints[:, 1], ints[:, 2]
    )
