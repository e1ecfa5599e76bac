"""The comparison as a JSON document, for programs.

History of ``schema_version`` (the JSON Schema of each stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

import json
from typing import Any

from ...diffs import Diff, LayerDiff
from ...ir import Layer, Summary
from ...visible import in_json
from . import DiffView

SCHEMA_VERSION = 1


def render(diff: Diff, view: DiffView) -> str:
    """The document; nothing in it is rounded or left out."""
    return in_json(json.dumps(to_dict(diff), indent=2, ensure_ascii=False)) + "\n"


def to_dict(diff: Diff) -> dict[str, Any]:
    """The document as plain dicts and lists. What has two sides is ``[old, new]``."""
    both = [layer for layer in diff.layers if layer.old and layer.new]
    return {
        "schema_version": SCHEMA_VERSION,
        "old": _side(diff.old),
        "new": _side(diff.new),
        "differs_in": sorted(diff.kinds),
        "totals": {total.name: [total.old, total.new] for total in diff.totals},
        "causes": [
            {
                "total": cause.total,
                "amount": cause.amount,
                "difference": cause.difference,
                "what": cause.what,
                "values": [cause.old, cause.new],
                "place": cause.place,
                "layers": cause.layers,
                "followers": cause.followers,
            }
            for cause in diff.causes
        ],
        "reconciled": None if diff.reconciled is None else dict(diff.reconciled),
        "whole": {change.field: [change.old, change.new] for change in diff.whole},
        "renamings": [{"old": item.old, "new": item.new, "layers": item.layers} for item in diff.renamings],
        "added": [_presence(layer, layer.layer) for layer in diff.of("added")],
        "removed": [_presence(layer, layer.layer) for layer in diff.of("removed")],
        "renamed": [_ids(layer) for layer in both if layer.renamed],
        "moved": [
            {"ids": _ids(layer), "inputs": [layer.old.inputs, layer.new.inputs]}
            for layer in both
            if layer.moved and layer.old and layer.new
        ],
        "changed": [
            {
                "ids": _ids(layer),
                "type": layer.layer.type,
                "changes": {change.field: [change.old, change.new] for change in layer.changes},
                "connections": [change.words for change in layer.changes if change.words],
            }
            for layer in both
            if layer.changes
        ],
    }


def _side(summary: Summary) -> dict[str, Any]:
    return {"backend": summary.model.backend, "model": summary.model.name, "arguments": dict(summary.model.arguments)}


def _ids(layer: LayerDiff) -> list[str]:
    return [side.id for side in (layer.old, layer.new) if side]


def _presence(diff: LayerDiff, layer: Layer) -> dict[str, Any]:
    return {
        "id": layer.id,
        "path": layer.path,
        "type": layer.type,
        "op": layer.op,
        "output_shapes": [tensor.shape for tensor in layer.output_tensors],
        "params": layer.params,
        "macs": layer.macs,
        "skip_connection_from": diff.skip,
    }
