"""Curves for pictures: an outcome read at many times, as the summary reads it at a few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.evaluation import Reader
from sim.outcomes.summary import entry
from sim.scenario.language.model import Outcome

POINTS = 160
"""Intervals between the times at which a curve is read: finer than a picture can show."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A probability over time with its 95% limits, shape [n_times].

    time: days from `from`, increasing from 0. value: nan where unknown. low, high: nan where there
    is no interval. at_risk: who was followed for so long without an end.
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
    order. n: how many patients they stand on.
    """

    main: Curve
    causes: tuple[Curve, ...]
    n: int


def grid(until: float) -> tuple[float, ...]:
    """Evenly spaced times after 0 and up to `until` days."""
    return tuple(np.linspace(0.0, until, POINTS + 1)[1:].tolist())


def curves(reader: Reader, outcome: Outcome) -> tuple[Curves, Mapping[str, Curves]]:
    """The curves of a time to an event: of all patients, and in each group of `by`.

    reader: reads at the times of a `grid`.
    """
    told = entry(reader.read(outcome).findings(), reader.scenario)
    name = outcome.label or outcome.name
    return _curves(told, name), {key: _curves(one, key) for key, one in told.get("groups", {}).items()}


def _curves(told: Mapping[str, Any], name: str) -> Curves:
    competing = told.get("causes", {})
    begin = 0.0 if "causes" in told else 1.0
    rows = list(told["at"].values())
    at_risk = np.array([told["n"], *(row["at_risk"] for row in rows)], np.float64)
    main = _curve(name, rows, begin, at_risk)
    causes = tuple(_curve(key, list(one["at"].values()), 0.0, at_risk) for key, one in competing.items())
    return Curves(main, causes, told["n"])


def _curve(name: str, rows: Sequence[Mapping[str, Any]], begin: float, at_risk: Floats) -> Curve:
    """A curve from its rows; it begins at day 0, where it is known."""
    limits = [row["interval"] or (None, None) for row in rows]
    return Curve(
        name,
        time=np.array([0.0, *(row["days"] for row in rows)]),
        value=np.array([begin, *_numbers([row["estimate"] for row in rows])]),
        low=np.array([begin, *_numbers([low for low, _ in limits])]),
        high=np.array([begin, *_numbers([high for _, high in limits])]),
        at_risk=at_risk,
    )


def _numbers(values: Sequence[float | None]) -> Iterator[float]:
    return (nan if value is None else value for value in values)
