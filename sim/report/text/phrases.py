"""Distributions, ratios, draws, effects and destinations of a scenario, as phrases."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import sim.distributions as distributions
import sim.units as units
from sim.pathway.distributions import categorical_arguments, first_choice, put_choice
from sim.scenario.language.distribution_writer import arguments
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

Conditions = tuple[str, ...]
"""The conditions under which a value applies, outermost first."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, indented by `level` steps from its heading."""

    level: int
    text: str


def indented(lines: list[Line]) -> list[Line]:
    """The lines, indented by one more step."""
    return [Line(line.level + 1, line.text) for line in lines]


def by_condition(ends: list[tuple[Conditions, list[Line]]]) -> list[Line]:
    """The lines of each value below the conditions under which it applies."""
    if len(ends) == 1 and not ends[0][0]:
        return ends[0][1]
    lines = [Line(0, "depending on the patient:")]
    for conditions, (first, *others) in ends:
        lines += [Line(1, f"{', '.join(conditions)}: {first.text}"), *indented(others)]
    return lines


# ---------------------------------------------------------------- numbers


def time(days: float) -> str:
    """A time in whole years, months or days if possible, else with three significant figures."""
    for unit in ("year", "month", "day"):
        whole = round(days / DAYS_IN[unit])
        if whole > 0 and abs(days - whole * DAYS_IN[unit]) < 1e-9 * days:
            return f"{whole} {unit}" if whole == 1 else f"{whole} {unit}s"
    for unit, least in (("year", 2), ("month", 2), ("day", 1), ("hour", 1)):
        if days >= least * DAYS_IN[unit]:
            return f"{days / DAYS_IN[unit]:.3g} {unit}s"
    return f"{days / DAYS_IN['minute']:.3g} minutes" if days > 0 else "0 days"


def rate(per_day: float) -> str:
    """A rate in the first unit in which three significant figures are exact, else per year or per day."""
    for unit in ("year", "day", "month", "week", "hour"):
        value = per_day * DAYS_IN[unit]
        if abs(float(f"{value:.3g}") - value) < 1e-9 * abs(value):
            return f"{value:.3g} per {unit}"
    per_year = per_day * DAYS_IN["year"]
    return f"{per_day:.3g} per day" if abs(per_year) > 10 else f"{per_year:.3g} per year"


def number(value: float) -> str:
    """A number with four significant figures."""
    return f"{value:.4g}"


def share(value: float) -> str:
    """A probability in percent, with three significant figures."""
    return f"{100 * value:.3g}%"


def choice(value: Any, write: Callable[[Any], str]) -> str:
    """A value that may depend on the patient, in one phrase."""
    if isinstance(value, By):
        parts = [f"{scalar(key)} {choice(entry, write)}" for key, entry in value.entries]
        parts += [f"otherwise {choice(value.rest, write)}"] if value.rest is not None else []
        return f"(by {value.covariate}: {', '.join(parts)})"
    if isinstance(value, Cases):
        return f"({', '.join(f'{choice(item, write)} {where(when)}' for when, item in value.items)})"
    return write(value)


def where(when: Condition | None) -> str:
    """`where CONDITION`, or `otherwise` without a condition."""
    return "otherwise" if when is None else f"where {condition(when, by_name=True)}"


def alternatives(value: Any, conditions: Conditions = ()) -> Iterator[tuple[Conditions, Any]]:
    """Every value of a choice, with the conditions under which it applies."""
    if isinstance(value, By):
        for key, entry in value.entries:
            yield from alternatives(entry, (*conditions, f"where {value.covariate} is {scalar(key)}"))
        if value.rest is not None:
            yield from alternatives(value.rest, (*conditions, f"where {value.covariate} is any other"))
    elif isinstance(value, Cases):
        for when, item in value.items:
            yield from alternatives(item, (*conditions, where(when)))
    else:
        yield conditions, value


# ---------------------------------------------------------------- distributions


def distribution(value: Any, *, numbers: bool = False) -> list[Line]:
    """A distribution or a choice of distributions, with mean and median.

    numbers: of numbers instead of times.
    """
    return by_condition(
        [end for conditions, one in alternatives(value) for end in _distribution(one, conditions, numbers)]
    )


def _distribution(
    one: Distribution, conditions: Conditions, numbers: bool
) -> Iterator[tuple[Conditions, list[Line]]]:
    """A distribution for each choice among its arguments, with its modifiers below."""
    modified = [Line(1, text) for text in modifiers(one, numbers=numbers)]
    if one.family == "mixture_cure":
        assert one.cured is not None
        cured = probability(one.cured)
        for outer, inner in alternatives(one.of, conditions):
            for all_conditions, (first, *others) in _distribution(inner, outer, numbers):
                text = f"never for {cured}, else {first.text}"
                yield all_conditions, [Line(0, text), *others, *modified]
    elif one.categorical is not None:
        for all_conditions, text in _list_of_values(one.categorical, conditions, numbers):
            yield all_conditions, [Line(0, text), *modified]
    else:
        for all_conditions, plain in _plain_arguments(one.arguments, conditions):
            yield all_conditions, [Line(0, _family(one.family, plain, numbers)), *modified]


def _list_of_values(
    categorical: Categorical[float], conditions: Conditions, numbers: bool
) -> Iterator[tuple[Conditions, str]]:
    """Times or numbers with their probabilities."""
    for all_conditions, entries in alternatives(categorical.entries, conditions):
        write = number if numbers else time
        text = parts(entries, write) + odds(categorical.odds_ratios, write)
        plain = categorical_arguments(replace(categorical, entries=entries))
        if first_choice(plain) is None and not categorical.odds_ratios:
            text += _moments("categorical", plain, numbers)
        yield all_conditions, text


def _plain_arguments(value: Any, conditions: Conditions) -> Iterator[tuple[Conditions, Mapping[str, Any]]]:
    """The arguments without choices, for every combination of conditions."""
    found = first_choice(value)
    if found is None:
        yield conditions, value
        return
    for all_conditions, chosen in alternatives(found, conditions):
        yield from _plain_arguments(put_choice(value, found, chosen), all_conditions)


def _family(family: str, own: Mapping[str, Any], numbers: bool) -> str:
    """A member of a family with its arguments, mean and median."""
    if family == "life_table":
        ages = own["tables"]["ages"]
        return f"life table from age {number(ages[0])} to {number(ages[-1])}"
    if family == "attribute":
        return f"the attribute {own['attribute']}, in {own['unit']}"
    if family == "fixed":
        return time(own["value"]) if not numbers else number(own["value"])
    text = _readable(arguments(family, own, numbers=numbers))
    return f"{family.replace('_', ' ')}, {text}{_moments(family, own, numbers)}"


def _moments(family: str, own: Mapping[str, Any], numbers: bool) -> str:
    name = "normal_number" if numbers and family == "normal" else family
    leaf = distributions.leaf(name, own)
    mean, median = distributions.leaf_mean(leaf), distributions.leaf_median(leaf)
    write = number if numbers else time
    mean_text = f"mean {write(mean)}" if math.isfinite(mean) else "no finite mean"
    median_text = f"median {write(median)}" if math.isfinite(median) else "median never reached"
    return f" ({mean_text}, {median_text})"


def _readable(plain: Any) -> str:
    """Arguments as written in a scenario, in one phrase."""
    if isinstance(plain, Mapping):
        return ", ".join(f"{_readable(k)} {_nested(v)}" for k, v in plain.items() if k != "unit")
    if isinstance(plain, list):
        return ", ".join(_readable(item) for item in plain)
    if isinstance(plain, str):
        return _in_suitable_units(plain)
    return number(plain)


def _nested(plain: Any) -> str:
    text = _readable(plain)
    return f"({text})" if isinstance(plain, Mapping | list) else text


def _in_suitable_units(text: str) -> str:
    kind = units.kind(text)
    if kind == "rate":
        return rate(units.per_day(text, negative=True))
    if kind == "time":
        days = units.days(text, negative=True)
        return time(days) if days > 0 else text
    return text


def modifiers(one: Distribution, *, numbers: bool = False) -> Iterator[str]:
    """The modifiers of a distribution, in the order in which they are applied."""
    write = number if numbers else time
    for ratio in one.time_ratios:
        yield f"time multiplied by {ratio_phrase(ratio)}"
    already = one.already
    if isinstance(already, Covariate):
        elapsed = "the current age" if already.kind == "current_age" else f"the time since {already.name}"
        yield f"conditional on the elapsed time: {elapsed}"
    elif already is not None:
        yield f"conditional on an elapsed time of {choice(already, time)}"
    for ratio in one.hazard_ratios:
        yield f"hazard multiplied by {ratio_phrase(ratio)}"
    if one.between is not None:
        low, high = (choice(end, write) for end in one.between)
        yield f"truncated to between {low} and {high}"
    if one.plus is not None:
        yield f"plus {choice(one.plus, write)}"
    for stamp, least in one.not_before:
        yield f"not before {choice(least, time)} after {stamp}"


def ratio_phrase(one: Ratio, write: Callable[[Any], str] = scalar) -> str:
    """A ratio and the patients and times to which it applies. write: puts an entry into words."""
    text = choice(one.value, lambda value: number(math.exp(value) if one.is_log else value))
    if one.per is not None:
        exponent = f"{one.per} - {number(one.centre)}" if one.centre else str(one.per)
        text += f" to the power of ({exponent})" + (", at least 0," if one.above else "")
    if one.of:
        text += f" for {', '.join(write(key) for key in one.of)}"
    if one.when is not None:
        text += f" {where(one.when)}"
    if one.begin > 0:
        text += f" from {time(one.begin)}"
    if math.isfinite(one.end):
        text += f" until {time(one.end)}"
    if one.wane is not None:
        begin = time(one.wane[0]) if one.wane[0] else "the beginning"
        text += f" waning from {begin} to {time(one.wane[1])}"
    text = text.removesuffix(",")
    return f"{text} after {one.since}" if one.since else text


# ---------------------------------------------------------------- probabilities and draws


def probability(one: Probability) -> str:
    """A probability, followed by its odds ratios."""
    return choice(one.value, share) + odds(one.odds_ratios)


def odds(ratios: tuple[Ratio, ...], write: Callable[[Any], str] = scalar) -> str:
    """Odds ratios, to follow the probabilities to which they apply."""
    return "".join(f", odds multiplied by {ratio_phrase(ratio, write)}" for ratio in ratios)


def parts(entries: Entries[Any], write: Callable[[Any], str]) -> str:
    """Values with their probabilities; `rest` as its number if that is known."""
    known = [part for _, part in entries.parts if isinstance(part, float)]
    is_plain = all(isinstance(part, float | Rest) for _, part in entries.parts)
    rest = share(max(0.0, 1.0 - math.fsum(known))) if is_plain else "the rest"
    return ", ".join(
        f"{write(key)}: {rest if isinstance(part, Rest) else choice(part, share)}"
        for key, part in entries.parts
    )


def categorical(one: Categorical[Any], write: Callable[[Any], str]) -> list[Line]:
    """A categorical distribution, followed by its odds ratios."""
    ratios = odds(one.odds_ratios)
    return by_condition(
        [
            (conditions, [Line(0, parts(entries, write) + ratios)])
            for conditions, entries in alternatives(one.entries)
        ]
    )


def draw(one: Draw) -> list[Line]:
    """The distribution of an attribute's value."""
    if one.bernoulli is not None:
        lines = [Line(0, f"true: {probability(one.bernoulli)}")]
    elif one.categorical is not None:
        lines = categorical(one.categorical, scalar)
    else:
        lines = distribution(one.distribution, numbers=True)
    if one.follows is None:
        return lines
    other, correlation = one.follows
    return [*lines, Line(1, f"correlated with {other}: {number(correlation)}")]


# ---------------------------------------------------------------- effects and destinations


def effects(all_effects: tuple[Effect, ...]) -> list[Line]:
    """Effects in the order in which they are applied."""
    return [line for effect in all_effects for line in _effect(effect)]


def _effect(one: Effect) -> list[Line]:
    """One line if every action is one phrase, else a line for each action."""
    actions = [_action(phrase, list(group)) for phrase, group in groupby(one.actions, _phrase)]
    prefix = f"{where(one.when)}: " if one.when is not None else ""
    if all(len(lines) == 1 for lines in actions):
        return [Line(0, prefix + "; ".join(lines[0].text for lines in actions))]
    if not prefix:
        return [line for lines in actions for line in lines]
    if len(actions) == 1:
        return [Line(0, prefix + actions[0][0].text), *actions[0][1:]]
    return [Line(0, prefix.rstrip()), *(line for lines in actions for line in indented(lines))]


def _phrase(action: Action) -> str:
    """Equal for actions that share a phrase."""
    return action.word if action.word in NAMED else f"{action.word} {action.target}"


NAMED = {"start": "start {}", "stop": "stop {}", "reassess": "reassess {}", "stamp": "stamp {}"}
"""Actions for which the names of their targets suffice."""


def _action(phrase: str, actions: list[Action]) -> list[Line]:
    """Actions that share a phrase."""
    if phrase in NAMED:
        return [Line(0, NAMED[phrase].format(", ".join(action.target for action in actions)))]
    (one,) = actions
    match one.word:
        case "set":
            return [Line(0, f"set {one.target} to {choice(one.value, scalar)}")]
        case "add":
            return [Line(0, f"add {choice(one.value, number)} to {one.target}")]
        case "copy":
            return [Line(0, f"set {one.target} to the value of {one.value}")]
    first, *others = draw(one.value)
    return [Line(0, f"draw {one.target}: {first.text}"), *others]


def destination(to: Destination) -> list[Line]:
    """Where a patient goes; the rules of a list below it."""
    if isinstance(to, Goto):
        return [Line(0, "stays" if to.target == STAY else f"to {to.target}")]
    if isinstance(to, Chances):
        first, *others = categorical(to.categorical, str)
        return [Line(0, f"to {first.text}" if not others else f"to a stage {first.text}"), *others]
    lines = [Line(0, "by the first rule that applies:")]
    for rule in to.items:
        name = f"{rule.name}: " if rule.name else ""
        first, *others = destination(rule.to)
        lines += [Line(1, f"{name}{where(rule.when)}, {first.text}"), *indented(others)]
    return lines
