"""Parts that have to go together: costs and `economics`, draws and what they follow, clocks and ages."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from sim.errors import Problems, Where
from sim.scenario.checks.graph import check_graph
from sim.scenario.language.conditions import ends
from sim.scenario.language.model import DEAD, Change, Covariate, Draw, Scenario, effects_of, events_of
from sim.scenario.language.node_reader import PlacedNode
from sim.scenario.language.reader import plain
from sim.scenario.source.tree import flow


def check_together(scenario: Scenario, top: PlacedNode) -> None:
    """Adds every problem of parts that do not go together; top: the tree the scenario was read from."""
    problems = top.problems
    check_graph(scenario, problems)
    check_values(scenario, top, problems)
    check_followed(scenario, problems)
    check_groups(scenario, problems)
    check_today(scenario, problems)
    check_units(scenario, problems)
    if scenario.patients.arrivals.warm_up >= scenario.horizon:
        warm_up = top.child("patients").child("arrive").child("warm_up")
        warm_up.fail("the warm-up lasts to the horizon", "nothing is left to observe: it must end before")


def first_valued(scenario: Scenario, top: PlacedNode) -> Where:
    """The place of the first cost or utility of a scenario, as near as is known."""
    if any(s.utility is not None for s in scenario.states):
        return top.child("states").where
    for clock in scenario.clocks:
        if clock.cost is not None or clock.qaly is not None:
            return clock.where
    for stage in scenario.stages:
        if stage.utility is not None or stage.cost is not None:
            return stage.where
        for event in (*stage.events, *stage.while_waiting):
            if event.cost is not None or event.qaly is not None:
                return event.where
    return next(
        one.where
        for one in scenario.resources
        if (one.cost_per_use, one.cost_per_day, one.cost_per_day_of_capacity) != (None, None, None)
    )


def check_followed(scenario: Scenario, problems: Problems) -> None:
    """Adds: a draw that follows an attribute that is never drawn."""
    attributes = scenario.patients.attributes
    first = [a.initial for a in attributes if isinstance(a.initial, Draw)]
    drawn = {a.name for a in attributes if isinstance(a.initial, Draw)}
    actions = [a for _, effect in effects_of(scenario) for a in effect.actions if a.word == "draw"]
    everywhere = drawn | {a.target for a in actions}
    for draws, known in ((first, drawn), ([a.value for a in actions], everywhere)):
        for draw in draws:
            if draw.follows is not None and draw.follows[0] not in known:
                fact = f"`{draw.follows[0]}` is not drawn: there is nothing to follow"
                problems.add(draw.where.at("follows"), fact, "give it a distribution, or leave out `follows`")


def check_groups(scenario: Scenario, problems: Problems) -> None:
    """Adds: an outcome by an attribute whose values nearly all differ."""
    drawn = {
        attribute.name: list(ends(attribute.initial.distribution))
        for attribute in scenario.patients.attributes
        if isinstance(attribute.initial, Draw) and attribute.initial.distribution is not None
    }
    for outcome in scenario.outcomes:
        if any(
            one.family not in ("poisson", "categorical", "fixed") for one in drawn.get(outcome.by or "", ())
        ):
            name = outcome.by
            groups = f"[{{when: {{{name}: {{above: 65}}}}, value: high}}, {{value: low}}]"
            problems.add(
                outcome.where.at("by"),
                f"`{name}` is a number with a distribution: each patient would be a group",
                f"declare an attribute of groups, as `{name}_group: {groups}`",
            )


def check_today(scenario: Scenario, problems: Problems) -> None:
    """Adds: a clock that a stage of today's patients starts or stops, without a column in their table."""
    table = scenario.patients.table
    if table is None:
        return
    here = {stage for stage in table.column("stage") if stage is not None}
    said = {c.name for c in table.columns if c.kind == "days"}
    for stage in scenario.stages:
        actions = [a for e in stage.on_entry for a in e.actions if a.word in ("start", "stop")]
        for name in dict.fromkeys(a.target for a in actions if a.target not in said):
            if stage.name in here:
                fact = f"patients are in `{stage.name}`, on entry to which `{name}` is started or stopped"
                fix = f"add the column `days.{name}`: how long it has run, empty where it does not"
                problems.add(table.where, fact, fix)


def check_values(scenario: Scenario, top: PlacedNode, problems: Problems) -> None:
    """Adds: costs or utilities without `economics`; a state or stage that lacks a utility."""
    states = {s.name: s for s in scenario.states}
    with_utility = any(s.utility is not None for s in scenario.states)
    with_utility |= any(s.utility is not None for s in scenario.stages)
    events = [event for _, event in events_of(scenario)]
    valued = with_utility
    valued |= any(s.cost is not None for s in scenario.stages)
    valued |= any(e.cost is not None or e.qaly is not None for e in events)
    valued |= any(
        cost is not None
        for r in scenario.resources
        for cost in (r.cost_per_use, r.cost_per_day, r.cost_per_day_of_capacity)
    )
    if valued and scenario.economics is None:
        problems.add(
            first_valued(scenario, top),
            "there are costs or utilities, but no `economics`",
            "add economics: {currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual}",
        )
    economics = scenario.economics
    has_qaly = with_utility or any(e.qaly is not None for e in events)
    if economics is not None and economics.threshold is not None and not has_qaly:
        problems.add(
            top.child("economics").child("threshold").where,
            "a threshold values QALYs, and there are none",
            "give the states a utility, or leave out the threshold",
        )
    if not with_utility:
        return
    for stage in scenario.stages:
        if stage.decide is not None or stage.utility is not None or stage.state == DEAD:
            continue
        state = states.get(stage.state or "")
        if stage.state is not None and state is not None and state.utility is None:
            problems.add(
                stage.where,
                f"the state `{stage.state}` has no utility",
                "give every state a utility, or this stage one",
            )
        if stage.state is None and stage.name == scenario.start:
            problems.add(stage.where, "the first stage has no state and no utility", "give it one of the two")


MOST_CHANGES = 1_000_000
"""Changes of a capacity that repeats, in a replication."""


def check_units(scenario: Scenario, problems: Problems) -> None:
    """Adds: a stage that needs more units of a resource than there ever are; a capacity that never rests."""
    for resource in scenario.resources:
        n = len(resource.capacity or ()) * scenario.horizon / (resource.repeat or inf)
        if n > MOST_CHANGES:
            fact = f"the capacity of `{resource.name}` changes {n:.3g} times before the horizon"
            problems.add(resource.where, fact, f"at most {MOST_CHANGES:_}: repeat it after a longer time")
    capacity = {r.name: max(n for _, n in r.capacity) for r in scenario.resources if r.capacity is not None}
    for stage in scenario.stages:
        always: dict[str, float] = {}
        for need in stage.needs:
            least = min(ends(need.units))
            before = always.get(need.resource, 0.0) if need.when is None else 0.0
            if need.when is None:
                always[need.resource] = before + least
            if before + least > capacity.get(need.resource, inf) > 0:
                fact = f"{before + least:g} units of `{need.resource}` are needed, and there are at most "
                fact += f"{capacity[need.resource]}"
                problems.add(need.where, fact, "nobody would ever be granted them: raise the capacity")


def notes_on_today(scenario: Scenario) -> tuple[str, ...]:
    """Notes on a table of today's patients: clocks without a column, and who holds what others wait for."""
    table = scenario.patients.table
    if table is None or not table.is_today:
        return ()
    notes = []
    columns = [f"`days.{c.name}`" for c in scenario.clocks if Covariate("days", c.name) not in table.columns]
    if columns:
        notes.append(
            f"the table of today's patients has no column {', '.join(columns)}: such a clock runs from day 0 "
            "where `on_start` starts it, and else not at all, whatever earlier stages did; an empty cell "
            "says that it does not run"
        )
    limited = {resource.name for resource in scenario.shared}
    stages = [] if Covariate("waiting_for") in table.columns else table.column("stage")
    for stage in scenario.stages:
        n, held = stages.count(stage.name), [n.resource for n in stage.needs if n.resource in limited]
        if n and held:
            notes.append(
                f"today's {n} patients in `{stage.name}` hold {', '.join(dict.fromkeys(held))} from day 0; "
                "give a patient who waits for it `waiting_for` and `days_waiting` in place of `stage`"
            )
    return tuple(notes)


def notes_on_waits(scenario: Scenario) -> tuple[str, ...]:
    """A note for each waiting list, and each outcome of waits, of what nobody has to wait for."""
    limited = {resource.name for resource in scenario.shared}
    never = "nobody waits for it: give it a `capacity`"
    notes = [
        f"the outcome `{one.name}` is 0 days: `{one.resource}` is unlimited, so {never}"
        for one in scenario.outcomes
        if one.resource and one.resource not in limited
    ]
    table = scenario.patients.table
    if table is not None and Covariate("waiting_for") in table.columns:
        listed = table.column("waiting_for")
        for stage in scenario.stages:
            if stage.name in listed and not any(need.resource in limited for need in stage.needs):
                wanted = " and ".join(f"`{need.resource}`" for need in stage.needs) or "nothing"
                n = listed.count(stage.name)
                fact = f"today's {n} patients who wait for `{stage.name}` enter it on day 0"
                notes.append(f"{fact}: it needs {wanted}, without a finite `capacity`")
    return tuple(notes)


def states_without_stage(scenario: Scenario) -> tuple[str, ...]:
    """A note for each state that no stage has: outcomes about it count nobody."""
    used = {stage.state for stage in scenario.stages}
    return tuple(
        f"no stage has the state `{state.name}`, so no patient is ever in it: write `state: {state.name}` in "
        "the stages that belong to it"
        for state in scenario.states
        if state.name not in used
    )


OWN = ("title", "label", "format")
"""The keys that are not compared."""


def contrast(one: Scenario, other: Scenario) -> tuple[Change, ...]:
    """Every path at which two scenarios differ, with both values.

    If both are based on the same file, by what their layers change, as written;
    else by their resolved forms. `layer` is "" throughout; a text is "" where there is nothing.
    """
    common = _in_common(one.files, other.files)
    if common and one.digest != other.digest:
        return tuple(_by_layers(one, other, set(one.files[:common]) | set(other.files[:common])))
    return tuple(_by_values(plain(one), plain(other), ""))


def _in_common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many files, from the first on, are the same."""
    n = 0
    for first, second in zip(one, other, strict=False):
        if os.path.realpath(first) != os.path.realpath(second):
            break
        n += 1
    return n


def _by_layers(one: Scenario, other: Scenario, common: set[str]) -> Iterator[Change]:
    """The paths that layers beyond the common files change in either, where that differs."""
    before: dict[str, str] = {}
    after: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for scenario, values in zip((one, other), after, strict=True):
        for change in scenario.changes:
            if change.layer not in common:
                before.setdefault(change.path, change.old)
                values[change.path] = change.new
    for path, old in before.items():
        first, second = (values.get(path, old) for values in after)
        if first != second:
            yield Change("", path, first, second)


def _by_values(one: Any, other: Any, path: str) -> Iterator[Change]:
    """The smallest parts that differ; lists of one length are compared item by item."""
    if one == other:
        return
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys([*one, *other]):
            if path or key not in OWN:
                deeper = f"{path}.{key}" if path else str(key)
                yield from _by_values(one.get(key), other.get(key), deeper)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _by_values(first, second, f"{path}.{i}")
    else:
        yield Change("", path, *("" if value is None else flow(value) for value in (one, other)))
