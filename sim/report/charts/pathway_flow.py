"""The pathways of patients as a Sankey diagram."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import plotly.graph_objects as go

from sim.outcomes.history.trajectories import Step
from sim.report.charts.style import ENDED, Look, dressed, with_alpha

Node: TypeAlias = tuple[int, int]
"""The number of steps from the start, and the code of the stage."""

REST = -1
"""In place of a code: all stages with too few patients to be drawn each on its own."""
THIN = 0.005
"""Nodes of less than this share of the patients are drawn together."""
LABELLED = 0.02
"""Nodes of less than this share have no label, for which there is no room."""


def sankey(
    steps: Sequence[Step], names: Sequence[str], look: Mapping[str, Look], *, n: int, most: int
) -> go.Figure:
    """Stages in columns, the first step leftmost; n: all patients. names, look: by code of the stage.

    A node is a stage at a number of steps, so that no pathway leads back. most: the steps that are
    drawn; of one more, where it is given, only the patients who continue.
    """
    size: dict[Node, int] = defaultdict(int)
    for step in steps:
        size[step.number, step.to] += step.patients
        size[0, step.begin] += step.patients if step.number == 1 else 0
    links: dict[tuple[Node, Node], int] = defaultdict(int)
    for step in steps:
        begin, to = (step.number - 1, step.begin), (step.number, step.to)
        begin = begin if size[begin] >= THIN * n else (begin[0], REST)
        to = to if size[to] >= THIN * n and step.number <= most else (to[0], REST)
        links[begin, to] += step.patients
    for (_, to), patients in links.items():
        if to[1] == REST:
            size[to] += patients
    nodes = sorted({node for link in links for node in link})
    place = {node: i for i, node in enumerate(nodes)}
    rest = {node: "continues" if node[0] > most else "other" for node in nodes}
    known = [rest[node] if node[1] == REST else names[node[1]] for node in nodes]
    colour = [ENDED if code == REST else look[names[code]].colour for _, code in nodes]
    node = {
        "label": [name if size[at] >= LABELLED * n else "" for name, at in zip(known, nodes, strict=True)],
        "color": colour,
        "align": "left",
        "customdata": known,
        "pad": 16,
        "thickness": 14,
        "line": {"width": 0},
        "hovertemplate": "%{customdata}: %{value:,} patients<extra></extra>",
    }
    link = {
        "source": [place[begin] for begin, _ in links],
        "target": [place[to] for _, to in links],
        "value": list(links.values()),
        "color": [with_alpha(colour[place[to]], 0.35) for _, to in links],
        "hovertemplate": "%{source.customdata} to %{target.customdata}: %{value:,}<extra></extra>",
    }
    return dressed(go.Figure(go.Sankey(arrangement="snap", node=node, link=link)), height=520)
