"""One file per output format, each ``render(summary, view) -> text``, sharing one list of columns.

Formats never see a character that isn't printable: ``render`` is the door, here and in ``diff``, ``check``, ``report``
and ``plot``, and makes every string of a model visible before a format gets it.
"""

from __future__ import annotations

import importlib
from typing import NamedTuple

from ..ir import Summary
from ..visible import cleaned

#: Formats that draw the graph instead of a table.
GRAPHS = ("mermaid", "dot", "svg")
FORMATS = ("table", "tree", "json", "csv", "markdown", *GRAPHS, "table-svg")
#: File name endings that name a format.
ENDINGS = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "table",
    ".mmd": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".svg": "svg",
}


class View(NamedTuple):
    """What of a summary to show. ``width`` is a terminal's; None where nothing may be cut.

    ``sort`` is a column's key, ``top`` a number of rows, ``optimizer`` whose training memory to estimate.
    """

    depth: int | None = None
    only: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sort: str | None = None
    top: int | None = None
    rails: bool = False
    optimizer: str | None = None
    width: int | None = None
    color: bool = False
    ascii: bool = False


def render(summary: Summary, output_format: str, view: View) -> str:
    """The document, with a newline at its end."""
    if output_format == "json":
        from ..ir_json import dumps

        return dumps(summary)
    text: str = importlib.import_module(f"{__name__}.{output_format.replace('-', '_')}").render(cleaned(summary), view)
    return text


def notes(summary: Summary, output_format: str, view: View) -> tuple[str, ...]:
    """What to tell people beside the document: why a drawing has no arrows, or is folded."""
    if output_format not in GRAPHS:
        return ()
    from . import mermaid, picture

    summary = cleaned(summary)
    return mermaid.notes(summary, view) if output_format == "mermaid" else picture.notes(summary)
