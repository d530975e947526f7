"""Runs saved as `allpath run --out` saves them, for the tests of what is made of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pyarrow import csv

from sim.engine.run import Result
from sim.outcomes.history.history import History
from sim.runs.run import RunRequest, run_scenario
from sim.runs.store import SavedRun, read_run, write_run

WARD = """\
format: 1
title: A ward & <its> queue
horizon: 120 days
states: {ill: {}, well: {}, dead: {}}
patients:
  number: 60
  arrive: {every: 1 days}
  attributes:
    age: {triangular: [18, 35, 65]}
    fit: {bernoulli: 0.5}
    first site: {categorical: {"<bm>": 0.6, 'c&ns "x"': 0.4}}
    first_site: 1
    doses: 0
clocks: {death: {after: {exponential: {mean: 100 days}}, to: dead}}
pathway:
  start: ward
  on_start: [{start: death}]
  stages:
    ward:
      state: ill
      needs: [bed, {when: {fit: false}, resource: nurse}]
      on_entry: [{set: {first_site: 2}}]
      events:
        dose: {every: {fixed: 3 days}, to: stay, do: [{add: {doses: 1}}, {stamp: last_dose}]}
        done: {after: {exponential: {mean: 10 days}}, to: choice}
    choice: {decide: [{name: again, when: {doses: {below: 2}}, to: ward}, {name: discharged, to: home}]}
    home: {state: well, events: {relapse: {after: {exponential: {mean: 30 days}}, to: ward, do: [{set: {fit: false}}]}}}
    dead: {state: dead, terminal: true}
resources: {bed: {capacity: 5}, nurse: {capacity: unlimited}}
outcomes: {}
"""
"""A queue, a clock, a decision that can lead back, an event that stays, names that have to be quoted."""


def saved(folder: Path, text: str, *, replications: int = 1) -> tuple[SavedRun, Result]:
    """A scenario's run in a folder beside its file, and what the engine gave."""
    file = folder / "scenario.yaml"
    file.write_text(text, "utf-8")
    done = run_scenario(RunRequest(file, replications=replications), keep_log=True)
    assert done.arm is not None
    write_run(folder / "run", done)
    return read_run(folder / "run"), Result(done.arm.log, done.arm.use, done.engine)


def history(saved_run: SavedRun) -> History:
    """A saved run as an export reads it."""
    return saved_run.arm().history


def read_csv(path: Path) -> pd.DataFrame:
    """A CSV file as a data frame with exact numbers, which `pandas.read_csv` gives in some versions only."""
    options = csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False)
    return csv.read_csv(path, convert_options=options).to_pandas()
