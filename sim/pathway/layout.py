"""The shape of a compiled pathway: what each column of a row of the program means.

A program is one int64 table. Every row is a record of some kind (a stage, an event, a distribution, ...) and
names other rows by their number; constants stand in a float64 array beside it. Constants here are
the columns of each kind of row, the codes that stand in them, and the layout of a patient.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

WIDTH = 20
"""Columns of the program."""

NONE = -1


class Tables(NamedTuple):
    """program: int64 [n_rows, WIDTH]. numbers: float64; first, for each resource, how many wait for
    it, then for each how many of its units are free, both updated by the engine; then constants.
    """

    program: Ints
    numbers: Floats


# The head of the program, row 0: where things begin and how large a patient is.
HEAD_STAGES = 0  # row of the first stage
HEAD_N_STAGES = 1
HEAD_CLOCKS = 2  # row of the first clock
HEAD_N_CLOCKS = 3
HEAD_ATTRIBUTES = 4  # row of the first attribute
HEAD_N_ATTRIBUTES = 5
HEAD_START = 6  # index of the first stage
HEAD_EFFECTS = 7  # on_start: row of its first effect
HEAD_N_EFFECTS = 8
HEAD_STAMPS = 9  # where in `x` the parts of a patient begin
HEAD_WAITED = 10
HEAD_DUE = 11
HEAD_SCORES = 12
HEAD_COUNTS = 13  # where in `k` the parts of a patient begin
HEAD_VISITS = 14
HEAD_SLOTS = 15
HEAD_N_STAMPS = 16
HEAD_ARGUMENTS = 17  # where in `x` the scratch for the arguments of a distribution begins

# A second row for what is left of the head.
MORE = 1
MORE_AGE = 0  # index of the attribute `age`, or NONE
MORE_N_X = 1
MORE_N_K = 2
MORE_N_RESOURCES = 3
MORE_KEYS = 4  # row of the first draw: the hash of its name
MORE_KEPT = 5  # units (a bit each) that are kept while their holder waits for the next
MORE_TABLE = 6  # where in `numbers` the first row of the patient table stands
MORE_N_TABLE = 7  # its rows, 0 where there is none
MORE_RESOURCES = 9  # row of the first resource
MORE_IS_TODAY = 8  # 1: these patients are in care when the calendar begins; 0: they replace draws

# Stage
STAGE_KIND = 0
STAGE_EVENTS = 1  # row of the first event; events, then while_waiting events, in file order
STAGE_N_EVENTS = 2
STAGE_N_ALL = 3  # with the while_waiting events
STAGE_EFFECTS = 4
STAGE_N_EFFECTS = 5
STAGE_DECIDE = 6  # destination
STAGE_NEEDS = 7  # row of the first need for a resource that can be waited for
STAGE_N_NEEDS = 8
STAGE_DRAW = 9  # draw of `decide`

TAKES_TIME, DECISION, TERMINAL = 0, 1, 2

# Need
NEED_WHEN = 0
NEED_BIT = 1  # of the first unit of its resource
NEED_UNITS = 2  # value node; NONE: one

# The units that a patient holds are the bits of an integer, those of the first resource in the file lowest.
# Of each resource these are its lowest bits, as many as units.

# Resource
RESOURCE_BITS = 0  # its bits among a patient's

# Row of the patient table, in `numbers`: attributes, days since each stamp, days each clock has run,
# then the stage, the days in it, the stage waited for, and the days waited.
NOT_SAID, EMPTY = math.nan, math.inf
"""No column; a stamp that was never set, a clock that does not run, no stage, no wait."""

# Event or clock
EVENT_CODE = 0  # in the log
EVENT_DIST = 1  # node of distributions
EVENT_DRAW = 2  # draw of its time
EVENT_WHEN = 3
EVENT_CHANCE = 4  # probability node, NONE: it is always triggered
EVENT_CHANCE_RATIOS = 5
EVENT_CHANCE_N_RATIOS = 6
EVENT_CHANCE_DRAW = 7
EVENT_EFFECTS = 8
EVENT_N_EFFECTS = 9
EVENT_TO = 10
EVENT_TO_DRAW = 11
EVENT_EVERY = 12
EVENT_WAITING = 13  # 1: can happen while waiting; 2: only then
EVENT_RUN = 14  # where in `x` it remembers how it runs, for reassess; NONE
EVENT_STAGES = 15  # clocks: where in `numbers` one flag for each stage begins
EVENT_SLOT = 16
EVENT_KEY = 17  # hash of the name of EVENT_DRAW
EVENT_LEAF_KIND = 18  # where its distribution is a leaf and nothing more: the leaf itself; NONE
EVENT_LEAF_AT = 19

# Destination
TO_KIND = 0
TO_A = 1  # stage | node of a list of parts | first item
TO_N = 2
TO_RATIOS = 3
TO_N_RATIOS = 4
TO_STAY, TO_STAGE, TO_CHANCES, TO_RULES = 0, 1, 2, 3

# Item of a list of rules
RULE_WHEN = 0
RULE_NAME = 1  # code in the log, NONE
RULE_TO = 2

# Part of a distribution over finitely many outcomes
PART_KEY = 0  # stage index | category | where in `numbers` the value is; UNCHANGED_KEY
PART_CHANCE = 1  # value node, or REST_NODE
PART_POSITION = 2  # among all keys its distribution may have; what the flags of a ratio count
UNCHANGED_KEY = -1
STAY_KEY = -1
REST_NODE = -(2**40)
NO_NODE = REST_NODE

# A value node is an int: >= 0 an index (into `numbers`, or a row), < 0 the choice in row -node - 1.
CHOICE_KIND = 0
CHOICE_FIRST = 1  # row of the first item
CHOICE_N = 2
CHOICE_COVARIATE = 3
CHOICE_INDEX = 4
CHOICE_REST = 5  # node, NO_NODE where each value is to have an entry
BY, CASES = 0, 1
ITEM_KEY = 0  # BY: where in `numbers` the value is; CASES: condition
ITEM_NODE = 1

# Instruction of a condition
IF_COVARIATE = 0
IF_INDEX = 1
IF_OPERATOR = 2
IF_VALUE = 3  # where in `numbers`
IF_N = 4  # values of `in`
IF_TRUE = 5  # next instruction, or HOLDS or FAILS
IF_FALSE = 6
HOLDS, FAILS = -1, -2
IS, IS_NOT, IN, AT_LEAST, AT_MOST, ABOVE, BELOW = 0, 1, 2, 3, 4, 5, 6

ATTRIBUTE, STAGE, CURRENT_AGE, DAYS_IN_STAGE, VISITS, SINCE, SINCE_START, WAITED, QUEUE, FREE = range(10)

# Distribution of a time
DIST_KIND = 0
DIST_LEAF = 1  # choice of leaves (LEAVES), or row of a categorical (CATEGORICAL)
DIST_CURED = 2  # value node, NONE
DIST_CURED_RATIOS = 3
DIST_CURED_N_RATIOS = 4
DIST_TIME_RATIOS = 5
DIST_N_TIME_RATIOS = 6
DIST_ALREADY = 7  # covariate, ALREADY_TIME, NONE
DIST_ALREADY_INDEX = 8  # its index, or value node
DIST_RATIOS = 9
DIST_N_RATIOS = 10
DIST_LOW = 11  # value nodes, NONE
DIST_HIGH = 12
DIST_PLUS = 13
DIST_HOLD = 14  # not_before: row of the first item
DIST_N_HOLD = 15
DIST_SCALE = 17  # attribute whose value the time is multiplied with, NONE
DIST_INNER = 16  # row of the distribution inside a mixture cure, whose ratios act before the cure; NONE
PLAIN, COMMON, MODIFIED, TIMES = 0, 1, 2, 3  # up to COMMON without `rare_value`
ALREADY_TIME = 99
HOLD_STAMP = 0
HOLD_NODE = 1
LEAF_KIND = 0
LEAF_AT = 1

# Ratio
RATIO_WHEN = 0
RATIO_VALUE = 1  # value node
RATIO_IS_LOG = 2
RATIO_PER = 3  # covariate, NONE
RATIO_PER_INDEX = 4
RATIO_CENTRE = 5  # where in `numbers`
RATIO_ABOVE = 6
RATIO_WINDOW = 7  # where in `numbers` begin, end, wane from, wane to stand; NONE
RATIO_SINCE = 8  # stamp, SINCE_BEGAN
RATIO_OF = 9  # where in `numbers` one flag for each part begins; NONE: a single probability
SINCE_BEGAN = -1
SINCE_ZERO = -2  # since.start

# Attribute, and draw of one
DRAW_KIND = 0
DRAW_ATTRIBUTE = 1
DRAW_A = 2  # distribution node | first part node | value node (bernoulli, fixed)
DRAW_RATIOS = 3
DRAW_N_RATIOS = 4
DRAW_DRAW = 5
DRAW_FOLLOWS = 6  # where in `x` the score of the attribute it follows is, NONE
DRAW_CORRELATION = 7  # where in `numbers` the correlation and the square root of its complement are
DRAW_SCORE = 8  # where in `x` its own score is kept, NONE
FIXED, NUMBER, CATEGORICAL, BERNOULLI = 0, 1, 2, 3

# List of parts (what a node of distributions ends in)
PARTS_FIRST = 0
PARTS_N = 1

# Effect and action
EFFECT_WHEN = 0
EFFECT_FIRST = 1
EFFECT_N = 2
ACTION_WORD = 0
ACTION_TARGET = 1  # attribute | stamp | reassess: flags of the stages whose own event goes first
ACTION_A = 2  # value node | attribute | row of a draw | row of the clock or event
SET, ADD, COPY, DRAW, START_CLOCK, STOP_CLOCK, REASSESS, STAMP = range(8)

# A patient: `x` float64
NOW = 0
ENTERED = 1  # time of entering the stage
TIMED_ENTERED = 2  # ... the last stage that took time
AGE = 3  # years, at the start
NEXT_TIME = 4
ASKED_AT = 5
FIRST_ATTRIBUTE = 6

# A patient: `k` int64
SEED = 0
REPLICATION = 1
NUMBER_ = 2
STATUS = 3
STAGE_NOW = 4  # NONE before the first
TIMED_STAGE = 5  # the last that took time
ASKED = 6  # the stage waited for, NONE
NEXT_SLOT = 7
INSTANT = 8  # events since time last passed
HELD = 9  # units of resources held, a bit each
RELEASED = 10  # units given back by the last event
WANTED = 11  # units waited for
NEEDED = 12  # units that the stage waited for needs, those held among them
HAS_LEFT = 13  # 1: the last event ended a wait without a grant
RARE_TIMES = 14  # address of `rare_words.rare_value`
FROM_TABLE = 15  # address of `prevalent_patients.begin_from_table`
FIRST_SLOT = 16

ALIVE, ENDED, ENDLESS, LOG_FULL, BEYOND_ONE, NO_ENTRY, TOO_YOUNG = range(7)

# A slot is where an event or a clock keeps its state in `k`, and its due time in `x`.
RESTS, IS_TRIGGERED, RUNS, OVER = 0, 1, 2, 3

# What an event that can be reassessed remembers in `x`, and the arguments of a distribution.
RUN_BEGAN = 0
RUN_SPENT = 1  # days since it began, at the last reassessment
RUN_AGE = 2  # its distribution's own time then
RUN_LEFT = 3  # what is left of the unit exponential; of a list of times the one drawn, without `plus`
RUN_ARGUMENTS = 4
ARG_LEAF = 0
ARG_TIME_RATIO = 1
ARG_ALREADY = 2
ARG_LOW = 3
ARG_HIGH = 4
ARG_PLUS = 5
ARG_HOLD = 6
ARG_CURED = 7
ARG_INNER_RATIO = 8
ARG_INNER_TIME = 9
ARG_RATIO = 10
ARG_N_WINDOWS = 11
ARG_LOG_RATIO = 12  # logarithm of ARG_RATIO where its plain product over- or underflows; else 0
ARG_WINDOWS = 13
WINDOW = 6  # ratio, begin, end, wane from, wane to, its logarithm
WINDOW_LOG = 5  # where the ratio over- or underflows; else 0

MOST_EVENTS_AT_ONCE = 1000
