"""The published models of `scenarios/published`, each compared with its results once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from sim.calibration.targets import TargetFile, read_targets
from sim.verification.published import Agreement, compare_with_published
from tests.shipped import RESULTS

NAMES = tuple(path.stem for path in RESULTS)
LONG = ("queues", "queues_more", "stroke_wards", "treatment_centre", "treatment_centre_capacity")
"""Models that take too long for `make test`."""


def results(name: str) -> TargetFile:
    """The published results of a model."""
    (found,) = read_targets([_path(name)])
    return found


@cache
def agreements(name: str) -> tuple[Agreement, ...]:
    """Every published result beside its simulated value."""
    return compare_with_published(results(name), workers=1)


def perturbed(name: str, target: str, setting: str) -> tuple[Agreement, ...]:
    """The same of one target with a changed input."""
    file = results(name)
    own = replace(file, targets=tuple(one for one in file.targets if one.id == target))
    return compare_with_published(own, settings=(setting,), workers=1)


def _path(name: str) -> Path:
    return next(path for path in RESULTS if path.stem == name)
