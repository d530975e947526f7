"""Inheritance: a scenario is a file and the layers of changes above it.

A file with `based_on` is a layer of `changes`, `add` and `remove` over the file it names; all
`--set PATH=VALUE` together are the last layer, of changes; before it come the files that are set,
`--set FILE`, each with what it changes. The items of a list are addressed by
their `name`; what is added to a list goes to its end, or, if an item carries `before: NAME`,
before the item of that name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sim.errors import Place, Problem, Problems, ScenarioError, Where, did_you_mean
from sim.scenario.source import paths
from sim.scenario.source.files import read_regular
from sim.scenario.source.paths import Keys
from sim.scenario.source.record import Change
from sim.scenario.source.tree import LARGEST_FILE, Node, Plain, flow, moved, plain, read_file, read_text

OWN_KEYS = ("format", "title", "label")
"""What belongs to each file and is never inherited."""

_SECTIONS = ("changes", "add", "remove")
_LAYER_KEYS = (*OWN_KEYS, "based_on", *_SECTIONS)

NO_SCENARIO = "is not a scenario file"
_MARKS = ("format", "based_on", "horizon", "pathway", "patients", "states", "outcomes")
_MARK = re.compile(rf"(?m)^\s*\{{?\s*[\"']?(?:{'|'.join(_MARKS)})[\"']?\s*:".encode())
"""Keys of which a scenario has one; of a file without any no line is quoted: it may be anybody's."""
_BEGINNING = re.compile(rb"(?:\s*(?:#.*|---.*|%.*)?\n)*\s*(?:\{|[\"']?[\w.$-]+[\"']?\s*:)")
"""Of a mapping: its first key, after blank lines, comments and marks of YAML; a page of text has none."""

HasDefault = Callable[[Keys], bool]
"""Whether the key at this path (names of list items among the keys) has a default."""


@dataclass(frozen=True, slots=True)
class Layered:
    """A scenario put together from its layers.

    node: the whole, each value at the place where it was written. changes: in the order of the
    layers. is_layered: whether there is any layer above the first file. files: the first file and
    those above it, as `changes` call them; without the files that are set.
    """

    node: Node
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    is_layered: bool
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Operation:
    """One entry of a layer; word is `changes`, `add` or `remove`, and then value is None."""

    word: str
    path: str
    where: Where
    value: Node | None


@dataclass(frozen=True, slots=True)
class _Layer:
    """The name of a layer in the record of changes, and its operations."""

    name: str
    operations: tuple[_Operation, ...]


def _no_defaults(keys: Keys) -> bool:
    return False


def assemble(
    path: str | os.PathLike[str],
    settings: Sequence[str] = (),
    *,
    problems: Problems,
    has_default: HasDefault = _no_defaults,
) -> Layered:
    """The scenario of a file, with all that it is based on and the settings above.

    settings: `PATH=VALUE` each, the value as YAML in one line; or a file, which applies above the scenario,
    with the files between it and one that the scenario is based on too. Paths that cannot be followed go
    to problems, and are left out of the whole.
    Raises: ScenarioError where a file cannot be read or the chain of files has no end.
    """
    files = _chain(os.fspath(path))
    for file in files[1:]:
        _check_format(file, files[0], problems)
    work = _Work(_without_sections(files[-1], problems), problems, has_default)
    for file in reversed(files[:-1]):
        work.apply(_file_layer(file, problems))
    work.node = _with_own_keys(work.node, files[0])
    for setting in filter(is_file, settings):
        for file in reversed(_set_files(setting, files)):
            work.apply(_file_layer(file, problems))
    if values := [setting for setting in settings if not is_file(setting)]:
        work.apply(_settings_layer(values, problems))
    is_layered = len(files) > 1 or bool(settings)
    names = tuple(file.place.file for file in reversed(files))
    return Layered(work.node, tuple(work.changes), tuple(work.notes), is_layered, names)


# ---------------------------------------------------------------- files and settings

SET = "--set"
"""The name of the last layer, and the file name of places in it."""


def is_file(setting: str) -> bool:
    """Whether a setting names a file with changes instead of a path with its value."""
    return "=" not in setting and setting.endswith((".yaml", ".yml"))


def _set_files(path: str, files: list[Node]) -> list[Node]:
    """The roots of a file that is set and of those below it, down to one of `files`, without that one."""
    own = {os.path.realpath(file.place.file) for file in files}
    chain = _chain(path)
    for n, file in enumerate(chain):
        if os.path.realpath(file.place.file) in own:
            return chain[:n]
    fact = f"is not based on {files[-1].place.file}, so its changes cannot apply to {files[0].place.file}"
    fix = "name a file that is `based_on` the scenario or on a file below it"
    raise ScenarioError([Problem(Where(chain[0].place, ""), fact, fix)])


def _chain(path: str) -> list[Node]:
    """The roots of a file and of all below it, the first file last."""
    seen = [os.path.realpath(path)]
    names = [path]
    files = [_root(path)]
    while based_on := _entries(files[-1]).get("based_on"):
        where = Where(based_on.place, "based_on")
        if not isinstance(based_on.value, str) or "\0" in based_on.value:
            fact = f"{flow(plain(based_on))} is not a file"
            raise ScenarioError([Problem(where, fact, "name one file, as seen from this one")])
        name = os.path.normpath(Path(names[-1]).parent / based_on.value)
        names.append(name)
        if os.path.realpath(name) in seen:
            circle = " -> ".join(names[seen.index(os.path.realpath(name)) :])
            fact = f"the files are based on each other in a circle: {circle}"
            raise ScenarioError([Problem(where, fact, "one of them must not have `based_on`")])
        seen.append(os.path.realpath(name))
        files.append(_below(name, where))
    return files


def _below(name: str, where: Where) -> Node:
    """A file that another is based on; problems of the file as a whole are reported at that line."""
    try:
        return _root(name)
    except ScenarioError as error:
        raise ScenarioError(
            found
            if found.where.place.line and found.fact != NO_SCENARIO
            else Problem(where, f"{name}: {found.fact}", found.fix)
            for found in error.problems
        ) from None


def _root(name: str) -> Node:
    """The mapping that a file is. Raises: ScenarioError with its problems, or that it is no scenario."""
    try:
        root = read_file(name)
    except ScenarioError as error:
        if error.problems[0].where.place.line:
            raw = read_regular(name, most=LARGEST_FILE)
            if not (_MARK.search(raw) and _BEGINNING.match(raw)):
                raise _no_scenario(Place(name)) from None
        raise
    if not isinstance(root.value, dict) or root.value.keys().isdisjoint(_MARKS):
        raise _no_scenario(root.place)
    return root


def _no_scenario(place: Place) -> ScenarioError:
    fix = "a scenario begins with `format: 1`; `allpath new FILE` writes one"
    return ScenarioError([Problem(Where(place, ""), NO_SCENARIO, fix)])


def _entries(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _without_sections(root: Node, problems: Problems) -> Node:
    """The first file; sections of a layer have no meaning in it."""
    entries = _entries(root)
    for word in _SECTIONS:
        if word in entries:
            fix = "name the file that it changes with `based_on`"
            problems.add(Where(root.keys[word], word), f"`{word}` without `based_on`", fix)
    return replace(root, value={key: v for key, v in entries.items() if key not in _SECTIONS})


def _with_own_keys(node: Node, file: Node) -> Node:
    """The same scenario under the format, title and label of this file, at its place."""
    own = {key: item for key, item in _entries(file).items() if key in OWN_KEYS}
    rest = {key: item for key, item in _entries(node).items() if key not in OWN_KEYS}
    places = {**node.keys, **{key: file.keys[key] for key in own}}
    return Node(file.place, {**own, **rest}, {key: places[key] for key in (*own, *rest)})


def _check_format(file: Node, top: Node, problems: Problems) -> None:
    """A file below the top one has the same format; the top one's is read with the whole."""
    own, its = (_entries(node).get("format") for node in (top, file))
    if its is None:
        problems.add(Where(file.place, ""), "`format` is missing", "write `format: 1`")
    elif own is not None and own.value != its.value:
        fact = f"is {flow(plain(its))}, and {flow(plain(own))} in the file based on it"
        problems.add(Where(its.place, "format"), fact, "both are written in one format")


def _file_layer(root: Node, problems: Problems) -> _Layer:
    found: list[_Operation] = []
    for key, section in _entries(root).items():
        where = Where(root.keys[key], key)
        if key not in _LAYER_KEYS:
            known = did_you_mean(key, _LAYER_KEYS)
            fix = "write what differs from the other file under `changes`, `add` or `remove`"
            problems.add(where, f"`{key}` in a file with `based_on`", known or fix)
        elif key in ("changes", "add"):
            found += _changes(key, section, problems)
        elif key == "remove":
            found += _removals(section, problems)
    return _Layer(root.place.file, tuple(found))


def _changes(word: str, section: Node, problems: Problems) -> list[_Operation]:
    if not isinstance(section.value, dict):
        fix = f"write `{word}: {{PATH: VALUE}}`"
        problems.add(Where(section.place, word), "is not a mapping of paths to values", fix)
        return []
    return [
        _Operation(word, path, Where(section.keys[path], f"{word}.{path}"), value)
        for path, value in section.value.items()
    ]


def _removals(section: Node, problems: Problems) -> list[_Operation]:
    items = section.value if isinstance(section.value, list) else [section]
    if not isinstance(section.value, list) or not all(isinstance(i.value, str) for i in items):
        where = Where(section.place, "remove")
        problems.add(where, "is not a list of paths", "write `remove: [PATH, PATH]`")
        return []
    return [
        _Operation("remove", str(item.value), Where(item.place, f"remove.{item.value}"), None)
        for item in items
    ]


def _settings_layer(settings: Sequence[str], problems: Problems) -> _Layer:
    found: list[_Operation] = []
    for setting in settings:
        path, sign, text = setting.partition("=")
        place = Place(f"{SET} {path}")
        where = Where(place, "")
        if not sign or not text.strip():
            problems.add(where, "has no value", f"write `{SET} PATH=VALUE`")
            continue
        if not path.strip():
            problems.add(Where(Place(f"{SET} {setting}"), ""), "has no path", f"write `{SET} PATH=VALUE`")
            continue
        try:
            value = moved(read_text(text, place.file), place)
        except ScenarioError as error:
            for one in error.problems:
                problems.add(replace(one.where, place=place), one.fact, one.fix)
            continue
        found.append(_Operation("changes", path.strip(), where, value))
    return _Layer(SET, tuple(found))


def _nested(keys: Keys, rest: str, value: Node) -> dict[str, Plain]:
    """A value at the path of the first key that does not exist, what lies beneath as mappings."""
    first, *below = paths.split(rest)
    inner = plain(value)
    for key in reversed(below):
        inner = {key: inner}
    return {".".join((*keys, first)): inner}


# ---------------------------------------------------------------- one layer on top of another


class _Work:
    """Applies layers one by one; `node` is the scenario so far."""

    def __init__(self, node: Node, problems: Problems, has_default: HasDefault) -> None:
        self.node = node
        self.changes: list[Change] = []
        self.notes: list[str] = []
        self._problems = problems
        self._has_default = has_default

    def apply(self, layer: _Layer) -> None:
        targets = [(operation, self._target(operation, layer)) for operation in layer.operations]
        for operation, keys in self._apart([(o, keys) for o, keys in targets if keys]):
            old, new = self._do(operation, keys)
            if old or new:
                self.changes.append(Change(layer.name, operation.path, old, new))

    def _target(self, operation: _Operation, layer: _Layer) -> Keys | None:
        """The keys that an operation is about, None (and a problem) where it cannot be done."""
        keys, rest = paths.follow(self.node, operation.path)
        if layer.name != SET and (keys or (rest,))[0] in OWN_KEYS:
            word = operation.path.split(".")[0]
            fix = f"write `{word}:` at the top of this file"
            self._problems.add(operation.where, f"`{word}` belongs to each file", fix)
            return None
        if not rest:
            return keys if self._may_exist(operation, keys) else None
        missing = (*keys, *paths.split(rest))
        known = [self._has_default(missing[:n]) for n in range(len(keys) + 1, len(missing) + 1)]
        parent = paths.at(self.node, keys)
        reachable = isinstance(parent.value, dict) and all(known[:-1])
        if reachable and operation.word == "add" and self._may_be_added(operation, known[-1]):
            return missing
        if reachable and operation.word != "add" and known[-1]:
            return missing
        if not (reachable and operation.word == "add"):
            self._missing(operation, keys, parent, rest)
        return None

    def _may_exist(self, operation: _Operation, keys: Keys) -> bool:
        """Whether an operation may meet an existing value; adding may, if that is a list."""
        if operation.word != "add" or operation.value is None:
            return True
        there = paths.at(self.node, keys)
        if not isinstance(there.value, list):
            fact, fix = "exists already", "put it under `changes`"
        elif not isinstance(operation.value.value, list):
            fact, fix = "is a list", "what is added to a list is a list: `[...]`"
        else:
            return True
        self._problems.add(operation.where, fact, fix)
        return False

    def _may_be_added(self, operation: _Operation, has_default: bool) -> bool:
        """A key left at its default exists; a list or mapping may still be added to it."""
        if operation.value is None or not has_default:
            return True
        if isinstance(operation.value.value, (list, dict)):
            return True
        fact = "exists already, left at its default"
        self._problems.add(operation.where, fact, "put it under `changes`")
        return False

    def _missing(self, operation: _Operation, keys: Keys, parent: Node, rest: str) -> None:
        above = f"`{'.'.join(keys)}`" if keys else "the scenario"
        word = paths.split(rest)[0]
        names = list(paths.children(parent))
        full = paths.nearest(self.node, operation.path)
        fix = f"did you mean `{full}`?" if full else did_you_mean(word, names) or did_you_mean(rest, names)
        if isinstance(parent.value, list):
            fact = f"{above} has no item with the name `{word}`"
            if operation.word == "add":
                item = f"{{name: {word}, ...}}" if names else "..."
                fix = fix or f"add a list to the list: `{'.'.join(keys)}: [{item}]`"
            elif not names:
                fix = "its items have no `name:`: change the list as a whole"
            else:
                fix = fix or f"its items are {', '.join(names)}"
        elif isinstance(parent.value, dict):
            fact = f"{above} has no `{word}`"
            if not fix and operation.word == "changes" and operation.where.path:
                fix = "write what is new under `add`"
            if not fix and operation.word == "add" and operation.value is not None:
                fix = f"add it as a whole: `{flow(_nested(keys, rest, operation.value))[1:-1]}`"
        else:
            fact = f"{above} is `{parent.value}`: nothing lies beneath it"
            fix = "change it as a whole"
        self._problems.add(operation.where, fact, fix)

    def _apart(self, targets: list[tuple[_Operation, Keys]]) -> list[tuple[_Operation, Keys]]:
        """The operations without those at or beneath the path of another one."""
        kept = []
        for n, (operation, keys) in enumerate(targets):
            above = next(
                (
                    other.where.place.line
                    for m, (other, its) in enumerate(targets)
                    if its == keys[: len(its)] and (len(its) < len(keys) or m < n)
                ),
                None,
            )
            if above is None:
                kept.append((operation, keys))
                continue
            fact = "is, or lies beneath, another path of this layer"
            if above:
                fact += f" (line {above})"
            self._problems.add(operation.where, fact, "put the two together")
        return kept

    def _do(self, operation: _Operation, keys: Keys) -> tuple[str, str]:
        """Carries out one operation; returns the old and the new text."""
        there = paths.get(self.node, keys)
        place = operation.where.place
        old = flow(plain(there)) if there is not None else ""
        if operation.value is None:
            if there is None:
                self.notes.append(f"{place}: {operation.path} is removed, and was not there")
            else:
                self.node = paths.without(self.node, keys)
            return old, ""
        new, value = flow(plain(operation.value)), operation.value
        if operation.word == "add" and isinstance(value.value, list):
            old = ""
            value = self._extended(there or Node(value.place, []), value, operation.where)
        self.node = paths.put(self.node, keys, value, place)
        return old, new

    def _extended(self, there: Node, added: Node, where: Where) -> Node:
        """A list with more items: each at the end, or before the item that its `before` names."""
        items = list(there.value) if isinstance(there.value, list) else []
        for item in added.value if isinstance(added.value, list) else []:
            names = [paths.name_of(one) for one in items]
            name = paths.name_of(item)
            before = _entries(item).get("before")
            if name is not None and name in names:
                fact = f"an item with the name `{name}` exists already"
                self._problems.add(replace(where, place=item.place), fact, "put it under `changes`")
            elif before is None:
                items.append(item)
            elif before.value in names:
                items.insert(names.index(str(before.value)), paths.without(item, ("before",)))
            else:
                known = [one for one in names if one is not None]
                hint = did_you_mean(str(before.value), known) or "name an item by its `name:`"
                fact = f"`before`: there is no item with the name `{flow(plain(before))}`"
                self._problems.add(replace(where, place=before.place), fact, hint)
        return replace(there, value=items)
