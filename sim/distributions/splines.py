"""Royston-Parmar distributions: a natural cubic spline in log time.

The spline is the logarithm of the cumulative hazard, of the cumulative odds, or minus the normal
score of survival: Royston and Parmar, Statistics in Medicine 21 (2002), 2175-2197,
doi:10.1002/sim.1203; parameters as in flexsurv, doi:10.18637/jss.v070.i08.

At `at`: scale, n knots, then n knots (log days), n values of the spline there, and n times slope,
half the second and a sixth of the third derivative to the right of the knot. Straight lines go on
beyond the outer knots.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

from sim.numerics.compilation import compiled
from sim.numerics.normal import normal_hazard, normal_score
from sim.numerics.portable import exp, expm1, log, log1p

SCALES = ("hazard", "odds", "normal")
HAZARD, ODDS, SCORE = range(3)


def spline_numbers(scale: str, gamma: Sequence[float], knots: Sequence[float]) -> tuple[float, ...]:
    """The numbers of a spline; knots in log days, increasing, outer ones included; one gamma a knot.

    Raises: ValueError where the spline falls anywhere, so that survival would rise.
    """
    first, last = knots[0], knots[-1]
    weights = [(last - knot) / (last - first) for knot in knots]

    def derivatives(x: float) -> tuple[float, float, float, float]:
        """The spline and its derivatives just right of x."""
        value, slope, second, third = gamma[0] + gamma[1] * x, gamma[1], 0.0, 0.0
        for g, knot, weight in zip(gamma[2:], knots[1:-1], weights[1:-1], strict=True):
            for share, corner in ((1.0, knot), (-weight, first), (weight - 1.0, last)):
                d = x - corner
                if d >= 0.0:
                    value += g * share * d**3
                    slope += g * share * 3.0 * d**2
                    second += g * share * 6.0 * d
                    third += g * share * 6.0
        return value, slope, second, third

    pieces = [derivatives(knot) for knot in knots]
    pieces[-1] = (pieces[-1][0], pieces[-1][1], 0.0, 0.0)
    for i, (_, slope, second, third) in enumerate(pieces):
        width = knots[i + 1] - knots[i] if i + 1 < len(knots) else 0.0
        lowest = min(slope, slope + width * (second + width * third / 2.0))
        if third > 0.0 and 0.0 < -second / third < width:
            lowest = min(lowest, slope - second**2 / (2.0 * third))
        if lowest < 0.0 or (i == 0 and slope <= 0.0):
            raise ValueError(
                "its cumulative hazard falls near log time "
                f"{knots[i]:g}, so survival would rise: check the order of gamma and knots"
            )
    bends = [bend for _, slope, second, third in pieces for bend in (slope, second / 2.0, third / 6.0)]
    return (float(SCALES.index(scale)), float(len(knots)), *knots, *(piece[0] for piece in pieces), *bends)


@compiled
def spline_hazard(numbers: Any, at: int, t: float) -> float:
    """The cumulative hazard at a time in days, above 0."""
    value = spline_at(numbers, at, log(t))
    scale = int(numbers[at])
    if scale == HAZARD:
        return exp(value)
    if scale == ODDS:
        return value + log1p(exp(-value)) if value > 0.0 else log1p(exp(value))
    return normal_hazard(value)


@compiled
def spline_time(numbers: Any, at: int, hazard: float) -> float:
    """The time in days at which the cumulative hazard is reached."""
    if not hazard > 0.0:
        return 0.0
    if hazard == inf:
        return inf
    scale = int(numbers[at])
    if scale == HAZARD:
        return exp(spline_argument(numbers, at, log(hazard)))
    if scale == ODDS:
        odds = hazard + log1p(-exp(-hazard)) if hazard > 1.0 else log(expm1(hazard))
        return exp(spline_argument(numbers, at, odds))
    return exp(spline_argument(numbers, at, normal_score(hazard)))


@compiled
def spline_at(numbers: Any, at: int, x: float) -> float:
    """The spline at a log time."""
    n = int(numbers[at + 1])
    first = float(numbers[at + 2])
    bends = at + 2 + 2 * n
    if x < first:
        return float(numbers[at + 2 + n]) + float(numbers[bends]) * (x - first)
    i = n - 1
    while x < numbers[at + 2 + i]:
        i -= 1
    return piece_at(numbers, at, i, x - float(numbers[at + 2 + i]))


@compiled
def piece_at(numbers: Any, at: int, i: int, d: float) -> float:
    """The piece of the spline that begins at knot i, d beyond it."""
    n = int(numbers[at + 1])
    bend = at + 2 + 2 * n + 3 * i
    return float(numbers[at + 2 + n + i]) + d * (
        float(numbers[bend]) + d * (float(numbers[bend + 1]) + d * float(numbers[bend + 2]))
    )


@compiled
def spline_argument(numbers: Any, at: int, value: float) -> float:
    """The log time at which the spline has a value: Newton's steps, kept between the knots around it."""
    n = int(numbers[at + 1])
    values = at + 2 + n
    bends = values + n
    if value < numbers[values]:
        return float(numbers[at + 2]) + (value - float(numbers[values])) / float(numbers[bends])
    i = n - 1
    while value < numbers[values + i]:
        i -= 1
    knot = float(numbers[at + 2 + i])
    b, c, e = (
        float(numbers[bends + 3 * i]),
        float(numbers[bends + 3 * i + 1]),
        float(numbers[bends + 3 * i + 2]),
    )
    start = float(numbers[values + i])
    if i == n - 1:
        if value == start:
            return knot
        return knot + (value - start) / b if b > 0.0 else inf
    low, high = 0.0, float(numbers[at + 3 + i]) - knot
    d = high * ((value - start) / (float(numbers[values + i + 1]) - start))
    for _ in range(60):
        off = start + d * (b + d * (c + d * e)) - value
        if off > 0.0:
            high = d
        else:
            low = d
        slope = b + d * (2.0 * c + 3.0 * d * e)
        step = off / slope if slope > 0.0 else inf
        moved = d - step
        if not low <= moved <= high:
            moved = 0.5 * (low + high)
        if moved == d or -1e-15 < moved - d < 1e-15:
            return knot + moved
        d = moved
    return knot + d
