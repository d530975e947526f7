"""The checks of a scenario as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Console

from sim.report.tables.model import Column, Row, Table, Value, print_results
from sim.verification.battery import Check, Verdict, Verification


def print_verification(found: Verification, console: Console) -> None:
    """Print every check with what was compared, and how many pass."""
    print_results(
        console,
        found.title,
        about=[f"{found.patients:,} patients, seed {found.seed}"],
        tables=[verification_table(found)],
        notes=[*remarks(found), summary(found)],
    )


def remarks(found: Verification) -> Iterator[str]:
    """What fails, and where."""
    for one in found.failed:
        yield f"{one.check} fails{f': {one.note}' if one.note else ''}"


def verification_table(found: Verification) -> Table:
    """A row for each check."""
    columns = (Column("check", is_text=True), Column("value"), Column("reference"), Column("result"))
    return Table("", columns, tuple(map(_row, found.checks)))


def _row(check: Check) -> Row:
    if check.verdict is Verdict.NOT_APPLICABLE:
        return Value(check.check, check.note), "", "", check.verdict
    return Value(check.check, check.compared), f"{check.value:.3g}", f"{check.reference:g}", check.verdict


def summary(found: Verification) -> str:
    """How many checks pass, fail and do not apply."""
    counts = Counter(check.verdict for check in found.checks)
    n_not = counts[Verdict.NOT_APPLICABLE]
    others = f"; {n_not} not applicable" if n_not else ""
    return f"{counts[Verdict.PASS]} of {len(found.checks) - n_not} checks pass{others}"
