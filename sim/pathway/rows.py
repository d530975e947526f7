"""The program as it is written: rows, constants and named draws, then frozen into tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.errors import Place, Problem, ScenarioError, Where
from sim.numerics.philox import name_key
from sim.pathway import layout as at


@dataclass(slots=True)
class Rows:
    """Grows a program; `freeze` makes the tables an engine reads."""

    rows: list[list[int]] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    draws: dict[str, int] = field(default_factory=dict)
    constants: dict[float, int] = field(default_factory=dict)

    def reserve(self, n: int) -> int:
        """N empty rows, one after the other; returns the first."""
        first = len(self.rows)
        self.rows.extend([at.NONE] * at.WIDTH for _ in range(n))
        return first

    def put(self, row: int, columns: dict[int, int]) -> int:
        """Fill columns of a row; returns the row."""
        for column, value in columns.items():
            self.rows[row][column] = int(value)
        return row

    def add(self, columns: dict[int, int]) -> int:
        """A new row with these columns."""
        return self.put(self.reserve(1), columns)

    def constant(self, value: float) -> int:
        """Where a constant stands; equal constants stand once."""
        value = float(value)
        if value not in self.constants:
            self.constants[value] = len(self.numbers)
            self.numbers.append(value)
        return self.constants[value]

    def vector(self, values: Iterable[float]) -> int:
        """Where the first of several constants stands, one after the other."""
        first = len(self.numbers)
        self.numbers.extend(float(v) for v in values)
        return first

    def draw(self, name: str) -> int:
        """The draw of this name; one name is one draw wherever it stands."""
        return self.draws.setdefault(name, len(self.draws))

    def write_keys(self) -> int:
        """Rows with the hash of each draw's name; returns the first.

        Raises: ScenarioError where two names have one hash.
        """
        keys = [name_key(name) for name in self.draws]
        if len(set(keys)) < len(keys):
            refuse_equal_keys(list(self.draws), keys)
        first = self.reserve(len(keys))
        for i, key in enumerate(keys):
            self.rows[first + i][0] = key
        return first

    def freeze(self) -> at.Tables:
        """The tables an engine reads."""
        program = np.array(self.rows, dtype=np.int64).reshape(len(self.rows), at.WIDTH)
        return at.Tables(program, np.array(self.numbers, dtype=np.float64))


def refuse_equal_keys(names: Sequence[str], keys: Sequence[int]) -> None:
    """Raises: ScenarioError naming the draws that chance could not tell apart."""
    by_key: dict[int, str] = {}
    for name, key in zip(names, keys, strict=True):
        if key in by_key:
            fact = f"the draws `{by_key[key]}` and `{name}` have the same hash"
            raise ScenarioError([Problem(Where(Place(""), ""), fact, "rename one of the two")])
        by_key[key] = name
