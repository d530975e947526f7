"""Charts as HTML with SVG: across in percent, so that one drawing fits a desk, a phone and paper.

Shapes that are stretched stand in an inner SVG of 1000 by 1000 whose strokes keep their width; words and
symbols stand outside it, at percentages, and are never stretched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import isnan
from typing import Literal, TypeAlias

import numpy as np

from sim.event_log.log import Floats
from sim.report.charts.marks import Area, Bar, Chart, Curve, Dots, Flow, Key, Lane, Lanes, Line, Mark, Panel
from sim.report.charts.style import Axis, Look

Keys: TypeAlias = tuple[Key, ...]

STRETCHED = '<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%">'
LINE_HEIGHT = 17
"""Pixels of a line of text in a chart."""

_SHAPES = {
    "diamond": "M0-6 6 0 0 6-6 0z",
    "triangle": "M0-6 6 5H-6z",
    "square": "M-5-5H5V5H-5z",
    "star": "M0-7 1.7-2.2 6.7-2.2 2.7.9 4.1 5.7 0 2.8-4.1 5.7-2.7.9-6.7-2.2-1.7-2.2z",
    "circle": "M-5 0A5 5 0 1 1 5 0 5 5 0 1 1-5 0z",
    "hexagon": "M-6 0-3-5H3L6 0 3 5H-3z",
    "left": "M-6 0 5-6V6z",
    "bowtie": "M-6-5 6 5V-5L-6 5z",
    "cross": "M-5-3-3-5 0-2 3-5 5-3 2 0 5 3 3 5 0 2-3 5-5 3-2 0z",
    "right": "M-4-5 5 0-4 5z",
    "turn": "M-1.3-7H1.3V7H-1.3z",
}
_HATCHES = {
    "rising": "M-2 2 2-2M0 8 8 0M6 10 10 6",
    "falling": "M-2 6 2 10M0 0 8 8M6-2 10 2",
    "crossed": "M0 8 8 0M0 0 8 8",
    "flat": "M0 4H8",
    "upright": "M4 0V8",
    "plus": "M0 4H8M4 0V8",
    "dotted": "M3.5 4H4.5",
}


def definitions() -> str:
    """The symbols and hatches that all charts of a page use."""
    symbols = (f'<path id="mark-{name}" d="{path}"/>' for name, path in _SHAPES.items())
    hatches = (
        f'<pattern id="hatch-{name}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<path d="{path}" class="hatch{" dots" * (name == "dotted")}"/></pattern>'
        for name, path in _HATCHES.items()
    )
    return (
        f'<svg class="definitions" aria-hidden="true"><defs>{"".join(symbols)}{"".join(hatches)}</defs></svg>'
    )


def chart_html(chart: Chart) -> str:
    """The chart with its legend; every text escaped."""
    keys = "".join(f"<li>{_swatch(key)}{escape(key.name)}</li>" for key in chart.legend)
    parts = "".join(map(_part, chart.parts))
    several = " several" if len(chart.parts) > 1 else ""
    return (f'<ul class="legend">{keys}</ul>' if keys else "") + f'<div class="parts{several}">{parts}</div>'


def _part(part: Panel | Lanes | Flow) -> str:
    if isinstance(part, Panel):
        return _panel(part)
    return _lanes(part) if isinstance(part, Lanes) else _flow(part)


def _swatch(key: Key) -> str:
    look = key.look
    if key.kind == "line":
        inside = f'<path d="M0 6H26" {_stroke(look, 2.4)}/>'
    elif key.kind == "symbol":
        inside = f'<use href="#mark-{look.symbol}" x="13" y="6" fill="{look.colour}" class="mark"/>'
    else:
        inside = _filled('x="6" width="14" height="12"', look)
    return f'<svg width="26" height="12" aria-hidden="true">{inside}</svg>'


def _stroke(look: Look, width: float) -> str:
    dash = f' stroke-dasharray="{look.dash}"' if look.dash else ""
    return f'fill="none" stroke="{look.colour}" stroke-width="{width}"{dash}'


def _filled(place: str, look: Look, *, title: str = "", opacity: float = 1.0, shape: str = "rect") -> str:
    """A shape in its colour, with its hatch over it."""
    about = f"<title>{escape(title)}</title>" if title else ""
    faint = f' fill-opacity="{opacity}"' if opacity < 1 else ""
    found = f'<{shape} {place} fill="{look.colour}"{faint}>{about}</{shape}>'
    return found + (f'<{shape} {place} fill="url(#hatch-{look.pattern})"/>' if look.pattern else "")


def _text(x: str, y: float | str, text: str, kind: str = "") -> str:
    kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}"{kind}>{escape(text)}</text>'


def _percent(axis: Axis, value: float) -> str:
    return f"{100 * axis.share(value):.2f}".rstrip("0").rstrip(".") + "%"


def _ticks(axis: Axis, y: float) -> str:
    """The labels of an axis across; those at its ends stay within it where they are long."""
    found = []
    for value, label in axis.ticks:
        at = axis.share(value)
        anchor = "end" if at > 0.97 and len(label) > 3 else "start" if at < 0.03 and len(label) > 3 else ""
        found.append(_text(_percent(axis, value), y, label, anchor))
    return "".join(found)


def _grid(axis: Axis, *, across: bool = False) -> str:
    places = (round(1000 * axis.share(value)) for value, _ in axis.ticks)
    path = "".join(f"M0 {1000 - at}H1000" if across else f"M{at} 0V1000" for at in places)
    return f'<path class="grid" d="{path}"/>'


# ---------------------------------------------------------------- panels


def _panel(panel: Panel) -> str:
    """Curves and areas with their axes; the title of the vertical axis stands above it."""
    x, y, height = panel.x, panel.y, panel.height
    rows = len(panel.below)
    tail = 2 * LINE_HEIGHT + 8 + LINE_HEIGHT * rows
    inside = [_grid(y, across=True), *(_area(one, panel) for one in panel.areas)]
    inside += [_dots(one, panel) for one in panel.dots]
    inside += [
        f'<path class="rule" d="M{_xy(panel, one.x, one.y)}L{_xy(panel, one.to_x, one.to_y)}">'
        f"<title>{escape(one.title)}</title></path>"
        for one in panel.rules
    ]
    inside += [
        f'<path class="whisker" stroke="{one.look.colour}" '
        f'd="M{_xy(panel, one.x, one.low)}L{_xy(panel, one.x, one.high)}"/>'
        for one in panel.points
        if not isnan(one.low + one.high)
    ]
    inside += [_curve(one, panel) for one in panel.curves]
    labels = [
        _text("-8", f"{100 - 100 * y.share(value):.4g}%", label, "middle end") for value, label in y.ticks
    ]
    marks = [
        f'<use href="#mark-{one.look.symbol}" x="{_percent(x, one.x)}" y="{100 - 100 * y.share(one.y):.4g}%" '
        f'fill="{one.look.colour}" class="mark"><title>{escape(one.title or one.name)}</title></use>'
        for one in panel.points
    ]
    axis = _ticks(x, height + LINE_HEIGHT) + _text("50%", height + 2 * LINE_HEIGHT + 2, x.title, "title")
    left = max(52, 14 + 7 * max(len(label) for _, label in y.ticks))
    data = {
        "x": f"{x.low / x.size} {x.high / x.size}",
        "y": f"{y.low} {y.high}",
        "height": height,
        "title": x.title,
        "percent": int(y.ticks[0][1].endswith("%")),
    }
    data_html = "".join(f' data-{name}="{escape(str(value))}"' for name, value in data.items())
    drawing = (
        f'<svg class="drawing" style="height:{height + tail}px;--left:{left}px"{data_html}>'
        f'<svg width="100%" height="{height}">'
        f"{STRETCHED}{''.join(inside)}</svg>{''.join(labels + marks)}</svg>{axis}{_below(panel)}</svg>"
    )
    title = f'<p class="part-title">{escape(panel.title)}</p>' if panel.title else ""
    upright = f'<p class="upright">{escape(y.title)}</p>' if y.title else ""
    return f'<div class="panel">{title}{upright}{drawing}</div>'


def _xy(panel: Panel, x: float, y: float) -> str:
    return f"{round(1000 * panel.x.share(x))} {round(1000 - 1000 * panel.y.share(y))}"


def _below(panel: Panel) -> str:
    """The rows below the axis, each behind the line that its curve has."""
    if not panel.below:
        return ""
    top = panel.height + 2 * LINE_HEIGHT + 4
    found = [_text("-52", top, panel.below_head, "head start")]
    for i, (name, look, texts) in enumerate(panel.below, start=1):
        y = top + i * LINE_HEIGHT
        if len(panel.below) > 1:
            found.append(
                f'<path d="M-52 {y - 4}H-27" {_stroke(look, 2.4)}><title>{escape(name)}</title></path>'
            )
        found += [
            _text(_percent(panel.x, value), y, text)
            for (value, _), text in zip(panel.x.ticks, texts, strict=True)
        ]
    return "".join(found)


def _curve(curve: Curve, panel: Panel) -> str:
    path = "".join(
        _path(panel, curve.x[part], curve.y[part], is_step=curve.is_step) for part in _known(curve.y)
    )
    name = f' data-name="{escape(curve.name)}"' if curve.name else ""
    return f'<path class="curve" d="{path}" {_stroke(curve.look, curve.width)}{name}/>'


def _dots(dots: Dots, panel: Panel) -> str:
    """Lines without length, which round ends make dots that are not stretched."""
    path = "".join(f"M{_xy(panel, x, y)}h0" for x, y in zip(dots.x.tolist(), dots.y.tolist(), strict=True))
    title = f"<title>{escape(dots.name)}</title>"
    return f'<path class="cloud" d="{path}" stroke="{dots.look.colour}">{title}</path>'


def _area(area: Area, panel: Panel) -> str:
    """There along the upper line, and back along the lower one."""
    over = _path(panel, area.x, area.high, is_step=area.is_step)
    back = _path(panel, area.x[::-1], area.low[::-1], is_step=area.is_step, is_back=True)
    place = f'd="{over}L{back.removeprefix("M")}z"'
    if area.interval_of:
        place += f' data-interval-of="{escape(area.interval_of)}"'
    return _filled(place, area.look, title=area.name, opacity=area.opacity, shape="path")


def _known(values: Floats) -> Iterable[slice]:
    """Stretches without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], np.isnan(values), [True]]).astype(int)))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _path(panel: Panel, x: Floats, y: Floats, *, is_step: bool, is_back: bool = False) -> str:
    """A path in thousandths; points that do not move it are left out. is_back: steps from right to left."""
    across = [round(1000 * panel.x.share(value)) for value in x.tolist()]
    down = [round(1000 - 1000 * panel.y.share(value)) for value in y.tolist()]
    if not is_step:
        return "M" + "L".join(f"{a} {b}" for a, b in zip(across, down, strict=True))
    found, last = [f"M{across[0]} {down[0]}"], across[0]
    for i in range(1, len(across)):
        if down[i] != down[i - 1]:
            here = across[i - 1 if is_back else i]
            found.append(f"H{here}V{down[i]}" if here != last else f"V{down[i]}")
            last = here
    return "".join(found) + (f"H{across[-1]}" if last != across[-1] else "")


# ---------------------------------------------------------------- lanes


def _lanes(of: Lanes) -> str:
    """A grid of labels, lanes and printed values, and the axis below."""
    n = max((len(lane.values) for lane in of.lanes), default=0)
    heads = "".join(f'<span class="head">{escape(head)}</span>' for head in of.heads)
    head = f'<span class="plot"></span>{heads}' if heads else ""
    rows = "".join(_lane(lane, of, n) for lane in of.lanes)
    axis = (
        f'<svg class="plot axis" style="height:{2 * LINE_HEIGHT + 8}px">{_ticks(of.x, LINE_HEIGHT)}'
        f"{_text('50%', 2 * LINE_HEIGHT + 2, of.x.title, 'title')}</svg>"
    )
    return f'<div class="lanes values-{n}">{head}{rows}{axis}</div>'


def _lane(lane: Lane, of: Lanes, n: int) -> str:
    rule = "" if of.rule is None else f'<path class="rule" d="M{round(1000 * of.x.share(of.rule))} 0V1000"/>'
    marks = "".join(_in_lane(mark, of.x) for mark in lane.marks)
    values = [*lane.values, *[""] * (n - len(lane.values))]
    group = " group" if lane.begins_group else ""
    return (
        f'<span class="label{group}">{escape(lane.label)}</span>'
        + (f'<span class="key{group}">{_swatch(lane.key)}</span>' if lane.key else "")
        + f'<svg class="plot lane{group}" style="height:{lane.height}px">'
        f"{STRETCHED}{_grid(of.x)}{rule}</svg>{marks}</svg>"
        + "".join(f'<span class="value{group}">{escape(value)}</span>' for value in values)
    )


def _in_lane(mark: Bar | Line | Mark, axis: Axis) -> str:
    if isinstance(mark, Mark):
        return (
            f'<use href="#mark-{mark.look.symbol}" x="{_percent(axis, mark.x)}" y="{mark.at:g}%" '
            f'class="mark" fill="{mark.look.colour}"><title>{escape(mark.title or mark.name)}</title></use>'
        )
    if isinstance(mark, Line):
        return (
            f'<line x1="{_percent(axis, mark.begin)}" x2="{_percent(axis, mark.end)}" y1="{mark.at:g}%" '
            f'y2="{mark.at:g}%" stroke="{mark.colour}" stroke-width="{mark.width:g}"/>'
        )
    width = 100 * (axis.share(mark.end) - axis.share(mark.begin))
    place = (
        f'x="{_percent(axis, mark.begin)}" width="{width:.2f}%" y="{mark.top:g}%" height="{mark.height:g}%"'
    )
    return _filled(place, mark.look, title=mark.title or mark.name, opacity=mark.opacity)


# ---------------------------------------------------------------- flows


def _flow(flow: Flow) -> str:
    """Ribbons, the nodes over them, and labels beside the nodes: left of those in the last column."""
    ribbons = "".join(_ribbon(flow, i) for i in range(len(flow.ribbons)))
    nodes, words = [], []
    for node in flow.nodes:
        left = 96.0 * node.column / max(flow.n_columns - 1, 1)
        title = escape(f"{node.name}: {node.patients:,} patients")
        nodes.append(
            f'<rect x="{left:.2f}%" width="12" y="{100 * node.top:.2f}%" height="{100 * node.height:.2f}%" '
            f'fill="{node.look.colour}"><title>{title}</title></rect>'
        )
        if node.label:
            middle = f"{100 * (node.top + node.height / 2):.2f}%"
            label = _text("17", 0, node.label, "middle halo start")
            words.append(f'<svg x="{left:.2f}%" y="{middle}">{label}</svg>')
    drawn = "".join(nodes + words)
    return f'<svg class="flow" style="height:{flow.height}px">{STRETCHED}{ribbons}</svg>{drawn}</svg>'


def _ribbon(flow: Flow, i: int) -> str:
    one = flow.ribbons[i]
    source, target = flow.nodes[one.source], flow.nodes[one.target]
    left, right = (960.0 * node.column / max(flow.n_columns - 1, 1) for node in (source, target))
    middle = (left + right) / 2
    a, b, c, d = (
        round(1000 * at, 1) for at in (one.begin, one.begin + one.height, one.end, one.end + one.height)
    )
    title = escape(f"{source.name} to {target.name}: {one.patients:,} patients")
    there = f"M{left:.0f} {a}C{middle:.0f} {a} {middle:.0f} {c} {right:.0f} {c}"
    back = f"V{d}C{middle:.0f} {d} {middle:.0f} {b} {left:.0f} {b}z"
    colour = f'fill="{target.look.colour}" fill-opacity="0.35"'
    return f'<path d="{there}{back}" {colour}><title>{title}</title></path>'


def legend(names: Sequence[str], looks_of: Sequence[Look], kind: Literal["line", "area", "symbol"]) -> Keys:
    """The legend of some names; none of a single one."""
    if len(names) < 2:
        return ()
    return tuple(Key(name, look, kind) for name, look in zip(names, looks_of, strict=True))
