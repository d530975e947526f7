"""Reading a tree: a node with its key path, and what the names in a scenario stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sim import units
from sim.errors import InputError, Place, Problems, Where, did_you_mean
from sim.scenario.language.model import Condition, Covariate, Scalar
from sim.scenario.language.vocabulary import SECTIONS
from sim.scenario.source.tree import Node, Unresolved, key_value, normal, shortened

T = TypeVar("T")


class Unread(Exception):
    """A value could not be read, and its problem is noted; the reader goes on with the next."""


MOST_LISTED = 20
MOST_UNITS = 2**31 - 1  # of a resource, and patients: the log counts them in 32 bits
SHORTEST = 2.0**-20  # days: the step of the grid of times


def listing(names: Iterable[str]) -> str:
    """Names for a message, the first of them where there are many."""
    listed = list(names)
    more = f", ... ({len(listed)} in all)" if len(listed) > MOST_LISTED else ""
    return ", ".join(listed[:MOST_LISTED]) + more if listed else "none"


@dataclass(frozen=True, slots=True)
class Spot:
    """A node and the key path that leads to it."""

    node: Node
    path: str
    problems: Problems

    @property
    def value(self) -> Any:
        return self.node.value

    @property
    def where(self) -> Where:
        return Where(self.node.place, self.path)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    def fail(self, fact: str, fix: str = "") -> Unread:
        """Note a problem here; to be raised."""
        self.problems.add(self.where, fact, fix)
        return Unread()

    def fail_at_key(self, key: str, fact: str, fix: str = "") -> None:
        """Note a problem at a key of this mapping."""
        place: Place = self.node.keys.get(key, self.node.place)
        self.problems.add(Where(place, self.where.at(key).path), fact, fix)

    def child(self, key: str) -> Spot:
        return Spot(self.value[key], self.where.at(key).path, self.problems)

    def get(self, key: str) -> Spot | None:
        """The value of a key of a mapping, None where it is not there."""
        return self.child(key) if self.is_mapping and key in self.value else None

    def children(self) -> Iterator[tuple[str, Spot]]:
        """The keys and values of a mapping, in file order."""
        for key in self.mapping():
            yield key, self.child(key)

    def items(self) -> Iterator[Spot]:
        """The items of a list; a named one is called by its name in the path."""
        if not self.is_list:
            raise self.fail(f"a list is due here, not {self.seen()}", "write it as [item, item]")
        for i, node in enumerate(self.value):
            name = node.value.get("name") if isinstance(node.value, dict) else None
            step = name.value if name is not None and isinstance(name.value, str) else i
            yield Spot(node, self.where.at(step).path, self.problems)

    def mapping(self) -> dict[str, Node]:
        if not self.is_mapping:
            raise self.fail(f"a mapping is due here, not {self.seen()}", "write it as {key: value}")
        result: dict[str, Node] = self.value
        return result

    def section(self, name: str) -> dict[str, Node]:
        """A mapping whose keys are words of a section of the language."""
        mapping = self.mapping()
        known = SECTIONS[name].words
        for key in mapping:
            if key not in known:
                near = did_you_mean(key, known)
                rest = f"{SECTIONS[name].noun} has {', '.join(known)}"
                self.fail_at_key(key, f"unknown key `{key}`", f"{near} {rest}".strip())
        for key, word in known.items():
            if word.is_required and key not in mapping:
                self.lacks(name, f"`{key}` is missing", f"{key}: {word.meaning}")
        return mapping

    def lacks(self, section: str, fact: str, fix: str = "") -> Unread:
        """Note that a key is missing, unless a key of this mapping is unknown: then that is the fault."""
        if all(key in SECTIONS[section].words for key in self.mapping()):
            self.problems.add(self.where, fact, fix)
        return Unread()

    def seen(self) -> str:
        """What stands here, for a message."""
        if self.is_mapping:
            return "a mapping"
        if self.is_list:
            return "a list"
        return f"`{shortened(str(self.value))}`"

    # ------------------------------------------------------------ scalars

    def quantity(self, read: Callable[[object], float]) -> float:
        """A number, time or rate by one of the readers of `units`."""
        if isinstance(self.value, Unresolved):
            raise Unread
        if self.is_mapping or self.is_list:
            raise self.fail(f"a single value is due here, not {self.seen()}")
        try:
            return read(self.value)
        except InputError as refused:
            raise self.fail(refused.fact, refused.fix) from None

    def time(self) -> float:
        """A time, in days."""
        return self.quantity(units.days)

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
            raise self.fail(f"{units.number_text(p)} is no probability", "probabilities lie between 0 and 1")
        return p

    def length(self) -> float:
        """A time, in days, that is not 0 on the grid of times."""
        days = self.time()
        if 0.0 < days < SHORTEST:
            raise self.fail(f"{self.value} is shorter than 2^-20 days", "times are counted in steps of that")
        return days

    def whole(self, least: int = 0, most: int = MOST_UNITS) -> int:
        """A whole number."""
        n = self.number()
        if n != int(n) or n < least:
            raise self.fail(f"{self.seen()} is not a whole number of at least {least}")
        if n > most:
            raise self.fail(f"{self.seen()} is too large", f"at most {most:,}".replace(",", "_"))
        return int(n)

    def text(self) -> str:
        """A name or a text; numbers and yes/no that are written unquoted are texts here too."""
        if self.is_mapping or self.is_list:
            raise self.fail(f"a name or text is due here, not {self.seen()}")
        value = self.value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Unresolved):
            raise Unread
        return value if isinstance(value, str) else units.number_text(value)

    def name(self, others: Iterable[str] = ()) -> str:
        """A new name, in one line; of those it stands among none is the same in another spelling."""
        name = self.text()
        if not name.isprintable():
            raise self.fail("a name is written in one line", "leave out the line break or tab")
        for other in others:
            if other != name and normal(other) == normal(name):
                fix = "they differ only in how Unicode spells them"
                raise self.fail(f"`{name}` stands twice, in two spellings", fix)
        return name

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self.fail(f"true or false is due here, not {self.seen()}")
        return self.value

    def one_of(self, known: Any, noun: str) -> str:
        """A name out of those known."""
        name = self.text()
        if name not in known:
            near = did_you_mean(name, known)
            raise self.fail(f"there is no {noun} `{name}`", near or f"known: {listing(known)}")
        return name

    def folder(self, otherwise: str) -> Path:
        """The folder of the file where this is written; `otherwise` for what no file has."""
        place = self.node.place
        return Path(place.file).parent if place.line else Path(otherwise)

    def names(self) -> list[Spot]:
        """One name, or a list of names."""
        return list(self.items()) if self.is_list else [self]

    def attempt(self, read: Callable[[Spot], T]) -> T | None:
        """What `read` gives, None where it could not be read (and its problem is noted)."""
        try:
            return read(self)
        except Unread:
            return None


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
    """What the names of a scenario stand for; filled before anything that refers to them is read."""

    problems: Problems
    folder: str = ""
    is_layered: bool = False
    attributes: dict[str, AttributeKind] = field(default_factory=dict)
    stages: dict[str, Spot] = field(default_factory=dict)
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    clocks: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    rules: list[str] = field(default_factory=list)
    conditions: dict[str, Spot] = field(default_factory=dict)
    open_conditions: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    n_tests: int = 0
    failed_conditions: set[str] = field(default_factory=set)
    later_attributes: tuple[str, ...] = ()
    read_conditions: dict[str, Condition] = field(default_factory=dict)

    # ------------------------------------------------------------ covariates

    def covariate(self, spot: Spot, name: str) -> Covariate:
        """What a key of a condition, `by:` or `per:` reads."""
        if name in ("stage", "days_in_stage"):
            return Covariate(name)
        if name == "current_age":
            age = self.attributes.get("age")
            if age is None or age.kind not in ("number", "unread"):
                raise spot.fail("`current_age` needs a number attribute `age`", "declare `age` in years")
            return Covariate(name)
        kind, dot, rest = name.partition(".")
        if dot:
            known: dict[str, Any] = {
                "visits": self.stages,
                "waited": self.stages,
                "since": ("start", *self.stamps),
                "queue": self.resources,
                "free": self.resources,
            }
            nouns = {
                "visits": "stage",
                "waited": "stage",
                "since": "stamp",
                "queue": "resource",
                "free": "resource",
            }
            if kind in known:
                if rest not in known[kind]:
                    near = did_you_mean(rest, known[kind]) or f"known: {listing(known[kind])}"
                    raise spot.fail(f"there is no {nouns[kind]} `{rest}`", near)
                return Covariate(kind, rest)
        if name in self.attributes:
            return Covariate("attribute", name)
        if name in self.later_attributes:
            raise spot.fail(f"`{name}` is declared later", f"put `{name}` before what depends on it")
        near = did_you_mean(name, [*self.attributes, "stage", "current_age", "days_in_stage"])
        raise spot.fail(
            f"there is no attribute `{name}`",
            near
            or "attributes are declared in patients.attributes; also: stage, current_age, days_in_stage, "
            "visits.STAGE, since.STAMP, waited.STAGE, queue.RESOURCE, free.RESOURCE",
        )

    def scalar(self, spot: Spot, covariate: Covariate) -> Scalar:
        """A value that a covariate can have."""
        if isinstance(spot.value, Unresolved):
            raise Unread
        if covariate.kind == "stage":
            return spot.one_of(self.stages, "stage")
        if covariate.kind == "attribute":
            kind = self.attributes[covariate.name]
            if kind.kind == "unread":
                raise Unread
            if kind.kind == "yes_no":
                if not isinstance(spot.value, bool):
                    raise spot.fail(
                        f"`{covariate.name}` is yes or no, not {spot.seen()}", "write true or false"
                    )
                return spot.value
            if kind.kind == "category":
                name = spot.text()
                if name not in kind.categories:
                    near = did_you_mean(name, kind.categories)
                    values = f"its values are {listing(kind.categories)}"
                    raise spot.fail(f"`{covariate.name}` is never `{name}`", f"{near} {values}".strip())
                return name
            return spot.number()
        is_time = covariate.kind in ("days_in_stage", "since", "waited")
        if is_time and isinstance(spot.value, str):
            return spot.time()
        return spot.number()

    def key(self, spot: Spot, key: str, covariate: Covariate) -> Scalar:
        """A key of a mapping as a value of a covariate."""
        return self.scalar(
            Spot(Node(spot.node.keys[key], key_value(key)), spot.path, spot.problems), covariate
        )
