"""The citations of the sources that parameters name: a file `sources.yaml` beside a scenario."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sim.scenario.source.tree import plain, read_file

SOURCES = "sources.yaml"


def source_files(scenarios: Iterable[Path | str]) -> list[Path]:
    """The files of sources beside these scenario files, each once."""
    beside = dict.fromkeys(Path(file).with_name(SOURCES) for file in scenarios)
    return [file for file in beside if file.exists()]


def citations(scenarios: Iterable[Path | str]) -> dict[str, str]:
    """The citation, with its DOI, of each key in the files of sources beside these scenario files.

    An entry without a `citation` is left out. Raises: ScenarioError where a file is no YAML.
    """
    found = {}
    for file in source_files(scenarios):
        entries = plain(read_file(file))
        for key, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and "citation" in entry:
                doi = f", doi:{entry['doi']}" if "doi" in entry else ""
                found[str(key)] = f"{entry['citation']}{doi}"
    return found
