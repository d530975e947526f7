"""Fits as the `parameters:` of a scenario, with their joint uncertainty, and the line that uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sim.calibration.fitted_families import BARE, LOG, LOGIT, RATE, TIME
from sim.calibration.survival_data import Covariate
from sim.calibration.survival_fit import Fit

DRAWS = 1000
"""Rows of a table of draws."""
SEED = 20240601
_UNSAFE = re.compile(r"\W+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Block:
    """A fit in the scenario language.

    text: the entries under `parameters:`, two spaces in. after: the distribution that uses them. draws:
    the table of draws as CSV, "" where the uncertainty is a joint normal. file: its name.
    """

    text: str
    after: str
    draws: str = ""
    file: str = ""


def identifier(*parts: str) -> str:
    """A name of a parameter made of these texts."""
    name = "_".join(_UNSAFE.sub("_", part).strip("_").lower() for part in parts if part)
    return name if name[:1].isalpha() else f"fit_{name}".rstrip("_")


def block(fit: Fit, name: str, *, unit: str, source: str, covariates: Sequence[Covariate]) -> Block:
    """The parameters of a fit. unit: of its times, as `months`. source: what it was fitted to, a text."""
    keys = [*fit.values, *(f"log_ratio_{identifier(one.name)}" for one in covariates)]
    if LOGIT in fit.written_scales:
        file = f"{name}_draws.csv"
        text = "\n".join(_scalars(fit, name, keys, unit=unit, source=source, file=file))
        used = {key: f"${name}_{key}" for key in keys}
        return Block(text, _after(fit, used, covariates, unit), _draws(fit, keys), file)
    used = {key: f"${name}.{key}" for key in keys}
    text = "\n".join(_vector(fit, name, keys, unit=unit, source=source))
    return Block(text, _after(fit, used, covariates, unit))


def _vector(fit: Fit, name: str, keys: Sequence[str], *, unit: str, source: str) -> Iterator[str]:
    """One parameter with all numbers, and their covariance."""
    written = zip(keys, _written(fit, unit), strict=True)
    logs = [key for key, scale in zip(keys, fit.written_scales, strict=True) if scale == LOG]
    rows = ", ".join(f"[{', '.join(map(_digits, row))}]" for row in fit.written_covariance.tolist())
    log = f", log: [{', '.join(logs)}]" if logs else ""
    yield f"  {name}:"
    yield f"    value: {{{', '.join(f'{key}: {text}' for key, text in written)}}}"
    yield f"    uncertainty: {{normal: {{covariance: [{rows}]{log}}}}}"
    yield f"    source: {json.dumps(source, ensure_ascii=False)}"
    yield "    status: derived"


def _scalars(fit: Fit, name: str, keys: Sequence[str], *, unit: str, source: str, file: str) -> Iterator[str]:
    """A parameter for each number, drawn together from the rows of one table."""
    kinds = [*(one.kind for one in fit.family.parameters), *("" for _ in fit.covariates)]
    for key, text, kind in zip(keys, _written(fit, unit), kinds, strict=True):
        has_unit = f", unit: {unit}" if kind in (TIME, RATE) else ""
        yield f"  {name}_{key}:"
        yield f"    value: {text}"
        yield f"    uncertainty: {{empirical: {{file: {file}, column: {key}{has_unit}}}}}"
        yield f"    source: {json.dumps(source, ensure_ascii=False)}"
        yield "    status: derived"


def _written(fit: Fit, unit: str) -> Iterator[str]:
    """The numbers with their units, as the language writes them."""
    singular = unit.removesuffix("s")
    for parameter, value in zip(fit.family.parameters, fit.values.values(), strict=True):
        text = _digits(value)
        if parameter.kind == TIME:
            yield f"{text} {unit}"
        else:
            yield f"{text} per {singular}" if parameter.kind == RATE else text
    yield from map(_digits, fit.coefficients.tolist())


def _digits(number: float) -> str:
    """Six digits, the accuracy of the estimates, without an exponent that YAML reads as a text."""
    text = f"{number:.6g}"
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa if '.' in mantissa else f'{mantissa}.0'}e{exponent}" if exponent else text


def _draws(fit: Fit, keys: Sequence[str]) -> str:
    """Draws of the parameters, jointly normal on the scale without bounds."""
    n = len(fit.family.parameters)
    rng = np.random.default_rng(SEED)
    places = rng.multivariate_normal(fit.found.place, fit.found.covariance, size=DRAWS, method="cholesky")
    rows = ([*fit.family.naturals(place[:n]).values(), *place[n:].tolist()] for place in places)
    return "\n".join([",".join(keys), *(",".join(map(_digits, row)) for row in rows)]) + "\n"


# ---------------------------------------------------------------- the distribution


def _after(fit: Fit, used: dict[str, str], covariates: Sequence[Covariate], unit: str) -> str:
    own = {name: used[name] for name in fit.values}
    return f"after: {{{_distribution(fit, own, unit)}{_ratios(fit, used, covariates)}}}"


def _distribution(fit: Fit, own: dict[str, str], unit: str) -> str:
    family = fit.family
    fixed = dict(family.fixed)
    if family.word == "royston_parmar":
        knots = ", ".join(map(_digits, fixed["knots"]))
        gamma = ", ".join(own.values())
        scale = fixed["scale"]
        return f"royston_parmar: {{scale: {scale}, gamma: [{gamma}], knots: [{knots}], unit: {unit}}}"
    if family.word == "piecewise_exponential":
        begins = (_digits(begin) for begin in fixed["begins"])
        pieces = ", ".join(f"{at} {unit}: {rate}" for at, rate in zip(begins, own.values(), strict=True))
        return f"piecewise_exponential: {{{pieces}}}"
    is_bare = any(one.kind == BARE for one in family.parameters)
    inner = ", ".join([f"{name}: {text}" for name, text in own.items() if name != "cured"])
    inner += f", unit: {unit}" if is_bare else ""
    if family.of:
        return f"mixture_cure: {{cured: {own['cured']}, of: {{{family.of}: {{{inner}}}}}}}"
    return f"{family.word}: {{{inner}}}"


def _ratios(fit: Fit, used: dict[str, str], covariates: Sequence[Covariate]) -> str:
    items = []
    for one in covariates:
        log = used[f"log_ratio_{identifier(one.name)}"]
        name = identifier(one.column.removeprefix("at_start."))
        if one.level:
            items.append(f"{{when: {{{name}: {one.level}}}, log: {log}}}")
        elif one.is_yes_no:
            items.append(f"{{when: {name}, log: {log}}}")
        else:
            centre = f", centre: {_digits(one.centre)}" if one.centre else ""
            items.append(f"{{per: {name}{centre}, log: {log}}}")
    return f", {fit.effect}: [{', '.join(items)}]" if items else ""
