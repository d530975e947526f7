"""The figure of the README: the first curves of a comparison's page, saved by the page itself.

python -m tests.browser.figure FILE.svg A.yaml B.yaml ...: compares, opens the page, and has it save the
chart as SVG, so that nothing draws the figure but what draws the page.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from selenium import webdriver

from tests.browser.chromium import started

SCREEN = {"width": 800, "height": 800, "deviceScaleFactor": 1, "mobile": False}


def compare(arguments: list[str], page: Path) -> None:
    """Write the page of a comparison with these arguments."""
    command = [sys.executable, "-m", "sim.cli.main", "compare", *arguments, "--report", str(page)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def figure(browser: webdriver.Chrome, page: Path) -> str:
    """The first chart of a page, as SVG."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SCREEN)
    features = [{"name": "prefers-color-scheme", "value": "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    browser.get(page.as_uri())
    text: str = browser.execute_script("return standalone(document.querySelector('#answer .chart'))")
    return text + "\n"


if __name__ == "__main__":
    file, *compared = sys.argv[1:]
    with tempfile.TemporaryDirectory() as made:
        compare(compared, Path(made) / "page.html")
        browser = started(Path(made) / "profile")
        try:
            text = figure(browser, Path(made) / "page.html")
        finally:
            browser.quit()
        Path(file).write_text(text, "utf-8")
