"""What the data show without a family: survival, cumulative incidence and a hazard in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.calibration.observations import Observations
from sim.event_log.log import Floats
from sim.outcomes.results import NORMAL_975
from sim.outcomes.survival.estimators import (
    RiskTable,
    SurvivalCurve,
    aalen_johansen,
    kaplan_meier,
    log_log_limits,
)

MOST_PIECES, FEWEST_IN_PIECE = 10, 3


@dataclass(frozen=True, slots=True, eq=False)
class StepCurve:
    """A probability from each time on, with 95% limits; shape [n_times], the first time 0."""

    time: Floats
    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class PieceHazard:
    """A hazard that is constant between borders [n + 1]: events over time at risk, with 95% limits, [n]."""

    borders: Floats
    rate: Floats
    low: Floats
    high: Floats


def observed_curve(data: Observations) -> tuple[StepCurve, SurvivalCurve]:
    """The Kaplan-Meier estimate up to the longest time; late entries count from their entry.

    An event within an interval counts at its middle. Limits: log-log, Greenwood's variance.
    """
    curve = kaplan_meier(late_risk_table(data, np.isfinite(data.high)))
    low, high = log_log_limits(curve)
    return _stepped(curve.table.time, curve.survival, low, high, start=1.0, last=data.last), curve


def _stepped(
    time: Floats, value: Floats, low: Floats, high: Floats, *, start: float, last: float
) -> StepCurve:
    ends = [last] if not len(time) or last > time[-1] else []
    tail = [len(value) - 1] if ends and len(value) else []
    columns = [np.concatenate([[start], column, column[tail]]) for column in (value, low, high)]
    return StepCurve(np.concatenate([[0.0], time, ends[: len(tail)]]), *columns)


def late_risk_table(data: Observations, is_end: NDArray[np.bool_]) -> RiskTable:
    """Those at risk at each time of an end: entered before it, and not gone."""
    end = data.middle
    time, index = np.unique(end[is_end], return_inverse=True)
    events = np.bincount(index, weights=data.weight[is_end], minlength=len(time)).astype(np.int64)
    return RiskTable(time, events, at_risk(data, time).astype(np.int64), round(data.number), data.last)


def at_risk(data: Observations, time: Floats) -> Floats:
    """The number at risk just before each time, [n_times]; at time 0 everyone who is there from the start."""
    entered = _cumulative(data.entry, data.weight)
    gone = _cumulative(data.middle, data.weight)
    present = entered(time, "left") + np.where(time <= 0.0, _at_start(data), 0.0)
    return np.asarray(present - gone(time, "left"), dtype=np.float64)


def _at_start(data: Observations) -> float:
    return float(data.weight[data.entry <= 0.0].sum())


def _cumulative(values: Floats, weight: Floats) -> Callable[[Floats, Literal["left", "right"]], Floats]:
    """The weight of values below a number, or up to it."""
    order = np.argsort(values)
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    found = values[order]
    return lambda time, side: total[np.searchsorted(found, time, side=side)]


def incidence_curves(causes: Sequence[Observations]) -> list[StepCurve]:
    """The Aalen-Johansen estimate of each cause; every item holds all patients and the events of its cause.

    Limits: none, they are the values.
    """
    is_end = np.any([np.isfinite(one.high) for one in causes], axis=0)
    curve = kaplan_meier(late_risk_table(causes[0], is_end))
    found = []
    for one in causes:
        value = aalen_johansen(curve, one.middle, np.isfinite(one.high)).incidence
        found.append(_stepped(curve.table.time, value, value, value, start=0.0, last=one.last))
    return found


def piece_hazard(data: Observations) -> PieceHazard:
    """Events over time at risk in pieces with about as many events each.

    Limits: those of a Poisson rate on the log scale, sd 1 / sqrt(events).
    """
    is_event = np.isfinite(data.high)
    times = data.event_times
    n = max(1, min(MOST_PIECES, len(times) // FEWEST_IN_PIECE))
    inner = np.unique(np.quantile(times, np.arange(1, n) / n, method="lower")) if n > 1 else np.empty(0)
    borders = np.concatenate([[0.0], inner[(inner > 0.0) & (inner < data.last)], [data.last]])
    stop, start = data.middle[:, None], data.entry[:, None]
    exposure = np.clip(stop - borders[:-1], 0.0, np.diff(borders)) - np.clip(
        start - borders[:-1], 0.0, np.diff(borders)
    )
    spent = data.weight @ exposure
    place = np.searchsorted(borders[1:], data.middle[is_event], side="left").clip(max=len(borders) - 2)
    events = np.bincount(place, weights=data.weight[is_event], minlength=len(borders) - 1)
    rate = np.divide(events, spent, out=np.full(len(spent), np.nan), where=spent > 0.0)
    wide = np.exp(NORMAL_975 / np.sqrt(np.maximum(events, 1.0)))
    return PieceHazard(borders, rate, rate / wide, rate * wide)
