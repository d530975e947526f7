"""Reading the pathway: stages, events, clocks, destinations, needs and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sim import units
from sim.errors import did_you_mean
from sim.scenario.language.choices import is_by, read_value
from sim.scenario.language.conditions import read_condition
from sim.scenario.language.distributions import Laws
from sim.scenario.language.effects import mapped, read_effects
from sim.scenario.language.model import (
    STAY,
    Amount,
    Categorical,
    Chances,
    Destination,
    Event,
    Goto,
    Need,
    Rule,
    Rules,
    Stage,
    StageCost,
)
from sim.scenario.language.node_reader import Known, Spot, Unread, listing
from sim.scenario.language.ratios import keys_of, read_entries, read_probability, read_ratios

DAYS_IN = {"per_day": 1.0, "per_month": units.unit_of_time("months"), "per_year": units.unit_of_time("years")}


# ---------------------------------------------------------------- destinations


def read_destination(spot: Spot, known: Known, *, stay: bool = True) -> Destination:
    """A stage, `stay`, stages with probabilities, or an ordered list of rules."""
    if spot.is_list:
        return read_rules(spot, known, stay=stay)
    if spot.is_mapping:
        return read_chances(spot, known, stay=stay)
    return Goto(read_target(spot, known, stay=stay), spot.where)


def read_target(spot: Spot, known: Known, *, stay: bool) -> str:
    """The name of a stage, or `stay`."""
    name = spot.text()
    if name == STAY:
        if not stay:
            raise spot.fail("a decision takes no time: nobody can stay in it", "name a stage")
        return name
    return spot.one_of(known.stages, "stage")


def read_chances(spot: Spot, known: Known, *, stay: bool) -> Chances:
    """`{a: 0.9, b: rest}`, with `odds_ratios` among the entries."""
    if "by" in spot.value:
        raise spot.fail("a destination is no choice of values", "write an ordered list of {when, to}")

    def key(at: Spot, name: str) -> str:
        if name == STAY and stay:
            return name
        if name.startswith("$"):
            raise Unread
        if name not in known.stages:
            near = did_you_mean(name, known.stages)
            at.fail_at_key(name, f"there is no stage `{name}`", near or f"known: {listing(known.stages)}")
            raise Unread
        return name

    entries = read_entries(spot, known, key, "a destination", skip=("odds_ratios",))
    ratios = read_ratios(spot.get("odds_ratios"), known, keys_of(entries))
    return Chances(Categorical(entries, ratios, spot.where), spot.where)


def read_rules(spot: Spot, known: Known, *, stay: bool) -> Rules:
    """`[{name, when, to}, ..., {to}]`."""
    spots = list(spot.items())
    if not spots:
        raise spot.fail("an empty list of rules", "write [{when: ..., to: ...}, {to: ...}]")
    items: list[Rule] = []
    failed = False
    for i, item in enumerate(spots):
        try:
            items.append(read_rule(item, known, stay=stay, is_last=i == len(spots) - 1))
        except Unread:
            failed = True
    if failed:
        raise Unread
    return Rules(tuple(items), spot.where)


def read_rule(spot: Spot, known: Known, *, stay: bool, is_last: bool) -> Rule:
    """One rule; only the last holds always."""
    mapping = spot.section("rule")
    when, name = spot.get("when"), spot.get("name")
    if is_last and when is not None:
        spot.fail_at_key(
            "when", "the last rule has no `when`", "it decides for everyone else; add one without"
        )
    if not is_last and when is None:
        spot.lacks("rule", "`when` is missing", "every rule but the last has one")
    text = name.name(known.rules) if name is not None else ""
    if name is not None:
        if text in known.rules:
            name.fail(f"the name `{text}` stands twice", "names of rules are unique in the file")
        known.rules.append(text)
    condition = read_condition(when, known) if when is not None else None
    if "to" not in mapping:
        raise Unread
    return Rule(text, condition, read_destination(spot.child("to"), known, stay=stay), spot.where)


# ---------------------------------------------------------------- costs and utilities


def read_amount(spot: Spot, known: Known) -> Amount:
    """A cost: an amount, or an amount for each category."""
    if spot.is_mapping and not is_by(spot):
        return {name: read_value(item, known, Spot.number) for name, item in spot.children()}
    return read_value(spot, known, Spot.number)


def read_stage_cost(spot: Spot | None, known: Known) -> StageCost | None:
    """What a stage costs; flows are given a day."""
    if spot is None:
        return None
    spot.section("stage_cost")
    flows = [word for word in DAYS_IN if word in spot.value]
    if len(flows) > 1:
        raise spot.fail(f"{' and '.join(flows)} say the same", "give one of them")
    entry = spot.get("on_entry")
    per_day: Amount | None = None
    for word in flows:
        per_day = divided(read_amount(spot.child(word), known), DAYS_IN[word])
    return StageCost(read_amount(entry, known) if entry is not None else None, per_day)


def divided(amount: Any, days: float) -> Amount:
    """An amount a day from one a month or a year."""
    if days == 1.0:
        return amount  # type: ignore[no-any-return]
    if isinstance(amount, dict):
        return {name: mapped(value, lambda v: v / days) for name, value in amount.items()}
    return mapped(amount, lambda v: v / days)  # type: ignore[no-any-return]


def read_utility(spot: Spot | None, known: Known) -> Any:
    """A utility, at most 1; below 0 is worse than dead."""
    if spot is None:
        return None

    def utility(one: Spot) -> float:
        value = one.number()
        if value > 1.0:
            raise one.fail(
                f"a utility of {units.number_text(value)} is beyond full health", "1 is full health"
            )
        return value

    return read_value(spot, known, utility)


# ---------------------------------------------------------------- events, clocks, stages


def read_event(name: str, spot: Spot, known: Known, stage: str) -> Event:
    """A competing event of a stage, or (stage "") a clock."""
    mapping = spot.section("event" if stage else "clock")
    if stage and ("after" in mapping) == ("every" in mapping):
        raise spot.lacks(
            "event",
            "an event has `after` or `every`, one of the two",
            "say when it happens: after: {fixed: 28 days}",
        )
    if "odds_ratios" in mapping and "chance" not in mapping:
        spot.fail_at_key(
            "odds_ratios",
            "here they would act on `chance`, and there is none",
            "put them into the mapping of `to` to change where patients go",
        )
    parts: dict[str, Any] = {}
    readers: dict[str, Callable[[], Any]] = {
        "after": lambda: Laws(known).law(due(spot, "every" if "every" in mapping else "after")),
        "chance": lambda: read_chance(spot, known),
        "when": lambda: optional(spot, "when", lambda s: read_condition(s, known)),
        "do": lambda: read_effects(spot.get("do"), known, stage),
        "to": lambda: read_destination(due(spot, "to"), known),
        "waiting": lambda: optional(spot, "waiting", Spot.flag) or False,
        "in_stages": lambda: optional(spot, "in", lambda s: read_stages(s, known)),
        "cost": lambda: optional(spot, "cost", lambda s: read_amount(s, known)),
        "qaly": lambda: optional(spot, "qaly", lambda s: read_value(s, known, Spot.number)),
    }
    failed = False
    for key, read in readers.items():
        try:
            parts[key] = read()
        except Unread:
            failed = True
    if failed:
        raise Unread
    return Event(name=name, every="every" in mapping, where=spot.where, **parts)


def read_stages(spot: Spot, known: Known) -> tuple[str, ...]:
    """A stage, or a list of them."""
    stages = tuple(item.one_of(known.stages, "stage") for item in spot.names())
    if not stages:
        raise spot.fail("no stage is named here", "a clock without `in` can happen in all that take time")
    return stages


def due(spot: Spot, key: str) -> Spot:
    """The value of a key whose absence has been noted.

    Raises: Unread where it is left out.
    """
    item = spot.get(key)
    if item is None:
        raise Unread
    return item


def optional(spot: Spot, key: str, read: Callable[[Spot], Any]) -> Any:
    """The value of a key, None where it is left out."""
    item = spot.get(key)
    return None if item is None else read(item)


def read_chance(spot: Spot, known: Known) -> Any:
    """`chance` and the odds ratios beside it."""
    chance = spot.get("chance")
    return None if chance is None else read_probability(chance, spot.get("odds_ratios"), known)


def read_events(spot: Spot | None, known: Known, stage: str) -> tuple[Event, ...]:
    """Events by name."""
    if spot is None:
        return ()
    read = [item.attempt(lambda s, n=name: read_event(n, s, known, stage)) for name, item in spot.children()]  # type: ignore[misc]
    if any(event is None for event in read):
        raise Unread
    return tuple(event for event in read if event is not None)


def read_needs(spot: Spot | None, known: Known) -> tuple[Need, ...]:
    """One resource, a list of resources, or of `{when, resource}`."""
    if spot is None:
        return ()
    needs = []
    for item in spot.names():
        if item.is_mapping:
            item.section("need")
            if "resource" not in item.value:
                raise Unread
            when = item.get("when")
            condition = read_condition(when, known) if when is not None else None
            resource = item.child("resource").one_of(known.resources, "resource")
            needs.append(Need(condition, resource, item.where))
        else:
            needs.append(Need(None, item.one_of(known.resources, "resource"), item.where))
    if len({n.resource for n in needs if n.when is None}) < sum(n.when is None for n in needs):
        raise spot.fail("the same resource is needed twice", "a patient holds one unit of a resource")
    return tuple(needs)


def read_stage(name: str, spot: Spot, known: Known) -> Stage:
    """One stage."""
    mapping = spot.section("stage")
    terminal = optional(spot, "terminal", Spot.flag) or False
    check_kind(spot, terminal)
    label = spot.get("label")
    decide = spot.get("decide")
    readers: dict[str, Callable[[], Any]] = {
        "label": lambda: label.text() if label is not None else name.replace("_", " "),
        "state": lambda: optional(spot, "state", lambda s: s.one_of(known.states, "state")),
        "utility": lambda: read_utility(spot.get("utility"), known),
        "cost": lambda: read_stage_cost(spot.get("cost"), known),
        "needs": lambda: read_needs(spot.get("needs"), known),
        "on_entry": lambda: read_effects(spot.get("on_entry"), known, name),
        "events": lambda: read_events(spot.get("events"), known, name),
        "while_waiting": lambda: read_events(spot.get("while_waiting"), known, name),
        "decide": lambda: read_destination(decide, known, stay=False) if decide is not None else None,
    }
    parts: dict[str, Any] = {}
    failed = False
    for key, read in readers.items():
        try:
            parts[key] = read()
        except Unread:
            failed = True
    if failed:
        raise Unread
    twice = {e.name for e in parts["events"]} & {e.name for e in parts["while_waiting"]}
    if twice:
        raise spot.fail(
            f"the event `{min(twice)}` stands in events and in while_waiting",
            "one event can be both: `waiting: true`",
        )
    if "while_waiting" in mapping and not parts["needs"]:
        spot.fail_at_key("while_waiting", "nobody waits for a stage that needs nothing", "add `needs`")
    return Stage(name=name, terminal=terminal, where=spot.where, **parts)


def check_kind(spot: Spot, terminal: bool) -> None:
    """A stage takes time, decides, or is terminal."""
    is_decision = "decide" in spot.value
    if terminal and is_decision:
        spot.fail_at_key("decide", "a terminal stage decides nothing", "leave out `decide` or `terminal`")
    words = (
        ("events", "while_waiting", "needs")
        if is_decision
        else ("events", "while_waiting")
        if terminal
        else ()
    )
    for word in words:
        if word in spot.value and spot.child(word).value not in ({}, []):
            kind = "a decision takes no time" if is_decision else "nothing happens in a terminal stage"
            spot.fail_at_key(word, f"{kind}: it has no `{word}`", "leave it out")
