"""The program as it is written: rows, constants, named draws; conditions and choices as rows.

A condition is a list of instructions that jump; a choice is a node that ends in an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from sim.errors import Place, Problem, ScenarioError, Where
from sim.pathway import layout as at
from sim.scenario.language.conditions import ends
from sim.scenario.language.drawn import Drawn
from sim.scenario.language.model import (
    AllOf,
    AnyOf,
    By,
    Cases,
    Condition,
    Covariate,
    NoneOf,
    Scalar,
    Scenario,
    Stage,
    Test,
)

OPERATORS = {
    "is": at.IS,
    "is_not": at.IS_NOT,
    "in": at.IN,
    "at_least": at.AT_LEAST,
    "at_most": at.AT_MOST,
    "above": at.ABOVE,
    "below": at.BELOW,
}
KINDS = {
    "attribute": at.ATTRIBUTE,
    "stage": at.STAGE,
    "current_age": at.CURRENT_AGE,
    "days_in_stage": at.DAYS_IN_STAGE,
    "visits": at.VISITS,
    "since": at.SINCE,
    "waited": at.WAITED,
    "queue": at.QUEUE,
    "free": at.FREE,
}


@dataclass(slots=True)
class Rows:
    """Grows a program; `freeze` makes the tables an engine reads.

    drawn: where numbers stand that follow from parameters.
    """

    rows: list[list[int]] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    draws: dict[str, int] = field(default_factory=dict)
    constants: dict[float, int] = field(default_factory=dict)
    drawn: dict[int, Drawn] = field(default_factory=dict)

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

    def add_all(self, columns: Sequence[dict[int, int]]) -> int:
        """New rows, one after the other; returns the first."""
        first = self.reserve(len(columns))
        for i, each in enumerate(columns):
            self.put(first + i, each)
        return first

    def constant(self, value: float) -> int:
        """Where a constant stands; equal constants stand once."""
        if value not in self.constants:
            self.constants[value] = self.vector([value])
        return self.constants[value]

    def vector(self, values: Iterable[float]) -> int:
        """Where the first of several constants stands, one after the other."""
        first = len(self.numbers)
        for value in values:
            if isinstance(value, Drawn):
                self.drawn[len(self.numbers)] = value
            self.numbers.append(float(value))
        return first

    def draw(self, name: str) -> int:
        """The draw of this name; one name is one draw wherever it stands."""
        return self.draws.setdefault(name, len(self.draws))

    def write_keys(self) -> int:
        """Rows with the hash of each draw's name; returns the first.

        Raises: ScenarioError where two names have one hash.
        """
        keys = [name_key(name) for name in self.draws]
        reject_equal_keys(list(self.draws), keys)
        first = self.reserve(len(keys))
        for i, key in enumerate(keys):
            self.rows[first + i][0] = key
        return first

    def freeze(self) -> at.Tables:
        """The tables an engine reads."""
        program = np.array(self.rows, dtype=np.int64).reshape(len(self.rows), at.WIDTH)
        return at.Tables(program, np.array(self.numbers, dtype=np.float64))


def name_key(name: str) -> int:
    """The 64-bit hash of a draw's name, as a signed integer: BLAKE2b of its UTF-8 text, little-endian."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little", signed=True)


def reject_equal_keys(names: Sequence[str], keys: Sequence[int]) -> None:
    """Raises: ScenarioError naming two draws that have the same hash."""
    by_key: dict[int, str] = {}
    for name, key in zip(names, keys, strict=True):
        if key in by_key:
            fact = f"the draws `{by_key[key]}` and `{name}` have the same hash"
            raise ScenarioError([Problem(Where(Place(""), ""), fact, "rename one of the two")])
        by_key[key] = name


# ---------------------------------------------------------------- conditions and choices


@dataclass(slots=True)
class Codes:
    """The number of each name of a scenario, by kind, and the code of each value."""

    stages: dict[str, int]
    attributes: dict[str, int]
    categories: dict[str, tuple[str, ...]]
    stamps: dict[str, int]
    resources: dict[str, int]

    @classmethod
    def of(cls, scenario: Scenario, stamps: tuple[str, ...]) -> Codes:
        """All names in file order; yes/no counts false as 0 and true as 1."""
        attributes = scenario.patients.attributes
        return cls(
            {s.name: i for i, s in enumerate(scenario.stages)},
            {a.name: i for i, a in enumerate(attributes)},
            {a.name: ("false", "true") if a.kind == "yes_no" else a.categories for a in attributes},
            {name: i for i, name in enumerate(stamps)},
            {r.name: i for i, r in enumerate(scenario.resources)},
        )

    def covariate(self, covariate: Covariate) -> tuple[int, int]:
        """Kind and index of what a condition or ratio reads."""
        name = covariate.name
        if covariate.kind == "since" and name == "start":
            return at.SINCE_START, 0
        tables = {
            "attribute": self.attributes,
            "visits": self.stages,
            "waited": self.stages,
            "since": self.stamps,
            "queue": self.resources,
            "free": self.resources,
        }
        known = tables.get(covariate.kind)
        return KINDS[covariate.kind], known[name] if known is not None else 0

    def value(self, covariate: Covariate, value: Scalar) -> float:
        """The number that stands for a value of a covariate."""
        if covariate.kind in ("stage", "waiting_for"):
            return float(self.stages[str(value)])
        if covariate.kind == "attribute" and self.categories[covariate.name]:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            return float(self.categories[covariate.name].index(text))
        return value if isinstance(value, Drawn) else float(value)


@dataclass(slots=True)
class Expressions:
    """Writes conditions, choices and the numbers they end in."""

    rows: Rows
    codes: Codes
    written: dict[tuple[Condition, int, int], int] = field(default_factory=dict)

    def condition(
        self, condition: Condition | None, on_true: int = at.HOLDS, on_false: int = at.FAILS
    ) -> int:
        """The first instruction of a condition; HOLDS where there is none."""
        if condition is None:
            return on_true
        key = (condition, on_true, on_false)
        if key not in self.written:
            self.written[key] = self._instructions(condition, on_true, on_false)
        return self.written[key]

    def _instructions(self, condition: Condition, on_true: int, on_false: int) -> int:
        if isinstance(condition, AllOf):
            onward = on_true
            for item in reversed(condition.items):
                onward = self.condition(item, onward, on_false)
            return onward
        if isinstance(condition, AnyOf | NoneOf):
            if isinstance(condition, NoneOf):
                on_true, on_false = on_false, on_true
            onward = on_false
            for item in reversed(condition.items):
                onward = self.condition(item, on_true, onward)
            return onward
        return self._test(condition, on_true, on_false)

    def _test(self, test: Test, on_true: int, on_false: int) -> int:
        kind, index = self.codes.covariate(test.covariate)
        values = test.value if isinstance(test.value, tuple) else (test.value,)
        coded = [self.codes.value(test.covariate, v) for v in values]
        first = self.rows.constant(coded[0]) if len(coded) == 1 else self.rows.vector(coded)
        return self.rows.add(
            {
                at.IF_COVARIATE: kind,
                at.IF_INDEX: index,
                at.IF_OPERATOR: OPERATORS[test.operator],
                at.IF_VALUE: first,
                at.IF_N: len(coded),
                at.IF_TRUE: on_true,
                at.IF_FALSE: on_false,
            }
        )

    def node(self, value: Any, leaf: Callable[[Any], int]) -> int:
        """The node of a value: `leaf` gives the index that each of its ends stands for."""
        if isinstance(value, By):
            return self._by(value, leaf)
        if isinstance(value, Cases):
            return self._cases(value, leaf)
        return leaf(value)

    def number(self, value: Any) -> int:
        """The node of a number that may depend on the patient."""
        return self.node(value, self.rows.constant)

    def _by(self, choice: By[Any], leaf: Callable[[Any], int]) -> int:
        rest = self.node(choice.rest, leaf) if choice.rest is not None else at.NO_NODE
        nodes = [self.node(value, leaf) for _, value in choice.entries]
        keys = [self.rows.constant(self.codes.value(choice.covariate, key)) for key, _ in choice.entries]
        kind, index = self.codes.covariate(choice.covariate)
        first = self._items(keys, nodes)
        return -1 - self.rows.add(
            {
                at.CHOICE_KIND: at.BY,
                at.CHOICE_FIRST: first,
                at.CHOICE_N: len(nodes),
                at.CHOICE_COVARIATE: kind,
                at.CHOICE_INDEX: index,
                at.CHOICE_REST: rest,
            }
        )

    def _cases(self, choice: Cases[Any], leaf: Callable[[Any], int]) -> int:
        nodes = [self.node(value, leaf) for _, value in choice.items]
        conditions = [self.condition(when) for when, _ in choice.items]
        first = self._items(conditions, nodes)
        return -1 - self.rows.add({at.CHOICE_KIND: at.CASES, at.CHOICE_FIRST: first, at.CHOICE_N: len(nodes)})

    def _items(self, keys: list[int], nodes: list[int]) -> int:
        items = zip(keys, nodes, strict=True)
        return self.rows.add_all([{at.ITEM_KEY: key, at.ITEM_NODE: node} for key, node in items])


def write_patient_table(rows: Rows, codes: Codes, scenario: Scenario, stamps: Sequence[str]) -> int:
    """Write the patient table into the numbers, see `layout`; returns where, NONE where there is none."""
    table = scenario.patients.table
    if table is None:
        return at.NONE
    order = [Covariate("attribute", a.name) for a in scenario.patients.attributes]
    order += [Covariate("since", stamp) for stamp in stamps]
    order += [Covariate("days", clock.name) for clock in scenario.clocks]
    order += [Covariate(kind) for kind in ("stage", "days_in_stage", "waiting_for", "days_waiting")]
    column_of = {covariate: i for i, covariate in enumerate(table.columns)}

    def cell(row: tuple[Scalar | None, ...], covariate: Covariate) -> float:
        if covariate not in column_of:
            return 0.0 if covariate.kind in ("days_in_stage", "days_waiting") else at.NOT_SAID
        value = row[column_of[covariate]]
        if value is None:
            return 0.0 if covariate.kind == "days_waiting" else at.EMPTY
        return codes.value(covariate, value)

    return rows.vector(cell(row, covariate) for row in table.rows for covariate in order)


# ---------------------------------------------------------------- resources


def resource_bits(scenario: Scenario) -> tuple[int, ...]:
    """The bits that stand for the units of each resource among those a patient holds, in file order."""
    found, first = [], 0
    for resource in scenario.resources:
        n = max((most_units(stage, resource.name) for stage in scenario.stages), default=1)
        found.append(((1 << n) - 1) << first)
        first += n
    return tuple(found)


def most_units(stage: Stage, resource: str) -> int:
    """The most units of a resource that a stage may need; at least 1."""
    needs = (max(ends(need.units)) for need in stage.needs if need.resource == resource)
    return max(1, int(sum(needs)))
