"""The event log as OCEL 2.0 in its JSON serialisation (object-centric process mining, ocel-standard.org).

Objects are patients, and the resources of each replication where the scenario has any; what changes
of them in time is kept as dated values of their attributes. An event is a row of the log. Written
as it is read, object by object and event by event.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO

import numpy as np

from sim.event_log.arrow_tables import YES_NO
from sim.event_log.log import ASKS, ENTERS, GRANTED, LEAVES, STAYS, EventLog
from sim.export.patient_rows import EPOCH, Life, attribute_value, dates, lives
from sim.outcomes.history.conditions import holds
from sim.outcomes.history.history import NEVER, History

PATIENT, RESOURCE = "patient", "resource"
ACTIVITY = {ENTERS: "{stage}", ASKS: "{stage}: asked for", LEAVES: "{stage}: given up"}
QUALIFIER = {ENTERS: "uses", ASKS: "waits for", LEAVES: "gives up waiting for"}
EVENT_ATTRIBUTES = {"event": "string", "rule": "string", "from_stage": "string", "time_days": "float"}
RESOURCE_ATTRIBUTES = {"name": "string", "in_use": "integer", "queue": "integer", "capacity": "integer"}


def write(file: TextIO, history: History, provenance: Mapping[str, Any]) -> None:
    """The whole log as one OCEL document. The provenance has no place in it."""
    resources = history.log.names.resources
    types = [{"name": PATIENT, "attributes": _listed(_patient_attributes(history.log))}]
    if resources:
        types.append({"name": RESOURCE, "attributes": _listed(RESOURCE_ATTRIBUTES)})
    activities = [
        {"name": name, "attributes": _listed(EVENT_ATTRIBUTES)} for name in _activities(history.log)
    ]
    parts: dict[str, Iterable[Any]] = {
        "objectTypes": types,
        "eventTypes": activities,
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


def _listed(attributes: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in attributes.items()]


def _patient_attributes(log: EventLog) -> dict[str, str]:
    kinds = {(): "float", YES_NO: "boolean"}
    names = zip(log.names.attributes, log.names.categories, strict=True)
    return {name: kinds.get(categories, "string") for name, categories in names}


def _activities(log: EventLog) -> list[str]:
    """The types of events there are, in the order of the scenario."""
    names = log.names
    found = []
    for does in (ENTERS, ASKS, LEAVES):
        stages = np.unique(log.stage_to[log.does == does]).tolist()
        found += [ACTIVITY[does].format(stage=names.stages[stage]) for stage in stages]
    found += [names.events[event] for event in np.unique(log.event[log.does == STAYS]).tolist()]
    return list(dict.fromkeys(found))


# ---------------------------------------------------------------- objects


def _objects(history: History) -> Iterator[dict[str, Any]]:
    log = history.log
    for life in lives(log):
        yield {"id": patient_id(life), "type": PATIENT, "attributes": _dated(log, life)}
    if log.names.resources:
        yield from _resources(history)


def patient_id(life: Life) -> str:
    """`patient REPLICATION.PATIENT`."""
    return f"{PATIENT} {life.name}"


def _dated(log: EventLog, life: Life) -> list[dict[str, Any]]:
    """The attributes at the start, then each change; of several at one moment the last."""
    values: dict[tuple[str, str], Any] = {}
    for what, name in enumerate(log.names.attributes):
        values[name, life.start] = attribute_value(log, what, float(log.at_start[life.at, what]))
    for row in life.rows:
        for name, value in row.changes:
            values[name, row.date] = value
    return [{"name": name, "time": date, "value": value} for (name, date), value in values.items()]


def _resources(history: History) -> Iterator[dict[str, Any]]:
    """Each resource in each replication; one that cannot be waited for has no use to tell."""
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
            attributes = [{"name": n, "time": date, "value": v} for (n, date), v in values.items()]
            yield {"id": resource_id(replication, name), "type": RESOURCE, "attributes": attributes}


def resource_id(replication: int, name: str) -> str:
    """`resource REPLICATION.NAME`."""
    return f"{RESOURCE} {replication}.{name}"


# ---------------------------------------------------------------- events


def _events(history: History) -> Iterator[dict[str, Any]]:
    log = history.log
    needed = _needed(history)
    number = 0
    for life in lives(log):
        for row in life.rows:
            values = {
                "event": row.event,
                "rule": row.rule,
                "from_stage": row.from_stage,
                "time_days": row.days,
            }
            related = [{"objectId": patient_id(life), "qualifier": PATIENT}]
            for name in needed.get(number, ()):
                resource = resource_id(int(log.replication[life.at]), name)
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
    """For each row that asks for, enters or gives up a stage the resources that it needs.

    Read just after the row, and for a grant or a wait given up when it was asked for.
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
