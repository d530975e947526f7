"""The pathways of patients: the Sankey diagram, the most frequent pathways, the funnel with its attrition."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from sim.outcomes.history.attrition import Loss, attrition
from sim.outcomes.history.trajectories import Trajectory, most_frequent, steps, trajectories
from sim.outcomes.results import Results, event_in_words
from sim.report.charts.bars import funnel
from sim.report.charts.pathway_flow import sankey
from sim.report.charts.style import looks
from sim.report.page.arms import PageArm, stage_labels, words
from sim.report.page.document import Picture
from sim.report.tables import number_format
from sim.report.tables.model import Cell, Row, Table, numbers, texts
from sim.report.tables.run_table import count_cell, rows_of, value_cell
from sim.scenario.language.model import EventSelector, Outcome

STEPS = 10
"""Steps of the Sankey diagram; more are too narrow to read."""
PATHWAYS = 10
MOST_REASONS = 4
"""Reasons listed for each loss; the others are counted together."""


def pathway_parts(arm: PageArm, *, is_named: bool) -> tuple[Picture, Table]:
    """The Sankey diagram of one arm, and its most frequent pathways. is_named: whether with its name."""
    labels = stage_labels([arm])
    names = [labels[name] for name in arm.log.names.stages]
    found = trajectories(arm.history, arm.patients)
    links = list(steps(found, STEPS + 1))
    ended = [labels[stage.name] for stage in arm.scenario.stages if stage.terminal]
    suffix = f" ({arm.label})" if is_named else ""
    caption = (
        f"The first {STEPS} steps from stage to stage{suffix}, of stages that take time; "
        "a stage that follows itself counts once. Width is the number of patients; thin streams run together."
    )
    rows: list[Row] = [
        (f"{link.number}", names[link.begin], names[link.to], f"{link.patients:,}")
        for link in links
        if link.number <= STEPS
    ]
    picture = Picture(
        f"pathways-{arm.name}",
        f"From stage to stage{suffix}",
        caption,
        sankey(links, names, looks(names, ended=ended), n=len(arm.patients), most=STEPS),
        (Table(caption, texts("step", "from", "to", "patients"), tuple(rows)),),
        is_wide=True,
    )
    return picture, _most_frequent(most_frequent(arm.history, found, PATHWAYS), names, suffix)


def _most_frequent(found: Sequence[Trajectory], names: Sequence[str], suffix: str) -> Table:
    rows: list[Row] = []
    for pathway in found:
        stages = [
            names[code] if isnan(days) else f"{names[code]} ({number_format.time(days)})"
            for code, days in zip(pathway.stages, pathway.days, strict=True)
        ]
        end = ", still followed there" if pathway.is_open else ""
        share = number_format.share(pathway.share)
        rows.append((share, f"{pathway.patients:,}", " → ".join(stages) + end))
    rest = 1 - sum(pathway.share for pathway in found)
    note = f"All other pathways together: {number_format.share(rest)} of patients."
    title = f"The most frequent pathways{suffix}, with the median time in each stage"
    notes = (note,) if rest > 1e-9 else ()
    return Table(title, texts("share", "patients", "pathway"), tuple(rows), notes=notes)


def funnel_parts(results: Results, arms: Sequence[PageArm], outcome: Outcome) -> tuple[Picture, Table]:
    """A funnel by intention to treat, and the reasons for which patients did not reach the next step."""
    facts = next(one for one in results.reference.outcomes if one.name == outcome.name)
    labels = ["" if len(arms) == 1 else arm.name for arm in arms]
    found = [rows_of(results.estimates, outcome.name, label) for label in labels]
    parts = [part for measure, part in found[0] if measure == "count"]
    named = [_step(selector) for selector in outcome.sequence]

    rows: list[Row] = []
    for step, part in zip(named, parts, strict=True):
        cells: list[Cell] = []
        for own in found:
            shares = (value_cell(own[measure, part][0]) for measure in ("share", "share_of_first"))
            cells += [count_cell(own["count", part]), *shares]
        rows.append((step, *cells))
    heads = [
        text if len(arms) == 1 else f"{arm.label}: {text}"
        for arm in arms
        for text in ("patients", "of the step before", "of the first")
    ]
    counts = [
        (arm.label, [int(own["count", part][0].estimate) for part in parts])
        for arm, own in zip(arms, found, strict=True)
    ]
    caption = f"{facts.label}: patients with each step and all before it, and their share of the first."
    tables = (Table(caption, numbers("step", *heads), tuple(rows)),)
    picture = Picture(f"funnel-{outcome.name}", facts.label, caption, funnel(counts, named), tables)
    return picture, _attrition(arms, outcome, named)


def _step(selector: EventSelector) -> str:
    """A step in few words: the name of its stage where it is to enter that without a condition."""
    if selector.kind == "stage" and selector.when is None:
        return words(selector.name)
    return "start" if selector.kind == "start" and selector.when is None else event_in_words(selector)


def _attrition(arms: Sequence[PageArm], outcome: Outcome, named: Sequence[str]) -> Table:
    labels = stage_labels(arms)
    rows: list[Row] = []
    for arm in arms:
        for i, found in enumerate(attrition(arm.history, arm.outcome(outcome.name), arm.patients)):
            between = f"{named[i]} → {named[i + 1]}" + (f", {arm.label}" if len(arms) > 1 else "")
            reasons = [
                f"{loss.patients:,} {_reason(loss, labels)} (median {number_format.time(loss.days)} later)"
                for loss in found[:MOST_REASONS]
            ]
            if others := sum(loss.patients for loss in found[MOST_REASONS:]):
                reasons.append(f"{others:,} in other ways")
            lost = sum(loss.patients for loss in found)
            rows.append((between, f"{lost:,}", "; ".join(reasons) or "no patient"))
    return Table(
        "Patients lost between two steps: their end, and when",
        texts("between", "lost", "reasons"),
        tuple(rows),
        notes=("A patient lost to a step never reaches it while observed; times run from the step before.",),
    )


def _reason(loss: Loss, labels: dict[str, str]) -> str:
    where = labels[loss.last] if loss.last else "the start"
    return f"{labels[loss.end]}, from {where}" if loss.end else f"still followed in {where}"
