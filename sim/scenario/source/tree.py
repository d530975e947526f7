"""A YAML file as nodes that remember where they stand, and plain values as canonical YAML text.

The scalars are those of YAML 1.2's core schema, read here and not by the YAML library: `no` and
`on` are texts, `1e-3` and `10_000` are numbers. Nulls,
tags, anchors, merge keys, duplicate keys, several documents, numbers that begin with a zero.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from sim.errors import InputError, Place, Problem, Problems, ScenarioError, Where, did_you_mean
from sim.scenario.source.files import MIB, read_regular
from sim.units import number_text, parse_number

LARGEST_FILE = 256 * MIB
"""Of a scenario: a resolved one contains its tables, each of which may have 64 MiB as a file."""
DEEPEST = 64
LONGEST_KEY = 100
LONGEST_SHOWN = 60

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_YES_NO = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
CONTROL = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028-\u202e\u2066-\u2069]"
)
"""Characters that no text of a scenario has: control characters, bidirectional overrides, line separators."""
_NO_NULL = 'a key without a value is left out; an empty text is ""'

Content: TypeAlias = dict[str, "Node"] | list["Node"] | str | int | float | bool


class Unresolved(str):
    """The text of a reference to no parameter; its problem is noted, so a reader is silent about it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place; for a mapping also the place of each key, as text exactly as written.

    parameter: the name of the parameter that gives a scalar, and the key of its entry, where these are kept.
    """

    place: Place
    value: Content
    keys: dict[str, Place] = field(default_factory=dict)
    parameter: tuple[str, str] | None = None


def moved(node: Node, place: Place) -> Node:
    """The same value as if all of it stood at one place."""
    if isinstance(node.value, dict):
        entries = {key: moved(item, place) for key, item in node.value.items()}
        return Node(place, entries, dict.fromkeys(entries, place))
    if isinstance(node.value, list):
        return Node(place, [moved(item, place) for item in node.value])
    return Node(place, node.value, parameter=node.parameter)


def read_file(path: str | os.PathLike[str]) -> Node:
    """The tree of a YAML file; places name the file as `path` does.

    Raises: ScenarioError with every problem of the file.
    """
    name = os.fspath(path)
    try:
        raw = read_regular(name, most=LARGEST_FILE)
    except InputError as error:
        raise _unreadable(name, error.fact, error.fix or "a scenario is a text of some pages") from None
    except FileNotFoundError:
        raise _unreadable(name, "there is no such file", _similar_file(name)) from None
    except IsADirectoryError:
        raise _unreadable(name, "is a folder", "a scenario is one YAML file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(name, f"cannot be read: {reason.lower()}") from None
    if b"\0" in raw:
        raise _unreadable(name, "is not a text: it has NUL bytes", "a scenario is UTF-8 text")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise _unreadable(name, "begins with a byte order mark", "save it as plain UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable(name, "is not UTF-8 text", "save it as plain UTF-8") from None
    return read_text(text, name)


def read_text(text: str, name: str) -> Node:
    """The tree of a YAML text; places name it as a file.

    Raises: ScenarioError with every problem of the text.
    """
    stray = CONTROL.search(text)
    if stray:
        before = text[: stray.start()].split("\n")
        place = Place(name, len(before), len(before[-1]) + 1)
        fact = f"the control character U+{ord(stray[0]):04X} is not allowed"
        raise ScenarioError([Problem(Where(place, ""), fact, "a scenario is plain UTF-8 text")])
    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        from sim.scenario.source.yaml_faults import syntax_problem

        builder.problems.found.append(syntax_problem(error, name, text))
    builder.problems.stop_if_any()
    if builder.root is None:
        raise _unreadable(name, "is empty", "a scenario begins with `format: 1`")
    return builder.root


def _unreadable(name: str, fact: str, fix: str = "") -> ScenarioError:
    return ScenarioError([Problem(Where(Place(name), ""), fact, fix)])


def _similar_file(name: str) -> str:
    """A file of nearly this name in the folder, or one of this name, with the suffix or in a folder below."""
    folder, file = os.path.split(name)
    whole = name if name.endswith(".yaml") else f"{name}.yaml"
    try:
        near = (
            did_you_mean(file, [path.name for path in Path(folder).iterdir()])
            if Path(folder).is_dir()
            else ""
        )
        below = (path for path in (Path(whole), *sorted(Path().glob(f"*/{whole}"))) if path.is_file())
        return near or next((f"did you mean `{path}`?" for path in below), "")
    except (OSError, ValueError, NotImplementedError):
        return ""


# ---------------------------------------------------------------- events to nodes


@dataclass(slots=True)
class _Open:
    """A mapping or list that is still open; `key` waits for its value."""

    place: Place
    items: dict[str, Node] | list[Node]
    keys: dict[str, Place]
    path: str
    key: str | None = None
    spellings: dict[str, str] = field(default_factory=dict)  # each key by its normal form


class _Builder:
    """Builds the nodes of a text from its YAML events without recursion; collects problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Node | None = None
        self.problems = Problems()
        self._open: list[_Open] = []
        self._skipping = 0  # levels inside a mapping's key that is itself a mapping or list
        self._documents = 0

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._begin_document(event)
        elif isinstance(event, yaml.AliasEvent):
            self._reject(event, f"`*{event.anchor}` is a YAML alias", "use a parameter: `$name`")
            self._scalar(event, "alias", is_plain=False)
        elif isinstance(event, yaml.ScalarEvent):
            self._check_tag_and_anchor(event)
            self._scalar(event, event.value, is_plain=not event.style and not event.tag)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._check_tag_and_anchor(event)
            self._begin(event, is_mapping=isinstance(event, yaml.MappingStartEvent))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end()

    def _place(self, event: Any) -> Place:
        return Place(self.name, event.start_mark.line + 1, event.start_mark.column + 1)

    def _path(self) -> str:
        """The key path of the value that comes next."""
        if not self._open:
            return ""
        top = self._open[-1]
        step = str(len(top.items)) if isinstance(top.items, list) else top.key or ""
        return f"{top.path}.{step}" if top.path and step else top.path or step

    def _reject(self, event: Any, fact: str, fix: str = "") -> None:
        self.problems.add(Where(self._place(event), self._path()), fact, fix)

    def _begin_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._reject(event, "a second YAML document begins", "a scenario is one document")
            raise ScenarioError(self.problems.found)
        if event.version and tuple(event.version) != (1, 2):
            number = ".".join(str(part) for part in event.version)
            self._reject(event, f"the file asks for YAML {number}", "a scenario is YAML 1.2")

    def _check_tag_and_anchor(self, event: Any) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._reject(event, f"`{tag}` is a YAML tag", "write the value alone")
        if event.anchor is not None:
            self._reject(event, f"`&{event.anchor}` is a YAML anchor", "use a parameter: `$name`")

    def _begin(self, event: Any, *, is_mapping: bool) -> None:
        if len(self._open) + self._skipping >= DEEPEST:
            fact = f"is nested deeper than {DEEPEST} levels"
            self.problems.add(Where(self._place(event), ""), fact, "no scenario needs that")
            raise ScenarioError(self.problems.found)
        if self._skipping or self._at_key():
            if not self._skipping:
                self._reject(event, "a key is a mapping or a list", "a key is a name")
            self._skipping += 1
            return
        self._open.append(_Open(self._place(event), {} if is_mapping else [], {}, self._path()))

    def _end(self) -> None:
        if self._skipping:
            self._skipping -= 1
            if not self._skipping:
                self._open[-1].key = "?"
            return
        done = self._open.pop()
        self._keep(Node(done.place, done.items, done.keys))

    def _at_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].items, dict) and self._open[-1].key is None

    def _scalar(self, event: Any, text: str, *, is_plain: bool) -> None:
        if self._skipping:
            return
        if self._at_key():
            self._key(event, text, is_plain=is_plain)
            return
        value: Content = text
        if self._has_control(event, text):
            self._keep(Node(self._place(event), "?"))
            return
        if is_plain:
            try:
                value = scalar(text)
            except InputError as error:
                place = self._place(event)
                if not text and self._open and self._open[-1].key is not None:
                    place = self._open[-1].keys.get(self._open[-1].key, place)
                if self._open or text:
                    self.problems.add(Where(place, self._path()), error.fact, error.fix)
                    self._keep(Node(place, text))
                return
        self._keep(Node(self._place(event), value))

    def _key(self, event: Any, text: str, *, is_plain: bool) -> None:
        top = self._open[-1]
        other = top.spellings.setdefault(normal(text), text)
        if self._has_control(event, text, allowed=""):
            top.key = "?"
            return
        if is_plain and text in _NULLS:
            self._reject(event, "a key is missing" if not text else f"`{text}` is a null", _NO_NULL)
        elif is_plain and text == "<<":
            self._reject(event, "`<<` is a YAML merge key", "inherit a file with `based_on`")
        elif is_plain and (error := _number_fault(text)) is not None:
            self._reject(event, error.fact, error.fix)
        elif len(text) > LONGEST_KEY:
            self._reject(event, f"a key has {len(text)} characters", f"at most {LONGEST_KEY}")
        elif text in top.items:
            first = top.keys[text]
            top.key = text
            self._reject(event, f"`{text}` appears twice", f"first in line {first.line}: keep one")
        elif other != text:
            fix = f"they differ only in how Unicode spells them; the first is in line {top.keys[other].line}"
            self._reject(event, f"`{text}` appears twice, in two spellings", fix)
        top.key = text
        top.keys.setdefault(text, self._place(event))

    def _has_control(self, event: Any, text: str, *, allowed: str = "\n\r\t") -> bool:
        """Whether a text has a character that no text may have, which is noted."""
        if text.isprintable():
            return False
        found = CONTROL.search(text) or next(
            (c for c in re.finditer(r"[\n\r\t]", text) if c[0] not in allowed), None
        )
        if found:
            fact = f"the control character U+{ord(found[0]):04X} is not allowed"
            self._reject(event, fact, "remove it")
        return found is not None

    def _keep(self, node: Node) -> None:
        if not self._open:
            self.root = node
            return
        top = self._open[-1]
        if isinstance(top.items, list):
            top.items.append(node)
        elif top.key is not None:
            top.items.setdefault(top.key, node)
            top.key = None


def scalar(text: str) -> str | int | float | bool:
    """The value of an unquoted YAML 1.2 scalar.

    Raises: InputError for nulls, for numbers that begin with a zero, for infinities and NaN.
    """
    if text in _NULLS:
        raise InputError(f"`{text}` is a null" if text else "has no value", _NO_NULL)
    if text in _YES_NO:
        return _YES_NO[text]
    found = parse_number(text)
    return text if found is None else found


def _number_fault(text: str) -> InputError | None:
    """The error of an unquoted text that is almost a number; None if there is none."""
    try:
        parse_number(text)
    except InputError as error:
        return error
    return None


def key_value(key: str) -> str | int | float | bool:
    """The value that a key spells; the text itself if it spells none."""
    try:
        return scalar(key)
    except InputError:
        return key


# ---------------------------------------------------------------- plain values and their text

Plain: TypeAlias = dict[str, "Plain"] | list["Plain"] | str | int | float | bool

_WIDTH = 100
_PLAIN = re.compile(r"[\w$.+](?:[\w$ .+%/()<=>&*-]*[\w$.+%/()<=>*-])?\Z")
_READ_OTHERWISE = re.compile(r"(?:yes|no|on|off|[0-9]{4}-.*|\.\.\..*)\Z", re.IGNORECASE)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def plain(node: Node) -> Plain:
    """The value of a node without its places."""
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def normal(text: str) -> str:
    """A text in the one of its Unicode spellings that all of them have in common (normal form C)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def shortened(text: str) -> str:
    """A text for a message: in one line, and its first characters if it is long."""
    text = re.sub(r"\s*[\n\r\t]\s*", " ", text)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def flow(value: Plain) -> str:
    """A value in one line: `{after: {fixed: 28 days}, to: stay}`."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)}: {flow(item)}" for k, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return _scalar_text(value)


def write(value: Plain) -> str:
    """Canonical YAML: blocks, or one line if that fits; reading it gives the same value.

    The order of mappings is kept; a number is written in the shortest way that gives it back, a
    whole one without `.0`; a text is quoted where it would be read otherwise.
    """
    return "\n".join(_block(value, 0, top=True)) + "\n"


def _block(value: Plain, indent: int, *, top: bool = False) -> Iterator[str]:
    """The lines of a value that begins on a line of its own."""
    margin = " " * indent
    if isinstance(value, dict) and value and (top or not _fits(value, indent)):
        for key, item in value.items():
            name = f"{margin}{_key(key)}:"
            if _fits(item, len(name) + 1):
                yield f"{name} {flow(item)}"
            else:
                yield name
                yield from _block(item, indent + 2, top=True)
    elif isinstance(value, list) and value and (top or not _fits(value, indent)):
        for item in value:
            lines = _block(item, indent + 2)
            yield f"{margin}- {next(lines)[indent + 2 :]}"
            yield from lines
    else:
        yield margin + flow(value)


def _fits(value: Plain, used: int) -> bool:
    if not isinstance(value, (dict, list)) or not value:
        return True
    return used + len(flow(value)) <= _WIDTH


@lru_cache(maxsize=4096)  # the same keys and values come again and again
def _key(key: str) -> str:
    is_safe = _PLAIN.match(key) and key not in _NULLS and not _READ_OTHERWISE.match(key)
    return key if is_safe and _number_fault(key) is None else _quoted(key)


@lru_cache(maxsize=4096, typed=True)
def _scalar_text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    if not _PLAIN.match(value) or _READ_OTHERWISE.match(value):
        return _quoted(value)
    try:
        return value if scalar(value) == value else _quoted(value)
    except InputError:
        return _quoted(value)


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable() and not CONTROL.match(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
