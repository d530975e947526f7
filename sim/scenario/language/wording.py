"""Conditions and changes in words."""

from __future__ import annotations

from sim.scenario.language.model import AllOf, AnyOf, Condition, NoneOf, Scalar, Test

OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "at_least": "is at least",
    "at_most": "is at most",
    "above": "is above",
    "below": "is below",
}


def condition(what: Condition, *, by_name: bool = False) -> str:
    """A condition, e.g. `csf is cns1 and age is above 40`.

    by_name: show a condition that is defined under a name by that name.
    """
    if by_name and what.name:
        return what.name
    if isinstance(what, Test):
        values = what.value if isinstance(what.value, tuple) else (what.value,)
        listed = ", ".join(scalar(value) for value in values)
        return f"{what.covariate} {OPERATORS[what.operator]} {listed}"
    if isinstance(what, AllOf):
        return " and ".join(condition(item, by_name=by_name) for item in what.items) or "always"
    assert isinstance(what, AnyOf | NoneOf)
    if not what.items:
        return "never" if isinstance(what, AnyOf) else "always"
    if len(what.items) == 1 and (isinstance(what.items[0], AnyOf) or (by_name and what.items[0].name)):
        joined = condition(what.items[0], by_name=by_name)
    else:
        joined = f"({' or '.join(_bracketed(item, by_name=by_name) for item in what.items)})"
    return joined if isinstance(what, AnyOf) else f"not {joined}"


def _bracketed(what: Condition, *, by_name: bool) -> str:
    """A condition among alternatives: `and` binds no less visibly than `or`."""
    text = condition(what, by_name=by_name)
    is_named = by_name and what.name
    return f"({text})" if isinstance(what, AllOf) and len(what.items) > 1 and not is_named else text


def scalar(value: Scalar) -> str:
    """A value as a scenario writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:.10g}"


def change(path: str, old: str, new: str) -> str:
    """A path with its old and new text, "" where there is none: `horizon: 5 years -> 2 years`."""
    if not old or not new:
        return f"{path}: added {new}" if new else f"{path}: removed {old}"
    return f"{path}: {old} -> {new}"
