"""How sure the differences of a comparison are: simulation error, parameters and structural alternatives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from sim.errors import InputError
from sim.files import for_json
from sim.outcomes.estimates import DifferenceRow
from sim.outcomes.results import Results
from sim.runs.comparison import ArmSource, Comparison, distinct, request_source, run_comparison
from sim.runs.run import LARGEST, QUIET, Progress, RunRequest, check_whole
from sim.uncertainty.psa import Design, PsaRequest
from sim.uncertainty.results import analyse

PATIENTS = 1000
"""Patients in each draw and arm."""


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


@dataclass(frozen=True, slots=True)
class Asked:
    """What to ask about the differences of an outcome, None for the first one that all arms have.

    requests: what the arms are simulated from. draws: of the parameters, 0 for none. structure: a folder of
    files with changes, each an alternative for all arms; None for none.
    Raises: InputError for a number of draws below 2, and for a folder without such files.
    """

    requests: tuple[RunRequest, ...]
    outcome: str | None
    draws: int
    structure: Path | None

    @classmethod
    def about(
        cls,
        sources: Sequence[ArmSource],
        request: RunRequest,
        *,
        outcome: str | None,
        draws: int,
        structure: str | os.PathLike[str] | None,
    ) -> Asked:
        """A question about the arms of a comparison. request: what they have alike.

        Raises: as the class; InputError for an arm that is no scenario file.
        """
        requests = tuple(_request(source, request) for source in sources)
        return cls(requests, outcome, draws, None if structure is None else Path(structure))

    def __post_init__(self) -> None:
        if self.draws:
            check_whole("draws", self.draws, 2, LARGEST)
        if self.structure is not None and not self.files:
            fix = "name a folder whose .yaml files each change one choice of the model"
            raise InputError(f"structure: there are no alternatives in {self.structure}", fix)

    @property
    def files(self) -> tuple[Path, ...]:
        """The structural alternatives."""
        return () if self.structure is None else tuple(sorted(self.structure.glob("*.yaml")))

    def of(self, comparison: Comparison, *, progress: Progress = QUIET) -> Comparison:
        """The comparison with how sure its differences are.

        Raises: InputError where the arms share no such outcome; as `run_comparison` and `analyse`.
        """
        rows = self._rows(comparison.results)
        parameters = self._parameters(rows, progress) if self.draws else {}
        others = list(self._alternatives(rows[0].outcome, progress))
        found = tuple(
            Certainty(
                row,
                parameters.get(row.arm),
                tuple(
                    Alternative(name, one.difference, one.low, one.high)
                    for name, under in others
                    for one in under
                    if one.arm == row.arm
                ),
            )
            for row in rows
        )
        return replace(comparison, results=replace(comparison.results, certainty=found))

    def _rows(self, results: Results) -> list[DifferenceRow]:
        """The headline difference of the outcome in each arm. Raises: InputError where it is not known."""
        names = [self.outcome] if self.outcome else [one.name for one in results.reference.outcomes]
        for facts in filter(None, map(results.reference.outcome, names)):
            measure, part, time = facts.description.headline
            rows = [
                results.differences.find(facts.name, measure, arm=arm.name, part=part, time_days=time)
                for arm in results.arms[1:]
            ]
            known = [row for row in rows if row is not None and row.is_known]
            if len(known) == len(rows):
                return known
        fact = f"outcome: {' and '.join(names)} has no difference between all arms at one time"
        raise InputError(fact, "name an outcome that all arms have, and with --at a time that all reach")

    def _parameters(self, rows: Sequence[DifferenceRow], progress: Progress) -> dict[str, Limits]:
        """The parameter interval of each difference, by the arm."""
        arms = tuple(replace(one, patients=PATIENTS, replications=1) for one in self.requests)
        request = PsaRequest(arms, self.draws, Design.FRESH, None, (rows[0].outcome,), "")
        numbers = {
            (one.arm, one.part, one.measure, one.time_days): Limits(one.low, one.high)
            for one in analyse(request, progress=progress).estimates
            if one.reference
        }
        return {row.arm: numbers[row.arm, row.part, row.measure, row.time_days] for row in rows}

    def _alternatives(
        self, outcome: str, progress: Progress
    ) -> Iterator[tuple[str, Sequence[DifferenceRow]]]:
        """The differences under each file of the folder, with its label."""
        names = distinct([one.file.stem for one in self.requests])
        for number, file in enumerate(self.files):
            changed = [replace(one, settings=(*one.settings, str(file))) for one in self.requests]
            sources = [request_source(name, one) for name, one in zip(names, changed, strict=True)]
            part = progress.part(number, len(self.files))
            first = self.requests[0]
            done = run_comparison(sources, at=first.at, workers=first.workers, progress=part)
            label = yaml.safe_load(file.read_text("utf-8")).get("label", file.stem.replace("_", " "))
            yield label, replace(self, outcome=outcome)._rows(done.results)


def _request(source: ArmSource, request: RunRequest) -> RunRequest:
    if isinstance(source.origin, RunRequest) and source.origin.scenario is None:
        return replace(source.origin, at=request.at, workers=request.workers)
    fact = f"{source.name}: parameters and structure can be changed only in a scenario's file"
    raise InputError(fact, "name scenario files, or leave out draws and structure")
