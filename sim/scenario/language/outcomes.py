"""Events of the log and outcomes; read and written."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from sim.scenario.language.conditions import CONDITION, UTILITY, UTILITY_CAP, read_condition, write_condition
from sim.scenario.language.elements import (
    ATTRIBUTE_NAME,
    NUMBER,
    RESOURCE_NAME,
    STAGE_NAME,
    TEXT,
    TIME,
    Element,
    Field,
    Type,
    listed,
    named,
    one_of,
    required,
    words,
)
from sim.scenario.language.model import Among, Economics, EventSelector, Outcome, State
from sim.scenario.language.node_reader import Known, PlacedNode
from sim.units import number_text

KINDS = ("stage", "asked", "state", "event", "clock", "rule", "any")

# ---------------------------------------------------------------- event selectors


def read_selector(node: PlacedNode, known: Known, *, within: bool = False) -> EventSelector:
    """`start`, or a mapping that names rows of the event log.

    Raises: Unread, its problems noted.
    """
    if not node.is_mapping:
        if node.value == "start":
            return EventSelector("start", "", (), None, None, node.where)
        raise node.fail(f"an event selector is expected here, not {node.seen()}", selector_of(node, known))
    mapping = SELECTOR.check(node, known)
    kinds = [key for key in mapping if key in KINDS]
    if len(kinds) != 1:
        fact = (
            "no event is selected here" if not kinds else f"two event selectors are given: {', '.join(kinds)}"
        )
        fix = f"name one of {', '.join(KINDS)}; for several write {{any: [...]}}"
        raise SELECTOR.lacks(node, fact, fix)
    if "within" in mapping and not within:
        fix = "for events in a given order write {pathway: [...]}"
        node.fail_at_key("within", "`within` is allowed in the event selectors of a `pathway` only", fix)
    parts = SELECTOR.read(node, known, checked=True)
    kind, limit = kinds[0], parts["within"] if within else None
    items = parts["any"] or ()
    if kind == "any" and not items:
        fix = "write {any: [{stage: S}, {state: Z}]}"
        raise node.child("any").fail("no event is selected here", fix)
    return EventSelector(kind, "" if items else parts[kind], items, parts["when"], limit, node.where)


def selector_of(node: PlacedNode, known: Known) -> str:
    """What to write for a name, or the nearest of all names, where an event selector is expected."""
    names: dict[str, str] = {}
    for stage, events in known.events.items():
        for event in events:
            names[f"{stage}.{event}"] = names[event] = f"{{event: {stage}.{event}}}"
    for kind, declared in (("clock", known.clocks), ("state", known.states), ("stage", known.stages)):
        names |= {name: f"{{{kind}: {name}}}" for name in declared}
    said = str(node.value)
    near = [said] if said in names else get_close_matches(said, names, n=1)
    return f"write {names[near[0]]}" if near else "write start, {stage: S}, {state: Z}, {event: S.E}, ..."


def write_selector(selector: EventSelector) -> Any:
    """Rows of the event log."""
    return "start" if selector.kind == "start" else SELECTOR.write(selector)


def _event_name(node: PlacedNode, known: Known) -> str:
    return node.one_of([f"{stage}.{e}" for stage, events in known.events.items() for e in events], "event")


def _of_kind(kind: str, type_: Type, meaning: str) -> Field:
    return Field(type_, meaning, get=lambda selector: selector.name if selector.kind == kind else None)


SELECTED = Type("event_selector", read_selector, write_selector)
SELECTION = listed("event_selectors", SELECTED)
SELECTOR = Element(
    "an event selector",
    "Names rows of the event log.",
    {
        "stage": _of_kind("stage", STAGE_NAME, "each entry into this stage"),
        "asked": _of_kind("asked", STAGE_NAME, "each coming to this stage, to wait or to enter"),
        "state": _of_kind(
            "state", one_of("states", "state"), "each coming into this health state from another"
        ),
        "event": _of_kind("event", Type("text", _event_name), "each occurrence of STAGE.EVENT"),
        "clock": _of_kind("clock", one_of("clocks", "clock"), "each occurrence of this clock"),
        "rule": _of_kind("rule", one_of("rules", "rule"), "each decision by the rule of this name"),
        "any": Field(SELECTION, "any of several events", get=lambda selector: selector.items or None),
        "when": Field(CONDITION, "only where this holds, read just after it"),
        "within": Field(TIME, "in a pathway: at most this long after the one before"),
    },
)

# ---------------------------------------------------------------- outcomes


def _read_place(node: PlacedNode, known: Known) -> tuple[str, str]:
    """`{stage: S}` or `{state: Z}`."""
    fix = "write {stage: S} or {state: Z}"
    if isinstance(node.value, str):
        kind = next(
            (k for k, names in (("stage", known.stages), ("state", known.states)) if node.value in names), ""
        )
        fix = f"write {{{kind}: {node.value}}}" if kind else fix
    if not node.is_mapping:
        raise node.fail(f"a stage or a state is expected here, not {node.seen()}", fix)
    kind = next(iter(node.value), "")
    if len(node.value) != 1 or kind not in ("stage", "state"):
        raise node.fail("a stage or a state is expected here", fix)
    return kind, node.child(kind).one_of(known.stages if kind == "stage" else known.states, kind)


def _read_among(node: PlacedNode, known: Known) -> Among:
    """A condition at the start, or `{ever: SELECTOR}`."""
    if node.is_mapping and "ever" in node.value:
        if len(node.value) > 1:
            other = next(key for key in node.value if key != "ever")
            fact, fix = f"`{other}` is not allowed beside `ever`", "put a `when` into the event selector"
            raise node.fail_at_key(other, fact, fix)
        return Among(None, read_selector(node.child("ever"), known))
    return Among(read_condition(node, known), None)


def _write_among(among: Among) -> Any:
    return {"ever": write_selector(among.ever)} if among.ever else write_condition(among.condition)


def _read_sequence(node: PlacedNode, known: Known, *, within: bool) -> tuple[EventSelector, ...]:
    sequence = tuple(read_selector(item, known, within=within) for item in node.items())
    if not sequence:
        word = "pathway" if within else "funnel"
        raise node.fail("no event is selected here", f"`{word}` takes a list of event selectors")
    return sequence


def _read_ends(node: PlacedNode, known: Known) -> tuple[tuple[str, EventSelector], ...]:
    return tuple((name, read_selector(item, known)) for name, item in node.children())


def _write_ends(competing: tuple[tuple[str, EventSelector], ...]) -> dict[str, Any]:
    return {name: write_selector(selector) for name, selector in competing}


def _only(kind: str, name: str, type_: Type, meaning: str) -> Field:
    """The key that stands for a kind of outcome."""
    return Field(type_, meaning, name=kind, get=lambda o: getattr(o, name) if o.kind == kind else None)


_PLACE = Type("place", _read_place, lambda place: None if place is None else dict([place]))
_ENDS = Type("ends", _read_ends, _write_ends)
_FUNNEL = Type(
    "event_selectors", lambda node, known: _read_sequence(node, known, within=False), SELECTION.write
)
_PATHWAY = Type(
    "event_selectors", lambda node, known: _read_sequence(node, known, within=True), SELECTION.write
)

OUTCOME = Element(
    "an outcome",
    "What is read from the event log.",
    {
        "label": Field(TEXT, "its name in outputs"),
        "from": Field(SELECTED, "time to event: where it begins", name="begin"),
        "until": Field(SELECTED, "time to event: its end"),
        "competing": Field(
            _ENDS, "time to event: other ends by name; gives cumulative incidences", otherwise=()
        ),
        "censor": Field(SELECTED, "time to event: where observation ends"),
        "ever": _only("ever", "event", SELECTED, "the share of patients who ever have this"),
        "count": _only("count", "event", SELECTED, "how often a patient has this"),
        "attribute": Field(ATTRIBUTE_NAME, "an attribute's value", otherwise=""),
        "at": Field(SELECTED, "when the attribute is read", "the patient's end"),
        "total": _only("total", "event", SELECTED, "how often this happens in a replication"),
        "time_in": _only("time_in", "place", _PLACE, "days in a stage or state"),
        "occupancy": _only(
            "occupancy", "place", _PLACE, "the share of patients in a stage or state over time"
        ),
        "waiting_for": Field(
            RESOURCE_NAME, "the waits for a resource, in days", name="resource", otherwise=""
        ),
        "above": Field(TIME, "the share of waits above this"),
        "funnel": _only(
            "funnel",
            "sequence",
            _FUNNEL,
            "the share of patients with each among those who had the one before",
        ),
        "pathway": _only("pathway", "sequence", _PATHWAY, "these in this order, gaps allowed"),
        "among": Field(
            Type("among", _read_among, _write_among),
            "the patients it covers: a condition at the start, or {ever: EVENT SELECTOR}",
            "all patients",
        ),
        "by": Field(ATTRIBUTE_NAME, "an attribute, to give it for each of its values"),
    },
)
FIELD_OF_KIND = {
    **dict.fromkeys(("ever", "count", "total"), "event"),
    **dict.fromkeys(("time_in", "occupancy"), "place"),
    **dict.fromkeys(("funnel", "pathway"), "sequence"),
}
HEADS = (
    "from",
    "ever",
    "count",
    "attribute",
    "total",
    "time_in",
    "occupancy",
    "waiting_for",
    "funnel",
    "pathway",
)
WORDS_OF = {"from": ("until", "competing", "censor"), "attribute": ("at",), "waiting_for": ("above",)}
FOR_ALL = ("label", "among", "by")


def read_outcome(name: str, node: PlacedNode, known: Known) -> Outcome:
    """One outcome; its kind is the word it has."""
    mapping = OUTCOME.check(node, known)
    heads = [key for key in mapping if key in HEADS]
    if len(heads) != 1:
        fact = f"two kinds of outcome are given: {', '.join(heads)}"
        fact = fact if heads else "no kind of outcome is given"
        fix = f"an outcome has one of {', '.join(HEADS)}"
        owner = next((h for h, words in WORDS_OF.items() if not heads and set(words) & set(mapping)), None)
        raise OUTCOME.lacks(node, fact, f"`{owner}` is missing" if owner else fix)
    head = heads[0]
    allowed = (head, *WORDS_OF.get(head, ()), *FOR_ALL)
    for key in mapping:
        if key not in allowed and any(key in words for words in WORDS_OF.values()):
            fix = f"allowed beside it: {', '.join(allowed[1:])}"
            node.fail_at_key(key, f"`{key}` does not go with `{head}`", fix)
    parts = OUTCOME.read(node, known, checked=True)
    if head == "from" and parts["until"] is None:
        raise node.fail("`until` is missing", "name the event that ends the time")
    heads_read = {key: parts.pop(key) for key in FIELD_OF_KIND}
    if head in FIELD_OF_KIND:
        parts[FIELD_OF_KIND[head]] = heads_read[head]
    parts["label"] = name.replace("_", " ") if parts["label"] is None else parts["label"]
    return Outcome(name=name, kind="time_to_event" if head == "from" else head, where=node.where, **parts)


OUTCOMES = named("outcomes", OUTCOME, read_outcome, OUTCOME.write)


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
        "utility_cap": Field(
            UTILITY_CAP, "the highest utility from each age (years) on, as of the general population"
        ),
    },
)


def read_economics(node: PlacedNode, known: Known) -> Economics:
    """How costs and health are counted."""
    parts = ECONOMICS.read(node, known)
    return Economics(**parts.pop("discount"), **parts)


ECONOMY = Type("economics", read_economics, ECONOMICS.write, element=ECONOMICS)
