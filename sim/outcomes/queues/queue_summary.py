"""Every resource that patients can wait for: use, waits, warm-up, whether its queue settles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, pairwise
from math import nan

import numpy as np

from sim.engine.arrivals import on_grid
from sim.engine.resources import open_hours
from sim.event_log.log import Floats, Indices, Names, ResourceUse
from sim.outcomes.estimates import EstimateRow
from sim.outcomes.history.history import History
from sim.outcomes.queues.queue_waits import Waits, ends_of_waits, waits_of
from sim.outcomes.queues.warm_up import BATCH, batches_of, growth, mser
from sim.outcomes.results import OVER_REPLICATIONS, Estimate, ResourceFacts, mean
from sim.scenario.language.model import Resource, Scenario

UNITS = {"in_use": "units", "utilisation": "share", "queue": "patients", "unit_days": "days"}
"""Units in use, units in use over units open, patients waiting (averages over time), days of use added up."""


def averages(
    use: ResourceUse, names: Names, scenario: Scenario, arrivals_end: Floats
) -> dict[str, list[dict[str, float]]]:
    """Mean use, utilisation and queue of every resource that can be waited for, in each replication.

    Averages run from the end of the warm-up to the day until which patients arrive, arrivals_end
    [n_replications], utilisation over the opening hours in it; days of use run to the horizon. Utilisation is
    nan where capacity is unlimited or zero while open; all are nan where no patient arrived, or none after
    the warm-up.
    """
    found, replications = {}, len(arrivals_end)
    for resource in scenario.shared:
        rows = np.flatnonzero(use.resource == names.resources.index(resource.name))
        edges = np.searchsorted(use.replication[rows], np.arange(replications + 1))
        found[resource.name] = [
            _averages(use, rows[a:b], resource, scenario, end)
            for (a, b), end in zip(pairwise(edges), arrivals_end.tolist(), strict=True)
        ]
    return found


def resource_figures(averages: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    """The means of these averages over replications, with Student's interval."""
    columns = {name: np.array([one[name] for one in averages]) for name in UNITS}
    return {name: mean(values[~np.isnan(values)]) for name, values in columns.items()}


def _averages(
    use: ResourceUse, rows: Indices, resource: Resource, scenario: Scenario, end: float
) -> dict[str, float]:
    """The averages to a day in one replication, whose rows of this resource begin at time 0."""
    if not len(rows):
        return dict.fromkeys(UNITS, np.nan)
    begin, changes = scenario.patients.arrivals.warm_up, np.append(use.time[rows], scenario.horizon)
    unit_days = float(np.diff(np.clip(changes, begin, scenario.horizon)) @ use.in_use[rows])
    if not end > begin:
        return dict.fromkeys(UNITS, np.nan) | {"unit_days": unit_days}
    edges = np.clip(changes, begin, end)
    width: Floats = np.diff(edges)
    is_open: Floats = np.diff(_open_days(resource, edges))
    there = float(is_open @ use.capacity[rows]) if resource.capacity is not None else np.nan
    return {
        "in_use": float(width @ use.in_use[rows]) / (end - begin),
        "utilisation": float(is_open @ use.in_use[rows]) / there if there > 0 else np.nan,
        "queue": float(width @ use.queue[rows]) / (end - begin),
        "unit_days": unit_days,
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


def combine_areas(areas: Sequence[Areas]) -> Areas:
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


OBSERVATIONS = 1000
"""Stretches of the calendar that the warm-up and the trend are read from."""
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
    ends = _arrivals_end(history, replications)
    each = averages(use, log.names, scenario, ends)
    over_time = areas(use, log.names, scenario, replications=replications, intervals=OBSERVATIONS)
    return {
        resource.name: ResourceFindings(
            tuple(each[resource.name]),
            over_time[resource.name],
            tuple(waits_of(history, resource.name, ends)),
            _beyond(history, resource),
            float(ends.min()),
        )
        for resource in scenario.shared
        if over_time[resource.name].replications
    }


def _arrivals_end(history: History, replications: int) -> Floats:
    """The day until which patients arrive in each replication; the horizon where all start together.

    It is the day of the last arrival where the scenario does not say it.
    """
    log, horizon, arrivals = history.log, history.scenario.horizon, history.scenario.patients.arrivals
    ends: Floats = np.full(replications, horizon)
    if arrivals.kind != "days" and arrivals.lasting is not None:
        ends[:] = min(arrivals.lasting, horizon)
    elif arrivals.kind != "together" and log.n_patients:
        firsts = np.flatnonzero(np.diff(log.replication, prepend=-1))
        ends[log.replication[firsts]] = np.maximum.reduceat(log.begins, firsts)
    return ends


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
        series = batches_of((over_time.in_use + over_time.queue)[:n_before_end])
        left_out, stretch = mser(series), float(edges[BATCH])
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
    """The use of each resource and its waits, with a note where the queue does not settle.

    Its averages are then those of the time that was simulated, and of no long run.
    """
    for resource in facts:
        found = findings[resource.name]
        ends = ends_of_waits(found.waits)
        grows = f"the queue for {resource.name} does not settle: of the time simulated"
        note = "" if resource.settles else grows
        rows: list[tuple[str, str, str, Estimate, bool]] = [
            (measure, "", UNITS[measure], estimate, measure != "unit_days")
            for measure, estimate in resource_figures(found.averages).items()
        ]
        rows.append(("grants_per_year", "", "per year", ends.grants_per_year, True))
        for what, found_days in (("wait", ends.wait), ("stay", ends.stay)):
            rows += [(f"{kind}_{what}", "", "days", one, True) for kind, one in found_days.items()]
        rows += [("share_of_waits", way, "share", share, False) for way, share in ends.ended.items()]
        rows.append(("waits_ended", "", "waits", Estimate(ends.n, n=ends.n), False))
        rows.append(("waits_cut_off", "", "waits", Estimate(ends.cut_off, n=ends.n), False))
        for measure, part, unit, kept, is_average in rows:
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
            found.append(f"patients arrive for too short a time to choose a warm-up for {name} (MSER-5)")
        elif suggested > given:
            found.append(
                f"MSER-5 suggests a warm-up of {suggested:.0f} days for {name} (patients.arrive.warm_up, "
                f"now {given:.10g} days)"
            )
    return found


def growth_note(resource: ResourceFacts) -> str:
    """A note on a resource with a queue that grows during the observed time."""
    assert resource.grows_over is not None
    begin, end = (f"{day:.6g}" for day in resource.grows_over)
    return (
        f"the queue for {resource.name} does not settle: it grows by {resource.grows_by:.3g} patients from "
        f"day {begin} to {end} while others arrive; its averages are of the time simulated, not of a long run"
    )


def steady_state_note(facts: Sequence[ResourceFacts], resource: str) -> str:
    """The note beside an outcome of the waits for a resource, "" where there is none."""
    if all(one.settles for one in facts if one.name == resource):
        return ""
    return f"the queue for {resource} does not settle: these waits are of no steady state"
