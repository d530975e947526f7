"""The names of a scenario, collected before anything that may refer to them is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sim.scenario.effects import attribute_kind
from sim.scenario.model import UNCHANGED
from sim.scenario.spots import Known, Spot, Unread
from sim.scenario.tree import Node, scalar

RESERVED = {"stay", "start", "rest", "by", "any", "none", "unchanged", "odds_ratios"}


def collect_names(top: Spot, known: Known) -> None:
    """Everything that has a name, so that it can be referred to from anywhere."""
    pathway = top.get("pathway")
    if pathway is None or "stages" not in pathway.section("pathway"):
        raise Unread
    stages = pathway.child("stages")
    if not stages.mapping():
        raise stages.fail("a pathway has no stages", "write pathway: {start: S, stages: {S: {...}, ...}}")
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
    widen_numbers(top, known)
    check_names(top, known, stages)


def keys(spot: Spot | None) -> tuple[str, ...]:
    """The keys of a mapping, if it is one."""
    return tuple(spot.value) if spot is not None and spot.is_mapping else ()


def nodes_in(top: Spot) -> Iterator[Node]:
    """Every node of the clocks and the pathway, those above before those beneath."""
    todo = deque(spot.node for key in ("clocks", "pathway") if (spot := top.get(key)) is not None)
    while todo:
        node = todo.popleft()
        yield node
        if isinstance(node.value, dict):
            todo.extend(node.value.values())
        elif isinstance(node.value, list):
            todo.extend(node.value)


def stamps_in(top: Spot) -> Iterator[str]:
    """Every stamp an effect sets."""
    for node in nodes_in(top):
        stamp = node.value.get("stamp") if isinstance(node.value, dict) else None
        if stamp is not None:
            named = stamp.value if isinstance(stamp.value, list) else [stamp]
            yield from (n.value for n in named if isinstance(n.value, str))


def collect_attributes(top: Spot, known: Known) -> None:
    """The kind of every attribute, from its declaration."""
    patients = top.get("patients")
    attributes = patients.get("attributes") if patients is not None else None
    if attributes is None or not attributes.is_mapping:
        return
    for name, item in attributes.children():
        kind = item.attempt(lambda s: attribute_kind(s, known))
        if kind is not None:
            known.attributes[name] = kind
            for word in ("rest", "unchanged"):
                if word in kind.categories:
                    item.fail(f"`{word}` cannot be a value of an attribute", "it is a word of the language")


def widen_numbers(top: Spot, known: Known) -> None:
    """Count the numbers that effects may give an attribute among those it can have."""
    for node in nodes_in(top):
        for word in ("set", "add", "copy", "draw"):
            changes = node.value.get(word) if isinstance(node.value, dict) else None
            if changes is None or not isinstance(changes.value, dict):
                continue
            for name, item in changes.value.items():
                kind = known.attributes.get(name)
                if kind is not None and kind.numbers is not None:
                    given = numbers_given(word, item)
                    kind.numbers = None if given is None else kind.numbers | given


def numbers_given(word: str, item: Node) -> frozenset[float] | None:
    """The numbers that `set` or `draw` gives, None where they are not listed."""
    value = item.value
    if word == "set" and isinstance(value, int | float):
        return frozenset({float(value)})
    listed = value.get("categorical") if isinstance(value, dict) else None
    if word != "draw" or listed is None or not isinstance(listed.value, dict):
        return None
    found = [scalar(key) for key in listed.value if key != UNCHANGED]
    if any(isinstance(n, str) for n in found):
        return None
    return frozenset(float(n) for n in found)


def check_names(top: Spot, known: Known, stages: Spot) -> None:
    """Names that would be read otherwise."""
    patients = top.get("patients")
    attributes = patients.get("attributes") if patients is not None else None
    covariates = ("stage", "current_age", "days_in_stage")
    for spot, names in (
        (stages, known.stages),
        (attributes, known.attributes),
        (top.get("clocks"), known.clocks),
    ):
        for name in names:
            is_covariate = spot is attributes and name in covariates
            if spot is not None and (name in RESERVED or is_covariate or "." in name or not name.strip()):
                spot.fail_at_key(
                    name, f"`{name}` cannot be a name here", "it is a word of the language, or has a dot"
                )
