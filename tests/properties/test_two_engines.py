"""The compiled loop and SimPy write the same log, to the byte, whatever the pathway."""

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
from tests.cohorts import columns, compiled, differing
from tests.properties.random_pathways import FAMILIES, Spec, pathways, words_that_came_up, write
from tests.unit.without_jit import printed

ROOT = Path(__file__).parents[2]
BASE = ROOT / "scenarios" / "cns_relapse_academic.yaml"
SHIPPED = [
    *(f for f in sorted((ROOT / "scenarios").glob("*.yaml")) if not f.stem.startswith("sources")),
    *sorted((ROOT / "benchmarks").glob("*.yaml")),
]
EXAMPLES = 250
WORDS = {
    *(next(iter(family)) for family in FAMILIES),
    *["normal", "beta", "poisson", "gamma", "bernoulli", "categorical", "one_of", "follows", "mixture_cure"],
    *["clock", "after", "every", "chance", "when", "in", "do", "to", "waiting", "on_entry", "needs", "decide", "start", "stay", "rest", "name", "odds_ratios", "of"],
    *["time_ratios", "already", "hazard_ratios", "between", "plus", "not_before", "value", "log", "per", "centre", "above", "from", "until", "wane", "since"],
    *["set", "copy", "add", "draw", "start", "stop", "reassess", "stamp", "unchanged", "by", "any", "none"],
    *["current_age", "days_in_stage", "visits", "stage", "waited", "queue", "free", "is", "is_not", "at_least", "at_most", "below"],
}  # fmt: skip
"""What has to have come up in the log of some random pathway."""


def with_nothing_shared(file: Path, *, patients: int) -> Pathway:
    """A shipped scenario with so many patients, and as much of everything as anybody asks for."""
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


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_scenario(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pathway = with_nothing_shared(file, patients=5000)
    one = columns(simulate(pathway, engine="independent", workers=1).log)
    assert columns(simulate(pathway, engine="shared", workers=1).log) == one
    monkeypatch.setattr(compiled_engine, "BLOCK", 700)
    monkeypatch.setattr(simpy_replications, "TOGETHER", 300)
    for engine in ("independent", "shared"):
        assert columns(simulate(pathway, engine=engine, workers=3).log) == one


def test_other_processes_write_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pathway = with_nothing_shared(BASE, patients=1200)
    alone = columns(simulate(pathway, engine="shared", workers=1).log)
    monkeypatch.setattr(simpy_replications, "WORTH_A_PROCESS", 1)
    assert columns(simulate(pathway, engine="shared", workers=2).log) == alone


def test_random_pathways() -> None:
    """Both engines, and every word of the language seen at work."""
    came_up: set[str] = set()
    rows = []

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(pathways())
    def agree(spec: Spec) -> None:
        pathway = compiled(tree.write(write(spec)))
        log = simulate(pathway, engine="independent", workers=1, seed=3).log
        assert differing(log, simulate(pathway, engine="shared", workers=1, seed=3).log) == []
        came_up.update(words_that_came_up(spec, log))
        rows.append(log.n_rows)

    agree()
    assert len(rows) >= 200
    assert sum(rows) > 100 * len(rows), "the pathways are so short that they show little"
    assert came_up >= WORDS, f"never came up: {sorted(WORDS - came_up)}"


WITHOUT_JIT = """
import sys
from tests.properties.test_two_engines import digests
for file in {files!r}:
    print(*digests(file))
"""


def digests(file: str) -> tuple[str, str]:
    """One of all bytes of a log, for each engine."""
    pathway = compile_pathway(load(file))
    logs = [simulate(pathway, engine=engine, workers=1).log for engine in ("independent", "shared")]
    one, other = (hashlib.sha256(b"".join(columns(log).values())).hexdigest() for log in logs)
    return one, other


def test_as_ordinary_python(tmp_path: Path) -> None:
    """The same lines, not compiled, write the same bytes: a few random pathways and a clinical one."""
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
    assert printed(WITHOUT_JIT.format(files=files), jit=False) == expected
