"""One pass over the log: what each patient costs and gains, from the first row to the end of follow-up.

Utilities and daily costs accrue between rows. At a row fall due the cost and the QALYs of its event (after
its `do`), then the cost of the stage entered (after its `on_entry`) and that of the units granted.

`T` are the tables that `sim.economics.program` writes, `x` and `k` the state of a patient as the kernel
has it (`sim.pathway.layout`), so that `sim.engine.expressions` reads conditions and choices; `a` is the
account of a patient (`sim.economics.layout`).
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.economics import layout as due
from sim.economics.amounts import accrue, by_year, factor, force, lump
from sim.economics.layout import YEAR
from sim.engine.expressions import holds, number
from sim.event_log.log import ASKS, ENTERS, GRANTED, HOLDS, Codes, Floats, Indices
from sim.numerics.compilation import compiled, entry, inlined
from sim.pathway import layout as at
from sim.pathway.layout import Ints, Tables


class LogColumns(NamedTuple):
    """Columns of an `EventLog`, and what it does not say.

    table: the row of the numbers for each patient. before: float64 [n_patients or 0, 3] of who is in care
    when the calendar begins: whether in a stage, days in it, days waited. queues: float64 [n_rows or 0,
    2 * n_resources]: the first numbers at each row, where a choice reads them.
    """

    row_of: Indices
    time: Floats
    event: Codes
    stage_from: Codes
    stage_to: Codes
    does: NDArray[np.int8]
    change_of: Indices
    change_what: Codes
    change_value: Floats
    at_start: Floats
    follow_up: Floats
    table: Indices
    before: Floats
    queues: Floats


@entry
def value_patients(
    P: Ints,
    numbers: Floats,
    x: Floats,
    k: Ints,
    a: Floats,
    log: LogColumns,
    patients: Indices,
    found: Floats,
) -> None:
    """Follow these patients (indices), and write their totals.

    found: float64 [n_totals, n_patients of the log], or without columns. Costs and QALYs by year, not
    discounted, are added up at the end of `a`. It ends at a patient for whom a choice has no entry.
    """
    for i in patients:
        T = Tables(P, numbers[log.table[i]])
        begin(T, x, k, a, log, i)
        for row in range(log.row_of[i], log.row_of[i + 1]):
            follow_row(T, x, k, a, log, row, i)
        accrue(T, x, k, a, log.follow_up[i])
        if k[at.STATUS] == at.NO_ENTRY:
            return
        if found.shape[1] > 0:
            close(T, a, found, i)


@inlined
def begin(T: Tables, x: Floats, k: Ints, a: Floats, log: LogColumns, i: int) -> None:
    """A patient before the first row."""
    P = T.program
    for j in range(len(x)):
        x[j] = 0.0
    for j in range(len(k)):
        k[j] = 0
    for j in range(due.FIRST_TOTAL, P[due.VALUES, due.VALUES_EVENT_QALYS] + 2):
        a[j] = 0.0
    n = log.at_start.shape[1]
    for j in range(n):
        x[at.FIRST_ATTRIBUTE + j] = log.at_start[i, j]
    for j in range(P[0, at.HEAD_STAMPS], P[0, at.HEAD_STAMPS] + P[0, at.HEAD_N_STAMPS]):
        x[j] = nan
    x[at.AGE] = log.at_start[i, P[at.MORE, at.MORE_AGE]] if P[at.MORE, at.MORE_AGE] != at.NONE else nan
    k[at.STAGE_NOW] = at.NONE
    k[at.TIMED_STAGE] = at.NONE
    k[at.ASKED] = at.NONE
    k[due.STATE_NOW] = at.NONE
    if len(log.before) > 0:
        x[at.ENTERED] = -log.before[i, 1]
    is_annual = P[due.VALUES, due.VALUES_IS_ANNUAL] == 1
    a[due.SINCE] = 0.0
    a[due.COST_FACTOR] = 1.0
    a[due.QALY_FACTOR] = 1.0
    a[due.COST_FORCE] = force(T.numbers[P[due.VALUES, due.VALUES_COST_RATE]], is_annual)
    a[due.QALY_FORCE] = force(T.numbers[P[due.VALUES, due.VALUES_QALY_RATE]], is_annual)


@inlined
def close(T: Tables, a: Floats, found: Floats, i: int) -> None:
    """Write the totals of a patient, what accrued by the day in years."""
    n, P = len(found), T.program
    quality, life = P[due.VALUES, due.VALUES_QALYS], P[due.VALUES, due.VALUES_LIFE_YEARS]
    events = P[due.VALUES, due.VALUES_EVENT_QALYS]
    for j in range(2):
        a[quality + j] = a[quality + j] / YEAR + a[events + j]
        a[life + j] /= YEAR
    for j in range(n):
        found[j, i] = a[due.FIRST_TOTAL + j]


# ---------------------------------------------------------------- row by row


@inlined
def follow_row(T: Tables, x: Floats, k: Ints, a: Floats, log: LogColumns, row: int, i: int) -> None:
    """What accrues until a row of patient `i`, what falls due at it, and what is true after it."""
    P = T.program
    time, to = log.time[row], int(log.stage_to[row])
    enters, asks, granted = log.does[row] == ENTERS, log.does[row] == ASKS, log.event[row] == GRANTED
    first, after = log.change_of[row], log.change_of[row + 1]
    is_new = enters or asks or after > first
    if time > a[due.SINCE] and (is_new or P[due.VALUES, due.VALUES_EACH_ROW] == 1):
        accrue(T, x, k, a, time)
    x[at.NOW] = time
    for j in range(log.queues.shape[1]):
        T.numbers[j] = log.queues[row, j]
    event = P[due.VALUES, due.VALUES_EVENTS] + log.event[row]
    stage = P[0, at.HEAD_STAGES] + to
    n_resources = P[due.VALUES, due.VALUES_N_RESOURCES]
    comes = (enters or asks) and P[stage, at.STAGE_KIND] != at.DECISION
    arrives = comes and not granted and n_resources > 0
    if P[event, due.EVENT_N_COSTS] > 0 or P[event, due.EVENT_QALYS] != at.NONE or arrives:
        apply_do(T, x, k, log, row, event, P[stage, due.STAGE_N_CHANGES] if enters and not granted else 0)
        now = k[at.STAGE_NOW]
        left = int(log.stage_from[row])
        if left == at.NONE:
            left = to if enters or (asks and now == at.NONE) else now
        k[at.STAGE_NOW] = left
        pay_event(T, x, k, a, event, left)
        if arrives:
            read_needs(T, x, k, stage)
        k[at.STAGE_NOW] = now
    for change in range(first, after):
        x[at.FIRST_ATTRIBUTE + log.change_what[change]] = log.change_value[change]
    is_today = row == log.row_of[i] and len(log.before) > 0
    was_there = is_today and log.before[i, 0] == 1.0
    if enters:
        enter(T, x, k, to, granted)
        if not was_there:
            lump(T, x, k, a, stage, due.STAGE_ENTRY, 1.0, to)
    elif asks:
        ask(T, x, k, to)
        if time == 0.0 and len(log.before) > 0:
            x[at.ASKED_AT] -= log.before[i, 2]
    if is_today:
        x[at.ENTERED] -= log.before[i, 1]
        x[at.TIMED_ENTERED] -= log.before[i, 1]
    if is_new and n_resources > 0:
        hold(T, x, k, a, to if to != at.NONE else k[at.STAGE_NOW], comes, asks, was_there)


@inlined
def pay_event(T: Tables, x: Floats, k: Ints, a: Floats, event: int, left: int) -> None:
    """What an event costs, and what it is worth in health."""
    P = T.program
    lump(T, x, k, a, event, due.EVENT_COSTS, 1.0, left)
    if P[event, due.EVENT_QALYS] != at.NONE:
        amount = number(T, x, k, P[event, due.EVENT_QALYS])
        total, years = P[due.VALUES, due.VALUES_EVENT_QALYS], P[due.VALUES, due.VALUES_YEARS]
        a[total] += amount * factor(a, due.QALY_FORCE, due.QALY_FACTOR, x[at.NOW])
        a[total + 1] += amount
        n = (len(a) - years) // 2
        if n > 0:
            by_year(a, years + n, n, amount, x[at.NOW], x[at.NOW])


@inlined
def read_needs(T: Tables, x: Floats, k: Ints, stage: int) -> None:
    """The units that the stage in this row needs of each resource that leaves no rows in the log."""
    P = T.program
    needed = P[due.VALUES, due.VALUES_NEEDED]
    for j in range(needed, needed + P[due.VALUES, due.VALUES_N_RESOURCES]):
        x[j] = 0.0
    first = P[stage, due.STAGE_NEEDS]
    for need in range(first, first + P[stage, due.STAGE_N_NEEDS]):
        if holds(T, x, k, P[need, due.NEED_WHEN]):
            x[needed + P[need, due.NEED_RESOURCE]] += number(T, x, k, P[need, due.NEED_UNITS])


@inlined
def apply_do(T: Tables, x: Floats, k: Ints, log: LogColumns, row: int, event: int, n_on_entry: int) -> None:
    """The changes of a row that its event makes, not those of the entry that follows.

    Where both can change the same attribute, the first belong to `do`, as many as it has actions.
    """
    P = T.program
    n = P[0, at.HEAD_N_ATTRIBUTES] + P[0, at.HEAD_N_STAMPS]
    made = due.FIRST_VISIT + P[0, at.HEAD_N_STAGES]
    on_entry = P[P[0, at.HEAD_STAGES] + log.stage_to[row], due.STAGE_CHANGES]
    for change in range(log.change_of[row], log.change_of[row + 1]):
        what = log.change_what[change]
        if what < n and actions(P, on_entry, n_on_entry, what) > 0:
            if k[made + what] >= actions(P, P[event, due.EVENT_CHANGES], P[event, due.EVENT_N_CHANGES], what):
                continue
            k[made + what] += 1
        x[at.FIRST_ATTRIBUTE + what] = log.change_value[change]
    for j in range(made, made + n if n_on_entry > 0 else made):
        k[j] = 0


@inlined
def actions(P: Ints, first: int, n: int, what: int) -> int:
    """How many actions among these changes may change an attribute or stamp."""
    for change in range(first, first + n):
        if P[change, due.CHANGE_WHAT] == what:
            return P[change, due.CHANGE_N]
    return 0


@inlined
def enter(T: Tables, x: Floats, k: Ints, to: int, granted: bool) -> None:
    """The patient is in a stage from now on."""
    P = T.program
    stage = P[0, at.HEAD_STAGES] + to
    k[P[0, at.HEAD_VISITS] + to] += 1
    x[P[0, at.HEAD_WAITED] + to] = x[at.NOW] - x[at.ASKED_AT] if granted else 0.0
    k[at.STAGE_NOW] = to
    x[at.ENTERED] = x[at.NOW]
    if P[stage, at.STAGE_KIND] != at.DECISION:
        k[at.TIMED_STAGE] = to
        x[at.TIMED_ENTERED] = x[at.NOW]
    come_into_state(T, k, P[stage, due.STAGE_STATE])


@inlined
def ask(T: Tables, x: Floats, k: Ints, to: int) -> None:
    """A wait begins: in the stage left, before the first stage in that one already."""
    x[at.ASKED_AT] = x[at.NOW]
    if k[at.TIMED_STAGE] == at.NONE:
        k[at.TIMED_STAGE] = to
        x[at.TIMED_ENTERED] = x[at.NOW]
        if k[due.STATE_NOW] == at.NONE:
            come_into_state(T, k, T.program[T.program[0, at.HEAD_STAGES] + to, due.STAGE_STATE])
    k[at.STAGE_NOW] = k[at.TIMED_STAGE]
    x[at.ENTERED] = x[at.TIMED_ENTERED]


@inlined
def come_into_state(T: Tables, k: Ints, state: int) -> None:
    """Come into a health state; NONE leaves it as it was."""
    if state != at.NONE:
        k[due.STATE_NOW] = state
        if state == T.program[due.VALUES, due.VALUES_DEAD]:
            k[due.IS_DEAD] = 1


@compiled
def hold(
    T: Tables, x: Floats, k: Ints, a: Floats, stage: int, comes: bool, asks: bool, was_there: bool
) -> None:
    """The units held of each resource with a price after a row, and the cost of those granted.

    An unlimited one is held from entering a stage that needs it until the patient comes to a stage that does
    not; with `release: when_next_granted` until that stage is entered. A patient who waits for something
    else is not given it before the grant, but keeps it where the stage waited for needs it.
    """
    P = T.program
    units, kept = P[due.VALUES, due.VALUES_UNITS], P[due.VALUES, due.VALUES_KEPT]
    needed = P[due.VALUES, due.VALUES_NEEDED]
    codes = P[0, at.HEAD_WAITED] - P[at.MORE, at.MORE_N_RESOURCES]
    for j in range(P[due.VALUES, due.VALUES_N_RESOURCES]):
        resource = P[due.VALUES, due.VALUES_RESOURCES] + j
        if P[resource, due.RESOURCE_IS_IN_LOG] == 1:
            held = x[codes + P[resource, due.RESOURCE_CODE]] // HOLDS
        elif comes:
            if not asks:
                x[kept + j] = x[needed + j]
            elif x[needed + j] == 0.0 and P[resource, due.RESOURCE_IS_KEPT] == 0:
                x[kept + j] = 0.0
            held = x[kept + j]
        else:
            continue
        if held > x[units + j] and not was_there:
            lump(T, x, k, a, resource, due.RESOURCE_USE, held - x[units + j], stage)
        x[units + j] = held
