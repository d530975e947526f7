"""The incremental analysis of several arms with the same patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import nan, sqrt

import numpy as np

from sim.economics.endpoints import COST, DISCOUNTED, QALY, endpoints
from sim.economics.incremental import (
    ConfidenceSet,
    JointDifference,
    SetKind,
    Status,
    Strategy,
    fieller,
    frontier,
    joint_difference,
    pairwise_status,
)
from sim.event_log.log import EventLog, Floats, Indices
from sim.outcomes.endpoints import Endpoint
from sim.outcomes.endpoints.means import Averages
from sim.outcomes.estimates import Incremental, IncrementalRow
from sim.outcomes.evaluation import Arm
from sim.outcomes.history.history import History
from sim.outcomes.results import Key
from sim.outcomes.summary import why_no_interval
from sim.scenario.language.model import Outcome

TOTAL = Key(DISCOUNTED)
ALIKE = "no patient differs between the arms in cost or QALYs"


@dataclass(frozen=True, slots=True, eq=False)
class ArmTotals:
    """Cost and QALYs of an arm, of each patient who counts, or of each replication (means).

    why_no_error: why units give no standard error, "" where they do.
    """

    name: str
    cost: Floats
    qaly: Floats
    why_no_error: str

    @property
    def strategy(self) -> Strategy:
        """The means."""
        return Strategy(self.name, float(np.mean(self.cost)), float(np.mean(self.qaly)))


class EconomicOutcomes:
    """The economic outcomes of the arms of a comparison; remembered for the incremental analysis."""

    def __init__(self) -> None:
        self._by_log: list[tuple[EventLog, Mapping[str, Endpoint]]] = []

    def __call__(self, history: History) -> Sequence[tuple[Outcome, Endpoint]]:
        """Those of one arm."""
        found = list(endpoints(history))
        self._by_log.append((history.log, {outcome.name: endpoint for outcome, endpoint in found}))
        return found

    def incremental(self, arms: Sequence[Arm]) -> Incremental:
        """The incremental analysis of these arms, the first of them the reference.

        It is empty unless every arm has costs and QALYs.
        """
        totals = [self._totals(arm) for arm in arms]
        known = [one for one in totals if one is not None]
        economics = arms[0].scenario.economics
        if economics is None or len(known) < len(totals):
            return Incremental.of(())
        return Incremental.of(
            incremental_rows(known, currency=economics.currency, threshold=economics.threshold)
        )

    def _totals(self, arm: Arm) -> ArmTotals | None:
        found = next((endpoints for log, endpoints in self._by_log if log is arm.log), {})
        cost, qaly = found.get(COST), found.get(QALY)
        if not isinstance(cost, Averages) or not isinstance(qaly, Averages):
            return None
        chosen = np.flatnonzero(arm.log.begins >= arm.scenario.patients.arrivals.warm_up)
        if arm.replications == 1:
            why = why_no_interval(arm.scenario, cost.method)
            return ArmTotals(arm.name, cost.parts[TOTAL][0][chosen], qaly.parts[TOTAL][0][chosen], why)
        costs, qalys = (_by_replication(of.parts[TOTAL][0], arm, chosen) for of in (cost, qaly))
        return ArmTotals(arm.name, costs, qalys, "")


def _by_replication(values: Floats, arm: Arm, chosen: Indices) -> Floats:
    edges = np.searchsorted(arm.log.replication[chosen], np.arange(arm.replications + 1))
    return np.array([np.mean(values[chosen[a:b]]) if b > a else nan for a, b in pairwise(edges.tolist())])


# ---------------------------------------------------------------- rows


def incremental_rows(
    arms: Sequence[ArmTotals], *, currency: str, threshold: float | None = None
) -> Iterator[IncrementalRow]:
    """Each arm against the first; with three arms or more the full analysis too."""
    by_name = {one.name: one for one in arms}
    reference = arms[0]
    yield _row("reference", reference, "", Status.REFERENCE, currency, threshold)
    for arm in arms[1:]:
        difference = joint_difference_of(reference, arm)
        status = pairwise_status(difference.cost, difference.effect, threshold)
        yield _compared("reference", (reference, arm), status, currency, threshold)
    if len(arms) < 3:
        return
    for step in frontier([one.strategy for one in arms]):
        arm = by_name[step.strategy.name]
        if step.compared_with:
            pair = by_name[step.compared_with], arm
            yield _compared("frontier", pair, step.status, currency, threshold)
        else:
            yield _row("frontier", arm, "", step.status, currency, threshold)


def joint_difference_of(reference: ArmTotals, arm: ArmTotals) -> JointDifference:
    """The difference of two arms with the same patients or replications, and its joint error.

    A replication without patients in either arm is left out.
    """
    cost, qaly = arm.cost - reference.cost, arm.qaly - reference.qaly
    known = ~np.isnan(cost) & ~np.isnan(qaly)
    found = joint_difference(cost[known], qaly[known])
    if reference.why_no_error or arm.why_no_error:
        return JointDifference(found.cost, found.effect)
    return found


def _row(
    analysis: str,
    arm: ArmTotals,
    compared_with: str,
    status: Status,
    currency: str,
    threshold: float | None,
) -> IncrementalRow:
    strategy = arm.strategy
    return IncrementalRow(
        analysis,
        arm.name,
        compared_with,
        currency,
        strategy.cost,
        strategy.effect,
        str(status),
        threshold=nan if threshold is None else threshold,
    )


def _compared(
    analysis: str,
    pair: tuple[ArmTotals, ArmTotals],
    status: Status,
    currency: str,
    threshold: float | None,
) -> IncrementalRow:
    reference, arm = pair
    difference = joint_difference_of(reference, arm)
    is_equal = difference.cost == 0.0 == difference.effect
    found = ConfidenceSet(SetKind.NONE) if is_equal else fieller(difference)
    value, error = difference.net_benefit(threshold) if threshold is not None else (nan, nan)
    why = reference.why_no_error or arm.why_no_error or found.note
    return _row(analysis, arm, reference.name, status, currency, threshold)._replace(
        incremental_cost=difference.cost,
        incremental_qaly=difference.effect,
        cost_error=sqrt(difference.cost_variance),
        qaly_error=sqrt(difference.effect_variance),
        correlation=difference.correlation,
        icer=difference.icer,
        low=found.low,
        high=found.high,
        confidence_set=str(found.kind),
        net_benefit=value,
        net_benefit_error=error,
        note=ALIKE if is_equal and not difference.cost_variance else why,
    )
