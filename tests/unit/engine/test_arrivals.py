"""When patients start, and what tables say of them."""

from __future__ import annotations

import numpy as np
import pytest

from sim.engine.arrivals import cohort
from sim.event_log.log import HOLDS
from sim.scenario import load
from tests.cohorts import differing, entered, happened, read, run, simulate_stages, written
from tests.example_runs import log_results
from tests.rows import OutcomeRows

STAGES = """
ward: {state: ill, events: {done: {after: {exponential: {mean: 20 days}}, to: died}}}
died: {state: dead, terminal: true}
"""


def days(patients: str, *, horizon: str = "100 days", replications: int = 1) -> list[float]:
    who = cohort(read(written(STAGES, patients=patients, horizon=horizon)), 1, range(replications))
    found: list[float] = who.begins.tolist()
    return found


def test_together_and_at_intervals() -> None:
    assert days("{number: 3}") == [0, 0, 0]
    assert days("{number: 3, arrive: {every: 2 days}}") == [0, 2, 4]
    assert days("{arrive: {every: 2 days, for: 5 days}}") == [0, 2, 4]
    assert days("{number: 1000, arrive: {every: 1 weeks}}", horizon="15 days") == [0, 7, 14]


def test_on_given_days_in_the_order_of_the_table() -> None:
    """The second comes first; the third beyond the horizon not at all, and the fourth keeps its number."""
    who = cohort(
        read(
            written(
                STAGES, patients="{arrive: {days: [5 days, 1.5 days, 200 days, 7 days]}}", horizon="100 days"
            )
        ),
        1,
        range(1),
    )
    assert who.begins.tolist() == [5, 1.5, 7]
    assert who.number.tolist() == [0, 1, 3]
    assert days("{number: 2, arrive: {days: [5 days, 1.5 days, 7 days]}}") == [5, 1.5]
    assert days("{arrive: {days: [5 days, 1.5 days, 7 days], for: 6 days}}") == [5, 1.5]


def test_at_random_at_a_rate_that_changes() -> None:
    """The number in each stretch, within five standard errors; no arrivals in the stretch of rate 0."""
    found = np.array(
        days(
            "{arrive: {poisson: {0 days: 2 per day, 100 days: 0 per day, 200 days: 5 per day}, for: 400 days}}",
            horizon="500 days",
            replications=100,
        )
    )
    counts = np.histogram(found, [0, 100, 200, 400, 500])[0]
    assert counts[1] == 0 and counts[3] == 0
    assert abs(counts[0] - 20_000) < 5 * np.sqrt(20_000)
    assert abs(counts[2] - 100_000) < 5 * np.sqrt(100_000)


def test_another_rate_later_leaves_earlier_arrivals_as_they_were() -> None:
    """While the highest rate is the same the candidates are, and each is accepted at its own time."""
    one = days("{arrive: {poisson: {0 days: 2 per day, 50 days: 1 per day}, for: 90 days}}")
    other = days("{arrive: {poisson: {0 days: 2 per day, 50 days: 0.5 per day}, for: 90 days}}")
    assert [d for d in one if d < 50] == [d for d in other if d < 50]
    assert set(other) < set(one)


# ---------------------------------------------------------------- tables of patients


def test_a_table_replaces_draws_and_leaves_the_others() -> None:
    """`risk` depends on `age`; `weight` is drawn as it is without the table."""
    attributes = "{age: {triangular: [18, 35, 65]}, risk: {by: age, 20: 1, rest: 2}, weight: {normal: {mean: 70, sd: 5}}}"
    without = simulate_stages(STAGES, patients=f"{{number: 4, attributes: {attributes}}}")
    table = simulate_stages(
        STAGES, patients=f'{{number: 4, table: "age\\n20\\n30\\n", attributes: {attributes}}}'
    )
    assert table.at_start[:, 0].tolist() == [20, 30, 20, 30], "after the last row the first comes again"
    assert table.at_start[:, 1].tolist() == [1, 2, 1, 2]
    assert np.array_equal(table.at_start[:, 2], without.at_start[:, 2])
    assert differing(table, without) == ["at_start", "at_end"]


def test_there_are_as_many_patients_as_rows_unless_said() -> None:
    assert (
        simulate_stages(STAGES, patients='{table: "age\\n20\\n30\\n", attributes: {age: 1}}').n_patients == 2
    )


def test_the_resolved_form_needs_no_file(tmp_path) -> None:
    (tmp_path / "days.csv").write_text("day,note\n3,a\n0.5,b\n")
    (tmp_path / "who.csv").write_text('age,site\n20,"a, b"\n30,c\n')
    attributes = '{age: 1, site: {one_of: ["a, b", c], start: c}}'
    text = written(
        STAGES, patients=f"{{arrive: {{file: days.csv}}, from_file: who.csv, attributes: {attributes}}}"
    )
    (tmp_path / "scenario.yaml").write_text(text)
    scenario = load(tmp_path / "scenario.yaml")
    again = read(scenario.text)
    assert again.digest == scenario.digest
    log = run(again.text).log
    assert log.begins.tolist() == [3, 0.5]
    assert log.at_start.tolist() == [[20, 0], [30, 1]]


def test_stamps_and_clocks_of_who_starts_lie_before_the_start() -> None:
    stages = """
    ward:
      state: ill
      on_entry: [{when: {since.diagnosis: {above: 20}}, set: {late: true}}]
      events: {done: {after: {exponential: {mean: 900 days}}, to: died, do: [{stamp: diagnosis}]}}
    died: {state: dead, terminal: true}
    """
    patients = '{table: "since.diagnosis,days.limit\\n30,10\\n10,\\n,39.5\\n", attributes: {late: false}}'
    clocks = "{limit: {after: {fixed: 40 days}, to: died}}"
    log = simulate_stages(stages, patients=patients, clocks=clocks, on_start="[{start: limit}]")
    assert log.at_end[:, 0].tolist() == [1, 0, 0]
    limits = happened(log, "clock.limit")
    assert limits[0] in (30, np.inf) and limits[1] == np.inf and limits[2] == 0.5


# ---------------------------------------------------------------- today's patients


def test_todays_patients_are_where_they_are_and_hold_what_they_need() -> None:
    """More are in bed than there are beds: all stay, and none is granted until there is one again."""
    stages = """
    home: {state: ill, events: {refer: {after: {fixed: 1 days}, to: bedded}}}
    bedded: {state: ill, needs: bed, events: {done: {after: {fixed: 10 days}, to: died}}}
    died: {state: dead, terminal: true}
    """
    table = '"stage,days_in_stage\\nbedded,3\\nbedded,8\\nhome,0.5\\n"'
    result = run(written(stages, patients=f"{{table: {table}}}", resources="{bed: {capacity: 1}}"))
    log, use = result.log, result.use
    assert happened(log, "bedded.done").tolist() == [7, 2, 17]
    assert entered(log, "bedded").tolist() == [0, 0, 7]
    assert use.in_use.tolist() == [2, 2, 1, 1, 0]
    assert use.queue.tolist() == [0, 1, 1, 0, 0]
    assert use.capacity.tolist() == [2, 2, 1, 1, 1]
    assert log.change_value[log.change_of[0] : log.change_of[1]].tolist() == [HOLDS]


def test_who_arrives_comes_after_todays_patients_with_the_same_luck() -> None:
    arriving = "number: 20, arrive: {poisson: 1 per day}, attributes: {age: {uniform: [0, 1]}}"
    log = simulate_stages(STAGES, patients=f'{{{arriving}, table: "stage\\nward\\nward\\n"}}')
    assert log.n_patients == 22
    assert log.begins[:2].tolist() == [0, 0]
    alone = simulate_stages(STAGES, patients=f"{{{arriving}}}")
    assert np.array_equal(log.begins[2:], alone.begins)
    assert log.patient.tolist() == list(range(22))


def test_on_start_is_done_and_on_entry_is_not() -> None:
    stages = """
    ward: {state: ill, on_entry: [{add: {entered: 1}}], events: {done: {after: {fixed: 30 days}, to: died}}}
    died: {state: dead, terminal: true}
    """
    table = '"stage,started,days.limit\\nward,5,\\nward,6,12\\n"'
    attributes = "{entered: 0, started: 0, other: 0}"
    log = simulate_stages(
        stages, patients=f"{{table: {table}, attributes: {attributes}}}", clocks="{limit: {after: {fixed: 20 days}, to: died}}",
        on_start="[{set: {started: 1, other: 1}, start: limit}]",
    )  # fmt: skip
    assert log.at_end.tolist() == [[0, 5, 1], [0, 6, 1]]
    assert happened(log, "clock.limit").tolist() == [np.inf, 8]


def test_what_cannot_last_so_long_is_due_at_once() -> None:
    stages = "ward: {state: ill, events: {done: {after: {fixed: 10 days}, to: died}}}\ndied: {state: dead, terminal: true}"
    assert happened(
        simulate_stages(stages, patients='{table: "stage,days_in_stage\\nward,12\\n"}'), "ward.done"
    ).tolist() == [0]


@pytest.mark.parametrize("lasted", [0.0, 3.0, 7.0])
def test_what_comes_again_and_again_keeps_its_rhythm(lasted: float) -> None:
    """Every two days since entry; an event that happens once, and only leads to stay, is over after its day."""
    stages = """
    ward:
      state: ill
      events:
        dose:  {every: {fixed: 2 days}, to: stay}
        visit: {after: {fixed: 5 days}, to: stay}
        done:  {after: {fixed: 20 days}, to: died}
    died: {state: dead, terminal: true}
    """
    log = simulate_stages(stages, patients=f'{{table: "stage,days_in_stage\\nward,{lasted}\\n"}}')
    assert happened(log, "ward.dose").tolist() == [2 - lasted % 2]
    assert happened(log, "ward.visit").tolist() == [5 - lasted if lasted < 5 else np.inf]
    assert happened(log, "ward.done").tolist() == [20 - lasted]


def test_many_futures_from_one_history() -> None:
    """What has happened is the same in every replication, and what is to come is not."""
    stages = """
    ward: {state: ill, needs: bed, events: {done: {after: {weibull: {shape: 2, scale: 30 days}}, to: died}}}
    died: {state: dead, terminal: true}
    """
    table = '"stage,days_in_stage,since.admission,age\\nward,3,3,61\\nward,12,12,44\\n"'
    patients = f"{{table: {table}, attributes: {{age: {{uniform: [18, 80]}}}}, arrive: {{poisson: 1 per day, for: 9 days}}}}"
    text = written(
        stages.replace("to: died}}}", "to: died, do: [{stamp: admission}]}}}"),
        patients=patients,
        resources="{bed: {capacity: 3}}",
    )
    log = run(text, replications=30).log
    today = np.flatnonzero(log.patient < 2)
    assert len(today) == 60
    assert log.at_start[today, 0].tolist() == [61, 44] * 30
    first = log.row_of[today]
    assert set(log.does[first].tolist()) == {1}, "each enters its stage at once"
    assert sorted(set(log.change_value[log.change_of[first[0]] : log.change_of[first[0] + 1]].tolist())) == [
        -3,
        HOLDS,
    ]
    assert len(set(happened(log, "ward.done")[today].tolist())) == 60
    assert len(set(np.bincount(log.replication).tolist())) > 5, "who arrives differs too"


def test_days_in_the_stage_count_from_its_entry_in_outcomes_too() -> None:
    stages = """
    ward:
      state: ill
      events:
        visit: {after: {fixed: 9 days}, to: stay}
        done:  {after: {fixed: 20 days}, to: home}
    home: {state: ill, events: {visit: {after: {fixed: 9 days}, to: stay}, death: {after: {fixed: 50 days}, to: died}}}
    died: {state: dead, terminal: true}
    """
    text = written(stages, patients='{table: "stage,days_in_stage\\nward,5\\nward,0\\n"}')
    at_nine = "{event: %s.visit, when: {days_in_stage: 9}}"
    outcomes = f"{{ward: {{count: {at_nine % 'ward'}}}, home: {{count: {at_nine % 'home'}}}, start: {{ever: {{stage: ward, when: {{days_in_stage: 5}}}}}}}}"
    scenario = read(f"{text}outcomes: {outcomes}\n")
    result = run(scenario.text)
    found = log_results(result.log, result.use, scenario)
    estimates = [OutcomeRows(found, name).headline.estimate for name in ("ward", "home", "start")]
    assert estimates == [1, 1, 0.5]


def test_rates_that_repeat() -> None:
    """88 a day: 1 per hour from 0, 6 from 8, 2 from 20 hours; each hour of the day within five standard errors."""
    text = written(
        "ward: {events: {out: {after: {fixed: 1 days}, to: died}}}\ndied: {terminal: true}",
        patients="{arrive: {poisson: {0 hours: 1 per hour, 8 hours: 6 per hour, 20 hours: 2 per hour, repeat: 1 day}, for: 300 days}}",
        horizon="300 days",
    )
    begins = run(text).log.begins
    rates = np.repeat([1.0, 6.0, 2.0], [8, 12, 4]) * 300
    found = np.bincount((begins % 1.0 * 24).astype(int), minlength=24)
    assert (abs(found - rates) < 5 * np.sqrt(rates)).all()
    assert abs(len(begins) - 88 * 300) < 5 * np.sqrt(88 * 300)


def test_one_table_gives_days_and_stays() -> None:
    """Waits of 0, 1.5, 7.5 days behind stays of 2.5, 7, 11.25 days; in hours the same."""
    for unit, times in (("days", 1.0), ("hours", 24.0)):
        table = f'"day,stay\\n0,{2.5 * times}\\n1,{7 * times}\\n2,{11.25 * times}\\n"'
        text = written(
            f"ward: {{needs: bed, events: {{out: {{after: {{attribute: stay, unit: {unit}}}, to: died}}}}}}\ndied: {{terminal: true}}",
            patients=f"{{table: {table}, attributes: {{stay: 1}}}}",
            resources="{bed: {capacity: 1}}",
        )
        log = run(text).log
        assert log.begins.tolist() == [0, 1, 2]
        assert (entered(log, "ward")).tolist() == [0, 1.5, 7.5]
        assert (entered(log, "died") - entered(log, "ward")).tolist() == [2.5, 7, 11.25]


@pytest.mark.parametrize("engine", ["independent", "shared"])
def test_an_attribute_as_a_time_under_modifiers(engine: str) -> None:
    """Times of -1, 0 and 10 days, with a time ratio of 2, a day more, and not above 15 days."""
    text = written(
        """
        ward: {events: {out: {after: {attribute: stay, unit: days, time_ratios: [{value: 2}], plus: 1 day}, to: home}}}
        home: {events: {out: {after: {mixture_cure: {cured: 0, of: {attribute: stay, unit: days}}, plus: 2 days}, to: died}}}
        died: {terminal: true}
        """,
        patients='{table: "stay\\n-1\\n0\\n10\\n", attributes: {stay: 1}}',
    )
    log = run(text, engine=engine).log
    assert entered(log, "home").tolist() == [1, 1, 21]
    assert (entered(log, "died") - entered(log, "home")).tolist() == [2, 2, 12]
