"""Quantiles of two arms and their differences: by when a quarter, a half, three quarters had come to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.comparison.differences import leaf, of_groups
from sim.outcomes.endpoints.time_to_event import REACHED, Ends
from sim.outcomes.entries import number
from sim.outcomes.evaluation import Group
from sim.outcomes.intervals import QUANTILE, Estimate, Figures, Path

LEVELS = {"25%": 0.25, "50%": 0.5, "75%": 0.75}


def of_ends(ends: Ends, *, competing: bool) -> Figures:
    """Times by which these shares of the patients have come to `until`; unknown where they never do."""
    found = {_path(name): ends.quantile(level, competing=competing) for name, level in LEVELS.items()}
    return Figures(
        {path: Estimate(value) for path, (value, _) in found.items()},
        {},
        {path: influence for path, (_, influence) in found.items()},
    )


def of_values(values: Floats) -> Figures:
    """The same of a number for each patient, nan for who is left out: as times that all have come to."""
    known = np.flatnonzero(~np.isnan(values))
    ends = Ends(len(values), known, values[known], np.full(len(known), REACHED, np.int8))
    return of_ends(ends, competing=False)


def _path(name: str) -> Path:
    return (name, QUANTILE)


def differences(
    groups: tuple[Group, Group], each: tuple[Sequence[Figures], Sequence[Figures]], **options: Any
) -> dict[str, Any]:
    """Entries with the quantile in the `reference`, its `value` in the arm, and their difference.

    each: the figures of every replication in the groups; options: those of `of_groups`.
    """
    made = [Group(group.who, group.edges, tuple(of)) for group, of in zip(groups, each, strict=True)]
    found = of_groups(made[0], made[1], **options)
    told = {}
    for name in LEVELS:
        sides = (np.array([f.estimates[_path(name)].value for f in group.each]) for group in made)
        reference, arm = (float(np.mean(values)) for values in sides)
        told[name] = {"reference": number(reference), "value": number(arm), **leaf(found[_path(name)])}
    return {"quantiles": told}
