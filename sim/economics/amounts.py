"""Amounts as they fall due to one patient: what accrues over time, and what is due at once.

`T`, `x`, `k` and `a` as in `sim.economics.ledger`.
"""

from __future__ import annotations

from math import inf

from sim.economics import layout as due
from sim.economics.layout import YEAR
from sim.engine.expressions import choose, number
from sim.numerics.compilation import compiled, inlined
from sim.numerics.portable import exp, log1p
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables


@compiled
def force(rate: float, is_annual: bool) -> float:
    """The force of interest a day: of (1 + rate)^-t where it is annual, else of exp(-rate t), t in years."""
    return (log1p(rate) if is_annual else rate) / YEAR


@compiled
def accrue(T: Tables, x: Floats, k: Ints, a: Floats, time: float) -> None:
    """What accrues from the last change until `time`; values are read just after that change."""
    P, since = T.program, a[due.SINCE]
    if time <= since:
        return
    x[at.NOW] = since
    days = time - since
    cost_factor, qaly_factor = factors(a, time)
    cost_days, qaly_days = days, days
    if a[due.COST_FORCE] != 0.0:
        cost_days = (a[due.COST_FACTOR] - cost_factor) / a[due.COST_FORCE]
    if a[due.QALY_FORCE] != 0.0:
        qaly_days = (a[due.QALY_FACTOR] - qaly_factor) / a[due.QALY_FORCE]
    if k[due.IS_DEAD] == 0:
        life = P[due.VALUES, due.VALUES_LIFE_YEARS]
        a[life] += qaly_days
        a[life + 1] += days
    stage = k[at.TIMED_STAGE]
    node = P[P[0, at.HEAD_STAGES] + stage, due.STAGE_UTILITY] if stage != at.NONE else at.NONE
    if node == at.NONE and k[due.STATE_NOW] != at.NONE:
        node = P[P[due.VALUES, due.VALUES_STATES] + k[due.STATE_NOW], due.STATE_UTILITY]
    if node != at.NONE:
        utility = number(T, x, k, node)
        if utility != 0.0:
            enjoy(T, a, utility, qaly_days, since, time)
            if P[due.VALUES, due.VALUES_CAP] != at.NONE:
                limit(T, x, k, a, utility, time, qaly_factor)
    if stage != at.NONE:
        row = P[0, at.HEAD_STAGES] + stage
        charge(T, x, k, a, row, due.STAGE_DAILY, 1.0, stage, cost_days, since, time)
        units = P[due.VALUES, due.VALUES_UNITS]
        for j in range(P[due.VALUES, due.VALUES_N_RESOURCES]):
            if x[units + j] > 0.0:
                row = P[due.VALUES, due.VALUES_RESOURCES] + j
                charge(T, x, k, a, row, due.RESOURCE_DAILY, x[units + j], stage, cost_days, since, time)
    a[due.SINCE], a[due.COST_FACTOR], a[due.QALY_FACTOR] = time, cost_factor, qaly_factor


@inlined
def enjoy(T: Tables, a: Floats, utility: float, qaly_days: float, since: float, time: float) -> None:
    """Add quality-adjusted days: `utility` over a time that is worth `qaly_days`."""
    quality = T.program[due.VALUES, due.VALUES_QALYS]
    amount = utility * (time - since)
    a[quality] += utility * qaly_days
    a[quality + 1] += amount
    years = T.program[due.VALUES, due.VALUES_YEARS]
    n = (len(a) - years) // 2
    if n > 0:
        by_year(a, years + n, n, amount / YEAR, since, time)


@compiled
def limit(T: Tables, x: Floats, k: Ints, a: Floats, utility: float, time: float, qaly_factor: float) -> None:
    """Take off what a utility exceeds the highest of each age by, until `time`."""
    P, since = T.program, x[at.NOW]
    steps = choose(T, x, k, P[due.VALUES, due.VALUES_CAP])
    first, after = P[steps, due.STEPS_FIRST], P[steps, due.STEPS_FIRST] + P[steps, due.STEPS_N]
    born = since - (x[at.AGE] + since / YEAR) * YEAR
    for step in range(first, after):
        begins = max(since, born + T.numbers[P[step, due.STEP_AGE]] * YEAR)
        ends = born + T.numbers[P[step + 1, due.STEP_AGE]] * YEAR if step + 1 < after else inf
        ends = min(time, ends)
        if begins >= time:
            return
        excess = utility - T.numbers[P[step, due.STEP_UTILITY]]
        if ends > begins and excess > 0.0:
            days = ends - begins
            if a[due.QALY_FORCE] != 0.0:
                days = factor(a, due.QALY_FORCE, due.QALY_FACTOR, begins)
                days -= qaly_factor if ends == time else factor(a, due.QALY_FORCE, due.QALY_FACTOR, ends)
                days /= a[due.QALY_FORCE]
            enjoy(T, a, -excess, days, begins, ends)


@inlined
def factor(a: Floats, of_force: int, of_factor: int, time: float) -> float:
    """What 1 at a time is worth at the start."""
    if time == a[due.SINCE]:
        return a[of_factor]
    return exp(-a[of_force] * time) if a[of_force] != 0.0 else 1.0


@inlined
def factors(a: Floats, time: float) -> tuple[float, float]:
    """What a cost and a QALY of 1 at a time are worth at the start."""
    cost = exp(-a[due.COST_FORCE] * time) if a[due.COST_FORCE] != 0.0 else 1.0
    if a[due.QALY_FORCE] == a[due.COST_FORCE]:
        return cost, cost
    return cost, exp(-a[due.QALY_FORCE] * time) if a[due.QALY_FORCE] != 0.0 else 1.0


@inlined
def lump(T: Tables, x: Floats, k: Ints, a: Floats, row: int, column: int, times: float, stage: int) -> None:
    """Amounts at this moment, at each price of a row, a number of times."""
    if T.program[row, column + 1] > 0:
        now = x[at.NOW]
        worth = factor(a, due.COST_FORCE, due.COST_FACTOR, now)
        charge(T, x, k, a, row, column, times, stage, worth, now, now)


@compiled
def charge(
    T: Tables,
    x: Floats,
    k: Ints,
    a: Floats,
    row: int,
    column: int,
    times: float,
    stage: int,
    worth: float,
    since: float,
    time: float,
) -> None:
    """Amounts at each price, a day from `since` to `time`, or at once where these are equal.

    column: of the row, where the first price stands; their number stands in the next one. worth: that of 1 a
    day, or of 1, at the patient's start.
    """
    P = T.program
    of_stage, years = P[P[0, at.HEAD_STAGES] + stage, due.STAGE_TOTAL], P[due.VALUES, due.VALUES_YEARS]
    n_years = (len(a) - years) // 2
    for price in range(P[row, column], P[row, column] + P[row, column + 1]):
        amount = times * number(T, x, k, P[price, due.PRICE_NODE])
        if amount != 0.0:
            discounted = amount * worth
            if time > since:
                amount *= time - since
            total = P[price, due.PRICE_TOTAL]
            a[total] += discounted
            a[total + 1] += amount
            a[of_stage] += discounted
            a[of_stage + 1] += amount
            if n_years > 0:
                by_year(a, years, n_years, amount, since, time)


@compiled
def by_year(a: Floats, first: int, n: int, amount: float, since: float, time: float) -> None:
    """Add an amount that is due evenly from `since` to `time` to n years, the first at `first` in `a`."""
    year = int(since / YEAR)
    if time == since:
        if year < n:
            a[first + year] += amount
        return
    rate, begins = amount / (time - since), since
    while year < n - 1 and (year + 1) * YEAR < time:
        a[first + year] += rate * ((year + 1) * YEAR - begins)
        year += 1
        begins = year * YEAR
    a[first + min(year, n - 1)] += rate * (time - begins)
