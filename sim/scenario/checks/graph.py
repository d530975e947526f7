"""The graph of a pathway: reachable stages, stages without an exit, cycles that take no time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from sim.errors import Problems
from sim.scenario.language.conditions import ends
from sim.scenario.language.model import (
    STAY,
    Chances,
    Destination,
    Distribution,
    Event,
    Goto,
    Need,
    Rules,
    Scenario,
    Stage,
    effects_of,
)


def targets(to: Destination | None) -> Iterator[str]:
    """Every stage a destination may lead to."""
    if isinstance(to, Goto):
        if to.target != STAY:
            yield to.target
    elif isinstance(to, Chances):
        for alternative in ends(to.categorical.entries):
            for name, part in alternative.parts:
                if name != STAY and part != 0:
                    yield name
    elif isinstance(to, Rules):
        for item in to.items:
            yield from targets(item.to)


def started_clocks(scenario: Scenario) -> set[str]:
    """Clocks that some effect starts, or that run in today's patients."""
    table = scenario.patients.table
    running = {c.name for c in table.columns if c.kind == "days"} if table is not None else set()
    return running | {
        a.target for _, effect in effects_of(scenario) for a in effect.actions if a.word == "start"
    }


def today_stages(scenario: Scenario) -> set[str]:
    """The stages that a table of today's patients has them in or waiting for."""
    table = scenario.patients.table
    if table is None:
        return set()
    return {
        str(stage) for kind in ("stage", "waiting_for") for stage in table.column(kind) if stage is not None
    }


def exits(scenario: Scenario) -> dict[str, set[str]]:
    """For each stage the stages that can follow it, clocks included."""
    started = started_clocks(scenario)
    clocks = [c for c in scenario.clocks if c.name in started]
    found: dict[str, set[str]] = {}
    for stage in scenario.stages:
        onward = set(targets(stage.decide))
        for event in (*stage.events, *stage.while_waiting):
            onward.update(targets(event.to))
        if not stage.terminal and stage.decide is None:
            for clock in clocks:
                if clock.in_stages is None or stage.name in clock.in_stages:
                    onward.update(targets(clock.to))
        found[stage.name] = onward
    return found


def reachable(onward: Mapping[str, set[str]], starts: set[str]) -> set[str]:
    """Every stage on some path from `starts`, these included."""
    seen, todo = set(starts), list(starts)
    while todo:
        for stage in onward[todo.pop()]:
            if stage not in seen:
                seen.add(stage)
                todo.append(stage)
    return seen


def components(onward: Mapping[str, set[str]]) -> list[set[str]]:
    """Sets of stages of which each can be reached from each other; every stage is in one.

    Source: Tarjan, doi:10.1137/0201010, without recursion.
    """
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_stages: list[str] = []
    is_open: set[str] = set()
    found: list[set[str]] = []
    for first in onward:
        todo = [] if first in number else [(first, iter(sorted(onward[first])))]
        while todo:
            name, others = todo[-1]
            if name not in number:
                number[name] = lowest[name] = len(number)
                open_stages.append(name)
                is_open.add(name)
            other = next(others, None)
            if other is None:
                todo.pop()
                if todo:
                    lowest[todo[-1][0]] = min(lowest[todo[-1][0]], lowest[name])
                if lowest[name] == number[name]:
                    part = {open_stages.pop()}
                    while name not in part:
                        part.add(open_stages.pop())
                    is_open -= part
                    found.append(part)
            elif other not in number:
                todo.append((other, iter(sorted(onward[other]))))
            elif other in is_open:
                lowest[name] = min(lowest[name], number[other])
    return found


def check_graph(scenario: Scenario, problems: Problems) -> None:
    """Adds: stages without a way to a terminal, endless paths; without layers unreached stages and clocks."""
    onward = exits(scenario)
    stages = {s.name: s for s in scenario.stages}
    seen = reachable(onward, {scenario.start} | today_stages(scenario))
    check_ends(scenario, onward, problems)
    for name in stages:
        if name not in seen and not scenario.is_layered:
            fix = "make an event, a clock or a decision lead to it, or remove it"
            problems.add(stages[name].where, "this stage cannot be reached", fix)
    check_timeless(scenario, problems)
    if not scenario.is_layered:
        started = started_clocks(scenario)
        for clock in scenario.clocks:
            if clock.name not in started:
                problems.add(
                    clock.where, "nothing starts this clock", "add `start` to an effect, or remove it"
                )


def check_ends(scenario: Scenario, onward: Mapping[str, set[str]], problems: Problems) -> None:
    """Adds: a stage that no terminal follows; of several that lead nowhere else the first."""
    terminals = {s.name for s in scenario.stages if s.terminal}
    if not terminals:
        stage = scenario.stage(scenario.start)
        fix = "mark where a path ends: `dead: {terminal: true}`"
        problems.add(stage.where, "no stage of this pathway is terminal", fix)
        return
    seen = reachable(onward, {scenario.start} | today_stages(scenario))
    order = {s.name: i for i, s in enumerate(scenario.stages)}
    caught = {
        min(part, key=order.__getitem__)
        for part in components(onward)
        if part <= seen and not part & terminals and all(onward[name] <= part for name in part)
    }
    for stage in scenario.stages:
        if stage.name in caught:
            problems.add(
                stage.where,
                "no terminal stage can be reached from here",
                "give it an event, or a clock that can happen in it, on a way to a terminal stage",
            )


def leftovers(scenario: Scenario) -> tuple[str, ...]:
    """Unreachable stages and clocks that nothing starts, in words."""
    seen = reachable(exits(scenario), {scenario.start} | today_stages(scenario))
    started = started_clocks(scenario)
    stages = [f"the stage `{s.name}` cannot be reached" for s in scenario.stages if s.name not in seen]
    return (
        *stages,
        *(f"nothing starts the clock `{c.name}`" for c in scenario.clocks if c.name not in started),
    )


def check_timeless(scenario: Scenario, problems: Problems) -> None:
    """Adds: a cycle of decisions and of stages that take no time."""
    stages = {s.name: s for s in scenario.stages}
    at_once = {name: timeless_exits(stage) for name, stage in stages.items()}
    order = {name: i for i, name in enumerate(stages)}
    for part in components(at_once):
        name = min(part, key=order.__getitem__)
        path = cycle_through({n: at_once[n] & part for n in part}, name)
        if path:
            round_trip = " -> ".join((*path, path[0]))
            problems.add(
                stages[name].where,
                f"a path repeats without time passing: {round_trip}",
                "one of these stages must take time",
            )
    for stage in scenario.stages:
        for event in (*stage.events, *stage.while_waiting):
            if event.every and takes_no_time(event) and may_stay(event.to):
                fact = "it repeats without time passing"
                problems.add(event.where, fact, "give `every` a time above 0, or write `after`")


def may_stay(to: Destination) -> bool:
    """Whether a destination may leave the patient where they are."""
    if isinstance(to, Goto):
        return to.target == STAY
    if isinstance(to, Chances):
        parts = (part for alternative in ends(to.categorical.entries) for part in alternative.parts)
        return any(name == STAY and share != 0 for name, share in parts)
    return any(may_stay(item.to) for item in to.items)


def timeless_exits(stage: Stage) -> set[str]:
    """The stages that can follow in the same moment."""
    if stage.decide is not None:
        return set(targets(stage.decide))
    return {name for event in stage.events if takes_no_time(event) for name in targets(event.to)}


def takes_no_time(event: Event) -> bool:
    """Whether an event happens in the moment it is drawn, whatever the patient."""
    after = event.after
    if not isinstance(after, Distribution) or after.family != "fixed" or event.chance or event.when:
        return False
    arguments = after.arguments
    fixed = isinstance(arguments, Mapping) and arguments.get("value") == 0.0
    return fixed and after.plus is None and not after.not_before


def cycle_through(at_once: Mapping[str, set[str]], start: str) -> list[str]:
    """A cycle through a stage, in order; empty where there is none."""
    path, onward, seen = [start], [iter(sorted(at_once[start]))], {start}
    while path:
        name = next(onward[-1], None)
        if name is None:
            path.pop()
            onward.pop()
        elif name == start:
            return path
        elif name not in seen:
            seen.add(name)
            path.append(name)
            onward.append(iter(sorted(at_once[name])))
    return []


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

    What is unlimited counts neither way: waiting until it opens ends by itself.
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
