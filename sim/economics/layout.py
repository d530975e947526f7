"""The shape of what a scenario values: the columns of the rows that `sim.economics.program` writes.

They stand in one table with conditions and choices, whose columns are in `sim.pathway.layout`.
"""

from __future__ import annotations

from sim.pathway import layout as at

YEAR = 365.25
"""Days."""

# The head: rows 0 and `at.MORE` as far as expressions read them, and this one.
VALUES = 2
VALUES_EVENTS = 0  # row of the first event
VALUES_STATES = 1
VALUES_RESOURCES = 2  # row of the first resource with a price
VALUES_N_RESOURCES = 3
VALUES_CAP = 4  # node of the highest utilities, NONE
VALUES_COST_RATE = 5  # where in `numbers` the yearly rates stand
VALUES_QALY_RATE = 6
VALUES_IS_ANNUAL = 7
VALUES_DEAD = 8  # code of the state `dead`, NONE
VALUES_EACH_ROW = 9  # 1: a value that accrues may change with every row
VALUES_QALYS = 10  # where in `a` they stand, in days until a patient is done
VALUES_LIFE_YEARS = 11
VALUES_EVENT_QALYS = 12
VALUES_YEARS = 13  # costs by year, then QALYs by year
VALUES_UNITS = 14  # where in `x` the units held stand, of the resources with a price
VALUES_KEPT = 15  # ... those kept while their holder waits
VALUES_NEEDED = 16  # ... those that the stage come to needs

# Stage; column 0 is `at.STAGE_KIND`
STAGE_STATE = 1  # code, NONE: it leaves the state as it was
STAGE_UTILITY = 2  # value node, NONE: that of the state
STAGE_ENTRY = 3  # row of the first price of an entry
STAGE_N_ENTRY = 4
STAGE_DAILY = 5
STAGE_N_DAILY = 6
STAGE_TOTAL = 7  # where in `a`
STAGE_NEEDS = 8  # row of the first need for a resource that leaves no rows in the log
STAGE_N_NEEDS = 9
STAGE_CHANGES = 10  # row of the first attribute or stamp that `on_entry` may change
STAGE_N_CHANGES = 11

# Event
EVENT_COSTS = 0  # row of its first price
EVENT_N_COSTS = 1
EVENT_QALYS = 2  # value node, NONE
EVENT_CHANGES = 3  # row of the first attribute or stamp that its `do` may change
EVENT_N_CHANGES = 4

CHANGE_WHAT = 0  # an attribute's index, n_attributes + a stamp's
CHANGE_N = 1  # actions that may change it

STATE_UTILITY = 0  # value node, NONE

# Resource with a price
RESOURCE_CODE = 0
RESOURCE_USE = 1  # row of the first price of a use
RESOURCE_N_USE = 2
RESOURCE_DAILY = 3
RESOURCE_N_DAILY = 4
RESOURCE_IS_IN_LOG = 5  # 0: unlimited, so that what stages need says who holds it
RESOURCE_IS_KEPT = 6  # until the next is granted

PRICE_TOTAL = 0  # where in `a`
PRICE_NODE = 1

NEED_RESOURCE = 0  # position among those with a price
NEED_WHEN = 1
NEED_UNITS = 2  # value node

# The highest utilities of each age: what a node of them ends in, and one step
STEPS_FIRST = 0
STEPS_N = 1
STEP_AGE = 0  # where in `numbers`
STEP_UTILITY = 1

# In `k`
STATE_NOW = at.FIRST_SLOT
IS_DEAD = at.FIRST_SLOT + 1
FIRST_VISIT = at.FIRST_SLOT + 2

# The account of a patient, `a`: float64
SINCE = 0  # until when values have accrued: days since the start
COST_FACTOR = 1  # what 1 is worth then
QALY_FACTOR = 2
COST_FORCE = 3  # of interest, a day
QALY_FORCE = 4
FIRST_TOTAL = 5  # discounted and undiscounted in turn; then QALYs of events, then costs and QALYs by year
