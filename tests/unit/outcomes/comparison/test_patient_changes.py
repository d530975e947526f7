"""Where paths diverge, and which patients do better, on logs written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sim.outcomes.comparison.paired import classify_changes, compare
from sim.outcomes.comparison.patient_changes import CHANGES, HAPPENS, WHEN, common_codes, diverge
from sim.outcomes.evaluation import Arm
from sim.outcomes.history.history import NEVER
from sim.outcomes.results import Divergence, mean, share
from tests import example_logs as by_hand
from tests.example_logs import Patient, Row, asks, enters, granted, happens, leaves, outcome, stays
from tests.rows import OutcomeRows

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


def divergence(one: list[Row], other: list[Row], **settings) -> tuple[int, int] | None:
    """The first row in which two paths of a patient differ, and in what; a bystander before and after."""
    start = {"csf": "clear"}
    bystander = Patient([enters(0, "a"), enters(9, "b"), enters(30, "dead")], start)
    logs = [
        arm("one", [bystander, Patient(one, start), bystander]).log,
        arm("other", [bystander, Patient(other, start), bystander], **settings).log,
    ]
    found = diverge(*logs)
    assert not found.diverges[[0, 2]].any()
    if not found.diverges[1]:
        assert found.sequence[1] == NEVER
        return None
    return int(found.sequence[1]), int(found.differs[1])


PATH = [enters(0, "a"), enters(5, "b", grade=2), stays(7, "b.check", csf="cells"), enters(50, "dead")]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (PATH, None),
        ([*PATH[:3], enters(60, "dead")], (3, WHEN)),
        ([*PATH[:3], enters(50, "a")], (3, HAPPENS)),
        ([*PATH[:3], asks(50, "dead")], (3, HAPPENS)),
        ([*PATH[:3], enters(50, "dead", rule="too_ill")], (3, HAPPENS)),
        ([PATH[0], enters(6, "dead")], (1, HAPPENS)),
        (PATH[:3], (3, HAPPENS)),
        (PATH[:1], (1, HAPPENS)),
        ([*PATH, stays(51, "b.check")], (4, HAPPENS)),
        ([*PATH[:2], stays(7, "b.check"), PATH[3]], (2, CHANGES)),
        ([PATH[0], enters(5, "b", grade=3), PATH[2], enters(60, "dead")], (1, CHANGES)),
        ([PATH[0], enters(5, "b", grade=2, csf="clear"), *PATH[2:]], None),
        ([enters(0, "a", grade=0), *PATH[1:]], None),
    ],
)  # fmt: skip
def test_the_first_row_that_differs(other, expected):
    assert divergence(PATH, other) == expected
    assert divergence(other, PATH) == expected


def test_logs_are_compared_by_names_not_codes():
    events = ["a.other", "b.check", "a.next", "new.next"]
    assert divergence(PATH, PATH, stages=MORE, events=events, csf=TURNED) is None
    through = [PATH[0], enters(5, "new", grade=2), *PATH[2:]]
    assert divergence(PATH, through, stages=MORE, events=events, csf=TURNED) == (1, HAPPENS)


def test_names_that_occur_twice_are_matched_in_order():
    assert common_codes(["x", "y", "x"], ["y", "x", "z", "x"]).tolist() == [1, 0, 3, 2, -1]


def dies(*days: float) -> list[Patient]:
    """Patients who die after these days; 0: alive at the end."""
    return [Patient([enters(0, "a"), *([enters(d, "dead")] if d else [])]) for d in days]


def changes(*arms: Arm) -> OutcomeRows:
    """The rows of patient changes in the second arm."""
    return OutcomeRows(compare(arms, at=(365.25,)), "patient_changes", arms[1].name)


def test_better_same_and_worse():
    one, other = arm("one", dies(100, 200, 300, 0, 0, 50)), arm("other", dies(250, 200, 150, 0, 400, 0))
    found = changes(one, other)
    assert dict(found.results.arm("other").better_is) == {
        "outcome": "survival",
        "better": "reaching dead more than 90 days later than in the reference, or only there",
        "same": "reaching dead at most 90 days apart, or in neither while observed",
        "worse": "reaching dead more than 90 days earlier than in the reference, or only here",
        "better_less_worse": "the effect of the change; better and worse alone also count chance",
    }
    counts = {part: row.estimate for part, row in found.parts("count").items()}
    assert counts == {"better": 2, "same": 2, "worse": 2, "better_less_worse": 0, "unchanged": 2}
    assert found.value("mean_days", "better") == pytest.approx((150 + 950) / 2)
    assert found.value("mean_days", "worse") == pytest.approx((-150 - 600) / 2)
    better, expected = found.row("share", "better"), share(2, 6)
    assert (better.estimate, better.low, better.high) == (2 / 6, expected.low, expected.high)
    assert (better.method, better.n) == ("Wilson", 6)


def test_a_difference_of_three_months_is_no_change_for_better_or_worse():
    """Who dies 12 days earlier after a shorter wait, or three months later, is the same; another end is not."""
    one, other = arm("one", dies(100, 200, 300, 400, 990)), arm("other", dies(88, 290, 391, 309, 0))
    found = changes(one, other)
    counts = {part: row.estimate for part, row in found.parts("count").items()}
    assert counts == {"better": 2, "same": 2, "worse": 1, "better_less_worse": 1, "unchanged": 0}
    net, expected = found.row("share", "better_less_worse"), mean(np.array([0.0, 0.0, 1.0, -1.0, 1.0]))
    assert (net.estimate, net.low, net.high) == (expected.value, expected.low, expected.high)


def test_every_patient_is_classified():
    one, other = arm("one", dies(100, 200, 300, 0, 0, 50)), arm("other", dies(250, 200, 150, 0, 400, 0))
    found = classify_changes(one, other)
    assert found is not None
    assert found.tolist() == ["better", "same", "worse", "same", "worse", "better"]


def test_places_of_divergence_the_most_frequent_first():
    one = arm("one", dies(100, 200, 300, 0, 0, 50))
    others = dies(110, 200, 310, 0, 400, 0)
    others[5] = Patient([enters(0, "a"), enters(40, "b", "a.next")])
    found = compare([one, arm("other", others)], at=(365.25,)).arm("other")
    assert found.divergences == (
        Divergence("a", "next to dead", "next to dead", "when it happens", count=2, share=2 / 6, patient=0),
        Divergence("a", "nothing more", "next to dead", "what happens", count=1, share=1 / 6, patient=4),
        Divergence("a", "next to dead", "next to b", "what happens", count=1, share=1 / 6, patient=5),
    )


def test_what_happens_in_a_queue_is_said_in_words():
    """The log calls the ends of a wait `granted` and `left_queue`."""
    waits = [asks(0, "a"), leaves(5, "a"), enters(5, "dead")]
    served = [asks(0, "a"), granted(5, "a"), enters(9, "dead")]
    found = compare([arm("one", [Patient(waits)]), arm("other", [Patient(served)])], at=(365.25,)).arm(
        "other"
    )
    assert [(one.reference, one.arm) for one in found.divergences] == [
        ("leaves the queue for a", "granted a")
    ]


def test_a_patient_censored_before_the_end_in_the_other_arm_is_not_known_to_do_better():
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
    found = changes(*arms)
    assert {part: row.estimate for part, row in found.parts("count").items()} == {
        "better": 0,
        "same": 1,
        "worse": 0,
        "better_less_worse": 0,
        "unchanged": 0,
    }


def plain_divergence(one: Patient, other: Patient) -> tuple[int, int] | None:
    """The first row that differs, and in what, by a loop over the rows."""
    rows = list(zip(one.rows, other.rows, strict=False))
    for k, (a, b) in enumerate(rows):
        if (a.event, a.does, a.to, a.rule) != (b.event, b.does, b.to, b.rule):
            return k, HAPPENS
        if a.time != b.time:
            return k, WHEN
    return None if len(one.rows) == len(other.rows) else (len(rows), HAPPENS)


def test_random_paths_diverge_where_a_plain_comparison_finds_it():
    """1,000 patients; in the other log the stages and the events have other codes."""
    random = np.random.default_rng(2)

    def row(day: float) -> Row:
        if random.random() < 0.3:
            return stays(day, "b.check")
        return enters(day, random.choice(["a", "b"]), random.choice(["a.next", "b.check"]))

    def path() -> Patient:
        days = np.sort(random.integers(1, 900, random.integers(0, 6)))
        return Patient([enters(0, "a"), *(row(float(day)) for day in days)])

    ones = [path() for _ in range(1000)]
    others = [
        one if random.random() < 0.4 else Patient([*one.rows[: random.integers(1, 4)], *path().rows[1:]])
        for one in ones
    ]
    codes = {"stages": MORE, "events": ["a.other", "b.check", "a.next"]}
    found = diverge(arm("one", ones).log, arm("other", others, **codes).log)
    expected = [plain_divergence(one, other) for one, other in zip(ones, others, strict=True)]
    assert found.sequence.tolist() == [NEVER if at is None else at[0] for at in expected]
    differs = [at[1] for at in expected if at is not None]
    assert found.differs[found.diverges].tolist() == differs
    assert set(differs) == {HAPPENS, WHEN}
