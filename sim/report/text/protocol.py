"""A scenario as a clinical protocol reads: who, what can happen, when, and what the numbers rest on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rich.console import Console
from rich.text import Text

from sim.outcomes import labels
from sim.pathway.diagram import targets
from sim.pathway.tables import Pathway
from sim.report.text.phrases import (
    Line,
    choice,
    deeper,
    destination,
    draw,
    effects,
    law,
    number,
    probability,
    rate,
    share,
    time,
)
from sim.scenario.language.model import (
    Amount,
    Attribute,
    Draw,
    Event,
    EventSelector,
    Outcome,
    Parameter,
    Resource,
    Scenario,
    Stage,
)
from sim.scenario.language.wording import condition, scalar

STATUSES = {
    "assumed": "Assumed",
    "": "Of no stated status",
    "recalled": "Recalled, not looked up",
    "digitised": "Digitised from a figure",
    "derived": "Derived from what was published",
    "published": "Published",
}
"""What a number rests on, the weakest first."""
CONVENTIONS = {"annual": "as (1 + r)^-t", "continuous": "as exp(-r t)"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines."""

    heading: str
    lines: tuple[Line, ...]


def protocol(pathway: Pathway) -> tuple[Section, ...]:
    """The sections of a scenario's description; those with nothing to say are left out."""
    scenario = pathway.scenario
    sections = [
        Section("Patients", tuple(_patients(scenario))),
        Section("Definitions", tuple(_definitions(scenario))),
        *(
            Section(_named(stage.name, stage.label), tuple(_stage(stage, scenario)))
            for stage in scenario.stages
        ),
        Section("Clocks, which go on from stage to stage", tuple(_clocks(scenario))),
        Section("Resources", tuple(line for one in scenario.resources for line in _resource(one))),
        Section("Costs and utilities", tuple(_values(scenario))),
        Section(
            "What must never happen",
            tuple(Line(0, labels.event(one, by_name=True)) for one in scenario.never),
        ),
        Section("Outcomes", tuple(line for one in scenario.outcomes for line in _outcome(one))),
        Section("What the numbers rest on", tuple(_parameters(scenario.parameters))),
        Section("Changed by layers", tuple(_changes(scenario))),
        Section("Notes", tuple(Line(0, note) for note in scenario.notes)),
    ]
    return tuple(section for section in sections if section.lines)


def describe(pathway: Pathway, console: Console) -> None:
    """Print the description of a scenario."""
    scenario = pathway.scenario
    _print(scenario.title, console, style="bold")
    console.print(Text(scenario.file, style="dim"), soft_wrap=True)
    _print(f"digest {scenario.digest[:12]}", console, style="dim")
    for section in protocol(pathway):
        console.out()
        _print(section.heading, console, style="bold")
        for line in section.lines:
            _print(line.text, console, level=line.level + 1)


def _print(text: str, console: Console, *, level: int = 0, style: str = "") -> None:
    indent = "  " * level
    wrapped = textwrap.fill(
        text,
        console.width,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    console.print(Text(wrapped, style=style), soft_wrap=True)


def _named(name: str, label: str) -> str:
    says_no_more = label.lower().replace(" ", "_") in ("", name.lower())
    return name if says_no_more else f"{name}: {label}"


# ---------------------------------------------------------------- patients


def _patients(scenario: Scenario) -> Iterator[Line]:
    who = scenario.patients
    yield Line(
        0, f"{f'{who.number:,} patients' if who.number is not None else 'Patients'}, {_arrival(scenario)}"
    )
    if who.arrivals.warm_up > 0:
        yield Line(0, f"who starts in the first {time(who.arrivals.warm_up)} is left out of outcomes")
    until = (
        f"{time(who.follow_up)} after the start, at most to the" if who.follow_up is not None else "to the"
    )
    yield Line(0, f"followed up {until} horizon, {time(scenario.horizon)}")
    yield Line(0, f"start in {scenario.start}")
    if who.table is not None:
        said = ", ".join(str(column) for column in who.table.columns)
        n = f"{len(who.table.rows):,}"
        if who.table.is_today:
            yield Line(0, f"in care on day 0 already: {n} patients of whom a table gives {said}")
        else:
            yield Line(0, f"of whom a table of {n} rows gives {said}")
    yield from _listed("at the start:", effects(scenario.on_start))
    for attribute in who.attributes:
        yield from _attribute(attribute)


def _arrival(scenario: Scenario) -> str:
    one = scenario.patients.arrivals
    lasting = f" for {time(one.lasting)}" if one.lasting is not None else ""
    if one.kind == "together":
        return "all at once"
    if one.kind == "every":
        return f"one every {time(one.interval or 0.0)}{lasting}"
    if one.kind == "days":
        return f"arriving on {len(one.days):,} given days, {one.days[0]:.10g} the first of them{lasting}"
    rates = [rate(per_day) + (f" from {time(begin)}" if begin else "") for begin, per_day in one.rates]
    return f"arriving at random, {', '.join(rates)}{lasting}"


def _attribute(one: Attribute) -> Iterator[Line]:
    if isinstance(one.initial, Draw):
        first, *others = draw(one.initial)
        yield Line(0, f"{one.name}: {first.text}")
        yield from deeper(others)
    else:
        among = f", one of {', '.join(one.categories)}" if one.kind == "category" else ""
        yield Line(0, f"{one.name}: {choice(one.initial, scalar)} at the start{among}")


def _definitions(scenario: Scenario) -> Iterator[Line]:
    for name, what in scenario.definitions:
        yield Line(0, f"{name}: {condition(replace(what, name=''), by_name=True)}")


# ---------------------------------------------------------------- stages and clocks


def _stage(one: Stage, scenario: Scenario) -> Iterator[Line]:
    kind = "a decision, takes no time" if one.decide is not None else "the end" if one.terminal else ""
    facts = [kind, f"state {one.state}" if one.state is not None else ""]
    for need in one.needs:
        where = f" where {condition(need.when, by_name=True)}" if need.when is not None else ""
        facts.append(f"needs {need.resource}{where}")
    if told := "; ".join(filter(None, facts)):
        yield Line(0, told)
    yield from _listed("on entry:", effects(one.on_entry))
    if one.decide is not None:
        yield from destination(one.decide)
    for event in one.events:
        yield from _event(event)
    for event in one.while_waiting:
        yield from _event(event, only_waiting=True)
    if not (one.events or one.decide or one.terminal):
        ending = [clock.name for clock in scenario.clocks if _can_end(clock, one)]
        yield Line(0, f"ends by the clock{'s' * (len(ending) > 1)} {', '.join(ending)}")


def _can_end(clock: Event, stage: Stage) -> bool:
    is_there = clock.in_stages is None or stage.name in clock.in_stages
    return is_there and any(target != stage.name for target, _ in targets(clock.to, stage.name))


def _clocks(scenario: Scenario) -> Iterator[Line]:
    for clock in scenario.clocks:
        yield from _event(clock)
        if clock.in_stages is not None:
            yield Line(1, f"can happen in {', '.join(clock.in_stages)}")


def _event(one: Event, *, only_waiting: bool = False) -> Iterator[Line]:
    """An event: its time, when it can happen, what it does and where it leads."""
    waits = "while waiting, " if only_waiting else "while waiting too, " if one.waiting else ""
    first, *others = law(one.after)
    yield Line(0, f"{one.name}: {waits}{'every' if one.every else 'after'} {first.text}")
    yield from deeper(others)
    if one.chance is not None:
        yield Line(1, f"comes up with probability {probability(one.chance)}")
    if one.when is not None:
        yield Line(1, f"only where {condition(one.when, by_name=True)}")
    yield from deeper(effects(one.do))
    yield from deeper(destination(one.to))


def _listed(head: str, lines: list[Line]) -> Iterator[Line]:
    if lines:
        yield Line(0, head)
        yield from deeper(lines)


# ---------------------------------------------------------------- resources and outcomes


def _resource(one: Resource) -> Iterator[Line]:
    if one.capacity is None:
        capacity = "unlimited"
    else:
        steps = [f"{units}" + (f" from {time(begin)}" if begin else "") for begin, units in one.capacity]
        capacity = f"capacity {', '.join(steps)}"
    facts = [f"{one.name}: {capacity}"]
    if isinstance(one.calendar, str):
        facts.append(f"open on {one.calendar}")
    elif one.calendar is not None:
        facts.append(f"open on {', '.join(_open(day, hours) for day, hours in one.calendar.items())}")
    if one.queue is not None:
        facts.append(f"the {one.queue[1]} {one.queue[0]} is served first")
    elif not one.is_free:
        facts.append("first come, first served")
    if one.release == "when_next_granted":
        facts.append("kept until what comes next is granted")
    yield Line(0, ", ".join(facts))


def _open(day: str, hours: tuple[float, float]) -> str:
    """A day of the week, with its hours unless they are all of it."""
    begin, end = (f"{24 * part:.10g}" for part in hours)
    return day if hours == (0.0, 1.0) else f"{day} from {begin} to {end} hours"


def _outcome(one: Outcome) -> Iterator[Line]:
    text = f"{_named(one.name, one.label)} ({one.kind.replace('_', ' ')})"
    if one.begin is not None and one.until is not None:
        text += (
            f": from {labels.event(one.begin, by_name=True)} until {labels.event(one.until, by_name=True)}"
        )
        if one.competing:
            text += f", competing with {', '.join(name for name, _ in one.competing)}"
        if one.censor is not None:
            text += f", observed no longer than {labels.event(one.censor, by_name=True)}"
    elif one.happening is not None:
        text += f": {labels.event(one.happening, by_name=True)}"
    elif one.place is not None:
        text += f": {' '.join(one.place)}"
    elif one.sequence:
        text += f": {', then '.join(_step(what) for what in one.sequence)}"
    elif one.attribute:
        at = f" just after {labels.event(one.at, by_name=True)}" if one.at is not None else " at the end"
        text += f": {one.attribute}{at}"
    elif one.resource:
        text += f": {one.resource}"
        text += f", the share of waits above {time(one.above)}" if one.above is not None else ""
    if one.among is not None and one.among.ever is not None:
        text += f", among those ever {labels.event(one.among.ever, by_name=True)}"
    elif one.among is not None and one.among.condition is not None:
        text += f", among those with {condition(one.among.condition, by_name=True)} at the start"
    yield Line(0, f"{text}, by {one.by}" if one.by is not None else text)


def _step(of: EventSelector) -> str:
    within = f" within {time(of.within)}" if of.within is not None else ""
    return labels.event(of, by_name=True) + within


# ---------------------------------------------------------------- costs and utilities


def _values(scenario: Scenario) -> Iterator[Line]:
    """How costs and health are counted, then every utility and cost with what it belongs to."""
    how = scenario.economics
    if how is None:
        return
    rates = f"costs by {share(how.discount_cost)} and health by {share(how.discount_qaly)} a year"
    yield Line(0, f"in {how.currency}; discounted {CONVENTIONS[how.convention]}, {rates}")
    if how.threshold is not None:
        yield Line(0, f"worth paying for a quality-adjusted life-year: {how.threshold:,.10g}")
    utilities = [(one.name, one.utility) for one in scenario.states]
    utilities += [(one.name, one.utility) for one in scenario.stages]
    for name, utility in utilities:
        if utility is not None:
            yield Line(0, f"utility of {name}: {choice(utility, number)}")
    for stage in scenario.stages:
        if stage.cost is not None:
            yield from _cost(stage.name, {"on entry": stage.cost.on_entry, "a day": stage.cost.per_day})
    happenings = [(f"{s.name}.{e.name}", e) for s in scenario.stages for e in (*s.events, *s.while_waiting)]
    for name, event in (*happenings, *((f"clock {clock.name}", clock) for clock in scenario.clocks)):
        yield from _cost(name, {"each time": event.cost})
        if event.qaly is not None:
            yield Line(0, f"quality-adjusted life-years of {name}: {choice(event.qaly, number)} each time")
    for resource in scenario.resources:
        yield from _cost(resource.name, {"each use": resource.cost_per_use, "a day": resource.cost_per_day})


def _money(amount: float) -> str:
    return f"{amount:,.2f}".removesuffix(".00") if abs(amount) >= 1 else number(amount)


def _cost(name: str, amounts: Mapping[str, Amount | None]) -> Iterator[Line]:
    for when, amount in amounts.items():
        if isinstance(amount, Mapping):
            told = ", ".join(f"{category} {choice(one, _money)}" for category, one in amount.items())
            yield Line(0, f"cost of {name}: {told} {when}")
        elif amount is not None:
            yield Line(0, f"cost of {name}: {choice(amount, _money)} {when}")


# ---------------------------------------------------------------- what it rests on


def _parameters(of: tuple[Parameter, ...]) -> Iterator[Line]:
    """Parameters by status, assumptions first, each with its uncertainty and source."""
    for status, heading in STATUSES.items():
        group = [parameter for parameter in of if parameter.status == status]
        if not group:
            continue
        yield Line(0, f"{heading}: {len(group)} of {len(of)}")
        for one in group:
            uncertainty = f", uncertainty {one.uncertainty}" if one.uncertainty else ""
            source = f" [{one.source}]" if one.source else " [no source]"
            yield Line(1, f"{one.name} = {one.text}{uncertainty}{source}")


def _changes(scenario: Scenario) -> Iterator[Line]:
    layer = None
    for change in scenario.changes:
        if change.layer != layer:
            yield Line(0, f"by {change.layer}:")
            layer = change.layer
        old, new = change.old or "(nothing)", change.new or "(removed)"
        yield Line(1, f"{change.path}: {old} -> {new}")
