"""A small scenario with parameters of every kind and a queue, and a layer over it."""

from __future__ import annotations

from pathlib import Path

SCENARIO = """\
format: 1
title: A ward with one bed
horizon: 2 years
states: {ill: {}, well: {}, dead: {}}
parameters:
  first_site: {value: {bm: 0.7, cns: 0.2, both: 0.1}, uncertainty: {dirichlet: {bm: 70, cns: 20, both: 10}}, source: S-1, status: published}
  comes: {value: 10 days, uncertainty: {lognormal: {median: 10 days, sigma: 0.3}}, source: S-1, status: published}
  p_well: {value: 0.6, uncertainty: {beta: [60, 40]}, source: S-2, status: derived}
  deaths: {value: 0.4 per year, uncertainty: {gamma: {mean: 0.4 per year, sd: 0.1 per year}}, source: S-2, status: derived}
  stay: {value: 6 days, uncertainty: {normal: {mean: 6 days, sd: 1 days}}, status: assumed}
  leaves: {value: 40 days, uncertainty: {triangular: [20 days, 40 days, 60 days]}, status: assumed}
  shape: {value: 3, status: assumed}
  share_old: {value: 0.3, status: assumed}
  always: {value: 1, status: assumed}
patients:
  number: 200
  arrive: {every: 2 days}
  attributes: {site: {categorical: $first_site}, old: {bernoulli: $share_old}}
pathway:
  start: home
  stages:
    home: {state: ill, events: {comes: {after: {exponential: {mean: $comes}}, to: ward}}}
    ward:
      state: ill
      needs: bed
      while_waiting: {leaves: {after: {exponential: {mean: $leaves}}, chance: $always, to: home}}
      events: {out: {after: {gamma: {shape: $shape, mean: $stay}}, to: {well: $p_well, home: rest}}}
    well: {state: well, events: {death: {after: {exponential: {rate: $deaths}}, to: died}}}
    died: {state: dead, terminal: true}
resources: {bed: {capacity: 1}}
outcomes:
  survival: {from: start, until: {stage: died}}
  out_of_ward: {from: {stage: ward}, until: {stage: well}, competing: {back: {stage: home}}}
  waits: {waiting_for: bed}
  ever_well: {ever: {stage: well}}
"""

LAYER = """\
format: 1
title: A ward that patients leave well more often
label: Well more often
based_on: ward.yaml
changes: {parameters.p_well.value: 0.8, parameters.p_well.uncertainty: {beta: {n: 100}}}
"""


def written(folder: Path) -> tuple[Path, Path]:
    """The files of the scenario and its layer in a folder."""
    (folder / "ward.yaml").write_text(SCENARIO)
    (folder / "well.yaml").write_text(LAYER)
    return folder / "ward.yaml", folder / "well.yaml"
