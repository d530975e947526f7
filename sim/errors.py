"""What goes wrong, and where: places in files, problems found in a scenario, failures of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; line and column count from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a value and its dotted key path, e.g. `pathway.stages.ward.events`."""

    place: Place
    path: str

    def at(self, key: object) -> Where:
        """The same place, one key further down the path."""
        return Where(self.place, f"{self.path}.{key}" if self.path else str(key))


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of the input: where it stands, the fact, and the rule with the nearest fix."""

    where: Where
    fact: str
    fix: str = ""

    def __str__(self) -> str:
        where = self.where
        is_in_place = where.place.file.endswith(f" {where.path}")  # of a setting: `--set PATH`
        path = f"{where.path}: " if where.path and not is_in_place else ""
        head = f"{self.where.place}: {path}{self.fact}"
        return f"{head}\n    {self.fix}" if self.fix else head


class ScenarioError(Exception):
    """The input is wrong: every problem found, sorted by place. Exit status 2."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda p: (p.where.place, p.where.path, p.fact)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[ScenarioError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class RunError(Exception):
    """The run failed although the input could be read. Exit status 1."""


@dataclass(slots=True)
class Problems:
    """Collects problems so that all of them are reported at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, where: Where, fact: str, fix: str = "") -> None:
        """Collect one problem."""
        self.found.append(Problem(where, fact, fix))

    def stop_if_any(self) -> None:
        """Raises: ScenarioError with everything found so far, if anything was."""
        if self.found:
            raise ScenarioError(self.found)


class InputError(ValueError):
    """A value that cannot be read, without its place: the fact, and the rule with the fix."""

    def __init__(self, fact: str, fix: str = "") -> None:
        self.fact = fact
        self.fix = fix
        super().__init__(f"{fact}; {fix}" if fix else fact)

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str]]:
        return type(self), (self.fact, self.fix)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean `ward`?`` with the word nearest to this one, or the one that begins so; else ""."""
    spelt = {candidate.lower(): candidate for candidate in known}
    begun = [known for known in spelt if word and known.startswith(word.lower())]
    near = get_close_matches(word.lower(), spelt, n=1, cutoff=0.6) or (begun if len(begun) == 1 else [])
    return f"did you mean `{spelt[near[0]]}`?" if near else ""
