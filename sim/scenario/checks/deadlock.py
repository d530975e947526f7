"""Deadlocks: patients who each hold a resource that the other waits for.

Source: Coffman, Elphick and Shoshani, doi:10.1145/356586.356588. Of the four conditions of a deadlock the
language meets two wherever something is limited: a unit is held by one patient, and nobody takes it away.
The others are up to a scenario: units kept while their holder waits, and a ring of resources that are
waited for so. Conditions of events, destinations and needs are not read: what is found can happen as far
as the stages go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from sim.scenario.checks.graph import components, cycle_through, exits, reachable, targets, today_stages
from sim.scenario.language.model import Need, Scenario

Way = tuple[str, str]
"""A stage that is left and one that is waited for."""


def deadlocks(scenario: Scenario) -> tuple[str, ...]:
    """For each set of resources that patients may hold and wait for in a ring: one such ring, in words."""
    found = held_while_waiting(scenario)
    onward: dict[str, set[str]] = {resource.name: set() for resource in scenario.resources}
    for held, awaited in found:
        onward[held].add(awaited)
    notes = []
    for resource in scenario.resources:
        part = next(part for part in components(onward) if resource.name in part)
        if len(part) > 1 and resource.name == min(part, key=list(onward).index):
            ring = cycle_through({name: onward[name] & part for name in part}, resource.name)
            notes.append(describe_ring(ring, found))
    return tuple(notes)


def describe_ring(ring: Sequence[str], found: Mapping[tuple[str, str], Way]) -> str:
    """A ring of resources, each waited for while the one before it is held."""
    steps = []
    for i, held in enumerate(ring):
        awaited = ring[(i + 1) % len(ring)]
        left, to = found[held, awaited]
        may_wait = "may wait for" if i == 0 else "for"
        steps.append(f"a patient who holds `{held}` {may_wait} `{awaited}` (from `{left}` to `{to}`)")
    steps_text = ", and ".join(steps)
    return f"patients can deadlock: {steps_text}; when all units are held this way, none of them can go on"


def held_while_waiting(scenario: Scenario) -> dict[tuple[str, str], Way]:
    """Each resource that may be held while another is waited for, and that one, with the first way to it.

    What is unlimited counts neither way: waiting until it opens comes to an end by itself.
    """
    limited = {resource.name for resource in scenario.resources if resource.capacity is not None}
    kept = {r.name for r in scenario.resources if r.release == "when_next_granted"}
    onward = exits(scenario)
    seen = reachable(onward, {scenario.start} | today_stages(scenario))
    not_in_it = leads_on(scenario)
    found: dict[tuple[str, str], Way] = {}
    needing = [stage for stage in scenario.stages if stage.needs and limited]
    for stage in needing:
        if stage.name not in seen:
            continue
        comings = reachable(not_in_it, onward[stage.name])
        for to in (s for s in needing if s.name in comings):
            wanted = {need.resource for need in to.needs}
            awaited = {need.resource for need in to.needs if not holds_already(stage.needs, need)}
            held = {need.resource for need in stage.needs} & (wanted | kept)
            for pair in product(sorted(held & limited), sorted(awaited & limited)):
                if pair[0] != pair[1]:
                    found.setdefault(pair, (stage.name, to.name))
    return found


def leads_on(scenario: Scenario) -> dict[str, set[str]]:
    """For each stage where a patient who has come to it goes on to without having been in it.

    From a decision to all it may choose, from a stage that is waited for to where waiting may lead.
    """
    found: dict[str, set[str]] = {}
    for stage in scenario.stages:
        onward = set(targets(stage.decide))
        for event in (*stage.while_waiting, *(e for e in stage.events if e.waiting)):
            onward.update(targets(event.to))
        found[stage.name] = onward
    return found


def holds_already(needs: Sequence[Need], need: Need) -> bool:
    """Whether a patient with these needs holds the resource, always or under the same condition."""
    return any(n.resource == need.resource and n.when in (None, need.when) for n in needs)
