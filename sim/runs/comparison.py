"""The arms of a comparison: scenario files, loaded scenarios, saved runs and runs in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np

from sim.engine.processes import Workers
from sim.engine.run import simulate
from sim.errors import InputError
from sim.outcomes.comparison import paired
from sim.outcomes.comparison.comparability import check_comparable, check_settings
from sim.outcomes.evaluation import Arm
from sim.outcomes.results import Results
from sim.pathway.tables import Pathway, compile_pathway
from sim.runs.run import QUIET, Progress, RunRequest, Timer, check_rules
from sim.runs.store import SavedRun, read_run
from sim.scenario.language.model import Scenario

ArmInput: TypeAlias = Path | Scenario | Arm
"""A scenario file or the folder of a saved run, a loaded scenario, a run in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class ArmSource:
    """An arm before it is simulated: its pathway, and the request, saved run or run it comes from."""

    name: str
    pathway: Pathway
    origin: RunRequest | SavedRun | Arm

    @property
    def scenario(self) -> Scenario:
        """The scenario of the arm."""
        return self.pathway.scenario


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """A comparison: its arms with their logs, the first of them the reference, and the results."""

    arms: tuple[Arm, ...]
    results: Results
    timer: Timer = field(default_factory=Timer)


def arm_sources(
    inputs: Sequence[ArmInput],
    request: RunRequest,
    *,
    seed: int | None = None,
    replications: int | None = None,
) -> list[ArmSource]:
    """The arms, scenarios loaded; files and loaded scenarios are simulated as `request` says.

    seed, replications: None for those of the first saved run or run in memory, else of `request`.
    Raises: ScenarioError where a scenario is wrong; InputError for settings of an arm that is no file;
    RunError where a saved run cannot be read.
    """
    origins: list[Path | Scenario | Arm | SavedRun] = [
        read_run(one) if isinstance(one, Path) and one.is_dir() else one for one in inputs
    ]
    fixed = next((one for one in origins if not isinstance(one, Path)), None)
    if fixed is not None and request.all_settings:
        is_loaded = isinstance(fixed, Scenario)
        what = "is a loaded scenario" if is_loaded else "has been simulated"
        fact = f"{name_of(fixed)} {what}: {', '.join(request.all_settings)} cannot change it"
        raise InputError(
            fact, "give files, or load(file, settings=[...])" if is_loaded else "name scenario files"
        )
    done = [one.request() if isinstance(one, SavedRun) else one for one in origins]
    first = next((one for one in done if isinstance(one, RunRequest | Arm)), request)
    request = replace(
        request,
        seed=first.seed if seed is None else seed,
        replications=first.replications if replications is None else replications,
    )
    names = distinct([name_of(one) for one in origins])
    return [_source(name, origin, request) for name, origin in zip(names, origins, strict=True)]


def _source(name: str, origin: Path | Scenario | Arm | SavedRun, request: RunRequest) -> ArmSource:
    if isinstance(origin, SavedRun):
        return ArmSource(name, compile_pathway(origin.load()), origin)
    if isinstance(origin, Arm):
        return ArmSource(name, compile_pathway(origin.scenario), origin)
    if isinstance(origin, Scenario):
        return request_source(name, replace(request, file=Path(origin.file), scenario=origin))
    return request_source(name, replace(request, file=origin))


def request_source(name: str, request: RunRequest) -> ArmSource:
    """The arm of a request. Raises: ScenarioError where its scenario is wrong."""
    return ArmSource(name, compile_pathway(request.load()), request)


def name_of(origin: Path | Scenario | Arm | SavedRun) -> str:
    """The name of an arm: that of the run, of the folder, or of the file without its ending."""
    if isinstance(origin, Arm):
        return origin.name
    if isinstance(origin, SavedRun):
        return origin.folder.absolute().name
    return Path(origin.file).stem if isinstance(origin, Scenario) else origin.stem


def distinct(names: Sequence[str]) -> list[str]:
    """The names; of equal ones all but the first are numbered."""
    found: list[str] = []
    for plain in names:
        name, number = plain, 1
        while name in found:
            number += 1
            name = f"{plain} {number}"
        found.append(name)
    return found


def simulate_arm(source: ArmSource, *, workers: Workers = None, progress: Progress = QUIET) -> Arm:
    """The arm with its whole log. workers: None for those of the request.

    Raises: RunError where the run fails or cannot be read.
    """
    origin = source.origin
    if isinstance(origin, Arm):
        return replace(origin, name=source.name)
    if isinstance(origin, SavedRun):
        return replace(origin.arm(source.pathway), name=source.name)
    result = simulate(
        source.pathway,
        seed=origin.seed,
        replications=origin.replications,
        engine=origin.engine,
        workers=workers or origin.workers,
        progress=progress.share,
    )
    return Arm(source.name, source.scenario, result.log, result.use, origin.seed, origin.replications)


def run_comparison(
    sources: Sequence[ArmSource],
    *,
    at: Sequence[float],
    workers: Workers = None,
    progress: Progress = QUIET,
) -> Comparison:
    """Simulate or read every arm, and compare each with the first. at: days at which curves are read.

    Raises: InputError where the arms cannot be compared, RunError where a run failed or cannot be
    read, RuleViolation.
    """
    for one, other in combinations(sources, 2):
        check_settings(one.name, one.scenario, other.name, other.scenario)
    timer = Timer()
    arms: list[Arm] = []
    timer.begin("engine")
    progress.step("engine")
    for number, source in enumerate(sources):
        arms.append(simulate_arm(source, workers=workers, progress=progress.part(number, len(sources))))
        if isinstance(source.origin, RunRequest):
            check_rules(arms[-1])
    timer.begin("outcomes")
    progress.step("outcomes")
    results = _compared(arms, at=at, workers=workers)
    timer.begin("write")
    return Comparison(tuple(arms), results, timer)


def _compared(arms: Sequence[Arm], *, at: Sequence[float], workers: Workers) -> Results:
    """The results, with the incremental analysis where the scenarios value costs and health."""
    if all(arm.scenario.economics is None for arm in arms):
        return paired.compare(arms, at=at, workers=workers)
    from sim.economics.analysis import EconomicOutcomes

    economics = EconomicOutcomes()
    results = paired.compare(arms, at=at, workers=workers, further=economics)
    return replace(results, incremental=economics.incremental(arms))


def trace_arms(
    sources: Sequence[ArmSource], *, patient: int, replication: int, progress: Progress = QUIET
) -> tuple[list[Arm], int]:
    """One arm or two with their logs, and the index of a patient in them.

    Raises: InputError where there are more arms, where two have different patients, or where there is
    no such patient; RunError where a run fails or cannot be read.
    """
    if len(sources) > 2:
        raise InputError("trace: shows a patient in at most two scenarios", "name two")
    progress.step("engine")
    arms = [simulate_arm(source, progress=progress) for source in sources]
    for arm in arms[1:]:
        check_comparable(arms[0], arm)
    log = arms[0].log
    found = np.flatnonzero((log.patient == patient) & (log.replication == replication))
    if not len(found):
        n = int((log.replication == replication).sum())
        raise InputError(f"patient: there is no patient {patient}; the numbers go from 0 to {n - 1}")
    return arms, int(found[0])
