"""Error messages for a patient who cannot go on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.engine.log_writer import COUNT_ROWS, ROW_FROM, LogBuffer
from sim.errors import RunError
from sim.event_log.log import Floats
from sim.pathway import layout as at
from sim.pathway.tables import Pathway
from sim.units import DAYS_IN


def failure(pathway: Pathway, x: Floats, k: NDArray[np.int64], buffer: LogBuffer) -> RunError:
    """The error for the status that the patient `x`, `k` stopped with."""
    stages = pathway.names.stages
    patient = f"patient {k[at.NUMBER_]} of replication {k[at.REPLICATION]}"
    here = stages[k[at.STAGE_NOW]] if k[at.STAGE_NOW] != at.NONE else "the start"
    if k[at.STATUS] == at.ENDLESS:
        n = buffer.rows[0, COUNT_ROWS]
        left = buffer.rows[max(1, n - 100) : n, ROW_FROM]
        passed = [stages[code] for code in dict.fromkeys(left.tolist()) if code != at.NONE]
        return RunError(
            f"{patient}: {at.MOST_EVENTS_AT_ONCE} events in one moment, in {', '.join(passed) or here}\n"
            "    a path that repeats must take time: give one of these stages an event that takes some"
        )
    if k[at.STATUS] == at.BEYOND_ONE:
        return RunError(
            f"{patient}: in {here} the probabilities of a choice sum to more than 1\n"
            "    let the parts sum to 1 for every patient: mark one `rest`"
        )
    if k[at.STATUS] == at.NO_ENTRY:
        return RunError(
            f"{patient}: in {here} a choice has no entry for the value its attribute has\n"
            "    give the value an entry, or add `rest` for all others"
        )
    if k[at.STATUS] == at.TOO_YOUNG:
        age = x[at.AGE] + x[at.NOW] / DAYS_IN["year"]
        return RunError(
            f"{patient}: in {here} it is {age:.4g} years old, and the life table has no row for that age\n"
            "    let the table begin at the age of the youngest patient"
        )
    return RunError(f"{patient}: too many events in one moment to be written down, in {here}")
