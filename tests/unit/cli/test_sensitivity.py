"""`allpath sensitivity`: what it prints, writes and rejects."""

import json
import re
from pathlib import Path

import pytest

from sim import sensitivity
from tests.command import error_of, output_of
from tests.psa_models import QUEUE, TWO_STATES, written

COMMAND = (
    "sensitivity",
    "base.yaml",
    "better.yaml",
    "--patients",
    "200",
    "--at",
    "2 years",
    "--workers",
    "1",
)


def test_bars(tmp_path: Path) -> None:
    """The base case, a line for each parameter, the longest bar first."""
    written(tmp_path)
    printed = output_of(*COMMAND, folder=tmp_path)
    lines = printed.splitlines()
    for text in (
        "Net benefit (GBP), The same with a lower rate less",
        "3 uncertain parameters, 200 patients",
    ):
        assert text in " ".join(printed.split())
    order = [line.split()[0] for line in lines if line.startswith(("ratio", "rate", "price"))]
    assert order == ["ratio", "rate", "price"]
    assert "0.109 to 0.877 per year" in printed
    assert len(lines) <= 25


def test_an_outcome_of_one_arm(tmp_path: Path) -> None:
    """Another outcome, one arm, one parameter: percentage points of survival."""
    written(tmp_path)
    words = ("sensitivity", "base.yaml", "--outcome", "survival", "--parameter", "rate", "--at", "1 year")
    printed = output_of(*words, "--at", "5 years", "--workers", "1", folder=tmp_path)
    assert "Survival at 5 years, at the base values: 1" in printed
    assert "1 uncertain parameter, 1,000 patients" in " ".join(printed.split())
    assert "price" not in printed


def test_threshold(tmp_path: Path) -> None:
    """The sentence with the value; without a change the sentence that says so."""
    written(tmp_path)
    printed = " ".join(output_of(*COMMAND, "--threshold", "ratio", folder=tmp_path).split())
    assert "The preferred arm changes where ratio is 1.000 (SE 0.000)" in printed
    assert "below it The same with a lower rate has the largest net benefit" in printed
    assert "at 2.5%" not in printed
    printed = " ".join(output_of(*COMMAND, "--threshold", "price", folder=tmp_path).split())
    assert "The preferred arm does not change within the 95% range of price, 45.7 to 175" in printed
    assert "has no influence" not in printed


def test_a_threshold_without_influence_and_bars_of_shared_resources(tmp_path: Path) -> None:
    """Equal arms do not differ at any rate; patients who share a bed give bars without a standard error."""
    ward = QUEUE.replace("0.4 per year", "0.3 per year")
    written(tmp_path, base=TWO_STATES, same=TWO_STATES, ward=QUEUE, wide=ward)
    equal = ("sensitivity", "base.yaml", "same.yaml", "--patients", "50", "--workers", "1")
    printed = " ".join(output_of(*equal, "--threshold", "rate", folder=tmp_path).split())
    assert "rate has no influence on the differences between the arms." in printed
    shared = ("sensitivity", "ward.yaml", "wide.yaml", "--patients", "100", "--workers", "1")
    printed = output_of(*shared, folder=tmp_path)
    assert "differences have no standard error, and small ones may be noise." in " ".join(printed.split())
    row = next(line for line in printed.splitlines() if line.startswith("rate"))
    assert re.search(r"[-+][\d.]+ +[-+][\d.]+$", row), "no error in brackets"


def test_indices(tmp_path: Path) -> None:
    """Indices in place of the bars, with `--full` both."""
    written(tmp_path)
    short = output_of(*COMMAND, "--sobol", "3", folder=tmp_path)
    assert "Share of the variance that each parameter explains" in short
    assert "Each parameter alone" not in short
    full = output_of(*COMMAND, "--sobol", "3", "--full", folder=tmp_path)
    assert "Share of the variance that each parameter explains" in full
    assert "Each parameter alone" in full


def test_json_equals_python(tmp_path: Path) -> None:
    """The command and the function give the same numbers; frames have the columns of the JSON."""
    files = written(tmp_path)
    words = (*COMMAND, "--sobol", "2", "--threshold", "ratio", "--assume-spread", "20%", "--json", "-")
    found = json.loads(output_of(*words, folder=tmp_path))
    same = sensitivity(
        *files, patients=200, at="2 years", sobol=2, threshold="ratio", assume_spread=0.2, workers=1
    )
    assert found == json.loads(json.dumps(same.as_json()))
    for name in ("tornado", "variance", "ranks", "thresholds", "curve"):
        frame = getattr(same, name)
        assert list(frame.columns) == list(found[name][0])
        assert len(frame) == len(found[name])
    assert list(same.given_data.columns) == ["arm", "reference", "factor", "first", "first_error"]
    assert same.given_data.empty
    assert str(same).startswith("Alive or dead, with an uncertain rate\nNet benefit (GBP)")
    same.report(tmp_path / "python.html")
    output_of(*words, "--report", "page.html", folder=tmp_path)
    own, page = ((tmp_path / name).read_text("utf-8") for name in ("python.html", "page.html"))
    body = "The preferred arm changes where ratio is"
    assert body in own
    assert body in page
    assert "allpath sensitivity base.yaml better.yaml" in page


def test_draws_of_an_analysis(tmp_path: Path) -> None:
    """From 300 draws: no bars; first-order indices that agree with those of a Sobol design."""
    files = written(tmp_path)
    words = ("--draws", "300", "--patients", "100", "--workers", "1", "--at", "2 years", "--out", "kept")
    output_of("psa", "base.yaml", "better.yaml", *words, folder=tmp_path)
    printed = output_of(*COMMAND, "--draws", "kept", folder=tmp_path)
    assert "from the draws" in printed
    assert "Each parameter alone" not in printed
    found = sensitivity(*files, patients=500, at="2 years", draws=tmp_path / "kept", workers=1)
    design = sensitivity(*files, patients=500, at="2 years", sobol=6, workers=1)
    given = {row.factor: row for row in found.results.given_data}
    for row in design.results.variance:
        own = given[row.factor]
        assert abs(own.first - row.first) < 5.0 * (own.first_error**2 + row.first_error**2) ** 0.5
        assert own.first_error < 0.1
    assert found.results.ranks[0].factor == "ratio"
    assert list(given) == [row["factor"] for row in found.as_json()["given_data"]]
    survival = ("base.yaml", "better.yaml", "--at", "3 years", "--outcome", "survival")
    for other, message in (
        (("better.yaml", "base.yaml"), "--draws: kept has the arms base, better"),
        (survival, "--draws: kept has no draws of survival"),
    ):
        words = ("sensitivity", *other, "--patients", "100", "--draws", "kept", "--workers", "1")
        assert message in error_of(*words, folder=tmp_path)


FEW = ("--draws", "99", "--patients", "20", "--workers", "1", "--at", "2 years", "--out", "few")


def test_draws_of_one_arm_and_too_few_draws(tmp_path: Path) -> None:
    """The rate explains nearly all of survival; fewer than 100 draws have no indices."""
    written(tmp_path)
    survival = ("sensitivity", "base.yaml", "--at", "2 years", "--outcome", "survival", "--workers", "1")
    output_of("psa", "base.yaml", *FEW, folder=tmp_path)
    assert "--draws: indices from given draws need at least 100 draws" in error_of(
        *survival, "--draws", "few", folder=tmp_path
    )
    more = ("--draws", "200", "--patients", "100", "--out", "kept")
    output_of("psa", "base.yaml", "--at", "2 years", "--workers", "1", *more, folder=tmp_path)
    found = json.loads(output_of(*survival, "--draws", "kept", "--json", "-", folder=tmp_path))
    rows = {row["factor"]: row["first"] for row in found["given_data"]}
    assert rows["rate"] > 0.9
    assert abs(rows["price"]) < 0.1
    more = "  more: {value: 0.8, uncertainty: {normal: {sd: 0.01}}, source: an example, status: assumed}\n"
    text = TWO_STATES.replace("utility: 0.8", "utility: $more").replace("patients:", f"{more}patients:")
    written(tmp_path, base=text)
    assert "draws: kept has no draws of more" in error_of(*survival, "--draws", "kept", folder=tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--outcome", "nothing"), "--outcome: there is no outcome nothing"),
        (("--parameter", "rat"), "--parameter: there is no parameter rat\n    did you mean `rate`?"),
        (("--threshold", "rat"), "--threshold: no parameter rat has an uncertainty"),
        (("--sobol", "30"), "--sobol: must be a whole number from 2 to 20, not 30"),
        (("--assume-spread", "wide"), "--assume-spread: wide is no share"),
        (("--draws", "."), "--draws: . holds no finished analysis"),
        (("--json", "base.yaml"), "would replace an input"),
        (("--report", "better.yaml"), "would replace an input"),
    ],
)
def test_wrong_options(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    """One clear error, exit status 2."""
    written(tmp_path)
    assert message in error_of(*COMMAND, *words, folder=tmp_path)
