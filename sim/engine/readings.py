"""What is true of a patient at this moment: covariates, conditions, choices, ratios.

Every function takes the tables `T` (program, numbers, keys), the patient's `x` (float64) and `k`
(int64) as laid out in `sim.pathway.layout`, and `world`: float64 [2, n_resources], patients
waiting for and units free of each resource.
"""

from __future__ import annotations

from math import nan

from sim.arithmetic import exp, log
from sim.compiled import compiled
from sim.pathway import layout as at
from sim.units import DAYS_PER_YEAR


@compiled
def covariate(T, x, k, world, kind, index):
    """The value a condition or a ratio reads; nan for a stamp never set."""
    if kind == at.ATTRIBUTE:
        return x[at.FIRST_ATTRIBUTE + index]
    if kind == at.STAGE:
        stage = k[at.STAGE_NOW]
        return float(stage if stage != at.NONE else k[at.ASKED])
    if kind == at.CURRENT_AGE:
        return x[at.AGE] + x[at.NOW] / DAYS_PER_YEAR
    if kind == at.DAYS_IN_STAGE:
        return x[at.NOW] - x[at.ENTERED]
    if kind == at.VISITS:
        return float(k[T.program[0, at.HEAD_VISITS] + index])
    if kind == at.SINCE:
        stamped = x[T.program[0, at.HEAD_STAMPS] + index]
        return x[at.NOW] - stamped if stamped >= 0.0 else nan
    if kind == at.SINCE_START:
        return x[at.NOW]
    if kind == at.WAITED:
        return x[T.program[0, at.HEAD_WAITED] + index]
    if kind == at.QUEUE:
        return world[0, index]
    return world[1, index]


@compiled
def compares(T, value, operator, first, n):
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


@compiled
def holds(T, x, k, world, condition):
    """Whether a condition holds; NONE always does. Follows the jumps of its instructions."""
    P = T.program
    row = condition
    while row >= 0:
        value = covariate(T, x, k, world, P[row, at.IF_COVARIATE], P[row, at.IF_INDEX])
        if compares(T, value, P[row, at.IF_OPERATOR], P[row, at.IF_VALUE], P[row, at.IF_N]):
            row = P[row, at.IF_TRUE]
        else:
            row = P[row, at.IF_FALSE]
    return row == at.HOLDS


@compiled
def choose(T, x, k, world, node):
    """Follow the choices of a value node to the index it ends in."""
    P = T.program
    while node < 0:
        row = -node - 1
        first = P[row, at.CHOICE_FIRST]
        after = first + P[row, at.CHOICE_N]
        if P[row, at.CHOICE_KIND] == at.BY:
            value = covariate(T, x, k, world, P[row, at.CHOICE_COVARIATE], P[row, at.CHOICE_INDEX])
            node = P[row, at.CHOICE_REST]
            for item in range(first, after):
                if T.numbers[P[item, at.ITEM_KEY]] == value:
                    node = P[item, at.ITEM_NODE]
                    break
        else:
            for item in range(first, after):
                if holds(T, x, k, world, P[item, at.ITEM_KEY]):
                    node = P[item, at.ITEM_NODE]
                    break
    return node


@compiled
def number(T, x, k, world, node):
    """The number a value node stands for."""
    return T.numbers[choose(T, x, k, world, node)]


@compiled
def ratio(T, x, k, world, row):
    """The value of one ratio at this moment, whatever its window; 1 where it does not act."""
    P = T.program
    if not holds(T, x, k, world, P[row, at.RATIO_WHEN]):
        return 1.0
    value = number(T, x, k, world, P[row, at.RATIO_VALUE])
    kind = P[row, at.RATIO_PER]
    if kind == at.NONE:
        return exp(value) if P[row, at.RATIO_IS_LOG] else value
    steps = covariate(T, x, k, world, kind, P[row, at.RATIO_PER_INDEX]) - T.numbers[P[row, at.RATIO_CENTRE]]
    if steps != steps or (P[row, at.RATIO_ABOVE] and steps < 0.0) or steps == 0.0:
        return 1.0
    if P[row, at.RATIO_IS_LOG]:
        return exp(value * steps)
    return exp(log(value) * steps) if value > 0.0 else 0.0


@compiled
def product(T, x, k, world, first, n):
    """The product of ratios without a window."""
    result = 1.0
    for row in range(first, first + n):
        result *= ratio(T, x, k, world, row)
    return result


@compiled
def odds(T, x, k, world, first, n, part):
    """The product of the odds ratios that act on a part of a distribution."""
    result = 1.0
    for row in range(first, first + n):
        flags = T.program[row, at.RATIO_OF]
        if flags == at.NONE or T.numbers[flags + part] != 0.0:
            result *= ratio(T, x, k, world, row)
    return result


@compiled
def probability(T, x, k, world, node, first, n):
    """A single probability, its odds multiplied by the ratios beside it."""
    p = number(T, x, k, world, node)
    if n == 0:
        return p
    scaled = p * product(T, x, k, world, first, n)
    return scaled / (scaled + (1.0 - p))


@compiled
def part(T, x, k, world, first, n, first_ratio, n_ratios, u):
    """Which of n parts a uniform falls in, as written: its position, or -1 beyond 1.

    Without odds ratios the parts sum to 1; with them each is multiplied, then all are divided by
    their sum.
    """
    P = T.program
    rest = 1.0
    for i in range(n):
        node = P[first + i, at.PART_CHANCE]
        if node != at.REST_NODE:
            rest -= number(T, x, k, world, node)
    if rest < -1e-9:
        return -1
    total = 1.0
    if n_ratios > 0:
        total = 0.0
        for i in range(n):
            node = P[first + i, at.PART_CHANCE]
            weight = rest if node == at.REST_NODE else number(T, x, k, world, node)
            total += weight * odds(T, x, k, world, first_ratio, n_ratios, P[first + i, at.PART_POSITION])
    reached = 0.0
    last = 0
    for i in range(n):
        node = P[first + i, at.PART_CHANCE]
        weight = rest if node == at.REST_NODE else number(T, x, k, world, node)
        if n_ratios > 0:
            weight *= odds(T, x, k, world, first_ratio, n_ratios, P[first + i, at.PART_POSITION])
        if weight > 0.0:
            reached += weight
            last = i
            if u * total < reached:
                return i
    return last
