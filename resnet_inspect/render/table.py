"""The table on a terminal or in a pipe."""

from __future__ import annotations

from ..ir import Summary
from . import View
from .grid import grid, hidden_columns, labelled
from .selection import select, usual
from .totals import totals


def render(summary: Summary, view: View) -> str:
    """The layer table and its totals; fitted to ``view.width`` by shortening names in the middle, never numbers."""
    # What lanes show needs no column where room is scarce.
    drawn = view.rails and view.width is not None
    chosen = select(summary, view, tuple(key for key in usual(summary) if key != "connected_to" or not drawn))
    lines = [[column.text(row) for column in chosen.columns] for row in chosen.rows]
    text, hidden = grid(
        chosen.columns,
        lines,
        width=view.width,
        color=view.color,
        ascii_only=view.ascii,
        gutter=chosen.gutter,
    )
    below = totals(summary, view)
    if len(lines) != len(summary.layers):
        below.append(("Rows shown", f"{len(lines)} for {len(summary.layers)} layers"))
    return text + labelled([*below, *hidden_columns(hidden)])
