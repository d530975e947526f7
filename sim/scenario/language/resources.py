"""Resources and patients; read and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sim.units as units
from sim.scenario.language.conditions import AMOUNT, FIXED_AMOUNT
from sim.scenario.language.effects import read_attribute, write_attribute
from sim.scenario.language.elements import (
    LENGTH,
    TIME,
    TIMES,
    Element,
    Field,
    Type,
    named,
    required,
    words,
)
from sim.scenario.language.model import Arrivals, Attribute, Patients, Resource
from sim.scenario.language.node_reader import Known, PlacedNode, Unread
from sim.units import rate_text, time_text

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NO_UNITS = "write at least 1, or steps that open it later: {0 days: 0, 1 year: 2}"
CALENDARS = "write every day, weekdays, [monday, thursday], or {monday: [8 hours, 17 hours]}"


Steps = tuple[tuple[tuple[float, Any], ...], float | None]
"""Values from times on, in days, and the period after which they begin anew."""


def read_steps(node: PlacedNode, read: Callable[[PlacedNode], float]) -> Steps:
    """`{0 days: V, 2 years: V}`, from day 0 on, times increasing; with `repeat: TIME` over and over."""
    found: list[tuple[float, Any]] = []
    repeat = node.get("repeat")
    period = None if repeat is None else repeat.length()
    for key, item in node.children():
        if key == "repeat":
            continue
        time = node.at_key(key).time()
        if found and time <= found[-1][0]:
            fact = f"`{key}` is not later than the time before it"
            raise node.fail_at_key(key, fact, "times must increase")
        found.append((time, read(item)))
    if not found or found[0][0] != 0.0:
        raise node.fail("steps begin at 0 days", "write {0 days: 6, 2 years: 8}")
    if repeat is not None and period is not None and period <= found[-1][0]:
        fix = "the period is longer than the time of the last step"
        raise repeat.fail(f"the steps are not over when they begin anew, after {repeat.value}", fix)
    return tuple(found), period if len(found) > 1 else None


def write_steps(steps: Steps, write: Callable[[Any], Any]) -> Any:
    """What holds always, or from each of several times on."""
    values, period = steps
    if len(values) == 1:
        return write(values[0][1])
    written = {time_text(time): write(value) for time, value in values}
    return written if period is None else {**written, "repeat": time_text(period)}


# ---------------------------------------------------------------- resources


def _read_capacity(node: PlacedNode, _: Known) -> tuple[tuple[tuple[float, int], ...] | None, float | None]:
    """A number of units, unlimited (None), or steps; and their period."""
    if node.value == "unlimited":
        return None, None
    if node.is_mapping:
        steps = read_steps(node, PlacedNode.whole)
        if not any(units for _, units in steps[0]):
            raise node.fail("a capacity of 0 throughout: nobody is ever granted a unit", NO_UNITS)
        return steps
    if isinstance(node.value, str):
        fix = "write a number of units, unlimited, or {0 days: 6, ...}"
        raise node.fail(f"`{node.value}` is not a capacity", fix)
    if (units := node.whole()) == 0:
        raise node.fail("a capacity of 0: nobody is ever granted a unit", NO_UNITS)
    return ((0.0, units),), None


def _write_capacity(steps: Any) -> Any:
    return "unlimited" if steps[0] is None else write_steps(steps, int)


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
        "per_day_of_capacity": Field(
            FIXED_AMOUNT, "a day for each unit, in use or idle", name="cost_per_day_of_capacity"
        ),
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
        "capacity": required(
            _CAPACITY,
            "units: a number, unlimited, or steps {0 days: 6, 2 years: 8}, with `repeat: TIME` over and over",
            get=lambda resource: (resource.capacity, resource.repeat),
        ),
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
        "cost": Field(_COST, "{per_use, per_day, per_day_of_capacity}", get=lambda resource: resource),
    },
)


def read_resource(name: str, node: PlacedNode, known: Known) -> Resource:
    """A resource."""
    parts = RESOURCE.read(node, known)
    parts["capacity"], parts["repeat"] = parts["capacity"]
    cost = parts.pop("cost") or {"cost_per_use": None, "cost_per_day": None}
    if parts["capacity"] is None and cost.get("cost_per_day_of_capacity") is not None:
        raise node.child("cost").fail_at_key(
            "per_day_of_capacity",
            "an unlimited resource has no capacity to pay for",
            "give it a finite `capacity`, or `per_day` while held",
        )
    return Resource(name=name, **parts, **cost, where=node.where)


RESOURCES = named("resources", RESOURCE, read_resource, RESOURCE.write)

# ---------------------------------------------------------------- arrivals

DEFAULT_NUMBER = 1000
KINDS = ("poisson", "every", "file", "days")


def _read_rates(node: PlacedNode, _: Known) -> Steps:
    steps = read_steps(node, PlacedNode.rate) if node.is_mapping else (((0.0, node.rate()),), None)
    if max(rate for _, rate in steps[0]) <= 0.0:
        raise node.fail("nobody arrives at a rate of 0", "give a rate above 0, at least for some time")
    return steps


def _from_table(name: str) -> Callable[..., Any]:
    """A function of `patient_tables`, which is imported only for a scenario that has tables."""

    def call(*arguments: Any) -> Any:
        from sim.scenario.language import patient_tables

        return getattr(patient_tables, name)(*arguments)

    return call


def _above_zero(fact: str, fix: str) -> Type:
    """A time above 0."""

    def read(node: PlacedNode, _: Known) -> float:
        time = node.length()
        if time == 0.0:
            raise node.fail(fact, fix)
        return time

    return Type("time", read, time_text)


_RATES = Type("rates", _read_rates, lambda rates: write_steps(rates, rate_text))
ARRIVALS = Element(
    "arrive",
    "When patients start.",
    {
        "poisson": Field(
            _RATES,
            "at random at this rate, or in steps {0 days: RATE, ...}, with `repeat: TIME` over and over",
            name="rates",
            otherwise=((), None),
            get=lambda arrivals: (arrivals.rates, arrivals.repeat),
        ),
        "every": Field(
            _above_zero("arrivals must be some time apart", "for all at once write `arrive: together`"),
            "one after each such time, the first on day 0",
            name="interval",
        ),
        "file": Field(
            Type("text", _from_table("read_arrival_days")),
            "a table (CSV) of starting days",
            get=lambda _: None,
        ),
        "days": Field(
            TIMES,
            "the starting days themselves; the resolved form",
            get=lambda arrivals: arrivals.days if arrivals.kind == "days" else None,
        ),
        "for": Field(
            _above_zero("nobody arrives in no time", "write a time above 0"),
            "how long patients arrive, in place of patients.number",
            name="lasting",
        ),
        "warm_up": Field(
            TIME,
            "patients who start in it are simulated but left out of outcomes",
            "0 days",
            otherwise=0.0,
            is_written=True,
        ),
    },
)


def read_arrivals(node: PlacedNode, known: Known) -> Arrivals:
    """When patients start."""
    if node.value == "together":
        return Arrivals("together", (), None, (), None, 0.0, node.where)
    if not node.is_mapping:
        word = {"rate": "poisson", "time": "every"}.get("" if node.is_list else units.kind(node.value), "")
        fix = f"{{{word}: {node.value}}}" if word else "together, {poisson: RATE} or {every: TIME}"
        raise node.fail(f"{node.seen()} is not a way to arrive", f"write {fix}")
    kinds = [key for key in ARRIVALS.check(node, known) if key in KINDS]
    if len(kinds) != 1:
        fact = f"{' and '.join(kinds)} exclude each other" if kinds else "it is not given how patients arrive"
        raise ARRIVALS.lacks(node, fact, "give one of poisson, every, file")
    parts = ARRIVALS.read(node, known, checked=True)
    days, kind = parts.pop("file") or parts.pop("days", None) or (), kinds[0]
    parts.pop("days", None)
    parts["rates"], parts["repeat"] = parts["rates"]
    return Arrivals(kind="days" if kind == "file" else kind, days=days, where=node.where, **parts)


def write_arrivals(arrivals: Arrivals) -> Any:
    """When patients start."""
    return "together" if arrivals.kind == "together" else ARRIVALS.write(arrivals)


# ---------------------------------------------------------------- attributes and the whole


def read_attributes(node: PlacedNode, known: Known) -> tuple[Attribute, ...]:
    """The attributes, in order; each may depend on earlier ones alone."""
    everything = dict(known.attributes)
    known.attributes.clear()
    known.later_attributes = tuple(everything)
    found: list[Attribute | None] = []
    for name, item in node.children():
        if name in everything:
            known.attributes[name] = everything[name]
            found.append(item.attempt(lambda one, n=name: read_attribute(n, one, known)))  # type: ignore[misc]
    known.attributes.update(everything)
    known.later_attributes = ()
    if None in found:
        raise Unread
    return tuple(attribute for attribute in found if attribute is not None)


def _write_attributes(attributes: tuple[Attribute, ...]) -> dict[str, Any]:
    return {attribute.name: write_attribute(attribute) for attribute in attributes}


PATIENTS = Element(
    "patients",
    "Attributes, number and start of the patients.",
    {
        "number": Field(
            Type("number", lambda node, _: node.whole(1)),
            "how many patients in a replication",
            "1000 unless `arrive` lasts for a time",
            get=lambda patients: patients.number or None,
        ),
        "arrive": Field(
            Type("arrivals", read_arrivals, write_arrivals, element=ARRIVALS),
            "when they start: together, or one after the other",
            "together",
            name="arrivals",
            is_written=True,
        ),
        "follow_up": Field(LENGTH, "how long each is followed after the start", "until the horizon"),
        "attributes": Field(
            Type("attributes", read_attributes, _write_attributes),
            "attributes of each patient, drawn in this order",
            "{}",
            is_written=True,
        ),
        "from_file": Field(
            Type("text", _from_table("read_patient_file")),
            "a table of patients (CSV) that replaces drawn attributes, row by row",
            get=lambda _: None,
        ),
        "table": Field(
            Type("text", _from_table("read_patient_text"), _from_table("write_patient_table")),
            "the table itself; the resolved form",
        ),
    },
)


def read_patients(node: PlacedNode, known: Known) -> Patients:
    """Attributes, number and start of the patients."""
    mapping = PATIENTS.check(node, known)
    if "from_file" in mapping and "table" in mapping:
        node.fail_at_key("table", "the table is given twice", "leave out `table`, the resolved form's")
    parts = PATIENTS.read(node, known, checked=True)
    arrivals = parts["arrivals"] or Arrivals("together", (), None, (), None, 0.0, node.where)
    number, table = parts["number"], parts.pop("from_file") or parts["table"]
    if table is not None and table.begins:
        if "arrive" not in mapping:
            arrivals = replace(arrivals, kind="days", days=table.begins)
        elif arrivals.days != table.begins:
            fact = "the table of patients has a column `day`, and other days are given here"
            node.fail_at_key("arrive", fact, "leave out `arrive`, or the column")
        table = replace(table, begins=())
    if number is not None and arrivals.lasting is not None:
        fact = "patients arrive for a time, and their number is given too"
        fix = "leave out one: without `for` the number arrives, as with arrive={poisson: 1 per day}"
        node.fail_at_key("number", fact, fix)
    if number is not None and arrivals.kind == "days" and number > len(arrivals.days):
        fact = f"{number} patients, and the table of arrivals has {len(arrivals.days)} days"
        node.fail_at_key("number", fact, f"leave out `number`, or give at most {len(arrivals.days)}")
    if parts["follow_up"] == 0.0:
        node.fail_at_key("follow_up", "nobody can be followed for no time", "write a time above 0")
    if number is None and arrivals.lasting is None and arrivals.kind != "days":
        number = DEFAULT_NUMBER
        if table is not None and arrivals.kind == "together":
            number = 0 if table.is_today else len(table.rows)
    return Patients(**{**parts, "number": number, "arrivals": arrivals, "table": table})


def write_patients(patients: Patients) -> dict[str, Any]:
    """Who they are; the table stands before the attributes."""
    written = PATIENTS.write(patients)
    attributes = written.pop("attributes")
    return {**written, "attributes": attributes}


PEOPLE = Type("patients", read_patients, write_patients, element=PATIENTS)
