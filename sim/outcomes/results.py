"""The results of a run or a comparison: its estimates and differences, and the facts beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sim.outcomes.estimates import Differences, EstimateRow, Estimates


class Key(NamedTuple):
    """Which number of an outcome: what is measured, of which part, at which time (days)."""

    measure: str
    part: str = ""
    time: float | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What the numbers of an outcome mean.

    headline: the number that stands for the outcome. unit: of the headline. text: what it estimates.
    curve: what its curve shows, "" where it has none. meanings: of each other measure and part.
    excluded: who is left out. counted: what n counts. begin: what times are counted from.
    """

    headline: Key
    unit: str
    text: str
    curve: str = ""
    meanings: Mapping[tuple[str, str], str] = field(default_factory=dict)
    excluded: str = ""
    counted: str = "patients"
    begin: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeFacts:
    """An outcome of the run: its kind, label, grouping attribute and meaning.

    groups: values of `by` in their order. groups_note: why there are none. steady_state_note: that the
    queue behind its waits does not settle.
    """

    name: str
    kind: str
    label: str
    by: str | None
    groups: tuple[str, ...]
    groups_note: str
    description: Description
    steady_state_note: str = ""


@dataclass(frozen=True, slots=True)
class ResourceFacts:
    """A resource that patients can wait for: whether its queue settles, its warm-up, its use over time.

    grows_by: patients, over `grows_over` (days), None where the queue settles. suggested_warm_up: days
    by MSER-5, None where the run is too short. series, in_use, queue: averages of equal stretches of
    the calendar, stretch lengths in days beside them. ways: how waits end.
    """

    name: str
    settles: bool
    grows_by: float | None
    grows_over: tuple[float, float] | None
    warm_up: float
    suggested_warm_up: float | None
    series: tuple[float, ...]
    series_stretch: float
    in_use: tuple[float, ...]
    queue: tuple[float, ...]
    stretch: float
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Divergence:
    """A place where the paths of the same patients diverge in two arms, and how often.

    stage: None before the first. reference, arm: what happens in each. differs_in: what differs.
    patient: the number of one of them.
    """

    stage: str | None
    reference: str
    arm: str
    differs_in: str
    count: int
    share: float
    patient: int


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """An arm: a scenario that was run.

    changes: (path, value in the reference, value here). outcomes, resources: in file order.
    notes: about this arm alone. failed: why it has no results. divergences: from the reference.
    change_meanings: of better, same and worse, empty where no outcome decides them. by_replication: in a
    sweep, the number of each waiting outcome in each replication.
    """

    name: str
    title: str
    digest: str
    patients: int
    horizon: float
    outcomes: tuple[OutcomeFacts, ...] = ()
    resources: tuple[ResourceFacts, ...] = ()
    changes: tuple[tuple[str, str | None, str | None], ...] = ()
    notes: tuple[str, ...] = ()
    failed: str = ""
    divergences: tuple[Divergence, ...] = ()
    change_meanings: Mapping[str, str] = field(default_factory=dict)
    by_replication: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def outcome(self, name: str) -> OutcomeFacts | None:
        """The outcome of this name."""
        return next((one for one in self.outcomes if one.name == name), None)


@dataclass(frozen=True)
class Results:
    """Everything a run or a comparison found; the first arm is the reference.

    compared: names of the outcomes that have differences. precision: what `until_precision` took.
    """

    arms: tuple[ArmFacts, ...]
    seed: int
    replications: int
    estimates: Estimates
    differences: Differences
    notes: tuple[str, ...]
    precision: Mapping[str, Any] | None = None

    @property
    def reference(self) -> ArmFacts:
        """The first arm."""
        return self.arms[0]

    def arm(self, name: str) -> ArmFacts:
        """The arm of this name."""
        return next(arm for arm in self.arms if arm.name == name)

    def headline(self, outcome: str, *, arm: str = "", group: str = "") -> EstimateRow | None:
        """The number that stands for an outcome in an arm (by default the only one)."""
        facts = (self.arm(arm) if arm else self.reference).outcome(outcome)
        if facts is None:
            return None
        key = facts.description.headline
        label = arm or self.reference.name if len(self.arms) > 1 else arm
        return self.estimates.find(
            outcome, key.measure, arm=label, group=group, part=key.part, time_days=key.time
        )
