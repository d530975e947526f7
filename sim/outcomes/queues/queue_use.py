"""The use of resources, averaged over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np

from sim.engine.arrivals import on_grid
from sim.engine.resources import open_hours
from sim.event_log.log import Floats, Indices, Names, ResourceUse
from sim.outcomes.intervals import Estimate, mean
from sim.scenario.language.model import Resource, Scenario

UNITS = {"in_use": "units", "utilisation": "share", "queue": "patients", "unit_days": "days"}
"""Units in use, units in use over units open, patients waiting (averages over time), days of use added up."""


def averages(
    use: ResourceUse, names: Names, scenario: Scenario, replications: int
) -> dict[str, list[dict[str, float]]]:
    """Mean use, utilisation and queue of every resource that can be waited for, in each replication.

    Averages run from the end of the warm-up to the horizon, utilisation over the opening hours in
    it. Utilisation is nan where capacity is unlimited or zero while open; all are nan where no patient
    arrived.
    """
    found = {}
    for resource in scenario.shared:
        rows = np.flatnonzero(use.resource == names.resources.index(resource.name))
        edges = np.searchsorted(use.replication[rows], np.arange(replications + 1))
        found[resource.name] = [_averages(use, rows[a:b], resource, scenario) for a, b in pairwise(edges)]
    return found


def resource_figures(averages: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    """The means of these averages over replications, with Student's interval."""
    columns = {name: np.array([one[name] for one in averages]) for name in UNITS}
    return {name: mean(values[~np.isnan(values)]) for name, values in columns.items()}


def _averages(use: ResourceUse, rows: Indices, resource: Resource, scenario: Scenario) -> dict[str, float]:
    """The averages in one replication, whose rows of this resource begin at time 0."""
    if not len(rows):
        return dict.fromkeys(UNITS, np.nan)
    begin, end = scenario.patients.arrivals.warm_up, scenario.horizon
    edges = np.clip(np.append(use.time[rows], end), begin, end)
    width: Floats = np.diff(edges)
    in_use, queue = float(width @ use.in_use[rows]), float(width @ use.queue[rows])
    is_open: Floats = np.diff(_open_days(resource, edges))
    there = float(is_open @ use.capacity[rows]) if resource.capacity is not None else np.nan
    return {
        "in_use": in_use / (end - begin),
        "utilisation": float(is_open @ use.in_use[rows]) / there if there > 0 else np.nan,
        "queue": queue / (end - begin),
        "unit_days": in_use,
    }


def _open_days(resource: Resource, until: Floats) -> Floats:
    """The days the resource has been open by each of these days of the calendar.

    On the grid sums are exact.
    """
    hours = open_hours(resource)
    if hours is None:
        return until
    opens, closes = on_grid(np.array(hours)).T
    weeks, day = np.divmod(on_grid(until)[:, np.newaxis], 7.0)
    passed = weeks * (closes - opens) + np.clip(day - opens, 0.0, closes - opens)
    return np.asarray(passed.sum(axis=1))


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


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """A resource in each interval of the calendar, unit-days and waiting days of some replications added up.

    edges [n_intervals + 1] as in UseOverTime; total [3, n_intervals]: in use, queue, capacity.
    Numbers of patients and units over times on the grid: sums are exact, in whatever order.
    """

    edges: Floats
    total: Floats
    replications: int

    def over_time(self, resource: Resource) -> UseOverTime:
        """The mean over the replications."""
        in_use, queue, capacity = self.total / (self.replications * np.diff(self.edges))
        if resource.capacity is None:
            capacity = np.full(len(capacity), np.nan)
        return UseOverTime(resource.name, self.edges, in_use, queue, capacity)


def combine(areas: Sequence[Areas]) -> Areas:
    """The areas of all these replications."""
    total = reduce(np.add, (one.total for one in areas))
    return Areas(areas[0].edges, total, sum(one.replications for one in areas))


def use_over_time(
    use: ResourceUse, names: Names, scenario: Scenario, *, replications: int, intervals: int
) -> tuple[UseOverTime, ...]:
    """Every resource with recorded use, in the order of the scenario."""
    found = areas(use, names, scenario, replications=replications, intervals=intervals)
    return tuple(
        found[resource.name].over_time(resource)
        for resource in scenario.shared
        if found[resource.name].replications
    )


def areas(
    use: ResourceUse, names: Names, scenario: Scenario, *, replications: int, intervals: int
) -> dict[str, Areas]:
    """The same for every resource that patients can wait for, before it is averaged.

    A replication without patients has no rows, and is left out.
    """
    edges = on_grid(np.linspace(0.0, scenario.horizon, intervals + 1))
    found = {}
    for resource in scenario.shared:
        rows = np.flatnonzero(use.resource == names.resources.index(resource.name))
        ends = np.searchsorted(use.replication[rows], np.arange(replications + 1))
        total, n = np.zeros((3, intervals)), 0
        for a, b in pairwise(ends.tolist()):
            if b > a:
                total += _areas(use, rows[a:b], edges)
                n += 1
        found[resource.name] = Areas(edges, total, n)
    return found


def _areas(use: ResourceUse, rows: Indices, edges: Floats) -> Floats:
    """The areas under in use, queue and capacity between edges in one replication; the first row is at 0."""
    time = use.time[rows]
    step = np.searchsorted(time, edges, side="right") - 1
    found = np.empty((3, len(edges) - 1))
    for i, column in enumerate((use.in_use, use.queue, use.capacity)):
        value = column[rows].astype(np.float64)
        before = np.concatenate([[0.0], np.cumsum(value[:-1] * np.diff(time))])
        found[i] = np.diff(before[step] + value[step] * (edges - time[step]))
    return found
