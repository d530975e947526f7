"""The section of a page on costs and QALYs."""

from __future__ import annotations

from sim.outcomes.results import Results
from sim.report.charts import economics as charts
from sim.report.charts.economics import Point
from sim.report.page.document import Picture, Section
from sim.report.tables import number_format
from sim.report.tables.economic_tables import (
    BY_YEAR,
    COST,
    cumulative_cost,
    incremental_tables,
    year_table,
)
from sim.report.tables.model import Row, Table, numbers


def economic_section(results: Results) -> Section | None:
    """The incremental analysis, costs by category and over time; None without costs."""
    names = ["" if len(results.arms) == 1 else arm.name for arm in results.arms]
    costs = {name: _categories(results, name) for name in names}
    if not all(costs.values()):
        return None
    currency = next(iter(results.estimates.where(outcome=COST))).unit
    shown = [(results.label(name), costs[name]) for name in names]
    items: list[Picture | Table] = [*_comparison(results, currency)]
    figure = charts.by_category(shown, currency=currency)
    caption = "Mean cost per patient by category, discounted."
    items.append(Picture("cost-by-category", "Cost by category", caption, figure, (_category_table(shown),)))
    if (years := year_table(results)) is not None and results.estimates.where(outcome=BY_YEAR):
        lines = [(results.label(name), cumulative_cost(results, name)) for name in names]
        caption = "Mean cost per patient up to each year since the start, not discounted."
        figure = charts.cumulative(lines, currency=currency)
        items.append(Picture("cumulative-cost", "Cost over time", caption, figure, (years,)))
    return Section("economics", "Costs and QALYs", tuple(items))


def _categories(results: Results, arm: str) -> dict[str, float]:
    rows = results.estimates.where(outcome=COST, arm=arm, group="", measure="discounted")
    return {row.part: row.estimate for row in rows if row.part}


def _category_table(arms: list[tuple[str, dict[str, float]]]) -> Table:
    names = dict.fromkeys(name for _, parts in arms for name in parts)
    rows: list[Row] = [
        (name, *(number_format.plain(parts.get(name, 0.0)) for _, parts in arms)) for name in names
    ]
    return Table(
        "Cost by category, discounted", numbers("category", *(name for name, _ in arms)), tuple(rows)
    )


def _comparison(results: Results, currency: str) -> list[Picture | Table]:
    """The plane and, with three arms or more, the frontier, with the tables of the incremental analysis."""
    rows = [row for row in results.incremental if row.analysis == "reference"]
    tables = list(incremental_tables(results))
    if len(rows) < 2:
        return []
    differences = [
        Point(
            results.label(row.arm),
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
    figure = charts.plane(
        differences, reference=results.label(rows[0].arm), currency=currency, threshold=rows[0].threshold
    )
    found: list[Picture | Table] = [
        Picture("plane", "Cost-effectiveness plane", caption, figure, tuple(tables[:1])),
        *tables[:1],
    ]
    if len(tables) > 1:
        on = [
            results.label(r.arm)
            for r in results.incremental
            if r.analysis == "frontier" and r.status == "on the frontier"
        ]
        points = [Point(results.label(row.arm), row.qaly, row.cost) for row in rows]
        figure = charts.frontier(points, on, currency=currency)
        caption = "Mean cost and QALYs per patient of each arm; the line joins the arms on the frontier."
        found += [
            Picture("frontier", "Cost-effectiveness frontier", caption, figure, (tables[1],)),
            tables[1],
        ]
    return found
