"""What the capacity of resources costs, in use and idle: an amount per replication, of no patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.event_log.log import Indices
from sim.outcomes.endpoints.means import LEFT_OUT
from sim.outcomes.history.history import History
from sim.outcomes.results import Description, Estimate, Figures, Key
from sim.scenario.language.model import Resource, Scenario

CAPACITY, IDLE = "undiscounted", "idle"


def paid_by_capacity(scenario: Scenario) -> list[Resource]:
    """The resources whose units cost something whether or not they are in use."""
    return [resource for resource in scenario.resources if resource.cost_per_day_of_capacity is not None]


@dataclass(frozen=True, eq=False)
class CapacityCost:
    """The cost of all units, and of units not in use, from the end of the warm-up to the horizon."""

    history: History
    method: str | None = None

    @property
    def description(self) -> Description:
        """What its numbers mean."""
        economics = self.history.scenario.economics
        assert economics is not None
        text = (
            f"cost in {economics.currency} per replication of all units of resources, in use or idle, from "
            "the warm-up to the horizon, not discounted"
        )
        meanings = {(IDLE, ""): "of it for units not in use"}
        return Description(Key(CAPACITY), economics.currency, text, meanings=meanings)

    @property
    def group_rows(self) -> Indices:
        """The start of each patient."""
        return self.history.starts

    def figures(self, chosen: Indices) -> Figures:
        """The costs of the replication that these patients belong to, unknown for none."""
        n = len(chosen)
        replication = int(self.history.log.replication[chosen[0]]) if n else -1
        known = self._by_replication.get(replication, {})
        parts = ("", *(resource.name for resource in paid_by_capacity(self.history.scenario)))
        estimates = {
            key: Estimate(known.get(key, np.nan), n=n)
            for part in parts
            for key in (Key(CAPACITY, part), Key(IDLE, part))
        }
        return Figures(n, estimates, {LEFT_OUT: 0})

    @cached_property
    def _by_replication(self) -> Mapping[int, Mapping[Key, float]]:
        use, scenario = self.history.use, self.history.scenario
        found: dict[int, dict[Key, float]] = {}
        for resource in paid_by_capacity(scenario):
            rows = np.flatnonzero(use.resource == self.history.log.names.resources.index(resource.name))
            for replication in np.unique(use.replication[rows]).tolist():
                own = rows[use.replication[rows] == replication]
                totals = found.setdefault(replication, {Key(CAPACITY): 0.0, Key(IDLE): 0.0})
                for measure, cost in self._costs(resource, own).items():
                    totals[Key(measure, resource.name)] = cost
                    totals[Key(measure)] += cost
        return found

    def _costs(self, resource: Resource, rows: Indices) -> Mapping[str, float]:
        use, scenario = self.history.use, self.history.scenario
        edges = np.clip(
            np.append(use.time[rows], scenario.horizon),
            scenario.patients.arrivals.warm_up,
            scenario.horizon,
        )
        width = np.diff(edges)
        units, in_use = use.capacity[rows], use.in_use[rows]
        price = price_a_day(resource)
        idle = np.maximum(units - in_use, 0)
        return {CAPACITY: price * float(width @ units), IDLE: price * float(width @ idle)}


def price_a_day(resource: Resource) -> float:
    """What a unit costs a day, in all categories."""
    price = resource.cost_per_day_of_capacity
    if price is None:
        return 0.0
    return float(sum(price.values())) if isinstance(price, Mapping) else price
