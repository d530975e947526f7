"""A simulation from its scenario file to its summary, and the same again from what was kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from sim.engine.run import Result, simulate
from sim.errors import RunError
from sim.event_log.log import EventLog
from sim.numerics.cache import is_kept
from sim.outcomes import labels
from sim.outcomes.evaluation import FurtherOutcomes
from sim.outcomes.history.event_selection import first_violation
from sim.outcomes.results import Results
from sim.outcomes.summary import log_results
from sim.pathway.tables import compile_pathway
from sim.runs.provenance import provenance
from sim.runs.request import RunRequest
from sim.runs.store import SavedRun, write_run
from sim.scenario import load
from sim.scenario.language.model import Scenario

Step = Callable[[str], None]
"""Is told what comes next: load, compile, engine, outcomes."""
Share = Callable[[float], None]
"""Is told the share of the engine's work that is done."""


def record(
    request: RunRequest,
    scenario: Scenario,
    *,
    engine: str,
    patients: int,
    command: Sequence[str],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The record of a run, ready for JSON: the request, and the circumstances of the run."""
    run = {
        "seed": request.seed,
        "replications": request.replications,
        "engine": engine,
        "workers": request.workers or os.cpu_count(),
        "patients": patients,
        "at_days": list(request.at),
    }
    return provenance(scenario, run=run, command=command, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulation with its log. seconds: of each part; started: when, by perf_counter."""

    asked: RunRequest
    scenario: Scenario
    result: Result
    results: Results
    seconds: dict[str, float]
    started: float = field(compare=False)


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Something the scenario forbids happened to a patient: the index in the log, and what."""

    patient: int
    what: str


def is_law_compiled() -> bool:
    """Whether the compiled law is on disk; if not, the next run takes the time to make it."""
    return is_kept("sim.engine.compiled_engine.live_all")


def live(asked: RunRequest, *, step: Step, share: Share) -> tuple[Scenario, Result, dict[str, float]]:
    """Read, compile and simulate, without the outcomes.

    Raises: ScenarioError where the input is wrong, RunError where the run failed.
    """
    began = perf_counter()
    step("load")
    scenario = asked.load()
    pathway = compile_pathway(scenario)
    loaded = perf_counter()
    step("engine")
    result = simulate(
        pathway,
        seed=asked.seed,
        replications=asked.replications,
        engine=asked.engine,
        workers=asked.workers,
        progress=share,
    )
    return scenario, result, {"load": loaded - began, "engine": perf_counter() - loaded}


def carry_out(asked: RunRequest, *, step: Step, share: Share) -> Simulation | BrokenRun:
    """All of it, unless something happened that the scenario forbids.

    Raises: ScenarioError where the input is wrong, RunError where the run failed.
    """
    started = perf_counter()
    scenario, result, seconds = live(asked, step=step, share=share)
    step("outcomes")
    began = perf_counter()
    broken = broken_run(scenario, result)
    if broken is not None:
        return broken
    results = log_results(
        result.log,
        result.use,
        scenario,
        at=asked.at,
        seed=asked.seed,
        replications=asked.replications,
        further=further_outcomes(scenario),
    )
    seconds["outcomes"] = perf_counter() - began
    return Simulation(asked, scenario, result, results, seconds, started)


def further_outcomes(scenario: Scenario) -> FurtherOutcomes | None:
    """Costs, QALYs and life-years, where the scenario values anything."""
    if scenario.economics is None:
        return None
    from sim.economics.endpoints import endpoints

    return endpoints


@dataclass(frozen=True, slots=True)
class BrokenRun:
    """A run that came to something the scenario forbids; it has no outcomes."""

    scenario: Scenario
    result: Result
    forbidden: Forbidden


def broken_run(scenario: Scenario, result: Result) -> BrokenRun | None:
    """What the scenario forbids of what was simulated; None where nothing of it happened."""
    found = first_violation(result.log, result.use, scenario)
    return None if found is None else BrokenRun(scenario, result, Forbidden(found[0], labels.event(found[1])))


def keep(simulation: Simulation, folder: Path, *, command: Sequence[str], force: bool) -> None:
    """Write the folder of a run. Raises: RunError where it cannot be written."""
    began = perf_counter()

    def provenance_now() -> dict[str, Any]:
        now = perf_counter()
        seconds = simulation.seconds | {"write": now - began, "total": now - simulation.started}
        result = simulation.result
        return record(
            simulation.asked,
            simulation.scenario,
            engine=result.engine,
            patients=result.log.n_patients,
            command=command,
            seconds=seconds,
        )

    write_run(
        folder,
        scenario=simulation.scenario,
        result=simulation.result,
        summary=simulation.results.as_json(),
        provenance=provenance_now,
        force=force,
    )


def patient_index(log: EventLog, *, patient: int, replication: int) -> int | None:
    """Where a patient stands in the log; None where there is none of this number."""
    found = np.flatnonzero((log.patient == patient) & (log.replication == replication))
    return int(found[0]) if len(found) else None


# ---------------------------------------------------------------- again


def asked_of(saved: SavedRun) -> RunRequest:
    """What a saved run was asked for, its resolved scenario in place of the file it came from.

    Raises: RunError where its record does not say.
    """
    record = saved.provenance
    try:
        return RunRequest(
            saved.scenario_file,
            seed=int(record["seed"]),
            replications=int(record["replications"]),
            engine=str(record["engine"]),
            at=tuple(float(t) for t in record["at_days"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise RunError(f"{saved.folder}: its record does not say how it was run ({error})") from error


def read_back(saved: SavedRun) -> tuple[Scenario, Result]:
    """The scenario of a saved run and what the run gave.

    Raises: ScenarioError, RunError where they cannot be read or do not belong together.
    """
    scenario = load(saved.scenario_file)
    if scenario.digest != saved.provenance.get("digest"):
        raise RunError(f"{saved.folder}: its scenario is no longer the one that was run")
    return scenario, saved.result(compile_pathway(scenario).names)
