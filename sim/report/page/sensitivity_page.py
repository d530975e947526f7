"""The page of a sensitivity analysis, as HTML text; the caller writes the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.report.charts.uncertainty import Swing, tornado
from sim.report.page.document import Fold, Picture, Section, document
from sim.report.page.psa_page import heading
from sim.report.page.sections import provenance
from sim.report.tables import number_format, sensitivity_table
from sim.uncertainty.sensitivity_results import BarRow, SensitivityResults


def sensitivity_page(results: SensitivityResults, facts: Mapping[str, object]) -> str:
    """The page of an analysis. facts: how it was made, as names and values."""
    model = results.study.model
    *answers, about = sensitivity_table.about(results)
    tables = sensitivity_table.tables(results, full=True)
    made = [*facts.items(), *((f"digest, {arm.label}", arm.scenario.digest) for arm in model.arms)]
    return document(
        title=heading(model.arms),
        subtitle=about,
        answer="\n".join(
            f"{line}." for line in (*answers, *_without_stops(sensitivity_table.answers(results)))
        ),
        headline=tuple(tornado_pictures(results)),
        notes=list(_without_stops(sensitivity_table.caveats(results))),
        sections=(
            Section("numbers", "All numbers", tuple(Fold(table.title, (table,)) for table in tables)),
            provenance([(name, str(value)) for name, value in made]),
        ),
    )


def _without_stops(lines: Iterator[str]) -> Iterator[str]:
    return (line.removesuffix(".") for line in lines)


def tornado_pictures(results: SensitivityResults) -> Iterator[Picture]:
    """The longest bars of each pair; none where no bars were simulated."""
    study = results.study
    bases = study.contrasts(study.estimates)
    for number, (pair, base) in enumerate(zip(study.pairs, bases.tolist(), strict=True)):
        rows = [row for row in results.tornado if (row.arm, row.reference) == pair]
        if not rows:
            continue
        table = sensitivity_table.tornado_table(results, pair, most=sensitivity_table.MOST)
        shown = {str(line[0]) for line in table.rows}
        swings = [_swing(results, row, base) for row in rows if row.parameter in shown]
        unit = study.measure.unit
        less = f", {results.labels[pair[0]]} less {results.labels[pair[1]]}" if pair[1] else ""
        what = f"{results.number[:1].upper()}{results.number[1:]}{less}"
        caption = (
            f"{what}, with one parameter at a time at its 2.5% and its 97.5% quantile, all others at base "
            "(dashed line). The thin lines are 95% intervals of the simulation, over the same patients."
        )
        is_share = unit in number_format.SHARES
        figure = tornado(swings, base=base, title=what if is_share else f"{what} ({unit})", percent=is_share)
        yield Picture(f"tornado-{number}", table.title, caption, figure, (table,))


def _swing(results: SensitivityResults, row: BarRow, base: float) -> Swing:
    """A bar with the results at its ends."""
    unit = results.study.measure.unit
    ends = base + row.low_difference, base + row.high_difference
    low, high = (number_format.plain(value) for value in (row.low_value, row.high_value))
    printed = " to ".join(number_format.amount(end, unit) for end in ends)
    errors = row.low_error, row.high_error
    return Swing(row.parameter.replace("_", " "), low, f"{high} {row.unit}".rstrip(), *ends, *errors, printed)
