"""The sections of a page, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sim.outcomes.estimates import DifferenceRow
from sim.outcomes.results import ArmFacts, Results, time_in_prose
from sim.report.charts.bars import patient_changes
from sim.report.charts.forest import Difference, forest
from sim.report.page.arms import PageArm, shared_outcomes, words
from sim.report.page.document import Fold, Item, Picture, Section
from sim.report.page.economic_section import economic_section
from sim.report.page.patient_pictures import census, stay_picture, swimmer_picture, twin_picture
from sim.report.page.pictures import (
    curve_picture,
    occupancy_picture,
    outcome_tables,
    resource_picture,
    value_picture,
    wait_picture,
)
from sim.report.page.trajectory_pictures import funnel_parts, pathway_parts
from sim.report.tables import comparison_table, number_format
from sim.report.tables.certainty_table import (
    alternatives_table,
    certainty_sentences,
    certainty_table,
)
from sim.report.tables.comparison_table import CHANCE, CHANGES, KINDS, assumed_parameters, change_cell
from sim.report.tables.model import Row, Table, Value, numbers, texts
from sim.report.tables.run_table import methods, overview, rows_of, value_cell
from sim.report.text.protocol import STATUSES
from sim.scenario.source.citations import citations
from sim.units import DAYS_IN

PAIRED = (
    "The thick line is the 95% interval over the same patients in both arms; the thin grey line below is "
    "the interval that runs without common patients would have."
)

MOST_ROWS = 12
"""Rows of a forest plot that stand unfolded."""

LONGEST = 240
"""Letters of a change that are shown; the record of a run has all."""

RESOURCE_MEASURES = {
    "in_use": "in use",
    "utilisation": "utilisation",
    "queue": "queue",
    "unit_days": "unit-days in use",
    "grants_per_year": "granted a year",
    "mean_wait": "mean wait",
    "median_wait": "median wait",
    "percentile_90_wait": "90% wait at most",
    "mean_stay": "mean time held",
    "median_stay": "median time held",
    "percentile_90_stay": "90% are held at most",
}


def sections(results: Results, arms: Sequence[PageArm], facts: Mapping[str, object]) -> tuple[Section, ...]:
    """All sections; those without content are left out. facts: how the page was made."""
    found = [
        _differences(results) if len(arms) > 1 else None,
        _flow(results, arms),
        _waits(results, arms),
        _over_time(results, arms),
        _patient_changes(results, arms) if len(arms) > 1 else None,
        economic_section(results, arms),
        _all_outcomes(results),
        _evidence(arms),
        provenance_section(arms, facts),
    ]
    return tuple(section for section in found if section is not None)


def folds(items: Sequence[Picture | Table | None]) -> tuple[Fold, ...]:
    """Each of these that is there under its title."""
    return tuple(Fold(item.title, (item,)) for item in items if item is not None)


# ---------------------------------------------------------------- differences


def _certainty(results: Results) -> Fold:
    """The limits of the differences by each kind of uncertainty, and the structural alternatives."""
    limits = replace(certainty_table(results), notes=tuple(certainty_sentences(results)))
    alternatives = alternatives_table(results)
    return Fold("How sure are the differences?", (limits, *([alternatives] if alternatives else [])))


def _differences(results: Results) -> Section:
    """A forest of shares and one of times, the scenarios' settings that differ folded."""
    reference, others = results.reference, results.arms[1:]
    tables = []
    for arm in others:
        rows = tuple(
            (path, cut(old or "") or "(added)", cut(new or "") or "(removed)")
            for path, old, new in arm.changes
        )
        title = f"{arm.label}: {len(rows)} setting{'s' * (len(rows) != 1)}"
        tables.append(Table(title, texts("path", reference.label, arm.label), rows))
    lead = f"Each arm less {reference.label}. {PAIRED}"
    sure = [_certainty(results)] if results.certainty else []
    items = (*_forests(results), *sure, Fold("What differs between the scenarios", tuple(tables)))
    return Section("differences", "Differences", items, lead)


def _forests(results: Results) -> Iterator[Item]:
    """Differences of shares in percentage points, and of mean times in days or months."""
    found = list(_known_differences(results))
    times = [one for one in found if one[2].unit == "days"]
    longest = max((abs(row.difference) for _, _, row in times), default=0.0)
    is_long = longest >= 2 * DAYS_IN["month"]
    scale, unit = (1 / DAYS_IN["month"], "months") if is_long else (1.0, "days")
    reference, n = results.reference.label, len(results.arms) - 1
    shares = [one for one in found if one[2].unit in number_format.SHARES]
    for name, title, chosen, factor, axis in (
        ("shares", "Differences of probabilities and shares", shares, 100.0, "percentage points"),
        ("times", "Differences of mean times", times, scale, unit),
    ):
        bars = [_difference(label, arm, row, factor) for label, arm, row in chosen]
        shown = MOST_ROWS - MOST_ROWS % n
        for part, text in ((slice(shown), ""), (slice(shown, None), ", further outcomes")):
            if bars[part]:
                tables = (_difference_table(title, chosen[part]),)
                chart = forest(bars[part], unit=axis, reference=reference)
                picture = Picture(f"forest-{name}", title + text, "", chart, tables)
                yield Fold(f"{title}{text}: {len(bars[part])} rows", (picture,)) if text else picture


def _known_differences(results: Results) -> Iterator[tuple[str, str, DifferenceRow]]:
    """What is drawn: the outcome's label, the arm, and the difference of the headline or restricted mean.

    All arms of one number stand together.
    """
    for outcome in comparison_table.compared_outcomes(results):
        for arm in results.arms[1:]:
            pair = comparison_table.headline_difference(results, outcome, arm)
            if pair is not None and pair[2].is_known:
                yield outcome.label, arm.label, pair[2]
        for arm in results.arms[1:]:
            rows = rows_of(results.differences, outcome.name, arm.name)["restricted_mean", ""]
            competes = outcome.description.headline.measure == "cumulative_incidence"
            if rows and rows[0].is_known and not competes:
                yield f"{outcome.label}, mean to {time_in_prose(rows[0].time_days)}", arm.label, rows[0]


def _difference(label: str, arm: str, row: DifferenceRow, scale: float) -> Difference:
    """A difference in the unit of a forest plot."""
    low, high = sorted((scale * row.low, scale * row.high))
    independent = sorted((scale * row.independent_low, scale * row.independent_high))
    cell = change_cell(row)
    printed = f"{cell.text} ({cell.below})" if cell.below else cell.text
    return Difference(
        label, arm, scale * row.difference, (low, high), (independent[0], independent[1]), printed
    )


def _difference_table(title: str, chosen: Sequence[tuple[str, str, DifferenceRow]]) -> Table:
    rows = [
        (
            label,
            arm,
            change_cell(row),
            number_format.interval((row.independent_low, row.independent_high), row.difference, row.unit),
            number_format.plain(row.variance_ratio),
        )
        for label, arm, row in chosen
    ]
    heads = ("arm", "difference", "unpaired interval", "variance unpaired over paired")
    return Table(title, numbers("outcome", *heads), tuple(rows))


# ---------------------------------------------------------------- patients on their way


def _flow(results: Results, arms: Sequence[PageArm]) -> Section:
    """Funnels with their losses, the flow of the first arm, and folded that of the others."""
    items: list[Item] = []
    for outcome in shared_outcomes(arms):
        if outcome.kind == "funnel":
            picture, losses = funnel_parts(results, arms, outcome)
            items += [picture, *folds([losses])]
    for i, arm in enumerate(arms):
        picture, frequent = pathway_parts(arm, is_named=len(arms) > 1)
        items += [*([picture] if i == 0 else folds([picture])), *folds([frequent])]
    single = swimmer_picture(arms[0]) if len(arms) == 1 else None
    items += folds([single, stay_picture(arms)])
    return Section("flow", "Patient flow", tuple(items))


def _waits(results: Results, arms: Sequence[PageArm]) -> Section | None:
    """Queues and waits, the use of resources, and the census of a day."""
    waits = [
        wait_picture(results, arms, outcome)
        for outcome in shared_outcomes(arms)
        if outcome.kind == "waiting_for" and outcome.above is None
    ]
    shown = (resource_picture(arms), waits[0] if waits else None, census(arms))
    items: list[Item] = [item for item in shown if item is not None]
    items += folds(waits[1:])
    if (table := resource_table(results)).rows:
        items += folds([table])
    return Section("waits", "Waits and resources", tuple(items)) if items else None


def resource_table(results: Results) -> Table:
    """What is known of each resource that patients can wait for, a column for each arm."""
    names = ["" if len(results.arms) == 1 else arm.name for arm in results.arms]
    rows: list[Row] = []
    for resource in results.reference.resources:
        found = [rows_of(results.estimates, f"resources.{resource.name}", name) for name in names]
        figures = [(measure, "", what) for measure, what in RESOURCE_MEASURES.items()]
        figures += [("share_of_waits", way, f"wait ended by {way}") for way in resource.ways]
        for measure, part, what in figures:
            unit = "unit-days" if measure == "unit_days" else None  # not to be printed as months
            own = (one[measure, part] for one in found)
            cells = (value_cell(one[0], unit) if one else Value(number_format.NOTHING) for one in own)
            rows.append((f"{words(resource.name)}, {what}", *cells))
    columns = numbers("resource", *("estimate" if not name else results.label(name) for name in names))
    return Table("Use of resources, averaged over time", columns, tuple(rows))


def _over_time(results: Results, arms: Sequence[PageArm]) -> Section:
    """State occupancy, and folded the other outcomes over time and the values of attributes."""
    shared = shared_outcomes(arms)
    curves = [outcome for outcome in shared if outcome.kind == "time_to_event"][1:]
    pictures = [curve_picture(results, arms, outcome) for outcome in curves]
    values = [value_picture(results, arms, outcome) for outcome in shared if outcome.kind == "attribute"]
    occupancies = [
        Fold(tables[0].title, tables)
        for outcome in shared
        if outcome.kind == "occupancy" and (tables := outcome_tables(results, outcome.name))
    ]
    items: tuple[Item, ...] = (occupancy_picture(arms), *folds([*pictures, *values]), *occupancies)
    return Section("over-time", "Outcomes over time", items)


# ---------------------------------------------------------------- patients in pairs


def _patient_changes(results: Results, arms: Sequence[PageArm]) -> Section:
    """How the same patients fare in the other arms."""
    reference, others = results.reference, results.arms[1:]
    items: list[Item] = [_changes_picture(results, others)] if all(arm.better_is for arm in others) else []
    if twins := twin_picture(arms):
        items.append(twins)
    tables = [comparison_table.divergence_table(arm, reference.label) for arm in others if arm.divergences]
    items += folds(tables)
    shares = (rows_of(results.estimates, CHANGES, arm.name)["share", "unchanged"][0] for arm in others)
    unchanged = (
        f"With {arm.label}, {value_cell(share).text} of the patients have the same events."
        for arm, share in zip(others, shares, strict=True)
    )
    lead = "The same patients one by one, with the same random numbers until their paths diverge."
    return Section("patient-changes", "Patient-level differences", tuple(items), " ".join([lead, *unchanged]))


def _changes_picture(results: Results, arms: Sequence[ArmFacts]) -> Picture:
    bars = []
    for arm in arms:
        rows = rows_of(results.estimates, CHANGES, arm.name)
        bars.append((arm.label, {kind: rows["share", kind][0].estimate for kind in KINDS}))
    tables = tuple(comparison_table.changes_table(results, arm, arm.label) for arm in arms)
    meanings = "; ".join(f"{kind}: {text}" for kind, text in arms[0].better_is if kind in KINDS)
    caption = f"{meanings}. {CHANCE[:1].upper()}{CHANCE[1:]}."
    title = "Patients who do better, the same and worse"
    return Picture("better-and-worse", title, caption, patient_changes(bars), tables)


# ---------------------------------------------------------------- tables, sources and provenance


def _all_outcomes(results: Results) -> Section:
    if len(results.arms) > 1:
        tables = comparison_table.overview(results)
    else:
        tables = (overview(results, results.reference.outcomes, "All outcomes"),)
    found = methods(results)
    return Section("outcomes", "All outcomes", folds(tables), f"{found}." if found else "")


def _evidence(arms: Sequence[PageArm]) -> Section:
    """The parameters of the first arm by status, the weakest first; those of other arms where they differ."""
    first = arms[0].scenario.parameters
    groups = [
        (heading, [one for one in first if one.status == status]) for status, heading in STATUSES.items()
    ]
    groups += [
        (f"Different in {arm.label}", [one for one in arm.scenario.parameters if one not in first])
        for arm in arms[1:]
    ]
    n, n_all = assumed_parameters([arm.scenario for arm in arms])
    lead = (
        f"{n} of {n_all} parameters are assumed or have no stated status; they come first."
        if n_all
        else "The scenario has no named parameters: its numbers stand in the file without a source."
    )
    known = citations(file for arm in arms for file in arm.scenario.inputs)
    columns = texts("parameter", "value", "uncertainty", "source")
    items = []
    for heading, group in groups:
        rows = tuple(
            (
                one.name,
                one.text,
                one.uncertainty or "none stated",
                Value(one.source or "no source", known.get(one.source, "")),
            )
            for one in group
        )
        title = f"{heading}: {len(group)}"
        items += [Fold(title, (Table(title, columns, rows),), is_linked=True)] if group else []
    return Section("evidence", "Sources of the parameters", tuple(items), lead)


def cut(text: str) -> str:
    """A text of a scenario, cut where it is too long for a table."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def provenance_section(arms: Sequence[PageArm], facts: Mapping[str, object]) -> Section:
    """How the page was made, so that it can be made again, and what layers and settings changed."""
    rows: list[Row] = [(key, str(value)) for key, value in facts.items()]
    for arm in arms:
        suffix = f", {arm.label}" if len(arms) > 1 else ""
        rows.append((f"scenario{suffix}", arm.scenario.file))
        rows.append((f"digest{suffix}", arm.scenario.digest))
    notes = tuple(dict.fromkeys(note for arm in arms for note in arm.scenario.notes))
    changes = tuple(
        (one.path, cut(one.old) or "(added)", cut(one.new) or "(removed)", one.layer)
        for one in arms[0].scenario.changes
    )
    table = Table("Changed by layers", texts("path", "old", "new", "by"), changes)
    return provenance(rows, notes, [table] if changes and len(arms) == 1 else [])


def provenance(rows: Sequence[Row], notes: tuple[str, ...] = (), changes: Sequence[Table] = ()) -> Section:
    """The section of these facts."""
    table = Table("How this page was made", texts("what", "which"), tuple(rows), notes=notes)
    return Section("provenance", "Provenance", folds([table, *changes]))
