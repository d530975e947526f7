"""One family fitted to the times to one event: estimates, errors, criteria and curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize

from sim.calibration.fitted_families import LOG, LOGIT, PLAIN, RATE, Family, family_for, starts
from sim.calibration.maximum_likelihood import Maximum, maximum
from sim.calibration.observations import Likelihood, Observations
from sim.distributions.hazards import hazards
from sim.event_log.log import Floats
from sim.outcomes.results import NORMAL_975

HAZARD_RATIOS, TIME_RATIOS = "hazard_ratios", "time_ratios"
"""What covariates do, in the words of the scenario language."""
MOST_PATIENTS = 400
"""Patients over which a curve is averaged where there are covariates."""
LONGEST_LOG = 40.0


class Estimated(NamedTuple):
    """A parameter in the unit of the data. log: whether the interval is that of the logarithm."""

    name: str
    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A family fitted by maximum likelihood.

    covariates: the names of the coefficients, which follow the parameters of the family in `found.place`.
    effect: HAZARD_RATIOS or TIME_RATIOS. data: what it was fitted to. reason: why there are no
    estimates, "" where there are.
    """

    family: Family
    covariates: tuple[str, ...]
    effect: str
    data: Observations
    found: Maximum
    reason: str = ""

    @property
    def n_parameters(self) -> int:
        """Parameters estimated, coefficients included."""
        return len(self.family.parameters) + len(self.covariates)

    @property
    def log_likelihood(self) -> float:
        """The largest log likelihood, nan where the family was not fitted."""
        return math.nan if self.reason else self.found.value

    @property
    def aic(self) -> float:
        """Akaike 1974, doi:10.1109/TAC.1974.1100705."""
        return 2.0 * self.n_parameters - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz 1978, doi:10.1214/aos/1176344136, with the number of observations, censored ones too."""
        return self.n_parameters * math.log(self.data.number) - 2.0 * self.log_likelihood

    @property
    def values(self) -> dict[str, float]:
        """The parameters of the family in the unit of the data."""
        return self.family.naturals(self.found.place[: len(self.family.parameters)])

    @property
    def coefficients(self) -> Floats:
        """The logarithms of the ratios of the covariates."""
        return self.found.place[len(self.family.parameters) :]

    @property
    def parameters(self) -> tuple[Estimated, ...]:
        """Every parameter with its standard error (delta method) and 95% interval.

        The interval is symmetric on the scale without bounds. Coefficients are logarithms of ratios.
        """
        n = len(self.family.parameters)
        place, errors = self.found.place, np.sqrt(np.diag(self.found.covariance))
        ends = [self.family.naturals(place[:n] + side * NORMAL_975 * errors[:n]) for side in (-1.0, 1.0)]
        slopes = self.family.slopes(place[:n])
        own = [
            Estimated(name, value, float(slopes[i] * errors[i]), ends[0][name], ends[1][name])
            for i, (name, value) in enumerate(self.values.items())
        ]
        others = zip(self.covariates, self.coefficients.tolist(), errors[n:].tolist(), strict=True)
        return (
            *own,
            *(Estimated(name, b, e, b - NORMAL_975 * e, b + NORMAL_975 * e) for name, b, e in others),
        )

    @property
    def written_covariance(self) -> Floats:
        """The covariance on `written_scales`: logarithms, logits, plain numbers in the unit of the data."""
        units = np.ones(self.n_parameters)
        for i, parameter in enumerate(self.family.parameters):
            if parameter.scale == PLAIN and parameter.kind == RATE:
                units[i] = self.family.unit
        return np.asarray(self.found.covariance / np.outer(units, units), dtype=np.float64)

    @property
    def written_scales(self) -> tuple[str, ...]:
        """The scale of each row of `written_covariance`: LOG, LOGIT or PLAIN."""
        return (*(one.scale for one in self.family.parameters), *(PLAIN for _ in self.covariates))

    # ---------------------------------------------------------------- curves

    def survival(self, time: Floats) -> Floats:
        """Survival at each time above 0, averaged over the covariates of the patients, [n_times]."""
        return self._mean_curves(time)[0]

    def hazard(self, time: Floats) -> Floats:
        """The hazard of those who are left at each time, per unit of time, [n_times]."""
        survival, density = self._mean_curves(time)
        unknown = np.full(len(time), math.nan)
        return np.asarray(np.divide(density, survival, out=unknown, where=survival > 0.0), dtype=np.float64)

    def _mean_curves(self, time: Floats) -> tuple[Floats, Floats]:
        own = self.family.own(self.values)
        survival, density = np.zeros(len(time)), np.zeros(len(time))
        effects, weights = self._effects()
        with np.errstate(all="ignore"):
            for effect, weight in zip(effects.tolist(), weights.tolist(), strict=True):
                stretch = math.exp(effect) if self.effect == TIME_RATIOS else 1.0
                ratio = 1.0 if self.effect == TIME_RATIOS else math.exp(effect)
                log_hazard, reached = hazards(self.family.word, own, time / stretch)
                left = np.exp(-ratio * reached)
                survival += weight * left
                density += weight * np.nan_to_num(left * np.exp(log_hazard) * ratio / stretch)
        return survival, density

    def _effects(self) -> tuple[Floats, Floats]:
        """Linear predictors of the patients, and their weights, which sum to one."""
        if not self.covariates:
            return np.zeros(1), np.ones(1)
        rows, index = np.unique(self.data.covariates, axis=0, return_inverse=True)
        weights = np.bincount(index.ravel(), weights=self.data.weight)
        if len(rows) > MOST_PATIENTS:
            every = np.linspace(0, len(rows) - 1, MOST_PATIENTS).astype(int)
            rows, weights = rows[every], weights[every]
        return rows @ self.coefficients, weights / weights.sum()

    @property
    def median(self) -> float:
        """The time at which survival is one half; inf where it stays above."""
        if not self._left(LONGEST_LOG + math.log(self.data.last)) < 0.5:
            return math.inf
        middle = math.log(self.data.last)
        return math.exp(
            float(optimize.brentq(lambda x: self._left(x) - 0.5, middle - LONGEST_LOG, middle + LONGEST_LOG))
        )

    def _left(self, log_time: float) -> float:
        return float(self.survival(np.array([math.exp(log_time)]))[0])

    @property
    def never(self) -> float:
        """The probability that the event never occurs; 0 where the distribution is proper."""
        if self.family.of:
            return self.values["cured"]
        if self.family.word == "gompertz" and self.values["shape"] < 0.0:
            return math.exp(self.values["rate"] / self.values["shape"])
        return 0.0


def fit_family(
    name: str,
    data: Observations,
    *,
    covariates: Sequence[str] = (),
    effect: str = HAZARD_RATIOS,
    inner_knots: int = 1,
) -> Fit:
    """Fit one family; a fit that fails has its reason.

    name: one of `fitted_families.FAMILIES`. inner_knots: of a spline.
    """
    few = data.distinct()
    names = tuple(covariates)

    def failed(family: Family, why: str, at: Maximum | None = None) -> Fit:
        n = len(family.parameters) + len(names)
        nothing = Maximum(np.full(n, math.nan), math.nan, np.full((n, n), math.nan), why)
        return Fit(family, names, effect, data, at or nothing, why)

    try:
        family = family_for(name, few, inner_knots=inner_knots)
    except ValueError as error:
        return failed(Family(name, name, ()), str(error))
    n_own = len(family.parameters)
    n = n_own + len(names)
    if data.events < n:
        return failed(family, f"{n} parameters need at least {n} events, the data have {data.events:g}")
    likelihood = Likelihood(few, stretches_time=effect == TIME_RATIOS)

    def log_likelihood(place: Floats) -> float:
        try:
            own = family.own(family.naturals(place[:n_own]))
            with np.errstate(all="ignore"):
                return likelihood(lambda time: hazards(family.word, own, time), place[n_own:])
        except (ArithmeticError, ValueError):  # so far away that a function has no value
            return math.nan

    places = [np.concatenate([start, np.zeros(len(names))]) for start in starts(family, few)]
    try:
        found = maximum(log_likelihood, places)
    except np.linalg.LinAlgError as error:
        return failed(family, f"the search fails: {error}")
    fit = Fit(family, names, effect, data, found)
    reason = _at_a_bound(fit) or found.reason or _rejected(fit)
    return failed(family, reason, found) if reason else fit


FAR = 12.0
"""A log or logit that is this far below where the data are has gone to its bound."""
WIDEST_Q = 10.0


def _at_a_bound(fit: Fit) -> str:
    """Where a parameter went to the end of its range, what the fit is instead."""
    place = dict(zip((one.name for one in fit.family.parameters), fit.found.place.tolist(), strict=False))
    scales = {one.name: one.scale for one in fit.family.parameters}
    if scales.get("cured") == LOGIT and place["cured"] < -FAR / 1.5:
        return "cured tends to 0: the data have no plateau"
    if abs(place.get("Q", 0.0)) > WIDEST_Q:
        return f"Q {'grows' if place['Q'] > 0.0 else 'falls'} without limit"
    if "P" in place and place["P"] < -FAR:
        return "P tends to 0: the fit is that of generalised_gamma"
    if "P" in place and place["P"] > FAR:
        return "P grows without limit"
    shapes = [name for name in ("shape", "sigma", "sdlog") if scales.get(name) == LOG]
    gone = next((name for name in shapes if abs(place[name]) > FAR), None)
    if gone is not None:
        return f"{gone} {'grows without limit' if place[gone] > 0 else 'tends to 0'}"
    mean = scales.get("mean") and place["mean"] - math.log(fit.data.last)
    return "mean tends to 0: the density falls from the start" if mean and mean < -FAR / 2 else ""


def _rejected(fit: Fit) -> str:
    try:
        fit.family.check(fit.values)
    except ValueError as error:
        return str(error)
    return ""
