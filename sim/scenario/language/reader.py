"""From a tree, layers laid and references replaced, to the model; every problem is noted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sim.errors import Problems, Where
from sim.scenario.checks.graph import check_graph, effects_of, leftovers, today_stages
from sim.scenario.language.conditions import definition
from sim.scenario.language.effects import read_effects
from sim.scenario.language.model import Draw, Event, Scenario, Stage
from sim.scenario.language.names import collect_names
from sim.scenario.language.node_reader import Known, Spot, Unread
from sim.scenario.language.outcomes import read_happening, read_named, read_outcome
from sim.scenario.language.resources import read_economics, read_patients, read_resource, read_state
from sim.scenario.language.stages import read_event, read_stage
from sim.scenario.source.tree import Node

FORMAT = 1
LONGEST = 2.0**33  # days: beyond it a float has no place left for every 2^-20 of a day


def read(node: Node, problems: Problems, *, folder: str, is_layered: bool) -> Scenario | None:
    """The scenario of a tree, None where it cannot be put together; problems are noted.

    folder: where paths to tables are seen from.
    """
    top = Spot(node, "", problems)
    known = Known(problems, folder, is_layered)
    try:
        top.section("scenario")
        read_format(top)
        collect_names(top, known)
    except Unread:
        return None
    parts = read_parts(top, known)
    if problems.found or parts is None:
        return None
    scenario = Scenario(**parts, is_layered=is_layered)
    scenario = replace(scenario, has_leftovers=is_layered and bool(leftovers(scenario)))
    check_graph(scenario, problems)
    check_values(scenario, top, problems)
    check_followed(scenario, problems)
    check_today(scenario, problems)
    if scenario.patients.arrivals.warm_up >= scenario.horizon:
        warm_up = top.child("patients").child("arrive").child("warm_up")
        warm_up.fail("the warm-up lasts to the horizon", "nothing is left to observe: let it end before")
    return scenario


def read_format(top: Spot) -> None:
    """The version of the language."""
    version = top.get("format")
    if version is not None and (version.value != FORMAT or isinstance(version.value, bool)):
        version.fail(
            f"the language has no version {version.seen()}",
            f"this is version {FORMAT}: write format: {FORMAT}",
        )
    mark = top.get("leftovers")
    if mark is not None:
        mark.attempt(Spot.flag)


# ---------------------------------------------------------------- the whole


def read_parts(top: Spot, known: Known) -> dict[str, Any] | None:
    """All parts of a scenario; what cannot be read is left out and noted."""
    pathway = top.child("pathway")
    patients = top.get("patients")
    horizon, title = top.get("horizon"), top.get("title")
    economics = top.attempt(lambda s: read_economics(s.get("economics")))
    states = read_named(top.get("states"), lambda n, s: read_state(n, s, known), "{utility: 0.8}")
    who = read_patients(patients, known) if patients is not None else None
    resources = read_named(top.get("resources"), lambda n, s: read_resource(n, s, known), "{capacity: 4}")
    stages: list[Stage] = []
    on_start = pathway.attempt(lambda s: read_effects(s.get("on_start"), known))
    clocks = read_named(top.get("clocks"), lambda n, s: read_event(n, s, known, ""), "{after: ..., to: ...}")
    for name, spot in known.stages.items():
        stage = spot.attempt(lambda s, n=name: read_stage(n, s, known))  # type: ignore[misc]
        if stage is not None:
            stages.append(stage)
    for name, spot in known.conditions.items():
        spot.attempt(lambda _, n=name: definition(n, known))  # type: ignore[misc]
    start = optional_start(pathway, known)
    never = read_list(top.get("never"), known)
    outcomes = read_named(top.get("outcomes"), lambda n, s: read_outcome(n, s, known), "{ever: ...}")
    if who is None or horizon is None or title is None or start is None:
        return None
    days = horizon.attempt(Spot.length)
    if days == 0.0:
        horizon.fail("the horizon is day 0: nothing can happen", "write a time above 0")
    if days is not None and days > LONGEST:
        horizon.fail(f"{horizon.value} cannot be counted on a grid of 2^-20 days", "at most 20 million years")
    return {
        "title": title.attempt(Spot.text) or "",
        "horizon": days or 0.0,
        "states": states,
        "economics": economics,
        "patients": who,
        "clocks": clocks,
        "start": start,
        "on_start": on_start or (),
        "stages": tuple(stages),
        "resources": resources,
        "never": never,
        "outcomes": outcomes,
        "definitions": tuple(
            (n, known.read_conditions[n]) for n in known.conditions if n in known.read_conditions
        ),
    }


def optional_start(pathway: Spot, known: Known) -> str | None:
    """The first stage, None where it cannot be read."""
    start = pathway.get("start")
    return start.attempt(lambda s: s.one_of(known.stages, "stage")) if start is not None else None


def read_list(spot: Spot | None, known: Known) -> tuple[Any, ...]:
    """A list of happenings."""
    if spot is None:
        return ()
    try:
        found = [item.attempt(lambda s: read_happening(s, known)) for item in spot.items()]
    except Unread:
        return ()
    return tuple(one for one in found if one is not None)


# ---------------------------------------------------------------- what must go together


def first_valued(scenario: Scenario, top: Spot) -> Where:
    """Where the first cost or utility of a scenario stands, as near as is known."""
    if any(s.utility is not None for s in scenario.states):
        return top.child("states").where
    for clock in scenario.clocks:
        if clock.cost is not None or clock.qaly is not None:
            return clock.where
    for stage in scenario.stages:
        if stage.utility is not None or stage.cost is not None:
            return stage.where
        for event in events_of(stage):
            if event.cost is not None or event.qaly is not None:
                return event.where
    return top.child("resources").where


def check_followed(scenario: Scenario, problems: Problems) -> None:
    """Adds: a draw that follows an attribute which no draw gives a value."""
    attributes = scenario.patients.attributes
    first = [a.initial for a in attributes if isinstance(a.initial, Draw)]
    drawn = {a.name for a in attributes if isinstance(a.initial, Draw)}
    actions = [a for effect in effects_of(scenario) for a in effect.actions if a.word == "draw"]
    everywhere = drawn | {a.target for a in actions}
    for draws, known in ((first, drawn), ([a.value for a in actions], everywhere)):
        for draw in draws:
            if draw.follows is not None and draw.follows[0] not in known:
                fact = f"`{draw.follows[0]}` is not drawn: there is nothing to follow"
                problems.add(draw.where.at("follows"), fact, "give it a distribution, or leave out `follows`")


def check_today(scenario: Scenario, problems: Problems) -> None:
    """Adds: a clock that a stage of today's patients starts or stops, of which their table says nothing."""
    table = scenario.patients.table
    if table is None:
        return
    here = today_stages(scenario)
    said = {c.name for c in table.columns if c.kind == "days"}
    for stage in scenario.stages:
        actions = [a for e in stage.on_entry for a in e.actions if a.word in ("start", "stop")]
        for name in dict.fromkeys(a.target for a in actions if a.target not in said):
            if stage.name in here:
                fact = f"patients are in `{stage.name}`, on entry to which `{name}` is started or stopped"
                fix = f"add the column `days.{name}`: how long it has run, empty where it does not"
                problems.add(table.where, fact, fix)


def events_of(stage: Stage) -> tuple[Event, ...]:
    """All events of a stage."""
    return (*stage.events, *stage.while_waiting)


def check_values(scenario: Scenario, top: Spot, problems: Problems) -> None:
    """Adds: costs or utilities without `economics`; a state or stage that lacks a utility."""
    states = {s.name: s for s in scenario.states}
    with_utility = any(s.utility is not None for s in scenario.states)
    with_utility |= any(s.utility is not None for s in scenario.stages)
    events = [*scenario.clocks, *(e for s in scenario.stages for e in events_of(s))]
    valued = with_utility
    valued |= any(s.cost is not None for s in scenario.stages)
    valued |= any(e.cost is not None or e.qaly is not None for e in events)
    valued |= any(r.cost_per_use is not None or r.cost_per_day is not None for r in scenario.resources)
    if valued and scenario.economics is None:
        problems.add(
            first_valued(scenario, top),
            "costs or utilities stand here, but no `economics`",
            "add economics: {currency: GBP, discount: {cost: 0.035, qaly: 0.035}, convention: annual}",
        )
    if not with_utility:
        return
    for stage in scenario.stages:
        if stage.decide is not None or stage.utility is not None or stage.state == "dead":
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
