"""Reading resources, arrivals, patients and economics."""

from __future__ import annotations

from typing import Any

from sim.errors import did_you_mean
from sim.scenario.language.effects import read_attribute
from sim.scenario.language.model import (
    Arrivals,
    Attribute,
    Economics,
    Patients,
    PatientTable,
    Resource,
    State,
)
from sim.scenario.language.node_reader import Known, Spot, Unread
from sim.scenario.language.stages import optional, read_amount, read_utility
from sim.scenario.source.csv_tables import read_arrival_days, read_patient_table
from sim.scenario.source.tree import Node, key_value

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DEFAULT_NUMBER = 1000
CALENDARS = "write every day, weekdays, [monday, thursday], or {monday: [8 hours, 17 hours]}"


def at_key(spot: Spot, key: str) -> Spot:
    """A key of a mapping as a scalar at its place."""
    return Spot(Node(spot.node.keys[key], key_value(key)), spot.where.at(key).path, spot.problems)


def read_steps(spot: Spot, read: Any) -> tuple[tuple[float, Any], ...]:
    """`{0 days: V, 2 years: V}`, from day 0 on, times increasing."""
    found: list[tuple[float, Any]] = []
    for key, item in spot.children():
        time = at_key(spot, key).time()
        if found and time <= found[-1][0]:
            spot.fail_at_key(key, f"`{key}` does not come after the time before it", "let times increase")
            raise Unread
        found.append((time, read(item)))
    if not found or found[0][0] != 0.0:
        raise spot.fail("steps begin at 0 days", "write {0 days: 6, 2 years: 8}")
    return tuple(found)


def read_resource(name: str, spot: Spot, known: Known) -> Resource:
    """A resource."""
    mapping = spot.section("resource")
    if "capacity" not in mapping:
        raise Unread
    cost = spot.get("cost")
    if cost is not None:
        cost.section("resource_cost")
    release = spot.get("release")
    return Resource(
        name=name,
        capacity=read_capacity(spot.child("capacity")),
        calendar=read_calendar(spot.get("open")),
        release=release.one_of(("on_leaving", "when_next_granted"), "release") if release else "on_leaving",
        queue=read_queue(spot.get("queue"), known),
        cost_per_use=optional(cost, "per_use", lambda s: read_amount(s, known)) if cost else None,
        cost_per_day=optional(cost, "per_day", lambda s: read_amount(s, known)) if cost else None,
        where=spot.where,
    )


def read_capacity(spot: Spot) -> tuple[tuple[float, int], ...] | None:
    """A number of units, unlimited (None), or steps."""
    if spot.value == "unlimited":
        return None
    if spot.is_mapping:
        return read_steps(spot, Spot.whole)
    if isinstance(spot.value, str):
        raise spot.fail(
            f"`{spot.value}` is no capacity", "write a number of units, unlimited, or {0 days: 6, ...}"
        )
    return ((0.0, spot.whole()),)


def read_calendar(spot: Spot | None) -> str | dict[str, tuple[float, float]] | None:
    """`every day` (None), `weekdays`, or for each day of the week that is open its hours, in days."""
    if spot is None or spot.value == "every day":
        return None
    if spot.value == "weekdays":
        return "weekdays"
    found: dict[str, tuple[float, float]] = {}
    if spot.is_list:
        found = {day.one_of(DAYS, "day of the week"): (0.0, 1.0) for day in spot.items()}
    elif spot.is_mapping:
        for day, item in spot.children():
            if day not in DAYS:
                spot.fail_at_key(day, f"there is no day of the week `{day}`", did_you_mean(day, DAYS))
                raise Unread
            found[day] = read_hours(item)
    else:
        raise spot.fail(f"{spot.seen()} is no calendar", CALENDARS)
    if not found:
        raise spot.fail("it is never open", CALENDARS)
    return {day: found[day] for day in DAYS if day in found}


def read_hours(spot: Spot) -> tuple[float, float]:
    """`[8 hours, 17 hours]`: from when to when a day is open, in days."""
    hours = [item.time() for item in spot.items()]
    if len(hours) != 2 or not 0.0 <= hours[0] < hours[1] <= 1.0:
        raise spot.fail(
            "these are no opening hours", "write [8 hours, 17 hours], within the 24 hours of a day"
        )
    return hours[0], hours[1]


def read_queue(spot: Spot | None, known: Known) -> tuple[str, str] | None:
    """first_come (None), or (attribute, lowest | highest)."""
    if spot is None or spot.value == "first_come":
        return None
    if not spot.is_mapping:
        raise spot.fail(f"`{spot.value}` is no queue", "write first_come, or {by: attribute, first: lowest}")
    mapping = spot.section("queue")
    if not {"by", "first"} <= set(mapping):
        raise Unread
    by = spot.child("by")
    attribute = by.one_of(known.attributes, "attribute")
    if known.attributes[attribute].kind == "category":
        raise by.fail(f"`{attribute}` has no order", "a queue goes by a number, or by yes or no")
    return attribute, spot.child("first").one_of(("lowest", "highest"), "order")


def read_arrivals(spot: Spot | None, patients: Spot, known: Known) -> Arrivals:
    """When patients start."""
    if spot is None or spot.value == "together":
        where = spot.where if spot is not None else patients.where
        return Arrivals("together", (), None, (), None, 0.0, where)
    if not spot.is_mapping:
        raise spot.fail(
            f"`{spot.value}` is no way to arrive", "write together, {poisson: RATE} or {every: TIME}"
        )
    mapping = spot.section("arrivals")
    kinds = [key for key in mapping if key in ("poisson", "every", "file", "days")]
    if len(kinds) != 1:
        fact = f"{' and '.join(kinds)} stand together" if kinds else "how patients arrive is not said"
        raise spot.lacks("arrivals", fact, "give one of poisson, every, file")
    kind = kinds[0]
    body = spot.child(kind)
    rates: tuple[tuple[float, float], ...] = ()
    if kind == "poisson":
        rates = read_steps(body, Spot.rate) if body.is_mapping else ((0.0, body.rate()),)
        if max(rate for _, rate in rates) <= 0.0:
            raise body.fail("nobody arrives at a rate of 0", "give a rate above 0, at least for some time")
    interval = body.length() if kind == "every" else None
    if interval == 0.0:
        raise body.fail("arrivals must be some time apart", "for all at once write `arrive: together`")
    days: tuple[float, ...] = ()
    if kind == "file":
        days = read_arrival_days(body, known)
    elif kind == "days":
        days = tuple(item.time() for item in body.items())
    lasting, warm_up = spot.get("for"), spot.get("warm_up")
    if lasting is not None and lasting.length() == 0.0:
        raise lasting.fail("nobody arrives in no time", "write a time above 0")
    return Arrivals(
        "days" if kind == "file" else kind,
        rates,
        interval,
        days,
        lasting.time() if lasting is not None else None,
        warm_up.time() if warm_up is not None else 0.0,
        spot.where,
    )


def read_patients(spot: Spot, known: Known) -> Patients | None:
    """Who they are, how many, and when they start."""
    try:
        spot.section("patients")
        arrivals = read_arrivals(spot.get("arrive"), spot, known)
        attributes = read_attributes(spot.get("attributes"), known)
        number = spot.get("number")
        if number is not None and arrivals.lasting is not None:
            spot.fail_at_key(
                "number", "patients arrive for a time, and their number is given too", "leave out one"
            )
        table = read_table(spot, known)
        if number is not None:
            n: int | None = number.whole(1)
        elif arrivals.lasting is not None or arrivals.kind == "days":
            n = None
        elif table is not None and arrivals.kind == "together":
            n = 0 if table.is_today else len(table.rows)
        else:
            n = DEFAULT_NUMBER
        follow_up = optional(spot, "follow_up", Spot.length)
        if follow_up == 0.0:
            spot.fail_at_key("follow_up", "nobody can be followed for no time", "write a time above 0")
        return Patients(n, arrivals, follow_up, attributes, table)
    except Unread:
        return None


def read_table(spot: Spot, known: Known) -> PatientTable | None:
    """The table of patients, from its file or as it stands in the resolved form."""
    file, text = spot.get("from_file"), spot.get("table")
    if file is not None and text is not None:
        spot.fail_at_key("table", "the table is given twice", "leave out `table`, the resolved form's")
    if file is not None:
        return file.attempt(lambda s: read_patient_table(s, known, is_text=False))
    if text is not None:
        return text.attempt(lambda s: read_patient_table(s, known, is_text=True))
    return None


def read_attributes(spot: Spot | None, known: Known) -> tuple[Attribute, ...]:
    """The attributes, in order; each may depend on earlier ones alone."""
    if spot is None:
        return ()
    everything = dict(known.attributes)
    known.attributes.clear()
    known.later_attributes = tuple(everything)
    found: list[Attribute] = []
    for name, item in spot.children():
        if name not in everything:
            continue
        known.attributes[name] = everything[name]
        attribute = item.attempt(lambda s, n=name: read_attribute(n, s, known))  # type: ignore[misc]
        if attribute is not None:
            found.append(attribute)
    known.attributes.update(everything)
    known.later_attributes = ()
    return tuple(found)


def read_economics(spot: Spot | None) -> Economics | None:
    """How costs and health are counted."""
    if spot is None:
        return None
    mapping = spot.section("economics")
    if not {"currency", "discount", "convention"} <= set(mapping):
        raise Unread
    discount = spot.child("discount")
    rates = discount.section("discount")
    if not {"cost", "qaly"} <= set(rates):
        raise Unread
    for word in ("cost", "qaly"):
        rate = discount.child(word)
        if not 0.0 <= rate.number() < 1.0:
            raise rate.fail("a discount rate lies between 0 and 1", "0.035 is 3.5% a year")
    threshold = optional(spot, "threshold", Spot.number)
    return Economics(
        spot.child("currency").text(),
        discount.child("cost").number(),
        discount.child("qaly").number(),
        spot.child("convention").one_of(("annual", "continuous"), "convention"),
        threshold,
    )


def read_state(name: str, spot: Spot, known: Known) -> State:
    """A health state."""
    spot.section("state")
    label = spot.get("label")
    return State(
        name,
        label.text() if label is not None else name.replace("_", " "),
        read_utility(spot.get("utility"), known),
    )
