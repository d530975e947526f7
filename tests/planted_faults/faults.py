"""Planted faults, each with the test that must fail when it is present.

A fault is one change of the sources: `old` stands exactly once in the file and becomes `new`. Those
whose test is quick as ordinary Python run so; the others are compiled.
"""

from __future__ import annotations

from dataclasses import dataclass

KERNEL, EFFECTS, DRAWS = "sim/engine/kernel.py", "sim/engine/effects.py", "sim/engine/draws.py"
EVENT_TIMES, HAZARD_RATIOS = "sim/engine/event_times.py", "sim/engine/hazard_ratios.py"
EXPRESSIONS = "sim/engine/expressions.py"
RULES, THEORY = "tests/unit/engine/test_kernel.py", "tests/theory/test_modifiers.py"
PAIRS = "tests/theory/test_influence.py"
DRAWN = "sim/uncertainty/parameter_draws.py"
DRAWS_ALONE = "tests/unit/uncertainty/test_parameter_draws.py"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, where, and the test that must fail."""

    name: str
    file: str
    old: str
    new: str
    test: str
    is_compiled: bool = False


FAULTS = (
    # ties
    Fault(
        "of two events in one moment the last",
        KERNEL,
        "x[due + slot] < best:",
        "x[due + slot] <= best:",
        f"{RULES}::test_of_events_in_one_moment_the_first_in_the_file",
    ),
    Fault(
        "of two clocks in one moment the last",
        KERNEL,
        "            if time < best:",
        "            if time <= best:",
        f"{RULES}::test_a_clock_goes_before_an_event_and_clocks_in_file_order",
    ),
    Fault(
        "what lies at the horizon does not happen",
        "sim/engine/compiled_engine.py",
        "next_event(T, x, k) <= follow_up[i]",
        "next_event(T, x, k) < follow_up[i]",
        f"{RULES}::test_what_lies_at_the_horizon_happens",
    ),
    # times and draws
    Fault(
        "times are not rounded to the grid",
        DRAWS,
        "x[at.NOW] + round_to_grid(max(time, 0.0))",
        "x[at.NOW] + max(time, 0.0)",
        f"{RULES}::test_times_are_rounded_once_to_the_grid",
    ),
    Fault(
        "the time of an event is drawn with the same uniform each visit",
        DRAWS,
        "    k[count] = occurrence + 1\n    u = uniform(",
        "    u = uniform(",
        f"{RULES}::test_every_draw_has_the_name_and_the_number_the_language_gives_it",
    ),
    Fault(
        "every other draw is used twice",
        DRAWS,
        "    k[count] = occurrence + 1\n    return uniform(",
        "    return uniform(",
        f"{RULES}::test_every_draw_has_the_name_and_the_number_the_language_gives_it",
    ),
    Fault(
        "true comes before false",
        DRAWS,
        "return 1.0 if u >= 1.0 - p else 0.0",
        "return 1.0 if u < p else 0.0",
        f"{RULES}::test_values_are_found_by_the_inverse_of_their_distribution_as_written",
    ),
    Fault(
        "replications share their random numbers",
        "sim/numerics/philox.py",
        "word(0), word(seed), word(replication)",
        "word(0), word(seed), word(0)",
        "tests/unit/numerics/test_philox.py",
    ),
    # events of a stage
    Fault(
        "`every` is not drawn anew",
        KERNEL,
        "at.IS_TRIGGERED if P[event, at.EVENT_EVERY] else at.OVER",
        "at.OVER",
        f"{RULES}::test_after_happens_once_a_visit_and_every_again",
    ),
    Fault(
        "`after` happens again",
        KERNEL,
        "at.IS_TRIGGERED if P[event, at.EVENT_EVERY] else at.OVER",
        "at.IS_TRIGGERED",
        f"{RULES}::test_after_happens_once_a_visit_and_every_again",
    ),
    Fault(
        "conditions are not read again after `stay`",
        KERNEL,
        "        close_row(k, L, rule, at.NONE, STAYS)\n        update_events(T, x, k)\n",
        "        close_row(k, L, rule, at.NONE, STAYS)\n",
        f"{RULES}::test_a_condition_that_no_longer_holds_withdraws_and_one_that_now_holds_is_drawn_from_now",
    ),
    Fault(
        "an event withdrawn keeps its time",
        KERNEL,
        "            if state == at.RUNS:\n                k[slots + slot] = at.IS_TRIGGERED\n            continue",
        "            continue",
        f"{RULES}::test_a_condition_that_no_longer_holds_withdraws_and_one_that_now_holds_is_drawn_from_now",
    ),
    Fault(
        "chance is asked whenever a condition turns true",
        KERNEL,
        "                k[slots + slot] = at.OVER\n                continue\n            state",
        "                continue\n            state",
        f"{RULES}::test_chance_is_asked_once_a_visit",
    ),
    Fault(
        "on entering, the events that were left are still there",
        KERNEL,
        "        clear_slots(T, k, stage)  # the old stage's",
        "        pass  # the old stage's",
        f"{RULES}::test_what_is_not_running_is_not_reassessed",
    ),
    # clocks
    Fault(
        "a clock happens wherever it is due",
        KERNEL,
        "T.numbers[flags + stage] == 0.0:\n        return False",
        "T.numbers[flags + stage] == 0.0:\n        return True",
        f"{RULES}::test_a_clock_due_outside_its_stages_happens_as_soon_as_it_can",
    ),
    Fault(
        "a clock's condition is read before its time",
        KERNEL,
        "                x[at.NOW] = time\n                if clock_can",
        "                if clock_can",
        f"{RULES}::test_a_clocks_condition_on_time_is_read_when_it_is_due_and_then_when_something_happens",
    ),
    Fault(
        "a clock goes on after it has happened",
        KERNEL,
        "        event = P[0, at.HEAD_CLOCKS] + slot\n        k[slots + slot] = at.RESTS",
        "        event = P[0, at.HEAD_CLOCKS] + slot",
        f"{RULES}::test_a_clock_outlives_the_stage_happens_once_and_not_in_a_terminal_stage",
    ),
    # decisions, effects, stamps
    Fault(
        "a decision is not counted as a visit",
        KERNEL,
        "        count_entry(T, x, k, stage)\n        run_effects",
        "        run_effects",
        f"{RULES}::test_a_decision_takes_no_time_and_no_clock_comes_between",
    ),
    Fault(
        "effects are done backwards",
        EFFECTS,
        "for action in range(begin, begin + P[effect, at.EFFECT_N]):",
        "for action in range(begin + P[effect, at.EFFECT_N] - 1, begin - 1, -1):",
        f"{RULES}::test_effects_are_done_in_order_and_their_condition_read_once",
    ),
    Fault(
        "the destination is chosen before the effects",
        KERNEL,
        "    run_effects(T, x, k, L, P[event, at.EVENT_EFFECTS], P[event, at.EVENT_N_EFFECTS])\n    to, rule = choose_destination(T, x, k, P[event, at.EVENT_TO], P[event, at.EVENT_TO_DRAW])\n",
        "    to, rule = choose_destination(T, x, k, P[event, at.EVENT_TO], P[event, at.EVENT_TO_DRAW])\n    run_effects(T, x, k, L, P[event, at.EVENT_EFFECTS], P[event, at.EVENT_N_EFFECTS])\n",
        f"{RULES}::test_the_first_rule_that_holds_decides_and_effects_come_before_it",
    ),
    Fault(
        "a stamp is of the entry into the stage",
        EFFECTS,
        "x[P[0, at.HEAD_STAMPS] + target] = x[at.NOW]",
        "x[P[0, at.HEAD_STAMPS] + target] = x[at.ENTERED]",
        f"{RULES}::test_a_stamp_remembers_the_latest_moment",
    ),
    Fault(
        "a stamp never set passes some comparison",
        EXPRESSIONS,
        "    if value != value:\n        return False\n    constant",
        "    constant",
        f"{RULES}::test_a_stamp_never_set_fails_every_comparison",
    ),
    # distributions of times
    Fault(
        "what has lasted is forgotten",
        EVENT_TIMES,
        "x[a + at.ARG_ALREADY] = already(T, x, k, dist)",
        "x[a + at.ARG_ALREADY] = 0.0",
        f"{RULES}::test_the_modifiers_of_a_fixed_time",
    ),
    Fault(
        "`not_before` counts from now",
        EVENT_TIMES,
        "until = max(until, stamped + number",
        "until = max(until, x[at.NOW] + number",
        f"{RULES}::test_the_modifiers_of_a_fixed_time",
    ),
    Fault(
        "`plus` is lost",
        EVENT_TIMES,
        "    return solved(T, x, a, 0.0, age, unit_hazard(u), True) + x[a + at.ARG_PLUS]",
        "    return solved(T, x, a, 0.0, age, unit_hazard(u), True)",
        f"{RULES}::test_the_modifiers_of_a_fixed_time",
    ),
    Fault(
        "a hazard ratio acts as its inverse",
        HAZARD_RATIOS,
        "    return max(low, low + (leaf_age_at(T, x, a, hazard / r + spent) - start) * k)",
        "    return max(low, low + (leaf_age_at(T, x, a, hazard * r + spent) - start) * k)",
        "tests/properties/test_untouched.py::test_a_larger_hazard_ratio_delays_no_patient[weibull-already]",
    ),
    Fault(
        "a hazard ratio of a common distribution acts as its inverse",
        DRAWS,
        "hazard = unit_hazard(u) / r if",
        "hazard = unit_hazard(u) * r if",
        "tests/properties/test_untouched.py::test_a_larger_hazard_ratio_delays_no_patient[weibull-alone]",
    ),
    Fault(
        "what is not spent is spent anew",
        EVENT_TIMES,
        "left = max(x[run + at.RUN_LEFT] - spent_by(T, x, old, t0, w0, t), 0.0)",
        "left = x[run + at.RUN_LEFT]",
        f"{THEORY}::test_reassess",
        is_compiled=True,
    ),
    Fault(
        "a ratio wanes the wrong way",
        HAZARD_RATIOS,
        "((end - t) / (end - start))",
        "((t - start) / (end - start))",
        f"{THEORY}::test_ratios_limited_in_time",
        is_compiled=True,
    ),
    Fault(
        "limits count from the stamp the wrong way",
        EVENT_TIMES,
        "shift = stamped - began",
        "shift = began - stamped",
        f"{THEORY}::test_limits_since_a_stamp",
        is_compiled=True,
    ),
    Fault(
        "nobody is cured",
        EXPRESSIONS,
        "gone = -expm1(-hazard) / (1.0 - cured) if cured < 1.0 else inf",
        "gone = -expm1(-hazard)",
        f"{THEORY}::test_mixture_cure",
        is_compiled=True,
    ),
    Fault(
        "an odds ratio acts on the risk",
        EXPRESSIONS,
        "return scaled / (scaled + (1.0 - p))",
        "return scaled",
        f"{THEORY}::test_odds_ratios_of_a_single_probability",
        is_compiled=True,
    ),
    Fault(
        "`above` counts below it too",
        EXPRESSIONS,
        "(P[row, at.RATIO_ABOVE] and steps < 0.0)",
        "(P[row, at.RATIO_ABOVE] and steps < -1e9)",
        f"{THEORY}::test_ratios_multiply_and_apply_under_their_conditions",
        is_compiled=True,
    ),
    Fault(
        "a copula of the opposite sign",
        "sim/engine/rare_words.py",
        "z = T.numbers[where] * x[follows] + T.numbers[where + 1] * z",
        "z = T.numbers[where + 1] * z - T.numbers[where] * x[follows]",
        f"{THEORY}::test_a_gaussian_copula",
        is_compiled=True,
    ),
    Fault(
        "what falls on time zero is lost under a ratio",
        HAZARD_RATIOS,
        "spent = leaf_age_hazard(T, x, a, start, start == 0.0)",
        "spent = leaf_age_hazard(T, x, a, start, False)",
        f"{RULES}::test_what_falls_on_time_zero_is_kept_by_a_ratio_and_a_condition",
        is_compiled=True,
    ),
    # waiting
    Fault(
        "events that can happen while waiting are drawn anew by the grant",
        KERNEL,
        "    elif has_waited:\n        update_events(T, x, k)",
        "    elif has_waited:\n        schedule_events(T, x, k, stage)",
        f"{RULES}::test_waiting_events_keep_their_time_through_the_grant_and_others_are_drawn_from_it",
    ),
    Fault(
        "a waiting patient counts as in the stage waited for",
        KERNEL,
        "    k[at.STAGE_NOW] = k[at.TIMED_STAGE]\n",
        "    k[at.STAGE_NOW] = stage\n",
        f"{RULES}::test_who_waits_is_still_in_the_stage_left",
    ),
    # two arms
    Fault(
        "the patients of two arms are taken for others",
        "sim/outcomes/comparison/differences.py",
        "    variance = float(np.sum(each))",
        "    variance = sum(variances)",
        f"{PAIRS}::test_a_paired_difference_of_means_equals_that_of_the_paired_t_test",
    ),
    Fault(
        "a patient's own end is left out of the influence on a curve",
        "sim/outcomes/survival/estimators.py",
        "self._of_patients(self._greenwood, self._greenwood - self._own)",
        "self._of_patients(self._greenwood, self._greenwood)",
        f"{PAIRS}::test_squares_add_up_to_greenwoods_variance",
    ),
    Fault(
        "what is expected of who ends at a time does not count that time",
        "sim/outcomes/survival/estimators.py",
        'steps[order] = np.searchsorted(time, durations[order], side="right")',
        'steps[order] = np.searchsorted(time, durations[order], side="left")',
        f"{PAIRS}::test_influences_are_derivatives_with_respect_to_the_weights",
    ),
    Fault(
        "a log-rank test with n in place of n - 1",
        "sim/outcomes/comparison/arm_statistics.py",
        "[several] / (n - 1)[several]",
        "[several] / n[several]",
        "tests/theory/test_hazards.py::test_published_log_rank_tests",
    ),
    Fault(
        "ties as Breslow has them",
        "sim/outcomes/comparison/arm_statistics.py",
        "self._left = table.at_risk[:, self._of] - self._gone * table.ends[:, self._of]",
        "self._left = table.at_risk[:, self._of]",
        "tests/theory/test_hazards.py::test_published_hazard_ratio",
    ),
    Fault(
        "an attribute that changes before the paths part is overlooked",
        "sim/outcomes/comparison/patient_changes.py",
        "sooner = earlier < found",
        "sooner = earlier > found",
        "tests/unit/outcomes/comparison/test_patient_changes.py::test_the_first_row_that_differs",
    ),
    Fault(
        "a censored time is always the later one",
        "sim/outcomes/comparison/patient_changes.py",
        "np.where(is_censored, second >= first, second > first)",
        "np.where(is_censored, True, second > first)",
        "tests/unit/outcomes/comparison/test_patient_changes.py"
        "::test_a_patient_censored_before_the_end_in_the_other_arm_is_not_known_to_do_better",
    ),
    Fault(
        "other patients are compared",
        "sim/outcomes/comparison/comparability.py",
        "    _check_patients(reference, arm, between)\n\n\n",
        "\n\n",
        "tests/unit/outcomes/comparison/test_paired.py"
        "::test_arms_that_cannot_be_compared_raise_an_error_with_the_reason",
    ),
    Fault(
        "cells of a sweep are compared by the codes of categories",
        "sim/outcomes/comparison/sweep_results.py",
        "            values = codes[values.astype(np.int64)]\n",
        "",
        "tests/unit/outcomes/comparison/test_sweep_results.py"
        "::test_cells_whose_categories_differ_in_name_alone_are_not_paired",
    ),
    Fault(
        "of several differences with the same labels the last is found",
        "sim/outcomes/estimates.py",
        "rows = reversed(self._rows)",
        "rows = self._rows",
        "tests/unit/outcomes/test_estimates.py"
        "::test_the_first_of_several_differences_with_the_same_labels_is_found",
    ),
    Fault(
        "nan in place of null",
        "sim/outcomes/estimates.py",
        "return value if isfinite(value) else None",
        "return value",
        "tests/unit/outcomes/test_estimates.py::test_records_have_none_for_what_does_not_exist",
    ),
    # pictures and pages
    Fault(
        "a stage that follows itself counts twice in a trajectory",
        "sim/outcomes/history/trajectories.py",
        "rows, stage = rows[~again], stage[~again]",
        "rows, stage = rows, stage",
        "tests/unit/outcomes/history/test_trajectories.py"
        "::test_every_patient_ends_at_the_node_of_their_trajectory[clinical]",
        is_compiled=True,
    ),
    Fault(
        "a title is taken for HTML",
        "sim/report/page/document.py",
        "autoescape=True",
        "autoescape=False",
        "tests/unit/report/test_page.py::test_a_title_is_a_text_wherever_it_stands",
    ),
    Fault(
        "twins are marked a row too early",
        "sim/report/page/patient_pictures.py",
        "row = log.row_of[index] + divergence.sequence[index]",
        "row = log.row_of[index] + divergence.sequence[index] - 1",
        "tests/unit/report/test_page.py::test_twins_are_marked_where_their_paths_diverge",
    ),
    Fault(
        "the unpaired interval is drawn as the paired one",
        "sim/report/charts/forest.py",
        '("unpaired", one.unpaired, ENDED, 1.5, 76.0),',
        '("unpaired", one.interval, ENDED, 1.5, 76.0),',
        "tests/unit/report/test_page.py::test_the_forest_is_drawn_in_percentage_points_and_holds_the_unpaired_interval",
    ),
    Fault(
        "patients stay in their place after the end of follow-up",
        "sim/outcomes/history/daily_census.py",
        "open_ended = index[~_is_over(history)[index]]",
        "open_ended = index[:0]",
        "tests/unit/outcomes/history/test_daily_census.py::test_every_patient_is_where_the_log_says",
    ),
    # costs and utilities
    Fault(
        "a cost at a moment is not discounted",
        "sim/economics/amounts.py",
        "worth = factor(a, due.COST_FORCE, due.COST_FACTOR, now)",
        "worth = 1.0",
        "tests/theory/test_economics.py::test_s_lump_at_its_time",
    ),
    Fault(
        "a utility is limited to that of the age at the beginning of a stay alone",
        "sim/economics/amounts.py",
        "        if begins >= time:",
        "        if begins > since:",
        "tests/theory/test_utility_cap.py::test_limits_of_one_patient_to_the_last_digits",
    ),
    Fault(
        "the cost of an event is read after the next stage is entered",
        "sim/economics/ledger.py",
        "if what < n and actions(P, on_entry, n_on_entry, what) > 0:",
        "if what < 0:",
        "tests/unit/economics/test_valuation.py::test_a_cost_of_an_event_is_read_after_its_effects_and_before_those_of_the_next_stage",
    ),
    Fault(
        "an unlimited resource is not kept while its holder waits",
        "sim/economics/ledger.py",
        "elif x[needed + j] == 0.0 and P[resource, due.RESOURCE_IS_KEPT] == 0:",
        "else:",
        "tests/unit/economics/test_valuation.py::test_unlimited_and_scarce_resources_side_by_side",
    ),
    Fault(
        "an extendedly dominated strategy stays on the frontier",
        "sim/economics/incremental.py",
        "while len(efficient) > 1 and",
        "while len(efficient) > 9 and",
        "tests/unit/economics/test_incremental.py::test_r1_dampack_strategies",
    ),
    Fault(
        "the errors of costs and QALYs are taken as independent",
        "sim/economics/incremental.py",
        "- 2.0 * threshold * self.covariance",
        "- 0.0 * threshold * self.covariance",
        "tests/unit/economics/test_incremental.py::test_r6_net_benefit_over_thresholds",
    ),
    # fits to data
    Fault(
        "late entries count as if they were seen from the start",
        "sim/calibration/observations.py",
        "- of_censored @ censored + of_entry @ entered",
        "- of_censored @ censored",
        "tests/theory/test_maximum_likelihood.py::test_lifelines_with_late_entry_and_intervals",
    ),
    Fault(
        "an event within an interval counts as censored at its begin",
        "sim/calibration/observations.py",
        "total += of_interval @ (np.log(-np.expm1(start - ended)) - start)",
        "total -= of_interval @ start",
        "tests/theory/test_maximum_likelihood.py::test_lifelines_with_late_entry_and_intervals",
    ),
    Fault(
        "nobody is censored between two numbers at risk",
        "sim/calibration/digitised_curve.py",
        "gone = spread[owner == i][: left - events]",
        "gone = spread[:0]",
        "tests/theory/test_digitised_curves.py::test_the_numbers_at_risk_come_out",
    ),
    # uncertainty
    Fault(
        "the noise of the patients counts as parameter uncertainty",
        "sim/uncertainty/variance.py",
        "parameter = _component(between, removed,",
        "parameter = _component(between, 0.0,",
        "tests/theory/test_variance_components.py::test_nested_components_are_unbiased_with_unequal_noise",
    ),
    Fault(
        "patients that all draws share count as fresh ones",
        "sim/uncertainty/variance.py",
        "squares.between_patients / n_patients - both",
        "0.0 - both",
        "tests/theory/test_variance_components.py::test_crossed_components_are_unbiased",
    ),
    Fault(
        "the limits keep the shape of the noisy draws",
        "sim/uncertainty/variance.py",
        "bounded - cube",
        "0.0 * bounded - 0.0 * cube",
        "tests/theory/test_variance_components.py::test_parameter_interval_is_free_of_noise",
    ),
    Fault(
        "the other sample's columns are exchanged one by one",
        "sim/uncertainty/sobol.py",
        "mixed[:, list(group)] = second[:, list(group)]",
        "mixed[:, group[0]] = second[:, group[0]]",
        "tests/theory/test_sensitivity.py::test_columns_of_one_factor_are_exchanged_together",
    ),
    Fault(
        "a fit to noise counts as explained",
        "sim/uncertainty/given_data.py",
        "- float(np.sum(leverage * left))",
        "- 0.0 * float(np.sum(leverage * left))",
        "tests/theory/test_sensitivity.py::test_given_data_indices_are_unbiased_and_their_errors_are_right",
    ),
    Fault(
        "the structural range leaves out the base case",
        "sim/outcomes/certainty.py",
        "sorted((base, *self.alternatives)",
        "sorted(self.alternatives",
        "tests/unit/uncertainty/test_certainty.py::test_the_base_case_belongs_to_the_structural_range",
    ),
    Fault(
        "an unknown interval excludes no effect",
        "sim/outcomes/certainty.py",
        "return not (self.low > 0.0 or self.high < 0.0)",
        "return self.low <= 0.0 <= self.high",
        "tests/unit/uncertainty/test_certainty.py::test_an_unknown_end_does_not_exclude_no_effect",
    ),
    Fault(
        "a threshold has the error of the difference",
        "sim/uncertainty/one_way.py",
        "difference(value)[1] / abs(slope)",
        "difference(value)[1]",
        "tests/unit/uncertainty/test_one_way.py::test_threshold_of_a_closed_form",
    ),
    Fault(
        "the error of a bar is that of runs with other patients",
        "sim/uncertainty/sensitivity.py",
        "study.contrasts(one) - own for",
        "study.contrasts(one) for",
        "tests/theory/test_simulated_sensitivity.py::test_bar_ends_of_two_states",
    ),
    Fault(
        "an arm takes the distribution of the first arm",
        "sim/uncertainty/sensitivity.py",
        "at_quantile(parameter, p, key)",
        "at_quantile(study.first_parameter((name, key)), p, key)",
        "tests/unit/uncertainty/test_sensitivity.py::test_each_arm_has_its_own_distribution",
    ),
    Fault(
        "parameters that follow one another are two factors",
        "sim/uncertainty/variance_based.py",
        "others = [one.drawn.follows[0]] if one.drawn.follows else []",
        "others = []",
        "tests/unit/uncertainty/test_sensitivity.py::test_vectors_and_coupled_parameters",
    ),
    # draws of parameters
    Fault(
        "all shares of a vector are drawn by one uniform",
        DRAWN,
        'f"{one.name}.{key}" if key else one.name',
        "one.name",
        "tests/theory/test_parameter_draws.py::test_a_joint_normal",
    ),
    Fault(
        "a draw depends on which others are asked for",
        DRAWN,
        "int(draw)) for draw in draws]",
        "i) for i, draw in enumerate(draws)]",
        f"{DRAWS_ALONE}::test_a_draw_is_the_same_alone_and_among_others",
    ),
    Fault(
        "parameters of one table take different rows",
        DRAWN,
        "one.drawn.file or (",
        "(",
        f"{DRAWS_ALONE}::test_columns_of_one_table_share_the_row",
    ),
    Fault(
        "a follower varies less than its own distribution",
        DRAWN,
        "math.sqrt(1.0 - rho * rho) * z",
        "(1.0 - abs(rho)) * z",
        "tests/theory/test_parameter_draws.py::test_coupled_parameters[0.5]",
    ),
    Fault(
        "parameters are drawn from an uncertainty that was left behind",
        DRAWN,
        "check_centres(tuple(parameters))",
        "check_centres(())",
        f"{DRAWS_ALONE}::test_an_uncertainty_left_behind_is_an_error",
    ),
    Fault(
        "a covariance is read without the units of its columns",
        "sim/scenario/source/joint_uncertainty.py",
        "item * one * other",
        "item * one * one",
        "tests/unit/scenario/source/test_uncertainty.py::test_a_covariance_is_in_the_units_of_the_value",
    ),
    Fault(
        "the assumed spread is that around the mean of a lognormal",
        "sim/uncertainty/assumed_spread.py",
        "math.log((1.0 + math.sqrt(1.0 + 4.0 * spread * spread)) / 2.0)",
        "math.log1p(spread * spread)",
        "tests/unit/uncertainty/test_assumed_spread.py::test_the_standard_deviation_is_the_spread_times_the_value",
    ),
    Fault(
        "the error of the inner simulation stays in the benefit",
        "sim/uncertainty/simulation_noise.py",
        "change_of_covariance(covariance, covariance - noise)",
        "change_of_covariance(covariance, covariance)",
        "tests/theory/test_value_of_information.py::test_the_noise_of_the_inner_simulation_is_removed",
    ),
    Fault(
        "the noise of costs and QALYs has no covariance between arms",
        "sim/uncertainty/benefit.py",
        "noise = weights @ covariance @ weights.T",
        "noise = weights @ (covariance * np.eye(2 * n_arms)) @ weights.T",
        "tests/unit/uncertainty/test_decision.py::test_the_noise_of_net_benefit_has_the_covariances_of_costs_and_qalys",
    ),
    Fault(
        "the first of equal arms has the whole probability",
        "sim/uncertainty/decision.py",
        "best / np.sum(best, axis=1)[:, None]",
        "best & (np.cumsum(best, axis=1) == 1)",
        "tests/unit/uncertainty/test_decision.py::test_equal_arms_share_their_probability",
    ),
    Fault(
        "the regression learns from the draws that it predicts",
        "sim/uncertainty/regression.py",
        "train = outcome[~test]",
        "train = outcome[~test] + 1e-9 * np.sum(outcome)",
        "tests/unit/uncertainty/test_decision.py::test_the_regression_predicts_a_draw_without_using_it",
    ),
    Fault(
        "the value of a parameter is that of the fitted values",
        "sim/uncertainty/value_of_information.py",
        "gains = values[rows, chosen] - values[rows, training_best(values)]",
        "gains = np.max(regression.predict(values - values[:, [benefit.best]]), axis=1)",
        "tests/theory/test_value_of_information.py::test_a_parameter_without_influence_has_no_value",
    ),
    # verification
    Fault(
        "a comparison without power passes",
        "sim/verification/power.py",
        "<= relevant else Verdict.NO_POWER",
        "<= relevant else Verdict.PASS",
        "tests/unit/verification/test_suite.py::test_verdicts",
    ),
    Fault(
        "few replications agree as if they were many",
        "sim/verification/power.py",
        "return Z if replications == 1 else",
        "return Z if replications >= 1 else",
        "tests/unit/verification/test_suite.py::test_what_is_detected_is_found_in_nine_of_ten_runs",
    ),
    Fault(
        "events out of order are not counted",
        "sim/verification/battery.py",
        "int(falls.sum() + beyond.sum())",
        "int(beyond.sum())",
        "tests/unit/verification/test_battery.py::test_times_out_of_order_are_found",
    ),
)
