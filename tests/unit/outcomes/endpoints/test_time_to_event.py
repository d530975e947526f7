"""The end of each duration, and the rows of a time to an event."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sim.outcomes.endpoints.time_to_event import time_to_event
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.results import Results, log_log
from sim.outcomes.summary import DEFAULT_TIMES
from sim.scenario.language import model as m
from tests import example_logs as by_hand
from tests.example_logs import Patient, either, enters, happens, outcome, stays, test
from tests.example_runs import log_results
from tests.rows import OutcomeRows, limits

STAGES = [
    by_hand.stage("a", "ill"),
    by_hand.stage("b", "well"),
    by_hand.stage("c", "ill"),
    by_hand.stage("dead", "dead", terminal=True),
]
EVENTS = ["a.next", "b.check"]


def durations(patients: list[Patient], it: m.Outcome, **settings) -> list[tuple[float, int] | None]:
    """Each patient's days and end (0 censored, 1 reached, 2... competing), None for patients left out."""
    of = by_hand.scenario(STAGES, attributes=[by_hand.number("grade")], **settings)
    log = by_hand.event_log(of, patients, events=EVENTS)
    found = time_to_event(History(log, by_hand.no_use(), of), it, DEFAULT_TIMES)
    left_out = found.group_rows == NEVER
    both = zip(found.duration.tolist(), found.end.tolist(), left_out, strict=True)
    return [None if out else (days, end) for days, end, out in both]


FROM_B = outcome("time_to_event", begin=happens("stage", "b"), until=happens("state", "dead"))


def test_time_from_the_first_begin_to_the_first_end_after_it():
    rows = [enters(0, "a"), enters(5, "b"), enters(9, "c"), enters(20, "b"), enters(50, "dead")]
    assert durations([Patient(rows)], FROM_B) == [(45, 1)]


def test_patients_who_never_reach_from_are_left_out_and_those_without_an_end_are_censored():
    never, still = [enters(0, "a"), enters(7, "dead")], [enters(0, "a"), enters(7, "b")]
    assert durations([Patient(never), Patient(still)], FROM_B) == [None, (993, 0)]
    assert durations([Patient(still)], FROM_B, follow_up=100.0) == [(93, 0)]


def test_until_is_a_later_row_but_may_have_the_same_time():
    again = outcome("time_to_event", begin=happens("stage", "b"), until=happens("stage", "b"))
    rows = [enters(0, "a"), enters(5, "b"), enters(5, "c"), enters(5, "b"), enters(8, "b")]
    assert durations([Patient(rows)], again) == [(0, 1)]
    assert durations([Patient(rows[:2])], again) == [(995, 0)]


def test_an_end_before_from_does_not_count():
    rows = [enters(0, "b"), enters(5, "a"), enters(9, "c")]
    it = outcome("time_to_event", begin=happens("stage", "a"), until=happens("stage", "b"))
    assert durations([Patient(rows)], it) == [(995, 0)]


def test_death_is_not_an_end_unless_it_competes():
    """A patient in a terminal stage is observed until the end of follow-up."""
    it = outcome("time_to_event", begin=happens("start"), until=happens("stage", "c"))
    assert durations([Patient([enters(0, "a"), enters(5, "dead")])], it) == [(1000, 0)]


def test_in_one_row_until_takes_precedence_over_competing_and_that_over_censor():
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


def results(
    patients: list[Patient], it: m.Outcome, *, at=DEFAULT_TIMES, replications=None, **settings
) -> Results:
    attributes = [by_hand.number("grade"), by_hand.category("site", "marrow", "cns", "both")]
    of = by_hand.scenario(STAGES, attributes=attributes, outcomes=[it], **settings)
    log = by_hand.event_log(of, patients, events=EVENTS)
    found = log_results(log, by_hand.no_use(), of, at=at, replications=replications)
    json.dumps(found.as_json(), allow_nan=False)
    return found


def rows(patients: list[Patient], it: m.Outcome, **settings) -> OutcomeRows:
    """The rows of the outcome."""
    return OutcomeRows(results(patients, it, **settings))


def dying(days: list[float], **fields) -> list[Patient]:
    return [Patient([enters(0, "a"), enters(d, "dead")], **fields) for d in days]


OS = outcome("time_to_event", begin=happens("start"), until=happens("state", "dead"))
MONTH, YEAR = 365.25 / 12, 365.25


def test_the_rows_of_a_survival_outcome():
    """Ten patients: deaths at 100, 200, ... 900 days, and one censored at the horizon."""
    found = rows(dying([100.0 * k for k in range(1, 10)]) + [Patient([enters(0, "a")])], OS)
    assert found.measures == {
        "survival", "median", "restricted_mean", "at_risk", "events", "censored", "left_out",
    }  # fmt: skip
    curve, at_risk = found.at("survival"), found.at("at_risk")
    assert list(curve) == list(at_risk) == [YEAR / 4, YEAR / 2, YEAR, 2 * YEAR]
    assert curve[YEAR].estimate == pytest.approx(0.7)
    assert curve[YEAR].unit == "probability"
    assert (at_risk[YEAR].estimate, at_risk[YEAR].unit) == (7, "patients")
    assert (at_risk[YEAR / 4].estimate, curve[YEAR / 4].estimate, limits(curve[YEAR / 4])) == (10, 1.0, None)
    headline = found.headline
    assert (headline.measure, headline.time_days) == ("survival", 730.5)
    assert headline.estimate == pytest.approx(0.3)
    described = found.facts.description
    assert described.text == "probability of not reaching dead within 2 years of the start, Kaplan-Meier"
    assert headline.method == "log-log"
    assert 0 < headline.low < 0.3 < headline.high < 1
    assert headline.n == 10
    assert [found.value(count) for count in ("events", "censored", "left_out")] == [9, 1, 0]
    median = found.row("median")
    assert (median.estimate, median.unit) == (500, "days")
    assert limits(median) == (100, 800)
    mean = found.row("restricted_mean", time=730.5)
    assert described.restricted_to == 730.5
    assert mean.estimate == pytest.approx((100 + 200 + 300 + 400 + 500 + 600 + 700 + 3 * 730.5) / 10)
    assert mean.unit == "days"


def test_times_beyond_the_end_of_observation_are_left_out():
    assert list(rows(dying([5.0]), OS, follow_up=200.0).at("survival")) == [3 * MONTH, 6 * MONTH]
    short = rows(dying([5.0, 30.0]), OS, horizon=50.0)
    assert list(short.at("survival")) == [50]
    assert short.results.notes == ()
    requested = rows(dying([5.0]), OS, at=[10.0, 2000.0])
    assert list(requested.at("survival")) == [10]
    assert requested.results.notes == ("times beyond the end of observation, left out: 2000 days",)


def test_the_headline_is_the_last_time_to_which_a_patient_was_observed():
    """No patient is observed for a year after entering b on day 700: the headline moves to 6 months."""
    found = rows([Patient([enters(0, "a"), enters(700, "b")])] * 3, FROM_B)
    year = found.at("survival")[YEAR]
    assert (year.is_known, year.note) == (False, "no patient was observed for so long")
    headline = found.headline
    assert (headline.time_days, headline.estimate) == (182.625, 1.0)
    assert limits(headline) is None
    assert headline.note == "an interval needs patients with and without the event"


def test_where_all_patients_have_ended_the_headline_is_the_last_requested_time():
    found = rows(dying([3.0, 50.0]), OS)
    assert (found.headline.estimate, found.headline.time_days) == (0, 730.5)
    assert found.value("restricted_mean", time=730.5) == 26.5
    assert found.facts.description.restricted_to == 730.5


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
    found = rows(patients, it, at=[12.0, 25.0, YEAR])
    curves = {
        part: {time: row.estimate for time, row in found.at("cumulative_incidence", part).items()}
        for part in ("", "death")
    }
    assert curves[""] == {12: 0.25, 25: 0.25, YEAR: 0.5}
    assert curves["death"] == {12: 0, 25: 0.25, YEAR: 0.25}
    described = found.facts.description
    assert described.text == "cumulative incidence of entering c within 1 year of the start, Aalen-Johansen"
    assert (found.headline.measure, found.headline.part) == ("cumulative_incidence", "")
    assert found.value("median") == 30
    assert (found.value("events"), found.value("events", "death"), found.value("censored")) == (2, 1, 1)
    assert not found.row("median", "death").is_known
    assert found.value("restricted_mean", time=YEAR) == pytest.approx((10 + 20 + 30 + YEAR) / 4)
    assert described.meanings["restricted_mean", ""] == (
        "mean days from the start until entering c or death or 1 year, whichever is first"
    )
    assert described.meanings["cumulative_incidence", "death"] == (
        "cumulative incidence of reaching dead within 1 year of the start, Aalen-Johansen"
    )


def test_no_patient_reaches_from():
    found = rows(dying([5.0, 9.0]), FROM_B)
    assert found.headline.n == 0
    assert found.value("left_out") == 2
    assert not found.headline.is_known
    assert not found.row("median").is_known
    assert found.headline.note == "no patients to estimate from"


def test_groups_are_formed_at_from():
    """The site changes on entering b: a patient is in the group of the site after that."""
    patients = [
        Patient([enters(0, "a"), enters(5, "b", site="cns"), enters(100, "dead")]),
        Patient([enters(0, "a"), enters(5, "b"), enters(500, "dead")]),
        Patient([enters(0, "a", site="cns"), enters(9, "dead")]),
    ]
    it = outcome("time_to_event", begin=FROM_B.begin, until=FROM_B.until, by="site")
    found = rows(patients, it)
    assert found.headline.n == 2
    assert list(found.groups) == ["marrow", "cns", "both"]
    assert [group.headline.n for group in found.groups.values()] == [1, 1, 0]
    assert found.groups["cns"].value("median") == 95
    assert found.groups["marrow"].value("median") == 495
    assert not found.groups["both"].headline.is_known


def test_replications_are_averaged():
    """Survival at a year 1/2, 1 and 1/4: mean 7/12, Student's interval on two degrees of freedom."""
    patients = dying([10.0, 500.0]) + dying([400.0, 800.0], replication=1)
    patients += dying([10.0, 20.0, 30.0, 800.0], replication=2)
    found = rows(patients, OS, at=[YEAR], replications=3)
    values = np.array([0.5, 1.0, 0.25])
    half = 4.302652729911275 * values.std(ddof=1) / np.sqrt(3)
    headline = found.headline
    assert headline.estimate == pytest.approx(values.mean())
    assert limits(headline) == pytest.approx((values.mean() - half, values.mean() + half))
    assert headline.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(3))
    assert headline.method == "Student, over replications"
    assert headline.n == 8
    assert found.value("at_risk", time=YEAR) == 4
    assert found.value("median") == pytest.approx((10 + 400 + 20) / 3)
    assert found.value("replications_left_out") == 0


def test_a_replication_without_patients_of_the_outcome_is_left_out_and_counted():
    patients = [
        Patient([enters(0, "b"), enters(10, "dead")]),
        Patient([enters(0, "a")], replication=1),
        Patient([enters(0, "b"), enters(900, "dead")], replication=2),
    ]
    found = rows(patients, FROM_B, at=[YEAR])
    assert found.headline.estimate == 0.5
    assert found.value("replications_left_out") == 1
    assert found.value("median") == 455


def test_a_median_not_reached_in_some_replication_is_not_averaged():
    patients = dying([10.0]) + [Patient([enters(0, "a")], replication=1)]
    found = rows(patients, OS)
    assert not found.row("median").is_known
    assert found.headline.estimate == 0.5


def test_patients_who_start_in_the_warm_up_are_left_out():
    patients = dying([10.0], begins=99.5) + dying([400.0], begins=100.0)
    found = rows(patients, OS, warm_up=100.0, at=[YEAR])
    assert (found.headline.estimate, found.headline.n) == (1.0, 1)
    note = "patients left out of the outcomes because they start in the warm-up: 1"
    assert found.results.notes == found.results.reference.notes == (note,)


def test_only_patients_with_the_event_of_among_count():
    patients = [
        Patient([enters(0, "a"), enters(5, "b", grade=g), enters(100 * g, "dead")]) for g in (1, 2, 3)
    ]
    graded = m.Among(None, happens("stage", "b", when=test("grade", "above", 1.0)))
    it = outcome("time_to_event", begin=happens("start"), until=happens("state", "dead"), among=graded)
    found = rows(patients, it)
    assert (found.headline.n, found.value("left_out"), found.value("median")) == (2, 0, 200)


def test_no_interval_where_patients_share_a_resource():
    beds = [by_hand.resource("bed", 3)]
    found = rows(dying([10.0, 500.0, 600.0]), OS, resources=beds, at=[YEAR])
    assert found.headline.estimate == pytest.approx(2 / 3)
    for row in (found.headline, found.row("median"), found.row("restricted_mean", time=YEAR)):
        assert row.is_known
        assert limits(row) is None
        assert np.isnan(row.standard_error)
        assert row.method == ""
        assert row.note == "patients share bed: an interval needs several replications"
    unlimited = [by_hand.resource("bed", None)]
    assert limits(rows(dying([10.0, 500.0]), OS, resources=unlimited, at=[YEAR]).headline)


def test_any_of_several_ends():
    it = outcome(
        "time_to_event", begin=happens("start"), until=either(happens("stage", "c"), happens("state", "dead"))
    )
    patients = [
        Patient([enters(0, "b"), enters(7, "c"), enters(9, "dead")]),
        Patient([enters(0, "b"), enters(8, "dead")]),
    ]
    assert durations(patients, it) == [(7, 1), (8, 1)]


def test_limits_too_wide_to_compute_are_0_and_1():
    found = log_log(0.999, 5000.0, 10)
    assert (found.low, found.high) == (0.0, 1.0)
