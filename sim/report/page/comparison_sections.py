"""What a comparison tells: what differs between the scenarios, and between what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.outcomes.labels import time_in_prose
from sim.report.charts.forest import Bar, forest
from sim.report.charts.patient_changes import KINDS, better_and_worse
from sim.report.page.arms import Arm
from sim.report.page.evidence import cut
from sim.report.page.outcome_tables import difference
from sim.report.page.parts import Cell, Picture, Section, Table
from sim.report.page.patient_pictures import twin_picture
from sim.report.tables import number_format
from sim.report.tables.comparison_tables import LUCK
from sim.units import DAYS_IN

PAIRED = (
    "The thick line is the 95% interval over the same patients in both arms; the thin grey one beneath is "
    "the interval that runs without common patients would have given."
)


def comparison_sections(arms: Sequence[Arm], told: Mapping[str, Any]) -> Iterator[Section]:
    """The sections that stand before all others."""
    yield _scenarios(arms, told)
    if pictures := _forests(arms):
        yield Section("differences", "Differences", tuple(pictures), _legend(arms, told))
    yield _lives(arms, told)


def _scenarios(arms: Sequence[Arm], told: Mapping[str, Any]) -> Section:
    """Every path at which an arm's scenario differs from the reference's, old and new."""
    tables = []
    for arm in arms[1:]:
        rows: list[tuple[Cell, ...]] = [
            (one["path"], cut(one["reference"]) or "(nothing)", cut(one["arm"]) or "(removed)")
            for one in told["scenarios"][arm.name]
        ]
        caption = f"{arm.name}: {len(rows)} difference{'s' * (len(rows) != 1)}"
        tables.append(Table(caption, ("path", arms[0].name, arm.name), tuple(rows), is_prose=True))
    return Section("scenarios", "What differs between the scenarios", tuple(tables))


# ---------------------------------------------------------------- whose lives change


def _lives(arms: Sequence[Arm], told: Mapping[str, Any]) -> Section:
    """Who does better, the same and worse, where paths part, and a few pairs of lives."""
    items: list[Picture | Table] = []
    bars = [(arm.name, told["lives"][arm.name]) for arm in arms[1:]]
    if all("better" in of for _, of in bars):
        items.append(_better_and_worse(bars))
    if twins := twin_picture(arms, arms[0].until):
        items.append(twins)
    items += [_partings(name, of) for name, of in bars if of["partings"]]
    said = [
        f"In {name} the lives of {number_format.share(of['unchanged']['estimate'])} do not change at all."
        for name, of in bars
    ]
    lead = "The same patients, one by one, with the same luck until their paths part. " + " ".join(said)
    return Section("changed-lives", "Whose lives change", tuple(items), lead)


def _better_and_worse(bars: Sequence[tuple[str, Mapping[str, Any]]]) -> Picture:
    _, first = bars[0]
    caption = "; ".join(f"{kind}: {first[f'{kind}_is']}" for kind in KINDS)
    rows: list[tuple[Cell, ...]] = []
    for name, of in bars:
        for kind in KINDS:
            one = of[kind]
            by = number_format.days(one["mean_days"]) if "mean_days" in one else ""
            told = (
                number_format.share(one["estimate"], one["interval"]),
                number_format.share_interval(one["interval"]),
            )
            rows.append((f"{name}: {kind}", f"{one['count']:,}", told, by))
    figure = better_and_worse([(name, {kind: of[kind]["estimate"] for kind in KINDS}) for name, of in bars])
    numbers = Table(
        caption, ("patients who do", "patients", "share", "mean time gained or lost"), tuple(rows)
    )
    caption = f"{caption}. {LUCK[:1].upper()}{LUCK[1:]}."
    return Picture("better-and-worse", "Who does better, and who worse", caption, figure, numbers)


def _partings(name: str, of: Mapping[str, Any]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            one["stage"] or "the start",
            one["reference"],
            one["arm"],
            one["differs_in"],
            f"{one['count']:,}",
            number_format.share(one["share"]),
        )
        for one in of["partings"]
    ]
    head = ("in", "reference", name, "differs in", "patients", "share of all")
    return Table(
        f"Where paths part first in {name}, the most frequent first", head, tuple(rows), is_prose=True
    )


def _legend(arms: Sequence[Arm], told: Mapping[str, Any]) -> str:
    names = ", ".join(f"{arm.name} ({arm.scenario.title})" for arm in arms)
    lead = f"A difference is the arm less the reference, {arms[0].name}. The arms: {names}."
    return " ".join([lead, *(f"Note: {note}." for note in told["notes"])])


def _forests(arms: Sequence[Arm]) -> list[Picture]:
    """Differences of shares in percentage points, and of mean times in days or months."""
    shares = list(_leaves(arms, of_shares=True))
    times = list(_leaves(arms, of_shares=False))
    longest = max((abs(leaf["difference"]) for _, _, leaf in times), default=0.0)
    size, unit = (DAYS_IN["month"], "months") if longest >= 2 * DAYS_IN["month"] else (1.0, "days")
    found = []
    for name, title, leaves, scale, axis in (
        ("shares", "Differences of probabilities and shares", shares, 100.0, "percentage points"),
        ("times", "Differences of mean times", times, 1 / size, unit),
    ):
        if leaves:
            bars = [_bar(label, arm, leaf, scale) for label, arm, leaf in leaves]
            numbers = _numbers(title, leaves, "share" if name == "shares" else "days")
            caption = f"{title} from {arms[0].name}, in {axis}. {PAIRED}"
            found.append(Picture(f"forest-{name}", title, caption, forest(bars, unit=axis), numbers))
    return found


def _leaves(arms: Sequence[Arm], *, of_shares: bool) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """What is drawn: the outcome's label, the arm, and the difference at the headline."""
    for name in arms[0].summary["outcomes"]:
        for arm in arms[1:]:
            of = arm.differences.get(name, {})
            label = arms[0].summary["outcomes"][name]["label"]
            if of_shares and of.get("unit") in number_format.SHARES and of.get("difference") is not None:
                yield label, arm.name, of
            if not of_shares and of.get("unit") == "days" and of.get("difference") is not None:
                yield label, arm.name, of
            mean = of.get("restricted_mean", {})
            if not of_shares and "causes" not in of and mean.get("difference") is not None:
                yield f"{label}, mean to {time_in_prose(of['restricted_mean_until_days'])}", arm.name, mean


def _bar(label: str, arm: str, leaf: Mapping[str, Any], scale: float) -> Bar:
    paired, unpaired = _scaled(leaf["interval"], scale), _scaled(leaf["independent_interval"], scale)
    return Bar(label, arm, scale * leaf["difference"], paired, unpaired)


def _scaled(limits: Sequence[float | None] | None, scale: float) -> tuple[float, float] | None:
    if limits is None or limits[0] is None or limits[1] is None:
        return None
    return scale * limits[0], scale * limits[1]


def _numbers(caption: str, leaves: Sequence[tuple[str, str, Mapping[str, Any]]], unit: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for label, arm, leaf in leaves:
        ratio = leaf["variance_ratio"]
        unpaired = number_format.interval(leaf["independent_interval"], leaf["difference"], unit)
        gain = number_format.NOTHING if ratio is None else f"{ratio:,.1f}"
        rows.append((label, arm, difference(leaf, unit), unpaired, gain))
    head = ("outcome", "arm", "difference", "unpaired interval", "variance unpaired over paired")
    return Table(caption, head, tuple(rows))
