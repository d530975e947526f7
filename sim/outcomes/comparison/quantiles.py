"""Quartiles in two arms: times by which 25%, 50% and 75% of the patients had the event."""

from __future__ import annotations

import numpy as np

from sim.event_log.log import Floats
from sim.outcomes.endpoints.time_to_event import REACHED, Ends
from sim.outcomes.intervals import Estimate, Figures, Key

LEVELS = {Key("quantile_25%"): 0.25, Key("quantile_50%"): 0.5, Key("quantile_75%"): 0.75}


def of_ends(ends: Ends, *, competing: bool) -> Figures:
    """Times by which these shares of the patients have reached `until`; unknown where they never do."""
    found = {key: ends.quantile(level, competing=competing) for key, level in LEVELS.items()}
    n = len(ends.duration)
    return Figures(
        n,
        {key: Estimate(value, n=n) for key, (value, _) in found.items()},
        {},
        {key: influence for key, (_, influence) in found.items()},
    )


def of_values(values: Floats) -> Figures:
    """The same for a number of each patient, nan for patients left out: as times that all have reached."""
    known = np.flatnonzero(~np.isnan(values))
    ends = Ends(len(values), known, values[known], np.full(len(known), REACHED, np.int8))
    return of_ends(ends, competing=False)
