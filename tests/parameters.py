"""Parameters for tests, read as those of a scenario are."""

from __future__ import annotations

from sim.errors import Problems
from sim.scenario.language.model import Parameter
from sim.scenario.source import references, tree


def read_parameters(text: str, *, file: str = "f") -> tuple[Parameter, ...]:
    """The parameters of lines such as `p: {value: 0.8, uncertainty: {beta: {n: 50}}}`, as if in a file."""
    lines = [f"  {line.strip()}" for line in text.strip().splitlines()]
    names = ", ".join(f"${line.strip().split(':')[0]}" for line in lines)
    problems = Problems()
    node = tree.read_text("\n".join([f"a: [{names}]", "parameters:", *lines]), file)
    _, found = references.substitute(node, problems)
    problems.stop_if_any()
    return found
