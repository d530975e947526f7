"""Numbers as a reader sees them: shares, times, amounts, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

from sim.units import DAYS_IN

Limits: TypeAlias = Sequence[float | None] | None
"""The two ends of an interval; None for an end that was not reached, and for no interval."""

NOTHING = "-"
SHARES = ("share", "probability")
NARROWEST = 1e-5
"""An interval that is narrower than this in its unit is a point, but for rounding."""

# limits beside a value are of its interval; where that is narrower than the last decimal, both have more.


def share(value: float | None, limits: Limits = None) -> str:
    """A probability or share, e.g. `65.2%`."""
    return NOTHING if value is None else f"{100 * value:z.{_decimals(limits, 0.01)}f}%"


def time(days: float) -> str:
    """A time in the largest unit that suits it, e.g. `1.9 years`, `5 months`, `35.2 days`."""
    size, unit = _unit(days)
    number = f"{days / size:.1f}".removesuffix(".0")
    return f"{number} {unit if number != '1' else unit.removesuffix('s')}"


def days(value: float | None, limits: Limits = None) -> str:
    """A number of days, as a time with one decimal."""
    if value is None:
        return NOTHING
    size, unit = _unit(value)
    return f"{value / size:z.{_decimals(limits, size)}f} {unit}"


def plain(value: float | None, limits: Limits = None) -> str:
    """A number with three figures or, beyond that, whole: `0.123`, `12.3`, `12,345`."""
    if value is None:
        return NOTHING
    fewest = next((d for bound, d in ((100.0, 0), (10.0, 1), (1.0, 2)) if abs(value) >= bound), 3)
    return f"{value:z,.{_decimals(limits, 1.0, fewest)}f}"


def _decimals(limits: Limits, size: float, fewest: int = 1) -> int:
    """So many that an interval, in units of this size, is no narrower than the last of them."""
    known = [end for end in limits or () if end is not None]
    width = (known[-1] - known[0]) / size if len(known) == 2 else 0.0
    return fewest if width < NARROWEST else max(fewest, math.ceil(-math.log10(width)))


def amount(value: float | None, unit: str, limits: Limits = None) -> str:
    """A number in its outcome's unit."""
    return _writer(unit)(value, limits)


def interval(limits: Limits, value: float | None, unit: str) -> str:
    """Limits in the unit of their estimate; empty where there are none."""
    if unit == "days":
        return days_interval(limits, value)
    if unit in SHARES:
        return share_interval(limits)
    return _joined(limits, lambda end: plain(end, limits))


def share_interval(limits: Limits) -> str:
    """Limits of a share in percent, e.g. `64.2 to 66.1`."""
    return _joined(limits, lambda end: share(end, limits).removesuffix("%"))


def days_interval(limits: Limits, value: float | None) -> str:
    """Limits of a time in the unit of the time itself, e.g. `1.8 to 2.0`; else of the lower limit."""
    known = [end for end in limits or () if end is not None]
    size, unit = _unit(value if value is not None else known[0] if known else 0.0)
    decimals = _decimals(limits, size)
    text = _joined(limits, lambda end: NOTHING if end is None else f"{end / size:z.{decimals}f}")
    if value is not None or not known:
        return text
    return f"{text} {unit}" if len(known) == 2 else text.replace(" to", f" {unit} to", 1)


def _joined(limits: Limits, write: Callable[[float | None], str]) -> str:
    if limits is None:
        return ""
    return " to ".join("not reached" if end is None else write(end) for end in limits)


def _writer(unit: str) -> Callable[[float | None, Limits], str]:
    if unit in SHARES:
        return share
    return days if unit == "days" else plain


def _unit(value: float) -> tuple[float, str]:
    """Years from two years on, months from two months on."""
    for unit in ("year", "month"):
        if abs(value) >= 2 * DAYS_IN[unit]:
            return DAYS_IN[unit], f"{unit}s"
    return 1.0, "days"
