"""The scenario as a whole: its names, its keys, how it is read from a tree and written as canonical text."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from sim.scenario.language.conditions import CASE, definition
from sim.scenario.language.effects import EFFECT, attribute_kind
from sim.scenario.language.elements import FLAG, LENGTH, TEXT, Element, Field, Type, required
from sim.scenario.language.model import UNCHANGED, Scenario
from sim.scenario.language.node_reader import AttributeKind, Known, PlacedNode, Unread
from sim.scenario.language.outcomes import (
    DISCOUNT,
    ECONOMICS,
    ECONOMY,
    OUTCOME,
    OUTCOMES,
    SELECTION,
    SELECTOR,
    STATE,
    STATES,
)
from sim.scenario.language.ratios import RATIO
from sim.scenario.language.resources import (
    ARRIVALS,
    PATIENTS,
    PEOPLE,
    QUEUE,
    RESOURCE,
    RESOURCE_COST,
    RESOURCES,
)
from sim.scenario.language.stages import CLOCK, CLOCKS, EVENT, NEED, PATHWAY, RULE, STAGE, STAGE_COST
from sim.scenario.language.vocabulary import MODIFIERS
from sim.scenario.source import tree
from sim.scenario.source.references import STATUSES
from sim.scenario.source.tree import Node, key_value

RESERVED: dict[str, tuple[str, ...]] = {
    "stage": ("stay", "rest", "by", "odds_ratios", "clock", "patient", "on_start", "arrive"),
    "event": ("on_entry", "decide"),
    "attribute": ("any", "none", "stage", "current_age", "days_in_stage", "chance", "to"),
}
"""Names with another meaning in conditions, destinations or names of draws."""


def collect_names(top: PlacedNode, known: Known) -> None:
    """Collect every name, so that it can be referred to from anywhere."""
    pathway = top.get("pathway")
    if pathway is None or "stages" not in PATHWAY.check(pathway, known):
        raise Unread
    stages = pathway.child("stages")
    if not stages.mapping():
        raise stages.fail("a pathway has no stages", "write pathway: {start: S, stages: {S: {...}, ...}}")
    known.stages.update(stages.children())
    for name, stage in known.stages.items():
        names: list[str] = []
        for word in ("events", "while_waiting"):
            events = stage.get(word)
            if events is not None and events.is_mapping:
                names.extend(events.value)
        known.events[name] = tuple(names)
    known.clocks = keys(top.get("clocks"))
    known.resources = keys(top.get("resources"))
    known.states = keys(top.get("states")) or states_in_use(known)
    conditions = top.get("conditions")
    if conditions is not None:
        known.conditions.update(conditions.attempt(lambda s: dict(s.children())) or {})
    known.stamps = tuple(dict.fromkeys(stamps_in(top)))
    collect_attributes(top, known)
    widen_numbers(top, known)
    check_names(top, known, stages)


def states_in_use(known: Known) -> tuple[str, ...]:
    """The states of the stages where none is declared, with the problem that they are not."""
    used = [state for stage in known.stages.values() if (state := stage.get("state")) is not None]
    named = dict.fromkeys(state.value for state in used if isinstance(state.value, str))
    if used:
        declared = ", ".join(f"{name}: {{}}" for name in named)
        used[0].fail("no states are declared", f"add to the file `states: {{{declared}}}`")
    return tuple(named)


def keys(spot: PlacedNode | None) -> tuple[str, ...]:
    """The keys of a mapping; none where it is left out.

    Raises: Unread where it is not a mapping, because its names would be missing everywhere.
    """
    return () if spot is None else tuple(spot.mapping())


def nodes_in(top: PlacedNode) -> Iterator[Node]:
    """Every node of the clocks and the pathway, those above before those beneath."""
    todo = deque(spot.content for key in ("clocks", "pathway") if (spot := top.get(key)) is not None)
    while todo:
        node = todo.popleft()
        yield node
        if isinstance(node.value, dict):
            todo.extend(node.value.values())
        elif isinstance(node.value, list):
            todo.extend(node.value)


def stamps_in(top: PlacedNode) -> Iterator[str]:
    """Every stamp an effect sets."""
    for node in nodes_in(top):
        stamp = node.value.get("stamp") if isinstance(node.value, dict) else None
        if stamp is not None:
            named = stamp.value if isinstance(stamp.value, list) else [stamp]
            yield from (n.value for n in named if isinstance(n.value, str))


def collect_attributes(top: PlacedNode, known: Known) -> None:
    """The kind of every attribute, from its declaration; `unread` if it cannot be determined."""
    patients = top.get("patients")
    if patients is None or "attributes" not in patients.mapping():
        return
    for name, item in patients.child("attributes").children():
        kind = item.attempt(lambda s: attribute_kind(s, known)) or AttributeKind("unread")
        known.attributes[name] = kind
        for word in ("rest", "unchanged"):
            if word in kind.categories:
                item.fail(f"`{word}` cannot be a value of an attribute", "it is a word of the language")


def widen_numbers(top: PlacedNode, known: Known) -> None:
    """Count the numbers that effects may give an attribute among those it can have."""
    for node in nodes_in(top):
        for word in ("set", "add", "copy", "draw"):
            changes = node.value.get(word) if isinstance(node.value, dict) else None
            if changes is None or not isinstance(changes.value, dict):
                continue
            for name, item in changes.value.items():
                kind = known.attributes.get(name)
                if kind is not None and kind.numbers is not None:
                    given = numbers_given(word, item)
                    kind.numbers = None if given is None else kind.numbers | given


def numbers_given(word: str, item: Node) -> frozenset[float] | None:
    """The numbers that `set` or `draw` gives, None where they are not listed."""
    value = item.value
    if word == "set" and isinstance(value, int | float):
        return frozenset({float(value)})
    listed = value.get("categorical") if isinstance(value, dict) else None
    if word != "draw" or listed is None or not isinstance(listed.value, dict):
        return None
    found = [key_value(key) for key in listed.value if key != UNCHANGED]
    if any(isinstance(n, str) for n in found):
        return None
    return frozenset(float(n) for n in found)


def check_names(top: PlacedNode, known: Known, stages: PlacedNode) -> None:
    """Adds: names with another meaning, or that would give two draws one name."""
    patients = top.get("patients")
    kinds = {
        "attribute": patients.get("attributes") if patients is not None else None,
        "clock": top.get("clocks"),
        "resource": top.get("resources"),
        "stage": stages,
    }
    for kind, spot in kinds.items():
        if spot is not None and spot.is_mapping:
            check_kind_of_names(kind, spot)
    for stage in known.stages.values():
        for word in ("events", "while_waiting"):
            events = stage.get(word)
            if events is not None and events.is_mapping:
                check_kind_of_names("event", events)


def check_kind_of_names(kind: str, spot: PlacedNode) -> None:
    """The keys of a mapping as names of one kind."""
    for name in spot.mapping():
        if name in RESERVED.get(kind, ()):
            fix = "it is a word of the language there: choose another name"
        elif "." in name or not name.strip() or name.startswith("$"):
            fix = "a name has no dot, does not begin with `$`, and is not empty"
        else:
            continue
        article = "an" if kind in ("attribute", "event") else "a"
        spot.fail_at_key(name, f"`{name}` cannot be the name of {article} {kind}", fix)


FORMAT = 1
LONGEST = 2.0**33  # days: beyond it a float has no place left for every 2^-20 of a day


def _read_format(node: PlacedNode, _: Known) -> int:
    if node.value != FORMAT or isinstance(node.value, bool):
        fix = f"this is version {FORMAT}: write format: {FORMAT}"
        raise node.fail(f"the language has no version {node.seen()}", fix)
    return FORMAT


def _read_horizon(node: PlacedNode, _: Known) -> float:
    days = node.length()
    if days == 0.0:
        raise node.fail("the horizon is day 0: nothing can happen", "write a time above 0")
    if days > LONGEST:
        fact = f"{node.value} cannot be counted on a grid of 2^-20 days"
        raise node.fail(fact, "at most 20 million years")
    return days


PARAMETER = Element(
    "a parameter",
    "A number with its source; `$name` stands for its value wherever a value does.",
    {
        "value": required(Type("value"), "a number, time, rate, or a mapping or list of these"),
        "uncertainty": Field(
            Type("uncertainty"), "its distribution, centred on the value unless it has a centre"
        ),
        "source": Field(TEXT, "an entry of the list of sources"),
        "status": Field(
            Type("text", words=STATUSES),
            "published, derived, digitised, recalled, calibrated, assumed or chosen",
        ),
    },
)
SCENARIO = Element(
    "a scenario",
    "The file as a whole.",
    {
        "format": required(
            Type("number", _read_format),
            "the version of the language; write `format: 1`",
            get=lambda _: FORMAT,
        ),
        "title": required(TEXT, "what the scenario is about, in a line"),
        "label": Field(
            Type("text", lambda node, _: node.name()),
            "its name in tables and charts, in a few words",
            "the title",
        ),
        "based_on": Field(Type("text"), "the file this one changes, its path seen from this file"),
        "changes": Field(Type("layer"), "new values for paths that exist in the file below, path: value"),
        "add": Field(
            Type("layer"),
            "values for paths that do not exist in the file below; items of lists go to the end",
        ),
        "remove": Field(Type("names"), "paths of the file below that are left out"),
        "leftovers": Field(
            FLAG,
            "what nothing uses or reaches is a note, not an error, as in a file with `based_on`",
            "false",
            name="has_leftovers",
        ),
        "horizon": required(
            Type("time", _read_horizon, LENGTH.write),
            "the day of the common calendar at which everything ends",
        ),
        "states": Field(
            STATES, "health states by name, for outcomes, utilities and plots", "{}", is_written=True
        ),
        "economics": Field(ECONOMY, "how costs and health are counted; needed if there is a cost or utility"),
        "conditions": Field(Type("conditions"), "conditions by name, each defined once", "{}"),
        "patients": required(PEOPLE, "attributes, number and start of the patients"),
        "parameters": Field(
            Type("parameters", element=PARAMETER, is_named=True),
            "numbers by name, with their source; `$name` stands for the value",
            "{}",
        ),
        "clocks": Field(
            CLOCKS, "events that go on when the patient moves to another stage", "{}", is_written=True
        ),
        "pathway": required(
            Type("pathway", PATHWAY.read, PATHWAY.write, element=PATHWAY),
            "where patients start and the stages they pass through",
            get=lambda scenario: scenario,
        ),
        "resources": Field(RESOURCES, "what stages need and patients share", "{}", is_written=True),
        "never": Field(SELECTION, "what must not happen; the run stops at the first", "[]", is_written=True),
        "outcomes": Field(OUTCOMES, "what is read from the event log, by name", "{}", is_written=True),
    },
)

ELEMENTS: dict[str, Element] = {
    "scenario": SCENARIO,
    "state": STATE,
    "economics": ECONOMICS,
    "discount": DISCOUNT,
    "patients": PATIENTS,
    "arrivals": ARRIVALS,
    "parameter": PARAMETER,
    "event": EVENT,
    "clock": CLOCK,
    "pathway": PATHWAY,
    "stage": STAGE,
    "stage_cost": STAGE_COST,
    "effect": EFFECT,
    "rule": RULE,
    "case": CASE,
    "need": NEED,
    "ratio": RATIO,
    "resource": RESOURCE,
    "resource_cost": RESOURCE_COST,
    "queue": QUEUE,
    "event_selector": SELECTOR,
    "outcome": OUTCOME,
}
"""Every element, by its name in the JSON Schema."""


def has_default(path: tuple[str, ...]) -> bool:
    """Whether a key that is left out has a default."""
    *above, key = path
    if above and above[-1] in ("after", "every") and key in MODIFIERS:
        return True
    element = SCENARIO
    while above:
        field = element.fields.get(above.pop(0))
        if field is None or field.type.element is None or (field.type.is_named and not above):
            return False
        if field.type.is_named:
            above.pop(0)
        element = field.type.element
    return key in element.fields and bool(element.fields[key].default)


def _fix_of_key(element: Element, node: PlacedNode, key: str, known: Known) -> str:
    """What to write for a key that an element does not have."""
    from sim.scenario.language.misplaced import fix_of_key

    return fix_of_key(SCENARIO, element, node, key, known)


def read(top: PlacedNode, *, folder: str, is_layered: bool) -> Scenario | None:
    """The scenario of a tree, None where it cannot be put together; problems are noted.

    folder: where paths to tables are seen from.
    """
    known = Known(top.problems, _fix_of_key, folder)
    try:
        SCENARIO.check(top, known)
        collect_names(top, known)
    except Unread:
        return None
    parts = top.attempt(lambda node: SCENARIO.read(node, known, checked=True))
    for name, condition in known.conditions.items():
        condition.attempt(lambda _, n=name: definition(n, known))  # type: ignore[misc]
    if top.problems.found or parts is None:
        return None
    return Scenario(
        **parts.pop("pathway"),
        **{key: value for key, value in parts.items() if key in Scenario.__dataclass_fields__},
        definitions=tuple((n, known.read_conditions[n]) for n in known.conditions),
        is_layered=is_layered,
    )


def text(scenario: Scenario) -> str:
    """The canonical YAML of a scenario; loading it gives the same text."""
    return tree.write(plain(scenario))


def plain(scenario: Scenario) -> dict[str, Any]:
    """A scenario as mappings, lists and scalars."""
    found: dict[str, Any] = without_none(SCENARIO.write(scenario))
    return found


def without_none(value: Any) -> Any:
    """The same value without the keys that are None; a leading `$` of a text is doubled."""
    if isinstance(value, Mapping):
        return {str(k): without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [without_none(v) for v in value]
    return f"${value}" if isinstance(value, str) and value.startswith("$") else value
