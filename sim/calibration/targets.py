"""Published results and the outcome of a scenario that corresponds to each: files of targets.

A target is one endpoint of one population; its figures are the numbers published for it. Each figure has
an interval of 95% in which the simulated value should lie: as printed, or computed from what is printed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from statistics import NormalDist
from typing import Any

from sim import units
from sim.errors import Place, Problem, Problems, ScenarioError, Where
from sim.outcomes.results import NORMAL_975, share
from sim.scenario.language.node_reader import PlacedNode, Unread, read_all
from sim.scenario.source.citations import citations
from sim.scenario.source.tree import read_file

ERROR_OF_MEDIAN = math.sqrt(math.pi / 2)
"""Of the median of a normal sample, in units of sigma over the root of n."""

SHARE = "share"
NOT_REACHED = "not reached"
OWN = "own"
"""The prior of a parameter that is its own uncertainty."""
DETECTS = 0.05
"""The relative difference that a comparison must detect, where a figure does not say it."""
_FILE_KEYS = ("format", "title", "scenarios", "replications", "targets", "calibrate")
_NEEDED = ("format", "title")
_TARGET_KEYS = (
    *("population", "endpoint", "time", "source", "use", "not_applicable", "exclusive", "figures"),
)
_FIGURE_KEYS = (
    *("published", "count", "n", "unit", "interval", "quartiles", "extremes", "within", "error", "rounding"),
    *("scenario", "outcome", "measure", "at", "step", "category", "group", "compared_with", "detects"),
    *("use", "kind", "miss", "not_applicable"),
)
_TEXTS = ("outcome", "measure", "category", "group", "miss", "not_applicable")
_NUMBERS = ("within", "error", "rounding", "detects")
_SPREADS = ("n", "interval", "within", "error", "rounding")


class Use(StrEnum):
    """What a figure is for: parameters are calibrated to it, or it is held back to validate the result."""

    CALIBRATION = "calibration"
    VALIDATION = "validation"


class Kind(StrEnum):
    """Whether a parameter was set from a figure, or none was."""

    INPUT = "input"
    EMERGENT = "emergent"


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends included. rule: where it comes from, in a few words."""

    low: float
    high: float
    rule: str

    def holds(self, value: float) -> bool:
        """Whether the value lies in the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Figure:
    """One published number.

    target, name: of the target, and of the figure in it. published, interval, quartiles, extremes: in `unit`,
    a unit of time, "" for a share, or for any number where there is a measure. count: of n, where it was
    published. within: a relative tolerance. error: its standard error. rounding: the unit of its last digit.
    scenario: its file, "" where nothing can be compared; outcome, measure, at (days), step, category and
    group: which of its numbers corresponds; compared_with: the file from whose number it is the
    difference. detects: the smallest relative difference that a comparison must detect. exclusive: no
    patient is in two figures of the target. miss: why the simulated value lies outside. not_applicable: why
    nothing can be compared.
    """

    target: str
    name: str
    published: float
    unit: str = ""
    n: int | None = None
    count: float | None = None
    interval: tuple[float, float] | None = None
    quartiles: tuple[float, float] | None = None
    extremes: tuple[float, float] | None = None
    within: float | None = None
    error: float = 0.0
    rounding: float = 0.0
    kind: Kind | None = None
    use: Use = Use.CALIBRATION
    scenario: str = ""
    outcome: str = ""
    measure: str = ""
    at: float | None = None
    step: int | None = None
    category: str = ""
    group: str = ""
    compared_with: str = ""
    detects: float = DETECTS
    exclusive: bool = False
    miss: str = ""
    not_applicable: str = ""
    where: Where = field(default=Where(Place(""), ""), compare=False)

    @property
    def applies(self) -> bool:
        """Whether an outcome corresponds to it."""
        return not self.not_applicable

    @property
    def label(self) -> str:
        """The target, and the name of the figure where the target has several."""
        return self.target if self.name == "all" else f"{self.target} {self.name}"

    def accepted(self) -> Interval:
        """The 95% interval in which the simulated value should lie, in `unit`.

        Printed, a relative tolerance, from its standard error and rounding, or from n: of a share Wilson's
        (doi:10.1080/01621459.1927.10502953), of a median by its standard error.
        """
        if self.interval is not None:
            return Interval(*self.interval, "printed")
        if self.within is not None:
            low, high = (self.published * (1 + sign * self.within) for sign in (-1, 1))
            return Interval(low, high, f"within {self.within:.0%}")
        if self.error or self.rounding:
            half = NORMAL_975 * self.error + self.rounding / 2
            rule = "standard error" if self.error else "rounding"
            return Interval(self.published - half, self.published + half, rule)
        assert self.n is not None, "checked where it was read"
        if not self.unit:
            found = share(self.published * self.n, self.n)
            return Interval(found.low, found.high, "Wilson")
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


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint of one population. sources: as written; citation: of each, joined. time: in words."""

    id: str
    population: str
    endpoint: str
    sources: tuple[str, ...]
    citation: str
    figures: tuple[Figure, ...]
    time: str = ""

    @property
    def applicable(self) -> tuple[Figure, ...]:
        """The figures that an outcome corresponds to."""
        return tuple(figure for figure in self.figures if figure.applies)


@dataclass(frozen=True, slots=True)
class TargetFile:
    """The targets of one file, in its order.

    scenarios: the file of each, by the name that figures use. replications: of each run. calibrate: the
    parameters that are calibrated to the targets, each with its prior as written: `OWN` for its own
    uncertainty, a list of two bounds, or an uncertainty.
    """

    file: str
    title: str
    scenarios: Mapping[str, str]
    targets: tuple[Target, ...]
    replications: int = 1
    calibrate: Mapping[str, PlacedNode] = field(default_factory=dict, compare=False)


# ---------------------------------------------------------------- read


def read_targets(files: Sequence[str | os.PathLike[str]]) -> tuple[TargetFile, ...]:
    """The targets of several files; each id occurs once in all.

    Raises: ScenarioError with every problem of a file, and where two files have the same target.
    """
    found = tuple(_read(os.fspath(file)) for file in files)
    first: dict[str, str] = {}
    for one in found:
        for target in one.targets:
            if target.id in first:
                where = target.figures[0].where
                fact = f"there is a target {target.id} in {first[target.id]} as well"
                raise ScenarioError([Problem(where, fact, "give one of them another id, or leave one out")])
            first[target.id] = one.file
    return found


def _read(file: str) -> TargetFile:
    problems = Problems()
    top = PlacedNode(read_file(file), "", problems)
    found = top.attempt(lambda node: _file(node, file))
    problems.stop_if_any()
    assert found is not None, "a problem was noted for what could not be read"
    return found


def _file(top: PlacedNode, file: str) -> TargetFile:
    _check_keys(top, _FILE_KEYS, needed=_NEEDED, noun="a file of targets")
    version = top.child("format")
    if version.number() != 1:
        raise version.fail(f"format {version.value} is unknown", "write `format: 1`")
    parts = {key: node for key in _FILE_KEYS[2:] if (node := top.get(key)) is not None}
    if not {"targets", "calibrate"} & set(parts):
        raise top.fail("has neither `targets` nor `calibrate`", "write one of them")
    scenarios = {
        name: os.path.normpath(Path(file).parent / node.text()) for name, node in _items(parts, "scenarios")
    }
    for name, path in scenarios.items():
        if not Path(path).is_file():
            parts["scenarios"].fail_at_key(name, f"there is no file {path}", "paths start at this file")
    cited = citations([file, *scenarios.values()])
    targets = read_all(_items(parts, "targets"), lambda item: _target(item[0], item[1], scenarios, cited))
    replications = parts["replications"].whole(1) if "replications" in parts else 1
    calibrate = dict(_items(parts, "calibrate"))
    return TargetFile(file, top.child("title").text(), scenarios, targets, replications, calibrate)


def _items(parts: Mapping[str, PlacedNode], key: str) -> list[tuple[str, PlacedNode]]:
    """The keys and values of a mapping, none where it is not there."""
    return list(parts[key].children()) if key in parts else []


def _target(name: str, node: PlacedNode, scenarios: Mapping[str, str], cited: Mapping[str, str]) -> Target:
    _check_keys(
        node, _TARGET_KEYS, needed=("population", "endpoint", "source", "figures"), noun=f"target {name}"
    )
    sources = tuple(item.text() for item in node.child("source").names())
    inherited: dict[str, PlacedNode] = {
        key: node.child(key) for key in ("use", "not_applicable", "exclusive") if key in node.mapping()
    }
    figures = read_all(
        node.child("figures").children(), lambda item: _figure(name, item[0], item[1], inherited, scenarios)
    )
    if not figures:
        raise node.fail_at_key("figures", "there is no figure", "write `all: {count: 12, n: 14, ...}`")
    parts = [part for source in sources for part in cited.get(source, source).split("; ")]
    citation = "; ".join(dict.fromkeys(parts))
    population, endpoint, time = (
        found.text() if (found := node.get(key)) is not None else ""
        for key in ("population", "endpoint", "time")
    )
    return Target(name, population, endpoint, sources, citation, figures, time)


def _figure(
    target: str,
    name: str,
    node: PlacedNode,
    inherited: Mapping[str, PlacedNode],
    scenarios: Mapping[str, str],
) -> Figure:
    _check_keys(node, _FIGURE_KEYS, noun=f"a figure of target {target}")
    given = {**inherited, **dict(node.children())}
    own: dict[str, Any] = {key: given[key].text() for key in _TEXTS if key in given}
    own |= {key: given[key].number() for key in _NUMBERS if key in given}
    unit = _unit(given["unit"]) if "unit" in given else ""
    published, count, n = _published(node, given, unit)
    use, kind = (
        given[key].one_of(list(words), key) if key in given else None
        for key, words in (("use", Use), ("kind", Kind))
    )
    file = reference = ""
    if "not_applicable" not in given:
        for key in ("scenario", "outcome"):
            if key not in given:
                raise node.fail(f"`{key}` is missing", "name it, or say why under `not_applicable`")
        file = scenarios[given["scenario"].one_of(scenarios, "scenario")]
        if "compared_with" in given:
            reference = scenarios[given["compared_with"].one_of(scenarios, "scenario")]
    figure = Figure(
        target=target,
        name=name,
        published=published,
        unit=unit,
        n=n,
        count=count,
        interval=_pair(given.get("interval"), unit, any_number="measure" in given),
        quartiles=_pair(given.get("quartiles"), unit),
        extremes=_pair(given.get("extremes"), unit),
        kind=Kind(kind) if kind else None,
        use=Use(use or Use.CALIBRATION),
        scenario=file,
        compared_with=reference,
        at=given["at"].time() if "at" in given else None,
        step=given["step"].whole(1) if "step" in given else None,
        exclusive=given["exclusive"].flag() if "exclusive" in given else False,
        where=node.where,
        **own,
    )
    _check_spread(figure, given)
    if figure.applies and not any(key in given for key in _SPREADS):
        raise node.fail("has neither `n` nor `interval`", "write one of them, or `within: 0.2`")
    return figure


def _check_spread(figure: Figure, given: Mapping[str, PlacedNode]) -> None:
    """Raises: Unread for a spread around the published number that it cannot have."""
    if figure.within is not None and figure.within <= 0.0:
        raise given["within"].fail("a tolerance is above 0", "write 0.2 for 20%")
    for key in _NUMBERS[1:]:
        if key in given and getattr(figure, key) <= 0.0:
            raise given[key].fail(f"`{key}` is above 0")
    for key in ("interval", "quartiles", "extremes"):
        pair: tuple[float, float] | None = getattr(figure, key)
        if pair is None:
            continue
        if not pair[0] <= figure.published <= pair[1]:
            raise given[key].fail("does not hold the published number", "read both again")
        if figure.unit and not figure.measure and pair[0] < 0.0:
            raise given[key].fail("a time is not negative", "write 0 or more")
        if figure.unit and key != "interval" and not 0.0 < pair[0] < pair[1] < math.inf:
            fix = "leave them out: the interval then follows from `n`"
            raise given[key].fail(f"no spread follows from {key} that are 0 or not reached", fix)
    if figure.extremes is not None and figure.n is not None and figure.n < 2:
        raise given["extremes"].fail("one patient has no extremes", "leave them out")


def _published(
    node: PlacedNode, given: Mapping[str, PlacedNode], unit: str
) -> tuple[float, float | None, int | None]:
    """The published number, the count that it is of n, and n."""
    n = given["n"].whole(1) if "n" in given else None
    if ("published" in given) == ("count" in given):
        raise node.fail("needs `published` or `count`, one of them", "write `count: 12, n: 14`")
    if "count" in given:
        count = float(given["count"].whole())
        if unit or "measure" in given or n is None or count > n:
            above = f": {count:g} is more than {n}" if n is not None and count > n else ""
            raise given["count"].fail(f"a count is of `n` patients{above}", "write `count: 12, n: 14`")
        return count / n, count, n
    if "measure" in given:
        return given["published"].number(), None, n
    published = given["published"].number() if unit else given["published"].share()
    if unit and published <= 0.0:
        raise given["published"].fail("a time is greater than 0")
    return published, None, n


def _unit(node: PlacedNode) -> str:
    """A unit of time; "" for a share."""
    unit = node.text()
    if unit == SHARE:
        return ""
    node.quantity(units.unit_of_time)
    return unit


def _pair(node: PlacedNode | None, unit: str, *, any_number: bool = False) -> tuple[float, float] | None:
    """The two ends of an interval; the upper one of a time may be `not reached`, infinity."""
    if node is None:
        return None
    ends = [
        math.inf if unit and end.value == NOT_REACHED else end.number() if unit or any_number else end.share()
        for end in node.items()
    ]
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise node.fail("an interval is a lower and an upper end", "write [0.25, 0.62]")
    return ends[0], ends[1]


def _check_keys(node: PlacedNode, known: Collection[str], *, noun: str, needed: Collection[str] = ()) -> None:
    """Add a problem for each key that is unknown or missing; raises Unread where there is one."""
    keys = node.mapping()
    failed: list[Unread] = [
        node.unknown(key, known, f"{noun} has no `{key}`", f"it has {', '.join(known)}")
        for key in keys
        if key not in known
    ]
    failed += [node.fail(f"`{key}` is missing", f"{noun} needs it") for key in needed if key not in keys]
    if failed:
        raise failed[0]
