"""Dotted paths into a tree of nodes: `pathway.stages.panel.decide.unfit.when`.

A key may have dots of its own (`since.hsct`, `0.5`): the longest that exists is meant. An item of
a list is addressed by its `name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeAlias

from sim.errors import Place
from sim.scenario.source.tree import Node

Keys: TypeAlias = tuple[str, ...]

_ONE_KEY = re.compile(r"(?:since|visits|waited|queue|free|days)\.[^.]+\Z|[0-9]+\.[0-9]+(?: \w+)?\Z")


def name_of(item: Node) -> str | None:
    """The name by which an item of a list can be addressed."""
    name = item.value.get("name") if isinstance(item.value, dict) else None
    return name.value if name is not None and isinstance(name.value, str) else None


def children(node: Node) -> dict[str, Node]:
    """What lies one key beneath a node; of items with one name the first."""
    if isinstance(node.value, dict):
        return node.value
    found: dict[str, Node] = {}
    if isinstance(node.value, list):
        for item in node.value:
            name = name_of(item)
            if name is not None:
                found.setdefault(name, item)
    return found


def follow(node: Node, path: str) -> tuple[Keys, str]:
    """The keys of a path as far as they exist, and the rest of the path ("" if all exist)."""
    below = children(node)
    best: tuple[Keys, str] = ((), path)
    for end in sorted((found.start() for found in re.finditer(r"\.|\Z", path)), reverse=True):
        key = path[:end]
        if key not in below:
            continue
        if end == len(path):
            return (key,), ""
        keys, rest = follow(below[key], path[end + 1 :])
        if not rest:
            return (key, *keys), ""
        if len(rest) < len(best[1]):
            best = (key, *keys), rest
    return best


def split(rest: str) -> Keys:
    """The keys of a path that does not exist; `since.hsct` and `0.5` are one key."""
    return (rest,) if _ONE_KEY.match(rest) else tuple(rest.split("."))


def get(node: Node, keys: Keys) -> Node | None:
    """The node at existing keys, None where there is none."""
    for key in keys:
        found = children(node).get(key)
        if found is None:
            return None
        node = found
    return node


def at(node: Node, keys: Keys) -> Node:
    """The node at keys that exist."""
    for key in keys:
        node = children(node)[key]
    return node


def put(node: Node, keys: Keys, value: Node, place: Place) -> Node:
    """The tree with another value at these keys; keys that do not exist are made at this place."""
    return _edited(node, keys, value, place)


def without(node: Node, keys: Keys) -> Node:
    """The tree without the value at these keys, which exist."""
    return _edited(node, keys, None, node.place)


def _edited(node: Node, keys: Keys, value: Node | None, place: Place) -> Node:
    key, rest = keys[0], keys[1:]
    below = children(node).get(key)
    if rest:
        value = _edited(below or Node(place, {}), rest, value, place)
    if isinstance(node.value, list):
        first = next(n for n, item in enumerate(node.value) if name_of(item) == key)
        new = [] if value is None else [value]
        return Node(node.place, [*node.value[:first], *new, *node.value[first + 1 :]])
    entries = dict(node.value) if isinstance(node.value, dict) else {}
    places = dict(node.keys)
    if value is None:
        del entries[key], places[key]
    else:
        entries[key] = value
        places[key] = places.get(key, place) if rest else place
    return Node(node.place, entries, places)


def nearest(node: Node, path: str) -> str:
    """The path that has all keys of this one, in order, and the fewest others; "" without a single one.

    Where none has all of them, the path that has all but the last few, with these at its end.
    """
    keys = path.split(".")
    everything = [found for found in _all_paths(node, ()) if found]
    for n in range(len(keys), 0, -1):
        fits = [found for found in everything if found[-1] == keys[n - 1] and _has(found, keys[:n])]
        shortest = min(map(len, fits), default=0)
        best = [found for found in fits if len(found) == shortest]
        if best:
            whole = (*best[0], *keys[n:])
            return ".".join(whole) if len(best) == 1 and shortest > n else ""
    return ""


def _has(found: Keys, keys: list[str]) -> bool:
    """Whether the keys are among those found, in this order."""
    left = iter(found)
    return all(key in left for key in keys)


def _all_paths(node: Node, above: Keys) -> Iterator[Keys]:
    for key, below in children(node).items():
        yield (*above, key)
        yield from _all_paths(below, (*above, key))
