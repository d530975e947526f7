"""The likelihood of published figures as a sum of squares, for least squares and for sampling.

The residual of a share with n patients is the signed root of its binomial deviance, so that half the sum of
squares is the negative log-likelihood up to a constant (McCullagh and Nelder, Generalized Linear Models,
1989, 2.3). The residual of a figure with a printed interval is normal on the scale on which that interval
is most symmetric. Shares that are the categories of one draw, and two times of one curve, are factors of a
multinomial: each is binomial among the patients whom those before leave.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from sim.calibration.calibration_model import CalibrationModel, FigureValues
from sim.calibration.setup import groups_of
from sim.calibration.targets import Figure
from sim.event_log.log import Floats, Indices
from sim.outcomes.results import NORMAL_975, Key

Flags = NDArray[np.bool_]
CURVES = ("survival", "cumulative_incidence")


class Form(StrEnum):
    """Among whom a share is binomial, or the scale on which a figure is normal."""

    SHARE = "share"
    CATEGORY = "category"
    SURVIVAL = "survival"
    INCIDENCE = "cumulative_incidence"
    IDENTITY = "identity"
    LOG = "log"
    LOGIT = "logit"


SCALES: Mapping[Form, Callable[[Floats], Floats]] = {
    Form.IDENTITY: lambda x: x,
    Form.LOG: np.log,
    Form.LOGIT: lambda x: np.log(x / (1.0 - x)),
}
"""From the simplest to the least simple: of equal scales the first is taken."""


@dataclass(frozen=True, slots=True)
class Term:
    """One factor of the likelihood.

    figure: its index in the model; before: those whose patients are no longer among its n. form: of a
    binomial among whom, else the scale of a normal. observed, spread: a share and its n; or a centre and
    standard deviation on the scale.
    """

    figure: int
    form: Form
    observed: float
    spread: float
    before: tuple[int, ...] = ()

    @property
    def is_binomial(self) -> bool:
        """Whether the figure is a share of n patients."""
        return self.form not in SCALES


@dataclass(frozen=True, eq=False)
class Objective:
    """The likelihood of all figures that parameters are calibrated to.

    variance: of each term, in units of its own, by simulation and by the emulator: float64 [n_terms].
    patients: simulated behind each figure, float64 [n_figures].
    """

    model: CalibrationModel
    terms: tuple[Term, ...]
    patients: Floats
    variance: Floats

    def residuals(self, estimates: Floats) -> Floats:
        """Residuals of unit variance: float64 [n_points, n_terms] for estimates [n_points, n_figures].

        A share is taken off 0 and 1 by what the simulated patients cannot distinguish from them.
        """
        value = self._conditional(estimates)
        shares = self._is(Form.LOGIT) | self._binomial
        margin = 0.5 / (self.patients[self._figure] + 1.0)
        value = np.where(shares, np.clip(value, margin, 1.0 - margin), value)
        own = np.empty(value.shape)
        for form, scale in SCALES.items():
            chosen = self._is(form)
            least = 1e-9 if form is Form.LOG else -np.inf
            on_scale = scale(np.maximum(value[:, chosen], least))
            own[:, chosen] = (on_scale - self._observed[chosen]) / self._spread[chosen]
        chosen = self._binomial
        own[:, chosen] = deviance_residuals(
            value[:, chosen], observed=self._observed[chosen], n=self._spread[chosen]
        )
        found: Floats = own / np.sqrt(1.0 + self.variance)
        return found

    def _conditional(self, estimates: Floats) -> Floats:
        """The figure of each term, of a conditional one among the patients whom those before leave."""
        value: Floats = estimates[:, self._figure]
        before = np.nan_to_num(estimates) @ self._before
        left = np.maximum(np.where(self._is(Form.SURVIVAL), before, 1.0 - before), 1e-9)
        is_incidence = self._is(Form.INCIDENCE)
        is_survival = self._is(Form.SURVIVAL) | self._is(Form.CATEGORY)
        value = np.where(is_incidence, (1.0 - value) / left, value)
        return np.where(is_survival, value / left, value)

    @cached_property
    def _figure(self) -> Indices:
        return np.array([term.figure for term in self.terms], np.int64)

    @cached_property
    def _observed(self) -> Floats:
        return np.array([term.observed for term in self.terms])

    @cached_property
    def _spread(self) -> Floats:
        return np.array([term.spread for term in self.terms])

    @cached_property
    def _binomial(self) -> Flags:
        return np.array([term.is_binomial for term in self.terms], bool)

    @cached_property
    def _before(self) -> Floats:
        found = np.zeros((len(self.patients), len(self.terms)))
        for column, term in enumerate(self.terms):
            found[list(term.before), column] = 1.0
        return found

    @cached_property
    def _forms(self) -> dict[Form, Flags]:
        return {form: np.array([term.form is form for term in self.terms], bool) for form in Form}

    def _is(self, form: Form) -> Flags:
        return self._forms[form]

    def variance_of(self, low: Floats, high: Floats, estimates: Floats) -> Floats:
        """The variance of each residual from errors of the figures, to first order: float64 [n_terms].

        low, high: each figure half a standard error below and above its estimate, float64 [n_figures]. Of a
        conditional share only the error of the figure itself counts.
        """
        found = np.zeros(len(self.terms))
        bare = replace(self, variance=found)
        for i in sorted({term.figure for term in self.terms}):
            moved = np.stack([estimates, estimates])
            moved[:, i] = low[i], high[i]
            change = np.diff(bare.residuals(moved), axis=0)[0]
            own = np.array([term.figure == i for term in self.terms])
            found += np.where(own, change**2, 0.0)
        return found

    def simulation_variance(self, values: FigureValues) -> Floats:
        """The variance of each residual by simulation at the first of some points: float64 [n_terms]."""
        estimates = values.estimates[0]
        half = 0.5 * np.nan_to_num(values.errors[0])
        return self.variance_of(estimates - half, estimates + half, estimates)

    def with_variance(self, further: Floats) -> Objective:
        """The same likelihood with a further variance of each residual, as of an emulator."""
        return replace(self, variance=self.variance + further)


def deviance_residuals(p: Floats, *, observed: Floats, n: Floats) -> Floats:
    """(2 n (y ln(y/p) + (1 - y) ln((1 - y)/(1 - p))))^(1/2), the sign of p - y.

    p: float64 [n_points, n_terms] in (0, 1); observed, n: [n_terms].
    """
    entropy = xlogy(observed, observed) + xlogy(1.0 - observed, 1.0 - observed)
    deviance = 2.0 * n * (entropy - observed * np.log(p) - (1.0 - observed) * np.log1p(-p))
    found: Floats = np.sign(p - observed) * np.sqrt(np.maximum(deviance, 0.0))
    return found


# ---------------------------------------------------------------- the terms of the figures


def objective_of(model: CalibrationModel, values: FigureValues) -> Objective:
    """The likelihood of a model's figures. values: at one point, for the simulation error there."""
    terms: list[Term] = []
    used = model.is_used
    for members in groups_of(model.figures).values():
        terms += _terms([i for i in members if used[i]], model.figures, model.keys)
    made = Objective(model, tuple(terms), values.patients[0], np.zeros(len(terms)))
    return replace(made, variance=made.simulation_variance(values))


def _terms(members: Sequence[int], figures: Sequence[Figure], keys: Sequence[Key]) -> list[Term]:
    """The factors of the likelihood of one target."""
    shares = [i for i in members if is_binomial(figures[i])]
    found = [normal_term(i, figures[i]) for i in members if i not in shares]
    for same in _categories(shares, figures):
        shares = [i for i in shares if i not in same]
        found += _multinomial(same, figures)
    for curve in _curves(shares, figures, keys):
        shares = [i for i in shares if i not in curve]
        found += _curve(curve, figures, keys)
    return [*found, *(Term(i, Form.SHARE, figures[i].published, float(figures[i].n or 0)) for i in shares)]


def is_binomial(figure: Figure) -> bool:
    """Whether a figure is a count of n, or a share of n without a printed interval."""
    if figure.unit or figure.n is None:
        return False
    return figure.count is not None or (figure.interval is None and figure.within is None)


def _categories(shares: Sequence[int], figures: Sequence[Figure]) -> list[list[int]]:
    """Shares of the same n that are said to be exclusive, are one attribute's categories, or sum to n."""
    found: list[list[int]] = []
    for n in dict.fromkeys(figures[i].n for i in shares):
        same = [i for i in shares if figures[i].n == n]
        named = [i for i in same if figures[i].category and figures[i].outcome == figures[same[0]].outcome]
        counts = [figures[i].count for i in same]
        if len(same) > 1 and all(figures[i].exclusive for i in same):
            found.append(same)
        elif len(named) > 1:
            found.append(named)
        elif len(same) > 1 and None not in counts and math.isclose(sum(c or 0.0 for c in counts), n or 0):
            found.append(same)
    return found


def _multinomial(same: Sequence[int], figures: Sequence[Figure]) -> list[Term]:
    """Each category among the patients whom those before leave; the last of all is certain."""
    n = float(figures[same[0]].n or 0)
    found, left = [], n
    for position, i in enumerate(same):
        count = figures[i].published * n
        if left < 0.5 or (position == len(same) - 1 and left - count < 0.5):
            break
        found.append(Term(i, Form.CATEGORY, min(count / left, 1.0), left, tuple(same[:position])))
        left -= count
    return found


def _curves(shares: Sequence[int], figures: Sequence[Figure], keys: Sequence[Key]) -> list[list[int]]:
    """Several times of one curve of the same n, in the order of time."""
    by_outcome: dict[tuple[str, str, int | None], list[int]] = {}
    for i in shares:
        if keys[i].measure in CURVES and not keys[i].part:
            figure = figures[i]
            by_outcome.setdefault((figure.scenario, figure.outcome, figure.n), []).append(i)
    times = {i: figures[i].at or 0.0 for i in shares}
    return [sorted(one, key=times.__getitem__) for one in by_outcome.values() if len(one) > 1]


def _curve(curve: Sequence[int], figures: Sequence[Figure], keys: Sequence[Key]) -> list[Term]:
    """Each time among those who are still without the event at the one before, as without censoring."""
    n = float(figures[curve[0]].n or 0)
    is_survival = keys[curve[0]].measure == "survival"
    free = [figures[i].published if is_survival else 1.0 - figures[i].published for i in curve]
    found = [Term(curve[0], Form.SHARE, figures[curve[0]].published, n)]
    for k in range(1, len(curve)):
        form = Form.SURVIVAL if is_survival else Form.INCIDENCE
        observed = min(free[k] / free[k - 1], 1.0) if free[k - 1] > 0.0 else 1.0
        found.append(Term(curve[k], form, observed, n * free[k - 1], (curve[k - 1],)))
    return found


def normal_term(i: int, figure: Figure) -> Term:
    """The centre and standard deviation of a figure on the scale on which its interval is most symmetric."""
    interval = figure.accepted()
    low, high, centre = interval.low, interval.high, figure.published
    if math.isinf(high):
        spread = (math.log(centre) - math.log(low)) / NORMAL_975
        return Term(i, Form.LOG, math.log(centre), spread)
    best, least = Term(i, Form.IDENTITY, centre, (high - low) / (2.0 * NORMAL_975)), math.inf
    for form, scale in SCALES.items():
        upper = 1.0 if form is Form.LOGIT else math.inf
        if (form is Form.LOGIT and figure.unit) or (
            form is not Form.IDENTITY and not 0.0 < low < high < upper
        ):
            continue
        a, b, c = (float(scale(np.array(x))) for x in (low, centre, high))
        skew = abs((c - b) - (b - a)) / (c - a)
        if skew < least - 1e-6:
            best, least = Term(i, form, b, (c - a) / (2.0 * NORMAL_975)), skew
    return best
