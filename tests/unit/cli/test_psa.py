"""`allpath psa`: what it prints, writes and rejects."""

import json
from pathlib import Path

import pytest
from pyarrow import parquet

from sim import psa
from tests.command import error_of, output_of
from tests.psa_models import written

COMMAND = ("psa", "base.yaml", "better.yaml", "--draws", "60", "--patients", "40", "--at", "2 years")


def test_terminal_and_folder(tmp_path: Path) -> None:
    """Both intervals, the decision and the worth of parameters; the folder has every draw."""
    written(tmp_path)
    printed = output_of(*COMMAND, "--out", "analysis", folder=tmp_path)
    for text in (
        "60 draws of 3 parameters, 40 patients a draw and arm, fresh patients in each draw",
        "Probability that each arm is best, by net benefit",
        "Worth of knowing a parameter exactly",
        "patients take the least time to halve the standard error of the mean difference in net benefit.",
        "--full prints every number",
        "Written to analysis",
    ):
        assert text in " ".join(printed.split())
    table = parquet.read_table(tmp_path / "analysis" / "draws.parquet")
    results = json.loads((tmp_path / "analysis" / "results.json").read_text())
    measures = {(e["outcome"], e["part"], e["measure"], e["time_days"]) for e in results["estimates"]}
    times_of_curve = 19
    assert table.num_rows == 60 * 2 * (len(measures) + times_of_curve)
    assert parquet.read_table(tmp_path / "analysis" / "parameters.parquet").column_names == [
        "draw",
        "rate",
        "price",
        "ratio",
    ]


def test_full_prints_every_number(tmp_path: Path) -> None:
    """The mean of every measure with its standard error; the default prints the first ones."""
    written(tmp_path)
    printed = output_of(*COMMAND, "--full", folder=tmp_path)
    for text in ("survival restricted mean", "life years", "and the standard error of the mean"):
        assert text in " ".join(printed.split())
    assert "--full prints every number" not in printed


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    """Nor is an analysis kept below a file, and a folder is no arm."""
    written(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    assert "notes: exists, and holds no analysis" in error_of(*COMMAND, "--out", "notes", folder=tmp_path)
    assert [file.name for file in (tmp_path / "notes").iterdir()] == ["mine.txt"]
    assert "notes: parameters are drawn from files" in error_of("psa", "notes", folder=tmp_path)


def test_json_equals_python(tmp_path: Path) -> None:
    """The command and the function give the same numbers."""
    files = written(tmp_path)
    found = json.loads(output_of(*COMMAND, "--json", "-", folder=tmp_path))
    same = psa(*files, draws=60, patients=40, at="2 years")
    assert found == json.loads(json.dumps(same.as_json()))
    assert list(same.estimates.columns) == list(found["estimates"][0])
    assert len(same.draws) == 60 * 2 * len(same.results.psa.model.measures)
    row = same.draws.iloc[-1]
    assert row.estimate == same.results.psa.estimates[-1, -1, -1]
    known = same.decision.dropna(subset="probability_best")
    assert len(known)
    assert known.groupby("threshold").probability_best.sum().round(9).eq(1.0).all()
    assert list(same.value_of_information.columns) == list(found["value_of_information"][0])
    assert len(same.plane) == 60
    assert same.plane.incremental_qaly.mean() == pytest.approx(_mean_difference(same, "qaly"))
    assert same.convergence.draws.max() == 60
    last = same.curves.query("time_days > 730").groupby("arm").nth(0)
    assert len(last) == 2
    same.report(tmp_path / "page.html")
    assert "60 draws of 3 parameters" in (tmp_path / "page.html").read_text("utf-8")
    text = " ".join(str(same).split())
    assert text.startswith(
        "Alive or dead, with an uncertain rate against The same with a lower rate 60 draws"
    )
    assert "Probability that each arm is best, by net benefit" in text


def _mean_difference(found, outcome: str) -> float:
    """The mean difference of the second arm from the first."""
    rows = found.estimates
    return float(rows[(rows.outcome == outcome) & (rows.reference != "")]["mean"].iloc[0])


def test_page(tmp_path: Path) -> None:
    """--report writes the page and changes no number."""
    written(tmp_path)
    plain = output_of(*COMMAND, "--json", "-", folder=tmp_path)
    assert output_of(*COMMAND, "--json", "-", "--report", "page.html", folder=tmp_path) == plain
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "allpath psa base.yaml better.yaml" in page
    assert "60 draws of 3 parameters" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--design", "crossed"), "--design: crossed is none of fresh, same"),
        (("--draws", "1"), "--draws: must be a whole number from 2"),
        (("--assume-spread", "wide"), "--assume-spread: wide is no share"),
        (("--outcome", "nothing"), "there is no outcome nothing"),
        (("--decide", "nothing"), "there is no outcome nothing"),
    ],
)
def test_wrong_options(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """One clear error, exit status 2."""
    written(tmp_path)
    assert message in error_of("psa", "base.yaml", "better.yaml", *words, folder=tmp_path)


@pytest.mark.parametrize("verb", ["psa", "sensitivity", "verify"])
def test_no_output_replaces_a_file_that_a_scenario_is_based_on(tmp_path: Path, verb: str) -> None:
    written(tmp_path)
    layer = tmp_path / "layer.yaml"
    layer.write_text("format: 1\ntitle: Shorter\nbased_on: base.yaml\nchanges: {horizon: 3 years}\n", "utf-8")
    before = (tmp_path / "base.yaml").read_bytes()
    error = error_of(verb, "layer.yaml", "--json", "base.yaml", folder=tmp_path)
    assert "base.yaml: would replace an input of this run" in error
    assert (tmp_path / "base.yaml").read_bytes() == before
