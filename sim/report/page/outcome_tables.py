"""The outcomes of the arms as tables: what the terminal prints of one run, side by side for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sim.report.page.arms import Arm, shared_outcomes, words
from sim.report.page.parts import Cell, Table
from sim.report.tables import number_format
from sim.report.tables.comparison_tables import change
from sim.report.tables.run_tables import called_mean, days_or_not, parts, remarks, time_label
from sim.scenario.language.model import Outcome

Entry = Mapping[str, Any]


def entries(arms: Sequence[Arm], name: str) -> list[tuple[str, Entry]]:
    """An outcome in each arm; of a single run, where it is grouped, in all and in each group."""
    if len(arms) > 1:
        return [(arm.name, arm.summary["outcomes"][name]) for arm in arms]
    entry = arms[0].summary["outcomes"][name]
    groups = [(f"{entry['by']} {key}", group) for key, group in entry.get("groups", {}).items()]
    return [("all" if groups else "estimate", entry), *groups]


def curve_table(arms: Sequence[Arm], name: str) -> Table:
    """An outcome that is read at several times: a row for each time, then medians and counts."""
    columns = entries(arms, name)
    whole = columns[0][1]
    apart = [(f"{arm.name} less", arm.differences[name]) for arm in arms if name in arm.differences]
    rows: list[tuple[Cell, ...]] = [
        (
            time_label(time),
            *(_reading(entry["at"][time], entry["unit"]) for _, entry in columns),
            *(difference(of["at"].get(time), whole["unit"]) for _, of in apart),
        )
        for time in whole["at"]
    ]
    for label, key in (("median", "median"), (called_mean(whole), "restricted_mean")):
        if f"{key}_days" in whole:
            between = (difference(of.get(key), "days") for _, of in apart)
            rows.append((label, *(_days(key, entry) for _, entry in columns), *between))
    for label, key in (("with the event", "events"), ("patients", "n")):
        if key in whole:
            rows.append((label, *(f"{entry[key]:,}" for _, entry in columns), *("" for _ in apart)))
    meaning = whole.get("curve_of", whole["estimate_of"])
    head = ("time", *(head for head, _ in columns), *(f"{head} {arms[0].name}" for head, _ in apart))
    return Table(meaning, head, tuple(rows), _notes([e for _, e in columns]))


def cause_table(arms: Sequence[Arm], name: str) -> Table:
    """Every end of an outcome with competing ends at every time, for each arm."""
    first = arms[0].summary["outcomes"][name]
    rows: list[tuple[Cell, ...]] = []
    for time in first["at"]:
        for cause in (name, *first["causes"]):
            cells = []
            for arm in arms:
                entry = arm.summary["outcomes"][name]
                of = entry if cause == name else entry["causes"][cause]
                cells.append(_estimate(of["at"][time], "probability"))
            end = end_in_words(arms[0].outcome(name)) if cause == name else words(cause)
            rows.append((f"{time_label(time)}: {end}", *cells))
    return Table(first["curve_of"], ("time and end", *_heads(arms)), tuple(rows), _notes([first]))


def end_in_words(outcome: Outcome) -> str:
    """The end that an outcome is about, among those that compete: the place it is, where it is a place."""
    until = outcome.until
    is_place = until is not None and until.kind in ("stage", "state") and until.when is None
    return words(until.name if until is not None and is_place else outcome.name)


def overview(arms: Sequence[Arm]) -> tuple[Table, ...]:
    """Every outcome as one number, those over time at their headline time; nothing where there are none.

    The paired difference from the first arm stands beside it; of more than two arms in a table of its own.
    """
    rows: list[tuple[Cell, ...]] = []
    for outcome in shared_outcomes(arms):
        columns = [arm.summary["outcomes"][outcome.name] for arm in arms]
        between = (difference(arm.differences.get(outcome.name), columns[0]["unit"]) for arm in arms[1:])
        told = columns[0]["label"] if len(arms) > 1 else (columns[0]["label"], columns[0]["estimate_of"])
        rows.append((told, *(_headline(e) for e in columns), *between))
        if any(key in columns[0] for key in ("at", "steps")):
            continue
        listed = [{part: of for part, of, _ in parts(entry)} for entry in columns]
        for part in listed[0]:
            cells = [
                _estimate(of[part], entry["unit"]) if part in of else "-"
                for of, entry in zip(listed, columns, strict=True)
            ]
            rows.append((part.strip(), *cells, *("" for _ in arms[1:])))
    if not rows:
        return ()
    head = ("outcome", *_heads(arms), *(f"{arm.name} less {arms[0].name}" for arm in arms[1:]))
    if len(arms) <= 2:
        return (Table("All outcomes", head, tuple(rows)),)
    n = 1 + len(arms)
    apart = tuple((row[0], *row[n:]) for row in rows if any(row[n:]))
    return (
        Table("All outcomes", head[:n], tuple(row[:n] for row in rows)),
        Table(
            f"Differences from {arms[0].name}; of shares in percentage points",
            ("outcome", *(arm.name for arm in arms[1:])),
            apart,
        ),
    )


def _heads(arms: Sequence[Arm]) -> tuple[str, ...]:
    return tuple(arm.name for arm in arms) if len(arms) > 1 else ("estimate",)


RESOURCE_FIGURES = (
    ("in use", ("in_use",), ""),
    ("utilisation", ("utilisation",), "share"),
    ("queue", ("queue",), ""),
    ("unit-days in use", ("unit_days",), ""),
    ("granted a year", ("grants_per_year",), ""),
    ("wait", ("waits", "days"), "days"),
)
"""What is told of a resource: in words, where it stands in its entry, and its unit."""


def resource_table(arms: Sequence[Arm]) -> Table | None:
    """Use of every resource that can be waited for, averaged over time, and what ended the waits for it."""
    rows: list[tuple[Cell, ...]] = []
    for name, first in arms[0].summary["resources"].items():
        entries = [arm.summary["resources"].get(name) for arm in arms]
        figures_of = [
            *RESOURCE_FIGURES,
            *(
                (f"wait ended by {how}", ("waits", "ended_by", how), "share")
                for how in first["waits"]["ended_by"]
            ),
        ]
        for what, path, unit in figures_of:
            cells = [_at(entry, path) for entry in entries]
            rows.append((f"{words(name)}, {what}", *(_estimate(c, unit) if c else "-" for c in cells)))
    if not rows:
        return None
    return Table("Use of resources, averaged over time", ("resource", *_heads(arms)), tuple(rows))


def _at(entry: Entry | None, path: Sequence[str]) -> Entry | None:
    """What stands at a path of an entry; None where there is no such thing."""
    for key in path:
        entry = None if entry is None else entry.get(key)
    return entry


def _estimate(entry: Entry, unit: str) -> tuple[str, str]:
    value, limits = entry["estimate"], entry["interval"]
    return number_format.amount(value, unit, limits), number_format.interval(limits, value, unit)


def _headline(entry: Entry) -> Cell:
    """The estimate of an outcome, and of a time to an event beneath it its median where it is reached."""
    value, limits = _estimate(entry, entry["unit"])
    median = entry.get("median_days")
    told = [
        limits,
        f"median {number_format.days(median, entry['median_interval'])}" if median is not None else "",
    ]
    return value, "\n".join(filter(None, told))


def _reading(row: Entry, unit: str) -> Cell:
    """An estimate at a time, with the number at risk beneath its interval."""
    value, limits = _estimate(row, unit)
    count = f"{row['at_risk']:,} at risk" if "at_risk" in row else f"of {row['n']:,}"
    return value, "\n".join(filter(None, [limits, count]))


def difference(leaf: Entry | None, unit: str) -> Cell:
    """A difference with its interval over the same patients; of shares in percentage points."""
    if leaf is None or leaf.get("difference") is None:
        return "-"
    value = leaf["difference"]
    limits = leaf["interval"]
    return change(value, unit, limits), number_format.interval(limits, value, unit)


def _days(key: str, entry: Entry) -> Cell:
    if f"{key}_days" not in entry:
        return ""
    value = entry[f"{key}_days"]
    limits = entry[f"{key}_interval"]
    return days_or_not(key, entry), number_format.days_interval(limits, value)


def _notes(found: Sequence[Entry]) -> tuple[str, ...]:
    """Who is left out, and why there is no interval; what the tables count is not said again."""
    said = (remark for entry in found for remark in remarks(entry))
    return tuple(dict.fromkeys(remark for remark in said if not remark.endswith("censored")))
