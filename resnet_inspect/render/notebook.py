"""What a notebook shows: HTML that folds without a script, in the colours of the page, for summaries and findings.

Styles stand in the elements: a style sheet would reach the rest of the page, and a notebook that isn't trusted would
lose it.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

from .. import checks, diffs, ir
from ..analysis.facts import Facts
from ..analysis.named_blocks import with_blocks
from ..analysis.rows import Row, rows
from ..visible import cleaned
from . import View, render
from .check.words import SAID, said, verdict
from .columns import Column, choose
from .diff import words as diff_words
from .fitting import shorten
from .grid import labelled
from .report import Report, footnotes
from .selection import usual
from .totals import totals
from .width import width

#: So many boxes of a picture are seen at once; and so many are drawn where no level has fewer.
_BOXES, _MOST_BOXES = 28, 200
#: Where a network has more rows, its deepest modules are folded for good: a browser has to open the page.
_ROWS = 5000
#: So many modules stand inside of one another; a browser ends at a few hundred.
_LEVELS = 12
#: Characters of a cell, and between two of them.
_WIDEST, _BETWEEN = 60, 2
#: Characters of a name that is shown in full where somebody points at it.
_LONGEST = 500
#: So many differences are shown before anybody asks.
_LINES = 20

_PLAIN = "font-family:monospace;text-align:left"
#: The signs that fold a module hang in the padding, so that the columns of all lines stand below one another.
_FOLDING = "white-space:pre;line-height:1.4;overflow-x:auto;padding:.5em 0 .5em 1.5em"


def summary(shown: ir.Summary) -> str:
    """The graph at the deepest level that is seen at once, the layers below their modules, and the totals.

    Modules are open as far as the picture shows what is in them; blocks that names alone say are modules here.
    """
    facts = Facts(cleaned(shown))
    if len(shown.layers) > _BOXES:
        shown = with_blocks(shown)
    depth = _deepest(shown, _BOXES)
    is_drawn = shown.has_graph and len(rows(shown, depth)) <= _MOST_BOXES
    drawn = _drawing(shown, depth) if is_drawn else ""
    shown = cleaned(shown)
    below = f'<div style="white-space:pre-wrap">{escape(labelled(totals(shown, View())))}</div>'
    return f'<div style="{_PLAIN}">{drawn}<div style="{_FOLDING}">{_layers(shown, depth, facts)}</div>{below}</div>'


def diff(found: diffs.Diff) -> str:
    """Headlines, the totals that differ, and a line for each difference; many of them are folded."""
    found = cleaned(found)
    first, *more = diff_words.headlines(found)
    text = f"<div><b>{escape(first)}</b></div>" + "".join(f"<div>{escape(head)}</div>" for head in more)
    if amounts := diff_words.totals(found, False):
        text += _table(("Total", "Old", "New", "Difference", "%"), amounts, numbers=(1, 2, 3, 4))
    if listed := diff_words.lines(found, False):
        cells = [(each.sign, each.layer, each.type, " · ".join(each.words)) for each in listed]
        changes = f"{len(listed)} difference{'s' * (len(listed) > 1)}"
        text += _fold(changes, _table(("", "Layer", "Type", "Change"), cells), is_open=len(listed) <= _LINES)
    return f'<div style="{_PLAIN}">{text}</div>'


def checked(found: checks.Checked) -> str:
    """The verdict, a line for each rule, and what differs from baselines."""
    # What a baseline found cleans itself below, and nothing may be cleaned twice.
    differing = [finding.diff for outcome in found.outcomes for finding in outcome.findings if finding.diff is not None]
    name, outcomes = cleaned((found.name, [(o.rule, SAID[o.level], said(o)) for o in found.outcomes]))
    table = _table(("Rule", "", "Found"), [(rule, word, "\n".join(words)) for rule, word, words in outcomes])
    folded = "".join(_fold("What differs", diff(each)) for each in differing)
    below = f"{folded}<div>{escape(verdict([found]))}</div>"
    return f'<div style="{_PLAIN}"><div><b>{escape(name)}</b></div>{table}{below}</div>'


def report(found: Report) -> str:
    """The rows, and what stands below them."""
    found = cleaned(found)
    cells = [[column.show(row[column.key]) for column in found.columns] for row in found.rows]
    numbers = [place for place, column in enumerate(found.columns) if column.number]
    table = _table([column.title for column in found.columns], cells, numbers) if cells else ""
    below = escape(labelled([*found.facts, *footnotes(found)]))
    return f'<div style="{_PLAIN}">{table}<div style="white-space:pre-wrap">{below}</div></div>'


def _deepest(shown: ir.Summary, most: int) -> int | None:
    """The deepest level that has at most so many rows, None for every layer; the highest one where none has."""
    if len(shown.layers) <= most:
        return None
    levels = range(1, max(layer.path.count(".") for layer in shown.layers) + 1)
    return max(bisect_right(levels, most, key=lambda depth: len(rows(shown, depth))), 1)


def _drawing(shown: ir.Summary, depth: int | None) -> str:
    """The graph as an image: on the page itself, its style would reach other pictures. Where it is long, it scrolls."""
    data = base64.b64encode(render(shown, "svg", View(depth=depth)).encode()).decode()
    image = f'<img alt="The graph" src="data:image/svg+xml;base64,{data}" style="max-width:100%">'
    return f'<div style="max-height:80em;overflow-y:auto">{image}</div>'


class _Entry(NamedTuple):
    """A line: a row of the table, or the sums of a module. ``name`` is what isn't said by the modules around it."""

    row: Row
    name: str
    level: int
    is_module: bool = False


def _layers(shown: ir.Summary, depth: int | None, facts: Facts) -> str:
    """A line for each layer, below that of its module, which folds it."""
    columns = choose([key for key in usual(shown, View()) if key != "connected_to"])
    found = rows(shown, _deepest(shown, _ROWS), facts=facts)
    entries = list(_entries(found, dict(shown.modules), Counter()))
    titles = [column.title for column in columns]
    cells = [[] if entry is None else _cells(entry, columns) for entry in entries]
    widths = [min(max(map(width, column)), _WIDEST) for column in zip(titles, *filter(None, cells), strict=True)]
    lines = [f"<div><b>{_line(titles, columns, widths)}</b></div>"]
    for entry, texts in zip(entries, cells, strict=True):
        if entry is None:
            lines.append("</details>")
        elif entry.is_module:
            is_open = depth is None or entry.row.path.count(".") + 1 < depth
            head = f'<summary style="list-style-position:outside">{_line(texts, columns, widths)}</summary>'
            lines.append(f"<details{' open' * is_open}>{head}")
        else:
            lines.append(f"<div>{_line(texts, columns, widths, shorten(entry.row.id, _LONGEST))}</div>")
    return "".join(lines)


def _entries(
    found: Sequence[Row], modules: Mapping[str, str], seen: Counter[str], around: str = "", level: int = 0
) -> Iterator[_Entry | None]:
    """The rows in their order, those of a module behind the module's own line and before None, which ends it."""
    start = around.count(".") + 1 if around else 0
    for path, group in groupby(found, lambda row: ".".join(row.path.split(".")[: start + 1])):
        members = list(group)
        shared = _shared(members) if level < _LEVELS else path
        if len(members) == 1 or level == _LEVELS or any(row.path == shared for row in members):
            yield from (_Entry(row, row.id.removeprefix(f"{around}."), level) for row in members)
            continue
        layers = tuple(layer for row in members for layer in row.layers)
        again = f" (continued, {seen[shared]})" if seen[shared] else ""
        seen[shared] += 1
        row = Row(shared, shared, modules.get(shared, ""), layers, (), shared.count("."), members[0].facts)
        yield _Entry(row, shared + again, level, is_module=True)
        yield from _entries(members, modules, seen, shared, level + 1)
        yield None


def _shared(members: Iterable[Row]) -> str:
    """The innermost module that all of the rows are in, or their common path."""
    first, *others = (row.path.split(".") for row in members)
    same = len(first)
    for parts in others:
        same = next((at for at in range(min(same, len(parts))) if parts[at] != first[at]), min(same, len(parts)))
    return ".".join(first[:same])


def _cells(entry: _Entry, columns: Sequence[Column]) -> list[str]:
    return [f"{'  ' * entry.level}{entry.name}", *(column.text(entry.row) for column in columns[1:])]


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], whole: str = "") -> str:
    """Cells below one another by spaces, names to the left. ``whole`` is what the first one is called in full."""
    parts = []
    for place, (cell, column, room) in enumerate(zip(cells, columns, widths, strict=True)):
        short = shorten(cell, room)
        # Spaces stand beside letters: what makes pages of notebooks drops those between elements.
        space, between = " " * (room - width(short)), " " * _BETWEEN
        if column.number:
            text = f"{space}{escape(short)}{between}"
            parts.append(f'<span style="opacity:.5">{text}</span>' if short == "0" else text)
        else:
            # Letters that are read from the right stay in their own cell.
            title = f' title="{escape(whole)}"' if whole and not place else ""
            parts.append(f"<bdi{title}>{escape(short)}{space}{between}</bdi>")
    return "".join(parts)


def _fold(title: str, text: str, is_open: bool = False) -> str:
    return f"<details{' open' * is_open}><summary>{escape(title)}</summary>{text}</details>"


def _table(titles: Sequence[str], lines: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Cells, those in the columns of ``numbers`` to the right; a line break in one stays one."""
    styles = ["text-align:" + ("right;white-space:nowrap" if at in numbers else "left") for at in range(len(titles))]

    def row(cells: Sequence[str], tag: str) -> str:
        texts = (escape(cell.strip()).replace("\n", "<br>") for cell in cells)
        return "".join(f'<{tag} style="{style}">{text}</{tag}>' for style, text in zip(styles, texts, strict=True))

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in lines)
    return f"<table><thead><tr>{row(titles, 'th')}</tr></thead><tbody>{body}</tbody></table>"
