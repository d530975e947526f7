"""The tables of estimates and differences."""

from __future__ import annotations

import json
from math import isnan, nan
from typing import Any

import pytest

from sim.outcomes.estimates import (
    DifferenceRow,
    Differences,
    EstimateRow,
    Estimates,
    Incremental,
    IncrementalRow,
)

ROWS = (
    EstimateRow(
        "survival", "a", "", "", "survival", 365.25, "probability", 0.5, 0.1, 0.3, 0.7, 20, "log-log"
    ),
    EstimateRow("survival", "a", "", "", "survival", 730.5, "probability", nan, n=0, note="no patients"),
    EstimateRow("survival", "a", "", "", "median", nan, "days", 400.0, low=300.0, n=20, method="log-log"),
    EstimateRow("death", "b", "old", "cancer", "share", nan, "share", 0.25, 0.02, 0.2, 0.3, 12, "Wilson"),
)
DIFFERENCE = DifferenceRow(
    "survival", "b", "a", "", "", "survival", 365.25, "probability", -0.1, 0.05, -0.2, 0.0, -0.3, 0.1, 4.0,
    "Student, over paired patients", "a note",
)  # fmt: skip


def same(one: Any, other: Any) -> bool:
    """Whether two rows are equal, nan to nan."""
    return all(a == b or (a != a and b != b) for a, b in zip(one, other, strict=True))


def test_a_table_has_the_rows_it_was_made_of():
    table = Estimates.of(ROWS)
    assert len(table) == 4
    assert all(same(one, other) for one, other in zip(table, ROWS, strict=True))
    assert table.numbers["estimate"].tolist()[0] == 0.5
    assert isnan(table.numbers["time_days"][2])
    assert table.names["measure"] == ("survival", "median", "share")
    assert table.codes["measure"].tolist() == [0, 0, 1, 2]
    (difference,) = Differences.of([DIFFERENCE])
    assert same(difference, DIFFERENCE)


def test_an_empty_table():
    for table in (Estimates.of(()), Estimates.concatenate(()), Estimates.of(ROWS).where(outcome="none")):
        assert len(table) == 0
        assert (list(table), table.records(), table.present("outcome")) == ([], [], ())
        assert table.find("survival", "median", arm="a") is None
        assert len(table.where(arm="a", time_days=1.0).relabelled(arm="b")) == 0


def test_concatenated_tables_have_all_rows_in_order():
    first, second = Estimates.of(ROWS[2:]), Estimates.of(ROWS[:2])
    both = Estimates.concatenate([first, Estimates.of(()), second])
    assert all(same(one, other) for one, other in zip(both, ROWS[2:] + ROWS[:2], strict=True))
    assert both.present("outcome") == ("survival", "death")


def test_rows_with_given_labels():
    table = Estimates.of(ROWS)
    assert [row.estimate for row in table.where(outcome="survival", measure="median")] == [400.0]
    assert [row.estimate for row in table.where(time_days=365.25)] == [0.5]
    assert [row.measure for row in table.where(time_days=None)] == ["median", "share"]
    assert [row.part for row in table.where(group="old")] == ["cancer"]
    assert len(table.where(group="")) == 3
    assert len(table.where(outcome="survival", group="old")) == len(table.where(arm="c")) == 0
    assert len(table.where()) == 4


def test_the_row_with_exactly_these_labels():
    table = Estimates.of(ROWS)
    assert same(table.find("survival", "survival", arm="a", time_days=365.25), ROWS[0])
    assert same(table.find("survival", "median", arm="a"), ROWS[2])
    assert same(table.find("death", "share", arm="b", group="old", part="cancer"), ROWS[3])
    for labels in ({}, {"arm": "b"}, {"arm": "a", "time_days": 1.0}, {"arm": "a", "group": "old"}):
        assert table.find("survival", "median", **labels) is None


def test_the_first_of_several_differences_with_the_same_labels_is_found():
    """A sweep compares a cell with the base case first and then with the best cell."""
    with_best = DIFFERENCE._replace(reference="best", difference=0.3)
    table = Differences.of([DIFFERENCE, with_best])
    found = table.find("survival", "survival", arm="b", time_days=365.25)
    assert found is not None
    assert (found.reference, found.difference) == ("a", -0.1)
    assert [row.difference for row in table.where(reference="best")] == [0.3]


def test_a_step_of_the_incremental_analysis_is_found_by_its_analysis_and_arm():
    steps = [("reference", "new"), ("frontier", "old"), ("frontier", "new")]
    table = Incremental.of(IncrementalRow(*step, "", "EUR", 1.0, 2.0, "") for step in steps)
    assert table.find("frontier", "new") is list(table)[2]
    assert table.find("frontier", arm="newer") is None
    assert [row.arm for row in table.where(analysis="frontier")] == ["old", "new"]
    for call in (table.where, table.find):
        with pytest.raises(KeyError):
            call(outcome="cost")


def test_texts_of_a_column_in_the_order_of_their_first_row():
    table = Estimates.of(ROWS[::-1])
    assert table.present("outcome") == ("death", "survival")
    assert table.present("measure") == ("share", "median", "survival")
    assert table.where(outcome="survival").present("measure") == ("median", "survival")


def test_a_relabelled_table_differs_in_this_column_alone():
    table = Estimates.of(ROWS)
    found = table.relabelled(arm="new", note="")
    assert found.present("arm") == ("new",)
    assert all(same(one, row._replace(arm="new", note="")) for one, row in zip(found, ROWS, strict=True))
    assert table.present("arm") == ("a", "b")


def test_known_numbers_and_intervals():
    assert [row.is_known for row in ROWS] == [True, False, True, True]
    assert [row.has_interval for row in ROWS] == [True, False, True, True], "a median may be open to one side"
    assert DIFFERENCE.is_known
    assert not DIFFERENCE._replace(low=nan, high=nan).has_interval


def test_records_have_none_for_what_does_not_exist():
    records = Estimates.of(ROWS).records()
    assert records[1] == {
        "outcome": "survival",
        "arm": "a",
        "group": "",
        "part": "",
        "measure": "survival",
        "time_days": 730.5,
        "unit": "probability",
        "estimate": None,
        "standard_error": None,
        "low": None,
        "high": None,
        "n": 0,
        "method": "",
        "note": "no patients",
    }
    assert (records[2]["time_days"], records[2]["low"], records[2]["high"]) == (None, 300.0, None)
    json.dumps(records, allow_nan=False)
    (record,) = Differences.of([DIFFERENCE]).records()
    assert list(record) == [
        "outcome", "arm", "reference", "group", "part", "measure", "time_days", "unit", "difference",
        "standard_error", "low", "high", "independent_low", "independent_high", "variance_ratio",
    ]  # fmt: skip
    assert record["difference"] == -0.1
