"""The tables of a summary, as printed at 80 columns."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from sim.outcomes.summary import summarise
from sim.report.tables import number_format
from sim.report.tables.run_tables import days_or_not, print_summary
from sim.scenario.language import model as m
from tests import hand_made_log as by_hand
from tests.hand_made_log import Patient, asks, enters, granted, happens, outcome

STAGES = [
    by_hand.stage("ward", "ill", needs=[m.Need(None, "bed", by_hand.HERE)]),
    by_hand.stage("home", "well"),
    by_hand.stage("dead", "dead", terminal=True),
]
DEATH = happens("state", "dead")
OS = outcome("time_to_event", "survival", begin=happens("start"), until=DEATH)


def printed(*outcomes, patients=None, terminal=False, width=80, use=None, about=None, **settings) -> str:
    attributes = [by_hand.category("csf", "cns1", "cns2", "cns3")]
    of = by_hand.scenario(STAGES, attributes=attributes, outcomes=outcomes, **settings)
    patients = patients or [
        Patient(
            [enters(0, "ward"), enters(5, "home"), enters(10.0 * k, "dead")], start={"csf": f"cns{k % 3 + 1}"}
        )
        for k in range(1, 90)
    ]
    log = by_hand.event_log(of, patients)
    page = StringIO()
    console = Console(
        file=page, width=width, force_terminal=terminal, color_system="standard" if terminal else None
    )
    print_summary(summarise(log, use or by_hand.no_use(), of, about=about or {"seed": 4}), console)
    return page.getvalue()


def row(text: str, first: str) -> list[str]:
    """The words of the line that begins so."""
    return next(line for line in text.splitlines() if line.startswith(first)).split()


ALL = [
    OS,
    outcome("time_to_event", "by_csf", begin=happens("start"), until=DEATH, by="csf"),
    outcome(
        "time_to_event",
        "many_ends_of_one_stay",
        begin=happens("start"),
        until=happens("stage", "home"),
        competing=tuple((f"a_rather_long_name_{i}", DEATH) for i in range(5)),
    ),
    outcome("ever", "discharged", happening=happens("stage", "home"), label="Ever [bold]home[/bold]"),
    outcome("count", "visits", happening=happens("stage", "home"), by="csf"),
    outcome("total", "deaths", happening=DEATH),
    outcome("attribute", "csf_at_end", attribute="csf"),
    outcome("time_in", "days_at_home", place=("state", "well")),
    outcome("occupancy", "at_home", place=("stage", "home")),
    outcome("funnel", "way", sequence=(happens("start"), happens("stage", "home"), DEATH)),
    outcome("pathway", "pattern", sequence=(happens("stage", "home"), DEATH)),
    outcome("waiting_for", "wait", resource="bed"),
]
BEDS = {"resources": [by_hand.resource("bed", 100)]}
USE = by_hand.resource_use([(0, 0.0, 0, 40, 7, 100)])


def test_everything_fits_in_80_columns_of_plain_text():
    text = printed(*ALL, **BEDS, use=USE)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    for one in ALL:
        assert one.name in text


def test_a_terminal_gets_colour():
    assert "\x1b[1m" in printed(OS, terminal=True)


def test_survival_is_a_row_for_each_time():
    """Deaths at 10, 20, ... 890 days: 9 of 89 by 3 months (91.3 days), 36 by a year."""
    text = printed(OS)
    assert row(text, "3 months")[2] == "89.9%"
    assert row(text, "3 months")[-1] == "80"
    assert row(text, "1 year")[2] == "59.6%"
    assert row(text, "median")[1:3] == ["14.8", "months"]
    assert "probability of not reaching dead, from the start, Kaplan-Meier" in text
    assert "89 patients, 89 with the event, 0 censored" in text
    assert "95% intervals over patients: log-log" in text
    assert text.startswith("By hand\n89 patients, seed 4, horizon 2.7 years\n")


def test_single_numbers():
    text = printed(ALL[3], ALL[4])
    assert "100.0%" in text
    assert "95.9 to 100.0" in text
    assert "share of patients entering home at least once" in text
    assert "discharged: Ever [bold]home[/bold]" in text, "names are printed as they are"
    assert row(text, "  csf cns2") == ["csf", "cns2", "1.00", "1.00", "to", "1.00", "30"]


def test_no_interval_is_said():
    text = printed(OS, ALL[3], **BEDS, use=USE)
    assert text.count("no interval: patients share bed") == 2
    assert row(text, "3 months") == ["3", "months", "89.9%", "80"]


def test_what_is_left_out_is_said():
    from_home = outcome("time_to_event", "from_home", begin=happens("stage", "home"), until=DEATH)
    patients = [Patient([enters(0, "ward")])] * 2 + [Patient([enters(0, "ward"), enters(3, "home")])]
    assert "left out: 2 patients without entering home" in printed(from_home, patients=patients)


def test_replications_are_named():
    patients = [Patient([enters(0, "ward"), enters(9 + r, "dead")], replication=r) for r in range(3)]
    text = printed(OS, patients=patients)
    assert "95% intervals: Student, over 3 replications" in text
    assert "3 patients, 3 replications, seed 4" in text


def test_waits_and_resources():
    patients = [Patient([asks(0, "ward", bed=1), granted(d, "ward", bed=2)]) for d in (1.0, 3.0, 5.0)]
    text = printed(ALL[-1], patients=patients, use=USE, **BEDS)
    assert row(text, "wait") == ["wait", "3.0", "days", "3"]
    assert row(text, "  served") == ["served", "3.0", "days", "3"]
    assert row(text, "  left") == ["left", "-", "0"]
    assert row(text, "bed") == ["bed", "40.0", "40.0%", "7.00"]


def test_a_funnel_is_a_row_for_each_step():
    text = printed(ALL[9])
    assert row(text, "entering home") == ["entering", "home", "89", "100.0%", "100.0%"]


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
    assert number_format.share(None) == "-"
    assert number_format.share_interval([0.642, 0.661]) == "64.2 to 66.1"
    assert number_format.days_interval([657.0, None], 730.5) == "1.8 to not reached"
    assert number_format.days_interval([1461.0, None], None) == "4.0 years to not reached"
    assert number_format.days_interval([1461.0, 1826.25], None) == "4.0 to 5.0 years"
    assert number_format.days_interval([None, None], None) == "not reached to not reached"
    assert number_format.days_interval(None, 700.0) == ""
    assert number_format.time(365.25 * 5) == "5 years"
    assert number_format.time(1.0) == "1 day"


@pytest.mark.parametrize("width", [5.0, 0.31, 0.1, 0.04, 0.0023])
@pytest.mark.parametrize("middle", [12.34567, 0.05, -0.0001])
def test_the_ends_of_an_interval_are_told_apart(middle, width):
    """An interval is never narrower than its last decimal, so its ends are not rounded to one number."""
    limits = (middle - width / 2, middle + width / 2)
    shares = tuple(end / 100 for end in limits)
    for told in (
        number_format.days_interval(limits, middle),
        number_format.share_interval(shares),
        number_format.interval(limits, middle, ""),
    ):
        low, high = told.split(" to ")
        assert float(low) < float(high)


def test_an_estimate_has_the_decimals_of_its_interval():
    assert number_format.days(1.284, (1.264, 1.304)) == "1.28 days"
    assert number_format.days_interval((1.264, 1.304), 1.284) == "1.26 to 1.30"
    assert number_format.share(0.3, (0.2998, 0.3002)) == "30.00%"
    assert number_format.plain(123.456, (123.3, 123.6)) == "123.5"
    assert number_format.plain(12.3, (10.0, 14.0)) == "12.3"


def test_an_interval_that_is_a_point_but_for_rounding_asks_for_no_decimals():
    nearly = (1.0 - 1e-15, 1.0)
    assert number_format.share(1.0, nearly) == "100.0%"
    assert number_format.share_interval(nearly) == "100.0 to 100.0"
    assert number_format.plain(1.0, nearly) == "1.00"


def test_nothing_is_minus_nought():
    assert number_format.share(-0.0002) == "0.0%"
    assert number_format.days(-0.02) == "0.0 days"
    assert number_format.plain(-0.0002) == "0.000"


def test_a_median_is_not_reached_by_somebody_only():
    median = {"median_days": None, "median_interval": None}
    assert days_or_not("median", {**median, "n": 5}) == "not reached"
    assert days_or_not("median", {**median, "n": 0}) == "-"
