"""Processes that are programs of their own: started, ended with all that they have started, and how they ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

if sys.platform == "win32":
    from . import kernel32

    #: The exit code of a process that has used up its job's time: ERROR_NOT_ENOUGH_QUOTA.
    _OUT_OF_TIME = 1816
    #: From here on, an exit code is an exception that nobody has handled, such as 0xC0000005.
    _EXCEPTIONS = 0xC0000000

    class Started(subprocess.Popen[Any]):
        """A process that Ctrl-C doesn't reach, in a job of its own: if this process ends, however, so do all in it.

        One that ``outlives`` this process is in no job.
        """

        def __init__(self, command: Sequence[str], outlives: bool = False, **how: Any) -> None:
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
            super().__init__(command, creationflags=flags, **how)
            self._job = None if outlives else kernel32.family(self.pid)

        def end_all(self) -> None:
            """Ends the process and those that it has started."""
            if self._job is None:
                self.kill()
            else:
                kernel32.end(self._job)

        def let_go(self) -> None:
            """To be called when it has ended: ends what it has left behind, where the system knows of it."""
            if self._job is not None:
                kernel32.close(self._job)  # and so ends who is still in it
                self._job = None

    def interpreter() -> tuple[str, Mapping[str, str]]:
        """Python itself, and what its environment needs: an environment's own python.exe only starts that one."""
        base = getattr(sys, "_base_executable", sys.executable)
        return base, {"__PYVENV_LAUNCHER__": sys.executable} if base != sys.executable else {}

    def end_with_parent(parent: int) -> None:
        """This process ends as soon as the process ``parent`` does: its job sees to that, which the parent holds."""

else:

    class Started(subprocess.Popen[Any]):
        """A process in a session of its own: Ctrl-C reaches its parent alone, which then ends it.

        One that ``outlives`` this process doesn't differ: it has to look after its end itself.
        """

        def __init__(self, command: Sequence[str], outlives: bool = False, **how: Any) -> None:
            super().__init__(command, start_new_session=True, **how)

        def end_all(self) -> None:
            """Ends the process and those that it has started."""
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS forbids it where it has just ended
                os.killpg(self.pid, signal.SIGKILL)

        def let_go(self) -> None:
            """To be called when it has ended: ends what it has left behind, where the system knows of it."""

    def interpreter() -> tuple[str, Mapping[str, str]]:
        """Python itself, and what its environment needs."""
        return sys.executable, {}

    def end_with_parent(parent: int) -> None:
        """From here on, this process ends as soon as the process ``parent``, which has started it, does.

        On Linux the system sees to that; elsewhere a thread does, as soon as whatever runs lets it.
        """
        if sys.platform == "linux":
            from . import linux

            linux.end_with_parent(parent)
        elif (os.getpid(), parent) not in _watched:
            _watched.add((os.getpid(), parent))
            threading.Thread(target=_watch, args=(parent,), daemon=True).start()


#: Processes with a thread that watches their parent; a fork inherits the list and not the thread.
_watched: set[tuple[int, int]] = set()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def is_out_of_time(code: int) -> bool:
    """Whether an exit code says that the process has used up its processor time."""
    if sys.platform == "win32":
        return code == _OUT_OF_TIME
    else:  # noqa: RET505 - for mypy, which leaves out the other system's
        return code == -signal.SIGXCPU


def is_crash(code: int) -> bool:
    """Whether an exit code says that the process has not ended by itself."""
    return code < 0 or (sys.platform == "win32" and code >= _EXCEPTIONS)


def told(code: int) -> str:
    """How a process has ended, by its exit code."""
    if not is_crash(code):
        return f"exited with code {code} without a result"
    if code >= 0:
        return f"crashed with code 0x{code:X}"
    if code == -9:  # SIGKILL, which has no name on Windows
        return "was killed, probably because memory ran out"
    try:
        return f"crashed with {signal.Signals(-code).name}"
    except ValueError:
        return f"crashed with signal {-code}"
