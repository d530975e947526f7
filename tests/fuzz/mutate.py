"""Mutates valid inputs and reads each: only the project's own errors may come out.

`python -m tests.fuzz.mutate --minutes 60 --seed 1` takes the files of tests/conformance/valid and scenarios/, changes
each at random as text and as a tree, and loads, compiles and describes what comes out; files of targets are read,
tables are fitted, and arguments of `--set` are applied. Every other exception, and every read of more than 20
seconds, is printed with its file kept in --keep; then the exit status is 1.
"""

from __future__ import annotations

import argparse
import io
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from random import Random
from types import FrameType

from rich.console import Console

from sim.errors import InputError, RunError, ScenarioError
from sim.pathway.tables import compile_pathway
from sim.report.text.protocol import print_protocol
from sim.scenario import load
from sim.scenario.source import tree
from tests.fuzz.other_inputs import (
    changed_setting,
    changed_table,
    read_file_of_targets,
    read_setting,
    read_table,
    write_tables,
)
from tests.properties.test_scenario_faults import DOLLARS, VALUES, mutate, spots

ROOT = Path(__file__).parents[2]
LONGEST = 20  # seconds of computing for one file
ODD = (
    *DOLLARS,
    *(
        "1e30",
        "1e-308 days",
        "0x1" + "0" * 300,
        "9007199254740993",
        "-1",
        "1_0",
        "1e308",
        "٣",
        "-0",
        "5e-324",
    ),
    *(
        "'",
        '"',
        "\t",
        "{",
        "}",
        "[",
        "]",
        ":",
        "- ",
        "#",
        "&a",
        "*a",
        "!x",
        "%",
        "@",
        "`",
        "\u202e",
        "\0",
        "\ufeff",
    ),
    *(
        "0 days",
        "1 per day",
        "1e9 per day",
        "1e-300 per year",
        "unlimited",
        "rest",
        "stay",
        "null",
        "1e400",
        ".inf",
    ),
    *("1e17 years", "1e-20", "0.9999999999999999", "1.0000000000000002", "current_age", "since.start"),
)


class TooLong(Exception):
    """One file took longer than `LONGEST`."""


def expire(_signal: int, _frame: FrameType | None) -> None:
    raise TooLong


def changed_text(text: str, chance: Random) -> str:
    """One change to a text: a piece lost, doubled, moved, or an odd one put in or in place of a word."""
    begin = chance.randrange(len(text) + 1)
    end = min(len(text), begin + chance.choice((1, 2, 5, 20, 80)))
    piece = text[begin:end]
    what = chance.randrange(5)
    if what == 0:
        return text[:begin] + text[end:]
    if what == 1:
        return text[:end] + piece * chance.choice((1, 2, 5)) + text[end:]
    if what == 2:
        other = chance.randrange(len(text) + 1)
        return text[:other] + piece + text[other:]
    if what == 3:
        return text[:begin] + chance.choice(ODD) + text[begin:]
    words = [n for n in range(len(text)) if text[n].isalnum() and (n == 0 or not text[n - 1].isalnum())]
    begin = chance.choice(words or [0])
    end = begin
    while end < len(text) and (text[end].isalnum() or text[end] in "._"):
        end += 1
    return text[:begin] + chance.choice(ODD) + text[end:]


def changed(source: Path, chance: Random) -> str:
    """A file's text with one to four changes; a tree's values are swapped for odd ones, too."""
    text = source.read_text(encoding="utf-8")
    if chance.random() < 0.5:
        for _ in range(chance.randint(1, 4)):
            text = changed_text(text, chance)
        return text
    root = tree.plain(tree.read_text(text, "f"))
    for _ in range(chance.randint(1, 4)):
        places = spots(root)
        if not places:
            break
        if chance.random() < 0.5:
            mutate(root, chance)
        else:
            holder, key = chance.choice(places)
            holder[key] = deepcopy(chance.choice((*VALUES, *ODD)))
    return tree.write(root)


def describe(file: Path) -> None:
    """Load, compile and describe a scenario."""
    print_protocol(compile_pathway(load(file)), Console(file=io.StringIO(), width=120))


def fault_of(read: Callable[[], None]) -> str:
    """What came out of reading an input that should not, "" if nothing did."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST)  # of this process: others may slow it down
    try:
        read()
    except (ScenarioError, InputError, RunError):
        return ""
    except Exception:
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def write_mutated(source: Path, mutated: Path, chance: Random) -> Callable[[], None]:
    """Write an input with changes; returns what reads it."""
    if source.suffix == ".csv":
        mutated.write_text(changed_table(source.read_text("utf-8"), chance), "utf-8", newline="")
        return partial(read_table, mutated, chance)
    if source.parent.name == "targets":
        mutated.write_text(changed(source, chance), "utf-8")
        return partial(read_file_of_targets, mutated)
    if chance.random() < 0.2:
        setting = changed_setting(source, (*VALUES, *ODD), chance)
        mutated.write_text(f"# --set {setting!r} of {source.name}\n")
        return partial(read_setting, source, setting)
    mutated.write_text(changed(source, chance), encoding="utf-8")
    return partial(describe, mutated)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz_faults"))
    given = parser.parse_args()
    describe(ROOT / "scenarios" / "first_steps.yaml")
    signal.signal(signal.SIGPROF, expire)
    chance = Random(given.seed)
    seen: dict[str, int] = {}
    n = 0
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        shutil.copytree(ROOT / "tests" / "conformance" / "valid", work / "valid")
        shutil.copytree(ROOT / "scenarios", work / "scenarios")
        files = sorted(
            p for p in work.rglob("*.yaml") if ".resolved" not in p.name and p.name != "sources.yaml"
        )
        files += [file for file in write_tables(work) for _ in range(len(files) // 20)]
        until = time.monotonic() + 60.0 * given.minutes
        while time.monotonic() < until:
            source = chance.choice(files)
            mutated = source.with_name(f"mutated{source.suffix}")
            try:
                read = write_mutated(source, mutated, chance)
            except ScenarioError:  # what was put in cannot be written
                continue
            n += 1
            fault = fault_of(read)
            if fault:
                last = "".join(line for line in fault.splitlines() if line.strip().startswith("File"))[-120:]
                seen[last] = seen.get(last, 0) + 1
                if seen[last] == 1:
                    given.keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(mutated, given.keep / f"{source.stem}_{n}{source.suffix}")
                    print(f"{source.name}, change {n}:", *fault.splitlines()[-16:], sep="\n", flush=True)
    print(f"{n} mutated inputs, {sum(seen.values())} faults of {len(seen)} kinds")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
