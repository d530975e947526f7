"""The best fit of the parameters to the targets by least squares, and which parameters no target reacts to.

The unknowns are normal scores of the priors, so that a prior is one more residual for each parameter and
their sum of squares is -2 times the logarithm of the posterior density of the scores, up to a constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import optimize

from sim.calibration.calibration_model import CalibrationModel, FigureValues
from sim.calibration.objective import Objective, objective_of
from sim.event_log.log import Floats
from sim.runs.run import QUIET, Progress

BOUND = 4.0
"""Scores beyond which no parameter goes: a prior has 6 in 100,000 of its probability there."""
STEP = 0.25
"""Half of the difference of scores in a derivative: large, as patients change their course one by one."""
TOLERANCE = 5e-3
MOST_JACOBIANS = 12


@dataclass(frozen=True, slots=True, eq=False)
class BestFit:
    """Where the objective is least.

    scores: float64 [n_parameters]. values: of the figures there, one point, held back ones too. residuals:
    [n_terms]; jacobian: of them by the scores, [n_terms, n_parameters]. objective_error: standard error of
    half the sum of squares by simulation. runs: points that were simulated. message: why the search ended.
    """

    scores: Floats
    values: FigureValues
    residuals: Floats
    jacobian: Floats
    objective_error: float
    runs: int
    is_converged: bool
    message: str

    @property
    def deviance(self) -> float:
        """The sum of squares of the residuals: without the priors."""
        return float(np.sum(self.residuals**2))

    @property
    def deviance_error(self) -> float:
        """Its standard error by simulation."""
        return 2.0 * self.objective_error

    @property
    def information(self) -> Floats:
        """The Fisher information of the targets in units of the priors: float64 [n, n]."""
        found: Floats = self.jacobian.T @ self.jacobian
        return found

    @property
    def covariance(self) -> Floats:
        """Of the scores, in the normal approximation of the posterior: float64 [n, n]."""
        return np.asarray(np.linalg.inv(self.information + np.eye(len(self.scores))), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Screening:
    """Each parameter moved by a standard score down and up from the median of its prior.

    start: the figures at the medians, one point. low, high: estimates at the two ends, float64
    [n_parameters, n_figures]. silent: the parameters that no used figure reacts to. acting: of each scenario,
    those that its used figures react to. With the same random numbers a figure that a parameter does not
    act on is the same to the bit.
    """

    start: FigureValues
    low: Floats
    high: Floats
    silent: tuple[int, ...]
    acting: tuple[tuple[int, ...], ...]

    def without_silent(self) -> Screening:
        """The screening of the other parameters alone, numbered anew."""
        kept = [i for i in range(len(self.low)) if i not in self.silent]
        acting = tuple(tuple(kept.index(i) for i in own if i in kept) for own in self.acting)
        return Screening(self.start, self.low[kept], self.high[kept], (), acting)


def screen(model: CalibrationModel, *, progress: Progress = QUIET) -> Screening:
    """Which parameters act on which scenarios. Raises: as `CalibrationModel.simulate`."""
    n = len(model.parameters)
    points = np.concatenate([np.zeros((1, n)), -np.eye(n), np.eye(n)])
    found = model.simulate(model.values(points), progress=progress)
    low, high = found.estimates[1 : n + 1], found.estimates[n + 1 :]
    middle = found.estimates[0]
    moved = ((low != middle) | (high != middle)) & model.is_used
    silent = tuple(np.flatnonzero(~moved.any(axis=1)).tolist())
    acting = tuple(
        tuple(i for i in one.shared if moved[i, list(one.figures)].any()) for one in model.scenarios
    )
    return Screening(found.rows([0]), low, high, silent, acting)


class _Search:
    """The objective for scipy, which asks for values and derivatives at the same points."""

    def __init__(self, objective: Objective, screening: Screening, progress: Progress) -> None:
        self.objective, self.screening, self.progress = objective, screening, progress
        self.runs, self.jacobians = 0, 0

    def residuals(self, z: Floats) -> Floats:
        """Those of the terms, then the scores."""
        if not z.any():
            return np.append(self.objective.residuals(self.screening.start.estimates)[0], z)
        self.runs += 1
        return np.append(self._terms(z[None])[0], z)

    def jacobian(self, z: Floats) -> Floats:
        """Central differences within the bounds, with the scores' own derivatives below.

        At the start the differences of the screening, which are wider, will do.
        """
        n = len(z)
        if not z.any():
            low, high = (self.objective.residuals(x) for x in (self.screening.low, self.screening.high))
            return np.concatenate([(high - low).T / 2.0, np.eye(n)])
        low, high = np.maximum(z - STEP, -BOUND), np.minimum(z + STEP, BOUND)
        points = np.concatenate([z + np.diag(low - z), z + np.diag(high - z)])
        found = self._terms(points)
        self.runs += 2 * n
        self.jacobians += 1
        self.progress.share(min(1.0, self.jacobians / MOST_JACOBIANS))
        return np.concatenate([((found[n:] - found[:n]) / (high - low)[:, None]).T, np.eye(n)])

    def _terms(self, points: Floats) -> Floats:
        model = self.objective.model
        return self.objective.residuals(model.simulate(model.values(points)).estimates)


def best_fit(model: CalibrationModel, screening: Screening, *, progress: Progress = QUIET) -> BestFit:
    """The scores with the least sum of squares, by a trust region that respects the bounds.

    screening: of the model; the search begins at its start.
    Method: Branch, Coleman and Li 1999, doi:10.1137/S1064827595289108, as scipy's `least_squares`.
    Raises: as `CalibrationModel.simulate`.
    """
    n = len(model.parameters)
    search = _Search(objective_of(model, screening.start), screening, progress)
    found = optimize.least_squares(
        search.residuals,
        np.zeros(n),
        jac=search.jacobian,
        bounds=(-BOUND, BOUND),
        method="trf",
        ftol=TOLERANCE,
        xtol=TOLERANCE,
        gtol=TOLERANCE,
        max_nfev=MOST_JACOBIANS,
    )
    scores = np.asarray(found.x, dtype=np.float64)
    values = model.simulate(model.values(scores[None]), held_back=True)
    own = objective_of(model, values)
    residuals = own.residuals(values.estimates)[0]
    m = len(residuals)
    return BestFit(
        scores,
        values,
        residuals,
        np.asarray(found.jac, dtype=np.float64)[:m],
        sqrt(float(np.sum(residuals**2 * own.variance))),
        search.runs + 1,
        found.status > 0,
        str(found.message),
    )
