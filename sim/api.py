"""allpath for Python: the functions do what the verbs of the command line do, with the same options."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TypeAlias, Unpack

from sim.calibration_frames import CalibrationFrames
from sim.engine.cluster import DaskCluster
from sim.engine.processes import Workers
from sim.errors import InputError
from sim.fit_frames import FitFrames
from sim.frames import (
    ComparisonResults,
    PathLike,
    PatientTrace,
    RunResults,
    SweepResults,
)
from sim.outcomes.evaluation import Arm
from sim.outcomes.summary import evaluate_run
from sim.psa_frames import PsaFrames
from sim.runs.comparison import arm_sources, run_comparison, trace_arms
from sim.runs.grid import Changes, variations
from sim.runs.run import (
    Run,
    RunOptions,
    RunRequest,
    SharedOptions,
    check_whole,
    further_outcomes,
    run_scenario,
    texts,
)
from sim.runs.sequential_stopping import compare_until, run_until
from sim.runs.sweep import run_sweep
from sim.scenario import load as load_scenario
from sim.scenario.language.model import Scenario
from sim.sensitivity_frames import SensitivityFrames
from sim.uncertainty.certainty import Asked

__all__ = [
    "CalibrationFrames",
    "ComparisonResults",
    "DaskCluster",
    "FitFrames",
    "PatientTrace",
    "PsaFrames",
    "RunResults",
    "SensitivityFrames",
    "SweepResults",
    "calibrate",
    "compare",
    "describe",
    "export",
    "fit",
    "load",
    "open_run",
    "psa",
    "reproduce",
    "run",
    "sensitivity",
    "sweep",
    "trace",
]

Given: TypeAlias = PathLike | Scenario
"""A scenario file, or a loaded scenario."""


def load(path: PathLike, *, settings: Sequence[str] | str = ()) -> Scenario:
    """The resolved scenario of a file. settings: `PATH=VALUE` each.

    Raises: ScenarioError with every problem found.
    """
    return load_scenario(path, settings=texts(settings))


def run(scenario: Given, *, until_precision: str | None = None, **options: Unpack[RunOptions]) -> RunResults:
    """Simulate a scenario, as `allpath run` does.

    scenario: a file, or a loaded scenario. until_precision: as `overall_survival@2 years=0.005`;
    patients, or replications, are added until the interval has this half-width.
    options: patients, their number; seed; replications; engine, `auto`, `independent` or `shared`;
    workers, all cores by default, or a `DaskCluster`; settings, `PATH=VALUE` each; at, times at which
    curves are read, as `1 year` or in days.
    Raises: ScenarioError and InputError where the input is wrong, RunError where the run failed.
    """
    request = RunRequest.of(scenario, **options)
    loaded = request.load()
    if until_precision is not None:
        return RunResults(run_until(until_precision, request, loaded, keep_log=True).done)
    return RunResults(run_scenario(request, loaded, keep_log=True))


def compare(
    *arms: Given | RunResults,
    until_precision: str | None = None,
    draws: int = 0,
    structure: PathLike | None = None,
    outcome: str | None = None,
    **options: Unpack[RunOptions],
) -> ComparisonResults:
    """Simulate the same patients in several scenarios, as `allpath compare` does.

    arms: scenario files, folders of saved runs, loaded scenarios, or runs; the first is the reference.
    until_precision: of a difference. draws: of the parameters. structure: a folder of structural
    alternatives. outcome: what these two are about, by default the first. options: as of `run`; seed and
    replications are by default those of the first run, or 1.
    Raises: as `run`; InputError where the arms cannot be compared, or cannot be changed.
    """
    if len(arms) < 2:
        raise InputError("compare: one scenario has nothing to be compared with", "give two or more")
    request = RunRequest.of("", **options)
    seed, replications = options.get("seed"), options.get("replications")
    sources = arm_sources(list(map(_arm_input, arms)), request, seed=seed, replications=replications)
    asked = None
    if draws or structure is not None:
        asked = Asked.about(sources, request, outcome=outcome, draws=draws, structure=structure)
    if until_precision is not None:
        done = compare_until(until_precision, sources, at=request.at, workers=request.workers).done
    else:
        done = run_comparison(sources, at=request.at, workers=request.workers)
    return ComparisonResults(done if asked is None else asked.of(done))


def sweep(
    scenario: PathLike,
    *,
    over: Changes = (),
    cells: Sequence[str] | str = (),
    one_more: bool = False,
    outcomes: Sequence[str] | str = (),
    **options: Unpack[RunOptions],
) -> SweepResults:
    """Simulate the same patients in a grid of changes, as `allpath sweep` does.

    over: values of each path, `{"PATH": [VALUE, VALUE]}` or texts `PATH=VALUE,VALUE`; several give their
    product. cells: texts `PATH=VALUE; PATH=VALUE`. one_more: one more unit of each resource instead.
    options: as of `run`.
    Raises: as `run`; InputError where nothing is varied.
    """
    if isinstance(scenario, Scenario):
        raise InputError("sweep: a loaded scenario cannot be varied", "give its file")
    request = RunRequest.of(scenario, **options)
    loaded = request.load()
    varied = variations(loaded, over, cells, one_more=one_more)
    done = run_sweep(request, loaded, varied, outcomes=texts(outcomes), find_best=one_more)
    return SweepResults(done, one_more)


def psa(
    *arms: PathLike,
    draws: int = 1000,
    patients: int = 1000,
    design: str = "fresh",
    assume_spread: float | None = None,
    decide: str | None = None,
    outcomes: Sequence[str] | str = (),
    out: PathLike | None = None,
    until_precision: str | None = None,
    **options: Unpack[SharedOptions],
) -> PsaFrames:
    """Simulate all arms for many draws of their parameters, as `allpath psa` does.

    arms: scenario files, the first is the reference. patients: in each draw and arm. design: `fresh` or
    `same`. assume_spread: of assumed parameters without uncertainty, 0.2 is 20% of the value. decide: an
    outcome, by default net benefit. out: a folder that keeps the draws. until_precision: as `qaly=0.02`, of
    the mean over draws, which then number at most `draws`.
    options: seed, workers, settings and at, as of `run`.
    Raises: as `run`; InputError where nothing is uncertain.
    """
    from sim.uncertainty.psa import psa_request
    from sim.uncertainty.results import analyse

    if not arms:
        raise InputError("psa: no scenario is given", "give one or more")
    request = psa_request(
        arms,
        draws=draws,
        design=design,
        assume_spread=assume_spread,
        outcomes=texts(outcomes),
        decide=decide,
        patients=patients,
        **options,
    )
    return PsaFrames(
        analyse(request, until_precision=until_precision, folder=None if out is None else Path(out))
    )


def sensitivity(
    *arms: PathLike,
    patients: int = 1000,
    outcome: str | None = None,
    parameters: Sequence[str] | str = (),
    assume_spread: float | None = None,
    threshold: str | None = None,
    sobol: int | None = None,
    draws: PathLike | None = None,
    **options: Unpack[SharedOptions],
) -> SensitivityFrames:
    """Vary each uncertain parameter of the arms, as `allpath sensitivity` does.

    arms: scenario files, the first is the reference. patients: the same in all runs. outcome: by default
    net benefit, or the first survival outcome. parameters: those to vary, by default all with an
    uncertainty. assume_spread: as of `psa`. threshold: a parameter, `NAME` or `NAME.KEY`, whose value is
    searched for at which the best arm changes. sobol: indices from 2^sobol base points. draws: a folder
    of `psa`, first-order indices from its draws. A threshold or draws alone simulate no bars.
    options: seed, workers, settings and at, as of `run`.
    Raises: as `psa`.
    """
    from sim.uncertainty.sensitivity_results import analyse_parameters

    return SensitivityFrames(
        analyse_parameters(
            arms,
            outcome=outcome,
            parameters=texts(parameters),
            assume_spread=assume_spread,
            threshold=threshold,
            sobol=sobol,
            draws=draws,
            patients=patients,
            **options,
        )
    )


def calibrate(
    scenario: PathLike,
    *,
    targets: Sequence[PathLike] | PathLike,
    parameters: Sequence[str] | str = (),
    patients: int = 5000,
    draws: int = 1000,
    method: str = "emcee",
    assume_spread: float | None = None,
    seed: int | None = None,
    workers: Workers = None,
) -> CalibrationFrames:
    """Calibrate parameters to published results, as `allpath calibrate` does.

    targets: files of published results. parameters: names, by default those under `calibrate` of the
    targets. patients: of each scenario, the same in all runs. draws: of the posterior to keep. method:
    `emcee`, or `laplace` for the normal approximation. assume_spread: as of `psa`.
    Raises: as `run`; InputError where no target reacts to any of the parameters.
    """
    from sim.calibration.calibrate import run_calibration
    from sim.calibration.calibration_results import results_of
    from sim.calibration.setup import CalibrationRequest

    request = CalibrationRequest.of(
        scenario,
        list(targets) if isinstance(targets, list | tuple) else [Path(str(targets))],
        parameters=texts(parameters),
        method=method,
        patients=patients,
        draws=draws,
        seed=seed,
        workers=workers,
        assume_spread=assume_spread,
    )
    return CalibrationFrames(results_of(run_calibration(request)))


def fit(
    data: PathLike,
    *,
    families: Sequence[str] | str = (),
    unit: str = "days",
    horizon: str | None = None,
    time: str = "",
    status: str = "",
    entry: str = "",
    cause: str = "",
    time_low: str = "",
    time_high: str = "",
    by: str = "",
    covariates: Sequence[str] | str = (),
    effect: str = "hazard_ratios",
    knots: int = 1,
    at_risk: PathLike | None = None,
    patients: int | None = None,
    events: int | None = None,
    name: str | None = None,
) -> FitFrames:
    """Fit distributions to times to an event by maximum likelihood, as `allpath fit` does.

    data: a CSV. families: by default all. unit: of its times. horizon: where families are compared beyond the
    data, as `10 years`. time, status, entry, cause, time_low, time_high, by, covariates: names of columns;
    by default those of these names, no group and no covariate. effect: `hazard_ratios` or `time_ratios`.
    knots: inner ones of a spline. at_risk, patients, events: what is printed beside a digitised curve.
    name: of the parameters. Raises: InputError where the data cannot be read.
    """
    from sim.calibration.fit_results import FitRequest, fit_survival
    from sim.calibration.survival_data import Columns, Printed

    columns = Columns(time, status, entry, cause, time_low, time_high, by, tuple(texts(covariates)))
    printed = Printed(None if at_risk is None else Path(at_risk), patients, events)
    request = FitRequest.of(
        Path(data),
        columns=columns,
        printed=printed,
        families=texts(families),
        effect=effect,
        knots=knots,
        unit=unit,
        horizon=horizon,
        name=name,
    )
    return FitFrames(fit_survival(request))


def trace(
    *scenarios: Given | RunResults,
    patient: int,
    replication: int = 0,
    patients: int | None = None,
    seed: int | None = None,
    engine: str = "auto",
    settings: Sequence[str] | str = (),
) -> PatientTrace:
    """Follow one patient in one scenario, or in two, as `allpath trace` does.

    scenarios: as the arms of `compare`. patient, replication: numbers from 0.
    Raises: as `run`; InputError where there is no such patient.
    """
    if not scenarios:
        raise InputError("trace: no scenario is given", "give one or two")
    check_whole("replication", replication, 0, 2**31 - 2)
    request = RunRequest.of(
        "", patients=patients, seed=seed, replications=replication + 1, engine=engine, settings=settings
    )
    sources = arm_sources(list(map(_arm_input, scenarios)), request, seed=seed)
    arms, index = trace_arms(sources, patient=patient, replication=replication)
    return PatientTrace(arms, index)


def open_run(folder: PathLike) -> RunResults:
    """A saved run, its outcomes evaluated again from its log.

    Raises: RunError where the folder is no complete run, or where its files do not belong together.
    """
    from sim.runs.store import read_run

    saved = read_run(Path(folder))
    request, arm = saved.request(), saved.arm()
    results = evaluate_run(arm, at=request.at, further=further_outcomes(arm.scenario))
    engine = str(saved.provenance["engine"])
    return RunResults(Run(request, arm.scenario, results, engine, arm.log.n_patients, arm))


def export(
    run: RunResults | PathLike, path: PathLike, *, to: str, by: str | None = None, force: bool = False
) -> None:
    """Write a run, or a saved run, in a format that other tools read, as `allpath export` does.

    to: csv, parquet, xes, ocel or mstate. by: `stages` or `states`, for mstate.
    Raises: InputError for another format, or where something exists here (unless force).
    """
    opened = run if isinstance(run, RunResults) else open_run(run)
    opened.export(path, to=to, by=by, force=force)


def reproduce(folder: PathLike, *, workers: Workers = None) -> list[str]:
    """Run a saved run again; every difference in words, none where the runs are identical."""
    from sim.runs.reproduce import reproduce as run_again
    from sim.runs.store import read_run

    return run_again(read_run(Path(folder)), workers=workers).differences


def describe(scenario: Given, *, settings: Sequence[str] | str = ()) -> str:
    """What a scenario says, in words, as `allpath describe` prints it."""
    from rich.console import Console

    from sim.pathway.tables import compile_pathway
    from sim.report.text.protocol import print_protocol

    loaded = scenario if isinstance(scenario, Scenario) else load(scenario, settings=settings)
    text = StringIO()
    print_protocol(compile_pathway(loaded), Console(file=text, width=100))
    return text.getvalue()


# ---------------------------------------------------------------- parts


def _arm_input(given: Given | RunResults) -> Path | Scenario | Arm:
    if isinstance(given, RunResults):
        return given.arm
    return given if isinstance(given, Scenario) else Path(given)
