"""The verbs that give a new user a scenario to start from: new, examples."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.output import console, say, say_written, verb, write_output
from sim.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

_IN_WHEEL = Path(__file__).parents[1] / "shipped_scenarios"
FOLDER = _IN_WHEEL if _IN_WHEEL.is_dir() else Path(__file__).parents[2] / "scenarios"
"""The shipped scenarios: in a clone, and with an editable installation, the folder beside `sim`."""
TARGETS = FOLDER / "targets"
"""Published results and the scenarios that they are compared with."""
RESULTS = FOLDER / "published" / "results"
"""The published results of the models in `published`, files of targets too."""
STARTER = "starter"
GROUPS = ("examples", "clinical", "populations", "strategies", "structural", "centre", "targets", "published")
_TITLE = re.compile(r"^title:.*$", re.MULTILINE)
_PLAIN_NAME = re.compile(r"[\w.-]+")


@verb
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The scenario file to write.")],
    source: Annotated[
        str, typer.Option("--from", metavar="NAME", help="An example of `allpath examples` to start from.")
    ] = STARTER,
) -> None:
    """Write a commented scenario that runs, to be changed."""
    from sim.files import check_outputs

    origin = find_example(source)
    if origin.parent == TARGETS:
        raise InputError(f"{source}: is a file of targets", f"`allpath examples {source} --to DIR` copies it")
    _check_absent(file)
    check_outputs([file], inputs=[])
    needed = files_of(origin)
    name = file.name if _PLAIN_NAME.fullmatch(file.name) else "THIS_FILE"
    if len(needed) == 1:
        text = origin.read_text("utf-8").replace(origin.name, name)
    else:
        base = relative_names(needed)[origin]
        copy_files(needed, file.parent, besides=file)
        text = _variant_of(origin, base, name)
    write_output(file, text)
    say_written(file)
    say(f"Next: edit it, then `allpath run {shlex.quote(str(file))}`")


@verb
def examples(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Print this scenario; without it, list all.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="DIR", help="Copy the scenario, with the files it needs, to this folder."
        ),
    ] = None,
) -> None:
    """List the scenarios that come with allpath, print one or copy one."""
    if name is None:
        if to is not None:
            raise InputError("to: needs the NAME of a scenario", "`allpath examples` lists the names")
        _print_list()
        return
    origin = find_example(name)
    if to is None:
        say(origin.read_text("utf-8"))
        return
    copies = copy_files(files_of(origin), to)
    say(f"Next: `allpath run {shlex.quote(str(copies[-1]))}`")


# ---------------------------------------------------------------- names


def shipped_scenarios() -> dict[Path, str]:
    """The title of each shipped scenario and file of targets, by file in alphabetical order."""
    import yaml

    found = {}
    for file in sorted(FOLDER.rglob("*.yaml")):
        if TARGETS in file.parents and file.parent != TARGETS:
            continue  # the scenarios of targets are copied with them
        if file.parent == RESULTS:
            continue
        if title := _TITLE.search(file.read_text("utf-8")):
            found[file] = str(yaml.safe_load(title[0])["title"])
    return found


def short_names(files: Iterable[Path]) -> dict[Path, str]:
    """The shortest end of each file's path that no other file shares, without the suffix."""
    parts = {file: _parts(file) for file in files}
    names = {}
    for file, own in parts.items():
        ends = ("/".join(own[-n:]) for n in range(1, len(own) + 1))
        names[file] = next((end for end in ends if len(_matches(end, parts)) == 1), "/".join(own))
    return names


def find_example(name: str) -> Path:
    """The shipped scenario with a name: its file name, with as many of its folders as it takes.

    Raises: InputError where no scenario or more than one has it.
    """
    parts = {file: _parts(file) for file in shipped_scenarios()}
    found = _matches(name, parts)
    if not found:
        near = did_you_mean(name, [*short_names(parts).values(), *(own[-1] for own in parts.values())])
        hint = "`allpath examples` lists the names"
        raise InputError(f"{name}: no shipped scenario has this name", f"{near} {hint}".strip())
    if len(found) > 1:
        names = short_names(parts)
        choices = " or ".join(f"`{names[file]}`" for file in found)
        raise InputError(f"{name}: {len(found)} shipped scenarios have this name", f"write {choices}")
    return found[0]


def _parts(file: Path) -> tuple[str, ...]:
    return file.relative_to(FOLDER).with_suffix("").parts


def _matches(name: str, parts: dict[Path, tuple[str, ...]]) -> list[Path]:
    """The files whose path ends with a name; the one whose whole path it is comes before all others."""
    wanted = tuple(name.removesuffix(".yaml").split("/"))
    whole = [file for file, own in parts.items() if own == wanted]
    return whole or [file for file, own in parts.items() if own[-len(wanted) :] == wanted]


# ---------------------------------------------------------------- the list


def _group(file: Path) -> str:
    """The group of a scenario: that of its folder; at the top, that of its name."""
    folder, *rest = _parts(file)
    if rest:
        return folder
    if folder == "first_steps":
        return "examples"
    return "centre" if folder.startswith("centre") else "clinical"


def _print_list() -> None:
    titles = shipped_scenarios()
    names = short_names(titles)
    width = console().width
    for group in GROUPS:
        members = sorted((file for file in titles if _group(file) == group), key=lambda f: len(_parts(f)))
        column = max(len(names[file]) for file in members) + 4
        say(group)
        for file in members:
            line = f"  {names[file]}".ljust(column) + titles[file]
            say(fill(line, width, subsequent_indent=" " * column, break_on_hyphens=False))
        say("")
    say(
        "`allpath examples NAME --to DIR` copies a scenario with the files it needs.\n"
        "`allpath new FILE` writes a commented scenario to start from;\n"
        "`allpath new FILE --from NAME` starts from another one."
    )


# ---------------------------------------------------------------- copies


def files_of(scenario: Path) -> list[Path]:
    """The files that a scenario needs: those it is based on, its tables and sources; itself last.

    A file of targets needs its scenarios.
    """
    from sim.scenario import load
    from sim.scenario.source.citations import source_files

    if scenario.parent == TARGETS:
        from sim.calibration.targets import read_targets

        (targets,) = read_targets([scenario])
        scenarios = {file for name in targets.scenarios.values() for file in files_of(Path(name))}
        return [*sorted({*scenarios, *source_files([scenario])}), scenario]
    loaded = load(scenario)
    needed = {Path(os.path.normpath(file)) for file in loaded.inputs} - {scenario}
    if any(parameter.source for parameter in loaded.parameters):
        needed |= set(source_files((*needed, scenario)))
    return [*sorted(needed), scenario]


def relative_names(files: list[Path]) -> dict[Path, Path]:
    """The path of each file, seen from the folder that holds them all."""
    top = Path(os.path.commonpath([file.parent for file in files]))
    return {file: file.relative_to(top) for file in files}


def copy_files(files: list[Path], folder: Path, *, besides: Path | None = None) -> list[Path]:
    """Copy files into a folder, with their paths relative to each other; print and return the copies.

    besides: a file that is written too and no copy may replace. A file that is there with the same text
    is kept. Raises: InputError where another file is in the way or the folder cannot be written, before
    anything is written.
    """
    from sim.files import check_parent

    texts = {folder / name: file.read_text("utf-8") for file, name in relative_names(files).items()}
    for path, text in texts.items():
        if path == besides:
            raise InputError(f"{path}: the example has a file of this name", "choose another name")
        if os.path.lexists(path) and not (path.is_file() and _text(path) == text):
            raise InputError(f"{path}: exists and differs from the example", "choose another folder")
        check_parent(path)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_output(path, text)
            say_written(path)
    return list(texts)


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


def _check_absent(file: Path) -> None:
    if os.path.lexists(file):
        raise InputError(f"{file}: exists", "choose another name; `new` replaces no file")


def _variant_of(origin: Path, base: Path, name: str) -> str:
    """A scenario that is based on a copied example and changes nothing yet."""
    title = _TITLE.search(origin.read_text("utf-8"))
    assert title
    return f"""\
# A variant of {base.as_posix()}: all of that file holds, with the changes below.
#   allpath describe {base.as_posix()}         prints what there is to change
#   allpath check --resolved {base.as_posix()} prints every key with its value
format: 1
{title[0]}  # write here what this variant asks
based_on: {base.as_posix()}

# Each change is the path of a key and its new value, one a line, e.g. `horizon: 5 years`. `add:` adds new
# keys, `remove:` lists keys to leave out. Compare the two; patients have the same random numbers in both:
#   allpath compare {base.as_posix()} {name}
changes: {{}}
"""
