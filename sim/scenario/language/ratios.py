"""Reading ratios, probabilities and distributions over finitely many parts."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from sim import units
from sim.errors import did_you_mean
from sim.scenario.language.choices import read_value
from sim.scenario.language.conditions import is_ordered, read_condition
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
from sim.scenario.language.node_reader import Known, Spot, Unread

WEIGHT_TOLERANCE = 1e-9
MOST_PARTS = 10_000
LIMITS = ("from", "until", "wane")

# ---------------------------------------------------------------- ratios


def read_ratios(
    spot: Spot | None,
    known: Known,
    entries: tuple[Any, ...] | None = None,
    *,
    word: str = "odds_ratios",
    are_times: bool = False,
) -> tuple[Ratio, ...]:
    """A list of ratios.

    entries: what `of` may name, None where there is but one probability or a law; are_times: in days.
    """
    if spot is None:
        return ()
    return tuple(read_ratio(item, known, entries, word, are_times) for item in spot.items())


def read_ratio(
    spot: Spot, known: Known, entries: tuple[Any, ...] | None, word: str, are_times: bool
) -> Ratio:
    """One ratio."""
    mapping = spot.section("ratio")
    if ("value" in mapping) == ("log" in mapping):
        raise spot.lacks(
            "ratio", "a ratio has `value` or `log`, one of the two", "write {value: 0.7}, or {log: -0.36}"
        )
    when = spot.get("when")
    per = spot.get("per")
    if per is None and ("centre" in mapping or "above" in mapping):
        raise spot.fail("`centre` and `above` belong to `per`", "say which covariate: `per: age`")
    if "centre" in mapping and "above" in mapping:
        raise spot.fail(
            "`centre` and `above` exclude each other", "keep one: both are where `per` counts from"
        )
    covariate = read_per(per, known)
    check_limits(spot, word)
    begin, end = spot.get("from"), spot.get("until")
    since = spot.get("since")
    return Ratio(
        value=read_value(
            spot.child("log" if "log" in mapping else "value"), known, positive_or_log("log" in mapping, word)
        ),
        is_log="log" in mapping,
        when=read_condition(when, known) if when is not None else None,
        per=covariate,
        centre=centre_of(spot, covariate),
        above="above" in mapping,
        begin=begin.time() if begin is not None else 0.0,
        end=end.time() if end is not None else inf,
        wane=read_wane(spot.get("wane")),
        since=since.one_of(("start", *known.stamps), "stamp") if since is not None else "",
        of=read_of(spot, entries, are_times),
        where=spot.where,
    )


def centre_of(spot: Spot, covariate: Covariate | None) -> float:
    """Where `per` counts from, in the covariate's own unit."""
    centre = spot.get("above") or spot.get("centre")
    if centre is None:
        return 0.0
    is_time = covariate is not None and covariate.kind in ("days_in_stage", "since", "waited")
    return centre.time() if is_time and isinstance(centre.value, str) else centre.number()


def read_per(spot: Spot | None, known: Known) -> Covariate | None:
    """The covariate that a ratio is raised to: a number."""
    if spot is None:
        return None
    covariate = known.covariate(spot, spot.text())
    if not is_ordered(covariate, known):
        raise spot.fail(f"`{covariate}` is no number", "`per` takes a number; for a value write `when`")
    return covariate


def check_limits(spot: Spot, word: str) -> None:
    """Limits in time go with hazard ratios alone, and `since` with a limit."""
    limits = [key for key in LIMITS if key in spot.value]
    if limits and word != "hazard_ratios":
        fix = "a ratio of odds or times is read once, when the draw is made: limit it by `when`"
        spot.fail_at_key(limits[0], f"`{limits[0]}` limits hazard ratios alone", fix)
    if "since" in spot.value and not limits:
        spot.fail_at_key(
            "since", "`since` without a limit", "it says what `from`, `until` or `wane` count from"
        )
    if "from" in spot.value and "until" in spot.value:
        begin, end = spot.child("from"), spot.child("until")
        if end.time() <= begin.time():
            raise end.fail("`until` does not come after `from`", "the ratio acts between the two")


def positive_or_log(is_log: bool, word: str) -> Callable[[Spot], float]:
    """Reads a ratio, or its logarithm."""

    def read(spot: Spot) -> float:
        value = spot.number()
        if not is_log and value < 0.0:
            raise spot.fail("a ratio is not negative", "its logarithm stands under `log`")
        if not is_log and word == "time_ratios" and value == 0.0:
            raise spot.fail("a time ratio of 0 leaves no time", "give a ratio above 0")
        return value

    return read


def read_wane(spot: Spot | None) -> tuple[float, float] | None:
    """`wane: [from, to]`."""
    if spot is None:
        return None
    times = [item.time() for item in spot.items()]
    if len(times) != 2 or not times[0] < times[1]:
        raise spot.fail("`wane` takes two times, the first before the second", "write [2 years, 5 years]")
    return times[0], times[1]


def read_of(spot: Spot, entries: tuple[Any, ...] | None, are_times: bool) -> tuple[Scalar, ...]:
    """The entries a ratio acts on."""
    of = spot.get("of")
    if entries is None:
        if of is not None:
            raise of.fail("`of` names entries of a distribution, and here is but one probability")
        return ()
    if of is None:
        raise spot.fail("`of` is missing", "name the entries whose odds it multiplies: `of: [3, 4, 5]`")
    found: list[Scalar] = []
    for item in of.names():
        value = item.value if item.value in entries else item.text()
        if are_times:
            value = item.time()
        elif isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if value not in entries:
            shown = [units.time_text(e) if are_times else str(e) for e in entries]
            raise item.fail(
                f"there is no entry `{item.text()}`",
                f"{did_you_mean(item.text(), shown)} entries: {', '.join(shown)}".strip(),
            )
        found.append(value)
    return tuple(found)


# ---------------------------------------------------------------- probabilities


def read_probability(spot: Spot, odds: Spot | None, known: Known) -> Probability:
    """A single probability with the odds ratios beside it."""
    return Probability(read_value(spot, known, Spot.share), read_ratios(odds, known), spot.where)


def read_categorical(
    spot: Spot,
    known: Known,
    read_key: Callable[[Spot, str], Any],
    word: str = "categorical",
    *,
    are_times: bool = False,
) -> Categorical[Any]:
    """`{categorical: {key: p, ...}, odds_ratios: [...]}`; the mapping may be a choice of mappings."""
    entries = read_value(
        spot.child(word), known, lambda s: read_entries(s, known, read_key, "a distribution")
    )
    odds = spot.get("odds_ratios")
    ratios = read_ratios(odds, known, keys_of(entries), are_times=are_times) if odds is not None else ()
    return Categorical(entries, ratios, spot.where)


def keys_of(entries: Any) -> tuple[Any, ...]:
    """All keys that a choice of distributions may end in."""
    if isinstance(entries, By):
        rest = keys_of(entries.rest) if entries.rest is not None else ()
        return tuple(dict.fromkeys([k for _, v in entries.entries for k in keys_of(v)] + list(rest)))
    if isinstance(entries, Cases):
        return tuple(dict.fromkeys(k for _, v in entries.items for k in keys_of(v)))
    return tuple(key for key, _ in entries.parts)


def read_entries(
    spot: Spot, known: Known, read_key: Callable[[Spot, str], Any], noun: str, skip: tuple[str, ...] = ()
) -> Entries[Any]:
    """`{key: probability, ...}` with at most one `rest`; constants are checked to sum to 1."""
    parts: dict[Any, Value[float] | Rest] = {}
    failed = False
    if len(spot.mapping()) > MOST_PARTS:
        raise spot.fail(f"{noun} has {len(spot.value)} parts", f"at most {MOST_PARTS}")
    for key, item in spot.children():
        if key in skip:
            continue
        try:
            name = read_key(spot, key)
            if name in parts:
                spot.fail_at_key(key, f"`{key}` stands twice", "put the two probabilities together")
                raise Unread
            parts[name] = REST if item.value == "rest" else read_value(item, known, Spot.share)
        except Unread:
            failed = True
    if failed:
        raise Unread
    if not parts:
        raise spot.fail(f"{noun} has no parts", "write {one: 0.9, another: rest}")
    check_sum(spot, list(parts.values()), noun)
    return Entries(tuple(parts.items()))


def check_sum(spot: Spot, parts: list[Any], noun: str) -> None:
    """Probabilities sum to 1; with `rest` to at most 1.

    Parts that depend on the patient are checked for each value where all ask the same covariate,
    else by the least and most they can be.
    """
    n_rest = sum(isinstance(p, Rest) for p in parts)
    if n_rest > 1:
        raise spot.fail("two parts are marked `rest`", "at most one part takes what is left")
    fixed = [p for p in parts if not isinstance(p, Rest)]
    for total in totals(fixed):
        too_much = total > 1.0 + WEIGHT_TOLERANCE
        too_little = not n_rest and total < 1.0 - WEIGHT_TOLERANCE
        if too_much or too_little:
            fix = f"the parts of {noun} sum to 1: mark one `rest` to take what is left"
            if n_rest:
                fix = f"the parts of {noun} that are not `rest` sum to at most 1"
            raise spot.fail(f"probabilities sum to {units.number_text(round(total, 12))}", fix)


def totals(parts: list[Any]) -> list[float]:
    """The sums that parts surely take: of constants, or for each value of the one covariate they ask."""
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
    least = constant + sum(min(ends_of(c)) for c in choices)
    return [least] if least > 1.0 else []


def ends_of(value: Any) -> list[float]:
    """Every number a choice may end in."""
    if isinstance(value, By):
        rest = ends_of(value.rest) if value.rest is not None else []
        return [e for _, v in value.entries for e in ends_of(v)] + rest
    if isinstance(value, Cases):
        return [e for _, v in value.items for e in ends_of(v)]
    return [value]


def attribute_key(known: Known, name: str, *, unchanged: bool) -> Callable[[Spot, str], Any]:
    """Reads the keys of a distribution of an attribute's value."""
    covariate = Covariate("attribute", name)

    def read(spot: Spot, key: str) -> Any:
        if key == UNCHANGED and unchanged:
            return UNCHANGED
        return known.key(Spot(spot.node, spot.where.at(key).path, spot.problems), key, covariate)

    return read
