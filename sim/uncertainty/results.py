"""What an analysis of parameters says: both intervals of each number, decision, value of information."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import ceil, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.economics.endpoints import thresholds
from sim.errors import InputError
from sim.event_log.log import Floats
from sim.files import for_json, json_text
from sim.outcomes.results import NORMAL_975
from sim.runs.run import QUIET, Progress
from sim.uncertainty.assumed_spread import gaps
from sim.uncertainty.benefit import FEWEST_DRAWS, Benefit, net_benefit
from sim.uncertainty.budget import Costs, cheapest_split
from sim.uncertainty.decision import DecisionRow, decide
from sim.uncertainty.model import Measure, Model
from sim.uncertainty.psa import Design, Done, Psa, PsaRequest, model_of, run_psa
from sim.uncertainty.regression import DrawRegression
from sim.uncertainty.value_of_information import InformationRow, value_of_information
from sim.uncertainty.variance import VarianceComponents, crossed, nested

if TYPE_CHECKING:
    from sim.runs.sequential_stopping import Target


class PsaRow(NamedTuple):
    """One number of an arm, or the difference from the reference, under uncertain parameters.

    reference: "" for the number of the arm itself. base: at the base values of the parameters. mean: over
    draws. parameter_sd, low, high: of the parameter uncertainty alone. patient_sd, interaction_sd: standard
    deviations between patients, nan where they are not known apart. standard_error: of `mean`, from the
    finite numbers of draws and of patients; simulation_error: the part of the patients.
    """

    outcome: str
    arm: str
    reference: str
    part: str
    measure: str
    time_days: float
    unit: str
    base: float
    mean: float
    parameter_sd: float
    low: float
    high: float
    patient_sd: float
    interaction_sd: float
    standard_error: float
    simulation_error: float
    note: str = ""


class HalfError(NamedTuple):
    """The numbers of draws and of patients in each that halve a standard error in the least time.

    outcome: what the analysis is about. standard_error: the expected one.
    """

    outcome: str
    draws: int
    patients: int
    standard_error: float


SHARED = (
    "Patients share resources: the intervals of the parameters are not known, because one replication a draw "
    "does not separate simulation noise from parameters."
)
SHARED_SAME = (
    "Patients share resources: with the same patients in all draws no error is known; use design fresh"
)
"""Notes where patients depend on each other."""


@dataclass(frozen=True)
class PsaResults:
    """The results of an analysis."""

    psa: Psa

    def largest_error(self, target: Target) -> float:
        """The largest standard error of the mean that a target is about: of differences, else of the arm."""
        psa = self.psa
        k = next(k for k, measure in enumerate(psa.model.asked) if _is_meant(measure, target))
        arms = range(1, len(psa.model.arms)) or (0,)
        return max(self.components(arm, k, difference=arm > 0)[0].standard_error for arm in arms)

    @cached_property
    def estimates(self) -> tuple[PsaRow, ...]:
        """A row for each arm and measure, then for each difference from the first arm."""
        rows = []
        for difference in (False, True):
            for arm in range(1 if difference else 0, len(self.psa.model.arms)):
                rows += [self._row(arm, k, difference) for k in range(len(self.psa.model.asked))]
        return tuple(rows)

    def _row(self, arm: int, k: int, difference: bool) -> PsaRow:
        psa, measure = self.psa, self.psa.model.measures[k]
        base = psa.base[arm, k] - (psa.base[0, k] if difference else 0.0)
        found, note = self.components(arm, k, difference=difference)
        names = [one.name for one in psa.model.arms]
        return PsaRow(
            measure.outcome,
            names[arm],
            names[0] if difference else "",
            measure.part,
            measure.measure,
            measure.time,
            measure.unit,
            float(base),
            found.mean,
            found.parameter.sd,
            found.low,
            found.high,
            found.patient.sd,
            nan if found.interaction is None else found.interaction.sd,
            found.standard_error,
            found.simulation_error,
            note,
        )

    def components(self, arm: int, k: int, *, difference: bool) -> tuple[VarianceComponents, str]:
        """The variance components of a measure of an arm, or of its difference, and a note."""
        psa = self.psa
        is_shared = any(one.scenario.shared for one in psa.model.arms)
        if psa.sums:
            row = len(psa.model.arms) - 1 + arm if difference else arm
            return crossed([block[row][k] for block in psa.sums]), SHARED_SAME if is_shared else ""
        estimates, noise = psa.estimates[:, arm, k], psa.noise[:, k, arm, arm]
        if difference:
            estimates = estimates - psa.estimates[:, 0, k]
            noise = noise + psa.noise[:, k, 0, 0] - 2.0 * psa.noise[:, k, 0, arm]
        known = np.isfinite(estimates)
        left_out = int((~known).sum())
        name = psa.model.measures[k].outcome.replace("_", " ")
        note = f"{name} is unknown in {left_out} draws, which are left out" if left_out else ""
        if known.sum() < 2:
            return nested(np.array([nan, nan]), np.array([nan, nan]), n_patients=psa.model.n_patients), note
        if not np.isfinite(noise[known]).all():
            unknown = np.full(int(known.sum()), nan)
            found = nested(estimates[known], unknown, n_patients=psa.model.n_patients)
            return found, SHARED if is_shared else note
        return nested(estimates[known], np.maximum(noise[known], 0.0), n_patients=psa.model.n_patients), note

    @cached_property
    def half_error(self) -> HalfError | None:
        """How to halve the standard error of what the analysis is about; None where it is 0 or not known.

        Of the mean difference in net benefit, in QALYs where there is no decision, without prices in the
        decided outcome at the last time; the largest error of several arms. One arm: of the arm.
        """
        model, k = self.psa.model, self._main_measure
        if k is None or any(arm.scenario.shared for arm in model.arms):
            return None
        arms = range(1, len(model.arms)) or (0,)
        if self.by_money and self.benefits:
            outcome, found = "net benefit", [self._benefit_components(arm) for arm in arms]
        else:
            outcome = model.measures[k].outcome
            found = [self.components(arm, k, difference=arm > 0)[0] for arm in arms]
        least_exact = max(found, key=lambda one: one.standard_error)
        if not least_exact.standard_error > 0.0:
            return None
        split = cheapest_split(least_exact, least_exact.standard_error / 2.0, costs=COSTS)
        return HalfError(outcome, split.n_draws, split.n_patients, split.error)

    @property
    def _main_measure(self) -> int | None:
        if self.by_money:
            return self.psa.model.cost_and_qaly[1]
        return self.decided_measures[-1][0] if self.decided_measures else None

    def _benefit_components(self, arm: int) -> VarianceComponents:
        """The variance components of the difference of an arm's main benefit from that of the first arm."""
        benefit = self.benefits[self.main_benefit]
        noise = benefit.noise[:, 0, 0] + benefit.noise[:, arm, arm] - 2.0 * benefit.noise[:, 0, arm]
        difference = benefit.values[:, arm] - benefit.values[:, 0]
        return nested(difference, np.maximum(noise, 0.0), n_patients=benefit.patients)

    # ------------------------------------------------------------ decisions

    @cached_property
    def benefits(self) -> tuple[Benefit, ...]:
        """What is to be maximised: net benefit at each threshold, else the decided outcome at each time.

        Empty where there is one arm alone, or no outcome to decide by, or where it is unknown in a draw, or
        where all draws have the same patients: the error that these share moves every draw alike, and no
        draw shows it.
        """
        psa = self.psa
        if len(psa.model.arms) < 2 or psa.request.draws < FEWEST_DRAWS or psa.request.design is Design.SAME:
            return ()
        names = tuple(one.name for one in psa.model.arms)
        economics = psa.model.arms[0].scenario.economics
        if self.by_money and economics is not None:
            cost, qaly = psa.model.cost_and_qaly
            given = economics.threshold or DEFAULT_THRESHOLD
            return tuple(
                net_benefit(
                    names,
                    cost=psa.estimates[:, :, cost],
                    qaly=psa.estimates[:, :, qaly],
                    covariance=np.nan_to_num(psa.economic),
                    threshold=threshold,
                    patients=psa.model.n_patients,
                )
                for threshold in thresholds(given).values()
            )
        if self._undecided:
            return ()
        return tuple(
            Benefit(names, psa.estimates[:, :, k], np.nan_to_num(psa.noise[:, k]), psa.model.n_patients)
            for k, _ in self.decided_measures
        )

    @cached_property
    def _undecided(self) -> int:
        """The number of draws in which the outcome to decide by is unknown in some arm."""
        values = self.psa.estimates[:, :, [] if self.by_money else [k for k, _ in self.decided_measures]]
        return int((~np.isfinite(values)).any(axis=(1, 2)).sum())

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know of the analysis: parameters that are fixed, and of the decision."""
        model, notes = self.psa.model, []
        fixed = {one.name for arm in model.arms for one in gaps(arm.scenario.parameters)}
        fixed -= {one.name for arm in model.arms for one in arm.parameters}
        if fixed:
            several = f"{len(fixed)} assumed parameters have no uncertainty and stay fixed"
            one = "1 assumed parameter has no uncertainty and stays fixed"
            varies = "varies them" if len(fixed) > 1 else "varies it"
            notes.append(f"{several if len(fixed) > 1 else one}; --assume-spread 20% {varies}.")
        if len(model.arms) > 1 and self.psa.request.design is Design.SAME:
            notes.append("A decision needs fresh patients in each draw; --design fresh has them.")
        elif len(model.arms) > 1 and self.psa.request.draws < FEWEST_DRAWS:
            notes.append(f"A decision needs at least {FEWEST_DRAWS} draws.")
        elif len(model.arms) > 1 and self._undecided:
            name = self.decided_measures[0][1].outcome.replace("_", " ")
            notes.append(f"A decision needs {name} in every draw; in {self._undecided} it is unknown.")
        elif len(model.arms) > 1 and any(arm.scenario.shared for arm in model.arms):
            notes.append("Patients share resources: the decision still holds the noise of the simulation.")
        return tuple(notes)

    @property
    def by_money(self) -> bool:
        """Whether the decision is about net benefit."""
        psa = self.psa
        return (
            not psa.request.decided
            and psa.model.is_valued
            and psa.model.arms[0].scenario.economics is not None
        )

    @property
    def main_benefit(self) -> int:
        """The position of the benefit at the scenario's threshold, else of the last time."""
        return len(self.benefits) // 2 if self.by_money else len(self.benefits) - 1

    @cached_property
    def decided_measures(self) -> tuple[tuple[int, Measure], ...]:
        """The measures of the outcome that is to be maximised, with their positions.

        Raises: InputError where an outcome with this name has no measure to decide by.
        """
        measures = list(enumerate(self.psa.model.asked))
        name = self.psa.request.decided or next(
            (m.outcome for _, m in measures if m.measure == "survival"), ""
        )
        found = [(k, m) for k, m in measures if m.outcome == name and m.part == "" and m.measure in DECIDING]
        if self.psa.request.decided and not found:
            raise InputError(f"decide: {name} has no survival, share or mean", "name another outcome")
        headline = [(k, m) for k, m in found if m.measure == found[0][1].measure]
        return tuple(headline)

    @cached_property
    def regression(self) -> DrawRegression:
        """The regression on all parameters."""
        return DrawRegression.on(self.psa.values)

    @cached_property
    def decision(self) -> tuple[DecisionRow, ...]:
        """Probability of being best, expected loss and frontier: a row for each benefit and arm."""
        return tuple(row for one in self.benefits for row in decide(one, self.regression).rows)

    def shares_of_draws(self, number: int) -> Floats:
        """The share of draws in which each arm has the largest benefit, noise of the simulation included."""
        benefit = self.benefits[number]
        largest = np.max(benefit.values, axis=1, keepdims=True)
        best = benefit.values >= largest - benefit.tie
        found: Floats = np.mean(best / np.sum(best, axis=1, keepdims=True), axis=0)
        return found

    @cached_property
    def value_of_information(self) -> tuple[InformationRow, ...]:
        """EVPI, and EVPPI of each parameter, of each benefit."""
        if not self.benefits:
            return ()
        return tuple(
            value_of_information(list(self.benefits), parameters=self.psa.values, groups=self.groups)
        )

    @cached_property
    def groups(self) -> Mapping[str, tuple[int, ...]]:
        """The columns of each parameter; those of a vector belong together."""
        found: dict[str, tuple[int, ...]] = {}
        for i, (name, _) in enumerate(self.psa.columns):
            found[name] = (*found.get(name, ()), i)
        return found

    def as_json(self) -> dict[str, Any]:
        """The results ready for JSON."""
        psa = self.psa
        return {
            "analysis": "psa",
            "arms": [{"name": one.name, "label": one.label} for one in psa.model.arms],
            "draws": psa.request.draws,
            "patients": psa.model.n_patients,
            "design": str(psa.request.design),
            "seed": psa.request.seed,
            "estimates": records(self.estimates),
            "decision": records(self.decision),
            "value_of_information": records(self.value_of_information),
            "half_error": None if self.half_error is None else records([self.half_error])[0],
        }


DEFAULT_THRESHOLD = 30_000.0
COSTS = Costs(draw=500.0, patient=1.0)
"""Times of a patient; 520 for R8, 670 for the clinical scenario. Fixed: an analysis gives the same bytes."""
DECIDING = ("survival", "share", "mean", "discounted")


def records(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows ready for JSON: None for what does not exist."""
    return [for_json(row._asdict() if hasattr(row, "_asdict") else asdict(row)) for row in rows]


FIRST_ROUND = 100
"""Draws after which the precision is read for the first time."""


def analyse(
    request: PsaRequest,
    *,
    until_precision: str | None = None,
    folder: Path | None = None,
    progress: Progress = QUIET,
) -> PsaResults:
    """Carry out an analysis. folder: keeps the draws; one that was interrupted goes on.

    until_precision: as `qaly=0.02`: draws are added until the 95% interval of the mean over draws (of each
    difference from the first arm) has this half-width, at most those of the request.
    Raises: ScenarioError and InputError where the input is wrong, RunError where the folder cannot be used
    or a run failed.
    """
    from sim.uncertainty.draws_folder import DrawsFolder

    progress.step("load")
    model, base = model_of(request)
    store = _Memory({}) if folder is None else DrawsFolder(folder, request, model)
    target = None if until_precision is None else _target(until_precision, request, model)
    n = request.draws if target is None else min(FIRST_ROUND, request.draws)
    while True:
        now = replace(request, draws=n)
        results = PsaResults(run_psa(now, model, base, store=store, progress=progress))
        if target is None or n == request.draws:
            break
        ratio = NORMAL_975 * results.largest_error(target) / target.half_width
        if ratio <= 1.0:
            break
        n = min(request.draws, ceil(n * min(max(1.1 * ratio**2, 1.2), 4.0)))
    progress.step("outcomes")
    if isinstance(store, DrawsFolder):
        store.finish(results.psa, json_text(results.as_json()))
    return results


@dataclass(frozen=True, slots=True)
class _Memory:
    """Keeps the blocks of an analysis in memory."""

    blocks: dict[range, Done]

    def read(self, numbers: range) -> Done | None:
        """A block that was simulated."""
        return self.blocks.get(numbers)

    def write(self, done: Done) -> None:
        """Keep a block."""
        self.blocks[done.numbers] = done


def _target(text: str, request: PsaRequest, model: Model) -> Target:
    """The wished precision. Raises: InputError where no measure of the analysis has it."""
    from sim.runs.sequential_stopping import target_of

    if request.design is Design.SAME:
        fix = "use the design fresh: its error shrinks with draws"
        raise InputError("until_precision: more draws of the same patients need not be more precise", fix)
    target = target_of(text, model.arms[0].scenario)
    if not any(_is_meant(measure, target) for measure in model.asked):
        fix = "name an outcome of the analysis, and with `--at` its time"
        raise InputError(f"until_precision: the analysis has no {target.outcome} at this time", fix)
    return target


def _is_meant(measure: Measure, target: Target) -> bool:
    """Whether a measure is the number of a target: at its time, else the first one of the outcome."""
    if (measure.outcome, measure.part) != (target.outcome, ""):
        return False
    if isinstance(target.at, str):
        return measure.measure == target.at
    return target.at is None or measure.time == target.at
