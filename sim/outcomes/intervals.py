"""Estimates with their 95% intervals, over patients and over replications."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isnan, nan, sqrt
from typing import TypeAlias

import numpy as np
from scipy.special import stdtrit

from sim.event_log.log import Floats

NORMAL_975 = 1.959963984540054
"""The 97.5% point of the standard normal distribution."""

WIDEST = 700.0
"""The logarithm beyond which a factor is as good as infinite, and would overflow."""

Path: TypeAlias = tuple[str | int, ...]
"""Where a figure stands in an outcome's entry, e.g. `("at", "1 years", "estimate")`."""

Influence: TypeAlias = Callable[[], Floats | None]
"""Gives an influence, shape [n_chosen]; None where it cannot be told."""


QUANTILE = "median_days"
"""What a path ends with whose number may not be reached, and is later than all others then."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95% interval [low, high]; nan where there is none.

    An interval may be open to one side: a median whose upper limit is not reached has high nan.
    """

    value: float
    low: float = nan
    high: float = nan

    @property
    def is_known(self) -> bool:
        return not isnan(self.value)

    @property
    def has_interval(self) -> bool:
        return not (isnan(self.low) and isnan(self.high))


UNKNOWN = Estimate(nan)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one outcome came to in one set of patients: estimates, and counts that add up.

    `counts[("n",)]` is how many patients (or waits) the headline stands on. influences: for the
    estimates that have a standard error over patients, what each of the chosen adds to the error
    (see `influence`), made when it is asked for.
    """

    estimates: Mapping[Path, Estimate]
    counts: Mapping[Path, int]
    influences: Mapping[Path, Influence] = field(default_factory=dict, compare=False, repr=False)


def share(count: int, of: int) -> Estimate:
    """A share with Wilson's interval; unknown of nobody.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if of == 0:
        return UNKNOWN
    p, z2 = count / of, NORMAL_975**2
    centre = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = NORMAL_975 / (1 + z2 / of) * sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == of else min(1.0, centre + half)
    return Estimate(p, low, high)


def mean(values: Floats) -> Estimate:
    """The mean with Student's interval; of one value without, of none unknown."""
    n = len(values)
    if n == 0:
        return UNKNOWN
    centre = float(np.mean(values))
    if n == 1:
        return Estimate(centre)
    half = float(stdtrit(n - 1, 0.975)) * float(np.std(values, ddof=1)) / sqrt(n)
    return Estimate(centre, centre - half, centre + half)


def over_replications(figures: Sequence[Figures]) -> Figures:
    """Means over replications with Student's interval; counts are added up.

    A replication in which a number is unknown is left out of it, except of a median: one that was
    not reached in some replication is later than the others, so the mean of these would mislead.
    """
    kept = [f for f in figures if not is_empty(f)] or list(figures[:1])
    estimates = {path: _mean_of(path, [f.estimates[path].value for f in kept]) for path in kept[0].estimates}
    counts = {path: sum(f.counts[path] for f in figures) for path in kept[0].counts}
    return Figures(estimates, counts)


def is_empty(figures: Figures) -> bool:
    """Whether nobody qualified, so that there is nothing to estimate from."""
    return figures.counts[("n",)] == 0 and not any(e.is_known for e in figures.estimates.values())


def without_intervals(figures: Figures) -> Figures:
    """The same figures, each as a bare number."""
    return Figures({path: Estimate(e.value) for path, e in figures.estimates.items()}, figures.counts)


def _mean_of(path: Path, values: Iterable[float]) -> Estimate:
    every = np.array(list(values))
    known = every[~np.isnan(every)]
    if path[-1] == QUANTILE and len(known) < len(every):
        return UNKNOWN
    return mean(known)


def log_log(value: float, error: float) -> Estimate:
    """A probability with its log-log interval; without one at 0 and 1, where it is not defined.

    error: standard error of log(-log(value)).
    Source: Kalbfleisch and Prentice 2002, section 1.4.2, doi:10.1002/9781118032985.
    """
    if not 0.0 < value < 1.0 or not error < inf:
        return Estimate(value)
    wide = float(np.exp(min(NORMAL_975 * error, WIDEST)))
    return Estimate(value, value**wide, value ** (1 / wide))
