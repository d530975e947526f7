"""What a user of the page can change: numbers of parameters over their 95% range, and capacities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10

from sim import units
from sim.scenario.language.model import Scenario
from sim.scenario.source.record import Parameter
from sim.scenario.source.tree import Plain, flow
from sim.uncertainty.marginals import marginals

POSITIONS = 200
"""A slider has about half to all of so many positions."""
RANGE = (0.025, 0.975)
"""The quantiles at which a slider begins and ends."""


@dataclass(frozen=True, slots=True)
class Slider:
    """One number of a parameter, `value` in the unit in which the scenario writes it.

    key: of the part, where the parameter is a vector, else "". arms: indices of the arms that have the
    parameter with this value. low, high, step: where the slider begins and ends, and its positions; the value
    is one of them. is_stated: whether low and high are the 95% range of the parameter's uncertainty.
    """

    parameter: Parameter
    key: str
    arms: tuple[int, ...]
    value: float
    unit: str
    low: float
    high: float
    step: float
    is_stated: bool

    @property
    def id(self) -> str:
        """Its name among all sliders of a page."""
        return ".".join(filter(None, [self.parameter.name, self.key, *map(str, self.arms)]))

    @property
    def decimals(self) -> int:
        """The decimals that distinguish its positions."""
        return max(0, *(_decimals(number) for number in (self.low, self.step)))

    def text(self, value: float) -> str:
        """A value as the scenario writes it."""
        return f"{_text(value)} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Stepper:
    """The capacity of a resource that is finite and does not change. arms: as of a slider."""

    resource: str
    capacity: int
    arms: tuple[int, ...]

    @property
    def id(self) -> str:
        """Its name among all steppers of a page."""
        return ".".join([self.resource, *map(str, self.arms)])


@dataclass(frozen=True, slots=True)
class Controls:
    """All that can be changed. others: parameters without a slider, in the order of the file."""

    sliders: tuple[Slider, ...]
    steppers: tuple[Stepper, ...]
    others: tuple[Parameter, ...]


def controls(scenarios: Sequence[Scenario]) -> Controls:
    """The sliders and steppers of some arms; arms that agree in a number share its slider."""
    arms: dict[tuple[str, str, str], tuple[Parameter, list[int]]] = {}
    capacities: dict[tuple[str, int], list[int]] = {}
    for i, scenario in enumerate(scenarios):
        for one in scenario.parameters:
            arms.setdefault((one.name, one.text, one.uncertainty), (one, []))[1].append(i)
        for resource in scenario.resources:
            if resource.capacity is not None and len(resource.capacity) == 1 and resource.repeat is None:
                capacities.setdefault((resource.name, resource.capacity[0][1]), []).append(i)
    found, others = [], []
    for parameter, indices in arms.values():
        sliders = list(_sliders(parameter, tuple(indices)))
        found += sliders
        others += [] if sliders else [parameter]
    steppers = tuple(Stepper(*key, tuple(indices)) for key, indices in capacities.items())
    return Controls(tuple(found), steppers, tuple(others))


def _sliders(parameter: Parameter, arms: tuple[int, ...]) -> Iterator[Slider]:
    """The slider of a number; of a vector that has an uncertainty one for each part."""
    drawn = marginals(parameter) if parameter.drawn is not None else {}
    for (key, number), unit in zip(parameter.values, parameter.units, strict=True):
        size = unit_size(unit)
        value = _rounded(number / size)
        if drawn and drawn[key].family != "fixed":
            low, high = (drawn[key].quantile(p) / size for p in RANGE)
            ends = (low, high) if low < high else None
            yield _slider(parameter, arms, value, key=key, unit=unit, ends=ends)
        elif not drawn and not key and value not in (0, 1):  # these are often a choice between the two
            yield _slider(parameter, arms, value, unit=unit, ends=None)


def unit_size(unit: str) -> float:
    """The days of a unit of time, the rate a day of `per UNIT`; 1 for a plain number."""
    if not unit:
        return 1.0
    return units.per_day(f"1 {unit}") if unit.startswith("per ") else units.days(f"1 {unit}")


def _slider(
    parameter: Parameter,
    arms: tuple[int, ...],
    value: float,
    *,
    key: str = "",
    unit: str = "",
    ends: tuple[float, float] | None,
) -> Slider:
    """A slider with the value among its positions. ends: None where the range is not stated.

    It is then half to double, at most 1 for a value below 1, which may be a probability; a whole number
    stays whole.
    """
    low, high = ends or sorted((value / 2, value * 2))
    if ends is None and 0 < value <= 1 and not unit:
        high = 1.0
    low, high = min(low, value), max(high, value)
    step = _round_step((high - low) / POSITIONS)
    if ends is None and value == int(value):
        step = max(1.0, step)
    low, high = (
        _rounded(value + step * count)
        for count in (-floor((value - low) / step + 1e-9), floor((high - value) / step + 1e-9))
    )
    return Slider(parameter, key, arms, value, unit, low, high, step, ends is not None)


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of 10, at least so large."""
    power = 10.0 ** floor(log10(least))
    return _rounded(next(power * k for k in (1, 2, 5, 10) if power * k >= least * (1 - 1e-9)))


def _decimals(number: float) -> int:
    _, _, decimals = f"{number:.12f}".rstrip("0").partition(".")
    return len(decimals)


def _text(value: float) -> str:
    return units.number_text(_rounded(value))


# ---------------------------------------------------------------- changes as paths and values


def changed_parts(of: Controls, values: Mapping[str, float], *, arm: int) -> dict[str, dict[str, float]]:
    """The parts of every parameter that a user changed in an arm, in the unit of its slider.

    values: by slider. The shares of a Dirichlet that are not changed keep their proportions.
    """
    found: dict[str, dict[str, float]] = {}
    for one in of.sliders:
        if arm in one.arms and one.id in values:
            name = one.parameter.name
            sizes = map(unit_size, one.parameter.units)
            parts = {
                key: _rounded(number / size)
                for (key, number), size in zip(one.parameter.values, sizes, strict=True)
            }
            own = {other.key: values[other.id] for other in of.sliders if _is_moved(other, one, values)}
            drawn = one.parameter.drawn
            is_share = drawn is not None and drawn.family == "dirichlet"
            found[name] = sum_to_one(parts, own) if is_share else parts | own
    return found


def _is_moved(one: Slider, other: Slider, values: Mapping[str, float]) -> bool:
    return one.parameter is other.parameter and one.id in values


def changes(
    of: Controls, values: Mapping[str, float], capacities: Mapping[str, int], *, arm: int
) -> dict[str, Plain]:
    """Path and new value of all that a user changed in an arm. values: by slider; capacities: by stepper."""
    found: dict[str, Plain] = {}
    written = {one.parameter.name: one.parameter for one in of.sliders if arm in one.arms}
    for name, parts in changed_parts(of, values, arm=arm).items():
        keys = [key for key, _ in written[name].values]
        texts = {key: _plain(parts[key], unit) for key, unit in zip(keys, written[name].units, strict=True)}
        found[value_path(name)] = texts[""] if keys == [""] else texts
    for stepper in of.steppers:
        if arm in stepper.arms and stepper.id in capacities:
            found[f"resources.{stepper.resource}.capacity"] = capacities[stepper.id]
    return found


def numbers_of(parameter: Parameter, parts: Mapping[str, float] | None) -> Iterator[tuple[str, float]]:
    """The parts of a parameter in days and per day; parts: of a changed one, in the units as written."""
    for (key, number), unit in zip(parameter.values, parameter.units, strict=True):
        if parts is None:
            yield key, number
        else:
            read = units.number if not unit else units.per_day if unit.startswith("per ") else units.days
            yield key, read(_plain(parts[key], unit))


def value_path(name: str) -> str:
    """The path of a parameter's value."""
    return f"parameters.{name}.value"


def _plain(value: float, unit: str) -> Plain:
    if unit:
        return f"{_text(value)} {unit}"
    rounded = _rounded(value)
    return int(rounded) if rounded == int(rounded) else rounded


def _rounded(value: float) -> float:
    """Without the last digits, which arithmetic leaves behind."""
    return float(f"{value:.12g}")


def sum_to_one(parts: Mapping[str, float], changed: Mapping[str, float]) -> dict[str, float]:
    """Parts of a vector after some of them were changed; the others share what is left in proportion.

    Where nothing is left, or no other, all parts are divided by their sum.
    """
    left = 1 - sum(changed.values())
    others = sum(part for key, part in parts.items() if key not in changed)
    size = left / others if others and left > 0 else 1.0
    found = {key: changed.get(key, part * size) for key, part in parts.items()}
    total = sum(found.values())
    return {key: _rounded(part / total) for key, part in found.items()}


def settings(found: Mapping[str, Plain]) -> tuple[str, ...]:
    """Changes as `PATH=VALUE`."""
    return tuple(f"{path}={flow(value)}" for path, value in found.items())
