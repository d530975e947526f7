"""The values that parameters are drawn to have, checked against the rules of the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import Problems
from sim.scenario.language.drawn import Occurrence, Values, occurrences, rebuild
from sim.scenario.language.model import By, Cases, Entries, Ratio, Rest, Scenario
from sim.scenario.language.ratios import WEIGHT_TOLERANCE, totals
from sim.units import number_text

Numbers = NDArray[np.float64]
Rule = tuple[Callable[[Numbers], NDArray[np.bool_]], str]
"""Which values are allowed, and the words for it."""

InWords = Callable[[int], str]

ANY: Rule = (np.isfinite, "is a finite number")
NOT_NEGATIVE: Rule = (lambda x: (x >= 0.0) & (x < np.inf), "is 0 or more")
ABOVE_ZERO: Rule = (lambda x: (x > 0.0) & (x < np.inf), "is above 0")
SHARE: Rule = (lambda x: (x >= 0.0) & (x <= 1.0), "is a probability, between 0 and 1")
AT_MOST_1: Rule = (lambda x: x <= 1.0, "is at most 1, full health")
DISCOUNT: Rule = (lambda x: (x >= 0.0) & (x < 1.0), "is between 0 and 1")

RULES: Mapping[str, Rule] = {
    "Arrivals.interval": ABOVE_ZERO,
    "Arrivals.lasting": ABOVE_ZERO,
    "Arrivals.rates": NOT_NEGATIVE,
    "Attribute.initial": ANY,
    "Action.value": ANY,
    "Distribution.already": NOT_NEGATIVE,
    "Distribution.arguments": ANY,  # each family checks its own
    "Distribution.between": ANY,
    "Distribution.not_before": NOT_NEGATIVE,
    "Distribution.plus": NOT_NEGATIVE,
    "Economics.discount_cost": DISCOUNT,
    "Economics.discount_qaly": DISCOUNT,
    "Economics.threshold": ABOVE_ZERO,
    "Economics.utility_cap": AT_MOST_1,
    "Entries.parts": SHARE,
    "Event.cost": NOT_NEGATIVE,
    "Event.qaly": ANY,
    "EventSelector.within": NOT_NEGATIVE,
    "Outcome.above": NOT_NEGATIVE,
    "Probability.value": SHARE,
    "Ratio.begin": NOT_NEGATIVE,
    "Ratio.centre": ANY,
    "Ratio.end": NOT_NEGATIVE,
    "Ratio.value": NOT_NEGATIVE,
    "Ratio.wane": NOT_NEGATIVE,
    "Resource.cost_per_day": NOT_NEGATIVE,
    "Resource.cost_per_day_of_capacity": NOT_NEGATIVE,
    "Resource.cost_per_use": NOT_NEGATIVE,
    "Stage.utility": AT_MOST_1,
    "StageCost.on_entry": NOT_NEGATIVE,
    "StageCost.per_day": NOT_NEGATIVE,
    "State.utility": AT_MOST_1,
    "Test.value": ANY,
}
"""What a number must be, by the innermost part of a scenario that it stands in."""


_FIX = "give it an uncertainty that stays within this range; no draw is cut off"


def place_of(one: Occurrence) -> tuple[Any, str]:
    """The innermost part of a scenario that a number stands in, choices aside, and its field."""
    return next((part, name) for part, name in reversed(one.owners) if not isinstance(part, By | Cases))


def uses(scenario: Scenario) -> dict[str, set[str]]:
    """Where each parameter stands, as in `RULES`, for the parameters that a scenario keeps."""
    found: dict[str, set[str]] = {}
    for one in occurrences(scenario):
        part, field = place_of(one)
        for name, _ in one.number.columns:
            found.setdefault(name, set()).add(f"{type(part).__name__}.{field}")
    return found


def check_draws(
    scenario: Scenario, values: Values, numbers: Sequence[int], *, in_words: InWords = "in draw {}".format
) -> None:
    """Check every number that follows from parameters in every draw.

    scenario: one that keeps these parameters. values: an array [n_draws] for each. numbers: of the draws.
    in_words: where a number is wrong, from the number of the draw.
    Raises: ScenarioError naming the parameter, the draw and the place.
    """
    check = _Check(scenario, values, numbers, in_words, Problems())
    found = list(occurrences(scenario))
    for one in found:
        check.number(one)
    check.problems.stop_if_any()
    sums = {id(part): (part, one) for one in found for part, _ in one.owners if isinstance(part, Entries)}
    for entries, one in sums.values():
        check.sum(entries, one)
    check.problems.stop_if_any()


@dataclass(frozen=True, slots=True)
class _Check:
    """The draws that are checked, and the problems found."""

    scenario: Scenario
    values: Values
    numbers: Sequence[int]
    in_words: InWords
    problems: Problems

    def number(self, one: Occurrence) -> None:
        """A number by the rule of the place where it stands."""
        owner, field = place_of(one)
        rule = RULES.get(f"{type(owner).__name__}.{field}")
        if rule is None:
            fact = f"{_names(one)} is drawn, and stands where no number can be drawn"
            self._add(one, fact, "leave out its `uncertainty`, or write the number itself here")
            return
        if field == "value" and isinstance(owner, Ratio):
            is_time = any(name == "time_ratios" for _, name in one.owners)
            rule = ANY if owner.is_log else ABOVE_ZERO if is_time else NOT_NEGATIVE
        is_allowed, words = rule
        found = np.broadcast_to(np.asarray(one.number.at(self.values), np.float64), len(self.numbers))
        wrong = np.flatnonzero(~is_allowed(found))
        if len(wrong):
            i = int(wrong[0])
            own = ", ".join(_short(self.values[column][i]) for column in sorted(one.number.columns))
            made = "" if one.number.operation is None else f", which makes {_short(found[i])} here"
            fact = f"{_names(one)} is {own} {self.in_words(self.numbers[i])}{made}; a number here {words}"
            self._add(one, fact, "give it an uncertainty that stays within this range; no draw is cut off")

    def sum(self, entries: Entries[Any], one: Occurrence) -> None:
        """The probabilities of a distribution over parts: 1 in all, at most 1 with `rest`, in every draw."""
        changed = rebuild(entries)
        assert changed is not None
        has_rest = any(isinstance(part, Rest) for _, part in entries.parts)
        for i, number in enumerate(self.numbers):
            in_draw = changed({column: float(array[i]) for column, array in self.values.items()})
            for total in totals([part for _, part in in_draw.parts if not isinstance(part, Rest)]):
                if total > 1.0 + WEIGHT_TOLERANCE or (not has_rest and total < 1.0 - WEIGHT_TOLERANCE):
                    said = number_text(round(float(total), 12))
                    fact = f"with {_names(one)} the probabilities sum to {said} {self.in_words(number)}"
                    self._add(one, fact, "draw them as one vector (`dirichlet`), or mark one part `rest`")
                    return

    def _add(self, one: Occurrence, fact: str, fix: str) -> None:
        """Add a problem at the place where the number stands, else at that of its parameter."""
        declared = {parameter.name: parameter.where for parameter in self.scenario.parameters}
        self.problems.add(one.where or declared[min(one.number.columns)[0]], fact, fix)


def _names(one: Occurrence) -> str:
    return ", ".join(f"`{name}.{key}`" if key else f"`{name}`" for name, key in sorted(one.number.columns))


def _short(number: float) -> str:
    return number_text(float(f"{number:.6g}")) if np.isfinite(number) else "infinite"
