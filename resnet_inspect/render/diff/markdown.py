"""GitHub-flavoured Markdown, for a comment on a pull request."""

from __future__ import annotations

from ...diffs import Diff
from ..markdown import escape, table_row
from . import DiffView
from .words import headlines, lines, totals


def render(diff: Diff, view: DiffView) -> str:
    """Headlines, a table of the totals, a table of what changed."""
    heads = headlines(diff, view.title)
    text = [f"### {escape(heads[0])}", "", *(f"- {escape(head)}" for head in heads[1:])]
    if found := totals(diff, view.everything):
        text += ["", table_row(["Total", "Old", "New", "Difference", "%"]), table_row([":---", *["---:"] * 4])]
        text += [table_row([escape(cell.strip()) for cell in cells]) for cells in found]
    if listed := lines(diff, view.everything):
        text += ["", table_row(["", "Layer", "Type", "Change"]), table_row([":---"] * 4)]
        for line in listed:
            cells = [line.layer, line.type, " · ".join(line.words)]
            text.append(table_row([line.sign, *map(escape, cells)]))
    return "\n".join(text) + "\n"
