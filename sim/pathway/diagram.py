"""A pathway as a Mermaid flowchart: stages, and the events that lead from one to another.

Stages are boxes, decisions hexagons, terminal stages rounded. Solid arrows are events and decisions,
dashed arrows are clocks. So that a long pathway fits a page, arrows only lead onward to boxes near by: a
way back or far ahead is a line in the box where it begins, and a clock that can ring in many stages a line
in the box where it leads. What makes a patient stay is left out, and so are stages that cannot be reached.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from sim.errors import InputError, did_you_mean
from sim.scenario.checks.graph import reachable, today_stages
from sim.scenario.language.conditions import ends
from sim.scenario.language.model import (
    STAY,
    AllOf,
    AnyOf,
    Chances,
    Condition,
    Destination,
    Event,
    Goto,
    Need,
    NoneOf,
    Rest,
    Scenario,
    Stage,
    Test,
)
from sim.scenario.language.wording import condition
from sim.units import number_text

LAYOUT = "config: {flowchart: {nodeSpacing: 20, rankSpacing: 12, wrappingWidth: 420, padding: 4}}"
NEAR = 8
"""An arrow leads at most so many boxes onward, in the order of the file."""
MANY = 3
"""A clock that can happen in at least so many stages is written at its target."""
MARKS = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}
"""Signs that Mermaid would read as its own; its entities begin with # and so # itself goes first."""


@dataclass(frozen=True, slots=True)
class Way:
    """From one stage to another, by name; by: what leads there, in the words of the label."""

    begin: str
    end: str
    by: str
    is_clock: bool


def mermaid(scenario: Scenario, *, only: Collection[str] = ()) -> str:
    """The flowchart of a scenario, a line each for the title, the layout, the nodes and the arrows.

    only: the stages to draw, all by default; a way to another stage is a line in the box where it begins.
    Raises: InputError where one is no stage of the scenario.
    """
    reached = _reached(scenario)
    everywhere = {stage.name: stage for stage in scenario.stages if stage.name in reached}
    _check_drawn(only, [stage.name for stage in scenario.stages])
    stages = {name: stage for name, stage in everywhere.items() if not only or name in only}
    place = {name: i for i, name in enumerate(stages)}
    clock_labels: dict[str, list[str]] = {name: [] for name in stages}
    ways = [Way(name, target, by, False) for name, stage in stages.items() for target, by in ways_of(stage)]
    for clock in scenario.clocks:
        for target, origins in _origins(clock, everywhere).items():
            if origins is None or len(origins) >= MANY:
                if target not in stages:
                    continue
                whence = "any stage" if origins is None else f"{len(origins)} stages"
                clock_labels[target].append(f"{clock.name} from {whence}")
            else:
                ways += [Way(origin, target, clock.name, True) for origin in origins if origin in stages]
    arrows = []
    for way, by in _together(ways).items():
        if way.end in place and 0 < place[way.end] - place[way.begin] <= NEAR:
            arrows.append(_arrow(f"s{place[way.begin]}", f"s{place[way.end]}", by, way.is_clock))
        else:
            clock_labels[way.begin].append(f"{', '.join([*by, 'to'])} {_label(everywhere[way.end])}")
    head = ["---", f"title: {json.dumps(scenario.title, ensure_ascii=False)}", LAYOUT, "---", "flowchart TD"]
    nodes = [
        'start(("start"))',
        *(f"s{place[name]}{_box(stage, clock_labels[name])}" for name, stage in stages.items()),
    ]
    if scenario.start in place:
        arrows.insert(0, f"start --> s{place[scenario.start]}")
    else:
        nodes = nodes[1:]
    return "\n".join([*head, *(f"    {line}" for line in (*nodes, *arrows))]) + "\n"


def _check_drawn(only: Collection[str], stages: Collection[str]) -> None:
    for name in only:
        if name not in stages:
            raise InputError(f"--stages: there is no stage `{name}`", did_you_mean(name, stages))


def _label(stage: Stage) -> str:
    return stage.label or stage.name


def _box(stage: Stage, clock_labels: list[str]) -> str:
    label = _quoted(_label(stage), *map(_need, stage.needs), *clock_labels)
    if stage.terminal:
        return f"([{label}])"
    return f"{{{{{label}}}}}" if stage.decide is not None else f"[{label}]"


def _need(need: Need) -> str:
    """A resource that a stage needs, with the number of units where it is not one."""
    if need.units == 1.0:
        return f"needs {need.resource}"
    units = number_text(need.units) if isinstance(need.units, float) else "units"
    return f"needs {units} of {need.resource}"


def _together(ways: list[Way]) -> dict[Way, list[str]]:
    """All that leads from one stage to the same other as one way, without words, and what leads along it."""
    found: dict[Way, list[str]] = {}
    for way in ways:
        by = found.setdefault(replace(way, by=""), [])
        if way.by and way.by not in by:
            by.append(way.by)
    return found


def _arrow(begin: str, end: str, by: list[str], is_clock: bool) -> str:
    line = "-.->" if is_clock else "-->"
    return f"{begin} {line}|{_quoted(*by)}| {end}" if by else f"{begin} {line} {end}"


def _quoted(*lines: str) -> str:
    """Lines as one label, which nothing in them can end."""
    return '"' + "<br/>".join(_marked(" ".join(line.split())) for line in lines) + '"'


def _marked(text: str) -> str:
    text = text.replace("#", "#35;")
    for sign, mark in MARKS.items():
        text = text.replace(sign, mark)
    return text


# ---------------------------------------------------------------- transitions


def _reached(scenario: Scenario) -> set[str]:
    """The stages that some patient can come to, by events, decisions or clocks."""
    onward: dict[str, set[str]] = {}
    for stage in scenario.stages:
        onward[stage.name] = {target for target, _ in ways_of(stage)}
        for clock in scenario.clocks:
            if clock.in_stages is None or stage.name in clock.in_stages:
                onward[stage.name].update(target for target, _ in targets(clock.to, stage.name))
    return reachable(onward, {scenario.start} | today_stages(scenario))


def ways_of(stage: Stage) -> Iterator[tuple[str, str]]:
    """Where the stage itself leads, and by what."""
    if stage.decide is not None:
        yield from targets(stage.decide, stage.name)
    for event in (*stage.events, *stage.while_waiting):
        waiting = " (waiting)" if event in stage.while_waiting else ""
        for target, by in targets(event.to, stage.name):
            yield target, _joined(event.name + waiting, by)


def _origins(clock: Event, stages: dict[str, Stage]) -> dict[str, list[str] | None]:
    """Each stage that a clock leads to, with the stages it does so from; None for all of them."""
    if clock.in_stages is None:
        return dict.fromkeys((target for target, _ in targets(clock.to, None)), None)
    found: dict[str, list[str] | None] = {}
    for origin in clock.in_stages:
        if origin in stages:
            for target in dict.fromkeys(target for target, _ in targets(clock.to, origin)):
                found[target] = [*(found.get(target) or ()), origin]
    return found


def targets(to: Destination, stage: str | None) -> Iterator[tuple[str, str]]:
    """Every stage that a destination may lead to from this stage, and how; `stay` left out.

    stage: None where it is not known. A rule that cannot hold in the stage leads nowhere.
    """
    if isinstance(to, Goto):
        if to.target != STAY:
            yield to.target, ""
    elif isinstance(to, Chances):
        yield from _shares(to)
    else:
        for rule in to.items:
            holds = None if rule.when is None or stage is None else _holds(rule.when, stage)
            if holds is False:
                continue
            is_plain = holds or len(to.items) == 1
            name = rule.name or ("" if is_plain else _condition_text(rule.when))
            for target, by in targets(rule.to, stage):
                yield target, _joined(name, by)
            if holds:
                return


def _condition_text(when: Condition | None) -> str:
    text = "otherwise" if when is None else condition(when, by_name=True)
    return text[1:-1] if isinstance(when, AnyOf) else text


def _joined(name: str, by: str) -> str:
    return f"{name}: {by}" if name and by else name or by


def _shares(to: Chances) -> Iterator[tuple[str, str]]:
    """Each target with its probability, where that is one number for all patients."""
    shares: dict[str, set[str]] = {}
    for entries in ends(to.categorical.entries):
        known = sum(part for _, part in entries.parts if isinstance(part, float))
        for target, part in entries.parts:
            value = 1.0 - known if isinstance(part, Rest) else part
            numbers = all(isinstance(p, float | Rest) for _, p in entries.parts)
            shares.setdefault(target, set()).add(f"{100 * value:.3g}%" if numbers else "")
    for target, ways in shares.items():
        if target != STAY:
            is_one = len(ways) == 1 and not to.categorical.odds_ratios
            yield target, ways.pop() if is_one else ""


def _holds(what: Condition, stage: str) -> bool | None:
    """Whether a condition holds in a stage; None where that is not all that it asks."""
    if isinstance(what, Test):
        if what.covariate.kind != "stage":
            return None
        values = what.value if isinstance(what.value, tuple) else (what.value,)
        return (stage in values) == (what.operator != "is_not")
    found = [_holds(item, stage) for item in what.items]
    if isinstance(what, AllOf):
        return False if False in found else None if None in found else True
    assert isinstance(what, AnyOf | NoneOf)
    some = True if True in found else None if None in found else False
    return some if isinstance(what, AnyOf) or some is None else not some
