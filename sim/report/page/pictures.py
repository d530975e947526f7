"""Pictures of outcomes over time, of values and waits, and of resources, with captions and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.outcomes.curves import Curve, Curves, curves
from sim.outcomes.history.state_occupancy import state_occupancy
from sim.outcomes.queues.queue_summary import UseOverTime, use_over_time
from sim.outcomes.results import OutcomeFacts, Results, group_label
from sim.outcomes.value_distribution import QUANTILES, Share, ended_waits, value_distribution, value_shares
from sim.report.charts import stacked
from sim.report.charts.bars import shares, waits
from sim.report.charts.resources import resources
from sim.report.charts.style import looks, time_axis
from sim.report.charts.survival import survival
from sim.report.page.arms import PageArm, place_kind, place_labels, place_looks, words
from sim.report.page.document import Picture
from sim.report.tables import number_format
from sim.report.tables.comparison_table import difference_tables
from sim.report.tables.model import Row, Table, Value, numbers
from sim.report.tables.run_table import curve_tables
from sim.scenario.language.model import Outcome

BAND = " The band is the 95% interval at each time."

FEW, SHORT = 0.02, 0.5
"""Where less than FEW of the patients are still at risk before SHORT of the axis, it ends there."""

INTERVALS, SHOWN = 100, 10
"""Stretches of the calendar that resources are drawn and tabulated in."""


def outcome_tables(results: Results, name: str) -> tuple[Table, ...]:
    """An outcome over time in a run, or in each arm with its differences from the reference."""
    facts = _facts(results, name)
    if len(results.arms) == 1:
        return tuple(curve_tables(results, facts))
    heads = {arm.name: arm.label for arm in results.arms}
    return tuple(table for arm in results.arms[1:] for table in difference_tables(results, facts, arm, heads))


def _facts(results: Results, name: str) -> OutcomeFacts:
    """An outcome of the reference. Raises: StopIteration where there is none of this name."""
    return next(one for one in results.reference.outcomes if one.name == name)


def end_label(outcome: Outcome) -> str:
    """The end that an outcome is about, among competing ones: the place, where it is one."""
    until = outcome.until
    is_place = until is not None and until.kind in ("stage", "state") and until.when is None
    return words(until.name if until is not None and is_place else outcome.name)


def _few_left(curve: Curve) -> float:
    """The first time at which less than FEW of the patients are at risk, else the last, days."""
    few = np.flatnonzero(curve.at_risk < FEW * curve.at_risk[0])
    return float(curve.time[few[0]] if len(few) else curve.time[-1])


def arm_curves(arms: Sequence[PageArm], outcome: Outcome) -> list[tuple[Curves, Mapping[str, Curves]]]:
    """The curves of an outcome in each arm, on one grid of times that ends where few patients are left."""
    until = arms[0].until
    found = [curves(arm.evaluator(until), arm.outcome(outcome.name)) for arm in arms]
    if (last := max(_few_left(every.main) for every, _ in found)) < SHORT * until:
        found = [curves(arm.evaluator(last), arm.outcome(outcome.name)) for arm in arms]
    return found


def curve_picture(results: Results, arms: Sequence[PageArm], outcome: Outcome) -> Picture:
    """Survival curves, or cumulative incidences stacked where ends compete."""
    facts, found = _facts(results, outcome.name), arm_curves(arms, outcome)
    since = facts.description.begin
    title, meaning = facts.label, facts.description.curve
    name, tables = f"curve-{outcome.name}", outcome_tables(results, outcome.name)
    if not outcome.competing:
        figure = survival(_lines(arms, outcome, found), since=since)
        has_band = any(np.isfinite(every.main.low[1:]).any() for every, _ in found)
        caption = f"{title}: {meaning}.{BAND if has_band else ''}"
        return Picture(name, title, caption, figure, tables)
    caption = f"{title}: {meaning}, and of the competing ends, stacked. The rest has had none of them."
    look = looks(curve.name for curve in (found[0][0].main, *found[0][0].causes))
    areas = []
    for arm, (every, _) in zip(arms, found, strict=True):
        ends = [(end_label(outcome), every.main), *((words(one.name), one) for one in every.causes)]
        of_arm = [stacked.Area(label, one.time, one.value, look[one.name]) for label, one in ends]
        areas.append((arm.label, of_arm))
    figure = stacked.stacked(areas, title="Share of patients", is_step=True, since=since)
    return Picture(name, title, caption, figure, tables)


def _lines(
    arms: Sequence[PageArm], outcome: Outcome, found: Sequence[tuple[Curves, Mapping[str, Curves]]]
) -> list[Curve]:
    """A line for each arm; of a single run one for each group, where there are groups."""
    if len(arms) > 1:
        return [_named(arm.label, every.main) for arm, (every, _) in zip(arms, found, strict=True)]
    every, groups = found[0]
    named = [_named(group_label(outcome.by, key), one.main) for key, one in groups.items() if one.n]
    return named or [every.main]


def _named(name: str, curve: Curve) -> Curve:
    return Curve(name, curve.time, curve.value, curve.low, curve.high, curve.at_risk)


def occupancy_picture(arms: Sequence[PageArm]) -> Picture:
    """The share of patients in each health state, or stage, over time."""
    until, kind = arms[0].until, place_kind(arms)
    labels, look, axis = place_labels(arms, kind), place_looks(arms, kind), time_axis(until)
    time = np.linspace(0.0, until, 121)
    positions = [min(int(np.searchsorted(time, tick - 1e-9)), 120) for tick, _ in axis.ticks]
    areas: list[tuple[str, list[stacked.Area]]] = []
    rows: list[Row] = []
    for arm in arms:
        places = state_occupancy(arm.history, arm.patients, time, of=kind)
        shares_of = dict(zip(places.names, places.share, strict=True))
        found = [(name, shares_of[name]) for name in look if name in shares_of and np.nansum(shares_of[name])]
        areas.append(
            (arm.label, [stacked.Area(labels[name], time, share, look[name]) for name, share in found])
        )
        prefix = "" if len(arms) == 1 else f"{arm.label}: "
        rows += [
            (f"{prefix}{labels[name]}", *(number_format.share(float(share[p])) for p in positions))
            for name, share in found
        ]
    what = "health state" if kind == "state" else "stage"
    caption = f"Share of patients in each {what} over time since the start, among those still observed."
    columns = numbers(what, *(f"{label} {axis.title.split()[0].lower()}" for _, label in axis.ticks))
    tables = (Table(caption, columns, tuple(rows)),)
    return Picture(
        "occupancy", "State occupancy", caption, stacked.stacked(areas, title="Share of patients"), tables
    )


# ---------------------------------------------------------------- values and waits


def value_picture(results: Results, arms: Sequence[PageArm], outcome: Outcome) -> Picture | None:
    """The shares of an attribute's values; None where it is no grade or category, or no patient has one."""
    found = [(arm.label, value_shares(arm.history, arm.outcome(outcome.name), arm.patients)) for arm in arms]
    if not any(values for _, values in found):
        return None
    label = _facts(results, outcome.name).label
    caption = f"{label}: share of patients with each value."
    if all(share.estimate.has_interval for _, values in found for share in values):
        caption += " The whiskers are 95% intervals (Wilson)."
    caption += _none_in([name for name, values in found if not values])
    rows = [
        (f"{name}: {share.value}" if len(arms) > 1 else share.value, f"{share.count:,}", _share(share))
        for name, values in found
        for share in values
    ]
    tables = (Table(caption, numbers("value", "patients", "share"), tuple(rows)),)
    return Picture(f"values-{outcome.name}", label, caption, shares(found), tables)


def _none_in(arms: Sequence[str]) -> str:
    """That these arms have nothing to draw; empty where there are none."""
    return f" No patient in {' or '.join(arms)}." if arms else ""


def _share(share: Share) -> Value:
    limits = (share.estimate.low, share.estimate.high)
    return Value(number_format.share(share.estimate.value, limits), number_format.share_interval(limits))


def wait_picture(results: Results, arms: Sequence[PageArm], outcome: Outcome) -> Picture | None:
    """How long patients wait for a resource; None where no wait ended."""
    found = [(arm.label, *ended_waits(arm.history, arm.outcome(outcome.name), arm.patients)) for arm in arms]
    if not any(len(days) for _, days, _ in found):
        return None
    label = _facts(results, outcome.name).label
    caption = (
        f"{label}: the share of waits for {outcome.resource} that last longer than a time, "
        "of all that ended, by a grant or by leaving the queue."
    ) + _none_in([name for name, days, _ in found if not len(days)])
    rows: list[Row] = []
    for name, days, served in found:
        for end, ended in (("served", days[served]), ("left the queue", days[~served])):
            if len(ended):
                one = value_distribution(end, ended)
                prefix = f"{name}: " if len(arms) > 1 else ""
                rows.append((f"{prefix}{end}", f"{one.n:,}", *(f"{q:.1f}" for q in one.quantiles)))
    columns = numbers("waits, days", "n", *(f"{q:.0%}" for q in QUANTILES))
    figure = waits([(name, days.tolist()) for name, days, _ in found])
    tables = (Table(caption, columns, tuple(rows)),)
    return Picture(f"waits-{outcome.name}", label, caption, figure, tables)


# ---------------------------------------------------------------- resources


def _uses(arms: Sequence[PageArm]) -> list[tuple[str, tuple[UseOverTime, ...]]]:
    """The resources that every arm has, in each arm over time."""
    found = [
        use_over_time(
            arm.use, arm.log.names, arm.scenario, replications=arm.replications, intervals=INTERVALS
        )
        for arm in arms
    ]
    common = set.intersection(*({use.resource for use in uses} for uses in found))
    shared = [tuple(use for use in uses if use.resource in common) for uses in found]
    return [(arm.label, uses) for arm, uses in zip(arms, shared, strict=True)]


def resource_picture(arms: Sequence[PageArm], *, ghosts: Sequence[PageArm] = ()) -> Picture | None:
    """Units in use, patients waiting and capacity over time; None without resources to wait for.

    ghosts: the same arms in the base case: their queues are drawn in grey.
    """
    n, warm_up = arms[0].replications, arms[0].scenario.patients.arrivals.warm_up
    found, behind = _uses(arms), _uses(ghosts) if ghosts else ()
    if not found[0][1]:
        return None
    edges = found[0][1][0].edges
    over = f" and over {n:,} replications" if n > 1 else ""
    width = number_format.time(float(edges[1]))
    caption = f"Units in use, patients waiting and capacity, averaged over {width}{over}."
    if warm_up > 0:
        caption += f" The vertical line is the end of the warm-up, {number_format.time(warm_up)}."
    series = [
        (f"{'' if len(found) == 1 else f'{name}: '}{words(use.resource)}, {what}", values)
        for name, uses in found
        for use in uses
        for what, values in (("in use", use.in_use), ("waiting", use.queue))
    ]
    size = INTERVALS // SHOWN
    rows = [
        (
            f"{edges[i]:,.0f}",
            *(number_format.plain(float(np.mean(values[i : i + size]))) for _, values in series),
        )
        for i in range(0, INTERVALS, size)
    ]
    tables = (Table(caption, numbers("from day", *(head for head, _ in series)), tuple(rows)),)
    figure = resources(found, warm_up=warm_up, ghosts=behind)
    return Picture("resources", "Resources over time", caption, figure, tables)
