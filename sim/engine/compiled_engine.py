"""Patients who share no resource: a compiled loop over patients, in blocks, on all cores."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

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
from sim.engine.processes import AHEAD, in_order, worker_threads
from sim.event_log.log import EventLog, Floats
from sim.numerics.compilation import entry
from sim.pathway import layout as at
from sim.pathway.layout import Ints, Tables
from sim.pathway.tables import Pathway

BLOCK = 8192
"""Patients in one unit of work; no result depends on it."""


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


def simulate_block(pathway: Pathway, cohort: Cohort, seed: int, block: tuple[int, int]) -> SimulatedPatients:
    """Patients block[0] to block[1] (not included) of a cohort.

    Raises: RunError where a patient's path repeats without time passing, or its probabilities
    exceed 1.
    """
    first, after = block
    n = after - first
    n_attributes = len(pathway.names.attributes)
    x, k = np.zeros(pathway.n_x), np.zeros(pathway.n_k, dtype=np.int64)
    at_start, at_end = np.zeros((n, n_attributes)), np.zeros((n, n_attributes))
    ends = np.zeros(n)
    numbers = cohort.number[first:after].astype(np.int64)
    replications = cohort.replication[first:after].astype(np.int64)
    follow_up = cohort.follow_up[first:after]
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
            follow_up,
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
    workers: int,
    progress: Callable[[float], None],
) -> EventLog:
    """Every patient of a cohort, by blocks on `workers` threads."""
    edges = [*range(0, len(cohort), BLOCK), len(cohort)]
    blocks = list(pairwise(edges))
    batches: list[SimulatedPatients] = []
    work = partial(simulate_block, pathway, cohort, seed)
    with worker_threads(workers) as pool:
        results = in_order(pool, work, blocks, ahead=AHEAD * workers)
        for block, batch in zip(blocks, results, strict=True):
            batches.append(batch)
            progress(block[1] / len(cohort))
    return event_log(pathway.names, cohort, batches)
