"""The program against theory and published models: every case simulated beside its reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

from sim.calibration.targets import TargetFile, read_targets
from sim.engine.processes import Cluster, Workers, in_parts
from sim.engine.run import simulate
from sim.files import for_json
from sim.outcomes.estimates import EstimateRow
from sim.outcomes.results import NORMAL_975, Results
from sim.outcomes.summary import DEFAULT_TIMES
from sim.pathway.tables import compile_pathway
from sim.runs.run import QUIET, Progress, RunRequest, run_scenario
from sim.verification.battery import Verdict, identical
from sim.verification.power import EXACT, detected, errors_that_agree, judged
from sim.verification.published import compare_with_published, standard_error
from sim.verification.theory import economics, pathways, queues, times
from sim.verification.theory.case import Case, Known

FEW = 200
"""Patients of each case that both engines simulate."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A simulated value beside its reference.

    part: of the suite. quantity: of the case. error: the standard error of the simulated value; nan where
    unknown, 0 where there is no random error. tolerance: the largest difference that agrees. relevant: the
    smallest difference that must be detected. source: the formula, or who published the reference. note: why
    no agreement is expected.
    """

    part: str
    case: str
    quantity: str
    reference: float
    simulated: float
    error: float
    tolerance: float
    relevant: float
    source: str
    note: str = ""

    @property
    def half_width(self) -> float:
        """Of the 95% interval of the simulated value."""
        return NORMAL_975 * self.error

    @property
    def detected(self) -> float:
        """The smallest difference that is found with a probability of 90%."""
        return detected(self.tolerance, self.error)

    @property
    def verdict(self) -> Verdict:
        """Whether the values agree; explained where they do not and the note says why."""
        difference = self.simulated - self.reference
        return judged(difference, self.tolerance, self.error, self.relevant, reason=self.note)

    def as_json(self) -> dict[str, object]:
        """The comparison as names and values."""
        low, high = self.simulated - self.half_width, self.simulated + self.half_width
        further = {"low": low, "high": high, "detected": self.detected, "verdict": self.verdict}
        found: dict[str, object] = for_json(asdict(self) | further)
        return found


@dataclass(frozen=True, slots=True)
class Suite:
    """All comparisons."""

    seed: int
    comparisons: tuple[Comparison, ...]

    def of(self, *verdicts: Verdict) -> tuple[Comparison, ...]:
        """The comparisons with one of these verdicts."""
        return tuple(one for one in self.comparisons if one.verdict in verdicts)

    @property
    def failed(self) -> tuple[Comparison, ...]:
        """The comparisons that fail; one without power shows neither."""
        return self.of(Verdict.FAIL)

    @property
    def counts(self) -> Counter[Verdict]:
        """How many comparisons have each verdict."""
        return Counter(one.verdict for one in self.comparisons)

    def as_json(self) -> dict[str, object]:
        """The comparisons as lists of names and values; no number is None."""
        return {"seed": self.seed, "comparisons": [one.as_json() for one in self.comparisons]}


PARTS: Mapping[str, Callable[[], Iterator[Case]]] = {
    "times to one event": times.cases,
    "pathways": pathways.cases,
    "costs and QALYs": economics.cases,
    "queues": queues.cases,
}
"""Models of which results are known exactly."""
ENGINES, PUBLISHED = "engines", "published models"


def verify_program(
    published: Sequence[Path] = (), *, seed: int = 1, workers: Workers = None, progress: Progress = QUIET
) -> Suite:
    """Simulate every case of theory and every published model, and compare.

    published: files of published results. A process takes a case at a time, a cluster the patients of one.
    Raises: ScenarioError where a file is wrong; RunError.
    """
    progress.step("load")
    cases = [(part, case) for part, made in PARTS.items() for case in made()]
    longest_first: list[tuple[str, Case | Path]] = [*((PUBLISHED, path) for path in published), *cases]
    progress.step("engine")
    found: list[tuple[Comparison, ...]] = []

    def take(done: tuple[Comparison, ...]) -> None:
        found.append(done)
        progress.share(len(found) / len(longest_first))

    inner, outer = (workers, 1) if isinstance(workers, Cluster) else (1, workers)
    in_parts(compare_part, (seed, inner), longest_first, workers=outer, take=take)
    engines = engines_agree([case for _, case in cases], seed=seed)
    n = len(published)
    return Suite(seed, (*chain.from_iterable(found[n:]), engines, *chain.from_iterable(found[:n])))


def compare_part(options: tuple[int, Workers], part: tuple[str, Case | Path]) -> tuple[Comparison, ...]:
    """The comparisons of a case, or of a file of published results. options: seed and workers."""
    (seed, workers), (name, what) = options, part
    if isinstance(what, Case):
        return tuple(compared(name, what, seed=seed, workers=workers))
    (file,) = read_targets([what])
    return tuple(compared_with_published(file, seed=seed, workers=workers))


def compared(part: str, case: Case, *, seed: int = 1, workers: Workers = None) -> Iterator[Comparison]:
    """A case simulated, each exact result beside the simulated one."""
    for known, value, error in measured(case, seed=seed, workers=workers):
        tolerance = errors_that_agree(case.replications) * error or EXACT * abs(known.value)
        yield Comparison(
            part, case.name, known.what, known.value, value, error, tolerance, known.relevant, case.formula
        )


def measured(case: Case, *, seed: int = 1, workers: Workers = None) -> Iterator[tuple[Known, float, float]]:
    """Each exact result of a case with its estimate and the standard error of that."""
    scenario = case.scenario()
    at = tuple(sorted({one.time for one in case.known if one.time is not None})) or DEFAULT_TIMES
    request = RunRequest(
        Path(scenario.file),
        seed=seed,
        replications=case.replications,
        workers=workers,
        at=at,
        scenario=scenario,
    )
    results = run_scenario(request).results
    for known in case.known:
        row = _row(known, results)
        yield known, row.estimate, standard_error(row)


def _row(known: Known, results: Results) -> EstimateRow:
    """The row of an exact result. Raises: LookupError where the results have none."""
    measure, time = known.measure, known.time
    if not measure:
        headline = results.headline(known.outcome, group=known.group)
        assert headline is not None, known
        measure = headline.measure
    row = results.estimates.find(known.outcome, measure, group=known.group, part=known.part, time_days=time)
    if row is None:
        raise LookupError(f"{known.what}: no {measure} of {known.outcome}")
    return row


def compared_with_published(
    file: TargetFile, *, seed: int = 1, workers: Workers = None
) -> Iterator[Comparison]:
    """The published results of a file, each beside the simulated one."""
    citations = {figure: target.citation for target in file.targets for figure in target.figures}
    for one in compare_with_published(file, seed=seed, workers=workers):
        figure, case = one.figure, f"{file.title}, {one.figure.target}"
        yield Comparison(
            PUBLISHED,
            case,
            figure.name,
            figure.published,
            one.simulated,
            one.error,
            one.tolerance,
            one.relevant,
            citations[figure],
            figure.miss,
        )


def engines_agree(cases: Sequence[Case], *, seed: int = 1) -> Comparison:
    """The event logs of both engines for every case in which patients share nothing."""
    different, n = 0, 0
    for case in cases:
        scenario = case.scenario()
        if scenario.shared or scenario.patients.number is None:
            continue
        patients = replace(scenario.patients, number=min(FEW, scenario.patients.number))
        pathway = compile_pathway(replace(scenario, patients=patients))
        logs = [simulate(pathway, seed=seed, workers=1, engine=one) for one in ("independent", "shared")]
        different, n = different + (not identical(*logs)), n + 1
    quantity = f"event logs of {n} cases that differ in a byte"
    source = "the compiled engine is checked against the SimPy engine"
    return Comparison(ENGINES, "two engines", quantity, 0.0, float(different), 0.0, 0.0, 1.0, source)
