"""What a CSV of observations may be, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sim
from sim.calibration.fit_results import FitRequest, fit_survival
from sim.calibration.survival_data import Columns, Printed, SurvivalData, read_survival_data
from sim.errors import InputError

MANY = " ".join(f"{n},1,a{n}" for n in range(1, 61))


def read(folder: Path, text: str, printed: Printed = Printed(), **columns: object) -> SurvivalData:  # noqa: B008
    """The data of a CSV, its lines divided by blanks."""
    path = folder / "data.csv"
    path.write_text("\n".join(text.split()) + "\n", "utf-8")
    return read_survival_data(path, Columns(**columns), printed)  # type: ignore[arg-type]


def test_times_and_status(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "time,status 5,1 7.5,0 5,1").strata
    assert one.label == ""
    assert (one.data.number, one.data.events, one.data.last, one.data.last_event) == (3.0, 2.0, 7.5, 5.0)
    few = one.data.distinct()
    assert few.weight.tolist() == [2.0, 1.0]


def test_late_entry_and_named_columns(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "t,d,from_day 5,1,0 7,0,3 9,1,", time="t", status="d", entry="from_day").strata
    assert one.data.entry.tolist() == [0.0, 3.0, 0.0]


def test_a_fit_for_each_cause_censors_the_others(tmp_path: Path) -> None:
    found = read(tmp_path, "time,status,cause 5,1,relapse 7,0, 6,1,death 9,1,relapse").strata
    assert [(one.event, one.data.events, one.data.number) for one in found] == [
        ("death", 1.0, 4.0),
        ("relapse", 2.0, 4.0),
    ]


def test_groups_in_order(tmp_path: Path) -> None:
    found = read(tmp_path, "time,status,arm 5,1,10 7,0,2 6,1,2", by="arm").strata
    assert [one.group for one in found] == ["arm 2", "arm 10"]


def test_intervals(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "time_low,time_high 3,5 ,4 6,6 8,").strata
    assert one.data.low.tolist() == [3.0, 0.0, 6.0, 8.0]
    assert one.data.high.tolist() == [5.0, 4.0, 6.0, np.inf]
    assert one.data.is_interval.tolist() == [True, True, False, False]
    assert one.data.events == 3.0


def test_covariates(tmp_path: Path) -> None:
    """Numbers are centred, texts compared with the first, yes and no are 1 and 0."""
    text = "time,status,age,sex,frail,site 5,1,40,f,yes,a 7,0,60,m,no,c 6,1,50,f,no,b"
    found = read(tmp_path, text, covariates=("age", "sex", "frail", "site"))
    assert [one.name for one in found.covariates] == ["age", "sex=m", "frail", "site=b", "site=c"]
    assert found.covariates[0].centre == 50.0
    assert found.covariates[2].is_yes_no
    matrix = found.strata[0].data.covariates
    assert matrix.tolist() == [[-10.0, 0, 1, 0, 0], [10.0, 1, 0, 0, 1], [0.0, 0, 0, 1, 0]]


def test_a_digitised_curve_with_numbers_in_a_column(tmp_path: Path) -> None:
    """4 of 20; 4 censored, then 3 of 12; 2 censored as before, then 2 of 7."""
    (one,) = read(tmp_path, "time,survival,at_risk 0,1,20 5,0.8, 10,0.6,12 15,0.4,").strata
    assert one.data.number == 20.0
    assert one.data.events == 9.0


def test_the_number_of_patients_is_the_first_number_at_risk(tmp_path: Path) -> None:
    """Alone, and before those printed at later times."""
    curve = "time,survival 0,1 5,0.8 10,0.6 15,0.4"
    (alone,) = read(tmp_path, curve, Printed(patients=20)).strata
    assert (alone.data.number, alone.data.events) == (20.0, 12.0)
    (beside,) = read(
        tmp_path, "time,survival,at_risk 0,1, 5,0.8, 10,0.6,8 15,0.4,", Printed(patients=20)
    ).strata
    assert beside.data.number == 20.0
    assert beside.data.low.tolist().count(5.0) == 4


def test_events_that_are_all_before_the_last_number_at_risk(tmp_path: Path) -> None:
    """The 4 printed are those until day 10: the rest of the curve falls without any."""
    text = "time,survival,at_risk 0,1,20 5,0.8, 10,0.8,16 15,0.75,"
    (one,) = read(tmp_path, text, Printed(events=4)).strata
    assert one.data.events == 4.0
    with pytest.raises(InputError, match="events: 21 is not between 0 and the 20 patients"):
        read(tmp_path, text, Printed(events=21))


def test_transitions_without_names_of_states_have_their_numbers(tmp_path: Path) -> None:
    text = "id,from,to,Tstart,Tstop,status 1,1,2,0,5,1 1,1,3,0,5,0 1,2,3,5,9,1 2,1,2,0,7,0 2,1,3,0,7,1"
    found = read(tmp_path, text).strata
    assert [(one.event, one.data.number, one.data.events) for one in found] == [
        ("1 to 2", 2.0, 1.0),
        ("1 to 3", 2.0, 1.0),
        ("2 to 3", 1.0, 1.0),
    ]


def test_the_long_format_of_mstate(tmp_path: Path) -> None:
    """A simulated pathway is exported and fitted: times since the entry into a state, as a scenario counts them."""
    scenario = tmp_path / "s.yaml"
    scenario.write_text(
        """format: 1
title: Two exits, then one
horizon: 20 years
states: {first: {}, second: {}, dead: {}}
patients: {number: 3000}
pathway:
  start: first
  stages:
    first:
      state: first
      events:
        next: {after: {weibull: {shape: 1.5, scale: 2 years}}, to: second}
        death: {after: {exponential: {rate: 0.3 per year}}, to: dead}
    second: {state: second, events: {death: {after: {weibull: {shape: 0.7, scale: 1 year}}, to: dead}}}
    dead: {state: dead, terminal: true}
outcomes: {overall_survival: {from: start, until: {state: dead}}}
""",
        "utf-8",
    )
    run = sim.run(scenario)
    run.export(tmp_path / "long", to="mstate")
    request = FitRequest.of(
        tmp_path / "long" / "msdata.csv", columns=Columns(), printed=Printed(), families=["weibull"]
    )
    found = {one.stratum.event: one.fits[0] for one in fit_survival(request).strata}
    truth = {
        "first to second": (1.5, 730.5),
        "first to dead": (1.0, 365.25 / 0.3),
        "second to dead": (0.7, 365.25),
    }
    assert set(found) == set(truth)
    for event, values in truth.items():
        for one, value in zip(found[event].parameters, values, strict=True):
            assert abs(one.value - value) < 4.0 * one.standard_error < 0.4 * value, (event, one)


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("time,status 5,1 0,1", {}, "line 3 of data.csv, column time: 0 is not a time that can be fitted"),
        ("time,status 5,1 -2,1", {}, "column time: -2 is not a time"),
        ("time,status 5,1 x,1", {}, "line 3 of data.csv, column time: `x` is not a number"),
        ("time,status 5,1 7,2", {}, "column status: `2` is neither 0 nor 1"),
        ("time,status 5,1 7,", {}, "column status: is empty"),
        ("time,event 5,1", {}, "data.csv has no column `status`"),
        ("time,status 5,1", {"by": "arm"}, "data.csv has no column `arm`"),
        ("time,status,entry 5,1,5", {}, "column entry: 5 is not before the end 5"),
        ("time,status,cause 5,1,", {}, "column cause: is empty, and the event was seen"),
        ("time,status,age 5,1,4 6,1,", {"covariates": ("age",)}, "line 3 of data.csv, column age: is empty"),
        ("time,status,age 5,1,4 6,1,4", {"covariates": ("age",)}, "covariates: age has one value"),
        ("time,status,age 5,1,4 6,1,3", {"covariates": ("age", "age")}, "covariates: age is named twice"),
        ("time,survival,at_risk 0,1,2000000 5,0.5, 6,0.4,", {}, "2,000,000 patients are at risk at time 0"),
        ("time_low,time_high 5,4", {}, "column time_low: 5 is after time_high 4"),
        ("time_low,time_high 0,", {}, "neither end is known"),
        (
            "time_low,time_high,entry 3,5,0 4,6,5",
            {},
            "line 3 of data.csv, column time_low: is before the entry",
        ),
        ("time,status,arm 5,1,a 6,1,", {"by": "arm"}, "line 3 of data.csv, column arm: is empty"),
        (f"time,status,arm {MANY}", {"by": "arm"}, "by: arm has 60 values"),
        (f"time,status,arm {MANY}", {"covariates": ("arm",)}, "covariates: arm has 60 different texts"),
        ("time,survival 0,1 5,0.5 6,0.4", {}, "the numbers at risk are missing"),
        (
            "time,survival,age 0,1,3 5,0.5,4",
            {"covariates": ("age",)},
            "covariates: a digitised curve has none",
        ),
        ("time,survival,at_risk 0,1,20.5 5,0.5,", {}, "column at_risk: 20.5 is not a whole number"),
        (
            "time,survival,at_risk 0,1,20 5,0.8,12 5,0.7,11",
            {},
            "the number at risk at 5 comes after that at 5",
        ),
        ("id,from,to,Tstart,Tstop,status 1,1,2,5,5,1", {}, "column Tstop: 5 is not after Tstart 5"),
    ],
)
def test_what_is_wrong_has_its_line_and_column(
    text: str, columns: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text, **columns)
    assert message in error.value.fact
    assert error.value.fix


def test_numbers_at_risk_in_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"at_risk: .*none\.csv is no file"):
        read(tmp_path, "time,survival 0,1 5,0.5 6,0.4", Printed(at_risk=tmp_path / "none.csv"))


def test_what_is_printed_beside_a_curve_needs_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no digitised curve"):
        read(tmp_path, "time,status 5,1", Printed(patients=10))
