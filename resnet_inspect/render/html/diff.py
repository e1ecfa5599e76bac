"""The page of a comparison: what explains it, a list of changes, and both networks with what differs marked."""

from __future__ import annotations

from html import escape

from ... import ir_json
from ...diffs import Diff, LayerDiff
from ...ir import Layer
from ...visible import cleaned
from ..diff import DiffView
from ..diff.words import headlines, lines, totals
from . import table
from .network import network
from .page import page

#: Kinds of differences that are somebody's edit. Shapes and MACs follow from those of other layers.
_EDITS = frozenset(("config", "params", "edges"))


def render(diff: Diff, view: DiffView) -> str:
    """The page; it holds the JSON documents of both networks."""
    shown = cleaned(diff)
    title, *heads = headlines(shown, view.title)
    states = [state(layer) for layer in shown.layers]
    words = [" · ".join(line.words) for line in lines(shown, everything=True)]
    old = _side([(layer.old, state, text) for layer, state, text in zip(shown.layers, states, words, strict=True)])
    new = _side([(layer.new, state, text) for layer, state, text in zip(shown.layers, states, words, strict=True)])
    places = [{layer.id: at for at, layer in enumerate(side.layers)} for side in (shown.old, shown.new)]
    pairs = [
        [-1 if side is None else places[at][side.id] for at, side in enumerate((layer.old, layer.new))]
        for layer in shown.layers
    ]
    data = {
        "old": network(shown.old, *old, compared=True),
        "new": network(shown.new, *new, compared=True),
        "pairs": pairs,
        "changes": [
            {"pair": at, "state": found, "layer": layer.layer.id, "type": layer.layer.type, "words": text}
            for at, (layer, found, text) in enumerate(zip(shown.layers, states, words, strict=True))
            if found not in ("same", "follows")
        ],
    }
    head = "".join(f"<p>{escape(line)}</p>" for line in heads)
    if amounts := totals(shown, view.everything):
        head += table(("Total", "Old", "New", "Difference", "%"), amounts, (1, 2, 3, 4))
    documents = {"network-old": ir_json.dumps(diff.old), "network-new": ir_json.dumps(diff.new)}
    return page("diff", title, head, data, documents)


def state(layer: LayerDiff) -> str:
    """The layer's status; ``follows`` where no more than shapes and MACs differ, as another layer's edit made them."""
    if layer.status == "changed" and not any(change.kind in _EDITS for change in layer.changes):
        return "moved" if layer.moved else "renamed" if layer.renamed else "follows"
    return layer.status


def _side(layers: list[tuple[Layer | None, str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """States and words of one side's layers, by id."""
    states = {side.id: state for side, state, _ in layers if side is not None}
    words = {side.id: text for side, _, text in layers if side is not None and text}
    return states, words
