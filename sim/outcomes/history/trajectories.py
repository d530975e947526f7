"""Trajectories: the stages that patients go through, in order, and the time in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import ENTERS, Codes, Floats, Indices
from sim.outcomes.history.history import History


@dataclass(frozen=True, slots=True, eq=False)
class Trajectories:
    """Every trajectory through the stages that take time, as a tree; node 0 is the start.

    A stage that follows itself (by way of a decision) counts as one. Per node, shape [n_nodes]:
    parent (-1 for node 0), stage (code, -1 for node 0), depth (stages so far), passed (patients
    who reach it) and ended (patients with their last stage here: in a terminal stage, or with the end of
    observation). node_of [n_patients]: the last node of each patient, -1 for patients not included.
    rows: the rows that enter the stages, in the order of the log; row_of [n_patients + 1]: patient i
    has rows[row_of[i]:row_of[i + 1]].
    """

    parent: Indices
    stage: Codes
    depth: Indices
    passed: Indices
    ended: Indices
    node_of: Indices
    rows: Indices
    row_of: Indices


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One trajectory from the start to the end: codes of its stages, number of patients.

    days: the median time in each stage, nan in a last one that is terminal. is_open: whether the
    last stage is not terminal, so that follow-up ended there.
    """

    stages: tuple[int, ...]
    patients: int
    share: float
    days: tuple[float, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Step:
    """The patients who move between two stages in their step of this number, from 1."""

    number: int
    begin: int
    to: int
    patients: int


def trajectories(history: History, about: Indices) -> Trajectories:
    """The trajectories of these patients (indices, increasing)."""
    log = history.log
    n_stages = len(log.names.stages)
    rows = np.flatnonzero(log.does == ENTERS)
    rows = rows[~history.is_decision[log.stage_to[rows]]]
    patient, stage = history.patients(rows), log.stage_to[rows].astype(np.int64)
    again = np.zeros(len(rows), bool)
    again[1:] = (patient[1:] == patient[:-1]) & (stage[1:] == stage[:-1])
    rows, stage = rows[~again], stage[~again]
    row_of = np.searchsorted(rows, log.row_of)

    node_of = np.full(log.n_patients, -1)
    node_of[about] = 0
    parents, stages, passed = [np.array([-1])], [np.array([-1])], [np.array([len(about)])]
    depths = [np.array([0])]
    on, n_nodes, depth = about, 1, 0
    while len(on := on[row_of[on] + depth < row_of[on + 1]]):
        key = node_of[on] * n_stages + stage[row_of[on] + depth]
        different, which, counts = _distinct(key)
        node_of[on] = n_nodes + which
        depth += 1
        parents.append(different // n_stages)
        stages.append(different % n_stages)
        passed.append(counts)
        depths.append(np.full(len(different), depth))
        n_nodes += len(different)
    ended = np.bincount(node_of[about], minlength=n_nodes)
    return Trajectories(
        parent=np.concatenate(parents),
        stage=np.concatenate(stages).astype(np.int16),
        depth=np.concatenate(depths),
        passed=np.concatenate(passed),
        ended=ended,
        node_of=node_of,
        rows=rows,
        row_of=row_of,
    )


def _distinct(key: Indices) -> tuple[Indices, NDArray[np.int64], Indices]:
    """The different keys, the position of each among them, and their counts; dense keys are not sorted."""
    low, span = int(key.min()), int(key.max() - key.min()) + 1
    if span > 4 * len(key):
        return np.unique_all(key)[0], *np.unique(key, return_inverse=True, return_counts=True)[1:]
    counts = np.bincount(key - low, minlength=span)
    there = np.flatnonzero(counts)
    place = np.zeros(span, np.int64)
    place[there] = np.arange(len(there))
    return there + low, place[key - low], counts[there]


def most_frequent(history: History, of: Trajectories, most: int) -> tuple[Trajectory, ...]:
    """The most frequent trajectories, at most `most` of them. Patients who enter no stage have none."""
    n = int(of.passed[0])
    order = np.argsort(-of.ended, kind="stable")
    chosen = [int(node) for node in order[: most + 1] if node and of.ended[node]][:most]
    return tuple(_road(history, of, node, n) for node in chosen)


def _road(history: History, of: Trajectories, node: int, n: int) -> Trajectory:
    stages = tuple(_stages_to(of, node))
    index = np.flatnonzero(of.node_of == node)
    rows = of.rows[of.row_of[index][:, np.newaxis] + np.arange(len(stages))]
    time: Floats = history.log.time[rows]
    last = history.log.names.stages[stages[-1]]
    is_open = not history.scenario.stage(last).terminal
    ends = history.log.follow_up[index] if is_open else time[:, -1]
    stays = np.median(np.diff(time, axis=1, append=ends[:, np.newaxis]), axis=0)
    if not is_open:
        stays[-1] = np.nan
    return Trajectory(stages, len(index), len(index) / n, tuple(stays.tolist()), is_open)


def _stages_to(of: Trajectories, node: int) -> list[int]:
    found = []
    while node:
        found.append(int(of.stage[node]))
        node = int(of.parent[node])
    return found[::-1]


def steps(of: Trajectories, most: int) -> Iterator[Step]:
    """The first `most` steps from stage to stage: each link once, with all its patients."""
    n_stages = int(of.stage.max(initial=-1)) + 1
    for number in range(1, most + 1):
        here = np.flatnonzero(of.depth == number + 1)
        key = of.stage[of.parent[here]].astype(np.int64) * n_stages + of.stage[here]
        different, which = np.unique(key, return_inverse=True)
        patients = np.bincount(which, weights=of.passed[here], minlength=len(different))
        for link, count in zip(different.tolist(), patients.tolist(), strict=True):
            yield Step(number, link // n_stages, link % n_stages, int(count))
