"""One command, interrupted at a random moment: what it leaves, and what the same command makes of that."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.faults_survived.commands import Command, environment

MARK = "ALLPATH_FAULTS_SURVIVED"
"""Set in a command that is interrupted, and in all processes that it starts."""
KINDS = ("kill", "kill all", "interrupt", "terminate", "interrupt all", "kill a worker")
"""SIGKILL, SIGINT or SIGTERM to the command alone, or to it and its workers; SIGKILL to one worker."""
UNFINISHED = re.compile(r"\..+\.unfinished(\.old)?")
PATIENCE = 60.0
"""Seconds in which an interrupted command and its processes must have ended, on a machine with much to do."""
NOTES = ("compiling the ", "note: ")
"""How lines begin on standard error that are no error."""


class Fault(AssertionError):
    """Something that an interrupted command should not have left, or said."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A command without interruption: its outputs by path, and how long it took in seconds."""

    files: dict[str, bytes]
    seconds: float


def contents(folder: Path, outputs: tuple[str, ...]) -> dict[str, bytes]:
    """All files of outputs by path, without what a record of a run has of the clock."""
    found = {}
    for path in sorted(file for name in outputs for file in (folder / name, *(folder / name).rglob("*"))):
        if path.is_file():
            data = path.read_bytes()
            if path.name == "provenance.json":
                record = json.loads(data)
                data = "\n".join(sorted(record)).encode()
            found[str(path.relative_to(folder))] = data
    return found


def reference(command: Command, inputs: Path, folder: Path) -> Reference:
    """The outputs of a command that nothing interrupts."""
    shutil.copytree(inputs, folder)
    began = time.monotonic()
    subprocess.run(command.line(), cwd=folder, env=environment(), capture_output=True, check=True)
    return Reference(contents(folder, command.outputs), time.monotonic() - began)


def marked(token: str) -> list[psutil.Process]:
    """The processes of a command."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == token and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):  # it has ended, or is somebody else's
            continue
    return found


class Interruption:
    """A command in a copy of its inputs. folder: made anew, removed unless something is wrong."""

    def __init__(self, command: Command, kind: str, *, chance: random.Random, inputs: Path, folder: Path):
        self.command, self.kind, self.chance, self.folder = command, kind, chance, folder
        self.work, self.temporary, self.token = folder / "work", folder / "temporary", uuid.uuid4().hex
        shutil.copytree(inputs, self.work)
        self.temporary.mkdir()
        self.before = self.names()
        self.env = environment(TMPDIR=str(self.temporary), **{MARK: self.token})

    def names(self) -> set[str]:
        """All files and folders of the work folder."""
        return {str(path.relative_to(self.work)) for path in self.work.rglob("*")}

    def check(self, expected: Reference) -> str:
        """Interrupt the command, and check all that is left. Returns what happened. Raises: Fault."""
        status, errors = self.interrupt(expected.seconds)
        self.check_processes()
        self.check_message(status, errors)
        left = self.check_outputs(expected)
        is_done = set(contents(self.work, self.command.outputs)) == set(expected.files)
        if left or self.command.kept or status == 0:
            self.check_again(expected, is_done=is_done)
        shutil.rmtree(self.folder)
        if status == 0:
            return "had ended"
        return "went on" if self.command.kept and left else "left nothing" if not left else "began anew"

    def interrupt(self, seconds: float) -> tuple[int, str]:
        """Start the command and interrupt it; its exit status and standard error.

        Half of the moments are drawn from the whole time, half from that after something was written.
        """
        quiet = subprocess.DEVNULL
        with (self.folder / "errors").open("wb") as errors, subprocess.Popen(
            self.command.line(), cwd=self.work, env=self.env, stdout=quiet, stderr=errors,
            start_new_session=True,
        ) as process:  # fmt: skip
            try:
                self.wait(process, seconds)
                self.strike(process)
                status = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                raise Fault(f"runs {PATIENCE:g} s after it was interrupted") from None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        return status, (self.folder / "errors").read_text("utf-8", errors="replace")

    def wait(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        """Wait for the moment, or for the end of the command."""
        if self.chance.random() < 0.5:
            until = time.monotonic() + self.chance.uniform(0.0, seconds)
        else:
            begun = self.command.begun
            while (
                process.poll() is None
                and {str(path.relative_to(self.work)) for path in self.work.glob(begun)} <= self.before
            ):
                time.sleep(0.002)
            until = time.monotonic() + self.chance.choice((0.0, 0.02, 0.2, 1.0)) * self.chance.random()
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)

    def strike(self, process: subprocess.Popen[bytes]) -> None:
        """Send the signal; a worker is waited for."""
        if self.kind == "kill a worker":
            workers: list[psutil.Process] = []
            while process.poll() is None and not workers:
                workers = [one for one in marked(self.token) if is_worker(one)]
            if workers:
                self.chance.choice(workers).kill()
            return
        numbers = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT, "terminate": signal.SIGTERM}
        number = numbers[self.kind.removesuffix(" all")]
        if process.poll() is None:
            (os.killpg if self.kind.endswith("all") else os.kill)(process.pid, number)

    # ---------------------------------------------------------------- what is left

    def check_processes(self) -> None:
        """Raises: Fault where a process of the command still runs."""
        until = time.monotonic() + PATIENCE
        while left := marked(self.token):
            if time.monotonic() > until:
                for one in left:
                    one.kill()
                raise Fault(f"{len(left)} processes are left")
            time.sleep(0.02)

    def check_message(self, status: int, errors: str) -> None:
        """Raises: Fault for an exit status or a message that is not as documented, or is not true."""
        lines = [line for line in errors.splitlines() if not line.startswith(NOTES)]
        if self.kind.startswith("kill"):
            if status == 1 and self.kind == "kill a worker":
                if not lines or lines[0] != "a worker process was killed":
                    raise Fault(f"another message: {errors}")
            elif status not in (0, -signal.SIGKILL) or lines:
                raise Fault(f"exit status {status}: {errors}")
            return
        number = signal.SIGTERM if self.kind == "terminate" else signal.SIGINT
        if status == -number or (status == 1 and errors.rstrip().endswith("KeyboardInterrupt")):
            return  # Python itself ended, before the command began or after it had ended
        if status == 0 and not lines:
            return
        if status != 128 + number or len(lines) != 1 or not lines[0].startswith("interrupted; "):
            raise Fault(f"exit status {status}: {errors}")
        made = sorted(name for name in self.command.outputs if (self.work / name).exists())
        said = sorted(name for name in self.command.outputs if re.search(rf"\b{re.escape(name)}\b", lines[0]))
        if made != said:
            raise Fault(f"{lines[0]!r}, and there is {made}")

    def check_outputs(self, expected: Reference) -> set[str]:
        """What is left beside complete outputs. Raises: Fault for what looks complete and is not."""
        found = contents(self.work, self.command.outputs)
        is_resumable = self.command.kept
        if is_resumable and f"{is_resumable}/results.json" not in found:
            found = {name: data for name, data in found.items() if not name.startswith(f"{is_resumable}/")}
        for name in self.command.outputs:
            there = {path for path in found if path == name or path.startswith(f"{name}/")}
            if there and there < {
                path for path in expected.files if path == name or path.startswith(f"{name}/")
            }:
                raise Fault(f"{name} is there without some of its files")
        for name, data in found.items():
            if is_resumable and name.startswith(f"{is_resumable}/blocks/"):
                continue  # removed last
            if data != expected.files.get(name):
                raise Fault(f"{name} is not as without interruption")
        others = {
            name
            for name in self.names() - self.before
            if name not in found and not self.is_folder_of(name, found)
        }
        own = {name for name in others if is_resumable and name.split("/")[0] == is_resumable}
        hidden = {name for name in others if any(UNFINISHED.fullmatch(part) for part in name.split("/"))}
        if others - own - hidden:
            raise Fault(f"left: {', '.join(sorted(others - own - hidden))}")
        left = [path.name for path in self.temporary.iterdir()]
        if self.kind not in ("kill", "kill all") and (hidden or left):
            raise Fault(f"left: {', '.join([*sorted(hidden), *left])}")
        if not all(UNFINISHED.fullmatch(name) for name in left):
            raise Fault(f"left among temporary files: {', '.join(left)}")
        return others | set(left)

    def is_folder_of(self, name: str, found: dict[str, bytes]) -> bool:
        """Whether a path is a folder of complete outputs."""
        return (self.work / name).is_dir() and any(path.startswith(f"{name}/") for path in found)

    def check_again(self, expected: Reference, *, is_done: bool) -> None:
        """Give the same command again: its outputs are those without interruption, and nothing else is there."""
        if self.command.kept and (self.work / self.command.kept / "results.json").exists():
            again = self.run_again()
            if again.returncode != 2 or "holds a finished analysis" not in again.stderr:
                raise Fault(f"once more: exit status {again.returncode}: {again.stderr}")
            if (self.work / self.command.kept / "blocks").exists():
                raise Fault("blocks of a finished analysis are left")
            return
        again = self.run_again(*self.command.again)
        if again.returncode:
            raise Fault(f"once more: exit status {again.returncode}: {again.stderr}")
        if contents(self.work, self.command.outputs) != expected.files:
            raise Fault("once more: other bytes than without interruption")
        more = {name for name in self.names() - self.before if name.split("/")[0] not in self.command.outputs}
        if more or (any(self.temporary.iterdir()) and self.command.has_processes):
            raise Fault(
                f"left after the command was given again: {', '.join(sorted(more)) or 'temporary files'}"
            )

    def run_again(self, *more: str) -> subprocess.CompletedProcess[str]:
        """The same command to its end."""
        return subprocess.run(
            self.command.line(*more), cwd=self.work, env=self.env, capture_output=True, text=True, check=False
        )


def is_worker(process: psutil.Process) -> bool:
    """Whether a process is a worker of a command, or compiles for it."""
    try:
        words = " ".join(process.cmdline())
    except (psutil.Error, OSError):
        return False
    return "spawn_main" in words or "sim.engine.precompile" in words
