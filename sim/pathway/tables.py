"""A resolved scenario compiled to flat tables, with the names that its codes stand for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sim.distributions as distributions
from sim.errors import Problems
from sim.pathway import layout as at
from sim.pathway.distributions import DistributionRows, DrawnLeaf, MakeLeaf, most_windows
from sim.pathway.names import EVENTS_OF_EVERY_LOG, Names
from sim.pathway.rows import Codes, Expressions, Rows, name_key, resource_bits, write_patient_table
from sim.scenario.language.drawn import Drawn
from sim.scenario.language.model import (
    MOST_UNITS_HELD,
    STAY,
    Action,
    Attribute,
    Chances,
    Covariate,
    Destination,
    Draw,
    Effect,
    Event,
    Goto,
    Rule,
    Scenario,
    Stage,
    draws_of,
    effects_of,
    events_of,
    is_drawn,
    rules_of,
    stamps_of,
)
from sim.scenario.language.ratios import keys_of


@dataclass(frozen=True, slots=True)
class Pathway:
    """What is true of a patient, ready to run.

    tables: see `layout`. n_x, n_k: size of a patient's float64 and int64 part.
    units: what it needs besides the common part of the kernel: `rare_times`, `from_table`.
    leaves: the family members its distributions end in, by the row of the program. drawn_...: the
    numbers of the tables that follow from parameters, where the scenario keeps these.
    """

    scenario: Scenario
    names: Names
    tables: at.Tables
    n_x: int
    n_k: int
    units: tuple[str, ...]
    leaves: dict[int, distributions.Leaf] = field(repr=False)
    drawn_numbers: tuple[tuple[int, Drawn], ...] = ()
    drawn_leaves: tuple[DrawnLeaf, ...] = ()

    @property
    def shared_resources(self) -> tuple[str, ...]:
        """Resources that are finite or not always open, in file order."""
        return tuple(r.name for r in self.scenario.shared)


def compile_pathway(scenario: Scenario) -> Pathway:
    """Compile a scenario.

    Raises: ScenarioError with every distribution that no member of its family can follow.
    """
    compiler = Compiler(scenario, distributions.leaf)
    compiler.write()
    return Pathway(
        scenario,
        compiler.names(),
        compiler.rows.freeze(),
        compiler.n_x,
        compiler.n_k,
        compiler.units(),
        compiler.distributions.means,
        tuple(compiler.rows.drawn.items()),
        tuple(compiler.distributions.drawn),
    )


def check_pathway(scenario: Scenario) -> None:
    """Check a scenario as `compile_pathway` does, without the tables that only a run reads.

    Raises: ScenarioError, as `compile_pathway`.
    """
    Compiler(scenario, distributions.checked_leaf).write()


class Compiler:
    """Writes the rows of one scenario; used once."""

    def __init__(self, scenario: Scenario, leaf: MakeLeaf) -> None:
        self.scenario = scenario
        self.problems = Problems()
        self.rows = Rows()
        self.stamps = stamps_of(scenario)
        self.rules = {name: i for i, name in enumerate(rules_of(scenario))}
        self.codes = Codes.of(scenario, self.stamps)
        self.expressions = Expressions(self.rows, self.codes)
        self.distributions = DistributionRows(self.expressions, self.problems, leaf)
        self.attributes = {a.name: a for a in scenario.patients.attributes}
        names = (name for name, _ in events_of(scenario))
        self.event_codes = {name: i for i, name in enumerate(names, len(EVENTS_OF_EVERY_LOG))}
        self.shared = {r.name for r in scenario.shared}
        self.n_x = self.n_k = 0
        self.rows.reserve(2)
        self.bits = resource_bits(scenario)
        n_bits = sum(bits.bit_count() for bits in self.bits)
        if n_bits > MOST_UNITS_HELD:
            fact = f"patients may hold {n_bits} units of {len(scenario.resources)} resources"
            fix = f"at most {MOST_UNITS_HELD}: leave out what is unlimited and always open"
            self.problems.add(scenario.resources[-1].where, fact, fix)
            self.bits = tuple(0 for _ in self.bits)
        self.rows.vector([0.0] * len(scenario.resources) + [math.inf] * len(scenario.resources))
        self.lay_out()

    def names(self) -> Names:
        """What the codes in the log stand for."""
        attributes, table = self.scenario.patients.attributes, self.scenario.patients.table
        return Names(
            tuple(s.name for s in self.scenario.stages),
            tuple(s.name for s in self.scenario.states),
            (*EVENTS_OF_EVERY_LOG, *self.event_codes),
            tuple(self.rules),
            tuple(a.name for a in attributes),
            tuple(self.codes.categories[a.name] for a in attributes),
            self.stamps,
            tuple(r.name for r in self.scenario.resources),
            ids=() if table is None else table.ids,
            ids_of_today=table is not None and table.is_today,
        )

    def units(self) -> tuple[str, ...]:
        """See `Pathway.units`: those for draws that follow others and reassessed events, too."""
        rare = ("rare_times",) if self.distributions.has_rare or self.runs or self.scores else ()
        return rare if self.scenario.patients.table is None else (*rare, "from_table")

    def lay_out(self) -> None:
        """Say where each part of a patient stands, and what events that are reassessed remember."""
        scenario = self.scenario
        n_stages, n_clocks = len(scenario.stages), len(scenario.clocks)
        n_slots = n_clocks + max(len(s.events) + len(s.while_waiting) for s in scenario.stages)
        self.stamps_at = at.FIRST_ATTRIBUTE + len(scenario.patients.attributes)
        self.waited_at = self.stamps_at + len(self.stamps)
        self.due_at = self.waited_at + n_stages
        self.scores_at = self.due_at + n_slots
        followed = dict.fromkeys(d.follows[0] for d in draws_of(scenario) if d.follows is not None)
        self.scores = {name: self.scores_at + i for i, name in enumerate(followed)}
        self.arguments_at = self.scores_at + len(followed)
        n_arguments = at.ARG_WINDOWS + at.WINDOW * most_windows(scenario)
        self.n_x = self.arguments_at + n_arguments
        self.runs: dict[str, int] = {}
        reassessed = {a.target for _, e in effects_of(scenario) for a in e.actions if a.word == "reassess"}
        for name in self.event_codes:
            if name.split(".", 1)[1] in reassessed:
                self.runs[name] = self.n_x
                self.n_x += at.RUN_ARGUMENTS + n_arguments
        self.slots_at = at.FIRST_SLOT
        self.visits_at = self.slots_at + n_slots
        self.counts_at = self.visits_at + n_stages

    # ------------------------------------------------------------ writing

    def write(self) -> None:
        """All rows, then the head. Raises: ScenarioError, as `compile_pathway`."""
        scenario = self.scenario
        first_clock = self.rows.reserve(len(scenario.clocks))
        first_stage = self.rows.reserve(len(scenario.stages))
        self.first_clock = first_clock
        self.first_event: dict[str, int] = {}
        for stage in scenario.stages:
            self.first_event[stage.name] = self.rows.reserve(len(stage.events) + len(stage.while_waiting))
        first_attribute = self.write_attributes()
        effects = self.effects(scenario.on_start, "on_start", None)
        for i, clock in enumerate(scenario.clocks):
            self.write_event(first_clock + i, clock, f"clock.{clock.name}", i, None)
        for i, stage in enumerate(scenario.stages):
            self.write_stage(first_stage + i, stage)
        self.write_head(first_stage, first_attribute, effects)
        self.problems.stop_if_any()

    def write_head(self, first_stage: int, first_attribute: int, effects: tuple[int, int]) -> None:
        """Write the facts of the scenario as a whole."""
        scenario = self.scenario
        self.n_k = self.counts_at + len(self.rows.draws)
        age = self.attributes.get("age")
        has_age = age is not None and age.kind == "number"
        table = scenario.patients.table
        self.rows.put(
            0,
            {
                at.HEAD_STAGES: first_stage,
                at.HEAD_N_STAGES: len(scenario.stages),
                at.HEAD_CLOCKS: self.first_clock,
                at.HEAD_N_CLOCKS: len(scenario.clocks),
                at.HEAD_ATTRIBUTES: first_attribute,
                at.HEAD_N_ATTRIBUTES: len(scenario.patients.attributes),
                at.HEAD_START: self.codes.stages[scenario.start],
                at.HEAD_EFFECTS: effects[0],
                at.HEAD_N_EFFECTS: effects[1],
                at.HEAD_STAMPS: self.stamps_at,
                at.HEAD_WAITED: self.waited_at,
                at.HEAD_DUE: self.due_at,
                at.HEAD_SCORES: self.scores_at,
                at.HEAD_COUNTS: self.counts_at,
                at.HEAD_VISITS: self.visits_at,
                at.HEAD_SLOTS: self.slots_at,
                at.HEAD_N_STAMPS: len(self.stamps),
                at.HEAD_ARGUMENTS: self.arguments_at,
            },
        )
        self.rows.put(
            at.MORE,
            {
                at.MORE_AGE: self.codes.attributes["age"] if has_age else at.NONE,
                at.MORE_N_X: self.n_x,
                at.MORE_N_K: self.n_k,
                at.MORE_N_RESOURCES: len(scenario.resources),
                at.MORE_KEYS: self.rows.write_keys(),
                at.MORE_KEPT: sum(
                    bits
                    for bits, resource in zip(self.bits, scenario.resources, strict=True)
                    if resource.release == "when_next_granted"
                ),
                at.MORE_RESOURCES: self.write_resources(),
                at.MORE_TABLE: write_patient_table(self.rows, self.codes, scenario, self.stamps),
                at.MORE_N_TABLE: len(table.rows) if table is not None else 0,
                at.MORE_IS_TODAY: table is not None and table.is_today,
            },
        )

    def write_resources(self) -> int:
        """Write a row for each resource; returns the first."""
        return self.rows.add_all([{at.RESOURCE_BITS: bits} for bits in self.bits])

    def write_attributes(self) -> int:
        """Write the attributes and how they are drawn."""
        return self.rows.add_all([self.attribute(a) for a in self.scenario.patients.attributes])

    def attribute(self, attribute: Attribute) -> dict[int, int]:
        """The columns that give an attribute its first value."""
        if isinstance(attribute.initial, Draw):
            return self.distributions.draw(
                attribute.initial, attribute, f"patient.{attribute.name}", self.scores
            )
        columns = dict.fromkeys(range(at.WIDTH), 0)
        columns[at.DRAW_KIND] = at.FIXED
        columns[at.DRAW_ATTRIBUTE] = self.codes.attributes[attribute.name]
        columns[at.DRAW_A] = self.attribute_value(attribute.name, attribute.initial)
        return columns

    def attribute_value(self, name: str, value: Any) -> int:
        """The node of a value of an attribute."""
        covariate = Covariate("attribute", name)
        return self.expressions.node(value, lambda v: self.rows.constant(self.codes.value(covariate, v)))

    def write_stage(self, row: int, stage: Stage) -> None:
        """Write one stage: its events, effects and needs."""
        events = (*stage.events, *stage.while_waiting)
        first = self.first_event[stage.name]
        n_clocks = len(self.scenario.clocks)
        for i, event in enumerate(events):
            self.write_event(first + i, event, f"{stage.name}.{event.name}", n_clocks + i, stage)
        effects = self.effects(stage.on_entry, f"{stage.name}.on_entry", stage)
        needs = [n for n in stage.needs if n.resource in self.shared]
        first_need = self.rows.reserve(len(needs))
        for i, need in enumerate(needs):
            when = self.expressions.condition(need.when)
            bits = self.bits[self.codes.resources[need.resource]]
            units = at.NONE if need.units == 1.0 else self.expressions.number(need.units)
            columns = {at.NEED_WHEN: when, at.NEED_BIT: (bits & -bits).bit_length() - 1, at.NEED_UNITS: units}
            self.rows.put(first_need + i, columns)
        decide = stage.decide
        kind = at.TERMINAL if stage.terminal else at.DECISION if decide is not None else at.TAKES_TIME
        name = f"{stage.name}.decide"
        self.rows.put(
            row,
            {
                at.STAGE_KIND: kind,
                at.STAGE_EVENTS: first,
                at.STAGE_N_EVENTS: len(stage.events),
                at.STAGE_N_ALL: len(events),
                at.STAGE_EFFECTS: effects[0],
                at.STAGE_N_EFFECTS: effects[1],
                at.STAGE_DECIDE: self.destination(decide) if decide is not None else at.NONE,
                at.STAGE_NEEDS: first_need,
                at.STAGE_N_NEEDS: len(needs),
                at.STAGE_DRAW: self.rows.draw(name) if decide is not None and is_drawn(decide) else at.NONE,
            },
        )

    def write_event(self, row: int, event: Event, name: str, slot: int, stage: Stage | None) -> None:
        """Write one event or clock."""
        effects = self.effects(event.do, name, stage)
        chance = (at.NONE, 0, 0) if event.chance is None else self.distributions.chance(event.chance)
        stages = at.NONE
        if event.in_stages is not None:
            stages = self.rows.vector(float(s.name in event.in_stages) for s in self.scenario.stages)
        only_waiting = stage is not None and event in stage.while_waiting
        distribution = self.distributions.times(event.after)
        leaf = at.NONE if name in self.runs else self.distributions.plain_leaf(distribution)
        self.rows.put(
            row,
            {
                at.EVENT_CODE: self.event_codes[name],
                at.EVENT_DIST: distribution,
                at.EVENT_KEY: name_key(name),
                at.EVENT_LEAF_KIND: self.rows.rows[leaf][at.LEAF_KIND] if leaf >= 0 else at.NONE,
                at.EVENT_LEAF_AT: self.rows.rows[leaf][at.LEAF_AT] if leaf >= 0 else at.NONE,
                at.EVENT_DRAW: self.rows.draw(name),
                at.EVENT_WHEN: self.expressions.condition(event.when),
                at.EVENT_CHANCE: chance[0],
                at.EVENT_CHANCE_RATIOS: chance[1],
                at.EVENT_CHANCE_N_RATIOS: chance[2],
                at.EVENT_CHANCE_DRAW: self.rows.draw(f"{name}.chance")
                if event.chance is not None
                else at.NONE,
                at.EVENT_EFFECTS: effects[0],
                at.EVENT_N_EFFECTS: effects[1],
                at.EVENT_TO: self.destination(event.to),
                at.EVENT_TO_DRAW: self.rows.draw(f"{name}.to") if is_drawn(event.to) else at.NONE,
                at.EVENT_EVERY: event.every,
                at.EVENT_WAITING: 2 if only_waiting else int(event.waiting),
                at.EVENT_RUN: self.runs.get(name, at.NONE),
                at.EVENT_STAGES: stages,
                at.EVENT_SLOT: slot,
            },
        )

    # ------------------------------------------------------------ destinations

    def destination(self, to: Destination) -> int:
        """The row of a destination."""
        columns = dict.fromkeys(range(at.WIDTH), 0)
        if isinstance(to, Goto):
            stay = to.target == STAY
            columns[at.TO_KIND] = at.TO_STAY if stay else at.TO_STAGE
            columns[at.TO_A] = at.NONE if stay else self.codes.stages[to.target]
        elif isinstance(to, Chances):
            node = self.distributions.parts(
                to.categorical, lambda name: at.STAY_KEY if name == STAY else self.codes.stages[name]
            )
            columns[at.TO_KIND] = at.TO_CHANCES
            columns[at.TO_A] = node
            columns[at.TO_RATIOS], columns[at.TO_N_RATIOS] = self.distributions.ratios(
                to.categorical.odds_ratios, keys_of(to.categorical.entries)
            )
        else:
            columns[at.TO_KIND] = at.TO_RULES
            columns[at.TO_A], columns[at.TO_N] = self.rule_items(to.items)
        return self.rows.add(columns)

    def rule_items(self, items: Sequence[Rule]) -> tuple[int, int]:
        """Write the items of a decision: the first row and their number."""
        written = [
            (self.expressions.condition(item.when), item.name, self.destination(item.to)) for item in items
        ]
        first = self.rows.reserve(len(written))
        for i, (when, name, to) in enumerate(written):
            code = self.rules[name] if name else at.NONE
            self.rows.put(first + i, {at.RULE_WHEN: when, at.RULE_NAME: code, at.RULE_TO: to})
        return first, len(written)

    # ------------------------------------------------------------ effects

    def effects(self, effects: Sequence[Effect], place: str, stage: Stage | None) -> tuple[int, int]:
        """The first row and the number of effects that stand in one place."""
        written = []
        for effect in effects:
            actions = [row for action in effect.actions for row in self.action(action, place, stage)]
            first = self.rows.reserve(len(actions))
            for i, columns in enumerate(actions):
                self.rows.put(first + i, columns)
            written.append((self.expressions.condition(effect.when), first, len(actions)))
        first = self.rows.reserve(len(written))
        for i, (when, action_row, n) in enumerate(written):
            columns = {at.EFFECT_WHEN: when, at.EFFECT_FIRST: action_row, at.EFFECT_N: n}
            self.rows.put(first + i, columns)
        return first, len(written)

    def action(self, action: Action, place: str, stage: Stage | None) -> list[dict[int, int]]:
        """The columns of an action; `reassess` is one for each event its name may mean."""
        target, codes = action.target, self.codes
        if action.word == "set":
            node = self.attribute_value(target, action.value)
            return [self.doing(at.SET, codes.attributes[target], node)]
        if action.word == "add":
            return [self.doing(at.ADD, codes.attributes[target], self.expressions.number(action.value))]
        if action.word == "copy":
            return [self.doing(at.COPY, codes.attributes[target], codes.attributes[action.value])]
        if action.word == "draw":
            columns = self.distributions.draw(
                action.value, self.attributes[target], f"{place}.{target}", self.scores
            )
            return [self.doing(at.DRAW, codes.attributes[target], self.rows.add(columns))]
        if action.word == "stamp":
            return [self.doing(at.STAMP, codes.stamps[target], at.NONE)]
        if action.word == "reassess":
            return self.meant(target, stage)
        word = at.START_CLOCK if action.word == "start" else at.STOP_CLOCK
        return [self.doing(word, at.NONE, self.clock_row(target))]

    @staticmethod
    def doing(word: int, target: int, value: int) -> dict[int, int]:
        """The columns of one action."""
        return {at.ACTION_WORD: word, at.ACTION_TARGET: target, at.ACTION_A: value}

    def clock_row(self, name: str) -> int:
        """The row of a clock."""
        return self.first_clock + [c.name for c in self.scenario.clocks].index(name)

    def meant(self, name: str, stage: Stage | None) -> list[dict[int, int]]:
        """What `reassess` acts on: the event of the stage, else the clock.

        From a clock or `on_start` the stage is not known beforehand: every stage's event of the name,
        and the clock with a flag for each stage in which the event is meant.
        """
        stages = self.scenario.stages if stage is None else (stage,)
        events = {
            s.name: self.first_event[s.name] + i
            for s in stages
            for i, event in enumerate((*s.events, *s.while_waiting))
            if event.name == name
        }
        found = [self.doing(at.REASSESS, at.NONE, row) for row in events.values()]
        if stage is not None and events:
            return found
        if any(clock.name == name for clock in self.scenario.clocks):
            flags = self.rows.vector(float(s.name in events) for s in self.scenario.stages)
            found.append(self.doing(at.REASSESS, flags if events else at.NONE, self.clock_row(name)))
        return found
