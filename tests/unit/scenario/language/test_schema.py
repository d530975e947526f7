"""The JSON Schema and the reference page: made of the words, and true of every file that is shipped."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sim.scenario import load
from sim.scenario.language.reader import ELEMENTS
from sim.scenario.language.schema import json_schema, reference_page
from sim.scenario.language.vocabulary import (
    AS_PRINTED,
    COVARIATES,
    FAMILIES,
    MODIFIERS,
    NUMBER_FAMILIES,
    OPERATORS,
)
from sim.scenario.source import tree

ROOT = Path(__file__).parents[4]
VALID = sorted(ROOT.glob("tests/conformance/valid/**/*.yaml"))
SHIPPED = [
    path
    for folder in ("scenarios", "benchmarks", "tests/published")
    for path in sorted(ROOT.glob(f"{folder}/*.yaml"))
    if "format:" in path.read_text(encoding="utf-8")
]
SCHEMA = json_schema()
CHECKER = jsonschema.Draft202012Validator(SCHEMA)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def mappings(schema: Any) -> Iterator[dict[str, Any]]:
    """Every mapping within a schema."""
    if isinstance(schema, dict):
        yield schema
        for item in schema.values():
            yield from mappings(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from mappings(item)


def test_the_schema_is_one_and_its_references_lead_somewhere() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    used = {str(found["$ref"]) for found in mappings(SCHEMA) if "$ref" in found}
    assert used <= {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


@pytest.mark.parametrize("path", [*SHIPPED, *VALID], ids=name_of)
def test_a_valid_file_fits_the_schema(path: Path) -> None:
    CHECKER.validate(tree.plain(tree.read_file(path)))


@pytest.mark.parametrize("fault", ["unknown_key", "time_bare_number", "distribution_unknown", "format_2"])
def test_faults_of_shape_do_not_fit_it(fault: str) -> None:
    for path in ROOT.glob(f"tests/conformance/invalid/{fault}*.yaml"):
        assert not CHECKER.is_valid(tree.plain(tree.read_file(path))), path.name


def described(properties: dict[str, Any]) -> dict[str, str]:
    return {key: item.get("description", "") for key, item in properties.items()}


@pytest.mark.parametrize("section", ELEMENTS)
def test_every_word_is_described(section: str) -> None:
    found = SCHEMA["else"] if section == "scenario" else SCHEMA["$defs"][f"section_{section}"]
    texts = described(found["properties"])
    assert list(texts) == list(ELEMENTS[section].fields)
    for key, word in ELEMENTS[section].fields.items():
        assert word.meaning in texts[key]


def test_every_family_argument_and_modifier_is_described() -> None:
    texts: dict[str, str] = {}
    for found in mappings(SCHEMA["$defs"]):
        if isinstance(found.get("properties"), dict):
            texts.update({key: text for key, text in described(found["properties"]).items() if text})
    for key in (*FAMILIES, *NUMBER_FAMILIES, *MODIFIERS, *AS_PRINTED, *OPERATORS):
        assert texts.get(key), key


def test_the_page_is_the_one_in_the_docs() -> None:
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert page == reference_page(), "run `make docs`"


def test_the_page_has_every_word() -> None:
    page = reference_page()
    words = {key for section in ELEMENTS.values() for key in section.fields}
    for key in (*words, *FAMILIES, *NUMBER_FAMILIES, *MODIFIERS, *AS_PRINTED, *OPERATORS, *COVARIATES):
        assert f"| `{key}` |" in page, key


def test_the_example_of_the_page_is_a_scenario(tmp_path: Path) -> None:
    text = reference_page().split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "example.yaml"
    path.write_text(text, encoding="utf-8")
    assert load(path).title == "A ward"


def test_the_program_prints_the_page() -> None:
    command = [sys.executable, "-m", "sim.scenario.language.schema"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == reference_page()


def test_every_word_stands_in_a_valid_file_of_the_corpus() -> None:
    keys: set[str] = set()

    def gather(value: tree.Plain) -> None:
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        keys.update(value if isinstance(value, dict) else ())
        for item in items:
            gather(item)

    for path in VALID:
        gather(tree.plain(tree.read_file(path)))
    words = {key for section in ELEMENTS.values() for key in section.fields}
    due = {*words, *FAMILIES, *NUMBER_FAMILIES, *MODIFIERS, *AS_PRINTED, *OPERATORS}
    assert due <= keys


def test_no_word_is_read_otherwise_by_yaml_1_1() -> None:
    words = {key for section in ELEMENTS.values() for key in section.fields}
    for word in (*words, *FAMILIES, *MODIFIERS, *OPERATORS):
        assert yaml.safe_load(word) == word
