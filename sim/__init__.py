"""allpath from Python: `from sim import load, run, compare`; see docs/python.md.

What these need is imported when they are called, so that to import a part of sim costs no more
than that part.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.api import Compared, Given, Run
    from sim.scenario.language.model import Scenario

__all__ = ["compare", "load", "run"]


def load(path: str | os.PathLike[str], *, settings: Sequence[str] = ()) -> Scenario:
    """The resolved scenario of a file: see `sim.scenario.load`."""
    from sim import scenario

    return scenario.load(path, settings=settings)


def run(scenario: Given, **options: Any) -> Run:
    """Simulate a scenario file, or one that was loaded: see `sim.api.run`."""
    from sim import api

    return api.run(scenario, **options)


def compare(*arms: Given | Run, **options: Any) -> Compared:
    """Send the same patients through several scenarios: see `sim.api.compare`."""
    from sim import api

    return api.compare(*arms, **options)
