"""Estimates with their 95% intervals, over patients and over replications."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, isnan, log, nan, sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.special import stdtrit

from sim.event_log.log import Floats

NORMAL_975 = 1.959963984540054
"""The 97.5% point of the standard normal distribution."""

WIDEST = 700.0
"""The logarithm beyond which a factor is as good as infinite, and would overflow."""

Influence: TypeAlias = Callable[[], Floats | None]
"""Makes an influence, shape [n_chosen]; None where it is unknown."""


class Key(NamedTuple):
    """Which number of an outcome: what is measured, of which part, at which time (days)."""

    measure: str
    part: str = ""
    time: float | None = None


MEDIAN = "median"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, its 95% interval [low, high], its standard error, and the patients (or waits) behind it.

    nan where there is none. An interval may be open to one side: a median whose upper limit is not
    reached has high nan.
    """

    value: float
    low: float = nan
    high: float = nan
    error: float = nan
    n: int = 0

    @property
    def is_known(self) -> bool:
        """Whether there is a number."""
        return not isnan(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether there is at least one limit."""
        return not (isnan(self.low) and isnan(self.high))


UNKNOWN = Estimate(nan)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one outcome in one set of patients: estimates, and counts that add up.

    n: the patients (or waits) behind the headline. influences: for the estimates with a standard error
    over patients, the part of each chosen patient in the error (see `influence`), made on demand.
    """

    n: int
    estimates: Mapping[Key, Estimate]
    counts: Mapping[Key, int]
    influences: Mapping[Key, Influence] = field(default_factory=dict, compare=False, repr=False)


def share(count: int, total: int) -> Estimate:
    """A share with Wilson's interval; unknown where `total` is 0.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if total == 0:
        return UNKNOWN
    p, z2 = count / total, NORMAL_975**2
    centre = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = NORMAL_975 / (1 + z2 / total) * sqrt(p * (1 - p) / total + z2 / (4 * total * total))
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == total else min(1.0, centre + half)
    return Estimate(p, low, high, sqrt(p * (1 - p) / total), total)


def mean(values: Floats) -> Estimate:
    """The mean with Student's interval; without one for a single value, unknown for none."""
    n = len(values)
    if n == 0:
        return UNKNOWN
    centre = float(np.mean(values))
    if n == 1:
        return Estimate(centre, n=1)
    error = float(np.std(values, ddof=1)) / sqrt(n)
    half = float(stdtrit(n - 1, 0.975)) * float(np.std(values, ddof=1)) / sqrt(n)
    return Estimate(centre, centre - half, centre + half, error, n)


def over_replications(figures: Sequence[Figures]) -> Figures:
    """Means over replications with Student's interval; counts are added up.

    A replication in which a number is unknown is left out, except for a median: one that is not
    reached in some replication is later than the others, so the mean of these would mislead.
    """
    kept = [f for f in figures if not is_empty(f)] or list(figures[:1])
    estimates = {
        key: replace(
            _mean_of(key, [f.estimates[key].value for f in kept]), n=sum(f.estimates[key].n for f in kept)
        )
        for key in kept[0].estimates
    }
    counts = {key: sum(f.counts[key] for f in figures) for key in kept[0].counts}
    return Figures(sum(f.n for f in figures), estimates, counts)


def is_empty(figures: Figures) -> bool:
    """Whether there are no patients to estimate from."""
    return figures.n == 0 and not any(e.is_known for e in figures.estimates.values())


def without_intervals(figures: Figures) -> Figures:
    """The same figures without intervals and standard errors."""
    bare = {key: Estimate(e.value, n=e.n) for key, e in figures.estimates.items()}
    return Figures(figures.n, bare, figures.counts)


def _mean_of(key: Key, values: Sequence[float]) -> Estimate:
    array = np.array(values)
    known = array[~np.isnan(array)]
    if key.measure == MEDIAN and len(known) < len(array):
        return UNKNOWN
    return mean(known)


def log_log(value: float, error: float, n: int) -> Estimate:
    """A probability with its log-log interval; without one at 0 and 1, where it is not defined.

    error: standard error of log(-log(value)). n: patients behind it.
    Source: Kalbfleisch and Prentice 2002, section 1.4.2, doi:10.1002/9781118032985.
    """
    if not 0.0 < value < 1.0 or not error < inf:
        return Estimate(value, n=n)
    wide = float(np.exp(min(NORMAL_975 * error, WIDEST)))
    return Estimate(value, value**wide, value ** (1 / wide), error * value * -log(value), n)
