"""What a patient draws: attributes, whether an event is triggered, and its time."""

from __future__ import annotations

from sim.distributions import leaf_quantile
from sim.engine.event_times import event_time
from sim.engine.expressions import choose, number, part, probability
from sim.numerics.compilation import compiled, inlined
from sim.numerics.normal import normal_cdf, normal_quantile
from sim.numerics.philox import uniform
from sim.numerics.portable import round_to_grid
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables

LOWEST, HIGHEST = 2.0**-53, 1.0 - 2.0**-53


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
def coupled(T: Tables, x: Floats, row: int, u: float) -> float:
    """The uniform of a draw that follows another attribute's latest, by a Gaussian copula."""
    P = T.program
    follows, score = P[row, at.DRAW_FOLLOWS], P[row, at.DRAW_SCORE]
    if follows == at.NONE and score == at.NONE:
        return u
    z = normal_quantile(u)
    if follows != at.NONE and x[follows] == x[follows]:
        where = P[row, at.DRAW_CORRELATION]
        z = T.numbers[where] * x[follows] + T.numbers[where + 1] * z
        u = min(max(normal_cdf(z), LOWEST), HIGHEST)
    if score != at.NONE:
        x[score] = z
    return u


@compiled
def draw_value(T: Tables, x: Floats, k: Ints, row: int) -> float:
    """The new value of the attribute that a draw is for."""
    P = T.program
    kind = P[row, at.DRAW_KIND]
    attribute = at.FIRST_ATTRIBUTE + P[row, at.DRAW_ATTRIBUTE]
    if kind == at.FIXED:
        return number(T, x, k, P[row, at.DRAW_A])
    u = coupled(T, x, row, drawn(T, k, P[row, at.DRAW_DRAW]))
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
        time = leaf_quantile(kind, T.numbers, P[event, at.EVENT_LEAF_AT], u)
    else:
        dist = choose(T, x, k, P[event, at.EVENT_DIST])
        time = event_time(T, x, k, dist, P[event, at.EVENT_RUN], u)
    x[P[0, at.HEAD_DUE] + slot] = x[at.NOW] + round_to_grid(max(time, 0.0))
    k[P[0, at.HEAD_SLOTS] + slot] = at.RUNS
