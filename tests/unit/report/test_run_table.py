"""The tables of a run, as printed at 80 columns."""

from __future__ import annotations

from io import StringIO
from math import nan

from rich.console import Console

from sim.outcomes.estimates import EstimateRow
from sim.report.tables.run_table import print_run, value_cell
from sim.scenario.language import model as m
from tests import example_logs as by_hand
from tests.example_logs import Patient, asks, enters, granted, happens, outcome
from tests.example_runs import log_results

STAGES = [
    by_hand.stage("ward", "ill", needs=[m.Need(None, "bed", by_hand.HERE)]),
    by_hand.stage("home", "well"),
    by_hand.stage("dead", "dead", terminal=True),
]
DEATH = happens("state", "dead")
OS = outcome("time_to_event", "survival", begin=happens("start"), until=DEATH)


def printed(*outcomes, patients=None, terminal=False, width=80, use=None, chosen=None, **settings) -> str:
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
    print_run(log_results(log, use or by_hand.no_use(), of, seed=4), console, chosen)
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
    outcome("ever", "discharged", event=happens("stage", "home"), label="Ever [bold]home[/bold]"),
    outcome("count", "visits", event=happens("stage", "home"), by="csf"),
    outcome("total", "deaths", event=DEATH),
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
    assert text.startswith("By hand\n89 patients, seed 4, horizon 1000 days\n")


def test_single_numbers():
    text = printed(ALL[3], ALL[4])
    assert "100.0%" in text
    assert "95.9 to 100.0" in text
    assert "share of patients entering home at least once" in text
    assert "discharged: Ever [bold]home[/bold]" in text, "names are printed as they are"
    assert row(text, "  csf cns2") == ["csf", "cns2", "1.00", "1.00", "to", "1.00", "30"]


def test_a_missing_interval_has_its_reason():
    text = printed(OS, ALL[3], **BEDS, use=USE)
    assert text.count("no interval: patients share bed") == 2
    assert row(text, "3 months") == ["3", "months", "89.9%", "80"]


def test_patients_left_out_are_counted():
    from_home = outcome("time_to_event", "from_home", begin=happens("stage", "home"), until=DEATH)
    patients = [Patient([enters(0, "ward")])] * 2 + [Patient([enters(0, "ward"), enters(3, "home")])]
    assert "left out: 2 patients without entering home" in printed(from_home, patients=patients)


def test_replications_are_counted():
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
    assert row(text, "  median") == ["median", "3.0", "days"]
    assert row(text, "  90% within") == ["90%", "within", "5.0", "days", "3"]
    assert row(text, "bed") == ["bed", "40.0", "40.0%", "7.00", "1.10"]
    of_waits = next(
        line for line in text.split("Waits for resources")[1].splitlines() if line.startswith("bed")
    )
    assert of_waits.split() == ["bed", "3.0", "days", "3.0", "days", "5.0", "days", "3"]


def test_competing_ends_that_do_not_fit_beside_each_other_stand_below():
    """Each of the six ends once, none cropped, each with its rows of times."""
    text = printed(ALL[2])
    heads = [line.split()[1:] for line in text.splitlines() if line.startswith("time")]
    assert len(heads) > 1
    names = [name for line in heads for name in line]
    assert names == ["many_ends_of_one_stay", *(f"a_rather_long_name_{i}" for i in range(5))]
    assert text.count("1 year") == len(heads)


def test_only_the_chosen_outcomes_are_printed():
    text = printed(OS, ALL[3], ALL[4], chosen=["visits"])
    assert "visits" in text
    assert "survival" not in text
    assert "discharged" not in text


def test_the_range_of_single_replications_stands_beside_the_mean():
    """Of 20 replications with k of 20 patients home in replication k, linear between order statistics."""
    patients = [
        Patient([enters(0, "ward"), enters(1, "home" if i < r else "dead")], replication=r)
        for r in range(1, 21)
        for i in range(20)
    ]
    for patient in patients:
        patient.replication -= 1
    text = printed(ALL[3], patients=patients)
    assert "Single replications: the range of one of them" in text
    lines = text.split("Single replications")[1].splitlines()
    assert next(line.split() for line in lines if line.startswith("discharged")) == [
        "discharged",
        "9.8%",
        "52.5%",
        "95.2%",
    ]


def test_a_funnel_is_a_row_for_each_step():
    text = printed(ALL[9])
    assert row(text, "2. entering home") == ["2.", "entering", "home", "89", "100.0%", "100.0%"]


def test_a_median_that_is_not_reached_says_so_unless_there_is_nobody():
    def median(n: float) -> EstimateRow:
        return EstimateRow("it", "", "", "", "median", nan, "days", nan, n=n)

    assert value_cell(median(5)).text == "not reached"
    assert value_cell(median(0)).text == "-"


def test_a_share_of_one_patient_is_no_percentage():
    def found(estimate: float, n: float) -> str:
        return value_cell(
            EstimateRow("it", "", "", "", "survival", 365.25, "probability", estimate, n=n)
        ).text

    assert [found(1.0, 1), found(0.0, 1), found(0.25, 1), found(1.0, 2)] == [
        "1 of 1",
        "0 of 1",
        "25.0%",
        "100.0%",
    ]
