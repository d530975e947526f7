"""The results of a run or a comparison: its estimates and differences, and the facts beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sim.outcomes.estimates import Differences, EstimateRow, Estimates, Incremental
from sim.outcomes.intervals import Key


@dataclass(frozen=True, slots=True)
class Description:
    """What the numbers of an outcome mean.

    headline: the number that stands for the outcome. unit: of the headline. text: what it estimates.
    curve: what its curve shows, "" where it has none. meanings: of each other measure and part.
    excluded: who is left out. counted: what n counts. restricted_to: days, of a restricted mean.
    begin: what times are counted from.
    """

    headline: Key
    unit: str
    text: str
    curve: str = ""
    meanings: Mapping[tuple[str, str], str] = field(default_factory=dict)
    excluded: str = ""
    counted: str = "patients"
    restricted_to: float | None = None
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
    better_is: the outcome that decides better or worse, and what `better`, `same`, `worse` mean.
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
    better_is: tuple[tuple[str, str], ...] = ()

    def outcome(self, name: str) -> OutcomeFacts | None:
        """The outcome of this name."""
        return next((one for one in self.outcomes if one.name == name), None)


@dataclass(frozen=True)
class Results:
    """Everything a run or a comparison found; the first arm is the reference.

    incremental: cost per QALY gained, empty where costs or QALYs are not compared. precision: what
    `until_precision` took.
    """

    arms: tuple[ArmFacts, ...]
    seed: int
    replications: int
    estimates: Estimates
    differences: Differences
    notes: tuple[str, ...]
    precision: Mapping[str, Any] | None = None
    incremental: Incremental = field(default_factory=lambda: Incremental.of(()))

    def as_json(self) -> dict[str, Any]:
        """The results ready for JSON, in the form of `docs/results.md`."""
        run: dict[str, Any] = {"seed": self.seed, "replications": self.replications}
        if self.precision is not None:
            run["precision"] = dict(self.precision)
        run["arms"] = [_arm_json(arm) for arm in self.arms]
        return {
            "run": run,
            "estimates": self.estimates.records(),
            "differences": self.differences.records(),
            "incremental": self.incremental.records(),
            "notes": list(self.notes),
        }

    @property
    def reference(self) -> ArmFacts:
        """The first arm."""
        return self.arms[0]

    def arm(self, name: str) -> ArmFacts:
        """The arm of this name."""
        return next(arm for arm in self.arms if arm.name == name)

    def of_arm(self, name: str) -> Results:
        """The results of one arm as those of a single run."""
        arm = self.arm(name)
        own = {outcome.name for outcome in arm.outcomes} | {f"resources.{one.name}" for one in arm.resources}
        rows = self.estimates.where(arm=name).relabelled(arm="")
        estimates = Estimates.of(
            row for row in rows if row.outcome in own and not row.measure.startswith("quantile_")
        )
        facts = replace(arm, changes=(), divergences=(), better_is=())
        return Results((facts,), self.seed, self.replications, estimates, Differences.of(()), arm.notes)

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


def _arm_json(arm: ArmFacts) -> dict[str, Any]:
    facts = asdict(arm)
    facts["horizon_days"] = facts.pop("horizon")
    facts["changes"] = [
        dict(zip(("path", "reference", "arm"), change, strict=True)) for change in arm.changes
    ]
    facts["better_is"] = dict(arm.better_is)
    for outcome, of in zip(facts["outcomes"], arm.outcomes, strict=True):
        described = outcome["description"]
        described["headline"] = of.description.headline._asdict()
        described["meanings"] = [
            {"measure": measure, "part": part, "meaning": meaning}
            for (measure, part), meaning in of.description.meanings.items()
        ]
    return facts
