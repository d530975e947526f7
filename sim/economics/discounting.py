"""Discounting: what a flow at a later time is worth now."""

from __future__ import annotations

from dataclasses import dataclass

from sim.economics.amounts import force
from sim.economics.layout import YEAR
from sim.numerics.portable import exp

__all__ = ["UNDISCOUNTED", "YEAR", "Discount"]


@dataclass(frozen=True, slots=True)
class Discount:
    """A constant force of interest per day; 0: no discounting."""

    force: float

    @classmethod
    def at_rate(cls, rate: float, *, convention: str) -> Discount:
        """The discount of a yearly rate: `annual` is (1 + rate)^-t, `continuous` exp(-rate t), t in years."""
        return cls(force(rate, convention == "annual"))

    def until(self, end: float) -> float:
        """The worth of a flow of 1 a day from now to `end`, in days."""
        return (1.0 - exp(-self.force * end)) / self.force if self.force else end


UNDISCOUNTED = Discount(0.0)
