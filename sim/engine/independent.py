"""Patients who share nothing: a compiled loop over patients, in blocks, on all cores."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from sim.compiled import compiled
from sim.engine.arrivals import Cohort
from sim.engine.event_log import EventLog, Floats
from sim.engine.failures import failure
from sim.engine.law import begin, happen, next_happening
from sim.engine.writing import Lives, Piece, event_log, new_buffer
from sim.pathway import layout as at
from sim.pathway.tables import Pathway

BLOCK = 8192
"""Patients in one unit of work; no result depends on it."""


@compiled
def live(T, x, k, world, L, seed, replication, number, follow_up, at_start, at_end):
    """One patient from start to end; returns the time at which it ended."""
    begin(T, x, k, world, L, seed, replication, number, at_start)
    ends = follow_up
    while k[at.STATUS] == at.ALIVE:
        if next_happening(T, x, k, world) >= follow_up:
            break
        happen(T, x, k, world, L)
    if k[at.STATUS] == at.ENDED:
        ends = x[at.NOW]
    for i in range(len(at_end)):
        at_end[i] = x[at.FIRST_ATTRIBUTE + i]
    return ends


@compiled
def live_all(T, x, k, world, L, seed, first, replications, numbers, follow_up, at_start, at_end, ends):
    """Patients from `first` on; returns how many were finished before the log was full or one failed."""
    for i in range(first, len(numbers)):
        rows, changes = L.cursor[0], L.cursor[1]
        ends[i] = live(
            T, x, k, world, L, seed, replications[i], numbers[i], follow_up[i], at_start[i], at_end[i]
        )
        if k[at.STATUS] > at.ENDED:
            if k[at.STATUS] == at.LOG_FULL:
                L.cursor[0] = rows
                L.cursor[1] = changes
            return i
    return len(numbers)


def world_without_queues(pathway: Pathway) -> Floats:
    """Nobody waits, and there is no end of units."""
    world = np.zeros((2, max(1, len(pathway.scenario.resources))))
    world[1] = np.inf
    return world


def simulate_block(pathway: Pathway, cohort: Cohort, seed: int, block: tuple[int, int]) -> Lives:
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
    world = world_without_queues(pathway)
    numbers = cohort.number[first:after].astype(np.int64)
    replications = cohort.replication[first:after].astype(np.int64)
    follow_up = cohort.follow_up[first:after]
    buffer = new_buffer(rows=n * 10 + 4096, changes=n * 4 + 4096)
    pieces: list[Piece] = []
    done = 0
    while done < n:
        before = done
        done = live_all(
            pathway.tables,
            x,
            k,
            world,
            buffer,
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
            raise failure(pathway, k, buffer)
        pieces.append(Piece.of(buffer))
        if done == before:
            buffer = new_buffer(rows=2 * len(buffer.time), changes=2 * len(buffer.what))
        buffer.cursor[:] = 0
    return Lives(Piece.joined(pieces), at_start, at_end, ends)


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
    lives: list[Lives] = []
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(simulate_block, pathway, cohort, seed, block) for block in blocks]
        try:
            for future, block in zip(futures, blocks, strict=True):
                lives.append(future.result())
                progress(block[1] / len(cohort))
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return event_log(pathway.names, cohort, lives)
