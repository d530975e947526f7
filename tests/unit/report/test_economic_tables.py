"""The tables of costs and QALYs: the incremental analysis and the cost of each year."""

from __future__ import annotations

from math import inf, nan

import pytest

from sim.outcomes.estimates import Differences, EstimateRow, Estimates, Incremental, IncrementalRow
from sim.outcomes.results import ArmFacts, Results
from sim.report.page.economic_section import economic_section
from sim.report.tables.economic_tables import cumulative_cost, incremental_tables, ratio_cells, year_table
from sim.report.tables.model import Value

OLD = IncrementalRow("reference", "old", "", "GBP", 1000.0, 5.0, "reference", threshold=20000.0)
NEW = IncrementalRow(
    "reference", "new", "old", "GBP", 3000.0, 5.2, "cost-effective at the threshold", 2000.0, 0.2, 100.0, 0.02, 0.1,
    10000.0, 8000.0, 13000.0, "interval", 20000.0, 2000.0, 400.0,
)  # fmt: skip


def results(*rows: IncrementalRow, years: int = 3) -> Results:
    arms = tuple(ArmFacts(row.arm, row.arm, "", 100, 3650.0) for row in rows if row.analysis == "reference")
    estimates = []
    for arm in arms:
        name = arm.name if len(arms) > 1 else ""
        for part, cost in (("", 30.0), ("drug", 20.0), ("other", 10.0)):
            estimates.append(EstimateRow("cost", name, "", part, "discounted", nan, "GBP", cost))
        for year in range(years):
            time = (year + 1) * 365.25
            estimates.append(
                EstimateRow("cost_by_year", name, "", "", "undiscounted", time, "GBP", 10.0 + year)
            )
    differences = Differences.of(())
    return Results(arms, 1, 1, Estimates.of(estimates), differences, (), incremental=Incremental.of(rows))


def test_each_arm_against_the_reference() -> None:
    (table,) = incremental_tables(results(OLD, NEW))
    assert [column.head for column in table.columns] == [
        "arm", "cost", "QALYs", "incremental cost", "incremental QALYs", "cost per QALY",
    ]  # fmt: skip
    assert table.rows[1] == (
        Value("new", "cost-effective at the threshold"),
        "3,000",
        "5.20",
        Value("+2,000", "SE 100"),
        Value("+0.200", "SE 0.020"),
        Value("10,000", "8,000 to 13,000"),
    )
    assert table.notes == ("incremental net benefit at 20,000 per QALY: new +2,000",)


@pytest.mark.parametrize(
    ("low", "high", "kind", "text"),
    [
        (-500.0, 9000.0, "two rays", "up to -500, or from 9,000"),
        (-inf, 9000.0, "two rays", "from 9,000"),
        (nan, nan, "everything", "any ratio"),
        (nan, nan, "", ""),
    ],
)
def test_a_confidence_set_that_is_no_interval(low: float, high: float, kind: str, text: str) -> None:
    row = NEW._replace(low=low, high=high, confidence_set=kind, note="unbounded")
    (table,) = incremental_tables(results(OLD, row))
    assert table.rows[1][5] == Value("10,000", text)
    assert table.notes[0] == "new: unbounded"


def test_a_dominated_arm_has_no_ratio() -> None:
    (table,) = incremental_tables(results(OLD, NEW._replace(status="dominated", incremental_qaly=-0.2)))
    assert table.rows[1][5] == Value("-", "8,000 to 13,000")


def test_without_costs_there_is_no_table_and_no_section() -> None:
    bare = Results((ArmFacts("a", "a", "", 1, 1.0),), 1, 1, Estimates.of(()), Differences.of(()), ())
    assert list(incremental_tables(bare)) == []
    assert year_table(bare) is None
    assert economic_section(bare) is None


def test_years_beyond_the_tenth_are_added_up() -> None:
    table = year_table(results(OLD, NEW, years=12))
    assert table is not None
    assert len(table.rows) == 11
    assert table.rows[0] == ("1", "10.0", "10.0")
    assert table.rows[-1] == ("later", "41.0", "41.0")
    years, costs = cumulative_cost(results(OLD, NEW), "new")
    assert years == pytest.approx([0, 1, 2, 3])
    assert costs == [0.0, 10.0, 21.0, 33.0]


def test_the_section_of_a_page() -> None:
    step = NEW._replace(analysis="frontier", status="on the frontier")
    first = OLD._replace(analysis="frontier", status="on the frontier")
    section = economic_section(results(OLD, NEW, NEW._replace(arm="other"), first, step))
    assert section is not None
    names = [item.name for item in section.items if hasattr(item, "figure")]
    assert names == ["plane", "frontier", "cost-by-category", "cumulative-cost"]
    alone = economic_section(results(OLD))
    assert alone is not None
    assert [item.name for item in alone.items if hasattr(item, "figure")] == [
        "cost-by-category",
        "cumulative-cost",
    ]


def test_the_section_without_years_and_without_a_threshold() -> None:
    """No line of the threshold in the plane, no cost over time."""
    section = economic_section(
        results(OLD._replace(threshold=nan), NEW._replace(threshold=nan, net_benefit=nan), years=0)
    )
    assert section is not None
    plane, by_category = (item for item in section.items if hasattr(item, "figure"))
    assert (plane.name, by_category.name) == ("plane", "cost-by-category")
    assert [key.name for key in plane.figure.legend] == ["new"]


def test_a_ratio_without_errors_is_said_to_have_no_interval() -> None:
    """One replication of patients who share a resource: that an arm is dominated may be chance."""
    dominated = NEW._replace(status="dominated", cost_error=nan, qaly_error=nan)
    assert ratio_cells(results(OLD, dominated)) == {"new": Value("dominated", "no interval")}
    assert ratio_cells(results(OLD, NEW._replace(status="dominated"))) == {"new": Value("dominated")}
    assert ratio_cells(results(OLD, NEW)) == {"new": Value("10,000", "8,000 to 13,000")}
