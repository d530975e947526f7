"""The results of a calibration as rows, as JSON, as a layer on the scenario, and as a table of draws."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isinf
from pathlib import Path
from typing import Any

import numpy as np

from sim import units
from sim.calibration.calibrate import Calibration
from sim.calibration.emulator import from_scale, to_scale
from sim.calibration.objective import Form, Objective, Term, is_binomial, normal_term
from sim.calibration.targets import Use
from sim.files import check_yaml, for_json, path_from
from sim.numerics.normal import normal_cdf
from sim.outcomes.results import NORMAL_975
from sim.scenario.language.model import Parameter
from sim.scenario.source.tree import flow
from sim.uncertainty.marginals import marginals

AT_BOUND = 3.9
"""Scores from which on a best fit is at the end of its prior."""


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter in its own unit.

    base: in the scenario. prior_low, prior_high, low, high: 95% intervals of prior and posterior. learned:
    the share of the prior variance that the targets explain. profile_low, profile_high: the 95% interval of
    the profile likelihood without the prior, infinite where it is open. at_bound: the best fit is at the
    end of the prior.
    """

    name: str
    unit: str
    base: float
    prior_low: float
    prior_high: float
    best: float
    mean: float
    sd: float
    low: float
    high: float
    learned: float
    profile_low: float
    profile_high: float
    at_bound: bool


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A figure in its own unit, before and after.

    low, high: the accepted interval. deviation_before, deviation_after: simulated less published in standard
    errors of the published figure. predicted_low, predicted_high: 95% of the simulated values in the
    posterior. used: whether the parameters were calibrated to it.
    """

    target: str
    figure: str
    population: str
    endpoint: str
    unit: str
    used: bool
    kind: str
    published: float
    low: float
    high: float
    rule: str
    before: float
    after: float
    after_error: float
    deviation_before: float
    deviation_after: float
    in_before: bool
    in_after: bool
    predicted_low: float
    predicted_high: float


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationResults:
    """The results of a calibration in the units of its parameters and figures."""

    calibration: Calibration
    parameters: tuple[ParameterRow, ...]
    targets: tuple[TargetRow, ...]

    @property
    def kept(self) -> dict[str, tuple[str, ...]]:
        """By scenario of the targets, the parameters that have a value of their own in it."""
        return {one.file: one.kept for one in self.calibration.model.scenarios if one.kept}

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for JSON; None for what is infinite or does not exist."""
        own = self.calibration
        fit, posterior, identified = own.fit, own.posterior, own.identified
        found: dict[str, Any] = for_json(
            {
                "scenario": str(own.request.scenario),
                "targets": [str(file) for file in own.request.targets],
                "seed": own.request.seed,
                "patients": own.request.patients,
                "method": str(own.request.method),
                "parameters": [asdict(row) for row in self.parameters],
                "not_identified": list(own.silent),
                "kept": {file: list(names) for file, names in self.kept.items()},
                "figures": [asdict(row) for row in self.targets],
                "fit": {
                    "deviance": fit.deviance,
                    "terms": len(fit.residuals),
                    "simulation_error": fit.deviance_error,
                    "runs": fit.runs,
                    "is_converged": fit.is_converged,
                    "message": fit.message,
                },
                "posterior": {
                    "draws": len(posterior.scores),
                    "walkers": posterior.walkers,
                    "steps": posterior.steps,
                    "autocorrelation_time": posterior.time,
                    "scale_reduction": posterior.reduction,
                    "acceptance": posterior.acceptance,
                    "is_converged": posterior.is_converged,
                },
                "emulator": None
                if own.emulator is None
                else {"runs": own.emulator.n_runs, "errors": own.emulator_errors.tolist()},
                "identifiability": {
                    "eigenvalues": identified.eigenvalues.tolist(),
                    "vectors": identified.vectors.T.tolist(),
                    "effective_dimension": identified.effective_dimension,
                    "correlation": identified.correlation.tolist(),
                },
            }
        )
        return found

    def draws_csv(self) -> str:
        """The draws, a column for each parameter in its unit."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        parameters = self.calibration.model.parameters
        writer.writerow([one.name for one in parameters])
        scales = np.array([scale_of(one) for one in parameters])
        writer.writerows([f"{x:.10g}" for x in row] for row in self.calibration.draws / scales)
        return text.getvalue()

    def layer(self, *, file: Path, draws: Path) -> str:
        """The layer that sets the calibrated values. file, draws: where it and the draws are written."""
        from sim.scenario import load

        request = self.calibration.request
        scenario = load(request.scenario)
        names = ", ".join(path.name for path in request.targets)
        lines = [
            f"# Written by `allpath calibrate`: {request.scenario.name} calibrated to {names}.",
            f"# {draws.name} has the draws of the posterior, a row each; `psa` draws the rows.",
            "format: 1",
            f"title: {flow(f'{scenario.title}, calibrated')}",
            f"based_on: {flow(path_from(file, request.scenario))}",
            "changes:",
        ]
        for row, parameter in zip(self.parameters, self.calibration.model.parameters, strict=True):
            value = f"{row.best:.10g}" + (f" {parameter.units[0]}" if parameter.units[0] else "")
            columns: dict[str, Any] = {"file": path_from(file, draws), "column": row.name}
            if parameter.units[0]:
                columns["unit"] = parameter.units[0].removeprefix("per ")
            entry: Any = {
                "value": units.parse_number(value) if not parameter.units[0] else value,
                "uncertainty": {"empirical": columns},
                "source": f"calibrated to {names}",
                "status": "calibrated",
            }
            lines.append(f"  parameters.{row.name}: {flow(entry)}")
        calibrated = {row.name for row in self.parameters}
        alone = [
            f"parameters.{one.name}.uncertainty.follows"
            for one in scenario.parameters
            if one.name not in calibrated and one.drawn and one.drawn.follows
            if one.drawn.follows[0] in calibrated
        ]
        if alone:  # a parameter cannot follow one that is drawn from a table
            lines += ["remove:", *(f"  - {path}" for path in alone)]
        return "\n".join(lines) + "\n"


def draws_file(scenario: Path) -> Path:
    """Where the draws of a calibrated scenario are written. Raises: InputError where that is no YAML file."""
    check_yaml(scenario)
    return scenario.with_name(f"{scenario.stem}.draws.csv")


def scale_of(parameter: Parameter) -> float:
    """The days, or the rate per day, in one unit of a parameter; 1 for a number."""
    unit = parameter.units[0]
    if not unit:
        return 1.0
    return units.per_day(f"1 {unit}") if unit.startswith("per ") else units.days(f"1 {unit}")


# ---------------------------------------------------------------- rows


def results_of(calibration: Calibration) -> CalibrationResults:
    """The results of a calibration."""
    return CalibrationResults(calibration, tuple(_parameters(calibration)), tuple(_targets(calibration)))


def _parameters(own: Calibration) -> Iterator[ParameterRow]:
    model, identified = own.model, own.identified
    low, high = np.quantile(own.draws, [0.025, 0.975], axis=0)
    mean, sd = own.draws.mean(axis=0), own.draws.std(axis=0, ddof=1)
    for i, parameter in enumerate(model.parameters):
        scale = scale_of(parameter)
        prior = marginals(parameter)[""]
        profile = identified.profiles[i]
        ends = tuple(
            x if isinf(x) else prior.quantile(normal_cdf(x)) / scale for x in (profile.low, profile.high)
        )
        yield ParameterRow(
            parameter.name,
            parameter.units[0],
            model.base[i] / scale,
            prior.quantile(0.025) / scale,
            prior.quantile(0.975) / scale,
            float(own.values[i]) / scale,
            float(mean[i]) / scale,
            float(sd[i]) / scale,
            float(low[i]) / scale,
            float(high[i]) / scale,
            float(identified.learned[i]),
            ends[0],
            ends[1],
            bool(abs(own.fit.scores[i]) >= AT_BOUND),
        )


def _targets(own: Calibration) -> Iterator[TargetRow]:
    every = single_figures(own)
    deviations = [every.residuals(values.estimates)[0] for values in (own.before, own.after)]
    on_scale = to_scale(every, own.checks.estimates)
    middle, half = on_scale.mean(axis=0), NORMAL_975 * on_scale.std(axis=0, ddof=1)
    low, high = (from_scale(every, (middle + sign * half)[None])[0] for sign in (-1.0, 1.0))
    described = {target.id: target for file in own.files for target in file.targets}
    for i, figure in enumerate(own.model.figures):
        accepted = figure.accepted()
        before, after = (float(values.estimates[0, i]) for values in (own.before, own.after))
        yield TargetRow(
            figure.target,
            figure.name,
            described[figure.target].population,
            described[figure.target].endpoint,
            figure.unit,
            figure.use is Use.CALIBRATION,
            figure.kind or "",
            figure.published,
            accepted.low,
            accepted.high,
            accepted.rule,
            before,
            after,
            float(own.after.errors[0, i]),
            float(deviations[0][i]),
            float(deviations[1][i]),
            accepted.holds(before),
            accepted.holds(after),
            float(low[i]),
            float(high[i]),
        )


def single_figures(own: Calibration) -> Objective:
    """Every figure on its own, held back ones too, without the error of the simulation."""
    figures = own.model.figures
    terms = tuple(
        Term(i, Form.SHARE, figure.published, float(figure.n or 0))
        if is_binomial(figure)
        else normal_term(i, figure)
        for i, figure in enumerate(figures)
    )
    return Objective(own.model, terms, own.after.patients[0], np.zeros(len(terms)))
