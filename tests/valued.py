"""Cohorts with costs and utilities: a scenario written where it is tested, simulated and valued."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent

import numpy as np
from numpy.typing import NDArray

from sim.economics.valuation import Valuation
from sim.engine.run import Result
from sim.outcomes.history.history import History
from sim.scenario.language.model import Scenario
from tests import cohorts

Floats = NDArray[np.float64]


def priced(
    stages: str,
    *,
    states: str = "{well: {}, dead: {}}",
    economics: str = "{currency: GBP, discount: {cost: 0.03, qaly: 0.03}, convention: continuous}",
    number: int = 1,
    horizon: str = "4000 years",
    attributes: str = "{}",
    patients: str = "",
    clocks: str = "{}",
    resources: str = "{}",
    on_start: str = "[]",
    conditions: str = "{}",
) -> str:
    """The text of a scenario with prices whose stages stand in `stages`, the first of them its start."""
    lines = dedent(stages).strip()
    who = patients or f"{{number: {number}, attributes: {attributes}}}"
    return (
        f"format: 1\ntitle: A test\nhorizon: {horizon}\nstates: {states}\neconomics: {economics}\n"
        f"conditions: {conditions}\npatients: {who}\nclocks: {clocks}\nresources: {resources}\n"
        f"pathway:\n  start: {lines.partition(':')[0]}\n  on_start: {on_start}\n  stages:\n"
        f"{indent(lines, '    ')}\n"
    )


def valued(text: str, *, seed: int = 1) -> Valuation:
    """The scenario of a text, simulated and valued."""
    scenario = cohorts.read(text)
    return at_prices_of(scenario, cohorts.run(text, seed=seed))


def at_prices_of(scenario: Scenario, result: Result) -> Valuation:
    """A run at the prices of a scenario with the same pathway."""
    return Valuation(History(result.log, result.use, scenario))


@dataclass(frozen=True)
class Bound:
    """The largest |z| accepted, and the largest standard error relative to the reference."""

    z: float = 3.5
    relative_error: float = 0.005


def assert_close(values: Floats, expected: float, bound: Bound = Bound()) -> None:
    """The mean lies within 3.5 standard errors of the reference, and the error is at most 0.5% of it."""
    error = float(np.std(values, ddof=1)) / np.sqrt(len(values))
    assert error <= bound.relative_error * abs(expected), f"no power: error {error:.4g} of {expected:.6g}"
    z = (float(np.mean(values)) - expected) / error
    assert abs(z) < bound.z, f"{np.mean(values):.6f}, expected {expected:.6f}, z {z:.2f}"
