"""A quadratic emulator of every figure near the best fit, with its error by leaving runs out.

Figures are emulated on the scale of logarithms (times) or logits (shares). Linear terms are free, the
quadratic ones of each figure have a common ridge penalty, chosen by the error of the runs that are left out.
Method: Box and Wilson 1951, doi:10.1111/j.2517-6161.1951.tb00067.x; leave-one-out errors of ridge
regression in closed form, Golub, Heath and Wahba 1979, doi:10.1080/00401706.1979.10489751.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.stats import qmc

from sim.calibration.calibration_model import CalibrationModel
from sim.calibration.least_squares import BOUND, BestFit
from sim.calibration.objective import Objective
from sim.event_log.log import Floats, Indices
from sim.numerics.normal import normal_quantile

WIDER = 1.5
"""The design is this much wider than the normal approximation of the posterior."""
RUNS_EACH = 10
FEWEST_RUNS = 40
PENALTIES = np.concatenate([[0.0], 10.0 ** np.arange(-3.0, 5.0)])


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Scores [n_runs, n_parameters] at which figures [n_runs, n_figures] were simulated, nan where not."""

    scores: Floats
    values: Floats

    def plus(self, scores: Floats, values: Floats) -> Design:
        """The design with further points."""
        return Design(np.concatenate([self.scores, scores]), np.concatenate([self.values, values]))


@dataclass(frozen=True, slots=True, eq=False)
class Emulator:
    """All used figures as quadratic functions of the scores; the objective has the error in its variance.

    centre: the best fit, [n]. coefficients: [n_features, n_figures], on the scale of each figure; nan for
    figures that are held back. errors: standard errors on that scale, by leaving each run out. n_runs: of
    the scenario with the largest design.
    """

    objective: Objective
    centre: Floats
    coefficients: Floats
    errors: Floats
    n_runs: int

    def estimates(self, scores: Floats) -> Floats:
        """The figures: float64 [n_points, n_figures] for [n_points, n_parameters]; held back ones are nan."""
        return from_scale(self.objective, features(scores - self.centre) @ self.coefficients)

    def residuals(self, scores: Floats) -> Floats:
        """The residuals of the targets: float64 [n_points, n_terms]."""
        return self.objective.residuals(self.estimates(scores))

    def variance(self) -> Floats:
        """The variance of each residual by the emulator's error at the best fit: float64 [n_terms]."""
        middle = self.coefficients[0]
        low, high = (
            from_scale(self.objective, middle + half) for half in (-self.errors / 2, self.errors / 2)
        )
        return self.objective.variance_of(low, high, from_scale(self.objective, middle))


def runs_needed(model: CalibrationModel) -> list[int]:
    """The runs of each scenario in a design: ten for each parameter that acts in it."""
    return [max(RUNS_EACH * len(one.acting), FEWEST_RUNS) for one in model.scenarios]


def design_points(fit: BestFit, *, seed: int) -> Floats:
    """Normal scores of a scrambled Sobol sequence around the best fit: float64 [n_runs, n_parameters]."""
    n = len(fit.scores)
    n_runs = max(RUNS_EACH * n, FEWEST_RUNS)
    power = int(np.ceil(np.log2(n_runs)))
    u = qmc.Sobol(n, scramble=True, seed=seed).random_base2(power)[:n_runs]
    z = np.array([normal_quantile(float(x)) for x in np.clip(u, 1e-6, 1.0 - 1e-6).ravel()]).reshape(u.shape)
    around = fit.scores + WIDER * z @ np.linalg.cholesky(fit.covariance).T
    return np.clip(around, -BOUND, BOUND)


def emulator_of(objective: Objective, fit: BestFit, design: Design) -> Emulator:
    """The emulator of a design, each figure as a function of the parameters that act in its scenario."""
    model = objective.model
    on_scale = to_scale(objective, design.values)
    n, n_figures = len(fit.scores), len(model.figures)
    coefficients = np.full((1 + n + n * (n + 1) // 2, n_figures), np.nan)
    errors, n_runs = np.zeros(n_figures), 0
    for one in model.scenarios:
        figures = [i for i in one.figures if model.is_used[i]]
        if not figures:
            continue
        acting = list(one.acting)
        known = ~np.isnan(design.values[:, figures[0]])
        whitening = np.linalg.inv(np.linalg.cholesky(fit.covariance[acting][:, acting])) / WIDER
        w = (design.scores[known][:, acting] - fit.scores[acting]) @ whitening.T
        found, errors[figures] = _fitted(features(w), on_scale[known][:, figures], n_linear=1 + len(acting))
        coefficients[:, figures] = _in_scores(found, whitening, acting=acting, n=n)
        n_runs = max(n_runs, int(known.sum()))
    made = Emulator(objective, fit.scores, coefficients, errors, n_runs)
    return replace(made, objective=objective.with_variance(made.variance()))


def _fitted(x: Floats, values: Floats, *, n_linear: int) -> tuple[Floats, Floats]:
    """Coefficients of each figure with the penalty of the least error of runs left out, and that error."""
    coefficients = np.zeros((x.shape[1], values.shape[1]))
    errors = np.full(values.shape[1], np.inf)
    for penalty in PENALTIES:
        found, left_out = _ridge(x, values, penalty, n_linear)
        if found is not None:
            better = left_out < errors
            errors[better] = left_out[better]
            coefficients[:, better] = found[:, better]
    return coefficients, errors


def _in_scores(coefficients: Floats, whitening: Floats, *, acting: list[int], n: int) -> Floats:
    """Coefficients for the features of whitened coordinates of some scores as those for all n scores."""
    k = len(acting)
    found = np.zeros((1 + n + n * (n + 1) // 2, coefficients.shape[1]))
    found[0] = coefficients[0]
    found[[1 + i for i in acting]] = whitening.T @ coefficients[1 : 1 + k]
    place = np.zeros((n, n), np.int64)
    place[np.triu_indices(n)] = 1 + n + np.arange(n * (n + 1) // 2)
    rows, columns = np.triu_indices(k)
    for figure in range(coefficients.shape[1]):
        square = np.zeros((k, k))
        square[rows, columns] = coefficients[1 + k :, figure]
        full = whitening.T @ square @ whitening
        for a, b in zip(*np.nonzero(full), strict=True):
            i, j = sorted((acting[a], acting[b]))
            found[place[i, j], figure] += full[a, b]
    return found


def _ridge(x: Floats, values: Floats, penalty: float, n_linear: int) -> tuple[Floats | None, Floats]:
    """Coefficients, None where they are not unique, and the root mean square error of runs left out."""
    n, p = x.shape
    weights = np.full(p, penalty)
    weights[:n_linear] = 0.0
    if penalty == 0.0 and n < 1.5 * p:
        return None, np.full(values.shape[1], np.inf)
    inverse = np.linalg.inv(x.T @ x + np.diag(weights + 1e-9))
    coefficients = inverse @ x.T @ values
    leverage = np.einsum("ij,jk,ik->i", x, inverse, x)
    residuals = (values - x @ coefficients) / np.maximum(1.0 - leverage, 1e-6)[:, None]
    return coefficients, np.sqrt(np.mean(residuals**2, axis=0))


def features(w: Floats) -> Floats:
    """1, the coordinates, and their products: float64 [n, 1 + d + d (d + 1) / 2]."""
    i, j = _pairs(w.shape[1])
    return np.concatenate([np.ones((len(w), 1)), w, w[:, i] * w[:, j]], axis=1)


@cache
def _pairs(d: int) -> tuple[Indices, Indices]:
    """Both places of each product of two of d coordinates."""
    i, j = np.triu_indices(d)
    return i, j


def to_scale(objective: Objective, estimates: Floats) -> Floats:
    """Logarithms of times, logits of shares; shares off 0 and 1 by what the simulation can distinguish."""
    is_time = np.array([bool(figure.unit) for figure in objective.model.figures])
    margin = 0.5 / (np.nan_to_num(objective.patients, nan=1.0) + 1.0)
    p = np.clip(np.where(is_time, 0.5, estimates), margin, 1.0 - margin)
    found: Floats = np.where(
        is_time, np.log(np.maximum(np.where(is_time, estimates, 1.0), 1e-9)), np.log(p / (1.0 - p))
    )
    return found


def from_scale(objective: Objective, on_scale: Floats) -> Floats:
    """The inverse of `to_scale`."""
    is_time = np.array([bool(figure.unit) for figure in objective.model.figures])
    bounded = np.clip(on_scale, -30.0, 30.0)
    found: Floats = np.where(is_time, np.exp(bounded), 1.0 / (1.0 + np.exp(-bounded)))
    return found
