"""The scenario as a whole: read from a tree in which layers are applied and references replaced."""

from __future__ import annotations

from sim.scenario.language.choices import CASE
from sim.scenario.language.conditions import definition
from sim.scenario.language.effects import EFFECT
from sim.scenario.language.elements import FLAG, LENGTH, TEXT, Element, Field, Type, required
from sim.scenario.language.model import Scenario
from sim.scenario.language.names import collect_names
from sim.scenario.language.node_reader import Known, PlacedNode, Unread
from sim.scenario.language.outcomes import OUTCOME, OUTCOMES, SELECTION, SELECTOR
from sim.scenario.language.patients import ARRIVALS, PATIENTS, PEOPLE
from sim.scenario.language.ratios import RATIO
from sim.scenario.language.resources import (
    DISCOUNT,
    ECONOMICS,
    ECONOMY,
    QUEUE,
    RESOURCE,
    RESOURCE_COST,
    RESOURCES,
    STATE,
    STATES,
)
from sim.scenario.language.stages import CLOCK, CLOCKS, EVENT, NEED, PATHWAY, RULE, STAGE, STAGE_COST
from sim.scenario.language.vocabulary import MODIFIERS
from sim.scenario.source.references import STATUSES

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
        "status": Field(Type("text", words=STATUSES), "published, derived, digitised, recalled or assumed"),
    },
)
SCENARIO = Element(
    "a scenario",
    "The file as a whole.",
    {
        "format": required(
            Type("number", _read_format), "the version of the language, 1", get=lambda _: FORMAT
        ),
        "title": required(TEXT, "what the scenario is about, in a line"),
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
        "conditions": Field(Type("conditions"), "conditions by name, each defined once"),
        "patients": required(PEOPLE, "attributes, number and start of the patients"),
        "parameters": Field(
            Type("parameters", element=PARAMETER, is_named=True),
            "numbers by name, with their source; `$name` stands for the value",
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
    "happening": SELECTOR,
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


def read(top: PlacedNode, *, folder: str, is_layered: bool) -> Scenario | None:
    """The scenario of a tree, None where it cannot be put together; problems are noted.

    folder: where paths to tables are seen from.
    """
    known = Known(top.problems, folder)
    try:
        SCENARIO.check(top)
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
