"""Notebooks of the documentation. `python -m tests.notebooks` executes them and writes their outputs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))


def executed(path: Path) -> NotebookNode:
    """The notebook with the outputs that its cells have now, executed in an empty folder."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        NotebookClient(
            notebook, timeout=300, kernel_name="python3", record_timing=False, resources=place
        ).execute()
    notebook.metadata.pop("language_info", None)  # the version of Python
    return notebook


def texts(notebook: NotebookNode) -> list[str]:
    """What the cells print and the tables that they show; figures are left out."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return [text for text in shown if not text.startswith("<Figure")]


def main() -> None:
    """Rewrite all notebooks."""
    for path in NOTEBOOKS:
        nbformat.write(executed(path), path)


if __name__ == "__main__":
    main()
