"""mstate's long format: the example of its own manual, and Aalen-Johansen recomputed from the files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import AalenJohansenFitter

from sim.formats import mstate
from sim.outcomes.history.history import History
from tests import example_logs as by_hand
from tests.example_logs import Patient, asks, enters, granted, stays
from tests.unit.formats import saved_runs
from tests.unit.formats.saved_runs import WARD, saved

COLUMNS = ["id", "from", "to", "trans", "Tstart", "Tstop", "time", "status", "replication", "patient"]


def long_table(history: History, folder: Path, *, by: str = "stages") -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is written: the long data and the transition matrix, as R reads them."""
    mstate.write(folder, history, by=by)
    matrix = pd.read_csv(folder / mstate.MATRIX, index_col=0)
    assert list(matrix.index) == list(matrix.columns)
    return saved_runs.read_csv(folder / mstate.DATA), matrix


def illness_death(*patients: Patient, terminal: bool = True) -> History:
    scenario = by_hand.scenario(
        [
            by_hand.stage("healthy", "out"),
            by_hand.stage("ill", "in"),
            by_hand.stage("choice", decision=True),
            by_hand.stage("dead", "gone", terminal=terminal),
        ],
        attributes=[by_hand.number("x1"), by_hand.yes_no("x2"), by_hand.number("same")],
        horizon=20.0,
    )
    log = by_hand.event_log(scenario, patients, events=("a.next", "a.stays"))
    return History(log, by_hand.no_use(), scenario)


def aalen_johansen(data: pd.DataFrame, matrix: pd.DataFrame, times: list[float]) -> np.ndarray:
    """P(0, t)[1, .] as the product of I + dA over the event times (Andersen et al. 1993, IV.4)."""
    n = len(matrix)
    stays_in = data.drop_duplicates(["id", "from", "Tstart"])
    events = data[data["status"] == 1]
    found, product = [], np.eye(n)
    moments = np.sort(events["Tstop"].unique())
    for time in times:
        for moment in moments[moments <= time]:
            step = np.eye(n)
            for state in range(n):
                here = stays_in[stays_in["from"] == state + 1]
                at_risk = ((here["Tstart"] < moment) & (here["Tstop"] >= moment)).sum()
                ended = events[(events["from"] == state + 1) & (events["Tstop"] == moment)]
                for to, count in ended["to"].value_counts().items():
                    step[state, to - 1] += count / at_risk
                    step[state, state] -= count / at_risk
            product = product @ step
        moments = moments[moments > time]
        found.append(product[0].copy())
    return np.array(found)


# ---------------------------------------------------------------- by hand


def test_the_example_of_the_manual(tmp_path: Path) -> None:
    """The six patients of msprep's help page (illness at 1, 6, 6, 9; death at 5, 1, 9, 7, 8, 12).

    16 rows; 4 of 6 healthy fall ill and 2 die, all 4 who are ill die.
    """
    lives = [(1, 5), (None, 1), (6, 9), (6, 7), (None, 8), (9, 12)]
    patients = [
        Patient(
            [enters(0, "healthy"), *([enters(ill, "ill")] if ill else []), enters(dead, "dead")],
            start={"x1": float(i), "x2": i % 2 == 1},
        )
        for i, (ill, dead) in enumerate(lives)
    ]
    data, matrix = long_table(illness_death(*patients), tmp_path)
    assert list(matrix.columns) == ["healthy", "ill", "dead"]
    np.testing.assert_array_equal(matrix, [[np.nan, 1, 2], [np.nan, np.nan, 3], [np.nan] * 3])
    assert list(data.columns) == [*COLUMNS, "at_start.x1", "at_start.x2"]  # all have the same `same`
    first = data[data["id"] == 1][COLUMNS[:8]].values.tolist()
    assert first == [[1, 1, 2, 1, 0, 1, 1, 1], [1, 1, 3, 2, 0, 1, 1, 0], [1, 2, 3, 3, 1, 5, 4, 1]]
    second = data[data["id"] == 2][COLUMNS[:8]].values.tolist()
    assert second == [[2, 1, 2, 1, 0, 1, 1, 0], [2, 1, 3, 2, 0, 1, 1, 1]]
    assert len(data) == 16
    assert data.groupby("trans")["status"].sum().to_dict() == {1: 4, 2: 2, 3: 4}
    assert data.groupby("trans").size().to_dict() == {1: 6, 2: 6, 3: 4}
    assert data["at_start.x2"].tolist() == (data["id"] % 2 == 0).astype(int).tolist()


def test_censored_repeated_and_timeless_stays(tmp_path: Path) -> None:
    history = illness_death(
        # falls ill, recovers, falls ill again; a decision takes no time; censored at 20
        Patient(
            [
                enters(0, "healthy"),
                enters(2, "choice"),
                enters(2, "ill"),
                enters(5, "healthy"),
                stays(6, "a.stays"),
                enters(9, "ill"),
            ]
        ),
        # a decision that leads back to the same stage, and a stage left in the moment it was entered
        Patient(
            [
                enters(0, "healthy"),
                enters(3, "choice"),
                enters(3, "healthy"),
                enters(4, "ill"),
                enters(4, "dead"),
            ]
        ),
        # waits for its first stage (and is in it already), then 3 days for the next, in the stage left
        Patient(
            [asks(0, "healthy"), granted(1, "healthy"), asks(2, "ill"), granted(5, "ill"), enters(8, "dead")]
        ),
    )
    data, matrix = long_table(history, tmp_path)
    assert {tuple(pair) for pair in np.argwhere(matrix.notna().to_numpy())} == {
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 2),
    }
    made = data[data["status"] == 1][["id", "from", "to", "Tstart", "Tstop"]].values.tolist()
    assert made == [
        [1, 1, 2, 0, 2], [1, 2, 1, 2, 5], [1, 1, 2, 5, 9],
        [2, 1, 3, 0, 4],
        [3, 1, 2, 0, 5], [3, 2, 3, 5, 8],
    ]  # fmt: skip
    last = data[(data["id"] == 1) & (data["Tstart"] == 9)]
    assert last["status"].tolist() == [0, 0]
    assert last["Tstop"].tolist() == [20, 20]
    assert len(data) == 2 * (4 + 1 + 2)


def test_no_transition_at_all(tmp_path: Path) -> None:
    data, matrix = long_table(illness_death(Patient([enters(0, "healthy")])), tmp_path)
    assert len(data) == 0
    assert list(data.columns) == COLUMNS
    assert matrix.isna().all(axis=None)


# ---------------------------------------------------------------- simulated


@pytest.mark.parametrize("by", ["stages", "states"])
def test_rows_are_a_multi_state_process(tmp_path: Path, by: str) -> None:
    """Each patient is in one state at a time, from its start to an end or to the end of follow-up."""
    run, result = saved(tmp_path, WARD, replications=2)
    data, matrix = long_table(saved_runs.history(run), tmp_path, by=by)
    names = ["ward", "home", "dead"] if by == "stages" else ["ill", "well", "dead"]
    assert list(matrix.columns) == names
    numbers = matrix.to_numpy()
    assert (numbers[data["from"] - 1, data["to"] - 1] == data["trans"]).all()
    assert sorted(numbers[~np.isnan(numbers)]) == list(range(1, int(np.nanmax(numbers)) + 1))
    assert (data["Tstop"] > data["Tstart"]).all()
    assert (data["time"] == data["Tstop"] - data["Tstart"]).all()
    stays_in = data.groupby(["id", "Tstart"])
    assert (stays_in["Tstop"].nunique() == 1).all()
    assert stays_in["status"].sum().isin([0, 1]).all()
    at_risk = matrix.notna().sum(axis=1).to_numpy()
    assert (stays_in.size() == at_risk[stays_in["from"].first() - 1]).all()
    for i, life in data.groupby("id"):
        entered = life[life["status"] == 1].sort_values("Tstart")
        begins = life["Tstart"].drop_duplicates().sort_values().tolist()
        ended = entered["to"].iloc[-1] == 3 if len(entered) else False
        assert begins == [0.0, *(entered["Tstop"].tolist()[: -1 if ended else None])]
        end = result.log.ends[i - 1] if ended else result.log.follow_up[i - 1]
        assert life["Tstop"].max() == end


def test_groups_of_stays_leave_no_trace(tmp_path: Path) -> None:
    run, _ = saved(tmp_path, WARD)
    history = saved_runs.history(run)
    found = mstate.stays(history, by="stages")
    matrix, kept = mstate.transitions(found, 4), mstate.modelled(history, by="stages")
    whole = [t.to_pandas() for t in mstate.rows(history.log, found, matrix, kept)]
    parts = [t.to_pandas() for t in mstate.rows(history.log, found, matrix, kept, stays_in_group=3)]
    assert len(whole) == 1
    assert len(parts) > 10
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole[0])


REVERSIBLE = """\
format: 1
title: Back and forth
horizon: 100 days
states: {here: {}, gone: {}}
patients: {number: 80}
pathway:
  start: well
  stages:
    well: {state: here, events: {falls_ill: {after: {weibull: {shape: 1.5, scale: 30 days}}, to: ill}, dies: {after: {exponential: {mean: 200 days}}, to: dead}}}
    ill: {state: here, events: {recovers: {after: {exponential: {mean: 10 days}}, to: well}, dies: {after: {exponential: {mean: 40 days}}, to: dead}}}
    dead: {state: gone, terminal: true}
outcomes: {}
"""


def test_aalen_johansen_without_censoring_is_the_share_in_each_state(tmp_path: Path) -> None:
    """By algebra, for any process, Markov or not (Andersen et al. 1993, IV.4.1.4)."""
    run, _ = saved(tmp_path, REVERSIBLE)
    history = saved_runs.history(run)
    data, matrix = long_table(history, tmp_path)
    times = [5.0, 20.0, 50.0, 99.0]
    estimate = aalen_johansen(data, matrix, times)
    for row, time in zip(estimate, times, strict=True):
        spells = history.stage_spells
        share = np.zeros(3)
        for code in range(3):
            _, begin, end, _ = history.stretches(spells, code)
            share[code] = ((begin <= time) & (time < end)).mean() * len(begin) / history.log.n_patients
        np.testing.assert_allclose(row, share, rtol=0, atol=1e-12)
    assert estimate[2].min() > 0.05


COMPETING = """\
format: 1
title: Two ends and staggered entry
horizon: 100 days
states: {here: {}, away: {}, gone: {}}
patients: {number: 90, arrive: {every: 1 days}}
pathway:
  start: ward
  stages:
    ward: {state: here, events: {goes_home: {after: {exponential: {mean: 40 days}}, to: home}, dies: {after: {weibull: {shape: 2, scale: 60 days}}, to: dead}}}
    home: {state: away, terminal: true}
    dead: {state: gone, terminal: true}
outcomes: {}
"""


def test_aalen_johansen_with_censoring_is_that_of_lifelines(tmp_path: Path) -> None:
    run, _ = saved(tmp_path, COMPETING)
    data, matrix = long_table(saved_runs.history(run), tmp_path)
    assert data.groupby("id").size().eq(2).all()
    lives = data.groupby("id").agg(time=("Tstop", "first"))
    made = data[data["status"] == 1].set_index("id")["to"]
    lives["end"] = made.reindex(lives.index).fillna(1).astype(int) - 1
    assert (lives["end"] == 0).sum() > 10
    times = [10.0, 30.0, 60.0]
    estimate = aalen_johansen(data, matrix, times)
    for cause in (1, 2):
        fitter = AalenJohansenFitter(calculate_variance=False).fit(lives["time"], lives["end"], cause)
        curve = fitter.cumulative_density_.iloc[:, 0]
        wanted = [curve[curve.index <= time].iloc[-1] for time in times]
        np.testing.assert_allclose(estimate[:, cause], wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("by", "start"), [("stages", "choice"), ("states", "out")])
def test_who_dies_on_day_0_is_in_the_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, by: str, start: str
) -> None:
    """Three of four die at once, after a decision or in the first stage; of none of them a row may be missing."""
    first = enters(0, "choice") if by == "stages" else enters(0, "healthy")
    dead = [Patient([first, enters(0, "dead")]) for _ in range(3)]
    history = illness_death(*dead, Patient([enters(0, "healthy"), enters(9, "dead")]))
    data, matrix = long_table(history, tmp_path, by=by)
    assert sorted(data["id"]) == [1, 2, 3, 4]
    early = data[data["id"] < 4]
    assert list(early["Tstop"]) == [2.0**-20] * 3
    assert list(early["status"]) == [1] * 3
    assert matrix.index[early["from"].iloc[0] - 1] == start
    assert "3 patients end on day 0" in caplog.text


def test_a_death_on_the_last_day_is_a_transition(tmp_path: Path) -> None:
    """At the horizon of 20 days; a death that is no transition is censored, and counts for nothing."""
    data, _ = long_table(illness_death(Patient([enters(0, "healthy"), enters(20, "dead")])), tmp_path)
    assert [(row.Tstop, row.status) for row in data.itertuples()] == [(20.0, 1)]


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_the_documented_lines_of_r_run_with_a_stay_of_a_second_after_years(tmp_path: Path) -> None:
    second = 1 / 86400
    lives = [
        Patient([enters(0, "healthy"), enters(15 + i, "ill"), enters(15 + i + second, "dead")])
        for i in range(4)
    ]
    (folder := tmp_path / "model").mkdir()
    mstate.write(folder, illness_death(*lives), by="stages")
    page = (Path(__file__).parents[3] / "docs" / "export.md").read_text("utf-8")
    (program,) = re.findall(r"```r\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(["Rscript", "-e", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
