"""The figure of the README: the first curves of a comparison's page, saved by the page itself.

python -m tests.browser.figure FILE.svg A.yaml B.yaml ...: compares, opens the page, and has plotly give the
chart as SVG, so that nothing draws the figure but what draws the page.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

from selenium import webdriver

from tests.browser.chromium import drawn, started

TO_IMAGE = """
const done = arguments[arguments.length - 1];
const chart = document.querySelector("#curves-1 .chart");
Plotly.relayout(chart, { paper_bgcolor: "#ffffff" })
  .then(() => Plotly.toImage(chart, { format: "svg", width: 760, height: 500 }))
  .then(done);
"""


def figure(browser: webdriver.Chrome, compared: list[str], folder: Path) -> str:
    """The first curves of a comparison with these arguments, as SVG."""
    page = folder / "page.html"
    command = [sys.executable, "-m", "sim.cli.main", "compare", *compared, "--report", str(page)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    features = [{"name": "prefers-color-scheme", "value": "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    drawn(browser, page)
    text: str = browser.execute_async_script(TO_IMAGE)
    return unquote(text.partition(",")[2]) + "\n"


if __name__ == "__main__":
    file, *compared = sys.argv[1:]
    with tempfile.TemporaryDirectory() as made:
        browser = started(Path(made) / "profile")
        try:
            text = figure(browser, compared, Path(made))
        finally:
            browser.quit()
        Path(file).write_text(text, "utf-8")
