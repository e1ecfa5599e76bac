"""What only a process of our own does to itself, the command's or a worker's: it starts and ends faster.

Whoever imports us as a library keeps their collector, their exit and their torch as they are: nothing here acts before
``own`` was called.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NoReturn

_own = False
_confined = False


def own() -> None:
    """Says that this process is ours. No garbage is collected until a framework is there: nothing before makes any."""
    global _own
    _own = True
    gc.disable()
    # Read when torch is imported. Threads that compute sleep while they wait for one another: spinning, which is usual,
    # takes five times the processor time where anything else runs.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for number in range(3):
        # A stream that is closed would give its number to the next file that is opened.
        with contextlib.suppress(OSError):
            if not _is_open(number):
                os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is None:
        # A document that is written there fails: without it, nothing has succeeded.
        sys.stdout = os.fdopen(1, "w", closefd=False)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def is_own() -> bool:
    """Whether this process is the command's or a worker's."""
    return _own


def be_confined() -> None:
    """Says that this process stands behind walls, where no file is written, temporary ones neither."""
    global _confined
    _confined = True


def is_confined() -> bool:
    """Whether this process stands behind walls."""
    return _confined


def importing() -> AbstractContextManager[None]:
    """A framework is imported inside; in a process of our own, the collector never looks at what it brought.

    A million objects that stay: looking through them takes 0.2 s a time, and frees nothing.
    """
    return _without_collector(_own, freezes=True)


def uncollected() -> AbstractContextManager[None]:
    """What is made inside is kept, or goes by itself: in a process of our own, the collector doesn't look through it.

    Of a large graph it would look through all that was made so far again and again, and find nothing.
    """
    return _without_collector(_own and gc.isenabled())


@contextlib.contextmanager
def _without_collector(is_off: bool, freezes: bool = False) -> Iterator[None]:
    if not is_off:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if freezes:
            gc.freeze()
        gc.enable()


def leave(code: int) -> NoReturn:
    """Ends the process without taking it apart, which takes frameworks 0.3 s: the system takes all of it back.

    What was to be done at exit is done. Threads that are still to end are waited for as always.
    """
    if any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate()):
        sys.exit(code)
    atexit._run_exitfuncs()
    flush()
    os._exit(code)


def flush() -> None:
    """Writes out what stdout and stderr still hold, where they are open."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started us
            # It may be closed, or something of users' code that knows no such thing.
            with contextlib.suppress(Exception):
                stream.flush()
