"""Distributions without a quantile in closed form, as a table of the value against the normal score.

A table holds value, slope and curvature at equally spaced scores z, joined by polynomials of
degree five that agree with all three at both ends. The value is the time's logarithm, or the
number itself. Its figures are computed once, when a scenario is compiled, and rounded to twelve
digits, so that the last bits of a special function make no difference between machines.

At `at`: n, first score, step, lowest and highest value, then n times value, slope x step,
curvature x step^2. Beyond its ends a table goes on in a straight line.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.numerics.compilation import compiled

FIRST_SCORE, LAST_SCORE = -12.0, 37.5
"""Scores between which a table has its figures: probabilities from 1.8e-33 to 1 - exp(-707)."""
STEP, FINEST_STEP = 0.125, 0.015625
MOST_OFF = 2e-10
LARGE_VALUE = 25.0
"""Steps are halved until a table is nowhere further off than MOST_OFF, of a large value in proportion."""
HEAD = 5

Floats = NDArray[np.float64]
Tabulated = Callable[[Floats], tuple[Floats, Floats, Floats]]
"""Value, slope and curvature at given scores."""


def score_table(
    of: Tabulated, *, low: float = -inf, high: float = inf, last: float = LAST_SCORE
) -> tuple[float, ...]:
    """The numbers of a table, up to the score `last`; its values never leave [low, high].

    Raises: ValueError where values are beyond what numbers can hold.
    """
    step = STEP
    while True:
        table = table_of(of, step, low=low, high=high, last=last)
        if step <= FINEST_STEP or furthest_off(of, table) <= MOST_OFF:
            return table
        step /= 2.0


def table_of(of: Tabulated, step: float, *, low: float, high: float, last: float) -> tuple[float, ...]:
    """The numbers of a table with a given step."""
    n = round((last - FIRST_SCORE) / step) + 1
    scores: Floats = FIRST_SCORE + step * np.arange(n, dtype=np.float64)
    with np.errstate(all="ignore"):
        value, slope, curvature = of(scores)
    rising = np.maximum.accumulate(value)
    figures = np.column_stack([rising, np.maximum(slope, 0.0) * step, curvature * step**2])
    if not np.isfinite(figures).all():
        raise ValueError("its quantiles are beyond what numbers can hold: take less extreme arguments")
    rounded = (float(f"{figure:.11e}") for figure in figures.ravel())
    return (float(n), FIRST_SCORE, step, low, high, *rounded)


def furthest_off(of: Tabulated, table: tuple[float, ...]) -> float:
    """How far a table is off, midway between its knots within reach of a draw."""
    numbers = np.array(table)
    steps = np.arange(0.5, table[0] - 1.0, dtype=np.float64)
    scores: Floats = FIRST_SCORE + table[2] * steps
    scores = scores[np.abs(scores) < -FIRST_SCORE]
    with np.errstate(all="ignore"):
        exact, _, _ = of(scores)
    found = np.array([table_at_score(numbers, 0, float(score)) for score in scores])
    return float(np.max(np.abs(found - exact) / np.maximum(1.0, np.abs(exact) / LARGE_VALUE)))


# ---------------------------------------------------------------- reading a table


@compiled
def table_at_score(numbers: Any, at: int, z: float) -> float:
    """The value at a score."""
    n = int(numbers[at])
    steps = (z - float(numbers[at + 1])) / float(numbers[at + 2])
    if not 0.0 <= steps < n - 1:
        return beyond(numbers, at, n, steps)
    i = int(steps)
    value = between_knots(numbers, at + HEAD + 3 * i, steps - float(i))
    return min(max(value, float(numbers[at + 3])), float(numbers[at + 4]))


@compiled
def beyond(numbers: Any, at: int, n: int, steps: float) -> float:
    """The value before the first or after the last score of a table."""
    if isnan(steps):
        return nan
    knot = at + HEAD + (3 * (n - 1) if steps > 0.0 else 0)
    past = steps - float(n - 1) if steps > 0.0 else steps
    slope = float(numbers[knot + 1])
    value = float(numbers[knot]) + slope * past if slope > 0.0 else float(numbers[knot])
    return min(max(value, float(numbers[at + 3])), float(numbers[at + 4]))


@compiled
def between_knots(numbers: Any, knot: int, s: float) -> float:
    """The polynomial of degree five from one knot (s = 0) to the next (s = 1)."""
    p0, v0, a0 = float(numbers[knot]), float(numbers[knot + 1]), float(numbers[knot + 2])
    p1, v1, a1 = float(numbers[knot + 3]), float(numbers[knot + 4]), float(numbers[knot + 5])
    d = p1 - p0
    cube = 10.0 * d - 6.0 * v0 - 4.0 * v1 - 0.5 * (3.0 * a0 - a1)
    fourth = -15.0 * d + 8.0 * v0 + 7.0 * v1 + 0.5 * (3.0 * a0 - 2.0 * a1)
    fifth = 6.0 * d - 3.0 * (v0 + v1) - 0.5 * (a0 - a1)
    return p0 + s * (v0 + s * (0.5 * a0 + s * (cube + s * (fourth + s * fifth))))


@compiled
def table_score(numbers: Any, at: int, value: float) -> float:
    """The score at which a table has this value: -inf at its lowest value, inf at its highest."""
    n = int(numbers[at])
    first, step = float(numbers[at + 1]), float(numbers[at + 2])
    if value <= numbers[at + 3]:
        return -inf
    if value >= numbers[at + 4]:
        return inf
    low, high = 0, n - 1
    if value < numbers[at + HEAD]:
        slope = float(numbers[at + HEAD + 1])
        return first + step * ((value - float(numbers[at + HEAD])) / slope) if slope > 0.0 else -inf
    last = at + HEAD + 3 * (n - 1)
    if value >= numbers[last]:
        slope = float(numbers[last + 1])
        return first + step * (float(n - 1) + (value - float(numbers[last])) / slope) if slope > 0.0 else inf
    while high - low > 1:
        middle = (low + high) >> 1
        if numbers[at + HEAD + 3 * middle] <= value:
            low = middle
        else:
            high = middle
    return first + step * (float(low) + share_of_step(numbers, at + HEAD + 3 * low, value))


@compiled
def share_of_step(numbers: Any, knot: int, value: float) -> float:
    """Where between a knot (0) and the next (1) a value is reached: false position, kept in bracket."""
    low, high = 0.0, 1.0
    below, above = float(numbers[knot]) - value, float(numbers[knot + 3]) - value
    if below == 0.0:
        return 0.0
    side = 0
    for _ in range(60):
        s = low - below * ((high - low) / (above - below))
        if not low < s < high:
            s = 0.5 * (low + high)
            if not low < s < high:
                break
        off = between_knots(numbers, knot, s) - value
        if off == 0.0:
            return s
        if off < 0.0:
            if high - s < 1e-15:
                return s
            low, below = s, off
            if side == -1:
                above *= 0.5
            side = -1
        else:
            if s - low < 1e-15:
                return s
            high, above = s, off
            if side == 1:
                below *= 0.5
            side = 1
        if high - low < 1e-15:
            break
    return 0.5 * (low + high)
