"""The arms of a page with what its pictures read from their logs; labels and looks of stages and states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.event_log.log import Indices
from sim.outcomes.curves import grid
from sim.outcomes.evaluation import Arm, Evaluator
from sim.outcomes.history.state_occupancy import WAITING
from sim.report.charts.style import ENDED, Look, looks
from sim.report.charts.swimmer import WAITS
from sim.scenario.language.model import Outcome

MOST_LOOKS = 8
"""More kinds of stays than these cannot be distinguished by colour; health states then replace them."""


@dataclass(frozen=True, eq=False)
class PageArm(Arm):
    """An arm with what its pictures read. label: in captions. until: days at which pictures over time end."""

    label: str = ""
    until: float = 0.0

    @classmethod
    def of(cls, arm: Arm, label: str, until: float) -> PageArm:
        """The arm of a page for an arm."""
        return cls(arm.name, arm.scenario, arm.log, arm.use, arm.seed, arm.replications, label, until)

    @cached_property
    def patients(self) -> Indices:
        """The patients who start after the warm-up, increasing."""
        return np.flatnonzero(self.log.begins >= self.scenario.patients.arrivals.warm_up)

    def outcome(self, name: str) -> Outcome:
        """The outcome of this name. Raises: KeyError where there is none."""
        return {outcome.name: outcome for outcome in self.scenario.outcomes}[name]

    def evaluator(self, until: float) -> Evaluator:
        """Evaluates outcomes at the times of a drawn curve, up to `until` days."""
        return Evaluator(self, at=grid(until))


def shared_outcomes(arms: Sequence[PageArm]) -> list[Outcome]:
    """The outcomes of the first arm that every arm has, of the same kind."""
    kinds = [{outcome.name: outcome.kind for outcome in arm.scenario.outcomes} for arm in arms]
    first = arms[0].scenario.outcomes
    return [outcome for outcome in first if all(kind.get(outcome.name) == outcome.kind for kind in kinds)]


def words(name: str) -> str:
    """A name in words: `car t remission`."""
    return name.replace("_", " ")


def stage_labels(arms: Sequence[PageArm]) -> dict[str, str]:
    """The words for each stage of the arms, in the order of the first: names, which are short."""
    return {stage.name: words(stage.name) for arm in arms for stage in arm.scenario.stages}


def place_kind(arms: Sequence[PageArm]) -> str:
    """Whether bars and areas are coloured by "stage" or, where there are too many, by "state"."""
    stages = {s.name for arm in arms for s in arm.scenario.stages if s.decide is None and not s.terminal}
    states = {state.name for arm in arms for state in arm.scenario.states}
    return "state" if len(stages) > MOST_LOOKS and len(states) > 2 else "stage"


def place_labels(arms: Sequence[PageArm], kind: str) -> dict[str, str]:
    """The words for each stage, or each health state."""
    if kind == "stage":
        return stage_labels(arms) | {WAITING: "Waiting"}
    labels = {state.name: state.label or words(state.name) for arm in arms for state in arm.scenario.states}
    return {name: label[:1].upper() + label[1:] for name, label in labels.items()}


def place_looks(arms: Sequence[PageArm], kind: str) -> Mapping[str, Look]:
    """The looks of stages or states; those in which no more events occur are grey."""
    ended = [stage for arm in arms for stage in arm.scenario.stages if stage.terminal]
    if kind == "stage":
        timed = [s.name for arm in arms for s in arm.scenario.stages if s.decide is None]
        stages = looks(timed, ended={stage.name for stage in ended})
        living = {name: look for name, look in stages.items() if look.colour != ENDED}
        return {**living, WAITING: WAITS, **stages}
    lived_in = {s.state for arm in arms for s in arm.scenario.stages if not s.terminal}
    return looks(place_labels(arms, kind), ended={s.state for s in ended if s.state} - lived_in)
