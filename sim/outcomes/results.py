"""The results of a run or a comparison: its estimates and differences, and the facts beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil, inf, isnan, log, nan, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from scipy.special import stdtrit

from sim.event_log.log import Floats
from sim.outcomes.estimates import Differences, EstimateRow, Estimates, Incremental
from sim.scenario.language.model import EventSelector
from sim.scenario.language.wording import condition
from sim.units import DAYS_IN

if TYPE_CHECKING:
    from sim.outcomes.certainty import Certainty

NORMAL_975 = 1.959963984540054
"""The 97.5% point of the standard normal distribution."""

WIDEST = 700.0
"""The logarithm beyond which a factor is as good as infinite, and would overflow."""

Influence: TypeAlias = Callable[[], Floats | None]
"""Makes an influence, shape [n_chosen]; None where it is unknown."""


class Key(NamedTuple):
    """Which number of an outcome: what is measured, of which part, at which time (days)."""

    measure: str
    part: str = ""
    time: float | None = None


MEDIAN, PERCENTILE_90 = "median", "percentile_90"
OVER_REPLICATIONS = "Student, over replications"
"""The method of an interval of a mean over replications."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its 95% interval [low, high], its standard error, and the patients (or waits) behind it.

    nan where there is none. An interval may be open to one side: a median whose upper limit is not
    reached has high nan.
    """

    value: float
    low: float = nan
    high: float = nan
    error: float = nan
    n: int = 0

    @property
    def is_known(self) -> bool:
        """Whether there is a number."""
        return not isnan(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether there is at least one limit."""
        return not (isnan(self.low) and isnan(self.high))


UNKNOWN = Estimate(nan)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one outcome in one set of patients: estimates, and counts that add up.

    n: the patients (or waits) behind the headline. influences: for the estimates with a standard error
    over patients, the part of each chosen patient in the error (see `influence`), made on demand.
    """

    n: int
    estimates: Mapping[Key, Estimate]
    counts: Mapping[Key, int]
    influences: Mapping[Key, Influence] = field(default_factory=dict, compare=False, repr=False)


def share(count: float, total: int) -> Estimate:
    """A share with Wilson's interval; unknown where `total` is 0.

    count: no whole number where only the share of a total was printed.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if total == 0:
        return UNKNOWN
    p, z2 = count / total, NORMAL_975**2
    centre = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = NORMAL_975 / (1 + z2 / total) * sqrt(p * (1 - p) / total + z2 / (4 * total * total))
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == total else min(1.0, centre + half)
    return Estimate(p, low, high, sqrt(p * (1 - p) / total), total)


def mean(values: Floats) -> Estimate:
    """The mean with Student's interval; without one for a single value, unknown for none."""
    n = len(values)
    if n == 0:
        return UNKNOWN
    centre = float(np.mean(values))
    if n == 1:
        return Estimate(centre, n=1)
    error = float(np.std(values, ddof=1)) / sqrt(n)
    half = float(stdtrit(n - 1, 0.975)) * float(np.std(values, ddof=1)) / sqrt(n)
    return Estimate(centre, centre - half, centre + half, error, n)


def percentile(days: Floats, level: float) -> Estimate:
    """The first of these times that a share `level` of them does not exceed, without an interval.

    Unknown for none. At one half it is the median: the first time at which at most half go on.
    """
    n = len(days)
    if n == 0:
        return UNKNOWN
    rank = max(ceil(round(level * n, 9)), 1) - 1  # the product may exceed a whole number by a rounding error
    return Estimate(float(np.partition(days, rank)[rank]), n=n)


def percentiles(days: Floats) -> dict[Key, Estimate]:
    """The median and the 90th percentile of some times."""
    return {Key(MEDIAN): percentile(days, 0.5), Key(PERCENTILE_90): percentile(days, 0.9)}


def over_replications(figures: Sequence[Figures]) -> Figures:
    """Means over replications with Student's interval; counts are added up.

    A replication in which a number is unknown is left out, except for a median: one that is not
    reached in some replication is later than the others, so the mean of these would mislead.
    """
    kept = [f for f in figures if not is_empty(f)] or list(figures[:1])
    estimates = {
        key: replace(
            _mean_of(key, [f.estimates[key].value for f in kept]), n=sum(f.estimates[key].n for f in kept)
        )
        for key in kept[0].estimates
    }
    counts = {key: sum(f.counts[key] for f in figures) for key in kept[0].counts}
    return Figures(sum(f.n for f in figures), estimates, counts)


def is_empty(figures: Figures) -> bool:
    """Whether there are no patients to estimate from."""
    return figures.n == 0 and not any(e.is_known for e in figures.estimates.values())


def without_intervals(figures: Figures) -> Figures:
    """The same figures without intervals and standard errors."""
    bare = {key: Estimate(e.value, n=e.n) for key, e in figures.estimates.items()}
    return Figures(figures.n, bare, figures.counts)


def _mean_of(key: Key, values: Sequence[float]) -> Estimate:
    array = np.array(values)
    known = array[~np.isnan(array)]
    if key.measure == MEDIAN and len(known) < len(array):
        return UNKNOWN
    return mean(known)


def log_log(value: float, error: float, n: int) -> Estimate:
    """A probability with its log-log interval; without one at 0 and 1, where it is not defined.

    error: standard error of log(-log(value)). n: patients behind it.
    Source: Kalbfleisch and Prentice 2002, section 1.4.2, doi:10.1002/9781118032985.
    """
    if not 0.0 < value < 1.0 or not error < inf:
        return Estimate(value, n=n)
    wide = float(np.exp(min(NORMAL_975 * error, WIDEST)))
    return Estimate(value, value**wide, value ** (1 / wide), error * value * -log(value), n)


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
    by MSER-5, None where patients arrive for too short a time. series: units in use and patients in the
    queue until the last arrival, from which it is chosen; in_use, queue: until the horizon; each as
    averages of equal stretches of the calendar, stretch lengths in days beside them. ways: how waits end.
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

    name: its identifier in the column `arm`. label: its name in tables and charts. changes: (path, value
    in the reference, value here). outcomes, resources: in file order.
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
    label: str = ""

    def outcome(self, name: str) -> OutcomeFacts | None:
        """The outcome of this name."""
        return next((one for one in self.outcomes if one.name == name), None)


@dataclass(frozen=True)
class Results:
    """Everything a run or a comparison found; the first arm is the reference.

    incremental: cost per QALY gained, empty where costs or QALYs are not compared. precision: what
    `until_precision` took. certainty: how sure the differences are, where draws of the parameters or
    structural alternatives were asked for.
    """

    arms: tuple[ArmFacts, ...]
    seed: int
    replications: int
    estimates: Estimates
    differences: Differences
    notes: tuple[str, ...]
    precision: Mapping[str, Any] | None = None
    incremental: Incremental = field(default_factory=lambda: Incremental.of(()))
    certainty: tuple[Certainty, ...] = ()

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
        } | ({"certainty": [one.as_json() for one in self.certainty]} if self.certainty else {})

    @property
    def heading(self) -> str:
        """The question that the scenarios ask; else the title of a run, or the labels of the arms."""
        reference, *others = self.arms
        if question := next((arm.title for arm in self.arms if arm.title.endswith("?")), ""):
            return question
        if not others:
            return reference.title
        against = others[0].label if len(others) == 1 else f"{len(others)} alternatives"
        return f"{reference.label} against {against}"

    @property
    def reference(self) -> ArmFacts:
        """The first arm."""
        return self.arms[0]

    def label(self, name: str) -> str:
        """The label of the arm of this name; the name itself where there is no such arm."""
        return next((arm.label for arm in self.arms if arm.name == name and arm.label), name)

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


EVENTS = {
    "stage": "entering {}",
    "asked": "coming to {}",
    "state": "reaching {}",
    "event": "having the event {}",
    "clock": "having the clock {} ring",
    "rule": "being sent by the rule {}",
}


def event_in_words(selector: EventSelector, *, by_name: bool = False) -> str:
    """An event selector in words, e.g. `entering infusion where crs_grade is at least 3`.

    by_name: whether a named condition is given by its name.
    """
    if selector.kind == "start":
        text = "the start"
    elif selector.kind == "any":
        text = " or ".join(event_in_words(item, by_name=by_name) for item in selector.items)
    else:
        text = EVENTS[selector.kind].format(selector.name)
    return text if selector.when is None else f"{text} where {condition(selector.when, by_name=by_name)}"


def group_value(group: str) -> str:
    """The value of a group: `yes` or `no` of a yes/no attribute, else the value itself."""
    return {"true": "yes", "false": "no"}.get(group, group)


def group_label(by: str | None, group: str) -> str:
    """The label of a group of patients: `csf cns2`, and of a yes/no attribute `donor: no`."""
    value = group_value(group)
    return f"{by} {value}" if value == group else f"{by}: {value}"


def time_in_words(days: float) -> str:
    """A time in the largest unit that measures it in whole numbers, e.g. `6 months`, `1 years`."""
    return whole_time(days) or f"{days:.10g} days"


def whole_time(days: float) -> str:
    """A time in the largest unit that measures it in whole numbers; "" where none does.

    Hours measure times below two days, minutes those below two hours.
    """
    for unit in ("year", "month", "day", "hour", "minute"):
        size = DAYS_IN[unit]
        number, most = round(days / size), {"hour": 48, "minute": 120}.get(unit, inf)
        if 0 < number < most and abs(number * size - days) < 1e-9 * size:
            return f"{number} {unit}s"
    return ""


def time_in_prose(days: float) -> str:
    """The same, as a sentence has it: `1 year`."""
    text = time_in_words(days)
    return text.removesuffix("s") if text.startswith("1 ") else text
