"""Rows and columns of text as a table, drawn by rich and fitted to a terminal."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Collection, Sequence
from itertools import zip_longest
from typing import Protocol, TypeVar

from rich.box import ASCII, ROUNDED
from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from rich.table import Table

from .fitting import fit, least_width, shorten, shortened

#: Columns of a terminal: every cell is as wide as the widest, and a stranger's name may have a million letters.
_WIDEST = 10_000
#: Letters of a whole table, where its columns would be wider than ``_NARROW``.
_LETTERS, _NARROW = 20_000_000, 200


#: What is known by its beginning: ``BatchNo…`` and not ``Bat…rm2d``.
_BEGIN = ("type", "form", "breaks")


class Heading(Protocol):
    """What a column says of itself: numbers stand to the right and are never cut. A low ``priority`` goes first."""

    @property
    def key(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def number(self) -> bool: ...
    @property
    def priority(self) -> int: ...


H = TypeVar("H", bound=Heading)


def grid(
    columns: tuple[H, ...],
    lines: list[list[str]],
    *,
    width: int | None = None,
    color: bool = False,
    ascii_only: bool = False,
    gutter: Sequence[str] = (),
    scopes: Sequence[int] = (),
    headings: Collection[int] = (),
    styles: Sequence[Sequence[str]] = (),
) -> tuple[str, tuple[H, ...]]:
    """The drawn table, and the columns for which ``width`` had no room.

    Words are shortened, numbers never, and the names of the first column only so far that no two of one scope look the
    same; without ``scopes``, all have the same one. Lines that are ``headings`` go across all columns. ``styles`` has
    rich's name of a style for every cell. The gutter stands in the first column: rails and names are one picture.
    """
    margin = cell_len(gutter[0]) + 1 if gutter else 0
    rows = [at for at in range(len(lines)) if at not in headings]
    names = [lines[at][0] for at in rows]
    scoped = [scopes[at] for at in rows] if scopes else [0] * len(rows)
    cells = zip([column.title for column in columns], *(lines[at] for at in rows), strict=True)
    widths = [max(map(cell_len, column)) for column in cells]
    shown = dict(enumerate(widths))
    if width is not None and sum(widths) + 3 * len(widths) + 1 + margin > width:
        least = [len(column.title) for column in columns]
        least[0] = max(least[0], least_width(names, scoped, width, ascii_only))
        shown = fit([c.key for c in columns], [c.priority for c in columns], widths, least, width - margin)
    widest = max(_NARROW, min(_WIDEST, _LETTERS // (len(lines) * len(columns) + 1)))
    shown = {index: min(size, widest) for index, size in shown.items()}
    short = dict(zip(rows, shortened(names, scoped, shown[0], ascii_only), strict=True))
    titles = [
        _cell(column.title, shown[index] + (0 if index else margin), bool(column.number and index))
        for index, column in enumerate(columns)
        if index in shown
    ]
    above, below = _frame(titles, color, ascii_only)
    edge = "|" if ascii_only else "│"
    room = sum(map(cell_len, titles)) + len(titles) - margin - 3
    spanning = ["  ".join(filter(None, lines[at])) for at in sorted(headings)]
    across = dict(zip(sorted(headings), shortened(spanning, [0] * len(spanning), room, ascii_only), strict=True))
    drawn = [above]
    for at, line in enumerate(lines):
        rail = _painted(f" {gutter[at]} ", "cyan", color) if gutter else " "
        if at in headings:
            drawn.append(f"{edge}{rail}{_painted(_cell(across[at], room, False)[1:], 'bold', color)}{edge}\n")
            continue
        style = styles[at] if styles else [""] * len(line)
        parts = [rail + _painted(_cell(short[at], shown[0], False)[1:], style[0], color)]
        for index, size in shown.items():
            if index:
                begins = 1.0 if columns[index].key in _BEGIN else 0.5
                text = _cell(shorten(line[index], size, ascii_only, begins), size, columns[index].number)
                parts.append(_painted(text, style[index], color))
        drawn.append(f"{edge}{edge.join(parts)}{edge}\n")
    drawn.append(below)
    return "".join(drawn), tuple(column for index, column in enumerate(columns) if index not in shown)


def _frame(titles: Sequence[str], color: bool, ascii_only: bool) -> tuple[str, str]:
    """What stands above the rows and below them, drawn by rich. Rows it draws a hundred times slower than we do."""
    table = Table(box=ASCII if ascii_only else ROUNDED, header_style="bold", padding=0)
    for title in titles:
        table.add_column(title, no_wrap=True, width=cell_len(title))
    table.add_row()
    console = Console(
        file=io.StringIO(),
        width=max(sum(map(cell_len, titles)) + len(titles) + 1, 20),
        force_terminal=color,
        color_system="256" if color else None,
        no_color=not color,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(table)
    *above, _, below = capture.get().splitlines(keepends=True)
    return "".join(above), below


def _painted(text: str, style: str, color: bool) -> str:
    return Style.parse(style).render(text, color_system=ColorSystem.EIGHT_BIT) if style and color else text


def _cell(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return f" {space}{text} " if right else f" {text}{space} "


def labelled(lines: Sequence[tuple[str, str]], width: int | None = None) -> str:
    """Pairs of a label and a text, below a table; a text that is too long for ``width`` goes on below itself."""
    labels = max((len(label) for label, _ in lines), default=0)
    room = None if width is None else max(width - labels - 2, 20)
    found = []
    for label, text in lines:
        parts = [text] if room is None or cell_len(text) <= room else textwrap.wrap(text, room)
        found += [f"{name:<{labels}}  {part}\n" for name, part in zip_longest([label], parts, fillvalue="")]
    return "".join(found)


def hidden_columns(columns: Sequence[Heading]) -> list[tuple[str, str]]:
    """What to say of columns that weren't drawn."""
    return [("Columns hidden", f"{', '.join(c.key for c in columns)} (the terminal is too narrow)")] if columns else []
