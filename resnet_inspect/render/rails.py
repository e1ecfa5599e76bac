"""The gutter of a table: lanes as ``git log --graph`` draws branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..analysis.rails import Rail, rails
from ..analysis.rows import Row

#: So many lanes are drawn; of more, the gutter says how many there are.
LIMIT = 8


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What a gutter is drawn with.

    A row is ``follows`` if it reads the row above, else ``starts``. Where a lane meets the row: it opens, is read and
    goes on, or closes, each ``(as the row's outermost lane, with the row's line going on)``. A lane that has nothing to
    do with the row passes, and cuts the row's line.
    """

    follows: str
    starts: str
    line: str
    passes: str
    opens: tuple[str, str]
    reads: tuple[str, str]
    closes: tuple[str, str]


UNICODE = Glyphs("●", "○", "─", "│", ("╮", "┬"), ("┤", "┼"), ("╯", "┴"))
ASCII = Glyphs("*", "o", "-", "|", (".", "."), ("+", "+"), ("'", "'"))


def gutter(rows: Sequence[Row], ascii_only: bool = False, limit: int = LIMIT) -> list[str]:
    """One text a row, all of one width."""
    glyphs = ASCII if ascii_only else UNICODE
    drawn = []
    active: set[int] = set()
    hidden = 0
    for rail in rails(rows):
        met = _met(rail, glyphs)
        shown = {lane: pair for lane, pair in met.items() if lane < limit}
        beyond = len(shown) < len(met)
        outermost = limit if beyond else max(shown, default=-1)
        text = glyphs.follows if rail.follows else glyphs.starts
        for lane in range(min(limit, max([*active, outermost], default=-1) + 1)):
            glyph = glyphs.passes if lane in active else glyphs.line if lane < outermost else " "
            if lane in shown:
                glyph = shown[lane][lane < outermost]
            text += (glyphs.line if lane <= outermost else " ") + glyph
        hidden += (rail.opens is not None and rail.opens >= limit) - sum(lane >= limit for lane in rail.closes)
        active -= set(rail.closes)
        if rail.opens is not None and rail.opens < limit:
            active.add(rail.opens)
        if beyond or hidden:
            text = f"{text:<{2 * limit + 1}}" + (glyphs.line if beyond else " ") + f"+{hidden}"
        drawn.append(text)
    width = max(map(len, drawn), default=0)
    return [f"{text:<{width}}" for text in drawn]


def above(line: str, ascii_only: bool = False) -> str:
    """What comes down to a row whose gutter is ``line``, for a line above it that is not a row."""
    glyphs = ASCII if ascii_only else UNICODE
    down = {glyphs.follows, glyphs.passes, *glyphs.reads, *glyphs.closes}
    return "".join(
        glyphs.passes if place % 2 == 0 and place <= 2 * LIMIT and glyph in down else " "
        for place, glyph in enumerate(line)
    )


def _met(rail: Rail, glyphs: Glyphs) -> dict[int, tuple[str, str]]:
    met = dict.fromkeys(rail.reads, glyphs.reads) | dict.fromkeys(rail.closes, glyphs.closes)
    return met if rail.opens is None else {**met, rail.opens: glyphs.opens}
