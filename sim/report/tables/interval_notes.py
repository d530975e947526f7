"""What the interval beside an answer holds, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.scenario.language.model import Scenario

ASSUMED = ("assumed", "")
"""Statuses of a number that no source stands behind."""


def assumed_of(scenarios: Sequence[Scenario]) -> tuple[int, int]:
    """How many of the parameters of these scenarios are assumed, and how many there are; by name."""
    status = {one.name: one.status for of in reversed(scenarios) for one in of.parameters}
    return sum(one in ASSUMED for one in status.values()), len(status)


def what_intervals_hold(answer: str, told: Mapping[str, Any], scenarios: Sequence[Scenario]) -> str:
    """The noise of simulation and nothing besides, in a sentence; empty where the answer has no interval.

    told: of the run or the comparison that is answered with.
    """
    if "95% interval" not in answer:
        return ""
    several = told["replications"] > 1
    many = f"{told['replications']:,} replications" if several else f"{told['patients']:,} simulated patients"
    n, _ = assumed_of(scenarios)
    unknown = {0: "the numbers in the scenario", 1: "the one assumed number"}.get(
        n, f"the {n} assumed numbers"
    )
    return (
        f"A 95% interval is what {many} leave to chance; it holds nothing of what is not known of {unknown}."
    )
