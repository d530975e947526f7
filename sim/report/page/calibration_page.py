"""The page of a calibration, as HTML text; the caller writes the file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.calibration.calibration_results import CalibrationResults, scale_of
from sim.numerics.normal import normal_cdf
from sim.report.charts import calibration as charts
from sim.report.page.document import Fold, Picture, Section, document
from sim.report.page.sections import provenance
from sim.report.tables import calibration_table
from sim.report.tables.model import Table, numbers
from sim.uncertainty.marginals import marginals


def calibration_page(results: CalibrationResults, facts: Mapping[str, object]) -> str:
    """The page of a calibration. facts: how it was made, as names and values."""
    tables = calibration_table.tables(results, full=True)
    request = results.calibration.request
    made = [*facts.items(), *(("targets", str(file)) for file in request.targets)]
    return document(
        title=f"Calibration of {request.scenario.name}",
        subtitle="; ".join(calibration_table.about(results)),
        answer="\n".join(f"{line}." for line in calibration_table.answers(results)),
        headline=(_deviations(results), _profiles(results), _correlations(results)),
        notes=[line.removesuffix(".") for line in calibration_table.notes(results)],
        sections=(
            Section("numbers", "All numbers", tuple(Fold(table.title, (table,)) for table in tables)),
            provenance([(name, str(value)) for name, value in made]),
        ),
    )


def _deviations(results: CalibrationResults) -> Picture:
    figures = [
        charts.Deviation(
            f"{row.target} {calibration_table.name_of(row)}",
            row.deviation_before,
            row.deviation_after,
            row.used,
            calibration_table.values_in_print(row),
        )
        for row in results.targets
    ]
    caption = (
        "Each figure before and after the calibration, as its distance from the published figure in standard "
        "errors of the latter; the grey band is its 95% interval. A mark that is farther away than "
        f"{charts.FARTHEST:g} stands at the edge."
    )
    table = calibration_table.target_table(results.targets, every=True)
    return Picture("targets", "Published figures", caption, charts.deviations(figures), (table,))


def _profiles(results: CalibrationResults) -> Picture:
    own = results.calibration
    curves, rows = [], []
    profiles = own.identified.profiles
    for row, parameter, profile in zip(results.parameters, own.model.parameters, profiles, strict=True):
        p = np.array([normal_cdf(float(score)) for score in profile.scores])
        values = marginals(parameter)[""].quantiles(p) / scale_of(parameter)
        name = row.name.replace("_", " ")
        curves.append(charts.ProfileCurve(name, row.unit, values, profile.deviance, row.best))
        rows.append((row.name, calibration_table.profile_in_words(row)))
    caption = (
        "The deviance of the targets without the priors, all other parameters at their best values. The 95% "
        "interval ends where the curve reaches 3.84; a curve that stays below leaves the parameter open. The "
        "upright line is the best fit."
    )
    table = Table(caption, numbers("", "95% interval"), tuple(rows))
    return Picture("profiles", "Profile likelihoods", caption, charts.profiles(curves), (table,))


def _correlations(results: CalibrationResults) -> Picture:
    names = [row.name for row in results.parameters]
    matrix = results.calibration.identified.correlation
    rows = tuple(
        (f"{i + 1} {name}", *(f"{value:+.2f}" for value in line.tolist()))
        for i, (name, line) in enumerate(zip(names, matrix, strict=True))
    )
    table = Table("Correlations", numbers("", *(str(i + 1) for i in range(len(names)))), rows)
    listed = ", ".join(f"{i} {name.replace('_', ' ')}" for i, name in enumerate(names, start=1))
    caption = f"Correlations of the parameters' normal scores in the posterior: {listed}."
    return Picture("correlations", "Correlations", caption, charts.correlations(matrix), (table,))
