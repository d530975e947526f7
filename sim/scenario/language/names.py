"""The names of a scenario, collected before anything that may refer to them is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sim.scenario.language.effects import attribute_kind
from sim.scenario.language.model import UNCHANGED
from sim.scenario.language.node_reader import AttributeKind, Known, PlacedNode, Unread
from sim.scenario.language.stages import PATHWAY
from sim.scenario.source.tree import Node, key_value

RESERVED: dict[str, tuple[str, ...]] = {
    "stage": ("stay", "rest", "by", "odds_ratios", "clock", "patient", "on_start", "arrive"),
    "event": ("on_entry", "decide"),
    "attribute": ("any", "none", "stage", "current_age", "days_in_stage", "chance", "to"),
}
"""Names that mean something else where they would be used, in conditions, destinations or names of draws."""


def collect_names(top: PlacedNode, known: Known) -> None:
    """Everything that has a name, so that it can be referred to from anywhere."""
    pathway = top.get("pathway")
    if pathway is None or "stages" not in PATHWAY.check(pathway):
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
    if conditions is not None:
        known.conditions.update(conditions.attempt(lambda s: dict(s.children())) or {})
    known.stamps = tuple(dict.fromkeys(stamps_in(top)))
    collect_attributes(top, known)
    widen_numbers(top, known)
    check_names(top, known, stages)


def keys(spot: PlacedNode | None) -> tuple[str, ...]:
    """The keys of a mapping; none where it is left out.

    Raises: Unread where it is no mapping: what it would have named is missed everywhere.
    """
    return () if spot is None else tuple(spot.mapping())


def nodes_in(top: PlacedNode) -> Iterator[Node]:
    """Every node of the clocks and the pathway, those above before those beneath."""
    todo = deque(spot.content for key in ("clocks", "pathway") if (spot := top.get(key)) is not None)
    while todo:
        node = todo.popleft()
        yield node
        if isinstance(node.value, dict):
            todo.extend(node.value.values())
        elif isinstance(node.value, list):
            todo.extend(node.value)


def stamps_in(top: PlacedNode) -> Iterator[str]:
    """Every stamp an effect sets."""
    for node in nodes_in(top):
        stamp = node.value.get("stamp") if isinstance(node.value, dict) else None
        if stamp is not None:
            named = stamp.value if isinstance(stamp.value, list) else [stamp]
            yield from (n.value for n in named if isinstance(n.value, str))


def collect_attributes(top: PlacedNode, known: Known) -> None:
    """The kind of every attribute, from its declaration; `unread` if it cannot be determined."""
    patients = top.get("patients")
    if patients is None or "attributes" not in patients.mapping():
        return
    for name, item in patients.child("attributes").children():
        kind = item.attempt(lambda s: attribute_kind(s, known)) or AttributeKind("unread")
        known.attributes[name] = kind
        for word in ("rest", "unchanged"):
            if word in kind.categories:
                item.fail(f"`{word}` cannot be a value of an attribute", "it is a word of the language")


def widen_numbers(top: PlacedNode, known: Known) -> None:
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
    found = [key_value(key) for key in listed.value if key != UNCHANGED]
    if any(isinstance(n, str) for n in found):
        return None
    return frozenset(float(n) for n in found)


def check_names(top: PlacedNode, known: Known, stages: PlacedNode) -> None:
    """Names that would be read otherwise, or would give two draws one name."""
    patients = top.get("patients")
    kinds = {
        "attribute": patients.get("attributes") if patients is not None else None,
        "clock": top.get("clocks"),
        "resource": top.get("resources"),
        "stage": stages,
    }
    for kind, spot in kinds.items():
        if spot is not None and spot.is_mapping:
            check_kind_of_names(kind, spot)
    for stage in known.stages.values():
        for word in ("events", "while_waiting"):
            events = stage.get(word)
            if events is not None and events.is_mapping:
                check_kind_of_names("event", events)


def check_kind_of_names(kind: str, spot: PlacedNode) -> None:
    """The keys of a mapping as names of one kind."""
    for name in spot.mapping():
        if name in RESERVED.get(kind, ()):
            fix = "it is a word of the language there: choose another name"
        elif "." in name or not name.strip() or name.startswith("$"):
            fix = "a name has no dot, does not begin with `$`, and is not empty"
        else:
            continue
        article = "an" if kind in ("attribute", "event") else "a"
        spot.fail_at_key(name, f"`{name}` cannot be the name of {article} {kind}", fix)
