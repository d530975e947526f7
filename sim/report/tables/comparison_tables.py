"""A comparison as tables for the terminal, 80 columns wide: the answer first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.outcomes.labels import time_in_prose
from sim.report.tables import number_format
from sim.report.tables.interval_notes import what_intervals_hold
from sim.report.tables.run_tables import FAINT, called_mean, cell
from sim.report.text.printing import printed
from sim.scenario.language.model import Scenario

Told: TypeAlias = Mapping[str, Any]
"""What `sim.outcomes.comparison.paired.compare` gives, or a part of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A number in two arms, each with its interval, and the difference between them.

    difference: a leaf with `difference`, `interval`, `independent_interval`, `variance_ratio`.
    """

    head: str
    reference: Text
    arm: Text
    difference: Told
    unit: str


def print_comparison(
    told: Told, scenarios: Sequence[Scenario], console: Console, *, outcomes: Sequence[str] | None = None
) -> None:
    """Print the answer, who is who, and the differences of these outcomes (None: of each).

    scenarios: of the arms.
    """
    printed(console, lambda to: _print_all(told, scenarios, to, outcomes))


def _print_all(
    told: Told, scenarios: Sequence[Scenario], console: Console, outcomes: Sequence[str] | None
) -> None:
    said = answer(told)
    console.print(Text(said, style="bold"))
    if beside := what_intervals_hold(said, told, scenarios):
        console.print(Text(beside))
    console.print()
    letters = dict(zip(told["arms"], ascii_uppercase, strict=False))
    for name, letter in letters.items():
        title = f"{letter}  {name}: {told['arms'][name]['title']}"
        console.print(Text(title + (" (the reference)" if name == told["reference"] else "")))
    console.print(Text(_about(told), style=FAINT))
    for arm in told["lives"]:
        console.print()
        _print_changes(arm, told, console)
        _print_lives(arm, told["lives"][arm], console)
    if any("outcome" in lives for lives in told["lives"].values()):
        console.print()
        console.print(Text(LUCK, style=FAINT))
    for name, entry in told["outcomes"].items():
        if outcomes and name not in outcomes:
            continue
        console.print()
        _print_outcome(name, entry, told, letters, console)
    console.print()
    console.print(Text(LEGEND, style=FAINT))
    for note in told["notes"]:
        console.print(Text(f"Note: {note}"))


MOST_CHANGES, MOST_PARTINGS, LONGEST_VALUE = 30, 6, 200
"""How much of it the terminal shows; the table of `--json` has all."""

LEGEND = (
    "difference: the arm less the reference, 95% interval over the same patients in both; unpaired: the "
    "interval that runs without common patients would have given; gain: how many times their variance is "
    "that of the pairs"
)

LUCK = (
    "better and worse: the two lives of a patient have the same luck until their paths part, and after that "
    "only in what bears the same name in both; so the share unchanged and better less worse tell what the "
    "change does, while better against worse also counts chance"
)


def _about(told: Told) -> str:
    parts = [f"{told['patients']:,} patients in each"]
    if told["replications"] > 1:
        parts = [f"{told['replications']:,} replications", f"{parts[0]} arm in all"]
    counted = next(iter(told["lives"].values()))["patients"]
    if counted < told["patients"]:
        parts.append(f"{counted:,} after the warm-up")
    parts += [f"seed {told['seed']}", f"horizon {number_format.time(told['horizon_days'])}"]
    return ", ".join(parts)


# ---------------------------------------------------------------- the answer


def answer(told: Told) -> str:
    """The difference of the first outcome that has one, at its last time, in a sentence for each arm.

    It is none of waits in a queue that does not settle in either; which queues do not is said after it.
    """
    said = ["There is no outcome that the arms have in common and that is known, and settles, in both."]
    for name, entry in told["outcomes"].items():
        sentences = [_sentence(told, name, entry, arm) for arm in entry["differences"]]
        if any(sentences):
            said = [sentence for sentence in sentences if sentence]
            break
    return "\n".join([*said, *_unsettled(told)])


def _unsettled(told: Told) -> Iterator[str]:
    """A sentence for each resource whose queue does not settle in some arms."""
    arms_of: dict[str, list[str]] = {}
    for arm, summary in told["arms"].items():
        for resource, of in summary["resources"].items():
            if not of["settles"]:
                arms_of.setdefault(resource, []).append(arm)
    for resource, arms in arms_of.items():
        who = ", ".join(arms)
        yield f"The queue for {resource} does not settle with {who}: waits there depend on the horizon."


def _sentence(told: Told, name: str, entry: Told, arm: str) -> str:
    of = entry["differences"][arm]
    if of.get("difference") is None or "steady_state_note" in of:
        return ""
    unit = of["unit"]
    reference = told["reference"]
    values = [_headline(told["arms"][who]["outcomes"][name], of) for who in (arm, reference)]
    one, other = (number_format.amount(value, unit, of["interval"]) for value in values)
    when = f" {time_in_prose(of['estimate_days'])} after {_begin(of)}" if "estimate_days" in of else ""
    label = entry["label"][:1].upper() + entry["label"][1:]
    change = _difference_in_words(of, unit)
    return f"{label}{when} is {one} with {arm}, {other} with {reference}: {change}."


def _begin(of: Told) -> str:
    text = str(of.get("median_of", "days from the start to"))
    return text.partition("days from ")[2].partition(" to ")[0].partition(" until ")[0]


def _headline(entry: Told, of: Told) -> float | None:
    """The arm's estimate at the time of the difference's headline."""
    for at in entry.get("at", {}).values():
        if at["days"] == of["estimate_days"]:
            value: float | None = at["estimate"]
            return value
    headline: float | None = entry["estimate"]
    return headline


def _difference_in_words(of: Told, unit: str) -> str:
    value, limits = of["difference"], of["interval"]
    what = change(value, unit, limits) + (" percentage points" if unit in number_format.SHARES else "")
    if limits is None:
        return f"a difference of {what} (no interval: {of.get('interval_note', 'not known')})"
    if of["standard_error"] == 0.0:
        return f"a difference of {what} ({of['interval_note']})"
    return f"a difference of {what} (95% interval {number_format.interval(limits, value, unit)})"


def change(value: float | None, unit: str, limits: number_format.Limits = None) -> str:
    """A difference with its sign; of shares in percentage points. limits: of its interval."""
    if value is None:
        return number_format.NOTHING
    text = number_format.amount(value, unit, limits).removesuffix("%" if unit in number_format.SHARES else "")
    is_nought = not any(digit in text for digit in "123456789")
    return text if value <= 0 or is_nought else f"+{text}"


# ---------------------------------------------------------------- scenarios and lives


def _print_changes(arm: str, told: Told, console: Console) -> None:
    changes = told["scenarios"][arm]
    if not changes:
        console.print(Text(f"{arm} is the same scenario as {told['reference']}"))
        return
    console.print(Text(f"What is other in {arm}", style="bold"))
    for change in changes[:MOST_CHANGES]:
        old, new = change["reference"] or "(nothing)", change["arm"] or "(nothing)"
        console.print(Text(f"  {change['path']}: {_short(old)} -> {_short(new)}"))
    if len(changes) > MOST_CHANGES:
        console.print(Text(f"  and {len(changes) - MOST_CHANGES} more"))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."


def _print_lives(arm: str, lives: Told, console: Console) -> None:
    console.print(Text(f"Whose lives change with {arm}", style="bold"))
    for line in lives_in_words(lives):
        console.print(Text(f"  {line}"))
    partings = lives["partings"]
    if not partings:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for head in ("paths part in", "in the reference", f"in {arm}"):
        table.add_column(Text(head))
    for head in ("of all", "e.g."):
        table.add_column(Text(head), justify="right", no_wrap=True)
    for parting in partings[:MOST_PARTINGS]:
        one, other = parting["reference"], parting["arm"]
        if one == other:
            other = f"the same; other is {parting['differs_in']}"
        share, example = number_format.share(parting["share"]), f"{parting['patient']}"
        table.add_row(Text(parting["stage"] or "the start"), one, other, share, example)
    console.print(table)
    if len(partings) > MOST_PARTINGS:
        rest = sum(parting["share"] for parting in partings[MOST_PARTINGS:])
        console.print(
            Text(f"  and in {len(partings) - MOST_PARTINGS} more ways: {number_format.share(rest)}")
        )


def lives_in_words(lives: Told) -> Iterator[str]:
    """Who does better, the same and worse, and by how much."""
    if "outcome" in lives:
        for name in ("better", "same", "worse"):
            told = lives[name]
            limits = number_format.share_interval(told["interval"])
            days = told.get("mean_days")
            by = f", by {number_format.days(abs(days))} on average while observed" if days else ""
            yield (
                f"{name}: {number_format.share(told['estimate'], told['interval'])}"
                + (f" ({limits})" if limits else "")
                + by
            )
        yield f"better: {lives['better_is']}"
    yield f"unchanged in everything: {number_format.share(lives['unchanged']['estimate'])}"


# ---------------------------------------------------------------- tables


def _print_outcome(name: str, entry: Told, told: Told, letters: Mapping[str, str], console: Console) -> None:
    label = entry["label"]
    console.print(Text(name if label == name else f"{name}: {label}", style="bold"))
    first = next(iter(entry["differences"].values()))
    console.print(Text(first.get("curve_of", first.get("estimate_of", "")), style=FAINT))
    for arm, of in entry["differences"].items():
        sides = [told["arms"][who]["outcomes"][name] for who in (told["reference"], arm)]
        both = letters[told["reference"]], letters[arm]
        _print_parts(sides[0], sides[1], of, both, console)
        for key, group in of.get("groups", {}).items():
            console.print(Text(f"{name} where {of['by']} is {key}", style="bold"))
            _print_parts(sides[0]["groups"][key], sides[1]["groups"][key], group, both, console)
        if "interval_note" in of:
            console.print(Text(f"note: {of['interval_note']}", style=FAINT))
        if "steady_state_note" in of:
            console.print(Text(f"note: {of['steady_state_note']}", style=FAINT))
    for mean in dict.fromkeys(map(_mean_in_words, entry["differences"].values())):
        if mean:
            console.print(Text(mean, style=FAINT))


def _mean_in_words(of: Told) -> str:
    """What the restricted mean is of, and until when; empty where there is none."""
    return f"{called_mean(of)}: {of['restricted_mean_of']}" if "restricted_mean" in of else ""


def _print_parts(reference: Told, arm: Told, of: Told, letters: tuple[str, str], console: Console) -> None:
    """An outcome's numbers in one table; where ends compete, one for each."""
    _print_rows(list(_rows(reference, arm, of)), letters, console)
    for line in two_arms_in_words(of):
        console.print(Text(line, style=FAINT))
    for cause, inner in of.get("causes", {}).items():
        console.print(Text(cause, style="bold"))
        rows = _curve_rows(reference["causes"][cause], arm["causes"][cause], inner, of["unit"])
        _print_rows(list(rows), letters, console)


def two_arms_in_words(of: Told) -> Iterator[str]:
    """Hazard ratio, tests and distance of the distributions, as far as there are any."""
    ratio = of.get("hazard_ratio")
    if ratio is not None and ratio["estimate"] is not None:
        cause = "cause-specific hazard ratio" if "causes" in of else "hazard ratio"
        told = (
            f"{cause} over all the time observed {number_format.plain(ratio['estimate'], ratio['interval'])}"
        )
        if ratio["interval"] is not None:
            told += f", {number_format.interval(ratio['interval'], None, '')}"
        if ratio["independent_interval"] is not None:
            told += f" (unpaired {number_format.interval(ratio['independent_interval'], None, '')})"
        if of.get("log_rank", {}).get("p_value") is not None:
            test = of["log_rank"]
            told += f", log-rank p {_p(test['p_value'])} (paired {_p(test['paired_p_value'])})"
        yield told
    far = of.get("wasserstein_distance")
    if far is not None:
        until = of.get("restricted_mean_until_days")
        to = f" to {time_in_prose(until)}" if until is not None else ""
        amount = number_format.amount(far, _of_distance(of))
        yield f"distance between the distributions{to} (Wasserstein): {amount}"


def _of_distance(of: Told) -> str:
    """The unit of a distance between distributions: that of the time, or of the number."""
    return "days" if "hazard_ratio" in of else str(of["unit"])


def _p(value: float | None) -> str:
    if value is None:
        return number_format.NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _print_rows(rows: Sequence[Row], letters: tuple[str, str], console: Console) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    table.add_column("", min_width=10, overflow="fold")
    reference, arm = letters
    for head in (reference, arm, f"{arm} - {reference}", "unpaired", "gain"):
        table.add_column(Text(head), justify="right", no_wrap=True)
    for row in rows:
        of, value = row.difference, row.difference["difference"]
        ratio = of["variance_ratio"]
        table.add_row(
            Text(row.head),
            row.reference,
            row.arm,
            cell(
                change(value, row.unit, of["interval"]),
                number_format.interval(of["interval"], value, row.unit),
            ),
            cell("", number_format.interval(of["independent_interval"], value, row.unit)),
            number_format.NOTHING if ratio is None else f"{ratio:,.1f}",
        )
    console.print(table)


def _rows(reference: Told, arm: Told, of: Told) -> Iterator[Row]:
    """Every number of an outcome that both arms have."""
    unit = of["unit"]
    if "at" in of:
        yield from _curve_rows(reference, arm, of, unit)
    elif "steps" in of:
        for one, other, step in zip(reference["steps"], arm["steps"], of["steps"], strict=True):
            yield _row(step["of"], one, other, step, "share")
    elif "shares" in of:
        for category, leaf in of["shares"].items():
            yield _row(category, reference["shares"][category], arm["shares"][category], leaf, unit)
    else:
        yield _row("", reference, arm, of, unit)
        yield from _quantile_rows(of, unit, {level: level for level in of.get("quantiles", {})})
        for part in ("served", "left"):
            if part in of:
                yield _row(part, reference[part], arm[part], of[part], unit)


def _curve_rows(reference: Told, arm: Told, of: Told, unit: str) -> Iterator[Row]:
    for time, leaf in of["at"].items():
        told = time.removesuffix("s") if time.startswith("1 ") else time
        yield _row(told, reference["at"][time], arm["at"][time], leaf, unit)
    for key, label in (("median", "median"), ("restricted_mean", called_mean(of))):
        if key in of:
            yield Row(label, _days(reference, key), _days(arm, key), of[key], "days")
    yield from _quantile_rows(of, "days", {"25%": "25% by", "75%": "75% by"})


def _quantile_rows(of: Told, unit: str, labels: Mapping[str, str]) -> Iterator[Row]:
    for level, label in labels.items():
        leaf = of.get("quantiles", {}).get(level)
        if leaf is not None:
            sides = [Text(number_format.amount(leaf[side], unit)) for side in ("reference", "value")]
            yield Row(label, sides[0], sides[1], leaf, unit)


def _days(side: Told, key: str) -> Text:
    value, limits = side[f"{key}_days"], side[f"{key}_interval"]
    if value is None and limits is not None and limits[0] is not None:
        return cell("not reached", f"from {number_format.days(limits[0])}")
    return cell(number_format.days(value, limits), number_format.days_interval(limits, value))


def _row(head: str, reference: Told, arm: Told, leaf: Told, unit: str) -> Row:
    one, other = (
        cell(
            number_format.amount(side["estimate"], unit, side["interval"]),
            number_format.interval(side["interval"], side["estimate"], unit),
        )
        for side in (reference, arm)
    )
    return Row(head, one, other, leaf, unit)
