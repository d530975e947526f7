"""First-order indices of arms from the draws that `allpath psa --out` has kept: no further runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pyarrow import parquet

from sim.errors import InputError
from sim.event_log.log import Floats
from sim.uncertainty.draws_folder import DRAWS, IDENTITY, PARAMETERS, RESULTS
from sim.uncertainty.given_data import factor_bases, given_data_indices
from sim.uncertainty.sensitivity import name_of
from sim.uncertainty.sobol import Index
from sim.uncertainty.study import Study
from sim.uncertainty.variance_based import factors_of


def indices_of_draws(study: Study, folder: Path) -> list[Mapping[str, Index]]:
    """The first-order index of every factor, for each of the study's `pairs`.

    folder: of a finished probabilistic analysis of the same arms. Draws with an unknown number are left out;
    where patients share resources the noise is unknown and taken as 0, so that indices are too small.
    Raises: InputError for another folder, other arms, parameters or numbers, and fewer than 100 draws.
    """
    if not (folder / RESULTS).is_file():
        raise InputError(f"draws: {folder} holds no finished analysis", "write one with `allpath psa --out`")
    arms = [one["name"] for one in json.loads((folder / IDENTITY).read_text("utf-8"))["arms"]]
    names = [arm.name for arm in study.model.arms]
    if arms != names:
        raise InputError(f"draws: {folder} has the arms {', '.join(arms)}", "name the same, in this order")
    values = parquet.read_table(folder / PARAMETERS)
    factors = factors_of([arm.parameters for arm in study.model.arms], study.columns)
    wanted = [name_of(column) for own in factors.values() for column in own]
    for name in wanted:
        if name not in values.column_names:
            raise InputError(f"draws: {folder} has no draws of {name}", "use the options of the analysis")
    estimates, noise = _numbers(study, folder)
    table = np.column_stack([values[name].to_numpy() for name in wanted])
    place = {name: i for i, name in enumerate(wanted)}
    groups = {name: [place[name_of(column)] for column in own] for name, own in factors.items()}
    found: list[Mapping[str, Index]] = []
    for i in range(len(study.pairs)):
        known = np.isfinite(estimates[i])
        try:
            bases = factor_bases(table[known], groups)
        except ValueError as error:
            raise InputError(f"draws: {error}", "draw more often") from error
        found.append(given_data_indices(bases, estimates[i][known], noise=noise[i][known]))
    return found


def _numbers(study: Study, folder: Path) -> tuple[Floats, Floats]:
    """The number of each pair in each draw, and its squared simulation error: float64 [n_pairs, n_draws]."""
    measure, frame = study.measure, parquet.read_table(folder / DRAWS).to_pandas()
    at = np.isclose(frame["time_days"], measure.time, rtol=0.0, atol=1e-9, equal_nan=True)
    for name in ("outcome", "part", "measure"):
        at &= (frame[name] == getattr(measure, name)).to_numpy()
    own = {arm.name: frame[at & (frame["arm"] == arm.name).to_numpy()] for arm in study.model.arms}
    if not all(map(len, own.values())):
        raise InputError(
            f"draws: {folder} has no draws of {measure.outcome} as it is analysed here",
            "give `--at` and `--outcome` as in that analysis",
        )
    estimates = np.stack([rows["estimate"].to_numpy() for rows in own.values()])
    noise = np.nan_to_num(np.stack([np.stack(rows["noise"].to_list()) for rows in own.values()]))
    if len(own) == 1:
        return estimates, noise[:, :, 0]
    pairs = [noise[0, :, 0] + noise[arm, :, arm] - 2.0 * noise[0, :, arm] for arm in range(1, len(own))]
    return study.contrasts(estimates), np.stack(pairs)
