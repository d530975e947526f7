"""Distributions of values: time in stages, value_shares and waits."""

from __future__ import annotations

import numpy as np
import pytest

from sim.outcomes.history.history import History
from sim.outcomes.value_distribution import QUANTILES, ended_waits, stays, value_shares
from sim.runs.run import Run
from tests import example_logs as by_hand
from tests.example_runs import CLINICAL, QUEUE, all_patients, history_of, outcome_named, simulated
from tests.rows import OutcomeRows


@pytest.fixture(scope="module")
def queue(tmp_path_factory) -> Run:
    file = tmp_path_factory.mktemp("queue") / "queue.yaml"
    file.write_text(QUEUE)
    return simulated(file)


def test_time_in_stages_by_hand():
    stages = [by_hand.stage("a", "x"), by_hand.stage("b", "x"), by_hand.stage("end", "y", terminal=True)]
    scenario = by_hand.scenario(stages, horizon=100.0)
    patients = [
        by_hand.Patient([by_hand.enters(0, "a"), by_hand.enters(10, "b"), by_hand.enters(40, "end")]),
        by_hand.Patient([by_hand.enters(0, "a"), by_hand.enters(20, "b")]),
        by_hand.Patient([by_hand.enters(0, "a")]),
    ]
    log = by_hand.event_log(scenario, patients)
    found = stays(History(log, by_hand.no_use(), scenario), np.arange(3))
    assert [(one.name, one.n, one.cut_off) for one in found] == [("a", 2, 1), ("b", 1, 1)]
    assert found[0].quantiles == pytest.approx([10 + 10 * q for q in QUANTILES])
    assert found[1].quantiles == (30.0,) * len(QUANTILES)


def test_grades_are_shares_of_the_values(queue):
    history = history_of(queue)
    found = value_shares(history, outcome_named(queue.scenario, "grade"), all_patients(history))
    assert [share.value for share in found] == ["1", "2", "3"]
    headline = OutcomeRows(queue.results, "grade").headline
    assert sum(share.count for share in found) == headline.n
    mean = sum(float(share.value) * share.estimate.value for share in found)
    assert mean == pytest.approx(headline.estimate)
    assert not any(share.estimate.has_interval for share in found)  # they share a bed


def test_a_number_with_many_values_is_no_grade():
    history = history_of(simulated(CLINICAL, "patients.number=300"))
    outcome = by_hand.outcome("attribute", attribute="age")
    assert value_shares(history, outcome, all_patients(history)) == ()


def test_a_yes_or_no_is_one_share_and_has_no_distribution():
    scenario = by_hand.scenario([by_hand.stage("a", "x")], attributes=[by_hand.yes_no("fit")])
    patients = [by_hand.Patient([by_hand.enters(0, "a")], start={"fit": fit}) for fit in (True, False)]
    history = History(by_hand.event_log(scenario, patients), by_hand.no_use(), scenario)
    assert value_shares(history, by_hand.outcome("attribute", attribute="fit"), np.arange(2)) == ()


def test_ended_waits_are_those_of_the_outcome(queue):
    history = history_of(queue)
    days, served = ended_waits(history, outcome_named(queue.scenario, "waits"), all_patients(history))
    rows = OutcomeRows(queue.results, "waits")
    by_end = {part: rows.row("mean", part) for part in ("served", "left")}
    assert (len(days), int(served.sum())) == (rows.headline.n, by_end["served"].n)
    assert days.mean() == pytest.approx(rows.headline.estimate)
    assert days[~served].mean() == pytest.approx(by_end["left"].estimate)
    assert by_end["left"].n > 0
