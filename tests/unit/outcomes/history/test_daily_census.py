"""Where patients are on each day, against a walk along the log of each patient."""

from __future__ import annotations

import numpy as np
import pytest

from sim.event_log.log import ASKS, ENTERS
from sim.outcomes.history.daily_census import GONE, census_on, daily_census
from sim.outcomes.history.history import History
from tests.example_runs import QUEUE, history_of, simulated


@pytest.fixture(scope="module")
def history(tmp_path_factory) -> History:
    file = tmp_path_factory.mktemp("queue") / "queue.yaml"
    file.write_text(QUEUE)
    return history_of(simulated(file, replications=2))


def place_of(history: History, index: int, day: float) -> int | None:
    """The place of one patient by the last row up to the day; None before the first."""
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
def test_every_patient_is_where_the_log_says(history, replication, day):
    found = daily_census(history, replication)
    index = np.flatnonzero(history.log.replication == replication)
    assert list(found.patient) == list(history.log.patient[index])
    expected = [place_of(history, i, day) for i in index]
    counts = np.bincount([p for p in expected if p not in (None, GONE)], minlength=2 * len(found.stages))
    assert list(census_on(found, day)) == list(counts)


def test_patients_who_wait_are_the_queue(history):
    """The moves come from the log, the queue from the use of the resource."""
    found, use = daily_census(history), history.use
    n, ward = len(found.stages), found.stages.index("ward")
    rows = np.flatnonzero((use.replication == 0) & (use.time < 200.0))
    last = rows[np.append(use.time[rows][1:] != use.time[rows][:-1], True)]
    for row in last[:: max(1, len(last) // 60)]:
        assert census_on(found, float(use.time[row]))[n + ward] == use.queue[row]


def test_moves_of_a_patient_are_in_order_of_time(history):
    found = daily_census(history)
    for first, after in zip(found.move_of[:-1], found.move_of[1:], strict=True):
        assert (np.diff(found.day[first:after]) > 0).all()
