"""Conditions, and values that depend on the patient; read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from sim.scenario.language.elements import Element, Field, Type, number, required, scalar
from sim.scenario.language.model import (
    AgeSteps,
    AllOf,
    AnyOf,
    By,
    Cases,
    Condition,
    Covariate,
    NoneOf,
    Scalar,
    Test,
    Value,
)
from sim.scenario.language.node_reader import Known, PlacedNode, Unread, read_all, scalar_text
from sim.scenario.language.vocabulary import OPERATORS
from sim.scenario.source.tree import DEEPEST
from sim.units import number_text

MOST_TESTS = 100_000
SIGNS = {
    ">=": "at_least",
    "<=": "at_most",
    ">": "above",
    "<": "below",
    "==": "is",
    "=": "is",
    "!=": "is_not",
    "ge": "at_least",
    "le": "at_most",
    "gt": "above",
    "lt": "below",
    "eq": "is",
    "ne": "is_not",
}
"""Comparisons as programs write them, the longer signs first."""
_SIGN = re.compile(rf"(?P<sign>{'|'.join(SIGNS)})\s*(?P<value>\S.*)\Z")
_IN_SIGNS = re.compile(rf"(?P<name>[\w.]+)\s*{_SIGN.pattern}")
ORDERED = ("at_least", "at_most", "above", "below")


def read_condition(node: PlacedNode, known: Known) -> Condition:
    """A condition.

    Raises: Unread, its problems noted.
    """
    if node.is_list:
        return all_of(tuple(read_condition(item, known) for item in node.items()))
    if not node.is_mapping:
        return named_condition(node, known)
    return all_of(read_all(node.children(), lambda part: read_part(node, *part, known)))


def read_part(node: PlacedNode, key: str, item: PlacedNode, known: Known) -> Condition:
    """One key of a condition with its value."""
    if key in ("any", "none"):
        conditions = tuple(read_condition(one, known) for one in item.items())
        return AnyOf(conditions) if key == "any" else NoneOf(conditions)
    return read_tests(item, known.covariate(node.at_key(key), key), known)


def all_of(parts: tuple[Condition, ...]) -> Condition:
    """The conjunction; a single condition stands for itself."""
    return parts[0] if len(parts) == 1 else AllOf(parts)


def named_condition(node: PlacedNode, known: Known) -> Condition:
    """The condition that a name stands for."""
    if node.value not in known.conditions and (fix := condition_of(str(node.value), known)):
        raise node.fail(f"there is no condition {node.seen()}", fix)
    name = node.one_of(known.conditions, "condition")
    if name in known.open_conditions:
        circle = " -> ".join([*known.open_conditions[known.open_conditions.index(name) :], name])
        fact = f"conditions refer to each other in a circle: {circle}"
        raise node.fail(fact, "define one without the others")
    found = definition(name, known)
    before = known.n_tests
    known.n_tests += known.sizes[name]
    if before > MOST_TESTS:
        raise Unread
    if known.n_tests > MOST_TESTS:
        fix = f"at most {MOST_TESTS:_}: a condition that refers to others repeats all of theirs"
        raise node.fail("named conditions expand to too many comparisons", fix)
    return found


def condition_of(said: str, known: Known) -> str:
    """What to write for a comparison in signs, or for the name of an attribute, as a condition; else ""."""
    found = _IN_SIGNS.match(said)
    name = found["name"] if found else said
    if name not in known.attributes and name not in ("stage", "current_age", "days_in_stage"):
        return ""
    if found:
        return f"write {{{name}: {{{SIGNS[found['sign']]}: {found['value']}}}}}"
    kind = known.attributes.get(name)
    if kind is None or kind.kind == "number":
        return f"write {{{name}: {{above: 0}}}}, or another comparison"
    if kind.kind == "category":
        return f"write {{{name}: {kind.categories[0]}}}, or another of its values"
    return f"write {{{name}: true}}"


def n_tests(condition: Condition) -> int:
    """How many comparisons a condition makes, those of the names in it included."""
    return 1 if isinstance(condition, Test) else sum(n_tests(item) for item in condition.items)


def definition(name: str, known: Known) -> Condition:
    """The condition of a name, read once; its problems are noted once.

    Raises: Unread, each time, where it cannot be read.
    """
    if name in known.failed_conditions:
        raise Unread
    if name not in known.read_conditions:
        node = known.conditions[name]
        if len(known.open_conditions) >= DEEPEST:
            raise node.fail("conditions refer to each other too deeply", f"at most {DEEPEST} in a row")
        known.open_conditions.append(name)
        try:
            found = read_condition(node, known)
        except Unread:
            known.failed_conditions.add(name)
            raise
        finally:
            known.open_conditions.pop()
        known.sizes[name] = n_tests(found)
        known.read_conditions[name] = replace(found, name=name)
    return known.read_conditions[name]


def read_tests(node: PlacedNode, covariate: Covariate, known: Known) -> Condition:
    """The value or the operators that stand behind a covariate."""
    if not node.is_mapping:
        if node.is_list:
            raise node.fail(
                "a value is expected here, not a list", "for one of several values write {in: [...]}"
            )
        if (
            isinstance(node.value, str)
            and is_ordered(covariate, known)
            and (found := _SIGN.match(node.value))
        ):
            fix = f"write {{{SIGNS[found['sign']]}: {found['value']}}}"
            raise node.fail(f"{node.seen()} is a comparison in signs", fix)
        return Test(covariate, "is", known.scalar(node, covariate), node.where)
    tests: list[Condition] = []
    for operator, item in node.children():
        if operator not in OPERATORS:
            fix = f"write `{SIGNS[operator]}`" if operator in SIGNS else f"known: {', '.join(OPERATORS)}"
            raise node.unknown(operator, OPERATORS, f"unknown comparison `{operator}`", fix)
        if operator in ORDERED and not is_ordered(covariate, known):
            raise node.fail_at_key(
                operator, f"`{covariate}` has no order", "compare it with is, is_not or in"
            )
        value: Scalar | tuple[Scalar, ...]
        if operator == "in":
            value = tuple(known.scalar(one, covariate) for one in item.items())
            if not value:
                raise item.fail("`in` names no value", "list the values")
        else:
            value = known.scalar(item, covariate)
        tests.append(Test(covariate, operator, value, item.where))
    if not tests:
        raise node.fail("an empty comparison", f"write one of {', '.join(OPERATORS)}")
    return all_of(tuple(tests))


def is_ordered(covariate: Covariate, known: Known) -> bool:
    """Whether values of a covariate can be more or less."""
    if covariate.kind == "attribute":
        return known.attributes[covariate.name].kind in ("number", "unread")
    return covariate.kind != "stage"


def write_condition(condition: Condition | None) -> Any:
    """A condition; None where there is none."""
    match condition:
        case None:
            return None
        case AnyOf():
            return {"any": [write_condition(item) for item in condition.items]}
        case NoneOf():
            return {"none": [write_condition(item) for item in condition.items]}
        case AllOf():
            tests = [item for item in condition.items if isinstance(item, Test)]
            if len({test.covariate for test in tests}) < len(condition.items):
                return [write_condition(item) for item in condition.items]
            return {key: value for test in tests for key, value in write_condition(test).items()}
    operands = (
        [scalar(v) for v in condition.value]
        if isinstance(condition.value, tuple)
        else scalar(condition.value)
    )
    bare = condition.operator == "is" and not isinstance(operands, list)
    return {str(condition.covariate): operands if bare else {condition.operator: operands}}


CONDITION = Type("condition", read_condition, write_condition)


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
        CASE.check(item, known)
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
        raise node.fail(f"a utility of {number_text(value)} is beyond full health", "1 is full health")
    return value


def _price(node: PlacedNode) -> float:
    value = node.number()
    if value < 0.0:
        raise node.fail(
            f"a cost of {number_text(value)} is negative",
            "a cost is 0 or more: lower the cost that is saved",
        )
    return value


def _amount(node: PlacedNode, known: Known) -> Any:
    """A cost: an amount, or an amount for each category."""
    if node.is_mapping and not is_by(node):
        return {name: read_value(item, known, _price) for name, item in node.children()}
    return read_value(node, known, _price)


def _fixed_amount(node: PlacedNode, known: Known) -> Any:
    """A cost of no patient, which so depends on none."""
    amount = _amount(node, known)
    values = amount.values() if isinstance(amount, dict) else [amount]
    if any(isinstance(value, By | Cases) for value in values):
        raise node.fail("this cost depends on the patient, and belongs to none", "write one amount")
    return amount


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


def _cap(node: PlacedNode, known: Known) -> Value[AgeSteps]:
    known.covariate(node, "current_age")
    return read_value(node, known, _age_steps)


def _age_steps(node: PlacedNode) -> AgeSteps:
    steps: list[tuple[float, float]] = []
    for key, item in node.children():
        place = node.at_key(key)
        age = place.number()
        if age < 0.0 or (steps and age <= steps[-1][0]):
            raise place.fail(f"the age {key} is not above the one before", "ages are 0 or more and increase")
        steps.append((age, _utility(item)))
    if not steps:
        raise node.fail("there is no age", "write the highest utility from each age on: {0: 0.95, 60: 0.82}")
    return tuple(steps)


def _write_age_steps(steps: AgeSteps) -> dict[str, float]:
    return {scalar_text(age): number(utility) for age, utility in steps}


UTILITY_CAP = Type("utility_cap", _cap, lambda cap: write_value(cap, _write_age_steps))
UTILITY = Type("value", lambda node, known: read_value(node, known, _utility), write_value)
AMOUNT = amount_a_day(1.0)
FIXED_AMOUNT = Type("amount", _fixed_amount, _write_amount)
