"""What a scenario contains, element by element: effects, draws, events, stamps, rules."""

from __future__ import annotations

from collections.abc import Iterator

from sim.pathway.distributions import ends
from sim.scenario.language.model import (
    Chances,
    Destination,
    Distribution,
    Draw,
    Effect,
    Event,
    Rules,
    Scenario,
)


def all_effects(scenario: Scenario) -> Iterator[tuple[str, Effect]]:
    """Every effect with the name of the place it stands in, as its draws are named."""
    for effect in scenario.on_start:
        yield "on_start", effect
    for clock in scenario.clocks:
        for effect in clock.do:
            yield f"clock.{clock.name}", effect
    for stage in scenario.stages:
        for effect in stage.on_entry:
            yield f"{stage.name}.on_entry", effect
        for event in (*stage.events, *stage.while_waiting):
            for effect in event.do:
                yield f"{stage.name}.{event.name}", effect


def stamps_of(scenario: Scenario) -> tuple[str, ...]:
    """The stamps that effects set, in the order of their first appearance."""
    named = (a.target for _, e in all_effects(scenario) for a in e.actions if a.word == "stamp")
    return tuple(dict.fromkeys(named))


def rules_of(scenario: Scenario) -> tuple[str, ...]:
    """The names of all rules, in file order."""

    def within(to: Destination | None) -> Iterator[str]:
        if isinstance(to, Rules):
            for item in to.items:
                if item.name:
                    yield item.name
                yield from within(item.to)

    found: list[str] = []
    for clock in scenario.clocks:
        found.extend(within(clock.to))
    for stage in scenario.stages:
        found.extend(within(stage.decide))
        for event in (*stage.events, *stage.while_waiting):
            found.extend(within(event.to))
    return tuple(dict.fromkeys(found))


def draws_of(scenario: Scenario) -> Iterator[Draw]:
    """Every draw of an attribute."""
    for attribute in scenario.patients.attributes:
        if isinstance(attribute.initial, Draw):
            yield attribute.initial
    for _, effect in all_effects(scenario):
        for action in effect.actions:
            if action.word == "draw":
                yield action.value


def events_of(scenario: Scenario) -> Iterator[Event]:
    """Clocks, then the events of each stage."""
    yield from scenario.clocks
    for stage in scenario.stages:
        yield from (*stage.events, *stage.while_waiting)


def event_names(scenario: Scenario) -> list[str]:
    """`STAGE.EVENT` in file order, then `clock.CLOCK`."""
    events = [f"{s.name}.{e.name}" for s in scenario.stages for e in (*s.events, *s.while_waiting)]
    return events + [f"clock.{c.name}" for c in scenario.clocks]


def followed_by_draws(scenario: Scenario) -> list[str]:
    """Attributes that another draw follows by a copula, each once."""
    return list(dict.fromkeys(draw.follows[0] for draw in draws_of(scenario) if draw.follows is not None))


def most_windows(scenario: Scenario) -> int:
    """The largest number of hazard ratios of one distribution."""
    found: list[Distribution] = []
    for event in events_of(scenario):
        found.extend(ends(event.after))
    for draw in draws_of(scenario):
        found.extend(ends(draw.distribution) if draw.distribution is not None else [])
    return max((len(distribution.hazard_ratios) for distribution in found), default=0)


def is_drawn(to: Destination) -> bool:
    """Whether chance may choose within a destination."""
    if isinstance(to, Rules):
        return any(is_drawn(item.to) for item in to.items)
    return isinstance(to, Chances)
