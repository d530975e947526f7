"""The cells of a sweep: the results of each, and the headline differences from the reference."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.errors import Place, Where
from sim.event_log.log import EventLog
from sim.outcomes.comparison.differences import Difference, difference_rows, paired_differences
from sim.outcomes.comparison.paired import is_same
from sim.outcomes.endpoints import Endpoint
from sim.outcomes.estimates import DifferenceRow
from sim.outcomes.evaluation import (
    Arm,
    Evaluation,
    Evaluator,
    Findings,
    FurtherOutcomes,
    Group,
    without_influences,
)
from sim.outcomes.queues.waiting_burden import burden
from sim.outcomes.results import UNKNOWN, Description, Key, time_in_prose
from sim.outcomes.summary import Summary, summarise, why_no_interval
from sim.scenario.language.model import Outcome, Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Headline:
    """The headline number of one outcome for all patients it is about.

    why_no_interval: of one replication, "" where it has one. note: beside the number.
    """

    outcome: Outcome
    description: Description
    group: Group
    why_no_interval: str
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One cell of a sweep, evaluated.

    summary: of its outcomes and of the burden of waiting. headlines: by outcome. window: what is
    observed of a patient, in words. patients: a digest of when they start and of each attribute at the
    start, by name, which shows whether two cells have the same patients; n_patients: in the log.
    """

    summary: Summary
    headlines: Mapping[str, Headline]
    window: Mapping[str, str]
    patients: Mapping[str, str]
    n_patients: int


def evaluate_cell(arm: Arm, *, at: Sequence[float], further: FurtherOutcomes | None = None) -> Cell:
    """Evaluate all outcomes of a cell.

    at: days at which curves are read. further: outcomes beside those of the file; the burden of waiting
    goes before one of the same name.
    """
    scenario = arm.scenario
    evaluator = Evaluator(arm, at=at, further=further)
    named = {outcome.name for outcome in scenario.outcomes}
    waiting = {name: endpoint for name, endpoint in burden(evaluator.history).items() if name not in named}
    evaluations = [
        evaluator.evaluate(outcome) for outcome in evaluator.outcomes if outcome.name not in waiting
    ]
    counted = np.flatnonzero(evaluator.counted)
    evaluations += [
        _burden(name, endpoint, evaluator.group(endpoint, counted)) for name, endpoint in waiting.items()
    ]
    findings: list[Findings] = [one.findings() for one in evaluations]
    several = evaluator.replications > 1
    headlines = {
        one.outcome.name: Headline(
            one.outcome,
            one.endpoint.description,
            one.groups[""],
            "" if several else why_no_interval(scenario, one.endpoint.method),
            evaluator.steady_state_note(one.outcome),
        )
        for one in evaluations
    }
    return Cell(
        summarise(evaluator, findings), headlines, _window(scenario), _patients(arm.log), arm.log.n_patients
    )


def _burden(name: str, endpoint: Endpoint, group: Group) -> Evaluation:
    outcome = Outcome(name, "burden", Where(Place(""), ""), label=name.replace("_", " "))
    return Evaluation(outcome, endpoint, {"": group})


def _window(scenario: Scenario) -> dict[str, str]:
    follow_up = scenario.patients.follow_up
    return {
        "horizon": time_in_prose(scenario.horizon),
        "follow-up": "to the horizon" if follow_up is None else time_in_prose(follow_up),
        "warm-up": time_in_prose(scenario.patients.arrivals.warm_up),
    }


def _patients(log: EventLog) -> dict[str, str]:
    """Digests of the starts and of the attributes, categories by name: codes depend on the scenario."""
    starts = np.stack([log.replication, log.patient, log.begins, log.follow_up])
    digests = {"arrivals": hashlib.sha256(starts.tobytes()).hexdigest()}
    for column, name in enumerate(log.names.attributes):
        values, categories = log.at_start[:, column], log.names.categories[column]
        if categories:
            codes = np.array([int.from_bytes(_digest(text)[:6], "big") for text in categories], np.float64)
            values = codes[values.astype(np.int64)]
        digests[name] = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    return digests


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def without_log(cell: Cell) -> Cell:
    """The same cell for another process: influences lead to the whole log."""
    headlines = {
        name: replace(
            one,
            group=replace(one.group, by_replication=without_influences(one.group.by_replication)),
        )
        for name, one in cell.headlines.items()
    }
    return replace(cell, headlines=headlines)


# ---------------------------------------------------------------- differences


def headline_differences(
    reference: Cell, cell: Cell, *, names: tuple[str, str], outcomes: Sequence[str] = ()
) -> Iterator[DifferenceRow]:
    """The difference of each headline number of the reference.

    names: of the cell and of the reference. outcomes: those wanted, none for all; the burden of waiting
    is always there. Curves are read at the headline time of the reference.
    """
    for name, one in reference.headlines.items():
        key = one.description.headline
        is_wanted = not outcomes or name in outcomes or one.outcome.kind == "burden"
        if is_wanted and any(key in figures.estimates for figures in one.group.by_replication):
            yield from headline_difference(reference, cell, name, names=names)


def headline_difference(
    reference: Cell, cell: Cell, outcome: str, *, names: tuple[str, str]
) -> Iterator[DifferenceRow]:
    """The difference of one headline number that the reference has. names: as of headline_differences."""
    one, other = reference.headlines[outcome], cell.headlines.get(outcome)
    key = one.description.headline
    several = len(one.group.by_replication) > 1
    if other is None:
        why, found, groups = "this cell does not have it", Difference(UNKNOWN), (one.group, one.group)
    else:
        why = _why_different(reference, cell, one, other) or one.why_no_interval or other.why_no_interval
        groups = _only(one.group, key), _only(other.group, key)
        if _why_different(reference, cell, one, other):
            found = Difference(UNKNOWN)
        else:
            why = why or ("" if several else _why_not_paired(reference, cell))
            found = paired_differences(*groups, n_patients=reference.n_patients, has_error=not why)[key]
    note = other.note if other is not None else ""
    if one.note and not note:
        note = f"in the reference, {one.note}"
    yield from difference_rows(
        {key: found},
        one.description,
        labels=(one.outcome.name, *names, ""),
        groups=groups,
        why_no_interval=why,
        note=note,
    )


def _only(group: Group, key: Key) -> Group:
    """The group with this one estimate in each replication; unknown where the cell does not have it."""
    return replace(
        group,
        by_replication=tuple(
            replace(
                figures,
                estimates={key: figures.estimates.get(key, UNKNOWN)},
                influences={k: influence for k, influence in figures.influences.items() if k == key},
            )
            for figures in group.by_replication
        ),
    )


def _why_different(reference: Cell, cell: Cell, one: Headline, other: Headline) -> str:
    """Why two numbers are not of the same thing, "" where they are."""
    if not is_same(one.outcome, other.outcome):
        return "this cell defines it differently"
    for what, words in reference.window.items():
        if cell.window[what] != words:
            return f"the {what} is {words} in the reference and {cell.window[what]} in this cell"
    return ""


def _why_not_paired(reference: Cell, cell: Cell) -> str:
    """Why one replication cannot be paired patient by patient, "" where it can."""
    other = [name for name, digest in reference.patients.items() if cell.patients.get(name, digest) != digest]
    if not other:
        return ""
    return f"its patients are not those of the reference ({', '.join(other)}): several replications give one"
