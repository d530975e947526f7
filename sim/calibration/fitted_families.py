"""The families that can be fitted: their parameters on a scale without bounds, and where a search starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.calibration.observations import Observations
from sim.distributions.fits import own_arguments
from sim.errors import InputError, did_you_mean
from sim.event_log.log import Floats

LOG, LOGIT, PLAIN = "log", "logit", "plain"
TIME, RATE, NUMBER, BARE = "time", "rate", "number", "bare"
"""What a parameter is in the scenario language; a bare one is a number that depends on the unit of time."""
FEWEST_IN_PIECE = 5
MOST_PIECES = 4


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a family. scale: LOG, LOGIT or PLAIN, on which it has no bounds. kind: as above."""

    name: str
    scale: str
    kind: str = NUMBER

    def natural(self, place: float) -> float:
        """The parameter from its place on the scale without bounds."""
        if self.scale == LOG:
            return math.exp(min(place, 700.0))
        return 1.0 / (1.0 + math.exp(-place)) if self.scale == LOGIT else place

    def slope(self, place: float) -> float:
        """The derivative of the parameter by its place, of the delta method."""
        value = self.natural(place)
        return value if self.scale == LOG else value * (1.0 - value) if self.scale == LOGIT else 1.0


@dataclass(frozen=True, slots=True)
class Family:
    """A family to fit.

    name: as a user writes it. word: its word in the language. parameters: those to estimate, in order.
    fixed: arguments that are not estimated (knots, scale, the borders of pieces). of: in a mixture cure
    the family of those who are not cured. unit: the length of time by which a PLAIN rate is divided,
    so that its place is of order one.
    """

    name: str
    word: str
    parameters: tuple[Parameter, ...]
    fixed: tuple[tuple[str, Any], ...] = ()
    of: str = ""
    unit: float = 1.0

    def naturals(self, place: Floats) -> dict[str, float]:
        """The parameters by name. place: [n_parameters] on the scale without bounds."""
        found = {}
        for parameter, at in zip(self.parameters, place.tolist(), strict=True):
            value = parameter.natural(at)
            is_signed_rate = parameter.kind == RATE and parameter.scale == PLAIN
            found[parameter.name] = value / self.unit if is_signed_rate else value
        return found

    def slopes(self, place: Floats) -> Floats:
        """The derivatives of `naturals` by the place."""
        units = [self.unit if p.kind == RATE and p.scale == PLAIN else 1.0 for p in self.parameters]
        found = [
            p.slope(at) / unit for p, at, unit in zip(self.parameters, place.tolist(), units, strict=True)
        ]
        return np.array(found)

    def own(self, values: Mapping[str, float]) -> dict[str, Any]:
        """The arguments that `distributions.hazards` takes."""
        fixed = dict(self.fixed)
        if self.of:
            rest = {name: value for name, value in values.items() if name != "cured"}
            return {"cured": values["cured"], "of": (self.of, rest)}
        if self.word == "piecewise_exponential":
            return {"steps": tuple(zip(fixed["begins"], values.values(), strict=True))}
        if self.word == "royston_parmar":
            return {**fixed, "gamma": tuple(values.values())}
        return dict(values)

    def check(self, values: Mapping[str, float]) -> None:
        """Raises: ValueError where the language rejects these parameters."""
        own = self.own(values)
        of, arguments = own["of"] if self.of else (self.word, own)
        own_arguments(of, arguments)


def _positive(*names: tuple[str, str]) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, LOG, kind) for name, kind in names)


PARAMETERS: Mapping[str, tuple[Parameter, ...]] = {
    "exponential": _positive(("rate", RATE)),
    "weibull": _positive(("shape", NUMBER), ("scale", TIME)),
    "weibull_ph": _positive(("shape", NUMBER), ("scale", BARE)),
    "gompertz": (Parameter("shape", PLAIN, RATE), Parameter("rate", LOG, RATE)),
    "lognormal": (Parameter("meanlog", PLAIN, BARE), Parameter("sdlog", LOG)),
    "loglogistic": _positive(("shape", NUMBER), ("scale", TIME)),
    "gamma": _positive(("shape", NUMBER), ("rate", RATE)),
    "normal": _positive(("mean", TIME), ("sd", TIME)),
    "generalised_gamma": (
        Parameter("mu", PLAIN, BARE),
        Parameter("sigma", LOG),
        Parameter("Q", PLAIN),
    ),
    "generalised_f": (
        Parameter("mu", PLAIN, BARE),
        Parameter("sigma", LOG),
        Parameter("Q", PLAIN),
        Parameter("P", LOG),
    ),
}
"""Families with the same parameters for all data."""
CURED_OF = ("exponential", "weibull", "lognormal", "loglogistic", "gamma", "gompertz", "generalised_gamma")
SPLINES = ("royston_parmar", "royston_parmar.odds", "royston_parmar.normal")
FAMILIES = (
    *PARAMETERS,
    "piecewise_exponential",
    *SPLINES,
    *(f"mixture_cure.{of}" for of in CURED_OF),
)
"""Every family that can be fitted."""
BY_DEFAULT = (
    "exponential",
    "weibull",
    "gompertz",
    "lognormal",
    "loglogistic",
    "gamma",
    "normal",
    "generalised_gamma",
    "generalised_f",
    "royston_parmar",
    "piecewise_exponential",
    "mixture_cure.weibull",
    "mixture_cure.lognormal",
)
"""Those fitted where none is named; `weibull_ph` has the curve of `weibull`."""
NOT_FITTED = {
    "fixed": "its time is known without data",
    "uniform": "its limits are at the first and the last event, where there is no standard error",
    "triangular": "its limits are judgements, not estimates",
    "pert": "its limits are judgements, not estimates",
    "survival_table": "it is the curve itself: write the curve as its points",
    "life_table": "it is a table of the population",
    "categorical": "its values are listed, not estimated",
    "attribute": "it is a value of the patient",
    "mixture_cure": f"it needs a family: mixture_cure.weibull, or of {', '.join(CURED_OF)}",
}


def checked_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """The families of these names, each once; BY_DEFAULT where there is none.

    Raises: InputError for a name that no likelihood belongs to.
    """
    for name in names:
        if name in NOT_FITTED:
            raise InputError(f"families: {name} is not fitted: {NOT_FITTED[name]}", "choose another family")
        if name not in FAMILIES:
            fix = did_you_mean(name, FAMILIES) or f"one of {', '.join(FAMILIES)}"
            raise InputError(f"families: there is no family `{name}`", fix)
    return tuple(dict.fromkeys(names)) or BY_DEFAULT


def family_for(name: str, data: Observations, *, inner_knots: int) -> Family:
    """A family, with knots or pieces placed by the events of the data.

    Raises: ValueError, in words, where the data have too few distinct events for it.
    """
    typical = data.number and float(data.middle @ data.weight) / data.number
    if name == "piecewise_exponential":
        return _pieces(data)
    if name in SPLINES:
        return _spline(name, data, inner_knots)
    if name.startswith("mixture_cure."):
        of = name.partition(".")[2]
        cured = Parameter("cured", LOGIT)
        return Family(name, "mixture_cure", (cured, *PARAMETERS[of]), of=of, unit=typical)
    return Family(name, name, PARAMETERS[name], unit=typical)


def _pieces(data: Observations) -> Family:
    """Pieces with about as many events each; a border lies between two events, rounding moves none."""
    events = data.event_times
    n = max(1, min(MOST_PIECES, len(events) // FEWEST_IN_PIECE))
    distinct = np.unique(events)
    last = np.quantile(events, np.arange(1, n) / n, method="lower") if n > 1 else np.empty(0)
    after = np.searchsorted(distinct, np.unique(last), side="right")
    after = after[after < len(distinct)]
    middles = 0.5 * (distinct[after - 1] + distinct[after])
    begins = (0.0, *(float(f"{time:.6g}") for time in middles))
    parameters = _positive(*((f"rate_{i}", RATE) for i in range(1, len(begins) + 1)))
    name = "piecewise_exponential"
    return Family(name, name, parameters, (("begins", begins),))


def _spline(name: str, data: Observations, inner_knots: int) -> Family:
    """Outer knots at the first and last event, inner ones at quantiles of the log times between them."""
    events = np.log(data.event_times)
    if len(np.unique(events)) < inner_knots + 2:
        raise ValueError(
            f"{len(np.unique(events))} distinct times of events do not place {inner_knots + 2} knots"
        )
    knots = tuple(float(knot) for knot in np.quantile(events, np.linspace(0.0, 1.0, inner_knots + 2)))
    if len(set(knots)) < len(knots):
        raise ValueError("two of its knots fall on one time")
    scale = name.partition(".")[2] or "hazard"
    parameters = tuple(Parameter(f"gamma_{i}", PLAIN) for i in range(len(knots)))
    return Family(name, "royston_parmar", parameters, (("scale", scale), ("knots", knots)))


# ---------------------------------------------------------------- starts


def starts(family: Family, data: Observations) -> list[Floats]:
    """Places from which the search starts."""
    if family.of:
        inner = _starts_of(family.of, data, unit=family.unit)
        share = min(max(1.0 - data.events / data.number, 0.02), 0.98)
        levels = [math.log(p / (1.0 - p)) for p in (share, 0.5 * share, 0.1 * share)]
        quick = [_starts_of(family.of, data.part(np.isfinite(data.high)), unit=family.unit)[0]]
        return [np.concatenate([[level], start]) for level in levels for start in (*quick, *inner)]
    if family.word == "piecewise_exponential":
        return [np.full(len(family.parameters), math.log(_rate(data)))]
    if family.word == "royston_parmar":
        return [_spline_start(family, data)]
    return _starts_of(family.word, data, unit=family.unit)


def _rate(data: Observations) -> float:
    """Events per time observed."""
    return data.events / float((data.middle - data.entry) @ data.weight)


def _starts_of(word: str, data: Observations, *, unit: float) -> list[Floats]:
    rate = _rate(data)
    log_scale = -math.log(rate)
    logs = np.log(data.middle)
    centre = float(np.average(logs, weights=data.weight))
    spread = max(math.sqrt(float(np.average((logs - centre) ** 2, weights=data.weight))), 0.1)
    moved = centre + math.log(data.number / data.events)
    simple: Mapping[str, Callable[[], list[list[float]]]] = {
        "exponential": lambda: [[-log_scale]],
        "weibull": lambda: [[shape, log_scale] for shape in (0.0, 0.5, -0.5)],
        "weibull_ph": lambda: [[shape, -math.exp(shape) * log_scale] for shape in (0.0, 0.5, -0.5)],
        "gompertz": lambda: [[0.0, -log_scale], [0.5, -log_scale - 0.5], [-0.5, -log_scale + 0.5]],
        "lognormal": lambda: [[moved, math.log(spread)], [moved, math.log(2.0 * spread)]],
        "loglogistic": lambda: [[-math.log(spread) + 0.5, moved], [0.0, moved]],
        "gamma": lambda: [[0.0, -log_scale], [1.0, -log_scale + 1.0], [-0.5, -log_scale - 0.5]],
        "normal": lambda: [[math.log(unit), math.log(unit)], [math.log(unit) + 0.5, math.log(unit)]],
        "generalised_gamma": lambda: [[moved, math.log(spread), q] for q in (0.1, 1.0, -0.8, 2.0)],
        "generalised_f": lambda: [
            [moved, math.log(spread), q, p] for q in (0.1, 0.8, -0.8) for p in (0.0, -2.0)
        ],
    }
    return [np.array(start) for start in simple[word]()]


def _spline_start(family: Family, data: Observations) -> Floats:
    """A straight line in log time, near an exponential."""
    place = np.zeros(len(family.parameters))
    place[0], place[1] = math.log(_rate(data)), 1.0
    return place
