"""A regional centre with limited capacity: every patient is counted, and each what-if has its effect."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.engine.run import Result, simulate
from sim.event_log.log import ASKS, ENTERS, LEAVES, EventLog, ResourceUse
from sim.outcomes.evaluation import first_violation
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.results import Results
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.scenario.language.model import Scenario
from tests.example_runs import log_results
from tests.published.centre_tables import BASE, SCENARIOS, WAITS, WHAT_IFS, shown
from tests.published.centre_tables import results as compared_with_base
from tests.rows import OutcomeRows

PAGE = Path(__file__).parents[2] / "docs" / "centre.md"
RESOURCES = tuple(WAITS)
REPLICATIONS, SEED = 8, 4
Floats = NDArray[np.float64]


@cache
def simulated(path: Path) -> tuple[Scenario, Result]:
    scenario = load(path)
    return scenario, simulate(compile_pathway(scenario), seed=SEED, replications=REPLICATIONS)


@cache
def results(path: Path) -> Results:
    scenario, result = simulated(path)
    return log_results(result.log, result.use, scenario, replications=REPLICATIONS)


def estimate(path: Path, outcome: str) -> float:
    return OutcomeRows(results(path), outcome).headline.estimate


def use_of(path: Path, resource: str, measure: str) -> float:
    return OutcomeRows(results(path), f"resources.{resource}").value(measure)


def named(stem: str) -> Path:
    return SCENARIOS / "centre" / f"{stem}.yaml"


def of(use: ResourceUse, log: EventLog, resource: str) -> NDArray[np.bool_]:
    return use.resource == log.names.resources.index(resource)


@pytest.mark.parametrize("path", [BASE, *WHAT_IFS], ids=lambda path: path.stem)
def test_nothing_forbidden_happens_in_a_queue(path: Path) -> None:
    scenario, result = simulated(path)
    assert first_violation(History(result.log, result.use, scenario)) is None


@pytest.mark.parametrize("path", [BASE, *WHAT_IFS], ids=lambda path: path.stem)
def test_units_in_use_never_exceed_the_capacity_and_waits_sum_to_the_queue(path: Path) -> None:
    """Little's law: the queue integrated over time is the sum of the waits."""
    scenario, result = simulated(path)
    log, use = result.log, result.use
    assert (use.in_use <= use.capacity).all()
    assert (use.in_use >= 0).all()
    assert (use.queue >= 0).all()
    queued = 0.0
    for resource in RESOURCES:
        for replication in range(REPLICATIONS):
            here = of(use, log, resource) & (use.replication == replication)
            times = np.append(use.time[here], scenario.horizon)
            queued += float((np.diff(times) * use.queue[here]).sum())
    asked = np.flatnonzero(log.does == ASKS)
    patient = log.patient_of_row()
    moves = np.isin(log.does, (ENTERS, LEAVES))
    position = np.searchsorted(np.flatnonzero(moves), asked)
    following = np.append(np.flatnonzero(moves), log.n_rows)[position]
    ended = following < log.row_of[patient[asked] + 1]
    stop = log.follow_up[patient[asked]].copy()
    stop[ended] = log.time[following[ended]]
    waited = float((stop - log.time[asked]).sum())
    assert queued == pytest.approx(waited, rel=1e-9)


@pytest.mark.parametrize("path", [BASE, *WHAT_IFS], ids=lambda path: path.stem)
def test_patients_do_not_block_one_another(path: Path) -> None:
    """There is no note on a deadlock, and no patient in intensive care waits for a bed to go back to."""
    scenario, result = simulated(path)
    assert not [note for note in scenario.notes if "wait for one another" in note]
    log = result.log
    in_care = log.names.stages.index("icu")
    assert np.isin(log.stage_to, in_care).sum() > 100
    assert not ((log.does == ASKS) & (log.stage_from == in_care)).any()


@pytest.mark.parametrize("path", [BASE, *WHAT_IFS], ids=lambda path: path.stem)
def test_no_patient_leaves_a_queue_to_join_it_again_at_once(path: Path) -> None:
    """Such a patient would lose the place in it, and count as lost."""
    scenario, result = simulated(path)
    history = History(result.log, result.use, scenario)
    waits, time = history.waits, result.log.time
    patient = history.patients(waits.asked)
    left = np.flatnonzero(~waits.granted[:-1] & (waits.ended[:-1] != NEVER))
    again = left[(patient[left] == patient[left + 1]) & (waits.stage[left] == waits.stage[left + 1])]
    assert len(left) > 10
    assert (time[waits.ended[again]] < time[waits.asked[again + 1]]).all()


def test_the_base_is_busy_and_not_overloaded() -> None:
    """As the README says: beds and rooms are busy, none beyond 80%."""
    utilisation = {name: use_of(BASE, name, "utilisation") for name in RESOURCES}
    assert max(utilisation.values()) < 0.80
    assert utilisation["car_t_bed"] > 0.5
    assert utilisation["transplant_room"] > 0.55
    per_year = estimate(BASE, "infusions") / 10
    assert 20 < per_year < 30  # the middle of the planning scenarios is 25


@pytest.mark.parametrize("path", WHAT_IFS, ids=lambda path: path.stem)
def test_a_what_if_has_the_same_patients(path: Path) -> None:
    base, other = simulated(BASE)[1].log, simulated(path)[1].log
    if path.stem == "twice_the_referrals":
        assert other.n_patients == pytest.approx(2 * base.n_patients, rel=0.05)
        return
    assert np.array_equal(other.begins, base.begins)
    names = base.names.attributes
    columns = [other.names.attributes.index(name) for name in names]
    assert np.array_equal(other.at_start[:, columns], base.at_start)
    assert not np.array_equal(other.time, base.time)


@pytest.mark.parametrize("resource", RESOURCES)
def test_one_more_unit_is_available_and_shortens_its_queue(resource: str) -> None:
    path = named(f"one_more_{resource}")
    base, other = simulated(BASE)[1], simulated(path)[1]
    more, fewer = (
        int(result.use.capacity[of(result.use, result.log, resource)].max()) for result in (other, base)
    )
    assert more == fewer + 1
    before, after = (estimate(one, WAITS[resource]) for one in (BASE, path))
    assert after < before


def test_apheresis_begins_at_weekends_only_where_it_is_open_then() -> None:
    def weekend(path: Path) -> float:
        log = simulated(path)[1].log
        rows = np.flatnonzero((log.does == ENTERS) & (log.stage_to == log.names.stages.index("collection")))
        days = log.begins[log.patient_of_row()[rows]] + log.time[rows]
        assert len(rows) > 1000
        return float(np.mean(days % 7 >= 5))

    assert weekend(BASE) == 0.0
    assert weekend(named("weekend_apheresis")) == pytest.approx(2 / 7, abs=0.06)
    waits = [estimate(path, "wait_for_apheresis") for path in (BASE, named("weekend_apheresis"))]
    assert waits[1] < 0.5 * waits[0]


def test_outpatients_leave_beds_free() -> None:
    outpatient = named("outpatient_infusion")
    assert use_of(outpatient, "car_t_bed", "in_use") < 0.8 * use_of(BASE, "car_t_bed", "in_use")
    assert estimate(outpatient, "wait_for_car_t_bed") < estimate(BASE, "wait_for_car_t_bed")


def test_with_twice_the_referrals_waits_for_every_resource_are_longer() -> None:
    for name in WAITS.values():
        assert estimate(named("twice_the_referrals"), name) > estimate(BASE, name)


def test_urgent_patients_overtake() -> None:
    """Grants are in the order of requests, except where urgent patients go first."""

    def overtakings(path: Path, stage: str) -> tuple[int, int]:
        """How often a patient is granted before one with an earlier request: urgent before not urgent, and all."""
        log = simulated(path)[1].log
        patient = log.patient_of_row()
        code = log.names.stages.index(stage)
        asked = np.flatnonzero((log.does == ASKS) & (log.stage_to == code))
        granted = asked[(log.does[asked + 1] == ENTERS) & (log.stage_to[asked + 1] == code)]
        start = log.begins[patient[granted]] + 1e5 * log.replication[patient[granted]]
        asks, gets = start + log.time[granted], start + log.time[granted + 1]
        urgent = urgency(log, granted)
        order = np.argsort(asks, kind="stable")
        asks, gets, urgent = asks[order], gets[order], urgent[order]
        every = urgent_first = 0
        for i in range(len(asks)):
            later = np.flatnonzero((asks > asks[i]) & (asks < gets[i]) & (gets < gets[i]))
            every += len(later)
            urgent_first += int((urgent[later] & ~urgent[i]).sum())
        return urgent_first, every

    def urgency(log: EventLog, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        if "urgent" not in log.names.attributes:
            return np.zeros(len(rows), bool)
        what = log.names.attributes.index("urgent")
        found = []
        for row in rows.tolist():
            first = log.row_of[np.searchsorted(log.row_of, row, side="right") - 1]
            changes = slice(int(log.change_of[first]), int(log.change_of[row + 1]))
            own = log.change_value[changes][log.change_what[changes] == what]
            found.append(bool(own[-1]) if len(own) else False)
        return np.array(found)

    for stage in ("manufacture", "lymphodepletion"):
        assert overtakings(BASE, stage)[1] == 0
    urgent_first, every = overtakings(named("urgent_first"), "lymphodepletion")
    assert urgent_first > 20
    assert urgent_first > 0.9 * every


def test_the_page_has_a_row_for_each_centre() -> None:
    rows = re.findall(r"^\| `([a-z_ ]+)` \|.* d \|", PAGE.read_text(), re.MULTILINE)
    assert rows == ["base case", *(path.stem for path in WHAT_IFS)]


@pytest.mark.parametrize("stem", ["base case", "one_more_transplant_room", "twice_the_referrals"])
def test_the_page_of_the_centre_has_the_simulated_results(stem: str) -> None:
    """Within five standard errors of fewer replications under another seed, and rounding."""
    (row,) = re.findall(rf"^\| `{stem}` \| (.* d \|.*)$", PAGE.read_text(), re.MULTILINE)
    printed = [float(number) for number in re.findall(r"([-+]?[\d.]+)(?: d|%) \|", row)]
    path = BASE if stem == "base case" else named(stem)
    found = shown(compared_with_base(path, replications=REPLICATIONS, seed=SEED), path)
    assert len(printed) == len(found)
    for one, (value, half) in zip(printed, found, strict=True):
        assert abs(one - value) <= 5 * half / 2.365 + 0.05  # Student's 97.5% point, 7 degrees of freedom
