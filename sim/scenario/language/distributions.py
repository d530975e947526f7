"""Reading laws of time (and of numbers), their modifiers."""

from __future__ import annotations

from collections.abc import Callable
from math import log, log1p
from typing import Any

from sim import units
from sim.errors import InputError, did_you_mean
from sim.scenario.language.choices import read_value
from sim.scenario.language.model import By, Cases, Covariate, Distribution, Probability, Value
from sim.scenario.language.node_reader import Known, Spot, Unread
from sim.scenario.language.ratios import LIMITS, read_categorical, read_ratios
from sim.scenario.language.vocabulary import AS_PRINTED, FAMILIES, MODIFIERS, NUMBER_FAMILIES
from sim.scenario.source.csv_tables import cell_number, read_rows
from sim.scenario.source.tree import Node, key_value
from sim.units import number_text

TIME, RATE, PLAIN = "time", "rate", "plain"
ARGUMENTS: dict[str, dict[str, str]] = {
    "exponential": {"rate": RATE},
    "weibull": {"shape": PLAIN, "scale": TIME},
    "weibull_ph": {"shape": PLAIN, "scale": "unit"},
    "gompertz": {"shape": "signed rate", "rate": RATE},
    "lognormal": {"meanlog": "unit", "sdlog": PLAIN, "sigma": PLAIN},
    "loglogistic": {"shape": PLAIN, "scale": TIME},
    "gamma": {"shape": PLAIN, "rate": RATE, "scale": TIME},
    "generalised_gamma": {"mu": "unit", "sigma": PLAIN, "Q": PLAIN},
    "generalised_f": {"mu": "unit", "sigma": PLAIN, "Q": PLAIN, "P": PLAIN},
    "normal": {"mean": TIME, "sd": TIME},
    "beta": {"mean": PLAIN, "sd": PLAIN},
}
LISTS = {"uniform": ("low", "high"), "triangular": ("low", "mode", "high"), "pert": ("low", "mode", "high")}


class Laws:
    """Reads laws; `numbers` where an attribute's value is due, not a time; `inside` the `of` of a mixture."""

    def __init__(self, known: Known, *, numbers: bool = False, inside: bool = False) -> None:
        self.known = known
        self.numbers = numbers
        self.inside = inside

    # ------------------------------------------------------------ amounts

    def amount(self, spot: Spot) -> float:
        """A time in days, or a plain number where numbers are due."""
        if not self.numbers:
            return spot.time()
        if isinstance(spot.value, str) and units.kind(spot.value) in ("time", "rate"):
            raise spot.fail(
                f"a plain number is due here, not `{spot.value}`", "an attribute's value has no unit"
            )
        return spot.number()

    def signed_amount(self, spot: Spot) -> float:
        """As `amount`; a number may be negative."""
        return self.amount(spot)

    def speed(self, spot: Spot) -> float:
        """A rate per day, or a plain number."""
        return spot.number() if self.numbers else spot.rate()

    def any_speed(self, spot: Spot) -> float:
        """As `speed`; may be negative."""
        if self.numbers:
            return spot.number()
        return spot.quantity(lambda value: units.per_day(value, negative=True))

    def value(self, spot: Spot, leaf: Callable[[Spot], Any]) -> Any:
        return read_value(spot, self.known, leaf)

    # ------------------------------------------------------------ the law

    def law(self, spot: Spot) -> Value[Distribution]:
        """A law, or a choice of laws."""
        return read_value(spot, self.known, self.one)

    def one(self, spot: Spot) -> Distribution:
        """One law with its modifiers.

        Raises: Unread, its problems noted.
        """
        if not spot.is_mapping:
            raise spot.fail(
                f"a law is due here, not {spot.seen()}",
                "write {fixed: 28 days}, {exponential: {median: 5 months}}, ...",
            )
        family = self._family(spot)
        parts = self.modifiers(spot)
        body = spot.child(family)
        if "odds_ratios" in spot.value and family != "categorical":
            spot.fail_at_key("odds_ratios", f"`{family}` has no probabilities beside it", "use hazard_ratios")
        if self.inside:
            self._check_inside(spot, family)
        if family == "categorical":
            categorical = read_categorical(spot, self.known, self._time_key, are_times=not self.numbers)
            return Distribution("categorical", {}, body.where, categorical=categorical, **parts)
        if family == "mixture_cure":
            return self._mixture(body, parts)
        if family == "life_table" and "already" not in spot.value:
            self.known.covariate(body, "current_age")
        arguments = self.value(body, lambda s: self.arguments(family, s))
        return Distribution(family, arguments, body.where, **parts)

    def _family(self, spot: Spot) -> str:
        """The one family that a mapping names; its other keys are modifiers."""
        families = {**FAMILIES, **(NUMBER_FAMILIES if self.numbers else {})}
        found = [key for key in spot.value if key in families]
        allowed = (*families, *MODIFIERS, "odds_ratios", *(("follows",) if self.numbers else ()))
        noun = "distribution" if self.numbers else "law"
        unknown = [key for key in spot.value if key not in allowed]
        for key in unknown:
            near = did_you_mean(key, allowed) or f"{noun}s: {', '.join(families)}"
            if key in NUMBER_FAMILIES:
                near = "it is a distribution of an attribute's value, not a law of time"
            spot.fail_at_key(key, f"unknown {noun} or modifier `{key}`", near)
        if len(found) != 1:
            if unknown and not found:
                raise Unread
            fact = f"two {noun}s stand here: {', '.join(found)}" if found else f"no {noun} is named here"
            raise spot.fail(fact, "keep one of them" if found else f"name one of {', '.join(families)}")
        return str(found[0])

    def _check_inside(self, spot: Spot, family: str) -> None:
        """Inside `of` stands a family with ratios that last."""
        fix = (
            "inside `of` stand a family, time_ratios and lasting hazard_ratios; others go beside mixture_cure"
        )
        for word in ("mixture_cure", "already", "between", "plus", "not_before"):
            if word in spot.value:
                spot.fail_at_key(word, f"`{word}` cannot stand inside `of`", fix)
        ratios = spot.get("hazard_ratios")
        for item in ratios.items() if ratios is not None else ():
            for word in LIMITS:
                if item.is_mapping and word in item.value:
                    item.fail_at_key(word, "a ratio limited in time cannot stand inside `of`", fix)
        if family == "life_table":
            spot.fail_at_key(
                family,
                "`life_table` cannot stand inside `of`",
                "it counts from birth, and nobody is cured of age",
            )

    def _time_key(self, spot: Spot, key: str) -> float:
        at_key = Spot(Node(spot.node.keys[key], key_value(key)), spot.where.at(key).path, spot.problems)
        return self.amount(at_key)

    def _mixture(self, body: Spot, parts: dict[str, Any]) -> Distribution:
        mapping = body.mapping()
        unknown = [key for key in mapping if key not in ("cured", "of", "odds_ratios")]
        for key in unknown:
            body.fail_at_key(key, f"unknown key `{key}`", "mixture_cure has cured, of, odds_ratios")
        if unknown:
            raise Unread
        for key in ("cured", "of"):
            if key not in mapping:
                raise body.fail(f"`{key}` is missing", "write {mixture_cure: {cured: 0.35, of: LAW}}")
        odds = read_ratios(body.get("odds_ratios"), self.known)
        cured = Probability(self.value(body.child("cured"), Spot.share), odds, body.child("cured").where)
        inner = Laws(self.known, numbers=self.numbers, inside=True).law(body.child("of"))
        return Distribution("mixture_cure", {}, body.where, cured=cured, of=inner, **parts)

    # ------------------------------------------------------------ modifiers

    def modifiers(self, spot: Spot) -> dict[str, Any]:
        """The modifiers that stand beside a family, as arguments of Distribution."""
        found: dict[str, Any] = {}
        for word in ("time_ratios", "hazard_ratios"):
            if word in spot.value:
                found[word] = read_ratios(spot.child(word), self.known, word=word)
        if (already := spot.get("already")) is not None:
            found["already"] = self._already(already)
        if (between := spot.get("between")) is not None:
            limits = list(between.items())
            if len(limits) != 2:
                raise between.fail("`between` has two ends", "write [low, high]")
            low, high = (self.value(limit, self.signed_amount) for limit in limits)
            if isinstance(low, float) and isinstance(high, float) and low > high:
                raise between.fail("the low end of `between` is above the high one", "write [low, high]")
            found["between"] = (low, high)
        if (plus := spot.get("plus")) is not None:
            found["plus"] = self.value(plus, self.amount)
        if (held := spot.get("not_before")) is not None:
            found["not_before"] = tuple(self._hold(held, key, item) for key, item in held.children())
        if self.numbers:
            for word in ("time_ratios", "already", "hazard_ratios", "plus", "not_before"):
                if word in spot.value:
                    fact = f"`{word}` acts on times, not on an attribute's value"
                    spot.fail_at_key(word, fact, "an attribute's distribution takes `between` alone")
        return found

    def _already(self, spot: Spot) -> Value[float] | Covariate:
        if isinstance(spot.value, str) and (spot.value == "current_age" or spot.value.startswith("since.")):
            return self.known.covariate(spot, spot.value)
        return read_value(spot, self.known, Spot.time)

    def _hold(self, spot: Spot, key: str, item: Spot) -> tuple[str, Value[float]]:
        if key != "start" and key not in self.known.stamps:
            near = did_you_mean(key, ["start", *self.known.stamps])
            spot.fail_at_key(key, f"there is no stamp `{key}`", near or "an effect `stamp: NAME` sets one")
            raise Unread
        return key, self.value(item, Spot.time)

    # ------------------------------------------------------------ arguments

    def arguments(self, family: str, spot: Spot) -> dict[str, Any]:
        """The named arguments of a family, in days and per day."""
        if family == "fixed":
            return {"value": self.amount(spot)}
        if family == "poisson":
            return {"mean": spot.number()}
        if family in LISTS:
            return self._listed(family, spot)
        if family == "beta" and spot.is_list:
            a, b = self._numbers(spot, 2)
            return {"a": a, "b": b}
        if family == "piecewise_exponential":
            return self._piecewise(spot)
        if family == "survival_table":
            return {"points": self.points(spot, Spot.share)}
        if family == "life_table":
            return {"tables": self._life_table(spot)}
        if family == "royston_parmar":
            return self._spline(spot)
        return self._named(family, spot)

    def _listed(self, family: str, spot: Spot) -> dict[str, Any]:
        names = LISTS[family]
        if not spot.is_list or len(spot.value) != len(names):
            seen = f"{len(spot.value)} values" if spot.is_list else spot.seen()
            fix = f"write {{{family}: [{', '.join(names)}]}}"
            raise spot.fail(f"`{family}` takes [{', '.join(names)}], not {seen}", fix)
        return {n: self.value(item, self.signed_amount) for n, item in zip(names, spot.items(), strict=True)}

    def _numbers(self, spot: Spot, n: int) -> list[Any]:
        items = list(spot.items())
        if len(items) != n:
            raise spot.fail(f"{n} numbers are due here, not {len(items)}")
        return [self.value(item, Spot.number) for item in items]

    def _named(self, family: str, spot: Spot) -> dict[str, Any]:
        own = ARGUMENTS[family]
        allowed = (*own, *AS_PRINTED, "unit")
        if not spot.is_mapping:
            raise spot.fail(
                f"`{family}` takes named arguments, not {spot.seen()}",
                f"it has {', '.join(own)}; or mean, median, sd, iqr, survival, risk",
            )
        unit = self._unit(spot, [key for key, kind in own.items() if kind == "unit" and key in spot.value])
        found: dict[str, Any] = {}
        failed = False
        for key, item in spot.children():
            if key == "unit":
                continue
            if key not in allowed:
                near = did_you_mean(key, allowed)
                spot.fail_at_key(
                    key, f"`{family}` has no argument `{key}`", near or f"it has {', '.join(own)}"
                )
                failed = True
                continue
            try:
                found[key] = self._argument(own.get(key, ""), key, item)
            except Unread:
                failed = True
        if failed:
            raise Unread
        if "sigma" in found and family == "lognormal":
            if "sdlog" in found:
                raise spot.fail("`sigma` and `sdlog` are the same", "give one of them")
            found["sdlog"] = found.pop("sigma")
        if family == "weibull_ph" and unit != 1.0 and isinstance(found.get("shape"), By | Cases):
            raise spot.fail(
                "a scale whose shape depends on the patient must be in days", "write `unit: days`"
            )
        return in_days(family, found, unit)

    def _unit(self, spot: Spot, needing: list[str]) -> float:
        """The days of the unit that bare arguments are in."""
        unit = spot.get("unit")
        if unit is None:
            if needing and not self.numbers:
                raise spot.fail(
                    f"`{needing[0]}` depends on the unit of time",
                    "say which: `unit: months` (or days, years)",
                )
            return 1.0
        try:
            return units.unit_of_time(unit.value)
        except InputError as refused:
            raise unit.fail(refused.fact, refused.fix) from None

    def _argument(self, kind: str, key: str, spot: Spot) -> Any:
        if key == "iqr":
            quartiles = list(spot.items())
            if len(quartiles) != 2:
                raise spot.fail("`iqr` has two quartiles", "write [lower, upper]")
            return tuple(self.value(q, self.amount) for q in quartiles)
        if key in ("survival", "risk"):
            return self.points(spot, Spot.share)
        if kind in (PLAIN, "unit"):
            return self.value(spot, Spot.number)
        if kind == RATE:
            return self.value(spot, self.speed)
        if kind == "signed rate":
            return self.value(spot, self.any_speed)
        return self.value(spot, self.signed_amount)

    def points(self, spot: Spot, read: Callable[[Spot], float]) -> tuple[tuple[float, Any], ...]:
        """`{TIME: value}` in increasing order of time."""
        found: list[tuple[float, Any]] = []
        for key, item in spot.children():
            time = self._time_key(spot, key)
            if found and time <= found[-1][0]:
                spot.fail_at_key(key, f"`{key}` does not come after the time before it", "let times increase")
                raise Unread
            found.append((time, self.value(item, read)))
        if not found:
            raise spot.fail("no point in time is given", "write {6 months: 0.73, 12 months: 0.50}")
        return tuple(found)

    def _piecewise(self, spot: Spot) -> dict[str, Any]:
        mapping = spot.mapping()
        if not {"survival", "risk", "then"} & set(mapping):
            return {"steps": self.points(spot, self.speed)}
        found: dict[str, Any] = {}
        for key, item in spot.children():
            if key in ("survival", "risk"):
                found[key] = self.points(item, Spot.share)
            elif key == "then":
                found["then"] = self.value(item, self.speed)
            else:
                spot.fail_at_key(
                    key, f"unknown key `{key}`", "survival or risk points have `then: RATE` beside them"
                )
                raise Unread
        return found

    def _spline(self, spot: Spot) -> dict[str, Any]:
        for key in spot.mapping():
            if key not in ("scale", "gamma", "knots", "unit"):
                spot.fail_at_key(
                    key, f"`royston_parmar` has no argument `{key}`", "it has scale, gamma, knots, unit"
                )
                raise Unread
        for key in ("scale", "gamma", "knots"):
            if key not in spot.value:
                raise spot.fail(f"`{key}` is missing", "royston_parmar has scale, gamma, knots, unit")
        scale = spot.child("scale").one_of(("hazard", "odds", "normal"), "scale")
        gamma = tuple(self.value(item, Spot.number) for item in spot.child("gamma").items())
        knots = tuple(item.number() for item in spot.child("knots").items())
        unit = self._unit(spot, ["gamma"])
        if unit != 1.0 and any(isinstance(g, By | Cases) for g in gamma[:2]):
            raise spot.child("gamma").fail(
                "coefficients that depend on the patient must be in days", "unit: days"
            )
        if unit != 1.0 and len(gamma) > 1:
            gamma = (gamma[0] - gamma[1] * log(unit), *gamma[1:])
        return {"scale": scale, "gamma": gamma, "knots": tuple(k + log(unit) for k in knots)}

    # ------------------------------------------------------------ life tables

    def _life_table(self, spot: Spot) -> Any:
        """The table of a file, or the rows of a resolved form."""
        mapping = spot.mapping()
        if "rows" in mapping:
            return self.value(spot.child("rows"), self._rows)
        if "file" not in mapping:
            raise spot.fail("`file` is missing", "write {file: table.csv}, its path seen from this file")
        file = spot.child("file")
        rows = read_rows(file, self.known)
        return self._table(file, rows)

    def _rows(self, spot: Spot) -> dict[str, Any]:
        points = []
        for key, item in spot.children():
            at_key = Spot(Node(spot.node.keys[key], key_value(key)), item.path, spot.problems)
            points.append((at_key.number(), item.number()))
        return {"ages": tuple(a for a, _ in points), "rates": tuple(r for _, r in points)}

    def _table(self, spot: Spot, rows: list[dict[str, str]]) -> Any:
        if "age" not in rows[0] or not {"rate", "probability"} & set(rows[0]):
            raise spot.fail("a life table has columns `age` and `rate` or `probability`, and at least a row")
        own = ("age", "rate", "probability")
        by = [c for c in rows[0] if c in self.known.attributes and c not in own]
        unknown = [c for c in rows[0] if c not in (*by, *own)]
        if unknown:
            fix = did_you_mean(unknown[0], self.known.attributes) or "declare it, or leave the column out"
            raise spot.fail(f"the column `{unknown[0]}` is no attribute", fix)
        return self._split(spot, rows, by)

    def _split(self, spot: Spot, rows: list[dict[str, str]], by: list[str]) -> Any:
        if not by:
            return self._one_table(spot, rows)
        covariate = Covariate("attribute", by[0])
        entries = []
        for value in dict.fromkeys(row[by[0]] for row in rows):
            key = self.known.scalar(
                Spot(Node(spot.node.place, key_value(value)), spot.path, spot.problems), covariate
            )
            entries.append((key, self._split(spot, [r for r in rows if r[by[0]] == value], by[1:])))
        return By(covariate, tuple(entries), None, spot.where)

    def _one_table(self, spot: Spot, rows: list[dict[str, str]]) -> dict[str, Any]:
        ages: list[float] = []
        rates: list[float] = []
        for row in rows:
            age, rate = self._row(spot, row)
            if ages and age <= ages[-1]:
                raise spot.fail(
                    f"age {row['age']} comes after age {number_text(ages[-1])}", "let ages increase"
                )
            ages.append(age)
            rates.append(rate)
        return {"ages": tuple(ages), "rates": tuple(rates)}

    def _row(self, spot: Spot, row: dict[str, str]) -> tuple[float, float]:
        """Age in years and rate per year of one row."""
        word = "rate" if row.get("rate") else "probability"
        written = row.get(word) or ""
        age, value = cell_number(row["age"]), cell_number(written)
        if age is None or value is None:
            fact = f"the row of age `{row['age']}` has `{written}` as {word}"
            raise spot.fail(fact, "both are numbers")
        if word == "probability" and not 0.0 <= value < 1.0:
            raise spot.fail(
                f"{written} is no yearly probability (age {row['age']})", "it is at least 0 and below 1"
            )
        if value < 0.0 or age < 0.0:
            raise spot.fail(f"{written} is no yearly rate (age {row['age']})", "it is 0 or more")
        return age, value if word == "rate" else -log1p(-value)


def in_days(family: str, found: dict[str, Any], unit: float) -> dict[str, Any]:
    """Arguments that depend on the unit of time, for time in days."""
    if unit == 1.0:
        return found
    for key in ("meanlog", "mu"):
        if key in found:
            found[key] = shifted(found[key], lambda v: v + log(unit))
    if family == "weibull_ph" and "scale" in found and "shape" in found:
        shape = found["shape"]
        found["scale"] = shifted(found["scale"], lambda v: v * unit**-shape)
    return found


def shifted(value: Any, change: Callable[[float], float]) -> Any:
    """A number that may depend on the patient, changed wherever it ends."""
    if isinstance(value, By):
        rest = None if value.rest is None else shifted(value.rest, change)
        return By(
            value.covariate, tuple((k, shifted(v, change)) for k, v in value.entries), rest, value.where
        )
    if isinstance(value, Cases):
        return Cases(tuple((w, shifted(v, change)) for w, v in value.items), value.where)
    return change(value)
