"""The pictures of reports in the documentation: ``python -m tests.docs.screenshots``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tests.support.browser import started
from tests.support.command import run

#: A picture -> the command whose report it shows, what is clicked there first, the part of the page, and its height.
PICTURES = {
    "report": (("summary", "torch:resnet50"), (".network [aria-label^='0, Bottleneck']",), None, 900),
    "report-diff": (("diff", "torch:resnet50", "torch:resnext50_32x4d"), (), None, 900),
    "report-where": (("summary", "torch:resnet50"), (), "section.where", 900),
}


def main() -> None:
    """Writes all of them into `docs/pictures`."""
    folder = Path(__file__).resolve().parents[2] / "docs" / "pictures"
    with started() as browser, tempfile.TemporaryDirectory() as temporary:
        os.chdir(temporary)  # the pages show their commands, as somebody would type them
        for name, (command, clicks, part, height) in PICTURES.items():
            file = Path("report.html").absolute()
            assert run(*command, "-o", file.name).returncode == 0
            page = browser.new_page(viewport={"width": 1440, "height": height})
            page.goto(file.as_uri())
            page.wait_for_selector("[data-ready]", state="attached")
            for selector in clicks:
                page.locator(selector).first.click()
            page.mouse.move(0, 0)
            shown = page.locator(part) if part else page
            shown.screenshot(path=folder / f"{name}.png")
            page.close()
        os.chdir(folder)  # a folder in use can't be removed on Windows


if __name__ == "__main__":
    main()
