"""Where paths part, and who does better, on logs written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sim.outcomes.comparison.comparability import Arm
from sim.outcomes.comparison.divergence import CHANGES, HAPPENS, WHEN, common_codes, part
from sim.outcomes.comparison.paired import compare
from sim.outcomes.history.history import NEVER
from tests import hand_made_log as by_hand
from tests.hand_made_log import Patient, Row, asks, enters, happens, outcome, stays

STAGES = [by_hand.stage("a", "ill"), by_hand.stage("b", "well"), by_hand.stage("dead", "dead", terminal=True)]
MORE = [by_hand.stage("a", "ill"), by_hand.stage("new", "well"), *STAGES[1:]]
OS = outcome("time_to_event", "survival", begin=happens("start"), until=happens("state", "dead"))
GRADE = by_hand.number("grade")
CSF = by_hand.category("csf", "clear", "cells")
TURNED = by_hand.category("csf", "cells", "clear")


def arm(
    name: str, patients: list[Patient], *, stages=STAGES, events=("a.next", "b.check"), csf=CSF, **fields
) -> Arm:
    of = by_hand.scenario(stages, attributes=[GRADE, csf], outcomes=[OS], **fields)
    log = by_hand.event_log(of, patients, events=events, rules=["too_ill"])
    return Arm(name, of, log, by_hand.no_use(), 1, 1)


def parting(one: list[Row], other: list[Row], **settings) -> tuple[int, int] | None:
    """The first row in which two lives differ, and in what; a bystander before and after."""
    start = {"csf": "clear"}
    bystander = Patient([enters(0, "a"), enters(9, "b"), enters(30, "dead")], start)
    logs = [
        arm("one", [bystander, Patient(one, start), bystander]).log,
        arm("other", [bystander, Patient(other, start), bystander], **settings).log,
    ]
    found = part(*logs)
    assert not found.parts[[0, 2]].any()
    if not found.parts[1]:
        assert found.sequence[1] == NEVER
        return None
    return int(found.sequence[1]), int(found.differs[1])


LIFE = [enters(0, "a"), enters(5, "b", grade=2), stays(7, "b.check", csf="cells"), enters(50, "dead")]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (LIFE, None),
        ([*LIFE[:3], enters(60, "dead")], (3, WHEN)),
        ([*LIFE[:3], enters(50, "a")], (3, HAPPENS)),
        ([*LIFE[:3], asks(50, "dead")], (3, HAPPENS)),
        ([*LIFE[:3], enters(50, "dead", rule="too_ill")], (3, HAPPENS)),
        ([LIFE[0], enters(6, "dead")], (1, HAPPENS)),
        (LIFE[:3], (3, HAPPENS)),
        (LIFE[:1], (1, HAPPENS)),
        ([*LIFE, stays(51, "b.check")], (4, HAPPENS)),
        ([*LIFE[:2], stays(7, "b.check"), LIFE[3]], (2, CHANGES)),
        ([LIFE[0], enters(5, "b", grade=3), LIFE[2], enters(60, "dead")], (1, CHANGES)),
        ([LIFE[0], enters(5, "b", grade=2, csf="clear"), *LIFE[2:]], None),
        ([enters(0, "a", grade=0), *LIFE[1:]], None),
    ],
)  # fmt: skip
def test_the_first_row_that_differs(other, expected):
    assert parting(LIFE, other) == expected
    turned = parting(other, LIFE)
    assert turned == expected


def test_names_count_and_not_codes():
    events = ["a.other", "b.check", "a.next", "new.next"]
    assert parting(LIFE, LIFE, stages=MORE, events=events, csf=TURNED) is None
    through = [LIFE[0], enters(5, "new", grade=2), *LIFE[2:]]
    assert parting(LIFE, through, stages=MORE, events=events, csf=TURNED) == (1, HAPPENS)


def test_names_that_stand_twice_are_matched_in_order():
    assert common_codes(["x", "y", "x"], ["y", "x", "z", "x"]).tolist() == [1, 0, 3, 2, -1]


def dies(*days: float) -> list[Patient]:
    """Each dies after so many days; 0: is alive at the end."""
    return [Patient([enters(0, "a"), *([enters(d, "dead")] if d else [])]) for d in days]


def test_better_same_and_worse():
    one, other = arm("one", dies(100, 200, 300, 0, 0, 50)), arm("other", dies(150, 200, 250, 0, 400, 0))
    told = compare([one, other], at=(365.25,))["lives"]["other"]
    assert told["outcome"] == "survival"
    assert {name: told[name]["count"] for name in ("better", "same", "worse")} == {
        "better": 2,
        "same": 2,
        "worse": 2,
    }
    assert told["better"]["mean_days"] == pytest.approx((50 + 950) / 2)
    assert told["worse"]["mean_days"] == pytest.approx((-50 - 600) / 2)
    assert told["unchanged"]["count"] == 2
    assert told["better"]["interval"] is not None


def test_where_paths_part_the_most_frequent_first():
    one = arm("one", dies(100, 200, 300, 0, 0, 50))
    lives = dies(110, 200, 310, 0, 400, 0)
    lives[5] = Patient([enters(0, "a"), enters(40, "b", "a.next")])
    told = compare([one, arm("other", lives)], at=(365.25,))["lives"]["other"]
    assert told["partings"] == [
        {"stage": "a", "reference": "next to dead", "arm": "next to dead", "differs_in": "when it happens", "count": 2, "share": 2 / 6, "patient": 0},
        {"stage": "a", "reference": "nothing more", "arm": "next to dead", "differs_in": "what happens", "count": 1, "share": 1 / 6, "patient": 4},
        {"stage": "a", "reference": "next to dead", "arm": "next to b", "differs_in": "what happens", "count": 1, "share": 1 / 6, "patient": 5},
    ]  # fmt: skip


def test_who_is_censored_before_the_others_end_is_not_known_to_do_better():
    lost = outcome(
        "time_to_event",
        "survival",
        begin=happens("start"),
        until=happens("state", "dead"),
        censor=happens("stage", "b"),
    )
    arms = []
    for name, rows in (("one", [enters(100, "dead")]), ("other", [enters(50, "b"), enters(200, "dead")])):
        of = by_hand.scenario(STAGES, outcomes=[lost])
        log = by_hand.event_log(of, [Patient([enters(0, "a"), *rows])], events=["a.next"])
        arms.append(Arm(name, of, log, by_hand.no_use(), 1, 1))
    told = compare(arms, at=(365.25,))["lives"]["other"]
    assert told["same"]["count"] == 1


def plain_parting(one: Patient, other: Patient) -> tuple[int, int] | None:
    """The first row that differs, and in what, by looking at one after another."""
    rows = list(zip(one.rows, other.rows, strict=False))
    for k, (a, b) in enumerate(rows):
        if (a.event, a.does, a.to, a.rule) != (b.event, b.does, b.to, b.rule):
            return k, HAPPENS
        if a.time != b.time:
            return k, WHEN
    return None if len(one.rows) == len(other.rows) else (len(rows), HAPPENS)


def test_lives_of_random_length_part_where_a_plain_comparison_says():
    """1,000 lives; in the other log the stages and the events have other codes."""
    random = np.random.default_rng(2)

    def row(day: float) -> Row:
        if random.random() < 0.3:
            return stays(day, "b.check")
        return enters(day, random.choice(["a", "b"]), random.choice(["a.next", "b.check"]))

    def life() -> Patient:
        days = np.sort(random.integers(1, 900, random.integers(0, 6)))
        return Patient([enters(0, "a"), *(row(float(day)) for day in days)])

    ones = [life() for _ in range(1000)]
    others = [
        one if random.random() < 0.4 else Patient([*one.rows[: random.integers(1, 4)], *life().rows[1:]])
        for one in ones
    ]
    codes = {"stages": MORE, "events": ["a.other", "b.check", "a.next"]}
    found = part(arm("one", ones).log, arm("other", others, **codes).log)
    expected = [plain_parting(one, other) for one, other in zip(ones, others, strict=True)]
    assert found.sequence.tolist() == [NEVER if at is None else at[0] for at in expected]
    parts = [at[1] for at in expected if at is not None]
    assert found.differs[found.parts].tolist() == parts
    assert set(parts) == {HAPPENS, WHEN}
