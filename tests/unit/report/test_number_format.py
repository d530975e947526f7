"""Numbers as text: units, decimals, intervals and signs."""

from __future__ import annotations

from math import nan

import pytest

from sim.report.tables import number_format
from sim.report.tables.number_format import change


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0 days"),
        (35.24, "35.2 days"),
        (182.625, "6.0 months"),
        (700.0, "23.0 months"),
        (730.5, "2.0 years"),
    ],
)
def test_days(value, text):
    assert number_format.days(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (1.234, "1.23"), (12.345, "12.3"), (12345.6, "12,346"), (-2.0, "-2.00")],
)
def test_plain(value, text):
    assert number_format.plain(value) == text


def test_shares_and_intervals():
    assert number_format.share(0.65249) == "65.2%"
    assert number_format.share(nan) == "-"
    assert number_format.share_interval((0.642, 0.661)) == "64.2 to 66.1"
    assert number_format.days_interval((657.0, nan), 730.5) == "1.8 to not reached"
    assert number_format.days_interval((1461.0, nan), nan) == "4.0 years to not reached"
    assert number_format.days_interval((1461.0, 1826.25), nan) == "4.0 to 5.0 years"
    assert number_format.days_interval(number_format.NONE, 700.0) == ""
    assert number_format.time(365.25 * 5) == "5 years"
    assert number_format.time(1.0) == "1 day"


@pytest.mark.parametrize("width", [5.0, 0.31, 0.1, 0.04, 0.0023])
@pytest.mark.parametrize("middle", [12.34567, 0.05, -0.0001])
def test_the_ends_of_an_interval_are_different_as_printed(middle, width):
    """An interval is never narrower than its last decimal, so its ends are not rounded to one number."""
    limits = (middle - width / 2, middle + width / 2)
    shares = tuple(end / 100 for end in limits)
    for text in (
        number_format.days_interval(limits, middle),
        number_format.share_interval(shares),
        number_format.interval(limits, middle, ""),
    ):
        low, high = text.split(" to ")
        assert float(low) < float(high)


def test_an_estimate_has_the_decimals_of_its_interval():
    assert number_format.days(1.284, (1.264, 1.304)) == "1.28 days"
    assert number_format.days_interval((1.264, 1.304), 1.284) == "1.26 to 1.30"
    assert number_format.share(0.3, (0.2998, 0.3002)) == "30.00%"
    assert number_format.plain(123.456, (123.3, 123.6)) == "123.5"
    assert number_format.plain(12.3, (10.0, 14.0)) == "12.3"


def test_an_interval_that_is_a_point_but_for_rounding_needs_no_decimals():
    nearly = (1.0 - 1e-15, 1.0)
    assert number_format.share(1.0, nearly) == "100.0%"
    assert number_format.share_interval(nearly) == "100.0 to 100.0"
    assert number_format.plain(1.0, nearly) == "1.00"


def test_a_value_that_rounds_to_zero_has_no_sign():
    assert number_format.share(-0.0002) == "0.0%"
    assert number_format.days(-1e-5) == "0.0 minutes"
    assert number_format.plain(-0.0002) == "0.000"


def test_a_difference_has_its_sign() -> None:
    assert (change(0.051, "share"), change(-0.051, "share"), change(0.0, "share")) == ("+5.1", "-5.1", "0.0")
    assert change(400.0, "days") == "+13.1 months"
    assert change(nan, "days") == "-"


def test_a_difference_that_is_printed_as_zero_has_no_sign() -> None:
    assert change(0.0002, "share") == change(-0.0002, "share") == "0.0"
    assert change(0.0002, "share", (0.0001, 0.0003)) == "+0.02"
