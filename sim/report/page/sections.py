"""The sections of a page, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.report.page.arms import Arm, shared_outcomes
from sim.report.page.census_slider import replay_section
from sim.report.page.comparison_sections import comparison_sections
from sim.report.page.evidence import changes_section, evidence_section, provenance_section
from sim.report.page.outcome_tables import curve_table, overview, resource_table
from sim.report.page.parts import Picture, Section, Table
from sim.report.page.patient_pictures import stay_picture, swimmer_picture
from sim.report.page.pictures import curve_picture, grade_picture, occupancy_picture, wait_picture
from sim.report.page.resource_pictures import resource_picture
from sim.report.page.trajectory_pictures import funnel_parts, road_parts
from sim.report.tables import number_format
from sim.report.tables.run_tables import days_or_not, time_label


def sections(
    arms: Sequence[Arm], facts: Mapping[str, Any], told: Mapping[str, Any] | None = None
) -> tuple[Section, ...]:
    """All of them; those with nothing to tell are left out. told: of a comparison."""
    found = [
        *(comparison_sections(arms, told) if told is not None else ()),
        _outcomes(arms),
        _curves(arms),
        _grades(arms),
        _road(arms),
        _lives(arms, is_twin=told is not None),
        _resources(arms),
        replay_section(arms),
        changes_section(arms) if told is None else None,
        evidence_section(arms),
        provenance_section(arms, facts),
    ]
    return tuple(section for section in found if section is not None)


def _outcomes(arms: Sequence[Arm]) -> Section:
    return Section("outcomes", "All outcomes", overview(arms), _kinds(arms))


def _curves(arms: Sequence[Arm]) -> Section | None:
    items: list[Picture | Table] = []
    for outcome in shared_outcomes(arms):
        if outcome.kind == "time_to_event":
            items.append(curve_picture(arms, outcome))
        elif outcome.kind == "occupancy":
            items.append(curve_table(arms, outcome.name))
    return Section("curves", "Outcomes over time", tuple(items)) if items else None


def _grades(arms: Sequence[Arm]) -> Section | None:
    items = tuple(picture for picture in _values(arms) if picture is not None)
    return Section("values", "Grades, values and waits", items) if items else None


def _resources(arms: Sequence[Arm]) -> Section | None:
    table = resource_table(arms)
    if table is None:
        return None
    picture = resource_picture(arms)
    return Section("resources", "Resources", (picture, table) if picture else (table,))


def _values(arms: Sequence[Arm]) -> Iterator[Picture | None]:
    for outcome in shared_outcomes(arms):
        if outcome.kind == "attribute":
            yield grade_picture(arms, outcome)
        elif outcome.kind == "waiting_for" and outcome.above is None:
            yield wait_picture(arms, outcome)


def _kinds(arms: Sequence[Arm]) -> str:
    summary = arms[0].summary
    if summary["replications"] > 1:
        return f"95% intervals: Student, over {summary['replications']:,} replications."
    kinds = dict.fromkeys(e["interval_kind"] for e in summary["outcomes"].values() if e["interval_kind"])
    return f"95% intervals over patients: {', '.join(kinds)}." if kinds else ""


def _road(arms: Sequence[Arm]) -> Section:
    items: list[Picture | Table] = []
    for outcome in shared_outcomes(arms):
        if outcome.kind == "funnel":
            items += funnel_parts(arms, outcome)
    for arm in arms:
        items += road_parts(arm, named=len(arms) > 1)
    return Section("road", "The road taken", tuple(items))


def _lives(arms: Sequence[Arm], *, is_twin: bool) -> Section:
    until = arms[0].until
    items = [
        occupancy_picture(arms, until),
        None if is_twin else swimmer_picture(arms[0], until),
        stay_picture(arms),
    ]
    return Section("lives", "Where patients are, and for how long", tuple(item for item in items if item))


# ---------------------------------------------------------------- the answer


def answer(arm: Arm) -> str:
    """The first outcome in a sentence, with its uncertainty."""
    outcomes: Mapping[str, Mapping[str, Any]] = arm.summary["outcomes"]
    if not outcomes:
        return "The scenario asks for no outcome."
    entry = next(iter(outcomes.values()))
    value = number_format.amount(entry["estimate"], entry["unit"], entry["interval"])
    when = f" at {_when(entry)}" if "at" in entry else ""
    parts = [f"{entry['label']}{when}: {value}"]
    if entry["interval"]:
        parts.append(
            f" (95% interval {number_format.interval(entry['interval'], entry['estimate'], entry['unit'])})"
        )
    if "median_days" in entry:
        parts.append(f"; median {days_or_not('median', entry)}")
    return f"{''.join(parts)}, in {entry['n']:,} simulated patients."


def _when(entry: Mapping[str, Any]) -> str:
    days = entry["estimate_days"]
    return next(time_label(time) for time, row in entry["at"].items() if row["days"] == days)


def subtitle(arm: Arm) -> str:
    """How many patients, and how long they are followed."""
    summary = arm.summary
    parts = [f"{summary['patients']:,} simulated patients"]
    if summary["replications"] > 1:
        parts = [f"{summary['replications']:,} replications", f"{parts[0]} in all"]
    if len(arm.about) < summary["patients"]:
        parts.append(f"{len(arm.about):,} after the warm-up")
    parts += [f"seed {summary['seed']}"] if "seed" in summary else []
    return ", ".join([*parts, f"horizon {number_format.time(summary['horizon_days'])}"])
