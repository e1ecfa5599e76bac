"""A table that is taller than the terminal, folded until it fits."""

from __future__ import annotations

from ..analysis.named_blocks import with_blocks
from ..analysis.rows import repeats_joined, rows
from ..ir import Summary
from . import View
from .headings import under_headings

#: Lines of a table that are not rows: its border, its titles, and the prompt behind it.
_FRAME = 5


def fitted(summary: Summary, view: View, below: int, brief: int) -> tuple[Summary, View, bool]:
    """The view at the deepest level at which the table and the ``below`` lines under it fit ``view.height``.

    Where nothing does, it fits with ``brief`` lines, which is told, or else the table alone fits. At each level, equal
    rows in a row become one before the next level folds more. Of a network without modules, the blocks that its layers'
    names say are folded: it comes back with them.
    """
    assert view.height is not None
    room = view.height - _FRAME
    if len(summary.layers) <= room - below:
        return summary, view, False
    summary = with_blocks(summary)
    deepest = max((layer.path.count(".") for layer in summary.layers), default=0)
    modules = dict(summary.modules)
    candidates: list[tuple[int, View]] = []
    for depth in range(deepest, 0, -1):
        found = rows(summary, depth, view.only)
        joined = repeats_joined(found)
        candidates.append((len(under_headings(found, modules)), view._replace(depth=depth)))
        candidates.append((len(under_headings(joined, modules)), view._replace(depth=depth, repeats=True)))
    if not candidates:
        return summary, view, False
    for most, is_brief in ((room - below, False), (room - brief, True), (room, False)):
        for count, folded in candidates:
            if count <= most:
                return summary, folded, is_brief
    return summary, candidates[-1][1], False
