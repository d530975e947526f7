"""Nodes of a tree with their key paths, and the names that a scenario declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import sim.units as units
from sim.errors import InputError, Place, Problems, Where, did_you_mean
from sim.scenario.language.drawn import Drawn
from sim.scenario.language.model import Condition, Covariate, Scalar
from sim.scenario.source.tree import (
    LONGEST_SHOWN,
    Node,
    Unresolved,
    flow,
    key_value,
    normal,
    plain,
    shortened,
)

K = TypeVar("K")
T = TypeVar("T")

MOST_LISTED = 20
MOST_UNITS = 2**31 - 1  # of a resource, and patients: the log counts them in 32 bits
YES, NO = ("yes", "y", "on", "1"), ("no", "n", "off", "0")
SHORTEST = 2.0**-20  # days: the step of the grid of times


class Unread(Exception):
    """Raised where a value could not be read; its problem has been added."""


def listing(names: Iterable[str]) -> str:
    """Names for a message, the first of them where there are many."""
    listed = list(names)
    more = f", ... ({len(listed)} in all)" if len(listed) > MOST_LISTED else ""
    return ", ".join(listed[:MOST_LISTED]) + more if listed else "none"


@dataclass(frozen=True, slots=True)
class PlacedNode:
    """A node of the tree, the key path that leads to it, and the list its problems are added to."""

    content: Node
    path: str
    problems: Problems

    @property
    def value(self) -> Any:
        """The plain value of the node."""
        return self.content.value

    @property
    def where(self) -> Where:
        """The place of the node, for errors."""
        return Where(self.content.place, self.path)

    @property
    def is_mapping(self) -> bool:
        """Whether the node is a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether the node is a list."""
        return isinstance(self.value, list)

    def fail(self, fact: str, fix: str = "") -> Unread:
        """Add a problem of this node; the caller raises what is returned."""
        self.problems.add(self.where, fact, fix)
        return Unread()

    def fail_at_key(self, key: str, fact: str, fix: str = "") -> Unread:
        """Add a problem of a key of this mapping; the caller may raise what is returned."""
        place: Place = self.content.keys.get(key, self.content.place)
        self.problems.add(Where(place, self.where.at(key).path), fact, fix)
        return Unread()

    def unknown(self, key: str, known: Iterable[str], fact: str, fix: str = "", *, more: str = "") -> Unread:
        """Add the problem of a key that is none of those known: the nearest of them, or else `fix`."""
        return self.fail_at_key(key, fact, f"{did_you_mean(key, known)} {more}".strip() or fix)

    def child(self, key: str) -> PlacedNode:
        """The node at a key."""
        return PlacedNode(self.value[key], self.where.at(key).path, self.problems)

    def get(self, key: str) -> PlacedNode | None:
        """The value of a key of a mapping, None where it is not there."""
        return self.child(key) if self.is_mapping and key in self.value else None

    def at_key(self, key: str) -> PlacedNode:
        """A key of this mapping as a value at its place."""
        return PlacedNode(
            Node(self.content.keys[key], key_value(key)), self.where.at(key).path, self.problems
        )

    def with_value(self, value: str | float | bool) -> PlacedNode:
        """Another value at this place."""
        return PlacedNode(Node(self.content.place, value), self.path, self.problems)

    def children(self) -> Iterator[tuple[str, PlacedNode]]:
        """The keys and values of a mapping, in file order."""
        for key in self.mapping():
            yield key, self.child(key)

    def items(self) -> Iterator[PlacedNode]:
        """The items of a list; a named one is called by its name in the path."""
        if not self.is_list:
            item = flow(plain(self.content)) if self.is_mapping else ""
            fix = f"write it as [{item}]" if 0 < len(item) <= LONGEST_SHOWN else "write it as [item, item]"
            raise self.fail(f"a list is expected here, not {self.seen()}", fix)
        for i, item in enumerate(self.value):
            name = item.value.get("name") if isinstance(item.value, dict) else None
            step = name.value if name is not None and isinstance(name.value, str) else i
            yield PlacedNode(item, self.where.at(step).path, self.problems)

    def mapping(self) -> dict[str, Node]:
        """The nodes of a mapping by key."""
        if not self.is_mapping:
            names = [i.value for i in self.value if isinstance(i.value, str)] if self.is_list else []
            entries = ", ".join(f"{name}: ..." for name in names[:MOST_LISTED]) or "key: value"
            raise self.fail(f"a mapping is expected here, not {self.seen()}", f"write it as {{{entries}}}")
        result: dict[str, Node] = self.value
        return result

    def seen(self) -> str:
        """What the value is, for a message."""
        if self.is_mapping:
            return "a mapping"
        if self.is_list:
            return "a list"
        text = str(self.value)
        return f"`{shortened(text.lower() if isinstance(self.value, bool) else text)}`"

    # ------------------------------------------------------------ scalars

    def quantity(self, read: Callable[[object], float]) -> float:
        """A number, time or rate by one of the readers of `units`."""
        if isinstance(self.value, Unresolved):
            raise Unread
        if self.is_mapping or self.is_list:
            raise self.fail(f"a single value is expected here, not {self.seen()}")
        try:
            found = read(self.value)
        except InputError as error:
            raise self.fail(error.fact, error.fix) from None
        return found if self.content.parameter is None else Drawn.parameter(found, self.content.parameter)

    def time(self) -> float:
        """A time, in days."""
        return self.quantity(units.days)

    def length(self) -> float:
        """A time, in days, that is not 0 on the grid of times."""
        days = self.time()
        if 0.0 < days < SHORTEST:
            raise self.fail(f"{self.value} is shorter than 2^-20 days", "times are counted in steps of that")
        return days

    def rate(self) -> float:
        """A rate, per day."""
        return self.quantity(units.per_day)

    def number(self) -> float:
        """A plain number."""
        return self.quantity(units.number)

    def share(self) -> float:
        """A probability."""
        p = self.number()
        if not 0.0 <= p <= 1.0:
            raise self.fail(
                f"{units.number_text(p)} is not a probability", "probabilities lie between 0 and 1"
            )
        return p

    def whole(self, least: int = 0, most: int = MOST_UNITS) -> int:
        """A whole number."""
        n = self.number()
        if n != int(n) or n < least:
            raise self.fail(f"{self.seen()} is not a whole number of at least {least}")
        if n > most:
            raise self.fail(f"{self.seen()} is too large", f"at most {most:_}")
        return int(n)

    def text(self) -> str:
        """A name or a text; numbers and yes/no that are written unquoted are texts here too."""
        if self.is_mapping or self.is_list:
            raise self.fail(f"a name or text is expected here, not {self.seen()}")
        if isinstance(self.value, Unresolved):
            raise Unread
        return scalar_text(self.value)

    def name(self, others: Iterable[str] = ()) -> str:
        """A new name, in one line, that is not another spelling of an existing one."""
        name = self.text()
        if not name.isprintable():
            raise self.fail("a name is written in one line", "leave out the line break or tab")
        for other in others:
            if other != name and normal(other) == normal(name):
                fix = "they differ only in how Unicode spells them"
                raise self.fail(f"`{name}` appears twice, in two spellings", fix)
        return name

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.fail(f"true or false is expected here, not {self.seen()}", self.write_a_flag())
        return self.value

    def write_a_flag(self) -> str:
        """What to write for a yes or no in other words."""
        said = str(self.value).lower()
        return f"write {'true' if said in YES else 'false' if said in NO else 'true or false'}"

    def one_of(self, known: Any, noun: str) -> str:
        """A name out of those known."""
        name = self.text()
        if name not in known:
            near = did_you_mean(name, known)
            raise self.fail(f"there is no {noun} `{name}`", near or f"known: {listing(known)}")
        return name

    def folder(self, otherwise: str) -> Path:
        """The folder of the file in which this is written; `otherwise` for a value of no file."""
        place = self.content.place
        return Path(place.file).parent if place.line else Path(otherwise)

    def names(self) -> list[PlacedNode]:
        """One name, or a list of names."""
        return list(self.items()) if self.is_list else [self]

    def attempt(self, read: Callable[[PlacedNode], T]) -> T | None:
        """What `read` gives, None where it could not be read (and its problem is noted)."""
        try:
            return read(self)
        except Unread:
            return None


def read_all(items: Iterable[K], read: Callable[[K], T]) -> tuple[T, ...]:
    """What `read` gives for each item; each is tried even if one before it failed.

    Raises: Unread if any could not be read.
    """
    found: list[T] = []
    n_failed = 0
    for item in items:
        try:
            found.append(read(item))
        except Unread:
            n_failed += 1
    if n_failed:
        raise Unread
    return tuple(found)


def scalar_text(value: Scalar) -> str:
    """A value as a scenario has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else units.number_text(value)


@dataclass(slots=True)
class AttributeKind:
    """number | yes_no | category (unread: its problem is noted), and the categories in order.

    numbers: of a number the values it can have, None where they are not a list.
    """

    kind: str
    categories: tuple[str, ...] = ()
    numbers: frozenset[float] | None = field(default=None, compare=False)


@dataclass(slots=True)
class Known:
    """The names that a scenario declares; filled before anything that refers to them is read.

    stage: the name of the stage that is being read, "" outside of stages. fix_of_key: what to write for a
    key that an element does not have, given the element, its node, the key and these names.
    """

    problems: Problems
    fix_of_key: Callable[[Any, PlacedNode, str, Known], str]
    folder: str = ""
    stage: str = ""
    attributes: dict[str, AttributeKind] = field(default_factory=dict)
    stages: dict[str, PlacedNode] = field(default_factory=dict)
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    clocks: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    rules: list[str] = field(default_factory=list)
    conditions: dict[str, PlacedNode] = field(default_factory=dict)
    open_conditions: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    n_tests: int = 0
    failed_conditions: set[str] = field(default_factory=set)
    later_attributes: tuple[str, ...] = ()
    read_conditions: dict[str, Condition] = field(default_factory=dict)

    # ------------------------------------------------------------ covariates

    def covariate(self, node: PlacedNode, name: str) -> Covariate:
        """What a key of a condition, `by:` or `per:` reads."""
        if name in ("stage", "days_in_stage"):
            return Covariate(name)
        if name == "current_age":
            age = self.attributes.get("age")
            if age is None or age.kind not in ("number", "unread"):
                raise node.fail("`current_age` needs a number attribute `age`", "declare `age` in years")
            return Covariate(name)
        kind, dot, rest = name.partition(".")
        names: dict[str, tuple[str, Iterable[str]]] = {
            "visits": ("stage", self.stages),
            "waited": ("stage", self.stages),
            "since": ("stamp", ("start", *self.stamps)),
            "queue": ("resource", self.resources),
            "free": ("resource", self.resources),
        }
        if dot and kind in names:
            noun, known = names[kind]
            return Covariate(kind, node.with_value(rest).one_of(known, noun))
        if name in self.attributes:
            return Covariate("attribute", name)
        if name in self.later_attributes:
            raise node.fail(f"`{name}` is declared later", f"put `{name}` before what depends on it")
        near = did_you_mean(name, [*self.attributes, "stage", "current_age", "days_in_stage"])
        raise node.fail(
            f"there is no attribute `{name}`",
            near
            or "attributes are declared in patients.attributes; also: stage, current_age, days_in_stage, "
            "visits.STAGE, since.STAMP, waited.STAGE, queue.RESOURCE, free.RESOURCE",
        )

    def scalar(self, node: PlacedNode, covariate: Covariate) -> Scalar:
        """A value that a covariate can have."""
        if isinstance(node.value, Unresolved):
            raise Unread
        if covariate.kind == "stage":
            return node.one_of(self.stages, "stage")
        if covariate.kind == "attribute":
            return self.attribute_value(node, covariate.name)
        is_time = covariate.kind in ("days_in_stage", "since", "waited")
        return node.time() if is_time and isinstance(node.value, str) else node.number()

    def attribute_value(self, node: PlacedNode, name: str) -> Scalar:
        """A value that an attribute can have."""
        kind = self.attributes[name]
        if kind.kind == "unread":
            raise Unread
        if kind.kind == "yes_no":
            if not isinstance(node.value, bool):
                raise node.fail(f"`{name}` is true or false, not {node.seen()}", node.write_a_flag())
            return node.value
        if kind.kind == "category":
            value = node.text()
            if value not in kind.categories:
                near = did_you_mean(value, kind.categories)
                values = f"its values are {listing(kind.categories)}"
                raise node.fail(f"`{name}` is never `{value}`", f"{near} {values}".strip())
            return value
        return node.number()

    def key(self, node: PlacedNode, key: str, covariate: Covariate) -> Scalar:
        """A key of a mapping as a value of a covariate."""
        at_key = node.at_key(key)
        return self.scalar(PlacedNode(at_key.content, node.path, node.problems), covariate)
