"""What a patient draws: attributes, whether an event is triggered, and its time."""

from __future__ import annotations

from math import inf

from sim.distributions import common_quantile, common_time
from sim.engine.expressions import choose, hazard_of_not_cured, number, part, probability, product
from sim.engine.rare_words import COUPLED, EVENT_TIME, rare_value
from sim.numerics.compilation import compiled, inlined
from sim.numerics.philox import uniform
from sim.numerics.portable import round_to_grid, unit_hazard
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables


@inlined
def drawn(T: Tables, k: Ints, draw: int) -> float:
    """The next uniform of a named draw of this patient."""
    count = T.program[0, at.HEAD_COUNTS] + draw
    occurrence = k[count]
    k[count] = occurrence + 1
    return uniform(
        k[at.SEED],
        k[at.REPLICATION],
        k[at.NUMBER_],
        T.program[T.program[at.MORE, at.MORE_KEYS] + draw, 0],
        occurrence,
    )


@compiled
def event_time(T: Tables, x: Floats, k: Ints, dist: int, run: int, u: float) -> float:
    """The time that a distribution gives for a uniform: days from now, not yet on the grid.

    run: where the event remembers how it runs, or NONE.
    """
    P = T.program
    if run != at.NONE or P[dist, at.DIST_KIND] > at.COMMON:
        return rare_value(T, x, k, EVENT_TIME, dist, run, u)
    leaf = choose(T, x, k, P[dist, at.DIST_LEAF])
    kind, where = P[leaf, at.LEAF_KIND], P[leaf, at.LEAF_AT]
    if P[dist, at.DIST_KIND] == at.PLAIN:
        return common_quantile(kind, T.numbers, where, u)
    time_ratio = product(T, x, k, P[dist, at.DIST_TIME_RATIOS], P[dist, at.DIST_N_TIME_RATIOS])
    r = product(T, x, k, P[dist, at.DIST_RATIOS], P[dist, at.DIST_N_RATIOS])
    plus = P[dist, at.DIST_PLUS]
    after = number(T, x, k, plus) if plus != at.NONE else 0.0
    cured = P[dist, at.DIST_CURED]
    if cured == at.NONE and r == 1.0:
        return common_quantile(kind, T.numbers, where, u) * time_ratio + after
    hazard = unit_hazard(u) / r if r > 0.0 else inf
    if cured != at.NONE:
        p = probability(T, x, k, cured, P[dist, at.DIST_CURED_RATIOS], P[dist, at.DIST_CURED_N_RATIOS])
        hazard = hazard_of_not_cured(p, hazard)
    if r <= 0.0 or hazard < 0.0:
        return inf
    return common_time(kind, T.numbers, where, hazard) * time_ratio + after


@compiled
def draw_value(T: Tables, x: Floats, k: Ints, row: int) -> float:
    """The new value of the attribute that a draw is for."""
    P = T.program
    kind = P[row, at.DRAW_KIND]
    attribute = at.FIRST_ATTRIBUTE + P[row, at.DRAW_ATTRIBUTE]
    if kind == at.FIXED:
        return number(T, x, k, P[row, at.DRAW_A])
    u = drawn(T, k, P[row, at.DRAW_DRAW])
    if P[row, at.DRAW_FOLLOWS] != at.NONE or P[row, at.DRAW_SCORE] != at.NONE:
        u = rare_value(T, x, k, COUPLED, row, at.NONE, u)
    first_ratio, n_ratios = P[row, at.DRAW_RATIOS], P[row, at.DRAW_N_RATIOS]
    if kind == at.BERNOULLI:
        p = probability(T, x, k, P[row, at.DRAW_A], first_ratio, n_ratios)
        return 1.0 if u >= 1.0 - p else 0.0
    if kind == at.NUMBER:
        dist = choose(T, x, k, P[row, at.DRAW_A])
        return event_time(T, x, k, dist, at.NONE, u)
    parts = choose(T, x, k, P[row, at.DRAW_A])
    first = P[parts, at.PARTS_FIRST]
    i = part(T, x, k, first, P[parts, at.PARTS_N], first_ratio, n_ratios, u)
    if i < 0:
        k[at.STATUS] = at.BEYOND_ONE
        return x[attribute]
    key = P[first + i, at.PART_KEY]
    return x[attribute] if key == at.UNCHANGED_KEY else T.numbers[key]


@inlined
def is_triggered(T: Tables, x: Floats, k: Ints, event: int) -> bool:
    """Whether an event is triggered, drawn once a visit (a clock's at each start)."""
    return T.program[event, at.EVENT_CHANCE] == at.NONE or is_triggered_by_chance(T, x, k, event)


@compiled
def is_triggered_by_chance(T: Tables, x: Floats, k: Ints, event: int) -> bool:
    """Whether the chance of an event triggers it."""
    P = T.program
    first, n = P[event, at.EVENT_CHANCE_RATIOS], P[event, at.EVENT_CHANCE_N_RATIOS]
    p = probability(T, x, k, P[event, at.EVENT_CHANCE], first, n)
    return drawn(T, k, P[event, at.EVENT_CHANCE_DRAW]) < p


@inlined
def schedule(T: Tables, x: Floats, k: Ints, event: int, slot: int) -> None:
    """Draw the time of an event or clock from now on, and let it run."""
    P = T.program
    count = P[0, at.HEAD_COUNTS] + P[event, at.EVENT_DRAW]
    occurrence = k[count]
    k[count] = occurrence + 1
    u = uniform(k[at.SEED], k[at.REPLICATION], k[at.NUMBER_], P[event, at.EVENT_KEY], occurrence)
    kind = P[event, at.EVENT_LEAF_KIND]
    if kind != at.NONE:
        time = common_quantile(kind, T.numbers, P[event, at.EVENT_LEAF_AT], u)
    else:
        dist = choose(T, x, k, P[event, at.EVENT_DIST])
        time = event_time(T, x, k, dist, P[event, at.EVENT_RUN], u)
    x[P[0, at.HEAD_DUE] + slot] = x[at.NOW] + round_to_grid(max(time, 0.0))
    k[P[0, at.HEAD_SLOTS] + slot] = at.RUNS
