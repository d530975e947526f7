"""What `allpath sensitivity` prints: the parameters that matter most, and where the best arm changes."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan

from rich.console import Console

from sim.outcomes.results import NORMAL_975
from sim.report.tables import number_format
from sim.report.tables.model import Column, Row, Table, numbers, print_results
from sim.uncertainty.sensitivity_results import BarRow, CurveRow, SensitivityResults, ThresholdRow

MOST = 10
"""Parameters that are printed by default."""
MORE = "--full prints every parameter; --threshold PARAMETER finds the value at which the best arm changes"


def print_sensitivity(results: SensitivityResults, console: Console, *, full: bool = False) -> None:
    """Print the results of an analysis. full: every bar and every index."""
    print_results(
        console,
        results.study.model.arms[0].scenario.title,
        about=about(results),
        answers=answers(results),
        tables=tables(results, full=full),
        notes=caveats(results),
        more="" if full or not results.bars else MORE,
    )


def about(results: SensitivityResults) -> Iterator[str]:
    """What is analysed, its base value, how many patients and parameters."""
    study = results.study
    unit, base = study.measure.unit, study.contrasts(study.estimates)
    for pair, value, error in zip(study.pairs, base, study.errors, strict=True):
        write = number_format.change if pair[1] else number_format.amount
        text = write(float(value), unit, _limits(error))
        spread = "" if isnan(error) else f" (SE {_error(error, unit)})"
        yield f"{_difference(results, pair)}: {text}{spread}"
    n = len({name for name, _ in study.columns})
    patients = f"{study.model.n_patients:,} patients in each arm, the same in all runs"
    yield f"{number_format.many(n, 'uncertain parameter')}, {patients}, seed {study.request.seed}"


def _difference(results: SensitivityResults, pair: tuple[str, str]) -> str:
    """The analysed number of an arm, or its difference, in words."""
    unit = results.study.measure.unit
    words = results.number[0].upper() + results.number[1:]
    words += f" ({unit})" if unit not in (*number_format.SHARES, "days") else ""
    if not pair[1]:
        return f"{words}, at the base values"
    return f"{words}, {results.labels[pair[0]]} less {results.labels[pair[1]]}, at the base values"


def _limits(error: float) -> number_format.Limits:
    """Limits that give a number as many decimals as its error needs."""
    return (-NORMAL_975 * error, NORMAL_975 * error)


def _error(error: float, unit: str) -> str:
    """A standard error; of a share in percentage points."""
    return number_format.amount(error, unit, _limits(error)).removesuffix("%")


# ---------------------------------------------------------------- threshold


def answers(results: SensitivityResults) -> Iterator[str]:
    """Where the arm with the largest number changes, in a sentence for each value; or that it does not."""
    search = results.search
    if search is None:
        return
    what = f"the largest {results.number}"
    for row in results.thresholds:
        error = "" if isnan(row.error) else f" (SE {number_format.plain(row.error)})"
        yield (
            f"The preferred arm changes where {row.parameter} is {_value(row.value, row)}{error}: below it "
            f"{results.labels[row.below]} has {what}, above it {results.labels[row.above]}."
        )
    if results.thresholds:
        return
    low, high = results.curve[0].value, results.curve[-1].value
    names = [arm.name for arm in results.study.model.arms]
    yield (
        f"The preferred arm does not change within the 95% range of {search.name}, "
        f"{number_format.plain(low)} to {_value(high, results.curve[-1])}: "
        f"{results.labels[names[search.largest[0]]]} has {what} throughout."
    )
    if search.without_influence:
        yield f"{search.name} has no influence on the differences between the arms."


def _value(value: float, row: ThresholdRow | BarRow | CurveRow) -> str:
    return f"{number_format.plain(value)} {row.unit}".rstrip()


def curve_table(results: SensitivityResults) -> Table:
    """The number of each arm along the parameter of the threshold analysis."""
    assert results.search is not None
    names = [arm.name for arm in results.study.model.arms]
    unit = results.study.measure.unit
    rows: list[Row] = []
    for i in range(0, len(results.curve), len(names)):
        own = results.curve[i : i + len(names)]
        values = (number_format.amount(one.estimate, unit) for one in own)
        changes = (number_format.change(one.estimate - own[0].estimate, unit) for one in own[1:])
        rows.append((_value(own[0].value, own[0]), *values, *changes))
    labels = [results.labels[name] for name in names]
    less = [f"{label} less {labels[0]}" for label in labels[1:]] if len(labels) > 2 else ["difference"]
    heads = [*labels, *less]
    return Table(results.number.capitalize(), numbers(results.search.name, *heads), tuple(rows))


# ---------------------------------------------------------------- bars and indices


def tables(results: SensitivityResults, *, full: bool) -> Iterator[Table]:
    """The curve of a threshold; for each pair of arms the bars, or ranks where there are indices."""
    if results.search is not None:
        yield curve_table(results)
    for pair in results.study.pairs:
        if results.bars and (full or not results.indices):
            yield tornado_table(results, pair, most=None if full else MOST)
        if results.indices or results.given:
            yield rank_table(results, pair, most=None if full else MOST)


def tornado_table(results: SensitivityResults, pair: tuple[str, str], *, most: int | None) -> Table:
    """A row for each parameter, the longest bar first; of a vector only its longest where `most` is given."""
    rows = [row for row in results.tornado if (row.arm, row.reference) == pair]
    shown = rows
    if most is not None:
        shown = list({row.parameter.split(".")[0]: row for row in reversed(rows)}.values())
        shown = sorted(shown, key=rows.index)[:most]
    lines: tuple[Row, ...] = tuple(
        (
            row.parameter,
            f"{number_format.plain(row.low_value)} to {_value(row.high_value, row)}",
            _end(results, row.low_difference, row.low_error),
            _end(results, row.high_difference, row.high_error),
        )
        for row in shown
    )
    title = _title(results, "Each parameter alone, at its 2.5% and 97.5% quantiles", pair)
    meaning = "change of the result from base, in brackets its standard error over the same patients"
    hidden = sum(not row.visible for row in rows)
    note = (
        f"Within simulation error: {hidden} of {len(rows)} bars. More patients show shorter ones."
        if hidden and not isnan(rows[0].low_error)
        else ""
    )
    columns = (Column("", is_text=True), *map(Column, ("2.5% to 97.5%", "at 2.5%", "at 97.5%")))
    return Table(title, columns, lines, meaning, tuple(filter(None, [note])))


def _title(results: SensitivityResults, text: str, pair: tuple[str, str]) -> str:
    return f"{text}: {results.labels[pair[0]]}" if len(results.study.pairs) > 1 else text


def _end(results: SensitivityResults, difference: float, error: float) -> str:
    unit = results.study.measure.unit
    text = number_format.change(difference, unit, _limits(error))
    if isnan(error):
        return text
    return f"{text} ({_error(error, unit)})"


def rank_table(results: SensitivityResults, pair: tuple[str, str], *, most: int | None) -> Table:
    """The factors by their first measure: the indices with standard errors, and the rank of the bar."""
    indices = {row.factor: row for row in results.variance if (row.arm, row.reference) == pair}
    given = {row.factor: row for row in results.given_data if (row.arm, row.reference) == pair}
    ranks = [row for row in results.ranks if (row.arm, row.reference) == pair]
    columns: dict[str, list[str]] = {"": [_factor(results, rank.factor) for rank in ranks]}
    if indices:
        own = [indices[rank.factor] for rank in ranks]
        columns["total"] = [_index(row.total, row.total_error) for row in own]
        columns["first"] = [_index(row.first, row.first_error) for row in own]
    if given:
        drawn = [given[rank.factor] for rank in ranks]
        columns["from the draws"] = [_index(row.first, row.first_error) for row in drawn]
    if results.bars:
        columns["rank by bar"] = [f"{rank.width:g}" for rank in ranks]
    title = _title(results, "Share of the variance that each parameter explains", pair)
    meaning = "total: with its interactions; first: alone; " if indices else ""
    rows = tuple(zip(*columns.values(), strict=True))
    return Table(title, numbers(*columns), rows[:most], f"{meaning}in brackets the standard error")


def _factor(results: SensitivityResults, name: str) -> str:
    """A factor with the names of the parameters in it."""
    return ", ".join(dict.fromkeys(own for own, _ in results.factors[name]))


def _index(value: float, error: float) -> str:
    if isnan(value):
        return number_format.NOTHING
    return f"{value:z.3f}" if isnan(error) else f"{value:z.3f} ({error:.3f})"


def caveats(results: SensitivityResults) -> Iterator[str]:
    """What limits these numbers."""
    if any(arm.scenario.shared for arm in results.study.model.arms):
        yield "Patients share resources: differences have no standard error, and small ones may be noise."
    if results.indices and any(row.total_error > 0.1 for row in results.variance):
        yield "Some indices have a standard error above 0.1; a larger power (--sobol) reduces it."
