"""The event log as XES, the standard of process mining (IEEE 1849-2016, doi:10.1109/IEEESTD.2016.7740858).

A trace is a patient. A stage is an activity with a life cycle: schedule (the wait for it begins),
start, complete (the patient leaves it, or it takes no time), withdraw (the patient leaves the queue).
An event within a stage is an activity that is complete at once. Traces are written one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO
from xml.sax.saxutils import quoteattr

from sim.event_log.log import ASKS, ENTERS, LEAVES, EventLog
from sim.formats.patient_rows import EPOCH, Patient, Row, Value, attribute_value, iterate_patients
from sim.outcomes.history.history import History

EXTENSIONS = (("Concept", "concept"), ("Time", "time"), ("Lifecycle", "lifecycle"))
NAMESPACE = "http://www.xes-standard.org/"
NOT_IN_A_NAME = re.compile(r"[^\w.\-]", re.ASCII)
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 excludes. A scenario cannot contain them, but a run of an old version can."""


def write(file: TextIO, history: History, provenance: Mapping[str, Any]) -> None:
    """Write the whole log as one XES document."""
    log = history.log
    keys = attribute_keys(log.names.attributes)
    timeless = {stage.name for stage in history.scenario.stages if stage.terminal or stage.decide is not None}
    file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    file.write(f'<log xes.version="1849.2016" xes.features="" xmlns="{NAMESPACE}">\n')
    file.writelines(f"{line}\n" for line in _head(history, provenance))
    for patient in iterate_patients(log):
        file.write("<trace>\n")
        file.writelines(_trace_attributes(log, patient, keys))
        file.writelines(_events(patient, keys, timeless))
        file.write("</trace>\n")
    file.write("</log>\n")


def attribute_keys(attributes: Iterable[str]) -> dict[str, str]:
    """A unique XML name for each attribute; characters that a name cannot contain become `_`."""
    keys: dict[str, str] = {}
    for name in attributes:
        key = bare = NOT_IN_A_NAME.sub("_", name)
        number = 1
        while key in keys.values():
            number += 1
            key = f"{bare}_{number}"
        keys[name] = key
    return keys


def _head(history: History, provenance: Mapping[str, Any]) -> Iterator[str]:
    for name, prefix in EXTENSIONS:
        yield f'<extension name="{name}" prefix="{prefix}" uri="{NAMESPACE}{prefix}.xesext"/>'
    yield f'<global scope="trace">{typed("concept:name", "")}</global>'
    names = typed("concept:name", "") + typed("lifecycle:transition", "complete")
    yield f'<global scope="event">{names}<date key="time:timestamp" value="{EPOCH}"/></global>'
    yield '<classifier name="Activity" scope="event" keys="concept:name"/>'
    yield '<classifier name="Step" scope="event" keys="concept:name lifecycle:transition"/>'
    yield typed("concept:name", history.scenario.title)
    yield typed("lifecycle:model", "standard")
    yield f'<date key="day_0" value="{EPOCH}"/>'
    yield typed("scenario_digest", str(provenance.get("digest", "")))
    if isinstance(provenance.get("seed"), int):
        yield f'<int key="seed" value="{provenance["seed"]}"/>'


def _trace_attributes(log: EventLog, patient: Patient, keys: Mapping[str, str]) -> Iterator[str]:
    i = patient.log_index
    yield typed("concept:name", patient.name)
    yield f'<int key="replication" value="{log.replication[i]}"/>'
    yield f'<int key="patient" value="{log.patient[i]}"/>'
    if log.names.ids:
        yield typed("id", log.names.id_of(int(log.patient[i])))
    yield typed("start_day", float(log.begins[i])) + typed("follow_up_days", float(log.follow_up[i]))
    for when, values in (("at_start", log.at_start), ("at_end", log.at_end)):
        for attribute, name in enumerate(log.names.attributes):
            value = attribute_value(log, attribute, float(values[i, attribute]))
            yield typed(f"{when}.{keys[name]}", value)
    yield "\n"


def _events(patient: Patient, keys: Mapping[str, str], timeless: set[str]) -> Iterator[str]:
    """Each row as one event, or as two where it ends a stage and begins another."""
    started = ""
    for row in patient.rows:
        if started and row.does in (ENTERS, ASKS):
            yield _event(row, started, "complete", keys, changes=False)
            started = ""
        if row.does == ASKS:
            yield _event(row, row.to_stage, "schedule", keys)
        elif row.does == LEAVES:
            yield _event(row, row.to_stage, "withdraw", keys)
        elif row.does == ENTERS and row.to_stage not in timeless:
            started = row.to_stage
            yield _event(row, started, "start", keys)
        else:
            yield _event(row, row.to_stage or row.event, "complete", keys)


def _event(row: Row, activity: str, transition: str, keys: Mapping[str, str], *, changes: bool = True) -> str:
    parts = [
        "<event>",
        typed("concept:name", activity),
        typed("lifecycle:transition", transition),
        f'<date key="time:timestamp" value="{row.date}"/>',
        typed("time_days", row.days),
        typed("event", row.event),
    ]
    if row.rule:
        parts.append(typed("rule", row.rule))
    if changes:  # of several changes of an attribute in one row the last counts
        parts += [typed(f"attributes.{keys[name]}", value) for name, value in dict(row.changes).items()]
    return "".join([*parts, "</event>\n"])


def typed(key: str, value: Value) -> str:
    """An attribute as an XML element of its type."""
    if isinstance(value, bool):
        return f'<boolean key="{key}" value="{"true" if value else "false"}"/>'
    if isinstance(value, float):
        return f'<float key="{key}" value="{value!r}"/>'
    text = NOT_IN_XML.sub("\ufffd", value)
    return f'<string key="{key}" value={quoteattr(text)}/>'
