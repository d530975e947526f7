"""The sections of a page, in the order in which a reader asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sim.outcomes.estimates import DifferenceRow
from sim.outcomes.results import ArmFacts, Results, time_in_prose
from sim.report.charts.bars import patient_changes
from sim.report.charts.forest import Bar, forest
from sim.report.page.arms import PageArm, shared_outcomes, words
from sim.report.page.document import Picture, Section
from sim.report.page.economic_section import economic_section
from sim.report.page.patient_pictures import census_section, stay_picture, swimmer_picture, twin_picture
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
from sim.report.tables.comparison_table import CHANCE, CHANGES, KINDS, assumed_parameters, change_cell
from sim.report.tables.model import Row, Table, Value, numbers, texts
from sim.report.tables.run_table import methods, overview, rows_of, value_cell
from sim.report.text.protocol import STATUSES
from sim.scenario.language.model import Change, Parameter
from sim.units import DAYS_IN

PAIRED = (
    "The thick line is the 95% interval over the same patients in both arms; the thin grey line below is "
    "the interval that runs without common patients would have."
)

LONGEST = 240
"""Letters of a change that are shown; the record of a run has all."""

RESOURCE_MEASURES = {
    "in_use": "in use",
    "utilisation": "utilisation",
    "queue": "queue",
    "unit_days": "unit-days in use",
    "grants_per_year": "granted a year",
    "mean_wait": "wait",
}


def sections(results: Results, arms: Sequence[PageArm], facts: Mapping[str, object]) -> tuple[Section, ...]:
    """All sections; those without content are left out. facts: how the page was made."""
    is_single = len(arms) == 1
    found = [
        *(() if is_single else _comparison(results, arms)),
        _outcomes(results),
        economic_section(results),
        _curves(results, arms),
        _values(results, arms),
        _pathways(results, arms),
        _patients(arms),
        _resources(results, arms),
        census_section(arms),
        _changes(arms[0]) if is_single else None,
        _evidence(arms),
        provenance_section(arms, facts),
    ]
    return tuple(section for section in found if section is not None)


def _outcomes(results: Results) -> Section:
    if len(results.arms) > 1:
        tables = comparison_table.overview(results)
    else:
        tables = (overview(results, results.reference.outcomes, "All outcomes"),)
    found = methods(results)
    return Section("outcomes", "All outcomes", tables, f"{found}." if found else "")


def _curves(results: Results, arms: Sequence[PageArm]) -> Section | None:
    items: list[Picture | Table] = []
    for outcome in shared_outcomes(arms):
        if outcome.kind == "time_to_event":
            items.append(curve_picture(results, arms, outcome))
        elif outcome.kind == "occupancy":
            items += outcome_tables(results, outcome.name)
    return Section("curves", "Outcomes over time", tuple(items)) if items else None


def _values(results: Results, arms: Sequence[PageArm]) -> Section | None:
    items: list[Picture | None] = []
    for outcome in shared_outcomes(arms):
        if outcome.kind == "attribute":
            items.append(value_picture(results, arms, outcome))
        elif outcome.kind == "waiting_for" and outcome.above is None:
            items.append(wait_picture(results, arms, outcome))
    found = tuple(item for item in items if item)
    return Section("values", "Grades, values and waits", found) if found else None


def _pathways(results: Results, arms: Sequence[PageArm]) -> Section:
    items: list[Picture | Table] = []
    for outcome in shared_outcomes(arms):
        if outcome.kind == "funnel":
            items += funnel_parts(results, arms, outcome)
    for arm in arms:
        items += pathway_parts(arm, is_named=len(arms) > 1)
    return Section("pathways", "Pathways through the stages", tuple(items))


def _patients(arms: Sequence[PageArm]) -> Section:
    swimmers = swimmer_picture(arms[0]) if len(arms) == 1 else None
    items = (occupancy_picture(arms), swimmers, stay_picture(arms))
    found = tuple(item for item in items if item)
    return Section("patients", "State occupancy and patient pathways", found)


def _resources(results: Results, arms: Sequence[PageArm]) -> Section | None:
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
    if not rows:
        return None
    columns = numbers("resource", *("estimate" if not name else results.label(name) for name in names))
    table = Table("Use of resources, averaged over time", columns, tuple(rows))
    picture = resource_picture(arms)
    return Section("resources", "Resources", (picture, table) if picture else (table,))


# ---------------------------------------------------------------- comparisons


def _comparison(results: Results, arms: Sequence[PageArm]) -> Iterator[Section]:
    """The sections of a comparison before all others."""
    reference, others = results.reference, results.arms[1:]
    tables = []
    for arm in others:
        rows = tuple(
            (path, cut(old or "") or "(nothing)", cut(new or "") or "(removed)")
            for path, old, new in arm.changes
        )
        title = f"{arm.label}: {len(rows)} difference{'s' * (len(rows) != 1)}"
        tables.append(Table(title, texts("path", reference.label, arm.label), rows))
    yield Section("scenarios", "What differs between the scenarios", tuple(tables))
    if pictures := _forests(results):
        names = ", ".join(f"{arm.label} ({arm.title})" for arm in results.arms)
        lead = f"A difference is the arm less the reference, {reference.label}. The arms: {names}."
        yield Section("differences", "Differences", tuple(pictures), lead)
    items: list[Picture | Table] = []
    if all(arm.better_is for arm in others):
        items.append(_changes_picture(results, others))
    if twins := twin_picture(arms):
        items.append(twins)
    items += [comparison_table.divergence_table(arm, reference.label) for arm in others if arm.divergences]
    shares = (rows_of(results.estimates, CHANGES, arm.name)["share", "unchanged"][0] for arm in others)
    unchanged = (
        f"With {arm.label}, {value_cell(share).text} of the patients have the same events."
        for arm, share in zip(others, shares, strict=True)
    )
    lead = "The same patients one by one, with the same random numbers until their paths diverge."
    yield Section(
        "patient-changes", "Patients whose outcome changes", tuple(items), " ".join([lead, *unchanged])
    )


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


def _forests(results: Results) -> list[Picture]:
    """Differences of shares in percentage points, and of mean times in days or months."""
    found = list(_differences(results))
    shares = [one for one in found if one[2].unit in number_format.SHARES]
    times = [one for one in found if one[2].unit == "days"]
    longest = max((abs(row.difference) for _, _, row in times), default=0.0)
    is_long = longest >= 2 * DAYS_IN["month"]
    scale, unit = (1 / DAYS_IN["month"], "months") if is_long else (1.0, "days")
    pictures = []
    for name, title, chosen, factor, axis in (
        ("shares", "Differences of probabilities and shares", shares, 100.0, "percentage points"),
        ("times", "Differences of mean times", times, scale, unit),
    ):
        if chosen:
            caption = f"{title} from {results.reference.label}, in {axis}. {PAIRED}"
            bars = [bar(label, arm, row, factor) for label, arm, row in chosen]
            tables = (_difference_table(title, chosen),)
            pictures.append(Picture(f"forest-{name}", title, caption, forest(bars, unit=axis), tables))
    return pictures


def _differences(results: Results) -> Iterator[tuple[str, str, DifferenceRow]]:
    """What is drawn: the outcome's label, the arm, and the difference of the headline or restricted mean."""
    for outcome in comparison_table.compared_outcomes(results):
        for arm in results.arms[1:]:
            pair = comparison_table.headline_difference(results, outcome, arm)
            if pair is not None and pair[2].is_known:
                yield outcome.label, arm.label, pair[2]
            rows = rows_of(results.differences, outcome.name, arm.name)["restricted_mean", ""]
            competes = outcome.description.headline.measure == "cumulative_incidence"
            if rows and rows[0].is_known and not competes:
                yield f"{outcome.label}, mean to {time_in_prose(rows[0].time_days)}", arm.label, rows[0]


def bar(label: str, arm: str, row: DifferenceRow, scale: float) -> Bar:
    """A difference in the unit of a forest plot."""
    low, high = sorted((scale * row.low, scale * row.high))
    independent = sorted((scale * row.independent_low, scale * row.independent_high))
    return Bar(label, arm, scale * row.difference, (low, high), (independent[0], independent[1]))


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


# ---------------------------------------------------------------- sources and provenance


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
    tables = tuple(_parameters(heading, group) for heading, group in groups if group)
    return Section("evidence", "Sources of the parameters", tables, lead)


def _parameters(heading: str, group: Sequence[Parameter]) -> Table:
    rows = tuple(
        (one.name, one.text, one.uncertainty or "none stated", one.source or "no source") for one in group
    )
    return Table(f"{heading}: {len(group)}", texts("parameter", "value", "uncertainty", "source"), rows)


def _changes(arm: PageArm) -> Section | None:
    """What layers and settings changed, old and new; None where nothing was changed."""
    changes: Sequence[Change] = arm.scenario.changes
    rows = tuple(
        (one.path, cut(one.old) or "(nothing)", cut(one.new) or "(removed)", one.layer) for one in changes
    )
    table = Table("Changed by layers", texts("path", "old", "new", "by"), rows)
    return Section("changes", "What was changed", (table,)) if rows else None


def cut(text: str) -> str:
    """A text of a scenario, cut where it is too long for a table."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def provenance_section(arms: Sequence[PageArm], facts: Mapping[str, object]) -> Section:
    """How the page was made, so that it can be made again."""
    rows: list[Row] = [(key, str(value)) for key, value in facts.items()]
    for arm in arms:
        suffix = f", {arm.label}" if len(arms) > 1 else ""
        rows.append((f"scenario{suffix}", arm.scenario.file))
        rows.append((f"digest{suffix}", arm.scenario.digest))
    notes = tuple(dict.fromkeys(note for arm in arms for note in arm.scenario.notes))
    return provenance(rows, notes)


def provenance(rows: Sequence[Row], notes: tuple[str, ...] = ()) -> Section:
    """The section of these facts."""
    table = Table("How this page was made", texts("what", "which"), tuple(rows), notes=notes)
    return Section("provenance", "Provenance", (table,))
