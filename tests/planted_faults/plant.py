"""`make faults`: plants each fault in a copy of the sources and runs the test that has to fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.planted_faults.faults import FAULTS, Fault

ROOT = Path(__file__).parents[2]
COPIED = ("sim", "tests", "scenarios", "benchmarks", "docs", "pyproject.toml", "README.md")
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".pytest_cache", "*.csv.gz", "invalid")
"""No test that has to fail reads the invalid files of the corpus; there are more than a thousand of them."""
FAILED, PASSED = 1, 0  # of pytest


class NotPlanted(Exception):
    """The place of a fault is not, or not only once, in the sources."""


def planted(fault: Fault, source: str) -> str:
    """The source with the fault in it. Raises: NotPlanted."""
    found = source.count(fault.old)
    if found != 1:
        raise NotPlanted(f"{fault.name}: its place stands {found} times in {fault.file}, plant it anew")
    return source.replace(fault.old, fault.new)


def copy_sources(folder: Path) -> None:
    """Copy what the tests need into a folder."""
    for part in COPIED:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=NOT_COPIED)
        else:
            shutil.copy(ROOT / part, folder / part)


class Copy:
    """A copy of the sources, in which one fault at a time is planted."""

    def __init__(self, folder: Path) -> None:
        copy_sources(folder)
        self.folder = folder

    def is_caught(self, fault: Fault) -> bool:
        """Whether its test fails once it is there."""
        file = self.folder / fault.file
        source = file.read_text("utf-8")
        file.write_text(planted(fault, source), encoding="utf-8")
        try:
            return bool(self._failures(fault.name, [fault.test], is_compiled=fault.is_compiled))
        finally:
            file.write_text(source, encoding="utf-8")

    def fail_anyway(self, faults: Sequence[Fault]) -> list[str]:
        """Tests that fail without any fault, and so would show nothing."""
        found = []
        for is_compiled in (False, True):
            tests = dict.fromkeys(fault.test for fault in faults if fault.is_compiled == is_compiled)
            found += self._failures("", list(tests), is_compiled=is_compiled) if tests else []
        return found

    def _failures(self, fault: str, tests: Sequence[str], *, is_compiled: bool) -> list[str]:
        """The tests that fail; none of them may fail to run.

        With a fault the first one is enough, and hypothesis need not look for a smaller example.
        """
        first = ["-x", "--hypothesis-profile=unshrunk"] if fault else []
        with tempfile.TemporaryDirectory(prefix="allpath-fault-cache-") as cache:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", *first, *tests],
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(self.folder),
                    "PYTHONDONTWRITEBYTECODE": "1",  # a file may change twice in a second
                    "NUMBA_DISABLE_JIT": "0" if is_compiled else "1",
                    "XDG_CACHE_HOME": cache,
                },
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode not in (PASSED, FAILED) or "\nERROR " in done.stdout:
            what = fault or "no fault"
            raise NotPlanted(f"{what}: the tests cannot be run\n{done.stdout}{done.stderr}")
        return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")]


def main(words: list[str]) -> int:
    """Every fault, or those whose name has one of the words in it; 1 where one is not caught."""
    faults = [fault for fault in FAULTS if not words or any(word in fault.name for word in words)]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="allpath-fault-") as folder:
        copy = Copy(Path(folder))
        anyway = copy.fail_anyway(faults)
        for test in anyway:
            print(f"FAILS ANYWAY  {test}")
        for fault in faults:
            caught = copy.is_caught(fault)
            missed += not caught
            test = fault.test.rpartition("::")[2]
            print(f"{'caught' if caught else 'MISSED'}  {fault.name}  ({test})", flush=True)
    return 1 if missed or anyway else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
