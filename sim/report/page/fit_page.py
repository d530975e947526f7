"""The page of fits to survival data, as HTML text; the caller writes the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np

from sim.calibration.empirical_survival import at_risk, incidence_curves, observed_curve, piece_hazard
from sim.calibration.fit_results import FitResults, StratumFits
from sim.event_log.log import Floats
from sim.report.charts import fits as charts
from sim.report.charts.style import Unit
from sim.report.page.document import Fold, Item, Picture, Section, document
from sim.report.page.sections import provenance
from sim.report.tables import fit_table, number_format
from sim.report.tables.model import Row, Table, Value, numbers, texts
from sim.units import unit_of_time

MOST_LINES = 5
POINTS = 120
ROWS = 12
OBSERVED = "observed"


def fit_page(results: FitResults, facts: Mapping[str, object]) -> str:
    """The page of all fits. facts: how it was made, as names and values."""
    first = results.strata[0]
    many = len(results.strata) > 1
    sections = [*_incidence_sections(results)]
    for i, one in enumerate(results.strata):
        label = one.stratum.label or "Fits"
        sections.append(
            Section(f"fits-{i}", label, tuple(_items(results, one, i, is_first=not many)), _lead(one))
        )
    block = Table(
        "Parameters for a scenario",
        texts("paste this into a scenario"),
        ((Value("parameters:", results.parameters_text().partition("\n")[2].rstrip("\n")),),),
    )
    sections += [
        Section("paste", "Parameters", (block,)),
        provenance([(k, str(v)) for k, v in facts.items()]),
    ]
    headline: tuple[Item, ...] = () if many else (survival_picture(results, first, 0),)
    notes = [
        f"{one.stratum.label}: {text}" if one.stratum.label else text
        for one in results.strata
        for text in results.warnings(one)
    ]
    return document(
        title=f"Fits to {results.data.source}",
        subtitle=fit_table.about(results).removesuffix("."),
        answer="\n".join(map(_answer, results.strata)),
        headline=headline,
        notes=notes,
        caution="A family fits the observed times; beyond the last event it is an assumption.",
        sections=sections,
    )


def _answer(one: StratumFits) -> str:
    of = f"{one.stratum.label}: " if one.stratum.label else ""
    if one.best is None:
        return f"{of}No family could be fitted."
    if len(one.fitted) == 1:
        return f"{of}{one.best.family.name}: AIC {one.best.aic:.2f}."
    return (
        f"{of}{one.best.family.name} has the lowest AIC ({one.best.aic:.2f}) of {len(one.fitted)} families."
    )


def _lead(one: StratumFits) -> str:
    return f"{fit_table.counts(one)}."


def _items(results: FitResults, one: StratumFits, number: int, *, is_first: bool) -> Iterator[Item]:
    if not is_first:
        yield survival_picture(results, one, number)
    if one.fitted:
        yield extrapolation_picture(results, one, number)
        yield hazard_picture(results, one, number)
    first, *others = fit_table.tables(results, one, full=True)
    yield first
    for table in others:
        yield Fold(table.title, (table,))
    if one.best is not None:
        yield Fold("Covariance of the estimates", (fit_table.covariance_table(one.best),))


# ---------------------------------------------------------------- pictures


def _shown(one: StratumFits) -> Sequence[int]:
    return range(min(len(one.fitted), MOST_LINES))


def _unit(results: FitResults) -> Unit:
    return Unit(unit_of_time(results.unit), results.unit)


def _grid(longest: float) -> Floats:
    return np.linspace(0.0, longest, POINTS + 1)


def _survival_lines(results: FitResults, one: StratumFits, longest: float) -> list[charts.Line]:
    """What was observed, then the families with the lowest AIC, in days."""
    size = unit_of_time(results.unit)
    observed, _ = observed_curve(one.stratum.data)
    lines = [charts.Line(OBSERVED, size * observed.time, observed.value, observed.low, observed.high)]
    time = _grid(longest)
    for i in _shown(one):
        fit = one.fitted[i]
        value = np.concatenate([[1.0], fit.survival(time[1:])])
        lines.append(charts.Line(fit.family.name, size * time, value))
    return lines


def survival_picture(results: FitResults, one: StratumFits, number: int) -> Picture:
    """The Kaplan-Meier estimate with the fitted curves over the time that was observed."""
    data = one.stratum.data
    size = unit_of_time(results.unit)
    lines = _survival_lines(results, one, data.last)
    time = np.unique(np.concatenate([_grid(data.last), data.middle]))
    figure = charts.fitted(
        lines,
        longest=size * data.last,
        unit=_unit(results),
        at_risk=((OBSERVED, size * time, at_risk(data, time)),),
    )
    middle = " An event within an interval is drawn at its middle." if data.is_interval.any() else ""
    others = " Other events are censored." if one.stratum.event else ""
    others += " Fitted curves are means over the patients' covariates." if results.data.covariates else ""
    n = len(lines) - 1
    families = "the fitted family" if n == 1 else f"the {n} families with the lowest AIC"
    caption = f"Kaplan-Meier estimate with 95% limits (steps) and {families}.{others}{middle}"
    title = f"Fit and observation, {one.stratum.label}" if one.stratum.label else "Fit and observation"
    return Picture(f"survival-{number}", title, caption, figure, (_table(results, lines, data.last),))


def extrapolation_picture(results: FitResults, one: StratumFits, number: int) -> Picture:
    """The same curves up to the horizon."""
    data, size = one.stratum.data, unit_of_time(results.unit)
    lines = _survival_lines(results, one, results.horizon)
    figure = charts.fitted(
        lines, longest=size * results.horizon, unit=_unit(results), last_event=size * data.last_event
    )
    caption = (
        "The same curves up to the horizon. The dashed line is the last event: what is beyond is assumed."
    )
    return Picture(
        f"extrapolation-{number}",
        "Extrapolation",
        caption,
        figure,
        (_table(results, lines, results.horizon),),
    )


def hazard_picture(results: FitResults, one: StratumFits, number: int) -> Picture:
    """Events over time at risk in pieces, and the fitted hazards."""
    data, size = one.stratum.data, unit_of_time(results.unit)
    pieces = piece_hazard(data)
    observed = [np.append(column, column[-1]) for column in (pieces.rate, pieces.low, pieces.high)]
    lines = [charts.Line(OBSERVED, size * pieces.borders, *observed)]
    time = _grid(data.last)[1:]
    lines += [
        charts.Line(one.fitted[i].family.name, size * time, one.fitted[i].hazard(time)) for i in _shown(one)
    ]
    singular = results.unit.removesuffix("s")
    figure = charts.hazards(
        lines, longest=size * data.last, unit=_unit(results), title=f"Hazard per {singular}"
    )
    caption = (
        "Events over time at risk in pieces with about as many events each, with 95% limits (steps), and the "
        f"fitted hazards, per {singular}."
    )
    table = _table(results, lines, data.last, is_share=False)
    return Picture(f"hazard-{number}", "Hazard", caption, figure, (table,))


def _table(
    results: FitResults, lines: Sequence[charts.Line], longest: float, *, is_share: bool = True
) -> Table:
    """Every line at some times."""
    size = unit_of_time(results.unit)
    rows: list[Row] = []
    for time in np.linspace(0.0, longest, ROWS + 1)[1:].tolist():
        cells = []
        for line in lines:
            inside = np.searchsorted(line.time, size * time + 1e-9) - 1
            is_known = size * time <= line.time[-1] + 1e-9
            value = float(line.value[inside]) if is_known else float("nan")
            if not line.is_observed:
                value = float(np.interp(size * time, line.time, line.value))
            cells.append(number_format.share(value) if is_share else _hazard_text(value))
        rows.append((f"{time:.4g}", *cells))
    return Table("", numbers(results.unit, *(line.name for line in lines)), tuple(rows), "at some times")


def _hazard_text(value: float) -> str:
    return number_format.NOTHING if np.isnan(value) else f"{value:.3g}"


# ---------------------------------------------------------------- causes


def _incidence_sections(results: FitResults) -> Iterator[Section]:
    """Cumulative incidence, where the strata of a group are competing causes of the same patients."""
    found: list[Picture] = []
    for group, members in groupby(results.strata, key=lambda one: one.stratum.group):
        causes = list(members)
        same = all(len(one.stratum.data.low) == len(causes[0].stratum.data.low) for one in causes)
        is_cause = all(one.stratum.event and " to " not in one.stratum.event for one in causes)
        if len(causes) > 1 and same and is_cause:
            found.append(_incidence_picture(results, causes, group, len(found)))
    if found:
        lead = (
            "Each cause ends the time at risk of the others: a cumulative incidence depends on all hazards."
        )
        yield Section("incidence", "Cumulative incidence of the causes", tuple(found), lead)


def _incidence_picture(
    results: FitResults, causes: Sequence[StratumFits], group: str, number: int
) -> Picture:
    size = unit_of_time(results.unit)
    data = [one.stratum.data for one in causes]
    last = data[0].last
    lines = []
    for one, curve in zip(causes, incidence_curves(data), strict=True):
        name = f"{one.stratum.event}, {OBSERVED}"
        lines.append(charts.Line(name, size * curve.time, curve.value, curve.low, curve.high))
    time = _grid(last)
    for name, value in fitted_incidence(causes, time):
        lines.append(charts.Line(name, size * time, value))
    shown = np.unique(np.concatenate([time, data[0].middle]))
    figure = charts.fitted(
        lines,
        longest=size * last,
        unit=_unit(results),
        at_risk=(("all", size * shown, at_risk(data[0], shown)),),
        title="Cumulative incidence",
    )
    caption = "Aalen-Johansen estimate (steps) and the incidence under the hazards with the lowest AIC."
    table = _table(results, lines, last)
    return Picture(f"incidence-{number}", group or "Cumulative incidence", caption, figure, (table,))


def fitted_incidence(causes: Sequence[StratumFits], time: Floats) -> Iterator[tuple[str, Floats]]:
    """The incidence of each cause under the best fits: the integral of its hazard times survival.

    time: evenly spaced from 0. By the midpoints of finer steps. Putter et al. 2007, doi:10.1002/sim.2712.
    """
    best = [(one.stratum.event, one.best) for one in causes if one.best is not None]
    fine = 8 * (len(time) - 1)
    edges = np.linspace(0.0, float(time[-1]), fine + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    survival = np.prod([fit.survival(middle) for _, fit in best], axis=0)
    for event, fit in best:
        steps = np.nan_to_num(fit.hazard(middle)) * survival * np.diff(edges)
        yield f"{event}, {fit.family.name}", np.concatenate([[0.0], np.cumsum(steps)])[::8]
