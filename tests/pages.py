"""Pages of the documentation that run. `python -m tests.pages [PAGE...]` writes the outputs that they show.

A page is executed from top to bottom in an empty folder. Blocks in it are

- `yaml` or `csv` with a title: a file of this name;
- `yaml` without a title: a fragment. It replaces the entries of the same names in the file shown last, and the result
  is checked and simulated;
- `console`: commands, one a line, each after `$ `;
- `python`: a program; names are kept for the next block;
- `text` directly after one of the last two: what it prints. A comment before the block shows less or expects an error:
  `<!-- paragraph: TEXT -->` shows the paragraphs of the output that contain TEXT, `<!-- exit status: 2 -->` the error.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import yaml

from sim import run
from sim.cli.main import run_command

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path for path in DOCS.rglob("*.md") if path.name != "reference.md"
)  # other tests hold its example

BLOCK = re.compile(r'((?:<!-- [^\n]* -->\n+)*)```(\w+)(?: title="([^"]+)")?[^\n]*\n(.*?)```', re.DOTALL)
NAMED = {
    "events",
    "while_waiting",
    "attributes",
    "parameters",
    "conditions",
    "outcomes",
    "resources",
    "clocks",
}


def executed(text: str) -> str:
    """The text of a page with the outputs that its commands print now."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return "".join(_parts(text))


def _parts(text: str) -> Iterator[str]:
    """The page piece by piece: the text between blocks as it is, `text` blocks with new output."""
    names: dict[str, object] = {"__name__": "__main__"}
    output: str | None = None
    shown_last: Path | None = None
    position = 0
    for block in BLOCK.finditer(text):
        comments, language, title, body = block.groups()
        follows = not text[position : block.start()].strip("`\n")
        yield text[position : block.start(4)]
        position = block.end(4)
        if language == "text" and follows and output is not None:
            body, output = _excerpt(output, comments), None
        elif language in ("yaml", "csv") and title:
            shown_last = Path(title)
            shown_last.parent.mkdir(parents=True, exist_ok=True)
            shown_last.write_text(body, "utf-8")
        elif language == "yaml":
            assert shown_last is not None, f"a fragment before the first file: {body}"
            _simulate_fragment(shown_last, yaml.safe_load(body))
        elif language == "console":
            status = re.search(r"exit status: (\d)", comments)
            output = "".join(_printed(line, int(status[1]) if status else 0) for line in body.splitlines())
        elif language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stream:
                exec(compile(body, "page", "exec"), names)
            output = stream.getvalue()
        yield body
    yield text[position:]


def _printed(line: str, status: int) -> str:
    """What a command prints: standard output, or the error if one is expected."""
    assert line.startswith("$ allpath "), line
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    with (
        patch.object(sys, "argv", shlex.split(line)[1:]),
        contextlib.redirect_stdout(streams[0]),
        contextlib.redirect_stderr(streams[1]),
    ):
        ended = run_command()
    texts = [(stream.seek(0), stream.read())[1] for stream in streams]
    assert ended == status, f"{line}: exit status {ended}\n{texts[1]}"
    return texts[1 if status else 0]


def _excerpt(output: str, comments: str) -> str:
    """The whole output, or the paragraphs that a comment names, without trailing spaces."""
    lines = "\n".join(line.rstrip() for line in output.strip("\n").splitlines())
    sought = re.findall(r"<!-- paragraph: (.*?) -->", comments)
    if not sought:
        return lines + "\n"
    paragraphs = re.split(r"\n{2,}", lines)
    for text in sought:
        assert any(text in paragraph for paragraph in paragraphs), f"{text!r} is not in\n{lines}"
    return "\n\n".join(p for p in paragraphs if any(text in p for text in sought)) + "\n"


def _simulate_fragment(file: Path, fragment: dict[str, object]) -> None:
    """Check and simulate the file with the entries of the fragment in place of its own."""
    merged = _merge(yaml.safe_load(file.read_text("utf-8")), fragment, named=False)
    merged["leftovers"] = True
    changed = file.with_stem(file.stem + "_with_fragment")
    changed.write_text(yaml.safe_dump(merged, sort_keys=False, allow_unicode=True), "utf-8")
    run(changed)
    changed.unlink()


def _merge(old: dict[str, object], new: dict[str, object], *, named: bool) -> dict[str, object]:
    """The entries of both; a mapping is merged too, unless it is a named thing (an event, an attribute, ...)."""
    merged = dict(old)
    for key, value in new.items():
        before = old.get(key)
        mergeable = isinstance(before, dict) and isinstance(value, dict) and not named
        merged[key] = _merge(before, value, named=key in NAMED) if mergeable else value
    return merged


def main() -> None:
    """Rewrite the pages given, or all."""
    for page in [Path(argument) for argument in sys.argv[1:]] or PAGES:
        path = page.resolve()
        text = path.read_text("utf-8")
        path.write_text(executed(text), "utf-8")


if __name__ == "__main__":
    main()
