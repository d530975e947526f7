"""What differs between two scenarios, old -> new."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from sim.scenario.language.model import Change, Scenario
from sim.scenario.language.reader import plain
from sim.scenario.source.tree import flow

OWN = ("title", "format")
"""The keys that are not compared."""


def contrast(one: Scenario, other: Scenario) -> tuple[Change, ...]:
    """Every path at which two scenarios differ, with both values.

    If both are based on the same file, by what their layers change, as written;
    else by their resolved forms. `layer` is "" throughout; a text is "" where there is nothing.
    """
    common = _in_common(one.files, other.files)
    if common and one.digest != other.digest:
        return tuple(_by_layers(one, other, set(one.files[:common]) | set(other.files[:common])))
    return tuple(_by_values(plain(one), plain(other), ""))


def _in_common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many files, from the first on, are the same."""
    n = 0
    for first, second in zip(one, other, strict=False):
        if os.path.realpath(first) != os.path.realpath(second):
            break
        n += 1
    return n


def _by_layers(one: Scenario, other: Scenario, common: set[str]) -> Iterator[Change]:
    """The paths that layers beyond the common files change in either, where that differs."""
    before: dict[str, str] = {}
    after: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for scenario, values in zip((one, other), after, strict=True):
        for change in scenario.changes:
            if change.layer not in common:
                before.setdefault(change.path, change.old)
                values[change.path] = change.new
    for path, old in before.items():
        first, second = (values.get(path, old) for values in after)
        if first != second:
            yield Change("", path, first, second)


def _by_values(one: Any, other: Any, path: str) -> Iterator[Change]:
    """The smallest parts that differ; lists of one length are compared item by item."""
    if one == other:
        return
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys([*one, *other]):
            if path or key not in OWN:
                deeper = f"{path}.{key}" if path else str(key)
                yield from _by_values(one.get(key), other.get(key), deeper)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _by_values(first, second, f"{path}.{i}")
    else:
        yield Change("", path, *("" if value is None else flow(value) for value in (one, other)))
