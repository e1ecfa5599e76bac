"""The command line on a terminal, which a pseudo-terminal stands in for."""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest

from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from tests.render.test_rails import drawn_edges, edges_of
from tests.support.command import local


def on_terminal(*arguments: str, width: int, height: int = 50, **environment: str) -> str:
    """What stays on a terminal of ``width`` columns and ``height`` lines, colours included."""
    parent, child = pty.openpty()
    ioctl(child, TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "resnet_inspect", *arguments],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "PAGER": "cat", **environment},
    )
    os.close(child)
    seen = b""
    while True:
        try:
            block = os.read(parent, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            break
        if not block:
            break
        seen += block
    os.close(parent)
    assert process.wait() == 0
    # A slow machine also shows the line that moves, and takes it back.
    return re.sub(r"\r[^\r\n]*\x1b\[K", "", seen.decode().replace("\r\n", "\n"))


def table_lines(text: str) -> list[str]:
    """The lines of the table without its colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return [line for line in plain.splitlines() if line[:1] in "╭│├╰+|"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_a_table_fits_and_no_number_is_cut(width: int) -> None:
    text = on_terminal("summary", "--all", width=width)
    lines = table_lines(text)
    assert len(lines) == 176 + 16 + 4  # layers, headings of their blocks, and the frame
    assert max(map(len, text.rpartition("╯")[2].splitlines())) <= max(width, 40)
    assert max(map(len, lines)) <= width
    if width >= 60:
        assert any("2,359,296" in line for line in lines)


def test_rails_are_drawn_on_a_terminal_unless_they_arent_wanted() -> None:
    lines = table_lines(on_terminal("summary", "resnet18", "--all", width=80))
    # A heading's lanes are those that come down to the row below it.
    gutter = [line[2:7] for line in lines[3:-1] if line[2] in "●○"]
    assert drawn_edges(gutter) == edges_of(summarize(Request("resnet18")).summary)
    # What lanes show needs no column of its own; what they push out does.
    assert "Connected to" not in lines[1]
    plain = table_lines(on_terminal("summary", "resnet18", "--no-rails", width=120))
    assert not [line for line in plain if "●" in line]
    assert "Connected to" in plain[1]
    assert not [line for line in table_lines(on_terminal("summary", "--sort", "macs", width=80)) if "●" in line]


def test_names_are_shortened_but_stay_apart() -> None:
    lines = table_lines(on_terminal("summary", "--sort", "params", "--columns", "path,macs", width=38))
    names = [line.split("│")[1].strip() for line in lines[3:-1]]
    assert len(names) == len(set(names)) == 176
    assert any("2,359,296" in line for line in lines)


@pytest.mark.parametrize(
    ("height", "rows", "last"),
    [
        (60, 24, "layer4.2"),
        (50, 24, "layer4.2"),
        (40, 16, "layer4.1 … layer4.2  x2"),
        (28, 16, "layer4.1 … layer4.2  x2"),
        (24, 12, "layer4"),
    ],
)
def test_a_table_is_folded_until_it_fits_the_screen(height: int, rows: int, last: str) -> None:
    text = on_terminal("summary", width=80, height=height)
    lines = table_lines(text)
    assert len(lines) == rows + 4 < height
    assert any(last in line for line in lines)
    # Where the screen is too low for all totals, it has those that matter most.
    is_brief = height < 40
    assert text.count("\n") < height
    assert ("Inference peak" not in text) == is_brief
    shown = "everything" if is_brief else "each"
    assert f"{rows} for 176 layers: --all shows {shown}, --depth N another level" in text
    for asked in (["--all"], ["--depth", "9"], ["--sort", "path"]):
        assert len(table_lines(on_terminal("summary", *asked, width=80, height=height))) >= 176 + 4


def test_all_rows_go_through_the_pager_where_they_are_too_many() -> None:
    pager = f"{sys.executable} -c 'import sys; print(\"paged\", len(sys.stdin.read().splitlines()))'"
    assert on_terminal("summary", "--all", width=80, PAGER=pager).startswith("paged ")
    assert "paged" not in on_terminal("summary", "--all", "--no-pager", width=80, PAGER=pager)
    assert on_terminal("summary", "--format", "tree", "--pager", width=80, PAGER=pager).startswith("paged ")
    assert on_terminal("summary", "--depth", "9", "--pager", width=80, PAGER=pager).startswith("paged ")
    assert "paged" not in on_terminal("summary", "--all", width=80, height=500, PAGER=pager)
    assert "paged" not in on_terminal("summary", width=80, PAGER=pager)


def test_a_hidden_column_is_said() -> None:
    assert "Columns hidden" in on_terminal("summary", width=40)
    assert "Columns hidden" not in on_terminal("summary", width=200)


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[" in on_terminal("block", width=100)
    assert "\x1b[" not in on_terminal("block", width=100, NO_COLOR="1")
    assert "\x1b[" not in on_terminal("block", width=100, TERM="dumb")
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        assert "\x1b[" in local("block", env={name: "1"}).stdout
        assert "\x1b[" not in local("block", env={name: "0"}).stdout
        assert "\x1b[" not in local("block", env={name: "1", "NO_COLOR": "1"}).stdout
        assert "\x1b[" not in local("block", "--format", "json", env={name: "1"}).stdout


def test_a_terminal_without_unicode_gets_ascii() -> None:
    text = on_terminal("block", width=60, PYTHONIOENCODING="ascii")
    assert text.isascii()
    assert "+---" in text


@pytest.mark.parametrize("width", [40, 60, 80, 140])
@pytest.mark.parametrize("rails", ["--rails", "--no-rails"])
def test_a_tree_fits_and_no_number_is_cut(width: int, rails: str) -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal("summary", "--format", "tree", rails, width=width))
    assert max(map(len, plain.splitlines())) <= width
    assert re.search(r"conv3\): Conv2d\S*…? .*1x2048x7x7  1,048,576 params", plain) or width < 80
