"""What a calibration is made from: the scenario, the targets, and the parameters with their priors."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from sim.calibration.calibration_model import CalibrationModel, TargetScenario, figure_keys
from sim.calibration.targets import OWN, Figure, TargetFile, Use, read_targets
from sim.engine.processes import Workers
from sim.engine.variants import simulate_variants
from sim.errors import InputError, Problem, Problems, ScenarioError, did_you_mean
from sim.outcomes.evaluation import Arm
from sim.outcomes.results import Key
from sim.pathway.drawn_tables import ParameterPathway
from sim.runs.run import NUMBER, check_whole, check_word, check_workers
from sim.scenario import input_files, load
from sim.scenario.checks.draws import uses
from sim.scenario.language.model import Parameter, Scenario
from sim.scenario.language.node_reader import PlacedNode
from sim.scenario.source import uncertainty
from sim.scenario.source.record import Uncertainty
from sim.scenario.source.tree import Node, scalar
from sim.uncertainty.assumed_spread import with_assumed_spread

PathLike = str | os.PathLike[str]


class Method(StrEnum):
    """How the posterior is found: by the ensemble sampler, or as the normal distribution at the best fit."""

    EMCEE = "emcee"
    LAPLACE = "laplace"


@dataclass(frozen=True, slots=True)
class CalibrationRequest:
    """What is asked of a calibration.

    parameters: names; none for those under `calibrate` of the targets. patients: of each scenario at each
    point. draws: of the posterior that are kept. assumed_spread: as in a probabilistic analysis.
    Raises: InputError, naming the option, for a value that it cannot have.
    """

    scenario: Path
    targets: tuple[Path, ...]
    parameters: tuple[str, ...] = ()
    patients: int = 5000
    draws: int = 1000
    seed: int = 1
    workers: Workers = None
    method: Method = Method.EMCEE
    assumed_spread: float | None = None

    def __post_init__(self) -> None:
        check_whole("patients", self.patients, 100, 10_000_000)
        check_whole("draws", self.draws, 100, 1_000_000)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_word("method", self.method, list(Method))
        check_workers(self.workers)
        if not self.targets:
            raise InputError("targets: no file of targets is given", "name one with --targets FILE")

    @classmethod
    def of(
        cls,
        scenario: PathLike,
        targets: Sequence[PathLike],
        *,
        parameters: Sequence[str] = (),
        method: str | None = None,
        patients: int | None = None,
        draws: int | None = None,
        seed: int | None = None,
        workers: Workers = None,
        assume_spread: float | None = None,
    ) -> CalibrationRequest:
        """The request with defaults for what is None. Raises: InputError as the class."""
        check_word("method", method, list(Method))
        given = {"patients": patients, "draws": draws, "seed": seed}
        return cls(
            Path(scenario),
            tuple(map(Path, targets)),
            tuple(dict.fromkeys(parameters)),
            workers=workers,
            method=Method(method or Method.EMCEE),
            assumed_spread=assume_spread,
            **{name: value for name, value in given.items() if value is not None},
        )


def model_of(request: CalibrationRequest) -> tuple[CalibrationModel, tuple[TargetFile, ...]]:
    """The figures as functions of the parameters that are calibrated.

    Raises: ScenarioError and InputError where a scenario, the targets or the parameters are wrong.
    """
    files = read_targets(request.targets)
    scenario = load(request.scenario)
    parameters = calibrated_parameters(request, scenario, files)
    figures = tuple(figure for file in files for target in file.targets for figure in target.applicable)
    if measured := next((figure for figure in figures if figure.measure or figure.compared_with), None):
        fact = "parameters are calibrated to shares and median times of single runs"
        raise ScenarioError([Problem(measured.where, fact, "leave out `measure` and `compared_with`")])
    if not any(figure.use is Use.CALIBRATION for figure in figures):
        raise InputError("targets: all figures are held back", "leave out `use: validation` of some")
    keys: dict[int, Key] = {}
    scenarios = []
    for path in dict.fromkeys(figure.scenario for figure in figures):
        own = tuple(i for i, figure in enumerate(figures) if figure.scenario == path)
        one = _target_scenario(path, own, parameters, request.patients)
        result = simulate_variants([(one.pathway.at_base, 0)], seed=request.seed)
        arm = Arm("", one.pathway.at_base.scenario, result.log, result.use, request.seed, 1)
        chosen = [figures[i] for i in own]
        keys.update(zip(own, figure_keys(arm.scenario, arm, chosen), strict=True))
        scenarios.append(one)
    ordered = tuple(keys[i] for i in range(len(figures)))
    values = {one.name: one.values for one in scenario.parameters}
    base = tuple(values[one.name][0][1] for one in parameters)
    model = CalibrationModel(
        parameters, base, figures, ordered, tuple(scenarios), request.seed, request.patients, request.workers
    )
    return model, files


def files_read(request: CalibrationRequest) -> tuple[str, ...]:
    """The targets, and every file that the scenario and those of the targets are read from.

    Raises: ScenarioError.
    """
    named = {path: None for file in read_targets(request.targets) for path in file.scenarios.values()}
    return (*map(str, request.targets), *input_files([request.scenario, *named]))


def _target_scenario(
    path: str, figures: tuple[int, ...], parameters: Sequence[Parameter], patients: int
) -> TargetScenario:
    """A scenario of the targets with the parameters that it shares with the calibrated one.

    It shares those with the same value: a layer that changes one keeps its own.
    """
    settings = (f"{NUMBER}={patients}",)
    declared = {one.name: one for one in load(path, settings=settings).parameters}
    same, kept = [], []
    for i, one in enumerate(parameters):
        there = declared.get(one.name)
        if there is not None and there.text == one.text:
            same.append(i)
        elif there is not None:
            kept.append(one.name)
    scenario = load(path, settings=settings, keep={parameters[i].name for i in same})
    return TargetScenario(path, ParameterPathway.of(scenario), tuple(same), tuple(same), figures, tuple(kept))


# ---------------------------------------------------------------- parameters and their priors


def calibrated_parameters(
    request: CalibrationRequest, scenario: Scenario, files: Sequence[TargetFile]
) -> tuple[Parameter, ...]:
    """The parameters that are calibrated, each with its prior as its uncertainty.

    Raises: InputError for a name or a parameter that cannot be calibrated; ScenarioError for a prior.
    """
    written = {name: node for file in files for name, node in file.calibrate.items()}
    names = request.parameters or tuple(written)
    if not names:
        fact = "parameters: none is named, and no file of targets has `calibrate`"
        raise InputError(fact, "name some with --parameters p,q")
    declared = _declared(request, scenario, names)
    for name in names:
        if name not in declared:
            fix = did_you_mean(name, declared) or f"`allpath describe {request.scenario}` lists them"
            if name in written and not request.parameters:
                raise ScenarioError([Problem(written[name].where, f"there is no parameter `{name}`", fix)])
            raise InputError(f"parameters: there is no parameter {name}", fix)
    problems = Problems()
    found = tuple(_with_prior(declared[name], written.get(name), problems) for name in names)
    problems.stop_if_any()
    for one in found:
        _check(one)
    return tuple(_without_others(one, names) for one in found)


def _declared(
    request: CalibrationRequest, scenario: Scenario, names: Sequence[str]
) -> Mapping[str, Parameter]:
    parameters = scenario.parameters
    if request.assumed_spread is not None:
        missing = {one.name for one in parameters if one.drawn is None and one.name in names}
        known = uses(load(request.scenario, keep=missing))
        parameters = with_assumed_spread(parameters, request.assumed_spread, uses=known)
    return {one.name: one for one in parameters}


def _with_prior(parameter: Parameter, node: PlacedNode | None, problems: Problems) -> Parameter:
    """The parameter with the prior that the targets give it, centred where that is."""
    if node is None or node.value == OWN or len(parameter.values) != 1:
        return parameter
    content = node.content
    if isinstance(content.value, list):
        content = Node(content.place, {"uniform": content}, {"uniform": content.place})
    value = Node(content.place, scalar(parameter.text))
    prior = uncertainty.read(content, value, node.where, problems)
    if prior is None or prior.centre is None:
        return replace(parameter, drawn=prior)
    return replace(parameter, drawn=prior, uncertainty="in the targets", values=(("", prior.centre[""][0]),))


def _check(parameter: Parameter) -> None:
    """Raises: InputError for a parameter that is not one number with a continuous prior."""
    name = f"parameters: {parameter.name}"
    if [key for key, _ in parameter.values] != [""]:
        raise InputError(f"{name} is not one number", "vectors are not calibrated: name others")
    if parameter.drawn is None:
        fix = "give it `uncertainty`, or a prior under `calibrate` of the targets, or assume a spread"
        raise InputError(f"{name} has no uncertainty, so that it has no prior", fix)
    if parameter.drawn.family == "empirical":
        raise InputError(f"{name} is drawn from a list or a table", "give it a prior under `calibrate`")


def _without_others(parameter: Parameter, names: Sequence[str]) -> Parameter:
    """The parameter, independent of one that it follows and that is not calibrated."""
    drawn: Uncertainty | None = parameter.drawn
    assert drawn is not None
    if drawn.follows is None or drawn.follows[0] in names:
        return parameter
    return replace(parameter, drawn=replace(drawn, follows=None))


def groups_of(figures: Sequence[Figure]) -> dict[str, list[int]]:
    """The indices of the figures of each target."""
    found: dict[str, list[int]] = {}
    for i, figure in enumerate(figures):
        found.setdefault(figure.target, []).append(i)
    return found
