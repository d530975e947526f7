"""What each patient costs and gains, by category, year and stage: a function of the log and the scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np

from sim.economics.discounting import UNDISCOUNTED, YEAR, Discount
from sim.economics.stays import Stays, was_there_before
from sim.economics.utility_cap import AboveCap
from sim.event_log.log import Codes, Floats, Indices
from sim.outcomes.history.choices import WhileLeaving, by_category, evaluate
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.queues.waiting_burden import DEAD
from sim.scenario.language.model import Economics, Scenario, Value, events_of

OTHER = "other"
"""The category of a cost without one."""


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """Totals of each patient, shape [n_patients]."""

    discounted: Floats
    undiscounted: Floats

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.discounted + other.discounted, self.undiscounted + other.undiscounted)

    def times(self, factor: float) -> Amounts:
        """Each total times a factor."""
        return Amounts(self.discounted * factor, self.undiscounted * factor)

    def in_years(self) -> Amounts:
        """Totals in days as years."""
        return Amounts(self.discounted / YEAR, self.undiscounted / YEAR)


@dataclass(frozen=True, slots=True, eq=False)
class Dues:
    """Amounts of patients, each due at a moment (begin = end) or evenly over a time.

    patient: index; stage: code of the one an amount falls due in; begin, end: days since the start.
    Shape [n_amounts] each.
    """

    patient: Indices
    stage: Codes
    begin: Floats
    end: Floats
    amounts: Amounts

    @classmethod
    def concatenate(cls, parts: Sequence[Dues]) -> Dues:
        """All amounts of the parts, in their order."""
        return cls(
            np.concatenate([dues.patient for dues in parts]),
            np.concatenate([dues.stage for dues in parts]),
            np.concatenate([dues.begin for dues in parts]),
            np.concatenate([dues.end for dues in parts]),
            Amounts(
                np.concatenate([dues.amounts.discounted for dues in parts]),
                np.concatenate([dues.amounts.undiscounted for dues in parts]),
            ),
        )

    def totals(self, n_patients: int, code: Indices, n: int) -> list[Amounts]:
        """The amounts of each patient with each code 0 to n - 1, added up; code: shape [n_amounts]."""
        at = code * n_patients + self.patient
        found = (
            np.bincount(at, weights=each, minlength=n * n_patients).reshape(n, n_patients)
            for each in (self.amounts.discounted, self.amounts.undiscounted)
        )
        return [Amounts(*rows) for rows in zip(*found, strict=True)]


class Valuation:
    """Costs, QALYs and life-years of every patient in a log, at the prices of its scenario.

    Raises: RunError where a choice by an attribute has no entry for a patient's value.
    """

    def __init__(self, history: History) -> None:
        scenario = history.scenario
        assert scenario.economics is not None
        self.history, self.scenario = history, scenario
        self.economics: Economics = scenario.economics
        self._stays = Stays(history, _accruing(scenario), _priced_resources(scenario))
        convention = self.economics.convention
        self._weights: dict[Discount, Floats] = {}
        self._cost_discount = Discount.at_rate(self.economics.discount_cost, convention=convention)
        self._health_discount = Discount.at_rate(self.economics.discount_qaly, convention=convention)

    # ------------------------------------------------------------ totals

    @cached_property
    def cost(self) -> Mapping[str, Amounts]:
        """Each patient's cost by category, in the order of the scenario."""
        names = categories(self.scenario)
        if not self._costs:
            return {}
        code = np.repeat(np.arange(len(self._costs)), [len(dues.patient) for _, dues in self._costs])
        position = np.array([names.index(category) for category, _ in self._costs])
        totals = self._all_costs.totals(self.history.log.n_patients, position[code], len(names))
        return dict(zip(names, totals, strict=True))

    @cached_property
    def total_cost(self) -> Amounts:
        """Each patient's cost in all categories."""
        total = Amounts(*(np.zeros(self.history.log.n_patients) for _ in range(2)))
        for amounts in self.cost.values():
            total = total + amounts
        return total

    @cached_property
    def qaly(self) -> Amounts:
        """Each patient's quality-adjusted life-years: utilities over time, and those of events."""
        lasting = self._accrued(self._utility)
        if self._further_qalys:
            dues = Dues.concatenate(self._further_qalys)
            lasting = lasting + dues.totals(self.history.log.n_patients, np.zeros_like(dues.patient), 1)[0]
        return lasting

    @cached_property
    def _further_qalys(self) -> Sequence[Dues]:
        """What the highest utilities of each age take off, and the QALYs of events."""
        found = list(self._event_qalys())
        cap = self.economics.utility_cap
        if cap is not None:
            above = AboveCap.of(self._stays, self._utility, cap)
            lost = Amounts(above.worth(self._health_discount), above.worth(UNDISCOUNTED)).times(-1 / YEAR)
            stage = np.zeros(len(above.patient), np.int16)
            found.append(Dues(above.patient, stage, above.begin, above.end, lost))
        return found

    @cached_property
    def life_years(self) -> Amounts:
        """Each patient's years from the start until the state `dead`, or the end of follow-up."""
        return self._accrued(self._is_alive)

    @cached_property
    def cost_by_stage(self) -> Mapping[str, Amounts]:
        """Each patient's cost by the stage it falls due in; a wait counts to the stage left."""
        stages = self.history.log.names.stages
        names = costly_stages(self.scenario)
        position = np.zeros(len(stages), np.int64)
        position[[stages.index(name) for name in names]] = np.arange(len(names))
        dues = self._all_costs
        totals = dues.totals(self.history.log.n_patients, position[dues.stage], len(names))
        return dict(zip(names, totals, strict=True))

    def cost_by_year(self, chosen: Indices) -> Floats:
        """Undiscounted cost of these patients (increasing) in each year since the start, added up.

        Shape [n_years]: year k from k to k + 1 years, the last one that can be observed.
        """
        return self._by_year(self._all_costs, chosen)

    def qaly_by_year(self, chosen: Indices) -> Floats:
        """Undiscounted QALYs of these patients in each year, as `cost_by_year`."""
        stays, worth = self._stays, self._utility * self._weights_of(UNDISCOUNTED) / YEAR
        lasting = Dues(stays.patient, stays.stage, stays.begin, stays.end, Amounts(worth, worth))
        return self._by_year(Dues.concatenate([lasting, *self._further_qalys]), chosen)

    def _by_year(self, dues: Dues, chosen: Indices) -> Floats:
        mask = np.zeros(self.history.log.n_patients, bool)
        mask[chosen] = True
        n = self.n_years
        here = mask[dues.patient]
        begin, end = dues.begin[here] / YEAR, dues.end[here] / YEAR
        amount, lasts = dues.amounts.undiscounted[here], end > begin
        rate = amount[lasts] / (end[lasts] - begin[lasts])
        year = begin[~lasts].astype(np.int64)
        at_once = np.bincount(year, weights=amount[~lasts], minlength=n)[:n]
        found: Floats = at_once + _after(begin[lasts], rate, n) - _after(end[lasts], rate, n)
        return found

    @cached_property
    def n_years(self) -> int:
        """Years since the start that can be observed, the last one begun counted."""
        follow_up, horizon = self.scenario.patients.follow_up, self.scenario.horizon
        return ceil((horizon if follow_up is None else min(follow_up, horizon)) / YEAR)

    # ------------------------------------------------------------ adding up

    def _accrued(self, rate: Floats) -> Amounts:
        """Years of each patient, each stretch weighted by its rate."""
        first = self._stays.first
        weights = (self._weights_of(discount) for discount in (self._health_discount, UNDISCOUNTED))
        return Amounts(*(np.add.reduceat(rate * one, first) for one in weights)).in_years()

    def _weights_of(self, discount: Discount) -> Floats:
        if discount not in self._weights:
            self._weights[discount] = self._stays.weights(discount)
        return self._weights[discount]

    @cached_property
    def _costs(self) -> Sequence[tuple[str, Dues]]:
        """Everything that costs something, with its category; what costs nothing is left out."""
        parts = (self._daily_costs(), self._entry_costs(), self._event_costs(), self._use_costs())
        return [(category, dues) for part in parts for category, dues in part]

    @cached_property
    def _all_costs(self) -> Dues:
        return Dues.concatenate([dues for _, dues in self._costs])

    # ------------------------------------------------------------ what accrues over time

    @cached_property
    def _utility(self) -> Floats:
        """The utility in each stretch: the stage's own, else the state's; 0 where there is none."""
        stays, names, scenario = self._stays, self.history.log.names, self.scenario
        own = [scenario.stage(name).utility for name in names.stages]
        of_state = {state.name: state.utility for state in scenario.states}
        states = [of_state[name] for name in names.states]
        found = np.append(_constants(states), 0.0)[stays.state]
        constant = np.append(_constants(own, nan_for_none=True), np.nan)[stays.stage]
        found = np.where(np.isnan(constant), found, constant)
        has_own = np.append([utility is not None for utility in own], False)[stays.stage]
        for code, utility in enumerate(states):
            if utility is not None and not isinstance(utility, float | int):
                at = np.flatnonzero((stays.state == code) & ~has_own)
                found[at] = evaluate(self.history, utility, stays.row[at])
        for code, utility in enumerate(own):
            if utility is not None and not isinstance(utility, float | int):
                at = np.flatnonzero(stays.stage == code)
                found[at] = evaluate(self.history, utility, stays.row[at])
        return found

    @property
    def _is_alive(self) -> Floats:
        """1 in each stretch before the state `dead`, else 0."""
        names = self.history.log.names
        if DEAD not in names.states:
            return np.ones(len(self._stays.row))
        dead = np.flatnonzero(self._stays.state == names.states.index(DEAD))
        first = np.full(self.history.log.n_patients, NEVER)
        patient = self._stays.patient[dead]
        begins = np.append(True, patient[1:] != patient[:-1])[: len(patient)]
        first[patient[begins]] = dead[begins]
        alive: Floats = (np.arange(len(self._stays.row)) < first[self._stays.patient]).astype(np.float64)
        return alive

    def _daily_costs(self) -> Iterator[tuple[str, Dues]]:
        """What accrues by the day."""
        stays, names = self._stays, self.history.log.names
        for code, name in enumerate(names.stages):
            cost = self.scenario.stage(name).cost
            for category, value in by_category(None if cost is None else cost.per_day, other=OTHER):
                yield category, self._flow(np.flatnonzero(stays.stage == code), value)
        for resource in self.scenario.resources:
            for category, value in by_category(resource.cost_per_day, other=OTHER):
                units = stays.units_held(resource.name)
                at = np.flatnonzero(units)
                yield category, self._flow(at, value, units[at])

    def _flow(self, at: Indices, value: Value[float], times: Floats | float = 1.0) -> Dues:
        stays = self._stays
        rate = times * evaluate(self.history, value, stays.row[at])
        at, rate = at[rate != 0.0], rate[rate != 0.0]
        weights = (self._weights_of(discount) for discount in (self._cost_discount, UNDISCOUNTED))
        amounts = Amounts(*(rate * weight[at] for weight in weights))
        return Dues(stays.patient[at], stays.stage[at], stays.begin[at], stays.end[at], amounts)

    # ------------------------------------------------------------ what falls due at once

    def _entry_costs(self) -> Iterator[tuple[str, Dues]]:
        """Costs of entering stages, after the effects of entering."""
        for stage in self.scenario.stages:
            entry = None if stage.cost is None else stage.cost.on_entry
            for category, value in by_category(entry, other=OTHER):
                rows = self.history.entries(stage.name)
                rows = rows[~was_there_before(self.history, rows)]
                yield category, self._lump(rows, evaluate(self.history, value, rows), self._cost_discount)

    def _event_costs(self) -> Iterator[tuple[str, Dues]]:
        for name, event in events_of(self.scenario):
            for category, value in by_category(event.cost, other=OTHER):
                yield category, self._event_lump(name, value, self._cost_discount)

    def _event_qalys(self) -> Iterator[Dues]:
        for name, event in events_of(self.scenario):
            if event.qaly is not None:
                yield self._event_lump(name, event.qaly, self._health_discount)

    def _event_lump(self, name: str, value: Value[float], discount: Discount) -> Dues:
        """What an event is worth each time, after its `do`, while the patient is in the stage left."""
        rows = np.flatnonzero(self.history.log.event == self.history.log.names.events.index(name))
        return self._lump(rows, evaluate(self._while_leaving, value, rows), discount, leaving=True)

    def _use_costs(self) -> Iterator[tuple[str, Dues]]:
        """Costs of each use of a resource, as it is granted."""
        for resource in self.scenario.resources:
            for category, value in by_category(resource.cost_per_use, other=OTHER):
                rows, units = self._stays.grants(resource.name)
                amount = units * evaluate(self.history, value, rows)
                yield category, self._lump(rows, amount, self._cost_discount)

    @cached_property
    def _while_leaving(self) -> WhileLeaving:
        return WhileLeaving(self.history)

    def _lump(self, rows: Indices, amount: Floats, discount: Discount, *, leaving: bool = False) -> Dues:
        log = self.history.log
        rows, amount = rows[amount != 0.0], amount[amount != 0.0]
        stage = log.stage_from[rows] if leaving else log.stage_to[rows]
        unknown = stage < 0
        stage = np.where(unknown, self.history.stage(rows), stage) if unknown.any() else stage
        time = log.time[rows]
        amounts = Amounts(amount * discount.factors(time), amount)
        return Dues(self.history.patients(rows).astype(np.int64), stage, time, time, amounts)


def _constants(values: Sequence[Value[float] | None], *, nan_for_none: bool = False) -> Floats:
    """Values that do not depend on the patient; 0 for the others."""
    none = np.nan if nan_for_none else 0.0
    return np.array(
        [none if v is None else float(v) if isinstance(v, float | int) else 0.0 for v in values], np.float64
    )


def _after(edges: Floats, rate: Floats, n: int) -> Floats:
    """What flows that begin at these times (years) bring in each year 0 to n - 1, added up."""
    year = np.minimum(edges.astype(np.int64), n - 1)
    first = np.bincount(year, weights=rate * (year + 1 - edges), minlength=n)
    found: Floats = first.astype(np.float64)
    found[1:] += np.cumsum(np.bincount(year, weights=rate, minlength=n))[:-1]
    return found


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
    priced = set(_priced_resources(scenario))
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


def _accruing(scenario: Scenario) -> Iterator[Value[Any]]:
    """Every value that accrues over time, and what limits it."""
    if scenario.economics is not None and scenario.economics.utility_cap is not None:
        yield scenario.economics.utility_cap
    for state in scenario.states:
        if state.utility is not None:
            yield state.utility
    for stage in scenario.stages:
        if stage.utility is not None:
            yield stage.utility
        if stage.cost is not None:
            yield from (value for _, value in by_category(stage.cost.per_day, other=OTHER))
    for resource in scenario.resources:
        yield from (value for _, value in by_category(resource.cost_per_day, other=OTHER))


def _priced_resources(scenario: Scenario) -> list[str]:
    return [r.name for r in scenario.resources if r.cost_per_use is not None or r.cost_per_day is not None]
