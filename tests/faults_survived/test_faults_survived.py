"""A few interruptions of each kind, and what the system denies a command; `make faults-survived` makes more."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.faults_survived import conditions
from tests.faults_survived.commands import NAMED, write_inputs
from tests.faults_survived.conditions import Skipped
from tests.faults_survived.interruption import KINDS, Interruption, Reference, reference

INTERRUPTED = {
    "run": ("kill", "interrupt", "kill a worker"),
    "sweep": ("interrupt all", "kill a worker"),
    "psa": ("kill all", "terminate", "kill a worker"),
    "psa, same": ("kill", "interrupt"),
    "export csv": ("kill", "terminate", "interrupt"),
    "export xes": ("kill", "interrupt"),
}
FEW = tuple(NAMED[name] for name in ("run", "psa", "export xes"))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the input files of all commands."""
    folder = tmp_path_factory.mktemp("inputs")
    write_inputs(folder)
    return folder


@pytest.fixture(scope="module")
def references(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reference]:
    """Each command without interruption, by its name; filled as they are asked for."""
    return {}


QUICK = ("export csv", "export xes")
"""Commands of which a few interruptions take a second; `make test-long` interrupts the others."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, marks=[] if name in QUICK else pytest.mark.long)
        for name, kinds in INTERRUPTED.items()
        for kind in kinds
    ],
)
def test_an_interrupted_command(
    name: str, kind: str, inputs: Path, references: dict[str, Reference], tmp_path: Path
) -> None:
    """Nothing looks complete that is not, nothing is left, and the same command gives the same bytes."""
    command = NAMED[name]
    if name not in references:
        references[name] = reference(command, inputs, tmp_path / "whole")
    chance = random.Random(f"{name} {kind}")
    one = Interruption(command, kind, chance=chance, inputs=inputs, folder=tmp_path / "interrupted")
    assert one.check(references[name]) in ("had ended", "went on", "left nothing", "began anew")


def test_every_kind_is_among_these() -> None:
    assert {kind for kinds in INTERRUPTED.values() for kind in kinds} == set(KINDS)


@pytest.mark.long
@pytest.mark.parametrize("check", [conditions.full_disk, conditions.read_only_folder])
def test_outputs_that_cannot_be_written(check: conditions.OnCommands, inputs: Path, tmp_path: Path) -> None:
    shutil.copytree(inputs, tmp_path / "own")
    try:
        assert check(tmp_path / "own", commands=FEW) == "3 commands"
    except Skipped as why:
        pytest.skip(str(why))


@pytest.mark.long
@pytest.mark.parametrize("check", [conditions.full_output, conditions.read_only_cache])
def test_the_machine_gives_less(check: conditions.Check, inputs: Path, tmp_path: Path) -> None:
    shutil.copytree(inputs, tmp_path / "own")
    try:
        assert check(tmp_path / "own")
    except Skipped as why:
        pytest.skip(str(why))
