"""A picture of the table as a terminal shows it, for documents: in the colours of the page, light or dark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style
from rich.text import Span, Text

from ..ir import Summary
from . import View, table
from .kinds import STYLES

#: Room of a letter, and space around the table.
_CELL, _LINE, _MARGIN = 8.4, 17.0, 14.0
_FIXED = """\
text{font:14px "DejaVu Sans Mono",ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.bold{font-weight:600}
.dim{opacity:.55}"""
#: Colours in light and in dark: of the page, of what has no colour in a terminal, of its frame, of lanes, of layers.
_COLORS = {
    "page": ("#ffffff", "#0d1117"),
    "text": ("#1f2328", "#e6edf3"),
    "frame": ("#afb8c1", "#545d68"),
    "lane": ("#1b7c83", "#39c5cf"),
    "conv": ("#0550ae", "#79c0ff"),
    "activation": ("#116329", "#7ee787"),
    "pool": ("#7d4e00", "#e3b341"),
    "merge": ("#953800", "#ffa657"),
    "dense": ("#6639ba", "#d2a8ff"),
}
#: The numbers of a terminal's colours, for what each stands.
_STANDS_FOR = {
    color.number: name
    for name, style in {**STYLES, "lane": "cyan"}.items()
    if style and (color := Style.parse(style).color) is not None
}
#: Characters that are drawn and not written, as no font makes them meet: where lines lead from their middle.
_LINES = {
    "─": "lr",
    "│": "ud",
    "┼": "lrud",
    "├": "rud",
    "┤": "lud",
    "┬": "lrd",
    "┴": "lru",
    "╭": "rd",
    "╮": "ld",
    "╰": "ru",
    "╯": "lu",
}
_DOTS = "●○"
#: Bars of a share by their last character: how many eighths of it are full.
_EIGHTHS = {char: eighths for eighths, char in enumerate("▏▎▍▌▋▊▉█", start=1)}
#: Words up to a wide gap or a line: each cell of the table is placed by itself.
_DRAWN = "".join((*_LINES, *_DOTS, *_EIGHTHS))
_WORDS = re.compile(rf"[^\s{_DRAWN}]+(?: [^\s{_DRAWN}]+)*")


class _Piece(NamedTuple):
    """Characters of one style, and the classes that style them. ``lines`` are those of the ``frame`` or of a ``lane``.

    ``columns`` are the places of all characters, and of what follows them.
    """

    text: str
    row: int
    columns: Sequence[int]
    classes: tuple[str, ...]
    lines: str


def render(summary: Summary, view: View) -> str:
    """The table in colour as SVG; nothing in it is cut."""
    lines = Text.from_ansi(table.render(summary, view._replace(width=None, color=True))).split("\n")
    pieces = [piece for row, line in enumerate(lines) for piece in _pieces(line, row)]
    width = 2 * _MARGIN + _CELL * max((cell_len(line.plain) for line in lines), default=0)
    height = 2 * _MARGIN + _LINE * len(lines)
    size = f'width="{width:.1f}" height="{height:.1f}"'
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.1f} {height:.1f}" {size} role="img">',
        f"<title>{escape(summary.model.title, quote=False)}</title>",
        f"<style>\n{_FIXED}\n{_style(dark=False)}",
        f"@media (prefers-color-scheme:dark){{\n{_style(dark=True)}\n}}</style>",
        f'<rect class="page" {size}/>',
        *_strokes(pieces),
        *("".join(part for piece in row for part in _written(piece)) for _, row in groupby(pieces, lambda p: p.row)),
        "</svg>",
    ]
    return "".join(f"{part}\n" for part in drawn)


def _style(dark: bool) -> str:
    colors = {name: pair[dark] for name, pair in _COLORS.items()}
    rules = [f".{name}{{fill:{color}}}" for name, color in colors.items()]
    rules += [f".{name}-line{{stroke:{colors[name]};fill:none}}" for name in ("frame", "lane")]
    return "\n".join(rules)


def _pieces(line: Text, row: int) -> Iterator[_Piece]:
    """A line in parts of one style each. Below the table, what is drawn are lanes, which are explained there."""
    in_frame = line.plain[:1] in _LINES
    columns = list(accumulate(map(cell_len, line.plain), initial=0))
    ends = sorted({0, len(line.plain), *(end for span in line.spans for end in (span.start, span.end))})
    for start, end in pairwise(ends):
        spans = [span for span in line.spans if span.start <= start and end <= span.end]
        classes = _classes(spans)
        lines = "frame" if in_frame and "lane" not in classes else "lane"
        yield _Piece(line.plain[start:end], row, columns[start : end + 1], classes, lines)


def _classes(spans: Iterable[Span]) -> tuple[str, ...]:
    styles = [span.style for span in spans if isinstance(span.style, Style)]
    colors = [_STANDS_FOR[style.color.number] for style in styles if style.color and style.color.number in _STANDS_FOR]
    bold = ["bold"] if any(style.bold for style in styles) else []
    dim = ["dim"] if any(style.dim for style in styles) else []
    return (*(colors or ["text"]), *bold, *dim)


def _written(piece: _Piece) -> Iterator[str]:
    """Words at their places, as wide as the table has them whatever the font; the dots of lanes, the bars of shares."""
    y = _MARGIN + piece.row * _LINE
    xs = [_MARGIN + column * _CELL for column in piece.columns]
    for found in _WORDS.finditer(piece.text):
        wide = f'textLength="{xs[found.end()] - xs[found.start()]:.1f}" lengthAdjust="spacingAndGlyphs"'
        place = f'x="{xs[found.start()]:.1f}" y="{y + 13:.1f}"'
        yield f'<text class="{" ".join(piece.classes)}" {place} {wide}>{escape(found[0], quote=False)}</text>'
    for at, char in enumerate(piece.text):
        if char in _DOTS:
            name = "lane" if char == "●" else "lane-line"
            yield f'<circle class="{name}" cx="{xs[at] + _CELL / 2:.1f}" cy="{y + _LINE / 2:.1f}" r="3"/>'
    for found in re.finditer(f"[{''.join(_EIGHTHS)}]+", piece.text):
        width = sum(_EIGHTHS[char] for char in found[0]) / 8 * _CELL
        place = f'x="{xs[found.start()]:.1f}" y="{y + 4:.1f}"'
        yield f'<rect class="frame" {place} width="{width:.1f}" height="{_LINE - 7:.1f}"/>'


def _strokes(pieces: Sequence[_Piece]) -> Iterator[str]:
    """The lines of the frame and of lanes, each as long as it goes on."""
    for name in ("frame", "lane"):
        across, down = set(), set()
        for piece in pieces:
            if piece.lines != name:
                continue
            for at, char in enumerate(piece.text):
                # In half letters, so that a middle has a number.
                row, column = 2 * piece.row, 2 * piece.columns[at]
                for side in _LINES.get(char, ""):
                    if side in "lr":
                        across.add((row + 1, column + (side == "r")))
                    else:
                        down.add((column + 1, row + (side == "d")))
        path = [
            f"M{_MARGIN + first * _CELL / 2:.1f} {_MARGIN + row * _LINE / 2:.1f}h{length * _CELL / 2:.1f}"
            for row, first, length in _runs(across)
        ]
        path += [
            f"M{_MARGIN + column * _CELL / 2:.1f} {_MARGIN + first * _LINE / 2:.1f}v{length * _LINE / 2:.1f}"
            for column, first, length in _runs(down)
        ]
        if path:
            yield f'<path class="{name}-line" d="{"".join(path)}"/>'


def _runs(halves: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Half letters of a row (or a column) that follow one another, as one: the row, the first, and how many."""
    # Of those that follow one another, place and number differ by the same.
    for (row, _), group in groupby(enumerate(sorted(halves)), lambda item: (item[1][0], item[1][1] - item[0])):
        members = [half for _, (_, half) in group]
        yield row, members[0], len(members)
