"""One file per output format, each ``render(summary, view) -> text``, sharing one list of columns.

Formats never see a character that isn't printable: ``render`` is the door, here and in ``diff``, ``check``, ``report``
and ``plot``, and makes every string of a model visible before a format gets it. JSON escapes what it has to itself.

``columns.py`` has the one list of columns, those of ``analysis/metrics/`` among them. ``selection.py`` chooses and
sorts rows, ``grid.py`` draws any table, ``fitting.py`` fits its names and columns to a terminal, ``rails.py`` draws
lanes, ``headings.py`` puts paths of blocks above rows, and ``screen.py`` folds a table to the screen. ``picture.py``
is what every drawing of the graph shows, ``layout.py`` where it stands in an SVG, and ``kinds.py`` what colours tell
apart. ``html/`` is the report, ``report/`` what ``residual``, ``identity``, ``compare`` and ``sweep`` say, and
``notebook.py`` the HTML of all results.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

from ..ir import Summary
from ..visible import cleaned

if TYPE_CHECKING:
    from ..devices import Device

#: Formats that draw the graph instead of a table.
GRAPHS = ("mermaid", "dot", "svg")
FORMATS = ("table", "tree", "json", "csv", "markdown", "html", *GRAPHS, "table-svg")
#: File name endings that name a format.
ENDINGS = {
    ".json": "json",
    ".csv": "csv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "table",
    ".html": "html",
    ".htm": "html",
    ".mmd": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".svg": "svg",
}


class View(NamedTuple):
    """What of a summary to show. ``width`` is a terminal's; None where nothing may be cut.

    ``sort`` is a column's key, ``top`` a number of rows, ``optimizer`` whose training memory to estimate,
    ``device`` what the network would run on. ``rails`` is None where nobody has decided, which formats take as False.
    ``height`` is the number of lines that a table should fit in by folding, None where it may be as long as it is;
    ``repeats``: equal rows in a row are one; ``everything``: nothing is folded that nobody asked for. ``pager``:
    whether what is longer than the screen is shown by one, None where that follows from ``everything``.
    """

    # A named tuple, as every command that shows a network makes this class: a dataclass would take it 0.4 ms longer.

    depth: int | None = None
    only: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    sort: str | None = None
    top: int | None = None
    rails: bool | None = None
    optimizer: str | None = None
    repeats: bool = False
    everything: bool = False
    pager: bool | None = None
    width: int | None = None
    height: int | None = None
    color: bool = False
    ascii: bool = False
    device: Device | None = None


def render(summary: Summary, output_format: str, view: View) -> str:
    """The document, with a newline at its end."""
    shown = summary if output_format in ("json", "html") else cleaned(summary)
    text: str = importlib.import_module(f"{__name__}.{output_format.replace('-', '_')}").render(shown, view)
    return text


def notes(summary: Summary, output_format: str, view: View) -> tuple[str, ...]:
    """What to tell people beside the document: why a drawing has no arrows, or is folded."""
    if output_format not in GRAPHS:
        return ()
    from . import mermaid, picture

    summary = cleaned(summary)
    return mermaid.notes(summary, view) if output_format == "mermaid" else picture.notes(summary)


def with_notes(summary: Summary, output_format: str, view: View) -> tuple[str, tuple[str, ...]]:
    """The document and its notes. Mermaid finds out both in one drawing."""
    if output_format != "mermaid":
        return render(summary, output_format, view), notes(summary, output_format, view)
    from . import mermaid

    return mermaid.drawn(cleaned(summary), view)
