"""The resolved scenario as frozen values: nothing implicit, all times in days, all rates per day.

Read by `reader`, written as canonical text by `writer`, compiled by `sim.pathway`, and used by
`sim.outcomes`. `values` has the conditions, choices and distributions; they are imported from here, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sim.errors import Where
from sim.scenario.language.values import REST as REST
from sim.scenario.language.values import STAY as STAY
from sim.scenario.language.values import UNCHANGED as UNCHANGED
from sim.scenario.language.values import Action as Action
from sim.scenario.language.values import AllOf as AllOf
from sim.scenario.language.values import AnyOf as AnyOf
from sim.scenario.language.values import Arguments as Arguments
from sim.scenario.language.values import Attribute as Attribute
from sim.scenario.language.values import By as By
from sim.scenario.language.values import Cases as Cases
from sim.scenario.language.values import Categorical as Categorical
from sim.scenario.language.values import Condition as Condition
from sim.scenario.language.values import Covariate as Covariate
from sim.scenario.language.values import Distribution as Distribution
from sim.scenario.language.values import Draw as Draw
from sim.scenario.language.values import Effect as Effect
from sim.scenario.language.values import Entries as Entries
from sim.scenario.language.values import NoneOf as NoneOf
from sim.scenario.language.values import Probability as Probability
from sim.scenario.language.values import Ratio as Ratio
from sim.scenario.language.values import Rest as Rest
from sim.scenario.language.values import Scalar as Scalar
from sim.scenario.language.values import Test as Test
from sim.scenario.language.values import Value as Value
from sim.scenario.source.record import Change as Change
from sim.scenario.source.record import Parameter as Parameter

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

AgeSteps: TypeAlias = tuple[tuple[float, float], ...]
"""(age in years, value from it on), the ages increasing."""
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


MOST_UNITS_HELD = 62
"""Units of all resources together that a patient can hold."""


@dataclass(frozen=True, slots=True)
class Need:
    """Units of a resource that a stage needs, where the condition holds."""

    when: Condition | None
    resource: str
    where: Where = field(compare=False)
    units: Value[float] = 1.0


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
    """capacity: None for unlimited, else steps ((from day, units), ...) that begin at day 0, and
    anew after each `repeat` days where that is set.

    calendar: None for every day, "weekdays", or a weekly calendar as written (a mapping).
    release: "on_leaving" | "when_next_granted". queue: None for first come, else
    (attribute, "lowest" | "highest"). cost_per_day_of_capacity: of each unit, in use or idle.
    """

    name: str
    capacity: tuple[tuple[float, int], ...] | None
    calendar: str | Mapping[str, Any] | None
    release: str
    queue: tuple[str, str] | None
    cost_per_use: Amount | None
    cost_per_day: Amount | None
    where: Where = field(compare=False)
    cost_per_day_of_capacity: Mapping[str, float] | float | None = None
    repeat: float | None = None

    @property
    def is_free(self) -> bool:
        """Unlimited and always open: never waited for, and leaves no rows in the log."""
        return self.capacity is None and self.calendar is None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """kind: together | poisson | every | days.

    rates: for poisson ((from day, per day), ...); repeat: their period in days, None: the last goes on.
    interval: days, for every. days: for days the starting day of each patient, in the order of the table,
    () otherwise.
    lasting: days in which patients arrive, None where their number decides. warm_up: days.
    """

    kind: str
    rates: tuple[tuple[float, float], ...]
    interval: float | None
    days: tuple[float, ...]
    lasting: float | None
    warm_up: float
    where: Where = field(compare=False)
    repeat: float | None = None


@dataclass(frozen=True, slots=True)
class PatientTable:
    """What is known of each patient beforehand, a row a patient.

    columns: an attribute, stage, days_in_stage, waiting_for, days_waiting, since (a stamp) or days (a
    clock), in days. rows: the values in that order; None for a stamp never set, a clock that does not run,
    and the stage of a waiting patient or the wait of another. ids: of the patients, () where there are none.
    begins: their starting days, () where the table has none.
    """

    columns: tuple[Covariate, ...]
    rows: tuple[tuple[Scalar | None, ...], ...]
    where: Where = field(compare=False)
    ids: tuple[str, ...] = ()
    begins: tuple[float, ...] = ()

    @property
    def is_today(self) -> bool:
        """Whether its patients are in care when the calendar begins, in a stage or waiting for one."""
        return Covariate("stage") in self.columns or Covariate("waiting_for") in self.columns

    def column(self, kind: str) -> list[Scalar | None]:
        """The column of this kind, which has no name of its own; of None where there is none."""
        covariate = Covariate(kind)
        if covariate not in self.columns:
            return [None] * len(self.rows)
        index = self.columns.index(covariate)
        return [row[index] for row in self.rows]


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
    ever, count, total: event (a selector). attribute: attribute, at (None: the patient's end).
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
    event: EventSelector | None = None
    attribute: str = ""
    at: EventSelector | None = None
    place: tuple[str, str] | None = None
    resource: str = ""
    above: float | None = None
    sequence: tuple[EventSelector, ...] = ()
    among: Among | None = None
    by: str | None = None


# ---------------------------------------------------------------- the whole


DEAD = "dead"
"""The health state that ends the life-years, and needs no utility."""


@dataclass(frozen=True, slots=True)
class State:
    """A health state."""

    name: str
    label: str
    utility: Value[float] | None


@dataclass(frozen=True, slots=True)
class Economics:
    """discount_*: per year. convention: annual | continuous. perspective: whose costs, in words.

    utility_cap: the highest utility from each age (years) on, as (age, utility); none below the first.
    """

    currency: str
    discount_cost: float
    discount_qaly: float
    convention: str
    threshold: float | None
    perspective: str | None = None
    price_year: float | None = None
    utility_cap: Value[AgeSteps] | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A resolved scenario.

    text: its canonical form, itself a valid scenario. digest: SHA-256 of text, hexadecimal.
    has_leftovers: whether layers left a clock that nothing starts or a stage that nothing reaches.
    definitions (the conditions that have a name), parameters, changes, notes, is_layered (whether
    another file was `based_on`), files (the first, and the layers above it), inputs (all files that
    were read, tables too): the record of how it
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
    inputs: tuple[str, ...] = field(default=(), compare=False)
    label: str | None = None

    @property
    def short_title(self) -> str:
        """The name of this arm in words: its label, else its title."""
        return self.label or self.title

    def stage(self, name: str) -> Stage:
        """The stage of this name."""
        return next(stage for stage in self.stages if stage.name == name)

    @property
    def shared(self) -> tuple[Resource, ...]:
        """The resources that patients may wait for."""
        return tuple(resource for resource in self.resources if not resource.is_free)


# ---------------------------------------------------------------- what a scenario contains


def events_of(scenario: Scenario) -> Iterator[tuple[str, Event]]:
    """Every event with its name in the log: `STAGE.EVENT` in file order, then `clock.CLOCK`."""
    for stage in scenario.stages:
        for event in (*stage.events, *stage.while_waiting):
            yield f"{stage.name}.{event.name}", event
    for clock in scenario.clocks:
        yield f"clock.{clock.name}", clock


def effects_of(scenario: Scenario) -> Iterator[tuple[str, Effect]]:
    """Every effect with the name of the place it stands in, as its draws are named."""
    yield from (("on_start", effect) for effect in scenario.on_start)
    for clock in scenario.clocks:
        yield from ((f"clock.{clock.name}", effect) for effect in clock.do)
    for stage in scenario.stages:
        yield from ((f"{stage.name}.on_entry", effect) for effect in stage.on_entry)
        for event in (*stage.events, *stage.while_waiting):
            yield from ((f"{stage.name}.{event.name}", effect) for effect in event.do)


def draws_of(scenario: Scenario) -> Iterator[Draw]:
    """Every draw of an attribute."""
    yield from (a.initial for a in scenario.patients.attributes if isinstance(a.initial, Draw))
    for _, effect in effects_of(scenario):
        yield from (action.value for action in effect.actions if action.word == "draw")


def stamps_of(scenario: Scenario) -> tuple[str, ...]:
    """The stamps that effects set, in the order of their first appearance."""
    actions = (action for _, effect in effects_of(scenario) for action in effect.actions)
    return tuple(dict.fromkeys(action.target for action in actions if action.word == "stamp"))


def rules_of(scenario: Scenario) -> tuple[str, ...]:
    """The names of all rules: of clocks, then stage by stage, in file order."""

    def within(to: Destination | None) -> Iterator[str]:
        if isinstance(to, Rules):
            for item in to.items:
                yield from filter(None, [item.name])
                yield from within(item.to)

    places: list[Destination | None] = [clock.to for clock in scenario.clocks]
    for stage in scenario.stages:
        places += [stage.decide, *(event.to for event in (*stage.events, *stage.while_waiting))]
    return tuple(dict.fromkeys(name for place in places for name in within(place)))


def is_drawn(to: Destination) -> bool:
    """Whether chance may choose within a destination."""
    if isinstance(to, Rules):
        return any(is_drawn(item.to) for item in to.items)
    return isinstance(to, Chances)
