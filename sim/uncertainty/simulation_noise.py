"""Removal of the error of the inner simulation from the benefits of the draws.

The mean of a draw's patients is the draw's benefit plus an error with a known covariance N. The error does
not change means over the draws, and enlarges every statement about the best arm of a draw: the maximum of
noisy means is too large on average (doi:10.1016/j.jhealeco.2010.03.006), and the arms are best with
probabilities too close to each other.

A cross-fitted regression m on all parameters explains a part of the benefit, f = mean + (m - mean) C with
C by least squares. The rest, r, has the covariance R = signal that the regression misses + N. The
corrected benefit is f + r A, where A changes the covariance of r from R to the positive part of R - N with
the least change of the values (doi:10.1016/0024-3795(82)90112-4). Its first two moments over the draws are
those of benefit without noise. Its shape is that of the regression and of the noisy rest; with no noise A is
the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sim.event_log.log import Floats
from sim.uncertainty.benefit import Benefit
from sim.uncertainty.regression import DrawRegression

Matrix: TypeAlias = Floats


@dataclass(frozen=True, slots=True)
class NoisyBenefit:
    """What the correction needs of the draws; arms are measured from the mean of all arms of the draw.

    values, predicted: float64 [n_draws, n_arms]. noise: float64 [n_draws, n_arms * n_arms].
    """

    values: Floats
    predicted: Floats
    noise: Floats

    @classmethod
    def of(cls, benefit: Benefit, regression: DrawRegression) -> NoisyBenefit:
        """Predict the differences of the arms from the best one, and centre all over the arms."""
        n_draws, n_arms = benefit.values.shape
        centring = np.eye(n_arms) - 1.0 / n_arms
        differences = benefit.values - benefit.values[:, [benefit.best]]
        noise = (centring @ benefit.noise @ centring).reshape(n_draws, n_arms * n_arms)
        return cls(benefit.values @ centring, regression.predict(differences) @ centring, noise)

    def corrected(self, weights: Floats) -> tuple[Floats, Floats]:
        """Benefits without noise [n_draws, n_arms], and the part of them that the regression explains.

        weights: float64 [n_draws] with the sum 1, of the draws.
        """
        mean = weights @ self.values
        noise = (weights @ self.noise).reshape(len(mean), len(mean))
        away = self.values - mean
        predicted = self.predicted - weights @ self.predicted
        weighted = predicted * weights[:, None]
        slopes = np.linalg.pinv(weighted.T @ predicted, rcond=1e-10, hermitian=True) @ (weighted.T @ away)
        explained = predicted @ slopes
        left = away - explained
        covariance = (left * weights[:, None]).T @ left
        rest = left @ change_of_covariance(covariance, covariance - noise)
        return mean + explained + rest, mean + explained

    def signal_and_noise(self) -> tuple[float, float, float]:
        """Variances over all arms: of benefit without noise, its standard error, of the noise."""
        squares = np.sum((self.values - np.mean(self.values, axis=0)) ** 2, axis=1)
        n_arms = self.values.shape[1]
        noise = float(np.sum(np.mean(self.noise, axis=0)[:: n_arms + 1]))
        return float(np.mean(squares)) - noise, float(np.std(squares)) / float(np.sqrt(len(squares))), noise


def change_of_covariance(old: Matrix, new: Matrix) -> Matrix:
    """The symmetric A for which values of covariance `old` times A have the positive part of `new`.

    The optimal transport between two normal distributions, old^-1/2 (old^1/2 new old^1/2)^1/2 old^-1/2.
    """
    values, vectors = np.linalg.eigh(old)
    kept = values > 1e-12 * max(float(values[-1]), 0.0)
    roots = np.sqrt(np.where(kept, values, 0.0))
    inverse = np.where(kept, 1.0 / np.where(kept, roots, 1.0), 0.0)
    root = (vectors * roots) @ vectors.T
    turned = (vectors * inverse) @ vectors.T
    changed: Matrix = turned @ _root(root @ _positive_part(new) @ root) @ turned
    return changed


def _positive_part(matrix: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(matrix)
    part: Matrix = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return part


def _root(matrix: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(matrix)
    root: Matrix = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root
