"""Which end a duration has, and what a summary says of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim.outcomes.endpoints.time_to_event import time_to_event
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.intervals import log_log
from sim.outcomes.summary import DEFAULT_TIMES, summarise
from sim.scenario.language import model as m
from tests import hand_made_log as by_hand
from tests.hand_made_log import Patient, either, enters, happens, outcome, stays, test

STAGES = [
    by_hand.stage("a", "ill"),
    by_hand.stage("b", "well"),
    by_hand.stage("c", "ill"),
    by_hand.stage("dead", "dead", terminal=True),
]
EVENTS = ["a.next", "b.check"]


def durations(patients: list[Patient], it: m.Outcome, **settings) -> list[tuple[float, int] | None]:
    """Each patient's days and end (0 censored, 1 reached, 2... competing), None for who is left out."""
    of = by_hand.scenario(STAGES, attributes=[by_hand.number("grade")], **settings)
    log = by_hand.event_log(of, patients, events=EVENTS)
    found = time_to_event(History(log, by_hand.no_use(), of), it, DEFAULT_TIMES)
    left_out = found.group_rows == NEVER
    both = zip(found.duration.tolist(), found.end.tolist(), left_out, strict=True)
    return [None if out else (days, end) for days, end, out in both]


FROM_B = outcome("time_to_event", begin=happens("stage", "b"), until=happens("state", "dead"))


def test_from_the_first_to_the_first_later():
    rows = [enters(0, "a"), enters(5, "b"), enters(9, "c"), enters(20, "b"), enters(50, "dead")]
    assert durations([Patient(rows)], FROM_B) == [(45, 1)]


def test_who_never_comes_is_left_out_and_who_does_not_end_is_censored():
    never, still = [enters(0, "a"), enters(7, "dead")], [enters(0, "a"), enters(7, "b")]
    assert durations([Patient(never), Patient(still)], FROM_B) == [None, (993, 0)]
    assert durations([Patient(still)], FROM_B, follow_up=100.0) == [(93, 0)]


def test_until_must_be_a_later_row_though_not_a_later_time():
    again = outcome("time_to_event", begin=happens("stage", "b"), until=happens("stage", "b"))
    rows = [enters(0, "a"), enters(5, "b"), enters(5, "c"), enters(5, "b"), enters(8, "b")]
    assert durations([Patient(rows)], again) == [(0, 1)]
    assert durations([Patient(rows[:2])], again) == [(995, 0)]


def test_an_end_before_from_does_not_count():
    rows = [enters(0, "b"), enters(5, "a"), enters(9, "c")]
    it = outcome("time_to_event", begin=happens("stage", "a"), until=happens("stage", "b"))
    assert durations([Patient(rows)], it) == [(995, 0)]


def test_without_competing_death_is_not_an_end():
    """A patient in a terminal stage is observed until the end of follow-up."""
    it = outcome("time_to_event", begin=happens("start"), until=happens("stage", "c"))
    assert durations([Patient([enters(0, "a"), enters(5, "dead")])], it) == [(1000, 0)]


def test_in_one_row_until_goes_before_competing_and_that_before_censor():
    c, ill = happens("stage", "c"), happens("state", "ill")
    row = [Patient([enters(0, "b"), enters(5, "c")])]
    for until, competing, censor, end in [
        (c, (("x", ill),), c, 1),
        (happens("state", "dead"), (("x", c), ("y", ill)), c, 2),
        (happens("state", "dead"), (("x", happens("stage", "a")), ("y", ill)), c, 3),
        (happens("state", "dead"), (), c, 0),
    ]:
        it = outcome("time_to_event", begin=happens("start"), until=until, competing=competing, censor=censor)
        assert durations(row, it) == [(5, end)]


def test_of_several_rows_at_one_time_the_first_in_the_log_counts():
    row = [Patient([enters(0, "b"), stays(5, "b.check"), enters(5, "dead")])]
    it = outcome(
        "time_to_event",
        begin=happens("start"),
        until=happens("state", "dead"),
        censor=happens("event", "b.check"),
    )
    assert durations(row, it) == [(5, 0)]
    late = [Patient([enters(0, "b"), enters(5, "dead"), stays(5, "b.check")])]
    assert durations(late, it) == [(5, 1)]


def summary(patients: list[Patient], it: m.Outcome, *, at=DEFAULT_TIMES, about=None, **settings):
    attributes = [by_hand.number("grade"), by_hand.category("site", "marrow", "cns", "both")]
    of = by_hand.scenario(STAGES, attributes=attributes, outcomes=[it], **settings)
    log = by_hand.event_log(of, patients, events=EVENTS)
    found = summarise(log, by_hand.no_use(), of, at=at, about=about)
    json.dumps(found, allow_nan=False)
    return found


def dying(days: list[float], **fields) -> list[Patient]:
    return [Patient([enters(0, "a"), enters(d, "dead")], **fields) for d in days]


OS = outcome("time_to_event", begin=happens("start"), until=happens("state", "dead"))


def test_the_shape_of_an_entry():
    """Ten deaths, at 100, 200, ... 1,000 days but the last, who is censored at the horizon."""
    found = summary(dying([100.0 * k for k in range(1, 10)]) + [Patient([enters(0, "a")])], OS)["outcomes"][
        "it"
    ]
    assert list(found["at"]) == ["3 months", "6 months", "1 years", "2 years"]
    assert found["at"]["1 years"]["days"] == 365.25
    assert found["at"]["1 years"]["estimate"] == pytest.approx(0.7)
    assert found["at"]["1 years"]["at_risk"] == 7
    assert found["at"]["3 months"] == {
        "at_risk": 10, "days": 365.25 / 4, "estimate": 1.0, "interval": None,
    }  # fmt: skip
    assert found["estimate"] == pytest.approx(0.3)
    assert found["estimate_days"] == 730.5
    assert found["estimate_of"] == (
        "probability of not reaching dead within 2 years of the start, Kaplan-Meier"
    )
    assert found["interval_kind"] == "log-log"
    low, high = found["interval"]
    assert 0 < low < 0.3 < high < 1
    assert (found["n"], found["events"], found["censored"], found["left_out"]) == (10, 9, 1, 0)
    assert found["median_days"] == 500
    assert found["median_interval"] == [100, 800]
    assert found["restricted_mean_until_days"] == 730.5
    assert found["restricted_mean_days"] == pytest.approx(
        (100 + 200 + 300 + 400 + 500 + 600 + 700 + 3 * 730.5) / 10
    )


def test_times_beyond_the_end_of_observation_are_left_out():
    assert list(summary(dying([5.0]), OS, follow_up=200.0)["outcomes"]["it"]["at"]) == [
        "3 months",
        "6 months",
    ]
    short = summary(dying([5.0, 30.0]), OS, horizon=50.0)
    assert list(short["outcomes"]["it"]["at"]) == ["50 days"]
    assert short["notes"] == []
    asked = summary(dying([5.0]), OS, at=[10.0, 2000.0])
    assert list(asked["outcomes"]["it"]["at"]) == ["10 days"]
    assert asked["notes"] == ["times beyond the end of observation, left out: 2000 days"]


def test_the_headline_is_the_last_time_anybody_was_observed_for():
    """From b on at day 700 nobody is seen for a year: the headline moves to 6 months."""
    found = summary([Patient([enters(0, "a"), enters(700, "b")])] * 3, FROM_B)["outcomes"]["it"]
    assert found["at"]["1 years"]["estimate"] is None
    assert found["estimate_days"] == 182.625
    assert found["estimate"] == 1.0
    assert found["interval"] is None
    assert found["interval_note"]


def test_where_all_have_ended_the_headline_is_the_last_time_asked_for():
    found = summary(dying([3.0, 50.0]), OS)["outcomes"]["it"]
    assert (found["estimate"], found["estimate_days"]) == (0, 730.5)
    assert (found["restricted_mean_days"], found["restricted_mean_until_days"]) == (26.5, 730.5)


def test_competing_ends():
    """Four patients: relapse (c) at 10 and 30, death without it at 20, one free of both."""
    patients = [
        Patient([enters(0, "b"), enters(10, "c"), enters(15, "dead")]),
        Patient([enters(0, "b"), enters(20, "dead")]),
        Patient([enters(0, "b"), enters(30, "c")]),
        Patient([enters(0, "b")]),
    ]
    it = outcome(
        "time_to_event",
        begin=happens("start"),
        until=happens("stage", "c"),
        competing=(("death", happens("state", "dead")),),
    )
    found = summary(patients, it, at=[12.0, 25.0, 365.25])["outcomes"]["it"]
    assert [found["at"][t]["estimate"] for t in ("12 days", "25 days", "1 years")] == [0.25, 0.25, 0.5]
    assert (
        found["estimate_of"]
        == "cumulative incidence of entering c within 1 year of the start, Aalen-Johansen"
    )
    assert found["median_days"] == 30
    death = found["causes"]["death"]
    assert [death["at"][t]["estimate"] for t in ("12 days", "25 days", "1 years")] == [0, 0.25, 0.25]
    assert (found["events"], death["events"], found["censored"]) == (2, 1, 1)
    assert death["median_days"] is None
    assert found["restricted_mean_days"] == pytest.approx((10 + 20 + 30 + 365.25) / 4)
    assert found["restricted_mean_of"] == (
        "mean days from the start until entering c or death or 1 year, whichever is first"
    )


def test_nobody_reaches_from():
    found = summary(dying([5.0, 9.0]), FROM_B)["outcomes"]["it"]
    assert (found["n"], found["left_out"]) == (0, 2)
    assert found["estimate"] is None
    assert found["median_days"] is None
    assert found["interval_note"] == "nobody to estimate from"


def test_groups_are_read_at_from():
    """The site changes before b: whoever comes there is in the group of the site by then."""
    patients = [
        Patient([enters(0, "a"), enters(5, "b", site="cns"), enters(100, "dead")]),
        Patient([enters(0, "a"), enters(5, "b"), enters(500, "dead")]),
        Patient([enters(0, "a", site="cns"), enters(9, "dead")]),
    ]
    it = outcome("time_to_event", begin=FROM_B.begin, until=FROM_B.until, by="site")
    found = summary(patients, it)["outcomes"]["it"]
    assert found["n"] == 2
    assert list(found["groups"]) == ["marrow", "cns", "both"]
    assert [g["n"] for g in found["groups"].values()] == [1, 1, 0]
    assert found["groups"]["cns"]["median_days"] == 95
    assert found["groups"]["marrow"]["median_days"] == 495
    assert found["groups"]["both"]["estimate"] is None


def test_replications_are_averaged():
    """Survival at a year 1/2, 1 and 1/4: mean 7/12, Student's interval on two degrees of freedom."""
    patients = dying([10.0, 500.0]) + dying([400.0, 800.0], replication=1)
    patients += dying([10.0, 20.0, 30.0, 800.0], replication=2)
    found = summary(patients, OS, at=[365.25], about={"replications": 3})["outcomes"]["it"]
    values = np.array([0.5, 1.0, 0.25])
    half = 4.302652729911275 * values.std(ddof=1) / np.sqrt(3)
    assert found["estimate"] == pytest.approx(values.mean())
    assert found["interval"] == pytest.approx([values.mean() - half, values.mean() + half])
    assert found["interval_kind"] == "Student, over replications"
    assert found["n"] == 8
    assert found["at"]["1 years"]["at_risk"] == 4
    assert found["median_days"] == pytest.approx((10 + 400 + 20) / 3)


def test_a_replication_where_nobody_qualifies_is_left_out_and_told():
    patients = [
        Patient([enters(0, "b"), enters(10, "dead")]),
        Patient([enters(0, "a")], replication=1),
        Patient([enters(0, "b"), enters(900, "dead")], replication=2),
    ]
    found = summary(patients, FROM_B, at=[365.25])["outcomes"]["it"]
    assert found["estimate"] == 0.5
    assert found["replications_left_out"] == 1
    assert found["median_days"] == 455


def test_a_median_not_reached_in_some_replication_is_not_averaged():
    patients = dying([10.0]) + [Patient([enters(0, "a")], replication=1)]
    found = summary(patients, OS)["outcomes"]["it"]
    assert found["median_days"] is None
    assert found["estimate"] == 0.5


def test_who_starts_in_the_warm_up_is_left_out():
    patients = dying([10.0], begins=99.5) + dying([400.0], begins=100.0)
    found = summary(patients, OS, warm_up=100.0, at=[365.25])
    assert found["outcomes"]["it"]["estimate"] == 1.0
    assert found["outcomes"]["it"]["n"] == 1
    assert found["notes"] == ["patients left out of the outcomes because they start in the warm-up: 1"]


def test_among():
    patients = [
        Patient([enters(0, "a"), enters(5, "b", grade=g), enters(100 * g, "dead")]) for g in (1, 2, 3)
    ]
    graded = m.Among(None, happens("stage", "b", when=test("grade", "above", 1.0)))
    it = outcome("time_to_event", begin=happens("start"), until=happens("state", "dead"), among=graded)
    found = summary(patients, it)["outcomes"]["it"]
    assert (found["n"], found["left_out"], found["median_days"]) == (2, 0, 200)


def test_no_interval_where_patients_share_a_resource():
    beds = [by_hand.resource("bed", 3)]
    found = summary(dying([10.0, 500.0, 600.0]), OS, resources=beds, at=[365.25])["outcomes"]["it"]
    assert found["estimate"] == pytest.approx(2 / 3)
    assert found["interval"] is None
    assert found["at"]["1 years"]["interval"] is None
    assert found["median_interval"] is None
    assert found["interval_kind"] is None
    assert "bed" in found["interval_note"]
    free = [by_hand.resource("bed", None)]
    assert summary(dying([10.0, 500.0]), OS, resources=free, at=[365.25])["outcomes"]["it"]["interval"]


def test_any_of_several_ends():
    it = outcome(
        "time_to_event", begin=happens("start"), until=either(happens("stage", "c"), happens("state", "dead"))
    )
    patients = [
        Patient([enters(0, "b"), enters(7, "c"), enters(9, "dead")]),
        Patient([enters(0, "b"), enters(8, "dead")]),
    ]
    assert durations(patients, it) == [(7, 1), (8, 1)]


def test_limits_too_wide_to_compute_are_the_widest_there_are():
    found = log_log(0.999, 5000.0)
    assert (found.low, found.high) == (0.0, 1.0)
