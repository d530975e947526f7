"""The evidence extracted a second time, without sight of the scenarios: `second_extraction/*.yaml` read.

Each entry: `what` it is, `values` by name, `mark` (R read, C recalled, D derived, A assumed) and
`citation`. A scalar is written as printed, `0.50` for 50%, with its unit if it has one: `60 days`,
`1.1 per year`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import yaml

from sim import units

FOLDER = Path(__file__).parent / "second_extraction"


@dataclass(frozen=True, slots=True)
class Printed:
    """number: in its own unit. half: half of the last digit printed. unit: "", `days`, `per year` ..."""

    number: float
    half: float
    unit: str

    def scale(self) -> float:
        """What the number is multiplied by to come to days or per day; 1 where there is no unit."""
        if not self.unit:
            return 1.0
        return (units.per_day if self.unit.startswith("per ") else units.days)(f"1 {self.unit}")

    def dimension(self) -> str:
        return "number" if not self.unit else "rate" if self.unit.startswith("per ") else "time"

    def agrees(self, number: float) -> bool:
        """Whether a number in this unit rounds to what is printed; a half may go either way."""
        return abs(number - self.number) <= self.half * (1.0 + 1e-9)


def read_printed(text: str) -> Printed:
    digits, _, unit = text.partition(" ")
    mantissa, _, exponent = digits.partition("e")
    places = len(mantissa.partition(".")[2])
    half = 0.5 * 10.0 ** (int(exponent or 0) - places)
    return Printed(float(digits), half, unit.strip())


@cache
def entries() -> dict[str, dict[str, Any]]:
    """id: entry, with every scalar as text."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        one = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        assert not set(one) & set(found), f"{path.name} repeats an id"
        found |= one
    return found


@cache
def printed() -> dict[str, dict[str, Printed]]:
    """id: name: what is printed; names of nested values joined by dots, items of a list counted from 0."""
    return {
        key: {name: read_printed(text) for name, text in _leaves(entry["values"], "")}
        for key, entry in entries().items()
    }


def extracted() -> dict[str, dict[str, float]]:
    """id: name: number, in the unit in which it is printed."""
    return {key: {name: one.number for name, one in values.items()} for key, values in printed().items()}


def number(key: str, name: str) -> float:
    return printed()[key][name].number


def wilson(n: float, of: float) -> tuple[float, float]:
    """95% interval of a share; n may be no whole number, where only the share was printed.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    z = NormalDist().inv_cdf(0.975)
    centre = (n + z * z / 2) / (of + z * z)
    half = z / (of + z * z) * math.sqrt(n * (of - n) / of + z * z / 4)
    return centre - half, centre + half


def shares() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every mapping of the values, nested or not: (id, name or "", the mapping)."""
    for key, entry in entries().items():
        waiting = [("", entry["values"])]
        while waiting:
            name, values = waiting.pop()
            yield key, name, values
            waiting += [
                (f"{name}.{inner}".strip("."), value)
                for inner, value in values.items()
                if isinstance(value, dict)
            ]


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _leaves(item, f"{name}.{inner}" if name else inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{name}.{index}")
    else:
        yield name, value
