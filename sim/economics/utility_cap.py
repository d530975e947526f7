"""What the utility of the general population at each age takes off the utilities of survivors."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from sim.economics.discounting import YEAR, Discount
from sim.economics.stays import Stays
from sim.event_log.log import Floats, Indices
from sim.outcomes.history.choices import evaluate
from sim.outcomes.history.history import covariate
from sim.scenario.language.conditions import mapped
from sim.scenario.language.model import AgeSteps, Covariate, Value


@dataclass(frozen=True, slots=True, eq=False)
class AboveCap:
    """Pieces of stretches in which a utility exceeds the highest of its age, in no order.

    patient: index; begin, end: days since the start; excess: by how much. Shape [n_pieces].
    """

    patient: Indices
    begin: Floats
    end: Floats
    excess: Floats

    @classmethod
    def of(cls, stays: Stays, utility: Floats, cap: Value[AgeSteps]) -> AboveCap:
        """The pieces for the utility in each stretch, shape [n_stretches]."""
        tables: list[AgeSteps] = []

        def position(table: AgeSteps) -> float:
            tables.append(table)
            return float(len(tables) - 1)

        indexed = mapped(cap, position)
        lowest = min(limit for table in tables for _, limit in table)
        at = np.flatnonzero(utility > lowest)
        which = evaluate(stays.history, indexed, stays.row[at])
        found = [_pieces(stays, utility, at[which == i], table) for i, table in enumerate(tables)]
        return cls(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def worth(self, discount: Discount) -> Floats:
        """Quality-adjusted days above the highest utilities in each piece, shape [n_pieces]."""
        factors = discount.factors(self.begin), discount.factors(self.end)
        return self.excess * discount.between(self.begin, self.end, factors)


def _pieces(
    stays: Stays, utility: Floats, at: Indices, table: AgeSteps
) -> tuple[Indices, Floats, Floats, Floats]:
    """The pieces of one table, in these stretches."""
    ages, limits = (np.array(column) for column in zip(*table, strict=True))
    begin, end = stays.begin[at], stays.end[at]
    age = covariate(stays.history, Covariate("current_age"), stays.row[at])
    born = begin - age * YEAR
    first = np.searchsorted(ages, age, side="right") - 1
    last = np.searchsorted(ages, (end - born) / YEAR, side="left") - 1
    n = np.maximum(last - first + 1, 0)
    piece = np.repeat(np.arange(len(at)), n)
    step = np.arange(len(piece)) - np.repeat(np.cumsum(n) - n, n) + first[piece]
    known = step >= 0
    piece, step = piece[known], step[known]
    excess = utility[at[piece]] - limits[step]
    over = excess > 0.0
    piece, step = piece[over], step[over]
    begins = np.maximum(begin[piece], born[piece] + ages[step] * YEAR)
    ends = np.minimum(end[piece], born[piece] + np.append(ages, inf)[step + 1] * YEAR)
    return stays.patient[at[piece]], begins, ends, excess[over]
