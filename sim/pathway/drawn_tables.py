"""A pathway for any values of its parameters, without resolving or compiling it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

import sim.distributions as distributions
from sim.errors import Problem, ScenarioError
from sim.pathway.distributions import DrawnLeaf
from sim.pathway.layout import Floats, Tables
from sim.pathway.tables import Pathway, compile_pathway
from sim.scenario.language.drawn import Rebuild, Values, occurrences, rebuild, without_parameters
from sim.scenario.language.model import Scenario


class _OtherRows(Exception):
    """Raised where other values need other rows of the program, not only other numbers."""


KERNEL_ONLY = frozenset(
    {
        "Event.after",
        "Event.chance",
        "Event.do",
        "Event.to",
        "Patients.attributes",
        "Scenario.on_start",
        "Stage.decide",
        "Stage.on_entry",
    }
)
"""Fields of a scenario that nothing reads once it is compiled."""
PRICES = frozenset(
    {
        "Economics.discount_cost",
        "Economics.discount_qaly",
        "Economics.utility_cap",
        "Event.cost",
        "Event.qaly",
        "Resource.cost_per_day",
        "Resource.cost_per_use",
        "Stage.cost",
        "Stage.utility",
        "State.utility",
    }
)
"""Fields that only the valuation of a log reads."""


@dataclass(frozen=True)
class ParameterPathway:
    """A pathway compiled once, its scenario loaded so that numbers keep the parameters that give them."""

    pathway: Pathway

    def __getstate__(self) -> dict[str, Any]:
        return {"pathway": self.pathway}

    @classmethod
    def of(cls, scenario: Scenario) -> ParameterPathway:
        """The pathway of a scenario. Raises: ScenarioError, as `compile_pathway`."""
        return cls(compile_pathway(scenario))

    def at(self, values: Values) -> Pathway:
        """The pathway for these values of the parameters, the same to the bit as if compiled for them.

        Raises: ScenarioError where a family has no member with such arguments.
        """
        try:
            tables = Tables(self.pathway.tables.program, self._numbers(values))
        except _OtherRows:
            return compile_pathway(self.scenario_at(values))
        changed = self._rebuild_read
        scenario = self.pathway.scenario if changed is None else changed(values)
        return replace(self.pathway, scenario=scenario, tables=tables)

    @property
    def at_base(self) -> Pathway:
        """The pathway at the base values, its scenario without parameters."""
        return replace(self.pathway, scenario=without_parameters(self.pathway.scenario))

    def scenario_at(self, values: Values) -> Scenario:
        """The scenario for these values of the parameters."""
        changed = rebuild(self.pathway.scenario)
        return self.pathway.scenario if changed is None else changed(values)

    @cached_property
    def is_read(self) -> bool:
        """Whether resources, arrivals or outcomes follow from parameters, besides prices and utilities."""
        return rebuild(self.pathway.scenario, without=KERNEL_ONLY | PRICES) is not None

    @cached_property
    def _rebuild_read(self) -> Rebuild | None:
        return rebuild(self.pathway.scenario, without=KERNEL_ONLY)

    @cached_property
    def _leaves(self) -> list[tuple[DrawnLeaf, Rebuild]]:
        found = ((leaf, rebuild(leaf.arguments)) for leaf in self.pathway.drawn_leaves)
        return [(leaf, changed) for leaf, changed in found if changed is not None]

    def _numbers(self, values: Values) -> Floats:
        found = np.array(self.pathway.tables.numbers)
        for index, number in self.pathway.drawn_numbers:
            found[index] = number.at(values)
        for leaf, changed in self._leaves:
            made = _leaf(leaf, changed(values), values)
            if (made.kind, len(made.numbers)) != (leaf.kind, leaf.n):
                raise _OtherRows
            found[leaf.at : leaf.at + leaf.n] = made.numbers
        return found


def _leaf(leaf: DrawnLeaf, arguments: Mapping[str, Any], values: Values) -> distributions.Leaf:
    try:
        return distributions.leaf(leaf.family, arguments)
    except ValueError as error:
        fact, _, fix = str(error).partition(": ")
        columns = sorted(set().union(*(one.number.columns for one in occurrences(leaf.arguments))))
        drawn = ", ".join(f"`{name}` is {values[name, key]:.6g}" for name, key in columns)
        raise ScenarioError([Problem(leaf.where, f"{fact}, where {drawn}", fix)]) from None
