"""The folder of a run: what its tables hold, and that it is there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from sim.engine.run import Result
from sim.errors import InputError, RunError
from sim.event_log.arrow_tables import event_table, event_tables, patient_table, use_table
from sim.event_log.log import EventLog, Names, ResourceUse
from sim.outcomes.evaluation import Arm
from sim.outcomes.results import Results
from sim.runs.reproduce import Reproduction
from sim.runs.run import Run, RunRequest, run_scenario
from sim.runs.store import EVENTS, FILES, PATIENTS, SavedRun, read_run, write_run
from sim.scenario.language.model import Scenario
from tests import example_logs as by_hand
from tests.example_logs import Patient, asks, enters, granted, leaves, stays

ROOT = Path(__file__).parents[3]
SCENARIO = replace(
    by_hand.scenario(
        [by_hand.stage("ward"), by_hand.stage("home"), by_hand.stage("dead", terminal=True)],
        attributes=[
            by_hand.number("age"),
            by_hand.yes_no("fit"),
            by_hand.category("site", "marrow", "csf"),
            by_hand.number("never_changed"),
        ],
        resources=[by_hand.resource("bed")],
    ),
    text="format: 1\n",
    digest="d1",
)
LOG = by_hand.event_log(
    SCENARIO,
    [
        Patient(
            [
                enters(0, "ward", fit=True),
                stays(2.5, "a.next", site="csf", seen=2.5),
                enters(9, "dead", rule="fatal", age=41.0),
            ],
            start={"age": 40.0},
        ),
        Patient([asks(0, "ward"), leaves(4, "ward")], begins=3.0),
        Patient([asks(0, "ward"), granted(1, "ward", site="marrow")], replication=1),
    ],
    rules=["fatal"],
    stamps=["seen", "unseen"],
)
USE = by_hand.resource_use([(0, 0.0, 0, 0, 0, 1), (0, 3.0, 0, 1, 2, 1)])
SUMMARY = {"title": "By hand", "outcomes": {"os": {"estimate": 0.25, "interval": [0.1, None]}}}


@dataclass(frozen=True)
class ByHand:
    """Results that are written as they are."""

    def as_json(self) -> dict[str, Any]:
        return SUMMARY


def write(
    folder: Path,
    *,
    force: bool = False,
    record: Callable[[], Mapping[str, Any]] | None = None,
    scenario: Scenario = SCENARIO,
    log: EventLog = LOG,
    use: ResourceUse = USE,
) -> None:
    arm = Arm("run", scenario, log, use, 1, 1)
    request = RunRequest(Path("by_hand.yaml"))
    run = Run(request, scenario, cast("Results", ByHand()), "shared", log.n_patients, arm)
    made = record or (lambda: {"digest": "d1", "seed": 1})
    with patch("sim.runs.store.record", lambda run, command: made()):
        write_run(folder, run, force=force)


def read_tables(saved: SavedRun, names: Names = LOG.names) -> tuple[EventLog, ResourceUse]:
    return saved.tables(names)


def fails(error: BaseException) -> Callable[[], Mapping[str, Any]]:
    def record() -> Mapping[str, Any]:
        raise error

    return record


def names_in(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


# ---------------------------------------------------------------- tables


def test_events_have_a_row_for_each_event() -> None:
    rows = event_table(LOG, 0, LOG.n_rows, with_changes=False).to_pylist()
    assert rows[1] == {
        "replication": 0,
        "patient": 0,
        "sequence": 1,
        "time_days": 2.5,
        "event": "a.next",
        "rule": None,
        "from_stage": "ward",
        "to_stage": None,
        "does": "stays",
    }
    assert [row["does"] for row in rows] == ["enters", "stays", "enters", "asks", "leaves", "asks", "enters"]
    assert [row["sequence"] for row in rows] == [0, 1, 2, 0, 1, 0, 1]
    assert [row["patient"] for row in rows] == [0, 0, 0, 1, 1, 0, 0]
    assert [row["replication"] for row in rows] == [0, 0, 0, 0, 0, 1, 1]
    assert rows[2]["rule"] == "fatal"
    assert (rows[0]["event"], rows[4]["event"], rows[6]["event"]) == ("start", "left_queue", "granted")
    assert rows[0]["from_stage"] is None


def test_events_hold_what_changed_in_the_row_that_changed_it() -> None:
    table = event_table(LOG, 0, LOG.n_rows)
    nothing = [None] * 7
    assert table.column_names[9:] == [
        "attributes.age",
        "attributes.fit",
        "attributes.site",
        "attributes.never_changed",
        "stamps.seen",
        "stamps.unseen",
        "resources.bed",
    ]
    for name in ("attributes.never_changed", "stamps.unseen", "resources.bed"):
        assert table[name].null_count == 7
    assert table["attributes.age"].to_pylist() == [*nothing[:2], 41.0, *nothing[3:]]
    assert table["attributes.fit"].to_pylist() == [True, *nothing[1:]]
    assert table["attributes.site"].to_pylist() == [None, "csf", *nothing[2:6], "marrow"]
    assert table["stamps.seen"].to_pylist() == [None, 2.5, *nothing[2:]]


def test_of_two_values_set_in_one_row_the_last_is_kept() -> None:
    twice = replace(
        LOG,
        change_of=np.array([0, 2, 2, 2, 2, 2, 2, 2]),
        change_what=np.array([0, 0], np.int16),
        change_value=np.array([1.0, 7.0]),
    )
    table = event_table(twice, 0, twice.n_rows)
    assert table["attributes.age"].to_pylist()[0] == 7.0


def test_row_groups_together_are_the_whole() -> None:
    whole = next(event_tables(LOG))
    for size in (1, 2, 3, 7):
        assert pa.concat_tables(event_tables(LOG, size)).to_pylist() == whole.to_pylist()


def test_patients_have_their_values_at_the_start_and_at_the_end() -> None:
    first, second, third = patient_table(LOG).to_pylist()
    assert first == {
        "replication": 0,
        "patient": 0,
        "start_day": 0.0,
        "end_days": 9.0,
        "follow_up_days": 1000.0,
        "last_stage": "dead",
        "at_start.age": 40.0,
        "at_start.fit": False,
        "at_start.site": "marrow",
        "at_start.never_changed": 0.0,
        "at_end.age": 41.0,
        "at_end.fit": True,
        "at_end.site": "csf",
        "at_end.never_changed": 0.0,
    }
    assert (second["start_day"], second["follow_up_days"]) == (3.0, 997.0)
    assert second["last_stage"] is None
    assert third["last_stage"] == "ward"


def test_names_that_are_equal_can_be_written(tmp_path: Path) -> None:
    names = replace(LOG.names, events=(*LOG.names.events[:-1], "clock.x", "clock.x"))
    log = replace(LOG, names=names, event=np.where(LOG.event == 4, 5, LOG.event).astype(np.int16))
    write(tmp_path / "run", log=log, record=dict)
    events = pd.read_parquet(tmp_path / "run" / "events.parquet")["event"]
    assert list(events[:3]) == ["start", "clock.x", "clock.x"]


def test_resource_use_names_its_resource() -> None:
    rows = use_table(USE, ["bed"]).to_pylist()
    assert rows[1] == {
        "replication": 0,
        "time_days": 3.0,
        "resource": "bed",
        "in_use": 1,
        "queue": 2,
        "capacity": 1,
    }


# ---------------------------------------------------------------- whole or not at all


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path / "deeper" / "run")
    saved = read_run(tmp_path / "deeper" / "run")
    assert names_in(saved.folder) == sorted(FILES)
    assert names_in(tmp_path / "deeper") == ["run"]
    assert saved.summary == SUMMARY
    assert saved.provenance == {"digest": "d1", "seed": 1}
    assert (saved.folder / "scenario.yaml").read_text() == "format: 1\n"
    events = pd.read_parquet(saved.folder / "events.parquet")
    assert isinstance(events["event"].dtype, pd.CategoricalDtype)
    assert events.shape == (7, 16)


def same(one: Any, other: Any) -> bool:
    """Whether two logs (or uses of resources) hold the same, column by column, with the same kinds."""
    return all(
        np.array_equal(a, b) and a.dtype == b.dtype
        for a, b in ((getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
        if isinstance(a, np.ndarray)
    )


def test_the_log_is_read_back_as_it_was(tmp_path: Path) -> None:
    write(tmp_path / "run")
    log, use = read_tables(read_run(tmp_path / "run"))
    assert same(log, LOG)
    assert same(use, USE)


@pytest.mark.parametrize("file", ["first_steps.yaml", "populations/cns_combined.yaml"])
def test_the_log_of_a_shipped_scenario_is_read_back_as_it_was(tmp_path: Path, file: str) -> None:
    request = RunRequest(ROOT / "scenarios" / file, patients=300, replications=2)
    done = run_scenario(request, keep_log=True)
    assert done.arm is not None
    write_run(tmp_path / "run", done)
    found = read_run(tmp_path / "run").arm()
    assert found.log.n_rows > 1000
    for made in (event_tables, lambda log: [patient_table(log)]):
        assert pa.concat_tables(made(found.log)).equals(pa.concat_tables(made(done.arm.log)))


def test_a_log_in_many_groups_and_one_without_rows_are_read_back(tmp_path: Path) -> None:
    write(tmp_path / "run", record=lambda: {"engine": "shared"})
    events = tmp_path / "run" / EVENTS
    parquet.write_table(parquet.read_table(events), events, row_group_size=2)
    assert parquet.ParquetFile(events).num_row_groups == 4
    assert same(read_tables(read_run(tmp_path / "run"))[0], LOG)
    nobody = by_hand.event_log(SCENARIO, [], rules=["fatal"], stamps=["seen", "unseen"])
    write(tmp_path / "none", log=nobody, use=by_hand.no_use())
    assert same(read_tables(read_run(tmp_path / "none"), nobody.names)[0], nobody)


@pytest.mark.parametrize("name", [EVENTS, PATIENTS])
def test_tables_that_do_not_belong_together_are_not_read(tmp_path: Path, name: str) -> None:
    write(tmp_path / "run", record=lambda: {"engine": "shared"})
    table = parquet.read_table(tmp_path / "run" / name)
    parquet.write_table(table.slice(1), tmp_path / "run" / name)
    with pytest.raises(RunError, match="its tables cannot be read back"):
        read_tables(read_run(tmp_path / "run"))


def test_a_log_of_another_pathway_is_not_read(tmp_path: Path) -> None:
    write(tmp_path / "run", record=lambda: {"engine": "shared"})
    saved = read_run(tmp_path / "run")
    for names in (
        replace(LOG.names, stages=("ward", "away", "dead")),
        replace(LOG.names, attributes=("age", "fit", "place", "never_changed")),
        replace(LOG.names, events=(*LOG.names.events, "start")),
    ):
        with pytest.raises(RunError, match="its tables cannot be read back"):
            read_tables(saved, names)


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match=r"run: exists; choose another name, or .* force=True"):
        write(tmp_path / "run")
    assert names_in(tmp_path / "run") == []


def test_force_replaces_a_run(tmp_path: Path) -> None:
    write(tmp_path / "run")
    write(tmp_path / "run", force=True, record=lambda: {"seed": 2})
    assert read_run(tmp_path / "run").provenance == {"seed": 2}
    assert names_in(tmp_path) == ["run"]


def test_force_never_takes_away_what_is_no_run(tmp_path: Path) -> None:
    write(tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"no part of a run: notes\.txt"):
        write(tmp_path / "run", force=True)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is no folder"):
        write(tmp_path / "file", force=True)
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with pytest.raises(InputError, match="is no folder"):
        write(tmp_path / "link", force=True)
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(RunError, match="run: no space left on device; nothing was written"):
        write(tmp_path / "run", record=fails(full))
    assert names_in(tmp_path) == []


def test_a_table_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, *args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28] No space left on device")

    monkeypatch.setattr(parquet.ParquetWriter, "write_table", full)
    with pytest.raises(RunError, match="run: no space left on device; nothing was written"):
        write(tmp_path / "run")
    assert names_in(tmp_path) == []


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "run", record=fails(KeyboardInterrupt()))
    assert names_in(tmp_path) == []


def test_a_killed_run_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    code = (
        "import os, sys, signal\n"
        "from pathlib import Path\n"
        "from tests.unit.runs.test_run_folder import write\n"
        "write(Path(sys.argv[1]), record=lambda: os.kill(os.getpid(), signal.SIGKILL))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert [name for name in names_in(tmp_path) if not name.endswith(".unfinished")] == []
    for left in tmp_path.iterdir():
        with pytest.raises(RunError, match="is no complete run"):
            read_run(left)
    write(tmp_path / "run")
    assert names_in(tmp_path) == ["run"]


def test_what_is_no_run_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run"):
        read_run(tmp_path / "none")
    with pytest.raises(RunError, match=r"is no complete run, it has no events\.parquet"):
        read_run(tmp_path)
    write(tmp_path / "run")
    (tmp_path / "run" / "summary.json").write_text("{")
    with pytest.raises(RunError, match=r"summary\.json: cannot be read"):
        read_run(tmp_path / "run")


# ---------------------------------------------------------------- again


def differences(
    saved: SavedRun, *results: Result, summary: Mapping[str, Any] = SUMMARY, digest: str = "d1"
) -> list[str]:
    """What `Reproduction` tells of these results, one after the other."""
    again = Reproduction(saved)
    for result in results:
        again.add(result)
    return again.differences(summary, digest)


def once_more(**changes: Any) -> Result:
    return Result(replace(LOG, **changes), USE, "shared")


def test_the_same_again_is_identical(tmp_path: Path) -> None:
    write(tmp_path / "run")
    assert differences(read_run(tmp_path / "run"), once_more()) == []


def test_what_differs_is_named(tmp_path: Path) -> None:
    write(tmp_path / "run")
    saved = read_run(tmp_path / "run")
    time = LOG.time.copy()
    time[4] = 5.0
    assert differences(saved, once_more(time=time)) == ["events.parquet: row 4: time_days was 4.0, is 5.0"]
    ends = LOG.ends + 1.0
    assert differences(saved, once_more(ends=ends)) == ["patients.parquet: row 0: end_days was 9.0, is 10.0"]
    value = LOG.change_value.copy()
    value[1] = 0.0
    assert differences(saved, once_more(change_value=value)) == [
        "events.parquet: row 1: attributes.site was csf, is marrow"
    ]
    other = json.loads(json.dumps(SUMMARY))
    other["outcomes"]["os"] |= {"interval": [0.2, None], "n": 3}
    assert differences(saved, once_more(), summary=other) == [
        "summary: outcomes.os.interval.0: was 0.1, is 0.2",
        "summary: outcomes.os.n: is new",
    ]
    assert differences(saved, once_more(), digest="d2") == ["scenario: the digest was d1, it is d2"]


def test_rows_that_are_missing_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "run")
    fewer = by_hand.event_log(
        SCENARIO, [Patient([enters(0, "ward")])], rules=["fatal"], stamps=["seen", "unseen"]
    )
    told = differences(read_run(tmp_path / "run"), Result(fewer, USE, "shared"))
    assert "events.parquet: had 7 rows, has 1" in told
    assert "patients.parquet: had 3 rows, has 1" in told


def test_a_table_that_is_broken_is_told(tmp_path: Path) -> None:
    write(tmp_path / "run")
    (tmp_path / "run" / "events.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunError, match=r"events\.parquet: cannot be read"):
        differences(read_run(tmp_path / "run"), once_more())


def test_a_record_that_does_not_say_how_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "run")
    with pytest.raises(RunError, match="does not say how it was run"):
        read_run(tmp_path / "run").request()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seed", str(2**70)),
        ("seed", "-1"),
        ("seed", "1e400"),
        ("replications", "0"),
        ("at_days", "[1e400]"),
        ("at_days", "[NaN]"),
        ("at_days", "3"),
        ("engine", '"simpy"'),
    ],
)
def test_an_edited_record_is_one_clear_error(tmp_path: Path, name: str, text: str) -> None:
    record = {"seed": "1", "replications": "1", "engine": '"auto"', "at_days": "[365.25]"} | {name: text}
    write(tmp_path / "run")
    body = ", ".join(f'"{key}": {value}' for key, value in record.items())
    (tmp_path / "run" / "provenance.json").write_text(f"{{{body}}}")
    with pytest.raises(RunError, match="run: its record does not say how it was run"):
        read_run(tmp_path / "run").request()
