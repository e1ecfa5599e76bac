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

from .test_rails import drawn_edges, edges_of


def on_terminal(*arguments: str, width: int, **environment: str) -> str:
    """What a terminal of ``width`` columns gets to see, colours included."""
    parent, child = pty.openpty()
    ioctl(child, TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "resnet_inspect", *arguments],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment},
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
    return seen.decode().replace("\r\n", "\n")


def table_lines(text: str) -> list[str]:
    """The lines of the table without its colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return [line for line in plain.splitlines() if line[:1] in "╭│├╰+|"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_a_table_fits_and_no_number_is_cut(width: int) -> None:
    lines = table_lines(on_terminal("summary", width=width))
    assert len(lines) == 176 + 4
    assert max(map(len, lines)) <= width
    if width >= 60:
        assert any("2,359,296" in line for line in lines)


def test_rails_are_drawn_on_a_terminal_unless_they_arent_wanted() -> None:
    lines = table_lines(on_terminal("summary", "resnet18", width=80))
    gutter = [line[2:7] for line in lines[3:-1]]
    assert drawn_edges(gutter) == edges_of(summarize(Request("resnet18")).summary)
    # What lanes show needs no column of its own; what they push out does.
    assert "Connected to" not in lines[1]
    plain = table_lines(on_terminal("summary", "resnet18", "--no-rails", width=120))
    assert not [line for line in plain if "●" in line]
    assert "Connected to" in plain[1]
    assert not [line for line in table_lines(on_terminal("summary", "--sort", "macs", width=80)) if "●" in line]


def test_names_are_shortened_in_the_middle() -> None:
    lines = table_lines(on_terminal("summary", "--columns", "path,params,macs", width=38))
    assert any(re.search(r"│ lay\S*…\S*mple\.0 ", line) for line in lines)
    assert any("2,359,296" in line for line in lines)


def test_a_hidden_column_is_said() -> None:
    assert "Columns hidden" in on_terminal("summary", width=50)
    assert "Columns hidden" not in on_terminal("summary", width=200)


def test_colours_are_for_terminals_that_want_them() -> None:
    assert "\x1b[" in on_terminal("block", width=100)
    assert "\x1b[" not in on_terminal("block", width=100, NO_COLOR="1")
    assert "\x1b[" not in on_terminal("block", width=100, TERM="dumb")


def test_a_terminal_without_unicode_gets_ascii() -> None:
    text = on_terminal("block", width=60, PYTHONIOENCODING="ascii")
    assert text.isascii()
    assert "+---" in text
