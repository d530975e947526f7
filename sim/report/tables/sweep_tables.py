"""A sweep as tables for the terminal, 80 columns wide, and as one long table for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.outcomes.comparison.sweep_results import are_told_apart
from sim.report.tables import number_format
from sim.report.tables.comparison_tables import change
from sim.report.tables.run_tables import FAINT, cell
from sim.report.text.printing import printed

Told: TypeAlias = Mapping[str, Any]
"""What `sim.runs.sweep.carry_out` gives as its table, or a part of it."""

LEGEND = (
    "difference: the cell less the reference, 95% interval over the same patients (with several "
    "replications over the same replications) in both"
)
PER = 100
"""Patients that the effects of one more unit are told for."""
EFFECTS = {
    "waiting_days": ("waiting days saved", "saves most waiting days", -1),
    "lost_waiting": ("fewer lost in a queue", "keeps most patients from being lost in a queue", -1),
    "life_years": ("life-years gained", "gains most life-years", 1),
}
"""What one more unit does: as a head, in a sentence, and the sign of what is good."""


def print_sweep(told: Told, console: Console) -> None:
    """Print a table of cells for each outcome."""
    printed(console, lambda to: _print_sweep(told, to))


def _print_sweep(told: Told, console: Console) -> None:
    _print_head(told, console)
    cells = whole(told)
    for name, first in next(iter(cells.values()))["outcomes"].items():
        console.print()
        _print_outcome(name, first, told, console)
    console.print()
    console.print(Text(LEGEND, style=FAINT))
    _print_notes(told, console)
    _print_failed(told, console)


def _print_head(told: Told, console: Console) -> None:
    console.print(Text(told["title"], style="bold"))
    reference = told["cells"][told["reference"]]["summary"]
    parts = [f"{len(told['cells'])} cells", f"{reference['patients']:,} patients in the reference"]
    if told["replications"] > 1:
        parts.append(f"{told['replications']:,} replications")
    parts += [f"seed {told['seed']}", f"horizon {number_format.time(told['horizon_days'])}"]
    console.print(Text(", ".join(parts), style=FAINT))


def _print_outcome(name: str, first: Told, told: Told, console: Console) -> None:
    """One outcome over the cells."""
    label = told["cells"][told["reference"]]["summary"]["outcomes"][name]["label"]
    console.print(Text(name if label == name else f"{name}: {label}", style="bold"))
    console.print(Text(first["estimate_of"], style=FAINT))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for head in short_names(told["varied"]):
        table.add_column(Text(head), justify="right")
    for head in ("estimate", "difference"):
        table.add_column(Text(head), justify="right", no_wrap=True)
    notes: dict[str, None] = {}
    for called, of in whole(told).items():
        leaf, unit = of["outcomes"][name], first["unit"]
        values = (Text(value) for value in values_of(told, of))
        is_reference = called == told["reference"]
        table.add_row(*values, _estimate(leaf, unit), Text("reference") if is_reference else _gap(leaf, unit))
        if "interval_note" in leaf["difference"] and not is_reference:
            notes[leaf["difference"]["interval_note"]] = None
    console.print(table)
    for note in notes:
        console.print(Text(f"note: {note}", style=FAINT))


def _estimate(leaf: Told, unit: str) -> Text:
    value = leaf["estimate"]
    limits = leaf["interval"]
    return cell(number_format.amount(value, unit, limits), number_format.interval(limits, value, unit))


def _gap(leaf: Told, unit: str) -> Text:
    of = leaf["difference"]
    value, limits = of["difference"], of["interval"]
    return cell(change(value, unit, limits), number_format.interval(limits, value, unit))


def whole(told: Told) -> dict[str, Told]:
    """The cells that came to something."""
    return {name: of for name, of in told["cells"].items() if "failed" not in of}


def values_of(told: Told, of: Told) -> list[str]:
    """What stands in a cell at each varied path; a default that is not written is `default`."""
    return [of["changes"].get(path, told["as_it_stands"][path]) or "default" for path in told["varied"]]


def short_names(paths: Sequence[str]) -> list[str]:
    """Each path by as few of its last words as tell it from the others, two at least."""
    words = [path.split(".") for path in paths]
    for n in range(2, max(map(len, words), default=0) + 1):
        short = [".".join(path[-n:]) for path in words]
        if len(set(short)) == len(short):
            return short
    return list(paths)


def _print_notes(told: Told, console: Console) -> None:
    for note in told["notes"]:
        console.print(Text(f"Note: {note}"))


def _print_failed(told: Told, console: Console) -> None:
    for name, of in told["cells"].items():
        if "failed" in of:
            console.print(Text(f"Failed: {name}: {of['failed']}"))


# ---------------------------------------------------------------- one more unit


def print_one_more(told: Told, console: Console) -> None:
    """Print which single unit saves most, then what each does, the largest saving of days first."""
    printed(console, lambda to: _print_one_more(told, to))


def _print_one_more(told: Told, console: Console) -> None:
    for sentence in answers(told):
        console.print(Text(sentence, style="bold"))
    _print_notes(told, console)
    console.print()
    _print_head(told, console)
    console.print()
    console.print(Text(f"One unit more, per {PER} patients", style="bold"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("one more", no_wrap=True)
    table.add_column("units then", justify="right")
    known = [name for name in EFFECTS if name in told["cells"][told["reference"]]["burden"]]
    for name in known:
        table.add_column(Text(EFFECTS[name][0]), justify="right")
    for _, of in by_effect(told, known[0]):
        (path,) = of["changes"]
        cells = [_effect_cell(of["burden"][name], name) for name in known]
        table.add_row(Text(resource_of(path)), Text(of["changes"][path]), *cells)
    console.print(table)
    reference = told["cells"][told["reference"]]["burden"]
    for name in known:
        of = reference[name]
        value = (
            number_format.plain(PER * of["estimate"]) if of["estimate"] is not None else number_format.NOTHING
        )
        console.print(Text(f"as it stands {value}: {PER} times the {of['estimate_of']}", style=FAINT))
    pairs = [
        of["burden"][name]["difference"]
        for called, of in whole(told).items()
        for name in known
        if called != told["reference"]
    ]
    for note in dict.fromkeys(pair["interval_note"] for pair in pairs if pair["interval"] is None):
        console.print(Text(f"note: {note}", style=FAINT))
    _print_failed(told, console)


def answers(told: Told) -> Iterator[str]:
    """For each effect the resource whose one unit more does most, in a sentence.

    With those it is not told apart from; one replication has no interval, and no such answer.
    """
    if told["replications"] == 1:
        yield "One replication cannot tell which single unit does most: ask for several, `--replications 20`."
        return
    for name, (head, does_most, sign) in EFFECTS.items():
        ranked = [of for _, of in by_effect(told, name)]
        shown = [of for of in ranked if _is_shown(of["burden"][name], sign)]
        if not ranked:
            continue
        if not shown:
            yield f"No single unit is shown to make a difference in {head}."
        elif shown[0] is not ranked[0]:
            yield f"Not told is which single unit {does_most}; shown to make a difference: {_named(shown)}."
        else:
            value, limits = effect(shown[0]["burden"][name], sign)
            told_by = f"{number_format.plain(value)} per {PER} patients"
            near = [
                of for of in ranked[1:] if not are_told_apart(shown[0]["burden"][name], of["burden"][name])
            ]
            yield (
                f"One more {_named(shown[:1])} {does_most}: {told_by} "
                f"(95% interval {number_format.interval(limits, value, '')})"
                f"{', but is not told apart from ' if near else ''}{_named(near)}."
            )


def _is_shown(leaf: Told, sign: int) -> bool:
    """Whether one more unit surely does some good."""
    _, limits = effect(leaf, sign)
    return limits is not None and limits[0] > 0


def _named(cells: Sequence[Told]) -> str:
    """The resources of which these cells have one unit more."""
    return ", ".join(resource_of(path) for of in cells for path in of["changes"])


def by_effect(told: Told, name: str) -> list[tuple[str, Told]]:
    """The cells but the reference, the one that does most first."""
    sign = EFFECTS[name][2]
    cells = [
        (called, of)
        for called, of in whole(told).items()
        if called != told["reference"] and name in of["burden"]
    ]
    return sorted(cells, key=lambda item: -(effect(item[1]["burden"][name], sign)[0] or 0.0))


def effect(leaf: Told, sign: int, interval: str = "interval") -> tuple[float | None, list[float] | None]:
    """What is saved or gained per PER patients, with its interval, or the `independent_interval`."""
    value, limits = leaf["difference"]["difference"], leaf["difference"][interval]
    if value is None:
        return None, None
    scaled = sorted(sign * PER * end + 0.0 for end in limits) if limits else None
    return sign * PER * value + 0.0, scaled  # adding 0 makes -0 0


def resource_of(path: str) -> str:
    """The resource in `resources.NAME.capacity`."""
    return path.split(".")[1]


def _effect_cell(leaf: Told, name: str) -> Text:
    value, limits = effect(leaf, EFFECTS[name][2])
    return cell(number_format.plain(value, limits), number_format.interval(limits, value, ""))


# ---------------------------------------------------------------- for other programs


def long_table(told: Told) -> str:
    """CSV: a row for each cell and outcome, the varied values in columns of their own."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbers = ("estimate", "low", "high", "difference", "difference_low", "difference_high", "standard_error")
    writer.writerow(["cell", "is_reference", *told["varied"], "outcome", "unit", *numbers, "estimate_of"])
    for called, of in whole(told).items():
        for name, leaf in (of["outcomes"] | of["burden"]).items():
            limits = leaf["interval"] or (None, None)
            of_pair = leaf["difference"]
            apart = of_pair["interval"] or (None, None)
            values = (leaf["estimate"], *limits, of_pair["difference"], *apart, of_pair["standard_error"])
            is_reference = "true" if called == told["reference"] else "false"
            head = (called, is_reference, *values_of(told, of), name, leaf["unit"])
            writer.writerow([*head, *values, leaf["estimate_of"]])
    return text.getvalue()
