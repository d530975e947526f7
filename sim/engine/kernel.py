"""The kernel: what happens next to one patient.

A patient enters a stage, every competing event whose condition holds is given a time, the earliest
happens, its effects run, its destination is chosen. Clocks are events that outlive the stage.
Both engines call `begin`, `next_event`, `execute_event` and `grant`, and nothing else.

`T` are the tables of a pathway, `x` and `k` the float64 and int64 state of one patient, `L` the log
buffer; their layout is in `sim.pathway.layout`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

import numpy as np

from sim.engine.draws import draw_value, drawn, is_triggered, schedule
from sim.engine.effects import run_effects
from sim.engine.expressions import choose, holds, needed, part
from sim.engine.log_writer import (
    COUNT_ROWS,
    ROW_DOES,
    ROW_EVENT,
    ROW_RULE,
    ROW_TO,
    ROW_WIDTH,
    LogBuffer,
    close_row,
    note_resources,
    open_row,
)
from sim.engine.prevalent_patients import begin_from_table, row_of_table
from sim.engine.rare_words import rare_value
from sim.event_log.log import (
    ASKS,
    DECIDE,
    ENTERS,
    GRANTED,
    LEAVES,
    LEFT_QUEUE,
    START,
    STAYS,
)
from sim.numerics.compilation import compiled, inlined
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables

# ---------------------------------------------------------------- stages


@compiled
def update_events(T: Tables, x: Floats, k: Ints) -> None:
    """Read the condition of each event of the stage the patient is in, or waits for.

    Those that now hold are drawn, those that do not are withdrawn.
    """
    waits = k[at.ASKED] != at.NONE
    stage = k[at.ASKED] if waits else k[at.STAGE_NOW]
    P = T.program
    row = P[0, at.HEAD_STAGES] + stage
    first = P[row, at.STAGE_EVENTS]
    slots = P[0, at.HEAD_SLOTS]
    for event in range(first, first + P[row, at.STAGE_N_ALL]):
        which = P[event, at.EVENT_WAITING]
        slot = P[event, at.EVENT_SLOT]
        if (waits and which == 0) or (not waits and which == 2):
            k[slots + slot] = at.RESTS
            continue
        state = k[slots + slot]
        if state == at.OVER:
            continue
        if not holds(T, x, k, P[event, at.EVENT_WHEN]):
            if state == at.RUNS:
                k[slots + slot] = at.IS_TRIGGERED
            continue
        if state == at.RESTS:
            if not is_triggered(T, x, k, event):
                k[slots + slot] = at.OVER
                continue
            state = at.IS_TRIGGERED
        if state == at.IS_TRIGGERED:
            schedule(T, x, k, event, slot)


@compiled
def clear_slots(T: Tables, k: Ints, stage: int) -> None:
    """Forget all events of a visit."""
    P = T.program
    row = P[0, at.HEAD_STAGES] + stage
    first = P[0, at.HEAD_SLOTS] + P[0, at.HEAD_N_CLOCKS]
    for slot in range(first, first + P[row, at.STAGE_N_ALL]):
        k[slot] = at.RESTS


@inlined
def count_entry(T: Tables, x: Floats, k: Ints, stage: int) -> None:
    """The patient is in the stage from now on."""
    k[at.STAGE_NOW] = stage
    x[at.ENTERED] = x[at.NOW]
    k[T.program[0, at.HEAD_VISITS] + stage] += 1


@inlined
def schedule_events(T: Tables, x: Floats, k: Ints, stage: int) -> None:
    """As `update_events`, on entering a stage that was not waited for: no event is triggered yet."""
    P = T.program
    row = P[0, at.HEAD_STAGES] + stage
    first = P[row, at.STAGE_EVENTS]
    slots = P[0, at.HEAD_SLOTS] + P[0, at.HEAD_N_CLOCKS]
    for i in range(P[row, at.STAGE_N_ALL]):
        event = first + i
        k[slots + i] = at.RESTS
        if P[event, at.EVENT_WAITING] != 2 and holds(T, x, k, P[event, at.EVENT_WHEN]):
            if is_triggered(T, x, k, event):
                schedule(T, x, k, event, P[event, at.EVENT_SLOT])
            else:
                k[slots + i] = at.OVER


@inlined
def enter(T: Tables, x: Floats, k: Ints, L: LogBuffer, stage: int, has_waited: bool) -> None:
    """Enter a stage that takes time: its effects, then a time for each event."""
    P = T.program
    row = P[0, at.HEAD_STAGES] + stage
    count_entry(T, x, k, stage)
    k[at.TIMED_STAGE] = stage
    x[at.TIMED_ENTERED] = x[at.NOW]
    k[at.ASKED] = at.NONE
    if P[row, at.STAGE_N_EFFECTS] > 0 and not has_waited:
        clear_slots(T, k, stage)  # the old stage's events are no longer there to be reassessed
    run_effects(T, x, k, L, P[row, at.STAGE_EFFECTS], P[row, at.STAGE_N_EFFECTS])
    if P[row, at.STAGE_KIND] == at.TERMINAL:
        k[at.STATUS] = max(k[at.STATUS], at.ENDED)
    elif has_waited:
        update_events(T, x, k)
    else:
        schedule_events(T, x, k, stage)


@inlined
def choose_destination(T: Tables, x: Floats, k: Ints, node: int, draw: int) -> tuple[int, int]:
    """Follow a destination to a stage, or STAY_KEY; with the code of the rule that decided."""
    if T.program[node, at.TO_KIND] == at.TO_STAGE:
        return T.program[node, at.TO_A], at.NONE
    return follow_destination(T, x, k, node, draw)


@compiled
def follow_destination(T: Tables, x: Floats, k: Ints, node: int, draw: int) -> tuple[int, int]:
    """As `choose_destination`, through rules and chances."""
    P = T.program
    rule = at.NONE
    while True:
        kind = P[node, at.TO_KIND]
        first = P[node, at.TO_A]
        if kind == at.TO_STAGE:
            return first, rule
        if kind == at.TO_STAY:
            return at.STAY_KEY, rule
        if kind == at.TO_CHANCES:
            parts = choose(T, x, k, first)
            first = P[parts, at.PARTS_FIRST]
            u = drawn(T, k, draw)
            n = P[parts, at.PARTS_N]
            i = part(T, x, k, first, n, P[node, at.TO_RATIOS], P[node, at.TO_N_RATIOS], u)
            if i < 0:
                k[at.STATUS] = at.BEYOND_ONE
                i = 0
            return P[first + i, at.PART_KEY], rule
        for item in range(first, first + P[node, at.TO_N]):
            if holds(T, x, k, P[item, at.RULE_WHEN]):
                if P[item, at.RULE_NAME] != at.NONE:
                    rule = P[item, at.RULE_NAME]
                node = P[item, at.RULE_TO]
                break


@compiled
def give_back(T: Tables, k: Ints, L: LogBuffer, which: int) -> None:
    """The patient holds these units no longer."""
    k[at.HELD] &= ~which
    k[at.RELEASED] |= which
    note_resources(T, k, L, which, 0)


@compiled
def arrive(T: Tables, x: Floats, k: Ints, L: LogBuffer, stage: int, rule: int) -> None:
    """Come to a stage, through any decisions, to enter it or to wait for what it needs.

    The latest row of the log is the event that leads here.
    """
    P = T.program
    while True:
        row = P[0, at.HEAD_STAGES] + stage
        if P[row, at.STAGE_KIND] != at.DECISION:
            break
        close_row(k, L, rule, stage, ENTERS)
        count_entry(T, x, k, stage)
        run_effects(T, x, k, L, P[row, at.STAGE_EFFECTS], P[row, at.STAGE_N_EFFECTS])
        onward, rule = choose_destination(T, x, k, P[row, at.STAGE_DECIDE], P[row, at.STAGE_DRAW])
        k[at.INSTANT] += 1
        if k[at.INSTANT] > at.MOST_EVENTS_AT_ONCE:
            k[at.STATUS] = at.ENDLESS
        if k[at.STATUS] > at.ENDED:
            return
        open_row(k, L, x[at.NOW], DECIDE, stage)
        stage = onward
    need = needed(T, x, k, stage)
    missing = need & ~k[at.HELD]
    if missing == 0:
        if k[at.HELD] != need:
            give_back(T, k, L, k[at.HELD] & ~need)
        close_row(k, L, rule, stage, ENTERS)
        x[P[0, at.HEAD_WAITED] + stage] = 0.0
        enter(T, x, k, L, stage, False)
        return
    give_back(T, k, L, k[at.HELD] & ~need & ~P[at.MORE, at.MORE_KEPT])
    clear_slots(T, k, stage)
    close_row(k, L, rule, stage, ASKS)
    note_resources(T, k, L, missing, 1)
    k[at.ASKED] = stage
    k[at.WANTED] = missing
    k[at.NEEDED] = need
    x[at.ASKED_AT] = x[at.NOW]
    k[at.STAGE_NOW] = k[at.TIMED_STAGE]
    x[at.ENTERED] = x[at.TIMED_ENTERED]
    update_events(T, x, k)


@compiled
def grant(T: Tables, x: Floats, k: Ints, L: LogBuffer, time: float) -> None:
    """What the patient waits for is granted at `time`: the wait ends, the stage is entered."""
    pass_time(x, k, time)
    stage = k[at.ASKED]
    x[T.program[0, at.HEAD_WAITED] + stage] = time - x[at.ASKED_AT]
    k[at.RELEASED] = 0
    k[at.HAS_LEFT] = 0
    open_row(k, L, time, GRANTED, k[at.STAGE_NOW])
    close_row(k, L, at.NONE, stage, ENTERS)
    k[at.HELD] |= k[at.WANTED]
    note_resources(T, k, L, k[at.WANTED], 0)
    k[at.WANTED] = 0
    if k[at.HELD] != k[at.NEEDED]:
        give_back(T, k, L, k[at.HELD] & ~k[at.NEEDED])
    enter(T, x, k, L, stage, True)


# ---------------------------------------------------------------- from start to end


@inlined
def pass_time(x: Floats, k: Ints, time: float) -> None:
    """Move to a later moment, or note one more event in this one."""
    if time > x[at.NOW]:
        x[at.NOW] = time
        k[at.INSTANT] = 0
    else:
        k[at.INSTANT] += 1
        if k[at.INSTANT] > at.MOST_EVENTS_AT_ONCE:
            k[at.STATUS] = at.ENDLESS


@compiled
def clear(T: Tables, x: Floats, k: Ints, seed: int, replication: int, patient: int) -> None:
    """A patient before anything has been drawn."""
    P = T.program
    for i in range(len(x)):
        x[i] = nan
    for i in range(at.RARE_TIMES):
        k[i] = 0
    for i in range(at.FIRST_SLOT, len(k)):
        k[i] = 0
    x[at.NOW] = 0.0
    x[at.ENTERED] = 0.0
    x[at.TIMED_ENTERED] = 0.0
    waited = P[0, at.HEAD_WAITED]
    for i in range(waited, waited + P[0, at.HEAD_N_STAGES]):
        x[i] = 0.0
    k[at.SEED] = seed
    k[at.REPLICATION] = replication
    k[at.NUMBER_] = patient
    k[at.STAGE_NOW] = at.NONE
    k[at.TIMED_STAGE] = at.NONE
    k[at.ASKED] = at.NONE


@compiled
def begin(
    T: Tables,
    x: Floats,
    k: Ints,
    L: LogBuffer,
    seed: int,
    replication: int,
    patient: int,
    at_start: Floats,
    at_row: int,
) -> None:
    """A patient starts: attributes, noted in `at_start[at_row]`, `on_start`, the first stage."""
    P = T.program
    clear(T, x, k, seed, replication, patient)
    table_row = row_of_table(T, patient)
    first = P[0, at.HEAD_ATTRIBUTES]
    for i in range(P[0, at.HEAD_N_ATTRIBUTES]):
        value = T.numbers[table_row + i] if table_row != at.NONE else nan
        if value != value:
            value = draw_value(T, x, k, first + i)
        x[at.FIRST_ATTRIBUTE + i] = value
        at_start[at_row, i] = value
    age = P[at.MORE, at.MORE_AGE]
    if age != at.NONE:
        x[at.AGE] = at_start[at_row, age]
    open_row(k, L, 0.0, START, at.NONE)
    run_effects(T, x, k, L, P[0, at.HEAD_EFFECTS], P[0, at.HEAD_N_EFFECTS])
    stage = P[0, at.HEAD_START]
    if table_row != at.NONE:
        stage = int(begin_from_table(T, x, k, L, table_row))
    if stage != at.NONE:
        arrive(T, x, k, L, stage, at.NONE)


@inlined
def clock_can(T: Tables, x: Floats, k: Ints, clock: int, stage: int) -> bool:
    """Whether a clock can happen in this stage and at this moment."""
    flags = T.program[clock, at.EVENT_STAGES]
    if flags != at.NONE and T.numbers[flags + stage] == 0.0:
        return False
    return holds(T, x, k, T.program[clock, at.EVENT_WHEN])


@inlined
def next_event(T: Tables, x: Floats, k: Ints) -> float:
    """The time of what happens next, inf where nothing does; its slot is kept in NEXT_SLOT.

    The earliest wins; a clock goes before an event, then the order in the file. A clock that is due
    but cannot happen now happens as soon as it can: its condition is read at the time it would.
    """
    P = T.program
    now = x[at.NOW]
    due, slots = P[0, at.HEAD_DUE], P[0, at.HEAD_SLOTS]
    best = inf
    found = at.NONE
    waiting = k[at.ASKED] != at.NONE
    stage = k[at.ASKED] if waiting else k[at.STAGE_NOW]
    standing = k[at.STAGE_NOW] if k[at.STAGE_NOW] != at.NONE else stage
    n_clocks = P[0, at.HEAD_N_CLOCKS]
    for slot in range(n_clocks):
        if k[slots + slot] == at.RUNS:
            time = max(x[due + slot], now)
            if time < best:
                x[at.NOW] = time
                if clock_can(T, x, k, P[0, at.HEAD_CLOCKS] + slot, standing):
                    best = time
                    found = slot
                x[at.NOW] = now
    n = P[P[0, at.HEAD_STAGES] + stage, at.STAGE_N_ALL]
    for slot in range(n_clocks, n_clocks + n):
        if k[slots + slot] == at.RUNS and x[due + slot] < best:
            best = x[due + slot]
            found = slot
    x[at.NEXT_TIME] = best
    k[at.NEXT_SLOT] = found
    return best


@compiled
def execute_event(T: Tables, x: Floats, k: Ints, L: LogBuffer) -> None:
    """Execute the event that `next_event` found: effects, destination, and entry."""
    P = T.program
    slot = k[at.NEXT_SLOT]
    slots = P[0, at.HEAD_SLOTS]
    n_clocks = P[0, at.HEAD_N_CLOCKS]
    waiting = k[at.ASKED] != at.NONE
    stage = k[at.ASKED] if waiting else k[at.STAGE_NOW]
    is_clock = slot < n_clocks
    if is_clock:
        event = P[0, at.HEAD_CLOCKS] + slot
        k[slots + slot] = at.RESTS
    else:
        event = P[P[0, at.HEAD_STAGES] + stage, at.STAGE_EVENTS] + slot - n_clocks
        k[slots + slot] = at.IS_TRIGGERED if P[event, at.EVENT_EVERY] else at.OVER
    pass_time(x, k, x[at.NEXT_TIME])
    k[at.RELEASED] = 0
    k[at.HAS_LEFT] = 0
    if k[at.STATUS] > at.ENDED:
        return
    open_row(k, L, x[at.NOW], P[event, at.EVENT_CODE], k[at.STAGE_NOW])
    run_effects(T, x, k, L, P[event, at.EVENT_EFFECTS], P[event, at.EVENT_N_EFFECTS])
    to, rule = choose_destination(T, x, k, P[event, at.EVENT_TO], P[event, at.EVENT_TO_DRAW])
    if to == at.STAY_KEY:
        close_row(k, L, rule, at.NONE, STAYS)
        update_events(T, x, k)
        return
    if waiting:
        leave_queue(T, k, L, stage)
    arrive(T, x, k, L, to, rule)


@compiled
def leave_queue(T: Tables, k: Ints, L: LogBuffer, stage: int) -> None:
    """The patient leaves the queue without a grant: write a row before the one that leads away."""
    n = L.rows[0, COUNT_ROWS]
    if n >= len(L.rows) or k[at.STATUS] == at.LOG_FULL:
        k[at.STATUS] = at.LOG_FULL
        return
    for column in range(ROW_WIDTH):
        L.rows[n, column] = L.rows[n - 1, column]
    L.rows[n - 1, ROW_EVENT] = LEFT_QUEUE
    L.rows[n - 1, ROW_RULE] = at.NONE
    L.rows[n - 1, ROW_TO] = stage
    L.rows[n - 1, ROW_DOES] = LEAVES
    L.rows[0, COUNT_ROWS] = n + 1
    note_resources(T, k, L, k[at.WANTED], 0)
    k[at.ASKED] = at.NONE
    k[at.WANTED] = 0
    k[at.HAS_LEFT] = 1


# ---------------------------------------------------------------- units


def addresses(units: Sequence[str], tables: Tables, buffer: LogBuffer) -> tuple[int, int]:
    """What stands in `k[RARE_TIMES]` and `k[FROM_TABLE]`; 0 for a unit that is not among these.

    units: as `Pathway.units`. They are compiled now if they are not on disk.
    """
    x, k = np.zeros(1), np.zeros(1, dtype=np.int64)
    rare = rare_value.address(tables, x, k, 0, 0, 0, 0.0) if "rare_times" in units else 0
    return rare, begin_from_table.address(tables, x, k, buffer, 0) if "from_table" in units else 0
