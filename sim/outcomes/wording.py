"""Outcomes in words: what a happening is called, and a time."""

from __future__ import annotations

from sim.scenario.model import AllOf, AnyOf, Condition, Happening, NoneOf, Scalar, Test
from sim.units import DAYS_IN

OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "at_least": "is at least",
    "at_most": "is at most",
    "above": "is above",
    "below": "is below",
}

KINDS = {
    "stage": "entering {}",
    "asked": "coming to {}",
    "state": "reaching {}",
    "event": "having the event {}",
    "clock": "having the clock {} ring",
    "rule": "being sent by the rule {}",
}


def happening(what: Happening) -> str:
    """What happens, e.g. `entering infusion where crs_grade is at least 3`."""
    if what.kind == "start":
        text = "the start"
    elif what.kind == "any":
        text = " or ".join(happening(item) for item in what.items)
    else:
        text = KINDS[what.kind].format(what.name)
    return text if what.when is None else f"{text} where {condition(what.when)}"


def condition(what: Condition) -> str:
    """A condition, e.g. `csf is cns1 and age is above 40`."""
    if isinstance(what, Test):
        values = what.value if isinstance(what.value, tuple) else (what.value,)
        listed = ", ".join(scalar(value) for value in values)
        return f"{what.covariate} {OPERATORS[what.operator]} {listed}"
    parts = [condition(item) for item in what.items]
    if isinstance(what, AllOf):
        return " and ".join(parts) or "always"
    joined = " or ".join(parts)
    assert isinstance(what, AnyOf | NoneOf)
    return f"({joined})" if isinstance(what, AnyOf) else f"not ({joined})"


def scalar(value: Scalar) -> str:
    """A value as a scenario writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:.10g}"


def time(days: float) -> str:
    """A time in the largest unit that measures it in whole numbers, e.g. `6 months`, `1 years`."""
    for size, unit in ((DAYS_IN["year"], "years"), (DAYS_IN["month"], "months"), (1.0, "days")):
        number = round(days / size)
        if number > 0 and abs(number * size - days) < 1e-9 * size:
            return f"{number} {unit}"
    return f"{days:.10g} days"


def time_in_prose(days: float) -> str:
    """The same, as a sentence has it: `1 year`."""
    text = time(days)
    return text.removesuffix("s") if text.startswith("1 ") else text
