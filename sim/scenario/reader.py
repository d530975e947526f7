"""From a tree, layers laid and references replaced, to the model; every problem is noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sim.errors import Problems
from sim.scenario.effects import attribute_kind, read_effects
from sim.scenario.graph import check_graph, leftovers
from sim.scenario.model import Event, Scenario, Stage
from sim.scenario.outcomes import read_happening, read_named, read_outcome
from sim.scenario.resources import read_economics, read_patients, read_resource, read_state
from sim.scenario.spots import Known, Spot, Unread
from sim.scenario.stages import read_event, read_stage
from sim.scenario.tree import Node

FORMAT = 1
RESERVED = {"stay", "start", "rest", "by", "any", "none", "unchanged", "odds_ratios"}


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
    return scenario


def read_format(top: Spot) -> None:
    """The version of the language."""
    version = top.get("format")
    if version is not None and version.value != FORMAT:
        version.fail(f"the language has no version {version.seen()}", f"this is version {FORMAT}: write format: {FORMAT}")


# ---------------------------------------------------------------- names first


def collect_names(top: Spot, known: Known) -> None:
    """Everything that has a name, so that it can be referred to from anywhere."""
    pathway = top.get("pathway")
    stages = pathway.get("stages") if pathway is not None else None
    if stages is None or not stages.is_mapping or not stages.value:
        where = pathway or top
        raise where.fail("a pathway has no stages", "write pathway: {start: S, stages: {S: {...}, ...}}")
    known.stages.update(stages.children())
    for name, stage in known.stages.items():
        names: list[str] = []
        for word in ("events", "while_waiting"):
            events = stage.get(word)
            if events is not None and events.is_mapping:
                names.extend(events.value)
        known.events[name] = tuple(names)
    known.clocks = keys(top.get("clocks"))
    known.resources = keys(top.get("resources"))
    known.states = keys(top.get("states"))
    conditions = top.get("conditions")
    if conditions is not None and conditions.is_mapping:
        known.conditions.update(conditions.children())
    known.stamps = tuple(dict.fromkeys(stamps_in(top)))
    collect_attributes(top, known)
    check_names(top, known, stages)


def keys(spot: Spot | None) -> tuple[str, ...]:
    """The keys of a mapping, if it is one."""
    return tuple(spot.value) if spot is not None and spot.is_mapping else ()


def stamps_in(top: Spot) -> Iterator[str]:
    """Every stamp an effect sets."""
    todo: list[Node] = [n for key in ("clocks", "pathway") if (s := top.get(key)) is not None for n in [s.node]]
    while todo:
        value = todo.pop(0).value
        if isinstance(value, dict):
            stamp = value.get("stamp")
            if stamp is not None:
                named = stamp.value if isinstance(stamp.value, list) else [stamp]
                yield from (n.value for n in named if isinstance(n.value, str))
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def collect_attributes(top: Spot, known: Known) -> None:
    patients = top.get("patients")
    attributes = patients.get("attributes") if patients is not None else None
    if attributes is None or not attributes.is_mapping:
        return
    for name, item in attributes.children():
        kind = item.attempt(lambda s: attribute_kind(s, known))
        if kind is not None:
            known.attributes[name] = kind


def check_names(top: Spot, known: Known, stages: Spot) -> None:
    """Names that would be read otherwise."""
    patients = top.get("patients")
    attributes = patients.get("attributes") if patients is not None else None
    covariates = ("stage", "current_age", "days_in_stage")
    for spot, names in ((stages, known.stages), (attributes, known.attributes), (top.get("clocks"), known.clocks)):
        for name in names:
            is_covariate = spot is attributes and name in covariates
            if spot is not None and (name in RESERVED or is_covariate or "." in name or not name.strip()):
                spot.fail_at_key(name, f"`{name}` cannot be a name here", "it is a word of the language, or has a dot")


# ---------------------------------------------------------------- the whole


def read_parts(top: Spot, known: Known) -> dict[str, Any] | None:
    """All parts of a scenario; what cannot be read is left out and noted."""
    pathway = top.child("pathway")
    pathway.attempt(lambda s: s.section("pathway"))
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
    for condition in known.conditions.values():
        condition.attempt(lambda s: named_condition(s, known))
    start = optional_start(pathway, known)
    never = read_list(top.get("never"), known)
    outcomes = read_named(top.get("outcomes"), lambda n, s: read_outcome(n, s, known), "{ever: ...}")
    if who is None or horizon is None or title is None or start is None:
        return None
    days = horizon.attempt(Spot.time)
    if days == 0.0:
        horizon.fail("the horizon is day 0: nothing can happen", "write a time above 0")
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
    }


def named_condition(spot: Spot, known: Known) -> None:
    """Read a definition even where nothing uses it."""
    from sim.scenario.conditions import read_condition

    name = spot.path.rsplit(".", 1)[-1]
    if name not in known.read_conditions and name not in known.open_conditions:
        known.open_conditions.append(name)
        try:
            known.read_conditions[name] = read_condition(spot, known)
        finally:
            known.open_conditions.pop()


def optional_start(pathway: Spot, known: Known) -> str | None:
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


def events_of(stage: Stage) -> tuple[Event, ...]:
    """All events of a stage."""
    return (*stage.events, *stage.while_waiting)


def check_values(scenario: Scenario, top: Spot, problems: Problems) -> None:
    """Adds: costs or utilities without `economics`; a state or stage that lacks a utility."""
    states = {s.name: s for s in scenario.states}
    with_utility = [s for s in (*scenario.states, *scenario.stages) if s.utility is not None]
    events = [*scenario.clocks, *(e for s in scenario.stages for e in events_of(s))]
    valued = bool(with_utility)
    valued |= any(s.cost is not None for s in scenario.stages)
    valued |= any(e.cost is not None or e.qaly is not None for e in events)
    valued |= any(r.cost_per_use is not None or r.cost_per_day is not None for r in scenario.resources)
    if valued and scenario.economics is None:
        problems.add(
            top.where, "costs or utilities stand here, but no `economics`",
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
                stage.where, f"the state `{stage.state}` has no utility", "give every state a utility, or this stage one"
            )
        if stage.state is None and stage.name == scenario.start:
            problems.add(stage.where, "the first stage has no state and no utility", "give it one of the two")


