"""Swimmer plots: a lane for each of a few patients, a bar for each stay, marks for events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.outcomes.history.state_occupancy import WAITING
from sim.outcomes.history.swimmer_data import Stay, SwimmerLane
from sim.report.charts.marks import Bar, Chart, Key, Lane, Lanes, Mark
from sim.report.charts.style import ENDED, SYMBOLS, Look, time_axis

INK = "currentColor"
WAITS = Look(ENDED, pattern="rising")
"""The look of every wait, whatever it is for."""


def swimmer(
    lanes: Sequence[tuple[str, SwimmerLane]],
    *,
    until: float,
    by: str,
    labels: Mapping[str, str],
    look: Mapping[str, Look],
    per_patient: int = 1,
) -> Chart:
    """Named lanes from the top down, cut at `until` days.

    by: "stage" or "state", which colours the bars; labels, look: of these names. per_patient: lanes that
    belong together.
    """
    events = list(dict.fromkeys(mark for _, lane in lanes for mark, _ in lane.marks))
    symbols = {name: Look(INK, symbol=SYMBOLS[i % len(SYMBOLS)]) for i, name in enumerate(events)}
    symbols |= {"end": Look(INK, symbol="cross"), "still followed": Look(INK, symbol="right")}
    drawn, places, seen = [], set(), set()
    for i, (name, lane) in enumerate(lanes):
        stays = [stay for stay in lane.stays if stay.begin < until]
        bars = [_bar(stay, until, labels, look, by) for stay in stays]
        points = [(mark, time) for mark, time in lane.marks if time <= until]
        is_ended = lane.end and lane.until <= until
        points.append(("end" if is_ended else "still followed", min(lane.until, until)))
        marks = [Mark(what, time, symbols[what], f"{what}, day {time:.1f}") for what, time in points]
        places |= {_place(stay, by) for stay in stays}
        seen |= {what for what, _ in points}
        is_first = per_patient > 1 and i % per_patient == 0
        drawn.append(Lane(name, (*bars, *marks), height=20, begins_group=is_first))
    shown = {**look, WAITING: WAITS}
    keys = [Key(labels.get(name, "Waiting"), one, "area") for name, one in shown.items() if name in places]
    keys += [Key(what, one, "symbol") for what, one in symbols.items() if what in seen]
    return Chart((Lanes(time_axis(until), tuple(drawn)),), tuple(keys))


def _place(stay: Stay, by: str) -> str:
    """What colours a stay; every wait is the same."""
    place: str = WAITING if stay.waits_for else getattr(stay, by)
    return place


def _bar(stay: Stay, until: float, labels: Mapping[str, str], look: Mapping[str, Look], by: str) -> Bar:
    """A bar, of a wait half as high."""
    place, end = _place(stay, by), min(stay.end, until)
    what = f"waiting for {stay.waits_for}" if stay.waits_for else stay.stage
    title = f"{what.replace('_', ' ')}, day {stay.begin:.1f} to {stay.end:.1f}"
    if stay.waits_for:
        return Bar(what, stay.begin, end, WAITS, title, top=32, height=36)
    return Bar(labels.get(place, ""), stay.begin, end, look[place], title)
