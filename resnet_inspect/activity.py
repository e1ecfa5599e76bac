"""What is going on and takes long, for whoever shows it: the command does, to a person who waits at a terminal.

Work says what it is (``with doing("importing torch"):``) and costs nothing where nobody watches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Watcher(Protocol):
    """Who shows what is going on."""

    def begins(self) -> None:
        """Something has begun; ``current`` says what, from now on."""

    def ends(self) -> None:
        """All of it has ended: what is written next finds the terminal as it was."""


_watcher: Watcher | None = None
_doing: list[list[str]] = []
_hidden = 0


def watch(watcher: Watcher | None) -> None:
    """From now on, ``watcher`` is told, or nobody; to the one before, all has ended."""
    global _watcher
    if _doing and _watcher:
        _doing.clear()
        _watcher.ends()
    _watcher = watcher


def current() -> str:
    """What is going on, the outermost and the innermost of it; nothing where something else is shown."""
    return "" if _hidden else ": ".join(dict.fromkeys(what for [what] in [*_doing[:1], *_doing[-1:]]))


@contextmanager
def doing(what: str) -> Iterator[Callable[[str], None]]:
    """``what`` is going on inside; what comes with it says it anew. Only the main thread's work is told."""
    watcher = _watcher
    if watcher is None or threading.current_thread() is not threading.main_thread():
        yield lambda what: None
        return
    said = [what]
    _doing.append(said)
    if len(_doing) == 1:
        watcher.begins()
    try:
        yield lambda what: said.__setitem__(0, what)
    finally:
        if said in _doing:
            _doing.remove(said)
            if not _doing:
                watcher.ends()


@contextmanager
def hidden() -> Iterator[None]:
    """Something else is shown inside: a bar, the progress of a download."""
    global _hidden
    _hidden += 1
    try:
        yield
    finally:
        _hidden -= 1
