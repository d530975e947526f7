"""One parameter at a time: tornado and threshold analysis, and parameters ranked by their measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isnan, nan

import numpy as np
from scipy.optimize import brentq
from scipy.stats import rankdata

from sim.event_log.log import Floats
from sim.outcomes.results import NORMAL_975

# ---------------------------------------------------------------- tornado


@dataclass(frozen=True, slots=True)
class BarEnd:
    """One end of a bar.

    value: of the parameter. difference: the result there less the result at base, same patients.
    error: its paired standard error.
    """

    value: float
    difference: float
    error: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The results of one parameter at its 2.5% and 97.5% quantiles, all others at base.

    width_error: the paired standard error of the result at `high` less the result at `low`.
    """

    parameter: str
    low: BarEnd
    high: BarEnd
    width_error: float

    @property
    def width(self) -> float:
        """The length of the bar: from the least to the greatest of both ends and base."""
        ends = (0.0, self.low.difference, self.high.difference)
        return max(ends) - min(ends)

    @property
    def is_visible(self) -> bool:
        """Whether an end differs from base, or the ends from each other, by more than simulation error."""
        apart = abs(self.high.difference - self.low.difference) > NORMAL_975 * self.width_error
        return apart or any(abs(end.difference) > NORMAL_975 * end.error for end in (self.low, self.high))


def tornado(bars: Sequence[Bar]) -> list[Bar]:
    """The bars by decreasing width, equal ones in the order given, unknown ones last."""
    return sorted(bars, key=lambda bar: (isnan(bar.width), -bar.width))


# ---------------------------------------------------------------- threshold


@dataclass(frozen=True, slots=True)
class Threshold:
    """The value of a parameter at which a difference changes its sign.

    value: nan where the sign is the same at both ends. error: standard error by simulation, the error of
    the difference there over its slope; nan without slope. at_low, at_high: the difference at the ends of
    the range. n_evaluations: runs used.
    """

    value: float
    error: float
    at_low: float
    at_high: float
    n_evaluations: int

    @property
    def note(self) -> str:
        """Why there is no threshold, "" where there is one."""
        if not isnan(self.value):
            return ""
        if self.at_low == self.at_high == 0.0:
            return "no difference at either end of the range"
        sign = "positive" if max(self.at_low, self.at_high) > 0.0 else "negative"
        return f"no change of sign: the difference is {sign} at both ends of the range"


def threshold(
    difference: Callable[[float], tuple[float, float]], low: float, high: float, *, tolerance: float = 1e-3
) -> Threshold:
    """Find the value in [low, high] at which a difference between two strategies is 0.

    Brent 1973 (scipy.optimize.brentq). With common random numbers the difference is a fixed function of
    the value, so the search needs no smoothing. With the same sign at both ends nothing is searched for,
    although an even number of changes may lie between them.

    difference: for a value of the parameter, the difference and its paired standard error. tolerance: of
    the value, as a share of high - low. Raises ValueError unless low < high, and for a difference that is
    not a number.
    """
    if not low < high:
        raise ValueError(f"the range of a threshold analysis must have low < high; it is [{low:g}, {high:g}]")

    @cache
    def at(value: float) -> tuple[float, float]:
        found = difference(value)
        if isnan(found[0]):
            raise ValueError(f"the difference is not a number at {value:g}")
        return found

    at_low, at_high = at(low)[0], at(high)[0]
    if at_low * at_high > 0.0 or at_low == at_high == 0.0:
        return Threshold(nan, nan, at_low, at_high, at.cache_info().misses)
    found = float(brentq(lambda value: at(value)[0], low, high, xtol=tolerance * (high - low)))
    error = value_error(at, found, low, high)
    return Threshold(found, error, at_low, at_high, at.cache_info().misses)


def value_error(
    difference: Callable[[float], tuple[float, float]], value: float, low: float, high: float
) -> float:
    """The standard error of a threshold: that of the difference there over its slope; nan without slope.

    difference: as of `threshold`. low, high: the range that was searched.
    """
    # the slope across a tenth of the range, less at its ends: a shorter step would follow single patients
    step = (high - low) / 20.0
    before, after = max(value - step, low), min(value + step, high)
    slope = (difference(after)[0] - difference(before)[0]) / (after - before)
    return difference(value)[1] / abs(slope) if slope else nan


# ---------------------------------------------------------------- several strategies


@dataclass(frozen=True, slots=True)
class Change:
    """A value of a parameter at which the preferred strategy changes. below, above: strategies' indices."""

    value: float
    below: int
    above: int


def preference_changes(
    net_benefit: Callable[[float], Floats], grid: Sequence[float], *, tolerance: float = 1e-3
) -> list[Change]:
    """Where the strategy with the greatest net benefit changes along a parameter, by increasing value.

    Between neighbouring values of the grid with different preferred strategies the value is found as in
    `threshold`; where a third strategy is preferred there, both parts are searched. A strategy that is
    preferred only between two neighbours with the same preferred strategy is not found.

    net_benefit: for a value of the parameter, float64 [n_strategies], the same patients in all. grid:
    increasing values, at least two. tolerance: of the value, as a share of the range of the grid.
    """
    width = tolerance * (grid[-1] - grid[0])
    benefits_at = cache(net_benefit)
    best = [int(np.argmax(benefits_at(value))) for value in grid]
    found: list[Change] = []
    waiting = [
        (low, high, below, above)
        for low, high, below, above in zip(grid[:-1], grid[1:], best[:-1], best[1:], strict=True)
        if below != above
    ][::-1]
    while waiting:
        low, high, below, above = waiting.pop()
        value = _indifference(benefits_at, (low, high), (below, above), width)
        there = int(np.argmax(benefits_at(value)))
        if there in (below, above) or high - low <= width:
            found.append(Change(value, below, above))
        else:
            waiting += [(value, high, there, above), (low, value, below, there)]
    return found


def _indifference(
    net_benefit: Callable[[float], Floats], ends: tuple[float, float], pair: tuple[int, int], width: float
) -> float:
    """Where two strategies have the same net benefit, each the better one at its end."""

    def gain(value: float) -> float:
        benefits = net_benefit(value)
        return float(benefits[pair[0]] - benefits[pair[1]])

    return float(brentq(gain, *ends, xtol=width))


# ---------------------------------------------------------------- ranking


@dataclass(frozen=True, slots=True)
class Ranked:
    """A factor with its rank by each measure: 1 is the most important, equal ones share their mean rank."""

    factor: str
    ranks: Mapping[str, float]


def rank_factors(factors: Sequence[str], measures: Mapping[str, Floats]) -> list[Ranked]:
    """Factors by decreasing importance: by the first measure, then by the next ones.

    measures: for each measure float64 [n_factors], greater is more important (total index, first-order
    index, width of a bar). nan: unknown, ranked last. Put the measure to sort by first.
    """
    ranks = {
        name: rankdata(-np.where(np.isnan(values), -np.inf, values)) for name, values in measures.items()
    }
    rows = [
        Ranked(factor, {name: float(rank[i]) for name, rank in ranks.items()})
        for i, factor in enumerate(factors)
    ]
    return sorted(rows, key=lambda row: tuple(row.ranks.values()))
