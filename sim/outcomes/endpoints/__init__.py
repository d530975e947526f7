"""What every kind of outcome offers: its figures for any set of patients, and what they mean."""

from __future__ import annotations

from typing import Protocol

from sim.event_log.log import Indices
from sim.outcomes.results import Description, Figures


class Endpoint(Protocol):
    """One outcome evaluated on a log, ready for any set of patients."""

    @property
    def description(self) -> Description:
        """What its numbers mean, whatever the patients."""

    @property
    def method(self) -> str | None:
        """How intervals over patients are made; None where there are none."""

    @property
    def group_rows(self) -> Indices:
        """The row at which each patient's group is read, NEVER for patients in no group."""

    def figures(self, chosen: Indices) -> Figures:
        """The numbers for these patients (indices, increasing)."""
