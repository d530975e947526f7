"""What was published (`targets.yaml`) beside what the settings give (`runs/`).

A target is one endpoint of one population; its figures are the numbers published for it. Each figure has
an interval of 95% in which the simulated value should lie: as printed, or computed from what is printed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import yaml

from sim import units
from sim.engine.run import simulate
from sim.outcomes.results import Results
from sim.pathway.tables import compile_pathway
from sim.scenario import load
from tests.example_runs import log_results
from tests.published.extraction import entries, wilson
from tests.rows import OutcomeRows

HERE = Path(__file__).parent
TARGETS = HERE / "targets.yaml"
RUNS = HERE / "runs"
TIMES = tuple(
    units.days(time) for time in ("28 days", "100 days", "1 years", "2 years", "3 years", "5 years")
)
"""Days at which the curves are read."""

NORMAL_975 = NormalDist().inv_cdf(0.975)
ERROR_OF_MEDIAN = math.sqrt(math.pi / 2)
"""Of a normal sample, in units of sigma over the root of n; Kendall and Stuart, The Advanced Theory of Statistics."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends included. rule: where it comes from, in a few words."""

    low: float
    high: float
    rule: str

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Simulated:
    """A value with its 95% Monte Carlo interval, in the unit of its figure; n: patients behind it."""

    value: float
    low: float
    high: float
    n: int

    @property
    def error(self) -> float:
        """Standard error, from the wider half of the interval."""
        return max(self.value - self.low, self.high - self.value) / NORMAL_975


@dataclass(frozen=True, slots=True)
class Figure:
    """One published number. unit: "" for a share, else days, months or years. Of the rest see `targets.yaml`."""

    target: str
    name: str
    published: float
    unit: str = ""
    n: int | None = None
    count: int | None = None
    interval: tuple[float, float] | None = None
    quartiles: tuple[float, float] | None = None
    extremes: tuple[float, float] | None = None
    within: float | None = None
    kind: str = ""
    run: str = ""
    outcome: str = ""
    at: str = ""
    step: int | None = None
    category: str = ""
    miss: str = ""
    not_applicable: str = ""

    @property
    def applies(self) -> bool:
        return not self.not_applicable

    def accepted(self) -> Interval:
        """Where the simulated value should lie."""
        if self.interval is not None:
            return Interval(*self.interval, "printed")
        if self.within is not None:
            low, high = (self.published * (1 + sign * self.within) for sign in (-1, 1))
            return Interval(low, high, f"within {self.within:.0%}")
        assert self.n is not None, f"{self.target} {self.name}: an interval, n or a tolerance"
        if not self.unit:
            return Interval(*wilson(self.published * self.n, self.n), "Wilson")
        sigma, rule = self._spread(self.n)
        half = 0.5 if self.unit == "days" else 0.0  # a time in whole days stands for half a day either way
        factor = math.exp(NORMAL_975 * sigma / math.sqrt(self.n))
        return Interval(self.published / factor - half, self.published * factor + half, rule)

    def _spread(self, n: int) -> tuple[float, str]:
        """Standard error of the logarithm of a median, times the root of n.

        With quartiles or extremes the times are taken as log-normal; the extremes of n lie where Blom puts
        them (Statistical Estimates and Transformed Beta-Variables, 1958). Without, as exponential: the error
        of the median is 1 / (2 f(m)) with density f(m) = ln 2 / (2 m).
        """
        if self.quartiles is not None:
            low, high = self.quartiles
            return ERROR_OF_MEDIAN * math.log(high / low) / (2 * NormalDist().inv_cdf(0.75)), "quartiles"
        if self.extremes is not None:
            low, high = self.extremes
            score = NormalDist().inv_cdf((n - 0.375) / (n + 0.25))
            return ERROR_OF_MEDIAN * math.log(high / low) / (2 * score), "extremes"
        return 1 / math.log(2), "median of n"

    def simulated(self, results: Results) -> Simulated:
        """The value in the results of its run."""
        rows = OutcomeRows(results, self.outcome)
        scale = 1.0
        if self.step is not None:
            row = list(rows.parts("share").values())[self.step - 1]
        elif self.category:
            row = rows.row("share", self.category)
        elif self.at:
            measure = rows.facts.description.headline.measure
            row = rows.row(measure, time=units.days(self.at))
        elif self.unit:
            scale = units.days(f"1 {self.unit}")
            row = rows.row("median")
        else:
            row = rows.headline
        assert not math.isnan(row.low)
        high = math.inf if self.unit and math.isnan(row.high) else row.high
        assert not math.isnan(high)
        return Simulated(row.estimate / scale, row.low / scale, high / scale, int(row.n))


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint of one population, and where it was published."""

    id: str
    population: str
    endpoint: str
    citation: str
    sources: tuple[str, ...]
    figures: tuple[Figure, ...]
    time: str = ""

    @property
    def applicable(self) -> tuple[Figure, ...]:
        return tuple(figure for figure in self.figures if figure.applies)

    @property
    def is_whole_course(self) -> bool:
        """Held back: no parameter was set from it."""
        return self.id.startswith("W-")


@cache
def targets() -> tuple[Target, ...]:
    """All of `targets.yaml`, in its order."""
    written = yaml.safe_load(TARGETS.read_text(encoding="utf-8"))
    return tuple(_target(key, dict(one)) for key, one in written.items())


def _target(key: str, written: dict[str, Any]) -> Target:
    source = written.pop("source", [])
    sources = tuple([source] if isinstance(source, str) else source)
    reason = written.pop("not_applicable", "")
    figures = tuple(
        _figure(key, name, {"not_applicable": reason} | one if reason else one)
        for name, one in written.pop("figures").items()
    )
    own = [_cited(written.pop("citation"), written.pop("doi", ""))] if not sources else []
    cited = own or [text for one in sources for text in _citations(one)]
    return Target(
        id=key, citation="; ".join(dict.fromkeys(cited)), sources=sources, figures=figures, **written
    )


def _citations(source: str) -> list[str]:
    """Of an entry of the second extraction; of a pooled one, of what it was pooled from."""
    entry = entries()[source]
    if entry["citation"] == "pooled":
        return [text for one in entry["from"] for text in _citations(one)]
    return [_cited(entry["citation"], entry.get("doi", ""))]


def _cited(citation: str, doi: str) -> str:
    return f"{citation}, doi:{doi}" if doi else citation


def _figure(target: str, name: str, written: dict[str, Any]) -> Figure:
    pairs = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in written.items()
        if key != "unit" or value != "share"
    }
    if "count" in pairs:
        pairs["published"] = pairs["count"] / pairs["n"]
    return Figure(target=target, name=str(name), **pairs)


def figures() -> tuple[Figure, ...]:
    """Those that something can be compared with."""
    return tuple(figure for target in targets() for figure in target.applicable)


@cache
def results(run: str, *, patients: int, seed: int) -> Results:
    """The results of a scenario of `runs/`."""
    scenario = load(RUNS / f"{run}.yaml", settings=(f"patients.number={patients}",))
    result = simulate(compile_pathway(scenario), seed=seed)
    return log_results(result.log, result.use, scenario, at=TIMES)


def simulated(figure: Figure, *, patients: int, seed: int) -> Simulated:
    return figure.simulated(results(figure.run, patients=patients, seed=seed))
