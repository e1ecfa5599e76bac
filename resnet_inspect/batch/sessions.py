"""The children of a worker: a framework is imported once and kept from line to line."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from ..answers.worker import Session
from ..errors import InspectError
from ..readers.request import UNLIMITED, Limits

#: How many kinds of children wait for their next line: torch, Keras, and two files of the user's.
_KINDS = 4
#: Children that nobody asked for so many seconds are ended: a cluster's worker outlives the run.
_IDLE = 60.0
#: Nor does a child live forever that takes more memory from line to line, as Keras does: the next begins small.
_MOST_BYTES = 2 * 1024**3

Kind = tuple[str, str]


class Sessions:
    """Sessions that wait, by module and process. A thread has the one that it took to itself."""

    def __init__(self, kinds: int = _KINDS, idle: float = _IDLE, most_bytes: int = _MOST_BYTES) -> None:
        self._kinds = kinds
        self._idle = idle
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        #: Those that wait, and when the last came back; the kind that was used last stands last.
        self._waiting: OrderedDict[Kind, tuple[list[Session], float]] = OrderedDict()
        self._watched = False

    @contextmanager
    def lent(self, kind: Kind, limits: Limits = UNLIMITED) -> Iterator[Session]:
        """A session for one task. It comes back, unless something other than an ``InspectError`` is raised."""
        with self._lock:
            waiting, _ = self._waiting.get(kind, ([], 0.0))
            session = waiting.pop() if waiting else Session(kind[0], threads=1)  # a worker a core
        session.limits = limits
        try:
            yield session
        except InspectError:
            self._keep(kind, session)
            raise
        except BaseException:
            session.end()
            raise
        self._keep(kind, session)

    def end(self, unused_for: float = 0.0) -> None:
        """Ends the children that wait, or only those of kinds that weren't used for so many seconds."""
        until = time.monotonic() - unused_for
        with self._lock:
            old = [kind for kind, (_, since) in self._waiting.items() if since <= until]
            ended = [session for kind in old for session in self._waiting.pop(kind)[0]]
        for session in ended:
            session.end()

    def _keep(self, kind: Kind, session: Session) -> None:
        if session.resident_bytes() > self._most_bytes:
            session.end()
        ended: list[Session] = []
        with self._lock:
            waiting, _ = self._waiting.pop(kind, ([], 0.0))
            self._waiting[kind] = ([*waiting, session], time.monotonic())
            while len(self._waiting) > self._kinds:
                ended += self._waiting.popitem(last=False)[1][0]
            if not self._watched:
                self._watched = True
                threading.Thread(target=self._watch, daemon=True).start()
        for old in ended:
            old.end()

    def _watch(self) -> None:
        while True:
            time.sleep(self._idle / 4)
            self.end(self._idle)
