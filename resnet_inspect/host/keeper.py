"""Keeps a temporary folder and the commands that run in it for another process, and removes both when that one ends.

Run as a program, in a session of its own and with nothing but the standard library and its neighbours: it outlives a
parent that was killed, with its whole group even. It learns of the parent's end by the end of its stdin, which nobody
else holds. It says the folder's path in a line, then for each line ``[command, folder, environment]`` that it reads the
command's exit code; what the command wrote is in the files ``out`` and ``err``.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from .processes import Started

#: How long what was killed may still be writing, in seconds.
_DYING = 10.0


def main() -> None:
    """Serves until stdin ends."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):  # SIGHUP is POSIX', SIGBREAK Windows'
            signal.signal(getattr(signal, name), lambda *_: None)  # not ignored, which commands would inherit
    scratch = tempfile.TemporaryDirectory(prefix="resnet-inspect-")
    place = Path(scratch.name)
    running: list[Started] = []
    try:
        _say(str(place))
        for line in sys.stdin:
            command, folder, environment = json.loads(line)
            with (place / "out").open("wb") as out, (place / "err").open("wb") as err:
                try:
                    process = Started(
                        command,
                        cwd=folder,
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=err,
                    )
                except OSError as error:
                    err.write(f"{error.filename}: {error.strerror}".encode(errors="replace"))
                    _say(127)
                    continue
            running.append(process)
            threading.Thread(target=lambda ended=process: _say(ended.wait()), daemon=True).start()
    finally:
        for process in running:
            if process.returncode is None:
                process.end_all()
            process.let_go()
        end = time.monotonic() + _DYING
        while place.exists() and time.monotonic() < end:
            # What was killed may still put a file there.
            with contextlib.suppress(OSError):
                scratch.cleanup()
            time.sleep(0.01)
    os._exit(0)


def _say(answer: str | int) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more
        print(json.dumps(answer), flush=True)
