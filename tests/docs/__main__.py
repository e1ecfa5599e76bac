"""Writes the outputs of commands into the pages: ``python -m tests.docs [PAGE ...]``, or ``make outputs``."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from .pages import PAGES, written


def main() -> None:
    """Runs each page in a folder of its own, and writes it again if an output is another one."""
    for page in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        text = page.read_text()
        with tempfile.TemporaryDirectory() as name:
            os.chdir(name)
            now = written(text, Path(name))
            os.chdir(page.parent)  # a folder in use can't be removed on Windows
        if now != text:
            page.write_text(now)
            print(page.name)


if __name__ == "__main__":
    main()
