"""The pages of `verify`, as HTML text; the caller writes the file."""

from __future__ import annotations

from collections.abc import Mapping

from sim.report.page.document import Fold, Section, document
from sim.report.page.sections import provenance
from sim.report.tables import suite_table, verification_table
from sim.verification.battery import Verification
from sim.verification.suite import Suite


def suite_page(found: Suite, facts: Mapping[str, object]) -> str:
    """The page of the program against theory and published models. facts: how it was made."""
    tables = suite_table.suite_tables(found, full=True)
    return document(
        title=suite_table.TITLE,
        subtitle=f"{len(found.comparisons)} comparisons, seed {found.seed}",
        answer=f"{suite_table.summary(found)}.",
        notes=[*suite_table.remarks(found), suite_table.MEANING],
        sections=(
            Section(
                "comparisons", "Comparisons", tuple(Fold(one.title, (one,), is_linked=True) for one in tables)
            ),
            provenance([(name, str(value)) for name, value in facts.items()]),
        ),
    )


def verification_page(found: Verification, facts: Mapping[str, object]) -> str:
    """The page of the checks of a scenario. facts: how it was made."""
    return document(
        title=found.title,
        subtitle=f"{found.patients:,} patients, seed {found.seed}",
        answer=f"{verification_table.summary(found)}.",
        headline=(verification_table.verification_table(found),),
        notes=list(verification_table.remarks(found)),
        sections=(provenance([(name, str(value)) for name, value in facts.items()]),),
    )
