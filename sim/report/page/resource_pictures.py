"""The resources of the arms over calendar time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.outcomes.queues.use_over_time import UseOverTime, use_over_time
from sim.report.charts.resources import resources
from sim.report.page.arms import Arm, words
from sim.report.page.parts import Cell, Picture, Table
from sim.report.tables import number_format

INTERVALS = 200
ROWS = 10
"""Intervals of the table; a multiple of it are drawn."""


def resource_picture(arms: Sequence[Arm]) -> Picture | None:
    """In use, waiting and capacity over time; None where nothing can be waited for."""
    found = [
        (
            arm.name,
            use_over_time(
                arm.use,
                arm.log.names,
                arm.scenario,
                replications=arm.summary["replications"],
                intervals=INTERVALS,
            ),
        )
        for arm in arms
    ]
    shared = [one.resource for one in found[0][1] if all(_has(of, one.resource) for _, of in found)]
    found = [(name, tuple(one for one in of if one.resource in shared)) for name, of in found]
    if not shared:
        return None
    n = arms[0].summary["replications"]
    width = number_format.time(float(found[0][1][0].edges[1]))
    over = f" and over {n:,} replications" if n > 1 else ""
    warm_up = arms[0].scenario.patients.arrivals.warm_up
    caption = f"Units in use, patients waiting and units there are, averaged over {width}{over}."
    if warm_up > 0:
        caption += f" The upright line is the end of the warm-up, {number_format.time(warm_up)}."
    head = ("from day", *(f"{one}, {what}" for one, what in _columns(found)))
    numbers = Table(caption, head, tuple(_rows(found)))
    return Picture("resources", "Resources over time", caption, resources(found, warm_up=warm_up), numbers)


def _has(found: Sequence[UseOverTime], resource: str) -> bool:
    return any(one.resource == resource for one in found)


def _columns(found: Sequence[tuple[str, Sequence[UseOverTime]]]) -> list[tuple[str, str]]:
    return [
        (words(one.resource) if len(found) == 1 else f"{name}: {words(one.resource)}", what)
        for name, of in found
        for one in of
        for what in ("in use", "waiting")
    ]


def _rows(found: Sequence[tuple[str, Sequence[UseOverTime]]]) -> list[tuple[Cell, ...]]:
    edges = found[0][1][0].edges
    rows: list[tuple[Cell, ...]] = []
    for first in range(0, INTERVALS, INTERVALS // ROWS):
        among = slice(first, first + INTERVALS // ROWS)
        cells = [
            number_format.plain(float(np.mean(column[among])))
            for _, of in found
            for one in of
            for column in (one.in_use, one.queue)
        ]
        rows.append((f"{edges[first]:,.0f}", *cells))
    return rows
