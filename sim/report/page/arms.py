"""The arms of a page: one run, or several scenarios lived by the same patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from sim.event_log.log import EventLog, Indices, ResourceUse
from sim.outcomes.curves import grid
from sim.outcomes.evaluation import Reader
from sim.outcomes.history.history import Flags, History
from sim.report.charts.style import Look, looks
from sim.scenario.language.model import Outcome, Scenario

MOST_LOOKS = 8
"""More kinds of stays than these cannot be told apart by colour; then the health states stand for them."""


@dataclass(frozen=True, eq=False)
class Arm:
    """A scenario with what came of it.

    summary: of `sim.outcomes.summary.summarise`; nothing where no outcome is told. differences: for
    each outcome how this arm differs from the reference, of `sim.outcomes.comparison.paired.compare`;
    nothing in the reference itself.
    """

    name: str
    scenario: Scenario
    log: EventLog
    use: ResourceUse
    summary: Mapping[str, Any] = field(default_factory=dict)
    differences: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def history(self) -> History:
        return History(self.log, self.use, self.scenario)

    @cached_property
    def counted(self) -> Flags:
        """Who starts after the warm-up, shape [n_patients]."""
        return self.log.begins >= self.scenario.patients.arrivals.warm_up

    @cached_property
    def about(self) -> Indices:
        return np.flatnonzero(self.counted)

    def outcome(self, name: str) -> Outcome:
        """The outcome of this name. Raises: KeyError where there is none."""
        return {one.name: one for one in self.scenario.outcomes}[name]

    @cached_property
    def fine(self) -> Reader:
        """Reads outcomes at so many times that a curve can be drawn through them."""
        return self.fine_until(self.until)

    def fine_until(self, until: float) -> Reader:
        """The same up to so many days."""
        times, replications = grid(until), self.summary["replications"]
        return Reader(self.log, self.use, self.scenario, at=times, replications=replications)

    @cached_property
    def until(self) -> float:
        """Days at which pictures over time end: the last time at which curves are read."""
        times = [
            row["days"] for entry in self.summary["outcomes"].values() for row in entry.get("at", {}).values()
        ]
        return float(max(times, default=self.scenario.horizon))


def shared_outcomes(arms: Sequence[Arm]) -> list[Outcome]:
    """The outcomes of the first arm that every arm has, of the same kind."""
    kinds = [{outcome.name: outcome.kind for outcome in arm.scenario.outcomes} for arm in arms]
    first = arms[0].scenario.outcomes
    return [outcome for outcome in first if all(of.get(outcome.name) == outcome.kind for of in kinds)]


def words(name: str) -> str:
    """A name as a reader has it: `car t remission`."""
    return name.replace("_", " ")


def stage_labels(arms: Sequence[Arm]) -> dict[str, str]:
    """The words for each stage of the arms, in the order of the first; names, which are short."""
    return {stage.name: words(stage.name) for arm in arms for stage in arm.scenario.stages}


def place_kind(arms: Sequence[Arm]) -> str:
    """Whether bars and areas are told apart by "stage" or, where there are too many, by "state"."""
    stages = {s.name for arm in arms for s in arm.scenario.stages if s.decide is None and not s.terminal}
    states = {state.name for arm in arms for state in arm.scenario.states}
    return "state" if len(stages) > MOST_LOOKS and len(states) > 2 else "stage"


def place_labels(arms: Sequence[Arm], kind: str) -> dict[str, str]:
    """The words for each stage, or each health state."""
    if kind == "stage":
        return stage_labels(arms)
    return {
        state.name: _begun(state.label or words(state.name)) for arm in arms for state in arm.scenario.states
    }


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def place_looks(arms: Sequence[Arm], kind: str) -> Mapping[str, Look]:
    """How stages or states look; those in which nothing happens any more are grey."""
    ended = [stage for arm in arms for stage in arm.scenario.stages if stage.terminal]
    if kind == "stage":
        timed = [s.name for arm in arms for s in arm.scenario.stages if s.decide is None]
        return looks(timed, ended={stage.name for stage in ended})
    living = {s.state for arm in arms for s in arm.scenario.stages if not s.terminal}
    return looks(place_labels(arms, kind), ended={s.state for s in ended if s.state} - living)
