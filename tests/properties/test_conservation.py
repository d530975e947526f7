"""Random pathways with limited resources: no unit is lost, granted twice, or granted out of turn.

Everything is computed again from the event log and compared with the resource use that the engine wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sim.engine.run import Result, simulate
from sim.event_log.log import ASKS, FREE_OF, GRANTED, HOLDS, LEFT_QUEUE, WAITS_FOR
from sim.outcomes.history.history import History
from sim.pathway.tables import Pathway
from sim.scenario.language.model import Resource
from sim.scenario.language.resources import DAYS
from sim.scenario.source import tree
from tests.cohorts import compiled, sizes
from tests.properties.random_pathways import pathways, write

NAMES = ("bed", "nurse", "theatre")
CAPACITIES = (1, 2, 3, "unlimited", {"0 days": 2, "20 days": 1, "70 days": 3}, {"0 days": 0, "15 days": 2})
CALENDARS = (
    "every day",
    "weekdays",
    ["monday", "thursday"],
    {"tuesday": ["8 hours", "17 hours"], "sunday": ["0 hours", "24 hours"]},
    {"sunday": ["12 hours", "24 hours"], "monday": ["0 hours", "12 hours"]},
)
QUEUES = ("first_come", "first_come", {"by": "age", "first": "highest"}, {"by": "grade", "first": "lowest"})
NEEDS = (
    "bed",
    ["bed", "nurse"],
    ["nurse", "theatre"],
    ["theatre", "bed", "nurse"],
    [{"when": {"fit": True}, "resource": "bed"}, {"when": {"grade": {"at_least": 2}}, "resource": "nurse"}],
    ["nurse", {"when": {"queue.bed": {"below": 3}}, "resource": "bed"}],
)


@st.composite
def contested(draw: Any) -> dict[str, Any]:
    """A random pathway whose stages need up to three resources."""
    spec = draw(pathways())
    spec["resources"] = {
        name: {
            "capacity": draw(st.sampled_from(CAPACITIES)),
            "open": draw(st.sampled_from(CALENDARS)),
            "queue": draw(st.sampled_from(QUEUES)),
            "release": draw(st.sampled_from(("on_leaving", "on_leaving", "when_next_granted"))),
        }
        for name in NAMES
    }
    for stage in spec["pathway"]["stages"].values():
        if "decide" not in stage and not stage.get("terminal") and draw(st.integers(0, 3)):
            stage["needs"] = draw(st.sampled_from(NEEDS))
    spec["patients"]["number"] = 60
    spec["patients"]["arrive"] = draw(st.sampled_from(({"poisson": "1 per day"}, {"every": "12 hours"})))
    if draw(st.booleans()):
        spec["patients"]["follow_up"] = "90 days"
    return dict(spec)


@dataclass
class Dealings:
    """The resources of one patient. changes: (day, code, FREE_OF | WAITS_FOR | HOLDS)."""

    changes: list[tuple[float, int, float]]
    wanted: list[tuple[float, float, frozenset[int], bool]]
    """Requests: start, end, the resources, whether they were granted."""


def dealings_of(result: Result) -> list[Dealings]:
    """For each patient every change, including those at the end of follow-up, and every wait."""
    log = result.log
    first = len(log.names.attributes) + len(log.names.stamps)
    found = []
    for i in range(log.n_patients):
        patient = Dealings([], [])
        holds: dict[int, float] = {}
        waits_since, wanted = None, frozenset[int]()
        for row in range(log.row_of[i], log.row_of[i + 1]):
            day = log.begins[i] + log.time[row]
            here = range(log.change_of[row], log.change_of[row + 1])
            which = [(int(log.change_what[c]) - first, float(log.change_value[c])) for c in here]
            of_resources = [(code, value) for code, value in which if code >= 0]
            if waits_since is not None and log.event[row] in (GRANTED, LEFT_QUEUE):
                patient.wanted.append((waits_since, day, wanted, log.event[row] == GRANTED))
                waits_since = None
            for code, value in of_resources:
                before = holds.get(code, FREE_OF)
                assert value != before, "a change has a new value"
                assert (before, value) != (FREE_OF, HOLDS), "a grant follows a request"
                assert (before, value) != (HOLDS, WAITS_FOR), "a unit held is not requested"
                holds[code] = value
                patient.changes.append((day, code, value))
            if log.does[row] == ASKS:
                waits_since = day
                wanted = frozenset(code for code, value in of_resources if value == WAITS_FOR)
                assert wanted, "a request names a resource"
            if log.event[row] == GRANTED:
                assert {code for code, value in of_resources if value == HOLDS} == set(wanted)
        last = log.begins[i] + log.ends[i]
        if waits_since is not None:
            patient.wanted.append((waits_since, last, wanted, False))
        patient.changes += [(last, code, FREE_OF) for code, value in holds.items() if value != FREE_OF]
        found.append(patient)
    return found


def units(resource: Resource, day: float) -> float:
    return np.inf if resource.capacity is None else [n for begin, n in resource.capacity if begin <= day][-1]


def is_open(resource: Resource, day: float) -> bool:
    """Day 0 is a Monday; a resource closes 64 grid points before its closing hour."""
    if resource.calendar is None:
        return True
    if resource.calendar == "weekdays":
        return day % 7 < 5 - 64 / 2**20
    hours = resource.calendar.get(DAYS[int(day % 7)])  # type: ignore[union-attr]
    if hours is None:
        return False
    goes_on = hours[1] == 1.0 and DAYS[int((day + 1) % 7)] in resource.calendar  # type: ignore[operator]
    closes = round(hours[1] * 2**20) - (0 if goes_on else 64)
    return bool(round(hours[0] * 2**20) <= (day % 1) * 2**20 < closes)


def check(pathway: Pathway, result: Result) -> int:
    """Check that resources are conserved; returns the number of grants."""
    scenario, log, use = pathway.scenario, result.log, result.use
    patients = dealings_of(result)
    horizon = scenario.horizon
    shared = [code for code, r in enumerate(scenario.resources) if not r.is_free]
    moments = sorted({day for one in patients for day, *_ in one.changes if day < horizon})
    in_use = np.zeros((len(moments), len(scenario.resources)), dtype=int)
    queue = np.zeros_like(in_use)
    at_moment = {day: n for n, day in enumerate(moments)}
    for one in patients:
        state: dict[int, float] = {}
        for day, code, value in one.changes:
            before = state.get(code, FREE_OF)
            state[code] = value
            if day < horizon:
                n = at_moment[day]
                in_use[n:, code] += (value == HOLDS) - (before == HOLDS)
                queue[n:, code] += (value == WAITS_FOR) - (before == WAITS_FOR)
    for code in shared:
        rows = np.flatnonzero(use.resource == code)
        last = np.searchsorted(use.time[rows], moments, side="right") - 1
        assert np.array_equal(use.in_use[rows][last], in_use[:, code]), "granted = released + held"
        assert np.array_equal(use.queue[rows][last], queue[:, code])
        due = np.array([units(scenario.resources[code], day) for day in moments])
        if np.isfinite(due).all():
            there = use.capacity[rows][last]
            assert there.tolist() == np.maximum(due, in_use[:, code]).tolist()
        inside = np.clip(np.append(use.time[rows], horizon), 0.0, horizon)
        waited = sum(
            min(end, horizon) - begin
            for one in patients
            for begin, end, which, _ in one.wanted
            if code in which
        )
        assert np.diff(inside) @ use.queue[rows] == pytest.approx(waited, abs=1e-6), "Little's law"
    grants = 0
    history = History(log, use, scenario)
    for code in shared:
        resource = scenario.resources[code]
        for n, day in enumerate(moments):
            granted = sum(
                d == day and c == code and v == HOLDS for one in patients for d, c, v in one.changes
            )
            if granted:
                assert is_open(resource, day), "a grant while the resource is closed"
                assert in_use[n, code] <= units(resource, day), "a grant above capacity"
                grants += granted
    available = [
        {
            c
            for c in shared
            if is_open(scenario.resources[c], d) and in_use[n, c] < units(scenario.resources[c], d)
        }
        for n, d in enumerate(moments)
    ]
    for one in patients:
        for begin, end, wanted, _ in one.wanted:
            for n in range(np.searchsorted(moments, begin), np.searchsorted(moments, min(end, horizon))):
                assert not wanted <= available[n], "a patient waits for free resources"
    check_turns(pathway, patients, history)
    return grants


def check_turns(pathway: Pathway, patients: list[Dealings], history: History) -> None:
    """Among those who want the same, the first in the queue of its first resource is granted first."""
    waits = [(i, *w) for i, one in enumerate(patients) for w in one.wanted]
    for i, begin, end, wanted, is_granted in waits:
        if not is_granted:
            continue
        by = pathway.scenario.resources[min(wanted)].queue
        for j, other_begin, other_end, other_wanted, _ in waits:
            if j == i or other_wanted != wanted or not other_begin < end < other_end:
                continue
            if by is None:
                assert begin <= other_begin, f"{i} was granted before {j}, who asked first"
            else:
                mine, theirs = (value_at(history, by[0], who, end) for who in (i, j))
                sign = 1.0 if by[1] == "lowest" else -1.0
                assert (sign * mine, begin) <= (sign * theirs, other_begin)


def value_at(history: History, attribute: str, patient: int, day: float) -> float:
    """An attribute of a patient before the grants of a moment."""
    log = history.log
    rows = np.arange(log.row_of[patient], log.row_of[patient + 1])
    before = rows[
        (log.begins[patient] + log.time[rows] <= day) & (log.event[rows] != GRANTED)
        | (log.begins[patient] + log.time[rows] < day)
    ]
    return float(history.attribute(attribute, before[-1:])[0])


@pytest.mark.parametrize("examples", sizes(25, long=250))
def test_random_pathways(examples: int) -> None:
    grants = []

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(contested())
    def conserves(spec: dict[str, Any]) -> None:
        pathway = compiled(tree.write(write(spec)))
        if pathway.shared_resources:
            grants.append(check(pathway, simulate(pathway, workers=1, seed=5)))

    conserves()
    assert sum(n > 20 for n in grants) > examples / 6, "too few examples have grants"
