"""Values that depend on the patient: by the value of a covariate, or by the first condition that holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sim.scenario.language.conditions import read_condition
from sim.scenario.language.model import By, Cases, Condition, Covariate, Scalar, Value
from sim.scenario.language.node_reader import Known, Spot, Unread
from sim.units import number_text

T = TypeVar("T")


def read_value(spot: Spot, known: Known, leaf: Callable[[Spot], T]) -> Value[T]:
    """A value that may depend on the patient: `{by: ...}`, a list of `{when, value}`, or itself."""
    if is_by(spot):
        return _by(spot, known, leaf)
    if is_cases(spot):
        return _cases(spot, known, leaf)
    return leaf(spot)


def _by(spot: Spot, known: Known, leaf: Callable[[Spot], T]) -> By[T]:
    by = spot.child("by")
    covariate = known.covariate(by, by.text())
    entries: dict[Scalar, Value[T]] = {}
    rest: Value[T] | None = None
    failed = False
    for key, item in spot.children():
        if key == "by":
            continue
        value = item.attempt(lambda s: read_value(s, known, leaf))
        if value is None:
            failed = True
        elif key == "rest":
            rest = value
        else:
            try:
                name = known.key(spot, key, covariate)
                if name in entries:
                    spot.fail_at_key(key, f"`{key}` stands twice", "keep one of the entries")
                    failed = True
                entries[name] = value
            except Unread:
                failed = True
    if failed:
        raise Unread
    _check_entries(spot, known, covariate, list(entries), rest is not None)
    return By(covariate, tuple(entries.items()), rest, spot.where)


def _check_entries(
    spot: Spot, known: Known, covariate: Covariate, keys: list[Scalar], has_rest: bool
) -> None:
    if has_rest:
        return
    due: tuple[Scalar, ...] | None = None
    if covariate.kind == "stage":
        due = tuple(known.stages)
    elif covariate.kind == "attribute":
        kind = known.attributes[covariate.name]
        due = (False, True) if kind.kind == "yes_no" else kind.categories or None
        if kind.kind == "unread":
            return
        if kind.kind == "number" and kind.numbers is not None:
            due = tuple(sorted(kind.numbers))
    if due is None:
        raise spot.fail(f"`{covariate}` can have other values", "add `rest` for them")
    missing = [scalar_text(v) for v in due if v not in keys]
    if missing:
        raise spot.fail(
            f"no entry for {covariate} {', '.join(missing)}", "give each value an entry, or add `rest`"
        )


def scalar_text(value: Scalar) -> str:
    """A value as a scenario has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number_text(value)


def _cases(spot: Spot, known: Known, leaf: Callable[[Spot], T]) -> Cases[T]:
    items: list[tuple[Condition | None, Value[T]]] = []
    spots = list(spot.items())
    failed = False
    for i, item in enumerate(spots):
        is_last = i == len(spots) - 1
        item.section("case")
        when = item.get("when")
        if is_last and when is not None:
            item.fail_at_key("when", "the last item of a choice has no `when`", "it holds for everyone else")
            failed = True
        if not is_last and when is None:
            item.lacks("case", "`when` is missing", "every item of a choice but the last has one")
            failed = True
        condition = when.attempt(lambda s: read_condition(s, known)) if when is not None else None
        value = (
            item.child("value").attempt(lambda s: read_value(s, known, leaf))
            if "value" in item.value
            else None
        )
        failed |= value is None or (when is not None and condition is None)
        if value is not None:
            items.append((condition, value))
    if failed:
        raise Unread
    return Cases(tuple(items), spot.where)


def is_by(spot: Spot) -> bool:
    """Whether a choice by the values of a covariate stands here."""
    return spot.is_mapping and "by" in spot.value


def is_cases(spot: Spot) -> bool:
    """Whether an ordered choice stands here."""
    return (
        spot.is_list
        and len(spot.value) > 0
        and all(isinstance(n.value, dict) for n in spot.value)
        and any("when" in n.value or "value" in n.value for n in spot.value)
    )


def is_choice(spot: Spot) -> bool:
    """Whether a choice stands here."""
    return is_by(spot) or is_cases(spot)
