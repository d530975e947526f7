"""Curves for pictures: an outcome evaluated at many times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.estimates import Estimates
from sim.outcomes.evaluation import Evaluator
from sim.outcomes.results import Description
from sim.outcomes.summary import outcome_rows
from sim.scenario.language.model import Outcome

POINTS = 160
"""Intervals between the times at which a curve is read: finer than a picture can show."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A probability over time with its 95% limits, shape [n_times].

    time: days from `from`, increasing from 0. value: nan where unknown. low, high: nan where there
    is no interval. at_risk: patients observed for so long without an end.
    """

    name: str
    time: Floats
    value: Floats
    low: Floats
    high: Floats
    at_risk: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """The curves of one outcome in one set of patients.

    main: survival, or the cumulative incidence of `until`. causes: of the competing ends, in file
    order. n: the number of patients.
    """

    main: Curve
    causes: tuple[Curve, ...]
    n: int


def grid(until: float) -> tuple[float, ...]:
    """Evenly spaced times after 0 and up to `until` days."""
    return tuple(np.linspace(0.0, until, POINTS + 1)[1:].tolist())


def curves(evaluator: Evaluator, outcome: Outcome) -> tuple[Curves, Mapping[str, Curves]]:
    """The curves of a time to an event: for all patients, and for each group of `by`.

    evaluator: evaluates at the times of a `grid`.
    """
    findings = evaluator.evaluate(outcome).findings()
    table = Estimates.of(outcome_rows(findings, evaluator.scenario))
    described, name = findings.description, outcome.label or outcome.name
    parts = tuple(part for part, _ in outcome.competing)
    groups = {key: _curves(table.where(group=key), described, parts, key) for key in findings.groups if key}
    return _curves(table.where(group=""), described, parts, name), groups


def _curves(table: Estimates, described: Description, parts: tuple[str, ...], name: str) -> Curves:
    measure = described.headline.measure
    begin = 1.0 if measure == "survival" else 0.0
    n = next(iter(table.where(measure="events", part=""))).n
    at_risk = np.concatenate([[n], table.where(measure="at_risk").numbers["estimate"]])
    main = _curve(table.where(measure=measure, part=""), name, begin, at_risk)
    causes = tuple(_curve(table.where(measure=measure, part=part), part, 0.0, at_risk) for part in parts)
    return Curves(main, causes, int(n))


def _curve(rows: Estimates, name: str, begin: float, at_risk: Floats) -> Curve:
    """A curve from its rows; it begins at day 0, where it is known."""
    numbers = rows.numbers
    return Curve(
        name,
        time=np.concatenate([[0.0], numbers["time_days"]]),
        value=np.concatenate([[begin], numbers["estimate"]]),
        low=np.concatenate([[begin], numbers["low"]]),
        high=np.concatenate([[begin], numbers["high"]]),
        at_risk=at_risk,
    )
