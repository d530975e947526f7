"""A scenario as a protocol: patients, stages, events with their times, and the sources of the numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rich.console import Console
from rich.text import Text

from sim.outcomes.results import event_in_words
from sim.pathway.diagram import targets
from sim.pathway.tables import Pathway
from sim.report.text.phrases import (
    Line,
    choice,
    destination,
    distribution,
    draw,
    effects,
    indented,
    number,
    probability,
    rate,
    share,
    time,
    where,
)
from sim.scenario.language.model import (
    AgeSteps,
    Amount,
    Attribute,
    Draw,
    Event,
    EventSelector,
    Need,
    Outcome,
    Parameter,
    Resource,
    Scenario,
    Stage,
)
from sim.scenario.language.wording import change, condition, scalar
from sim.uncertainty.assumed_spread import gaps
from sim.uncertainty.marginals import Marginal, marginals
from sim.units import unit_of_time

STATUSES = {
    "assumed": "Assumed",
    "": "Without a status",
    "recalled": "Recalled, not looked up",
    "calibrated": "Calibrated to published results",
    "digitised": "Digitised from a figure",
    "derived": "Derived from published results",
    "published": "Published",
    "chosen": "Chosen by the strategy or the service",
}
"""The status of a number, the weakest evidence first."""
CONVENTIONS = {"annual": "as (1 + r)^-t", "continuous": "as exp(-r t)"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines."""

    heading: str
    lines: tuple[Line, ...]


def protocol(pathway: Pathway) -> tuple[Section, ...]:
    """The sections of a scenario's description; empty ones are omitted."""
    scenario = pathway.scenario
    sections = [
        ("Patients", patient_lines(scenario)),
        ("Definitions", definitions(scenario)),
        *((named(stage.name, stage.label), stage_lines(stage, scenario)) for stage in scenario.stages),
        ("Clocks, which continue from stage to stage", clock_lines(scenario)),
        ("Resources", map(resource_line, scenario.resources)),
        ("Costs and utilities", value_lines(scenario)),
        (
            "Events that must not happen",
            (Line(0, event_in_words(one, by_name=True)) for one in scenario.never),
        ),
        ("Outcomes", map(outcome_line, scenario.outcomes)),
        ("Sources of the numbers", parameter_lines(scenario.parameters)),
        ("Changes by layers", change_lines(scenario)),
        ("Notes", (Line(0, note) for note in scenario.notes)),
    ]
    found = (Section(heading, tuple(lines)) for heading, lines in sections)
    return tuple(section for section in found if section.lines)


def print_protocol(pathway: Pathway, console: Console) -> None:
    """Print the description of a scenario."""
    print_sections(pathway.scenario, protocol(pathway), console)


def print_sections(scenario: Scenario, sections: tuple[Section, ...], console: Console) -> None:
    """Print the title of a scenario, its file and digest, and sections about it."""
    _print(scenario.title, console, style="bold")
    console.print(Text(scenario.file, style="dim"), soft_wrap=True)
    _print(f"digest {scenario.digest[:12]}", console, style="dim")
    for section in sections:
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


def named(name: str, label: str) -> str:
    """A name with its label, or the name alone where the label says the same."""
    is_repeated = label.lower().replace(" ", "_") in ("", name.lower())
    return name if is_repeated else f"{name}: {label}"


# ---------------------------------------------------------------- patients


def patient_lines(scenario: Scenario) -> Iterator[Line]:
    """The number of patients, their arrival, follow-up and attributes."""
    patients = scenario.patients
    number_of = f"{patients.number:,} patients" if patients.number is not None else "Patients"
    yield Line(0, f"{number_of}, {arrival(scenario)}")
    if patients.arrivals.warm_up > 0:
        warm_up = time(patients.arrivals.warm_up)
        yield Line(0, f"patients who start in the first {warm_up} are excluded from outcomes")
    until = "to the"
    if patients.follow_up is not None:
        until = f"{time(patients.follow_up)} after the start, at most to the"
    yield Line(0, f"followed up {until} horizon, {time(scenario.horizon)}")
    yield Line(0, f"start in {scenario.start}")
    if patients.table is not None:
        columns = ", ".join(str(column) for column in patients.table.columns)
        n = f"{len(patients.table.rows):,}"
        if patients.table.is_today:
            yield Line(0, f"prevalent patients on day 0: {n}, from a table with {columns}")
        else:
            yield Line(0, f"from a table of {n} rows with {columns}")
    yield from _listed("at the start:", effects(scenario.on_start))
    for attribute in patients.attributes:
        yield from _attribute(attribute)


def arrival(scenario: Scenario) -> str:
    """How patients arrive: `arriving at random, 30 per year for 4 years`."""
    one = scenario.patients.arrivals
    lasting = f" for {time(one.lasting)}" if one.lasting is not None else ""
    if one.kind == "together":
        return "all at once"
    if one.kind == "every":
        return f"one every {time(one.interval or 0.0)}{lasting}"
    if one.kind == "days":
        return f"arriving on {len(one.days):,} given days, first on day {one.days[0]:.10g}{lasting}"
    rates = [rate(per_day) + (f" from {time(begin)}" if begin else "") for begin, per_day in one.rates]
    return f"arriving at random, {', '.join(rates)}{_repeated(one.repeat)}{lasting}"


def _repeated(period: float | None) -> str:
    return "" if period is None else f", anew every {time(period)}"


def _attribute(one: Attribute) -> Iterator[Line]:
    if isinstance(one.initial, Draw):
        first, *others = draw(one.initial)
        yield Line(0, f"{one.name}: {first.text}")
        yield from indented(others)
    else:
        values = f", one of {', '.join(one.categories)}" if one.kind == "category" else ""
        yield Line(0, f"{one.name}: {choice(one.initial, scalar)} at the start{values}")


def definitions(scenario: Scenario) -> Iterator[Line]:
    """Each named condition in words."""
    for name, definition in scenario.definitions:
        yield Line(0, f"{name}: {condition(replace(definition, name=''), by_name=True)}")


# ---------------------------------------------------------------- stages and clocks


def _units(need: Need) -> str:
    """The resource of a need, with its units where there may be more than one."""
    return need.resource if need.units == 1.0 else f"{choice(need.units, number)} {need.resource}"


def stage_lines(one: Stage, scenario: Scenario) -> Iterator[Line]:
    """What a stage needs and does, and its events."""
    kind = "decision, takes no time" if one.decide is not None else "terminal" if one.terminal else ""
    facts = [kind, f"state {one.state}" if one.state is not None else ""]
    facts += [f"needs {_units(need)}" + (f" {where(need.when)}" if need.when else "") for need in one.needs]
    if any(facts):
        yield Line(0, "; ".join(filter(None, facts)))
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
    is_active = clock.in_stages is None or stage.name in clock.in_stages
    return is_active and any(target != stage.name for target, _ in targets(clock.to, stage.name))


def clock_lines(scenario: Scenario) -> Iterator[Line]:
    """Each clock, and where it can happen."""
    for clock in scenario.clocks:
        yield from _event(clock)
        if clock.in_stages is not None:
            yield Line(1, f"can happen in {', '.join(clock.in_stages)}")


def _event(one: Event, *, only_waiting: bool = False) -> Iterator[Line]:
    """An event: its time, its conditions, its effects and its destination."""
    waits = "while waiting, " if only_waiting else "while waiting too, " if one.waiting else ""
    first, *others = distribution(one.after)
    yield Line(0, f"{one.name}: {waits}{'every' if one.every else 'after'} {first.text}")
    yield from indented(others)
    if one.chance is not None:
        yield Line(1, f"happens with probability {probability(one.chance)}")
    if one.when is not None:
        yield Line(1, f"only {where(one.when)}")
    yield from indented(effects(one.do))
    yield from indented(destination(one.to))


def _listed(head: str, lines: list[Line]) -> Iterator[Line]:
    if lines:
        yield Line(0, head)
        yield from indented(lines)


# ---------------------------------------------------------------- resources and outcomes


def resource_line(one: Resource) -> Line:
    """The capacity, opening hours and queue of a resource."""
    if one.capacity is None:
        capacity = "unlimited"
    else:
        steps = [f"{units}" + (f" from {time(begin)}" if begin else "") for begin, units in one.capacity]
        capacity = f"capacity {', '.join(steps)}{_repeated(one.repeat)}"
    facts = [f"{one.name}: {capacity}"]
    if isinstance(one.calendar, str):
        facts.append(f"open on {one.calendar}")
    elif one.calendar is not None:
        facts.append(f"open on {', '.join(_open(day, hours) for day, hours in one.calendar.items())}")
    if one.queue is not None:
        facts.append(f"{one.queue[1]} {one.queue[0]} first")
    elif not one.is_free:
        facts.append("first come, first served")
    if one.release == "when_next_granted":
        facts.append("held until the next resource is granted")
    return Line(0, ", ".join(facts))


def _open(day: str, hours: tuple[float, float]) -> str:
    """A day of the week, with its hours unless it is open all day."""
    begin, end = (f"{24 * part:.10g}" for part in hours)
    return day if hours == (0.0, 1.0) else f"{day} from {begin} to {end} hours"


def outcome_line(one: Outcome) -> Line:
    """What an outcome measures, and of whom."""
    text = f"{named(one.name, one.label)} ({one.kind.replace('_', ' ')})"
    if what := _measured(one):
        text += f": {what}"
    if one.among is not None and one.among.ever is not None:
        text += f", among patients ever {event_in_words(one.among.ever, by_name=True)}"
    elif one.among is not None and one.among.condition is not None:
        text += f", among patients with {condition(one.among.condition, by_name=True)} at the start"
    return Line(0, f"{text}, by {one.by}" if one.by is not None else text)


def _measured(one: Outcome) -> str:
    """What an outcome measures."""
    if one.begin is not None and one.until is not None:
        text = (
            f"from {event_in_words(one.begin, by_name=True)} until {event_in_words(one.until, by_name=True)}"
        )
        if one.competing:
            text += f", competing with {', '.join(name for name, _ in one.competing)}"
        if one.censor is not None:
            text += f", censored at {event_in_words(one.censor, by_name=True)}"
        return text
    if one.event is not None:
        return event_in_words(one.event, by_name=True)
    if one.place is not None:
        return " ".join(one.place)
    if one.sequence:
        return ", then ".join(_step(step) for step in one.sequence)
    if one.attribute:
        at = f"just after {event_in_words(one.at, by_name=True)}" if one.at is not None else "at the end"
        return f"{one.attribute} {at}"
    above = f", the proportion of waits above {time(one.above)}" if one.above is not None else ""
    return one.resource + above


def _step(step: EventSelector) -> str:
    within = f" within {time(step.within)}" if step.within is not None else ""
    return event_in_words(step, by_name=True) + within


# ---------------------------------------------------------------- costs and utilities


def _by_age(steps: AgeSteps) -> str:
    return ", ".join(f"{number(utility)} from {number(age)} years" for age, utility in steps)


def value_lines(scenario: Scenario) -> Iterator[Line]:
    """How costs and health are valued, then every utility and cost with its stage, event or resource."""
    economics = scenario.economics
    if economics is None:
        return
    rates = f"costs by {share(economics.discount_cost)} and health by {share(economics.discount_qaly)} a year"
    yield Line(0, f"in {economics.currency}; discounted {CONVENTIONS[economics.convention]}, {rates}")
    if economics.perspective is not None:
        yield Line(0, f"perspective: {economics.perspective}")
    if economics.price_year is not None:
        yield Line(0, f"prices of the year {economics.price_year:.0f}")
    if economics.threshold is not None:
        yield Line(0, f"cost-effectiveness threshold: {economics.threshold:,.10g} per QALY")
    if economics.utility_cap is not None:
        yield Line(0, f"highest utility from each age on: {choice(economics.utility_cap, _by_age)}")
    utilities = [(state.name, state.utility) for state in scenario.states]
    utilities += [(stage.name, stage.utility) for stage in scenario.stages]
    for name, utility in utilities:
        if utility is not None:
            yield Line(0, f"utility of {name}: {choice(utility, number)}")
    for stage in scenario.stages:
        if stage.cost is not None:
            yield from _cost(stage.name, {"on entry": stage.cost.on_entry, "per day": stage.cost.per_day})
    events = [(f"{s.name}.{e.name}", e) for s in scenario.stages for e in (*s.events, *s.while_waiting)]
    for name, event in (*events, *((f"clock {clock.name}", clock) for clock in scenario.clocks)):
        yield from _cost(name, {"each time": event.cost})
        if event.qaly is not None:
            yield Line(0, f"QALYs of {name}: {choice(event.qaly, number)} each time")
    for resource in scenario.resources:
        yield from _cost(
            resource.name,
            {
                "per use": resource.cost_per_use,
                "per day": resource.cost_per_day,
                "per day of each unit": resource.cost_per_day_of_capacity,
            },
        )


def _money(amount: float) -> str:
    return f"{amount:,.2f}".removesuffix(".00") if abs(amount) >= 1 else number(amount)


def _cost(name: str, amounts: Mapping[str, Amount | None]) -> Iterator[Line]:
    for when, amount in amounts.items():
        if isinstance(amount, Mapping):
            parts = ", ".join(f"{category} {choice(one, _money)}" for category, one in amount.items())
            yield Line(0, f"cost of {name}: {parts} {when}")
        elif amount is not None:
            yield Line(0, f"cost of {name}: {choice(amount, _money)} {when}")


# ---------------------------------------------------------------- sources and changes


def parameter_lines(parameters: tuple[Parameter, ...]) -> Iterator[Line]:
    """Parameters by status, those first that are assumed and that nothing varies; each with its source."""
    missing = gaps(parameters)
    groups = [("Assumed, without uncertainty, so that no draw varies them", missing)]
    groups += [
        (heading, tuple(one for one in parameters if one.status == status and one not in missing))
        for status, heading in STATUSES.items()
    ]
    for heading, group in groups:
        if not group:
            continue
        yield Line(0, f"{heading}: {len(group)} of {len(parameters)}")
        for one in group:
            source = f" [{one.source}]" if one.source else " [no source]"
            yield Line(1, f"{one.name} = {one.text}{_uncertainty(one)}{source}")


def _uncertainty(parameter: Parameter) -> str:
    """`, uncertainty {beta: {n: 50}}: mean 0.8, 95% 0.68 to 0.9`; "" without uncertainty."""
    if parameter.drawn is None:
        return f", uncertainty {parameter.uncertainty}" if parameter.uncertainty else ""
    return f", uncertainty {parameter.uncertainty}: {mean_and_limits(parameter)}"


def mean_and_limits(parameter: Parameter) -> str:
    """Mean and central 95% of each number of an uncertain parameter: `mean 0.8, 95% 0.68 to 0.9`."""
    return "; ".join(
        f"{key} {_in_unit(one, unit)}".strip()
        for (key, one), unit in zip(marginals(parameter).items(), parameter.units, strict=True)
    )


def _in_unit(marginal: Marginal, unit: str) -> str:
    """The mean and the central 95% of a distribution, in a unit such as `months` or `per year`."""
    size = unit_of_time(unit.removeprefix("per ")) if unit else 1.0
    size = size if unit.startswith("per ") else 1.0 / size
    mean, low, high = (
        f"{size * value:.3g}" for value in (marginal.mean, marginal.quantile(0.025), marginal.quantile(0.975))
    )
    return f"mean {mean} {unit}".rstrip() + f", 95% {low} to {high} {unit}".rstrip()


def change_lines(scenario: Scenario) -> Iterator[Line]:
    """What each layer changes, in the order of the layers."""
    layer = None
    for one in scenario.changes:
        if one.layer != layer:
            yield Line(0, f"by {one.layer}:")
            layer = one.layer
        yield Line(1, change(one.path, one.old, one.new))
