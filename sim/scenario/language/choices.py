"""Values that depend on the patient: by the value of a covariate, or by the first condition that holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sim import units
from sim.scenario.language.conditions import CONDITION, read_condition, write_condition
from sim.scenario.language.elements import Element, Field, Type, number, required
from sim.scenario.language.model import By, Cases, Condition, Covariate, Scalar, Value
from sim.scenario.language.node_reader import Known, PlacedNode, Unread, read_all, scalar_text

T = TypeVar("T")

CASE = Element(
    "a choice",
    "An item of an ordered choice of values; the first that holds is taken.",
    {
        "when": Field(CONDITION, "when it holds; the last item has none"),
        "value": required(Type("value"), "the value it gives"),
    },
)


def read_value(node: PlacedNode, known: Known, leaf: Callable[[PlacedNode], T]) -> Value[T]:
    """A value that may depend on the patient: `{by: ...}`, a list of `{when, value}`, or itself."""
    if is_by(node):
        return _by(node, known, leaf)
    if is_cases(node):
        return _cases(node, known, leaf)
    return leaf(node)


def _by(node: PlacedNode, known: Known, leaf: Callable[[PlacedNode], T]) -> By[T]:
    by = node.child("by")
    covariate = known.covariate(by, by.text())
    entries: dict[Scalar, Value[T]] = {}
    rest: list[Value[T]] = []

    def read_entry(entry: tuple[str, PlacedNode]) -> None:
        key, item = entry
        value = read_value(item, known, leaf)
        if key == "rest":
            rest.append(value)
            return
        name = known.key(node, key, covariate)
        if name in entries:
            raise node.fail_at_key(key, f"`{key}` appears twice", "keep one of the entries")
        entries[name] = value

    read_all([entry for entry in node.children() if entry[0] != "by"], read_entry)
    if not rest:
        _check_entries(node, known, covariate, entries)
    return By(covariate, tuple(entries.items()), rest[0] if rest else None, node.where)


def _check_entries(node: PlacedNode, known: Known, covariate: Covariate, keys: Any) -> None:
    """Without `rest` each value has an entry."""
    due: tuple[Scalar, ...] | None = None
    if covariate.kind == "stage":
        due = tuple(known.stages)
    elif covariate.kind == "attribute":
        kind = known.attributes[covariate.name]
        if kind.kind == "unread":
            return
        due = (False, True) if kind.kind == "yes_no" else kind.categories or None
        if kind.kind == "number" and kind.numbers is not None:
            due = tuple(sorted(kind.numbers))
    if due is None:
        raise node.fail(f"`{covariate}` can have other values", "add `rest` for them")
    missing = ", ".join(scalar_text(v) for v in due if v not in keys)
    if missing:
        raise node.fail(f"no entry for {covariate} {missing}", "give each value an entry, or add `rest`")


def _cases(node: PlacedNode, known: Known, leaf: Callable[[PlacedNode], T]) -> Cases[T]:
    nodes = list(node.items())

    def read_case(item: PlacedNode) -> tuple[Condition | None, Value[T]]:
        is_last = item.content is nodes[-1].content
        CASE.check(item)
        when, value = item.get("when"), item.get("value")
        failed = (when is None) is not is_last or value is None
        if is_last and when is not None:
            item.fail_at_key("when", "the last item of a choice has no `when`", "it holds for everyone else")
        if not is_last and when is None:
            CASE.lacks(item, "`when` is missing", "every item of a choice but the last has one")
        condition = when.attempt(lambda one: read_condition(one, known)) if when is not None else None
        if value is None:
            raise Unread
        found = read_value(value, known, leaf)
        if failed or (when is not None and condition is None):
            raise Unread
        return condition, found

    return Cases(read_all(nodes, read_case), node.where)


def is_by(node: PlacedNode) -> bool:
    """Whether this is a choice by the values of a covariate."""
    return node.is_mapping and "by" in node.value


def is_choice(node: PlacedNode) -> bool:
    """Whether this is a choice."""
    return is_by(node) or is_cases(node)


def is_cases(node: PlacedNode) -> bool:
    """Whether this is an ordered choice."""
    return (
        node.is_list
        and len(node.value) > 0
        and all(isinstance(item.value, dict) for item in node.value)
        and any("when" in item.value or "value" in item.value for item in node.value)
    )


# ---------------------------------------------------------------- what a choice may end in


def ends(value: Any) -> Iterator[Any]:
    """Everything that a value may come to, in file order."""
    if isinstance(value, By):
        for _, item in value.entries:
            yield from ends(item)
        if value.rest is not None:
            yield from ends(value.rest)
    elif isinstance(value, Cases):
        for _, item in value.items:
            yield from ends(item)
    else:
        yield value


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """The same choice with every end changed."""
    if isinstance(value, By):
        rest = mapped(value.rest, change) if value.rest is not None else None
        return By(value.covariate, tuple((k, mapped(v, change)) for k, v in value.entries), rest, value.where)
    if isinstance(value, Cases):
        return Cases(tuple((w, mapped(v, change)) for w, v in value.items), value.where)
    return change(value)


def write_value(value: Any, write: Callable[[Any], Any] = number) -> Any:
    """A value that may depend on the patient; None where there is none."""
    if value is None:
        return None
    if isinstance(value, By):
        entries = {scalar_text(k): write_value(v, write) for k, v in value.entries}
        rest = {} if value.rest is None else {"rest": write_value(value.rest, write)}
        return {"by": str(value.covariate), **entries, **rest}
    if isinstance(value, Cases):
        return [{"when": write_condition(w), "value": write_value(v, write)} for w, v in value.items]
    return write(value)


VALUE = Type("value", lambda node, known: read_value(node, known, PlacedNode.number), write_value)


# ---------------------------------------------------------------- utilities and costs


def _utility(node: PlacedNode) -> float:
    value = node.number()
    if value > 1.0:
        raise node.fail(f"a utility of {units.number_text(value)} is beyond full health", "1 is full health")
    return value


def _amount(node: PlacedNode, known: Known) -> Any:
    """A cost: an amount, or an amount for each category."""
    if node.is_mapping and not is_by(node):
        return {name: read_value(item, known, PlacedNode.number) for name, item in node.children()}
    return read_value(node, known, PlacedNode.number)


def amount_a_day(days: float) -> Type:
    """A cost a day, written as one for so many days."""

    def read(node: PlacedNode, known: Known) -> Any:
        amount = _amount(node, known)
        if days == 1.0:
            return amount
        if isinstance(amount, dict):
            return {name: mapped(value, lambda v: v / days) for name, value in amount.items()}
        return mapped(amount, lambda v: v / days)

    return Type("amount", read, _write_amount)


def _write_amount(cost: Any) -> Any:
    if isinstance(cost, dict):
        return {name: write_value(value) for name, value in cost.items()}
    return write_value(cost)


UTILITY = Type("value", lambda node, known: read_value(node, known, _utility), write_value)
AMOUNT = amount_a_day(1.0)
