"""The outcomes of a run as one table of plain values: what `summary.json` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.event_log.log import EventLog, ResourceUse
from sim.outcomes import findings, labels
from sim.outcomes.entries import interval, listed, number, put
from sim.outcomes.evaluation import Reader
from sim.outcomes.findings import Each, Findings, Observed
from sim.outcomes.intervals import Estimate, Figures, Path, is_empty, over_replications, without_intervals
from sim.outcomes.queues.queue_summary import (
    ResourceFindings,
    resource_entries,
    resource_findings,
    waits_note,
)
from sim.outcomes.queues.queue_summary import joined as joined_resources
from sim.outcomes.queues.queue_summary import notes as resource_notes
from sim.scenario.checks.deadlock import deadlocks
from sim.scenario.language.model import Scenario
from sim.scenario.source.csv_tables import clocks_not_told
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

SINGLE = {"5%": 0.05, "50%": 0.5, "95%": 0.95}
FEWEST_FOR_QUANTILES = 20
"""Replications, so that one of them lies beyond each end."""

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
    return summary(account(reader, [reader.read(one).findings() for one in scenario.outcomes]), about)


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """All that is told of some replications: nothing of it leads to their log.

    asked, times: days at which curves were to be read, and those at which they can be. patients: in
    all; in_warm_up: those of them who are left out.
    """

    scenario: Scenario
    asked: tuple[float, ...]
    times: tuple[float, ...]
    replications: int
    patients: int
    in_warm_up: int
    outcomes: tuple[Findings, ...]
    resources: Mapping[str, ResourceFindings]


def account(reader: Reader, outcomes: Sequence[Findings]) -> Account:
    """What a reader's log tells. outcomes: what it says of those of the scenario, in their order."""
    return Account(
        reader.scenario,
        reader.asked,
        reader.times,
        reader.replications,
        reader.log.n_patients,
        int(np.count_nonzero(~reader.counted)),
        tuple(outcomes),
        resource_findings(reader.history, reader.replications),
    )


def are_read_alike(of: Sequence[Account]) -> bool:
    """Whether every outcome means the same in all these replications, so that they can be joined.

    They do not where one saw patients for longer than another, and so far that a curve is headed by
    another time: they are to be read knowing what was `observed_in_all`.
    """
    return all(map(findings.are_read_alike, _by_outcome(of)))


def observed_in_all(of: Sequence[Account]) -> dict[str, Observed]:
    """By outcome, how long patients were observed in all these replications."""
    found = {each[0].outcome.name: findings.observed_in_all(each) for each in _by_outcome(of)}
    return {name: observed for name, observed in found.items() if observed is not None}


def joined(of: Sequence[Account]) -> Account:
    """One replication after another, which were read alike."""
    return replace(
        of[0],
        replications=sum(one.replications for one in of),
        patients=sum(one.patients for one in of),
        in_warm_up=sum(one.in_warm_up for one in of),
        outcomes=tuple(map(findings.joined, _by_outcome(of))),
        resources=joined_resources([one.resources for one in of]),
    )


def _by_outcome(of: Sequence[Account]) -> list[tuple[Findings, ...]]:
    return list(zip(*(one.outcomes for one in of), strict=True))


def summary(of: Account, about: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of what is told of a run."""
    scenario = of.scenario
    resources = resource_entries(of.resources, scenario)
    told = {}
    for one in of.outcomes:
        note = waits_note(resources, one.outcome.resource)
        told[one.outcome.name] = entry(one, scenario) | ({"steady_state_note": note} if note else {})
    return {
        "title": scenario.title,
        "digest": scenario.digest,
        **about,
        "replications": of.replications,
        "patients": of.patients,
        "horizon_days": scenario.horizon,
        "outcomes": told,
        "resources": resources,
        "notes": [
            *_notes(of),
            *resource_notes(of.resources, resources, scenario),
            *deadlocks(scenario),
            *clocks_not_told(scenario),
            *_not_computed(scenario),
        ],
    }


def _not_computed(scenario: Scenario) -> list[str]:
    """What a scenario says and no outcome takes up."""
    if scenario.economics is None:
        return []
    return ["costs and utilities stand in the scenario; what they come to is not computed"]


def _notes(of: Account) -> list[str]:
    """Who and what is left out of all outcomes."""
    notes = []
    if of.in_warm_up:
        notes.append(f"patients left out of the outcomes because they start in the warm-up: {of.in_warm_up}")
    beyond = [labels.time(t) for t in of.asked if t not in of.times]
    if beyond and of.asked != DEFAULT_TIMES:
        notes.append(f"times beyond the end of observation, left out: {', '.join(beyond)}")
    return notes


def entry(of: Findings, scenario: Scenario) -> dict[str, Any]:
    """One outcome: in all patients it is about, then in each group of `by`."""
    outcome = of.outcome
    told: dict[str, Any] = {"kind": outcome.kind, "label": outcome.label or outcome.name}
    told |= _group_entry(of, of.whole, scenario)
    if outcome.by is not None:
        told["by"] = outcome.by
        if of.note:
            told["groups_note"] = of.note
        told["groups"] = {name: _group_entry(of, each, scenario) for name, each in of.groups.items()}
    return told


def _group_entry(of: Findings, each: Each, scenario: Scenario) -> Any:
    """The outcome in these patients, over replications where there are several."""
    told: dict[Path, Any] = dict(of.facts)
    if len(each) > 1:
        figures, kind = over_replications(each), "Student, over replications"
        left_out = sum(is_empty(f) for f in each)
        told["replications_left_out",] = left_out
        note = "fewer than two replications to compare" if len(each) - left_out < 2 else ""
        told |= _single_replications(each)
    else:
        figures, kind = each[0], of.interval_kind or ""
        note = why_no_interval(scenario, of.interval_kind)
        if note:
            figures = without_intervals(figures)
    return _shaped(told, figures, kind, note)


def _single_replications(each: Each) -> dict[Path, Any]:
    """Between what the headline lies in single replications: what one future may come to, not their mean."""
    values = np.array([figures.estimates["estimate",].value for figures in each])
    known = values[~np.isnan(values)]
    if len(known) < FEWEST_FOR_QUANTILES:
        return {}
    quantiles = np.quantile(known, list(SINGLE.values())).tolist()
    return {("single_replications", name): value for name, value in zip(SINGLE, quantiles, strict=True)}


def why_no_interval(scenario: Scenario, interval_kind: str | None) -> str:
    """Why one replication gives no interval over patients; "" where it does.

    interval_kind: how the outcome's are made.
    """
    if scenario.shared:
        shared = ", ".join(resource.name for resource in scenario.shared)
        return f"patients share {shared}, so one replication tells nothing of its own error"
    return "" if interval_kind else "a number per replication needs several replications"


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
