"""The fits of a file: every family for every event and group, what to know of them, and their numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import sim.units as units
from sim.calibration.fitted_families import checked_names
from sim.calibration.parameter_block import Block, block, identifier
from sim.calibration.survival_data import Columns, Printed, Stratum, SurvivalData, read_survival_data
from sim.calibration.survival_fit import HAZARD_RATIOS, TIME_RATIOS, Fit, fit_family
from sim.errors import InputError
from sim.files import check_outputs, check_yaml

TIMES_LAST = 2.0
"""The horizon where none is given, in longest times observed."""
CLOSE_AIC = 4.0
"""Families within it of the lowest AIC have support in the data.

Burnham and Anderson 2004, doi:10.1177/0049124104268644.
"""
WIDE = 0.10
"""A range of survival between such families that is worth a warning."""
LEAST_CURED = 0.005
EVENTS_A_PARAMETER = 10.0
MOST_KNOTS = 5


@dataclass(frozen=True, slots=True)
class FitRequest:
    """What to fit. unit: of the times in the file. horizon: in that unit, None for TIMES_LAST.

    families: by default all of `BY_DEFAULT`. effect: what covariates do. knots: inner ones of a spline.
    name: of the parameters, by default that of the file.
    """

    file: Path
    columns: Columns
    printed: Printed
    families: tuple[str, ...]
    effect: str
    knots: int
    unit: str
    horizon: float | None
    name: str

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The files that are read."""
        beside = self.printed.at_risk
        return (self.file,) if beside is None else (self.file, beside)

    @classmethod
    def of(
        cls,
        file: Path,
        *,
        columns: Columns,
        printed: Printed,
        families: Sequence[str] = (),
        effect: str = HAZARD_RATIOS,
        knots: int = 1,
        unit: str = "days",
        horizon: str | None = None,
        name: str | None = None,
    ) -> FitRequest:
        """The request, checked. Raises: InputError that begins with the name of the argument."""
        if effect not in (HAZARD_RATIOS, TIME_RATIOS):
            raise InputError(
                f"effect: there is no effect `{effect}`", f"use {HAZARD_RATIOS} or {TIME_RATIOS}"
            )
        if not 1 <= knots <= MOST_KNOTS:
            raise InputError(f"knots: {knots} is not between 1 and {MOST_KNOTS}", "most curves need 1 to 3")
        try:
            size = units.unit_of_time(unit)
            end = None if horizon is None else units.days(horizon) / size
        except InputError as error:
            of = "horizon" if horizon is not None and "unit of time" not in error.fact else "unit"
            raise InputError(f"{of}: {error.fact}", error.fix) from None
        if end == 0.0:
            raise InputError("horizon: a horizon of 0 compares nothing", "write a time, as `10 years`")
        plural = f"{unit.removesuffix('s')}s"
        chosen = identifier(name or file.stem)
        return cls(file, columns, printed, checked_names(tuple(families)), effect, knots, plural, end, chosen)


@dataclass(frozen=True, slots=True, eq=False)
class StratumFits:
    """The fits of one event in one group: those with estimates by their AIC, then those without.

    name: of its parameters. block: of the fit with the lowest AIC, None where there is none.
    """

    stratum: Stratum
    fits: tuple[Fit, ...]
    name: str
    block: Block | None

    @property
    def best(self) -> Fit | None:
        """The fit with the lowest AIC."""
        return self.fits[0] if self.fits and not self.fits[0].reason else None

    @property
    def fitted(self) -> tuple[Fit, ...]:
        """The fits with estimates, by their AIC."""
        return tuple(fit for fit in self.fits if not fit.reason)


@dataclass(frozen=True, slots=True, eq=False)
class FitResults:
    """All fits of a file. horizon: in the unit of the data."""

    request: FitRequest
    data: SurvivalData
    strata: tuple[StratumFits, ...]
    horizon: float

    @property
    def unit(self) -> str:
        """The unit of the times, as `months`."""
        return self.request.unit

    def files(self, out: Path, *, others: Sequence[Path] = ()) -> dict[Path, str]:
        """The texts of the parameters and of the draws beside them, by file. others: what else is written.

        Raises: InputError where no family was fitted, or a file cannot be written or would replace an input
        or another output.
        """
        if not any(one.best for one in self.strata):
            first = self.strata[0].fits[0]
            fact = f"{out} was not written: no family could be fitted ({first.family.name}: {first.reason})"
            raise InputError(fact, "without an output file the reason of each is printed")
        check_yaml(out)
        draws = {out.with_name(name): text for name, text in self.draws().items()}
        check_outputs([*others, out, *draws], inputs=self.request.inputs)
        return {out: self.parameters_text()} | draws

    def parameters_text(self) -> str:
        """The `parameters:` of the best fits, and as comments the lines that use them."""
        found = [(one, one.block) for one in self.strata if one.block is not None]
        lines = ["parameters:", *(made.text for _, made in found)]
        for one, made in found:
            where = f" ({one.stratum.label})" if one.stratum.label else ""
            lines += [f"# where the event is{where}:", f"#   {made.after}"]
        return "\n".join(lines) + "\n"

    def draws(self) -> dict[str, str]:
        """The tables of draws that the parameters name, by file."""
        blocks = [one.block for one in self.strata if one.block is not None]
        return {made.file: made.draws for made in blocks if made.file}

    def as_json(self) -> dict[str, Any]:
        """The numbers of every fit, in the unit of the data; None where there is none."""
        return {
            "source": self.data.source,
            "unit": self.unit,
            "horizon": self.horizon,
            "fits": [row for one in self.strata for row in _json_rows(one, self.horizon)],
            "warnings": [
                {"of": one.stratum.label, "warning": text}
                for one in self.strata
                for text in self.warnings(one)
            ],
            "parameters": self.parameters_text(),
        }

    def warnings(self, one: StratumFits) -> Iterator[str]:
        """What to know before a fit is used beyond its data."""
        data, best = one.stratum.data, one.best
        if best is None:
            yield "no family could be fitted"
            return
        yield from _extrapolation(one, self.horizon, self.unit)
        for fit in one.fitted:
            if fit.never > LEAST_CURED and fit.aic <= best.aic + CLOSE_AIC:
                kind = "a fraction is cured" if fit.family.of else "its shape is negative"
                yield (
                    f"{fit.family.name} is improper: {100 * fit.never:.0f}% never have the event ({kind}); "
                    f"follow-up ends at {data.last:.4g} {self.unit}"
                )
        if data.events < EVENTS_A_PARAMETER * best.n_parameters:
            yield (
                f"events for each parameter of {best.family.name}: {data.events / best.n_parameters:.3g}; "
                f"below {EVENTS_A_PARAMETER:g} the standard errors are rough"
            )


def _extrapolation(one: StratumFits, horizon: float, unit: str) -> Iterator[str]:
    """How far the horizon is beyond the data, and how much the families differ there."""
    data, best = one.stratum.data, one.fitted[0]
    beyond = 1.0 - data.last_event / horizon
    if beyond > 0.0:
        yield (
            f"the last event is at {data.last_event:.4g} {unit}: {100 * beyond:.0f}% "
            f"of the horizon of {horizon:.4g} {unit} is extrapolated"
        )
    near = [fit for fit in one.fitted if fit.aic <= best.aic + CLOSE_AIC]
    ends = sorted((float(fit.survival(np.array([horizon]))[0]), fit.family.name) for fit in near)
    if ends[-1][0] - ends[0][0] > WIDE:
        (low, lowest), (high, highest) = ends[0], ends[-1]
        yield (
            f"families within {CLOSE_AIC:g} of the lowest AIC differ at {horizon:.4g} {unit}: survival is "
            f"{100 * low:.0f}% with {lowest} and {100 * high:.0f}% with {highest}"
        )


def _json_rows(one: StratumFits, horizon: float) -> Iterator[dict[str, Any]]:
    for fit in one.fits:
        row: dict[str, Any] = {
            "group": one.stratum.group,
            "event": one.stratum.event,
            "family": fit.family.name,
            "patients": fit.data.number,
            "events": fit.data.events,
            "failed": fit.reason,
        }
        if not fit.reason:
            row |= {
                "n_parameters": fit.n_parameters,
                "log_likelihood": fit.log_likelihood,
                "aic": fit.aic,
                "bic": fit.bic,
                "median": fit.median if math.isfinite(fit.median) else None,
                "survival_at_horizon": float(fit.survival(np.array([horizon]))[0]),
                "parameters": [estimated._asdict() for estimated in fit.parameters],
                "covariance": fit.written_covariance.tolist(),
                "covariance_scales": list(fit.written_scales),
                "fixed": {name: list(v) if isinstance(v, tuple) else v for name, v in fit.family.fixed},
            }
        yield row


def fit_survival(request: FitRequest, done: Callable[[float], None] = lambda share: None) -> FitResults:
    """Fit every family to every event of every group.

    done: is called with the share of the fits that are done. Raises: InputError for what cannot be read,
    and where there is no event at all.
    """
    if not request.file.is_file():
        raise InputError(f"{request.file} is no file", "its path is seen from the current folder")
    data = read_survival_data(request.file, request.columns, request.printed)
    if not any(one.data.events for one in data.strata):
        fix = "a fit needs events: status 1 is an event, 0 a censored time"
        raise InputError(
            f"{data.source} has no event: all {data.strata[0].data.number:g} times are censored", fix
        )
    _check_names(request, data)
    number, last = len(data.strata) * len(request.families), max(one.data.last for one in data.strata)
    found = []
    for i, stratum in enumerate(data.strata):
        fits = []
        for j, family in enumerate(request.families):
            fits.append(_fit(family, stratum, request, data))
            done((i * len(request.families) + j + 1) / number)
        found.append(_ordered(stratum, fits, request, data))
    horizon = request.horizon if request.horizon is not None else TIMES_LAST * last
    return FitResults(request, data, tuple(found), horizon)


def _check_names(request: FitRequest, data: SurvivalData) -> None:
    """Raises: InputError where two groups, or two covariates, give parameters of the same name."""
    strata = [(one.label, identifier(request.name, one.group, one.event)) for one in data.strata]
    covariates = [(one.name, identifier(one.name)) for one in data.covariates]
    for pairs in (strata, covariates):
        labels: dict[str, str] = {}
        for label, name in pairs:
            if name in labels:
                fact = f"`{labels[name]}` and `{label}` both give the parameter name {name}"
                raise InputError(fact, f"rename one in {data.source}: signs and capitals are left out")
            labels[name] = label


def _fit(family: str, stratum: Stratum, request: FitRequest, data: SurvivalData) -> Fit:
    names = [one.name for one in data.covariates]
    return fit_family(
        family, stratum.data, covariates=names, effect=request.effect, inner_knots=request.knots
    )


def _ordered(stratum: Stratum, fits: list[Fit], request: FitRequest, data: SurvivalData) -> StratumFits:
    known = sorted((fit for fit in fits if not fit.reason), key=lambda fit: fit.aic)
    name = identifier(request.name, stratum.group, stratum.event)
    made = None
    if known:
        best = known[0]
        of = f", {stratum.label}" if stratum.label else ""
        source = (
            f"{data.source}{of}: {best.family.name} by maximum likelihood, {best.data.number:g} rows, "
            f"{best.data.events:g} events"
        )
        made = block(best, name, unit=request.unit, source=source, covariates=data.covariates)
    return StratumFits(stratum, (*known, *(fit for fit in fits if fit.reason)), name, made)
