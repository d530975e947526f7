"""The trajectory of one patient in words, from the event log."""

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
    LEAVES,
    LEFT_QUEUE,
    START,
    STAYS,
    EventLog,
)
from sim.outcomes.results import group_label, group_value
from sim.report.tables import number_format
from sim.report.tables.model import printed
from sim.scenario.language.model import Scenario, Stage
from sim.units import DAYS_IN


@dataclass(frozen=True, slots=True)
class Line:
    """An event at a time (days since the patient's start), and what else it changed."""

    time: float
    text: str
    changes: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A patient's trajectory: the patient, the attributes at the start, a line for each event, the end."""

    title: str
    patient: str
    at_start: str
    lines: tuple[Line, ...]
    end: Line


def story(log: EventLog, scenario: Scenario, index: int) -> Story:
    """The trajectory of the patient at this index of the log (which is not the patient's number)."""
    narrator = _Narrator(log, scenario, index)
    patient, name = f"Patient {log.patient[index]}", log.names.id_of(int(log.patient[index]))
    patient += f" ({name})" if name else ""
    if len(log.replication) and log.replication[-1] > 0:
        patient += f" of replication {log.replication[index]}"
    if log.begins[index] > 0:
        patient += f", who starts on day {days(log.begins[index])} of the calendar"
    at_start = ", ".join(
        group_label(name, narrator.value(i, log.at_start[index, i]))
        for i, name in enumerate(log.names.attributes)
    )
    lines = tuple(narrator.lines())
    return Story(scenario.title, patient, at_start, lines, narrator.end())


def print_story(log: EventLog, scenario: Scenario, index: int, console: Console) -> None:
    """Print the trajectory of the patient at this index of the log."""
    patient = story(log, scenario, index)
    printed(console, lambda to: _print(patient, to))


def _print(patient: Story, console: Console) -> None:
    console.print(Text(patient.title, style="bold"))
    print_patient(patient.patient, patient.at_start, console)
    print_lines((*patient.lines, patient.end), console)


def print_patient(patient: str, at_start: str, console: Console) -> None:
    """Print who the patient is, and the attributes at the start."""
    console.print(Text(patient))
    if at_start:
        console.print(Text(f"At the start: {at_start}"))
    console.print()


def print_lines(lines: Iterable[Line], console: Console) -> None:
    """Print lines with their day and year, which only the first of several at one time has."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    last = None
    for line in lines:
        is_new = line.time != last
        day = f"day {days(line.time)}" if is_new else ""
        year = f"{line.time / DAYS_IN['year']:.2f} years" if is_new else ""
        table.add_row(day, year, line_text(line))
        last = line.time
    console.print(table)


def line_text(line: Line) -> Text:
    """The text of a line, and below it what else changed."""
    text = Text(line.text)
    if line.changes:
        text.append(f"\n{line.changes}", style="dim")
    return text


@dataclass(slots=True)
class _Narrator:
    """Reads a patient's rows in order and keeps the state that later rows change."""

    log: EventLog
    scenario: Scenario
    index: int
    stages: dict[str, Stage] = field(init=False)
    attributes: list[float] = field(init=False)
    """Attributes after the last row read."""
    state: str | None = field(init=False, default=None)
    entered: float | None = field(init=False, default=None)
    """When the stage was entered; None in no stage, or in one that takes no time."""
    wait_began: float | None = field(init=False, default=None)
    """When the current wait began; None without a wait."""
    held: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.stages = {stage.name: stage for stage in self.scenario.stages}
        self.attributes = [float(value) for value in self.log.at_start[self.index]]

    def lines(self) -> Iterator[Line]:
        """A line for each row, in order."""
        for row in range(int(self.log.row_of[self.index]), int(self.log.row_of[self.index + 1])):
            time = float(self.log.time[row])
            text = self.event_text(row, time)
            changes = [*self.changes(row), *self.state_change(row, time)]
            yield Line(time, text, "; ".join(changes))

    # ------------------------------------------------------------ events

    def event_text(self, row: int, time: float) -> str:
        """What happened, from which stage to which, and the rule that decided."""
        if self.log.event[row] == LEFT_QUEUE:
            stage = self.stage(int(self.log.stage_to[row]))
            return f"leaves the queue for {stage} after {self.waited(time)}"
        text = self.cause(row, time) + self.movement(row, time)
        rule = int(self.log.rule[row])
        return f"{text}, by the rule {self.log.names.rules[rule]}" if rule >= 0 else text

    def cause(self, row: int, time: float) -> str:
        """The cause of the event, with a colon."""
        code = int(self.log.event[row])
        if code == START:
            return ""
        if code == GRANTED:
            return f"resources granted after {self.waited(time)}: "
        if code == DECIDE:
            return f"decision {self.log.names.stages[self.log.stage_from[row]]}: "
        _, _, name = self.log.names.events[code].partition(".")
        is_clock = code >= len(self.log.names.events) - len(self.scenario.clocks)
        return f"clock {name}: " if is_clock else f"{name}: "

    def movement(self, row: int, time: float) -> str:
        """Where the patient goes."""
        does, begin, to = (int(col[row]) for col in (self.log.does, self.log.stage_from, self.log.stage_to))
        if does == STAYS:
            if self.wait_began is not None:
                return "continues to wait"
            return f"stays in {self.log.names.stages[begin]}"
        leaving = ""
        if self.entered is not None and self.log.event[row] != DECIDE:
            leaving = f"after {_duration(time - self.entered)} leaves {self.log.names.stages[begin]}, "
        if does == ASKS:
            text = f"{leaving}waits for {' and '.join(self.waited_for(row))} to enter {self.stage(to)}"
            before = self.waited_before(time)
            return f"{text}, for {_duration(before)} already" if before else text
        assert does in (ENTERS, LEAVES)
        return f"{leaving}enters {self.stage(to)}"

    def stage(self, code: int) -> str:
        """A stage's name, with its label unless that is the name again."""
        name = self.log.names.stages[code]
        label = self.stages[name].label
        is_repeated = label.lower().replace(" ", "_") in ("", name.lower())
        return name if is_repeated else f"{name} ({label})"

    def waited_for(self, row: int) -> list[str]:
        """The resources that the wait beginning in this row is for."""
        names = self.log.names
        first = len(names.attributes) + len(names.stamps)
        changes = range(int(self.log.change_of[row]), int(self.log.change_of[row + 1]))
        waits = {int(self.log.change_what[i]) for i in changes if self.log.change_value[i] % 2}
        return [name for i, name in enumerate(names.resources, first) if i in waits]

    def waited(self, time: float) -> str:
        """The duration of the wait that ends now."""
        assert self.wait_began is not None
        return _duration(time - self.wait_began + self.waited_before(self.wait_began))

    def waited_before(self, began: float) -> float:
        """Days that one of today's patients had waited before day 0, where the wait began then."""
        table, number = self.scenario.patients.table, int(self.log.patient[self.index])
        if began != 0.0 or table is None or not table.is_today or number >= len(table.rows):
            return 0.0
        return float(table.column("days_waiting")[number] or 0.0)

    # ------------------------------------------------------------ changes

    def changes(self, row: int) -> Iterator[str]:
        """Attributes, old -> new (once for each), stamps, and resources held and released."""
        names = self.log.names
        n_attributes, n_stamps = len(names.attributes), len(names.stamps)
        before: dict[int, float] = {}
        stamps: list[str] = []
        resources: list[str] = []
        for i in range(int(self.log.change_of[row]), int(self.log.change_of[row + 1])):
            what, value = int(self.log.change_what[i]), float(self.log.change_value[i])
            if what >= n_attributes + n_stamps:
                resources.extend(self.resource_change(names.resources[what - n_attributes - n_stamps], value))
            elif what >= n_attributes:
                stamps.append(names.stamps[what - n_attributes])
            else:
                before.setdefault(what, self.attributes[what])
                self.attributes[what] = value
        for what, old in before.items():
            if old != self.attributes[what]:
                new = group_value(self.value(what, self.attributes[what]))
                yield f"{group_label(names.attributes[what], self.value(what, old))} -> {new}"
        if stamps:
            yield f"stamps {', '.join(stamps)}"
        yield from resources

    def resource_change(self, resource: str, value: float) -> Iterator[str]:
        """What the patient now holds or releases of a resource; a wait for it is no change."""
        units, before = int(value // 2), self.held.get(resource, 0)
        self.held[resource] = units
        if units > before:
            yield f"holds {resource}" if units == 1 else f"holds {units} {resource}"
        elif units < before:
            yield f"releases {resource}" if before == 1 else f"releases {before - units} {resource}"

    def state_change(self, row: int, time: float) -> Iterator[str]:
        """The health state where it changes; updates when stages and waits began."""
        does = int(self.log.does[row])
        if does == STAYS:
            return
        self.entered, self.wait_began = None, time if does == ASKS else None
        if does != ENTERS:
            return
        stage = self.stages[self.log.names.stages[self.log.stage_to[row]]]
        self.entered = time
        if stage.state is not None and stage.state != self.state:
            yield f"state {stage.state}" if self.state is None else f"state {self.state} -> {stage.state}"
            self.state = stage.state

    def value(self, attribute: int, value: float) -> str:
        """An attribute's value as text."""
        categories = self.log.names.categories[attribute]
        return categories[int(value)] if categories else f"{value:.4g}"

    def end(self) -> Line:
        """The last line, once the others have been read."""
        ends = float(self.log.ends[self.index])
        row = int(self.log.row_of[self.index + 1]) - 1
        does, to = int(self.log.does[row]), int(self.log.stage_to[row])
        if does == ENTERS and self.stages[self.log.names.stages[to]].terminal:
            return Line(ends, f"the end, {number_format.time(ends)} after the start")
        if does == ASKS or (does == STAYS and self.wait_began is not None):
            return Line(ends, f"end of follow-up, waiting for {self.stage(self.waits_for(row))}")
        stage = to if does == ENTERS else int(self.log.stage_from[row])
        return Line(ends, f"end of follow-up, in {self.stage(stage)}")

    def waits_for(self, row: int) -> int:
        """The code of the stage that the wait in this row is for."""
        while self.log.does[row] != ASKS:
            row -= 1
        return int(self.log.stage_to[row])


def days(time: float) -> str:
    """A number of days with at most one decimal."""
    return f"{time:,.1f}".removesuffix(".0")


def _duration(days: float) -> str:
    """A duration in words; minutes and hours are given in days."""
    if 0 < days < 0.05:
        return "less than 0.1 days"
    return number_format.time(days)
