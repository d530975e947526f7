"""Numbers that parameters give: a scenario with these for any values of its parameters."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeAlias

from sim.errors import Where

Column: TypeAlias = tuple[str, str]
"""A parameter's name, and the key of one of its entries; "" where it is one number."""
Values: TypeAlias = Mapping[Column, Any]
"""The value of every parameter: floats, or arrays of one shape."""
Rebuild: TypeAlias = Callable[[Values | None], Any]


class Drawn(float):
    """A number of a scenario that follows from parameters; as a float, what it is at their base values.

    operation, operands: how it follows from floats and other such numbers; None and the column where it
    is the parameter itself. It equals only what follows from the same parameters in the same way.
    """

    __slots__ = ("operands", "operation")
    operation: Callable[..., Any] | None
    operands: tuple[Any, ...]

    def __new__(cls, value: float, operation: Callable[..., Any] | None, operands: tuple[Any, ...]) -> Drawn:
        """The number, its value at the base values of the parameters."""
        self = super().__new__(cls, value)
        self.operation, self.operands = operation, operands
        return self

    @classmethod
    def parameter(cls, value: float, column: Column) -> Drawn:
        """A parameter's own value."""
        return cls(value, None, column)

    def at(self, values: Values | None) -> Any:
        """The number for these values of the parameters; None: for their base values."""
        if values is None:
            return float(self)
        if self.operation is None:
            return values[self.operands[0], self.operands[1]]
        return self.operation(*(x.at(values) if isinstance(x, Drawn) else x for x in self.operands))

    @property
    def columns(self) -> frozenset[Column]:
        """The parameters it follows from."""
        if self.operation is None:
            return frozenset({(self.operands[0], self.operands[1])})
        return frozenset().union(*(x.columns for x in self.operands if isinstance(x, Drawn)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Drawn, (float(self), self.operation, self.operands)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Drawn):
            return False
        return (self.operation, self.operands) == (other.operation, other.operands)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self.operation, self.operands))

    def __repr__(self) -> str:
        name = self.operation.__name__ if self.operation is not None else "$"
        return f"{name}{self.operands!r}"

    def __add__(self, other: float) -> Drawn:
        return _following(operator.add, self, other)

    def __radd__(self, other: float) -> Drawn:
        return _following(operator.add, other, self)

    def __sub__(self, other: float) -> Drawn:
        return _following(operator.sub, self, other)

    def __rsub__(self, other: float) -> Drawn:
        return _following(operator.sub, other, self)

    def __mul__(self, other: float) -> Drawn:
        return _following(operator.mul, self, other)

    def __rmul__(self, other: float) -> Drawn:
        return _following(operator.mul, other, self)

    def __truediv__(self, other: float) -> Drawn:
        return _following(operator.truediv, self, other)

    def __rtruediv__(self, other: float) -> Drawn:
        return _following(operator.truediv, other, self)

    def __pow__(self, other: float, modulus: None = None) -> Drawn:
        return _following(operator.pow, self, other)

    def __rpow__(self, other: float, modulus: None = None) -> Drawn:
        return _following(operator.pow, other, self)

    def __neg__(self) -> Drawn:
        return _following(operator.neg, self)


def _following(operation: Callable[..., Any], *operands: Any) -> Drawn:
    return Drawn(operation(*(float(x) for x in operands)), operation, operands)


# ---------------------------------------------------------------- a scenario for other values


def rebuild(model: Any, *, without: Collection[str] = ()) -> Rebuild | None:
    """A function that makes the same part of a scenario for other values; None where nothing changes.

    without: fields that keep their base values, as `Event.after`.
    """
    if isinstance(model, Drawn):
        return model.at
    if isinstance(model, tuple):
        return _rebuild_items(model, without)
    if isinstance(model, Mapping):
        items = _rebuild_items(tuple(model.values()), without)
        keys = tuple(model)
        return None if items is None else lambda values: dict(zip(keys, items(values), strict=True))
    if is_dataclass(model) and not isinstance(model, type | Where):
        found = {
            field.name: rebuild(getattr(model, field.name), without=without)
            for field in fields(model)
            if f"{type(model).__name__}.{field.name}" not in without
        }
        changing = {name: one for name, one in found.items() if one is not None}
        if not changing:
            return None
        return lambda values: replace(model, **{name: one(values) for name, one in changing.items()})
    return None


def without_parameters(model: Any) -> Any:
    """The same part of a scenario with plain floats, those at the base values of the parameters."""
    changed = rebuild(model)
    return model if changed is None else changed(None)


def _rebuild_items(items: tuple[Any, ...], without: Collection[str]) -> Rebuild | None:
    found = [rebuild(item, without=without) for item in items]
    if not any(found):
        return None
    pairs = list(zip(items, found, strict=True))
    return lambda values: tuple(item if one is None else one(values) for item, one in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Occurrence:
    """A place of a scenario where a number follows from parameters.

    owners: the parts of the scenario around it, from the outermost on, each with the field that leads on.
    """

    number: Drawn
    owners: tuple[tuple[Any, str], ...]

    @property
    def where(self) -> Where | None:
        """The place of the innermost part that has one."""
        return next((part.where for part, _ in reversed(self.owners) if hasattr(part, "where")), None)


def occurrences(model: Any, owners: tuple[tuple[Any, str], ...] = ()) -> Iterator[Occurrence]:
    """Every number of a part of a scenario that follows from parameters, in the order of the file."""
    if isinstance(model, Drawn):
        yield Occurrence(model, owners)
    elif isinstance(model, tuple):
        for item in model:
            yield from occurrences(item, owners)
    elif isinstance(model, Mapping):
        for item in model.values():
            yield from occurrences(item, owners)
    elif is_dataclass(model) and not isinstance(model, type | Where):
        for field in fields(model):
            yield from occurrences(getattr(model, field.name), (*owners, (model, field.name)))
