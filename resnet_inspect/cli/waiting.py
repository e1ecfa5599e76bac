"""A line that moves on a terminal's stderr while work goes on: after half a second, nobody wonders."""

from __future__ import annotations

import os
import sys
import threading
import time

from .. import activity
from ..visible import line

#: Seconds until something is shown, half a second with the start of the command, and between two pictures.
_PATIENCE, _STEP = 0.25, 0.1
_PICTURES, _ASCII = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"


class Moving:
    """An ``activity.Watcher`` with a copy of stderr's descriptor, as frameworks' chatter is held back from stderr."""

    def __init__(self) -> None:
        self._pictures = _PICTURES if (sys.stderr.encoding or "").lower().startswith("utf") else _ASCII
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def begins(self) -> None:
        self._over.clear()
        self._thread = threading.Thread(target=self._show, args=(os.dup(2),), daemon=True)
        self._thread.start()

    def ends(self) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def _show(self, terminal: int) -> None:
        from ..render.fitting import shorten  # knows how wide letters are

        start, shown, count = time.monotonic(), False, 0
        try:
            ended = self._over.wait(_PATIENCE)
            while not ended:
                what = activity.current()
                if what:
                    seconds = f" {time.monotonic() - start:.0f} s"
                    picture = self._pictures[count % len(self._pictures)]
                    columns = os.get_terminal_size(terminal).columns or 80  # some say 0 for what they don't know
                    room = max(columns - len(seconds) - 3, 0)
                    os.write(terminal, f"\r{picture} {shorten(line(what), room)}{seconds}\x1b[K".encode())
                elif shown:
                    os.write(terminal, b"\r\x1b[K")
                shown, count = bool(what), count + 1
                ended = self._over.wait(_STEP)
            if shown:
                os.write(terminal, b"\r\x1b[K")
        except OSError:
            pass  # the terminal has gone, and with it whoever waited
        finally:
            os.close(terminal)


def watch() -> None:
    """Shows what is going on, where the terminal of stderr can take a line back."""
    if os.environ.get("TERM") != "dumb":
        activity.watch(Moving())
