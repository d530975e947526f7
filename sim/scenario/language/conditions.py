"""Conditions: mappings of covariates to values, `any`, `none`, names, lists; read and written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sim.scenario.language.elements import Type, scalar
from sim.scenario.language.model import AllOf, AnyOf, Condition, Covariate, NoneOf, Scalar, Test
from sim.scenario.language.node_reader import Known, PlacedNode, Unread, read_all
from sim.scenario.language.vocabulary import OPERATORS
from sim.scenario.source.tree import DEEPEST

MOST_TESTS = 100_000
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
        return Test(covariate, "is", known.scalar(node, covariate), node.where)
    tests: list[Condition] = []
    for operator, item in node.children():
        if operator not in OPERATORS:
            fix = f"known: {', '.join(OPERATORS)}"
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
