"""What waiting does to patients, read from any log: days in queues, who is lost in one, time alive."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.outcomes.endpoints.endpoint import Measure
from sim.outcomes.endpoints.means import Mean
from sim.outcomes.endpoints.proportions import Proportion
from sim.outcomes.history.history import NEVER, History
from sim.units import DAYS_IN

DEAD = "dead"
"""The health state that ends a life, as in the life-years of the language."""


def burden(history: History) -> Mapping[str, Measure]:
    """`waiting_days`, `lost_waiting` and, where there is a state `dead`, `life_years`."""
    found: dict[str, Measure] = {"waiting_days": waiting_days(history), "lost_waiting": lost_waiting(history)}
    if DEAD in history.log.names.states:
        found["life_years"] = life_years(history)
    return found


def waiting_days(history: History) -> Mean:
    """Days in all queues together; a wait that is cut off counts to the end of follow-up."""
    log, waits = history.log, history.waits
    whose = history.patients(waits.asked)
    ends = log.follow_up[whose].copy()
    known = waits.ended != NEVER
    ends[known] = log.time[waits.ended[known]]
    days = np.bincount(whose, weights=ends - log.time[waits.asked], minlength=log.n_patients)
    words = "mean days in queues per patient, a wait cut off by the end of follow-up counted so far"
    return Mean(
        {("unit",): "days", ("estimate_of",): words}, history.starts, np.asarray(days, dtype=np.float64)
    )


def lost_waiting(history: History) -> Proportion:
    """Who ever left a queue, by dying or otherwise, without what was waited for."""
    waits = history.waits
    lost = np.zeros(history.log.n_patients, bool)
    lost[history.patients(waits.asked[(waits.ended != NEVER) & ~waits.granted])] = True
    words = "share of patients who left a queue, by death or otherwise, without what they waited for"
    return Proportion(
        {("unit",): "share", ("estimate_of",): words}, history.starts, lost, np.ones(len(lost), bool)
    )


def life_years(history: History) -> Mean:
    """Years from the start until the state `dead`, or until the end of follow-up."""
    log = history.log
    alive = log.follow_up.copy()
    first = history.first_of_each(history.entries_into_state(DEAD))
    died = first != NEVER
    alive[died] = log.time[first[died]]
    words = f"mean years alive per patient: from the start until the state {DEAD} or the end of follow-up"
    return Mean(
        {("unit",): "years", ("estimate_of",): words}, history.starts, np.asarray(alive / DAYS_IN["year"])
    )
