"""Health states and economics; read and written."""

from __future__ import annotations

from sim.scenario.language.conditions import UTILITY
from sim.scenario.language.elements import (
    NUMBER,
    TEXT,
    Element,
    Field,
    Type,
    named,
    required,
    words,
)
from sim.scenario.language.model import Economics, State
from sim.scenario.language.node_reader import Known, PlacedNode
from sim.units import number_text

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


def _threshold(node: PlacedNode, _: Known) -> float:
    value = node.number()
    if not value > 0.0:
        raise node.fail("a threshold is above 0", "30000 values a quality-adjusted life-year at 30,000")
    return value


def _price_year(node: PlacedNode, _: Known) -> float:
    year = node.number()
    if not (1900 <= year <= 2200 and year == int(year)):
        raise node.fail(f"{number_text(year)} is no calendar year", "write the year of the prices, as 2024")
    return year


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
        "threshold": Field(
            Type("number", _threshold, NUMBER.write), "willingness to pay for a quality-adjusted life-year"
        ),
        "perspective": Field(TEXT, "whose costs are counted, in words: `health service`"),
        "price_year": Field(Type("number", _price_year, NUMBER.write), "the year of the prices"),
    },
)


def read_economics(node: PlacedNode, known: Known) -> Economics:
    """How costs and health are counted."""
    parts = ECONOMICS.read(node, known)
    return Economics(**parts.pop("discount"), **parts)


ECONOMY = Type("economics", read_economics, ECONOMICS.write, element=ECONOMICS)
