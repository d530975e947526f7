"""Patients from a table: their attributes, their stage at the start, and their time in it.

Times that run are given that they have lasted so long: what is drawn lies beyond the days spent.
"""

from __future__ import annotations

from math import nan

from sim.engine.draws import drawn, is_triggered, schedule
from sim.engine.event_times import event_time_beyond, survival
from sim.engine.expressions import choose, holds, needed, probability
from sim.engine.log_writer import LogBuffer, close_row, note_resources, open_row, write_change
from sim.event_log.log import ASKS, DECIDE, ENTERS
from sim.numerics.compilation import compiled, inlined, unit
from sim.numerics.portable import round_to_grid
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables


@inlined
def row_of_table(T: Tables, patient: int) -> int:
    """Where in `numbers` the table's row of a patient begins, or NONE.

    Today's patients are the first of all; rows that only replace draws are used over and over.
    """
    P = T.program
    n = P[at.MORE, at.MORE_N_TABLE]
    if n == 0 or (patient >= n and P[at.MORE, at.MORE_IS_TODAY] == 1):
        return at.NONE
    width = P[0, at.HEAD_N_ATTRIBUTES] + P[0, at.HEAD_N_STAMPS] + P[0, at.HEAD_N_CLOCKS] + 4
    return P[at.MORE, at.MORE_TABLE] + patient % n * width


@unit(at.FROM_TABLE)
def begin_from_table(T: Tables, x: Floats, k: Ints, L: LogBuffer, table_row: int) -> float:
    """Give a patient the stamps and clocks of a table and, who is in care already, the stage or the wait.

    Returns the stage that the patient enters next, or NONE.
    """
    P = T.program
    if P[at.MORE, at.MORE_IS_TODAY] != 1:
        set_back(T, x, k, L, table_row)
        return float(P[0, at.HEAD_START])
    resume(T, x, k, L, table_row)
    set_back(T, x, k, L, table_row)
    awaited, days = wait_of_table(T, table_row)
    if awaited != at.NONE:
        return float(at.NONE) if wait_on(T, x, k, L, awaited, days) else float(awaited)
    go_on(T, x, k, L)
    return float(at.NONE)


@compiled
def resume(T: Tables, x: Floats, k: Ints, L: LogBuffer, table_row: int) -> None:
    """A patient is in a stage when the calendar begins, and has been for some days; or in none, and waits.

    `on_start` is over, and the table's values take the place of its; what the stage does on entry
    has happened.
    """
    P = T.program
    n_attributes = P[0, at.HEAD_N_ATTRIBUTES]
    for i in range(n_attributes):
        value = T.numbers[table_row + i]
        if value == value and value != x[at.FIRST_ATTRIBUTE + i]:
            x[at.FIRST_ATTRIBUTE + i] = value
            write_change(k, L, i, value)
    place = table_row + n_attributes + P[0, at.HEAD_N_STAMPS] + P[0, at.HEAD_N_CLOCKS]
    if not T.numbers[place] < at.EMPTY:
        return
    stage = int(T.numbers[place])
    close_row(k, L, at.NONE, stage, ENTERS)
    k[P[0, at.HEAD_VISITS] + stage] = 1
    k[at.STAGE_NOW] = stage
    k[at.TIMED_STAGE] = stage
    x[at.ENTERED] = x[at.NOW] - T.numbers[place + 1]
    x[at.TIMED_ENTERED] = x[at.ENTERED]


@compiled
def set_back(T: Tables, x: Floats, k: Ints, L: LogBuffer, table_row: int) -> None:
    """Stamps were set, and clocks began to run, before the patient's start."""
    P = T.program
    n_attributes, n_stamps = P[0, at.HEAD_N_ATTRIBUTES], P[0, at.HEAD_N_STAMPS]
    for i in range(n_stamps):
        days = T.numbers[table_row + n_attributes + i]
        if days == days:
            time = x[at.NOW] - days if days < at.EMPTY else nan
            x[P[0, at.HEAD_STAMPS] + i] = time
            write_change(k, L, n_attributes + i, time)
    for i in range(P[0, at.HEAD_N_CLOCKS]):
        days = T.numbers[table_row + n_attributes + n_stamps + i]
        if days == days:
            k[P[0, at.HEAD_SLOTS] + i] = at.RESTS
            if days < at.EMPTY:
                run_on(T, x, k, P[0, at.HEAD_CLOCKS] + i, i, days)


@compiled
def go_on(T: Tables, x: Floats, k: Ints, L: LogBuffer) -> None:
    """The stage the patient is in already: what it needs is held, its events have run for a while.

    An event that leads elsewhere has not happened: its time is longer, and it is less likely to be
    triggered at all. An event with `stay` may have happened: its time is not conditioned.
    """
    k[at.HELD] = needed(T, x, k, k[at.STAGE_NOW])
    note_resources(T, k, L, k[at.HELD], 0)
    run_events(T, x, k, k[at.STAGE_NOW], x[at.NOW] - x[at.ENTERED], 2)


@inlined
def wait_of_table(T: Tables, table_row: int) -> tuple[int, float]:
    """The stage that the patient of this row waits for when the calendar begins, or NONE; and since when."""
    P = T.program
    place = table_row + P[0, at.HEAD_N_ATTRIBUTES] + P[0, at.HEAD_N_STAMPS] + P[0, at.HEAD_N_CLOCKS] + 2
    stage = int(T.numbers[place]) if T.numbers[place] < at.EMPTY else at.NONE
    return stage, T.numbers[place + 1]


@compiled
def wait_on(T: Tables, x: Floats, k: Ints, L: LogBuffer, stage: int, days: float) -> bool:
    """The patient has waited for a stage for some days, in a stage left behind or before the first.

    Its request stands since then, and what can happen in the wait has run as long. False: the stage
    needs nothing that can be waited for.
    """
    P = T.program
    need = needed(T, x, k, stage)
    if k[at.STAGE_NOW] != at.NONE:
        k[at.HELD] = needed(T, x, k, k[at.STAGE_NOW]) & (need | P[at.MORE, at.MORE_KEPT])
        note_resources(T, k, L, k[at.HELD], 0)
        open_row(k, L, x[at.NOW], DECIDE, k[at.STAGE_NOW])
    missing = need & ~k[at.HELD]
    if missing == 0:
        return False
    close_row(k, L, at.NONE, stage, ASKS)
    note_resources(T, k, L, missing, 1)
    k[at.ASKED] = stage
    k[at.WANTED] = missing
    k[at.NEEDED] = need
    x[at.ASKED_AT] = x[at.NOW] - days
    run_events(T, x, k, stage, days, 0)
    return True


@compiled
def run_events(T: Tables, x: Floats, k: Ints, stage: int, lasted: float, other: int) -> None:
    """Let the events of a stage run that have run for some days, but those of the `other` kind of waiting."""
    P = T.program
    row = P[0, at.HEAD_STAGES] + stage
    for i in range(P[row, at.STAGE_N_ALL]):
        event = P[row, at.STAGE_EVENTS] + i
        slot = P[event, at.EVENT_SLOT]
        if P[event, at.EVENT_WAITING] == other or not holds(T, x, k, P[event, at.EVENT_WHEN]):
            continue
        if P[P[event, at.EVENT_TO], at.TO_KIND] == at.TO_STAY:
            begin_before(T, x, k, event, slot, lasted)
        elif P[event, at.EVENT_CHANCE] == at.NONE or is_still_triggered(T, x, k, event, lasted):
            run_on(T, x, k, event, slot, lasted)
        else:
            k[P[0, at.HEAD_SLOTS] + slot] = at.OVER


@compiled
def run_on(T: Tables, x: Floats, k: Ints, event: int, slot: int, lasted: float) -> None:
    """Let an event or clock run that began `lasted` days ago, and is longer."""
    P = T.program
    now = x[at.NOW]
    x[at.NOW] = now - lasted
    dist = choose(T, x, k, P[event, at.EVENT_DIST])
    time = event_time_beyond(
        T, x, k, dist, P[event, at.EVENT_RUN], drawn(T, k, P[event, at.EVENT_DRAW]), lasted
    )
    x[at.NOW] = now
    x[P[0, at.HEAD_DUE] + slot] = now + round_to_grid(max(time - lasted, 0.0))
    k[P[0, at.HEAD_SLOTS] + slot] = at.RUNS


@compiled
def is_still_triggered(T: Tables, x: Floats, k: Ints, event: int, lasted: float) -> bool:
    """Whether an event is triggered that has not happened `lasted` days after it was asked: Bayes."""
    P = T.program
    now = x[at.NOW]
    x[at.NOW] = now - lasted
    first, n = P[event, at.EVENT_CHANCE_RATIOS], P[event, at.EVENT_CHANCE_N_RATIOS]
    p = probability(T, x, k, P[event, at.EVENT_CHANCE], first, n)
    later = p * survival(T, x, k, choose(T, x, k, P[event, at.EVENT_DIST]), lasted)
    x[at.NOW] = now
    return (
        drawn(T, k, P[event, at.EVENT_CHANCE_DRAW]) * (later + (1.0 - p)) <= later
    )  # equal: certain, and past a fixed time


@compiled
def begin_before(T: Tables, x: Floats, k: Ints, event: int, slot: int, lasted: float) -> None:
    """Draw the times of an event from `lasted` days ago on: it may be over, or with `every` comes again."""
    P = T.program
    due, state = P[0, at.HEAD_DUE] + slot, P[0, at.HEAD_SLOTS] + slot
    now = x[at.NOW]
    x[at.NOW] = now - lasted
    k[state] = at.OVER
    if is_triggered(T, x, k, event):
        schedule(T, x, k, event, slot)
        while x[due] <= now and P[event, at.EVENT_EVERY] and k[at.STATUS] == at.ALIVE:
            if x[due] == x[at.NOW]:
                k[at.STATUS] = at.ENDLESS
            x[at.NOW] = x[due]
            schedule(T, x, k, event, slot)
        if x[due] <= now:
            k[state] = at.OVER
    x[at.NOW] = now
