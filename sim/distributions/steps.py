"""Distributions given by points: piecewise constant hazards, survival and life tables, lists of values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy

from sim.numerics.portable import log, log1p
from sim.units import DAYS_IN

EVENLY = -1.0
"""The rate of a step in which survival falls to 0 in a straight line, by the time of the next step."""

Points = Sequence[tuple[float, float]]

MOST_POISSON = 1e6
"""Largest mean of a Poisson number."""


def steps_numbers(steps: Points) -> tuple[float, ...]:
    """n, times, cumulative hazards there and rates of (time, rate) steps that begin at 0.

    A rate may be inf in the last step: the event has occurred by then. EVENLY may stand before it.
    """
    times, rates = [time for time, _ in steps], [rate for _, rate in steps]
    reached = [0.0]
    for begin, end, rate in zip(times[:-1], times[1:], rates[:-1], strict=True):
        reached.append(math.inf if rate == EVENLY else reached[-1] + rate * (end - begin))
    return (float(len(steps)), *times, *reached, *rates)


def survival_steps(points: Points, then: float | None) -> tuple[tuple[float, float], ...]:
    """The (time, rate) steps through (time, survival) points; after the last, `then`, or the last rate.

    Where the last survival is 0, the events of the last step are spread evenly over it.
    """
    if points[0][0] > 0.0:
        points = ((0.0, 1.0), *points)
    is_closed = points[-1][1] == 0.0
    hazards = [-log(survival) + 0.0 for _, survival in points]
    steps = []
    for i in range(len(points) - (2 if is_closed else 1)):
        begin, end = points[i][0], points[i + 1][0]
        steps.append((begin, (hazards[i + 1] - hazards[i]) / (end - begin)))
    if is_closed:
        return (*steps, (points[-2][0], EVENLY), (points[-1][0], math.inf))
    last = then if then is not None else steps[-1][1]
    return (*steps, (points[-1][0], last))


def life_table_steps(ages: Sequence[float], rates: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """The steps, in days from birth and per day, of rates per year from ages in years on.

    The last row is open; where its rate is inf, nobody survives the year of that age, and the deaths are
    spread evenly over it.
    """
    steps = tuple(
        (age * DAYS_IN["year"], rate / DAYS_IN["year"]) for age, rate in zip(ages, rates, strict=True)
    )
    if rates[-1] < math.inf:
        return steps
    closing = steps[-1][0]
    return (*steps[:-1], (closing, EVENLY), (closing + DAYS_IN["year"], math.inf))


def poisson_numbers(mean: float) -> tuple[float, ...]:
    """Values and cumulative hazards of a Poisson number, to twelve digits."""
    spread = 9.0 * math.sqrt(mean) + 40.0
    low = max(0, math.floor(mean - spread))
    high = math.ceil(mean + 40.0 * math.sqrt(mean) + 250.0)
    k = np.arange(low, high + 1.0)
    below, above = scipy.special.pdtr(k, mean), scipy.special.pdtrc(k, mean)
    kept = above > 1e-300
    k, below, above = k[kept], below[kept], above[kept]
    with np.errstate(divide="ignore"):
        hazards = np.where(below < 0.5, -np.log1p(-below), -np.log(above))
    values = [*k.tolist(), float(k[-1]) + 1.0 if len(k) else 0.0]
    shown = [float(f"{hazard:.11e}") for hazard in hazards]
    return (float(len(values)), *values, *shown, math.inf)


def categorical_numbers(values: Sequence[float], probabilities: Sequence[Any]) -> tuple[float, ...]:
    """Values sorted with their cumulative hazards, then as written with their cumulative probabilities.

    A value written twice counts once, at its first place.
    """
    shares = filled(probabilities)
    total: dict[float, float] = {}
    for value, share in zip(values, shares, strict=True):
        total[value] = total.get(value, 0.0) + share
    ordered = sorted(value for value in total if total[value] > 0.0)
    hazards = []
    below = 0.0
    for value in ordered[:-1]:
        below += total[value]
        hazards.append(-log1p(-min(below, 1.0)))
    hazards.append(math.inf)
    written = [(value, share) for value, share in zip(values, shares, strict=True) if share > 0.0]
    merged = [value for i, (value, _) in enumerate(written) if value not in [v for v, _ in written[:i]]]
    reached, chances = 0.0, []
    for value in merged:
        reached += total[value]
        chances.append(reached)
    chances[-1] = 1.0
    return (float(len(ordered)), *ordered, *hazards, *merged, *chances)


def filled(probabilities: Sequence[Any]) -> list[float]:
    """Probabilities with the part marked `rest` filled in."""
    given = math.fsum(float(p) for p in probabilities if not isinstance(p, str))
    return [max(0.0, 1.0 - given) if isinstance(p, str) else float(p) for p in probabilities]
