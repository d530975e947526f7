"""Regression of an outcome on the parameter draws, cross-fitted.

Each parameter is replaced by its normal scores z (the normal quantiles of its ranks), so that the fit is
the same for every monotone scale of the parameter. The features are orthonormal Hermite polynomials of z
and products of the scores of two parameters (a polynomial chaos expansion, doi:10.1137/S1064827501387826).
Ridge regression, with the penalty and the set of features chosen by generalised cross-validation
(doi:10.1080/00401706.1979.10489751), predicts each tenth of the draws from the other nine tenths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from sim.event_log.log import Floats, Indices

Flags: TypeAlias = NDArray[np.bool_]
FOLDS = 10
PENALTIES = np.geomspace(1e-4, 1e4, 17)
ONE_DEGREE, GROUP_DEGREE = 6, 4
DRAWS_FOR_A_FEATURE = 4
"""Products of two parameters are left out where fewer draws than this are there for each feature."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """Features [n_draws, n_features] with mean 0 and variance 1, and the factors of each fold.

    means, values, vectors: of the training draws of each fold, the mean of the features and the
    eigenvalues and eigenvectors of their sums of squares and products; with more features than draws
    those with an eigenvalue above 0.
    """

    features: Floats
    means: tuple[Floats, ...]
    values: tuple[Floats, ...]
    vectors: tuple[Floats, ...]

    @classmethod
    def of(cls, features: Floats) -> FeatureSet:
        """Factor the training draws of each fold once, for all outcomes."""
        centred = features - np.mean(features, axis=0)
        scale = np.sqrt(np.mean(centred * centred, axis=0))
        constant = scale <= 1e-12
        scaled = np.where(constant, 0.0, centred / np.where(constant, 1.0, scale))
        means, values, vectors = [], [], []
        for test in _folds(len(features)):
            train = scaled[~test]
            means.append(np.mean(train, axis=0))
            found = _factors(train - means[-1])
            values.append(found[0])
            vectors.append(found[1])
        return cls(scaled, tuple(means), tuple(values), tuple(vectors))

    def fit(self, outcome: Floats, *, fold: int, test: Flags) -> tuple[Floats, Floats]:
        """Predictions [n_test, n_columns] of one fold, and the cross-validation score [n_columns]."""
        train = outcome[~test]
        n = len(train)
        mean = np.mean(train, axis=0)
        values, vectors = self.values[fold], self.vectors[fold]
        away = train - mean
        turned = vectors.T @ ((self.features[~test] - self.means[fold]).T @ away)
        ridge = n * PENALTIES[:, None]
        explained = ((values + 2.0 * ridge) / (values + ridge) ** 2) @ (turned * turned)
        freedom = 1.0 + np.sum(values / (values + ridge), axis=1)
        left = np.maximum(np.sum(away * away, axis=0) - explained, 0.0)
        scores = left / n / (1.0 - np.minimum(freedom / n, 0.99))[:, None] ** 2
        chosen = np.argmin(scores, axis=0)
        slopes = vectors @ (turned / (values[:, None] + n * PENALTIES[chosen]))
        return mean + (self.features[test] - self.means[fold]) @ slopes, np.min(scores, axis=0)


def _factors(away: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues and eigenvectors of away' away, from the smaller of it and away away'."""
    n, n_features = away.shape
    if n_features <= n:
        found = np.linalg.eigh(away.T @ away)
        return np.maximum(found.eigenvalues, 0.0), found.eigenvectors
    found = np.linalg.eigh(away @ away.T)
    kept = found.eigenvalues > 1e-10 * found.eigenvalues[-1]
    values = found.eigenvalues[kept]
    return values, away.T @ (found.eigenvectors[:, kept] / np.sqrt(values))


@dataclass(frozen=True, slots=True)
class DrawRegression:
    """Cross-fitted regression on a group of parameters; factored once, used for every outcome."""

    sets: tuple[FeatureSet, ...]

    @classmethod
    def on(cls, parameters: Floats) -> DrawRegression:
        """The regression on these columns, float64 [n_draws, n_columns]."""
        scores = normal_scores(parameters)
        n_draws, n_columns = scores.shape
        degree = ONE_DEGREE if n_columns == 1 else GROUP_DEGREE
        curved = np.hstack([scores, *_hermite(scores, degree)])
        sets = [FeatureSet.of(scores), FeatureSet.of(curved)]
        n_features = curved.shape[1] + n_columns * (n_columns - 1) // 2
        if n_columns > 1 and DRAWS_FOR_A_FEATURE * n_features <= n_draws:
            first, second = np.triu_indices(n_columns, 1)
            sets.append(FeatureSet.of(np.hstack([curved, scores[:, first] * scores[:, second]])))
        return cls(tuple(sets))

    def predict(self, outcome: Floats) -> Floats:
        """The expectation of each column of `outcome` [n_draws, n_columns], given the parameters.

        A draw is predicted by a fit that did not use it.
        """
        predicted = np.empty_like(outcome)
        for fold, test in enumerate(_folds(len(outcome))):
            fits = [features.fit(outcome, fold=fold, test=test) for features in self.sets]
            chosen = np.argmin([score for _, score in fits], axis=0)
            for column, which in enumerate(chosen.tolist()):
                predicted[test, column] = fits[which][0][:, column]
        return predicted


def training_best(values: Floats) -> Indices:
    """For each draw [n_draws] the column of `values` with the largest mean outside of its fold."""
    best = np.empty(len(values), np.int64)
    for test in _folds(len(values)):
        best[test] = np.argmax(np.mean(values[~test], axis=0))
    return best


def _folds(n_draws: int) -> Iterator[Flags]:
    fold = np.arange(n_draws) % FOLDS
    for number in range(FOLDS):
        yield fold == number


def normal_scores(parameters: Floats) -> Floats:
    """The normal quantiles of the ranks within each column [n_draws, n_columns]; equal values share one."""
    ranks = rankdata(parameters, axis=0)
    scores: Floats = ndtri((ranks - 0.5) / len(parameters))
    return scores


def _hermite(scores: Floats, degree: int) -> Iterator[Floats]:
    """Hermite polynomials of the degrees 2 to `degree`, of variance 1 under the normal distribution."""
    before, now = np.ones_like(scores), scores
    for k in range(1, degree):
        before, now = now, (scores * now - np.sqrt(k) * before) / np.sqrt(k + 1)
        yield now
