"""Variance-based sensitivity indices from a design of their own: Sobol indices of first and total order.

The design is on the unit cube; whoever simulates maps each column by the quantile function of its
parameter, so that any distribution can be used. All runs simulate the same patients with the same random
numbers: independent noise of each run counts as an interaction of every factor and lifts its total index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from scipy.stats import qmc

from sim.event_log.log import Floats

_BITS = 30
"""Points of the sequence are multiples of 2^-30."""


@dataclass(frozen=True, slots=True)
class Index:
    """A sensitivity index, the share of the variance of a result, with its standard error."""

    value: float
    error: float = nan


@dataclass(frozen=True, slots=True)
class SobolIndices:
    """The indices of one factor.

    first: share of the variance that is removed by knowledge of the factor alone. total: share that
    remains if all other factors are known. With independent factors total >= first; the difference is the
    factor's interactions.
    """

    factor: str
    first: Index
    total: Index


@dataclass(frozen=True, slots=True)
class SobolDesign:
    """Points at which the model is evaluated, on the open unit cube.

    factors: columns of each factor, which are exchanged together. points: float64
    [(n_factors + 2) x n_base, n_columns], in blocks of n_base rows: A, B, then for each factor A with the
    factor's columns from B. n_base: a power of 2.
    """

    factors: Mapping[str, Sequence[int]]
    points: Floats
    n_base: int


def sobol_design(factors: Mapping[str, Sequence[int]], *, power: int, seed: int) -> SobolDesign:
    """A design of A, B and A_B blocks of 2^power points from one scrambled Sobol sequence.

    factors: names and columns (from 0). Each column belongs to one factor. A vector of dependent
    parameters (Dirichlet, joint normal), or parameters that follow one another, is one factor: the
    columns that make it are listed together. Source: Saltelli et al. 2010,
    doi:10.1016/j.cpc.2009.09.018; scrambling: Matousek 1998, doi:10.1006/jcom.1998.0489. Raises ValueError if
    the columns are not 0 to n - 1, each once.
    """
    columns = sorted(column for group in factors.values() for column in group)
    if columns != list(range(len(columns))) or not columns:
        raise ValueError(f"each column from 0 on belongs to exactly one factor; the columns are {columns}")
    n = len(columns)
    sequence = qmc.Sobol(2 * n, scramble=True, bits=_BITS, seed=seed)
    pairs = np.asarray(sequence.random_base2(power), np.float64) + 2.0 ** -(_BITS + 1)  # never 0, never 1
    first, second = pairs[:, :n], pairs[:, n:]
    blocks = [first, second]
    for group in factors.values():
        mixed = first.copy()
        mixed[:, list(group)] = second[:, list(group)]
        blocks.append(mixed)
    return SobolDesign(
        {name: tuple(group) for name, group in factors.items()}, np.concatenate(blocks), 2**power
    )


def sobol_indices(design: SobolDesign, results: Floats) -> list[SobolIndices]:
    """First and total order indices of each factor, in the order of the design.

    With f centred: first order mean(f_B (f_AB - f_A)) / V (Saltelli et al. 2010,
    doi:10.1016/j.cpc.2009.09.018), total order mean((f_A - f_AB)^2) / (2 V) (Jansen 1999,
    doi:10.1016/S0010-4655(98)00154-4), V the variance over A and B. Standard errors by the delta method over
    the base points, as if these were independent: the sequence is better spread, so they are upper
    bounds. A result without variance has indices 0.

    results: float64 [(n_factors + 2) x n_base], the model at the points of the design. Raises ValueError
    for another length.
    """
    n = design.n_base
    if len(results) != len(design.points):
        raise ValueError(f"the design has {len(design.points)} points, but there are {len(results)} results")
    blocks = (results - float(np.mean(results))).reshape(-1, n)
    first, second = blocks[0], blocks[1]
    both = blocks[:2]
    squares: Floats = np.mean((both - np.mean(both)) ** 2, axis=0)
    found = []
    for name, mixed in zip(design.factors, blocks[2:], strict=True):
        main = _ratio(second * (mixed - first), squares)
        total = _ratio((first - mixed) ** 2 / 2.0, squares)
        found.append(SobolIndices(name, main, total))
    return found


def _ratio(above: Floats, below: Floats) -> Index:
    """The ratio of two means over the same points, with the delta method's standard error."""
    whole = float(np.mean(below))
    if not whole > 0.0:
        return Index(0.0, 0.0) if whole == 0.0 else Index(nan)
    value = float(np.mean(above)) / whole
    error = float(np.std((above - value * below) / whole, ddof=1)) / float(np.sqrt(len(above)))
    return Index(value, error)
