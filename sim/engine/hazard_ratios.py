"""Cumulative hazard of a distribution under hazard ratios, some of them limited in time, and its inverse.

The functions read the arguments (`at.ARG_*`) at `x[a:]` that `sim.engine.event_times` fills.
"""

from __future__ import annotations

from math import inf

import numpy as np

from sim.distributions import leaf_hazard, leaf_hazard_before, leaf_time
from sim.engine.expressions import hazard_of_not_cured, is_normal
from sim.numerics.compilation import compiled
from sim.numerics.portable import exp, expm1, log, log1p
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Tables

# Gauss-Legendre nodes and weights on [0, 1], eight points.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)
NODES: tuple[float, ...] = tuple(np.round((_NODES + 1.0) / 2.0, 15).tolist())
WEIGHTS: tuple[float, ...] = tuple(np.round(_WEIGHTS / 2.0, 15).tolist())
PANELS = 6
SMALLEST_STEP = 2.0**-23
"""Days; the solver stops well within one point of the grid."""


@compiled
def leaf_age_hazard(T: Tables, x: Floats, a: int, w: float, before: bool) -> float:
    """Cumulative hazard of the leaf, behind its cured fraction, at its own time w."""
    leaf = int(x[a + at.ARG_LEAF])
    kind, where = T.program[leaf, at.LEAF_KIND], T.program[leaf, at.LEAF_AT]
    own = w / x[a + at.ARG_INNER_TIME]
    if before:
        hazard = leaf_hazard_before(kind, T.numbers, where, own)
    else:
        hazard = leaf_hazard(kind, T.numbers, where, own)
    if hazard > 0.0:
        hazard *= x[a + at.ARG_INNER_RATIO]
    cured = x[a + at.ARG_CURED]
    if cured >= 0.0:
        return (
            -log1p((1.0 - cured) * expm1(-hazard))
            if hazard < 700.0
            else (-log(cured) if cured > 0.0 else hazard)
        )
    return hazard


@compiled
def leaf_age_at(T: Tables, x: Floats, a: int, hazard: float) -> float:
    """The leaf's own time at which its cumulative hazard, behind the cure, reaches `hazard`."""
    hazard = hazard_of_not_cured(x[a + at.ARG_CURED], hazard)
    inner = x[a + at.ARG_INNER_RATIO]
    if hazard < 0.0 or inner == 0.0:
        return inf
    leaf = int(x[a + at.ARG_LEAF])
    kind, where = T.program[leaf, at.LEAF_KIND], T.program[leaf, at.LEAF_AT]
    return x[a + at.ARG_INNER_TIME] * leaf_time(kind, T.numbers, where, hazard / inner)


@compiled
def window_value(x: Floats, w: int, t: float) -> float:
    """The ratio of one window at time t since the time began to run."""
    if t < x[w + 1] or t >= x[w + 2]:
        return 1.0
    start, end = x[w + 3], x[w + 4]
    if t < start:
        return x[w]
    if t >= end:
        return 1.0
    return 1.0 + (x[w] - 1.0) * ((end - t) / (end - start))


@compiled
def ratio_at(x: Floats, a: int, t: float) -> float:
    """The product of all hazard ratios at time t since the time began to run."""
    return product_but_one(x, a, t, at.NONE)


@compiled
def product_but_one(x: Floats, a: int, t: float, but: int) -> float:
    """The product of all hazard ratios at time t, leaving out that of one window; NONE: of none."""
    result = float(x[a + at.ARG_RATIO])
    is_exact = is_normal(result)
    n = int(x[a + at.ARG_N_WINDOWS])
    for i in range(n):
        if i != but:
            result *= float(window_value(x, a + at.ARG_WINDOWS + i * at.WINDOW, t))
            is_exact = is_exact and is_normal(result)
    if is_exact:
        return result
    total = x[a + at.ARG_LOG_RATIO] if x[a + at.ARG_LOG_RATIO] != 0.0 else log(x[a + at.ARG_RATIO])
    for i in range(n):
        if i != but:
            w = a + at.ARG_WINDOWS + i * at.WINDOW
            value = window_value(x, w, t)
            is_stored = value == x[w] and x[w + at.WINDOW_LOG] != 0.0
            total += x[w + at.WINDOW_LOG] if is_stored else log(value)
    return exp(total)


@compiled
def slope_at(x: Floats, a: int, t: float) -> float:
    """The derivative of the product of ratios at time t, in which some may wane."""
    result = 0.0
    n = int(x[a + at.ARG_N_WINDOWS])
    for i in range(n):
        w = a + at.ARG_WINDOWS + i * at.WINDOW
        if t < x[w + 1] or t >= x[w + 2] or t < x[w + 3] or t >= x[w + 4]:
            continue
        slope = (1.0 - x[w]) / (x[w + 4] - x[w + 3])
        result += slope * product_but_one(x, a, t, i)
    return result


@compiled
def next_break(x: Floats, a: int, t: float) -> float:
    """The first time after t at which a window begins, ends, or begins or ends to wane."""
    found = inf
    for i in range(int(x[a + at.ARG_N_WINDOWS])):
        w = a + at.ARG_WINDOWS + i * at.WINDOW
        for j in range(1, 5):
            if t < x[w + j] < found:
                found = x[w + j]
    return found


@compiled
def base(T: Tables, x: Floats, a: int, t0: float, w0: float, t: float, before: bool) -> float:
    """Cumulative hazard without ratios, from its own time 0 to time t since it began.

    Hazard at time 0 itself is still to come there: use the limit `before`.
    """
    return leaf_age_hazard(T, x, a, w0 + (t - t0) / x[a + at.ARG_TIME_RATIO], before)


@compiled
def stretch(
    T: Tables, x: Floats, a: int, t0: float, w0: float, low: float, high: float, before: bool
) -> float:
    """Hazard gained from low to high, between which no window begins or ends.

    By parts, so that only the cumulative hazard is needed: int r dH = [r H] - int r' H, the last by
    Gauss-Legendre on panels that halve towards `low`, where H may be steep.
    """
    at_low = base(T, x, a, t0, w0, low, low == t0 and w0 == 0.0)
    at_high = base(T, x, a, t0, w0, high, before)
    middle = low + (high - low) / 2.0 if high < inf else low + 1.0
    slope = slope_at(x, a, middle)
    if slope == 0.0:
        r = ratio_at(x, a, middle)
        return r * (at_high - at_low) if r > 0.0 else 0.0
    if at_high == inf:
        return inf
    total = (at_high - at_low) * ratio_at(x, a, low)
    right = high
    for panel in range(PANELS):
        left = low + (right - low) / 2.0 if panel < PANELS - 1 else low
        for i in range(8):
            t = left + (right - left) * NODES[i]
            remaining = at_high - base(T, x, a, t0, w0, t, False)
            total += (right - left) * WEIGHTS[i] * slope_at(x, a, t) * remaining
        right = left
    return total


@compiled
def gained(T: Tables, x: Floats, a: int, t0: float, w0: float, t: float, before: bool) -> float:
    """A(t): cumulative hazard from t0 to t under all ratios."""
    if x[a + at.ARG_N_WINDOWS] == 0.0:
        r = x[a + at.ARG_RATIO]
        if r == 0.0:
            return 0.0
        return r * (base(T, x, a, t0, w0, t, before) - base(T, x, a, t0, w0, t0, w0 == 0.0))
    total = 0.0
    low = t0
    while low < t:
        high = min(next_break(x, a, low), t)
        total += stretch(T, x, a, t0, w0, low, high, before and high == t)
        low = high
    return total


@compiled
def reached(T: Tables, x: Floats, a: int, t0: float, w0: float, hazard: float) -> float:
    """The first time since the time began to run at which A reaches `hazard`; inf where it never does."""
    if x[a + at.ARG_N_WINDOWS] == 0.0:
        return reached_plainly(T, x, a, t0, w0, t0, x[a + at.ARG_RATIO], hazard)
    low = t0
    while True:
        high = next_break(x, a, low)
        if high == inf:
            return reached_plainly(T, x, a, t0, w0, low, ratio_at(x, a, low), hazard)
        gain = stretch(T, x, a, t0, w0, low, high, False)
        if gain >= hazard:
            if slope_at(x, a, low + (high - low) / 2.0) == 0.0:
                return reached_plainly(T, x, a, t0, w0, low, ratio_at(x, a, low), hazard)
            return bisected(T, x, a, t0, w0, low, high, hazard)
        hazard -= gain
        low = high


@compiled
def reached_plainly(
    T: Tables, x: Floats, a: int, t0: float, w0: float, low: float, r: float, hazard: float
) -> float:
    """As `reached`, from `low` on, while the product of ratios is r."""
    if r <= 0.0:
        return inf
    k = x[a + at.ARG_TIME_RATIO]
    start = w0 + (low - t0) / k
    spent = leaf_age_hazard(T, x, a, start, start == 0.0)
    if spent == inf:
        return low
    if start == 0.0:
        return t0 + leaf_age_at(T, x, a, hazard / r + spent) * k
    return max(low, low + (leaf_age_at(T, x, a, hazard / r + spent) - start) * k)


@compiled
def bisected(
    T: Tables, x: Floats, a: int, t0: float, w0: float, low: float, high: float, hazard: float
) -> float:
    """As `reached`, within a stretch in which a ratio wanes."""
    start = low
    while high - low > SMALLEST_STEP:
        middle = low + (high - low) / 2.0
        if middle == low or middle == high:
            break
        if stretch(T, x, a, t0, w0, start, middle, False) >= hazard:
            high = middle
        else:
            low = middle
    return high
