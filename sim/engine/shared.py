"""Patients who share resources: SimPy, one process a patient.

A patient asks the law what happens next and when, and sleeps until then; a patient who waits can be
woken earlier by the grant. Times on the environment's clock are days of the common calendar.

The order within one moment: happenings by patient number, each followed at once by what follows
from it in no time; when all are over, requests join their queues and grants are made, resource by
resource in file order; then those who were granted enter, by number, and the moment goes on.
Where nothing is shared, patients are taken in environments of a thousand: a long list of future
events costs more than the events.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import simpy

from sim.compiled import compiled
from sim.engine.arrivals import Cohort
from sim.engine.event_log import EventLog, Floats, ResourceUse
from sim.engine.failures import failure
from sim.engine.law import COUNT_CHANGES, COUNT_ROWS, LogBuffer, begin, grant, happen, next_happening
from sim.engine.processes import in_processes
from sim.engine.writing import Lives, Piece, event_log, new_buffer
from sim.pathway import layout as at
from sim.pathway.layout import Ints, Tables
from sim.pathway.tables import Pathway

TOGETHER = 1000
"""Patients in one environment where nothing is shared."""
ROOM = 4 * at.MOST_HAPPENINGS_AT_ONCE
"""Rows and changes that are free in the log before a patient is asked."""
WORTH_A_PROCESS = 20_000
"""Patients below which other processes cost more than they save."""
HAS_ENDED, IS_WAITING, GAVE_BACK, HAS_FAILED, HAS_LEFT, NEEDS_ROOM = 1, 2, 4, 8, 16, 32


@compiled
def outlook(T: Tables, x: Floats, k: Ints, L: LogBuffer) -> tuple[float, int]:
    """When this patient's next happening is, and what the last one did, as flags."""
    if k[at.STATUS] > at.ENDED:
        return np.inf, HAS_FAILED
    flags = 0
    if L.rows[0, COUNT_ROWS] > len(L.rows) - ROOM or L.rows[0, COUNT_CHANGES] > len(L.changes) - ROOM:
        flags |= NEEDS_ROOM
    if k[at.RELEASED] != at.NONE:
        flags |= GAVE_BACK
    if k[at.HAS_LEFT] == 1:
        flags |= HAS_LEFT
    if k[at.STATUS] == at.ENDED:
        return np.inf, flags | HAS_ENDED
    if k[at.ASKED] != at.NONE:
        flags |= IS_WAITING
    return next_happening(T, x, k), flags


# What Python calls takes arrays one by one: to take a named tuple apart costs more than the call.


@compiled
def arrives(
    P: Ints,
    N: Floats,
    X: Floats,
    K: Ints,
    rows: Ints,
    changes: Floats,
    i: int,
    seed: int,
    replication: int,
    number: int,
    at_start: Floats,
) -> tuple[float, int]:
    """Patient i starts; see `outlook`."""
    T, L = Tables(P, N), LogBuffer(rows, changes)
    begin(T, X[i], K[i], L, seed, replication, number, at_start, i)
    return outlook(T, X[i], K[i], L)


@compiled
def goes_on(P: Ints, N: Floats, X: Floats, K: Ints, rows: Ints, changes: Floats, i: int) -> tuple[float, int]:
    """What was next for patient i happens; see `outlook`."""
    T, L = Tables(P, N), LogBuffer(rows, changes)
    happen(T, X[i], K[i], L)
    return outlook(T, X[i], K[i], L)


@compiled
def is_granted(
    P: Ints, N: Floats, X: Floats, K: Ints, rows: Ints, changes: Floats, i: int, time: float
) -> tuple[float, int]:
    """What patient i waits for is granted, at its own time `time`; see `outlook`."""
    T, L = Tables(P, N), LogBuffer(rows, changes)
    grant(T, X[i], K[i], L, time)
    return outlook(T, X[i], K[i], L)


class Moment(simpy.Event):
    """A point of time at which somebody is to be woken, in the order of `priority`."""

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self._ok = True
        self._value = None

    def come(self, delay: float, priority: int) -> Moment:
        """Let this moment come after `delay` days; it may come again when it has been."""
        self.callbacks: Any = []
        self.env.schedule(self, priority, delay)  # type: ignore[arg-type]
        return self


@dataclass(slots=True)
class Service:
    """A resource with so many units, and those who wait for one in the order they asked."""

    code: int
    capacity: int
    in_use: int
    queue: OrderedDict[int, None]
    told: list[float]


class Centre:
    """The patients of one environment, what they share, and the log they write."""

    def __init__(self, pathway: Pathway, cohort: Cohort, seed: int, part: tuple[int, int]) -> None:
        self.pathway, self.seed, self.first = pathway, seed, part[0]
        window = slice(*part)
        self.begins: list[float] = cohort.begins[window].tolist()
        self.follow_up: list[float] = cohort.follow_up[window].tolist()
        self.numbers: list[int] = cohort.number[window].tolist()
        self.replication = int(cohort.replication[part[0]])
        n = len(self.numbers)
        self.X = np.zeros((n, pathway.n_x))
        self.K = np.zeros((n, pathway.n_k), dtype=np.int64)
        self.at_start = np.zeros((n, len(pathway.names.attributes)))
        self.ends: Floats = cohort.follow_up[window].copy()
        self.buffer = new_buffer(rows=12 * n + 2 * ROOM, changes=8 * n + 2 * ROOM)
        self.full: list[Piece] = []
        self.env = simpy.Environment()
        self.last = max(self.numbers) + 2
        self.asleep: dict[int, Moment] = {}
        self.asking: list[int] = []
        self.granted: set[int] = set()
        self.is_closing = False
        self.services = self.open_services()
        self.tables = at.Tables(pathway.tables.program, pathway.tables.numbers.copy())
        self.use: list[list[float]] = []

    def open_services(self) -> dict[int, Service]:
        resources = self.pathway.scenario.resources
        return {
            code: Service(code, r.capacity[0][1], 0, OrderedDict(), [])
            for code, r in enumerate(resources)
            if r.capacity is not None
        }

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
        life = (*self.tables, self.X, self.K, *self.buffer, i)
        begins, follow_up, priority = self.begins[i], self.follow_up[i], self.numbers[i] + 1
        alarm = Moment(self.env)
        now = begins
        time, flags = arrives(*life, self.seed, self.replication, self.numbers[i], self.at_start)
        while True:
            if flags:
                self.note(i, flags)
                if flags & HAS_ENDED:
                    self.ends[i] = self.X[i, at.NOW]
                    return
            if flags & IS_WAITING:
                self.asleep[i] = wake = Moment(self.env)
                yield wake.come(begins + min(time, follow_up) - now, priority)
                now = self.env.now
                if i in self.granted:
                    self.granted.remove(i)
                    time, flags = is_granted(*life, now - begins)
                    continue
            elif time < follow_up:
                yield alarm.come(begins + time - now, priority)
                now = begins + time
            elif self.services and self.K[i, at.HELD] != at.NONE:
                yield alarm.come(begins + follow_up - now, priority)
            if time >= follow_up:
                self.leave(i)
                return
            wanted = self.K[i, at.WANTED] if flags & IS_WAITING else at.NONE
            time, flags = goes_on(*life)
            if flags & HAS_LEFT:
                self.withdraw(i, int(wanted))

    def note(self, i: int, flags: int) -> None:
        """What a happening means for others: room in the log, a unit given back, a request, a failure."""
        if flags & HAS_FAILED:
            raise failure(self.pathway, self.K[i], self.buffer)
        if flags & NEEDS_ROOM:
            self.full.append(Piece.of(self.buffer))
            self.buffer.rows[0, :2] = 1, 0
        if flags & GAVE_BACK:
            self.give_back(int(self.K[i, at.RELEASED]))
            self.K[i, at.RELEASED] = at.NONE
        if flags & IS_WAITING and i not in self.asleep:
            self.asking.append(i)
            self.close_moment()

    def leave(self, i: int) -> None:
        """The end of follow-up: what the patient held or waited for is free for others."""
        if self.K[i, at.ASKED] != at.NONE:
            self.withdraw(i, int(self.K[i, at.WANTED]))
        elif self.K[i, at.HELD] != at.NONE:
            self.give_back(int(self.K[i, at.HELD]))

    # ------------------------------------------------------------ resources

    def give_back(self, code: int) -> None:
        self.services[code].in_use -= 1
        self.close_moment()

    def withdraw(self, i: int, code: int) -> None:
        """The patient no longer waits."""
        del self.asleep[i]
        if i in self.asking:
            self.asking.remove(i)
        else:
            self.services[code].queue.pop(i)
        self.close_moment()

    def close_moment(self) -> None:
        """See to requests and grants when all happenings of this moment are over."""
        if not self.is_closing:
            self.is_closing = True
            Moment(self.env).come(0.0, self.last).callbacks.append(self.see_to_requests)

    def see_to_requests(self, _: simpy.Event) -> None:
        """Requests join their queues, then units are granted, down each queue, in file order."""
        self.is_closing = False
        for i in self.asking:
            self.services[int(self.K[i, at.WANTED])].queue[i] = None
        self.asking.clear()
        for service in self.services.values():
            while service.queue and service.in_use < service.capacity:
                i, _none = service.queue.popitem(last=False)
                service.in_use += 1
                self.wake(i)
            self.tell(service)

    def wake(self, i: int) -> None:
        """The patient sleeps no longer for its own next happening: it has been granted a unit."""
        self.granted.add(i)
        asleep = self.asleep.pop(i)
        now = Moment(self.env).come(0.0, self.numbers[i] + 1)
        now.callbacks, asleep.callbacks = asleep.callbacks, []

    def tell(self, service: Service) -> None:
        """Note the use of a resource where it has changed."""
        queue = len(service.queue)
        numbers = self.tables.numbers
        numbers[service.code] = queue
        numbers[len(self.pathway.scenario.resources) + service.code] = service.capacity - service.in_use
        row = [self.env.now, service.code, service.in_use, queue, service.capacity]
        if service.told and service.told[0] == row[0]:
            service.told[:] = row
        elif service.told[1:] != row[1:]:
            service.told = row
            self.use.append(row)

    def run(self) -> tuple[Lives, list[list[float]]]:
        """Let time pass until the horizon."""
        for service in self.services.values():
            self.tell(service)
        self.env.process(self.arrivals())
        self.env.run(until=self.pathway.scenario.horizon)
        piece = Piece.joined([*self.full, Piece.of(self.buffer)]).by_patient()
        attributes = slice(at.FIRST_ATTRIBUTE, at.FIRST_ATTRIBUTE + self.at_start.shape[1])
        return Lives(piece, self.at_start, self.X[:, attributes].copy(), self.ends), self.use


def simulate_part(
    whole: tuple[Pathway, Cohort, int], part: tuple[int, int]
) -> tuple[Lives, list[list[float]]]:
    """The patients part[0] to part[1] (not included) of a cohort, in one environment.

    whole: the pathway, the cohort, the seed.
    """
    return Centre(*whole, part).run()


def parts_of(pathway: Pathway, cohort: Cohort) -> list[tuple[int, int]]:
    """Who shares an environment: a replication, or a thousand where nothing is shared."""
    edges = [0, *(np.flatnonzero(np.diff(cohort.replication)) + 1).tolist(), len(cohort)]
    if pathway.shared_resources:
        return list(pairwise(edges))
    finer = [range(a, b, TOGETHER) for a, b in pairwise(edges)]
    return list(pairwise([*(i for steps in finer for i in steps), len(cohort)]))


def simulate_shared(
    pathway: Pathway,
    cohort: Cohort,
    *,
    seed: int,
    workers: int,
    progress: Callable[[float], None],
) -> tuple[EventLog, ResourceUse]:
    """Every patient of a cohort; environments go to other processes where that pays.

    Raises: RunError where a life cannot go on, or a process that did part of the work was killed.
    """
    whole, parts = (pathway, cohort, seed), parts_of(pathway, cohort)
    done: list[tuple[Lives, list[list[float]]]] = []
    if workers == 1 or len(parts) == 1 or len(cohort) < WORTH_A_PROCESS:
        for part in parts:
            done.append(simulate_part(whole, part))
            progress(part[1] / len(cohort))
    else:

        def take(part_done: tuple[Lives, list[list[float]]]) -> None:
            progress(parts[len(done)][1] / len(cohort))
            done.append(part_done)

        in_processes(simulate_part, whole, parts, workers=workers, take=take)
    replications = [int(cohort.replication[first]) for first, _ in parts]
    use = resource_use(replications, [rows for _, rows in done])
    return event_log(pathway.names, cohort, [lives for lives, _ in done]), use


def resource_use(replications: Sequence[int], rows: Sequence[list[list[float]]]) -> ResourceUse:
    """The changes in use of every replication, one after the other."""
    table = np.array([row for part in rows for row in part], dtype=np.float64).reshape(-1, 5)
    replication = np.repeat(np.array(replications, dtype=np.int32), [len(part) for part in rows])
    ints = table[:, 2:].astype(np.int32)
    return ResourceUse(
        replication, table[:, 0].copy(), table[:, 1].astype(np.int16), ints[:, 0], ints[:, 1], ints[:, 2]
    )
