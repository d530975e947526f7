"""Reading happenings and outcomes."""

from __future__ import annotations

from typing import Any

from sim.scenario.language.conditions import read_condition
from sim.scenario.language.model import Among, EventSelector, Outcome
from sim.scenario.language.node_reader import Known, Spot, Unread

KINDS = ("stage", "asked", "state", "event", "clock", "rule", "any")
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
WORDS_OF = {
    "from": ("until", "competing", "censor"),
    "attribute": ("at",),
    "waiting_for": ("above",),
}
FOR_ALL = ("label", "among", "by")


def read_happening(spot: Spot, known: Known, *, within: bool = False) -> EventSelector:
    """`start`, or a mapping that names rows of the event log.

    Raises: Unread, its problems noted.
    """
    if not spot.is_mapping:
        if spot.value == "start":
            return EventSelector("start", "", (), None, None, spot.where)
        raise spot.fail(
            f"a happening is due here, not {spot.seen()}",
            "write start, {stage: S}, {state: Z}, {event: S.E}, ...",
        )
    mapping = spot.section("happening")
    kinds = [key for key in mapping if key in KINDS]
    if len(kinds) != 1:
        fact = "no happening is named here" if not kinds else f"two happenings stand here: {', '.join(kinds)}"
        raise spot.lacks(
            "happening", fact, f"name one of {', '.join(KINDS)}; for several write {{any: [...]}}"
        )
    if "within" in mapping and not within:
        fix = "for happenings in order write {pathway: [...]}"
        spot.fail_at_key("within", "`within` belongs to the happenings of a `pathway`", fix)
    when, limit = spot.get("when"), spot.get("within")
    kind = kinds[0]
    body = spot.child(kind)
    items: tuple[EventSelector, ...] = ()
    name = ""
    if kind == "any":
        items = tuple(read_happening(item, known) for item in body.items())
        if not items:
            raise body.fail("no happening is named here", "write {any: [{stage: S}, {state: Z}]}")
    else:
        name = read_name(kind, body, known)
    return EventSelector(
        kind,
        name,
        items,
        read_condition(when, known) if when is not None else None,
        limit.time() if limit is not None and within else None,
        spot.where,
    )


def read_name(kind: str, spot: Spot, known: Known) -> str:
    """The stage, state, event, clock or rule of a happening."""
    if kind in ("stage", "asked"):
        return spot.one_of(known.stages, "stage")
    if kind == "state":
        return spot.one_of(known.states, "state")
    if kind == "clock":
        return spot.one_of(known.clocks, "clock")
    if kind == "rule":
        return spot.one_of(known.rules, "rule")
    events = [f"{stage}.{event}" for stage, names in known.events.items() for event in names]
    return spot.one_of(events, "event")


def read_place(spot: Spot, known: Known) -> tuple[str, str]:
    """`{stage: S}` or `{state: Z}`."""
    if not spot.is_mapping:
        raise spot.fail(
            f"a stage or a state is due here, not {spot.seen()}", "write {stage: S} or {state: Z}"
        )
    mapping = spot.mapping()
    if len(mapping) != 1 or next(iter(mapping)) not in ("stage", "state"):
        raise spot.fail("a stage or a state is due here", "write {stage: S} or {state: Z}")
    kind = next(iter(mapping))
    known_names: Any = known.stages if kind == "stage" else known.states
    return kind, spot.child(kind).one_of(known_names, kind)


def read_outcome(name: str, spot: Spot, known: Known) -> Outcome:
    """One outcome; its kind is the word it has."""
    mapping = spot.section("outcome")
    heads = [key for key in mapping if key in HEADS]
    if len(heads) != 1:
        fact = (
            "what is asked for is not said"
            if not heads
            else f"two kinds of outcome stand here: {', '.join(heads)}"
        )
        fix = f"an outcome has one of {', '.join(HEADS)}"
        owner = next((h for h, words in WORDS_OF.items() if not heads and set(words) & set(mapping)), None)
        raise spot.lacks("outcome", fact, f"`{owner}` is missing" if owner else fix)
    head = heads[0]
    for key in mapping:
        allowed = (head, *WORDS_OF.get(head, ()), *FOR_ALL)
        if key not in allowed and any(key in words for words in WORDS_OF.values()):
            spot.fail_at_key(
                key, f"`{key}` does not go with `{head}`", f"beside it stand {', '.join(allowed[1:])}"
            )
    label, by, among = spot.get("label"), spot.get("by"), spot.get("among")
    parts: dict[str, Any] = {
        "label": label.text() if label is not None else name.replace("_", " "),
        "by": by.one_of(known.attributes, "attribute") if by is not None else None,
        "among": read_among(among, known) if among is not None else None,
    }
    parts.update(read_kind(head, spot, known))
    return Outcome(name=name, where=spot.where, **parts)


def read_kind(head: str, spot: Spot, known: Known) -> dict[str, Any]:
    """The fields that go with the kind of an outcome."""
    body = spot.child(head)
    if head == "from":
        return read_time_to_event(spot, known)
    if head in ("ever", "count", "total"):
        return {"kind": head, "happening": read_happening(body, known)}
    if head == "attribute":
        when = spot.get("at")
        at = read_happening(when, known) if when is not None else None
        return {"kind": head, "attribute": body.one_of(known.attributes, "attribute"), "at": at}
    if head in ("time_in", "occupancy"):
        return {"kind": head, "place": read_place(body, known)}
    if head == "waiting_for":
        above = spot.get("above")
        limit = above.time() if above is not None else None
        return {"kind": head, "resource": body.one_of(known.resources, "resource"), "above": limit}
    sequence = tuple(read_happening(item, known, within=head == "pathway") for item in body.items())
    if not sequence:
        raise body.fail("no happening is named here", f"`{head}` takes a list of happenings")
    return {"kind": head, "sequence": sequence}


def read_time_to_event(spot: Spot, known: Known) -> dict[str, Any]:
    """`from`, `until`, `competing`, `censor`."""
    until, competing, censor = spot.get("until"), spot.get("competing"), spot.get("censor")
    if until is None:
        raise spot.fail("`until` is missing", "say which happening ends the time")
    ends: tuple[tuple[str, EventSelector], ...] = ()
    if competing is not None:
        ends = tuple((name, read_happening(item, known)) for name, item in competing.children())
    return {
        "kind": "time_to_event",
        "begin": read_happening(spot.child("from"), known),
        "until": read_happening(until, known),
        "competing": ends,
        "censor": read_happening(censor, known) if censor is not None else None,
    }


def read_among(spot: Spot, known: Known) -> Among:
    """A condition at the start, or `{ever: happening}`."""
    if spot.is_mapping and "ever" in spot.value:
        if len(spot.value) > 1:
            other = next(key for key in spot.value if key != "ever")
            spot.fail_at_key(
                other, f"`{other}` cannot stand beside `ever`", "put a `when` into the happening"
            )
            raise Unread
        return Among(None, read_happening(spot.child("ever"), known))
    return Among(read_condition(spot, known), None)


def read_named(spot: Spot | None, read: Any, noun: str) -> tuple[Any, ...]:
    """A mapping of names to things; those that cannot be read are left out, their problems noted."""
    if spot is None:
        return ()
    if not spot.is_mapping:
        spot.fail(f"a mapping is due here, not {spot.seen()}", f"write {{name: {noun}}}")
        return ()
    found = [item.attempt(lambda s, n=name: read(n, s)) for name, item in spot.children()]  # type: ignore[misc]
    return tuple(one for one in found if one is not None)
