"""The uncertainty of a vector: `{dirichlet: {bm: 138, cns: 15}}`, `{normal: {covariance: [[...], ...]}}`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import sim.units as units
from sim.errors import InputError, did_you_mean
from sim.scenario.source.record import Uncertainty
from sim.scenario.source.tree import Node, flow, plain

FAMILIES = ("dirichlet", "joint_normal")
_FORM = "write {covariance: [[0.04, 0.01], [0.01, 0.09]], log: [KEY]}"
_ROUNDING = 1e-9
"""How far below 0 a pivot may be, of its diagonal, in a covariance that is positive semi-definite."""

Matrix = tuple[tuple[float, ...], ...]


def dirichlet(node: Node, value: Node) -> Uncertainty:
    """A Dirichlet distribution of shares. A count of 0 keeps its share at 0.

    Raises: InputError.
    """
    if not isinstance(value.value, dict) or not value.value:
        fact = "the value is not a vector, and a dirichlet is for one"
        raise InputError(fact, "a vector is a mapping such as `{bm: 0.9, cns: 0.1}`")
    if not isinstance(node.value, dict):
        raise InputError(f"{flow(plain(node))} is not a dirichlet", "write {n: 100}, or a count for each key")
    parts = {key: _part(key, item) for key, item in value.value.items()}
    if abs(sum(parts.values()) - 1) > 1e-9:
        said = units.number_text(float(f"{sum(parts.values()):.12g}"))
        raise InputError(f"the parts of the value sum to {said}", "they sum to 1")
    counts = {key: _part(key, item) for key, item in node.value.items()}
    if set(counts) == {"n"} and set(parts) != {"n"}:
        zero = next((key for key, part in parts.items() if part == 0), None)
        if zero is not None or counts["n"] == 0:
            fix = "write a count for each key: 0 keeps a share at 0, a prior count (0.5, 1) lets it vary"
            raise InputError(f"{'n' if zero is None else zero} is 0", fix)
        return Uncertainty("dirichlet", counts)
    if set(counts) != set(parts):
        odd = min(set(counts) ^ set(parts))
        side = "value" if odd in counts else "dirichlet"
        raise InputError(f"`{odd}` is missing in the {side}", "write {n: 100}, or a count for each key")
    total = sum(counts.values())
    if total == 0:
        raise InputError("all counts are 0", "count at least one")
    means = {key: count / total for key, count in counts.items()}
    centre = {key: (mean, math.sqrt(mean * (1 - mean) / (total + 1))) for key, mean in means.items()}
    return Uncertainty("dirichlet", counts, centre)


def _part(key: str, item: Node) -> float:
    try:
        return units.number(item.value, negative=False)
    except InputError as error:
        raise InputError(f"{key}: {error.fact}", error.fix) from None


# ---------------------------------------------------------------- a joint normal


def joint_normal(node: Node, value: Node) -> Uncertainty:
    """A normal distribution of all entries together, of the logarithm for those under `log`.

    The covariance is in the units in which the value is written. Raises: InputError.
    """
    given = node.value if isinstance(node.value, dict) else {}
    if not isinstance(value.value, dict) or not value.value:
        fact = "the value is not a vector, and a covariance is for one"
        raise InputError(fact, "a vector is a mapping such as `{shape: 1.2, scale: 300 days}`")
    unknown = next((key for key in given if key not in ("covariance", "log")), None)
    if unknown is not None:
        raise InputError(f"a joint normal has no argument `{unknown}`", _FORM)
    if "covariance" not in given:
        raise InputError("`covariance` is missing", _FORM)
    log = _log(given.get("log"), value.value)
    scales = [_unit(key, item, is_log=key in log) for key, item in value.value.items()]
    rows = _matrix(given["covariance"], len(scales))
    _check_covariance(rows)
    covariance = tuple(
        tuple(item * one * other for item, other in zip(row, scales, strict=True))
        for row, one in zip(rows, scales, strict=True)
    )
    return Uncertainty("joint_normal", {}, covariance=covariance, log=log)


def cholesky(covariance: Sequence[Sequence[float]]) -> Matrix | None:
    """The lower triangular L with L L' = covariance; None if it is not positive semi-definite.

    The outer product form of Golub and Van Loan, Matrix Computations, section 4.2.8: a pivot of 0 leaves
    a column of 0.
    """
    n = len(covariance)
    left = [list(row) for row in covariance]
    lower = [[0.0] * n for _ in range(n)]
    for k in range(n):
        least = _ROUNDING * covariance[k][k]
        if left[k][k] < -least:
            return None
        if left[k][k] <= least:
            bounds = (_ROUNDING * covariance[k][k] * covariance[i][i] for i in range(k + 1, n))
            if any(left[i][k] ** 2 > bound for i, bound in zip(range(k + 1, n), bounds, strict=True)):
                return None
            continue
        lower[k][k] = math.sqrt(left[k][k])
        for i in range(k + 1, n):
            lower[i][k] = left[i][k] / lower[k][k]
        for i in range(k + 1, n):
            for j in range(k + 1, i + 1):
                left[i][j] -= lower[i][k] * lower[j][k]
    return tuple(tuple(row) for row in lower)


def _log(node: Node | None, value: dict[str, Node]) -> tuple[str, ...]:
    """The keys whose logarithm is normal."""
    if node is None:
        return ()
    if not isinstance(node.value, list):
        raise InputError("`log` is not a list", "write the keys whose logarithm is normal: `log: [shape]`")
    keys = tuple(str(item.value) for item in node.value)
    for key in keys:
        if key not in value:
            fix = did_you_mean(key, value) or f"its keys are {', '.join(value)}"
            raise InputError(f"log: the value has no key `{key}`", fix)
    return keys


def _unit(key: str, item: Node, *, is_log: bool) -> float:
    """The size of the unit that an entry is written in, in days or per day; 1 for a logarithm."""
    kind = units.kind(item.value)
    if kind not in ("number", "time", "rate"):
        raise InputError(
            f"{key} is `{flow(plain(item))}`, no number, time or rate", "only these are uncertain"
        )
    read = {"number": units.number, "time": units.days, "rate": units.per_day}[kind]
    number = read(item.value, negative=True)  # the shape of a gompertz may be below 0
    if is_log and number <= 0:
        raise InputError(
            f"{key} is {flow(plain(item))} and has no logarithm", "leave it out of `log`, or make it positive"
        )
    if is_log or kind == "number":
        return 1.0
    unit = str(item.value).split()[-1]
    days = units.unit_of_time(unit)
    return 1 / days if kind == "rate" else days


def _matrix(node: Node, n: int) -> Matrix:
    rows = node.value if isinstance(node.value, list) else []
    lengths = [len(row.value) if isinstance(row.value, list) else 0 for row in rows]
    if lengths != [n] * n:
        keys = "key" if n == 1 else "keys"
        fact = f"the covariance is not a list of {n} rows of {n} numbers: the value has {n} {keys}"
        raise InputError(fact, "write a row and a column for each key, in the order of the value")
    try:
        return tuple(tuple(units.number(item.value) for item in _items(row)) for row in rows)
    except InputError as error:
        raise InputError(f"covariance: {error.fact}", error.fix) from None


def _items(row: Node) -> list[Node]:
    return row.value if isinstance(row.value, list) else []


def _check_covariance(rows: Matrix) -> None:
    for i, j in combinations(range(len(rows)), 2):
        if abs(rows[i][j] - rows[j][i]) > _ROUNDING * max(abs(rows[i][j]), abs(rows[j][i])):
            low, high = units.number_text(rows[i][j]), units.number_text(rows[j][i])
            fact = f"row {i + 1} of the covariance has {low} in column {j + 1}"
            raise InputError(f"{fact}, row {j + 1} has {high} in column {i + 1}", "a covariance is symmetric")
    if cholesky(rows) is None:
        fix = "no variance is negative, no correlation beyond 1; write a rounded matrix with more digits"
        raise InputError("the covariance is not positive semi-definite", fix)
