"""Several arms with the same patients: what they came to, and how each differs from the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.outcomes.comparability import Arm, refuse_what_cannot_be_compared
from sim.outcomes.differences import of_groups, shaped
from sim.outcomes.entries import listed, put
from sim.outcomes.estimates import Path
from sim.outcomes.lives import compared_times, is_told_by, lives
from sim.outcomes.reading import Group, Reader, Reading
from sim.outcomes.summary import entry, summary, why_no_interval
from sim.outcomes.time_to_event import TimeToEvent, with_common_times
from sim.outcomes.two_arms import two_arms
from sim.scenario.contrast import contrast
from sim.scenario.model import Outcome, Scenario


def compare(arms: Sequence[Arm], *, at: Sequence[float]) -> dict[str, Any]:
    """Every arm as `summarise` tells it, and how each differs from the first, the reference.

    at: days, as in `summarise`. The result is ready for JSON; `docs/comparison.md` tells its shape.
    Raises: Refused where the arms cannot be compared.
    """
    reference, *others = arms
    for arm in others:
        refuse_what_cannot_be_compared(reference, arm)
    readers = {
        arm.name: Reader(arm.log, arm.use, arm.scenario, at=at, replications=arm.replications) for arm in arms
    }
    entries: dict[str, dict[str, Any]] = {arm.name: {} for arm in arms}
    outcomes: dict[str, Any] = {}
    told_by: dict[str, tuple[Reading, Reading]] = {}
    for outcome in reference.scenario.outcomes:
        readings = {
            arm.name: readers[arm.name].read(same)
            for arm in arms
            for same in arm.scenario.outcomes
            if same.name == outcome.name and is_same(same, outcome)
        }
        for name, reading in readings.items():
            entries[name][outcome.name] = entry(readers[name], reading)
        if len(readings) > 1:
            outcomes[outcome.name] = _outcome(readers, readings)
        for arm in others:
            if arm.name in readings and arm.name not in told_by and is_told_by(readings[arm.name]):
                told_by[arm.name] = readings[reference.name], readings[arm.name]
    for arm in others:
        for outcome in arm.scenario.outcomes:
            if outcome.name not in entries[arm.name]:
                reader = readers[arm.name]
                entries[arm.name][outcome.name] = entry(reader, reader.read(outcome))
    about = {"seed": reference.seed}
    return {
        "reference": reference.name,
        "seed": reference.seed,
        "replications": reference.replications,
        "patients": reference.log.n_patients,
        "horizon_days": reference.scenario.horizon,
        "arms": {
            arm.name: summary(readers[arm.name], _in_order(arm.scenario, entries[arm.name]), about)
            for arm in arms
        },
        "scenarios": {
            arm.name: [
                {"path": change.path, "reference": change.old, "arm": change.new}
                for change in contrast(reference.scenario, arm.scenario)
            ]
            for arm in others
        },
        "outcomes": outcomes,
        "lives": {arm.name: _lives(readers, reference, arm, told_by.get(arm.name)) for arm in others},
        "notes": [note for arm in others for note in _notes(reference, arm)],
    }


def _in_order(scenario: Scenario, entries: Mapping[str, Any]) -> dict[str, Any]:
    return {outcome.name: entries[outcome.name] for outcome in scenario.outcomes}


def _lives(
    readers: Mapping[str, Reader], reference: Arm, arm: Arm, readings: tuple[Reading, Reading] | None
) -> dict[str, Any]:
    """Whose lives change, of all who start after the warm-up."""
    one, other = readers[reference.name], readers[arm.name]
    who = np.flatnonzero(one.counted)
    return lives(reference, arm, readings, who=who, has_error=not one.shared and not other.shared)


def fates(reference: Arm, arm: Arm) -> NDArray[np.str_] | None:
    """`better`, `same` or `worse` for each patient; None where no outcome tells (see `lives`)."""
    readers = [
        Reader(of.log, of.use, of.scenario, at=(), replications=of.replications) for of in (reference, arm)
    ]
    for outcome in reference.scenario.outcomes:
        for other in arm.scenario.outcomes:
            if outcome.kind == "time_to_event" and other.name == outcome.name and is_same(outcome, other):
                readings = readers[0].read(outcome), readers[1].read(other)
                if is_told_by(readings[1]):
                    later, earlier, _ = compared_times(readings, np.arange(reference.log.n_patients))
                    return np.select([later, earlier], ["better", "worse"], "same")
    return None


# ---------------------------------------------------------------- one outcome


def _outcome(readers: Mapping[str, Reader], readings: Mapping[str, Reading]) -> dict[str, Any]:
    """One outcome: how each arm that has it differs from the reference."""
    (name, reference), *others = readings.items()
    outcome = reference.outcome
    told: dict[str, Any] = {"kind": outcome.kind, "label": outcome.label or outcome.name, "differences": {}}
    for other, reading in others:
        told["differences"][other] = _difference(readers[name], readers[other], reference, reading)
    return told


def _difference(one: Reader, other: Reader, reference: Reading, arm: Reading) -> Any:
    """The entry of one outcome in one arm against the reference, in the whole and in each group."""
    if isinstance(reference.measure, TimeToEvent) and isinstance(arm.measure, TimeToEvent):
        first, second = with_common_times(reference.measure, arm.measure)
        reference, arm = _read_again(one, reference, first), _read_again(other, arm, second)
    told = _group(one, other, reference, arm, reference.whole, arm.whole)
    if reference.outcome.by is not None:
        told["by"] = reference.outcome.by
        told["groups"] = {
            name: _group(one, other, reference, arm, group, arm.groups[name])
            for name, group in reference.groups.items()
            if name in arm.groups
        }
    return told


def _read_again(reader: Reader, reading: Reading, measure: TimeToEvent) -> Reading:
    """The same outcome, read at the times that both arms have."""
    if measure is reading.measure:
        return reading
    groups = {name: reader.group(measure, group.who) for name, group in reading.groups.items()}
    return replace(reading, measure=measure, whole=reader.group(measure, reading.whole.who), groups=groups)


def _group(one: Reader, other: Reader, reference: Reading, arm: Reading, first: Group, second: Group) -> Any:
    """The differences in one group of patients, the words of the reference beside them."""
    note = why_no_interval(one, reference.measure) or why_no_interval(other, arm.measure)
    several = one.replications > 1
    has_error, n = not note and not several, one.log.n_patients
    differences = of_groups(first, second, n_patients=n, has_error=has_error)
    told: dict[Any, Any] = {}
    for path, value in reference.measure.facts.items():
        put(told, path, value)
    shaped(differences, told)
    told |= two_arms(reference.measure, arm.measure, (first, second), n_patients=n, has_error=has_error)
    headline: Path = ("estimate",)
    head = differences[headline]
    if several:
        told["interval_kind"] = "Student, over paired replications"
    else:
        told["interval_kind"] = None if note else "Student, over paired patients"
        if note:
            told["interval_note"] = note
    if head.is_nowhere:
        told["interval_note"] = f"no {'replication' if several else 'patient'} tells the arms apart in this"
    return listed(told)


def _notes(reference: Arm, arm: Arm) -> list[str]:
    """Outcomes that the two do not have in common, and why."""
    one = {outcome.name: outcome for outcome in reference.scenario.outcomes}
    other = {outcome.name: outcome for outcome in arm.scenario.outcomes}
    otherwise = [name for name, outcome in one.items() if name in other and not is_same(outcome, other[name])]
    told = []
    for who, names in (
        (f"only {reference.name} has", [name for name in one if name not in other]),
        (f"only {arm.name} has", [name for name in other if name not in one]),
        (f"{arm.name} defines otherwise than {reference.name}", otherwise),
    ):
        if names:
            told.append(f"outcomes not compared, {who}: {', '.join(names)}")
    return told


def is_same(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes mean the same, whatever their labels."""
    return replace(one, label="") == replace(other, label="")
