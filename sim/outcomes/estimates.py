"""The table of estimates and the table of differences: a row for each number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite, isnan, nan
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.event_log.log import Floats


class EstimateRow(NamedTuple):
    """One estimate.

    outcome: its name, `resources.NAME` for a resource. arm: "" in a single run. group: the value of
    `by`, "" for all patients. part: a competing end, a category, a step of a funnel, `served` or
    `left`, else "". time_days: days from `from`, nan where there is none. low, high: 95% interval.
    n: patients (or waits) behind the number. method: of the interval. note: why there is none.
    """

    outcome: str
    arm: str
    group: str
    part: str
    measure: str
    time_days: float
    unit: str
    estimate: float
    standard_error: float = nan
    low: float = nan
    high: float = nan
    n: float = nan
    method: str = ""
    note: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a number."""
        return not isnan(self.estimate)

    @property
    def has_interval(self) -> bool:
        """Whether there is at least one limit."""
        return not (isnan(self.low) and isnan(self.high))


class DifferenceRow(NamedTuple):
    """One difference between an arm and the reference, the arm's estimate less the reference's.

    The measure `hazard_ratio` is the ratio itself, with the standard error of its logarithm;
    `wasserstein_distance` and `log_rank...` have no interval. independent_low, independent_high: the
    interval that runs without common patients would have. variance_ratio: variance without pairing
    over variance with it. method: of the interval. note: what to know of the interval.
    """

    outcome: str
    arm: str
    reference: str
    group: str
    part: str
    measure: str
    time_days: float
    unit: str
    difference: float
    standard_error: float = nan
    low: float = nan
    high: float = nan
    independent_low: float = nan
    independent_high: float = nan
    variance_ratio: float = nan
    method: str = ""
    note: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a number."""
        return not isnan(self.difference)

    @property
    def has_interval(self) -> bool:
        """Whether there is at least one limit."""
        return not (isnan(self.low) and isnan(self.high))


class IncrementalRow(NamedTuple):
    """One step of an incremental analysis: an arm and what it is compared with, discounted.

    analysis: `reference` (each arm against the reference) or `frontier` (each arm of the full analysis
    against the one before it on the frontier). compared_with: "" where with none. cost, qaly: means of
    the arm. incremental_...: differences, with their standard errors and their correlation. icer: cost
    per QALY gained, with its 95% confidence set (Fieller): `interval` [low, high], `two rays` (up to low
    and from high), `everything`, "" for none. net_benefit: incremental, in money at the threshold.
    """

    analysis: str
    arm: str
    compared_with: str
    currency: str
    cost: float
    qaly: float
    status: str
    incremental_cost: float = nan
    incremental_qaly: float = nan
    cost_error: float = nan
    qaly_error: float = nan
    correlation: float = nan
    icer: float = nan
    low: float = nan
    high: float = nan
    confidence_set: str = ""
    threshold: float = nan
    net_benefit: float = nan
    net_benefit_error: float = nan
    note: str = ""


Row = TypeVar("Row", EstimateRow, DifferenceRow, IncrementalRow)
Code = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Table(Generic[Row]):
    """Rows of numbers with their labels, column by column.

    key: the columns that identify a row, together with `reference` of a difference. codes: text columns
    as indices into `names`, int32 [n_rows]. numbers: float64 [n_rows], nan where there is no number.
    """

    row_type: ClassVar[Any]
    key: ClassVar[tuple[str, ...]] = ("outcome", "measure", "arm", "group", "part", "time_days")
    not_json: ClassVar[frozenset[str]] = frozenset()
    codes: Mapping[str, Code]
    names: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, Floats]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Self:
        """The table of these rows, in their order."""
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [() for _ in cls.row_type._fields]
        codes, names, numbers = {}, {}, {}
        types = cls.row_type.__annotations__
        for name, column in zip(cls.row_type._fields, columns, strict=True):
            if "str" in str(types[name]):
                index = {text: i for i, text in enumerate(dict.fromkeys(column))}
                codes[name] = np.array([index[text] for text in column], np.int32)
                names[name] = tuple(index)
            else:
                numbers[name] = np.array(column, np.float64)
        return cls(codes, names, numbers)

    @classmethod
    def concatenate(cls, tables: Iterable[Self]) -> Self:
        """The rows of several tables, one after the other."""
        return cls.of(row for table in tables for row in table)

    def __len__(self) -> int:
        return len(next(iter(self.numbers.values())))

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        columns = [
            self.numbers[name].tolist() if name in self.numbers else self._texts(name)
            for name in self.row_type._fields
        ]
        return tuple(map(self.row_type._make, zip(*columns, strict=True)))

    @cached_property
    def _index(self) -> dict[tuple[Any, ...], Row]:
        rows = reversed(self._rows)
        return {tuple(_key(getattr(row, name)) for name in self.key): row for row in rows}

    def _texts(self, column: str) -> list[str]:
        names = self.names[column]
        return [names[code] for code in self.codes[column].tolist()]

    def where(self, **labels: str | float | None) -> Self:
        """The rows with these labels; time_days None for rows without a time."""
        keep = np.ones(len(self), bool)
        for name, value in labels.items():
            if name in self.codes:
                names = self.names[name]
                keep &= self.codes[name] == (names.index(value) if value in names else -1)
            elif value is None:
                keep &= np.isnan(self.numbers[name])
            else:
                keep &= self.numbers[name] == value
        return type(self)(
            {name: codes[keep] for name, codes in self.codes.items()},
            self.names,
            {name: values[keep] for name, values in self.numbers.items()},
        )

    def find(self, *first: str, **others: str | float | None) -> Row | None:
        """The first row with these labels and no others; None where there is none.

        first: the first labels of `key`, in their order. others: further ones by name. Raises: KeyError.
        """
        empty = {name: None if name in self.numbers else "" for name in self.key}
        labels = empty | dict(zip(self.key, first, strict=False)) | others
        if len(labels) > len(self.key):
            raise KeyError(f"one of {', '.join(others)} is no label")
        return self._index.get(tuple(labels.values()))

    def present(self, column: str) -> tuple[str, ...]:
        """The different texts of a column, in the order of their first row."""
        codes = self.codes[column]
        first = np.unique(codes, return_index=True)[1]
        return tuple(self.names[column][codes[i]] for i in sorted(first.tolist()))

    def relabelled(self, **texts: str) -> Self:
        """The same rows with one text in the whole of these columns."""
        codes = {name: np.zeros(len(self), np.int32) for name in texts}
        return replace(
            self,
            codes={**self.codes, **codes},
            names={**self.names, **{name: (text,) for name, text in texts.items()}},
        )

    def records(self) -> list[dict[str, Any]]:
        """The rows ready for JSON: None for what does not exist."""
        return [
            {name: _plain(value) for name, value in row._asdict().items() if name not in self.not_json}
            for row in self._rows
        ]


def _key(value: str | float) -> str | float | None:
    return None if isinstance(value, float) and isnan(value) else value


def _plain(value: str | float) -> str | float | int | None:
    if isinstance(value, str):
        return value
    return value if isfinite(value) else None


class Estimates(Table[EstimateRow]):
    """Every estimate of one or several arms."""

    row_type = EstimateRow


class Incremental(Table[IncrementalRow]):
    """The incremental analysis of several arms."""

    row_type = IncrementalRow
    key = ("analysis", "arm")


class Differences(Table[DifferenceRow]):
    """Every paired difference from the reference."""

    row_type = DifferenceRow
    not_json = frozenset({"method", "note"})
