"""Reading conditions: mappings of covariates to values, `any`, `none`, names, lists."""

from __future__ import annotations

from dataclasses import replace

from sim.errors import did_you_mean
from sim.scenario.language.model import AllOf, AnyOf, Condition, Covariate, NoneOf, Scalar, Test
from sim.scenario.language.node_reader import Known, Spot, Unread
from sim.scenario.language.vocabulary import OPERATORS
from sim.scenario.source.tree import DEEPEST

MOST_TESTS = 100_000
ORDERED = ("at_least", "at_most", "above", "below")


def read_condition(spot: Spot, known: Known) -> Condition:
    """A condition.

    Raises: Unread, its problems noted.
    """
    if spot.is_list:
        return all_of([read_condition(item, known) for item in spot.items()])
    if not spot.is_mapping:
        return named(spot, known)
    parts: list[Condition] = []
    failed = False
    for key, item in spot.children():
        try:
            parts.append(read_part(spot, key, item, known))
        except Unread:
            failed = True
    if failed:
        raise Unread
    return all_of(parts)


def read_part(spot: Spot, key: str, item: Spot, known: Known) -> Condition:
    """One key of a condition with its value."""
    if key in ("any", "none"):
        conditions = tuple(read_condition(one, known) for one in item.items())
        return AnyOf(conditions) if key == "any" else NoneOf(conditions)
    at_key = Spot(type(spot.node)(spot.node.keys[key], key), item.path, spot.problems)
    return read_tests(item, known.covariate(at_key, key), known)


def all_of(parts: list[Condition]) -> Condition:
    """The conjunction; a single condition stands for itself."""
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def named(spot: Spot, known: Known) -> Condition:
    """The condition that a name stands for."""
    name = spot.one_of(known.conditions, "condition")
    if name in known.open_conditions:
        circle = " -> ".join([*known.open_conditions[known.open_conditions.index(name) :], name])
        raise spot.fail(
            f"conditions refer to each other in a circle: {circle}", "define one without the others"
        )
    found = definition(name, known)
    before = known.n_tests
    known.n_tests += known.sizes[name]
    if before > MOST_TESTS:
        raise Unread
    if known.n_tests > MOST_TESTS:
        fix = f"at most {MOST_TESTS:_}: a condition that refers to others repeats all of theirs"
        raise spot.fail("named conditions stand for too many comparisons", fix)
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
        if len(known.open_conditions) >= DEEPEST:
            raise known.conditions[name].fail(
                "conditions refer to each other too deeply", f"at most {DEEPEST} in a row"
            )
        known.open_conditions.append(name)
        try:
            found = read_condition(known.conditions[name], known)
            known.sizes[name] = n_tests(found)
            known.read_conditions[name] = replace(found, name=name)
        except Unread:
            known.failed_conditions.add(name)
            raise
        finally:
            known.open_conditions.pop()
    return known.read_conditions[name]


def read_tests(spot: Spot, covariate: Covariate, known: Known) -> Condition:
    """The value or the operators that stand behind a covariate."""
    if not spot.is_mapping:
        if spot.is_list:
            raise spot.fail("a value is due here, not a list", "for one of several values write {in: [...]}")
        return Test(covariate, "is", known.scalar(spot, covariate), spot.where)
    tests: list[Condition] = []
    for operator, item in spot.children():
        if operator not in OPERATORS:
            near = did_you_mean(operator, OPERATORS)
            spot.fail_at_key(
                operator, f"unknown comparison `{operator}`", near or f"known: {', '.join(OPERATORS)}"
            )
            raise Unread
        if operator in ORDERED and not is_ordered(covariate, known):
            spot.fail_at_key(operator, f"`{covariate}` has no order", "compare it with is, is_not or in")
            raise Unread
        value: Scalar | tuple[Scalar, ...]
        if operator == "in":
            value = tuple(known.scalar(one, covariate) for one in item.items())
            if not value:
                raise item.fail("`in` names no value", "list the values")
        else:
            value = known.scalar(item, covariate)
        tests.append(Test(covariate, operator, value, item.where))
    if not tests:
        raise spot.fail("an empty comparison", f"write one of {', '.join(OPERATORS)}")
    return all_of(tests)


def is_ordered(covariate: Covariate, known: Known) -> bool:
    """Whether values of a covariate can be more or less."""
    if covariate.kind == "attribute":
        return known.attributes[covariate.name].kind in ("number", "unread")
    return covariate.kind != "stage"
