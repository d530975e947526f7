"""Small simulated cohorts, of a clinical scenario and of one with a queue, and what evaluates them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from sim.event_log.log import ENTERS, EventLog, ResourceUse
from sim.outcomes.comparison.paired import compare
from sim.outcomes.evaluation import Arm, Evaluator
from sim.outcomes.history.history import History
from sim.outcomes.results import Results
from sim.outcomes.summary import DEFAULT_TIMES, evaluate_run
from sim.runs.comparison import Comparison
from sim.runs.run import Run, RunRequest, run_scenario
from sim.scenario.language.model import Outcome, Scenario

SCENARIOS = Path(__file__).parents[1] / "scenarios"
CLINICAL = SCENARIOS / "populations/cns_combined.yaml"
FIRST = SCENARIOS / "first_steps.yaml"

QUEUE = """\
format: 1
title: One bed for <script>all</script> & sundry
horizon: 400 days
states: {ill: {}, well: {label: Well again}, dead: {}}
patients: {number: 120, follow_up: 200 days, arrive: {every: 2 days}, attributes: {grade: {categorical: {1: 0.5, 2: 0.3, 3: 0.2}}}}
pathway:
  start: home
  stages:
    home:
      state: ill
      events: {comes: {after: {exponential: {mean: 5 days}}, to: choice}}
    choice: {decide: {ward: 0.8, waits_on: rest}}
    waits_on: {label: "Watch & wait", events: {again: {after: {exponential: {mean: 9 days}}, to: choice}}}
    ward:
      needs: bed
      while_waiting: {leaves: {after: {exponential: {mean: 30 days}}, to: home}}
      events: {out: {after: {gamma: {shape: 4, mean: 3 days}}, to: {well: 0.7, home: rest}}}
    well: {state: well, events: {death: {after: {exponential: {mean: 300 days}}, to: died}}}
    died: {state: dead, terminal: true}
resources: {bed: {capacity: 1}}
outcomes:
  survival: {from: start, until: {stage: died}}
  out_of_ward: {from: {stage: ward}, until: {stage: well}, competing: {back: {stage: home}}}
  waits: {waiting_for: bed}
  grade: {attribute: grade, at: {stage: ward}}
  well: {occupancy: {state: well}}
  reached: {funnel: [start, {stage: choice}, {stage: ward}, {stage: well}]}
"""

WARD = """\
format: 1
title: A ward
horizon: 3 years
states: {ill: {}, well: {}, dead: {}}
patients:
  number: 300
  attributes: {age: {uniform: [20, 60]}, sex: {categorical: {male: 0.5, female: 0.5}}, grade: 0}
clocks: {other_death: {after: {exponential: {rate: 0.05 per year}}, to: dead}}
pathway:
  start: ward
  on_start: [{start: other_death}]
  stages:
    ward:
      state: ill
      events:
        home:  {after: {exponential: {mean: 60 days}}, do: [{draw: {grade: {categorical: {1: 0.5, 3: 0.5}}}}], to: home}
        death: {after: {exponential: {mean: 200 days}}, to: dead}
    home:
      state: well
      events:
        back:  {after: {exponential: {mean: 1 year}}, to: ward}
        clinic: {every: {fixed: 90 days}, to: stay}
    dead: {state: dead, terminal: true}
outcomes:
  survival: {from: start, until: {state: dead}, by: sex}
  home: {from: start, until: {state: well}, competing: {death: {state: dead}}}
  ever_home: {ever: {stage: home}}
  visits: {count: {event: home.clinic}, among: {ever: {stage: home}}}
  grade: {attribute: grade}
  sexes: {attribute: sex}
  well: {occupancy: {state: well}}
  days_well: {time_in: {state: well}}
  road: {funnel: [start, {stage: home}, {event: home.clinic}]}
  and_back: {pathway: [{stage: home}, {stage: ward}]}
"""
"""Patients go home from a ward and may come back; every kind of outcome but a wait."""

OVERLOAD = """\
format: 1
title: Two arrive for every one who is served
horizon: 400 days
states: {here: {}, gone: {}}
patients: {arrive: {poisson: 2 per day, for: 400 days}}
pathway:
  start: service
  stages:
    service: {state: here, needs: server, events: {done: {after: {exponential: {mean: 1 days}}, to: out}}}
    out: {state: gone, terminal: true}
resources: {server: {capacity: 1}}
outcomes:
  wait: {waiting_for: server}
  served: {ever: {stage: out}}
"""
"""A queue that grows by a patient a day; with three servers it settles."""

TWO_DESKS = """\
format: 1
title: Two desks
horizon: 300 days
states: {here: {}, gone: {}}
patients: {arrive: {poisson: 1.6 per day, for: 300 days}}
pathway:
  start: choice
  stages:
    choice: {decide: {left: 0.5, right: rest}}
    left: {state: here, needs: left, events: {done: {after: {exponential: {mean: 1 days}}, to: out}}}
    right: {state: here, needs: right, events: {done: {after: {exponential: {mean: 1 days}}, to: out}}}
    out: {state: gone, terminal: true}
resources: {left: {capacity: 1}, right: {capacity: 1}}
outcomes: {served: {ever: {stage: out}}}
"""
"""Two queues that never interfere; each receives every other patient."""


@cache
def simulated(file: Path, *settings: str, replications: int = 1) -> Run:
    """A run of a scenario file; the same for the same arguments."""
    request = RunRequest(file, settings, replications=replications, at=(45.0, 90.0, 180.0))
    return run_scenario(request, keep_log=True)


def compared(*arms: tuple[str, Run]) -> Comparison:
    """A comparison of runs; the first is the reference."""
    found = tuple(arm_of(done, name) for name, done in arms)
    return Comparison(found, compare(found, at=arms[0][1].request.at))


def arm_of(done: Run, name: str = "it") -> Arm:
    """A run as an arm of a comparison."""
    assert done.arm is not None
    return replace(done.arm, name=name)


def evaluator_of(arm: Arm, at: Sequence[float] = ()) -> Evaluator:
    """The evaluator of an arm. at: days at which curves are read."""
    return Evaluator(arm, at=at)


def log_results(
    log: EventLog,
    use: ResourceUse,
    scenario: Scenario,
    *,
    at: Sequence[float] = DEFAULT_TIMES,
    seed: int = 0,
    replications: int | None = None,
) -> Results:
    """The results of a log. replications: their number, where the last ones may have no patients."""
    n = replications or int(log.replication.max(initial=0)) + 1
    return evaluate_run(Arm("", scenario, log, use, seed, n), at=at)


def history_of(done: Run) -> History:
    """The histories of the patients of a run."""
    return arm_of(done).history


def outcome_named(scenario: Scenario, name: str) -> Outcome:
    """The outcome of this name."""
    return {outcome.name: outcome for outcome in scenario.outcomes}[name]


def stages_entered(history: History, index: int) -> list[tuple[float, str]]:
    """The stages with a duration that one patient enters, row by row."""
    log = history.log
    return [
        (float(log.time[row]), log.names.stages[log.stage_to[row]])
        for row in range(log.row_of[index], log.row_of[index + 1])
        if log.does[row] == ENTERS and not history.is_decision[log.stage_to[row]]
    ]


def all_patients(history: History) -> np.ndarray:
    """The indices of all patients."""
    return np.arange(history.log.n_patients)
