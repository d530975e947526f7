"""The resolved scenario as frozen values: nothing implicit, all times in days, all rates per day.

Written by `reader`, turned back into canonical text by `writer`, compiled by `sim.pathway`, and
asked by `sim.outcomes`. A `Value[T]` is a T, or a choice between Ts that depends on the patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar, Union

from sim.errors import Where
from sim.scenario.source.record import Change as Change
from sim.scenario.source.record import Parameter as Parameter

T = TypeVar("T")
K = TypeVar("K")

Scalar: TypeAlias = float | str | bool
"""A number (always float), a category, or yes/no (bool). Check bool before float."""


class Rest(StrEnum):
    """The part of a distribution that takes what the others leave."""

    REST = "rest"


REST = Rest.REST
STAY = "stay"
UNCHANGED = "unchanged"

# ---------------------------------------------------------------- conditions
# A condition defined under `conditions` keeps its name for outputs; nothing depends on it.


@dataclass(frozen=True, slots=True)
class Covariate:
    """What a condition or a ratio reads.

    kind: attribute | stage | current_age | days_in_stage | visits | since | waited | queue | free.
    name: the attribute, stage (visits, waited), stamp (since; `start` too) or resource; "" where
    the kind needs none.
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        if self.kind == "attribute":
            return self.name
        return f"{self.kind}.{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Test:
    """`covariate operator value`; operator: is is_not in at_least at_most above below.

    value: a Scalar, for `in` a tuple of Scalars. A bare value in the file is `is`, a covariate
    with several operators becomes several Tests.
    """

    covariate: Covariate
    operator: str
    value: Scalar | tuple[Scalar, ...]
    where: Where = field(compare=False)
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every item holds (a mapping or a list in the file); empty: holds."""

    items: tuple[Condition, ...]
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one item holds; empty: does not hold."""

    items: tuple[Condition, ...]
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class NoneOf:
    """No item holds; empty: holds."""

    items: tuple[Condition, ...]
    name: str = field(default="", compare=False)


Condition: TypeAlias = Test | AllOf | AnyOf | NoneOf

# ---------------------------------------------------------------- values and choices


@dataclass(frozen=True, slots=True)
class By(Generic[T]):
    """`{by: sex, male: ..., female: ..., rest: ...}`; entries in file order."""

    covariate: Covariate
    entries: tuple[tuple[Scalar, Value[T]], ...]
    rest: Value[T] | None
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Cases(Generic[T]):
    """`[{when: ..., value: ...}, {value: ...}]`; the first item that holds; the last has no condition."""

    items: tuple[tuple[Condition | None, Value[T]], ...]
    where: Where = field(compare=False)


Value: TypeAlias = Union[T, "By[T]", "Cases[T]"]

# ---------------------------------------------------------------- distributions


@dataclass(frozen=True, slots=True)
class Ratio:
    """One item of `time_ratios`, `hazard_ratios` or `odds_ratios`.

    value: the ratio itself, or its logarithm where is_log. per: raised to (covariate - centre),
    and where above is set the exponent is max(0, covariate - centre).
    begin, end: days; the ratio acts in [begin, end) (end inf: for ever).
    wane: (from, to) days, linear from the ratio to 1 between them; None: no waning.
    since: the stamp that begin, end and wane count from; "" when the time began to run.
    of: for odds_ratios the entries it acts on; empty where there is but one probability.
    """

    value: Value[float]
    is_log: bool
    when: Condition | None
    per: Covariate | None
    centre: float
    above: bool
    begin: float
    end: float
    wane: tuple[float, float] | None
    since: str
    of: tuple[Scalar, ...]
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Probability:
    """A probability with the odds ratios beside it."""

    value: Value[float]
    odds_ratios: tuple[Ratio, ...]
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Entries(Generic[K]):
    """One distribution over finitely many outcomes, in file order; at most one part is REST."""

    parts: tuple[tuple[K, Value[float] | Rest], ...]


@dataclass(frozen=True, slots=True)
class Categorical(Generic[K]):
    """A draw over finitely many outcomes; ratios' `of` name keys."""

    entries: Value[Entries[K]]
    odds_ratios: tuple[Ratio, ...]
    where: Where = field(compare=False)


Arguments: TypeAlias = Mapping[str, Any]
"""The named arguments of a family, in days and per day.

Each a Value[float], or for lists and points a tuple of these; keys per family:
fixed: value | uniform: low high | triangular, pert: low mode high | exponential: rate |
weibull, weibull_ph, loglogistic: shape scale | gompertz: shape rate |
lognormal: meanlog sdlog | gamma: shape rate-or-scale | generalised_gamma: mu sigma Q |
generalised_f: mu sigma Q P | royston_parmar: scale (text) gamma knots (tuples) | normal: mean sd |
beta: mean sd, or a b | poisson: mean | piecewise_exponential: steps ((time, rate), ...) or
survival/risk points with `then` | survival_table: points ((time, survival), ...).
In place of the scale or rate: mean, median; in place of the shape too: sd, iqr (q25, q75),
survival ((time, S), ...), risk ((time, 1 - S), ...). `sigma` is read as sdlog.
life_table: `tables`, a Value over the attributes that its columns name of
{"ages": (years, ...), "rates": (per year, ...)}.
"""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distribution of a time (days) or, in an attribute or draw, of a number; with its modifiers.

    family: a name of section 4 of the language, or `categorical` (categorical is set) or
    `mixture_cure` (cured and of are set). arguments: a choice may stand for all of them at once
    or for any one of them.
    already: None, a Value[float] in days, Covariate("current_age") or Covariate("since", STAMP).
    """

    family: str
    arguments: Value[Arguments]
    where: Where = field(compare=False)
    categorical: Categorical[float] | None = None
    cured: Probability | None = None
    of: Value[Distribution] | None = None
    time_ratios: tuple[Ratio, ...] = ()
    already: Value[float] | Covariate | None = None
    hazard_ratios: tuple[Ratio, ...] = ()
    between: tuple[Value[float], Value[float]] | None = None
    plus: Value[float] | None = None
    not_before: tuple[tuple[str, Value[float]], ...] = ()


# ---------------------------------------------------------------- attributes, draws, effects


@dataclass(frozen=True, slots=True)
class Draw:
    """A distribution of an attribute's value.

    Exactly one of law (numbers), categorical, bernoulli is set. A categorical key may be UNCHANGED
    in a `draw` effect. follows: (other attribute, correlation) or None.
    """

    law: Value[Distribution] | None
    categorical: Categorical[Scalar] | None
    bernoulli: Probability | None
    follows: tuple[str, float] | None
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Attribute:
    """kind: number | yes_no | category. initial: a value (or choice of values), or a Draw."""

    name: str
    kind: str
    categories: tuple[str, ...]
    initial: Value[Scalar] | Draw
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Action:
    """One doing. word: set | add | copy | draw | start | stop | reassess | stamp.

    target: attribute (set add copy draw), clock (start stop), event or clock (reassess), stamp.
    value: Value[Scalar] (set), Value[float] (add), attribute name (copy), Draw (draw), else None.
    """

    word: str
    target: str
    value: Any
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Effect:
    """Actions in the order written, all behind one condition that is read once, before them."""

    when: Condition | None
    actions: tuple[Action, ...]


# ---------------------------------------------------------------- pathway


@dataclass(frozen=True, slots=True)
class Goto:
    """A stage, or STAY."""

    target: str
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Chances:
    """`{a: 0.9, b: rest}`: targets (stages or STAY) with probabilities, one uniform."""

    categorical: Categorical[str]
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """An item of an ordered list of rules; when None: always."""

    name: str
    when: Condition | None
    to: Destination
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Rules:
    """The first rule that holds; the last has no condition."""

    items: tuple[Rule, ...]
    where: Where = field(compare=False)


Destination: TypeAlias = Goto | Chances | Rules

Amount: TypeAlias = Value[float] | Mapping[str, Value[float]]
"""A cost: one amount, or an amount for each category."""


@dataclass(frozen=True, slots=True)
class Event:
    """A competing event of a stage, or a clock.

    every: drawn anew each time it has happened. waiting: can happen while the patient waits for
    the stage (`waiting: true`). in_stages: clocks only; None: everywhere but in a terminal stage.
    """

    name: str
    after: Value[Distribution]
    every: bool
    chance: Probability | None
    when: Condition | None
    do: tuple[Effect, ...]
    to: Destination
    waiting: bool
    in_stages: tuple[str, ...] | None
    cost: Amount | None
    qaly: Value[float] | None
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Need:
    """A resource a stage needs, where the condition holds."""

    when: Condition | None
    resource: str
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class StageCost:
    """on_entry: an Amount at each entry; per_day: an Amount a day while in the stage."""

    on_entry: Amount | None
    per_day: Amount | None


@dataclass(frozen=True, slots=True)
class Stage:
    """decide is set in a decision stage, and then events, while_waiting and needs are empty."""

    name: str
    label: str
    state: str | None
    terminal: bool
    utility: Value[float] | None
    cost: StageCost | None
    needs: tuple[Need, ...]
    on_entry: tuple[Effect, ...]
    events: tuple[Event, ...]
    while_waiting: tuple[Event, ...]
    decide: Destination | None
    where: Where = field(compare=False)


# ---------------------------------------------------------------- resources and arrivals


@dataclass(frozen=True, slots=True)
class Resource:
    """capacity: None for unlimited, else steps ((from day, units), ...) that begin at day 0.

    calendar: None for every day, "weekdays", or a weekly calendar as written (a mapping).
    release: "on_leaving" | "when_next_granted". queue: None for first come, else
    (attribute, "lowest" | "highest").
    """

    name: str
    capacity: tuple[tuple[float, int], ...] | None
    calendar: str | Mapping[str, Any] | None
    release: str
    queue: tuple[str, str] | None
    cost_per_use: Amount | None
    cost_per_day: Amount | None
    where: Where = field(compare=False)

    @property
    def is_free(self) -> bool:
        """Unlimited and always open: never waited for, and leaves no rows in the log."""
        return self.capacity is None and self.calendar is None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """kind: together | poisson | every | days.

    rates: for poisson ((from day, per day), ...). interval: days, for every. days: for days the
    starting day of each patient, in the order of the table, () otherwise.
    lasting: days in which patients arrive, None where their number decides. warm_up: days.
    """

    kind: str
    rates: tuple[tuple[float, float], ...]
    interval: float | None
    days: tuple[float, ...]
    lasting: float | None
    warm_up: float
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class PatientTable:
    """What is known of each patient beforehand, a row a patient.

    columns: an attribute, stage, days_in_stage, since (a stamp) or days (a clock), in days.
    rows: the values in that order; None for a stamp never set and a clock that does not run.
    """

    columns: tuple[Covariate, ...]
    rows: tuple[tuple[Scalar | None, ...], ...]
    where: Where = field(compare=False)

    @property
    def is_today(self) -> bool:
        """Whether its patients are in care when the calendar begins, in the stage it gives."""
        return Covariate("stage") in self.columns


@dataclass(frozen=True, slots=True)
class Patients:
    """number: how many arrive, today's patients not among them; None where arrivals last for a time.

    follow_up: days, None: to the horizon.
    """

    number: int | None
    arrivals: Arrivals
    follow_up: float | None
    attributes: tuple[Attribute, ...]
    table: PatientTable | None


# ---------------------------------------------------------------- outcomes


@dataclass(frozen=True, slots=True)
class EventSelector:
    """Rows of the event log.

    kind: start | stage | asked | state | event | clock | rule | any. name: the stage, state, clock
    or rule, for an event `STAGE.EVENT`, else "". items: for any. within: days, in a pathway.
    """

    kind: str
    name: str
    items: tuple[EventSelector, ...]
    when: Condition | None
    within: float | None
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Among:
    """The patients an outcome covers: a condition at the start, or those who ever had an event."""

    condition: Condition | None
    ever: EventSelector | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """kind and the fields that go with it:

    time_to_event: begin, until, competing ((name, selector), ...), censor.
    ever, count, total: happening (a selector). attribute: attribute, at (None: the patient's end).
    time_in, occupancy: place = ("stage" | "state", name). waiting_for: resource, above (days).
    funnel, pathway: sequence.
    All: among, by (an attribute or None), label.
    """

    name: str
    kind: str
    where: Where = field(compare=False)
    label: str = ""
    begin: EventSelector | None = None
    until: EventSelector | None = None
    competing: tuple[tuple[str, EventSelector], ...] = ()
    censor: EventSelector | None = None
    happening: EventSelector | None = None
    attribute: str = ""
    at: EventSelector | None = None
    place: tuple[str, str] | None = None
    resource: str = ""
    above: float | None = None
    sequence: tuple[EventSelector, ...] = ()
    among: Among | None = None
    by: str | None = None


# ---------------------------------------------------------------- the whole


@dataclass(frozen=True, slots=True)
class State:
    """A health state."""

    name: str
    label: str
    utility: Value[float] | None


@dataclass(frozen=True, slots=True)
class Economics:
    """discount_*: per year. convention: annual | continuous."""

    currency: str
    discount_cost: float
    discount_qaly: float
    convention: str
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A resolved scenario.

    text: its canonical form, itself a valid scenario. digest: SHA-256 of text, hexadecimal.
    has_leftovers: whether layers left a clock that nothing starts or a stage that nothing reaches.
    definitions (the conditions that have a name), parameters, changes, notes, is_layered (whether
    another file was `based_on`), files (the first, and the layers above it): the record of how it
    came about; no part of the resolved form.
    """

    title: str
    horizon: float
    states: tuple[State, ...]
    economics: Economics | None
    patients: Patients
    clocks: tuple[Event, ...]
    start: str
    on_start: tuple[Effect, ...]
    stages: tuple[Stage, ...]
    resources: tuple[Resource, ...]
    never: tuple[EventSelector, ...]
    outcomes: tuple[Outcome, ...]
    text: str = ""
    digest: str = ""
    file: str = ""
    definitions: tuple[tuple[str, Condition], ...] = field(default=(), compare=False)
    parameters: tuple[Parameter, ...] = ()
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    is_layered: bool = False
    has_leftovers: bool = False
    files: tuple[str, ...] = ()

    @property
    def shared(self) -> tuple[Resource, ...]:
        """The resources that patients may wait for."""
        return tuple(resource for resource in self.resources if not resource.is_free)
