"""The published results of `scenarios/targets`, and what the clinical settings give for them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sim.calibration.target_values import Simulated, simulate_figures
from sim.calibration.targets import Figure, Target, TargetFile, read_targets

FOLDER = Path(__file__).parents[2] / "scenarios" / "targets"
FILES = tuple(
    FOLDER / f"{name}.yaml"
    for name in ("salvage", "car_t", "transplant", "products", "courses", "whole_courses")
)
"""In the order of the page."""


@cache
def target_files() -> tuple[TargetFile, ...]:
    return read_targets(FILES)


def targets() -> tuple[Target, ...]:
    return tuple(target for file in target_files() for target in file.targets)


def figures() -> tuple[Figure, ...]:
    """Those that something can be compared with."""
    return tuple(figure for target in targets() for figure in target.applicable)


@cache
def simulated_figures(scenario: str, *, patients: int, seed: int) -> dict[Figure, Simulated]:
    own = [figure for figure in figures() if figure.scenario == scenario]
    return simulate_figures(own, patients=patients, seed=seed)


def simulated(figure: Figure, *, patients: int, seed: int) -> Simulated:
    return simulated_figures(figure.scenario, patients=patients, seed=seed)[figure]
