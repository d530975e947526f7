"""The event log as OCEL 2.0 in its JSON serialisation (object-centric process mining, ocel-standard.org).

Objects are patients and, if the scenario has any, the resources of each replication. Values that change
over time are dated values of their attributes. An event is a row of the log. Objects and events are
written one by one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

import numpy as np

from sim.event_log.arrow_tables import YES_NO
from sim.event_log.log import ASKS, ENTERS, GRANTED, LEAVES, STAYS, EventLog
from sim.formats.patient_rows import EPOCH, Patient, attribute_value, dates, iterate_patients
from sim.outcomes.history.history import NEVER, History, holds

PATIENT, RESOURCE = "patient", "resource"
ACTIVITY = {ENTERS: "{stage}", ASKS: "{stage}: asked for", LEAVES: "{stage}: given up"}
QUALIFIER = {ENTERS: "uses", ASKS: "waits for", LEAVES: "gives up waiting for"}
EVENT_ATTRIBUTES = {"event": "string", "rule": "string", "from_stage": "string", "time_days": "float"}
RESOURCE_ATTRIBUTES = {"name": "string", "in_use": "integer", "queue": "integer", "capacity": "integer"}


def write(file: TextIO, history: History, provenance: Mapping[str, Any]) -> None:
    """Write the whole log as one OCEL document, which has no place for the provenance."""
    resources = history.log.names.resources
    object_types = [_declared(PATIENT, _patient_attributes(history.log))]
    if resources:
        object_types.append(_declared(RESOURCE, RESOURCE_ATTRIBUTES))
    parts: dict[str, Iterable[Any]] = {
        "objectTypes": object_types,
        "eventTypes": [_declared(name, EVENT_ATTRIBUTES) for name in _activities(history.log)],
        "objects": _objects(history),
        "events": _events(history),
    }
    file.write("{")
    for i, (name, items) in enumerate(parts.items()):
        file.write(f'{"," if i else ""}\n"{name}": [')
        for j, item in enumerate(items):
            file.write(f"{',' if j else ''}\n{json.dumps(item, ensure_ascii=False, allow_nan=False)}")
        file.write("\n]")
    file.write("\n}\n")


def _declared(name: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """A type of objects or events with the types of its attributes."""
    return {"name": name, "attributes": [{"name": key, "type": kind} for key, kind in attributes.items()]}


def _patient_attributes(log: EventLog) -> dict[str, str]:
    kinds = {(): "float", YES_NO: "boolean"}
    names = zip(log.names.attributes, log.names.categories, strict=True)
    ids = {"id": "string"} if log.names.ids else {}
    return {**ids, **{name: kinds.get(categories, "string") for name, categories in names}}


def _activities(log: EventLog) -> list[str]:
    """The types of the events in the log, in the order of the scenario."""
    names = log.names
    found = []
    for does in (ENTERS, ASKS, LEAVES):
        stages = np.unique(log.stage_to[log.does == does]).tolist()
        found += [ACTIVITY[does].format(stage=names.stages[stage]) for stage in stages]
    found += [names.events[event] for event in np.unique(log.event[log.does == STAYS]).tolist()]
    return list(dict.fromkeys(found))


# ---------------------------------------------------------------- objects


def _objects(history: History) -> Iterator[dict[str, Any]]:
    for patient in iterate_patients(history.log):
        attributes = _attributes_over_time(history.log, patient)
        yield {"id": patient_id(patient), "type": PATIENT, "attributes": attributes}
    if history.log.names.resources:
        yield from _resources(history)


def patient_id(patient: Patient) -> str:
    """`patient REPLICATION.PATIENT`."""
    return f"{PATIENT} {patient.name}"


def _attributes_over_time(log: EventLog, patient: Patient) -> list[dict[str, Any]]:
    """The attributes at the start, then each change; of several at one time the last."""
    values: dict[tuple[str, str], Any] = {}
    if log.names.ids:
        values["id", patient.start] = log.names.id_of(int(log.patient[patient.log_index]))
    for attribute, name in enumerate(log.names.attributes):
        number = float(log.at_start[patient.log_index, attribute])
        values[name, patient.start] = attribute_value(log, attribute, number)
    for row in patient.rows:
        for name, value in row.changes:
            values[name, row.date] = value
    return _dated(values)


def _dated(values: Mapping[tuple[str, str], Any]) -> list[dict[str, Any]]:
    """Values by name and date, as OCEL lists them."""
    return [{"name": name, "time": date, "value": value} for (name, date), value in values.items()]


def _resources(history: History) -> Iterator[dict[str, Any]]:
    """Each resource in each replication; a resource that is always available has no recorded use."""
    use, names = history.use, history.log.names.resources
    changes: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, key in enumerate(zip(use.replication.tolist(), use.resource.tolist(), strict=True)):
        changes[key].append(i)
    for replication in np.unique(history.log.replication).tolist():
        for code, name in enumerate(names):
            values: dict[tuple[str, str], Any] = {("name", EPOCH): name}
            rows = changes[replication, code]
            for i, date in zip(rows, dates(use.time[rows]), strict=True):
                for column in ("in_use", "queue", "capacity"):
                    values[column, date] = int(getattr(use, column)[i])
            yield {"id": resource_id(replication, name), "type": RESOURCE, "attributes": _dated(values)}


def resource_id(replication: int, name: str) -> str:
    """`resource REPLICATION.NAME`."""
    return f"{RESOURCE} {replication}.{name}"


# ---------------------------------------------------------------- events


def _events(history: History) -> Iterator[dict[str, Any]]:
    log = history.log
    needed = _needed(history)
    number = 0
    for patient in iterate_patients(log):
        for row in patient.rows:
            values = {
                "event": row.event,
                "rule": row.rule,
                "from_stage": row.from_stage,
                "time_days": row.days,
            }
            related = [{"objectId": patient_id(patient), "qualifier": PATIENT}]
            for name in needed.get(number, ()):
                resource = resource_id(int(log.replication[patient.log_index]), name)
                related.append({"objectId": resource, "qualifier": QUALIFIER[row.does]})
            yield {
                "id": f"event {number}",
                "type": row.event if row.does == STAYS else ACTIVITY[row.does].format(stage=row.to_stage),
                "time": row.date,
                "attributes": [{"name": n, "value": v} for n, v in values.items() if v != ""],
                "relationships": related,
            }
            number += 1


def _needed(history: History) -> dict[int, list[str]]:
    """The resources needed by each row that asks for, enters or gives up a stage.

    Conditions are evaluated just after the row; for a grant or a wait that was given up, when the
    wait began.
    """
    log, found = history.log, defaultdict[int, list[str]](list)
    waits = zip(history.waits.asked.tolist(), history.waits.ended.tolist(), strict=True)
    ended = {asked: end for asked, end in waits if end != NEVER}
    for stage in history.scenario.stages:
        code = log.names.stages.index(stage.name)
        rows = np.flatnonzero((log.stage_to == code) & ((log.event != GRANTED) & (log.does != LEAVES)))
        for need in stage.needs:
            for row in rows[holds(history, need.when, rows)].tolist():
                found[row].append(need.resource)
                if row in ended:
                    found[ended[row]].append(need.resource)
    return dict(found)
