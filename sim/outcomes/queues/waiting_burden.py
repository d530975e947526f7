"""The burden of waiting, for any log: days in queues, patients lost in a queue, years alive."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.outcomes.endpoints import Endpoint
from sim.outcomes.endpoints.means import Averages, mean_of, share_of
from sim.outcomes.history.history import NEVER, History
from sim.scenario.language.model import DEAD
from sim.units import DAYS_IN

BETTER = {"waiting_days": -1, "lost_waiting": -1, "life_years": 1}
"""The sign of a change for the better."""


def burden(history: History) -> Mapping[str, Endpoint]:
    """`waiting_days`, `lost_waiting` and, where there is a state `dead`, `life_years`."""
    found: dict[str, Endpoint] = {
        "waiting_days": waiting_days(history),
        "lost_waiting": lost_waiting(history),
    }
    if DEAD in history.log.names.states:
        found["life_years"] = life_years(history)
    return found


def waiting_days(history: History) -> Averages:
    """Days in all queues together; a wait that is cut off counts to the end of follow-up."""
    log, waits = history.log, history.waits
    patient = history.patients(waits.asked)
    ends = log.follow_up[patient].copy()
    known = waits.ended != NEVER
    ends[known] = log.time[waits.ended[known]]
    days = np.bincount(patient, weights=ends - log.time[waits.asked] + waits.before, minlength=log.n_patients)
    text = "mean days in queues per patient, a wait cut off by the end of follow-up counted so far"
    return mean_of(history, days.astype(np.float64), text, unit="days")


def lost_waiting(history: History) -> Averages:
    """The share of patients who left a queue, by death or otherwise, without what they waited for."""
    waits = history.waits
    lost = np.zeros(history.log.n_patients, bool)
    lost[history.patients(waits.asked[(waits.ended != NEVER) & ~waits.granted])] = True
    text = "share of patients who left a queue, by death or otherwise, without what they waited for"
    return share_of(history, lost, text)


def life_years(history: History) -> Averages:
    """Years from the start until the state `dead`, or until the end of follow-up."""
    log = history.log
    alive = log.follow_up.copy()
    first = history.first_of_each(history.entries_into_state(DEAD))
    died = first != NEVER
    alive[died] = log.time[first[died]]
    text = f"mean years alive per patient: from the start until the state {DEAD} or the end of follow-up"
    return mean_of(history, alive / DAYS_IN["year"], text, unit="years")
