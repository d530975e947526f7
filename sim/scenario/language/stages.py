"""The pathway: stages, events, clocks, destinations and needs; read and written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sim.units as units
from sim.errors import did_you_mean
from sim.scenario.language.conditions import (
    AMOUNT,
    CONDITION,
    UTILITY,
    VALUE,
    amount_a_day,
    read_condition,
    read_value,
    write_value,
)
from sim.scenario.language.distributions import DISTRIBUTION
from sim.scenario.language.effects import EFFECTS
from sim.scenario.language.elements import (
    FLAG,
    RESOURCE_NAME,
    STAGE_NAME,
    TEXT,
    Element,
    Field,
    Type,
    named,
    required,
)
from sim.scenario.language.model import (
    MOST_UNITS_HELD,
    STAY,
    Categorical,
    Chances,
    Destination,
    Event,
    Goto,
    Need,
    Probability,
    Rule,
    Rules,
    Stage,
    StageCost,
)
from sim.scenario.language.node_reader import Known, PlacedNode, Unread, listing, read_all
from sim.scenario.language.ratios import (
    keys_of,
    read_entries,
    read_probability,
    read_ratios,
    write_entries,
    write_ratios,
)

# ---------------------------------------------------------------- destinations


def read_destination(node: PlacedNode, known: Known, *, stay: bool = True) -> Destination:
    """A stage, `stay`, stages with probabilities, or an ordered list of rules."""
    if node.is_list:
        return read_rules(node, known, stay=stay)
    if node.is_mapping:
        return read_chances(node, known, stay=stay)
    name = node.text()
    if name == STAY and not stay:
        raise node.fail("a decision takes no time: a patient cannot stay in it", "name a stage")
    return Goto(name if name == STAY else node.one_of(known.stages, "stage"), node.where)


def read_chances(node: PlacedNode, known: Known, *, stay: bool) -> Chances:
    """`{a: 0.9, b: rest}`, with `odds_ratios` among the entries."""
    if "by" in node.value:
        raise node.fail("a destination cannot be a choice of values", "write an ordered list of {when, to}")

    def key(at: PlacedNode, name: str) -> str:
        if name.startswith("$"):
            raise Unread
        if name not in known.stages and not (name == STAY and stay):
            fix = f"known: {listing(known.stages)}"
            raise at.unknown(name, known.stages, f"there is no stage `{name}`", fix)
        return name

    entries = read_entries(node, known, key, "a destination", skip=("odds_ratios",))
    ratios = read_ratios(node.get("odds_ratios"), known, keys_of(entries))
    return Chances(Categorical(entries, ratios, node.where), node.where)


def read_rules(node: PlacedNode, known: Known, *, stay: bool) -> Rules:
    """`[{name, when, to}, ..., {to}]`."""
    nodes = list(node.items())
    if not nodes:
        raise node.fail("an empty list of rules", "write [{when: ..., to: ...}, {to: ...}]")
    numbered = list(enumerate(nodes, 1))
    return Rules(
        read_all(numbered, lambda one: read_rule(one[1], known, stay=stay, is_last=one[0] == len(nodes))),
        node.where,
    )


def read_rule(node: PlacedNode, known: Known, *, stay: bool, is_last: bool) -> Rule:
    """One rule; only the last holds always."""
    mapping = RULE.check(node, known)
    when, name = node.get("when"), node.get("name")
    if is_last and when is not None:
        fix = "it decides for everyone else; add one without"
        node.fail_at_key("when", "the last rule has no `when`", fix)
    if not is_last and when is None:
        RULE.lacks(node, "`when` is missing", "every rule but the last has one")
    text = name.name(known.rules) if name is not None else ""
    if name is not None:
        if text in known.rules:
            name.fail(f"the name `{text}` appears twice", "names of rules are unique in the file")
        known.rules.append(text)
    condition = read_condition(when, known) if when is not None else None
    if "to" not in mapping:
        raise Unread
    return Rule(text, condition, read_destination(node.child("to"), known, stay=stay), node.where)


def write_destination(to: Destination) -> Any:
    """Where a patient goes."""
    if isinstance(to, Goto):
        return to.target
    if isinstance(to, Rules):
        return [RULE.write(rule) for rule in to.items]
    entries = write_entries(to.categorical.entries, str)  # type: ignore[arg-type]
    return {**entries, "odds_ratios": write_ratios(to.categorical.odds_ratios)}


DESTINATION = Type("destination", read_destination, write_destination)
DECISION = Type(
    "destination",
    lambda node, known: read_destination(node, known, stay=False),
    lambda to: None if to is None else write_destination(to),
)
RULE = Element(
    "a rule",
    "An item of an ordered list; the first that holds decides.",
    {
        "name": Field(TEXT, "its name in the log, unique in the file", otherwise=""),
        "when": Field(CONDITION, "when it holds; the last rule has none"),
        "to": required(DESTINATION, "where it sends the patient"),
    },
)

# ---------------------------------------------------------------- events and clocks


def _stages_in(node: PlacedNode, known: Known) -> tuple[str, ...]:
    """A stage, or a list of them."""
    stages = tuple(item.one_of(known.stages, "stage") for item in node.names())
    if not stages:
        raise node.fail("no stage is named here", "a clock without `in` can happen in all that take time")
    return stages


_STAGES_IN = Type("names", _stages_in, list)
_CHANCE = Type(
    "probability", lambda node, known: read_probability(node, None, known), lambda p: write_value(p.value)
)
_ODDS = Type("ratios", read_ratios, lambda p: write_ratios(p.odds_ratios) if p is not None else None)
_TO = required(DESTINATION, "where the patient goes: a stage, stay, stages with probabilities, or rules")
_DO = Field(EFFECTS, "what it does to the patient, before the destination is chosen", "[]")
_ODDS_OF_CHANCE = Field(_ODDS, "multiply the odds of `chance`", get=lambda event: event.chance)

EVENT = Element(
    "an event",
    "An event that competes with the other events of its stage; the earliest occurs.",
    {
        "after": Field(
            DISTRIBUTION,
            "the distribution of the time until it happens, at most once a visit",
            get=lambda event: None if event.every else event.after,
        ),
        "every": Field(
            DISTRIBUTION,
            "as `after`, drawn anew each time it has happened",
            get=lambda event: event.after if event.every else None,
        ),
        "chance": Field(_CHANCE, "asked once a visit: otherwise it does not occur in that visit", "1"),
        "odds_ratios": _ODDS_OF_CHANCE,
        "when": Field(
            CONDITION, "it can happen only where this holds, read on entering and after each `stay`"
        ),
        "waiting": Field(FLAG, "it can happen while the patient waits for the stage, too", "false"),
        "do": _DO,
        "to": _TO,
        "cost": Field(AMOUNT, "cost of each occurrence"),
        "qaly": Field(VALUE, "quality-adjusted life-years that each occurrence adds"),
    },
)
CLOCK = Element(
    "a clock",
    "An event that outlives the stage, begun by `start` and ended by `stop`.",
    {
        "in": Field(_STAGES_IN, "the stages it can happen in", "all but terminal stages", name="in_stages"),
        "after": required(DISTRIBUTION, "the distribution of its time, counted from its start"),
        "chance": Field(_CHANCE, "asked at each start: otherwise it does not occur", "1"),
        "odds_ratios": _ODDS_OF_CHANCE,
        "when": Field(CONDITION, "once due, it happens as soon as this holds"),
        "do": _DO,
        "to": _TO,
        "cost": Field(AMOUNT, "cost of its occurrence"),
        "qaly": Field(VALUE, "quality-adjusted life-years that its occurrence adds"),
    },
)


def read_event(name: str, node: PlacedNode, known: Known) -> Event:
    """A competing event of the stage that is being read, or outside of stages a clock."""
    element = EVENT if known.stage else CLOCK
    mapping = element.check(node, known)
    if known.stage and "after" in mapping and "every" in mapping:
        fix = "keep `after` for what happens at most once a visit, `every` for what recurs"
        raise node.fail("`after` and `every` exclude each other", fix)
    if known.stage and "after" not in mapping and "every" not in mapping:
        fix = f"write the time until it happens: `{name}: {{after: {{fixed: 28 days}}, ...}}`"
        raise EVENT.lacks(node, "`after` is missing", f"{fix}; `every: ...` for what recurs")
    if "odds_ratios" in mapping and "chance" not in mapping:
        fact = "they act on `chance`, and there is none"
        fix = "put them into the mapping of `to` to change where patients go"
        node.fail_at_key("odds_ratios", fact, fix)
    parts = {"waiting": False, "in_stages": None, **element.read(node, known, checked=True)}
    every, after, odds = parts.pop("every", None), parts.pop("after"), parts.pop("odds_ratios") or ()
    if parts["chance"] is not None:
        parts["chance"] = Probability(parts["chance"].value, odds, parts["chance"].where)
    after = after if every is None else every
    return Event(name=name, after=after, every=every is not None, where=node.where, **parts)


CLOCKS = named("clocks", CLOCK, read_event, CLOCK.write)
WHILE_WAITING = named("events", EVENT, read_event, EVENT.write)
EVENTS = replace(WHILE_WAITING, write=lambda events: None if events is None else WHILE_WAITING.write(events))
"""The events of a stage that takes time; None for another."""

# ---------------------------------------------------------------- stages

_UNITS = Type(
    "plain",
    lambda node, known: read_value(node, known, lambda one: float(one.whole(1, MOST_UNITS_HELD))),
    write_value,
)
NEED = Element(
    "a need",
    "A resource needed under a condition, or more than one unit of it.",
    {
        "when": Field(CONDITION, "when it is needed", "always"),
        "resource": required(RESOURCE_NAME, "the resource"),
        "units": Field(
            _UNITS, "how many, granted together: a number, or a choice of numbers", "1", otherwise=1.0
        ),
    },
)


def read_needs(node: PlacedNode, known: Known) -> tuple[Need, ...]:
    """One resource, a list of resources, or of `{when, resource, units}`."""
    needs = []
    for item in node.names():
        if item.is_mapping:
            needs.append(Need(**NEED.read(item, known), where=item.where))
        else:
            needs.append(Need(None, item.one_of(known.resources, "resource"), item.where))
    for i, need in enumerate(needs):
        if any(one == need for one in needs[:i]):
            fix = f"write {{resource: {need.resource}, units: 2}} for two of it"
            raise node.fail(f"`{need.resource}` is needed twice", fix)
    return tuple(needs)


def write_needs(needs: tuple[Need, ...]) -> list[Any]:
    """What a stage needs."""
    plain = [need.when is None and need.units == 1.0 for need in needs]
    return [need.resource if p else NEED.write(need) for p, need in zip(plain, needs, strict=True)]


NEEDS = Type("needs", read_needs, write_needs)
_PER_DAY = "per_day"
STAGE_COST = Element(
    "a stage's cost",
    "What a stage costs.",
    {
        "on_entry": Field(AMOUNT, "at each entry, after its effects"),
        "per_day": Field(AMOUNT, "a day"),
        "per_month": Field(
            amount_a_day(units.unit_of_time("months")), "a month", name=_PER_DAY, get=lambda _: None
        ),
        "per_year": Field(
            amount_a_day(units.unit_of_time("years")), "a year", name=_PER_DAY, get=lambda _: None
        ),
    },
)


def read_stage_cost(node: PlacedNode, known: Known) -> StageCost:
    """What a stage costs; flows are given a day."""
    mapping = STAGE_COST.check(node, known)
    flows = [word for word in ("per_day", "per_month", "per_year") if word in mapping]
    if len(flows) > 1:
        raise node.fail(f"{' and '.join(flows)} mean the same", "give one of them")
    return StageCost(**STAGE_COST.read(node, known, checked=True))


def read_state_name(node: PlacedNode, known: Known) -> str:
    """The state of a stage."""
    name = node.text()
    if name not in known.states and not did_you_mean(name, known.states):
        raise node.fail(f"there is no state `{name}`", f"add `{name}: {{}}` to `states`")
    return node.one_of(known.states, "state")


STAGE = Element(
    "a stage",
    "Where a patient is in the pathway; it takes time, decides, or is terminal.",
    {
        "label": Field(TEXT, "its name in outputs", "the name"),
        "state": Field(Type("text", read_state_name), "its health state", "the one the patient was in"),
        "terminal": Field(FLAG, "the patient's path ends here", "false"),
        "utility": Field(UTILITY, "quality of life here, in place of the state's"),
        "cost": Field(
            Type("stage_cost", read_stage_cost, STAGE_COST.write, element=STAGE_COST), "what it costs"
        ),
        "needs": Field(NEEDS, "resources it needs; whoever lacks one waits", otherwise=()),
        "on_entry": Field(EFFECTS, "what is done on entering, before events are drawn", "[]"),
        "events": Field(
            EVENTS,
            "what can happen here",
            "{}",
            is_written=True,
            get=lambda stage: None if stage.terminal or stage.decide is not None else stage.events,
        ),
        "while_waiting": Field(
            WHILE_WAITING, "what can happen only while the patient waits for the stage", "{}"
        ),
        "decide": Field(DECISION, "makes it a decision: takes no time, sends the patient on by rules"),
    },
)


def read_stage(name: str, node: PlacedNode, known: Known) -> Stage:
    """One stage."""
    mapping = STAGE.check(node, known)
    known.stage = name
    try:
        check_kind(node)
        parts = STAGE.read(node, known, checked=True)
    finally:
        known.stage = ""
    twice = {e.name for e in parts["events"]} & {e.name for e in parts["while_waiting"]}
    if twice:
        fact = f"the event `{min(twice)}` is both in events and in while_waiting"
        raise node.fail(fact, "one event can be both: `waiting: true`")
    if "while_waiting" in mapping and not parts["needs"]:
        node.fail_at_key("while_waiting", "nobody waits for a stage that needs nothing", "add `needs`")
    parts["label"] = name.replace("_", " ") if parts["label"] is None else parts["label"]
    return Stage(name=name, where=node.where, **parts)


def check_kind(node: PlacedNode) -> None:
    """A stage takes time, decides, or is terminal."""
    terminal = node.get("terminal")
    is_terminal, is_decision = terminal is not None and terminal.flag(), "decide" in node.value
    if is_terminal and is_decision:
        node.fail_at_key("decide", "a terminal stage decides nothing", "leave out `decide` or `terminal`")
    words = ("events", "while_waiting", "needs") if is_decision else ("events", "while_waiting")
    for word in words if is_terminal or is_decision else ():
        if word in node.value and node.child(word).value not in ({}, []):
            kind = "a decision takes no time" if is_decision else "nothing happens in a terminal stage"
            node.fail_at_key(word, f"{kind}: it has no `{word}`", "leave it out")


STAGES = named("stages", STAGE, read_stage, STAGE.write)

PATHWAY = Element(
    "the pathway",
    "Where patients start and the stages they pass through.",
    {
        "start": required(STAGE_NAME, "the first stage"),
        "on_start": Field(EFFECTS, "what is done before it", "[]", is_written=True),
        "stages": required(STAGES, "the stages by name"),
    },
)
