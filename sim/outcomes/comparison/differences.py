"""Paired differences between two arms with the same patients: the arm less the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np
from scipy.special import stdtrit

from sim.event_log.log import Floats
from sim.outcomes.estimates import DifferenceRow
from sim.outcomes.evaluation import Group
from sim.outcomes.results import MEDIAN, UNKNOWN, Description, Estimate, Figures, Key
from sim.outcomes.summary import unit_of

ENOUGH = 30
"""With at least so many concordant patients the share of discordant ones has a useful upper limit."""
FEW = 10
"""With fewer discordant patients a 95% interval covers the truth less often than its level."""
PAIRED_REPLICATIONS, PAIRED_PATIENTS = "Student, over paired replications", "Student, over paired patients"
ROUNDING = 1e-18
"""A share of the variance without pairing that is far below that of one patient in a billion."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference with its 95% interval; error: its standard error, nan where there is none.

    independent: the interval that runs of the same size without common patients would have;
    variance_ratio: variance without pairing over variance with it, nan where that is 0. discordant: the
    effective number of patients behind the error, as if each differed equally and no other at all.
    """

    estimate: Estimate
    error: float = nan
    independent: Estimate = UNKNOWN
    variance_ratio: float = nan
    discordant: float = nan

    def note(self, unit: str, n: int) -> str:
        """What to know of the interval, "" for nothing. unit: patient or replication; n: their number.

        With n concordant units fewer than 3 in n others are discordant, at 95%.
        Source: Hanley and Lippman-Hand 1983, doi:10.1001/jama.1983.03330370053031.
        """
        if self.error == 0.0 == self.estimate.value:
            if n < ENOUGH:
                return f"no {unit} differs between the arms"
            return f"none of the {n:,} {unit}s differs between the arms: of others at most 3 in {n:,} would"
        if self.error == 0.0:
            return f"every {unit} differs by the same amount, so there is no interval"
        if unit == "patient" and self.discordant < FEW:
            about = max(round(self.discordant), 1)
            patients = "1 patient differs" if about == 1 else f"{about} patients differ"
            return f"only about {patients} between the arms: the interval may be too narrow"
        return ""


def student_difference(
    value: float, variance: float, freedom: float, *, apart: float, apart_freedom: float
) -> Difference:
    """A difference with Student's intervals, from its variance with pairing and without (apart).

    Equal influences summed in another order leave a variance of rounding errors, which counts as 0.
    Where all differ by the same amount there is no interval.
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
    found = student_difference(
        value, variance, n - 1, apart=sum(variances), apart_freedom=welch(variances, n)
    )
    return replace(found, discordant=variance**2 / squares(each)) if found.error > 0.0 else found


def over_replications(reference: Floats, arm: Floats) -> Difference:
    """The mean of differences between the same replications; replications unknown in an arm are left out."""
    known = ~np.isnan(reference) & ~np.isnan(arm)
    reference, arm = reference[known], arm[known]
    n = len(reference)
    if n < 2:
        return Difference(Estimate(float(np.mean(arm - reference))) if n else UNKNOWN)
    variances = float(np.var(reference, ddof=1)) / n, float(np.var(arm, ddof=1)) / n
    return student_difference(
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


def paired_differences(
    reference: Group, arm: Group, *, n_patients: int, has_error: bool
) -> dict[Key, Difference]:
    """The difference of every estimate that both arms have.

    n_patients: in the log. has_error: whether one replication gives an error over patients.
    """
    keys = [key for key in reference.by_replication[0].estimates if key in arm.by_replication[0].estimates]
    if len(reference.by_replication) > 1:
        return {key: _between_replications(reference, arm, key) for key in keys}
    one, other = reference.by_replication[0], arm.by_replication[0]
    values = {key: other.estimates[key].value - one.estimates[key].value for key in keys}
    found = {key: Difference(Estimate(value)) for key, value in values.items()}
    if has_error:
        pairs = _Pairs(reference, arm, n_patients)
        for key, value in values.items():
            influences = pairs.influences(key) if not np.isnan(value) else None
            if influences is not None:
                found[key] = over_patients(value, *influences, pairs.n)
    return found


def _between_replications(reference: Group, arm: Group, key: Key) -> Difference:
    """Unknown where a quantile is not reached in some replication, as in `intervals.over_replications`."""
    one, other = _values(reference, key), _values(arm, key)
    if (key.measure == MEDIAN or key.measure.startswith("quantile")) and np.isnan(one + other).any():
        return Difference(UNKNOWN)
    return over_replications(one, other)


def _values(group: Group, key: Key) -> Floats:
    return np.array([figures.estimates[key].value for figures in group.by_replication])


class _Pairs:
    """The patients of a group in both arms, and their influences on the estimates of both."""

    def __init__(self, reference: Group, arm: Group, n_patients: int) -> None:
        self._groups = (reference, arm)
        self._same = np.array_equal(reference.patients, arm.patients)
        self._n_patients = n_patients
        every = reference.patients if self._same else np.union1d(reference.patients, arm.patients)
        self.n = len(every)

    def influences(self, key: Key) -> tuple[Floats, Floats] | None:
        """Those on the reference's estimate and on the arm's, in the same order of patients."""
        reference, arm = (self._influence(group, key) for group in self._groups)
        return None if reference is None or arm is None else (reference, arm)

    def _influence(self, group: Group, key: Key) -> Floats | None:
        figures: Figures = group.by_replication[0]
        influence = figures.influences[key]() if key in figures.influences else None
        if influence is None or self._same:
            return influence
        every = np.zeros(self._n_patients)
        every[group.patients] = influence
        return every


def difference_rows(
    differences: Mapping[Key, Difference],
    described: Description,
    *,
    labels: tuple[str, str, str, str],
    groups: tuple[Group, Group],
    why_no_interval: str = "",
    note: str = "",
) -> Iterator[DifferenceRow]:
    """A row for each difference of one outcome in one group.

    labels: outcome, arm, reference, group. why_no_interval: of one replication, "" where it has
    intervals. note: beside every number.
    """
    outcome, arm, reference, group = labels
    several = len(groups[0].by_replication) > 1
    for key, one in differences.items():
        if several:
            said = one.note("replication", len(groups[0].by_replication))
        else:
            said = one.note("patient", len(groups[0].patients))
        has_interval = one.estimate.has_interval
        is_read = any(key in figures.estimates for figures in groups[1].by_replication)
        reason = why_no_interval or said
        if not reason and not has_interval and (is_read or not one.estimate.is_known):
            reason = _why_unknown(groups[1], key, several)
        method = (PAIRED_REPLICATIONS if several else PAIRED_PATIENTS) if has_interval else ""
        yield DifferenceRow(
            outcome,
            arm,
            reference,
            group,
            key.part,
            key.measure,
            nan if key.time is None else key.time,
            unit_of(key, described),
            one.estimate.value,
            one.error,
            one.estimate.low,
            one.estimate.high,
            one.independent.low,
            one.independent.high,
            one.variance_ratio,
            method,
            "; ".join(filter(None, (reason, note))),
        )


def _why_unknown(group: Group, key: Key, several: bool) -> str:
    if not any(f.estimates[key].is_known for f in group.by_replication if key in f.estimates):
        return "no patients to estimate from, or none observed for so long"
    return "fewer than two replications to compare" if several else "a single value"
