"""XES by the rules of its XML schema (IEEE 1849-2016), and the same story as the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from sim.event_log.log import ASKS, ENTERS, LEAVES, STAYS
from sim.formats import xes
from sim.formats.patient_rows import dates
from sim.outcomes.history.history import History
from tests.unit.formats import saved_runs
from tests.unit.formats.saved_runs import WARD, saved

DAY_0 = datetime(2000, 1, 3, tzinfo=UTC)
SPACE = f"{{{xes.NAMESPACE}}}"
NAME = re.compile(r"[A-Za-z_:][\w.\-:]*\Z", re.ASCII)
NC_NAME = re.compile(r"[A-Za-z_][\w.\-]*\Z", re.ASCII)
TYPES: dict[str, Any] = {
    "string": str,
    "date": datetime.fromisoformat,
    "int": int,
    "float": float,
    "boolean": {"true": True, "false": False}.__getitem__,
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return saved_runs.history(saved(tmp_path_factory.mktemp("xes"), WARD, replications=2)[0])


@pytest.fixture(scope="module")
def document(history: History) -> ElementTree.Element:
    file = StringIO()
    xes.write(file, history, {"digest": "d1", "seed": 1})
    return ElementTree.fromstring(file.getvalue())


def tag(element: ElementTree.Element) -> str:
    assert element.tag.startswith(SPACE)
    return element.tag.removeprefix(SPACE)


def attributes(element: ElementTree.Element) -> dict[str, Any]:
    """The typed attributes beneath an element: keys are XML names, each there once."""
    found: dict[str, Any] = {}
    for child in element:
        if tag(child) not in TYPES:
            continue
        assert set(child.attrib) == {"key", "value"}
        assert not len(child)
        key = child.attrib["key"]
        assert NAME.match(key), key
        assert key not in found
        found[key] = TYPES[tag(child)](child.attrib["value"])
    return found


def events(trace: ElementTree.Element) -> Iterator[dict[str, Any]]:
    return (attributes(event) for event in trace.iter(f"{SPACE}event"))


def test_the_document_has_the_parts_of_its_schema_in_order(document: ElementTree.Element) -> None:
    assert tag(document) == "log"
    assert float(document.attrib["xes.version"]) == 1849.2016
    order = ["extension", "global", "classifier", "attribute", "trace"]
    parts = ["attribute" if tag(child) in TYPES else tag(child) for child in document]
    assert parts == sorted(parts, key=order.index)
    assert set(parts) == set(order)
    for trace in document.iter(f"{SPACE}trace"):
        kinds = [tag(child) == "event" for child in trace]
        assert kinds == sorted(kinds)


def test_extensions_globals_and_classifiers_are_declared_and_kept(document: ElementTree.Element) -> None:
    declared = {child.attrib["prefix"] for child in document.iter(f"{SPACE}extension")}
    for child in document.iter(f"{SPACE}extension"):
        assert NC_NAME.match(child.attrib["name"])
        assert child.attrib["uri"] == f"{xes.NAMESPACE}{child.attrib['prefix']}.xesext"
    prefixes = {e.attrib["key"].partition(":")[0] for e in document.iter() if ":" in e.attrib.get("key", "")}
    assert prefixes == declared
    scopes = {child.attrib["scope"]: set(attributes(child)) for child in document.iter(f"{SPACE}global")}
    for scope, needed in scopes.items():
        assert all(needed <= set(attributes(one)) for one in document.iter(f"{SPACE}{scope}"))
    for child in document.iter(f"{SPACE}classifier"):
        assert NC_NAME.match(child.attrib["name"])
        assert set(child.attrib["keys"].split()) <= scopes["event"]


def test_a_key_has_one_type_throughout(document: ElementTree.Element) -> None:
    kinds: dict[str, set[str]] = {}
    for element in document.iter():
        if "key" in element.attrib:
            kinds.setdefault(element.attrib["key"], set()).add(tag(element))
    assert [key for key, types in kinds.items() if len(types) > 1] == []
    assert kinds["attributes.doses"] == {"float"}
    assert kinds["attributes.fit"] == {"boolean"}
    assert kinds["at_start.first_site"] == {"string"}  # `first site`; the attribute first_site is another
    assert kinds["at_start.first_site_2"] == {"float"}


def test_a_trace_for_each_patient_with_its_attributes(
    history: History, document: ElementTree.Element
) -> None:
    log = history.log
    traces = list(document.iter(f"{SPACE}trace"))
    assert len(traces) == log.n_patients == 120
    sites = log.names.categories[log.names.attributes.index("first site")]
    assert set(sites) == {"<bm>", 'c&ns "x"'}
    for i, trace in enumerate(traces):
        found = attributes(trace)
        assert found["concept:name"] == f"{log.replication[i]}.{log.patient[i]}"
        assert found["start_day"] == log.begins[i]
        assert found["at_start.age"] == log.at_start[i, 0]
        assert found["at_start.fit"] is bool(log.at_start[i, 1])
        assert found["at_start.first_site"] == sites[int(log.at_start[i, 2])]
        assert found["at_end.doses"] == log.at_end[i, 4]


def test_life_cycles_are_those_of_the_standard(document: ElementTree.Element) -> None:
    """A stage is scheduled or not, started, completed; what was scheduled is started or withdrawn."""
    seen = set()
    for trace in document.iter(f"{SPACE}trace"):
        scheduled = started = ""
        for event in events(trace):
            name, step = event["concept:name"], event["lifecycle:transition"]
            seen.add(step)
            if step == "schedule":
                assert not scheduled and not started
                scheduled = name
            elif step == "withdraw":
                assert scheduled == name
                scheduled = ""
            elif step == "start":
                assert not started and scheduled in ("", name)
                scheduled, started = "", name
            elif name == "ward" or name == "home":
                assert started == name
                started = ""
    assert seen == {"schedule", "start", "complete", "withdraw"}


def test_the_events_are_the_rows_of_the_log(history: History, document: ElementTree.Element) -> None:
    """Without the completions of stages left there is one event for each row, in order, at its time."""
    log, names = history.log, history.log.names
    steps = {ASKS: {"schedule"}, LEAVES: {"withdraw"}, ENTERS: {"start", "complete"}, STAYS: {"complete"}}
    row = 0
    for i, trace in enumerate(document.iter(f"{SPACE}trace")):
        started = ""
        for event in events(trace):
            if event["lifecycle:transition"] == "complete" and event["concept:name"] == started:
                started = ""
                continue
            started = event["concept:name"] if event["lifecycle:transition"] == "start" else started
            to = names.stages[log.stage_to[row]] if log.stage_to[row] >= 0 else names.events[log.event[row]]
            assert event["concept:name"] == to
            assert event["event"] == names.events[log.event[row]]
            assert event.get("rule", "") == (names.rules[log.rule[row]] if log.rule[row] >= 0 else "")
            assert event["lifecycle:transition"] in steps[int(log.does[row])]
            assert event["time_days"] == log.time[row]
            wanted = DAY_0 + timedelta(days=float(log.begins[i] + log.time[row]))
            assert abs(event["time:timestamp"] - wanted) <= timedelta(milliseconds=0.51)
            row += 1
        assert row == log.row_of[i + 1]


def test_changes_stand_on_the_event_that_made_them(history: History, document: ElementTree.Element) -> None:
    log = history.log
    found = [attributes(event) for event in document.iter(f"{SPACE}event")]
    for name, key in xes.attribute_keys(log.names.attributes).items():
        given = [event[f"attributes.{key}"] for event in found if f"attributes.{key}" in event]
        made = log.change_value[log.change_what == log.names.attributes.index(name)].tolist()
        assert given == made, name
        assert bool(made) == (name in ("fit", "doses", "first_site"))


def test_what_stands_in_a_name_does_not_break_the_document(document: ElementTree.Element) -> None:
    assert attributes(document)["concept:name"] == "A ward & <its> queue"


def test_characters_that_xml_excludes_are_replaced(history: History) -> None:
    """A scenario cannot contain them, but a run that an old version saved can."""
    log, scenario = history.log, replace(history.scenario, title="a\x1b]0;x\x07 \ufffe\tb")
    site = log.names.attributes.index("first site")
    categories = (*log.names.categories[:site], ("bm\x01", "cns\x00"), *log.names.categories[site + 1 :])
    log = replace(log, names=replace(log.names, categories=categories))
    file = StringIO()
    xes.write(file, History(log, history.use, scenario), {"digest": "\x02"})
    root = ElementTree.fromstring(file.getvalue())
    found = attributes(root)
    assert (found["concept:name"], found["scenario_digest"]) == ("a\ufffd]0;x\ufffd \ufffd\tb", "\ufffd")
    sites = {attributes(trace)["at_start.first_site"] for trace in root.iter(f"{SPACE}trace")}
    assert sites == {"bm\ufffd", "cns\ufffd"}


def test_dates_beyond_the_year_9999_and_at_half_milliseconds() -> None:
    assert dates(np.array([0.0, 0.25, 146_097.0 * 25])) == [
        "2000-01-03T00:00:00.000+00:00",
        "2000-01-03T06:00:00.000+00:00",
        "12000-01-03T00:00:00.000+00:00",
    ]


def test_many_patients_are_written_as_few_are(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """The groups in which patients are read leave no trace in the file."""
    whole, parts = StringIO(), StringIO()
    xes.write(whole, history, {})
    monkeypatch.setattr("sim.formats.patient_rows.PATIENTS_AT_ONCE", 7)
    xes.write(parts, history, {})
    assert parts.getvalue() == whole.getvalue()
