"""Reading laws of time (and of numbers), their modifiers, ratios and probabilities."""

from __future__ import annotations

import csv
from collections.abc import Callable
from math import inf, log
from pathlib import Path
from typing import Any

from sim import units
from sim.errors import Refused, did_you_mean
from sim.scenario.choices import is_by, is_cases, read_value
from sim.scenario.conditions import read_condition
from sim.scenario.model import (
    REST,
    UNCHANGED,
    By,
    Cases,
    Categorical,
    Covariate,
    Entries,
    Law,
    Probability,
    Ratio,
    Rest,
    Scalar,
    Value,
)
from sim.scenario.spots import Known, Spot, Unread
from sim.scenario.tree import Node, scalar
from sim.scenario.words import AS_PRINTED, FAMILIES, MODIFIERS, NUMBER_FAMILIES

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
WEIGHT_TOLERANCE = 1e-9


class Laws:
    """Reads laws; `numbers` where an attribute's value is due, not a time."""

    def __init__(self, known: Known, *, numbers: bool = False) -> None:
        self.known = known
        self.numbers = numbers

    # ------------------------------------------------------------ amounts

    def amount(self, spot: Spot) -> float:
        """A time in days, or a plain number where numbers are due."""
        if not self.numbers:
            return spot.time()
        if isinstance(spot.value, str) and units.kind(spot.value) in ("time", "rate"):
            raise spot.fail(f"a plain number is due here, not `{spot.value}`", "an attribute's value has no unit")
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

    def law(self, spot: Spot) -> Value[Law]:
        """A law, or a choice of laws."""
        return self.value(spot, self.one)

    def one(self, spot: Spot) -> Law:
        """One law with its modifiers.

        Raises: Unread, its problems noted.
        """
        if not spot.is_mapping:
            raise spot.fail(
                f"a law is due here, not {spot.seen()}", "write {fixed: 28 days}, {exponential: {median: 5 months}}, ..."
            )
        families = {**FAMILIES, **(NUMBER_FAMILIES if self.numbers else {})}
        found = [key for key in spot.value if key in families]
        allowed = (*families, *MODIFIERS, "odds_ratios", *(("follows",) if self.numbers else ()))
        for key in spot.value:
            if key not in allowed:
                near = did_you_mean(key, allowed)
                spot.fail_at_key(key, f"unknown law or modifier `{key}`", near or f"laws: {', '.join(families)}")
        if len(found) != 1:
            if not found and any(key not in allowed for key in spot.value):
                raise Unread
            fact = "no law of time is named here" if not found else f"two laws stand here: {', '.join(found)}"
            raise spot.fail(fact, f"name one of {', '.join(families)}")
        family = found[0]
        parts = self.modifiers(spot)
        body = spot.child(family)
        if "odds_ratios" in spot.value and family not in ("categorical", "bernoulli"):
            spot.fail_at_key("odds_ratios", f"`{family}` has no probabilities beside it", "use hazard_ratios")
        if family == "categorical":
            categorical = read_categorical(spot, self.known, self._time_key)
            return Law("categorical", {}, spot.where, categorical=categorical, **parts)
        if family == "mixture_cure":
            return self._mixture(spot, body, parts)
        arguments = self.value(body, lambda s: self.arguments(family, s))
        return Law(family, arguments, spot.where, **parts)

    def _time_key(self, spot: Spot, key: str) -> float:
        at_key = Spot(Node(spot.node.keys[key], scalar(key)), spot.where.at(key).path, spot.problems)
        return self.amount(at_key)

    def _mixture(self, spot: Spot, body: Spot, parts: dict[str, Any]) -> Law:
        mapping = body.mapping()
        for key in mapping:
            if key not in ("cured", "of", "odds_ratios"):
                body.fail_at_key(key, f"unknown key `{key}`", "mixture_cure has cured, of, odds_ratios")
        for key in ("cured", "of"):
            if key not in mapping:
                raise body.fail(f"`{key}` is missing", "write {mixture_cure: {cured: 0.35, of: LAW}}")
        odds = read_ratios(body.get("odds_ratios"), self.known)
        cured = Probability(self.value(body.child("cured"), Spot.share), odds, body.child("cured").where)
        return Law("mixture_cure", {}, spot.where, cured=cured, of=self.law(body.child("of")), **parts)

    # ------------------------------------------------------------ modifiers

    def modifiers(self, spot: Spot) -> dict[str, Any]:
        """The modifiers that stand beside a family, as arguments of Law."""
        found: dict[str, Any] = {}
        for word in ("time_ratios", "hazard_ratios"):
            if word in spot.value:
                found[word] = read_ratios(spot.child(word), self.known)
        if (already := spot.get("already")) is not None:
            found["already"] = self._already(already)
        if (between := spot.get("between")) is not None:
            limits = list(between.items())
            if len(limits) != 2:
                raise between.fail("`between` has two ends", "write [low, high]")
            found["between"] = tuple(self.value(limit, self.signed_amount) for limit in limits)
        if (plus := spot.get("plus")) is not None:
            found["plus"] = self.value(plus, self.amount)
        if (held := spot.get("not_before")) is not None:
            found["not_before"] = tuple(self._hold(held, key, item) for key, item in held.children())
        if self.numbers:
            for word in ("time_ratios", "already", "hazard_ratios", "not_before"):
                if word in spot.value:
                    spot.fail_at_key(word, f"`{word}` acts on times, not on an attribute's value")
        return found

    def _already(self, spot: Spot) -> Value[float] | Covariate:
        if isinstance(spot.value, str) and (spot.value == "current_age" or spot.value.startswith("since.")):
            return self.known.covariate(spot, spot.value)
        return self.value(spot, Spot.time)

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
            raise spot.fail(f"`{family}` takes [{', '.join(names)}], not {spot.seen()}")
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
            raise spot.fail(f"`{family}` takes named arguments, not {spot.seen()}", f"it has {', '.join(own)}; or "
                            "mean, median, sd, iqr, survival, risk")
        unit = self._unit(spot, [key for key, kind in own.items() if kind == "unit" and key in spot.value])
        found: dict[str, Any] = {}
        failed = False
        for key, item in spot.children():
            if key == "unit":
                continue
            if key not in allowed:
                near = did_you_mean(key, allowed)
                spot.fail_at_key(key, f"`{family}` has no argument `{key}`", near or f"it has {', '.join(own)}")
                failed = True
                continue
            try:
                found[key] = self._argument(own.get(key, ""), key, item)
            except Unread:
                failed = True
        if failed:
            raise Unread
        if "sigma" in found and family == "lognormal":
            found["sdlog"] = found.pop("sigma")
        return in_days(family, found, unit)

    def _unit(self, spot: Spot, needing: list[str]) -> float:
        """The days of the unit that bare arguments are in."""
        unit = spot.get("unit")
        if unit is None:
            if needing and not self.numbers:
                raise spot.fail(
                    f"`{needing[0]}` depends on the unit of time", "say which: `unit: months` (or days, years)"
                )
            return 1.0
        try:
            return units.unit_of_time(unit.value)
        except Refused as refused:
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
                spot.fail_at_key(key, f"unknown key `{key}`", "survival or risk points have `then: RATE` beside them")
                raise Unread
        return found

    def _spline(self, spot: Spot) -> dict[str, Any]:
        for key in spot.mapping():
            if key not in ("scale", "gamma", "knots", "unit"):
                spot.fail_at_key(key, f"`royston_parmar` has no argument `{key}`", "it has scale, gamma, knots, unit")
                raise Unread
        for key in ("scale", "gamma", "knots"):
            if key not in spot.value:
                raise spot.fail(f"`{key}` is missing", "royston_parmar has scale, gamma, knots, unit")
        scale = spot.child("scale").one_of(("hazard", "odds", "normal"), "scale")
        gamma = tuple(self.value(item, Spot.number) for item in spot.child("gamma").items())
        knots = tuple(item.number() for item in spot.child("knots").items())
        unit = self._unit(spot, ["gamma"])
        if unit != 1.0 and any(isinstance(g, By | Cases) for g in gamma[:2]):
            raise spot.child("gamma").fail("coefficients that depend on the patient must be in days", "unit: days")
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
        path = Path(self.known.folder) / file.text()
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise file.fail(f"the table {path} cannot be read: {reason(error)}") from None
        return self._table(file, rows)

    def _rows(self, spot: Spot) -> dict[str, Any]:
        points = []
        for key, item in spot.children():
            at_key = Spot(Node(spot.node.keys[key], scalar(key)), item.path, spot.problems)
            points.append((at_key.number(), item.number()))
        return {"ages": tuple(a for a, _ in points), "rates": tuple(r for _, r in points)}

    def _table(self, spot: Spot, rows: list[dict[str, str]]) -> Any:
        if not rows or "age" not in rows[0] or not {"rate", "probability"} & set(rows[0]):
            raise spot.fail("a life table has columns `age` and `rate` or `probability`, and at least a row")
        by = [c for c in rows[0] if c in self.known.attributes]
        unknown = [c for c in rows[0] if c not in (*by, "age", "rate", "probability")]
        if unknown:
            raise spot.fail(f"the column `{unknown[0]}` is no attribute", did_you_mean(unknown[0], self.known.attributes))
        return self._split(spot, rows, by)

    def _split(self, spot: Spot, rows: list[dict[str, str]], by: list[str]) -> Any:
        if not by:
            return self._one_table(spot, rows)
        covariate = Covariate("attribute", by[0])
        entries = []
        for value in dict.fromkeys(row[by[0]] for row in rows):
            key = self.known.scalar(Spot(Node(spot.node.place, scalar(value)), spot.path, spot.problems), covariate)
            entries.append((key, self._split(spot, [r for r in rows if r[by[0]] == value], by[1:])))
        return By(covariate, tuple(entries), None, spot.where)

    def _one_table(self, spot: Spot, rows: list[dict[str, str]]) -> dict[str, Any]:
        ages: list[float] = []
        rates: list[float] = []
        for row in rows:
            try:
                age = float(row["age"])
                if row.get("rate"):
                    rate = float(row["rate"])
                else:
                    rate = -log(1.0 - float(row["probability"]))
            except (ValueError, TypeError, KeyError):
                raise spot.fail(f"the row {dict(row)} has no numbers in age and rate or probability") from None
            if rate < 0 or (ages and age <= ages[-1]):
                raise spot.fail(f"age {row['age']}: ages must increase and rates must not be negative")
            ages.append(age)
            rates.append(rate)
        return {"ages": tuple(ages), "rates": tuple(rates)}


def reason(error: Exception) -> str:
    """What went wrong, without the path."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def in_days(family: str, found: dict[str, Any], unit: float) -> dict[str, Any]:
    """Arguments that depend on the unit of time, for time in days."""
    if unit == 1.0:
        return found
    for key in ("meanlog", "mu"):
        if key in found:
            found[key] = shifted(found[key], lambda v: v + log(unit))
    if family == "weibull_ph" and "scale" in found:
        shape = found["shape"]
        found["scale"] = shifted(found["scale"], lambda v: v * unit**-shape)
    return found


def shifted(value: Any, change: Callable[[float], float]) -> Any:
    """A number that may depend on the patient, changed wherever it ends."""
    if isinstance(value, By):
        rest = None if value.rest is None else shifted(value.rest, change)
        return By(value.covariate, tuple((k, shifted(v, change)) for k, v in value.entries), rest, value.where)
    if isinstance(value, Cases):
        return Cases(tuple((w, shifted(v, change)) for w, v in value.items), value.where)
    return change(value)


# ---------------------------------------------------------------- ratios


def read_ratios(spot: Spot | None, known: Known, entries: tuple[Any, ...] | None = None) -> tuple[Ratio, ...]:
    """A list of ratios; entries: what `of` may name, None where there is but one probability or a law."""
    if spot is None:
        return ()
    return tuple(read_ratio(item, known, entries) for item in spot.items())


def read_ratio(spot: Spot, known: Known, entries: tuple[Any, ...] | None) -> Ratio:
    """One ratio."""
    mapping = spot.section("ratio")
    if ("value" in mapping) == ("log" in mapping):
        raise spot.fail("a ratio has `value` or `log`, one of the two")
    when = spot.get("when")
    per = spot.get("per")
    if per is None and ("centre" in mapping or "above" in mapping):
        raise spot.fail("`centre` and `above` belong to `per`", "say which covariate: `per: age`")
    if "centre" in mapping and "above" in mapping:
        raise spot.fail("`centre` and `above` exclude each other")
    covariate = known.covariate(per, per.text()) if per is not None else None
    begin, end = spot.get("from"), spot.get("until")
    since = spot.get("since")
    return Ratio(
        value=read_value(spot.child("log" if "log" in mapping else "value"), known, positive_or_log("log" in mapping)),
        is_log="log" in mapping,
        when=read_condition(when, known) if when is not None else None,
        per=covariate,
        centre=centre_of(spot, covariate),
        above="above" in mapping,
        begin=begin.time() if begin is not None else 0.0,
        end=end.time() if end is not None else inf,
        wane=read_wane(spot.get("wane")),
        since=since.one_of(("start", *known.stamps), "stamp") if since is not None else "",
        of=read_of(spot, known, entries),
        where=spot.where,
    )


def centre_of(spot: Spot, covariate: Covariate | None) -> float:
    """Where `per` counts from, in the covariate's own unit."""
    centre = spot.get("above") or spot.get("centre")
    if centre is None:
        return 0.0
    is_time = covariate is not None and covariate.kind in ("days_in_stage", "since", "waited")
    return centre.time() if is_time and isinstance(centre.value, str) else centre.number()


def positive_or_log(is_log: bool) -> Callable[[Spot], float]:
    """Reads a ratio, or its logarithm."""

    def read(spot: Spot) -> float:
        value = spot.number()
        if not is_log and value < 0.0:
            raise spot.fail("a ratio is not negative", "its logarithm stands under `log`")
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


def read_of(spot: Spot, known: Known, entries: tuple[Any, ...] | None) -> tuple[Scalar, ...]:
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
        if isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if value not in entries:
            shown = ", ".join(str(e) for e in entries)
            raise item.fail(f"there is no entry `{item.text()}`", f"{did_you_mean(item.text(), map(str, entries))} entries: {shown}".strip())
        found.append(value)
    return tuple(found)


# ---------------------------------------------------------------- probabilities


def read_probability(spot: Spot, odds: Spot | None, known: Known) -> Probability:
    """A single probability with the odds ratios beside it."""
    return Probability(read_value(spot, known, Spot.share), read_ratios(odds, known), spot.where)


def read_categorical(
    spot: Spot, known: Known, read_key: Callable[[Spot, str], Any], word: str = "categorical"
) -> Categorical[Any]:
    """`{categorical: {key: p, ...}, odds_ratios: [...]}`; the mapping may be a choice of mappings."""
    entries = read_value(spot.child(word), known, lambda s: read_entries(s, known, read_key, "a distribution"))
    odds = spot.get("odds_ratios")
    ratios = read_ratios(odds, known, keys_of(entries)) if odds is not None else ()
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
    parts: list[tuple[Any, Value[float] | Rest]] = []
    failed = False
    for key, item in spot.children():
        if key in skip:
            continue
        try:
            name = read_key(spot, key)
            parts.append((name, REST if item.value == "rest" else read_value(item, known, Spot.share)))
        except Unread:
            failed = True
    if failed:
        raise Unread
    if not parts:
        raise spot.fail(f"{noun} has no parts", "write {one: 0.9, another: rest}")
    check_sum(spot, [p for _, p in parts], noun)
    return Entries(tuple(parts))


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
    same = all(isinstance(c, By) and c.covariate == choices[0].covariate for c in choices)
    flat = same and all(not isinstance(v, By | Cases) for c in choices for _, v in c.entries)
    flat = flat and all(not isinstance(c.rest, By | Cases) for c in choices)
    if flat:
        keys = dict.fromkeys(k for c in choices for k, _ in c.entries)
        sums = [constant + sum(dict(c.entries).get(k, c.rest) or 0.0 for c in choices) for k in keys]
        if all(c.rest is not None for c in choices):
            sums.append(constant + sum(c.rest for c in choices))
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


def is_choice(spot: Spot) -> bool:
    """Whether a choice stands here."""
    return is_by(spot) or is_cases(spot)

