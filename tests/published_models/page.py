"""The tables of docs/published-models.md, written between `<!-- NAME -->` and `<!-- end -->`: `make pages`."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10
from pathlib import Path

from sim.calibration.targets import Figure
from sim.verification.published import Agreement
from tests.published_models.models import NAMES, agreements, results

PAGE = Path(__file__).parents[2] / "docs" / "published-models.md"
HEADER = (
    "| | result | published | simulated | standard error | may differ by | detects | |",
    "|---|---|---|---|---|---|---|---|",
)
MOST_DECIMALS = 6


def table(name: str) -> str:
    """The published results of a model beside the simulated ones."""
    rows = [*HEADER]
    for target in results(name).targets:
        for figure in target.figures:
            found = next((one for one in agreements(name) if one.figure == figure), None)
            rows.append("| " + " | ".join(_row(figure, found)) + " |")
    return "\n".join(rows)


def _row(figure: Figure, found: Agreement | None) -> Sequence[str]:
    unit = f" {figure.unit}" if figure.unit else ""
    name = "" if figure.name == "all" else figure.name
    published = f"{_number(figure.published, figure.rounding or figure.error or 1e-4)}{unit}"
    if found is None:
        return figure.target, name, published, "", "", "", "", "not of one run"
    simulated = _number(found.simulated, found.error)
    error = _number(found.error, found.error) if isfinite(found.error) else ""
    limit = (
        _number(found.tolerance, found.error or figure.rounding or 1e-4) if isfinite(found.tolerance) else ""
    )
    detects = f"{found.detected:.1%}" if figure.published else ""
    return figure.target, name, published, simulated, error, limit, detects, str(found.verdict)


def _number(value: float, step: float) -> str:
    """With the digits that a step (the last digit, or a standard error to two digits) leaves meaning."""
    decimals = min(MOST_DECIMALS, max(0, 1 - floor(log10(step)))) if step > 0.0 else MOST_DECIMALS
    if log10(step) == round(log10(step)):
        decimals = min(MOST_DECIMALS, max(0, round(-log10(step))))
    return f"{value:,.{decimals}f}"


def sources(name: str) -> str:
    """The citations of a model, each once."""
    found = dict.fromkeys(target.citation for target in results(name).targets)
    return "Sources: " + "; ".join(found) + "."


def written(text: str, names: Sequence[str] = NAMES) -> str:
    """The page with the tables of these models as they are now."""
    for name in names:
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        assert text.count(begin) == 1, f"{PAGE}: there is no place for {name}"
        before, after = text.split(begin)
        rest = after[after.index(end) :]
        text = f"{before}{begin}\n{table(name)}\n\n{sources(name)}\n\n{rest}"
    return text


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
