"""A run read and written in batches of replications is the run that is read and written whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from sim.engine import processes, simpy_replications
from sim.engine.run import Result, simulate, simulate_in_batches
from sim.errors import InputError, RunError
from sim.formats import export
from sim.runs import run as runs
from sim.runs.reproduce import Reproduction
from sim.runs.run import RuleViolation, Run, RunRequest, run_scenario
from sim.runs.store import EVENTS, TABLES, read_run, run_into, write_run
from tests.cohorts import compiled, written

PATIENTS = (
    "{arrive: {poisson: 0.004 per day, for: 600 days, warm_up: 50 days}, attributes: {weight: {poisson: 1000000}, "
    "grade: {categorical: {0: 0.2, 1: 0.1, 2: 0.1, 5: 0.1, 10: 0.1, 100: 0.1, 0.5: 0.1, 7: rest}}}}"
)
STAGES = """
ward:
  state: ill
  needs: bed
  while_waiting: {lost: {after: {exponential: {mean: 60 days}}, to: died}}
  events:
    worse: {after: {exponential: {mean: 90 days}}, to: {icu: 0.5, died: rest}}
    well: {after: {exponential: {mean: 90 days}}, to: home}
icu: {state: ill, events: {done: {after: {exponential: {mean: 200 days}}, to: home}}}
home: {state: ill, events: {end: {after: {exponential: {mean: 900 days}}, to: died}}}
died: {state: dead, terminal: true}
"""
OUTCOMES = """
outcomes:
  survival: {from: start, until: {state: dead}, by: grade}
  at_home: {from: {stage: home}, until: {state: dead}}
  after_icu: {from: {stage: icu}, until: {stage: home}, competing: {death: {state: dead}}}
  wait: {waiting_for: bed}
  icu: {ever: {stage: icu}, by: weight}
  deaths: {total: {state: dead}, by: grade}
  ill: {time_in: {state: ill}}
  where: {occupancy: {stage: ward}}
  grade: {attribute: grade}
  road: {funnel: [start, {stage: ward}, {stage: home}]}
"""
HORIZON = "1200 days"


def asked(folder: Path, *, more: str = OUTCOMES, replications: int = 40) -> RunRequest:
    """Replications of some two patients each: several without anybody, few with any one grade."""
    file = folder / "ward.yaml"
    file.write_text(
        written(STAGES, patients=PATIENTS, horizon=HORIZON, resources="{bed: {capacity: 1}}") + more
    )
    return RunRequest(file, replications=replications, workers=1)


def in_batches(of: RunRequest, **options: Any) -> list[tuple[range, Result]]:
    """The batches of at least five patients; options: other than these."""
    found: list[tuple[range, Result]] = []
    usual: dict[str, Any] = {
        "seed": of.seed,
        "replications": of.replications,
        "engine": "auto",
        "workers": 1,
        "at_least": 5,
        "take": lambda which, result: found.append((which, result)),
    }
    simulate_in_batches(compiled(of.file.read_text()), **usual | options)
    return found


def into(folder: Path, request: RunRequest, *, force: bool = False) -> Run:
    return run_into(folder, request, request.load(), force=force)


# ---------------------------------------------------------------- the engine


def test_batches_are_the_run_in_parts(tmp_path: Path) -> None:
    of = asked(tmp_path)
    whole = simulate(compiled(of.file.read_text()), replications=40, workers=1)
    batches = in_batches(of)
    assert len(batches) > 5
    assert [which.start for which, _ in batches] == [0, *(which.stop for which, _ in batches[:-1])]
    assert batches[-1][0].stop == 40
    for which, result in batches:
        assert which.start <= result.log.replication.min() <= result.log.replication.max() < which.stop
    for name in ("replication", "patient", "time", "event", "stage_to", "at_start", "at_end", "ends"):
        parts = [getattr(result.log, name) for _, result in batches]
        assert np.array_equal(np.concatenate(parts), getattr(whole.log, name)), name
    for name in ("replication", "time", "in_use", "queue"):
        parts = [getattr(result.use, name) for _, result in batches]
        assert np.array_equal(np.concatenate(parts), getattr(whole.use, name)), name


def test_batches_of_the_independent_engine_too(tmp_path: Path) -> None:
    of = asked(tmp_path, replications=7)
    of.file.write_text(written(STAGES, number=3, resources="{bed: {capacity: unlimited}}"))
    found = in_batches(of, engine="independent", at_least=6)
    assert [which for which, _ in found] == [range(2), range(2, 4), range(4, 6), range(6, 7)]
    whole = simulate(compiled(of.file.read_text()), replications=7, workers=1)
    assert np.array_equal(np.concatenate([result.log.time for _, result in found]), whole.log.time)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_more_is_begun_than_the_processes_need(
    tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So memory holds a few replications, however many there are."""
    monkeypatch.setattr(simpy_replications, "WORTH_A_PROCESS", 1)
    begun: list[int] = []
    ahead: list[int] = []
    environments = simpy_replications.environments

    def counted(*args: Any) -> Any:
        begun.append(len(found := environments(*args)))
        return found

    monkeypatch.setattr(simpy_replications, "environments", counted)
    of = asked(tmp_path)
    taken: list[int] = []

    def take(which: range, result: Result) -> None:
        taken.append(len(np.unique(result.log.replication)))
        ahead.append(sum(begun) - sum(taken))

    in_batches(of, workers=workers, take=take)
    most_in_batch = max(taken)
    assert max(ahead) <= workers * processes.AHEAD + 2 * most_in_batch < sum(taken) / 2


# ---------------------------------------------------------------- outcomes and files


@pytest.mark.parametrize("at_least", [1, 5, 30])
def test_what_is_told_and_written_is_the_same(
    tmp_path: Path, at_least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With outcomes whose curves are headed by another time in a batch than in all replications."""
    of = asked(tmp_path)
    whole = run_scenario(of, keep_log=True)
    write_run(tmp_path / "whole", whole)
    passes: list[int] = []
    evaluate = runs._Batches.evaluate
    monkeypatch.setattr(
        runs._Batches, "evaluate", lambda *args: passes.append(len(made := evaluate(*args))) or made
    )
    monkeypatch.setattr(runs, "BATCH", at_least)
    done = into(tmp_path / "parts", of)
    assert len(passes) == 2, "curves were to be headed by another time"
    assert passes[0] > 2
    assert done.results.as_json() == whole.results.as_json()
    facts = done.results.reference
    assert facts.outcome("survival").groups == ("0", "0.5", "1", "2", "5", "7", "10", "100")
    assert facts.outcome("icu").groups_note
    for name in TABLES:
        parts, one = (parquet.read_table(tmp_path / folder / name) for folder in ("parts", "whole"))
        assert parts.equals(one), name
    saved = read_run(tmp_path / "parts")
    assert saved.summary == read_run(tmp_path / "whole").summary
    assert saved.provenance["patients"] == whole.arm.log.n_patients
    assert saved.provenance["seconds"].keys() == read_run(tmp_path / "whole").provenance["seconds"].keys()


def test_what_is_forbidden_ends_it_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = asked(tmp_path, more=f"{OUTCOMES}never: [{{stage: icu, when: {{grade: 100}}}}]\n", replications=200)
    monkeypatch.setattr(runs, "BATCH", 5)
    found = []
    for run in (lambda: run_scenario(of, keep_log=True), lambda: into(tmp_path / "run", of)):
        with pytest.raises(RuleViolation) as violation:
            run()
        found.append(str(violation.value))
    assert violation.value.log.replication[0] > 0, "it was not in the first batch"
    assert found[0] == found[1]
    assert [path.name for path in tmp_path.iterdir()] == ["ward.yaml"]


def test_a_failure_after_some_batches_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BATCH", 5)
    summarise, read = runs.summarise, []

    def fails(*args: Any) -> Any:
        read.append(1)
        if len(read) == 3:
            raise RunError("patient 0 of replication 9: cannot go on")
        return summarise(*args)

    monkeypatch.setattr(runs, "summarise", fails)
    with pytest.raises(RunError, match="replication 9"):
        into(tmp_path / "run", asked(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["ward.yaml"]


# ---------------------------------------------------------------- again


def test_a_run_in_batches_is_reproduced_in_batches_of_another_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = asked(tmp_path)
    for at_least, other in ((5, 7), (7, 5), (1, 1000), (1000, 1)):
        monkeypatch.setattr(runs, "BATCH", at_least)
        into(tmp_path / "run", of, force=True)
        saved = read_run(tmp_path / "run")
        again = Reproduction(saved)
        monkeypatch.setattr(runs, "BATCH", other)
        done = run_scenario(saved.request(), sink=again)
        assert again.n_rows == parquet.read_table(tmp_path / "run" / EVENTS).num_rows
        assert again.differences(done.results.as_json(), done.scenario.digest) == []
        late = Reproduction(saved)
        in_batches(replace(of, seed=2), at_least=at_least, take=lambda which, result, to=late: to.add(result))
        told = late.differences(done.results.as_json(), done.scenario.digest)
        assert any(one.startswith("events.parquet: row ") for one in told)


def test_a_saved_table_that_is_far_too_short_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = asked(tmp_path)
    monkeypatch.setattr(runs, "BATCH", 5)
    into(tmp_path / "run", of)
    whole = parquet.read_table(tmp_path / "run" / EVENTS)
    for n in (0, 3, whole.num_rows // 2):
        parquet.write_table(whole.slice(0, n), tmp_path / "run" / EVENTS)
        again = Reproduction(read_run(tmp_path / "run"))
        done = run_scenario(of, sink=again)
        told = again.differences(done.results.as_json(), done.scenario.digest)
        assert told == [f"events.parquet: had {n:,} rows, has {whole.num_rows:,}"]
    other = whole.set_column(0, "replication", whole["replication"].cast("int64"))
    parquet.write_table(other, tmp_path / "run" / EVENTS)
    again = Reproduction(read_run(tmp_path / "run"))
    again.add(simulate(compiled(of.file.read_text()), replications=40, workers=1))
    assert "events.parquet: replication was int64, is int32" in again.differences({}, "")


@pytest.mark.parametrize("rows_in_group", [7, 2**17])
def test_a_saved_run_is_exported_batch_by_batch(
    tmp_path: Path, rows_in_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows are those of the whole log; several groups of events belong to a batch, some to nobody's use."""
    monkeypatch.setattr(runs, "BATCH", 5)
    own = "sim.event_log.arrow_tables.event_tables.__defaults__"
    monkeypatch.setattr(own, (rows_in_group,))
    into(tmp_path / "run", asked(tmp_path))
    saved = read_run(tmp_path / "run")
    histories = list(saved.histories())
    assert len(histories) > 5
    for kind in ("csv", "parquet"):
        for name, given in (("whole", [saved.arm().history]), ("parts", histories)):
            export(given, tmp_path / f"{name}.{kind}", to=kind, provenance={})
    for name in ("patients", "events", "resource_use"):
        whole, parts = (tmp_path / f"{one}.csv" / f"{name}.csv" for one in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes()
        read = (
            parquet.read_table(tmp_path / f"{one}.parquet" / f"{name}.parquet") for one in ("whole", "parts")
        )
        assert next(read).equals(next(read))


def test_what_is_put_there_meanwhile_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summarise = runs.summarise

    def slow(*args: Any) -> Any:
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / "thesis.txt").write_text("years of work")
        return summarise(*args)

    monkeypatch.setattr(runs, "summarise", slow)
    for force in (False, True):
        with pytest.raises(InputError, match=r"run: (exists|holds files that are no part of a run)"):
            into(tmp_path / "run", asked(tmp_path), force=force)
        assert (tmp_path / "run" / "thesis.txt").read_text() == "years of work"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "ward.yaml"]


def test_values_that_should_be_equal_are_one_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0.1 + 0.2 is not 0.3 to the last bit."""
    file = tmp_path / "dose.yaml"
    stages = """
    ward: {state: ill, on_entry: [{when: {dose: 0.1}, add: {dose: 0.2}}], events: {end: {after: {exponential: {mean: 9 days}}, to: died}}}
    died: {state: dead, terminal: true}
    """
    doses = "{number: 3, attributes: {dose: {categorical: {0.1: 0.5, 0.3: rest}}}}"
    file.write_text(
        written(stages, patients=doses)
        + "outcomes: {dead: {from: {stage: ward}, until: {state: dead}, by: dose}}\n"
    )
    of = RunRequest(file, replications=20, workers=1)
    whole = run_scenario(of, keep_log=True)
    assert whole.results.reference.outcome("dead").groups == ("0.3",)
    assert {row.n for row in whole.results.estimates.where(group="0.3", measure="survival")} == {60}
    monkeypatch.setattr(runs, "BATCH", 1)
    assert run_scenario(of).results.as_json() == whole.results.as_json()
