"""A comparison as tables: the answer, what differs, how patients change, the differences of outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from string import ascii_uppercase

from rich.console import Console

from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.outcomes.results import ArmFacts, OutcomeFacts, Results, group_value, time_in_prose
from sim.report.tables import number_format
from sim.report.tables.economic_tables import BY_YEAR, incremental_tables, year_table
from sim.report.tables.model import (
    BOLD,
    FAINT,
    Column,
    Table,
    Value,
    numbers,
    print_table,
    printed,
    prose,
    texts,
)
from sim.report.tables.model import Row as TableRow
from sim.report.tables.run_table import (
    Rows,
    count_cell,
    counterpart,
    event_counts,
    headline,
    labelled,
    parts,
    restricted_mean_name,
    rows_of,
    title_of,
    value_cell,
)
from sim.scenario.language.model import Scenario

MOST_CHANGES, MOST_DIVERGENCES, LONGEST_VALUE = 30, 6, 200
"""How much of each the terminal shows."""

ASSUMED = ("assumed", "")
"""Statuses of a parameter without a source."""

LEGEND = (
    "difference: the arm less the reference, 95% interval over the same patients in both; unpaired: the "
    "interval that runs without common patients would have; gain: the variance without pairing over the "
    "variance with it"
)

CHANCE = (
    "a patient has the same random numbers in both arms until the paths diverge, and after that only for "
    "events of the same name: unchanged, and better less worse, show the effect of the change, while better "
    "and worse alone also count chance"
)

CHANGES, NET = "patient_changes", "better_less_worse"
KINDS = ("better", "same", "worse")


def print_comparison(
    results: Results, scenarios: Sequence[Scenario], console: Console, outcomes: Sequence[str] | None = None
) -> None:
    """Print the answer, the arms, how patients change, and the differences of outcomes.

    scenarios: of the arms. outcomes: names of those to print, None for all.
    """
    printed(console, lambda to: _print(results, scenarios, to, outcomes))


def _print(
    results: Results, scenarios: Sequence[Scenario], console: Console, outcomes: Sequence[str] | None
) -> None:
    sentences = answer(results)
    prose(console, sentences, BOLD)
    if note := interval_note(sentences, results, scenarios):
        prose(console, note)
    console.print()
    letters = dict(zip((arm.name for arm in results.arms), ascii_uppercase, strict=False))
    for arm in results.arms:
        is_reference = " (the reference)" if arm is results.reference else ""
        prose(console, f"{letters[arm.name]}  {arm.label}: {arm.title}{is_reference}")
    prose(console, about(results), FAINT)
    for arm in results.arms[1:]:
        console.print()
        _print_differing(arm, results.reference.label, console)
    for outcome in compared_outcomes(results):
        if (outcomes and outcome.name not in outcomes) or outcome.name == BY_YEAR:
            continue
        for arm in results.arms[1:]:
            for table in difference_tables(results, outcome, arm, letters):
                console.print()
                print_table(table, console)
    is_valued = len(results.incremental) > 0 or BY_YEAR in results.estimates.present("outcome")
    if is_valued and (not outcomes or {"cost", "qaly"} & set(outcomes)):
        years = year_table(results)
        for table in (*incremental_tables(results), *([years] if years is not None else [])):
            console.print()
            print_table(table, console)
    for arm in results.arms[1:]:
        console.print()
        prose(console, f"Patients whose outcome changes with {arm.label}", BOLD)
        print_table(changes_table(results, arm), console)
        if arm.divergences:
            console.print()
            print_table(divergence_table(arm, results.reference.label, most=MOST_DIVERGENCES), console)
    if any(arm.better_is for arm in results.arms):
        console.print()
        prose(console, CHANCE, FAINT)
    console.print()
    prose(console, LEGEND, FAINT)
    for note in results.notes:
        prose(console, f"Note: {note}")


def about(results: Results) -> str:
    """Replications, patients, seed and horizon."""
    arm = results.reference
    found = [f"{arm.patients:,} patients in each"]
    if results.replications > 1:
        found = [f"{results.replications:,} replications", f"{found[0]} arm in all"]
    unchanged = results.estimates.where(outcome=CHANGES, measure="share", part="unchanged")
    counted = next((row.n for row in unchanged), arm.patients)
    if counted < arm.patients:
        found.append(f"{counted:,.0f} after the warm-up")
    return ", ".join([*found, f"seed {results.seed}", f"horizon {number_format.time(arm.horizon)}"])


# ---------------------------------------------------------------- the answer


def compared_outcomes(results: Results) -> list[OutcomeFacts]:
    """The outcomes that have differences."""
    names = results.differences.present("outcome")
    found = {one.name: one for arm in reversed(results.arms) for one in arm.outcomes}
    return [found[name] for name in names if name in found]


def answer(results: Results) -> str:
    """The headline difference of the first outcome that has one, in a sentence for each arm.

    Waits in a queue that does not settle are no answer; such queues are named below it.
    """
    sentences = ["No outcome is known, and of a steady state, in all arms."]
    for outcome in compared_outcomes(results):
        found = [sentence for arm in results.arms[1:] if (sentence := _sentence(results, outcome, arm))]
        if found:
            sentences = found
            break
    return "\n".join([*sentences, *unsettled(results)])


def unsettled(results: Results) -> Iterator[str]:
    """A sentence for each resource with a queue that does not settle in some arms."""
    arms_of: dict[str, list[str]] = {}
    for arm in results.arms:
        for resource in arm.resources:
            if not resource.settles:
                arms_of.setdefault(resource.name, []).append(arm.label)
    for name, arms in arms_of.items():
        where = "" if len(arms) == len(results.arms) else f" with {', '.join(arms)}"
        yield f"The queue for {name} does not settle{where}: waits there depend on the horizon."


def headline_difference(
    results: Results, outcome: OutcomeFacts, arm: ArmFacts, *, group: str = "", at: float | None = None
) -> tuple[EstimateRow, EstimateRow, DifferenceRow] | None:
    """The headline in the reference and in the arm, and their difference; at a time that both arms have.

    at: another time of the curve, in days.
    """
    own = arm.outcome(outcome.name)
    measure, part, time = outcome.description.headline
    if own is None:
        return None
    if at is not None:
        time = at
    elif time is not None and own.description.headline.time is not None:
        time = min(time, own.description.headline.time)
    found = results.differences.find(
        outcome.name, measure, arm=arm.name, group=group, part=part, time_days=time
    )
    sides = [
        results.estimates.find(outcome.name, measure, arm=name, group=group, part=part, time_days=time)
        for name in (results.reference.name, arm.name)
    ]
    if found is None or sides[0] is None or sides[1] is None:
        return None
    return sides[0], sides[1], found


def _is_steady(results: Results, outcome: OutcomeFacts, arm: ArmFacts) -> bool:
    """Whether the queue behind an outcome settles in both arms."""
    own = (one.outcome(outcome.name) for one in (results.reference, arm))
    return not any(facts and facts.steady_state_note for facts in own)


def _sentence(results: Results, outcome: OutcomeFacts, arm: ArmFacts) -> str:
    found = headline_difference(results, outcome, arm)
    if found is None or not found[2].is_known or not _is_steady(results, outcome, arm):
        return ""
    reference, own, difference = found
    limits, unit = (difference.low, difference.high), difference.unit
    values = [number_format.amount(row.estimate, unit, limits) for row in (own, reference)]
    begin = outcome.description.begin or "the start"
    when = "" if isnan(own.time_days) else f" {time_in_prose(own.time_days)} after {begin}"
    label = outcome.label[:1].upper() + outcome.label[1:]
    sides = f"{values[0]} with {arm.label}, {values[1]} with {results.reference.label}"
    return f"{label}{when} is {sides}: a difference of {_in_words(difference)}."


def _in_words(row: DifferenceRow) -> str:
    limits = (row.low, row.high)
    text = number_format.change(row.difference, row.unit, limits)
    text += " percentage points" if row.unit in number_format.SHARES else ""
    if not row.has_interval:
        return f"{text} (no interval: {row.note or 'unknown'})"
    if row.standard_error == 0.0:
        return f"{text} ({row.note})"
    return f"{text} (95% interval {number_format.interval(limits, row.difference, row.unit)})"


def assumed_parameters(scenarios: Sequence[Scenario]) -> tuple[int, int]:
    """How many of the parameters of these scenarios are assumed, and how many there are; by name."""
    status = {one.name: one.status for scenario in reversed(scenarios) for one in scenario.parameters}
    return sum(one in ASSUMED for one in status.values()), len(status)


def interval_note(answer: str, results: Results, scenarios: Sequence[Scenario]) -> str:
    """What the interval of an answer covers: the noise of simulation only; "" where it has none."""
    return random_error_note(results, scenarios) if "95% interval" in answer else ""


def random_error_note(results: Results, scenarios: Sequence[Scenario]) -> str:
    """What every interval covers."""
    several, patients = results.replications > 1, results.reference.patients
    noise = f"{results.replications:,} replications" if several else f"{patients:,} simulated patients"
    n, total = assumed_parameters(scenarios)
    assumed = f" ({n} of {total} {'is' if n == 1 else 'are'} assumed)" if n else ""
    which = "every other 95% interval" if results.certainty else "a 95% interval"
    return (
        f"Simulation only: {which} covers the random error of {noise}, not the uncertainty of the "
        f"parameters{assumed}."
    )


# ---------------------------------------------------------------- scenarios and patients


def _print_differing(arm: ArmFacts, reference: str, console: Console) -> None:
    from sim.scenario.language.wording import change

    if arm.changes:
        prose(console, f"What differs with {arm.label}", BOLD)
    else:
        prose(console, f"{arm.label} is the same scenario as {reference}")
    for path, old, new in arm.changes[:MOST_CHANGES]:
        prose(console, f"  {change(path, _short(old or ''), _short(new or ''))}")
    if (rest := len(arm.changes) - MOST_CHANGES) > 0:
        prose(console, f"  and {rest} more")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def words(name: str) -> str:
    """A name in words: `better less worse`."""
    return name.replace("_", " ")


def changes_table(results: Results, arm: ArmFacts, title: str = "") -> Table:
    """The patients who do better, the same and worse, and those with the same events throughout."""
    rows = rows_of(results.estimates, CHANGES, arm.name)
    kinds = (*((*KINDS, NET) if arm.better_is else ()), "unchanged")
    cells: list[TableRow] = []
    for kind in kinds:
        days = [number_format.days(abs(row.estimate)) for row in rows["mean_days", kind] if row.is_known]
        share = rows["share", kind][0]
        shown = change_cell(share) if kind == NET else value_cell(share)
        cells.append((words(kind), count_cell(rows["count", kind]), *shown, *(days or [""])))
    columns = numbers("", "patients", "share", "95% interval", "mean difference")
    meanings = (f"{words(kind)}: {text}" for kind, text in arm.better_is if kind != "outcome")
    return Table(
        title, columns, tuple(cells), notes=(*meanings, "unchanged: no event, time or attribute differs")
    )


def divergence_table(arm: ArmFacts, reference: str, *, most: int | None = None) -> Table:
    """Where paths diverge first, the most frequent first, with the number of one patient."""
    cells: list[TableRow] = []
    for one in arm.divergences[:most]:
        other = one.arm if one.reference != one.arm else f"the same; {one.differs_in} differs"
        numbers = (f"{one.count:,}", number_format.share(one.share), str(one.patient))
        cells.append((one.stage or "the start", one.reference, other, *numbers))
    columns = (
        *texts("paths diverge in", f"with {reference}", f"with {arm.label}"),
        *map(Column, ("patients", "of all", "e.g.")),
    )
    rest = arm.divergences[len(cells) :]
    share = number_format.share(sum(one.share for one in rest))
    notes = (f"and in {len(rest)} more ways: {share}",) if rest else ()
    return Table(f"Where paths diverge first with {arm.label}", columns, tuple(cells), notes=notes)


# ---------------------------------------------------------------- differences


def difference_tables(
    results: Results, outcome: OutcomeFacts, arm: ArmFacts, heads: Mapping[str, str]
) -> Iterator[Table]:
    """The numbers of an outcome in an arm and the reference with their differences, and in each group.

    heads: of the columns of arms.
    """
    names, described = (results.reference.name, arm.name), outcome.description
    one, other = (heads[name] for name in names)
    columns = numbers("", one, other, f"{other} - {one}", "unpaired", "gain")
    for group in ("", *outcome.groups):
        found = rows_of(results.differences, outcome.name, arm.name, group)
        sides = [rows_of(results.estimates, outcome.name, name, group) for name in names]
        where = f" where {outcome.by} is {group_value(group)}" if group else ""
        curves = [end for measure, end in found if measure == described.headline.measure]
        for end in curves if described.curve else [""] if found else []:
            is_first = not group and not end
            yield Table(
                title_of(outcome) if is_first else f"{outcome.name}{where}{': ' if end else ''}{end}",
                columns,
                tuple(_rows(outcome, sides, found, end)),
                (described.curve or described.text) if is_first else "",
                () if end else tuple(_notes(outcome, sides, found, (one, other), is_first=is_first)),
            )


def _rows(
    outcome: OutcomeFacts, sides: Sequence[Rows[EstimateRow]], found: Rows[DifferenceRow], end: str
) -> Iterator[TableRow]:
    """A row for each number that both arms have. end: the competing end that a curve is of."""
    for label, row in labelled(outcome, found, end):
        unpaired = number_format.interval(
            (row.independent_low, row.independent_high), row.difference, row.unit
        )
        gain = number_format.NOTHING if isnan(row.variance_ratio) else f"{row.variance_ratio:,.1f}"
        yield label, *(counterpart(side, row) for side in sides), change_cell(row), Value("", unpaired), gain


def change_cell(row: DifferenceRow | EstimateRow | None) -> Value:
    """A difference with its interval over the same patients; of shares in percentage points."""
    if row is None or not row.is_known:
        return Value(number_format.NOTHING)
    difference = row.estimate if isinstance(row, EstimateRow) else row.difference
    limits = number_format.NONE if row.low == row.high else (row.low, row.high)
    text = number_format.change(difference, row.unit, limits)
    return Value(text, number_format.interval(limits, difference, row.unit))


def _notes(
    outcome: OutcomeFacts,
    sides: Sequence[Rows[EstimateRow]],
    found: Rows[DifferenceRow],
    heads: tuple[str, str],
    *,
    is_first: bool,
) -> Iterator[str]:
    """Patients and events, hazard ratio and distance of the distributions, what to know of the intervals."""
    for head, rows in zip(heads, sides, strict=True):
        if counts := event_counts(outcome, rows):
            yield f"{head}: {counts}"
    yield from (_hazard_ratio(outcome, row) for row in found["hazard_ratio", ""] if row.is_known)
    for row in (row for row in found["wasserstein_distance", ""] if row.is_known):
        until = found["restricted_mean", ""]
        to = f" to {time_in_prose(until[0].time_days)}" if until else ""
        amount = number_format.amount(row.difference, row.unit)
        yield f"distance between the distributions{to} (Wasserstein): {amount}"
    measure, part, _ = outcome.description.headline
    if (headlines := found[measure, part]) and headlines[-1].note:
        yield f"note: {headlines[-1].note}"
    meaning = outcome.description.meanings.get(("restricted_mean", ""))
    if is_first and meaning:
        yield f"{restricted_mean_name(outcome)}: {meaning}"


def _hazard_ratio(outcome: OutcomeFacts, row: DifferenceRow) -> str:
    competes = outcome.description.headline.measure == "cumulative_incidence"
    limits, unpaired = (row.low, row.high), (row.independent_low, row.independent_high)
    text = "cause-specific hazard ratio" if competes else "hazard ratio"
    text += f" over all the time observed {number_format.plain(row.difference, limits)}"
    if row.has_interval:
        text += f", {number_format.interval(limits, row.difference, '')}"
    apart = number_format.interval(unpaired, row.difference, "")
    return f"{text} (unpaired {apart})" if apart else text


# ---------------------------------------------------------------- all outcomes


def overview(results: Results) -> tuple[Table, ...]:
    """Every outcome that all arms have as one number in each, and the differences from the reference.

    With more than two arms the differences have a table of their own.
    """
    reference, others = results.reference, results.arms[1:]
    values: list[TableRow] = []
    changes: list[TableRow] = []
    for outcome in reference.outcomes:
        own = [arm.outcome(outcome.name) for arm in results.arms]
        if not all(one and one.kind == outcome.kind for one in own):
            continue
        rows = [rows_of(results.estimates, outcome.name, arm.name) for arm in results.arms]
        heads = (headline(one, found) for one, found in zip(own, rows, strict=True) if one)
        pairs = [headline_difference(results, outcome, arm) for arm in others]
        values.append((outcome.label, *map(value_cell, heads)))
        changes.append(tuple(change_cell(pair[2] if pair else None) for pair in pairs))
        for part, row in parts(outcome, rows[0]):
            values.append((f"  {part}", *(counterpart(found, row) for found in rows)))
            changes.append(("",) * len(others))
    columns = numbers("outcome", *(arm.label for arm in results.arms))
    if len(others) == 1:
        columns = (*columns, Column(f"{others[0].label} less {reference.label}"))
        both = (row + change for row, change in zip(values, changes, strict=True))
        return (Table("All outcomes", columns, tuple(both)),)
    title = f"Differences from {reference.label}; of shares in percentage points"
    known = ((row[0], *change) for row, change in zip(values, changes, strict=True) if any(change))
    apart = Table(title, numbers("outcome", *(arm.label for arm in others)), tuple(known))
    return Table("All outcomes", columns, tuple(values)), apart
