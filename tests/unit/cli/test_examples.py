"""The scenarios that come with allpath: listed, copied with what they need, and a starter that runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sim.calibration.targets import read_targets
from sim.cli import examples
from sim.scenario import load
from tests.command import output_of
from tests.shipped import PUBLISHED, SHIPPED, TARGETS
from tests.unit.cli.in_process import Allpath

ROOT = Path(__file__).parents[3]
SCENARIOS = ROOT / "scenarios"
EXAMPLES = sorted((SCENARIOS / "examples").glob("*.yaml"))
TARGET_FILES = sorted(path for path in TARGETS.glob("*.yaml") if path.name != "sources.yaml")
Failing = Callable[..., tuple[int, str]]


@pytest.fixture
def failing(allpath: Allpath, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Failing:
    """The exit status of the command in a temporary folder, and what it printed on standard error."""

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.chdir(tmp_path)
        ended = allpath(*words)
        return ended.status, ended.err

    return run


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# ---------------------------------------------------------------- the list


def test_the_list_has_the_name_and_the_title_of_every_scenario_in_its_group() -> None:
    printed = output_of("examples")
    groups = dict(re.findall(r"^(\w+)\n(.*?)\n\n", printed, flags=re.MULTILINE | re.DOTALL))
    assert list(groups) == [
        "examples",
        "clinical",
        "populations",
        "strategies",
        "structural",
        "centre",
        "targets",
        "published",
    ]
    listed = {
        group: {line.split()[0] for line in text.splitlines() if re.match(r"  \S", line)}
        for group, text in groups.items()
    }
    assert listed["examples"] == {"first_steps", *(path.stem for path in EXAMPLES)}
    futures = {f"index_case_futures{end}" for end in ("", "_no_transplant", "_no_second_product")}
    assert listed["clinical"] == {"cn_academic", "index_case", "uk_us_commercial", *futures}
    assert {"academic/car_t_withheld_for_cns", "commercial/car_t_withheld_for_cns"} <= listed["strategies"]
    assert {"cns_combined", "zuma_3"} <= listed["populations"]
    assert {"transplant_no_effect", "transplant_as_china"} <= listed["structural"]
    assert {"centre_academic", "urgent_first"} <= listed["centre"]
    assert listed["targets"] == {path.stem for path in TARGET_FILES}
    assert listed["published"] >= {"illness_death", "m_m_1"}
    assert sum(map(len, listed.values())) == len([*SHIPPED, *PUBLISHED, *TARGET_FILES])
    words = " ".join(printed.split())
    for path in [*SHIPPED, *PUBLISHED]:
        title = yaml.safe_load(path.read_text("utf-8"))["title"]
        assert title in words


def test_no_line_of_the_list_is_wider_than_80_columns() -> None:
    assert max(map(len, output_of("examples").splitlines())) <= 80


def test_each_name_listed_finds_its_file() -> None:
    names = examples.short_names(examples.shipped_scenarios())
    assert sorted(names) == sorted([*SHIPPED, *PUBLISHED, *TARGET_FILES])
    assert [examples.find_example(name) for name in names.values()] == list(names)


def test_a_name_without_a_folder_prints_the_scenario() -> None:
    assert output_of("examples", "ward") == (SCENARIOS / "examples" / "ward.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("two_lines_then_transplant", "--to", "x"),
            "two_lines_then_transplant: 2 shipped scenarios have this name\n"
            "    write `academic/two_lines_then_transplant` or `commercial/two_lines_then_transplant`\n",
        ),
        (
            ("wart", "--to", "x"),
            "wart: no shipped scenario has this name\n"
            "    did you mean `ward`? `allpath examples` lists the names\n",
        ),
        (("--to", "x"), "--to: needs the NAME of a scenario\n    `allpath examples` lists the names\n"),
    ],
)
def test_a_name_that_is_not_one_scenario_is_an_error(
    failing: Failing, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    assert failing("examples", *words) == (2, message)
    assert files_in(tmp_path) == set()


# ---------------------------------------------------------------- copies


def test_copied_targets_have_their_scenarios(tmp_path: Path) -> None:
    output_of("examples", "whole_courses", "--to", str(tmp_path / "x"))
    found = files_in(tmp_path / "x")
    assert {"targets/whole_courses.yaml", "targets/runs/academic.yaml", "cn_academic.yaml"} <= found
    assert "targets/runs/academic_without_transplant.yaml" not in found
    (copy,) = read_targets([tmp_path / "x" / "targets" / "whole_courses.yaml"])
    assert all(load(file).outcomes for file in copy.scenarios.values())


def test_a_new_scenario_does_not_start_from_targets(failing: Failing) -> None:
    status, error = failing("new", "x.yaml", "--from", "salvage")
    assert (status, error.splitlines()[0]) == (2, "salvage: is a file of targets")


def test_a_copied_strategy_has_the_files_it_is_based_on_and_their_sources(tmp_path: Path) -> None:
    printed = output_of("examples", "academic/two_lines_then_transplant", "--to", "x", folder=tmp_path)
    copied = "strategies/academic/two_lines_then_transplant.yaml"
    assert files_in(tmp_path / "x") == {copied, "cn_academic.draws.csv", "cn_academic.yaml", "sources.yaml"}
    assert printed.endswith(f"Next: `allpath run x/{copied}`\n")
    assert load(tmp_path / "x" / copied).digest == load(SCENARIOS / copied).digest


def test_a_copied_example_has_its_table(tmp_path: Path) -> None:
    output_of("examples", "prevalent_patients", "--to", ".", folder=tmp_path)
    assert files_in(tmp_path) == {"prevalent_patients.yaml", "prevalent_patients.csv"}
    assert output_of("run", "prevalent_patients.yaml", folder=tmp_path)


def test_a_second_copy_shares_the_files_that_are_there(tmp_path: Path) -> None:
    written = []
    for name in ("academic/car_t_withheld_for_cns", "academic/car_t_withheld_for_cns", "academic/one_line"):
        printed = output_of("examples", name, "--to", "x", folder=tmp_path)
        written.append(re.findall(r"^Written to x/(.*)$", printed, flags=re.MULTILINE))
    first, second = (f"strategies/academic/{name}.yaml" for name in ("car_t_withheld_for_cns", "one_line"))
    assert written == [["cn_academic.draws.csv", "cn_academic.yaml", "sources.yaml", first], [], [second]]
    assert files_in(tmp_path / "x") == {
        "cn_academic.draws.csv",
        "cn_academic.yaml",
        "sources.yaml",
        first,
        second,
    }


@pytest.mark.long
@pytest.mark.parametrize("path", [*SHIPPED, *PUBLISHED], ids=lambda path: path.stem)
def test_every_scenario_can_be_copied(path: Path, tmp_path: Path) -> None:
    files = examples.files_of(path)
    copied = examples.copy_files(files, tmp_path)
    assert [file.read_bytes() for file in copied] == [file.read_bytes() for file in files]
    assert copied[-1].name == path.name
    load(copied[-1])  # nothing that it needs is missing


def test_a_copy_replaces_no_other_file(failing: Failing, tmp_path: Path) -> None:
    (tmp_path / "cn_academic.yaml").write_text("mine")
    status, message = failing("examples", "academic/car_t_withheld_for_cns", "--to", ".")
    assert (status, message) == (
        2,
        "cn_academic.yaml: exists and differs from the example\n    choose another folder\n",
    )
    assert files_in(tmp_path) == {"cn_academic.yaml"}
    assert (tmp_path / "cn_academic.yaml").read_text() == "mine"


# ---------------------------------------------------------------- new


def test_the_starter_is_the_pathway_of_first_steps_with_comments() -> None:
    starter, first = (
        yaml.safe_load((SCENARIOS / name).read_text("utf-8"))
        for name in ("examples/starter.yaml", "first_steps.yaml")
    )
    del starter["title"], starter["label"], first["title"]
    assert starter == first


def test_new_writes_a_scenario_that_runs_and_whose_comments_name_it(tmp_path: Path) -> None:
    assert output_of("new", "first.yaml", folder=tmp_path) == (
        "Written to first.yaml\nNext: edit it, then `allpath run first.yaml`\n"
    )
    assert output_of("run", "first.yaml", "--patients", "200", folder=tmp_path).startswith("My first pathway")
    text = (tmp_path / "first.yaml").read_text("utf-8")
    assert "allpath run first.yaml" in text
    assert "starter" not in text


def test_what_the_comments_of_the_starter_propose_works(tmp_path: Path) -> None:
    """Each change that a comment shows is made; the variant is written and compared."""
    output_of("new", "first.yaml", folder=tmp_path)
    file = tmp_path / "first.yaml"
    text = file.read_text("utf-8")
    part = text.split("# ---- 5.")[1]
    variant = re.findall(r"^# ((?:format|title|based_on|changes|  pathway).*)$", part, flags=re.MULTILINE)
    (tmp_path / "variant.yaml").write_text("\n".join(variant) + "\n")
    commands = re.findall(r"^#   allpath (.*?)(?:  .*)?$", text, flags=re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["check", "describe", "run", "compare"]
    for command in commands:
        size = ["--patients", "200"] if command.startswith(("run", "compare")) else []
        assert output_of(*command.split(), *size, folder=tmp_path)
    changed = text.replace("bernoulli: 0.7", "bernoulli: 0.95")
    for key in ("death: {after", "event_free_survival"):
        assert changed.count(f"# {key}") == 1
        changed = changed.replace(f"# {key}", key)
    changed = changed.replace("#   age: {pert: [18, 45, 70]}", "")
    changed = changed.replace("    donor: {", "    age: {pert: [18, 45, 70]}\n    donor: {")
    file.write_text(changed)
    results = json.loads(output_of("run", "first.yaml", "--patients", "200", "--json", "-", folder=tmp_path))
    outcomes = {row["outcome"] for row in results["estimates"]}
    assert outcomes == {"overall_survival", "event_free_survival"}
    assert "death" in output_of("describe", "first.yaml", folder=tmp_path).split("Remission")[-1]


def test_new_replaces_no_file(failing: Failing, tmp_path: Path) -> None:
    (tmp_path / "first.yaml").write_text("mine")
    (tmp_path / "link.yaml").symlink_to("nowhere.yaml")
    for name in ("first.yaml", "link.yaml"):
        assert failing("new", name) == (
            2,
            f"{name}: exists\n    choose another name; `new` replaces no file\n",
        )
    assert (tmp_path / "first.yaml").read_text() == "mine"
    assert not (tmp_path / "nowhere.yaml").exists()


def test_new_from_an_example_of_one_file_is_its_text(tmp_path: Path) -> None:
    output_of("new", "mine.yaml", "--from", "screening", folder=tmp_path)
    text = (SCENARIOS / "examples" / "screening.yaml").read_text("utf-8")
    assert (tmp_path / "mine.yaml").read_text("utf-8") == text.replace("screening.yaml", "mine.yaml")


def test_new_from_a_scenario_of_several_files_is_a_variant_of_its_copy(tmp_path: Path) -> None:
    output_of("new", "mine.yaml", "--from", "academic/car_t_withheld_for_cns", folder=tmp_path)
    copied = "strategies/academic/car_t_withheld_for_cns.yaml"
    assert files_in(tmp_path) == {
        "mine.yaml",
        copied,
        "cn_academic.draws.csv",
        "cn_academic.yaml",
        "sources.yaml",
    }
    assert f"allpath compare {copied} mine.yaml" in (tmp_path / "mine.yaml").read_text("utf-8")
    mine, theirs = (yaml.safe_load(load(path).text) for path in (tmp_path / "mine.yaml", SCENARIOS / copied))
    assert theirs.pop("label") == "CAR-T withheld for CNS disease"
    assert mine == theirs


def test_new_is_not_named_as_a_file_that_it_copies(failing: Failing, tmp_path: Path) -> None:
    status, message = failing("new", "cn_academic.yaml", "--from", "academic/car_t_withheld_for_cns")
    assert (status, message.splitlines()[0]) == (2, "cn_academic.yaml: the example has a file of this name")
    assert files_in(tmp_path) == set()


# ---------------------------------------------------------------- the examples, and the wheel


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs(path: Path) -> None:
    """With 200 patients, where the scenario has a number of them and not a time in which they arrive."""
    size = ("--patients", "200") if re.search(r"\bnumber: \d", path.read_text("utf-8")) else ()
    results = json.loads(output_of("run", str(path), *size, "--json", "-"))
    outcomes = {row["outcome"] for row in results["estimates"]}
    assert {outcome.name for outcome in load(path).outcomes} <= outcomes


@pytest.mark.long
def test_the_wheel_has_the_scenarios_and_starts_anywhere(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path / "source"
    for part in ("sim", "scenarios"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, source)
    pip = (sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation")
    subprocess.run([*pip, "--wheel-dir", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    in_wheel = files_in(tmp_path / "installed" / "sim" / "shipped_scenarios")
    assert in_wheel == {name for name in files_in(SCENARIOS) if name.endswith((".yaml", ".csv"))}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    where = "import sim.cli.examples as e; print(e.FOLDER)"
    commands = (("-m", "sim", "new", "first.yaml"), ("-m", "sim", "check", "first.yaml"), ("-c", where))
    for words in commands:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=elsewhere,
            env={"PYTHONPATH": str(tmp_path / "installed")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
    assert Path(done.stdout.strip()) == tmp_path / "installed" / "sim" / "shipped_scenarios"
