"""Mutated inputs beside scenarios: files of targets, tables of `fit`, and arguments of `--set`."""

from __future__ import annotations

from pathlib import Path
from random import Random

from sim.calibration.fit_results import FitRequest, fit_survival
from sim.calibration.survival_data import Columns, Printed
from sim.calibration.targets import read_targets
from sim.scenario import load
from tests.survival_examples import write_gehan

CELLS = (
    *("", " ", "NA", "nan", "inf", "-inf", "-1", "0", "1", "2", "1e308", "1e-308", "1e400", "5e-324", "0x10"),
    *("1,5", '"1', '"', "'1'", "1_0", "٣", "\u202e", "\ufeff1", "\0", "true", "TRUE", "2024-01-01", "=1+1"),
    *("x" * 300, "9" * 400, "1;2", "\t", "1\r2", "time", "#", "-0", "+1", ".5", "1.", "1e", "e1"),
)
INTERVALS = "time_low,time_high\n0,3\n2,5\n4,\n5,5\n1,9\n7,\n"
CURVE = "time,survival\n0,1\n1,0.9\n2,0.8\n4,0.55\n6,0.4\n9,0.35\n"
AT_RISK = "time,at_risk\n0,100\n3,70\n6,38\n"
CAUSES = (
    "time,entry,status,cause,age\n3,0,1,a,50\n5,1,1,b,60\n8,0,0,,55\n9,2,1,a,70\n12,0,1,b,41\n13,4,0,,66\n"
)
LONG = "id,from,to,trans,Tstart,Tstop,time,status\n1,1,2,1,0,4,4,1\n1,1,3,2,0,4,4,0\n2,1,2,1,0,6,6,0\n2,1,3,2,0,6,6,1\n"
PATHS = (
    "patients.number",
    "horizon",
    "title",
    "patients",
    "pathway.stages",
    "outcomes",
    "add",
    "remove",
    "changes",
)


def write_tables(folder: Path) -> list[Path]:
    """A table of each form that `fit` reads, and numbers at risk."""
    write_gehan(folder / "gehan.csv")
    for name, text in (("intervals", INTERVALS), ("curve", CURVE), ("causes", CAUSES), ("long", LONG)):
        (folder / f"{name}.csv").write_text(text)
    return sorted(folder.glob("*.csv"))


def changed_table(text: str, chance: Random) -> str:
    """A table with one to four changes: a cell, a row or a column lost, doubled, moved or replaced."""
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(chance.randint(1, 4)):
        if not rows:
            break
        row = chance.choice(rows)
        what, place = chance.randrange(6), chance.randrange(max(len(row), 1))
        if what == 0:
            row[place : place + 1] = [chance.choice(CELLS)]
        elif what == 1:
            del row[place : place + 1]
        elif what == 2:
            row.insert(place, chance.choice(CELLS))
        elif what == 3:
            rows.remove(row)
        elif what == 4:
            rows.insert(chance.randrange(len(rows)), list(row))
        else:
            for other in rows:
                other[place : place + 1] = chance.choice(
                    ([], other[place : place + 1] * 2, [chance.choice(CELLS)])
                )
    end = chance.choice(("\n", "\n", "\n", "\r\n", "\r", ";"))
    return end.join(chance.choice((",", ",", ",", ";", "\t")).join(row) for row in rows)


def read_table(file: Path, chance: Random) -> None:
    """Fit two families to a table, with options at random."""
    words = file.read_text("utf-8", errors="replace").splitlines()[:1]
    names = [*(words[0].split(",") if words else []), "", "", "x"]
    columns = Columns(
        *(chance.choice((*[""] * 6, *names)) for _ in range(7)),
        chance.choice(((), (), (names[-4],)) if len(names) > 3 else ((),)),
    )
    printed = chance.choice((Printed(), Printed(), Printed(None, 100, chance.choice((None, 0, 40, 200)))))
    families = chance.choice((["exponential"], ["weibull", "exponential"]))
    results = fit_survival(FitRequest.of(file, columns=columns, printed=printed, families=families))
    results.as_json()
    results.files(file.with_name("out.yaml"))


def read_setting(file: Path, setting: str) -> None:
    """Load a scenario with one setting of `--set`."""
    load(file, settings=[setting])


def changed_setting(file: Path, values: tuple[object, ...], chance: Random) -> str:
    """An argument of `--set`: a path of the file or another, and a value of it, an odd one, or none."""
    keys = [line.split(":")[0].strip() for line in file.read_text("utf-8").splitlines() if ":" in line]
    path = ".".join(chance.choice([*PATHS, *keys]) for _ in range(chance.choice((1, 1, 2, 3, 4))))
    return f"{path}{chance.choice(('=', '=', '=', '', ' = ', '=='))}{chance.choice(values)}"


def read_file_of_targets(file: Path) -> None:
    """Read targets, and the keys of their figures."""
    for found in read_targets([file]):
        for target in found.targets:
            _ = target.applicable
