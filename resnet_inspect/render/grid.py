"""Rows and columns of text as a table, drawn by rich and fitted to a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol, TypeVar

from rich.box import ASCII, ROUNDED
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Columns that give up room, the first one first, and the least that is left of them.
_SHRINKING = (
    ("connected_to", 12),
    ("attributes", 12),
    ("breaks", 12),
    ("weighted", 12),
    ("path", 12),
    ("type", 8),
    ("input", 12),
)


#: Columns of a terminal: every cell is as wide as the widest, and a stranger's name may have a million letters.
_WIDEST = 10_000
#: Letters of a whole table, where its columns would be wider than ``_NARROW``.
_LETTERS, _NARROW = 20_000_000, 200


#: Rows that rich draws, which takes it 0.3 ms each. What stands below looks the same.
_DRAWN = 2000


class Heading(Protocol):
    """What a column says of itself: numbers stand to the right and are never cut."""

    @property
    def key(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def number(self) -> bool: ...


H = TypeVar("H", bound=Heading)


def grid(
    columns: tuple[H, ...],
    lines: list[list[str]],
    *,
    width: int | None = None,
    color: bool = False,
    ascii_only: bool = False,
    gutter: Sequence[str] = (),
) -> tuple[str, tuple[H, ...]]:
    """The drawn table, and the columns for which ``width`` had no room.

    Names are shortened in the middle, numbers never. The gutter stands in the first column: rails and names are one
    picture.
    """
    chosen = columns
    margins = [f"{text} " for text in gutter] or [""] * len(lines)
    margin = cell_len(margins[0]) if margins else 0
    widths = [max(cell_len(cell) for cell in cells) for cells in zip([c.title for c in columns], *lines, strict=True)]
    if width is not None:
        columns, lines, widths = _fit(columns, lines, widths, width - margin)
    widest = max(_NARROW, min(_WIDEST, _LETTERS // (len(lines) * len(columns) + 1)))
    widths = [min(size, widest) for size in widths]
    # Every cell comes as wide as its column: measuring, padding and justifying them takes rich longest.
    table = Table(box=ASCII if ascii_only else ROUNDED, header_style="bold", padding=0)
    right = [bool(column.number and index) for index, column in enumerate(columns)]
    for index, (column, size) in enumerate(zip(columns, widths, strict=True)):
        full = size + (0 if index else margin)
        table.add_column(_cell(column.title, full, right[index]), no_wrap=True, width=full + 2)
    rows = [
        (
            rail,
            [*map(_cell, (shorten(c, size, ascii_only) for c, size in zip(line, widths, strict=True)), widths, right)],
        )
        for rail, line in zip(margins, lines, strict=True)
    ]
    for rail, (first, *others) in rows[:_DRAWN]:
        table.add_row(Text.assemble((f" {rail}", "cyan"), first[1:]) if rail else Text(first), *map(Text, others))
    out = io.StringIO()
    full = sum(widths) + margin + 3 * len(widths) + 1
    console = Console(file=out, width=max(full, 20), force_terminal=color, no_color=not color, legacy_windows=False)
    console.print(table)
    drawn, further = out.getvalue(), rows[_DRAWN:]
    if further:
        *before, bottom = drawn.splitlines(keepends=True)
        edge = "|" if ascii_only else "│"
        cyan, plain = ("\x1b[36m", "\x1b[0m") if color else ("", "")
        for rail, (first, *others) in further:
            named = f"{cyan} {rail}{plain}{first[1:]}" if rail else first
            before.append(f"{edge}{edge.join([named, *others])}{edge}\n")
        drawn = "".join([*before, bottom])
    return drawn, chosen[len(columns) :]


def _cell(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return f" {space}{text} " if right else f" {text}{space} "


def labelled(lines: Sequence[tuple[str, str]]) -> str:
    """Pairs of a label and a text, below a table."""
    width = max((len(label) for label, _ in lines), default=0)
    return "".join(f"{label:<{width}}  {text}\n" for label, text in lines)


def hidden_columns(columns: Sequence[Heading]) -> list[tuple[str, str]]:
    """What to say of columns that weren't drawn."""
    return [("Columns hidden", f"{', '.join(c.key for c in columns)} (the terminal is too narrow)")] if columns else []


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
    columns: tuple[H, ...], lines: list[list[str]], widths: list[int], available: int
) -> tuple[tuple[H, ...], list[list[str]], list[int]]:
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
