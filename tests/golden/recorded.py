"""Digests of the event log and the results of small scenarios: they show that something changed, not that it is right.

The scenarios are those beside this file, the valid files of the corpus and the cases with exact results, each with few
patients. After an
intended change `python -m tests.golden.recorded` writes the digests anew; the changelog says what changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.engine.run import simulate
from sim.event_log.log import EventLog
from sim.outcomes.results import Results
from sim.pathway.tables import compile_pathway
from sim.runs.comparison import arm_sources, run_comparison
from sim.runs.run import RunRequest, run_scenario
from sim.scenario import load
from sim.scenario.language.model import Scenario
from sim.verification.theory import economics, pathways, times
from sim.verification.theory.queues import SYSTEMS, queue
from tests.cohorts import columns

HERE = Path(__file__).parent
FILE = HERE / "recorded.sha256"
CORPUS = HERE.parent / "conformance" / "valid"
PATIENTS = 60
AT = (20.0, 200.0)
"""Days at which curves are read."""
DIGITS = 8
"""Significant digits of the results that count; no number below 1e-12 does."""
OTHERWISE = {
    CORPUS / "outcomes_every_word.yaml": "pathway.stages.home.events.death.after.exponential.median=6 months",
    CORPUS / "economics_every_word.yaml": "pathway.stages.home.events.death.after.exponential.median=1 year",
    CORPUS / "values_every_word.yaml": "pathway.stages.ward.events.discharge.after.fixed=50 days",
    CORPUS / "resources_every_word.yaml": "resources.scanner.capacity=2",
    HERE / "prevalent_patients.yaml": "pathway.stages.home.events.relapse.chance=0.2",
    HERE / "choices.yaml": "resources.nurse.capacity=9",
    HERE / "prices.yaml": "pathway.stages.home.events.dies.after.exponential.mean=2 years",
    HERE / "ratios.yaml": "pathway.stages.second.events.chosen.after.fixed=10 days",
}
"""Files that are compared with themselves under a setting."""


def scenarios() -> Iterator[tuple[str, Scenario]]:
    """Every scenario with its name."""
    for file in sorted([*HERE.glob("*.yaml"), *CORPUS.glob("*.yaml")]):
        if not file.stem.endswith(".resolved"):
            yield f"{file.parent.name} {file.stem}", replace(load(file), never=())
    for case in (*times.cases(), *pathways.cases(), *economics.cases()):
        yield f"theory {case.name}", case.scenario()
    for name, system in SYSTEMS.items():
        yield f"queue {name}", queue(name, system, patients=200, replications=1).scenario()


def digests() -> Iterator[tuple[str, str]]:
    """What was recorded, with its SHA-256: the log and the results of each scenario, then comparisons."""
    for name, scenario in scenarios():
        if scenario.patients.number is not None:
            patients = replace(scenario.patients, number=min(PATIENTS, scenario.patients.number))
            scenario = replace(scenario, patients=patients)
        log = simulate(compile_pathway(scenario), seed=3, workers=1).log
        yield f"{name}: log", log_digest(log)
        for n in (1, 3):
            request = RunRequest(
                Path(scenario.file), seed=3, replications=n, workers=1, at=AT, scenario=scenario
            )
            yield f"{name}: results, {n} replications", digest(run_scenario(request).results)
    for file, setting in OTHERWISE.items():
        arms = [replace(load(file, settings=one), never=()) for one in ([], [setting])]
        for n in (1, 3):
            request = RunRequest(file, seed=3, replications=n, workers=1, at=AT)
            compared = run_comparison(arm_sources(arms, request), at=AT, workers=1)
            yield f"comparison {file.stem}: {n} replications", digest(compared.results)


def log_digest(log: EventLog) -> str:
    """SHA-256 of the columns of a log, in their order."""
    return hashlib.sha256(b"".join(columns(log).values())).hexdigest()


def digest(results: Results) -> str:
    """SHA-256 of the results, as far as they are the same on every processor."""
    return hashlib.sha256(json.dumps(rounded(results.as_json()), sort_keys=True).encode()).hexdigest()


def rounded(value: Any) -> Any:
    """The same with `DIGITS` of each number."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS - 1}e}") if abs(value) > 1e-12 else 0.0
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value


def main() -> None:
    """Write the digests."""
    FILE.write_text("".join(f"{found}  {name}\n" for name, found in digests()), encoding="utf-8")


if __name__ == "__main__":
    main()
