"""Where everyone is on a day, against the log read patient by patient."""

from __future__ import annotations

import numpy as np
import pytest

from sim.event_log.log import ASKS, ENTERS
from sim.outcomes.history.daily_census import GONE, present, replay
from sim.outcomes.history.history import History
from tests.simulated import QUEUE, arm_of, simulated


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> History:
    file = tmp_path_factory.mktemp("queue") / "queue.yaml"
    file.write_text(QUEUE)
    return arm_of(simulated(file, replications=2)).history


def place_of(history: History, index: int, day: float) -> int | None:
    """Of one patient: what the last row up to the day says; None before the first."""
    log, place = history.log, None
    for row in range(log.row_of[index], log.row_of[index + 1]):
        if log.begins[index] + log.time[row] > day:
            break
        to = int(log.stage_to[row])
        if log.does[row] == ASKS:
            place = to + len(log.names.stages)
        elif log.does[row] == ENTERS and not history.is_decision[to]:
            place = to
    is_open = place is None or place >= len(log.names.stages) or log.names.stages[place] != "died"
    return GONE if is_open and log.begins[index] + log.ends[index] <= day else place


@pytest.mark.parametrize("replication", [0, 1])
@pytest.mark.parametrize("day", [0.0, 0.5, 17.25, 100.0, 199.0, 320.0, 400.0])
def test_everybody_is_where_the_log_says(history, replication, day):
    found = replay(history, replication)
    mine = np.flatnonzero(history.log.replication == replication)
    assert list(found.patient) == list(history.log.patient[mine])
    expected = [place_of(history, index, day) for index in mine]
    counts = np.bincount([p for p in expected if p not in (None, GONE)], minlength=2 * len(found.stages))
    assert list(present(found, day)) == list(counts)


def test_who_waits_is_the_queue(history):
    """The moves and the use of the resource are written by different hands."""
    found, use = replay(history), history.use
    n, ward = len(found.stages), found.stages.index("ward")
    rows = np.flatnonzero((use.replication == 0) & (use.time < 200.0))
    last = rows[np.append(use.time[rows][1:] != use.time[rows][:-1], True)]
    for row in last[:: max(1, len(last) // 60)]:
        assert present(found, float(use.time[row]))[n + ward] == use.queue[row]


def test_moves_of_a_patient_are_in_the_order_of_time(history):
    found = replay(history)
    for first, after in zip(found.move_of[:-1], found.move_of[1:], strict=True):
        assert (np.diff(found.day[first:after]) > 0).all()
