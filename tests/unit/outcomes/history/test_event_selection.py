"""The rows of a log that an event selector means, on two patients written out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.outcomes.evaluation import first_violation
from sim.outcomes.history.history import History, qualify, rows
from sim.scenario.language import model as m
from tests import example_logs as by_hand
from tests.example_logs import Patient, asks, either, enters, granted, happens, leaves, stays, test

SCENARIO = by_hand.scenario(
    [
        by_hand.stage("ward", "ill"),
        by_hand.stage("choice", decision=True),
        by_hand.stage("theatre", "ill", needs=[m.Need(None, "bed", by_hand.HERE)]),
        by_hand.stage("home", "well"),
        by_hand.stage("limbo"),
        by_hand.stage("dead", "dead", terminal=True),
    ],
    attributes=[by_hand.number("grade"), by_hand.category("site", "marrow", "cns"), by_hand.number("age")],
    resources=[by_hand.resource("bed")],
)

PATIENTS = [
    Patient(
        [
            enters(0, "ward"),  # 0
            stays(3, "ward.dose", grade=2),  # 1
            enters(5, "choice", site="cns", rule="fit"),  # 2
            asks(5, "theatre", "decide", last_seen=5),  # 3
            stays(7, "clock.spread", grade=3),  # 4
            granted(9, "theatre"),  # 5
            enters(20, "limbo"),  # 6
            enters(30, "home"),  # 7
            enters(40, "dead", "clock.death"),  # 8
        ],
        start={"age": 40},
    ),
    Patient(
        [
            asks(0, "ward"),  # 9
            granted(4, "ward", grade=1),  # 10
            asks(6, "theatre"),  # 11
            leaves(8, "theatre"),  # 12
            enters(8, "home", rule="unfit"),  # 13
            enters(10, "theatre"),  # 14
            enters(11, "theatre"),  # 15
        ],
        start={"grade": 5, "site": "cns", "age": 60},
    ),
]

LOG = by_hand.event_log(
    SCENARIO,
    PATIENTS,
    events=["a.next", "ward.dose", "clock.spread", "clock.death"],
    rules=["fit", "unfit"],
    stamps=["last_seen"],
)
USE = by_hand.resource_use(
    [
        (0, 0.0, 0, 0, 0, 1),
        (0, 5.0, 0, 1, 1, 1),
        (0, 6.0, 0, 1, 2, 1),
        (0, 8.0, 0, 1, 1, 1),
        (0, 9.0, 0, 1, 0, 1),
        (0, 11.0, 0, 0, 0, 1),
    ]
)


@pytest.fixture
def history() -> History:
    return History(LOG, USE, SCENARIO)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (happens("start"), [0, 9]),
        (happens("stage", "theatre"), [5, 14, 15]),
        (happens("stage", "choice"), [2]),
        (happens("stage", "ward"), [0, 10]),
        (happens("asked", "theatre"), [3, 11, 14, 15]),
        (happens("asked", "ward"), [0, 9]),
        (happens("state", "well"), [7, 13]),
        (happens("state", "ill"), [0, 9, 14]),
        (happens("state", "dead"), [8]),
        (happens("event", "ward.dose"), [1]),
        (happens("clock", "spread"), [4]),
        (happens("clock", "death"), [8]),
        (happens("rule", "unfit"), [13]),
        (either(happens("state", "dead"), happens("rule", "fit"), happens("state", "dead")), [2, 8]),
        (either(happens("stage", "home"), happens("start"), when=test("grade", "at_least", 3.0)), [7, 9]),
    ],
    ids=str,
)
def test_rows_of_a_selector(history, selector, expected):
    assert rows(history, selector).tolist() == expected


def any_row(condition: m.Condition) -> m.EventSelector:
    """Every row after which the condition holds."""
    kinds = [happens("stage", s) for s in LOG.names.stages] + [happens("asked", s) for s in LOG.names.stages]
    others = [happens("event", e) for e in ("ward.dose", "left_queue")] + [happens("clock", "spread")]
    return either(*kinds, *others, when=condition)


ALL = set(range(16))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (test("grade", "is", 0.0), {0}),
        (test("grade", "at_least", 2.0), {1, 2, 3, 4, 5, 6, 7, 8, 9}),
        (test("grade", "in", (1.0, 3.0)), {4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15}),
        (test("site", "is", "marrow"), {0, 1}),
        (test("site", "is_not", "marrow"), ALL - {0, 1}),
        (test("", "is", "ward", "stage"), {0, 1, 3, 4, 9, 10, 11, 12}),
        (test("", "in", ("choice", "home"), "stage"), {2, 7, 13}),
        (test("", "above", 40.05, "current_age"), {6, 7, 8, *range(9, 16)}),
        (test("", "above", 0.0, "days_in_stage"), {1, 3, 4, 11, 12}),
        (test("", "is", 7.0, "days_in_stage"), {4}),
        (test("theatre", "is", 1.0, "visits"), {5, 6, 7, 8, 14}),
        (test("theatre", "is", 2.0, "visits"), {15}),
        (test("last_seen", "at_most", 2.0, "since"), {3, 4}),
        (test("last_seen", "is_not", 0.0, "since"), {4, 5, 6, 7, 8}),
        (test("start", "at_least", 30.0, "since"), {7, 8}),
        (test("theatre", "is", 4.0, "waited"), {5, 6, 7, 8}),
        (test("theatre", "above", 0.0, "waited"), {5, 6, 7, 8}),
        (test("ward", "is", 4.0, "waited"), {10, 11, 12, 13, 14, 15}),
        (test("bed", "at_least", 1.0, "queue"), {2, 3, 4, 11, 12, 13}),
        (test("bed", "at_least", 1.0, "free"), {0, 1, 6, 7, 8, 9, 10, 15}),
        (m.AllOf(()), ALL),
        (m.AnyOf(()), set()),
        (m.NoneOf(()), ALL),
        (m.AllOf((test("site", "is", "cns"), test("grade", "is", 2.0))), {2, 3}),
        (m.AnyOf((test("grade", "is", 0.0), test("grade", "is", 5.0))), {0, 9}),
        (m.NoneOf((test("grade", "above", 0.0), test("site", "is", "cns"))), {0}),
    ],
    ids=str,
)
def test_conditions_are_evaluated_just_after_a_row(history, condition, expected):
    assert set(rows(history, any_row(condition)).tolist()) == expected


@pytest.mark.parametrize("calendar", [None, {"monday": (0.0, 1.0)}], ids=["always", "mondays"])
def test_a_resource_without_a_capacity_always_has_free_units(calendar):
    """Patients wait for it only until it opens."""
    scenario = replace(SCENARIO, resources=(by_hand.resource("bed", None, calendar),))
    found = History(LOG, USE if calendar else by_hand.no_use(), scenario)
    waits = {2, 3, 4, 11, 12, 13} if calendar else set()
    assert set(rows(found, any_row(test("bed", "at_least", 1.0, "queue"))).tolist()) == waits
    assert set(rows(found, any_row(test("bed", "at_least", 9.0, "free"))).tolist()) == ALL


def test_patients_of_an_outcome_by_condition_and_by_event(history):
    assert qualify(history, None).tolist() == [True, True]
    assert qualify(history, m.Among(test("grade", "above", 4.0), None)).tolist() == [False, True]
    assert qualify(history, m.Among(None, happens("clock", "death"))).tolist() == [True, False]


def test_a_condition_at_the_start_is_evaluated_after_the_effects_of_the_start():
    log = by_hand.event_log(SCENARIO, [Patient([enters(0, "ward", grade=4)]), Patient([enters(0, "ward")])])
    history = History(log, by_hand.no_use(), SCENARIO)
    assert qualify(history, m.Among(test("grade", "is", 4.0), None)).tolist() == [True, False]


def test_a_patient_enters_a_state_in_which_the_patient_before_ended():
    log = by_hand.event_log(
        SCENARIO, [Patient([enters(0, "ward")]), Patient([enters(0, "theatre"), enters(3, "ward")])]
    )
    assert rows(History(log, by_hand.no_use(), SCENARIO), happens("state", "ill")).tolist() == [0, 1]


def test_the_last_of_two_changes_in_one_row_counts():
    log = by_hand.event_log(SCENARIO, [Patient([enters(0, "ward", grade=1, age=2), stays(4, "a.next")])])
    log.change_what[:] = 0
    assert History(log, by_hand.no_use(), SCENARIO).attribute("grade", log.row_of[:1] + [0, 1]).tolist() == [
        2,
        2,
    ]


def test_the_broken_rule_of_the_first_patient_is_found():
    never = [happens("rule", "unfit"), happens("stage", "home"), happens("clock", "spread")]
    broken = by_hand.scenario(SCENARIO.stages, attributes=SCENARIO.patients.attributes, never=never)
    assert first_violation(History(LOG, USE, broken)) == (0, never[2])
    only_second = by_hand.scenario(SCENARIO.stages, attributes=SCENARIO.patients.attributes, never=never[:1])
    assert first_violation(History(LOG, USE, only_second)) == (1, never[0])
    assert first_violation(History(LOG, USE, SCENARIO)) is None


def test_a_clock_differs_from_an_event_of_a_stage_called_clock():
    log = by_hand.event_log(
        SCENARIO,
        [Patient([enters(0, "ward"), stays(1, "clock.spread"), stays(2, "clock.other")])],
        events=["clock.spread", "clock.other", "clock.spread"],
    )
    log.event[1:] = 6, 4
    history = History(log, USE, SCENARIO)
    assert rows(history, happens("event", "clock.spread")).tolist() == [2]
    assert rows(history, happens("clock", "spread")).tolist() == [1]


def test_the_wait_before_the_first_grant_counts_to_the_first_stage_and_its_state():
    """Though a decision, which has no duration, comes before it."""
    log = by_hand.event_log(
        SCENARIO,
        [Patient([enters(0, "choice"), asks(0, "ward", "decide"), granted(6, "ward"), enters(8, "home")])],
    )
    history = History(log, USE, SCENARIO)
    spells = history.stage_spells
    assert [LOG.names.stages[c] for c in spells.code] == ["ward", "ward", "home"]
    assert spells.row.tolist() == [1, 2, 3]
    for stage, begins, ends in (("ward", [0, 6], [6, 8]), ("home", [8], [1000])):
        patient, *stretches, _ = history.stretches(spells, LOG.names.stages.index(stage))
        assert [s.tolist() for s in stretches] == [begins, ends]
        assert set(patient) == {0}
    assert rows(history, happens("state", "ill")).tolist() == [1]
