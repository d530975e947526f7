"""Commands are interrupted at random moments, and nothing that looks complete and is not may be left.

`python -m tests.faults_survived --runs 200 --seed 1` interrupts the commands of `commands.py` in turn; then come a
full disk, folders and files without permission, two first runs at once and changes of the clock. A failure is
printed with its number, and its folder is kept: `--seed 1 --only 17` repeats it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.faults_survived.commands import COMMANDS, Command, write_inputs
from tests.faults_survived.conditions import CONDITIONS, Skipped
from tests.faults_survived.interruption import KINDS, Fault, Interruption, Reference, reference


def drawn(number: int, seed: int) -> tuple[Command, str, random.Random]:
    """The command of an interruption, its kind, and the random numbers of its moment."""
    chance = random.Random(f"{seed}.{number}")
    command = COMMANDS[number % len(COMMANDS)]
    kinds = KINDS if command.has_processes else KINDS[:-1]
    return command, kinds[number // len(COMMANDS) % len(kinds)], chance


def interrupted(
    number: int, *, seed: int, folder: Path, expected: dict[str, Reference]
) -> tuple[str, str, str, str]:
    """The command, the kind, what happened, and the fault, "" for none."""
    command, kind, chance = drawn(number, seed)
    own = folder / f"{number}"
    one = Interruption(command, kind, chance=chance, inputs=folder / "inputs", folder=own)
    try:
        return command.name, kind, one.check(expected[command.name]), ""
    except Fault as fault:
        return command.name, kind, "FAULT", f"{number}: {command.name}, {kind}: {fault} ({own})"


def print_counts(done: list[tuple[str, str, str, str]]) -> None:
    """A row for each command with the numbers of each kind, then what happened."""
    kinds = Counter((name, kind) for name, kind, _, _ in done)
    print(f"{'':16}" + "".join(f"{kind:>15}" for kind in KINDS))
    for command in COMMANDS:
        print(f"{command.name:16}" + "".join(f"{kinds[command.name, kind]:>15}" for kind in KINDS))
    print("; ".join(f"{what}: {n}" for what, n in Counter(what for _, _, what, _ in done).most_common()))


def main() -> int:
    """Interrupt, print the counts and the faults; the exit status is 1 where there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, nargs="*", help="the numbers of the interruptions to repeat")
    parser.add_argument("--at-once", type=int, default=2, help="interruptions that run at the same time")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="faults-survived-"))
    (folder / "inputs").mkdir()
    write_inputs(folder / "inputs")
    expected = {one.name: reference(one, folder / "inputs", folder / f"whole {one.name}") for one in COMMANDS}
    numbers = given.only if given.only is not None else range(given.runs)
    print(f"{len(numbers)} interruptions, seed {given.seed}", flush=True)
    work = partial(interrupted, seed=given.seed, folder=folder, expected=expected)
    done = []
    with ThreadPoolExecutor(given.at_once) as pool:
        for one in pool.map(work, numbers):
            done.append(one)
            if one[3]:
                print(one[3], flush=True)
            if len(done) % 20 == 0:
                print(f"{len(done)} done", flush=True)
    print_counts(done)
    faults = sum(bool(fault) for *_, fault in done)
    if given.only is None:
        faults += check_conditions(folder)
    if not faults:
        shutil.rmtree(folder)
    print(f"{faults} faults")
    return 1 if faults else 0


def check_conditions(folder: Path) -> int:
    """Check every condition; how many were not survived."""
    faults = 0
    for name, check in CONDITIONS.items():
        own = folder / name
        shutil.copytree(folder / "inputs", own)
        try:
            print(f"{name}: {check(own)}", flush=True)
        except Skipped as why:
            print(f"{name}: skipped, {why}", flush=True)
        except Fault as fault:
            print(f"{name}: {fault} ({own})", flush=True)
            faults += 1
    return faults


if __name__ == "__main__":
    sys.exit(main())
