"""The use of resources, averaged over time."""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine.run import simulate
from sim.pathway.tables import compile_pathway
from tests import example_logs as by_hand
from tests.cohorts import read, written
from tests.example_logs import Patient, enters
from tests.example_runs import log_results
from tests.rows import OutcomeRows, limits
from tests.unit.outcomes.ward import results_of


def use_of(name: str, use: list[tuple[int, float, int, int, int, int]], **settings) -> OutcomeRows:
    """The rows of a resource with this use; two replications where there is use in the second."""
    patients = [Patient([enters(0, "ward")], replication=r) for r in sorted({row[0] for row in use})]
    found = results_of(patients, use=by_hand.resource_use(use), **settings)
    return OutcomeRows(found, f"resources.{name}")


def test_averages_are_taken_from_the_warm_up_to_the_horizon():
    use = [(0, 0.0, 0, 0, 0, 2), (0, 100.0, 0, 2, 0, 2), (0, 200.0, 0, 2, 3, 2), (0, 600.0, 0, 1, 0, 4)]
    resources = [by_hand.resource("bed", 2), by_hand.resource("free", None)]
    bed = use_of("bed", use, resources=resources)
    assert bed.results.estimates.present("outcome") == ("resources.bed",)
    assert [one.name for one in bed.results.reference.resources] == ["bed"]
    assert bed.value("in_use") == pytest.approx((500 * 2 + 400 * 1) / 1000)
    assert bed.value("utilisation") == pytest.approx(1400 / (600 * 2 + 400 * 4))
    assert bed.value("queue") == pytest.approx(1.2)
    assert limits(bed.row("queue")) is None
    later = use_of("bed", use, resources=resources, warm_up=500.0)
    assert later.value("queue") == pytest.approx(300 / 500)
    (facts,) = later.results.reference.resources
    assert (facts.warm_up, later.results.reference.horizon) == (500, 1000)
    assert later.row("queue").unit == "patients"


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
def test_utilisation_is_of_the_time_that_a_resource_is_open(calendar, warm_up, horizon, used, there):
    """Three units: none in use in the first week, all on its next Monday, from then on one, on day 20 two."""
    use = [(0, 0.0, 0, 0, 0, 3), (0, 7.0, 0, 3, 0, 3), (0, 8.0, 0, 1, 0, 3), (0, 20.0, 0, 2, 0, 3)]
    slot = use_of(
        "slot", use, resources=[by_hand.resource("slot", 3, calendar)], warm_up=warm_up, horizon=horizon
    )
    if there:
        assert slot.value("utilisation") == pytest.approx(used / there, rel=1e-12)
    else:
        assert not slot.row("utilisation").is_known
    days = np.clip([0.0, 7.0, 8.0, 20.0, horizon], warm_up, horizon)
    assert slot.value("unit_days") == pytest.approx(np.diff(days) @ [0, 3, 1, 2]), "open or not"


def test_rounding_opens_no_closed_resource():
    """Closed over all of the averages, after weeks of hours that are no points of the grid: unknown."""
    hours = {"monday": (8 / 24, 17 / 24), "thursday": (7 / 24, 9.1 / 24)}
    for week in range(300):
        slot = use_of(
            "slot",
            [(0, 0.0, 0, 1, 0, 1)],
            resources=[by_hand.resource("slot", 1, hours)],
            warm_up=7.0 * week + 4.0,
            horizon=7.0 * week + 7.1,
        )
        assert not slot.row("utilisation").is_known


def test_use_over_replications():
    use = [(0, 0.0, 0, 1, 0, 2), (1, 0.0, 0, 2, 4, 2)]
    bed = use_of("bed", use, resources=[by_hand.resource("bed", 2)])
    assert bed.value("in_use") == 1.5
    assert limits(bed.row("utilisation")) is not None
    assert bed.row("utilisation").method == "Student, over replications"


@pytest.mark.parametrize(
    ("patients", "used"),
    [
        ("number: 5, arrive: {every: 10 days}", 1.0),
        ("arrive: {every: 10 days, for: 50 days}", 1.0),
        ("arrive: {days: [0 days, 10 days, 20 days, 30 days, 40 days]}", 1.0),
        ("arrive: {every: 10 days, for: 50 days, warm_up: 30 days}", 1.0),
        ("number: 5", 0.5),
    ],
)
def test_averages_end_with_the_arrivals(patients: str, used: float) -> None:
    """A bed in use for the first 50 of 100 days: full while patients come; half of the time if all come at once."""
    stages = "ward: {state: ill, needs: bed, events: {out: {after: {fixed: 10 days}, to: died}}}\ndied: {state: dead, terminal: true}"
    text = written(stages, patients=f"{{{patients}}}", resources="{bed: {capacity: 1}}", horizon="100 days")
    scenario = read(text)
    run = simulate(compile_pathway(scenario), workers=1)
    bed = OutcomeRows(log_results(run.log, run.use, scenario), "resources.bed")
    assert bed.value("utilisation") == bed.value("in_use") == pytest.approx(used)
    assert bed.value("unit_days") == (20.0 if "warm_up" in patients else 50.0)
