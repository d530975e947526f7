"""The pathways of patients as a Sankey diagram."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sim.outcomes.history.trajectories import Step
from sim.report.charts.marks import Chart, Flow, Node, Ribbon
from sim.report.charts.style import GREY, Look


class Place(NamedTuple):
    """A stage at a number of steps from the start, so that no pathway leads back; code: of the stage."""

    step: int
    code: int


REST = -1
"""In place of a code: all stages with too few patients to be drawn each on its own."""
THIN = 0.01
"""Nodes of less than this share of the patients are drawn together."""
LABELLED = 0.02
"""Nodes of less than this share have no label, for which there is no room."""
HEIGHT, GAP = 400, 0.032
"""Pixels; the gap between two nodes as a share of them."""


def sankey(
    steps: Sequence[Step], names: Sequence[str], look: Mapping[str, Look], *, n: int, most: int
) -> Chart:
    """Stages in columns, the first step leftmost; n: all patients. names, look: by code of the stage.

    most: the steps that are drawn; of one more, where it is given, only the patients who continue.
    """
    links, size = _links(steps, n=n, most=most)
    columns: dict[int, list[Place]] = defaultdict(list)
    for place in sorted(size):
        columns[place.step].append(place)
    there = {step: sum(size[place] for place in column) for step, column in columns.items()}
    fits = ((1 - GAP * (len(column) - 1)) / there[step] for step, column in columns.items())
    scale = min(fits, default=0.0)
    top: dict[Place, float] = {}
    for column in sorted(columns):
        _stack(columns[column], links, top, size, scale)
    order = sorted(size)
    index = {place: i for i, place in enumerate(order)}
    nodes = tuple(_node(place, size[place], top[place], scale, names, look, n, most) for place in order)
    leaves, enters = dict(top), dict(top)
    ribbons = []
    for (begin, to), patients in sorted(links.items(), key=lambda link: (top[link[0][0]], top[link[0][1]])):
        height = patients * scale
        ribbons.append(Ribbon(index[begin], index[to], patients, leaves[begin], enters[to], height))
        leaves[begin] += height
        enters[to] += height
    return Chart((Flow(nodes, tuple(ribbons), max(columns, default=0) + 1, HEIGHT),))


def _links(
    steps: Sequence[Step], *, n: int, most: int
) -> tuple[dict[tuple[Place, Place], int], dict[Place, int]]:
    """The patients of each link, thin places taken together, and the patients of each place."""
    size: dict[Place, int] = defaultdict(int)
    for step in steps:
        size[Place(step.number, step.to)] += step.patients
        size[Place(0, step.begin)] += step.patients if step.number == 1 else 0
    links: dict[tuple[Place, Place], int] = defaultdict(int)
    for step in steps:
        begin, to = Place(step.number - 1, step.begin), Place(step.number, step.to)
        begin = begin if size[begin] >= THIN * n else Place(begin.step, REST)
        to = to if size[to] >= THIN * n and step.number <= most else Place(to.step, REST)
        links[begin, to] += step.patients
    drawn: dict[Place, int] = defaultdict(int)
    for (begin, to), patients in links.items():
        drawn[to] += patients
        drawn[begin] += patients if begin.step == 0 else 0
    return links, drawn


def _stack(
    column: list[Place],
    links: Mapping[tuple[Place, Place], int],
    top: dict[Place, float],
    size: Mapping[Place, int],
    scale: float,
) -> None:
    """Tops of the nodes of a column, in the order of where their patients come from."""

    def middle(place: Place) -> float:
        into = [(top[begin], patients) for (begin, to), patients in links.items() if to == place]
        return sum(at * patients for at, patients in into) / max(sum(patients for _, patients in into), 1)

    at = 0.0
    for place in sorted(column, key=lambda place: (middle(place), place)):
        top[place] = at
        at += size[place] * scale + GAP


def _node(
    place: Place,
    patients: int,
    top: float,
    scale: float,
    names: Sequence[str],
    look: Mapping[str, Look],
    n: int,
    most: int,
) -> Node:
    is_rest = place.code == REST
    name = ("continues" if place.step > most else "other") if is_rest else names[place.code]
    label = name if patients >= LABELLED * n else ""
    return Node(name, patients, place.step, top, patients * scale, GREY if is_rest else look[name], label)
