"""Small scenarios with uncertain parameters, and analyses of them."""

from __future__ import annotations

from pathlib import Path

from sim.runs.run import RunRequest
from sim.uncertainty.psa import Design, Psa, PsaRequest, model_of, run_psa

TWO_STATES = """\
format: 1
title: Alive or dead, with an uncertain rate
horizon: 10 years
states: {alive: {utility: 0.8}, dead: {}}
economics: {currency: GBP, discount: {cost: 0.0, qaly: 0.0}, convention: annual, threshold: 1000}
parameters:
  rate: {value: 0.4 per year, uncertainty: {gamma: {shape: 4}}, source: an example, status: assumed}
  price: {value: 100, uncertainty: {gamma: {shape: 9}}, source: an example, status: assumed}
patients: {number: 100}
pathway:
  start: care
  stages:
    care: {state: alive, cost: {per_year: $price}, events: {death: {after: {exponential: {rate: $rate}}, to: gone}}}
    gone: {state: dead, terminal: true}
outcomes:
  survival: {from: start, until: {state: dead}}
"""
BETTER = """\
format: 1
title: The same with a lower rate
based_on: base.yaml
add:
  parameters.ratio: {value: 0.7, uncertainty: {lognormal: {sigma: 0.2}}, source: an example, status: assumed}
changes:
  pathway.stages.care.events.death.after: {exponential: {rate: $rate}, hazard_ratios: [{value: $ratio}]}
"""
QUEUE = TWO_STATES.replace("care: {state", "care: {needs: bed, state") + "resources: {bed: {capacity: 90}}\n"
UNPRICED = "\n".join(
    line.replace("{utility: 0.8}", "{}").replace(" cost: {per_year: $price},", "")
    for line in TWO_STATES.splitlines()
    if not line.startswith(("economics", "  price"))
)
RARE = (
    UNPRICED.replace("to: gone}}}", "to: gone}, rare: {after: {fixed: 100 years}, to: ward}}}")
    .replace(
        "    gone:",
        "    ward: {state: alive, events: {leaves: {after: {exponential: {mean: 1 year}}, to: gone}}}\n    gone:",
    )
    .replace("  survival: {from: start,", "  survival: {from: {stage: ward},")
)
"""No patient reaches the ward before the horizon: survival there is unknown in every draw."""


def written(folder: Path, **texts: str) -> list[Path]:
    """Scenario files of these names in a folder; by default the two arms above."""
    files = []
    for name, text in (texts or {"base": TWO_STATES, "better": BETTER}).items():
        file = folder / f"{name}.yaml"
        file.write_text(text)
        files.append(file)
    return files


def request_of(
    files: list[Path],
    *,
    draws: int,
    patients: int,
    design: Design = Design.FRESH,
    workers: int = 1,
    seed: int = 1,
) -> PsaRequest:
    """The request for an analysis of these files at 1, 2 and 5 years."""
    arms = tuple(
        RunRequest.of(
            file, patients=patients, workers=workers, seed=seed, at=["1 year", "2 years", "5 years"]
        )
        for file in files
    )
    return PsaRequest(arms, draws, design)


def analysed(
    files: list[Path], *, draws: int, patients: int, design: Design = Design.FRESH, workers: int = 1
) -> Psa:
    """An analysis of these files."""
    request = request_of(files, draws=draws, patients=patients, design=design, workers=workers)
    return run_psa(request, *model_of(request))
