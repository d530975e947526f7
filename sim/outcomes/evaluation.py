"""A scenario that was run, and one outcome evaluated on its log: for all patients, and for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import chain, pairwise
from typing import TypeAlias

import numpy as np

from sim.event_log.log import EventLog, Indices, ResourceUse
from sim.outcomes.endpoints import Endpoint, means, pathway_patterns
from sim.outcomes.endpoints.time_in_state import occupancy, time_in
from sim.outcomes.endpoints.time_to_event import Observation, TimeToEvent, time_to_event
from sim.outcomes.history.history import NEVER, Flags, History, qualify, rows
from sim.outcomes.queues import waiting
from sim.outcomes.queues.queue_summary import (
    ResourceFindings,
    resource_facts,
    resource_findings,
    steady_state_note,
)
from sim.outcomes.results import Description, Figures, ResourceFacts
from sim.scenario.language.model import EventSelector, Outcome, Scenario
from sim.scenario.language.wording import scalar

ENDPOINTS: Mapping[str, Callable[[History, Outcome], Endpoint]] = {
    "ever": means.ever,
    "count": means.count,
    "total": means.total,
    "attribute": means.attribute,
    "time_in": time_in,
    "waiting_for": waiting.waiting_for,
    "funnel": pathway_patterns.funnel,
    "pathway": pathway_patterns.pathway,
}


@dataclass(frozen=True, eq=False)
class Arm:
    """A scenario that was run: its name in a comparison, its log and its use of resources."""

    name: str
    scenario: Scenario
    log: EventLog
    use: ResourceUse
    seed: int
    replications: int

    @cached_property
    def history(self) -> History:
        """The histories of its patients, the only ones that are made of this log."""
        return History(self.log, self.use, self.scenario)


FurtherOutcomes: TypeAlias = Callable[[History], Iterable[tuple[Outcome, Endpoint]]]
"""Makes outcomes that the file does not declare, already evaluated on a history."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """An outcome in some patients (indices, increasing), and the figures of each replication.

    edges [n_replications + 1]: replication r has patients[edges[r]:edges[r + 1]].
    """

    patients: Indices
    edges: Indices
    by_replication: tuple[Figures, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """An outcome for all patients it is about, the group "", then for each group of `by`.

    note: why there are none of these.
    """

    outcome: Outcome
    endpoint: Endpoint
    groups: Mapping[str, Group]
    note: str = ""

    def findings(self) -> Findings:
        """The same in figures alone."""
        endpoint, nobody = self.endpoint, None
        if self.outcome.by is not None:
            (nobody,) = without_influences((endpoint.figures(np.empty(0, np.int64)),))
        return Findings(
            self.outcome,
            endpoint.description,
            endpoint.method,
            {name: without_influences(group.by_replication) for name, group in self.groups.items()},
            self.note,
            nobody,
            endpoint.observation if isinstance(endpoint, TimeToEvent) else None,
        )


class Evaluator:
    """Evaluates outcomes on an arm. at: days; those that cannot be observed are left out of `times`.

    observations: by outcome, how long patients were observed, where this log is not the whole of it.
    further: outcomes beside those of the file; one with the name of another is left out.
    """

    def __init__(
        self,
        arm: Arm,
        *,
        at: Sequence[float],
        observations: Mapping[str, Observation] | None = None,
        further: FurtherOutcomes | None = None,
    ) -> None:
        self.arm, self.name, self.replications = arm, arm.name, arm.replications
        self.history, self.log, self.scenario = arm.history, arm.log, arm.scenario
        self.asked = tuple(at)
        self.times = observable_times(self.scenario, at)
        self.observations = observations or {}
        self._further = further

    @cached_property
    def counted(self) -> Flags:
        """The patients who start after the warm-up, shape [n_patients]."""
        return self.log.begins >= self.scenario.patients.arrivals.warm_up

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes of the scenario, then the further ones."""
        return (*self.scenario.outcomes, *(outcome for outcome, _ in self._evaluated.values()))

    @cached_property
    def _evaluated(self) -> Mapping[str, tuple[Outcome, Endpoint]]:
        """The further outcomes by name."""
        declared = {outcome.name for outcome in self.scenario.outcomes}
        further = self._further(self.history) if self._further is not None else ()
        return {
            outcome.name: (outcome, endpoint) for outcome, endpoint in further if outcome.name not in declared
        }

    @cached_property
    def resources(self) -> Mapping[str, ResourceFindings]:
        """Every resource that patients can wait for."""
        return resource_findings(self.history, self.replications) if self.scenario.shared else {}

    @cached_property
    def _resource_facts(self) -> tuple[ResourceFacts, ...]:
        return resource_facts(self.resources, self.scenario)

    def steady_state_note(self, outcome: Outcome) -> str:
        """What to know of an outcome of waits whose queue does not settle, "" for others."""
        return steady_state_note(self._resource_facts, outcome.resource) if outcome.resource else ""

    def evaluate(self, outcome: Outcome) -> Evaluation:
        """One of the outcomes on this log."""
        endpoint = self._endpoint(outcome)
        patients = np.flatnonzero(self.counted & qualify(self.history, outcome.among))
        groups, note = self._groups(endpoint, outcome.by, patients)
        return Evaluation(outcome, endpoint, {"": self.group(endpoint, patients), **groups}, note)

    def group(self, endpoint: Endpoint, patients: Indices) -> Group:
        """An outcome in these patients, in each replication."""
        numbers = np.arange(self.replications + 1)
        edges = np.searchsorted(self.log.replication[patients], numbers)
        figures = tuple(endpoint.figures(patients[a:b]) for a, b in pairwise(edges))
        return Group(patients, edges, figures)

    def _endpoint(self, outcome: Outcome) -> Endpoint:
        if outcome.name in self._evaluated:
            return self._evaluated[outcome.name][1]
        if outcome.kind == "time_to_event":
            observation = self.observations.get(outcome.name)
            return time_to_event(self.history, outcome, self.times, observation)
        if outcome.kind == "occupancy":
            return occupancy(self.history, outcome, self.times)
        return ENDPOINTS[outcome.kind](self.history, outcome)

    def _groups(self, endpoint: Endpoint, by: str | None, patients: Indices) -> tuple[dict[str, Group], str]:
        """Patients by the value of an attribute, at the row the endpoint names; in the order declared."""
        if by is None:
            return {}, ""
        known = patients[endpoint.group_rows[patients] != NEVER]
        values = self.history.attribute(by, endpoint.group_rows[known])
        categories = self.log.names.categories[self.log.names.attributes.index(by)]
        if categories:
            members = {name: known[values == code] for code, name in enumerate(categories)}
        else:
            different, position = np.unique(values + 0.0, return_inverse=True)
            names = [scalar(float(value)) for value in different]
            # sums that should be equal may differ in the last bit
            codes = {name: i for i, name in enumerate(dict.fromkeys(names))}
            if len(codes) > MOST_GROUPS:
                return {}, too_many_groups(by)
            code_of = np.array([codes[name] for name in names], np.int64)
            members = {name: known[code_of[position] == code] for name, code in codes.items()}
        if len(members) > MOST_GROUPS:
            return {}, too_many_groups(by)
        return {name: self.group(endpoint, index) for name, index in members.items()}, ""


def observable_times(scenario: Scenario, at: Sequence[float]) -> tuple[float, ...]:
    """The times of `at` that can be observed, increasing; the end of observation if none can."""
    last = scenario.horizon
    if scenario.patients.follow_up is not None:
        last = min(last, scenario.patients.follow_up)
    return tuple(sorted({float(t) for t in at if 0 < t <= last})) or (last,)


MOST_GROUPS = 50
"""An attribute with more values than these makes no groups."""

ByReplication: TypeAlias = tuple[Figures, ...]
"""The figures of each replication."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """An outcome in each replication, by group as in Evaluation.

    method: of intervals over patients. note: why there are no groups. nobody: the figures of no
    patients, None where there are no groups. observation: for a time to an event.
    """

    outcome: Outcome
    description: Description
    method: str | None
    groups: Mapping[str, ByReplication]
    note: str
    nobody: Figures | None
    observation: Observation | None


def without_influences(figures: ByReplication) -> ByReplication:
    """The same figures without influences, which lead to the log."""
    return tuple(replace(one, influences={}) for one in figures)


def too_many_groups(attribute: str) -> str:
    """Why the values of an attribute make no groups."""
    return f"{attribute} has more than {MOST_GROUPS} different values: too many for groups"


def combined_observation(findings: Sequence[Findings]) -> Observation | None:
    """How long patients were observed in all these replications."""
    found = [one.observation for one in findings if one.observation is not None]
    return reduce(Observation.combine, found) if found else None


def combine_findings(findings: Sequence[Findings]) -> Findings:
    """One outcome in one replication after another, with the same meaning in all."""
    first, names = findings[0], list(dict.fromkeys(name for one in findings for name in one.groups))
    if any(list(one.groups) != names for one in findings):  # numbers, of which some have none
        names = ["", *sorted(names[1:], key=float)]
    note = next((one.note for one in findings if one.note), "")
    if len(names) > MOST_GROUPS + 1 and not note:
        note = too_many_groups(str(first.outcome.by))
    groups = {
        name: tuple(chain.from_iterable(_group(one, name) for one in findings))
        for name in ([""] if note else names)
    }
    return replace(first, groups=groups, note=note, observation=combined_observation(findings))


def _group(findings: Findings, name: str) -> ByReplication:
    if name in findings.groups:
        return findings.groups[name]
    assert findings.nobody is not None
    return (findings.nobody,) * len(findings.groups[""])


def first_violation(history: History) -> tuple[int, EventSelector] | None:
    """The index of the first patient with an event that `never` forbids, and the selector.

    Of several for that patient the first in the log, then in the file; None if there is none.
    """
    found = [
        (int(rows(history, never)[0]), never) for never in history.scenario.never if len(rows(history, never))
    ]
    if not found:
        return None
    row, never = min(found, key=lambda item: item[0])
    return int(history.patients(np.array([row]))[0]), never
