"""Parameters: what `parameters:` declares, and each `$name` replaced by the value it stands for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from graphlib import CycleError, TopologicalSorter

import sim.units as units
from sim.errors import InputError, Place, Problems, Where, did_you_mean
from sim.scenario.source.paths import name_of
from sim.scenario.source.record import Parameter, Uncertainty
from sim.scenario.source.tree import Node, Unresolved, flow, moved, plain, shortened

STATUSES = ("published", "derived", "digitised", "recalled", "calibrated", "assumed", "chosen")
_KEYS = ("value", "uncertainty", "source", "status")
_REFERENCE = re.compile(r"\$([^\s$]\S*)\Z")
_ESCAPED = "$$"
"""What a text begins with that begins with `$` and is no reference."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter as declared; the references in its value and uncertainty are replaced.

    value: a scalar, or a mapping or list of scalars. written: the uncertainty in the scenario's
    own words, "" if there is none. where: the place of the value. refers_to: the parameters in the value
    as written.
    """

    name: str
    value: Node
    uncertainty: Uncertainty | None
    written: str
    source: str
    status: str
    where: Where
    refers_to: tuple[str, ...] = ()


def substitute(
    node: Node,
    problems: Problems,
    *,
    notes: list[str] | None = None,
    keep: Collection[str] = (),
    folder: str = "",
) -> tuple[Node, tuple[Parameter, ...]]:
    """The scenario without `parameters`, each `$name` replaced; the parameters in file order.

    A value that stands for a reference has the place of the reference; a reference to what is not
    declared is a problem, and stays as it is. notes: takes what a scenario with layers leaves
    unused; without it an unused parameter is a problem. keep: names of parameters; where one of
    these gives a value, the value's node says so. folder: where the path of a table is seen from if it
    is written in no file.
    """
    section = _section(node)
    rest = _without_parameters(node)
    found = declared(node, problems, keep=keep, folder=folder)
    values = {one.name: one.value for one in found}
    used = _check_references(rest, "", section, problems)
    _check_entries(rest, "", values, problems)
    for item in section.values():
        used |= {*_references(item), *_follows(item)}
    for name in section:
        if name not in used:
            _unused(name, node, problems, notes)
    return _filled(rest, values), tuple(_parameter(one) for one in found)


def declared(
    node: Node, problems: Problems, *, keep: Collection[str] = (), folder: str = ""
) -> tuple[Declared, ...]:
    """The parameters of a scenario that still has its `parameters`, in file order.

    keep, folder: as in `substitute`. What is wrong with one goes to problems; it is left out if it has no
    usable value.
    """
    section = node.value.get("parameters") if isinstance(node.value, dict) else None
    if section is None:
        return ()
    if not isinstance(section.value, dict):
        where = Where(section.place, "parameters")
        problems.add(where, "is not a mapping of names to parameters", "write `NAME: {value: ...}`")
        return ()
    for name, item in section.value.items():
        _check_shape(name, item, Where(section.keys[name], f"parameters.{name}"), problems)
        _check_references(item, f"parameters.{name}", section.value, problems)
    values: dict[str, Node] = {}
    for name in _in_order(section, problems):
        value = _value(name, section.value[name], values, problems)
        if value is not None:
            values[name] = _kept(value, name) if name in keep else value
    for name, item in section.value.items():
        _check_entries(item, f"parameters.{name}", values, problems)
    found = tuple(
        _declared(name, section.value[name], values, problems, folder=folder)
        for name in section.value
        if name in values
    )
    _check_followed(found, section.value, problems)
    return found


def _parameter(one: Declared) -> Parameter:
    """The record of a parameter, with its numbers in days and per day."""
    value = one.value.value
    items = {"": one.value}
    if isinstance(value, dict):
        items = value
    elif isinstance(value, list):
        items = {str(n): item for n, item in enumerate(value)}
    read: dict[str, Callable[[object], float]] = {
        "number": units.number,
        "time": partial(units.days, negative=True),
        "rate": partial(units.per_day, negative=True),
    }
    kinds = [units.kind(item.value) for item in items.values()]
    record = Parameter(
        one.name,
        flow(plain(one.value)),
        one.written,
        one.source,
        one.status,
        one.where,
        refers_to=one.refers_to,
    )
    if not set(kinds) <= set(read):
        return record
    values = tuple(
        (key, read[kind](item.value)) for kind, (key, item) in zip(kinds, items.items(), strict=True)
    )
    written = tuple(" ".join(str(item.value).split()[1:]) for item in items.values())
    return replace(record, values=values, units=written, drawn=one.uncertainty)


def _section(node: Node) -> Mapping[str, Node]:
    found = node.value.get("parameters") if isinstance(node.value, dict) else None
    return found.value if found is not None and isinstance(found.value, dict) else {}


def _without_parameters(node: Node) -> Node:
    if not isinstance(node.value, dict):
        return node
    kept = {key: item for key, item in node.value.items() if key != "parameters"}
    return Node(node.place, kept, {key: node.keys[key] for key in kept})


# ---------------------------------------------------------------- one parameter


def _check_shape(name: str, item: Node, where: Where, problems: Problems) -> None:
    if not (name.isidentifier() and name.isascii()):
        fix = "a parameter's name is letters, digits and `_`"
        problems.add(where, f"`{name}` is not a name", fix)
    if not isinstance(item.value, dict):
        fix = f"write `{name}: {{value: {flow(plain(item))}}}`"
        problems.add(Where(item.place, where.path), "is not a mapping with a `value`", fix)
        return
    for key, place in item.keys.items():
        if key not in _KEYS:
            fix = did_you_mean(key, _KEYS) or f"a parameter has {', '.join(_KEYS)}"
            problems.add(Where(place, where.at(key).path), f"a parameter has no `{key}`", fix)
    if "value" not in item.value:
        problems.add(where, "has no `value`", f"write `{name}: {{value: ...}}`")
    status = item.value.get("status")
    if status is not None and status.value not in STATUSES:
        fix = did_you_mean(str(status.value), STATUSES) or f"one of {', '.join(STATUSES)}"
        here = Where(status.place, where.at("status").path)
        problems.add(here, f"{flow(plain(status))} is not a status", fix)
    drawn = item.value.get("uncertainty")
    if status is not None and status.value == "chosen" and drawn is not None:
        here = Where(drawn.place, where.at("uncertainty").path)
        problems.add(here, "what is chosen is not uncertain", "leave it out, or write `status: assumed`")
    source = item.value.get("source")
    if source is not None and isinstance(source.value, (dict, list)):
        here = Where(source.place, where.at("source").path)
        problems.add(here, "is not a text", "name one entry of the sources, or write a sentence")


def _value(name: str, item: Node, values: Mapping[str, Node], problems: Problems) -> Node | None:
    """A parameter's value with its references replaced, None where it is not fit for use."""
    written = item.value.get("value") if isinstance(item.value, dict) else None
    if written is None:
        return None
    where = Where(written.place, f"parameters.{name}.value")
    value = _filled(written, values)
    parts = [value]
    if isinstance(value.value, (dict, list)):
        parts = list(value.value.values() if isinstance(value.value, dict) else value.value)
        if not parts or any(isinstance(part.value, (dict, list)) for part in parts):
            fix = "a value is a number, a time, a rate, or a mapping or list of these"
            problems.add(where, "cannot be the value of a parameter", fix)
            return None
    for part in parts:
        if isinstance(part.value, str) and part.value.endswith("%"):
            try:
                units.number(part.value)
            except InputError as error:
                problems.add(Where(part.place, where.path), error.fact, error.fix)
                return None
    return None if any(isinstance(part.value, Unresolved) for part in parts) else value


def _kept(value: Node, name: str, *, key: str = "") -> Node:
    """A value, each of its scalars with this parameter."""
    if isinstance(value.value, dict):
        return replace(value, value={k: _kept(item, name, key=k) for k, item in value.value.items()})
    if isinstance(value.value, list):
        return replace(value, value=[_kept(item, name, key=str(n)) for n, item in enumerate(value.value)])
    return replace(value, parameter=(name, key))


def _declared(
    name: str, item: Node, values: Mapping[str, Node], problems: Problems, *, folder: str
) -> Declared:
    entries = item.value if isinstance(item.value, dict) else {}
    path = f"parameters.{name}"
    node, found = entries.get("uncertainty"), None
    if node is not None:
        from sim.scenario.source import uncertainty

        where = Where(node.place, f"{path}.uncertainty")
        found = uncertainty.read(_filled(node, values), values[name], where, problems, folder=folder)
    source, status = (
        str(_filled(entries[key], values).value) if key in entries else "" for key in ("source", "status")
    )
    written = flow(plain(node)) if node is not None else ""
    where = Where(entries["value"].place, path)
    others = tuple(dict.fromkeys(_references(entries["value"])))
    return Declared(name, values[name], found, written, source, status, where, others)


# ---------------------------------------------------------------- between parameters


def _in_order(section: Node, problems: Problems) -> tuple[str, ...]:
    """The names, each after those that it refers to; those of a circle are left out."""
    entries = section.value if isinstance(section.value, dict) else {}
    needs = {
        name: list(dict.fromkeys(other for other in _references(item) if other in entries))
        for name, item in entries.items()
    }
    for circle in _circles(needs):
        shown = " -> ".join(circle)
        first = min(circle, key=lambda name: section.keys[name])
        where = Where(section.keys[first], f"parameters.{first}")
        problems.add(where, f"refers to itself: {shown}", "give one of them a value of its own")
    return tuple(TopologicalSorter(needs).static_order())


def _circles(needs: dict[str, list[str]]) -> list[list[str]]:
    """The circles of references; each is broken by emptying the needs of its members."""
    found: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            found.append(circle)
            for name in circle:
                needs[name] = []
        else:
            return found


def _follows(item: Node) -> Mapping[str, Place]:
    """The names after `follows` in a parameter's uncertainty, and their places."""
    for key in ("uncertainty", "follows"):
        if not isinstance(item.value, dict) or key not in item.value:
            return {}
        item = item.value[key]
    return item.keys


def _check_followed(found: tuple[Declared, ...], section: Mapping[str, Node], problems: Problems) -> None:
    """A parameter that follows another is drawn with it: both need an uncertainty, without a circle."""
    by_name = {one.name: one for one in found}
    needs: dict[str, list[str]] = {}
    for one in found:
        for other, place in _follows(section[one.name]).items():
            where = Where(place, f"parameters.{one.name}.uncertainty.follows")
            its = by_name.get(other)
            if other not in section:
                fix = did_you_mean(other, section)
                problems.add(where, f"there is no parameter `{other}`", fix)
            elif its is not None and not its.written:
                problems.add(where, f"`{other}` has no uncertainty", "give it one to follow")
            elif its is not None and isinstance(its.value.value, dict):
                problems.add(where, f"`{other}` is a vector", "follow one number")
            elif its is not None and its.uncertainty and its.uncertainty.file:
                fix = "a table has the correlations of its columns: give this one a column too"
                problems.add(where, f"`{other}` is drawn from a table", fix)
            elif its is not None:
                needs.setdefault(one.name, []).append(other)
    for circle in _circles(needs):
        where = Where(_follows(section[circle[0]])[circle[1]], f"parameters.{circle[0]}")
        shown = " -> ".join(circle)
        problems.add(where, f"follows itself: {shown}", "the first of them follows none")


# ---------------------------------------------------------------- references in a tree


def _name(text: object) -> str:
    """The parameter that a scalar refers to, "" if it is no reference."""
    return _parts(text)[0]


def _parts(text: object) -> tuple[str, str]:
    """The parameter that a scalar refers to and the key of its entry, "" for the whole."""
    found = _REFERENCE.match(text) if isinstance(text, str) else None
    name, dot, key = found[1].partition(".") if found else ("", "", "")
    return (name + dot, "") if dot and not key else (name, key)


def _check_entries(node: Node, path: str, values: Mapping[str, Node], problems: Problems) -> None:
    """Report each `$name.key` of a parameter that has no such entry."""
    for text, where, is_key in _dollars(node, path):
        name, key = _parts(text)
        if is_key or not key or name not in values:
            continue
        entries = values[name].value
        if not isinstance(entries, dict):
            problems.add(where, f"`{name}` is no mapping: it has no entry `{key}`", f"write `${name}`")
        elif key not in entries:
            fix = did_you_mean(key, entries) or f"it has {', '.join(entries)}"
            problems.add(where, f"`{name}` has no entry `{shortened(key)}`", fix)


def _dollars(node: Node, path: str) -> Iterator[tuple[str, Where, bool]]:
    """Every text of a tree that begins with one `$`, its place, and whether it is a key."""
    if isinstance(node.value, dict):
        for key, item in node.value.items():
            if key.startswith("$"):
                yield key, Where(node.keys[key], path), True
            yield from _dollars(item, f"{path}.{key}" if path else key)
    elif isinstance(node.value, list):
        for n, item in enumerate(node.value):
            step = name_of(item) or str(n)
            yield from _dollars(item, f"{path}.{step}" if path else step)
    elif isinstance(node.value, str) and node.value.startswith("$") and not node.value.startswith(_ESCAPED):
        yield node.value, Where(node.place, path), False


def _references(node: Node) -> list[str]:
    """The names of all references in a tree."""
    return [_name(text) for text, _, is_key in _dollars(node, "") if not is_key and _name(text)]


def _check_references(node: Node, path: str, known: Mapping[str, Node], problems: Problems) -> set[str]:
    """The names that are referred to; reports each `$` in a key or without a declared parameter's name."""
    used: set[str] = set()
    for text, where, is_key in _dollars(node, path):
        name = _name(text)
        used.add(name)
        if is_key:
            problems.add(where, f"`{text}` is a key", "a parameter stands for a value, not for a key")
        elif not name:
            fact = f"`{shortened(text)}` begins with `$`, and no parameter's name follows"
            fix = f"write `$name`; a text that begins with `$` begins with two: `{shortened('$' + text)}`"
            problems.add(where, fact, fix)
        elif name not in known:
            fix = did_you_mean(name, known) or "declare it under `parameters`"
            problems.add(where, f"there is no parameter `{shortened(name)}`", fix)
    return used


def _filled(node: Node, values: Mapping[str, Node]) -> Node:
    """The tree with references replaced by these values; a reference to nothing is `Unresolved`."""
    if isinstance(node.value, dict):
        entries = {key: _filled(item, values) for key, item in node.value.items()}
        return Node(node.place, entries, node.keys)
    if isinstance(node.value, list):
        return Node(node.place, [_filled(item, values) for item in node.value])
    if not isinstance(node.value, str) or not node.value.startswith("$"):
        return node
    if node.value.startswith(_ESCAPED):
        return Node(node.place, node.value[1:])
    name, key = _parts(node.value)
    found = values.get(name)
    if key and found is not None:
        found = found.value.get(key) if isinstance(found.value, dict) else None
    return moved(found, node.place) if found is not None else Node(node.place, Unresolved(node.value))


def _unused(name: str, node: Node, problems: Problems, notes: list[str] | None) -> None:
    section = node.value["parameters"] if isinstance(node.value, dict) else node
    where = Where(section.keys[name], f"parameters.{name}")
    if notes is None:
        problems.add(where, "nothing uses this parameter", f"write `${name}` where it belongs")
    else:
        notes.append(f"{where.place}: {where.path}: nothing uses this parameter")
