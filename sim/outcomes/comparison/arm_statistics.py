"""Statistics of two arms together: hazard ratio, log-rank test, distance of distributions, quantiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, log, nan

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from sim.event_log.log import Floats, Indices
from sim.outcomes.comparison.differences import (
    Difference,
    over_replications,
    paired_differences,
    squares,
    student_difference,
    welch,
)
from sim.outcomes.endpoints import Endpoint
from sim.outcomes.endpoints.means import MEAN, Averages
from sim.outcomes.endpoints.time_to_event import REACHED, Ends, TimeToEvent
from sim.outcomes.evaluation import Group
from sim.outcomes.queues.waiting import Waiting
from sim.outcomes.results import UNKNOWN, Estimate, Figures, Key
from sim.outcomes.survival.estimators import IncidenceCurve, SurvivalCurve, aalen_johansen, steps_up_to

Arm = tuple[Floats, NDArray[np.bool_]]
"""Durations (days) and whether the end occurred, shape [n_patients] each."""

MOST_STEPS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """The times of an end in either arm.

    Shape [n_times]: time (days, increasing); ends and at_risk (just before), [2, n_times]. Of each
    arm, shape [n_patients]: steps, the number of times up to the patient's own, and ended.
    """

    time: Floats
    ends: Floats
    at_risk: Floats
    steps: tuple[Indices, Indices]
    ended: tuple[NDArray[np.bool_], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class LogRank:
    """Chi-squared of one degree of freedom with its p-value, and the same with patients paired."""

    chi_squared: float
    p_value: float
    paired_chi_squared: float
    paired_p_value: float


def pooled(reference: Arm, arm: Arm, orders: tuple[Indices, Indices] | None = None) -> Pooled:
    """The patients at risk in each arm at each time of an end; censored patients leave after the ends.

    orders: the indices that sort the durations of each, where they are known.
    """
    time = np.unique(np.concatenate([durations[ended] for durations, ended in (reference, arm)]))
    n = len(time)
    ends, at_risk, steps = np.zeros((2, n)), np.zeros((2, n)), []
    for i, (durations, ended) in enumerate((reference, arm)):
        order = orders[i] if orders is not None else np.argsort(durations)
        steps.append(steps_up_to(time, durations, order))
        ends[i] = np.bincount(steps[i][ended] - 1, minlength=n)
        # a patient past k times is no longer at risk at the next
        at_risk[i] = len(durations) - np.cumsum(np.bincount(steps[i], minlength=n + 1))[:n]
    return Pooled(time, ends, at_risk, (steps[0], steps[1]), (reference[1], arm[1]))


def log_rank(table: Pooled, patients: tuple[Indices, Indices], n_patients: int) -> LogRank:
    """Ends in the arm against those expected with equal hazards.

    patients: those of the durations in each arm, as indices below n_patients.
    Sources: Mantel 1966; the paired variance is that of the sum of the score's parts over each
    patient, as in Lee, Wei and Amato 1992, doi:10.1007/978-94-015-7983-4_14.
    """
    d, n = table.ends.sum(axis=0), table.at_risk.sum(axis=0)
    share = table.at_risk[1] / n
    excess = float((table.ends[1] - d * share).sum())
    several = n > 1
    spread = (d * share * (1 - share) * (n - d))[several] / (n - 1)[several]
    hazard = d / n
    parts = np.zeros(n_patients)
    for x, index in enumerate(patients):
        running = (x - share) * hazard
        parts[index] += _residuals(table, x, own=x - share, running=running, last=running)
    return LogRank(*_chi_squared(excess, float(spread.sum())), *_chi_squared(excess, squares(parts)))


def _chi_squared(score: float, variance: float) -> tuple[float, float]:
    if not variance > 0.0:
        return nan, nan
    value = score**2 / variance
    return value, float(chdtrc(1, value))


def hazard_ratio(table: Pooled, patients: tuple[Indices, Indices], n_patients: int) -> Difference:
    """The log hazard ratio of the arm over the reference in Cox's model, with ties by Efron's method.

    Its errors are robust to hazards that are not proportional, where the ratio is an average over the
    time observed, and, paired, to each patient being in both arms. nan where no finite ratio fits, as
    where one arm has no ends.
    Sources: Efron 1977, doi:10.1080/01621459.1977.10480613; Lin and Wei 1989,
    doi:10.1080/01621459.1989.10478874; Lee, Wei and Amato 1992, doi:10.1007/978-94-015-7983-4_14.
    """
    ties = _Ties(table)
    beta = ties.fitted()
    if beta is None:
        return Difference(Estimate(nan))
    parts: list[Floats] = []
    for x, index in enumerate(patients):
        every = np.zeros(n_patients)
        every[index] = ties.residuals(beta, x)
        parts.append(every)
    variances = squares(parts[0]), squares(parts[1])
    both = parts[0] + parts[1]
    n = max(len(index) for index in patients)
    freedom = welch(variances, n)
    return student_difference(beta, squares(both), n - 1, apart=sum(variances), apart_freedom=freedom)


class _Ties:
    """The ends of a pooled table one by one: at the l-th of d ties the share l/d is no longer at risk."""

    def __init__(self, table: Pooled) -> None:
        d = table.ends.sum(axis=0).astype(np.int64)
        self._table = table
        self._first = np.cumsum(d) - d
        self._of = np.repeat(np.arange(len(d)), d)
        self._gone = (np.arange(len(self._of)) - self._first[self._of]) / d[self._of]
        self._left = table.at_risk[:, self._of] - self._gone * table.ends[:, self._of]

    def _denominators(self, beta: float) -> tuple[Floats, Floats]:
        """At each end the weight of all patients at risk, and the arm's share of it."""
        weight = self._left[0] + exp(beta) * self._left[1]
        return weight, exp(beta) * self._left[1] / weight

    def fitted(self) -> float | None:
        """The log ratio at which the score is 0, by Newton's method; None where it diverges."""
        observed = float(self._table.ends[1].sum())
        if not 0.0 < observed < len(self._of):
            return None
        beta = 0.0
        for _ in range(MOST_STEPS):
            _, share = self._denominators(beta)
            information = float((share * (1 - share)).sum())
            if not information > 0.0:
                return None
            step = (observed - float(share.sum())) / information
            beta += max(-2.0, min(2.0, step))
            if abs(step) < 1e-12 * max(1.0, abs(beta)):
                return beta if abs(beta) < log(1e6) else None
        return None

    def residuals(self, beta: float, x: int) -> Floats:
        """The part of each patient of one arm (x: 0 or 1) in the error of the log ratio."""
        weight, share = self._denominators(beta)
        information = float((share * (1 - share)).sum())
        pull = exp(beta * x) * (x - share) / weight
        own = x - self._at_each(share) / self._table.ends.sum(axis=0)
        running, last = self._at_each(pull), self._at_each(pull * (1 - self._gone))
        return _residuals(self._table, x, own=own, running=running, last=last) / information

    def _at_each(self, values: Floats) -> Floats:
        """Sums over the ends at each time."""
        return np.add.reduceat(values, self._first) if len(values) else values


def _residuals(table: Pooled, x: int, *, own: Floats, running: Floats, last: Floats) -> Floats:
    """Score residuals in one arm (x: 0 or 1): `own` at the patient's end, less the sum up to it.

    running [n_times]: subtracted for being at risk at a time; last: the same for patients who end at it.
    """
    steps = table.steps[x]
    upto = np.concatenate([[0.0], np.cumsum(running)])
    at_end = np.concatenate([[0.0], own + running - last])
    found: Floats = np.where(table.ended[x], at_end[steps], 0.0) - upto[steps]
    return found


def ratio_interval(log_ratio: Estimate) -> Estimate:
    """The interval of a ratio from that of its logarithm."""
    return Estimate(exp(log_ratio.value), exp(log_ratio.low), exp(log_ratio.high))


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A step function: `before` up to the first of at [n], then value[i] from at[i] on."""

    at: Floats
    value: Floats
    before: float


def steps_of_survival(curve: SurvivalCurve) -> Steps:
    """The Kaplan-Meier curve."""
    return Steps(curve.table.time, curve.survival, 1.0)


def steps_of_incidence(curve: IncidenceCurve) -> Steps:
    """A cumulative incidence."""
    return Steps(curve.table.time, curve.incidence, 0.0)


def steps_of_values(values: Floats) -> Steps:
    """The distribution function of a sample."""
    ordered = np.sort(values)
    return Steps(ordered, np.arange(1, len(ordered) + 1) / len(ordered), 0.0)


def wasserstein(one: Steps, other: Steps, *, begin: float, end: float) -> float:
    """The area between two step functions from `begin` to `end`.

    For distribution functions or survival this is the Wasserstein distance of order 1 between the
    two distributions, with times cut off at `end`. Source: Vallender 1974, doi:10.1137/1118101.
    """
    edges = np.concatenate([[begin], one.at, other.at, [end]])
    edges = np.sort(edges[(edges >= begin) & (edges <= end)])
    apart = np.abs(_at(one, edges[:-1]) - _at(other, edges[:-1]))
    return float(np.sum(apart * np.diff(edges)))


def _at(steps: Steps, times: Floats) -> Floats:
    values: Floats = np.concatenate([[steps.before], steps.value])[
        np.searchsorted(steps.at, times, side="right")
    ]
    return values


LEVELS = {Key("quantile_25%"): 0.25, Key("quantile_50%"): 0.5, Key("quantile_75%"): 0.75}


def quantiles_of_ends(ends: Ends, *, competing: bool) -> Figures:
    """Times by which these shares of the patients have reached `until`; unknown where they never do."""
    found = {key: ends.quantile(level, competing=competing) for key, level in LEVELS.items()}
    n = len(ends.duration)
    return Figures(
        n,
        {key: Estimate(value, n=n) for key, (value, _) in found.items()},
        {},
        {key: influence for key, (_, influence) in found.items()},
    )


def quantiles_of_values(values: Floats) -> Figures:
    """The same for a number of each patient, nan for patients left out: as times that all have reached."""
    known = np.flatnonzero(~np.isnan(values))
    ends = Ends(len(values), known, values[known], np.full(len(known), REACHED, np.int8))
    return quantiles_of_ends(ends, competing=False)


WASSERSTEIN = Key("wasserstein_distance")


@dataclass(frozen=True, slots=True, eq=False)
class ArmStatistics:
    """What two arms give together in one group of patients.

    differences: the hazard ratio (with the standard error of its logarithm), the log-rank test, the
    Wasserstein distance, differences of quantiles. quantiles: of each arm.
    """

    differences: Mapping[Key, Difference]
    quantiles: tuple[Mapping[Key, Estimate], Mapping[Key, Estimate]] = ({}, {})


def arm_statistics(
    reference: Endpoint, arm: Endpoint, groups: tuple[Group, Group], *, n_patients: int, has_error: bool
) -> ArmStatistics:
    """The statistics of two arms, none where the outcome has none.

    has_error: whether one replication gives an error over patients.
    """
    if isinstance(reference, TimeToEvent) and isinstance(arm, TimeToEvent):
        return _for_times(reference, arm, groups, n_patients=n_patients, has_error=has_error)
    distances = [_distance(reference, arm, one, other) for one, other in _replications(groups)]
    if None in distances:
        return ArmStatistics({})
    found = ArmStatistics({WASSERSTEIN: Difference(Estimate(_mean(np.array(distances, np.float64))))})
    values = _values(reference), _values(arm)
    if values[0] is not None and values[1] is not None:
        pairs = _replications(groups)
        figures = (
            [quantiles_of_values(values[0][one]) for one, _ in pairs],
            [quantiles_of_values(values[1][other]) for _, other in pairs],
        )
        return _with_quantiles(found, groups, figures, n_patients=n_patients, has_error=has_error)
    return found


def _replications(groups: tuple[Group, Group]) -> list[tuple[Indices, Indices]]:
    """The patients of the two groups, in each replication."""
    found = [[group.patients[a:b] for a, b in pairwise(group.edges.tolist())] for group in groups]
    return list(zip(*found, strict=True))


def _with_quantiles(
    found: ArmStatistics,
    groups: tuple[Group, Group],
    figures: tuple[Sequence[Figures], Sequence[Figures]],
    *,
    n_patients: int,
    has_error: bool,
) -> ArmStatistics:
    """figures: the quantiles in every replication of the groups."""
    made = [
        Group(group.patients, group.edges, tuple(one)) for group, one in zip(groups, figures, strict=True)
    ]
    differences = paired_differences(made[0], made[1], n_patients=n_patients, has_error=has_error)
    sides = [
        {key: Estimate(float(np.mean([f.estimates[key].value for f in one]))) for key in differences}
        for one in figures
    ]
    return ArmStatistics({**found.differences, **differences}, (sides[0], sides[1]))


# ---------------------------------------------------------------- times to an event


def _for_times(
    reference: TimeToEvent,
    arm: TimeToEvent,
    groups: tuple[Group, Group],
    *,
    n_patients: int,
    has_error: bool,
) -> ArmStatistics:
    ratios, distances, tests = [], [], {}
    figures: tuple[list[Figures], list[Figures]] = [], []
    competing = bool(reference.competing)
    for one, other in _replications(groups):
        sides = reference.ends(one), arm.ends(other)
        distances.append(_area(sides, reference.until, competing=competing))
        for found, side in zip(figures, sides, strict=True):
            found.append(quantiles_of_ends(side, competing=competing))
        patients = one[sides[0].reached], other[sides[1].reached]
        table = pooled(_until(sides[0]), _until(sides[1]), (sides[0].order, sides[1].order))
        ratios.append(hazard_ratio(table, patients, n_patients))
        if has_error and len(groups[0].by_replication) == 1:
            tests = _tests(log_rank(table, patients, n_patients))
    statistics = ArmStatistics(
        {
            Key("hazard_ratio"): _ratio(ratios, has_error=has_error),
            **tests,
            WASSERSTEIN: Difference(Estimate(_mean(np.array(distances)))),
        }
    )
    return _with_quantiles(statistics, groups, figures, n_patients=n_patients, has_error=has_error)


def _until(ends: Ends) -> Arm:
    """Durations and who reached `until`; other ends censor, so its hazard is cause-specific."""
    return ends.duration, ends.end == REACHED


def _ratio(ratios: list[Difference], *, has_error: bool) -> Difference:
    """The hazard ratio with its interval; error: of its logarithm."""
    found = ratios[0]
    if len(ratios) > 1:
        logs = np.array([ratio.estimate.value for ratio in ratios])
        found = over_replications(np.zeros(len(logs)), logs)
        found = replace(found, independent=UNKNOWN, variance_ratio=np.nan)
    elif not has_error:
        found = Difference(Estimate(found.estimate.value))
    return replace(
        found, estimate=ratio_interval(found.estimate), independent=ratio_interval(found.independent)
    )


def _tests(test: LogRank) -> dict[Key, Difference]:
    return {
        Key("log_rank_chi_squared"): Difference(Estimate(test.chi_squared)),
        Key("log_rank_p_value"): Difference(Estimate(test.p_value)),
        Key("paired_log_rank_chi_squared"): Difference(Estimate(test.paired_chi_squared)),
        Key("paired_log_rank_p_value"): Difference(Estimate(test.paired_p_value)),
    }


def _area(sides: tuple[Ends, Ends], until: float, *, competing: bool) -> float:
    """Between the curves, up to `until`; nan where no patient reached `from`."""
    if not all(len(side.duration) for side in sides):
        return np.nan
    steps = [
        steps_of_incidence(aalen_johansen(side.curve, side.duration, side.end == REACHED))
        if competing
        else steps_of_survival(side.curve)
        for side in sides
    ]
    return wasserstein(steps[0], steps[1], begin=0.0, end=until)


# ---------------------------------------------------------------- other outcomes


def _distance(reference: Endpoint, arm: Endpoint, one: Indices, other: Indices) -> float | None:
    """Between the distributions of a number over patients, or over waits; None for other outcomes."""
    samples = _sample(reference, one), _sample(arm, other)
    if samples[0] is None or samples[1] is None:
        return None
    if not len(samples[0]) or not len(samples[1]):
        return np.nan
    both = np.concatenate([samples[0], samples[1]])
    steps = (steps_of_values(samples[0]), steps_of_values(samples[1]))
    return wasserstein(*steps, begin=float(both.min()), end=float(both.max()))


def _sample(endpoint: Endpoint, patients: Indices) -> Floats | None:
    values = _values(endpoint)
    if values is not None:
        return values[patients[~np.isnan(values[patients])]]
    if isinstance(endpoint, Waiting) and endpoint.above is None:
        return endpoint.ended(patients)
    return None


def _values(endpoint: Endpoint) -> Floats | None:
    """The values that a mean over patients is taken of, nan for patients left out."""
    if isinstance(endpoint, Averages) and MEAN in endpoint.parts:
        return endpoint.parts[MEAN][0]
    return None


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.mean(known)) if len(known) else np.nan
