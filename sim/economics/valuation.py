"""What each patient costs and gains, by category, year and stage: a function of the log and the scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np

from sim.economics.layout import FIRST_TOTAL, YEAR
from sim.economics.ledger import LogColumns, value_patients
from sim.economics.program import Program, write_program
from sim.event_log.log import Floats, Indices
from sim.numerics.compilation import IS_COMPILED
from sim.numerics.linking import NOTES, is_kept
from sim.outcomes.history import history as histories
from sim.outcomes.history.history import History
from sim.pathway import layout as at
from sim.scenario.language.model import Economics


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """Totals of each patient, shape [n_patients]."""

    discounted: Floats
    undiscounted: Floats

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.discounted + other.discounted, self.undiscounted + other.undiscounted)

    def times(self, factor: float) -> Amounts:
        """Each total times a factor."""
        return Amounts(self.discounted * factor, self.undiscounted * factor)


class Valuation:
    """Costs, QALYs and life-years of every patient in a log, at the prices of its scenario.

    program: the prices, where they are not those of the scenario, or not the same in each replication.
    """

    def __init__(self, history: History, program: Program | None = None) -> None:
        scenario = history.scenario
        assert scenario.economics is not None
        self.history, self.scenario = history, scenario
        self.economics: Economics = scenario.economics
        self.program = program or write_program(scenario, history.log.names)

    # ------------------------------------------------------------ totals

    @cached_property
    def cost(self) -> Mapping[str, Amounts]:
        """Each patient's cost by category, in the order of the scenario."""
        return {name: self._amounts(i) for i, name in enumerate(self.program.categories)}

    @cached_property
    def total_cost(self) -> Amounts:
        """Each patient's cost in all categories."""
        total = Amounts(*(np.zeros(self.history.log.n_patients) for _ in range(2)))
        for amounts in self.cost.values():
            total = total + amounts
        return total

    @property
    def qaly(self) -> Amounts:
        """Each patient's quality-adjusted life-years: utilities over time, and those of events."""
        return self._amounts(len(self.program.categories))

    @property
    def life_years(self) -> Amounts:
        """Each patient's years from the start until the state `dead`, or the end of follow-up."""
        return self._amounts(len(self.program.categories) + 1)

    @property
    def cost_by_stage(self) -> Mapping[str, Amounts]:
        """Each patient's cost by the stage it falls due in; a wait counts to the stage left."""
        first = len(self.program.categories) + 2
        return {name: self._amounts(i) for i, name in enumerate(self.program.stages, first)}

    def cost_by_year(self, chosen: Indices) -> Floats:
        """Undiscounted cost of these patients (increasing) in each year since the start, added up.

        Shape [n_years]: year k from k to k + 1 years, the last one that can be observed.
        """
        return self._by_year(chosen)[: self.n_years]

    def qaly_by_year(self, chosen: Indices) -> Floats:
        """Undiscounted QALYs of these patients in each year, as `cost_by_year`."""
        return self._by_year(chosen)[self.n_years :]

    @cached_property
    def n_years(self) -> int:
        """Years since the start that can be observed, the last one begun counted."""
        follow_up, horizon = self.scenario.patients.follow_up, self.scenario.horizon
        return ceil((horizon if follow_up is None else min(follow_up, horizon)) / YEAR)

    # ------------------------------------------------------------ the pass over the log

    def _amounts(self, position: int) -> Amounts:
        totals = self._followed[0]
        return Amounts(totals[2 * position], totals[2 * position + 1])

    @cached_property
    def _followed(self) -> tuple[Floats, Floats]:
        """The totals [n_totals, n_patients], and costs, then QALYs, by year [n_replications, 2 * n_years]."""
        log = self.history.log
        totals = np.empty((self.program.n_totals, log.n_patients))
        edges = np.cumsum(np.append(0, np.bincount(self._replication)))
        years = [self._follow(np.arange(first, after), totals) for first, after in pairwise(edges.tolist())]
        return totals, np.array(years)

    @cached_property
    def _replication(self) -> Indices:
        """The replication of each patient, from 0."""
        replication = self.history.log.replication
        return (replication - replication[:1]).astype(np.int64)

    def _by_year(self, chosen: Indices) -> Floats:
        """Costs by year, then QALYs by year; only who is not of a whole replication is followed again."""
        years = self._followed[1]
        n = len(years)
        counts = np.bincount(self._replication[chosen], minlength=n)
        is_whole = counts == np.bincount(self._replication, minlength=n)
        others = chosen[~is_whole[self._replication[chosen]]]
        found: Floats = years[is_whole].sum(axis=0)
        return found + self._follow(others, np.empty((self.program.n_totals, 0))) if len(others) else found

    def _follow(self, patients: Indices, totals: Floats) -> Floats:
        """Follow patients through the log; returns their costs, then their QALYs, by year."""
        program = self.program
        x, k = np.zeros(program.n_x), np.zeros(program.n_k, np.int64)
        numbers = program.numbers.copy()  # the first of them are written to
        account = np.zeros(FIRST_TOTAL + program.n_totals + 2 + 2 * self.n_years)
        _announce_compilation()
        value_patients(program.rows, numbers, x, k, account, self._columns, patients, totals)
        assert k[at.STATUS] != at.NO_ENTRY, "a choice has no entry for a patient"
        return account[-2 * self.n_years :]

    @cached_property
    def _columns(self) -> LogColumns:
        """What of the log is read; no array can be written to, whatever log it is of."""
        log = self.history.log
        n_tables = len(self.program.numbers)
        table = self._replication if n_tables > 1 else np.zeros(log.n_patients, np.int64)
        return LogColumns(
            *(
                _read_only(column)
                for column in (
                    log.row_of,
                    log.time,
                    log.event,
                    log.stage_from,
                    log.stage_to,
                    log.does,
                    log.change_of,
                    log.change_what,
                    log.change_value,
                    log.at_start,
                    log.follow_up,
                    table,
                    self._before_start,
                    self._queues,
                )
            )
        )

    @property
    def _before_start(self) -> Floats:
        """Of today's patients: whether in a stage, days in it, days waited. Shape [n_patients or 0, 3]."""
        history, table = self.history, self.history.scenario.patients.table
        if table is None or not table.is_today:
            return np.zeros((0, 3))
        stages = np.array([stage is not None for stage in table.column("stage")])
        was_there = np.append(stages, False)[np.minimum(history.log.patient, len(stages))]
        return np.stack([was_there, history.days_before, history.of_today("days_waiting")], axis=1)

    @property
    def _queues(self) -> Floats:
        """The waiting for each resource, then its free units, at each row, where a value reads them."""
        history, log = self.history, self.history.log
        if not self.program.queues:
            return np.empty((0, 0))
        n = len(log.names.resources)
        found = np.zeros((log.n_rows, 2 * n))
        for what in self.program.queues:
            column = log.names.resources.index(what.name) + (n if what.kind == "free" else 0)
            found[:, column] = histories.covariate(history, what, np.arange(log.n_rows))
        return found


@cache
def _announce_compilation() -> None:
    """Announce the compilation of the pass over the log, where it is not on disk; once in a process."""
    if IS_COMPILED and not is_kept("sim.economics.ledger.value_patients"):
        NOTES.warning("compiling the valuation of costs and QALYs (once, about 5 seconds) ...")


def _read_only(column: Any) -> Any:
    seen = np.ascontiguousarray(column).view()
    seen.flags.writeable = False
    return seen
