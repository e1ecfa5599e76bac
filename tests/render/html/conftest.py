"""The browser in which the HTML report is tested: one for each worker, started for the first test that asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Opener, opening, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens pages; in the end none may have complained, opened a dialog or asked for anything beside its file."""
    with opening(browser, tmp_path) as opener:
        yield opener
