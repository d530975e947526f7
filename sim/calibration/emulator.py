"""A quadratic emulator of every figure near the best fit, with its error by leaving runs out.

Figures are emulated on the scale of logarithms (times) or logits (shares). Linear terms are free, the
quadratic ones of each figure have a common ridge penalty, chosen by the error of the runs that are left out.
Method: Box and Wilson 1951, doi:10.1111/j.2517-6161.1951.tb00067.x; leave-one-out errors of ridge
regression in closed form, Golub, Heath and Wahba 1979, doi:10.1080/00401706.1979.10489751.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from sim.calibration.least_squares import BOUND, BestFit
from sim.calibration.objective import Objective
from sim.event_log.log import Floats
from sim.numerics.normal import normal_quantile

WIDER = 1.5
"""The design is this much wider than the normal approximation of the posterior."""
RUNS_EACH = 10
FEWEST_RUNS = 40
PENALTIES = np.concatenate([[0.0], 10.0 ** np.arange(-3.0, 5.0)])


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Scores [n_runs, n_parameters] at which figures [n_runs, n_figures] were simulated."""

    scores: Floats
    values: Floats

    def plus(self, scores: Floats, values: Floats) -> Design:
        """The design with further points."""
        return Design(np.concatenate([self.scores, scores]), np.concatenate([self.values, values]))


@dataclass(frozen=True, slots=True, eq=False)
class Emulator:
    """Figures as quadratic functions of the scores.

    centre, whitening: of the scores, [n] and [n, n]. coefficients: [n_features, n_figures], on the scale of
    each figure. errors: standard errors on that scale, by leaving each run out; 0 for figures that are not
    emulated.
    """

    objective: Objective
    centre: Floats
    whitening: Floats
    coefficients: Floats
    errors: Floats
    n_runs: int

    def estimates(self, scores: Floats) -> Floats:
        """The figures: float64 [n_points, n_figures] for [n_points, n_parameters]."""
        features = _features((scores - self.centre) @ self.whitening.T)
        return from_scale(self.objective, features @ self.coefficients)

    def residuals(self, scores: Floats) -> Floats:
        """The residuals of the targets: float64 [n_points, n_terms]."""
        return self.objective.residuals(self.estimates(scores))


def design_points(fit: BestFit, *, seed: int) -> Floats:
    """Normal scores of a scrambled Sobol sequence around the best fit: float64 [n_runs, n_parameters]."""
    n = len(fit.scores)
    n_runs = max(RUNS_EACH * n, FEWEST_RUNS)
    power = int(np.ceil(np.log2(n_runs)))
    u = np.clip(qmc.Sobol(n, scramble=True, seed=seed).random_base2(power)[:n_runs], 1e-6, 1.0 - 1e-6)
    z = np.array([normal_quantile(float(x)) for x in u.ravel()]).reshape(u.shape)
    around = fit.scores + WIDER * z @ np.linalg.cholesky(fit.covariance).T
    return np.clip(around, -BOUND, BOUND)


def emulator_of(objective: Objective, fit: BestFit, design: Design) -> Emulator:
    """The emulator of a design, its error part of the variance of the objective that it has."""
    whitening = np.linalg.inv(np.linalg.cholesky(fit.covariance)) / WIDER
    features = _features((design.scores - fit.scores) @ whitening.T)
    used = np.flatnonzero(objective.model.is_used)
    on_scale = to_scale(objective, design.values)
    coefficients = np.zeros((features.shape[1], on_scale.shape[1]))
    errors = np.zeros(on_scale.shape[1])
    n_linear = 1 + len(fit.scores)
    best = np.full(len(used), np.inf)
    for penalty in PENALTIES:
        found, left_out = _ridge(features, on_scale[:, used], penalty, n_linear)
        if found is None:
            continue
        better = left_out < best
        best[better] = left_out[better]
        coefficients[:, used[better]] = found[:, better]
    errors[used] = best
    made = Emulator(objective, fit.scores, whitening, coefficients, errors, len(design.scores))
    further = emulator_variance(made, fit.scores)
    return Emulator(
        objective.with_variance(further), fit.scores, whitening, coefficients, errors, made.n_runs
    )


def emulator_variance(emulator: Emulator, scores: Floats) -> Floats:
    """The variance of each residual by the emulator's error: float64 [n_terms]."""
    objective = emulator.objective
    estimates = emulator.estimates(scores[None])
    middle = to_scale(objective, estimates)
    low, high = (from_scale(objective, middle + sign * emulator.errors / 2.0)[0] for sign in (-1.0, 1.0))
    return objective.variance_of(low, high, estimates[0])


def _ridge(features: Floats, values: Floats, penalty: float, n_linear: int) -> tuple[Floats | None, Floats]:
    """Coefficients, None where they are not unique, and the root mean square error of runs left out."""
    n, p = features.shape
    weights = np.full(p, penalty)
    weights[:n_linear] = 0.0
    if penalty == 0.0 and n < 1.5 * p:
        return None, np.full(values.shape[1], np.inf)
    inverse = np.linalg.inv(features.T @ features + np.diag(weights + 1e-9))
    coefficients = inverse @ features.T @ values
    leverage = np.einsum("ij,jk,ik->i", features, inverse, features)
    residuals = (values - features @ coefficients) / np.maximum(1.0 - leverage, 1e-6)[:, None]
    return coefficients, np.sqrt(np.mean(residuals**2, axis=0))


def _features(w: Floats) -> Floats:
    """1, the coordinates, and their products: float64 [n, 1 + d + d (d + 1) / 2]."""
    i, j = np.triu_indices(w.shape[1])
    return np.concatenate([np.ones((len(w), 1)), w, w[:, i] * w[:, j]], axis=1)


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
