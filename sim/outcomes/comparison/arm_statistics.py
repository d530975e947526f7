"""What is read from two arms together: hazard ratio, log-rank test, the distance of distributions."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from sim.event_log.log import Floats, Indices
from sim.outcomes.comparison import quantiles, wasserstein
from sim.outcomes.comparison.differences import Difference, over_replications
from sim.outcomes.comparison.hazards import Arm, Pooled, hazard_ratio, log_rank, pooled, ratio_interval
from sim.outcomes.endpoints.endpoint import Measure
from sim.outcomes.endpoints.means import Mean
from sim.outcomes.endpoints.time_to_event import REACHED, Ends, TimeToEvent
from sim.outcomes.entries import interval, number
from sim.outcomes.evaluation import Group
from sim.outcomes.intervals import Estimate, Figures
from sim.outcomes.queues.waiting import Waiting
from sim.outcomes.survival.aalen_johansen import aalen_johansen


def two_arms(
    reference: Measure, arm: Measure, groups: tuple[Group, Group], *, n_patients: int, has_error: bool
) -> dict[str, Any]:
    """Entries for what two arms give together, in one group of patients each; {} where there are none.

    has_error: whether one replication tells of its own error.
    """
    if isinstance(reference, TimeToEvent) and isinstance(arm, TimeToEvent):
        return _of_times(reference, arm, groups, n_patients=n_patients, has_error=has_error)
    far = [_distance(reference, arm, one, other) for one, other in _replications(groups)]
    if None in far:
        return {}
    told: dict[str, Any] = {"wasserstein_distance": number(_mean(np.array(far, np.float64)))}
    if isinstance(reference, Mean) and isinstance(arm, Mean):
        pairs = _replications(groups)
        each = (
            [quantiles.of_values(reference.values[one]) for one, _ in pairs],
            [quantiles.of_values(arm.values[other]) for _, other in pairs],
        )
        told |= quantiles.differences(groups, each, n_patients=n_patients, has_error=has_error)
    return told


def _replications(groups: tuple[Group, Group]) -> list[tuple[Indices, Indices]]:
    """Who is in the two groups, in each replication."""
    each = [[group.who[a:b] for a, b in pairwise(group.edges.tolist())] for group in groups]
    return list(zip(*each, strict=True))


# ---------------------------------------------------------------- times to an event


def _of_times(
    reference: TimeToEvent,
    arm: TimeToEvent,
    groups: tuple[Group, Group],
    *,
    n_patients: int,
    has_error: bool,
) -> dict[str, Any]:
    ratios, far, test = [], [], {}
    each: tuple[list[Figures], list[Figures]] = [], []
    competing = bool(reference.competing)
    for one, other in _replications(groups):
        sides = reference.ends(one), arm.ends(other)
        far.append(_area(sides, reference.until, competing=competing))
        for figures, side in zip(each, sides, strict=True):
            figures.append(quantiles.of_ends(side, competing=competing))
        who = one[sides[0].reached], other[sides[1].reached]
        table = pooled(_until(sides[0]), _until(sides[1]), (sides[0].order, sides[1].order))
        ratios.append(hazard_ratio(table, who, n_patients))
        if has_error and len(groups[0].each) == 1:
            test = _tested(table, who, n_patients)
    told: dict[str, Any] = {"wasserstein_distance": number(_mean(np.array(far)))}
    told |= quantiles.differences(groups, each, n_patients=n_patients, has_error=has_error)
    return {"hazard_ratio": _ratio(ratios, has_error=has_error), **test} | told


def _until(ends: Ends) -> Arm:
    """Durations and who came to `until`; the other ends stop the clock, so its hazard is cause-specific."""
    return ends.duration, ends.end == REACHED


def _ratio(ratios: list[Difference], *, has_error: bool) -> dict[str, Any]:
    """The hazard ratio with the standard error of its logarithm."""
    found = ratios[0]
    if len(ratios) > 1:
        logs = np.array([ratio.estimate.value for ratio in ratios])
        found = replace(over_replications(np.zeros(len(logs)), logs), independent=Estimate(np.nan))
    elif not has_error:
        found = Difference(Estimate(found.estimate.value))
    ratio = ratio_interval(found.estimate)
    return {
        "estimate": number(ratio.value),
        "interval": interval(ratio),
        "log_standard_error": number(found.error),
        "independent_interval": interval(ratio_interval(found.independent)),
        "variance_ratio": number(found.variance_ratio) if len(ratios) == 1 else None,
    }


def _tested(table: Pooled, who: tuple[Indices, Indices], n_patients: int) -> dict[str, Any]:
    test = log_rank(table, who, n_patients)
    return {
        "log_rank": {
            "chi_squared": number(test.chi_squared),
            "p_value": number(test.p_value),
            "paired_chi_squared": number(test.paired_chi_squared),
            "paired_p_value": number(test.paired_p_value),
        }
    }


def _area(sides: tuple[Ends, Ends], until: float, *, competing: bool) -> float:
    """Between the curves, up to `until`; nan where nobody reached `from`."""
    if not all(len(side.duration) for side in sides):
        return np.nan
    steps = [
        wasserstein.of_incidence(aalen_johansen(side.curve, side.duration, side.end == REACHED))
        if competing
        else wasserstein.of_survival(side.curve)
        for side in sides
    ]
    return wasserstein.wasserstein(steps[0], steps[1], begin=0.0, end=until)


# ---------------------------------------------------------------- other outcomes


def _distance(reference: Measure, arm: Measure, one: Indices, other: Indices) -> float | None:
    """Between the distributions of a number over patients, or over waits; None for other outcomes."""
    samples = _sample(reference, one), _sample(arm, other)
    if samples[0] is None or samples[1] is None:
        return None
    if not len(samples[0]) or not len(samples[1]):
        return np.nan
    both = np.concatenate([samples[0], samples[1]])
    steps = (wasserstein.of_values(samples[0]), wasserstein.of_values(samples[1]))
    return wasserstein.wasserstein(*steps, begin=float(both.min()), end=float(both.max()))


def _sample(measure: Measure, who: Indices) -> Floats | None:
    if isinstance(measure, Mean):
        values = measure.values[who]
        return values[~np.isnan(values)]
    if isinstance(measure, Waiting) and measure.above is None:
        return measure.ended(who)
    return None


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.mean(known)) if len(known) else np.nan
