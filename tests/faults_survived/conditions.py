"""What the system denies a command: space, permission, a steady clock. One clear error each, and nothing left."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from tests.faults_survived.commands import COMMANDS, NAMED, Command, environment
from tests.faults_survived.interruption import NOTES, UNFINISHED, Fault, contents, reference

WRITING = tuple(command for command in COMMANDS if command.name != "verify")
"""Commands whose outputs are larger than the disk of `FULL`."""
FULL = 'mount -t tmpfs -o size=4k full "$1" && cd "$1" && left=$2 && shift 2 && "$@"; status=$?; cp -a . "$left"; exit $status'
"""A disk of one page for this command alone; what it holds at the end is copied to another folder."""
INPUTS = ("base.yaml", "better.yaml", "queue.yaml", "model.yaml", "targets.yaml", "times.csv", "saved")
CLOCK = """
import itertools, sys, time
own, steps = time.time, itertools.cycle((0.0, 86400.0, -86400.0, 4e8, -1e9))
time.time = lambda: own() + next(steps)
from sim.cli.main import main
main()
"""
"""The command, with a clock that jumps by days and years each time that it is read."""


Check: TypeAlias = Callable[[Path], str]
OnCommands: TypeAlias = Callable[..., str]


class Skipped(Exception):
    """Why a condition cannot be made on this machine."""


def run(
    line: Sequence[str], folder: Path, *, prefix: Sequence[str] = (), **env: str
) -> subprocess.CompletedProcess[str]:
    """A command to its end. prefix: a command that starts it."""
    return subprocess.run(
        [*prefix, *line], cwd=folder, env=environment(**env), capture_output=True, text=True, check=False
    )


def error_of(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """Raises: Fault unless a command ended with one error that has these words, of two lines at most."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith(NOTES)]
    is_one = 1 <= len(lines) <= 3 and not any(line.startswith(" ") != bool(i) for i, line in enumerate(lines))
    if done.returncode != status or not is_one or not all(word in lines[0] for word in words):
        raise Fault(f"{done.args[-12:]}: exit status {done.returncode}: {done.stdout[-300:]}{done.stderr}")


def names_in(folder: Path) -> set[str]:
    """All files and folders below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def check_same(folder: Path, before: set[str], what: str) -> None:
    """Raises: Fault where a folder has other files than before."""
    if changed := names_in(folder) ^ before:
        raise Fault(f"{what} left {', '.join(sorted(changed))}")


def check_processes_may_mount() -> None:
    """Raises: Skipped where no disk can be mounted for one command."""
    for program in ("unshare", "mount"):
        if shutil.which(program) is None:
            raise Skipped(f"there is no program {program}")
    made = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "full", "/mnt"],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        raise Skipped("this user may mount no disk")


# ---------------------------------------------------------------- space


def full_disk(folder: Path, *, commands: Sequence[Command] = WRITING) -> str:
    """Outputs on a full disk: what was complete before stays."""
    check_processes_may_mount()
    disk, left = folder / "disk", folder / "left"
    for command in commands:
        disk.mkdir()
        left.mkdir()
        words = [str(folder / word) if word in INPUTS else word for word in command.words]
        line = ["sh", "-c", FULL, "sh", str(disk), str(left), sys.executable, "-m", "sim.cli.main", *words]
        done = run(line, folder, prefix=["unshare", "--mount", "--map-root-user"])
        error_of(done, 1, "no space left on device")
        check_left(command, left, folder)
        shutil.rmtree(left)
        disk.rmdir()
    return f"{len(commands)} commands"


def check_left(command: Command, left: Path, folder: Path) -> None:
    """Raises: Fault where a full disk holds more than complete outputs, and what the command goes on from."""
    names = {path.name for path in left.iterdir()} - {command.kept}
    if not names:
        return
    if others := names - set(command.outputs):
        raise Fault(f"{command.name} left {', '.join(sorted(others))} on a full disk")
    whole = reference(command, folder, folder.with_name(f"whole {command.name}")).files
    for name, data in contents(left, tuple(names)).items():
        if name.endswith(".json") and data != whole[name]:
            raise Fault(f"{command.name} left {name} on a full disk, which is not complete")


def full_output(folder: Path) -> str:
    """Standard output on a full disk."""
    if not Path("/dev/full").exists():
        raise Skipped("there is no /dev/full")
    for words in (
        ("run", "base.yaml"),
        ("run", "base.yaml", "--json", "-"),
        ("describe", "base.yaml"),
        ("schema",),
    ):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "sim.cli.main", *words],
                cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            )  # fmt: skip
        done.stdout = ""
        error_of(done, 1, "no space left on device")
    return "4 commands"


def full_cache(folder: Path) -> str:
    """No space for temporary files, nor for compiled code: the command has an error, or does without."""
    check_processes_may_mount()
    disk = folder / "disk"
    disk.mkdir()
    before = names_in(folder)
    start = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    start += ['mount -t tmpfs -o size=4k full disk && "$@"', "sh"]
    done = run(NAMED["psa"].line(), folder, prefix=start, TMPDIR=str(disk))
    error_of(done, 1, "no space left on device")
    shutil.rmtree(folder / "draws")
    check_same(folder, before, "a full disk for temporary files")
    done = run(["-m", "sim.cli.main", "run", "base.yaml", "--patients", "50"], folder, prefix=[*start, sys.executable], XDG_CACHE_HOME=str(disk))  # fmt: skip
    if done.returncode or "compiled code is not kept on disk" not in done.stderr:
        raise Fault(f"a full disk for compiled code: {done.returncode}: {done.stderr}")
    check_same(folder, before, "a full disk for compiled code")
    return "2 commands"


# ---------------------------------------------------------------- permission


def without_rights() -> list[str]:
    """How a command is started that may not write where its user may not.

    Root may write everywhere, unless it gives up that right. Raises: Skipped where it cannot.
    """
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        raise Skipped("root may write everywhere, and there is no program setpriv")
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", "--inh-caps=-all"]


def read_only_folder(folder: Path, *, commands: Sequence[Command] = COMMANDS) -> str:
    """Outputs in a folder in which nothing can be written: an error before anything is simulated."""
    prefix = without_rights()
    before = names_in(folder)
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        for command in commands:
            done = run(command.line(), folder, prefix=prefix)
            error_of(done, 2, "no permission to write in")
    finally:
        folder.chmod(stat.S_IRWXU)
    check_same(folder, before, "a folder that is read only")
    return f"{len(commands)} commands"


def read_only_cache(folder: Path) -> str:
    """Compiled code cannot be kept: a note, and the results."""
    prefix, cache = without_rights(), folder / "cache"
    cache.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    done = run([sys.executable, "-m", "sim.cli.main", "run", "base.yaml", "--patients", "50"], folder, prefix=prefix, XDG_CACHE_HOME=str(cache))  # fmt: skip
    if done.returncode or "compiled code is not kept on disk" not in done.stderr:
        raise Fault(f"a cache that is read only: {done.returncode}: {done.stderr}")
    check_same(cache, set(), "a cache that is read only")
    return "1 command"


def unreadable_inputs(folder: Path) -> str:
    """Files that may not be read, each in a command that reads it."""
    prefix = without_rights()
    inputs = (
        ("base.yaml", NAMED["compare"], 2, "not readable"),
        ("targets.yaml", NAMED["calibrate"], 2, "not readable"),
        ("model.yaml", NAMED["calibrate"], 2, "not readable"),
        ("times.csv", NAMED["fit"], 2, "not readable"),
        ("saved/events.parquet", NAMED["export csv"], 1, "ermission denied"),
        ("saved/summary.json", NAMED["export xes"], 1, "ermission denied"),
    )
    before = names_in(folder)
    for name, command, status, words in inputs:
        (folder / name).chmod(0)
        done = run(command.line(), folder, prefix=prefix)
        (folder / name).chmod(stat.S_IRUSR | stat.S_IWUSR)
        error_of(done, status, name.rpartition("/")[2], words)
    check_same(folder, before, "a file that may not be read")
    return f"{len(inputs)} files"


# ---------------------------------------------------------------- first runs, clocks


def two_first_runs(folder: Path) -> str:
    """Two commands at once without compiled code: one compiles, both give the same, and a third finds it."""
    cache = folder / "cache"
    line = [sys.executable, "-m", "sim.cli.main", "run", "queue.yaml", "--workers", "1", "--out"]
    both = [
        subprocess.Popen(
            [*line, name], cwd=folder, env=environment(XDG_CACHE_HOME=str(cache)),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    errors = [one.communicate()[1] for one in both]
    if any(one.returncode for one in both) or sum("compiling the kernel" in text for text in errors) != 1:
        raise Fault(f"exit status {[one.returncode for one in both]}: {errors}")
    found = [list(contents(folder, (name,)).values()) for name in ("one", "two")]
    if found[0] != found[1]:
        raise Fault("two first runs have other bytes")
    if hidden := [name for name in names_in(cache) if UNFINISHED.fullmatch(name.rpartition("/")[2])]:
        raise Fault(f"left in the cache: {', '.join(hidden)}")
    done = run([*line, "three"], folder, XDG_CACHE_HOME=str(cache))
    if done.returncode or done.stderr:
        raise Fault(f"a third run: exit status {done.returncode}: {done.stderr}")
    return "2 commands"


def changed_clock(folder: Path) -> str:
    """A clock that jumps, and files from the future, change no byte."""
    commands = tuple(NAMED[name] for name in ("run", "sweep", "psa"))
    for command in commands:
        for name, line in (
            ("steady", command.line()),
            ("jumps", [sys.executable, "-c", CLOCK, *command.words]),
        ):
            own = folder / command.name / name
            own.mkdir(parents=True)
            for file in folder.glob("*.yaml"):
                shutil.copy(file, own)
                os.utime(own / file.name, (4e9, 4e9))
            done = run(line, own)
            if done.returncode or done.stderr:
                raise Fault(f"{command.name}: exit status {done.returncode}: {done.stderr}")
        first, second = (
            contents(folder / command.name / name, command.outputs) for name in ("steady", "jumps")
        )
        if first != second:
            raise Fault(f"{command.name}: other bytes with a clock that jumps")
        for file in (folder / command.name / "jumps").rglob("provenance.json"):
            json.loads(file.read_text())
    return f"{len(commands)} commands"


CONDITIONS: dict[str, Check] = {
    "full disk": full_disk,
    "full standard output": full_output,
    "full cache": full_cache,
    "read-only folder": read_only_folder,
    "read-only cache": read_only_cache,
    "unreadable inputs": unreadable_inputs,
    "two first runs": two_first_runs,
    "changed clock": changed_clock,
}
