"""What an outcome came to in some replications, in figures alone: nothing of it leads to their log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from math import inf
from typing import Any, TypeAlias

from sim.event_log.log import Floats
from sim.outcomes.intervals import Figures, Path
from sim.scenario.language.model import Outcome

MOST_GROUPS = 50
"""A number with more values than these is no way to make groups."""

Each: TypeAlias = tuple[Figures, ...]
"""The figures of each replication."""


@dataclass(frozen=True, slots=True)
class Observed:
    """How long the longest of the censored and the longest of all were followed, days; -inf of nobody."""

    censored: float = -inf
    longest: float = -inf

    @property
    def until(self) -> float:
        """So long a curve is known; for ever where all have ended by then."""
        return self.censored if -inf < self.censored >= self.longest else inf

    def and_of(self, other: Observed) -> Observed:
        return Observed(max(self.censored, other.censored), max(self.longest, other.longest))


def observed(durations: Floats, censored: Floats) -> Observed:
    """Of these patients, and of those among them who were censored."""
    return Observed(float(censored.max(initial=-inf)), float(durations.max(initial=-inf)))


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """An outcome in each replication, of all patients it is about and of each group of `by`.

    facts, interval_kind: of its measure. note: why there are no groups. nobody: the figures of no
    patients, None where there are no groups. observed: of a time to an event.
    """

    outcome: Outcome
    facts: Mapping[Path, Any]
    interval_kind: str | None
    whole: Each
    groups: Mapping[str, Each]
    note: str
    nobody: Figures | None
    observed: Observed | None


def bare(each: Each) -> Each:
    """The same figures without influences, which lead to the log."""
    return tuple(replace(figures, influences={}) for figures in each)


def too_many(attribute: str) -> str:
    """Why the values of an attribute make no groups."""
    return f"{attribute} has more than {MOST_GROUPS} different values: too many to tell apart"


def are_read_alike(of: Sequence[Findings]) -> bool:
    """Whether an outcome means the same in all these replications, so that they can be joined."""
    return all(one.facts == of[0].facts for one in of)


def observed_in_all(of: Sequence[Findings]) -> Observed | None:
    """How long patients were observed in all these replications."""
    found = [one.observed for one in of if one.observed is not None]
    return reduce(Observed.and_of, found) if found else None


def joined(of: Sequence[Findings]) -> Findings:
    """One outcome in one replication after another, that was read alike in all."""
    first, names = of[0], _names(of)
    note = next((one.note for one in of if one.note), "")
    if len(names) > MOST_GROUPS and not note:
        note = too_many(str(first.outcome.by))
    groups = (
        {} if note else {name: tuple(chain.from_iterable(_group(one, name) for one in of)) for name in names}
    )
    whole = tuple(chain.from_iterable(one.whole for one in of))
    return replace(first, whole=whole, groups=groups, note=note, observed=observed_in_all(of))


def _names(of: Sequence[Findings]) -> list[str]:
    """Of all groups, in the order they are told: categories as declared, numbers increasing."""
    names = list(dict.fromkeys(name for one in of for name in one.groups))
    is_same = all(list(one.groups) == names for one in of)
    return names if is_same else sorted(names, key=float)


def _group(findings: Findings, name: str) -> Each:
    if name in findings.groups:
        return findings.groups[name]
    assert findings.nobody is not None
    return (findings.nobody,) * len(findings.whole)
