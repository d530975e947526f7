"""Curves of outcomes, with captions and numbers: survival, incidences, where patients are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.outcomes.curves import Curve, Curves, curves
from sim.outcomes.history.state_occupancy import whereabouts
from sim.outcomes.value_distribution import QUANTILES, Share, ended_waits, grades, spread
from sim.report.charts.incidence import incidence
from sim.report.charts.occupancy import occupancy
from sim.report.charts.style import even_ticks, unit_of
from sim.report.charts.survival import survival
from sim.report.charts.value_distribution import shares, waits
from sim.report.page.arms import Arm, place_kind, place_labels, place_looks, words
from sim.report.page.outcome_tables import cause_table, curve_table, end_in_words
from sim.report.page.parts import Cell, Picture, Table
from sim.report.tables import number_format
from sim.scenario.language.model import Outcome

BAND = "The band is the 95% interval at each time; beneath stand the patients at risk."

FEW = 0.02
SHORT = 0.5
"""Where less than FEW of the patients are still at risk before SHORT of the axis, it ends there."""


def few_left(curve: Curve) -> float:
    """The first time at which less than FEW of those at the start are at risk, else the last, days."""
    few = np.flatnonzero(curve.at_risk < FEW * curve.at_risk[0])
    return float(curve.time[few[0]] if len(few) else curve.time[-1])


def curve_picture(arms: Sequence[Arm], outcome: Outcome) -> Picture:
    """Survival curves, or cumulative incidences stacked where ends compete."""
    found = [curves(arm.fine, arm.outcome(outcome.name)) for arm in arms]
    if (until := max(few_left(whole.main) for whole, _ in found)) < SHORT * arms[0].until:
        found = [curves(arm.fine_until(until), arm.outcome(outcome.name)) for arm in arms]
    entry = arms[0].summary["outcomes"][outcome.name]
    title, meaning = entry["label"], entry["curve_of"]
    if outcome.competing:
        named = [(arm.name, whole) for arm, (whole, _) in zip(arms, found, strict=True)]
        labels = {curve.name: words(curve.name) for curve in named[0][1].causes}
        labels[named[0][1].main.name] = end_in_words(outcome)
        caption = (
            f"{title}: {meaning}, and of the ends that compete with it, stacked. What is left is free of all."
        )
        figure = incidence(named, labels)
        return Picture(f"curve-{outcome.name}", title, caption, figure, cause_table(arms, outcome.name))
    lines = _lines(arms, outcome, found)
    return Picture(
        f"curve-{outcome.name}",
        title,
        f"{title}: {meaning}. {BAND}",
        survival(lines),
        curve_table(arms, outcome.name),
    )


def _lines(
    arms: Sequence[Arm], outcome: Outcome, found: Sequence[tuple[Curves, Mapping[str, Curves]]]
) -> list[Curve]:
    """A line for each arm; of a single run one for each group, where there are groups."""
    if len(arms) > 1:
        return [_named(arm.name, whole.main) for arm, (whole, _) in zip(arms, found, strict=True)]
    whole, groups = found[0]
    named = [_named(f"{outcome.by} {key}", one.main) for key, one in groups.items() if one.n]
    return named or [whole.main]


def _named(name: str, curve: Curve) -> Curve:
    return Curve(name, curve.time, curve.value, curve.low, curve.high, curve.at_risk)


# ---------------------------------------------------------------- who is where


def occupancy_picture(arms: Sequence[Arm], until: float) -> Picture:
    """The share of patients in each health state, or stage, over time."""
    kind = place_kind(arms)
    labels, look = place_labels(arms, kind), place_looks(arms, kind)
    time = np.linspace(0.0, until, 161)
    found = [(arm.name, whereabouts(arm.history, arm.about, time, of=kind)) for arm in arms]
    unit = unit_of(until)
    rows: list[tuple[Cell, ...]] = []
    ticks = even_ticks(until, unit)
    positions = [min(int(np.searchsorted(time, tick * unit.days - 1e-9)), 160) for tick in ticks]
    for arm, places in found:
        for name, share in zip(places.names, places.share, strict=True):
            if np.nansum(share):
                label = labels[name] if len(arms) == 1 else f"{arm}: {labels[name]}"
                rows.append((label, *(number_format.share(float(share[p])) for p in positions)))
    what = "health state" if kind == "state" else "stage"
    caption = f"Share of patients in each {what} over time since the start, of those still observed."
    head = (what, *(f"{tick:g} {unit.name}" for tick in ticks))
    return Picture(
        "occupancy",
        "Where patients are",
        caption,
        occupancy(found, labels, look),
        Table(caption, head, tuple(rows)),
    )


# ---------------------------------------------------------------- values and waits


def grade_picture(arms: Sequence[Arm], outcome: Outcome) -> Picture | None:
    """The shares of an attribute's values; None where it is no grade or category, or nobody has one."""
    found = [(arm.name, grades(arm.history, arm.outcome(outcome.name), arm.about)) for arm in arms]
    if not any(values for _, values in found):
        return None
    label = arms[0].summary["outcomes"][outcome.name]["label"]
    caption = f"{label}: share of patients with each value."
    if all(share.estimate.has_interval for _, values in found for share in values):
        caption += " The whiskers are 95% intervals (Wilson)."
    caption += _nobody([name for name, values in found if not values])
    rows = [
        (f"{name}: {share.value}" if len(arms) > 1 else share.value, f"{share.count:,}", _share(share))
        for name, values in found
        for share in values
    ]
    numbers = Table(caption, ("value", "patients", "share"), tuple(rows))
    return Picture(f"grades-{outcome.name}", label, caption, shares(found), numbers)


def _nobody(arms: Sequence[str]) -> str:
    """That these arms have nothing to draw; empty where there are none."""
    return f" Nobody in {' or '.join(arms)}." if arms else ""


def _share(of: Share) -> Cell:
    low, high = of.estimate.low, of.estimate.high
    limits = (low, high) if of.estimate.has_interval else None
    return number_format.share(of.estimate.value, limits), number_format.share_interval(limits)


def wait_picture(arms: Sequence[Arm], outcome: Outcome) -> Picture | None:
    """How long patients wait for a resource; None where nobody's wait ended."""
    found = [(arm.name, *ended_waits(arm.history, arm.outcome(outcome.name), arm.about)) for arm in arms]
    if not any(len(days) for _, days, _ in found):
        return None
    label = arms[0].summary["outcomes"][outcome.name]["label"]
    caption = (
        f"{label}: the share of waits for {outcome.resource} that last longer than a time, "
        "of all that ended, by a grant or by leaving the queue."
    ) + _nobody([name for name, days, _ in found if not len(days)])
    rows: list[tuple[Cell, ...]] = []
    for name, days, served in found:
        for what, of in (("served", days[served]), ("left the queue", days[~served])):
            if len(of):
                one = spread(what, of)
                row = f"{name}: {what}" if len(arms) > 1 else what
                rows.append((row, f"{one.n:,}", *(f"{q:.1f}" for q in one.quantiles)))
    head = ("waits, days", "n", *(f"{q:.0%}" for q in QUANTILES))
    figure = waits([(name, days.tolist()) for name, days, _ in found])
    return Picture(f"waits-{outcome.name}", label, caption, figure, Table(caption, head, tuple(rows)))
