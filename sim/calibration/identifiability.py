"""What the targets say about each parameter, and about all together.

Profile likelihood: Raue and others 2009, doi:10.1093/bioinformatics/btp358. Effective dimension: the sum of
l / (1 + l) over the eigenvalues l of the Fisher information in units of the prior, Spiegelhalter and others
2002, doi:10.1111/1467-9868.00353.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
from scipy import optimize

from sim.calibration.least_squares import BOUND, BestFit
from sim.calibration.posterior import Likelihood
from sim.event_log.log import Floats

GRID = 13
WIDTH = 3.0
"""A profile reaches this many standard deviations of the posterior to either side."""
CHI_SQUARE_95 = 3.841458820694124
WEAK = 0.1
"""The prior decides where the targets explain less than this share of its variance."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The profile likelihood of one parameter.

    scores: float64 [GRID]. deviance: -2 times the logarithm of the likelihood of the targets, without the
    priors, at the best values of the others, above its least. low, high: of the 95% interval, in scores;
    infinite where it does not end within the grid.
    """

    scores: Floats
    deviance: Floats
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Identifiability:
    """eigenvalues: of the Fisher information in units of the prior, the largest first; vectors: columns.

    correlation: of the scores in the posterior. learned: of each parameter, the share of the prior variance
    that the targets explain; below 0 where the posterior is wider.
    """

    eigenvalues: Floats
    vectors: Floats
    correlation: Floats
    learned: Floats
    profiles: tuple[Profile, ...]

    @property
    def effective_dimension(self) -> float:
        """The number of combinations of parameters that the targets decide."""
        positive = np.maximum(self.eigenvalues, 0.0)
        return float(np.sum(positive / (1.0 + positive)))


def identifiability(likelihood: Likelihood, fit: BestFit, scores: Floats) -> Identifiability:
    """What the targets say. scores: draws of the posterior, float64 [n_draws, n_parameters]."""
    values, vectors = np.linalg.eigh(information(likelihood, fit.scores))
    order = np.argsort(values)[::-1]
    vectors = vectors[:, order]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(order))])
    sd = scores.std(axis=0, ddof=1)
    correlation = np.corrcoef(scores, rowvar=False).reshape(len(sd), len(sd))
    profiles = tuple(_profile(likelihood, fit, i, float(sd[i])) for i in range(len(sd)))
    return Identifiability(values[order], vectors, correlation, 1.0 - sd**2, profiles)


def information(likelihood: Likelihood, scores: Floats) -> Floats:
    """The Fisher information of the targets at some scores, in units of the priors: float64 [n, n].

    From differences over a whole score, in which many patients change their course.
    """
    steps = 0.5 * np.eye(len(scores))
    change = likelihood.residuals(scores + steps) - likelihood.residuals(scores - steps)
    found: Floats = change @ change.T
    return found


def _profile(likelihood: Likelihood, fit: BestFit, i: int, sd: float) -> Profile:
    """Least squares over the other parameters at each point of a grid, from the middle outwards."""
    grid = np.clip(fit.scores[i] + WIDTH * sd * np.linspace(-1.0, 1.0, GRID), -BOUND, BOUND)
    others = [k for k in range(len(fit.scores)) if k != i]
    deviance = np.empty(GRID)
    for side in (range(GRID // 2, GRID), range(GRID // 2, -1, -1)):
        start = fit.scores[others]
        for point in side:
            deviance[point], start = _least(likelihood, grid[point], i, others, start)
    deviance -= deviance.min()
    least = int(deviance.argmin())
    low, high = (_crossing(grid, deviance, range(least, end, step)) for end, step in ((-1, -1), (GRID, 1)))
    return Profile(grid, deviance, -inf if low is None else low, inf if high is None else high)


def _least(
    likelihood: Likelihood, score: float, i: int, others: list[int], start: Floats
) -> tuple[float, Floats]:
    """The least deviance of the targets with one score fixed, and the scores of the others there."""

    def residuals(free: Floats) -> Floats:
        z = np.empty((1, len(others) + 1))
        z[0, i], z[0, others] = score, free
        found: Floats = likelihood.residuals(z)[0]
        return found

    if not others:
        return float(np.sum(residuals(start) ** 2)), start
    found = optimize.least_squares(
        residuals, np.clip(start, -BOUND + 1e-6, BOUND - 1e-6), bounds=(-BOUND, BOUND), max_nfev=50
    )
    return 2.0 * float(found.cost), np.asarray(found.x, dtype=np.float64)


def _crossing(grid: Floats, deviance: Floats, side: range) -> float | None:
    """The first score on a side at which the deviance reaches the 95% point, None where it never does."""
    for before, after in pairwise(side):
        if deviance[after] >= CHI_SQUARE_95:
            share = (CHI_SQUARE_95 - deviance[before]) / (deviance[after] - deviance[before])
            return float(grid[before] + share * (grid[after] - grid[before]))
    return None


@dataclass(frozen=True, slots=True, eq=False)
class LinearLikelihood:
    """The residuals as linear functions of the scores, from the Jacobian at the best fit."""

    fit: BestFit

    def residuals(self, scores: Floats) -> Floats:
        """float64 [n_points, n_terms]."""
        found: Floats = self.fit.residuals + (scores - self.fit.scores) @ self.fit.jacobian.T
        return found
