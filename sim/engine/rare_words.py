"""What few scenarios need, in machine code of its own: modified times, reassessment, copulas.

A scenario that needs none of it is run without, and so is compiled sooner.
"""

from __future__ import annotations

from sim.engine.event_times import modified_time, reassessed
from sim.numerics.compilation import compiled, unit
from sim.numerics.normal import normal_cdf, normal_quantile
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables

LOWEST, HIGHEST = 2.0**-53, 1.0 - 2.0**-53
EVENT_TIME, REASSESSED, COUPLED = 0, 1, 2


@unit(at.RARE_TIMES)
def rare_value(T: Tables, x: Floats, k: Ints, what: int, row: int, run: int, value: float) -> float:
    """`modified_time` and `reassessed` of the distribution in this row, or `coupled` of the draw in it."""
    if what == EVENT_TIME:
        return modified_time(T, x, k, row, run, value)
    if what == REASSESSED:
        return reassessed(T, x, k, row, run, value)
    return coupled(T, x, row, value)


@compiled
def coupled(T: Tables, x: Floats, row: int, u: float) -> float:
    """The uniform of a draw that follows another attribute's latest, by a Gaussian copula."""
    P = T.program
    follows, score = P[row, at.DRAW_FOLLOWS], P[row, at.DRAW_SCORE]
    z = normal_quantile(u)
    if follows != at.NONE and x[follows] == x[follows]:
        where = P[row, at.DRAW_CORRELATION]
        z = T.numbers[where] * x[follows] + T.numbers[where + 1] * z
        u = min(max(normal_cdf(z), LOWEST), HIGHEST)
    if score != at.NONE:
        x[score] = z
    return u
