"""A comparison from its scenario files and saved runs to its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from sim.errors import InputError
from sim.outcomes.comparison import paired
from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.results import Results
from sim.runs.request import RunRequest
from sim.runs.simulation import BrokenRun, Share, Step, asked_of, broken_run, live, read_back
from sim.runs.store import SavedRun, read_run
from sim.scenario import load
from sim.scenario.language.model import Scenario


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison: the arms, the first of them the reference, and the results.

    seconds: how long each part took, of all arms together.
    """

    arms: tuple[Arm, ...]
    results: Results
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True)
class Source:
    """Where an arm comes from: what is asked of a scenario, a saved run, or a run that is at hand."""

    name: str
    of: RunRequest | SavedRun | Arm


def sources(
    given: Sequence[Path | Scenario | Arm],
    asked: RunRequest,
    *,
    seed: int | None = None,
    replications: int | None = None,
) -> list[Source]:
    """Scenario files and loaded scenarios, asked for as `asked` says; folders of saved runs; and runs.

    seed, replications: None for those of the first run, where there is one, else of `asked`.
    Raises: InputError for settings where there is more than files; RunError where a saved run cannot
    be read.
    """
    found = {i: read_run(one) for i, one in enumerate(given) if isinstance(one, Path) and one.is_dir()}
    fixed = [str(one) for i, one in enumerate(given) if i in found]
    fixed += [one.file for one in given if isinstance(one, Scenario)]
    fixed += [one.name for one in given if isinstance(one, Arm)]
    if fixed and asked.all_settings:
        fact = (
            f"{fixed[0]} cannot be changed by {', '.join(asked.all_settings)}: it is loaded or has been run"
        )
        raise InputError(fact, "name scenario files, or change them before")
    runs: list[RunRequest | Arm] = []
    for i, one in enumerate(given):
        if i in found:
            runs.append(asked_of(found[i]))
        elif isinstance(one, Arm):
            runs.append(one)
    first = runs[0] if runs else asked
    asked = replace(
        asked,
        seed=first.seed if seed is None else seed,
        replications=first.replications if replications is None else replications,
    )
    return [
        Source(name, found[i] if i in found else _of(one, asked))
        for i, (name, one) in enumerate(zip(arm_names(given), given, strict=True))
    ]


def _of(one: Path | Scenario | Arm, asked: RunRequest) -> RunRequest | Arm:
    if isinstance(one, Scenario):
        return replace(asked, file=Path(one.file), scenario=one)
    return one if isinstance(one, Arm) else replace(asked, file=one)


def arm_names(given: Sequence[Path | Scenario | Arm]) -> list[str]:
    """Files' names without ending, and folders'; of equal ones all but the first are numbered."""
    names: list[str] = []
    for one in given:
        plain = _plain_name(one)
        name, number = plain, 1
        while name in names:
            number += 1
            name = f"{plain} {number}"
        names.append(name)
    return names


def _plain_name(one: Path | Scenario | Arm) -> str:
    if isinstance(one, Arm):
        return one.name
    path = Path(one.file) if isinstance(one, Scenario) else one
    return path.absolute().name if path.is_dir() else path.stem


def scenario_of(source: Source) -> Scenario:
    """The scenario of an arm, before it is simulated. Raises: ScenarioError where it is wrong."""
    of = source.of
    if isinstance(of, SavedRun):
        return load(of.scenario_file)
    if isinstance(of, Arm):
        return of.scenario
    return of.load()


def carry_out(
    of: Sequence[Source], *, at: Sequence[float], step: Step, share: Share
) -> Comparison | BrokenRun:
    """Simulate or read every arm and compare, unless something happened that its scenario forbids.

    at: days. Raises: ScenarioError where a scenario is wrong, InputError where the arms cannot be
    compared, RunError where a run failed or cannot be read.
    """
    arms: list[Arm] = []
    seconds: dict[str, float] = {}
    for source in of:
        arm = arm_of(source, step=step, share=share, seconds=seconds)
        if isinstance(arm, BrokenRun):
            return arm
        arms.append(arm)
    step("outcomes")
    began = perf_counter()
    workers = next((source.of.workers for source in of if isinstance(source.of, RunRequest)), None)
    results = _compared(arms, at=at, workers=workers)
    seconds["outcomes"] = seconds.get("outcomes", 0.0) + perf_counter() - began
    return Comparison(tuple(arms), results, seconds)


def _compared(arms: Sequence[Arm], *, at: Sequence[float], workers: int | None) -> Results:
    """The results, with the incremental analysis where the scenarios value costs and health."""
    if all(arm.scenario.economics is None for arm in arms):
        return paired.compare(arms, at=at, workers=workers)
    from sim.economics.analysis import EconomicOutcomes, check_currencies

    check_currencies(arms)
    economics = EconomicOutcomes()
    results = paired.compare(arms, at=at, workers=workers, further=economics)
    return replace(results, incremental=economics.incremental(arms))


def arm_of(source: Source, *, step: Step, share: Share, seconds: dict[str, float]) -> Arm | BrokenRun:
    """One arm; what its parts took is added to `seconds`."""
    if isinstance(source.of, Arm):
        return replace(source.of, name=source.name)
    if isinstance(source.of, SavedRun):
        return _read(source.name, source.of, step=step, seconds=seconds)
    asked = source.of
    scenario, result, spent = live(asked, step=step, share=share)
    for part, took in spent.items():
        seconds[part] = seconds.get(part, 0.0) + took
    broken = broken_run(scenario, result)
    if broken is not None:
        return broken
    return Arm(source.name, scenario, result.log, result.use, asked.seed, asked.replications)


def _read(name: str, saved: SavedRun, *, step: Step, seconds: dict[str, float]) -> Arm:
    began = perf_counter()
    step("load")
    asked = asked_of(saved)
    scenario, result = read_back(saved)
    seconds["load"] = seconds.get("load", 0.0) + perf_counter() - began
    return Arm(name, scenario, result.log, result.use, asked.seed, asked.replications)
