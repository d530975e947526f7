"""Single lives and how long their parts last: the swimmer plot, the time in each stage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.outcomes.lanes import Lane, lanes
from sim.outcomes.spread import QUANTILES, stays
from sim.report import figures
from sim.report.charts.spread import stays as boxes
from sim.report.charts.swimmer import swimmer
from sim.report.page.arms import Arm, place_kind, place_labels, place_looks, stage_labels, words
from sim.report.page.parts import Cell, Picture, Table
from sim.scenario.model import Happening
from sim.units import DAYS_IN

LANES = 24
LONGEST = 2 * DAYS_IN["year"]
"""What is short can still be seen on an axis of this length."""


def swimmer_picture(arms: Sequence[Arm], until: float) -> Picture:
    """The lives of a few patients, evenly spread over all; of several arms the same patients in each."""
    kind, until = place_kind(arms), min(until, LONGEST)
    about, log = arms[0].about, arms[0].log
    sample = np.unique(about[np.linspace(0, len(about) - 1, LANES // len(arms)).astype(int)])
    sample = sample[np.argsort(log.ends[sample], kind="stable")]
    drawn: list[Lane] = []
    names: list[str] = []
    for index in sample.tolist():
        for arm in arms:
            drawn += lanes(arm.history, [index], milestones(arm))
            names.append(f"{drawn[-1].patient}" if len(arms) == 1 else f"{drawn[-1].patient}, {arm.name}")
    figure = swimmer(
        drawn,
        until=until,
        by=kind,
        labels=place_labels(arms, kind),
        look=place_looks(arms, kind),
        names=names,
    )
    caption = (
        f"{len(sample)} patients, evenly spread over all and sorted by how long they live: "
        f"a bar for each {'health state' if kind == 'state' else 'stage'}, by the patient's number, "
        f"in the first {figures.time(until)}."
    )
    return Picture("lives", "Single lives", caption, figure, _told(arms, drawn, names))


def milestones(arm: Arm) -> dict[str, Happening]:
    """The steps of the first funnel that bars cannot show because they take no time, by their words."""
    stages = {stage.name: stage for stage in arm.scenario.stages}
    found: dict[str, Happening] = {}
    funnel = next((one for one in arm.scenario.outcomes if one.kind == "funnel"), None)
    for what in funnel.sequence if funnel is not None else ():
        takes_no_time = what.kind == "stage" and stages[what.name].decide is not None
        if takes_no_time or what.kind in ("event", "clock", "rule"):
            found[words(what.name)] = what
    return found


def _told(arms: Sequence[Arm], drawn: Sequence[Lane], names: Sequence[str]) -> Table:
    labels = stage_labels(arms)
    rows: list[tuple[Cell, ...]] = []
    for name, lane in zip(names, drawn, strict=True):
        road = ", ".join(f"{labels[s.stage]} {figures.time(s.end - s.begin)}" for s in lane.stays)
        end = labels[lane.end] if lane.end else "still followed"
        rows.append((name, road, f"{end}, {figures.time(lane.until)}"))
    return Table("each stage with its time", ("patient", "stages", "end"), tuple(rows), is_prose=True)


def stay_picture(arms: Sequence[Arm]) -> Picture | None:
    """The time in each stage; None where no stage was seen to end."""
    found = [(arm.name, stays(arm.history, arm.about)) for arm in arms]
    if not any(spreads for _, spreads in found):
        return None
    labels = stage_labels(arms)
    said = {stage.name: stage.label for arm in arms for stage in arm.scenario.stages}
    rows: list[tuple[Cell, ...]] = [
        (
            (labels[one.name] if len(arms) == 1 else f"{labels[one.name]}, {arm}", said[one.name]),
            f"{one.n:,}",
            *(figures.time(q) for q in one.quantiles),
        )
        for arm, spreads in found
        for one in spreads
    ]
    caption = (
        "Time in each stage, per visit, of the visits that were seen to end: median, quartiles (box), "
        "5% and 95% (whiskers). The axis is logarithmic; a wait counts to the stage left."
    )
    head = ("stage", "visits", *(f"{q:.0%}" for q in QUANTILES))
    return Picture(
        "stays", "How long each stage lasts", caption, boxes(found, labels), Table(caption, head, tuple(rows))
    )
