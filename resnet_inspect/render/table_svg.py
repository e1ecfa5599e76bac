"""A picture of the table as a terminal shows it, for documents."""

from __future__ import annotations

import io

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ..ir import Summary
from . import View, table


def render(summary: Summary, view: View) -> str:
    """The table in colour as SVG; nothing in it is cut."""
    text = Text.from_ansi(table.render(summary, view._replace(width=None, color=True)))
    width = max(cell_len(line) for line in text.plain.splitlines())
    console = Console(record=True, width=width, file=io.StringIO())
    console.print(text, no_wrap=True)
    # A fixed id: rich's own depends on the text's hash, and the same summary must give the same bytes.
    return console.export_svg(title=f"{summary.model.backend}:{summary.model.name}", unique_id="resnet-inspect") + "\n"
