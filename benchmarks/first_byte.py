"""How long each command of the documentation leaves a terminal empty: ``python benchmarks/first_byte.py``.

A command is run on a terminal of its own; the first byte that it writes there, of a line that moves too, ends the wait.
Kept summaries aren't used, and a command that names a file says that it isn't there.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shlex
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
#: What nobody waits for longer than, in seconds.
LIMIT = 0.6
DOCS = Path(__file__).parents[1] / "docs"
#: Ours, in the environment that runs this.
OURS = Path(sys.executable).with_name("resnet-inspect")


def commands() -> list[list[str]]:
    """The commands on the pages that begin with ours."""
    text = "".join(page.read_text() for page in sorted(DOCS.glob("*.md")))
    found = [shlex.split(line) for line in re.findall(r"^(?:\$ )?resnet-inspect (.+)$", text, re.MULTILINE)]
    return [command for number, command in enumerate(found) if command not in found[:number]]


def first_byte(command: list[str], folder: Path) -> float:
    """Seconds from the start of a command to the first byte on its terminal."""
    start = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ |= {"RESNET_INSPECT_CACHE": "off", "TERM": "xterm-256color", "PAGER": "cat"}
        os.execv(OURS, [OURS.name, *command])
    with contextlib.suppress(OSError):  # it ended without a word
        os.read(terminal, 1)
    seconds = time.perf_counter() - start
    os.kill(child, signal.SIGKILL)
    os.close(terminal)
    os.waitpid(child, 0)
    return seconds


def main() -> int:
    """A Markdown table, the slowest first; exit 1 if one leaves a terminal empty for longer than ``LIMIT``."""
    with tempfile.TemporaryDirectory() as name:
        found = [(statistics.median(first_byte(c, Path(name)) for _ in range(ROUNDS)), c) for c in commands()]
    print("| command | first byte |\n| :--- | ---: |")
    for seconds, command in sorted(found, reverse=True):
        print(f"| `resnet-inspect {shlex.join(command)}` | {seconds:.2f} s |")
    return int(max(seconds for seconds, _ in found) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
