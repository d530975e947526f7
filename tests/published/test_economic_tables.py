"""The page on costs and QALYs shows what the scenarios give; `make docs` writes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.published.economic_tables import BASE, QUESTIONS, TABLES, against_base, arm, pair, what_it_adds
from tests.published.strategy_tables import SCENARIOS

PAGE = (Path(__file__).parents[2] / "docs" / "economics.md").read_text("utf-8")


@pytest.mark.long
def test_the_page_has_every_table_and_what_two_of_its_rows_give() -> None:
    assert re.findall(r"<!-- (.+) -->", PAGE) == [part for name in TABLES for part in (name, "end")]
    base = arm(SCENARIOS / "uk_us_commercial.yaml", BASE)
    other = arm(SCENARIOS / "strategies" / "commercial" / "one_line.yaml", "one_line")
    for one in (base, other):
        assert "| " + " | ".join(against_base(one, base)) + " |" in PAGE


@pytest.mark.long
def test_the_reading_of_the_tables_holds() -> None:
    withheld, one_product, second, transplant, blinatumomab, inotuzumab = QUESTIONS
    for question in (withheld, one_product):
        assert what_it_adds(*pair("commercial", question)).icer > 30_000
    assert what_it_adds(*pair("commercial", second)).incremental_qaly < 0.0
    assert what_it_adds(*pair("academic", second)).incremental_qaly < 0.05
    assert what_it_adds(*pair("academic", transplant)).icer > 100_000
    assert what_it_adds(*pair("commercial", transplant)).incremental_qaly < 0.0
    for setting in ("commercial", "academic"):
        for question in (blinatumomab, inotuzumab):
            assert what_it_adds(*pair(setting, question)).status == "dominated"


def test_every_category_costs_something_and_the_product_most() -> None:
    base = arm(SCENARIOS / "uk_us_commercial.yaml", BASE)
    assert base.categories["product"] > 0.5 * sum(base.categories.values())
    assert all(cost > 0.0 for cost in base.categories.values())


def test_the_28_items_of_cheers_are_there() -> None:
    assert [int(n) for n in re.findall(r"^\| (\d+) ", PAGE, re.MULTILINE)] == list(range(1, 29))
