"""Copies of this process, where the system can make some (not on Windows), and what they start."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

#: Whether a process can be copied.
POSSIBLE = hasattr(os, "fork")
#: Whether a copy of a process that holds a framework is sound. Apple's own libraries, on which frameworks compute,
#: may crash in a copy.
WITH_FRAMEWORKS = POSSIBLE and sys.platform != "darwin"


def fork() -> int:
    """Copies this process; gives the copy's id, or 0 in the copy."""
    return os.fork()


def is_child_of(parent: int) -> bool:
    """Whether the process that has started this one still runs."""
    return os.getppid() == parent


def lead_session() -> None:
    """This process leaves its terminal and its group: Ctrl-C and the end of a terminal don't reach it."""
    os.setsid()


def lead_group(pid: int = 0) -> None:
    """A process, by default this one, is in a group of its own, with all that it starts from here on."""
    with contextlib.suppress(OSError):  # it has done so itself
        os.setpgid(pid, pid)


def close_others(kept: Collection[int]) -> None:
    """Closes every file of this process but these and the three standard ones."""
    start = 3
    for number in sorted(kept):
        os.closerange(start, number)
        start = number + 1
    most = os.sysconf("SC_OPEN_MAX")
    # Linux closes them in one call; elsewhere it is one each, and "unlimited" may be the limit.
    os.closerange(start, most if sys.platform == "linux" else min(most, 2**16))


def readable(pipes: Sequence[int], within: float) -> list[int]:
    """Those of the pipes that have something to read, or have ended; waits for the first so many seconds."""
    return select.select(pipes, [], [], within)[0]


def ended(pid: int) -> int | None:
    """The exit code of a child that has ended, which the system tells once; None where it still runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def end(pid: int) -> None:
    """Ends a child that nobody has asked the exit code of."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def end_group(pid: int) -> None:
    """Ends all processes of a group, if there are any left."""
    # Where only ended ones are left, Linux finds none and macOS forbids it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def outlive_parent() -> None:
    """This process has others to end before itself, and sees to that when its parent has ended.

    Linux makes it the parent of all that its descendants leave behind, in whichever session.
    """
    if sys.platform == "linux":
        from . import linux

        linux.outlive_parent()


def end_descendants() -> None:
    """Ends what this process has started, and on Linux what that has left behind, after ``outlive_parent``."""
    with contextlib.suppress(OSError):  # another user's may stay
        while children := [
            int(pid) for thread in Path("/proc/self/task").glob("*/children") for pid in thread.read_text().split()
        ]:
            for pid in children:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)  # what it had started is ours now
