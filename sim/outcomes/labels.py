"""Outcomes in words: what a happening is called, and a time."""

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


def happening(what: EventSelector, *, by_name: bool = False) -> str:
    """What happens, e.g. `entering infusion where crs_grade is at least 3`.

    by_name: whether a condition that is defined under a name is told by it.
    """
    if what.kind == "start":
        text = "the start"
    elif what.kind == "any":
        text = " or ".join(happening(item, by_name=by_name) for item in what.items)
    else:
        text = KINDS[what.kind].format(what.name)
    return text if what.when is None else f"{text} where {condition(what.when, by_name=by_name)}"


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
