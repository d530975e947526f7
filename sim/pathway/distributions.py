"""Distributions, ratios, probabilities and draws as rows, with every combination of choices."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import sim.distributions as distributions
import sim.units as units
from sim.errors import Problems, Where
from sim.pathway import layout as at
from sim.pathway.rows import Expressions
from sim.scenario.language.conditions import ends, mapped
from sim.scenario.language.drawn import Drawn, without_parameters
from sim.scenario.language.model import (
    UNCHANGED,
    Attribute,
    By,
    Cases,
    Categorical,
    Covariate,
    Distribution,
    Draw,
    Entries,
    Probability,
    Ratio,
    Rest,
    Scenario,
    draws_of,
    events_of,
)
from sim.scenario.language.ratios import keys_of

MakeLeaf: TypeAlias = Callable[[str, Mapping[str, Any]], distributions.Leaf]
MOST_LEAVES = 10_000
"""Combinations of choices within one distribution beyond which it is rejected."""


@dataclass(frozen=True, slots=True)
class DrawnLeaf:
    """A leaf with arguments that follow from parameters: n numbers from `at` on."""

    at: int
    kind: int
    n: int
    family: str
    arguments: Mapping[str, Any]
    where: Where


@dataclass(slots=True)
class DistributionRows:
    """Writes distributions and draws; notes those that no member of their family can follow.

    drawn: the leaves with arguments that follow from parameters.
    """

    expressions: Expressions
    problems: Problems
    leaf: MakeLeaf
    leaves: dict[str, int] = field(default_factory=dict)
    means: dict[int, distributions.Leaf] = field(default_factory=dict)
    kinds: set[int] = field(default_factory=set)
    has_rare: bool = False
    drawn: list[DrawnLeaf] = field(default_factory=list)

    # ------------------------------------------------------------ distributions

    def times(self, distribution: Any, *, numbers: bool = False) -> int:
        """The node of a distribution or of a choice of them; numbers: of attribute values, not times."""
        return self.expressions.node(distribution, lambda one: self._distribution(one, numbers))

    def _distribution(self, distribution: Distribution, numbers: bool) -> int:
        if distribution.family == "mixture_cure" and isinstance(distribution.of, By | Cases):
            spread = mapped(distribution.of, lambda inner: replace(distribution, of=inner))
            return self.times(spread, numbers=numbers)
        columns = dict.fromkeys(range(at.WIDTH), 0)
        columns[at.DIST_CURED] = columns[at.DIST_INNER] = at.NONE
        columns[at.DIST_LOW] = columns[at.DIST_HIGH] = columns[at.DIST_PLUS] = at.NONE
        columns[at.DIST_ALREADY] = columns[at.DIST_SCALE] = at.NONE
        if distribution.categorical is not None and distribution.categorical.odds_ratios:
            self._weighted_times(distribution, columns)
        else:
            self.kinds.clear()
            columns[at.DIST_LEAF] = self._leaf_node(distribution, numbers, columns)
            columns[at.DIST_KIND] = kind_of(distribution, self.kinds)
            columns.update(self._hazard_ratios(distribution.hazard_ratios))
        self._modifiers(distribution, columns)
        self.has_rare |= columns[at.DIST_KIND] > at.COMMON
        return self.expressions.rows.add(columns)

    def _weighted_times(self, distribution: Distribution, columns: dict[int, int]) -> None:
        """A list of times with odds ratios."""
        assert distribution.categorical is not None
        if distribution.hazard_ratios or distribution.already is not None or distribution.between is not None:
            self.problems.add(
                distribution.where,
                "a list of times with odds_ratios cannot be conditioned or take hazard ratios",
                "leave out `hazard_ratios`, `already` and `between`, or the `odds_ratios`",
            )
        columns[at.DIST_KIND] = at.TIMES
        columns[at.DIST_LEAF] = self.parts(distribution.categorical, self.expressions.rows.constant)
        keys = keys_of(distribution.categorical.entries)
        columns[at.DIST_RATIOS], columns[at.DIST_N_RATIOS] = self.ratios(
            distribution.categorical.odds_ratios, keys
        )

    def _hazard_ratios(self, ratios: tuple[Ratio, ...]) -> dict[int, int]:
        first, n = self.ratios(ratios)
        return {at.DIST_RATIOS: first, at.DIST_N_RATIOS: n}

    def _modifiers(self, distribution: Distribution, columns: dict[int, int]) -> None:
        number = self.expressions.number
        columns[at.DIST_TIME_RATIOS], columns[at.DIST_N_TIME_RATIOS] = self.ratios(distribution.time_ratios)
        already = distribution.already
        if already is None and distribution.family == "life_table":
            already = Covariate("current_age")
        if isinstance(already, Covariate):
            kind, index = self.expressions.codes.covariate(already)
            columns[at.DIST_ALREADY], columns[at.DIST_ALREADY_INDEX] = kind, index
        elif already is not None:
            columns[at.DIST_ALREADY], columns[at.DIST_ALREADY_INDEX] = at.ALREADY_TIME, number(already)
        if distribution.between is not None:
            columns[at.DIST_LOW], columns[at.DIST_HIGH] = (
                number(distribution.between[0]),
                number(distribution.between[1]),
            )
        if distribution.plus is not None:
            columns[at.DIST_PLUS] = number(distribution.plus)
        holds = [
            (at.SINCE_ZERO if stamp == "start" else self.expressions.codes.stamps[stamp], number(time))
            for stamp, time in distribution.not_before
        ]
        columns[at.DIST_HOLD] = self.expressions.rows.reserve(len(holds))
        columns[at.DIST_N_HOLD] = len(holds)
        for i, (stamp_code, node) in enumerate(holds):
            row = columns[at.DIST_HOLD] + i
            self.expressions.rows.put(row, {at.HOLD_STAMP: stamp_code, at.HOLD_NODE: node})

    def plain_leaf(self, distribution: int) -> int:
        """The row of the leaf that a distribution is and nothing more, NONE for any other."""
        if distribution < 0 or self.expressions.rows.rows[distribution][at.DIST_KIND] != at.PLAIN:
            return at.NONE
        leaf = self.expressions.rows.rows[distribution][at.DIST_LEAF]
        return leaf if leaf >= 0 else at.NONE

    # ------------------------------------------------------------ leaves

    def _leaf_node(self, distribution: Distribution, numbers: bool, columns: dict[int, int]) -> int:
        if distribution.family == "mixture_cure":
            return self._mixture(distribution, numbers, columns)
        if distribution.family == "attribute":
            assert isinstance(distribution.arguments, Mapping)
            columns[at.DIST_SCALE] = self.expressions.codes.attributes[distribution.arguments["attribute"]]
            days = units.unit_of_time(distribution.arguments["unit"])
            return self._leaves("fixed", {"value": days}, distribution.where, {})
        if distribution.categorical is not None:
            arguments = categorical_arguments(distribution.categorical)
            return self._leaves("categorical", arguments, distribution.where, {})
        family = "normal_number" if numbers and distribution.family == "normal" else distribution.family
        return self._leaves(family, distribution.arguments, distribution.where, {})

    def _mixture(self, distribution: Distribution, numbers: bool, columns: dict[int, int]) -> int:
        assert distribution.cured is not None
        inner = distribution.of
        assert isinstance(inner, Distribution)
        columns[at.DIST_CURED] = self.expressions.number(distribution.cured.value)
        columns[at.DIST_CURED_RATIOS], columns[at.DIST_CURED_N_RATIOS] = self.ratios(
            distribution.cured.odds_ratios
        )
        if inner.hazard_ratios or inner.time_ratios:
            row = dict.fromkeys(range(at.WIDTH), 0)
            row.update(self._hazard_ratios(inner.hazard_ratios))
            row[at.DIST_TIME_RATIOS], row[at.DIST_N_TIME_RATIOS] = self.ratios(inner.time_ratios)
            columns[at.DIST_INNER] = self.expressions.rows.add(row)
        return self._leaf_node(inner, numbers, columns)

    def _leaves(self, family: str, arguments: Any, where: Where, chosen: Mapping[Covariate, Any]) -> int:
        """The node of a family's leaves: each choice among its arguments becomes one of the whole."""
        choice = first_choice(arguments)
        if choice is None:
            return self._leaf(family, arguments, where)
        if isinstance(choice, By) and choice.covariate in chosen:
            known = dict(choice.entries)
            branch = known.get(chosen[choice.covariate], choice.rest)
            return self._leaves(family, put_choice(arguments, choice, branch), where, chosen)

        def end(branch: tuple[Any, Mapping[Covariate, Any]]) -> int:
            value, known_now = branch
            return self._leaves(family, put_choice(arguments, choice, value), where, known_now)

        if isinstance(choice, By):
            spread: Any = By(
                choice.covariate,
                tuple((key, (value, {**chosen, choice.covariate: key})) for key, value in choice.entries),
                (choice.rest, {**chosen, choice.covariate: Rest.REST}) if choice.rest is not None else None,
                choice.where,
            )
        else:
            spread = Cases(tuple((when, (value, chosen)) for when, value in choice.items), choice.where)
        if len(self.leaves) > MOST_LEAVES:
            self.problems.add(
                where,
                f"its choices combine to more than {MOST_LEAVES} distributions",
                "split the distribution",
            )
            return 0
        return self.expressions.node(spread, end)

    def _leaf(self, family: str, arguments: Mapping[str, Any], where: Where) -> int:
        arguments = arguments.get("tables", arguments) if family == "life_table" else arguments
        key = f"{family} {arguments!r}"
        if key not in self.leaves:
            follows = follows_parameters(arguments)
            try:
                leaf = self.leaf(family, without_parameters(arguments) if follows else arguments)
            except ValueError as error:
                fact, _, fix = str(error).partition(": ")
                self.problems.add(where, fact, fix)
                return 0
            rows = self.expressions.rows
            where_numbers = rows.vector(leaf.numbers)
            row = rows.add({at.LEAF_KIND: leaf.kind, at.LEAF_AT: where_numbers})
            if follows:
                self.drawn.append(
                    DrawnLeaf(where_numbers, leaf.kind, len(leaf.numbers), family, arguments, where)
                )
            self.leaves[key] = row
            self.means[row] = leaf
        self.kinds.add(self.means[self.leaves[key]].kind)
        return self.leaves[key]

    # ------------------------------------------------------------ ratios and probabilities

    def ratios(self, ratios: tuple[Ratio, ...], parts: tuple[Any, ...] = ()) -> tuple[int, int]:
        """The first row and number of rows of ratios; parts: the keys that `of` may name."""
        columns = [self._ratio(ratio, parts) for ratio in ratios]
        return self.expressions.rows.add_all(columns), len(columns)

    def _ratio(self, ratio: Ratio, parts: tuple[Any, ...]) -> dict[int, int]:
        rows, codes = self.expressions.rows, self.expressions.codes
        kind, index = codes.covariate(ratio.per) if ratio.per is not None else (at.NONE, at.NONE)
        window = at.NONE
        if is_windowed(ratio):
            wane = ratio.wane if ratio.wane is not None else (math.inf, math.inf)
            window = rows.vector((ratio.begin, ratio.end, *wane))
        since = at.SINCE_BEGAN
        if ratio.since:
            since = at.SINCE_ZERO if ratio.since == "start" else codes.stamps[ratio.since]
        return {
            at.RATIO_WHEN: self.expressions.condition(ratio.when),
            at.RATIO_VALUE: self.expressions.number(ratio.value),
            at.RATIO_IS_LOG: ratio.is_log,
            at.RATIO_PER: kind,
            at.RATIO_PER_INDEX: index,
            at.RATIO_CENTRE: rows.constant(ratio.centre),
            at.RATIO_ABOVE: ratio.above,
            at.RATIO_WINDOW: window,
            at.RATIO_SINCE: since,
            at.RATIO_OF: rows.vector(float(key in ratio.of) for key in parts) if parts else at.NONE,
        }

    def chance(self, probability: Probability) -> tuple[int, int, int]:
        """Node, first ratio and number of ratios of a single probability."""
        return (self.expressions.number(probability.value), *self.ratios(probability.odds_ratios))

    def parts(self, categorical: Categorical[Any], key: Any) -> int:
        """The node of a distribution over parts; `key` gives the code of each part's key."""
        position = {name: i for i, name in enumerate(keys_of(categorical.entries))}

        def end(entries: Entries[Any]) -> int:
            rows = self.expressions.rows
            nodes = [
                at.REST_NODE if isinstance(p, Rest) else self.expressions.number(p) for _, p in entries.parts
            ]
            first = rows.reserve(len(nodes))
            for i, ((name, _), node) in enumerate(zip(entries.parts, nodes, strict=True)):
                columns = {at.PART_KEY: key(name), at.PART_CHANCE: node, at.PART_POSITION: position[name]}
                rows.put(first + i, columns)
            return rows.add({at.PARTS_FIRST: first, at.PARTS_N: len(nodes)})

        return self.expressions.node(categorical.entries, end)

    # ------------------------------------------------------------ draws

    def draw(self, draw: Draw, attribute: Attribute, name: str, scores: Mapping[str, int]) -> dict[int, int]:
        """The columns of a draw of an attribute; scores: where followed attributes keep theirs."""
        rows, codes = self.expressions.rows, self.expressions.codes
        columns = dict.fromkeys(range(at.WIDTH), 0)
        columns[at.DRAW_ATTRIBUTE] = codes.attributes[attribute.name]
        columns[at.DRAW_DRAW] = rows.draw(name)
        columns[at.DRAW_SCORE] = scores.get(attribute.name, at.NONE)
        columns[at.DRAW_FOLLOWS] = at.NONE
        if draw.follows is not None:
            other, correlation = draw.follows
            columns[at.DRAW_FOLLOWS] = scores[other]
            columns[at.DRAW_CORRELATION] = rows.vector((correlation, math.sqrt(1.0 - correlation**2)))
        if draw.bernoulli is not None:
            columns[at.DRAW_KIND] = at.BERNOULLI
            columns[at.DRAW_A], columns[at.DRAW_RATIOS], columns[at.DRAW_N_RATIOS] = self.chance(
                draw.bernoulli
            )
        elif draw.categorical is not None:
            covariate = Covariate("attribute", attribute.name)

            def key(value: Any) -> int:
                if value == UNCHANGED:
                    return at.UNCHANGED_KEY
                return rows.constant(codes.value(covariate, value))

            columns[at.DRAW_KIND] = at.CATEGORICAL
            columns[at.DRAW_A] = self.parts(draw.categorical, key)
            columns[at.DRAW_RATIOS], columns[at.DRAW_N_RATIOS] = self.ratios(
                draw.categorical.odds_ratios, keys_of(draw.categorical.entries)
            )
        else:
            columns[at.DRAW_KIND] = at.NUMBER
            columns[at.DRAW_A] = self.times(draw.distribution, numbers=True)
        return columns


def is_windowed(ratio: Ratio) -> bool:
    """Whether a ratio is limited in time."""
    return ratio.begin > 0 or math.isfinite(ratio.end) or ratio.wane is not None


def kind_of(distribution: Distribution, kinds: set[int]) -> int:
    """Whether a distribution is its leaf alone, modified in a common way, or in another.

    kinds: those of the leaves its choices end in.
    """
    d, inner = distribution, distribution.of if isinstance(distribution.of, Distribution) else None
    if d.already is not None or d.between is not None or d.not_before:
        return at.MODIFIED
    if any(one.family in ("life_table", "attribute") for one in (d, inner) if one is not None):
        return at.MODIFIED
    if any(is_windowed(ratio) for ratio in d.hazard_ratios):
        return at.MODIFIED
    if inner is not None and (inner.hazard_ratios or inner.time_ratios):
        return at.MODIFIED
    needs_time = inner is not None or d.hazard_ratios
    if not kinds <= set(distributions.KINDS_WITH_COMMON_TIME if needs_time else distributions.COMMON_KINDS):
        return at.MODIFIED
    return at.COMMON if needs_time or d.time_ratios or d.plus is not None else at.PLAIN


def follows_parameters(value: Any) -> bool:
    """Whether a number among the arguments of a family follows from parameters."""
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    return isinstance(value, Drawn) or any(follows_parameters(item) for item in items)


def first_choice(value: Any) -> Any:
    """The first choice within the arguments of a family, outermost first; None where there is none."""
    if isinstance(value, By | Cases):
        return value
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    for item in items:
        found = first_choice(item)
        if found is not None:
            return found
    return None


def put_choice(value: Any, choice: Any, branch: Any) -> Any:
    """The arguments with one choice replaced by one of its branches."""
    if value is choice:
        return branch
    if isinstance(value, Mapping):
        return {key: put_choice(item, choice, branch) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(put_choice(item, choice, branch) for item in value)
    return value


def categorical_arguments(categorical: Categorical[float]) -> Any:
    """A list of times without ratios as the arguments of a family."""

    def arguments(entries: Entries[float]) -> dict[str, Any]:
        times = tuple(key for key, _ in entries.parts)
        return {"times": times, "probabilities": tuple(p for _, p in entries.parts)}

    return mapped(categorical.entries, arguments)


def most_windows(scenario: Scenario) -> int:
    """The largest number of hazard ratios of one distribution."""
    values = [event.after for _, event in events_of(scenario)]
    values += [draw.distribution for draw in draws_of(scenario) if draw.distribution is not None]
    return max((len(one.hazard_ratios) for value in values for one in ends(value)), default=0)
