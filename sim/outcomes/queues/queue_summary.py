"""Every resource that patients can wait for: use, waits, warm-up, whether its queue settles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import nan

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.estimates import EstimateRow
from sim.outcomes.history.history import History
from sim.outcomes.intervals import UNKNOWN, Estimate
from sim.outcomes.queues.queue_use import UNITS, Areas, areas, averages, resource_figures
from sim.outcomes.queues.queue_use import combine as combine_areas
from sim.outcomes.queues.queue_waits import Waits, ends_of_waits, waits_of
from sim.outcomes.queues.warm_up import batches_of, growth, mser
from sim.outcomes.results import ResourceFacts
from sim.scenario.language.model import Resource, Scenario

OBSERVATIONS = 1000
"""Stretches of the calendar that the warm-up and the trend are read from."""
OVER_REPLICATIONS = "Student, over replications"
SHOWN = 50
"""Stretches that are shown."""


@dataclass(frozen=True, slots=True, eq=False)
class ResourceFindings:
    """A resource in some replications, without their log.

    averages, waits: of each replication; areas: over the calendar, added up; beyond: units held on
    day 0 beyond capacity, the most of any replication. arrivals_end: the day until which patients
    arrive in all of them, the horizon where all are there at once.
    """

    averages: tuple[Mapping[str, float], ...]
    areas: Areas
    waits: tuple[Waits, ...]
    beyond: int
    arrivals_end: float


def resource_findings(history: History, replications: int) -> dict[str, ResourceFindings]:
    """The findings of every resource that patients can wait for."""
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
    """The day of the last arrival, where the scenario does not say it and patients do not start together."""
    log, horizon, arrivals = history.log, history.scenario.horizon, history.scenario.patients.arrivals
    if arrivals.kind == "together":
        return horizon
    if arrivals.kind != "days" and arrivals.lasting is not None:
        return min(arrivals.lasting, horizon)
    last = np.flatnonzero(np.diff(log.replication, append=-1))
    firsts = np.concatenate([[0], last[:-1] + 1])
    return float(np.maximum.reduceat(log.begins, firsts).min()) if len(last) else horizon


def _beyond(history: History, resource: Resource) -> int:
    """Units that today's patients hold beyond the capacity: they hold what their stages need."""
    if resource.capacity is None:
        return 0
    use, code = history.use, history.log.names.resources.index(resource.name)
    first = (use.resource == code) & (use.time == 0.0)
    return max(int(use.in_use[first].max(initial=0)) - int(resource.capacity[0][1]), 0)


def combine(findings: Sequence[Mapping[str, ResourceFindings]]) -> dict[str, ResourceFindings]:
    """The findings of one replication after another."""
    every = {name: [one[name] for one in findings] for name in findings[0]}
    return {
        name: ResourceFindings(
            tuple(chain.from_iterable(one.averages for one in found)),
            combine_areas([one.areas for one in found]),
            tuple(chain.from_iterable(one.waits for one in found)),
            max(one.beyond for one in found),
            min(one.arrivals_end for one in found),
        )
        for name, found in every.items()
    }


def resource_facts(findings: Mapping[str, ResourceFindings], scenario: Scenario) -> tuple[ResourceFacts, ...]:
    """Whether each queue settles, its warm-up, and its use over time."""
    resources = {resource.name: resource for resource in scenario.resources}
    facts = []
    for name, found in findings.items():
        over_time = found.areas.over_time(resources[name])
        edges = over_time.edges
        n_before_end = int(np.searchsorted(edges[1:], found.arrivals_end, side="right"))
        grown = growth(over_time.queue[:n_before_end])
        series = batches_of(over_time.in_use + over_time.queue)
        left_out, stretch = mser(series), scenario.horizon / len(series)
        facts.append(
            ResourceFacts(
                name,
                settles=grown is None,
                grows_by=grown,
                grows_over=(
                    None if grown is None else (float(edges[n_before_end // 2]), float(edges[n_before_end]))
                ),
                warm_up=scenario.patients.arrivals.warm_up,
                suggested_warm_up=None if left_out is None else left_out * stretch,
                series=_rounded(series),
                series_stretch=stretch,
                in_use=_rounded(over_time.in_use.reshape(SHOWN, -1).mean(axis=1)),
                queue=_rounded(over_time.queue.reshape(SHOWN, -1).mean(axis=1)),
                stretch=float(edges[-1]) / SHOWN,
                ways=tuple(ends_of_waits(found.waits).ended),
            )
        )
    return tuple(facts)


def resource_rows(
    findings: Mapping[str, ResourceFindings],
    facts: Sequence[ResourceFacts],
    scenario: Scenario,
    *,
    arm: str = "",
) -> Iterator[EstimateRow]:
    """The use of each resource and its waits; averages over time only where the queue settles."""
    for resource in facts:
        found = findings[resource.name]
        ends = ends_of_waits(found.waits)
        note = "" if resource.settles else f"the queue for {resource.name} does not settle"
        rows: list[tuple[str, str, str, Estimate, bool]] = [
            (measure, "", UNITS[measure], estimate, measure != "unit_days")
            for measure, estimate in resource_figures(found.averages).items()
        ]
        rows.append(("grants_per_year", "", "per year", ends.grants_per_year, False))
        rows.append(("mean_wait", "", "days", ends.wait, True))
        rows += [("share_of_waits", way, "share", share, False) for way, share in ends.ended.items()]
        rows.append(("waits_ended", "", "waits", Estimate(ends.n, n=ends.n), False))
        rows.append(("waits_cut_off", "", "waits", Estimate(ends.cut_off, n=ends.n), False))
        for measure, part, unit, estimate, is_average in rows:
            kept = UNKNOWN if is_average and not resource.settles else estimate
            yield EstimateRow(
                f"resources.{resource.name}",
                arm,
                "",
                part,
                measure,
                nan,
                unit,
                kept.value,
                kept.error,
                kept.low,
                kept.high,
                kept.n,
                OVER_REPLICATIONS if kept.has_interval else "",
                note if is_average else "",
            )


def _rounded(values: Floats) -> tuple[float, ...]:
    """A series to six digits: it is shown, not computed with."""
    return tuple(float(f"{value:.6g}") for value in values)


def notes(
    findings: Mapping[str, ResourceFindings], facts: Sequence[ResourceFacts], scenario: Scenario
) -> list[str]:
    """What to know of the resources before any of their averages."""
    found = []
    table, arrivals = scenario.patients.table, scenario.patients.arrivals
    has_long_run = arrivals.kind != "together" and not (table is not None and table.is_today)
    for resource in facts:
        name, suggested, given = resource.name, resource.suggested_warm_up, resource.warm_up
        if findings[name].beyond:
            found.append(
                f"today's patients hold {findings[name].beyond} more of {name} than its capacity: no unit is "
                "granted until so many are given back"
            )
        if not resource.settles:
            found.append(growth_note(resource))
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


def growth_note(resource: ResourceFacts) -> str:
    """What to know of a resource whose queue does not settle."""
    assert resource.grows_over is not None
    begin, end = (f"{day:.6g}" for day in resource.grows_over)
    return (
        f"the queue for {resource.name} does not settle: it grows by {resource.grows_by:.3g} patients from "
        f"day {begin} to {end} while others arrive, so its use and waits have no long-run averages"
    )


def steady_state_note(facts: Sequence[ResourceFacts], resource: str) -> str:
    """The note beside an outcome of the waits for a resource, "" where there is none."""
    if all(one.settles for one in facts if one.name == resource):
        return ""
    return f"the queue for {resource} does not settle: these waits are of no steady state"
