"""One outcome read from a log: its figures in all patients it is about, and in each group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from sim.event_log.log import EventLog, Indices, ResourceUse
from sim.outcomes.endpoints import means, pathway_patterns, proportions
from sim.outcomes.endpoints.endpoint import Measure
from sim.outcomes.endpoints.time_in_state import occupancy, time_in
from sim.outcomes.endpoints.time_to_event import TimeToEvent, time_to_event
from sim.outcomes.findings import MOST_GROUPS, Findings, Observed, bare, too_many
from sim.outcomes.history.event_selection import qualify
from sim.outcomes.history.history import NEVER, Flags, History
from sim.outcomes.intervals import Figures
from sim.outcomes.queues import waiting
from sim.scenario.language.model import Outcome, Scenario
from sim.scenario.language.wording import scalar

Measuring = Callable[[History, Outcome], Measure]
MEASURES: Mapping[str, Measuring] = {
    "ever": proportions.ever,
    "count": means.count,
    "total": means.total,
    "attribute": means.attribute,
    "time_in": time_in,
    "waiting_for": waiting.waiting_for,
    "funnel": pathway_patterns.funnel,
    "pathway": pathway_patterns.pathway,
}


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """An outcome in some patients: who (indices, increasing), and the figures of each replication.

    edges [n_replications + 1]: replication r has who[edges[r]:edges[r + 1]].
    """

    who: Indices
    edges: Indices
    each: tuple[Figures, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """An outcome with its figures in the whole, and in each group of `by`; note: why there are none."""

    outcome: Outcome
    measure: Measure
    whole: Group
    groups: Mapping[str, Group]
    note: str = ""

    def findings(self) -> Findings:
        """The same in figures alone."""
        measure, nobody = self.measure, None
        if self.outcome.by is not None:
            (nobody,) = bare((measure.figures(np.empty(0, np.int64)),))
        return Findings(
            self.outcome,
            measure.facts,
            measure.interval_kind,
            bare(self.whole.each),
            {name: bare(group.each) for name, group in self.groups.items()},
            self.note,
            nobody,
            measure.observed if isinstance(measure, TimeToEvent) else None,
        )


class Reader:
    """Reads outcomes from a log. at: days; those that cannot be observed are left out of `times`.

    replications: how many were asked for, where that is not what the log says of itself.
    observed: by outcome, how long patients were, where this log is not all there is to it.
    """

    def __init__(
        self,
        log: EventLog,
        use: ResourceUse,
        scenario: Scenario,
        *,
        at: Sequence[float],
        replications: int | None = None,
        observed: Mapping[str, Observed] | None = None,
    ) -> None:
        self.log, self.scenario = log, scenario
        self.history = History(log, use, scenario)
        self.asked = tuple(at)
        self.times = asked_times(scenario, at)
        self.observed = observed or {}
        self.replications = replications or int(log.replication.max(initial=0) + 1)

    @cached_property
    def counted(self) -> Flags:
        """Who starts after the warm-up, shape [n_patients]."""
        return self.log.begins >= self.scenario.patients.arrivals.warm_up

    def read(self, outcome: Outcome) -> Reading:
        """An outcome of the scenario in this log."""
        measure = self._measure(outcome)
        about = np.flatnonzero(self.counted & qualify(self.history, outcome.among))
        groups, note = self._groups(measure, outcome.by, about)
        return Reading(outcome, measure, self.group(measure, about), groups, note)

    def group(self, measure: Measure, who: Indices) -> Group:
        """An outcome in these patients, in each replication."""
        numbers = np.arange(self.replications + 1)
        edges = np.searchsorted(self.log.replication[who], numbers)
        return Group(who, edges, tuple(measure.figures(who[a:b]) for a, b in pairwise(edges)))

    def _measure(self, outcome: Outcome) -> Measure:
        if outcome.kind == "time_to_event":
            return time_to_event(self.history, outcome, self.times, self.observed.get(outcome.name))
        if outcome.kind == "occupancy":
            return occupancy(self.history, outcome, self.times)
        return MEASURES[outcome.kind](self.history, outcome)

    def _groups(self, measure: Measure, by: str | None, about: Indices) -> tuple[dict[str, Group], str]:
        """Patients by the value of an attribute, at the row the measure names; in the order declared."""
        if by is None:
            return {}, ""
        known = about[measure.group_rows[about] != NEVER]
        values = self.history.attribute(by, measure.group_rows[known])
        categories = self.log.names.categories[self.log.names.attributes.index(by)]
        if categories:
            members = {name: known[values == code] for code, name in enumerate(categories)}
        else:
            different, of = np.unique(values + 0.0, return_inverse=True)
            names = [scalar(float(value)) for value in different]
            # sums that should be equal may miss each other by the last bit
            codes = {name: i for i, name in enumerate(dict.fromkeys(names))}
            if len(codes) > MOST_GROUPS:
                return {}, too_many(by)
            code_of = np.array([codes[name] for name in names], np.int64)
            members = {name: known[code_of[of] == code] for name, code in codes.items()}
        if len(members) > MOST_GROUPS:
            return {}, too_many(by)
        return {name: self.group(measure, who) for name, who in members.items()}, ""


def asked_times(scenario: Scenario, at: Sequence[float]) -> tuple[float, ...]:
    """The times of `at` that can be observed, increasing; the end of observation if none can."""
    last = scenario.horizon
    if scenario.patients.follow_up is not None:
        last = min(last, scenario.patients.follow_up)
    return tuple(sorted({float(t) for t in at if 0 < t <= last})) or (last,)
