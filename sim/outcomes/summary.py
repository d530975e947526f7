"""The outcomes of a run as a table of estimates, made from figures that lead to no log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.outcomes.endpoints.time_to_event import Observation
from sim.outcomes.estimates import Differences, EstimateRow, Estimates
from sim.outcomes.evaluation import (
    Arm,
    ByReplication,
    Evaluator,
    Findings,
    FurtherOutcomes,
    combine_findings,
    combined_observation,
)
from sim.outcomes.queues import queue_summary
from sim.outcomes.queues.queue_summary import ResourceFindings
from sim.outcomes.results import (
    OVER_REPLICATIONS,
    ArmFacts,
    Description,
    Estimate,
    Figures,
    Key,
    OutcomeFacts,
    ResourceFacts,
    Results,
    is_empty,
    over_replications,
    time_in_words,
    without_intervals,
)
from sim.scenario.checks.graph import deadlocks
from sim.scenario.checks.together import notes_on_today, notes_on_waits, states_without_stage
from sim.scenario.language.model import Scenario
from sim.units import DAYS_IN

DEFAULT_TIMES = (
    3 * DAYS_IN["month"],
    6 * DAYS_IN["month"],
    DAYS_IN["year"],
    2 * DAYS_IN["year"],
    3 * DAYS_IN["year"],
    5 * DAYS_IN["year"],
)
"""Days since the patient's start (or since `from`) at which curves are read by default."""

QUANTILES = {"replication_5%": 0.05, "replication_50%": 0.5, "replication_95%": 0.95}
FEWEST_FOR_QUANTILES = 20
"""Replications, so that one of them lies beyond each end."""

UNITS = {
    "survival": "probability",
    "cumulative_incidence": "probability",
    "share": "share",
    "share_of_first": "share",
    "median": "days",
    "restricted_mean": "days",
    "hazard_ratio": "ratio",
    "log_rank_chi_squared": "",
    "log_rank_p_value": "",
    "paired_log_rank_chi_squared": "",
    "paired_log_rank_p_value": "",
    "replications_left_out": "replications",
}
"""The units of measures; the others have that of their outcome."""


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """All figures of some replications: nothing leads to their log.

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


def summarise(evaluator: Evaluator, outcomes: Sequence[Findings] | None = None) -> Summary:
    """The figures of an evaluator's log. outcomes: their findings, where they are at hand."""
    if outcomes is None:
        outcomes = [evaluator.evaluate(one).findings() for one in evaluator.outcomes]
    return Summary(
        evaluator.scenario,
        evaluator.asked,
        evaluator.times,
        evaluator.replications,
        evaluator.log.n_patients,
        int(np.count_nonzero(~evaluator.counted)),
        tuple(outcomes),
        evaluator.resources,
    )


def have_same_meaning(summaries: Sequence[Summary]) -> bool:
    """Whether every outcome means the same in all these replications, so that they can be combined.

    It does not where one saw patients for longer than another, so that a curve has another headline
    time: these are evaluated again with the `combined_observations`.
    """
    return all(one.description == of[0].description for of in _by_outcome(summaries) for one in of)


def combined_observations(summaries: Sequence[Summary]) -> dict[str, Observation]:
    """By outcome, how long patients were observed in all these replications."""
    found = {one[0].outcome.name: combined_observation(one) for one in _by_outcome(summaries)}
    return {name: observation for name, observation in found.items() if observation is not None}


def combine(summaries: Sequence[Summary]) -> Summary:
    """One replication after another, where outcomes mean the same in all."""
    first = summaries[0]
    return replace(
        first,
        replications=sum(one.replications for one in summaries),
        patients=sum(one.patients for one in summaries),
        in_warm_up=sum(one.in_warm_up for one in summaries),
        outcomes=tuple(map(combine_findings, _by_outcome(summaries))),
        resources=queue_summary.combine([one.resources for one in summaries]) if first.resources else {},
    )


def _by_outcome(summaries: Sequence[Summary]) -> list[tuple[Findings, ...]]:
    return list(zip(*(one.outcomes for one in summaries), strict=True))


# ---------------------------------------------------------------- results


def run_results(summary: Summary, *, seed: int) -> Results:
    """The results of a single run."""
    estimates, facts = arm_results(summary)
    return Results((facts,), seed, summary.replications, estimates, Differences.of(()), facts.notes)


def evaluate_run(arm: Arm, *, at: Sequence[float], further: FurtherOutcomes | None = None) -> Results:
    """The results of a run whose whole log is at hand. at: days; those beyond observation are left out."""
    return run_results(summarise(Evaluator(arm, at=at, further=further)), seed=arm.seed)


def arm_results(summary: Summary, *, name: str = "") -> tuple[Estimates, ArmFacts]:
    """The estimates and facts of an arm. name: its identifier, in the column `arm` too."""
    scenario = summary.scenario
    resources: tuple[ResourceFacts, ...] = ()
    rows: list[EstimateRow] = []
    of_queues: Iterable[EstimateRow] = ()
    notes = _notes(summary)
    if summary.resources:
        resources = queue_summary.resource_facts(summary.resources, scenario)
        of_queues = queue_summary.resource_rows(summary.resources, resources, scenario, arm=name)
        notes += queue_summary.notes(summary.resources, resources, scenario)
    outcomes: list[OutcomeFacts] = []
    for one in summary.outcomes:
        note = queue_summary.steady_state_note(resources, one.outcome.resource) if resources else ""
        rows += outcome_rows(one, scenario, arm=name, note=note)
        outcomes.append(_outcome_facts(one, note))
    rows += of_queues
    facts = ArmFacts(
        name,
        scenario.title,
        scenario.digest,
        summary.patients,
        scenario.horizon,
        outcomes=tuple(outcomes),
        resources=resources,
        notes=(
            *notes,
            *states_without_stage(scenario),
            *deadlocks(scenario),
            *notes_on_today(scenario),
            *notes_on_waits(scenario),
        ),
        label=scenario.short_title,
    )
    return Estimates.of(rows), facts


def _outcome_facts(findings: Findings, note: str) -> OutcomeFacts:
    """What describes an outcome beside its numbers."""
    outcome = findings.outcome
    return OutcomeFacts(
        outcome.name,
        outcome.kind,
        outcome.label or outcome.name,
        outcome.by,
        tuple(findings.groups)[1:],
        findings.note,
        findings.description,
        note,
    )


def outcome_rows(
    findings: Findings, scenario: Scenario, *, arm: str = "", note: str = ""
) -> Iterator[EstimateRow]:
    """Every number of an outcome: for all patients it is about, then for each group of `by`.

    note: beside every number, as that the queue does not settle.
    """
    for name, figures in findings.groups.items():
        yield from _group_rows(findings, figures, scenario, arm=arm, group=name, note=note)


def _group_rows(
    findings: Findings, by_replication: ByReplication, scenario: Scenario, *, arm: str, group: str, note: str
) -> Iterator[EstimateRow]:
    described, why = findings.description, ""
    counts: dict[Key, int] = {}
    single: dict[Key, Estimate] = {}
    if len(by_replication) > 1:
        figures, method = over_replications(by_replication), OVER_REPLICATIONS
        left_out = sum(is_empty(f) for f in by_replication)
        counts[Key("replications_left_out")] = left_out
        why = "fewer than two replications to compare" if len(by_replication) - left_out < 2 else ""
        single = _single_replications(described.headline, by_replication)
    else:
        figures, method = by_replication[0], findings.method or ""
        why = why_no_interval(scenario, findings.method)
        if why:
            figures = without_intervals(figures)
    for key, estimate in {**figures.estimates, **single}.items():
        reason = "" if estimate.has_interval or key in single else why or _why_none(estimate, figures)
        yield EstimateRow(
            findings.outcome.name,
            arm,
            group,
            key.part,
            key.measure,
            np.nan if key.time is None else key.time,
            unit_of(key, described),
            estimate.value,
            estimate.error,
            estimate.low,
            estimate.high,
            estimate.n,
            method if estimate.has_interval else "",
            "; ".join(filter(None, (reason, note))),
        )
    for key, count in {**figures.counts, **counts}.items():
        is_total = key.measure == "events" and described.headline.measure == "total"
        unit = "events" if is_total else UNITS.get(key.measure, described.counted)
        time = np.nan if key.time is None else key.time
        yield EstimateRow(
            findings.outcome.name, arm, group, key.part, key.measure, time, unit, count, n=figures.n
        )


def _single_replications(headline: Key, by_replication: ByReplication) -> dict[Key, Estimate]:
    """Quantiles of the headline over single replications: the range of one future, not of the mean."""
    if headline not in by_replication[0].estimates:
        return {}
    values = np.array([figures.estimates[headline].value for figures in by_replication])
    known = values[~np.isnan(values)]
    if len(known) < FEWEST_FOR_QUANTILES:
        return {}
    quantiles = np.quantile(known, list(QUANTILES.values())).tolist()
    return {
        Key(measure, headline.part, headline.time): Estimate(value, n=len(known))
        for measure, value in zip(QUANTILES, quantiles, strict=True)
    }


def why_no_interval(scenario: Scenario, method: str | None) -> str:
    """Why one replication gives no interval over patients; "" where it does.

    method: how the outcome's intervals are made.
    """
    if scenario.shared:
        shared = ", ".join(resource.name for resource in scenario.shared)
        return f"patients share {shared}: an interval needs several replications"
    return "" if method else "a number per replication needs several replications"


def _why_none(estimate: Estimate, figures: Figures) -> str:
    if figures.n == 0:
        return "no patients to estimate from"
    if not estimate.is_known:
        return "no patient was observed for so long"
    if estimate.value in (0.0, 1.0):
        return "an interval needs patients with and without the event"
    return "a single value"


def _notes(summary: Summary) -> list[str]:
    """Which patients and times are left out of all outcomes."""
    notes = []
    if summary.in_warm_up:
        notes.append(
            f"patients left out of the outcomes because they start in the warm-up: {summary.in_warm_up}"
        )
    beyond = [time_in_words(t) for t in summary.asked if t not in summary.times]
    if beyond and summary.asked != DEFAULT_TIMES:
        notes.append(f"times beyond the end of observation, left out: {', '.join(beyond)}")
    return notes


def unit_of(key: Key, described: Description) -> str:
    """The unit of a number of an outcome; quantiles and distances of a time to an event are days."""
    if key.measure.startswith("quantile") or key.measure == "wasserstein_distance":
        return "days" if described.unit == "probability" else described.unit
    return UNITS.get(key.measure, described.unit)
