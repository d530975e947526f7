"""The record of how a scenario came about: its parameters and the changes of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.errors import Where


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """The distribution of a parameter, in days and per day.

    family: a family of one number, `dirichlet`, `joint_normal` or `empirical`. arguments: by name; of a
    dirichlet `n` or a count for each key. centre: the mean (lognormal: the median) and sd that the
    arguments say, None where the value is the centre; of a dirichlet with counts, of each key.
    follows: (other parameter, correlation). covariance: of a joint normal, a row for each key of the
    value, of the logarithm for the keys in `log`. sample: the values of an empirical distribution, each
    as probable; file: the table they are from, as written, "" for a list.
    """

    family: str
    arguments: Mapping[str, float]
    centre: Mapping[str, tuple[float, float]] | None = None
    follows: tuple[str, float] | None = None
    covariance: tuple[tuple[float, ...], ...] = ()
    log: tuple[str, ...] = ()
    sample: tuple[float, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as it entered the run: `text` is its value in the scenario's own words.

    values: (key, number) of each part, in days and per day; the key is "" for one number, the index in a
    list; () where a part is not a number. units: of each, as written: "", `months`, `per year`. drawn:
    its distribution. refers_to: the parameters that give its value or parts of it.
    """

    name: str
    text: str
    uncertainty: str
    source: str
    status: str
    where: Where = field(compare=False)
    values: tuple[tuple[str, float], ...] = ()
    units: tuple[str, ...] = ()
    drawn: Uncertainty | None = None
    refers_to: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`number`, `time` or `rate`; `mixed` where the parts of a vector differ; `text` without numbers."""
        kinds = {"rate" if unit.startswith("per ") else "time" if unit else "number" for unit in self.units}
        return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "text"


@dataclass(frozen=True, slots=True)
class Change:
    """One path that a layer changed, added or removed; texts as written, "" where there is none."""

    layer: str
    path: str
    old: str
    new: str
