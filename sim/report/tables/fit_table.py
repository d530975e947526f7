"""The fits of survival data as tables: families side by side, their numbers, the parameters to paste."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from rich.console import Console
from rich.text import Text

from sim.calibration.fit_results import FitResults, StratumFits
from sim.calibration.survival_fit import HAZARD_RATIOS, Fit
from sim.report.tables import number_format
from sim.report.tables.model import Row, Table, Value, numbers, print_table, printed, prose, texts
from sim.report.tables.number_format import many

FIGURES = 4


def print_fit(results: FitResults, console: Console, *, full: bool = False) -> None:
    """Print the fits of each event and group, what to know of them, and the parameters to paste.

    full: the numbers of every family.
    """

    def write(console: Console) -> None:
        prose(console, about(results))
        for one in results.strata:
            console.print()
            for table in tables(results, one, full=full):
                print_table(table, console)
                console.print()
            for text in results.warnings(one):
                prose(console, f"Note: {text}.")
        console.print()
        for line in results.parameters_text().splitlines() if any(one.best for one in results.strata) else ():
            console.print(Text(line), soft_wrap=True)  # a line that is broken is no YAML

    printed(console, write)


def about(results: FitResults) -> str:
    """What was fitted, in a line."""
    return f"{results.data.source}: {results.data.made}. Times in {results.unit}, maximum likelihood."


def counts(one: StratumFits) -> str:
    """The observations of a stratum."""
    data = one.stratum.data
    late = " from late entries on" if (data.entry > 0.0).any() else ""
    return f"{many(data.number, 'observation')}{late}, {many(data.events, 'event')}"


def tables(results: FitResults, one: StratumFits, *, full: bool) -> Iterator[Table]:
    """The families side by side, the parameters of the best or of all, and what was not fitted."""
    yield families_table(results, one)
    for fit in one.fitted if full else one.fitted[:1]:
        yield parameters_table(results, fit)
    failed = tuple((fit.family.name, fit.reason) for fit in one.fits if fit.reason)
    if failed:
        yield Table("Not fitted", texts("family", "why"), failed)


def families_table(results: FitResults, one: StratumFits) -> Table:
    """A row for each family that was fitted, by AIC."""
    data = one.stratum.data
    ends = (data.last_event, results.horizon) if data.events else (data.last, results.horizon)
    rows: list[Row] = []
    for fit in one.fitted:
        left = fit.survival(np.array(ends)).tolist()
        rows.append(
            (
                fit.family.name,
                str(fit.n_parameters),
                f"{fit.log_likelihood:.2f}",
                f"{fit.aic:.2f}",
                f"{fit.bic:.2f}",
                median_text(fit),
                *map(number_format.share, left),
            )
        )
    heads = ("df", "log likelihood", "AIC", "BIC", "median", *(f"S({end:.4g})" for end in ends))
    title = f"{one.stratum.label}: {counts(one)}" if one.stratum.label else counts(one)
    meaning = f"by AIC; df: parameters; S: survival at the last event and at the horizon, {results.unit}"
    return Table(title, numbers("family", *heads), tuple(rows), meaning)


def median_text(fit: Fit) -> str:
    """The median, in the unit of the data."""
    return figures(fit.median) if math.isfinite(fit.median) else "not reached"


def figures(value: float) -> str:
    """A number with four figures."""
    return f"{value:.{FIGURES}g}"


def parameters_table(results: FitResults, fit: Fit) -> Table:
    """Estimates with standard errors and 95% intervals; ratios of covariates below their logarithms."""
    rows: list[Row] = []
    n = len(fit.family.parameters)
    for i, one in enumerate(fit.parameters):
        name: str | Value = one.name
        if i >= n:
            kind = "hazard" if fit.effect == HAZARD_RATIOS else "time"
            ratio = " to ".join(figures(math.exp(end)) for end in (one.low, one.high))
            name = Value(f"log {kind} ratio, {one.name}", f"ratio {figures(math.exp(one.value))} ({ratio})")
        interval = f"{figures(one.low)} to {figures(one.high)}"
        rows.append((name, figures(one.value), figures(one.standard_error), interval))
    heads = ("estimate", "standard error", "95% interval")
    notes = tuple(f"{name}: {_fixed(value)}" for name, value in fit.family.fixed)
    return Table(
        f"{fit.family.name}, times in {results.unit}", numbers("parameter", *heads), tuple(rows), notes=notes
    )


def _fixed(value: object) -> str:
    return ", ".join(figures(item) for item in value) if isinstance(value, tuple) else str(value)


def covariance_table(fit: Fit) -> Table:
    """The covariance of the estimates on the scale that each has."""
    names = [one.name for one in fit.parameters]
    scales = ["" if scale == "plain" else f"{scale} " for scale in fit.written_scales]
    labels = [f"{scale}{name}" for scale, name in zip(scales, names, strict=True)]
    rows = tuple(
        (label, *map(figures, row))
        for label, row in zip(labels, fit.written_covariance.tolist(), strict=True)
    )
    return Table("Covariance", numbers("", *labels), rows)
