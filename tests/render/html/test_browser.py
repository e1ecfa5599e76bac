"""The record of what a page does has all that it is for: what it doesn't see, no test of the report would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Opener, missing, obstacles, opening, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GOOD = "<!doctype html><html lang=en><title>Good</title><main><h1>Good</h1>{}</main></html>"


def test_a_page_that_only_shows_itself_leaves_no_record(opened: Opener, tmp_path: Path) -> None:
    file = tmp_path / "a b#ü.html"
    file.write_text(GOOD.format("<p id=place>There<script>console.log('fine')</script>"), encoding="utf-8")
    page = opened(file, viewport=(320, 500), color_scheme="dark", reduced_motion="reduce", fragment="place")
    assert page.viewport_size == {"width": 320, "height": 500}
    queries = ("(prefers-color-scheme: dark)", "(prefers-reduced-motion: reduce)", "(width: 320px)")
    assert [page.evaluate("query => matchMedia(query).matches", query) for query in queries] == [True] * 3
    assert page.evaluate("location.hash") == "#place"
    page.reload()
    assert obstacles(page) == []
    light = opened(GOOD.format("<noscript>none</noscript>"), java_script=False)
    assert light.inner_text("noscript") == "none"


#: What a page must not do -> a part of the line that records it.
BAD = {
    "<script>console.error('no', 1)</script>": "console error: no 1",
    "<script>console.warn('hm')</script>": "console warning: hm",
    "<script>throw new TypeError('oh')</script>": "errors TypeError: oh",
    "<script>Promise.reject(new Error('late'))</script>": "errors Error: late",
    "<script>requestAnimationFrame(() => { throw new Error('later') })</script>": "errors Error: later",
    "<script>alert('hello')</script>": "dialogs alert: hello",
    "<script>prompt('name?')</script>": "dialogs prompt: name?",
    "<img src='https://example.invalid/a.png' alt=''>": "requests https://example.invalid/a.png",
    "<link rel=stylesheet href='other.css'>": "/other.css",
    "<style>main {background: url(https://example.invalid/b.png)}</style>": "requests https://example.invalid/b.png",
    "<script>navigator.sendBeacon('https://example.invalid/c')</script>": "requests https://example.invalid/c",
    "<iframe src='https://example.invalid/d'></iframe>": "requests https://example.invalid/d",
    "<script>fetch('https://example.invalid/e').catch(() => 0)</script>": "requests https://example.invalid/e",
    "<script>window.open('about:blank')</script>": "popups about:blank",
}


def test_what_a_page_must_not_do_is_recorded(opened: Opener) -> None:
    settle(opened(GOOD.format("".join(BAD))))
    said = opened.recorded.all()
    opened.recorded.clear()
    # Requests are refused, so that no test depends on a network; Chromium writes that to the console.
    said = [line for line in said if "net::ERR_FAILED" not in line]
    unheard = [part for part in BAD.values() if not any(part in line for line in said)]
    assert unheard == []
    unexpected = [line for line in said if not any(part in line for part in BAD.values())]
    assert unexpected == []


def test_a_test_fails_whose_page_did_any_of_it(browser: Browser, tmp_path: Path) -> None:
    body = "<img src='https://example.invalid/a.png' alt=''><script>alert('hello'); throw new Error('oh')</script>"
    with pytest.raises(AssertionError, match="hello"), opening(browser, tmp_path) as opened:
        opened(GOOD.format(body))
    assert {line.split()[0] for line in opened.recorded.all()} == {"console", "errors", "dialogs", "requests"}


@pytest.mark.parametrize(("required", "outcome"), [("", "Skipped"), ("1", "Failed")])
def test_ci_does_not_go_on_without_a_browser(required: str, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_BROWSER", required)
    # Neither is an ``Exception``, so that no test catches it by chance.
    with pytest.raises(BaseException, match="no browser") as raised:
        missing("no browser")
    assert type(raised.value).__name__ == outcome


def test_obstacles_are_found(opened: Opener) -> None:
    page = opened(GOOD.format("<img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"))
    found = obstacles(page)
    assert [line.partition(":")[0] for line in found] == ["image-alt"]
    assert obstacles(page, ignored=("image-alt",)) == []
