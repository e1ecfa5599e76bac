"""Nobody waits for longer than half a second before something moves, and nothing of it stays or gets into a file."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resnet_inspect import activity
from resnet_inspect.cli.delivery import with_progress
from tests.support.command import needs

WAITING = """
import time
import resnet_inspect.readers.local.reader as reader
honest = reader.summarize
def slowly(request):
    time.sleep(1.2)
    return honest(request)
reader.summarize = slowly
"""
#: A machine with much to do must not make a fast command slow: here nothing is.
PATIENT = """
import resnet_inspect.cli.waiting as waiting
waiting._PATIENCE = 600
"""


def stderr_of(folder: Path, *arguments: str, slow: bool = True, **environment: str) -> tuple[bytes, bytes]:
    """stdout of a pipe, and stderr of a terminal, of a command that takes its time, or none, as it seems to it."""
    (folder / "sitecustomize.py").write_text(WAITING if slow else PATIENT)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "resnet_inspect", *arguments],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(folder), "TERM": "xterm", **environment},
    )
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert process.returncode == 0
    return out, said


def test_something_moves_and_goes_again(tmp_path: Path) -> None:
    begun = time.monotonic()
    out, said = stderr_of(tmp_path, "summary", "resnet18", "--format", "csv")
    took = time.monotonic() - begun
    assert out.startswith(b"path,")
    pictures = said.split(b"\r")[1:]
    assert 2 < len(pictures) < 10 * took  # ten a second, from 0.25 s on
    assert all(b" summarising resnet18 " in picture for picture in pictures[:-1])
    assert pictures[0] != pictures[1]
    assert pictures[-1] == b"\x1b[K"


@pytest.mark.parametrize(("arguments", "terminal"), [(["--quiet"], "xterm"), (["-q"], "xterm"), ([], "dumb")])
def test_it_is_quiet_where_it_shall_be(tmp_path: Path, arguments: list[str], terminal: str) -> None:
    assert stderr_of(tmp_path, "summary", "resnet18", "--format", "csv", *arguments, TERM=terminal)[1] == b""


def test_what_is_fast_shows_nothing(tmp_path: Path) -> None:
    assert stderr_of(tmp_path, "summary", "resnet18", "--format", "csv", slow=False)[1] == b""


def test_a_gate_is_quiet_too(tmp_path: Path) -> None:
    out, said = stderr_of(tmp_path, "check", "resnet18", "--quiet")
    assert (out, said) == (b"", b"")
    assert b" checking resnet18 " in stderr_of(tmp_path, "check", "resnet18")[1]


class Told:
    """What a watcher was told."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def begins(self) -> None:
        self.calls.append(f"begins {activity.current()}")

    def ends(self) -> None:
        self.calls.append("ends")


def test_work_that_an_error_leaves_open_ends_before_the_error_is_written() -> None:
    told = Told()
    activity.watch(told)
    items = with_progress([1, 2, 3], 3, "Building")
    assert (next(items), next(items)) == (1, 2)
    assert activity.current() == "Building, 1 of 3"
    activity.watch(None)
    del items
    assert told.calls == ["begins Building, 0 of 3", "ends"]
    assert activity.current() == ""


@needs("torch")
def test_an_import_is_named_while_its_chatter_is_held_back(tmp_path: Path) -> None:
    said = stderr_of(tmp_path, "block", "--backend", "torch", "--format", "csv")[1]
    assert b"importing torch" in said
    assert said.endswith(b"\r\x1b[K")
