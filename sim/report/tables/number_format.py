"""Numbers as text: shares, times and amounts, with their intervals; nan where there is no number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from sim.outcomes.results import whole_time
from sim.units import DAYS_IN

Limits: TypeAlias = tuple[float, float]
"""The two ends of an interval; nan for an end that is not reached, both nan where there is no interval."""

NONE: Limits = (math.nan, math.nan)
NOTHING = "-"
SHARES = ("share", "probability")
NARROWEST = 1e-5
"""An interval that is narrower than this in its unit is a point, but for rounding."""

# limits beside a value are of its interval; where that is narrower than the last decimal, both have more.


def share(value: float, limits: Limits = NONE) -> str:
    """A probability or share, e.g. `65.2%`."""
    return NOTHING if math.isnan(value) else f"{100 * value:z.{_decimals(limits, 0.01)}f}%"


def time(days: float) -> str:
    """A time in the largest unit that measures it in whole numbers, else in one that suits it.

    E.g. `5 months`, `400 days`, `1.9 years`, `35.2 days`, `6.5 hours`.
    """
    size, unit = _unit(days)
    text = whole_time(days) or f"{days / size:.1f} {unit}".replace(".0 ", " ")
    return text.removesuffix("s") if text.startswith("1 ") else text


def days(value: float, limits: Limits = NONE) -> str:
    """A number of days, as a time with one decimal."""
    if math.isnan(value):
        return NOTHING
    size, unit = _unit(value)
    return f"{value / size:z.{_decimals(limits, size)}f} {unit}"


def plain(value: float, limits: Limits = NONE) -> str:
    """A number with three figures or, beyond that, whole: `0.123`, `12.3`, `12,345`."""
    if math.isnan(value):
        return NOTHING
    fewest = next((d for bound, d in ((100.0, 0), (10.0, 1), (1.0, 2)) if abs(value) >= bound), 3)
    return f"{value:z,.{_decimals(limits, 1.0, fewest)}f}"


def count(value: float) -> str:
    """A number of patients, waits or events."""
    return NOTHING if math.isnan(value) else f"{value:,.0f}"


def many(number: float, noun: str) -> str:
    """`1 event`, `1,200 events`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def _decimals(limits: Limits, size: float, fewest: int = 1) -> int:
    """Decimals at which an interval, in units of this size, is no narrower than the last of them."""
    width = (limits[1] - limits[0]) / size
    return max(fewest, math.ceil(-math.log10(width))) if width >= NARROWEST else fewest


def amount(value: float, unit: str, limits: Limits = NONE) -> str:
    """A number in the unit of its outcome."""
    return _writer(unit)(value, limits)


def interval(limits: Limits, value: float, unit: str) -> str:
    """Limits in the unit of their estimate; empty where there are none."""
    if unit == "days":
        return days_interval(limits, value)
    if unit in SHARES:
        return share_interval(limits)
    return _joined(limits, lambda end: plain(end, limits))


def change(value: float, unit: str, limits: Limits = NONE) -> str:
    """A difference with its sign; of shares in percentage points."""
    text = amount(value, unit, limits).removesuffix("%" if unit in SHARES else "")
    is_nought = not any(digit in text for digit in "123456789")
    return text if is_nought or value <= 0 else f"+{text}"


def share_interval(limits: Limits) -> str:
    """Limits of a share in percent, e.g. `64.2 to 66.1`."""
    return _joined(limits, lambda end: share(end, limits).removesuffix("%"))


def days_interval(limits: Limits, value: float) -> str:
    """Limits of a time in the unit of the time itself, e.g. `1.8 to 2.0`; else of the lower limit."""
    known = [end for end in limits if not math.isnan(end)]
    size, unit = _unit(known[0] if math.isnan(value) and known else value)
    decimals = _decimals(limits, size)
    text = _joined(limits, lambda end: f"{end / size:z.{decimals}f}")
    if not math.isnan(value) or not known:
        return text
    return f"{text} {unit}" if len(known) == 2 else text.replace(" to", f" {unit} to", 1)


def _joined(limits: Limits, write: Callable[[float], str]) -> str:
    if all(map(math.isnan, limits)):
        return ""
    return " to ".join("not reached" if math.isnan(end) else write(end) for end in limits)


def _writer(unit: str) -> Callable[[float, Limits], str]:
    if unit in SHARES:
        return share
    return days if unit == "days" else plain


def _unit(value: float) -> tuple[float, str]:
    """Years from two years on, months from two months on, days from one day on, then hours and minutes."""
    for unit, least in (("year", 2), ("month", 2), ("day", 1), ("hour", 1)):
        if abs(value) >= least * DAYS_IN[unit]:
            return DAYS_IN[unit], f"{unit}s"
    return (DAYS_IN["minute"], "minutes") if value else (1.0, "days")
