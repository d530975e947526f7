"""How resources are used over calendar time, averaged in intervals of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.engine.event_log import Floats, Indices, Names, ResourceUse
from sim.scenario.model import Scenario


@dataclass(frozen=True, slots=True, eq=False)
class UseOverTime:
    """A resource in each interval of the calendar, the mean over replications.

    edges [n_intervals + 1]: days on the common calendar, from 0 to the horizon. in_use, queue,
    capacity [n_intervals]: averaged over the interval; capacity nan where it is unlimited.
    """

    resource: str
    edges: Floats
    in_use: Floats
    queue: Floats
    capacity: Floats


def use_over_time(
    use: ResourceUse, names: Names, scenario: Scenario, *, replications: int, intervals: int
) -> tuple[UseOverTime, ...]:
    """Every resource of whose use there are rows, in the order of the scenario."""
    edges = np.linspace(0.0, scenario.horizon, intervals + 1)
    found = []
    for resource in scenario.resources:
        if resource.is_free:
            continue
        rows = np.flatnonzero(use.resource == names.resources.index(resource.name))
        if not len(rows):
            continue
        ends = np.searchsorted(use.replication[rows], np.arange(replications + 1))
        each = [_columns(use, rows[a:b], edges) for a, b in pairwise(ends)]
        in_use, queue, capacity = np.mean(each, axis=0)
        if resource.capacity is None:
            capacity = np.full(intervals, np.nan)
        found.append(UseOverTime(resource.name, edges, in_use, queue, capacity))
    return tuple(found)


def _columns(use: ResourceUse, rows: Indices, edges: Floats) -> list[Floats]:
    """In use, queue and capacity of one replication, shape [3][n_intervals]; the first row is at 0."""
    time = np.append(use.time[rows], max(edges[-1], use.time[rows[-1]]))
    columns = (use.in_use, use.queue, use.capacity)
    return [_averages(time, column[rows].astype(np.float64), edges) for column in columns]


def _averages(time: Floats, value: Floats, edges: Floats) -> Floats:
    """A step function averaged between edges: `value[i]` holds from time[i] to time[i + 1]."""
    area = np.concatenate([[0.0], np.cumsum(value * np.diff(time))])
    averages: Floats = np.diff(np.interp(edges, time, area)) / np.diff(edges)
    return averages
