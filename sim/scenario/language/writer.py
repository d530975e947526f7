"""The canonical text of a scenario: the model written back in the language, defaults filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from sim import units
from sim.scenario.language.model import (
    AllOf,
    AnyOf,
    Arrivals,
    Attribute,
    By,
    Cases,
    Categorical,
    Chances,
    Condition,
    Covariate,
    Distribution,
    Draw,
    Effect,
    Entries,
    Event,
    EventSelector,
    Goto,
    NoneOf,
    Outcome,
    Probability,
    Ratio,
    Resource,
    Rest,
    Rules,
    Scenario,
    Stage,
    Test,
)
from sim.scenario.source import tree
from sim.scenario.source.csv_tables import table_text

TIMES = {"value", "low", "high", "mode", "scale", "mean", "median", "sd", "iqr"}
TIMELESS_SCALE = {"weibull_ph"}


def text(scenario: Scenario) -> str:
    """The canonical YAML of a scenario; loading it gives the same text."""
    return tree.write(plain(scenario))


def plain(scenario: Scenario) -> dict[str, Any]:
    """A scenario as mappings, lists and scalars."""
    found: dict[str, Any] = without_none(
        {
            "format": 1,
            "title": scenario.title,
            "leftovers": True if scenario.has_leftovers else None,
            "horizon": time(scenario.horizon),
            "states": {
                s.name: {"label": s.label, "utility": value(s.utility, number)} for s in scenario.states
            },
            "economics": economics(scenario),
            "patients": patients(scenario),
            "clocks": {c.name: event(c, is_clock=True) for c in scenario.clocks},
            "pathway": {
                "start": scenario.start,
                "on_start": [effect(e) for e in scenario.on_start],
                "stages": {s.name: stage(s) for s in scenario.stages},
            },
            "resources": {r.name: resource(r) for r in scenario.resources},
            "never": [happening(h) for h in scenario.never],
            "outcomes": {o.name: outcome(o) for o in scenario.outcomes},
        }
    )
    return found


def without_none(value: Any) -> Any:
    """The same, keys whose value is None left out; a text that begins with `$` begins with two."""
    if isinstance(value, Mapping):
        return {str(k): without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [without_none(v) for v in value]
    return f"${value}" if isinstance(value, str) and value.startswith("$") else value


# ---------------------------------------------------------------- scalars and choices


def time(days: float) -> str:
    """A time, in days."""
    return units.time_text(days)


def rate(per_day: float) -> str:
    """A rate, per day."""
    return units.rate_text(per_day)


def number(value: float) -> float | int:
    """A number, a whole one without its decimal point."""
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else value


def key(value: Any) -> str:
    """A scalar as the key of a mapping."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else units.number_text(value)


def scalar(value: Any) -> Any:
    """A scalar as a value."""
    return value if isinstance(value, bool | str) else number(value)


def value(choice: Any, write: Callable[[Any], Any]) -> Any:
    """A value that may depend on the patient."""
    if choice is None:
        return None
    if isinstance(choice, By):
        entries = {key(k): value(v, write) for k, v in choice.entries}
        rest = {} if choice.rest is None else {"rest": value(choice.rest, write)}
        return {"by": str(choice.covariate), **entries, **rest}
    if isinstance(choice, Cases):
        return [{"when": condition(w), "value": value(v, write)} for w, v in choice.items]
    return write(choice)


# ---------------------------------------------------------------- conditions


def condition(one: Condition | None) -> Any:
    """A condition; None where there is none."""
    if one is None:
        return None
    if isinstance(one, AllOf):
        return merged(one) if mergeable(one) else [condition(item) for item in one.items]
    if isinstance(one, AnyOf):
        return {"any": [condition(item) for item in one.items]}
    if isinstance(one, NoneOf):
        return {"none": [condition(item) for item in one.items]}
    return test(one)


def mergeable(one: AllOf) -> bool:
    """Whether a conjunction is one mapping: single tests of different covariates."""
    tests = [item for item in one.items if isinstance(item, Test)]
    return len(tests) == len(one.items) and len({t.covariate for t in tests}) == len(tests)


def merged(one: AllOf) -> dict[str, Any]:
    """A conjunction as one mapping."""
    return {k: v for item in one.items if isinstance(item, Test) for k, v in test(item).items()}


def test(one: Test) -> dict[str, Any]:
    """One comparison."""
    if isinstance(one.value, tuple):
        return {str(one.covariate): {"in": [scalar(v) for v in one.value]}}
    if one.operator == "is":
        return {str(one.covariate): scalar(one.value)}
    return {str(one.covariate): {one.operator: scalar(one.value)}}


# ---------------------------------------------------------------- laws


def law(one: Any, *, numbers: bool = False) -> Any:
    """A law, or a choice of laws."""
    return value(one, lambda v: one_law(v, numbers=numbers))


def one_law(one: Distribution, *, numbers: bool) -> dict[str, Any]:
    """One law with its modifiers."""
    amount: Callable[[float], Any] = number if numbers else time
    parts: dict[str, Any]
    if one.categorical is not None:
        parts = categorical(one.categorical, key) if numbers else categorical(one.categorical, time, time)
    elif one.family == "mixture_cure":
        assert one.cured is not None
        body = {"cured": value(one.cured.value, number), "of": law(one.of, numbers=numbers)}
        if one.cured.odds_ratios:
            body["odds_ratios"] = ratios(one.cured.odds_ratios)
        parts = {"mixture_cure": body}
    elif one.family == "life_table":
        parts = {"life_table": {"rows": value(one.arguments["tables"], rows)}}  # type: ignore[index]
    else:
        parts = {one.family: value(one.arguments, lambda a: arguments(one.family, a, numbers=numbers))}
    parts["time_ratios"] = ratios(one.time_ratios) or None
    if isinstance(one.already, Covariate):
        parts["already"] = str(one.already)
    else:
        parts["already"] = value(one.already, time)
    parts["hazard_ratios"] = ratios(one.hazard_ratios) or None
    parts["between"] = [value(v, amount) for v in one.between] if one.between is not None else None
    parts["plus"] = value(one.plus, amount)
    parts["not_before"] = {stamp: value(v, time) for stamp, v in one.not_before} or None
    return parts


def rows(table: Mapping[str, Any]) -> dict[str, Any]:
    """A life table: age in years, rate per year."""
    return {key(a): number(r) for a, r in zip(table["ages"], table["rates"], strict=True)}


def arguments(family: str, given: Mapping[str, Any], *, numbers: bool) -> Any:
    """The arguments of a family as the language has them."""
    amount: Callable[[float], Any] = number if numbers else time
    speed: Callable[[float], Any] = number if numbers else rate

    def points(pairs: Any, write: Callable[[float], Any]) -> dict[str, Any]:
        return {key(t) if numbers else time(t): value(v, write) for t, v in pairs}

    if family == "fixed":
        return amount(given["value"])
    if family == "poisson":
        return number(given["mean"])
    if family in ("uniform", "triangular", "pert"):
        return [value(given[n], amount) for n in ("low", "mode", "high") if n in given]
    if family == "beta" and "a" in given:
        return [value(given["a"], number), value(given["b"], number)]
    if family == "survival_table":
        return points(given["points"], number)
    if "steps" in given:
        return points(given["steps"], speed)
    found: dict[str, Any] = {}
    for name, argument in given.items():
        if name in ("survival", "risk"):
            found[name] = points(argument, number)
        elif name == "iqr":
            found[name] = [value(q, amount) for q in argument]
        elif name in ("gamma", "knots"):
            found[name] = [value(g, number) for g in argument]
        elif name in ("rate", "then") or (family == "gompertz" and name == "shape"):
            found[name] = value(argument, speed)
        elif (
            name in TIMES
            and family not in ("beta", "royston_parmar")
            and not (name == "scale" and family in TIMELESS_SCALE)
        ):
            found[name] = value(argument, amount)
        else:
            found[name] = argument if isinstance(argument, str) else value(argument, number)
    bare = {"meanlog", "mu", "gamma"} & set(found) or (family in TIMELESS_SCALE and "scale" in found)
    if bare and not numbers:
        found["unit"] = "days"
    return found


def ratios(given: tuple[Ratio, ...]) -> list[Any]:
    """A list of ratios."""
    return [ratio(one) for one in given]


def ratio(one: Ratio, write_of: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """One ratio; what is at its default is left to say nothing."""
    found: dict[str, Any] = {"when": condition(one.when)}
    found["log" if one.is_log else "value"] = value(one.value, number)
    if one.per is not None:
        found["per"] = str(one.per)
        found["above" if one.above else "centre"] = number(one.centre)
    found["from"] = time(one.begin) if one.begin else None
    found["until"] = time(one.end) if isfinite(one.end) else None
    found["wane"] = [time(t) for t in one.wane] if one.wane is not None else None
    found["since"] = one.since or None
    found["of"] = [(write_of or scalar)(o) for o in one.of] or None
    return found


def entries(one: Entries[Any], write_key: Callable[[Any], str]) -> dict[str, Any]:
    """The parts of a distribution."""
    return {write_key(k): "rest" if isinstance(p, Rest) else value(p, number) for k, p in one.parts}


def categorical(
    one: Categorical[Any], write_key: Callable[[Any], str], write_of: Callable[[Any], Any] | None = None
) -> dict[str, Any]:
    """A distribution over parts with its odds ratios; write_of: an entry these act on, if no scalar."""
    found: dict[str, Any] = {"categorical": value(one.entries, lambda e: entries(e, write_key))}
    if one.odds_ratios:
        found["odds_ratios"] = [ratio(r, write_of) for r in one.odds_ratios]
    return found


def chance(one: Probability | None) -> dict[str, Any]:
    """`chance` with the odds ratios beside it."""
    if one is None:
        return {}
    return {"chance": value(one.value, number), "odds_ratios": ratios(one.odds_ratios) or None}


# ---------------------------------------------------------------- attributes and effects


def draw(one: Draw) -> dict[str, Any]:
    """A distribution of an attribute's value."""
    follows = {"follows": {one.follows[0]: number(one.follows[1])}} if one.follows else {}
    if one.bernoulli is not None:
        odds = ratios(one.bernoulli.odds_ratios) or None
        return {"bernoulli": value(one.bernoulli.value, number), "odds_ratios": odds, **follows}
    if one.categorical is not None:
        return {**categorical(one.categorical, key), **follows}
    written = law(one.law, numbers=True)
    return {**written, **follows} if follows else written


def attribute(one: Attribute) -> Any:
    """The declaration of an attribute."""
    if isinstance(one.initial, Draw):
        return draw(one.initial)
    start = value(one.initial, scalar)
    if one.kind == "category":
        return {"one_of": list(one.categories), "start": start}
    return start


def effect(one: Effect) -> dict[str, Any]:
    """An item of effects; actions of one word that follow each other stand together."""
    words = [action.word for action in one.actions]
    found: dict[str, Any] = {"when": condition(one.when)}
    for action in one.actions:
        if action.word in ("start", "stop", "reassess", "stamp"):
            found.setdefault(action.word, []).append(action.target)
        else:
            found.setdefault(action.word, {})[action.target] = change(action.word, action.value)
    assert words == [w for w in found if w != "when" for _ in range(words.count(w))]
    return found


def change(word: str, given: Any) -> Any:
    """What an action has for an attribute."""
    if word == "set":
        return value(given, scalar)
    if word == "add":
        return value(given, number)
    return given if word == "copy" else draw(given)


# ---------------------------------------------------------------- pathway


def destination(to: Any) -> Any:
    """Where a patient goes."""
    if isinstance(to, Goto):
        return to.target
    if isinstance(to, Chances):
        found = entries(to.categorical.entries, str)  # type: ignore[arg-type]
        return {**found, "odds_ratios": ratios(to.categorical.odds_ratios) or None}
    assert isinstance(to, Rules)
    return [{"name": r.name or None, "when": condition(r.when), "to": destination(r.to)} for r in to.items]


def amount(cost: Any) -> Any:
    """A cost: an amount, or one for each category."""
    if cost is None:
        return None
    if isinstance(cost, Mapping):
        return {name: value(v, number) for name, v in cost.items()}
    return value(cost, number)


def event(one: Event, *, is_clock: bool = False) -> dict[str, Any]:
    """An event or a clock."""
    """An event or a clock."""
    found: dict[str, Any] = {}
    if is_clock:
        found["in"] = list(one.in_stages) if one.in_stages is not None else None
    found["every" if one.every else "after"] = law(one.after)
    found.update(chance(one.chance))
    found["when"] = condition(one.when)
    found["waiting"] = True if one.waiting else None
    found["do"] = [effect(e) for e in one.do] or None
    found["to"] = destination(one.to)
    found["cost"] = amount(one.cost)
    found["qaly"] = value(one.qaly, number)
    return found


def stage(one: Stage) -> dict[str, Any]:
    """A stage."""
    cost = None
    if one.cost is not None:
        cost = {"on_entry": amount(one.cost.on_entry), "per_day": amount(one.cost.per_day)}
    needs = [
        n.resource if n.when is None else {"when": condition(n.when), "resource": n.resource}
        for n in one.needs
    ]
    takes_time = one.decide is None and not one.terminal
    return {
        "label": one.label,
        "state": one.state,
        "terminal": True if one.terminal else None,
        "utility": value(one.utility, number),
        "cost": cost,
        "needs": needs or None,
        "on_entry": [effect(e) for e in one.on_entry] or None,
        "events": {e.name: event(e) for e in one.events} if takes_time else None,
        "while_waiting": {e.name: event(e) for e in one.while_waiting} or None,
        "decide": destination(one.decide) if one.decide is not None else None,
    }


# ---------------------------------------------------------------- patients and resources


def patients(scenario: Scenario) -> dict[str, Any]:
    """Who they are, how many, and when they start."""
    who = scenario.patients
    return {
        "number": who.number or None,
        "arrive": arrivals(who.arrivals),
        "follow_up": time(who.follow_up) if who.follow_up is not None else None,
        "table": table_text(who.table) if who.table is not None else None,
        "attributes": {a.name: attribute(a) for a in who.attributes},
    }


def arrivals(one: Arrivals) -> Any:
    """When patients start."""
    if one.kind == "together":
        return "together"
    found: dict[str, Any] = {}
    if one.kind == "poisson":
        steps = {time(t): rate(r) for t, r in one.rates}
        found["poisson"] = rate(one.rates[0][1]) if len(one.rates) == 1 else steps
    elif one.kind == "every":
        found["every"] = time(one.interval or 0.0)
    else:
        found["days"] = [time(day) for day in one.days]
    found["for"] = time(one.lasting) if one.lasting is not None else None
    found["warm_up"] = time(one.warm_up)
    return found


def resource(one: Resource) -> dict[str, Any]:
    """A resource."""
    capacity: Any = "unlimited"
    if one.capacity is not None:
        steps = {time(t): units_ for t, units_ in one.capacity}
        capacity = one.capacity[0][1] if len(one.capacity) == 1 else steps
    cost = {"per_use": amount(one.cost_per_use), "per_day": amount(one.cost_per_day)}
    return {
        "capacity": capacity,
        "open": calendar(one.calendar),
        "release": one.release,
        "queue": {"by": one.queue[0], "first": one.queue[1]} if one.queue is not None else "first_come",
        "cost": cost if any(v is not None for v in cost.values()) else None,
    }


def calendar(one: Any) -> Any:
    """Days of the week: a list where all are open all day, else with their hours."""
    if one is None:
        return "every day"
    if isinstance(one, str):
        return one
    if all(hours == (0.0, 1.0) for hours in one.values()):
        return list(one)
    return {day: [time(t) for t in hours] for day, hours in one.items()}


def economics(scenario: Scenario) -> dict[str, Any] | None:
    """How costs and health are counted."""
    one = scenario.economics
    if one is None:
        return None
    return {
        "currency": one.currency,
        "discount": {"cost": number(one.discount_cost), "qaly": number(one.discount_qaly)},
        "convention": one.convention,
        "threshold": number(one.threshold) if one.threshold is not None else None,
    }


# ---------------------------------------------------------------- outcomes


def happening(one: EventSelector | None) -> Any:
    """A happening."""
    if one is None:
        return None
    if one.kind == "start":
        return "start"
    body: Any = [happening(item) for item in one.items] if one.kind == "any" else one.name
    within = time(one.within) if one.within is not None else None
    return {one.kind: body, "when": condition(one.when), "within": within}


def outcome(one: Outcome) -> dict[str, Any]:
    """An outcome."""
    found: dict[str, Any] = {"label": one.label}
    if one.kind == "time_to_event":
        found["from"] = happening(one.begin)
        found["until"] = happening(one.until)
        found["competing"] = {name: happening(h) for name, h in one.competing} or None
        found["censor"] = happening(one.censor)
    elif one.kind in ("ever", "count", "total"):
        found[one.kind] = happening(one.happening)
    elif one.kind == "attribute":
        found.update({"attribute": one.attribute, "at": happening(one.at)})
    elif one.place is not None:
        found[one.kind] = {one.place[0]: one.place[1]}
    elif one.kind == "waiting_for":
        found.update(
            {"waiting_for": one.resource, "above": time(one.above) if one.above is not None else None}
        )
    else:
        found[one.kind] = [happening(h) for h in one.sequence]
    if one.among is not None:
        among = one.among
        found["among"] = {"ever": happening(among.ever)} if among.ever else condition(among.condition)
    found["by"] = one.by
    return found
