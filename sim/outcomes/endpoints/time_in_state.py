"""Time in a stage or a health state, and the patients there at each time."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats
from sim.outcomes.endpoints.means import Averages, Part, mean_of
from sim.outcomes.history.history import Flags, History
from sim.outcomes.results import Description, Key, time_in_prose
from sim.scenario.language.model import Outcome


def _stretches(history: History, outcome: Outcome) -> tuple[NDArray[np.int32], Floats, Floats, Flags]:
    """When patients are in the outcome's place, as `History.stretches`."""
    assert outcome.place is not None
    kind, name = outcome.place
    names = history.log.names
    spells = history.stage_spells if kind == "stage" else history.state_spells
    code = (names.stages if kind == "stage" else names.states).index(name)
    return history.stretches(spells, code)


def _place(outcome: Outcome) -> str:
    assert outcome.place is not None
    kind, name = outcome.place
    return f"the {kind} {name}"


def time_in(history: History, outcome: Outcome) -> Averages:
    """Days in a stage or state until the end of follow-up; a wait counts to the stage left."""
    patient, begins, ends, _ = _stretches(history, outcome)
    lengths: Floats = ends - begins
    days = np.bincount(patient, weights=lengths, minlength=history.log.n_patients)
    text = f"mean days in {_place(outcome)} until the end of follow-up"
    return mean_of(history, days.astype(np.float64), text, unit="days")


def occupancy(history: History, outcome: Outcome, at: Sequence[float]) -> Averages:
    """The share of patients in a stage or state at each time.

    The share is among patients with follow-up until then; at its very end a patient is where the
    last spell was.
    """
    patient, begins, ends, is_last = _stretches(history, outcome)
    follow_up = history.log.follow_up
    ends = np.where(is_last, inf, ends)
    there = np.zeros((len(at), history.log.n_patients), bool)
    for i, time in enumerate(at):
        there[i, patient[(begins <= time) & (time < ends)]] = True
    observed = follow_up >= np.array(at)[:, np.newaxis]
    last = at[-1]
    when, share_of = time_in_prose(last), f"share of patients in {_place(outcome)}"
    described = Description(
        Key("share", "", last),
        "share",
        f"{share_of} {when} after the start",
        curve=share_of,
        excluded=f"patients who cannot be observed for {when}",
    )
    parts: dict[Key, Part] = {Key("share", "", time): (there[i], observed[i]) for i, time in enumerate(at)}
    return Averages(described, history.starts, parts)
