"""Scenarios changed so that the change of the results is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import TypeVar

from sim.scenario.language.model import (
    DEAD,
    Amount,
    By,
    Cases,
    Distribution,
    Economics,
    Event,
    Probability,
    Ratio,
    Scenario,
    Stage,
    StageCost,
    Value,
)

T = TypeVar("T")


def mapped(value: Value[T], change: Callable[[T], T]) -> Value[T]:
    """A value, or a choice between values, with each of them changed."""
    if isinstance(value, By):
        entries = tuple((key, mapped(one, change)) for key, one in value.entries)
        return replace(
            value, entries=entries, rest=None if value.rest is None else mapped(value.rest, change)
        )
    if isinstance(value, Cases):
        return replace(value, items=tuple((when, mapped(one, change)) for when, one in value.items))
    return change(value)


def with_events(scenario: Scenario, change: Callable[[str, Event], Event]) -> Scenario:
    """Every event changed, given its name in the log."""

    def of_stage(stage: Stage) -> Stage:
        lists = ([change(f"{stage.name}.{one.name}", one) for one in part] for part in _events(stage))
        events, while_waiting = map(tuple, lists)
        return replace(stage, events=events, while_waiting=while_waiting)

    return replace(
        scenario,
        stages=tuple(map(of_stage, scenario.stages)),
        clocks=tuple(change(f"clock.{clock.name}", clock) for clock in scenario.clocks),
    )


def _events(stage: Stage) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    return stage.events, stage.while_waiting


def has_categorical_time(event: Event) -> bool:
    """Whether the time of an event, or one of several, is one of a few values with probabilities."""
    families: list[str] = []

    def note(time: Distribution) -> Distribution:
        families.append(time.family)
        if time.of is not None:
            mapped(time.of, note)
        return time

    mapped(event.after, note)
    return "categorical" in families


def with_hazard_ratio(scenario: Scenario, ratio: float, name: str = "") -> Scenario:
    """The hazard of an event multiplied at all times; name: in the log, "" for every event."""

    def slower(time: Distribution) -> Distribution:
        more = Ratio(ratio, False, None, None, 0.0, False, 0.0, inf, None, "", (), time.where)
        return replace(time, hazard_ratios=(*time.hazard_ratios, more))

    def change(own: str, event: Event) -> Event:
        return replace(event, after=mapped(event.after, slower)) if name in ("", own) else event

    return with_events(scenario, change)


def with_chance(scenario: Scenario, name: str, chance: float) -> Scenario:
    """An event that occurs with this probability when its time comes."""

    def change(own: str, event: Event) -> Event:
        return replace(event, chance=Probability(chance, (), event.where)) if own == name else event

    return with_events(scenario, change)


def unlimited(scenario: Scenario) -> Scenario:
    """Every resource without a limit and always open."""
    resources = (replace(one, capacity=None, calendar=None, repeat=None) for one in scenario.resources)
    return replace(scenario, resources=tuple(resources))


# ---------------------------------------------------------------- prices and utilities


def with_prices_times(scenario: Scenario, factor: float) -> Scenario:
    """Every price multiplied."""

    def times(amount: Amount | None) -> Amount | None:
        if isinstance(amount, Mapping):
            return {name: mapped(one, lambda price: price * factor) for name, one in amount.items()}
        return None if amount is None else mapped(amount, lambda price: price * factor)

    def of_stage(stage: Stage) -> Stage:
        cost = stage.cost
        if cost is not None:
            cost = StageCost(times(cost.on_entry), times(cost.per_day))
        return replace(stage, cost=cost)

    changed = with_events(scenario, lambda _, event: replace(event, cost=times(event.cost)))
    return replace(
        changed,
        stages=tuple(map(of_stage, changed.stages)),
        resources=tuple(
            replace(one, cost_per_use=times(one.cost_per_use), cost_per_day=times(one.cost_per_day))
            for one in changed.resources
        ),
    )


def with_utility(scenario: Scenario, utility: float) -> Scenario:
    """One utility for all who are alive, none of events, no cap by age."""
    changed = with_events(scenario, lambda _, event: replace(event, qaly=None))
    return replace(
        changed,
        states=tuple(replace(one, utility=0.0 if one.name == DEAD else utility) for one in changed.states),
        stages=tuple(
            replace(one, utility=utility if one.state is None and one.decide is None else None)
            for one in changed.stages
        ),
        economics=replace(_economics(scenario), utility_cap=None),
    )


def without_discounting(scenario: Scenario) -> Scenario:
    """Costs and QALYs of all years count alike."""
    economics = replace(_economics(scenario), discount_cost=0.0, discount_qaly=0.0)
    return replace(scenario, economics=economics)


def _economics(scenario: Scenario) -> Economics:
    assert scenario.economics is not None
    return scenario.economics
