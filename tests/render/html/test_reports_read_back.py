"""A report is a saved summary too: every command that reads one reads it, and no page can do more than be refused."""

from __future__ import annotations

import base64
import codecs
import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect import ir_html, ir_json
from resnet_inspect.errors import ModelError
from resnet_inspect.ir import Summary
from resnet_inspect.render import View, render
from tests.support.browser import Opener
from tests.support.command import local, run
from tests.support.examples import examples
from tests.support.reports import ready, report, summary, unsigned
from tests.support.strange_files import measured
from tests.support.summaries import summaries

#: Bytes that a command may take for any page: what a page holds may be as large as a summary is, which is 64 MiB.
MOST_MEMORY = 2**28
PAGE = report(summary("local:resnet18"))
_NETWORK = re.compile(r'<script type="application/gzip" id="network">([^<]*)</script>')


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A report that the command wrote."""
    path = tmp_path / "a.html"
    done = local("summary", "resnet18", "-o", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    return path


def test_a_report_gives_the_document_that_it_was_made_of(saved: Path, tmp_path: Path) -> None:
    document = local("summary", "resnet18", "--format", "json").stdout
    assert local("summary", str(saved), "--format", "json").stdout == document
    # Named or not as one, from a file or from a pipe, and made again from what was read.
    renamed = tmp_path / "report"
    renamed.write_bytes(saved.read_bytes())
    assert local("summary", str(renamed), "--format", "json").stdout == document
    assert local("summary", "-", "--format", "json", text=saved.read_text()).stdout == document
    again = local("summary", str(saved), "--format", "html").stdout
    assert unsigned(again) == unsigned(saved.read_text()) == PAGE


def test_commands_that_read_summaries_read_reports(saved: Path, tmp_path: Path) -> None:
    json, other = tmp_path / "a.json", tmp_path / "b.html"
    assert local("summary", "resnet18", "-o", str(json)).returncode == 0
    assert local("summary", "resnet34", "-o", str(other)).returncode == 0
    assert local("residual", str(saved)).stdout == local("residual", str(json)).stdout
    assert local("compare", str(saved)).stdout == local("compare", str(json)).stdout
    found = local("diff", str(saved), str(other))
    assert "layer4.2" in found.stdout
    assert found.stdout == local("diff", str(json), str(other)).stdout
    assert local("diff", str(json), str(saved), "--exit-code").returncode == 0
    assert local("diff", str(saved), "-", "--exit-code", text=PAGE).returncode == 0


@given(summaries())
@examples(60)
def test_any_summary_comes_back(made: Summary) -> None:
    page = render(made, "html", View())
    assert ir_html.loads(page.encode()) == made
    assert render(ir_html.loads(page.encode()), "html", View()) == page


def test_the_same_network_gives_the_same_bytes() -> None:
    for seed in ("1", "2"):
        done = run("summary", "resnet18", "--format", "html", env={"PYTHONHASHSEED": seed})
        assert unsigned(done.stdout) == PAGE


def _packed(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unpacked(text: str) -> bytes:
    return gzip.decompress(base64.b64decode(text))


def _bomb() -> str:
    """Half a gigabyte of spaces."""
    packing = zlib.compressobj(1, wbits=31)
    return _packed(b"".join([*(packing.compress(b" " * 2**20) for _ in range(512)), packing.flush()]))


#: What happened to a report's document -> its packed text, and what is said of it.
DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "no base64": (lambda text: text[:-3], "is damaged"),
    "another letter": (lambda text: text[:400] + ("A" if text[400] != "A" else "B") + text[401:], "is damaged"),
    "half of it": (lambda text: text[: len(text) // 8 * 4], "cut off"),
    "nothing": (lambda text: "", "cut off"),
    "no gzip": (lambda text: _packed(b"{}" * 50), "is damaged"),
    "no JSON": (lambda text: _packed(gzip.compress(b"hello")), "not JSON"),
    "no summary": (lambda text: _packed(gzip.compress(b"[1, 2]")), "not a summary"),
    "other totals": (
        lambda text: _packed(
            gzip.compress(gzip.decompress(base64.b64decode(text)).replace(b"11689512", b"11689513", 1))
        ),
        "changed by hand",
    ),
    "a bomb": (lambda text: _bomb(), "more than the 67108864"),
}


def refused(path: Path, said: str) -> None:
    """One clear line, exit code 3, and no more memory than a summary may take."""
    code, complaint, _, memory = measured("summary", str(path))
    assert (code, complaint.count("\n")) == (3, 1), complaint
    assert said in complaint
    assert path.name in complaint
    assert "internal error" not in complaint
    assert memory < MOST_MEMORY


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_report_is_refused(damage: str, tmp_path: Path) -> None:
    change, said = DAMAGES[damage]
    path = tmp_path / "net.html"
    path.write_text(_NETWORK.sub(lambda found: found[0].replace(found[1], change(found[1])), PAGE))
    assert damage == "nothing" or path.read_text() != PAGE
    refused(path, said)


#: A page that is not a report of one network -> what is said of it.
PAGES = {
    "none": (_NETWORK.sub("", PAGE), "shows no network"),
    "two": (_NETWORK.sub(lambda found: found[0] + found[0].replace('"network"', '"network-2"'), PAGE), "2 networks"),
    "cut off": (PAGE[: PAGE.index('id="network"') + 1000], "shows no network"),
    "cut in its beginning": (PAGE[:20], ""),
    "of others": ("<!doctype html><title>a</title>", "shows no network"),
    "markup": ("<svg xmlns='http://www.w3.org/2000/svg'/>", ""),
}


#: What has become of a page on its way -> its bytes.
REWRITTEN = {
    "lines end as on Windows": PAGE.replace("\n", "\r\n").encode(),
    "with a mark in front": b"\xef\xbb\xbf" + PAGE.encode(),
    "by PowerShell's >": codecs.BOM_UTF16_LE + PAGE.encode("utf-16-le"),
    "the other way round": codecs.BOM_UTF16_BE + PAGE.encode("utf-16-be"),
    "behind a line": b"\n" + PAGE.encode(),
    "by a browser": PAGE.replace(
        ir_html.BEGINNING, "<!DOCTYPE html>\n<!-- saved from url=(0014)about:internet -->\n<html>"
    )
    .replace("<main></main>", "<main><svg></svg></main>")
    .encode(),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_a_report_that_was_written_again_is_one(case: str, tmp_path: Path) -> None:
    path = tmp_path / "net.html"
    path.write_bytes(REWRITTEN[case])
    document = ir_json.dumps(summary("local:resnet18"))
    assert local("summary", str(path), "--format", "json").stdout == document
    assert ir_json.dumps(ir_html.loads(REWRITTEN[case])) == document


def test_a_page_that_a_browser_saved_is_drawn_once(opened: Opener) -> None:
    saved = ready(opened(PAGE)).content()
    page = ready(opened(saved.replace(' data-ready=""', "", 1)))
    assert page.locator("svg.network").count() == 1
    page.locator(".head button").click()
    assert page.locator("dialog[open]").count() == 1
    # Places of elements are attributes there, which the policy refuses and the script sets anew.
    assert all("Applying inline style" in said for said in opened.recorded.console)
    opened.recorded.console.clear()


@pytest.mark.parametrize("case", PAGES)
def test_a_page_without_one_network_is_refused(case: str, tmp_path: Path) -> None:
    text, said = PAGES[case]
    path = tmp_path / "net.html"
    path.write_text(text)
    refused(path, said)
    done = local("summary", "-", text=text)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1), done.stderr
    assert "standard input" in done.stderr


@given(st.data())
@examples(150)
def test_a_report_that_is_changed_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(PAGE.encode())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place : place + data.draw(st.integers(0, 50))] = data.draw(st.binary(max_size=20))
    try:
        found = ir_html.loads(bytes(content))
    except ModelError:
        pass
    else:
        assert ir_json.dumps(found) == ir_json.dumps(summary("local:resnet18"))
