"""Funnels, and events in an order."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from sim.outcomes.endpoints.means import SHARE
from sim.outcomes.endpoints.pathway_patterns import pathway
from sim.outcomes.history.history import History
from sim.outcomes.results import share
from tests import example_logs as by_hand
from tests.example_logs import Patient, enters, happens, outcome
from tests.rows import limits
from tests.unit.outcomes.ward import ATTRIBUTES, EVENTS, STAGES, rows_of


def test_funnel():
    patients = [
        Patient([enters(0, "ward"), enters(1, "theatre"), enters(2, "home")]),
        Patient([enters(0, "ward"), enters(1, "theatre")]),
        Patient([enters(0, "home"), enters(1, "theatre")]),
        Patient([enters(0, "ward"), enters(1, "home")]),
    ]
    sequence = (
        happens("start"),
        happens("asked", "theatre"),
        happens("stage", "theatre"),
        happens("stage", "home"),
    )
    found = rows_of(patients, "funnel", sequence=sequence)
    steps = ("1. the start", "2. coming to theatre", "3. entering theatre", "4. entering home")
    counts, shares, of_first = (found.parts(measure) for measure in ("count", "share", "share_of_first"))
    assert tuple(counts) == tuple(shares) == tuple(of_first) == steps
    assert [row.estimate for row in counts.values()] == [4, 3, 3, 2]
    assert [row.estimate for row in shares.values()] == [1, 0.75, 1, 2 / 3]
    assert [row.n for row in shares.values()] == [4, 4, 3, 3]
    assert [row.estimate for row in of_first.values()] == [1, 0.75, 0.75, 0.5]
    assert limits(shares[steps[3]]) == (share(2, 3).low, share(2, 3).high)
    headline = found.headline
    assert (headline.measure, headline.part) == ("share_of_first", steps[3])
    assert (headline.estimate, headline.n) == (0.5, 4)
    from_ward = rows_of(patients, "funnel", sequence=(happens("stage", "ward"), happens("stage", "home")))
    headline = from_ward.headline
    assert (headline.n, from_ward.value("left_out"), headline.estimate) == (3, 1, 2 / 3)


def random_patients(seed: int, n: int) -> list[Patient]:
    """Short paths, with several rows at one time among them."""
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
def test_events_in_order_against_every_choice_of_rows(seed, within, names):
    patients = random_patients(seed, 300)
    between = (None, *within)
    steps = tuple(happens("stage", s, within=w) for s, w in zip(names, between, strict=True))
    scenario = by_hand.scenario(STAGES, attributes=ATTRIBUTES)
    log = by_hand.event_log(scenario, patients, events=EVENTS)
    found = pathway(History(log, by_hand.no_use(), scenario), outcome("pathway", sequence=steps)).parts[
        SHARE
    ][0]
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
