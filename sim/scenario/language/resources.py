"""Resources, health states and economics; read and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim.scenario.language.choices import AMOUNT, UTILITY
from sim.scenario.language.elements import NUMBER, TEXT, Element, Field, Type, named, required, words
from sim.scenario.language.model import Economics, Resource, State
from sim.scenario.language.node_reader import Known, PlacedNode
from sim.units import time_text

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CALENDARS = "write every day, weekdays, [monday, thursday], or {monday: [8 hours, 17 hours]}"


def read_steps(node: PlacedNode, read: Callable[[PlacedNode], float]) -> tuple[tuple[float, Any], ...]:
    """`{0 days: V, 2 years: V}`, from day 0 on, times increasing."""
    found: list[tuple[float, Any]] = []
    for key, item in node.children():
        time = node.at_key(key).time()
        if found and time <= found[-1][0]:
            fact = f"`{key}` is not later than the time before it"
            raise node.fail_at_key(key, fact, "times must increase")
        found.append((time, read(item)))
    if not found or found[0][0] != 0.0:
        raise node.fail("steps begin at 0 days", "write {0 days: 6, 2 years: 8}")
    return tuple(found)


def write_steps(steps: tuple[tuple[float, Any], ...], write: Callable[[Any], Any]) -> Any:
    """What holds always, or from each of several times on."""
    if len(steps) == 1:
        return write(steps[0][1])
    return {time_text(time): write(value) for time, value in steps}


# ---------------------------------------------------------------- resources


def _read_capacity(node: PlacedNode, _: Known) -> tuple[tuple[float, int], ...] | None:
    """A number of units, unlimited (None), or steps."""
    if node.value == "unlimited":
        return None
    if node.is_mapping:
        return read_steps(node, PlacedNode.whole)
    if isinstance(node.value, str):
        fix = "write a number of units, unlimited, or {0 days: 6, ...}"
        raise node.fail(f"`{node.value}` is not a capacity", fix)
    return ((0.0, node.whole()),)


def _write_capacity(steps: Any) -> Any:
    return "unlimited" if steps is None else write_steps(steps, int)


def _read_calendar(node: PlacedNode, _: Known) -> str | dict[str, tuple[float, float]] | None:
    """`every day` (None), `weekdays`, or for each day of the week that is open its hours, in days."""
    if node.value == "every day":
        return None
    if node.value == "weekdays":
        return "weekdays"
    found: dict[str, tuple[float, float]] = {}
    if node.is_list:
        found = {day.one_of(DAYS, "day of the week"): (0.0, 1.0) for day in node.items()}
    elif node.is_mapping:
        for day, item in node.children():
            if day not in DAYS:
                raise node.unknown(day, DAYS, f"there is no day of the week `{day}`")
            found[day] = _read_hours(item)
    else:
        raise node.fail(f"{node.seen()} is not a calendar", CALENDARS)
    if not found:
        raise node.fail("it is never open", CALENDARS)
    return {day: found[day] for day in DAYS if day in found}


def _read_hours(node: PlacedNode) -> tuple[float, float]:
    """`[8 hours, 17 hours]`: from when to when a day is open, in days."""
    hours = [item.time() for item in node.items()]
    if len(hours) != 2 or not 0.0 <= hours[0] < hours[1] <= 1.0:
        fix = "write [8 hours, 17 hours], within the 24 hours of a day"
        raise node.fail("these are not opening hours", fix)
    return hours[0], hours[1]


def _write_calendar(calendar: Any) -> Any:
    """Days of the week: a list where all are open all day, else with their hours."""
    if calendar is None or isinstance(calendar, str):
        return calendar or "every day"
    if all(hours == (0.0, 1.0) for hours in calendar.values()):
        return list(calendar)
    return {day: [time_text(time) for time in hours] for day, hours in calendar.items()}


QUEUE = Element(
    "a queue",
    "Who is granted a unit first.",
    {
        "by": required(Type("text", lambda node, _: node), "the attribute, read afresh at every grant"),
        "first": required(words("lowest", "highest", noun="order"), "lowest or highest"),
    },
)


def _read_queue(node: PlacedNode, known: Known) -> tuple[str, str] | None:
    """first_come (None), or (attribute, lowest | highest)."""
    if node.value == "first_come":
        return None
    if not node.is_mapping:
        raise node.fail(
            f"`{node.value}` is not a queue", "write first_come, or {by: attribute, first: lowest}"
        )
    parts = QUEUE.read(node, known)
    attribute = parts["by"].one_of(known.attributes, "attribute")
    if known.attributes[attribute].kind == "category":
        raise parts["by"].fail(f"`{attribute}` has no order", "a queue goes by a number, or by yes or no")
    return attribute, parts["first"]


def _write_queue(queue: tuple[str, str] | None) -> Any:
    return "first_come" if queue is None else {"by": queue[0], "first": queue[1]}


RESOURCE_COST = Element(
    "a resource's cost",
    "What holding a unit costs.",
    {
        "per_use": Field(AMOUNT, "at each grant", name="cost_per_use"),
        "per_day": Field(AMOUNT, "a day while held", name="cost_per_day"),
    },
)
_COST = Type(
    "resource_cost", RESOURCE_COST.read, lambda r: RESOURCE_COST.write(r) or None, element=RESOURCE_COST
)

_CAPACITY = Type("capacity", _read_capacity, _write_capacity)
_CALENDAR = Type("calendar", _read_calendar, _write_calendar)
_RELEASE = words("on_leaving", "when_next_granted", noun="release")
_QUEUE = Type("queue", _read_queue, _write_queue, element=QUEUE)

RESOURCE = Element(
    "a resource",
    "What stages need and patients share.",
    {
        "capacity": required(_CAPACITY, "units: a number, unlimited, or steps {0 days: 6, 2 years: 8}"),
        "open": Field(
            _CALENDAR,
            "when grants are made: every day, weekdays, or days of the week",
            "every day",
            name="calendar",
            is_written=True,
        ),
        "release": Field(
            _RELEASE,
            "on_leaving, or when_next_granted: kept while its holder waits",
            "on_leaving",
            otherwise="on_leaving",
            is_written=True,
        ),
        "queue": Field(
            _QUEUE, "first_come, or {by: attribute, first: lowest or highest}", "first_come", is_written=True
        ),
        "cost": Field(_COST, "{per_use, per_day}, while held", get=lambda resource: resource),
    },
)


def read_resource(name: str, node: PlacedNode, known: Known) -> Resource:
    """A resource."""
    parts = RESOURCE.read(node, known)
    cost = parts.pop("cost") or {"cost_per_use": None, "cost_per_day": None}
    return Resource(name=name, **parts, **cost, where=node.where)


RESOURCES = named("resources", RESOURCE, read_resource, RESOURCE.write)

# ---------------------------------------------------------------- states and economics

STATE = Element(
    "a health state",
    "A health state; stages belong to it.",
    {
        "label": Field(TEXT, "its name in outputs", "the name"),
        "utility": Field(UTILITY, "health-related quality of life while in it, 1 is full health"),
    },
)


def read_state(name: str, node: PlacedNode, known: Known) -> State:
    """A health state."""
    parts = STATE.read(node, known)
    label = name.replace("_", " ") if parts["label"] is None else parts["label"]
    return State(name, label, parts["utility"])


STATES = named("states", STATE, read_state, STATE.write)


def _discount_rate(node: PlacedNode, _: Known) -> float:
    rate = node.number()
    if not 0.0 <= rate < 1.0:
        raise node.fail("a discount rate lies between 0 and 1", "0.035 is 3.5% a year")
    return rate


_RATE = Type("number", _discount_rate, NUMBER.write)
DISCOUNT = Element(
    "a discount",
    "Yearly discount rates.",
    {
        "cost": required(_RATE, "of costs, 0.035 is 3.5%", name="discount_cost"),
        "qaly": required(_RATE, "of health", name="discount_qaly"),
    },
)
ECONOMICS = Element(
    "economics",
    "How costs and health are counted.",
    {
        "currency": required(TEXT, "the currency of every amount"),
        "discount": required(
            Type("discount", DISCOUNT.read, DISCOUNT.write, element=DISCOUNT),
            "yearly discount rates of cost and qaly",
            get=lambda economics: economics,
        ),
        "convention": required(
            words("annual", "continuous", noun="convention"),
            "annual, (1 + r)^-t, or continuous, exp(-r t), t in years from the patient's start",
        ),
        "threshold": Field(NUMBER, "willingness to pay for a quality-adjusted life-year"),
    },
)


def read_economics(node: PlacedNode, known: Known) -> Economics:
    """How costs and health are counted."""
    parts = ECONOMICS.read(node, known)
    return Economics(**parts.pop("discount"), **parts)


ECONOMY = Type("economics", read_economics, ECONOMICS.write, element=ECONOMICS)
