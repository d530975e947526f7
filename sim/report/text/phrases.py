"""What a scenario says of a patient, in phrases: laws, ratios, draws, effects, destinations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sim import distributions, units
from sim.pathway.distributions import categorical_arguments, first_choice, put_choice
from sim.scenario.language.distributions import arguments
from sim.scenario.language.model import (
    STAY,
    Action,
    By,
    Cases,
    Categorical,
    Chances,
    Condition,
    Covariate,
    Destination,
    Distribution,
    Draw,
    Effect,
    Entries,
    Goto,
    Probability,
    Ratio,
    Rest,
)
from sim.scenario.language.wording import condition, scalar
from sim.units import DAYS_IN

Given = tuple[str, ...]
"""The choices that lead to a value, outermost first."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, so many steps further in than its heading."""

    level: int
    text: str


def deeper(lines: list[Line], steps: int = 1) -> list[Line]:
    """The same lines further in."""
    return [Line(line.level + steps, line.text) for line in lines]


# ---------------------------------------------------------------- numbers


def time(days: float) -> str:
    """A time in whole years, months or days where it is so many, else in three figures."""
    for unit in ("year", "month", "day"):
        whole = round(days / DAYS_IN[unit])
        if whole > 0 and abs(days - whole * DAYS_IN[unit]) < 1e-9 * days:
            return f"{whole} {unit}" if whole == 1 else f"{whole} {unit}s"
    for unit, least in (("year", 2), ("month", 2), ("day", 1), ("hour", 1)):
        if days >= least * DAYS_IN[unit]:
            return f"{days / DAYS_IN[unit]:.3g} {unit}s"
    return f"{days / DAYS_IN['minute']:.3g} minutes" if days > 0 else "0 days"


def rate(per_day: float) -> str:
    """A rate in three figures, per year unless that is more than ten."""
    per_year = per_day * DAYS_IN["year"]
    return f"{per_day:.3g} per day" if abs(per_year) > 10 else f"{per_year:.3g} per year"


def number(value: float) -> str:
    """A number in four figures."""
    return f"{value:.4g}"


def share(value: float) -> str:
    """A probability in percent."""
    return f"{100 * value:.3g}%"


def choice(value: Any, write: Callable[[Any], str]) -> str:
    """A value that may depend on the patient, in one phrase."""
    if isinstance(value, By):
        parts = [f"{scalar(key)} {choice(of, write)}" for key, of in value.entries]
        parts += [f"otherwise {choice(value.rest, write)}"] if value.rest is not None else []
        return f"(by {value.covariate}: {', '.join(parts)})"
    if isinstance(value, Cases):
        parts = [
            f"{choice(of, write)} {'otherwise' if when is None else f'where {condition(when, by_name=True)}'}"
            for when, of in value.items
        ]
        return f"({', '.join(parts)})"
    return write(value)


def alternatives(value: Any, given: Given = ()) -> Iterator[tuple[Given, Any]]:
    """Every end of a choice with what leads to it."""
    if isinstance(value, By):
        for key, of in value.entries:
            yield from alternatives(of, (*given, f"where {value.covariate} is {scalar(key)}"))
        if value.rest is not None:
            yield from alternatives(value.rest, (*given, f"where {value.covariate} is any other"))
    elif isinstance(value, Cases):
        for when, of in value.items:
            told = "otherwise" if when is None else f"where {condition(when, by_name=True)}"
            yield from alternatives(of, (*given, told))
    else:
        yield given, value


# ---------------------------------------------------------------- laws


def law(of: Any, *, numbers: bool = False) -> list[Line]:
    """A law, or a choice of laws, each with its mean and median; numbers: of a number, not a time."""
    ends = [end for given, one in alternatives(of) for end in _one_law(one, given, numbers)]
    if len(ends) == 1 and not ends[0][0]:
        return ends[0][1]
    lines = [Line(0, "depending on the patient:")]
    for given, (first, *others) in ends:
        lines += [Line(1, f"{', '.join(given)}: {first.text}"), *deeper(others)]
    return lines


def _one_law(one: Distribution, given: Given, numbers: bool) -> Iterator[tuple[Given, list[Line]]]:
    """One law for each choice among its arguments, its modifiers below."""
    modified = [Line(1, text) for text in modifiers(one, numbers=numbers)]
    if one.family == "mixture_cure":
        assert one.cured is not None
        cured = probability(one.cured)
        for inner_given, inner in alternatives(one.of, given):
            for whole, lines in _one_law(inner, inner_given, numbers):
                told = f"never for {cured}, else {lines[0].text}"
                yield whole, [Line(0, told), *lines[1:], *modified]
    elif one.categorical is not None:
        yield from _one_list(one.categorical, given, numbers, modified)
    else:
        for whole, plain in _plain_arguments(one.arguments, given):
            yield whole, [Line(0, _family(one.family, plain, numbers)), *modified]


def _one_list(
    of: Categorical[float], given: Given, numbers: bool, modified: list[Line]
) -> Iterator[tuple[Given, list[Line]]]:
    """A list of times or numbers with their probabilities."""
    for whole, entries in alternatives(of.entries, given):
        told = parts(entries, number if numbers else time) + odds(of.odds_ratios)
        plain = categorical_arguments(replace(of, entries=entries))
        if first_choice(plain) is None and not of.odds_ratios:
            told += _moments("categorical", plain, numbers)
        yield whole, [Line(0, told), *modified]


def _plain_arguments(of: Any, given: Given) -> Iterator[tuple[Given, Mapping[str, Any]]]:
    found = first_choice(of)
    if found is None:
        yield given, of
        return
    for whole, value in alternatives(found, given):
        yield from _plain_arguments(put_choice(of, found, value), whole)


def _family(family: str, given: Mapping[str, Any], numbers: bool) -> str:
    """A member of a family with its arguments, its mean and its median."""
    name = family.replace("_", " ")
    if family == "life_table":
        table = given["tables"]
        return f"life table from age {number(table['ages'][0])} to {number(table['ages'][-1])}"
    if family == "fixed":
        return time(given["value"]) if not numbers else number(given["value"])
    told = _readable(arguments(family, given, numbers=numbers))
    return f"{name}, {told}{_moments(family, given, numbers)}"


def _moments(family: str, given: Mapping[str, Any], numbers: bool) -> str:
    name = "normal_number" if numbers and family == "normal" else family
    leaf = distributions.leaf(name, given)
    mean, median = distributions.leaf_mean(leaf), distributions.leaf_median(leaf)
    write = number if numbers else time
    told = [f"mean {write(mean)}" if math.isfinite(mean) else "no finite mean"]
    told.append(f"median {write(median)}" if math.isfinite(median) else "median never reached")
    return f" ({', '.join(told)})"


def _readable(plain: Any) -> str:
    """Arguments as a scenario has them, in one phrase."""
    if isinstance(plain, Mapping):
        return ", ".join(f"{_readable(k)} {_nested(v)}" for k, v in plain.items() if k != "unit")
    if isinstance(plain, list):
        return ", ".join(_readable(item) for item in plain)
    if isinstance(plain, str):
        return _in_suited_units(plain)
    return number(plain)


def _nested(plain: Any) -> str:
    text = _readable(plain)
    return f"({text})" if isinstance(plain, Mapping | list) else text


def _in_suited_units(text: str) -> str:
    kind = units.kind(text)
    if kind == "rate":
        return rate(units.per_day(text, negative=True))
    if kind == "time":
        days = units.days(text, negative=True)
        return time(days) if days > 0 else text
    return text


def modifiers(one: Distribution, *, numbers: bool = False) -> Iterator[str]:
    """What acts on a law, in the order in which it does."""
    write = number if numbers else time
    for ratio in one.time_ratios:
        yield f"time multiplied by {ratio_phrase(ratio)}"
    already = one.already
    if isinstance(already, Covariate):
        yield "given what has passed of it: " + (
            "the current age" if already.kind == "current_age" else f"the time since {already.name}"
        )
    elif already is not None:
        yield f"given that {choice(already, time)} of it have passed"
    for ratio in one.hazard_ratios:
        yield f"hazard multiplied by {ratio_phrase(ratio)}"
    if one.between is not None:
        low, high = (choice(end, write) for end in one.between)
        yield f"given that it lies between {low} and {high}"
    if one.plus is not None:
        yield f"and {choice(one.plus, write)} more"
    for stamp, least in one.not_before:
        yield f"not before {choice(least, time)} after {stamp}"


def ratio_phrase(one: Ratio) -> str:
    """A ratio and where, when and for whom it acts."""
    told = choice(one.value, lambda v: number(math.exp(v) if one.is_log else v))
    if one.per is not None:
        of = f"{one.per} - {number(one.centre)}" if one.centre else str(one.per)
        told += f" to the power of ({of})" + (", 0 at least" if one.above else "")
    if one.of:
        told += f" for {', '.join(scalar(key) for key in one.of)}"
    if one.when is not None:
        told += f" where {condition(one.when, by_name=True)}"
    if one.begin > 0:
        told += f" from {time(one.begin)}"
    if math.isfinite(one.end):
        told += f" until {time(one.end)}"
    if one.wane is not None:
        begin = time(one.wane[0]) if one.wane[0] else "the beginning"
        told += f" waning from {begin} to {time(one.wane[1])}"
    return f"{told} after {one.since}" if one.since else told


# ---------------------------------------------------------------- probabilities and draws


def probability(one: Probability) -> str:
    """A probability with the odds ratios beside it."""
    return choice(one.value, share) + odds(one.odds_ratios)


def odds(ratios: tuple[Ratio, ...]) -> str:
    """Odds ratios, behind the probabilities they act on."""
    return "".join(f", odds multiplied by {ratio_phrase(ratio)}" for ratio in ratios)


def parts(of: Entries[Any], write: Callable[[Any], str]) -> str:
    """A distribution over finitely many outcomes; `rest` as its number where there is one."""
    known = [part for _, part in of.parts if isinstance(part, float)]
    is_plain = all(isinstance(part, float | Rest) for _, part in of.parts)
    rest = share(max(0.0, 1.0 - math.fsum(known))) if is_plain else "the rest"
    return ", ".join(
        f"{write(key)}: {rest if isinstance(part, Rest) else choice(part, share)}" for key, part in of.parts
    )


def entries(one: Categorical[Any], write: Callable[[Any], str]) -> list[Line]:
    """A distribution over finitely many outcomes, with the odds ratios beside it."""
    ratios = odds(one.odds_ratios)
    ends = [(given, parts(of, write) + ratios) for given, of in alternatives(one.entries)]
    if len(ends) == 1:
        return [Line(0, ends[0][1])]
    return [
        Line(0, "depending on the patient:"),
        *(Line(1, f"{', '.join(given)}: {told}") for given, told in ends),
    ]


def draw(one: Draw) -> list[Line]:
    """The distribution of an attribute's value."""
    if one.bernoulli is not None:
        lines = [Line(0, f"true: {probability(one.bernoulli)}")]
    elif one.categorical is not None:
        lines = entries(one.categorical, scalar)
    else:
        lines = law(one.law, numbers=True)
    if one.follows is None:
        return lines
    other, correlation = one.follows
    return [*lines, Line(1, f"correlated with {other}: {number(correlation)}")]


# ---------------------------------------------------------------- what happens


def effects(of: tuple[Effect, ...]) -> list[Line]:
    """What is done, in the order in which it is done."""
    return [line for effect in of for line in _effect(effect)]


def _effect(one: Effect) -> list[Line]:
    """In one line where each action is a phrase; else a line for each."""
    actions = [_action(word, list(group)) for word, group in groupby(one.actions, _same_phrase)]
    where = f"where {condition(one.when, by_name=True)}: " if one.when is not None else ""
    if all(len(lines) == 1 for lines in actions):
        return [Line(0, where + "; ".join(lines[0].text for lines in actions))]
    if not where:
        return [line for lines in actions for line in lines]
    if len(actions) == 1:
        return [Line(0, where + actions[0][0].text), *actions[0][1:]]
    return [Line(0, where.rstrip()), *(line for lines in actions for line in deeper(lines))]


def _same_phrase(action: Action) -> str:
    return action.word if action.word in NAMED else f"{action.word} {action.target}"


NAMED = {"start": "start {}", "stop": "stop {}", "reassess": "reassess {}", "stamp": "stamp {}"}
"""Actions that need no more than the name of what they act on."""


def _action(phrase: str, actions: list[Action]) -> list[Line]:
    if phrase in NAMED:
        return [Line(0, NAMED[phrase].format(", ".join(action.target for action in actions)))]
    (one,) = actions
    match one.word:
        case "set":
            return [Line(0, f"set {one.target} to {choice(one.value, scalar)}")]
        case "add":
            return [Line(0, f"add {choice(one.value, number)} to {one.target}")]
        case "copy":
            return [Line(0, f"set {one.target} to what {one.value} is")]
    first, *others = draw(one.value)
    return [Line(0, f"draw {one.target}: {first.text}"), *others]


def destination(to: Destination) -> list[Line]:
    """Where a patient goes; the items of a list below it."""
    if isinstance(to, Goto):
        return [Line(0, "stays" if to.target == STAY else f"to {to.target}")]
    if isinstance(to, Chances):
        first, *others = entries(to.categorical, str)
        return [Line(0, f"to {first.text}" if not others else f"to a stage {first.text}"), *others]
    lines = [Line(0, "to the first that holds of:")]
    for rule in to.items:
        name = f"{rule.name}: " if rule.name else ""
        first, *others = destination(rule.to)
        lines += [Line(1, f"{name}{_where(rule.when)}, {first.text}"), *deeper(others)]
    return lines


def _where(when: Condition | None) -> str:
    return "otherwise" if when is None else f"where {condition(when, by_name=True)}"
