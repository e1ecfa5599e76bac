"""Which processes a command has started, wherever they are by now: each inherits a variable of its own."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

_VARIABLE = "RESNET_INSPECT_TEST"


class Marked:
    """An environment that marks whatever is started with it."""

    def __init__(self, **variables: str) -> None:
        self._mark = f"{_VARIABLE}={uuid.uuid4().hex}"
        path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
        name, _, value = self._mark.partition("=")
        self.environment = {**os.environ, "PYTHONPATH": path.strip(os.pathsep), **variables, name: value}

    def alive(self) -> list[str]:
        """The commands of marked processes that still run."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                marked = self._mark.encode() in (process / "environ").read_bytes().split(b"\0")
                is_zombie = (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                if marked and not is_zombie:
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue  # it has ended meanwhile
        return found

    def alive_after(self, seconds: float) -> list[str]:
        """Those that still run so many seconds from now."""
        until = time.monotonic() + seconds
        while (found := self.alive()) and time.monotonic() < until:
            time.sleep(0.02)
        return found
