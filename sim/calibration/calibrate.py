"""A calibration carried out: the best fit, the posterior, and what the targets identify."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.calibration.calibration_model import CalibrationModel, FigureValues
from sim.calibration.emulator import Design, Emulator, design_points, emulator_of, runs_needed
from sim.calibration.identifiability import Identifiability, LinearLikelihood, identifiability
from sim.calibration.least_squares import BestFit, Screening, best_fit, screen
from sim.calibration.objective import objective_of
from sim.calibration.posterior import Likelihood, Posterior, normal_draws, sample, sampler_library
from sim.calibration.setup import CalibrationRequest, Method, model_of
from sim.calibration.targets import TargetFile
from sim.errors import InputError
from sim.event_log.log import Floats
from sim.runs.run import QUIET, Progress

CHECKS = 32
"""Draws of the posterior at which the figures are simulated, to check the emulator and to predict."""
LARGEST_ERROR = 0.25
"""Of the emulator at these draws, in standard errors of a figure; with a larger one it is refined."""
TWICE = 2.0
"""No error is too large that is within this many times the one that the likelihood has: it is noise."""
ROUNDS = 3
DIGITS = 6
"""Significant digits of the values that are written."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A calibration that was carried out.

    silent: names of the parameters that no target reacts to; the model is without them. values: the best
    fit, in days and per day, rounded as it is written. before, after: figures at the values of the scenario
    and at these. draws: of the posterior, float64 [n_draws, n_parameters]. checks: figures at the first of
    some draws. emulator: None with the normal approximation. emulator_errors: root mean squares over the
    checks, of each residual: float64 [n_terms].
    """

    request: CalibrationRequest
    files: tuple[TargetFile, ...]
    model: CalibrationModel
    silent: tuple[str, ...]
    fit: BestFit
    values: Floats
    before: FigureValues
    after: FigureValues
    posterior: Posterior
    draws: Floats
    checks: FigureValues
    emulator: Emulator | None
    emulator_errors: Floats
    identified: Identifiability


def run_calibration(request: CalibrationRequest, *, progress: Progress = QUIET) -> Calibration:
    """Carry out a calibration.

    Raises: ScenarioError and InputError where the input is wrong, or no target reacts to any parameter;
    RunError where a scenario cannot be simulated, or the sampler is not installed.
    """
    if request.method is Method.EMCEE:
        sampler_library()
    progress.step("load")
    whole, files = model_of(request)
    progress.step("engine")
    screening = screen(whole, progress=progress.part(0, 4))
    names = tuple(whole.parameters[i].name for i in screening.silent)
    if len(names) == len(whole.parameters):
        raise InputError(f"parameters: no target changes with {', '.join(names)}", "name others")
    model = screened(whole, screening)
    before = model.simulate(np.array([model.base]), held_back=True)
    fit = best_fit(model, screening.without_silent(), progress=progress.part(1, 4))
    values = np.array([float(f"{x:.{DIGITS}g}") for x in model.values(fit.scores[None])[0]])
    after = model.simulate(values[None], held_back=True)
    likelihood, posterior, checks, errors = _posterior(request, model, fit, progress)
    draws = model.values(posterior.scores)
    model.check(draws)
    return Calibration(
        request,
        files,
        model,
        names,
        fit,
        values,
        before,
        after,
        posterior,
        draws,
        checks,
        likelihood if isinstance(likelihood, Emulator) else None,
        errors,
        identifiability(likelihood, fit, posterior.scores),
    )


def _posterior(
    request: CalibrationRequest, model: CalibrationModel, fit: BestFit, progress: Progress
) -> tuple[Likelihood, Posterior, FigureValues, Floats]:
    """The likelihood, the posterior, figures at some of its draws, and the error of the emulator there.

    Runs at draws of the posterior show whether the emulator is right there. Where it is not, they are added
    to its design, and the posterior is sampled again.
    """
    no_errors = np.zeros(len(fit.residuals))
    if request.method is Method.LAPLACE:
        found = normal_draws(fit, draws=request.draws, seed=request.seed)
        checks = model.simulate(model.values(found.scores[:CHECKS]), held_back=True)
        return LinearLikelihood(fit), found, checks, no_errors
    objective = objective_of(model, fit.values)
    scores = design_points(fit, seed=request.seed)
    most = runs_needed(model)
    runs = model.simulate(model.values(scores), most=most, progress=progress.part(2, 4))
    design = Design(scores, runs.estimates)
    for round_ in range(ROUNDS):
        emulator = emulator_of(objective, fit, design)
        found = sample(emulator, fit, draws=request.draws, seed=request.seed + round_)
        scores = found.scores[:CHECKS]
        checks = model.simulate(model.values(scores), held_back=True, progress=progress.part(3, 4))
        difference = emulator.residuals(scores) - emulator.objective.residuals(checks.estimates)
        errors = np.sqrt(np.mean(difference**2, axis=0))
        known = np.sqrt(emulator.objective.variance - objective.variance)
        if (errors <= np.maximum(LARGEST_ERROR, TWICE * known)).all():
            break
        design = design.plus(scores, checks.estimates)
    return emulator, found, checks, errors


def screened(model: CalibrationModel, screening: Screening) -> CalibrationModel:
    """The model without silent parameters, and with those that act in each scenario."""
    silent = screening.silent
    kept = [i for i in range(len(model.parameters)) if i not in silent]
    acting = screening.without_silent().acting
    scenarios = tuple(
        replace(
            one,
            shared=tuple(kept.index(i) for i in one.shared if i in kept),
            acting=own,
            fixed=tuple((model.parameters[i].name, model.base[i]) for i in one.shared if i in silent),
        )
        for one, own in zip(model.scenarios, acting, strict=True)
    )
    return replace(
        model,
        parameters=tuple(model.parameters[i] for i in kept),
        base=tuple(model.base[i] for i in kept),
        scenarios=scenarios,
    )
