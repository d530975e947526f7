"""What is told of every resource that can be waited for, unasked: use, waits, warm-up, whether it settles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.entries import interval, number
from sim.outcomes.history.history import History
from sim.outcomes.intervals import UNKNOWN, Estimate
from sim.outcomes.queues.queue_use import averages, estimate_of, resource_figures
from sim.outcomes.queues.queue_waits import Waits, ends_of_waits, waits_of
from sim.outcomes.queues.use_over_time import Areas, UseOverTime, areas
from sim.outcomes.queues.use_over_time import joined as joined_areas
from sim.outcomes.queues.warm_up import batches_of, growth, mser
from sim.scenario.language.model import Resource, Scenario

OBSERVATIONS = 1000
"""Stretches of the calendar that the warm-up and the trend are read from."""
SHOWN = 50
"""Stretches that are told."""


@dataclass(frozen=True, slots=True, eq=False)
class ResourceFindings:
    """What came of a resource in some replications: all that is told of it, without their log.

    averages, waits: of each replication; areas: over the calendar, added up; beyond: units held on
    day 0 that there are not, the most of any replication. arrivals_end: the day until which patients
    arrive in all of them, the horizon where all are there at once.
    """

    averages: tuple[Mapping[str, float], ...]
    areas: Areas
    waits: tuple[Waits, ...]
    beyond: int
    arrivals_end: float


def resource_findings(history: History, replications: int) -> dict[str, ResourceFindings]:
    """Of every resource that can be waited for."""
    log, scenario, use = history.log, history.scenario, history.use
    each = averages(use, log.names, scenario, replications)
    over_time = areas(use, log.names, scenario, replications=replications, intervals=OBSERVATIONS)
    end = _arrivals_end(history)
    return {
        resource.name: ResourceFindings(
            tuple(each[resource.name]),
            over_time[resource.name],
            tuple(waits_of(history, resource.name, replications)),
            _beyond(history, resource),
            end,
        )
        for resource in scenario.shared
        if over_time[resource.name].replications
    }


def _arrivals_end(history: History) -> float:
    """Where neither the scenario says it nor the patients come at once, the last of them does."""
    log, horizon, arrivals = history.log, history.scenario.horizon, history.scenario.patients.arrivals
    if arrivals.kind == "together":
        return horizon
    if arrivals.kind != "days" and arrivals.lasting is not None:
        return min(arrivals.lasting, horizon)
    last = np.flatnonzero(np.diff(log.replication, append=-1))
    firsts = np.concatenate([[0], last[:-1] + 1])
    return float(np.maximum.reduceat(log.begins, firsts).min()) if len(last) else horizon


def _beyond(history: History, resource: Resource) -> int:
    """Today's patients hold what their stages need, whether or not there is so much."""
    if resource.capacity is None:
        return 0
    use, code = history.use, history.log.names.resources.index(resource.name)
    first = (use.resource == code) & (use.time == 0.0)
    return max(int(use.in_use[first].max(initial=0)) - int(resource.capacity[0][1]), 0)


def joined(of: Sequence[Mapping[str, ResourceFindings]]) -> dict[str, ResourceFindings]:
    """The findings of one replication after another."""
    every = {name: [one[name] for one in of] for name in of[0]}
    return {
        name: ResourceFindings(
            tuple(chain.from_iterable(one.averages for one in found)),
            joined_areas([one.areas for one in found]),
            tuple(chain.from_iterable(one.waits for one in found)),
            max(one.beyond for one in found),
            min(one.arrivals_end for one in found),
        )
        for name, found in every.items()
    }


def resource_entries(findings: Mapping[str, ResourceFindings], scenario: Scenario) -> dict[str, Any]:
    """An entry for each resource, ready for JSON; averages over time only where the queue settles."""
    resources = {resource.name: resource for resource in scenario.resources}
    entries: dict[str, Any] = {}
    for name, found in findings.items():
        one = found.areas.over_time(resources[name])
        n_before_end = int(np.searchsorted(one.edges[1:], found.arrivals_end, side="right"))
        grown = growth(one.queue[:n_before_end])
        entry: dict[str, Any] = {}
        for figure, estimate in resource_figures(found.averages).items():
            is_told = grown is None or figure == "unit_days"
            entry[figure] = _figure(estimate if is_told else UNKNOWN, estimate_of(figure, scenario))
        came = ends_of_waits(found.waits)
        entry["grants_per_year"] = _figure(came.grants_per_year, "times a year that it is granted")
        entry["waits"] = {
            "n": came.n,
            "cut_off": came.cut_off,
            "days": _figure(came.wait if grown is None else UNKNOWN, "mean days of the waits that ended"),
            "ended_by": {
                way: _figure(share, "share of the waits that ended") for way, share in came.ended.items()
            },
        }
        entry["settles"] = grown is None
        if grown is not None:
            entry["grows_by"] = grown
            entry["grows_over_days"] = [float(one.edges[n_before_end // 2]), float(one.edges[n_before_end])]
        entry["warm_up"] = _warm_up(one, scenario.horizon, scenario.patients.arrivals.warm_up)
        entry["over_time"] = _shown(one)
        entries[name] = entry
    return entries


def _figure(estimate: Estimate, what: str) -> dict[str, Any]:
    return {"estimate": number(estimate.value), "interval": interval(estimate), "estimate_of": what}


def _warm_up(one: UseOverTime, horizon: float, given: float) -> dict[str, Any]:
    """The warm-up there is, the one MSER-5 asks for, and the series it looked at."""
    series = batches_of(one.in_use + one.queue)
    stretch = horizon / len(series)
    left_out = mser(series)
    return {
        "days": given,
        "suggested_days": left_out * stretch if left_out is not None else None,
        "by": "MSER-5",
        "series_of": "patients who hold a unit or wait for one, averaged over each stretch",
        "stretch_days": stretch,
        "series": _plain(series),
    }


def _shown(one: UseOverTime) -> dict[str, Any]:
    """Units in use and patients waiting, in some fifty stretches of the calendar."""
    stretch = float(one.edges[-1]) / SHOWN
    return {
        "stretch_days": stretch,
        "in_use": _plain(one.in_use.reshape(SHOWN, -1).mean(axis=1)),
        "queue": _plain(one.queue.reshape(SHOWN, -1).mean(axis=1)),
    }


def _plain(values: Floats) -> list[float]:
    """Numbers of a series, to six digits: it is looked at, not computed with."""
    return [float(f"{value:.6g}") for value in values]


def notes(
    findings: Mapping[str, ResourceFindings], entries: Mapping[str, Any], scenario: Scenario
) -> list[str]:
    """What a reader has to know of the resources before any of their averages."""
    found = []
    table, arrivals = scenario.patients.table, scenario.patients.arrivals
    has_long_run = arrivals.kind != "together" and not (table is not None and table.is_today)
    for name, entry in entries.items():
        if findings[name].beyond:
            found.append(
                f"today's patients hold {findings[name].beyond} more of {name} than there are: nobody else "
                "is granted one until so many are given back"
            )
        suggested, given = entry["warm_up"]["suggested_days"], entry["warm_up"]["days"]
        if not entry["settles"]:
            found.append(_growth_note(name, entry))
        elif not has_long_run:
            continue
        elif suggested is None:
            found.append(f"the run is too short to choose a warm-up for {name} (MSER-5)")
        elif suggested > given:
            found.append(
                f"averages of {name} begin on day {given:.10g}; MSER-5 would leave out the first "
                f"{suggested:.3g} days (patients.arrive.warm_up)"
            )
    return found


def growth_notes(entries: Mapping[str, Any]) -> list[str]:
    """What is said of the resources whose queues do not settle."""
    return [_growth_note(name, entry) for name, entry in entries.items() if not entry["settles"]]


def _growth_note(resource: str, entry: Mapping[str, Any]) -> str:
    begin, end = (f"{day:.6g}" for day in entry["grows_over_days"])
    return (
        f"the queue for {resource} does not settle: it grows by {entry['grows_by']:.3g} patients from day "
        f"{begin} to {end} while others arrive, so there are no long-run averages of its use and waits"
    )


def waits_note(entries: dict[str, Any], resource: str) -> str:
    """What stands beside an outcome of the waits for a resource, "" where nothing has to."""
    if resource not in entries or entries[resource]["settles"]:
        return ""
    return f"the queue for {resource} does not settle: these are the waits that ended, of no steady state"
