"""Several arms with the same patients: their outcomes, and the paired differences from the first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import nan

import numpy as np
from numpy.typing import NDArray

from sim.engine.processes import Workers, on_this_machine, worker_threads
from sim.outcomes.comparison.arm_statistics import arm_statistics
from sim.outcomes.comparison.comparability import arm_labels, check_comparable
from sim.outcomes.comparison.differences import difference_rows, paired_differences
from sim.outcomes.comparison.patient_changes import (
    PatientChanges,
    compared_times,
    decides_better_or_worse,
    patient_changes,
)
from sim.outcomes.endpoints.time_to_event import TimeToEvent, time_to_event, with_common_times
from sim.outcomes.estimates import DifferenceRow, Differences, EstimateRow, Estimates
from sim.outcomes.evaluation import Arm, Evaluation, Evaluator, Findings, FurtherOutcomes, Group
from sim.outcomes.queues.queue_summary import growth_note
from sim.outcomes.results import ArmFacts, Description, Estimate, Key, Results
from sim.outcomes.summary import arm_results, summarise, unit_of, why_no_interval
from sim.scenario.checks.together import contrast
from sim.scenario.language.model import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class _ComparedOutcome:
    """An outcome in every arm that has it: its findings, and its differences from the reference."""

    findings: Mapping[str, Findings]
    differences: Sequence[DifferenceRow] = ()
    quantiles: Sequence[EstimateRow] = ()


def compare(
    arms: Sequence[Arm],
    *,
    at: Sequence[float],
    workers: Workers = None,
    further: FurtherOutcomes | None = None,
) -> Results:
    """The results of every arm, and the paired differences from the first, the reference.

    at: days at which curves are read. workers: outcomes evaluated at a time, on this machine.
    further: outcomes beside those of the files.
    Raises: InputError where the arms cannot be compared.
    """
    for arm in arms[1:]:
        check_comparable(arms[0], arm)
    evaluated = [Evaluator(arm, at=at, further=further) for arm in arms]
    reference, *others = evaluated
    with worker_threads(on_this_machine(workers)) as pool:
        submitted = [pool.submit(_patient_changes, reference, arm) for arm in others]
        outcomes = list(pool.map(partial(_compare_outcome, evaluated), _outcomes(evaluated)))
        changes = {of.name: one.result() for of, one in zip(others, submitted, strict=True)}
    tables, facts, labels = [], [], arm_labels(arms)
    for one in evaluated:
        estimates, described = _arm_results(one, outcomes)
        tables.append(estimates)
        described = replace(described, label=labels[one.name])
        facts.append(_with_changes(described, arms[0], one.arm, changes.get(one.name)))
    extra = [row for one in outcomes for row in one.quantiles]
    extra += [row for change in changes.values() for row in change.rows]
    notes = [note for arm in others for note in _unshared_outcomes(reference, arm)]
    notes += [
        f"with {arm.label}, {growth_note(resource)}"
        for arm in facts
        for resource in arm.resources
        if not resource.settles
    ]
    return Results(
        tuple(facts),
        arms[0].seed,
        arms[0].replications,
        Estimates.concatenate([*tables, Estimates.of(_distinct(extra))]),
        Differences.of(row for one in outcomes for row in one.differences),
        tuple(notes),
    )


def _distinct(rows: Iterable[EstimateRow]) -> list[EstimateRow]:
    """One row for each set of labels: the reference's quantiles come with every arm."""
    return list({row[:6]: row for row in rows}.values())


def _outcomes(arms: Sequence[Evaluator]) -> list[Outcome]:
    """Every different outcome of the arms, those of the reference first."""
    found: list[Outcome] = []
    for arm in arms:
        found += [one for one in arm.outcomes if not any(is_same(one, other) for other in found)]
    return found


def _arm_results(one: Evaluator, outcomes: Sequence[_ComparedOutcome]) -> tuple[Estimates, ArmFacts]:
    """The results of an arm, its outcomes in the order of its file."""
    found = {
        of_arm.outcome.name: of_arm
        for compared in outcomes
        for name, of_arm in compared.findings.items()
        if name == one.name
    }
    in_order = [found[outcome.name] for outcome in one.outcomes]
    return arm_results(summarise(one, in_order), name=one.name)


def _with_changes(facts: ArmFacts, reference: Arm, arm: Arm, changes: PatientChanges | None) -> ArmFacts:
    if changes is None:
        return facts
    differing = contrast(reference.scenario, arm.scenario)
    return replace(
        facts,
        changes=tuple((change.path, change.old, change.new) for change in differing),
        divergences=changes.divergences,
        better_is=changes.better_is,
    )


def _patient_changes(reference: Evaluator, arm: Evaluator) -> PatientChanges:
    """The changes of all patients who start after the warm-up."""
    patients = np.flatnonzero(reference.counted)
    has_error = not reference.scenario.shared and not arm.scenario.shared
    endpoints = _deciding_endpoints(reference, arm)
    return patient_changes(reference.arm, arm.arm, endpoints, patients=patients, has_error=has_error)


def classify_changes(reference: Arm, arm: Arm) -> NDArray[np.str_] | None:
    """`better`, `same` or `worse` for each patient; None where no outcome decides it."""
    one, other = (Evaluator(of, at=()) for of in (reference, arm))
    endpoints = _deciding_endpoints(one, other)
    if endpoints is None:
        return None
    later, earlier, _ = compared_times(endpoints, np.arange(reference.log.n_patients))
    return np.select([later, earlier], ["better", "worse"], "same")


def _deciding_endpoints(one: Evaluator, other: Evaluator) -> tuple[TimeToEvent, TimeToEvent] | None:
    """The first outcome of both that decides better or worse, in each arm."""
    for outcome in one.scenario.outcomes:
        shared = any(is_same(outcome, same) for same in other.scenario.outcomes)
        if shared and decides_better_or_worse(outcome):
            first, second = (time_to_event(of.history, outcome, of.times) for of in (one, other))
            return first, second
    return None


# ---------------------------------------------------------------- one outcome


def _compare_outcome(arms: Sequence[Evaluator], outcome: Outcome) -> _ComparedOutcome:
    """One outcome in every arm that has it, and its differences from the reference."""
    evaluations: dict[str, Evaluation] = {}
    for one in arms:
        same = next((other for other in one.outcomes if is_same(outcome, other)), None)
        if same is not None:
            evaluations[one.name] = one.evaluate(same)
    findings = {name: evaluation.findings() for name, evaluation in evaluations.items()}
    reference = arms[0]
    if reference.name not in evaluations:
        return _ComparedOutcome(findings)
    rows: list[DifferenceRow] = []
    quantiles: list[EstimateRow] = []
    for arm in arms[1:]:
        if arm.name in evaluations:
            pair = evaluations[reference.name], evaluations[arm.name]
            found = _differences((reference, arm), pair)
            rows += found[0]
            quantiles += found[1]
    return _ComparedOutcome(findings, rows, quantiles)


def _differences(
    arms: tuple[Evaluator, Evaluator], pair: tuple[Evaluation, Evaluation]
) -> tuple[list[DifferenceRow], list[EstimateRow]]:
    """The differences of one outcome in one arm, for all patients and for each group."""
    reference, arm = pair
    if isinstance(reference.endpoint, TimeToEvent) and isinstance(arm.endpoint, TimeToEvent):
        first, second = with_common_times(reference.endpoint, arm.endpoint)
        reference = _with_endpoint(arms[0], reference, first)
        arm = _with_endpoint(arms[1], arm, second)
    rows: list[DifferenceRow] = []
    quantiles: list[EstimateRow] = []
    for name, group in reference.groups.items():
        if name in arm.groups:
            found = _group_differences(arms, (reference, arm), name, (group, arm.groups[name]))
            rows += found[0]
            quantiles += found[1]
    return rows, quantiles


def _with_endpoint(evaluator: Evaluator, evaluation: Evaluation, endpoint: TimeToEvent) -> Evaluation:
    """The same outcome, evaluated at the times that both arms have."""
    if endpoint is evaluation.endpoint:
        return evaluation
    groups = {name: evaluator.group(endpoint, group.patients) for name, group in evaluation.groups.items()}
    return replace(evaluation, endpoint=endpoint, groups=groups)


def _group_differences(
    arms: tuple[Evaluator, Evaluator],
    pair: tuple[Evaluation, Evaluation],
    group: str,
    groups: tuple[Group, Group],
) -> tuple[list[DifferenceRow], list[EstimateRow]]:
    endpoints = pair[0].endpoint, pair[1].endpoint
    several = arms[0].replications > 1
    reasons = [
        why_no_interval(one.scenario, endpoint.method) for one, endpoint in zip(arms, endpoints, strict=True)
    ]
    why = "" if several else next(filter(None, reasons), "")
    has_error, n = not why and not several, arms[0].log.n_patients
    differences = paired_differences(*groups, n_patients=n, has_error=has_error)
    statistics = arm_statistics(*endpoints, groups, n_patients=n, has_error=has_error)
    outcome, described = pair[0].outcome, endpoints[0].description
    notes = {one.name: one.steady_state_note(outcome) for one in arms}
    rows = difference_rows(
        differences | dict(statistics.differences),
        described,
        labels=(outcome.name, arms[1].name, arms[0].name, group),
        groups=groups,
        why_no_interval=why,
        note="; ".join(f"with {name}, {note}" for name, note in notes.items() if note),
    )
    quantiles = [
        _quantile_row(outcome.name, one.name, group, key, estimate, described)
        for one, values in zip(arms, statistics.quantiles, strict=True)
        for key, estimate in values.items()
    ]
    return list(rows), quantiles


def _quantile_row(
    outcome: str, arm: str, group: str, key: Key, estimate: Estimate, described: Description
) -> EstimateRow:
    return EstimateRow(
        outcome, arm, group, key.part, key.measure, nan, unit_of(key, described), estimate.value
    )


def _unshared_outcomes(reference: Evaluator, arm: Evaluator) -> list[str]:
    """Outcomes that the two do not have in common, and why."""
    one = {outcome.name: outcome for outcome in reference.outcomes}
    other = {outcome.name: outcome for outcome in arm.outcomes}
    different = [name for name, outcome in one.items() if name in other and not is_same(outcome, other[name])]
    notes = []
    for reason, names in (
        (f"only {reference.name} has", [name for name in one if name not in other]),
        (f"only {arm.name} has", [name for name in other if name not in one]),
        (f"{arm.name} defines differently from {reference.name}", different),
    ):
        if names:
            notes.append(f"outcomes not compared, {reason}: {', '.join(names)}")
    return notes


def is_same(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes mean the same, whatever their labels."""
    return replace(one, label="") == replace(other, label="")
