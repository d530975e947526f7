"""The outcomes of a run as one table of plain values: what `summary.json` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sim.engine.event_log import EventLog, ResourceUse
from sim.outcomes import wording
from sim.outcomes.entries import interval, listed, number, put
from sim.outcomes.estimates import Estimate, Figures, Path, is_empty, over_replications, without_intervals
from sim.outcomes.history import Flags
from sim.outcomes.measure import Measure
from sim.outcomes.reading import Group, Reader, Reading
from sim.outcomes.resource_entries import notes as resource_notes
from sim.outcomes.resource_entries import resource_entries, waits_note
from sim.scenario.model import Scenario
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

FIRST = ("estimate_of", "unit", "estimate", "interval", "interval_kind", "interval_note", "n", "left_out")
"""What stands first in an entry."""


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
    reader = Reader(log, use, scenario, at=at, replications=about.get("replications"))
    return summary(
        reader, {outcome.name: entry(reader, reader.read(outcome)) for outcome in scenario.outcomes}, about
    )


def summary(reader: Reader, outcomes: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of what is told of a run, with the entries of its outcomes."""
    scenario = reader.scenario
    resources = resource_entries(reader.history, reader.replications)
    notes = _notes(reader.counted, asked=reader.asked, times=reader.times)
    told = {}
    for outcome in scenario.outcomes:
        note = waits_note(resources, outcome.resource)
        told[outcome.name] = outcomes[outcome.name] | ({"steady_state_note": note} if note else {})
    return {
        "title": scenario.title,
        "digest": scenario.digest,
        **about,
        "replications": reader.replications,
        "patients": reader.log.n_patients,
        "horizon_days": scenario.horizon,
        "outcomes": told,
        "resources": resources,
        "notes": [*notes, *resource_notes(resources, scenario), *_not_computed(scenario)],
    }


def _not_computed(scenario: Scenario) -> list[str]:
    """What a scenario says and no outcome takes up."""
    if scenario.economics is None:
        return []
    return ["costs and utilities stand in the scenario; what they come to is not computed"]


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


def entry(reader: Reader, reading: Reading) -> dict[str, Any]:
    """One outcome: in all patients it is about, then in each group of `by`."""
    outcome = reading.outcome
    told: dict[str, Any] = {"kind": outcome.kind, "label": outcome.label or outcome.name}
    told |= _group_entry(reader, reading.measure, reading.whole)
    if outcome.by is not None:
        told["by"] = outcome.by
        if reading.note:
            told["groups_note"] = reading.note
        told["groups"] = {
            name: _group_entry(reader, reading.measure, group) for name, group in reading.groups.items()
        }
    return told


def _group_entry(reader: Reader, measure: Measure, group: Group) -> Any:
    """The outcome in these patients, over replications where there are several."""
    told: dict[Path, Any] = dict(measure.facts)
    if reader.replications > 1:
        figures, kind = over_replications(group.each), "Student, over replications"
        left_out = sum(is_empty(f) for f in group.each)
        told["replications_left_out",] = left_out
        note = "fewer than two replications to compare" if reader.replications - left_out < 2 else ""
    else:
        figures, kind = group.each[0], measure.interval_kind or ""
        note = why_no_interval(reader, measure)
        if note:
            figures = without_intervals(figures)
    return _shaped(told, figures, kind, note)


def why_no_interval(reader: Reader, measure: Measure) -> str:
    """Why one replication gives no interval over patients; "" where it does."""
    if reader.shared:
        return f"patients share {', '.join(reader.shared)}, so one replication tells nothing of its own error"
    return "" if measure.interval_kind else "a number per replication needs several replications"


def _shaped(facts: Mapping[Path, Any], figures: Figures, kind: str, note: str) -> Any:
    """The entry: counts, facts and estimates, each where its path says."""
    told: dict[Any, Any] = {}
    for path, value in figures.counts.items():
        put(told, path, value)
    for path, value in facts.items():
        put(told, path, value)
    for path, estimate in figures.estimates.items():
        put(told, path, number(estimate.value))
        name = str(path[-1]).removesuffix("_days")
        beside = "interval" if name == "estimate" else f"{name}_interval"
        put(told, (*path[:-1], beside), interval(estimate))
    headline = figures.estimates["estimate",]
    some = any(estimate.has_interval for estimate in figures.estimates.values())
    told["interval_kind"] = kind if some else None
    if not some or (headline.is_known and not headline.has_interval):
        told["interval_note"] = note or _why_none(headline, told["n"])
    shaped = listed(told)
    return {key: shaped[key] for key in FIRST if key in shaped} | shaped


def _why_none(headline: Estimate, n: int) -> str:
    if n == 0:
        return "nobody to estimate from"
    if not headline.is_known:
        return "nobody was observed for so long"
    if headline.value in (0.0, 1.0):
        return "an interval needs both those who came to it and those who did not"
    return "a single value"
