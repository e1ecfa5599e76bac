"""Where a report is seen: in the browser that a command or a method opens, or in a frame of a notebook."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest

import resnet_inspect
from resnet_inspect import ir_json
from resnet_inspect.render.html import showing
from resnet_inspect.results import Summary
from tests.support import small_residual as small
from tests.support.browser import Opener
from tests.support.command import local
from tests.support.reports import unsigned

NETWORK = Summary.of(small.summary())
OTHER = Summary.of(small.summary(small.taken_out(small.nodes(), "body.b.add")))

posix = pytest.mark.skipif(
    sys.platform != "linux", reason="a browser is a script here, which Windows and macOS ask not"
)


class Browser:
    """A script that is taken for a browser and notes what it is to open."""

    def __init__(self, folder: Path, code: int = 0) -> None:
        self._noted = folder / "opened"
        self._noted.touch()
        script = folder / "browser"
        script.write_text(f'#!/bin/sh\necho "$1" >> "{self._noted}"\nexit {code}\n', encoding="utf-8")
        script.chmod(0o700)
        (folder / "tmp").mkdir()
        # Nothing else that could show a page: no screen, and no program.
        self.env = {"BROWSER": str(script), "DISPLAY": "", "WAYLAND_DISPLAY": "", "TMPDIR": str(folder / "tmp")}
        if code:
            self.env["PATH"] = str(folder)

    @property
    def opened(self) -> list[Path]:
        """The files that it was to open."""
        return [Path(unquote(urlsplit(line).path)) for line in self._noted.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, where the test stands, with two saved summaries."""
    for name, shown in (("old.json", NETWORK), ("new.json", OTHER)):
        (tmp_path / name).write_text(ir_json.dumps(shown), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


#: What to show -> the exit code, which is that of the command without ``--open``, and the page's title.
COMMANDS = {
    "summary old.json": (0, "local:toy"),
    "block": (0, "local:residual_block"),
    "residual old.json": (0, "Residual blocks of local:toy"),
    "diff old.json new.json --exit-code": (1, "local:toy → local:toy"),
    "check old.json --max-params 1": (1, "Checked: old.json"),
    "compare old.json new.json": (0, "2 networks"),
    "sweep resnet18 --input 3x32..64:32": (0, "local:resnet18 at 2 sizes"),
}


@posix
@pytest.mark.parametrize("command", COMMANDS)
def test_a_report_is_opened(command: str, folder: Path) -> None:
    browser = Browser(folder)
    code, title = COMMANDS[command]
    done = local(*command.split(), "--open", env=browser.env)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    (path,) = browser.opened
    assert path.parent == folder / "tmp"
    assert f"<title>{title}</title>" in path.read_text(encoding="utf-8")
    # What is shown may be nobody else's to see.
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_a_file_that_is_kept_is_the_one_that_is_opened(folder: Path) -> None:
    browser = Browser(folder)
    done = local("summary", "old.json", "--open", "-o", "a b#ü.htm", env=browser.env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert browser.opened == [folder / "a b#ü.htm"]
    assert not list((folder / "tmp").iterdir())
    printed = local("summary", "old.json", "--format", "html")
    kept = browser.opened[0].read_text(encoding="utf-8")
    assert unsigned(printed.stdout) == NETWORK.to_html() == unsigned(kept)


@posix
@pytest.mark.parametrize(
    "command",
    ["summary old.json", "diff old.json new.json", "check old.json", "compare old.json"],
)
def test_only_a_report_can_be_opened(command: str, folder: Path) -> None:
    browser = Browser(folder)
    done = local(*command.split(), "--open", "--format", "json", env=browser.env)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --open is for a report, not for json: use --format html\n"
    assert browser.opened == []


@posix
def test_without_a_browser_the_file_is_named(folder: Path) -> None:
    browser = Browser(folder, code=1)
    done = local("summary", "old.json", "--open", env=browser.env)
    (path,) = (folder / "tmp").iterdir()
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"note: no browser can be opened here; the report is {path}\n"
    assert unsigned(path.read_text(encoding="utf-8")) == NETWORK.to_html()
    # What the command has found isn't lost.
    done = local("diff", "old.json", "new.json", "--exit-code", "--open", "-o", "d.html", env=browser.env)
    assert (done.returncode, done.stderr) == (1, "note: no browser can be opened here; the report is d.html\n")
    assert (folder / "d.html").exists()


_SHOWN = """
import resnet_inspect
from resnet_inspect.results import Summary
old, new = (Summary.from_json(open(name, "rb").read()) for name in ("old.json", "new.json"))
for shown in (old, resnet_inspect.diff(old, new), resnet_inspect.check(old, max_params=1)):
    shown.show()
"""


@posix
def test_what_python_shows_is_what_it_gives(folder: Path) -> None:
    browser = Browser(folder)
    done = subprocess.run([sys.executable, "-c", _SHOWN], env={**os.environ, **browser.env}, check=False)
    assert done.returncode == 0
    given = [NETWORK.to_html(), resnet_inspect.diff(NETWORK, OTHER).to_html()]
    given.append(resnet_inspect.check(NETWORK, max_params=1).to_html())
    assert [path.read_text(encoding="utf-8") for path in browser.opened] == given
    for command, page in zip(("summary old.json", "diff old.json new.json"), given, strict=False):
        assert unsigned(local(*command.split(), "--format", "html").stdout) == page


def test_a_notebook_gets_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    # Stands for IPython, which isn't among what tests need; HTML is the text that it was made of.
    display = SimpleNamespace(HTML=str, display=shown.append)
    monkeypatch.setitem(
        sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1), display=display)
    )
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    found = resnet_inspect.diff(NETWORK, OTHER)
    found.show(height=321)
    assert shown == [showing.frame(found.to_html(), 321)]
    assert 'height="321"' in shown[0]


def test_two_frames_of_one_page_leave_each_other_alone(opened: Opener) -> None:
    frames = [showing.frame(shown.to_html(), 500) for shown in (NETWORK, resnet_inspect.diff(NETWORK, OTHER))]
    host = f"<!doctype html><html lang=en><title>Notebook</title><h1>Notebook</h1>{''.join(frames)}</html>"
    page = opened(host)
    before = page.evaluate("history.length")
    _, first, second = page.frames
    for frame in (first, second):
        frame.wait_for_selector("html[data-ready]", state="attached")
    assert [frame.title() for frame in (first, second)] == ["local:toy", "local:toy → local:toy"]

    first.locator(".body .row").filter(has=first.locator("[title='stem']")).click()
    assert first.locator(".details .path bdi").inner_text() == "stem"
    assert second.locator(".details .path").count() == 0
    second.locator(".change").click()
    assert second.locator("[data-side=old] .details .path bdi").inner_text() == "body.b.add"
    assert first.locator(".details .path bdi").inner_text() == "stem"
    # A frame has no way to the page around it, and the page is as it was.
    for frame in (first, second):
        assert frame.evaluate("() => { try { return parent.document.title } catch (error) { return error.name } }") == (
            "SecurityError"
        )
        assert frame.evaluate("origin") == "null"
    assert page.title() == "Notebook"
    after = page.evaluate("[location.hash, history.length, document.querySelectorAll('body > *').length]")
    assert after == ["", before, 3]
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
