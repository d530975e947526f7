"""What a page rests on: parameters with assumptions first, what layers changed, how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.report.page.arms import Arm
from sim.report.page.parts import Cell, Section, Table
from sim.report.tables.interval_notes import assumed_of
from sim.report.text.protocol import STATUSES
from sim.scenario.language.model import Change, Parameter

LONGEST = 240
"""Letters of a change that are told; the record of a run has them all."""


def evidence_section(arms: Sequence[Arm]) -> Section:
    """The parameters of the first arm by status, the weakest first; those of other arms where they differ."""
    first = arms[0].scenario.parameters
    tables = [
        _parameters(heading, group)
        for status, heading in STATUSES.items()
        if (group := [one for one in first if one.status == status])
    ]
    tables += [
        _parameters(f"Other in {arm.name}", others)
        for arm in arms[1:]
        if (others := [one for one in arm.scenario.parameters if one not in first])
    ]
    n, n_all = assumed_of([arm.scenario for arm in arms])
    lead = (
        f"{n} of {n_all} numbers are assumed or of no stated status; they come first."
        if n_all
        else "The scenario names no parameters: its numbers stand in the file without a source."
    )
    return Section("evidence", "What the numbers rest on", tuple(tables), lead)


def _parameters(heading: str, group: Sequence[Parameter]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (one.name, one.text, one.uncertainty or "none stated", one.source or "no source") for one in group
    ]
    head = ("parameter", "value", "uncertainty", "source")
    return Table(f"{heading}: {len(group)}", head, tuple(rows), is_prose=True)


def changes_section(arms: Sequence[Arm]) -> Section | None:
    """What layers and settings changed in each arm, old and new; None where nothing was changed."""
    tables = [
        _changes(f"Changed in {arm.name}" if len(arms) > 1 else "Changed by layers", arm.scenario.changes)
        for arm in arms
        if arm.scenario.changes
    ]
    return Section("changes", "What was changed", tuple(tables)) if tables else None


def _changes(caption: str, changes: Sequence[Change]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (one.path, cut(one.old) or "(nothing)", cut(one.new) or "(removed)", one.layer) for one in changes
    ]
    return Table(caption, ("path", "old", "new", "by"), tuple(rows), is_prose=True)


def cut(text: str) -> str:
    """A text of a scenario, without what is too long to be read in a table."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def provenance_section(arms: Sequence[Arm], facts: Mapping[str, Any]) -> Section:
    """How the page was made, so that it can be made again. facts: words and what stands beside them."""
    rows: list[tuple[Cell, ...]] = [(key, str(value)) for key, value in facts.items()]
    for arm in arms:
        of = f", {arm.name}" if len(arms) > 1 else ""
        rows.append((f"scenario{of}", arm.scenario.file))
        rows.append((f"digest{of}", arm.scenario.digest))
    notes = tuple(dict.fromkeys(note for arm in arms for note in arm.scenario.notes))
    table = Table("How this page was made", ("what", "which"), tuple(rows), notes, is_prose=True)
    return Section("provenance", "Provenance", (table,))
