"""Distributions as the resolved form of a scenario has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.scenario.language.conditions import write_value
from sim.scenario.language.elements import number
from sim.scenario.language.model import Covariate, Distribution
from sim.scenario.language.node_reader import scalar_text
from sim.scenario.language.ratios import write_categorical, write_probability, write_ratios
from sim.scenario.language.vocabulary import ALL_FAMILIES, BARE, PLAIN, RATE, SIGNED_RATE
from sim.units import rate_text, time_text


def write_distribution(value: Any, *, numbers: bool = False) -> Any:
    """A distribution, or a choice of distributions."""
    return write_value(value, lambda one: write_one(one, numbers=numbers))


def write_one(one: Distribution, *, numbers: bool) -> dict[str, Any]:
    """One distribution with its modifiers."""
    amount: Callable[[float], Any] = number if numbers else time_text
    parts: dict[str, Any]
    if one.categorical is not None:
        write_key = scalar_text if numbers else time_text
        parts = write_categorical(one.categorical, write_key, are_times=not numbers)
    elif one.family == "attribute":
        parts = dict(one.arguments)  # type: ignore[arg-type]
    elif one.family == "mixture_cure":
        assert one.cured is not None
        cured = write_probability(one.cured, "cured")
        of = {"of": write_distribution(one.of, numbers=numbers)}
        parts = {"mixture_cure": {"cured": cured.pop("cured"), **of, **cured}}
    else:
        body = write_value(one.arguments, lambda given: arguments(one.family, given, numbers=numbers))
        parts = {one.family: body}
    is_covariate = isinstance(one.already, Covariate)
    return {
        **parts,
        "time_ratios": write_ratios(one.time_ratios),
        "already": str(one.already) if is_covariate else write_value(one.already, time_text),
        "hazard_ratios": write_ratios(one.hazard_ratios),
        "between": [write_value(end, amount) for end in one.between] if one.between is not None else None,
        "plus": write_value(one.plus, amount),
        "not_before": {stamp: write_value(time, time_text) for stamp, time in one.not_before} or None,
    }


def arguments(family: str, given: Mapping[str, Any], *, numbers: bool) -> Any:
    """The arguments of a family as the language has them."""
    amount: Callable[[float], Any] = number if numbers else time_text
    speed: Callable[[float], Any] = number if numbers else rate_text

    def points(pairs: Any, write: Callable[[float], Any]) -> dict[str, Any]:
        return {scalar_text(t) if numbers else time_text(t): write_value(v, write) for t, v in pairs}

    match family:
        case "fixed":
            return amount(given["value"])
        case "poisson":
            return number(given["mean"])
        case "life_table":
            from sim.scenario.language.life_tables import write_life_table

            return write_life_table(given["tables"])
        case "survival_table":
            return points(given["points"], number)
        case "beta" if "a" in given:
            return [write_value(given["a"]), write_value(given["b"])]
    if names := ALL_FAMILIES[family].listed:
        return [write_value(given[name], amount) for name in names]
    if "steps" in given:
        return points(given["steps"], speed)
    writers = {PLAIN: number, BARE: number, RATE: speed, SIGNED_RATE: speed}
    kinds = ALL_FAMILIES[family].arguments or {"then": RATE}
    found: dict[str, Any] = {}
    for name, argument in given.items():
        if name in ("survival", "risk"):
            found[name] = points(argument, number)
        elif isinstance(argument, tuple):
            found[name] = [write_value(one, amount if name == "iqr" else number) for one in argument]
        elif isinstance(argument, str):
            found[name] = argument
        else:
            found[name] = write_value(argument, writers.get(kinds.get(name, ""), amount))
    is_bare = any(kinds.get(name) == BARE for name in found) or family == "royston_parmar"
    if is_bare and not numbers:
        found["unit"] = "days"
    return found
