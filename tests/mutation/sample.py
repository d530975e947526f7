"""`make mutation`: a random sample of mutants of the kernel, the SimPy engine, outcomes and economics, each tested.

Cosmic Ray makes the mutants. A place in the source is drawn at random in each part, and one mutant of it. The tests
of the part run without compilation, in a copy of the sources. A mutant is killed if a test fails, or if the tests
take longer than the limit. Annotations and decorators are left out: no test can see a change of them.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import resource
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.planted_faults.plant import ROOT, copy_sources

LIMIT = 240
"""Seconds of processor time for the tests of one mutant; without a mutant they take less than 60."""
ALREADY_IMPORTED = "ignore::pytest.PytestAssertRewriteWarning"
NO_TESTS = 70
"""The exit status of tests that could not be run at all."""
LIBRARIES = (
    "hypothesis",
    "lifelines",
    "numba",
    "pandas",
    "pyarrow.parquet",
    "rich",
    "scipy.stats",
    "simpy",
    "yaml",
)
"""Imported once, not for each mutant."""
GOLDEN = "tests/golden/test_golden.py"
LOG, RECORDED = f"{GOLDEN}::test_the_log_is_unchanged", f"{GOLDEN}::test_logs_and_results_are_those_recorded"
ENGINE = ("tests/unit/engine/test_kernel.py", "tests/unit/engine/test_resources.py")
OUTCOMES = (
    RECORDED,
    *(f"tests/unit/outcomes/{name}" for name in ("history", "endpoints", "comparison", "queues")),
    *(
        f"tests/unit/outcomes/test_{name}.py"
        for name in ("curves", "estimates", "intervals", "value_distribution")
    ),
    "tests/theory/test_influence.py",
    "tests/unit/outcomes/test_results_labels.py",
    "tests/unit/outcomes/test_results.py",
    "tests/unit/uncertainty/test_certainty.py",
)


@dataclass(frozen=True)
class Part:
    """A part of the sources, and the tests that have to kill its mutants, in this order."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


PARTS = {
    "kernel": Part(
        tuple(
            f"sim/engine/{name}.py"
            for name in [
                "kernel",
                "draws",
                "effects",
                "event_times",
                "expressions",
                "hazard_ratios",
                "log_writer",
                "prevalent_patients",
                "rare_words",
            ]
        ),
        (LOG, RECORDED, *ENGINE),
    ),
    "SimPy engine": Part(
        tuple(f"sim/engine/{name}.py" for name in ("simpy_engine", "simpy_replications", "resources")),
        (RECORDED, *ENGINE[::-1]),
    ),
    "outcomes": Part(("sim/outcomes/**/*.py",), OUTCOMES),
    "economics": Part(
        ("sim/economics/*.py",), (RECORDED, "tests/unit/economics", "tests/theory/test_economics.py")
    ),
}


@dataclass(frozen=True)
class Mutant:
    """The `occurrence`-th place of an operator of Cosmic Ray in a file."""

    file: str
    line: int
    operator: str
    occurrence: int


def left_out(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """First and last position of each annotation, decorator and type alias."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        found += getattr(node, "decorator_list", [])
        found += filter(None, (getattr(node, "annotation", None), getattr(node, "returns", None)))
        if isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation) and node.value:
            found.append(node.value)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast":
            found.append(node.args[0])
    return [((n.lineno, n.col_offset), (n.end_lineno or 0, n.end_col_offset or 0)) for n in found]


def places(file: str) -> Iterator[tuple[tuple[object, ...], Mutant]]:
    """Every mutant of a file with its place: those of one place differ in what they put there."""
    nodes = list(ast_nodes(get_ast_from_path(ROOT / file)))
    out = left_out((ROOT / file).read_text("utf-8"))
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments() or name == "core/RemoveDecorator":
            continue
        positions = (pos for node in nodes for pos in kind().mutation_positions(node))
        for occurrence, (begin, _) in enumerate(positions):
            if not any(first <= begin < last for first, last in out):
                yield (file, begin, name.partition("_")[0]), Mutant(file, begin[0], name, occurrence)


def sample(part: Part, n: int, rng: random.Random) -> list[Mutant]:
    """One mutant each of n places, drawn with equal probability; a larger n adds further ones."""
    found: dict[tuple[object, ...], list[Mutant]] = {}
    files = sorted({str(p.relative_to(ROOT)) for glob in part.files for p in ROOT.glob(glob)})
    for file in files:
        for place, mutant in places(file):
            found.setdefault(place, []).append(mutant)
    chosen = sorted(found, key=str)
    rng.shuffle(chosen)
    return [rng.choice(found[place]) for place in chosen[:n]]


def outcome(mutant: Mutant | None, tests: tuple[str, ...], folder: Path) -> str:
    """`killed`, `timeout` or `survived`; without a mutant the tests must pass.

    Tests whose folder has the name of the mutant's folder run first.
    """
    file = folder / mutant.file if mutant else None
    before = file.read_text("utf-8") if file else ""
    if mutant and file:
        file.write_text(mutate_code(before, get_operator(mutant.operator)(), mutant.occurrence), "utf-8")
    if mutant:
        tests = tuple(sorted(tests, key=lambda test: Path(mutant.file).parent.name not in test.split("/")))
    try:
        status = in_fork(tests, folder)
    finally:
        if file:
            file.write_text(before, "utf-8")
    if status == NO_TESTS:
        raise RuntimeError(f"the tests of {mutant} cannot be run")
    return {0: "survived", -signal.SIGKILL: "timeout"}.get(status, "killed")


def in_fork(tests: tuple[str, ...], folder: Path) -> int:
    """The exit status of the tests in a copy of this process, which has imported the libraries but not sim."""
    child = os.fork()
    if child == 0:
        status = NO_TESTS
        try:
            status = _test(tests, folder)
        finally:
            os._exit(status)  # whatever was raised must not run on in the copy
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _test(tests: tuple[str, ...], folder: Path) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True  # a mutant of the same length and second would be taken for another
    for name in [name for name in sys.modules if name.partition(".")[0] in ("sim", "tests")]:
        del sys.modules[name]
    os.environ["PYTHONPATH"] = str(folder)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    return int(pytest.main(["-x", "-p", "no:cacheprovider", "-W", ALREADY_IMPORTED, *tests]))


def main() -> int:
    """Print each mutant with its outcome, then the share killed in each part with Wilson's 95% interval."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--each", type=int, default=50, help="mutants in each part")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    os.environ.update(NUMBA_DISABLE_JIT="1", OPENBLAS_NUM_THREADS="1")
    for library in LIBRARIES:
        import_module(library)
    with tempfile.TemporaryDirectory(prefix="allpath-mutation-") as name:
        folder = Path(name)
        copy_sources(folder)
        for title, part in PARTS.items():
            if outcome(None, part.tests, folder) != "survived":
                print(f"{title}: its tests fail without any mutant")
                return 1
        samples = {
            title: sample(part, asked.each, random.Random(f"{asked.seed} {title}"))
            for title, part in PARTS.items()
        }
        counts = {title: Counter[str]() for title in PARTS}
        for i in range(asked.each):  # one of each part, so that an interrupted run has some of all
            for title, part in PARTS.items():
                mutant = samples[title][i]
                found = outcome(mutant, part.tests, folder)
                counts[title][found] += 1
                place = f"{mutant.file}:{mutant.line}  {mutant.operator} {mutant.occurrence}"
                print(f"{found:8}  {title:12}  {place}", flush=True)
    from sim.outcomes.results import share  # not before: each mutant is imported anew

    for title, of in counts.items():
        killed = share(of.total() - of["survived"], of.total())
        print(f"{title}: {killed.value:.0%} of {killed.n} killed, 95% {killed.low:.0%} to {killed.high:.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
