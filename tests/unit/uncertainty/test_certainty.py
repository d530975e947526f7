"""How sure differences are: each kind of uncertainty as its own command finds it."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from math import nan
from pathlib import Path

import jsonschema
import pytest

import sim
from sim.outcomes.certainty import Alternative, Certainty, Limits
from sim.outcomes.estimates import DifferenceRow
from sim.uncertainty.certainty import PATIENTS
from tests.command import ROOT, error_of, output_of
from tests.example_runs import FIRST
from tests.psa_models import written

TIME = ("--at", "5 years")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    return written(tmp_path_factory.mktemp("certainty"))


@pytest.fixture(scope="module")
def found(files):
    return sim.compare(*files, at=["5 years"], draws=40, patients=300)


def test_the_parameter_interval_is_that_of_psa(files, found):
    """The same draws and patients; only the patients of the comparison itself are those of its options."""
    rows = sim.psa(*files, draws=40, patients=PATIENTS, at=["5 years"], outcomes=["survival"]).estimates
    row = rows.query("outcome == 'survival' and measure == 'survival' and reference != ''").iloc[0]
    one = found.certainty.iloc[0]
    assert (one.parameters_low, one.parameters_high) == (row.low, row.high)
    assert one.parameters_low < one.difference < one.parameters_high


def test_without_a_folder_there_is_no_structural_range(found):
    assert found.certainty.structure_low.isna().all()
    assert found.alternatives.empty
    assert found.certainty.lowest.tolist() == [""]


def test_without_draws_and_structure_nothing_is_asked(files):
    assert sim.compare(*files, patients=50).certainty.empty


@pytest.fixture(scope="module")
def clinical(tmp_path_factory):
    """An alternative that makes remission certain, and one that leaves everything as it is."""
    folder = tmp_path_factory.mktemp("structure")
    assessment = "pathway.stages.car_t.events.assessment.to"
    for name, share in (("b_all_respond", 1.0), ("a_few_respond", 0.05)):
        to = "{remission: 1}" if share == 1.0 else f"{{remission: {share}, relapse: rest}}"
        (folder / f"{name}.yaml").write_text(
            f"format: 1\ntitle: t\nbased_on: {FIRST}\nchanges:\n  {assessment}: {to}\n"
        )
    return folder


def test_the_structural_range_is_that_of_each_file_set_on_every_arm(tmp_path, clinical):
    later = tmp_path / "later.yaml"
    later.write_text(
        f"format: 1\ntitle: Death comes later\nbased_on: {FIRST}\n"
        "changes: {pathway.stages.relapse.events.death.after.exponential.median: 30 months}\n"
    )
    options = {"at": ["2 years"], "patients": 400}
    found = sim.compare(FIRST, later, structure=clinical, **options)
    one = found.certainty.iloc[0]
    every = {"the base case": one.difference}
    for file in clinical.glob("*.yaml"):
        alone = sim.compare(FIRST, later, settings=[str(file)], **options).differences
        rows = alone.query(
            f"outcome == '{one.outcome}' and measure == '{one.measure}' and time_days == {one.time_days}"
        )
        every[file.stem.replace("_", " ")] = rows.iloc[0].difference
    ordered = sorted(every, key=every.__getitem__)
    assert len(set(every.values())) == 3
    assert (one.structure_low, one.structure_high) == (every[ordered[0]], every[ordered[-1]])
    assert (one.lowest, one.highest) == (ordered[0], ordered[-1])
    assert found.alternatives.name.tolist() == ["a few respond", "b all respond"]


def test_the_base_case_belongs_to_the_structural_range():
    row = DifferenceRow(
        "survival", "new", "old", "", "", "survival", 365.25, "probability", 0.1, 0.02, 0.06, 0.14
    )
    alternatives = (Alternative("weak", 0.02, -0.02, 0.06), Alternative("none", -0.01, -0.05, 0.03))
    one = Certainty(row, None, alternatives)
    assert one.structure == (-0.01, 0.1)
    assert [end.name for end in one.ends] == ["none", "the base case"]
    assert one.undetermined_by == ("structure",)


@pytest.mark.parametrize(
    ("low", "high", "includes"),
    [(-2.0, -1.0, False), (1.0, 2.0, False), (-1.0, 1.0, True), (0.0, 1.0, True), (nan, nan, True)],
)
def test_an_unknown_end_does_not_exclude_no_effect(low, high, includes):
    assert Limits(low, high).includes_zero is includes


def test_equal_arms_are_undetermined_by_every_kind(tmp_path, clinical):
    same = tmp_path / "same.yaml"
    same.write_text(f"format: 1\ntitle: The same\nbased_on: {FIRST}\n")
    one = sim.compare(FIRST, same, structure=clinical, patients=50).certainty.iloc[0]
    assert (one.structure_low, one.structure_high) == (0.0, 0.0)
    assert one.undetermined_by == "simulation, structure"


def test_the_command_prints_a_row_for_each_arm_and_says_what_is_undetermined(files):
    told = output_of("compare", *map(str, files), *TIME, "--patients", "60", "--draws", "20")
    table = told.split("How sure the differences are: ")[1]
    assert re.search(r"difference +simulation +parameters\n", table)
    assert "structure" not in table
    assert "The same with a lower rate: undetermined by parameters." in table


ALTERNATIVE = "format: 1\ntitle: t\nbased_on: {}\nchanges: {{parameters.rate.value: {} per year}}\n"


@pytest.mark.parametrize(
    ("rates", "sentence"),
    [
        ({"slow": 0.3}, "The same with a lower rate: higher; all kinds of uncertainty agree."),
        (
            {"at_once": 50, "slow": 0.3},
            "undetermined by structure; the alternatives range from 0.0 (at once) to +14.3 (slow).",
        ),
    ],
)
def test_structure_alone_has_a_range_and_a_table_of_the_alternatives(files, tmp_path, rates, sentence):
    """Where everybody dies at once the arms do not differ; with a lower rate in both they still do."""
    for name, rate in rates.items():
        (tmp_path / f"{name}.yaml").write_text(ALTERNATIVE.format(files[0], rate))
    options = ("--at", "2 years", "--patients", "300", "--structure", str(tmp_path))
    page = tmp_path / "page.html"
    told = output_of("compare", *map(str, files), *options, "--report", str(page))
    table = " ".join(told.split("How sure the differences are: ")[1].split())
    assert sentence in table
    assert "parameters: 95% interval" not in table
    n = len(rates)
    assert f"range over {n} alternative{'s' * (n > 1)} and the base case" in table
    text = page.read_text("utf-8")
    assert "How sure are the differences?" in text
    assert "Structural alternatives: Survival at 2 years" in text
    assert sentence in text


def test_an_outcome_that_not_all_arms_have_at_one_time_is_an_error(files, tmp_path):
    (tmp_path / "slow.yaml").write_text(ALTERNATIVE.format(files[0], 0.3))
    short = tmp_path.parent / "short.yaml"
    short.write_text(
        f"format: 1\ntitle: Short\nbased_on: {files[0]}\nremove: [outcomes.survival]\nadd: {{outcomes.dead: {{ever: {{state: dead}}}}}}\n"
    )
    told = error_of(
        "compare", str(files[0]), str(short), "--structure", str(tmp_path), "--outcome", "survival"
    )
    assert "survival has no difference between all arms at one time" in told
    assert "name an outcome that all arms have" in told


def test_the_json_of_the_command_satisfies_the_schema(files):
    told = json.loads(
        output_of("compare", *map(str, files), *TIME, "--patients", "60", "--draws", "20", "--json", "-")
    )
    schema = json.loads((ROOT / "docs" / "results.schema.json").read_text("utf-8"))
    jsonschema.validate(told, schema)
    (one,) = told["certainty"]
    ends = [one[f"parameters_{end}"] for end in ("low", "high")]
    assert all(low < high for low, high in pairwise(ends))
    assert one["structure_low"] is None


def test_wrong_requests_are_refused_before_anything_is_simulated(files, tmp_path):
    base, better = map(str, files)
    assert "there are no alternatives in" in error_of("compare", base, better, "--structure", str(tmp_path))
    assert "draws: must be a whole number from 2" in error_of("compare", base, better, "--draws", "1")
    saved = tmp_path / "saved"
    output_of("run", base, "--patients", "20", "--out", str(saved))
    told = error_of("compare", str(saved), better, "--draws", "20")
    assert "saved: parameters and structure can be changed only in a scenario's file" in told
