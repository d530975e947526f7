"""Plain tables: what they hold is what the log says, in CSV and Parquet alike."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from sim.formats import mstate, tables
from sim.formats.tables import long, wide, without_formula
from sim.outcomes.history.history import History
from tests import example_logs as by_hand
from tests.example_logs import Patient, asks, enters, granted, stays
from tests.unit.formats import saved_runs
from tests.unit.formats.saved_runs import WARD, saved

SCENARIO = by_hand.scenario(
    [
        by_hand.stage("door"),
        by_hand.stage("ward", "ill"),
        by_hand.stage("home", "well"),
        by_hand.stage("dead", "gone", terminal=True),
    ],
    attributes=[by_hand.number("age"), by_hand.yes_no("fit"), by_hand.category("site", "bm", "cns")],
    horizon=50.0,
)
LOG = by_hand.event_log(
    SCENARIO,
    [
        Patient([enters(0, "ward", fit=True), stays(2, "a.dose", site="cns", seen=2.0), enters(5, "home"),
                 enters(7, "ward", fit=False), enters(9, "dead")], start={"age": 40.0}),
        Patient([asks(0, "ward"), granted(4, "ward")]),
        Patient([enters(0, "door")]),
    ],
    events=("a.next", "a.dose"),
    stamps=["seen"],
)  # fmt: skip
HISTORY = History(LOG, by_hand.no_use(), SCENARIO)


def test_wide_has_the_first_entries_and_the_end() -> None:
    rows = wide(HISTORY).to_pylist()
    assert rows[0] == {
        "replication": 0, "patient": 0, "start_day": 0.0, "end_days": 9.0, "follow_up_days": 50.0,
        "last_stage": "dead",
        "at_start.age": 40.0, "at_start.fit": False, "at_start.site": "bm",
        "at_end.age": 40.0, "at_end.fit": False, "at_end.site": "cns",
        "last_state": "gone",
        "first.stage.door": None, "first.stage.ward": 0.0, "first.stage.home": 5.0, "first.stage.dead": 9.0,
        "first.state.ill": 0.0, "first.state.well": 5.0, "first.state.gone": 9.0,
    }  # fmt: skip
    waited = rows[1]
    assert (waited["first.stage.ward"], waited["first.state.ill"], waited["last_state"]) == (4.0, 0.0, "ill")
    assert (rows[2]["last_stage"], rows[2]["last_state"], rows[2]["first.state.ill"]) == ("door", None, None)


def test_long_has_everything_just_after_each_row() -> None:
    (table,) = long(HISTORY)
    assert table["time_days"].to_pylist() == [0, 2, 5, 7, 9, 0, 4, 0]
    assert table["does"].to_pylist()[:2] == ["enters", "stays"]
    assert table["stage"].to_pylist() == ["ward", "ward", "home", "ward", "dead", "ward", "ward", "door"]
    assert table["state"].to_pylist() == ["ill", "ill", "well", "ill", "gone", "ill", "ill", None]
    assert table["attributes.fit"].to_pylist() == [True, True, True, False, False, False, False, False]
    assert table["attributes.site"].to_pylist() == ["bm", "cns", "cns", "cns", "cns", "bm", "bm", "bm"]
    assert table["stamps.seen"].to_pylist() == [None, 2, 2, 2, 2, None, None, None]
    parts = pa.concat_tables(long(HISTORY, rows_in_group=3), promote_options="permissive")
    assert parts.to_pylist() == table.to_pylist()


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return saved_runs.history(saved(tmp_path_factory.mktemp("tables"), WARD)[0])


@pytest.mark.parametrize("name", ["patients", "events", "resource_use"])
def test_csv_and_parquet_hold_the_same(history: History, tmp_path: Path, name: str) -> None:
    for kind in ("csv", "parquet"):
        tables.write(tmp_path, [history], kind=kind)
    assert {path.name for path in tmp_path.iterdir()} == {*tables.files("csv"), *tables.files("parquet")}
    expected = parquet.read_table(tmp_path / f"{name}.parquet").to_pandas()
    found = saved_runs.read_csv(tmp_path / f"{name}.csv")
    assert list(found.columns) == list(expected.columns)
    assert len(found) == len(expected) > 50
    for column in expected:
        one, other = found[column], expected[column]
        if one.dtype.kind == "f":
            np.testing.assert_array_equal(one, other.astype(float), err_msg=column)
        else:
            assert (
                one.astype(object).where(one.notna(), None).tolist()
                == other.astype(object).where(other.notna(), None).tolist()
            ), column


def test_without_a_queue_there_is_no_table_of_resources(tmp_path: Path) -> None:
    tables.write(tmp_path, [HISTORY], kind="parquet")
    assert {path.name for path in tmp_path.iterdir()} == {"patients.parquet", "events.parquet"}


NUMBERS = ("-1", "+1.5", "-2e-3")
FORMULAS = (
    *NUMBERS,
    "=cmd",
    "@SUM(1)",
    "+1+cmd",
    "-x",
    "-1\n",
    "\t=1",
    "\r=1",
    "'quoted",
    "plain",
    "a=b",
    "",
)


def test_text_that_a_spreadsheet_executes_is_protected_and_can_be_restored(tmp_path: Path) -> None:
    """In dictionaries and in plain text; a value that is missing, a number and other text are untouched."""
    text = pa.array([*FORMULAS, None])
    columns = {"plain": text, "named": text.dictionary_encode(), "number": pa.array([-1.0] * len(text))}
    tables.write_csv(tmp_path / "a.csv", [pa.table(columns)])
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        _, *rows = csv.reader(file)
    found = [row[0] for row in rows]
    assert found == [row[1] for row in rows] == [*map(without_formula, FORMULAS), ""]
    assert {one for one in found if one.startswith(("=", "+", "-", "@", "\t", "\r"))} == set(NUMBERS)
    assert [one.removeprefix("'") for one in found[:-1]] == list(FORMULAS)
    assert {row[2] for row in rows} == {"-1"}


def test_names_of_stages_and_categories_are_protected_in_every_csv(tmp_path: Path) -> None:
    names = replace(
        LOG.names,
        stages=("door", "=cmd|' /C calc'!A0", "home", "dead"),
        categories=(*LOG.names.categories[:2], ("@SUM(1)", "cns")),
    )
    stages = [replace(one, name=name) for one, name in zip(SCENARIO.stages, names.stages, strict=True)]
    history = History(replace(LOG, names=names), by_hand.no_use(), replace(SCENARIO, stages=tuple(stages)))
    tables.write(tmp_path, [history], kind="csv")
    mstate.write(tmp_path, history, by="stages")
    written = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert set(written) == {"patients.csv", "events.csv", *mstate.FILES}
    for name in ("patients.csv", "events.csv", mstate.MATRIX):
        assert "\"'=cmd|' /C calc'!A0\"" in written[name]
    assert '"\'@SUM(1)"' in written["patients.csv"]
    for text in written.values():
        cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "@"))]
