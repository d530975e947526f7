"""Export of a run to the formats of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.export import mstate, ocel, tables, xes
from sim.files import check_file, check_folder, whole_file, whole_folder
from sim.outcomes.history.history import History

FORMATS = ("csv", "parquet", "xes", "ocel", "mstate")
FOLDERS = {"csv": tables.files("csv"), "parquet": tables.files("parquet"), "mstate": mstate.FILES}
"""The formats that are folders, with their files; xes and ocel are one file each."""


def check_export(path: Path, *, to: str, force: bool) -> None:
    """Check that an export can be written here.

    Raises: RunError if the path exists (unless force) or cannot be written.
    """
    if to in FOLDERS:
        check_folder(path, force=force, files=FOLDERS[to], noun="export")
    else:
        check_file(path, force=force)


def export(
    history: History,
    path: Path,
    *,
    to: str,
    by: str = "stages",
    force: bool = False,
    provenance: Mapping[str, Any],
) -> None:
    """Write a run in one of FORMATS, completely or not at all.

    path: a folder for csv, parquet and mstate, a file for xes and ocel. by: the states of an mstate
    model, `stages` or `states`. provenance: the record of the run. Raises: RunError as in
    `check_export`.
    """
    check_export(path, to=to, force=force)
    if to in FOLDERS:
        with whole_folder(path) as folder:
            if to == "mstate":
                mstate.write(folder, history, by=by)
            else:
                tables.write(folder, history, kind=to)
    else:
        write_document = xes.write if to == "xes" else ocel.write
        with whole_file(path) as file:
            write_document(file, history, provenance)
