"""Effects, draws, and the attributes they change; read and written."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

from sim.scenario.language.conditions import (
    CONDITION,
    ends,
    is_by,
    is_choice,
    mapped,
    read_condition,
    read_value,
    write_condition,
    write_value,
)
from sim.scenario.language.distribution_writer import write_distribution
from sim.scenario.language.distributions import Distributions
from sim.scenario.language.elements import NAMES, Element, Field, Type, scalar
from sim.scenario.language.model import Action, Attribute, Categorical, Draw, Effect, Probability, Value
from sim.scenario.language.node_reader import AttributeKind, Known, PlacedNode, Unread, read_all, scalar_text
from sim.scenario.language.ratios import (
    attribute_key,
    read_categorical,
    read_probability,
    write_categorical,
    write_probability,
)
from sim.scenario.source.tree import Node, Unresolved, key_value

MOST_COUNTS = 1000
NAMING = ("start", "stop", "reassess", "stamp")
"""Effects that name things; the others change attributes."""

_VALUES, _DRAWS = Type("values"), Type("attributes")

EFFECT = Element(
    "an effect",
    "A change to a patient; several words in one item act in the order written.",
    {
        "when": Field(CONDITION, "only where this holds, read once before the item"),
        "set": Field(_VALUES, "attribute: value"),
        "add": Field(_VALUES, "attribute: number to add"),
        "copy": Field(_VALUES, "attribute: the other attribute that it is copied from"),
        "draw": Field(_DRAWS, "attribute: distribution its new value is drawn from"),
        "start": Field(NAMES, "clocks to draw, anew if they run or are due"),
        "stop": Field(NAMES, "clocks to end"),
        "reassess": Field(NAMES, "events of the stage, else clocks, whose ratios and choices are read again"),
        "stamp": Field(NAMES, "stamps that remember this moment"),
    },
)
WORDS = tuple(word for word in EFFECT.fields if word != "when")

# ---------------------------------------------------------------- effects


def read_effects(node: PlacedNode, known: Known) -> tuple[Effect, ...]:
    """A list of effects."""
    return read_all(node.items(), lambda item: read_effect(item, known))


def read_effect(node: PlacedNode, known: Known) -> Effect:
    """One item: its actions in the order written, behind one condition."""
    EFFECT.check(node, known)
    when = node.get("when")
    condition = read_condition(when, known) if when is not None else None
    actions: list[Action] = []
    for word, item in node.children():
        if word in WORDS:
            actions.extend(read_actions(word, item, known))
    if not actions:
        raise EFFECT.lacks(node, "this effect does nothing", f"write one of {', '.join(WORDS)}")
    return Effect(condition, tuple(actions))


def read_actions(word: str, node: PlacedNode, known: Known) -> list[Action]:
    """The actions behind one word."""
    if word in NAMING:
        return [Action(word, read_target(word, item, known), None, item.where) for item in node.names()]
    found = []
    for name, item in node.children():
        if name not in known.attributes:
            fix = "attributes are declared in patients.attributes"
            raise node.unknown(name, known.attributes, f"there is no attribute `{name}`", fix)
        found.append(Action(word, name, attribute_change(word, name, item, known), item.where))
    return found


def read_target(word: str, node: PlacedNode, known: Known) -> str:
    """The clock, event or stamp that a word names."""
    if word == "stamp":
        name = node.name(known.stamps)
        if name == "start":
            raise node.fail("`start` is stamped for everyone", "choose another name")
        return name
    if word == "reassess":
        stages = [known.stage] if known.stage else list(known.events)
        events = [event for stage in stages for event in known.events.get(stage, ())]
        return node.one_of((*events, *known.clocks), "event of this stage or clock")
    return node.one_of(known.clocks, "clock")


def attribute_change(word: str, name: str, node: PlacedNode, known: Known) -> Any:
    """The change that `set`, `add`, `copy` or `draw` makes to an attribute."""
    kind = known.attributes[name]
    if kind.kind == "unread":
        raise Unread
    if word == "set":
        return read_value(node, known, lambda one: known.attribute_value(one, name))
    if word == "add":
        if kind.kind != "number":
            raise node.fail(f"`{name}` is not a number", "only numbers can be added to")
        return read_value(node, known, PlacedNode.number)
    if word == "copy":
        other = node.one_of(known.attributes, "attribute")
        if known.attributes[other].kind == "unread":
            raise Unread
        if known.attributes[other] != kind:
            raise node.fail(
                f"`{other}` has other values than `{name}`", "copy between attributes of one kind"
            )
        return other
    return read_draw(node, name, known, unchanged=True)


def write_effect(effect: Effect) -> dict[str, Any]:
    """An item of effects; actions of one word that follow each other stand together."""
    found: dict[str, Any] = {"when": write_condition(effect.when)}
    for action in effect.actions:
        if action.word in NAMING:
            found.setdefault(action.word, []).append(action.target)
            continue
        value = action.value
        if action.word == "draw":
            value = write_draw(value)
        elif action.word != "copy":
            value = write_value(value, scalar)
        found.setdefault(action.word, {})[action.target] = value
    return found


EFFECTS = Type("effects", read_effects, lambda effects: [write_effect(effect) for effect in effects])

# ---------------------------------------------------------------- draws


def read_draw(node: PlacedNode, name: str, known: Known, *, unchanged: bool = False) -> Draw:
    """A distribution of an attribute's value, or a choice of distributions."""
    if is_choice(node):
        return joined(node, read_value(node, known, lambda one: one_draw(one, name, known, unchanged)))
    return one_draw(node, name, known, unchanged)


def one_draw(node: PlacedNode, name: str, known: Known, unchanged: bool) -> Draw:
    """One distribution with what stands beside it."""
    kind = known.attributes[name].kind
    if not node.is_mapping:
        form = {"yes_no": "{bernoulli: 1}", "category": f"{{categorical: {{{node.value}: 1}}}}"}
        certain = form.get(kind, f"{{fixed: {node.value}}}")
        fix = "to give a value write `set`" if unchanged else f"write {certain}, or a value in every entry"
        if isinstance(node.value, list):
            fix = "write one distribution, as {uniform: [1, 2]}"
        raise node.fail(f"a distribution is expected here, not {node.seen()}", fix)
    mapping = node.mapping()
    follows = read_follows(node, name, known)
    if "bernoulli" in mapping:
        reject_others(node, ("bernoulli", "odds_ratios", "follows"))
        if kind != "yes_no":
            raise node.fail(f"`{name}` is not yes or no", "`bernoulli` draws yes or no")
        bernoulli = read_probability(node.child("bernoulli"), node.get("odds_ratios"), known)
        return Draw(None, None, bernoulli, follows, node.where)
    if "categorical" in mapping:
        reject_others(node, ("categorical", "odds_ratios", "follows"))
        if kind == "yes_no":
            raise node.fail(f"`{name}` is yes or no", "draw it with {bernoulli: p}")
        categorical = read_categorical(node, known, attribute_key(known, name, unchanged=unchanged))
        return Draw(None, categorical, None, follows, node.where)
    if kind != "number":
        fix = "draw it with {categorical: ...}" if kind == "category" else "draw it with {bernoulli: p}"
        raise node.fail(f"`{name}` is not a number", fix)
    return Draw(Distributions(known, numbers=True).read(node), None, None, follows, node.where)


def reject_others(node: PlacedNode, allowed: tuple[str, ...]) -> None:
    """Only some words stand beside a distribution."""
    for key in node.mapping():
        if key not in allowed:
            fix = f"allowed beside `{allowed[0]}`: {', '.join(allowed[1:])}"
            raise node.unknown(key, allowed, f"unknown key `{key}`", fix)


def read_follows(node: PlacedNode, name: str, known: Known) -> tuple[str, float] | None:
    """`follows: {other: correlation}`."""
    follows = node.get("follows")
    if follows is None:
        return None
    pairs = list(follows.children())
    if len(pairs) != 1:
        raise follows.fail("a draw follows one other attribute", "write {follows: {crs_grade: 0.5}}")
    other, item = pairs[0]
    if other in known.later_attributes and other not in known.attributes:
        raise follows.fail_at_key(
            other, f"`{other}` is declared later", f"put `{other}` before what depends on it"
        )
    if other not in known.attributes:
        fix = "attributes are declared in patients.attributes"
        raise follows.unknown(other, known.attributes, f"there is no attribute `{other}`", fix)
    if other == name:
        raise follows.fail_at_key(other, f"`{other}` follows itself", "a draw follows another attribute")
    correlation = item.number()
    if not -1.0 < correlation < 1.0:
        fix = "it lies between -1 and 1, ends excluded"
        raise item.fail(f"{item.seen()} is not a correlation", fix)
    return other, correlation


def joined(node: PlacedNode, choice: Any) -> Draw:
    """A choice of distributions of one kind as one distribution with a choice inside."""
    draws = list(ends(choice))
    parts = [part for draw in draws for part in (draw.categorical, draw.bernoulli) if part is not None]
    if any(draw.follows for draw in draws) or any(part.odds_ratios for part in parts):
        fact = "`follows` and `odds_ratios` are not allowed inside a choice"
        raise node.fail(fact, "put the choice inside the distribution")
    if all(draw.bernoulli for draw in draws):
        value = mapped(choice, lambda draw: draw.bernoulli.value)
        return Draw(None, None, Probability(value, (), node.where), None, node.where)
    if all(draw.categorical for draw in draws):
        entries = mapped(choice, lambda draw: draw.categorical.entries)
        return Draw(None, Categorical(entries, (), node.where), None, None, node.where)
    if all(draw.distribution is not None for draw in draws):
        return Draw(mapped(choice, lambda draw: draw.distribution), None, None, None, node.where)
    fact = "a choice between distributions of different kinds"
    raise node.fail(fact, "use one kind in every entry")


def write_draw(draw: Draw) -> dict[str, Any]:
    """A distribution of an attribute's value."""
    follows = {"follows": {draw.follows[0]: scalar(draw.follows[1])}} if draw.follows else {}
    if draw.bernoulli is not None:
        return {**write_probability(draw.bernoulli, "bernoulli"), **follows}
    if draw.categorical is not None:
        return {**write_categorical(draw.categorical, scalar_text), **follows}
    written = write_distribution(draw.distribution, numbers=True)
    return {**written, **follows} if follows else written


# ---------------------------------------------------------------- attributes


def attribute_kind(node: PlacedNode, known: Known) -> AttributeKind:
    """What kind of values an attribute has, from its declaration."""
    if node.is_mapping:
        mapping = node.value
        if "one_of" in mapping:
            return AttributeKind("category", values_listed(node.child("one_of")))
        if "bernoulli" in mapping:
            return AttributeKind("yes_no")
        if "categorical" in mapping:
            return categorical_kind(node.child("categorical"))
        if "by" in mapping:
            return merged(node, [attribute_kind(item, known) for key, item in node.children() if key != "by"])
        return AttributeKind("number", numbers=counts(mapping))
    if node.is_list:
        values = [item.child("value") for item in node.items() if item.get("value")]
        return merged(node, [attribute_kind(value, known) for value in values])
    if isinstance(node.value, bool):
        return AttributeKind("yes_no")
    if isinstance(node.value, Unresolved):
        raise Unread
    if isinstance(node.value, str):
        return AttributeKind("category", (node.name(),))
    return AttributeKind("number", numbers=frozenset({float(node.value)}))


def values_listed(node: PlacedNode) -> tuple[str, ...]:
    """The values of `one_of`, each once."""
    values: list[str] = []
    for item in node.items():
        value = item.name(values)
        if value in values:
            raise item.fail(f"`{value}` appears twice", "keep one of the two")
        values.append(value)
    if not values:
        raise node.fail("`one_of` names no value", "write {one_of: [active, remission], start: active}")
    return tuple(values)


def counts(mapping: dict[str, Node]) -> frozenset[float] | None:
    """The counts that a poisson between two limits can give; None for other distributions."""
    limits = mapping["between"].value if "between" in mapping else None
    if set(mapping) != {"poisson", "between"} or not isinstance(limits, list):
        return None
    low_high = [n.value for n in limits if isinstance(n.value, int | float) and not isinstance(n.value, bool)]
    if len(low_high) != 2 or not 0 <= low_high[1] - low_high[0] <= MOST_COUNTS:
        return None
    return frozenset(float(n) for n in range(ceil(low_high[0]), floor(low_high[1]) + 1))


def categorical_kind(node: PlacedNode) -> AttributeKind:
    """Numbers where all keys of a distribution are numbers, else categories."""
    keys: list[str] = []

    def gather(one: PlacedNode) -> None:
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

    gather(node)
    values = [key_value(key) for key in keys]
    if values and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return AttributeKind("number", numbers=frozenset(float(v) for v in values))
    return AttributeKind("category", tuple(dict.fromkeys(keys)))


def merged(node: PlacedNode, kinds: list[AttributeKind]) -> AttributeKind:
    """The kind of a choice of values."""
    if not kinds or len({k.kind for k in kinds}) > 1:
        fix = "all must be numbers, yes/no or categories"
        raise node.fail("the values of this choice are of different kinds", fix)
    numbers: frozenset[float] | None = frozenset()
    for kind in kinds:
        numbers = None if numbers is None or kind.numbers is None else numbers | kind.numbers
    categories = tuple(dict.fromkeys(c for k in kinds for c in k.categories))
    return AttributeKind(kinds[0].kind, categories, numbers)


def read_attribute(name: str, node: PlacedNode, known: Known) -> Attribute:
    """The declaration of an attribute; earlier ones may be referred to."""
    kind = known.attributes[name]
    if kind.kind == "unread":
        raise Unread

    def constant(one: PlacedNode) -> Any:
        if one.is_mapping and not is_choice(one):
            raise one.fail("a choice between distributions and values", "every entry must be a value")
        return known.attribute_value(one, name)

    initial: Value[Any] | Draw
    if node.is_mapping and "one_of" in node.value:
        reject_others(node, ("one_of", "start"))
        if "start" not in node.value:
            raise node.fail("`start` is missing", "write {one_of: [active, remission], start: active}")
        initial = read_value(node.child("start"), known, constant)
    elif ends_in_mappings(node):
        initial = read_draw(node, name, known)
    else:
        initial = read_value(node, known, constant)
    if "" in kind.categories:
        raise node.fail("a category has no name", "write a text that is not empty")
    return Attribute(name, kind.kind, kind.categories, initial, node.where)


def ends_in_mappings(node: PlacedNode) -> bool:
    """Whether a value is a distribution, or a choice that ends in distributions."""
    if not is_choice(node):
        return node.is_mapping
    if is_by(node):
        return any(ends_in_mappings(item) for key, item in node.children() if key != "by")
    return any(ends_in_mappings(value) for item in node.items() if (value := item.get("value")) is not None)


def write_attribute(attribute: Attribute) -> Any:
    """The declaration of an attribute."""
    if isinstance(attribute.initial, Draw):
        return write_draw(attribute.initial)
    start = write_value(attribute.initial, scalar)
    return {"one_of": list(attribute.categories), "start": start} if attribute.kind == "category" else start
