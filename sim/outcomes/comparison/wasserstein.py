"""The Wasserstein distance between the distributions of two arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.survival.aalen_johansen import IncidenceCurve
from sim.outcomes.survival.kaplan_meier import SurvivalCurve


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A step function: `before` up to the first of at [n], then value[i] from at[i] on."""

    at: Floats
    value: Floats
    before: float


def of_survival(curve: SurvivalCurve) -> Steps:
    """The Kaplan-Meier curve."""
    return Steps(curve.table.time, curve.survival, 1.0)


def of_incidence(curve: IncidenceCurve) -> Steps:
    """A cumulative incidence."""
    return Steps(curve.table.time, curve.incidence, 0.0)


def of_values(values: Floats) -> Steps:
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
