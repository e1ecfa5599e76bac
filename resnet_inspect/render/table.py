"""The table on a terminal or in a pipe, drawn by rich."""

from __future__ import annotations

import io

from rich.box import ASCII, ROUNDED
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..analysis.rows import rows
from ..ir import Summary
from . import View
from .columns import Column, choose
from .totals import totals

#: Columns that give up room, the first one first, and the least that is left of them.
_SHRINKING = (("connected_to", 12), ("attributes", 12), ("path", 12), ("type", 8), ("input", 12))


def render(summary: Summary, view: View) -> str:
    """The layer table and its totals; fitted to ``view.width`` by shortening names in the middle, never numbers."""
    chosen = columns = choose(view.columns)
    lines = [[column.text(row) for column in columns] for row in rows(summary, view.depth, view.only)]
    widths = [max(cell_len(cell) for cell in cells) for cells in zip([c.title for c in columns], *lines, strict=True)]
    if view.width is not None:
        columns, lines, widths = _fit(columns, lines, widths, view.width)
    table = Table(box=ASCII if view.ascii else ROUNDED, header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.title, justify="right" if column.number else "left", no_wrap=True, min_width=width)
    for line in lines:
        table.add_row(*(Text(shorten(cell, width, view.ascii)) for cell, width in zip(line, widths, strict=True)))
    summary_lines = totals(summary)
    if len(lines) != len(summary.layers):
        summary_lines.append(("Rows shown", f"{len(lines)} for {len(summary.layers)} layers"))
    if len(columns) != len(chosen):
        hidden = ", ".join(column.key for column in chosen[len(columns) :])
        summary_lines.append(("Columns hidden", f"{hidden} (the terminal is too narrow)"))
    label_width = max(len(label) for label, _ in summary_lines)
    out = io.StringIO()
    full = sum(widths) + 3 * len(widths) + 1
    console = Console(
        file=out,
        width=max(full, 20),
        force_terminal=view.color,
        no_color=not view.color,
        legacy_windows=False,
    )
    console.print(table)
    text = out.getvalue()
    return text + "".join(f"{label:<{label_width}}  {value}\n" for label, value in summary_lines)


def shorten(text: str, width: int, ascii_only: bool = False) -> str:
    """``text`` cut in the middle to ``width`` characters: both ends of a path say where it is."""
    if cell_len(text) <= width:
        return text
    mark = "..." if ascii_only else "…"
    keep = max(width - len(mark), 2)
    start, end = text[: keep // 2], text[len(text) - (keep - keep // 2) :]
    while cell_len(start + mark + end) > max(width, 3):  # wide characters
        start, end = start[:-1], end[1:]
    return start + mark + end


def _fit(
    columns: tuple[Column, ...], lines: list[list[str]], widths: list[int], available: int
) -> tuple[tuple[Column, ...], list[list[str]], list[int]]:
    """Narrower names, and if that isn't enough, fewer columns from the right; the first one always stays."""
    while True:
        narrowed = list(widths)
        missing = sum(widths) + 3 * len(widths) + 1 - available
        for key, least in _SHRINKING:
            for index, column in enumerate(columns):
                if column.key == key and missing > 0:
                    gain = min(missing, max(0, narrowed[index] - max(least, len(column.title))))
                    narrowed[index] -= gain
                    missing -= gain
        if missing <= 0 or len(columns) == 1:
            return columns, lines, narrowed
        columns, widths = columns[:-1], widths[:-1]
        lines = [line[:-1] for line in lines]
