"""The uncertainty of a parameter: `{beta: {n: 333}}`, `{lognormal: {sigma: 0.2}}`.

A form without a centre is centred on the parameter's value; one with a centre of its own has to
lie near the value when the parameter is drawn. Here the families of one number; those of a vector
are in `joint_uncertainty`, lists and tables of values in `empirical`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

import sim.units as units
from sim.errors import InputError, Problems, Where, did_you_mean
from sim.scenario.source import empirical, joint_uncertainty
from sim.scenario.source.record import Uncertainty
from sim.scenario.source.tree import Node, flow, plain

_FORMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "beta": (("n",), ("a", "b"), ("mean", "sd")),
    "lognormal": (("sigma",), ("median", "sigma"), ("mean", "sigma"), ("mean", "sd"), ("meanlog", "sigma")),
    "normal": (("sd",), ("mean", "sd")),
    "gamma": (("sd",), ("shape",), ("mean", "sd"), ("mean", "shape"), ("shape", "scale"), ("shape", "rate")),
    "uniform": (("low", "high"),),
    "triangular": (("low", "mode", "high"),),
    "pert": (("low", "mode", "high"),),
}
"""The arguments that each family takes, in each of its forms; those of vectors and lists are read apart."""

_AS_LIST = {
    "beta": ("a", "b"),
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "pert": ("low", "mode", "high"),
}
FAMILIES = (*_FORMS, "dirichlet", "empirical")
_POSITIVE = frozenset({"n", "a", "b", "sigma", "shape", "sd", "scale", "rate"})
_PURE = frozenset({"n", "a", "b", "sigma", "shape", "meanlog", "rate"})
"""Arguments without a unit; the others are written like the value itself."""

Read: TypeAlias = Callable[[object], float]


def read(
    node: Node, value: Node, where: Where, problems: Problems, *, folder: str = ""
) -> Uncertainty | None:
    """The uncertainty written in a node, for this value; None, with a problem, if it is none.

    folder: where the path of a table is seen from if it is written in no file.
    """
    if not isinstance(node.value, dict):
        problems.add(where, "is not a mapping", "write it as `{beta: {n: 50}}`")
        return None
    families = [key for key in node.value if key != "follows"]
    if len(families) != 1:
        fact = f"has {len(families)} distributions" if families else "has no distribution"
        problems.add(where, fact, f"write one of {', '.join(FAMILIES)}")
        return None
    follows = _follows(node.value.get("follows"), where.at("follows"), problems)
    family = families[0]
    here = Where(node.keys[family], where.at(family).path)
    if family not in FAMILIES:
        fix = did_you_mean(family, FAMILIES) or f"one of {', '.join(FAMILIES)}"
        problems.add(here, f"`{family}` is not the distribution of a parameter", fix)
        return None
    try:
        found = _read(family, node.value[family], value, folder)
        if follows and (found.family in joint_uncertainty.FAMILIES or found.file):
            noun = "a table" if found.file else "a vector"
            raise InputError(f"{noun} follows no other parameter", "leave `follows` out")
    except InputError as error:
        problems.add(here, error.fact, error.fix)
        return None
    return replace(found, follows=follows)


def _read(family: str, node: Node, value: Node, folder: str) -> Uncertainty:
    if family == "dirichlet":
        return joint_uncertainty.dirichlet(node, value)
    if family == "normal" and isinstance(node.value, dict) and {"covariance", "log"} & set(node.value):
        return joint_uncertainty.joint_normal(node, value)
    quantity = _quantity(family, value)
    if family == "empirical":
        return empirical.read(node, quantity, kind=units.kind(value.value), folder=folder)
    arguments = _arguments(family, node, quantity, is_number=quantity is units.number)
    _check(family, arguments)
    centre = _moments(family, arguments)
    if centre is None:
        _check_can_be_centred(family, quantity(value.value))
    return Uncertainty(family, arguments, None if centre is None else {"": centre})


def _follows(node: Node | None, where: Where, problems: Problems) -> tuple[str, float] | None:
    if node is None:
        return None
    where = Where(node.place, where.path)
    if not isinstance(node.value, dict) or len(node.value) != 1:
        problems.add(where, "is not one parameter and a correlation", "write `{other: 0.8}`")
        return None
    ((other, correlation),) = node.value.items()
    try:
        rho = units.number(correlation.value)
        if not -1 <= rho <= 1:
            raise InputError(f"the correlation is {units.number_text(rho)}", "it lies in [-1, 1]")
    except InputError as error:
        problems.add(Where(correlation.place, where.at(other).path), error.fact, error.fix)
        return None
    return other, rho


# ---------------------------------------------------------------- one number


def _quantity(family: str, value: Node) -> Read:
    """How the numbers of a distribution are read: written like the value itself."""
    kind = "vector" if isinstance(value.value, (dict, list)) else units.kind(value.value)
    if kind == "vector":
        fix = "use `dirichlet`, or write its `covariance`" if family == "normal" else "use `dirichlet`"
        raise InputError(f"the value is a vector, {family} is for one number", fix)
    if kind not in ("number", "time", "rate"):
        fact = f"the value `{flow(plain(value))}` is not a number, time or rate"
        raise InputError(fact, "only these are uncertain")
    return {"number": units.number, "time": units.days, "rate": units.per_day}[kind]


def _arguments(family: str, node: Node, quantity: Read, *, is_number: bool) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, item in _named(family, node).items():
        if name in ("meanlog", "rate") and not is_number:
            raise InputError(f"`{name}` depends on the unit of time", "give the mean or the median")
        try:
            found[name] = (units.number if name in _PURE else quantity)(item.value)
        except InputError as error:
            raise InputError(f"{name}: {error.fact}", error.fix) from None
        if name in _POSITIVE and found[name] <= 0:
            raise InputError(f"{name} is {flow(plain(item))}", "it is more than 0")
    return found


def _named(family: str, node: Node) -> dict[str, Node]:
    """The arguments by name, whether written as a mapping or as a list."""
    if isinstance(node.value, list) and family in _AS_LIST:
        names = _AS_LIST[family]
        if len(node.value) != len(names):
            raise InputError(f"has {len(node.value)} numbers", f"{family} takes [{', '.join(names)}]")
        return dict(zip(names, node.value, strict=True))
    forms = _FORMS[family]
    if isinstance(node.value, dict):
        named = {"sigma" if key == "sdlog" else key: item for key, item in node.value.items()}
        if set(named) in [set(form) for form in forms] and len(named) == len(node.value):
            return named
        every = sorted({name for form in forms for name in form})
        unknown = next((key for key in named if key not in every), None)
        if unknown is not None:
            fix = did_you_mean(unknown, every) or _said(family)
            raise InputError(f"{family} has no argument `{unknown}`", fix)
    raise InputError(f"{flow(plain(node))} is not a {family}", _said(family))


def _said(family: str) -> str:
    forms = [f"{{{', '.join(form)}}}" for form in _FORMS[family]]
    if family in _AS_LIST:
        forms = [f"[{', '.join(_AS_LIST[family])}]"] + [
            form for form, names in zip(forms, _FORMS[family], strict=True) if names != _AS_LIST[family]
        ]
    return f"{family} takes {' or '.join(forms)}"


def _check(family: str, at: Mapping[str, float]) -> None:
    if family in ("uniform", "triangular", "pert"):
        low, high, mode = at["low"], at["high"], at.get("mode", at["low"])
        if not (low <= mode <= high and low < high):
            names = ", ".join(_AS_LIST[family])
            raise InputError("the bounds are not in order", f"write [{names}] from low to high")
    if family == "beta" and "mean" in at:
        mean, sd = at["mean"], at["sd"]
        if not (0 < mean < 1 and sd * sd < mean * (1 - mean)):
            fact = "no beta has this mean and standard deviation"
            raise InputError(fact, "the mean lies in (0, 1), sd^2 below mean x (1 - mean)")
    if family in ("gamma", "lognormal"):
        for name in ("mean", "median"):
            if name in at and at[name] <= 0:
                raise InputError(f"{name} is {units.number_text(at[name])}", "it is more than 0")


def _moments(family: str, at: Mapping[str, float]) -> tuple[float, float] | None:
    """The centre and standard deviation of a distribution, None where the value is the centre."""
    if family == "lognormal":
        return _lognormal_moments(at)
    if family == "beta" and "a" in at:
        mean = at["a"] / (at["a"] + at["b"])
        return mean, math.sqrt(mean * (1 - mean) / (at["a"] + at["b"] + 1))
    if family == "gamma" and ("scale" in at or "rate" in at):
        scale = at["scale"] if "scale" in at else 1 / at["rate"]
        return at["shape"] * scale, math.sqrt(at["shape"]) * scale
    if family == "gamma" and "shape" in at and "mean" in at:
        return at["mean"], at["mean"] / math.sqrt(at["shape"])
    if "mean" in at:
        return at["mean"], at["sd"]
    if "low" not in at:
        return None
    low, high = at["low"], at["high"]
    if family == "uniform":
        return (low + high) / 2, (high - low) / math.sqrt(12)
    mode = at["mode"]
    if family == "pert":
        mean = (low + 4 * mode + high) / 6
        return mean, math.sqrt((mean - low) * (high - mean) / 7)
    spread = low**2 + mode**2 + high**2 - low * mode - low * high - mode * high
    return (low + mode + high) / 3, math.sqrt(spread / 18)


def _lognormal_moments(at: Mapping[str, float]) -> tuple[float, float] | None:
    """The median and the standard deviation: exp(m + s^2 / 2) (exp(s^2) - 1)^(1/2)."""
    if tuple(at) == ("sigma",):
        return None
    try:
        variance = math.log1p((at["sd"] / at["mean"]) ** 2) if "sd" in at else at["sigma"] ** 2
        if "mean" in at:
            median = at["mean"] * math.exp(-variance / 2)
        else:
            median = at["median"] if "median" in at else math.exp(at["meanlog"])
        return median, median * math.exp(variance / 2) * math.sqrt(math.expm1(variance))
    except OverflowError:
        raise InputError("the distribution is too wide", "sigma is a number like 0.2") from None


def _check_can_be_centred(family: str, value: float) -> None:
    """A form without a centre fits around the value."""
    if family == "beta" and not 0 < value < 1:
        raise InputError("a beta cannot be centred on the value", "the value lies between 0 and 1")
    if family in ("lognormal", "gamma") and value <= 0:
        fact = f"a {family} cannot be centred on the value"
        raise InputError(fact, "the value is more than 0")
