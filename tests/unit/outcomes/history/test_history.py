"""Columns derived from random logs, against a walk along the rows of each patient."""

from __future__ import annotations

import numpy as np
import pytest

from sim.outcomes.endpoints.time_to_event import time_to_event
from sim.outcomes.history.history import NEVER, History, covariate, rows
from sim.scenario.language import model as m
from tests import example_logs as by_hand
from tests.example_logs import Patient, Row, happens, outcome, test

STAGES = [
    by_hand.stage("ward", "ill"),
    by_hand.stage("choice", decision=True),
    by_hand.stage("verdict", "well", decision=True),
    by_hand.stage("theatre", "ill"),
    by_hand.stage("recovery"),
    by_hand.stage("home", "well"),
]
TIMED = ("ward", "theatre", "recovery", "home")
SCENARIO = by_hand.scenario(STAGES, attributes=[by_hand.number("grade"), by_hand.number("age")])
STATE = {s.name: s.state for s in STAGES}


def random_patient(random: np.random.Generator) -> Patient:
    """A patient who goes through decisions to stages, at once or after a wait that may end without a grant."""
    log_rows: list[Row] = []
    time, event = 0.0, "start"
    for _ in range(random.integers(1, 7)):
        while random.random() < 0.3:
            log_rows.append(
                Row(time, event, "enters", str(random.choice(["choice", "verdict"])), changes(random, time))
            )
            event = "decide"
        to = str(random.choice(TIMED))
        if random.random() < 0.4:
            log_rows.append(Row(time, event, "asks", to, changes(random, time)))
            time += float(random.integers(0, 5))
            if random.random() < 0.3:
                log_rows.append(Row(time, "a.next", "stays", None, changes(random, time)))
            if random.random() < 0.4:
                log_rows.append(Row(time, "left_queue", "leaves", to))
                event = "a.next"
                continue
            log_rows.append(Row(time, "granted", "enters", to, changes(random, time)))
        else:
            log_rows.append(Row(time, event, "enters", to, changes(random, time)))
        event = "a.next"
        for _ in range(random.integers(0, 3)):
            time += float(random.integers(0, 4))
            log_rows.append(Row(time, "a.next", "stays", None, changes(random, time)))
        time += float(random.integers(0, 4))
    return Patient(log_rows, start={"grade": float(random.integers(0, 9)), "age": 50.0})


def changes(random: np.random.Generator, time: float) -> dict[str, float]:
    return {
        name: value
        for name, value in (("grade", float(random.integers(0, 9))), ("seen", time))
        if random.random() < 0.3
    }


def walk(patient: Patient) -> list[dict[str, float | str | None]]:
    """The values just after each row, found by a walk along the rows."""
    grade, seen, stage, timed, state = patient.start["grade"], np.nan, None, None, None
    entered = timed_at = asked_at = 0.0
    asked = None
    visits, waited, found = dict.fromkeys(STATE, 0), dict.fromkeys(TIMED, 0.0), []
    for row in patient.rows:
        grade = row.changes.get("grade", grade)
        seen = row.changes.get("seen", seen)
        before = state
        if row.does == "enters":
            stage, entered = row.to, row.time
            visits[row.to] += 1
            state = STATE[row.to] or state
            if row.to in TIMED:
                waited[row.to] = row.time - asked_at if row.event == "granted" else 0.0
                timed, timed_at = row.to, row.time
            asked = None
        elif row.does == "asks":
            asked, asked_at = row.to, row.time
            timed = timed or row.to
            if state is None and timed == row.to:
                state = STATE[row.to]
            stage, entered = timed, timed_at
        elif row.does == "leaves":
            stage, entered = timed, timed_at
        found.append(
            {
                "grade": grade,
                "since": row.time - seen,
                "stage": stage,
                "days": row.time - entered,
                "comes_into": state if state != before else None,
                **{f"visits {s}": n for s, n in visits.items()},
                **{f"waited {s}": d for s, d in waited.items()},
                "waits": asked,
            }
        )
    return found


@pytest.mark.parametrize("seed", range(8))
def test_every_column_equals_that_of_a_walk_along_the_rows(seed):
    random = np.random.default_rng(seed)
    patients = [random_patient(random) for _ in range(150)]
    log = by_hand.event_log(SCENARIO, patients, stamps=["seen"])
    history = History(log, by_hand.no_use(), SCENARIO)
    expected = [after for patient in patients for after in walk(patient)]
    every = np.arange(log.n_rows)

    def values(kind: str, name: str = "") -> list[float]:
        return covariate(history, m.Covariate(kind, name), every).tolist()

    assert values("attribute", "grade") == [t["grade"] for t in expected]
    assert np.array_equal(values("since", "seen"), [t["since"] for t in expected], equal_nan=True)
    assert [log.names.stages[int(c)] for c in values("stage")] == [t["stage"] for t in expected]
    assert values("days_in_stage") == [t["days"] for t in expected]
    for name in STATE:
        assert values("visits", name) == [t[f"visits {name}"] for t in expected]
    for name in TIMED:
        assert values("waited", name) == [t[f"waited {name}"] for t in expected]
    for state in ("ill", "well"):
        found = rows(history, happens("state", state)).tolist()
        assert found == [i for i, t in enumerate(expected) if t["comes_into"] == state]


@pytest.mark.parametrize("seed", range(4))
def test_the_covariate_of_some_rows_equals_that_of_all_rows_at_these(seed):
    random = np.random.default_rng(100 + seed)
    patients = [random_patient(random) for _ in range(60)]
    history = History(by_hand.event_log(SCENARIO, patients, stamps=["seen"]), by_hand.no_use(), SCENARIO)
    every = np.arange(history.log.n_rows)
    some = np.flatnonzero(random.random(len(every)) < 0.2)
    for what in (m.Covariate("attribute", "grade"), m.Covariate("stage"), m.Covariate("waited", "home")):
        assert np.array_equal(covariate(history, what, some), covariate(history, what, every)[some])


@pytest.mark.parametrize("seed", range(4))
def test_durations_equal_those_of_a_walk_along_the_rows(seed):
    random = np.random.default_rng(200 + seed)
    patients = [random_patient(random) for _ in range(200)]
    log = by_hand.event_log(SCENARIO, patients, stamps=["seen"])
    history = History(log, by_hand.no_use(), SCENARIO)
    begin, until = happens("asked", "home"), happens("state", "ill")
    ends = {
        1: until,
        2: happens("stage", "recovery"),
        3: happens("stage", "home"),
        0: happens("asked", "ward", when=test("grade", "above", 4.0)),
    }
    it = outcome(
        "time_to_event", begin=begin, until=until, competing=(("r", ends[2]), ("h", ends[3])), censor=ends[0]
    )
    found = time_to_event(history, it, (10.0,))
    of = {what: set(rows(history, what).tolist()) for what in (begin, *ends.values())}
    for p in range(len(patients)):
        own = range(log.row_of[p], log.row_of[p + 1])
        first = next((r for r in own if r in of[begin]), None)
        assert (found.group_rows[p] == NEVER) == (first is None)
        if first is None:
            continue
        later = [(r, end) for r in own if r > first for end in ends if r in of[ends[end]]]
        row, end = later[0] if later else (None, 0)
        stop = log.follow_up[p] if row is None else log.time[row]
        assert (found.duration[p], found.end[p]) == (stop - log.time[first], end)
    assert set(found.end[found.group_rows != NEVER].tolist()) == {0, 1, 2, 3}
