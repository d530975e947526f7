"""The probabilistic model of HIV combination therapy, against matrix algebra and published figures.

Chancellor et al. 1997, doi:10.2165/00019053-199712010-00006, as in Briggs, Claxton and Sculpher 2006, example
4.7, and in the vignette `markov-cohort` of hesim: years with fixed ends, costs at their ends discounted by 6%,
life-years undiscounted, half a year in the year of death. Both used 1,000 draws.
"""

from dataclasses import replace
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest

from sim.uncertainty.results import PsaResults, analyse
from tests.psa_models import request_of
from tests.published_models.models import results

COUNTS = {"a": (1251, 350, 116, 17), "b": (0, 731, 512, 15), "c": (0, 0, 1312, 437)}
"""Transitions in a year to a, b, c and death."""
MEDICAL = {"a": 1701.0, "b": 1774.0, "c": 6948.0}
COMMUNITY = {"a": 1055.0, "b": 1278.0, "c": 2059.0}
ZIDOVUDINE, LAMIVUDINE = 2278.0, 2086.5
RATIO, SIGMA = 0.509, (log(0.710) - log(0.365)) / 3.92
YEARS, DISCOUNT = 20, 0.06


def by_matrices(n: int) -> np.ndarray:
    """Cost and life-years of each arm for n draws, [n, arm, 2], by matrix algebra with its own draws."""
    generator = np.random.default_rng(3)
    moves = np.zeros((n, 4, 4))
    moves[:, 3, 3] = 1.0
    for i, counts in enumerate(COUNTS.values()):
        seen = np.nonzero(counts)[0]
        moves[:, i, seen] = generator.dirichlet(np.array(counts)[seen], n)
    ratio = np.exp(log(RATIO) + SIGMA * generator.standard_normal(n))
    slower = ratio[:, None, None] * moves + (1.0 - ratio)[:, None, None] * np.eye(4)
    means = np.array([*MEDICAL.values(), *COMMUNITY.values()])
    care = generator.exponential(means, (n, 6))
    cost = np.zeros((n, 4))
    cost[:, :3] = care[:, :3] + care[:, 3:] + ZIDOVUDINE
    drug = np.array([LAMIVUDINE] * 3 + [0.0])
    found = np.zeros((n, 2, 2))
    for arm in (0, 1):
        where = np.tile([1.0, 0.0, 0.0, 0.0], (n, 1))
        for year in range(1, YEARS + 1):
            is_combined = arm == 1 and year <= 2
            before = where[:, 3]
            where = np.einsum("ni,nij->nj", where, slower if is_combined else moves)
            paid = np.sum(where * (cost + drug * is_combined), axis=1)
            found[:, arm] += np.column_stack(
                [paid * (1.0 + DISCOUNT) ** -year, 1.0 - (before + where[:, 3]) / 2.0]
            )
    return found


HESIM = {
    figure.name: figure
    for target in results("hiv").targets
    if target.id == "draws of the parameters"
    for figure in target.figures
}
PRINTED = {
    "cost": (HESIM["difference of costs"].published, HESIM["difference of costs"].rounding / 2),
    "qaly": (HESIM["difference of life-years"].published, HESIM["difference of life-years"].rounding / 2),
}
"""Differences of the arms as printed, and half a unit of the last digit."""
BRIGGS = {
    "monotherapy": {"cost": (45_924.0, 0.5), "qaly": (8.488, 0.0005)},
    "combination": {"cost": (51_759.0, 0.5), "qaly": (9.413, 0.0005)},
}
HESIM_ICER = HESIM["cost per life-year gained"].published
"""The 6,516 of Briggs et al. is no ratio of their means, 5,835 / 0.925: it is a mean of ratios."""
PUBLISHED_DRAWS = 1000


@pytest.fixture(scope="module")
def simulated() -> PsaResults:
    """1,000 draws of 100 patients, with half a year in the year of death."""
    files = [Path(file) for file in results("hiv").scenarios.values()]
    request = request_of(files, draws=1000, patients=100)
    half = "pathway.stages.care.events.year.qaly.dead=0.5"
    arms = tuple(replace(arm, settings=(*arm.settings, half)) for arm in request.arms)
    return analyse(replace(request, arms=arms))


def test_means_and_spreads(simulated: PsaResults) -> None:
    """Means within five standard errors of matrix algebra with 200,000 draws, variances within five of theirs.

    Catches an error of 7% in a cost, of 6% in the difference of costs and of 4% in that of life-years.
    """
    exact = by_matrices(200_000)
    for arm, number, is_difference in ((0, 0, False), (1, 1, False), (1, 1, True)):
        values = exact[:, number] - exact[:, 0] if is_difference else exact[:, number]
        for k, column in zip(simulated.psa.model.cost_and_qaly, values.T, strict=True):
            found, _ = simulated.components(arm, k, difference=is_difference)
            assert 5.0 * found.standard_error < 0.07 * column.mean()
            assert abs(found.mean - column.mean()) < 5.0 * found.standard_error
            variance = found.parameter
            assert abs(variance.variance - column.var()) < 5.0 * (variance.high - variance.low) / 3.92


def test_published_figures(simulated: PsaResults) -> None:
    """Within three standard errors of the difference of two analyses, each of 1,000 draws, and the rounding.

    The error of a published mean is the standard deviation over draws / sqrt(1,000), about that of ours.
    """
    cost, qaly = simulated.psa.model.cost_and_qaly

    def check(arm: int, printed: dict[str, tuple[float, float]], *, difference: bool) -> None:
        for k, name in ((cost, "cost"), (qaly, "qaly")):
            found, _ = simulated.components(arm, k, difference=difference)
            error = sqrt(found.standard_error**2 + found.parameter.variance / PUBLISHED_DRAWS)
            value, rounding = printed[name]
            assert abs(found.mean - value) < 3.0 * error + rounding

    check(1, PRINTED, difference=True)
    for arm, name in enumerate(("monotherapy", "combination")):
        check(arm, BRIGGS[name], difference=False)
    changes = simulated.psa.estimates[:, 1] - simulated.psa.estimates[:, 0]
    ratio = changes[:, cost].mean() / changes[:, qaly].mean()
    rest = (changes[:, cost] - ratio * changes[:, qaly]) / changes[:, qaly].mean()
    assert abs(ratio - HESIM_ICER) < 3.0 * sqrt(2.0) * rest.std() / sqrt(PUBLISHED_DRAWS)
