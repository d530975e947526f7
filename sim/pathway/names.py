"""What the codes of an event log stand for."""

from __future__ import annotations

from dataclasses import dataclass

EVENTS_OF_EVERY_LOG = ("start", "granted", "left_queue", "decide")
START, GRANTED, LEFT_QUEUE, DECIDE = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Names:
    """A code is an index here, -1 is none.

    events: those of every log first (codes 0 to 3), then `STAGE.EVENT` in file order, then
    `clock.CLOCK`.
    ids: of the rows of the table of patients, () where it has none; ids_of_today: they are today's patients.
    categories: for each attribute its categories, () for numbers, ("false", "true") for yes/no.
    """

    stages: tuple[str, ...]
    states: tuple[str, ...]
    events: tuple[str, ...]
    rules: tuple[str, ...]
    attributes: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    stamps: tuple[str, ...]
    resources: tuple[str, ...]
    ids: tuple[str, ...] = ()
    ids_of_today: bool = False

    def id_of(self, patient: int) -> str:
        """The identifier that the table of patients has for a patient, "" where there is none."""
        n = len(self.ids)
        return "" if n == 0 or (self.ids_of_today and patient >= n) else self.ids[patient % n]
