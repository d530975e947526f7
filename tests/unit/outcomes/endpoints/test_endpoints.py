"""Shares, counts, attributes and times in places."""

from __future__ import annotations

import numpy as np
import pytest

from sim.outcomes.results import mean, share
from sim.scenario.language import model as m
from tests.example_logs import Patient, asks, enters, granted, happens, outcome, test
from tests.rows import OutcomeRows, limits
from tests.unit.outcomes.ward import DOSE, STAGES, doses, results_of, rows_of

# ---------------------------------------------------------------- ever, count, total


def test_share_of_patients_with_an_event():
    found = rows_of(doses(0, 3, 1, 0), "ever", event=DOSE)
    headline = found.headline
    assert (headline.measure, headline.estimate, headline.n) == ("share", 0.5, 4)
    assert found.value("events") == 2
    assert limits(headline) == (share(2, 4).low, share(2, 4).high)
    assert (headline.method, headline.unit) == ("Wilson", "share")
    assert found.facts.description.text == "share of patients having the event ward.dose at least once"


def test_mean_count_of_events():
    headline = rows_of(doses(0, 3, 1, 0), "count", event=DOSE).headline
    assert (headline.measure, headline.estimate) == ("mean", 1.0)
    expected = mean(np.array([0.0, 3, 1, 0]))
    assert limits(headline) == pytest.approx((expected.low, expected.high))
    assert (headline.method, headline.unit) == ("Student", "per patient")


def test_total_is_a_number_per_replication():
    patients = doses(0, 3) + doses(2, replication=1)
    one = rows_of(doses(0, 3, 1), "total", event=DOSE).headline
    assert (one.measure, one.estimate, limits(one), one.method) == ("total", 4, None, "")
    assert one.note == "a number per replication needs several replications"
    assert rows_of(patients, "total", event=DOSE).headline.estimate == 2.5
    third = rows_of(patients, "total", event=DOSE, replications=3).headline
    assert third.estimate == pytest.approx(5 / 3), "a replication without patients counts 0"
    assert limits(third) is not None


def test_range_of_single_replications():
    """Of 21 replications with 0 to 20 doses the 5% quantile is the second, the 95% the last but one."""
    patients = [patient for n in range(21) for patient in doses(n, replication=n)]
    found = rows_of(patients, "total", event=DOSE)
    quantiles = {measure: found.value(measure) for measure in found.measures if "replication_" in measure}
    assert quantiles == {"replication_5%": 1.0, "replication_50%": 10.0, "replication_95%": 19.0}
    low, high = limits(found.headline)
    assert 1.0 < low < high < 19.0
    fewer = rows_of(patients[:19], "total", event=DOSE)
    assert not [measure for measure in fewer.measures if "replication_" in measure]


# ---------------------------------------------------------------- groups and subsets


def test_groups_and_subsets_of_patients():
    patients = doses(2, 0, start={"site": "cns"}) + doses(5, start={"grade": 4})
    found = rows_of(patients, "count", event=DOSE, by="site")
    assert {name: one.headline.estimate for name, one in found.groups.items()} == {"marrow": 5, "cns": 1}
    found = rows_of(patients, "count", event=DOSE, by="grade")
    assert {name: one.headline.n for name, one in found.groups.items()} == {"0": 2, "4": 1}
    found = rows_of(patients, "count", event=DOSE, among=m.Among(test("site", "is", "cns"), None))
    assert (found.headline.estimate, found.headline.n) == (1, 2)


def test_groups_by_yes_and_no():
    patients = [Patient([enters(0, "ward")], start={"fit": fit}) for fit in (True, True, False)]
    found = rows_of(patients, "ever", event=DOSE, by="fit")
    assert {name: one.headline.n for name, one in found.groups.items()} == {"false": 1, "true": 2}


def test_a_number_with_many_values_makes_no_groups():
    patients = [Patient([enters(0, "ward")], start={"grade": g}) for g in range(60)]
    found = rows_of(patients, "ever", event=DOSE, by="grade")
    assert found.groups == {}
    assert found.results.estimates.present("group") == ("",)
    assert found.facts.groups_note == "grade has more than 50 different values: too many for groups"


# ---------------------------------------------------------------- attributes

GRADED = [
    Patient(
        [enters(0, "ward"), enters(3, "home", grade=2, site="cns", fit=True), enters(9, "dead", grade=7)]
    ),
    Patient([enters(0, "ward"), enters(3, "home", grade=4), enters(5, "home", grade=1)]),
    Patient([enters(0, "ward")], start={"grade": 6, "fit": True}),
]


def test_a_number_at_an_event_and_at_the_end():
    found = rows_of(GRADED, "attribute", attribute="grade")
    assert found.headline.estimate == pytest.approx((7 + 1 + 6) / 3)
    at_home = outcome("attribute", attribute="grade", at=happens("stage", "home"))
    found = OutcomeRows(results_of(GRADED, at_home))
    assert (found.headline.estimate, found.headline.n, found.value("left_out")) == (3, 2, 1)
    assert found.facts.description.text == "mean of grade just after entering home"


def test_yes_no_and_categories():
    fit = rows_of(GRADED, "attribute", attribute="fit")
    assert (fit.headline.measure, fit.headline.estimate) == ("share", pytest.approx(2 / 3))
    site = rows_of(GRADED, "attribute", attribute="site")
    assert site.results.headline("it") is None, "no category stands for the others"
    shares = site.parts("share")
    assert list(shares) == ["marrow", "cns"]
    assert shares["cns"].estimate == pytest.approx(1 / 3)
    assert limits(shares["cns"]) == (share(1, 3).low, share(1, 3).high)
    assert site.value("count", "marrow") == 2
    assert {row.method for row in shares.values()} == {"Wilson"}


# ---------------------------------------------------------------- places

MOVING = [
    Patient([enters(0, "ward"), enters(10, "choice"), asks(10, "theatre", "decide"), granted(25, "theatre"),
             enters(30, "recovery"), enters(50, "home"), enters(80, "dead")]),
    Patient([asks(0, "theatre"), granted(40, "theatre"), enters(60, "home")], follow_up=100.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "days"),
    [
        (("stage", "ward"), [25, 0]),
        (("stage", "choice"), [0, 0]),
        (("stage", "theatre"), [5, 60]),
        (("stage", "recovery"), [20, 0]),
        (("state", "ill"), [50, 60]),
        (("state", "well"), [30, 40]),
        (("state", "dead"), [920, 0]),
    ],
    ids=str,
)
def test_time_in_a_place(place, days):
    """A wait counts to the stage left, that before the first stage to the first; `recovery` keeps the state."""
    assert rows_of(MOVING, "time_in", place=place).headline.estimate == sum(days) / 2


def test_times_in_all_stages_sum_to_the_follow_up():
    found = [rows_of(MOVING, "time_in", place=("stage", s.name)).headline.estimate for s in STAGES]
    assert sum(found) == (1000 + 100) / 2


def test_occupancy():
    found = rows_of(MOVING, "occupancy", place=("state", "ill"), at=[0.5, 45.0, 50.0, 100.0, 500.0])
    curve = found.at("share")
    assert [row.estimate for row in curve.values()] == [1, 1, 0.5, 0, 0]
    assert [row.n for row in curve.values()] == [2, 2, 2, 2, 1]
    well = rows_of(MOVING, "occupancy", place=("state", "well"), at=[50.0, 100.0, 1000.0])
    assert [row.estimate for row in well.at("share").values()] == [0.5, 0.5, 0]
    headline = well.headline
    assert (headline.n, well.value("left_out"), headline.time_days) == (1, 1, 1000)
