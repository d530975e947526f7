"""What a scenario values, as the rows and numbers that `sim.economics.ledger` reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from sim.economics import layout as due
from sim.outcomes.history.choices import by_category, covariates
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints
from sim.pathway.names import EVENTS_OF_EVERY_LOG, Names
from sim.pathway.rows import Codes, Expressions, Rows
from sim.scenario.language.drawn import Drawn, Values
from sim.scenario.language.model import (
    DEAD,
    AgeSteps,
    Amount,
    Cases,
    Covariate,
    Effect,
    Resource,
    Scenario,
    Stage,
    Value,
    events_of,
)

OTHER = "other"
"""The category of a cost without one."""
CHANGES = ("set", "add", "copy", "draw", "stamp")
"""The actions that change an attribute or a stamp."""


@dataclass(frozen=True, slots=True)
class Program:
    """Prices and utilities, ready to be read beside a log.

    rows: int64 [n_rows, WIDTH]. numbers: float64 [n_tables, n_numbers], one table for all replications, or
    one for each of a log. n_x, n_k: size of a patient's float64 and int64 part.
    categories of cost, stages in which one can fall due: in the order of their totals.
    queues: covariates of resources that a value reads. drawn: the numbers that follow from parameters,
    where the scenario keeps these.
    """

    rows: Ints
    numbers: Floats
    n_x: int
    n_k: int
    categories: tuple[str, ...]
    stages: tuple[str, ...]
    queues: tuple[Covariate, ...]
    drawn: tuple[tuple[int, Drawn], ...]

    @property
    def n_totals(self) -> int:
        """Costs by category, QALYs, life-years and costs by stage, each discounted and not."""
        return 2 * (len(self.categories) + 2 + len(self.stages))

    def at(self, draws: Sequence[Values]) -> Program:
        """The prices of each replication of a log: those for these values of the parameters, in order."""
        numbers = np.repeat(self.numbers[:1], len(draws), axis=0)
        for index, number in self.drawn:
            numbers[:, index] = [number.at(values) for values in draws]
        return replace(self, numbers=numbers)


def write_program(scenario: Scenario, names: Names) -> Program:
    """Write what a scenario values, for logs with these names."""
    return _Writer(scenario, names).write()


class _Writer:
    """Writes the rows of one scenario; used once."""

    def __init__(self, scenario: Scenario, names: Names) -> None:
        self.scenario, self.names = scenario, names
        self.rows = Rows()
        self.codes = Codes.of(scenario, names.stamps)
        self.expressions = Expressions(self.rows, self.codes)
        self.rows.reserve(due.VALUES + 1)
        n = len(scenario.resources)
        self.rows.vector([0.0] * n + [inf] * n)
        self.categories, self.stages = categories(scenario), tuple(costly_stages(scenario))
        self.total_of = {name: due.FIRST_TOTAL + 2 * i for i, name in enumerate(self.categories)}
        self.qalys = due.FIRST_TOTAL + 2 * len(self.categories)
        self.priced = [resource for resource in scenario.resources if is_priced(resource)]
        self.unlimited = {r.name: i for i, r in enumerate(self.priced) if r.is_free}

    def write(self) -> Program:
        """All rows, then the head."""
        scenario, names, rows = self.scenario, self.names, self.rows
        events = dict.fromkeys(EVENTS_OF_EVERY_LOG, (None, None, ()))
        written = [self.event(None, None, scenario.on_start if name == "start" else ()) for name in events]
        written += [self.event(event.cost, event.qaly, event.do) for _, event in events_of(scenario)]
        utility_of = {state.name: state.utility for state in scenario.states}
        stages = rows.add_all([self.stage(stage) for stage in scenario.stages])
        states = [{due.STATE_UTILITY: self.number(utility_of[name])} for name in names.states]
        columns = {
            due.VALUES_EVENTS: rows.add_all(written),
            due.VALUES_STATES: rows.add_all(states),
            due.VALUES_RESOURCES: rows.add_all([self.resource(resource) for resource in self.priced]),
            due.VALUES_N_RESOURCES: len(self.priced),
        }
        n_x, n_k = self.write_head(stages, columns)
        read = dict.fromkeys(covariate for value in values(scenario) for covariate in covariates(value))
        queues = tuple(covariate for covariate in read if covariate.kind in ("queue", "free"))
        tables = rows.freeze()
        return Program(
            tables.program,
            tables.numbers[np.newaxis],
            n_x,
            n_k,
            self.categories,
            self.stages,
            queues,
            tuple(rows.drawn.items()),
        )

    def write_head(self, stages: int, columns: dict[int, int]) -> tuple[int, int]:
        """Write the facts of the scenario as a whole; returns the size of a patient's two parts."""
        names, economics, rows = self.names, self.scenario.economics, self.rows
        assert economics is not None
        stamps = at.FIRST_ATTRIBUTE + len(names.attributes)
        waited = stamps + len(names.stamps) + len(names.resources)
        units = waited + len(names.stages)
        n_changes = len(names.attributes) + len(names.stamps)
        age = names.attributes.index("age") if "age" in names.attributes else at.NONE
        has_age = age != at.NONE and not names.categories[age]
        read = (covariate.kind for value in accruing(self.scenario) for covariate in covariates(value))
        rows.put(
            0,
            {
                at.HEAD_STAGES: stages,
                at.HEAD_N_STAGES: len(names.stages),
                at.HEAD_N_ATTRIBUTES: len(names.attributes),
                at.HEAD_STAMPS: stamps,
                at.HEAD_N_STAMPS: len(names.stamps),
                at.HEAD_WAITED: waited,
                at.HEAD_VISITS: due.FIRST_VISIT,
            },
        )
        more = {at.MORE_AGE: age if has_age else at.NONE, at.MORE_N_RESOURCES: len(names.resources)}
        rows.put(at.MORE, more)
        n = len(self.priced)
        columns |= {
            due.VALUES_CAP: self.expressions.node(economics.utility_cap, self.steps)
            if economics.utility_cap is not None
            else at.NONE,
            due.VALUES_COST_RATE: rows.constant(economics.discount_cost),
            due.VALUES_QALY_RATE: rows.constant(economics.discount_qaly),
            due.VALUES_IS_ANNUAL: economics.convention == "annual",
            due.VALUES_DEAD: names.states.index(DEAD) if DEAD in names.states else at.NO_NODE,
            due.VALUES_EACH_ROW: not set(read) <= {"attribute", "stage"},
            due.VALUES_QALYS: self.qalys,
            due.VALUES_LIFE_YEARS: self.qalys + 2,
            due.VALUES_EVENT_QALYS: self.qalys + 4 + 2 * len(self.stages),
            due.VALUES_YEARS: self.qalys + 6 + 2 * len(self.stages),
            due.VALUES_UNITS: units,
            due.VALUES_KEPT: units + n,
            due.VALUES_NEEDED: units + 2 * n,
        }
        rows.put(due.VALUES, columns)
        return units + 3 * n, due.FIRST_VISIT + len(names.stages) + n_changes

    # ------------------------------------------------------------ records

    def stage(self, stage: Stage) -> dict[int, int]:
        """The columns of a stage."""
        decides = stage.decide is not None
        cost = stage.cost
        entry = self.prices(None if cost is None else cost.on_entry)
        daily = self.prices(None if cost is None else cost.per_day)
        changes = self.changes(stage.on_entry)
        needs = self.rows.add_all(
            [
                {
                    due.NEED_RESOURCE: self.unlimited[need.resource],
                    due.NEED_WHEN: self.expressions.condition(need.when),
                    due.NEED_UNITS: self.expressions.number(need.units),
                }
                for need in stage.needs
                if need.resource in self.unlimited
            ]
        )
        n_needs = sum(need.resource in self.unlimited for need in stage.needs)
        of_stage = self.stages.index(stage.name) if stage.name in self.stages else 0
        return {
            at.STAGE_KIND: at.DECISION if decides else at.TAKES_TIME,
            due.STAGE_STATE: at.NONE if stage.state is None else self.names.states.index(stage.state),
            due.STAGE_UTILITY: self.number(stage.utility),
            due.STAGE_ENTRY: entry[0],
            due.STAGE_N_ENTRY: entry[1],
            due.STAGE_DAILY: daily[0],
            due.STAGE_N_DAILY: daily[1],
            due.STAGE_TOTAL: self.qalys + 4 + 2 * of_stage,
            due.STAGE_NEEDS: needs,
            due.STAGE_N_NEEDS: n_needs,
            due.STAGE_CHANGES: changes[0],
            due.STAGE_N_CHANGES: changes[1],
        }

    def event(self, cost: Amount | None, qaly: Value[float] | None, do: Sequence[Effect]) -> dict[int, int]:
        """The columns of an event."""
        prices, changes = self.prices(cost), self.changes(do)
        return {
            due.EVENT_COSTS: prices[0],
            due.EVENT_N_COSTS: prices[1],
            due.EVENT_QALYS: self.number(qaly),
            due.EVENT_CHANGES: changes[0],
            due.EVENT_N_CHANGES: changes[1],
        }

    def resource(self, resource: Resource) -> dict[int, int]:
        """The columns of a resource with a price."""
        use, daily = self.prices(resource.cost_per_use), self.prices(resource.cost_per_day)
        return {
            due.RESOURCE_CODE: self.codes.resources[resource.name],
            due.RESOURCE_USE: use[0],
            due.RESOURCE_N_USE: use[1],
            due.RESOURCE_DAILY: daily[0],
            due.RESOURCE_N_DAILY: daily[1],
            due.RESOURCE_IS_IN_LOG: not resource.is_free,
            due.RESOURCE_IS_KEPT: resource.release == "when_next_granted",
        }

    def prices(self, amount: Amount | None) -> tuple[int, int]:
        """The first row and the number of the prices of a cost, one for each category."""
        written = [
            {due.PRICE_TOTAL: self.total_of[category], due.PRICE_NODE: self.number(value)}
            for category, value in by_category(amount, other=OTHER)
        ]
        return self.rows.add_all(written), len(written)

    def changes(self, effects: Sequence[Effect]) -> tuple[int, int]:
        """The first row and the number of the attributes and stamps that effects may change."""
        found = Counter(
            len(self.codes.attributes) + self.codes.stamps[action.target]
            if action.word == "stamp"
            else self.codes.attributes[action.target]
            for effect in effects
            for action in effect.actions
            if action.word in CHANGES
        )
        written = [{due.CHANGE_WHAT: what, due.CHANGE_N: n} for what, n in found.items()]
        return self.rows.add_all(written), len(written)

    def steps(self, steps: AgeSteps) -> int:
        """The row of the highest utilities of each age."""
        constant = self.rows.constant
        written = [{due.STEP_AGE: constant(age), due.STEP_UTILITY: constant(value)} for age, value in steps]
        return self.rows.add({due.STEPS_FIRST: self.rows.add_all(written), due.STEPS_N: len(written)})

    def number(self, value: Value[float] | None) -> int:
        """The node of a number; NONE where there is none."""
        return at.NONE if value is None else self.expressions.number(value)


# ---------------------------------------------------------------- what a scenario values


def categories(scenario: Scenario) -> tuple[str, ...]:
    """The categories of cost that a scenario names, in the order of its file."""
    amounts = []
    for stage in scenario.stages:
        if stage.cost is not None:
            amounts += [stage.cost.on_entry, stage.cost.per_day]
    amounts += [event.cost for _, event in events_of(scenario)]
    for resource in scenario.resources:
        amounts += [resource.cost_per_use, resource.cost_per_day]
    return tuple(dict.fromkeys(c for amount in amounts for c, _ in by_category(amount, other=OTHER)))


def costly_stages(scenario: Scenario) -> list[str]:
    """The stages in which a cost can fall due, in the order of the file.

    A clock, and an event of a patient who waits, may happen in any.
    """
    waiting = [
        event
        for stage in scenario.stages
        for event in (*stage.while_waiting, *(event for event in stage.events if event.waiting))
    ]
    anywhere = any(event.cost is not None for event in (*scenario.clocks, *waiting))
    priced = {resource.name for resource in scenario.resources if is_priced(resource)}
    return [
        stage.name
        for stage in scenario.stages
        if stage.cost is not None
        or any(event.cost is not None for event in stage.events)
        or any(need.resource in priced for need in stage.needs)
        or (anywhere and stage.decide is None and not stage.terminal)
    ]


def has_utilities(scenario: Scenario) -> bool:
    """Whether a state, a stage, an event or a clock has a value in health."""
    return (
        any(state.utility is not None for state in scenario.states)
        or any(stage.utility is not None for stage in scenario.stages)
        or any(event.qaly is not None for _, event in events_of(scenario))
    )


def is_priced(resource: Resource) -> bool:
    """Whether a use or a day of a resource costs something."""
    return resource.cost_per_use is not None or resource.cost_per_day is not None


def accruing(scenario: Scenario) -> Iterator[Value[Any]]:
    """Every value that accrues over time, and what limits it."""
    if scenario.economics is not None and scenario.economics.utility_cap is not None:
        yield scenario.economics.utility_cap
    yield from (state.utility for state in scenario.states if state.utility is not None)
    for stage in scenario.stages:
        if stage.utility is not None:
            yield stage.utility
        if stage.cost is not None:
            yield from _ends_of(stage.cost.per_day)
    for resource in scenario.resources:
        yield from _ends_of(resource.cost_per_day)


def values(scenario: Scenario) -> Iterator[Value[Any]]:
    """Every value that is read at some row, and the conditions of needs."""
    yield from accruing(scenario)
    for _, event in events_of(scenario):
        yield from _ends_of(event.cost)
        if event.qaly is not None:
            yield event.qaly
    for stage in scenario.stages:
        if stage.cost is not None:
            yield from _ends_of(stage.cost.on_entry)
        yield from (Cases(((need.when, need.units),), need.where) for need in stage.needs)
    for resource in scenario.resources:
        yield from _ends_of(resource.cost_per_use)


def _ends_of(amount: Amount | None) -> Iterable[Value[float]]:
    return (value for _, value in by_category(amount, other=OTHER))
