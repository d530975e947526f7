"""A run in the formats of other tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sim.errors import InputError, did_you_mean
from sim.files import check_file, check_folder, whole_file, whole_folder
from sim.formats import mstate, ocel, tables, xes
from sim.outcomes.history.history import History

FORMATS = ("csv", "parquet", "xes", "ocel", "mstate")
STATES = ("stages", "states")
"""What the states of an mstate model are."""
IN_BATCHES = ("csv", "parquet")
"""The formats that are written one batch of replications after the other."""
FOLDERS = {"csv": tables.files("csv"), "parquet": tables.files("parquet"), "mstate": mstate.FILES}
"""The formats that are folders, with their files; xes and ocel are one file each."""


def check_export(path: Path, *, to: str, by: str | None = None, force: bool) -> None:
    """Check that an export can be written here.

    Raises: InputError for a format or states that do not exist, or if the path exists (unless force) or
    cannot be written.
    """
    for name, word, known in (("to", to, FORMATS), ("by", by or STATES[0], STATES)):
        if word not in known:
            raise InputError(f"{name}: {word} is none of {', '.join(known)}", did_you_mean(word, known))
    if by is not None and to != "mstate":
        raise InputError(f"by: {to} has no states of a model", "leave it out, or export to=mstate")
    if to in FOLDERS:
        check_folder(path, force=force, files=FOLDERS[to], noun="export")
    else:
        check_file(path, force=force)


def export(
    histories: Iterable[History],
    path: Path,
    *,
    to: str,
    by: str | None = None,
    force: bool = False,
    provenance: Mapping[str, Any],
) -> None:
    """Write a run in one of FORMATS, completely or not at all.

    histories: one of all its patients; for IN_BATCHES also one for each batch, taken one at a time.
    path: a folder for csv, parquet and mstate, a file for xes and ocel. by: the states of an mstate
    model, `stages` (default) or `states`. provenance: the record of the run. Raises: as
    `check_export`, and RunError where the system cannot write it.
    """
    check_export(path, to=to, by=by, force=force)
    if to in IN_BATCHES:
        with whole_folder(path) as folder:
            tables.write(folder, histories, kind=to)
        return
    (history,) = histories
    if to == "mstate":
        with whole_folder(path) as folder:
            mstate.write(folder, history, by=by or STATES[0])
    else:
        write_document = xes.write if to == "xes" else ocel.write
        with whole_file(path) as file:
            write_document(file, history, provenance)
