"""Swimmer plots: a lane for each of a few patients, a bar for each stay, marks for events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from sim.outcomes.history.swimmer_data import SwimmerLane
from sim.report.charts.style import SYMBOLS, Look, dressed, pattern, unit_of

FEW = 4
"""Bars of so few lanes would be broad where the legend needs room."""


def swimmer(
    lanes: Sequence[tuple[str, SwimmerLane]],
    *,
    until: float,
    by: str,
    labels: Mapping[str, str],
    look: Mapping[str, Look],
) -> go.Figure:
    """Named lanes from the top down, cut at `until` days.

    by: "stage" or "state", which colours the bars; labels, look: of these names.
    """
    unit = unit_of(until)
    figure = go.Figure()
    for place in look:
        stays = [
            (name, stay)
            for name, lane in lanes
            for stay in lane.stays
            if getattr(stay, by) == place and stay.begin < until
        ]
        if stays:
            figure.add_bar(
                orientation="h",
                name=labels.get(place, place),
                y=[name for name, _ in stays],
                base=[round(stay.begin / unit.days, 4) for _, stay in stays],
                x=[round((min(stay.end, until) - stay.begin) / unit.days, 4) for _, stay in stays],
                customdata=[[stay.stage, stay.begin, stay.end] for _, stay in stays],
                marker={
                    "color": look[place].colour,
                    "line": {"width": 0},
                    "pattern": pattern(look[place].colour, look[place].pattern),
                },
                hovertemplate="%{y}: %{customdata[0]}, "
                "day %{customdata[1]:.1f} to %{customdata[2]:.1f}<extra></extra>",
            )
    for name, symbol, points in _marks(lanes, until):
        figure.add_scatter(
            y=[lane for lane, _ in points],
            x=[round(time / unit.days, 4) for _, time in points],
            customdata=[time for _, time in points],
            name=name,
            mode="markers",
            marker={
                "symbol": symbol,
                "size": 9,
                "color": "#222222",
                "line": {"color": "#ffffff", "width": 1},
            },
            hovertemplate="%{y}: " + name + ", day %{customdata:.1f}<extra></extra>",
        )
    one_line_each = 120 + 22 * len(figure.data)  # of the legend on a phone
    dressed(figure, height=max(150, one_line_each) + 24 * len(lanes))
    figure.update_layout(barmode="overlay", bargap=0.3 if len(lanes) > FEW else 0.6)
    names = [name for name, _ in lanes][::-1]
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=names, showgrid=False)
    return figure.update_xaxes(title_text=f"{unit.name} from the start", range=[0, until / unit.days * 1.02])


def _marks(
    lanes: Sequence[tuple[str, SwimmerLane]], until: float
) -> list[tuple[str, str, list[tuple[str, float]]]]:
    """Name, symbol and points (lane, day) of each kind of mark and of the ends."""
    found = [
        (
            event,
            SYMBOLS[i % len(SYMBOLS)],
            [
                (name, time)
                for name, lane in lanes
                for mark, time in lane.marks
                if mark == event and time <= until
            ],
        )
        for i, event in enumerate(dict.fromkeys(mark for _, lane in lanes for mark, _ in lane.marks))
    ]
    ended = [(name, lane.until) for name, lane in lanes if lane.end and lane.until <= until]
    known = {name for name, _ in ended}
    followed = [(name, min(lane.until, until)) for name, lane in lanes if name not in known]
    found += [("end", "x", ended), ("still followed", "triangle-right-open", followed)]
    return [one for one in found if one[2]]
