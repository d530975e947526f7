"""The page in a real browser: Chromium, driven by selenium. Run by `make browser`, which says what it needs."""

from __future__ import annotations

import base64
import re
from itertools import pairwise
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from sim.files import write_whole
from sim.report.page.page import comparison_page, run_page, trace_page
from sim.report.page.psa_page import psa_page
from sim.uncertainty.results import PsaResults
from tests.browser.chromium import DESKTOP, PHONE, open_page, requests
from tests.browser.figure import compare, figure
from tests.example_runs import CLINICAL, FIRST, QUEUE, SCENARIOS, arm_of, compared, simulated
from tests.makefile import ROOT, recipe
from tests.psa_models import analysed
from tests.psa_models import written as psa_files


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[str, Path]:
    """Pages of small cohorts, by name."""
    return {
        name: written(name, tmp_path_factory.mktemp(name))
        for name in ("first", "clinical", "queue", "two", "psa")
    }


def written(name: str, folder: Path) -> Path:
    """The page of this name."""
    facts = {"command": "allpath run"}
    if name == "two":
        later = "pathway.stages.car_t.events.assessment.to={remission: 0.6, relapse: rest}"
        one, other = (simulated(FIRST, "patients.number=400", *changes) for changes in ((), (later,)))
        comparison = compared(("as it is", one), ("fewer remissions", other))
        text = comparison_page(comparison.arms, comparison.results, facts)
    elif name == "psa":
        results = PsaResults(analysed(psa_files(folder), draws=60, patients=40))
        text = psa_page(results, facts)
    else:
        (folder / "queue.yaml").write_text(QUEUE)
        sources = {"queue": (folder / "queue.yaml",), "clinical": (CLINICAL, "patients.number=400")}
        run = simulated(*sources.get(name, (FIRST, "patients.number=400")))
        text = run_page([arm_of(run, "as it is")], run.results, facts)
    write_whole(folder / "page.html", text)
    return folder / "page.html"


@pytest.fixture(params=["first", "clinical", "queue", "two", "psa"])
def file(request, pages) -> Path:
    return pages[request.param]


@pytest.fixture(scope="session")
def case(tmp_path_factory) -> Path:
    """The page of the published case, as `make run` writes it, with fewer draws and one structural alternative."""
    page = tmp_path_factory.mktemp("case") / "case.html"
    structure = tmp_path_factory.mktemp("structure")
    text = (SCENARIOS / "structural" / "transplant_no_effect.yaml").read_text("utf-8")
    (structure / "none.yaml").write_text(text.replace("based_on: ../", f"based_on: {SCENARIOS}/"))
    sure = ["--outcome", "overall_survival", "--draws", "20", "--structure", str(structure)]
    compare(recipe("figure", "python -m tests.browser.figure")[3:] + sure, page)
    return page


def opened(browser: webdriver.Chrome, file: Path, screen: dict, scheme: str = "light") -> None:
    """The page on a screen; logs are emptied before."""
    open_page(browser, file.as_uri(), screen, scheme)


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_opens_without_an_error_and_fetches_nothing(browser, file, screen):
    opened(browser, file, screen)
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    assert requests(browser) == [file.as_uri()]


ON_SCREEN = """
    const seen = (node) => {
      const box = node?.getBoundingClientRect();
      return box && box.width > 0 && box.top >= 0 && box.bottom <= innerHeight;
    };
    const first = (selector) => document.querySelector(selector);
    return {
      question: seen(first("h1")), table: seen(first("#answer table")),
      curve: seen(first("#answer .drawing > svg")), contents: first("nav details").open,
    }"""


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("page", ["case", "first", "clinical", "queue", "two"])
def test_the_first_screen_has_the_question_the_table_and_the_curve(
    request, browser, pages, case, page, screen
):
    opened(browser, case if page == "case" else pages[page], screen)
    found = browser.execute_script(ON_SCREEN)
    assert found == {"question": True, "table": True, "curve": True, "contents": screen is DESKTOP}


def test_the_case_is_light_and_short(browser, case):
    """At most 1.5 MB and twelve screens of a desk; plotly.js alone had 4.8 MB, the page 71 screens."""
    assert case.stat().st_size <= 1_500_000
    opened(browser, case, DESKTOP)
    assert browser.execute_script("return document.documentElement.scrollHeight") <= 12 * DESKTOP["height"]


def test_the_first_chart_is_there_within_a_second(browser, case):
    """The best of three; it takes about a tenth."""
    script = """
        const look = () => document.querySelector("#answer .curve")?.getBoundingClientRect().width > 0
          ? requestAnimationFrame(() => { window.firstChart = performance.now(); }) : requestAnimationFrame(look);
        look();"""
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})
    times = []
    for _ in range(3):
        opened(browser, case, DESKTOP)
        wait = "const done = arguments[0], ask = () => window.firstChart ? done(firstChart) : setTimeout(ask, 5); ask()"
        times.append(browser.execute_async_script(wait))
    browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
    assert min(times) < 1000


def test_every_chart_is_drawn(browser, file):
    opened(browser, file, DESKTOP)
    drawn = browser.execute_script("""
        for (const fold of document.querySelectorAll(".fold")) fold.open = true;
        return [...document.querySelectorAll(".chart")].map((chart) => {
          const marks = chart.querySelectorAll("path:not(.grid):not(.rule), rect, line, use");
          const box = chart.getBoundingClientRect();
          const inked = [...marks].filter((mark) => mark.getBoundingClientRect().width > 0);
          return [chart.closest("figure").querySelector("h3").textContent, inked.length, box.width, box.height];
        })""")
    assert len(drawn) >= 5
    for name, marks, width, height in drawn:
        assert marks > 0, name
        assert width > 300, name
        assert height > 60, name


def test_words_of_a_chart_do_not_overlap(browser, file):
    """Ticks, numbers at risk and labels, on a phone."""
    opened(browser, file, PHONE)
    overlaps = browser.execute_script("""
        for (const fold of document.querySelectorAll(".fold")) fold.open = true;
        const found = [];
        for (const drawing of document.querySelectorAll("svg.drawing, svg.axis")) {
          const boxes = [...drawing.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
          boxes.forEach(([one, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
            if (a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom) found.push([one, other]);
          }));
        }
        return found;""")
    assert overlaps == []


@pytest.mark.parametrize("page", ["first", "clinical", "queue", "two", "psa"])
def test_a_curve_gives_its_values_at_the_pointer(browser, pages, page):
    """The time, and for each curve the value within its 95% interval, which one run with a queue does not have."""
    opened(browser, pages[page], DESKTOP)
    time, values = at_the_pointer(browser)
    assert re.search(r"^\w+ since .*: [\d.]+$", time)
    assert len(values) == {"first": 2, "clinical": 1, "queue": 1, "two": 2, "psa": 2}[page]
    assert all(low <= value <= high and (low < high or page == "queue") for value, low, high in values)


def at_the_pointer(browser: webdriver.Chrome, *, across: float = 0.5) -> tuple[str, list[tuple[float, ...]]]:
    """The time at a part of the width of the first curve; the value, low and high of each curve there.

    Low and high are the value where none are shown.
    """
    drawing = browser.find_element("css selector", "#answer .drawing")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", drawing)
    offset = round((across - 0.5) * drawing.size["width"])
    # In two moves: one that ends where the pointer already is has no event
    ActionChains(browser).move_to_element_with_offset(drawing, offset, -70).move_by_offset(0, 10).perform()
    tip = browser.find_element("css selector", ".tip")
    assert tip.is_displayed()
    time, *lines = tip.text.split("\n")
    found = [re.fullmatch(r"([\d.]+)% (?:\(([\d.]+) to ([\d.]+)\) )?\w.*", line) for line in lines]
    assert all(found), lines
    return time, [tuple(float(end or one[1]) for end in one.groups()) for one in found if one]


def test_the_pointer_at_the_end_gives_the_last_row_of_the_table(browser, pages):
    """The median and the 95% band of both arms; a pixel of the fan is at most half a percentage point."""
    opened(browser, pages["psa"], DESKTOP)
    cells = browser.execute_script("""
        const row = [...document.querySelectorAll("#answer figure tbody tr")].pop();
        return [...row.cells].slice(1).map((cell) => cell.textContent)""")
    printed = [float(number) for cell in cells for number in re.findall(r"[\d.]+", cell)]
    _, values = at_the_pointer(browser, across=0.998)
    assert sorted(number for row in values for number in row) == pytest.approx(sorted(printed), abs=0.5)


def test_fits_a_phone(browser, file):
    opened(browser, file, PHONE)
    wide = browser.execute_script("""
        const outside = (node) => node.closest(".scrolls, .chart.wide, script, .skip, .tip, .definitions") === null;
        return [...document.body.querySelectorAll("*")].filter(outside)
          .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
          .map((node) => node.tagName + " " + (node.getAttribute("class") || ""))""")
    assert wide == []
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_in_charts_take_the_colour_of_the_page(browser, file, scheme):
    opened(browser, file, DESKTOP, scheme)
    ink, fills = browser.execute_script("""
        const ticks = [...document.querySelectorAll(".drawing text:not(.title)")];
        return [getComputedStyle(document.body).color, [...new Set(ticks.map((t) => getComputedStyle(t).fill))]]""")
    assert fills == [ink]


def test_by_keyboard(browser, file):
    """The first stop skips to the answer, the next are the contents, and each table can be unfolded."""
    opened(browser, file, DESKTOP)
    where = "const it = document.activeElement; return [it.tagName, it.getAttribute('href') || '']"
    stops = []
    for _ in range(4):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        stops.append(browser.execute_script(where))
    assert stops[0] == ["A", "#main"]
    box = browser.execute_script("return document.querySelector('.skip').getBoundingClientRect().left")
    assert box < 0, "the skip link hides again when it is left"
    page = file.parent.name.rstrip("0123456789")
    first_section = {"two": "#differences", "psa": "#decision"}.get(page, "#flow")
    assert stops[1:] == [["SUMMARY", ""], ["A", "#answer"], ["A", first_section]]
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(outline) != "none"
    browser.execute_script("document.querySelector('.fold > summary').focus()")
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    assert browser.execute_script("return document.querySelector('.fold').open")


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_one_patient_is_drawn_in_both_arms(browser, tmp_path, screen):
    """The bars do not run into the legend, however few lanes there are."""
    two_lines, withheld = (
        simulated(CLINICAL, "patients.number=400", *changes)
        for changes in ((), ("parameters.max_car_t={value: 0}",))
    )
    comparison = compared(("as it is", two_lines), ("no CAR-T", withheld))
    index = comparison.results.arm("no CAR-T").divergences[0].patient
    write_whole(tmp_path / "patient.html", trace_page(comparison.arms, index, {"command": "allpath trace"}))
    opened(browser, tmp_path / "patient.html", screen)
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    legend, bars, lanes = browser.execute_script("""
        const chart = document.querySelector(".chart");
        const bars = [...chart.querySelectorAll(".lane rect")].map((bar) => bar.getBoundingClientRect());
        return [chart.querySelector(".legend").getBoundingClientRect().bottom, Math.min(...bars.map((bar) => bar.top)),
          [...chart.querySelectorAll(".label")].map((text) => text.textContent)]""")
    assert [lane.split(" ")[0] for lane in lanes] == [f"{index},"] * 2
    assert lanes[0] != lanes[1]
    assert legend <= bars


@pytest.mark.parametrize("file", ["queue"], indirect=True)
def test_a_day_is_chosen_by_keyboard(browser, file):
    """The counts are those of the table that stands for them, which the log was read for."""
    opened(browser, file, DESKTOP)
    browser.execute_script("document.querySelector('.census input[type=range]').focus()")
    ActionChains(browser).send_keys(Keys.END).perform()
    last, rows = browser.execute_script("""
        const box = document.querySelector(".census"), [chosen, numbers] = box.querySelectorAll("tbody");
        const shown = [...chosen.rows].map((row) => [row.cells[0].textContent, row.cells[1].textContent]);
        const kept = [...numbers.rows].map((row) => [row.cells[0].textContent.trim(), row.cells[10].textContent.trim()]);
        return [box.querySelector("input").value, [shown, kept]]""")
    assert last == "400"
    assert rows[0] == rows[1]


def test_headings_go_down_one_by_one(browser, file):
    opened(browser, file, DESKTOP)
    levels = browser.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize(("media", "is_shown"), [("screen", False), ("print", True)])
def test_only_paper_has_a_note_on_where_the_numbers_are(browser, file, media, is_shown):
    """Where they cannot be unfolded."""
    opened(browser, file, DESKTOP)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
    seen = "return document.querySelector(arguments[0]).checkVisibility()"
    assert browser.execute_script(seen, ".on-paper") == is_shown
    assert browser.execute_script(seen, ".numbers > summary") != is_shown


def test_four_arms_fit_on_paper_with_their_differences(browser, tmp_path):
    """Letter, 8.5 inches at 96 pixels, less two margins of 14 mm."""
    names = [
        "two_lines_then_transplant",
        "car_t_withheld_for_cns",
        "one_line_then_transplant",
        "two_lines_no_transplant",
    ]
    changes = [()] + [(f"parameters.max_car_t={{value: {n}}}",) for n in (0, 1, 0)]
    runs = [simulated(CLINICAL, "patients.number=400", *of) for of in changes]
    comparison = compared(*zip(names, runs, strict=True))
    write_whole(tmp_path / "page.html", comparison_page(comparison.arms, comparison.results, {}))
    opened(browser, tmp_path / "page.html", DESKTOP | {"width": 710})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    right = "return document.querySelector('#answer table').getBoundingClientRect().right"
    assert browser.execute_script(right) <= 710


def test_prints(browser, file):
    opened(browser, file, DESKTOP, "dark")
    paper = {"preferCSSPageSize": True, "printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69}
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", paper)["data"])
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 3
    assert len(pdf) > 50_000


def test_the_figure_of_the_readme_is_what_its_command_makes(browser, case):
    """Its words and numbers (who is at risk) are compared: where they stand depends on the fonts there are."""
    words = re.compile(r"<text[^>]*>(.*?)</text>", re.S)
    _, _, kept_as, *_ = recipe("figure", "python -m tests.browser.figure")
    made = figure(browser, case)
    kept = (ROOT / kept_as).read_text("utf-8")
    assert sorted(words.findall(made)) == sorted(words.findall(kept))
    assert len(words.findall(kept)) > 20
