"""The record of how a scenario came about: its parameters and the changes of its layers."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.errors import Where


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as it entered the run: `text` is its value in the scenario's own words."""

    name: str
    text: str
    uncertainty: str
    source: str
    status: str
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Change:
    """One path that a layer changed, added or removed; texts as written, "" where there is none."""

    layer: str
    path: str
    old: str
    new: str
