"""Resources word by word, on trajectories short enough to be worked out by hand."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest

from sim.engine.resources import SharedResources
from sim.engine.run import Result
from sim.errors import Place, ScenarioError, Where
from sim.event_log.arrow_tables import event_log, event_table, patient_table
from sim.event_log.log import GRANTED
from sim.outcomes.history.history import History
from sim.outcomes.queues.waiting import waiting_for
from sim.scenario.language.model import Outcome
from tests.cohorts import compiled, count, entered, happened, read, rows_of, run, written

END = "died: {state: dead, terminal: true}"


def treated(
    resources: str, *, stages: str = "", patients: str = "{number: 4}", horizon: str = "100 days"
) -> Result:
    """Patients who come together and need a bed for 5 days each, unless stages say otherwise."""
    stages = stages or "bedded: {state: ill, needs: bed, events: {done: {after: {fixed: 5 days}, to: died}}}"
    stages = f"{dedent(stages).strip()}\n{END}"
    return run(written(stages, resources=resources, patients=patients, horizon=horizon))


def grants(result: Result, stage: str) -> list[float]:
    """The day on the common calendar on which each patient first enters a stage."""
    days: list[float] = (result.log.begins + entered(result.log, stage)).tolist()
    return days


def use_of(result: Result, resource: str) -> list[tuple[float, int, int, int]]:
    """Day, in use, queue, capacity."""
    use = result.use
    mask = use.resource == result.log.names.resources.index(resource)
    columns = (use.time, use.in_use, use.queue, use.capacity)
    return list(zip(*(c[mask].tolist() for c in columns), strict=True))


# ---------------------------------------------------------------- the order within a moment


def test_patients_of_one_moment_are_served_by_number() -> None:
    assert grants(treated("{bed: {capacity: 2}}"), "bedded") == [0, 0, 5, 5]


def test_a_unit_given_back_goes_to_who_waited_before_to_who_asks_now() -> None:
    """Patient 2 asks at the moment in which 0 gives back, and happens before it; 1 has waited."""
    result = treated(
        "{bed: {capacity: 1}}",
        patients="{number: 3, arrive: {days: [0 days, 1 days, 5 days]}}",
    )
    assert grants(result, "bedded") == [0, 5, 10]


def test_what_is_given_back_is_free_at_once_and_what_is_asked_for_is_not_yet_taken() -> None:
    """The decision of a later patient in the moment sees the bed that an earlier one has left."""
    stages = """
    door: {decide: [{when: {free.bed: {at_least: 1}}, to: bedded}, {to: away}]}
    bedded: {state: ill, needs: bed, events: {done: {after: {fixed: 5 days}, to: died}}}
    away: {state: dead, terminal: true}
    """
    result = treated(
        "{bed: {capacity: 1}}",
        stages=stages,
        patients="{number: 4, arrive: {days: [0 days, 4 days, 5 days, 5 days]}}",
    )
    # 1 finds it taken; 2 and 3 both find it free, for neither has it yet
    assert grants(result, "bedded") == [0, np.inf, 5, 10]


def test_an_event_comes_before_a_grant_of_its_moment() -> None:
    """Who leaves the queue in the moment in which a unit is given back is not granted it."""
    stages = """
    bedded:
      state: ill
      needs: bed
      while_waiting: {loss: {after: {fixed: 5 days}, to: died}}
      events: {done: {after: {fixed: 5 days}, to: died}}
    """
    log = treated("{bed: {capacity: 1}}", stages=stages, patients="{number: 2}").log
    assert count(log, "bedded.loss").tolist() == [0, 1]


def test_units_and_hours_change_before_what_happens() -> None:
    stages = """
    home: {state: ill, events: {call: {after: {fixed: 7 days}, to: door}}}
    door: {decide: [{when: {free.bed: {at_least: 1}}, to: bedded}, {to: died}]}
    bedded: {state: ill, needs: bed, events: {done: {after: {fixed: 1 days}, to: died}}}
    """
    result = treated("{bed: {capacity: {0 days: 0, 7 days: 1}}}", stages=stages, patients="{number: 1}")
    assert grants(result, "bedded") == [7]


def test_grants_go_resource_by_resource_in_file_order() -> None:
    """0 wants both, 1 and 2 one each. Whichever stands first in the file decides who gets what."""
    stages = """
    wait: {state: ill, events: {go: {after: {by: kind, 0: {fixed: 2 days}, 1: {fixed: 1 days}, 2: {fixed: 1 days}}, to: choice}}}
    choice: {decide: [{when: {kind: 0}, to: both}, {when: {kind: 1}, to: one}, {to: two}]}
    both: {state: ill, needs: [a, b], events: {done: {after: {fixed: 9 days}, to: died}}}
    one: {state: ill, needs: a, events: {done: {after: {fixed: 9 days}, to: died}}}
    two: {state: ill, needs: b, events: {done: {after: {fixed: 9 days}, to: died}}}
    """
    table = '{table: "kind\\n0\\n2\\n", attributes: {kind: {categorical: {0: 0.5, 1: 0.3, 2: 0.2}}}}'
    first = "{a: {capacity: {0 days: 0, 3 days: 1}}, b: {capacity: {0 days: 0, 3 days: 1}}}"
    result = treated(first, stages=stages, patients=table)
    assert grants(result, "both")[0] == 3, "down the queue of a, where 0 is alone"
    assert grants(result, "two")[1] == 12
    second = "{b: {capacity: {0 days: 0, 3 days: 1}}, a: {capacity: {0 days: 0, 3 days: 1}}}"
    result = treated(second, stages=stages, patients=table)
    assert grants(result, "two")[1] == 3, "down the queue of b, in which 2 asked first"
    assert grants(result, "both")[0] == 12


# ---------------------------------------------------------------- several at once


def test_the_queue_is_gone_down_past_those_who_lack_another() -> None:
    stages = """
    choice: {decide: [{when: {kind: 0}, to: both}, {to: one}]}
    both: {state: ill, needs: [a, b], events: {done: {after: {fixed: 3 days}, to: died}}}
    one: {state: ill, needs: a, events: {done: {after: {fixed: 3 days}, to: died}}}
    """
    table = '{table: "kind\\n0\\n0\\n1\\n1\\n", attributes: {kind: {categorical: {0: 0.5, 1: 0.5}}}}'
    result = treated("{a: {capacity: 2}, b: {capacity: 1}}", stages=stages, patients=table)
    assert grants(result, "both")[:2] == [0, 3]
    assert grants(result, "one")[2:] == [0, 3]
    assert use_of(result, "b")[0] == (0, 1, 1, 1)


# ---------------------------------------------------------------- several units


HEAVY = "{number: 5, arrive: {every: 1 days}, attributes: {heavy: true}}"


@pytest.mark.parametrize(
    "needs",
    ["{resource: nurse, units: 2}", "nurse, {when: {heavy: true}, resource: nurse}",
     "{resource: nurse, units: {by: heavy, true: 2, false: 1}}"],
)  # fmt: skip
def test_two_of_three_nurses_for_each_patient(needs: str) -> None:
    """One is in care at a time: starts on days 0, 5, 10, 15, 20, 4 with 2 units x 5 days, the last to the end."""
    stages = (
        f"care: {{state: ill, needs: [{needs}], events: {{done: {{after: {{fixed: 5 days}}, to: died}}}}}}"
    )
    result = treated("{nurse: {capacity: 3}}", stages=stages, patients=HEAVY, horizon="40 days")
    assert grants(result, "care") == [0, 5, 10, 15, 20]
    assert {in_use for _, in_use, _, _ in use_of(result, "nurse")} == {0, 2}


def test_items_of_one_resource_add_up_where_their_conditions_hold() -> None:
    stages = """
        care:
          needs: [nurse, {when: {heavy: true}, resource: nurse, units: 2}, bed]
          events: {done: {after: {fixed: 5 days}, to: died}}
    """
    patients = "{number: 2, arrive: {every: 10 days}, attributes: {heavy: {bernoulli: 0.5}}}"
    resources = "{nurse: {capacity: 4}, bed: {capacity: 1}}"
    heavy, most = set(), set()
    for seed in range(6):
        result = run(
            written(f"{dedent(stages).strip()}\n{END}", resources=resources, patients=patients), seed=seed
        )
        for patient, begins in enumerate(result.log.begins.tolist()):
            held = [n for day, n, _, _ in use_of(result, "nurse") if day == begins]
            heavy.add(result.log.at_start[patient, 0])
            most.add((result.log.at_start[patient, 0], held[-1]))
    assert heavy == {0.0, 1.0}
    assert most == {(0.0, 1), (1.0, 3)}


def test_nobody_passes_one_who_waits_for_more_units() -> None:
    """Patient 1 wants two of two while 0 holds one; 2 and 3 want one, and one is free, but they stand behind 1."""
    stages = """
        choice: {decide: [{when: {since.start: {at_least: 0}, pair: true}, to: two}, {to: one}]}
        two: {needs: [{resource: nurse, units: 2}], events: {done: {after: {fixed: 5 days}, to: died}}}
        one: {needs: nurse, events: {done: {after: {fixed: 5 days}, to: died}}}
    """
    table = '"pair\\nfalse\\ntrue\\nfalse\\nfalse\\n"'
    patients = f"{{number: 4, arrive: {{every: 1 days}}, table: {table}, attributes: {{pair: false}}}}"
    result = treated("{nurse: {capacity: 2}}", stages=stages, patients=patients)
    assert grants(result, "two")[1] == 5
    assert [grants(result, "one")[i] for i in (0, 2, 3)] == [0, 10, 10]


def test_a_unit_more_is_waited_for_and_a_unit_less_is_given_back() -> None:
    """One nurse, then two, then one: the first is held throughout, the second from day 2 to day 7."""
    stages = """
        first: {needs: nurse, events: {on: {after: {fixed: 2 days}, to: both}}}
        both: {needs: [{resource: nurse, units: 2}], events: {on: {after: {fixed: 5 days}, to: last}}}
        last: {needs: nurse, events: {on: {after: {fixed: 1 days}, to: died}}}
    """
    result = treated("{nurse: {capacity: 2}}", stages=stages, patients="{number: 1}", horizon="20 days")
    assert [(day, in_use) for day, in_use, _, _ in use_of(result, "nurse")] == [
        (0, 1),
        (2, 2),
        (7, 1),
        (8, 0),
    ]
    codes = [1, 2, 3, 4, 2, 0]  # waits, holds one, waits for more, holds two, one, none
    assert result.log.change_value.tolist() == codes
    table = event_table(result.log, 0, result.log.n_rows)
    words = [
        "waits for it",
        "holds it",
        "holds 1 of it, waits for more",
        "holds 2 of it",
        "holds it",
        "free of it",
    ]
    assert [text for text in table["resources.nurse"].to_pylist() if text] == words
    again = event_log([table], patient_table(result.log), result.log.names)
    assert again.change_value.tolist() == codes


def test_more_units_than_there_are_is_an_error() -> None:
    stages = "care: {needs: [{resource: bed, units: 3}], events: {done: {after: {fixed: 5 days}, to: died}}}"
    with pytest.raises(ScenarioError, match="3 units of `bed` are needed, and there are at most 2"):
        treated("{bed: {capacity: 2}}", stages=stages)


def test_what_the_next_stage_needs_as_well_is_held_on() -> None:
    """The bed is never given back between, and the nurse goes as the second stage is come to."""
    stages = """
    first: {state: ill, needs: [bed, nurse], events: {on: {after: {fixed: 2 days}, to: between}}}
    between: {decide: second}
    second: {state: ill, needs: [theatre, bed], events: {done: {after: {fixed: 3 days}, to: died}}}
    """
    three = "{bed: {capacity: 1}, nurse: {capacity: 1}, theatre: {capacity: {0 days: 0, 4 days: 1}}}"
    result = treated(three, stages=stages, patients="{number: 2}")
    assert grants(result, "first") == [0, 7]
    assert grants(result, "second") == [4, 9]
    assert use_of(result, "nurse") == [(0, 1, 1, 1), (2, 0, 1, 1), (7, 1, 0, 1), (9, 0, 0, 1)]
    assert [row[1] for row in use_of(result, "bed")] == [1, 1, 0]


def test_a_need_with_a_condition_is_read_as_the_patient_comes() -> None:
    """Intensive care from the second visit on."""
    stages = """
    ward:
      state: ill
      needs: [bed, {when: {visits.ward: {at_least: 1}}, resource: icu}]
      events: {again: {after: {fixed: 4 days}, to: ward}, end: {after: {fixed: 90 days}, to: died}}
    """
    result = treated(
        "{bed: {capacity: 2}, icu: {capacity: 1}}", stages=stages, patients="{number: 2}", horizon="11 days"
    )
    assert use_of(result, "icu") == [(0, 0, 0, 1), (4, 1, 1, 1)]
    assert count(result.log, "ward.again").tolist() == [2, 1]


def test_who_holds_what_the_other_waits_for_waits_with_him() -> None:
    """The run goes on, and whatever frees one of them frees both."""
    stages = """
    choice: {decide: [{when: {kind: 0}, to: a_first}, {to: b_first}]}
    a_first: {state: ill, needs: a, events: {on: {after: {fixed: 1 days}, to: a_and_b}}}
    b_first: {state: ill, needs: b, events: {on: {after: {fixed: 1 days}, to: b_and_a}}}
    a_and_b: {state: ill, needs: [a, b], while_waiting: {loss: {after: {fixed: 20 days}, to: died}}, events: {done: {after: {fixed: 2 days}, to: died}}}
    b_and_a: {state: ill, needs: [a, b], events: {done: {after: {fixed: 2 days}, to: died}}}
    """
    table = '{table: "kind\\n0\\n1\\n", attributes: {kind: {categorical: {0: 0.5, 1: 0.5}}}}'
    result = treated("{a: {capacity: 1}, b: {capacity: 1}}", stages=stages, patients=table)
    assert happened(result.log, "a_and_b.loss")[0] == 21
    assert grants(result, "b_and_a")[1] == 21


# ---------------------------------------------------------------- release, capacity, calendars


@pytest.mark.parametrize(("release", "second"), [("on_leaving", 2), ("when_next_granted", 6)])
def test_a_bed_is_kept_while_its_holder_waits_for_the_next(release: str, second: int) -> None:
    stages = """
    ward: {state: ill, needs: bed, events: {on: {after: {fixed: 2 days}, to: icu}}}
    icu: {state: ill, needs: intensive, events: {done: {after: {fixed: 1 days}, to: died}}}
    """
    two = f"{{bed: {{capacity: 1, release: {release}}}, intensive: {{capacity: {{0 days: 0, 6 days: 1}}}}}}"
    result = treated(two, stages=stages, patients="{number: 2}")
    assert grants(result, "ward") == [0, second]
    assert grants(result, "icu")[0] == 6


def test_what_is_kept_goes_where_the_next_is_not_waited_for_or_not_granted() -> None:
    stages = """
    ward: {state: ill, needs: bed, events: {on: {after: {fixed: 2 days}, to: icu}}}
    icu:
      state: ill
      needs: intensive
      while_waiting: {loss: {after: {fixed: 3 days}, to: home}}
      events: {done: {after: {fixed: 1 days}, to: died}}
    home: {state: ill, events: {death: {after: {fixed: 50 days}, to: died}}}
    """
    two = "{bed: {capacity: 1, release: when_next_granted}, intensive: {capacity: {0 days: 0, 1000 days: 1}}}"
    result = treated(two, stages=stages, patients="{number: 2}")
    assert grants(result, "ward") == [0, 5]
    assert grants(result, "home") == [5, 10]


def test_capacity_in_steps() -> None:
    """A rise serves waiting patients; a fall removes free units at once and used units on release."""
    result = treated("{bed: {capacity: {0 days: 1, 2 days: 3, 4 days: 1}}}", patients="{number: 5}")
    assert grants(result, "bedded") == [0, 2, 2, 7, 12]
    assert use_of(result, "bed")[:4] == [(0, 1, 4, 1), (2, 3, 2, 3), (5, 2, 2, 2), (7, 1, 1, 1)]


def test_weekdays() -> None:
    """Day 0 is a Monday. Grants end with Friday and go on with Monday; a patient in bed stays over the weekend."""
    patients = "{number: 8, arrive: {every: 1 days}}"
    assert grants(treated("{bed: {capacity: 9, open: weekdays}}", patients=patients), "bedded") == [
        *[0, 1, 2, 3, 4],
        *[7, 7, 7],
    ]


def test_a_weekly_slot_is_used_or_lost() -> None:
    """Two slots on Mondays and Thursdays from 8 to 9, each held for a day: none is carried over."""
    stages = "bedded: {state: ill, needs: slot, events: {done: {after: {fixed: 1 days}, to: died}}}"
    hours = "{monday: [8 hours, 9 hours], thursday: [8 hours, 9 hours]}"
    patients = "{number: 6, arrive: {days: [1 days, 1 days, 1 days, 1 days, 1 days, 10.34 days]}}"
    result = treated(f"{{slot: {{capacity: 2, open: {hours}}}}}", stages=stages, patients=patients)
    eight = round(2**20 / 3) / 2**20
    assert grants(result, "bedded") == pytest.approx(
        [3 + eight, 3 + eight, 7 + eight, 7 + eight, 10 + eight, 10.34], abs=1e-6
    )


@pytest.mark.parametrize(
    ("hours", "held", "a_day"),
    [
        ("[8 hours, 12 hours]", "2 hours", 2),
        ("[9 hours, 17 hours]", "40 minutes", 12),
        ("[8 hours, 16 hours]", "30 minutes", 16),
        ("[16 hours, 24 hours]", "2 hours", 4),
        ("[8 hours, 12 hours]", "2 minutes", 120),
        ("[12 hours, 12.001 hours]", "2 hours", 1),
        ("[0 hours, 24 hours]", "8 hours", 3),
        ("[0 hours, 24 hours]", "30 minutes", 48),
    ],
)
def test_a_day_has_as_many_services_as_fit_into_its_hours(hours: str, held: str, a_day: int) -> None:
    """Times are rounded to the grid: the sum of what fills the hours may fall short of their end."""
    stages = f"bedded: {{state: ill, needs: room, events: {{done: {{after: {{fixed: {held}}}, to: died}}}}}}"
    room = f"{{room: {{capacity: 1, open: {{monday: {hours}}}}}}}"
    result = treated(room, stages=stages, patients=f"{{number: {5 * a_day}}}", horizon="27 days")
    begins = np.array(grants(result, "bedded"))
    weeks, days = np.divmod(begins[np.isfinite(begins)], 7.0)
    assert np.bincount(weeks.astype(int)).tolist() == 4 * [a_day]
    assert days[::a_day] == pytest.approx(float(hours[1:].split()[0]) / 24, abs=2**-20), "open at once"


def test_hours_that_go_on_over_midnight_have_no_hole_there() -> None:
    """Four points of the grid before the midnights of Monday and Sunday, which do not close."""
    hours = "{monday: [0 hours, 24 hours], tuesday: [0 hours, 24 hours], sunday: [6 hours, 24 hours]}"
    just = 4 / 2**20
    days = [1 - just, 7 - just, 9]
    patients = f"{{number: 3, arrive: {{days: [{', '.join(f'{day!r} days' for day in days)}]}}}}"
    result = treated(f"{{bed: {{capacity: 9, open: {hours}}}}}", patients=patients)
    assert grants(result, "bedded") == [1 - just, 7 - just, 13.25]


def test_hours_that_touch_over_midnight_and_sunday_are_one_stretch() -> None:
    hours = "{sunday: [12 hours, 24 hours], monday: [0 hours, 12 hours]}"
    patients = "{number: 3, arrive: {days: [0.5 days, 6 days, 7.25 days]}}"
    result = treated(f"{{bed: {{capacity: 9, open: {hours}}}}}", patients=patients)
    assert grants(result, "bedded") == [6.5, 6.5, 7.25]


def test_unlimited_but_not_always_open() -> None:
    result = treated("{bed: {capacity: unlimited, open: [tuesday]}}")
    assert grants(result, "bedded") == [1, 1, 1, 1]
    assert use_of(result, "bed") == [(0, 0, 4, -1), (1, 4, 0, -1), (6, 0, 0, -1)]


def test_the_end_of_follow_up_gives_back_and_ends_the_wait() -> None:
    result = treated(
        "{bed: {capacity: 1}}", patients="{number: 3, follow_up: 3 days, arrive: {every: 2 days}}"
    )
    assert grants(result, "bedded") == [0, 3, 5]
    assert use_of(result, "bed")[-1] == (7, 0, 0, 1)


# ---------------------------------------------------------------- the order of a queue


@pytest.mark.parametrize("capacity", ["1", "unlimited"])
@pytest.mark.parametrize("follow_up", ["10 days", "100 days"])
def test_what_is_due_on_the_last_day_happens(capacity: str, follow_up: str) -> None:
    """Of follow-up or of all: an event on day 10, and the grant of what it gives back."""
    result = treated(
        f"{{bed: {{capacity: {capacity}}}}}",
        patients=f"{{number: 3, follow_up: {follow_up}}}",
        horizon="10 days" if follow_up == "100 days" else "100 days",
    )
    ended = {"1": [5, 10, np.inf], "unlimited": [5, 5, 5]}[capacity]
    assert entered(result.log, "died").tolist() == ended
    assert grants(result, "bedded") == ([0, 5, 10] if capacity == "1" else [0, 0, 0])


def test_a_unit_given_back_at_the_last_moment_is_granted_in_it_only_after_an_event() -> None:
    """Two leave on day 10, one by an event and one because follow-up ends: the first bed alone is granted then."""
    stages = """
        bedded: {state: ill, needs: bed, events: {done: {when: {late: false}, after: {fixed: 10 days}, to: died}, never: {after: {fixed: 50 days}, to: died}}}
    """
    patients = "{number: 4, follow_up: 10 days, attributes: {late: {bernoulli: 0.5}}}"
    result = treated("{bed: {capacity: 2}}", stages=stages, patients=patients)
    late = result.log.at_start[:2, 0]
    waiting = [day for day in grants(result, "bedded")[2:] if np.isfinite(day)]
    assert waiting == [10.0] * int((late == 0).sum())


def test_a_queue_by_an_attribute_is_read_afresh_at_every_grant() -> None:
    """Patient 3, the last in the queue, becomes sickest while it waits; equals go by their requests."""
    stages = """
    bedded:
      state: ill
      needs: bed
      while_waiting: {worse: {when: {sick: 0}, after: {fixed: 7 days}, to: stay, do: [{set: {sick: 9}}]}}
      events: {done: {after: {fixed: 5 days}, to: died}}
    """
    table = '{table: "sick\\n5\\n1\\n1\\n0\\n2\\n", attributes: {sick: {uniform: [0, 9]}}}'
    result = treated("{bed: {capacity: 1, queue: {by: sick, first: highest}}}", stages=stages, patients=table)
    assert grants(result, "bedded") == [0, 15, 20, 10, 5]


def test_who_gets_better_moves_down_again() -> None:
    """Patient 1, first in the queue until day 3, is the last of it by the grant on day 5."""
    stages = """
    bedded:
      state: ill
      needs: bed
      while_waiting: {better: {when: {sick: 8}, after: {fixed: 3 days}, to: stay, do: [{set: {sick: 0}}]}}
      events: {done: {after: {fixed: 5 days}, to: died}}
    """
    table = '{table: "sick\\n9\\n8\\n2\\n", attributes: {sick: {uniform: [0, 9]}}}'
    result = treated("{bed: {capacity: 1, queue: {by: sick, first: highest}}}", stages=stages, patients=table)
    assert grants(result, "bedded") == [0, 10, 5]


def test_a_waiting_patient_whose_key_has_not_changed_pushes_no_new_entry() -> None:
    """Fifty events while waiting that leave the key as it is, then one that changes it: two entries."""
    pathway = compiled(
        written(
            f"bedded: {{state: ill, needs: bed, events: {{done: {{after: {{fixed: 5 days}}, to: died}}}}}}\n{END}",
            resources="{bed: {capacity: 1, queue: {by: sick, first: highest}}}",
            patients="{number: 2, attributes: {sick: {uniform: [0, 9]}}}",
        )
    )
    patients, counts = np.zeros((2, pathway.n_x)), pathway.tables.numbers.copy()
    beds = SharedResources(pathway, patients, counts)
    (bed,) = beds.each
    beds.join(1, bed.bits)
    for _ in range(50):
        beds.reconsider(1)
    assert sum(map(len, bed.queues.values())) == 1
    patients[1, bed.by] = 4.0
    beds.reconsider(1)
    beds.reconsider(1)
    assert sum(map(len, bed.queues.values())) == 2
    assert list(beds.grants()) == [1]


def test_lowest_first_and_yes_or_no() -> None:
    table = '{table: "urgent\\ntrue\\nfalse\\ntrue\\nfalse\\n", attributes: {urgent: {bernoulli: 0.5}}}'
    result = treated("{bed: {capacity: 1, queue: {by: urgent, first: lowest}}}", patients=table)
    assert grants(result, "bedded") == [10, 0, 15, 5]


# ---------------------------------------------------------------- what waiting does not touch


BIOLOGY = """
    start: {state: ill, events: {refer: {after: {exponential: {mean: 20 days}}, to: cart}}}
    cart:
      state: ill
      needs: slot
      while_waiting: {loss: {after: {exponential: {mean: 60 days}}, to: died}}
      on_entry: [{draw: {grade: {categorical: {0: 0.4, 1: 0.3, 2: 0.3}}}}]
      events:
        ready: {after: {gamma: {shape: 9, mean: 24 days}}, to: {well: 0.8, cart: 0.2}}
    well: {state: ill, events: {relapse: {after: {weibull: {shape: 0.8, scale: 300 days}}, to: cart}, death: {after: {exponential: {mean: 900 days}}, to: died}}}
"""


def simulated(capacity: int) -> Result:
    patients = "{number: 400, arrive: {poisson: 0.5 per day}, attributes: {grade: 0}}"
    stages = f"{dedent(BIOLOGY).strip()}\n{END}"
    return run(
        written(
            stages, resources=f"{{slot: {{capacity: {capacity}}}}}", patients=patients, horizon="5000 days"
        )
    )


def sojourns(result: Result, patient: int) -> list[tuple[str, float, str]]:
    """Stage by stage how long it lasted and what ended it, in which visit; waits and losses left out."""
    log = result.log
    found = []
    since = 0.0
    for row in range(log.row_of[patient], log.row_of[patient + 1]):
        event = log.names.events[log.event[row]]
        if "." in event and event != "cart.loss":
            found.append((event, float(log.time[row] - since), log.names.stages[log.stage_to[row]]))
        since = float(log.time[row])
    return found


def test_another_capacity_moves_times_of_service_and_nothing_else() -> None:
    """Each latent time and each response is the same in both runs, for as long as both have them."""
    few, many = simulated(16), simulated(22)
    assert np.array_equal(few.log.begins, many.log.begins)
    n = compared = longer = 0
    for patient in range(few.log.n_patients):
        one, other = sojourns(few, patient), sojourns(many, patient)
        shared = min(len(one), len(other))
        # of the last one that both have started the follow-up may see one end only
        assert one[:shared] == other[:shared]
        compared += shared
        n += 1
    waits = [np.sum(r.log.time[rows_of(r.log, "granted")]) for r in (few, many)]
    longer = float(waits[0]) != float(waits[1])
    assert n == 400
    assert compared > 1000
    assert longer, "the capacity makes no difference: the test shows nothing"


def test_drawn_on_entry_the_same_whatever_the_wait() -> None:
    few, many = simulated(16), simulated(22)
    for patient in range(400):
        grades = []
        for result in (few, many):
            log = result.log
            rows = range(log.row_of[patient], log.row_of[patient + 1])
            granted = [r for r in rows if log.event[r] == GRANTED]
            changes = [c for r in granted for c in range(log.change_of[r], log.change_of[r + 1])]
            grades.append([float(log.change_value[c]) for c in changes if log.change_what[c] == 0])
        shared = min(map(len, grades))
        assert grades[0][:shared] == grades[1][:shared]


def test_more_resources_than_a_patient_can_remember_are_refused() -> None:
    many = ", ".join(f"r{i}: {{capacity: 1}}" for i in range(63))
    with pytest.raises(ScenarioError, match="patients may hold 63 units of 63 resources"):
        compiled(
            written(
                f"a: {{state: ill, events: {{e: {{after: {{fixed: 1 days}}, to: died}}}}}}\n{END}",
                resources=f"{{{many}}}",
            )
        )


# ---------------------------------------------------------------- what repeats


def test_a_capacity_that_repeats() -> None:
    """Two units from Monday, none from Friday on, each held for 5 days from Monday."""
    stages = "visit: {needs: nurse, events: {out: {after: {fixed: 5 days}, to: died}}}"
    capacity = "{nurse: {capacity: {0 days: 2, 4 days: 0, repeat: 1 week}}}"
    result = treated(capacity, stages=stages, patients="{number: 6}", horizon="40 days")
    assert grants(result, "visit") == [0, 0, 7, 7, 14, 14]
    use = [(day, in_use, capacity) for day, in_use, _, capacity in use_of(result, "nurse")]
    assert use[:4] == [(0, 2, 2), (5, 0, 0), (7, 2, 2), (12, 0, 0)]


# ---------------------------------------------------------------- who waits when the calendar begins


def waiting(table: str, stages: str, resources: str = "{slot: {capacity: 1}}", **more: str) -> Result:
    text = table.replace("\n", "\\n")
    patients = f'{{table: "{text}", arrive: {{every: 10 days}}, number: 3, attributes: {{age: 50}}}}'
    return treated(resources, stages=stages, patients=patients, **more)


SURGERY = "surgery: {state: ill, needs: slot, events: {done: {after: {fixed: 7 days}, to: died}}}"


def test_the_queue_of_day_0_goes_by_who_asked_first() -> None:
    """Asked 10, 40 and 30 days ago; a slot for 7 days each; three more come on days 0, 10, 20."""
    result = waiting("waiting_for,days_waiting\nsurgery,10\nsurgery,40\nsurgery,30\n", SURGERY)
    assert grants(result, "surgery") == [14, 0, 7, 21, 28, 35]
    scenario = read(
        written(
            f"{SURGERY}\n{END}",
            resources="{slot: {capacity: 1}}",
            patients=(
                '{table: "waiting_for,days_waiting\\nsurgery,10\\nsurgery,40\\nsurgery,30\\n", '
                "arrive: {every: 10 days}, number: 3, attributes: {age: 50}}"
            ),
            horizon="100 days",
        )
    )
    history = History(result.log, result.use, scenario)
    days = (
        history.log.time[history.waits.ended] - history.log.time[history.waits.asked] + history.waits.before
    )
    assert days.tolist() == [24, 40, 37, 21, 18, 15]
    entries = history.entries("surgery")
    assert history.waited("surgery", entries).tolist() == days.tolist()
    assert (
        waiting_for(
            history, Outcome("wait", "waiting_for", Where(Place(""), ""), resource="slot")
        ).days.tolist()
        == days.tolist()
    )


def test_a_condition_reads_the_wait_from_when_it_began() -> None:
    stages = """
        surgery:
          needs: slot
          on_entry: [{when: {waited.surgery: {above: 30}}, set: {age: 99}}]
          events: {done: {after: {fixed: 7 days}, to: died}}
    """
    result = waiting("waiting_for,days_waiting\nsurgery,10\nsurgery,28\nsurgery,5\n", stages)
    assert result.log.at_end[:, 0].tolist() == [50, 50, 50, 50, 50, 50]
    result = waiting("waiting_for,days_waiting\nsurgery,10\nsurgery,31\nsurgery,24\n", stages)
    assert result.log.at_end[:, 0].tolist() == [50, 99, 99, 50, 50, 50]


def test_who_waits_in_a_stage_keeps_its_bed_and_its_state() -> None:
    """The bed is kept for the wait; the nurse, whom both stages need, is held on; the porter is given back."""
    stages = """
        ward: {state: ill, needs: [bed, nurse, porter], events: {worse: {after: {fixed: 90 days}, to: surgery}}}
        surgery: {needs: [slot, nurse], events: {done: {after: {fixed: 7 days}, to: died}}}
    """
    resources = """{slot: {capacity: {0 days: 0, 3 days: 1}}, nurse: {capacity: 1}, porter: {capacity: 1},
        bed: {capacity: 1, release: when_next_granted}}"""
    result = treated(
        resources, stages=stages, patients='{table: "stage,days_in_stage,waiting_for\\nward,5,surgery\\n"}',
        horizon="20 days",
    )  # fmt: skip
    use = {
        name: [(day, n) for day, n, _, _ in use_of(result, name)]
        for name in ("bed", "nurse", "porter", "slot")
    }
    assert (use["bed"][0], use["bed"][-1]) == ((0, 1), (3, 0))
    assert (use["nurse"][0], use["nurse"][-1]) == ((0, 1), (10, 0))
    assert {n for _, n in use["porter"]} == {0}
    assert grants(result, "surgery") == [3]


def test_what_can_happen_in_a_wait_is_conditioned_on_the_days_waited() -> None:
    """A loss between day 5 and 25 of the wait, uniform: of who has waited 15 days, between day 0 and 10."""
    rows = "\\n".join(["waiting_for,days_waiting", *["surgery,15"] * 400])
    stages = """
        surgery:
          needs: slot
          while_waiting: {lost: {after: {uniform: [5 days, 25 days]}, to: died}}
          events: {done: {after: {fixed: 7 days}, to: died}}
    """
    result = treated(
        "{slot: {capacity: {0 days: 0, 99 days: 1}}}", stages=stages, patients=f'{{table: "{rows}"}}'
    )
    lost = happened(result.log, "surgery.lost")
    assert lost.min() > 0
    assert lost.max() < 10
    bound = 5 * 10 / np.sqrt(12 * 400)  # finds an error of 0.72 days in the mean
    assert abs(lost.mean() - 5) < bound


def test_without_a_queue_who_waits_enters_on_day_0() -> None:
    result = waiting(
        "waiting_for,days_waiting\nsurgery,10\n", SURGERY, resources="{slot: {capacity: unlimited}}"
    )
    assert grants(result, "surgery") == [0, 0, 10, 20]
