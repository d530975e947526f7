"""Pictures of a probabilistic sensitivity analysis, with captions and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.results import NORMAL_975, event_in_words, time_in_prose
from sim.report.charts import uncertainty as charts
from sim.report.charts.style import Axis, number_axis, time_axis
from sim.report.page.arms import words
from sim.report.page.document import Picture
from sim.report.tables import number_format, psa_table
from sim.report.tables.model import Row, Table, Value, numbers
from sim.uncertainty.draw_summaries import (
    ConvergenceRow,
    convergence,
    cost_effectiveness_draws,
    has_noise,
    survival_curves,
)
from sim.uncertainty.psa import Design
from sim.uncertainty.results import PsaResults
from sim.uncertainty.value_of_information import InformationRow

MOST_BARS = 10
STEPS_OF_TABLE = 12
"""Rows of the table beside running means."""


def _labels(results: PsaResults) -> dict[str, str]:
    return {arm.name: arm.label for arm in results.psa.model.arms}


# ---------------------------------------------------------------- survival


def survival_picture(results: PsaResults) -> Picture | None:
    """Survival of each arm over the draws, at times at which all are known; None where there are none."""
    found = list(survival_curves(results))
    unknown = {row.time_days for row in found if isnan(row.median)}
    rows = [row for row in found if row.time_days not in unknown]
    if not rows:
        return None
    labels = _labels(results)
    fans = []
    for name, label in labels.items():
        own = [row for row in rows if row.arm == name]
        at_start = [1.0] * 5
        time = np.array([0.0, *(row.time_days for row in own)])
        columns = np.array([at_start, *(list(row[3:]) for row in own)]).T
        fans.append(charts.Fan(label, time, *columns))
    title = words(rows[0].outcome)
    is_shared = any(arm.scenario.shared for arm in results.psa.model.arms)
    noise = "with" if is_shared else "without"
    caption = (
        f"{title[:1].upper()}{title[1:]} over the draws of the parameters: the line is the median, the dark "
        f"band holds 50% of the draws, the light one 95%; {noise} the noise of the simulated patients."
    )
    table = _curve_table(caption, fans)
    figure = charts.fan(fans, since=_since(results, rows[0].outcome))
    return Picture("survival", f"{title[:1].upper()}{title[1:]}", caption, figure, (table,))


def _since(results: PsaResults, name: str) -> str:
    outcome = next(one for one in results.psa.model.arms[0].scenario.outcomes if one.name == name)
    return (
        "the start"
        if outcome.begin is None or outcome.begin.kind == "start"
        else event_in_words(outcome.begin)
    )


def _curve_table(caption: str, fans: Sequence[charts.Fan]) -> Table:
    rows: list[Row] = []
    for i, time in enumerate(fans[0].time.tolist()):
        cells = [
            Value(
                number_format.share(float(one.median[i])),
                number_format.share_interval((float(one.low_95[i]), float(one.high_95[i]))),
            )
            for one in fans
        ]
        rows.append((number_format.time(time) if time else "start", *cells))
    columns = numbers("time", *(one.arm for one in fans))
    return Table(caption, columns, tuple(rows), "median, below it the 95% band")


# ---------------------------------------------------------------- costs and effects


def plane_picture(results: PsaResults) -> Picture | None:
    """Incremental cost and QALYs of the draws; None where the arms are not valued."""
    rows = list(cost_effectiveness_draws(results))
    if not rows:
        return None
    labels = _labels(results)
    reference, *others = labels
    economics = results.psa.model.arms[0].scenario.economics
    currency, threshold = (economics.currency, economics.threshold or nan) if economics else ("", nan)
    clouds, lines = [], []
    for name in others:
        cost, qaly = np.array([(row[2], row[3]) for row in rows if row.arm == name]).T
        clouds.append(charts.Cloud(labels[name], qaly, cost))
        lines.append((labels[name], _mean_and_limits(cost), _mean_and_limits(qaly)))
    noise = "hold" if has_noise(results) else "do not hold"
    shown = f"; the first {charts.MOST_DOTS:,} draws" if len(rows) > charts.MOST_DOTS * len(others) else ""
    caption = (
        f"Incremental cost and QALYs against {labels[reference]}, discounted, one dot for each draw{shown}. "
        f"The dots {noise} the noise of the simulated patients."
    )
    figure = charts.plane(clouds, reference=labels[reference], currency=currency, threshold=threshold)
    columns = numbers("arm", f"incremental cost, {currency}", "incremental QALYs")
    table = Table(caption, columns, tuple(lines), "mean, below it the central 95% of the dots")
    return Picture("plane", "Cost-effectiveness plane", caption, figure, (table,), is_half=True)


def _mean_and_limits(values: Floats) -> Value:
    low, high = np.quantile(values, (0.025, 0.975)).tolist()
    limits = number_format.interval((low, high), float(values.mean()), "")
    return Value(number_format.plain(float(values.mean())), limits)


# ---------------------------------------------------------------- decision


def decision_picture(results: PsaResults) -> Picture | None:
    """The probability that each arm is best over thresholds or times; None where there is one of these."""
    if len(results.benefits) < 2:
        return None
    steps, x = _steps(results)
    labels, n = _labels(results), len(results.psa.model.arms)
    arms = []
    for i, name in enumerate(labels):
        own = results.decision[i::n]
        probability = np.array([row.probability_best for row in own])
        arms.append(charts.Acceptability(labels[name], probability, np.array([row.frontier for row in own])))
    over = "threshold" if results.by_money else "time"
    what = "net benefit" if results.by_money else words(results.decided_measures[0][1].outcome)
    caption = (
        f"The probability that each arm is best by {what}, over the {over}. The broad line is the frontier: "
        f"the arm with the largest mean.{_unknown(arms[0].probability)}"
    )
    rows = tuple(
        (
            psa_table.step_label(results, number),
            *(
                number_format.share(float(one.probability[number])) + " *" * bool(one.is_frontier[number])
                for one in arms
            ),
        )
        for number in range(len(steps))
    )
    table = Table(caption, numbers(over, *labels.values()), rows, "* on the frontier")
    title = "Acceptability curves and frontier" if results.by_money else "Probability of being best"
    figure = charts.acceptability(arms, steps=steps, x=x)
    return Picture("acceptability", title, caption, figure, (table,), is_half=True)


def _steps(results: PsaResults) -> tuple[Floats, Axis]:
    """The thresholds or times of the decision, and their axis."""
    if results.by_money:
        steps = np.array([one.threshold for one in results.benefits])
        return steps, number_axis(steps.tolist(), f"Threshold ({_unit(results)} per QALY)")
    steps = np.array([measure.time for _, measure in results.decided_measures])
    return steps, time_axis(float(steps[-1]), _since(results, results.decided_measures[0][1].outcome))


def _unit(results: PsaResults) -> str:
    """The unit of the decision."""
    economics = results.psa.model.arms[0].scenario.economics
    if results.by_money and economics is not None:
        return economics.currency
    return results.decided_measures[0][1].unit


def _unknown(values: Floats) -> str:
    if not np.isnan(values).any():
        return ""
    return " Where it is grey the error of the simulation hides the answer: more patients a draw show it."


def evpi_picture(results: PsaResults) -> Picture | None:
    """The expected value of perfect information over thresholds or times; None where there is only one."""
    if len(results.benefits) < 2:
        return None
    steps, x = _steps(results)
    over = "threshold" if results.by_money else "time"
    rows = [row for row in results.value_of_information if row.parameters == ""]
    values, errors = (np.array([getattr(row, name) for row in rows]) for name in ("evpi", "standard_error"))
    caption = (
        f"Expected value of perfect information on all parameters, per patient, over the {over}; "
        f"whiskers are 95% intervals.{_unknown(values)}"
    )
    lines = tuple(
        (
            psa_table.step_label(results, i),
            psa_table.loss_text(results, row.evpi),
            psa_table.loss_text(results, row.standard_error),
        )
        for i, row in enumerate(rows)
    )
    notes = tuple(f"{psa_table.step_label(results, i)}: {row.note}" for i, row in enumerate(rows) if row.note)
    table = Table(caption, numbers(over, "EVPI", "standard error"), lines, notes=notes)
    figure = charts.information(values, errors, steps=steps, x=x, unit=_unit(results))
    return Picture("evpi", "Value of perfect information", caption, figure, (table,), is_half=True)


# ---------------------------------------------------------------- single parameters


def evppi_picture(results: PsaResults) -> Picture | None:
    """A bar for each of the parameters that are worth most; None where none is worth anything."""
    singles = sorted(psa_table.information_rows(results)[1:], key=lambda row: -row.evppi)
    worth = [row for row in singles if row.evppi > 0.0][:MOST_BARS]
    if not worth:
        return None
    step = psa_table.step_label(results, results.main_benefit)
    caption = (
        f"What it is worth per patient to know one parameter exactly ({step}), with 95% intervals; the "
        f"{len(worth)} largest of {len(singles)}. An interval that reaches 0 is no evidence of a worth."
    )
    bars = [_worth(results, row) for row in worth]
    rows = tuple((bar.name, bar.printed) for bar in bars)
    table = Table(caption, numbers("parameter", "worth (standard error)"), rows)
    figure = charts.worth_bars(bars, unit=_unit(results))
    title = "Worth of knowing a parameter exactly"
    return Picture("evppi", title, caption, figure, (table,), is_half=True)


def _worth(results: PsaResults, row: InformationRow) -> charts.Worth:
    value, error = (psa_table.loss_text(results, one) for one in (row.evppi, row.standard_error))
    return charts.Worth(words(row.parameters), row.evppi, row.standard_error, f"{value} ({error})")


# ---------------------------------------------------------------- convergence


def convergence_picture(results: PsaResults) -> Picture | None:
    """Running means with their error; None where there are fewer than ten draws."""
    rows = list(convergence(results))
    if not rows:
        return None
    labels, first = _labels(results), rows[0]
    found = {name: [row for row in rows if row.arm == name] for name in labels}
    found = {name: own for name, own in found.items() if own}
    lines = [
        charts.Running(
            labels[name], *(np.array(part, dtype=float) for part in zip(*_columns(own), strict=True))
        )
        for name, own in found.items()
    ]
    reference = "" if len(labels) == 1 else next(iter(labels.values()))
    against = f" less that of {reference}" if reference else ""
    at = f" at {time_in_prose(first.time_days)}" if first.time_days == first.time_days else ""
    caption = (
        f"Mean {words(first.what)}{at}{against} over the first draws, with the 95% band of its standard "
        "error. A mean that has settled stays within the last band."
    )
    if results.psa.request.design is Design.SAME:
        caption += " All draws have the same patients: the error by these is not in the band."
    table = _running_table(caption, [(labels[name], own) for name, own in found.items()])
    is_share = first.unit in number_format.SHARES
    title = "Percentage points" if is_share and reference else "Probability" if is_share else first.unit
    figure = charts.running_means(lines, reference=reference, title=title, percent=is_share)
    return Picture("running-mean", "Mean over the draws", caption, figure, (table,))


def _columns(rows: Sequence[ConvergenceRow]) -> list[tuple[float, float, float]]:
    return [(row.draws, row.mean, row.standard_error) for row in rows]


def _running_table(caption: str, arms: Sequence[tuple[str, Sequence[ConvergenceRow]]]) -> Table:
    """Some numbers of draws, the last among them."""
    counts = [row.draws for row in arms[0][1]]
    shown = sorted({counts[i] for i in np.linspace(0, len(counts) - 1, STEPS_OF_TABLE).astype(int)})
    lines: list[Row] = []
    for n in shown:
        cells = []
        for _, own in arms:
            row = next((row for row in own if row.draws == n), None)
            if row is None:
                cells.append(Value(number_format.NOTHING))
                continue
            half = NORMAL_975 * row.standard_error
            limits = (row.mean - half, row.mean + half)
            below = number_format.interval(limits, row.mean, row.unit)
            cells.append(Value(number_format.amount(row.mean, row.unit), below))
        lines.append((f"{n:,}", *cells))
    return Table(caption, numbers("draws", *(name for name, _ in arms)), tuple(lines))
