"""`python -m benchmarks.compile`: where the time goes when the kernel is compiled, in a process of its own.

CPU seconds of each function (its own, without what it calls), of each step of the compiler, and of the
whole first run of a scenario, cold and warm.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core import codegen, compiler_machinery, event

from sim.engine.precompile import precompile
from sim.numerics.linking import compiled_sources

ROOT = Path(__file__).parents[1]
SHOWN = 25


class Clock(event.Listener):
    """CPU seconds of nested work, each without what it contains."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.open: list[tuple[float, float]] = []

    def start(self) -> None:
        """Begin a piece of work."""
        self.open.append((time.process_time(), 0.0))

    def stop(self, name: str) -> None:
        """End the piece of work begun last."""
        began, within = self.open.pop()
        spent = time.process_time() - began
        self.seconds[name] += spent - within
        self.calls[name] += 1
        if self.open:
            self.open[-1] = (self.open[-1][0], self.open[-1][1] + spent)

    def on_start(self, event: Any) -> None:
        """Numba begins to compile a function."""
        self.start()

    def on_end(self, event: Any) -> None:
        """Numba has compiled a function."""
        function = event.data["dispatcher"]
        self.stop(f"{function.__module__}.{function.__name__}")

    def around(self, owner: Any, method: str, name: Callable[..., str]) -> None:
        """Time a method of the compiler."""
        inner = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            self.start()
            try:
                return inner(*args, **kwargs)
            finally:
                self.stop(name(*args))

        setattr(owner, method, timed)


def print_table(title: str, clock: Clock) -> None:
    """The largest pieces of work, and the sum."""
    total = sum(clock.seconds.values())
    print(f"\n{title}: {len(clock.seconds)} kinds, {sum(clock.calls.values())} times, {total:.2f} s of CPU")
    for name, seconds in clock.seconds.most_common(SHOWN):
        print(f"  {seconds:7.3f} s  {seconds / total:6.1%}  {clock.calls[name]:5d} x  {name}")


def first_run(cache: str) -> float:
    """CPU seconds of `allpath run scenarios/first_steps.yaml` with this cache."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "sim", "run", str(ROOT / "scenarios" / "first_steps.yaml")],
        check=True,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": cache},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def profile() -> None:
    """Compile the compiled engine in this process, and print what it costs."""
    functions, steps = Clock(), Clock()
    event.register("numba:compile", functions)
    steps.around(compiler_machinery.PassManager, "_runPass", lambda _self, _i, one, _state: one.name())
    for method in ("_optimize_final_module", "_finalize_final_module", "add_ir_module"):
        steps.around(codegen.CPUCodeLibrary, method, lambda *_args, method=method: method)
    precompile(["independent"])
    print_table("Functions", functions)
    print_table("Steps of the compiler", steps)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as cache:
        print(
            f"{len(compiled_sources())} files; first_steps.yaml: cold {first_run(cache):.2f} s of CPU", end=""
        )
        print(f", warm {first_run(cache):.2f} s")
    with tempfile.TemporaryDirectory() as cache:
        again = [sys.executable, "-c", "from benchmarks.compile import profile; profile()"]
        subprocess.run(again, check=True, cwd=ROOT, env={**os.environ, "XDG_CACHE_HOME": cache})


if __name__ == "__main__":
    main()
