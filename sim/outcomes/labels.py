"""Events and times in words."""

from __future__ import annotations

from sim.scenario.language.model import EventSelector
from sim.scenario.language.wording import condition
from sim.units import DAYS_IN

KINDS = {
    "stage": "entering {}",
    "asked": "coming to {}",
    "state": "reaching {}",
    "event": "having the event {}",
    "clock": "having the clock {} ring",
    "rule": "being sent by the rule {}",
}


def event(selector: EventSelector, *, by_name: bool = False) -> str:
    """An event selector in words, e.g. `entering infusion where crs_grade is at least 3`.

    by_name: whether a named condition is given by its name.
    """
    if selector.kind == "start":
        text = "the start"
    elif selector.kind == "any":
        text = " or ".join(event(item, by_name=by_name) for item in selector.items)
    else:
        text = KINDS[selector.kind].format(selector.name)
    return text if selector.when is None else f"{text} where {condition(selector.when, by_name=by_name)}"


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
