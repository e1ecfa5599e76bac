"""How a child process is started: as a copy of the command's own process, or as an interpreter of its own.

An interpreter gets its tasks through stdin and answers through stdout, which every system hands on to a child; there,
``server`` puts both out of reach of what prints before it does anything else. Either way a child is in a session of its
own, its stdin is empty, its output comes through a pipe, and nothing of the folder that the command was started in is
importable.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from .. import process
from ..host import forks
from ..host.processes import Started, interpreter

#: An interpreter's program. It is isolated: Python's own variables don't count.
_START = "import sys; sys.path[:] = {path!r}; from resnet_inspect.answers.server import main; main()"


class ChildProcess(Protocol):
    """A child as the system knows it. ``said`` is the end of a pipe with what it writes to stdout and stderr."""

    pid: int
    said: int

    def __init__(self, tasks: int, writing: int, environment: Mapping[str, str]) -> None: ...

    def ended(self, within: float | None) -> int | None:
        """Its exit code, or None if it still runs after so many seconds; None waits for it."""

    def end(self) -> None:
        """Ends it if it still runs, with all that it has started."""


class Interpreter:
    """A child that is an interpreter of its own."""

    def __init__(self, tasks: int, writing: int, environment: Mapping[str, str]) -> None:
        self.said, saying = os.pipe()
        python, its_own = interpreter()
        self._process = Started(
            [python, "-I", "-c", _START.format(path=trusted_path()), str(os.getpid())],
            stdin=tasks,
            stdout=writing,
            stderr=saying,
            env={**os.environ, **its_own, **environment},
        )
        os.close(saying)
        self.pid = self._process.pid

    def ended(self, within: float | None) -> int | None:
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.end_all()
            self._process.wait()
        self._process.let_go()


class Fork:
    """A child that is a copy of the command's own process: sooner there by all that it has imported already."""

    def __init__(self, tasks: int, writing: int, environment: Mapping[str, str]) -> None:
        self.said, saying = os.pipe()
        self._code: int | None = None
        self._lock = threading.Lock()
        parent = os.getpid()
        process.flush()
        self.pid = forks.fork()
        if not self.pid:
            try:
                self._become(tasks, writing, saying, environment, parent)
            finally:
                os._exit(1)
        os.close(saying)

    def _become(self, tasks: int, writing: int, saying: int, environment: Mapping[str, str], parent: int) -> None:
        from . import server

        forks.lead_session()
        null = os.open(os.devnull, os.O_RDONLY)
        for number, other in enumerate((null, saying, saying)):
            os.dup2(other, number)
        forks.close_others((tasks, writing))
        # What the command has read ahead of its own stdin is nobody else's.
        sys.stdin = os.fdopen(0, closefd=False)
        os.environ.update(environment)
        sys.path[:] = trusted_path()
        server.run(tasks, writing, parent)

    def ended(self, within: float | None) -> int | None:
        until = None if within is None else time.monotonic() + within
        while self._code is None:
            with self._lock:  # two threads may ask, and the system tells it once
                if self._code is None:
                    self._code = forks.ended(self.pid)
            if self._code is None:
                if until is not None and time.monotonic() >= until:
                    break
                time.sleep(0.002)
        return self._code

    def end(self) -> None:
        if self.ended(0) is None:
            forks.end_group(self.pid)  # the session is its own
            self.ended(None)


def may_fork() -> bool:
    """Whether a copy of this process is a sound one: it is ours, alone, and holds no framework with threads."""
    frameworks = {"torch", "tensorflow", "jax"}
    is_sound = threading.active_count() == 1 and frameworks.isdisjoint(sys.modules)
    return forks.POSSIBLE and process.is_own() and is_sound


def trusted_path() -> list[str]:
    """Where a child may import from: all that this process can but the folder that it was started in."""
    here = {""}
    with contextlib.suppress(OSError):  # a folder that is gone
        here |= {os.getcwd(), os.path.realpath(os.getcwd())}  # noqa: PTH109 - as sys.path has it
    found = [place for place in sys.path if place not in here]
    own = str(Path(__file__).parents[2])
    return found if own in found else [*found, own]  # an uninstalled checkout may be that folder


def write(pipe: int, data: bytes) -> None:
    """Writes all of ``data``: a pipe may take a part at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]
