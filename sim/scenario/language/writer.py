"""The canonical text of a scenario: the model written back in the language, defaults filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.scenario.language.model import Scenario
from sim.scenario.language.reader import SCENARIO
from sim.scenario.source import tree


def text(scenario: Scenario) -> str:
    """The canonical YAML of a scenario; loading it gives the same text."""
    return tree.write(plain(scenario))


def plain(scenario: Scenario) -> dict[str, Any]:
    """A scenario as mappings, lists and scalars."""
    found: dict[str, Any] = without_none(SCENARIO.write(scenario))
    return found


def without_none(value: Any) -> Any:
    """The same, keys whose value is None left out; a text that begins with `$` begins with two."""
    if isinstance(value, Mapping):
        return {str(k): without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [without_none(v) for v in value]
    return f"${value}" if isinstance(value, str) and value.startswith("$") else value
