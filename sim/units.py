"""Numbers, times and rates as a scenario writes them: read to days and per-day, and written back.

One year is 365.25 days, one month a twelfth of that.
"""

from __future__ import annotations

import math
import re

from sim.errors import InputError, did_you_mean

DAYS_IN = {
    "minute": 1 / 1440,
    "hour": 1 / 24,
    "day": 1.0,
    "week": 7.0,
    "month": 365.25 / 12,
    "year": 365.25,
}
_PER_DAY = {"minute": 1440.0, "hour": 24.0}
"""How many there are in a day, where that is the exact number of the two."""

_UNITS = tuple(f"{unit}s" for unit in DAYS_IN)
_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_INTEGER = re.compile(rf"[-+]?{_DIGITS}\Z")
_FLOAT = re.compile(rf"[-+]?(?:\.{_DIGITS}|{_DIGITS}(?:\.(?:{_DIGITS})?)?)(?:[eE][-+]?[0-9]+)?\Z")
_LEADING_ZERO = re.compile(r"[-+]?0_?[0-9]")
_NOT_ZERO = re.compile(r"[-+]?[0_.]*[1-9]")
_OTHER_BASE = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_QUANTITY = re.compile(r"(?P<number>\S+?)(?P<space>\s*)(?P<unit>[A-Za-z]+)\Z")
_RATE = re.compile(r"(?P<number>\S+?)\s*(?:per\s+|/\s*)(?P<unit>[A-Za-z]+)\Z")
_TIMES = "a time is a number and one of minutes, hours, days, weeks, months, years"
_RATES = "a rate is a number per minute, hour, day, week, month or year"


def parse_number(text: str) -> int | float | None:
    """The number a text spells (`.15`, `1e-3`, `10_000`, `0x1F`), None if it spells none.

    Raises: InputError for `012`, for infinities, NaN, what is too large or too small for a float, and
    for a whole number that a float cannot hold exactly.
    """
    if _NOT_FINITE.match(text):
        raise InputError(f"{text} is not a number that can be used", "write a finite number")
    is_other_base = _OTHER_BASE.match(text)
    if not is_other_base and not _FLOAT.match(text):
        return None
    if _LEADING_ZERO.match(text):
        sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text.lstrip("+"))
        plain = re.sub(r"^0[0_]*(?=[0-9])", "", digits)
        raise InputError(f"{text} begins with a zero", f'write {sign}{plain}, or "{text}" if it is a text')
    shown = text if len(text) <= 20 else f"{text[:20]}..."
    try:
        number = float(int(text, 0)) if is_other_base else float(text)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise InputError(f"{shown} is too large", "the largest number is about 1.8e308")
    if number == 0.0 and _NOT_ZERO.match(text):
        raise InputError(f"{shown} is too small", "the smallest number above 0 is about 5e-324: write 0")
    if not is_other_base and not _INTEGER.match(text):
        return number
    whole = int(text, 0) if is_other_base else int(text)
    if whole != number:
        fix = f"write {number_text(number)}, or put it in quotation marks if it is a text"
        raise InputError(f"{shown} cannot be kept to the last digit", fix)
    return whole


def number(value: object, *, negative: bool = True) -> float:
    """A plain number.

    Raises: InputError for a text, a percentage (naming the number to write) or yes/no; where negative
    is False for a negative number too.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InputError(f"{_shown(value)} is not a number", "write a number")
    if isinstance(value, str):
        raise _no_number(value)
    return _finite(float(value), str(value), negative=negative)


def days(value: object, *, negative: bool = False) -> float:
    """A time such as `28 days` or `6.9 months`, in days.

    Raises: InputError for a bare number, a rate, an unknown unit; unless negative for a time below 0.
    """
    amount, unit, text = _amount_and_unit(value, rate=False)
    days = amount / _PER_DAY[unit] if unit in _PER_DAY else amount * DAYS_IN[unit]
    return _finite(days, text, negative=negative)


def per_day(value: object, *, negative: bool = False) -> float:
    """A rate such as `0.0025 per day` or `1.1 per year`, per day.

    Raises: InputError for a bare number, a time, an unknown unit; unless negative for a rate below 0.
    """
    amount, unit, text = _amount_and_unit(value, rate=True)
    if unit in _PER_DAY:
        return _finite(amount * _PER_DAY[unit], text, negative=negative)
    return _finite(amount / DAYS_IN[unit], text, negative=negative)


def unit_of_time(value: object) -> float:
    """The days in one `minutes hours days weeks months years`, as after `unit:`; singular too.

    Raises: InputError.
    """
    if isinstance(value, str) and value.removesuffix("s") in DAYS_IN:
        return DAYS_IN[value.removesuffix("s")]
    hint = did_you_mean(str(value), _UNITS)
    raise InputError(f"{_shown(value)} is not a unit of time", hint or f"one of {', '.join(_UNITS)}")


def kind(value: object) -> str:
    """What a scalar looks like: `yes_no`, `number`, `time`, `rate` or `text`."""
    if isinstance(value, bool):
        return "yes_no"
    if isinstance(value, (int, float)):
        return "number"
    for name, read in (("time", days), ("rate", per_day)):
        try:
            read(value, negative=True)
        except InputError:
            continue
        return name
    return "text"


def number_text(number: float) -> str:
    """The shortest text that gives back the same float; whole numbers without `.0`."""
    if isinstance(number, int):
        return str(number)
    number = float(number)
    if not math.isfinite(number):
        raise ValueError(f"{number} has no text in a scenario")
    if abs(number) < 1e16 and number == int(number):
        return str(int(number))
    return repr(number)


def time_text(days: float) -> str:
    """The canonical text of a time: `28 days`, `1 day`."""
    return "1 day" if float(days) == 1 else f"{number_text(days)} days"


def rate_text(per_day: float) -> str:
    """The canonical text of a rate: `0.0025 per day`."""
    return f"{number_text(per_day)} per day"


def _amount_and_unit(value: object, *, rate: bool) -> tuple[float, str, str]:
    noun, rule = ("rate", _RATES) if rate else ("time", _TIMES)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise InputError(f"{_shown(value)} is not a {noun}", rule)
    if not isinstance(value, str):
        text = number_text(value)
        raise InputError(f"{text} has no unit", with_units(text, noun))
    as_rate = _RATE.match(value)
    found = as_rate or _QUANTITY.match(value)
    amount = parse_number(found["number"]) if found else None
    if found is None or amount is None:
        raise _no_quantity(value, noun=noun, rule=rule)
    if found["unit"].removesuffix("s") not in DAYS_IN:
        hint = did_you_mean(found["unit"], DAYS_IN if as_rate else _UNITS)
        raise InputError(f"`{found['unit']}` is not a unit of time", hint or rule)
    unit = found["unit"].removesuffix("s")
    if bool(as_rate) != rate:
        raise InputError(f"{value} is a {'rate' if as_rate else 'time'}, not a {noun}", rule)
    written = f"{found['number']} {'per ' if rate else ''}{found['unit'] if not rate else unit}"
    if " ".join(value.split()) != written:
        raise InputError(f"{value} is not written as a {noun}", f"write `{written}`")
    return float(amount), unit, value


def with_units(number: str, noun: str) -> str:
    """What to write for a number that is to be a `time` or a `rate`."""
    if noun == "rate":
        return f"write `{number} per day` (or {', '.join(unit for unit in DAYS_IN if unit != 'day')})"
    return f"write `{number} days` (or {', '.join(unit for unit in _UNITS if unit != 'days')})"


def _no_quantity(value: str, *, noun: str, rule: str) -> InputError:
    if parse_number(value) is not None:
        return InputError(f"{value} has no unit", with_units(value, noun))
    if _share(value) is not None:
        return _no_number(value)
    found = _RATE.match(value)
    share = _share(found["number"]) if found else None
    if found and share is not None and found["unit"].removesuffix("s") in DAYS_IN:
        part, unit = number_text(_hundredth(share)), found["unit"].removesuffix("s")
        fix = f"write `{part} per {unit}`, or a probability as `risk: {{1 {unit}: {part}}}`"
        return InputError(f"{value} has a percent sign", fix)
    return InputError(f"{_shown(value)} is not a {noun}", rule)


def _no_number(value: str) -> InputError:
    share = _share(value)
    if share is not None:
        return InputError(f"{value} has a percent sign", f"write {number_text(_hundredth(share))}")
    if kind(value) in ("time", "rate"):
        return InputError(f"{value} has a unit of time", "a plain number is expected here")
    if parse_number(value) is not None:
        return InputError(f'"{value}" is a text', f"write {value}, without quotation marks")
    return InputError(f"{_shown(value)} is not a number", "write a number")


def _share(value: str) -> float | None:
    """The number before a percent sign, None if there is none."""
    return parse_number(value[:-1].rstrip()) if value.endswith("%") else None


def _hundredth(share: float) -> float:
    return float(f"{share / 100:.15g}")


def _finite(amount: float, text: str, *, negative: bool) -> float:
    if not math.isfinite(amount):
        raise InputError(f"{text} is too large", "the largest number is about 1.8e308")
    if amount < 0 and not negative:
        raise InputError(f"{text} is negative", "it is 0 or more here")
    return amount + 0.0


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"`{value}`"
