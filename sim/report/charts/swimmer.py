"""Swimmer plots: a lane for each of a few patients, a bar for each stay, marks for what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from sim.outcomes.history.swimmer_data import Lane, Stay
from sim.report.charts.style import SYMBOLS, Look, Unit, dressed, pattern, unit_of

FEW = 4
"""So few lanes would be broad where the legend needs room."""
ENDS = {True: ("x", "end"), False: ("triangle-right-open", "still followed")}


def swimmer(
    lanes: Sequence[Lane],
    *,
    until: float,
    by: str,
    labels: Mapping[str, str],
    look: Mapping[str, Look],
    names: Sequence[str] | None = None,
) -> go.Figure:
    """Lanes from the top down, cut at `until` days.

    by: "stage" or "state", what bars are coloured by; labels and look: of these names. names: of
    the lanes, the patients' numbers where there are none given.
    """
    unit = unit_of(until)
    names = names if names is not None else [f"patient {lane.patient}" for lane in lanes]
    figure = go.Figure()
    for place in look:
        bars = [
            (names[i], stay)
            for i, lane in enumerate(lanes)
            for stay in lane.stays
            if getattr(stay, by) == place and stay.begin < until
        ]
        if bars:
            _add_bars(figure, bars, unit, until, label=labels.get(place, place), look=look[place])
    _add_marks(figure, lanes, names, unit, until)
    _add_ends(figure, lanes, names, unit, until)
    a_line_each = 120 + 22 * len(figure.data)  # as the legend has them on a phone
    dressed(figure, height=max(150, a_line_each) + 24 * len(lanes))
    figure.update_layout(barmode="overlay", bargap=0.3 if len(lanes) > FEW else 0.6)
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=list(names)[::-1], showgrid=False
    )
    figure.update_xaxes(title_text=f"{unit.name} from the start", range=[0, until / unit.days * 1.02])
    return figure


def _add_bars(
    figure: go.Figure, bars: Sequence[tuple[str, Stay]], unit: Unit, until: float, *, label: str, look: Look
) -> None:
    ends = [min(stay.end, until) for _, stay in bars]
    figure.add_bar(
        orientation="h",
        name=label,
        y=[name for name, _ in bars],
        base=[round(stay.begin / unit.days, 4) for _, stay in bars],
        x=[round((end - stay.begin) / unit.days, 4) for (_, stay), end in zip(bars, ends, strict=True)],
        customdata=[[stay.stage, stay.begin, stay.end] for _, stay in bars],
        marker={
            "color": look.colour,
            "line": {"width": 0},
            "pattern": pattern(look.colour, look.pattern),
        },
        hovertemplate="%{y}: %{customdata[0]}, "
        "day %{customdata[1]:.1f} to %{customdata[2]:.1f}<extra></extra>",
    )


def _add_marks(
    figure: go.Figure, lanes: Sequence[Lane], names: Sequence[str], unit: Unit, until: float
) -> None:
    for i, what in enumerate(dict.fromkeys(name for lane in lanes for name, _ in lane.marks)):
        at = [
            (names[n], time)
            for n, lane in enumerate(lanes)
            for name, time in lane.marks
            if name == what and time <= until
        ]
        if at:
            _add_points(figure, at, unit, name=what, symbol=SYMBOLS[i % len(SYMBOLS)])


def _add_ends(
    figure: go.Figure, lanes: Sequence[Lane], names: Sequence[str], unit: Unit, until: float
) -> None:
    for is_end, (symbol, name) in ENDS.items():
        at = [
            (names[n], min(lane.until, until))
            for n, lane in enumerate(lanes)
            if (bool(lane.end) and lane.until <= until) == is_end
        ]
        if at:
            _add_points(figure, at, unit, name=name, symbol=symbol)


def _add_points(
    figure: go.Figure, at: Sequence[tuple[str, float]], unit: Unit, *, name: str, symbol: str
) -> None:
    figure.add_scatter(
        y=[lane for lane, _ in at],
        x=[round(time / unit.days, 4) for _, time in at],
        customdata=[time for _, time in at],
        name=name,
        mode="markers",
        marker={"symbol": symbol, "size": 9, "color": "#222222", "line": {"color": "#ffffff", "width": 1}},
        hovertemplate="%{y}: " + name + ", day %{customdata:.1f}<extra></extra>",
    )
