"""What every kind of outcome offers: figures for any set of patients, and the words beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sim.event_log.log import Indices
from sim.outcomes.intervals import Figures, Path


class Measure(Protocol):
    """One outcome read from a log, ready to be asked about sets of patients."""

    @property
    def facts(self) -> Mapping[Path, Any]:
        """What stands in the entry whatever the patients: words, units, times."""

    @property
    def interval_kind(self) -> str | None:
        """How intervals over patients are made; None where there are none."""

    @property
    def group_rows(self) -> Indices:
        """The row at which each patient's group is read, NEVER for who is in none."""

    def figures(self, chosen: Indices) -> Figures:
        """The outcome in these patients (indices, increasing)."""
