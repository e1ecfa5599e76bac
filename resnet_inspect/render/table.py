"""The table on a terminal or in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..analysis.facts import Facts
from ..analysis.rows import Row
from ..ir import Summary
from . import View
from .columns import Column
from .grid import grid, hidden_columns, labelled
from .kinds import STYLES, kind
from .rails import above
from .selection import Selection, select, usual
from .totals import totals

#: What lanes are drawn with, for people who see them for the first time.
_LANES = "● reads the row above, ○ doesn't; a lane leads an output (╮) to what reads it (┤ ╯)"
_LANES_IN_ASCII = "* reads the row above, o doesn't; a lane leads an output (.) to what reads it (+ ')"

#: How the totals begin that a screen has room for which is too low for all.
_BRIEF = ("Model", "Checkpoint", "Input", "Decoding", "Parameters", "Active", "MACs", "KV cache", "Training", "Unused")


def render(summary: Summary, view: View) -> str:
    """The layer table and its totals; fitted to ``view.width`` by shortening words, never numbers.

    On a terminal, rows stand below the path of their block, and those of a table that is taller than ``view.height``
    are folded; where that isn't enough, the totals are brief.
    """
    facts = Facts(summary, view.device)
    below = totals(summary, view, facts)
    shown, folded, is_brief = summary, view, False
    if view.height is not None:
        from .screen import fitted

        brief = [line for line in below if line[0].startswith(_BRIEF)]
        shown, folded, is_brief = fitted(summary, view, len(below) + 2, len(brief) + 2)
        below = brief if is_brief else below
    # What lanes show needs no column where room is scarce.
    drawn = view.rails and view.width is not None
    default = tuple(key for key in usual(summary, view) if key != "connected_to" or not drawn)
    chosen = select(shown, folded, default, facts=facts)
    if any(len(rail) > 1 for rail in chosen.gutter):
        below.append(("Lanes", _LANES_IN_ASCII if view.ascii else _LANES))
    if again := _called_again(chosen):
        below.append(("Calls", again))
    if len(chosen.rows) != len(summary.layers):
        why = ""
        if folded != view:
            why = f": --all shows {'everything' if is_brief else 'each'}"
            why += ", --depth N another level" if shown is summary else ""
        below.append(("Rows shown", f"{len(chosen.rows)} for {len(summary.layers)} layers{why}"))
    text, hidden = _table(chosen, shown, view)
    return text + labelled([*below, *hidden_columns(hidden)], view.width)


def _called_again(chosen: Selection) -> str:
    """What ``relu:2`` means, if a row is called so."""
    for row in chosen.rows:
        path, colon, call = row.id.rpartition(":")
        if colon and path == row.path and call.isdecimal():
            return f"{row.id} is call {call} of {path}"
    return ""


class _Line(NamedTuple):
    """A line of the table as ``grid`` takes it."""

    cells: list[str]
    rail: str
    styles: Sequence[str]
    scope: int = 0
    is_heading: bool = False


def _table(chosen: Selection, summary: Summary, view: View) -> tuple[str, tuple[Column, ...]]:
    """The drawn rows, and the columns that are hidden."""
    columns = chosen.columns
    cells = [[column.text(row) for column in columns] for row in chosen.rows]
    styles = [_styles(row, columns, line) for row, line in zip(chosen.rows, cells, strict=True)] if view.color else []
    rails = chosen.gutter or [""] * len(cells)
    lines = [_Line(line, rail, style) for line, rail, style in zip(cells, rails, styles or cells, strict=True)]
    if view.width is not None and chosen.in_order and columns[0].key == "path":
        lines = _under_headings(lines, chosen, summary, view)
    return grid(
        columns,
        [line.cells for line in lines],
        width=view.width,
        color=view.color,
        ascii_only=view.ascii,
        gutter=[line.rail for line in lines] if chosen.gutter else (),
        scopes=[line.scope for line in lines],
        headings={at for at, line in enumerate(lines) if line.is_heading},
        styles=[line.styles for line in lines] if styles else (),
    )


def _under_headings(lines: Sequence[_Line], chosen: Selection, summary: Summary, view: View) -> list[_Line]:
    """The same lines by shorter names, below the paths of their blocks. Lanes come down through a heading."""
    from .headings import under_headings

    found: list[_Line] = []
    for line in reversed(under_headings(chosen.rows, dict(summary.modules))):
        if line.row is not None:
            row = lines[line.row]
            found.append(row._replace(cells=[line.name, *row.cells[1:]], scope=line.scope))
        else:
            rail = found[-1].rail
            through = f"{above(rail, view.ascii):<{len(rail)}}"
            found.append(_Line([line.name, line.type], through, (), is_heading=True))
    return found[::-1]


def _styles(row: Row, columns: Sequence[Column], cells: Sequence[str]) -> list[str]:
    """The type in the colour of its kind; zeros recede."""
    colored = STYLES[kind(row.layers[0].op)] if len(row.layers) == 1 else ""
    return [
        colored if column.key == "type" else "dim" if column.number and cell == "0" else ""
        for column, cell in zip(columns, cells, strict=True)
    ]
