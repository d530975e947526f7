"""Bars and boxes: steps of a funnel, patient changes, shares of values, times in stages, waits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from sim.outcomes.value_distribution import Share, ValueDistribution
from sim.report.charts.drawing import legend
from sim.report.charts.marks import Bar, Chart, Curve, Key, Lane, Lanes, Line, Mark, Panel
from sim.report.charts.style import COLOURS, ENDED, PERCENT, Axis, Look, looks, number_axis, time_axis
from sim.units import DAYS_IN

CHANGES = {
    "better": Look(COLOURS[0]),
    "same": Look(ENDED, pattern="dotted"),
    "worse": Look(COLOURS[1], pattern="rising"),
}
"""The look of each kind of patient change."""
SHORTEST = 0.1
"""Days at which the logarithmic axis begins; shorter times are drawn there."""
TICKS = (
    ("1 d", 1.0),
    ("1 wk", 7.0),
    ("1 mo", DAYS_IN["month"]),
    ("6 mo", 6 * DAYS_IN["month"]),
    ("2 y", 2 * DAYS_IN["year"]),
    ("10 y", 10 * DAYS_IN["year"]),
)


def grouped(
    arms: Sequence[str],
    rows: Iterable[tuple[str, Sequence[tuple[tuple[Bar | Line | Mark, ...], str] | None]]],
) -> Iterator[Lane]:
    """A lane for each row and arm: marks and a printed value, None where the arm has none.

    The label stands before the first arm of a row, the look of the arm before each.
    """
    look = looks(arms, is_hatched=True)
    for label, cells in rows:
        shown = [(arm, *cell) for arm, cell in zip(arms, cells, strict=True) if cell is not None]
        for i, (arm, marks, value) in enumerate(shown):
            key = Key(arm, look[arm], "area") if len(arms) > 1 else None
            yield Lane(
                label * (i == 0),
                marks,
                (value,),
                20 if len(arms) == 1 else 15,
                key,
                begins_group=len(arms) > 1 and i == 0,
            )


def funnel(arms: Sequence[tuple[str, Sequence[int]]], steps: Sequence[str]) -> Chart:
    """A bar for each step and arm: the patients with it, and their share of the first."""
    names = [name for name, _ in arms]
    look = looks(names, is_hatched=True)
    rows = [
        (
            step,
            [
                ((Bar(arm, 0.0, of[i] / (of[0] or 1), look[arm]),), f"{of[i]:,} ({of[i] / (of[0] or 1):.0%})")
                for arm, of in arms
            ],
        )
        for i, step in enumerate(steps)
    ]
    axis = Axis(0.0, 1.0, PERCENT.ticks, f"Share of the patients with {steps[0]}")
    return Chart((Lanes(axis, tuple(grouped(names, rows)), ("patients",)),), _arms(names, "area"))


def _arms(names: Sequence[str], kind: Literal["line", "area"]) -> tuple[Key, ...]:
    return legend(names, list(looks(names, is_hatched=kind == "area").values()), kind)


def patient_changes(arms: Sequence[tuple[str, Mapping[str, float]]]) -> Chart:
    """The shares of patients who do better, the same and worse, as one bar for each arm."""
    lanes = []
    for name, share in arms:
        edges = np.cumsum([0.0, *(share[kind] for kind in CHANGES)]).tolist()
        bars = [
            Bar(f"{kind} {share[kind]:.1%}", edges[i], edges[i + 1], look)
            for i, (kind, look) in enumerate(CHANGES.items())
        ]
        lanes.append(Lane(name, tuple(bars), tuple(f"{share[kind]:.1%}" for kind in CHANGES), 30))
    axis = Axis(0.0, 1.0, PERCENT.ticks, "Share of patients")
    return Chart(
        (Lanes(axis, tuple(lanes), tuple(CHANGES)),), legend(list(CHANGES), list(CHANGES.values()), "area")
    )


def shares(arms: Sequence[tuple[str, Sequence[Share]]], *, title: str = "Share of patients") -> Chart:
    """A bar for each value and arm, with the 95% interval of its share.

    An arm without values keeps its look, and has no bars.
    """
    names = [name for name, _ in arms]
    look = looks(names, is_hatched=True)
    found = [{share.value: share for share in own} for _, own in arms]
    rows = []
    for value in dict.fromkeys(value for own in found for value in own):
        cells = [
            (_share(arm, own[value], look[arm]), f"{own[value].estimate.value:.1%}") if value in own else None
            for arm, own in zip(names, found, strict=True)
        ]
        rows.append((value, cells))
    ends = [max(one.estimate.value, one.estimate.high) for own in found for one in own.values() if one.count]
    axis = number_axis(ends, title, percent=True)
    return Chart((Lanes(axis, tuple(grouped(names, rows))),), _arms(names, "area"))


def _share(arm: str, share: Share, look: Look) -> tuple[Bar | Line, ...]:
    bar = Bar(arm, 0.0, share.estimate.value, look)
    if not share.estimate.has_interval:
        return (bar,)
    return bar, Line("95% interval", share.estimate.low, share.estimate.high, "currentColor", 1.4)


def times_in_stages(
    arms: Sequence[tuple[str, Sequence[ValueDistribution]]], labels: Mapping[str, str]
) -> Chart:
    """Boxes from the lower to the upper quartile with the median, whiskers from 5% to 95%."""
    names = [name for name, _ in arms]
    look = looks(names)
    found = [{one.name: one for one in own} for _, own in arms]
    stages = dict.fromkeys(one.name for _, own in arms for one in own)
    rows = [
        (
            labels.get(stage, stage),
            [
                (_box(own[stage], look[arm]), f"{own[stage].quantiles[2]:,.0f}") if stage in own else None
                for arm, own in zip(names, found, strict=True)
            ],
        )
        for stage in stages
    ]
    longest = max(one.quantiles[-1] for own in found for one in own.values())
    high = max(longest, 10.0) * 1.1
    ticks = tuple((days, label) for label, days in TICKS if days <= high)
    axis = Axis(SHORTEST, high, ticks, "Time in the stage, on a logarithmic axis", is_log=True)
    return Chart((Lanes(axis, tuple(grouped(names, rows)), ("median, days",)),), _arms(names, "area"))


def _box(one: ValueDistribution, look: Look) -> tuple[Bar | Line | Mark, ...]:
    low, lower, median, upper, high = one.quantiles
    text = f"median {median:,.1f} days, half of the visits {lower:,.1f} to {upper:,.1f}"
    return (
        Line("5% to 95%", low, high, look.colour, 1.5),
        Bar("quartiles", lower, upper, Look(look.colour), text, top=22, height=56, opacity=0.45),
        Mark("median", median, Look(look.colour, symbol="turn"), text),
    )


def waits(arms: Sequence[tuple[str, Sequence[float]]], points: int = 120) -> Chart:
    """The share of waits that last longer than a time, for each arm with ended waits (days)."""
    names = [name for name, _ in arms]
    look = looks(names)
    curves = []
    for arm, days in arms:
        if days:
            ordered = sorted(days)
            time = np.linspace(0.0, ordered[-1], points + 1)
            longer = np.array([1 - bisect_right(ordered, t) / len(ordered) for t in time.tolist()])
            curves.append(Curve(arm, time, longer, look[arm]))
    axis = time_axis(max(float(one.x[-1]) for one in curves) or 1.0, title="{} waited")
    y = Axis(0.0, 1.0, PERCENT.ticks, "Share of waits that last longer")
    return Chart((Panel(axis, y, 220, curves=tuple(curves)),), _arms(names, "line"))
