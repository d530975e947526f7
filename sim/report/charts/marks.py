"""What a chart is made of, as data: panels of curves and areas, lanes of bars and marks, and a legend."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Literal, TypeAlias

from sim.event_log.log import Floats
from sim.report.charts.style import Axis, Look


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of a legend; kind: how its look is shown."""

    name: str
    look: Look
    kind: Literal["line", "area", "symbol"]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A line through points, shape [n]; nan is a gap. is_step: a value holds until the next time."""

    name: str
    x: Floats
    y: Floats
    look: Look
    is_step: bool = True
    width: float = 2.2


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """What lies between two lines, shape [n]. interval_of: the curve that it is the 95% interval of."""

    name: str
    x: Floats
    low: Floats
    high: Floats
    look: Look
    opacity: float = 1.0
    is_step: bool = True
    interval_of: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A symbol; with a whisker from `low` to `high` where these are known."""

    name: str
    x: float
    y: float
    look: Look
    low: float = nan
    high: float = nan
    title: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    """Many small points in one colour, shape [n]."""

    name: str
    x: Floats
    y: Floats
    look: Look


@dataclass(frozen=True, slots=True)
class Rule:
    """A grey line from (x, y) to (to_x, to_y)."""

    x: float
    y: float
    to_x: float
    to_y: float
    title: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Curves, areas and points over two axes, so many pixels high.

    below: a row for each name with its look and a text at every tick of `x`, headed by `below_head`.
    """

    x: Axis
    y: Axis
    height: int
    curves: tuple[Curve, ...] = ()
    areas: tuple[Area, ...] = ()
    points: tuple[Point, ...] = ()
    rules: tuple[Rule, ...] = ()
    dots: tuple[Dots, ...] = ()
    title: str = ""
    below: tuple[tuple[str, Look, tuple[str, ...]], ...] = ()
    below_head: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar along a lane; top, height: percent of the lane."""

    name: str
    begin: float
    end: float
    look: Look
    title: str = ""
    top: float = 14.0
    height: float = 72.0
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line along a lane at `at` percent of its height."""

    name: str
    begin: float
    end: float
    colour: str
    width: float
    at: float = 50.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A symbol in a lane at `at` percent of its height."""

    name: str
    x: float
    look: Look
    title: str = ""
    at: float = 50.0


@dataclass(frozen=True, slots=True)
class Lane:
    """A labelled row of marks, at least so many pixels high. values: printed beside.

    key: a look before the label. begins_group: whether space precedes it.
    """

    label: str
    marks: tuple[Bar | Line | Mark, ...]
    values: tuple[str, ...] = ()
    height: int = 22
    key: Key | None = None
    begins_group: bool = False


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lanes over one axis. heads: above the printed values. rule: where a dashed line crosses all lanes."""

    x: Axis
    lanes: tuple[Lane, ...]
    heads: tuple[str, ...] = ()
    rule: float | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A box of a flow; all shares of the width and height. label: "" for none."""

    name: str
    patients: int
    column: int
    top: float
    height: float
    look: Look
    label: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A stream between two nodes (indices), from one range of heights to another, shares of the height."""

    source: int
    target: int
    patients: int
    begin: float
    end: float
    height: float


@dataclass(frozen=True, slots=True)
class Flow:
    """Nodes in columns with the ribbons between them."""

    nodes: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]
    n_columns: int
    height: int


Part: TypeAlias = "Panel | Lanes | Flow"


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A legend and one part or several."""

    parts: tuple[Part, ...]
    legend: tuple[Key, ...] = ()
