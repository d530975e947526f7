"""Costs, QALYs, life-years and net benefit as outcomes of a run, a comparison and a sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sim.economics.capacity import CapacityCost, paid_by_capacity
from sim.economics.layout import YEAR
from sim.economics.program import Program, categories, has_utilities
from sim.economics.valuation import Amounts, Valuation
from sim.errors import Place, Where
from sim.event_log.log import Indices
from sim.outcomes.endpoints import Endpoint
from sim.outcomes.endpoints.means import LEFT_OUT, Averages, Part
from sim.outcomes.history.history import History
from sim.outcomes.results import Description, Estimate, Figures, Key
from sim.scenario.language.model import DEAD, Outcome, Scenario
from sim.units import number_text

COST, QALY, LIFE_YEARS, NET_BENEFIT = "cost", "qaly", "life_years", "net_benefit"
NET_BENEFIT_BY_THRESHOLD = "net_benefit_by_threshold"
COST_BY_STAGE, COST_BY_YEAR, CAPACITY_COST = "cost_by_stage", "cost_by_year", "capacity_cost"
DISCOUNTED, UNDISCOUNTED = "discounted", "undiscounted"
KIND = "economics"
"""The kind of these outcomes, which no file declares."""


@dataclass(frozen=True, slots=True, eq=False)
class CostByYear:
    """The mean undiscounted cost per patient in each year since the start, of all patients."""

    description: Description
    group_rows: Indices
    valuation: Valuation
    method: str | None = None

    def figures(self, chosen: Indices) -> Figures:
        """The yearly means for these patients, at the end of each year (days)."""
        n = len(chosen)
        totals = self.valuation.cost_by_year(chosen) / n if n else np.full(self.valuation.n_years, np.nan)
        estimates = {
            Key(UNDISCOUNTED, "", (year + 1) * YEAR): Estimate(float(total), n=n)
            for year, total in enumerate(totals)
        }
        return Figures(n, estimates, {LEFT_OUT: 0})


def economic_outcomes(scenario: Scenario) -> tuple[str, ...]:
    """The names of the economic outcomes that a scenario has, but for those its file declares itself."""
    if scenario.economics is None:
        return ()
    has_costs, has_health = bool(categories(scenario)), has_utilities(scenario)
    with_dead = any(stage.state == DEAD for stage in scenario.stages)
    found = {
        COST: has_costs,
        QALY: has_health,
        LIFE_YEARS: with_dead,
        NET_BENEFIT: has_costs and has_health and scenario.economics.threshold is not None,
        NET_BENEFIT_BY_THRESHOLD: has_costs and has_health and scenario.economics.threshold is not None,
        COST_BY_STAGE: has_costs,
        COST_BY_YEAR: has_costs,
        CAPACITY_COST: bool(paid_by_capacity(scenario)),
    }
    declared = {outcome.name for outcome in scenario.outcomes}
    return tuple(name for name, is_there in found.items() if is_there and name not in declared)


def endpoints(history: History, program: Program | None = None) -> Iterator[tuple[Outcome, Endpoint]]:
    """Every economic outcome of a log at the prices of its scenario, or at those of `program`."""
    names = economic_outcomes(history.scenario)
    if not names:
        return
    valuation = Valuation(history, program)
    for name in names:
        yield outcome_called(name), endpoint(valuation, name)


def outcome_called(name: str) -> Outcome:
    """An economic outcome as one of a scenario, which no file declares."""
    return Outcome(name, KIND, Where(Place(""), ""), label="QALYs" if name == QALY else "")


def endpoint(valuation: Valuation, name: str) -> Endpoint:
    """One economic outcome, ready for any set of patients."""
    currency, starts = valuation.economics.currency, valuation.history.starts
    if name == CAPACITY_COST:
        return CapacityCost(valuation.history)
    if name == COST_BY_YEAR:
        last = Key(UNDISCOUNTED, "", YEAR)
        text = f"mean cost in {currency} per patient in each year since the start, the dead counted too"
        return CostByYear(Description(last, currency, text), starts, valuation)
    totals, unit = _totals(valuation, name)
    text = _text(valuation, name)
    threshold = valuation.economics.threshold
    part = number_text(threshold) if name == NET_BENEFIT_BY_THRESHOLD and threshold is not None else ""
    headline = Key(DISCOUNTED, part)
    return Averages(Description(headline, unit, text, meanings=MEANINGS), starts, _by_key(totals))


MEANINGS = {(UNDISCOUNTED, ""): "not discounted"}


def _totals(valuation: Valuation, name: str) -> tuple[Mapping[str, Amounts], str]:
    """The totals of each part, the whole first as part "", and their unit."""
    currency = valuation.economics.currency
    if name == COST:
        return {"": valuation.total_cost} | dict(valuation.cost), currency
    if name == QALY:
        return {"": valuation.qaly}, "years"
    if name == LIFE_YEARS:
        return {"": valuation.life_years}, "years"
    if name == COST_BY_STAGE:
        return {"": valuation.total_cost} | dict(valuation.cost_by_stage), currency
    threshold = valuation.economics.threshold
    assert threshold is not None
    worth = {"": threshold} if name == NET_BENEFIT else thresholds(threshold)
    return {
        part: valuation.qaly.times(w) + valuation.total_cost.times(-1.0) for part, w in worth.items()
    }, currency


def thresholds(given: float) -> Mapping[str, float]:
    """From 0 to the double of the given threshold in steps of its quarter, by their text."""
    return {number_text(given * k / 4): given * k / 4 for k in range(9)}


def _by_key(totals: Mapping[str, Amounts]) -> dict[Key, Part]:
    everyone = np.ones(len(next(iter(totals.values())).discounted), bool)
    found: dict[Key, Part] = {}
    for part, amounts in totals.items():
        found[Key(DISCOUNTED, part)] = amounts.discounted, everyone
        found[Key(UNDISCOUNTED, part)] = amounts.undiscounted, everyone
    return found


def _text(valuation: Valuation, name: str) -> str:
    how = valuation.economics
    rate = how.discount_cost if name in (COST, COST_BY_STAGE) else how.discount_qaly
    discounted = f"discounted by {100 * rate:g}% a year ({how.convention})"
    currency = how.currency
    if name == COST:
        return f"mean cost in {currency} per patient, {discounted}"
    if name == COST_BY_STAGE:
        return f"mean cost in {currency} per patient by the stage in which it falls due, {discounted}"
    if name == QALY:
        return f"mean quality-adjusted life-years per patient, {discounted}"
    if name == LIFE_YEARS:
        return f"mean life-years per patient until {DEAD} or the end of follow-up, {discounted}"
    if name == NET_BENEFIT_BY_THRESHOLD:
        return f"mean net benefit in {currency} per patient by the worth of a QALY, discounted"
    return f"mean net benefit in {currency} per patient at {how.threshold:,.10g} a QALY, discounted"
