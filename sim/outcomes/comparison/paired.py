"""Several arms with the same patients: what they came to, and how each differs from the first."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.outcomes.comparison.arm_statistics import two_arms
from sim.outcomes.comparison.comparability import Arm, refuse_what_cannot_be_compared
from sim.outcomes.comparison.differences import of_groups, shaped
from sim.outcomes.comparison.patient_changes import compared_times, lives, tells
from sim.outcomes.endpoints.time_to_event import TimeToEvent, time_to_event, with_common_times
from sim.outcomes.entries import listed, put
from sim.outcomes.evaluation import Group, Reader, Reading
from sim.outcomes.findings import Findings
from sim.outcomes.intervals import Path
from sim.outcomes.queues.queue_summary import growth_notes
from sim.outcomes.summary import account, summary, why_no_interval
from sim.scenario.checks.contrast import contrast
from sim.scenario.language.model import Outcome


def compare(arms: Sequence[Arm], *, at: Sequence[float], workers: int | None = None) -> dict[str, Any]:
    """Every arm as `summarise` tells it, and how each differs from the first, the reference.

    at: days, as in `summarise`. workers: outcomes read at a time, None: as many as there are cores.
    The result is ready for JSON; `docs/comparison.md` tells its shape.
    Raises: InputError where the arms cannot be compared.
    """
    reference, *others = arms
    for arm in others:
        refuse_what_cannot_be_compared(reference, arm)
    readers = {
        arm.name: Reader(arm.log, arm.use, arm.scenario, at=at, replications=arm.replications) for arm in arms
    }
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        changed = [pool.submit(_lives, readers, reference, arm) for arm in others]
        told = list(pool.map(partial(_outcome, readers, arms), _outcomes(arms)))
        changed_lives = {arm.name: of.result() for arm, of in zip(others, changed, strict=True)}
    summaries = {arm.name: _summary(arm, readers[arm.name], told) for arm in arms}
    return {
        "reference": reference.name,
        "seed": reference.seed,
        "replications": reference.replications,
        "patients": reference.log.n_patients,
        "horizon_days": reference.scenario.horizon,
        "arms": summaries,
        "scenarios": {
            arm.name: [
                {"path": change.path, "reference": change.old, "arm": change.new}
                for change in contrast(reference.scenario, arm.scenario)
            ]
            for arm in others
        },
        "outcomes": {
            one.name: _with_steady_state_notes(one, summaries, reference.name)
            for one in told
            if one.compared is not None
        },
        "lives": changed_lives,
        "notes": [
            *(note for arm in others for note in _notes(reference, arm)),
            *(
                f"with {arm}, {note}"
                for arm, summary in summaries.items()
                for note in growth_notes(summary["resources"])
            ),
        ],
    }


@dataclass(frozen=True, slots=True)
class _Told:
    """An outcome: its findings in each arm that has it so, and how these differ (None: in one arm only)."""

    name: str
    findings: Mapping[str, Findings]
    compared: Mapping[str, Any] | None


def _outcomes(arms: Sequence[Arm]) -> list[Outcome]:
    """Every different outcome of the arms, those of the reference first."""
    found: list[Outcome] = []
    for arm in arms:
        found += [one for one in arm.scenario.outcomes if not any(is_same(one, other) for other in found)]
    return found


def _same_in(arm: Arm, outcome: Outcome) -> Outcome | None:
    return next((other for other in arm.scenario.outcomes if is_same(outcome, other)), None)


def _summary(arm: Arm, reader: Reader, told: Sequence[_Told]) -> dict[str, Any]:
    """What a run tells of an arm, its outcomes in the order of its file."""
    found = {one.name: one.findings[arm.name] for one in told if arm.name in one.findings}
    in_order = [found[outcome.name] for outcome in arm.scenario.outcomes]
    return summary(account(reader, in_order), {"seed": arm.seed})


def _lives(readers: Mapping[str, Reader], reference: Arm, arm: Arm) -> dict[str, Any]:
    """Whose lives change, of all who start after the warm-up."""
    one, other = readers[reference.name], readers[arm.name]
    who = np.flatnonzero(one.counted)
    has_error = not one.scenario.shared and not other.scenario.shared
    return lives(reference, arm, _telling(one, other), who=who, has_error=has_error)


def fates(reference: Arm, arm: Arm) -> NDArray[np.str_] | None:
    """`better`, `same` or `worse` for each patient; None where no outcome tells (see `lives`)."""
    readers = [
        Reader(of.log, of.use, of.scenario, at=(), replications=of.replications) for of in (reference, arm)
    ]
    measures = _telling(*readers)
    if measures is None:
        return None
    later, earlier, _ = compared_times(measures, np.arange(reference.log.n_patients))
    return np.select([later, earlier], ["better", "worse"], "same")


def _telling(one: Reader, other: Reader) -> tuple[TimeToEvent, TimeToEvent] | None:
    """The first outcome of both by which better and worse are told, in either arm."""
    for outcome in one.scenario.outcomes:
        if tells(outcome) and any(is_same(outcome, same) for same in other.scenario.outcomes):
            measures = (time_to_event(of.history, outcome, of.times) for of in (one, other))
            first, second = measures
            return first, second
    return None


# ---------------------------------------------------------------- one outcome


def _outcome(readers: Mapping[str, Reader], arms: Sequence[Arm], outcome: Outcome) -> _Told:
    """One outcome in every arm that has it, and how each of these differs from the reference."""
    own = {arm.name: _same_in(arm, outcome) for arm in arms}
    readings = {name: readers[name].read(same) for name, same in own.items() if same is not None}
    findings = {name: reading.findings() for name, reading in readings.items()}
    reference = arms[0].name
    if reference not in readings or len(readings) == 1:
        return _Told(outcome.name, findings, None)
    told: dict[str, Any] = {"kind": outcome.kind, "label": outcome.label or outcome.name}
    told["differences"] = {
        name: _difference(readers[reference], readers[name], readings[reference], reading)
        for name, reading in readings.items()
        if name != reference
    }
    return _Told(outcome.name, findings, told)


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
    several = one.replications > 1
    note = ""
    if not several:
        note = why_no_interval(one.scenario, reference.measure.interval_kind) or why_no_interval(
            other.scenario, arm.measure.interval_kind
        )
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
    said = head.note("replication", len(first.each)) if several else head.note("patient", len(first.who))
    if said and not note:
        told["interval_note"] = said
    return listed(told)


def _with_steady_state_notes(of: _Told, summaries: Mapping[str, Any], reference: str) -> Any:
    """A compared outcome, each difference with what stands beside it in either arm."""
    assert of.compared is not None
    told = dict(of.compared)
    told["differences"] = {}
    for arm, difference in of.compared["differences"].items():
        notes = {
            who: summaries[who]["outcomes"][of.name].get("steady_state_note") for who in (reference, arm)
        }
        said = "; ".join(f"with {who}, {note}" for who, note in notes.items() if note)
        told["differences"][arm] = difference | ({"steady_state_note": said} if said else {})
    return told


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
