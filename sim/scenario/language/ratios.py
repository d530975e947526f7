"""Ratios, probabilities, and distributions over finitely many parts; read and written."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import sim.units as units
from sim.errors import did_you_mean
from sim.scenario.language.conditions import CONDITION, VALUE, ends, is_ordered, read_value, write_value
from sim.scenario.language.elements import TIME, TIMES, Element, Field, Type, number, scalar
from sim.scenario.language.model import (
    REST,
    UNCHANGED,
    By,
    Cases,
    Categorical,
    Covariate,
    Entries,
    Probability,
    Ratio,
    Rest,
    Scalar,
    Value,
)
from sim.scenario.language.node_reader import Known, PlacedNode, read_all

WEIGHT_TOLERANCE = 1e-9
MOST_PARTS = 10_000
LIMITS = ("from", "until", "wane")

# ---------------------------------------------------------------- ratios


def read_per(node: PlacedNode, known: Known) -> Covariate:
    """The covariate that a ratio is raised to: a number."""
    covariate = known.covariate(node, node.text())
    if not is_ordered(covariate, known):
        raise node.fail(f"`{covariate}` is not a number", "`per` takes a number; for a value write `when`")
    return covariate


def read_wane(node: PlacedNode, _: Known) -> tuple[float, float]:
    """`wane: [from, to]`."""
    times = [item.time() for item in node.items()]
    if len(times) != 2 or not times[0] < times[1]:
        raise node.fail("`wane` takes two times, the first before the second", "write [2 years, 5 years]")
    return times[0], times[1]


def factor(word: str) -> Callable[[PlacedNode], float]:
    """Reads a ratio of a list under this key."""

    def read(node: PlacedNode) -> float:
        value = node.number()
        if value < 0.0:
            raise node.fail("a ratio is not negative", "write its logarithm under `log`")
        if word == "time_ratios" and value == 0.0:
            raise node.fail("a time ratio of 0 leaves no time", "give a ratio above 0")
        return value

    return read


_STAMP = Type("text", lambda node, known: node.one_of(("start", *known.stamps), "stamp"))
_OF = Type("names", lambda node, _: node, lambda names: [scalar(name) for name in names])
_FACTOR = Type("value", lambda node, _: node, write_value)
_CENTRE = Type("number_or_time", lambda node, _: node, number)

RATIO = Element(
    "a ratio",
    "One factor of a product of hazard, time or odds ratios.",
    {
        "when": Field(CONDITION, "where it acts, read when a time is drawn or reassessed", "always"),
        "value": Field(_FACTOR, "the ratio", get=lambda r: None if r.is_log else r.value),
        "log": Field(
            VALUE, "its natural logarithm, in place of `value`", get=lambda r: r.value if r.is_log else None
        ),
        "per": Field(Type("text", read_per, str), "a covariate: the ratio is raised to covariate - centre"),
        "centre": Field(
            _CENTRE, "where `per` counts from", "0", get=lambda r: r.centre if r.per and not r.above else None
        ),
        "above": Field(
            _CENTRE, "in place of `centre`: 1 below it", get=lambda r: r.centre if r.per and r.above else None
        ),
        "from": Field(TIME, "it acts from this time on", "0 days", name="begin", otherwise=0.0),
        "until": Field(TIME, "it acts until this time", "for ever", name="end", otherwise=inf),
        "wane": Field(Type("times", read_wane, TIMES.write), "two times between which it goes linearly to 1"),
        "since": Field(
            _STAMP, "the stamp these times count from", "when the time began to run", otherwise=""
        ),
        "of": Field(_OF, "the entries whose odds it multiplies", otherwise=()),
    },
)


def read_ratios(
    node: PlacedNode | None,
    known: Known,
    entries: tuple[Any, ...] | None = None,
    *,
    word: str = "odds_ratios",
    are_times: bool = False,
) -> tuple[Ratio, ...]:
    """A list of ratios.

    entries: what `of` may name, None where there is but one probability or a time; are_times: in days.
    """
    if node is None:
        return ()
    return tuple(read_ratio(item, known, entries, word, are_times) for item in node.items())


def read_ratio(
    node: PlacedNode, known: Known, entries: tuple[Any, ...] | None, word: str, are_times: bool
) -> Ratio:
    """One ratio."""
    mapping = RATIO.check(node, known)
    if ("value" in mapping) == ("log" in mapping):
        fact, fix = "a ratio has `value` or `log`, one of the two", "write {value: 0.7}, or {log: -0.36}"
        raise RATIO.lacks(node, fact, fix)
    if "per" not in mapping and ("centre" in mapping or "above" in mapping):
        raise node.fail("`centre` and `above` belong to `per`", "give the covariate: `per: age`")
    if "centre" in mapping and "above" in mapping:
        fix = "keep one: both are where `per` counts from"
        raise node.fail("`centre` and `above` exclude each other", fix)
    check_limits(node, word)
    parts = RATIO.read(node, known, checked=True)
    value, log, centre, above = (parts.pop(key) for key in ("value", "log", "centre", "above"))
    return Ratio(
        **{**parts, "of": read_of(node, entries, are_times)},
        value=log if value is None else read_value(value, known, factor(word)),
        is_log=value is None,
        centre=centre_of(above or centre, parts["per"]),
        above=above is not None,
        where=node.where,
    )


def centre_of(centre: PlacedNode | None, covariate: Covariate | None) -> float:
    """Where `per` counts from, in the covariate's own unit."""
    if centre is None:
        return 0.0
    is_time = covariate is not None and covariate.kind in ("days_in_stage", "since", "waited")
    return centre.time() if is_time and isinstance(centre.value, str) else centre.number()


def check_limits(node: PlacedNode, word: str) -> None:
    """Limits in time go with hazard ratios alone, and `since` with a limit."""
    limits = [key for key in LIMITS if key in node.value]
    if limits and word != "hazard_ratios":
        fix = "a ratio of odds or times is read once, when the draw is made: limit it by `when`"
        node.fail_at_key(limits[0], f"`{limits[0]}` limits hazard ratios alone", fix)
    if "since" in node.value and not limits:
        fix = "add `from`, `until` or `wane`, which count from it, or leave it out"
        node.fail_at_key("since", "`since` without a limit", fix)
    if "from" in node.value and "until" in node.value:
        begin, end = node.child("from"), node.child("until")
        if end.time() <= begin.time():
            raise end.fail("`until` is not later than `from`", "the ratio acts between the two")


def read_of(node: PlacedNode, entries: tuple[Any, ...] | None, are_times: bool) -> tuple[Scalar, ...]:
    """The entries a ratio acts on."""
    of = node.get("of")
    if entries is None:
        if of is not None:
            raise of.fail("`of` names entries of a distribution, and here is but one probability")
        return ()
    if of is None:
        raise node.fail("`of` is missing", "name the entries whose odds it multiplies: `of: [3, 4, 5]`")
    found: list[Scalar] = []
    for item in of.names():
        value = item.value if item.value in entries else item.text()
        if are_times:
            value = item.time()
        elif isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if value not in entries:
            shown = [units.time_text(e) if are_times else str(e) for e in entries]
            fix = f"{did_you_mean(item.text(), shown)} entries: {', '.join(shown)}".strip()
            raise item.fail(f"there is no entry `{item.text()}`", fix)
        found.append(value)
    return tuple(found)


def write_ratios(ratios: tuple[Ratio, ...], *, are_times: bool = False) -> list[Any] | None:
    """A list of ratios, None where there is none; are_times: `of` names times."""
    written = [RATIO.write(ratio) for ratio in ratios]
    for one, ratio in zip(written, ratios, strict=True):
        if are_times and ratio.of:
            one["of"] = [units.time_text(time) for time in ratio.of]  # type: ignore[arg-type]
    return written or None


RATIOS = Type("ratios", read_ratios, write_ratios)

# ---------------------------------------------------------------- probabilities


def read_probability(node: PlacedNode, odds: PlacedNode | None, known: Known) -> Probability:
    """A single probability with the odds ratios beside it."""
    return Probability(read_value(node, known, PlacedNode.share), read_ratios(odds, known), node.where)


def read_categorical(
    node: PlacedNode, known: Known, read_key: Callable[[PlacedNode, str], Any], *, are_times: bool = False
) -> Categorical[Any]:
    """`{categorical: {key: p, ...}, odds_ratios: [...]}`; the mapping may be a choice of mappings."""
    body = node.child("categorical")
    entries = read_value(body, known, lambda one: read_entries(one, known, read_key, "a distribution"))
    ratios = read_ratios(node.get("odds_ratios"), known, keys_of(entries), are_times=are_times)
    return Categorical(entries, ratios, node.where)


def keys_of(entries: Any) -> tuple[Any, ...]:
    """All keys that a choice of distributions may end in."""
    return tuple(dict.fromkeys(key for end in ends(entries) for key, _ in end.parts))


def read_entries(
    node: PlacedNode,
    known: Known,
    read_key: Callable[[PlacedNode, str], Any],
    noun: str,
    skip: tuple[str, ...] = (),
) -> Entries[Any]:
    """`{key: probability, ...}` with at most one `rest`; constants are checked to sum to 1."""
    if len(node.mapping()) > MOST_PARTS:
        raise node.fail(f"{noun} has {len(node.value)} parts", f"at most {MOST_PARTS}")
    parts: dict[Any, Value[float] | Rest] = {}

    def read_part(entry: tuple[str, PlacedNode]) -> None:
        key, item = entry
        name = read_key(node, key)
        if name in parts:
            raise node.fail_at_key(key, f"`{key}` appears twice", "put the two probabilities together")
        parts[name] = REST if item.value == "rest" else read_value(item, known, PlacedNode.share)

    read_all([entry for entry in node.children() if entry[0] not in skip], read_part)
    if not parts:
        raise node.fail(f"{noun} has no parts", "write {one: 0.9, another: rest}")
    check_sum(node, list(parts.values()), noun)
    return Entries(tuple(parts.items()))


def check_sum(node: PlacedNode, parts: list[Any], noun: str) -> None:
    """Probabilities sum to 1; with `rest` to at most 1.

    Parts that depend on the patient are checked for each value where all ask the same covariate,
    else by the least and most they can be.
    """
    n_rest = sum(isinstance(p, Rest) for p in parts)
    if n_rest > 1:
        raise node.fail("two parts are marked `rest`", "at most one part takes what is left")
    for total in totals([p for p in parts if not isinstance(p, Rest)]):
        too_much = total > 1.0 + WEIGHT_TOLERANCE
        too_little = not n_rest and total < 1.0 - WEIGHT_TOLERANCE
        if too_much or too_little:
            fix = f"the parts of {noun} sum to 1: mark one `rest` to take what is left"
            if n_rest:
                fix = f"the parts of {noun} that are not `rest` sum to at most 1"
            raise node.fail(f"probabilities sum to {units.number_text(round(total, 12))}", fix)


def totals(parts: list[Any]) -> list[float]:
    """The sums that parts take: of constants, or for each value of the one covariate they depend on."""
    choices = [p for p in parts if isinstance(p, By | Cases)]
    constant = sum(p for p in parts if not isinstance(p, By | Cases))
    if not choices:
        return [constant]
    by: list[Any] = [
        c for c in choices if isinstance(c, By) and c.covariate == getattr(choices[0], "covariate", None)
    ]
    inner = [v for c in by for v in (*(v for _, v in c.entries), c.rest)]
    if len(by) == len(choices) and not any(isinstance(v, By | Cases) for v in inner):
        keys = dict.fromkeys(k for c in by for k, _ in c.entries)
        sums = [constant + sum(dict(c.entries).get(k, c.rest) or 0.0 for c in by) for k in keys]
        if all(c.rest is not None for c in by):
            sums.append(constant + sum(c.rest for c in by))
        return sums
    least = constant + sum(min(ends(c)) for c in choices)
    return [least] if least > 1.0 else []


def attribute_key(known: Known, name: str, *, unchanged: bool) -> Callable[[PlacedNode, str], Any]:
    """Reads the keys of a distribution of an attribute's value."""
    covariate = Covariate("attribute", name)

    def read(node: PlacedNode, key: str) -> Any:
        if key == UNCHANGED and unchanged:
            return UNCHANGED
        return known.scalar(node.at_key(key), covariate)

    return read


def write_probability(probability: Probability, key: str) -> dict[str, Any]:
    """A probability under its key, with the odds ratios beside it."""
    return {key: write_value(probability.value), "odds_ratios": write_ratios(probability.odds_ratios)}


def write_entries(entries: Entries[Any], write_key: Callable[[Any], str]) -> dict[str, Any]:
    """The parts of a distribution."""
    return {write_key(k): "rest" if isinstance(p, Rest) else write_value(p) for k, p in entries.parts}


def write_categorical(
    categorical: Categorical[Any], write_key: Callable[[Any], str], *, are_times: bool = False
) -> dict[str, Any]:
    """A distribution over parts with its odds ratios."""
    return {
        "categorical": write_value(categorical.entries, lambda entries: write_entries(entries, write_key)),
        "odds_ratios": write_ratios(categorical.odds_ratios, are_times=are_times),
    }
