"""What is true of a patient at this moment: covariates, conditions, choices, ratios.

Every function takes the tables `T` and the patient's `x` (float64) and `k` (int64), as laid out in
`sim.pathway.layout`.
"""

from __future__ import annotations

from math import inf, nan

from sim.numerics.compilation import compiled, inlined
from sim.numerics.portable import exp, expm1, log, log1p
from sim.pathway import layout as at
from sim.pathway.layout import Floats, Ints, Tables

DAYS_PER_YEAR = 365.25
SMALLEST, LARGEST = 2.2250738585072014e-308, 1.7976931348623157e308
"""Normal float64 numbers lie between them."""


@inlined
def covariate(T: Tables, x: Floats, k: Ints, kind: int, index: int) -> float:
    """The value a condition or a ratio reads; nan for a stamp never set, and for no stage yet."""
    if kind == at.ATTRIBUTE:
        return x[at.FIRST_ATTRIBUTE + index]
    if kind == at.STAGE:
        stage = k[at.STAGE_NOW] if k[at.STAGE_NOW] != at.NONE else k[at.ASKED]
        return float(stage) if stage != at.NONE else nan
    if kind == at.CURRENT_AGE:
        return x[at.AGE] + x[at.NOW] / DAYS_PER_YEAR
    if kind == at.DAYS_IN_STAGE:
        return x[at.NOW] - x[at.ENTERED]
    if kind == at.VISITS:
        return float(k[T.program[0, at.HEAD_VISITS] + index])
    if kind == at.SINCE:
        stamped = x[T.program[0, at.HEAD_STAMPS] + index]
        return x[at.NOW] - stamped
    if kind == at.SINCE_START:
        return x[at.NOW]
    if kind == at.WAITED:
        return x[T.program[0, at.HEAD_WAITED] + index]
    if kind == at.QUEUE:
        return T.numbers[index]
    return T.numbers[T.program[at.MORE, at.MORE_N_RESOURCES] + index]


@inlined
def compares(T: Tables, value: float, operator: int, first: int, n: int) -> bool:
    """Whether `value operator constant` holds; never for nan."""
    if value != value:
        return False
    constant = T.numbers[first]
    if operator == at.IS:
        return value == constant
    if operator == at.IS_NOT:
        return value != constant
    if operator == at.AT_LEAST:
        return value >= constant
    if operator == at.AT_MOST:
        return value <= constant
    if operator == at.ABOVE:
        return value > constant
    if operator == at.BELOW:
        return value < constant
    for i in range(first, first + n):
        if value == T.numbers[i]:
            return True
    return False


@inlined
def holds(T: Tables, x: Floats, k: Ints, condition: int) -> bool:
    """Whether a condition holds; NONE always does."""
    return condition == at.HOLDS or follow(T, x, k, condition)


@compiled
def follow(T: Tables, x: Floats, k: Ints, condition: int) -> bool:
    """Whether a condition holds: follow the jumps of its instructions."""
    P = T.program
    row = condition
    while row >= 0:
        value = covariate(T, x, k, P[row, at.IF_COVARIATE], P[row, at.IF_INDEX])
        if compares(T, value, P[row, at.IF_OPERATOR], P[row, at.IF_VALUE], P[row, at.IF_N]):
            row = P[row, at.IF_TRUE]
        else:
            row = P[row, at.IF_FALSE]
    return row == at.HOLDS


@inlined
def choose(T: Tables, x: Floats, k: Ints, node: int) -> int:
    """The index that a value node ends in for this patient."""
    return node if node >= 0 else chosen(T, x, k, node)


@compiled
def chosen(T: Tables, x: Floats, k: Ints, node: int) -> int:
    """Follow the choices of a value node to the index it ends in."""
    P = T.program
    while node < 0:
        row = -node - 1
        first = P[row, at.CHOICE_FIRST]
        after = first + P[row, at.CHOICE_N]
        if P[row, at.CHOICE_KIND] == at.BY:
            value = covariate(T, x, k, P[row, at.CHOICE_COVARIATE], P[row, at.CHOICE_INDEX])
            node = P[row, at.CHOICE_REST]
            for item in range(first, after):
                if T.numbers[P[item, at.ITEM_KEY]] == value:
                    node = P[item, at.ITEM_NODE]
                    break
            if node == at.NO_NODE:
                k[at.STATUS] = at.NO_ENTRY
                node = P[first, at.ITEM_NODE]
        else:
            for item in range(first, after):
                if holds(T, x, k, P[item, at.ITEM_KEY]):
                    node = P[item, at.ITEM_NODE]
                    break
    return node


@inlined
def number(T: Tables, x: Floats, k: Ints, node: int) -> float:
    """The number a value node stands for."""
    return T.numbers[choose(T, x, k, node)]


@compiled
def ratio(T: Tables, x: Floats, k: Ints, row: int) -> float:
    """The value of one ratio at this moment, whatever its window; 1 where it does not act."""
    P = T.program
    if P[row, at.RATIO_PER] == at.NONE and not P[row, at.RATIO_IS_LOG]:
        return number(T, x, k, P[row, at.RATIO_VALUE]) if holds(T, x, k, P[row, at.RATIO_WHEN]) else 1.0
    return exp(log_ratio(T, x, k, row))


@compiled
def log_ratio(T: Tables, x: Floats, k: Ints, row: int) -> float:
    """The logarithm of `ratio`; -inf for 0."""
    P = T.program
    if not holds(T, x, k, P[row, at.RATIO_WHEN]):
        return 0.0
    value = number(T, x, k, P[row, at.RATIO_VALUE])
    kind = P[row, at.RATIO_PER]
    if kind == at.NONE:
        return value if P[row, at.RATIO_IS_LOG] else log(value)
    steps = covariate(T, x, k, kind, P[row, at.RATIO_PER_INDEX]) - T.numbers[P[row, at.RATIO_CENTRE]]
    if steps != steps or (P[row, at.RATIO_ABOVE] and steps < 0.0) or steps == 0.0:
        return 0.0
    if P[row, at.RATIO_IS_LOG]:
        return value * steps
    return log(value) * steps if value > 0.0 else -inf


@inlined
def is_normal(value: float) -> bool:
    """Whether a product neither overflows nor underflows; if not, its logarithms are added up."""
    return SMALLEST <= value <= LARGEST


@compiled
def product(T: Tables, x: Floats, k: Ints, first: int, n: int) -> float:
    """The product of ratios without a window."""
    return odds(T, x, k, first, n, at.NONE)


@compiled
def odds(T: Tables, x: Floats, k: Ints, first: int, n: int, part: int) -> float:
    """The product of the odds ratios that act on a part of a distribution; NONE: of all ratios."""
    result = 1.0
    is_exact = True
    for row in range(first, first + n):
        if acts_on(T, row, part):
            result *= float(ratio(T, x, k, row))  # of Python's floats: no warning of an overflow
            is_exact = is_exact and is_normal(result)
    if is_exact:
        return result
    total = 0.0
    for row in range(first, first + n):
        if acts_on(T, row, part):
            total += log_ratio(T, x, k, row)
    return exp(total)


@inlined
def acts_on(T: Tables, row: int, part: int) -> bool:
    """Whether a ratio acts on a part; NONE stands for the whole."""
    flags = T.program[row, at.RATIO_OF]
    return part == at.NONE or flags == at.NONE or T.numbers[flags + part] != 0.0


@inlined
def probability(T: Tables, x: Floats, k: Ints, node: int, first: int, n: int) -> float:
    """A single probability, its odds multiplied by the ratios beside it."""
    p = number(T, x, k, node)
    if n == 0 or p == 0.0:
        return p
    scaled = float(p) * product(T, x, k, first, n)
    if scaled == inf:
        return 1.0
    return scaled / (scaled + (1.0 - p))


@compiled
def hazard_of_not_cured(cured: float, hazard: float) -> float:
    """The cumulative hazard of those who are not cured where that of all is `hazard`.

    cured: the fraction, -1 where none is. -1 where so many are cured that it is never reached.
    """
    if cured < 0.0:
        return hazard
    if hazard < 700.0:
        gone = -expm1(-hazard) / (1.0 - cured) if cured < 1.0 else inf
        return -log1p(-gone) if gone < 1.0 else -1.0
    return hazard if cured == 0.0 else -1.0


@compiled
def part(
    T: Tables,
    x: Floats,
    k: Ints,
    first: int,
    n: int,
    first_ratio: int,
    n_ratios: int,
    u: float,
) -> int:
    """Which of n parts a uniform falls in, as written: its position, or -1 beyond 1.

    Without odds ratios the parts sum to 1; with them each is multiplied, then all are divided by
    their sum.
    """
    P = T.program
    rest = 1.0
    for i in range(n):
        node = P[first + i, at.PART_CHANCE]
        if node != at.REST_NODE:
            rest -= number(T, x, k, node)
    if rest < -1e-9:
        return -1
    total = 1.0
    if n_ratios > 0:
        total = 0.0
        for i in range(n):
            node = P[first + i, at.PART_CHANCE]
            weight = rest if node == at.REST_NODE else number(T, x, k, node)
            total += weight * odds(T, x, k, first_ratio, n_ratios, P[first + i, at.PART_POSITION])
    reached = 0.0
    last = 0
    for i in range(n):
        node = P[first + i, at.PART_CHANCE]
        weight = rest if node == at.REST_NODE else number(T, x, k, node)
        if n_ratios > 0:
            weight *= odds(T, x, k, first_ratio, n_ratios, P[first + i, at.PART_POSITION])
        if weight > 0.0:
            reached += weight
            last = i
            if u * total < reached:
                return i
    return last


@inlined
def needed(T: Tables, x: Floats, k: Ints, stage: int) -> int:
    """The units that a stage needs of resources that can be waited for, a bit each."""
    row = T.program[0, at.HEAD_STAGES] + stage
    return needs_that_hold(T, x, k, row) if T.program[row, at.STAGE_N_NEEDS] > 0 else 0


@compiled
def needs_that_hold(T: Tables, x: Floats, k: Ints, row: int) -> int:
    """As `needed`, for the stage in this row: each need that has a condition asks it."""
    P = T.program
    first = P[row, at.STAGE_NEEDS]
    found = 0
    for need in range(first, first + P[row, at.STAGE_N_NEEDS]):
        if holds(T, x, k, P[need, at.NEED_WHEN]):
            bit = P[need, at.NEED_BIT]
            node = P[need, at.NEED_UNITS]
            for _ in range(1 if node == at.NONE else int(number(T, x, k, node))):
                while (found >> bit) & 1:
                    bit += 1
                found |= 1 << bit
    return found
