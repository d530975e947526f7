"""What each patient costs and gains, by category, year and stage: a function of the log and the scenario."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.economics.choices import WhileLeaving, by_category, evaluate
from sim.economics.discounting import UNDISCOUNTED, YEAR, Discount
from sim.economics.stays import Stays, stage_called, was_there_before
from sim.economics.utility_cap import AboveCap
from sim.event_log.log import Floats, Indices
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
class Flow:
    """Amounts per day in some stretches: indices of stretches, and the rate in each."""

    stretch: Indices
    rate: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Lump:
    """Amounts due at some rows of the log; stage: the code of the one they belong to."""

    row: Indices
    amount: Floats
    stage: NDArray[np.int16]


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
        discount = self._cost_discount
        return {
            category: self._added(self._flows.get(category, ()), self._lumps.get(category, ()), discount)
            for category in categories(self.scenario)
        }

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
        cap = self.economics.utility_cap
        if cap is not None:
            above, n = AboveCap.of(self._stays, self._utility, cap), self.history.log.n_patients
            lost = (above.years_lost(one, n) for one in (self._health_discount, UNDISCOUNTED))
            lasting = lasting + Amounts(*lost).times(-1.0)
        return lasting + self._added([], list(self._event_qalys()), self._health_discount)

    @cached_property
    def life_years(self) -> Amounts:
        """Each patient's years from the start until the state `dead`, or the end of follow-up."""
        return self._accrued(self._is_alive)

    @cached_property
    def cost_by_stage(self) -> Mapping[str, Amounts]:
        """Each patient's cost by the stage it falls due in; a wait counts to the stage left."""
        names = self.history.log.names.stages
        flows = [flow for parts in self._flows.values() for flow in parts]
        lumps = [lump for parts in self._lumps.values() for lump in parts]
        found: dict[str, Amounts] = {}
        for name in costly_stages(self.scenario):
            code = names.index(name)
            here = [_only_flow(flow, self._stays.stage == code) for flow in flows]
            due = [_only_lump(lump, lump.stage == code) for lump in lumps]
            found[name] = self._added(here, due, self._cost_discount)
        return found

    def cost_by_year(self, chosen: Indices) -> Floats:
        """Undiscounted cost of these patients (increasing) in each year since the start, added up.

        Shape [n_years]: year k from k to k + 1 years, the last one that can be observed.
        """
        flows = [flow for parts in self._flows.values() for flow in parts]
        return self._by_year(flows, [lump for parts in self._lumps.values() for lump in parts], chosen)

    def qaly_by_year(self, chosen: Indices) -> Floats:
        """Undiscounted QALYs of these patients in each year, as `cost_by_year`."""
        lasting = Flow(np.arange(len(self._utility)), self._utility / YEAR)
        return self._by_year([lasting], list(self._event_qalys()), chosen)

    def _by_year(self, flows: Sequence[Flow], lumps: Sequence[Lump], chosen: Indices) -> Floats:
        stays, log = self._stays, self.history.log
        mask = np.zeros(log.n_patients, bool)
        mask[chosen] = True
        n = self.n_years
        found = np.zeros(n)
        for flow in flows:
            here = mask[stays.patient[flow.stretch]]
            at, rate = flow.stretch[here], flow.rate[here]
            for edges, sign in ((stays.begin[at] / YEAR, 1.0), (stays.end[at] / YEAR, -1.0)):
                found += sign * _after(edges, rate * YEAR, n)
        for lump in lumps:
            here = mask[self.history.patients(lump.row)]
            year = (log.time[lump.row[here]] / YEAR).astype(np.int64)
            found += np.bincount(year, weights=lump.amount[here], minlength=n)[:n]
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

    def _added(self, flows: Sequence[Flow], lumps: Sequence[Lump], discount: Discount) -> Amounts:
        return Amounts(*(self._sums(flows, lumps, one) for one in (discount, UNDISCOUNTED)))

    def _sums(self, flows: Sequence[Flow], lumps: Sequence[Lump], discount: Discount) -> Floats:
        n, log = self.history.log.n_patients, self.history.log
        weights, total = self._weights_of(discount), np.zeros(n)
        for flow in flows:
            worth = flow.rate * weights[flow.stretch]
            total += np.bincount(self._stays.patient[flow.stretch], weights=worth, minlength=n)
        for lump in lumps:
            worth = lump.amount * discount.factors(log.time[lump.row])
            total += np.bincount(self.history.patients(lump.row), weights=worth, minlength=n)
        return total

    # ------------------------------------------------------------ what accrues over time

    @cached_property
    def _utility(self) -> Floats:
        """The utility in each stretch: the stage's own, else the state's; 0 where there is none."""
        stays, names, scenario = self._stays, self.history.log.names, self.scenario
        own = [stage_called(scenario, name).utility for name in names.stages]
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

    @cached_property
    def _flows(self) -> Mapping[str, Sequence[Flow]]:
        """What accrues by the day, by category."""
        stays, names = self._stays, self.history.log.names
        found: dict[str, list[Flow]] = {}
        for code, name in enumerate(names.stages):
            cost = stage_called(self.scenario, name).cost
            for category, value in by_category(None if cost is None else cost.per_day, other=OTHER):
                at = np.flatnonzero(stays.stage == code)
                found.setdefault(category, []).append(self._flow(at, value))
        for resource in self.scenario.resources:
            for category, value in by_category(resource.cost_per_day, other=OTHER):
                units = stays.units_held(resource.name)
                at = np.flatnonzero(units)
                found.setdefault(category, []).append(self._flow(at, value, units[at]))
        return found

    def _flow(self, at: Indices, value: Value[float], times: Floats | float = 1.0) -> Flow:
        return Flow(at, times * evaluate(self.history, value, self._stays.row[at]))

    # ------------------------------------------------------------ what falls due at once

    @cached_property
    def _lumps(self) -> Mapping[str, Sequence[Lump]]:
        """What falls due at a moment, by category."""
        found: dict[str, list[Lump]] = {}
        for category, lump in (*self._entry_lumps(), *self._event_costs(), *self._use_lumps()):
            found.setdefault(category, []).append(lump)
        return found

    def _entry_lumps(self) -> Iterator[tuple[str, Lump]]:
        """Costs of entering stages, after the effects of entering."""
        for stage in self.scenario.stages:
            entry = None if stage.cost is None else stage.cost.on_entry
            for category, value in by_category(entry, other=OTHER):
                rows = self.history.entries(stage.name)
                rows = rows[~was_there_before(self.history, rows)]
                yield category, self._lump(rows, evaluate(self.history, value, rows))

    def _event_costs(self) -> Iterator[tuple[str, Lump]]:
        for name, event in events_of(self.scenario):
            for category, value in by_category(event.cost, other=OTHER):
                yield category, self._event_lump(name, value)

    def _event_qalys(self) -> Iterator[Lump]:
        for name, event in events_of(self.scenario):
            if event.qaly is not None:
                yield self._event_lump(name, event.qaly)

    def _event_lump(self, name: str, value: Value[float]) -> Lump:
        """What an event is worth each time, after its `do`, while the patient is in the stage left."""
        rows = np.flatnonzero(self.history.log.event == self.history.log.names.events.index(name))
        return self._lump(rows, evaluate(self._while_leaving, value, rows), leaving=True)

    def _use_lumps(self) -> Iterator[tuple[str, Lump]]:
        """Costs of each use of a resource, as it is granted."""
        for resource in self.scenario.resources:
            for category, value in by_category(resource.cost_per_use, other=OTHER):
                rows, units = self._stays.grants(resource.name)
                yield category, self._lump(rows, units * evaluate(self.history, value, rows))

    @cached_property
    def _while_leaving(self) -> WhileLeaving:
        return WhileLeaving(self.history)

    def _lump(self, rows: Indices, amount: Floats, *, leaving: bool = False) -> Lump:
        log = self.history.log
        stage = log.stage_from[rows] if leaving else log.stage_to[rows]
        unknown = stage < 0
        stage = np.where(unknown, self.history.stage(rows), stage) if unknown.any() else stage
        return Lump(rows, amount, stage)


def _constants(values: Sequence[Value[float] | None], *, nan_for_none: bool = False) -> Floats:
    """Values that do not depend on the patient; 0 for the others."""
    none = np.nan if nan_for_none else 0.0
    return np.array(
        [none if v is None else float(v) if isinstance(v, float | int) else 0.0 for v in values], np.float64
    )


def _only_flow(flow: Flow, mask: NDArray[np.bool_]) -> Flow:
    keep = mask[flow.stretch]
    return Flow(flow.stretch[keep], flow.rate[keep])


def _only_lump(lump: Lump, mask: NDArray[np.bool_]) -> Lump:
    return Lump(lump.row[mask], lump.amount[mask], lump.stage[mask])


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
