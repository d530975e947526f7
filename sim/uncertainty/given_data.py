"""Sensitivity indices from the draws of a probabilistic analysis: no further runs are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import nan, sqrt
from typing import TypeAlias

import numpy as np

from sim.event_log.log import Floats
from sim.uncertainty.regression import normal_scores
from sim.uncertainty.sobol import Index

_MOST_KNOTS = 12
_DRAWS_PER_KNOT = 20
_RANK_TOLERANCE = 1e-8


FactorBases: TypeAlias = Mapping[str, Floats]
"""For each factor float64 [n_draws, rank]: orthonormal columns with mean 0, functions of the factor."""


def factor_bases(parameters: Floats, factors: Mapping[str, Sequence[int]]) -> FactorBases:
    """The functions of each factor in which conditional means are fitted; the same for all results.

    Natural cubic splines of each column's normal scores of ranks, up to 12 knots; for a factor of several
    columns also the products of pairs of scores. A factor that does not vary has no functions.

    parameters: float64 [n_draws, n_columns]. factors: names and columns (from 0). Parameters that depend
    on one another belong to one factor; otherwise the index of each contains a share of the other. Raises
    ValueError for fewer than 100 draws.
    """
    n_draws, least = len(parameters), 5 * _DRAWS_PER_KNOT
    if n_draws < least:
        raise ValueError(f"indices from given draws need at least {least} draws; there are {n_draws}")
    return {name: _basis(parameters[:, list(columns)]) for name, columns in factors.items()}


def given_data_indices(bases: FactorBases, results: Floats, *, noise: Floats | float) -> dict[str, Index]:
    """First-order indices Var(E[result | factor]) / Var(result without noise) from existing draws.

    The conditional mean is a least-squares fit. A fit explains some noise too; that part, the sum of
    leverage x residual variance, is subtracted, so the index of a parameter without influence is 0 on
    average and in half of the analyses slightly negative. Noise of the simulation leaves the numerator
    unbiased and is subtracted from the denominator. Standard errors: delta method over draws.
    Conditional means from given data: Strong, Oakley and Brennan 2014, doi:10.1177/0272989X13505910;
    Plischke 2010, doi:10.1016/j.ress.2009.11.005.

    results: float64 [n_draws]. noise: squared simulation error of each result, float64 [n_draws], or one
    for all. Where the variance of the results does not exceed the noise, indices are nan.
    """
    n_draws = len(results)
    centred = results - float(np.mean(results))
    own: Floats = centred * centred * (n_draws / (n_draws - 1)) - noise
    if not float(np.mean(own)) > 0.0:
        return dict.fromkeys(bases, Index(nan))
    return {name: _index(basis, centred, own) for name, basis in bases.items()}


def _index(basis: Floats, centred: Floats, own: Floats) -> Index:
    """own: float64 [n_draws], squared deviation less noise, its mean the variance without noise."""
    n, rank = basis.shape
    variance = float(np.mean(own))
    fitted = basis @ (basis.T @ centred)
    leverage = np.sum(basis * basis, axis=1)
    left = (centred - fitted) ** 2 / (1.0 - leverage - 1.0 / n)
    explained = (float(np.sum(fitted * fitted)) - float(np.sum(leverage * left))) / (n - 1)
    value = explained / variance
    linear = (2.0 * centred * fitted - fitted * fitted - value * own) / variance
    # the fit's own error: twice in the linear term, once in truth
    of_fit = 2.0 * rank * (float(np.mean(left)) / variance) ** 2 / n**2
    return Index(value, sqrt(max(float(np.var(linear, ddof=1)) / n - of_fit, of_fit)))


def _basis(columns: Floats) -> Floats:
    """Orthonormal columns with mean 0, float64 [n_draws, rank], that span the splines of a factor."""
    scores = list(normal_scores(columns).T)
    splines = [_natural_spline(score) for score in scores]
    products = [(one * other)[:, np.newaxis] for one, other in combinations(scores, 2)]
    return _orthonormal(np.concatenate([*splines, *products], axis=1))


def _orthonormal(functions: Floats) -> Floats:
    """The span of the centred columns, by Gram and Schmidt, each twice so that none is lost to rounding.

    A few sums are quicker here than a factorisation, which starts threads.
    """
    kept: list[Floats] = []
    for function in functions.T:
        left = function - np.mean(function)
        least = _RANK_TOLERANCE * max(sqrt(float(np.sum(left * left))), 1.0)
        for one in [*kept, *kept]:
            left = left - np.sum(left * one) * one
        size = sqrt(float(np.sum(left * left)))
        if size > least:
            kept.append(left / size)
    return np.stack(kept, axis=1) if kept else np.empty((len(functions), 0))


def _natural_spline(score: Floats) -> Floats:
    """Natural cubic spline basis with knots at quantiles, linear beyond the outer knots.

    Source: Hastie, Tibshirani and Friedman 2009, The Elements of Statistical Learning, equation 5.4.
    """
    n_knots = min(_MOST_KNOTS, len(score) // _DRAWS_PER_KNOT)
    knots = np.unique(np.quantile(score, np.linspace(0.01, 0.99, n_knots)))
    if len(knots) < 3:
        return score[:, np.newaxis]
    cubes = np.maximum(score[:, np.newaxis] - knots, 0.0) ** 3
    slopes = (cubes[:, :-1] - cubes[:, -1:]) / (knots[-1] - knots[:-1])
    return np.concatenate([score[:, np.newaxis], slopes[:, :-1] - slopes[:, -1:]], axis=1)
