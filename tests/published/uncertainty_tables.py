"""What the draws of the parameters say of the strategies, as tables for `docs/strategies.md`."""

from __future__ import annotations

from functools import cache

from sim import psa, sensitivity
from sim.psa_frames import PsaFrames
from sim.sensitivity_frames import SensitivityFrames
from tests.published.strategy_tables import COMBINED_IN_ADULTS, SCENARIOS, table

DRAWS, PATIENTS, BAR_PATIENTS, SEED = 500, 2_000, 4_000, 9
ARMS = (
    "two_lines_then_transplant",
    "car_t_withheld_for_cns",
    "one_line_then_transplant",
    "two_lines_no_transplant",
)
FILES = [SCENARIOS / "strategies" / "academic" / f"{name}.yaml" for name in ARMS]
OUTCOME = "overall_survival"
"""The outcome that decides."""
AT = ("1 year", "2 years", "5 years")
SEARCHED = "csf_relapse_cns"
"""The rate of CSF relapse after CAR-T in CNS disease."""
WIDE = f"parameters.{SEARCHED}.uncertainty={{lognormal: {{sigma: 2}}}}"
"""A range in which the rate is searched: up to 50 times its value."""


@cache
def analysed(draws: int = DRAWS, patients: int = PATIENTS) -> PsaFrames:
    """The probabilistic analysis of the four strategies."""
    return psa(
        *FILES,
        draws=draws,
        patients=patients,
        seed=SEED,
        at=AT,
        outcomes=OUTCOME,
        decide=OUTCOME,
        settings=COMBINED_IN_ADULTS,
    )


def bars(patients: int = BAR_PATIENTS) -> SensitivityFrames:
    """Each parameter at both ends of its 95% interval: effect on the difference of withholding CAR-T."""
    return sensitivity(
        *FILES[:2], patients=patients, seed=SEED, at=AT[-1], outcome=OUTCOME, settings=COMBINED_IN_ADULTS
    )


def searched(patients: int = BAR_PATIENTS) -> SensitivityFrames:
    """The rate of CSF relapse from which withholding CAR-T would be the better strategy."""
    settings = (*COMBINED_IN_ADULTS, WIDE)
    return sensitivity(
        *FILES[:2],
        patients=patients,
        seed=SEED,
        at=AT[-1],
        outcome=OUTCOME,
        threshold=SEARCHED,
        settings=settings,
    )


def survival_rows(found: PsaFrames) -> list[tuple[str, ...]]:
    """For each strategy survival with its parameter interval, and the probability that it is the best."""
    rows = []
    table = found.estimates.query("measure == 'survival' and reference == ''")
    for name in ARMS:
        own = table[table.arm == name]
        best = found.decision[found.decision.arm == name].probability_best
        draws = [found.results.shares_of_draws(number)[ARMS.index(name)] for number in range(len(best))]
        cells = [
            f"{100 * row.mean:.1f}% ({100 * row.low:.1f} to {100 * row.high:.1f})"
            for row in own.itertuples(index=False)
        ]
        shares = [
            f"{100 * p:.0f}%" if p == p else f"{100 * share:.0f}% of draws"
            for p, share in zip(best, draws, strict=True)
        ]
        rows.append((f"`{name}`", *cells, *shares))
    return rows


def of_draws() -> str:
    """Survival with its parameter interval, and the probability that each strategy is the best."""
    head = ("strategy", *(f"alive after {time}" for time in AT), *(f"best after {time}" for time in AT))
    return table(head, survival_rows(analysed()))


def of_bars(most: int = 10) -> str:
    """The parameters with the longest bars."""
    head = (
        "parameter",
        "2.5% value",
        "97.5% value",
        "points at the first",
        "points at the second",
        "width (SE)",
    )
    rows = [
        (
            f"`{row.parameter}`",
            f"{row.low_value:.3g} {row.unit}".strip(),
            f"{row.high_value:.3g} {row.unit}".strip(),
            f"{100 * row.low_difference:.1f}",
            f"{100 * row.high_difference:.1f}",
            f"{100 * row.width:.1f} ({100 * row.width_error:.1f})",
        )
        for row in bars().tornado.head(most).itertuples(index=False)
    ]
    return table(head, rows)


def of_search() -> str:
    """Where withholding CAR-T becomes the better strategy."""
    found = searched()
    if len(found.thresholds):
        value = found.thresholds.iloc[0]
        return f"It is the better strategy from {value.value:.3g} {value.unit} on (standard error {value.error:.2g})."
    ends = found.curve
    return f"It is the better strategy at no rate from {ends.value.min():.3g} to {ends.value.max():.3g} {found.results.search_unit}."
