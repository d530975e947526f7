"""What is not a scenario or no table is an error with a place: pipes, devices, other files, absurd sizes."""

import os
from pathlib import Path

import pytest

from sim.errors import InputError, ScenarioError
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from sim.scenario.source import csv_tables, tree
from sim.scenario.source.files import MIB, read_regular

TEXT = """\
format: 1
title: T
horizon: 2 years
states: {ill: {}, dead: {}}
patients: {number: 10, attributes: {age: 60}}
pathway:
  start: ward
  stages:
    ward: {state: ill, events: {death: {after: {exponential: {mean: 90 days}}, to: died}}}
    died: {state: dead, terminal: true}
outcomes: {survival: {from: start, until: {state: dead}}}
"""


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def error_of(path: Path) -> str:
    with pytest.raises(ScenarioError) as error:
        compile_pathway(load(path))
    return str(error.value)


def naming(folder: Path, kind: str, file: str) -> Path:
    """A scenario that names a file as what `kind` says; or the file itself."""
    changes = {
        "from_file": ("number: 10", f"from_file: {file}"),
        "arrivals": ("number: 10", f"arrive: {{file: {file}}}"),
        "life_table": ("{exponential: {mean: 90 days}}", f"{{life_table: {{file: {file}}}}}"),
        "based_on": (TEXT, f"format: 1\ntitle: L\nbased_on: {file}\n"),
    }
    return written(folder, changes[kind]) if kind in changes else folder / file


def test_a_file_that_does_not_state_its_size_has_a_largest_one() -> None:
    """Files of /proc are of 0 bytes for the system."""
    file = Path("/proc/self/status")
    if not file.exists():
        pytest.skip("the system has no /proc")
    assert file.stat().st_size == 0
    assert read_regular(file, most=MIB).startswith(b"Name:")
    with pytest.raises(InputError, match="is larger than 0 MiB"):
        read_regular(file, most=10)


@pytest.mark.parametrize("kind", ["scenario", "based_on", "from_file", "arrivals", "life_table"])
def test_a_pipe_is_not_read(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file" in error_of(naming(tmp_path, kind, "pipe"))


@pytest.mark.parametrize("kind", ["based_on", "from_file", "arrivals", "life_table"])
def test_a_device_is_not_read(tmp_path: Path, kind: str) -> None:
    assert "is not a regular file" in error_of(naming(tmp_path, kind, "/dev/zero"))


@pytest.mark.parametrize("kind", ["from_file", "arrivals", "life_table"])
def test_a_table_has_a_largest_size(tmp_path: Path, kind: str) -> None:
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(csv_tables.LARGEST_TABLE + 1)
    assert "is larger than 64 MiB" in error_of(naming(tmp_path, kind, "large.csv"))


@pytest.mark.parametrize("kind", ["based_on", "from_file", "arrivals", "life_table"])
@pytest.mark.parametrize(
    "content",
    [
        "secret:x:0:0:root:/root:/bin/sh\nsecret:x:1:1::/:/bin/false\n",
        "secret=1\nsecret2=2\n",
        "secret, secret1\nsecret, secret2\n",
        "[secret]\nsecret: &secret 012\nsecret: *secret\n",
        "secret: !secret 012\nsecret: 12\n",
        "secret\x1b]0;secret\n2\n",
    ],
)
def test_no_content_of_another_file_is_in_the_message(tmp_path: Path, kind: str, content: str) -> None:
    (tmp_path / "other").write_text(content, encoding="utf-8")
    assert "secret" not in error_of(naming(tmp_path, kind, "other"))


@pytest.mark.parametrize("text", ["- a\n- b\n", "a text\n", "12\n", "\n\n  [1, 2]\n"])
def test_a_scenario_that_is_no_mapping_has_a_place(tmp_path: Path, text: str) -> None:
    path = tmp_path / "list.yaml"
    path.write_text(text, encoding="utf-8")
    line = 3 if text.startswith("\n") else 1
    assert error_of(path).startswith(f"{path}:{line}:")


def test_a_distribution_has_a_largest_number_of_parts(tmp_path: Path) -> None:
    parts = ", ".join(f"{n}: 1e-5" for n in range(20_000))
    path = written(tmp_path, ("age: 60", f"age: {{categorical: {{{parts}, -1: rest}}}}"))
    assert "a distribution has 20001 parts" in error_of(path)


def test_choices_combine_to_a_largest_number_of_distributions(tmp_path: Path) -> None:
    """102 and 102 values are 10,404 distributions."""
    low, high = (
        f"{{by: {by}, {', '.join(f'{n}: {n + days} days' for n in range(101))}, rest: {days} days}}"
        for by, days in (("a", 1), ("b", 200))
    )
    path = written(
        tmp_path,
        ("age: 60", "age: 60, a: {poisson: 3}, b: {poisson: 3}"),
        ("{exponential: {mean: 90 days}}", f"{{uniform: [{low}, {high}]}}"),
    )
    assert "after.uniform: its choices combine to more than 10000 distributions" in error_of(path)


def test_a_text_that_begins_with_two_dollars_has_one(tmp_path: Path) -> None:
    path = written(tmp_path, ("title: T", "title: $$ 300"))
    assert load(path).title == "$ 300"
    again = tmp_path / "again.yaml"
    again.write_text(load(path).text, encoding="utf-8")
    assert load(again).text == load(path).text


def test_long_texts_are_shortened_in_messages() -> None:
    assert tree.shortened("a\nb") == "a b"
    assert len(tree.shortened("x" * 1000)) < 100
