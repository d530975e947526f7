"""One patient's story in words, from the event log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.event_log.log import (
    ASKS,
    DECIDE,
    ENTERS,
    GRANTED,
    HOLDS,
    LEAVES,
    LEFT_QUEUE,
    START,
    STAYS,
    WAITS_FOR,
    EventLog,
)
from sim.report.tables import number_format
from sim.report.tables.model import printed
from sim.scenario.language.model import Scenario, Stage
from sim.units import DAYS_IN


@dataclass(frozen=True, slots=True)
class Line:
    """What happened at a time (days since the patient's start), and what else it changed."""

    time: float
    text: str
    changes: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A patient's life: who it is, the attributes at the start, a line for each row of the log, the end."""

    title: str
    patient: str
    at_start: str
    lines: tuple[Line, ...]
    end: Line


def story(log: EventLog, scenario: Scenario, index: int) -> Story:
    """The story of the patient at this index of the log (not of this number)."""
    teller = _Teller(log, scenario, index)
    who = f"Patient {log.patient[index]}"
    if len(log.replication) and log.replication[-1] > 0:
        who += f" of replication {log.replication[index]}"
    if log.begins[index] > 0:
        who += f", who starts on day {days(log.begins[index])} of the calendar"
    at_start = ", ".join(
        f"{name} {teller.value(i, log.at_start[index, i])}" for i, name in enumerate(log.names.attributes)
    )
    lines = tuple(teller.lines())
    return Story(scenario.title, who, at_start, lines, teller.end())


def tell(log: EventLog, scenario: Scenario, index: int, console: Console) -> None:
    """Print the story of the patient at this index of the log."""
    told = story(log, scenario, index)
    printed(console, lambda to: _print(told, to))


def _print(told: Story, console: Console) -> None:
    console.print(Text(told.title, style="bold"))
    console.print(Text(told.patient))
    if told.at_start:
        console.print(Text(f"At the start: {told.at_start}"))
    console.print()
    print_lines((*told.lines, told.end), console)


def print_lines(lines: Iterable[Line], console: Console) -> None:
    """Print lines with their day and year; of several at one time the first has them."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    last = None
    for line in lines:
        is_new = line.time != last
        day = f"day {days(line.time)}" if is_new else ""
        year = f"{line.time / DAYS_IN['year']:.2f} years" if is_new else ""
        text = Text(line.text)
        if line.changes:
            text.append(f"\n{line.changes}", style="dim")
        table.add_row(day, year, text)
        last = line.time
    console.print(table)


@dataclass(slots=True)
class _Teller:
    """Goes along a patient's rows and remembers what the next one changes."""

    log: EventLog
    scenario: Scenario
    index: int
    stages: dict[str, Stage] = field(init=False)
    now: list[float] = field(init=False)
    """Attributes after the last row told."""
    state: str | None = field(init=False, default=None)
    since: float | None = field(init=False, default=None)
    """When the stage was entered; None where the patient is in none that takes time."""
    asked: float | None = field(init=False, default=None)
    """When the wait began; None where none goes on."""
    holds: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.stages = {stage.name: stage for stage in self.scenario.stages}
        self.now = [float(value) for value in self.log.at_start[self.index]]

    def lines(self) -> Iterator[Line]:
        """A line for each row, in order."""
        for row in range(int(self.log.row_of[self.index]), int(self.log.row_of[self.index + 1])):
            time = float(self.log.time[row])
            text = self.happening(row, time)
            changes = [*self.changed(row), *self.whereabouts(row, time)]
            yield Line(time, text, "; ".join(changes))

    # ------------------------------------------------------------ what happened

    def happening(self, row: int, time: float) -> str:
        """What happened in a row, from where to where, and the rule that decided."""
        if self.log.event[row] == LEFT_QUEUE:
            stage = self.stage(int(self.log.stage_to[row]))
            return f"leaves the queue for {stage} after {self.waited(time)}"
        text = self.cause(row, time) + self.movement(row, time)
        rule = int(self.log.rule[row])
        return f"{text}, by the rule {self.log.names.rules[rule]}" if rule >= 0 else text

    def cause(self, row: int, time: float) -> str:
        """What made it happen, up to the colon."""
        code = int(self.log.event[row])
        if code == START:
            return ""
        if code == GRANTED:
            return f"is granted what it waited for after {self.waited(time)}: "
        if code == DECIDE:
            return f"{self.log.names.stages[self.log.stage_from[row]]} decides: "
        _, _, name = self.log.names.events[code].partition(".")
        is_clock = code >= len(self.log.names.events) - len(self.scenario.clocks)
        return f"clock {name}: " if is_clock else f"{name}: "

    def movement(self, row: int, time: float) -> str:
        """Where the patient goes."""
        does, begin, to = (int(of[row]) for of in (self.log.does, self.log.stage_from, self.log.stage_to))
        if does == STAYS:
            return "waits on" if self.asked is not None else f"stays in {self.log.names.stages[begin]}"
        leaving = ""
        if self.since is not None and self.log.event[row] != DECIDE:
            leaving = f"after {_lasting(time - self.since)} leaves {self.log.names.stages[begin]}, "
        if does == ASKS:
            return f"{leaving}waits for {' and '.join(self.waited_for(row))} to enter {self.stage(to)}"
        assert does in (ENTERS, LEAVES)
        return f"{leaving}enters {self.stage(to)}"

    def stage(self, code: int) -> str:
        """A stage's name, and its label where that says more."""
        name = self.log.names.stages[code]
        label = self.stages[name].label
        says_no_more = label.lower().replace(" ", "_") in ("", name.lower())
        return name if says_no_more else f"{name} ({label})"

    def waited_for(self, row: int) -> list[str]:
        """The resources that a wait beginning in this row is for, as the log has them."""
        names = self.log.names
        first = len(names.attributes) + len(names.stamps)
        changes = range(int(self.log.change_of[row]), int(self.log.change_of[row + 1]))
        waits = {int(self.log.change_what[i]) for i in changes if self.log.change_value[i] == WAITS_FOR}
        return [name for i, name in enumerate(names.resources, first) if i in waits]

    def waited(self, time: float) -> str:
        """How long the wait that ends now has lasted."""
        assert self.asked is not None
        return _lasting(time - self.asked)

    # ------------------------------------------------------------ what it changed

    def changed(self, row: int) -> Iterator[str]:
        """Attributes, old -> new, stamps and resources; an attribute changed twice is told once."""
        names = self.log.names
        n_attributes, n_stamps = len(names.attributes), len(names.stamps)
        before: dict[int, float] = {}
        stamps: list[str] = []
        resources: list[str] = []
        for i in range(int(self.log.change_of[row]), int(self.log.change_of[row + 1])):
            what, value = int(self.log.change_what[i]), float(self.log.change_value[i])
            if what >= n_attributes + n_stamps:
                resources.extend(self.held(names.resources[what - n_attributes - n_stamps], value))
            elif what >= n_attributes:
                stamps.append(names.stamps[what - n_attributes])
            else:
                before.setdefault(what, self.now[what])
                self.now[what] = value
        for what, old in before.items():
            if old != self.now[what]:
                new = self.value(what, self.now[what])
                yield f"{names.attributes[what]} {self.value(what, old)} -> {new}"
        if stamps:
            yield f"stamps {', '.join(stamps)}"
        yield from resources

    def held(self, resource: str, value: float) -> Iterator[str]:
        """What becomes of a resource, where it is more than the wait for it."""
        if value == HOLDS:
            self.holds.add(resource)
            yield f"holds {resource}"
        elif resource in self.holds:
            self.holds.remove(resource)
            yield f"gives back {resource}"

    def whereabouts(self, row: int, time: float) -> Iterator[str]:
        """The health state where it changes; remembers when stages and waits began."""
        does = int(self.log.does[row])
        if does == STAYS:
            return
        self.since, self.asked = None, time if does == ASKS else None
        if does != ENTERS:
            return
        stage = self.stages[self.log.names.stages[self.log.stage_to[row]]]
        self.since = time
        if stage.state is not None and stage.state != self.state:
            yield f"state {stage.state}" if self.state is None else f"state {self.state} -> {stage.state}"
            self.state = stage.state

    def value(self, attribute: int, value: float) -> str:
        """An attribute's value as a reader sees it."""
        categories = self.log.names.categories[attribute]
        return categories[int(value)] if categories else f"{value:.4g}"

    def end(self) -> Line:
        """How the story ends; asked for after its lines."""
        ends = float(self.log.ends[self.index])
        row = int(self.log.row_of[self.index + 1]) - 1
        does, to = int(self.log.does[row]), int(self.log.stage_to[row])
        begin = int(self.log.stage_from[row])
        if does == ENTERS and self.stages[self.log.names.stages[to]].terminal:
            return Line(ends, f"the end, {number_format.time(ends)} after the start")
        if does == ASKS or (does == STAYS and self.asked is not None):
            target = self.waits_for(row)
            return Line(ends, f"is followed up no further, waiting for {self.stage(target)}")
        return Line(ends, f"is followed up no further, in {self.stage(to if does == ENTERS else begin)}")

    def waits_for(self, row: int) -> int:
        """The stage that the wait going on in this row is for."""
        while self.log.does[row] != ASKS:
            row -= 1
        return int(self.log.stage_to[row])


def days(time: float) -> str:
    """A number of days with at most one decimal."""
    return f"{time:,.1f}".removesuffix(".0")


def _lasting(days: float) -> str:
    """A time that passed: minutes and hours are told in days, too."""
    if 0 < days < 0.05:
        return "less than 0.1 days"
    return number_format.time(days)
