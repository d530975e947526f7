"""A saved run in the formats that other tools read."""

from __future__ import annotations

from pathlib import Path

from sim.export import mstate, ocel, tables, xes
from sim.outcomes.history.history import History
from sim.runs.simulation import Step, read_back
from sim.runs.store import SavedRun, opened_whole, refuse_unusable, refuse_unusable_file, replaced_whole

FORMATS = ("csv", "parquet", "xes", "ocel", "mstate")


def export(
    saved: SavedRun, path: Path, *, to: str, by: str = "stages", force: bool = False, step: Step
) -> None:
    """Write a saved run in one of FORMATS: whole, or not at all.

    path: a folder for csv, parquet and mstate, a file for xes and ocel. by: `stages` or `states`,
    for mstate. Raises: RunError where there is something already (unless force), where the run
    cannot be read, or for what the disk refuses.
    """
    files = {
        "csv": tables.files("csv"),
        "parquet": tables.files("parquet"),
        "mstate": mstate.FILES,
    }.get(to)
    if files is None:
        refuse_unusable_file(path, force=force)
    else:
        refuse_unusable(path, force=force, files=files, noun="export")
    step("load")
    scenario, result = read_back(saved)
    history = History(result.log, result.use, scenario)
    step("write")
    if files is None:
        write_file = {"xes": xes.write, "ocel": ocel.write}[to]
        with opened_whole(path) as file:
            write_file(file, history, saved.provenance)
    else:
        with replaced_whole(path) as folder:
            _write_folder(folder, history, to=to, by=by)


def _write_folder(folder: Path, history: History, *, to: str, by: str) -> None:
    if to == "mstate":
        mstate.write(folder, history, by=by)
    else:
        tables.write(folder, history, kind=to)
