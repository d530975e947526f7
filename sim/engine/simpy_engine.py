"""Patients who share resources: SimPy, one process a patient.

A patient process asks the kernel for the next event and its time, and sleeps until then; the grant of a
resource wakes a waiting patient earlier. Times on the environment's clock are days of the common calendar.

The order within one moment:
1. units and opening hours change;
2. events, by patient number, each followed at once by what follows from it in no time;
3. when all are over, requests join their queues in the order in which they were made;
4. grants are made, resource by resource in file order, down each queue;
5. patients with a grant enter their stage, by patient number, and the moment goes on with 2:
   released units and immediate events may lead to further grants;
6. patients whose follow-up ends leave: first those who wait, then all who hold a unit, which others can
   have from then on. At the horizon nobody leaves, since all end there.
Patients who leave a queue or release a unit change `queue.RESOURCE` and `free.RESOURCE` at once;
patients who join a queue count from step 3 on.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from sim.engine.arrivals import Cohort
from sim.engine.errors import failure
from sim.engine.kernel import addresses, begin, execute_event, grant, next_event
from sim.engine.log_writer import (
    COUNT_CHANGES,
    COUNT_ROWS,
    LogBuffer,
    LogChunk,
    SimulatedPatients,
    new_buffer,
)
from sim.engine.resources import SharedResources
from sim.event_log.log import Floats
from sim.numerics.compilation import compiled, entry
from sim.pathway import layout as at
from sim.pathway.layout import Ints, Tables
from sim.pathway.tables import Pathway

ROOM = 4 * at.MOST_EVENTS_AT_ONCE
"""Rows and changes that are free in the log before a patient is asked."""
ARRIVES, GOES_ON, IS_GRANTED = 0, 1, 2
"""What `advance` does."""
HAS_ENDED, IS_WAITING, GAVE_BACK, HAS_FAILED, HAS_LEFT, NEEDS_ROOM = 1, 2, 4, 8, 16, 32


@compiled
def outlook(T: Tables, x: Floats, k: Ints, L: LogBuffer) -> tuple[float, int]:
    """The time of the patient's next event, and the effects of the last event as flags."""
    if k[at.STATUS] > at.ENDED:
        return np.inf, HAS_FAILED
    flags = 0
    if L.rows[0, COUNT_ROWS] > len(L.rows) - ROOM or L.rows[0, COUNT_CHANGES] > len(L.changes) - ROOM:
        flags |= NEEDS_ROOM
    if k[at.RELEASED] != 0:
        flags |= GAVE_BACK
    if k[at.HAS_LEFT] == 1:
        flags |= HAS_LEFT
    if k[at.STATUS] == at.ENDED:
        return np.inf, flags | HAS_ENDED
    if k[at.ASKED] != at.NONE:
        flags |= IS_WAITING
    return next_event(T, x, k), flags


# What Python calls takes arrays one by one: to take a named tuple apart costs more than the call. It is
# one function, because each that Python calls holds a copy of the kernel.


@entry
def advance(
    P: Ints,
    N: Floats,
    X: Floats,
    K: Ints,
    rows: Ints,
    changes: Floats,
    at_start: Floats,
    i: int,
    what: int,
    time: float,
) -> tuple[float, int]:
    """Patient i ARRIVES, GOES_ON with its next event, or IS_GRANTED what it waits for at its own `time`.

    Returns: see `outlook`.
    """
    T, L = Tables(P, N), LogBuffer(rows, changes)
    if what == ARRIVES:
        begin(T, X[i], K[i], L, K[i, at.SEED], K[i, at.REPLICATION], K[i, at.NUMBER_], at_start, i)
    elif what == GOES_ON:
        execute_event(T, X[i], K[i], L)
    else:
        grant(T, X[i], K[i], L, time)
    return outlook(T, X[i], K[i], L)


class Moment(simpy.Event):
    """A point of time at which a process wakes, in the order of `priority`."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self._ok = True
        self._value = None

    def come(self, delay: float, priority: int) -> Moment:
        """Let this moment come after `delay` days; it may come again when it has been."""
        self.callbacks: Any = []
        self.env.schedule(self, priority, delay)  # type: ignore[arg-type]
        return self


class SimpyEngine:
    """The patients of one environment, what they share, and the log they write."""

    def __init__(self, pathway: Pathway, cohort: Cohort, seed: int) -> None:
        self.pathway = pathway
        self.begins: list[float] = cohort.begins.tolist()
        self.follow_up: list[float] = cohort.follow_up.tolist()
        self.numbers: list[int] = cohort.number.tolist()
        n = len(self.numbers)
        self.X = np.zeros((n, pathway.n_x))
        self.K = np.zeros((n, pathway.n_k), dtype=np.int64)
        self.K[:, at.SEED], self.K[:, at.REPLICATION] = seed, cohort.replication[0]
        self.K[:, at.NUMBER_] = cohort.number
        self.at_start = np.zeros((n, len(pathway.names.attributes)))
        self.ends: Floats = cohort.follow_up.copy()
        self.buffer = new_buffer(rows=12 * n + 2 * ROOM, changes=8 * n + 2 * ROOM)
        self.full: list[LogChunk] = []
        self.env = simpy.Environment()
        self.last = max(self.numbers) + 2
        self.leaves_waiting, self.leaves_holding = self.last + 1, self.last + 2
        self.asleep: dict[int, Moment] = {}
        self.asking: dict[int, int] = {}
        self.granted: set[int] = set()
        self.is_closing = False
        self.tables = at.Tables(pathway.tables.program, pathway.tables.numbers.copy())
        if pathway.units:
            self.K[:, at.RARE_TIMES : at.FIRST_SLOT] = addresses(pathway.units, self.tables, self.buffer)
        self.resources = SharedResources(pathway, self.X, self.tables.numbers)

    # ------------------------------------------------------------ patients

    def arrivals(self) -> Generator[simpy.Event, Any, None]:
        """Each patient's process begins on its day."""
        now = 0.0
        day = Moment(self.env)
        for i in sorted(range(len(self.numbers)), key=lambda j: (self.begins[j], self.numbers[j])):
            yield day.come(self.begins[i] - now, self.numbers[i] + 1)
            now = self.begins[i]
            self.env.process(self.patient(i))

    def patient(self, i: int) -> Generator[simpy.Event, Any, None]:
        """One patient: ask what is next, sleep until then or until woken by a grant."""
        patient = (*self.tables, self.X, self.K, *self.buffer, self.at_start, i)
        begins, follow_up, priority = self.begins[i], self.follow_up[i], self.numbers[i] + 1
        alarm = Moment(self.env)
        now = begins
        time, flags = advance(*patient, ARRIVES, 0.0)
        if self.resources and self.K[i, at.HELD]:
            self.resources.take(int(self.K[i, at.HELD]))
            self.close_moment()
        while True:
            if flags:
                self.note(i, flags)
                if flags & HAS_ENDED:
                    self.ends[i] = self.X[i, at.NOW]
                    return
            is_over = time > follow_up
            if flags & IS_WAITING:
                self.asleep[i] = wake = Moment(self.env)
                order = self.leaves_waiting if is_over else priority
                yield wake.come(begins + min(time, follow_up) - now, order)
                now = self.env.now
                if i in self.granted:
                    self.granted.remove(i)
                    time, flags = advance(*patient, IS_GRANTED, now - begins)
                    continue
                if is_over:
                    self.withdraw(i)
            elif not is_over:
                yield alarm.come(begins + time - now, priority)
                now = begins + time
            if is_over:
                if self.resources and self.K[i, at.HELD]:
                    yield alarm.come(begins + follow_up - now, self.leaves_holding)
                    self.resources.give_back(int(self.K[i, at.HELD]))
                    self.close_moment()
                return
            time, flags = advance(*patient, GOES_ON, 0.0)
            if flags & HAS_LEFT:
                self.withdraw(i)

    def note(self, i: int, flags: int) -> None:
        """Act on the flags of an event: room in the log, released units, a request, a failure."""
        if flags & HAS_FAILED:
            raise failure(self.pathway, self.X[i], self.K[i], self.buffer)
        if flags & NEEDS_ROOM:
            self.full.append(LogChunk.of(self.buffer))
            self.buffer.rows[0, :2] = 1, 0
        if flags & GAVE_BACK:
            self.resources.give_back(int(self.K[i, at.RELEASED]))
            self.K[i, at.RELEASED] = 0
            self.close_moment()
        if flags & IS_WAITING:
            if i not in self.asleep:
                self.asking[i] = int(self.K[i, at.WANTED])
                self.close_moment()
            elif self.resources.by_attribute:
                self.resources.reconsider(i)

    # ------------------------------------------------------------ resources

    def opening(self) -> Generator[simpy.Event, Any, None]:
        """Units and opening hours change before anything else of the moment."""
        moment = Moment(self.env)
        for change in self.resources.changes():
            if change[0] >= self.pathway.scenario.horizon:
                return
            yield moment.come(change[0] - self.env.now, 0)
            self.resources.change(change)
            self.close_moment()

    def withdraw(self, i: int) -> None:
        """The patient no longer waits."""
        del self.asleep[i]
        if i in self.asking:
            del self.asking[i]
        else:
            self.resources.leave(i)
            self.close_moment()

    def close_moment(self) -> None:
        """Handle requests and grants when all events of this moment are over."""
        if not self.is_closing:
            self.is_closing = True
            Moment(self.env).come(0.0, self.last).callbacks.append(self.handle_requests)

    def handle_requests(self, _: simpy.Event) -> None:
        """Requests join their queues, then grants are made."""
        self.is_closing = False
        asking = list(self.asking.items())
        for i, wanted in sorted(asking, key=self.asked_at) if len(asking) > 1 else asking:
            self.resources.join(i, wanted)
        self.asking.clear()
        for i in self.resources.grants():
            self.wake(i)
        self.resources.record_use(self.env.now)

    def asked_at(self, asking: tuple[int, int]) -> float:
        """The day on which a patient asked: this one, but for those who waited when the calendar began."""
        day: float = self.begins[asking[0]] + self.X[asking[0], at.ASKED_AT]
        return day

    def wake(self, i: int) -> None:
        """The patient sleeps no longer for its own next event: it has been granted what it wants."""
        self.granted.add(i)
        asleep = self.asleep.pop(i)
        now = Moment(self.env).come(0.0, self.numbers[i] + 1)
        now.callbacks, asleep.callbacks = asleep.callbacks, []

    def run(self) -> tuple[SimulatedPatients, Floats]:
        """Let time pass to the end of the horizon; return the simulated patients and the use of resources.

        The use is float64 [n_changes, 5], see `SharedResources.record_use`.
        """
        self.resources.record_use(0.0)
        end = Moment(self.env).come(self.pathway.scenario.horizon, self.last + 1)
        self.env.process(self.arrivals())
        if self.resources:
            self.env.process(self.opening())
        self.env.run(until=end)
        chunk = LogChunk.joined([*self.full, LogChunk.of(self.buffer)]).by_patient()
        attributes = slice(at.FIRST_ATTRIBUTE, at.FIRST_ATTRIBUTE + self.at_start.shape[1])
        batch = SimulatedPatients(chunk, self.at_start, self.X[:, attributes].copy(), self.ends)
        return batch, np.array(self.resources.use).reshape(-1, 5)
