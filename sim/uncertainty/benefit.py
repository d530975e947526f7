"""Net benefit of every arm in every parameter draw, with the error of its simulation."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np

from sim.errors import InputError
from sim.event_log.log import Floats

FEWEST_DRAWS = 40


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its standard error; nan where it cannot be known, and the note says why."""

    value: float
    standard_error: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Benefit:
    """The mean benefit of the simulated patients of each draw in each arm; more is better.

    values: float64 [n_draws, n_arms]. noise: float64 [n_draws, n_arms, n_arms], the covariance of the
    simulation error of these means within a draw; 0 where the model has none. The errors of different draws
    are independent: each draw has patients of its own. patients: simulated in each draw. threshold: amount
    for one QALY, nan for an outcome that is not a net monetary benefit.

    Raises: InputError on other shapes, on values that are not finite, with fewer than 40 draws or 2 arms.
    """

    arms: tuple[str, ...]
    values: Floats
    noise: Floats
    patients: int
    threshold: float = nan

    def __post_init__(self) -> None:
        n_draws, n_arms = self.values.shape
        if n_arms != len(self.arms) or self.noise.shape != (n_draws, n_arms, n_arms):
            raise InputError(
                f"benefit has the shape {self.values.shape} and its noise {self.noise.shape} for "
                f"{len(self.arms)} arms",
                "give [n_draws, n_arms] and [n_draws, n_arms, n_arms]",
            )
        if n_arms < 2:
            raise InputError("one arm leaves nothing to decide", "give at least two arms")
        if n_draws < FEWEST_DRAWS:
            raise InputError(f"{n_draws} draws are too few", f"make at least {FEWEST_DRAWS}, better 1,000")
        known = np.isfinite(self.values) & np.all(np.isfinite(self.noise), axis=2)
        if not np.all(known):
            draw, arm = (int(where[0]) for where in np.nonzero(~known))
            raise InputError(
                f"draw {draw} of {self.arms[arm]} has no benefit or no noise",
                "every draw needs a finite mean and error in every arm",
            )

    @property
    def best(self) -> int:
        """The number of the arm with the largest mean over the draws; the first of equal ones."""
        return int(np.argmax(np.mean(self.values, axis=0)))

    @property
    def tie(self) -> float:
        """Benefits closer than this are equal: 1e-9 of the largest size, above rounding errors."""
        return 1e-9 * float(np.max(np.abs(self.values)))


def net_benefit(
    arms: tuple[str, ...],
    *,
    cost: Floats,
    qaly: Floats,
    covariance: Floats,
    threshold: float,
    patients: int,
) -> Benefit:
    """Net monetary benefit, threshold x QALYs - cost, and the covariance of its simulation error.

    cost, qaly: float64 [n_draws, n_arms]. covariance: float64 [n_draws, 2 n_arms, 2 n_arms], of the
    errors of the costs of all arms and then of the QALYs of all arms.
    """
    n_draws, n_arms = cost.shape
    if qaly.shape != cost.shape or covariance.shape != (n_draws, 2 * n_arms, 2 * n_arms):
        raise InputError(
            f"cost has the shape {cost.shape}, qaly {qaly.shape}, their covariance {covariance.shape}",
            "give [n_draws, n_arms] twice and [n_draws, 2 n_arms, 2 n_arms]",
        )
    weights = np.hstack([-np.eye(n_arms), threshold * np.eye(n_arms)])
    noise = weights @ covariance @ weights.T
    return Benefit(arms, threshold * qaly - cost, noise, patients, threshold)
