"""Patients who share no resource: a compiled loop over patients, in blocks, on all cores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.engine.arrivals import Cohort
from sim.engine.errors import failure
from sim.engine.kernel import addresses, begin, execute_event, next_event
from sim.engine.log_writer import (
    COUNT_CHANGES,
    COUNT_ROWS,
    LogBuffer,
    LogChunk,
    SimulatedPatients,
    event_log,
    new_buffer,
)
from sim.engine.processes import Cluster, Workers, in_parts
from sim.event_log.log import EventLog, Floats
from sim.numerics.compilation import entry
from sim.pathway import layout as at
from sim.pathway.layout import Ints, Tables
from sim.pathway.tables import Pathway

BLOCK, BLOCK_ON_CLUSTER = 8192, 2**16
"""Patients in one unit of work, some tenths of a second or more on a cluster; no result depends on it."""


@entry
def simulate_patients(
    P: Ints,
    N: Floats,
    x: Floats,
    k: Ints,
    rows: Ints,
    changes: Floats,
    seed: int,
    first: int,
    replications: Ints,
    numbers: Ints,
    follow_up: Floats,
    at_start: Floats,
    at_end: Floats,
    ends: Floats,
) -> int:
    """Patients from `first` on, each from start to end.

    Returns how many are finished when all are, the log is full, or one cannot go on.
    """
    T, L = Tables(P, N), LogBuffer(rows, changes)
    n_attributes = P[0, at.HEAD_N_ATTRIBUTES]
    for i in range(first, len(numbers)):
        n_rows, n_changes = rows[0, COUNT_ROWS], rows[0, COUNT_CHANGES]
        begin(T, x, k, L, seed, replications[i], numbers[i], at_start, i)
        ends[i] = follow_up[i]
        while k[at.STATUS] == at.ALIVE and next_event(T, x, k) <= follow_up[i]:
            execute_event(T, x, k, L)
        if k[at.STATUS] == at.ENDED:
            ends[i] = x[at.NOW]
        elif k[at.STATUS] != at.ALIVE:
            if k[at.STATUS] == at.LOG_FULL:
                rows[0, COUNT_ROWS] = n_rows
                rows[0, COUNT_CHANGES] = n_changes
            return i
        for j in range(n_attributes):
            at_end[i, j] = x[at.FIRST_ATTRIBUTE + j]
    return len(numbers)


def simulate_block(whole: tuple[Pathway, int], cohort: Cohort) -> SimulatedPatients:
    """The patients of a cohort, one after the other. whole: the pathway, the seed.

    Raises: RunError where a patient's path repeats without time passing, or its probabilities
    exceed 1.
    """
    (pathway, seed), n = whole, len(cohort)
    n_attributes = len(pathway.names.attributes)
    x, k = np.zeros(pathway.n_x), np.zeros(pathway.n_k, dtype=np.int64)
    at_start, at_end = np.zeros((n, n_attributes)), np.zeros((n, n_attributes))
    ends = np.zeros(n)
    numbers = cohort.number.astype(np.int64)
    replications = cohort.replication.astype(np.int64)
    buffer = new_buffer(rows=n * 10 + 4096, changes=n * 4 + 4096)
    if pathway.units:
        k[at.RARE_TIMES : at.FIRST_SLOT] = addresses(pathway.units, pathway.tables, buffer)
    chunks: list[LogChunk] = []
    done = 0
    while done < n:
        before = done
        done = simulate_patients(
            *pathway.tables,
            x,
            k,
            *buffer,
            seed,
            done,
            replications,
            numbers,
            cohort.follow_up,
            at_start,
            at_end,
            ends,
        )
        if done < n and k[at.STATUS] != at.LOG_FULL:
            raise failure(pathway, x, k, buffer)
        chunks.append(LogChunk.of(buffer))
        if done == before:
            buffer = new_buffer(rows=2 * len(buffer.rows), changes=2 * len(buffer.changes))
        buffer.rows[0, :2] = 1, 0
    return SimulatedPatients(LogChunk.joined(chunks), at_start, at_end, ends)


def simulate_independent(
    pathway: Pathway,
    cohort: Cohort,
    *,
    seed: int,
    workers: Workers,
    progress: Callable[[float], None],
) -> EventLog:
    """Every patient of a cohort, by blocks on threads or the workers of a cluster."""
    size = BLOCK_ON_CLUSTER if isinstance(workers, Cluster) else BLOCK
    parts = (cohort.part(first, first + size) for first in range(0, len(cohort), size))
    batches: list[SimulatedPatients] = []
    n_simulated = 0

    def take(batch: SimulatedPatients) -> None:
        nonlocal n_simulated
        batches.append(batch)
        n_simulated += len(batch.ends)
        progress(n_simulated / len(cohort))

    in_parts(simulate_block, (pathway, seed), parts, workers=workers, take=take, in_threads=True)
    return event_log(pathway.names, cohort, batches)
