"""The page of a run: what it says, that it is whole HTML, that texts are texts, that nothing is fetched."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sim.outcomes.estimates import DifferenceRow
from sim.outcomes.history.trajectories import steps, trajectories
from sim.outcomes.queues.queue_summary import use_over_time
from sim.outcomes.results import group_value
from sim.report.charts.bars import waits
from sim.report.charts.marks import Bar, Line, Mark
from sim.report.charts.style import COLOURS, PATTERNS, Axis, even_ticks, looks, number_axis, unit_of
from sim.report.page.arms import PageArm
from sim.report.page.document import Chooser, Fold, Picture, Section, document
from sim.report.page.headline import headline_items
from sim.report.page.page import comparison_page, run_page, until
from sim.report.page.sections import sections
from sim.report.page.trajectory_pictures import STEPS
from sim.report.tables.comparison_table import change_cell, difference_tables
from sim.report.tables.model import Table, texts
from sim.report.tables.number_format import plain
from sim.report.tables.run_table import answer
from sim.runs.comparison import Comparison
from sim.runs.run import Run, RunRequest, run_scenario
from tests.example_runs import CLINICAL, FIRST, OVERLOAD, QUEUE, arm_of, compared, simulated

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Outline(HTMLParser):
    """Elements that were opened and not closed, ids, links, headings, and what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.elements: Counter[str] = Counter()

    def handle_starttag(self, tag, attrs):
        of = dict(attrs)
        self.elements[tag] += 1
        self.ids += [of["id"]] if "id" in of else []
        self.links += [of["href"]] if tag == "a" else []
        self.fetched += [of[key] for key in ("src", "srcset", "data") if key in of]
        self.fetched += [of["href"]] if tag == "link" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another"


def page(run: Run, **facts: object) -> str:
    """The page of a run."""
    return run_page([arm_of(run)], run.results, facts)


def page_arm(run: Run) -> PageArm:
    """The arm of the page of a run."""
    return PageArm.of(arm_of(run), "it", until(run.results, arm_of(run)))


def parts(run: Run) -> tuple[Section, ...]:
    """The sections of the page of a run."""
    return sections(run.results, [page_arm(run)], {})


def items(found) -> Iterator:
    """The items of sections and folds, unfolded."""
    for one in found:
        yield from items(one.items) if isinstance(one, Section | Fold) else (one,)


def tables(found) -> dict[str, Table]:
    """The tables of sections, by title."""
    return {one.title: one for one in items(found) if isinstance(one, Table)}


def marks(picture: Picture, kind: type) -> list:
    """The marks of this kind in the lanes of a picture, each with the last label at or above its lane."""
    found, label = [], ""
    for lane in picture.figure.parts[0].lanes:
        label = lane.label or label
        found += [(label, mark) for mark in lane.marks if isinstance(mark, kind)]
    return found


def page_arms(comparison: Comparison) -> list[PageArm]:
    return [PageArm.of(arm, arm.name, until(comparison.results, arm)) for arm in comparison.arms]


def parts_of(comparison: Comparison) -> dict[str, Section]:
    """The sections of the page of a comparison, by name."""
    arms = page_arms(comparison)
    first = Section("answer", "Answer", headline_items(comparison.results, arms)[0])
    return {section.name: section for section in (first, *sections(comparison.results, arms, {}))}


def page_of(comparison: Comparison) -> str:
    """The page of a comparison."""
    return comparison_page(comparison.arms, comparison.results, {})


@pytest.fixture(scope="module", params=["first", "clinical", "queue"])
def run(request, tmp_path_factory) -> Run:
    if request.param == "first":
        return simulated(FIRST, "patients.number=300")
    if request.param == "clinical":
        return simulated(CLINICAL, "patients.number=300")
    file = tmp_path_factory.mktemp("queue") / "queue.yaml"
    file.write_text(QUEUE)
    return simulated(file)


@pytest.fixture(scope="module")
def text(run) -> str:
    return page(run, command="allpath run it.yaml", seed=1)


@pytest.fixture(scope="module")
def outline(text) -> Outline:
    found = Outline()
    found.feed(text)
    return found


def test_every_element_is_closed_and_every_id_is_one(outline):
    assert outline.open == []
    assert [name for name, n in Counter(outline.ids).items() if n > 1] == []


def test_links_lead_somewhere_on_the_page_or_to_a_source(outline):
    assert outline.links
    within = {link for link in outline.links if not link.startswith("https://")}
    assert {link for link in within if link.removeprefix("#") not in outline.ids} == set()


def test_nothing_is_fetched(outline, text):
    assert outline.fetched == ["data:,"]
    assert "@import" not in text.split("<script>")[0]
    assert set(re.findall(r"url\((.)", text)) <= {"#"}


def test_every_chart_has_a_caption_and_a_table(outline, text):
    n = len(re.findall('class="chart[" ]', text))
    assert n >= 5
    assert outline.elements["figcaption"] == outline.elements["figure"] == n
    assert text.count('class="numbers"') == n + text.count('class="census"')


def test_a_title_is_a_text_wherever_it_stands(tmp_path):
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE)
    text = page(simulated(file), command="<b>allpath</b> & more")
    assert "<script>all" not in text
    assert "One bed for &lt;script&gt;all&lt;/script&gt; &amp; sundry" in text
    assert "&lt;b&gt;allpath&lt;/b&gt; &amp; more" in text


def test_a_label_is_a_text_in_a_chart(tmp_path):
    file = tmp_path / "evil.yaml"
    evil = "</svg><script>document.title='taken'</script>"
    file.write_text(QUEUE.replace("survival: {", f"survival: {{label: {json.dumps(evil)}, "))
    text = page(simulated(file))
    assert evil not in text
    assert "&lt;/svg&gt;&lt;script&gt;document.title=" in text


def page_of_one(*shown) -> str:
    """A page of these items."""
    return document(title="", subtitle="", answer="", sections=[Section("s", "S", shown)])


def test_a_place_cannot_end_the_data_of_the_census():
    text = page_of_one(Chooser("It", 1, 1, [("</script><b>", "in")], [("arm", [[0, 1]])], ()))
    assert "</script><b>" not in text
    assert "\\u003c/script\\u003e\\u003cb\\u003e" in text


def test_sources_are_links():
    rows = (("doi:10.1056/NEJMoa1709866, table 2",), ("<b> https://a.org/x.",))
    text = page_of_one(Fold("f", (Table("Sources", texts("source"), rows),), is_linked=True))
    doi = '<a href="https://doi.org/10.1056/NEJMoa1709866" rel="noreferrer">doi:10.1056/NEJMoa1709866</a>'
    assert f"{doi}, table 2" in text
    assert '&lt;b&gt; <a href="https://a.org/x" rel="noreferrer">https://a.org/x</a>.' in text


def test_the_answer_is_the_first_outcome_with_its_uncertainty():
    results = simulated(CLINICAL, "patients.number=300").results
    outcome = results.reference.outcomes[0]
    row = results.headline(outcome.name)
    assert row is not None
    value, low, high = (f"{100 * x:.1f}" for x in (row.estimate, row.low, row.high))
    assert answer(results).startswith(f"{outcome.label} at 180 days: {value}% (95% interval {low} to {high})")
    assert answer(results).endswith("in 300 simulated patients.")


def test_a_question_about_groups_is_answered_by_group():
    """Whether there is a donor: 26% against 48% alive at five years, in the cohort of the file."""
    run = run_scenario(RunRequest(FIRST), keep_log=True)
    text = answer(run.results)
    groups = ("false", "true")
    values = [run.results.headline("overall_survival", group=group).estimate for group in groups]
    assert values == pytest.approx([0.26, 0.48], abs=0.01)
    for group, value in zip(groups, values, strict=True):
        assert re.search(
            rf"{100 * value:.1f}% \(95% interval [\d.]+ to [\d.]+\) where donor is {group_value(group)}[;,]",
            text,
        )
    assert text.endswith(" in 2,000 simulated patients.")
    (table, _), _ = headline_items(run.results, [page_arm(run)])
    assert [column.head for column in table.columns][2:] == ["donor: no", "donor: yes"]
    at_5_years = next(row for row in table.rows if row[0].endswith("at 5 years"))
    assert [cell.text for cell in at_5_years[2:]] == [f"{100 * value:.1f}%" for value in values]


def test_the_answer_has_a_note_on_what_its_interval_covers(run, text):
    note = text.split('id="flow"')[0].partition("Simulation only: a 95% interval covers ")[2]
    row = run.results.headline(run.results.reference.outcomes[0].name)
    assert row is not None
    if row.has_interval:
        assert note.startswith("the random error of 300 simulated patients, not the uncertainty of ")
    else:
        assert not note


def test_assumptions_come_first():
    run = simulated(CLINICAL, "patients.number=300")
    evidence = next(s for s in parts(run) if s.name == "evidence")
    statuses = [fold.summary.split(":")[0] for fold in evidence.items]
    assert statuses[0] == "Assumed"
    assert statuses[-2:] == ["Published", "Chosen by the strategy or the service"]
    rows = [row for fold in evidence.items for row in fold.items[0].rows]
    assert len(rows) == len(run.scenario.parameters)
    assert all(row[3].below for row in rows), "each source is cited"


def test_changes_stand_old_and_new():
    found = tables(parts(simulated(FIRST, "patients.number=300", "horizon=9 years")))
    assert found["Changed by layers"].rows == (
        ("patients.number", "2000", "300", "--set"),
        ("horizon", "10 years", "9 years", "--set"),
    )


def test_all_outcomes_stand_in_one_table_with_their_numbers():
    run = simulated(CLINICAL, "patients.number=300")
    table = tables(parts(run))["All outcomes"]
    shown = {row[0].text.split(":")[0]: row[1:] for row in table.rows if not isinstance(row[0], str)}
    assert list(shown) == [outcome.name for outcome in run.results.reference.outcomes]
    for name, (value, interval, n) in shown.items():
        row = run.results.headline(name)
        if row is not None and row.unit in ("share", "probability") and row.is_known:
            assert float(value.removesuffix("%")) == pytest.approx(100 * row.estimate, abs=0.051)
            assert bool(interval) == row.has_interval
            assert int(n.replace(",", "")) <= 300


def pictures(run: Run) -> dict[str, Picture]:
    """The pictures of the page of a run, by name."""
    arm = page_arm(run)
    return by_name([*headline_items(run.results, [arm])[0], *sections(run.results, [arm], {})])


def by_name(found) -> dict[str, Picture]:
    """The pictures among sections and items, by name."""
    return {one.name: one for one in items(found) if isinstance(one, Picture)}


def test_pictures_over_time_end_where_curves_are_read():
    """At 180 days, though costs are reported for every year of the horizon."""
    run = simulated(CLINICAL, "patients.number=300")
    assert np.nanmax(run.results.estimates.numbers["time_days"]) > 365.25
    assert until(run.results, arm_of(run)) == 180.0


def test_a_queue_has_pictures_of_its_own(tmp_path):
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE)
    run = simulated(file)
    found = pictures(run)
    assert {"curve-survival", "curve-out_of_ward", "waits-waits", "values-grade", "funnel-reached"} <= set(
        found
    )
    (waits,) = found["waits-waits"].figure.parts[0].curves
    row = run.results.headline("waits")
    assert row is not None
    # the area under the share that waits longer is the mean wait; 120 steps of a decreasing curve
    area = sum(y * (b - a) for y, a, b in zip(waits.y, waits.x, waits.x[1:], strict=False))
    assert area == pytest.approx(row.estimate, abs=waits.x[-1] / 120)


def test_stacked_incidences_add_up_to_who_had_an_end(tmp_path):
    run = simulated(CLINICAL, "patients.number=300")
    (panel,) = pictures(run)["curve-marrow_relapse"].figure.parts
    for below, above in pairwise(panel.areas):
        assert np.array_equal(below.high, above.low)
    assert panel.areas[0].low[-1] == 0
    assert 0 < panel.areas[-1].high[-1] <= 1


@pytest.mark.parametrize(
    ("outcome", "severe"), [("crs_grade", "severe_crs"), ("icans_grade", "severe_icans")]
)
def test_grades_are_a_distribution_whose_upper_end_is_the_share_of_the_severe(outcome, severe):
    run = simulated(CLINICAL, "patients.number=300")
    picture = pictures(run)[f"values-{outcome}_first_product"]
    of_grade = {int(grade): bar.end for grade, bar in marks(picture, Bar)}
    assert sum(of_grade.values()) == pytest.approx(1)
    at_least_3 = sum(share for grade, share in of_grade.items() if grade >= 3)
    assert at_least_3 == pytest.approx(run.results.headline(severe).estimate)
    printed = [lane.values for lane in picture.figure.parts[0].lanes]
    assert printed == [(f"{share:.1%}",) for share in of_grade.values()]


def test_sankey_keeps_everybody_who_is_drawn():
    """What flows into a node flows out again or ends there; all who take a step flow."""
    run = simulated(CLINICAL, "patients.number=300")
    (flow,) = pictures(run)["pathways-it"].figure.parts
    into: Counter = Counter()
    out: Counter = Counter()
    for ribbon in flow.ribbons:
        out[ribbon.source] += ribbon.patients
        into[ribbon.target] += ribbon.patients
    assert all(out[node] <= into[node] for node in into)
    for i, node in enumerate(flow.nodes):
        assert node.patients == max(into[i], out[i])
        assert 0 <= node.top <= node.top + node.height <= 1 + 1e-9
    arm = PageArm.of(arm_of(run), "one", 0.0)
    taken = list(steps(trajectories(arm.history, arm.patients), STEPS + 1))
    assert sum(into.values()) == sum(step.patients for step in taken)
    come_from_nowhere = sum(value for node, value in out.items() if node not in into)
    assert come_from_nowhere == sum(step.patients for step in taken if step.number == 1)


def test_the_notes_of_a_run_stand_beside_the_answer(tmp_path):
    """The queue of one bed for so many grows and falls: MSER-5 suggests a warm-up, and the page says so."""
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE.replace("{every: 2 days}", "{every: 2 days, warm_up: 40 days}"))
    run = simulated(file)
    assert run.results.notes
    head = page(run).split('id="flow"')[0]
    assert all(f"Note: {note}." in head for note in run.results.notes)
    n = int((run.arm.log.begins >= 40).sum())
    assert f'<p class="caution">120 simulated patients, {n} after the warm-up, ' in head
    rows = dict(tables(parts(run))["Use of resources, averaged over time"].rows)
    row = run.results.estimates.find("resources.bed", "grants_per_year")
    assert row is not None
    assert rows["bed, granted a year"].text == plain(row.estimate)
    assert "bed, wait ended by granted" in rows
    (rule,) = pictures(run)["resources"].figure.parts[0].rules
    assert rule.x == rule.to_x == 40


def choosers(found) -> list[Chooser]:
    """The census of each page: at most one."""
    return [one for one in items(found) if isinstance(one, Chooser)]


def test_a_census_only_where_patients_arrive_over_time_or_wait(tmp_path):
    """Every patient who is not yet gone is in one place on each day."""
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE)
    run = simulated(file)
    (chooser,) = choosers(parts(run))
    names = [name for name, _ in chooser.places]
    assert names.index("waiting for ward") == names.index("ward") - 1
    ((_, counts),) = chooser.arms
    log, days = run.arm.log, np.arange(0, chooser.last + 1, chooser.step)
    assert len(counts[0]) == len(days) == 401
    begun = (log.begins[:, np.newaxis] <= days).sum(axis=0)
    dies = log.stage_to[log.row_of[1:] - 1] == log.names.stages.index("died")
    gone = ((log.begins + log.ends)[~dies, np.newaxis] <= days).sum(axis=0)
    assert np.array_equal(np.sum(counts, axis=0), begun - gone)
    assert counts[names.index("died")][-1] == dies.sum()
    assert choosers(parts(simulated(FIRST, "patients.number=300"))) == []


def test_arms_share_one_day(tmp_path):
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE)
    two_beds = simulated(file, "resources.bed.capacity=2")
    (chooser,) = choosers(parts_of(compared(("one", simulated(file)), ("two", two_beds))).values())
    assert [len(counts) for _, counts in chooser.arms] == [len(chooser.places)] * 2


@pytest.mark.parametrize(("file", "continues"), [(FIRST, False), (CLINICAL, True)])
def test_only_a_pathway_that_is_longer_than_the_diagram_continues(file, continues):
    (flow,) = pictures(simulated(file, "patients.number=300"))["pathways-it"].figure.parts
    names = [node.name for node in flow.nodes]
    assert ("continues" in names) == continues
    before = {names[ribbon.source] for ribbon in flow.ribbons if names[ribbon.target] == "continues"}
    assert (before > {"other"}) == continues
    assert len([name for name in names if name in ("dead", "died of disease")]) >= 2


# ---------------------------------------------------------------- comparisons

LATER = "pathway.stages.car_t.events.assessment.after={fixed: 40 days}"
FEWER = "pathway.stages.car_t.events.assessment.to={remission: 0.6, relapse: rest}"


@pytest.fixture(scope="module")
def two() -> Comparison:
    one = simulated(FIRST, "patients.number=300")
    return compared(("as it is", one), ("later", simulated(FIRST, "patients.number=300", LATER, FEWER)))


@pytest.fixture(scope="module")
def of_two(two) -> dict[str, Section]:
    return parts_of(two)


def pictures_of(found: dict[str, Section]) -> dict[str, Picture]:
    """The pictures of the page of a comparison, by name."""
    return by_name(found.values())


def test_two_arms_stand_in_every_picture(of_two):
    found = pictures_of(of_two)
    for name in ("curve-overall_survival", "stays"):
        assert [key.name for key in found[name].figure.legend] == ["as it is", "later"]
    assert {"pathways-as it is", "pathways-later", "twins", "better-and-worse"} <= set(found)


def test_what_differs_between_the_scenarios_stands_with_the_differences(of_two):
    assert list(of_two)[1] == "differences"
    rows = {row[0]: row[1:] for row in of_two["differences"].items[-1].items[0].rows}
    assert rows["pathway.stages.car_t.events.assessment.after"] == ("{fixed: 28 days}", "{fixed: 40 days}")


def test_the_forest_is_drawn_in_percentage_points_and_holds_the_unpaired_interval(two, of_two):
    row = difference_of(two, "later")
    picture = pictures_of(of_two)["forest-shares"]
    ((_, mark),) = marks(picture, Mark)
    lines = {line.name: (line.begin, line.end) for _, line in marks(picture, Line)}
    assert mark.x == pytest.approx(100 * row.difference)
    assert lines["paired"] == pytest.approx((100 * row.low, 100 * row.high))
    unpaired = (100 * row.independent_low, 100 * row.independent_high)
    assert lines["unpaired"] == pytest.approx(unpaired)
    axis = picture.figure.parts[0].x
    assert axis.low <= min(unpaired[0], 0) < max(0, unpaired[1]) <= axis.high
    cell = change_cell(row)
    assert picture.figure.parts[0].lanes[0].values == (f"{cell.text} ({cell.below})",)


def test_at_most_a_dozen_rows_of_a_forest_are_unfolded(without_car_t):
    shown, *more = (item for item in without_car_t["differences"].items if not isinstance(item, Table))
    assert len(shown.figure.parts[0].lanes) <= 12
    assert any(isinstance(item, Fold) and "further outcomes" in item.summary for item in more)


def test_twins_are_marked_where_their_paths_diverge(of_two):
    """In car_t, which lasts 28 days in the one arm and 40 in the other, as the scenario says."""
    found = marks(pictures_of(of_two)["twins"], Mark)
    days = {lane: mark.x for lane, mark in found if mark.name == "paths diverge"}
    assert len(days) == 24
    for name, day in days.items():
        if name.endswith("as it is"):
            assert days[name.replace("as it is", "later")] - day == pytest.approx(12.0)


def test_twins_are_patients_whose_end_differs(two, of_two):
    """From the most lost to the most gained, and none whose pathways end within a month of each other."""
    lanes = list(dict.fromkeys(lane for lane, _ in marks(pictures_of(of_two)["twins"], Mark)))
    patients = [int(lane.split(",")[0]) for lane in lanes[::2]]
    reference, arm = (one.log.ends[patients] for one in two.arms)
    later = arm - reference
    assert (np.abs(later) > 30).all()
    assert np.array_equal(later, np.sort(later))
    assert later[0] < 0


def test_patient_changes_have_a_note_on_chance(of_two):
    assert pictures_of(of_two)["better-and-worse"].caption.endswith(" also count chance.")


def difference_of(comparison: Comparison, arm: str) -> DifferenceRow:
    """The difference of overall survival at its last time."""
    row = comparison.results.differences.find("overall_survival", "survival", arm=arm, time_days=180.0)
    assert row is not None
    return row


def test_differences_stand_beside_the_arms(two, of_two):
    text = f"{100 * difference_of(two, 'later').difference:+.1f}"
    table = tables(of_two.values())["All outcomes"]
    assert [column.head for column in table.columns] == [
        "outcome",
        "as it is",
        "later",
        "later less as it is",
    ]
    assert table.rows[0][3].text == text
    curve = pictures_of(of_two)["curve-overall_survival"].numbers[0]
    heads = ["", "as it is", "later", "later - as it is", "unpaired", "gain"]
    assert [column.head for column in curve.columns] == heads
    rows = {row[0]: row[1:] for row in curve.rows}
    assert list(rows)[:3] == ["45 days", "90 days", "180 days"]
    assert rows["180 days"][2].text == text
    assert rows["180 days"][0] == table.rows[0][1]


def test_a_page_has_the_tables_that_the_terminal_prints(two, of_two):
    """Both views show the same rows of the differences."""
    outcome = two.results.reference.outcome("overall_survival")
    arm = two.results.arm("later")
    heads = {"as it is": "as it is", "later": "later"}
    shown = pictures_of(of_two)["curve-overall_survival"].numbers
    assert shown == tuple(difference_tables(two.results, outcome, arm, heads))


def test_the_page_of_a_comparison_answers_first(two):
    text = page_of(two)
    sentence = text.split('<p class="answer">')[1].split("</p>")[0]
    assert sentence.startswith("Overall survival 180 days after the start is ")
    assert "with later" in sentence
    assert "<h1>Does it matter after CAR-T" in text
    outline = Outline()
    outline.feed(text)
    assert outline.open == []
    assert [name for name, n in Counter(outline.ids).items() if n > 1] == []


def test_the_first_table_leaves_further_times_to_the_curve(two):
    """The terminal prints them; groups of patients have rows in both."""
    (table, _), _ = headline_items(two.results, page_arms(two))
    groups = ["  donor: no", "  donor: yes"]
    assert [row[0] for row in table.rows] == ["as it is", *groups, "later", *groups]


def test_notes_of_the_first_table_stand_below_the_curve():
    one = simulated(CLINICAL, "patients.number=60")
    text = page_of(compared(("one", one), ("other", one)))
    places = [
        text.index(words)
        for words in ("Below: difference from", 'class="curve"', "Note: not in this table: ")
    ]
    assert places == sorted(places)


def test_the_note_of_one_arm_stands_beside_the_answer_with_its_name(tmp_path):
    file = tmp_path / "over.yaml"
    file.write_text(OVERLOAD)
    text = page_of(
        compared(("one", simulated(file)), ("three", simulated(file, "resources.server.capacity=3")))
    )
    assert '<p class="answer">Served is ' in text
    assert (
        text.count('<p class="caution">Note: with one, the queue for server does not settle: it grows') == 1
    )


def test_arms_that_do_not_differ():
    one = simulated(FIRST, "patients.number=300")
    comparison = compared(("A", one), ("B", one))
    found = parts_of(comparison)
    assert "twins" not in pictures_of(found)
    assert found["differences"].items[-1].items[0].rows == ()
    assert page_of(comparison)


def test_each_of_several_arms_has_a_row_on_the_first_screen(two):
    """The page is then about the question of the scenarios."""
    comparison = compared(
        ("as it is", simulated(FIRST, "patients.number=300")),
        ("later", simulated(FIRST, "patients.number=300", LATER, FEWER)),
        ("fewer", simulated(FIRST, "patients.number=300", "title=Fewer remissions", FEWER)),
    )
    text = page_of(comparison)
    assert re.findall(r"<h1>(.*)</h1>", text) == [two.arms[0].scenario.title]
    table, curve = parts_of(comparison)["answer"].items
    rows = {row[0]: row for row in table.rows}
    assert [name for name in rows if not name.startswith("  ")] == ["as it is", "later", "Fewer remissions"]
    for name, label in (("later", "later"), ("fewer", "Fewer remissions")):
        difference = f"{100 * difference_of(comparison, name).difference:+.1f}"
        assert rows[label][1].below.split(" ")[0] == difference
    assert curve.name == "curve-overall_survival"
    assert "Simulation only: a 95% interval covers the random error of 300 simulated patients" in text


def test_differences_of_several_arms_have_a_table_of_their_own():
    comparison = compared(
        ("as it is", simulated(FIRST, "patients.number=300")),
        ("later", simulated(FIRST, "patients.number=300", LATER, FEWER)),
        ("fewer", simulated(FIRST, "patients.number=300", FEWER)),
    )
    values, apart = items(parts_of(comparison)["outcomes"].items)
    assert [column.head for column in values.columns] == ["outcome", "as it is", "later", "fewer"]
    assert apart.title.startswith("Differences from as it is")
    assert [column.head for column in apart.columns] == ["outcome", "later", "fewer"]
    assert {len(row) for row in values.rows} == {4}
    assert [cell.text for cell in apart.rows[0][1:]] == [
        f"{100 * difference_of(comparison, name).difference:+.1f}" for name in ("later", "fewer")
    ]


@pytest.fixture(scope="module")
def without_car_t() -> dict[str, Section]:
    """Nobody is infused in the reference."""
    return parts_of(
        compared(
            ("no CAR-T", simulated(CLINICAL, "patients.number=300", "parameters.max_car_t={value: 0}")),
            ("as it is", simulated(CLINICAL, "patients.number=300")),
        )
    )


def test_grades_are_drawn_of_the_arms_that_have_any(without_car_t):
    """In the colour that the arm has everywhere."""
    found = pictures_of(without_car_t)
    grades = found["values-crs_grade_first_product"]
    bars = {bar.name: bar.look for _, bar in marks(grades, Bar)}
    assert bars == {"as it is": looks(["no CAR-T", "as it is"], is_hatched=True)["as it is"]}
    assert grades.caption.endswith(" No patient in no CAR-T.")


def test_the_end_that_an_incidence_is_of_is_called_by_its_place(without_car_t):
    deaths = pictures_of(without_car_t)["curve-death_by_cause"]
    assert [key.name for key in deaths.figure.legend] == [
        "died of disease",
        "treatment",
        "gvhd",
        "other cause",
    ]
    for panel in deaths.figure.parts:
        assert [area.name for area in panel.areas] == [key.name for key in deaths.figure.legend]
    titles = [table.title for table in deaths.numbers]
    assert titles[1:] == [f"death_by_cause: {end}" for end in ("treatment", "gvhd", "other_cause")]


def test_the_forest_has_no_mean_time_to_an_end_among_several(without_car_t):
    """It would be to whichever of them comes first, under the name of one."""
    labels = {row[0] for row in pictures_of(without_car_t)["forest-times"].numbers[0].rows}
    assert any(label.endswith(", mean to 180 days") for label in labels)
    assert not any(label.startswith(("Death by cause", "Marrow relapse", "CSF relapse")) for label in labels)


def test_resources_over_time_add_up_to_their_averages(tmp_path):
    """The mean of the intervals of 2 days is the mean over the 238 days in which patients arrive."""
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE)
    run = simulated(file, "resources.bed.capacity=2")  # with one the queue does not settle
    log, use = run.arm.log, run.arm.use
    (found,) = use_over_time(use, log.names, run.scenario, replications=1, intervals=200)
    for measure, values in (("in_use", found.in_use), ("queue", found.queue)):
        row = run.results.estimates.find("resources.bed", measure)
        assert row is not None
        assert values[:119].mean() == pytest.approx(row.estimate)
    assert (found.capacity == 2).all()
    assert pictures(run)["resources"].figure.parts[0].curves[0].x[-1] == 400


# ---------------------------------------------------------------- how charts look


def test_looks_differ_without_colour():
    """Where a colour comes again the pattern differs; neighbouring lines differ in their dashes."""
    found = looks([f"stage {i}" for i in range(30)], ended=["stage 3", "stage 4"])
    assert len({(look.colour, look.pattern) for look in found.values()}) == 30
    assert len({look.dash for look in list(found.values())[:6]}) == 6


def test_bars_of_different_names_have_different_hatches():
    found = looks([f"category {i}" for i in range(len(PATTERNS))], is_hatched=True)
    assert [look.pattern for look in found.values()] == list(PATTERNS)


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2, www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def css_colours(scheme: str) -> dict[str, str]:
    css = (Path("sim/report/page/page.css")).read_text()
    part = css.split("prefers-color-scheme: dark")[1] if scheme == "dark" else css
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", part.split("}")[0]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text; 1.4.11: 3 to 1 for what is drawn, of the first three lines."""
    colours = css_colours(scheme)
    for ink in ("ink", "faint", "accent"):
        for ground in ("paper", "raised"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for colour in COLOURS[:3]:
        assert contrast(colour, colours["paper"]) >= 3.0, colour


def test_ticks_are_round_and_within():
    for days in (5.0, 40.0, 200.0, 730.5, 1826.25, 21915.0, 40_000 * 365.25):
        unit = unit_of(days)
        ticks = even_ticks(days, unit)
        assert 2 <= len(ticks) <= 7
        assert ticks[-1] * unit.days <= days * (1 + 1e-9)
        assert all(tick == int(tick) for tick in ticks)


def test_a_section_has_a_name_and_a_heading(run):
    found = parts(run)
    assert all(s.heading and (s.items or s.lead) for s in found)
    assert len({s.name for s in found}) == len(found)


@pytest.mark.parametrize("values", [[0.0], [0.013], [-3.4, 7.2], [115_270.0], [-84_432.0, -11_094.0], [2e-6]])
def test_number_axes_are_round_and_hold_all_values(values):
    axis = number_axis(values, "it")
    assert axis.low <= min(*values, 0.0) <= max(*values, 0.0) <= axis.high
    assert 2 <= len(axis.ticks) <= 6
    assert len({label for _, label in axis.ticks}) == len(axis.ticks)
    steps = {
        round((b - a) / (axis.ticks[1][0] - axis.ticks[0][0]), 9) for (a, _), (b, _) in pairwise(axis.ticks)
    }
    assert steps == {1.0}


def test_an_arm_without_an_ended_wait_has_no_curve():
    (panel,) = waits([("served", [1.0, 2.0]), ("empty", [])]).parts
    assert [curve.name for curve in panel.curves] == ["served"]
    assert panel.curves[0].y[[0, -1]].tolist() == [1.0, 0.0]


def test_a_logarithmic_axis_places_powers_evenly():
    axis = Axis(0.1, 1000.0, (), is_log=True)
    assert [axis.share(value) for value in (0.01, 0.1, 1, 10, 1000)] == pytest.approx([0, 0, 0.25, 0.5, 1])
