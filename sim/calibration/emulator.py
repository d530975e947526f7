"""A quadratic emulator of every figure near the best fit, with its error by leaving runs out.

Figures are emulated on the scale of logarithms (times) or logits (shares). Linear terms are free, the
quadratic ones of each figure have a common ridge penalty, chosen by the error of the runs that are left out.
Method: Box and Wilson 1951, doi:10.1111/j.2517-6161.1951.tb00067.x; leave-one-out errors of ridge
regression in closed form, Golub, Heath and Wahba 1979, doi:10.1080/00401706.1979.10489751.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import qmc

from sim.calibration.calibration_model import CalibrationModel
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
    """Scores [n_runs, n_parameters] at which figures [n_runs, n_figures] were simulated, nan where not."""

    scores: Floats
    values: Floats

    def plus(self, scores: Floats, values: Floats) -> Design:
        """The design with further points."""
        return Design(np.concatenate([self.scores, scores]), np.concatenate([self.values, values]))


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The used figures of one scenario as quadratic functions of the parameters that act in it.

    figures, acting: their indices. centre, whitening: of the scores, [k] and [k, k]. coefficients:
    [n_features, n_figures], on the scale of each figure. errors: standard errors on that scale, by leaving
    each run out: [n_figures]. n_runs: of the design.
    """

    figures: tuple[int, ...]
    acting: tuple[int, ...]
    centre: Floats
    whitening: Floats
    coefficients: Floats
    errors: Floats
    n_runs: int

    def on_scale(self, scores: Floats) -> Floats:
        """The figures on their scale: float64 [n_points, n_figures] for [n_points, n_parameters]."""
        found: Floats = (
            features((scores[:, self.acting] - self.centre) @ self.whitening.T) @ self.coefficients
        )
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Emulator:
    """All used figures, scenario by scenario; the objective has the emulator's error in its variance."""

    objective: Objective
    surfaces: tuple[Surface, ...]

    @property
    def n_runs(self) -> int:
        """The runs of the scenario with the largest design."""
        return max(one.n_runs for one in self.surfaces)

    def estimates(self, scores: Floats) -> Floats:
        """The figures: float64 [n_points, n_figures] for [n_points, n_parameters]; held back ones are nan."""
        return from_scale(self.objective, self._on_scale(scores))

    def residuals(self, scores: Floats) -> Floats:
        """The residuals of the targets: float64 [n_points, n_terms]."""
        return self.objective.residuals(self.estimates(scores))

    def variance(self, scores: Floats) -> Floats:
        """The variance of each residual by the emulator's error at a point: float64 [n_terms]."""
        middle = self._on_scale(scores[None])
        half = np.zeros(middle.shape[1])
        for one in self.surfaces:
            half[list(one.figures)] = one.errors / 2.0
        low, high = (from_scale(self.objective, middle + sign * half)[0] for sign in (-1.0, 1.0))
        return self.objective.variance_of(low, high, from_scale(self.objective, middle)[0])

    def _on_scale(self, scores: Floats) -> Floats:
        found = np.full((len(scores), len(self.objective.model.figures)), np.nan)
        for one in self.surfaces:
            found[:, one.figures] = one.on_scale(scores)
        return found


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
    """The emulator of a design, its error part of the variance of the objective that it has."""
    model = objective.model
    on_scale = to_scale(objective, design.values)
    surfaces = []
    for one in model.scenarios:
        figures = tuple(i for i in one.figures if model.is_used[i])
        if figures:
            surfaces.append(_surface(fit, design, on_scale, figures=figures, acting=one.acting))
    made = Emulator(objective, tuple(surfaces))
    return replace(made, objective=objective.with_variance(made.variance(fit.scores)))


def _surface(
    fit: BestFit, design: Design, on_scale: Floats, *, figures: tuple[int, ...], acting: tuple[int, ...]
) -> Surface:
    """Each figure with the penalty that has the least error of runs left out."""
    known = ~np.isnan(design.values[:, figures[0]])
    values = on_scale[known][:, figures]
    centre = fit.scores[list(acting)]
    whitening = np.linalg.inv(np.linalg.cholesky(fit.covariance[list(acting)][:, list(acting)])) / WIDER
    x = features((design.scores[known][:, acting] - centre) @ whitening.T)
    coefficients = np.zeros((x.shape[1], len(figures)))
    errors = np.full(len(figures), np.inf)
    for penalty in PENALTIES:
        found, left_out = _ridge(x, values, penalty, 1 + len(acting))
        if found is not None:
            better = left_out < errors
            errors[better] = left_out[better]
            coefficients[:, better] = found[:, better]
    return Surface(figures, acting, centre, whitening, coefficients, errors, int(known.sum()))


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
