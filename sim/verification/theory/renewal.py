"""Semi-Markov pathways solved numerically."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Distribution = Callable[[Floats], Floats]
"""The cumulative hazard of a distribution at some times."""


class HasSurvival(Protocol):
    """A distribution of scipy."""

    def logsf(self, t: Any, /) -> Any:
        """The logarithm of its survival function."""


def hazard_of(distribution: HasSurvival) -> Distribution:
    """The cumulative hazard of a distribution of scipy."""
    return lambda t: -np.asarray(distribution.logsf(t), np.float64)


def occupancy(
    ways: Mapping[str, Sequence[tuple[str, Distribution]]], names: Sequence[str], *, step: float, until: float
) -> tuple[Floats, Floats]:
    """Expected entries into each stage in each step of a grid, and occupancy; float64 [n_names, n_times].

    ways: of each stage the destinations, each with the distribution of its time. Patients begin in the
    first stage. Entries e_j(t) = [t = 0, j first] + sum_i int e_i(t - s) dF_ij(s) (Markov renewal
    equation, Cinlar 1969, doi:10.2307/1426216). Within a step the mass that leaves is split in proportion
    to what the causes' hazards gain, and put half on either end.
    """
    n = round(until / step) + 1
    times = np.arange(n, dtype=np.float64) * step
    leaving = np.zeros((len(names), len(names), n))
    staying = np.ones((len(names), n))
    for stage, causes in ways.items():
        i = names.index(stage)
        hazards = np.array([distribution(times) for _, distribution in causes])
        staying[i] = np.exp(-hazards.sum(axis=0))
        gains = np.diff(hazards, axis=1)
        lost = -np.diff(staying[i]) / np.maximum(gains.sum(axis=0), 1e-300)
        for (to, _), gain in zip(causes, gains, strict=True):
            j = names.index(to)
            leaving[i, j, 1:] += gain * lost / 2
            leaving[i, j, :-1] += gain * lost / 2
    entries = np.zeros((len(names), n))
    at_once = np.linalg.inv(np.eye(len(names)) - leaving[:, :, 0].T)
    pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if leaving[i, j].any()]
    for m in range(n):
        come = np.zeros(len(names))
        if m == 0:
            come[0] = 1.0
        for i, j in pairs:
            come[j] += entries[i, :m] @ leaving[i, j, m:0:-1]
        entries[:, m] = at_once @ come
    present = np.array([np.convolve(e, s)[:n] for e, s in zip(entries, staying, strict=True)])
    return entries, present
