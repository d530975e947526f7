"""Distributions of times and of numbers, with their modifiers, as they are read."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import sim.units as units
from sim.errors import InputError
from sim.scenario.language.conditions import mapped, read_value
from sim.scenario.language.distribution_writer import write_distribution
from sim.scenario.language.elements import Type
from sim.scenario.language.model import By, Cases, Covariate, Distribution, Probability, Value
from sim.scenario.language.node_reader import Known, PlacedNode, Unread, read_all
from sim.scenario.language.ratios import (
    LIMITS,
    read_categorical,
    read_ratios,
)
from sim.scenario.language.vocabulary import (
    ALL_FAMILIES,
    AS_PRINTED,
    BARE,
    BESIDE_A_TIME,
    FAMILIES,
    MODIFIERS,
    NUMBER_FAMILIES,
    PLAIN,
    RATE,
    SIGNED_RATE,
)
from sim.scenario.source.tree import flow, plain
from sim.units import number_text


class Distributions:
    """Reads distributions.

    numbers: of an attribute's value, not of a time. inside: within the `of` of a mixture.
    """

    def __init__(self, known: Known, *, numbers: bool = False, inside: bool = False) -> None:
        self.known = known
        self.numbers = numbers
        self.inside = inside

    # ------------------------------------------------------------ amounts

    def amount(self, node: PlacedNode) -> float:
        """A time in days, or a plain number where numbers are expected."""
        if not self.numbers:
            return node.time()
        if isinstance(node.value, str) and units.kind(node.value) in ("time", "rate"):
            fact = f"a plain number is expected here, not `{node.value}`"
            raise node.fail(fact, "an attribute's value has no unit")
        return node.number()

    def speed(self, node: PlacedNode) -> float:
        """A rate per day, or a plain number."""
        return node.number() if self.numbers else node.rate()

    def any_speed(self, node: PlacedNode) -> float:
        """As `speed`; may be negative."""
        if self.numbers:
            return node.number()
        return node.quantity(lambda value: units.per_day(value, negative=True))

    def value(self, node: PlacedNode, leaf: Callable[[PlacedNode], Any]) -> Any:
        """Read a number, a time or a choice."""
        return read_value(node, self.known, leaf)

    def time_key(self, node: PlacedNode, key: str) -> float:
        """Read a time that is a key."""
        return self.amount(node.at_key(key))

    # ------------------------------------------------------------ one distribution

    def read(self, node: PlacedNode) -> Value[Distribution]:
        """A distribution, or a choice of distributions."""
        return read_value(node, self.known, self.one)

    def one(self, node: PlacedNode) -> Distribution:
        """One distribution with its modifiers.

        Raises: Unread, its problems noted.
        """
        if not node.is_mapping:
            raise node.fail(
                f"a distribution is expected here, not {node.seen()}", self._distribution_of(node)
            )
        family = self._family(node)
        parts = self.modifiers(node)
        body = node.child(family)
        if "odds_ratios" in node.value and family != "categorical":
            node.fail_at_key("odds_ratios", f"`{family}` has no probabilities beside it", "use hazard_ratios")
        if self.inside:
            self._check_inside(node, family)
        if family == "categorical":
            categorical = read_categorical(node, self.known, self.time_key, are_times=not self.numbers)
            return Distribution("categorical", {}, body.where, categorical=categorical, **parts)
        if family == "mixture_cure":
            return self._mixture(body, parts)
        if family == "attribute":
            return Distribution("attribute", self._attribute(node, body), body.where, **parts)
        if family == "life_table" and "already" not in node.value:
            self.known.covariate(body, "current_age")
        arguments = self.value(body, lambda one: self.arguments(family, one))
        return Distribution(family, arguments, body.where, **parts)

    def _distribution_of(self, node: PlacedNode) -> str:
        """What to write for a value where a distribution is expected."""
        kind = "" if node.is_list else units.kind(node.value)
        if kind == "time":
            return f"write {{fixed: {node.value}}}, {{exponential: {{median: {node.value}}}}}, ..."
        if kind == "rate":
            return f"write {{exponential: {{rate: {node.value}}}}}"
        if kind == "number" and not self.numbers:
            return units.with_units(str(node.value), "time").replace("`", "{fixed: ", 1).replace("`", "}")
        return "write {fixed: 28 days}, {exponential: {median: 5 months}}, ..."

    def _family(self, node: PlacedNode) -> str:
        """The one family that a mapping names; its other keys are modifiers."""
        families = ALL_FAMILIES if self.numbers else FAMILIES
        found = [key for key in node.value if key in families]
        allowed = (*families, *MODIFIERS, "odds_ratios", *(("follows",) if self.numbers else ()))
        if "attribute" in node.value and not self.numbers:
            allowed = (*allowed, "unit")
        noun = "distribution"
        unknown = [key for key in node.value if key not in allowed]
        for key in unknown:
            fact = f"unknown {noun} or modifier `{key}`"
            if key in NUMBER_FAMILIES:
                node.fail_at_key(key, fact, "it is a distribution of an attribute's value, not of a time")
            elif key in BESIDE_A_TIME and not self.numbers:
                text = flow(plain(node.value[key]))
                node.fail_at_key(key, fact, f"write it beside the distribution, not in it: `{key}: {text}`")
            elif key in AS_PRINTED and not self.numbers:
                node.fail_at_key(key, fact, _inside_family(node, unknown, found))
            else:
                node.unknown(key, allowed, fact, f"{noun}s: {', '.join(families)}")
        if len(found) != 1:
            if unknown and not found:
                raise Unread
            fact = f"two {noun}s are given: {', '.join(found)}" if found else f"no {noun} is given here"
            fix = "keep one of them" if found else f"name one of {', '.join(families)}"
            if len(found) == 2 and found[0] == "mixture_cure":
                of = flow({found[1]: plain(node.value[found[1]])})
                fix = f"write mixture_cure: {{cured: ..., of: {of}}}"
            raise node.fail(fact, fix)
        return str(found[0])

    def _attribute(self, node: PlacedNode, body: PlacedNode) -> dict[str, str]:
        """The number attribute that a time is read from, and the unit it is in."""
        if self.numbers:
            fix = "to change a value to that of another attribute there is the effect `copy`"
            raise body.fail("`attribute` is the distribution of a time, not of an attribute's value", fix)
        name = self.known.covariate(body, body.text()).name
        kind = self.known.attributes.get(name)
        if kind is None or kind.kind not in ("number", "unread"):
            raise body.fail(
                f"`{body.text()}` is not an attribute with numbers", "a time is a number and its unit"
            )
        self._unit(node, [body.text()])
        return {"attribute": name, "unit": node.child("unit").text()}

    def _check_inside(self, node: PlacedNode, family: str) -> None:
        """Inside `of` stands a family with ratios that last."""
        fix = (
            "inside `of` only a family, time_ratios and hazard_ratios without time limits are allowed; "
            "put other modifiers beside mixture_cure"
        )
        for word in ("mixture_cure", "already", "between", "plus", "not_before"):
            if word in node.value:
                node.fail_at_key(word, f"`{word}` is not allowed inside `of`", fix)
        ratios = node.get("hazard_ratios")
        for item in ratios.items() if ratios is not None else ():
            for word in LIMITS:
                if item.is_mapping and word in item.value:
                    item.fail_at_key(word, "a ratio limited in time is not allowed inside `of`", fix)
        if family == "life_table":
            fix = "it counts from birth: write an event with it beside this one"
            node.fail_at_key(family, "`life_table` is not allowed inside `of`", fix)

    def _mixture(self, body: PlacedNode, parts: dict[str, Any]) -> Distribution:
        if not body.is_mapping:
            fix = "write mixture_cure: {cured: 0.35, of: {exponential: {median: 5 months}}}"
            raise body.fail(f"a mapping is expected here, not {body.seen()}", fix)
        mapping = body.mapping()
        unknown = [key for key in mapping if key not in ("cured", "of", "odds_ratios")]
        if unknown and "of" not in mapping and all(key in FAMILIES or key in MODIFIERS for key in unknown):
            within = {key: plain(mapping[key]) for key in unknown}
            rest = {key: plain(mapping[key]) for key in mapping if key not in unknown}
            fix = f"write mixture_cure: {flow({**rest, 'of': within})}"
            raise body.fail_at_key(unknown[0], "`of` is missing before the distribution of the uncured", fix)
        for key in unknown:
            allowed = ("cured", "of", "odds_ratios")
            more = f"mixture_cure has {', '.join(allowed)}"
            body.unknown(key, allowed, f"unknown key `{key}`", more=more)
        if unknown:
            raise Unread
        for key, example in (("cured", "0.35"), ("of", "{exponential: {median: 5 months}}")):
            if key not in mapping:
                there = "".join(f"{k}: {flow(plain(v))}, " for k, v in mapping.items())
                raise body.fail(f"`{key}` is missing", f"write mixture_cure: {{{there}{key}: {example}}}")
        odds = read_ratios(body.get("odds_ratios"), self.known)
        cured = Probability(
            self.value(body.child("cured"), PlacedNode.share), odds, body.child("cured").where
        )
        inner = Distributions(self.known, numbers=self.numbers, inside=True).read(body.child("of"))
        return Distribution("mixture_cure", {}, body.where, cured=cured, of=inner, **parts)

    # ------------------------------------------------------------ modifiers

    def modifiers(self, node: PlacedNode) -> dict[str, Any]:
        """The modifiers that stand beside a family, as arguments of Distribution."""
        found: dict[str, Any] = {}
        for word in ("time_ratios", "hazard_ratios"):
            if word in node.value:
                found[word] = read_ratios(node.child(word), self.known, word=word)
        if (already := node.get("already")) is not None:
            found["already"] = self._already(already)
        if (between := node.get("between")) is not None:
            low, high = self._exactly(between, 2, self.amount, "`between` has two ends", "write [low, high]")
            if isinstance(low, float) and isinstance(high, float) and low > high:
                raise between.fail("the low end of `between` is above the high one", "write [low, high]")
            found["between"] = (low, high)
        if (plus := node.get("plus")) is not None:
            found["plus"] = self.value(plus, self.amount)
        if (held := node.get("not_before")) is not None:
            found["not_before"] = tuple(self._hold(held, key, item) for key, item in held.children())
        for word in ("time_ratios", "already", "hazard_ratios", "plus", "not_before") if self.numbers else ():
            if word in node.value:
                fact = f"`{word}` acts on times, not on an attribute's value"
                node.fail_at_key(word, fact, "an attribute's distribution takes `between` alone")
        return found

    def _exactly(
        self, node: PlacedNode, n: int, leaf: Callable[[PlacedNode], float], fact: str, fix: str = ""
    ) -> tuple[Any, ...]:
        """A list of n values."""
        items = list(node.items())
        if len(items) != n:
            raise node.fail(fact, fix)
        return tuple(self.value(item, leaf) for item in items)

    def _already(self, node: PlacedNode) -> Value[float] | Covariate:
        if isinstance(node.value, str) and (node.value == "current_age" or node.value.startswith("since.")):
            return self.known.covariate(node, node.value)
        return read_value(node, self.known, PlacedNode.time)

    def _hold(self, node: PlacedNode, key: str, item: PlacedNode) -> tuple[str, Value[float]]:
        stamps = ["start", *self.known.stamps]
        if key not in stamps:
            raise node.unknown(key, stamps, f"there is no stamp `{key}`", "an effect `stamp: NAME` sets one")
        return key, self.value(item, PlacedNode.time)

    # ------------------------------------------------------------ arguments

    def arguments(self, family: str, node: PlacedNode) -> dict[str, Any]:
        """The named arguments of a family, in days and per day."""
        match family:
            case "fixed":
                return {"value": self.amount(node)}
            case "poisson":
                return {"mean": node.number()}
            case "piecewise_exponential":
                return self._piecewise(node)
            case "survival_table" if node.get("file") is not None:
                from sim.scenario.language.life_tables import read_curve

                return {"points": read_curve(node, self.known, lambda: self._unit(node, ["time"]))}
            case "survival_table":
                return {"points": self.points(node, PlacedNode.share)}
            case "life_table":
                from sim.scenario.language.life_tables import read_life_table

                return {"tables": read_life_table(node, self.known)}
            case "royston_parmar":
                return self._spline(node)
        if names := ALL_FAMILIES[family].listed:
            if not node.is_list or len(node.value) != len(names):
                seen = f"{len(node.value)} values" if node.is_list else node.seen()
                fix = f"write {{{family}: [{', '.join(names)}]}}"
                raise node.fail(f"`{family}` takes [{', '.join(names)}], not {seen}", fix)
            return {n: self.value(item, self.amount) for n, item in zip(names, node.items(), strict=True)}
        if family == "beta" and node.is_list:
            fact = f"2 numbers are expected here, not {len(node.value)}"
            a, b = self._exactly(node, 2, PlacedNode.number, fact)
            return {"a": a, "b": b}
        return self._named(family, ALL_FAMILIES[family].arguments or {}, node)

    def _named(self, family: str, own: dict[str, str], node: PlacedNode) -> dict[str, Any]:
        allowed = (*own, *AS_PRINTED, "unit")
        if not node.is_mapping:
            fix = f"it has {', '.join(own)}; or mean, median, sd, iqr, survival, risk"
            raise node.fail(f"`{family}` takes named arguments, not {node.seen()}", fix)
        unit = self._unit(node, [key for key, kind in own.items() if kind == BARE and key in node.value])

        def read_one(argument: tuple[str, PlacedNode]) -> tuple[str, Any]:
            key, item = argument
            if key not in allowed:
                fact = f"`{family}` has no argument `{key}`"
                raise node.unknown(key, allowed, fact, f"it has {', '.join(own)}")
            return key, self._argument(own.get(key, ""), key, item)

        found = dict(read_all([one for one in node.children() if one[0] != "unit"], read_one))
        if "sigma" in found and family == "lognormal":
            if "sdlog" in found:
                raise node.fail("`sigma` and `sdlog` are the same", "give one of them")
            found["sdlog"] = found.pop("sigma")
        if family == "weibull_ph" and unit != 1.0 and isinstance(found.get("shape"), By | Cases):
            fact = "a scale whose shape depends on the patient must be in days"
            raise node.fail(fact, "write `unit: days`")
        return in_days(family, found, unit)

    def _unit(self, node: PlacedNode, needing: list[str]) -> float:
        """The days of the unit that bare arguments are in."""
        unit = node.get("unit")
        if unit is None:
            if needing and not self.numbers:
                fact = f"`{needing[0]}` depends on the unit of time"
                raise node.fail(fact, "give it: `unit: months` (or days, years)")
            return 1.0
        try:
            return units.unit_of_time(unit.value)
        except InputError as error:
            raise unit.fail(error.fact, error.fix) from None

    def _argument(self, kind: str, key: str, node: PlacedNode) -> Any:
        if key == "iqr":
            return self._exactly(node, 2, self.amount, "`iqr` has two quartiles", "write [lower, upper]")
        if key in ("survival", "risk"):
            return self.points(node, PlacedNode.share)
        leaf = {
            PLAIN: PlacedNode.number,
            BARE: PlacedNode.number,
            RATE: self.speed,
            SIGNED_RATE: self.any_speed,
        }
        return self.value(node, leaf.get(kind, self.amount))

    def points(self, node: PlacedNode, read: Callable[[PlacedNode], float]) -> tuple[tuple[float, Any], ...]:
        """`{TIME: value}` in increasing order of time."""
        found: list[tuple[float, Any]] = []
        for key, item in node.children():
            time = self.time_key(node, key)
            if found and time <= found[-1][0]:
                fact = f"`{key}` is not later than the time before it"
                raise node.fail_at_key(key, fact, "times must increase")
            found.append((time, self.value(item, read)))
        if not found:
            raise node.fail("no point in time is given", "write {6 months: 0.73, 12 months: 0.50}")
        return tuple(found)

    def _piecewise(self, node: PlacedNode) -> dict[str, Any]:
        if not {"survival", "risk", "then"} & set(node.mapping()):
            return {"steps": self.points(node, self.speed)}
        found: dict[str, Any] = {}
        for key, item in node.children():
            if key in ("survival", "risk"):
                found[key] = self.points(item, PlacedNode.share)
            elif key == "then":
                found["then"] = self.value(item, self.speed)
            else:
                fix = "survival or risk points have `then: RATE` beside them"
                raise node.fail_at_key(key, f"unknown key `{key}`", fix)
        return found

    def _spline(self, node: PlacedNode) -> dict[str, Any]:
        for key in node.mapping():
            if key not in ("scale", "gamma", "knots", "unit"):
                fact = f"`royston_parmar` has no argument `{key}`"
                raise node.fail_at_key(key, fact, "it has scale, gamma, knots, unit")
        for key in ("scale", "gamma", "knots"):
            if key not in node.value:
                raise node.fail(f"`{key}` is missing", "royston_parmar has scale, gamma, knots, unit")
        scale = node.child("scale").one_of(("hazard", "odds", "normal"), "scale")
        gamma = tuple(self.value(item, PlacedNode.number) for item in node.child("gamma").items())
        unit = self._unit(node, ["gamma"])
        knots = tuple(self._knot(item, unit) for item in node.child("knots").items())
        if unit != 1.0 and any(isinstance(g, By | Cases) for g in gamma[:2]):
            fact = "coefficients that depend on the patient must be in days"
            raise node.child("gamma").fail(fact, "convert them, and write `unit: days`")
        if unit != 1.0 and len(gamma) > 1:
            gamma = (gamma[0] - gamma[1] * log(unit), *gamma[1:])
        return {"scale": scale, "gamma": gamma, "knots": tuple(k + log(unit) for k in knots)}

    def _knot(self, node: PlacedNode, unit: float) -> float:
        """The logarithm of a time, as a number."""
        if isinstance(node.value, str) and units.kind(node.value) == "time" and (time := node.time()) > 0.0:
            fact = f"{node.value} is a time, and knots are logarithms of times"
            raise node.fail(fact, f"write {number_text(round(log(time / unit), 4))}, its logarithm in `unit`")
        return node.number()


def in_days(family: str, found: dict[str, Any], unit: float) -> dict[str, Any]:
    """Arguments that depend on the unit of time, for time in days."""
    if unit == 1.0:
        return found
    for key in ("meanlog", "mu"):
        if key in found:
            found[key] = mapped(found[key], lambda v: v + log(unit))
    if family == "weibull_ph" and "scale" in found and "shape" in found:
        shape = found["shape"]
        found["scale"] = mapped(found["scale"], lambda v: v * unit**-shape)
    return found


DISTRIBUTION = Type("distribution", lambda node, known: Distributions(known).read(node), write_distribution)


def _inside_family(node: PlacedNode, unknown: list[str], found: list[str]) -> str:
    """What to write for arguments that stand beside a distribution, or without one."""
    inside = {key: plain(node.value[key]) for key in unknown}
    if found:
        within = plain(node.value[found[0]])
        inside = {**within, **inside} if isinstance(within, dict) else inside
        return f"write it inside `{found[0]}`: `{flow({found[0]: inside})[1:-1]}`"
    points = [value for value in inside.values() if isinstance(value, dict) and len(value) > 1]
    family = "weibull" if points or "shape" in inside else "exponential"
    family = "lognormal" if {"sd", "sigma", "iqr"} & set(inside) else family
    return f"write a distribution around it: `{flow({family: inside})[1:-1]}`"
