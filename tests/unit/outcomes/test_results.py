"""The results of runs, comparisons and sweeps as JSON, against their schema and their document."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from math import inf, isnan
from typing import Any

import jsonschema
import pytest

from sim.economics.incremental import SetKind, Status
from sim.outcomes.estimates import Table
from sim.outcomes.results import Results
from sim.runs.comparison import request_source, run_comparison
from sim.runs.grid import grid
from sim.runs.run import RunRequest
from sim.runs.sweep import run_sweep
from tests.example_runs import FIRST, SCENARIOS, compared, simulated
from tests.rows import OutcomeRows

SCHEMA = json.loads((SCENARIOS.parent / "docs" / "results.schema.json").read_text("utf-8"))
CHECKER = jsonschema.Draft202012Validator(SCHEMA)
DOCUMENT = (SCENARIOS.parent / "docs" / "results.md").read_text("utf-8")
QUICK = "pathway.stages.relapse.events.death.after.exponential.median=5 months"
NUMBER = "patients.number=200"


def run_results() -> Results:
    return simulated(FIRST, NUMBER).results


def replicated_results() -> Results:
    return simulated(FIRST, "patients.number=30", replications=25).results


def compare_results() -> Results:
    return compared(("usual", simulated(FIRST, NUMBER)), ("quick", simulated(FIRST, NUMBER, QUICK))).results


def sweep_results() -> Results:
    request = RunRequest(FIRST, (NUMBER,))
    cells = grid(["patients.attributes.donor.bernoulli=0.3,0.7"], [QUICK])
    return run_sweep(request, request.load(), cells).results


def centre_results() -> Results:
    request = RunRequest(SCENARIOS / "centre_academic.yaml", replications=2)
    cells = grid(["resources.icu_bed.capacity=2,3", "resources.car_t_bed.capacity=4"], [])
    return run_sweep(request, request.load(), cells, find_best=True).results


def incremental_results() -> Results:
    """Three arms with costs and QALYs."""
    strategies = SCENARIOS / "strategies" / "academic"
    files = [
        strategies / f"{name}.yaml"
        for name in ("two_lines_then_transplant", "car_t_withheld_for_cns", "one_line_then_transplant")
    ]
    sources = [request_source(file.stem, RunRequest(file, patients=60)) for file in files]
    return run_comparison(sources, at=(365.25,)).results


RESULTS = {
    "run": run_results,
    "replications": replicated_results,
    "compare": compare_results,
    "sweep": sweep_results,
    "centre": centre_results,
    "incremental": incremental_results,
}


@pytest.fixture(scope="module")
def results() -> dict[str, Results]:
    return {name: make() for name, make in RESULTS.items()}


def plain(results: Results) -> Any:
    """The results as they are read from JSON."""
    return json.loads(json.dumps(results.as_json(), allow_nan=False))


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", RESULTS)
def test_results_satisfy_the_schema(results, name):
    found = plain(results[name])
    assert not [f"{error.json_path}: {error.message}" for error in CHECKER.iter_errors(found)]
    assert found["estimates"]
    assert bool(found["differences"]) == (name not in ("run", "replications"))


def test_the_schema_has_every_status_of_an_incremental_analysis(results):
    properties = SCHEMA["$defs"]["incremental"]["properties"]
    assert properties["status"]["enum"] == [str(status) for status in Status]
    assert set(properties["confidence_set"]["enum"]) == {str(kind) for kind in SetKind}
    found = results["incremental"].as_json()["incremental"]
    assert [row["analysis"] for row in found] == ["reference"] * 3 + ["frontier"] * 3
    assert {row["arm"] for row in found} == {arm.name for arm in results["incremental"].arms}
    assert results["compare"].as_json()["incremental"] == []


BROKEN = {
    "a missing key": lambda found: found["estimates"][0].pop("unit"),
    "another key": lambda found: found["differences"][0].update(note=""),
    "an unknown measure": lambda found: found["estimates"][0].update(measure="survivals"),
    "a text for a number": lambda found: found["estimates"][0].update(estimate="0.5"),
    "a text that is null": lambda found: found["estimates"][0].update(group=None),
    "a negative error": lambda found: found["differences"][0].update(standard_error=-1.0),
    "a part of a patient": lambda found: found["estimates"][0].update(n=0.5),
    "an arm without a digest": lambda found: found["run"]["arms"][0].update(digest=""),
    "no arm": lambda found: found["run"]["arms"].clear(),
    "no seed": lambda found: found["run"].pop("seed"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_schema_rejects_other_results(results, fault):
    found = plain(results["compare"])
    CHECKER.validate(found)
    BROKEN[fault](found)
    assert list(CHECKER.iter_errors(found))


@pytest.mark.parametrize("name", RESULTS)
def test_labels_identify_a_row(results, name):
    """No two rows have the same outcome, arm, group, part, measure and time (and reference)."""
    tables: list[tuple[Table[Any], tuple[str, ...]]] = [
        (results[name].estimates, Table.key),
        (results[name].differences, (*Table.key, "reference")),
    ]
    for table, labels in tables:
        found = Counter(tuple(record[label] for label in labels) for record in table.records())
        assert [key for key, count in found.items() if count > 1] == []


@pytest.mark.parametrize("name", RESULTS)
def test_every_row_belongs_to_an_arm_and_an_outcome(results, name):
    found = results[name]
    arms = {arm.name: arm for arm in found.arms}
    for row in (*found.estimates, *found.differences):
        arm = arms[row.arm]
        facts = arm.outcome(row.outcome)
        resources = {f"resources.{one.name}" for one in arm.resources}
        assert facts is not None or row.outcome in resources | {"patient_changes"}
        assert row.group == "" or row.group in facts.groups
        is_test = row.measure.endswith(("chi_squared", "p_value"))
        assert row.unit or is_test or (facts is not None and facts.description.unit == "")
    for row in found.differences:
        assert row.reference in arms
        assert row.reference != row.arm


@pytest.mark.parametrize("name", RESULTS)
def test_limits_enclose_the_estimate(results, name):
    """A median may have one limit, and a lower one though it is not reached itself."""
    rows = [(row, row.estimate) for row in results[name].estimates if row.has_interval]
    rows += [(row, row.difference) for row in results[name].differences if row.has_interval]
    assert rows
    for row, value in rows:
        if isnan(row.low) or isnan(row.high) or isnan(value):
            assert row.measure == "median"
        if isnan(value):
            assert isnan(row.high)
        else:
            assert (-inf if isnan(row.low) else row.low) <= value <= (inf if isnan(row.high) else row.high)


def test_a_number_without_an_interval_has_a_note(results):
    """Counts have neither, and so have the measures of two arms together."""
    for found in results.values():
        for row in found.estimates:
            is_count = row.unit in ("patients", "waits", "replications", "events")
            is_bare = row.measure.startswith(("quantile", "replication_", "mean_days")) or is_count
            if not row.has_interval and not is_bare and not row.outcome.startswith("resources."):
                assert row.note, row
            assert row.has_interval == bool(row.method), row


def test_the_document_has_the_keys_and_measures_of_the_schema():
    """Of each part in the tables of `docs/results.md`."""
    first, rest = DOCUMENT.split("## `differences`")
    second, rest = rest.split("## `certainty`")
    certainty, third = rest.split("## `incremental`")
    keys: list[set[str]] = [set(), set(), set(), set()]
    for i, text in enumerate((first.split("| measure |")[0], second, third, certainty)):
        for names in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE):
            keys[i] |= set(re.findall(r"`([a-z_]+)`", names))
    definitions = SCHEMA["$defs"]
    assert keys[0] == set(definitions["estimate"]["properties"])
    assert keys[1] == set(definitions["difference"]["properties"])
    assert keys[2] == set(definitions["incremental"]["properties"])
    assert keys[3] == set(definitions["certainty"]["properties"])
    measures = set()
    for kind in ("estimate", "difference"):
        measures |= set(definitions[kind]["properties"]["measure"]["enum"])
    assert {name for name in measures if f"`{name}`" not in DOCUMENT} == set()
    table = first.split("| measure |")[1]
    for names in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        assert set(re.findall(r"`([a-z_0-9%]+)`", names)) <= measures


# ---------------------------------------------------------------- results


def test_facts_of_a_run():
    found = run_results()
    (arm,) = found.arms
    assert (found.seed, found.replications, arm.patients, arm.name) == (1, 1, 200, "")
    assert arm.horizon == 10 * 365.25
    assert re.fullmatch("[0-9a-f]{64}", arm.digest)
    run = plain(found)["run"]
    assert run.keys() == {"seed", "replications", "arms"}
    assert (run["arms"][0]["horizon_days"], run["arms"][0]["patients"]) == (3652.5, 200)
    precise = plain(replace(found, precision={"half_width": 0.01, "patients": 200, "rounds": 1}))
    assert precise["run"]["precision"] == {"half_width": 0.01, "patients": 200, "rounds": 1}
    CHECKER.validate(precise)


def test_the_headline_of_an_outcome():
    both, single = compare_results(), run_results()
    headline = single.headline("overall_survival")
    assert headline is not None
    assert (headline.measure, headline.arm, headline.time_days) == ("survival", "", 180.0)
    for arm in ("usual", "quick"):
        found = both.headline("overall_survival", arm=arm, group="true")
        assert found is not None
        assert (found.arm, found.group) == (arm, "true")
    assert both.headline("overall_survival").arm == "usual", "by default of the reference"
    assert single.headline("no_such_outcome") is None


def test_the_results_of_one_arm_are_those_of_a_single_run():
    both, single = compare_results(), run_results()
    found = both.of_arm("usual")
    assert found.estimates.records() == single.estimates.records()
    assert (found.differences.records(), found.notes) == ([], single.notes)
    (facts,) = found.arms
    assert replace(facts, name="", label=facts.title) == single.reference
    assert both.of_arm("quick").estimates.present("outcome") == single.estimates.present("outcome")
    assert OutcomeRows(both, "patient_changes", "quick").parts("share")
