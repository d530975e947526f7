"""The comparisons with theory and published models as tables."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from rich.console import Console

from sim.report.tables.model import Row, Table, Value, numbers, print_results, texts
from sim.verification.battery import Verdict
from sim.verification.power import POWER
from sim.verification.suite import Comparison, Suite

TITLE = "Theory and published models"
MEANING = (
    f"±: half of the 95% interval. detects: the difference found with a probability of {POWER:.0%}, "
    "relative to the reference"
)


def print_suite(found: Suite, console: Console) -> None:
    """Print every comparison, and how many pass."""
    print_results(
        console,
        TITLE,
        about=[f"seed {found.seed}", MEANING],
        tables=suite_tables(found),
        notes=[*remarks(found), summary(found)],
    )


def suite_tables(found: Suite, *, full: bool = False) -> list[Table]:
    """A table for each part of the suite. full: with sources and the differences that matter."""
    parts = dict.fromkeys(one.part for one in found.comparisons)
    heads = ("reference", "simulated", "detects", *(("relevant",) if full else ()))
    columns = (*numbers("case", *heads), *texts("result"))
    return [
        Table(
            part[:1].upper() + part[1:],
            columns,
            tuple(_row(one, full=full) for one in found.comparisons if one.part == part),
        )
        for part in parts
    ]


def _row(one: Comparison, *, full: bool) -> Row:
    half = f" ± {_short(one.half_width)}" if one.half_width > 0 else ""
    detects, relevant = (_relative(one, size) for size in (one.detected, one.relevant))
    numbers = (_number(one.reference), f"{_number(one.simulated)}{half}", detects)
    case = f"{one.case}: {one.quantity}"
    if not full:
        return case, *numbers, str(one.verdict)
    return Value(case, one.source), *numbers, relevant, str(one.verdict)


def _relative(one: Comparison, size: float) -> str:
    """A difference relative to the reference, or as it is where that is 0."""
    if not isfinite(size):
        return ""
    return f"{size / abs(one.reference):.1%}" if one.reference else f"{size:.2g}"


def _short(value: float) -> str:
    """Two figures."""
    return f"{float(f'{value:.2g}'):,.10g}"


def _number(value: float) -> str:
    """Five figures, so that a deviation is visible."""
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.5g}"


def remarks(found: Suite) -> Iterator[str]:
    """What does not agree, and why."""
    for one in found.of(Verdict.FAIL):
        yield f"{one.case}: {one.quantity} fails: off by {_number(one.simulated - one.reference)}"
    for one in found.of(Verdict.NO_POWER):
        yield (
            f"{one.case}: {one.quantity} has no power: it detects {_number(one.detected)}, "
            f"not {_number(one.relevant)}"
        )
    for one in found.of(Verdict.EXPLAINED):
        yield f"{one.case}: {one.quantity} differs: {one.note}"


def summary(found: Suite) -> str:
    """How many comparisons pass, and how many do not."""
    counts = found.counts
    n = len(found.comparisons)
    others = {
        Verdict.FAIL: ("fails", "fail"),
        Verdict.NO_POWER: ("has no power", "have no power"),
        Verdict.EXPLAINED: ("differs with a reason", "differ with a reason"),
    }
    parts = [f"{counts[one]} {words[counts[one] > 1]}" for one, words in others.items() if counts[one]]
    return "; ".join([f"{counts[Verdict.PASS]} of {n} comparisons pass", *parts])
