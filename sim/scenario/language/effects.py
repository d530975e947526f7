"""Reading what is done to a patient: effects, draws, and the attributes they change."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

from sim.errors import did_you_mean
from sim.scenario.language.choices import is_choice, read_value
from sim.scenario.language.conditions import read_condition
from sim.scenario.language.distributions import Laws
from sim.scenario.language.model import (
    Action,
    Attribute,
    By,
    Cases,
    Categorical,
    Covariate,
    Draw,
    Effect,
    Probability,
    Value,
)
from sim.scenario.language.node_reader import AttributeKind, Known, Spot, Unread
from sim.scenario.language.ratios import attribute_key, read_categorical, read_probability
from sim.scenario.source.tree import Node, Unresolved, key_value

MOST_COUNTS = 1000
WORDS = ("set", "add", "copy", "draw", "start", "stop", "reassess", "stamp")


# ---------------------------------------------------------------- effects


def read_effects(spot: Spot | None, known: Known, stage: str = "") -> tuple[Effect, ...]:
    """A list of effects; stage: where `reassess` looks for events first."""
    if spot is None:
        return ()
    read = [item.attempt(lambda s: read_effect(s, known, stage)) for item in spot.items()]
    if any(effect is None for effect in read):
        raise Unread
    return tuple(effect for effect in read if effect is not None)


def read_effect(spot: Spot, known: Known, stage: str) -> Effect:
    """One item: its actions in the order written, behind one condition."""
    spot.section("effect")
    when = spot.get("when")
    condition = read_condition(when, known) if when is not None else None
    actions: list[Action] = []
    for word, item in spot.children():
        if word in WORDS:
            actions.extend(read_actions(word, item, known, stage))
    if not actions:
        raise spot.lacks("effect", "this effect does nothing", f"write one of {', '.join(WORDS)}")
    return Effect(condition, tuple(actions))


def read_actions(word: str, spot: Spot, known: Known, stage: str) -> list[Action]:
    """The actions behind one word."""
    if word in ("start", "stop", "reassess", "stamp"):
        return [Action(word, target(word, item, known, stage), None, item.where) for item in spot.names()]
    found = []
    for name, item in spot.children():
        if name not in known.attributes:
            near = did_you_mean(name, known.attributes)
            fix = near or "attributes are declared in patients.attributes"
            spot.fail_at_key(name, f"there is no attribute `{name}`", fix)
            raise Unread
        found.append(Action(word, name, attribute_change(word, name, item, known), item.where))
    return found


def target(word: str, spot: Spot, known: Known, stage: str) -> str:
    """The clock, event or stamp that a word names."""
    if word == "stamp":
        name = spot.name(known.stamps)
        if name == "start":
            raise spot.fail("`start` is stamped for everyone", "choose another name")
        return name
    if word == "reassess":
        events = known.events.get(stage, ()) if stage else {e for es in known.events.values() for e in es}
        return spot.one_of((*events, *known.clocks), "event of this stage or clock")
    return spot.one_of(known.clocks, "clock")


def attribute_change(word: str, name: str, spot: Spot, known: Known) -> Any:
    """What `set`, `add`, `copy` or `draw` has for an attribute."""
    covariate = Covariate("attribute", name)
    kind = known.attributes[name]
    if kind.kind == "unread":
        raise Unread
    if word == "set":
        return read_value(spot, known, lambda s: known.scalar(s, covariate))
    if word == "add":
        if kind.kind != "number":
            raise spot.fail(f"`{name}` is no number", "only numbers can be added to")
        return read_value(spot, known, Spot.number)
    if word == "copy":
        other = spot.one_of(known.attributes, "attribute")
        if known.attributes[other].kind == "unread":
            raise Unread
        if known.attributes[other] != kind:
            raise spot.fail(
                f"`{other}` has other values than `{name}`", "copy between attributes of one kind"
            )
        return other
    return read_draw(spot, name, known, unchanged=True)


# ---------------------------------------------------------------- draws


def read_draw(spot: Spot, name: str, known: Known, *, unchanged: bool = False) -> Draw:
    """A distribution of an attribute's value, or a choice of distributions."""
    if is_choice(spot):
        return joined(spot, read_value(spot, known, lambda s: one_draw(s, name, known, unchanged)))
    return one_draw(spot, name, known, unchanged)


def one_draw(spot: Spot, name: str, known: Known, unchanged: bool) -> Draw:
    """One distribution with what stands beside it."""
    kind = known.attributes[name].kind
    if not spot.is_mapping:
        raise spot.fail(f"a distribution is due here, not {spot.seen()}", "to give a value write `set`")
    mapping = spot.mapping()
    follows = read_follows(spot, name, known)
    if "bernoulli" in mapping:
        refuse_others(spot, ("bernoulli", "odds_ratios", "follows"))
        if kind != "yes_no":
            raise spot.fail(f"`{name}` is not yes or no", "`bernoulli` draws yes or no")
        bernoulli = read_probability(spot.child("bernoulli"), spot.get("odds_ratios"), known)
        return Draw(None, None, bernoulli, follows, spot.where)
    if "categorical" in mapping:
        refuse_others(spot, ("categorical", "odds_ratios", "follows"))
        if kind == "yes_no":
            raise spot.fail(f"`{name}` is yes or no", "draw it with {bernoulli: p}")
        categorical = read_categorical(spot, known, attribute_key(known, name, unchanged=unchanged))
        return Draw(None, categorical, None, follows, spot.where)
    if kind != "number":
        raise spot.fail(
            f"`{name}` is no number", "draw it with categorical" if kind == "category" else "use bernoulli"
        )
    return Draw(Laws(known, numbers=True).law(spot), None, None, follows, spot.where)


def refuse_others(spot: Spot, allowed: tuple[str, ...]) -> None:
    """Only some words stand beside a distribution."""
    for key in spot.mapping():
        if key not in allowed:
            near = did_you_mean(key, allowed)
            spot.fail_at_key(
                key, f"unknown key `{key}`", near or f"beside `{allowed[0]}` stand {', '.join(allowed[1:])}"
            )
            raise Unread


def read_follows(spot: Spot, name: str, known: Known) -> tuple[str, float] | None:
    """`follows: {other: correlation}`."""
    follows = spot.get("follows")
    if follows is None:
        return None
    pairs = list(follows.children())
    if len(pairs) != 1:
        raise follows.fail("a draw follows one other attribute", "write {follows: {crs_grade: 0.5}}")
    other, item = pairs[0]
    if other not in known.attributes:
        later = f"put `{other}` before what depends on it" if other in known.later_attributes else ""
        fact = f"`{other}` is declared later" if later else f"there is no attribute `{other}`"
        fix = later or did_you_mean(other, known.attributes)
        follows.fail_at_key(other, fact, fix or "attributes are declared in patients.attributes")
        raise Unread
    if other == name:
        follows.fail_at_key(other, f"`{other}` follows itself", "a draw follows another attribute")
        raise Unread
    correlation = item.number()
    if not -1.0 < correlation < 1.0:
        raise item.fail(
            f"{item.seen()} is no correlation of a draw", "it lies between -1 and 1, ends excluded"
        )
    return other, correlation


def joined(spot: Spot, choice: Any) -> Draw:
    """A choice of distributions of one kind as one distribution with a choice inside."""
    ends = draws_of(choice)
    if any(
        d.follows
        or (d.categorical and d.categorical.odds_ratios)
        or (d.bernoulli and d.bernoulli.odds_ratios)
        for d in ends
    ):
        raise spot.fail(
            "`follows` and `odds_ratios` cannot stand inside a choice",
            "put the choice inside the distribution",
        )
    if all(d.bernoulli for d in ends):
        value = mapped(choice, lambda d: d.bernoulli.value)
        return Draw(None, None, Probability(value, (), spot.where), None, spot.where)
    if all(d.categorical for d in ends):
        entries = mapped(choice, lambda d: d.categorical.entries)
        return Draw(None, Categorical(entries, (), spot.where), None, None, spot.where)
    if all(d.law is not None for d in ends):
        return Draw(mapped(choice, lambda d: d.law), None, None, None, spot.where)
    raise spot.fail("a choice between distributions of different kinds", "use one kind in every entry")


def mapped(choice: Any, change: Any) -> Any:
    """The same choice with every end changed."""
    if isinstance(choice, By):
        rest = mapped(choice.rest, change) if choice.rest is not None else None
        return By(
            choice.covariate, tuple((k, mapped(v, change)) for k, v in choice.entries), rest, choice.where
        )
    if isinstance(choice, Cases):
        return Cases(tuple((w, mapped(v, change)) for w, v in choice.items), choice.where)
    return change(choice)


def draws_of(choice: Any) -> list[Draw]:
    """Every end of a choice of draws."""
    found: list[Draw] = []
    mapped(choice, found.append)
    return found


# ---------------------------------------------------------------- attributes


def attribute_kind(spot: Spot, known: Known) -> AttributeKind:
    """What kind of values an attribute has, from its declaration."""
    if spot.is_mapping:
        mapping = spot.value
        if "one_of" in mapping:
            return AttributeKind("category", values_listed(spot.child("one_of")))
        if "bernoulli" in mapping:
            return AttributeKind("yes_no")
        if "categorical" in mapping:
            return categorical_kind(spot.child("categorical"))
        if "by" in mapping:
            kinds = [attribute_kind(item, known) for key, item in spot.children() if key != "by"]
            return merged(spot, kinds)
        return AttributeKind("number", numbers=counts(mapping))
    if spot.is_list:
        return merged(
            spot, [attribute_kind(item.child("value"), known) for item in spot.items() if item.get("value")]
        )
    if isinstance(spot.value, bool):
        return AttributeKind("yes_no")
    if isinstance(spot.value, Unresolved):
        raise Unread
    if isinstance(spot.value, str):
        return AttributeKind("category", (spot.name(),))
    return AttributeKind("number", numbers=frozenset({float(spot.value)}))


def values_listed(spot: Spot) -> tuple[str, ...]:
    """The values of `one_of`, each once."""
    values: list[str] = []
    for item in spot.items():
        values.append(item.name(values))
    if not values:
        raise spot.fail("`one_of` names no value", "write {one_of: [active, remission], start: active}")
    for n, item in enumerate(spot.items()):
        if values[n] in values[:n]:
            raise item.fail(f"`{values[n]}` stands twice", "keep one of the two")
    return tuple(values)


def counts(mapping: dict[str, Node]) -> frozenset[float] | None:
    """The counts that a poisson between two limits can give; None for other distributions."""
    limits = mapping["between"].value if "between" in mapping else None
    if set(mapping) != {"poisson", "between"} or not isinstance(limits, list):
        return None
    ends = [n.value for n in limits if isinstance(n.value, int | float) and not isinstance(n.value, bool)]
    if len(ends) != 2 or not 0 <= ends[1] - ends[0] <= MOST_COUNTS:
        return None
    return frozenset(float(n) for n in range(ceil(ends[0]), floor(ends[1]) + 1))


def categorical_kind(spot: Spot) -> AttributeKind:
    """Numbers where all keys of a distribution are numbers, else categories."""
    keys: list[str] = []

    def gather(one: Spot) -> None:
        if one.is_list:
            for item in one.items():
                if "value" in item.mapping():
                    gather(item.child("value"))
        elif "by" in one.mapping():
            for key, item in one.children():
                if key != "by":
                    gather(item)
        else:
            keys.extend(one.mapping())

    gather(spot)
    if keys and all(
        isinstance(key_value(k), int | float) and not isinstance(key_value(k), bool) for k in keys
    ):
        return AttributeKind("number", numbers=frozenset(float(key_value(k)) for k in keys))
    return AttributeKind("category", tuple(dict.fromkeys(keys)))


def merged(spot: Spot, kinds: list[AttributeKind]) -> AttributeKind:
    """The kind of a choice of values."""
    if not kinds or len({k.kind for k in kinds}) > 1:
        raise spot.fail(
            "the values of this choice are of different kinds", "let all be numbers, yes/no or categories"
        )
    numbers: frozenset[float] | None = frozenset()
    for kind in kinds:
        numbers = None if numbers is None or kind.numbers is None else numbers | kind.numbers
    categories = tuple(dict.fromkeys(c for k in kinds for c in k.categories))
    return AttributeKind(kinds[0].kind, categories, numbers)


def read_attribute(name: str, spot: Spot, known: Known) -> Attribute:
    """The declaration of an attribute; earlier ones may be referred to."""
    kind = known.attributes[name]
    if kind.kind == "unread":
        raise Unread
    covariate = Covariate("attribute", name)

    def constant(one: Spot) -> Any:
        if one.is_mapping and not is_choice(one):
            raise one.fail("a choice between distributions and values", "let every entry be a value")
        return known.scalar(one, covariate)

    initial: Value[Any] | Draw
    if spot.is_mapping and "one_of" in spot.value:
        refuse_others(spot, ("one_of", "start"))
        if "start" not in spot.value:
            raise spot.fail("`start` is missing", "write {one_of: [active, remission], start: active}")
        initial = read_value(spot.child("start"), known, constant)
    elif (spot.is_mapping and not is_choice(spot)) or ends_in_mappings(spot):
        initial = read_draw(spot, name, known)
    else:
        initial = read_value(spot, known, constant)
    return Attribute(name, kind.kind, kind.categories, initial, spot.where)


def ends_in_mappings(spot: Spot) -> bool:
    """Whether a choice ends in distributions, not in values."""
    if not is_choice(spot):
        return spot.is_mapping
    inner = (
        [item for key, item in spot.children() if key != "by"]
        if spot.is_mapping
        else [value for item in spot.items() if (value := item.get("value")) is not None]
    )
    return any(ends_in_mappings(item) for item in inner)
