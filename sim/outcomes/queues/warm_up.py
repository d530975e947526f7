"""The warm-up to leave out of a run (MSER-5), and queues that do not settle."""

from __future__ import annotations

from math import sqrt

import numpy as np
from scipy.special import stdtrit

from sim.event_log.log import Floats

BATCH = 5
"""Observations in a batch."""
BATCHES = 10
"""Batches of the last half of a series, to which a line is fitted."""
SURE = 0.9995
PART_OF_MEAN = 0.25
"""A queue grows if the line rises, at this confidence, by this part of its mean and by a patient at least."""


def batches_of(observations: Floats) -> Floats:
    """Means of five observations each, without the remainder."""
    means: Floats = observations[: len(observations) // BATCH * BATCH].reshape(-1, BATCH).mean(axis=1)
    return means


def mser(batches: Floats) -> int | None:
    """The number of batches to leave out so that the marginal standard error of the rest is least.

    None where it is more than half, or where there are fewer than ten: then the series is too short.
    Source: MSER-5, White, doi:10.1177/003754979706900601.
    """
    n = len(batches)
    if n < BATCHES:
        return None
    kept = np.arange(n, 0, -1)
    centred = (batches - batches.mean())[::-1]
    total, squares = np.cumsum(centred)[::-1], np.cumsum(centred**2)[::-1]
    errors = (squares - total**2 / kept) / kept**2
    best = int(np.argmin(errors[: n - BATCH]))
    return best if best <= n // 2 else None


def growth(queue: Floats) -> float | None:
    """Patients by which a queue grows over the last half of a period; None where it settles.

    queue: averages over equal stretches of that time; None also where they are fewer than twenty.
    """
    if len(queue) < 2 * BATCHES:
        return None
    half = queue[len(queue) // 2 :]
    means = half[len(half) % BATCHES :].reshape(BATCHES, -1).mean(axis=1)
    at = np.arange(BATCHES) - (BATCHES - 1) / 2
    slope = float(at @ means / (at @ at))
    residuals = means - means.mean() - slope * at
    error = sqrt(float(residuals @ residuals) / (BATCHES - 2) / float(at @ at))
    risen = slope * BATCHES
    is_sure = slope > float(stdtrit(BATCHES - 2, SURE)) * error
    return risen if is_sure and risen > max(1.0, PART_OF_MEAN * float(means.mean())) else None
