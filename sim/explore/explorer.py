"""Arms simulated again and again with the same patients, while a user changes their numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Unpack

import numpy as np

from sim.errors import InputError, ScenarioError
from sim.explore.sliders import Controls, changed_parts, changes, controls, numbers_of, settings, value_path
from sim.outcomes.evaluation import Arm
from sim.outcomes.results import Results
from sim.outcomes.summary import evaluate_run
from sim.pathway.drawn_tables import ParameterPathway
from sim.pathway.tables import Pathway, compile_pathway
from sim.report.page.page import comparison_page, run_page
from sim.runs.comparison import ArmSource, distinct, run_comparison, simulate_arm
from sim.runs.provenance import page_facts
from sim.runs.run import RunOptions, RunRequest, check_rules, further_outcomes
from sim.scenario import load
from sim.scenario.checks.draws import RULES, check_draws, uses
from sim.scenario.language.model import Outcome, Scenario
from sim.scenario.source.inheritance import is_file
from sim.scenario.source.tree import Plain

PATIENTS = 5_000
"""Simulated where no number is asked for, and the scenario has more."""
MOST_OUTCOMES = 3
"""Outcomes of the table, beside costs and QALYs."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What the page draws: the arms with their logs, and their results."""

    arms: tuple[Arm, ...]
    results: Results


@dataclass(frozen=True, slots=True)
class Changed:
    """What a user changed: the value of each slider, the capacity of each stepper, by their ids."""

    values: Mapping[str, float]
    capacities: Mapping[str, int]

    def __bool__(self) -> bool:
        return bool(self.values or self.capacities)


@dataclass(frozen=True, slots=True, eq=False)
class Explorer:
    """Some scenarios, what can be changed in them, and the base case. command: as the user typed it."""

    request: RunRequest
    files: tuple[Path, ...]
    command: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    controls: Controls
    base: View

    @classmethod
    def of(
        cls, files: Sequence[Path], *, command: Sequence[str] = (), **options: Unpack[RunOptions]
    ) -> Explorer:
        """The explorer of some scenario files. options: as of `run`.

        Raises: ScenarioError, InputError and RunError as `run`.
        """
        request = RunRequest.of(files[0], **options)
        if found := next(filter(is_file, request.settings), None):
            fact = f"--set {found}: the explorer cannot save a layer of a file that is set"
            raise InputError(fact, "write a scenario `based_on` it, and explore that")
        scenarios = tuple(load(file, settings=request.all_settings) for file in files)
        if request.patients is None and any(map(_is_large, scenarios)):
            request = replace(request, patients=PATIENTS)
            scenarios = tuple(load(file, settings=request.all_settings) for file in files)
        base = _simulated(list(map(compile_pathway, scenarios)), files, request)
        made = cls(request, tuple(files), tuple(command), scenarios, controls(scenarios), base)
        for arm in range(len(files)):  # compiled now, so that the first change is as quick as those after it
            made._pathway(Changed({}, {}), arm, ())
        return made

    @property
    def names(self) -> list[str]:
        """The label of each arm, distinct."""
        return distinct([one.short_title for one in self.scenarios])

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes that every arm has, in the order of the first."""
        shared = [{one.name: one.kind for one in scenario.outcomes} for scenario in self.scenarios]
        first = self.scenarios[0].outcomes
        return [one for one in first if all(kinds.get(one.name) == one.kind for kinds in shared)]

    def changes(self, changed: Changed, arm: int) -> dict[str, Plain]:
        """The path and the new value of each change of an arm."""
        return changes(self.controls, changed.values, changed.capacities, arm=arm)

    def view(self, changed: Changed, outcomes: Collection[str]) -> View:
        """The arms with these changes; outcomes: names of those to evaluate.

        Raises: ScenarioError where a changed scenario is wrong, RunError where it fails.
        """
        if not changed:
            return self.base
        pathways = [self._pathway(changed, arm, outcomes) for arm in range(len(self.files))]
        return _simulated(pathways, self.files, self.request)

    def _pathway(self, changed: Changed, arm: int, outcomes: Collection[str]) -> Pathway:
        """An arm with these changes; it is compiled once for all values of most parameters."""
        file, scenario, own = self.files[arm], self.scenarios[arm], self.request.all_settings
        names = _kept_names(file, own, scenario.digest)
        parts = changed_parts(self.controls, changed.values, arm=arm)
        values = {
            (one.name, key): number
            for one in scenario.parameters
            if one.name in names
            for key, number in numbers_of(one, parts.get(one.name))
        }
        every, kept_paths = self.changes(changed, arm), {value_path(name) for name in names}
        fixed = {path: value for path, value in every.items() if path not in kept_paths}
        kept = _kept_pathway(file, _replaced(own, fixed), names, scenario.digest)
        try:
            check_draws(kept.pathway.scenario, {column: np.array([x]) for column, x in values.items()}, [0])
        except ScenarioError:
            load(file, settings=_replaced(own, every))  # raises in the words for a scenario, not for a draw
            raise
        pathway = kept.at(values)
        shown = tuple(one for one in pathway.scenario.outcomes if one.name in outcomes)
        return replace(pathway, scenario=replace(pathway.scenario, outcomes=shown))

    def page(self, changed: Changed) -> str:
        """The page of the run or comparison with these changes, as `--report` writes it."""
        own = self.request.all_settings
        found = [settings(self.changes(changed, arm)) for arm in range(len(self.files))]
        pathways = [
            compile_pathway(load(file, settings=_replaced(own, self.changes(changed, arm))))
            for arm, file in enumerate(self.files)
        ]
        view = _simulated(pathways, self.files, self.request)
        command = [*self.command, *(f"--set={one}" for one in dict.fromkeys(chain.from_iterable(found)))]
        facts = page_facts(command, seed=view.results.seed, replications=view.results.replications)
        page = comparison_page if len(view.arms) > 1 else run_page
        return page(view.arms, view.results, facts)


def _is_large(scenario: Scenario) -> bool:
    """Whether more patients than PATIENTS arrive whom no table lists."""
    return scenario.patients.table is None and (scenario.patients.number or 0) > PATIENTS


@lru_cache(maxsize=8)
def _kept_names(file: Path, settings: tuple[str, ...], digest: str) -> frozenset[str]:
    """The parameters for which other values can be put into the compiled pathway.

    Those with an uncertainty can; of the others times, rates and fractions that stand where numbers are
    drawn. digest: of the scenario, so that a changed file is read again.
    """
    parameters = load(file, settings=settings).parameters
    drawn = {one.name for one in parameters if one.drawn is not None}
    others = {
        one.name
        for one in parameters
        if any(unit or number != int(number) for (_, number), unit in zip(one.values, one.units, strict=True))
    }
    try:
        kept = load(file, settings=settings, keep=drawn | others)
    except ScenarioError:  # one of them stands where only a plain number may
        return frozenset(drawn)
    fixed = {name for name, places in uses(kept).items() if not places <= set(RULES)}
    return frozenset(drawn | others - fixed)


@lru_cache(maxsize=8)
def _kept_pathway(
    file: Path, settings: tuple[str, ...], names: frozenset[str], digest: str
) -> ParameterPathway:
    """An arm that is compiled once. digest: as in `_kept_names`."""
    return ParameterPathway.of(load(file, settings=settings, keep=names))


def _replaced(own: Sequence[str], found: Mapping[str, Plain]) -> tuple[str, ...]:
    """Settings without those of a path that is changed, and the changes."""
    kept = [one for one in own if one.partition("=")[0].strip() not in found]
    return (*kept, *settings(found))


def _simulated(pathways: Sequence[Pathway], files: Sequence[Path], request: RunRequest) -> View:
    """The arms with their results, those of a run where there is one arm."""
    names = distinct([file.stem for file in files])
    sources = [ArmSource(name, pathway, request) for name, pathway in zip(names, pathways, strict=True)]
    if len(sources) > 1:
        done = run_comparison(sources, at=request.at, workers=request.workers)
        return View(done.arms, done.results)
    arm = simulate_arm(sources[0])
    check_rules(arm)
    return View((arm,), evaluate_run(arm, at=request.at, further=further_outcomes(arm.scenario)))
