"""A headless Chromium, and a record of all that a page does beside showing itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Request

#: What a Chromium may be called on the PATH.
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
#: axe, which finds obstacles for people who don't see or don't use a mouse; ``make test`` installs it.
AXE = Path(__file__).parents[1] / "javascript" / "node_modules" / "axe-core" / "axe.min.js"

Scheme = Literal["light", "dark"]
Motion = Literal["no-preference", "reduce"]


def missing(reason: str) -> NoReturn:
    """Skips a test that lacks something; where REQUIRE_BROWSER is set, as in CI, the test fails instead."""
    if os.environ.get("REQUIRE_BROWSER"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def started() -> Iterator[Browser]:
    """A browser in a process of its own: the one on the PATH, else Playwright's.

    Playwright runs an event loop in this thread as long: here no other code can call ``asyncio.run``.
    """
    if find_spec("playwright") is None:
        missing("playwright isn't installed")
    from playwright.sync_api import Error, sync_playwright

    found = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            missing("no Chromium is installed")
        # Chromium's own walls don't stand for root; containers often have little shared memory.
        flags = ["--disable-dev-shm-usage"]
        if getattr(os, "geteuid", lambda: 1)() == 0:
            flags.append("--no-sandbox")
        try:
            browser = playwright.chromium.launch(executable_path=found, args=flags)
        except Error as error:
            missing(f"{found or 'Chromium'} doesn't start: {error.message}")
        yield browser
        browser.close()


@dataclass
class Recorded:
    """What pages of one test did that a report must not do."""

    #: Warnings and errors on the console, ``error: text``.
    console: list[str] = field(default_factory=list)
    #: Errors that no code caught.
    errors: list[str] = field(default_factory=list)
    #: ``alert``, ``confirm`` and ``prompt``, each dismissed.
    dialogs: list[str] = field(default_factory=list)
    #: Whatever was asked for beside the file itself; nothing outside the machine is reached.
    requests: list[str] = field(default_factory=list)
    #: Windows and tabs that a page opened.
    popups: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        """Everything, a line each."""
        return [f"{kind} {said}" for kind, lines in vars(self).items() for said in lines]

    def clear(self) -> None:
        """Forgets what was recorded, after a test has looked at it."""
        for lines in vars(self).values():
            lines.clear()


class Opener:
    """Opens pages from files, each in a context of its own, and records what they do."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self._contexts: list[BrowserContext] = []
        #: Those whose pages run scripts, and so can say something later.
        self._alive: list[BrowserContext] = []
        self.recorded = Recorded()

    def __call__(
        self,
        source: str | Path,
        *,
        viewport: tuple[int, int] = (1280, 800),
        color_scheme: Scheme = "light",
        reduced_motion: Motion = "no-preference",
        fragment: str = "",
        java_script: bool = True,
    ) -> Page:
        """The page of an HTML text or of a file, loaded.

        A new context has no storage, no cache and no permissions. ``fragment`` is what follows ``#`` in the address.
        """
        path = source if isinstance(source, Path) else self._written(source)
        address = path.resolve().as_uri()
        context = self._browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            color_scheme=color_scheme,
            reduced_motion=reduced_motion,
            java_script_enabled=java_script,
            locale="en-GB",
            timezone_id="UTC",
        )
        self._contexts.append(context)
        if java_script:
            self._alive.append(context)
        context.set_default_timeout(10_000)
        # A request that is recorded is also refused, so that a faulty page never leaves the machine.
        context.route(lambda url: url.partition("#")[0] != address, lambda route: route.abort())
        page = context.new_page()
        self._listen(context, address)
        page.goto(address + (f"#{fragment}" if fragment else ""), wait_until="load")
        return page

    def _written(self, text: str) -> Path:
        path = self._folder / f"page-{len(self._contexts)}.html"
        path.write_text(text, encoding="utf-8")
        return path

    def _listen(self, context: BrowserContext, address: str) -> None:
        recorded = self.recorded

        def request(request: Request) -> None:
            # A page may load itself again, and has what is in data: and blob: itself.
            own = request.url.partition("#")[0] == address and request.is_navigation_request()
            if not own and not request.url.startswith(("data:", "blob:")):
                recorded.requests.append(request.url)

        def dialog(dialog: Dialog) -> None:
            recorded.dialogs.append(f"{dialog.type}: {dialog.message}")
            dialog.dismiss()

        def console(said: ConsoleMessage) -> None:
            if said.type in ("error", "warning", "assert"):
                recorded.console.append(f"{said.type}: {said.text}")

        context.on("request", request)
        context.on("dialog", dialog)
        context.on("weberror", lambda error: recorded.errors.append(f"{error.error.name}: {error.error.message}"))
        context.on("console", console)
        context.on("page", lambda other: recorded.popups.append(other.url))

    def close(self) -> None:
        """Closes all pages, after what they still had to say has been heard."""
        for context in self._contexts:
            for page in context.pages if context in self._alive else ():
                settle(page)
            context.close()
        self._contexts.clear()
        self._alive.clear()


@contextmanager
def opening(browser: Browser, folder: Path) -> Iterator[Opener]:
    """An opener whose pages must have done nothing, in the end, that is recorded."""
    opener = Opener(browser, folder)
    try:
        yield opener
    finally:
        opener.close()
    said = opener.recorded.all()
    assert not said, "\n".join(said)


def settle(page: Page) -> None:
    """Waits for two frames, in which a page does what it put off, and hears what it has said until then."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))")


def obstacles(page: Page, *, ignored: tuple[str, ...] = ()) -> list[str]:
    """What axe finds on a page as it is shown now: ``rule: what is wrong (where)``, less the rules to ignore."""
    if not AXE.exists():
        missing("axe-core isn't installed: npm ci in tests/javascript")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [
        f"{rule['id']}: {rule['help']} ({', '.join(str(node['target'][0]) for node in rule['nodes'][:5])})"
        for rule in found
        if rule["id"] not in ignored
    ]
