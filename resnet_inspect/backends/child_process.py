"""How a child process is started: as a copy of the command's own process, or as an interpreter of its own.

Either way it is in a session of its own, its stdin is empty, its output comes through a pipe, and nothing of the folder
that the command was started in is importable.
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

#: An interpreter's program. It is isolated: Python's own variables don't count.
_START = "import sys; sys.path[:] = {path!r}; from resnet_inspect.backends.server import main; main()"


class ChildProcess(Protocol):
    """A child as the system knows it. ``said`` is the end of a pipe with what it writes to stdout and stderr."""

    pid: int
    said: int

    def __init__(self, tasks: int, writing: int, environment: Mapping[str, str]) -> None: ...

    def ended(self, within: float | None) -> int | None:
        """Its exit code, or None if it still runs after so many seconds; None waits for it."""


class Interpreter:
    """A child that is an interpreter of its own."""

    def __init__(self, tasks: int, writing: int, environment: Mapping[str, str]) -> None:
        self.said, stdout = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-c", _START.format(path=trusted_path())),
                *map(str, (tasks, writing, os.getpid())),
            ],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stdout,
            pass_fds=[tasks, writing],
            env={**os.environ, **environment},
            # Ctrl-C reaches the parent alone, which then ends the child.
            start_new_session=True,
        )
        os.close(stdout)
        self.pid = self._process.pid

    def ended(self, within: float | None) -> int | None:
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            return None


class Fork:
    """A child that is a copy of the command's own process: sooner there by all that it has imported already."""

    def __init__(self, tasks: int, writing: int, environment: Mapping[str, str]) -> None:
        self.said, stdout = os.pipe()
        self._code: int | None = None
        self._lock = threading.Lock()
        parent = os.getpid()
        process.flush()
        self.pid = os.fork()
        if not self.pid:
            try:
                self._become(tasks, writing, stdout, environment, parent)
            finally:
                os._exit(1)
        os.close(stdout)

    def _become(self, tasks: int, writing: int, stdout: int, environment: Mapping[str, str], parent: int) -> None:
        from . import server

        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        for number, other in enumerate((null, stdout, stdout)):
            os.dup2(other, number)
        first, second = sorted((tasks, writing))
        for start, end in ((3, first), (first + 1, second), (second + 1, os.sysconf("SC_OPEN_MAX"))):
            os.closerange(start, end)
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
                    pid, status = os.waitpid(self.pid, os.WNOHANG)
                    self._code = os.waitstatus_to_exitcode(status) if pid else None
            if self._code is None:
                if until is not None and time.monotonic() >= until:
                    break
                time.sleep(0.002)
        return self._code


def may_fork() -> bool:
    """Whether a copy of this process is a sound one: it is ours, alone, and holds no framework with threads."""
    frameworks = {"torch", "tensorflow", "jax"}
    return process.is_own() and threading.active_count() == 1 and frameworks.isdisjoint(sys.modules)


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
