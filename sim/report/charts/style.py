"""The look of all charts: colours that colour-blind readers distinguish, and never colour alone; axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log, log10

from sim.units import DAYS_IN

COLOURS = ("#1A7FBD", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#8C6BB1")
"""Okabe and Ito's palette (2008, jfly.uni-koeln.de/color) without black and yellow, which vanish on
a dark or on a white page, with its blue a little lighter for the same reason, and a violet."""
ENDED = "#8A8A8A"
GHOST = "base case"
"""The name of grey lines that show what was before a change."""
DASHES = ("", "7 4", "2 3", "9 3 2 3", "14 4", "14 3 2 3")
PATTERNS = ("", "rising", "dotted", "crossed", "flat", "falling", "plus", "upright")
SYMBOLS = ("diamond", "triangle", "square", "star", "circle", "hexagon", "left", "bowtie")
MOST_TICKS, LONGEST = 5, 26
"""Ticks of an axis, and letters of what time is counted from in its title."""


@dataclass(frozen=True, slots=True)
class Look:
    """The look of one line, area or bar; its parts differ together."""

    colour: str
    dash: str = ""
    pattern: str = ""
    symbol: str = "circle"


GREY = Look(ENDED)


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a time axis: its length in days, and its name."""

    days: float
    name: str


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis from `low` to `high` with its ticks (value and label).

    is_log: a logarithmic axis. size: of the unit that labels are in.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    title: str = ""
    is_log: bool = False
    size: float = 1.0

    def share(self, value: float) -> float:
        """Where a value stands, 0 at the low end and 1 at the high one; values beyond an end at that end."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        return log(value / low) / log(high / low) if self.is_log else (value - low) / (high - low)


def looks(names: Iterable[str], *, ended: Iterable[str] = (), is_hatched: bool = False) -> Mapping[str, Look]:
    """A look for each name, in order; those that are `ended` (terminal) are grey.

    is_hatched: every name has another pattern, not only where a colour comes again.
    """
    grey = set(ended)
    found: dict[str, Look] = {}
    for i, name in enumerate(dict.fromkeys(names)):
        among = [other for other in found if (other in grey) == (name in grey)]
        palette = (ENDED,) if name in grey else COLOURS
        found[name] = Look(
            colour=palette[len(among) % len(palette)],
            dash=DASHES[i % len(DASHES)],
            pattern=PATTERNS[(i if is_hatched else len(among) // len(palette)) % len(PATTERNS)],
            symbol=SYMBOLS[i % len(SYMBOLS)],
        )
    return found


def unit_of(longest: float) -> Unit:
    """The unit of an axis of so many days."""
    if longest >= 2 * DAYS_IN["year"]:
        return Unit(DAYS_IN["year"], "years")
    if longest >= 4 * DAYS_IN["month"]:
        return Unit(DAYS_IN["month"], "months")
    return Unit(1.0, "days")


def even_ticks(longest: float, unit: Unit, most: int = 7) -> list[float]:
    """Round times from 0 to `longest` days, in `unit`; at most so many."""
    end = longest / unit.days
    for step in (1, 2, 3, 5, 6, 10, 12, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000):
        if end / step < most:
            return [float(step * i) for i in range(int(end / step + 1e-9) + 1)]
    return [0.0, end]


def time_axis(longest: float, since: str = "the start", *, title: str = "{} since {}") -> Axis:
    """An axis in days, labelled in the unit that suits it.

    since: what time is counted from, left out where it is long. title: with places for the unit and that.
    """
    unit = unit_of(longest)
    ticks = tuple((tick * unit.days, f"{tick:g}") for tick in even_ticks(longest, unit))
    title = title.format(unit.name, since) if len(since) <= LONGEST else unit.name
    return Axis(0.0, longest, ticks, title[:1].upper() + title[1:], size=unit.days)


def number_axis(values: Sequence[float], title: str, *, percent: bool = False, least: float = 0.0) -> Axis:
    """An axis with round ticks around all values and `least`. percent: whether values are shares."""
    known = [value for value in (*values, least) if isfinite(value)]
    low, high = min(known), max(known)
    span = high - low or 1.0
    power = 10.0 ** floor(log10(span / MOST_TICKS))
    step = next(power * k for k in (1, 2, 5, 10, 20) if span / (power * k) <= MOST_TICKS - 1)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    last += last == first
    ticks = tuple((i * step, _label(i * step, step, percent=percent)) for i in range(first, last + 1))
    return Axis(ticks[0][0], ticks[-1][0], ticks, title)


def _label(value: float, step: float, *, percent: bool) -> str:
    if percent:
        return f"{100 * value:.{max(0, -floor(log10(100 * step)))}f}%"
    return f"{value:,.{max(0, -floor(log10(step)))}f}".replace("-", "−")


PERCENT = Axis(0.0, 1.0, tuple((i / 4, f"{25 * i}%") for i in range(5)))
