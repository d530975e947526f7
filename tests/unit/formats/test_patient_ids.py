"""The identifiers of a table of patients in every output."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from sim.formats import export
from sim.outcomes.history.history import History
from sim.report.text.story import story
from tests.cohorts import run
from tests.unit.formats.saved_runs import history, read_csv, saved

WAITING = """\
format: 1
title: A waiting list with identifiers
horizon: 60 days
states: {ill: {}, away: {}}
patients:
  number: 1
  arrive: {every: 5 days}
  table: "id,waiting_for,days_waiting,age\\nP07,surgery,9,61\\nP03,surgery,12,62\\n"
  attributes: {age: 50}
pathway:
  start: surgery
  stages:
    surgery: {state: ill, needs: slot, events: {done: {after: {fixed: 7 days}, to: gone}}}
    gone: {state: away, terminal: true}
resources: {slot: {capacity: 1}}
"""
IDS = ["P07", "P03", None]
"""Two of the table, and one who arrives."""


@pytest.fixture(scope="module")
def of_run(tmp_path_factory: pytest.TempPathFactory) -> History:
    return history(saved(tmp_path_factory.mktemp("ids"), WAITING)[0])


def ids_of(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(one) else str(one) for one in column]


def test_tables(of_run: History, tmp_path: Path) -> None:
    provenance = {"seed": 1}
    export([of_run], tmp_path / "csv", to="csv", provenance=provenance)
    assert ids_of(read_csv(tmp_path / "csv" / "patients.csv")["id"]) == IDS
    events = read_csv(tmp_path / "csv" / "events.csv")
    assert ids_of(events.drop_duplicates("patient")["id"]) == IDS
    export([of_run], tmp_path / "parquet", to="parquet", provenance=provenance)
    assert ids_of(pd.read_parquet(tmp_path / "parquet" / "patients.parquet")["id"]) == IDS
    export([of_run], tmp_path / "mstate", to="mstate", provenance=provenance)
    (data,) = (file for file in (tmp_path / "mstate").glob("*.csv") if "patient_id" in file.read_text())
    assert ids_of(read_csv(data).drop_duplicates("patient")["patient_id"]) == IDS


def test_event_logs(of_run: History, tmp_path: Path) -> None:
    provenance = {"seed": 1, "scenario": {}, "versions": {}, "command": ""}
    export([of_run], tmp_path / "log.xes", to="xes", provenance=provenance)
    found = [
        one.get("value") for one in ElementTree.parse(tmp_path / "log.xes").iter() if one.get("key") == "id"
    ]
    assert found == ["P07", "P03", ""]
    export([of_run], tmp_path / "log.json", to="ocel", provenance=provenance)
    objects = json.loads((tmp_path / "log.json").read_text())["objects"]
    given = [a["value"] for one in objects for a in one["attributes"] if a["name"] == "id"]
    assert given == ["P07", "P03", ""]


def test_trace(of_run: History) -> None:
    told = [story(of_run.log, of_run.scenario, i).patient for i in range(3)]
    assert told == ["Patient 0 (P07)", "Patient 1 (P03)", "Patient 2"]
    granted = story(of_run.log, of_run.scenario, 0).lines[1].text
    assert granted.startswith("resources granted after 16 days")


def test_rows_that_are_used_again_have_the_same_identifier() -> None:
    text = WAITING.replace("number: 1", "number: 5").replace("waiting_for,days_waiting,age", "age")
    text = text.replace("surgery,9,61", "61").replace("surgery,12,62", "62")
    names = run(text).log.names
    assert [names.id_of(i) for i in range(5)] == ["P07", "P03", "P07", "P03", "P07"]
