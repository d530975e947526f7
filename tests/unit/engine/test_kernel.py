"""The rules of a pathway one by one, each in a scenario short enough to be followed by hand.

A life is trajectory as (day, event, stage entered); both engines have to tell the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sim.errors import RunError
from sim.event_log.log import EventLog
from sim.numerics.philox import uniform
from sim.pathway.rows import name_key
from sim.pathway.tables import compile_pathway
from tests.cohorts import count, differing, happened, read, rows_of, run, simulate_stages, story, written

Life = list[tuple[float, str, str]]


def log_of(stages: str, **parts: Any) -> EventLog:
    """The log of a cohort that shares nothing, the same from both engines."""
    one, other = (simulate_stages(stages, engine=engine, **parts) for engine in ("independent", "shared"))
    assert differing(one, other) == []
    return one


def trajectory(log: EventLog, patient: int = 0) -> Life:
    """A patient's rows after the start: time, event, and the stage asked for or entered."""
    return [(row[0], row[1].partition(".")[2] or row[1], row[4]) for row in story(log, patient)[1:]]


def life(stages: str, **parts: Any) -> Life:
    """What happens to a single patient."""
    return trajectory(log_of(stages, number=1, **parts))


def values(log: EventLog, patient: int = 0) -> dict[str, Any]:
    """A patient's attributes at the end."""
    names, end = log.names, log.at_end[patient]
    return {
        name: kinds[int(value)] if kinds else float(value)
        for name, kinds, value in zip(names.attributes, names.categories, end, strict=True)
    }


# ---------------------------------------------------------------- what is first


@pytest.mark.parametrize("engine", ["independent", "shared"])
def test_nobody_can_change_a_log(engine: str) -> None:
    log = simulate_stages(
        "ill: {state: ill, events: {dies: {after: {fixed: 3 days}, to: dead}}}\ndead: {state: dead, terminal: true}",
        number=1,
        engine=engine,
    )
    for name in ("time", "event", "rule", "stage_from", "stage_to", "change_what", "change_value"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(log, name)[:1] = 1
    assert log.time[-1] == 3.0


def test_of_events_in_one_moment_the_first_in_the_file() -> None:
    stages = """
        a: {events: {x: {after: {fixed: 5 days}, to: b}, y: {after: {fixed: 5 days}, to: dead}}}
        b: {events: {y: {after: {fixed: 2 days}, to: dead}, x: {after: {fixed: 2 days}, to: a}}}
        dead: {terminal: true}
    """
    assert life(stages) == [(5, "x", "b"), (7, "y", "dead")]


def test_a_clock_goes_before_an_event_and_clocks_in_file_order() -> None:
    stages = """
        a: {events: {x: {after: {fixed: 5 days}, to: dead}}}
        dead: {terminal: true}
    """
    clocks = "{p: {after: {fixed: 5 days}, to: stay}, q: {after: {fixed: 5 days}, to: stay}}"
    assert life(stages, clocks=clocks, on_start="[{start: [q, p]}]") == [
        (5, "p", ""),
        (5, "q", ""),
        (5, "x", "dead"),
    ]


def test_what_lies_at_the_horizon_happens() -> None:
    stages = """
        a: {events: {x: {after: {fixed: 4 days}, to: stay}, y: {after: {fixed: 10 days}, to: dead}}}
        dead: {terminal: true}
    """
    assert life(stages, horizon="10 days") == [(4, "x", ""), (10, "y", "dead")]
    assert life(stages, horizon="9.99 days") == [(4, "x", "")]
    assert log_of(stages, number=1, horizon="10 days").ends.tolist() == [10.0]
    just_beyond = life(stages, horizon=f"{10 + 2**-20} days")
    assert just_beyond == [(4, "x", ""), (10, "y", "dead")]


def test_so_does_what_lies_at_the_end_of_follow_up() -> None:
    stages = """
        a: {events: {x: {every: {fixed: 5 days}, to: stay}}}
        dead: {terminal: true}
    """
    clocks = "{end: {after: {fixed: 900 days}, to: dead}}"
    who = "{number: 2, arrive: {every: 20 days}, follow_up: 10 days}"
    log = log_of(stages, patients=who, horizon="25 days", clocks=clocks, on_start="[{start: end}]")
    assert trajectory(log, 0) == [(5, "x", ""), (10, "x", "")]
    assert trajectory(log, 1) == [(5, "x", "")]  # begins on day 20 and meets the horizon after five days
    assert log.follow_up.tolist() == log.ends.tolist() == [10.0, 5.0]


# ---------------------------------------------------------------- staying


def test_staying_keeps_the_times_of_all_other_events() -> None:
    stages = """
        a:
          events:
            dose: {every: {fixed: 1 days}, to: stay}
            x: {after: {exponential: {mean: 20 days}}, to: dead}
        dead: {terminal: true}
    """
    alone = """
        a: {events: {x: {after: {exponential: {mean: 20 days}}, to: dead}}}
        dead: {terminal: true}
    """
    assert np.array_equal(happened(log_of(stages), "a.x"), happened(log_of(alone), "a.x"))


def test_a_condition_that_no_longer_holds_withdraws_and_one_that_now_holds_is_drawn_from_now() -> None:
    stages = """
        a:
          events:
            turn: {after: {fixed: 3 days}, do: [{set: {fit: false}}], to: stay}
            x: {when: {fit: true}, after: {fixed: 5 days}, to: dead}
            y: {when: {fit: false}, after: {fixed: 4 days}, to: dead}
        dead: {terminal: true}
    """
    assert life(stages, attributes="{fit: true}") == [(3, "turn", ""), (7, "y", "dead")]


def test_an_event_withdrawn_comes_back_with_a_new_time() -> None:
    stages = """
        a:
          events:
            off: {after: {fixed: 3 days}, do: [{set: {fit: false}}], to: stay}
            back: {after: {fixed: 8 days}, do: [{set: {fit: true}}], to: stay}
            x: {when: {fit: true}, after: {fixed: 5 days}, to: dead}
        dead: {terminal: true}
    """
    assert life(stages, attributes="{fit: true}") == [(3, "off", ""), (8, "back", ""), (13, "x", "dead")]


def test_after_happens_once_a_visit_and_every_again() -> None:
    stages = """
        a:
          events:
            once: {after: {fixed: 2 days}, to: stay}
            dose: {every: {fixed: 3 days}, to: stay}
            leave: {after: {fixed: 7 days}, to: b}
        b: {events: {back: {after: {fixed: 1 days}, to: [{when: {visits.a: 1}, to: a}, {to: dead}]}}}
        dead: {terminal: true}
    """
    visit = [(2, "once", ""), (3, "dose", ""), (6, "dose", ""), (7, "leave", "b")]
    again = [(day + 8, event, to) for day, event, to in visit]
    assert life(stages) == [*visit, (8, "back", "a"), *again, (16, "back", "dead")]


def test_a_condition_on_time_rings_no_bell() -> None:
    stages = """
        a:
          events:
            look: {every: {fixed: 4 days}, to: stay}
            x: {when: {days_in_stage: {above: 5}}, after: {fixed: 1 days}, to: dead}
        dead: {terminal: true}
    """
    assert life(stages) == [(4, "look", ""), (8, "look", ""), (9, "x", "dead")]


def test_leaving_forgets_the_events_of_a_stage() -> None:
    stages = """
        a: {events: {go: {after: {fixed: 2 days}, to: b}, x: {after: {fixed: 5 days}, to: dead}}}
        b: {events: {back: {after: {fixed: 4 days}, to: [{when: {visits.b: 1}, to: a}, {to: dead}]}}}
        dead: {terminal: true}
    """
    assert life(stages) == [(2, "go", "b"), (6, "back", "a"), (8, "go", "b"), (12, "back", "dead")]


# ---------------------------------------------------------------- chance


def test_chance_is_asked_once_a_visit() -> None:
    """However often its condition turns true: asked each of 10 times, 99.9% would have it."""
    stages = """
        a:
          events:
            turn: {every: {fixed: 1 days}, do: [{set: {fit: {by: fit, true: false, false: true}}}], to: stay}
            x: {when: {fit: true}, chance: 0.5, after: {fixed: 12 hours}, to: stay}
            leave: {after: {fixed: 20 days}, to: dead}
        dead: {terminal: true}
    """
    log = log_of(stages, attributes="{fit: false}", number=200)
    times = count(log, "a.x")
    assert set(times.tolist()) == {0, 1}
    assert abs(times.mean() - 0.5) < 5 * 0.5 / math.sqrt(200)


def test_chance_is_asked_anew_in_the_next_visit_and_for_all_of_every() -> None:
    stages = """
        a: {events: {dose: {every: {fixed: 1 days}, chance: 0.5, to: stay}, leave: {after: {fixed: 3.5 days}, to: b}}}
        b: {events: {back: {after: {fixed: 1 days}, to: [{when: {visits.a: 1}, to: a}, {to: dead}]}}}
        dead: {terminal: true}
    """
    doses = count(log_of(stages, number=4000), "a.dose")
    shares = np.bincount(doses, minlength=7) / 4000
    assert set(doses.tolist()) == {0, 3, 6}
    for n, p in ((0, 0.25), (3, 0.5), (6, 0.25)):
        assert abs(shares[n] - p) < 5 * math.sqrt(p * (1 - p) / 4000)


def test_a_clocks_chance_is_asked_at_each_start() -> None:
    stages = """
        a:
          events: {again: {every: {fixed: 2 days}, do: [{start: p}], to: stay}, end: {after: {fixed: 9 days}, to: dead}}
        dead: {terminal: true}
    """
    log = log_of(stages, clocks="{p: {chance: 0.5, after: {fixed: 1 days}, to: stay}}", number=4000)
    times = count(log, "clock.p")
    for n in range(4):  # started on days 2, 4, 6 and 8, and cut off on day 9 by nothing: a clock goes first
        p = math.comb(4, n) / 16
        assert abs(np.mean(times == n) - p) < 5 * math.sqrt(p * (1 - p) / 4000)


# ---------------------------------------------------------------- clocks


def test_a_clock_outlives_the_stage_happens_once_and_not_in_a_terminal_stage() -> None:
    stages = """
        a: {events: {go: {after: {fixed: 2 days}, to: b}}}
        b: {events: {end: {after: {fixed: 9 days}, to: dead}}}
        dead: {terminal: true}
    """
    clocks = "{p: {after: {fixed: 5 days}, to: stay}, late: {after: {fixed: 30 days}, to: stay}}"
    assert life(stages, clocks=clocks, on_start="[{start: [p, late]}]") == [
        (2, "go", "b"),
        (5, "p", ""),
        (11, "end", "dead"),
    ]


def test_a_clock_due_outside_its_stages_happens_as_soon_as_it_can() -> None:
    stages = """
        a: {events: {go: {after: {fixed: 6 days}, to: b}}}
        b: {events: {x: {after: {fixed: 0 days}, to: dead}}}
        dead: {terminal: true}
    """
    clocks = "{p: {in: [b], after: {fixed: 2 days}, do: [{set: {seen: true}}], to: stay}}"
    log = log_of(stages, number=1, clocks=clocks, on_start="[{start: p}]", attributes="{seen: false}")
    assert trajectory(log) == [(6, "go", "b"), (6, "p", ""), (6, "x", "dead")]
    assert values(log) == {"seen": "true"}


def test_a_clock_due_while_its_condition_fails_waits_for_it() -> None:
    stages = """
        a:
          events:
            turn: {after: {fixed: 5 days}, do: [{set: {fit: true}}], to: stay}
            end: {after: {fixed: 9 days}, to: dead}
        dead: {terminal: true}
    """
    clocks = "{p: {when: {fit: true}, after: {fixed: 2 days}, to: stay}}"
    assert life(stages, clocks=clocks, on_start="[{start: p}]", attributes="{fit: false}") == [
        (5, "turn", ""),
        (5, "p", ""),
        (9, "end", "dead"),
    ]


def test_a_clocks_condition_on_time_is_read_when_it_is_due_and_then_when_something_happens() -> None:
    stages = """
        a: {events: {look: {every: {fixed: 4 days}, to: stay}, end: {after: {fixed: 9 days}, to: dead}}}
        dead: {terminal: true}
    """
    due = "{p: {when: {days_in_stage: {above: 2}}, after: {fixed: 3 days}, to: stay}}"
    assert life(stages, clocks=due, on_start="[{start: p}]")[0] == (3, "p", "")
    not_yet = "{p: {when: {days_in_stage: {above: 5}}, after: {fixed: 3 days}, to: stay}}"
    assert life(stages, clocks=not_yet, on_start="[{start: p}]") == [
        (4, "look", ""),
        (8, "look", ""),
        (8, "p", ""),
        (9, "end", "dead"),
    ]


def test_start_draws_anew_and_stop_ends() -> None:
    stages = """
        a:
          events:
            again: {after: {fixed: 3 days}, do: [{start: p}, {stop: q}], to: stay}
            end: {after: {fixed: 20 days}, to: dead}
        dead: {terminal: true}
    """
    clocks = "{p: {after: {fixed: 5 days}, to: stay}, q: {after: {fixed: 4 days}, to: stay}}"
    assert life(stages, clocks=clocks, on_start="[{start: [p, q]}]") == [
        (3, "again", ""),
        (8, "p", ""),
        (20, "end", "dead"),
    ]


def test_a_clock_that_is_due_is_drawn_anew_by_start() -> None:
    stages = """
        a: {events: {go: {after: {fixed: 6 days}, do: [{start: p}], to: b}}}
        b: {events: {end: {after: {fixed: 9 days}, to: dead}}}
        dead: {terminal: true}
    """
    clocks = "{p: {in: [b], after: {fixed: 2 days}, to: stay}}"
    assert life(stages, clocks=clocks, on_start="[{start: p}]") == [
        (6, "go", "b"),
        (8, "p", ""),
        (15, "end", "dead"),
    ]


# ---------------------------------------------------------------- effects, stamps, conditions


def test_effects_are_done_in_order_and_their_condition_read_once() -> None:
    stages = """
        a:
          on_entry:
            - {set: {n: 1}, copy: {m: n}, add: {n: 2}}
            - {when: {n: 3}, set: {n: 10}, add: {m: {by: n, 10: 5, rest: 7}}}
            - {when: {n: 3}, add: {m: 100}}
          events: {x: {after: {fixed: 1 days}, do: [{add: {n: 1}}], to: [{when: {n: 11}, to: dead}, {to: a}]}}
        dead: {terminal: true}
    """
    log = log_of(stages, number=1, attributes="{n: 0, m: 0}")
    assert trajectory(log) == [(1, "x", "dead")]
    assert values(log) == {"n": 11.0, "m": 6.0}


def test_the_start_comes_before_the_first_stage_and_has_none() -> None:
    stages = """
        a: {on_entry: [{add: {n: 10}}], events: {x: {after: {fixed: 1 days}, to: dead}}}
        dead: {terminal: true}
    """
    on_start = "[{set: {n: 1}}, {when: {stage: a}, set: {n: 2}}, {when: {stage: {is_not: dead}}, set: {n: 3}}, {when: {none: [{stage: a}]}, add: {n: 5}}]"
    log = log_of(stages, number=1, attributes="{n: 0}", on_start=on_start)
    assert values(log) == {"n": 16.0}


def test_a_stamp_remembers_the_latest_moment() -> None:
    stages = """
        a:
          events:
            mark: {every: {fixed: 4 days}, do: [{stamp: seen}], to: stay}
            x: {after: {fixed: 6 days}, to: [{when: {since.seen: 2, since.start: 6, days_in_stage: 6}, to: stay}, {to: dead}]}
            y: {after: {fixed: 13 days}, to: [{when: {since.seen: 1}, to: b}, {to: dead}]}
        b: {events: {z: {after: {fixed: 1 days, not_before: {seen: 7 days}}, to: dead}}}
        dead: {terminal: true}
    """
    assert [row for row in life(stages) if row[1] != "mark"] == [
        (6, "x", ""),
        (13, "y", "b"),
        (19, "z", "dead"),
    ]


@pytest.mark.parametrize(
    "test", ["is: 0", "is_not: 0", "at_least: 0", "at_most: 9", "above: -1", "below: 9", "in: [0]"]
)
def test_a_stamp_never_set_fails_every_comparison(test: str) -> None:
    stages = f"""
        a: {{events: {{x: {{when: {{since.seen: {{{test}}}}}, after: {{fixed: 1 days}}, do: [{{stamp: seen}}], to: dead}}, y: {{after: {{fixed: 2 days}}, to: dead}}}}}}
        dead: {{terminal: true}}
    """
    assert life(stages) == [(2, "y", "dead")]


@pytest.mark.parametrize(
    "distribution",
    [
        "exponential: {mean: 5 days}",
        "weibull: {shape: 0.7, scale: 9 days}, hazard_ratios: [{value: 1.7}, {when: {g: 1}, value: 0.2}]",
        "exponential: {mean: 5 days}, hazard_ratios: [{value: {by: g, 1: 0, rest: 1}}], plus: 2 days",
        "lognormal: {median: 4 days, sigma: 0.5}, time_ratios: [{per: g, value: 1.3}], plus: {by: g, 1: 1 days, rest: 0 days}",
        "gamma: {shape: 3, mean: {by: g, 1: 4 days, rest: 9 days}}",
        "mixture_cure: {cured: 0.4, of: {exponential: {mean: 5 days}}, odds_ratios: [{per: g, value: 2}]}",
        "mixture_cure: {cured: {by: g, 1: 0, rest: 1}, of: {weibull: {shape: 2, scale: 9 days}}}, hazard_ratios: [{value: 3}]",
    ],
)
def test_a_common_time_is_the_one_that_the_general_code_gives(distribution: str) -> None:
    """An event that something may reassess goes through the general code."""
    stages = """
        a: {{events: {{x: {{after: {{{distribution}}}, to: dead}}, y: {{after: {{fixed: {day} days}}, do: [{{{word}: {target}}}], to: stay}}}}}}
        dead: {{terminal: true}}
    """
    attributes = "{g: {categorical: {1: 0.5, 2: rest}}}"
    common, general = (
        stages.format(distribution=distribution, day=50_000, word=word, target=target)
        for word, target in (("stamp", "seen"), ("reassess", "x"))
    )
    assert [
        compile_pathway(read(written(one, attributes=attributes))).units for one in (common, general)
    ] == [
        (),
        ("rare_times",),
    ]
    times = [happened(log_of(one, number=300, attributes=attributes), "a.x") for one in (common, general)]
    assert np.array_equal(*times)
    assert np.unique(times[0]).size > 50


def test_a_stamp_never_set_counts_nothing_holds_nothing_back_and_changes_no_ratio() -> None:
    distribution = "weibull: {shape: 2, scale: 9 days}"
    beside = "already: since.seen, not_before: {seen: 99 days}, hazard_ratios: [{per: since.seen, value: 2}, {value: 3, from: 1 days, since: seen}]"
    stages = """
        a: {{events: {{x: {{after: {{{distribution}}}, to: dead}}, y: {{chance: 0, after: {{fixed: 1 days}}, do: [{{stamp: seen}}], to: stay}}}}}}
        dead: {{terminal: true}}
    """
    plain, modified = (
        happened(log_of(stages.format(distribution=one), number=200), "a.x")
        for one in (distribution, f"{distribution}, {beside}")
    )
    assert np.array_equal(plain, modified)


def test_days_in_stage_age_and_visits() -> None:
    stages = """
        a:
          events:
            x: {after: {fixed: 365.25 days}, to: [{when: {days_in_stage: 365.25, current_age: 61, visits.a: 1, visits.b: 0}, to: b}, {to: dead}]}
        b: {events: {y: {after: {fixed: 10 days}, to: [{when: {days_in_stage: 10, visits.a: 1, visits.b: 1, current_age: {above: 61.02, below: 61.03}}, to: a}, {to: dead}]}}}
        dead: {terminal: true}
    """
    assert life(stages, attributes="{age: 60}")[:2] == [(365.25, "x", "b"), (375.25, "y", "a")]


# ---------------------------------------------------------------- decisions and destinations


def test_a_decision_takes_no_time_and_no_clock_comes_between() -> None:
    stages = """
        a: {events: {x: {after: {fixed: 5 days}, to: board}}}
        board: {on_entry: [{add: {n: 1}}], decide: [{name: not_now, when: {n: 1, visits.board: 1, stage: board}, to: second}, {to: dead}]}
        second: {decide: b}
        b: {events: {y: {after: {fixed: 0 days}, to: dead}}}
        dead: {terminal: true}
    """
    clocks = "{p: {when: {n: 1}, after: {fixed: 2 days}, to: stay}}"
    log = log_of(stages, number=1, clocks=clocks, on_start="[{start: p}]", attributes="{n: 0}")
    assert trajectory(log) == [
        (5, "x", "board"),
        (5, "decide", "second"),
        (5, "decide", "b"),
        (5, "p", ""),
        (5, "y", "dead"),
    ]
    assert [row[2] for row in story(log, 0)] == ["", "", "not_now", "", "", ""]


def test_the_first_rule_that_holds_decides_and_effects_come_before_it() -> None:
    stages = """
        a:
          events:
            x:
              after: {fixed: 1 days}
              do: [{add: {n: 1}}]
              to:
                - {name: few, when: {n: {below: 3}}, to: stay}
                - {name: three, when: {n: 3}, to: [{when: {n: 4}, to: dead}, {name: within, to: b}]}
                - {to: dead}
        b: {events: {y: {after: {fixed: 1 days}, to: dead}}}
        dead: {terminal: true}
    """
    assert story(log_of(stages, number=1, attributes="{n: 2}"), 0)[1][2:5] == ("within", "a", "b")
    assert story(log_of(stages, number=1, attributes="{n: 0}"), 0)[1][2:5] == ("few", "a", "")
    assert story(log_of(stages, number=1, attributes="{n: 5}"), 0)[1][2:5] == ("", "a", "dead")


@pytest.mark.parametrize("engine", ["independent", "shared"])
def test_a_path_that_repeats_without_time_is_stopped(engine: str) -> None:
    stages = """
        a: {events: {x: {when: {fit: true}, after: {fixed: 0 days}, to: b}, end: {after: {fixed: 1 days}, to: dead}}}
        b: {events: {y: {when: {fit: true}, after: {fixed: 0 days}, to: a}, end: {after: {fixed: 1 days}, to: dead}}}
        dead: {terminal: true}
    """
    with pytest.raises(RunError, match=r"1000 events in one moment, in (a, b|b, a)"):
        simulate_stages(stages, engine=engine, attributes="{fit: true}", number=1)
    assert life(stages, attributes="{fit: false}") == [(1, "end", "dead")]


# ---------------------------------------------------------------- reassess


def test_reassess_means_the_event_of_the_stage_and_else_the_clock() -> None:
    stages = """
        a:
          events:
            turn: {after: {fixed: 4 days}, do: [{set: {slow: true}}, {reassess: x}], to: stay}
            x: {after: {fixed: 10 days, time_ratios: [{when: {slow: true}, value: 2}]}, to: b}
        b: {events: {turn: {after: {fixed: 1 days}, do: [{set: {slow: false}}, {reassess: x}], to: stay}}}
        dead: {terminal: true}
    """
    clocks = "{x: {after: {fixed: 20 days, time_ratios: [{when: {slow: true}, value: 2}]}, to: dead}}"
    # the event has 6 of 10 days left on day 4, stretched to 12; the clock was never stretched: the stage's own goes first
    assert life(stages, clocks=clocks, on_start="[{start: x}]", attributes="{slow: false}") == [
        (4, "turn", ""),
        (16, "x", "b"),
        (17, "turn", ""),
        (20, "x", "dead"),
    ]


def test_a_time_out_of_a_list_is_stretched_in_what_is_left_of_it() -> None:
    """One day later than listed, and reassessed on day 4: of 10 and 20 days 7 and 17 are left, twice as long."""
    stages = """
        a:
          events:
            turn: {after: {fixed: 4 days}, do: [{set: {slow: true}}, {reassess: x}], to: stay}
            again: {after: {fixed: 6 days}, do: [{reassess: x}], to: stay}
            x: {after: {categorical: {10 days: 0.5, 20 days: rest}, odds_ratios: [{of: [10 days], value: 2}], time_ratios: [{when: {slow: true}, value: 2}], plus: 1 days}, to: dead}
        dead: {terminal: true}
    """
    times = happened(log_of(stages, number=100, attributes="{slow: false}"), "a.x")
    assert set(times.tolist()) == {4 + 2 * 7, 4 + 2 * 17}


def test_between_a_list_of_times_and_a_distribution_nothing_is_taken_over() -> None:
    distribution = "{exponential: {mean: 3 days}}"
    listed = "{categorical: {10 days: 0.5, 20 days: rest}, odds_ratios: [{of: [10 days], value: 2}]}"
    for first, then in ((distribution, listed), (listed, distribution)):
        stages = f"""
            a:
              events:
                turn: {{after: {{fixed: 2 days}}, do: [{{set: {{slow: true}}}}, {{reassess: x}}], to: stay}}
                x: {{after: {{by: slow, true: {then}, false: {first}}}, to: dead}}
            dead: {{terminal: true}}
        """
        alone = f"""
            a: {{events: {{x: {{after: {first}, to: dead}}}}}}
            dead: {{terminal: true}}
        """
        times = happened(log_of(stages, number=100, attributes="{slow: false}"), "a.x")
        assert np.array_equal(times, happened(log_of(alone, number=100), "a.x"))


def test_from_a_clock_too_the_event_of_the_stage_goes_before_the_clock_of_that_name() -> None:
    stages = """
        a: {events: {x: {after: {fixed: 10 days, time_ratios: [{per: n, value: 2}]}, to: b}}}
        b: {events: {y: {after: {fixed: 30 days}, to: dead}}}
        dead: {terminal: true}
    """
    clocks = "{turn: {after: {fixed: 4 days}, do: [{add: {n: 1}}, {reassess: x}, {start: again}], to: stay}, again: {after: {fixed: 13 days}, do: [{reassess: x}], to: stay}, x: {after: {fixed: 20 days, time_ratios: [{per: n, value: 2}]}, to: dead}}"
    # day 4: 6 days left of the event become 12, the clock is not meant; day 17, in b: 3 left of it become 6
    assert life(stages, clocks=clocks, on_start="[{start: [turn, x]}]", attributes="{n: 0}") == [
        (4, "turn", ""),
        (16, "x", "b"),
        (17, "again", ""),
        (23, "x", "dead"),
    ]


def test_what_is_not_running_is_not_reassessed() -> None:
    """On entering, the events of the stage that was left are gone and the new ones not yet drawn."""
    stages = """
        a: {events: {x: {after: {fixed: 9 days, hazard_ratios: [{per: n, value: 2}]}, to: dead}, go: {after: {fixed: 2 days}, to: b}}}
        b: {on_entry: [{add: {n: 1}}, {reassess: [x, p]}], events: {x: {after: {fixed: 5 days, time_ratios: [{per: n, value: 2}]}, to: dead}}}
        dead: {terminal: true}
    """
    clocks = "{p: {after: {fixed: 50 days, time_ratios: [{per: n, value: 2}]}, to: dead}}"
    parts = {"clocks": clocks, "attributes": "{n: 0}"}
    assert life(stages, **parts, on_start="[{start: p}, {stop: p}]") == [(2, "go", "b"), (12, "x", "dead")]


# ---------------------------------------------------------------- waiting

ONE_BED = "{bed: {capacity: 1}}"


def shared_trajectories(stages: str, **parts: Any) -> tuple[EventLog, list[Life]]:
    log = run(written(stages, **{"resources": ONE_BED, "number": 2, **parts})).log
    return log, [trajectory(log, i) for i in range(log.n_patients)]


def test_waiting_events_keep_their_time_through_the_grant_and_others_are_drawn_from_it() -> None:
    stages = """
        ward:
          needs: bed
          on_entry: [{add: {n: 1}}]
          events:
            fever: {waiting: true, after: {fixed: 13 days}, to: stay}
            rash: {waiting: true, after: {fixed: 4 days}, to: stay}
            leave: {after: {fixed: 10 days}, to: dead}
          while_waiting: {call: {every: {fixed: 3 days}, do: [{add: {calls: 1}}], to: stay}}
        dead: {terminal: true}
    """
    log, (first, second) = shared_trajectories(stages, attributes="{n: 0, calls: 0}")
    assert first == [(0, "granted", "ward"), (4, "rash", ""), (10, "leave", "dead")]
    calls = [(3, "call", ""), (4, "rash", ""), (6, "call", ""), (9, "call", "")]
    assert second == [*calls, (10, "granted", "ward"), (13, "fever", ""), (20, "leave", "dead")]
    assert values(log, 0) == {"n": 1.0, "calls": 0.0}
    assert values(log, 1) == {"n": 1.0, "calls": 3.0}


def test_who_waits_is_still_in_the_stage_left() -> None:
    stages = """
        home: {events: {fall: {after: {fixed: 2 days}, to: ward}, call: {after: {fixed: 3 days}, to: dead}}}
        ward:
          needs: bed
          events: {leave: {after: {fixed: 10 days}, to: [{when: {waited.ward: {at_least: 10}}, to: dead}, {to: gone}]}}
        gone: {terminal: true}
        dead: {terminal: true}
    """
    clocks = "{p: {when: {stage: home, days_in_stage: 5, visits.ward: 0}, in: [home], after: {fixed: 5 days}, do: [{add: {n: 1}}], to: stay}}"
    log, (first, second) = shared_trajectories(
        stages, clocks=clocks, on_start="[{start: p}]", attributes="{n: 0}"
    )
    assert first == [(2, "fall", "ward"), (2, "granted", "ward"), (12, "leave", "gone")]
    assert second == [(2, "fall", "ward"), (5, "p", ""), (12, "granted", "ward"), (22, "leave", "dead")]
    assert log.at_end[:, 0].tolist() == [0.0, 1.0]


def test_who_leaves_the_queue_is_not_granted_later() -> None:
    stages = """
        ward:
          needs: bed
          events: {leave: {after: {fixed: 10 days}, to: dead}}
          while_waiting: {lost: {after: {fixed: 7 days}, to: dead}}
        dead: {terminal: true}
    """
    _, trajectories = shared_trajectories(stages, patients="{number: 3, arrive: {every: 5 days}}")
    assert trajectories[0] == [(0, "granted", "ward"), (10, "leave", "dead")]
    assert trajectories[1] == [(5, "granted", "ward"), (15, "leave", "dead")]
    assert trajectories[2] == [(7, "left_queue", "ward"), (7, "lost", "dead")]


def test_in_one_moment_the_lower_number_asks_first_and_a_unit_given_back_is_granted_in_it() -> None:
    stages = """
        home: {events: {go: {after: {fixed: 1 days}, to: ward}}}
        ward: {needs: bed, events: {leave: {after: {fixed: 1 days}, to: home}}}
        dead: {terminal: true}
    """
    clocks = "{end: {after: {fixed: 99 days}, to: dead}}"
    _, trajectories = shared_trajectories(
        stages, clocks=clocks, on_start="[{start: end}]", horizon="4.5 days", number=3
    )
    assert trajectories[0] == [
        (1, "go", "ward"),
        (1, "granted", "ward"),
        (2, "leave", "home"),
        (3, "go", "ward"),
    ] + [(4, "granted", "ward")]
    assert trajectories[1] == [
        (1, "go", "ward"),
        (2, "granted", "ward"),
        (3, "leave", "home"),
        (4, "go", "ward"),
    ]
    assert trajectories[2] == [(1, "go", "ward"), (3, "granted", "ward"), (4, "leave", "home")]


# ---------------------------------------------------------------- draws and the grid


def exponential(
    name: str, patient: int, occurrence: int, *, seed: int, replication: int, mean: float
) -> float:
    """The time that a draw gives, on the grid."""
    u = uniform(seed, replication, patient, name_key(name), occurrence)
    return round(-math.log1p(-u) * mean * 2**20) / 2**20


def test_every_draw_has_the_name_and_the_number_the_language_gives_it() -> None:
    stages = """
        a:
          on_entry: [{draw: {m: {uniform: [0, 1]}}}]
          events: {x: {chance: 0.5, after: {exponential: {mean: 9 days}}, do: [{draw: {n: {uniform: [0, 1]}}}], to: {b: 0.5, c: rest}}}
        b: {decide: {a: 0.5, c: rest}}
        c: {events: {y: {after: {exponential: {mean: 2 days}}, to: a}}}
        dead: {terminal: true}
    """
    clocks = "{p: {chance: 0.5, after: {exponential: {mean: 30 days}}, do: [{draw: {n: {uniform: [0, 1]}}}], to: {stay: 0.5, dead: rest}}, q: {after: {fixed: 50 days}, to: dead}}"
    attributes = "{k: {uniform: [0, 1]}, m: 0, n: 0}"
    on_start = "[{draw: {n: {uniform: [0, 1]}}, start: [p, q]}]"
    log = log_of(
        stages, number=60, clocks=clocks, attributes=attributes, on_start=on_start, seed=9, replications=2
    )
    for i in range(log.n_patients):
        assert_drawn_by_name(log, i)


def assert_drawn_by_name(log: EventLog, i: int) -> None:
    """Live a patient of the scenario above again, by nothing but the names of its draws."""
    asked: dict[str, int] = {}

    def u(name: str) -> float:
        occurrence = asked.get(name, 0)
        asked[name] = occurrence + 1
        return float(uniform(9, int(log.replication[i]), int(log.patient[i]), name_key(name), occurrence))

    def days(name: str, mean: float) -> float:
        return round(-math.log1p(-u(name)) * mean * 2**20) / 2**20

    assert log.at_start[i, 0] == u("patient.k")
    expected: list[tuple[Any, ...]] = []
    changes: dict[str, float] = {"n": u("on_start.n")}
    p = math.inf if not u("clock.p.chance") < 0.5 else days("clock.p", 30.0)
    now, stage, event = 0.0, "a", "start"
    while stage != "dead":
        x = math.inf
        if stage == "a":
            changes["m"] = u("a.on_entry.m")
            x = now + days("a.x", 9.0) if u("a.x.chance") < 0.5 else math.inf
        else:
            x = now + days("c.y", 2.0)
        expected.append((now, event, stage, dict(changes)))
        changes = {}
        if p < x and p < 50.0:
            now, p, event = p, math.inf, "clock.p"
            changes["n"] = u("clock.p.n")
            if not u("clock.p.to") < 0.5:
                stage = "dead"
                expected.append((now, event, stage, changes))
                continue
            expected.append((now, event, "", changes))
            changes = {}
            if not x < 50.0:
                now, event, stage = 50.0, "clock.q", "dead"
                expected.append((now, event, stage, {}))
                continue
        elif not x < 50.0:
            now, event, stage = 50.0, "clock.q", "dead"
            expected.append((now, event, stage, {}))
            continue
        now, event = x, "a.x" if stage == "a" else "c.y"
        if stage == "c":
            stage = "a"
            continue
        changes["n"] = u("a.x.n")
        if u("a.x.to") < 0.5:
            expected.append((now, event, "b", changes))
            changes = {}
            event, stage = "decide", "a" if u("b.decide") < 0.5 else "c"
        else:
            stage = "c"
    assert [(row[0], row[1], row[4], dict(row[6])) for row in story(log, i)] == expected


def test_times_are_rounded_once_to_the_grid() -> None:
    stages = """
        a: {events: {x: {after: {fixed: 1.0000002384185791 days, time_ratios: [{value: 3}]}, to: b}}}
        b: {events: {y: {after: {fixed: 2.384185791015625e-06 days}, to: c}}}
        c: {events: {z: {after: {fixed: 3.337860107421875e-06 days}, to: dead}}}
        dead: {terminal: true}
    """
    # 3 x (1 + a quarter of a point) is 3.75 points above 3: 4 x 2^-20 / 4 = 0.75 of a point, one point;
    # 2.5 points go to 2, 3.5 to 4: half to even
    point = 2.0**-20
    assert life(stages) == [
        (3 + point, "x", "b"),
        (3 + 3 * point, "y", "c"),
        (3 + 7 * point, "z", "dead"),
    ]


def test_values_are_found_by_the_inverse_of_their_distribution_as_written() -> None:
    """Entries in the order of the file, `false` before `true`, `rest` where it stands."""
    stages = """
        a: {events: {x: {after: {categorical: {9 days: 0.2, 3 days: rest, 5 days: 0.3}}, to: {b: 0.25, dead: rest}}}}
        b: {events: {y: {chance: 0.4, after: {fixed: 1 days}, to: dead}}}
        dead: {terminal: true}
    """
    log = log_of(
        stages,
        number=200,
        attributes="{yes: {bernoulli: 0.3}, kind: {categorical: {p: 0.5, q: rest, r: 0.1}}}",
    )
    x, to_b, y = happened(log, "a.x"), np.zeros(200, dtype=bool), happened(log, "b.y")
    to_b[log.patient_of_row()[(log.event == log.names.events.index("a.x")) & (log.stage_to == 1)]] = True
    for i in range(200):
        yes, kind, time, onward = (
            uniform(1, 0, i, name_key(name), 0) for name in ("patient.yes", "patient.kind", "a.x", "a.x.to")
        )
        assert log.at_start[i].tolist() == [float(yes >= 0.7), float((kind >= 0.5) + (kind >= 0.9))]
        assert x[i] == (9 if time < 0.2 else 3 if time < 0.7 else 5)
        assert to_b[i] == (onward < 0.25)
        if to_b[i]:
            assert (y[i] < np.inf) == (uniform(1, 0, i, name_key("b.y.chance"), 0) < 0.4)


@pytest.mark.parametrize(
    ("modifiers", "day"),
    [
        ("time_ratios: [{value: 2}]", 27),
        ("time_ratios: [{value: 2}], already: 4 days", 23),
        ("already: since.mark", 15),  # marked on day 5, now it is day 7
        ("already: 4 days, plus: 3 days", 16),
        ("hazard_ratios: [{value: 9}], plus: 3 days", 20),
        ("not_before: {mark: 30 days}", 35),
        ("not_before: {mark: 1 days}", 17),
        ("plus: 3 days, not_before: {mark: 14 days, start: 18 days}", 20),
        ("already: 11 days", 7),
    ],
)
def test_the_modifiers_of_a_fixed_time(modifiers: str, day: float) -> None:
    """Ten days from day 7 on."""
    stages = f"""
        a: {{events: {{mark: {{after: {{fixed: 5 days}}, do: [{{stamp: mark}}], to: stay}}, go: {{after: {{fixed: 7 days}}, to: b}}}}}}
        b: {{events: {{x: {{after: {{fixed: 10 days, {modifiers}}}, to: dead}}}}}}
        dead: {{terminal: true}}
    """
    assert life(stages)[2:] == [(day, "x", "dead")]


HUGE_AND_TINY = [
    ", ".join([first] * 30 + [then] * 30)
    for first, then in (("{log: 28}", "{log: -28}"), ("{value: 1.0e-12}", "{value: 1.0e+12}"))
]
"""Ratios whose product is 1, though that of the first thirty over- or underflows."""


@pytest.mark.parametrize("ratios", HUGE_AND_TINY)
@pytest.mark.parametrize("until", ["", ", until: 50 days"])
def test_hazard_ratios_whose_product_is_one_have_no_effect(ratios: str, until: str) -> None:
    ratios = ratios.replace("}", until + "}")
    assert math.isclose(time_with(f"hazard_ratios: [{ratios}]"), time_with("plus: 0 days"), rel_tol=1e-6)


def test_a_huge_ratio_and_a_tiny_one_limited_in_time_cancel_within_the_limit() -> None:
    ratios = ", ".join(["{log: 28}"] * 30 + ["{log: -28, until: 50 days}"] * 30)
    assert math.isclose(time_with(f"hazard_ratios: [{ratios}]"), time_with("plus: 0 days"), rel_tol=1e-6)


@pytest.mark.parametrize("ratios", HUGE_AND_TINY)
def test_time_ratios_whose_product_is_one_have_no_effect(ratios: str) -> None:
    assert math.isclose(time_with(f"time_ratios: [{ratios}]"), time_with("plus: 0 days"), rel_tol=1e-6)


def test_a_hazard_ratio_of_zero_among_huge_ones_stops_the_event() -> None:
    ratios = ", ".join(["{log: 28}"] * 30 + ["{value: 0}"])
    assert time_with(f"hazard_ratios: [{ratios}]") == math.inf


def time_with(modifiers: str) -> float:
    """The day of an exponential event of the first patient under modifiers."""
    stages = f"""
        a: {{events: {{x: {{after: {{exponential: {{mean: 9 days}}, {modifiers}}}, to: dead}}}}}}
        dead: {{terminal: true}}
    """
    events = life(stages)
    return float(events[0][0]) if events else math.inf


@pytest.mark.parametrize("ratios", HUGE_AND_TINY)
def test_odds_ratios_whose_product_is_one_have_no_effect(ratios: str) -> None:
    shares = []
    for modifiers in ("", f", odds_ratios: [{ratios}]"):
        stages = f"""
            a: {{events: {{x: {{after: {{fixed: 1 days}}, chance: 0.4{modifiers}, to: dead}}}}}}
            dead: {{terminal: true}}
        """
        shares.append(int(count(log_of(stages, number=200), "a.x").sum()))
    assert shares[0] == shares[1]
    assert 0 < shares[0] < 200


# ---------------------------------------------------------------- conditioning of what lies at 0 and below


def test_an_attribute_is_conditioned_below_zero_too() -> None:
    stages = """
        a: {events: {x: {after: {fixed: 1 days}, to: dead}}}
        dead: {terminal: true}
    """
    attributes = "{z: {normal: {mean: 0, sd: 1}, between: [-1.5, -1]}, p: {poisson: 1.5, between: [0, 2]}}"
    log = log_of(stages, number=20_000, attributes=attributes)
    z, p = log.at_start.T
    assert -1.5 <= z.min() < -1.499
    assert -1.001 < z.max() <= -1
    for value, weight in enumerate((1, 1.5, 1.125)):  # e^-1.5 1.5^k / k! without its constant
        share = weight / 3.625
        assert abs(np.mean(p == value) - share) < 5 * math.sqrt(share * (1 - share) / 20_000)


def test_what_falls_on_time_zero_is_kept_by_a_ratio_and_a_condition() -> None:
    """At hazard ratio 2 half the weight at once becomes three quarters; `between` 0 and 5 keeps it whole."""
    distribution = "categorical: {0 days: 0.5, 5 days: 0.25, 9 days: rest}"
    stages = f"""
        a: {{events: {{x: {{after: {{{distribution}, hazard_ratios: [{{value: 2}}]}}, to: b}}}}}}
        b: {{events: {{y: {{after: {{{distribution}, between: [0 days, 5 days]}}, to: dead}}}}}}
        dead: {{terminal: true}}
    """
    log = log_of(stages, number=20_000)
    for time, share in ((happened(log, "a.x"), 0.75), (happened(log, "b.y") - happened(log, "a.x"), 2 / 3)):
        assert abs(np.mean(time == 0) - share) < 5 * math.sqrt(share * (1 - share) / 20_000)


def test_each_patient_begins_with_one_row() -> None:
    stages = """
        a: {events: {x: {after: {fixed: 1 days}, to: dead}}}
        dead: {terminal: true}
    """
    log = log_of(stages, number=3, replications=2)
    assert np.flatnonzero(rows_of(log, "start")).tolist() == log.row_of[:-1].tolist() == [0, 2, 4, 6, 8, 10]
