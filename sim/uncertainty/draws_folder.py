"""The folder of an analysis: blocks of draws as they are done, so that an interrupted one goes on."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from sim.errors import InputError, RunError
from sim.event_log.arrow_tables import TableFile
from sim.event_log.log import Floats
from sim.files import json_text, reason, remove_abandoned, whole_file, write_whole
from sim.scenario.language.model import Parameter
from sim.uncertainty.model import Measure, Model
from sim.uncertainty.psa import Design, Done, Psa, PsaRequest
from sim.uncertainty.variance import DrawSums

BLOCKS, IDENTITY, RESULTS = "blocks", "request.json", "results.json"
DRAWS, PARAMETERS = "draws.parquet", "parameters.parquet"
OTHER = "choose another folder"
SUMS = ("deviation", "weighted", "squared")


class DrawsFolder:
    """The folder of one analysis.

    model: what its numbers are of. Raises: InputError where the folder holds another analysis or a finished
    one, RunError where it cannot be written.
    """

    def __init__(self, folder: Path, request: PsaRequest, model: Model) -> None:
        self.folder, self.model, self.design = folder, model, request.design
        identity = json_text(_identity(request, model))
        path = folder / IDENTITY
        if (folder / RESULTS).exists():
            self._remove_blocks()  # a process that was killed after its last file has left them
            raise InputError(f"{folder}: holds a finished analysis", OTHER)
        if path.exists() and path.read_text() != identity:
            raise InputError(f"{folder}: holds an analysis of other arms, parameters or options", OTHER)
        if folder.is_dir():
            remove_abandoned(folder)
        if folder.exists() and not path.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: exists, and holds no analysis", OTHER)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, identity)
            (folder / BLOCKS).mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"{folder}: {reason(error)}; nothing was written") from error

    def read(self, numbers: range) -> Done | None:
        """A block of draws that was finished, None where it was not or its files are damaged."""
        path = self._path(numbers)
        try:
            return self._read(path, numbers) if path.exists() else None
        except (OSError, ValueError, KeyError, EOFError, BadZipFile, pa.ArrowException):
            return None

    def _read(self, path: Path, numbers: range) -> Done:
        table = parquet.read_table(path)
        n, n_arms, n_measures = len(numbers), len(self.model.arms), len(self.model.measures)
        estimates = table["estimate"].to_numpy().reshape(n, n_arms, n_measures)
        noise = _matrix(table["noise"], n_arms).reshape(n, n_arms, n_measures, n_arms)
        return Done(
            numbers,
            estimates,
            np.ascontiguousarray(np.swapaxes(noise, 1, 2)),
            self._read_economic(path.with_suffix(".npy"), n),
            self._read_sums(path.with_suffix(".npz")),
        )

    def write(self, done: Done) -> None:
        """Write a block of draws."""
        path = self._path(done.numbers)
        extras = path.with_suffix(".npy"), path.with_suffix(".npz")
        if self.model.is_valued:
            with whole_file(extras[0], binary=True) as file:
                np.save(file, done.economic)
        if done.sums:
            arrays = {
                f"{i}.{k}.{name}": np.asarray(getattr(one, name))
                for i, row in enumerate(done.sums)
                for k, one in enumerate(row)
                for name in ("estimates", "within", *SUMS)
            }
            with whole_file(extras[1], binary=True) as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
        with whole_file(path, binary=True) as file:
            parquet.write_table(draws_table(self.model, done), file)

    def finish(self, psa: Psa, results: str) -> None:
        """Write the tables of all draws and the results, and remove the blocks."""
        with whole_file(self.folder / DRAWS, binary=True) as file, closing(TableFile(file)) as table:
            for numbers in psa.blocks:
                done = self.read(numbers)
                assert done is not None
                table.add(draws_table(self.model, done))
        names = [f"{name}.{key}" if key else name for name, key in psa.columns]
        columns = {"draw": np.arange(len(psa.values)), **dict(zip(names, psa.values.T, strict=True))}
        with whole_file(self.folder / PARAMETERS, binary=True) as file:
            parquet.write_table(pa.table(columns), file)
        write_whole(self.folder / RESULTS, results)
        self._remove_blocks()

    def _remove_blocks(self) -> None:
        shutil.rmtree(self.folder / BLOCKS, ignore_errors=True)

    def _path(self, numbers: range) -> Path:
        return self.folder / BLOCKS / f"{numbers[0]:09}-{numbers[-1]:09}.parquet"

    def _read_economic(self, path: Path, n: int) -> Floats:
        if not self.model.is_valued:
            return np.empty((n, 0, 0))
        found: Floats = np.load(path)
        return found

    def _read_sums(self, path: Path) -> list[list[DrawSums]]:
        if self.design is not Design.SAME:
            return []
        arrays = np.load(path)
        n_rows = 2 * len(self.model.arms) - 1
        return [
            [self._sums(arrays, f"{row}.{k}") for k in range(len(self.model.measures))]
            for row in range(n_rows)
        ]

    def _sums(self, arrays: np.lib.npyio.NpzFile, name: str) -> DrawSums:
        estimates, within = (arrays[f"{name}.{part}"].tolist() for part in ("estimates", "within"))
        found = DrawSums(len(arrays[f"{name}.deviation"]), estimates, within)
        for part in SUMS:
            setattr(found, part, arrays[f"{name}.{part}"])
        return found


def draws_table(model: Model, done: Done) -> pa.Table:
    """A row for each draw, arm and measure: its estimate, and its noise with that of every arm."""
    n, n_arms, n_measures = done.estimates.shape
    per_draw = n_arms * n_measures
    arms = np.tile(np.repeat(np.arange(n_arms), n_measures), n)
    which = np.tile(np.arange(n_measures), n * n_arms)
    noise = np.swapaxes(done.noise, 1, 2).reshape(-1)
    return pa.table(
        {
            "draw": pa.array(np.repeat(np.array(done.numbers, np.int32), per_draw)),
            "arm": _texts([arm.name for arm in model.arms], arms),
            **{name: _texts([getattr(m, name) for m in model.measures], which) for name in _LABELS},
            "time_days": pa.array(np.array([m.time for m in model.measures])[which]),
            "estimate": pa.array(done.estimates.reshape(-1)),
            "noise": pa.FixedSizeListArray.from_arrays(pa.array(noise), n_arms),
        }
    )


_LABELS = ("outcome", "part", "measure")


def _texts(names: Sequence[str], codes: np.ndarray) -> pa.DictionaryArray:
    different, which = np.unique(np.array(names, dtype=str), return_inverse=True)
    return pa.DictionaryArray.from_arrays(
        pa.array(which[codes].astype(np.int32)), pa.array(different.tolist())
    )


def _matrix(column: pa.ChunkedArray, width: int) -> Floats:
    found: Floats = column.combine_chunks().flatten().to_numpy().reshape(-1, width)
    return found


def _identity(request: PsaRequest, model: Model) -> dict[str, object]:
    """What the numbers of an analysis depend on; not the number of draws."""
    return {
        "seed": request.seed,
        "design": str(request.design),
        "at_days": list(model.at),
        "measures": [_plain(measure) for measure in model.measures],
        "arms": [
            {
                "name": arm.name,
                "digest": arm.scenario.digest,
                "parameters": _digest(arm.parameters),
            }
            for arm in model.arms
        ],
    }


def _digest(parameters: Sequence[Parameter]) -> str:
    facts = [(one.name, one.values, one.drawn) for one in parameters]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _plain(measure: Measure) -> list[str | float | None]:
    return [None if isinstance(x, float) and np.isnan(x) else x for x in measure]
