"""Single patients as swimmer plots, the time in each stage, and the census of a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from sim.event_log.log import EventLog, Indices
from sim.outcomes.comparison.patient_changes import HAPPENS, Divergences, diverge
from sim.outcomes.history.daily_census import DailyCensus, census_on, daily_census
from sim.outcomes.history.history import NEVER
from sim.outcomes.history.swimmer_data import SwimmerLane, swimmer_lanes
from sim.outcomes.value_distribution import QUANTILES, stays
from sim.report.charts.bars import times_in_stages
from sim.report.charts.swimmer import swimmer
from sim.report.page.arms import PageArm, place_kind, place_labels, place_looks, stage_labels, words
from sim.report.page.document import Chooser, Picture
from sim.report.tables import number_format
from sim.report.tables.model import Row, Table, Value, numbers, texts
from sim.scenario.language.model import EventSelector
from sim.units import DAYS_IN

LANES, FAR = 24, 30
"""Lanes of a picture, and days by which pathways end apart in those that are chosen."""
LONGEST = 2 * DAYS_IN["year"]
"""Short stays are still visible on an axis of this length."""
DAYS, SHOWN = 730, 10
"""Days of the calendar that a reader can choose among, and days of the table beside them."""


# ---------------------------------------------------------------- swimmer plots


def swimmer_picture(arm: PageArm) -> Picture:
    """The pathways of a few patients, evenly spread over all."""
    sample = _evenly_spread(arm.patients, arm.log, LANES)
    drawn = [(str(lane.patient), lane) for lane in swimmer_lanes(arm.history, sample, milestones(arm))]
    caption = f"{len(sample)} patients, evenly spread over all and sorted by the length of their pathway"
    return _picture("patients", "Patient pathways", caption, [arm], drawn, min(arm.until, LONGEST))


def twin_picture(arms: Sequence[PageArm]) -> Picture | None:
    """A few patients whose events differ, each in every arm, from the most lost to the most gained.

    Chosen by how much later than in the reference a pathway ends, in the arm where this is most; among those
    with more than FAR days, evenly. None where no events differ.
    """
    found = [diverge(arms[0].log, arm.log) for arm in arms[1:]]
    is_different = np.logical_or.reduce([one.diverges & (one.differs == HAPPENS) for one in found])
    patients = arms[0].patients[is_different[arms[0].patients]]
    if not len(patients):
        return None
    later = np.array([arm.log.ends[patients] - arms[0].log.ends[patients] for arm in arms[1:]])
    most = later[np.argmax(np.abs(later), axis=0), np.arange(len(patients))]
    far = np.abs(most) > FAR
    chosen = far if far.any() else np.ones(len(patients), bool)
    ranked = patients[chosen][np.argsort(most[chosen], kind="stable")]
    sample = ranked[np.unique(np.linspace(0, len(ranked) - 1, LANES // len(arms)).astype(int))]
    drawn = _in_every_arm(arms, found, sample.tolist())
    which = (
        f"whose pathway ends more than {FAR} days earlier or later" if far.any() else "with different events"
    )
    caption = f"{len(sample)} of the {len(ranked):,} patients {which}, from the most lost to the most gained"
    return _picture("twins", "The same patients in every arm", caption, arms, drawn, arms[0].until)


def patient_picture(arms: Sequence[PageArm], index: int) -> Picture:
    """The pathway of the patient at this index of the logs; in several arms with the divergence."""
    if len(arms) == 1:
        title, (lane,) = "The pathway", swimmer_lanes(arms[0].history, [index], milestones(arms[0]))
        drawn = [(str(lane.patient), lane)]
    else:
        title, found = "The same patient in both arms", [diverge(arms[0].log, arm.log) for arm in arms[1:]]
        drawn = _in_every_arm(arms, found, [index])
    until = max(lane.until for _, lane in drawn)
    return _picture("patient", title, f"Patient {drawn[0][1].patient}", arms, drawn, until)


def _in_every_arm(
    arms: Sequence[PageArm], divergences: Sequence[Divergences], patients: Sequence[int]
) -> list[tuple[str, SwimmerLane]]:
    """A named lane for each patient and arm, marked where the paths diverge."""
    drawn: list[tuple[str, SwimmerLane]] = []
    for index in patients:
        for arm, divergence in zip(arms, [divergences[0], *divergences], strict=True):
            (lane,) = swimmer_lanes(arm.history, [index], milestones(arm))
            marks = (*lane.marks, *_divergence(arm.log, divergence, index))
            drawn.append((f"{lane.patient}, {arm.label}", replace(lane, marks=marks)))
    return drawn


def _divergence(log: EventLog, divergence: Divergences, index: int) -> list[tuple[str, float]]:
    """The mark of the first row in which the two logs differ; at the end where this one has no such row."""
    if divergence.sequence[index] == NEVER:
        return []
    row = log.row_of[index] + divergence.sequence[index]
    ended = row >= log.row_of[index + 1]
    return [("paths diverge", float(log.ends[index] if ended else log.time[row]))]


def _evenly_spread(patients: Indices, log: EventLog, most: int) -> list[int]:
    """Some of these patients, sorted by the end of their pathway."""
    sample = np.unique(patients[np.linspace(0, len(patients) - 1, most).astype(int)])
    found: list[int] = sample[np.argsort(log.ends[sample], kind="stable")].tolist()
    return found


def _picture(
    name: str,
    title: str,
    caption: str,
    arms: Sequence[PageArm],
    drawn: Sequence[tuple[str, SwimmerLane]],
    until: float,
) -> Picture:
    kind = place_kind(arms)
    figure = swimmer(
        drawn,
        until=until,
        by=kind,
        labels=place_labels(arms, kind),
        look=place_looks(arms, kind),
        per_patient=len(arms),
    )
    what = "health state" if kind == "state" else "stage"
    caption = f"{caption}: a bar for each {what}, in the first {number_format.time(until)}."
    labels = stage_labels(arms)
    rows: list[Row] = []
    for head, lane in drawn:
        stages = ", ".join(f"{labels[s.stage]} {number_format.time(s.end - s.begin)}" for s in lane.stays)
        end = labels[lane.end] if lane.end else "still followed"
        rows.append((head, stages, f"{end}, {number_format.time(lane.until)}"))
    tables = (Table("Stages with their times", texts("patient", "stages", "end"), tuple(rows)),)
    return Picture(name, title, caption, figure, tables)


def milestones(arm: PageArm) -> dict[str, EventSelector]:
    """The steps of the first funnel that take no time, so that bars cannot show them, by their words."""
    stages = {stage.name: stage for stage in arm.scenario.stages}
    found: dict[str, EventSelector] = {}
    funnel = next((outcome for outcome in arm.scenario.outcomes if outcome.kind == "funnel"), None)
    for selector in funnel.sequence if funnel is not None else ():
        takes_no_time = selector.kind == "stage" and stages[selector.name].decide is not None
        if takes_no_time or selector.kind in ("event", "clock", "rule"):
            found[words(selector.name)] = selector
    return found


# ---------------------------------------------------------------- times in stages


def stay_picture(arms: Sequence[PageArm]) -> Picture | None:
    """The time in each stage; None where no stage was seen to end."""
    found = [(arm.label, stays(arm.history, arm.patients)) for arm in arms]
    if not any(spreads for _, spreads in found):
        return None
    labels = stage_labels(arms)
    full = {stage.name: stage.label for arm in arms for stage in arm.scenario.stages}
    rows: list[Row] = [
        (
            Value(labels[one.name] if len(arms) == 1 else f"{labels[one.name]}, {arm}", full[one.name]),
            f"{one.n:,}",
            *(number_format.time(q) for q in one.quantiles),
        )
        for arm, spreads in found
        for one in spreads
    ]
    caption = (
        "Time in each stage, per visit, of the visits that were seen to end: median, quartiles (box), "
        "5% and 95% (whiskers). The axis is logarithmic; a wait counts to the stage before it."
    )
    tables = (Table(caption, numbers("stage", "visits", *(f"{q:.0%}" for q in QUANTILES)), tuple(rows)),)
    return Picture("stays", "Time in each stage", caption, times_in_stages(found, labels), tables)


# ---------------------------------------------------------------- the census of a day


def census(arms: Sequence[PageArm]) -> Chooser | None:
    """The first replication day by day; None where nobody arrives over time or waits."""
    shown = [arm for arm in arms if arm.scenario.shared or arm.scenario.patients.arrivals.kind != "together"]
    if not shown:
        return None
    step = max(1, ceil(shown[0].scenario.horizon / DAYS))
    days = range(0, int(shown[0].scenario.horizon) + 1, step)
    found = []
    for arm in shown:
        of = daily_census(arm.history)
        counts = np.array([census_on(of, float(day)) for day in days])
        found.append({place: counts[:, code].tolist() for code, place in _places(arm, of)})
    stages = dict.fromkeys(words(stage.name) for arm in shown for stage in arm.scenario.stages)
    kinds = (("waiting for ", "waiting"), ("", "in"), ("", "ended"))
    all_places = ((f"{before}{stage}", kind) for stage in stages for before, kind in kinds)
    places = [place for place in all_places if any(place in own for own in found)]
    none = [0] * len(days)
    few = np.linspace(0, len(days) - 1, SHOWN + 1).astype(int)[1:]
    rows: list[Row] = [
        (
            f"{name}, {arm.label}" if len(shown) > 1 else name,
            *(f"{own.get((name, kind), none)[i]:,}" for i in few),
        )
        for name, kind in places
        for arm, own in zip(shown, found, strict=True)
    ]
    columns = numbers("place", *(f"day {days[i]:,}" for i in few))
    return Chooser(
        "Patients in each place on a day of the calendar, in the first replication",
        days[-1],
        step,
        places,
        [
            (arm.label, [own.get(place, none) for place in places])
            for arm, own in zip(shown, found, strict=True)
        ],
        (Table("Patients in each place", columns, tuple(rows)),),
    )


def _places(arm: PageArm, of: DailyCensus) -> Iterator[tuple[int, tuple[str, str]]]:
    """Code, words and kind of each place that ever has a patient; the wait for a stage before the stage."""
    ever = set(of.place.tolist())
    for stage in arm.scenario.stages:
        code, name = of.stages.index(stage.name), words(stage.name)
        waiting = (code + len(of.stages), (f"waiting for {name}", "waiting"))
        yield from (
            place
            for place in (waiting, (code, (name, "ended" if stage.terminal else "in")))
            if place[0] in ever
        )
