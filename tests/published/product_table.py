"""The table of products of `docs/scenarios.md`: `python -m tests.published.product_table`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sim.scenario import load
from tests.published.strategy_tables import table

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HEAD = (
    "product",
    "remission",
    "cured",
    "relapse of the others, per year",
    "severe CRS",
    "severe ICANS",
    "B-cell aplasia at 6 months",
    "transplant: hazard ratio of relapse",
)
PRODUCTS = {
    "academic, adults": ("academic_adult", "academic"),
    "academic, children and young adults": ("academic_child", "academic"),
    "tisagenlecleucel": ("tisa_cel", "tisa_cel"),
    "brexucabtagene": ("brexu_cel", "brexu_cel"),
    "obecabtagene": ("obe_cel", "obe_cel"),
    "CD19 and CD22 together": ("cd19_22", "cd22"),
    "CD22": ("cd22", "cd22"),
    "donor-derived": ("donor", "donor"),
    "humanised, as a second": ("humanised", "academic"),
    "the same again": ("same_again", "academic"),
}
"""By name: the ends of the parameters of response and course, and of those of toxicity."""
APLASIA = {
    "tisa_cel": "academic",
    "academic_adult": "academic",
    "academic_child": "academic",
    "cd19_22": "academic",
}
"""Whose persistence a product has; all that are named nowhere have that of later products."""
OF_TRANSPLANT = {"tisa_cel", "brexu_cel", "obe_cel", "cd19_22", "cd22"}
"""Products with a ratio of their own; all others have that of academic products."""


def rows() -> list[tuple[str, ...]]:
    """One for each product, from the parameters of the academic setting."""
    values = {one.name: yaml.safe_load(one.text) for one in load(SCENARIOS / "cn_academic.yaml").parameters}

    def severe(name: str) -> str:
        grades: dict[Any, float] = values[name]
        return f"{100 * sum(share for grade, share in grades.items() if int(grade) >= 3):.0f}%"

    found = []
    for name, (course, toxicity) in PRODUCTS.items():
        lasting = APLASIA.get(course, course if f"aplasia_{course}" in values else "later")
        ratio = course if course in OF_TRANSPLANT else "academic"
        found.append(
            (
                name,
                f"{100 * values[f'cr_{course}']:.0f}%",
                f"{100 * values[f'cured_{course}']:.0f}%",
                str(values[f"relapse_{course}"]).removesuffix(" per year"),
                severe(f"crs_{toxicity}"),
                severe(f"icans_{toxicity}"),
                f"{100 * values[f'aplasia_{lasting}']:.0f}%",
                str(values[f"transplant_{ratio}"]),
            )
        )
    return found


if __name__ == "__main__":
    print(table(HEAD, rows()))
