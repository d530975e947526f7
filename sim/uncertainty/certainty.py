"""The parameter interval and the structural range of the differences of a comparison."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from sim.errors import InputError
from sim.outcomes.certainty import Alternative, Certainty, Limits
from sim.outcomes.estimates import DifferenceRow
from sim.outcomes.results import Results
from sim.runs.comparison import ArmSource, Comparison, request_source, run_comparison
from sim.runs.run import LARGEST, QUIET, Progress, RunRequest, check_whole
from sim.uncertainty.psa import Design, PsaRequest
from sim.uncertainty.results import analyse

PATIENTS = 1000
"""Patients in each draw and arm."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to ask about the differences of an outcome, None for the first one that all arms have.

    requests: what each arm is simulated from, by its name. draws: of the parameters, 0 for none. structure:
    a folder of files with changes, each an alternative for all arms; None for none.
    Raises: InputError for a number of draws below 2, and for a folder without such files.
    """

    requests: Mapping[str, RunRequest]
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
        requests = {source.name: _request(source, request) for source in sources}
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
        results = comparison.results
        every = [one.name for one in results.reference.outcomes]
        rows = _headlines(results, [self.outcome] if self.outcome else every)
        parameters = self._parameters(rows, progress) if self.draws else {}
        others = list(self._alternatives(rows[0].outcome, progress))
        found = tuple(
            Certainty(row, parameters.get(row.arm), tuple(alternatives[k] for alternatives in others))
            for k, row in enumerate(rows)
        )
        return replace(comparison, results=replace(results, certainty=found))

    def _parameters(self, rows: Sequence[DifferenceRow], progress: Progress) -> dict[str, Limits]:
        """The parameter interval of each difference, by the arm."""
        arms = tuple(replace(one, patients=PATIENTS, replications=1) for one in self.requests.values())
        request = PsaRequest(arms, self.draws, Design.FRESH, None, (rows[0].outcome,), "")
        numbers = {
            (one.arm, one.part, one.measure, one.time_days): Limits(one.low, one.high)
            for one in analyse(request, progress=progress).estimates
            if one.reference
        }
        return {row.arm: numbers[row.arm, row.part, row.measure, row.time_days] for row in rows}

    def _alternatives(self, outcome: str, progress: Progress) -> Iterator[list[Alternative]]:
        """The difference of each arm under each file of the folder, with the file's label."""
        for number, file in enumerate(self.files):
            sources = [
                request_source(name, replace(one, settings=(*one.settings, str(file))))
                for name, one in self.requests.items()
            ]
            first, part = next(iter(self.requests.values())), progress.part(number, len(self.files))
            done = run_comparison(sources, at=first.at, workers=first.workers, progress=part)
            label = yaml.safe_load(file.read_text("utf-8")).get("label", file.stem.replace("_", " "))
            yield [
                Alternative(label, row.difference, row.low, row.high)
                for row in _headlines(done.results, [outcome])
            ]


def _headlines(results: Results, outcomes: Sequence[str]) -> list[DifferenceRow]:
    """The headline difference in each arm, of the first of these outcomes for which all arms have one.

    Raises: InputError where none has.
    """
    for facts in filter(None, map(results.reference.outcome, outcomes)):
        measure, part, time = facts.description.headline
        rows = [
            results.differences.find(facts.name, measure, arm=arm.name, part=part, time_days=time)
            for arm in results.arms[1:]
        ]
        known = [row for row in rows if row is not None and row.is_known]
        if len(known) == len(rows):
            return known
    fact = f"outcome: {' and '.join(outcomes)} has no difference between all arms at one time"
    raise InputError(fact, "name an outcome that all arms have, and with --at a time that all reach")


def _request(source: ArmSource, request: RunRequest) -> RunRequest:
    if isinstance(source.origin, RunRequest) and source.origin.scenario is None:
        return replace(source.origin, at=request.at, workers=request.workers)
    fact = f"{source.name}: parameters and structure can be changed only in a scenario's file"
    raise InputError(fact, "name scenario files, or leave out draws and structure")
