"""The event log of a cohort as columns with a value for each row, for rules in large cohorts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import ENTERS, EventLog

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """The rows of a log, and what holds just after each of them."""

    log: EventLog

    @cached_property
    def patient(self) -> NDArray[np.int64]:
        return self.log.patient_of_row()

    @cached_property
    def row_of_change(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(self.log.n_rows), np.diff(self.log.change_of))

    def enters(self, *stages: str) -> Bools:
        found = [self.log.names.stages.index(stage) for stage in stages]
        return (self.log.does == ENTERS) & np.isin(self.log.stage_to, found)

    def happens(self, event: str) -> Bools:
        return self.log.event == self.log.names.events.index(event)

    def value(self, attribute: str) -> Floats:
        """The attribute after each row; a category as its index."""
        a = self.log.names.attributes.index(attribute)
        return self._filled(a, self.log.at_start[:, a])

    def among(self, attribute: str, *values: str) -> Bools:
        """Whether the attribute has one of these values after each row."""
        a = self.log.names.attributes.index(attribute)
        categories = self.log.names.categories[a]
        assert set(values) <= set(categories)
        return np.isin(self.value(attribute), [categories.index(value) for value in values])

    def stamped(self, stamp: str) -> Floats:
        """The time of the stamp, as it stands after each row; not a number where it was never set."""
        s = len(self.log.names.attributes) + self.log.names.stamps.index(stamp)
        return self._filled(s, np.full(self.log.n_patients, np.nan))

    def count(self, rows: Bools) -> NDArray[np.int64]:
        """How many of these rows the patient has had up to each row, it included."""
        total = np.cumsum(rows)
        before = np.concatenate(([0], total))[self.log.row_of[:-1]]
        return np.asarray(total - before[self.patient])

    def last_row(self) -> NDArray[np.int64]:
        """For each row the last row of its patient."""
        return np.asarray(self.log.row_of[1:][self.patient] - 1)

    def _filled(self, what: int, at_start: Floats) -> Floats:
        mask = self.row_of_change[self.log.change_what == what]
        found = np.full(self.log.n_rows, np.nan)
        known = np.zeros(self.log.n_rows, dtype=bool)
        first = self.log.row_of[:-1]
        found[first], known[first] = at_start, True
        found[mask], known[mask] = self.log.change_value[self.log.change_what == what], True
        return np.asarray(found[np.maximum.accumulate(np.where(known, np.arange(self.log.n_rows), 0))])
