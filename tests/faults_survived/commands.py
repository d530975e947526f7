"""The commands that are interrupted: their input files, their outputs, and whether they go on where they were."""

from __future__ import annotations

import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.calibration_models import SURVIVAL, targets_text
from tests.command import ROOT, output_of
from tests.psa_models import written

QUEUE = """\
format: 1
title: A ward with one bed for four
horizon: 400 days
states: {ill: {}, dead: {}}
patients: {number: 200, arrive: {poisson: 0.2 per day}}
resources: {bed: {capacity: 4}}
pathway:
  start: ward
  stages:
    ward:
      state: ill
      needs: bed
      events: {end: {after: {exponential: {mean: 30 days}}, to: gone}}
    gone: {state: dead, terminal: true}
outcomes:
  survival: {from: start, until: {state: dead}}
"""
FIGURES = {"all": {"count": 24, "n": 30, "outcome": "alive", "at": "1 years"}}
FORTY_THOUSAND = ("--replications", "200")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that is started in a folder of its input files.

    outputs: the files and folders that it writes. kept: the folder from which the same command goes on, ""
    where it begins anew. again: further words of the command that goes on. begun: a file that shows, as soon
    as there is one, that something is worth keeping. has_processes: whether it works in several processes.
    """

    name: str
    words: tuple[str, ...]
    outputs: tuple[str, ...]
    kept: str = ""
    again: tuple[str, ...] = ()
    begun: str = "*"
    has_processes: bool = False

    def line(self, *more: str) -> list[str]:
        """The command as the system starts it."""
        return [sys.executable, "-m", "sim.cli.main", *self.words, *more]


PAGES = ("--json", "out.json", "--report", "out.html")
WRITTEN = ("out.json", "out.html")
RUN = ("--workers", "2", "--out", "run", "--force")
PSA = ("psa", "base.yaml", "better.yaml", "--draws", "24", "--patients", "8000", "--at", "2 years")
BLOCKS = "draws/blocks/*.parquet"
COMMANDS = (
    Command(
        "run",
        ("run", "queue.yaml", *FORTY_THOUSAND, *RUN, "--json", "out.json"),
        ("run", "out.json"),
        has_processes=True,
    ),
    Command("run in threads", ("run", "base.yaml", "--patients", "100000", *RUN, *PAGES), ("run", *WRITTEN)),
    Command("compare", ("compare", "base.yaml", "better.yaml", "--patients", "20000", *PAGES), WRITTEN),
    Command(
        "sweep",
        (
            *("sweep", "queue.yaml", "--over", "resources.bed.capacity=4,5,6,7", "--replications", "60"),
            *("--workers", "2", "--csv", "out.csv", *PAGES),
        ),
        ("out.csv", *WRITTEN),
        has_processes=True,
    ),
    Command(
        "psa",
        (*PSA, "--workers", "2", "--out", "draws", "--json", "out.json"),
        ("draws", "out.json"),
        kept="draws",
        begun=BLOCKS,
        has_processes=True,
    ),
    Command(
        "psa, same",
        (*PSA, "--design", "same", "--workers", "1", "--out", "draws"),
        ("draws",),
        kept="draws",
        again=("--workers", "7"),
        begun=BLOCKS,
    ),
    Command(
        "calibrate",
        (
            *("calibrate", "model.yaml", "--targets", "targets.yaml", "--parameter", "rate"),
            *("--patients", "10000", "--method", "laplace", "--workers", "2", "--out", "new.yaml", *PAGES),
        ),
        ("new.yaml", "new.draws.csv", *WRITTEN),
        has_processes=True,
    ),
    Command("fit", ("fit", "times.csv", "--out", "fits.yaml", *PAGES), ("fits.yaml", *WRITTEN)),
    Command("export csv", ("export", "saved", "--to", "csv", "--out", "tables", "--force"), ("tables",)),
    Command("export xes", ("export", "saved", "--to", "xes", "--out", "log.xes", "--force"), ("log.xes",)),
    Command("verify", ("verify", "base.yaml", "--patients", "200", "--json", "out.json"), ("out.json",)),
)
NAMED = {command.name: command for command in COMMANDS}


def write_inputs(folder: Path) -> None:
    """The input files of all commands: scenarios, targets, survival times, a saved run."""
    written(folder)
    (folder / "queue.yaml").write_text(QUEUE)
    (folder / "model.yaml").write_text(SURVIVAL)
    (folder / "targets.yaml").write_text(targets_text(FIGURES))
    chance = random.Random(1)
    rows = (f"{chance.expovariate(0.01):.3f},{int(chance.random() < 0.8)}" for _ in range(400))
    (folder / "times.csv").write_text("\n".join(["time,status", *rows, ""]))
    output_of("run", "queue.yaml", "--replications", "60", "--out", "saved", folder=folder)


def environment(**more: str) -> dict[str, str]:
    """The environment of a command. more: what it has beside this process's."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}
