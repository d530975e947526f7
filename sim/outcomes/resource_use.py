"""How resources were used, averaged over time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sim.engine.event_log import Floats, Indices, Names, ResourceUse
from sim.outcomes.estimates import Estimate, mean
from sim.scenario.model import Resource, Scenario

WORDS = {
    "in_use": "units in use, averaged over time",
    "utilisation": "units in use over units there are, averaged over time",
    "queue": "patients waiting, averaged over time",
    "unit_days": "days that units are in use, added up",
}


def resource_figures(
    use: ResourceUse, names: Names, scenario: Scenario, replications: int
) -> dict[str, dict[str, Estimate]]:
    """Mean use, utilisation and queue of every resource that can be waited for.

    Averages run from the end of the warm-up to the horizon; over replications their mean with
    Student's interval. Utilisation is unknown where capacity is unlimited.
    """
    found = {}
    for resource in scenario.resources:
        if not resource.is_free:
            rows = np.flatnonzero(use.resource == names.resources.index(resource.name))
            edges = np.searchsorted(use.replication[rows], np.arange(replications + 1))
            each = [_averages(use, rows[a:b], resource, scenario) for a, b in pairwise(edges)]
            found[resource.name] = _over(each)
    return found


def _over(each: list[dict[str, float]]) -> dict[str, Estimate]:
    columns = {name: np.array([e[name] for e in each]) for name in WORDS}
    return {name: mean(values[~np.isnan(values)]) for name, values in columns.items()}


def _averages(use: ResourceUse, rows: Indices, resource: Resource, scenario: Scenario) -> dict[str, float]:
    """The averages in one replication, whose rows of this resource begin at time 0."""
    if not len(rows):
        return dict.fromkeys(WORDS, np.nan)
    begin, end = scenario.patients.arrivals.warm_up, scenario.horizon
    edges = np.clip(np.append(use.time[rows], end), begin, end)
    width: Floats = np.diff(edges)
    in_use, queue = float(width @ use.in_use[rows]), float(width @ use.queue[rows])
    there = float(width @ use.capacity[rows]) if resource.capacity is not None else np.nan
    return {
        "in_use": in_use / (end - begin),
        "utilisation": in_use / there if there > 0 else np.nan,
        "queue": queue / (end - begin),
        "unit_days": in_use,
    }


def estimate_of(figure: str, scenario: Scenario) -> str:
    """What a figure is an estimate of, with the time it is taken over."""
    return f"{WORDS[figure]}, day {scenario.patients.arrivals.warm_up:.10g} to {scenario.horizon:.10g}"
