"""Rows of results by outcome, measure and part, for tests."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.outcomes.estimates import DifferenceRow, EstimateRow
from sim.outcomes.results import ArmFacts, OutcomeFacts, Results


@dataclass(frozen=True)
class OutcomeRows:
    """The rows of one outcome in one arm ("" in the results of a single run) and one group."""

    results: Results
    outcome: str = "it"
    arm: str = ""
    group: str = ""

    def row(self, measure: str, part: str = "", time: float | None = None) -> EstimateRow:
        """The one row with these labels; an AssertionError where there is none or several."""
        labels = {"outcome": self.outcome, "arm": self.arm, "group": self.group}
        (row,) = self.results.estimates.where(**labels, measure=measure, part=part, time_days=time)
        return row

    def value(self, measure: str, part: str = "", time: float | None = None) -> float:
        """The estimate of the one row with these labels."""
        return self.row(measure, part, time).estimate

    def at(self, measure: str, part: str = "") -> dict[float, EstimateRow]:
        """The rows of a curve by time, in their order."""
        labels = {"outcome": self.outcome, "arm": self.arm, "group": self.group}
        rows = self.results.estimates.where(**labels, measure=measure, part=part)
        return {row.time_days: row for row in rows}

    def parts(self, measure: str) -> dict[str, EstimateRow]:
        """The rows of a measure by part, in their order."""
        labels = {"outcome": self.outcome, "arm": self.arm, "group": self.group}
        return {row.part: row for row in self.results.estimates.where(**labels, measure=measure)}

    @property
    def measures(self) -> set[str]:
        """Every measure that has a row."""
        rows = self.results.estimates.where(outcome=self.outcome, arm=self.arm, group=self.group)
        return {row.measure for row in rows}

    @property
    def headline(self) -> EstimateRow:
        """The row of the headline number; an AssertionError where the outcome has none."""
        row = self.results.headline(self.outcome, arm=self.arm, group=self.group)
        assert row is not None, self.outcome
        return row

    @property
    def facts(self) -> OutcomeFacts:
        """What describes the outcome beside its numbers."""
        facts = arm_facts(self.results, self.arm).outcome(self.outcome)
        assert facts is not None, self.outcome
        return facts

    @property
    def groups(self) -> dict[str, OutcomeRows]:
        """The same outcome in each group of `by`, in their order."""
        return {name: replace(self, group=name) for name in self.facts.groups}

    def difference(
        self, measure: str = "", part: str = "", time: float | None = None, *, reference: str | None = None
    ) -> DifferenceRow:
        """The one row of differences with these labels, by default that of the headline.

        reference: None for the first arm.
        """
        if not measure:
            key = self.facts.description.headline
            measure, part, time = key.measure, key.part, key.time
        (row,) = self.results.differences.where(
            outcome=self.outcome,
            arm=self.arm,
            reference=self.results.reference.name if reference is None else reference,
            group=self.group,
            measure=measure,
            part=part,
            time_days=time,
        )
        return row


def arm_facts(results: Results, arm: str = "") -> ArmFacts:
    """The facts of an arm, "" for the only one."""
    return results.arm(arm) if arm else results.reference


def limits(row: EstimateRow | DifferenceRow) -> tuple[float, float] | None:
    """The 95% interval; None where there is none."""
    return (row.low, row.high) if row.has_interval else None
