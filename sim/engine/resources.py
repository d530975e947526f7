"""Resources that patients share: their units, their opening hours, and their queues.

A patient asks for all that a stage needs at once, and is granted all of it or nothing. Grants are
made when all events of a moment are over: resource by resource in file order, down the queue
of each, past patients who lack units of another; no patient overtakes another who waits for more units
of that one. Within a queue the order is that of the requests, or that of an attribute, equal values in
the order of the requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush, merge
from itertools import count
from math import inf

from sim.event_log.log import Floats
from sim.pathway import layout as at
from sim.pathway.rows import resource_bits
from sim.pathway.tables import Pathway
from sim.scenario.language.model import Resource
from sim.scenario.language.resources import DAYS

GRID = 2.0**20
UNLIMITED = -1
"""The capacity of what has no limit, in the table of use."""
MARGIN = 64 / GRID
"""Days before closing, about 5 seconds, that count as closed: so much can a hundred uses that fill
the hours, each rounded to the grid, fall short of their end, and one more would begin."""

Entry = tuple[float, int, int]
"""What the queue goes by, the number of the request, the patient."""
Change = tuple[float, int, float | None, bool | None]
"""A day, a resource, and from then on its units, or whether it is open."""


@dataclass(slots=True)
class SharedResource:
    """One resource with its queue.

    bits: of its units among a patient's. units: how many there are to be; those in use beyond that go
    when they are given back. free: units that can be granted. by: the column of a patient's `x` that the
    queue goes by, NONE: first come; sign: -1 where the highest goes first. queues: for each set of
    units that patients want together a heap of entries, some of them of patients who wait no longer. keys:
    for each waiting patient, the key of its newest entry. last_row: the latest row of `SharedResources.use`.
    """

    code: int
    bits: int
    units: float
    is_open: bool
    by: int
    sign: float
    in_use: int = 0
    free: float = 0.0
    waiting: int = 0
    queues: dict[int, list[Entry]] = field(default_factory=dict)
    keys: dict[int, float] = field(default_factory=dict)
    last_row: list[float] = field(default_factory=list)


class SharedResources:
    """The resources of one environment that can be waited for.

    X: float64 [n_patients, n_x], which a queue by an attribute reads. counts: the front of
    `Tables.numbers`: how many wait for each resource, and how many of its units are free.
    """

    def __init__(self, pathway: Pathway, X: Floats, counts: Floats) -> None:
        self.X, self.counts = X, counts
        self.declared = pathway.scenario.resources
        attributes = pathway.names.attributes
        self.each = [
            shared_resource(code, resource, bits, attributes)
            for code, (resource, bits) in enumerate(
                zip(self.declared, resource_bits(pathway.scenario), strict=True)
            )
            if not resource.is_free
        ]
        self.by_code = {resource.code: resource for resource in self.each}
        self.by_attribute = any(resource.by != at.NONE for resource in self.each)
        self.wanted: dict[int, int] = {}
        self.request: dict[int, int] = {}
        self.n_requests = 0
        self.use: list[list[float]] = []
        for resource in self.each:
            self.weigh(resource)

    def __len__(self) -> int:
        return len(self.each)

    def members(self, which: int) -> Iterator[SharedResource]:
        """The resources of some units, in file order."""
        for resource in self.each:
            if which & resource.bits:
                yield resource

    def weigh(self, resource: SharedResource) -> None:
        """Note how many units can be granted, and what conditions read."""
        free = max(resource.units - resource.in_use, 0.0)
        resource.free = free if resource.is_open else 0.0
        self.counts[resource.code] = resource.waiting
        self.counts[len(self.declared) + resource.code] = free

    # ------------------------------------------------------------ units

    def take(self, which: int) -> None:
        """These units are held from now on."""
        for resource in self.members(which):
            resource.in_use += (which & resource.bits).bit_count()
            self.weigh(resource)

    def give_back(self, which: int) -> None:
        """These units are held no longer."""
        for resource in self.members(which):
            resource.in_use -= (which & resource.bits).bit_count()
            self.weigh(resource)

    def change(self, change: Change) -> None:
        """Units or opening hours change."""
        _, code, units, is_open = change
        resource = self.by_code[code]
        if units is not None:
            resource.units = units
        if is_open is not None:
            resource.is_open = is_open
        self.weigh(resource)

    # ------------------------------------------------------------ queues

    def join(self, i: int, which: int) -> None:
        """Patient i waits for these units."""
        self.n_requests += 1
        self.wanted[i], self.request[i] = which, self.n_requests
        for resource in self.members(which):
            resource.waiting += 1
            self.counts[resource.code] = resource.waiting
            self.enter(resource, i, which)

    def enter(self, resource: SharedResource, i: int, which: int) -> None:
        """Put patient i in its place in a queue, unless it is there already."""
        key = 0.0 if resource.by == at.NONE else resource.sign * float(self.X[i, resource.by])
        if resource.keys.get(i) == key:
            return
        resource.keys[i] = key
        heappush(resource.queues.setdefault(which, []), (key, self.request[i], i))

    def reconsider(self, i: int) -> None:
        """An attribute of the waiting patient i may have changed: its places are read afresh."""
        which = self.wanted.get(i, 0)
        for resource in self.members(which):
            if resource.by != at.NONE:
                self.enter(resource, i, which)

    def leave(self, i: int) -> int:
        """Patient i waits no longer, and what for; 0 where its wait had not begun."""
        self.request.pop(i, None)
        which = self.wanted.pop(i, 0)
        for resource in self.members(which):
            resource.waiting -= 1
            resource.keys.pop(i, None)
            self.counts[resource.code] = resource.waiting
        return which

    def grants(self) -> Iterator[int]:
        """Each patient who is granted what it waits for, in the order of the grants."""
        for resource in self.each:
            while resource.waiting and resource.free > 0.0:
                i = self.first_of(resource)
                if i is None:
                    break
                self.take(self.leave(i))
                yield i

    def first_of(self, resource: SharedResource) -> int | None:
        """The next patient of a queue, past those who lack another resource; None where this one is short."""
        best: Entry | None = None
        is_short = False
        for which, queue in resource.queues.items():
            short = [r for r in self.members(which) if r.free < (which & r.bits).bit_count()]
            if any(r is not resource for r in short):
                continue
            while queue and self.is_stale(resource, queue[0]):
                heappop(queue)
            if queue and (best is None or queue[0] < best):
                best, is_short = queue[0], bool(short)
        return None if best is None or is_short else best[2]

    def is_stale(self, resource: SharedResource, entry: Entry) -> bool:
        """Whether an entry is of a wait that is over, or of a value that has changed since."""
        key, request, i = entry
        if self.request.get(i) != request:
            return True
        return resource.by != at.NONE and resource.sign * self.X[i, resource.by] != key

    # ------------------------------------------------------------ over time

    def record_use(self, now: float) -> None:
        """Note the use of each resource where it has changed: time, code, in use, queue, capacity."""
        for resource in self.each:
            units = max(resource.units, resource.in_use) if resource.units < inf else UNLIMITED
            row = [now, resource.code, resource.in_use, resource.waiting, units]
            if resource.last_row and resource.last_row[0] == now:
                resource.last_row[:] = row
            elif resource.last_row[1:] != row[1:]:
                resource.last_row = row
                self.use.append(row)

    def changes(self) -> Iterator[Change]:
        """Every change of units and opening hours after day 0, in time; without end."""
        steps = [steps_of(one.code, self.declared[one.code]) for one in self.each]
        hours = [openings(one.code, self.declared[one.code]) for one in self.each]
        return merge(*steps, *hours, key=lambda change: change[:2])


def shared_resource(code: int, resource: Resource, bits: int, attributes: tuple[str, ...]) -> SharedResource:
    """A resource as it is on day 0."""
    units = inf if resource.capacity is None else float(resource.capacity[0][1])
    by, sign = at.NONE, 1.0
    if resource.queue is not None:
        by = at.FIRST_ATTRIBUTE + attributes.index(resource.queue[0])
        sign = 1.0 if resource.queue[1] == "lowest" else -1.0
    hours = open_hours(resource)
    return SharedResource(code, bits, units, hours is None or hours[0][0] == 0.0, by, sign)


def open_hours(resource: Resource) -> list[tuple[float, float]] | None:
    """The hours of a week (day 0 is a Monday) in which grants are made; None: always.

    The end is not included. Hours that touch are one stretch.
    """
    if resource.calendar is None:
        return None
    if resource.calendar == "weekdays":
        return [(0.0, 5.0)]
    assert not isinstance(resource.calendar, str)
    found: list[tuple[float, float]] = []
    for day, (opens, closes) in resource.calendar.items():
        begin, end = DAYS.index(day) + opens, DAYS.index(day) + closes
        if found and found[-1][1] == begin:
            begin = found.pop()[0]
        found.append((begin, end))
    return None if found == [(0.0, 7.0)] else found


def steps_of(code: int, resource: Resource) -> Iterator[Change]:
    """Every change of units after day 0; without end where they repeat."""
    steps, period = resource.capacity or (), resource.repeat
    for day, units in steps[1:]:
        yield on_grid(day), code, float(units), None
    for turn in count(1) if period is not None else ():
        for day, units in steps:
            yield on_grid(turn * (period or 0.0) + day), code, float(units), None


def openings(code: int, resource: Resource) -> Iterator[Change]:
    """Every time after day 0 at which a resource opens or closes, without end."""
    hours = open_hours(resource)
    if hours is None:
        return
    for week in count():
        for opens, closes in hours:
            begin, end = on_grid(7.0 * week + opens), on_grid(7.0 * week + closes)
            if week > 0 or opens > 0.0:
                yield begin, code, None, True
            if closes < 7.0 or hours[0][0] > 0.0:
                yield closing(begin, end), code, None, False


def closing(begin: float, end: float) -> float:
    """When the last grants of a stretch of hours have been made; too short for the margin: its end."""
    return end if end - begin <= MARGIN else end - MARGIN


def on_grid(days: float) -> float:
    """The nearest point of the grid."""
    return round(days * GRID) / GRID
