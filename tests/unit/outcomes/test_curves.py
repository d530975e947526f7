"""Curves against the rows of results at the same times, state occupancy against outcomes of occupancy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.outcomes.curves import curves, grid
from sim.outcomes.history.history import NEVER
from sim.outcomes.history.state_occupancy import WAITING, state_occupancy
from sim.runs.run import Run, RunRequest, run_scenario
from tests import example_logs as by_hand
from tests.cohorts import written
from tests.example_runs import (
    CLINICAL,
    FIRST,
    QUEUE,
    all_patients,
    arm_of,
    evaluator_of,
    history_of,
    log_results,
    outcome_named,
    simulated,
)
from tests.rows import OutcomeRows


@pytest.fixture(scope="module")
def queue(tmp_path_factory) -> Run:
    file = tmp_path_factory.mktemp("queue") / "queue.yaml"
    file.write_text(QUEUE)
    return simulated(file)


def curves_of(done: Run, name: str):
    """The curves of an outcome up to 180 days."""
    return curves(evaluator_of(arm_of(done), grid(180.0)), outcome_named(done.scenario, name))


@pytest.mark.parametrize(
    ("name", "measure", "begin"),
    [("overall_survival", "survival", 1.0), ("marrow_relapse", "cumulative_incidence", 0.0)],
)
@pytest.mark.parametrize("replications", [1, 3])
def test_a_curve_has_the_estimates_of_the_results(name, measure, begin, replications):
    done = simulated(CLINICAL, "patients.number=300", replications=replications)
    found, groups = curves_of(done, name)
    rows = OutcomeRows(done.results, name)
    assert groups == {}
    assert len(found.main.time) == len(grid(180.0)) + 1
    parts = list(dict.fromkeys(rows.parts(measure)))
    assert parts == ["", *(curve.name for curve in found.causes)]
    for curve, part in zip([found.main, *found.causes], parts, strict=True):
        at = rows.at(measure, part)
        assert list(at) == [45, 90, 180]
        for time, row in at.items():
            i = int(np.argmin(abs(curve.time - time)))
            assert curve.time[i] == pytest.approx(time, abs=1e-9)
            assert [curve.value[i], curve.low[i], curve.high[i]] == pytest.approx(
                [row.estimate, row.low, row.high], nan_ok=True
            )
            assert curve.at_risk[i] == rows.value("at_risk", time=time)
    assert [curve.value[0] for curve in (found.main, *found.causes)] == [begin] * len(parts)
    assert found.n == rows.headline.n == found.main.at_risk[0]


def test_a_curve_for_each_group():
    done = simulated(FIRST, "patients.number=300")
    _, groups = curves_of(done, "overall_survival")
    rows = OutcomeRows(done.results, "overall_survival").groups
    assert {name: one.n for name, one in groups.items()} == {
        name: one.headline.n for name, one in rows.items()
    }
    assert groups["true"].main.value[-1] == rows["true"].value("survival", time=180.0)


def test_state_occupancy_equals_that_of_an_occupancy_outcome(queue):
    """At every time and in every state, with follow-up that ends at different times.

    An outcome counts who waits in the stage left; here these are apart.
    """
    history, at = history_of(queue), [10.0, 60.0, 150.0, 200.0]
    outcomes = tuple(
        by_hand.outcome("occupancy", f"{kind} {name}", place=(kind, name))
        for kind, names in (("state", history.log.names.states), ("stage", history.log.names.stages))
        for name in names
    )
    scenario = replace(queue.scenario, outcomes=outcomes)
    results = log_results(queue.arm.log, queue.arm.use, scenario, at=at)
    for kind in ("state", "stage"):
        found = state_occupancy(history, all_patients(history), np.array([0.0, *at]), of=kind)
        shares = dict(zip(found.names, found.share, strict=True))
        waiting = shares.pop(WAITING, None)
        sums = [0.0] * 4
        for name, share in shares.items():
            rows = OutcomeRows(results, f"{kind} {name}").at("share").values()
            expected = [row.estimate for row in rows]
            assert list(share[1:]) == pytest.approx(expected) or (
                kind == "stage" and (share[1:] <= expected).all()
            )
            sums = [total + one - own for total, one, own in zip(sums, expected, share[1:], strict=True)]
            assert list(found.observed[1:]) == [row.n for row in rows]
        assert (waiting is not None) == (kind == "stage")
        if waiting is not None:
            assert list(waiting[1:]) == pytest.approx(sums)
            assert list(waiting[1:]) == pytest.approx(waiting_by_hand(history, at))


def waiting_by_hand(history, at):
    """The share of patients followed to each time who have asked by then, and not ended the wait."""
    log, waits = history.log, history.waits
    patient = history.patients(waits.asked)
    ended = [log.time[row] if row != NEVER else np.inf for row in waits.ended]
    followed = [log.follow_up >= time for time in at]
    return [
        np.count_nonzero((log.time[waits.asked] <= time) & (np.array(ended) > time) & there[patient])
        / there.sum()
        for time, there in zip(at, followed, strict=True)
    ]


@pytest.mark.parametrize("kind", ["state", "stage"])
def test_the_shares_of_all_places_sum_to_one(queue, kind):
    history = history_of(queue)
    found = state_occupancy(history, all_patients(history), np.linspace(0.0, 200.0, 50), of=kind)
    np.testing.assert_allclose(found.share.sum(axis=0), 1.0)


@pytest.mark.parametrize("horizon", ["365.25 days", "800 days"])
def test_a_death_on_the_last_day_is_a_death(tmp_path, horizon):
    """The same answer to the same question, whether observation ends with the year or later."""
    stages = "home: {state: ill, events: {death: {after: {fixed: 1 year}, to: died}}}\ndied: {state: dead, terminal: true}"
    outcomes = "{survival: {from: start, until: {state: dead}}, dead: {occupancy: {state: dead}}}"
    text = f"{written(stages, patients='{number: 10}', horizon=horizon)}outcomes: {outcomes}\n"
    (file := tmp_path / "last_day.yaml").write_text(text)
    done = run_scenario(RunRequest(file, at=(365.25,)), keep_log=True)
    assert OutcomeRows(done.results, "survival").value("survival", time=365.25) == 0.0
    assert OutcomeRows(done.results, "dead").value("share", time=365.25) == 1.0
    found = state_occupancy(history_of(done), all_patients(history_of(done)), np.array([0.0, 365.25]))
    assert found.share.sum(axis=0).tolist() == [1.0, 1.0]
