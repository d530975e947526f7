"""The pages of a run, a comparison, a sweep and a patient, as HTML text; the caller writes the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sim.outcomes.evaluation import Arm
from sim.outcomes.results import Results
from sim.report.page.arms import PageArm
from sim.report.page.document import document
from sim.report.page.headline import headline_items
from sim.report.page.sections import sections
from sim.report.page.sweep_page import sweep_page
from sim.report.page.trace_page import trace_page
from sim.report.tables import comparison_table, number_format, run_table
from sim.report.tables.model import Table

__all__ = ["comparison_page", "run_page", "sweep_page", "trace_page"]


def run_page(arms: Sequence[Arm], results: Results, facts: Mapping[str, object]) -> str:
    """The page of a run, its only arm. facts: how it was made, as names and values."""
    return _page(arms, results, facts, run_table.answer(results))


def comparison_page(arms: Sequence[Arm], results: Results, facts: Mapping[str, object]) -> str:
    """The page of a comparison, the first arm the reference; of two arms the answer is about the second.

    Of several arms the table says what sentences would.
    """
    return _page(arms, results, facts, comparison_table.answer(results))


def _page(
    arms: Sequence[Arm],
    results: Results,
    facts: Mapping[str, object],
    answer: str,
) -> str:
    of_page = [
        PageArm.of(arm, facts_of.label, until(results, arm))
        for arm, facts_of in zip(arms, results.arms, strict=True)
    ]
    note = comparison_table.interval_note(answer, results, [arm.scenario for arm in arms])
    headline, below = headline_items(results, of_page)
    if len(arms) > 2 and isinstance(headline[0], Table):
        answer = "\n".join(comparison_table.unsettled(results))
    return document(
        title=results.heading,
        subtitle=_subtitle(of_page[0], results),
        answer=answer,
        headline=headline,
        interval_note=note,
        notes=[*below, *_notes(results)],
        sections=sections(results, of_page, facts),
    )


def until(results: Results, arm: Arm) -> float:
    """Days at which pictures over time end: the last time at which curves are read, else the horizon."""
    curves = [one for one in results.reference.outcomes if one.description.curve]
    times = [
        row.time_days
        for outcome in curves
        for row in results.estimates.where(outcome=outcome.name, measure=outcome.description.headline.measure)
    ]
    return max(times, default=arm.scenario.horizon)


def _notes(results: Results) -> Iterator[str]:
    """The notes of the results, then those of arms, with the arms' names where not all have them."""
    named: dict[str, list[str]] = {}
    for arm in results.arms:
        for note in arm.notes:
            named.setdefault(note, []).append(arm.label)
    yield from dict.fromkeys(
        [
            *results.notes,
            *(
                note if len(names) == len(results.arms) else f"with {', '.join(names)}, {note}"
                for note, names in named.items()
            ),
        ]
    )


def _subtitle(arm: PageArm, results: Results) -> str:
    """The number of patients, and how long they are followed."""
    patients, replications = results.reference.patients, results.replications
    parts = [f"{patients:,} simulated patients"]
    if replications > 1:
        parts = [f"{replications:,} replications", f"{parts[0]} in all"]
    if len(arm.patients) < patients:
        parts.append(f"{len(arm.patients):,} after the warm-up")
    horizon = number_format.time(results.reference.horizon)
    return ", ".join([*parts, f"seed {results.seed}", f"horizon {horizon}"])
