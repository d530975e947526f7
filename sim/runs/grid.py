"""The cells of a sweep: a grid of changes, single cells, or one more unit of each resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

from sim.errors import InputError, ScenarioError
from sim.runs.run import texts
from sim.scenario.language.model import Resource, Scenario
from sim.scenario.language.resources import write_steps
from sim.scenario.source.tree import flow, plain, read_text

BASE_CASE = "base case"
"""The name of the cell without changes."""

Changes: TypeAlias = Sequence[str] | str | Mapping[str, Any]
"""Texts `PATH=VALUE,VALUE`, or a mapping from paths to values."""


@dataclass(frozen=True, slots=True)
class Variation:
    """The changes of a cell: path and value in the words of a scenario."""

    changes: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The changes in one line."""
        return ", ".join(f"{path}={value}" for path, value in self.changes) or BASE_CASE

    def settings(self, before: Iterable[str]) -> tuple[str, ...]:
        """Its changes after the settings before, without those it replaces."""
        own = {path for path, _ in self.changes}
        kept = [setting for setting in before if setting.partition("=")[0].strip() not in own]
        return (*kept, *(f"{path}={value}" for path, value in self.changes))


def variations(
    scenario: Scenario, over: Changes, cells: Sequence[str] | str, *, one_more: bool
) -> list[Variation]:
    """The cells: a grid and single cells, or one more unit of each resource of the scenario.

    Raises: InputError where there is none, where one_more is combined with others, or where a text is
    not of its form.
    """
    if one_more and (over or cells):
        raise InputError("one_more: excludes over and cells", "run one after the other")
    if one_more:
        return one_more_unit(scenario)
    if not over and not cells:
        raise InputError("sweep: nothing is varied", "give values, over=PATH=VALUE,VALUE, or one_more=True")
    return grid(over, cells)


def grid(over: Changes, cells: Sequence[str] | str) -> list[Variation]:
    """The product of all `PATH=VALUE,VALUE`, then each `PATH=VALUE; PATH=VALUE`.

    Raises: InputError for a text that is not of this form, or a path that is varied twice.
    """
    axes = [_values("over", text) for text in _texts(over)]
    paths = [axis[0][0] for axis in axes]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"over: {path} is given twice", "put its values together: PATH=VALUE,VALUE")
    found = [Variation(chosen) for chosen in product(*axes)] if axes else []
    for text in texts(cells):
        parts = [_values("cells", part) for part in text.split(";") if part.strip()]
        several = next((part[0][0] for part in parts if len(part) > 1), None)
        if several is not None:
            fact = f"cells: {several} has several values"
            raise InputError(fact, "a cell has one of each; over= has several")
        if not parts:
            raise InputError(f"cells: {text!r} changes nothing", "write PATH=VALUE; PATH=VALUE")
        found.append(Variation(tuple(part[0] for part in parts)))
    return list(dict.fromkeys(found))


def _texts(over: Changes) -> tuple[str, ...]:
    if isinstance(over, Mapping):
        return tuple(f"{path}={','.join(map(str, values))}" for path, values in over.items())
    return texts(over)


def _values(parameter: str, text: str) -> tuple[tuple[str, str], ...]:
    """`PATH=VALUE,VALUE` as a pair for each different value."""
    path, sign, values = (part.strip() for part in text.partition("="))
    if not path or not sign or not values:
        raise InputError(f"{parameter}: {text.strip()} has no value", "write PATH=VALUE")
    try:
        items = read_text(f"[{values}]", f"{parameter} {path}").value
    except ScenarioError as error:
        raise InputError(f"{parameter}: {path}: {error.problems[0].fact}", error.problems[0].fix) from error
    assert isinstance(items, list)
    return tuple((path, value) for value in dict.fromkeys(flow(plain(item)) for item in items))


def one_more_unit(scenario: Scenario) -> list[Variation]:
    """For each finite resource the cell in which it has one more unit, in every step.

    Raises: InputError where there is none.
    """
    found = [
        Variation(((f"resources.{resource.name}.capacity", _raised(resource)),))
        for resource in scenario.resources
        if resource.capacity is not None
    ]
    if not found:
        raise InputError("one_more: no resource is finite", "give one a number as its `capacity`")
    return found


def _raised(resource: Resource) -> str:
    """One unit more at all times, or in each period whenever there are any."""
    assert resource.capacity is not None
    is_shift = resource.repeat is not None
    steps = tuple((time, 0 if is_shift and n == 0 else n + 1) for time, n in resource.capacity)
    return flow(write_steps((steps, resource.repeat), int))
