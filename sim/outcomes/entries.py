"""Figures as plain values at the place where they belong, ready for JSON."""

from __future__ import annotations

from math import isnan
from typing import Any

from sim.outcomes.intervals import Estimate, Path


def put(told: dict[Any, Any], path: Path, value: Any) -> None:
    """Set the value at a path, making what leads to it."""
    for key in path[:-1]:
        told = told.setdefault(key, {})
    told[path[-1]] = value


def listed(value: Any) -> Any:
    """The same entry with mappings from 0, 1, ... made lists."""
    if not isinstance(value, dict):
        return value
    items = {key: listed(item) for key, item in value.items()}
    return list(items.values()) if 0 in items else items


def number(value: float) -> float | None:
    """A number as JSON can hold it."""
    return None if isnan(value) else value


def interval(estimate: Estimate) -> list[float | None] | None:
    """The limits; None for an open one, and where there is no interval at all."""
    return [number(estimate.low), number(estimate.high)] if estimate.has_interval else None
