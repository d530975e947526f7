"""The reporting checklist STRESS-DES, filled in from a scenario.

Monks et al., Strengthening the reporting of empirical simulation studies: introducing the STRESS guidelines,
Journal of Simulation 2019, doi:10.1080/17477778.2018.1442155.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from itertools import chain

from sim.outcomes.results import event_in_words
from sim.pathway.diagram import mermaid
from sim.report.text.phrases import Line, indented, time
from sim.report.text.protocol import (
    STATUSES,
    arrival,
    change_lines,
    clock_lines,
    definitions,
    named,
    outcome_line,
    parameter_lines,
    patient_lines,
    resource_line,
    stage_lines,
    value_lines,
)
from sim.runs.provenance import allpath_version, processor, versions
from sim.scenario.language.model import Resource, Scenario

PREPARED = ("derived", "digitised", "calibrated")
"""The statuses of numbers that were computed from data before they entered the scenario."""
LOGIC = (
    "A patient is in one stage at a time. On entering it each event whose condition holds gets a time, and"
    " the earliest event occurs; it decides the next stage. Clocks continue from stage to stage."
)
SAMPLING = (
    "Philox4x64-10, a counter-based generator (Salmon et al. 2011, doi:10.1145/2063384.2063405). Each number"
    " is a function of seed, replication, patient, name of the draw and how often it was drawn.",
    "Scenarios with the same seed therefore have common random numbers (the same random numbers for the same"
    " patient).",
)
SHARED = (
    "Process interaction (SimPy): one process for each patient. Grants are made resource by resource in the"
    " order of the file, down each queue."
)
ALONE = "Each patient alone, from event to event, because nobody waits for another."
EXECUTION = (
    "Events at one time: clocks first, then the order of the file; between patients, the lower number first.",
    "Blocks of patients or replications run in parallel; the results do not depend on the number of workers.",
)

Lines = Iterable[Line | str]


def stress(scenario: Scenario) -> str:
    """The checklist as Markdown. What a scenario cannot say is marked as the author's to state."""
    parts = [
        f"# STRESS-DES: {scenario.title}",
        f"Filled in by allpath {allpath_version()} from {scenario.file} (digest {scenario.digest[:12]}). The"
        " items are those of Monks et al. 2019, doi:10.1080/17477778.2018.1442155. Lines in bold are for the"
        " author to complete.",
    ]
    for heading, items in (
        ("1 Objectives", _objectives(scenario)),
        ("2 Logic", chain(_logic(scenario), _components(scenario))),
        ("3 Data", _data(scenario)),
        ("4 Experimentation", _experimentation(scenario)),
        ("5 Implementation", _implementation(scenario)),
        ("6 Code access", _access(scenario)),
    ):
        parts.append(f"## {heading}")
        for item, content in items:
            parts += [f"### {item}", content if isinstance(content, str) else _markdown(content)]
    return "\n\n".join(parts)


def _markdown(lines: Lines) -> str:
    """Lines as a list."""
    full = (line if isinstance(line, Line) else Line(0, line) for line in lines)
    return "\n".join(f"{'  ' * line.level}- {line.text}" for line in full)


def _gap(what: str) -> str:
    return f"**To be stated by the author: {what}.**"


def _under(head: str, lines: Iterable[Line]) -> list[Line]:
    """A line with others below it; nothing where there are none."""
    found = indented(list(lines))
    return [Line(0, head), *found] if found else []


Items = Iterator[tuple[str, str | Lines]]


def _objectives(scenario: Scenario) -> Items:
    purpose = [scenario.title, _gap("the background and the objectives of the model")]
    yield "1.1 Purpose of the model", purpose
    outcomes: list[Line | str] = [outcome_line(one) for one in scenario.outcomes]
    if scenario.economics is not None:
        outcomes.append("costs, QALYs and life-years per patient")
    outcomes.append("All are computed from the event log after the simulation; intervals: see 4.3.")
    yield "1.2 Model outputs", outcomes
    aims = _gap("the scenarios that are compared and why, or the design of the experiments")
    yield "1.3 Experimentation aims", [aims]


def _logic(scenario: Scenario) -> Items:
    yield "2.1 Base model overview diagram", f"```mermaid\n{mermaid(scenario).strip()}\n```"
    never = (Line(0, event_in_words(one, by_name=True)) for one in scenario.never)
    yield (
        "2.2 Base model logic",
        [
            LOGIC,
            *_under("conditions that have a name:", definitions(scenario)),
            *_under("clocks:", clock_lines(scenario)),
            *_under("events that must not happen:", never),
        ],
    )
    base = ["The scenario is based on no other.", _gap("how the scenarios compared with it differ")]
    yield "2.3 Scenario logic", list(change_lines(scenario)) or base
    yield (
        "2.4 Algorithms",
        [
            "times and choices: inversion of the distribution function, one uniform number for each draw",
            *_under("costs and utilities:", value_lines(scenario)),
            _gap("algorithms of the real system that the scenario simplifies"),
        ],
    )


def _components(scenario: Scenario) -> Items:
    yield "2.5.1 Components: entities", _under("patients:", patient_lines(scenario))
    stages = (_under(named(one.name, one.label), stage_lines(one, scenario)) for one in scenario.stages)
    yield "2.5.2 Components: activities", chain.from_iterable(stages)
    resources = ((resource_line(one), *_uses(scenario, one)) for one in scenario.resources)
    yield "2.5.3 Components: resources", list(chain.from_iterable(resources)) or ["none"]
    yield "2.5.4 Components: queues", _queues(scenario)
    ends = [stage.name for stage in scenario.stages if stage.terminal]
    follow_up = scenario.horizon if scenario.patients.follow_up is None else scenario.patients.follow_up
    yield (
        "2.5.5 Components: entry and exit points",
        [
            f"entry: {scenario.start}, {arrival(scenario)}",
            f"exit: {', '.join([*ends, 'the end of follow-up'])}, {time(follow_up)}",
        ],
    )


def _uses(scenario: Scenario, resource: Resource) -> list[Line]:
    """The stages that need a resource."""
    stages = [
        one.name for one in scenario.stages if any(need.resource == resource.name for need in one.needs)
    ]
    return [Line(1, f"needed by {', '.join(stages)}")] if stages else []


def _queues(scenario: Scenario) -> Iterator[str]:
    if not scenario.shared:
        yield "none: no resource is finite or closed at times, so nobody waits"
        return
    for one in scenario.shared:
        order = f"{one.queue[1]} {one.queue[0]} first" if one.queue else "first come, first served"
        yield f"{one.name}: {order}"
    yield "A patient waits for all that a stage needs together; what is granted is not taken away."
    for stage in scenario.stages:
        waiting = [one.name for one in stage.events if one.waiting]
        if waiting or stage.while_waiting:
            names = [*waiting, *(one.name for one in stage.while_waiting)]
            yield f"while a patient waits for {stage.name}, these can occur: {', '.join(names)}"


def _data(scenario: Scenario) -> Items:
    by_source: dict[str, list[str]] = {}
    for one in scenario.parameters:
        by_source.setdefault(one.source or "no source", []).append(one.name)
    sources = [f"{source}: {', '.join(names)}" for source, names in by_source.items()]
    sources += [f"table: {name}" for name in scenario.inputs if not name.endswith((".yaml", ".yml"))]
    none = ["The scenario has no parameters, so its numbers have no recorded sources."]
    gap = _gap("citation, sample size and dates of each source, where the name does not say them")
    yield "3.1 Data sources", [*(sources or none), gap]
    by_status = {
        status: [one.name for one in scenario.parameters if one.status == status] for status in PREPARED
    }
    prepared = [f"{STATUSES[status]}: {', '.join(names)}" for status, names in by_status.items() if names]
    yield "3.2 Pre-processing", [*prepared, _gap("how the data were prepared")]
    yield (
        "3.3 Input parameters",
        [
            *parameter_lines(scenario.parameters),
            "Numbers written in the pathway itself: see 2.4 and 2.5.",
            _gap("how the families of distributions were chosen"),
        ],
    )
    assumed = [one for one in scenario.parameters if one.status == "assumed"]
    yield (
        "3.4 Assumptions",
        [
            *(f"{one.name} = {one.text} [{one.source or 'no source'}]" for one in assumed),
            *_under("notes of the program:", (Line(0, note) for note in scenario.notes)),
            _gap("assumptions about the structure of the pathway"),
        ],
    )


def _experimentation(scenario: Scenario) -> Items:
    patients = scenario.patients
    warm_up = ["warm-up: none"]
    if days := patients.arrivals.warm_up:
        kept = f"warm-up: {time(days)}; patients who start in it are excluded from outcomes"
        warm_up = [kept, _gap("how the length of the warm-up was chosen")]
    begin = "empty"
    if patients.table is not None and patients.table.is_today:
        begin = f"{len(patients.table.rows):,} prevalent patients from a table"
    ends = "terminating: a patient ends in a terminal stage, at the end of follow-up or at the horizon"
    if patients.arrivals.warm_up:
        ends = "steady state: outcomes are of the time after a warm-up"
    yield "4.1 Initialisation", [ends, *warm_up, f"day 0: {begin}"]
    yield "4.2 Run length", [f"horizon {time(scenario.horizon)}; times are in days, on a grid of 2^-20 day"]
    cohort = f"{patients.number:,} patients" if patients.number is not None else "patients as they arrive"
    over = "patients; with two replications or more, over replications"
    if scenario.shared:
        over = "replications, because patients share resources; one replication has no interval"
    yield (
        "4.3 Estimation approach",
        [
            f"independent replications (option `--replications`, one by default) of {cohort}",
            f"95% intervals over {over}",
            _gap("the number of patients and replications of each result, and why they suffice"),
        ],
    )


def _implementation(scenario: Scenario) -> Items:
    made = ", ".join(f"{part} {number}" for part, number in versions().items())
    yield "5.1 Software or programming language", [made, platform.platform()]
    yield "5.2 Random sampling", SAMPLING
    yield "5.3 Model execution", [SHARED if scenario.shared else ALONE, *EXECUTION]
    machine = f"processor of the machine that filled in this page: {processor()}"
    gap = _gap("run time, and the machine that produced the results")
    yield "5.4 System specification", [machine, gap]


def _access(scenario: Scenario) -> Items:
    files = "; ".join(scenario.inputs or (scenario.file,))
    yield (
        "6.1 Computer model sharing statement",
        [
            f"allpath {allpath_version()}, MIT licence; the model is in {files}",
            "`allpath reproduce RUN` repeats a run saved with `run --out` and compares its results.",
            _gap("where allpath and these files can be obtained, with their DOIs"),
        ],
    )
