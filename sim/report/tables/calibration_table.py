"""What `allpath calibrate` prints: parameters, targets before and after, and what the targets identify."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isinf
from pathlib import Path

import numpy as np
from rich.console import Console

from sim.calibration.calibration_results import CalibrationResults, ParameterRow, TargetRow
from sim.calibration.identifiability import WEAK
from sim.calibration.setup import Method
from sim.report.tables import number_format
from sim.report.tables.model import Column, Table, Value, numbers, print_results
from sim.report.tables.number_format import many

CORRELATED = 0.7
"""Absolute correlations from which on two parameters are named as a pair."""
MORE = "--full prints every figure and every combination of parameters"


def print_calibration(results: CalibrationResults, console: Console, *, full: bool = False) -> None:
    """Print the results of a calibration. full: every figure, not only those that are or were outside."""
    print_results(
        console,
        f"Calibration of {results.calibration.request.scenario}",
        about=about(results),
        answers=answers(results),
        tables=tables(results, full=full),
        notes=notes(results),
        more="" if full else MORE,
    )


def tables(results: CalibrationResults, *, full: bool = True) -> Iterator[Table]:
    """The parameters, the figures, and with `full` the combinations of parameters."""
    yield parameter_table(results)
    chosen = [row for row in results.targets if full or not (row.in_before and row.in_after)]
    if chosen:
        yield target_table(chosen, every=full)
    if full:
        yield combination_table(results)


def about(results: CalibrationResults) -> Iterator[str]:
    """What was calibrated to what, and how it was simulated."""
    own = results.calibration
    used = sum(row.used for row in results.targets)
    held_back = len(results.targets) - used
    yield (
        f"{many(len(results.parameters), 'parameter')}, {many(used, 'figure')} of published targets, "
        f"{held_back} held back (not used)"
    )
    yield (
        f"{many(len(own.model.scenarios), 'scenario')} with {own.request.patients:,} patients, the same in "
        f"all runs, seed {own.request.seed}"
    )


def answers(results: CalibrationResults) -> Iterator[str]:
    """How many figures lie in their intervals before and after."""
    for used, words in ((True, "Figures in their interval"), (False, "Held-back figures in their interval")):
        rows = [row for row in results.targets if row.used == used]
        if rows:
            before, after = (sum(getattr(row, name) for row in rows) for name in ("in_before", "in_after"))
            yield f"{words}: {before} of {len(rows)} before, {after} after"


def parameter_table(results: CalibrationResults) -> Table:
    """Each parameter with its value before and after, its posterior, and what the targets explain."""
    columns = (
        Column("", is_text=True),
        *map(Column, ("before", "best fit", "posterior", "prior", "profile")),
    )
    rows = tuple(
        (
            Value(row.name, f"in {row.unit}" if row.unit else ""),
            _number(row.base),
            Value(_number(row.best), "at the end of its prior" if row.at_bound else ""),
            Value(_number(row.mean), f"{_number(row.low)} to {_number(row.high)}"),
            Value(
                f"{_number(row.prior_low)} to {_number(row.prior_high)}",
                f"{max(row.learned, 0.0):.0%} learned",
            ),
            profile_in_words(row),
        )
        for row in results.parameters
    )
    meaning = (
        "posterior: mean and 95% interval; profile: 95% interval from the targets alone; learned: "
        "share of the prior variance that the targets explain"
    )
    return Table("Parameters", columns, rows, meaning)


def profile_in_words(row: ParameterRow) -> str:
    """The interval of the profile likelihood, open where it does not end."""
    low = "open" if isinf(row.profile_low) else _number(row.profile_low)
    high = "open" if isinf(row.profile_high) else _number(row.profile_high)
    return "open" if low == high == "open" else f"{low} to {high}"


def target_table(rows: Sequence[TargetRow], *, every: bool) -> Table:
    """Figures before and after, with their deviations from what was published."""
    columns = (
        Column("", is_text=True),
        *map(Column, ("published", "before", "after", "deviation")),
    )
    cells = tuple(
        (
            Value(f"{row.target} {name_of(row)}", "" if row.used else "held back, not used"),
            Value(_figure(row.published, row), _interval(row)),
            _figure(row.before, row),
            _figure(row.after, row),
            Value(
                f"{row.deviation_before:+.1f} to {row.deviation_after:+.1f}", "in" if row.in_after else "out"
            ),
        )
        for row in rows
    )
    title = "Published figures" if every else "Published figures that are or were outside of their interval"
    meaning = (
        "deviation: simulated less published in standard errors of the published, before to after; in or out "
        "of the 95% interval"
    )
    return Table(title, columns, cells, meaning)


def values_in_print(row: TargetRow) -> tuple[str, str, str]:
    """The published value, and the simulated one before and after."""
    return _figure(row.published, row), _figure(row.before, row), _figure(row.after, row)


def name_of(row: TargetRow) -> str:
    """The endpoint, and the name of the figure where a target has several."""
    return row.endpoint if row.figure == "all" else f"{row.endpoint}: {row.figure}"


def combination_table(results: CalibrationResults) -> Table:
    """The eigenvectors of the Fisher information, with the parameters that matter most in each."""
    identified = results.calibration.identified
    names = [row.name for row in results.parameters]
    rows = []
    for value, vector in zip(identified.eigenvalues, identified.vectors.T, strict=True):
        largest = np.argsort(-np.abs(vector))[:3]
        words = " ".join(f"{vector[i]:+.2f} {names[i]}" for i in largest if abs(vector[i]) > 0.1)
        rows.append((words, f"{value:.3g}", f"{max(value, 0.0) / (1.0 + max(value, 0.0)):.0%}"))
    meaning = "information of the targets in units of the prior; above 1 they say more than the prior"
    heads = numbers("combination", "information", "learned")
    return Table("Combinations of parameters", heads, tuple(rows), meaning)


def notes(results: CalibrationResults) -> Iterator[str]:
    """What the targets do not identify, and how far the numbers can be trusted."""
    yield from _identified(results)
    yield from _trust(results)


def _identified(results: CalibrationResults) -> Iterator[str]:
    own = results.calibration
    n, used = len(results.parameters), sum(row.used for row in results.targets)
    decided = own.identified.effective_dimension
    yield f"The targets decide {decided:.1f} of {many(n, 'combination')} of parameters."
    if own.silent:
        silent = ", ".join(own.silent)
        yield f"Not identified, no target changes: {silent}; kept at the value of the scenario."
    weak = [row.name for row in results.parameters if row.learned < WEAK]
    if weak:
        yield f"The prior decides, the targets explain less than {WEAK:.0%}: {', '.join(weak)}."
    for first, second, correlation in correlated_pairs(results):
        yield f"{first} and {second} are identified together (correlation {correlation:+.2f})."
    if n > used:
        yield "There are more parameters than figures: the priors decide the rest."
    bounded = [row.name for row in results.parameters if row.at_bound]
    if bounded:
        yield f"At the end of the prior: {', '.join(bounded)}; the prior and the targets disagree."
    for name in dict.fromkeys(name for names in results.kept.values() for name in names):
        files = ", ".join(Path(file).stem for file, names in results.kept.items() if name in names)
        yield f"{name} keeps a value of its own in {files}."


def correlated_pairs(results: CalibrationResults) -> list[tuple[str, str, float]]:
    """The pairs of parameters that the posterior correlates most."""
    matrix = results.calibration.identified.correlation
    names = [row.name for row in results.parameters]
    found = [
        (names[i], names[j], float(matrix[i, j]))
        for i in range(len(names))
        for j in range(i)
        if abs(matrix[i, j]) >= CORRELATED
    ]
    return sorted(found, key=lambda pair: -abs(pair[2]))


def _trust(results: CalibrationResults) -> Iterator[str]:
    own = results.calibration
    fit, posterior = own.fit, own.posterior
    yield (
        f"Best fit: deviance {fit.deviance:.1f} of {many(len(fit.residuals), 'term')} (standard error by "
        f"simulation {fit.deviance_error:.2g}), {fit.runs} runs."
    )
    if not fit.is_converged:
        yield "The search ended before it converged: simulate more patients."
    if own.request.method is Method.LAPLACE:
        yield "Posterior: normal approximation at the best fit."
        return
    steps = f"{posterior.walkers} walkers of {posterior.steps:,} steps"
    yield (
        f"Posterior: {steps}, autocorrelation time {posterior.time:.0f}, scale reduction "
        f"{posterior.reduction:.3f}, {posterior.acceptance:.0%} of moves accepted."
    )
    if not posterior.is_converged:
        yield "The chains are too short for their autocorrelation: the intervals are rough."
    if own.emulator is not None:
        errors = own.emulator_errors
        yield (
            f"Emulator of {own.emulator.n_runs} runs: error of a figure at new draws of the posterior "
            f"{float(np.sqrt(np.mean(errors**2))):.2f} of its standard error, at most {errors.max():.2f}."
        )
        if errors.max() > 0.5:
            yield "The emulator is rough for some figures: simulate more patients, or narrow the priors."


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"


def _figure(value: float, row: TargetRow) -> str:
    if isinf(value):
        return "not reached"
    return f"{value:.3g} {row.unit}" if row.unit else number_format.share(value)


def _interval(row: TargetRow) -> str:
    """The accepted interval, with its unit once."""
    low, high = (_figure(end, row) for end in (row.low, row.high))
    unit = row.unit or "%"
    return f"{low.removesuffix(unit).rstrip()} to {high}"
