"""Patients: how many, when they start, and what is known of them; read and written."""

from __future__ import annotations

from typing import Any

from sim.scenario.language.effects import read_attribute, write_attribute
from sim.scenario.language.elements import LENGTH, TIME, TIMES, Element, Field, Type
from sim.scenario.language.model import Arrivals, Attribute, Patients
from sim.scenario.language.node_reader import Known, PlacedNode, Unread
from sim.scenario.language.patient_tables import (
    read_arrival_days,
    read_patient_file,
    read_patient_text,
    write_patient_table,
)
from sim.scenario.language.resources import read_steps, write_steps
from sim.units import rate_text, time_text

DEFAULT_NUMBER = 1000
KINDS = ("poisson", "every", "file", "days")

# ---------------------------------------------------------------- arrivals


def _read_rates(node: PlacedNode, _: Known) -> tuple[tuple[float, float], ...]:
    rates = read_steps(node, PlacedNode.rate) if node.is_mapping else ((0.0, node.rate()),)
    if max(rate for _, rate in rates) <= 0.0:
        raise node.fail("nobody arrives at a rate of 0", "give a rate above 0, at least for some time")
    return rates


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
            "at random at this rate, or at rates that change in steps {0 days: RATE, ...}",
            name="rates",
            otherwise=(),
        ),
        "every": Field(
            _above_zero("arrivals must be some time apart", "for all at once write `arrive: together`"),
            "one after each such time, the first on day 0",
            name="interval",
        ),
        "file": Field(Type("text", read_arrival_days), "a table (CSV) of starting days", get=lambda _: None),
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
        fix = "write together, {poisson: RATE} or {every: TIME}"
        raise node.fail(f"`{node.value}` is not a way to arrive", fix)
    kinds = [key for key in ARRIVALS.check(node) if key in KINDS]
    if len(kinds) != 1:
        fact = f"{' and '.join(kinds)} exclude each other" if kinds else "it is not given how patients arrive"
        raise ARRIVALS.lacks(node, fact, "give one of poisson, every, file")
    parts = ARRIVALS.read(node, known, checked=True)
    days, kind = parts.pop("file") or parts.pop("days", None) or (), kinds[0]
    parts.pop("days", None)
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
            Type("text", read_patient_file),
            "a table of patients (CSV) that replaces drawn attributes, row by row",
            get=lambda _: None,
        ),
        "table": Field(
            Type("text", read_patient_text, write_patient_table), "the table itself; the resolved form"
        ),
    },
)


def read_patients(node: PlacedNode, known: Known) -> Patients:
    """Attributes, number and start of the patients."""
    mapping = PATIENTS.check(node)
    if "from_file" in mapping and "table" in mapping:
        node.fail_at_key("table", "the table is given twice", "leave out `table`, the resolved form's")
    parts = PATIENTS.read(node, known, checked=True)
    arrivals = parts["arrivals"] or Arrivals("together", (), None, (), None, 0.0, node.where)
    number, table = parts["number"], parts.pop("from_file") or parts["table"]
    if number is not None and arrivals.lasting is not None:
        fact = "patients arrive for a time, and their number is given too"
        node.fail_at_key("number", fact, "leave out one")
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
