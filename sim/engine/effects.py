"""Effects of entries and events: set, add, copy, draw, start, stop, reassess, stamp.

`T`, `x`, `k` and `L` as in `sim.engine.kernel`.
"""

from __future__ import annotations

from sim.engine.draws import draw_value, is_triggered, schedule
from sim.engine.expressions import choose, holds, number
from sim.engine.log_writer import LogBuffer, write_change
from sim.engine.rare_words import REASSESSED, rare_value
from sim.numerics.compilation import compiled, inlined
from sim.numerics.portable import round_to_grid
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables


@inlined
def run_effects(T: Tables, x: Floats, k: Ints, L: LogBuffer, first: int, n: int) -> None:
    """Run effects in order."""
    if n > 0:
        run_each(T, x, k, L, first, n)


@compiled
def run_each(T: Tables, x: Floats, k: Ints, L: LogBuffer, first: int, n: int) -> None:
    """Run effects in order; the condition of each is read once, before its actions."""
    P = T.program
    for effect in range(first, first + n):
        if holds(T, x, k, P[effect, at.EFFECT_WHEN]):
            begin = P[effect, at.EFFECT_FIRST]
            for action in range(begin, begin + P[effect, at.EFFECT_N]):
                act(T, x, k, L, action)


@compiled
def act(T: Tables, x: Floats, k: Ints, L: LogBuffer, action: int) -> None:
    """One action: set, add, copy, draw, start, stop, reassess, stamp."""
    P = T.program
    word, target, a = P[action, at.ACTION_WORD], P[action, at.ACTION_TARGET], P[action, at.ACTION_A]
    if word == at.START_CLOCK:
        start_clock(T, x, k, a)
    elif word == at.STOP_CLOCK:
        k[P[0, at.HEAD_SLOTS] + P[a, at.EVENT_SLOT]] = at.RESTS
    elif word == at.REASSESS:
        if target == at.NONE or not is_flagged(T, k, target):
            reassess(T, x, k, a)
    elif word == at.STAMP:
        x[P[0, at.HEAD_STAMPS] + target] = x[at.NOW]
        write_change(k, L, P[0, at.HEAD_N_ATTRIBUTES] + target, x[at.NOW])
    else:
        old = x[at.FIRST_ATTRIBUTE + target]
        if word == at.SET:
            new = number(T, x, k, a)
        elif word == at.ADD:
            new = old + number(T, x, k, a)
        elif word == at.COPY:
            new = x[at.FIRST_ATTRIBUTE + a]
        else:
            new = draw_value(T, x, k, a)
        if new != old:
            x[at.FIRST_ATTRIBUTE + target] = new
            write_change(k, L, target, new)


@compiled
def is_flagged(T: Tables, k: Ints, flags: int) -> bool:
    """Whether the stage the patient is in, or waits for, has a flag among those at `flags`."""
    stage = k[at.ASKED] if k[at.ASKED] != at.NONE else k[at.STAGE_NOW]
    return stage != at.NONE and T.numbers[flags + stage] != 0.0


@compiled
def start_clock(T: Tables, x: Floats, k: Ints, clock: int) -> None:
    """Draw a clock's time, anew if it runs or is due."""
    slot = T.program[clock, at.EVENT_SLOT]
    k[T.program[0, at.HEAD_SLOTS] + slot] = at.RESTS
    if is_triggered(T, x, k, clock):
        schedule(T, x, k, clock, slot)


@compiled
def reassess(T: Tables, x: Floats, k: Ints, event: int) -> None:
    """Read the ratios and choices of a running event or clock again; its uniform is kept."""
    P = T.program
    slot = P[event, at.EVENT_SLOT]
    due = P[0, at.HEAD_DUE] + slot
    if slot >= P[0, at.HEAD_N_CLOCKS] and not is_of_stage(T, k, event):
        return
    if k[P[0, at.HEAD_SLOTS] + slot] != at.RUNS or x[due] <= x[at.NOW]:
        return
    dist = choose(T, x, k, P[event, at.EVENT_DIST])
    new = rare_value(T, x, k, REASSESSED, dist, P[event, at.EVENT_RUN], x[due])
    if new != x[due]:
        x[due] = x[at.NOW] + round_to_grid(new - x[at.NOW])


@compiled
def is_of_stage(T: Tables, k: Ints, event: int) -> bool:
    """Whether an event belongs to the stage the patient is in, or waits for."""
    P = T.program
    stage = k[at.ASKED] if k[at.ASKED] != at.NONE else k[at.STAGE_NOW]
    if stage == at.NONE:
        return False
    row = P[0, at.HEAD_STAGES] + stage
    return P[row, at.STAGE_EVENTS] <= event < P[row, at.STAGE_EVENTS] + P[row, at.STAGE_N_ALL]
