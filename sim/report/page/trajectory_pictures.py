"""The road taken: the Sankey diagram, the most frequent roads, the funnel with its losses."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from sim.outcomes.history.attrition import Loss, losses
from sim.outcomes.history.trajectories import Road, frequent, roads, steps
from sim.report.charts.flow import funnel, sankey
from sim.report.charts.style import looks
from sim.report.page.arms import Arm, stage_labels, words
from sim.report.page.parts import Cell, Picture, Table
from sim.report.tables import number_format
from sim.scenario.language.model import EventSelector, Outcome

STEPS = 10
"""Steps of the Sankey diagram; more are too narrow to read."""
ROADS = 10
MOST_LOSSES = 4
"""Reasons told for each loss; the others are counted together."""


def road_parts(arm: Arm, *, named: bool) -> tuple[Picture, Table]:
    """The Sankey diagram of one arm, and its most frequent roads. named: whether to tell the arm's name."""
    labels = stage_labels([arm])
    names = [labels[name] for name in arm.log.names.stages]
    found = roads(arm.history, arm.about)
    links = list(steps(found, STEPS + 1))
    ended = [labels[stage.name] for stage in arm.scenario.stages if stage.terminal]
    of = f" ({arm.name})" if named else ""
    caption = (
        f"The first {STEPS} steps from stage to stage{of}, of stages that take time; "
        "a stage that follows itself counts once. Width is the number of patients; thin streams run together."
    )
    rows: list[tuple[Cell, ...]] = [
        (f"{link.number}", names[link.begin], names[link.to], f"{link.patients:,}")
        for link in links
        if link.number <= STEPS
    ]
    picture = Picture(
        f"roads-{arm.name}",
        f"From stage to stage{of}",
        caption,
        sankey(links, names, looks(names, ended=ended), n=len(arm.about), most=STEPS),
        Table(caption, ("step", "from", "to", "patients"), tuple(rows), is_prose=True),
        is_wide=True,
    )
    return picture, _frequent(frequent(arm.history, found, ROADS), names, of)


def _frequent(found: Sequence[Road], names: Sequence[str], of: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for road in found:
        told = []
        for code, days in zip(road.stages, road.days, strict=True):
            told.append(names[code] if isnan(days) else f"{names[code]} ({number_format.time(days)})")
        end = ", still followed there" if road.is_open else ""
        rows.append((number_format.share(road.share), f"{road.patients:,}", " → ".join(told) + end))
    rest = 1 - sum(road.share for road in found)
    note = f"All other roads together: {number_format.share(rest)} of patients." if rest > 1e-9 else ""
    return Table(
        f"The roads most often taken{of}, with the median time in each stage",
        ("share", "patients", "road"),
        tuple(rows),
        (note,) if note else (),
        is_prose=True,
    )


def funnel_parts(arms: Sequence[Arm], outcome: Outcome) -> tuple[Picture, Table]:
    """A funnel by intention to treat, and what took those who did not come to the next step."""
    entry = arms[0].summary["outcomes"][outcome.name]
    shown = [(arm.name, arm.summary["outcomes"][outcome.name]["steps"]) for arm in arms]
    named = [_step(what) for what in outcome.sequence]
    caption = f"{entry['label']}: patients with each step and all before it, and their share of the first."
    rows: list[tuple[Cell, ...]] = []
    for i, step in enumerate(named):
        cells: list[Cell] = [step]
        for _, of in shown:
            limits = of[i]["interval"]
            before = number_format.share(of[i]["estimate"], limits), number_format.share_interval(limits)
            cells += [f"{of[i]['count']:,}", before, number_format.share(of[i]["of_first"])]
        rows.append(tuple(cells))
    head = [
        text if len(arms) == 1 else f"{name}: {text}"
        for name, _ in shown
        for text in ("patients", "of the step before", "of the first")
    ]
    figure = funnel([(name, [step["count"] for step in of]) for name, of in shown], named)
    picture = Picture(
        f"funnel-{outcome.name}",
        entry["label"],
        caption,
        figure,
        Table(caption, ("step", *head), tuple(rows)),
    )
    return picture, _losses(arms, outcome, named)


def _step(what: EventSelector) -> str:
    """A step in few words: the name of its stage where it is to enter that, whatever else holds."""
    if what.kind == "stage" and what.when is None:
        return words(what.name)
    return "start" if what.kind == "start" and what.when is None else labels.event(what)


def _losses(arms: Sequence[Arm], outcome: Outcome, named: Sequence[str]) -> Table:
    labels = stage_labels(arms)
    rows: list[tuple[Cell, ...]] = []
    for arm in arms:
        each = losses(arm.history, arm.outcome(outcome.name), arm.about)
        for i, found in enumerate(each):
            lost = sum(loss.patients for loss in found)
            between = f"{named[i]} → {named[i + 1]}" + (f", {arm.name}" if len(arms) > 1 else "")
            told = [
                f"{loss.patients:,} {_reason(loss, labels)} (median {number_format.time(loss.days)} later)"
                for loss in found[:MOST_LOSSES]
            ]
            if others := sum(loss.patients for loss in found[MOST_LOSSES:]):
                told.append(f"{others:,} in other ways")
            rows.append((between, f"{lost:,}", "; ".join(told) or "nobody"))
    return Table(
        "Who was lost between two steps, where it ended for them, and when",
        ("between", "lost", "what took them"),
        tuple(rows),
        ("Who is lost to a step never comes to it, however long they live; times run from the step before.",),
        is_prose=True,
    )


def _reason(loss: Loss, labels: dict[str, str]) -> str:
    where = labels[loss.last] if loss.last else "the start"
    return f"{labels[loss.end]}, from {where}" if loss.end else f"still followed in {where}"
