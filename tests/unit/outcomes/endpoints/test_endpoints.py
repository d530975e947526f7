"""Shares, counts, attributes, times in places, waits, patterns and the use of resources."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest

from sim.event_log.log import FREE_OF, HOLDS, WAITS_FOR
from sim.outcomes.endpoints.pathway_patterns import pathway
from sim.outcomes.history.history import History
from sim.outcomes.intervals import mean, share
from sim.outcomes.summary import DEFAULT_TIMES, summarise
from sim.scenario.language import model as m
from tests import hand_made_log as by_hand
from tests.hand_made_log import Patient, asks, enters, granted, happens, leaves, outcome, stays, test

BED = m.Need(None, "bed", by_hand.HERE)
STAGES = [
    by_hand.stage("ward", "ill"),
    by_hand.stage("choice", decision=True),
    by_hand.stage("theatre", "ill", needs=[BED]),
    by_hand.stage("recovery", needs=[m.Need(test("grade", "at_least", 3.0), "bed", by_hand.HERE)]),
    by_hand.stage("home", "well"),
    by_hand.stage("dead", "dead", terminal=True),
]
ATTRIBUTES = [by_hand.number("grade"), by_hand.category("site", "marrow", "cns"), by_hand.yes_no("fit")]
EVENTS = ["a.next", "ward.dose"]


def summary(patients, *outcomes, use=None, at=DEFAULT_TIMES, about=None, **settings):
    of = by_hand.scenario(STAGES, attributes=ATTRIBUTES, outcomes=outcomes, **settings)
    log = by_hand.event_log(of, patients, events=EVENTS)
    found = summarise(log, use or by_hand.no_use(), of, at=at, about=about)
    json.dumps(found, allow_nan=False)
    return found


def entry(patients, kind, **fields):
    settings = {k: fields.pop(k) for k in ("resources", "at", "follow_up", "about") if k in fields}
    return summary(patients, outcome(kind, **fields), **settings)["outcomes"]["it"]


def doses(*numbers: int, **fields) -> list[Patient]:
    return [
        Patient([enters(0, "ward"), *[stays(i, "ward.dose") for i in range(1, n + 1)]], **fields)
        for n in numbers
    ]


DOSE = happens("event", "ward.dose")

# ---------------------------------------------------------------- estimates


def test_wilson():
    """Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I."""
    for count, of, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        found = share(count, of)
        assert found.value == count / of
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert share(20, 20).high == 1.0
    assert not share(0, 0).is_known


def test_student():
    """Ten values with their published interval, 11.02 and 1.03544326 to either side."""
    found = mean(np.array([12.1, 9.8, 11.4, 10.2, 13.3, 8.9, 10.7, 11.9, 12.5, 9.4]))
    assert found.value == pytest.approx(11.02)
    assert (found.value - found.low, found.high - found.value) == pytest.approx((1.03544326,) * 2, abs=1e-8)
    assert not mean(np.array([3.0])).has_interval


# ---------------------------------------------------------------- ever, count, total


def test_ever():
    found = entry(doses(0, 3, 1, 0), "ever", happening=DOSE)
    assert (found["estimate"], found["n"], found["events"]) == (0.5, 4, 2)
    assert found["interval"] == [share(2, 4).low, share(2, 4).high]
    assert found["interval_kind"] == "Wilson"
    assert found["estimate_of"] == "share of patients having the event ward.dose at least once"


def test_count():
    found = entry(doses(0, 3, 1, 0), "count", happening=DOSE)
    assert found["estimate"] == 1.0
    assert found["interval"] == pytest.approx(
        [mean(np.array([0.0, 3, 1, 0])).low, mean(np.array([0.0, 3, 1, 0])).high]
    )
    assert found["interval_kind"] == "Student"


def test_total_is_a_number_a_replication():
    patients = doses(0, 3) + doses(2, replication=1)
    one = entry(doses(0, 3, 1), "total", happening=DOSE)
    assert (one["estimate"], one["interval"], one["interval_kind"]) == (4, None, None)
    assert "replications" in one["interval_note"]
    assert entry(patients, "total", happening=DOSE)["estimate"] == 2.5
    third = entry(patients, "total", happening=DOSE, about={"replications": 3})
    assert third["estimate"] == pytest.approx(5 / 3), "a replication without patients counts 0"
    assert third["interval"] is not None


def test_by_and_among():
    patients = doses(2, 0, start={"site": "cns"}) + doses(5, start={"grade": 4})
    found = entry(patients, "count", happening=DOSE, by="site")
    assert {k: g["estimate"] for k, g in found["groups"].items()} == {"marrow": 5, "cns": 1}
    found = entry(patients, "count", happening=DOSE, by="grade")
    assert {k: g["n"] for k, g in found["groups"].items()} == {"0": 2, "4": 1}
    found = entry(patients, "count", happening=DOSE, among=m.Among(test("site", "is", "cns"), None))
    assert (found["estimate"], found["n"]) == (1, 2)


def test_groups_by_yes_and_no():
    patients = [Patient([enters(0, "ward")], start={"fit": fit}) for fit in (True, True, False)]
    found = entry(patients, "ever", happening=DOSE, by="fit")
    assert {k: g["n"] for k, g in found["groups"].items()} == {"false": 1, "true": 2}


def test_a_number_of_many_values_makes_no_groups():
    patients = [Patient([enters(0, "ward")], start={"grade": g}) for g in range(60)]
    found = entry(patients, "ever", happening=DOSE, by="grade")
    assert found["groups"] == {}
    assert found["groups_note"] == "grade has more than 50 different values: too many to tell apart"


# ---------------------------------------------------------------- attributes

GRADED = [
    Patient(
        [enters(0, "ward"), enters(3, "home", grade=2, site="cns", fit=True), enters(9, "dead", grade=7)]
    ),
    Patient([enters(0, "ward"), enters(3, "home", grade=4), enters(5, "home", grade=1)]),
    Patient([enters(0, "ward")], start={"grade": 6, "fit": True}),
]


def test_a_number_at_a_happening_and_at_the_end():
    found = entry(GRADED, "attribute", attribute="grade")
    assert found["estimate"] == pytest.approx((7 + 1 + 6) / 3)
    at_home = summary(
        GRADED, m.Outcome("it", "attribute", by_hand.HERE, attribute="grade", at=happens("stage", "home"))
    )
    found = at_home["outcomes"]["it"]
    assert (found["estimate"], found["n"], found["left_out"]) == (3, 2, 1)
    assert found["estimate_of"] == "mean of grade just after entering home"


def test_yes_no_and_categories():
    fit = summary(GRADED, m.Outcome("it", "attribute", by_hand.HERE, attribute="fit"))["outcomes"]["it"]
    assert fit["estimate"] == pytest.approx(2 / 3)
    site = summary(GRADED, m.Outcome("it", "attribute", by_hand.HERE, attribute="site"))["outcomes"]["it"]
    assert site["estimate"] is None
    assert site["shares"]["cns"]["estimate"] == pytest.approx(1 / 3)
    assert site["shares"]["cns"]["interval"] == [share(1, 3).low, share(1, 3).high]
    assert site["shares"]["marrow"]["count"] == 2
    assert site["interval_kind"] == "Wilson"


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
def test_time_in(place, days):
    """A wait counts to the stage left, before the first to that; `recovery` leaves the state as it was."""
    assert entry(MOVING, "time_in", place=place)["estimate"] == sum(days) / 2


def test_times_in_all_stages_sum_to_the_follow_up():
    found = [entry(MOVING, "time_in", place=("stage", s.name))["estimate"] for s in STAGES]
    assert sum(found) == (1000 + 100) / 2


def test_occupancy():
    found = entry(MOVING, "occupancy", place=("state", "ill"), at=[0.5, 45.0, 50.0, 100.0, 500.0])["at"]
    assert [e["estimate"] for e in found.values()] == [1, 1, 0.5, 0, 0]
    assert [e["n"] for e in found.values()] == [2, 2, 2, 2, 1]
    well = entry(MOVING, "occupancy", place=("state", "well"), at=[50.0, 100.0, 1000.0])
    assert [e["estimate"] for e in well["at"].values()] == [0.5, 0.5, 0]
    assert (well["n"], well["left_out"], well["estimate_days"]) == (1, 1, 1000)


def test_what_single_replications_come_to():
    """Of 21 with 0 to 20 doses: the 5% of them is the second, the 95% the last but one."""
    patients = [patient for n in range(21) for patient in doses(n, replication=n)]
    found = entry(patients, "total", happening=DOSE)
    assert found["single_replications"] == {"5%": 1.0, "50%": 10.0, "95%": 19.0}
    low, high = found["interval"]
    assert 1.0 < low < high < 19.0
    assert "single_replications" not in entry(patients[:19], "total", happening=DOSE)


# ---------------------------------------------------------------- waits

WAITING = [
    Patient([enters(0, "ward"), asks(10, "theatre", bed=WAITS_FOR), granted(25, "theatre", bed=HOLDS),
             enters(30, "home", bed=FREE_OF)]),
    Patient([enters(0, "ward"), asks(8, "theatre", bed=WAITS_FOR), granted(8, "theatre", bed=HOLDS)]),
    Patient([enters(0, "ward"), asks(2, "theatre", bed=WAITS_FOR), leaves(8, "theatre"),
             enters(8, "dead", bed=FREE_OF)]),
    Patient([enters(0, "ward"), asks(900, "theatre", bed=WAITS_FOR), stays(950, "ward.dose")]),
    Patient([enters(0, "ward")]),
]  # fmt: skip
ONE_BED = {"resources": [by_hand.resource("bed", 1)]}


def test_waiting_for():
    found = entry(WAITING, "waiting_for", resource="bed", **ONE_BED)
    assert found["estimate"] == pytest.approx((15 + 0 + 6) / 3)
    assert (found["n"], found["left_out"]) == (3, 1)
    assert (found["served"]["n"], found["served"]["estimate"]) == (2, 7.5)
    assert (found["left"]["n"], found["left"]["estimate"]) == (1, 6)
    assert found["interval"] is None
    assert "bed" in found["interval_note"]


def test_waiting_longer_than():
    found = entry(WAITING, "waiting_for", resource="bed", above=6.0, **ONE_BED)
    assert found["estimate"] == pytest.approx(1 / 3)
    assert found["served"]["estimate"] == 0.5
    assert found["left"]["estimate"] == 0
    assert found["unit"] == "share"


@pytest.mark.parametrize(("held", "noted"), [(3, True), (2, False)])
def test_more_held_on_day_0_than_there_is_is_noted(held, noted):
    """The capacity of that time is what is held: it falls as it is given back."""
    rows = [(0, 0.0, 0, held, 0, max(held, 2)), (0, 5.0, 0, 2, 0, 2), (0, 7.0, 0, 3, 0, 3)]
    found = summary(WAITING, use=by_hand.resource_use(rows), resources=[by_hand.resource("bed", 2)])
    note = "today's patients hold 1 more of bed than there are"
    assert [text for text in found["notes"] if text.startswith(note)] == (found["notes"][:1] if noted else [])
    assert not noted or found["notes"]


def test_waits_over_replications():
    asking = [asks(8, "theatre", bed=WAITS_FOR), granted(8, "theatre", bed=HOLDS)]
    second = [Patient([enters(0, "ward"), *asking], replication=1)]
    found = entry(WAITING + second, "waiting_for", resource="bed", **ONE_BED)
    assert found["estimate"] == pytest.approx((7 + 0) / 2)
    assert found["interval"] is not None
    none = [Patient([enters(0, "ward")], replication=1)]
    found = entry(WAITING + none, "waiting_for", resource="bed", **ONE_BED)
    assert (found["estimate"], found["replications_left_out"]) == (7, 1)


@pytest.mark.parametrize(
    ("rows", "n"),
    [
        ([enters(0, "theatre"), enters(5, "theatre")], 1),
        ([enters(0, "theatre"), enters(5, "choice"), enters(5, "theatre", "decide")], 1),
        ([enters(0, "theatre"), enters(5, "ward"), enters(6, "theatre")], 2),
        ([enters(0, "theatre", grade=3), enters(5, "recovery"), enters(7, "theatre")], 1),
        ([enters(0, "theatre"), enters(5, "recovery"), enters(7, "theatre")], 2),
    ],
)
def test_what_is_unlimited_is_asked_for_once_while_it_is_held(rows, n):
    """It leaves nothing in the log, so who needs it and does not hold it is read from the stages."""
    found = entry([Patient(rows)], "waiting_for", resource="bed", resources=[by_hand.resource("bed", None)])
    assert (found["n"], found["served"]["n"], found["estimate"]) == (n, n, 0.0)


def test_a_wait_for_several_is_a_wait_for_each():
    rows = [asks(0, "theatre", bed=WAITS_FOR, nurse=WAITS_FOR), granted(4, "theatre", bed=HOLDS, nurse=HOLDS),
            asks(6, "recovery", nurse=FREE_OF), granted(9, "recovery")]  # fmt: skip
    two = {"resources": [by_hand.resource("bed", 1), by_hand.resource("nurse", 1)]}
    for name in ("bed", "nurse"):
        found = entry([Patient(rows)], "waiting_for", resource=name, **two)
        assert (found["n"], found["estimate"]) == (1, 4)


# ---------------------------------------------------------------- patterns


def test_funnel():
    patients = [
        Patient([enters(0, "ward"), enters(1, "theatre"), enters(2, "home")]),
        Patient([enters(0, "ward"), enters(1, "theatre")]),
        Patient([enters(0, "home"), enters(1, "theatre")]),
        Patient([enters(0, "ward"), enters(1, "home")]),
    ]
    steps = (
        happens("start"),
        happens("asked", "theatre"),
        happens("stage", "theatre"),
        happens("stage", "home"),
    )
    found = entry(patients, "funnel", sequence=steps)
    assert [s["count"] for s in found["steps"]] == [4, 3, 3, 2]
    assert [s["estimate"] for s in found["steps"]] == [1, 0.75, 1, 2 / 3]
    assert [s["of_first"] for s in found["steps"]] == [1, 0.75, 0.75, 0.5]
    assert found["steps"][3]["interval"] == [share(2, 3).low, share(2, 3).high]
    assert found["steps"][1]["of"] == "coming to theatre"
    assert (found["estimate"], found["n"]) == (0.5, 4)
    from_ward = entry(patients, "funnel", sequence=(happens("stage", "ward"), happens("stage", "home")))
    assert (from_ward["n"], from_ward["left_out"], from_ward["estimate"]) == (3, 1, 2 / 3)


def random_patients(seed: int, n: int) -> list[Patient]:
    """Short wanderings, several rows of one time among them."""
    random = np.random.default_rng(seed)
    patients = []
    for _ in range(n):
        times = [0, *np.cumsum(random.integers(0, 4, random.integers(0, 9)))]
        patients.append(
            Patient(
                [enters(float(t), ("ward", "home", "theatre")[random.integers(3)], "a.next") for t in times]
            )
        )
        patients[-1].rows[0].event = "start"
    return patients


@pytest.mark.parametrize("names", [("ward", "home", "ward"), ("home", "home", "ward")], ids="-".join)
@pytest.mark.parametrize(
    ("seed", "within"), [(1, (None, None)), (2, (2.0, None)), (3, (3.0, 1.0)), (4, (0.0, 4.0))]
)
def test_pathway_against_every_choice_of_rows(seed, within, names):
    patients = random_patients(seed, 300)
    limits = (None, *within)
    steps = tuple(happens("stage", s, within=w) for s, w in zip(names, limits, strict=True))
    of = by_hand.scenario(STAGES, attributes=ATTRIBUTES)
    log = by_hand.event_log(of, patients, events=EVENTS)
    found = pathway(History(log, by_hand.no_use(), of), outcome("pathway", sequence=steps)).flags
    expected = [
        any(
            all(row.to == name for row, name in zip(rows, names, strict=True))
            and all(
                w is None or b.time - a.time <= w for a, b, w in zip(rows, rows[1:], within, strict=False)
            )
            for rows in combinations(p.rows, 3)
        )
        for p in patients
    ]
    assert 0.01 < np.mean(expected) < 0.9
    assert found.tolist() == expected


# ---------------------------------------------------------------- use of resources


def test_use_of_a_resource_is_averaged_from_the_warm_up_to_the_horizon():
    use = by_hand.resource_use(
        [(0, 0.0, 0, 0, 0, 2), (0, 100.0, 0, 2, 0, 2), (0, 200.0, 0, 2, 3, 2), (0, 600.0, 0, 1, 0, 4)]
    )
    beds = [by_hand.resource("bed", 2), by_hand.resource("free", None)]
    found = summary([Patient([enters(0, "ward")])], use=use, resources=beds)["resources"]
    assert list(found) == ["bed"]
    assert found["bed"]["in_use"]["estimate"] == pytest.approx((500 * 2 + 400 * 1) / 1000)
    assert found["bed"]["utilisation"]["estimate"] == pytest.approx(1400 / (600 * 2 + 400 * 4))
    assert found["bed"]["queue"]["estimate"] == pytest.approx(1.2)
    assert found["bed"]["queue"]["interval"] is None
    later = summary([Patient([enters(0, "ward")])], use=use, resources=beds, warm_up=500.0)["resources"][
        "bed"
    ]
    assert later["queue"]["estimate"] == pytest.approx(300 / 500)
    assert later["queue"]["estimate_of"] == "patients waiting, averaged over time, day 500 to 1000"


@pytest.mark.parametrize(
    ("calendar", "warm_up", "horizon", "used", "there"),
    [
        ({"monday": (0.0, 1.0)}, 0.0, 21.0, 3 + 1, 3 * 3),
        ("weekdays", 0.0, 21.0, 3 + 4 * 1 + 5 * 1, 15 * 3),
        ({"monday": (0.25, 0.75), "sunday": (0.0, 1.0)}, 0.0, 21.0, 0.5 * 3 + 1 + 0.5 + 2, 1.5 * 3 + 3 * 3),
        ({"monday": (0.25, 0.75)}, 7.5, 14.5, 0.25 * 3 + 0.25 * 1, 0.25 * 3 + 0.25 * 3),
        ({"tuesday": (0.0, 1.0), "wednesday": (0.0, 0.5)}, 1.5, 9.25, 1 + 0.25, 1 * 3 + 1.25 * 3),
        ({"monday": (0.0, 1.0)}, 8.0, 14.0, 0, 0),
    ],
)
def test_utilisation_is_taken_over_the_time_that_a_resource_is_open(calendar, warm_up, horizon, used, there):
    """Three units: none in use in the first week, all on its next Monday, from then on one, on day 20 two."""
    rows = [(0, 0.0, 0, 0, 0, 3), (0, 7.0, 0, 3, 0, 3), (0, 8.0, 0, 1, 0, 3), (0, 20.0, 0, 2, 0, 3)]
    found = summary(
        [Patient([enters(0, "ward")])],
        use=by_hand.resource_use(rows),
        resources=[by_hand.resource("slot", 3, calendar)],
        warm_up=warm_up,
        horizon=horizon,
    )["resources"]["slot"]
    assert found["utilisation"]["estimate"] == (pytest.approx(used / there, rel=1e-12) if there else None)
    days = np.clip([0.0, 7.0, 8.0, 20.0, horizon], warm_up, horizon)
    assert found["unit_days"]["estimate"] == pytest.approx(np.diff(days) @ [0, 3, 1, 2]), "as they are held"


def test_utilisation_knows_no_closed_moment_from_rounding():
    """Closed over all of the averages, after weeks of hours that are no points of the grid: unknown."""
    hours = {"monday": (8 / 24, 17 / 24), "thursday": (7 / 24, 9.1 / 24)}
    for week in range(300):
        found = summary(
            [Patient([enters(0, "ward")])],
            use=by_hand.resource_use([(0, 0.0, 0, 1, 0, 1)]),
            resources=[by_hand.resource("slot", 1, hours)],
            warm_up=7.0 * week + 4.0,
            horizon=7.0 * week + 7.1,
        )
        assert found["resources"]["slot"]["utilisation"]["estimate"] is None


def test_use_over_replications():
    use = by_hand.resource_use([(0, 0.0, 0, 1, 0, 2), (1, 0.0, 0, 2, 4, 2)])
    patients = [Patient([enters(0, "ward")]), Patient([enters(0, "ward")], replication=1)]
    found = summary(patients, use=use, resources=[by_hand.resource("bed", 2)])["resources"]["bed"]
    assert found["in_use"]["estimate"] == 1.5
    assert found["utilisation"]["interval"] is not None


def test_what_the_caller_knows_is_merged_in():
    found = summary(doses(1), outcome("ever", happening=DOSE), about={"seed": 7, "engine": "independent"})
    assert (found["seed"], found["engine"], found["patients"], found["replications"]) == (
        7,
        "independent",
        1,
        1,
    )
    assert found["title"] == "By hand"
