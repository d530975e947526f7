"""Single lives and how long their parts last: the swimmer plot, the time in each stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.event_log.log import EventLog, Indices
from sim.outcomes.comparison.divergence import HAPPENS, Parting, part
from sim.outcomes.history.history import NEVER
from sim.outcomes.history.swimmer_data import Lane, lanes
from sim.outcomes.value_distribution import QUANTILES, stays
from sim.report.charts.swimmer import swimmer
from sim.report.charts.value_distribution import stays as boxes
from sim.report.page.arms import Arm, place_kind, place_labels, place_looks, stage_labels, words
from sim.report.page.parts import Cell, Picture, Table
from sim.report.tables import number_format
from sim.scenario.language.model import EventSelector
from sim.units import DAYS_IN

LANES = 24
LONGEST = 2 * DAYS_IN["year"]
"""What is short can still be seen on an axis of this length."""


def swimmer_picture(arm: Arm, until: float) -> Picture:
    """The lives of a few patients, evenly spread over all."""
    sample = _spread_evenly(arm.about, arm.log, LANES)
    drawn = lanes(arm.history, sample, milestones(arm))
    names = [str(lane.patient) for lane in drawn]
    caption = f"{len(sample)} patients, evenly spread over all and sorted by how long they live"
    return _picture("lives", "Single lives", caption, [arm], drawn, names, until)


def twin_picture(arms: Sequence[Arm], until: float) -> Picture | None:
    """A few patients whose paths part, each in every arm; None where nobody's do."""
    partings = [part(arms[0].log, arm.log) for arm in arms[1:]]
    parts = np.logical_or.reduce([of.parts & (of.differs == HAPPENS) for of in partings])
    if not parts[arms[0].about].any():
        return None
    about = arms[0].about[parts[arms[0].about]]
    sample = _spread_evenly(about, arms[0].log, LANES // len(arms))
    drawn, names = _in_every_arm(arms, partings, sample)
    caption = (
        f"{len(sample)} of the {np.count_nonzero(parts[arms[0].about]):,} patients to whom something else "
        "happens, each in every arm"
    )
    return _picture("twins", "The same patient twice", caption, arms, drawn, names, until)


def life_picture(arms: Sequence[Arm], index: int) -> Picture:
    """The life of the patient at this index of the logs in one arm, or in each with where they part."""
    if len(arms) == 1:
        title, drawn = "The life", list(lanes(arms[0].history, [index], milestones(arms[0])))
        names = [str(drawn[0].patient)]
    else:
        title, partings = "The same patient twice", [part(arms[0].log, arm.log) for arm in arms[1:]]
        drawn, names = _in_every_arm(arms, partings, [index])
    until = max(lane.until for lane in drawn)
    return _picture("life", title, f"Patient {drawn[0].patient}", arms, drawn, names, until)


def _in_every_arm(
    arms: Sequence[Arm], partings: Sequence[Parting], patients: Sequence[int]
) -> tuple[list[Lane], list[str]]:
    """A lane for each patient and arm, marked where the paths part, and the lanes' names."""
    drawn: list[Lane] = []
    names: list[str] = []
    for index in patients:
        for arm, of in zip(arms, [partings[0], *partings], strict=True):
            (lane,) = lanes(arm.history, [index], milestones(arm))
            drawn.append(replace(lane, marks=(*lane.marks, *_parting(arm.log, of, index))))
            names.append(f"{lane.patient}, {arm.name}")
    return drawn, names


def _parting(log: EventLog, of: Parting, index: int) -> list[tuple[str, float]]:
    """The mark of the first row in which the two logs differ; at the end where this one has no such row."""
    if of.sequence[index] == NEVER:
        return []
    row = log.row_of[index] + of.sequence[index]
    ended = row >= log.row_of[index + 1]
    return [("paths part", float(log.ends[index] if ended else log.time[row]))]


def _spread_evenly(about: Indices, log: EventLog, most: int) -> list[int]:
    """Some of these patients, sorted by how long they live."""
    sample = np.unique(about[np.linspace(0, len(about) - 1, most).astype(int)])
    found: list[int] = sample[np.argsort(log.ends[sample], kind="stable")].tolist()
    return found


def _picture(
    name: str,
    title: str,
    caption: str,
    arms: Sequence[Arm],
    drawn: Sequence[Lane],
    names: Sequence[str],
    until: float,
) -> Picture:
    kind, until = place_kind(arms), min(until, LONGEST)
    labels, look = place_labels(arms, kind), place_looks(arms, kind)
    figure = swimmer(drawn, until=until, by=kind, labels=labels, look=look, names=names)
    what = "health state" if kind == "state" else "stage"
    by_number = ", by the patient's number" if len(drawn) > len(arms) else ""
    caption = f"{caption}: a bar for each {what}{by_number}, in the first {number_format.time(until)}."
    return Picture(name, title, caption, figure, _told(arms, drawn, names))


def milestones(arm: Arm) -> dict[str, EventSelector]:
    """The steps of the first funnel that bars cannot show because they take no time, by their words."""
    stages = {stage.name: stage for stage in arm.scenario.stages}
    found: dict[str, EventSelector] = {}
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
        road = ", ".join(f"{labels[s.stage]} {number_format.time(s.end - s.begin)}" for s in lane.stays)
        end = labels[lane.end] if lane.end else "still followed"
        rows.append((name, road, f"{end}, {number_format.time(lane.until)}"))
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
            *(number_format.time(q) for q in one.quantiles),
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
