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
from sim.errors import InputError, RunError, did_you_mean
from sim.event_log.log import EventLog
from sim.numerics.compilation import cache_folder
from sim.outcomes import labels
from sim.outcomes.history.event_selection import broken_never
from sim.outcomes.results import Results
from sim.outcomes.summary import DEFAULT_TIMES, log_results
from sim.pathway.tables import compile_pathway
from sim.runs.provenance import provenance
from sim.runs.store import SavedRun, write_run
from sim.scenario import load
from sim.scenario.language.model import Outcome, Scenario

Step = Callable[[str], None]
"""Is told what comes next: load, compile, engine, outcomes."""
Share = Callable[[float], None]
"""Is told the share of the engine's work that is done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run was asked for; workers None: all cores; at: days; scenario: where it was loaded before."""

    file: Path
    settings: tuple[str, ...] = ()
    seed: int = 1
    replications: int = 1
    engine: str = "auto"
    workers: int | None = None
    at: tuple[float, ...] = DEFAULT_TIMES
    scenario: Scenario | None = None

    def record(
        self,
        scenario: Scenario,
        *,
        engine: str,
        patients: int,
        command: Sequence[str],
        seconds: Mapping[str, float],
    ) -> dict[str, Any]:
        """The record of a run, ready for JSON: what was asked, and what it was done with."""
        run = {
            "seed": self.seed,
            "replications": self.replications,
            "engine": engine,
            "workers": self.workers or os.cpu_count(),
            "patients": patients,
            "at_days": list(self.at),
        }
        return provenance(scenario, run=run, command=command, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulation with its log. seconds: of each part; started: when, by perf_counter."""

    asked: Asked
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
    return any(cache_folder().glob("*/compiled_engine.live_all-*.nbi"))


def live(asked: Asked, *, step: Step, share: Share) -> tuple[Scenario, Result, dict[str, float]]:
    """Read, compile and simulate, without the outcomes.

    Raises: ScenarioError where the input is wrong, RunError where the run failed.
    """
    began = perf_counter()
    step("load")
    scenario = asked.scenario or load(asked.file, settings=asked.settings)
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


def carry_out(asked: Asked, *, step: Step, share: Share) -> Simulation | BrokenRun:
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
    )
    seconds["outcomes"] = perf_counter() - began
    return Simulation(asked, scenario, result, results, seconds, started)


@dataclass(frozen=True, slots=True)
class BrokenRun:
    """A run that came to something the scenario forbids; it has no outcomes."""

    scenario: Scenario
    result: Result
    forbidden: Forbidden


def broken_run(scenario: Scenario, result: Result) -> BrokenRun | None:
    """What the scenario forbids of what was simulated; None where nothing of it happened."""
    found = broken_never(result.log, result.use, scenario)
    return None if found is None else BrokenRun(scenario, result, Forbidden(found[0], labels.event(found[1])))


def keep(simulation: Simulation, folder: Path, *, command: Sequence[str], force: bool) -> None:
    """Write the folder of a run. Raises: RunError where it cannot be written."""
    began = perf_counter()

    def record() -> dict[str, Any]:
        now = perf_counter()
        seconds = simulation.seconds | {"write": now - began, "total": now - simulation.started}
        result = simulation.result
        return simulation.asked.record(
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
        provenance=record,
        force=force,
    )


def outcome_called(name: str, scenario: Scenario, *, option: str) -> Outcome:
    """The outcome of this name. Raises: InputError where there is none, naming the nearest, or all."""
    found = {outcome.name: outcome for outcome in scenario.outcomes}
    if name not in found:
        fix = did_you_mean(name, found) or f"the outcomes are {', '.join(found)}"
        raise InputError(f"{option}: there is no outcome {name}", fix)
    return found[name]


def refuse_unknown_outcomes(names: Sequence[str], scenario: Scenario) -> None:
    """Find out before the work is done whether all that is to be told is there. Raises: InputError."""
    for name in names:
        outcome_called(name, scenario, option="--outcome")


def patient_index(log: EventLog, *, patient: int, replication: int) -> int | None:
    """Where a patient stands in the log; None where there is none of this number."""
    found = np.flatnonzero((log.patient == patient) & (log.replication == replication))
    return int(found[0]) if len(found) else None


# ---------------------------------------------------------------- again


def asked_of(saved: SavedRun) -> Asked:
    """What a saved run was asked for, its resolved scenario in place of the file it came from.

    Raises: RunError where its record does not say.
    """
    record = saved.provenance
    try:
        return Asked(
            saved.scenario_file,
            seed=int(record["seed"]),
            replications=int(record["replications"]),
            engine=str(record["engine"]),
            at=tuple(float(t) for t in record["at_days"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{saved.folder}: its record does not say how it was run ({error})") from error


def read_back(saved: SavedRun) -> tuple[Scenario, Result]:
    """The scenario of a saved run and what the run gave.

    Raises: ScenarioError, RunError where they cannot be read or do not belong together.
    """
    scenario = load(saved.scenario_file)
    if scenario.digest != saved.provenance.get("digest"):
        raise RunError(f"{saved.folder}: its scenario is no longer the one that was run")
    return scenario, saved.result(compile_pathway(scenario).names)
