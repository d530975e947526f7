"""One outcome in some replications, in figures alone: nothing leads to their log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain
from typing import TypeAlias

from sim.outcomes.endpoints.time_to_event import Observation
from sim.outcomes.intervals import Figures
from sim.outcomes.results import Description
from sim.scenario.language.model import Outcome

MOST_GROUPS = 50
"""An attribute with more values than these makes no groups."""

ByReplication: TypeAlias = tuple[Figures, ...]
"""The figures of each replication."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """An outcome in each replication, for all patients it is about and for each group of `by`.

    method: of intervals over patients. note: why there are no groups. nobody: the figures of no
    patients, None where there are no groups. observation: for a time to an event.
    """

    outcome: Outcome
    description: Description
    method: str | None
    all_patients: ByReplication
    groups: Mapping[str, ByReplication]
    note: str
    nobody: Figures | None
    observation: Observation | None


def without_influences(figures: ByReplication) -> ByReplication:
    """The same figures without influences, which lead to the log."""
    return tuple(replace(one, influences={}) for one in figures)


def too_many_groups(attribute: str) -> str:
    """Why the values of an attribute make no groups."""
    return f"{attribute} has more than {MOST_GROUPS} different values: too many for groups"


def have_same_meaning(findings: Sequence[Findings]) -> bool:
    """Whether an outcome means the same in all these replications, so that they can be combined."""
    return all(one.description == findings[0].description for one in findings)


def combined_observation(findings: Sequence[Findings]) -> Observation | None:
    """How long patients were observed in all these replications."""
    found = [one.observation for one in findings if one.observation is not None]
    return reduce(Observation.combine, found) if found else None


def combine(findings: Sequence[Findings]) -> Findings:
    """One outcome in one replication after another, with the same meaning in all."""
    first, names = findings[0], _group_names(findings)
    note = next((one.note for one in findings if one.note), "")
    if len(names) > MOST_GROUPS and not note:
        note = too_many_groups(str(first.outcome.by))
    groups = (
        {}
        if note
        else {name: tuple(chain.from_iterable(_group(one, name) for one in findings)) for name in names}
    )
    every = tuple(chain.from_iterable(one.all_patients for one in findings))
    return replace(
        first, all_patients=every, groups=groups, note=note, observation=combined_observation(findings)
    )


def _group_names(findings: Sequence[Findings]) -> list[str]:
    """The names of all groups: categories as declared, numbers increasing."""
    names = list(dict.fromkeys(name for one in findings for name in one.groups))
    is_same = all(list(one.groups) == names for one in findings)
    return names if is_same else sorted(names, key=float)


def _group(findings: Findings, name: str) -> ByReplication:
    if name in findings.groups:
        return findings.groups[name]
    assert findings.nobody is not None
    return (findings.nobody,) * len(findings.all_patients)
