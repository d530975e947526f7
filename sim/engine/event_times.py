"""How long until an event: the distribution of a time under its modifiers, drawn and reassessed.

A distribution is read once, when its time is drawn, into a vector of arguments (`at.ARG_*`): the leaf its
choices end in, the ratios that act, the conditioning. All that follows is arithmetic on them.
With time t since the time began to run, the leaf's own time is w(t) = w0 + (t - t0) / time_ratio, its
hazard is that of the leaf behind the cured fraction, S(w) = p + (1 - p) S_leaf(w), times the
hazard ratios of the moment, and a draw solves A(t) = E for a unit exponential E, where A is the
cumulative hazard from t0. A reassessment moves (t0, w0, E) to the present and goes on.
"""

from __future__ import annotations

from math import inf

from sim.distributions import leaf_quantile
from sim.distributions.leaves import STEPS
from sim.engine.expressions import (
    choose,
    covariate,
    is_normal,
    log_ratio,
    number,
    odds,
    part,
    probability,
    product,
    ratio,
)
from sim.engine.hazard_ratios import gained, reached
from sim.numerics.compilation import compiled
from sim.numerics.portable import exp, expm1, log, log1p, unit_hazard
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables

TINY = 1e-300
"""The ratio that stands for 0, by which a time cannot be divided."""


@compiled
def read_distribution(T: Tables, x: Floats, k: Ints, dist: int, began: float, a: int) -> None:
    """Fill the arguments at `x[a:]` with the parameters of the distribution for this patient now."""
    P = T.program
    x[a + at.ARG_LEAF] = float(choose(T, x, k, P[dist, at.DIST_LEAF]))
    x[a + at.ARG_TIME_RATIO] = product(T, x, k, P[dist, at.DIST_TIME_RATIOS], P[dist, at.DIST_N_TIME_RATIOS])
    scale = P[dist, at.DIST_SCALE]
    if scale != at.NONE:  # a time below 0 is over at once
        x[a + at.ARG_TIME_RATIO] *= max(x[at.FIRST_ATTRIBUTE + scale], TINY)
    x[a + at.ARG_ALREADY] = already(T, x, k, dist)
    if is_before_table(T, x, a):
        k[at.STATUS] = at.TOO_YOUNG
    low, high = P[dist, at.DIST_LOW], P[dist, at.DIST_HIGH]
    x[a + at.ARG_LOW] = number(T, x, k, low) if low != at.NONE else -inf
    x[a + at.ARG_HIGH] = number(T, x, k, high) if high != at.NONE else inf
    plus = P[dist, at.DIST_PLUS]
    x[a + at.ARG_PLUS] = number(T, x, k, plus) if plus != at.NONE else 0.0
    x[a + at.ARG_HOLD] = held_until(T, x, k, dist)
    x[a + at.ARG_CURED] = -1.0
    x[a + at.ARG_INNER_RATIO] = 1.0
    x[a + at.ARG_INNER_TIME] = 1.0
    if P[dist, at.DIST_CURED] != at.NONE:
        x[a + at.ARG_CURED] = probability(
            T, x, k, P[dist, at.DIST_CURED], P[dist, at.DIST_CURED_RATIOS], P[dist, at.DIST_CURED_N_RATIOS]
        )
        inner = P[dist, at.DIST_INNER]
        if inner != at.NONE:
            x[a + at.ARG_INNER_RATIO] = product(T, x, k, P[inner, at.DIST_RATIOS], P[inner, at.DIST_N_RATIOS])
            x[a + at.ARG_INNER_TIME] = product(
                T, x, k, P[inner, at.DIST_TIME_RATIOS], P[inner, at.DIST_N_TIME_RATIOS]
            )
    read_ratios(T, x, k, dist, began, a)


@compiled
def is_before_table(T: Tables, x: Floats, a: int) -> bool:
    """Whether a time has lasted less than a life table covers; the steps of all other leaves begin at 0."""
    leaf = int(x[a + at.ARG_LEAF])
    if T.program[leaf, at.LEAF_KIND] != STEPS:
        return False
    first = T.numbers[T.program[leaf, at.LEAF_AT] + 1]
    return x[a + at.ARG_ALREADY] / x[a + at.ARG_TIME_RATIO] < first


@compiled
def already(T: Tables, x: Floats, k: Ints, dist: int) -> float:
    """How long the time has lasted when it begins to run, in days."""
    kind = T.program[dist, at.DIST_ALREADY]
    if kind == at.NONE:
        return 0.0
    index = T.program[dist, at.DIST_ALREADY_INDEX]
    if kind == at.ALREADY_TIME:
        return number(T, x, k, index)
    lasted = covariate(T, x, k, kind, index)
    if lasted != lasted:
        return 0.0
    return lasted * 365.25 if kind == at.CURRENT_AGE else lasted


@compiled
def held_until(T: Tables, x: Floats, k: Ints, dist: int) -> float:
    """The earliest day (since the patient's start) that `not_before` allows."""
    P = T.program
    until = -inf
    first = P[dist, at.DIST_HOLD]
    for row in range(first, first + P[dist, at.DIST_N_HOLD]):
        stamp = P[row, at.HOLD_STAMP]
        stamped = 0.0 if stamp == at.SINCE_ZERO else x[P[0, at.HEAD_STAMPS] + stamp]
        if stamped == stamped:
            until = max(until, stamped + number(T, x, k, P[row, at.HOLD_NODE]))
    return until


@compiled
def read_ratios(T: Tables, x: Floats, k: Ints, dist: int, began: float, a: int) -> None:
    """Multiply the hazard ratios that last, and list the windows of those limited in time."""
    P = T.program
    lasting, log_lasting = 1.0, 0.0
    is_exact = True
    windows = 0
    first = P[dist, at.DIST_RATIOS]
    for row in range(first, first + P[dist, at.DIST_N_RATIOS]):
        value = ratio(T, x, k, row)
        window = P[row, at.RATIO_WINDOW]
        if window == at.NONE:
            lasting *= float(value)
            is_exact = is_exact and is_normal(lasting)
            continue
        since = P[row, at.RATIO_SINCE]
        shift = 0.0
        if since >= 0:
            stamped = x[P[0, at.HEAD_STAMPS] + since]
            if stamped != stamped:
                continue
            shift = stamped - began
        elif since == at.SINCE_ZERO:
            shift = -began
        if value == 1.0:
            continue
        w = a + at.ARG_WINDOWS + windows * at.WINDOW
        x[w] = value
        x[w + at.WINDOW_LOG] = 0.0 if is_normal(value) else log_ratio(T, x, k, row)
        for i in range(4):
            x[w + 1 + i] = T.numbers[window + i] + shift
        windows += 1
    if not is_exact:
        for row in range(first, first + P[dist, at.DIST_N_RATIOS]):
            if P[row, at.RATIO_WINDOW] == at.NONE:
                log_lasting += log_ratio(T, x, k, row)
        lasting = exp(log_lasting)
    x[a + at.ARG_RATIO] = lasting
    x[a + at.ARG_LOG_RATIO] = log_lasting
    x[a + at.ARG_N_WINDOWS] = float(windows)


# ---------------------------------------------------------------- draw and reassess


@compiled
def solved(T: Tables, x: Floats, a: int, t0: float, w0: float, left: float, conditioned: bool) -> float:
    """The time since the time began to run, `plus` left out, at which a unit exponential is used up."""
    low, high = x[a + at.ARG_LOW], x[a + at.ARG_HIGH]
    if low == -inf and high == inf:
        return reached(T, x, a, t0, w0, left)
    is_cut = low > t0 or (conditioned and -inf < low < 0.0)  # an attribute's value may lie below 0
    before_low = gained(T, x, a, t0, w0, low, conditioned) if is_cut else 0.0
    at_high = gained(T, x, a, t0, w0, high, False) if high < inf else inf
    if not at_high > before_low:
        return min(max(low, t0), high)
    span = -expm1(before_low - at_high) if at_high < inf else 1.0
    target = before_low - log1p(expm1(-left) * span)
    return min(max(reached(T, x, a, t0, w0, target), low), high)


@compiled
def spent_by(T: Tables, x: Floats, a: int, t0: float, w0: float, t: float) -> float:
    """The part of the unit exponential used up between t0 and t."""
    low, high = x[a + at.ARG_LOW], x[a + at.ARG_HIGH]
    if low == -inf and high == inf:
        return gained(T, x, a, t0, w0, t, False)
    if t < low:
        return 0.0
    before_low = gained(T, x, a, t0, w0, low, True) if low > t0 else 0.0
    at_high = gained(T, x, a, t0, w0, high, False) if high < inf else inf
    now = gained(T, x, a, t0, w0, t, False)
    if at_high == inf:
        return now - before_low
    if not at_high > now:
        return inf
    # S conditioned: (S(t) - S(high)) / (S(low) - S(high))
    return now - before_low + log(expm1(before_low - at_high) / expm1(now - at_high))


@compiled
def first_time(T: Tables, x: Floats, a: int, u: float) -> float:
    """The time that a new draw gives for a uniform, `plus` included."""
    if (
        x[a + at.ARG_RATIO] == 1.0
        and x[a + at.ARG_N_WINDOWS] == 0.0
        and x[a + at.ARG_ALREADY] == 0.0
        and x[a + at.ARG_CURED] < 0.0
        and x[a + at.ARG_LOW] == -inf
        and x[a + at.ARG_HIGH] == inf
    ):
        leaf = int(x[a + at.ARG_LEAF])
        own = leaf_quantile(T.program[leaf, at.LEAF_KIND], T.numbers, T.program[leaf, at.LEAF_AT], u)
        return own * x[a + at.ARG_TIME_RATIO] + x[a + at.ARG_PLUS]
    age = x[a + at.ARG_ALREADY] / x[a + at.ARG_TIME_RATIO]
    return solved(T, x, a, 0.0, age, unit_hazard(u), True) + x[a + at.ARG_PLUS]


@compiled
def modified_time(T: Tables, x: Floats, k: Ints, dist: int, run: int, u: float) -> float:
    """The time that a distribution gives for a uniform: days from now, not yet on the grid.

    run: where the event remembers how it runs, or NONE.
    """
    P = T.program
    kind = P[dist, at.DIST_KIND]
    now = x[at.NOW]
    a = P[0, at.HEAD_ARGUMENTS] if run == at.NONE else run + at.RUN_ARGUMENTS
    if kind == at.TIMES:
        own = categorical_time(T, x, k, dist, a, u)
    else:
        read_distribution(T, x, k, dist, now, a)
        own = first_time(T, x, a, u)
    if run != at.NONE:
        x[run + at.RUN_BEGAN] = now
        x[run + at.RUN_SPENT] = 0.0
        x[run + at.RUN_AGE] = x[a + at.ARG_ALREADY] / x[a + at.ARG_TIME_RATIO]
        x[run + at.RUN_LEFT] = (
            own - x[a + at.ARG_PLUS] if P[dist, at.DIST_KIND] == at.TIMES else unit_hazard(u)
        )
    return max(own, x[a + at.ARG_HOLD] - now)


@compiled
def categorical_time(T: Tables, x: Floats, k: Ints, dist: int, a: int, u: float) -> float:
    """A time out of a list with odds ratios; inf where the probabilities exceed 1."""
    P = T.program
    parts = choose(T, x, k, P[dist, at.DIST_LEAF])
    first = P[parts, at.PARTS_FIRST]
    i = part(T, x, k, first, P[parts, at.PARTS_N], P[dist, at.DIST_RATIOS], P[dist, at.DIST_N_RATIOS], u)
    read_times(T, x, k, dist, a)
    if i < 0:
        return inf
    return T.numbers[P[first + i, at.PART_KEY]] * x[a + at.ARG_TIME_RATIO] + x[a + at.ARG_PLUS]


@compiled
def event_time_beyond(T: Tables, x: Floats, k: Ints, dist: int, run: int, u: float, lasted: float) -> float:
    """As `modified_time`, given that the time is longer than `lasted` days; at most that where it cannot be.

    x[NOW] is when the time began to run.
    """
    P = T.program
    now = x[at.NOW]
    a = P[0, at.HEAD_ARGUMENTS] if run == at.NONE else run + at.RUN_ARGUMENTS
    spent, age = 0.0, 0.0
    if P[dist, at.DIST_KIND] == at.TIMES:
        own = categorical_time_beyond(T, x, k, dist, a, u, lasted)
    else:
        read_distribution(T, x, k, dist, now, a)
        # while it is held back it may have been ready all the time
        is_held = x[a + at.ARG_HOLD] - now > lasted
        spent = 0.0 if is_held else max(lasted - x[a + at.ARG_PLUS], 0.0)
        age = (x[a + at.ARG_ALREADY] + spent) / x[a + at.ARG_TIME_RATIO]
        is_cut = x[a + at.ARG_LOW] > spent
        own = solved(T, x, a, spent, age, unit_hazard(u), is_cut) + x[a + at.ARG_PLUS]
    if run != at.NONE:
        x[run + at.RUN_BEGAN] = now
        x[run + at.RUN_SPENT] = spent
        x[run + at.RUN_AGE] = age
        x[run + at.RUN_LEFT] = (
            own - x[a + at.ARG_PLUS] if P[dist, at.DIST_KIND] == at.TIMES else unit_hazard(u)
        )
    return max(own, x[a + at.ARG_HOLD] - now)


@compiled
def survival(T: Tables, x: Floats, k: Ints, dist: int, lasted: float) -> float:
    """The probability that a time which begins to run at x[NOW] is longer than `lasted` days."""
    a = T.program[0, at.HEAD_ARGUMENTS]
    if T.program[dist, at.DIST_KIND] == at.TIMES:
        return weight_beyond(T, x, k, dist, a, lasted) / weight_beyond(T, x, k, dist, a, -inf)
    read_distribution(T, x, k, dist, x[at.NOW], a)
    t = lasted - x[a + at.ARG_PLUS]
    if t <= 0.0 or lasted < x[a + at.ARG_HOLD] - x[at.NOW]:
        return 1.0
    return exp(-spent_by(T, x, a, 0.0, x[a + at.ARG_ALREADY] / x[a + at.ARG_TIME_RATIO], t))


@compiled
def weight_of_time(T: Tables, x: Floats, k: Ints, dist: int, i: int) -> float:
    """The weight of the i-th time of a list, under its odds ratios."""
    P = T.program
    parts = choose(T, x, k, P[dist, at.DIST_LEAF])
    first, n = P[parts, at.PARTS_FIRST], P[parts, at.PARTS_N]
    node = P[first + i, at.PART_CHANCE]
    if node == at.REST_NODE:
        weight = 1.0
        for j in range(n):
            other = P[first + j, at.PART_CHANCE]
            if other != at.REST_NODE:
                weight -= number(T, x, k, other)
    else:
        weight = number(T, x, k, node)
    position = P[first + i, at.PART_POSITION]
    return weight * odds(T, x, k, P[dist, at.DIST_RATIOS], P[dist, at.DIST_N_RATIOS], position)


@compiled
def read_times(T: Tables, x: Floats, k: Ints, dist: int, a: int) -> None:
    """Fill the arguments at `x[a:]` that a list of times has."""
    P = T.program
    x[a + at.ARG_LEAF] = -1.0
    x[a + at.ARG_HOLD] = held_until(T, x, k, dist)
    x[a + at.ARG_ALREADY] = 0.0
    x[a + at.ARG_TIME_RATIO] = product(T, x, k, P[dist, at.DIST_TIME_RATIOS], P[dist, at.DIST_N_TIME_RATIOS])
    plus = P[dist, at.DIST_PLUS]
    x[a + at.ARG_PLUS] = number(T, x, k, plus) if plus != at.NONE else 0.0


@compiled
def weight_beyond(T: Tables, x: Floats, k: Ints, dist: int, a: int, lasted: float) -> float:
    """The weight of the times of a list that are longer than `lasted` days."""
    P = T.program
    read_times(T, x, k, dist, a)
    parts = choose(T, x, k, P[dist, at.DIST_LEAF])
    total = 0.0
    for i in range(P[parts, at.PARTS_N]):
        time = T.numbers[P[P[parts, at.PARTS_FIRST] + i, at.PART_KEY]]
        if time * x[a + at.ARG_TIME_RATIO] + x[a + at.ARG_PLUS] > lasted:
            total += weight_of_time(T, x, k, dist, i)
    return total


@compiled
def categorical_time_beyond(
    T: Tables, x: Floats, k: Ints, dist: int, a: int, u: float, lasted: float
) -> float:
    """A time out of those of a list that are longer than `lasted` days; `lasted` where none is."""
    P = T.program
    wanted = u * weight_beyond(T, x, k, dist, a, lasted)
    parts = choose(T, x, k, P[dist, at.DIST_LEAF])
    found = lasted
    reached_so_far = 0.0
    for i in range(P[parts, at.PARTS_N]):
        own = T.numbers[P[P[parts, at.PARTS_FIRST] + i, at.PART_KEY]]
        time = own * x[a + at.ARG_TIME_RATIO] + x[a + at.ARG_PLUS]
        weight = weight_of_time(T, x, k, dist, i)
        if time > lasted and weight > 0.0:
            found = time
            reached_so_far += weight
            if wanted < reached_so_far:
                break
    return found


@compiled
def stretched(T: Tables, x: Floats, k: Ints, dist: int, run: int, due: float) -> float:
    """As `reassessed`, of a time out of a list: the time left is stretched by new over old ratio."""
    P = T.program
    a = run + at.RUN_ARGUMENTS
    now, began, plus = x[at.NOW], x[run + at.RUN_BEGAN], x[a + at.ARG_PLUS]
    new = product(T, x, k, P[dist, at.DIST_TIME_RATIOS], P[dist, at.DIST_N_TIME_RATIOS])
    if new == x[a + at.ARG_TIME_RATIO]:
        return max(due, now)
    t = max(now - began - plus, 0.0)
    x[run + at.RUN_LEFT] = t + max(x[run + at.RUN_LEFT] - t, 0.0) * (new / x[a + at.ARG_TIME_RATIO])
    x[a + at.ARG_TIME_RATIO] = new
    return max(began + x[run + at.RUN_LEFT] + plus, x[a + at.ARG_HOLD], now)


@compiled
def same_arguments(x: Floats, a: int, b: int) -> bool:
    """Whether two vectors of arguments are the same to the bit (`not_before` aside)."""
    n = at.ARG_WINDOWS + int(x[a + at.ARG_N_WINDOWS]) * at.WINDOW
    for i in range(n):
        if i != at.ARG_HOLD and i != at.ARG_ALREADY and x[a + i] != x[b + i]:
            return False
    return True


@compiled
def reassessed(T: Tables, x: Floats, k: Ints, dist: int, run: int, due: float) -> float:
    """The new due time of a running event after its distribution is read again; its uniform is kept.

    Source: the unspent cumulative hazard is spent at the new rate; a time that a time ratio
    stretches has its remainder stretched by new over old ratio.
    """
    now = x[at.NOW]
    began = x[run + at.RUN_BEGAN]
    old = run + at.RUN_ARGUMENTS
    is_list, was_list = T.program[dist, at.DIST_KIND] == at.TIMES, x[old + at.ARG_LEAF] < 0.0
    if is_list or was_list:
        return stretched(T, x, k, dist, run, due) if is_list and was_list else due
    new = T.program[0, at.HEAD_ARGUMENTS]
    read_distribution(T, x, k, dist, began, new)
    if same_arguments(x, old, new):
        return max(due, now)
    t0, w0 = x[run + at.RUN_SPENT], x[run + at.RUN_AGE]
    t = max(now - began - x[old + at.ARG_PLUS], 0.0)
    left = max(x[run + at.RUN_LEFT] - spent_by(T, x, old, t0, w0, t), 0.0)
    age = w0 + (t - t0) / x[old + at.ARG_TIME_RATIO]
    for i in range(at.ARG_WINDOWS + int(x[new + at.ARG_N_WINDOWS]) * at.WINDOW):
        x[old + i] = x[new + i]
    x[run + at.RUN_SPENT] = t
    x[run + at.RUN_AGE] = age
    x[run + at.RUN_LEFT] = left
    ends = began + solved(T, x, old, t, age, left, False) + x[old + at.ARG_PLUS]
    return max(ends, x[old + at.ARG_HOLD], now)
