"""Checks of a scenario against what must hold of any model, in the order of the list TECH-VER.

Büyükkaramikli et al., PharmacoEconomics 2019, doi:10.1007/s40273-019-00844-y. A check changes the scenario so
that the change of the results is known beforehand, simulates the same patients and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property
from math import inf, isfinite, nan

import numpy as np

from sim.economics.valuation import Valuation
from sim.engine.run import Result, simulate
from sim.errors import InputError, ScenarioError
from sim.event_log.log import ASKS, ENTERS, EventLog, Floats
from sim.files import for_json
from sim.outcomes.comparison.paired import compare
from sim.outcomes.comparison.patient_changes import diverge
from sim.outcomes.evaluation import Arm
from sim.outcomes.history.history import History
from sim.outcomes.history.state_occupancy import state_occupancy
from sim.outcomes.results import Results
from sim.pathway.tables import compile_pathway
from sim.runs.run import QUIET, Progress, RunRequest
from sim.scenario.language.model import Scenario, events_of
from sim.uncertainty.psa import model_of
from sim.uncertainty.study import SensitivityRequest
from sim.verification import extremes, variants

TIMES = 200
"""Times at which occupancy is read."""
TOLERANCE = 1e-9
"""Of sums of shares; everything else is compared exactly."""
MOST_AT_EXTREMES = 500
"""Patients of the cohort that is simulated at the extremes of every parameter."""
RAISED = 2.0
"""The hazard ratio of the check of one event after the other."""


class Verdict(StrEnum):
    """What a check found."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NO_POWER = "no power"
    EXPLAINED = "explained"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """A check: what was compared, the value, its reference, and the verdict.

    note: what fails, or why the check does not apply. value and reference: nan where it does not.
    """

    check: str
    compared: str
    value: float
    reference: float
    verdict: Verdict
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of a scenario."""

    title: str
    patients: int
    seed: int
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that fail."""
        return tuple(one for one in self.checks if one.verdict is Verdict.FAIL)

    def as_json(self) -> dict[str, object]:
        """The checks as lists of names and values; no number is None."""
        found: dict[str, object] = for_json(asdict(self))
        return found


def verify(request: RunRequest, *, progress: Progress = QUIET) -> Verification:
    """Carry out all checks of a scenario.

    Raises: ScenarioError and InputError where the input is wrong, RunError where the run itself fails.
    """
    progress.step("load")
    case = _Case(request, request.load())
    progress.step("engine")
    found: list[Check] = []
    for number, check in enumerate(CHECKS):
        found += check(case)
        progress.share((number + 1) / len(CHECKS))
    return Verification(case.scenario.title, case.base.log.n_patients, request.seed, tuple(found))


@dataclass
class _Case:
    """The scenario of a request, its cohort, and the same where nobody waits for another."""

    request: RunRequest
    scenario: Scenario

    def simulated(self, scenario: Scenario, *, engine: str = "auto", workers: int | None = None) -> Result:
        """The cohort of a changed scenario, with the random numbers of all others."""
        return simulate(
            compile_pathway(scenario),
            seed=self.request.seed,
            replications=self.request.replications,
            engine=engine,
            workers=self.request.workers if workers is None else workers,
        )

    @cached_property
    def base(self) -> Result:
        return self.simulated(self.scenario)

    @cached_property
    def history(self) -> History:
        return History(self.base.log, self.base.use, self.scenario)

    @cached_property
    def alone(self) -> Scenario:
        """The scenario without limits: a patient's path is that patient's own."""
        return variants.unlimited(self.scenario) if self.scenario.shared else self.scenario

    @cached_property
    def base_alone(self) -> Result:
        return self.simulated(self.alone) if self.scenario.shared else self.base

    def valued(self, scenario: Scenario) -> Valuation:
        """The cohort at other prices and utilities."""
        return Valuation(History(self.base.log, self.base.use, scenario))


def _exactly(check: str, compared: str, value: float, reference: float = 0.0, note: str = "") -> Check:
    verdict = Verdict.PASS if value == reference else Verdict.FAIL
    return Check(check, compared, value, reference, verdict, note if verdict is Verdict.FAIL else "")


def _not_applicable(check: str, why: str) -> Check:
    return Check(check, "", nan, nan, Verdict.NOT_APPLICABLE, why)


# ---------------------------------------------------------------- event states


def _states(case: _Case) -> Iterator[Check]:
    """Occupancy of the stages, and what happens after the end."""
    log = case.base.log
    last = float(log.follow_up.max(initial=0.0))
    occupancy = state_occupancy(
        case.history, np.arange(log.n_patients), np.linspace(0.0, last, TIMES), of="stage"
    )
    total = occupancy.share.sum(axis=0)[occupancy.observed > 0]
    off = float(np.abs(total - 1.0).max(initial=0.0))
    verdict = Verdict.PASS if off <= TOLERANCE else Verdict.FAIL
    compared = f"shares of patients in all stages at {TIMES} times: largest deviation of their sum from 1"
    yield Check("occupancy sums to one", compared, off, 0.0, verdict)
    terminal = [stage.name for stage in case.scenario.stages if stage.terminal]
    codes = [log.names.stages.index(name) for name in terminal]
    ending = np.isin(log.stage_to, codes) & (log.does == ENTERS)
    is_last = np.append(np.diff(log.patient_of_row()) > 0, True)
    after = int((ending & ~is_last).sum())
    yield _exactly("deaths never fall", "events after a terminal stage was entered", after)
    falls = np.diff(log.time) < 0
    falls[log.row_of[1:-1] - 1] = False
    beyond = log.time > log.follow_up[log.patient_of_row()]
    yield _exactly(
        "times are in order",
        "events before the one that precedes them, or after the end of follow-up",
        int(falls.sum() + beyond.sum()),
    )


def _ratio_of_one(case: _Case) -> Iterator[Check]:
    other = case.simulated(variants.with_hazard_ratio(case.scenario, 1.0))
    differing = int(diverge(case.base.log, other.log).diverges.sum())
    compared = "patients with another path when every event has a hazard ratio of 1"
    yield _exactly("a hazard ratio of 1 changes nothing", compared, differing)


def _higher_hazard(case: _Case) -> Iterator[Check]:
    """Each event alone: up to the first difference nothing else changed, so the event came earlier.

    A categorical time is drawn in the order written, not in that of time, so that a ratio may delay it.
    """
    base, late, paths, events = case.base_alone.log, [], 0, 0
    for name, event in events_of(case.alone):
        if variants.has_categorical_time(event):
            continue
        try:
            other = case.simulated(variants.with_hazard_ratio(case.alone, RAISED, name)).log
        except ScenarioError:
            continue
        events += 1
        found = diverge(base, other)
        patients = np.flatnonzero(found.diverges)
        paths += len(patients)
        step = found.sequence[patients]
        before, after = base.row_of[patients] + step, other.row_of[patients] + step
        is_there = after < other.row_of[patients + 1]
        there = np.append(other.time, inf)[np.where(is_there, after, len(other.time))]
        here = np.append(base.time, inf)[np.where(before < base.row_of[patients + 1], before, len(base.time))]
        if (n := int((~is_there | (there > here)).sum())) > 0:
            late.append(f"{name} ({n} patients)")
    check = "a higher hazard never delays its event"
    if not paths:
        yield _not_applicable(check, "no path differs with a doubled hazard")
        return
    compared = (
        f"{events} events, each with a hazard ratio of {RAISED:g}, {paths:,} other paths: events that a "
        "patient has later"
    )
    yield _exactly(check, compared, len(late), note=", ".join(late))


def _chances(case: _Case) -> Iterator[Check]:
    """A chance of 0 and of 1, of each event that occurs, alone; clocks have none."""
    base = case.base_alone.log
    names = [
        name for name, _ in events_of(case.alone) if not name.startswith("clock.") and occurs(base, name)
    ]
    if not names:
        for check in ("chance 0", "chance 1"):
            yield _not_applicable(check, "no event of a stage occurs")
        return
    certain = [name for name, event in events_of(case.alone) if name in names and event.chance is None]
    without = {name: case.simulated(variants.with_chance(case.alone, name, 0.0)).log for name in names}
    occur = [name for name, log in without.items() if occurs(log, name)]
    sure = {name: case.simulated(variants.with_chance(case.alone, name, 1.0)).log for name in certain}
    changed = [name for name, log in sure.items() if diverge(base, log).diverges.any()]
    compared = f"{len(names)} events, each with a chance of 0: events that occur"
    yield _exactly("chance 0", compared, len(occur), note=", ".join(occur))
    compared = f"{len(certain)} events, each with a chance of 1: events that change a path"
    yield _exactly("chance 1", compared, len(changed), note=", ".join(changed))


def occurs(log: EventLog, event: str) -> bool:
    """Whether an event, by its name in the log, occurs to anybody."""
    return bool((log.event == log.names.events.index(event)).any())


def _shorter_follow_up(case: _Case) -> Iterator[Check]:
    base = case.base_alone.log
    half = 0.5 * float(base.follow_up.max(initial=0.0))
    patients = replace(case.alone.patients, follow_up=half)
    other = case.simulated(replace(case.alone, patients=patients)).log
    found = diverge(base, other)
    patients_of = np.flatnonzero(found.diverges)
    row = base.row_of[patients_of] + found.sequence[patients_of]
    is_there = row < base.row_of[patients_of + 1]
    early = ~is_there | (np.append(base.time, inf)[np.where(is_there, row, len(base.time))] <= half)
    compared = "patients with another path before the end of a follow-up of half the time"
    yield _exactly("the future does not act on the past", compared, int(early.sum()))


# ---------------------------------------------------------------- patients, resources, processors


def _one_patient(case: _Case) -> Iterator[Check]:
    check = "one patient"
    patients = case.scenario.patients
    if patients.table is not None or patients.arrivals.kind != "together":
        yield _not_applicable(
            check, "the number of patients does not stand alone: they arrive, or have a table"
        )
        return
    if patients.number == 1:
        yield _not_applicable(check, "the cohort is one patient")
        return
    alone = case.simulated(replace(case.alone, patients=replace(patients, number=1))).log
    base = case.base_alone.log
    n, n_changes = len(alone.time), len(alone.change_what)
    columns = {"time": n, "event": n, "rule": n, "stage_to": n, "does": n}
    columns |= {"change_what": n_changes, "change_value": n_changes}
    is_same = n == base.row_of[1] and all(
        getattr(alone, name).tobytes() == getattr(base, name)[:size].tobytes()
        for name, size in columns.items()
    )
    yield _exactly(check, "patients with another path when simulated alone", int(not is_same))


def _capacity(case: _Case) -> Iterator[Check]:
    check = "unlimited capacity"
    if not case.scenario.shared:
        yield _not_applicable(check, "patients share no limited resource")
        return
    if not case.base.use.queue.any():
        yield _not_applicable(check, "nobody waits in the scenario itself")
        return
    waits = int((case.base_alone.log.does == ASKS).sum())
    yield _exactly(check, "waits when every resource is unlimited and always open", waits)


def _same_bytes(case: _Case) -> Iterator[Check]:
    """The number of workers, and the two engines where nothing is shared."""
    one = case.simulated(case.scenario, workers=1)
    counts = (2, 3)
    different = sum(not identical(one, case.simulated(case.scenario, workers=n)) for n in counts)
    compared = f"{len(counts)} other numbers of workers: event logs that differ from that of one"
    yield _exactly("the number of workers changes no byte", compared, different)
    other = case.simulated(case.alone, engine="shared")
    compared = "event logs of the compiled and the SimPy engine that differ, without limits"
    yield _exactly("two engines give the same bytes", compared, int(not identical(case.base_alone, other)))


def identical(one: Result, other: Result) -> bool:
    """Whether two runs are the same byte by byte."""
    pairs = zip(_arrays(one), _arrays(other), strict=True)
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


def _arrays(result: Result) -> Iterator[np.ndarray]:
    for part in (result.log, result.use):
        yield from (getattr(part, name) for name in part.__slots__ if name != "names")


def _mirrored(case: _Case) -> Iterator[Check]:
    """A against B and B against A; B has doubled hazards."""
    check = "mirrored arms"
    raised = variants.with_hazard_ratio(case.scenario, RAISED)
    results = (case.base, case.simulated(raised))
    if not case.scenario.outcomes:
        yield _not_applicable(check, "the scenario has no outcomes")
        return
    arms = [
        Arm(name, scenario, one.log, one.use, case.request.seed, case.request.replications)
        for name, scenario, one in zip("AB", (case.scenario, raised), results, strict=True)
    ]
    there, back = (_differences(compare(pair, at=case.request.at)) for pair in (arms, arms[::-1]))
    if not any(isfinite(one) and one for one in there.values()):
        yield _not_applicable(check, "the arms do not differ")
        return
    sums = [there[key] + back[key] for key in there.keys() & back.keys()]
    off = max((abs(one) for one in sums if isfinite(one)), default=0.0)
    compared = f"{len(sums)} differences of two arms: largest sum with those of the arms exchanged"
    yield _exactly(check, compared, off)


def _differences(results: Results) -> dict[tuple[str, ...], float]:
    """The differences of numbers that each arm has; a hazard ratio, say, is of both."""
    own = {(row.outcome, row.measure) for row in results.estimates}
    return {
        (row.outcome, row.measure, row.group, row.part, str(row.time_days)): row.difference
        for row in results.differences
        if (row.outcome, row.measure) in own
    }


# ---------------------------------------------------------------- results


def _economics(case: _Case) -> Iterator[Check]:
    """Prices and utilities on the same cohort."""
    if case.scenario.economics is None:
        for name in ("costs", "utilities", "discounting"):
            yield _not_applicable(name, "the scenario has no `economics`")
        return
    scenario = case.scenario
    base = case.valued(scenario)
    if not base.total_cost.discounted.any():
        yield _not_applicable("costs", "nobody has a cost")
    else:
        yield from _costs(case, base)
    yield from _utilities(case, base)


def _costs(case: _Case, base: Valuation) -> Iterator[Check]:
    scenario = case.scenario
    none, twice = (case.valued(variants.with_prices_times(scenario, factor)) for factor in (0.0, 2.0))
    yield _exactly("costs of zero", "largest cost of a patient", _largest(none.total_cost.discounted))
    off = _largest(twice.total_cost.discounted - 2.0 * base.total_cost.discounted)
    yield _exactly("costs doubled", "largest deviation of a patient's cost from twice the cost", off)


def _utilities(case: _Case, base: Valuation) -> Iterator[Check]:
    scenario = case.scenario
    zero, unit = (case.valued(variants.with_utility(scenario, utility)) for utility in (0.0, 1.0))
    if base.qaly.discounted.any():
        yield _exactly("utilities of zero", "largest QALYs of a patient", _largest(zero.qaly.discounted))
    else:
        yield _not_applicable("utilities of zero", "nobody has QALYs")
    off = _largest(unit.qaly.undiscounted - unit.life_years.undiscounted)
    compared = "largest deviation of a patient's QALYs from the life-years, undiscounted"
    yield _exactly("utilities of one", compared, off)
    plain = case.valued(variants.without_discounting(scenario))
    off = max(
        _largest(one.discounted - one.undiscounted)
        for one in (plain.total_cost, plain.qaly, plain.life_years)
    )
    compared = "largest deviation of discounted from undiscounted costs, QALYs and life-years"
    yield _exactly("no discounting", compared, off)
    if base.life_years.discounted.tobytes() == base.life_years.undiscounted.tobytes():
        yield _not_applicable("discounting", "the rate of discount of QALYs is 0")
        return
    more = int((base.life_years.discounted > base.life_years.undiscounted).sum())
    yield _exactly("discounting", "patients with more discounted than undiscounted life-years", more)


def _largest(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0))


# ---------------------------------------------------------------- uncertainty


def _extremes(case: _Case) -> Iterator[Check]:
    """Each number of each parameter at both extremes, all others at their values."""
    check, patients = "extreme values of parameters", case.scenario.patients
    request = case.request
    if patients.number is not None and patients.number > MOST_AT_EXTREMES:
        request = replace(request, scenario=None, patients=MOST_AT_EXTREMES)
    try:
        model, _ = model_of(SensitivityRequest((request,)))
    except InputError as error:
        yield _not_applicable(check, error.fact)
        return
    n, broken = extremes.broken(model)
    compared = f"{n} runs, each with a number at its 0.1% or 99.9% quantile: runs that go wrong"
    yield _exactly(check, compared, len(broken), note="; ".join(broken[:3]))


CHECKS: Sequence[Callable[[_Case], Iterator[Check]]] = (
    _states,
    _ratio_of_one,
    _higher_hazard,
    _chances,
    _shorter_follow_up,
    _one_patient,
    _capacity,
    _same_bytes,
    _mirrored,
    _economics,
    _extremes,
)
