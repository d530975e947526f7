"""Trajectories, attrition and swimmer lanes against a walk along the log of each patient."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import groupby, pairwise

import numpy as np
import pytest

from sim.outcomes.history.attrition import attrition
from sim.outcomes.history.history import NEVER, History, rows
from sim.outcomes.history.swimmer_data import swimmer_lanes
from sim.outcomes.history.trajectories import most_frequent, steps, trajectories
from tests.example_runs import CLINICAL, QUEUE, all_patients, history_of, simulated, stages_entered


@pytest.fixture(params=["clinical", "queue"], scope="module")
def history(request, tmp_path_factory) -> History:
    if request.param == "clinical":
        return history_of(simulated(CLINICAL, "patients.number=400"))
    file = tmp_path_factory.mktemp("queue") / "queue.yaml"
    file.write_text(QUEUE)
    return history_of(simulated(file))


def trajectory_of(history: History, index: int) -> tuple[str, ...]:
    return tuple(name for name, _ in groupby(stage for _, stage in stages_entered(history, index)))


def test_every_patient_ends_at_the_node_of_their_trajectory(history):
    found, names = trajectories(history, all_patients(history)), history.log.names.stages
    for index in range(history.log.n_patients):
        node, stages = found.node_of[index], []
        while node:
            stages.append(names[found.stage[node]])
            node = found.parent[node]
        assert tuple(stages[::-1]) == trajectory_of(history, index)


def test_patients_who_pass_a_node_go_on_or_end_there(history):
    found = trajectories(history, all_patients(history))
    on = np.bincount(found.parent[1:], weights=found.passed[1:], minlength=len(found.parent))
    assert (found.passed == found.ended + on).all()
    assert found.passed[0] == history.log.n_patients == found.ended.sum()


def test_the_most_frequent_trajectories(history):
    names = history.log.names.stages
    counted = Counter(trajectory_of(history, i) for i in range(history.log.n_patients))
    counted.pop((), None)
    found = most_frequent(history, trajectories(history, all_patients(history)), 5)
    assert [trajectory.patients for trajectory in found] == [n for _, n in counted.most_common(5)]
    for trajectory in found:
        assert counted[tuple(names[code] for code in trajectory.stages)] == trajectory.patients
        assert trajectory.share == trajectory.patients / history.log.n_patients


def test_the_median_time_in_each_stage_of_a_trajectory(history):
    names, log = history.log.names.stages, history.log
    for trajectory in most_frequent(history, trajectories(history, all_patients(history)), 5):
        stages = tuple(names[code] for code in trajectory.stages)
        own = [i for i in range(log.n_patients) if trajectory_of(history, i) == stages]
        times = []
        for index in own:
            entered = stages_entered(history, index)
            firsts = [
                t for (t, s), before in zip(entered, [(0, ""), *entered], strict=False) if s != before[1]
            ]
            times.append([*firsts, float(log.ends[index])])
        expected = np.median(np.diff(np.array(times), axis=1), axis=0)
        last = len(expected) if trajectory.is_open else len(expected) - 1
        np.testing.assert_allclose(trajectory.days[:last], expected[:last])
        assert trajectory.is_open or np.isnan(trajectory.days[-1])


def test_only_the_given_patients_are_counted(history):
    some = all_patients(history)[::3]
    found = trajectories(history, some)
    assert found.passed[0] == len(some)
    assert (found.node_of[1::3] == -1).all()


def test_steps_are_the_moves_between_stages(history):
    names = history.log.names.stages
    expected: Counter = Counter()
    for index in range(history.log.n_patients):
        for number, (one, other) in enumerate(pairwise(trajectory_of(history, index)), start=1):
            if number <= 4:
                expected[number, one, other] += 1
    found = steps(trajectories(history, all_patients(history)), 4)
    assert {(s.number, names[s.begin], names[s.to]): s.patients for s in found} == expected


# ---------------------------------------------------------------- attrition


def test_losses_are_those_of_the_funnel(history):
    """Counted patient by patient: those with all steps so far and without the next, by their last rows."""
    outcome = next(one for one in history.scenario.outcomes if one.kind == "funnel")
    log = history.log
    firsts = [history.first_of_each(rows(history, what)) for what in outcome.sequence]
    terminal = {stage.name for stage in history.scenario.stages if stage.terminal}
    found = attrition(history, outcome, all_patients(history))
    assert len(found) == len(outcome.sequence) - 1
    for i, step in enumerate(found):
        expected = defaultdict(list)
        for index in range(log.n_patients):
            if any(first[index] == NEVER for first in firsts[: i + 1]) or firsts[i + 1][index] != NEVER:
                continue
            stages = [stage for _, stage in stages_entered(history, index)]
            end = stages.pop() if stages and stages[-1] in terminal else ""
            days = log.ends[index] - log.time[firsts[i][index]]
            expected[end, stages[-1] if stages else ""].append(days)
        assert {(loss.end, loss.last): loss.patients for loss in step} == {
            key: len(days) for key, days in expected.items()
        }
        for loss in step:
            assert loss.days == pytest.approx(np.median(expected[loss.end, loss.last]))
        assert [loss.patients for loss in step] == sorted((len(d) for d in expected.values()), reverse=True)


# ---------------------------------------------------------------- swimmer lanes


def test_a_lane_has_no_gap_and_ends_with_the_patient(history):
    log = history.log
    terminal = {stage.name for stage in history.scenario.stages if stage.terminal}
    for index, lane in enumerate(swimmer_lanes(history, range(40), {})):
        assert (lane.patient, lane.until) == (log.patient[index], log.ends[index])
        assert lane.stays[0].begin == 0.0
        assert all(stay.state for stay in lane.stays)  # a stage without a state leaves it as it was
        assert lane.stays[-1].end == lane.until
        assert all(one.end == other.begin for one, other in pairwise(lane.stays))
        entered = stages_entered(history, index)
        assert lane.end == (entered[-1][1] if entered and entered[-1][1] in terminal else "")
        known = dict.fromkeys(stage for _, stage in entered if stage not in terminal)
        assert list(dict.fromkeys(stay.stage for stay in lane.stays)) == list(known) or not entered


def test_waits_are_stays_of_their_own(history):
    """They lie within the lane, begin and end with the rows of the wait, and no other stay is one."""
    log, waits = history.log, history.waits
    assert (len(waits.asked) > 100) == any(r.capacity for r in history.scenario.resources)
    lanes = swimmer_lanes(history, range(log.n_patients), {})
    found = [
        (index, stay.waits_for, stay.begin, stay.end)
        for index, lane in enumerate(lanes)
        for stay in lane.stays
        if stay.waits_for
    ]
    patient = history.patients(waits.asked)
    ends = [
        log.time[row] if row != NEVER else log.ends[i] for i, row in zip(patient, waits.ended, strict=True)
    ]
    expected = [
        (index, log.names.stages[stage], begin, end)
        for index, stage, begin, end in zip(patient, waits.stage, log.time[waits.asked], ends, strict=True)
        if end > begin
    ]
    assert found == expected


def test_marks_are_the_rows_of_an_event_selector(history):
    outcome = next(one for one in history.scenario.outcomes if one.kind == "funnel")
    what = outcome.sequence[2]
    times = history.log.time[rows(history, what)]
    found = swimmer_lanes(history, range(history.log.n_patients), {"it": what})
    assert [("it", time) for time in times] == [mark for lane in found for mark in lane.marks]
