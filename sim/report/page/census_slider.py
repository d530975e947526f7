"""The replay: where everyone is on a day that the reader chooses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.outcomes.history.daily_census import GONE, Replay, present, replay
from sim.report.page.arms import Arm, words
from sim.report.page.parts import Cell, Chooser, Section, Table

MOST_PATIENTS = 5000
"""Of more patients the moves would make the page too large."""
DAYS = 10
"""Days of the table that stands for it."""


def replay_section(arms: Sequence[Arm]) -> Section | None:
    """One replay for each arm, where patients come one after the other or wait for something.

    What is left out because there are too many is said.
    """
    worth_it = [arm for arm in arms if _is_worth_it(arm)]
    if not worth_it:
        return None
    found = [arm for arm in worth_it if _size(arm) <= MOST_PATIENTS]
    said = ["The first replication, day by day: in each stage, and waiting for one."] if found else []
    said += [
        f"The replay of {arm.name} is left out: the moves of its {_size(arm):,} patients would make the page "
        f"too large; a page has the replay of a cohort of at most {MOST_PATIENTS:,}."
        for arm in worth_it
        if arm not in found
    ]
    return Section("replay", "Where everyone is on a day", tuple(map(_chooser, found)), " ".join(said))


def _is_worth_it(arm: Arm) -> bool:
    shares = bool(arm.scenario.shared)
    return shares or arm.scenario.patients.arrivals.kind != "together"


def _size(arm: Arm) -> int:
    """How many patients the first replication has."""
    return int(np.count_nonzero(arm.log.replication == 0))


def _chooser(arm: Arm) -> Chooser:
    of = replay(arm.history)
    places = _places(arm, of)
    code = {place: i for i, (place, _, _) in enumerate(places)}
    moves = [
        [
            int(of.patient[i]),
            *(
                part
                for move in range(of.move_of[i], of.move_of[i + 1])
                for part in (round(float(of.day[move]), 2), code.get(int(of.place[move]), GONE))
            ),
        ]
        for i in range(len(of.patient))
    ]
    data = {"places": [[name, kind] for _, name, kind in places], "patients": moves}
    caption = f"Patients in each place on a day of the calendar ({arm.name})"
    return Chooser(f"replay-{arm.name}", caption, int(arm.scenario.horizon), data, _numbers(arm, of, places))


def _places(arm: Arm, of: Replay) -> list[tuple[int, str, str]]:
    """Code, words and kind of each place where anybody ever is; the wait for a stage before the stage."""
    n, ever = len(of.stages), set(of.place.tolist())
    terminal = {stage.name for stage in arm.scenario.stages if stage.terminal}
    found = []
    for stage in arm.scenario.stages:
        code = of.stages.index(stage.name)
        if code + n in ever:
            found.append((code + n, f"waiting for {words(stage.name)}", "waiting"))
        if code in ever:
            found.append((code, words(stage.name), "ended" if stage.name in terminal else "in"))
    return found


def _numbers(arm: Arm, of: Replay, places: Sequence[tuple[int, str, str]]) -> Table:
    days = np.linspace(0.0, arm.scenario.horizon, DAYS + 1)[1:]
    each = [present(of, float(day)) for day in days]
    rows: list[tuple[Cell, ...]] = [
        (name, *(f"{counts[code]:,}" for counts in each)) for code, name, _ in places
    ]
    return Table("Patients in each place", ("place", *(f"day {day:,.0f}" for day in days)), tuple(rows))
