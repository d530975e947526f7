"""A regional centre that can be full: nobody is lost count of, and each what-if moves what it is about."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.engine.run import Result, simulate
from sim.event_log.log import ASKS, ENTERS, LEAVES, EventLog, ResourceUse
from sim.outcomes.history.event_selection import broken_never
from sim.outcomes.history.history import NEVER, History
from sim.outcomes.summary import summarise
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.scenario.language.model import Scenario
from tests.published.centre_tables import BASE, SCENARIOS, WAITS, WHAT_IFS, numbers, shown

PAGE = Path(__file__).parents[2] / "docs" / "centre.md"
RESOURCES = tuple(WAITS)
REPLICATIONS, SEED = 8, 4
Floats = NDArray[np.float64]


@cache
def lived(path: Path) -> tuple[Scenario, Result]:
    scenario = load(path)
    return scenario, simulate(compile_pathway(scenario), seed=SEED, replications=REPLICATIONS)


@cache
def told(path: Path) -> dict:
    scenario, result = lived(path)
    return summarise(result.log, result.use, scenario, about={"replications": REPLICATIONS})


def named(stem: str) -> Path:
    return SCENARIOS / "centre" / f"{stem}.yaml"


def of(use: ResourceUse, log: EventLog, resource: str) -> NDArray[np.bool_]:
    return use.resource == log.names.resources.index(resource)


@pytest.mark.parametrize("path", [BASE, *WHAT_IFS], ids=lambda path: path.stem)
def test_nothing_forbidden_happens_in_a_queue(path: Path) -> None:
    scenario, result = lived(path)
    assert broken_never(result.log, result.use, scenario) is None


@pytest.mark.parametrize("path", [BASE, *WHAT_IFS], ids=lambda path: path.stem)
def test_units_are_never_more_than_there_are_and_waits_are_the_queue(path: Path) -> None:
    """Little's law to the bit: the queue added up over time is what the waits add up to."""
    scenario, result = lived(path)
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
    whose = log.patient_of_row()
    moves = np.isin(log.does, (ENTERS, LEAVES))
    position = np.searchsorted(np.flatnonzero(moves), asked)
    following = np.append(np.flatnonzero(moves), log.n_rows)[position]
    ended = following < log.row_of[whose[asked] + 1]
    stop = log.follow_up[whose[asked]].copy()
    stop[ended] = log.time[following[ended]]
    waited = float((stop - log.time[asked]).sum())
    assert queued == pytest.approx(waited, rel=1e-9)


@pytest.mark.parametrize("path", [BASE, *WHAT_IFS], ids=lambda path: path.stem)
def test_patients_do_not_stand_in_one_anothers_way(path: Path) -> None:
    """No note says that they can, and nobody in intensive care waits for a bed to go back to."""
    scenario, result = lived(path)
    assert not [note for note in scenario.notes if "wait for one another" in note]
    log = result.log
    in_care = log.names.stages.index("icu")
    assert np.isin(log.stage_to, in_care).sum() > 100
    assert not ((log.does == ASKS) & (log.stage_from == in_care)).any()


@pytest.mark.parametrize("path", [BASE, *WHAT_IFS], ids=lambda path: path.stem)
def test_nobody_leaves_a_queue_to_ask_for_the_same_again(path: Path) -> None:
    """Such a patient would lose the place in it, and be counted as lost."""
    scenario, result = lived(path)
    history = History(result.log, result.use, scenario)
    waits, time = history.waits, result.log.time
    whose = history.patients(waits.asked)
    left = np.flatnonzero(~waits.granted[:-1] & (waits.ended[:-1] != NEVER))
    again = left[(whose[left] == whose[left + 1]) & (waits.stage[left] == waits.stage[left + 1])]
    assert len(left) > 10
    assert (time[waits.ended[again]] < time[waits.asked[again + 1]]).all()


def test_the_base_is_busy_and_not_overloaded() -> None:
    """What the README says of it: beds and rooms busy, nothing beyond 80%."""
    use = told(BASE)["resources"]
    utilisation = {name: use[name]["utilisation"]["estimate"] for name in RESOURCES}
    assert max(utilisation.values()) < 0.80
    assert utilisation["car_t_bed"] > 0.5
    assert utilisation["transplant_room"] > 0.55
    per_year = told(BASE)["outcomes"]["infusions"]["estimate"] / 10
    assert 20 < per_year < 30  # the middle of the planning scenarios is 25


@pytest.mark.parametrize("path", WHAT_IFS, ids=lambda path: path.stem)
def test_a_what_if_has_the_same_patients(path: Path) -> None:
    base, other = lived(BASE)[1].log, lived(path)[1].log
    if path.stem == "twice_the_referrals":
        assert other.n_patients == pytest.approx(2 * base.n_patients, rel=0.05)
        return
    assert np.array_equal(other.begins, base.begins)
    names = base.names.attributes
    columns = [other.names.attributes.index(name) for name in names]
    assert np.array_equal(other.at_start[:, columns], base.at_start)
    assert not np.array_equal(other.time, base.time)


@pytest.mark.parametrize("resource", RESOURCES)
def test_one_more_unit_is_there_and_shortens_its_queue(resource: str) -> None:
    path = named(f"one_more_{resource}")
    base, other = lived(BASE)[1], lived(path)[1]
    more, fewer = (
        int(result.use.capacity[of(result.use, result.log, resource)].max()) for result in (other, base)
    )
    assert more == fewer + 1
    before, after = (told(p)["outcomes"][WAITS[resource]]["estimate"] for p in (BASE, path))
    assert after < before


def test_apheresis_begins_at_weekends_only_where_it_is_open_then() -> None:
    def weekend(path: Path) -> float:
        log = lived(path)[1].log
        rows = np.flatnonzero((log.does == ENTERS) & (log.stage_to == log.names.stages.index("collection")))
        days = log.begins[log.patient_of_row()[rows]] + log.time[rows]
        assert len(rows) > 1000
        return float(np.mean(days % 7 >= 5))

    assert weekend(BASE) == 0.0
    assert weekend(named("weekend_apheresis")) == pytest.approx(2 / 7, abs=0.06)
    waits = [
        told(p)["outcomes"]["wait_for_apheresis"]["estimate"] for p in (BASE, named("weekend_apheresis"))
    ]
    assert waits[1] < 0.5 * waits[0]


def test_outpatients_leave_beds_free() -> None:
    base, other = told(BASE), told(named("outpatient_infusion"))
    assert (
        other["resources"]["car_t_bed"]["in_use"]["estimate"]
        < 0.8 * base["resources"]["car_t_bed"]["in_use"]["estimate"]
    )
    assert (
        other["outcomes"]["wait_for_car_t_bed"]["estimate"]
        < base["outcomes"]["wait_for_car_t_bed"]["estimate"]
    )


def test_twice_the_referrals_wait_longer_for_everything() -> None:
    base, other = told(BASE)["outcomes"], told(named("twice_the_referrals"))["outcomes"]
    for name in WAITS.values():
        assert other[name]["estimate"] > base[name]["estimate"]


def test_the_urgent_overtake() -> None:
    """Grants go in the order of requests, but where the urgent go first."""

    def overtakings(path: Path, stage: str) -> tuple[int, int]:
        """How often a patient is granted before one who asked earlier: urgent before not, and all."""
        log = lived(path)[1].log
        whose = log.patient_of_row()
        code = log.names.stages.index(stage)
        asked = np.flatnonzero((log.does == ASKS) & (log.stage_to == code))
        granted = asked[(log.does[asked + 1] == ENTERS) & (log.stage_to[asked + 1] == code)]
        start = log.begins[whose[granted]] + 1e5 * log.replication[whose[granted]]
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
def test_the_page_of_the_centre_tells_what_is_simulated(stem: str) -> None:
    """Within five standard errors of fewer replications under another seed, and rounding."""
    (row,) = re.findall(rf"^\| `{stem}` \| (.* d \|.*)$", PAGE.read_text(), re.MULTILINE)
    said = [float(number) for number in re.findall(r"([-+]?[\d.]+)(?: d|%) \|", row)]
    path = BASE if stem == "base case" else named(stem)
    found = shown(numbers(path, replications=REPLICATIONS, seed=SEED))
    assert len(said) == len(found)
    for one, (value, half) in zip(said, found, strict=True):
        assert abs(one - value) <= 5 * half / 2.365 + 0.05  # Student's 97.5% point, 7 degrees of freedom
