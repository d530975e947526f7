"""The elements of the language: each key with its type, meaning and default, declared once.

A `Type` says how a value is read and written. An `Element` is a mapping with fixed keys; from its fields
follow its reader, its writer, its JSON Schema, its table in the reference, and which keys have a default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import sim.units as units
from sim.scenario.language.node_reader import Known, PlacedNode, Unread, read_all
from sim.scenario.source.tree import Node

Read: TypeAlias = Callable[[PlacedNode, Known], Any]
Write: TypeAlias = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Type:
    """A type of values.

    name: of its definition in the JSON Schema. read: None where the element reads it itself. write: gives
    mappings, lists and scalars. words: the only texts it takes, if these are few. element: what stands
    there, or (is_named) in each entry.
    """

    name: str
    read: Read | None = None
    write: Write = lambda value: value
    words: tuple[str, ...] = ()
    element: Element | None = None
    is_named: bool = False


_IMPLIED = {"{}": (), "[]": (), "false": False}


@dataclass(frozen=True, slots=True)
class Field:
    """A key of an element.

    default: what holds where it is left out, in words; "" where nothing does. name: the field of the
    model, if it is not the key. otherwise: the model's value where the key is left out. is_written: in the
    resolved form also then. get: the model's value, if it is not a field of the element's object. absent:
    `otherwise`, which a default of `{}`, `[]` or `false` implies.
    """

    type: Type
    meaning: str
    default: str = ""
    is_required: bool = False
    name: str = ""
    otherwise: Any = None
    is_written: bool = False
    get: Callable[[Any], Any] | None = None

    @property
    def absent(self) -> Any:
        """The value of a field that is not written."""
        return _IMPLIED.get(self.default, self.otherwise)


@dataclass(frozen=True, slots=True)
class Element:
    """A mapping of the language: its name, its meaning, and its keys in order."""

    noun: str
    meaning: str
    fields: Mapping[str, Field]

    def check(self, node: PlacedNode, known: Known) -> dict[str, Node]:
        """The mapping; adds a problem for each key that is unknown or missing."""
        mapping = node.mapping()
        for key in mapping:
            if key not in self.fields:
                fix = known.fix_of_key(self, node, key, known) or f"{self.noun} has {', '.join(self.fields)}"
                node.fail_at_key(key, f"unknown key `{key}`", fix)
        for key, field in self.fields.items():
            if field.is_required and key not in mapping:
                self.lacks(node, f"`{key}` is missing", f"{key}: {field.meaning}")
        return mapping

    def lacks(self, node: PlacedNode, fact: str, fix: str = "") -> Unread:
        """Note that a key is missing, unless a key of this mapping is unknown: then that is the fault."""
        if all(key in self.fields for key in node.mapping()):
            node.problems.add(node.where, fact, fix)
        return Unread()

    def read(self, node: PlacedNode, known: Known, *, checked: bool = False) -> dict[str, Any]:
        """The model's fields from a mapping.

        checked: whether `check` was called already.
        Raises: Unread if any value could not be read, or a required key is missing; all have been tried.
        """
        mapping = node.mapping() if checked else self.check(node, known)
        found: dict[str, Any] = {}
        failed = any(field.is_required and key not in mapping for key, field in self.fields.items())
        for key, field in self.fields.items():
            read, name = field.type.read, field.name or key
            if read is None or key not in mapping:
                found.setdefault(name, field.absent)
                continue
            try:
                found[name] = read(node.child(key), known)
            except Unread:
                failed = True
        if failed:
            raise Unread
        return found

    def write(self, value: Any) -> dict[str, Any]:
        """The mapping of a model's object; keys that say nothing are left out."""
        found: dict[str, Any] = {}
        for key, field in self.fields.items():
            if field.type.read is None:
                continue
            given = field.get(value) if field.get is not None else getattr(value, field.name or key)
            if field.is_written or given != field.absent:
                found[key] = field.type.write(given)
        return found


def required(type_: Type, meaning: str, **more: Any) -> Field:
    """A field that cannot be left out."""
    return Field(type_, meaning, is_required=True, is_written=True, **more)


# ---------------------------------------------------------------- plain types


def number(value: float) -> float | int:
    """A number, a whole one without its decimal point."""
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else value


def scalar(value: Any) -> Any:
    """A scalar as a value."""
    return value if isinstance(value, bool | str) else number(value)


def words(*allowed: str, noun: str) -> Type:
    """One of a few texts."""
    return Type("text", lambda node, _: node.one_of(allowed, noun), words=allowed)


def one_of(kind: str, noun: str) -> Type:
    """A name out of those that the field `kind` of `Known` has."""
    return Type("text", lambda node, known: node.one_of(getattr(known, kind), noun))


def named(name: str, element: Element, read: Callable[[str, PlacedNode, Known], Any], write: Write) -> Type:
    """Things by name; `read` takes the name, too."""

    def read_named(node: PlacedNode, known: Known) -> tuple[Any, ...]:
        return read_all(node.children(), lambda pair: read(*pair, known))

    def write_named(things: Iterable[Any]) -> dict[str, Any]:
        return {thing.name: write(thing) for thing in things}

    return Type(name, read_named, write_named, element=element, is_named=True)


def listed(name: str, item: Type) -> Type:
    """A list of values of one type."""
    assert item.read is not None
    read_item = item.read
    return Type(
        name,
        lambda node, known: read_all(node.items(), lambda one: read_item(one, known)),
        lambda values: [item.write(value) for value in values],
    )


TEXT = Type("text", lambda node, _: node.text())
FLAG = Type("flag", lambda node, _: node.flag())
NUMBER = Type("number", lambda node, _: node.number(), number)
TIME = Type("time", lambda node, _: node.time(), units.time_text)
LENGTH = Type("time", lambda node, _: node.length(), units.time_text)
TIMES = Type(
    "times",
    lambda node, _: tuple(item.time() for item in node.items()),
    lambda times: [units.time_text(time) for time in times],
)
NAMES = Type("names", lambda node, _: tuple(item.text() for item in node.names()), list)
STAGE_NAME = one_of("stages", "stage")
ATTRIBUTE_NAME = one_of("attributes", "attribute")
RESOURCE_NAME = one_of("resources", "resource")
