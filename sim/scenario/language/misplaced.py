"""A key at the wrong place of a scenario: what to write instead, in the words of the file."""

from __future__ import annotations

from collections import deque
from typing import Any

from sim.errors import did_you_mean
from sim.scenario.language.elements import Element
from sim.scenario.language.node_reader import Known, PlacedNode
from sim.scenario.language.vocabulary import FAMILIES, MODIFIERS
from sim.scenario.source.tree import flow, plain

LONGEST = 160
"""Characters of a text to write; in a longer one each mapping and list below its keys is `...`."""

_SAME = {
    "if": "when",
    "condition": "when",
    "probability": "chance",
    "time": "after",
    "next": "to",
    "goto": "to",
    "go_to": "to",
    "count": "units",
    "number": "units",
    "amount": "units",
    "wait": "waiting_for",
    "waiting": "waiting_for",
    "queue": "waiting_for",
}
"""Words of other languages and the word of this one, where the element has it."""

_TIMED = ("an event", "a clock")


def fix_of_key(top: Element, element: Element, node: PlacedNode, key: str, known: Known) -> str:
    """What to write for a key that this element does not have; "" where nothing is near.

    top: the element of the whole scenario, below which every key has its place.
    """
    value = plain(node.value[key])
    word = _SAME.get(key, "")
    if word in element.fields and word not in node.value:
        return f"write `{written({word: value})}`"
    if element.noun in _TIMED and (key in MODIFIERS or key in FAMILIES):
        return _inside_time(node)
    if element.noun == "a need" and (key in known.resources or _is_number(value)):
        rest = {k: plain(v) for k, v in node.value.items() if k in element.fields}
        return f"write `{{{written({'resource': key, 'units': value, **rest})}}}`"
    if element.noun == "a stage" and key in known.resources:
        return f"write `{written({'needs': {'resource': key, 'units': value}})}`"
    within = _paths_to(element, key)
    below = next(iter(within.values()), ())
    if len(below) == 2:  # one of few mappings of its own, such as `pathway` of a scenario
        return f"write `{written(_nested(below, value))}`"
    if near := did_you_mean(key, element.fields):
        return f"{near} {element.noun} has {', '.join(element.fields)}"
    if below:
        return f"write it as `{written(_nested(below, value))}`"
    if len(elsewhere := _paths_to(top, key)) == 1:
        ((owner, path),) = elsewhere.items()
        return f"{owner} has it: `{written(_nested(_named(path, node), value))}`"
    return ""


def written(value: dict[str, Any]) -> str:
    """A mapping without its braces, as a scenario has it; a long one with `...` below its second keys."""
    text = flow(value)
    if len(text) > LONGEST:
        text = flow({key: _outline(item) for key, item in value.items()})
    return text[1:-1].replace('"..."', "...")


def _outline(item: Any) -> Any:
    """A value with `...` for each mapping or list in it."""
    if isinstance(item, dict):
        return {key: "..." if isinstance(one, dict | list) else one for key, one in item.items()}
    return "..." if isinstance(item, list) else item


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _inside_time(node: PlacedNode) -> str:
    """Families and modifiers beside `after`, or without it, belong into it."""
    law = "every" if "every" in node.value else "after"
    outside = {k: plain(v) for k, v in node.value.items() if k in MODIFIERS or k in FAMILIES}
    there = node.get(law)
    inside = plain(there.content) if there is not None and there.is_mapping else {}
    assert isinstance(inside, dict)
    return f"write it inside `{law}`: `{written({law: {**inside, **outside}})}`"


def _named(path: tuple[str, ...], node: PlacedNode) -> tuple[str, ...]:
    """A path with the resource that a stage needs as its name, where it needs one."""
    needs = node.get("needs")
    if path[0] == "resources" and needs is not None and isinstance(needs.value, str):
        return (path[0], needs.value, *path[2:])
    return path


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A value below the keys of a path."""
    for key in reversed(path):
        value = {key: value}
    return value if isinstance(value, dict) else {}


def _paths_to(element: Element, key: str) -> dict[str, tuple[str, ...]]:
    """By the nouns of the elements below this one that have a key: its path, `NAME` for each name."""
    found: dict[str, tuple[str, ...]] = {}
    todo: deque[tuple[tuple[str, ...], Element]] = deque([((), element)])
    seen = set()
    while todo:
        above, one = todo.popleft()
        if one.noun in seen:
            continue
        seen.add(one.noun)
        if above and key in one.fields:
            found[one.noun] = (*above, key)
        for name, field in one.fields.items():
            if field.type.element is not None:
                named = ("NAME",) if field.type.is_named else ()
                todo.append(((*above, name, *named), field.type.element))
    return found
