"""Numbers, times and rates in the words of a scenario."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import units
from sim.errors import InputError

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("28 days", 28),
        ("1 day", 1),
        ("1 days", 1),
        ("2 weeks", 14),
        ("12 hours", 0.5),
        ("30 minutes", 1 / 48),
        ("6.9 months", 6.9 * 30.4375),
        ("1 month", 30.4375),
        ("5 years", 1826.25),
        ("1_000 days", 1000),
        (".5 days", 0.5),
        ("1e-3 years", 0.36525),
        ("0 days", 0),
    ],
)
def test_a_time_is_read_in_days(text: str, days: float) -> None:
    assert units.days(text) == days


@pytest.mark.parametrize(
    ("text", "per_day"),
    [
        ("0.0025 per day", 0.0025),
        ("1.1 per year", 1.1 / 365.25),
        ("2.4 per hour", 2.4 * 24),
        ("7 per week", 1),
        ("1 per month", 12 / 365.25),
        ("1 per minute", 1440),
    ],
)
def test_a_rate_is_read_per_day(text: str, per_day: float) -> None:
    assert units.per_day(text) == pytest.approx(per_day, rel=1e-15)


@pytest.mark.parametrize(
    ("value", "fact", "fix"),
    [
        (28, "28 has no unit", "write `28 days` (or minutes, hours, weeks, months, years)"),
        (0.5, "0.5 has no unit", "write `0.5 days` (or minutes, hours, weeks, months, years)"),
        ("28", "28 has no unit", "write `28 days` (or minutes, hours, weeks, months, years)"),
        ("28days", "28days is not written as a time", "write `28 days`"),
        ("28 dyas", "`dyas` is not a unit of time", "did you mean `days`?"),
        ("28 Days", "`Days` is not a unit of time", "did you mean `days`?"),
        ("-3 days", "-3 days is negative", "it is 0 or more here"),
        ("80%", "80% has a percent sign", "write 0.8"),
        ("012 days", "012 begins with a zero", 'write 12, or "012" if it is a text'),
        ("1e308 years", "1e308 years is too large", "the largest number is about 1.8e308"),
    ],
)
def test_what_is_no_time_is_refused_with_what_to_write(value: object, fact: str, fix: str) -> None:
    with pytest.raises(InputError) as error:
        units.days(value)
    assert (error.value.fact, error.value.fix) == (fact, fix)


@pytest.mark.parametrize("value", ["soon", "", True, [1], {}, "1 per day", "3 h", "a day"])
def test_no_time_at_all(value: object) -> None:
    with pytest.raises(InputError, match=r"a time is a number and one of|not a unit"):
        units.days(value)


@pytest.mark.parametrize(
    ("value", "fact", "fix"),
    [
        (2, "2 has no unit", "write `2 per day` (or minute, hour, week, month, year)"),
        ("2/day", "2/day is not written as a rate", "write `2 per day`"),
        ("2 per days", "2 per days is not written as a rate", "write `2 per day`"),
        ("2 per dya", "`dya` is not a unit of time", "did you mean `day`?"),
        ("-1 per day", "-1 per day is negative", "it is 0 or more here"),
    ],
)
def test_what_is_no_rate_is_refused_with_what_to_write(value: object, fact: str, fix: str) -> None:
    with pytest.raises(InputError) as error:
        units.per_day(value)
    assert (error.value.fact, error.value.fix) == (fact, fix)


def test_a_time_where_a_rate_is_due_is_named_so() -> None:
    with pytest.raises(InputError, match="3 days is a time, not a rate"):
        units.per_day("3 days")


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ("80%", "write 0.8"),
        ("7.3 %", "write 0.073"),
        ("3", "write 3, without quotation marks"),
        ("3 days", "a plain number is expected here"),
        ("many", "write a number"),
        (True, "write a number"),
    ],
)
def test_what_is_no_number_is_refused_with_what_to_write(value: object, fix: str) -> None:
    with pytest.raises(InputError) as error:
        units.number(value)
    assert error.value.fix == fix


def test_numbers_may_be_negative_and_times_where_it_is_said() -> None:
    assert units.number(-3) == -3
    assert units.days("-3 days", negative=True) == -3
    with pytest.raises(InputError, match="-3 is negative"):
        units.number(-3, negative=False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (".15", 0.15),
        ("1.", 1.0),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("10_000", 10000),
        ("0.000_1", 0.0001),
        ("-4", -4),
        ("+4", 4),
        ("0", 0),
        ("0.50", 0.5),
        ("0x1F", 31),
        ("0o17", 15),
    ],
)
def test_numbers_of_yaml_1_2(text: str, number: float) -> None:
    found = units.parse_number(text)
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize(
    "text", ["no", "1__0", "_1", "1_", "1,5", "1 000", "12:30", "2001-01-02", "", ".", "1e", "inf"]
)
def test_texts_that_are_no_numbers(text: str) -> None:
    assert units.parse_number(text) is None


@pytest.mark.parametrize(
    "text", ["012", "-012", "00", "0_1", "012.5", ".inf", "-.INF", ".nan", "1e999", "9" * 5000]
)
def test_numbers_that_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        units.parse_number(text)


@given(FINITE)
def test_the_text_of_a_number_gives_it_back(number: float) -> None:
    assert units.parse_number(units.number_text(number)) == number


@given(FINITE.map(abs))
def test_the_canonical_text_of_a_time_or_rate_gives_it_back(amount: float) -> None:
    assert units.days(units.time_text(amount)) == amount
    assert units.per_day(units.rate_text(amount)) == amount


def test_canonical_texts() -> None:
    assert units.time_text(28.0) == "28 days"
    assert units.time_text(1.0) == "1 day"
    assert units.time_text(0.1) == "0.1 days"
    assert units.rate_text(0.0025) == "0.0025 per day"
    assert units.number_text(-0.0) == "0"
    with pytest.raises(ValueError, match="no text"):
        units.number_text(math.inf)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, "number"),
        (True, "yes_no"),
        ("3 days", "time"),
        ("-3 days", "time"),
        ("3 per day", "rate"),
        ("three", "text"),
        ("3", "text"),
    ],
)
def test_the_kind_of_a_scalar(value: object, kind: str) -> None:
    assert units.kind(value) == kind


def test_a_unit_of_time() -> None:
    assert units.unit_of_time("months") == 365.25 / 12
    with pytest.raises(InputError, match="did you mean `months`"):
        units.unit_of_time("monhts")


@pytest.mark.parametrize("text", ["%", "x%", " %", "1 %%", "days%"])
def test_a_percent_sign_without_a_number_is_an_error(text: str) -> None:
    for read in (units.number, units.days, units.per_day):
        with pytest.raises(InputError):
            read(text)


@pytest.mark.parametrize(
    "text", ["1e-400", "0x1" + "0" * 256, "9007199254740993", "0x20000000000001", "1" * 5000]
)
def test_a_number_that_a_float_cannot_hold_is_an_error(text: str) -> None:
    with pytest.raises(InputError):
        units.parse_number(text)


@pytest.mark.parametrize(
    "text", ["0e-400", "0.000", "9007199254740992", "10000000000000000", "0x20000000000000"]
)
def test_a_number_that_a_float_holds_is_read(text: str) -> None:
    assert units.parse_number(text) == float(int(text, 0) if text.startswith("0x") else float(text))
