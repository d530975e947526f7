"""The compiled engine and the SimPy engine write the same event log, byte for byte, for any pathway."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from sim.engine import compiled_engine, simpy_replications
from sim.engine.run import simulate
from sim.pathway.tables import Pathway, compile_pathway
from sim.scenario import load
from sim.scenario.source import tree
from tests.cohorts import columns, compiled, differing, sizes
from tests.command import output_of_python
from tests.properties.random_pathways import FAMILIES, Spec, pathways, words_that_occur, write

ROOT = Path(__file__).parents[2]
BASE = ROOT / "scenarios" / "populations/cns_combined.yaml"
SHIPPED = [
    *(f for f in sorted((ROOT / "scenarios").glob("*.yaml")) if not f.stem.startswith("sources")),
    *sorted((ROOT / "scenarios" / "populations").glob("*.yaml")),
    *sorted((ROOT / "benchmarks").glob("*.yaml")),
]
WORDS = {
    *(next(iter(family)) for family in FAMILIES),
    *["normal", "beta", "poisson", "gamma", "bernoulli", "categorical", "one_of", "follows", "mixture_cure"],
    *["clock", "after", "every", "chance", "when", "in", "do", "to", "waiting", "on_entry", "needs", "decide", "start", "stay", "rest", "name", "odds_ratios", "of"],
    *["time_ratios", "already", "hazard_ratios", "between", "plus", "not_before", "value", "log", "per", "centre", "above", "from", "until", "wane", "since"],
    *["set", "copy", "add", "draw", "start", "stop", "reassess", "stamp", "unchanged", "by", "any", "none"],
    *["current_age", "days_in_stage", "visits", "stage", "waited", "queue", "free", "is", "is_not", "at_least", "at_most", "below"],
}  # fmt: skip
"""The words that must have an effect in the log of at least one random pathway."""


def with_unlimited_resources(file: Path, *, patients: int) -> Pathway:
    """A shipped scenario with this number of patients and unlimited resources."""
    scenario = load(file)
    settings = [
        f"resources.{r.name}.{word}"
        for r in scenario.resources
        for word in ("capacity=unlimited", "open=every day")
    ]
    if scenario.patients.arrivals.lasting is None:
        settings.append(f"patients.number={patients}")
    pathway = compile_pathway(load(file, settings=settings))
    assert pathway.shared_resources == ()
    return pathway


@pytest.mark.parametrize("patients", sizes(1500, long=5000))
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenarios(file: Path, patients: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pathway = with_unlimited_resources(file, patients=patients)
    one = columns(simulate(pathway, engine="independent", workers=1).log)
    assert columns(simulate(pathway, engine="shared", workers=1).log) == one
    monkeypatch.setattr(compiled_engine, "BLOCK", 700)
    monkeypatch.setattr(simpy_replications, "TOGETHER", 300)
    for engine in ("independent", "shared"):
        assert columns(simulate(pathway, engine=engine, workers=3).log) == one


@pytest.mark.long
def test_several_processes_write_the_same_log(monkeypatch: pytest.MonkeyPatch) -> None:
    pathway = with_unlimited_resources(BASE, patients=1200)
    alone = columns(simulate(pathway, engine="shared", workers=1).log)
    monkeypatch.setattr(simpy_replications, "WORTH_A_PROCESS", 1)
    assert columns(simulate(pathway, engine="shared", workers=2).log) == alone


@pytest.mark.parametrize("examples", sizes(30, long=250))
def test_random_pathways(examples: int) -> None:
    """Both engines write the same log; with 250 pathways every word of the language occurs in some log."""
    occurred: set[str] = set()
    rows = []

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(pathways())
    def agree(spec: Spec) -> None:
        pathway = compiled(tree.write(write(spec)))
        log = simulate(pathway, engine="independent", workers=1, seed=3).log
        assert differing(log, simulate(pathway, engine="shared", workers=1, seed=3).log) == []
        occurred.update(words_that_occur(spec, log))
        rows.append(log.n_rows)

    agree()
    assert len(rows) >= 0.8 * examples
    assert sum(rows) > 100 * len(rows), "the pathways are too short"
    # a quarter of the pathways may leave out a few rare words; the 250 of the long run contain all
    missing = sorted(WORDS - occurred)
    assert len(missing) <= (0 if examples >= 250 else 3), f"never occurred: {missing}"


WITHOUT_JIT = """
import sys
from tests.properties.test_two_engines import digests
for file in {files!r}:
    print(*digests(file))
"""


def digests(file: str) -> tuple[str, str]:
    """The digest of all bytes of a log, for each engine."""
    pathway = compile_pathway(load(file))
    logs = [simulate(pathway, engine=engine, workers=1).log for engine in ("independent", "shared")]
    one, other = (hashlib.sha256(b"".join(columns(log).values())).hexdigest() for log in logs)
    return one, other


def test_as_ordinary_python(tmp_path: Path) -> None:
    """The same code, not compiled, writes the same bytes: 12 random pathways and a clinical scenario."""
    texts: list[str] = []

    @settings(max_examples=12, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(pathways())
    def keep(spec: Spec) -> None:
        texts.append(tree.write(write(spec | {"patients": spec["patients"] | {"number": 10}})))

    keep()
    files = []
    for i, text in enumerate(texts):
        (tmp_path / f"{i}.yaml").write_text(text, encoding="utf-8")
        files.append(str(tmp_path / f"{i}.yaml"))
    clinical = tmp_path / "clinical.yaml"
    clinical.write_text(load(BASE, settings=("patients.number=10",)).text, encoding="utf-8")
    files.append(str(clinical))
    expected = "".join(f"{one} {other}\n" for one, other in map(digests, files))
    assert output_of_python(WITHOUT_JIT.format(files=files), is_compiled=False) == expected
