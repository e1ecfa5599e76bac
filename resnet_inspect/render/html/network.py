"""What a page needs of one network beside its JSON document: the tree, amounts and words by node, edges and blocks.

All of it is what the terminal's tables and drawings show, from the same functions. Lists are columns of equal length,
which pack small; a layer is named by its position in the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ... import units
from ...analysis.facts import Facts
from ...analysis.memory import alive, live_bytes
from ...analysis.metrics import metric
from ...analysis.metrics.metric import Metric, largest
from ...analysis.residual import Block, residual_blocks
from ...explain.derivation import counts
from ...ir import Layer, Summary, sum_known
from ...visible import line
from .. import View
from ..columns import Column, choose
from ..picture import family, shortcuts
from ..selection import usual
from .tree import Node, tree

#: Words of a node, then amounts, in the order of the table's columns.
_WORDS = ("type", "output", "input", "dtype", "attributes", "tensors")
_AMOUNTS = (
    "params",
    "macs",
    "activation_bytes",
    "saved_bytes",
    "live_bytes",
    "param_bytes",
    "trainable",
    "frozen",
    "statistics",
    "rf",
)
#: How a page words an amount: by a function of the same name in its ``units.js``.
_WORDED: dict[Callable[[Any], str], str] = {
    units.exact: "exact",
    units.plain: "exact",
    units.si: "si",
    units.binary: "binary",
}
#: The largest whole number that JavaScript's numbers tell from its neighbours.
_MOST_EXACT = 2**53 - 1
#: So many tensors are listed that are alive at the peak.
_ALIVE = 12


def network(
    summary: Summary,
    states: Mapping[str, str] | None = None,
    said: Mapping[str, str] | None = None,
    *,
    compared: bool = False,
    facts: Facts | None = None,
) -> dict[str, Any]:
    """The data of a summary whose strings are all visible.

    ``states`` are those of a comparison's layers, or of a check's, by id, and ``said`` is what there is to say of each.
    ``compared``: what is held together is what has the same state. ``facts`` are the summary's, where somebody else
    asks for them too.
    """
    facts = facts or Facts(summary)
    nodes = tree(summary, states if compared else None, facts)
    place = {layer.id: index for index, layer in enumerate(summary.layers)}
    blocks = residual_blocks(summary)
    return {
        "title": line(summary.model.title),
        "hasGraph": summary.has_graph,
        "shown": [key for key in usual(summary, View()) if key not in ("path", "connected_to")],
        "nodes": {
            "parent": [node.parent for node in nodes],
            "id": [node.row.id for node in nodes],
            "label": [node.label for node in nodes],
            "family": [_family(node) for node in nodes],
            "layer": [place[node.row.id] if node.is_layer else -1 for node in nodes],
            "count": [node.count for node in nodes],
            "run": [int(node.is_run) for node in nodes],
        },
        "words": [_words(column, nodes) for column in choose(_WORDS)],
        "columns": [_column(key, nodes, summary.layers) for key in _AMOUNTS],
        "edges": list(_edges(summary, place, blocks)),
        "blocks": [_block(block, place) for block in blocks],
        "formulas": formulas(summary.layers),
        "memory": _memory(summary, facts),
        "marks": _marks(nodes, states or {}),
        "notes": {str(place[id_]): text for id_, text in (said or {}).items() if id_ in place},
    }


def _marks(nodes: Sequence[Node], states: Mapping[str, str]) -> dict[str, str]:
    """What is marked, by node: a layer or module with one state, and the modules around one (``holds``)."""
    found = {}
    for index, node in enumerate(nodes if states else ()):
        inside = {states.get(layer.id, "same") for layer in node.row.layers}
        only = inside.pop() if len(inside) == 1 else "holds" if inside - {"same", "follows"} else "follows"
        if only != "same" and index:
            found[str(index)] = only
    return found


def _family(node: Node) -> str:
    return family(node.row.layers) if node.is_layer else "module"


def _words(column: Column, nodes: Sequence[Node]) -> dict[str, Any]:
    """The texts of a column by node, whole: where there is room for few of them, the page cuts."""
    texts = [units.plain(column.value(node.row) or "") if node.row.layers else "" for node in nodes]
    return {"key": column.key, "title": column.title, "texts": texts}


def _column(key: str, nodes: Sequence[Node], layers: Sequence[Layer]) -> dict[str, Any]:
    """The amounts of one metric by node.

    ``texts`` are those that its word doesn't give, as ``4.09 G + n/a``, and ``known`` are the known parts of these.
    """
    measured, facts = metric(key), nodes[0].row.facts
    own = {layer.id: measured.of_layer(layer, facts) for layer in layers}
    amounts = _folded(measured, nodes, own)
    texts, known = {}, {}
    for index, (node, amount) in enumerate(zip(nodes, amounts, strict=True)):
        if amount is None or isinstance(amount, str):
            texts[str(index)] = measured.text(node.row.layers, facts) if node.row.layers else ""
            if measured.fold is sum_known and (part := _known(measured, node.row.layers, own)):
                known[str(index)] = _number(part)
    return {
        "key": key,
        "title": measured.title,
        "word": _WORDED[measured.word],
        "amounts": [_number(amount) for amount in amounts],
        "texts": {index: text for index, text in texts.items() if text != units.NOT_AVAILABLE},
        "known": known,
    }


def _folded(measured: Metric[Any], nodes: Sequence[Node], own: Mapping[str, Any]) -> list[Any]:
    """The amount of each node, None of one without layers."""
    if measured.fold not in (sum_known, largest):
        rows = [node.row.layers for node in nodes]
        return [measured.fold(own[layer.id] for layer in layers) if layers else None for layers in rows]
    # A sum of sums is the sum, and so with the largest: each layer is looked at once, however deep it stands.
    amounts: list[Any] = [None] * len(nodes)
    inside: list[list[Any]] = [[] for _ in nodes]
    for index in range(len(nodes) - 1, -1, -1):
        node = nodes[index]
        if node.row.layers:
            amounts[index] = own[node.row.layers[0].id] if node.is_layer else measured.fold(inside[index])
            if index:
                inside[node.parent].append(amounts[index])
    return amounts


def _known(measured: Metric[Any], layers: Sequence[Layer], own: Mapping[str, Any]) -> int:
    """The part of an unknown sum that is known: of all layers but those whose own isn't, and of what these say."""
    said = measured.known or (lambda layer: 0)
    return sum(said(layer) if own[layer.id] is None else own[layer.id] for layer in layers)


def _number(amount: int | str | None) -> int | str | None:
    """An amount as JavaScript can read it: digits where its own numbers would round, and no words."""
    if isinstance(amount, str) or amount is None:
        return None
    return amount if abs(amount) <= _MOST_EXACT else str(amount)


def _edges(summary: Summary, place: dict[str, int], blocks: Sequence[Block]) -> Iterable[tuple[int | str, ...]]:
    """Source and target of each edge; of a shortcut also its kind, and the block that it belongs to or -1."""
    marks = shortcuts(summary, blocks)
    for layer in summary.layers:
        for source in dict.fromkeys(layer.inputs):
            mark = marks.get((source, layer.id))
            ends = (place[source], place[layer.id])
            yield ends if mark is None else (*ends, mark.kind, mark.block)


def _block(block: Block, place: dict[str, int]) -> dict[str, Any]:
    return {
        "kind": block.kind,
        "form": block.form,
        "join": place[block.join],
        "inside": [place[member] for member in (*block.branch, *block.shortcut)],
        "breaks": list(block.breaks),
    }


def formulas(layers: Sequence[Layer]) -> dict[str, Any]:
    """The formulas of parameters and MACs, by layer: which of the ``texts``, and the numbers of its symbols in order.

    The page puts these in. A number that no formula gives has none.
    """
    texts: dict[str, int] = {}
    of: dict[str, dict[str, list[int | str | None]]] = {}
    for index, layer in enumerate(layers):
        for each in counts(layer):
            if each.formula is not None:
                numbers = [_number(value) for _, value in each.symbols]
                number = texts.setdefault(each.formula.text, len(texts))
                of.setdefault(str(index), {})[each.quantity] = [number, *numbers]
    return {"texts": list(texts), "of": of}


def _memory(summary: Summary, facts: Facts) -> dict[str, Any] | None:
    """Live bytes by layer, and at the peak the largest outputs that are alive: their layers, and bytes.

    None where sizes aren't known.
    """
    if not summary.has_graph:
        return None
    live = list(facts.of(live_bytes).values())
    known = [amount for amount in live if amount is not None]
    if len(known) != len(live) or not known:
        return None
    peak = known.index(max(known))
    place = {layer.id: index for index, layer in enumerate(summary.layers)}
    outputs = sorted(((size or 0, place[id_]) for id_, size in alive(summary, peak).items()), reverse=True)
    return {
        "live": [_number(amount) for amount in live],
        "peak": peak,
        "alive": [[layer, _number(size)] for size, layer in outputs[:_ALIVE] if size],
        "others": max(0, sum(size > 0 for size, _ in outputs) - _ALIVE),
    }
