"""Environments of patients who share resources: who is in which, and which process does it.

A replication is an environment. Where nothing is shared, patients are taken in environments of a
thousand: a long list of future events costs more than the events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from sim.engine.arrivals import Cohort
from sim.engine.centre import Centre
from sim.engine.event_log import EventLog, Floats, ResourceUse
from sim.engine.processes import in_processes
from sim.engine.writing import Lives, event_log
from sim.pathway.tables import Pathway

TOGETHER = 1000
"""Patients in one environment where nothing is shared."""
WORTH_A_PROCESS = 20_000
"""Patients below which other processes cost more than they save."""


def simulate_part(whole: tuple[Pathway, Cohort, int], part: tuple[int, int]) -> tuple[Lives, Floats]:
    """The patients part[0] to part[1] (not included) of a cohort, in one environment.

    whole: the pathway, the cohort, the seed.
    """
    return Centre(*whole, part).run()


def parts_of(pathway: Pathway, cohort: Cohort) -> list[tuple[int, int]]:
    """Who shares an environment: a replication, or a thousand where nothing is shared."""
    edges = [0, *(np.flatnonzero(np.diff(cohort.replication)) + 1).tolist(), len(cohort)]
    if pathway.shared_resources:
        return list(pairwise(edges))
    finer = [range(a, b, TOGETHER) for a, b in pairwise(edges)]
    return list(pairwise([*(i for steps in finer for i in steps), len(cohort)]))


def simulate_shared(
    pathway: Pathway,
    cohort: Cohort,
    *,
    seed: int,
    workers: int,
    progress: Callable[[float], None],
) -> tuple[EventLog, ResourceUse]:
    """Every patient of a cohort; environments go to other processes where that pays.

    Raises: RunError where a life cannot go on, or a process that did part of the work was killed.
    """
    whole, parts = (pathway, cohort, seed), parts_of(pathway, cohort)
    done: list[tuple[Lives, Floats]] = []
    if workers == 1 or len(parts) == 1 or len(cohort) < WORTH_A_PROCESS:
        for part in parts:
            done.append(simulate_part(whole, part))
            progress(part[1] / len(cohort))
    else:

        def take(part_done: tuple[Lives, Floats]) -> None:
            progress(parts[len(done)][1] / len(cohort))
            done.append(part_done)

        in_processes(simulate_part, whole, parts, workers=workers, take=take)
    replications = [int(cohort.replication[first]) for first, _ in parts]
    use = resource_use(replications, [rows for _, rows in done])
    return event_log(pathway.names, cohort, [lives for lives, _ in done]), use


def resource_use(replications: Sequence[int], rows: Sequence[Floats]) -> ResourceUse:
    """The changes in use of every replication, one after the other."""
    table = np.concatenate(rows)
    replication = np.repeat(np.array(replications, dtype=np.int32), [len(part) for part in rows])
    ints = table[:, 2:].astype(np.int32)
    return ResourceUse(
        replication, table[:, 0].copy(), table[:, 1].astype(np.int16), ints[:, 0], ints[:, 1], ints[:, 2]
    )
