"""The hard rules of treatment hold for every simulated patient of the clinical scenarios.

They are read from the event log row by row, without the code that evaluates `never`. The rules are
those of practice with CD19 CAR-T and transplant: what no centre would do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.published.patients import YEAR, Patient, cohort

# ---------------------------------------------------------------- what no pathway may contain

Rule = Callable[[Patient], Iterator[str]]

ACADEMIC, COMMERCIAL = "cn_academic.yaml", "uk_us_commercial.yaml"
CNS_RELAPSE, BLINATUMOMAB = "populations/cns_combined.yaml", "strategies/commercial/blinatumomab.yaml"


def no_cd19_product_after_cd19_is_lost(patient: Patient) -> Iterator[str]:
    lost = False
    for step in patient.steps:
        lost = lost or step.after["cd19"] in ("negative", "lineage_switch")
        if step.enters == "infusion" and lost and step.after["product"] != "cd22":
            yield "infusion without CD19"


def one_cd22_product_and_only_where_cd19_alone_is_lost(patient: Patient) -> Iterator[str]:
    given = [step.after for step in patient.entering("infusion") if step.after["product"] == "cd22"]
    if len(given) > 1:
        yield f"{len(given)} products against CD22"
    for now in given:
        if now["cd19"] != "negative":
            yield f"a product against CD22 with CD19 {now['cd19']}"


def transplant_only_in_remission_of_both_compartments(patient: Patient) -> Iterator[str]:
    for step in patient.entering("conditioning", "transplant"):
        for moment in (step.before, step.after):
            if moment["marrow"] == "active" or moment["csf"] != "cns1":
                yield f"{step.enters} with marrow {moment['marrow']}, CSF {moment['csf']}"


def transplant_needs_a_donor_and_a_fit_patient(patient: Patient) -> Iterator[str]:
    for step in patient.entering("conditioning"):
        now = step.after
        exists = {
            "sibling": now["matched_sibling"] == "true",
            "unrelated": now["unrelated_donor"] == "true",
            "haplo": now["haplo_donor"] == "true",
            "none": False,
        }
        if not exists[now["donor"]]:
            yield f"conditioning with donor {now['donor']}"
        if now["ecog"] > 2:
            yield "conditioning at ECOG above 2"
        if now["age"] + step.time / YEAR > 65:
            yield "conditioning above 65 years"
        if now["crs_now"] == "true" or now["icans_now"] == "true":
            yield "conditioning during CRS or ICANS"


def second_transplant_a_year_after_the_first(patient: Patient) -> Iterator[str]:
    days = [step.time for step in patient.entering("transplant")]
    starts = [step.time for step in patient.entering("conditioning")]
    if len(days) > 2:
        yield f"{len(days)} transplants"
    for first in days:
        if any(first < start < first + 365 for start in starts):
            yield "conditioning within a year of a transplant"


def conditioning_not_before_day_28(patient: Patient) -> Iterator[str]:
    infused = -np.inf
    for step in patient.entering("infusion", "conditioning", "transplant"):
        infused = step.time if step.enters == "infusion" else infused
        if step.enters == "conditioning" and step.time - infused < 28:
            yield f"conditioning {step.time - infused:.1f} days after infusion"
        if step.enters == "transplant" and step.time - infused < 35:
            yield f"transplant {step.time - infused:.1f} days after infusion"


def own_cells_only_where_they_can_be_used(patient: Patient) -> Iterator[str]:
    failed = 0
    for step in patient.entering("eligibility", "product_failed", "apheresis"):
        failed = {"eligibility": 0, "product_failed": failed + 1}.get(step.enters, failed)
        if step.enters == "apheresis" and failed >= 2:
            yield "apheresis after two failed products"
        if step.enters == "apheresis" and step.before["own_cells"] == "false":
            yield "apheresis although own cells cannot be used"


def donor_product_from_a_relative_or_the_transplant_donor(patient: Patient) -> Iterator[str]:
    transplants, given_by = 0, ""
    for step in patient.entering("transplant", "infusion"):
        now = step.after
        if step.enters == "transplant":
            if transplants == 0 and given_by and now["donor"] != given_by:
                yield f"CAR-T from the {given_by} donor, graft from the {now['donor']} donor"
            transplants += 1
        elif now["car_t_source"] == "donor":
            given_by = now["donor"]
            relative = {"sibling": "matched_sibling", "haplo": "haplo_donor"}.get(given_by)
            is_before = transplants == 0 and now["prior_transplant"] == "none"
            if is_before and (relative is None or now[relative] != "true"):
                yield f"a donor product before transplant from {given_by}"
            if given_by == "none" or now["agvhd"] >= 2:
                yield f"a donor product from {given_by} in GVHD of grade {now['agvhd']}"


def donor_remission_before_transplant_is_a_bridge(patient: Patient) -> Iterator[str]:
    for step in patient.entering("enter_remission"):
        now = step.after
        is_bridge = now["car_t_source"] == "donor" and now["hscts"] == 0
        if is_bridge and now["hsct_intent"] != "true":
            yield "a donor-derived remission without intent to transplant"


def no_second_product_without_a_response_to_the_first(patient: Patient) -> Iterator[str]:
    infusions = list(patient.entering("infusion"))
    if len(infusions) > 2:
        yield f"{len(infusions)} products"
    responses = [step.after["car_t_response"] for step in patient.entering("day_28")]
    for infusion, response in zip(infusions[1:], responses, strict=False):
        if response != "cr" and infusion.after["product"] != "cd22":
            yield f"a second product after response {response}"


def no_infusion_of_the_unfit(patient: Patient) -> Iterator[str]:
    for step in patient.entering("infusion"):
        if step.after["ecog"] > 2:
            yield "infusion at ECOG above 2"


def grade_5_is_death_of_treatment_before_day_28(patient: Patient) -> Iterator[str]:
    for step in patient.entering("infusion"):
        if 5 not in (step.after["crs_grade"], step.after["icans_grade"]):
            continue
        last = patient.steps[-1]
        if last.enters not in ("died_of_treatment", "died_of_other_cause") or last.time >= step.time + 28:
            yield f"grade 5, then {last.enters or last.event} after {last.time - step.time:.1f} days"


def assessed_on_day_28(patient: Patient) -> Iterator[str]:
    infused = -np.inf
    for step in patient.entering("infusion", "day_28"):
        if step.enters == "day_28" and step.time != infused + 28:
            yield f"assessed {step.time - infused} days after infusion"
        infused = step.time


def remission_counts_in_both_compartments(patient: Patient) -> Iterator[str]:
    for step in patient.entering("enter_remission", "chemo_remission", "after_transplant", "long_term"):
        if step.after["marrow"] == "active" or step.after["csf"] != "cns1":
            yield f"{step.enters} with marrow {step.after['marrow']}, CSF {step.after['csf']}"


def no_intrathecal_dose_around_infusion(patient: Patient) -> Iterator[str]:
    doses = [s.time for s in patient.steps if s.event.endswith((".it_dose", ".it_weekly"))]
    for step in patient.entering("infusion"):
        if any(step.time - 9 < dose < step.time + 28 for dose in doses):
            yield "an intrathecal dose between lymphodepletion and day 28"


def no_blinatumomab_in_active_cns_disease_or_without_cd19(patient: Patient) -> Iterator[str]:
    for step in patient.entering("salvage"):
        now = step.after
        if now["agent"] != "blinatumomab" or now["line_cycles"] != 1:
            continue
        if now["csf"] != "cns1" or now["cd19"] in ("negative", "lineage_switch"):
            yield f"blinatumomab with CSF {now['csf']}, CD19 {now['cd19']}"


def two_cycles_of_inotuzumab_and_four_weeks_to_conditioning(patient: Patient) -> Iterator[str]:
    cycles, last_day = 0, -np.inf
    for step in patient.steps:
        if step.event == "salvage.cycle_ends" and step.before["agent"] == "inotuzumab":
            cycles, last_day = cycles + 1, step.time
        if step.enters == "conditioning" and step.time - last_day < 28:
            yield f"conditioning {step.time - last_day:.1f} days after inotuzumab"
        if step.enters == "transplant" and cycles > 2:
            yield f"transplant after {cycles} cycles of inotuzumab"


def washed_out_before_apheresis(patient: Patient) -> Iterator[str]:
    last_dose, last_blinatumomab = -np.inf, -np.inf
    for step in patient.steps:
        if step.event.endswith((".it_dose", ".it_weekly")):
            last_dose = step.time
        if step.event == "salvage.cycle_ends" and step.before["agent"] == "blinatumomab":
            last_blinatumomab = step.time
        if step.enters == "collection" and step.time - max(last_dose, last_blinatumomab) < 7:
            yield f"apheresis {step.time - max(last_dose, last_blinatumomab):.1f} days after the last dose"


def the_cured_die_of_other_causes(patient: Patient) -> Iterator[str]:
    cured = any(True for _ in patient.entering("long_term"))
    last = patient.steps[-1].enters
    if cured and last.startswith("died") and last != "died_of_other_cause":
        yield f"long-term survivor, then {last}"


RULES: tuple[Rule, ...] = (
    no_cd19_product_after_cd19_is_lost,
    one_cd22_product_and_only_where_cd19_alone_is_lost,
    transplant_only_in_remission_of_both_compartments,
    transplant_needs_a_donor_and_a_fit_patient,
    second_transplant_a_year_after_the_first,
    conditioning_not_before_day_28,
    own_cells_only_where_they_can_be_used,
    donor_product_from_a_relative_or_the_transplant_donor,
    donor_remission_before_transplant_is_a_bridge,
    no_second_product_without_a_response_to_the_first,
    no_infusion_of_the_unfit,
    grade_5_is_death_of_treatment_before_day_28,
    assessed_on_day_28,
    remission_counts_in_both_compartments,
    no_intrathecal_dose_around_infusion,
    no_blinatumomab_in_active_cns_disease_or_without_cd19,
    two_cycles_of_inotuzumab_and_four_weeks_to_conditioning,
    washed_out_before_apheresis,
    the_cured_die_of_other_causes,
)


@pytest.mark.parametrize("file", [ACADEMIC, COMMERCIAL, CNS_RELAPSE, BLINATUMOMAB])
def test_rules_hold_for_every_patient(file: str) -> None:
    """With 4,000 patients, a violation by one patient in 900 is missed with a probability below 1.2%."""
    violations = [
        f"{rule.__name__}, patient {patient.number}: {violation}"
        for patient in cohort(file)
        for rule in RULES
        for violation in rule(patient)
    ]
    assert violations == []


def test_the_pathways_restricted_by_the_rules_occur() -> None:
    """A rule about events that never occur would show nothing."""
    steps = [step for patient in cohort(ACADEMIC) for step in patient.steps]
    entered = {step.enters for step in steps}
    assert {
        "infusion",
        "donor_apheresis",
        "product_failed",
        "csf_rescue",
        "transplant",
        "long_term",
    } <= entered
    assert {"died_of_disease", "died_of_treatment", "died_of_gvhd", "died_of_other_cause"} <= entered
    infusions = [step.after for step in steps if step.enters == "infusion"]
    assert any(now["car_t_lines"] == 2 and now["car_t_source"] == "donor" for now in infusions)
    assert any(now["crs_grade"] == 5 for now in infusions)
    assert any(now["icans_grade"] == 5 for now in infusions)
    assert any(now["hscts"] == 1 for now in infusions)
    given = {now["product"] for now in infusions}
    assert given == {"academic", "donor", "humanised", "cd22"}
    assert any(now["product"] == "cd22" and now["car_t_lines"] == 2 for now in infusions)
    assert any(step.after["cd19"] != "positive" for step in steps)
    assert any(step.enters == "transplant" and step.after["hscts"] == 2 for step in steps)
    assert any(step.after["vod"] == "true" for step in steps)
    assert any(step.after["graft_failed"] == "true" for step in steps)
    assert any(step.after["aplasia_lost_early"] == "true" for step in steps)
    agents = {step.after["agent"] for patient in cohort(BLINATUMOMAB) for step in patient.entering("salvage")}
    assert agents == {"chemotherapy", "blinatumomab", "inotuzumab"}


# ---------------------------------------------------------------- each rule can be broken

WITHOUT: dict[Rule, tuple[str, ...]] = {
    no_cd19_product_after_cd19_is_lost: (
        "conditions.cd19_product={car_t_response: {is_not: nr}}",
        "pathway.stages.apheresis.on_entry=[{set: {car_t_source: own, product: academic}}]",
        "pathway.stages.lymphodepletion.events.done.to.cd19_lost_meanwhile.when={any: []}",
    ),
    one_cd22_product_and_only_where_cd19_alone_is_lost: (
        "conditions.cd22_product={cd19: {in: [negative, lineage_switch]}}",
        "pathway.stages.apheresis.on_entry=[{set: {car_t_source: own, product: cd22}}]",
    ),
    transplant_only_in_remission_of_both_compartments: ("conditions.both_clear={marrow: {is_not: active}}",),
    transplant_needs_a_donor_and_a_fit_patient: (
        "parameters.age_oldest.value=80",
        "parameters.age_cap.value=90",
    ),
    second_transplant_a_year_after_the_first: (
        "parameters.second_hsct_after.value=30",
        "parameters.p_intent_second={value: 0.9}",
    ),
    conditioning_not_before_day_28: (
        "clocks.day_28.after={fixed: 10 days}",
        "parameters.conditioning_after.value=0 days",
    ),
    own_cells_only_where_they_can_be_used: (
        "pathway.stages.product_failed.on_entry=[{add: {failed_products: 1}}]",
        "parameters.fails_academic={value: 0.3}",
    ),
    donor_product_from_a_relative_or_the_transplant_donor: (
        "conditions.donor_for_car_t={car_t_lines: {at_least: 0}}",
    ),
    donor_remission_before_transplant_is_a_bridge: ("parameters.p_intent_preferred.value=0.9",),
    no_second_product_without_a_response_to_the_first: (
        "conditions.cd19_product={cd19: {in: [positive, dim]}}",
    ),
    no_infusion_of_the_unfit: ("clocks.drop_out.to=stay",),
    grade_5_is_death_of_treatment_before_day_28: ("parameters.fatal_latest.value=60 days",),
    assessed_on_day_28: ("clocks.day_28.after={fixed: 30 days}",),
    remission_counts_in_both_compartments: ("conditions.both_clear={marrow: {is_not: active}}",),
    no_intrathecal_dose_around_infusion: ("parameters.it_free.value=6 days",),
    no_blinatumomab_in_active_cns_disease_or_without_cd19: (
        "conditions.no_blinatumomab={any: []}",
        "parameters.agent_line1={value: blinatumomab}",
    ),
    two_cycles_of_inotuzumab_and_four_weeks_to_conditioning: (
        "parameters.after_inotuzumab={value: 0 days}",
        "parameters.agent_line1={value: inotuzumab}",
    ),
    washed_out_before_apheresis: ("parameters.it_washout={value: 2 days}",),
    the_cured_die_of_other_causes: (
        "pathway.stages.long_term.on_entry=[{set: {cured: true}, stamp: cure}]",
        "clocks.hsct_relapse.in=[transplant, recovery, after_transplant, long_term]",
    ),
}
"""For each rule, changes of the scenario after which it no longer holds."""


@pytest.mark.parametrize("rule", WITHOUT, ids=lambda rule: rule.__name__)
def test_a_violation_is_found_in_a_pathway_without_the_rule(rule: Rule) -> None:
    assert any(True for patient in cohort(ACADEMIC, ("never=[]", *WITHOUT[rule])) for _ in rule(patient))


def test_each_rule_has_a_violation() -> None:
    assert set(WITHOUT) == set(RULES)
