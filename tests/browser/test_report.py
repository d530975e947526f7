"""The page in a real browser: Chromium, driven by selenium. Run by `make browser`, which says what it needs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from sim.files import write_whole
from sim.report.page.page import comparison_page, run_page, trace_page
from tests.browser.chromium import drawn, started
from tests.browser.figure import figure
from tests.example_runs import CLINICAL, FIRST, QUEUE, arm_of, compared, simulated
from tests.makefile import ROOT, recipe

PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
DESKTOP = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    driver = started(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="session", params=["first", "clinical", "queue", "two"])
def file(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    facts = {"command": "allpath run"}
    if request.param == "two":
        later = "pathway.stages.car_t.events.assessment.to={remission: 0.6, relapse: rest}"
        one, other = (simulated(FIRST, "patients.number=400", *changes) for changes in ((), (later,)))
        comparison = compared(("as it is", one), ("fewer remissions", other))
        text = comparison_page(comparison.arms, comparison.results, facts)
    else:
        (folder / "queue.yaml").write_text(QUEUE)
        sources = {"queue": (folder / "queue.yaml",), "clinical": (CLINICAL, "patients.number=400")}
        run = simulated(*sources.get(request.param, (FIRST, "patients.number=400")))
        text = run_page([arm_of(run, "as it is")], run.results, facts)
    write_whole(folder / "page.html", text)
    return folder / "page.html"


def opened(browser: webdriver.Chrome, file: Path, screen: dict, scheme: str = "light") -> None:
    """The page on a screen, when every chart is drawn; logs are emptied before."""
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    drawn(browser, file)


def requests(browser: webdriver.Chrome) -> list[str]:
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith(("data:", "about:", "blob:"))]


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_opens_without_an_error_and_fetches_nothing(browser, file, screen):
    opened(browser, file, screen)
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    assert requests(browser) == [file.as_uri()]


def test_every_chart_is_drawn(browser, file):
    opened(browser, file, DESKTOP)
    drawn = browser.execute_script("""
        return [...document.querySelectorAll(".chart")].map((chart) => {
          const marks = chart.querySelectorAll(
            ".trace path, .trace text, .point path, .points path, .sankey-node rect, .box, .fills path");
          const box = chart.querySelector("svg.main-svg").getBoundingClientRect();
          const inked = [...marks].filter((mark) => mark.getBoundingClientRect().width > 0);
          return [chart.getAttribute("aria-label"), inked.length, box.width, box.height];
        })""")
    assert len(drawn) >= 5
    for name, marks, width, height in drawn:
        assert marks > 0, name
        assert width > 300, name
        assert height > 120, name


def test_fits_a_phone(browser, file):
    opened(browser, file, PHONE)
    wide = browser.execute_script("""
        const outside = (node) => node.closest(".scrolls, .frame.wide, script, .skip") === null;
        return [...document.body.querySelectorAll("*")].filter(outside)
          .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
          .map((node) => node.tagName + " " + (node.getAttribute("class") || ""))""")
    assert wide == []
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_in_charts_take_the_colour_of_the_page(browser, file, scheme):
    opened(browser, file, DESKTOP, scheme)
    ink, fills = browser.execute_script("""
        const ticks = [...document.querySelectorAll(".xtick text, .ytick text")];
        return [getComputedStyle(document.body).color, [...new Set(ticks.map((t) => getComputedStyle(t).fill))]]""")
    assert fills == [ink]


def test_by_keyboard(browser, file):
    """The first stop skips to the answer, the next are the contents, and each table can be unfolded."""
    opened(browser, file, DESKTOP)
    where = "const it = document.activeElement; return [it.tagName, it.getAttribute('href') || '']"
    stops = []
    for _ in range(3):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        stops.append(browser.execute_script(where))
    assert stops[0] == ["A", "#main"]
    box = browser.execute_script("return document.querySelector('.skip').getBoundingClientRect().left")
    assert box < 0, "the skip link hides again when it is left"
    assert stops[1:] == [
        ["A", "#answer"],
        ["A", "#scenarios" if file.parent.name.startswith("two") else "#outcomes"],
    ]
    outline = "return getComputedStyle(document.activeElement).outlineStyle"
    assert browser.execute_script(outline) != "none"
    browser.execute_script("document.querySelector('summary').focus()")
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    assert browser.execute_script("return document.querySelector('details').open")


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
        const bars = [...chart.querySelectorAll(".bars .point path")].map((bar) => bar.getBoundingClientRect());
        return [chart.querySelector(".legend").getBoundingClientRect().bottom, Math.min(...bars.map((bar) => bar.top)),
          [...chart.querySelectorAll(".ytick text")].map((text) => text.textContent)]""")
    assert sorted(lanes) == [f"{index}, as it is", f"{index}, no CAR-T"]
    assert legend <= bars


@pytest.mark.parametrize("file", ["queue"], indirect=True)
def test_a_day_is_chosen_by_keyboard(browser, file):
    """The counts are those of the table that stands for them, which the log was read for."""
    opened(browser, file, DESKTOP)
    browser.execute_script("document.querySelector('.census input[type=range]').focus()")
    ActionChains(browser).send_keys(Keys.END).perform()
    last, sentence, rows = browser.execute_script("""
        const box = document.querySelector(".census"), [chosen, numbers] = box.querySelectorAll("tbody");
        const shown = [...chosen.rows].map((row) => [row.cells[0].textContent, row.cells[1].textContent]);
        const kept = [...numbers.rows].map((row) => [row.cells[0].textContent.trim(), row.cells[10].textContent.trim()]);
        return [box.querySelector("input").value, box.querySelector(".counts").textContent, [shown, kept]]""")
    assert last == "400"
    assert sentence.startswith("Day 400: ")
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
    assert browser.execute_script(seen, "summary") != is_shown


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
    widths = browser.execute_script("""
        return [...document.querySelectorAll("#outcomes table")].map((table) => table.getBoundingClientRect().right)""")
    assert len(widths) == 2
    assert max(widths) <= 710


def test_prints(browser, file):
    opened(browser, file, DESKTOP, "dark")
    paper = {"preferCSSPageSize": True, "printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69}
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", paper)["data"])
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 3
    assert len(pdf) > 100_000


def test_the_figure_of_the_readme_is_what_its_command_makes(browser, tmp_path):
    """Its words and numbers (who is at risk) are compared: where they stand depends on the fonts there are."""
    words = re.compile(r"<text[^>]*>(.*?)</text>", re.S)
    _, _, kept_as, *arguments = recipe("figure", "python -m tests.browser.figure")
    made = figure(browser, arguments, tmp_path)
    kept = (ROOT / kept_as).read_text("utf-8")
    assert sorted(words.findall(made)) == sorted(words.findall(kept))
    assert len(words.findall(kept)) > 20
