"""The section of a page on costs and QALYs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sim.economics.program import has_utilities
from sim.economics.valuation import Valuation
from sim.outcomes.results import Results
from sim.report.charts import economics as charts
from sim.report.charts.economics import Line, Point
from sim.report.page.arms import PageArm, words
from sim.report.page.document import Fold, Item, Picture, Section
from sim.report.tables import number_format
from sim.report.tables.economic_tables import BY_YEAR, COST, cumulative_cost, incremental_tables
from sim.report.tables.model import Row, Table, numbers

YEARS = (1, 2, 3, 5, 10, 20, 30, 40, 50, 60)
"""Years of the tables beside sums over time."""
SETTLED = 0.995
"""A sum is drawn until each arm has this share of its final value."""


def economic_section(results: Results, arms: Sequence[PageArm] = ()) -> Section | None:
    """The incremental analysis, costs by category, costs and QALYs over time; None without costs.

    arms: their logs, which the QALYs over time are read from.
    """
    names = ["" if len(results.arms) == 1 else arm.name for arm in results.arms]
    costs = {name: _categories(results, name) for name in names}
    if not all(costs.values()):
        return None
    currency = next(iter(results.estimates.where(outcome=COST))).unit
    labels = [arm.label or arm.name for arm in results.arms]
    shown = list(zip(labels, costs.values(), strict=True))
    figure = charts.by_category(shown, currency=currency)
    caption = "Mean cost per patient by category, discounted."
    by_category = Picture("cost-by-category", "Cost by category", caption, figure, (_category_table(shown),))
    items: list[Item] = [*_comparison(results, currency), by_category]
    if results.estimates.where(outcome=BY_YEAR):
        lines = [
            (label, np.array(cumulative_cost(results, name)[1]))
            for label, name in zip(labels, names, strict=True)
        ]
        items.append(_over_time("cost", "Cost over time", f"Cost per patient, {currency}", lines))
    if arms and all(has_utilities(arm.scenario) for arm in arms):
        lines = [(arm.label, _cumulative_qalys(arm)) for arm in arms]
        items.append(_over_time("qaly", "QALYs over time", "QALYs per patient", lines))
    return Section("economics", "Costs and QALYs", tuple(items))


def _cumulative_qalys(arm: PageArm) -> np.ndarray:
    by_year = Valuation(arm.history).qaly_by_year(arm.patients)
    return np.concatenate([[0.0], np.cumsum(by_year)]) / len(arm.patients)


def _over_time(name: str, title: str, axis: str, lines: Sequence[Line]) -> Picture:
    """A sum per patient up to each year, until it has settled in every arm."""
    caption = f"{axis}: mean of all patients up to each year since the start, not discounted."
    settled = max(int(np.argmax(sums >= SETTLED * sums[-1])) for _, sums in lines)
    drawn = [(label, sums[: settled + 2]) for label, sums in lines]
    years = [year for year in YEARS if year < len(lines[0][1])]
    rows: list[Row] = [
        (f"{year}", *(number_format.plain(float(sums[year])) for _, sums in lines)) for year in years
    ]
    tables = (Table(caption, numbers("up to year", *(label for label, _ in lines)), tuple(rows)),)
    return Picture(
        f"cumulative-{name}", title, caption, charts.cumulative(drawn, title=axis), tables, is_half=True
    )


def _categories(results: Results, arm: str) -> dict[str, float]:
    rows = results.estimates.where(outcome=COST, arm=arm, group="", measure="discounted")
    return {words(row.part): row.estimate for row in rows if row.part}


def _category_table(arms: list[tuple[str, dict[str, float]]]) -> Table:
    names = dict.fromkeys(name for _, parts in arms for name in parts)
    rows: list[Row] = [
        (name, *(number_format.plain(parts.get(name, 0.0)) for _, parts in arms)) for name in names
    ]
    return Table(
        "Cost by category, discounted", numbers("category", *(name for name, _ in arms)), tuple(rows)
    )


def _comparison(results: Results, currency: str) -> Iterator[Item]:
    """The plane and, with three arms or more, the frontier, with the tables of the incremental analysis."""
    rows = [row for row in results.incremental if row.analysis == "reference"]
    tables = list(incremental_tables(results))
    if len(rows) < 2:
        return
    label, has_frontier = results.label, len(tables) > 1
    differences = [
        Point(
            label(row.arm),
            row.incremental_qaly,
            row.incremental_cost,
            row.qaly_error,
            row.cost_error,
            row.correlation,
        )
        for row in rows[1:]
    ]
    caption = (
        f"Incremental cost and QALYs against {results.reference.label}, discounted. The ellipse is the 95% "
        "region of the random error of the simulated patients, not of the parameters."
    )
    threshold = rows[0].threshold
    figure = charts.plane(differences, reference=label(rows[0].arm), currency=currency, threshold=threshold)
    yield Picture(
        "plane", "Cost-effectiveness plane", caption, figure, tuple(tables[:1]), is_half=has_frontier
    )
    if has_frontier:
        frontier = [row for row in results.incremental if row.analysis == "frontier"]
        on = [label(row.arm) for row in frontier if row.status == "on the frontier"]
        points = [Point(label(row.arm), row.qaly, row.cost) for row in rows]
        figure = charts.frontier(points, on, currency=currency)
        caption = "Mean cost and QALYs per patient of each arm; the line joins the arms on the frontier."
        yield Picture("frontier", "Cost-effectiveness frontier", caption, figure, (tables[1],), is_half=True)
    yield tables[-1]
    yield from (Fold(table.title, (table,)) for table in tables[:-1])
