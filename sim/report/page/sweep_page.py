"""The page of a sweep: each outcome over the cells, or what one unit more of each resource does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.files import write_whole
from sim.report.charts.forest import Bar, forest
from sim.report.charts.sweep import Line, Point, sweep
from sim.report.page.comparison_sections import PAIRED
from sim.report.page.page import how_made, laid_out
from sim.report.page.parts import Cell, Picture, Section, Table
from sim.report.tables import number_format
from sim.report.tables.comparison_tables import change
from sim.report.tables.sweep_tables import (
    EFFECTS,
    LEGEND,
    PER,
    Told,
    answers,
    by_effect,
    effect,
    resource_of,
    short_names,
    values_of,
    whole,
)


def report_sweep(told: Told, path: Path, *, command: Sequence[str], is_one_more: bool) -> None:
    """Write the page whole or not at all. Raises: RunError where the disk refuses."""
    facts = how_made(command, seed=told["seed"], replications=told["replications"])
    write_whole(path, page_of_sweep(told, facts, is_one_more=is_one_more))


def page_of_sweep(told: Told, facts: Mapping[str, Any], *, is_one_more: bool) -> str:
    """The whole page."""
    reference = told["cells"][told["reference"]]["summary"]
    subtitle = f"{reference['patients']:,} patients, horizon {number_format.time(told['horizon_days'])}"
    sections = [one_more_section(told)] if is_one_more else list(outcome_sections(told))
    rows: list[tuple[Cell, ...]] = [(key, str(value)) for key, value in facts.items()]
    rows += [(f"digest, {name}", of["summary"]["digest"]) for name, of in whole(told).items()]
    failed = tuple(f"{name}: {of['failed']}" for name, of in told["cells"].items() if "failed" in of)
    made = Table("How this page was made", ("what", "which"), tuple(rows), failed, is_prose=True)
    return laid_out(
        title=told["title"],
        compared_with="",
        subtitle=subtitle,
        answer=" ".join(answers(told)) if is_one_more else _answer(told),
        notes=told["notes"],
        sections=(*sections, Section("provenance", "Provenance", (made,))),
    )


# ---------------------------------------------------------------- outcomes over the cells


def _answer(told: Told) -> str:
    """The first outcome from the first cell to the last, but of no queue that does not settle in these."""
    cells = list(whole(told).values())
    ends = [of["outcomes"] for of in (cells[0], cells[-1])]
    name = next((key for key in ends[0] if not any("steady_state_note" in of[key] for of in ends)), None)
    if name is None:
        return f"There is no outcome that is one number{' of a steady state' if ends[0] else ''}."
    label = told["cells"][told["reference"]]["summary"]["outcomes"][name]["label"]
    said = []
    for of in (cells[0], cells[-1]):
        leaf = of["outcomes"][name]
        said.append(f"{number_format.amount(leaf['estimate'], leaf['unit'])} with {_called(told, of)}")
    return f"{label}: {', '.join(said)}."


def _called(told: Told, of: Told) -> str:
    names = short_names(told["varied"])
    return ", ".join(f"{name} {value}" for name, value in zip(names, values_of(told, of), strict=True))


def outcome_sections(told: Told) -> Iterator[Section]:
    """A section for each outcome: a picture with its numbers."""
    first = next(iter(whole(told).values()))
    for name, leaf in first["outcomes"].items():
        label = told["cells"][told["reference"]]["summary"]["outcomes"][name]["label"]
        caption = f"{label}: {leaf['estimate_of']}. The whiskers are 95% intervals."
        picture = Picture(name, label, caption, _figure(told, name, leaf), _numbers(told, name, label))
        yield Section(name, label, (picture,))


def _figure(told: Told, name: str, leaf: Told) -> Any:
    """Lines over the first path, one for each choice of values at the others."""
    over, *others = short_names(told["varied"])
    reference = told["cells"][told["reference"]]
    lines: dict[str, list[Point]] = {}
    for of in whole(told).values():
        if of is reference and not of["changes"]:
            continue
        value, *rest = values_of(told, of)
        called = ", ".join(f"{other} {at}" for other, at in zip(others, rest, strict=True)) or name
        one = of["outcomes"][name]
        lines.setdefault(called, []).append(Point(value, one["estimate"], _pair(one["interval"])))
    return sweep(
        [Line(called, tuple(points)) for called, points in lines.items()],
        over=over,
        unit=leaf["unit"],
        is_share=leaf["unit"] in number_format.SHARES,
        as_it_stands=reference["outcomes"][name]["estimate"],
    )


def _pair(limits: Sequence[float | None] | None) -> tuple[float, float] | None:
    """Both ends of an interval; None where one is not known."""
    low, high = limits or (None, None)
    return None if low is None or high is None else (low, high)


def _numbers(told: Told, name: str, label: str) -> Table:
    """The estimates and differences of all cells."""
    rows: list[tuple[Cell, ...]] = []
    for called, of in whole(told).items():
        leaf = of["outcomes"][name]
        unit, apart = leaf["unit"], leaf["difference"]
        estimate = (
            number_format.amount(leaf["estimate"], unit, leaf["interval"]),
            number_format.interval(leaf["interval"], leaf["estimate"], unit),
        )
        between: Cell = (
            change(apart["difference"], unit, apart["interval"]),
            number_format.interval(apart["interval"], apart["difference"], unit),
        )
        rows.append((*values_of(told, of), estimate, "reference" if called == told["reference"] else between))
    head = (*short_names(told["varied"]), "estimate", "difference")
    return Table(label, head, tuple(rows), (LEGEND,))


# ---------------------------------------------------------------- one unit more


def one_more_section(told: Told) -> Section:
    """What one unit more does: a forest for each effect."""
    pictures = []
    for name, (head, _, sign) in EFFECTS.items():
        ranked = by_effect(told, name)
        if not ranked:
            continue
        bars, rows = [], []
        for _, of in ranked:
            (path,) = of["changes"]
            value, limits = effect(of["burden"][name], sign)
            apart = effect(of["burden"][name], sign, "independent_interval")[1]
            bars.append(Bar(resource_of(path), "one more", value or 0.0, _pair(limits), _pair(apart)))
            rows.append(
                (
                    resource_of(path),
                    of["changes"][path],
                    (number_format.plain(value, limits), number_format.interval(limits, value, "")),
                )
            )
        title = head[:1].upper() + head[1:]
        caption = f"{title} per {PER} patients by one unit more of each resource, with 95% intervals."
        numbers = Table(caption, ("one more", "units then", head), tuple(rows))
        figure = forest(bars, unit=f"{head} per {PER} patients")
        pictures.append(Picture(name, title, caption, figure, numbers))
    return Section("one-more", "One unit more", tuple(pictures), PAIRED)
