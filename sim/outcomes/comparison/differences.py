"""Differences between two arms with the same patients, and what independent runs would have told.

Everywhere the difference is the arm less the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan, sqrt
from typing import Any

import numpy as np
from scipy.special import stdtrit

from sim.event_log.log import Floats
from sim.outcomes.entries import interval, number, put
from sim.outcomes.evaluation import Group
from sim.outcomes.intervals import QUANTILE, UNKNOWN, Estimate, Figures, Path

ENOUGH = 30
"""From so many on that agree, something is said of others."""
FEW = 10
"""With fewer patients who tell two arms apart a 95% interval holds the truth less often than it says."""
ROUNDING = 1e-18
"""A share of the variance without pairing that is far below that of one patient in a billion."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference with its 95% interval; error: its standard error, nan where there is none.

    independent: the interval that runs of the same size without common patients would have given;
    variance_ratio: variance without pairing over variance with it, nan where that is 0. rests_on: on how
    many patients the error rests, as if each of them differed by as much and no other at all.
    """

    estimate: Estimate
    error: float = nan
    independent: Estimate = UNKNOWN
    variance_ratio: float = nan
    rests_on: float = nan

    @property
    def is_nowhere(self) -> bool:
        """Whether no patient (or no replication) tells the arms apart."""
        return self.error == 0.0 == self.estimate.value

    @property
    def is_alike(self) -> bool:
        """Whether they are told apart by all alike, so that there is no error to tell."""
        return self.error == 0.0 != self.estimate.value

    def note(self, of: str, n: int) -> str:
        """What a reader has to know of the interval, "" for nothing.

        of: patient or replication; n: how many of them. Of n that all agree fewer than 3 in n others
        do not, at 95%. Source: Hanley and Lippman-Hand 1983, doi:10.1001/jama.1983.03330370053031.
        """
        if self.is_nowhere:
            rare = f": fewer than 3 in {n:,} do" if n >= ENOUGH else ""
            return f"no {of} tells the arms apart in this{rare}"
        if self.is_alike:
            return f"every {of} tells the arms apart by as much, so there is no interval"
        if of == "patient" and self.rests_on < FEW:
            about = max(round(self.rests_on), 1)
            return f"only about {about} patients tell the arms apart in this: the interval may be too narrow"
        return ""


def of_values(
    value: float, variance: float, freedom: float, *, apart: float, apart_freedom: float
) -> Difference:
    """A difference with Student's intervals, from its variance with pairing and without (apart).

    Equal influences that were added up in another order leave a variance of rounding errors: none.
    Where all differ alike there is no interval.
    """
    variance = variance if variance > ROUNDING * apart else 0.0
    error = sqrt(variance)
    if variance == 0.0 and value != 0.0:
        return Difference(Estimate(value), error)
    half = float(stdtrit(freedom, 0.975)) * error
    wide = float(stdtrit(apart_freedom, 0.975)) * sqrt(apart) if apart > 0.0 else 0.0
    return Difference(
        Estimate(value, value - half, value + half),
        error,
        Estimate(value, value - wide, value + wide),
        apart / variance if variance > 0.0 else nan,
    )


def over_patients(value: float, reference: Floats, arm: Floats, n: int) -> Difference:
    """A difference of two estimates with the influences of the same n patients on each."""
    variances, each = (squares(reference), squares(arm)), arm - reference
    each *= each
    variance = float(np.sum(each))
    found = of_values(value, variance, n - 1, apart=sum(variances), apart_freedom=welch(variances, n))
    return replace(found, rests_on=variance**2 / squares(each)) if found.error > 0.0 else found


def over_replications(reference: Floats, arm: Floats) -> Difference:
    """The mean of differences between the same replications; those unknown in an arm are left out."""
    known = ~np.isnan(reference) & ~np.isnan(arm)
    reference, arm = reference[known], arm[known]
    n = len(reference)
    if n < 2:
        return Difference(Estimate(float(np.mean(arm - reference))) if n else UNKNOWN)
    variances = float(np.var(reference, ddof=1)) / n, float(np.var(arm, ddof=1)) / n
    return of_values(
        float(np.mean(arm - reference)),
        float(np.var(arm - reference, ddof=1)) / n,
        n - 1,
        apart=sum(variances),
        apart_freedom=welch(variances, n),
    )


def squares(values: Floats) -> float:
    """The sum of squares, added up in one order whatever the machine."""
    return float(np.sum(values * values))


def welch(variances: tuple[float, float], n: int) -> float:
    """Degrees of freedom of a difference of two means of n.

    Source: Welch 1947, doi:10.1093/biomet/34.1-2.28.
    """
    first, second = variances
    if first == second == 0.0:
        return 2.0 * (n - 1)
    return (n - 1) * (first + second) ** 2 / (first**2 + second**2)


def of_groups(reference: Group, arm: Group, *, n_patients: int, has_error: bool) -> dict[Path, Difference]:
    """The difference of every estimate that both arms have.

    n_patients: of the log. has_error: whether one replication tells of its own error.
    """
    paths = [path for path in reference.each[0].estimates if path in arm.each[0].estimates]
    if len(reference.each) > 1:
        return {path: _between_replications(reference, arm, path) for path in paths}
    one, other = reference.each[0], arm.each[0]
    values = {path: other.estimates[path].value - one.estimates[path].value for path in paths}
    found = {path: Difference(Estimate(value)) for path, value in values.items()}
    if has_error:
        pairs = _Pairs(reference, arm, n_patients)
        for path, value in values.items():
            influences = pairs.influences(path) if not np.isnan(value) else None
            if influences is not None:
                found[path] = over_patients(value, *influences, pairs.n)
    return found


def _between_replications(reference: Group, arm: Group, path: Path) -> Difference:
    """Unknown where a quantile is not reached in some replication, as in `estimates.over_replications`."""
    one, other = _values(reference, path), _values(arm, path)
    if path[-1] == QUANTILE and np.isnan(one + other).any():
        return Difference(UNKNOWN)
    return over_replications(one, other)


def _values(group: Group, path: Path) -> Floats:
    return np.array([figures.estimates[path].value for figures in group.each])


class _Pairs:
    """The patients of a group in either arm, and the influences of each on the estimates of both."""

    def __init__(self, reference: Group, arm: Group, n_patients: int) -> None:
        self._groups = (reference, arm)
        self._same = np.array_equal(reference.who, arm.who)
        self._n_patients = n_patients
        self.n = len(reference.who if self._same else np.union1d(reference.who, arm.who))

    def influences(self, path: Path) -> tuple[Floats, Floats] | None:
        """Those on the reference's estimate and on the arm's, one beside the other."""
        found = [self._influence(group, path) for group in self._groups]
        reference, arm = found
        return None if reference is None or arm is None else (reference, arm)

    def _influence(self, group: Group, path: Path) -> Floats | None:
        figures: Figures = group.each[0]
        influence = figures.influences[path]() if path in figures.influences else None
        if influence is None or self._same:
            return influence
        whole = np.zeros(self._n_patients)
        whole[group.who] = influence
        return whole


def shaped(differences: Mapping[Path, Difference], told: dict[Any, Any]) -> None:
    """Put each difference where its estimate stands in the entry of a run.

    `difference`, `standard_error`, `interval`, `independent_interval`, `variance_ratio` stand in
    place of `estimate`, or under the name of the number without its unit (`restricted_mean`).
    """
    for path, difference in differences.items():
        last = str(path[-1])
        place = path[:-1] if last == "estimate" else (*path[:-1], last.removesuffix("_days"))
        for key, value in leaf(difference).items():
            put(told, (*place, key), value)


def leaf(difference: Difference) -> dict[str, Any]:
    """A difference as plain values."""
    return {
        "difference": number(difference.estimate.value),
        "standard_error": number(difference.error),
        "interval": interval(difference.estimate),
        "independent_interval": interval(difference.independent),
        "variance_ratio": number(difference.variance_ratio),
    }
