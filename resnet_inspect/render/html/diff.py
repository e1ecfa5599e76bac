"""The page of a comparison: what explains it, a list of changes, and both networks with what differs marked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ... import ir_json
from ...diffs import Diff
from ...ir import Layer
from ...visible import cleaned
from ..diff import DiffView
from ..diff.marks import marks
from ..diff.words import grouped, headlines, lines, totals
from .markup import table
from .network import network
from .page import page


def render(diff: Diff, view: DiffView) -> str:
    """The page; it holds the JSON documents of both networks."""
    shown = cleaned(diff)
    title, *heads = headlines(shown, view.title)
    states = marks(shown.layers)
    words = [" · ".join(line.words) for line in lines(shown, everything=True)]
    said = list(zip(shown.layers, states, words, strict=True))
    old = _side([(layer.old, state, text) for layer, state, text in said])
    new = _side([(layer.new, state, text) for layer, state, text in said])
    places = [{layer.id: at for at, layer in enumerate(side.layers)} for side in (shown.old, shown.new)]
    pairs = [
        [-1 if side is None else places[at][side.id] for at, side in enumerate((layer.old, layer.new))]
        for layer in shown.layers
    ]
    data = {
        "old": network(shown.old, *old, compared=True),
        "new": network(shown.new, *new, compared=True),
        "pairs": pairs,
        "changes": _changes(shown, ["same" if state == "follows" else state for state in states]),
        "followers": _changes(shown, [state if state == "follows" else "same" for state in states]),
    }
    head = "".join(f"<p>{escape(line)}</p>" for line in heads)
    if amounts := totals(shown, view.everything):
        head += table(("Total", "Old", "New", "Difference", "%"), amounts, (1, 2, 3, 4))
    documents = {"network-old": ir_json.dumps(diff.old), "network-new": ir_json.dumps(diff.new)}
    sources = [("Old", diff.old.model), ("New", diff.new.model)]
    return page("diff", title, head, data, documents, sources)


def _changes(diff: Diff, states: Sequence[str]) -> list[dict[str, Any]]:
    """The entries of the list: layers of which there is the same to say are one, with the words of all."""
    words = lines(diff, everything=True)
    return [
        {
            "state": states[places[0]],
            "title": [line.layer, line.type, " · ".join(line.words)] if len(places) > 1 else None,
            "layers": [[at, words[at].layer, words[at].type, " · ".join(words[at].words)] for at in places],
        }
        for line, places in grouped(diff, states)
    ]


def _side(layers: list[tuple[Layer | None, str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """States and words of one side's layers, by id."""
    states = {side.id: state for side, state, _ in layers if side is not None}
    words = {side.id: text for side, _, text in layers if side is not None and text}
    return states, words
