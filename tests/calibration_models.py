"""Small models with closed forms, and calibrations of them to targets that tests write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.calibration.calibrate import run_calibration
from sim.calibration.calibration_results import CalibrationResults, results_of
from sim.calibration.setup import CalibrationRequest

HEAD = """\
format: 1
title: A model with a closed form
horizon: 10 years
states: {here: {}, gone: {}}
patients: {number: 1000}
"""

SURVIVAL = (
    HEAD
    + """\
parameters:
  rate: {value: 0.2 per year, uncertainty: {gamma: {mean: 0.2 per year, shape: 4}}}
pathway:
  start: ill
  stages:
    ill: {state: here, events: {death: {after: {exponential: {rate: $rate}}, to: dead}}}
    dead: {state: gone, terminal: true}
outcomes:
  alive: {from: start, until: {stage: dead}}
"""
)
"""Exponential survival with a gamma prior of shape 4 and rate 20 years."""

SHARE = (
    HEAD
    + """\
parameters:
  p: {value: 0.3, uncertainty: {beta: [3, 7]}}
  q: {value: 0.5, uncertainty: {beta: [5, 5]}}
pathway:
  start: first
  stages:
    first: {decide: {second: $p, out: rest}}
    second: {decide: {reached: $q, out: rest}}
    reached: {state: gone, terminal: true}
    out: {state: gone, terminal: true}
outcomes:
  second: {ever: {stage: second}}
  reached: {ever: {stage: reached}}
"""
)
"""Two choices, one after the other, with conjugate priors."""

COMPETING = (
    HEAD
    + """\
parameters:
  a: {value: 0.2 per year, uncertainty: {lognormal: {sigma: 0.5}}}
  b: {value: 0.1 per year, uncertainty: {lognormal: {sigma: 0.5}}}
  c: {value: 0.05 per year, uncertainty: {lognormal: {sigma: 0.5}}}
pathway:
  start: ill
  stages:
    ill:
      state: here
      events:
        to_a: {after: {exponential: {rate: $a}}, to: end_a}
        to_b: {after: {exponential: {rate: $b}}, to: end_b}
        to_c: {after: {exponential: {rate: $c}}, to: end_c}
    end_a: {state: gone, terminal: true}
    end_b: {state: gone, terminal: true}
    end_c: {state: gone, terminal: true}
outcomes:
  a: {from: start, until: {stage: end_a}, competing: {b: {stage: end_b}, c: {stage: end_c}}}
  b: {from: start, until: {stage: end_b}, competing: {a: {stage: end_a}, c: {stage: end_c}}}
  c: {from: start, until: {stage: end_c}, competing: {a: {stage: end_a}, b: {stage: end_b}}}
"""
)
"""Three exponential times that compete."""

CURE = (
    HEAD
    + """\
parameters:
  cured: {value: 0.4, uncertainty: {beta: {n: 10}}}
  mean: {value: 1 year, uncertainty: {lognormal: {sigma: 0.5}}}
pathway:
  start: remission
  stages:
    remission:
      state: here
      events:
        relapse: {after: {mixture_cure: {cured: $cured, of: {exponential: {mean: $mean}}}}, to: relapse}
    relapse: {state: gone, terminal: true}
outcomes:
  free: {from: start, until: {stage: relapse}}
"""
)
"""A share is cured, the others relapse after an exponential time."""


def targets_text(figures: Mapping[str, Mapping[str, Any]], *, exclusive: bool = False, more: str = "") -> str:
    """A file with one target of these figures, all of the scenario `model.yaml`."""
    lines = ["format: 1", "title: Published", "scenarios: {model: model.yaml}", "targets:", "  T-1:"]
    lines += ["    population: all", "    endpoint: an endpoint", "    source: a paper"]
    lines += ["    exclusive: true"] if exclusive else []
    lines += ["    figures:"]
    for name, keys in figures.items():
        text = ", ".join(f"{key}: {value}" for key, value in keys.items())
        lines.append(f"      {name}: {{{text}, scenario: model}}")
    return "\n".join(lines) + "\n" + more


def write_model(folder: Path, model: str, targets: str) -> tuple[Path, Path]:
    """The scenario and the targets as files."""
    scenario, file = folder / "model.yaml", folder / "targets.yaml"
    scenario.write_text(model)
    file.write_text(targets)
    return scenario, file


def calibrated(
    folder: Path, model: str, targets: str, parameters: Sequence[str], **options: Any
) -> CalibrationResults:
    """The results of a calibration of a model to targets."""
    scenario, file = write_model(folder, model, targets)
    request = CalibrationRequest.of(scenario, [file], parameters=parameters, workers=1, **options)
    return results_of(run_calibration(request))
