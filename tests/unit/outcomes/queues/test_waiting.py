"""Waits for resources: how long they last and how they end."""

from __future__ import annotations

import pytest

from sim.api import run
from sim.event_log.log import FREE_OF, HOLDS, WAITS_FOR
from tests import example_logs as by_hand
from tests.example_logs import Patient, asks, enters, granted, leaves, stays
from tests.rows import limits
from tests.unit.outcomes.ward import results_of, rows_of

WAITING = [
    Patient([enters(0, "ward"), asks(10, "theatre", bed=WAITS_FOR), granted(25, "theatre", bed=HOLDS),
             enters(30, "home", bed=FREE_OF)]),
    Patient([enters(0, "ward"), asks(8, "theatre", bed=WAITS_FOR), granted(8, "theatre", bed=HOLDS)]),
    Patient([enters(0, "ward"), asks(2, "theatre", bed=WAITS_FOR), leaves(8, "theatre"),
             enters(8, "dead", bed=FREE_OF)]),
    Patient([enters(0, "ward"), asks(900, "theatre", bed=WAITS_FOR), stays(950, "ward.dose")]),
    Patient([enters(0, "ward")]),
]  # fmt: skip
ONE_BED = {"resources": [by_hand.resource("bed", 1)]}


def test_mean_wait():
    found = rows_of(WAITING, "waiting_for", resource="bed", **ONE_BED)
    headline = found.headline
    assert (headline.measure, headline.unit) == ("mean", "days")
    assert headline.estimate == pytest.approx((15 + 0 + 6) / 3)
    assert (headline.n, found.value("left_out")) == (3, 1)
    assert found.row("left_out").unit == "waits"
    served, left = found.row("mean", "served"), found.row("mean", "left")
    assert (served.n, served.estimate) == (2, 7.5)
    assert (left.n, left.estimate) == (1, 6)
    assert limits(headline) is None
    assert headline.note == "patients share bed: an interval needs several replications"


def test_share_of_waits_above_a_limit():
    found = rows_of(WAITING, "waiting_for", resource="bed", above=6.0, **ONE_BED)
    assert found.headline.estimate == pytest.approx(1 / 3)
    assert found.value("share", "served") == 0.5
    assert found.value("share", "left") == 0
    assert (found.headline.measure, found.headline.unit) == ("share", "share")


@pytest.mark.parametrize(("held", "noted"), [(3, True), (2, False)])
def test_a_note_where_more_is_held_on_day_0_than_the_capacity(held, noted):
    """The capacity is then what is held: it falls as units are given back."""
    rows = [(0, 0.0, 0, held, 0, max(held, 2)), (0, 5.0, 0, 2, 0, 2), (0, 7.0, 0, 3, 0, 3)]
    found = results_of(WAITING, use=by_hand.resource_use(rows), resources=[by_hand.resource("bed", 2)])
    note = "today's patients hold 1 more of bed than its capacity: no unit is granted until so many are given back"
    assert [text for text in found.notes if text == note] == ([note] if noted else [])
    assert not [text for text in found.notes if text.startswith("today's patients") and text != note]
    assert not noted or found.notes[0] == note


def test_waits_over_replications():
    asking = [asks(8, "theatre", bed=WAITS_FOR), granted(8, "theatre", bed=HOLDS)]
    second = [Patient([enters(0, "ward"), *asking], replication=1)]
    headline = rows_of(WAITING + second, "waiting_for", resource="bed", **ONE_BED).headline
    assert headline.estimate == pytest.approx((7 + 0) / 2)
    assert limits(headline) is not None
    none = [Patient([enters(0, "ward")], replication=1)]
    found = rows_of(WAITING + none, "waiting_for", resource="bed", **ONE_BED)
    assert (found.headline.estimate, found.value("replications_left_out")) == (7, 1)
    assert found.headline.note == "fewer than two replications to compare"


@pytest.mark.parametrize(
    ("rows", "n"),
    [
        ([enters(0, "theatre"), enters(5, "theatre")], 1),
        ([enters(0, "theatre"), enters(5, "choice"), enters(5, "theatre", "decide")], 1),
        ([enters(0, "theatre"), enters(5, "ward"), enters(6, "theatre")], 2),
        ([enters(0, "theatre", grade=3), enters(5, "recovery"), enters(7, "theatre")], 1),
        ([enters(0, "theatre"), enters(5, "recovery"), enters(7, "theatre")], 2),
    ],
)
def test_an_unlimited_resource_is_requested_once_while_it_is_held(rows, n):
    """The log has no trace of it, so the stages show who needs it and does not hold it."""
    found = rows_of([Patient(rows)], "waiting_for", resource="bed", resources=[by_hand.resource("bed", None)])
    headline = found.headline
    assert (headline.n, found.row("mean", "served").n, headline.estimate) == (n, n, 0.0)


def test_a_wait_for_several_resources_is_a_wait_for_each():
    rows = [asks(0, "theatre", bed=WAITS_FOR, nurse=WAITS_FOR), granted(4, "theatre", bed=HOLDS, nurse=HOLDS),
            asks(6, "recovery", nurse=FREE_OF), granted(9, "recovery")]  # fmt: skip
    two = {"resources": [by_hand.resource("bed", 1), by_hand.resource("nurse", 1)]}
    for name in ("bed", "nurse"):
        headline = rows_of([Patient(rows)], "waiting_for", resource=name, **two).headline
        assert (headline.n, headline.estimate) == (1, 4)


NEED_READ_BEFORE_ENTRY = """
format: 1
title: A bed for the severe, who are better once they have it
patients: {number: 20, attributes: {severe: {one_of: ["y", "n"], start: "y"}}}
horizon: 100 days
resources: {bed: {capacity: unlimited}}
states: {alive: {}, dead: {}}
pathway:
  start: home
  stages:
    home: {state: alive, events: {ill: {after: {fixed: 5 days}, to: ward}}}
    ward:
      state: alive
      needs: [{resource: bed, when: {severe: "y"}}]
      on_entry: [{set: {severe: "n"}}]
      events: {well: {after: {fixed: 5 days}, to: gone}}
    gone: {terminal: true, state: dead}
outcomes:
  wait: {waiting_for: bed}
"""


@pytest.mark.parametrize("capacity", ["unlimited", "1000"])
def test_a_need_is_read_before_the_stage_changes_the_patient(capacity, tmp_path):
    """An unlimited resource counts the requests that an ample one has in the log."""
    file = tmp_path / "ward.yaml"
    file.write_text(NEED_READ_BEFORE_ENTRY)
    results = run(file, settings=[f"resources.bed.capacity={capacity}"])
    assert [
        row.n for row in results.results.estimates.where(outcome="wait", measure="mean", part="served")
    ] == [20]


def served(wait: float, stay: float) -> Patient:
    """A patient who waits for the bed and holds it, each so many days."""
    asked = [asks(0, "theatre", bed=WAITS_FOR), granted(wait, "theatre", bed=HOLDS)]
    return Patient([*asked, enters(wait + stay, "home", bed=FREE_OF)])


def test_percentiles_are_the_first_time_that_so_many_do_not_exceed():
    """Of 1, ..., 10 days five do not exceed 5 and nine do not exceed 9; of 11 times six do not exceed 6."""
    for n, median, most in ((10, 5.0, 9.0), (11, 6.0, 10.0), (1, 1.0, 1.0)):
        patients = [served(day, 2 * day) for day in range(1, n + 1)]
        found = results_of(patients, use=by_hand.resource_use([(0, 0.0, 0, 0, 0, 1)]), **ONE_BED).estimates

        def value(measure: str, found=found) -> float:
            return found.find("resources.bed", measure).estimate

        assert value("mean_wait") == (n + 1) / 2
        assert (value("median_wait"), value("percentile_90_wait")) == (median, most)
        assert value("mean_stay") == n + 1
        assert (value("median_stay"), value("percentile_90_stay")) == (2 * median, 2 * most)


def test_a_stay_that_observation_cuts_off_is_left_out():
    patients = [
        served(1.0, 4.0),
        Patient([asks(0, "theatre", bed=WAITS_FOR), granted(3, "theatre", bed=HOLDS)]),
    ]
    found = results_of(patients, use=by_hand.resource_use([(0, 0.0, 0, 0, 0, 1)]), **ONE_BED).estimates
    row = found.find("resources.bed", "mean_stay")
    assert row.estimate == 4.0


def test_the_outcome_has_the_same_percentiles():
    found = rows_of([served(day, 1.0) for day in range(1, 11)], "waiting_for", resource="bed", **ONE_BED)
    assert (found.value("median"), found.value("percentile_90")) == (5.0, 9.0)
