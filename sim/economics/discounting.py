"""Discounting: what a lump or a flow at a later time is worth at the patient's start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.event_log.log import Floats
from sim.numerics.compilation import entry
from sim.numerics.portable import exp, log1p
from sim.units import DAYS_IN

YEAR = DAYS_IN["year"]


@entry
def fill_factors(days: Floats, force: float, factors: Floats) -> None:
    """Write exp(-force * days) into `factors`, both of shape [n]."""
    for i in range(len(days)):
        factors[i] = exp(-force * days[i])


@dataclass(frozen=True, slots=True)
class Discount:
    """A constant force of interest per day; 0: no discounting.

    A lump at t is worth exp(-force t); a flow from a to b is worth its rate times the integral of
    that, with t in days from the patient's own start.
    """

    force: float

    @classmethod
    def at_rate(cls, rate: float, *, convention: str) -> Discount:
        """The discount of a yearly rate: `annual` is (1 + rate)^-t, `continuous` exp(-rate t), t in years."""
        return cls((log1p(rate) if convention == "annual" else rate) / YEAR)

    def factors(self, days: Floats) -> Floats:
        """The worth of 1 at each time, shape as `days`."""
        if self.force == 0.0:
            return np.ones(len(days))
        factors = np.empty(len(days))
        fill_factors(np.ascontiguousarray(days), self.force, factors)
        return factors

    def between(self, begin: Floats, end: Floats, factors: tuple[Floats, Floats]) -> Floats:
        """The worth of a flow of 1 a day from `begin` to `end`, in days; factors: at these times."""
        if self.force == 0.0:
            return end - begin
        return (factors[0] - factors[1]) / self.force


UNDISCOUNTED = Discount(0.0)
