"""Whether two runs have the same patients and the same time, so that they can be compared in pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import InputError
from sim.event_log.log import EventLog
from sim.outcomes.evaluation import Arm
from sim.outcomes.results import event_in_words, time_in_prose
from sim.scenario.language.model import Covariate, Draw, Scenario


def arm_labels(arms: Sequence[Arm]) -> dict[str, str]:
    """The label of each arm by its name.

    Arms with one label are distinguished by the name in brackets; where they only have one title, the
    names stand alone.
    """
    found = {arm.name: arm.scenario.short_title for arm in arms}
    count = Counter(found.values())
    return {
        arm.name: label if count[label] == 1 else f"{label} ({arm.name})" if arm.scenario.label else arm.name
        for arm, label in zip(arms, found.values(), strict=True)
    }


def check_comparable(reference: Arm, arm: Arm) -> None:
    """Raises: InputError, with the first reason why two arms do not have the same patients and time."""
    between = f"{reference.name} and {arm.name} cannot be compared"
    number = "give both the same number"
    runs = [
        ("the seed", reference.seed, arm.seed, "run both with one seed, for common random numbers"),
        ("the number of replications", reference.replications, arm.replications, number),
    ]
    _check_same(between, [*runs, *_settings(reference.scenario, arm.scenario)])
    if not np.array_equal(reference.log.replication, arm.log.replication):
        counts = [np.bincount(of.log.replication, minlength=1)[0] for of in (reference, arm)]
        fact = f"they have {counts[0]:,} and {counts[1]:,} patients in the first replication"
        raise InputError(f"{between}: {fact}", "the same patients go through every arm: give one number")
    _check_starting_events(reference, arm, between)
    _check_times(reference, arm, between)
    _check_patients(reference, arm, between)


def check_settings(reference: str, one: Scenario, arm: str, other: Scenario) -> None:
    """As `check_comparable`, of what two scenarios say before they are simulated. reference, arm: names."""
    _check_same(f"{reference} and {arm} cannot be compared", _settings(one, other))


def _check_same(between: str, settings: Sequence[tuple[str, Any, Any, str]]) -> None:
    for what, one, other, fix in settings:
        if one != other:
            raise InputError(f"{between}: {what} is {one} in the first and {other} in the second", fix)


def _settings(one: Scenario, other: Scenario) -> list[tuple[str, Any, Any, str]]:
    """What must be the same: called, in the reference, in the arm, and the rule with the fix."""
    days = time_in_prose
    follow_up = [
        "to the horizon" if s.patients.follow_up is None else days(s.patients.follow_up) for s in (one, other)
    ]
    warm_up = [f"{s.patients.arrivals.warm_up:.10g} days" for s in (one, other)]
    return [
        ("the horizon", days(one.horizon), days(other.horizon), "give both one `horizon`"),
        ("the follow-up", follow_up[0], follow_up[1], "give both one `patients.follow_up`"),
        ("the warm-up", warm_up[0], warm_up[1], "give both one `warm_up`"),
        *_money(one, other),
    ]


def _money(one: Scenario, other: Scenario) -> list[tuple[str, Any, Any, str]]:
    """What costs and QALYs must have in common, where both arms have them."""
    if one.economics is None or other.economics is None:
        return []
    fix = "give both one `economics.currency`, and convert the amounts"
    return [("the currency", one.economics.currency, other.economics.currency, fix)]


def _check_starting_events(reference: Arm, arm: Arm, between: str) -> None:
    """Raises: InputError where time of an outcome that both have is not counted from the same event."""
    others = {outcome.name: outcome for outcome in arm.scenario.outcomes}
    for one in reference.scenario.outcomes:
        other = others.get(one.name)
        if other is None or one.begin is None or other.begin is None or one.begin == other.begin:
            continue
        both = f"{event_in_words(one.begin)} in the first and {event_in_words(other.begin)} in the second"
        raise InputError(
            f"{between}: {one.name} counts from {both}",
            "give it one `from`, or give one of the outcomes another name",
        )


def _check_times(reference: Arm, arm: Arm, between: str) -> None:
    """Raises: InputError where a patient arrives or is followed up otherwise."""
    for what, name in (("starts on day", "begins"), ("can be observed for so many days:", "follow_up")):
        one, other = getattr(reference.log, name), getattr(arm.log, name)
        if not np.array_equal(one, other):
            i = int(np.argmax(one != other))
            both = f"{one[i]:.10g} in the first and {other[i]:.10g} in the second"
            raise InputError(
                f"{between}: patient {reference.log.patient[i]} {what} {both}",
                "patients arrive at the same times in every arm",
            )


def _check_patients(reference: Arm, arm: Arm, between: str) -> None:
    """Raises: InputError where a patient starts with another value of an attribute that both arms draw.

    A value that an arm fixes is an intervention, and so is whatever follows from it.
    """
    for name in reference.log.names.attributes:
        if name not in arm.log.names.attributes or _is_fixed(name, reference.scenario, arm.scenario):
            continue
        one, other = (_values(of.log, name) for of in (reference, arm))
        if not np.array_equal(one, other):
            i = int(np.argmax(one != other))
            both = f"{_text(one[i])} in the first and {_text(other[i])} in the second"
            raise InputError(
                f"{between}: patient {reference.log.patient[i]} starts with {name} {both}",
                "the same patients go through every arm: let an arm fix the value as its intervention, or "
                f"write `pathway.on_start: [{{set: {{{name}: ...}}}}]`",
            )


def _is_fixed(name: str, one: Scenario, other: Scenario) -> bool:
    """Whether the values of an attribute may differ because an arm fixes it, or one that it depends on."""
    for scenario in (one, other):
        table = scenario.patients.table
        if table is not None and Covariate("attribute", name) in table.columns:
            return False
    first, second = (
        next(a.initial for a in scenario.patients.attributes if a.name == name) for scenario in (one, other)
    )
    return first == second or not (isinstance(first, Draw) and isinstance(second, Draw))


def _values(log: EventLog, attribute: str) -> NDArray[Any]:
    """An attribute at the start, categories by name, shape [n_patients]."""
    what = log.names.attributes.index(attribute)
    values, categories = log.at_start[:, what], log.names.categories[what]
    if not categories:
        return values
    return np.array(categories)[values.astype(np.int64)]


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value:.10g}"
