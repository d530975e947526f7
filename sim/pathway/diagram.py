"""A pathway as a Mermaid flowchart: who can go where, and by what.

Stages are boxes, decisions diamonds, terminal stages rounded. Solid arrows are events and decisions,
dashed arrows are clocks. What makes a patient stay moves nobody and is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sim.pathway.laws import ends
from sim.scenario.model import (
    STAY,
    AllOf,
    AnyOf,
    Chances,
    Condition,
    Destination,
    Event,
    Goto,
    NoneOf,
    Rest,
    Scenario,
    Stage,
    Test,
)
from sim.scenario.wording import condition

ANYWHERE = "from any stage"
MARKS = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"}
"""Signs that Mermaid would read as its own; its entities begin with # and so # itself goes first."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A way from one node to another; by: what leads there, in the words of the label."""

    begin: str
    end: str
    by: str
    is_clock: bool


def mermaid(scenario: Scenario) -> str:
    """The flowchart of a scenario, a line each for the title, the nodes and the arrows."""
    ids = {stage.name: f"s{i}" for i, stage in enumerate(scenario.stages)}
    lines = ["---", f"title: {json.dumps(scenario.title, ensure_ascii=False)}", "---", "flowchart TD"]
    lines.append('    start(("start"))')
    lines += [f"    {ids[stage.name]}{_box(stage)}" for stage in scenario.stages]
    arrows = [Arrow("start", ids[scenario.start], "", False), *_arrows_of_stages(scenario, ids)]
    for i, clock in enumerate(scenario.clocks):
        found = list(_arrows_of_clock(clock, f"c{i}", scenario, ids))
        if any(arrow.begin == f"c{i}" for arrow in found):
            lines.append(f"    c{i}{{{{{_quoted(clock.name, ANYWHERE)}}}}}")
        arrows += found
    return "\n".join([*lines, *_drawn(arrows)]) + "\n"


def _box(stage: Stage) -> str:
    label = [stage.label or stage.name]
    label += [f"needs {need.resource}" for need in stage.needs]
    if stage.terminal:
        return f"([{_quoted(*label)}])"
    if stage.decide is not None:
        return f"{{{_quoted(*label)}}}"
    return f"[{_quoted(*label)}]"


def _drawn(arrows: list[Arrow]) -> Iterator[str]:
    """One arrow between two nodes for all that leads the same way."""
    labels: dict[tuple[str, str, bool], list[str]] = {}
    for arrow in arrows:
        labels.setdefault((arrow.begin, arrow.end, arrow.is_clock), []).append(arrow.by)
    for (begin, end, is_clock), by in labels.items():
        line = "-.->" if is_clock else "-->"
        text = _quoted(*dict.fromkeys(filter(None, by)))
        yield f"    {begin} {line}|{text}| {end}" if text != '""' else f"    {begin} {line} {end}"


def _quoted(*lines: str) -> str:
    """Lines as one label, which nothing in them can end."""
    return '"' + "<br/>".join(_marked(" ".join(line.split())) for line in lines) + '"'


def _marked(text: str) -> str:
    text = text.replace("#", "#35;")
    for sign, mark in MARKS.items():
        text = text.replace(sign, mark)
    return text


# ---------------------------------------------------------------- who goes where


def _arrows_of_stages(scenario: Scenario, ids: dict[str, str]) -> Iterator[Arrow]:
    for stage in scenario.stages:
        if stage.decide is not None:
            for target, by in targets(stage.decide, stage.name):
                yield Arrow(ids[stage.name], ids[target], by, False)
        for event in (*stage.events, *stage.while_waiting):
            waiting = " (waiting)" if event in stage.while_waiting else ""
            for target, by in targets(event.to, stage.name):
                yield Arrow(ids[stage.name], ids[target], _joined(event.name + waiting, by), False)


def _arrows_of_clock(clock: Event, own: str, scenario: Scenario, ids: dict[str, str]) -> Iterator[Arrow]:
    """From each stage it is limited to; a clock that goes on everywhere has a node of its own."""
    if clock.in_stages is None:
        for target, by in targets(clock.to, None):
            yield Arrow(own, ids[target], by, True)
        return
    for stage in clock.in_stages:
        for target, by in targets(clock.to, stage):
            yield Arrow(ids[stage], ids[target], _joined(clock.name, by), True)


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
            name = rule.name or ("" if is_plain else _told(rule.when))
            for target, by in targets(rule.to, stage):
                yield target, _joined(name, by)
            if holds:
                return


def _told(when: Condition | None) -> str:
    text = "otherwise" if when is None else condition(when)
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
    for target, told in shares.items():
        if target != STAY:
            is_one = len(told) == 1 and not to.categorical.odds_ratios
            yield target, told.pop() if is_one else ""


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
