"""Values of a resolved scenario: conditions, choices, ratios, distributions, draws and effects, frozen.

All times are in days, all rates per day. A `Value[T]` is a T, or a choice between Ts that depends on the
patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeAlias, TypeVar, Union

from sim.errors import Where

T = TypeVar("T")
K = TypeVar("K")

Scalar: TypeAlias = float | str | bool
"""A number (always float), a category, or yes/no (bool). Check bool before float."""


class Rest(StrEnum):
    """The part of a distribution that takes the remaining probability."""

    REST = "rest"


REST = Rest.REST
STAY = "stay"
UNCHANGED = "unchanged"

# ---------------------------------------------------------------- conditions
# A condition defined under `conditions` keeps its name for outputs; nothing depends on it.


@dataclass(frozen=True, slots=True)
class Covariate:
    """What a condition or a ratio reads.

    kind: attribute | stage | current_age | days_in_stage | visits | since | waited | queue | free.
    name: the attribute, stage (visits, waited), stamp (since; `start` too) or resource; "" where
    the kind needs none.
    """

    kind: str
    name: str = ""

    def __str__(self) -> str:
        if self.kind == "attribute":
            return self.name
        return f"{self.kind}.{self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Test:
    """`covariate operator value`; operator: is is_not in at_least at_most above below.

    value: a Scalar, for `in` a tuple of Scalars. A bare value in the file is `is`, a covariate
    with several operators becomes several Tests.
    """

    covariate: Covariate
    operator: str
    value: Scalar | tuple[Scalar, ...]
    where: Where = field(compare=False)
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every item holds (a mapping or a list in the file); empty: holds."""

    items: tuple[Condition, ...]
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one item holds; empty: does not hold."""

    items: tuple[Condition, ...]
    name: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class NoneOf:
    """No item holds; empty: holds."""

    items: tuple[Condition, ...]
    name: str = field(default="", compare=False)


Condition: TypeAlias = Test | AllOf | AnyOf | NoneOf

# ---------------------------------------------------------------- values and choices


@dataclass(frozen=True, slots=True)
class By(Generic[T]):
    """`{by: sex, male: ..., female: ..., rest: ...}`; entries in file order."""

    covariate: Covariate
    entries: tuple[tuple[Scalar, Value[T]], ...]
    rest: Value[T] | None
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Cases(Generic[T]):
    """`[{when: ..., value: ...}, {value: ...}]`; the first item that holds; the last has no condition."""

    items: tuple[tuple[Condition | None, Value[T]], ...]
    where: Where = field(compare=False)


Value: TypeAlias = Union[T, "By[T]", "Cases[T]"]

# ---------------------------------------------------------------- distributions


@dataclass(frozen=True, slots=True)
class Ratio:
    """One item of `time_ratios`, `hazard_ratios` or `odds_ratios`.

    value: the ratio itself, or its logarithm where is_log. per: raised to (covariate - centre),
    and where above is set the exponent is max(0, covariate - centre).
    begin, end: days; the ratio acts in [begin, end) (end inf: for ever).
    wane: (from, to) days, linear from the ratio to 1 between them; None: no waning.
    since: the stamp that begin, end and wane count from; "" when the time began to run.
    of: for odds_ratios the entries it acts on; empty where there is but one probability.
    """

    value: Value[float]
    is_log: bool
    when: Condition | None
    per: Covariate | None
    centre: float
    above: bool
    begin: float
    end: float
    wane: tuple[float, float] | None
    since: str
    of: tuple[Scalar, ...]
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Probability:
    """A probability with the odds ratios beside it."""

    value: Value[float]
    odds_ratios: tuple[Ratio, ...]
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Entries(Generic[K]):
    """One distribution over finitely many outcomes, in file order; at most one part is REST."""

    parts: tuple[tuple[K, Value[float] | Rest], ...]


@dataclass(frozen=True, slots=True)
class Categorical(Generic[K]):
    """A draw over finitely many outcomes; ratios' `of` name keys."""

    entries: Value[Entries[K]]
    odds_ratios: tuple[Ratio, ...]
    where: Where = field(compare=False)


Arguments: TypeAlias = Mapping[str, Any]
"""The named arguments of a family, in days and per day.

Each a Value[float], or for lists and points a tuple of these; keys per family:
fixed: value | uniform: low high | triangular, pert: low mode high | exponential: rate |
weibull, weibull_ph, loglogistic: shape scale | gompertz: shape rate |
lognormal: meanlog sdlog | gamma: shape rate-or-scale | generalised_gamma: mu sigma Q |
generalised_f: mu sigma Q P | royston_parmar: scale (text) gamma knots (tuples) | normal: mean sd |
beta: mean sd, or a b | poisson: mean | piecewise_exponential: steps ((time, rate), ...) or
survival/risk points with `then` | survival_table: points ((time, survival), ...).
In place of the scale or rate: mean, median; in place of the shape too: sd, iqr (q25, q75),
survival ((time, S), ...), risk ((time, 1 - S), ...). `sigma` is read as sdlog.
attribute: its name and the unit of time it is in, both texts.
life_table: `tables`, a Value over the attributes that its columns name of
{"ages": (years, ...), "rates": (per year, ...)}.
"""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distribution of a time (days) or, in an attribute or draw, of a number; with its modifiers.

    family: a name of section 4 of the language, or `categorical` (categorical is set) or
    `mixture_cure` (cured and of are set). arguments: a choice may stand for all of them at once
    or for any one of them.
    already: None, a Value[float] in days, Covariate("current_age") or Covariate("since", STAMP).
    """

    family: str
    arguments: Value[Arguments]
    where: Where = field(compare=False)
    categorical: Categorical[float] | None = None
    cured: Probability | None = None
    of: Value[Distribution] | None = None
    time_ratios: tuple[Ratio, ...] = ()
    already: Value[float] | Covariate | None = None
    hazard_ratios: tuple[Ratio, ...] = ()
    between: tuple[Value[float], Value[float]] | None = None
    plus: Value[float] | None = None
    not_before: tuple[tuple[str, Value[float]], ...] = ()


# ---------------------------------------------------------------- attributes, draws, effects


@dataclass(frozen=True, slots=True)
class Draw:
    """A distribution of an attribute's value.

    Exactly one of distribution (numbers), categorical, bernoulli is set. A categorical key may be UNCHANGED
    in a `draw` effect. follows: (other attribute, correlation) or None.
    """

    distribution: Value[Distribution] | None
    categorical: Categorical[Scalar] | None
    bernoulli: Probability | None
    follows: tuple[str, float] | None
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Attribute:
    """kind: number | yes_no | category. initial: a value (or choice of values), or a Draw."""

    name: str
    kind: str
    categories: tuple[str, ...]
    initial: Value[Scalar] | Draw
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Action:
    """One doing. word: set | add | copy | draw | start | stop | reassess | stamp.

    target: attribute (set add copy draw), clock (start stop), event or clock (reassess), stamp.
    value: Value[Scalar] (set), Value[float] (add), attribute name (copy), Draw (draw), else None.
    """

    word: str
    target: str
    value: Any
    where: Where = field(compare=False)


@dataclass(frozen=True, slots=True)
class Effect:
    """Actions in the order written, all behind one condition that is read once, before them."""

    when: Condition | None
    actions: tuple[Action, ...]
