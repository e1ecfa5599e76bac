"""Where a report is seen: in a notebook's frame, or in the browser."""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from html import escape
from pathlib import Path

from ...errors import ModelError


def show(text: str, height: int) -> None:
    """Shows a page in the notebook that runs this, or else in the browser, from a temporary file."""
    if _is_notebook():
        from IPython.display import HTML, display

        display(HTML(frame(text, height)))
    else:
        in_browser(temporary(text))


def frame(text: str, height: int) -> str:
    """The page in a frame of its own: what it holds reaches nothing of the page around it, nor another report."""
    return (
        f'<iframe title="resnet-inspect" srcdoc="{escape(text)}" width="100%" height="{height}" '
        'sandbox="allow-scripts allow-downloads" allow="clipboard-write" style="border:0"></iframe>'
    )


def temporary(text: str) -> Path:
    """A file that holds the page, and that nobody else can read. The browser reads it after the command has ended."""
    descriptor, name = tempfile.mkstemp(prefix="resnet-inspect-", suffix=".html")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return Path(name)


def in_browser(path: Path) -> None:
    """Opens a file in the browser.

    Raises:
        ModelError: there is no browser.
    """
    if not webbrowser.open(path.resolve().as_uri()):
        raise ModelError(f"no browser can be opened here; the report is {path}")


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
