"""Which layers somebody edited, and which only follow from an edit."""

from __future__ import annotations

from collections.abc import Sequence

from ...diffs import LayerDiff
from ...diffs.cause import followers

#: Kinds of differences that are somebody's edit, unless they follow from another layer's.
_EDITS = frozenset(("config", "params"))


def marks(layers: Sequence[LayerDiff]) -> list[str]:
    """The status of each layer; ``follows`` where no more differs than another layer's edit has made necessary."""
    return [_mark(*each) for each in zip(layers, followers(layers), strict=True)]


def _mark(layer: LayerDiff, follows: bool) -> str:
    kinds = {change.kind for change in layer.changes}
    if layer.status == "changed" and "edges" not in kinds and (follows or not kinds & _EDITS):
        return "moved" if layer.moved else "renamed" if layer.renamed else "follows"
    return layer.status
