"""Every parameter of a shipped scenario is a number of the second extraction of the source it names.

Or follows from such numbers by an arithmetic that stands here and is carried out, or is declared to
be assumed or chosen. The second extraction was made without sight of the scenarios.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
import yaml
from scipy.optimize import brentq

from sim import units
from sim.scenario import load
from sim.scenario.language.model import Parameter
from tests.published.extraction import Printed, number, printed, read_printed

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHIPPED = sorted(
    path for path in SCENARIOS.glob("*.yaml") if "format" in yaml.safe_load(path.read_text("utf-8"))
)


GRADE_3_OR_4 = number("X-39", "crs_3_or_more") - number("X-39", "death")
GRADE_1_OR_2 = number("D-9", "any") - number("X-39", "crs_3_or_more")

BOTH_SITES = number("X-24", "cns_at_infusion.both") * number("X-23", "hazard")
ICANS_1_OR_2 = (9 + 4) / (43 + 28) - 3 / (43 + 28 + 13)


WITH_TRANSPLANT = number("PRIOR-1", "after_transplant") / (
    number("PRIOR-1", "after_transplant") + number("PRIOR-1", "after_chemotherapy")
)


def of_academic(row: str, grade: int, *grades: int) -> float:
    """What a grade has of several in a vector of the academic product."""
    return number(row, f"academic.{grade}") / sum(number(row, f"academic.{g}") for g in (grade, *grades))


OWN_DEATHS = 0.015 * 0.5 + number("S-14", "vod.chemotherapy") * 0.3
"""Graft failure and sinusoidal obstruction have deaths of their own, taken off those of other causes."""


def of_registry(grade: int, *others: int, total: float, product: str = "commercial_41bb") -> float:
    """What a grade has of a registry's total over several, shared as in the vector of the product."""
    each = [number("X-28", f"{product}.{g}") for g in (grade, *others)]
    return total * each[0] / sum(each)


def both_donors(unrelated: float, relatives: float, *, found: float) -> float:
    """Of those without a sibling who have both donors, the share with whom the unrelated goes first.

    Relatives are found for 95%; who has neither is neglected.
    """
    return (unrelated / (unrelated + relatives) - 0.05 * found) / (0.95 * found)


def below_half_blasts(overall: float) -> float:
    """The remission below 50% blasts where 31% of marrows have more, and half the odds."""

    def all_in_all(p: float) -> float:
        return 0.69 * p + 0.31 * p / (2 - p) - overall

    return float(brentq(all_in_all, 0.5, 0.999))


def hazard_ratio(worse: float, better: float) -> float:
    """Of two survivals at one time."""
    return math.log(worse) / math.log(better)


def odds(p: float) -> float:
    return p / (1 - p)


def variation_by_selection(first: float, second: float) -> float:
    """Standard deviation of the logit of a chance of mean `first` that is `second` in those who fail once."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def chances(sd: float) -> np.ndarray:
        centre = brentq(lambda a: weights @ (1 / (1 + np.exp(-(a + sd * nodes)))) - first, -9, 9)
        return 1 / (1 + np.exp(-(centre + sd * nodes)))

    def after_failure(sd: float) -> float:
        p = chances(sd)
        return float(weights @ (p * (1 - p)) / (weights @ (1 - p)))

    return float(brentq(lambda sd: after_failure(sd) - second, 0.1, 4))


def ratio_of_others(course: float, *, loses: bool) -> float:
    """The ratio of hazards of the others, so that the relapse-free share of all is `course` (MIX-1).

    loses: whether some of those without MRD lose B-cell aplasia early.
    """
    with_mrd = number("MIX-1", "mrd_positive")
    early = number("MIX-1", "loses_aplasia") if loses else 0.0

    def excess(ratio: float) -> float:
        others = (1 - early) * course**ratio + early * course ** number("MIX-1", "ratio_of_loss")
        return with_mrd * course ** number("MIX-1", "mrd_ratio") + (1 - with_mrd) * others - course

    return float(brentq(excess, 0.1, 3))


def without_mrd(overall: float, *, ratio: float, share: float) -> float:
    """Survival of those without MRD where a share with it has `ratio` times the hazard."""
    return float(brentq(lambda c: (1 - share) * c + share * c**ratio - overall, 0.01, 1))


def cure_and_rate() -> tuple[float, float]:
    """The mixture cure through relapse after transplant (H-12) of those without MRD."""
    one, two = (
        without_mrd(1 - number("H-12", f"{name}.share"), ratio=5.6, share=1 - number("X-20", "share"))
        for name in ("year_1", "year_2")
    )
    cured = (two - one**2) / (1 + two - 2 * one)
    return cured, -math.log((one - cured) / (1 - cured))


def mixture(cured: float, rate: float, years: float) -> float:
    """Relapse-free after so long."""
    return cured + (1 - cured) * math.exp(-rate * years)


def of_high_burden() -> tuple[float, float]:
    """The mixture cure through the points of R-20 to this power: half have 0.62 of the hazard."""
    power = 1 / (1 - number("P-9", "low_burden") * (1 - 0.62))
    one, two = (number("R-20", f"month_{year}") ** power for year in (12, 24))
    cured = (two - one**2) / (1 + two - 2 * one)
    return cured, -math.log((one - cured) / (1 - cured))


BEYOND_36_MONTHS = 1 - NormalDist().cdf(
    math.log((36 - number("X-1", "start_after_diagnosis")) / number("X-1", "median"))
    / number("X-1", "sigma_exact")
)
COG_EARLY = (
    number("COG-1", "intermediate") * (1 - number("COG-1", "share_late"))
    + number("COG-1", "late") * number("COG-1", "share_late")
    - number("COG-1", "all")
) / (number("COG-1", "intermediate") - number("COG-1", "early"))


def severe_of_high_burden(overall: float, ratio: float) -> float:
    """Grade 3 and more where half the patients have this ratio of the odds."""

    def all_in_all(p: float) -> float:
        return 0.5 * p + 0.5 * ratio * p / (1 - p + ratio * p) - overall

    return float(brentq(all_in_all, 0.01, 0.99))


SEVERE = severe_of_high_burden(0.19, 0.3)


def population_utility(age: float, sex: str) -> float:
    """The regression of U-6."""
    row = {name: number("U-6", name) for name in ("intercept", "male", "age", "age_squared")}
    found = row["intercept"] + row["male"] * (sex == "male")
    return found + row["age"] * age + row["age_squared"] * age * age


DERIVED: dict[tuple[str, ...], Callable[[], float]] = {
    ("max_lines", ""): lambda: number("PATH-S1", "lines"),
    ("it_interval", ""): lambda: 7 / number("C-4", "doses_per_week"),
    ("it_weekly_interval", ""): lambda: 7.0,
    ("it_course", ""): lambda: number("skeleton", "doses_before_car_t"),
    ("uncontrolled_second_salvage", ""): lambda: (
        -number("S-6", "survival_median")
        * math.log(2)
        / math.log((0.5 - number("S-6", "share")) / (1 - number("S-6", "share")))
    ),
    ("cured_same_again", ""): lambda: 0.0,  # exponential in X-37
    ("hr_usual_remission", ""): lambda: ratio_of_others(number("MIX-1", "child"), loses=True),
    ("hr_usual_short_lived", ""): lambda: ratio_of_others(number("MIX-1", "adult"), loses=False),
    ("hr_death_early", ""): lambda: hazard_ratio(
        number("PRIOR-3", "overall.within_six_months"), number("PRIOR-3", "overall.later")
    ),
    ("hr_death_after_car_t", "", "1"): lambda: 1.0,
    ("it_free", ""): lambda: number("CNS-1", "before_lymphodepletion.0") + number("L-12", "median"),
    ("crs_donor", "0"): lambda: 1 - number("D-9", "any"),
    ("crs_donor", "1"): lambda: GRADE_1_OR_2 * of_academic("X-27", 1, 2),
    ("crs_donor", "2"): lambda: GRADE_1_OR_2 * of_academic("X-27", 2, 1),
    ("crs_donor", "3"): lambda: GRADE_3_OR_4 * of_academic("X-27", 3, 4),
    ("crs_donor", "4"): lambda: GRADE_3_OR_4 * of_academic("X-27", 4, 3),
    ("icans_donor", "0"): lambda: 1 - (9 + 4) / (43 + 28),
    ("icans_donor", "1"): lambda: ICANS_1_OR_2 * of_academic("X-28", 1, 2),
    ("icans_donor", "2"): lambda: ICANS_1_OR_2 * of_academic("X-28", 2, 1),
    ("icans_donor", "3"): lambda: 3 / 84 * of_academic("X-28", 3, 4),
    ("icans_donor", "4"): lambda: 1 - 0.817 - 0.092 - 0.055 - 0.027,
    **{
        ("icans_cns_brexu_cel", str(grade), text): lambda grade=grade, other=other: of_registry(
            grade, other, total=0.645 - 0.355, product="brexucabtagene"
        )
        for grade, other, text in ((1, 2, "0.16"), (2, 1, "0.13"))
    },
    **{
        ("icans_cns_brexu_cel", str(grade), text): lambda grade=grade, other=other: of_registry(
            grade, other, total=0.355 - 0.005, product="brexucabtagene"
        )
        for grade, other, text in ((3, 4, "0.246"), (4, 3, "0.104"))
    },
    ("icans_cns_brexu_cel", "0", "0.355"): lambda: 1 - number("T-13", "icans_any.cns"),
    ("icans_cns_brexu_cel", "5", "0.005"): lambda: number("X-28", "brexucabtagene.5"),
    ("icans_tisa_cel", "1", "0.019"): lambda: of_registry(1, 2, total=13 / 395),
    ("icans_tisa_cel", "2", "0.014"): lambda: of_registry(2, 1, total=13 / 395),
    ("icans_tisa_cel", "3", "0.057"): lambda: of_registry(3, 4, total=1 - 0.884 - 0.019 - 0.014 - 0.005),
    ("icans_tisa_cel", "4", "0.021"): lambda: of_registry(4, 3, total=1 - 0.884 - 0.019 - 0.014 - 0.005),
    ("icans_tisa_cel", "5", "0.005"): lambda: number("X-28", "commercial_41bb.5"),
    ("p_tocilizumab_crs2", ""): lambda: (
        (
            number("T-4", "tocilizumab.share")
            - number("X-27", "commercial_41bb.1") * number("X-32", "tocilizumab.crs_1")
            - 0.19 * number("X-32", "tocilizumab.crs_3_or_more")
        )
        / number("X-27", "commercial_41bb.2")
    ),
    **{(f"cured_{product}", ""): lambda: of_high_burden()[0] for product in ("tisa_cel", "academic_child")},
    **{(f"relapse_{product}", ""): lambda: of_high_burden()[1] for product in ("tisa_cel", "academic_child")},
    **{
        ("crs_tisa_cel", str(grade)): lambda grade=grade, share=share: (
            share * (SEVERE if grade >= 3 else 1 - SEVERE) / (0.19 if grade >= 3 else 0.81)
        )
        for grade, share in enumerate((0.40, 0.27, 0.14, 0.12, 0.06, 0.01))
    },
    **{
        (f"reference_{product}", ""): lambda product=product: (
            1
            / (1 + 0.3 * number("P-10", f"{product}.blinatumomab"))
            / (1 + 0.3 * number("P-10", f"{product}.inotuzumab"))
            / (1 + (2.9 - 1) * 0.45 * number("P-10", f"{product}.transplant"))
        )
        for product in ("academic_adult", "tisa_cel", "brexu_cel", "obe_cel")
    },
    ("cr_tisa_cel", ""): lambda: below_half_blasts(number("R-12", "share")),
    ("cr_brexu_cel", ""): lambda: below_half_blasts(number("R-2", "n") / number("R-2", "of")),
    ("cr_obe_cel", ""): lambda: below_half_blasts(number("R-3", "n") / number("R-3", "of")),
    ("or_blinatumomab_failed", ""): lambda: odds(20 / 31) / odds(number("R-12", "share")),
    ("hr_mrd_car_t", ""): lambda: hazard_ratio(number("P-11", "positive"), number("P-11", "negative")),
    ("hr_low_burden", ""): lambda: number("P-1", "survival_above") / number("P-1", "survival_below"),
    ("relapse_cd19_22", ""): lambda: (
        -math.log((number("P-4", "event_free") / number("P-4", "remission") - 0.55) / (1 - 0.55))
    ),
    ("relapse_obe_cel", ""): lambda: (
        -math.log((number("P-8", "event_free") / number("R-3", "share") - 0.35) / (1 - 0.35)) / 2
    ),
    ("relapse_same_again", ""): lambda: 12 * math.log(2) / number("X-37", "reinfusion_median"),
    # of those in remission 100 days after day 28, by the mixture cure of the product
    ("transplant_cd22", ""): lambda: (
        math.log(number("P-6", "leukaemia_free") / (1 - 0.06))
        / math.log(mixture(0.10, 1.62, 1.25) / mixture(0.10, 1.62, 0.25))
    ),
    ("share_both_cns", ""): lambda: BOTH_SITES / number("X-23", "bm"),
    ("csf_relapse_cns", ""): lambda: number("X-23", "cns") - BOTH_SITES,
    **{
        ("site_clear", site): lambda site=site: number("X-24", f"cns_free.{site}")
        for site in ("bm", "cns", "both")
    },
    ("grades_donor_car_t", "2"): lambda: 1 - 1 / 5,
    ("grades_agvhd", "2"): lambda: 1 - number("X-43", "acute_iii_iv") / number("X-43", "acute_ii_iv.share"),
    ("grades_agvhd", "4"): lambda: 1 - 0.672 - 0.25,
    ("age_cap", ""): lambda: number("RULE-3", "age_cap.0"),
    ("second_hsct_after", ""): lambda: number("RULE-3", "between_transplants.1") * 365.25 / 12,
    ("first_site_child_aya", "bm"): lambda: number("S-17", "sites.bm") / number("S-17", "sites.of"),
    ("first_site_child_aya", "cns"): lambda: number("S-17", "sites.cns") / number("S-17", "sites.of"),
    ("first_site_child_aya", "both"): lambda: number("S-17", "sites.both") / number("S-17", "sites.of"),
    ("panel_shortest", "", "7 days"): lambda: number("X-14", "panel.0"),
    **{
        ("phenotype_child_aya", kind): lambda name=name: (
            number("R-23", f"{name}.share") / (0.50 + 0.41 + 0.072)
        )
        for kind, name in (
            ("positive", "cd19_positive"),
            ("negative", "cd19_negative"),
            ("lineage_switch",) * 2,
        )
    },
    ("p_intent_preferred", "", "1"): lambda: number("RULE-7", "transplant_intent"),
    ("p_graft_failure", ""): lambda: (
        (number("PATH-S9", "graft_failure.0") + number("PATH-S9", "graft_failure.1")) / 2
    ),
    ("nrm_100_days", "", "0.031"): lambda: number("X-42", "academic.day_100") - OWN_DEATHS,
    ("nrm_1_year", "", "0.051"): lambda: number("X-42", "academic.at_1_year") - OWN_DEATHS,
    ("nrm_2_years", "", "0.066"): lambda: number("X-42", "academic.at_2_years") - OWN_DEATHS,
    ("nrm_100_days", "", "0.036"): lambda: number("X-42", "commercial.day_100") - OWN_DEATHS,
    ("nrm_1_year", "", "0.096"): lambda: number("X-42", "commercial.at_1_year") - OWN_DEATHS,
    # 13.6% by two years
    ("nrm_2_years", "", "0.122"): lambda: (
        round(1 - 0.89 * math.exp(-number("X-42", "commercial.to_2_years")), 3) - round(OWN_DEATHS, 3)
    ),
    ("hr_nrm_child_aya", "", "0.52"): lambda: (
        math.log(1 - number("X-42", "academic.at_1_year") + OWN_DEATHS)
        / math.log(1 - number("X-42", "commercial.at_1_year") + OWN_DEATHS)
    ),
    ("share_unrelated", "", "0.29"): lambda: both_donors(
        number("H-3", "unrelated.n"),
        number("H-3", "haploidentical.n"),
        found=number("skeleton", "unrelated_donor"),
    ),
    ("share_unrelated", "", "0.97"): lambda: both_donors(
        number("H-4", "unrelated.n") + number("H-4", "mismatched_unrelated.n"),
        number("H-4", "haploidentical.n"),
        found=number("H-7", "found.share"),
    ),
    ("p_tp53_adult", ""): lambda: (number("TP53-1", "range.0") + number("TP53-1", "range.1")) / 2,
    ("mean_tp53", ""): lambda: (0.17 + number("TP53-3", "share")) / 2,
    ("or_tp53", ""): lambda: math.sqrt(
        odds(number("TP53-2", "remission.altered")) / odds(number("TP53-2", "remission.wild"))
    ),
    ("hr_tp53", ""): lambda: hazard_ratio(
        *(
            number("TP53-2", f"event_free.{one}") / number("TP53-2", f"remission.{one}")
            for one in ("altered", "wild")
        )
    ),
    ("first_remission_adult", "0"): lambda: number("N-15", "share"),
    ("first_remission_adult", "1"): lambda: 1 - number("N-15", "share") - BEYOND_36_MONTHS,
    ("first_remission_adult", "2"): lambda: BEYOND_36_MONTHS,
    ("first_remission_child_aya", "0"): lambda: COG_EARLY,
    ("first_remission_child_aya", "1"): lambda: 1 - number("COG-1", "share_late") - COG_EARLY,
    ("first_remission_child_aya", "2"): lambda: number("COG-1", "share_late"),
    ("mean_first_remission_adult", ""): lambda: 0.223 + 2 * 0.035,
    ("mean_first_remission_child", ""): lambda: 0.27 / (0.23 + 0.27),
    ("prior_transplant_adult", "none"): lambda: 1 - WITH_TRANSPLANT,
    ("prior_transplant_adult", "early"): lambda: 0.45 * WITH_TRANSPLANT,
    ("prior_transplant_adult", "later"): lambda: 0.55 * WITH_TRANSPLANT,
    ("hr_prior_transplant", ""): lambda: hazard_ratio(
        number("PRIOR-3", "within_six_months"), number("PRIOR-3", "later")
    ),
    ("or_frailty", ""): lambda: math.exp(
        -variation_by_selection(number("FRAIL-1", "first"), number("FRAIL-1", "second")) / 2
    ),
    ("hr_cns_without_mrd", ""): lambda: hazard_ratio(
        1 - number("N-16", "next_relapse_mrd_low"), 1 - number("N-16", "next_relapse_mrd_high")
    ),
    ("hr_mrd_hsct", ""): lambda: hazard_ratio(1 - number("MRD-1", "with"), 1 - number("MRD-1", "without")),
    ("hr_cns_hsct", ""): lambda: hazard_ratio(1 - number("HSCT-9", "with"), 1 - number("HSCT-9", "without")),
    ("cured_hsct", ""): lambda: cure_and_rate()[0],
    ("relapse_rate_hsct", ""): lambda: cure_and_rate()[1],
    # without what the mortality of the population, five times, takes of it: about 0.005 a year
    ("nrm_late", ""): lambda: (
        -math.log(number("HSCT-6", "leukaemia_free"))
        / 8
        * number("HSCT-6", "non_relapse_mortality")
        / (1 - number("HSCT-6", "leukaemia_free"))
        - 0.005
    ),
    ("p_intent_second", ""): lambda: 1 - number("D-11", "n") / number("D-4", "n"),
    ("work_up", ""): lambda: (
        number("X-40", "median_in_all")
        - number("RULE-5", "after.0")
        - (number("PATH-S9", "conditioning.0") + number("PATH-S9", "conditioning.1")) / 2
    ),
    ("nrm_level", ""): lambda: 1.0,
    ("site_hsct", "bm"): lambda: 1 - number("X-46", "share"),
    ("smr_hsct", ""): lambda: number("survivors-mortality", "transplanted"),
    ("smr_late", ""): lambda: number("survivors-mortality", "later"),
    ("smr_extra_hsct", ""): lambda: (
        number("survivors-mortality", "transplanted") / number("survivors-mortality", "later")
    ),
    ("smr_extra_car_t", ""): lambda: (
        number("survivors-mortality", "car_t_only") / number("survivors-mortality", "later")
    ),
    ("u_remission_gvhd", ""): lambda: number("U-1", "remission.value") + number("U-5", "acute_iii_iv"),
    **{
        (f"population_{sex}", str(age)): lambda age=age, sex=sex: population_utility(age + 2.5, sex)
        for sex in ("male", "female")
        for age in range(20, 95, 5)
    },
    ("u_remission_cgvhd", ""): lambda: (
        number("U-1", "remission.value")
        + (number("U-5", "chronic_extensive.0") + number("U-5", "chronic_extensive.1")) / 4
    ),
    **{
        ("cost_icu_day", "", text): lambda unit=unit: (
            (number("K-10", f"{unit}.0") + number("K-10", f"{unit}.1")) / 2
        )
        for text, unit in (("1800", "gbp"), ("5000", "usd"))
    },
    ("cost_inotuzumab", "", "28168"): lambda: (
        number("K-8", "gbp_vial") * (number("K-8", "vials.0") + number("K-8", "vials.1")) / 2
    ),
    ("cost_year_after_transplant", "", "26226"): lambda: (
        number("K-6", "usd_year") - number("K-6", "usd_100_days")
    ),
}
"""(parameter, key of its value or ""): what it is computed from; the value is this, rounded to its digits."""

ASSUMED: dict[tuple[str, ...], str] = {
    ("p_unrelated", "", "0.5"): "between 0.29 and 0.78 by ancestry",
    ("max_lines_after", ""): "one line more",
    ("grades_agvhd", "3"): "the split of grades 3 and 4",
    ("grades_donor_car_t", "3"): "the split of grades 3 and 4",
    ("grades_donor_car_t", "4"): "the split of grades 3 and 4",
    ("or_cd19_dim", ""): "half the odds",
    ("or_switch_kmt2a", ""): "the direction is published",
    ("p_intent_preferred", "", "0.5"): "half of those preferred",
    ("graft_failure_day", ""): "by day 28",
    ("p_graft_failure_dies", ""): "half",
    ("max_hsct", "", "1"): "usually no second transplant",
    ("long_remission", ""): "half a year",
    ("hr_hsct_second", ""): "four times",
    ("p_mrd_neg_chemo_child", ""): "better than after one block",
}
"""(parameter, key of its value or "", its text if it differs by scenario): an assumption beyond its source."""

CALIBRATED: dict[tuple[str, ...], str] = {
    ("transplant_academic", ""): "the simulated relapse after CAR-T and transplant is that of H-12",
    ("p_intent", "", "0.86"): "the simulated share transplanted is that of H-1, China",
    ("p_intent", "", "0.15"): "the simulated share transplanted is that of H-1, elsewhere",
    **{
        (name, ""): "calibrated jointly to published courses, within the bounds of its source"
        for name in (
            "palliative_survival",
            "uncontrolled_before_child",
            "uncontrolled_after_adult",
            "uncontrolled_after_child_aya",
            "cured_intermediate",
            "p_clear_it",
            "csf_spread",
            "p_panel",
            "p_own_cells",
            "p_retry_own",
            "p_stopped",
            "lymphodepletion_death",
            "or_high_burden",
            "late_relapse_factor",
            "cured_donor",
            "relapse_brexu_cel",
            "hr_death_after_car_t",
            "hr_nrm_child_aya",
        )
    },
    ("drop_out_active_adult", "", "0.004547 per day"): "calibrated jointly to published courses",
    ("cr_cd19_22", ""): "the simulated remission of the trial is that of P-4",
    ("p_access_chemotherapy", ""): "the simulated share transplanted of second remissions is that of GRAALL",
    ("p_access_blinatumomab", ""): "the simulated share transplanted is that of TOWER",
    ("p_access_inotuzumab", ""): "the simulated share transplanted is that of INO-VATE",
    ("or_first_remission_adult", ""): "simulated survival by duration is nearer to UKALL12",
    ("hr_first_remission_adult", ""): "simulated survival by duration is nearer to UKALL12",
    ("or_first_remission_child", ""): "simulated survival by duration is that of COG",
    ("hr_first_remission_child", ""): "simulated survival by duration is that of COG",
    ("cured_late", ""): "simulated survival of late relapse is that of COG",
    ("or_cns_adult", ""): "simulated remission of CNS relapse is that of C-2",
    ("hr_cns_adult", ""): "simulated survival of CNS relapse is near that of C-2",
    ("frailty_of_infused", ""): "the simulated mean of those infused",
    ("or_mixture", ""): "simulated remission after CAR-T is the published one",
    ("p_unfit_early_adult", ""): "with the other, a fifth of all are unfit (8 of 38)",
    ("p_unfit_late_adult", ""): "with the other, a fifth of all are unfit (8 of 38)",
    ("hr_hsct_chemotherapy", ""): "simulated disease-free survival of second remissions is that of HSCT-1",
    ("hr_hsct_blinatumomab", ""): "simulated survival after transplant is that of HSCT-2",
    ("hr_hsct_inotuzumab", ""): "simulated survival after transplant is that of HSCT-3",
    ("hr_hsct_chemotherapy_child", ""): "simulated survival after transplant is that of HSCT-8",
    ("hr_nrm_salvage_adult", "", "3.5"): "simulated non-relapse mortality is that of HSCT-7",
    ("hr_nrm_salvage_adult", "", "1.8"): "simulated non-relapse mortality is that of HSCT-7",
    ("hr_nrm_salvage_child", ""): "simulated survival after transplant is that of HSCT-8",
    ("referrals", ""): "the simulated infusions of a year are those of the middle scenario of Q-4",
    ("cost_delivery", ""): "with simulated apheresis, intensive care and tocilizumab, the tariff of K-4",
    ("cost_delivery_adult", ""): "with simulated intensive care and tocilizumab, the stay of K-5",
    ("cost_delivery_child_aya", ""): "with simulated intensive care and tocilizumab, the stay of K-5",
    ("slot_wait", ""): "the simulated time to infusion is that of L-3",
    ("slot_wait_sigma", ""): "the simulated time to infusion is that of L-3",
}
"""The same: found by simulation, so that what its source counts comes out."""

CHOSEN: dict[tuple[str, ...], Callable[[], float]] = {
    ("cr_academic_adult", ""): lambda: below_half_blasts(number("R-11", "share")),
    ("cr_academic_child", ""): lambda: below_half_blasts(number("R-12", "share")),
    # the quartiles of X-40 less 8.5 days of conditioning, from day 28
    ("work_up_sigma", ""): lambda: (
        math.log((39 * math.exp(0.6745 * 0.7) - 8.5) / (39 * math.exp(-0.6745 * 0.7) - 8.5)) / 1.349
    ),
    ("site_hsct", "cns"): lambda: number("X-46", "share") * number("N-18", "isolated") / number("N-18", "n"),
    ("site_hsct", "both"): lambda: number("X-46", "share") * number("N-18", "combined") / number("N-18", "n"),
}
"""The same: what the source gives; the value is near it, and not that number."""

NO_EVIDENCE = ("A-", "CASE", "STRATEGY")
"""How the sources begin that are assumptions, the published case retold or the question itself."""

NO_VALUES = {"wilson", "interval", "n", "of", "p"}
"""Bounds, counts and significances: no parameter is one of these."""


TABLES = (DERIVED, ASSUMED, CALIBRATED, CHOSEN)


def values(parameter: Parameter) -> Iterator[tuple[str, float, str, str]]:
    """The numbers of a parameter: key ("" for a bare one), number in days or per day, dimension, text."""
    found = yaml.safe_load(parameter.text)
    items = (
        found.items()
        if isinstance(found, dict)
        else enumerate(found)
        if isinstance(found, list)
        else [("", found)]
    )
    for key, value in items:
        kind = units.kind(value)
        if kind == "time":
            yield str(key), units.days(value), "time", str(value)
        elif kind == "rate":
            yield str(key), units.per_day(value), "rate", str(value)
        elif kind == "number":
            yield str(key), float(value), "number", str(value)
        else:  # a category, as the name of a drug
            assert parameter.status in ("assumed", "chosen", "") or value == "rest", (
                f"{parameter.name}: {value}"
            )


def candidates(source: str, key: str) -> list[Printed]:
    """What is printed under an id; where names end as the key of the value does, these alone."""
    found = {name: one for name, one in printed()[source].items() if not NO_VALUES & set(name.split("."))}
    same = [one for name, one in found.items() if key and name.split(".")[-1] == key]
    return same or list(found.values())


def is_printed(value: float, dimension: str, one: Printed) -> bool:
    """Equal, or rounds to it; what is printed to fewer than two digits must be equal."""
    if one.dimension() != dimension:
        return False
    apart = abs(value / one.scale() - one.number)
    return apart <= 1e-9 * abs(one.number) or (
        one.half < 0.051 * abs(one.number) and one.agrees(value / one.scale())
    )


@cache
def parameters(path: Path) -> tuple[Parameter, ...]:
    return load(path).parameters


def fault(parameter: Parameter, key: str, value: float, dimension: str, text: str) -> str:
    """How a value differs from that of its source, "" if it does not."""
    short = (parameter.name, key)
    name = (*short, text) if any((*short, text) in one for one in TABLES) else short
    if parameter.source.startswith(NO_EVIDENCE) or name in ASSUMED:
        has_status = parameter.status in ("assumed", "recalled", "calibrated", "chosen") or key
        return "" if has_status else f"{text} rests on no evidence, and its status does not say so"
    if name in DERIVED:
        computed = DERIVED[name]()
        return "" if read_printed(text).agrees(computed) else f"{text} is not {computed}"
    if name in CHOSEN:
        computed = CHOSEN[name]()
        is_near = float(text.split()[0]) == pytest.approx(computed, rel=0.1)
        is_chosen = is_near and not read_printed(text).agrees(computed)
        return "" if is_chosen else f"{text} is not chosen near {computed}"
    if name in CALIBRATED or any(
        is_printed(value, dimension, one) for one in candidates(parameter.source, key)
    ):
        return ""
    return (
        f"{text} is no number of {parameter.source} in second_extraction; give it its arithmetic in DERIVED"
    )


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_values_are_those_of_their_sources(path: Path) -> None:
    found = [
        f"{parameter.name}.{key}: {wrong}"
        for parameter in parameters(path)
        for key, *rest in values(parameter)
        if (wrong := fault(parameter, key, *rest))
    ]
    assert found == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_source_was_extracted(path: Path) -> None:
    sources = {one.source for one in parameters(path)}
    assert {one for one in sources if not one.startswith(NO_EVIDENCE)} <= set(printed())


def test_tables_name_parameters_there_are() -> None:
    there: set[tuple[str, ...]] = set()
    for path in SHIPPED:
        for one in parameters(path):
            for key, _, _, text in values(one):
                there |= {(one.name, key), (one.name, key, text)}
    assert set().union(*TABLES) <= there
