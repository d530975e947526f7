"""How sure a difference of a comparison is: simulation error, parameters and structural alternatives."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any, NamedTuple

from sim.files import for_json
from sim.outcomes.estimates import DifferenceRow


class Alternative(NamedTuple):
    """The difference of an arm from the reference under a structural alternative, with its 95% interval.

    name: the label of the file, else its name. low, high: of the simulation.
    """

    name: str
    difference: float
    low: float
    high: float


class Limits(NamedTuple):
    """The two ends of an interval or a range; nan where it is not known."""

    low: float
    high: float

    @property
    def includes_zero(self) -> bool:
        """Whether no effect is between the ends or at one, or an end is not known."""
        return not (self.low > 0.0 or self.high < 0.0)


@dataclass(frozen=True, slots=True)
class Certainty:
    """How sure a difference from the reference is.

    row: the difference with its simulation error. parameters: its 95% interval over draws, None where none
    were asked for. alternatives: under each structural file, empty where none were asked for.
    """

    row: DifferenceRow
    parameters: Limits | None
    alternatives: tuple[Alternative, ...]

    @property
    def simulation(self) -> Limits:
        """The 95% interval of the simulation error."""
        return Limits(self.row.low, self.row.high)

    @property
    def ends(self) -> tuple[Alternative, Alternative] | None:
        """The alternatives, the base case among them, with the lowest and the highest difference."""
        if not self.alternatives:
            return None
        base = Alternative("the base case", self.row.difference, self.row.low, self.row.high)
        ordered = sorted((base, *self.alternatives), key=lambda one: one.difference)
        return ordered[0], ordered[-1]

    @property
    def structure(self) -> Limits | None:
        """The range of the difference over the structural alternatives and the base case."""
        return None if self.ends is None else Limits(*(one.difference for one in self.ends))

    @property
    def undetermined_by(self) -> tuple[str, ...]:
        """Which kinds of uncertainty include no difference."""
        kinds = {
            "simulation": self.simulation,
            "parameters": self.parameters,
            "structure": self.structure,
        }
        return tuple(name for name, limits in kinds.items() if limits is not None and limits.includes_zero)

    @property
    def record(self) -> dict[str, Any]:
        """The numbers by name, without the alternatives."""
        row = self.row
        record: dict[str, Any] = {
            "outcome": row.outcome,
            "arm": row.arm,
            "measure": row.measure,
            "part": row.part,
            "time_days": row.time_days,
            "unit": row.unit,
            "difference": row.difference,
        }
        for name in ("simulation", "parameters", "structure"):
            limits = getattr(self, name) or Limits(nan, nan)
            record |= {f"{name}_low": limits.low, f"{name}_high": limits.high}
        lowest, highest = ("", "") if self.ends is None else (one.name for one in self.ends)
        return record | {
            "lowest": lowest,
            "highest": highest,
            "undetermined_by": ", ".join(self.undetermined_by),
        }

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        alternatives = [for_json(one._asdict()) for one in self.alternatives]
        return {**for_json(self.record), "alternatives": alternatives}
