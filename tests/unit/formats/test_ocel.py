"""OCEL 2.0 by the facts of its JSON schema, and the same story as the log."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import pairwise
from typing import Any

import jsonschema
import numpy as np
import pytest

from sim.event_log.log import ASKS, ENTERS, LEAVES
from sim.formats import ocel
from sim.outcomes.history.history import History
from tests.unit.formats import saved_runs
from tests.unit.formats.saved_runs import WARD, saved

DAY_0 = datetime(2000, 1, 3, tzinfo=UTC)
TEXT = {"type": "string"}
TYPES = {"string": str, "float": float, "integer": int, "boolean": bool}


def listed(**properties: Any) -> dict[str, Any]:
    """An array of mappings that have these keys and no others."""
    item = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"type": "array", "items": item}


DECLARED = listed(
    name=TEXT, attributes=listed(name=TEXT, type={"enum": ["string", "time", "integer", "float", "boolean"]})
)
TIME = {"type": "string", "format": "date-time"}
VALUE = {"type": ["string", "number", "boolean"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "objectTypes": DECLARED,
        "eventTypes": DECLARED,
        "objects": listed(id=TEXT, type=TEXT, attributes=listed(name=TEXT, time=TIME, value=VALUE)),
        "events": listed(
            id=TEXT, type=TEXT, time=TIME,
            attributes=listed(name=TEXT, value=VALUE),
            relationships=listed(objectId=TEXT, qualifier=TEXT),
        ),
    },
    "required": ["objectTypes", "eventTypes", "objects", "events"],
    "additionalProperties": False,
}  # fmt: skip
"""OCEL 2.0, chapter on JSON (ocel-standard.org): these four lists, and what an entry of each must have."""


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return saved_runs.history(saved(tmp_path_factory.mktemp("ocel"), WARD, replications=2)[0])


def written(history: History) -> dict[str, Any]:
    file = StringIO()
    ocel.write(file, history, {})
    found = json.loads(file.getvalue())
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def document(history: History) -> dict[str, Any]:
    return written(history)


def test_the_document_has_the_form_of_the_standard(document: dict[str, Any]) -> None:
    jsonschema.validate(document, SCHEMA)


def test_types_are_declared_and_ids_are_unique(document: dict[str, Any]) -> None:
    for things, types in (("objects", "objectTypes"), ("events", "eventTypes")):
        declared = {one["name"]: {a["name"]: a["type"] for a in one["attributes"]} for one in document[types]}
        assert len(declared) == len(document[types])
        assert {one["type"] for one in document[things]} == set(declared)
        ids = [one["id"] for one in document[things]]
        assert len(set(ids)) == len(ids)
        for one in document[things]:
            for attribute in one["attributes"]:
                kind = TYPES[declared[one["type"]][attribute["name"]]]
                assert isinstance(attribute["value"], kind), attribute
                datetime.fromisoformat(attribute.get("time", one.get("time")))
    ids = {one["id"] for one in document["objects"]}
    assert all(r["objectId"] in ids for one in document["events"] for r in one["relationships"])


def test_a_value_of_an_object_is_told_once_for_a_moment(document: dict[str, Any]) -> None:
    for one in document["objects"]:
        moments = [(a["name"], a["time"]) for a in one["attributes"]]
        assert len(set(moments)) == len(moments)


def test_patients_have_their_attributes_through_time(history: History, document: dict[str, Any]) -> None:
    """From what holds once all is done that happens at the start to what holds at the end."""
    log = history.log
    timeless = np.array([np.flatnonzero(log.time[a:b] == 0)[-1] + a for a, b in pairwise(log.row_of)])
    at_once = {name: history.attribute(name, timeless) for name in log.names.attributes}
    assert (at_once["first_site"] != log.at_start[:, 3]).any()
    patients = [one for one in document["objects"] if one["type"] == "patient"]
    assert len(patients) == log.n_patients
    for i, one in enumerate(patients):
        assert one["id"] == f"patient {log.replication[i]}.{log.patient[i]}"
        values: dict[str, list[Any]] = {}
        for attribute in one["attributes"]:
            values.setdefault(attribute["name"], []).append(attribute["value"])
        for what, name in enumerate(log.names.attributes):
            categories = log.names.categories[what]
            ends = [at_once[name][i], log.at_end[i, what]]
            known = [categories[int(v)] if categories and name != "fit" else v for v in ends]
            assert [values[name][0], values[name][-1]] == known, name


def test_events_are_the_rows_of_the_log(history: History, document: dict[str, Any]) -> None:
    log, names = history.log, history.log.names
    suffix = {ENTERS: "", ASKS: ": asked for", LEAVES: ": given up"}
    assert len(document["events"]) == log.n_rows
    whose = log.patient_of_row()
    for row, event in enumerate(document["events"]):
        to, does = log.stage_to[row], int(log.does[row])
        name = names.stages[to] + suffix[does] if to >= 0 else names.events[log.event[row]]
        assert event["type"] == name
        attributes = {a["name"]: a["value"] for a in event["attributes"]}
        assert attributes["event"] == names.events[log.event[row]]
        assert attributes["time_days"] == log.time[row]
        i = whose[row]
        wanted = DAY_0 + timedelta(days=float(log.begins[i] + log.time[row]))
        assert abs(datetime.fromisoformat(event["time"]) - wanted) <= timedelta(milliseconds=0.51)
        assert event["relationships"][0] == {
            "objectId": f"patient {log.replication[i]}.{log.patient[i]}", "qualifier": "patient"
        }  # fmt: skip


def test_events_name_the_resources_they_are_about(history: History, document: dict[str, Any]) -> None:
    """A bed always, a nurse for who is not fit; of a wait the same at its beginning and its end."""
    log = history.log
    ward = history.log.names.stages.index("ward")
    fit = history.attribute("fit", np.arange(log.n_rows)) == 1
    found: Counter[tuple[str, str]] = Counter()
    whose = log.patient_of_row()
    for row, event in enumerate(document["events"]):
        related = event["relationships"][1:]
        verb = {ENTERS: "uses", ASKS: "waits for", LEAVES: "gives up waiting for"}.get(int(log.does[row]), "")
        replication = log.replication[whose[row]]
        names = ["bed", *([] if fit[row] else ["nurse"])] if log.stage_to[row] == ward else []
        assert related == [{"objectId": f"resource {replication}.{n}", "qualifier": verb} for n in names]
        found.update((r["objectId"], r["qualifier"]) for r in related)
    assert {verb for _, verb in found} == {"uses", "waits for", "gives up waiting for"}
    for replication in (0, 1):
        n = sum(found[f"resource {replication}.bed", verb] for verb in ("uses", "gives up waiting for"))
        assert n >= found[f"resource {replication}.bed", "waits for"] > 10


def test_resources_have_their_use_through_time(history: History, document: dict[str, Any]) -> None:
    use = history.use
    resources = {one["id"]: one["attributes"] for one in document["objects"] if one["type"] == "resource"}
    assert set(resources) == {f"resource {r}.{name}" for r in (0, 1) for name in ("bed", "nurse")}
    assert [a["name"] for a in resources["resource 0.nurse"]] == ["name"]
    for replication in (0, 1):
        told = [a["value"] for a in resources[f"resource {replication}.bed"] if a["name"] == "in_use"]
        mine = use.replication == replication
        assert told[-1] == use.in_use[mine][-1]
        assert max(told) == use.in_use[mine].max() == 5
        assert len(told) == len(np.unique(np.rint(use.time[mine] * 86_400_000)))


def test_without_resources_there_are_patients_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    text = WARD.replace("resources: {bed: {capacity: 5}, nurse: {capacity: unlimited}}\n", "")
    text = text.replace("      needs: [bed, {when: {fit: false}, resource: nurse}]\n", "")
    document = written(saved_runs.history(saved(tmp_path_factory.mktemp("alone"), text)[0]))
    jsonschema.validate(document, SCHEMA)
    assert [one["name"] for one in document["objectTypes"]] == ["patient"]
    assert {r["qualifier"] for one in document["events"] for r in one["relationships"]} == {"patient"}
