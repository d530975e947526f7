"""Conditions in words."""

from __future__ import annotations

from sim.scenario.model import AllOf, AnyOf, Condition, NoneOf, Scalar, Test

OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "at_least": "is at least",
    "at_most": "is at most",
    "above": "is above",
    "below": "is below",
}


def condition(what: Condition) -> str:
    """A condition, e.g. `csf is cns1 and age is above 40`."""
    if isinstance(what, Test):
        values = what.value if isinstance(what.value, tuple) else (what.value,)
        listed = ", ".join(scalar(value) for value in values)
        return f"{what.covariate} {OPERATORS[what.operator]} {listed}"
    if isinstance(what, AllOf):
        return " and ".join(condition(item) for item in what.items) or "always"
    assert isinstance(what, AnyOf | NoneOf)
    if len(what.items) == 1 and isinstance(what.items[0], AnyOf):
        joined = condition(what.items[0])
    else:
        joined = f"({' or '.join(_bracketed(item) for item in what.items)})"
    return joined if isinstance(what, AnyOf) else f"not {joined}"


def _bracketed(what: Condition) -> str:
    """A condition among alternatives: `and` binds no less visibly than `or`."""
    text = condition(what)
    return f"({text})" if isinstance(what, AllOf) and len(what.items) > 1 else text


def scalar(value: Scalar) -> str:
    """A value as a scenario writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:.10g}"
