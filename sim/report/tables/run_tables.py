"""The outcomes of a run as tables for the terminal: 80 columns, plain text where it is not one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.report.tables import number_format
from sim.report.text.printing import printed

Entry: TypeAlias = Mapping[str, Any]
"""An outcome of `sim.outcomes.summary.summarise`, or one of its groups."""

FAINT = "dim"


def print_summary(
    summary: Mapping[str, Any], console: Console, *, outcomes: Sequence[str] | None = None
) -> None:
    """Print each outcome with its estimate, interval, number and meaning, then resources and notes.

    outcomes: those to print, None for all.
    """
    if outcomes:
        told = {name: entry for name, entry in summary["outcomes"].items() if name in outcomes}
        summary = {**summary, "outcomes": told}
    printed(console, lambda to: print_run(summary, to))


def print_run(summary: Mapping[str, Any], console: Console) -> None:
    """Print what print_summary does, as the console takes it."""
    console.print(Text(str(summary["title"]), style="bold"))
    console.print(Text(_about(summary), style=FAINT))
    outcomes: Mapping[str, Entry] = summary["outcomes"]
    console.print()
    for name, entry in outcomes.items():
        if "at" in entry:
            _print_curve(name, entry, console)
    single = {name: e for name, e in outcomes.items() if "at" not in e and "steps" not in e}
    if single:
        _print_single(single, console)
    for name, entry in outcomes.items():
        if "steps" in entry:
            _print_funnel(name, entry, console)
    if any("single_replications" in entry for entry in outcomes.values()):
        _print_single_replications(outcomes, console)
    if summary["resources"]:
        _print_resources(summary["resources"], console)
    console.print(Text(_kinds(summary), style=FAINT))
    for note in summary["notes"]:
        console.print(Text(f"Note: {note}"))


def _about(summary: Mapping[str, Any]) -> str:
    parts = [f"{summary['patients']:,} patients"]
    if summary["replications"] > 1:
        parts.append(f"{summary['replications']:,} replications")
    if "seed" in summary:
        parts.append(f"seed {summary['seed']}")
    parts.append(f"horizon {number_format.time(summary['horizon_days'])}")
    return ", ".join(parts)


def _kinds(summary: Mapping[str, Any]) -> str:
    """How the intervals were made, in the order in which they stand."""
    if summary["replications"] > 1:
        return f"95% intervals: Student, over {summary['replications']:,} replications"
    kinds = [e["interval_kind"] for e in summary["outcomes"].values() if e["interval_kind"]]
    return f"95% intervals over patients: {', '.join(dict.fromkeys(kinds))}" if kinds else ""


def _heading(name: str, entry: Entry, console: Console) -> None:
    console.print(Text(_called(name, entry), style="bold"))
    meaning = entry.get("curve_of", entry["estimate_of"])
    console.print(Text(meaning, style=FAINT))


def _called(name: str, entry: Entry) -> str:
    label = entry.get("label", name)
    return name if label == name else f"{name}: {label}"


def _table(first: str, *others: str) -> Table:
    """A table whose first column may wrap and whose others stand to the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column(Text(first))
    for other in others:
        table.add_column(Text(other), justify="right", no_wrap=True)
    return table


# ---------------------------------------------------------------- curves


def _print_curve(name: str, entry: Entry, console: Console) -> None:
    """Estimates at each time; beside each other where ends compete, then for the groups."""
    _heading(name, entry, console)
    if "causes" in entry:
        for columns in _batches([(name, entry), *entry["causes"].items()], console.width):
            _print_beside(columns, entry, console)
    else:
        _print_alone(entry, console)
    _print_remarks([entry], console)
    for columns in _batches(list(entry.get("groups", {}).items()), console.width):
        console.print(Text(f"{name} by {entry['by']}", style="bold"))
        _print_beside(columns, entry, console)
        console.print()


def _batches(columns: Sequence[tuple[str, Entry]], width: int) -> Iterable[list[tuple[str, Entry]]]:
    """Columns in groups that fit beside each other."""
    batch: list[tuple[str, Entry]] = []
    room = width
    for column in columns:
        needed = max(len(column[0]), len("26.1 to 29.9")) + 3
        if batch and needed > room:
            yield batch
            batch = []
        if not batch:
            room = width - len("restricted mean")
        batch.append(column)
        room -= needed
    if batch:
        yield batch


def _print_alone(entry: Entry, console: Console) -> None:
    number = "at risk" if "events" in entry else "n"
    table = _table("time", "estimate", "95% interval", number)
    for time, at in entry["at"].items():
        count = at["at_risk"] if "at_risk" in at else at["n"]
        table.add_row(
            time_label(time),
            number_format.share(at["estimate"], at["interval"]),
            number_format.share_interval(at["interval"]),
            f"{count:,}",
        )
    for label, key in (("median", "median"), (called_mean(entry), "restricted_mean")):
        if f"{key}_days" in entry:
            value, limits = entry[f"{key}_days"], entry[f"{key}_interval"]
            table.add_row(label, days_or_not(key, entry), number_format.days_interval(limits, value), "")
    console.print(table)


def _print_beside(columns: Sequence[tuple[str, Entry]], whole: Entry, console: Console) -> None:
    """One column each, its interval under every estimate."""
    table = _table("time", *(head for head, _ in columns))
    for time in whole["at"]:
        cells = [entry["at"][time] for _, entry in columns]
        table.add_row(
            time_label(time),
            *(_share_cell(c) for c in cells),
        )
    for label, key in (("median", "median"), (called_mean(whole), "restricted_mean")):
        if any(f"{key}_days" in entry for _, entry in columns):
            table.add_row(label, *(_days_cell(key, entry) for _, entry in columns))
    for label, key in (("events", "events"), ("n", "n")):
        if all(key in entry for _, entry in columns):
            table.add_row(label, *(f"{entry[key]:,}" for _, entry in columns))
    console.print(table)


def called_mean(entry: Entry) -> str:
    """What the restricted mean is called: where ends compete it is the time to whichever comes first."""
    return "mean to any end" if "causes" in entry else "restricted mean"


def time_label(label: str) -> str:
    """The name of a time as a reader has it: `1 year`."""
    return label.removesuffix("s") if label.startswith("1 ") else label


def _days_cell(key: str, entry: Entry) -> Text:
    if f"{key}_days" not in entry:
        return Text("")
    limits = number_format.days_interval(entry[f"{key}_interval"], entry[f"{key}_days"])
    return cell(days_or_not(key, entry), limits)


def days_or_not(key: str, entry: Entry) -> str:
    """A time of an entry; a median may not be reached, where there is anybody who could reach it."""
    value, limits = entry[f"{key}_days"], entry[f"{key}_interval"]
    if key == "median" and value is None and entry.get("n") != 0:
        return "not reached"
    return number_format.days(value, limits)


def _share_cell(of: Entry) -> Text:
    return cell(
        number_format.share(of["estimate"], of["interval"]), number_format.share_interval(of["interval"])
    )


def cell(estimate: str, interval: str) -> Text:
    """An estimate with its interval below."""
    return Text.assemble(estimate, ("\n" + interval, FAINT)) if interval else Text(estimate)


# ---------------------------------------------------------------- single numbers


def _print_single(outcomes: Mapping[str, Entry], console: Console) -> None:
    """All outcomes that are one number, with their groups and parts, in one table."""
    table = _table("outcome", "estimate", "95% interval", "n")
    for name, entry in outcomes.items():
        meaning = Text.assemble((_called(name, entry), "bold"), ("\n" + entry["estimate_of"], FAINT))
        table.add_row(meaning, *_numbers(entry, entry["unit"], entry["n"]))
        for part, of, n in parts(entry):
            table.add_row(Text(f"  {part}"), *_numbers(of, entry["unit"], n))
        table.add_section()
    console.print(table)
    _print_remarks(list(outcomes.values()), console, names=list(outcomes))


def parts(entry: Entry) -> Iterable[tuple[str, Entry, int]]:
    """Categories, kinds of waits, and groups: what stands under an outcome, each with its number."""
    for name, one in entry.get("shares", {}).items():
        yield name, one, one["count"]
    for name in ("served", "left"):
        if name in entry:
            yield name, entry[name], entry[name]["n"]
    for name, group in entry.get("groups", {}).items():
        yield f"{entry['by']} {name}", group, group["n"]
        for category, one in group.get("shares", {}).items():
            yield f"  {category}", one, one["count"]


def _numbers(entry: Entry, unit: str, n: int) -> tuple[str, str, str]:
    value, limits = entry["estimate"], entry["interval"]
    return number_format.amount(value, unit, limits), number_format.interval(limits, value, unit), f"{n:,}"


def _print_funnel(name: str, entry: Entry, console: Console) -> None:
    _heading(name, entry, console)
    for title, of in [("", entry), *((f"{entry['by']} {k}", g) for k, g in entry.get("groups", {}).items())]:
        if title:
            console.print(Text(title, style="bold"))
        table = _table("step", "patients", "of the step before", "of the first")
        for step in of["steps"]:
            table.add_row(
                Text(step["of"]),
                f"{step['count']:,}",
                _share_cell(step),
                number_format.share(step["of_first"]),
            )
        console.print(table)
    _print_remarks([entry], console)


def _print_single_replications(outcomes: Mapping[str, Entry], console: Console) -> None:
    """What one future may come to: the intervals above are those of the mean of all."""
    console.print(Text("Single replications: what one of them may come to", style="bold"))
    table = _table("outcome", "5%", "half of them", "95%")
    for name, entry in outcomes.items():
        if "single_replications" in entry:
            unit = "share" if entry["unit"] == "probability" else entry["unit"]
            each = (number_format.amount(value, unit) for value in entry["single_replications"].values())
            when = f" at {number_format.time(entry['estimate_days'])}" if "estimate_days" in entry else ""
            table.add_row(Text(f"{name}{when}"), *each)
    console.print(table)
    console.print()


def _print_resources(resources: Mapping[str, Entry], console: Console) -> None:
    console.print(Text("Use of resources, averaged over time", style="bold"))
    table = _table("resource", "in use", "utilisation", "queue")
    for name, of in resources.items():
        cells = []
        for figure, unit in (("in_use", ""), ("utilisation", "share"), ("queue", "")):
            value, limits = of[figure]["estimate"], of[figure]["interval"]
            cells.append(
                cell(number_format.amount(value, unit, limits), number_format.interval(limits, value, unit))
            )
        table.add_row(Text(name), *cells)
    console.print(table)
    console.print()
    console.print(Text("Waits for resources", style="bold"))
    table = _table("resource, and what ended the wait", "share", "days", "granted a year", "n")
    for name, of in resources.items():
        waits = of["waits"]
        days, granted = waits["days"]["estimate"], of["grants_per_year"]["estimate"]
        told = (number_format.amount(days, "days"), number_format.amount(granted, ""), f"{waits['n']:,}")
        table.add_row(Text(name), "", *told)
        for ended, share in waits["ended_by"].items():
            table.add_row(Text(f"  {ended}"), _share_cell(share), "", "", "")
    console.print(table)
    console.print()


# ---------------------------------------------------------------- remarks


def _print_remarks(entries: Sequence[Entry], console: Console, *, names: Sequence[str] = ()) -> None:
    """Why there is no interval, and who is left out; one line for all outcomes that say the same."""
    said: dict[str, list[str]] = {}
    for i, entry in enumerate(entries):
        for remark in remarks(entry):
            said.setdefault(remark, []).append(names[i] if names else "")
    for remark, about in said.items():
        whose = f"{', '.join(about)}: " if names and len(about) < len(entries) else ""
        console.print(Text(whose + remark, style=FAINT))
    console.print()


def remarks(entry: Entry) -> Iterable[str]:
    """What is to be known of an outcome besides its numbers."""
    if "censored" in entry:
        yield f"{entry['n']:,} patients, {entry['events']:,} with the event, {entry['censored']:,} censored"
    if "interval_note" in entry:
        yield f"no interval: {entry['interval_note']}"
    if entry.get("left_out"):
        yield f"left out: {entry['left_out']:,} {entry.get('left_out_are', 'patients')}"
    if entry.get("replications_left_out"):
        yield f"left out: {entry['replications_left_out']:,} replications in which nobody qualifies"
    if "steady_state_note" in entry:
        yield entry["steady_state_note"]
    if "groups_note" in entry:
        yield entry["groups_note"]
    if "restricted_mean_until_days" in entry:
        yield f"{called_mean(entry)}: {entry['restricted_mean_of']}"
