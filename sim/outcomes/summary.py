"""The outcomes of a run as one table of plain values: what `summary.json` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import isnan
from typing import Any

import numpy as np

from sim.engine.event_log import EventLog, Indices, ResourceUse
from sim.outcomes import means, patterns, proportions, resource_use, waiting, wording
from sim.outcomes.estimates import Estimate, Figures, Path, is_empty, over_replications, without_intervals
from sim.outcomes.happenings import qualify
from sim.outcomes.history import NEVER, Flags, History
from sim.outcomes.measure import Measure
from sim.outcomes.time_to_event import time_to_event
from sim.outcomes.times import occupancy, time_in
from sim.scenario.model import Outcome, Scenario
from sim.scenario.wording import scalar
from sim.units import DAYS_IN

DEFAULT_TIMES = (
    3 * DAYS_IN["month"],
    6 * DAYS_IN["month"],
    DAYS_IN["year"],
    2 * DAYS_IN["year"],
    3 * DAYS_IN["year"],
    5 * DAYS_IN["year"],
)
"""Days since the patient's start (or since `from`) at which curves are read unless asked otherwise."""

Measuring = Callable[[History, Outcome], Measure]
MEASURES: Mapping[str, Measuring] = {
    "ever": proportions.ever,
    "count": means.count,
    "total": means.total,
    "attribute": means.attribute,
    "time_in": time_in,
    "waiting_for": waiting.waiting_for,
    "funnel": patterns.funnel,
    "pathway": patterns.pathway,
}

FIRST = ("estimate_of", "unit", "estimate", "interval", "interval_kind", "interval_note", "n", "left_out")
"""What stands first in an entry."""

MOST_GROUPS = 50
"""A number with more values than these is no way to make groups."""


def summarise(
    log: EventLog,
    use: ResourceUse,
    scenario: Scenario,
    *,
    at: Sequence[float] = DEFAULT_TIMES,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Every outcome of the scenario, and the use of every finite resource, read from the log.

    at: days; those beyond the horizon or the follow-up are left out. about: what the caller knows
    of the run (seed, engine, `replications`), merged in at the top. The result is ready for JSON:
    a number that does not exist is None, never nan or infinite.
    """
    about = dict(about or {})
    replications = int(about.get("replications", log.replication.max(initial=0) + 1))
    history = History(log, use, scenario)
    times = asked_times(scenario, at)
    counted = log.begins >= scenario.patients.arrivals.warm_up
    return {
        "title": scenario.title,
        "digest": scenario.digest,
        **about,
        "replications": replications,
        "patients": log.n_patients,
        "horizon_days": scenario.horizon,
        "outcomes": {
            outcome.name: _entry(history, outcome, times, counted, replications)
            for outcome in scenario.outcomes
        },
        "resources": _resources(history, replications),
        "notes": _notes(counted, asked=at, times=times),
    }


def _notes(counted: Flags, *, asked: Sequence[float], times: Sequence[float]) -> list[str]:
    """Who and what is left out of all outcomes."""
    notes = []
    if not counted.all():
        n = np.count_nonzero(~counted)
        notes.append(f"patients left out of the outcomes because they start in the warm-up: {n}")
    beyond = [wording.time(t) for t in asked if t not in times]
    if beyond and tuple(asked) != DEFAULT_TIMES:
        notes.append(f"times beyond the end of observation, left out: {', '.join(beyond)}")
    return notes


def _resources(history: History, replications: int) -> dict[str, Any]:
    """The use of every resource that can be waited for, and what each number is."""
    scenario = history.scenario
    found = resource_use.resource_figures(history.use, history.log.names, scenario, replications)
    return {
        name: {
            figure: {
                "estimate": number(estimate.value),
                "interval": interval(estimate),
                "estimate_of": resource_use.estimate_of(figure, scenario),
            }
            for figure, estimate in figures.items()
        }
        for name, figures in found.items()
    }


def asked_times(scenario: Scenario, at: Sequence[float]) -> tuple[float, ...]:
    """The times of `at` that can be observed, increasing; the end of observation if none can."""
    last = scenario.horizon
    if scenario.patients.follow_up is not None:
        last = min(last, scenario.patients.follow_up)
    return tuple(sorted({float(t) for t in at if 0 < t <= last})) or (last,)


def _measure(history: History, outcome: Outcome, times: tuple[float, ...]) -> Measure:
    if outcome.kind == "time_to_event":
        return time_to_event(history, outcome, times)
    if outcome.kind == "occupancy":
        return occupancy(history, outcome, times)
    return MEASURES[outcome.kind](history, outcome)


def _entry(
    history: History, outcome: Outcome, times: tuple[float, ...], counted: Flags, replications: int
) -> dict[str, Any]:
    """One outcome: in all patients it is about, then in each group of `by`."""
    measure = _measure(history, outcome, times)
    about = np.flatnonzero(counted & qualify(history, outcome.among))
    entry: dict[str, Any] = {"kind": outcome.kind, "label": outcome.label or outcome.name}
    entry |= _figures(history, measure, about, replications)
    if outcome.by is not None:
        entry["by"] = outcome.by
        groups = _groups(history, measure, outcome.by, about)
        if len(groups) > MOST_GROUPS:
            entry["groups_note"] = f"{outcome.by} has {len(groups)} different values: too many to tell apart"
            groups = {}
        entry["groups"] = {
            name: _figures(history, measure, members, replications) for name, members in groups.items()
        }
    return entry


def _groups(history: History, measure: Measure, by: str, about: Indices) -> dict[str, Indices]:
    """Patients by the value of an attribute, at the row the measure names; in the order declared."""
    known = about[measure.group_rows[about] != NEVER]
    values = history.attribute(by, measure.group_rows[known])
    categories = history.log.names.categories[history.log.names.attributes.index(by)]
    if categories:
        return {name: known[values == code] for code, name in enumerate(categories)}
    different, of = np.unique(values, return_inverse=True)
    if len(different) > MOST_GROUPS:
        return {scalar(float(value)): known[:0] for value in different}
    return {scalar(float(value)): known[of == i] for i, value in enumerate(different)}


def _figures(history: History, measure: Measure, about: Indices, replications: int) -> Any:
    """The measure in these patients, over replications where there are several."""
    entry: dict[Path, Any] = dict(measure.facts)
    if replications > 1:
        edges = np.searchsorted(history.log.replication[about], np.arange(replications + 1))
        each = [measure.figures(about[a:b]) for a, b in pairwise(edges)]
        figures, kind = over_replications(each), "Student, over replications"
        left_out = sum(is_empty(f) for f in each)
        entry["replications_left_out",] = left_out
        note = "fewer than two replications to compare" if replications - left_out < 2 else ""
    else:
        figures, kind = measure.figures(about), measure.interval_kind or ""
        shared = [r.name for r in history.scenario.resources if not r.is_free]
        note = "a number per replication needs several replications" if not kind else ""
        if shared:
            note = f"patients share {', '.join(shared)}, so one replication tells nothing of its own error"
        if note:
            figures = without_intervals(figures)
    return _shaped(entry, figures, kind, note)


def _shaped(facts: Mapping[Path, Any], figures: Figures, kind: str, note: str) -> Any:
    """The entry: counts, facts and estimates, each where its path says."""
    entry: dict[str | int, Any] = {}
    for path, value in figures.counts.items():
        _put(entry, path, value)
    for path, value in facts.items():
        _put(entry, path, value)
    for path, estimate in figures.estimates.items():
        _put(entry, path, number(estimate.value))
        name = str(path[-1]).removesuffix("_days")
        beside = "interval" if name == "estimate" else f"{name}_interval"
        _put(entry, (*path[:-1], beside), interval(estimate))
    headline = figures.estimates["estimate",]
    some = any(estimate.has_interval for estimate in figures.estimates.values())
    entry["interval_kind"] = kind if some else None
    if not some or (headline.is_known and not headline.has_interval):
        entry["interval_note"] = note or _why_none(headline, entry["n"])
    told = _listed(entry)
    return {key: told[key] for key in FIRST if key in told} | told


def _why_none(headline: Estimate, n: int) -> str:
    if n == 0:
        return "nobody to estimate from"
    if not headline.is_known:
        return "nobody was observed for so long"
    if headline.value in (0.0, 1.0):
        return "an interval needs both those who came to it and those who did not"
    return "a single value"


def _put(entry: dict[str | int, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        entry = entry.setdefault(key, {})
    entry[path[-1]] = value


def _listed(value: Any) -> Any:
    """The same entry with mappings from 0, 1, ... made lists."""
    if not isinstance(value, dict):
        return value
    items = {key: _listed(item) for key, item in value.items()}
    return list(items.values()) if 0 in items else items


def number(value: float) -> float | None:
    """A number as JSON can hold it."""
    return None if isnan(value) else value


def interval(estimate: Estimate) -> list[float | None] | None:
    """The limits; None for an open one, and where there is no interval at all."""
    return [number(estimate.low), number(estimate.high)] if estimate.has_interval else None
