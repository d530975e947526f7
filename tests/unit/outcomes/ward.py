"""A ward with a theatre, written by hand: the scenario of the tests of endpoints and queues."""

from __future__ import annotations

import json
from typing import Any

from sim.event_log.log import ResourceUse
from sim.outcomes.results import Results
from sim.outcomes.summary import DEFAULT_TIMES
from sim.scenario.language import model as m
from tests import example_logs as by_hand
from tests.example_logs import Patient, enters, happens, outcome, stays, test
from tests.example_runs import log_results
from tests.rows import OutcomeRows

BED = m.Need(None, "bed", by_hand.HERE)
STAGES = [
    by_hand.stage("ward", "ill"),
    by_hand.stage("choice", decision=True),
    by_hand.stage("theatre", "ill", needs=[BED]),
    by_hand.stage("recovery", needs=[m.Need(test("grade", "at_least", 3.0), "bed", by_hand.HERE)]),
    by_hand.stage("home", "well"),
    by_hand.stage("dead", "dead", terminal=True),
]
ATTRIBUTES = [by_hand.number("grade"), by_hand.category("site", "marrow", "cns"), by_hand.yes_no("fit")]
EVENTS = ["a.next", "ward.dose"]
DOSE = happens("event", "ward.dose")
OPTIONS = ("resources", "at", "follow_up", "replications")


def results_of(
    patients: list[Patient],
    *outcomes: m.Outcome,
    use: ResourceUse | None = None,
    at: Any = DEFAULT_TIMES,
    replications: int | None = None,
    **settings: Any,
) -> Results:
    """The results of these patients."""
    scenario = by_hand.scenario(STAGES, attributes=ATTRIBUTES, outcomes=outcomes, **settings)
    log = by_hand.event_log(scenario, patients, events=EVENTS)
    found = log_results(log, use or by_hand.no_use(), scenario, at=at, replications=replications)
    json.dumps(found.as_json(), allow_nan=False)
    return found


def rows_of(patients: list[Patient], kind: str, **fields: Any) -> OutcomeRows:
    """The rows of one outcome of these patients."""
    settings = {name: fields.pop(name) for name in OPTIONS if name in fields}
    return OutcomeRows(results_of(patients, outcome(kind, **fields), **settings))


def doses(*numbers: int, **fields: Any) -> list[Patient]:
    """Patients with so many doses, one a day."""
    return [
        Patient([enters(0, "ward"), *[stays(i, "ward.dose") for i in range(1, n + 1)]], **fields)
        for n in numbers
    ]
