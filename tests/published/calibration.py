"""The published results of `scenarios/targets`, and what the clinical settings give for them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from sim.calibration.setup import CalibrationRequest, model_of
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


@cache
def before_calibration(*, patients: int, seed: int) -> dict[str, float]:
    """Each figure, by its label, with every calibrated parameter at the median of its prior."""
    request = CalibrationRequest.of(
        FOLDER.parent / "cn_academic.yaml", [*FILES, FOLDER / "assumed.yaml"], patients=patients, seed=seed
    )
    model, _ = model_of(request)
    medians = model.values(np.zeros((1, len(model.parameters))))
    found = model.simulate(medians, held_back=True).estimates[0].tolist()
    return {figure.label: value for figure, value in zip(model.figures, found, strict=True)}


def simulated(figure: Figure, *, patients: int, seed: int) -> Simulated:
    return simulated_figures(figure.scenario, patients=patients, seed=seed)[figure]
